//! `policy-check-admits-other-tenants`: a check that admits other tenants' rows.


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
                let Fault::CheckAdmits = fault else { continue };
                let message = format!("the policy `{}` lets rows of other tenants be written to `{name}`", policy.name);
                told.push(Draft::new(policy.span, message).table(name).help("ask of new rows what is asked of those that are there; `FOR ALL` without `WITH CHECK` does so"));
            }
        }
        told
    }
}
