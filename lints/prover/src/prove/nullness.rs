//! What is never NULL by the shape of a relation, where nothing but that is asked of it.

use crate::plan::{ColId, Expr, ExprKind, Grouping, JoinKind, Rel, RelKind, ScanId};
use crate::prove::context::Prover;
use crate::prove::facts::{Claim, Fact, Guard, Term};
use crate::prove::predicate::Known;

impl<'a> Prover<'a> {
    /// A stored column takes no NULL, nor does that of any table in which rows of the scan may lie.
    pub(super) fn stored_is_filled(&self, id: ScanId, at: usize) -> bool {
        let (Some(scan), Some(table)) = (self.scan(id), self.table(id)) else { return false };
        let Some(column) = table.columns.get(at).filter(|column| column.not_null) else { return false };
        let parts = if scan.only { Vec::new() } else { self.catalog.descendants(&table.name) };
        parts.iter().all(|part| {
            let inherited = part.column(&column.name).and_then(|at| part.columns.get(at));
            inherited.is_none_or(|column| column.not_null)
        })
    }

    /// The column is NULL on no row of the relation.
    pub(super) fn is_filled(&self, rel: &'a Rel, col: ColId, cx: &Known<'_>) -> bool {
        if cx.closure.not_null(&Term::column(col)) {
            return true;
        }
        match &rel.kind {
            RelKind::Scan { scan, .. } => {
                let at = self.scan(*scan).and_then(|scan| scan.cols.iter().position(|own| *own == col));
                at.is_some_and(|at| self.stored_is_filled(*scan, at))
            }
            RelKind::Filter { input, .. }
            | RelKind::Sort { input, .. }
            | RelKind::Limit { input, .. }
            | RelKind::Distinct { input, .. }
            | RelKind::Window { input, .. } => self.is_filled(input, col, cx),
            RelKind::Project { input, computed } => match computed.iter().find(|(made, _)| *made == col) {
                Some((_, expr)) => self.is_filled_value(input, expr, cx),
                None => self.is_filled(input, col, cx),
            },
            RelKind::Join { kind, left, right, .. } => match kind {
                JoinKind::Inner => self.is_filled(left, col, cx) || self.is_filled(right, col, cx),
                JoinKind::Left => self.is_filled(left, col, cx),
                JoinKind::Full => false,
            },
            RelKind::Values(rows) => {
                let Some(at) = rel.cols.iter().position(|own| *own == col) else { return false };
                let filled =
                    |row: &'a Vec<Expr>| row.get(at).is_some_and(|item| self.is_filled_value(rel, item, cx));
                rows.iter().all(filled)
            }
            RelKind::Aggregate { input, grouping: Grouping::Columns(cols), .. } if cols.contains(&col) => {
                self.is_filled(input, col, cx)
            }
            RelKind::Aggregate { aggregates, .. } => {
                aggregates.iter().any(|(made, call)| *made == col && call.name == "count")
            }
            RelKind::Unit
            | RelKind::SetOp { .. }
            | RelKind::Recursive { .. }
            | RelKind::WorkingTable
            | RelKind::Returned { .. }
            | RelKind::WrittenRow
            | RelKind::Function { .. } => false,
        }
    }

    fn is_filled_value(&self, input: &'a Rel, expr: &'a Expr, cx: &Known<'_>) -> bool {
        match &expr.kind {
            ExprKind::Column(col) => self.is_filled(input, *col, cx),
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Bool(_) => true,
            ExprKind::Param(_) | ExprKind::Setting { .. } => {
                self.term(expr, cx).is_some_and(|term| cx.closure.not_null(&term))
            }
            ExprKind::Cast(part) => {
                self.cast_keeps_apart(part, &expr.ty) && self.is_filled_value(input, part, cx)
            }
            _ => false,
        }
    }

    /// What follows of a condition where something in it is not NULL, as facts under that guard: `c IS NULL OR p` says `p` where
    /// `c` is not NULL, `a IS NOT DISTINCT FROM b` says `a = b`, `coalesce(c, x) = y` says `c = y`.
    pub(super) fn where_filled(&mut self, atom: &'a Expr, cx: &Known<'_>) -> Vec<Fact> {
        let mut found: Vec<(ColId, Vec<Claim>)> = Vec::new();
        match &atom.kind {
            ExprKind::Or(parts) => {
                for col in parts.iter().filter_map(null_test) {
                    let others = parts.iter().filter(|part| null_test(part) != Some(col));
                    let arms = others.map(|part| self.when_true(part, cx));
                    found.extend(self.any(arms, cx).map(|claims| (col, claims)));
                }
            }
            ExprKind::NotDistinct(left, right) => {
                for side in [left, right] {
                    let ExprKind::Column(col) = side.kind else { continue };
                    let claims = self.compare(crate::plan::CompareOp::Eq, left, right, cx);
                    found.extend(claims.map(|claims| (col, claims)));
                }
            }
            ExprKind::Compare { op: crate::plan::CompareOp::Eq, left, right } => {
                for (side, other) in [(left, right), (right, left)] {
                    let ExprKind::Coalesce(parts) = &side.kind else { continue };
                    let Some(Expr { kind: ExprKind::Column(col), .. }) = parts.first() else { continue };
                    let uniform = parts.iter().all(|part| self.comparison_is_exact(part, other));
                    let term = self.term(other, cx).filter(|_| uniform);
                    found.extend(term.map(|term| (*col, vec![Claim::Equal(Term::column(*col), term)])));
                }
            }
            _ => {}
        }
        let mut facts = Vec::new();
        for (col, claims) in found.into_iter().filter(|(_, claims)| !claims.is_empty()) {
            let guard: Guard = self.new_guard([col].into());
            facts.extend(claims.into_iter().map(|claim| Fact { guards: vec![guard], claim }));
        }
        facts
    }
}

/// The column of `column IS NULL`.
fn null_test(expr: &Expr) -> Option<ColId> {
    match &expr.kind {
        ExprKind::IsNull(part) => match part.kind {
            ExprKind::Column(col) => Some(col),
            _ => None,
        },
        _ => None,
    }
}
