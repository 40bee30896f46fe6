//! `INSERT`, `UPDATE`, `DELETE`.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, ConflictTarget, Ident, Statement, TableExpr};
use crate::catalog::{ColumnDefault, KeyKind, Relation, Table};
use crate::plan::{
    Action, AssignmentPlan, ColId, ConflictAction, ConflictPlan, DeletePlan, Expr, ExprKind, InsertPlan,
    InsertValue, JoinKind, Rel, RelKind, ScanId, Subquery, SubqueryUsage, UpdatePlan,
};
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::from::{plain_entry, table_entry};
use super::row_security::{Command, mentions, rel_mentions};
use super::scope::{Entry, NamedColumn, Namespace, Scope};
use super::triggers::Write;
use super::{Binder, ScanUse, shown};

/// What a statement returns: names and types.
pub(super) type Returned = Vec<(String, SqlType)>;

/// The table that a statement writes.
pub(super) struct Target<'a> {
    pub(super) table: &'a Table,
    pub(super) scan: ScanId,
    pub(super) cols: Vec<ColId>,
    /// The target's names as the statement sees them.
    pub(super) entry: Entry,
    /// The names that can be assigned, with their positions in the table.
    pub(super) names: Vec<(String, usize)>,
    /// For a view: its condition, and the table under the name it has there.
    pub(super) view_filter: Option<(ast::Expr, Entry)>,
    /// It is written through a view.
    pub(super) is_view: bool,
    pub(super) range: TextRange,
}

impl Target<'_> {
    /// The entry with other columns behind the same names.
    pub(super) fn entry_of(&self, cols: &[ColId]) -> Entry {
        let columns = self.names.iter().filter_map(|(name, position)| {
            Some(NamedColumn { name: name.clone(), id: *cols.get(*position)? })
        });
        Entry { columns: columns.collect(), ..self.entry.clone() }
    }

    /// The types of the target's columns at these positions.
    fn types(&self, positions: &[usize], binder: &Binder<'_>) -> Vec<SqlType> {
        let ty = |position: &usize| self.cols.get(*position).map_or(SqlType::Unknown, |id| binder.ty(*id));
        positions.iter().map(ty).collect()
    }
}

impl<'a> Binder<'a> {
    pub(super) fn insert(&mut self, insert: &ast::Insert) -> Action {
        let (action, returned) = self.insert_returning(insert);
        let cols = match &action {
            Action::Insert(plan) => plan.returning.as_ref().map(|rel| rel.cols.clone()),
            _ => None,
        };
        self.note_output(returned, cols);
        action
    }

    pub(super) fn update(&mut self, update: &ast::Update) -> Action {
        let (action, returned) = self.update_returning(update);
        let cols = match &action {
            Action::Update(plan) => plan.returning.as_ref().map(|rel| rel.cols.clone()),
            _ => None,
        };
        self.note_output(returned, cols);
        action
    }

    pub(super) fn delete(&mut self, delete: &ast::Delete) -> Action {
        self.delete_returning(delete).0
    }

    fn note_output(&mut self, returned: Returned, cols: Option<Vec<ColId>>) {
        let cols = cols.filter(|cols| cols.len() == returned.len()).unwrap_or_default();
        self.output = returned.into_iter().map(|(name, _)| name).zip(cols).collect();
    }

    /// A data-modifying common table expression.
    pub(super) fn modifying_statement(
        &mut self,
        statement: &Statement,
        range: TextRange,
    ) -> (Action, Returned) {
        match statement {
            Statement::Insert(insert) => self.insert_returning(insert),
            Statement::Update(update) => self.update_returning(update),
            Statement::Delete(delete) => self.delete_returning(delete),
            Statement::Merge(merge) => (self.merge(merge), Vec::new()),
            other => (self.statement(other, range), Vec::new()),
        }
    }

    // ---- the target ----

