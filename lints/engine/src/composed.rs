//! Values of trusted types that are made in sight: each is as good as what it is made of, through constructors, structs that
//! carry it, what is assigned to its parts, and the calls that hand it over.
//!
//! **Invariant:** what is found here only ever takes trust away. **Invariant:** a request is blamed only if its data surely
//! are what the value is made of; what may be so is taken for granted of callers, and told.

use std::collections::BTreeSet;

use tenantry_project::Files;
use tenantry_source::{
    Bind, CONVERTED, Call, Composed, FunctionHead, Param, ProvenanceKind, SET, TYPED_FIELD,
};
use tenantry_span::Span;

use crate::callers::{Callers, MAX_ROUNDS, Parameter, handed_to, is_typed, shift, text_at};
use crate::decide::Way;

/// How deep calls within what is handed over are looked into.
const MAX_DEPTH: usize = 12;
/// The most places that are looked at for one site.
const MAX_PLACES: usize = 400;

/// What a function was handed, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) parameter: Parameter,
    /// The fields that lead to the part.
    path: Vec<String>,
    /// How many of them lead to what is of a trusted type; `None` where nothing is, since such a value is made of it.
    trusted: Option<usize>,
}

/// The part of what a function was handed that a bound value is, if it is trusted for its type or for a field's.
pub(crate) fn bound(bind: &Bind, function: Span, params: &[Param]) -> Option<Place> {
    let steps = &bind.provenance.steps;
    let is_field = steps.iter().any(|(_, word)| word == TYPED_FIELD);
    if bind.provenance.kind != ProvenanceKind::Trusted || !(is_typed(bind) || is_field) {
        return None;
    }
    let (parameter, path) = part_of_parameter(bind, function, params)?;
    // Of `self.ctx.tenant.id` the field that is of a trusted type, as far as the text says which that is.
    let field = steps.iter().find(|(_, word)| word == TYPED_FIELD).map(|(span, _)| {
        let to = span.range.end.saturating_sub(bind.span.range.start) as usize;
        bind.text.get(..to).map_or(1, |text| text.matches('.').count()).clamp(1, path.len().max(1))
    });
    Some(Place { parameter, path, trusted: Some(field.unwrap_or(0)) })
}

/// The part of what a function was handed that a bound value is, where nothing else says whose it is; `None` for the whole.
pub(crate) fn bound_part(bind: &Bind, function: Span, params: &[Param]) -> Option<Place> {
    let (parameter, path) = part_of_parameter(bind, function, params)?;
    (!path.is_empty()).then_some(Place { parameter, path, trusted: None })
}

/// The parameter that a value is written as a part of, and the fields that lead there.
fn part_of_parameter(bind: &Bind, function: Span, params: &[Param]) -> Option<(Parameter, Vec<String>)> {
    let text = bind.text.trim_start_matches(['&', '*', ' ', '(']).trim_start_matches("mut ");
    let mut parts = text.split('.').map(|part| part.trim().trim_end_matches(')'));
    let root = parts.next()?;
    let is_name = |part: &&str| {
        !part.is_empty() && part.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
    };
    let path: Vec<String> = parts.take_while(is_name).map(str::to_owned).collect();
    let index = match root {
        "self" => None,
        name => Some(params.iter().position(|param| param.name == name)?),
    };
    Some((Parameter::of(function, index), path))
}

/// What becomes of values that are made in sight.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The ways by which data of a request surely come there.
    pub(crate) asked: Vec<Way>,
    /// They may be there, or whatever somebody hands over who is not in sight.
    pub(crate) is_doubted: bool,
    /// Whose calls were looked at.
    pub(crate) parameters: BTreeSet<Parameter>,
    /// The functions that give what is handed over, by their names.
    pub(crate) names: BTreeSet<String>,
}

impl Found {
    pub(crate) fn is_clean(&self) -> bool {
        self.asked.is_empty() && !self.is_doubted
    }
}

/// Whose words a value is written in: those of a function, which a call that is in sight may have handed what it has.
#[derive(Clone, Copy)]
struct Around<'x> {
    within: Option<&'x (Span, Vec<Span>)>,
    call: Option<(&'x Call, &'x FunctionHead, &'x Around<'x>)>,
}

/// A part of a value that is looked for.
#[derive(Clone, Copy)]
struct Part<'x> {
    path: &'x [String],
    trusted: Option<usize>,
    /// Nothing else may be meant.
    is_sure: bool,
    depth: usize,
}

/// The search for what values are made of.
pub(crate) struct Search<'x> {
    callers: &'x Callers,
    files: &'x Files,
    seen: BTreeSet<Place>,
    below: Way,
    pub(crate) found: Found,
}

