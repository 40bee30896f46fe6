//! What is said of a statement.
//!
//! **Invariant:** a [`Verdict`] has no `is_ok`; callers match all three. **Invariant:** whatever is not understood ends
//! in an [`Obstacle`].

use std::collections::BTreeSet;

use tenantry_span::{Span, TextRange};

use crate::catalog::QualifiedName;
use crate::tenancy::DomainId;

/// A placeholder or session setting that carries a tenant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TenantSource {
    /// `$n` or the n-th `?`, from 1.
    Param(u32),
    /// `current_setting('name')`, lower case.
    Setting(String),
}

/// One tenant value: placeholders and settings that all carry the same value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenantValue {
    /// Where it appears.
    pub sources: BTreeSet<TenantSource>,
    /// Whether it may be NULL.
    pub nullable: Nullability,
    /// Sources that are known to be one expression, bound several times: of these one names tenants of one level only,
    /// while others may be the tenant's names on several levels.
    pub alike: Vec<BTreeSet<TenantSource>>,
    /// The kind of names that these are, where the source says so: another kind of key is not what they name.
    pub domain: Option<DomainId>,
    /// They are the actor's own: all such values are one tenant's names.
    pub is_own: bool,
    /// The placeholders of the sources that are lists, each of whose elements is the value.
    pub lists: BTreeSet<u32>,
}

/// Whether a value may be NULL, from best to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nullability {
    /// It cannot be.
    #[default]
    Never,
    /// Nobody knows: no proof may rest on its not being NULL, unless all that hangs on it is the tenant's own loss.
    Unseen,
    /// It may be: its Rust type is an `Option`.
    Maybe,
}

/// What the proof says of one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Proved to stay inside one tenant.
    Scoped(Proof),
    /// An owned relation is read or written without being tied to the tenant; never empty.
    Leaks(Vec<Leak>),
    /// Neither could be shown; never empty.
    Undecided(Vec<Obstacle>),
}

/// Why a statement is scoped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// On what it rests.
    pub basis: Basis,
    /// What is taken for granted, each a sentence.
    pub assumptions: Vec<String>,
    /// The derivation, in the order in which it can be followed.
    pub steps: Vec<Step>,
    /// The tenant sources that pin something; empty where no tenant-owned table is touched.
    pub pins: BTreeSet<TenantSource>,
    /// The kind of tenants that each source is taken for a name of.
    pub kinds: BTreeSet<(TenantSource, DomainId)>,
    /// The tenant-owned tables that are touched.
    pub tables: BTreeSet<QualifiedName>,
    /// The columns of the rows that come back, in order, with what their values name; empty where none come back, or
    /// where the rows are gone.
    pub returns: Vec<ReturnedColumn>,
    /// What placeholders name if a row comes back: all of it the tenant's.
    pub given: Vec<KnownValue>,
}

/// A column of the rows that a statement returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnedColumn {
    /// Its name.
    pub name: String,
    /// What its values name, unless they are NULL: all of it the tenant's. Empty where nothing is known.
    pub names: Vec<Named>,
}

/// What a value names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    /// The tenant, in a domain.
    Tenant(DomainId),
    /// A row, by a unique column of its table.
    Row(QualifiedName, String),
}

/// A placeholder of which more is known than where its value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownValue {
    /// The placeholder, from 1.
    pub param: u32,
    /// What it names: its value was returned by a statement that was proved, and what it names is the tenant's.
    pub names: Vec<Named>,
    /// It is made at random for this run of the statement, and in no row yet.
    pub is_new: bool,
    /// Callers or the request choose it: a list of ids may name anybody's rows.
    pub chosen: bool,
}

/// On what a proof rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The statement itself.
    Query,
    /// No tenant-owned row is touched.
    NoTenantData,
    /// A guard around the call.
    Guard,
    /// Row level security.
    RowSecurity,
}

/// A step of a derivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The place in the statement.
    pub range: TextRange,
    /// What follows there, a sentence.
    pub text: String,
}

/// A relation that is not tied to the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// What kind of leak.
    pub kind: LeakKind,
    /// The table.
    pub table: QualifiedName,
    /// Its alias in the statement, where it has one.
    pub alias: Option<String>,
    /// The place of the relation (or of the assignment, the conflict target, …) in the statement.
    pub range: TextRange,
    /// What happens, a sentence without the table's name being needed to understand it.
    pub message: String,
    /// What would scope it, such as ``add `AND t.tenant_id = $1` ``.
    pub help: Option<String>,
    /// Other places in the statement that explain it.
    pub related: Vec<(TextRange, String)>,
    /// What of the schema made it a leak.
    pub reasons: Vec<SchemaReason>,
}

/// A state of the schema without which the verdict would be another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaReason {
    /// What kind; a rule about schemas answers to each.
    pub kind: SchemaFault,
    /// The place in the schema.
    pub span: Span,
    /// What is so there, a sentence.
    pub text: String,
}

/// What kind of state of the schema it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SchemaFault {
    /// A unique key does not contain the tenant key.
    UniqueKey,
    /// A foreign key does not contain the tenant key.
    ForeignKey,
    /// Such a foreign key acts on the rows that reference.
    Cascade,
    /// The tenant key may be NULL.
    NullableKey,
}

impl Leak {
    /// The condition that would tie the relation, up to where the tenant stands and from there on.
    pub fn condition(&self) -> Option<(&str, &str)> {
        let code = self.help.as_deref()?.split('`').find(|part| part.contains(TENANT))?;
        code.split_once(TENANT)
    }
}

/// How the tenant's value is written where a condition is suggested.
pub const TENANT: &str = "<tenant>";

/// What kind of leak it is; a rule answers to each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LeakKind {
    /// No relation of the statement is tied to the tenant, or the only one is not.
    Unscoped,
    /// Another relation of the statement is tied, this one is not.
    JoinedNotTied,
    /// A column is compared with itself.
    SelfComparison,
    /// The conflict target does not contain the tenant key.
    ConflictTarget,
    /// The tenant key is set to something else than the tenant.
    KeyRewritten,
    /// The filter vanishes when the parameter is NULL.
    OptionalFilter,
    /// A row is written under an owner other than the tenant, or without one.
    WrittenOwner,
    /// A write to a table that belongs to everybody.
    SharedWrite,
    /// A referential action reaches rows of other tenants.
    Cascade,
    /// The statement affects whole tables (`TRUNCATE`, `COPY`).
    WholeTable,
    /// The tenant key is compared with a fixed value.
    FixedTenant,
}

/// Something that stood in the way of a proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// What kind.
    pub kind: ObstacleKind,
    /// The place in the statement.
    pub range: TextRange,
    /// What could not be seen, a sentence.
    pub message: String,
    /// What the user can do.
    pub help: Option<String>,
}

/// What kind of obstacle it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObstacleKind {
    /// A syntax error.
    Syntax,
    /// A construct that is not modelled.
    Unmodelled,
    /// A table that the schema does not have.
    UnknownTable,
    /// A table of the schema of which nobody says who owns its rows.
    UndeclaredOwner,
    /// A column that does not resolve.
    UnknownColumn,
    /// A function that may read or write anything.
    UnknownFunction,
    /// The proof lost track of a relation; it may or may not leak.
    NotProved,
    /// A limit was reached.
    Limit,
    /// The text is not known as a whole.
    DynamicText,
    /// The value that pins comes from a place that says nothing of the tenant.
    UntracedBind,
}
