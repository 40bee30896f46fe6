//! Queries as services write them, each without its tenant. `tools/fixes.sh` lets Tenantry mend a copy, and compiles that.

// Nobody uses the tenant yet.
#![allow(unused_variables)]

pub mod client;
pub mod diesel_reads;
pub mod diesel_writes;
pub mod functions;
#[cfg(feature = "macros")]
pub mod macros;
pub mod model;
pub mod pushed;
pub mod schema;
pub mod sea;
pub mod written;
