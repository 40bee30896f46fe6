//! From [`crate::ast`] to [`crate::plan`]: names, types, views, common table expressions.
//!
//! **Invariant:** a name resolves as the database would resolve it, or an obstacle says that it is not certain.
//! **Invariant:** a name that an incomplete relation may have is never taken for a column of an enclosing query.

mod arguments;
mod bodies;
mod call;
mod dml;
mod expr;
mod from;
mod functions;
mod inline;
#[cfg(feature = "postgres")]
mod judged;
mod merge;
mod query;
mod row_security;
mod scope;
mod select;
#[cfg(test)]
mod standing;
#[cfg(test)]
mod tests;
mod triggers;
mod types;
pub(crate) mod unused;
mod views;
pub(crate) mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, ParsedStatement};
use crate::catalog::{Catalog, OwnOperator, QualifiedName, Relation, Table, UserType};
use crate::plan::{
    Action, ColId, ColumnInfo, Expr, ExprKind, Plan, Rel, RelKind, Scan, ScanId, Security, TenantCall,
};
#[cfg(feature = "postgres")]
use crate::plpgsql::{Around, Variables};
use crate::tenancy::{TableOwner, Tenancy};
use crate::types::SqlType;
use crate::verdict::{Obstacle, ObstacleKind};

#[cfg(feature = "postgres")]
pub(crate) use judged::trigger_statements;
pub(crate) use row_security::{Clause, policy_plan};
use scope::{Frame, Scope};

/// The most scans of one plan; views and common table expressions multiply them.
const MAX_SCANS: usize = 2_000;
/// The most columns of one plan.
const MAX_COLUMNS: usize = 50_000;
/// The most queries bound for one statement, those of dead common table expressions included.
const MAX_QUERIES: usize = 10_000;
/// The deepest nesting of expressions and queries.
const MAX_DEPTH: usize = 1_500;

/// Binds a statement. Never fails: what does not resolve is an obstacle of the plan.
pub fn bind(dialect: Dialect, catalog: &Catalog, tenancy: &Tenancy, statement: &ParsedStatement) -> Plan {
    let mut binder = Binder::new(dialect, catalog, tenancy);
    binder.param_types.resize((statement.params as usize).min(70_000), Vec::new());
    for unread in &statement.unread {
        let kind = if unread.syntax_error { ObstacleKind::Syntax } else { ObstacleKind::Unmodelled };
        binder.obstacle(kind, unread.range, unread.what.clone());
    }
    let main = binder.statement(&statement.statement, statement.range);
    binder.finish(main)
}

/// Binds a statement of a function's body, whose names may be variables. `around` are the functions that are being judged.
#[cfg(feature = "postgres")]
pub(crate) fn bind_part(
    catalog: &Catalog,
    tenancy: &Tenancy,
    statement: &ParsedStatement,
    variables: &Variables,
    around: &Around,
) -> Plan {
    let mut binder = Binder::new(Dialect::Postgres, catalog, tenancy);
    binder.variables = Some(variables.clone());
    binder.judging = around.clone();
    let params = variables.count().max(statement.params);
    binder.param_types.resize((params as usize).min(70_000), Vec::new());
    for unread in &statement.unread {
        let kind = if unread.syntax_error { ObstacleKind::Syntax } else { ObstacleKind::Unmodelled };
        binder.obstacle(kind, unread.range, unread.what.clone());
    }
    let main = binder.statement(&statement.statement, statement.range);
    binder.finish(main)
}

