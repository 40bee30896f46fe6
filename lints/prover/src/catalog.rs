//! The schema as the database has it after all migrations: plain data, no policy of ours in it.
//!
//! Names are folded as the dialect folds them. Places point into the files that made the state.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::Dialect;
use tenantry_span::{Span, TextRange};

use crate::types::SqlType;

/// How many domains and arrays deep a type is looked through; a circle, which no database accepts, ends there too.
const MAX_DOMAINS: u32 = 64;

/// A schema-qualified name. An unqualified `CREATE TABLE t` is in `public` on PostgreSQL, in `main` on SQLite, and in
/// the empty schema on MySQL: [`Catalog::default_schema`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QualifiedName {
    /// The schema.
    pub schema: String,
    /// The name in it.
    pub name: String,
}

/// Everything known of one database.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Catalog {
    /// The dialect, which decides what `=` means on text.
    pub dialect: Dialect,
    /// The schema that unqualified names mean, unless `search_path` says more.
    pub default_schema: String,
    /// Schemas searched for unqualified names, in order; starts with `default_schema`.
    pub search_path: Vec<String>,
    /// Tables, materialized views apart.
    pub tables: BTreeMap<QualifiedName, Table>,
    /// Views and materialized views.
    pub views: BTreeMap<QualifiedName, View>,
    /// Functions and procedures, overloads side by side.
    pub functions: BTreeMap<QualifiedName, Vec<Function>>,
    /// Sequences by name.
    pub sequences: BTreeMap<QualifiedName, Span>,
    /// Enums, domains and composite types: name to what it stands for.
    pub types: BTreeMap<QualifiedName, UserType>,
    /// Collations created here that are not deterministic.
    pub nondeterministic_collations: Vec<String>,
    /// User-defined operators, casts or anything else that changes what `=` means; each makes comparisons uncertain.
    pub operators: Vec<OwnOperator>,
    /// The roles that the schema speaks of.
    pub roles: BTreeMap<String, Role>,
    /// Rights on schemas that were given and not taken back, by the schema's name.
    pub schema_grants: BTreeMap<String, Vec<Grant>>,
    /// Rights that tables made from here on have from the start.
    pub default_grants: Vec<DefaultGrant>,
    /// A statement that was not read may have given some role more rights than are known: why.
    pub roles_unsure: Option<String>,
    /// A statement that was not read may have taken memberships away, or what they hand down: none that is known is sure.
    pub memberships_unsure: bool,
    /// What unqualified names mean for the service's sessions may have been set otherwise than `search_path` says: why.
    pub path_unsure: Option<String>,
    /// The schemas that a search path names before `pg_catalog`: what they have goes before what PostgreSQL has.
    pub before_system: BTreeSet<String>,
    /// The functions of event triggers: each may have been run by any statement after it that changes the schema.
    pub event_triggers: Vec<QualifiedName>,
    /// Statements that could not be read or are not modelled, with the place and why.
    pub skipped: Vec<SkippedStatement>,
    /// Texts that were not read, in lower case: what they name they may have made. One that puts names together may have
    /// made anything, and is [`ANYTHING`].
    pub unread: Vec<String>,
}

/// See [`Catalog::unread`].
pub const ANYTHING: &str = "*";

/// A role, as far as the schema speaks of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// The schema creates it, so that another role runs the migrations.
    pub created: bool,
    /// `BYPASSRLS`.
    pub bypasses: bool,
    /// `SUPERUSER`.
    pub superuser: bool,
    /// `INHERIT`, which is the default: what it is granted from here on has its rights at once.
    pub inherits: bool,
    /// The roles that it is a member of, or was, directly.
    pub member_of: Vec<Membership>,
    /// It may own tables of which nothing says who owns them: migrations act as it, or give it what others owned.
    pub may_own: bool,
    /// Where.
    pub span: Span,
}

impl Role {
    /// A role of which nothing is known.
    pub fn new(span: Span) -> Role {
        Role {
            created: false,
            bypasses: false,
            superuser: false,
            inherits: true,
            member_of: Vec::new(),
            may_own: false,
            span,
        }
    }
}

/// That a role is a member of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The other role.
    pub of: String,
    /// Why policies for that role may not be the member's.
    pub doubt: Option<Doubt>,
}

