//! `raw-query`: a value is written into the text of a statement instead of being bound.

use super::{Rule, Statement};
use crate::decide::Cause;
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let Cause::RawValue(place, expression) = &statement.decision.cause else { return Vec::new() };
        let message = format!("`{expression}` is written into the SQL text instead of being bound");
        let draft = Draft::new(*place, message).help("write a placeholder and bind the value");
        // The text may be made far from the call.
        vec![draft.cause(statement.facts.site.span)]
    }
}
