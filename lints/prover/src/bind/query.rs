//! Queries around their `SELECT`s: `WITH`, set operations, `VALUES`, order and limits.

use std::rc::Rc;

use tenantry_span::TextRange;

use crate::ast::{self, Query, SetExpr, Statement};
use crate::plan::{Action, ColId, Expr, Rel, RelKind, SetOp};
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::scope::{CteEntry, CteState, Frame, Gaps, NamedColumn, Namespace, Scope};
use super::{Binder, MAX_COLUMNS, MAX_DEPTH, MAX_QUERIES, MAX_SCANS, from, types};

/// A bound query: its rows, its columns with their names, and whether there may be others.
pub(super) type Bound = (Rel, Vec<NamedColumn>, Gaps);

impl Binder<'_> {
    pub(super) fn query_statement(&mut self, query: &Query) -> Action {
        if let Some(action) = self.tenant_setting(query) {
            return action;
        }
        let (rel, columns, gaps) = self.query(query, &[]);
        self.output = match gaps {
            Gaps::None => columns.into_iter().map(|column| (column.name, column.id)).collect(),
            Gaps::Incomplete | Gaps::Unknown => Vec::new(),
        };
        Action::Query(rel)
    }

    /// Binds a query inside another one.
    pub(super) fn sub_query(&mut self, query: &Query) -> Bound {
        self.query(query, &[])
    }

    /// Binds a query. `wanted` are the types that the place gives to the columns (those of an `INSERT`'s target).
    pub(super) fn query(&mut self, query: &Query, wanted: &[SqlType]) -> Bound {
        self.queries += 1;
        let many =
            self.scans.len() >= MAX_SCANS || self.columns.len() >= MAX_COLUMNS || self.queries >= MAX_QUERIES;
        if many || self.depth >= MAX_DEPTH {
            self.limit(
                query.range,
                "the statement is nested too deeply, or too large with its views written out",
            );
            return (self.unit(query.range), Vec::new(), Gaps::Unknown);
        }
        self.depth += 1;
        let pushed = self.push_with(query.with.as_ref());
        let around = self.locking;
        self.locking |= !query.locking.is_empty();
        let bound = self.query_body(query, wanted);
        self.locking = around;
        self.pop_with(pushed);
        self.depth -= 1;
        bound
    }

    fn query_body(&mut self, query: &Query, wanted: &[SqlType]) -> Bound {
        let bound = match &query.body {
            SetExpr::Select(select) => self.select(select, &query.order_by, wanted),
            body => {
                let bound = self.set_expr(body, wanted, query.range);
                self.sorted(bound, &query.order_by)
            }
        };
        self.limited(bound, query)
    }

    /// `ORDER BY` over a query that is no plain `SELECT`: it sees the output columns only.
    fn sorted(&mut self, (rel, columns, gaps): Bound, order_by: &[ast::OrderBy]) -> Bound {
        if order_by.is_empty() {
            return (rel, columns, gaps);
        }
        let names = Namespace::of(from::plain_entry("", columns.clone(), gaps));
        let by = self.within(Scope::of(names), |binder| {
            let mut by = Vec::new();
            for order in order_by {
                // A position names a column that is read anyway.
                if !matches!(order.expr.kind, ast::ExprKind::Number(_)) {
                    by.push(binder.expr(&order.expr));
                }
            }
            by
        });
        let (cols, range) = (rel.cols.clone(), rel.range);
        (Rel { kind: RelKind::Sort { input: Box::new(rel), by }, cols, range }, columns, gaps)
    }

    fn limited(&mut self, (rel, columns, gaps): Bound, query: &Query) -> Bound {
        for locking in &query.locking {
            if locking.skips {
                self.assume(
                    "locks held by other tenants' transactions are not observed (SKIP LOCKED, NOWAIT)",
                );
            }
        }
        let mut counts = Vec::new();
        let written =
            [query.limit.as_ref(), query.offset.as_ref(), query.fetch.as_ref().map(|fetch| &fetch.0)];
        for count in written.into_iter().flatten() {
            let bound = self.expr(count);
            self.note(&bound, &SqlType::Int);
            counts.push(bound);
        }
        if counts.is_empty() {
            return (rel, columns, gaps);
        }
        let fetched = query.fetch.as_ref().filter(|(_, with_ties)| !with_ties).map(|(count, _)| count);
        let single = query.limit.iter().chain(fetched).any(is_one_or_none);
        let skips = query.offset.as_ref().is_some_and(is_one_or_more);
        let (cols, range) = (rel.cols.clone(), rel.range);
        let kind = RelKind::Limit { input: Box::new(rel), counts, single, skips };
        (Rel { kind, cols, range }, columns, gaps)
    }

    fn set_expr(&mut self, body: &SetExpr, wanted: &[SqlType], range: TextRange) -> Bound {
        match body {
            SetExpr::Select(select) => self.select(select, &[], wanted),
            SetExpr::Values(rows) => self.values(rows, wanted, range),
            SetExpr::Table(name) => {
                let select = ast::Select {
                    distinct: None,
                    items: vec![ast::SelectItem::Star(name.range)],
                    from: vec![ast::TableExpr::Table {
                        name: name.clone(),
                        only: false,
                        alias: None,
                        sample: None,
                        range: name.range,
                    }],
                    filter: None,
                    group_by: None,
                    having: None,
                    windows: Vec::new(),
                    into: None,
                    range: name.range,
                };
                self.select(&select, &[], wanted)
            }
            SetExpr::SetOp { op, all, left, right } => {
                self.depth += 1;
                if self.depth >= MAX_DEPTH {
                    self.limit(range, "the statement is nested too deeply");
                    self.depth -= 1;
                    return (self.unit(range), Vec::new(), Gaps::Unknown);
                }
                let left = self.set_expr(left, wanted, range);
                let right = self.set_expr(right, wanted, range);
                self.depth -= 1;
                self.set_operation(*op, *all, left, right, range)
            }
            SetExpr::Query(query) => self.query(query, wanted),
        }
    }

    fn set_operation(&mut self, op: SetOp, all: bool, left: Bound, right: Bound, range: TextRange) -> Bound {
        let (left, left_columns, left_gaps) = left;
        let (right, right_columns, right_gaps) = right;
        let gaps = left_gaps.max(right_gaps);
        if left_columns.len() != right_columns.len() && gaps == Gaps::None {
            self.obstacle(
                ObstacleKind::Syntax,
                range,
                "the arms of a set operation have different numbers of columns",
            );
        }
        if gaps == Gaps::Incomplete {
            self.unmodelled(range, "a set operation over columns that are not all known");
        }
        let columns = self.unified(&left_columns, &right_columns, &left, &right);
        let cols = columns.iter().map(|column| column.id).collect();
        let kind = RelKind::SetOp { op, all, left: Box::new(left), right: Box::new(right) };
        (Rel { kind, cols, range: self.at(range) }, columns, gaps)
    }

    /// Fresh columns for two arms, position by position.
    fn unified(&mut self, left: &[NamedColumn], right: &[NamedColumn], a: &Rel, b: &Rel) -> Vec<NamedColumn> {
        let mut columns = Vec::new();
        for (left, right) in left.iter().zip(right) {
            let ty = self.arm_type(left.id, a, right.id, b);
            columns.push(NamedColumn { name: left.name.clone(), id: self.new_column(&left.name, ty) });
        }
        columns
    }

    fn arm_type(&self, left: ColId, a: &Rel, right: ColId, b: &Rel) -> SqlType {
        let (left_ty, right_ty) = (self.ty(left), self.ty(right));
        let known = |ty: &SqlType, id, rel| *ty != SqlType::Unknown || untyped(rel, id);
        if known(&left_ty, left, a) && known(&right_ty, right, b) {
            types::unify(&left_ty, &right_ty)
        } else {
            SqlType::Unknown
        }
    }

    /// `VALUES`.
    pub(super) fn values(&mut self, rows: &[Vec<ast::Expr>], wanted: &[SqlType], range: TextRange) -> Bound {
        let width = rows.first().map_or(0, Vec::len);
        if rows.iter().any(|row| row.len() != width) {
            self.obstacle(ObstacleKind::Syntax, range, "the rows of `VALUES` have different lengths");
        }
        let mut bound: Vec<Vec<Expr>> = Vec::new();
        for row in rows {
            let mut exprs = Vec::new();
            for (position, value) in row.iter().take(width).enumerate() {
                let value = self.expr(value);
                if let Some(ty) = wanted.get(position) {
                    self.note(&value, ty);
                }
                exprs.push(value);
            }
            while exprs.len() < width {
                exprs.push(self.opaque(Vec::new(), range));
            }
            bound.push(exprs);
        }
        let mut columns = Vec::new();
        for position in 0..width {
            let column: Vec<Expr> = bound.iter().filter_map(|row| row.get(position).cloned()).collect();
            if wanted.is_empty() {
                self.note_together(&column);
            }
            let name = format!("column{}", position + 1);
            let id = self.new_column(&name, types::unify_exprs(&column));
            columns.push(NamedColumn { name, id });
        }
        let cols = columns.iter().map(|column| column.id).collect();
        (Rel { kind: RelKind::Values(bound), cols, range: self.at(range) }, columns, Gaps::None)
    }

    // ---- WITH ----

    /// Puts a `WITH` in force, and binds the data-modifying statements in it. Returns whether there is one.
    pub(super) fn push_with(&mut self, with: Option<&ast::With>) -> bool {
        let Some(with) = with else { return false };
        let top = self.scopes.is_empty() && self.frames.is_empty() && self.via.is_empty();
        let entries: Vec<CteEntry> = with
            .ctes
            .iter()
            .map(|cte| CteEntry {
                cte: Rc::new(cte.clone()),
                state: match *cte.statement {
                    Statement::Query(_) => CteState::Query,
                    _ => CteState::Pending,
                },
                referenced: false,
            })
            .collect();
        let count = entries.len();
        let scopes = self.scopes.len();
        self.frames.push(Frame { entries, visible: count, recursive: with.recursive, scopes });
        let index = self.frames.len() - 1;
        for (place, cte) in with.ctes.iter().enumerate() {
            if matches!(*cte.statement, Statement::Query(_)) {
                continue;
            }
            if !top {
                self.unmodelled(cte.range, "a data-modifying statement in an inner `WITH`");
            }
            self.see(index, if with.recursive { count } else { place });
            self.modifying_cte(index, place, cte);
            self.see(index, count);
        }
        true
    }

    fn see(&mut self, frame: usize, visible: usize) {
        if let Some(frame) = self.frames.get_mut(frame) {
            frame.visible = visible;
        }
    }

    fn modifying_cte(&mut self, frame: usize, place: usize, cte: &ast::Cte) {
        let (action, mut columns) = self.modifying_statement(&cte.statement, cte.range);
        for (column, name) in columns.iter_mut().zip(&cte.columns) {
            column.0.clone_from(&name.text);
        }
        let index = self.modifying.len();
        self.modifying.push(action);
        self.set_state(frame, place, CteState::Returned { action: index, columns });
    }

    fn set_state(&mut self, frame: usize, place: usize, state: CteState) {
        if let Some(entry) = self.frames.get_mut(frame).and_then(|frame| frame.entries.get_mut(place)) {
            entry.state = state;
        }
    }

    /// Takes a `WITH` out of force. Queries in it that nothing refers to do not run, but the database reads them, and
    /// their uses of placeholders count for the placeholders' types.
    pub(super) fn pop_with(&mut self, pushed: bool) {
        if !pushed {
            return;
        }
        let index = self.frames.len().saturating_sub(1);
        let entries = self.frames.last().map(|frame| frame.entries.clone()).unwrap_or_default();
        for (place, entry) in entries.iter().enumerate().rev() {
            let now = self.frames.last().and_then(|frame| frame.entries.get(place));
            if now.is_some_and(|now| now.referenced) || !matches!(entry.state, CteState::Query) {
                continue;
            }
            let before = (self.scans.len(), self.columns.len(), self.obstacles.len(), self.assumptions.len());
            let limit_reached = self.limit_reached;
            let _ = self.bind_cte(index, place, &Rc::clone(&entry.cte));
            self.scans.truncate(before.0);
            self.columns.truncate(before.1);
            self.obstacles.truncate(before.2);
            self.assumptions.truncate(before.3);
            self.row_fields.retain(|id, _| (id.0 as usize) < before.1);
            self.limit_reached = limit_reached;
        }
        self.frames.pop();
    }

    /// Binds the query of a common table expression where it was written, whatever stands around the reference.
    pub(super) fn bind_cte(&mut self, frame: usize, place: usize, cte: &Rc<ast::Cte>) -> Bound {
        let Some(home) = self.frames.get(frame) else {
            return (self.unit(cte.range), Vec::new(), Gaps::Unknown);
        };
        let (recursive, visible, count) = (home.recursive, home.visible, home.entries.len());
        let scopes = home.scopes.min(self.scopes.len());
        let inner_scopes = self.scopes.split_off(scopes);
        let inner_frames = self.frames.split_off(frame + 1);
        self.see(frame, if recursive { count } else { place });
        self.set_state(frame, place, CteState::Busy);
        let (rel, mut columns, gaps) = match &*cte.statement {
            Statement::Query(query) if recursive => self.recursive_cte(frame, place, cte, query),
            Statement::Query(query) => self.query(query, &[]),
            _ => (self.unit(cte.range), Vec::new(), Gaps::Unknown),
        };
        self.set_state(frame, place, CteState::Query);
        self.see(frame, visible);
        self.frames.extend(inner_frames);
        self.scopes.extend(inner_scopes);
        for (column, name) in columns.iter_mut().zip(&cte.columns) {
            column.name.clone_from(&name.text);
        }
        (rel, columns, gaps)
    }

    fn recursive_cte(&mut self, frame: usize, place: usize, cte: &ast::Cte, query: &Query) -> Bound {
        let SetExpr::SetOp { op: SetOp::Union, all, left, right } = &query.body else {
            return self.query(query, &[]);
        };
        self.depth += 1;
        let pushed = self.push_with(query.with.as_ref());
        let base = self.set_expr(left, &[], query.range);
        let mut working = Vec::new();
        for (position, column) in base.1.iter().enumerate() {
            let name = cte.columns.get(position).map_or(&column.name, |name| &name.text).clone();
            working.push(NamedColumn { id: self.new_column(&name, self.ty(column.id)), name });
        }
        self.set_state(frame, place, CteState::Step { working: working.clone(), references: 0 });
        let step = self.set_expr(right, &[], query.range);
        let state =
            self.frames.get(frame).and_then(|frame| frame.entries.get(place)).map(|entry| &entry.state);
        let references = match state {
            Some(CteState::Step { references, .. }) => *references,
            _ => 0,
        };
        self.set_state(frame, place, CteState::Busy);
        let bound = match references {
            0 => {
                let bound = self.set_operation(SetOp::Union, *all, base, step, query.range);
                let bound = self.sorted(bound, &query.order_by);
                self.limited(bound, query)
            }
            _ => self.recursion(query, *all, base, step, &working, references),
        };
        self.pop_with(pushed);
        self.depth -= 1;
        bound
    }

    fn recursion(
        &mut self,
        query: &Query,
        all: bool,
        base: Bound,
        step: Bound,
        working: &[NamedColumn],
        references: usize,
    ) -> Bound {
        if references > 1 {
            self.unmodelled(query.range, "a recursive query that refers to itself more than once");
        }
        if !query.order_by.is_empty()
            || query.limit.is_some()
            || query.offset.is_some()
            || query.fetch.is_some()
        {
            self.unmodelled(query.range, "a recursive query with its own order or limit");
        }
        let (base, base_columns, base_gaps) = base;
        let (step, step_columns, step_gaps) = step;
        let gaps = base_gaps.max(step_gaps);
        if base_columns.len() != step_columns.len() || gaps == Gaps::Incomplete {
            self.unmodelled(query.range, "a recursive query whose columns are not all known");
        }
        let mut columns = Vec::new();
        for ((base, step), working) in base_columns.iter().zip(&step_columns).zip(working) {
            let ty = types::unify(&self.ty(base.id), &self.ty(step.id));
            columns.push(NamedColumn { name: working.name.clone(), id: self.new_column(&working.name, ty) });
        }
        let cols = columns.iter().map(|column| column.id).collect();
        let kind = RelKind::Recursive {
            base: Box::new(base),
            step: Box::new(step),
            working: working.iter().map(|column| column.id).collect(),
            all,
        };
        (Rel { kind, cols, range: self.at(query.range) }, columns, gaps)
    }
}

/// Whether a column of an arm is an untyped constant or placeholder, which takes the other arm's type.
fn untyped(rel: &Rel, id: ColId) -> bool {
    match &rel.kind {
        RelKind::Project { computed, input } => {
            let own = computed.iter().find(|(computed, _)| *computed == id);
            own.map_or_else(|| untyped(input, id), |(_, expr)| types::adapts(expr))
        }
        RelKind::Values(rows) => rel
            .cols
            .iter()
            .position(|col| *col == id)
            .is_some_and(|position| rows.iter().all(|row| row.get(position).is_some_and(types::adapts))),
        RelKind::Limit { input, .. } | RelKind::Sort { input, .. } | RelKind::Distinct { input, .. } => {
            untyped(input, id)
        }
        _ => false,
    }
}

fn is_one_or_more(count: &ast::Expr) -> bool {
    matches!(&count.kind, ast::ExprKind::Number(text) if text.parse::<u64>().is_ok_and(|number| number > 0))
}

fn is_one_or_none(count: &ast::Expr) -> bool {
    matches!(&count.kind, ast::ExprKind::Number(text) if matches!(text.as_str(), "0" | "1"))
}
