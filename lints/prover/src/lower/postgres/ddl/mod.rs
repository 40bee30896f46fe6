//! PostgreSQL DDL: what a file of statements makes of a catalog.
//!
//! A file is cut into statements and each is read alone, so that one that cannot be read costs only itself.
//!
//! **Invariant:** a statement has its whole effect on the catalog, or it is in `skipped`. Enums of the syntax tree are
//! matched without a wildcard, so that a new kind of statement or clause cannot pass unseen.

mod alter;
mod blocks;
mod constraint;
mod drops;
mod functions;
mod nodes;
mod objects;
mod roles;
mod statement;
mod table;
mod transactions;
mod types;
mod unasked;

#[cfg(test)]
mod tests;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::{SourceFile, SyntaxNode};
use tenantry_policy::Dialect;
use tenantry_span::{FileId, Span, TextRange};

use crate::catalog::{ANYTHING, Catalog, QualifiedName, Table, Trigger, UNREAD_TRIGGER};
use crate::lower::edit::{Editor, Read, Refusal, TEMPORARY};
use crate::lower::limits::Limit;
use crate::lower::scan::{Piece, Token, TokenKind, cut, tokens};
use crate::lower::{MAX_NESTING, MAX_TEXT, MAX_TOKENS};

/// Applies all statements of one file in order, on top of what is there. What cannot be read is noted in
/// [`Catalog::skipped`]. The caller runs this on a deep stack.
pub fn apply(catalog: &mut Catalog, file: FileId, text: &str) {
    let search_path = catalog.search_path.clone();
    let mut watch = unasked::Watch::default();
    let pieces: Vec<Piece> = cut(Dialect::Postgres, text).into_iter().collect();
    let mut undo = transactions::Undo::of(catalog, text, &pieces);
    for piece in &pieces {
        if undo.follow(catalog, file, text, piece) {
            watch = unasked::Watch::default();
            continue;
        }
        let changed = apply_piece(catalog, file, text, piece);
        watch.after(catalog, file, text, piece, changed);
    }
    catalog.search_path = search_path;
    drop_temporary(catalog);
}

/// What a statement changes, as far as its first words tell.
enum Gate {
    /// Nothing of the schema.
    Ignored,
    /// It has to be read.
    Read,
    /// It calls a function that may change the schema.
    Calls(String),
}

/// Applies one statement, and tells whether it may have changed the schema.
fn apply_piece(catalog: &mut Catalog, file: FileId, text: &str, piece: &Piece) -> bool {
    let statement = piece.range.slice(text);
    roles::note(catalog, Span::new(file, piece.range), statement);
    note_run(catalog, Span::new(file, piece.range), statement, piece);
    if statement.contains("\\gexec") {
        let (span, refusal) = (Span::new(file, piece.range), Refusal::new("what it returns is run by psql"));
        distrust(catalog, span, &refusal, statement, true);
        Editor { catalog }.skip(span, refusal);
        return true;
    }
    let outcome = match gate(catalog, statement, piece) {
        Gate::Ignored => return false,
        Gate::Calls(function) => {
            distrust_calls(catalog, Span::new(file, piece.range), statement);
            Err(called(&function))
        }
        Gate::Read => read_piece(catalog, file, statement, piece),
    };
    if catalog.path_unsure.is_some() {
        doubt_ambiguous(catalog, statement);
    }
    if let Err(mut refusal) = outcome {
        let span = Span::new(file, piece.range);
        note_path(catalog, statement);
        if refusal.table.is_none() && statement.get(..2).is_some_and(|word| word.eq_ignore_ascii_case("do")) {
            skip_block(catalog, span, refusal, statement);
            return true;
        }
        unasked::distrust_functions(catalog, statement);
        note_unread(catalog, statement);
        if refusal.table.is_none() {
            refusal.table = visible_table(catalog, statement);
        }
        Editor { catalog }.skip(span, refusal);
    }
    true
}

