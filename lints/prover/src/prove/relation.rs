//! The abstract value of each relational operator.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::plan::{AggregateCall, ColId, Expr, ExprKind, Grouping, JoinKind, Rel, RelKind, ScanId};
use crate::prove::context::{Class, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Claim, Fact, Term};
use crate::prove::grouping::doubt;
use crate::prove::predicate::{Known, Position, is_plain, known, subqueries};
use crate::prove::row_security::Policies;
use crate::prove::shared::coalesced;
use crate::prove::tie::{lose_all, lose_open};
use crate::types::SqlType;

impl<'a> Prover<'a> {
    /// What is known of a relation whose columns may refer to `outer`.
    pub(super) fn rel(&mut self, rel: &'a Rel, outer: &Outer) -> State {
        let above = std::mem::take(&mut self.above);
        let mut state = match &rel.kind {
            RelKind::Unit => State::default(),
            RelKind::Scan { scan, sampled } => {
                let mut state = self.scan_state(*scan);
                if *sampled {
                    lose_all(
                        &mut state,
                        rel.range,
                        "TABLESAMPLE depends on where rows lie, other tenants' included",
                    );
                }
                state
            }
            RelKind::Values(rows) => self.values(rows, &rel.cols, outer),
            RelKind::Filter { input, predicate }
                if self.policies == Policies::Ignored && self.is_secured_by(input) =>
            {
                let mut state = self.rel(input, outer);
                self.strict_filter(&state, Some(input), predicate);
                self.evaluate(&mut state, predicate, outer);
                state
            }
            RelKind::Filter { input, predicate } => {
                let mut state = match &input.kind {
                    RelKind::Join { kind: JoinKind::Full, left, right, on } => {
                        let mut state = self.full_join_under([left, right], on, predicate, outer);
                        state.made.extend(input.cols.iter().copied());
                        state
                    }
                    _ => {
                        self.above = above;
                        self.above.push(predicate);
                        self.rel(input, outer)
                    }
                };
                self.strict_filter(&state, Some(input), predicate);
                self.filter(&mut state, predicate, outer);
                state
            }
            RelKind::Join { kind, left, right, on } => self.join(*kind, [left, right], on, &above, outer),
            RelKind::Project { input, computed } => {
                let mut state = self.rel(input, outer);
                for (col, expr) in computed.iter().filter(|(col, _)| !self.plan.unused.contains(col)) {
                    self.compute(&mut state, *col, expr, outer);
                }
                state
            }
            RelKind::Aggregate { input, grouping, aggregates } => {
                let mut state = self.rel(input, outer);
                if matches!(grouping, Grouping::Whole) && asks_whether(input, aggregates) {
                    // Whether there is a row at all others need not decide.
                    state.classes.iter_mut().for_each(|class| doubt(class, true));
                }
                let mut state = self.aggregate(state, grouping, aggregates, outer, rel.range);
                self.doubt_inexact(&mut state, aggregates);
                state
            }
            RelKind::Window { input, calls } => {
                let mut state = self.rel(input, outer);
                self.window(&mut state, calls, outer);
                state
            }
            RelKind::Distinct { input, on } => {
                let state = self.rel(input, outer);
                self.distinct(state, on.as_deref(), &rel.cols, outer, rel.range)
            }
            RelKind::Sort { input, by } => {
                let mut state = self.rel(input, outer);
                by.iter().for_each(|expr| self.evaluate(&mut state, expr, outer));
                state
            }
            RelKind::Limit { input, counts, .. } => {
                let mut state = self.rel(input, outer);
                let input_state = state.clone();
                counts.iter().for_each(|expr| self.evaluate(&mut state, expr, outer));
                // Of as many rows as the table has none is left out, whosever they are.
                for class in state.classes.iter_mut().skip(input_state.classes.len()) {
                    let is_like = |scan: &ScanId| !self.scans_like(*scan, &input_state).is_empty();
                    if let Status::Lost(lost) = &mut class.status
                        && class.scans.iter().all(is_like)
                    {
                        lost.certain = false;
                    }
                }
                self.settle(&mut state, outer);
                if self.is_empty(rel) {
                    self.pass_none(&mut state, rel.range);
                }
                // OFFSET 0 leaves out none, LIMIT 0 leaves none; of one row the counts alone say whether it is left.
                let picks_none = counts.iter().all(is_zero) || self.at_most_one(input);
                if picks_none || cfg!(tenantry_sabotage = "limit") {
                    return state;
                }
                lose_open(&mut state, rel.range, "LIMIT picks from the rows of every tenant");
                state
            }
            RelKind::SetOp { op, left, right, .. } => {
                let state = self.set_operation(*op, left, right, &rel.cols, outer);
                self.note_made(left, &rel.cols);
                self.note_made(right, &rel.cols);
                for arm in [left, right] {
                    self.in_arm.extend(arm.cols.iter().copied().zip(rel.cols.iter().copied()));
                }
                state
            }
            RelKind::Recursive { base, step, working, all } => {
                self.recursive((base, step, *all), working, &rel.cols, outer, rel.range)
            }
            RelKind::WorkingTable => self.working.last().cloned().unwrap_or_default(),
            RelKind::Returned { action } => self.returned_rows(*action, &rel.cols),
            RelKind::WrittenRow => self.written.last().cloned().unwrap_or_default(),
            RelKind::Function { calls } => self.function(calls, &rel.cols, outer),
        };
        state.made.extend(rel.cols.iter().copied());
        state
    }