    /// Finds the written table; `None` after an obstacle.
    pub(super) fn target(
        &mut self,
        name: &ast::ObjectName,
        alias: Option<&Ident>,
        only: bool,
        range: TextRange,
    ) -> Option<Target<'a>> {
        let own_name = name.parts.last().map_or("", |part| part.text.as_str());
        let alias_text = alias.map_or(own_name, |alias| alias.text.as_str());
        let used = ScanUse { alias: alias_text, aliased: alias.is_some(), only, range, is_target: true };
        let mut target = match self.lookup(name) {
            Some(Relation::Table(table)) => {
                let (scan, cols) = self.new_scan(table, used);
                let names = table.columns.iter().enumerate();
                let names = names.map(|(position, column)| (column.name.clone(), position)).collect();
                let entry = table_entry(table, &cols);
                Target { table, scan, cols, entry, names, view_filter: None, is_view: false, range }
            }
            Some(Relation::View(view)) => {
                let found = self.writable_view(view, range)?;
                self.via.push(view.name.clone());
                let (scan, cols) = self.new_scan(found.table, used);
                self.via.pop();
                let base = table_entry(found.table, &cols);
                let base = Entry { name: found.alias, ..base };
                let columns = found.columns.iter().filter_map(|(name, position)| {
                    Some(NamedColumn { name: name.clone(), id: *cols.get(*position)? })
                });
                let mut entry = plain_entry(own_name, columns.collect(), base.gaps);
                entry.schema = Some(view.name.schema.clone());
                let view_filter = found.filter.map(|filter| (filter, base));
                Target {
                    table: found.table,
                    scan,
                    cols,
                    entry,
                    names: found.columns,
                    view_filter,
                    is_view: true,
                    range,
                }
            }
            None => {
                self.unknown_table(name);
                return None;
            }
        };
        if let Some(alias) = alias {
            target.entry.name.clone_from(&alias.text);
            target.entry.schema = None;
        }
        Some(target)
    }

    /// The written table of `UPDATE`, `DELETE` and `MERGE`.
    pub(super) fn target_expr(&mut self, target: &TableExpr) -> Option<Target<'a>> {
        match target {
            TableExpr::Table { name, only, alias, sample: None, range } => {
                if let Some(alias) = alias
                    && !alias.columns.is_empty()
                {
                    self.unmodelled(*range, "a list of column names for the written table");
                }
                self.target(name, alias.as_ref().map(|alias| &alias.name), *only, *range)
            }
            _ => {
                self.unmodelled(TextRange::empty(0), "a write to other than one named table");
                None
            }
        }
    }

    /// The target's rows, with a view's own condition.
    fn target_rel(&mut self, target: &Target<'_>) -> Rel {
        let rel = self.scan_rel(target.scan, target.cols.clone(), target.range);
        let Some((filter, entry)) = &target.view_filter else { return rel };
        let outer = self.view_range.replace(self.at(target.range));
        let scopes = std::mem::take(&mut self.scopes);
        let frames = std::mem::take(&mut self.frames);
        let predicate =
            self.within(Scope::of(Namespace::of(entry.clone())), |binder| binder.condition(filter));
        self.frames = frames;
        self.scopes = scopes;
        self.view_range = outer;
        self.filter(rel, predicate)
    }

    /// The rows of a written table that policies leave; a write through a view is not proved by them.
    fn secured_target(
        &mut self,
        target: &Target<'a>,
        command: Command,
        (input, looks): (Rel, bool),
        range: TextRange,
    ) -> Rel {
        if target.is_view {
            self.unsecured_target(target.table, target.scan, range, "a write through a view");
            return input;
        }
        self.secure_target(target.table, target.scan, command, (input, looks))
    }

    /// What policies ask of a new row.
    fn new_row_check(
        &mut self,
        target: &Target<'a>,
        row: &[ColId],
        command: Command,
        range: TextRange,
    ) -> Option<Expr> {
        if target.is_view {
            self.unsecured_target(target.table, target.scan, range, "a write through a view");
            return None;
        }
        self.secured_row(target.table, target.scan, row, command, range)
    }

    /// The position of a column that is assigned; `None` after an obstacle.
    pub(super) fn assigned(&mut self, target: &Target<'_>, name: &Ident) -> Option<usize> {
        let same = |known: &str| match self.dialect {
            Dialect::Postgres => known == name.text,
            Dialect::Mysql | Dialect::Sqlite => known.eq_ignore_ascii_case(&name.text),
        };
        let found = target.names.iter().find(|(known, _)| same(known)).map(|(_, position)| *position);
        if found.is_none() {
            let message = format!("`{}` has no column `{}`", target.table.name.name, name.text);
            self.obstacle(ObstacleKind::UnknownColumn, name.range, message);
        }
        found
    }

    pub(super) fn refuse_computed(&mut self, target: &Target<'_>, position: usize, range: TextRange) {
        let column = target.table.columns.get(position);
        if let Some(column) = column
            && matches!(column.default, ColumnDefault::Computed(_))
        {
            let message = format!(
                "the column `{}` is computed by the database and cannot be given a value",
                column.name
            );
            self.obstacle(ObstacleKind::Syntax, range, message);
        }
    }

    // ---- INSERT ----

    fn insert_returning(&mut self, insert: &ast::Insert) -> (Action, Returned) {
        let pushed = self.push_with(insert.with.as_ref());
        let result = self.insert_body(insert);
        self.pop_with(pushed);
        result
    }

    fn insert_body(&mut self, insert: &ast::Insert) -> (Action, Returned) {
        let Some(target) = self.target(&insert.table, insert.alias.as_ref(), false, insert.table.range)
        else {
            return (Action::Unmodelled, Vec::new());
        };
        let Some(mut positions) = self.insert_positions(insert, &target) else {
            return (Action::Unmodelled, Vec::new());
        };
        let (source, columns) = match &insert.source {
            Some(source) => {
                let wanted = target.types(&positions, self);
                let (rel, columns, _) = self.query(source, &wanted);
                (rel, columns)
            }
            None => (self.unit(insert.range), Vec::new()),
        };
        if insert.columns.is_empty() {
            // Without a list of columns the values fill the leading ones.
            positions.truncate(columns.len());
        }
        let excess = columns.len() != positions.len() && insert.source.is_some();
        if excess {
            self.obstacle(ObstacleKind::Syntax, insert.range, "there are not as many values as columns");
        }
        let values = self.insert_values(&target, &positions, &columns, &source, insert.range);
        let row = target.cols.clone();
        let check = self.new_row_check(&target, &row, Command::Insert, insert.range);
        let conflict = insert.on_conflict.as_ref().map(|conflict| self.conflict(conflict, &target));
        let given = |position: &usize| {
            let at = positions.iter().position(|known| known == position);
            at.is_some_and(|index| index < columns.len() && !may_be_default(&source, index))
        };
        let defaulted = (0..values.len()).filter(|position| !given(position)).collect();
        self.written(target.table, &Write::Insert { defaulted }, insert.range);
        match conflict.as_ref().map(|conflict| &conflict.action) {
            Some(ConflictAction::Update { assignments, .. }) => {
                self.written(target.table, &Write::update(assignments), insert.range);
                let assigned: Vec<usize> = assignments.iter().map(|a| a.column).collect();
                self.cascade_triggers(target.table, Some(&assigned), insert.range);
            }
            Some(ConflictAction::Replace) => {
                self.written(target.table, &Write::Delete, insert.range);
                self.cascade_triggers(target.table, None, insert.range);
            }
            Some(ConflictAction::Nothing) | None => {}
        }
        let names = Namespace::of(target.entry_of(&row));
        let around = self.new_row_scope.replace(self.scopes.len() + 1);
        let (returning, returned) = self.returning(&insert.returning, names, row.clone(), insert.range);
        self.new_row_scope = around;
        let range = self.at(insert.range);
        let plan = InsertPlan { target: target.scan, source, values, row, check, conflict, returning, range };
        (Action::Insert(plan), returned)
    }

    fn insert_positions(&mut self, insert: &ast::Insert, target: &Target<'_>) -> Option<Vec<usize>> {
        if insert.columns.is_empty() {
            if insert.source.is_some() && !target.entry.is_complete() {
                let name = shown(&insert.table);
                self.unmodelled(
                    insert.range,
                    format!("an `INSERT` by position into `{name}`, whose columns may not all be known,"),
                );
                return None;
            }
            return Some(target.names.iter().map(|(_, position)| *position).collect());
        }
        let mut positions = Vec::new();
        for name in &insert.columns {
            let position = self.assigned(target, name)?;
            if positions.contains(&position) {
                self.obstacle(
                    ObstacleKind::Syntax,
                    name.range,
                    format!("the column `{}` is given twice", name.text),
                );
            }
            positions.push(position);
        }
        Some(positions)
    }

    fn insert_values(
        &mut self,
        target: &Target<'_>,
        positions: &[usize],
        columns: &[NamedColumn],
        source: &Rel,
        range: TextRange,
    ) -> Vec<InsertValue> {
        let mut values: Vec<InsertValue> = target.cols.iter().map(|_| InsertValue::Default).collect();
        for (index, (position, column)) in positions.iter().zip(columns).enumerate() {
            if is_default(source, index) {
                continue;
            }
            self.refuse_computed(target, *position, range);
            if let Some(value) = values.get_mut(*position) {
                *value = InsertValue::Source(column.id);
            }
        }
        values
    }

    // ---- ON CONFLICT ----

    fn conflict(&mut self, conflict: &ast::OnConflict, target: &Target<'a>) -> ConflictPlan {
        let (keys, any) = self.conflict_keys(&conflict.target, target, conflict.range);
        let action = match &conflict.action {
            ast::ConflictAction::Nothing => ConflictAction::Nothing,
            ast::ConflictAction::Replace => ConflictAction::Replace,
            ast::ConflictAction::Update { assignments, filter } => {
                let used = ScanUse {
                    alias: &target.entry.name,
                    aliased: target.entry.schema.is_none(),
                    only: false,
                    range: target.range,
                    is_target: true,
                };
                let (existing, cols) = self.new_scan(target.table, used);
                self.unsecured_target(target.table, existing, conflict.range, "`ON CONFLICT DO UPDATE`");
                let mut excluded = Vec::new();
                for column in &target.table.columns {
                    let ty = self.catalog.resolve_type(&column.ty);
                    excluded.push(self.new_column(&column.name, ty));
                }
                let own = target.entry_of(&cols);
                let proposed = Entry {
                    name: "excluded".to_owned(),
                    schema: None,
                    stored: false,
                    ..target.entry_of(&excluded)
                };
                let mut names = Namespace::of(own);
                match self.dialect {
                    Dialect::Postgres => names.append(Namespace::of(proposed)),
                    // An unqualified name is the existing row's.
                    Dialect::Mysql | Dialect::Sqlite => names.relations.push(proposed),
                }
                self.within(Scope::of(names), |binder| {
                    let assignments = binder.assignments(assignments, target, conflict.range);
                    let filter = filter.as_ref().map(|filter| binder.condition(filter));
                    ConflictAction::Update { existing, excluded, assignments, filter }
                })
            }
        };
        ConflictPlan { keys, any, action, range: self.at(conflict.range) }
    }

    fn conflict_keys(
        &mut self,
        written: &ConflictTarget,
        target: &Target<'_>,
        range: TextRange,
    ) -> (Vec<usize>, bool) {
        let keys = target.table.keys.iter().enumerate();
        let (found, any): (Vec<usize>, bool) = match written {
            ConflictTarget::Any => (keys.map(|(index, _)| index).collect(), true),
            ConflictTarget::Constraint(name) => {
                let named = keys.filter(|(_, key)| key.name == name.text && key.predicate.is_none());
                (named.map(|(index, _)| index).collect(), false)
            }
            ConflictTarget::Columns { elements, filter } => {
                let is_plain = |element: &&ast::Expr| matches!(element.kind, ast::ExprKind::Column(_));
                let (plain, others): (Vec<_>, Vec<_>) = elements.iter().partition(is_plain);
                let columns = self.plain_columns(&plain, target);
                // Of several keys with these columns and some expressions any may be meant, and all are judged.
                let fits = |key: &crate::catalog::Key| {
                    columns.as_ref().is_some_and(|columns| same_set(columns, &key.columns))
                        && key.has_expressions != others.is_empty()
                        && !key.deferrable
                        && key.kind != KeyKind::Exclusion
                        && (key.predicate.is_none() || filter.is_some())
                };
                (keys.filter(|(_, key)| fits(key)).map(|(index, _)| index).collect(), false)
            }
        };
        if !target.table.complete {
            self.unmodelled(range, "a conflict clause on a table whose constraints may not all be known");
        }
        if found.is_empty() && !any {
            let is_plain = |key: &&crate::catalog::Key| {
                key.kind != KeyKind::Exclusion
                    && key.predicate.is_none()
                    && !key.has_expressions
                    && !key.deferrable
            };
            let keys = target.table.keys.iter().filter(is_plain);
            let keys: Vec<String> = keys.map(|key| format!("({})", key.columns.join(", "))).collect();
            let keys =
                if keys.is_empty() { String::new() } else { format!("; there are {}", keys.join(", ")) };
            let message = format!(
                "no unique constraint of `{}` is the one this conflict target means{keys}",
                target.table.name.name
            );
            self.obstacle(ObstacleKind::Unmodelled, range, message);
        }
        (found, any)
    }

    /// The table's names of conflict elements that are all plain columns.
    fn plain_columns(&self, elements: &[&ast::Expr], target: &Target<'_>) -> Option<Vec<String>> {
        let mut columns = Vec::new();
        for element in elements {
            let ast::ExprKind::Column(parts) = &element.kind else { return None };
            let [name] = parts.as_slice() else { return None };
            let (_, position) = target.names.iter().find(|(known, _)| match self.dialect {
                Dialect::Postgres => *known == name.text,
                Dialect::Mysql | Dialect::Sqlite => known.eq_ignore_ascii_case(&name.text),
            })?;
            columns.push(target.table.columns.get(*position)?.name.clone());
        }
        Some(columns)
    }

    // ---- assignments ----

    /// `SET`, in the innermost scope.
    pub(super) fn assignments(
        &mut self,
        written: &[ast::Assignment],
        target: &Target<'_>,
        range: TextRange,
    ) -> Vec<AssignmentPlan> {
        let mut plans: Vec<AssignmentPlan> = Vec::new();
        for assignment in written {
            let values = self.assigned_values(assignment, range);
            for (name, mut value) in assignment.columns.iter().zip(values) {
                let Some(column) = self.assigned(target, name) else { continue };
                let id = target.cols.get(column).copied();
                let ty = id.map_or(SqlType::Unknown, |id| self.ty(id));
                if assignment.partial {
                    // What is left of the old value stays.
                    let mut args: Vec<Expr> = vec![value];
                    args.extend(id.map(|id| self.column_expr(id, name.range)));
                    value = self.make(ExprKind::Pure { name: "partial".to_owned(), args }, ty, name.range);
                } else {
                    self.note(&value, &ty);
                }
                if !matches!(value.kind, ExprKind::Default) {
                    self.refuse_computed(target, column, name.range);
                }
                if !assignment.partial && plans.iter().any(|plan| plan.column == column) {
                    self.obstacle(
                        ObstacleKind::Syntax,
                        name.range,
                        format!("the column `{}` is set twice", name.text),
                    );
                }
                let place = self.at(name.range.cover(assignment.value.range));
                plans.push(AssignmentPlan { column, value, range: place });
            }
        }
        plans
    }

    /// One value for each column of an assignment.
    fn assigned_values(&mut self, assignment: &ast::Assignment, range: TextRange) -> Vec<Expr> {
        let count = assignment.columns.len();
        match &assignment.value.kind {
            ast::ExprKind::Row(items) if items.len() == count && count > 1 => {
                items.iter().map(|item| self.expr(item)).collect()
            }
            ast::ExprKind::Subquery(query) if count > 1 => {
                let mut values = Vec::new();
                for index in 0..count {
                    values.push(self.one_column(query, index, count, assignment.value.range));
                }
                values
            }
            _ if count == 1 => vec![self.expr(&assignment.value)],
            _ => {
                self.unmodelled(range, "this form of an assignment to several columns");
                (0..count).map(|_| self.opaque(Vec::new(), range)).collect()
            }
        }
    }

    /// One of the `count` columns of a subquery that gives one row.
    pub(super) fn one_column(
        &mut self,
        query: &ast::Query,
        index: usize,
        count: usize,
        range: TextRange,
    ) -> Expr {
        let (rel, columns, _) = self.sub_query(query);
        let wanted = columns.get(index).map(|column| column.id);
        let Some(id) = wanted.filter(|_| columns.len() == count) else {
            self.obstacle(
                ObstacleKind::Syntax,
                range,
                "the subquery has another number of columns than are wanted",
            );
            return self.opaque(Vec::new(), range);
        };
        let mut rel = self.project(rel, Vec::new(), range);
        rel.cols = vec![id];
        let subquery = Subquery { usage: SubqueryUsage::Scalar, rel };
        self.make(ExprKind::Subquery(Box::new(subquery)), self.ty(id), range)
    }

    // ---- UPDATE and DELETE ----

    /// The target joined with the other relations. Returns the relation and the names of both.
    fn joined(&mut self, target: &Target<'a>, others: &[TableExpr], range: TextRange) -> (Rel, Namespace) {
        let (other, more) = self.within(Scope::new(), |binder| {
            let rel = binder.relations_of(others, range);
            let names = binder.scopes.last().map(|scope| scope.names.clone()).unwrap_or_default();
            (rel, names)
        });
        let rel = self.target_rel(target);
        let mut names = Namespace::of(target.entry.clone());
        names.append(more);
        let rel = match other {
            None => rel,
            Some(other) => {
                let on = self.truth(range);
                self.join(JoinKind::Inner, rel, other, on, range)
            }
        };
        (rel, names)
    }

    fn update_returning(&mut self, update: &ast::Update) -> (Action, Returned) {
        let pushed = self.push_with(update.with.as_ref());
        let result = self.update_body(update);
        self.pop_with(pushed);
        result
    }

    fn update_body(&mut self, update: &ast::Update) -> (Action, Returned) {
        let Some(target) = self.target_expr(&update.target) else {
            return (Action::Unmodelled, Vec::new());
        };
        if let Some(limit) = update.limit {
            self.unmodelled(limit, "`ORDER BY … LIMIT` of an `UPDATE`");
        }
        if update.replaces {
            self.unmodelled(update.range, "`UPDATE OR REPLACE`");
        }
        let (rel, names) = self.joined(&target, &update.from, update.range);
        let (input, assignments) = self.within(Scope::of(names.clone()), |binder| {
            let assignments = binder.assignments(&update.assignments, &target, update.range);
            let input = binder.filtered(rel, update.filter.as_ref());
            (input, assignments)
        });
        let mut row = target.cols.clone();
        for assignment in &assignments {
            let column = target.table.columns.get(assignment.column);
            let name = column.map_or("", |column| column.name.as_str());
            let ty = target.cols.get(assignment.column).map_or(SqlType::Unknown, |id| self.ty(*id));
            let fresh = self.new_column(name, ty);
            if let Some(id) = row.get_mut(assignment.column) {
                *id = fresh;
            }
        }
        self.written(target.table, &Write::update(&assignments), update.range);
        let assigned: Vec<usize> = assignments.iter().map(|assignment| assignment.column).collect();
        self.cascade_triggers(target.table, Some(&assigned), update.range);
        let check = self.new_row_check(&target, &row, Command::Update, update.range);
        let own = target.entry_of(&row);
        let names = returning_names(own, names);
        let mut cols = row.clone();
        cols.extend(input.cols.iter().filter(|id| !row.contains(id)));
        let (returning, returned) = self.returning(&update.returning, names, cols, update.range);
        let looks = |expr: &Expr| mentions(read_of(expr), &target.cols);
        let returns =
            returning.as_ref().is_some_and(|rel| looks_at(rel, &target.cols) || looks_at(rel, &row));
        let looks = returns || assignments.iter().any(|assignment| looks(&assignment.value));
        let input = self.secured_target(&target, Command::Update, (input, looks), update.range);
        let range = self.at(update.range);
        let plan = UpdatePlan { target: target.scan, input, assignments, row, check, returning, range };
        (Action::Update(plan), returned)
    }

    fn delete_returning(&mut self, delete: &ast::Delete) -> (Action, Returned) {
        let pushed = self.push_with(delete.with.as_ref());
        let result = self.delete_body(delete);
        self.pop_with(pushed);
        result
    }

    fn delete_body(&mut self, delete: &ast::Delete) -> (Action, Returned) {
        let Some(target) = self.target_expr(&delete.target) else {
            return (Action::Unmodelled, Vec::new());
        };
        if let Some(limit) = delete.limit {
            self.unmodelled(limit, "`ORDER BY … LIMIT` of a `DELETE`");
        }
        let (rel, names) = self.joined(&target, &delete.using, delete.range);
        let input =
            self.within(Scope::of(names.clone()), |binder| binder.filtered(rel, delete.filter.as_ref()));
        self.written(target.table, &Write::Delete, delete.range);
        self.cascade_triggers(target.table, None, delete.range);
        let cols = input.cols.clone();
        let (returning, returned) = self.returning(&delete.returning, names, cols, delete.range);
        let looks = returning.as_ref().is_some_and(|rel| looks_at(rel, &target.cols));
        let input = self.secured_target(&target, Command::Delete, (input, looks), delete.range);
        let range = self.at(delete.range);
        (Action::Delete(DeletePlan { target: target.scan, input, returning, range }), returned)
    }

    fn filtered(&mut self, rel: Rel, filter: Option<&ast::Expr>) -> Rel {
        match filter {
            Some(filter) => {
                let predicate = self.condition(filter);
                self.filter(rel, predicate)
            }
            None => rel,
        }
    }
}