/// Notes as whom what a statement runs goes on: by itself, in a block, or in a function that it calls.
fn note_run(catalog: &mut Catalog, span: Span, statement: &str, piece: &Piece) {
    let first = tokens(Dialect::Postgres, statement).next();
    let makes = ["create", "alter", "comment", "copy"];
    if piece.range.len() > MAX_CALL
        || first.is_none_or(|first| makes.iter().any(|word| first.is(statement, word)))
    {
        return;
    }
    roles::note_calls(catalog, span, statement);
    if !catalog.functions.values().flatten().any(|function| function.body.contains("set_config")) {
        return;
    }
    for name in all_called_in(catalog, statement) {
        let bodies: Vec<String> = bodies_of(catalog, &name).map(str::to_owned).collect();
        bodies.iter().for_each(|body| roles::note_calls(catalog, span, body));
    }
}

/// Notes that a text which was not read speaks of the search path, which it may set for a role or a database.
fn note_path(catalog: &mut Catalog, text: &str) {
    if text.to_ascii_lowercase().contains("search_path") {
        catalog.path_unsure.get_or_insert_with(|| PATH_SET.to_owned());
    }
}

/// See [`Catalog::path_unsure`].
const PATH_SET: &str = "the search path is set for a role or a database, or may be";

/// A statement after one that may have set what sessions search first: a name without a schema in it may stand for any
/// relation of that name, so that what it changes is not known of any of them.
fn doubt_ambiguous(catalog: &mut Catalog, statement: &str) {
    let found: Vec<Token> = tokens(Dialect::Postgres, statement).collect();
    let mut names: Vec<String> = Vec::new();
    for (at, token) in found.iter().enumerate() {
        let is_part = at.checked_sub(1).and_then(|at| found.get(at)).is_some_and(|dot| dot.is_punct(b'.'));
        let Some(name) = token.name(statement).filter(|_| !is_part) else { continue };
        if !names.contains(&name) && catalog.ambiguous(&name, None).is_some() {
            names.push(name);
        }
    }
    for table in catalog.tables.values_mut().filter(|table| names.contains(&table.name.name)) {
        table.complete = false;
        table.row_security.unsure.get_or_insert_with(|| PATH_SET.to_owned());
    }
    for view in catalog.views.values_mut().filter(|view| names.contains(&view.name.name)) {
        view.stale.get_or_insert_with(|| PATH_SET.to_owned());
    }
}

fn read_piece(catalog: &mut Catalog, file: FileId, statement: &str, piece: &Piece) -> Read {
    if let Some(limit) = limit(piece) {
        return Err(Refusal::new(limit.message()));
    }
    let origin = Origin::File { base: piece.range.start };
    if sets_search_path(statement, piece) {
        return Reader {
            editor: Editor { catalog },
            file,
            origin,
            merge_keys_from: None,
            flow: blocks::Flow::default(),
        }
        .set_config_call(statement);
    }
    let parse = SourceFile::parse(statement);
    let root = parse.tree();
    let bodies = bodies(root.syntax());
    let in_body = |range: TextRange| bodies.iter().any(|body| body.contains_range(range));
    let mut errors = parse.errors().into_iter();
    if let Some(error) =
        errors.find(|error| !in_body(nodes::plain(error.range().start(), error.range().end())))
    {
        return Err(Refusal::new(format!("it could not be read: {}", error.message())));
    }
    let mut reader = Reader {
        editor: Editor { catalog },
        file,
        origin,
        merge_keys_from: None,
        flow: blocks::Flow::default(),
    };
    root.stmts().try_for_each(|stmt| reader.statement(&stmt))
}

fn limit(piece: &Piece) -> Option<Limit> {
    if piece.range.len() as usize > MAX_TEXT {
        return Some(Limit::Text);
    }
    if piece.tokens > MAX_TOKENS {
        return Some(Limit::Tokens);
    }
    (piece.nesting > MAX_NESTING).then_some(Limit::Nesting)
}