/// What is known while a statement is bound.
struct Binder<'a> {
    dialect: Dialect,
    catalog: &'a Catalog,
    tenancy: &'a Tenancy,
    scans: Vec<Scan>,
    columns: Vec<ColumnInfo>,
    param_types: Vec<Vec<SqlType>>,
    /// Sets of placeholders that have one type.
    linked_params: Vec<BTreeSet<u32>>,
    obstacles: Vec<Obstacle>,
    assumptions: Vec<String>,
    /// See [`Plan::settings`].
    settings: BTreeSet<String>,
    missing_settings: BTreeSet<String>,
    /// The types that values are cast to.
    cast_types: Vec<SqlType>,
    loose_collation: bool,
    /// There is a window or a subquery as a value, which may be of no use.
    may_be_unused: bool,
    modifying: Vec<Action>,
    output: Vec<(String, ColId)>,
    /// The queries around the place that is being bound, innermost last.
    scopes: Vec<Scope>,
    /// The `WITH` clauses in force, innermost last.
    frames: Vec<Frame>,
    /// The views that are being bound, outermost first.
    via: Vec<QualifiedName>,
    /// Inside a view, the place of the reference to the outermost one: what every node there gets as its place.
    view_range: Option<TextRange>,
    /// Queries of views that were read before.
    view_texts: BTreeMap<QualifiedName, Rc<Vec<ParsedStatement>>>,
    /// The functions that are being bound, outermost first.
    inlining: Vec<QualifiedName>,
    /// In the body of a function: what its variables are.
    #[cfg(feature = "postgres")]
    variables: Option<Variables>,
    /// The functions whose bodies are being judged, outermost first.
    #[cfg(feature = "postgres")]
    judging: Around,
    /// Calls of functions whose bodies stay inside the tenant.
    calls: Vec<TenantCall>,
    /// See [`Plan::frozen`].
    frozen: BTreeSet<QualifiedName>,
    /// How many settings were read so far.
    settings_read: usize,
    /// See [`Plan::may_end_settings`].
    may_end_settings: bool,
    /// The columns that `$1`, `$2`, … mean in their bodies.
    arguments: Vec<Vec<ColId>>,
    /// The fields of computed columns that hold whole rows.
    row_fields: BTreeMap<ColId, Vec<(String, SqlType)>>,
    /// How scans stand to row level security.
    security: BTreeMap<ScanId, Security>,
    /// The policies that are being bound, outermost first: their tables and names.
    securing: Vec<(QualifiedName, String)>,
    /// A query around locks rows.
    locking: bool,
    /// In the RETURNING of an INSERT: how deep its own scope lies.
    new_row_scope: Option<usize>,
    depth: usize,
    queries: usize,
    limit_reached: bool,
}

/// What is said of a schema whose objects go before PostgreSQL's.
const BEFORE: &str = "which a search path names before `pg_catalog`";

