//! Query builders to which text and values are pushed: `sqlx::QueryBuilder`.
//!
//! What a builder holds depends on the way through the function, so it is a part of the walk's state. The texts that it
//! may hold where it is built are the site's.
//!
//! **Invariant:** of parts that are pushed under conditions every combination is proved, or as much of it as decides all:
//! where each part is one more condition of a conjunction, all are proved by the text without any of them, those with one
//! of them, and the one with all. A further condition takes no tie away, and what it reads itself is tied in the text that
//! has it alone.
//! **Invariant:** of a loop that pushes, no round, one round and two are proved: a text that goes on as it did before is
//! a longer list, conjunction or chain of the same kind.

use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprClosure, ExprMethodCall, Pat};
use tenantry_span::Span;

use super::Reader;
use super::assumed::{Assumed, Outcomes, common, together};
use super::changes::Changes;
use super::growing::{Growing, TextBefore};
use super::queries::is_gated;
use super::scope::{LocalId, Source};
use super::texts::{self, Text, Texts};
use super::walk::Value;
use crate::{BUILT, Bind, HoleKind, Piece, SqlText};

/// The most texts that a builder may hold.
const MAX_BUILT: usize = 96;

/// What a builder may hold: families of texts, any of which may be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grown {
    families: Vec<Family>,
}

/// Texts that differ by further conditions of a conjunction alone, of which these stand for all combinations.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Family {
    /// The one with the least first, the one with the most last.
    texts: Vec<Held>,
}

/// One of the texts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held {
    parts: Vec<Part>,
    /// What is assumed where it is the one.
    assumed: Vec<Assumed>,
}

impl Held {
    fn followed_by(&self, more: &Held) -> Option<Held> {
        let assumed = together(&self.assumed, &more.assumed)?;
        Some(Held { parts: [self.parts.as_slice(), &more.parts].concat(), assumed })
    }

    fn under(&self, assumed: &[Assumed]) -> Option<Held> {
        Some(Held { parts: self.parts.clone(), assumed: together(&self.assumed, assumed)? })
    }
}

impl From<Vec<Part>> for Held {
    fn from(parts: Vec<Part>) -> Held {
        Held { parts, assumed: Vec::new() }
    }
}

impl From<&Text> for Held {
    fn from(text: &Text) -> Held {
        let parts = text.pieces.iter().cloned().map(Part::Piece).collect();
        Held { parts, assumed: text.assumed.clone() }
    }
}

impl Family {
    /// The texts that are possible of these.
    fn of(texts: impl Iterator<Item = Held>) -> Option<Family> {
        let texts: Vec<Held> = texts.collect();
        (!texts.is_empty()).then_some(Family { texts })
    }

    fn followed_by(&self, more: &Held) -> Option<Family> {
        Family::of(self.texts.iter().filter_map(|text| text.followed_by(more)))
    }

    fn under(&self, assumed: &[Assumed]) -> Option<Family> {
        Family::of(self.texts.iter().filter_map(|text| text.under(assumed)))
    }

    /// The texts, and those that have one more condition.
    fn maybe_with_condition(&self, more: &Held) -> Family {
        let mut texts = self.texts.clone();
        let bases = [self.texts.first(), self.texts.last()];
        for text in bases.into_iter().flatten().filter_map(|base| base.followed_by(more)) {
            // The one with the most stays the last.
            texts.retain(|known| *known != text);
            texts.push(text);
        }
        Family { texts }
    }

    /// What was added to every text on the way to `longer`.
    fn extension_to(&self, longer: &Family) -> Option<Vec<Part>> {
        let first = self.texts.first()?;
        let added = longer.texts.first()?.parts.strip_prefix(first.parts.as_slice())?;
        let same = |(one, other): (&Held, &Held)| {
            other.parts.strip_prefix(one.parts.as_slice()) == Some(added) && one.assumed == other.assumed
        };
        let all = self.texts.len() == longer.texts.len() && self.texts.iter().zip(&longer.texts).all(same);
        (all && !added.is_empty()).then(|| added.to_vec())
    }
}

