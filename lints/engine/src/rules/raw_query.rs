//! `raw-query`: a value is written into the text of a statement instead of being bound.

use super::{Rule, Statement};
use crate::decide::{Cause, Written};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let Cause::RawValue(written) = &statement.decision.cause else { return Vec::new() };
        let message = format!("`{}` is written into the SQL text instead of being bound", written.expression);
        vec![told(statement, written, message).help("write a placeholder and bind the value")]
    }
}

/// A draft about what is written into a text, with the way it came.
pub(super) fn told(statement: &Statement<'_>, written: &Written, message: String) -> Draft {
    let draft = Draft::new(written.place, message);
    let steps = written.way.iter().filter(|(place, _)| *place != written.place);
    let draft = steps.fold(draft, |draft, (place, word)| draft.related(*place, word.as_str()));
    // The text may be made far from the call.
    draft.cause(statement.facts.site.span)
}
