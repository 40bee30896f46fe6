//! Recursive common table expressions: the greatest hypothesis on the working table that a step keeps.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::plan::{ColId, Rel};
use crate::prove::context::{Class, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Fact, Term};
use crate::prove::grouping::doubt;
use crate::prove::tie::{lose_all, lost};

impl<'a> Prover<'a> {
    /// The greatest fixpoint: the positions at which every class of both terms keeps naming the same owner.
    pub(super) fn recursive(
        &mut self,
        (base, step, all): (&'a Rel, &'a Rel, bool),
        working: &[ColId],
        cols: &[ColId],
        outer: &Outer,
        range: TextRange,
    ) -> State {
        let why = "the recursion mixes rows of several tenants";
        let mut base_state = self.rel(base, outer);
        self.settle(&mut base_state, outer);
        let start = self.positioned(base_state, &base.cols, working, outer, range, why);
        let mut hypothesis = one_class(start.clone());
        for _ in 0..16 {
            let (finished, steps) = (self.finished.len(), self.steps.len());
            self.working.push(hypothesis.clone());
            let mut next = self.rel(step, outer);
            self.working.pop();
            self.settle(&mut next, outer);
            // A column of the step may be the working table's of another position: not to be taken for the new row's.
            let between: Vec<ColId> =
                (0..).map(|at| ColId(u32::MAX - 1 - at)).take(step.cols.len()).collect();
            let closure = self.close(outer, &next.facts);
            let is_known =
                |(new, old): (&ColId, &ColId)| closure.equal(&Term::column(*new), &Term::column(*old));
            // A row that is there already is not added again.
            let is_idle = !all && step.cols.iter().zip(working).all(is_known);
            let next = self.positioned(next, &step.cols, &between, outer, range, why);
            let next = self.positioned(next, &between, working, outer, range, why);
            let shrunk = self.shrink(&hypothesis, &next, outer, range);
            if same_state(&shrunk, &hypothesis) {
                let mut result = self.positioned(shrunk, working, cols, outer, range, why);
                // Scans of the recursive term that did not become part of the working table's class.
                let known: BTreeSet<_> =
                    result.classes.iter().flat_map(|class| class.scans.clone()).collect();
                for class in next.classes.into_iter().chain(start.classes) {
                    let scans: Vec<_> =
                        class.scans.iter().copied().filter(|scan| !known.contains(scan)).collect();
                    if scans.is_empty() {
                        continue;
                    }
                    let status = match class.status {
                        Status::Pinned | Status::Shared => class.status,
                        Status::Open => match result.classes.first_mut() {
                            Some(home) if matches!(home.status, Status::Open | Status::Lost(_)) => {
                                home.scans.extend(scans);
                                continue;
                            }
                            _ => lost(range, why),
                        },
                        Status::Outer(..) | Status::Lost(_) => class.status,
                    };
                    result.classes.push(Class {
                        scans,
                        reps: Vec::new(),
                        status,
                        murky: class.murky,
                        padded: true,
                        beyond: BTreeSet::new(),
                    });
                }
                result.classes.iter_mut().for_each(|class| doubt(class, is_idle));
                return result;
            }
            self.finished.truncate(finished);
            self.steps.truncate(steps);
            hypothesis = shrunk;
        }
        let mut state = start;
        lose_all(&mut state, range, why);
        let mut next = self.rel(step, outer);
        lose_all(&mut next, range, why);
        state.classes.append(&mut next.classes);
        state.facts.clear();
        state.made = cols.iter().copied().collect();
        state
    }

    /// What of the hypothesis about the working table also holds of the rows that the recursive term adds.
    pub(super) fn shrink(
        &mut self,
        hypothesis: &State,
        next: &State,
        outer: &Outer,
        range: TextRange,
    ) -> State {
        let closure = self.close(outer, &next.facts);
        let facts: Vec<Fact> =
            hypothesis.facts.iter().filter(|fact| closure.holds(&fact.claim)).cloned().collect();
        let mut classes = hypothesis.classes.clone();
        if let Some(class) = classes.first_mut() {
            match class.status {
                Status::Open => {
                    // Every class of the added rows must name the same owner at the same positions.
                    let open: Vec<&Class> = next
                        .classes
                        .iter()
                        .filter(|other| !matches!(other.status, Status::Pinned | Status::Shared))
                        .collect();
                    let mixed = open.iter().any(|other| {
                        other.status != Status::Open
                            || !class.scans.iter().all(|scan| other.scans.contains(scan))
                    });
                    let pinned_arm = next.classes.iter().any(|other| other.status == Status::Pinned);
                    class.reps.retain(|rep| open.iter().all(|other| other.reps.contains(rep)));
                    let carried = !open.is_empty();
                    if mixed || class.reps.is_empty() || pinned_arm || !carried {
                        class.status = lost(range, "the recursion mixes rows of several tenants");
                    }
                }
                Status::Pinned => {
                    let holds = |rep: &Rep| {
                        next.classes.iter().all(|other| other.status == Status::Pinned)
                            && next.classes.iter().any(|other| other.reps.contains(rep))
                    };
                    class.reps.retain(holds);
                }
                Status::Shared | Status::Outer(..) | Status::Lost(_) => {}
            }
        }
        State { facts, classes, made: hypothesis.made.clone() }
    }
}

/// A working table has one owner for each row: its classes become one, with the representatives they share.
pub(super) fn one_class(mut state: State) -> State {
    let mut classes = std::mem::take(&mut state.classes).into_iter();
    let Some(mut first) = classes.next() else { return state };
    let mut rest: Vec<Class> = Vec::new();
    for class in classes {
        match (&first.status, &class.status) {
            (Status::Open, Status::Open) => {
                first.reps.retain(|rep| class.reps.contains(rep));
                first.scans.extend(class.scans);
                first.beyond.extend(class.beyond);
                if first.reps.is_empty() {
                    first.status = lost(TextRange::default(), "the recursion mixes rows of several tenants");
                }
            }
            (Status::Pinned, Status::Pinned) => {
                first.reps.retain(|rep| class.reps.contains(rep));
                first.scans.extend(class.scans);
                first.beyond.extend(class.beyond);
            }
            _ => rest.push(class),
        }
    }
    if !rest.is_empty() {
        first.status = match first.status {
            Status::Lost(lost) => Status::Lost(lost),
            _ => lost(TextRange::default(), "the recursion mixes rows of several tenants"),
        };
        first.scans.extend(rest.into_iter().flat_map(|class| class.scans));
    }
    state.classes = vec![first];
    state
}

pub(super) fn same_state(a: &State, b: &State) -> bool {
    let shape = |state: &State| -> Vec<(Vec<Rep>, Status)> {
        state.classes.iter().map(|class| (class.reps.clone(), class.status.clone())).collect()
    };
    a.facts.len() == b.facts.len() && shape(a) == shape(b)
}