/// A part of what a builder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Piece(Piece),
    /// What the builder held before the loop or closure whose body is walked; it is not known in there.
    Before(Span),
    /// `separated`: nothing stands before what is pushed next.
    Begin,
    /// What stands between two that are pushed.
    Between(Vec<Piece>),
}

impl Grown {
    /// What a builder begins with.
    pub(crate) fn of(texts: &[Text]) -> Grown {
        Grown::each(texts.iter().map(Held::from))
    }

    /// Any of these texts, which are nothing to each other.
    fn each(texts: impl Iterator<Item = Held>) -> Grown {
        Grown { families: texts.map(|text| Family { texts: vec![text] }).collect() }
    }

    /// What a builder holds in the body of a loop or closure before anything is pushed there.
    fn within(span: Span) -> Grown {
        Grown::each(std::iter::once(vec![Part::Before(span)].into()))
    }

    fn held(&self) -> impl Iterator<Item = &Held> {
        self.families.iter().flat_map(|family| &family.texts)
    }

    fn bounded(families: Vec<Family>) -> Option<Grown> {
        let count: usize = families.iter().map(|family| family.texts.len()).sum();
        (1..=MAX_BUILT).contains(&count).then_some(Grown { families })
    }

    /// The texts without what it held before; one that was lost on the way stays as it is.
    fn pushed(&self) -> Vec<Held> {
        let mut texts: Vec<Held> = self.held().cloned().collect();
        for text in &mut texts {
            if matches!(text.parts.first(), Some(Part::Before(_))) {
                text.parts.remove(0);
            }
        }
        texts
    }

    fn hole(span: Span, written: &str, why: &str) -> Held {
        let hole = HoleKind::unknown(why);
        vec![Part::Piece(Piece::Hole { span, text: texts::shorten(written), kind: hole })].into()
    }

    /// All texts, each followed by each of `more` that it can be followed by.
    fn followed_by(&self, more: &[Held]) -> Option<Grown> {
        let with =
            |family: &Family| more.iter().filter_map(|more| family.followed_by(more)).collect::<Vec<_>>();
        Grown::bounded(self.families.iter().flat_map(with).collect())
    }

    /// All texts, and the same followed by one of `more`; `otherwise` is assumed where nothing follows.
    fn maybe_followed_by(&self, more: &[Held], otherwise: &[Assumed]) -> Option<Grown> {
        let is_condition =
            |more: &Held| resolved(&more.parts).known().is_some_and(|text| is_further_condition(&text));
        if more.iter().all(is_condition) {
            let with = |family: &Family| {
                more.iter().fold(family.clone(), |family, more| family.maybe_with_condition(more))
            };
            return Grown::bounded(self.families.iter().map(with).collect());
        }
        let without = self.families.iter().filter_map(|family| family.under(otherwise));
        let with =
            more.iter().flat_map(|more| self.families.iter().filter_map(|family| family.followed_by(more)));
        let mut families: Vec<Family> = Vec::new();
        for family in without.chain(with) {
            if !families.contains(&family) {
                families.push(family);
            }
        }
        Grown::bounded(families)
    }

