//! `joined-table-not-tied`: a relation is not tied to the tenant, another one of the statement is.

use tenantry_prover::verdict::LeakKind;

use super::{Rule, Statement};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        statement.tell_leaks(LeakKind::JoinedNotTied)
    }
}
