//! Relational algebra: what a statement reads and writes, names resolved. The proof sees nothing else.
//!
//! Every column of every relation occurrence has a [`ColId`] of its own, unique in the statement. So a reference to a
//! column of an enclosing query is simply a [`ColId`] that the relation at hand does not produce, and a projection that
//! passes a column on (renamed or not) keeps its id. Views and common table expressions are bound anew at each
//! reference, with fresh ids.
//!
//! **Invariant:** a plan is complete. What the binder cannot express exactly stands in [`Plan::obstacles`], and then no
//! verdict on the plan is `Scoped`.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_span::TextRange;

use crate::catalog::QualifiedName;
use crate::tenancy::DomainId;
use crate::types::SqlType;
use crate::verdict::Obstacle;

/// A column of a relation occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColId(pub u32);

/// An occurrence of a stored table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScanId(pub u32);

/// A statement, bound.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Data-modifying common table expressions, in order; each runs whether referenced or not.
    pub modifying: Vec<Action>,
    /// The statement itself.
    pub main: Action,
    /// All scans; [`ScanId`] is an index.
    pub scans: Vec<Scan>,
    /// All columns; [`ColId`] is an index.
    pub columns: Vec<ColumnInfo>,
    /// The contexts in which each placeholder is used, by number from 1 (index 0 is `$1`): the types that those uses
    /// give it. A placeholder used next to an expression of unknown type has [`SqlType::Unknown`] among them.
    pub param_types: Vec<Vec<SqlType>>,
    /// The columns of the rows that come back, under the names that they have there; empty where no rows come back, or
    /// where not all of their columns are known.
    pub output: Vec<(String, ColId)>,
    /// What could not be expressed. Not empty: the verdict is not `Scoped`.
    pub obstacles: Vec<Obstacle>,
    /// Things taken for granted by the binder, each a sentence (`SKIP LOCKED`, trusted functions, …).
    pub assumptions: Vec<String>,
    /// Session settings that the statement reads itself, policies apart.
    pub settings: BTreeSet<String>,
    /// Session settings that are read where they may be missing, so that they may be NULL.
    pub missing_settings: BTreeSet<String>,
    /// A `COLLATE` names a collation that takes different texts for equal.
    pub loose_collation: bool,
    /// Windows and columns computed by subqueries that nothing uses: they add nothing to what is seen.
    pub unused: BTreeSet<ColId>,
    /// The scans of those subqueries.
    pub unread: BTreeSet<ScanId>,
    /// The scans of subqueries whose columns nothing uses, and that may fail where they are computed all the same.
    pub perhaps_unread: BTreeSet<ScanId>,
    /// How scans of tables with row level security stand to it. Where policies apply, the filter that they are stands
    /// directly over the scan.
    pub security: BTreeMap<ScanId, Security>,
    /// Calls of functions whose bodies stay inside the tenant that they are handed.
    pub calls: Vec<TenantCall>,
    /// Functions that are declared `IMMUTABLE` and read settings or rows.
    pub frozen: BTreeSet<QualifiedName>,
    /// It begins or ends a transaction, or takes settings back: what the transaction had set may be gone after it.
    pub may_end_settings: bool,
}

/// A call of a function whose body stays inside the tenant, if what carries the tenant there does.
#[derive(Clone, Debug)]
pub struct TenantCall {
    /// The function.
    pub function: QualifiedName,
    /// The place of the call.
    pub range: TextRange,
    /// The values that have to be the tenant: an argument, settings.
    pub tenant: Vec<Expr>,
    /// The tenant must not be NULL.
    pub needs_value: bool,
    /// The kinds of tenant that the body ties.
    pub domains: BTreeSet<DomainId>,
    /// The owned tables that the body touches.
    pub tables: BTreeSet<QualifiedName>,
    /// How often it runs is seen, or when.
    pub acts: bool,
}

