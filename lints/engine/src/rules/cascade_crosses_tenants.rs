//! `cascade-crosses-tenants`: a referential action carries the statement on to rows of other tenants.

use tenantry_prover::verdict::LeakKind;

use super::{Rule, Statement};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        statement.tell_leaks(LeakKind::Cascade)
    }
}
