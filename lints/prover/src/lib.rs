//! The proof that a statement stays inside one tenant.
//!
//! Text goes through [`lower`] to [`ast`], through [`bind`] to [`plan`], and through [`prove`] to a [`verdict`].
//!
//! **Invariant:** no I/O, no Rust syntax, no serialisation.
//! **Invariant:** foreign syntax trees stay in `lower/postgres` (squawk) and `lower/generic` (sqlparser).
//! **Invariant:** no path leads from "not understood" to `Scoped`.
#![forbid(unsafe_code)]

pub mod ast;
pub mod bind;
pub mod catalog;
pub mod lower;
pub mod ownership;
pub mod plan;
#[cfg(feature = "postgres")]
pub mod plpgsql;
pub mod policies;
pub mod prove;
pub mod tenancy;
#[cfg(feature = "postgres")]
pub mod triggers;
pub mod types;
pub mod verdict;
