//! Predicates that tie without a plain equality, and those that leave it uncertain whether they do.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::bind::walk::rel_exprs;
use crate::plan::{ColId, CompareOp, Expr, ExprKind, ScanId, SubqueryUsage};
use crate::prove::context::{Class, Names, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Closure, Term};
use crate::prove::predicate::{Known, Telling, columns, is_murky, known, subqueries};
use crate::prove::set_operation::is_null;
use crate::prove::subquery::has_a_row;
use crate::tenancy::TableOwner;
use crate::verdict::TenantSource;

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
        let shared = state.classes.iter().filter(|class| class.status == Status::Shared);
        let shared = shared.flat_map(|class| &class.scans).filter_map(|scan| self.scan(*scan));
        let everybodys: BTreeSet<ColId> = shared.flat_map(|scan| scan.cols.iter().copied()).collect();
        let around = (!everybodys.is_empty()).then(|| self.close(outer, &state.facts));
        let untied = |class: &&mut Class| matches!(class.status, Status::Open | Status::Outer(..));
        for class in state.classes.iter_mut().filter(untied) {
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
            for (col, def) in self.chosen_of.iter().chain(&self.defs) {
                let touches = |used: &ColId| reps.contains(used) || derived.contains(used);
                if !reps.contains(col) && columns(def).iter().any(touches) {
                    derived.insert(*col);
                }
            }
            for (below, above) in &self.in_arm {
                if derived.contains(below) && !reps.contains(above) {
                    derived.insert(*above);
                }
            }
            let scans = class.scans.iter().filter_map(|scan| self.plan.scans.get(scan.0 as usize));
            let own = scans.flat_map(|scan| scan.cols.iter().copied()).collect();
            let is_key = |rep: &&Rep| matches!(rep.names, Names::Tenant(_));
            let keys: BTreeSet<ColId> = class.reps.iter().filter(is_key).map(|rep| rep.col).collect();
            let rows = reps.difference(&keys).copied().collect();
            let mut telling = Telling { reps, derived, own, rows, is_bounded: false };
            let is_bound = |atom: &&&Expr| {
                matches!(&atom.kind, ExprKind::Compare { op, .. } if *op != CompareOp::Eq)
                    && telling.is_told_by(atom)
            };
            telling.is_bounded = atoms.iter().filter(is_bound).count() > 1;
            let inexact = |atom: &Expr| match &atom.kind {
                ExprKind::Compare { op: CompareOp::Eq, left, right } => {
                    telling.is_told_by(atom)
                        && (!self.comparison_is_exact(left, right)
                            || [left, right].into_iter().any(|side| self.is_made_of_tenant(side)))
                }
                ExprKind::Subquery(sub) => {
                    self.matches_loosely(sub, &telling)
                        || telling.is_told_by(atom)
                            && sub.rel.cols.iter().any(|col| self.holds_made_of_tenant(*col))
                }
                _ => false,
            };
            let meets_nothing = |atom: &&&Expr| match &atom.kind {
                ExprKind::Compare { .. } => columns(atom).into_iter().any(|col| self.is_left_empty(col)),
                _ => false,
            };
            if let Some(atom) = atoms.iter().find(meets_nothing)
                && class.murky.is_none()
            {
                let why = "it is compared with a column to which nothing was given".to_owned();
                class.murky = Some((atom.range, why));
            }
            if let Some(scan) = self.asks_for_mirror(predicate)
                && class.scans.contains(&scan)
                && class.murky.is_none()
            {
                let why = "every row meets itself in this join, or what it refers to, so that it need not be missing for others";
                class.murky = Some((predicate.range, why.to_owned()));
            }
            // A subquery may be a value around what tells the owner.
            let wraps = |atom: &Expr| {
                subqueries(atom).iter().any(|(sub, ..)| {
                    matches!(sub.usage, SubqueryUsage::Scalar)
                        && sub.rel.cols.iter().any(|col| telling.derived.contains(col))
                })
            };
            let is_loose = |atom: &Expr| is_murky(atom, &telling) && !self.asks_for_any_rows(atom, &telling);
            let murky = atoms.iter().find(|atom| is_loose(atom) || inexact(atom) || wraps(atom));
            if let Some(atom) = murky
                && class.murky.is_none()
            {
                let why =
                    "this condition on the tenant key gives no equality that can be relied on".to_owned();
                class.murky = Some((atom.range, why));
            }
            if let Some(atom) = atoms.iter().find(|atom| self.asks_inside(atom, &telling))
                && class.murky.is_none()
            {
                let why =
                    "this subquery compares the tenant key of the row around it with the tenant".to_owned();
                class.murky = Some((atom.range, why));
            }
            let follows = |rep: &Rep| {
                let names_row = rep.via.is_empty() && matches!(rep.names, Names::Row(..));
                let equal = around.as_ref().filter(|_| names_row).map(|around| around.equals_of(&rep.term()));
                let mut equal = equal.into_iter().flatten();
                equal.any(|term| term.col().is_some_and(|col| everybodys.contains(&col)))
            };
            if class.murky.is_none() && class.reps.iter().any(follows) {
                let why = "it belongs to rows of which some are everybody's".to_owned();
                class.murky = Some((predicate.range, why));
            }
            let is_shared =
                |scan: &ScanId| matches!(self.owner(*scan), TableOwner::Keyed { null_is_shared: true, .. });
            let admits = |atom: &&&Expr| asks_for_null(atom, &telling.reps);
            if let Some(atom) = atoms.iter().find(admits)
                && class.scans.iter().any(is_shared)
                && class.murky.is_none()
            {
                class.murky = Some((atom.range, "rows without an owner are shared".to_owned()));
            }
            let unsure =
                atoms.iter().find_map(|atom| Some((atom.range, self.unsure_parent(atom, &class.scans)?)));
            if class.murky.is_none() {
                class.murky = unsure;
            }
        }
    }

    /// The condition is that a subquery has a row, which asks of the row around it that its key is the tenant's.
    fn asks_inside(&self, atom: &Expr, telling: &Telling) -> bool {
        let ExprKind::Subquery(sub) = &atom.kind else { return false };
        let asks = match sub.usage {
            SubqueryUsage::Exists => !has_a_row(&sub.rel),
            SubqueryUsage::Any(_, Some(_)) => true,
            _ => false,
        };
        let is_key = |expr: &Expr| matches!(expr.kind, ExprKind::Column(_)) && telling.is_told_by(expr);
        let ties = |part: &Expr| match &part.kind {
            ExprKind::Compare { op: CompareOp::Eq, left, right } => {
                is_key(left) && self.mentions_tenant(right) || is_key(right) && self.mentions_tenant(left)
            }
            _ => false,
        };
        let mut found = false;
        rel_exprs(&sub.rel, &mut |expr| {
            found |= match &expr.kind {
                ExprKind::And(parts) => parts.iter().any(ties),
                _ => ties(expr),
            };
        });
        asks && found
    }

    /// `parent_id = ANY($1)` of a list that callers or the request choose: it may name anybody's rows, as `= $1` may.
    fn asks_for_any_rows(&self, atom: &Expr, telling: &Telling) -> bool {
        let ExprKind::Quantified { left, op: Some(CompareOp::Eq), all: false, array } = &atom.kind else {
            return false;
        };
        let list = match &array.kind {
            ExprKind::Cast(list) => list,
            _ => array,
        };
        matches!(left.kind, ExprKind::Column(col) if telling.rows.contains(&col) && !telling.derived.contains(&col))
            && matches!(list.kind, ExprKind::Param(number) if self.is_chosen(number))
    }

    /// The value is one of several, of which some are the tenant, or was made of it in a way that is not read.
    fn is_made_of_tenant(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Column(col) => self.holds_made_of_tenant(*col),
            ExprKind::Subquery(sub) => sub.rel.cols.iter().any(|col| self.holds_made_of_tenant(*col)),
            ExprKind::Cast(part) => self.is_made_of_tenant(part),
            _ => false,
        }
    }

    /// Nothing was given to the column of a written row that this one is.
    pub(super) fn is_left_empty(&self, col: ColId) -> bool {
        let is_itself = |def: &&Expr| matches!(def.kind, ExprKind::Column(col) if self.is_left_empty(col));
        self.left_empty.contains(&col) || self.defs.get(&col).is_some_and(is_itself)
    }

    /// The same of a column, through what it was computed of.
    fn holds_made_of_tenant(&self, col: ColId) -> bool {
        self.made_of_tenant.contains(&col)
            || self.defs.get(&col).is_some_and(|def| self.is_made_of_tenant(def))
    }

    /// A tenant value stands in the expression.
    pub(super) fn mentions_tenant(&self, expr: &Expr) -> bool {
        let source = match &expr.kind {
            ExprKind::Param(number) => Some(TenantSource::Param(*number)),
            ExprKind::Setting { name, .. } => Some(TenantSource::Setting(name.clone())),
            _ => None,
        };
        source.is_some_and(|source| self.is_tenant(&source))
            || crate::prove::predicate::children(expr).into_iter().any(|part| self.mentions_tenant(part))
    }

    /// Why a condition that ties a child to the row that owns it does not: the parent's key is not known to be one row's.
    fn unsure_parent(&self, atom: &Expr, scans: &[ScanId]) -> Option<String> {
        let column = |expr: &Expr| match expr.kind {
            ExprKind::Column(col) => Some(col),
            _ => None,
        };
        let pairs: Vec<(ColId, ColId)> = match &atom.kind {
            ExprKind::Compare { op: CompareOp::Eq, left, right } => {
                column(left).zip(column(right)).into_iter().collect()
            }
            ExprKind::Subquery(sub) => match &sub.usage {
                SubqueryUsage::Any(operands, Some(CompareOp::Eq)) => {
                    let pairs = operands.iter().zip(&sub.rel.cols);
                    pairs.filter_map(|(operand, col)| Some((column(operand)?, *col))).collect()
                }
                _ => Vec::new(),
            },
            _ => Vec::new(),
        };
        pairs.iter().flat_map(|(a, b)| [(*a, *b), (*b, *a)]).find_map(|(child, parent)| {
            let stored = |col: ColId| self.plan.columns.get(col.0 as usize)?.origin;
            self.unsure_key(stored(child)?, stored(parent)?, scans)
        })
    }

    /// Why a parent's column does not tell which of its rows is meant, if it is by that one that the child has its owner.
    fn unsure_key(
        &self,
        (child, at): (ScanId, usize),
        (other, key): (ScanId, usize),
        scans: &[ScanId],
    ) -> Option<String> {
        let TableOwner::Child { parent, by, parent_column } = self.owner(child) else { return None };
        let (child_table, table) = (self.table(child)?, self.table(other)?);
        let ties = child_table.column(by) == Some(at) && table.column(parent_column) == Some(key);
        if !scans.contains(&child) || !ties || table.name != *parent {
            return None;
        }
        let name = &table.name.name;
        if !table.complete {
            return Some(format!(
                "that a row of `{name}` is the only one with its `{parent_column}` is not known: the schema that was read does not tell all constraints of `{name}`"
            ));
        }
        let has_heirs = !table.partitioned && !self.catalog.descendants(&table.name).is_empty();
        has_heirs
            .then(|| format!("rows of tables that inherit from `{name}` may have its `{parent_column}` too"))
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
        // A column that was made below has no name to go by.
        let is_made =
            |col: &ColId| self.plan.columns.get(col.0 as usize).is_some_and(|info| info.origin.is_none());
        let atoms: &'a [Expr] = match &predicate.kind {
            ExprKind::And(parts) => parts,
            _ => std::slice::from_ref(predicate),
        };
        let keys: BTreeSet<ColId> = atoms
            .iter()
            .flat_map(|atom| {
                let is_meant = self.mentions_tenant(atom);
                columns(atom).into_iter().filter(move |col| is_key(col) || is_meant && is_made(col))
            })
            .collect();
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
        let closure = self.close(outer, &state.facts);
        let atoms = self.atoms(predicate, &known(outer, state, &closure));
        let mut follow = Vec::new();
        for at in 0..state.classes.len() {
            let Some(class) = state.classes.get(at) else { continue };
            let [scan] = class.scans.as_slice() else { continue };
            let TableOwner::Keyed { null_is_shared: true, .. } = self.owner(*scan) else { continue };
            // On the nullable side of an outer join, or above a grouping, NULL does not mean a shared row.
            if class.status != Status::Open || class.padded {
                continue;
            }
            let cx = known(outer, state, &closure);
            let found = class.reps.iter().find_map(|rep| {
                let Names::Tenant(domain) = rep.names else { return None };
                let own = atoms.iter().find_map(|atom| self.shared_or_own(atom, rep, &cx, true))?;
                Some((rep.clone(), domain, own))
            });
            let Some((rep, domain, own)) = found else { continue };
            let tenant = match own {
                Own::None => {
                    let text = format!("{} is restricted to rows declared shared", self.called(*scan));
                    self.step(predicate.range, text);
                    if let Some(class) = state.classes.get_mut(at) {
                        class.status = Status::Shared;
                    }
                    continue;
                }
                Own::Of(term) => {
                    let equal = closure.equals_of(&term).into_iter().chain(std::iter::once(term.clone()));
                    let mut tenants = equal.filter_map(|term| match term.base {
                        Base::Tenant(tenant) if term.via == rep.via => Some(tenant),
                        _ => None,
                    });
                    match tenants.next() {
                        Some(tenant) => tenant,
                        None => {
                            follow.push((*scan, rep, term));
                            continue;
                        }
                    }
                }
            };
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
        for (scan, rep, term) in follow {
            self.follow_or_shared(state, scan, (&rep, &term), outer, &closure);
        }
    }

    /// A scan of rows that are shared or have the owner of another class: where that owner is given, it is restricted to
    /// that one's rows and to shared ones. It names the owner no more, and is not written.
    fn follow_or_shared(
        &mut self,
        state: &mut State,
        scan: ScanId,
        (rep, term): (&Rep, &Term),
        outer: &Outer,
        closure: &Closure,
    ) {
        let Some(at) = state.classes.iter().position(|class| class.scans == [scan]) else { return };
        if self.scan(scan).is_none_or(|scan| scan.is_target) {
            return;
        }
        let Some(class) = state.classes.get(at).cloned() else { return };
        let tells =
            |own: &Rep| own.names == rep.names && own.via == rep.via && closure.equal(&own.term(), term);
        let home = state.classes.iter().enumerate().position(|(other, home)| {
            other != at
                && matches!(home.status, Status::Open | Status::Pinned | Status::Outer(..))
                && home.reps.iter().any(tells)
                && self.have_one_owner(home, &class, &rep.names)
        });
        let is_shared =
            state.classes.iter().enumerate().any(|(other, home)| {
                other != at && home.status == Status::Shared && home.reps.iter().any(tells)
            });
        let around = term.col().filter(|col| term.via.is_empty() && outer.cols.contains(col));
        let key = self.spoken_column(rep.col);
        let owner = term.col().map_or_else(|| "its owner".to_owned(), |col| self.spoken_column(col));
        let text = format!("{} is shared or has the owner of {owner}, by {key}", self.called(scan));
        if let Some(home) = home.and_then(|home| state.classes.get_mut(home)) {
            home.scans.push(scan);
            home.murky = home.murky.take().or(class.murky);
            state.classes.remove(at);
        } else if let (true, Some(class)) = (is_shared, state.classes.get_mut(at)) {
            class.status = Status::Shared;
        } else if let (Some(_), Some(class)) = (around, state.classes.get_mut(at)) {
            class.reps.clear();
            class.status = Status::Outer(term.clone(), rep.names.clone(), rep.via.clone());
        } else {
            return;
        }
        self.step(self.scan(scan).map_or_else(TextRange::default, |scan| scan.range), text);
    }

    /// The expression of which a column was computed.
    fn computed(&self, expr: &'a Expr) -> &'a Expr {
        match expr.kind {
            ExprKind::Column(col) => self.defs.get(&col).copied().unwrap_or(expr),
            _ => expr,
        }
    }

    /// `k = x OR k IS NULL`, `COALESCE(k, x) = x`, `k IS NOT DISTINCT FROM x`, or `k IS NULL` alone: whose the rows are that
    /// are not shared. Where rows pass only by what is true, `x` may be missing: `NULLIF(x, '')` lets no row through then.
    fn shared_or_own(&self, atom: &'a Expr, rep: &Rep, cx: &Known<'_>, if_true: bool) -> Option<Own> {
        let is_rep = |expr: &Expr| matches!(expr.kind, ExprKind::Column(col) if col == rep.col);
        let other_than_rep = |left: &'a Expr, right: &'a Expr| {
            let other = match (is_rep(left), is_rep(right)) {
                (true, false) => right,
                (false, true) => left,
                _ => return None,
            };
            let term = if if_true { self.present(other, cx) } else { self.term(other, cx) };
            term.filter(|_| self.comparison_is_exact(left, right))
        };
        match &atom.kind {
            ExprKind::IsNull(part) => is_rep(part).then_some(Own::None),
            ExprKind::NotDistinct(left, right) if is_null(left) || is_null(right) => {
                (is_rep(left) || is_rep(right)).then_some(Own::None)
            }
            ExprKind::NotDistinct(left, right) => other_than_rep(left, right).map(Own::Of),
            // It is NULL, and so admitted, where the representative is, if the other side cannot be.
            ExprKind::Coalesce(parts) => match parts.as_slice() {
                [part, Expr { kind: ExprKind::Bool(true), .. }] => {
                    self.shared_or_own_unless_null(part, rep, cx)
                }
                _ => None,
            },
            ExprKind::Not(test) => match &test.kind {
                ExprKind::IsBool(part, Some(false)) => self.shared_or_own_unless_null(part, rep, cx),
                _ => None,
            },
            ExprKind::Or(parts) => {
                let mut found = Own::None;
                for part in parts {
                    match &part.kind {
                        ExprKind::IsNull(col) if is_rep(col) => {}
                        ExprKind::Compare { op: CompareOp::Eq, left, right }
                        | ExprKind::NotDistinct(left, right)
                            if matches!(found, Own::None) =>
                        {
                            found = Own::Of(other_than_rep(left, right)?);
                        }
                        _ => return None,
                    }
                }
                Some(found)
            }
            ExprKind::Compare { op: CompareOp::Eq, left, right } if self.comparison_is_exact(left, right) => {
                let (side, other) = match (&self.computed(left).kind, &self.computed(right).kind) {
                    (ExprKind::Coalesce(parts), _) => (parts, right),
                    (_, ExprKind::Coalesce(parts)) => (parts, left),
                    _ => return None,
                };
                let [first, second] = side.as_slice() else { return None };
                let (a, b) = (self.term(other, cx)?, self.term(second, cx)?);
                (is_rep(first) && a == b).then_some(Own::Of(a))
            }
            _ => None,
        }
    }
}