/// The strings that are bodies of functions: those are read when the function is called.
fn bodies(root: &SyntaxNode) -> Vec<TextRange> {
    let bodies = root.descendants().filter_map(ast::AsDefinition::cast);
    bodies.map(|body| nodes::range(body.syntax())).collect()
}

fn drop_temporary(catalog: &mut Catalog) {
    catalog.views.retain(|name, _| name.schema != TEMPORARY);
    catalog.tables.retain(|name, _| name.schema != TEMPORARY);
}

/// Looks at the words of a statement, so that data of any size is passed by cheaply.
fn gate(catalog: &Catalog, statement: &str, piece: &Piece) -> Gate {
    let mut words = tokens(Dialect::Postgres, statement);
    let first = words.next().and_then(|token| token.name(statement)).unwrap_or_default();
    match first.as_str() {
        "alter" | "create" | "drop" | "do" | "import" | "set" | "reset" => Gate::Read,
        "select" | "with" | "(" if piece.into => Gate::Read,
        "select" | "with" | "call" | "values" | "perform" | "insert" | "update" | "delete" | "merge"
        | "explain" | "refresh" | "prepare" | "declare" => {
            if sets_search_path(statement, piece) {
                return Gate::Read;
            }
            called_changer(catalog, statement, piece).map_or(Gate::Ignored, Gate::Calls)
        }
        "abort" | "analyse" | "analyze" | "begin" | "checkpoint" | "close" | "cluster" | "comment"
        | "commit" | "copy" | "deallocate" | "discard" | "end" | "execute" | "fetch" | "grant" | "listen"
        | "load" | "lock" | "move" | "notify" | "reassign" | "reindex" | "release" | "revoke"
        | "rollback" | "savepoint" | "security" | "show" | "start" | "table" | "truncate" | "unlisten"
        | "vacuum" => Gate::Ignored,
        _ => Gate::Read,
    }
}

/// The longest call that is searched for functions, in bytes; longer ones carry data.
const MAX_CALL: u32 = 16 * 1024;

/// `SELECT pg_catalog.set_config('search_path', …)`, as dumps have it.
fn sets_search_path(statement: &str, piece: &Piece) -> bool {
    let lower = || statement.to_ascii_lowercase();
    // In a block or a function it is one statement of several.
    let first = tokens(Dialect::Postgres, statement).next();
    let is_query = first.is_some_and(|token| token.is(statement, "select"));
    piece.range.len() < MAX_CALL
        && is_query
        && lower().contains("set_config")
        && lower().contains("'search_path'")
}

/// A function of the catalog that the statement calls and that may change the schema.
fn called_changer(catalog: &Catalog, statement: &str, piece: &Piece) -> Option<String> {
    if piece.range.len() > MAX_CALL {
        return None;
    }
    changers_in(catalog, statement).into_iter().next()
}

/// How many functions are followed from one call.
const MAX_CALLED: usize = 256;

/// The functions of the catalog that a text calls, through others too, if one of them may change the schema: such a one comes
/// first.
fn changers_in(catalog: &Catalog, text: &str) -> Vec<String> {
    let mut found = all_called_in(catalog, text);
    let changer = found.iter().position(|name| bodies_of(catalog, name).any(changes_schema));
    match changer {
        Some(changer) => {
            found.swap(0, changer);
            found
        }
        None => Vec::new(),
    }
}

/// The functions of the catalog that a text calls, through others too.
fn all_called_in(catalog: &Catalog, text: &str) -> Vec<String> {
    let mut found = called_in(catalog, text);
    let mut at = 0;
    while let Some(name) = found.get(at).filter(|_| at < MAX_CALLED).cloned() {
        at += 1;
        for body in bodies_of(catalog, &name) {
            for called in called_in(catalog, body) {
                if !found.contains(&called) {
                    found.push(called);
                }
            }
        }
    }
    found
}

