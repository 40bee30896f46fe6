//! What would scope a query, as changes of the source: a condition in its text or chain, and the value that it binds.
//!
//! **Invariant:** a fix is offered only if the changed statement is proved as scoped by the values that would be bound.
//! **Invariant:** a fix names nothing new: the value is a parameter or trusted expression in sight, in the form in which
//! other queries bind values of its type.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::Dialect;
use tenantry_project::Files;
use tenantry_prover::lower::restrict::{Insertion, marks_before, restrict};
use tenantry_prover::types::SqlType;
use tenantry_prover::verdict::{Leak, LeakKind, Nullability, Verdict};
use tenantry_source::{AtHand, Bind, Piece, ProvenanceKind, QuerySite, SqlText};
use tenantry_span::{Span, TextRange};

use crate::decide::{Cause, Decision, decide};
use crate::pushed;
use crate::statement::Schema;
use crate::wording::camel_case;

/// A change of the source that scopes a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// The changes, in the order of their places; they are made together.
    pub edits: Vec<Edit>,
    /// A migration that is to be made.
    pub migration: Option<Migration>,
}

/// A migration that is not there yet. Findings of one schema are mended by one: their texts go into the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// The file that is run.
    pub up: NewFile,
    /// The file that undoes it, where the other migrations have one.
    pub down: Option<NewFile>,
}

/// A file that is not there yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFile {
    /// Its path, relative to the root.
    pub path: String,
    /// What one finding wants in it: its own statements, and those that are wanted once these were made.
    pub parts: Vec<String>,
}

impl Fix {
    /// Changes of what is there.
    pub(crate) fn of(edits: Vec<Edit>) -> Fix {
        Fix { edits, migration: None }
    }
}

/// A change of one place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edit {
    /// The place that is replaced; empty where text is put in.
    pub place: Span,
    /// The text.
    pub text: String,
}

/// How the sites of a project bind values, and which texts several of them run.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    /// What stands before the variable and behind it, by the type as written.
    written: BTreeMap<(bool, String), BTreeMap<(String, String), usize>>,
    /// The literals that more than one place runs: what is bound at one of them is not bound at the others.
    shared: BTreeSet<Span>,
}

/// The most values that are tried.
const MAX_VALUES: usize = 8;

impl Forms {
    /// The forms in which sites bind the values that they have at hand.
    pub(crate) fn of<'a>(sites: impl Iterator<Item = &'a QuerySite>) -> Forms {
        let mut forms = Forms::default();
        let mut run_by: BTreeMap<Span, Span> = BTreeMap::new();
        for site in sites {
            for piece in site.texts.iter().flat_map(|text| &text.pieces) {
                if let Piece::Literal { span, .. } = piece
                    && *run_by.entry(*span).or_insert(site.span) != site.span
                {
                    forms.shared.insert(*span);
                }
            }
            for bind in site.binds.iter().flatten() {
                let Some((before, name, after)) = form(&bind.text) else { continue };
                let mut known = site.at_hand.iter().filter(|known| known.is_whole);
                let Some(known) = known.find(|known| known.bind.text == name) else { continue };
                let key = (is_list(site), known.ty.clone());
                *forms
                    .written
                    .entry(key)
                    .or_default()
                    .entry((before.to_owned(), after.to_owned()))
                    .or_default() += 1;
            }
        }
        forms
    }

    /// A value as a site would bind it for a column, of text or not. Nothing for a part of a parameter: its type is not
    /// written.
    fn write(&self, site: &QuerySite, value: &AtHand, for_text: bool) -> Option<String> {
        let name = &value.bind.text;
        let makes_text = |after: &str| MAKE_TEXT.iter().any(|method| after.ends_with(method));
        let written = |ty: &str| {
            let known = self.written.get(&(is_list(site), ty.to_owned())).filter(|_| value.is_whole);
            known.into_iter().flatten().filter(|((_, after), _)| for_text || !makes_text(after))
        };
        let common = written(&value.ty).max_by_key(|(_, count)| **count);
        let common = common.or_else(|| {
            // A field is read of a reference as of a value; what is no text is copied.
            let (other, is_lent) = match value.ty.strip_prefix('&') {
                Some(of) => (of.to_owned(), true),
                None => (format!("&{}", value.ty), false),
            };
            let stays = |before: &str, after: &str| {
                after.starts_with('.') && before != "*" && (!is_lent || !for_text || before == "&")
            };
            let fitting = written(&other).filter(|((before, after), _)| stays(before, after));
            fitting.max_by_key(|(_, count)| **count).filter(|_| !value.ty.is_empty())
        });
        if let Some(((before, after), _)) = common {
            return Some(format!("{before}{name}{after}"));
        }
        let mark = if is_list(site) || value.ty == "String" { "&" } else { "" };
        let is_plain = value.ty.is_empty() || PLAIN.contains(&value.ty.trim_start_matches('&'));
        let mark = if value.ty.starts_with('&') { "" } else { mark };
        (is_plain && value.is_whole).then(|| format!("{mark}{name}"))
    }
}

