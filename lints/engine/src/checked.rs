//! Checks of a row in functions of the workspace: whether a call that is handed a row, and leaves where its function says
//! no, compares it with the tenant.
//!
//! **Invariant:** a call is a check only if every function of the workspace that it may be one of compares the same, tells
//! of the row nothing else, and it surely is the call of one of them.

use std::collections::HashSet;

use tenantry_prover::verdict::Nullability;
use tenantry_source::{
    Asserted, Bind, Call, CheckCall, FunctionHead, Given, Place, ProvenanceKind, QuerySite, RowCheck,
    RowColumn,
};
use tenantry_span::Span;

use crate::callers::{Callers, shift};

/// The names of the functions that the calls of a site may be of.
pub(crate) fn names(site: &QuerySite) -> impl Iterator<Item = String> {
    site.check_calls.iter().filter_map(|call| call.path.last().cloned())
}

/// The checks that calls are; `callers` knows the functions of their names, and `crates` are those of the workspace.
pub(crate) fn checks(site: &QuerySite, callers: &Callers, crates: &HashSet<String>) -> Vec<RowCheck> {
    site.check_calls.iter().flat_map(|call| checks_of(call, callers, crates)).collect()
}

fn checks_of(check: &CheckCall, callers: &Callers, crates: &HashSet<String>) -> Vec<RowCheck> {
    let call = as_call(check);
    let Some(name) = check.path.last() else { return Vec::new() };
    if callers.hides(name) {
        return Vec::new();
    }
    let meant: Vec<(&FunctionHead, usize)> =
        callers.meant_by(&call).filter_map(|function| Some((function, shift(&call, function)?))).collect();
    let is_sure = |function: &FunctionHead| {
        !function.is_decorated
            && may_be_at(&check.path, check.is_method, check.span, function, crates)
            && callers.implements_own(function)
            && (!check.is_method || is_of_its_type(check, function, crates))
            && callers.surely_calls(&call, function)
    };
    if meant.is_empty() || !meant.iter().all(|(function, _)| is_sure(function)) {
        return Vec::new();
    }
    let mut found: Option<Vec<RowCheck>> = None;
    for (function, shift) in meant {
        let here =
            function.asserts.as_ref().map_or_else(Vec::new, |asserted| compared(check, asserted, shift));
        found = Some(match found {
            None => here,
            Some(before) => before.into_iter().filter(|known| here.contains(known)).collect(),
        });
    }
    found.unwrap_or_default()
}

/// True if the path leads to the function, and not into another crate.
pub(crate) fn may_be_at(
    path: &[String],
    is_method: bool,
    called: Span,
    function: &FunctionHead,
    crates: &HashSet<String>,
) -> bool {
    let [first, .., _] = path else {
        // A name alone is that of a function in sight, or of one that an import brings from anywhere.
        return is_method || function.name_span.file == called.file;
    };
    let item: Vec<&str> = function.item.split("::").collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(first.as_str(), "crate" | "self" | "super" | "Self")
        || crates.contains(first)
        || item.ends_with(&path)
}

/// True for the call of a method on what surely is of the type that the function is one of.
fn is_of_its_type(check: &CheckCall, function: &FunctionHead, crates: &HashSet<String>) -> bool {
    let leads_there = |path: &Vec<String>| path == &["Self"] || leads_to_type(path, function, crates);
    !check.of_types.is_empty() && check.of_types.iter().all(leads_there)
}

/// True if a path leads to the type that the function is one of.
pub(crate) fn leads_to_type(path: &[String], function: &FunctionHead, crates: &HashSet<String>) -> bool {
    let Some((ty, _)) = function.item.rsplit_once("::") else { return false };
    let ty: Vec<&str> = ty.split("::").collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let Some(first) = path.first().copied() else { return false };
    let is_near = matches!(first, "crate" | "self" | "super") || crates.contains(first);
    ty.ends_with(&path) || is_near && leads_through(&path, &ty)
}

