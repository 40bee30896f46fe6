//! `fetched-then-unchecked`: a row of any tenant is fetched and compared with the tenant, but used where it was not.

use super::{Rule, Statement};
use crate::decide::Cause;
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let Cause::Unchecked(at) = statement.decision.cause else { return Vec::new() };
        let site = statement.facts.site;
        let Some((check, used)) =
            site.checks.get(at).and_then(|check| Some((check, check.unchecked?))) else { return Vec::new() };
        let leaks = statement.leaks();
        let table = leaks.first().map_or("", |leak| leak.table.name.as_str());
        let of = if table.is_empty() { String::new() } else { format!(" of `{table}`") };
        let message = format!("the row{of} is used here, where it is not shown to be the tenant's");
        let draft = Draft::new(used, message)
            .table(table)
            .related(site.span, "any tenant's row is fetched here")
            .related(check.span, "the check, which does not stand before every use")
            .help("compare the row with the tenant before anything else is done with it, or filter by the tenant in the query")
            .cause(site.span);
        let reached = leaks.iter().map(|leak| leak.range);
        let obstacles = statement.obstacles().iter().map(|obstacle| obstacle.range);
        vec![reached.chain(obstacles).map(|range| statement.place(range)).fold(draft, Draft::cause)]
    }
}