    /// What it holds after two ways: this where a condition holds, the other where it does not.
    fn join(&self, other: &Grown, ways: &Outcomes) -> Option<Grown> {
        if self == other {
            return Some(self.clone());
        }
        let pairs = [(self, other, &ways.fails, &ways.holds), (other, self, &ways.holds, &ways.fails)];
        for (shorter, longer, assumed, otherwise) in pairs {
            if let Some(parts) = shorter.extension_to(longer) {
                let more = Held { parts, assumed: assumed.clone() };
                return shorter.maybe_followed_by(&[more], otherwise);
            }
        }
        let ours = self.families.iter().filter_map(|family| family.under(&ways.holds));
        let theirs = other.families.iter().filter_map(|family| family.under(&ways.fails));
        let mut families: Vec<Family> = ours.collect();
        for family in theirs {
            let same = |known: &&mut Family| {
                let pairs = known.texts.iter().zip(&family.texts);
                known.texts.len() == family.texts.len()
                    && pairs.into_iter().all(|(one, other)| one.parts == other.parts)
            };
            match families.iter_mut().find(same) {
                Some(known) => {
                    for (one, other) in known.texts.iter_mut().zip(&family.texts) {
                        one.assumed = common(&one.assumed, &other.assumed);
                    }
                }
                None => families.push(family),
            }
        }
        Grown::bounded(families)
    }

    /// What was added to every text on the way to `longer`.
    fn extension_to(&self, longer: &Grown) -> Option<Vec<Part>> {
        let mut pairs = self.families.iter().zip(&longer.families);
        let added = pairs.next().and_then(|(one, other)| one.extension_to(other))?;
        let same = self.families.len() == longer.families.len()
            && pairs.all(|(one, other)| one.extension_to(other).as_ref() == Some(&added));
        same.then_some(added)
    }

    /// The texts as they are run.
    fn texts(&self) -> Vec<SqlText> {
        self.held().map(|text| resolved(&text.parts)).collect()
    }
}

/// The text of parts: a separator stands between two that are pushed, and not before the first.
fn resolved(parts: &[Part]) -> SqlText {
    let mut pieces = Vec::new();
    let mut is_first = false;
    for part in parts {
        match part {
            Part::Piece(piece) => pieces.push(piece.clone()),
            Part::Before(span) => {
                let kind = HoleKind::unknown("what it held before is not known in here");
                pieces.push(Piece::Hole { span: *span, text: "…".to_owned(), kind });
            }
            Part::Begin => is_first = true,
            Part::Between(_) if is_first => is_first = false,
            Part::Between(separator) => pieces.extend(separator.iter().cloned()),
        }
    }
    SqlText { pieces, chosen_by: None }
}

/// True for a text that is whole as one of the conditions of a conjunction.
pub(super) fn is_whole_condition(text: &str) -> bool {
    is_further_condition(&format!(" and {text}"))
}

/// True for `column = value` where the value is one of the row, of placeholders and of constants: whole as one of the
/// assignments of `SET`.
pub(super) fn is_whole_assignment(text: &str) -> bool {
    let Some(text) = without_strings(text) else { return false };
    let Some((column, value)) = text.split_once('=') else { return false };
    let is_name = |column: &str| {
        !column.is_empty()
            && !column.starts_with(|c: char| c.is_ascii_digit())
            && column.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut depth = 0_i32;
    let holds_together = value.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0 && (depth > 0 || !matches!(c, ',' | '='))
    });
    let asks = |word: &Word<'_>| word.is(ENDING) || word.is(&["and"]);
    is_name(column.trim())
        && holds_together
        && depth == 0
        && !value.trim().is_empty()
        && !words(value).iter().any(asks)
}

