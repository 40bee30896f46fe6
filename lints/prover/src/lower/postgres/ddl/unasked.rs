//! Functions that a migration runs without calling them: event triggers, the triggers of tables whose rows it writes, and what
//! defaults, checks, indexes and domains call while a table is rewritten.
//!
//! **Invariant:** a function that may change the schema and may have been run so is as good as called.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_span::{FileId, Span};

use super::{bodies_of, changers_in, changes_schema, distrust, existing_function, nodes};
use crate::catalog::{Catalog, ColumnDefault, QualifiedName, UNREAD_BODY, UserType};
use crate::lower::edit::{Editor, Refusal};
use crate::lower::scan::{Piece, Token, TokenKind, tokens};

/// What is known, between the statements of a file, of the functions that may change the schema.
#[derive(Default)]
pub(super) struct Watch {
    /// The functions whose bodies may change the schema; `None` where they have to be looked up again.
    changers: Option<bool>,
    /// What rows and rewritten tables run has been reckoned with, and nothing was changed since.
    settled: Option<Runs>,
}

/// What a statement may run besides what it calls.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Runs {
    /// Nothing but event triggers.
    Nothing,
    /// Defaults, checks, indexes and domains.
    Expressions,
    /// These, and triggers, views and policies.
    Rows,
}

/// Words in the text of an event trigger's function that is not there to be read: it may do all that can be done.
const ANYTHING: &str = "execute everything; create trigger; alter table drop constraint; policy bypassrls";

impl Watch {
    /// Reckons with what a statement ran, after its own effect. `changed` says that it may have changed the schema.
    pub(super) fn after(
        &mut self,
        catalog: &mut Catalog,
        file: FileId,
        text: &str,
        piece: &Piece,
        changed: bool,
    ) {
        let (statement, span) = (piece.range.slice(text), Span::new(file, piece.range));
        if changed {
            self.settled = None;
            if may_make_functions(statement) {
                self.changers = None;
            }
            event_triggers(catalog, span);
        }
        let runs = runs(statement);
        if runs == Runs::Nothing || !self.has_changers(catalog) {
            return;
        }
        // What the statement says itself is evaluated too: `ADD COLUMN … DEFAULT f()`, `CREATE TABLE … AS SELECT f()`.
        if ["alter", "create"].iter().any(|word| starts_with(statement, word)) {
            run(catalog, span, statement);
        }
        if self.settled >= Some(runs) {
            return;
        }
        let attached = attached(catalog, runs);
        run(catalog, span, &attached);
        self.settled = Some(runs);
    }

    fn has_changers(&mut self, catalog: &Catalog) -> bool {
        let bodies = || catalog.functions.values().flatten().map(|function| function.body.as_str());
        *self.changers.get_or_insert_with(|| bodies().any(changes_schema))
    }
}

fn starts_with(statement: &str, word: &str) -> bool {
    tokens(Dialect::Postgres, statement).next().is_some_and(|token| token.is(statement, word))
}

/// True for a statement after which there may be other functions.
fn may_make_functions(statement: &str) -> bool {
    let lower = statement.to_ascii_lowercase();
    ["function", "procedure", "routine", "schema", "extension"].iter().any(|word| lower.contains(word))
        || ["do", "select", "call", "with"].iter().any(|word| starts_with(statement, word))
}

fn runs(statement: &str) -> Runs {
    let mut words = tokens(Dialect::Postgres, statement);
    let mut word = || words.next().and_then(|token| token.name(statement)).unwrap_or_default();
    let (first, second, third) = (word(), word(), word());
    match (first.as_str(), second.as_str(), third.as_str()) {
        ("create", "table" | "temp" | "temporary" | "unlogged" | "global" | "local", _) => {
            let lower = statement.to_ascii_lowercase();
            let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            match words.any(|word| matches!(word, "select" | "values" | "with" | "execute" | "attach")) {
                true => Runs::Rows,
                false => Runs::Nothing,
            }
        }
        ("create" | "refresh", "materialized", _) | ("create", "schema", _) => Runs::Rows,
        ("create", "index", _) | ("create", "unique", "index") | ("reindex" | "cluster", _, _) => {
            Runs::Expressions
        }
        ("alter", "table" | "domain" | "type" | "foreign", _) | ("analyze" | "vacuum", _, _) => {
            Runs::Expressions
        }
        ("set", "constraints", _) => Runs::Rows,
        (
            "create" | "alter" | "drop" | "comment" | "grant" | "revoke" | "set" | "reset" | "show" | "begin"
            | "start" | "savepoint" | "release" | "rollback" | "abort" | "lock" | "listen" | "unlisten"
            | "notify" | "discard" | "deallocate" | "close" | "security" | "reassign" | "checkpoint",
            _,
            _,
        ) => Runs::Nothing,
        // A statement that is not known may run anything.
        (_, _, _) => Runs::Rows,
    }
}

/// Takes the functions that a text calls for called.
fn run(catalog: &mut Catalog, span: Span, text: &str) {
    let functions = changers_in(catalog, text);
    let Some(first) = functions.first() else { return };
    let refusal = Refusal::new(format!("it runs {first}, whose own changes of the schema are not followed"));
    for function in &functions {
        let bodies: Vec<String> = bodies_of(catalog, function).map(str::to_owned).collect();
        bodies.iter().for_each(|body| distrust(catalog, span, &refusal, body, true));
    }
    tell(catalog, span, refusal);
}