fn bodies_of<'c>(catalog: &'c Catalog, function: &str) -> impl Iterator<Item = &'c str> {
    let overloads = catalog.functions.iter().filter(move |(name, _)| name.name == function);
    overloads.flat_map(|(_, overloads)| overloads).map(|function| function.body.as_str())
}

/// The functions of the catalog that a text calls by name.
fn called_in(catalog: &Catalog, text: &str) -> Vec<String> {
    let tokens: Vec<Token> = tokens(Dialect::Postgres, text).collect();
    let calls = tokens.windows(2).filter_map(|pair| match pair {
        [name, bracket] if bracket.is_punct(b'(') => name.name(text),
        _ => None,
    });
    let mut found: Vec<String> = Vec::new();
    for called in calls {
        let is_known = catalog.functions.keys().any(|name| name.name == called);
        if is_known && !found.contains(&called) {
            found.push(called);
        }
    }
    found
}

/// True if a body has a word in it with which a change of the schema begins, or of what roles may do.
fn changes_schema(body: &str) -> bool {
    let changes = ["alter", "create", "drop", "execute", "grant", "revoke", "reassign"];
    tokens(Dialect::Postgres, body).any(|token| changes.iter().any(|word| token.is(body, word)))
}

/// True for a body that executes what does not begin with a text of its own.
fn executes_unknown(body: &str) -> bool {
    let tokens: Vec<Token> = tokens(Dialect::Postgres, body).collect();
    let is_text = |at: usize| tokens.get(at).is_some_and(|token| token.kind == TokenKind::Text);
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(body, word));
    let is_known = |at: usize| {
        let builds = is(at, "format") || is(at, "concat");
        is_text(at) || is(at, "function") || is(at, "procedure") || builds && is_text(at + 2)
    };
    (0..tokens.len()).any(|at| is(at, "execute") && !is_known(at + 1))
}

/// The table that a statement would change, where its name can be seen.
fn visible_table(catalog: &mut Catalog, statement: &str) -> Option<QualifiedName> {
    let tokens: Vec<Token> = tokens(Dialect::Postgres, statement).take(WITHIN).collect();
    table_of(catalog, statement, &tokens)
}

/// How far into a statement the name of its table is looked for, in tokens.
const WITHIN: usize = 24;

/// The tables that are changed anywhere in a text, such as a block, strings of it included.
fn visible_tables(catalog: &mut Catalog, text: &str) -> Vec<QualifiedName> {
    let outer: Vec<Token> = tokens(Dialect::Postgres, text).collect();
    let strings = outer.iter().filter(|token| token.kind == TokenKind::Text);
    let strings = strings.map(|token| token.range.slice(text).trim_matches(['\'', '$']));
    let mut found: Vec<QualifiedName> = Vec::new();
    for text in std::iter::once(text).chain(strings) {
        let tokens: Vec<Token> = tokens(Dialect::Postgres, text).collect();
        let changes = ["alter", "create", "drop"];
        for (at, token) in tokens.iter().enumerate() {
            if changes.iter().any(|word| token.is(text, word)) {
                let rest = tokens.get(at..(at + WITHIN).min(tokens.len())).unwrap_or(&[]);
                found.extend(table_of(catalog, text, rest).filter(|table| !found.contains(table)));
            }
        }
    }
    found
}

