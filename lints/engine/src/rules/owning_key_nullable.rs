//! `owning-key-nullable`: rows of a child table that may have no parent, and so no owner.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::schema_keys::{column, is_asked_for, owning_column, set_not_null, tables_of_rows};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let told = tables_of_rows(database).filter_map(|table| {
            let by = column(table, owning_column(database, &table.name)?)?;
            if by.not_null || is_asked_for(table, &[&by.name]) {
                return None;
            }
            let name = &table.name.name;
            let message = format!(
                "a row of `{name}` belongs to whom the row of its `{}` belongs to, which may be NULL: then it is nobody's",
                by.name
            );
            let draft = Draft::new(by.span, message).table(name).help("`SET NOT NULL`, or give the table a tenant key");
            Some(match set_not_null(database, table, &by.name) {
                Some((up, down)) => draft.mend(&up, &down),
                None => draft,
            })
        });
        told.collect()
    }
}
