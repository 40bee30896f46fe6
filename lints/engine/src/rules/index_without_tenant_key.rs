//! `index-without-tenant-key`: no index begins with the tenant key.

use tenantry_project::Database;
use tenantry_prover::catalog::Table;
use tenantry_prover::lower::postgres::identifier::identifier;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::written;
use crate::schema_keys::{keys, tables_of_rows};
use crate::secured::secured_tables;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        tell(database, |_| true)
    }

    /// Policies compare the tenant key in every statement. Where most tables with policies have an index for that, one
    /// without was forgotten.
    fn check_schema_unasked(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let count = |wanted: &dyn Fn(&Table) -> bool| secured_tables(database).filter(|table| wanted(table)).count();
        let of_rows = |table: &Table| table.partition_of.is_none() && !keys(database, &table.name).is_empty();
        let indexed = count(&|table| of_rows(table) && is_indexed(database, table));
        if indexed * 2 <= count(&of_rows) {
            return Vec::new();
        }
        tell(database, |table| table.row_security.enabled && !table.row_security.policies.is_empty())
    }
}

/// An index or key begins with the tenant key.
fn is_indexed(database: &Database, table: &Table) -> bool {
    let keys = keys(database, &table.name);
    let leads =
        |columns: &[String]| columns.first().is_some_and(|first| keys.iter().any(|(key, _)| key == first));
    table.keys.iter().any(|key| leads(&key.columns)) || table.indexes.iter().any(|index| leads(&index.columns))
}

fn tell(database: &Database, wanted: impl Fn(&Table) -> bool) -> Vec<Draft> {
    let tables = tables_of_rows(database).filter(|table| table.complete && wanted(table));
    let told = tables.filter_map(|table| {
        let keys = keys(database, &table.name);
        let (tenant, _) = keys.first()?;
        if is_indexed(database, table) {
            return None;
        }
        let name = &table.name.name;
        let message =
            format!("no index of `{name}` begins with `{tenant}`: what one tenant asks for is searched among all rows");
        let on = format!("{} ({})", written(&database.catalog, &table.name), identifier(tenant));
        let index_name = format!("{name}_{tenant}_idx");
        let index = identifier(&index_name);
        let schema = &table.name.schema;
        let dropped = match *schema == database.catalog.default_schema {
            true => index.clone(),
            false => format!("{}.{index}", identifier(schema)),
        };
        let up = format!("CREATE INDEX {index} ON {on}");
        let help = format!("`{up}`, or one that goes on with what is filtered next");
        let draft = Draft::new(table.span, message).table(name).help(help);
        let is_taken = |other: &Table| {
            let names = other.keys.iter().map(|key| &key.name).chain(other.indexes.iter().map(|index| &index.name));
            names.into_iter().any(|known| *known == index_name)
        };
        Some(match database.catalog.tables.values().any(is_taken) {
            true => draft,
            false => draft.mend(&up, &format!("DROP INDEX {dropped}")),
        })
    });
    told.collect()
}
