//! `unproved-mark`: an item is marked as tenant-scoped, and a query in it is not decided.

use super::{Rule, Statement};
use crate::finding::Draft;
use crate::rules::undecided_query;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        match statement.facts.claim.is_scoped() {
            true => undecided_query::told(statement).into_iter().collect(),
            false => Vec::new(),
        }
    }
}
