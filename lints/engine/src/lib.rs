//! The run: from files to a report.
//!
//! **Invariant:** outputs see the report and nothing else; nothing is printed here.
//! **Invariant:** the order of everything is defined; no thread order, no absolute path and no clock shows.
#![forbid(unsafe_code)]

mod cache;
mod callers;
mod checked;
mod composed;
mod declared;
mod extracted;
mod finding;
mod fingerprint;
mod fixes;
mod helpers;
mod makers;
mod mend;
mod modules;
mod pushed;
pub mod report;
mod returned;
mod routines;
mod rules;
mod run;
mod schema_keys;
mod secured;
mod sessions;
mod suppress;
mod surroundings;
mod uses;
mod walk;

use tenantry_judge::{decide, rows, sinks, statement, wording};

pub use cache::CachePlace;
pub use fixes::{Edit, Fix, Migration, NewFile};
pub use report::{Disposition, Finding, Report};
pub use run::{MAX_RUST_FILE, Options, Progress, RunError, check, check_at, line_col, parses};
pub use sinks::of_project as sinks_of_project;
pub use statement::{BoundStatement, CaseVerdict, Outcome, Schema, StatementCase, prove_statements};
pub use suppress::date;