/// The table or view that a statement of these first tokens would change.
fn table_of(catalog: &mut Catalog, text: &str, tokens: &[Token]) -> Option<QualifiedName> {
    let words: Vec<Option<String>> = tokens.iter().map(|token| token.name(text)).collect();
    let word = |at: usize| words.get(at).and_then(Option::as_deref);
    let what = if word(1) == Some("or") && word(2) == Some("replace") { 3 } else { 1 };
    let introduces: &[&str] = match (word(0)?, word(what)?) {
        ("alter" | "create" | "drop", "table" | "foreign" | "unlogged") => &["table"],
        ("alter" | "create" | "drop", "temp" | "temporary") => &["table", "view"],
        ("alter" | "create" | "drop", "view" | "materialized" | "recursive") => &["view"],
        ("create" | "alter" | "drop", "policy" | "trigger" | "index" | "unique" | "rule") => &["on", "to"],
        _ => return None,
    };
    let mut at =
        words.iter().position(|word| word.as_deref().is_some_and(|word| introduces.contains(&word)))? + 1;
    while word(at).is_some_and(|word| ["if", "not", "exists", "only"].contains(&word)) {
        at += 1;
    }
    let first = word(at)?;
    let qualifies = tokens.get(at + 1).is_some_and(|token| token.is_punct(b'.'));
    let name = match word(at + 2).filter(|_| qualifies) {
        Some(second) => Editor { catalog }.resolve(Some(first), second),
        None => Editor { catalog }.resolve(None, first),
    };
    Some(name)
}

/// Notes a part of a block that had no effect, once for each table that it speaks of changing.
fn skip_block(catalog: &mut Catalog, span: Span, refusal: Refusal, text: &str) {
    let tables = visible_tables(catalog, text);
    distrust(catalog, span, &refusal, text, tables.is_empty());
    if tables.is_empty() {
        return Editor { catalog }.skip(span, refusal);
    }
    for table in tables {
        Editor { catalog }.skip(span, Refusal { table: Some(table), why: refusal.why.clone() });
    }
}

fn called(function: &str) -> Refusal {
    Refusal::new(format!("it calls {function}, whose own changes of the schema are not followed"))
}

/// Notes what the functions that a text calls may have done, by what is in them and in what they are handed; the first of
/// them, if there are any.
fn distrust_calls(catalog: &mut Catalog, span: Span, text: &str) -> Option<Refusal> {
    let functions = changers_in(catalog, text);
    let refusal = called(functions.first()?);
    distrust(catalog, span, &refusal, text, true);
    for function in &functions {
        let bodies: Vec<String> = bodies_of(catalog, function).map(str::to_owned).collect();
        bodies.iter().for_each(|body| distrust(catalog, span, &refusal, body, true));
    }
    Some(refusal)
}

/// Keeps a text that was not read: what it names it may have made.
fn note_unread(catalog: &mut Catalog, text: &str) {
    if !["create", "alter", "execute"].iter().any(|word| blocks::says(text, word)) {
        return;
    }
    let composes = blocks::says(text, "execute") && (text.contains('%') || text.contains("||"));
    let kept = match composes || executes_unknown(text) {
        true => ANYTHING.to_owned(),
        false => text.to_ascii_lowercase(),
    };
    if !catalog.unread.contains(&kept) {
        catalog.unread.push(kept);
    }
}

