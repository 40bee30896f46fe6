//! SQL as written, dialect-neutral: what the lowerings of the foreign parsers produce and the binder reads.
//!
//! Names are not resolved here. Every node keeps its range in the statement's text (bytes, from the start of the text
//! handed to the parser). What a lowering cannot express faithfully is [`ExprKind::Unsupported`],
//! [`TableExpr::Unsupported`] or [`Statement::Unsupported`]; it never leaves anything out.

pub use tenantry_span::TextRange;

use crate::types::SqlType;

/// An identifier. `text` is folded as the dialect folds it (PostgreSQL: lower case unless quoted).
#[derive(Clone, Debug)]
pub struct Ident {
    /// The folded name.
    pub text: String,
    /// Written in quotes.
    pub quoted: bool,
    /// Where.
    pub range: TextRange,
}

/// A possibly qualified name: `orders`, `billing.orders`.
#[derive(Clone, Debug)]
pub struct ObjectName {
    /// The parts, outermost first; never empty.
    pub parts: Vec<Ident>,
    /// Where.
    pub range: TextRange,
}

/// One statement of a text.
#[derive(Clone, Debug)]
pub struct ParsedStatement {
    /// What it says.
    pub statement: Statement,
    /// Its range, without the closing semicolon.
    pub range: TextRange,
    /// How many placeholders it has: the largest number, or the count of `?`.
    pub params: u32,
    /// What was not understood. Not empty: no verdict on it can be `Scoped`.
    pub unread: Vec<Unread>,
}

/// A place that no rule of the lowering has consumed, or a syntax error.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Where.
    pub range: TextRange,
    /// What it is, for the reader: ``syntax error: expected …`` or ``the clause `FOO BAR` ``.
    pub what: String,
    /// True for a syntax error, false for a construct that is valid and not modelled.
    pub syntax_error: bool,
}

/// A statement.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `SELECT`, `VALUES`, `TABLE`, with their `WITH`.
    Query(Box<Query>),
    /// `INSERT` (and `REPLACE`).
    Insert(Box<Insert>),
    /// `UPDATE`.
    Update(Box<Update>),
    /// `DELETE`.
    Delete(Box<Delete>),
    /// `MERGE`.
    Merge(Box<Merge>),
    /// `TRUNCATE` of these tables.
    Truncate(Vec<ObjectName>),
    /// `LOCK TABLE` of these tables.
    Lock(Vec<ObjectName>),
    /// `COPY table …`: reads (`TO`) or writes (`FROM`) the whole table.
    CopyTable {
        /// The table.
        table: ObjectName,
        /// `FROM`, so that rows are written.
        from: bool,
    },
    /// `COPY (query) TO …`.
    CopyQuery(Box<Statement>),
    /// `EXPLAIN …`, whatever it explains.
    Explain(Box<Statement>),
    /// `SET name = value`, `SET LOCAL …`, `RESET`.
    Set {
        /// The setting's name, lower case, parts joined by a dot.
        name: String,
        /// `SET LOCAL`.
        local: bool,
        /// The text after `=` or `TO`; `DEFAULT` for `RESET`.
        value: String,
    },
    /// `SHOW name`.
    Show(String),
    /// `BEGIN`, `COMMIT`, `ROLLBACK`, savepoints, `DISCARD`: touches no row, and may end what was set.
    Transaction,
    /// `SET TRANSACTION`, and upkeep such as `VACUUM`: touches no row.
    Rowless,
    /// `CALL` of a procedure.
    Call(Box<Call>),
    /// `DO` with its body's text and language.
    Do {
        /// The language, `plpgsql` by default.
        language: String,
        /// The body.
        body: String,
    },
    /// Any other statement, by its first words in upper case (`CREATE TABLE`, `REFRESH MATERIALIZED VIEW`, …).
    Unsupported(String),
}

/// A query with its `WITH`, order and limits.
#[derive(Clone, Debug)]
pub struct Query {
    /// `WITH`.
    pub with: Option<With>,
    /// What it selects.
    pub body: SetExpr,
    /// `ORDER BY`.
    pub order_by: Vec<OrderBy>,
    /// `LIMIT n`; `LIMIT ALL` is `None`.
    pub limit: Option<Expr>,
    /// `OFFSET n`.
    pub offset: Option<Expr>,
    /// `FETCH FIRST n ROWS`, `WITH TIES` or not; a missing count is the literal 1.
    pub fetch: Option<(Expr, bool)>,
    /// `FOR UPDATE` and the like.
    pub locking: Vec<Locking>,
    /// Where.
    pub range: TextRange,
}

