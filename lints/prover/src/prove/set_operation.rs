//! UNION, INTERSECT and EXCEPT: a row comes from one arm, so that both must agree on what names its owner.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_span::TextRange;

use crate::plan::{ColId, Expr, ExprKind, Rel, SetOp};
use crate::prove::context::{Class, Names, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Claim, Closure, Fact, Injection, Term};
use crate::prove::tie::lost;
use crate::tenancy::DomainId;
use crate::types::SqlType;

impl<'a> Prover<'a> {
    pub(super) fn set_operation(
        &mut self,
        op: SetOp,
        left: &'a Rel,
        right: &'a Rel,
        cols: &[ColId],
        outer: &Outer,
    ) -> State {
        let why = "a column list without the tenant key merges rows of several tenants";
        let (mut a, mut b) = (self.rel(left, outer), self.rel(right, outer));
        self.settle(&mut a, outer);
        self.settle(&mut b, outer);
        if op != SetOp::Union {
            self.pin_by_tuple(&a, left, &mut b, right, outer);
            if op == SetOp::Intersect {
                let b_now = b.clone();
                self.pin_by_tuple(&b_now, right, &mut a, left, outer);
            }
        }
        if op != SetOp::Union && self.reads_again(&a, right) {
            let why = "what it meets may be what the same table gives of the tenant's rows".to_owned();
            b.classes.iter_mut().for_each(|class| class.murky = Some((right.range, why.clone())));
        }
        let a = self.positioned(a, &left.cols, cols, outer, left.range, why);
        let b = self.positioned(b, &right.cols, cols, outer, right.range, why);
        let (ca, cb) = (self.close(outer, &a.facts), self.close(outer, &b.facts));
        let facts = match op {
            SetOp::Union => {
                let claims = ca.claims().into_iter().filter(|claim| cb.holds(claim));
                claims.map(Fact::plain).collect()
            }
            SetOp::Intersect => a.facts.iter().chain(&b.facts).cloned().collect(),
            SetOp::Except => a.facts.clone(),
        };
        let made = cols.iter().copied().collect();
        let (held_left, held_right) =
            (self.holdings(&a, &left.cols, cols, &ca), self.holdings(&b, &right.cols, cols, &cb));
        let (mut one, mut other) = (a.classes, b.classes);
        // The operation compares rows by the columns' common type and collation: only where those are exact do they mean one
        // tenant. What stands above a union compares by its collation.
        let is_odd = |l: ColId, r: ColId| match op {
            SetOp::Union => !self.column_keeps_texts_apart(l) || !self.column_keeps_texts_apart(r),
            SetOp::Intersect | SetOp::Except => !self.same_exact_type(l, r),
        };
        let arms = left.cols.iter().zip(&right.cols).zip(cols);
        let odd: BTreeSet<ColId> = arms.filter(|((l, r), _)| is_odd(**l, **r)).map(|(_, col)| *col).collect();
        if !odd.is_empty() {
            for class in one.iter_mut().chain(&mut other) {
                class.reps.retain(|rep| !odd.contains(&rep.col));
                if class.status == Status::Open && class.reps.is_empty() {
                    class.status = lost(right.range, why);
                }
            }
        }
        if op != SetOp::Union {
            one.iter_mut().chain(&mut other).for_each(|class| forget_what_may_be_null(class, [&ca, &cb]));
        }
        if cfg!(tenantry_sabotage = "set-operation") {
            other.iter_mut().for_each(|class| class.status = Status::Pinned);
        }
        // A row of a union comes from one arm, one of EXCEPT from the left; one of INTERSECT is in both.
        if op == SetOp::Union {
            self.reconcile(&mut one, &held_right);
        }
        if op != SetOp::Intersect {
            self.reconcile(&mut other, &held_left);
        }
        State { facts, classes: one.into_iter().chain(other).collect(), made }
    }

