//! Which names are visible where, and what they mean.

use std::collections::BTreeSet;
use std::rc::Rc;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, Ident};
use crate::plan::{AggregateCall, ColId, Expr, ExprKind, WindowCall};
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::Binder;

/// A column under the name that the query around it sees.
#[derive(Clone, Debug)]
pub(super) struct NamedColumn {
    pub(super) name: String,
    pub(super) id: ColId,
}

/// Whether a relation may have columns that are not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gaps {
    /// It has not.
    None,
    /// The schema's list may be incomplete.
    Incomplete,
    /// Nothing is known; an obstacle has said so.
    Unknown,
}

/// A relation that qualified names can mean.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Its alias, or its own name.
    pub(super) name: String,
    /// The schema, where no alias hides it.
    pub(super) schema: Option<String>,
    pub(super) columns: Vec<NamedColumn>,
    pub(super) gaps: Gaps,
    /// A stored table, which has system columns too.
    pub(super) stored: bool,
    /// A function that returns one unnamed value: its name as a value is that value, not a row.
    pub(super) scalar: bool,
    /// Its row has a type of its own, whose fields an alias does not rename, and which is not at hand.
    pub(super) typed: bool,
}

/// What the items of a `FROM` make visible.
#[derive(Clone, Debug, Default)]
pub(super) struct Namespace {
    /// For qualified names.
    pub(super) relations: Vec<Entry>,
    /// For unqualified names and `*`, in order.
    pub(super) columns: Vec<NamedColumn>,
}

impl Namespace {
    /// The namespace of one relation.
    pub(super) fn of(entry: Entry) -> Namespace {
        Namespace { columns: entry.columns.clone(), relations: vec![entry] }
    }

    pub(super) fn append(&mut self, other: Namespace) {
        self.relations.extend(other.relations);
        self.columns.extend(other.columns);
    }

    pub(super) fn gaps(&self) -> Gaps {
        self.relations.iter().map(|entry| entry.gaps).max().unwrap_or(Gaps::None)
    }

    fn has_system_columns(&self) -> bool {
        self.relations.iter().any(|entry| entry.stored)
    }
}

/// What may stand where an expression is being bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// `FROM`, `WHERE`, `GROUP BY`, `SET`, `VALUES`: no aggregate of this query.
    Rows,
    /// `HAVING`.
    Groups,
    /// The select list, `ORDER BY`, `DISTINCT ON`.
    Output,
    /// The arguments of an aggregate.
    InAggregate,
    /// The arguments of a window function.
    InWindow,
    /// The arguments of a set-returning function of the select list.
    InSet,
}

/// A query whose names are visible.
#[derive(Clone, Debug)]
pub(super) struct Scope {
    pub(super) names: Namespace,
    /// All columns that its `FROM` brought.
    pub(super) local: BTreeSet<ColId>,
    pub(super) stage: Stage,
    pub(super) aggregates: Vec<(ColId, AggregateCall)>,
    pub(super) windows: Vec<(ColId, WindowCall)>,
    /// Set-returning functions of the select list.
    pub(super) sets: Vec<(ColId, Expr)>,
    pub(super) named_windows: Vec<(Ident, ast::WindowSpec)>,
    /// Names of the select list, which MySQL and SQLite also see elsewhere.
    pub(super) aliases: Vec<String>,
}

impl Scope {
    pub(super) fn new() -> Scope {
        Scope {
            names: Namespace::default(),
            local: BTreeSet::new(),
            stage: Stage::Rows,
            aggregates: Vec::new(),
            windows: Vec::new(),
            sets: Vec::new(),
            named_windows: Vec::new(),
            aliases: Vec::new(),
        }
    }

    /// A scope of this namespace.
    pub(super) fn of(names: Namespace) -> Scope {
        let mut scope = Scope::new();
        scope.learn(&names);
        scope.names = names;
        scope
    }

    /// Notes the columns of a namespace as this query's own.
    pub(super) fn learn(&mut self, names: &Namespace) {
        self.local.extend(names.columns.iter().map(|column| column.id));
        self.local
            .extend(names.relations.iter().flat_map(|entry| entry.columns.iter().map(|column| column.id)));
    }
}

/// A common table expression that is in force.
#[derive(Clone, Debug)]
pub(super) struct CteEntry {
    pub(super) cte: Rc<ast::Cte>,
    pub(super) state: CteState,
    /// Some query refers to it.
    pub(super) referenced: bool,
}