/// A row-locking clause.
#[derive(Clone, Debug)]
pub struct Locking {
    /// `SKIP LOCKED` or `NOWAIT`, which let locks held by others be seen.
    pub skips: bool,
    /// Where.
    pub range: TextRange,
}

/// `WITH [RECURSIVE] …`.
#[derive(Clone, Debug)]
pub struct With {
    /// `RECURSIVE` was written.
    pub recursive: bool,
    /// The common table expressions, in order.
    pub ctes: Vec<Cte>,
}

/// One common table expression. (`MATERIALIZED` changes no result and is not kept; `SEARCH` and `CYCLE` are unread.)
#[derive(Clone, Debug)]
pub struct Cte {
    /// Its name.
    pub name: Ident,
    /// Its column names, where given.
    pub columns: Vec<Ident>,
    /// What it runs: a query, or a data-modifying statement.
    pub statement: Box<Statement>,
    /// `MATERIALIZED` was written, which keeps errors on this side of the fence.
    pub materialized: bool,
    /// Where.
    pub range: TextRange,
}

/// The body of a query.
#[derive(Clone, Debug)]
pub enum SetExpr {
    /// `SELECT …`.
    Select(Box<Select>),
    /// `VALUES (…), (…)`.
    Values(Vec<Vec<Expr>>),
    /// `TABLE name`.
    Table(ObjectName),
    /// `left UNION|INTERSECT|EXCEPT [ALL] right`.
    SetOp {
        /// Which.
        op: SetOp,
        /// `ALL`.
        all: bool,
        /// The left arm.
        left: Box<SetExpr>,
        /// The right arm.
        right: Box<SetExpr>,
    },
    /// A query in parentheses.
    Query(Box<Query>),
}

/// A set operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOp {
    /// `UNION`.
    Union,
    /// `INTERSECT`.
    Intersect,
    /// `EXCEPT`.
    Except,
}

/// `SELECT …`.
#[derive(Clone, Debug)]
pub struct Select {
    /// `DISTINCT`, or `DISTINCT ON (…)`.
    pub distinct: Option<Distinct>,
    /// The select list.
    pub items: Vec<SelectItem>,
    /// `FROM`, comma by comma.
    pub from: Vec<TableExpr>,
    /// `WHERE`.
    pub filter: Option<Expr>,
    /// `GROUP BY`; `None` where there is none, which differs from an empty one.
    pub group_by: Option<Vec<GroupItem>>,
    /// `HAVING`.
    pub having: Option<Expr>,
    /// `WINDOW name AS (…)`.
    pub windows: Vec<(Ident, WindowSpec)>,
    /// `INTO …`: creates a table; not modelled.
    pub into: Option<TextRange>,
    /// Where.
    pub range: TextRange,
}

/// `DISTINCT`.
#[derive(Clone, Debug)]
pub enum Distinct {
    /// `DISTINCT`.
    All,
    /// `DISTINCT ON (…)`.
    On(Vec<Expr>),
}

/// An item of a select list or of `RETURNING`.
#[derive(Clone, Debug)]
pub enum SelectItem {
    /// `*`.
    Star(TextRange),
    /// `t.*`, `s.t.*`.
    QualifiedStar(ObjectName),
    /// `(expr).*`.
    ExprStar(Expr),
    /// `expr [AS alias]`.
    Expr {
        /// The expression.
        expr: Expr,
        /// Its alias.
        alias: Option<Ident>,
    },
}

/// An item of `GROUP BY`.
#[derive(Clone, Debug)]
pub enum GroupItem {
    /// An expression (a bare integer literal is a position, a bare name may be an output name: the binder decides).
    Expr(Expr),
    /// `()`.
    Empty,
    /// `ROLLUP (…)`, each element a list.
    Rollup(Vec<Vec<Expr>>),
    /// `CUBE (…)`, each element a list.
    Cube(Vec<Vec<Expr>>),
    /// `GROUPING SETS (…)`.
    Sets(Vec<GroupItem>),
    /// A parenthesised list inside `GROUPING SETS`.
    List(Vec<Expr>),
}

/// An item of `ORDER BY`. Direction and NULLS do not matter to a proof.
#[derive(Clone, Debug)]
pub struct OrderBy {
    /// The expression.
    pub expr: Expr,
}

