//! Rows that meet themselves: what is asked of any row of a table is answered by the tenant's own row of it.
//!
//! Nothing is proved by it. It only keeps what looks untied from being called a leak, which nobody could demonstrate.

use crate::catalog::Table;
use crate::plan::{
    ColId, CompareOp, Expr, ExprKind, Grouping, Rel, RelKind, ScanId, Subquery, SubqueryUsage,
};
use crate::prove::context::{Prover, State};
use crate::prove::subquery::has_a_row;

impl<'a> Prover<'a> {
    /// A subquery of which only the existence of a row counts has the row around it for one, or one that this refers to, if that
    /// is asked for nothing but what it has.
    pub(super) fn finds_itself(&self, sub: &'a Subquery, around: &State) -> bool {
        if matches!(sub.usage, SubqueryUsage::Exists) && has_a_row(&sub.rel) {
            return true;
        }
        let rel = match sub.usage {
            SubqueryUsage::Exists => without_choice(&sub.rel),
            _ => &sub.rel,
        };
        let (rel, cols) = ungrouped(rel, &sub.rel.cols);
        let Some((inner, conditions)) = bare(rel) else { return false };
        let is_met = !self.scans_like(inner, around).is_empty() || self.is_referred_to(inner, &conditions);
        let compared = match &sub.usage {
            SubqueryUsage::Exists => true,
            SubqueryUsage::Any(operands, Some(CompareOp::Eq)) => {
                let pairs = operands.iter().zip(&cols);
                pairs.into_iter().all(|(operand, col)| match operand.kind {
                    ExprKind::Column(other) => self.is_same_column(other, *col),
                    _ => false,
                })
            }
            _ => false,
        };
        is_met && compared && conditions.iter().all(|one| self.holds_of_itself(one, inner))
    }

    /// Notes a nullable side whose table the preserved side has too or refers to, if it is joined by columns with themselves or
    /// with what they refer to alone.
    pub(super) fn note_mirror(&mut self, left: &State, right: &'a Rel, on: &'a Expr) {
        let Some((inner, conditions)) = bare(right) else { return };
        let conditions: Vec<&Expr> = conditions.into_iter().chain([on]).collect();
        let is_met = !self.scans_like(inner, left).is_empty() || self.is_referred_to(inner, &conditions);
        if is_met && conditions.iter().all(|one| self.holds_of_itself(one, inner)) {
            self.mirrored.insert(inner);
        }
    }

    /// The predicate asks whether the nullable side of such a join has a row.
    pub(super) fn asks_for_mirror(&self, predicate: &Expr) -> Option<ScanId> {
        let found = match &predicate.kind {
            ExprKind::IsNull(part) => match part.kind {
                // Of a column that has no NULL it is asked whether the row is there.
                ExprKind::Column(col) => self
                    .origin(col)
                    .filter(|(scan, at)| self.stored_is_filled(*scan, *at))
                    .map(|(scan, _)| scan),
                _ => None,
            },
            _ => None,
        };
        let found = found.filter(|scan| self.mirrored.contains(scan));
        found.or_else(|| {
            crate::prove::predicate::children(predicate)
                .into_iter()
                .find_map(|part| self.asks_for_mirror(part))
        })
    }

    /// Both arms of a set operation read one table, the second without more ado.
    pub(super) fn reads_again(&self, left: &State, right: &'a Rel) -> bool {
        bare(right).is_some_and(|(scan, _)| !self.scans_like(scan, left).is_empty())
    }

    /// Other occurrences of the table of a scan.
    pub(super) fn scans_like(&self, scan: ScanId, state: &State) -> Vec<ScanId> {
        let scans = state.classes.iter().flat_map(|class| &class.scans).copied();
        scans.filter(|other| *other != scan && self.is_seen_in(*other, scan)).collect()
    }

    /// The rows of one occurrence of a table are among those of another: it is the same table, one that inherits from it, or one
    /// whose only part it is.
    pub(super) fn is_seen_in(&self, scan: ScanId, other: ScanId) -> bool {
        let (Some(table), Some(around)) = (self.table(scan), self.table(other)) else { return false };
        let has = |parent: &Table, child: &Table| {
            self.catalog.descendants(&parent.name).iter().any(|one| one.name == child.name)
        };
        let is_whole = || table.partitioned && self.catalog.descendants(&table.name).len() == 1;
        scan != other && (table.name == around.name || has(around, table) || has(table, around) && is_whole())
    }

    fn origin(&self, col: ColId) -> Option<(ScanId, usize)> {
        self.plan.columns.get(col.0 as usize)?.origin
    }

    /// Columns of one name of one table.
    fn is_same_column(&self, a: ColId, b: ColId) -> bool {
        let place = |col| {
            let (scan, at) = self.origin(col)?;
            Some((scan, &self.table(scan)?.columns.get(at)?.name))
        };
        let (Some((one, first)), Some((other, second))) = (place(a), place(b)) else { return false };
        first == second && (one == other || self.is_seen_in(one, other) || self.is_seen_in(other, one))
    }