/// How a scan stands to the row level security of its table.
#[derive(Clone, Debug)]
pub enum Security {
    /// Its policies filter it.
    Applies {
        /// Those that say which rows there are.
        policies: Vec<SecuredPolicy>,
        /// What is taken for granted, each a sentence.
        assumptions: Vec<String>,
    },
    /// They do not: why.
    Bypassed(String),
    /// Nobody knows.
    Uncertain {
        /// Why.
        why: String,
        /// What the user can do.
        help: Option<String>,
    },
}

/// A policy as a condition over a scan.
#[derive(Clone, Debug)]
pub struct SecuredPolicy {
    /// Its name.
    pub name: String,
    /// `AS RESTRICTIVE`.
    pub restrictive: bool,
    /// Its `USING`.
    pub condition: Expr,
    /// Why it may not bind the role, so that nothing follows of it, nor that it lets anything through.
    pub doubt: Option<String>,
}

/// What is known of a column.
#[derive(Clone, Debug)]
pub struct ColumnInfo {
    /// Its name, for messages.
    pub name: String,
    /// Its type.
    pub ty: SqlType,
    /// The stored column it is, by scan and position in the catalog's table; `None` for computed ones.
    pub origin: Option<(ScanId, usize)>,
}

/// An occurrence of a stored table (or of a materialized view, which is a table of its own).
#[derive(Clone, Debug)]
pub struct Scan {
    /// The table.
    pub table: QualifiedName,
    /// How the statement calls it: its alias, or its name.
    pub alias: String,
    /// True if the alias was written.
    pub aliased: bool,
    /// One column for each of the table's, in the catalog's order.
    pub cols: Vec<ColId>,
    /// `ONLY`.
    pub only: bool,
    /// The place in the statement; for a scan inside a view, the place of the view's reference.
    pub range: TextRange,
    /// The view it was reached through, outermost first.
    pub via: Vec<QualifiedName>,
    /// The table is written here (target of INSERT, UPDATE, DELETE, MERGE).
    pub is_target: bool,
}

/// A relation.
#[derive(Clone, Debug)]
pub struct Rel {
    /// How it is made.
    pub kind: RelKind,
    /// The columns that are visible above, in order. Columns of the inputs that are not listed are hidden: nothing
    /// above names them, but what is known of them stays true.
    pub cols: Vec<ColId>,
    /// The place in the statement.
    pub range: TextRange,
}

