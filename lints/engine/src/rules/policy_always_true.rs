//! `policy-always-true`: a policy that is true of every row.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::secured::{Fault, faults, secured_tables};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told = Vec::new();
        for table in secured_tables(database) {
            let name = &table.name.name;
            for (policy, fault) in faults(database, table) {
                let Fault::Always = fault else { continue };
                let message = format!("the policy `{}` of `{name}` lets every tenant's rows through", policy.name);
                told.push(Draft::new(policy.span, message).table(name).help("compare the tenant key with the session's tenant"));
            }
        }
        told
    }
}
