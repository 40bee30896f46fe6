//! PostgreSQL, read by `squawk-syntax`, which is named nowhere else.

pub mod ddl;

use crate::ast::ParsedStatement;

/// Reads all statements of `text`.
pub fn statements(text: &str) -> Vec<ParsedStatement> {
    vec![ParsedStatement::unreadable(text, "PostgreSQL is not read yet".to_owned())]
}
