//! `tenant-key-rewritten`: an update sets the tenant key, or what owns the row, to something else than the tenant.

use tenantry_prover::verdict::LeakKind;

use super::{Rule, Statement};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        statement.tell_leaks(LeakKind::KeyRewritten)
    }
}