/// Notes what a text that was not read may have done to tables that it does not name, and to roles: policies, triggers and
/// constraints. What it names may be put together when it is run.
fn distrust(catalog: &mut Catalog, span: Span, refusal: &Refusal, text: &str, names_no_table: bool) {
    unasked::distrust_functions(catalog, text);
    note_unread(catalog, text);
    note_path(catalog, text);
    // A membership may be taken away by a text of which not even the words are known.
    catalog.memberships_unsure = true;
    let words = text.to_ascii_lowercase();
    let words: Vec<&str> = words.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    let has = |word: &str| words.contains(&word);
    // A placeholder may stand for the words as well.
    let is_of_any_table = names_no_table || has("execute");
    if is_of_any_table && has("create") && has("trigger") {
        let triggers = unread_triggers(catalog, span, text);
        for table in catalog.tables.values_mut() {
            let alike = |known: &Trigger, made: &Trigger| {
                known.name == made.name && known.function == made.function && !known.disabled
            };
            let new = triggers.iter().filter(|made| !table.triggers.iter().any(|known| alike(known, made)));
            let new: Vec<Trigger> = new.cloned().collect();
            table.triggers.extend(new);
        }
    }
    if is_of_any_table && has("create") && has("rule") {
        let rule = || Trigger { is_rule: true, ..unread_trigger(span, None) };
        catalog.tables.values_mut().for_each(|table| table.triggers.push(rule()));
    }
    let is_of_views = has("view") && ["replace", "alter", "drop"].into_iter().any(has) || has("rule");
    if is_of_any_table && (is_of_views || executes_unknown(text)) {
        for view in catalog.views.values_mut() {
            view.stale.get_or_insert_with(|| "a statement that may change it was not read".to_owned());
        }
    }
    let drops = is_of_any_table && has("drop") && has("constraint");
    if drops && (names_no_table || executes_unknown(text) || drops_unnamed(catalog, text)) {
        catalog.tables.values_mut().for_each(|table| table.complete = false);
    }
    let replaces = has("rename") || has("drop") && has("table") || executes_unknown(text);
    if is_of_any_table && (has("policy") || has("security") || replaces) {
        for table in catalog.tables.values_mut() {
            table.row_security.unsure.get_or_insert_with(|| refusal.why.clone());
        }
    }
    let widens = has("bypassrls") || has("superuser") || has("owner") || has("grant") && !has("on");
    if widens {
        catalog.roles_unsure.get_or_insert_with(|| refusal.why.clone());
    }
}

/// True for a text with a `DROP CONSTRAINT` of which it does not say in the same breath, whole, of which table.
fn drops_unnamed(catalog: &mut Catalog, text: &str) -> bool {
    let outer: Vec<Token> = tokens(Dialect::Postgres, text).collect();
    let strings = outer.iter().filter(|token| token.kind == TokenKind::Text);
    let strings = strings.map(|token| token.range.slice(text).trim_matches(['\'', '$']));
    let mut texts = std::iter::once(text).chain(strings);
    texts.any(|text| {
        let tokens: Vec<Token> = tokens(Dialect::Postgres, text).collect();
        let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(text, word));
        let mut drops = (0..tokens.len()).filter(|at| is(*at, "drop"));
        let names_none = is(0, "constraint");
        names_none
            || drops.any(|drop| {
                // What is dropped may be put together as well.
                if tokens.get(drop + 1).and_then(|what| what.name(text)).is_none() {
                    return true;
                }
                if !is(drop + 1, "constraint") {
                    return false;
                }
                let Some(begin) = (0..drop).rev().find(|at| is(*at, "alter")) else { return true };
                let statement = tokens.get(begin..drop).unwrap_or(&[]);
                // `orders_%s`, `%I.orders`
                let is_put_together =
                    statement.iter().any(|token| token.is_punct(b'%') || token.is_punct(b';'));
                is_put_together || table_of(catalog, text, statement).is_none()
            })
    })
}

/// The triggers that a text which was not read may make on any table: one for each function that it says they call, and one
/// that may do anything if it says none.
fn unread_triggers(catalog: &mut Catalog, span: Span, text: &str) -> Vec<Trigger> {
    let outer: Vec<Token> = tokens(Dialect::Postgres, text).collect();
    let strings = outer.iter().filter(|token| token.kind == TokenKind::Text);
    let strings = strings.map(|token| token.range.slice(text).trim_matches(['\'', '$']));
    let mut functions: Vec<Option<QualifiedName>> = Vec::new();
    let mut made = 0;
    for text in std::iter::once(text).chain(strings) {
        let tokens: Vec<Token> = tokens(Dialect::Postgres, text).collect();
        made += tokens.iter().filter(|token| token.is(text, "trigger")).count();
        for (at, pair) in tokens.windows(2).enumerate() {
            let [first, second] = pair else { continue };
            if !first.is(text, "execute") || !(second.is(text, "function") || second.is(text, "procedure")) {
                continue;
            }
            let called = tokens.get(at + 2).and_then(|name| text.get(name.range.start as usize..));
            let called = called.and_then(nodes::path_in);
            let function = called.map(|name| existing_function(catalog, name));
            if !functions.contains(&function) {
                functions.push(function);
            }
        }
    }
    if functions.is_empty() && made > 0 {
        functions.push(None);
    }
    functions.into_iter().map(|function| unread_trigger(span, function)).collect()
}

