//! Columns that nothing uses: window functions and subqueries that compute them need no proof, nor do the tables that
//! only they read. A view has such columns for whoever does not ask for them.
//!
//! **Invariant:** a column is unused only if leaving it out changes neither which rows there are nor what is seen of them.

use std::collections::BTreeSet;

use crate::plan::{
    Action, AssignmentPlan, ColId, ConflictAction, Expr, ExprKind, Grouping, InsertValue, MergeActionPlan,
    Plan, Rel, RelKind, ScanId, Subquery, SubqueryUsage, WindowCall,
};

use super::walk::children;

/// Notes in the plan which computed columns nothing uses, and the scans that only they have. Whether such a one is computed all
/// the same is not known, so that with `strict` it must be one that cannot fail.
pub(super) fn note(plan: &mut Plan, strict: bool) {
    let mut uses = Uses::default();
    plan.modifying.iter().chain(std::iter::once(&plan.main)).for_each(|action| uses.action(action));
    if !uses.computed.iter().any(Computed::matters) {
        return;
    }
    uses.used.extend(plan.output.iter().map(|(_, id)| *id));
    uses.spread();
    for unused in uses.computed.into_iter().filter(Computed::matters) {
        if unused.is_total || !strict {
            plan.unused.insert(unused.id);
            plan.unread.extend(unused.scans);
        } else {
            plan.perhaps_unread.extend(unused.scans);
        }
    }
}

/// The columns that a plan uses, and what it asks of some of them: conditions on `apart` are left aside, and so is the side of
/// the join `beside` that is not kept, with the join's condition.
pub(crate) fn used_beside<'p>(
    plan: &'p Plan,
    beside: Option<(&'p Rel, &'p Rel)>,
    apart: &BTreeSet<ColId>,
) -> (BTreeSet<ColId>, Vec<Expr>) {
    let mut uses = Uses { beside, apart: apart.clone(), ..Uses::default() };
    plan.modifying.iter().chain(std::iter::once(&plan.main)).for_each(|action| uses.action(action));
    uses.used.extend(plan.output.iter().map(|(_, id)| *id));
    uses.spread();
    (uses.used, uses.asides)
}

/// The relations that a relation is made of.
pub(crate) fn inputs(rel: &Rel) -> Vec<&Rel> {
    match &rel.kind {
        RelKind::Unit
        | RelKind::Scan { .. }
        | RelKind::Values(_)
        | RelKind::WorkingTable
        | RelKind::Returned { .. }
        | RelKind::WrittenRow
        | RelKind::Function { .. } => Vec::new(),
        RelKind::Filter { input, .. }
        | RelKind::Project { input, .. }
        | RelKind::Aggregate { input, .. }
        | RelKind::Window { input, .. }
        | RelKind::Distinct { input, .. }
        | RelKind::Sort { input, .. }
        | RelKind::Limit { input, .. } => vec![input],
        RelKind::Join { left, right, .. }
        | RelKind::SetOp { left, right, .. }
        | RelKind::Recursive { base: left, step: right, .. } => vec![left, right],
    }
}

/// The expressions of a relation itself, not of those that it is made of.
pub(crate) fn own_exprs(rel: &Rel) -> Vec<&Expr> {
    match &rel.kind {
        RelKind::Unit
        | RelKind::Scan { .. }
        | RelKind::WorkingTable
        | RelKind::Returned { .. }
        | RelKind::WrittenRow
        | RelKind::SetOp { .. }
        | RelKind::Recursive { .. } => Vec::new(),
        RelKind::Values(rows) => rows.iter().flatten().collect(),
        RelKind::Filter { predicate, .. } => vec![predicate],
        RelKind::Join { on, .. } => vec![on],
        RelKind::Project { computed, .. } => computed.iter().map(|(_, expr)| expr).collect(),
        RelKind::Aggregate { aggregates, .. } => {
            aggregates.iter().flat_map(|(_, call)| call.args.iter().chain(&call.filter)).collect()
        }
        RelKind::Window { calls, .. } => {
            calls.iter().flat_map(|(_, call)| call.args.iter().chain(&call.partition_by)).collect()
        }
        RelKind::Distinct { on, .. } => on.iter().flatten().collect(),
        RelKind::Sort { by, .. } => by.iter().collect(),
        RelKind::Limit { counts, .. } => counts.iter().collect(),
        RelKind::Function { calls } => calls.iter().collect(),
    }
}