/// What makes text of a value, which no other column takes.
const MAKE_TEXT: &[&str] = &[".to_string()", ".to_owned()", ".as_str()"];
/// Types that every library binds as they are.
const PLAIN: &[&str] = &["Uuid", "uuid::Uuid", "i64", "i32", "i16", "String", "str"];

/// `&tenant.0` as what stands before the name, the name, and the fields behind it.
fn form(text: &str) -> Option<(&str, &str, &str)> {
    let rest = text.trim_start_matches(['&', '*']);
    let before = text.get(..text.len() - rest.len())?;
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let is_path = after.chars().all(|c| c.is_alphanumeric() || "_.()".contains(c));
    (!name.is_empty() && is_path).then_some((before, name, after))
}

/// The binds stand in a list of references, `&[&a, &b]`.
fn is_list(site: &QuerySite) -> bool {
    !site.call.ends_with('!') && matches!(site.library.as_str(), "tokio-postgres" | "rusqlite")
}

/// What would scope a site, where that is plain.
pub(crate) fn propose(
    schema: Schema<'_>,
    files: &Files,
    site: &QuerySite,
    decisions: &[Decision],
    forms: &Forms,
) -> Option<Fix> {
    if let Some(made) = pushed::made(files, site) {
        return propose_pushed(schema, files, site, decisions, forms, &made);
    }
    let [Decision { verdict: Verdict::Leaks(leaks), cause, .. }] = decisions else { return None };
    let ([text], Some(binds)) = (site.texts.as_slice(), &site.binds) else { return None };
    let proposal = Proposal { schema, files, site, text, binds, leaks };
    match cause {
        Cause::Verdict => {}
        Cause::UntrustedBind(at) => return proposal.in_its_place(*at, forms),
        _ => return None,
    }
    let is_shared =
        |piece: &Piece| matches!(piece, Piece::Literal { span, .. } if forms.shared.contains(span));
    if text.pieces.iter().any(is_shared) {
        return None;
    }
    // Who asks for a filter that vanishes may mean it.
    let is_plain = |leak: &Leak| leak.kind != LeakKind::OptionalFilter && leak.condition().is_some();
    if !leaks.iter().all(is_plain) {
        return None;
    }
    proposal.values(forms).into_iter().take(MAX_VALUES).find_map(|value| proposal.by(&value))
}

/// What would scope a query that is pushed together.
fn propose_pushed(
    schema: Schema<'_>,
    files: &Files,
    site: &QuerySite,
    decisions: &[Decision],
    forms: &Forms,
    made: &pushed::Made<'_>,
) -> Option<Fix> {
    let conditions = pushed::conditions(decisions)?;
    let leaks = decisions.iter().find_map(|decision| match &decision.verdict {
        Verdict::Leaks(leaks) => Some(leaks),
        Verdict::Scoped(_) | Verdict::Undecided(_) => None,
    })?;
    let (text, binds) = (site.texts.first()?, site.binds.as_ref()?);
    let proposal = Proposal { schema, files, site, text, binds, leaks };
    // One that is bound already may have been handed over by then.
    let values = proposal.values(forms).into_iter().filter(|value| value.bound.is_none());
    values.take(MAX_VALUES).find_map(|value| pushed::pushed(schema, site, made, &conditions, &value.bind))
}

/// A value that the fix may bind.
struct Value {
    /// The number of the placeholder that carries it already.
    bound: Option<usize>,
    bind: Bind,
}