/// True if a path within the workspace leads to the type, or to a module around it that exports the type again.
pub(crate) fn leads_through(path: &[&str], ty: &[&str]) -> bool {
    let mut around = ty.iter();
    let mut named = path.iter().skip(1).skip_while(|name| **name == "super");
    ty.last() == path.last() && named.all(|name| around.any(|module| module == name))
}

/// What a function that compares this compares at a call.
fn compared(check: &CheckCall, asserted: &Asserted, shift: usize) -> Vec<RowCheck> {
    if check.unwrapped != asserted.layers || check.says.is_some() != asserted.is_bool {
        return Vec::new();
    }
    let given = |parameter: Option<usize>| match parameter {
        Some(index) => check.arguments.get(index + shift),
        None if check.is_method => check.receiver.as_ref(),
        None => check.arguments.first(),
    };
    // Whatever else it is handed of the row it may tell of.
    let arguments = check.arguments.iter().enumerate();
    let handed = arguments.map(|(at, given)| (at.checked_sub(shift), given));
    let receiver = check.receiver.iter().map(|given| (None, given));
    let mut rows = handed.chain(receiver).filter(|(_, given)| given.row.is_some());
    if !rows.all(|(parameter, _)| asserted.quiet.contains(&parameter)) {
        return Vec::new();
    }
    let pairs = if check.says == Some(false) { &asserted.equal_unless } else { &asserted.equal };
    let sides = pairs.iter().flat_map(|(one, other)| [(one, other), (other, one)]);
    let checks = sides.filter_map(|(place, other)| {
        let column = column(given(place.parameter)?, place)?;
        let bind = tenant(given(other.parameter)?, other)?;
        Some(RowCheck { column, bind, span: check.span, unchecked: check.unchecked })
    });
    checks.collect()
}

/// The column of the row that a part of what is handed over is.
fn column(given: &Given, place: &Place) -> Option<RowColumn> {
    match (given.row.as_ref()?, place.fields.as_slice()) {
        (RowColumn::Only, [field]) => Some(RowColumn::Field(field.clone())),
        (column, []) => Some(column.clone()),
        _ => None,
    }
}

/// What the row is compared with.
fn tenant(given: &Given, place: &Place) -> Option<Bind> {
    if given.row.is_some() || !given.is_steady {
        return None;
    }
    if place.fields.is_empty() {
        return Some(given.bind.clone());
    }
    // A part of what a guard checked, or of a request, need not be what that was.
    let kind = given.bind.provenance.kind;
    let is_whole = matches!(kind, ProvenanceKind::Trusted | ProvenanceKind::Parameter);
    let fields = place.fields.join(".");
    // The only field of a newtype is what that is of.
    let kept = place.fields.iter().rposition(|field| field != "0").map_or(0, |last| last + 1);
    let named = place.fields.get(..kept).unwrap_or_default().iter().map(String::as_str);
    let key = std::iter::once(given.bind.key.as_str()).chain(named).collect::<Vec<_>>().join(".");
    // What is given may be the first of several that lie side by side, which its key does not say.
    let is_numbered = kept > 0 && place.fields.first().is_some_and(|field| field.parse::<u32>().is_ok());
    let is_whole = is_whole && !is_numbered;
    let text = format!("{}.{fields}", given.bind.text.trim_start_matches('&'));
    is_whole.then(|| Bind { text, key, nullable: Nullability::Unseen, ..given.bind.clone() })
}

/// The call as others are read.
fn as_call(check: &CheckCall) -> Call {
    Call {
        path: check.path.clone(),
        written: check.path.clone(),
        is_method: check.is_method,
        receiver: check.receiver_type.clone(),
        of_types: Vec::new(),
        on: None,
        arguments: check.arguments.iter().map(|given| given.bind.clone()).collect(),
        span: check.span,
        within: None,
        is_test: false,
        handed: None,
        on_made: None,
        made: Vec::new(),
    }
}

/// The names that these sites ask for.
pub(crate) fn asked<'s>(sites: impl Iterator<Item = &'s QuerySite>) -> HashSet<String> {
    sites.flat_map(names).filter(|name| !name.is_empty()).collect()
}
