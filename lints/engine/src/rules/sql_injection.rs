//! `sql-injection`: what a request says is written into the text of a statement.

use super::raw_query::told;
use super::{Rule, Statement};
use crate::decide::Cause;
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let Cause::RequestText(written) = &statement.decision.cause else { return Vec::new() };
        let message =
            format!("`{}` is written into the SQL text, and the request says what it is", written.expression);
        let help = "bind a value to a placeholder; choose a column, a table or a direction by a `match` whose arms are constants";
        vec![told(statement, written, message).help(help)]
    }
}
