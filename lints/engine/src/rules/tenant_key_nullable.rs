//! `tenant-key-nullable`: rows that may belong to nobody.

use tenantry_project::Database;
use tenantry_prover::catalog::{ForeignKey, Table};
use tenantry_prover::tenancy::TableOwner;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::schema_keys::{column, is_asked_for, set_not_null, tables_of_rows};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        tell(database, |_, _| true)
    }

    /// Who puts the tenant key into a foreign key wants it to hold for every row.
    fn check_schema_unasked(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        tell(database, |table, key| {
            let composite = |foreign: &&ForeignKey| foreign.columns.len() > 1 && !foreign.match_full;
            let mut foreign = table.foreign_keys.iter().filter(composite);
            foreign.any(|foreign| foreign.columns.iter().any(|column| column == key))
        })
    }
}

fn tell(database: &Database, wanted: impl Fn(&Table, &str) -> bool) -> Vec<Draft> {
    let mut told = Vec::new();
    for table in tables_of_rows(database) {
        let TableOwner::Keyed { keys, null_is_shared: false } = database.tenancy.owner(&table.name) else {
            continue;
        };
        let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
        let columns: Vec<_> = names.iter().filter_map(|name| column(table, name)).collect();
        // One of several levels says whose the row is.
        if columns.iter().any(|column| column.not_null) || is_asked_for(table, &names) {
            continue;
        }
        let Some(key) = columns.iter().find(|column| wanted(table, &column.name)) else { continue };
        let name = &table.name.name;
        let message = format!(
            "`{}` of `{name}` may be NULL: such a row belongs to nobody, and no composite foreign key holds for it",
            key.name
        );
        let help = format!(
            "`SET NOT NULL`, or name the table in `null-is-shared` where rows without `{}` are everybody's",
            key.name
        );
        let draft = Draft::new(key.span, message).table(name).help(help);
        told.push(match set_not_null(database, table, &key.name) {
            Some((up, down)) if columns.len() == 1 => draft.mend(&up, &down),
            Some(_) | None => draft,
        });
    }
    told
}