    pub(super) fn values(&mut self, rows: &'a [Vec<Expr>], cols: &[ColId], outer: &Outer) -> State {
        let mut state = State::default();
        for expr in rows.iter().flatten() {
            self.evaluate(&mut state, expr, outer);
        }
        let closure = self.close(outer, &state.facts);
        let cx = known(outer, &state, &closure);
        let mut facts = Vec::new();
        let mut named: Vec<(usize, Rep)> = Vec::new();
        let mut told: BTreeSet<ColId> = BTreeSet::new();
        for (at, col) in cols.iter().enumerate() {
            let exprs: Vec<&'a Expr> = rows.iter().filter_map(|row| row.get(at)).collect();
            // A scalar subquery's column is one row's value: only a single row may name it.
            let same = |term: &dyn Fn(&'a Expr) -> Option<Term>| {
                let first = term(exprs.first()?)?;
                let is_first = |other: Term| closure.equal(&other, &first);
                exprs.iter().all(|expr| term(expr).is_some_and(is_first)).then_some(first)
            };
            if let Some(term) = same(&|expr| self.term(expr, &cx)) {
                facts.push((None, Claim::Same(Term::column(*col), term)));
            } else if let Some(term) = same(&|expr| self.present(expr, &cx)) {
                facts.push((Some(*col), Claim::Equal(Term::column(*col), term)));
            }
            named.extend(self.named_by_all(&state.classes, *col, &exprs, &cx));
            if exprs.iter().any(|expr| self.mentions_tenant(expr)) {
                told.insert(*col);
            }
        }
        self.made_of_tenant.append(&mut told);
        for (filled, claim) in facts {
            let guards = filled.map(|col| self.new_guard([col].into())).into_iter().collect();
            state.facts.push(Fact { guards, claim });
        }
        for (at, rep) in named {
            state.classes.get_mut(at).into_iter().for_each(|class| class.reps.push(rep.clone()));
        }
        state
    }

    /// What a column of several rows names, if each of them takes its value from a row of the tenant, of which the place of a
    /// class is told.
    fn named_by_all(
        &self,
        classes: &[Class],
        col: ColId,
        exprs: &[&'a Expr],
        cx: &Known<'_>,
    ) -> Vec<(usize, Rep)> {
        let tied = || classes.iter().enumerate().filter(|(_, class)| class.status == Status::Pinned);
        let names = |expr: &'a Expr| -> Vec<(usize, &Rep)> {
            let Some(term) = self.term(expr, cx) else { return Vec::new() };
            let reps = tied().flat_map(|(at, class)| class.reps.iter().map(move |rep| (at, rep)));
            reps.filter(|(_, rep)| rep.via.is_empty() && cx.closure.equal(&rep.term(), &term)).collect()
        };
        let Some((first, rest)) = exprs.split_first() else { return Vec::new() };
        if rest.is_empty() {
            return Vec::new();
        }
        let in_all =
            |rep: &Rep| rest.iter().all(|expr| names(expr).iter().any(|(_, other)| other.names == rep.names));
        let found = names(first).into_iter().filter(|(_, rep)| in_all(rep));
        found.map(|(at, rep)| (at, Rep { col, ..rep.clone() })).collect()
    }

