//! Ids that functions of the workspace make at random: `uuid_v7()` beside `Uuid::now_v7()`.
//!
//! **Invariant:** a value counts as made at random only if every function of the workspace that its call may be one of does
//! nothing else, and the call surely is one of them.

use std::collections::HashSet;

use tenantry_prover::verdict::{LeakKind, Verdict};
use tenantry_source::{Bind, Call, FunctionHead, NEW, QuerySite};

use crate::callers::{Callers, shift};
use crate::checked::may_be_at;
use crate::decide::Decision;

/// A row may be in the way that has an id which the site may have made.
pub(crate) fn is_open(site: &QuerySite, decisions: &[Decision]) -> bool {
    let may_conflict = |decision: &Decision| match &decision.verdict {
        Verdict::Leaks(leaks) => leaks.iter().any(|leak| leak.kind == LeakKind::ConflictTarget),
        Verdict::Scoped(_) | Verdict::Undecided(_) => false,
    };
    decisions.iter().any(may_conflict) && names(site).next().is_some()
}

/// The names of the functions that make what a site binds.
pub(crate) fn names(site: &QuerySite) -> impl Iterator<Item = String> {
    let paths = site.binds.iter().flatten().filter_map(|bind| bind.provenance.made_by.as_ref());
    paths.filter_map(|path| path.last().cloned())
}

/// The site with what is known of the ids that it binds; `None` where nothing is. `callers` knows the functions of their
/// names, and `crates` are those of the workspace.
pub(crate) fn with_new(site: &QuerySite, callers: &Callers, crates: &HashSet<String>) -> Option<QuerySite> {
    let mut site = site.clone();
    let mut any = false;
    for bind in site.binds.iter_mut().flatten().filter(|bind| is_new(bind, callers, crates)) {
        bind.provenance.steps.insert(0, (bind.span, NEW.to_owned()));
        any = true;
    }
    any.then_some(site)
}

fn is_new(bind: &Bind, callers: &Callers, crates: &HashSet<String>) -> bool {
    let Some(path) = &bind.provenance.made_by else { return false };
    let call = Call {
        path: path.clone(),
        written: path.clone(),
        is_method: false,
        receiver: None,
        of_types: Vec::new(),
        on: None,
        arguments: Vec::new(),
        span: bind.span,
        within: None,
        is_test: false,
        handed: None,
        on_made: None,
        made: Vec::new(),
    };
    let meant = || callers.meant_by(&call).filter(|function| shift(&call, function).is_some());
    let is_sure = |function: &FunctionHead| {
        function.makes_new
            && !function.is_decorated
            && function.of_trait.is_none()
            && may_be_at(path, false, bind.span, function, crates)
            && callers.surely_calls(&call, function)
    };
    let is_hidden = path.iter().any(|part| callers.hides(part));
    !is_hidden && meant().next().is_some() && meant().all(is_sure)
}
