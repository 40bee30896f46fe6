//! `policy-ignores-tenant-key`: a policy that does not tell tenants apart.


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
                let Fault::IgnoresKey = fault else { continue };
                let message = format!("the policy `{}` of `{name}` does not restrict it to one tenant", policy.name);
                told.push(Draft::new(policy.span, message).table(name).help("compare the tenant key of the row with the session's tenant; in a subquery, write the tables before the columns"));
            }
        }
        told
    }
}