/// The names of an `UPDATE`'s input with the target's new row in the place of the old.
fn returning_names(own: Entry, names: Namespace) -> Namespace {
    let old = names.relations.first().map_or(0, |entry| entry.columns.len());
    let mut result = Namespace::of(own);
    result.relations.extend(names.relations.into_iter().skip(1));
    result.columns.extend(names.columns.into_iter().skip(old));
    result
}

/// What an assignment's expression looks at: of a part of a column, the new value alone.
fn read_of(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Pure { name, args } if name == "partial" => args.first().unwrap_or(expr),
        _ => expr,
    }
}

/// Whether a `RETURNING` looks at one of the columns.
fn looks_at(rel: &Rel, cols: &[ColId]) -> bool {
    rel.cols.iter().any(|col| cols.contains(col)) || rel_mentions(rel, cols)
}

fn same_set(left: &[String], right: &[String]) -> bool {
    left.iter().all(|name| right.contains(name)) && right.iter().all(|name| left.contains(name))
}

/// Whether a column of the source is `DEFAULT` in every row.
fn is_default(source: &Rel, index: usize) -> bool {
    let RelKind::Values(rows) = &source.kind else { return false };
    !rows.is_empty() && rows.iter().all(|row| is_default_in(row, index))
}

/// Whether a column of the source is `DEFAULT` in some row.
fn may_be_default(source: &Rel, index: usize) -> bool {
    let RelKind::Values(rows) = &source.kind else { return false };
    rows.iter().any(|row| is_default_in(row, index))
}

fn is_default_in(row: &[Expr], index: usize) -> bool {
    row.get(index).is_some_and(|expr| matches!(expr.kind, ExprKind::Default))
}
