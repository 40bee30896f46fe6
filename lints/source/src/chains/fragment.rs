//! Pieces of SQL under construction, which know the Rust that they stand for.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use tenantry_prover::verdict::Nullability;
use tenantry_span::Span;

use crate::read::shorten;
use crate::{Bind, Condition, HoleKind, Piece, Provenance, ProvenanceKind, SqlText};

/// How many parts a fragment may have. What is longer is made by doubling, not by hand.
const MAX_PARTS: usize = 20_000;

/// A part of a statement. Whoever nests one into another writes parentheses around it, so that no precedence is asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragment {
    parts: Vec<Part>,
    /// What it was put together from, where that is known.
    made: Option<Rc<Made>>,
    /// It grew too large, and is one hole whatever is added.
    overgrown: bool,
}

/// Two conditions in one: `(a AND b) word c`.
#[derive(Debug)]
struct Made {
    before: Vec<Fragment>,
    word: Word,
    more: Fragment,
    span: Span,
}

/// What stands between two conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    And,
    Or,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// What the library writes, or what is written in the source.
    Piece(Rc<Piece>),
    /// A value that the library binds.
    Bind(Rc<Bind>),
    /// A condition of the function around, as a value that nobody knows.
    Flag(Flag),
}

/// A condition under which something was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flag {
    condition: Span,
    /// Which of the values it is that depend on the condition: no two of them need agree.
    join: u64,
    /// What is added, where nothing is added otherwise.
    filter: Option<Span>,
}

/// How it was put together is no part of what it says.
impl PartialEq for Fragment {
    fn eq(&self, other: &Fragment) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Fragment {}

impl Fragment {
    /// SQL that stands for the expression at `span`.
    pub(crate) fn text(text: impl Into<String>, span: Span) -> Fragment {
        Fragment::of(Piece::Built { text: text.into(), span })
    }

    /// A name, quoted as the database asks for it.
    pub(crate) fn name(name: impl Into<String>, span: Span) -> Fragment {
        Fragment::of(Piece::Name { name: name.into(), span })
    }

    /// A part that is not known, with the reason.
    pub(crate) fn hole(span: Span, written: &str, why: impl Into<String>) -> Fragment {
        let kind = HoleKind::Unread(why.into());
        Fragment::of(Piece::Hole { span, text: shorten(written), kind })
    }

    /// A bound value.
    pub(crate) fn bind(bind: Bind) -> Fragment {
        Fragment::made_of(Part::Bind(Rc::new(bind)))
    }

    /// A part of a text that is written in the source.
    pub(crate) fn of(piece: Piece) -> Fragment {
        Fragment::made_of(Part::Piece(Rc::new(piece)))
    }

    fn made_of(part: Part) -> Fragment {
        Fragment { parts: vec![part], made: None, overgrown: false }
    }

