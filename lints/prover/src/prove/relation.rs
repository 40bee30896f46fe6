//! The abstract value of each relational operator.

use tenantry_span::TextRange;

use crate::plan::{ColId, Expr, ExprKind, JoinKind, Rel, RelKind};
use crate::prove::context::{Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Claim, Fact, Term};
use crate::prove::predicate::{Position, is_plain, known, subqueries};
use crate::prove::shared::coalesced;
use crate::prove::tie::{lose_all, lose_open};

impl<'a> Prover<'a> {
    /// What is known of a relation whose columns may refer to `outer`.
    pub(super) fn rel(&mut self, rel: &'a Rel, outer: &Outer) -> State {
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
            RelKind::Filter { input, predicate } => {
                let mut state = match &input.kind {
                    RelKind::Join { kind: JoinKind::Full, left, right, on } => {
                        let mut state = self.full_join_under([left, right], on, predicate, outer);
                        state.made.extend(input.cols.iter().copied());
                        state
                    }
                    _ => self.rel(input, outer),
                };
                self.strict_filter(&state, Some(input), predicate);
                self.filter(&mut state, predicate, outer);
                state
            }
            RelKind::Join { kind, left, right, on } => self.join(*kind, left, right, on, outer),
            RelKind::Project { input, computed } => {
                let mut state = self.rel(input, outer);
                for (col, expr) in computed.iter().filter(|(col, _)| !self.plan.unused.contains(col)) {
                    self.compute(&mut state, *col, expr, outer);
                }
                state
            }
            RelKind::Aggregate { input, grouping, aggregates } => {
                let state = self.rel(input, outer);
                self.aggregate(state, grouping, aggregates, outer, rel.range)
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
                counts.iter().for_each(|expr| self.evaluate(&mut state, expr, outer));
                self.settle(&mut state, outer);
                // OFFSET 0 leaves out none, LIMIT 0 leaves none; of one row the counts alone say whether it is left.
                let picks_none = counts.iter().all(is_zero) || self.at_most_one(input);
                if picks_none || cfg!(tenantry_sabotage = "limit") {
                    return state;
                }
                lose_open(&mut state, rel.range, "LIMIT picks from the rows of every tenant");
                state
            }
            RelKind::SetOp { op, left, right, .. } => self.set_operation(*op, left, right, &rel.cols, outer),
            RelKind::Recursive { base, step, working, .. } => {
                self.recursive(base, step, working, &rel.cols, outer, rel.range)
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
        let mut facts = Vec::new();
        for (at, col) in cols.iter().enumerate() {
            let mut terms = rows.iter().map(|row| {
                let expr = row.get(at)?;
                self.term(expr, &known(outer, &state, &closure))
            });
            let Some(Some(first)) = terms.next() else { continue };
            // A scalar subquery's column is one row's value: only a single row may name it.
            let same = terms.all(|term| term.is_some_and(|term| closure.equal(&term, &first)));
            if same {
                facts.push(Fact::plain(Claim::Same(Term::column(*col), first)));
            }
        }
        state.facts.extend(facts);
        state
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
        // Where no row passes, it is all the same what rows there were; that something on the way to them may fail is not.
        if claims.is_none() && !self.tenancy.strict_errors {
            state.classes.iter_mut().for_each(|class| class.status = Status::Pinned);
        }
        let guarded = self.where_filled(atom, &known(outer, state, &closure));
        state.facts.extend(claims.unwrap_or_default().into_iter().map(Fact::plain));
        state.facts.extend(guarded);
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
        self.positioned(state, &old, cols, &Outer::default(), TextRange::default(), "")
    }

    pub(super) fn function(&mut self, calls: &'a [Expr], cols: &[ColId], outer: &Outer) -> State {
        let mut state = State::default();
        calls.iter().for_each(|call| self.evaluate(&mut state, call, outer));
        let ([call], [col, ..]) = (calls, cols) else { return state };
        let ExprKind::Pure { name, args } = &call.kind else { return state };
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

fn is_zero(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Number(number) if number == "0")
}
