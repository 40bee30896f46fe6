//! MySQL and SQLite, read by `sqlparser`, which is named nowhere else.

use tenantry_policy::Dialect;

use crate::ast::ParsedStatement;

/// Reads all statements of `text`.
pub fn statements(dialect: Dialect, text: &str) -> Vec<ParsedStatement> {
    vec![ParsedStatement::unreadable(text, format!("{} is not read yet", dialect.as_str()))]
}