    /// Columns of a set operation hold what those of its arms do.
    fn note_made(&mut self, arm: &Rel, cols: &[ColId]) {
        let is_made = |col: &ColId| {
            self.made_of_tenant.contains(col)
                || self.defs.get(col).is_some_and(|def| self.mentions_tenant(def))
        };
        let made = arm.cols.iter().zip(cols).filter(|(below, _)| is_made(below)).map(|(_, above)| *above);
        let made: Vec<ColId> = made.collect();
        self.made_of_tenant.extend(made);
    }

    /// `σ[predicate](state)`.
    pub(super) fn filter(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        self.note_hints(predicate);
        self.restrict(state, predicate, outer);
        self.note_loss(state, predicate);
        self.settle(state, outer);
        self.pin_coalesced(state, predicate, outer);
        self.pin_collected(state, predicate, outer);
        self.note_murk(state, predicate, outer);
    }

    /// Adds what follows from the predicate, subqueries included, without tying classes.
    pub(super) fn restrict(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        let closure = self.close(outer, &state.facts);
        let atoms = self.atoms(predicate, &known(outer, state, &closure));
        let (plain, with): (Vec<&'a Expr>, Vec<&'a Expr>) =
            atoms.into_iter().partition(|atom| subqueries(atom).is_empty());
        // What a branching condition leaves over may hang on the others, wherever they are written.
        let (plain, branching): (Vec<&'a Expr>, Vec<&'a Expr>) =
            plain.into_iter().partition(|atom| is_plain(atom));
        for atom in plain.into_iter().chain(branching) {
            self.assume(state, atom, outer);
        }
        self.settle(state, outer);
        for atom in with {
            self.mount_all(state, atom, outer);
            self.assume(state, atom, outer);
            self.settle(state, outer);
        }
    }

    pub(super) fn assume(&mut self, state: &mut State, atom: &'a Expr, outer: &Outer) {
        let closure = self.close(outer, &state.facts);
        let claims = self.when_true(atom, &known(outer, state, &closure));
        if claims.is_none() {
            self.pass_none(state, atom.range);
        }
        let guarded = self.where_filled(atom, &known(outer, state, &closure));
        state.facts.extend(claims.unwrap_or_default().into_iter().map(Fact::plain));
        state.facts.extend(guarded);
    }

    /// Where no row passes, it is all the same what rows there were; that something on the way to them may fail is not.
    fn pass_none(&self, state: &mut State, range: TextRange) {
        for class in &mut state.classes {
            if self.tenancy.strict_errors {
                let why = "no row passes this condition, but something on the way to it may fail";
                class.murky = Some((range, why.to_owned()));
            } else {
                class.status = Status::Pinned;
            }
        }
    }

    /// Evaluates an expression of which only the value matters.
    pub(super) fn evaluate(&mut self, state: &mut State, expr: &'a Expr, outer: &Outer) {
        self.strict_value(state, expr);
        for (sub, range, _) in subqueries(expr) {
            self.mount(state, sub, range, Position::Value, outer);
        }
    }