    /// A row of a set operation comes from one arm. What is known of the representatives of the other arm's `classes` must
    /// hold of `held` too: of a pinned class, that they name the tenant; of an open one, that they name one owner together.
    pub(super) fn reconcile(&mut self, classes: &mut [Class], held: &Holdings) {
        for class in classes {
            match class.status {
                Status::Open => class.reps = held.in_harmony(&class.reps),
                Status::Pinned => class.reps.retain(|rep| held.is_own(rep)),
                Status::Shared | Status::Outer(..) | Status::Lost(_) => class.reps.clear(),
            }
            let by_value = class.reps.iter().filter(|rep| !held.pinned.contains(rep));
            self.pins.extend(by_value.filter_map(|rep| held.tenant_named(rep)));
        }
    }

    /// What the columns of an arm of a set operation hold; the arm's own columns are `from`, the operation's `to`.
    pub(super) fn holdings(
        &self,
        state: &State,
        from: &[ColId],
        to: &[ColId],
        closure: &Closure,
    ) -> Holdings {
        let reps = |status: Status| {
            let classes = state.classes.iter().filter(move |class| class.status == status);
            classes.map(|class| class.reps.iter().cloned().collect::<BTreeSet<Rep>>())
        };
        let is_null = |col: &ColId| self.defs.get(col).is_some_and(|def| is_null(def));
        let nulls = from.iter().zip(to).filter(|(old, _)| is_null(old)).map(|(_, new)| *new).collect();
        let tenants = to.iter().flat_map(|col| {
            let equal = closure.equals_of(&Term::column(*col)).into_iter();
            equal.filter_map(|term| match term.base {
                Base::Tenant(tenant) => Some(((*col, term.via), tenant)),
                _ => None,
            })
        });
        Holdings {
            nulls,
            tenants: tenants.collect(),
            pins: self.pins.clone(),
            pinned: reps(Status::Pinned).flatten().collect(),
            open: reps(Status::Open).collect(),
        }
    }

    /// Rows of `b` matter only where they equal a row of `a`, whose tuple carries the tenant.
    pub(super) fn pin_by_tuple(&mut self, a: &State, left: &Rel, b: &mut State, right: &Rel, outer: &Outer) {
        let closure = self.close(outer, &a.facts);
        let fixed: Vec<(Vec<Term>, ColId)> = left
            .cols
            .iter()
            .zip(&right.cols)
            .filter(|(l, r)| self.same_exact_type(**l, **r) && closure.not_null(&Term::column(**l)))
            .map(|(l, r)| (closure.equals_of(&Term::column(*l)), *r))
            .collect();
        let mut narrowed = b.clone();
        for (terms, col) in fixed {
            let tenant = terms.into_iter().find(|term| matches!(term.base, Base::Tenant(_)));
            if let Some(term) = tenant {
                narrowed.facts.push(Fact::plain(Claim::Equal(Term::column(col), term)));
            }
        }
        self.settle(&mut narrowed, outer);
        b.classes = narrowed.classes;
    }

    /// Both columns have one type whose equality is exact, so that the set operation compares by it.
    pub(super) fn same_exact_type(&self, a: ColId, b: ColId) -> bool {
        let info = |col: ColId| self.plan.columns.get(col.0 as usize);
        let stored = |col: ColId| info(col).is_some_and(|info| info.origin.is_some());
        match (info(a), info(b)) {
            (Some(x), Some(y)) => {
                let collated = self.column_keeps_texts_apart(a) && self.column_keeps_texts_apart(b);
                // What is computed may be text of any kind; numbers and UUIDs are what they are.
                let plain = matches!(x.ty, SqlType::Int | SqlType::Uuid);
                let known = plain || stored(a) && stored(b);
                x.ty == y.ty && self.type_is_exact(&x.ty) && known && collated
            }
            _ => false,
        }
    }

