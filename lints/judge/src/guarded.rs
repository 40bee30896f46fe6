//! Reads whose row is compared with the tenant before anything else is done with it.
//!
//! The check acts on the rows as a condition around the statement would: the statement is scoped by it if
//! `SELECT * FROM (statement) WHERE column = $n` is, with what the row is compared with for `$n`. Where the row is
//! another tenant's the function leaves, and a run that ends so is not compared (`docs/soundness.md`).
//!
//! **Invariant:** only what changes nothing is wrapped: what a statement did before its row was checked is done.

use tenantry_policy::Dialect;
use tenantry_prover::verdict::{Basis, Proof, Step, Verdict};
use tenantry_source::{Bind, QuerySite, RowCheck, RowColumn};
use tenantry_span::TextRange;

use crate::decide::{Cause, prove_with};
use crate::rows::{Known, bare};
use crate::statement::{BoundStatement, Schema};

/// The most checks of one row that are tried.
const MAX_CHECKS: usize = 8;

/// What a check of the row makes of a read that is not scoped by itself: a proof, or the check that comes too late.
pub(crate) enum Guarded {
    /// The row is used only where it is the tenant's.
    Scoped(Proof),
    /// It would be, if the check, by its index, stood before every use.
    Late(usize),
}

/// Tries the checks of the row that a statement, the only one of its text, returns.
pub(crate) fn by_checks(
    schema: Schema<'_>,
    site: &QuerySite,
    known: &Known,
    sql: &str,
    statement: &BoundStatement,
) -> Option<Guarded> {
    if !statement.is_read() || site.binds.is_none() || does_more(sql) {
        return None;
    }
    let mut late = None;
    for (at, check) in site.checks.iter().enumerate().take(MAX_CHECKS) {
        let Some(proof) = by_check(schema, site, known, sql, statement, at) else { continue };
        if check.unchecked.is_none() {
            return Some(Guarded::Scoped(proof));
        }
        late.get_or_insert(Guarded::Late(at));
    }
    late
}

/// True for a text with a function that leaves something behind which is no row: what it did before the check is done.
fn does_more(sql: &str) -> bool {
    let sql = sql.to_ascii_lowercase();
    ["set_config", "pg_advisory", "pg_notify", "nextval", "setval", "dblink", "lo_"]
        .iter()
        .any(|name| sql.contains(name))
}

fn by_check(
    schema: Schema<'_>,
    site: &QuerySite,
    known: &Known,
    sql: &str,
    statement: &BoundStatement,
    at: usize,
) -> Option<Proof> {
    let check = site.checks.get(at)?;
    let binds: Vec<Bind> = site.all_binds().map(|(_, bind)| bind.clone()).collect();
    let number = site.binds.as_ref()?.len() + at + 1;
    let placeholder = match schema.dialect {
        Dialect::Postgres => format!("${number}"),
        Dialect::Sqlite => format!("?{number}"),
        // Its placeholders count as they stand.
        Dialect::Mysql if usize::try_from(statement.params).ok()? + 1 == number => "?".to_owned(),
        Dialect::Mysql => return None,
    };
    let column = column(site, check, statement)?;
    let mark = if schema.dialect == Dialect::Mysql { '`' } else { '"' };
    let column = column.replace(mark, &format!("{mark}{mark}"));
    let head = "SELECT * FROM (";
    let inner = statement.range.slice(sql).trim_end().trim_end_matches(';');
    // A comment at the end of the statement goes to the end of its line.
    // As Rust compares: nothing equals nothing.
    let same = match schema.dialect {
        Dialect::Postgres => "IS NOT DISTINCT FROM",
        Dialect::Sqlite => "IS",
        Dialect::Mysql => "<=>",
    };
    let text = format!("{head}{inner}\n) AS fetched WHERE fetched.{mark}{column}{mark} {same} {placeholder}");
    let wrapped = schema.bind(&text);
    let [wrapped] = wrapped.as_slice() else { return None };
    let checked = QuerySite { binds: Some(binds), checks: Vec::new(), ..site.clone() };
    let (Verdict::Scoped(mut proof), Cause::Verdict) = prove_with(schema, &checked, wrapped, known) else {
        return None;
    };
    // What rests on policies has to be shown of the connection too, which a check of the row says nothing of.
    if proof.basis == Basis::RowSecurity {
        return None;
    }
    let shift = TextRange::from_usize(head.len(), head.len()).start;
    for step in &mut proof.steps {
        let back =
            |offset: u32| (offset.saturating_sub(shift) + statement.range.start).min(statement.range.end);
        step.range = TextRange::new(back(step.range.start), back(step.range.end));
    }
    proof.steps.retain(|step| !step.range.is_empty());
    let told = match check.column {
        RowColumn::Only => "its value".to_owned(),
        RowColumn::Field(ref name) | RowColumn::Name(ref name) => format!("its `{name}`"),
    };
    let text = format!("the row is used only where {told} is `{}`", check.bind.text.trim_start_matches('&'));
    proof.steps.push(Step { range: statement.range, text });
    proof.basis = Basis::Guard;
    Some(proof)
}

/// The column that the check looks at, as the statement names it. A field is taken for the column of its name.
fn column(site: &QuerySite, check: &RowCheck, statement: &BoundStatement) -> Option<String> {
    let is_macro = site.call.ends_with('!');
    let names = statement.returned();
    let name = match &check.column {
        RowColumn::Only if site.call.contains("scalar") => {
            return names.first().map(|name| (*name).to_owned());
        }
        RowColumn::Only => return None,
        RowColumn::Field(name) => match &site.fields {
            Some(fields) => {
                let at = fields.iter().position(|field| field == name);
                at.filter(|_| fields.len() == names.len()).and_then(|at| names.get(at))?
            }
            None => name.as_str(),
        },
        RowColumn::Name(name) => name,
    };
    let mut named = names.iter().filter(|returned| bare(returned, is_macro) == name);
    match (named.next(), named.next()) {
        (Some(only), None) => Some((*only).to_owned()),
        _ => None,
    }
}