impl<'a> Prover<'a> {
    /// `k = x` that is true or NULL, `k = x OR k IS NULL` that is: the latter is never NULL unless `x` is.
    fn shared_or_own_unless_null(&self, part: &'a Expr, rep: &Rep, cx: &Known<'_>) -> Option<Own> {
        let filled = |own: &Own| match own {
            Own::None => true,
            Own::Of(term) => cx.closure.not_null(term),
        };
        let found = match &part.kind {
            ExprKind::Compare { op: CompareOp::Eq, left, right } => {
                let is_rep = |expr: &Expr| matches!(expr.kind, ExprKind::Column(col) if col == rep.col);
                let other = match (is_rep(left), is_rep(right)) {
                    (true, false) => right,
                    (false, true) => left,
                    _ => return None,
                };
                self.term(other, cx).filter(|_| self.comparison_is_exact(left, right)).map(Own::Of)
            }
            ExprKind::Or(_) => self.shared_or_own(part, rep, cx, false),
            _ => None,
        };
        found.filter(filled)
    }
}

/// An alternative of the condition is that one of the columns is NULL.
fn asks_for_null(expr: &Expr, cols: &BTreeSet<ColId>) -> bool {
    match &expr.kind {
        ExprKind::Or(parts) => parts.iter().any(|part| asks_for_null(part, cols)),
        ExprKind::IsNull(part) => matches!(part.kind, ExprKind::Column(col) if cols.contains(&col)),
        _ => false,
    }
}

/// Whose the rows are, besides those that are shared.
enum Own {
    /// Nobody's.
    None,
    /// The one's whom this value names.
    Of(Term),
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
