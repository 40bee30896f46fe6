//! `permissive-policies-widen`: a permissive policy beside one that keeps to the tenant.


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
                let Fault::Widens(strict) = fault else { continue };
                let message = format!("the policy `{}` of `{name}` lets through what `{strict}` keeps out: permissive policies add up", policy.name);
                told.push(Draft::new(policy.span, message).table(name).help("make the policy that keeps to the tenant `AS RESTRICTIVE`, or give both conditions to one"));
            }
        }
        told
    }
}
