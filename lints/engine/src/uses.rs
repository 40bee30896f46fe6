//! Rows that functions of the workspace give back, or say that there are: what uses them where such a function is called is
//! decided with the call in the place of its query.
//!
//! **Invariant:** a call stands for the query of a function only if it surely is a call of that function, and the query is
//! proved anew with what is handed over there. **Invariant:** a call at which only that there is a row is known has no
//! columns.

use std::collections::{HashMap, HashSet};

use tenantry_prover::verdict::Verdict;
use tenantry_source::{Call, FunctionHead, GivesKind, QuerySite};
use tenantry_span::Span;

use crate::callers::Callers;
use crate::checked::{leads_through, leads_to_type, may_be_at};
use crate::decide::Decision;
use crate::helpers;

/// The queries of functions whose callers know of the row, by their functions' names, with how many wrappers are around it.
pub(crate) fn given<'s>(sites: impl Iterator<Item = &'s QuerySite>) -> HashMap<String, usize> {
    let mut all: HashMap<String, Option<usize>> = HashMap::new();
    for site in sites {
        let (Some(gives), Some(name)) = (site.gives, own_name(site)) else { continue };
        let known = all.entry(name.to_owned()).or_insert(Some(gives.layers));
        *known = known.filter(|layers| *layers == gives.layers);
    }
    // What functions of one name have different wrappers around is not told by the name.
    all.into_iter().map(|(name, layers)| (name, layers.unwrap_or(usize::MAX))).collect()
}

/// The last name of the function that a site is in.
pub(crate) fn own_name(site: &QuerySite) -> Option<&str> {
    site.item_span?;
    site.item.rsplit("::").next()
}

/// True for a site of whose row callers may know something.
pub(crate) fn is_given(site: &QuerySite) -> bool {
    site.gives.is_some() && !site.is_test && site.runs_at.is_none() && !helpers::is_handed(site)
}

/// The calls of a site's function as places that run its query.
pub(crate) fn calls(site: &QuerySite, callers: &Callers, crates: &HashSet<String>) -> Vec<QuerySite> {
    let Some(head) = site.item_span.and_then(|function| callers.function(function)) else {
        return Vec::new();
    };
    let Some(name) = own_name(site).filter(|name| !callers.hides(name)) else { return Vec::new() };
    // Of versions under other `cfg`s one may do without.
    let versions = callers.named(name).filter(|other| other.item == head.item).count();
    if head.of_trait.is_some()
        || head.is_decorated
        || !callers.implements_own(head)
        || own_name_of(head) != name
        || versions != 1
    {
        return Vec::new();
    }
    let is_sure = |call: &&Call| {
        may_be_at(&call.path, call.is_method, call.span, head, crates)
            && match is_of_type(call) {
                true => surely_is_of_type(call, head, callers, crates),
                false => leads_to(call, head) && callers.surely_calls(call, head),
            }
    };
    let calls = callers.calls_of(head).filter(is_sure);
    let calls = calls.filter_map(|call| {
        let at_call = helpers::at_its_call(site, head, call)?;
        let gives = site.gives;
        let returned =
            site.returned.clone().filter(|_| gives.is_some_and(|gives| gives.kind == GivesKind::Row));
        Some(QuerySite { checks: Vec::new(), check_calls: Vec::new(), returned, gives, ..at_call })
    });
    calls.collect()
}

/// A method of a value, or a function of the type around.
fn is_of_type(call: &Call) -> bool {
    call.is_method || call.path.first().is_some_and(|first| first == "Self")
}

/// True if the type that a call is one of leads to the function, and to no other.
fn surely_is_of_type(call: &Call, head: &FunctionHead, callers: &Callers, crates: &HashSet<String>) -> bool {
    let may_be = |function: &FunctionHead| {
        let leads_there = |of: &Vec<String>| {
            let is_here = of.len() > 1 || function.name_span.file == call.span.file;
            is_here && leads_to_type(of, function, crates)
        };
        !call.of_types.is_empty() && call.of_types.iter().all(leads_there)
    };
    let name = own_name_of(head);
    // A method of a trait may come before that of the type.
    !callers.is_asked_for(name)
        && head.has_receiver == call.is_method
        && may_be(head)
        && callers.named(name).filter(|function| may_be(function)).count() == 1
}

/// True if the path of a call leads to the function.
fn leads_to(call: &Call, head: &FunctionHead) -> bool {
    let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
    let item: Vec<&str> = head.item.split("::").collect();
    path.len() == 1 || item.ends_with(&path) || leads_through(&path, &item)
}

fn own_name_of(head: &FunctionHead) -> &str {
    head.item.rsplit("::").next().unwrap_or_default()
}

/// What is decided of a call: only of the row itself are there columns.
pub(crate) fn without_columns(site: &QuerySite, decisions: &mut [Decision]) {
    if site.gives.is_some_and(|gives| gives.kind == GivesKind::Row) {
        return;
    }
    for decision in decisions {
        if let Verdict::Scoped(proof) = &mut decision.verdict {
            proof.returns.clear();
        }
    }
}

/// The site with what it is known to use of calls, which are of these kinds: their rows, and that there are such.
pub(crate) fn with_uses(
    site: &QuerySite,
    read: &QuerySite,
    calls: &HashMap<Span, Option<GivesKind>>,
) -> Option<QuerySite> {
    let (own, other) = (site.binds.as_ref()?, read.binds.as_ref()?);
    if own.len() != other.len() || site.texts.len() != read.texts.len() {
        return None;
    }
    let mut with = site.clone();
    for (bind, other) in with.binds.iter_mut().flatten().zip(other) {
        if bind.provenance.row.is_none() {
            bind.provenance.row.clone_from(&other.provenance.row);
        }
    }
    let is = |call: &Span, kind: GivesKind| calls.get(call) == Some(&Some(kind));
    let gives = |call: &&Span| is(call, GivesKind::Row) || is(call, GivesKind::Found);
    // Past the wrappers of what says yes or no it may have said no.
    with.found.extend(read.found.iter().filter(gives));
    with.answered.extend(read.found.iter().filter(|call| is(call, GivesKind::Answered)));
    with.found.extend(read.answered.iter().filter(|call| is(call, GivesKind::Says)));
    with.answered.extend(read.answered.iter().filter(|call| is(call, GivesKind::Row)));
    for known in [&mut with.found, &mut with.answered] {
        known.sort();
        known.dedup();
    }
    Some(with)
}
