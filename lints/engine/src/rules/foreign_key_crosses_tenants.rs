//! `foreign-key-crosses-tenants`: a foreign key by which a row may reference another tenant's.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::schema_keys::{crosses_tenants, tables_of_rows};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told = Vec::new();
        for table in tables_of_rows(database) {
            for key in table.foreign_keys.iter().filter(|key| crosses_tenants(database, table, key)) {
                let (name, target, columns) = (&table.name.name, &key.target.name, key.columns.join(", "));
                let message = format!(
                    "the foreign key ({columns}) lets a row of `{name}` reference a row of `{target}` that is another tenant's"
                );
                let help = format!(
                    "put the tenant key into it on both sides, over a unique key of `{target}` that contains it"
                );
                told.push(Draft::new(key.span, message).table(name).help(help));
            }
        }
        told
    }
}
