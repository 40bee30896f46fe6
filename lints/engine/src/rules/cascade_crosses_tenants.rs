//! `cascade-crosses-tenants`: a referential action carries a statement on to rows of other tenants.

use tenantry_prover::verdict::LeakKind;

use super::{Rule, SchemaFacts, Statement};
use crate::finding::Draft;
use crate::schema_keys::{action, crosses_tenants, tables_of_rows};

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        statement.tell_leaks(LeakKind::Cascade)
    }

    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told = Vec::new();
        for table in tables_of_rows(database) {
            for key in table.foreign_keys.iter().filter(|key| crosses_tenants(database, table, key)) {
                let Some(verb) = action(key) else { continue };
                let (name, target, columns) = (&table.name.name, &key.target.name, key.columns.join(", "));
                let message = format!(
                    "deleting a row of `{target}` {verb} rows of `{name}` by the foreign key ({columns}), whoever owns them"
                );
                let help = "put the tenant key into it on both sides";
                told.push(Draft::new(key.span, message).table(name).help(help));
            }
        }
        told
    }
}