/// Why the policies for a role may not be those of a member of it, although its rights may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Doubt {
    /// The membership was taken away; it may have been given by others too.
    Gone,
    /// `NOINHERIT`, `WITH INHERIT FALSE`: it has the rights only after `SET ROLE`.
    NotInherited,
}

/// Rights on a table or a schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Grant {
    /// To whom; `public` is everybody.
    pub role: String,
    /// Which, upper case; `ALL` for all.
    pub privileges: Vec<String>,
    /// Where.
    pub span: Span,
}

/// Rights on tables that are not there yet.
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultGrant {
    /// In which schema; `None` for any.
    pub schema: Option<String>,
    /// Which, to whom.
    pub grant: Grant,
}

/// A statement of the schema that had no effect on the catalog because it could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct SkippedStatement {
    /// Where.
    pub span: Span,
    /// Why.
    pub why: String,
    /// The table it would have changed, where that is known: that table is then uncertain.
    pub table: Option<QualifiedName>,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name.
    pub name: QualifiedName,
    /// Its columns in order.
    pub columns: Vec<Column>,
    /// Primary key, unique constraints and unique indexes, exclusion constraints.
    pub keys: Vec<Key>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Check constraints.
    pub checks: Vec<Check>,
    /// The partitioned table or parent this one is a part of.
    pub partition_of: Option<QualifiedName>,
    /// `PARTITION BY`.
    pub partitioned: bool,
    /// Tables that this one inherits from (not partitions).
    pub inherits: Vec<QualifiedName>,
    /// Row level security.
    pub row_security: RowSecurity,
    /// Triggers and rules.
    pub triggers: Vec<Trigger>,
    /// Non-unique indexes, for schema rules.
    pub indexes: Vec<Index>,
    /// False where the list of columns may be incomplete (a `table!` file, an entity, a statement that was skipped).
    pub complete: bool,
    /// Where it was created.
    pub span: Span,
    /// The owner role, where said.
    pub owner: Option<String>,
    /// Rights that were given on it and not taken back.
    pub grants: Vec<Grant>,
}

impl Table {
    /// A table with nothing in it, whose columns are all known.
    pub fn new(name: QualifiedName, span: Span) -> Table {
        Table {
            name,
            columns: Vec::new(),
            keys: Vec::new(),
            foreign_keys: Vec::new(),
            checks: Vec::new(),
            partition_of: None,
            partitioned: false,
            inherits: Vec::new(),
            row_security: RowSecurity::default(),
            triggers: Vec::new(),
            indexes: Vec::new(),
            complete: true,
            span,
            owner: None,
            grants: Vec::new(),
        }
    }

    fn relocate(&mut self, to: &dyn Fn(Span) -> Span) {
        let Table {
            name: _,
            columns,
            keys,
            foreign_keys,
            checks,
            partition_of: _,
            partitioned: _,
            inherits: _,
            row_security,
            triggers,
            indexes,
            complete: _,
            span,
            owner: _,
            grants,
        } = self;
        columns.iter_mut().for_each(|column| column.span = to(column.span));
        keys.iter_mut().for_each(|key| key.span = to(key.span));
        foreign_keys.iter_mut().for_each(|key| key.span = to(key.span));
        checks.iter_mut().for_each(|check| check.span = to(check.span));
        row_security.policies.iter_mut().for_each(|policy| policy.span = to(policy.span));
        triggers.iter_mut().for_each(|trigger| trigger.span = to(trigger.span));
        indexes.iter_mut().for_each(|index| index.span = to(index.span));
        grants.iter_mut().for_each(|grant| grant.span = to(grant.span));
        *span = to(*span);
    }

    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The primary key, if it has one.
    pub fn primary_key(&self) -> Option<&Key> {
        self.keys.iter().find(|key| key.kind == KeyKind::Primary)
    }
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: SqlType,
    /// `NOT NULL`, or part of the primary key.
    pub not_null: bool,
    /// Where its value comes from when the statement gives none.
    pub default: ColumnDefault,
    /// The collation, where one is named.
    pub collation: Option<String>,
    /// Where it was declared.
    pub span: Span,
}

