//! What the compiler is told of a marked item: the scanner's verdicts on its sites, as far as its own file shows them.
//!
//! The file is read as the scanner reads it, without what other files say. What a verdict may owe to them is undecided:
//! what callers hand over, what a guard answers with, constants and declarations of other files.
//!
//! **Invariant:** a verdict is the scanner's or undecided, never better.
//! **Invariant:** an item of which the source is not found, or in which no query is seen, is not taken for scoped.

mod ahead;
mod doc_test;
mod item;
mod kept;
mod known;
mod place;
mod shown;
mod text;
mod workspace;

pub use item::{Attribute, Judged, judge, judge_and_keep};
pub use kept::{Proved, proved, proved_file, proved_literal};
pub use place::Place;
pub use text::{JudgedText, judge_file, judge_literal, judge_text};
pub use workspace::{Workspace, workspace};

use tenantry_span::TextRange;

/// Something to tell at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The place in the source file of the item; in the SQL for a text that was judged by itself.
    pub place: TextRange,
    /// What is wrong, with the place inside of the SQL and what to do, on several lines.
    pub message: String,
}