/// `TABLESAMPLE …`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Where.
    pub range: TextRange,
    /// A hundred per cent, by a method that then gives every row.
    pub is_whole: bool,
}

/// A relation in `FROM`, `USING`, or the target of a join.
#[derive(Clone, Debug)]
pub enum TableExpr {
    /// A table, view or common table expression by name.
    Table {
        /// Its name.
        name: ObjectName,
        /// `ONLY` (and no `*`).
        only: bool,
        /// Its alias.
        alias: Option<TableAlias>,
        /// `TABLESAMPLE …`.
        sample: Option<Sample>,
        /// Where, alias included.
        range: TextRange,
    },
    /// `[LATERAL] (query) alias`.
    Derived {
        /// `LATERAL` was written.
        lateral: bool,
        /// The query (`VALUES` included).
        query: Box<Query>,
        /// Its alias.
        alias: Option<TableAlias>,
        /// Where.
        range: TextRange,
    },
    /// `[LATERAL] f(…) [WITH ORDINALITY] alias`, or `ROWS FROM (f(…), g(…))` with several calls. Functions see the
    /// relations before them even without `LATERAL`.
    Function {
        /// The calls: one, unless `ROWS FROM`.
        calls: Vec<Expr>,
        /// `WITH ORDINALITY`.
        ordinality: bool,
        /// Its alias; with a column definition list the columns' names are the alias's columns.
        alias: Option<TableAlias>,
        /// Where.
        range: TextRange,
    },
    /// A join.
    Join {
        /// The left side.
        left: Box<TableExpr>,
        /// The right side.
        right: Box<TableExpr>,
        /// Which join.
        kind: JoinKind,
        /// Its condition.
        constraint: JoinConstraint,
        /// Where.
        range: TextRange,
    },
    /// A join in parentheses with an alias, which hides the names inside.
    AliasedJoin {
        /// The join.
        join: Box<TableExpr>,
        /// Its alias.
        alias: TableAlias,
    },
    /// A relation that is not modelled (`XMLTABLE`, `JSON_TABLE`, …), by its description.
    Unsupported(String, TextRange),
}

/// `AS alias (columns)`.
#[derive(Clone, Debug)]
pub struct TableAlias {
    /// The alias.
    pub name: Ident,
    /// New names of the leading columns.
    pub columns: Vec<Ident>,
}

/// The kind of a join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// `JOIN`, `INNER JOIN`, `CROSS JOIN`.
    Inner,
    /// `LEFT JOIN`.
    Left,
    /// `RIGHT JOIN`.
    Right,
    /// `FULL JOIN`.
    Full,
}

/// The condition of a join.
#[derive(Clone, Debug)]
pub enum JoinConstraint {
    /// `ON …`.
    On(Expr),
    /// `USING (…) [AS alias]`.
    Using(Vec<Ident>, Option<Ident>),
    /// `NATURAL`.
    Natural,
    /// None (`CROSS JOIN`).
    None,
}

/// An expression.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where.
    pub range: TextRange,
}