/// The default of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnDefault {
    /// None: NULL.
    None,
    /// `IDENTITY`, `SERIAL`, `AUTO_INCREMENT`, `nextval(…)`, `gen_random_uuid()` and the like: fresh for each row.
    Generated,
    /// `GENERATED ALWAYS AS (expr)`, as text.
    Computed(String),
    /// Any other expression, as text.
    Expr(String),
}

/// A check constraint.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Its name; PostgreSQL's default name where none was given.
    pub name: String,
    /// The condition, as text.
    pub expr: String,
    /// Validated and enforced: not `NOT VALID`, not `NOT ENFORCED`.
    pub validated: bool,
    /// Where.
    pub span: Span,
}

/// An index that is not unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// Its name; PostgreSQL's default name where none was given.
    pub name: String,
    /// Its leading columns, up to the first expression.
    pub columns: Vec<String>,
    /// Every column it speaks of: elements, `INCLUDE`, expressions and predicate.
    pub mentions: Vec<String>,
    /// Its elements that are expressions, as text.
    pub expressions: Vec<String>,
    /// The predicate of a partial index, as text.
    pub predicate: Option<String>,
    /// Where.
    pub span: Span,
}

/// A unique or exclusion constraint, or a unique index.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// The constraint's or index's name; PostgreSQL's default name where none was given.
    pub name: String,
    /// Which kind.
    pub kind: KeyKind,
    /// It is a constraint; an index that is unique is none.
    pub is_constraint: bool,
    /// The plain columns compared by `=`; not `INCLUDE`d ones.
    pub columns: Vec<String>,
    /// It has elements that are expressions, non-default operators or collations.
    pub has_expressions: bool,
    /// Its elements that are expressions, as text.
    pub expressions: Vec<String>,
    /// Every column it speaks of: elements, `INCLUDE`, expressions and predicate. It goes when one of them is dropped.
    pub mentions: Vec<String>,
    /// The predicate of a partial index, as text.
    pub predicate: Option<String>,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `NULLS NOT DISTINCT`.
    pub nulls_not_distinct: bool,
    /// Where.
    pub span: Span,
}

/// A cast, operator, operator class or aggregate of the schema's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnOperator {
    /// As the reader is told of it: `cast (mood AS int)`.
    pub what: String,
    /// The names of types without a value of which it does not run; empty where it may run anywhere.
    pub types: Vec<String>,
    /// It runs a function wherever it applies, which may be where nothing is written: an assignment, a condition, an order.
    pub runs: bool,
    /// Where.
    pub span: Span,
}

impl Key {
    /// What it is over, as a reader is told: its columns and expressions, or its name where it has neither.
    pub fn spoken(&self) -> String {
        let elements: Vec<&str> = self.columns.iter().chain(&self.expressions).map(String::as_str).collect();
        if elements.is_empty() { self.name.clone() } else { elements.join(", ") }
    }
}

/// The kind of a [`Key`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// `PRIMARY KEY`.
    Primary,
    /// `UNIQUE`, as constraint or index.
    Unique,
    /// `EXCLUDE`.
    Exclusion,
}

/// A foreign key.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKey {
    /// Its name; PostgreSQL's default name where none was given.
    pub name: String,
    /// The referencing columns.
    pub columns: Vec<String>,
    /// The referenced table.
    pub target: QualifiedName,
    /// The referenced columns, in the order of `columns`; filled from the target's primary key where none were written.
    pub target_columns: Vec<String>,
    /// `ON DELETE`.
    pub on_delete: ReferentialAction,
    /// `ON UPDATE`.
    pub on_update: ReferentialAction,
    /// Validated and enforced: not `NOT VALID`, not `NOT ENFORCED`.
    pub validated: bool,
    /// `DEFERRABLE`.
    pub deferrable: bool,
    /// `MATCH FULL`.
    pub match_full: bool,
    /// Where.
    pub span: Span,
}

/// What happens to the referencing rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferentialAction {
    /// Not said where the foreign key is told of, as by Diesel's `joinable!`.
    Unknown,
    /// `NO ACTION` or `RESTRICT`: an error.
    Refuse,
    /// `CASCADE`.
    Cascade,
    /// `SET NULL`, of these columns; empty means all of the foreign key's.
    SetNull(Vec<String>),
    /// `SET DEFAULT`, of these columns; empty means all of the foreign key's.
    SetDefault(Vec<String>),
}

