//! `rls-not-forced`: policies that do not bind the owner, who may be the application.

use tenantry_project::Database;

use super::Rule;
use crate::finding::Draft;
use crate::secured::{may_own, secured_tables};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &Database) -> Vec<Draft> {
        let free =
            secured_tables(database).filter(|table| !table.row_security.forced && may_own(database, table));
        let told = free.filter_map(|table| {
            let (name, policy) = (&table.name.name, table.row_security.policies.first()?);
            let message = format!(
                "the policies of `{name}` do not bind its owner, and nothing says that the application is somebody else"
            );
            let help = format!("`ALTER TABLE {name} FORCE ROW LEVEL SECURITY`, or name the roles in the policy file");
            Some(Draft::new(policy.span, message).table(name).help(help))
        });
        told.collect()
    }
}