/// How a relation is made.
#[derive(Clone, Debug)]
pub enum RelKind {
    /// One row without columns: `SELECT` without `FROM`.
    Unit,
    /// A stored table. `sampled` for `TABLESAMPLE`.
    Scan {
        /// Which.
        scan: ScanId,
        /// `TABLESAMPLE`.
        sampled: bool,
    },
    /// `VALUES`: each row has one expression for each of `cols`.
    Values(Vec<Vec<Expr>>),
    /// Rows for which the predicate is true.
    Filter {
        /// Of what.
        input: Box<Rel>,
        /// The predicate.
        predicate: Expr,
    },
    /// A join. `RIGHT` is a `LEFT` with the sides swapped. The merged column of `USING`/`NATURAL` is the left one
    /// (inner, left), the right one (right), or a computed `COALESCE` in a [`RelKind::Project`] above (full).
    Join {
        /// Which.
        kind: JoinKind,
        /// The left side, preserved by `Left`.
        left: Box<Rel>,
        /// The right side. It may refer to columns of the left side (`LATERAL`).
        right: Box<Rel>,
        /// The condition; `TRUE` where there is none.
        on: Expr,
    },
    /// Adds computed columns.
    Project {
        /// To what.
        input: Box<Rel>,
        /// The columns and how they are computed, in order; a later one may use an earlier one.
        computed: Vec<(ColId, Expr)>,
    },
    /// Grouping. The grouping expressions are columns of the input (computed below where need be).
    Aggregate {
        /// Of what.
        input: Box<Rel>,
        /// `GROUP BY`, expanded to grouping sets.
        grouping: Grouping,
        /// The aggregates.
        aggregates: Vec<(ColId, AggregateCall)>,
    },
    /// Window functions.
    Window {
        /// Over what.
        input: Box<Rel>,
        /// The calls.
        calls: Vec<(ColId, WindowCall)>,
    },
    /// `DISTINCT` over the visible columns, or `DISTINCT ON`.
    Distinct {
        /// Of what.
        input: Box<Rel>,
        /// The list of `DISTINCT ON`.
        on: Option<Vec<Expr>>,
    },
    /// `ORDER BY`: changes no row, but its expressions are evaluated.
    Sort {
        /// Of what.
        input: Box<Rel>,
        /// By what.
        by: Vec<Expr>,
    },
    /// `LIMIT`, `OFFSET`, `FETCH`.
    Limit {
        /// Of what.
        input: Box<Rel>,
        /// The counts.
        counts: Vec<Expr>,
        /// It leaves one row at the most.
        single: bool,
        /// It leaves out one row at the least.
        skips: bool,
    },
    /// A set operation; `cols` are fresh, position by position.
    SetOp {
        /// Which.
        op: SetOp,
        /// `ALL`.
        all: bool,
        /// The left arm.
        left: Box<Rel>,
        /// The right arm.
        right: Box<Rel>,
    },
    /// A recursive common table expression; `cols` are fresh, position by position.
    Recursive {
        /// The non-recursive term.
        base: Box<Rel>,
        /// The recursive term, which reads the working table.
        step: Box<Rel>,
        /// The working table's columns, as the recursive term sees them (each reference in it uses these ids: more than
        /// one reference is an obstacle).
        working: Vec<ColId>,
        /// `UNION ALL`.
        all: bool,
    },
    /// The working table of the enclosing [`RelKind::Recursive`].
    WorkingTable,
    /// The rows that a data-modifying common table expression returns; `cols` are fresh, position by position.
    Returned {
        /// Which, as an index into [`Plan::modifying`].
        action: usize,
    },
    /// The row being written: the leaf of a `RETURNING` relation. Its columns are the action's `row` and, for UPDATE,
    /// DELETE and MERGE, the columns of the action's input.
    WrittenRow,
    /// A set-returning function (or a scalar one) in `FROM`; pure ones only, others are obstacles.
    Function {
        /// The calls (several for `ROWS FROM`).
        calls: Vec<Expr>,
    },
}

/// The kind of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Inner or cross.
    Inner,
    /// Left outer.
    Left,
    /// Full outer.
    Full,
}

pub use crate::ast::SetOp;

/// `GROUP BY`, expanded.
#[derive(Clone, Debug)]
pub enum Grouping {
    /// No `GROUP BY`: one row, even when nothing matched.
    Whole,
    /// One grouping set that is not empty: the columns keep their ids above.
    Columns(Vec<ColId>),
    /// Several grouping sets (or `()` written out). Above, each grouping column has a fresh id, NULL in the rows of
    /// sets that lack it: pairs of (above, below), and the sets as lists of the ids below.
    Sets {
        /// (above, below).
        columns: Vec<(ColId, ColId)>,
        /// The sets, by ids below.
        sets: Vec<Vec<ColId>>,
    },
}

/// An aggregate.
#[derive(Clone, Debug)]
pub struct AggregateCall {
    /// Its name, lower case.
    pub name: String,
    /// Its arguments, those of `ORDER BY` and `WITHIN GROUP` included.
    pub args: Vec<Expr>,
    /// `FILTER (WHERE …)`.
    pub filter: Option<Expr>,
    /// It ignores rows whose first argument is NULL (count(x), sum, min, max, avg, bool_*, string_agg): not `count(*)`,
    /// not `array_agg`, `json*_agg`, hypothetical-set aggregates.
    pub ignores_null: bool,
}

