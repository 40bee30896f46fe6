//! Changes of a statement that must not change what is said of it, for tests and fuzzers.
//!
//! - a filter by the tenant key more never loses a proof;
//! - aliases of other names change nothing;
//! - white space, comments and the case of unquoted words change nothing.

use tenantry_policy::Dialect;
use tenantry_prover::ast::{
    BinaryOp, Expr, ExprKind, Ident, ParsedStatement, Select, SetExpr, Statement, TableExpr,
};
use tenantry_prover::bind::bind;
use tenantry_prover::lower::{postgres, statements};
use tenantry_prover::plan::Plan;
use tenantry_prover::prove::prove;
use tenantry_prover::tenancy::TableOwner;
use tenantry_prover::verdict::{ObstacleKind, TenantSource, TenantValue, Verdict};
use tenantry_span::TextRange;

use crate::{Schema, tenant};

/// Proves all statements of a PostgreSQL text for the tenant `$1`, and checks the three properties. `dice` says which of
/// the ways to write a text anew is taken. Runs on the caller's stack.
///
/// # Errors
/// The property that does not hold, and on what.
pub fn check(schema: &Schema, sql: &str, dice: u64) -> Result<(), String> {
    let tenants = [tenant(&[TenantSource::Param(1)], false)];
    let parsed = statements(Dialect::Postgres, sql);
    let mut said = Vec::new();
    for statement in &parsed {
        let plan = bind(Dialect::Postgres, &schema.catalog, &schema.tenancy, statement);
        let verdict = prove(&schema.catalog, &schema.tenancy, &plan, &tenants);
        if matches!(verdict, Verdict::Scoped(_)) {
            if !statement.unread.is_empty() || !plan.obstacles.is_empty() {
                return Err(format!("scoped, and not understood: {sql}"));
            }
            narrowing_keeps_the_proof(schema, statement, &plan, &tenants)
                .map_err(|why| format!("{why}: {sql}"))?;
        }
        said.push(summary(&verdict));
    }
    let Some(places) = postgres::token_ranges(sql) else { return Ok(()) };
    same(schema, &tenants, &said, sql, &reformatted(sql, &places, dice), "written otherwise")?;
    // A reserved word where an alias would stand is none: the statement is not understood as it is.
    let understood = said.iter().flatten().all(|word| word != SYNTAX && word != UNMODELLED);
    match renamed(schema, sql, &places).filter(|_| understood) {
        Some(renamed) => same(schema, &tenants, &said, sql, &renamed, "with other aliases"),
        None => Ok(()),
    }
}

fn same(
    schema: &Schema,
    tenants: &[TenantValue],
    said: &[Vec<String>],
    sql: &str,
    other: &str,
    how: &str,
) -> Result<(), String> {
    let verdicts = schema.prove(other, tenants);
    let now: Vec<_> = verdicts.iter().map(summary).collect();
    let broken = |all: &[Vec<String>]| all.iter().flatten().any(|word| word == SYNTAX);
    // Where the syntax is wrong, how much of the rest is still understood is a matter of luck.
    if now == said || (broken(said) && broken(&now)) {
        return Ok(());
    }
    Err(format!("{how}, the verdict is another\n  {sql}\n    {said:?}\n  {other}\n    {now:?}"))
}

const SYNTAX: &str = "undecided Syntax";
const UNMODELLED: &str = "undecided Unmodelled";

/// What a verdict says, without places and words.
fn summary(verdict: &Verdict) -> Vec<String> {
    let mut words: Vec<String> = match verdict {
        Verdict::Scoped(proof) => {
            vec![format!("scoped {:?} {:?} {:?}", proof.basis, proof.pins, proof.tables)]
        }
        Verdict::Leaks(leaks) => {
            leaks.iter().map(|leak| format!("leaks {:?} {}", leak.kind, leak.table.name)).collect()
        }
        Verdict::Undecided(obstacles) => obstacles
            .iter()
            .map(|obstacle| match obstacle.kind {
                ObstacleKind::Syntax => SYNTAX.to_owned(),
                ObstacleKind::Unmodelled => UNMODELLED.to_owned(),
                kind => format!("undecided {kind:?}"),
            })
            .collect(),
    };
    words.sort();
    words.dedup();
    words
}