/// The forms of an expression.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// A column reference of one to four parts.
    Column(Vec<Ident>),
    /// A numbered placeholder: `$n`, or the n-th `?`, from 1.
    Param(u32),
    /// `NULL`.
    Null,
    /// `TRUE` or `FALSE`.
    Bool(bool),
    /// A number as written, or a negative number folded by the lowering is left as a unary minus.
    Number(String),
    /// A string's value, quotes and escapes resolved.
    String(String),
    /// A typed constant such as `DATE '2024-01-01'` or `INTERVAL '1 day'`, bit strings too.
    TypedLiteral(SqlType, String),
    /// `left op right` for every binary operator, `AND` and `OR` included.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `op expr`, `NOT` included.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// The operand.
        expr: Box<Expr>,
    },
    /// `expr IS [NOT] NULL`, `ISNULL`, `NOTNULL`.
    IsNull {
        /// The operand.
        expr: Box<Expr>,
        /// `NOT`.
        negated: bool,
    },
    /// `expr IS [NOT] TRUE | FALSE | UNKNOWN`; `test` is `None` for `UNKNOWN`.
    IsBool {
        /// The operand.
        expr: Box<Expr>,
        /// What it is tested for.
        test: Option<bool>,
        /// `NOT`.
        negated: bool,
    },
    /// `left IS [NOT] DISTINCT FROM right` (`<=>` is the negated form; SQLite's `IS` too).
    IsDistinct {
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
        /// `IS NOT DISTINCT FROM`.
        negated: bool,
    },
    /// `expr [NOT] IN (a, b)`.
    InList {
        /// The operand.
        expr: Box<Expr>,
        /// The list; never empty.
        list: Vec<Expr>,
        /// `NOT`.
        negated: bool,
    },
    /// `expr [NOT] IN (query)`; a row operand is [`ExprKind::Row`].
    InSubquery {
        /// The operand.
        expr: Box<Expr>,
        /// The query.
        query: Box<Query>,
        /// `NOT`.
        negated: bool,
    },
    /// `expr [NOT] BETWEEN [SYMMETRIC] low AND high`.
    Between {
        /// The operand.
        expr: Box<Expr>,
        /// The lower bound.
        low: Box<Expr>,
        /// The upper bound.
        high: Box<Expr>,
        /// `NOT`.
        negated: bool,
        /// `SYMMETRIC`.
        symmetric: bool,
    },
    /// `expr [NOT] LIKE | ILIKE | SIMILAR TO pattern [ESCAPE c]`, regular expressions of MySQL too.
    Like {
        /// The operand.
        expr: Box<Expr>,
        /// The pattern.
        pattern: Box<Expr>,
        /// `ESCAPE`.
        escape: Option<Box<Expr>>,
        /// `NOT`.
        negated: bool,
    },
    /// `left op ANY|SOME|ALL (array)`.
    QuantifiedArray {
        /// The left operand.
        left: Box<Expr>,
        /// The operator.
        op: BinaryOp,
        /// `ALL`.
        all: bool,
        /// The array.
        array: Box<Expr>,
    },
    /// `left op ANY|SOME|ALL (query)`.
    QuantifiedSubquery {
        /// The left operand.
        left: Box<Expr>,
        /// The operator.
        op: BinaryOp,
        /// `ALL`.
        all: bool,
        /// The query.
        query: Box<Query>,
    },
    /// `EXISTS (query)`.
    Exists(Box<Query>),
    /// `(query)` as a value.
    Subquery(Box<Query>),
    /// `ARRAY(query)`.
    ArraySubquery(Box<Query>),
    /// `ROW(a, b)` or `(a, b)`.
    Row(Vec<Expr>),
    /// `ARRAY[a, b]`.
    Array(Vec<Expr>),
    /// `CASE [operand] WHEN … THEN … [ELSE …] END`.
    Case {
        /// The operand of the simple form.
        operand: Option<Box<Expr>>,
        /// The arms.
        arms: Vec<(Expr, Expr)>,
        /// `ELSE`.
        otherwise: Option<Box<Expr>>,
    },
    /// `expr::type`, `CAST(expr AS type)`.
    Cast {
        /// The operand.
        expr: Box<Expr>,
        /// The type.
        ty: SqlType,
        /// `TRY_CAST` and the like give NULL instead of an error.
        fallible: bool,
    },
    /// `expr COLLATE name`.
    Collate {
        /// The operand.
        expr: Box<Expr>,
        /// The collation.
        collation: ObjectName,
    },
    /// A call, aggregates and windows included. Syntax-only calls have the function's own name: `extract`, `position`,
    /// `substring`, `trim`, `overlay`, `coalesce`, `nullif`, `greatest`, `least`, `current_date`, `at time zone` as
    /// `timezone`, `grouping`.
    Call(Box<Call>),
    /// `(expr).field`.
    Field {
        /// The operand.
        expr: Box<Expr>,
        /// The field.
        field: Ident,
    },
    /// `expr[i]` or `expr[a:b]`, with the bounds.
    Subscript {
        /// The operand.
        expr: Box<Expr>,
        /// The bounds that were written.
        bounds: Vec<Expr>,
    },
    /// `DEFAULT` as a value.
    Default,
    /// Not modelled, by its description.
    Unsupported(String),
}

/// A function call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The function, as written and folded.
    pub name: ObjectName,
    /// The arguments.
    pub args: Vec<Expr>,
    /// Of arguments some of which are passed by name, the name of each that is; empty where none is.
    pub names: Vec<Option<String>>,
    /// `f(*)`.
    pub star: bool,
    /// `DISTINCT`.
    pub distinct: bool,
    /// `VARIADIC`, or arguments passed by name: the argument's position is not certain.
    pub irregular: bool,
    /// `ORDER BY` inside the call.
    pub order_by: Vec<OrderBy>,
    /// `WITHIN GROUP (ORDER BY …)`.
    pub within_group: Vec<OrderBy>,
    /// `FILTER (WHERE …)`.
    pub filter: Option<Expr>,
    /// `OVER …`.
    pub over: Option<Over>,
}