/// The state of row level security on a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowSecurity {
    /// `ENABLE ROW LEVEL SECURITY`.
    pub enabled: bool,
    /// `FORCE ROW LEVEL SECURITY`.
    pub forced: bool,
    /// The policies.
    pub policies: Vec<RowPolicy>,
    /// A statement that was not read, and that does not say of which tables it is, may have changed any of this: why.
    pub unsure: Option<String>,
}

/// A row level security policy.
#[derive(Clone, Debug, PartialEq)]
pub struct RowPolicy {
    /// Its name.
    pub name: String,
    /// `AS RESTRICTIVE`.
    pub restrictive: bool,
    /// `FOR`: upper case; `ALL` by default.
    pub command: String,
    /// `TO`: roles; empty means everybody.
    pub roles: Vec<String>,
    /// `USING`, as text.
    pub using: Option<String>,
    /// `WITH CHECK`, as text.
    pub check: Option<String>,
    /// Where.
    pub span: Span,
}

/// The name of triggers that a statement which was not read may have made.
pub const UNREAD_TRIGGER: &str = "of a statement that is not read";

/// A trigger or a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    /// Its name.
    pub name: String,
    /// The function it calls, where it is a trigger.
    pub function: Option<QualifiedName>,
    /// True for `CREATE RULE`.
    pub is_rule: bool,
    /// The events, upper case: `INSERT`, `UPDATE`, `DELETE`, `TRUNCATE`.
    pub events: Vec<String>,
    /// `DISABLE TRIGGER`.
    pub disabled: bool,
    /// It runs for each row that was written, at once.
    pub after_row: bool,
    /// `WHEN (…)`, as text.
    pub when: Option<String>,
    /// Where.
    pub span: Span,
}

/// A view or a materialized view.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    /// Its name.
    pub name: QualifiedName,
    /// Its column names, where the statement gives them.
    pub columns: Vec<String>,
    /// The text of its query.
    pub query: String,
    /// `MATERIALIZED`.
    pub materialized: bool,
    /// `security_invoker`.
    pub security_invoker: bool,
    /// Column defaults set on the view itself, which override the table's.
    pub defaults: Vec<String>,
    /// `INSTEAD OF` triggers or rules on it.
    pub triggers: Vec<Trigger>,
    /// Indexes of a materialized view, unique ones too.
    pub indexes: Vec<Index>,
    /// Why `query` no longer says what the view does, where a relation or column that it names was renamed or changed
    /// after it was created (a database keeps the meaning, we have the text). Such a view is not understood.
    pub stale: Option<String>,
    /// Where.
    pub span: Span,
    /// The range of the query's text within the file.
    pub query_range: TextRange,
}

impl View {
    /// A plain view over a query, with the columns of the query.
    pub fn new(name: QualifiedName, query: String, span: Span, query_range: TextRange) -> View {
        View {
            name,
            columns: Vec::new(),
            query,
            materialized: false,
            security_invoker: false,
            defaults: Vec::new(),
            triggers: Vec::new(),
            indexes: Vec::new(),
            stale: None,
            span,
            query_range,
        }
    }
}

/// The language of functions of which a statement that was not read may have made something else.
pub const UNREAD_BODY: &str = "not read";

/// A function or procedure.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// Its name.
    pub name: QualifiedName,
    /// Parameter names (empty where unnamed) and types, `IN` and `INOUT` ones.
    pub params: Vec<(String, SqlType)>,
    /// What `params` are where a call leaves them out, as written; `None` where it may not.
    pub defaults: Vec<Option<String>>,
    /// The types of `params` as the database tells overloads apart (`int8` and `int4` are two).
    pub signature: Vec<String>,
    /// `RETURNS TABLE (…)` or OUT columns: names and types.
    pub columns: Vec<(String, SqlType)>,
    /// The returned type's name as written, without `SETOF`; empty where there is none.
    pub returns: String,
    /// `RETURNS SETOF` or `TABLE`.
    pub returns_set: bool,
    /// `LANGUAGE`, lower case; [`UNREAD_BODY`] where the body may be another one by now.
    pub language: String,
    /// The body's text: the string, or the `BEGIN ATOMIC` block, or the `RETURN` expression.
    pub body: String,
    /// `SECURITY DEFINER`.
    pub security_definer: bool,
    /// `IMMUTABLE`, `STABLE` or `VOLATILE` (default).
    pub volatility: Volatility,
    /// `STRICT`.
    pub strict: bool,
    /// `SET name = value`, or a `VARIADIC` parameter: a call is not the body over its arguments.
    pub has_own_settings: bool,
    /// `SET search_path`: the schemas in which names of the body are looked up, whatever the caller's are, as written.
    pub search_path: Option<Vec<String>>,
    /// Whether it is called or a part of an expression.
    pub kind: RoutineKind,
    /// Where.
    pub span: Span,
}