    /// An arm of a set operation, its columns renamed position by position.
    pub(super) fn positioned(
        &mut self,
        mut state: State,
        from: &[ColId],
        to: &[ColId],
        outer: &Outer,
        range: TextRange,
        why: &str,
    ) -> State {
        let kept: BTreeSet<ColId> = from.iter().copied().collect();
        // The rows of another arm stand beside its own.
        state.classes.iter_mut().for_each(|class| class.padded = true);
        self.narrow(&mut state, &kept, outer, range, why);
        let mut facts: Vec<Fact> = Vec::new();
        for (old, new) in from.iter().zip(to) {
            facts.push(Fact::plain(Claim::Same(Term::column(*new), Term::column(*old))));
        }
        facts.append(&mut state.facts);
        state.facts = facts;
        let fresh: BTreeSet<ColId> = to.iter().copied().collect();
        self.narrow(&mut state, &fresh, outer, range, why);
        state.made = fresh;
        state
    }
}

/// INTERSECT and EXCEPT take NULLs for equal, but a NULL names nobody: rows that agree on it may be of several owners. A column
/// that may be NULL in both arms names an owner only where it alone does, so that what ties it leaves the NULLs out.
fn forget_what_may_be_null(class: &mut Class, arms: [&Closure; 2]) {
    let firm = |rep: &Rep| arms.iter().any(|arm| arm.holds(&Claim::NotNull(rep.col)));
    if class.status != Status::Open || class.reps.iter().any(firm) {
        class.reps.retain(firm);
    } else if let Some(only) = class.reps.first().map(|rep| rep.col) {
        class.reps.retain(|rep| rep.col == only);
    }
}

/// What the columns of one arm of a set operation hold, whose rows stand beside those of the other arm.
pub(super) struct Holdings {
    /// Always NULL, so that no comparison finds them.
    nulls: BTreeSet<ColId>,
    /// Columns that hold a tenant value, under these functions, and which.
    tenants: BTreeMap<(ColId, Vec<Injection>), usize>,
    /// The kinds of tenants that the values are known to name.
    pins: BTreeSet<(usize, DomainId)>,
    /// What names the tenant or a row of the tenant.
    pinned: BTreeSet<Rep>,
    /// What names one owner, class by class.
    open: Vec<BTreeSet<Rep>>,
}

impl Holdings {
    /// The column is NULL, or names the tenant or a row of the tenant.
    fn is_own(&self, rep: &Rep) -> bool {
        self.nulls.contains(&rep.col) || self.pinned.contains(rep) || self.tenant_named(rep).is_some()
    }

    /// The tenant value that the column holds, and its kind, where the value names no other kind of tenant: the number of an
    /// organization may be that of another one's workspace.
    fn tenant_named(&self, rep: &Rep) -> Option<(usize, DomainId)> {
        let Names::Tenant(domain) = rep.names else { return None };
        let tenant = *self.tenants.get(&(rep.col, rep.via.clone()))?;
        let mut kinds = self.pins.iter().filter(|(known, _)| *known == tenant);
        kinds.all(|(_, kind)| *kind == domain).then_some((tenant, domain))
    }

    /// The most of `reps` that name one owner in the rows of this arm. A single one always does.
    fn in_harmony(&self, reps: &[Rep]) -> Vec<Rep> {
        let null = |rep: &Rep| self.nulls.contains(&rep.col);
        let pick = |keep: &dyn Fn(&Rep) -> bool| -> Vec<Rep> {
            reps.iter().filter(|rep| null(rep) || keep(rep)).cloned().collect()
        };
        let mut choices = vec![pick(&|rep| self.is_own(rep))];
        choices.extend(self.open.iter().map(|open| pick(&|rep| open.contains(rep))));
        choices.extend(reps.iter().map(|single| pick(&|rep| rep == single)));
        let worth = |choice: &Vec<Rep>| {
            let tenants = choice.iter().filter(|rep| matches!(rep.names, Names::Tenant(_))).count();
            (tenants, choice.len())
        };
        let best = choices.iter().map(worth).max();
        choices.into_iter().find(|choice| Some(worth(choice)) == best).unwrap_or_default()
    }
}

/// NULL, whatever type it is given.
pub(super) fn is_null(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null => true,
        ExprKind::Cast(part) => is_null(part),
        _ => false,
    }
}