    /// A condition that a row fulfils with itself in the place of another, where its columns are not NULL.
    pub(super) fn holds_of_itself(&self, condition: &Expr, inner: ScanId) -> bool {
        match &condition.kind {
            ExprKind::Bool(value) => *value,
            ExprKind::And(parts) => parts.iter().all(|part| self.holds_of_itself(part, inner)),
            // One of several that is fulfilled is enough.
            ExprKind::Or(parts) => parts.iter().any(|part| self.holds_of_itself(part, inner)),
            ExprKind::Compare { op: CompareOp::Eq, left, right } => match (&left.kind, &right.kind) {
                (ExprKind::Column(a), ExprKind::Column(b)) => {
                    self.is_same_column(*a, *b) || self.refers_to(*a, *b) || self.refers_to(*b, *a)
                }
                _ => self.is_beside(condition, inner),
            },
            _ => self.is_beside(condition, inner),
        }
    }

    /// One of the conditions, or of their alternatives, compares a reference with the column of the scan that it refers to.
    fn is_referred_to(&self, inner: ScanId, conditions: &[&Expr]) -> bool {
        conditions.iter().any(|condition| match &condition.kind {
            ExprKind::And(parts) | ExprKind::Or(parts) => {
                parts.iter().any(|part| self.is_referred_to(inner, &[part]))
            }
            ExprKind::Compare { op: CompareOp::Eq, left, right } => match (&left.kind, &right.kind) {
                (ExprKind::Column(a), ExprKind::Column(b)) => {
                    [(*a, *b), (*b, *a)].into_iter().any(|(a, b)| {
                        self.refers_to(a, b) && self.origin(b).is_some_and(|(scan, _)| scan == inner)
                    })
                }
                _ => false,
            },
            _ => false,
        })
    }

    /// A column is a foreign key to the other one, by itself or with others.
    fn refers_to(&self, a: ColId, b: ColId) -> bool {
        let named = |col| {
            let (scan, at) = self.origin(col)?;
            let table = self.table(scan)?;
            Some((table, &table.columns.get(at)?.name))
        };
        let (Some((table, column)), Some((target, key))) = (named(a), named(b)) else { return false };
        table.foreign_keys.iter().any(|reference| {
            let mut pairs = reference.columns.iter().zip(&reference.target_columns);
            reference.target == target.name && pairs.any(|(from, to)| from == column && to == key)
        })
    }

    /// The condition says nothing of the scan.
    fn is_beside(&self, condition: &Expr, scan: ScanId) -> bool {
        let columns = crate::prove::predicate::columns(condition);
        columns.into_iter().all(|col| self.origin(col).is_some_and(|(other, _)| other != scan))
            && crate::prove::predicate::subqueries(condition).is_empty()
    }
}

/// The relation of whose rows some are chosen, of which there is one if there is any.
fn without_choice(rel: &Rel) -> &Rel {
    match &rel.kind {
        RelKind::Distinct { input, .. }
        | RelKind::Limit { input, skips: false, .. }
        | RelKind::Project { input, .. }
        | RelKind::Sort { input, .. } => without_choice(input),
        _ => rel,
    }
}

/// The relation whose rows are put into groups, and for columns of these groups those that every row of a group has alike.
fn ungrouped<'r>(rel: &'r Rel, cols: &[ColId]) -> (&'r Rel, Vec<ColId>) {
    match &rel.kind {
        RelKind::Project { input, computed } if computed.is_empty() => ungrouped(input, cols),
        RelKind::Sort { input, .. } => ungrouped(input, cols),
        RelKind::Aggregate { input, grouping, aggregates } => {
            let listed = |col: ColId| match grouping {
                Grouping::Columns(list) => list.contains(&col).then_some(col),
                Grouping::Sets { columns, .. } => columns
                    .iter()
                    .find(|(above, below)| *above == col || *below == col)
                    .map(|(_, below)| *below),
                Grouping::Whole => None,
            };
            let of_group = |col: &ColId| {
                let call = aggregates.iter().find(|(id, _)| id == col).map(|(_, call)| call);
                match call.map(|call| (call.name.as_str(), call.args.as_slice())) {
                    Some(("min" | "max", [Expr { kind: ExprKind::Column(of), .. }])) => listed(*of),
                    Some(_) => None,
                    None => listed(*col),
                }
            };
            match cols.iter().map(of_group).collect() {
                Some(cols) => (input, cols),
                None => (rel, cols.to_vec()),
            }
        }
        _ => (rel, cols.to_vec()),
    }
}

/// The one table that a relation reads, and the conditions on it, if it is no more than that.
fn bare(rel: &Rel) -> Option<(ScanId, Vec<&Expr>)> {
    match &rel.kind {
        RelKind::Scan { scan, sampled: false } => Some((*scan, Vec::new())),
        RelKind::Project { input, .. } | RelKind::Sort { input, .. } => bare(input),
        RelKind::Filter { input, predicate } => {
            let (scan, mut conditions) = bare(input)?;
            conditions.push(predicate);
            Some((scan, conditions))
        }
        _ => None,
    }
}
