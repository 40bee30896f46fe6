//! Scans of which nothing is seen: what adds no row, takes none away and gives no column that is used.
//!
//! Nothing is proved by it. It only keeps what looks untied from being called a leak, which nobody could demonstrate.

use std::collections::BTreeSet;

use crate::bind::unused::{inputs, own_exprs, used_beside};
use crate::plan::{
    Action, ColId, CompareOp, Expr, ExprKind, Grouping, JoinKind, Rel, RelKind, ScanId, SetOp, SubqueryUsage,
};
use crate::prove::context::Prover;
use crate::prove::predicate::{children, columns};

/// A join on the way to a scan.
struct Place<'a> {
    join: &'a Rel,
    /// The side without the scan.
    kept: &'a Rel,
    /// The side with it.
    side: &'a Rel,
    on: &'a Expr,
    /// Rows of the other side stay without a match.
    is_nullable: bool,
    /// How often a row comes is all the same.
    once: bool,
}

impl<'a> Prover<'a> {
    /// Nothing is seen of a scan that stands beside others: it is a nullable side that gives each row one match at the most, or
    /// a second look at the rows themselves, where how often a row comes is all the same.
    pub(super) fn is_idle(&self, scan: ScanId) -> bool {
        let mut places = Vec::new();
        for action in self.plan.modifying.iter().chain([&self.plan.main]) {
            let (rel, once) = match action {
                Action::Query(rel) => (rel, false),
                Action::Insert(plan) => (&plan.source, false),
                Action::Update(plan) => (&plan.input, true),
                Action::Delete(plan) => (&plan.input, true),
                Action::Merge(plan) => (&plan.source, false),
                Action::WholeTables { .. }
                | Action::Nothing
                | Action::SetTenant { .. }
                | Action::Unmodelled => continue,
            };
            find(rel, scan, once, None, &mut places);
        }
        places.iter().any(|place| match place.is_nullable {
            true => self.adds_nothing(place),
            false => place.once && self.is_second_look(scan, place),
        })
    }

    fn adds_nothing(&self, place: &Place<'a>) -> bool {
        let side = place.side;
        let (used, _) = used_beside(self.plan, Some((place.join, place.kept)), &BTreeSet::new());
        let is_single = || {
            place.once
                || self.at_most_one(side)
                || self.picks_one_row(stripped(side), place.on)
                || each_once(side).is_some_and(|cols| are_given(&cols, side, place.on))
        };
        side.cols.iter().all(|col| !used.contains(col)) && is_single()
    }

    /// The scan is asked for nothing but what a row beside it has itself.
    fn is_second_look(&self, scan: ScanId, place: &Place<'a>) -> bool {
        let RelKind::Scan { sampled: false, .. } = stripped(place.side).kind else { return false };
        let Some(info) = self.scan(scan).filter(|info| !info.is_target) else { return false };
        let cols: BTreeSet<ColId> = info.cols.iter().copied().collect();
        let (used, conditions) = used_beside(self.plan, None, &cols);
        let made = scans_below(place.kept);
        used.is_disjoint(&cols)
            && made.into_iter().any(|other| self.is_seen_in(other, scan))
            && conditions.iter().all(|one| self.holds_of_itself(one, scan))
    }
}

/// The joins on the way to a scan, outermost first; whether it is there.
fn find<'a>(
    rel: &'a Rel,
    scan: ScanId,
    once: bool,
    filter: Option<&'a Expr>,
    places: &mut Vec<Place<'a>>,
) -> bool {
    if matches!(rel.kind, RelKind::Scan { scan: this, .. } if this == scan) {
        return true;
    }
    if let RelKind::Join { kind, left, right, on } = &rel.kind {
        for (kept, side) in [(left, right), (right, left)] {
            let mut below = Vec::new();
            if !find(side, scan, once, None, &mut below) {
                continue;
            }
            let is_right = std::ptr::eq(side.as_ref(), right.as_ref());
            let is_nullable = match kind {
                JoinKind::Inner => false,
                JoinKind::Left => is_right,
                JoinKind::Full => filter.is_some_and(|filter| asks_for(filter, kept)),
            };
            if is_nullable || *kind == JoinKind::Inner {
                places.push(Place { join: rel, kept, side, on, is_nullable, once });
            }
            places.append(&mut below);
            return true;
        }
    }
    let filter = match &rel.kind {
        RelKind::Filter { predicate, .. } => Some(predicate),
        _ => None,
    };
    let within = once_below(rel, once);
    inputs(rel).into_iter().any(|input| find(input, scan, within, filter, places))
        || own_exprs(rel).into_iter().any(|expr| find_in(expr, scan, places))
}

