//! The rules' pages, and which calls run SQL, as data.
//!
//! **Invariant:** this crate holds data and its readers; no rule is decided here.
//! **Invariant:** one page registers a rule, one file registers a query library; each takes one line here.
//! **Invariant:** a rule's id and its place in the order never change.
#![forbid(unsafe_code)]

mod pages;
mod sinks;

pub use pages::{
    Default, EXAMPLE_POLICY, EXAMPLE_SCHEMA, Example, ExampleFile, Mark, Precision, RuleDoc, RuleKind,
    Section, rule, rules,
};
pub use sinks::{Binds, Sink, SinkLibrary, SqlSource, parse_sinks, sinks};