/// A trigger of which nothing but its function is known.
fn unread_trigger(span: Span, function: Option<QualifiedName>) -> Trigger {
    Trigger {
        name: UNREAD_TRIGGER.to_owned(),
        function,
        is_rule: false,
        events: ["INSERT", "UPDATE", "DELETE", "TRUNCATE"].map(str::to_owned).to_vec(),
        disabled: false,
        after_row: false,
        when: None,
        span,
    }
}

/// The full name of a function that is there; what is not there keeps its name, and nobody knows what it does.
fn existing_function(catalog: &mut Catalog, name: nodes::Name) -> QualifiedName {
    let schemas = match &name.schema {
        Some(schema) => vec![schema.clone()],
        None => catalog.search_path.clone(),
    };
    let names = schemas.into_iter().map(|schema| QualifiedName { schema, name: name.name.clone() });
    let names: Vec<QualifiedName> = names.collect();
    let found = names.iter().find(|name| catalog.functions.contains_key(name)).or(names.first()).cloned();
    found.unwrap_or(QualifiedName { schema: catalog.default_schema.clone(), name: name.name })
}

/// What the grammar promises but the tree does not have.
fn need<T>(found: Option<T>, what: &str) -> Read<T> {
    found.ok_or_else(|| Refusal::new(format!("its {what} could not be read")))
}

/// Where the text of a tree stands in the file.
#[derive(Clone)]
enum Origin<'a> {
    /// At `base` and on.
    File { base: u32 },
    /// Within the body of a `DO` statement that stands at `base`.
    Body { base: u32, body: &'a Plpgsql },
    /// In a string that is executed; all of it is at one place.
    Fixed(TextRange),
}

/// Reads statements into a catalog.
struct Reader<'a> {
    editor: Editor<'a>,
    file: FileId,
    origin: Origin<'a>,
    /// Within `CREATE TABLE`: the table's first key that the statement itself makes. Equal ones become one.
    merge_keys_from: Option<usize>,
    /// Within a `DO` block: where it stands.
    flow: blocks::Flow,
}

impl Reader<'_> {
    fn catalog(&mut self) -> &mut Catalog {
        self.editor.catalog
    }

    fn span(&self, node: &SyntaxNode) -> Span {
        Span::new(self.file, self.range(node))
    }

    /// The place of a node in the file, without the blanks and comments at its ends.
    fn range(&self, node: &SyntaxNode) -> TextRange {
        match &self.origin {
            Origin::File { base } => nodes::offset(nodes::range(node), *base),
            Origin::Body { base, body } => nodes::offset(nodes::range_in_body(node, body), *base),
            Origin::Fixed(range) => *range,
        }
    }

    fn table(&mut self, name: &QualifiedName) -> Read<&mut Table> {
        let missing = || Refusal::of(name, format!("there is no table {}", name.name));
        self.editor.catalog.tables.get_mut(name).ok_or_else(missing)
    }

    /// What is to be said when something is not there: nothing if the statement allows for it.
    fn missing(&self, may_be_missing: bool, refusal: impl FnOnce() -> Refusal) -> Read {
        if may_be_missing { Ok(()) } else { Err(refusal()) }
    }

    /// Notes a part of a statement that had no effect, where the rest of it has.
    fn skip_part(&mut self, span: Span, refusal: Refusal) {
        self.editor.skip(span, refusal);
    }
}
