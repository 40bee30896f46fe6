//! Rows that a function returns and that whoever calls it checks: such a query is judged at the calls.
//!
//! **Invariant:** a query is given up for the calls of its function only if every use of the function is read as a call
//! that surely is one of it, and at least one of them checks the row: the others are told where they are.

use std::collections::{BTreeSet, HashSet};

use tenantry_source::{Call, FunctionHead, QuerySite};

use crate::callers::{Callers, Parameter, shift};
use crate::helpers;

/// Methods of `error-stack` and the like, which attach something to the error.
const OF_ERRORS: &[&str] = &[
    "attach",
    "attach_lazy",
    "attach_opaque",
    "attach_opaque_with",
    "attach_printable",
    "attach_printable_lazy",
    "attach_with",
    "change_context",
    "change_context_lazy",
];

/// The functions whose row may be checked by their callers, as their first parameters.
pub(crate) fn asked<'s>(sites: impl Iterator<Item = &'s QuerySite>) -> BTreeSet<Parameter> {
    let functions = sites.filter(|site| is_returned(site)).filter_map(|site| site.item_span);
    functions.map(Parameter::first_of).collect()
}

/// True for a site whose row leaves its function.
pub(crate) fn is_returned(site: &QuerySite) -> bool {
    site.returned.is_some() && !site.is_test && site.runs_at.is_none() && !helpers::is_handed(site)
}

/// The names of methods that rows go through on their way out of their functions.
pub(crate) fn methods<'s>(sites: impl Iterator<Item = &'s QuerySite>) -> HashSet<String> {
    let returned = sites.filter(|site| is_returned(site));
    returned.flat_map(|site| site.returned.iter().flatten()).cloned().collect()
}

/// The calls of a site's function as places that run its query, each with the checks of the row that are made there;
/// nothing where not all of them are seen. `methods` knows the functions of those names.
pub(crate) fn calls(site: &QuerySite, callers: &Callers, methods: &Callers) -> Vec<QuerySite> {
    let (Some(function), Some(through)) = (site.item_span, &site.returned) else { return Vec::new() };
    let Some(head) = callers.function(function) else { return Vec::new() };
    if callers.may_be_called_elsewhere(function) || !through.iter().all(|name| keeps(name, methods)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let calls = callers.calls_of(head).filter(|call| shift(call, head).is_some());
    for call in calls.filter(|call| !is_of_another(call, head, callers)) {
        let at_call =
            if callers.surely_calls(call, head) { helpers::at_its_call(site, head, call) } else { None };
        match at_call {
            Some(at_call) => found.push(at_call),
            None => return Vec::new(),
        }
    }
    found
}

/// True for a call that surely is one of another function of the name.
fn is_of_another(call: &Call, function: &FunctionHead, callers: &Callers) -> bool {
    let name = call.path.last().map(String::as_str).unwrap_or_default();
    let is_renamed = call.path.iter().any(|part| callers.hides(part));
    let mut others = callers.named(name).filter(|other| other.name_span != function.name_span);
    !is_renamed
        && !callers.surely_calls(call, function)
        && others.any(|other| callers.surely_calls(call, other))
}

/// True for a method that gives back the value that it is called on, whatever that is.
fn keeps(name: &str, methods: &Callers) -> bool {
    let mut named = methods.named(name).peekable();
    if methods.hides(name) {
        return false;
    }
    match named.peek() {
        Some(_) => named.all(|function| function.keeps && methods.implements_own(function)),
        None => OF_ERRORS.contains(&name),
    }
}
