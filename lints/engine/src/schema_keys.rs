//! What the rules about keys ask of a schema: whose rows a key or foreign key holds together.

use tenantry_policy::Dialect;
use tenantry_project::Database;
use tenantry_prover::catalog::{Column, ForeignKey, QualifiedName, ReferentialAction, Table};
use tenantry_prover::prove::column_is_exact;
use tenantry_prover::tenancy::{DomainId, TableOwner};

/// The tables whose rows belong to tenants, those of tenants themselves and parts of others left out.
pub(crate) fn tables_of_rows(database: &Database) -> impl Iterator<Item = &Table> {
    let is_of_rows = |table: &&Table| {
        let owner = database.tenancy.owner(&table.name);
        matches!(owner, TableOwner::Keyed { .. } | TableOwner::Child { .. }) && table.partition_of.is_none()
    };
    database.catalog.tables.values().filter(is_of_rows)
}

/// The columns that name the tenant of a table's rows.
pub(crate) fn keys<'d>(database: &'d Database, table: &QualifiedName) -> &'d [(String, DomainId)] {
    match database.tenancy.owner(table) {
        TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => keys,
        TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => &[],
    }
}

/// A column of a table by its name.
pub(crate) fn column<'t>(table: &'t Table, name: &str) -> Option<&'t Column> {
    table.columns.iter().find(|column| column.name == name)
}

/// The domain in which a column names tenants, each by one value.
fn domain(database: &Database, table: &Table, name: &str) -> Option<DomainId> {
    let exact = column(table, name).is_some_and(|column| column_is_exact(&database.catalog, column));
    let mut keys = keys(database, &table.name).iter();
    keys.find(|(key, _)| exact && key == name).map(|(_, domain)| *domain)
}

/// The column that says whose the rows of a table are by the row that it references.
pub(crate) fn owning_column<'d>(database: &'d Database, table: &QualifiedName) -> Option<&'d str> {
    match database.tenancy.owner(table) {
        TableOwner::Child { by, .. } => Some(by),
        TableOwner::Keyed { .. } | TableOwner::Root { .. } | TableOwner::Shared | TableOwner::Undeclared => {
            None
        }
    }
}

/// A foreign key between two tables of tenants' rows by which a row may reference another tenant's.
pub(crate) fn crosses_tenants(database: &Database, child: &Table, key: &ForeignKey) -> bool {
    let Some(target) = database.catalog.tables.get(&key.target) else { return false };
    let is_of_rows = |table: &Table| {
        matches!(database.tenancy.owner(&table.name), TableOwner::Keyed { .. } | TableOwner::Child { .. })
    };
    if !is_of_rows(child) || !is_of_rows(target) {
        return false;
    }
    let is_owning = owning_column(database, &child.name).is_some_and(|by| key.columns == [by.to_owned()]);
    let mut pairs = key.columns.iter().zip(&key.target_columns);
    let carries = pairs.any(|(from, to)| {
        domain(database, child, from).is_some_and(|it| domain(database, target, to) == Some(it))
    });
    !is_owning && !carries
}

/// What a foreign key does to the rows that reference one that is deleted.
pub(crate) fn action(key: &ForeignKey) -> Option<&'static str> {
    match key.on_delete {
        ReferentialAction::Refuse | ReferentialAction::Unknown => None,
        ReferentialAction::Cascade => Some("deletes"),
        ReferentialAction::SetNull(_) | ReferentialAction::SetDefault(_) => Some("changes"),
    }
}

/// A foreign key takes the column's value away when the referenced row goes.
pub(crate) fn is_emptied(table: &Table, name: &str) -> bool {
    table.foreign_keys.iter().any(|key| match &key.on_delete {
        ReferentialAction::SetNull(columns) | ReferentialAction::SetDefault(columns) => {
            let touched = if columns.is_empty() { &key.columns } else { columns };
            touched.iter().any(|column| column == name)
        }
        ReferentialAction::Unknown | ReferentialAction::Refuse | ReferentialAction::Cascade => false,
    })
}

/// A check constraint asks that one of the columns is there.
pub(crate) fn is_asked_for(table: &Table, columns: &[&str]) -> bool {
    let asks = |expr: &str| {
        let expr = expr.to_lowercase();
        let names_all = columns.iter().all(|name| expr.contains(&name.to_lowercase()));
        let asks = ["is not null", "num_nonnulls", "num_nulls"].iter().any(|word| expr.contains(word));
        names_all && asks
    };
    table.checks.iter().any(|check| check.validated && asks(&check.expr))
}

/// The statement that makes a column refuse NULL, and the one that undoes it, where the database is PostgreSQL and nothing
/// sets the column to NULL.
pub(crate) fn set_not_null(database: &Database, table: &Table, name: &str) -> Option<(String, String)> {
    use crate::mend::written;
    use tenantry_prover::lower::postgres::identifier::identifier;
    if database.dialect != Dialect::Postgres || is_emptied(table, name) {
        return None;
    }
    let alter =
        format!("ALTER TABLE {} ALTER COLUMN {}", written(&database.catalog, &table.name), identifier(name));
    Some((format!("{alter} SET NOT NULL"), format!("{alter} DROP NOT NULL")))
}
