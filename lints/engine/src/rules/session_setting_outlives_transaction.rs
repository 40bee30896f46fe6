//! `session-setting-outlives-transaction`: the tenant is set for as long as the connection lives.

use super::{Rule, Statement};
use crate::decide::Cause;
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        if statement.decision.cause != Cause::SessionWide {
            return Vec::new();
        }
        let message = "the tenant is set for the whole session, which the next user of the connection inherits";
        let help = "set it for the transaction: `SET LOCAL`, or `set_config(…, …, true)`";
        vec![Draft::new(statement.facts.site.span, message).help(help)]
    }
}
