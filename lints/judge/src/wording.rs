//! What a proof suggests in SQL, as the query library of the site writes it.

use tenantry_prover::verdict::{TENANT, Verdict};
use tenantry_source::{Piece, QuerySite};

/// The verdict with its suggestions as the site's library writes them.
pub fn of_verdict(site: &QuerySite, text: usize, verdict: Verdict) -> Verdict {
    let mut verdict = verdict;
    let helps: Vec<&mut Option<String>> = match &mut verdict {
        Verdict::Leaks(leaks) => leaks.iter_mut().map(|leak| &mut leak.help).collect(),
        Verdict::Undecided(obstacles) => obstacles.iter_mut().map(|obstacle| &mut obstacle.help).collect(),
        Verdict::Scoped(_) => Vec::new(),
    };
    for help in helps.into_iter().flatten() {
        *help = of_help(site, text, help);
    }
    verdict
}

/// A suggestion about one of the site's texts, as its library writes it; as it is where the text is written in SQL.
pub fn of_help(site: &QuerySite, text: usize, help: &str) -> String {
    let pieces = site.texts.get(text).map(|text| text.pieces.as_slice()).unwrap_or_default();
    if !pieces.iter().any(|piece| matches!(piece, Piece::Built { .. })) {
        return help.to_owned();
    }
    let call = site.call.as_str();
    let suggested = match site.library.as_str() {
        "diesel" => filter(help).map(by_diesel).or_else(|| owner(help).map(|owner| owner.by_diesel())),
        "sea-orm" => {
            filter(help).map(|of| by_seaorm(of, call)).or_else(|| owner(help).map(|owner| owner.by_seaorm()))
        }
        _ => None,
    };
    suggested.unwrap_or_else(|| help.to_owned())
}

/// The table and the column of "add `orders.tenant_id = <tenant>` …".
fn filter(help: &str) -> Option<(&str, &str)> {
    let column = help.strip_prefix("add `")?.split_once(&format!(" = {TENANT}`"))?.0;
    let (table, column) = column.rsplit_once('.')?;
    Some((last(table), column))
}

fn by_diesel((table, column): (&str, &str)) -> String {
    format!("add `.filter({table}::{column}.eq(…))` to the query")
}

fn by_seaorm((table, column): (&str, &str), call: &str) -> String {
    let variant = camel_case(column);
    match call {
        "update" | "save" | "delete" => {
            format!("read the row with `.filter(Column::{variant}.eq(…))` before it is written")
        }
        "build" | "build_any" | "build_sqlx" | "to_string" => {
            format!("add `.and_where(Expr::col((…, …::{variant})).eq(…))` to the statement")
        }
        _ => format!("add `.filter(Column::{variant}.eq(…))`, of the entity of `{table}`, to the query"),
    }
}

/// What "tie it to its owner: `lines.order_id IN (SELECT id FROM orders WHERE tenant_id = <tenant>)`" names.
struct Owner<'h> {
    table: &'h str,
    by: &'h str,
    parent: &'h str,
    id: &'h str,
    key: &'h str,
}

fn owner(help: &str) -> Option<Owner<'_>> {
    let text = help.strip_prefix("tie it to its owner: `")?;
    let (column, rest) = text.split_once(" IN (SELECT ")?;
    let (table, by) = column.rsplit_once('.')?;
    let (id, rest) = rest.split_once(" FROM ")?;
    let (parent, rest) = rest.split_once(" WHERE ")?;
    let key = rest.strip_suffix(&format!(" = {TENANT})`"))?;
    let owner = Owner { table: last(table), by, parent: last(parent), id, key };
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let names = [owner.table, owner.by, owner.parent, owner.id, owner.key];
    names.into_iter().all(is_name).then_some(owner)
}

impl Owner<'_> {
    fn by_diesel(&self) -> String {
        let Owner { table, by, parent, id, key } = self;
        let rows = format!("{parent}::table.filter({parent}::{key}.eq(…)).select({parent}::{id})");
        format!("tie it to its owner: add `.filter({table}::{by}.eq_any({rows}))`")
    }

    fn by_seaorm(&self) -> String {
        let Owner { table, parent, .. } = self;
        let key = camel_case(self.key);
        format!(
            "tie it to its owner: join the entity of `{parent}` to that of `{table}`, and add its `.filter(Column::{key}.eq(…))`"
        )
    }
}

/// The name without its schema.
fn last(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

/// `tenant_id` as a variant: `TenantId`.
pub fn camel_case(name: &str) -> String {
    let parts = name.split('_').map(|part| {
        let mut chars = part.chars();
        chars.next().map(|first| first.to_uppercase().chain(chars).collect::<String>()).unwrap_or_default()
    });
    parts.collect()
}
