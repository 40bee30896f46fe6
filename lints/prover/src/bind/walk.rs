//! Walks over bound expressions and relations.

use std::collections::BTreeSet;

use crate::plan::{ColId, Expr, ExprKind, Rel, RelKind, SubqueryUsage};

macro_rules! walkers {
    ($children:ident, $rel_exprs:ident, $iter:ident $(, $mutability:tt)?) => {
        /// Calls `visit` for each direct operand; for a subquery, for each expression in it.
        pub(crate) fn $children(expr: &$($mutability)? Expr, visit: &mut dyn FnMut(&$($mutability)? Expr)) {
            match &$($mutability)? expr.kind {
                ExprKind::Column(_)
                | ExprKind::Param(_)
                | ExprKind::Setting { .. }
                | ExprKind::Null
                | ExprKind::Bool(_)
                | ExprKind::Number(_)
                | ExprKind::String(_)
                | ExprKind::WholeRow(_)
                | ExprKind::Default => {}
                ExprKind::And(list)
                | ExprKind::Or(list)
                | ExprKind::StrictPredicate { operands: list, .. }
                | ExprKind::Row(list)
                | ExprKind::Array(list)
                | ExprKind::Coalesce(list)
                | ExprKind::Extreme(list)
                | ExprKind::Pure { args: list, .. }
                | ExprKind::Opaque(list) => list.$iter().for_each(visit),
                ExprKind::Not(one)
                | ExprKind::IsNull(one)
                | ExprKind::IsBool(one, _)
                | ExprKind::Cast(one)
                | ExprKind::Collate(one, _)
                | ExprKind::Negate(one)
                | ExprKind::Field(one, _) => visit(one),
                ExprKind::Compare { left, right, .. }
                | ExprKind::Arithmetic { left, right, .. }
                | ExprKind::NotDistinct(left, right)
                | ExprKind::NullIf(left, right)
                | ExprKind::Concat(left, right)
                | ExprKind::Quantified { left, array: right, .. } => {
                    visit(left);
                    visit(right);
                }
                ExprKind::InList(one, list) => {
                    visit(one);
                    list.$iter().for_each(visit);
                }
                ExprKind::Case { arms, otherwise } => {
                    for (condition, value) in arms.$iter() {
                        visit(condition);
                        visit(value);
                    }
                    if let Some(otherwise) = otherwise {
                        visit(otherwise);
                    }
                }
                ExprKind::Subquery(subquery) => {
                    match &$($mutability)? subquery.usage {
                        SubqueryUsage::Any(operands, _) | SubqueryUsage::All(operands, _) => {
                            operands.$iter().for_each(&mut *visit);
                        }
                        SubqueryUsage::Exists | SubqueryUsage::Scalar | SubqueryUsage::Array => {}
                    }
                    $rel_exprs(&$($mutability)? subquery.rel, visit);
                }
            }
        }

        /// Calls `visit` for each expression of the relation and of the relations it is made of.
        pub(crate) fn $rel_exprs(rel: &$($mutability)? Rel, visit: &mut dyn FnMut(&$($mutability)? Expr)) {
            match &$($mutability)? rel.kind {
                RelKind::Unit
                | RelKind::Scan { .. }
                | RelKind::WorkingTable
                | RelKind::Returned { .. }
                | RelKind::WrittenRow => {}
                RelKind::Values(rows) => rows.$iter().for_each(|row| row.$iter().for_each(&mut *visit)),
                RelKind::Filter { input, predicate } => {
                    $rel_exprs(input, visit);
                    visit(predicate);
                }
                RelKind::Join { left, right, on, .. } => {
                    $rel_exprs(left, visit);
                    $rel_exprs(right, visit);
                    visit(on);
                }
                RelKind::Project { input, computed } => {
                    $rel_exprs(input, visit);
                    computed.$iter().for_each(|(_, expr)| visit(expr));
                }
                RelKind::Aggregate { input, aggregates, .. } => {
                    $rel_exprs(input, visit);
                    for (_, call) in aggregates.$iter() {
                        call.args.$iter().for_each(&mut *visit);
                        if let Some(filter) = & $($mutability)? call.filter {
                            visit(filter);
                        }
                    }
                }
                RelKind::Window { input, calls } => {
                    $rel_exprs(input, visit);
                    for (_, call) in calls.$iter() {
                        call.args.$iter().for_each(&mut *visit);
                        call.partition_by.$iter().for_each(&mut *visit);
                    }
                }
                RelKind::Distinct { input, on } => {
                    $rel_exprs(input, visit);
                    if let Some(on) = on {
                        on.$iter().for_each(visit);
                    }
                }
                RelKind::Sort { input, by } => {
                    $rel_exprs(input, visit);
                    by.$iter().for_each(visit);
                }
                RelKind::Limit { input, counts, .. } => {
                    $rel_exprs(input, visit);
                    counts.$iter().for_each(visit);
                }
                RelKind::SetOp { left, right, .. } | RelKind::Recursive { base: left, step: right, .. } => {
                    $rel_exprs(left, visit);
                    $rel_exprs(right, visit);
                }
                RelKind::Function { calls } => calls.$iter().for_each(visit),
            }
        }
    };
}

