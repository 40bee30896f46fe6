//! From sites to verdicts: which bound value carries the tenant, by which database a site is judged, and what the proof
//! says of it.
//!
//! **Invariant:** the scanner and the macros judge here, so that no two of them can disagree.
//! **Invariant:** nothing is told and nothing is suppressed here; what becomes of a verdict is the caller's.
#![forbid(unsafe_code)]

pub mod cache;
pub mod databases;
pub mod decide;
mod guarded;
pub mod marked;
pub mod rows;
pub mod sinks;
pub mod statement;
pub mod wording;
