//! `unreadable-sql`: the text is known, and it is not a statement of the dialect as far as the parser can tell.

use tenantry_prover::verdict::ObstacleKind;

use super::{Rule, Statement};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let is_syntax = |kind: ObstacleKind| kind == ObstacleKind::Syntax;
        let syntax = statement.obstacles().iter().find(|obstacle| is_syntax(obstacle.kind));
        let draft = syntax.map(|syntax| {
            let place = statement.unknown_part().unwrap_or_else(|| statement.place(syntax.range));
            statement.tell_obstacle(syntax, place)
        });
        draft.into_iter().collect()
    }
}
