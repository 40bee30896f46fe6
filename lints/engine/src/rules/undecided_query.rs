//! `undecided-query`: something stood in the way of a proof.
//!
//! Every statement that is not decided is told here, so that none can be lost; the rules about a cause refine this one.
//! Only where no tenant key is known at all, every site would say so: there the summary says it once, and coverage counts
//! them.

use tenantry_prover::verdict::ObstacleKind;

use super::{Rule, Statement};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        if statement.facts.knows_no_tenant() {
            return Vec::new();
        }
        told(statement).into_iter().collect()
    }
}

/// A draft about what stood in the way of a proof.
pub(super) fn told(statement: &Statement<'_>) -> Option<Draft> {
        let first = statement.obstacles().first()?;
        let call = statement.facts.site.span;
        let place = match statement.unknown_part() {
            Some(place) => place,
            None if first.kind == ObstacleKind::DynamicText => call,
            None => statement.place(first.range),
        };
        // Whatever else is told of this statement has the same cause: it could not be read.
        let draft = statement.tell_obstacle(first, place).cause(call);
        let places = statement.obstacles().iter().map(|obstacle| statement.place(obstacle.range));
        Some(places.fold(draft, Draft::cause))
}
