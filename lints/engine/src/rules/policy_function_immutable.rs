//! `policy-function-immutable`: a policy reads the setting by a function of which the planner keeps what it returned.

use std::collections::BTreeMap;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::alter_function;
use crate::secured::secured_tables;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told = BTreeMap::new();
        for table in secured_tables(database) {
            for policy in database.policies(table) {
                let conditions = policy.using.iter().chain(&policy.check);
                for name in conditions.flat_map(|condition| &condition.frozen) {
                    told.entry(name.clone()).or_insert_with(|| (table, policy.name.clone()));
                }
            }
        }
        let catalog = &database.catalog;
        let drafts = told.into_iter().filter_map(|(name, (table, policy))| {
            let [function] = catalog.functions.get(&name)?.as_slice() else { return None };
            let message = format!(
                "the function `{}`, by which the policy `{policy}` of `{}` reads, is declared `IMMUTABLE`: a prepared \
                 statement keeps what it returned for another tenant",
                name.name, table.name.name
            );
            let alter = alter_function(catalog, function);
            let draft = Draft::new(function.span, message).table(&table.name.name);
            let help = "declare it `STABLE`, which what reads settings is";
            Some(draft.help(help).mend(&format!("{alter} STABLE"), &format!("{alter} IMMUTABLE")))
        });
        drafts.collect()
    }
}
