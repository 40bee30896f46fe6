//! Bodies of functions in PL/pgSQL and SQL: the statements in them, and what each is allowed to touch.
//!
//! A body is a sequence of statements and expressions of SQL, in which names may be variables. Which of them runs, and how
//! often, depends on what the others returned: if each stays inside the tenant, whatever values the variables have, so does
//! the body as a whole.
//!
//! **Invariant:** what is not read is in `Body::unread`, and then nothing follows of the body.

mod leaks;
mod read;
mod summary;
#[cfg(test)]
mod tests;
mod texts;
mod variables;

use tenantry_span::TextRange;

pub use leaks::{JudgedFunction, judged, leaks};
pub(crate) use read::{read, read_sql};
pub(crate) use summary::{
    Around, Fired, Summary, not_read, only_returned, summary, trigger_keeps_inside, trigger_statements,
};
pub use texts::{Unquoted, unquoted};
pub(crate) use variables::{Meaning, Variables};

/// The languages in which bodies are read.
pub(crate) const LANGUAGES: &[&str] = &["plpgsql", "sql"];

/// A body, read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    /// What it declares, in order, the variables of loops included.
    pub(crate) variables: Vec<Variable>,
    /// What it runs, in order.
    pub(crate) parts: Vec<Part>,
    /// What is assigned to, each time: the parts of the name.
    pub(crate) assigned: Vec<Vec<String>>,
    /// The parts that are what `RETURN` gives.
    pub(crate) returned: Vec<usize>,
    /// What is assigned as the value of an expression: the parts of the name, and the part that is the value.
    pub(crate) set: Vec<(Vec<String>, usize)>,
    /// It raises exceptions, by which it may have refused what it was handed.
    pub(crate) raises: bool,
    /// What could not be read.
    pub(crate) unread: Vec<Unread>,
}

/// A part of a body that is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    /// Its place in the body.
    pub(crate) range: TextRange,
    /// What it is, for a message.
    pub(crate) what: String,
}

/// A variable that a body declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// Its name, folded.
    pub(crate) name: String,
    /// Its type as written; empty for a cursor or an alias.
    pub(crate) ty: String,
    /// The part that is its first value.
    pub(crate) initial: Option<usize>,
    /// What it is.
    pub(crate) kind: VariableKind,
    /// Where it is declared.
    pub(crate) range: TextRange,
}

/// What a variable is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum VariableKind {
    /// A value, or a row.
    Value,
    /// The variable of a loop over numbers, which is declared there.
    Counter,
    /// A cursor with a query of its own.
    Cursor,
    /// An argument of a cursor, which is seen in its query only.
    CursorArgument,
    /// Another name of this one.
    Alias(String),
}

/// A statement or an expression of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Its place in the body.
    pub(crate) range: TextRange,
    /// The statement as the database gets it; an expression is one that selects it.
    pub(crate) text: String,
    /// How many bytes of `text` stand before what is at `range`.
    pub(crate) lead: u32,
    /// What it is.
    pub(crate) what: What,
    /// A handler of exceptions stands around it, or it stands in one: whether it fails is seen.
    pub(crate) handled: bool,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A statement.
    Statement,
    /// An expression: a value, a condition.
    Value,
    /// The text of a statement that is put together: an expression, with the values of its placeholders, which are parts of
    /// their own.
    Dynamic {
        /// The parts that are the values of `$1`, `$2`, ….
        using: Vec<usize>,
    },
}
