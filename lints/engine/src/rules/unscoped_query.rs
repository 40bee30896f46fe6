//! `unscoped-query`: a relation that belongs to tenants is reached without being tied to the tenant.
//!
//! Leaks of every kind are told here, so that none can be lost; the rules about a kind refine this one.

use tenantry_prover::verdict::LeakKind;

use super::{Rule, Statement};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let mut kinds: Vec<LeakKind> = statement.leaks().iter().map(|leak| leak.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds.into_iter().flat_map(|kind| statement.tell_leaks(kind)).collect()
    }
}