/// Notes what was run, once for each function.
fn tell(catalog: &mut Catalog, span: Span, refusal: Refusal) {
    if catalog.skipped.iter().all(|known| known.why != refusal.why) {
        Editor { catalog }.skip(span, refusal);
    }
}

/// What hangs on tables, types and views, as text that calls what they call.
fn attached(catalog: &Catalog, runs: Runs) -> String {
    let mut texts: Vec<&str> = Vec::new();
    for table in catalog.tables.values() {
        texts.extend(table.checks.iter().map(|check| check.expr.as_str()));
        texts.extend(table.columns.iter().filter_map(|column| match &column.default {
            ColumnDefault::Computed(text) | ColumnDefault::Expr(text) => Some(text.as_str()),
            ColumnDefault::None | ColumnDefault::Generated => None,
        }));
        let indexes = table.indexes.iter().flat_map(|index| index.expressions.iter().chain(&index.predicate));
        let keys = table.keys.iter().flat_map(|key| key.expressions.iter().chain(&key.predicate));
        texts.extend(indexes.chain(keys).map(String::as_str));
    }
    texts.extend(catalog.types.values().flat_map(|ty| {
        match ty {
            UserType::Domain(_, texts) => texts.as_slice(),
            UserType::Enum | UserType::Other => &[],
        }
        .iter()
        .map(String::as_str)
    }));
    let mut called: BTreeSet<&str> = BTreeSet::new();
    if runs == Runs::Rows {
        texts.extend(catalog.views.values().map(|view| view.query.as_str()));
        let policies = catalog.tables.values().flat_map(|table| &table.row_security.policies);
        texts
            .extend(policies.flat_map(|policy| policy.using.iter().chain(&policy.check)).map(String::as_str));
        let of_tables = catalog.tables.values().flat_map(|table| &table.triggers);
        let triggers = of_tables.chain(catalog.views.values().flat_map(|view| &view.triggers));
        called.extend(triggers.filter_map(|trigger| Some(trigger.function.as_ref()?.name.as_str())));
    }
    let called = called.into_iter().map(|name| format!("\"{}\"()", name.replace('"', "\"\"")));
    texts.into_iter().map(str::to_owned).chain(called).collect::<Vec<_>>().join("\n;")
}

/// Believes no longer what is known of the functions that a text which was not read may change: those that it names after
/// `CREATE FUNCTION` and the like, strings in it included, or all where it puts the name together.
pub(super) fn distrust_functions(catalog: &mut Catalog, text: &str) {
    let outer: Vec<Token> = tokens(Dialect::Postgres, text).collect();
    let strings = outer.iter().filter(|token| token.kind == TokenKind::Text);
    let strings = strings.map(|token| token.range.slice(text).trim_matches(['\'', '$']));
    for text in std::iter::once(text).chain(strings) {
        let tokens: Vec<Token> = tokens(Dialect::Postgres, text).collect();
        let is = |at: usize, words: &[&str]| {
            tokens.get(at).is_some_and(|token| words.iter().any(|word| token.is(text, word)))
        };
        for at in 0..tokens.len() {
            let replaces = usize::from(is(at, &["create"]) && is(at + 1, &["or"])) * 2;
            let what = at + 1 + replaces;
            if !is(at, &["create", "alter", "drop"]) || !is(what, &["function", "procedure", "routine"]) {
                continue;
            }
            let name = what + 1 + usize::from(is(what + 1, &["if"])) * 2;
            let written = tokens.get(name).and_then(|name| text.get(name.range.start as usize..));
            let named = written.and_then(nodes::path_in);
            let changed = catalog
                .functions
                .iter_mut()
                .filter(|(known, _)| named.as_ref().is_none_or(|named| named.name == known.name));
            for function in changed.flat_map(|(_, overloads)| overloads) {
                UNREAD_BODY.clone_into(&mut function.language);
            }
        }
    }
}

/// Takes the functions of event triggers for called.
fn event_triggers(catalog: &mut Catalog, span: Span) {
    for name in catalog.event_triggers.clone() {
        let known = catalog.functions.get(&name);
        if known.is_some_and(|all| all.iter().all(|function| function.language != UNREAD_BODY)) {
            run(catalog, span, &format!("\"{}\"()", name.name.replace('"', "\"\"")));
            continue;
        }
        let why =
            format!("the event trigger runs {}, whose own changes of the schema are not known", name.name);
        let refusal = Refusal::new(why);
        distrust(catalog, span, &refusal, ANYTHING, true);
        tell(catalog, span, refusal);
    }
}

/// Notes the function of a `CREATE EVENT TRIGGER`; it is kept for ever, since what a later statement does with the trigger
/// may not be read.
pub(super) fn create_event_trigger(catalog: &mut Catalog, statement: &str) {
    let all: Vec<Token> = tokens(Dialect::Postgres, statement).collect();
    let is = |at: usize, word: &str| all.get(at).is_some_and(|token| token.is(statement, word));
    let at = (0..all.len()).rev().find(|at| is(*at, "function") || is(*at, "procedure"));
    let called =
        at.and_then(|at| all.get(at + 1)).and_then(|name| statement.get(name.range.start as usize..));
    let name = match called.and_then(nodes::path_in) {
        Some(name) => existing_function(catalog, name),
        None => QualifiedName { schema: String::new(), name: "?".to_owned() },
    };
    if !catalog.event_triggers.contains(&name) {
        catalog.event_triggers.push(name);
    }
}