    pub(super) fn compute(&mut self, state: &mut State, col: ColId, expr: &'a Expr, outer: &Outer) {
        self.evaluate(state, expr, outer);
        self.defs.insert(col, expr);
        state.made.insert(col);
        let closure = self.close(outer, &state.facts);
        if let Some(term) = self.term(expr, &known(outer, state, &closure)) {
            state.facts.push(Fact::plain(Claim::Same(Term::column(col), term)));
        } else if let Some(term) = self.present(expr, &known(outer, state, &closure)) {
            let guards = vec![self.new_guard([col].into())];
            state.facts.push(Fact { guards, claim: Claim::Equal(Term::column(col), term) });
        }
        if let ExprKind::Coalesce(parts) = &expr.kind {
            for (at, rep) in coalesced(&state.classes, parts) {
                if let Some(class) = state.classes.get_mut(at) {
                    class.reps.push(Rep { col, ..rep });
                }
            }
        }
    }

    pub(super) fn returned_rows(&mut self, action: usize, cols: &[ColId]) -> State {
        let Some(known) = self.returned.get(action) else { return State::default() };
        let state = known.clone();
        let old: Vec<ColId> = self.returned_cols(action);
        let empty = old.iter().zip(cols).filter(|(below, _)| self.is_left_empty(**below));
        let empty: Vec<ColId> = empty.map(|(_, above)| *above).collect();
        self.left_empty.extend(empty);
        self.positioned(state, &old, cols, &Outer::default(), TextRange::default(), "")
    }

    pub(super) fn function(&mut self, calls: &'a [Expr], cols: &[ColId], outer: &Outer) -> State {
        let mut state = State::default();
        calls.iter().for_each(|call| self.evaluate(&mut state, call, outer));
        if calls.iter().any(|call| self.mentions_tenant(call)) {
            self.made_of_tenant.extend(cols);
        }
        let ([call], [col, ..]) = (calls, cols) else { return state };
        let ExprKind::Pure { name, args } = &call.kind else { return state };
        if name == "unnest" {
            self.elements(&mut state, args, cols);
        }
        let closure = self.close(outer, &state.facts);
        let terms: Vec<Option<Term>> = match (name.as_str(), args.as_slice()) {
            ("unnest", [array]) => {
                let Some(list) = self.plain_elements(array) else { return state };
                list.iter().map(|item| self.term(item, &known(outer, &state, &closure))).collect()
            }
            ("generate_series", [from, to]) => {
                [from, to].into_iter().map(|item| self.term(item, &known(outer, &state, &closure))).collect()
            }
            _ => return state,
        };
        let mut terms = terms.into_iter();
        if let Some(Some(first)) = terms.next()
            && terms.all(|term| term.as_ref() == Some(&first))
        {
            state.facts.push(Fact::plain(Claim::Same(Term::column(*col), first)));
        }
        state
    }
}

impl<'a> Prover<'a> {
    /// `unnest($1, $2)`: what comes of a list all of whose elements are the tenant is the tenant, or NULL where another
    /// list is longer.
    fn elements(&mut self, state: &mut State, lists: &'a [Expr], cols: &[ColId]) {
        for (list, col) in lists.iter().zip(cols) {
            let (list, keeps) = match &list.kind {
                ExprKind::Cast(inner) => {
                    (&**inner, matches!(&list.ty, SqlType::Array(of) if is_named_as_it_is(of)))
                }
                _ => (list, true),
            };
            let ExprKind::Param(number) = list.kind else { continue };
            let Some(tenant) = self.tenant_of_elements(number).filter(|_| keeps) else { continue };
            let guards = vec![self.new_guard([*col].into())];
            state.facts.push(Fact {
                guards,
                claim: Claim::Equal(Term::column(*col), Term::of(Base::Tenant(tenant))),
            });
        }
    }
}

/// A value from outside is in this type the value that it is.
fn is_named_as_it_is(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Int | SqlType::Numeric | SqlType::Uuid | SqlType::Text)
}

/// Of a relation of one row at the most it is counted whether that is there.
fn asks_whether(rel: &Rel, aggregates: &[(ColId, AggregateCall)]) -> bool {
    match &rel.kind {
        RelKind::Limit { single, .. } => {
            *single && aggregates.iter().all(|(_, call)| call.name == "count" && call.args.is_empty())
        }
        RelKind::Project { input, .. } | RelKind::Sort { input, .. } => asks_whether(input, aggregates),
        _ => false,
    }
}

fn is_zero(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Number(number) if number == "0")
}
