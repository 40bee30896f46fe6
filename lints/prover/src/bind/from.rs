//! `FROM`: relations, joins, functions.

use std::rc::Rc;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, Ident, JoinConstraint, TableAlias, TableExpr};
use crate::catalog::{Relation, Table};
use crate::plan::{ColId, CompareOp, Expr, ExprKind, JoinKind, Rel, RelKind};
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::functions::{self, Shape};
use super::scope::{CteState, Entry, Gaps, NamedColumn, Namespace, Stage};
use super::{Binder, ScanUse, shown};

/// Where a name in `FROM` was found among the common table expressions: the frame and the place in it.
type CtePlace = (usize, usize);

impl Binder<'_> {
    pub(super) fn unit(&self, range: TextRange) -> Rel {
        Rel { kind: RelKind::Unit, cols: Vec::new(), range: self.at(range) }
    }

    pub(super) fn join(&self, kind: JoinKind, left: Rel, right: Rel, on: Expr, range: TextRange) -> Rel {
        let cols = left.cols.iter().chain(&right.cols).copied().collect();
        let kind = RelKind::Join { kind, left: Box::new(left), right: Box::new(right), on };
        Rel { kind, cols, range: self.at(range) }
    }

    pub(super) fn filter(&self, input: Rel, predicate: Expr) -> Rel {
        let (cols, range) = (input.cols.clone(), predicate.range);
        Rel { kind: RelKind::Filter { input: Box::new(input), predicate }, cols, range }
    }

    /// Binds a whole `FROM` into the innermost scope, item by item; `None` where there is none.
    pub(super) fn relations_of(&mut self, items: &[TableExpr], range: TextRange) -> Option<Rel> {
        let mut result: Option<Rel> = None;
        for item in items {
            let (rel, names) = self.table_expr(item);
            self.add_names(names);
            result = Some(match result {
                None => rel,
                Some(left) => {
                    let on = self.truth(range);
                    self.join(JoinKind::Inner, left, rel, on, range)
                }
            });
        }
        result
    }

    pub(super) fn add_names(&mut self, names: Namespace) {
        if let Some(scope) = self.scope() {
            scope.learn(&names);
            scope.names.append(names);
        }
    }

    /// Runs `work` while the innermost scope shows other names.
    fn with_names<T>(&mut self, names: Namespace, work: impl FnOnce(&mut Self) -> T) -> T {
        let hidden = match self.scope() {
            Some(scope) => {
                scope.learn(&names);
                std::mem::replace(&mut scope.names, names)
            }
            None => Namespace::default(),
        };
        let result = work(self);
        if let Some(scope) = self.scope() {
            scope.names = hidden;
        }
        result
    }

    pub(super) fn table_expr(&mut self, item: &TableExpr) -> (Rel, Namespace) {
        match item {
            TableExpr::Table { name, only, alias, sample, range } => {
                let (mut rel, entry) = self.named_relation(name, *only, alias.as_ref(), *range);
                if let Some(sample) = sample.filter(|sample| !sample.is_whole) {
                    match stored(&mut rel) {
                        Some(RelKind::Scan { sampled, .. }) => *sampled = true,
                        _ => self.unmodelled(sample.range, "`TABLESAMPLE` of something else than a table"),
                    }
                }
                let is_view = !entry.stored && self.find_cte(name).is_none();
                let mut entry = self.renamed(entry, alias.as_ref(), *range);
                entry.typed = is_view && alias.as_ref().is_some_and(|alias| !alias.columns.is_empty());
                (rel, Namespace::of(entry))
            }
            TableExpr::Derived { lateral, query, alias, range } => {
                let (rel, columns, gaps) = if *lateral {
                    self.sub_query(query)
                } else {
                    self.with_names(Namespace::default(), |binder| binder.sub_query(query))
                };
                let name = alias.as_ref().map_or_else(String::new, |alias| alias.name.text.clone());
                let entry =
                    Entry { name, schema: None, columns, gaps, stored: false, scalar: false, typed: false };
                let entry = self.renamed(entry, alias.as_ref(), *range);
                (rel, Namespace::of(entry))
            }
            TableExpr::Function { calls, ordinality, alias, range } => {
                self.function_item(calls, *ordinality, alias.as_ref(), *range)
            }
            TableExpr::Join { left, right, kind, constraint, range } => {
                self.join_item(left, right, *kind, constraint, *range)
            }
            TableExpr::AliasedJoin { join, alias } => {
                let (rel, names) = self.table_expr(join);
                let gaps = names.gaps();
                let entry = Entry {
                    name: alias.name.text.clone(),
                    schema: None,
                    columns: names.columns,
                    gaps,
                    stored: false,
                    scalar: false,
                    typed: false,
                };
                let entry = self.renamed(entry, Some(alias), alias.name.range);
                (rel, Namespace::of(entry))
            }
            TableExpr::Unsupported(what, range) => {
                self.unmodelled(*range, what.clone());
                let entry = unknown_entry("", None);
                (self.unit(*range), Namespace::of(entry))
            }
        }
    }

    /// Applies an alias's column names.
    fn renamed(&mut self, mut entry: Entry, alias: Option<&TableAlias>, range: TextRange) -> Entry {
        let Some(alias) = alias else { return entry };
        entry.name.clone_from(&alias.name.text);
        entry.schema = None;
        if alias.columns.len() > entry.columns.len() && entry.gaps == Gaps::None {
            let message = format!("`{}` has fewer columns than its alias names", alias.name.text);
            self.obstacle(ObstacleKind::UnknownColumn, range, message);
        }
        if !alias.columns.is_empty() && entry.gaps == Gaps::Incomplete {
            self.unmodelled(range, "a list of column names for a table whose columns may be incomplete");
        }
        for (column, name) in entry.columns.iter_mut().zip(&alias.columns) {
            column.name.clone_from(&name.text);
        }
        entry
    }

    // ---- named relations ----

    fn find_cte(&self, name: &ast::ObjectName) -> Option<CtePlace> {
        let [name] = name.parts.as_slice() else { return None };
        for (index, frame) in self.frames.iter().enumerate().rev() {
            let mut visible = frame.entries.iter().take(frame.visible);
            if let Some(place) = visible.position(|entry| entry.cte.name.text == name.text) {
                return Some((index, place));
            }
        }
        None
    }

    fn named_relation(
        &mut self,
        name: &ast::ObjectName,
        only: bool,
        alias: Option<&TableAlias>,
        range: TextRange,
    ) -> (Rel, Entry) {
        let own_name = name.parts.last().map_or("", |part| part.text.as_str());
        if let Some(place) = self.find_cte(name) {
            return self.cte_reference(place, own_name, range);
        }
        match self.lookup(name) {
            Some(Relation::Table(table)) => {
                let shown_as = alias.map_or(own_name, |alias| alias.name.text.as_str());
                let used =
                    ScanUse { alias: shown_as, aliased: alias.is_some(), only, range, is_target: false };
                let (scan, cols) = self.new_scan(table, used);
                let entry = table_entry(table, &cols);
                let rel = self.scan_rel(scan, cols, range);
                (self.secured_read(table, scan, rel), entry)
            }
            Some(Relation::View(view)) => self.view_reference(view, range),
            None => {
                self.unknown_table(name);
                (self.unit(range), unknown_entry(own_name, None))
            }
        }
    }

    fn cte_reference(&mut self, (frame, place): CtePlace, name: &str, range: TextRange) -> (Rel, Entry) {
        let Some(entry) = self.frames.get_mut(frame).and_then(|frame| frame.entries.get_mut(place)) else {
            return (self.unit(range), unknown_entry(name, None));
        };
        entry.referenced = true;
        match &mut entry.state {
            CteState::Step { working, references } => {
                *references += 1;
                let columns = working.clone();
                let cols = columns.iter().map(|column| column.id).collect();
                let rel = Rel { kind: RelKind::WorkingTable, cols, range: self.at(range) };
                (rel, plain_entry(name, columns, Gaps::None))
            }
            CteState::Busy | CteState::Pending => {
                let what = format!("this reference to `{name}`, which is not complete here,");
                self.unmodelled(range, what);
                (self.unit(range), unknown_entry(name, None))
            }
            CteState::Returned { action, columns } => {
                let (action, columns) = (*action, columns.clone());
                let columns: Vec<NamedColumn> = columns
                    .into_iter()
                    .map(|(name, ty)| NamedColumn { id: self.new_column(&name, ty), name })
                    .collect();
                let cols = columns.iter().map(|column| column.id).collect();
                let rel = Rel { kind: RelKind::Returned { action }, cols, range: self.at(range) };
                (rel, plain_entry(name, columns, Gaps::None))
            }
            CteState::Query => {
                let cte = Rc::clone(&entry.cte);
                let (rel, columns, gaps) = self.bind_cte(frame, place, &cte);
                (rel, plain_entry(name, columns, gaps))
            }
        }
    }

    // ---- functions ----

    fn function_item(
        &mut self,
        calls: &[ast::Expr],
        ordinality: bool,
        alias: Option<&TableAlias>,
        range: TextRange,
    ) -> (Rel, Namespace) {
        let arranged = match calls {
            [ast::Expr { kind: ast::ExprKind::Call(call), range }] => self.arranged(call, *range),
            _ => None,
        };
        let arranged = arranged.map(|call| [ast::Expr { kind: ast::ExprKind::Call(Box::new(call)), range }]);
        let calls = arranged.as_ref().map_or(calls, |only| only.as_slice());
        if let ([ast::Expr { kind: ast::ExprKind::Call(call), .. }], false) = (calls, ordinality)
            && self.sql_function(call).is_some_and(|function| function.returns_set)
        {
            let args = self.args(call, Stage::Rows);
            if let Some((rel, mut entry)) = self.inlined_rows(call, args, range) {
                if let (Some(alias), true, [column]) = (alias, entry.scalar, entry.columns.as_mut_slice()) {
                    column.name.clone_from(&alias.name.text);
                }
                let entry = Entry { typed: true, ..self.renamed(entry, alias, range) };
                return (rel, Namespace::of(entry));
            }
        }
        #[cfg(feature = "postgres")]
        if let (Some(call), false) = (super::judged::only_call(calls), ordinality)
            && self.trusted(call).is_none()
            && !self.is_pure_user_function(function_name(call))
            && let Some((rel, mut entry)) = self.judged_rows(call, range)
        {
            if let (Some(alias), true, [column]) = (alias, entry.scalar, entry.columns.as_mut_slice()) {
                column.name.clone_from(&alias.name.text);
            }
            let entry = Entry { typed: true, ..self.renamed(entry, alias, range) };
            return (rel, Namespace::of(entry));
        }
        let mut bound = Vec::new();
        let mut columns: Vec<NamedColumn> = Vec::new();
        let mut gaps = Gaps::None;
        let mut scalar = calls.len() == 1 && !ordinality;
        for call in calls {
            let expr = self.table_function(call);
            match self.function_columns(call, &expr, alias) {
                Some((names, unnamed)) => {
                    scalar &= unnamed && names.len() == 1;
                    columns.extend(names);
                }
                None => gaps = Gaps::Unknown,
            }
            bound.push(expr);
        }
        if ordinality {
            let id = self.new_column("ordinality", SqlType::Int);
            columns.push(NamedColumn { name: "ordinality".to_owned(), id });
        }
        let cols: Vec<ColId> = columns.iter().map(|column| column.id).collect();
        let rel = Rel { kind: RelKind::Function { calls: bound }, cols, range: self.at(range) };
        let name = match (alias, calls.first().map(|call| &call.kind)) {
            (Some(alias), _) => alias.name.text.clone(),
            (None, Some(ast::ExprKind::Call(call))) => function_name(call).to_owned(),
            (None, _) => String::new(),
        };
        let mut entry = plain_entry(&name, columns, gaps);
        entry.scalar = scalar;
        entry.typed = true;
        let entry = self.renamed(entry, alias, range);
        (rel, Namespace::of(entry))
    }

    /// The columns of a function in `FROM`, and whether they have no names of their own; `None` after an obstacle.
    fn function_columns(
        &mut self,
        call: &ast::Expr,
        bound: &Expr,
        alias: Option<&TableAlias>,
    ) -> Option<(Vec<NamedColumn>, bool)> {
        if matches!(bound.kind, ExprKind::Opaque(_)) {
            return None;
        }
        let ast::ExprKind::Call(call) = &call.kind else {
            // Such as CURRENT_DATE in FROM.
            self.unmodelled(call.range, "this expression in `FROM`");
            return None;
        };
        let name = function_name(call);
        let args: Vec<SqlType> = match &bound.kind {
            ExprKind::Pure { args, .. } => args.iter().map(|arg| arg.ty.clone()).collect(),
            _ => Vec::new(),
        };
        if functions::is_record_set(self.dialect, name) {
            let names = alias.map(|alias| alias.columns.clone()).unwrap_or_default();
            return Some((self.named_columns(&names), false));
        }
        let shape = Shape { arity: args.len(), over: false, within_group: false };
        match functions::builtin(self.dialect, name, shape) {
            Some(functions::Class::Set { columns, result }) => {
                let own: Vec<&str> = match columns {
                    [] => vec![alias.map_or(name, |alias| alias.name.text.as_str())],
                    columns => columns.to_vec(),
                };
                // unnest(a, b) has a column for each array.
                let count = if name == "unnest" { args.len().max(1) } else { own.len() };
                let made = (0..count)
                    .map(|index| {
                        let name = own.get(index).or(own.first()).copied().unwrap_or(name);
                        let first =
                            if count > 1 && columns.is_empty() { args.get(index) } else { args.first() };
                        let id = self.new_column(name, result.of(first));
                        NamedColumn { name: name.to_owned(), id }
                    })
                    .collect();
                Some((made, columns.is_empty()))
            }
            // A scalar function has one row with one column.
            Some(functions::Class::Scalar(_)) => {
                let name = alias.map_or(name, |alias| alias.name.text.as_str());
                let id = self.new_column(name, bound.ty.clone());
                Some((vec![NamedColumn { name: name.to_owned(), id }], true))
            }
            _ => {
                self.unmodelled(self.at(bound.range), format!("the function `{name}` in `FROM`"));
                None
            }
        }
    }

    fn named_columns(&mut self, names: &[Ident]) -> Vec<NamedColumn> {
        let make = |name: &Ident| NamedColumn {
            name: name.text.clone(),
            id: self.new_column(&name.text, SqlType::Unknown),
        };
        names.iter().map(make).collect()
    }

    // ---- joins ----

    fn join_item(
        &mut self,
        left: &TableExpr,
        right: &TableExpr,
        kind: ast::JoinKind,
        constraint: &JoinConstraint,
        range: TextRange,
    ) -> (Rel, Namespace) {
        let (left_rel, left_names) = self.table_expr(left);
        // The right side may refer to the left one by LATERAL, besides what the scope already shows.
        let mut seen = self.scopes.last().map(|scope| scope.names.clone()).unwrap_or_default();
        let before = seen.clone();
        seen.append(left_names.clone());
        let (right_rel, right_names) = self.with_names(seen, |binder| binder.table_expr(right));
        let common = match constraint {
            JoinConstraint::Using(names, _) => names.iter().map(|name| name.text.clone()).collect(),
            JoinConstraint::Natural => self.common_columns(&left_names, &right_names, range),
            JoinConstraint::On(_) | JoinConstraint::None => Vec::new(),
        };
        let on = match constraint {
            JoinConstraint::On(condition) => {
                // PostgreSQL shows the two sides only; SQLite everything before as well.
                let mut names = if self.dialect == Dialect::Sqlite { before } else { Namespace::default() };
                names.append(left_names.clone());
                names.append(right_names.clone());
                self.with_names(names, |binder| binder.expr(condition))
            }
            _ => self.truth(range),
        };
        let mut pairs = Vec::new();
        for name in &common {
            match (self.side_column(&left_names, name, range), self.side_column(&right_names, name, range)) {
                (Some(left), Some(right)) => pairs.push((name.clone(), left, right)),
                _ => continue,
            }
        }
        let on = if common.is_empty() { on } else { self.equalities(&pairs, range) };
        let joined = match kind {
            ast::JoinKind::Inner => self.join(JoinKind::Inner, left_rel, right_rel, on, range),
            ast::JoinKind::Left => self.join(JoinKind::Left, left_rel, right_rel, on, range),
            ast::JoinKind::Right => self.join(JoinKind::Left, right_rel, left_rel, on, range),
            ast::JoinKind::Full => self.join(JoinKind::Full, left_rel, right_rel, on, range),
        };
        if common.is_empty() {
            let mut names = left_names;
            names.append(right_names);
            return (joined, names);
        }
        let (rel, merged) = self.merged_columns(joined, &pairs, kind, range);
        let names = self.merged_names(left_names, right_names, &merged, constraint);
        (rel, names)
    }

    fn common_columns(&mut self, left: &Namespace, right: &Namespace, range: TextRange) -> Vec<String> {
        if left.gaps() != Gaps::None || right.gaps() != Gaps::None {
            self.unmodelled(range, "`NATURAL JOIN` with a relation whose columns are not all known");
        }
        let mut names: Vec<String> = Vec::new();
        for column in &left.columns {
            if self.position(&right.columns, &column.name).is_some() && !names.contains(&column.name) {
                names.push(column.name.clone());
            }
        }
        names
    }

    /// The one column of a side of a join by name.
    fn side_column(&mut self, side: &Namespace, name: &str, range: TextRange) -> Option<ColId> {
        let ids: Vec<ColId> =
            side.columns.iter().filter(|column| column.name == name).map(|column| column.id).collect();
        if let [id] = ids.as_slice() {
            return Some(*id);
        }
        if !ids.is_empty() || side.gaps() != Gaps::Unknown {
            let message = format!("the join column `{name}` does not resolve to one column on each side");
            self.obstacle(ObstacleKind::UnknownColumn, range, message);
        }
        None
    }

    fn equalities(&mut self, pairs: &[(String, ColId, ColId)], range: TextRange) -> Expr {
        let mut parts = Vec::new();
        for (_, left, right) in pairs {
            let (left, right) = (self.column_expr(*left, range), self.column_expr(*right, range));
            parts.push(self.compare(CompareOp::Eq, left, right, range));
        }
        match parts.len() {
            0 => self.truth(range),
            _ => self.make(ExprKind::And(parts), SqlType::Bool, range),
        }
    }

    fn merged_columns(
        &mut self,
        rel: Rel,
        pairs: &[(String, ColId, ColId)],
        kind: ast::JoinKind,
        range: TextRange,
    ) -> (Rel, Vec<(String, ColId)>) {
        if kind != ast::JoinKind::Full {
            let right = kind == ast::JoinKind::Right;
            let merged =
                pairs.iter().map(|(name, a, b)| (name.clone(), if right { *b } else { *a })).collect();
            return (rel, merged);
        }
        let mut computed = Vec::new();
        let mut merged = Vec::new();
        for (name, left, right) in pairs {
            let parts = vec![self.column_expr(*left, range), self.column_expr(*right, range)];
            let ty = super::types::unify_exprs(&parts);
            let id = self.new_column(name, ty.clone());
            computed.push((id, self.make(ExprKind::Coalesce(parts), ty, range)));
            merged.push((name.clone(), id));
        }
        (self.project(rel, computed, range), merged)
    }

    /// Adds computed columns; all others stay visible.
    pub(super) fn project(&self, input: Rel, computed: Vec<(ColId, Expr)>, range: TextRange) -> Rel {
        let mut cols = input.cols.clone();
        cols.extend(computed.iter().map(|(id, _)| *id));
        Rel { kind: RelKind::Project { input: Box::new(input), computed }, cols, range: self.at(range) }
    }

    /// Merged columns first, then what is left of both sides.
    fn merged_names(
        &self,
        left: Namespace,
        right: Namespace,
        merged: &[(String, ColId)],
        constraint: &JoinConstraint,
    ) -> Namespace {
        let rest = |columns: Vec<NamedColumn>| {
            columns.into_iter().filter(|column| merged.iter().all(|(name, _)| *name != column.name))
        };
        let mut columns: Vec<NamedColumn> =
            merged.iter().map(|(name, id)| NamedColumn { name: name.clone(), id: *id }).collect();
        let merged_only = columns.clone();
        columns.extend(rest(left.columns));
        columns.extend(rest(right.columns));
        let mut relations = left.relations;
        relations.extend(right.relations);
        if let JoinConstraint::Using(_, Some(alias)) = constraint {
            relations.push(plain_entry(&alias.text, merged_only, Gaps::None));
        }
        Namespace { relations, columns }
    }
}

