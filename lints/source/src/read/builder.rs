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
use super::changes::Changes;
use super::growing::{Growing, TextBefore};
use super::queries::is_gated;
use super::scope::{LocalId, Source};
use super::texts::{self, Texts};
use super::walk::Value;
use crate::{BUILT, Bind, HoleKind, Piece, SqlText};

/// The most texts that a builder may hold.
const MAX_BUILT: usize = 96;

/// What a builder may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grown {
    /// The texts: the one with the least first, the one with the most last.
    texts: Vec<Vec<Part>>,
    /// They differ by conditions of a conjunction alone.
    plain: bool,
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
    pub(crate) fn of(texts: &[SqlText]) -> Grown {
        let parts = |text: &SqlText| text.pieces.iter().cloned().map(Part::Piece).collect();
        Grown { texts: texts.iter().map(parts).collect(), plain: texts.len() == 1 }
    }

    /// What a builder holds in the body of a loop or closure before anything is pushed there.
    fn within(span: Span) -> Grown {
        Grown { texts: vec![vec![Part::Before(span)]], plain: true }
    }

    /// The same without what it held before; a text that was lost on the way stays as it is.
    fn pushed(mut self) -> Grown {
        for text in &mut self.texts {
            if matches!(text.first(), Some(Part::Before(_))) {
                text.remove(0);
            }
        }
        self
    }

    fn hole(span: Span, written: &str, why: &str) -> Vec<Part> {
        let hole = HoleKind::Unknown(why.to_owned());
        vec![Part::Piece(Piece::Hole { span, text: texts::shorten(written), kind: hole })]
    }

    /// All texts, each followed by each of `more`.
    fn followed_by(&self, more: &[Vec<Part>]) -> Option<Grown> {
        if self.texts.len().saturating_mul(more.len()) > MAX_BUILT {
            return None;
        }
        let with =
            |text: &Vec<Part>| more.iter().map(|more| [text.as_slice(), more].concat()).collect::<Vec<_>>();
        let texts: Vec<Vec<Part>> = self.texts.iter().flat_map(with).collect();
        Some(Grown { plain: self.plain && more.len() == 1, texts })
    }

    /// All texts, and the same followed by one of `more`.
    fn maybe_followed_by(&self, more: &[Vec<Part>]) -> Option<Grown> {
        let mut texts = self.texts.clone();
        let is_condition =
            |more: &Vec<Part>| resolved(more).known().is_some_and(|text| is_further_condition(&text));
        let conjoins = self.plain && more.iter().all(is_condition);
        let (first, last) = (self.texts.first()?, self.texts.last()?);
        for more in more {
            let bases = if conjoins { vec![first, last] } else { self.texts.iter().collect() };
            for base in bases {
                let text = [base.as_slice(), more].concat();
                // The one with the most stays the last.
                texts.retain(|known| *known != text);
                texts.push(text);
            }
        }
        (texts.len() <= MAX_BUILT).then_some(Grown { texts, plain: conjoins })
    }

    /// What it holds after two ways.
    fn join(&self, other: &Grown) -> Option<Grown> {
        if self == other {
            return Some(self.clone());
        }
        for (shorter, longer) in [(self, other), (other, self)] {
            if let Some(more) = shorter.extension_to(longer) {
                return shorter.maybe_followed_by(&[more]);
            }
        }
        let mut texts = self.texts.clone();
        texts.extend(other.texts.iter().filter(|text| !self.texts.contains(text)).cloned());
        (texts.len() <= MAX_BUILT).then_some(Grown { texts, plain: false })
    }

    /// What was added to every text on the way to `longer`.
    fn extension_to(&self, longer: &Grown) -> Option<Vec<Part>> {
        let added = longer.texts.first()?.strip_prefix(self.texts.first()?.as_slice())?;
        let same = |(one, other): (&Vec<Part>, &Vec<Part>)| other.strip_prefix(one.as_slice()) == Some(added);
        let all = self.texts.len() == longer.texts.len() && self.texts.iter().zip(&longer.texts).all(same);
        (all && !added.is_empty()).then(|| added.to_vec())
    }

    /// The texts as they are run.
    fn texts(&self) -> Vec<SqlText> {
        self.texts.iter().map(|parts| resolved(parts)).collect()
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
                let kind = HoleKind::Unknown("what it held before is not known in here".to_owned());
                pieces.push(Piece::Hole { span: *span, text: "…".to_owned(), kind });
            }
            Part::Begin => is_first = true,
            Part::Between(_) if is_first => is_first = false,
            Part::Between(separator) => pieces.extend(separator.iter().cloned()),
        }
    }
    SqlText { pieces, chosen_by: None }
}

/// True for a text that is none without what follows: it ends with `AND`, `WHERE`, `IN (` or a comma.
fn asks_for_more(parts: &[Part]) -> bool {
    let Some(text) = resolved(parts).known().and_then(|text| without_strings(&text)) else { return false };
    let last = text.trim_end();
    let (before, opens) = match last.strip_suffix('(') {
        Some(before) => (before.trim_end(), true),
        None => (last, false),
    };
    let word = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
    let is_one_of = |words: &[&str]| words.iter().any(|known| word.eq_ignore_ascii_case(known));
    if opens { is_one_of(&["in"]) } else { last.ends_with(',') || is_one_of(&["and", "or", "where"]) }
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
        depth >= 0 && (depth > 0 || c != ',') && c != '='
    });
    let asks = |word: &Word<'_>| word.is(ENDING) || word.is(&["and"]);
    is_name(column.trim())
        && holds_together
        && depth == 0
        && !value.trim().is_empty()
        && !words(value).iter().any(asks)
}