impl Call {
    /// A call with nothing but arguments.
    pub fn new(name: ObjectName, args: Vec<Expr>) -> Call {
        Call {
            name,
            args,
            names: Vec::new(),
            star: false,
            distinct: false,
            irregular: false,
            order_by: Vec::new(),
            within_group: Vec::new(),
            filter: None,
            over: None,
        }
    }
}

/// `OVER name` or `OVER (…)`.
#[derive(Clone, Debug)]
pub enum Over {
    /// A named window.
    Name(Ident),
    /// A window in place.
    Spec(WindowSpec),
}

/// `(base PARTITION BY … ORDER BY … frame)`.
#[derive(Clone, Debug)]
pub struct WindowSpec {
    /// The window it extends.
    pub base: Option<Ident>,
    /// `PARTITION BY`.
    pub partition_by: Vec<Expr>,
    /// `ORDER BY`.
    pub order_by: Vec<OrderBy>,
    /// Expressions in the frame's bounds.
    pub frame: Vec<Expr>,
}

/// A binary operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    /// `AND`.
    And,
    /// `OR`.
    Or,
    /// `=` (and SQLite's `==`).
    Eq,
    /// `<>`, `!=`.
    NotEq,
    /// `<`.
    Lt,
    /// `<=`.
    LtEq,
    /// `>`.
    Gt,
    /// `>=`.
    GtEq,
    /// `+`.
    Plus,
    /// `-`.
    Minus,
    /// `*`.
    Multiply,
    /// `/`.
    Divide,
    /// `%`.
    Modulo,
    /// `^`.
    Power,
    /// `||` as string, array or jsonb concatenation.
    Concat,
    /// Any other operator of the database's own, as written: `->>`, `@>`, `~`, `&&`.
    Other(String),
    /// `OPERATOR(schema.op)`: refused.
    Qualified(String),
}

/// A unary operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `NOT`.
    Not,
    /// `-`.
    Minus,
    /// `+`.
    Plus,
    /// Any other prefix operator, as written.
    Other(String),
}

/// `INSERT`.
#[derive(Clone, Debug)]
pub struct Insert {
    /// `WITH` before it.
    pub with: Option<With>,
    /// The target.
    pub table: ObjectName,
    /// Its alias.
    pub alias: Option<Ident>,
    /// The target columns; empty where none were written (then positional).
    pub columns: Vec<Ident>,
    /// What is inserted; `None` for `DEFAULT VALUES`.
    pub source: Option<Box<Query>>,
    /// `ON CONFLICT` and its kin.
    pub on_conflict: Option<OnConflict>,
    /// `RETURNING`.
    pub returning: Vec<SelectItem>,
    /// Where.
    pub range: TextRange,
}

/// What happens when a row conflicts.
#[derive(Clone, Debug)]
pub struct OnConflict {
    /// On which constraint.
    pub target: ConflictTarget,
    /// What to do.
    pub action: ConflictAction,
    /// Where.
    pub range: TextRange,
}

/// What a conflict is about.
#[derive(Clone, Debug)]
pub enum ConflictTarget {
    /// Any unique or exclusion constraint (`ON CONFLICT DO NOTHING`, `ON DUPLICATE KEY`, `REPLACE`, `INSERT IGNORE`).
    Any,
    /// `(columns or expressions) [WHERE …]`: a partial index is meant where there is a filter.
    Columns {
        /// The elements; only a plain [`ExprKind::Column`] is a key column.
        elements: Vec<Expr>,
        /// The index predicate.
        filter: Option<Expr>,
    },
    /// `ON CONSTRAINT name`.
    Constraint(Ident),
}

/// What happens to the conflicting row.
#[derive(Clone, Debug)]
pub enum ConflictAction {
    /// Nothing.
    Nothing,
    /// `DO UPDATE SET … [WHERE …]`.
    Update {
        /// The assignments; `excluded` (or `VALUES(col)`, lowered to `excluded.col`) is the proposed row.
        assignments: Vec<Assignment>,
        /// `WHERE`.
        filter: Option<Expr>,
    },
    /// The old row is deleted and the new one inserted (`REPLACE`, `INSERT OR REPLACE`).
    Replace,
}

