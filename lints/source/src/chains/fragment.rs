//! Pieces of SQL under construction, which know the Rust that they stand for.

use std::rc::Rc;

use tenantry_prover::verdict::Nullability;
use tenantry_span::Span;

use crate::read::shorten;
use crate::{Bind, Condition, HoleKind, Piece, Provenance, ProvenanceKind, SqlText};

/// A part of a statement. Whoever nests one into another writes parentheses around it, so that no precedence is asked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fragment {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// What the library writes, or what is written in the source.
    Piece(Piece),
    /// A value that the library binds.
    Bind(Rc<Bind>),
    /// A condition of the function around, as a value that nobody knows.
    Flag(Flag),
}

/// A condition under which something was added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Flag {
    condition: Span,
    /// What is added, where nothing is added otherwise.
    filter: Option<Span>,
}

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
        Fragment { parts: vec![Part::Bind(Rc::new(bind))] }
    }

    /// A part of a text that is written in the source.
    pub(crate) fn of(piece: Piece) -> Fragment {
        Fragment { parts: vec![Part::Piece(piece)] }
    }

    /// True if it is the text of nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// True if it is a single value that is bound.
    pub(crate) fn is_bind(&self) -> bool {
        matches!(self.parts.as_slice(), [Part::Bind(_)])
    }

    /// The place that it stands for: from its first part to its last, where both lie in one file.
    pub(crate) fn span(&self) -> Option<Span> {
        let spans = self.parts.iter().map(|part| match part {
            Part::Piece(piece) => piece.span(),
            Part::Bind(bind) => bind.span,
            Part::Flag(flag) => flag.condition,
        });
        spans.reduce(|all, one| if all.file == one.file { cover(all, one) } else { all })
    }

    /// It, and then the other.
    pub(crate) fn then(mut self, mut other: Fragment) -> Fragment {
        self.parts.append(&mut other.parts);
        self
    }

    /// It, and then text that the library writes at `span`.
    pub(crate) fn write(self, text: impl Into<String>, span: Span) -> Fragment {
        self.then(Fragment::text(text, span))
    }

    /// It with another name in the place of one.
    pub(crate) fn renamed(mut self, from: &str, to: &str) -> Fragment {
        for part in &mut self.parts {
            if let Part::Piece(Piece::Name { name, .. }) = part
                && name == from
            {
                to.clone_into(name);
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
        let nested = matches!(self.parts.first(), Some(Part::Piece(Piece::Built { text, .. })) if text.starts_with('('));
        !nested && self.parts.iter().any(|part| matches!(part, Part::Piece(Piece::Literal { .. })))
    }

    /// It without the text that it ends in.
    pub(crate) fn without_end(mut self, end: &str) -> Option<Fragment> {
        match self.parts.pop()? {
            Part::Piece(Piece::Built { text, .. }) if text == end => Some(self),
            _ => None,
        }
    }

    /// The call of a function, with a word in front of its arguments.
    pub(crate) fn with_argument(self, word: &str, span: Span) -> Option<Fragment> {
        match self.parts.first()? {
            Part::Piece(Piece::Built { text, .. }) if text.ends_with('(') && text.len() > 1 => {}
            _ => return None,
        }
        let mut parts = self.parts;
        parts.insert(1, Part::Piece(Piece::Built { text: word.to_owned(), span }));
        Some(Fragment { parts })
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
        let flag = Flag { condition, filter: Some(span) };
        Fragment { parts: vec![Part::Flag(flag)] }
            .write(" OR ", condition)
            .then(self.nested(condition))
            .nested(condition)
    }

    /// One filter where the condition holds, the other one where it does not.
    pub(crate) fn either(holds: Fragment, otherwise: Fragment, condition: Span) -> Fragment {
        let flag = || Fragment { parts: vec![Part::Flag(Flag { condition, filter: None })] };
        let first = flag().write(" AND ", condition).then(holds.nested(condition)).nested(condition);
        let negated = Fragment::text("NOT ", condition).then(flag()).write(" AND ", condition);
        let second = negated.then(otherwise.nested(condition)).nested(condition);
        first.write(" OR ", condition).then(second).nested(condition)
    }

    /// One value where the condition holds, the other one where it does not.
    pub(crate) fn either_value(holds: Fragment, otherwise: Fragment, condition: Span) -> Fragment {
        let flag = Fragment { parts: vec![Part::Flag(Flag { condition, filter: None })] };
        Fragment::text("CASE WHEN ", condition)
            .then(flag)
            .write(" THEN ", condition)
            .then(holds.nested(condition))
            .write(" ELSE ", condition)
            .then(otherwise.nested(condition))
            .write(" END", condition)
            .nested(condition)
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
                Part::Piece(Piece::Built { text, span }) => match pieces.last_mut() {
                    // Text of one place is one piece.
                    Some(Piece::Built { text: before, span: known }) if known == span => {
                        before.push_str(text)
                    }
                    _ => pieces.push(Piece::Built { text: text.clone(), span: *span }),
                },
                Part::Piece(piece) => pieces.push(piece.clone()),
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
            key: format!("condition#{}", range.start),
            nullable: Nullability::Never,
            provenance: Provenance { kind: ProvenanceKind::Unknown, steps: Vec::new(), row: None },
        }
    }
}