/// A scan, below the policies that filter it.
fn stored(rel: &mut Rel) -> Option<&mut RelKind> {
    match &mut rel.kind {
        RelKind::Filter { input, .. } => Some(&mut input.kind),
        kind => Some(kind),
    }
}

/// The entry of a stored table under its own name.
pub(super) fn table_entry(table: &Table, cols: &[ColId]) -> Entry {
    let columns = table
        .columns
        .iter()
        .zip(cols)
        .map(|(column, id)| NamedColumn { name: column.name.clone(), id: *id })
        .collect();
    Entry {
        name: table.name.name.clone(),
        schema: Some(table.name.schema.clone()),
        columns,
        gaps: if table.complete { Gaps::None } else { Gaps::Incomplete },
        stored: true,
        scalar: false,
        typed: false,
    }
}

pub(super) fn plain_entry(name: &str, columns: Vec<NamedColumn>, gaps: Gaps) -> Entry {
    Entry { name: name.to_owned(), schema: None, columns, gaps, stored: false, scalar: false, typed: false }
}

pub(super) fn unknown_entry(name: &str, schema: Option<String>) -> Entry {
    Entry {
        name: name.to_owned(),
        schema,
        columns: Vec::new(),
        gaps: Gaps::Unknown,
        stored: false,
        scalar: false,
        typed: false,
    }
}

pub(super) fn function_name(call: &ast::Call) -> &str {
    call.name.parts.last().map_or("", |part| part.text.as_str())
}

/// The call's whole name, for messages.
pub(super) fn full_name(call: &ast::Call) -> String {
    shown(&call.name)
}