/// How far a common table expression is.
#[derive(Clone, Debug)]
pub(super) enum CteState {
    /// A query, bound at each reference.
    Query,
    /// A query whose non-recursive part is being bound, or that is bound while it is bound: a reference is refused.
    Busy,
    /// The recursive term is being bound: a reference is the working table.
    Step { working: Vec<NamedColumn>, references: usize },
    /// A data-modifying statement that has been bound: its place among the plan's, and what it returns.
    Returned { action: usize, columns: Vec<(String, SqlType)> },
    /// A data-modifying statement that has not been bound yet.
    Pending,
}

/// A `WITH` clause in force.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) entries: Vec<CteEntry>,
    /// How many of them can be seen: without `RECURSIVE` only those before.
    pub(super) visible: usize,
    pub(super) recursive: bool,
    /// How many scopes there were where it was written.
    pub(super) scopes: usize,
}

/// What an unqualified or qualified name was found to be.
enum Found {
    Column(ColId),
    Ambiguous,
    /// A relation without a full list of columns may have it.
    Gap(Gaps),
    System,
    /// SQLite or MySQL may mean an item of the select list.
    Alias,
    Missing,
}

const SYSTEM_COLUMNS: &[&str] = &["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"];
const SQLITE_SYSTEM_COLUMNS: &[&str] = &["rowid", "oid", "_rowid_"];

