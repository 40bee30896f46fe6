//! `rls-not-forced`: policies that do not bind the owner, who may be the application.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::written;
use crate::secured::{may_own, secured_tables};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let free =
            secured_tables(database).filter(|table| !table.row_security.forced && may_own(database, table));
        let told = free.filter_map(|table| {
            let (name, policy) = (&table.name.name, table.row_security.policies.first()?);
            let message = format!(
                "the policies of `{name}` do not bind its owner, and nothing says that the application is another role"
            );
            let alter = format!("ALTER TABLE {}", written(&database.catalog, &table.name));
            let up = format!("{alter} FORCE ROW LEVEL SECURITY");
            let help = format!("`{up}`, or name the roles in the policy file");
            let draft = Draft::new(policy.span, message).table(name).help(help);
            Some(draft.mend(&up, &format!("{alter} NO FORCE ROW LEVEL SECURITY")))
        });
        told.collect()
    }
}
