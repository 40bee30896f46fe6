//! `policy-missing-setting-allows`: a policy that a missing setting opens.

use tenantry_prover::policies::PolicyReading;

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
                let Fault::SettingAllows = fault else { continue };
                let message = format!("the policy `{}` of `{name}` lets every tenant's rows through where {} missing or empty", policy.name, settings(&policy));
                told.push(Draft::new(policy.span, message).table(name).help("let a missing setting let nothing through: compare the tenant key, and nothing else"));
            }
        }
        told
    }
}

/// The settings that the policy reads, as the subject of a sentence.
fn settings(policy: &PolicyReading) -> String {
    let read = policy.using.as_ref().map(|using| using.settings.as_slice()).unwrap_or_default();
    match read {
        [one] => format!("`{one}` is"),
        _ => "the settings that it reads are".to_owned(),
    }
}
