//! `fail-open-filter`: the filter that ties a query to the tenant is added only under a condition.

use super::{Rule, Statement};
use crate::decide::Cause;
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let Cause::FailOpen(at) = statement.decision.cause else { return Vec::new() };
        let Some(condition) = statement.facts.site.conditions.get(at) else { return Vec::new() };
        let leaks = statement.leaks();
        let table = leaks.first().map_or("", |leak| leak.table.name.as_str());
        let of = if table.is_empty() { String::new() } else { format!(" on `{table}`") };
        let message = format!("the query{of} is tied to the tenant only where this condition holds");
        let draft = Draft::new(condition.span, message)
            .table(table)
            .related(condition.filter, "the filter that ties it to the tenant")
            .help("add the tenant's filter where the query begins, whatever else is asked for")
            .cause(statement.facts.site.span);
        let reached = leaks.iter().map(|leak| leak.range);
        let obstacles = statement.obstacles().iter().map(|obstacle| obstacle.range);
        vec![reached.chain(obstacles).map(|range| statement.place(range)).fold(draft, Draft::cause)]
    }
}