/// `AND key = $1` in the topmost `WHERE`, for each table of the topmost `FROM` that has a key.
fn narrowing_keeps_the_proof(
    schema: &Schema,
    statement: &ParsedStatement,
    plan: &Plan,
    tenants: &[TenantValue],
) -> Result<(), String> {
    let Some(select) = topmost(&statement.statement) else { return Ok(()) };
    for (alias, key) in keys(schema, select, plan) {
        let mut narrowed = statement.clone();
        let Some(select) = topmost_mut(&mut narrowed.statement) else { return Ok(()) };
        let condition = equals_tenant(&alias, &key);
        select.filter = Some(match select.filter.take() {
            None => condition,
            Some(filter) => binary(BinaryOp::And, filter, condition),
        });
        narrowed.params = narrowed.params.max(1);
        let plan = bind(Dialect::Postgres, &schema.catalog, &schema.tenancy, &narrowed);
        let verdict = prove(&schema.catalog, &schema.tenancy, &plan, tenants);
        if !matches!(verdict, Verdict::Scoped(_)) {
            return Err(format!("with `AND {alias}.{key} = $1` the proof is lost ({verdict:?})"));
        }
    }
    Ok(())
}

fn topmost(statement: &Statement) -> Option<&Select> {
    match statement {
        Statement::Query(query) => match &query.body {
            SetExpr::Select(select) => Some(select),
            _ => None,
        },
        _ => None,
    }
}

fn topmost_mut(statement: &mut Statement) -> Option<&mut Select> {
    match statement {
        Statement::Query(query) => match &mut query.body {
            SetExpr::Select(select) => Some(select),
            _ => None,
        },
        _ => None,
    }
}

/// Names under which the topmost `FROM` has a table with a key that `$1` can be compared with.
fn keys(schema: &Schema, select: &Select, plan: &Plan) -> Vec<(String, String)> {
    let mut names = Vec::new();
    select.from.iter().for_each(|item| tables(item, &mut names));
    let uses = plan.param_types.first().map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for name in names {
        let mut scans = plan.scans.iter().filter(|scan| scan.alias == name);
        let (Some(scan), None) = (scans.next(), scans.next()) else { continue };
        let keys = match schema.tenancy.owner(&scan.table) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => keys,
            TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => continue,
        };
        let Some(table) = schema.catalog.tables.get(&scan.table).filter(|_| scan.via.is_empty()) else {
            continue;
        };
        for (key, _) in keys {
            let column = table.column(key).and_then(|at| table.columns.get(at));
            if column.is_some_and(|column| uses.iter().all(|ty| *ty == column.ty)) {
                found.push((name.clone(), key.clone()));
            }
        }
    }
    found
}

fn tables(item: &TableExpr, names: &mut Vec<String>) {
    match item {
        TableExpr::Table { name, alias: None, .. } => {
            names.extend(name.parts.last().map(|part| part.text.clone()));
        }
        TableExpr::Table { alias: Some(alias), .. } if alias.columns.is_empty() => {
            names.push(alias.name.text.clone());
        }
        TableExpr::Join { left, right, .. } => {
            tables(left, names);
            tables(right, names);
        }
        TableExpr::Table { .. }
        | TableExpr::Derived { .. }
        | TableExpr::Function { .. }
        | TableExpr::AliasedJoin { .. }
        | TableExpr::Unsupported(..) => {}
    }
}

fn equals_tenant(alias: &str, key: &str) -> Expr {
    let range = TextRange::empty(0);
    let ident = |text: &str| Ident { text: text.to_owned(), quoted: false, range };
    let column = Expr { kind: ExprKind::Column(vec![ident(alias), ident(key)]), range };
    binary(BinaryOp::Eq, column, Expr { kind: ExprKind::Param(1), range })
}

fn binary(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    let range = left.range;
    Expr { kind: ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) }, range }
}

/// What may stand between two tokens.
const GAPS: [&str; 8] =
    [" ", "\n", "\t \r\n", " /* and */ ", " -- or 1 = 1\n", " /* a /* ' */ ; \" */ ", " --'\"$$;(\n", "  "];

