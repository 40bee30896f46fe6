//! `unique-without-tenant-key`: a unique key by which tenants stand in each other's way.

use tenantry_project::Database;
use tenantry_prover::catalog::{ColumnDefault, Key, KeyKind, Table};
use tenantry_prover::types::SqlType;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::schema_keys::{column, keys, owning_column, tables_of_rows};
use crate::secured::words;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told = Vec::new();
        for table in tables_of_rows(database) {
            for key in table.keys.iter().filter(|key| spans_tenants(database, table, key)) {
                let (name, spoken) = (&table.name.name, key.spoken());
                let (what, upsert) = match key.kind {
                    KeyKind::Exclusion => ("exclusion constraint", ""),
                    KeyKind::Primary | KeyKind::Unique => {
                        ("unique key", ", and an upsert meets the other one's row")
                    }
                };
                let message = format!(
                    "the {what} ({spoken}) of `{name}` spans tenants: what one tenant has, another one cannot have{upsert}"
                );
                let draft = Draft::new(key.span, message).table(name);
                let tenant = keys(database, &table.name).first().map(|(tenant, _)| tenant.as_str());
                let tenant = tenant.or(owning_column(database, &table.name)).unwrap_or("the tenant key");
                told.push(draft.help(help(key, tenant)));
            }
        }
        told
    }
}

fn help(key: &Key, tenant: &str) -> String {
    let elements: Vec<&str> = key.columns.iter().chain(&key.expressions).map(String::as_str).collect();
    let predicate = key.predicate.iter().map(|condition| format!(" WHERE {condition}")).collect::<String>();
    match key.kind {
        KeyKind::Exclusion => format!("begin it with the tenant key: `EXCLUDE USING gist ({tenant} WITH =, …)`"),
        KeyKind::Primary | KeyKind::Unique if elements.is_empty() => format!("make `{tenant}` its first column"),
        KeyKind::Primary | KeyKind::Unique if key.is_constraint => {
            format!("make it `UNIQUE ({tenant}, {})`", elements.join(", "))
        }
        KeyKind::Primary | KeyKind::Unique => {
            format!("make it a unique index over `({tenant}, {}){predicate}`", elements.join(", "))
        }
    }
}

/// How columns end that hold what is made up so that nobody has it twice.
const SECRETS: &[&str] = &["hash", "digest", "sha256", "token", "secret", "nonce", "jti"];

/// A key of values that tenants choose, without any column that says whose the row is or to which row it belongs.
fn spans_tenants(database: &Database, table: &Table, key: &Key) -> bool {
    // Which part of it an element that is no plain column looks at is not known: any may tell tenants apart.
    let looked_at = if key.has_expressions { &key.mentions } else { &key.columns };
    // A predicate over the tenant key says of whose rows it is, or that those are nobody's.
    let asks_whose = key.predicate.as_ref().is_some_and(|predicate| {
        let predicate = words(predicate);
        keys(database, &table.name).iter().any(|(key, _)| predicate.contains(&key.to_lowercase()))
    });
    let says_whose = |name: &String| {
        keys(database, &table.name).iter().any(|(key, _)| key == name)
            || owning_column(database, &table.name) == Some(name)
            || table.foreign_keys.iter().any(|foreign| foreign.columns.contains(name))
    };
    // Nobody chooses these, so that nobody meets another's.
    let is_fresh = |name: &String| {
        let is_secret = name.rsplit('_').next().is_some_and(|word| SECRETS.contains(&word));
        is_secret || column(table, name).is_none_or(|column| {
            let made = matches!(column.default, ColumnDefault::Generated | ColumnDefault::Computed(_));
            made || database.catalog.resolve_type(&column.ty) == SqlType::Uuid
        })
    };
    let tells_apart = |name: &String| says_whose(name) || is_fresh(name);
    let is_read = key.kind != KeyKind::Primary && !looked_at.is_empty();
    is_read && !asks_whose && !looked_at.iter().any(tells_apart)
}