struct Proposal<'a> {
    schema: Schema<'a>,
    files: &'a Files,
    site: &'a QuerySite,
    text: &'a SqlText,
    binds: &'a [Bind],
    leaks: &'a [Leak],
}

impl Proposal<'_> {
    /// The values to try, the surest first.
    fn values(&self, forms: &Forms) -> Vec<Value> {
        use ProvenanceKind::{Guarded, Parameter, Trusted};
        let own = |bind: &Bind| matches!(bind.provenance.kind, Trusted | Guarded);
        let called = |bind: &Bind| {
            let name = form(&bind.text).map_or("", |(_, name, _)| name);
            // Another variable of that name may be anything: the row's own id.
            let is_parameter =
                self.site.at_hand.iter().any(|known| known.is_whole && known.bind.text == name);
            bind.provenance.kind == Parameter && is_parameter && self.is_named_for_the_key(name)
        };
        let bound = self.binds.iter().enumerate();
        let bound =
            bound.filter(|(_, bind)| own(bind) || called(bind) && bind.nullable != Nullability::Maybe);
        let mut values: Vec<Value> =
            bound.map(|(at, bind)| Value { bound: Some(at + 1), bind: bind.clone() }).collect();
        for wanted in [true, false] {
            let fits = |value: &&AtHand| match wanted {
                true => own(&value.bind),
                false => {
                    let kind = value.bind.provenance.kind;
                    kind == Parameter && self.is_named_for_the_key(&value.bind.text)
                }
            };
            let fits = |value: &&AtHand| value.bind.nullable != Nullability::Maybe && fits(value);
            let written = self.site.at_hand.iter().filter(fits).filter_map(|value| {
                let text = forms.write(self.site, value, self.is_key_text())?;
                Some(Value { bound: None, bind: Bind { text, ..value.bind.clone() } })
            });
            values.extend(written);
        }
        values
    }

    /// A value that is the tenant's, bound instead of what the request says.
    fn in_its_place(&self, at: usize, forms: &Forms) -> Option<Fix> {
        use ProvenanceKind::{Guarded, Trusted};
        let wrong = self.binds.get(at).filter(|bind| bind.span.file == self.site.span.file)?;
        // What stands there may be a row of which the value is one column.
        if wrong.span.range.slice(self.files.text(wrong.span.file)).trim() != wrong.text {
            return None;
        }
        let own = self.site.at_hand.iter().filter(|value| {
            let kind = value.bind.provenance.kind;
            matches!(kind, Trusted | Guarded) && value.bind.nullable != Nullability::Maybe
        });
        own.take(MAX_VALUES).find_map(|value| {
            let text = forms.write(self.site, value, self.is_key_text())?;
            let mut binds = self.binds.to_vec();
            *binds.get_mut(at)? = Bind { text: text.clone(), ..value.bind.clone() };
            let site = QuerySite { binds: Some(binds), checks: Vec::new(), ..self.site.clone() };
            self.is_scoped(&site).then(|| Fix::of(vec![Edit { place: wrong.span, text }]))
        })
    }

    /// The key that is missing is of a type that takes text, or it is not known of which.
    fn is_key_text(&self) -> bool {
        let column = self.leaks.first().and_then(|leak| {
            let table = self.schema.catalog.tables.get(&leak.table)?;
            table.columns.get(table.column(key(leak)?)?)
        });
        column.is_none_or(|column| !matches!(column.ty, SqlType::Uuid | SqlType::Int | SqlType::Numeric))
    }

    fn is_scoped(&self, site: &QuerySite) -> bool {
        let decisions = decide(self.schema, site);
        let scoped = |decision: &Decision| matches!(decision.verdict, Verdict::Scoped(_));
        !decisions.is_empty() && decisions.iter().all(scoped)
    }

    fn is_named_for_the_key(&self, name: &str) -> bool {
        let column = self.leaks.first().and_then(key);
        column.is_some_and(|column| column == name || column.strip_suffix("_id") == Some(name))
    }

    fn by(&self, value: &Value) -> Option<Fix> {
        let is_text = matches!(self.text.pieces.as_slice(), [Piece::Literal { .. }]);
        if is_text { self.in_text(value) } else { self.in_chain(value) }
    }

    /// What is inserted into the SQL so that it is scoped, and which bind, from 0, the value is.
    fn restricted(&self, value: &Value) -> Option<(Vec<Insertion>, usize)> {
        let dialect = self.schema.dialect;
        let sql = self.text.known_in(dialect, &[])?;
        let marked = dialect != Dialect::Postgres && sql.contains('?') || dialect == Dialect::Mysql;
        let placeholder = match (value.bound, marked) {
            (Some(number), false) => format!("${number}"),
            (None, false) => format!("${}", self.binds.len() + 1),
            (None, true) if self.leaks.len() == 1 => "?".to_owned(),
            _ => return None,
        };
        let mut seen = BTreeSet::new();
        let mut insertions = Vec::new();
        for leak in self.leaks {
            let (before, after) = leak.condition()?;
            let condition = format!("{before}{placeholder}{after}").trim_start_matches("add ").to_owned();
            if seen.insert((leak.range, condition.clone())) {
                insertions.extend(restrict(dialect, &sql, leak.range, &condition)?);
            }
        }
        insertions.sort_by_key(|insertion| insertion.at);
        let at = insertions.iter().find(|insertion| insertion.text.contains(&placeholder))?.at;
        let index = match (value.bound, marked) {
            (Some(number), _) => number - 1,
            (None, true) => marks_before(dialect, &sql, at),
            (None, false) => self.binds.len(),
        };
        let mut changed = sql;
        for insertion in insertions.iter().rev() {
            let at = usize::try_from(insertion.at).ok().filter(|at| changed.is_char_boundary(*at))?;
            changed.insert_str(at, &insertion.text);
        }
        let mut binds = self.binds.to_vec();
        if value.bound.is_none() {
            binds.insert(index.min(binds.len()), value.bind.clone());
        }
        let whole = TextRange::from_usize(0, changed.len());
        let span = Span::new(self.site.span.file, whole);
        let piece = Piece::Literal { value: changed, span, map: vec![(0, 0)] };
        let texts = vec![SqlText { pieces: vec![piece], chosen_by: None }];
        let site = QuerySite { texts, binds: Some(binds), checks: Vec::new(), ..self.site.clone() };
        self.is_scoped(&site).then_some((insertions, index))
    }

    fn in_text(&self, value: &Value) -> Option<Fix> {
        let [Piece::Literal { span, .. }] = self.text.pieces.as_slice() else { return None };
        let (insertions, index) = self.restricted(value)?;
        let mut edits = Vec::new();
        for insertion in insertions {
            let place = self.text.place(TextRange::empty(insertion.at))?;
            let text = self.as_written(*span, &insertion.text)?;
            edits.push(Edit { place: Span::new(place.file, TextRange::empty(place.range.start)), text });
        }
        if value.bound.is_none() {
            edits.push(self.bind(*span, index, &value.bind.text)?);
        }
        edits.sort_by_key(|edit| (edit.place.file, edit.place.range));
        Some(Fix::of(edits))
    }

    /// Text as it stands within the literal at a place.
    fn as_written(&self, literal: Span, text: &str) -> Option<String> {
        let token = literal.range.slice(self.files.text(literal.file));
        let is_plain = token.starts_with('"');
        let is_raw = token.starts_with("r#") || literal.file != self.site.span.file;
        match text.contains(['"', '\\']) {
            false => Some(text.to_owned()),
            true if is_plain => Some(text.replace('\\', "\\\\").replace('"', "\\\"")),
            true if is_raw && !text.contains("\"#") => Some(text.to_owned()),
            true => None,
        }
    }

    /// The edit that binds a value as the `index`th, from 0.
    fn bind(&self, literal: Span, index: usize, value: &str) -> Option<Edit> {
        let file = self.site.span.file;
        let source = self.files.text(file);
        let insert = |at: usize, text: String| {
            Some(Edit { place: Span::new(file, TextRange::from_usize(at, at)), text })
        };
        let before = index.checked_sub(1).map(|at| self.binds.get(at).filter(|bind| bind.span.file == file));
        let is_macro = self.site.call.ends_with('!');
        if is_macro || is_list(self.site) {
            if let Some(before) = before {
                return insert(before?.span.range.end as usize, format!(", {value}"));
            }
            if let Some(first) = self.binds.first().filter(|bind| bind.span.file == file) {
                return insert(first.span.range.start as usize, format!("{value}, "));
            }
            // What is included lies elsewhere; its name is not seen here.
            let end = (literal.file == file).then_some(literal.range.end as usize)?;
            if is_macro && self.site.span.range.contains_range(literal.range) {
                return insert(end, format!(", {value}"));
            }
            let rest = source.get(end..)?;
            let list = rest.trim_start().strip_prefix(',')?.trim_start();
            let inside = list.strip_prefix("&[").or_else(|| list.strip_prefix('['))?;
            let empty = inside.trim_start().starts_with(']');
            return if empty { insert(end + rest.len() - inside.len(), value.to_owned()) } else { None };
        }
        let end = match before {
            // `.bind(a)`, with a comma at the most behind what is bound.
            Some(before) => {
                let end = before?.span.range.end as usize;
                let rest = source.get(end..)?;
                let closed = rest.trim_start().trim_start_matches(',').trim_start();
                closed.strip_prefix(')').map(|after| end + rest.len() - after.len())?
            }
            None => self.site.span.range.end as usize,
        };
        let is_call = source.get(..end)?.ends_with(')') && self.site.library == "sqlx";
        let blank = blank_before_step(source, end);
        if is_call { insert(end, format!("{blank}.bind({value})")) } else { None }
    }

    /// A filter in a chain of calls, in front of the one that runs it.
    fn in_chain(&self, value: &Value) -> Option<Fix> {
        let [leak] = self.leaks else { return None };
        let column = key(leak)?;
        self.restricted(value)?;
        let file = self.site.span.file;
        let source = self.files.text(file);
        let before = source.get(..self.site.span.range.start as usize)?;
        let before = before.trim_end().strip_suffix('.')?;
        let gap = before.len() - before.trim_end().len();
        let chain = before.trim_end();
        // On a line of its own where the others are.
        let blank = before.get(chain.len()..).filter(|blank| gap > 0 && blank.contains('\n')).unwrap_or("");
        let of = self.owner_of_columns(&leak.table.name)?;
        let column = match self.site.library.as_str() {
            "diesel" if mentions(source, &["prelude::*", "ExpressionMethods"]) => format!("{of}::{column}"),
            "sea-orm"
                if matches!(self.site.call.as_str(), "one" | "all" | "count" | "paginate" | "stream")
                    && (mentions(source, &["prelude::*", "sea_orm::*"])
                        || mentions(source, &["ColumnTrait"]) && mentions(source, &["QueryFilter"])) =>
            {
                format!("{of}::Column::{}", camel_case(column))
            }
            _ => return None,
        };
        let text = format!("{blank}.filter({column}.eq({}))", value.bind.text);
        let place = Span::new(file, TextRange::from_usize(chain.len(), chain.len()));
        Some(Fix::of(vec![Edit { place, text }]))
    }

    /// What the columns of a table are written behind: `orders` of `orders::table`, `order` of `order::Entity`.
    fn owner_of_columns(&self, table: &str) -> Option<String> {
        let end = if self.site.library == "diesel" { "::table" } else { "::Entity" };
        let named = self.text.pieces.iter().filter_map(|piece| match piece {
            Piece::Name { name, span } if name == table && span.file == self.site.span.file => Some(*span),
            _ => None,
        });
        let mut owners = named.filter_map(|span| {
            let written = span.range.slice(self.files.text(span.file));
            let (before, after) = written.split_once(end)?;
            if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
                return None;
            }
            let start =
                before.rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').map_or(0, |at| at + 1);
            before.get(start..).filter(|path| !path.is_empty()).map(str::to_owned)
        });
        owners.next()
    }
}

/// The line break and indent with which a chain goes on after `at`; nothing where it goes on in the same line.
fn blank_before_step(source: &str, at: usize) -> &str {
    let rest = source.get(at..).unwrap_or_default();
    let blank = rest.get(..rest.len() - rest.trim_start().len()).unwrap_or_default();
    let goes_on = rest.trim_start().starts_with('.') && blank.contains('\n');
    if goes_on { blank } else { "" }
}

fn mentions(source: &str, words: &[&str]) -> bool {
    words.iter().any(|word| source.contains(word))
}

/// The column of the table itself that the condition compares.
fn key(leak: &Leak) -> Option<&str> {
    let (before, after) = leak.condition()?;
    let column = before.strip_suffix(" = ").filter(|_| after.is_empty())?;
    column.rsplit('.').next().filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}
