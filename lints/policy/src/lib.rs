//! `tenantry.toml` as types.
//!
//! Reading has two steps: text to [`Policy`] with every value checked; a [`Policy`] that exists is valid.
//! **Invariant:** checks take a [`Policy`], never raw TOML. **Invariant:** no I/O here; the caller reads the file.
#![forbid(unsafe_code)]

mod model;

pub use model::*;
