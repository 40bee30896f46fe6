//! `setting-empty-after-commit`: a policy that fails on the empty text that a setting has after its transaction.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::secured::secured_tables;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told = Vec::new();
        for table in secured_tables(database) {
            for policy in database.policies(table) {
                let conditions = policy.using.iter().chain(&policy.check);
                let Some(setting) = conditions.into_iter().find_map(|it| it.empty_fails.clone()) else {
                    continue;
                };
                let message = format!(
                    "the policy `{}` fails where `{setting}` was set in an earlier transaction: it is empty then, not missing",
                    policy.name
                );
                let help = format!("`NULLIF(current_setting('{setting}', true), '')` before the cast");
                told.push(Draft::new(policy.span, message).table(&table.name.name).help(help));
            }
        }
        told
    }
}