impl<'x> Search<'x> {
    pub(crate) fn new(callers: &'x Callers, files: &'x Files) -> Search<'x> {
        let found = Found::default();
        Search { callers, files, seen: BTreeSet::new(), below: Way::new(), found }
    }

    /// What all calls hand over for a place.
    pub(crate) fn place(&mut self, place: Place) {
        self.found.parameters.insert(place.parameter);
        if !self.seen.insert(place.clone()) {
            return;
        }
        if self.below.len() > MAX_ROUNDS || self.seen.len() > MAX_PLACES {
            self.found.is_doubted = true;
            return;
        }
        let callers = self.callers;
        let Some(function) = callers.function(place.parameter.function()) else { return };
        let mut any = false;
        for call in callers.calls_of(function) {
            let Some(composed) = argument(call, function, place.parameter.index) else { continue };
            any = true;
            if self.is_made_by_own(call, function) == Some(false) {
                continue;
            }
            let is_sure = self.surely_calls(call, function);
            // A method of the name of many others, of whatever is called.
            if !is_sure && call.is_method && !is_taken_apart(composed) {
                continue;
            }
            let name = function.item.rsplit("::").next().unwrap_or(&function.item);
            self.below.insert(0, (composed.bind.span, handed_to(&composed.bind.text, name)));
            let around = Around { within: call.within.as_ref(), call: None };
            let part = Part { path: &place.path, trusted: place.trusted, is_sure, depth: 0 };
            self.value(composed, part, around);
            self.below.remove(0);
        }
        // Nobody's type vouches for what such a value is made of.
        if place.trusted.is_none() && (!any || callers.may_be_called_elsewhere(place.parameter.function())) {
            self.found.is_doubted = true;
        }
    }

    /// What a call hands over for a parameter, where that is trusted for its type.
    pub(crate) fn typed(&mut self, call: &Call, function: &FunctionHead, parameter: Parameter) {
        let Some(composed) = argument(call, function, parameter.index) else { return };
        let steps = &composed.bind.provenance.steps;
        let is_field = steps.iter().any(|(_, word)| word == TYPED_FIELD);
        if composed.bind.provenance.kind != ProvenanceKind::Trusted || !(is_typed(&composed.bind) || is_field)
        {
            return;
        }
        let name = function.item.rsplit("::").next().unwrap_or(&function.item);
        self.below.insert(0, (composed.bind.span, handed_to(&composed.bind.text, name)));
        let around = Around { within: call.within.as_ref(), call: None };
        let is_sure = self.surely_calls(call, function);
        self.value(composed, Part { path: &[], trusted: Some(0), is_sure, depth: 0 }, around);
        self.below.remove(0);
    }

    fn value(&mut self, composed: &Composed, part: Part<'_>, around: Around<'_>) {
        if part.depth > MAX_DEPTH {
            self.found.is_doubted = true;
            return;
        }
        self.found.is_doubted |= composed.is_cut;
        let path: Vec<String> = composed.path.iter().chain(part.path).cloned().collect();
        let trusted = part.trusted.map(|at| at + composed.path.len());
        let next = |path, trusted| Part { path, trusted, depth: part.depth + 1, ..part };
        let mut is_set = false;
        let set: Vec<_> = composed
            .assigned
            .iter()
            .filter(|(fields, _)| path.starts_with(fields) || fields.starts_with(&path))
            .collect();
        for (fields, value) in &set {
            let rest = path.get(fields.len()..).unwrap_or_default();
            // What is set last counts, and which that is is not looked at.
            let is_sure = part.is_sure && set.len() == 1;
            let trusted = trusted.and_then(|at| at.checked_sub(fields.len()));
            self.value(value, Part { is_sure, ..next(rest, trusted) }, around);
            is_set = true;
        }
        // What was set may have come after the guard.
        if !is_set && composed.checked.iter().any(|checked| part.path.starts_with(checked)) {
            return;
        }
        if let (Some((first, rest)), false) = (path.split_first(), composed.fields.is_empty()) {
            match composed.fields.iter().find(|(name, _)| name == first) {
                Some((_, field)) => {
                    self.value(field, next(rest, trusted.and_then(|at| at.checked_sub(1))), around);
                }
                None => self.found.is_doubted |= composed.bind.provenance.kind == ProvenanceKind::Request,
            }
            return;
        }
        if let Some(call) = &composed.call
            && self.given(call, next(&path, trusted), around)
        {
            return;
        }
        // What was set since may stand in its place.
        let is_sure = part.is_sure && !is_set;
        self.bind(composed, Part { path: &path, trusted, is_sure, ..part }, around, is_set);
    }

    /// What the function gives that a call surely calls; false where that is not in sight.
    fn given(&mut self, call: &Call, part: Part<'_>, around: Around<'_>) -> bool {
        self.found.names.extend(call.path.last().cloned());
        let callers = self.callers;
        let fitting = |head: &&FunctionHead| shift(call, head).is_some();
        let mut heads = callers.meant_by(call).filter(fitting);
        let (Some(head), None) = (heads.next(), heads.next()) else { return false };
        let surely_calls = callers.surely_calls(call, head);
        if head.gives.is_empty() || !(call.is_method || surely_calls) {
            return false;
        }
        let within = (head.name_span, head.params.clone());
        let inner = Around { within: Some(&within), call: Some((call, head, &around)) };
        for given in &head.gives {
            let is_sure = part.is_sure && surely_calls && head.gives.len() == 1;
            self.value(given, Part { is_sure, ..part }, inner);
        }
        true
    }

    fn bind(&mut self, composed: &Composed, part: Part<'_>, around: Around<'_>, is_set: bool) {
        use ProvenanceKind::{Fresh, Guarded, Literal, Parameter, Request, Row, Trusted, Unknown};
        let bind = &composed.bind;
        let steps = &bind.provenance.steps;
        match bind.provenance.kind {
            // What a function makes of a request by itself may be what authentication is.
            Request if part.is_sure && around.call.is_none() => self.asked(bind),
            Request => self.found.is_doubted = true,
            Trusted if is_typed(bind) => match composed.root {
                Some(root) => self.handed(root, part.path, Some(0), part, around),
                None => self.roots(bind, Some(0), part, around),
            },
            Trusted => {
                let field = steps.iter().find(|(_, word)| word == TYPED_FIELD);
                if let (Some((span, _)), Some(root)) = (field, composed.root) {
                    let name = text_at(self.files, *span).rsplit('.').next().unwrap_or_default().trim();
                    let at = part.path.iter().position(|field| field == name).map_or(0, |at| at + 1);
                    self.handed(root, part.path, Some(at), part, around);
                }
            }
            Parameter => match composed.root {
                Some(root) => self.handed(root, part.path, part.trusted, part, around),
                None => self.roots(bind, None, part, around),
            },
            // What was done to it is not in sight.
            Unknown => self.found.is_doubted |= !is_set && steps.iter().any(|(_, word)| word == SET),
            Guarded | Fresh | Row | Literal => {}
        }
    }

    /// What is made of some parameters in a way that is not followed.
    fn roots(&mut self, bind: &Bind, trusted: Option<usize>, part: Part<'_>, around: Around<'_>) {
        let Some((function, params)) = around.within else { return };
        let Some(found) = crate::callers::parameters(bind, *function, params) else { return };
        let is_sure = part.is_sure && found.len() == 1;
        for parameter in found {
            self.handed(parameter.index, &[], trusted, Part { is_sure, ..part }, around);
        }
    }

    /// What the function was handed: by the call at hand, or by all.
    fn handed(
        &mut self,
        index: Option<usize>,
        path: &[String],
        trusted: Option<usize>,
        part: Part<'_>,
        around: Around<'_>,
    ) {
        if let Some((call, head, outer)) = around.call {
            if let Some(composed) = argument(call, head, index) {
                self.value(composed, Part { path, trusted, depth: part.depth + 1, ..part }, *outer);
            }
            return;
        }
        if let (Some((function, _)), true) = (around.within, part.is_sure) {
            self.place(Place { parameter: Parameter::of(*function, index), path: path.to_vec(), trusted });
        }
    }

    fn asked(&mut self, bind: &Bind) {
        let steps = bind.provenance.steps.iter().rev();
        let entry = steps.filter(|(_, word)| word != CONVERTED).cloned();
        let (first, rest) = self.below.split_at(self.below.len().min(1));
        let way: Way = first.iter().cloned().chain(entry).chain(rest.iter().cloned()).collect();
        if !self.found.asked.contains(&way) {
            self.found.asked.push(way);
        }
    }

    /// The call is one of this function: by its name, or by the constructor that gives what the method is called on.
    fn surely_calls(&self, call: &Call, function: &FunctionHead) -> bool {
        self.callers.surely_calls(call, function) || self.is_made_by_own(call, function) == Some(true)
    }

    /// What the method is called on is made by a constructor of the type that the function is one of; `None` where that is
    /// not in sight.
    fn is_made_by_own(&self, call: &Call, function: &FunctionHead) -> Option<bool> {
        let maker = call.on_made.as_ref()?.call.as_deref()?;
        let mut heads = self.callers.meant_by(maker).filter(|head| shift(maker, head).is_some());
        let (Some(head), None) = (heads.next(), heads.next()) else { return None };
        let is_maker = head.gives.iter().any(|given| !given.fields.is_empty());
        let home = |head: &FunctionHead| head.item.rsplit_once("::").map(|(home, _)| home.to_owned());
        is_maker.then(|| home(head) == home(function))
    }
}

/// It is known of what the value is made, beyond what its place says.
fn is_taken_apart(composed: &Composed) -> bool {
    !composed.fields.is_empty() || composed.call.is_some() || !composed.assigned.is_empty()
}

/// What a call hands over for a parameter.
fn argument<'c>(call: &'c Call, function: &FunctionHead, index: Option<usize>) -> Option<&'c Composed> {
    let shift = shift(call, function)?;
    match index {
        Some(index) => call.made.get(index + shift),
        None if call.is_method => call.on_made.as_deref(),
        None => call.made.first(),
    }
}
