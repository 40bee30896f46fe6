//! Predicates that tie without a plain equality, and those that leave it uncertain whether they do.

use std::collections::BTreeSet;

use crate::plan::{ColId, CompareOp, Expr, ExprKind};
use crate::prove::context::{Class, Names, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Closure, Term};
use crate::prove::predicate::{Telling, columns, is_murky, known};
use crate::tenancy::TableOwner;

impl<'a> Prover<'a> {
    /// `COALESCE(a.k, b.k) = t` over representatives of one class ties the class.
    pub(super) fn pin_coalesced(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        let atoms: Vec<&'a Expr> = match &predicate.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![predicate],
        };
        let closure = self.close(outer, &state.facts);
        for atom in atoms {
            let ExprKind::Compare { op: CompareOp::Eq, left, right } = &atom.kind else { continue };
            let (parts, other) = match (&left.kind, &right.kind) {
                (ExprKind::Coalesce(parts), _) => (parts, right),
                (_, ExprKind::Coalesce(parts)) => (parts, left),
                _ => continue,
            };
            let uniform = parts.iter().all(|part| self.comparison_is_exact(part, other));
            let term = self.term(other, &known(outer, state, &closure));
            let Some(Term { base: Base::Tenant(tenant), via }) = term.filter(|_| uniform) else { continue };
            for (at, rep) in coalesced(&state.classes, parts) {
                let Names::Tenant(domain) = rep.names else { continue };
                let open = state.classes.get(at).is_some_and(|class| class.status == Status::Open);
                if rep.via == via && open {
                    self.tie(state, at, tenant, domain, rep.col);
                }
            }
        }
    }

    /// A row of everybody's passes, if its table says that rows without an owner are shared.
    pub(super) fn note_murk(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        self.admit_shared(state, predicate, outer);
        let atoms: Vec<&'a Expr> = match &predicate.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![predicate],
        };
        for class in state.classes.iter_mut().filter(|class| class.status == Status::Open) {
            let own: BTreeSet<_> = class
                .scans
                .iter()
                .filter_map(|scan| self.plan.scans.get(scan.0 as usize))
                .map(|scan| &scan.table)
                .collect();
            // A table's own row id says nothing of the tenant by itself; the key, or a parent's id, does.
            let tells = |rep: &&Rep| match &rep.names {
                Names::Tenant(_) => true,
                Names::Row(table, _) => !own.contains(table),
            };
            let reps: BTreeSet<ColId> = class.reps.iter().filter(tells).map(|rep| rep.col).collect();
            let mut derived: BTreeSet<ColId> =
                class.scans.iter().flat_map(|scan| self.inexact_keys(*scan)).collect();
            for (col, def) in &self.defs {
                let touches = |used: &ColId| reps.contains(used) || derived.contains(used);
                if !reps.contains(col) && columns(def).iter().any(touches) {
                    derived.insert(*col);
                }
            }
            let telling = Telling { reps, derived };
            let murky = atoms.iter().find(|atom| is_murky(atom, &telling));
            if let Some(atom) = murky
                && class.murky.is_none()
            {
                let why =
                    "this condition on the tenant key gives no equality that can be relied on".to_owned();
                class.murky = Some((atom.range, why));
            }
        }
    }

    /// A filter above a loss may be meant to make up for it: then it is not certain that it leaks. A filter on the
    /// tables beside it cannot be.
    pub(super) fn note_loss(&mut self, state: &mut State, predicate: &'a Expr) {
        let is_key = |col: &ColId| {
            self.plan.columns.get(col.0 as usize).is_some_and(|info| {
                self.tenancy.tables.values().any(|table| match &table.owner {
                    TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                        keys.iter().any(|(name, _)| *name == info.name)
                    }
                    TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => false,
                })
            })
        };
        let keys: BTreeSet<ColId> = columns(predicate).into_iter().filter(is_key).collect();
        for class in &mut state.classes {
            let is_beside = |col: &ColId| {
                let home = self.plan.scans.iter().position(|scan| scan.cols.contains(col));
                home.is_some_and(|home| class.scans.iter().all(|scan| scan.0 as usize != home))
            };
            if let Status::Lost(lost) = &mut class.status
                && !keys.iter().all(is_beside)
            {
                lost.certain = false;
            }
        }
    }

    pub(super) fn admit_shared(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        let atoms: Vec<&'a Expr> = match &predicate.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![predicate],
        };
        let closure = self.close(outer, &state.facts);
        for at in 0..state.classes.len() {
            let Some(class) = state.classes.get(at) else { continue };
            let [scan] = class.scans.as_slice() else { continue };
            let TableOwner::Keyed { null_is_shared: true, .. } = self.owner(*scan) else { continue };
            // On the nullable side of an outer join, or above a grouping, NULL does not mean a shared row.
            if class.status != Status::Open || class.padded {
                continue;
            }
            let pinned = class.reps.iter().find_map(|rep| {
                let Names::Tenant(domain) = rep.names else { return None };
                let tenant =
                    atoms.iter().find_map(|atom| self.shared_or_own(atom, rep, outer, state, &closure))?;
                Some((tenant, domain))
            });
            let Some((tenant, domain)) = pinned else { continue };
            self.pins.insert((tenant, domain));
            self.tied_in.insert(domain);
            let sources: Vec<_> = self.sources(tenant).cloned().collect();
            self.pin_sources.extend(sources);
            let (range, name) = (predicate.range, self.called(*scan));
            self.step(
                range,
                format!("{name} is restricted to the tenant's rows and to rows declared shared"),
            );
            if let Some(class) = state.classes.get_mut(at) {
                class.status = Status::Shared;
            }
        }
    }

    /// `k = t OR k IS NULL`, or `COALESCE(k, t) = t`.
    pub(super) fn shared_or_own(
        &self,
        atom: &'a Expr,
        rep: &Rep,
        outer: &Outer,
        state: &State,
        closure: &Closure,
    ) -> Option<usize> {
        let cx = known(outer, state, closure);
        let is_rep = |expr: &Expr| matches!(expr.kind, ExprKind::Column(col) if col == rep.col);
        let tenant = |expr: &'a Expr| match self.term(expr, &cx)? {
            Term { base: Base::Tenant(at), via } if via == rep.via && self.tenant_is_not_null(at) => Some(at),
            _ => None,
        };
        match &atom.kind {
            ExprKind::Or(parts) => {
                let mut found = None;
                for part in parts {
                    match &part.kind {
                        ExprKind::IsNull(col) if is_rep(col) => {}
                        ExprKind::Compare { op: CompareOp::Eq, left, right }
                            if self.comparison_is_exact(left, right) =>
                        {
                            let other = if is_rep(left) {
                                right
                            } else if is_rep(right) {
                                left
                            } else {
                                return None;
                            };
                            found = Some(tenant(other)?);
                        }
                        _ => return None,
                    }
                }
                found
            }
            ExprKind::Compare { op: CompareOp::Eq, left, right } if self.comparison_is_exact(left, right) => {
                let (side, other) = match (&left.kind, &right.kind) {
                    (ExprKind::Coalesce(parts), _) => (parts, right),
                    (_, ExprKind::Coalesce(parts)) => (parts, left),
                    _ => return None,
                };
                let [first, second] = side.as_slice() else { return None };
                let (a, b) = (tenant(other)?, tenant(second)?);
                (is_rep(first) && a == b).then_some(a)
            }
            _ => None,
        }
    }
}

/// COALESCE over representatives of one class is a representative, whichever side is missing: the classes it represents,
/// each with one of those.
pub(super) fn coalesced(classes: &[Class], parts: &[Expr]) -> Vec<(usize, Rep)> {
    let col = |part: &Expr| match part.kind {
        ExprKind::Column(col) => Some(col),
        _ => None,
    };
    let Some(cols) = parts.iter().map(col).collect::<Option<Vec<ColId>>>() else { return Vec::new() };
    let common = |class: &Class| {
        let like = |rep: &Rep, col: ColId| {
            class
                .reps
                .iter()
                .any(|other| other.col == col && other.names == rep.names && other.via == rep.via)
        };
        let mut tenants = class.reps.iter().filter(|rep| matches!(rep.names, Names::Tenant(_)));
        tenants.find(|rep| cols.iter().all(|col| like(rep, *col))).cloned()
    };
    classes.iter().enumerate().filter_map(|(at, class)| Some((at, common(class)?))).collect()
}