/// A window function call.
#[derive(Clone, Debug)]
pub struct WindowCall {
    /// Its name, lower case.
    pub name: String,
    /// Its arguments, those in `FILTER`, `ORDER BY` and the frame included.
    pub args: Vec<Expr>,
    /// `PARTITION BY`.
    pub partition_by: Vec<Expr>,
}

/// A bound expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Its type; [`SqlType::Unknown`] for an untyped placeholder, NULL, a string literal, or where not known.
    pub ty: SqlType,
    /// The place in the statement (for text inside a view: the place of the view's reference).
    pub range: TextRange,
}

/// The forms of a bound expression. Simple `CASE`, `BETWEEN`, `IN (list)` of one element and the like are rewritten to
/// these by the binder; nothing else is simplified.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A column, of this relation or of an enclosing one.
    Column(ColId),
    /// A placeholder, from 1.
    Param(u32),
    /// `current_setting('name' [, missing_ok])`, name in lower case.
    Setting {
        /// The setting.
        name: String,
        /// NULL instead of an error when it is missing.
        missing_ok: bool,
    },
    /// `NULL`.
    Null,
    /// A boolean constant.
    Bool(bool),
    /// A number.
    Number(String),
    /// A string, typed or not.
    String(String),
    /// Conjunction.
    And(Vec<Expr>),
    /// Disjunction.
    Or(Vec<Expr>),
    /// Negation.
    Not(Box<Expr>),
    /// A comparison by the type's own operator. Row operands are [`ExprKind::Row`].
    Compare {
        /// Which.
        op: CompareOp,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `IS NULL`.
    IsNull(Box<Expr>),
    /// `IS TRUE` (`Some(true)`), `IS FALSE` (`Some(false)`), `IS UNKNOWN` (`None`). `IS NOT …` is a [`ExprKind::Not`].
    IsBool(Box<Expr>, Option<bool>),
    /// `IS NOT DISTINCT FROM`. `IS DISTINCT FROM` is a [`ExprKind::Not`] of it.
    NotDistinct(Box<Expr>, Box<Expr>),
    /// `expr IN (list)`. `NOT IN` is a [`ExprKind::Not`] of it.
    InList(Box<Expr>, Vec<Expr>),
    /// `left op ANY (array)` or `ALL (array)`.
    Quantified {
        /// The left operand.
        left: Box<Expr>,
        /// The operator; `None` for one that is not a comparison.
        op: Option<CompareOp>,
        /// `ALL`.
        all: bool,
        /// The array.
        array: Box<Expr>,
    },
    /// A predicate that is NULL when any operand is NULL and reads nothing else: `LIKE`, regular expression matches,
    /// containment and other operators of built-in types.
    StrictPredicate {
        /// The operator as written; empty for one that is a word.
        op: String,
        /// The operands.
        operands: Vec<Expr>,
    },
    /// `ROW(…)`.
    Row(Vec<Expr>),
    /// `ARRAY[…]`.
    Array(Vec<Expr>),
    /// Searched `CASE`; a missing `ELSE` is `None`.
    Case {
        /// Condition and value of each arm.
        arms: Vec<(Expr, Expr)>,
        /// `ELSE`.
        otherwise: Option<Box<Expr>>,
    },
    /// `COALESCE`.
    Coalesce(Vec<Expr>),
    /// `NULLIF`.
    NullIf(Box<Expr>, Box<Expr>),
    /// `GREATEST` or `LEAST`.
    Extreme(Vec<Expr>),
    /// A cast to this expression's type.
    Cast(Box<Expr>),
    /// `COLLATE`; the flag says that the collation is deterministic.
    Collate(Box<Expr>, bool),
    /// `+`, `-`, `*`, `/`, `%`, `^` on numbers.
    Arithmetic {
        /// Which.
        op: ArithmeticOp,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// Unary minus.
    Negate(Box<Expr>),
    /// `||`; of text where this expression's type is [`SqlType::Text`].
    Concat(Box<Expr>, Box<Expr>),
    /// A pure function or operator of the allow-list: it reads no table, and its value depends on the arguments alone (or
    /// on time, randomness, the session).
    Pure {
        /// Its name, lower case.
        name: String,
        /// The arguments.
        args: Vec<Expr>,
    },
    /// `expr.field` of a row value, by the field's position.
    Field(Box<Expr>, usize),
    /// A whole row as a value: its columns, under the names that its fields have.
    WholeRow(Vec<(String, ColId)>),
    /// A subquery.
    Subquery(Box<Subquery>),
    /// `DEFAULT` in a list of values.
    Default,
    /// Not modelled (an [`Obstacle`] says so), with what it is made of: everything inside is still analysed.
    Opaque(Vec<Expr>),
}

/// A comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompareOp {
    /// `=`
    Eq,
    /// `<>`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
}

