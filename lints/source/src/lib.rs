//! Rust source to sites: which places run SQL, with which text, with which binds, and where the bound values come from.
//!
//! **Invariant:** `syn` is named in this crate and in the macros only. **Invariant:** no I/O; included files and other
//! files of the crate come through a trait that the caller implements.
#![forbid(unsafe_code)]

mod site;

pub use site::*;