    /// True if it is the text of nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// True if it is a single value that is bound.
    pub(crate) fn is_bind(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Bind(_)])
    }

    /// True if it is a single part that is not known.
    pub(crate) fn is_hole(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Piece(piece)] if matches!(**piece, Piece::Hole { .. }))
    }

    /// The place that it stands for: from its first part to its last, where both lie in one file.
    pub(crate) fn span(&self) -> Option<Span> {
        let spans = self.parts.iter().map(Part::span);
        spans.reduce(|all, one| if all.file == one.file { cover(all, one) } else { all })
    }

    /// It, and then the other.
    pub(crate) fn then(mut self, mut other: Fragment) -> Fragment {
        if self.overgrown || other.is_empty() {
            return self;
        }
        if other.overgrown || self.is_empty() {
            return other;
        }
        if self.parts.len() + other.parts.len() > MAX_PARTS {
            let Some(span) = self.parts.first().map(Part::span) else { return self };
            let whole = Fragment::hole(span, "…", "the query is too large to be followed");
            return Fragment { overgrown: true, ..whole };
        }
        self.made = None;
        self.parts.append(&mut other.parts);
        self
    }

    /// All of `before` and, or, one condition more, in parentheses.
    pub(crate) fn connected(before: Vec<Fragment>, word: Word, more: Fragment, span: Span) -> Fragment {
        let all = match before.as_slice() {
            // It stands in parentheses where it is more than one thing.
            [one] => one.clone(),
            all => Fragment::joined(all.iter().cloned(), " AND ", span).nested(span),
        };
        let between = match word {
            Word::And => " AND ",
            Word::Or => " OR ",
        };
        let whole = all.write(between, span).then(more.clone()).nested(span);
        Fragment { made: Some(Rc::new(Made { before, word, more, span })), ..whole }
    }

    /// The condition that was `holds` where `condition` held, and `otherwise` where it did not.
    pub(crate) fn join(holds: Fragment, otherwise: Fragment, condition: Span) -> Fragment {
        if holds == otherwise {
            return holds;
        }
        let (one, other) = (std::slice::from_ref(&holds), std::slice::from_ref(&otherwise));
        match Fragment::added(&holds, other, condition, true)
            .or_else(|| Fragment::added(&otherwise, one, condition, false))
        {
            Some(joined) => joined,
            None => Fragment::either(holds, otherwise, condition),
        }
    }

    /// What is known to begin with all of `before`, with the rest of it where the condition held, or did not. Like this
    /// the text grows with what is added and not with what was there.
    pub(crate) fn added(
        whole: &Fragment,
        before: &[Fragment],
        condition: Span,
        holds: bool,
    ) -> Option<Fragment> {
        let mut added = Vec::new();
        let mut made = whole.made.as_ref()?;
        while made.before != before {
            added.push(made);
            let [one] = made.before.as_slice() else { return None };
            made = one.made.as_ref()?;
        }
        added.push(made);
        let is_loose = before.iter().chain(added.iter().map(|made| &made.more)).any(Fragment::is_loose);
        if is_loose {
            return None;
        }
        let mut all = before.to_vec();
        for made in added.into_iter().rev() {
            let more = match made.word {
                Word::And => made.more.clone().if_holds(condition),
                Word::Or => made.more.clone().only_if(condition, holds),
            };
            all = vec![Fragment::connected(all, made.word, more, made.span)];
        }
        all.pop()
    }

    /// It, where the condition holds or, as it is asked for, does not hold; false otherwise.
    fn only_if(self, condition: Span, holds: bool) -> Fragment {
        let flag = Fragment::flag(condition, self.print(), None);
        let flag = if holds { flag } else { Fragment::text("NOT ", condition).then(flag) };
        flag.write(" AND ", condition).then(self.nested(condition)).nested(condition)
    }

    /// It, and then text that the library writes at `span`.
    pub(crate) fn write(self, text: impl Into<String>, span: Span) -> Fragment {
        self.then(Fragment::text(text, span))
    }

    /// It with another name in the place of one.
    pub(crate) fn renamed(mut self, from: &str, to: &str) -> Fragment {
        self.made = None;
        for part in &mut self.parts {
            let Part::Piece(piece) = part else { continue };
            if let Piece::Name { name, span } = &**piece
                && name == from
            {
                *piece = Rc::new(Piece::Name { name: to.to_owned(), span: *span });
            }
        }
        self
    }

    /// In parentheses.
    pub(crate) fn nested(self, span: Span) -> Fragment {
        Fragment::text("(", span).then(self).write(")", span)
    }

    /// True for SQL of the source that stands in no parentheses: what follows it may belong to a part of it.
    pub(crate) fn is_loose(&self) -> bool {
        let nested = self.parts.first().and_then(Part::built).is_some_and(|text| text.starts_with('('));
        let literal =
            |part: &Part| matches!(part, Part::Piece(piece) if matches!(**piece, Piece::Literal { .. }));
        !nested && self.parts.iter().any(literal)
    }

    /// It without the text that it ends in.
    pub(crate) fn without_end(mut self, end: &str) -> Option<Fragment> {
        self.made = None;
        let last = self.parts.pop()?;
        (last.built()? == end).then_some(self)
    }

    /// The call of a function, with a word in front of its arguments.
    pub(crate) fn with_argument(mut self, word: &str, span: Span) -> Option<Fragment> {
        let begins = self.parts.first()?.built()?;
        if !begins.ends_with('(') || begins.len() < 2 {
            return None;
        }
        self.made = None;
        let word = Piece::Built { text: word.to_owned(), span };
        self.parts.insert(1, Part::Piece(Rc::new(word)));
        Some(self)
    }

    /// ` = ANY(list)`, or ` != ALL(list)`, of a list that is bound as a whole.
    pub(crate) fn list(bound: Fragment, any: bool, span: Span) -> Fragment {
        let before = if any { " = ANY(" } else { " != ALL(" };
        Fragment::text(before, span).then(bound).write(")", span)
    }

    /// All of them, with a separator between two.
    pub(crate) fn joined(all: impl IntoIterator<Item = Fragment>, separator: &str, span: Span) -> Fragment {
        let mut whole = Fragment::default();
        for (at, one) in all.into_iter().enumerate() {
            if at > 0 {
                whole = whole.write(separator, span);
            }
            whole = whole.then(one);
        }
        whole
    }

    /// The filter, where the condition holds: `(placeholder OR filter)`.
    pub(crate) fn if_holds(self, condition: Span) -> Fragment {
        let span = self.span().unwrap_or(condition);
        Fragment::flag(condition, self.print(), Some(span))
            .write(" OR ", condition)
            .then(self.nested(condition))
            .nested(condition)
    }

    /// One filter where the condition holds, the other one where it does not.
    pub(crate) fn either(holds: Fragment, otherwise: Fragment, condition: Span) -> Fragment {
        let join = holds.print() ^ otherwise.print().rotate_left(1);
        let flag = || Fragment::flag(condition, join, None);
        let first = flag().write(" AND ", condition).then(holds.nested(condition)).nested(condition);
        let negated = Fragment::text("NOT ", condition).then(flag()).write(" AND ", condition);
        let second = negated.then(otherwise.nested(condition)).nested(condition);
        first.write(" OR ", condition).then(second).nested(condition)
    }

    /// One value where the condition holds, the other one where it does not.
    pub(crate) fn either_value(holds: Fragment, otherwise: Fragment, condition: Span) -> Fragment {
        let flag = Fragment::flag(condition, holds.print() ^ otherwise.print().rotate_left(1), None);
        Fragment::text("CASE WHEN ", condition)
            .then(flag)
            .write(" THEN ", condition)
            .then(holds.nested(condition))
            .write(" ELSE ", condition)
            .then(otherwise.nested(condition))
            .write(" END", condition)
            .nested(condition)
    }

    fn flag(condition: Span, join: u64, filter: Option<Span>) -> Fragment {
        Fragment::made_of(Part::Flag(Flag { condition, join, filter }))
    }

    /// A number that tells it from others.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for part in &self.parts {
            let span = part.span();
            (span.range.start, span.range.end).hash(&mut hasher);
            match part {
                Part::Piece(piece) => match &**piece {
                    Piece::Built { text, .. } | Piece::Hole { text, .. } => text.hash(&mut hasher),
                    Piece::Name { name, .. } => name.hash(&mut hasher),
                    Piece::Literal { value, .. } => value.hash(&mut hasher),
                    Piece::Placeholder { number, .. } => number.hash(&mut hasher),
                },
                Part::Bind(bind) => bind.key.hash(&mut hasher),
                Part::Flag(flag) => flag.join.hash(&mut hasher),
            }
        }
        hasher.finish()
    }
}