/// An arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithmeticOp {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Modulo,
    /// `^`
    Power,
}

/// A subquery in an expression.
#[derive(Clone, Debug)]
pub struct Subquery {
    /// How its rows are used.
    pub usage: SubqueryUsage,
    /// Its rows.
    pub rel: Rel,
}

/// How the rows of a subquery are used.
#[derive(Clone, Debug)]
pub enum SubqueryUsage {
    /// `EXISTS (…)`. `NOT EXISTS` is a [`ExprKind::Not`] of it.
    Exists,
    /// `(operands) op ANY (…)`, `IN` being `= ANY`; one operand for each column of the subquery.
    Any(Vec<Expr>, Option<CompareOp>),
    /// `(operands) op ALL (…)`. `NOT IN` is a [`ExprKind::Not`] of `Any`.
    All(Vec<Expr>, Option<CompareOp>),
    /// `(…)` as a value: the one row, or NULL.
    Scalar,
    /// `ARRAY(…)`.
    Array,
}

/// What a statement does.
#[derive(Clone, Debug)]
pub enum Action {
    /// Reads.
    Query(Rel),
    /// Inserts.
    Insert(InsertPlan),
    /// Updates.
    Update(UpdatePlan),
    /// Deletes.
    Delete(DeletePlan),
    /// Merges.
    Merge(MergePlan),
    /// Affects whole tables: `TRUNCATE`, `COPY t TO|FROM`. `writes` is false for `COPY … TO`.
    WholeTables {
        /// The tables.
        scans: Vec<ScanId>,
        /// Whether they are written.
        writes: bool,
    },
    /// Touches no row: transactions, `SHOW`, `SET` of settings that carry no tenant, `LOCK`.
    Nothing,
    /// Sets a session setting that carries the tenant.
    SetTenant {
        /// `SET LOCAL`.
        local: bool,
        /// To nothing: the default of the session, or the empty text.
        clears: bool,
    },
    /// Not modelled; [`Plan::obstacles`] says so.
    Unmodelled,
}

/// `INSERT`.
#[derive(Clone, Debug)]
pub struct InsertPlan {
    /// The target.
    pub target: ScanId,
    /// The rows to insert.
    pub source: Rel,
    /// For each column of the target, in the catalog's order, where its value comes from.
    pub values: Vec<InsertValue>,
    /// The written row: one id for each column of the target. (These are the target scan's `cols`.)
    pub row: Vec<ColId>,
    /// What policies ask of the row, over `row`; a row that is not so is an error.
    pub check: Option<Expr>,
    /// What happens when a row conflicts.
    pub conflict: Option<ConflictPlan>,
    /// `RETURNING`, over [`RelKind::WrittenRow`].
    pub returning: Option<Rel>,
    /// The place in the statement.
    pub range: TextRange,
}

/// Where the value of an inserted column comes from.
#[derive(Clone, Debug)]
pub enum InsertValue {
    /// A column of the source.
    Source(ColId),
    /// The column's default: it was omitted or `DEFAULT` in every row. (A `DEFAULT` in some rows only is an
    /// [`ExprKind::Default`] in the source.)
    Default,
}