/// True for a text that every database refuses: a word stands where a condition has to, or none at all; an assignment of
/// `SET` is missing, or the comma between two.
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
        let ends_list = |next: &Word<'_>| next.is(&["where"]);
        is_condition && between == Some("") && !next.is_some_and(goes_on)
            || word.is(&["set"])
                && (between.is_some_and(|between| between.starts_with(','))
                    || between == Some("") && next.is_none_or(ends_list))
            || between == Some(",") && next.is_some_and(ends_list)
    };
    all.iter().enumerate().any(lacks) || lacks_comma(&text, &all)
}

/// `SET a = $1 b = $2`.
fn lacks_comma(text: &str, all: &[Word<'_>]) -> bool {
    let outside = all.iter().filter(|word| word.depth == 0);
    let after = outside.skip_while(|word| !word.is(&["set"])).take_while(|word| !word.is(&["where"]));
    after.skip(1).any(|word| {
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
                    _ => resolved(&Grown::hole(span, self.written(span), BUILT)).pieces,
                };
                if let Some(meta) = self.metas.get_mut(site) {
                    meta.separator = between;
                }
                self.push_parts(site, &[vec![Part::Begin]], span);
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
        let Some(row) = self.written_by(site, rows, closure) else {
            self.push_parts(site, &[Grown::hole(span, self.written(span), BUILT)], span);
            return true;
        };
        let mut lists = Vec::new();
        for one in &row.texts {
            lists.push([&[text(open)], one.as_slice(), &[text(close)]].concat());
            let next = self.again(site, one);
            lists.push([&[text(open)], one.as_slice(), &[text("), (")], &next, &[text(close)]].concat());
        }
        self.push_parts(site, &lists, span);
        true
    }

    /// What a closure that gets the builder of a row pushes to it.
    fn written_by(&mut self, site: usize, rows: &'a Expr, closure: &'a ExprClosure) -> Option<Grown> {
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
        self.push_parts(site, &[vec![Part::Begin]], here);
        // It may run any number of times, and change what else it names.
        let changes = Changes::of(|visitor| visitor.visit_expr(&closure.body));
        self.forget(&changes, here.range, "a closure");
        self.branch(|reader| {
            for (at, input) in closure.inputs.iter().enumerate() {
                let source = if at == 0 { Source::Unseen } else { Source::Part(rows) };
                reader.pattern(input, source, None);
            }
            let name = builder.ident.to_string();
            if let Some(local) = reader.lookup(&name, LocalId::MAX).and_then(|id| reader.locals.get_mut(id)) {
                (local.site, local.separated) = (Some(site), true);
            }
            reader.visit_expr(&closure.body);
        });
        self.forget(&changes, here.range, "a closure");
        let written = self.state.builders.remove(&site).map(Grown::pushed);
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
                let (text, kind) = (String::new(), HoleKind::Unknown(BUILT.to_owned()));
                Piece::Hole { span, text, kind }
            }
        }
    }

    pub(super) fn push_texts(&mut self, site: usize, separated: bool, more: &Texts, span: Span) {
        let separator = self.metas.get(site).map(|meta| meta.separator.clone()).unwrap_or_default();
        let before = separated.then_some(Part::Between(separator));
        let parts = |text: &SqlText| {
            before.iter().cloned().chain(text.pieces.iter().cloned().map(Part::Piece)).collect()
        };
        self.push_parts(site, &more.iter().map(parts).collect::<Vec<_>>(), span);
    }

    fn push_parts(&mut self, site: usize, more: &[Vec<Part>], span: Span) {
        let known = self.state.builders.get(&site);
        let grown = known.and_then(|known| known.followed_by(more));
        let grown = grown.unwrap_or_else(|| self.lost(span, "more texts are possible than are looked at"));
        self.state.builders.insert(site, grown);
    }

    fn lost(&self, span: Span, why: &str) -> Grown {
        Grown { texts: vec![Grown::hole(span, self.written(span), why)], plain: false }
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
    pub(super) fn join_builders(&mut self, other: &super::scope::State, span: Span) {
        let sites: Vec<usize> = other.builders.keys().copied().collect();
        for site in sites {
            let Some(theirs) = other.builders.get(&site) else { continue };
            let joined = match self.state.builders.get(&site) {
                Some(ours) => ours.join(theirs),
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
        let mut rounds = Rounds::default();
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
            let again: Vec<Vec<Part>> = round.texts.iter().map(|text| self.again(site, text)).collect();
            let pushes = |texts: &[Vec<Part>]| {
                texts.iter().filter(|text| !text.is_empty()).cloned().collect::<Vec<_>>()
            };
            // Without a round nothing would stand where something has to: that text is refused by every database.
            let once = match before.texts.iter().all(|text| asks_for_more(text)) {
                true => before.followed_by(&pushes(&round.texts)),
                false => before.maybe_followed_by(&pushes(&round.texts)),
            };
            let twice = once.and_then(|once| once.maybe_followed_by(&pushes(&again)));
            let grown =
                twice.unwrap_or_else(|| self.lost(span, "more texts are possible than are looked at"));
            self.state.builders.insert(site, grown);
        }
    }

    /// The same parts in another round: other values are bound.
    fn again(&mut self, site: usize, parts: &[Part]) -> Vec<Part> {
        let mut renumbered = |piece: &Piece| match piece {
            Piece::Placeholder { number, .. } => {
                let binds = self.sites.get(site).and_then(|site| site.binds.as_ref());
                let at = usize::try_from(*number).ok().and_then(|number| number.checked_sub(1));
                match at.and_then(|at| binds?.get(at)).cloned() {
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
