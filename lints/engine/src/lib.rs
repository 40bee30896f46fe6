//! The run: from files to a report.
//!
//! **Invariant:** outputs see the report and nothing else; nothing is printed here.
//! **Invariant:** the order of everything is defined; no thread order, no absolute path and no clock shows.
#![forbid(unsafe_code)]

mod statement;

pub use statement::{BoundStatement, CaseVerdict, Outcome, Schema, StatementCase, prove_statements};
