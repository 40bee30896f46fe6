//! `untrusted-tenant`: the statement is restricted to one tenant, and the request says to which.

use tenantry_span::Span;

use super::{Rule, Statement};
use crate::decide::Cause;
use crate::finding::Draft;

pub(super) struct Check;

const HELP: &str = "take the tenant from the authenticated session, or check it with a guard";

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        if let Cause::UntrustedCallers(ways) = &statement.decision.cause {
            return ways.iter().filter_map(|way| from_caller(statement, way)).collect();
        }
        let Cause::UntrustedBind(at) = statement.decision.cause else { return Vec::new() };
        let binds = statement.facts.site.binds.as_ref();
        let Some(bind) = binds.and_then(|binds| binds.get(at)) else { return Vec::new() };
        let message = format!("the tenant is `{}`, which the request chooses", bind.text);
        let table = statement.leaks().first().map_or("", |leak| leak.table.name.as_str());
        let draft = Draft::new(bind.span, message)
            .table(table)
            .help(HELP);
        let steps = bind.provenance.steps.iter();
        let draft = steps.fold(draft, |draft, (place, word)| draft.related(*place, word.as_str()));
        let reached = statement.leaks().iter().map(|leak| statement.place(leak.range));
        vec![reached.fold(draft, Draft::cause)]
    }
}

/// What a function of the way is handed that the request says, told where it enters.
fn from_caller(statement: &Statement<'_>, way: &[(Span, String)]) -> Option<Draft> {
    let ((entry, word), rest) = way.split_first()?;
    let message = format!("the request chooses the tenant: {word}");
    let table = statement.leaks().first().map_or("", |leak| leak.table.name.as_str());
    let draft = Draft::new(*entry, message).table(table).help(HELP);
    let draft = rest.iter().fold(draft, |draft, (place, word)| draft.related(*place, word.as_str()));
    let draft = draft.related(statement.facts.site.span, "the statement is run here");
    let reached = statement.leaks().iter().map(|leak| statement.place(leak.range));
    Some(reached.fold(draft, Draft::cause))
}