/// `column = expr` or `(a, b) = (…)`.
#[derive(Clone, Debug)]
pub struct Assignment {
    /// The columns; more than one for the row form. Assigning to a field or an element names the column.
    pub columns: Vec<Ident>,
    /// True when only a part of the column is assigned (`a[1] = …`, `a.b = …`).
    pub partial: bool,
    /// The value; for the row form a [`ExprKind::Row`] or [`ExprKind::Subquery`].
    pub value: Expr,
}

/// `UPDATE`.
#[derive(Clone, Debug)]
pub struct Update {
    /// `WITH` before it.
    pub with: Option<With>,
    /// The target: a [`TableExpr::Table`] (for MySQL's multi-table form a join).
    pub target: TableExpr,
    /// `SET`.
    pub assignments: Vec<Assignment>,
    /// `FROM`.
    pub from: Vec<TableExpr>,
    /// `WHERE`.
    pub filter: Option<Expr>,
    /// `ORDER BY … LIMIT` of MySQL: the range, where written.
    pub limit: Option<TextRange>,
    /// `RETURNING`.
    pub returning: Vec<SelectItem>,
    /// `UPDATE OR REPLACE` of SQLite.
    pub replaces: bool,
    /// Where.
    pub range: TextRange,
}

/// `DELETE`.
#[derive(Clone, Debug)]
pub struct Delete {
    /// `WITH` before it.
    pub with: Option<With>,
    /// The target: a [`TableExpr::Table`].
    pub target: TableExpr,
    /// `USING`.
    pub using: Vec<TableExpr>,
    /// `WHERE`.
    pub filter: Option<Expr>,
    /// `ORDER BY … LIMIT` of MySQL: the range, where written.
    pub limit: Option<TextRange>,
    /// `RETURNING`.
    pub returning: Vec<SelectItem>,
    /// Where.
    pub range: TextRange,
}

/// `MERGE`.
#[derive(Clone, Debug)]
pub struct Merge {
    /// `WITH` before it.
    pub with: Option<With>,
    /// The target: a [`TableExpr::Table`].
    pub target: TableExpr,
    /// The source.
    pub source: TableExpr,
    /// `ON`.
    pub on: Expr,
    /// The `WHEN` clauses in order.
    pub clauses: Vec<MergeClause>,
    /// `RETURNING`.
    pub returning: Vec<SelectItem>,
    /// Where.
    pub range: TextRange,
}

/// `WHEN [NOT] MATCHED [BY SOURCE] [AND …] THEN …`.
#[derive(Clone, Debug)]
pub struct MergeClause {
    /// When it applies.
    pub when: MergeWhen,
    /// `AND …`.
    pub guard: Option<Expr>,
    /// What it does.
    pub action: MergeAction,
    /// Where.
    pub range: TextRange,
}

/// When a `MERGE` clause applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeWhen {
    /// `MATCHED`.
    Matched,
    /// `NOT MATCHED [BY TARGET]`.
    NotMatched,
    /// `NOT MATCHED BY SOURCE`.
    NotMatchedBySource,
}

/// What a `MERGE` clause does.
#[derive(Clone, Debug)]
pub enum MergeAction {
    /// `DO NOTHING`.
    Nothing,
    /// `DELETE`.
    Delete,
    /// `UPDATE SET …`.
    Update(Vec<Assignment>),
    /// `INSERT (columns) VALUES (…)`; an empty value list is `DEFAULT VALUES`.
    Insert {
        /// The columns; empty where none were written.
        columns: Vec<Ident>,
        /// The values.
        values: Vec<Expr>,
    },
}

/// The expression that a statement selects, if it does nothing else.
pub(crate) fn only_item(parsed: &[ParsedStatement]) -> Option<&Expr> {
    let [ParsedStatement { statement: Statement::Query(query), unread, .. }] = parsed else {
        return None;
    };
    let SetExpr::Select(select) = &query.body else { return None };
    let bare = unread.is_empty() && query.with.is_none() && select.from.is_empty() && select.filter.is_none();
    let bare = bare
        && query.order_by.is_empty()
        && query.limit.is_none()
        && query.offset.is_none()
        && select.distinct.is_none()
        && select.group_by.is_none()
        && select.having.is_none()
        && select.into.is_none();
    match select.items.as_slice() {
        [SelectItem::Expr { expr, alias: None }] if bare => Some(expr),
        _ => None,
    }
}
