//! What the experiment asks of a database: make a schema, hold a world, run statements of which nothing stays.
//!
//! **Invariant:** the experiment is written once; what is a dialect's own is behind this trait.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::shape::Shape;
use crate::subject::{Statement, Subject};
use crate::universe::Universe;
use crate::values::Kind;
use crate::wire::{DbError, WireError};
use crate::world::Filling;

/// Results with more rows are not looked at: they say no more than smaller ones, and take long.
pub const MOST_ROWS: usize = 1500;
/// What PostgreSQL says where it gave up, and what is said for the others.
pub const TIMEOUT: &str = "57014";

/// A database for experiments.
pub trait Database {
    /// Creates the schema in place of what was there.
    fn set_up(&mut self, subject: &Subject) -> Result<Shape, WireError>;

    /// Prepares statements, which runs name by their position; the kinds of their parameters, or why one is refused.
    fn prepare(
        &mut self,
        scene: Scene<'_>,
        statements: &[&Statement],
    ) -> Result<Vec<Result<Vec<Kind>, DbError>>, WireError>;

    /// Fills the tables in place of what they held. Rows are made to keep keys and references.
    fn load(&mut self, shape: &Shape, fill: &[Filling]) -> Result<(), WireError>;

    /// What the tables hold.
    fn look(&mut self, scene: Scene<'_>) -> Result<State, WireError>;

    /// Runs prepared statements, each on the world as it was loaded.
    fn run(&mut self, scene: Scene<'_>, runs: &[Run<'_>]) -> Result<Vec<Outcome>, WireError>;

    /// Forgets the prepared statements.
    fn forget(&mut self) -> Result<(), WireError>;

    /// Begins anew after the database refused what it must not, unless the next schema does so by itself.
    fn renew(&mut self) -> Result<(), WireError> {
        Ok(())
    }
}

/// Where statements run.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The schema.
    pub subject: &'a Subject,
    /// The schema as rows are made for it.
    pub shape: &'a Shape,
    /// The tenants.
    pub universe: &'a Universe,
}

/// One run of a prepared statement.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    /// The statement's position.
    pub statement: usize,
    /// The values of its parameters.
    pub parameters: &'a [Option<String>],
    /// It may change rows.
    pub writes: bool,
    /// It may take numbers from sequences.
    pub numbers: bool,
}

/// What a run showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The error in which it ended.
    pub error: Option<DbError>,
    /// There were more rows than are looked at.
    pub cut: bool,
    /// What stands for the rows, in whatever order.
    pub rows: u64,
    /// There were none, or one of NULLs and zeros alone, as an aggregate over no rows gives.
    pub empty: bool,
    /// How many rows the command counts.
    pub tag: String,
    /// What the tables held afterwards, where it may have changed rows.
    pub state: Option<State>,
}

/// What stands for the contents of all tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// For the tenant's rows.
    pub own: u64,
    /// For everybody else's.
    pub others: u64,
}

/// What stands for a value.
pub fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
