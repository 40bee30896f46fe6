//! The rules' pages, and which calls run SQL, as data.
//!
//! **Invariant:** this crate holds data and its readers; no rule is decided here.
//! **Invariant:** one page registers a rule, one file registers a query library; each takes one line here.
#![forbid(unsafe_code)]

mod sinks;

pub use sinks::{Binds, Sink, SinkLibrary, SqlSource, parse_sinks, sinks};
