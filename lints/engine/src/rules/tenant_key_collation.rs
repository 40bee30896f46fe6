//! `tenant-key-collation`: a tenant key of which `=` takes two tenants for one.

use tenantry_policy::Dialect;
use tenantry_prover::catalog::{Catalog, Column};
use tenantry_prover::prove::column_is_exact;
use tenantry_prover::tenancy::TableOwner;
use tenantry_prover::types::SqlType;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::schema_keys::{column, keys};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let catalog = &database.catalog;
        let mut told = Vec::new();
        for table in catalog.tables.values().filter(|table| table.partition_of.is_none()) {
            let owned = matches!(
                database.tenancy.owner(&table.name),
                TableOwner::Keyed { .. } | TableOwner::Root { .. }
            );
            let columns = keys(database, &table.name).iter().filter_map(|(name, _)| column(table, name));
            for key in columns.filter(|_| owned) {
                let Some(why) = takes_for_equal(catalog, key) else { continue };
                let (name, key_name) = (&table.name.name, &key.name);
                let message = format!("`{key_name}` of `{name}` names a tenant, and {why}");
                let help = "make it `uuid`, `bigint`, or `text` with a deterministic collation";
                told.push(Draft::new(key.span, message).table(name).help(help));
            }
        }
        told
    }
}

/// Why equality on the column takes different values for equal, where that is known. What was not read says nothing, and
/// all texts of MySQL are compared loosely.
fn takes_for_equal(catalog: &Catalog, column: &Column) -> Option<String> {
    if catalog.dialect == Dialect::Mysql || column_is_exact(catalog, column) {
        return None;
    }
    if let Some(collation) = &column.collation
        && (catalog.dialect == Dialect::Sqlite || catalog.nondeterministic_collations.contains(collation))
    {
        return Some(format!("the collation `{collation}` takes different texts for equal"));
    }
    match catalog.resolve_type(&column.ty) {
        SqlType::Char => Some("`char(n)` does not tell values apart by the blanks at their ends".to_owned()),
        SqlType::Float => Some("floating-point numbers are rounded".to_owned()),
        SqlType::Named(name) if name.rsplit('.').next() == Some("citext") => {
            Some("`citext` takes upper and lower case for equal".to_owned())
        }
        _ => None,
    }
}