/// True for a text that every database refuses, or of which nothing comes: a word stands where a condition has to, or none at
/// all, as in `AND ()`; an assignment of `SET` is missing, or the comma between two; a list ends with a comma, or there is nothing in it
/// (SQLite takes `IN ()` for false).
pub(super) fn never_runs(text: &SqlText) -> bool {
    let Some(text) = text.known().and_then(|text| without_strings(&text)) else { return false };
    let all = words(&text);
    // None of these names a column in any of the dialects.
    let lacks = |(at, word): (usize, &Word<'_>)| {
        let next = all.get(at + 1);
        let between = text.get(word.end()..next.map_or(text.len(), |next| next.at));
        let between = between.map(str::trim);
        let goes_on =
            |next: &Word<'_>| !next.is(&["and", "or", "order", "group", "limit", "having", "union"]);
        let is_condition = word.is(&["and", "or", "where"]);
        let begins_clause = |next: &Word<'_>| next.is(&["where", "from"]);
        let holds_nothing = |between: &str| {
            between.strip_prefix('(').is_some_and(|inside| inside.trim_start().starts_with(')'))
        };
        is_condition && between == Some("") && !next.is_some_and(goes_on)
            || assigns(&text, &all, at)
                && (between.is_some_and(|between| between.starts_with(','))
                    || between == Some("") && next.is_none_or(|next| next.is(&["where"])))
            || (is_condition || word.is(&["in"])) && between.is_some_and(holds_nothing)
            || between == Some(",") && next.is_some_and(begins_clause)
    };
    // Whatever a word is, it may be a name after these: `a.set`, `:where`, `1 AS or`.
    let is_name = |(at, word): &(usize, &Word<'_>)| {
        let before = text.get(..word.at).unwrap_or_default();
        let labels =
            at.checked_sub(1).and_then(|before| all.get(before)).is_some_and(|word| word.is(&["as"]));
        labels || before.ends_with(['.', ':', '@', '$'])
    };
    let lacks = |place: (usize, &Word<'_>)| !is_name(&place) && lacks(place);
    text.trim_end().ends_with(',') || all.iter().enumerate().any(lacks) || lacks_comma(&text, &all)
}

/// True for the `SET` of an update, and not for a name that is called so: after the table that a text begins with, or `DO
/// UPDATE`.
fn assigns(text: &str, all: &[Word<'_>], at: usize) -> bool {
    let word = |at: usize, known: &str| all.get(at).is_some_and(|word| word.is(&[known]));
    let of_conflict = at >= 2 && word(at - 1, "update") && word(at - 2, "do");
    let table = text.get(..all.get(at).map_or(0, |word| word.at)).unwrap_or_default();
    let of_table = at >= 2 && word(0, "update") && !word(at - 1, "only") && !table.contains(['=', '(', ',']);
    word(at, "set") && (of_conflict || of_table)
}

/// `SET a = $1 b = $2`.
fn lacks_comma(text: &str, all: &[Word<'_>]) -> bool {
    let outside = all.iter().enumerate().filter(|(_, word)| word.depth == 0);
    let after =
        outside.skip_while(|(at, _)| !assigns(text, all, *at)).take_while(|(_, word)| !word.is(&["where"]));
    after.skip(1).any(|(_, word)| {
        let begins = word.word.starts_with(|c: char| c.is_alphabetic() || c == '_');
        let before = text.get(..word.at).unwrap_or_default();
        let number = before.trim_end().trim_end_matches(|c: char| c.is_ascii_digit());
        let follows_value = number.ends_with(['$', '?']) && before.ends_with(char::is_whitespace);
        let after = text.get(word.end()..).unwrap_or_default().trim_start();
        // `CASE … THEN $1 END = …`, `$1 ISNULL = …`.
        let ends_value = word.is(&["end", "isnull", "notnull"]);
        begins && follows_value && after.starts_with('=') && !ends_value
    })
}

/// True for ` AND …` that is whole: one more condition of the conjunction before it.
pub(super) fn is_further_condition(text: &str) -> bool {
    let mut depth = 0_i32;
    let Some(text) = without_strings(text) else { return false };
    let mut words = words(&text).into_iter();
    if !words.next().is_some_and(|word| word.is(&["and"])) {
        return false;
    }
    let balanced = text.chars().all(|c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth >= 0
    });
    let ends = |word: Word<'_>| word.depth == 0 && word.is(ENDING);
    balanced && depth == 0 && !words.any(ends)
}

/// The text with a number for each of its strings; nothing where it may not be what it looks like.
fn without_strings(text: &str) -> Option<String> {
    let parts: Vec<&str> = text.split('\'').collect();
    let is_odd = text.contains(['"', ';', '\\', '`', '#'])
        || ["--", "/*", "$$"].iter().any(|mark| text.contains(mark));
    (parts.len() % 2 == 1 && !is_odd).then(|| {
        let outside = parts.iter().step_by(2);
        outside.copied().collect::<Vec<_>>().join(" 0 ")
    })
}

/// A word of a text.
struct Word<'t> {
    word: &'t str,
    /// Where it begins, in bytes.
    at: usize,
    /// How many brackets are open there.
    depth: usize,
}

impl Word<'_> {
    fn end(&self) -> usize {
        self.at + self.word.len()
    }

    fn is(&self, known: &[&str]) -> bool {
        known.iter().any(|known| self.word.eq_ignore_ascii_case(known))
    }
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut found = Vec::new();
    let (mut at, mut depth) = (0_usize, 0_usize);
    for part in text.split_inclusive(|c: char| !c.is_alphanumeric() && c != '_') {
        let word = part.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '_');
        if !word.is_empty() {
            found.push(Word { word, at, depth });
        }
        at += part.len();
        match part.chars().next_back() {
            Some('(') => depth += 1,
            Some(')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    found
}

/// Words after which, outside of brackets, a text is not a condition any more.
const ENDING: &[&str] = &[
    "or",
    "union",
    "intersect",
    "except",
    "order",
    "group",
    "having",
    "limit",
    "offset",
    "fetch",
    "for",
    "window",
    "returning",
    "where",
    "set",
    "from",
    "join",
    "on",
    "using",
    "when",
    "values",
    "select",
];

impl<'a> Reader<'a> {
    /// A method called on a builder, or on what `separated` gives.
    pub(super) fn on_builder(&mut self, site: usize, separated: bool, call: &'a ExprMethodCall) -> Value {
        let name = call.method.to_string();
        let same = Value { site: Some(site), separated, ..Value::default() };
        let span = self.between(call.method.span(), call.paren_token.span.close());
        if call.args.iter().any(is_gated) {
            self.push_parts(site, &[Grown::hole(span, self.written(span), BUILT)], span);
            return same;
        }
        match (name.as_str(), call.args.first()) {
            ("push" | "push_unseparated", Some(text)) => {
                let more = self.texts(text);
                self.push_texts(site, separated && name == "push", &more, span);
                same
            }
            ("push_bind" | "push_bind_unseparated", Some(value)) => {
                let bind = self.bind(value, LocalId::MAX);
                self.mark_bound(site, value);
                let piece = self.bound_piece(site, bind);
                self.push_texts(site, separated && name == "push_bind", &texts::of_piece(piece), span);
                same
            }
            ("separated", Some(separator)) if !separated => {
                let separator = self.texts(separator);
                let between = match separator.as_slice() {
                    [one] => one.pieces.clone(),
                    _ => resolved(&Grown::hole(span, self.written(span), BUILT).parts).pieces,
                };
                if let Some(meta) = self.metas.get_mut(site) {
                    meta.separator = between;
                }
                self.push_parts(site, &[vec![Part::Begin].into()], span);
                Value { separated: true, ..same }
            }
            (name, _) if name.starts_with("build") || name == "into_sql" => {
                self.built(site);
                Value::default()
            }
            ("sql", None) => Value::default(),
            _ => {
                self.push_parts(site, &[Grown::hole(span, self.written(span), BUILT)], span);
                same
            }
        }
    }

    /// `push_values(rows, |mut b, row| { b.push_bind(row.a); })`: the rows of a VALUES list, as the closure writes each.
    pub(super) fn push_rows(&mut self, site: usize, call: &'a ExprMethodCall) -> bool {
        let (open, close) = match call.method.to_string().as_str() {
            "push_values" => ("VALUES (", ")"),
            "push_tuples" => (" ((", "))"),
            _ => return false,
        };
        let (Some(rows), Some(Expr::Closure(closure)), 2) =
            (call.args.first(), call.args.get(1), call.args.len())
        else {
            return false;
        };
        self.visit_expr(rows);
        let span = self.between(call.method.span(), call.paren_token.span.close());
        let text = |text: &str| Part::Piece(Piece::Built { text: text.to_owned(), span });
        let before = self.locals.len();
        let Some(row) = self.written_by(site, rows, closure) else {
            self.push_parts(site, &[Grown::hole(span, self.written(span), BUILT)], span);
            return true;
        };
        let mut lists = Vec::new();
        for one in &row {
            let held = |parts: Vec<Part>| Held { parts, assumed: one.assumed.clone() };
            let parts = one.parts.as_slice();
            lists.push(held([&[text(open)], parts, &[text(close)]].concat()));
            let next = self.again(site, parts, before);
            lists.push(held([&[text(open)], parts, &[text("), (")], &next, &[text(close)]].concat()));
        }
        self.push_parts(site, &lists, span);
        true
    }

    /// What a closure that gets the builder of a row pushes to it.
    fn written_by(&mut self, site: usize, rows: &'a Expr, closure: &'a ExprClosure) -> Option<Vec<Held>> {
        let Some(Pat::Ident(builder)) = closure.inputs.first() else { return None };
        if leaves_early(&closure.body) {
            return None;
        }
        let between = Piece::Built { text: ", ".to_owned(), span: self.range(closure) };
        if let Some(meta) = self.metas.get_mut(site) {
            meta.separator = vec![between];
        }
        let here = self.range(&*closure.body);
        let before = self.state.builders.insert(site, Grown::within(here));
        self.push_parts(site, &[vec![Part::Begin].into()], here);
        // It may run any number of times, and change what else it names.
        let changes = Changes::of(|visitor| visitor.visit_expr(&closure.body));
        self.forget(&changes, here.range, "a closure");
        self.repeatedly(here.range, |reader| {
            for (at, input) in closure.inputs.iter().enumerate() {
                let source = if at == 0 { Source::Unseen } else { Source::Part(rows) };
                reader.pattern(input, source, None);
            }
            let name = builder.ident.to_string();
            let local = reader.lookup(&name, LocalId::MAX).and_then(|id| reader.locals.get_mut(id));
            if let Some(local) = local {
                (local.site, local.separated) = (Some(site), true);
            }
            reader.visit_expr(&closure.body);
        });
        self.forget(&changes, here.range, "a closure");
        let written = self.state.builders.remove(&site).map(|written| written.pushed());
        if let Some(before) = before {
            self.state.builders.insert(site, before);
        }
        written
    }

    /// The placeholder of a value, which is bound after all others.
    fn bound_piece(&mut self, site: usize, bind: Bind) -> Piece {
        let span = bind.span;
        let binds = self.sites.get_mut(site).and_then(|site| site.binds.as_mut());
        let number = binds.and_then(|binds| {
            binds.push(bind);
            u32::try_from(binds.len()).ok()
        });
        match number {
            Some(number) => Piece::Placeholder { number, span },
            None => {
                let (text, kind) = (String::new(), HoleKind::unknown(BUILT));
                Piece::Hole { span, text, kind }
            }
        }
    }

    pub(super) fn push_texts(&mut self, site: usize, separated: bool, more: &Texts, span: Span) {
        let separator = self.metas.get(site).map(|meta| meta.separator.clone()).unwrap_or_default();
        let before = separated.then_some(Part::Between(separator));
        let parts = |text: &Text| {
            let mut held = Held::from(text);
            held.parts.splice(0..0, before.clone());
            held
        };
        self.push_parts(site, &more.iter().map(parts).collect::<Vec<_>>(), span);
    }

    fn push_parts(&mut self, site: usize, more: &[Held], span: Span) {
        let known = self.state.builders.get(&site);
        let grown = known.and_then(|known| known.followed_by(more));
        let grown = grown.unwrap_or_else(|| self.lost(span, "more texts are possible than are looked at"));
        self.state.builders.insert(site, grown);
    }

    fn lost(&self, span: Span, why: &str) -> Grown {
        Grown::each(std::iter::once(Grown::hole(span, self.written(span), why)))
    }

    fn built(&mut self, site: usize) {
        let span = self.sites.get(site).map(|site| site.span);
        let lost = || span.map(|span| self.lost(span, "what it holds is not known here"));
        let Some(grown) = self.state.builders.get(&site).cloned().or_else(lost) else { return };
        let texts = grown.texts();
        let Some(meta) = self.metas.get_mut(site) else { return };
        let known = meta.built.get_or_insert_with(Vec::new);
        for text in texts {
            if !known.contains(&text) {
                known.push(text);
            }
        }
    }

    /// Joins what builders hold after two ways.
    pub(super) fn join_builders(&mut self, other: &super::scope::State, span: Span, ways: &Outcomes) {
        let sites: Vec<usize> = other.builders.keys().copied().collect();
        for site in sites {
            let Some(theirs) = other.builders.get(&site) else { continue };
            let joined = match self.state.builders.get(&site) {
                Some(ours) => ours.join(theirs, ways),
                None => Some(theirs.clone()),
            };
            let joined =
                joined.unwrap_or_else(|| self.lost(span, "more texts are possible than are looked at"));
            self.state.builders.insert(site, joined);
        }
    }

    /// The builders to which a loop does nothing but push, which begin its body with nothing.
    pub(super) fn begin_rounds(&mut self, changes: &Changes, body: &'a Block) -> Rounds {
        let here = Span::new(self.source.file, self.block_range(body));
        let mut rounds = Rounds { before: self.locals.len(), ..Rounds::default() };
        if jumps(body) {
            return rounds;
        }
        rounds.texts = self.begin_text_rounds(changes, here);
        rounds.lists = self.begin_list_rounds(changes);
        for name in &changes.called {
            let replaced = [&changes.whole, &changes.rebound];
            let id = self
                .lookup(name, LocalId::MAX)
                .filter(|_| !replaced.iter().any(|names| names.contains(name)));
            let Some(site) = id.and_then(|id| self.locals.get(id)?.site) else { continue };
            let builds = self.metas.get(site).is_some_and(|meta| meta.builds());
            if builds && !rounds.builders.iter().any(|(known, _)| *known == site) {
                let before = self.state.builders.insert(site, Grown::within(here));
                rounds.builders.extend(before.map(|before| (site, before)));
            }
        }
        rounds
    }

    /// What builders hold after any number of rounds.
    pub(super) fn end_rounds(&mut self, rounds: Rounds, span: Span) {
        self.end_text_rounds(rounds.texts, span);
        self.end_list_rounds(rounds.lists);
        for (site, before) in rounds.builders {
            let known = self.state.builders.remove(&site);
            let round = known.unwrap_or_else(|| self.lost(span, "what a round pushes is not known")).pushed();
            let renewed =
                |text: &Held| Held { parts: self.again(site, &text.parts, rounds.before), ..text.clone() };
            let again: Vec<Held> = round.iter().map(renewed).collect();
            let pushes = |texts: &[Held]| {
                texts.iter().filter(|text| !text.parts.is_empty()).cloned().collect::<Vec<_>>()
            };
            let once = before.maybe_followed_by(&pushes(&round), &[]);
            let twice = once.and_then(|once| once.maybe_followed_by(&pushes(&again), &[]));
            let grown =
                twice.unwrap_or_else(|| self.lost(span, "more texts are possible than are looked at"));
            self.state.builders.insert(site, grown);
        }
    }

    /// The same parts in another round: other values are bound, but for what is declared before the rounds and stays.
    fn again(&mut self, site: usize, parts: &[Part], before: LocalId) -> Vec<Part> {
        let mut renumbered = |piece: &Piece| match piece {
            Piece::Placeholder { number, .. } => {
                let binds = self.sites.get(site).and_then(|site| site.binds.as_ref());
                let at = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
                match at.and_then(|at| binds?.get(at)).cloned() {
                    Some(bind) if self.stays(&bind.key, before) => self.bound_piece(site, bind),
                    Some(bind) => {
                        let key = format!("{}#again", bind.key);
                        self.bound_piece(site, Bind { key, ..bind })
                    }
                    None => piece.clone(),
                }
            }
            other => other.clone(),
        };
        let again = |part: &Part| match part {
            Part::Piece(piece) => Part::Piece(renumbered(piece)),
            other => other.clone(),
        };
        parts.iter().map(again).collect()
    }

    /// True for the key of a variable, or of a field of one, that is declared before `before` and never changes; a receiver
    /// is such a one where the method cannot change it.
    fn stays(&self, key: &str, before: LocalId) -> bool {
        let is_name = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
        let (base, fields) = key.split_once('.').map_or((key, None), |(base, fields)| (base, Some(fields)));
        let (name, twin) = base.split_once('@').map_or((base, "0"), |(name, twin)| (name, twin));
        if !is_name(name) || !fields.is_none_or(|fields| fields.split('.').all(is_name)) {
            return false;
        }
        if name == "self" {
            return self.functions.last().is_some_and(|function| !function.changes_self);
        }
        let local = self.lookup(name, before).and_then(|id| self.locals.get(id));
        local.is_some_and(|local| {
            let changes = local.assigned || local.unsteady || local.mutable || local.rebound;
            local.twin.to_string() == twin && !changes
        })
    }

    /// Gives the sites of builders the texts that were built.
    pub(super) fn close_builders(&mut self) {
        for at in 0..self.metas.len() {
            let Some(meta) = self.metas.get_mut(at) else { continue };
            let (builds, built) = (meta.builds(), meta.built.take());
            match built {
                Some(texts) if builds => {
                    if let Some(site) = self.sites.get_mut(at) {
                        site.texts = texts;
                    }
                }
                _ if meta.open => {
                    if let Some(span) = self.sites.get(at).map(|site| site.span) {
                        self.added_to(at, span, "a place that is not seen");
                    }
                }
                _ => {}
            }
        }
    }
}

/// The builders, texts and lists that a loop pushes to, with what they held before it.
#[derive(Default)]
pub(super) struct Rounds {
    /// The variables before this one are declared outside.
    before: LocalId,
    builders: Vec<(usize, Grown)>,
    texts: Vec<TextBefore>,
    lists: Vec<(LocalId, Growing)>,
}

impl Rounds {
    /// True if the loop is followed for this builder.
    pub(super) fn follow(&self, site: usize) -> bool {
        self.builders.iter().any(|(known, _)| *known == site)
    }

    /// True if it is followed for this text or list.
    pub(super) fn follow_local(&self, id: LocalId) -> bool {
        let mut ids = self.texts.iter().map(|(id, _, _)| id).chain(self.lists.iter().map(|(id, _)| id));
        ids.any(|known| *known == id)
    }
}

/// True if a round may end in its middle.
fn jumps(body: &Block) -> bool {
    let mut found = Jumps(false);
    found.visit_block(body);
    found.0
}

/// True if a closure may end in its middle.
fn leaves_early(body: &Expr) -> bool {
    let mut found = Jumps(false);
    found.visit_expr(body);
    found.0 || super::returns(body).is_some()
}

struct Jumps(bool);

impl<'ast> Visit<'ast> for Jumps {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            Expr::Break(_) | Expr::Continue(_) => self.0 = true,
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        // What a macro writes is not seen.
        let text = mac.tokens.to_string();
        self.0 |= text.contains("break") || text.contains("continue");
    }
}