/// The same text with other white space, comments, and upper-case words.
pub fn reformatted(sql: &str, places: &[TextRange], dice: u64) -> String {
    let mut state = dice | 1;
    let mut roll = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut out = String::with_capacity(sql.len() * 2);
    let (mut end, mut before) = (0, "");
    for place in places {
        let token = place.slice(sql);
        let gap = TextRange::new(end, place.start).slice(sql);
        // Strings are one where they stand on different lines; `1and` is two tokens by grace.
        let keep = (before.ends_with('\'') && token.starts_with('\''))
            || (gap.is_empty() && before.starts_with(is_word) && token.starts_with(is_word));
        match roll() {
            _ if keep => out.push_str(gap),
            rolled if gap.is_empty() && rolled % 3 != 0 => {}
            rolled => out.push_str(GAPS.get(rolled % GAPS.len()).copied().unwrap_or(" ")),
        }
        let plain = token.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        match plain && token.starts_with(|c: char| c.is_ascii_alphabetic()) && roll().is_multiple_of(4) {
            true => out.push_str(&token.to_ascii_uppercase()),
            false => out.push_str(token),
        }
        (end, before) = (place.end, token);
    }
    out
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The same text with all names `x` renamed that stand only before a dot or after `AS`, or after the name of a table;
/// `None` where there is none or where names are matched without being written.
fn renamed(schema: &Schema, sql: &str, places: &[TextRange]) -> Option<String> {
    let tokens: Vec<&str> = places.iter().map(|place| place.slice(sql)).collect();
    if tokens.iter().any(|token| token.eq_ignore_ascii_case("natural")) {
        return None;
    }
    let aliases: Vec<&str> = (0..tokens.len()).filter_map(|at| alias_at(schema, &tokens, at)).collect();
    let aliases: Vec<&str> =
        aliases.into_iter().filter(|alias| only_an_alias(schema, &tokens, alias)).collect();
    if aliases.is_empty() {
        return None;
    }
    let mut out = String::with_capacity(sql.len() * 2);
    let mut end = 0;
    for (place, token) in places.iter().zip(&tokens) {
        out.push_str(TextRange::new(end, place.start).slice(sql));
        if aliases.iter().any(|alias| alias.eq_ignore_ascii_case(token)) {
            out.push_str("zq_");
        }
        out.push_str(token);
        end = place.end;
    }
    Some(out)
}

/// The alias that stands at a place: after the name of a table, with or without `AS`.
fn alias_at<'t>(schema: &Schema, tokens: &[&'t str], at: usize) -> Option<&'t str> {
    let word = tokens.get(at).filter(|word| is_name(word))?;
    let before = |by: usize| at.checked_sub(by).and_then(|at| tokens.get(at)).copied().unwrap_or("");
    let by = if before(1).eq_ignore_ascii_case("as") { 2 } else { 1 };
    let is_table = |name: &str| schema.catalog.tables.keys().any(|table| table.name == name);
    let introduces = ["from", "join", "update", "into", "using", "lateral", ","];
    let introduced = introduces.iter().any(|word| word.eq_ignore_ascii_case(before(by + 1)));
    (introduced && is_table(before(by)) && (by == 2 || !is_keyword(word))).then_some(*word)
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word.len() < 50
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The keywords that may follow the name of a table.
fn is_keyword(word: &str) -> bool {
    const WORDS: [&str; 40] = [
        "as",
        "where",
        "join",
        "left",
        "right",
        "inner",
        "full",
        "cross",
        "natural",
        "on",
        "using",
        "set",
        "group",
        "order",
        "having",
        "limit",
        "offset",
        "union",
        "intersect",
        "except",
        "for",
        "fetch",
        "window",
        "returning",
        "values",
        "select",
        "default",
        "overriding",
        "tablesample",
        "when",
        "from",
        "with",
        "table",
        "end",
        "then",
        "else",
        "do",
        "lateral",
        "not",
        "and",
    ];
    WORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// True if the word stands nowhere but where it is made an alias and before the dot of a column.
fn only_an_alias(schema: &Schema, tokens: &[&str], alias: &str) -> bool {
    let tables = || schema.catalog.tables.keys();
    let known = tables().any(|table| table.schema == alias || table.name == alias);
    let words = ["pg_catalog", "information_schema", "excluded", "old", "new", "public"];
    if known || words.iter().any(|word| word.eq_ignore_ascii_case(alias)) {
        return false;
    }
    let quoted = format!("\"{}\"", alias.to_ascii_lowercase());
    tokens.iter().enumerate().all(|(at, token)| {
        if *token == quoted {
            return false;
        }
        if !token.eq_ignore_ascii_case(alias) {
            return true;
        }
        let before = at.checked_sub(1).and_then(|at| tokens.get(at)).copied().unwrap_or("");
        let dotted = tokens.get(at + 1) == Some(&".");
        // `a.b.c` names a schema, and `a.b(` may be a function of one.
        let column = dotted && tokens.get(at + 3) != Some(&".") && tokens.get(at + 3) != Some(&"(");
        (column && before != ".") || (!dotted && alias_at(schema, tokens, at).is_some())
    })
}
