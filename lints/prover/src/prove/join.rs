//! Joins: which side a condition ties, and what holds only where the nullable side is present.

use std::collections::BTreeSet;

use crate::plan::{Expr, JoinKind, Rel, ScanId};
use crate::prove::context::{Class, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Claim, Closure, Fact, Guard};
use crate::prove::predicate::{Position, columns, known, subqueries};
use crate::prove::tie::absorb;

impl<'a> Prover<'a> {
    pub(super) fn join(
        &mut self,
        kind: JoinKind,
        [left, right]: [&'a Rel; 2],
        on: &'a Expr,
        above: &[&'a Expr],
        outer: &Outer,
    ) -> State {
        self.note_hints(on);
        if kind != JoinKind::Full {
            self.above = above.to_vec();
        }
        let mut a = self.rel(left, outer);
        self.strict_filter(&a, None, on);
        match kind {
            JoinKind::Inner => {
                let b = self.rel(right, &self.beside(&a, above, outer));
                self.bring_in(&mut a, b, outer);
                self.filter(&mut a, on, outer);
                a
            }
            JoinKind::Left => {
                let b = self.rel(right, &self.beside(&a, above, outer));
                self.note_mirror(&a, right, on);
                self.left_join(a, b, on, outer)
            }
            JoinKind::Full => {
                let b = self.rel(right, outer);
                self.full_join(a, b, on, outer)
            }
        }
    }

    /// The rows beside which a lateral relation stands. What conditions above the join ask of them alone counts there too: a row
    /// that they drop is dropped whatever it is joined with, unless an error on the way to that is seen.
    fn beside(&self, left: &State, above: &[&'a Expr], outer: &Outer) -> Outer {
        let mut around = outer.within(left);
        if self.tenancy.strict_errors {
            return around;
        }
        let closure = self.close(outer, &left.facts);
        let is_of_left = |atom: &&Expr| {
            subqueries(atom).is_empty() && columns(atom).iter().all(|col| around.cols.contains(col))
        };
        let atoms = above.iter().flat_map(|predicate| self.atoms(predicate, &known(outer, left, &closure)));
        let asked: Vec<&'a Expr> = atoms.filter(is_of_left).collect();
        let claims = asked.into_iter().filter_map(|atom| self.when_true(atom, &known(outer, left, &closure)));
        let facts: Vec<Fact> = claims.flatten().map(Fact::plain).collect();
        around.facts.extend(facts);
        around
    }

    /// A FULL JOIN of which only rows count for which `filter` is true: where that asks for a row of one side, it is the outer
    /// join that keeps that side, and where it asks for both an inner one.
    pub(super) fn full_join_under(
        &mut self,
        [left, right]: [&'a Rel; 2],
        on: &'a Expr,
        filter: &'a Expr,
        outer: &Outer,
    ) -> State {
        let nothing = State::default();
        let closure = self.close(outer, &nothing.facts);
        let claims = self.when_true(filter, &known(outer, &nothing, &closure)).unwrap_or_default();
        let asks_for = |side: &Rel| {
            claims.iter().any(|claim| match claim {
                Claim::NotNull(col) => side.cols.contains(col),
                Claim::Equal(..) | Claim::Same(..) | Claim::AtMost(..) => false,
            })
        };
        match (asks_for(left), asks_for(right)) {
            (true, true) => self.join(JoinKind::Inner, [left, right], on, &[], outer),
            (true, false) => self.join(JoinKind::Left, [left, right], on, &[], outer),
            (false, true) => self.join(JoinKind::Left, [right, left], on, &[], outer),
            (false, false) => self.join(JoinKind::Full, [left, right], on, &[], outer),
        }
    }

    /// Adds the right side of an inner join: facts as they are, classes resolved against the left.
    pub(super) fn bring_in(&mut self, state: &mut State, side: State, outer: &Outer) {
        state.facts.extend(side.facts);
        state.made.extend(side.made);
        self.adopt(state, side.classes, outer, Some(&BTreeSet::new()));
    }

    /// `left ⟕ right`: the condition ties the right side's classes and leaves the left's alone.
    pub(super) fn left_join(&mut self, left: State, right: State, on: &'a Expr, outer: &Outer) -> State {
        let guard = self.new_guard(right.made.clone());
        let preserved = left.classes.clone();
        let before = left.facts.len();
        let mut matched = left;
        self.bring_in(&mut matched, right, outer);
        // Classes of the left stay as they are, but for the lateral scans that they took over.
        let kept: Vec<Class> = matched.classes.iter().take(preserved.len()).cloned().collect();
        self.restrict(&mut matched, on, outer);
        if cfg!(tenantry_sabotage = "left-join") {
            return matched;
        }
        self.note_murk(&mut matched, on, outer);
        let mut state = State { made: matched.made.clone(), ..State::default() };
        let (own, extra) = matched.facts.split_at(before.min(matched.facts.len()));
        state.facts.extend(own.iter().cloned());
        state.facts.extend(guarded(extra.to_vec(), guard));
        state.classes = kept;
        let closure = self.close_with(outer, &matched.facts, &BTreeSet::from([guard]));
        for class in matched.classes {
            self.keep_matched(&mut state, &preserved, class, &closure);
        }
        state
    }

    /// Puts what the matched rows of a left join have beside the preserved ones back beside those: scans of the right side, and
    /// of subqueries in the condition.
    ///
    /// What the condition ties to the tenant is tied: a pair for which it is not is no match. What it ties to a preserved class
    /// follows that one: where the owner of the preserved row is given, rows of other owners match nothing. Of several that
    /// the condition makes equal any will do.
    pub(super) fn keep_matched(
        &self,
        state: &mut State,
        preserved: &[Class],
        class: Class,
        closure: &Closure,
    ) {
        let known = |scan: &ScanId| state.classes.iter().any(|class| class.scans.contains(scan));
        let scans: Vec<ScanId> = class.scans.iter().copied().filter(|scan| !known(scan)).collect();
        if scans.is_empty() {
            return;
        }
        // What a preserved class is named by, the lateral scans that it took over among it, names no class of matches.
        let is_new = |rep: &&Rep| !state.classes.iter().any(|old| old.reps.contains(rep));
        let reps = class.reps.iter().filter(is_new).cloned().collect();
        let beyond = self.levels_of_class(&class);
        let mut right = Class { scans, reps, status: class.status, murky: class.murky, padded: true, beyond };
        let tied = matches!(right.status, Status::Pinned | Status::Shared);
        let met = |home: &&mut Class| home.scans.iter().any(|scan| class.scans.contains(scan));
        match state.classes.iter_mut().take(preserved.len()).find(met) {
            Some(home) if !tied => {
                home.scans.extend(right.scans);
                home.reps.extend(right.reps);
                home.murky = home.murky.take().or(right.murky);
                home.beyond.extend(right.beyond);
            }
            Some(_) | None => {
                self.add_outer_levels(&mut right, preserved, closure);
                state.classes.push(right);
            }
        }
    }

    /// A class that only an outer level ties to a preserved one is restricted by that one's names of that level: by those of
    /// one, since the names of two are alike only on rows with a match, and as names of one class they would be so on all.
    pub(super) fn add_outer_levels(&self, right: &mut Class, preserved: &[Class], closure: &Closure) {
        if right.status != Status::Open {
            return;
        }
        let names = |rep: &&Rep| {
            let alike = |own: &Rep| {
                own.names == rep.names && own.via == rep.via && closure.equal(&own.term(), &rep.term())
            };
            right.reps.iter().any(alike)
        };
        let open = preserved.iter().filter(|home| home.status == Status::Open);
        let mut found = open.map(|home| home.reps.iter().filter(names).cloned().collect::<Vec<Rep>>());
        right.reps.extend(found.find(|reps| !reps.is_empty()).unwrap_or_default());
    }

    /// `left ⟗ right`: the condition pins nothing; open classes that it equates become one.
    pub(super) fn full_join(&mut self, left: State, right: State, on: &'a Expr, outer: &Outer) -> State {
        let (gl, gr) = (self.new_guard(left.made.clone()), self.new_guard(right.made.clone()));
        let mut state = State::default();
        state.made.extend(left.made.iter().chain(&right.made).copied());
        let both = State {
            facts: left.facts.iter().chain(&right.facts).cloned().collect(),
            classes: Vec::new(),
            made: state.made.clone(),
        };
        let mut matched = both.clone();
        let before = matched.facts.len();
        for (sub, range, _) in subqueries(on) {
            self.mount(&mut matched, sub, range, Position::Value, outer);
        }
        self.assume(&mut matched, on, outer);
        let closure = self.close(outer, &matched.facts);
        state.facts.extend(guarded(left.facts, gl));
        state.facts.extend(guarded(right.facts, gr));
        let extra = matched.facts.split_off(before.min(matched.facts.len()));
        state.facts.extend(guarded(guarded(extra, gl), gr));
        state.classes = left.classes;
        state.classes.iter_mut().for_each(|class| class.padded = true);
        self.finished.extend(matched.classes);
        for mut class in right.classes {
            class.padded = true;
            let open = |home: &&mut Class| home.status == Status::Open && class.status == Status::Open;
            let mut homes = state.classes.iter_mut().filter(open);
            let home = homes.find_map(|home| self.meeting(home, &class, &closure).map(|by| (home, by)));
            match home {
                Some((home, (theirs, ours))) => {
                    self.tell_meeting(home, &class, (&theirs, &ours), &closure);
                    absorb(home, class);
                }
                None => state.classes.push(class),
            }
        }
        state
    }
}

/// Facts that hold where `guard` does.
pub(super) fn guarded(facts: Vec<Fact>, guard: Guard) -> Vec<Fact> {
    let add = |mut fact: Fact| {
        fact.guards.push(guard);
        fact
    };
    facts.into_iter().map(add).collect()
}