/// How a routine is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutineKind {
    /// As a part of a statement.
    Function,
    /// By `CALL`.
    Procedure {
        /// It has `OUT` parameters, for which a call has arguments too.
        has_out: bool,
    },
}

impl Function {
    /// A function without parameters and without a body.
    pub fn new(name: QualifiedName, span: Span) -> Function {
        Function {
            name,
            params: Vec::new(),
            defaults: Vec::new(),
            signature: Vec::new(),
            columns: Vec::new(),
            returns: String::new(),
            returns_set: false,
            language: String::new(),
            body: String::new(),
            security_definer: false,
            volatility: Volatility::Volatile,
            strict: false,
            has_own_settings: false,
            search_path: None,
            kind: RoutineKind::Function,
            span,
        }
    }
}

/// How freely a function may be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volatility {
    /// `IMMUTABLE`.
    Immutable,
    /// `STABLE`.
    Stable,
    /// `VOLATILE`.
    Volatile,
}

/// A user-defined type.
#[derive(Clone, Debug, PartialEq)]
pub enum UserType {
    /// `CREATE TYPE … AS ENUM`.
    Enum,
    /// `CREATE DOMAIN name AS ty`, with what its values run: checks and the default, as text.
    Domain(SqlType, Vec<String>),
    /// `CREATE TYPE … AS (…)`, a range, a base type.
    Other,
}