fn find_in<'a>(expr: &'a Expr, scan: ScanId, places: &mut Vec<Place<'a>>) -> bool {
    if let ExprKind::Subquery(sub) = &expr.kind {
        let once = match sub.usage {
            SubqueryUsage::Exists | SubqueryUsage::Any(..) | SubqueryUsage::All(..) => true,
            SubqueryUsage::Scalar | SubqueryUsage::Array => false,
        };
        if find(&sub.rel, scan, once, None, places) {
            return true;
        }
    }
    children(expr).into_iter().any(|part| find_in(part, scan, places))
}

/// Whether it is all the same how often a row comes into a relation, if it is how often one comes out.
fn once_below(rel: &Rel, once: bool) -> bool {
    match &rel.kind {
        RelKind::Filter { .. } | RelKind::Project { .. } | RelKind::Sort { .. } | RelKind::Join { .. } => {
            once
        }
        RelKind::Distinct { .. } => true,
        RelKind::Aggregate { aggregates, .. } => aggregates
            .iter()
            .all(|(_, call)| matches!(call.name.as_str(), "min" | "max" | "bool_and" | "bool_or" | "every")),
        RelKind::Limit { single, skips, .. } => *single && !*skips,
        RelKind::SetOp { op, all, .. } => !*all || once && *op == SetOp::Union,
        RelKind::Recursive { all, .. } => !*all,
        _ => false,
    }
}

/// The scans that a relation is made of.
fn scans_below(rel: &Rel) -> Vec<ScanId> {
    match &rel.kind {
        RelKind::Scan { scan, .. } => vec![*scan],
        _ => inputs(rel).into_iter().flat_map(scans_below).collect(),
    }
}

/// A condition that is no true one where the side has no row.
fn asks_for(filter: &Expr, side: &Rel) -> bool {
    let is_of = |expr: &Expr| matches!(expr.kind, ExprKind::Column(col) if side.cols.contains(&col));
    match &filter.kind {
        ExprKind::And(parts) => parts.iter().any(|part| asks_for(part, side)),
        ExprKind::Compare { left, right, .. } => is_of(left) || is_of(right),
        ExprKind::InList(left, _) => is_of(left),
        ExprKind::Subquery(sub) => {
            matches!(&sub.usage, SubqueryUsage::Any(operands, Some(_)) if operands.iter().any(is_of))
        }
        _ => false,
    }
}

/// A relation under what adds no rows.
fn stripped(rel: &Rel) -> &Rel {
    match &rel.kind {
        RelKind::Project { input, .. }
        | RelKind::Sort { input, .. }
        | RelKind::Filter { input, .. }
        | RelKind::Window { input, .. } => stripped(input),
        _ => rel,
    }
}

/// Columns that no two rows of a relation have alike.
fn each_once(rel: &Rel) -> Option<Vec<ColId>> {
    match &rel.kind {
        RelKind::Distinct { on: None, .. } => Some(rel.cols.clone()),
        RelKind::Aggregate { grouping: Grouping::Columns(cols), .. } => Some(cols.clone()),
        RelKind::Project { input, .. } | RelKind::Sort { input, .. } | RelKind::Filter { input, .. } => {
            each_once(input)
        }
        _ => None,
    }
}

/// A join's condition gives each of the columns a value of the other side.
fn are_given(cols: &[ColId], side: &Rel, on: &Expr) -> bool {
    let atoms = match &on.kind {
        ExprKind::And(parts) => parts.as_slice(),
        _ => std::slice::from_ref(on),
    };
    let is_other = |expr: &Expr| columns(expr).iter().all(|col| !side.cols.contains(col));
    cols.iter().all(|col| {
        let is_it = |expr: &Expr| matches!(expr.kind, ExprKind::Column(other) if other == *col);
        atoms.iter().any(|atom| match &atom.kind {
            ExprKind::Compare { op: CompareOp::Eq, left, right } => {
                is_it(left) && is_other(right) || is_it(right) && is_other(left)
            }
            _ => false,
        })
    })
}
