//! `untrusted-tenant`: the statement is restricted to one tenant, and the request says to which.

use super::{Rule, Statement};
use crate::decide::Cause;
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let Cause::UntrustedBind(at) = statement.decision.cause else { return Vec::new() };
        let binds = statement.facts.site.binds.as_ref();
        let Some(bind) = binds.and_then(|binds| binds.get(at)) else { return Vec::new() };
        let message = format!("the tenant is `{}`, which the request chooses", bind.text);
        let table = statement.leaks().first().map_or("", |leak| leak.table.name.as_str());
        let draft = Draft::new(bind.span, message)
            .table(table)
            .help("take the tenant from the authenticated session, or check it with a guard");
        let steps = bind.provenance.steps.iter();
        let draft = steps.fold(draft, |draft, (place, word)| draft.related(*place, word.as_str()));
        let reached = statement.leaks().iter().map(|leak| statement.place(leak.range));
        vec![reached.fold(draft, Draft::cause)]
    }
}
