//! `unique-without-tenant-key`: a unique key by which tenants stand in each other's way.

use tenantry_project::Database;
use tenantry_prover::catalog::{ColumnDefault, Key, KeyKind, Table};
use tenantry_prover::types::SqlType;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::schema_keys::{column, keys, owning_column, tables_of_rows};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told = Vec::new();
        for table in tables_of_rows(database) {
            for key in table.keys.iter().filter(|key| spans_tenants(database, table, key)) {
                let (name, columns) = (&table.name.name, key.columns.join(", "));
                let message = format!(
                    "the unique key ({columns}) of `{name}` spans tenants: a row is refused, or taken for the one in its way, because of another tenant's"
                );
                let draft = Draft::new(key.span, message).table(name);
                let tenant = keys(database, &table.name).first().map(|(tenant, _)| tenant.as_str());
                let tenant = tenant.or(owning_column(database, &table.name)).unwrap_or("the tenant key");
                told.push(draft.help(format!("make it `UNIQUE ({tenant}, {columns})`")));
            }
        }
        told
    }
}

/// How columns end that hold what is made up so that nobody has it twice.
const SECRETS: &[&str] = &["hash", "digest", "sha256", "token", "secret", "nonce", "jti"];

/// A key of values that tenants choose, without any column that says whose the row is or to which row it belongs.
fn spans_tenants(database: &Database, table: &Table, key: &Key) -> bool {
    let is_plain = key.kind == KeyKind::Unique && !key.has_expressions && !key.columns.is_empty();
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
    is_plain && !key.columns.iter().any(|name| says_whose(name) || is_fresh(name))
}
