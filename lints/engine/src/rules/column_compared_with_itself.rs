//! `column-compared-with-itself`: both sides of the comparison of the tenant key are the same column.

use tenantry_prover::verdict::LeakKind;

use super::{Rule, Statement};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        statement.tell_leaks(LeakKind::SelfComparison)
    }
}