/// A computed column.
struct Computed {
    id: ColId,
    /// The columns that it is made of.
    columns: BTreeSet<ColId>,
    /// The scans of its subqueries.
    scans: BTreeSet<ScanId>,
    is_window: bool,
    /// It fails for no rows.
    is_total: bool,
}

impl Computed {
    /// Leaving it out makes a difference.
    fn matters(&self) -> bool {
        self.is_window || !self.scans.is_empty()
    }
}

/// Which columns are used.
#[derive(Default)]
struct Uses<'p> {
    used: BTreeSet<ColId>,
    /// Those that use what they are made of only where they are used themselves.
    computed: Vec<Computed>,
    /// A join, and the side of it that is looked at alone.
    beside: Option<(&'p Rel, &'p Rel)>,
    /// Columns whose conditions are left aside.
    apart: BTreeSet<ColId>,
    /// Those conditions.
    asides: Vec<Expr>,
}

impl Uses<'_> {
    /// Leaves as computed what is not used.
    fn spread(&mut self) {
        loop {
            let all = std::mem::take(&mut self.computed);
            let (used, rest): (Vec<_>, Vec<_>) =
                all.into_iter().partition(|computed| self.used.contains(&computed.id));
            self.computed = rest;
            if used.is_empty() {
                return;
            }
            self.used.extend(used.into_iter().flat_map(|computed| computed.columns));
        }
    }

    fn compute<'e>(&mut self, id: ColId, is_window: bool, exprs: impl Iterator<Item = &'e Expr> + Clone) {
        let mut scans = BTreeSet::new();
        exprs.clone().for_each(|expr| scans_in(expr, &mut scans));
        let around = std::mem::take(&mut self.used);
        exprs.for_each(|expr| self.expr(expr));
        let columns = std::mem::replace(&mut self.used, around);
        self.computed.push(Computed { id, columns, scans, is_window, is_total: false });
    }

    fn window(&mut self, id: ColId, call: &WindowCall) {
        let exprs = || call.args.iter().chain(&call.partition_by);
        self.compute(id, true, exprs());
        let counts = matches!(call.name.as_str(), "count" | "row_number" | "rank" | "dense_rank");
        let is_total = counts && exprs().all(|expr| matches!(expr.kind, ExprKind::Column(_)));
        if let Some(computed) = self.computed.last_mut() {
            computed.is_total = is_total;
        }
    }

    fn expr(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Column(id) => {
                self.used.insert(*id);
            }
            ExprKind::WholeRow(fields) => self.used.extend(fields.iter().map(|(_, id)| *id)),
            ExprKind::Subquery(subquery) => self.subquery(subquery),
            _ => children(expr, &mut |child| self.expr(child)),
        }
    }

    fn subquery(&mut self, subquery: &Subquery) {
        match &subquery.usage {
            // Whether there is a row, not what is in it.
            SubqueryUsage::Exists => {}
            SubqueryUsage::Any(operands, _) | SubqueryUsage::All(operands, _) => {
                operands.iter().for_each(|operand| self.expr(operand));
                self.used.extend(&subquery.rel.cols);
            }
            SubqueryUsage::Scalar | SubqueryUsage::Array => self.used.extend(&subquery.rel.cols),
        }
        self.rel(&subquery.rel);
    }

    /// A condition, or what of it asks nothing of the columns that are looked at.
    fn condition(&mut self, predicate: &Expr) {
        let atoms = match &predicate.kind {
            ExprKind::And(parts) if !self.apart.is_empty() => parts.as_slice(),
            _ => std::slice::from_ref(predicate),
        };
        for atom in atoms {
            let mut one = Uses::default();
            if !self.apart.is_empty() {
                one.expr(atom);
            }
            match one.used.is_disjoint(&self.apart) {
                true => self.expr(atom),
                false => self.asides.push(atom.clone()),
            }
        }
    }

    fn rel(&mut self, rel: &Rel) {
        if let Some((join, kept)) = self.beside
            && std::ptr::eq(join, rel)
        {
            return self.rel(kept);
        }
        inputs(rel).into_iter().for_each(|input| self.rel(input));
        match &rel.kind {
            RelKind::Project { computed, .. } => {
                for (id, expr) in computed {
                    self.compute(*id, false, std::iter::once(expr));
                }
            }
            RelKind::Window { calls, .. } => {
                calls.iter().for_each(|(id, call)| self.window(*id, call));
            }
            RelKind::Aggregate { grouping, .. } => {
                own_exprs(rel).into_iter().for_each(|expr| self.expr(expr));
                match grouping {
                    Grouping::Whole => {}
                    Grouping::Columns(ids) => self.used.extend(ids),
                    Grouping::Sets { columns, .. } => {
                        self.used.extend(columns.iter().map(|(_, below)| *below));
                    }
                }
            }
            // Rows are alike or not by all their columns.
            RelKind::Distinct { input, on: None } => self.used.extend(input.cols.iter().chain(&rel.cols)),
            RelKind::SetOp { left, right, .. } | RelKind::Recursive { base: left, step: right, .. } => {
                self.used.extend(left.cols.iter().chain(&right.cols));
            }
            RelKind::Filter { predicate: condition, .. } | RelKind::Join { on: condition, .. } => {
                self.condition(condition);
            }
            _ => own_exprs(rel).into_iter().for_each(|expr| self.expr(expr)),
        }
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::Query(rel) => self.whole(rel),
            Action::Insert(insert) => {
                self.rel(&insert.source);
                for value in &insert.values {
                    match value {
                        InsertValue::Source(id) => {
                            self.used.insert(*id);
                        }
                        InsertValue::Default => {}
                    }
                }
                if let Some(conflict) = &insert.conflict {
                    self.conflict(&conflict.action);
                }
                insert.returning.iter().for_each(|rel| self.whole(rel));
            }
            Action::Update(update) => {
                self.rel(&update.input);
                self.assignments(&update.assignments);
                update.returning.iter().for_each(|rel| self.whole(rel));
            }
            Action::Delete(delete) => {
                self.rel(&delete.input);
                delete.returning.iter().for_each(|rel| self.whole(rel));
            }
            Action::Merge(merge) => {
                self.rel(&merge.source);
                self.expr(&merge.on);
                for clause in &merge.clauses {
                    clause.guard.iter().for_each(|guard| self.expr(guard));
                    match &clause.action {
                        MergeActionPlan::Nothing | MergeActionPlan::Delete => {}
                        MergeActionPlan::Update(assignments) => self.assignments(assignments),
                        MergeActionPlan::Insert(values) => {
                            values.iter().flatten().for_each(|value| self.expr(value));
                        }
                    }
                }
                merge.returning.iter().for_each(|rel| self.whole(rel));
            }
            Action::WholeTables { .. } | Action::Nothing | Action::SetTenant { .. } | Action::Unmodelled => {}
        }
    }

    /// A relation all of whose columns are seen.
    fn whole(&mut self, rel: &Rel) {
        self.used.extend(&rel.cols);
        self.rel(rel);
    }

    fn conflict(&mut self, action: &ConflictAction) {
        match action {
            ConflictAction::Nothing | ConflictAction::Replace => {}
            ConflictAction::Update { assignments, filter, .. } => {
                self.assignments(assignments);
                filter.iter().for_each(|filter| self.expr(filter));
            }
        }
    }

    fn assignments(&mut self, assignments: &[AssignmentPlan]) {
        assignments.iter().for_each(|assignment| self.expr(&assignment.value));
    }
}

/// The scans of an expression's subqueries.
fn scans_in(expr: &Expr, found: &mut BTreeSet<ScanId>) {
    let ExprKind::Subquery(subquery) = &expr.kind else {
        return children(expr, &mut |child| scans_in(child, found));
    };
    match &subquery.usage {
        SubqueryUsage::Any(operands, _) | SubqueryUsage::All(operands, _) => {
            operands.iter().for_each(|operand| scans_in(operand, found));
        }
        SubqueryUsage::Exists | SubqueryUsage::Scalar | SubqueryUsage::Array => {}
    }
    scans_of(&subquery.rel, found);
}

fn scans_of(rel: &Rel, found: &mut BTreeSet<ScanId>) {
    if let RelKind::Scan { scan, .. } = &rel.kind {
        found.insert(*scan);
    }
    inputs(rel).into_iter().for_each(|input| scans_of(input, found));
    own_exprs(rel).into_iter().for_each(|expr| scans_in(expr, found));
}