impl Part {
    fn span(&self) -> Span {
        match self {
            Part::Piece(piece) => piece.span(),
            Part::Bind(bind) => bind.span,
            Part::Flag(flag) => flag.condition,
        }
    }

    /// The text that the library writes.
    fn built(&self) -> Option<&str> {
        match self {
            Part::Piece(piece) => match &**piece {
                Piece::Built { text, .. } => Some(text),
                _ => None,
            },
            Part::Bind(_) | Part::Flag(_) => None,
        }
    }
}

fn cover(a: Span, b: Span) -> Span {
    let (start, end) = (a.range.start.min(b.range.start), a.range.end.max(b.range.end));
    Span::new(a.file, tenantry_span::TextRange { start, end })
}

/// The texts of a site as they are rendered, with all that is bound in them.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    pub(crate) texts: Vec<SqlText>,
    pub(crate) binds: Vec<Bind>,
    pub(crate) conditions: Vec<Condition>,
}

impl Rendered {
    /// Adds a text. Its placeholders go on from those of the texts before.
    pub(crate) fn add(&mut self, fragment: &Fragment, chosen_by: Option<String>) {
        let mut pieces = Vec::with_capacity(fragment.parts.len());
        for part in &fragment.parts {
            match part {
                Part::Piece(piece) => match (&**piece, pieces.last_mut()) {
                    // Text of one place is one piece.
                    (Piece::Built { text, span }, Some(Piece::Built { text: before, span: known }))
                        if known == span =>
                    {
                        before.push_str(text);
                    }
                    (piece, _) => pieces.push(piece.clone()),
                },
                Part::Bind(bind) => {
                    self.binds.push(Bind::clone(bind));
                    pieces.push(Piece::Placeholder { number: self.number(), span: bind.span });
                }
                Part::Flag(flag) => {
                    self.binds.push(flag.bind());
                    let (number, span) = (self.number(), flag.condition);
                    pieces.push(Piece::Placeholder { number, span });
                    let condition = flag.filter.map(|filter| Condition { number, span, filter });
                    self.conditions.extend(condition);
                }
            }
        }
        self.texts.push(SqlText { pieces, chosen_by });
    }

    fn number(&self) -> u32 {
        u32::try_from(self.binds.len()).unwrap_or(u32::MAX)
    }
}

impl Flag {
    /// The condition as a value: true or false, and nobody knows which.
    fn bind(&self) -> Bind {
        let range = self.condition.range;
        Bind {
            span: self.condition,
            text: "a condition of the function".to_owned(),
            key: format!("condition#{}.{:x}", range.start, self.join),
            nullable: Nullability::Never,
            provenance: Provenance {
                kind: ProvenanceKind::Unknown,
                steps: Vec::new(),
                row: None,
                extracted: None,
                checked_as: None,
                made_by: None,
            },
            each: false,
        }
    }
}