/// What a name means in `FROM`.
#[derive(Clone, Copy, Debug)]
pub enum Relation<'a> {
    /// A table.
    Table(&'a Table),
    /// A view.
    View(&'a View),
}

impl Catalog {
    /// A name as a reader is told: without the schema that names mean by default.
    pub fn spoken(&self, name: &QualifiedName) -> String {
        match name.schema == self.default_schema {
            true => name.name.clone(),
            false => format!("{}.{}", name.schema, name.name),
        }
    }

    /// An empty catalog for a dialect, with its default schema.
    pub fn empty(dialect: Dialect) -> Catalog {
        let default_schema = match dialect {
            Dialect::Postgres => "public",
            Dialect::Mysql => "",
            Dialect::Sqlite => "main",
        };
        Catalog {
            dialect,
            default_schema: default_schema.to_owned(),
            search_path: vec![default_schema.to_owned()],
            ..Catalog::default()
        }
    }

    /// Moves every place, for schemas whose text was made of something else. Exhaustive, so that a new place cannot be
    /// forgotten.
    pub fn relocate(&mut self, to: &dyn Fn(Span) -> Span) {
        let Catalog {
            dialect: _,
            default_schema: _,
            search_path: _,
            tables,
            views,
            functions,
            sequences,
            types: _,
            nondeterministic_collations: _,
            operators,
            roles,
            schema_grants,
            default_grants,
            roles_unsure: _,
            memberships_unsure: _,
            path_unsure: _,
            before_system: _,
            event_triggers: _,
            skipped,
            unread: _,
        } = self;
        tables.values_mut().for_each(|table| table.relocate(to));
        for view in views.values_mut() {
            view.query_range = to(Span::new(view.span.file, view.query_range)).range;
            view.span = to(view.span);
            view.triggers.iter_mut().for_each(|trigger| trigger.span = to(trigger.span));
            view.indexes.iter_mut().for_each(|index| index.span = to(index.span));
        }
        functions.values_mut().flatten().for_each(|function| function.span = to(function.span));
        sequences.values_mut().for_each(|span| *span = to(*span));
        operators.iter_mut().for_each(|own| own.span = to(own.span));
        roles.values_mut().for_each(|role| role.span = to(role.span));
        schema_grants.values_mut().flatten().for_each(|grant| grant.span = to(grant.span));
        default_grants.iter_mut().for_each(|known| known.grant.span = to(known.grant.span));
        skipped.iter_mut().for_each(|skipped| skipped.span = to(skipped.span));
    }

    /// The rights that a table of that name has when it is made.
    pub fn granted_by_default(&self, name: &QualifiedName) -> Vec<Grant> {
        let holds = |known: &&DefaultGrant| known.schema.as_ref().is_none_or(|schema| *schema == name.schema);
        self.default_grants.iter().filter(holds).map(|known| known.grant.clone()).collect()
    }

    /// Finds a table or view by a possibly qualified name, as the search path would.
    pub fn relation(&self, schema: Option<&str>, name: &str) -> Option<Relation<'_>> {
        match schema {
            Some(schema) => self.relation_in(schema, name),
            None => self.search_path.iter().find_map(|schema| self.relation_in(schema, name)),
        }
    }

    fn relation_in(&self, schema: &str, name: &str) -> Option<Relation<'_>> {
        let name = QualifiedName { schema: schema.to_owned(), name: name.to_owned() };
        let table = self.tables.get(&name).map(Relation::Table);
        table.or_else(|| self.views.get(&name).map(Relation::View))
    }

    /// Every role whose rights a role may have: itself, and those that it is a member of, as far as the schema says.
    pub fn roles_of<'a>(&'a self, role: &'a str) -> Vec<&'a str> {
        self.through(role, |_| true)
    }

    /// The roles whose policies are surely those of a role: itself, and those that it was made a member of and nothing
    /// since may have changed that. What only narrows rests on these.
    pub fn sure_roles_of<'a>(&'a self, role: &'a str) -> Vec<&'a str> {
        self.through(role, |membership| !self.memberships_unsure && membership.doubt.is_none())
    }

    /// Every role whose rights a role may have unless somebody gave it a membership twice: those that were taken away since
    /// are left out. What is told of a role rests on these.
    pub fn present_roles_of<'a>(&'a self, role: &'a str) -> Vec<&'a str> {
        self.through(role, |membership| membership.doubt != Some(Doubt::Gone))
    }

    fn through<'a>(&'a self, role: &'a str, counts: impl Fn(&Membership) -> bool) -> Vec<&'a str> {
        let mut found = vec![role];
        let mut at = 0;
        while let Some(next) = found.get(at).copied() {
            let known = self.roles.get(next).map_or(&[][..], |role| role.member_of.as_slice());
            for parent in known.iter().filter(|membership| counts(membership)) {
                if !found.contains(&parent.of.as_str()) {
                    found.push(&parent.of);
                }
            }
            at += 1;
        }
        found
    }

    /// Why an unqualified name may stand for another relation in the service's sessions than the search path says: there
    /// are several of that name, and the role's own schema or a path of its own goes before. `None` where that is no matter.
    pub fn ambiguous(&self, name: &str, app_role: Option<&str>) -> Option<String> {
        let relations = || self.tables.keys().chain(self.views.keys()).filter(|known| known.name == name);
        self.several(&mut relations().map(|known| known.schema.as_str()), app_role)
    }

    /// The same of a function.
    pub fn ambiguous_function(&self, name: &str, app_role: Option<&str>) -> Option<String> {
        let functions = || self.functions.keys().filter(|known| known.name == name);
        self.several(&mut functions().map(|known| known.schema.as_str()), app_role)
    }

    fn several(&self, schemas: &mut dyn Iterator<Item = &str>, app_role: Option<&str>) -> Option<String> {
        if self.dialect != Dialect::Postgres {
            return None;
        }
        let (mut first, mut others, mut own) = (None, false, None);
        for schema in schemas {
            others |= first.is_some_and(|first| first != schema);
            first.get_or_insert(schema);
            let is_own = match app_role {
                Some(role) => role == schema,
                None => self.roles.contains_key(schema),
            };
            if is_own {
                own = Some(schema);
            }
        }
        if !others {
            return None;
        }
        let own = own.map(|schema| {
            format!("the schema `{schema}` is named like a role, whose sessions look there first")
        });
        own.or_else(|| self.path_unsure.clone())
    }

    /// A type of the schema's own that may be meant by the name of one of PostgreSQL's.
    pub fn hiding_type(&self) -> Option<&QualifiedName> {
        let hides = |name: &&QualifiedName| {
            self.before_system.contains(&name.schema)
                && !matches!(SqlType::from_name(&name.name, None), SqlType::Named(_))
        };
        if self.before_system.is_empty() { None } else { self.types.keys().find(hides) }
    }

    /// A function of the schema's own that may be meant by the name of one of PostgreSQL's.
    pub fn hiding_function(&self, name: &str) -> Option<&QualifiedName> {
        let hides = |known: &&QualifiedName| known.name == name && self.before_system.contains(&known.schema);
        if self.before_system.is_empty() { None } else { self.functions.keys().find(hides) }
    }

    /// Notes a search path, as it is written.
    #[cfg(feature = "postgres")]
    pub(crate) fn note_path(&mut self, path: &[String]) {
        if let Some(system) = path.iter().position(|schema| schema == "pg_catalog") {
            self.before_system.extend(path.iter().take(system).cloned());
        }
    }

    /// The type that values of `ty` have: domains are looked through, in arrays too.
    pub fn resolve_type(&self, ty: &SqlType) -> SqlType {
        self.resolve_within(ty, MAX_DOMAINS)
    }

    fn resolve_within(&self, ty: &SqlType, steps: u32) -> SqlType {
        let Some(steps) = steps.checked_sub(1) else {
            return SqlType::Unknown;
        };
        match ty {
            SqlType::Array(of) => SqlType::Array(Box::new(self.resolve_within(of, steps))),
            SqlType::Named(name) => match self.user_type(name) {
                Some(UserType::Domain(base, _)) => self.resolve_within(base, steps),
                Some(UserType::Enum | UserType::Other) | None => ty.clone(),
            },
            _ => ty.clone(),
        }
    }

    /// What a value of the type runs when it is made: the checks and defaults of the domains that it is looked through.
    pub fn run_by_type<'a>(&'a self, ty: &'a SqlType) -> Vec<&'a str> {
        let (mut found, mut ty) = (Vec::new(), ty);
        for _ in 0..MAX_DOMAINS {
            ty = match ty {
                SqlType::Array(of) => &**of,
                SqlType::Named(name) => match self.user_type(name) {
                    Some(UserType::Domain(base, texts)) => {
                        found.extend(texts.iter().map(String::as_str));
                        base
                    }
                    Some(UserType::Enum | UserType::Other) | None => break,
                },
                _ => break,
            };
        }
        found
    }

    /// The user-defined type of a name as [`SqlType::Named`] has it: `name`, or `schema.name`.
    pub(crate) fn user_type(&self, name: &str) -> Option<&UserType> {
        let in_schema = |schema: &str, name: &str| {
            self.types.get(&QualifiedName { schema: schema.to_owned(), name: name.to_owned() })
        };
        let on_path = self.search_path.iter().find_map(|schema| in_schema(schema, name));
        on_path.or_else(|| name.split_once('.').and_then(|(schema, name)| in_schema(schema, name)))
    }

    /// The tables whose rows a deletion from `table` deletes, whose own foreign keys then act: it and what is stored in its
    /// parts. Referential actions reach inheriting tables no more than `ONLY` does, but partitions always.
    pub fn stored_in<'a>(&'a self, table: &'a Table, only: bool) -> Vec<&'a Table> {
        let parts = if only && !table.partitioned { Vec::new() } else { self.descendants(&table.name) };
        std::iter::once(table).chain(parts).collect()
    }

    /// Tables that a row of `parent` may also be stored in: partitions and inheritance children, transitively.
    pub fn descendants<'a>(&'a self, parent: &'a QualifiedName) -> Vec<&'a Table> {
        let mut found: Vec<&Table> = Vec::new();
        let mut queue = vec![parent];
        while let Some(next) = queue.pop() {
            let children = self
                .tables
                .values()
                .filter(|table| table.partition_of.as_ref() == Some(next) || table.inherits.contains(next));
            for child in children {
                if found.iter().all(|known| known.name != child.name) {
                    found.push(child);
                    queue.push(&child.name);
                }
            }
        }
        found
    }
}