impl<'a> Binder<'a> {
    fn new(dialect: Dialect, catalog: &'a Catalog, tenancy: &'a Tenancy) -> Binder<'a> {
        let mut binder = Binder {
            dialect,
            catalog,
            tenancy,
            scans: Vec::new(),
            columns: Vec::new(),
            param_types: Vec::new(),
            linked_params: Vec::new(),
            obstacles: Vec::new(),
            assumptions: Vec::new(),
            settings: BTreeSet::new(),
            missing_settings: BTreeSet::new(),
            cast_types: Vec::new(),
            loose_collation: false,
            may_be_unused: false,
            modifying: Vec::new(),
            output: Vec::new(),
            scopes: Vec::new(),
            frames: Vec::new(),
            via: Vec::new(),
            view_range: None,
            view_texts: BTreeMap::new(),
            inlining: Vec::new(),
            #[cfg(feature = "postgres")]
            variables: None,
            #[cfg(feature = "postgres")]
            judging: Around::default(),
            calls: Vec::new(),
            frozen: BTreeSet::new(),
            settings_read: 0,
            may_end_settings: false,
            arguments: Vec::new(),
            row_fields: BTreeMap::new(),
            security: BTreeMap::new(),
            securing: Vec::new(),
            locking: false,
            new_row_scope: None,
            depth: 0,
            queries: 0,
            limit_reached: false,
        };
        if let Some(own) = catalog.hiding_type() {
            let message = format!(
                "the name of a type may mean `{}` of the schema `{}`, {BEFORE}",
                own.name, own.schema
            );
            binder.obstacle(ObstacleKind::Unmodelled, TextRange::default(), message);
        }
        binder
    }

    fn finish(mut self, main: Action) -> Plan {
        self.spread_linked_types();
        if !matches!(main, Action::Nothing | Action::SetTenant { .. }) {
            self.note_own_operators();
        }
        let mut assumptions = self.assumptions;
        assumptions.sort();
        assumptions.dedup();
        let mut plan = Plan {
            modifying: self.modifying,
            main,
            scans: self.scans,
            columns: self.columns,
            param_types: self.param_types,
            output: self.output,
            obstacles: self.obstacles,
            assumptions,
            settings: self.settings,
            missing_settings: self.missing_settings,
            loose_collation: self.loose_collation,
            unused: BTreeSet::new(),
            unread: BTreeSet::new(),
            perhaps_unread: BTreeSet::new(),
            security: self.security,
            calls: self.calls,
            frozen: self.frozen,
            may_end_settings: self.may_end_settings,
        };
        if self.may_be_unused {
            unused::note(&mut plan, self.tenancy.strict_errors);
        }
        plan
    }

    /// Casts and operators of the schema's own run functions where no call is written. A cast of a type of the schema runs
    /// only where values of that type are; of others it is not known where.
    fn note_own_operators(&mut self) {
        let resolved = |column: &ColumnInfo| self.catalog.resolve_type(&column.ty);
        // A stored column of which the type is not known may be of any.
        let is_unknown =
            |column: &ColumnInfo| column.origin.is_some() && resolved(column) == SqlType::Unknown;
        let is_any_unknown = self.columns.iter().any(is_unknown);
        let columns = self.columns.iter().map(resolved);
        let used: Vec<SqlType> = columns.chain(self.cast_types.iter().cloned()).collect();
        let is_of = |own: &OwnOperator| {
            let named: Vec<&String> =
                own.types.iter().filter(|name| self.catalog.user_type(name).is_some()).collect();
            named.is_empty() || is_any_unknown || used.iter().any(|ty| self.may_hold(ty, &named))
        };
        let found = self.catalog.operators.iter().find(|own| own.runs && is_of(own));
        if let Some(own) = found {
            let message = format!(
                "the schema defines its own (`{}`), which may run a function here that is not looked at",
                own.what
            );
            self.obstacle(ObstacleKind::UnknownFunction, TextRange::default(), message);
        }
    }

    /// A value of the type is one of these types, or holds such.
    fn may_hold(&self, ty: &SqlType, names: &[&String]) -> bool {
        match ty {
            SqlType::Array(of) => self.may_hold(of, names),
            SqlType::Named(name) => {
                let bare = name.rsplit('.').next().unwrap_or(name);
                let is_one = names.iter().any(|known| known.eq_ignore_ascii_case(bare));
                // A row of its own may have a column of it.
                is_one || !matches!(self.catalog.user_type(name), Some(UserType::Enum))
            }
            _ => false,
        }
    }

    fn statement(&mut self, statement: &ast::Statement, range: TextRange) -> Action {
        match statement {
            ast::Statement::Query(query) => self.query_statement(query),
            ast::Statement::Insert(insert) => self.insert(insert),
            ast::Statement::Update(update) => self.update(update),
            ast::Statement::Delete(delete) => self.delete(delete),
            ast::Statement::Merge(merge) => self.merge(merge),
            ast::Statement::Truncate(tables) => self.whole_tables(tables, true),
            ast::Statement::CopyTable { table, from } => {
                self.whole_tables(std::slice::from_ref(table), *from)
            }
            ast::Statement::CopyQuery(inner) => self.statement(inner, range),
            ast::Statement::Set { name, local, value } => {
                if self.tenancy.settings.contains(name) {
                    let clears = value.eq_ignore_ascii_case("default") || value == "''";
                    self.may_end_settings |= clears;
                    Action::SetTenant { local: *local, clears }
                } else {
                    self.may_end_settings |= name == "all";
                    Action::Nothing
                }
            }
            ast::Statement::Lock(_) | ast::Statement::Show(_) | ast::Statement::Rowless => Action::Nothing,
            ast::Statement::Transaction => {
                self.may_end_settings = true;
                Action::Nothing
            }
            ast::Statement::Call(call) => self.procedure_call(call, range),
            ast::Statement::Explain(inner) => {
                let _ = self.statement(inner, range);
                let message = "the row estimates of `EXPLAIN` depend on all tenants' rows";
                self.obstacle(ObstacleKind::Unmodelled, range, message);
                Action::Unmodelled
            }
            ast::Statement::Do { language, body: _ } => {
                self.refuse(range, format!("a `DO` block in {language}"))
            }
            ast::Statement::Unsupported(what) => self.refuse(range, format!("the statement `{what}`")),
        }
    }

    fn refuse(&mut self, range: TextRange, what: impl Into<String>) -> Action {
        self.unmodelled(range, what);
        Action::Unmodelled
    }

    fn whole_tables(&mut self, names: &[ast::ObjectName], writes: bool) -> Action {
        let mut scans = Vec::new();
        for name in names {
            match self.lookup(name) {
                Some(Relation::Table(table)) => {
                    let (scan, _) = self.new_scan(table, ScanUse::new(&table.name.name, name.range, writes));
                    if !writes {
                        self.unsecured_target(table, scan, name.range, "`COPY`");
                    }
                    scans.push(scan);
                }
                Some(Relation::View(_)) => {
                    let shown = shown(name);
                    self.unmodelled(name.range, format!("the view `{shown}` as a whole table"));
                }
                None => self.unknown_table(name),
            }
        }
        Action::WholeTables { scans, writes }
    }

    // ---- places and obstacles ----

    /// The place of a node: inside a view, that of the view's reference.
    fn at(&self, range: TextRange) -> TextRange {
        self.view_range.unwrap_or(range)
    }

    fn obstacle(&mut self, kind: ObstacleKind, range: TextRange, message: impl Into<String>) {
        self.obstacle_with_help(kind, range, message, None);
    }

    fn obstacle_with_help(
        &mut self,
        kind: ObstacleKind,
        range: TextRange,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let mut message = message.into();
        if let Some((table, policy)) = self.securing.last() {
            message = format!("{message} (inside the policy `{policy}` of `{}`)", table.name);
        } else if let Some(view) = self.via.last() {
            message = format!("{message} (inside the view `{}`)", view.name);
        }
        let obstacle = Obstacle { kind, range: self.at(range), message, help };
        if !self.obstacles.contains(&obstacle) {
            self.obstacles.push(obstacle);
        }
    }

    fn unmodelled(&mut self, range: TextRange, what: impl Into<String>) {
        let what = what.into();
        self.obstacle(ObstacleKind::Unmodelled, range, format!("{what} is not modelled"));
    }

    fn assume(&mut self, what: impl Into<String>) {
        self.assumptions.push(what.into());
    }

    fn limit(&mut self, range: TextRange, what: &str) {
        if !self.limit_reached {
            self.limit_reached = true;
            self.obstacle(ObstacleKind::Limit, range, what.to_owned());
        }
    }

    // ---- columns and scans ----

    fn new_column(&mut self, name: &str, ty: SqlType) -> ColId {
        let id = ColId(u32::try_from(self.columns.len()).unwrap_or(u32::MAX));
        self.columns.push(ColumnInfo { name: name.to_owned(), ty, origin: None });
        if self.columns.len() > MAX_COLUMNS {
            let range = TextRange::empty(0);
            self.limit(range, "the statement, with its views written out, has too many columns");
        }
        id
    }

    fn info(&self, id: ColId) -> Option<&ColumnInfo> {
        self.columns.get(id.0 as usize)
    }

    fn ty(&self, id: ColId) -> SqlType {
        self.info(id).map_or(SqlType::Unknown, |info| info.ty.clone())
    }

    /// Makes an occurrence of a table, with a fresh id for each column.
    fn new_scan(&mut self, table: &Table, used: ScanUse<'_>) -> (ScanId, Vec<ColId>) {
        let scan = ScanId(u32::try_from(self.scans.len()).unwrap_or(u32::MAX));
        if self.scans.len() >= MAX_SCANS {
            self.limit(used.range, "the statement, with its views written out, reads too many tables");
        }
        if *self.tenancy.owner(&table.name) == TableOwner::Undeclared {
            let name = &table.name.name;
            self.obstacle_with_help(
                ObstacleKind::UndeclaredOwner,
                used.range,
                format!("nothing says who owns the rows of `{name}`"),
                Some(format!("say so under `[tables]`: `{name} = {{ key = \"…\" }}`, `{{ parent = … }}` or `{{ shared = \"why\" }}`")),
            );
        }
        let mut cols = Vec::with_capacity(table.columns.len());
        for (position, column) in table.columns.iter().enumerate() {
            let ty = self.catalog.resolve_type(&column.ty);
            let id = self.new_column(&column.name, ty);
            if let Some(info) = self.columns.last_mut() {
                info.origin = Some((scan, position));
            }
            cols.push(id);
        }
        self.scans.push(Scan {
            table: table.name.clone(),
            alias: used.alias.to_owned(),
            aliased: used.aliased,
            cols: cols.clone(),
            only: used.only,
            range: self.at(used.range),
            via: self.via.clone(),
            is_target: used.is_target,
        });
        (scan, cols)
    }

    fn scan_rel(&self, scan: ScanId, cols: Vec<ColId>, range: TextRange) -> Rel {
        Rel { kind: RelKind::Scan { scan, sampled: false }, cols, range: self.at(range) }
    }

    // ---- tables by name ----

    /// Finds a table or view; system relations are told apart by the caller through [`Binder::unknown_table`].
    fn lookup(&self, name: &ast::ObjectName) -> Option<Relation<'a>> {
        let catalog = self.catalog;
        match name.parts.as_slice() {
            [_] if self.ambiguous(name).is_some() => None,
            [table] => catalog.relation(None, &table.text),
            [schema, table] => catalog.relation(Some(&schema.text), &table.text),
            _ => None,
        }
    }

    /// Why it is not known which relation a name without a schema stands for.
    fn ambiguous(&self, name: &ast::ObjectName) -> Option<String> {
        match name.parts.as_slice() {
            [table] => self.catalog.ambiguous(&table.text, self.tenancy.app_role.as_deref()),
            _ => None,
        }
    }

    /// Says that a relation is not known, and which one may be meant.
    fn unknown_table(&mut self, name: &ast::ObjectName) {
        let shown = shown(name);
        if is_system(name) {
            self.unmodelled(name.range, format!("the system relation `{shown}`"));
            return;
        }
        if let Some(why) = self.ambiguous(name) {
            let message = format!("which `{shown}` is meant is not known: {why}");
            let help = "write the schema's name before it".to_owned();
            self.obstacle_with_help(ObstacleKind::UnknownTable, name.range, message, Some(help));
            return;
        }
        let help = self.near_table(name).map(|near| format!("is `{near}` meant?"));
        let message = format!("the schema has no table `{shown}`");
        self.obstacle_with_help(ObstacleKind::UnknownTable, name.range, message, help);
    }

    fn near_table(&self, name: &ast::ObjectName) -> Option<String> {
        let wanted = name.parts.last()?.text.to_lowercase();
        let names = self.catalog.tables.keys().chain(self.catalog.views.keys());
        let near = names
            .map(|known| (distance(&wanted, &known.name.to_lowercase()), known))
            .filter(|(distance, _)| *distance <= 2)
            .min_by_key(|(distance, known)| (*distance, known.name.clone()))?;
        Some(if near.1.schema == self.catalog.default_schema {
            near.1.name.clone()
        } else {
            format!("{}.{}", near.1.schema, near.1.name)
        })
    }

    // ---- expressions made here ----

    fn make(&self, kind: ExprKind, ty: SqlType, range: TextRange) -> Expr {
        Expr { kind, ty, range: self.at(range) }
    }

    fn column_expr(&self, id: ColId, range: TextRange) -> Expr {
        self.make(ExprKind::Column(id), self.ty(id), range)
    }

    fn truth(&self, range: TextRange) -> Expr {
        self.make(ExprKind::Bool(true), SqlType::Bool, range)
    }

    fn opaque(&self, parts: Vec<Expr>, range: TextRange) -> Expr {
        self.make(ExprKind::Opaque(parts), SqlType::Unknown, range)
    }
}

