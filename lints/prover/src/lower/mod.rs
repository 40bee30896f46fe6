//! From the text of a dialect to [`crate::ast`].
//!
//! **Invariant:** every token of a statement is consumed by a rule, or the statement says what was not read.

use tenantry_policy::Dialect;
use tenantry_span::{FileId, Span, TextRange};

use crate::ast::ParsedStatement;
use crate::catalog::{Catalog, SkippedStatement};

#[cfg(all(test, any(feature = "postgres", feature = "mysql", feature = "sqlite")))]
mod dump;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
#[cfg_attr(
    not(feature = "postgres"),
    allow(dead_code, reason = "other dialects rename and drop fewer things")
)]
mod edit;
#[cfg(any(feature = "mysql", feature = "sqlite"))]
mod generic;
mod limits;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub mod restrict;
#[cfg(feature = "postgres")]
pub(crate) mod routine;
#[cfg(any(feature = "postgres", feature = "mysql", feature = "sqlite"))]
pub(crate) mod scan;

pub use limits::{Limit, MAX_CHAIN, MAX_NESTING, MAX_TEXT, MAX_TOKENS, on_deep_stack};

/// Applies all DDL statements of one schema file in order to a catalog, on top of what is there; migrations are applied
/// one file after another. What cannot be read is noted in [`Catalog::skipped`]. The caller runs this on a deep stack,
/// see [`on_deep_stack`].
pub fn apply(dialect: Dialect, catalog: &mut Catalog, file: FileId, text: &str) {
    match dialect {
        #[cfg(feature = "postgres")]
        Dialect::Postgres => postgres::ddl::apply(catalog, file, text),
        #[cfg(feature = "mysql")]
        Dialect::Mysql => generic::ddl::apply(dialect, catalog, file, text),
        #[cfg(feature = "sqlite")]
        Dialect::Sqlite => generic::ddl::apply(dialect, catalog, file, text),
        #[allow(unreachable_patterns, reason = "which dialects are read is a matter of features")]
        dialect => catalog.skipped.push(SkippedStatement {
            span: Span::new(file, TextRange::from_usize(0, text.len())),
            why: format!("{} was left out of this build", dialect.as_str()),
            table: None,
        }),
    }
}

/// Reads all statements of `text`. Never fails: what cannot be read is a statement with `unread` parts. The caller runs
/// this on a deep stack, see [`on_deep_stack`].
pub fn statements(dialect: Dialect, text: &str) -> Vec<ParsedStatement> {
    match dialect {
        #[cfg(feature = "postgres")]
        Dialect::Postgres => postgres::statements(text),
        #[cfg(feature = "mysql")]
        Dialect::Mysql => generic::statements(dialect, text),
        #[cfg(feature = "sqlite")]
        Dialect::Sqlite => generic::statements(dialect, text),
        #[allow(unreachable_patterns, reason = "which dialects are read is a matter of features")]
        dialect => vec![ParsedStatement::unreadable(
            text,
            format!("{} was left out of this build", dialect.as_str()),
        )],
    }
}