/// `ON CONFLICT` and its kin.
#[derive(Clone, Debug)]
pub struct ConflictPlan {
    /// On which constraints a conflict is handled: indexes into the target table's `keys`. All of them for a conflict
    /// clause without a target. Empty means that no constraint fits (the database would refuse the statement).
    pub keys: Vec<usize>,
    /// No target was written.
    pub any: bool,
    /// What happens.
    pub action: ConflictAction,
    /// The place of the clause.
    pub range: TextRange,
}

/// What happens to the conflicting row.
#[derive(Clone, Debug)]
pub enum ConflictAction {
    /// Nothing.
    Nothing,
    /// `DO UPDATE`.
    Update {
        /// The existing row, as a scan of the target; its columns are what the table's name means here.
        existing: ScanId,
        /// The proposed row's columns (`excluded`), in the catalog's order.
        excluded: Vec<ColId>,
        /// The assignments: column position and value.
        assignments: Vec<AssignmentPlan>,
        /// `WHERE`.
        filter: Option<Expr>,
    },
    /// The old row is deleted, the new one inserted.
    Replace,
}

/// `column = value`.
#[derive(Clone, Debug)]
pub struct AssignmentPlan {
    /// The column's position in the catalog's table.
    pub column: usize,
    /// Its value; for a row form with a subquery a [`ExprKind::Field`] or a column of a joined scalar subquery is not
    /// needed: each column gets its own copy of the subquery with one visible column.
    pub value: Expr,
    /// The place of the assignment.
    pub range: TextRange,
}

/// `UPDATE`.
#[derive(Clone, Debug)]
pub struct UpdatePlan {
    /// The target.
    pub target: ScanId,
    /// Target and `FROM`, joined and filtered.
    pub input: Rel,
    /// `SET`.
    pub assignments: Vec<AssignmentPlan>,
    /// The written row: for each column of the target a fresh id where it is assigned, else the scan's.
    pub row: Vec<ColId>,
    /// What policies ask of the row, over `row`; a row that is not so is an error.
    pub check: Option<Expr>,
    /// `RETURNING`, over [`RelKind::WrittenRow`].
    pub returning: Option<Rel>,
    /// The place in the statement.
    pub range: TextRange,
}

/// `DELETE`.
#[derive(Clone, Debug)]
pub struct DeletePlan {
    /// The target.
    pub target: ScanId,
    /// Target and `USING`, joined and filtered.
    pub input: Rel,
    /// `RETURNING`, over [`RelKind::WrittenRow`], whose columns are the input's.
    pub returning: Option<Rel>,
    /// The place in the statement.
    pub range: TextRange,
}

/// `MERGE`.
#[derive(Clone, Debug)]
pub struct MergePlan {
    /// The target.
    pub target: ScanId,
    /// The source.
    pub source: Rel,
    /// `ON`.
    pub on: Expr,
    /// The clauses.
    pub clauses: Vec<MergeClausePlan>,
    /// `RETURNING`: not modelled beyond its expressions, an obstacle where it is written.
    pub returning: Option<Rel>,
    /// The place in the statement.
    pub range: TextRange,
}

/// A `WHEN` clause.
#[derive(Clone, Debug)]
pub struct MergeClausePlan {
    /// When it applies.
    pub when: crate::ast::MergeWhen,
    /// `AND …`.
    pub guard: Option<Expr>,
    /// What it does.
    pub action: MergeActionPlan,
    /// The place of the clause.
    pub range: TextRange,
}

/// What a `WHEN` clause does.
#[derive(Clone, Debug)]
pub enum MergeActionPlan {
    /// Nothing.
    Nothing,
    /// Deletes the target row.
    Delete,
    /// Updates the target row.
    Update(Vec<AssignmentPlan>),
    /// Inserts a row: for each column of the target its value, `None` for the default.
    Insert(Vec<Option<Expr>>),
}