impl Binder<'_> {
    pub(super) fn scope(&mut self) -> Option<&mut Scope> {
        self.scopes.last_mut()
    }

    /// Sets the stage of the innermost scope and returns the one before.
    pub(super) fn stage(&mut self, stage: Stage) -> Stage {
        match self.scopes.last_mut() {
            Some(scope) => std::mem::replace(&mut scope.stage, stage),
            None => Stage::Rows,
        }
    }

    /// Runs `work` with a scope of these names innermost.
    pub(super) fn within<T>(&mut self, scope: Scope, work: impl FnOnce(&mut Self) -> T) -> T {
        self.scopes.push(scope);
        let result = work(self);
        self.scopes.pop();
        result
    }

    /// Whether names are compared without regard to case, as MySQL and SQLite do for columns.
    fn same_name(&self, left: &str, right: &str) -> bool {
        match self.dialect {
            Dialect::Postgres => left == right,
            Dialect::Mysql | Dialect::Sqlite => left.eq_ignore_ascii_case(right),
        }
    }

    /// The position of a column in a list of names.
    pub(super) fn position(&self, names: &[NamedColumn], name: &str) -> Option<usize> {
        names.iter().position(|column| self.same_name(&column.name, name))
    }

    /// Binds a column reference.
    pub(super) fn column(&mut self, parts: &[Ident], range: TextRange) -> Expr {
        let (qualifier, name) = match parts {
            [name] => return self.unqualified(name, range),
            [relation, name] => ((None, relation), name),
            [schema, relation, name] => ((Some(schema), relation), name),
            _ => {
                let written: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
                let written = written.join(".");
                self.obstacle(
                    ObstacleKind::UnknownColumn,
                    range,
                    format!("the name `{written}` does not resolve"),
                );
                return self.opaque(Vec::new(), range);
            }
        };
        #[cfg(feature = "postgres")]
        if let [relation, name] = parts
            && !self.has_relation(relation)
            && let Some(variable) = self.variable(&[relation, name], range)
        {
            return variable;
        }
        match self.find_relation(qualifier.0, qualifier.1, range) {
            Some(entry) => self.column_of(&entry, name, range),
            None => self.opaque(Vec::new(), range),
        }
    }

    fn unqualified(&mut self, name: &Ident, range: TextRange) -> Expr {
        let mut found = Found::Missing;
        for scope in self.scopes.iter().rev() {
            found = self.find_in(scope, &name.text);
            if !matches!(found, Found::Missing) {
                break;
            }
        }
        match found {
            Found::Column(id) => self.column_expr(id, range),
            Found::Missing => self.whole_row_or_variable(name, range),
            Found::System => match self.table_oid(None, &name.text, range) {
                Some(expr) => expr,
                None => self.not_found(Found::System, &name.text, range),
            },
            other => self.not_found(other, &name.text, range),
        }
    }

    fn whole_row_or_variable(&mut self, name: &Ident, range: TextRange) -> Expr {
        #[cfg(feature = "postgres")]
        if !self.has_relation(name)
            && let Some(variable) = self.variable(&[name], range)
        {
            return variable;
        }
        self.whole_row_or_nothing(name, range)
    }

    /// Whether a relation of this name is in sight.
    #[cfg(feature = "postgres")]
    fn has_relation(&self, name: &Ident) -> bool {
        let mut relations = self.scopes.iter().flat_map(|scope| &scope.names.relations);
        relations.any(|entry| self.same_name(&entry.name, &name.text))
    }

    fn find_in(&self, scope: &Scope, name: &str) -> Found {
        let alias = scope.aliases.iter().any(|alias| self.same_name(alias, name));
        // MySQL's HAVING may mean the alias even where there is an input column of that name.
        if alias && self.dialect == Dialect::Mysql && scope.stage == Stage::Groups {
            return Found::Alias;
        }
        let mut ids: Vec<ColId> = Vec::new();
        for column in &scope.names.columns {
            if self.same_name(&column.name, name) {
                ids.push(column.id);
            }
        }
        match ids.as_slice() {
            [id] => Found::Column(*id),
            [_, _, ..] => Found::Ambiguous,
            [] if self.is_system_column(name) && scope.names.has_system_columns() => Found::System,
            [] if scope.names.gaps() != Gaps::None => Found::Gap(scope.names.gaps()),
            [] if alias && self.dialect != Dialect::Postgres => Found::Alias,
            [] => Found::Missing,
        }
    }

    fn is_system_column(&self, name: &str) -> bool {
        match self.dialect {
            Dialect::Postgres => SYSTEM_COLUMNS.contains(&name),
            Dialect::Sqlite => SQLITE_SYSTEM_COLUMNS.iter().any(|known| known.eq_ignore_ascii_case(name)),
            Dialect::Mysql => false,
        }
    }

    /// `tableoid` of a table whose rows are all stored in one place says nothing of them.
    fn table_oid(&self, entry: Option<&Entry>, name: &str, range: TextRange) -> Option<Expr> {
        if name != "tableoid" || self.dialect != Dialect::Postgres {
            return None;
        }
        let mut stored = self.scopes.iter().rev().map(|scope| &scope.names.relations);
        let relations = stored.find(|relations| relations.iter().any(|entry| entry.stored));
        let entry = match (entry, relations) {
            (Some(entry), _) => entry,
            (None, Some(relations)) if relations.len() == 1 => relations.first()?,
            (None, _) => return None,
        };
        let first = entry.columns.first()?;
        let (scan, _) = self.info(first.id)?.origin?;
        let table = &self.scans.get(scan.0 as usize)?.table;
        let parent = self.catalog.tables.get(table).is_none_or(|table| table.partitioned);
        if parent || !self.catalog.descendants(table).is_empty() {
            return None;
        }
        // It is NULL where the row is missing, so it depends on the row.
        let args = entry.columns.iter().map(|column| self.column_expr(column.id, range)).collect();
        Some(self.make(ExprKind::Pure { name: name.to_owned(), args }, SqlType::Int, range))
    }

    fn not_found(&mut self, found: Found, name: &str, range: TextRange) -> Expr {
        match found {
            Found::Ambiguous => {
                self.obstacle(ObstacleKind::UnknownColumn, range, format!("the column `{name}` is ambiguous"));
            }
            Found::Gap(Gaps::Incomplete) => self.obstacle(
                ObstacleKind::UnknownColumn,
                range,
                format!("the column `{name}` is not among the known columns of a table whose list may be incomplete"),
            ),
            Found::System => self.unmodelled(range, format!("the system column `{name}`")),
            Found::Alias => {
                self.unmodelled(range, format!("the name `{name}`, which may mean an item of the select list,"));
            }
            // An obstacle about the relation has been noted.
            Found::Gap(_) => {}
            Found::Missing | Found::Column(_) => {
                self.obstacle(ObstacleKind::UnknownColumn, range, format!("no relation here has a column `{name}`"));
            }
        }
        self.opaque(Vec::new(), range)
    }

    /// A name that is no column may be a relation's, and means its row.
    fn whole_row_or_nothing(&mut self, name: &Ident, range: TextRange) -> Expr {
        let entry = self.scopes.iter().rev().find_map(|scope| {
            scope.names.relations.iter().find(|entry| self.same_name(&entry.name, &name.text))
        });
        match entry.cloned() {
            Some(entry) if self.dialect == Dialect::Postgres => self.whole_row(&entry, range),
            _ => self.not_found(Found::Missing, &name.text, range),
        }
    }

    fn whole_row(&mut self, entry: &Entry, range: TextRange) -> Expr {
        if entry.gaps == Gaps::Incomplete {
            let what = format!("the whole row of `{}`, whose list of columns may be incomplete,", entry.name);
            self.unmodelled(range, what);
        }
        let ids: Vec<ColId> = entry.columns.iter().map(|column| column.id).collect();
        match ids.as_slice() {
            [id] if entry.scalar => self.column_expr(*id, range),
            _ => {
                // A stored row's fields are the table's columns, whatever an alias calls them; those of a query are as it
                // or its alias calls them.
                let name = |column: &NamedColumn| match (entry.stored, entry.typed) {
                    (true, _) => self.info(column.id).map(|info| info.name.clone()).unwrap_or_default(),
                    (false, true) => String::new(),
                    (false, false) => column.name.clone(),
                };
                let fields = entry.columns.iter().map(|column| (name(column), column.id)).collect();
                self.make(ExprKind::WholeRow(fields), SqlType::Named("record".to_owned()), range)
            }
        }
    }

    /// Finds the relation that a qualifier means; `None` after an obstacle.
    pub(super) fn find_relation(
        &mut self,
        schema: Option<&Ident>,
        relation: &Ident,
        range: TextRange,
    ) -> Option<Entry> {
        for scope in self.scopes.iter().rev() {
            let mut matching = scope.names.relations.iter().filter(|entry| {
                self.same_name(&entry.name, &relation.text)
                    && schema.is_none_or(|schema| entry.schema.as_deref() == Some(schema.text.as_str()))
            });
            let Some(entry) = matching.next().cloned() else { continue };
            if matching.next().is_some() {
                let message = format!("the relation `{}` is ambiguous", relation.text);
                self.obstacle(ObstacleKind::UnknownColumn, range, message);
                return None;
            }
            return Some(entry);
        }
        let message = format!("no relation here is called `{}`", relation.text);
        self.obstacle(ObstacleKind::UnknownColumn, range, message);
        None
    }

    /// Finds the relation that an expression like `t` in `(t).column` means, if it is one and not a column.
    pub(super) fn relation_named(&self, parts: &[Ident]) -> Option<Entry> {
        let [name] = parts else { return None };
        for scope in self.scopes.iter().rev() {
            if !matches!(self.find_in(scope, &name.text), Found::Missing) {
                return None;
            }
        }
        let mut relations = self.scopes.iter().rev().flat_map(|scope| scope.names.relations.iter());
        relations.find(|entry| self.same_name(&entry.name, &name.text) && !entry.scalar).cloned()
    }

    /// Binds a column of a given relation.
    pub(super) fn column_of(&mut self, entry: &Entry, name: &Ident, range: TextRange) -> Expr {
        let mut ids = Vec::new();
        for column in &entry.columns {
            if self.same_name(&column.name, &name.text) {
                ids.push(column.id);
            }
        }
        let found = match ids.as_slice() {
            [id] => return self.column_expr(*id, range),
            [_, ..] => Found::Ambiguous,
            [] if entry.stored && self.is_system_column(&name.text) => {
                if let Some(expr) = self.table_oid(Some(entry), &name.text, range) {
                    return expr;
                }
                Found::System
            }
            [] if entry.gaps != Gaps::None => Found::Gap(entry.gaps),
            [] => match self.attribute(entry, name, range) {
                Some(expr) => return expr,
                None => Found::Missing,
            },
        };
        self.not_found(found, &name.text, range)
    }

    /// `a.f` where `a` has no column `f`: `f(a)`, of the functions that make JSON of a row.
    fn attribute(&mut self, entry: &Entry, name: &Ident, range: TextRange) -> Option<Expr> {
        let ty = match name.text.as_str() {
            "row_to_json" | "to_json" => SqlType::Json,
            "to_jsonb" => SqlType::Jsonb,
            _ => return None,
        };
        let is_defined = self.catalog.functions.keys().any(|function| function.name == name.text);
        if self.dialect != Dialect::Postgres || entry.scalar || is_defined {
            return None;
        }
        let args = vec![self.whole_row(entry, range)];
        Some(self.make(ExprKind::Pure { name: name.text.clone(), args }, ty, range))
    }
}