walkers!(children, rel_exprs, iter);
walkers!(children_mut, rel_exprs_mut, iter_mut, mut);

/// All columns that an expression names, those inside its subqueries included.
pub(super) fn columns_of(expr: &Expr, found: &mut BTreeSet<ColId>) {
    match &expr.kind {
        ExprKind::Column(id) => {
            found.insert(*id);
        }
        ExprKind::WholeRow(fields) => found.extend(fields.iter().map(|(_, id)| *id)),
        _ => children(expr, &mut |child| columns_of(child, found)),
    }
}

/// Whether two expressions are written alike after binding, so that they have the same value on the same row.
/// Subqueries are never alike.
pub(super) fn alike(left: &Expr, right: &Expr) -> bool {
    if left.ty != right.ty || !same_head(&left.kind, &right.kind) {
        return false;
    }
    alike_children(left, right)
}

fn alike_children(left: &Expr, right: &Expr) -> bool {
    let mut left_children: Vec<Expr> = Vec::new();
    children(left, &mut |child| left_children.push(child.clone()));
    let mut position = 0;
    let mut equal = true;
    children(right, &mut |child| {
        equal = equal && left_children.get(position).is_some_and(|other| alike(other, child));
        position += 1;
    });
    equal && position == left_children.len()
}

fn same_head(left: &ExprKind, right: &ExprKind) -> bool {
    match (left, right) {
        (ExprKind::Column(a), ExprKind::Column(b)) => a == b,
        (ExprKind::Param(a), ExprKind::Param(b)) => a == b,
        (ExprKind::Setting { name: a, missing_ok: m }, ExprKind::Setting { name: b, missing_ok: n }) => {
            a == b && m == n
        }
        (ExprKind::Bool(a), ExprKind::Bool(b)) => a == b,
        (ExprKind::Number(a), ExprKind::Number(b)) | (ExprKind::String(a), ExprKind::String(b)) => a == b,
        (ExprKind::Compare { op: a, .. }, ExprKind::Compare { op: b, .. }) => a == b,
        (ExprKind::IsBool(_, a), ExprKind::IsBool(_, b)) => a == b,
        (ExprKind::Quantified { op: a, all: x, .. }, ExprKind::Quantified { op: b, all: y, .. }) => {
            a.is_some() && a == b && x == y
        }
        (ExprKind::Case { arms: a, otherwise: x }, ExprKind::Case { arms: b, otherwise: y }) => {
            a.len() == b.len() && x.is_some() == y.is_some()
        }
        (ExprKind::Collate(_, a), ExprKind::Collate(_, b)) => a == b,
        (ExprKind::Arithmetic { op: a, .. }, ExprKind::Arithmetic { op: b, .. }) => a == b,
        (ExprKind::Pure { name: a, .. }, ExprKind::Pure { name: b, .. }) => a == b,
        (ExprKind::Field(_, a), ExprKind::Field(_, b)) => a == b,
        (ExprKind::WholeRow(a), ExprKind::WholeRow(b)) => a == b,
        // Operators that are words are kept without their name; subqueries and the unmodelled are never alike.
        (ExprKind::StrictPredicate { .. } | ExprKind::Subquery(_) | ExprKind::Opaque(_), _) => false,
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}
