//! `tenantry.toml` as types.
//!
//! Reading has two steps: text to [`Policy`] with every value checked; a [`Policy`] that exists is valid.
//! **Invariant:** checks take a [`Policy`], never raw TOML. **Invariant:** no I/O here; the caller reads the file.
//! **Invariant:** [`keys::SECTIONS`] is the only list of keys; reader and JSON Schema are made from it.
#![forbid(unsafe_code)]

mod date;
pub mod keys;
mod model;
mod read;
mod schema;
mod suggest;

pub use model::*;
pub use read::parse;
pub use schema::json_schema;
pub use suggest::nearest;