/// How an occurrence of a table comes about.
struct ScanUse<'n> {
    alias: &'n str,
    aliased: bool,
    only: bool,
    range: TextRange,
    is_target: bool,
}

impl<'n> ScanUse<'n> {
    fn new(alias: &'n str, range: TextRange, is_target: bool) -> ScanUse<'n> {
        ScanUse { alias, aliased: false, only: false, range, is_target }
    }
}

/// A name as the statement shows it.
fn shown(name: &ast::ObjectName) -> String {
    let parts: Vec<&str> = name.parts.iter().map(|part| part.text.as_str()).collect();
    parts.join(".")
}

fn is_system(name: &ast::ObjectName) -> bool {
    let starts = |part: &ast::Ident, prefix: &str| part.text.to_ascii_lowercase().starts_with(prefix);
    match name.parts.as_slice() {
        [table] => starts(table, "pg_") || starts(table, "sqlite_"),
        [schema, ..] => {
            let schema = schema.text.to_ascii_lowercase();
            matches!(
                schema.as_str(),
                "pg_catalog" | "information_schema" | "mysql" | "performance_schema" | "sys"
            )
        }
        [] => false,
    }
}

/// The edit distance of two names, for suggestions.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let up = row.get(j + 1).copied().unwrap_or(usize::MAX - 1) + 1;
            let across = next.last().copied().unwrap_or(0) + 1;
            let diagonal = row.get(j).copied().unwrap_or(0) + usize::from(a != *b);
            next.push(up.min(across).min(diagonal));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
