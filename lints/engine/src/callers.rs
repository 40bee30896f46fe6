//! Who hands the tenant to functions whose statements take a parameter for it: the calls in the workspace, and the calls of
//! the functions around them, up to where the value is made.
//!
//! **Invariant:** what is taken for granted of callers is settled only if every place that may call is read as a call that
//! hands over a trusted value. **Invariant:** a caller is blamed only if it surely calls the function.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use rayon::prelude::*;
use tenantry_policy::Trust;
use tenantry_project::Files;
use tenantry_prover::verdict::{Leak, LeakKind, Proof, TenantSource, Verdict};
use tenantry_rules::SinkLibrary;
use tenantry_source::{
    Answer, Assembled, Bind, CHANGING_RECEIVER, CONVERTED, Call, Calls, Constants, Declared, FunctionHead,
    How, MAX_STEPS, Mention, Names, Prefilter, Provenance, ProvenanceKind, QuerySite, RECEIVER, SourceFile,
    SqlText, Surroundings, TYPED, Types,
};
use tenantry_span::{FileId, Span, TextRange};

use crate::cache::{Asked, CallCache, Reading, Stored, What, of_types};
use crate::composed::{self, Found, Place, Search};
use crate::decide::{CALLERS, Cause, Decision, Way, callers_pass};
use crate::declared::{Declarations, Uses};
use crate::extracted::{self, Extractors};
use crate::run::{MAX_RUST_FILE, survive};
use crate::surroundings::Recorder;

/// How far up callers of callers are looked for.
pub(crate) const MAX_ROUNDS: usize = 6;
/// The most ways by which a value may come that are told of one site.
const MAX_WAYS: usize = 8;

/// A parameter of a function, which the place of its name tells from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Parameter {
    function: Span,
    /// `None` for the receiver of a method.
    pub(crate) index: Option<usize>,
}

impl Parameter {
    /// One of a function.
    pub(crate) fn of(function: Span, index: Option<usize>) -> Parameter {
        Parameter { function, index }
    }

    /// The place of its function's name.
    pub(crate) fn function(self) -> Span {
        self.function
    }

    /// The first of a function.
    pub(crate) fn first_of(function: Span) -> Parameter {
        Parameter { function, index: Some(0) }
    }
}

/// What an argument is.
#[derive(Debug)]
enum Handed {
    /// The tenant's own value.
    Own,
    /// What the calling function was handed itself.
    From(BTreeSet<Parameter>),
    /// The same, of a trusted type.
    Typed(BTreeSet<Parameter>),
    /// What the request says.
    Asked,
    /// Something else.
    Unknown,
}

/// Of the calls of a name those that may be ones of each function, by their indices.
type Meant = HashMap<Span, Rc<[usize]>>;

/// What was read of the functions that were asked for, and of their calls.
#[derive(Default)]
pub(crate) struct Callers {
    functions: BTreeMap<Span, FunctionHead>,
    /// The same functions by their own names.
    by_name: HashMap<String, Vec<Span>>,
    /// All paths of two parts and more by which one of them can be named, as they end.
    endings: HashSet<String>,
    /// Traits of the workspace, with the functions that they ask for.
    traits: BTreeSet<(String, String)>,
    calls: BTreeMap<String, Vec<Call>>,
    /// By name, once that was asked for.
    meant: RefCell<HashMap<String, Meant>>,
    /// Paths of which not every use was read as a call, by their last names.
    others: BTreeMap<String, BTreeSet<Mention>>,
    /// All names that were asked for, and whether calls that are written as methods were.
    names: HashMap<String, bool>,
    /// What the `use` declarations of the workspace make of names.
    uses: Arc<Uses>,
    /// Names of functions of which some were not read.
    hidden: HashSet<String>,
}

/// What reading calls knows of other files: what guards answer with, and the constants of the crate.
struct Others<'a> {
    answers: &'a [Answer],
    constants: Option<&'a Constants>,
    declared: &'a Declarations,
    krate: String,
    recorder: Recorder,
    files: &'a Files,
}

impl Others<'_> {
    fn path(&self, file: FileId) -> String {
        self.files.path(file).to_string_lossy().into_owned()
    }
}

impl Surroundings for Others<'_> {
    fn answers(&self, function: &str) -> Vec<Answer> {
        let found = self.answers.iter().filter(|answer| answer.name == function).cloned().collect();
        self.recorder.note_answers(function, &found, &|id| self.path(id));
        found
    }

    fn constant(&self, path: &[String]) -> Option<Vec<SqlText>> {
        let found = self.constants.and_then(|constants| constants.find(path));
        self.recorder.note_constant(path, found.as_ref(), &|id| self.path(id));
        found
    }

    fn krate(&self) -> String {
        self.krate.clone()
    }

    fn package(&self, name: &str) -> String {
        self.declared.package(&self.krate, name)
    }

    fn declarations(&self, name: &str) -> Vec<Declared> {
        self.recorder.note_declarations(name, self.declared);
        self.declared.named(name)
    }

    fn assembled(&self) -> Option<&Assembled> {
        Some(&self.declared.assembled)
    }
}

/// What is asked of callers, over all sites.
pub(crate) fn together(demands: &[Option<Demanded>]) -> BTreeSet<Parameter> {
    let parameters = |demanded: &Demanded| {
        let places = demanded.places.union(&demanded.parts).map(|place| place.parameter);
        demanded.all.union(&demanded.typed).copied().chain(places).collect::<Vec<_>>()
    };
    demands.iter().flatten().flat_map(parameters).collect()
}

/// The values of trusted types that sites take from what they are handed.
pub(crate) fn places(demands: &[Option<Demanded>]) -> BTreeSet<Place> {
    demands.iter().flatten().flat_map(|demanded| demanded.places.union(&demanded.parts).cloned()).collect()
}

/// The parameters that the proofs of a site take for the tenant, in whole or in part.
#[derive(Debug, Default)]
pub(crate) struct Demanded {
    all: BTreeSet<Parameter>,
    /// Those that are bound as they are.
    whole: BTreeSet<Parameter>,
    /// Parameters of trusted types, where nothing is taken for granted: a caller may make such a value of what a request
    /// says.
    typed: BTreeSet<Parameter>,
    /// The same, and parts of parameters that are of such types.
    places: BTreeSet<Place>,
    /// Parts of parameters that are bound, of whose types nothing is said.
    parts: BTreeSet<Place>,
    /// What is bound of them.
    names: BTreeSet<String>,
}

/// What the proofs of a site take for granted of callers; `None` where they do not, or it cannot be told of which
/// parameters.
pub(crate) fn demanded(site: &QuerySite, decisions: &[Decision]) -> Option<Demanded> {
    let mut demanded = Demanded::default();
    let params: Vec<Span> = site.params.iter().map(|param| param.span).collect();
    for decision in decisions {
        let Verdict::Scoped(proof) = &decision.verdict else { continue };
        if !proof.assumptions.iter().any(|text| text.starts_with(CALLERS)) {
            let typed = site.all_binds().filter(|(number, bind)| {
                is_typed(bind) && proof.pins.contains(&TenantSource::Param(*number))
            });
            let found = typed.filter_map(|(_, bind)| parameters(bind, site.item_span?, &params));
            demanded.typed.extend(found.flatten());
            for (number, bind) in site.all_binds() {
                if proof.pins.contains(&TenantSource::Param(number))
                    && let Some(place) = composed::bound(bind, site.item_span?, &site.params)
                {
                    demanded.places.insert(place);
                    demanded.names.insert(bind.text.clone());
                }
            }
            continue;
        }
        let pinned = site.all_binds().filter(|(number, bind)| {
            bind.provenance.kind == ProvenanceKind::Parameter
                && proof.pins.contains(&TenantSource::Param(*number))
        });
        let pinned: Vec<&Bind> = pinned.map(|(_, bind)| bind).collect();
        // What an earlier statement takes for granted, whose rows this one uses, is not asked of these parameters.
        let own = callers_pass(pinned.iter().map(|bind| bind.text.as_str()).collect());
        let mut granted = proof.assumptions.iter().filter(|text| text.starts_with(CALLERS));
        if pinned.is_empty() || granted.any(|text| *text != own) {
            return None;
        }
        for bind in pinned {
            let found = parameters(bind, site.item_span?, &params)?;
            let is_whole = |one: &&Parameter| {
                let is_it = match one.index {
                    // Nobody binds a whole receiver: what the request says of it, it says of each of its fields.
                    None => is_field_of(&bind.text, "self"),
                    Some(index) => {
                        site.params.get(index).is_some_and(|param| is_itself(&bind.text, &param.name))
                    }
                };
                found.len() == 1 && is_it
            };
            demanded.whole.extend(found.iter().filter(is_whole));
            let is_one = found.len() == 1 && !found.iter().any(|one| demanded.whole.contains(one));
            let part = composed::bound_part(bind, site.item_span?, &site.params);
            demanded.parts.extend(part.filter(|part| is_one && found.contains(&part.parameter)));
            demanded.all.extend(found);
        }
    }
    let any = !demanded.all.is_empty() || !demanded.typed.is_empty() || !demanded.places.is_empty();
    any.then_some(demanded)
}

/// The value is trusted for the type that a parameter or a variable is declared with.
pub(crate) fn is_typed(bind: &Bind) -> bool {
    let Provenance { kind, steps, .. } = &bind.provenance;
    *kind == ProvenanceKind::Trusted && steps.iter().any(|(_, word)| word == TYPED)
}

/// The parameters of a function that a value is made of, its receiver among them.
pub(crate) fn parameters(bind: &Bind, function: Span, params: &[Span]) -> Option<BTreeSet<Parameter>> {
    let steps = &bind.provenance.steps;
    if steps.len() >= MAX_STEPS || steps.iter().any(|(_, word)| word == CHANGING_RECEIVER) {
        return None;
    }
    let covers = |param: &Span| {
        steps.iter().any(|(step, _)| step.file == param.file && param.range.contains_range(step.range))
    };
    let found = params.iter().enumerate().filter(|(_, param)| covers(param));
    let mut found: BTreeSet<Parameter> =
        found.map(|(index, _)| Parameter { function, index: Some(index) }).collect();
    let is_of_receiver = steps.iter().any(|(_, word)| word == RECEIVER);
    found.extend(is_of_receiver.then_some(Parameter { function, index: None }));
    (!found.is_empty()).then_some(found)
}

/// Names of functions to look for.
#[derive(Default)]
pub(crate) struct Next {
    names: HashSet<String>,
    /// Those of which some function may have a receiver.
    methods: HashSet<String>,
}

impl Next {
    /// As `of` makes them; `None` for none, or too many.
    fn names(self, of: fn(HashSet<String>) -> Option<Names>) -> Option<Names> {
        if self.names.is_empty() {
            return None;
        }
        Some(of(self.names)?.with_methods(self.methods))
    }
}

impl Callers {
    /// Nothing read yet, in a workspace of these `use` declarations.
    pub(crate) fn new(uses: Arc<Uses>) -> Callers {
        Callers { uses, ..Callers::default() }
    }

    /// The names of functions to look for next: those of `parameters` that were not looked for yet, or not as methods.
    pub(crate) fn next(&mut self, files: &Files, parameters: &BTreeSet<Parameter>) -> Next {
        let mut wanted: BTreeMap<String, bool> = BTreeMap::new();
        for Parameter { function, .. } in parameters {
            let is_method = wanted.entry(name_at(files, *function)).or_default();
            *is_method = *is_method || may_have_receiver(text_after(files, *function));
        }
        let mut next = Next::default();
        for (name, is_method) in wanted.into_iter().filter(|(name, _)| !name.is_empty()) {
            if self.names.get(&name).is_some_and(|known| *known || !is_method) {
                continue;
            }
            // All calls of the name are read again then.
            self.calls.remove(&name);
            self.others.remove(&name);
            self.meant.get_mut().remove(&name);
            next.methods.extend(is_method.then(|| name.clone()));
            self.names.insert(name.clone(), is_method);
            next.names.insert(name);
        }
        next
    }

    /// Takes in what a file says.
    pub(crate) fn add(&mut self, found: Calls) {
        for function in found.functions {
            let name = function.item.rsplit("::").next().unwrap_or(&function.item).to_owned();
            self.endings.extend(endings(&function.item).map(str::to_owned));
            let known = self.by_name.entry(name).or_default();
            if !known.contains(&function.name_span) {
                known.push(function.name_span);
            }
            self.meant.get_mut().remove(own_name(&function));
            self.functions.insert(function.name_span, function);
        }
        self.traits.extend(found.traits);
        self.hidden.extend(found.hidden);
        for call in found.calls.into_iter().filter(|call| !call.is_test) {
            if let Some(name) = call.path.last() {
                self.meant.get_mut().remove(name);
                self.calls.entry(name.clone()).or_default().push(call);
            }
        }
        for mention in found.others {
            if let Some(name) = mention.path.last().cloned() {
                self.others.entry(name).or_default().insert(mention);
            }
        }
    }

    /// What the values are made of that these places are handed.
    fn made(&self, files: &Files, places: impl Iterator<Item = Place>) -> Found {
        let mut search = Search::new(self, files);
        places.for_each(|place| search.place(place));
        search.found
    }

    /// What the values of trusted types are made of that a parameter is handed.
    fn made_for(&self, files: &Files, parameter: Parameter) -> Found {
        let mut search = Search::new(self, files);
        let Some(function) = self.functions.get(&parameter.function) else { return search.found };
        for call in self.calls_of(function) {
            search.typed(call, function, parameter);
        }
        search.found
    }

    /// The parameters whose callers hand over what they were handed: what has to be looked for as well.
    pub(crate) fn above(&self, parameters: &BTreeSet<Parameter>) -> BTreeSet<Parameter> {
        let mut all = parameters.clone();
        let mut waiting: Vec<Parameter> = parameters.iter().copied().collect();
        while let Some(parameter) = waiting.pop() {
            for (_, _, handed) in self.handed(parameter) {
                if let Handed::From(from) | Handed::Typed(from) = handed {
                    waiting.extend(from.into_iter().filter(|one| all.insert(*one)));
                }
            }
        }
        all
    }

    /// What the calls of a parameter's function hand over for it, with the argument, and whether they surely call it.
    fn handed(&self, parameter: Parameter) -> Vec<(&Call, &Bind, Handed)> {
        let Some(function) = self.functions.get(&parameter.function) else { return Vec::new() };
        let calls = self.calls_of(function).filter_map(|call| {
            let bind = argument(call, function, parameter.index)?;
            Some((call, bind, what(bind, call, parameter)))
        });
        calls.collect()
    }

    /// What was read of a function.
    pub(crate) fn function(&self, place: Span) -> Option<&FunctionHead> {
        self.functions.get(&place)
    }

    /// The calls that may be ones of the function, by their names.
    pub(crate) fn calls_of<'c>(&'c self, function: &FunctionHead) -> impl Iterator<Item = &'c Call> {
        let name = own_name(function);
        let calls = self.calls.get(name).map_or(&[][..], Vec::as_slice);
        let find = || {
            let all = calls.iter().enumerate();
            let meant = all.filter(|(_, call)| !self.means_another(&call.path, function));
            meant.map(|(at, _)| at).collect()
        };
        // Whether a path means a function depends on those of its own name alone, and all of a name are read at once.
        let mut known = self.meant.borrow_mut();
        let of_name = known.entry(name.to_owned()).or_default();
        let meant = Rc::clone(of_name.entry(function.name_span).or_insert_with(find));
        (0..meant.len()).filter_map(move |at| calls.get(*meant.get(at)?))
    }

    /// The functions that a call may be one of, by their names.
    pub(crate) fn meant_by<'c>(&'c self, call: &'c Call) -> impl Iterator<Item = &'c FunctionHead> {
        let name = call.path.last().map(String::as_str).unwrap_or_default();
        self.named(name).filter(|function| !self.means_another(&call.path, function))
    }

    /// Functions of this name may be declared where none was read, or it may stand for another one.
    pub(crate) fn hides(&self, name: &str) -> bool {
        self.hidden.contains(name) || self.uses.renames(name)
    }

    /// The function implements no trait, or one of the workspace that asks for it.
    pub(crate) fn implements_own(&self, function: &FunctionHead) -> bool {
        let is_own = |of: &String| self.traits.contains(&(of.clone(), own_name(function).to_owned()));
        function.of_trait.iter().all(is_own)
    }

    /// A trait of the workspace asks for a function of this name.
    pub(crate) fn is_asked_for(&self, name: &str) -> bool {
        self.traits.iter().any(|(_, function)| function == name)
    }

    /// The path is one of another function that was read, and none of this one's.
    fn means_another(&self, path: &[String], function: &FunctionHead) -> bool {
        // Most calls name a method or a function alone: nothing is asked of those.
        if path.len() < 2 {
            return false;
        }
        let path: Vec<&str> = path.iter().map(String::as_str).filter(|part| !is_relative(part)).collect();
        if path.len() < 2
            || path.first() == Some(&"Self")
            || path.iter().any(|part| self.uses.renames(part))
            || self.may_stand_for(&path, function)
        {
            return false;
        }
        let path = path.join("::");
        let is_own = endings(&function.item).any(|ending| ending == path);
        !is_own && self.endings.contains(&path)
    }

    /// By what modules import, the path may be one of the function.
    fn may_stand_for(&self, path: &[&str], function: &FunctionHead) -> bool {
        let [.., around, name] = path else { return false };
        home(function).is_some_and(|home| home != *around && self.uses.lead(around, home, name))
    }

    /// The functions of a name that were read.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &FunctionHead> {
        let places = self.by_name.get(name.trim_start_matches("r#"));
        places.into_iter().flatten().filter_map(|place| self.functions.get(place))
    }

    /// Somebody may call the function where no call was read: a macro, a framework that an attribute or a trait of its own
    /// registers it with, or whoever is given it as a value.
    pub(crate) fn may_be_called_elsewhere(&self, function: Span) -> bool {
        let Some(head) = self.functions.get(&function) else { return true };
        let name = own_name(head);
        if head.is_decorated || !self.implements_own(head) {
            return true;
        }
        let others = self.others.get(name);
        let is_not = |mention: &Mention| match mention.how {
            // A method has no name of its own without its type.
            How::Plain => mention.path.len() == 1 && head.has_receiver,
            How::Method => !head.has_receiver,
            How::Macro => false,
        };
        let others = others.into_iter().flatten().filter(|mention| !is_not(mention));
        others.into_iter().any(|mention| !self.means_another(&mention.path, head))
    }

    /// The parameters for which every call hands over the tenant's own value, or such a parameter of its own.
    pub(crate) fn settled(&self, all: &BTreeSet<Parameter>) -> BTreeSet<Parameter> {
        let mut open: Vec<(Parameter, Vec<Handed>)> = Vec::new();
        for parameter in all {
            let handed = self.handed(*parameter).into_iter().map(|(_, _, handed)| handed);
            // What it hands to itself is what it was handed.
            let from_itself = |handed: &Handed| matches!(handed, Handed::From(from) if from.len() == 1 && from.contains(parameter));
            let handed: Vec<Handed> = handed.filter(|handed| !from_itself(handed)).collect();
            if !handed.is_empty() && !self.may_be_called_elsewhere(parameter.function) {
                open.push((*parameter, handed));
            }
        }
        let mut settled: BTreeSet<Parameter> = BTreeSet::new();
        loop {
            let is_own = |handed: &Handed| match handed {
                Handed::Own | Handed::Typed(_) => true,
                Handed::From(from) => from.is_subset(&settled),
                Handed::Asked | Handed::Unknown => false,
            };
            let (more, left): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|(_, handed)| handed.iter().all(is_own));
            if more.is_empty() {
                return settled;
            }
            settled.extend(more.into_iter().map(|(parameter, _)| parameter));
            open = left;
        }
    }

    /// What the calls that were read hand over.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = &Bind> {
        self.calls.values().flatten().flat_map(|call| &call.arguments)
    }

    /// Takes in what is known of arguments that are parts of extractors' values.
    pub(crate) fn know(&mut self, part: impl Fn(&Bind) -> Option<(ProvenanceKind, Way)>) {
        for bind in self.calls.values_mut().flatten().flat_map(|call| &mut call.arguments) {
            if let Some((kind, way)) = part(bind) {
                bind.provenance.kind = kind;
                bind.provenance.steps = way.into_iter().rev().collect();
            }
        }
    }

    /// The calls of the functions of these parameters.
    pub(crate) fn places(&self, parameters: &BTreeSet<Parameter>) -> Vec<(Span, String)> {
        let handed = parameters.iter().flat_map(|parameter| self.handed(*parameter));
        let mut places: Vec<(Span, String)> =
            handed.map(|(_, bind, _)| (bind.span, format!("`{}` is handed over here", bind.text))).collect();
        places.sort();
        places.dedup();
        places
    }

    /// The ways by which data of a request come to the parameter.
    pub(crate) fn ways(&self, files: &Files, parameter: Parameter) -> Vec<Way> {
        let mut ways = Vec::new();
        self.climb(files, parameter, &mut Vec::new(), &mut BTreeSet::new(), &mut ways);
        ways
    }

    fn climb(
        &self,
        files: &Files,
        parameter: Parameter,
        below: &mut Way,
        seen: &mut BTreeSet<Parameter>,
        ways: &mut Vec<Way>,
    ) {
        let Some(function) = self.functions.get(&parameter.function) else { return };
        if !seen.insert(parameter) || below.len() > MAX_ROUNDS {
            return;
        }
        for (call, bind, handed) in self.handed(parameter) {
            if ways.len() >= MAX_WAYS || !self.surely_calls(call, function) {
                continue;
            }
            let name = function.item.rsplit("::").next().unwrap_or(&function.item);
            below.insert(0, (bind.span, handed_to(&bind.text, name)));
            match handed {
                Handed::Asked => {
                    let steps = bind.provenance.steps.iter().rev();
                    let entry = steps.filter(|(_, word)| word != CONVERTED).cloned();
                    ways.push(
                        below
                            .iter()
                            .take(1)
                            .cloned()
                            .chain(entry)
                            .chain(below.iter().skip(1).cloned())
                            .collect(),
                    );
                }
                Handed::From(from) | Handed::Typed(from)
                    if from.len() == 1 && is_whole(files, bind, call, &from) =>
                {
                    for one in from {
                        self.climb(files, one, below, seen, ways);
                    }
                }
                Handed::From(_) | Handed::Typed(_) | Handed::Own | Handed::Unknown => {}
            }
            below.remove(0);
        }
    }

    /// The call is one of this function and of no other that bears its name.
    pub(crate) fn surely_calls(&self, call: &Call, function: &FunctionHead) -> bool {
        let own = function.item.rsplit("::").next().unwrap_or_default();
        let home = home(function);
        let twins = || {
            self.named(own).filter(|other| {
                other.has_receiver == function.has_receiver
                    && other.params.len() == function.params.len()
                    && !is_alternative(other, function)
            })
        };
        let is_alone = || twins().nth(1).is_none();
        let is_of_type =
            |ty: &str| home == Some(ty) && twins().filter(|twin| self::home(twin) == home).count() == 1;
        if call.receiver.as_deref().is_some_and(is_of_type) {
            return true;
        }
        if call.is_method {
            // Names of one word are those of methods of every library.
            return call.path.last().is_some_and(|name| name.contains('_')) && is_alone();
        }
        let around = call.path.iter().rev().nth(1).filter(|around| *around != "Self" && *around != "self");
        let Some(around) = around else { return is_alone() };
        let lies_there = |home: &str| home == around || self.uses.lead(around, home, own);
        let is_there = |one: &FunctionHead| self::home(one).is_some_and(lies_there);
        is_there(function) && twins().filter(|twin| is_there(twin)).count() == 1
    }
}

/// What the function lies in: the last name of its module, or its type's.
fn home(function: &FunctionHead) -> Option<&str> {
    function.item.rsplit("::").nth(1)
}

/// `crate`, `self` and `super` name no part of an item's path.
fn is_relative(part: &str) -> bool {
    matches!(part, "crate" | "self" | "super")
}

/// The path of an item, and what is left of it without its first parts, down to two.
fn endings(item: &str) -> impl Iterator<Item = &str> {
    let mut left = Some(item);
    std::iter::from_fn(move || {
        let ending = left?;
        left = ending.split_once("::").map(|(_, rest)| rest);
        ending.contains("::").then_some(ending)
    })
}

/// True for a function under another `cfg` in the place of one: a build has one of them, and its calls are those of it.
fn is_alternative(other: &FunctionHead, function: &FunctionHead) -> bool {
    other.name_span != function.name_span
        && other.name_span.file == function.name_span.file
        && other.item == function.item
        && !other.cfgs.is_empty()
        && !function.cfgs.is_empty()
        && other.cfgs != function.cfgs
}

/// The argument for a parameter; `None` where the call cannot be one of the function.
fn argument<'c>(call: &'c Call, function: &FunctionHead, index: Option<usize>) -> Option<&'c Bind> {
    let shift = shift(call, function)?;
    match index {
        Some(index) => call.arguments.get(index + shift),
        None if call.is_method => call.on.as_ref(),
        None => call.arguments.first(),
    }
}

/// The index of the argument for the first parameter; `None` where the call cannot be one of the function.
pub(crate) fn shift(call: &Call, function: &FunctionHead) -> Option<usize> {
    let receiver = usize::from(function.has_receiver && !call.is_method);
    let fits = call.arguments.len() == function.params.len() + receiver;
    (fits && (function.has_receiver || !call.is_method)).then_some(receiver)
}

fn what(bind: &Bind, call: &Call, parameter: Parameter) -> Handed {
    let is_receiver = parameter.index.is_none();
    match bind.provenance.kind {
        // What a guard has checked of a value, or what one was made of, need not be what a method takes of it.
        ProvenanceKind::Guarded if is_receiver => Handed::Unknown,
        _ if is_receiver && bind.provenance.steps.iter().any(|(_, word)| word == CONVERTED) => {
            Handed::Unknown
        }
        ProvenanceKind::Trusted if is_typed(bind) => {
            let within = call.within.as_ref();
            let from = within.and_then(|(function, params)| parameters(bind, *function, params));
            from.map_or(Handed::Own, Handed::Typed)
        }
        ProvenanceKind::Trusted | ProvenanceKind::Guarded => Handed::Own,
        ProvenanceKind::Request => Handed::Asked,
        ProvenanceKind::Parameter => {
            let from =
                call.within.as_ref().and_then(|(function, params)| parameters(bind, *function, params));
            from.map_or(Handed::Unknown, Handed::From)
        }
        ProvenanceKind::Fresh | ProvenanceKind::Row | ProvenanceKind::Literal | ProvenanceKind::Unknown => {
            Handed::Unknown
        }
    }
}

/// The argument is the parameter itself, and no part of it.
fn is_whole(files: &Files, bind: &Bind, call: &Call, from: &BTreeSet<Parameter>) -> bool {
    let Some((_, params)) = &call.within else { return false };
    from.iter().any(|one| match one.index {
        None => bind.text.trim_start_matches(['&', '*']) == "self" || is_field_of(&bind.text, "self"),
        Some(index) => params.get(index).is_some_and(|span| is_itself(&bind.text, text_at(files, *span))),
    })
}

/// `name.field`, and a field of that, as [`is_itself`] takes `name`.
fn is_field_of(text: &str, name: &str) -> bool {
    let text = text.trim_start_matches(['&', '*', ' ', '(']).trim_start_matches("mut ");
    let Some(fields) = text.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) else { return false };
    let is_word = |part: &str| part.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    let mut parts = fields.split('.').skip_while(|part| is_word(part));
    fields.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_')
        && parts.all(|part| part.trim_end_matches(')').is_empty() || part.ends_with("()"))
}

/// `*name`, `&name`, `name.clone()`.
pub(crate) fn is_itself(text: &str, name: &str) -> bool {
    let text = text.trim_start_matches(['&', '*', ' ', '(']).trim_start_matches("mut ");
    let Some(rest) = text.strip_prefix(name).filter(|_| !name.is_empty()) else { return false };
    rest.split('.').all(|part| part.trim_end_matches(')').is_empty() || part.ends_with("()"))
}

/// What is said of an argument. Of a struct that is written out its name says enough.
pub(crate) fn handed_to(text: &str, function: &str) -> String {
    let is_path = |of: &str| of.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '&' | ' '));
    match text.split_once('{').filter(|(of, _)| is_path(of)) {
        Some((of, _)) => format!("`{} {{ … }}` is handed to `{function}` here", of.trim_end()),
        None => format!("`{text}` is handed to `{function}` here"),
    }
}

/// The function's own name.
fn own_name(function: &FunctionHead) -> &str {
    function.item.rsplit("::").next().unwrap_or(&function.item).trim_start_matches("r#")
}

pub(crate) fn text_at(files: &Files, span: Span) -> &str {
    files.text(span.file).get(span.range.start as usize..span.range.end as usize).unwrap_or("")
}

fn name_at(files: &Files, span: Span) -> String {
    text_at(files, span).trim_start_matches("r#").to_owned()
}

fn text_after(files: &Files, span: Span) -> &str {
    files.text(span.file).get(span.range.end as usize..).unwrap_or("")
}

/// The function whose name stands before this text has a receiver, or it is not clear that it has none.
fn may_have_receiver(after: &str) -> bool {
    let mut open = 0usize;
    let mut before = ' ';
    // Generic parameters may hold brackets of their own; the arrow of `Fn() -> T` closes none.
    let begins = after.char_indices().find(|(_, letter)| {
        match letter {
            '<' => open += 1,
            '>' if before != '-' => open = open.saturating_sub(1),
            _ => {}
        }
        before = *letter;
        open == 0 && !matches!(letter, '<' | '>') && !letter.is_whitespace()
    });
    let parameters = begins.and_then(|(at, _)| after.get(at..)).and_then(|rest| rest.strip_prefix('('));
    let Some(parameters) = parameters.map(str::trim_start) else { return true };
    let first = parameters.trim_start_matches('&').trim_start();
    let first = match first.strip_prefix('\'') {
        Some(lifetime) => {
            lifetime.trim_start_matches(|letter: char| letter.is_alphanumeric() || letter == '_')
        }
        None => first,
    };
    let first = first.trim_start().trim_start_matches("mut ").trim_start();
    let is_plain =
        first.starts_with(|letter: char| letter.is_alphabetic() || matches!(letter, '_' | '(' | ')'));
    let is_word = |rest: &str| !rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
    !is_plain || first.strip_prefix("self").is_some_and(is_word)
}

impl Callers {
    /// Settles or blames the decisions of sites that take these parameters for the tenant. Gives the places that settled
    /// one, by its index.
    pub(crate) fn apply<'d>(
        &self,
        files: &Files,
        all: &BTreeSet<Parameter>,
        demands: &[Option<Demanded>],
        judged: impl Iterator<Item = Option<&'d mut Vec<Decision>>>,
    ) -> HashMap<usize, Vec<(Span, String)>> {
        let mut above = self.above(all);
        // What is of a trusted type may be made of anything on the way.
        above.retain(|one| self.made_for(files, *one).is_clean());
        let settled = self.settled(&above);
        let mut places = HashMap::new();
        for (index, (demanded, decisions)) in demands.iter().zip(judged).enumerate() {
            let (Some(demanded), Some(decisions)) = (demanded, decisions) else { continue };
            if demanded.all.is_empty() {
                let mut ways: Vec<Way> =
                    demanded.typed.iter().flat_map(|one| self.ways(files, *one)).collect();
                let found = self.made(files, demanded.places.iter().cloned());
                ways.extend(found.asked);
                ways.sort();
                ways.dedup();
                if !ways.is_empty() {
                    blame(decisions, &ways, |proof| !proof.pins.is_empty());
                } else if found.is_doubted {
                    doubt(decisions, demanded.names.iter().map(String::as_str).collect());
                }
                continue;
            }
            if demanded.all.is_subset(&settled) {
                settle(decisions);
                places.insert(index, self.places(&demanded.all));
                continue;
            }
            let mut ways: Vec<Way> = demanded.whole.iter().flat_map(|one| self.ways(files, *one)).collect();
            if ways.is_empty() {
                let whole = demanded.whole.iter();
                ways = whole.flat_map(|one| self.made_for(files, *one).asked).collect();
                ways.extend(self.made(files, demanded.parts.iter().cloned()).asked);
            }
            if !ways.is_empty() {
                blame(decisions, &ways, takes_for_granted);
            }
        }
        places
    }
}

/// Proofs of a site whose tenant is of a trusted type take for granted what somebody makes it of.
fn doubt(decisions: &mut [Decision], names: Vec<&str>) {
    for decision in decisions {
        if let Verdict::Scoped(proof) = &mut decision.verdict
            && !proof.pins.is_empty()
            && !takes_for_granted(proof)
        {
            // A macro sees no calls and believes the type, so that this has a word of its own.
            proof.assumptions.push(format!("{}, of a trusted type", callers_pass(names.clone())));
        }
    }
}

/// What becomes of a site's decisions once its callers are known.
fn settle(decisions: &mut [Decision]) {
    for decision in decisions {
        if let Verdict::Scoped(proof) = &mut decision.verdict {
            proof.assumptions.retain(|text| !text.starts_with(CALLERS));
        }
    }
}

/// The proof takes for granted what callers hand over.
pub(crate) fn takes_for_granted(proof: &Proof) -> bool {
    proof.assumptions.iter().any(|text| text.starts_with(CALLERS))
}

/// The site's tenant is what a request says, by these ways: of its decisions those count that are `meant`.
pub(crate) fn blame(decisions: &mut [Decision], ways: &[Way], meant: impl Fn(&Proof) -> bool) {
    for decision in decisions {
        let Verdict::Scoped(proof) = &decision.verdict else { continue };
        if !meant(proof) {
            continue;
        }
        let Some(table) = proof.tables.first().cloned() else { continue };
        let range = proof.steps.first().map_or_else(TextRange::default, |step| step.range);
        decision.verdict = Verdict::Leaks(vec![Leak {
            kind: LeakKind::Unscoped,
            table,
            alias: None,
            range,
            message: "the tenant is whatever the request says".to_owned(),
            help: None,
            related: Vec::new(),
            reasons: Vec::new(),
        }]);
        decision.cause = Cause::UntrustedCallers(ways.to_vec());
    }
}

/// A Rust file of the workspace that is no test.
pub(crate) struct Source {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// Its path as reports show it.
    pub(crate) shown: String,
    /// The index of its crate.
    pub(crate) krate: usize,
    /// Its path within its crate.
    pub(crate) path_in_crate: String,
    /// The policy leaves it out: who calls from there is not looked at, but may call.
    pub(crate) excluded: bool,
}

/// What the calls of a workspace are read with.
pub(crate) struct Workspace<'a> {
    /// Its files.
    pub(crate) sources: Vec<Source>,
    /// A text to take for the content of a file.
    pub(crate) overlay: Option<&'a (PathBuf, String)>,
    /// What is trusted.
    pub(crate) trust: &'a Trust,
    /// What guards answer with.
    pub(crate) answers: &'a [Answer],
    /// The constants of each crate, by its index.
    pub(crate) constants: &'a BTreeMap<usize, Constants>,
    /// Which calls run SQL.
    pub(crate) sinks: &'a [SinkLibrary],
    /// The names of the crates, by their indices.
    pub(crate) crates: &'a [(String, PathBuf)],
    /// What the files of the workspace declare for chains of calls.
    pub(crate) declared: &'a Declarations,
    /// What its `use` declarations make of names.
    pub(crate) uses: Arc<Uses>,
    /// What was read of calls before.
    pub(crate) cache: &'a CallCache,
}

impl Workspace<'_> {
    /// Reads the calls of all functions that have to do with these parameters, up to where callers end.
    pub(crate) fn callers(
        &self,
        files: &mut Files,
        demanded: &BTreeSet<Parameter>,
        places: &BTreeSet<Place>,
    ) -> Callers {
        let mut callers = Callers::new(Arc::clone(&self.uses));
        let prefilter = Prefilter::new(self.sinks);
        let mut heads: HashSet<String> = HashSet::new();
        for _ in 0..MAX_ROUNDS {
            let mut all = callers.above(demanded);
            let mut found = callers.made(files, places.iter().cloned());
            for one in &all {
                let of_one = callers.made_for(files, *one);
                found.parameters.extend(of_one.parameters);
                found.names.extend(of_one.names);
            }
            all.extend(found.parameters);
            let next = callers.next(files, &all).names(Names::new);
            let more = found.names.into_iter().filter(|name| !callers.names.contains_key(name));
            let more: HashSet<String> = more.filter(|name| heads.insert(name.clone())).collect();
            let is_last = next.is_none() && more.is_empty();
            for names in
                next.into_iter().chain(Names::of_heads(more).filter(|more| more.iter().next().is_some()))
            {
                for found in self.read(files, &prefilter, &names) {
                    callers.add(found);
                }
            }
            if is_last {
                break;
            }
        }
        callers
    }

    /// Reads the calls of the functions of these parameters, and what they hand over as text.
    pub(crate) fn read_helpers(&self, files: &mut Files, callers: &mut Callers, asked: &BTreeSet<Parameter>) {
        if let Some(names) = callers.next(files, asked).names(Names::of_helpers) {
            for found in self.read(files, &Prefilter::new(self.sinks), &names) {
                callers.add(found);
            }
        }
    }

    /// Reads the calls of the functions of these parameters, and the checks of the rows that they give back.
    pub(crate) fn read_rows(&self, files: &mut Files, asked: &BTreeSet<Parameter>) -> Callers {
        let mut callers = Callers::new(Arc::clone(&self.uses));
        if let Some(names) = callers.next(files, asked).names(Names::of_rows) {
            for found in self.read(files, &Prefilter::new(self.sinks), &names) {
                callers.add(found);
            }
        }
        callers
    }

    /// Reads the calls of functions of these names, with how many wrappers are around the row that each gives, in the files
    /// of the places that are open; gives the statements at these that use such rows, and what is known of the functions
    /// that gave them.
    pub(crate) fn uses(
        &self,
        files: &mut Files,
        layers: HashMap<String, usize>,
        open: &HashSet<Span>,
    ) -> (Callers, Vec<QuerySite>) {
        let within: HashSet<FileId> = open.iter().map(|place| place.file).collect();
        let mut found = match Names::of_uses(layers) {
            Some(names) => self.read_in(files, &Prefilter::new(self.sinks), &names, Some(&within)),
            None => Vec::new(),
        };
        let mut sites = Vec::new();
        let mut used: HashSet<String> = HashSet::new();
        for calls in &mut found {
            let is_open = |site: &QuerySite| open.contains(&site.span);
            let of_file: Vec<QuerySite> = calls.sites.drain(..).filter(is_open).collect();
            let is_used = |call: &&Call| of_file.iter().any(|site| site.uses(call.span));
            used.extend(calls.calls.iter().filter(is_used).filter_map(|call| call.path.last().cloned()));
            sites.extend(of_file);
        }
        let mut callers = self.functions(files, used);
        found.into_iter().for_each(|calls| callers.add(calls));
        (callers, sites)
    }

    /// Reads the heads of the functions of these names; who calls them is not known then.
    pub(crate) fn functions(&self, files: &mut Files, names: HashSet<String>) -> Callers {
        let mut callers = Callers::new(Arc::clone(&self.uses));
        if let Some(names) = Names::of_heads(names).filter(|names| names.iter().next().is_some()) {
            for found in self.read(files, &Prefilter::new(self.sinks), &names) {
                callers.add(found);
            }
        }
        callers
    }

    /// What surrounds a file.
    fn around<'s>(&'s self, source: &Source, files: &'s Files, is_kept: bool) -> Others<'s> {
        let krate = self.crates.get(source.krate).map(|(name, _)| name.replace('-', "_"));
        Others {
            answers: self.answers,
            constants: self.constants.get(&source.krate),
            declared: self.declared,
            krate: krate.unwrap_or_default(),
            recorder: Recorder::new(is_kept),
            files,
        }
    }

    /// Reads where values of these types are made, and of those that fill these in turn.
    pub(crate) fn extractors(&self, files: &mut Files, asked: &Types) -> Extractors {
        let mut types = asked.clone();
        let mut extractors = Extractors::default();
        for _ in 0..extracted::MAX_ROUNDS {
            extractors = self.read_extractors(files, &types);
            let known = types.clone();
            for (name, parts) in extractors.asked_further() {
                types.entry(name).or_default().extend(parts);
            }
            if types == known {
                break;
            }
        }
        extractors
    }

    fn read_extractors(&self, files: &mut Files, types: &Types) -> Extractors {
        let mut extractors = Extractors::default();
        let Some(names) = Names::new(extracted::names(types).into_iter().collect()) else {
            return extractors;
        };
        let loaded = self.load(files, &names);
        let mut reading: Vec<(FileId, &Source)> = Vec::new();
        for (source, loaded) in self.sources.iter().zip(loaded) {
            match loaded {
                Loaded::Nothing => {}
                Loaded::Known(id) => reading.push((id, source)),
                Loaded::Text(text) => reading.push((files.add(source.shown.clone(), text), source)),
                Loaded::Unread => extractors.hide(types),
            }
        }
        let files = &*files;
        let asked = What::Types(of_types(types));
        let read = |(id, source): &(FileId, &Source)| {
            self.kept((*id, source), files, asked, |file, around| {
                let marks = tenantry_source::marks(file.path, file.text, types);
                let made = || tenantry_source::made(file, types, self.sinks, self.trust, around);
                let made = if marks.declared.is_empty() { None } else { survive(made)? };
                Ok((marks, made))
            })
        };
        for found in reading.par_iter().map(read).collect::<Vec<_>>() {
            match found {
                Ok((marks, made)) => extractors.add(marks, made),
                Err(_) => extractors.hide(types),
            }
        }
        extractors
    }

    /// The texts of the files in which one of the names stands.
    fn load(&self, files: &Files, names: &Names) -> Vec<Loaded> {
        let known: Vec<Option<FileId>> =
            self.sources.iter().map(|source| files.find(Path::new(&source.shown))).collect();
        let load = |(source, known): (&Source, &Option<FileId>)| {
            let text = match (known, self.overlay.filter(|(path, _)| *path == source.path)) {
                (Some(id), _) if names.are_in(files.text(*id)) => return Loaded::Known(*id),
                (Some(_), _) => return Loaded::Nothing,
                (None, Some((_, text))) => text.clone(),
                (None, None) => match tenantry_project::read_file(&source.path, MAX_RUST_FILE) {
                    Ok(text) => text,
                    Err(_) => return Loaded::Unread,
                },
            };
            if names.are_in(&text) { Loaded::Text(text) } else { Loaded::Nothing }
        };
        self.sources.par_iter().zip(known.par_iter()).map(load).collect()
    }

    fn read(&self, files: &mut Files, prefilter: &Prefilter, names: &Names) -> Vec<Calls> {
        self.read_in(files, prefilter, names, None)
    }

    /// Reads the calls in those of the files that are named, or in all.
    fn read_in(
        &self,
        files: &mut Files,
        prefilter: &Prefilter,
        names: &Names,
        within: Option<&HashSet<FileId>>,
    ) -> Vec<Calls> {
        let loaded = match within {
            None => self.load(files, names),
            Some(within) => {
                let known = self.sources.iter().map(|source| files.find(Path::new(&source.shown)));
                let is_meant = |id: &FileId| within.contains(id) && names.are_in(files.text(*id));
                known.map(|id| id.filter(is_meant).map_or(Loaded::Nothing, Loaded::Known)).collect()
            }
        };
        let mut reading: Vec<(FileId, &Source)> = Vec::new();
        let anybody = || Calls {
            others: names.iter().cloned().map(somewhere).collect(),
            hidden: names.iter().cloned().collect(),
            ..Calls::default()
        };
        let mut all: Vec<Calls> = Vec::new();
        for (source, loaded) in self.sources.iter().zip(loaded) {
            match loaded {
                Loaded::Nothing => {}
                Loaded::Known(id) => reading.push((id, source)),
                Loaded::Text(text) => reading.push((files.add(source.shown.clone(), text), source)),
                // It is listed among what was not read; of its calls nothing is known.
                Loaded::Unread => all.push(anybody()),
            }
        }
        let files = &*files;
        let read = |(id, source): &(FileId, &Source)| {
            let found = self.calls_of((*id, source), files, prefilter, names);
            // Of a file on which the work failed nothing is known, so that anybody may call.
            let mut found = found.unwrap_or_else(|_| anybody());
            if source.excluded {
                found.others.extend(found.calls.drain(..).map(|call| call.mention()));
            }
            found
        };
        all.extend(reading.par_iter().map(read).collect::<Vec<_>>());
        all
    }

    /// The calls in a file.
    fn calls_of(
        &self,
        file: (FileId, &Source),
        files: &Files,
        prefilter: &Prefilter,
        names: &Names,
    ) -> Result<Calls, String> {
        self.kept(file, files, What::Functions(names), |file, around| {
            survive(|| tenantry_source::calls(prefilter, file, names, self.sinks, self.trust, around))
        })
    }

    /// What a file says, as it was read before or as `read` reads it now.
    fn kept<T: Stored>(
        &self,
        (id, source): (FileId, &Source),
        files: &Files,
        what: What<'_>,
        read: impl FnOnce(&SourceFile<'_>, &Others<'_>) -> Result<T, String>,
    ) -> Result<T, String> {
        let text = files.text(id);
        let krate = self.crates.get(source.krate).map_or("", |(name, _)| name.as_str());
        let place = (krate, source.path_in_crate.as_str());
        let asked = Asked { path: &source.shown, place, text, what };
        // A text that stands in no file is not kept.
        let is_kept = self.cache.is_on() && self.overlay.is_none_or(|(path, _)| *path != source.path);
        if let Some(reading) = self.cache.find(asked).filter(|_| is_kept) {
            let around = self.around(source, files, true);
            let known = around.recorder.repeats(reading, id, &around);
            if let Some(value) = known.then(|| reading.value(|path| files.find(Path::new(path)))).flatten() {
                return Ok(value);
            }
        }
        let file = SourceFile { file: id, path: &source.path_in_crate, text };
        let around = self.around(source, files, is_kept);
        let found = read(&file, &around);
        // The places of a file that was read are of no more use, and are many.
        proc_macro2::extra::invalidate_current_thread_spans();
        if let (true, Ok(value)) = (is_kept, &found) {
            let reading = Reading::of(around.recorder.asked(), value, &|id| around.path(id));
            self.cache.keep(asked, reading);
        }
        found
    }
}

/// A name that anybody may use.
fn somewhere(name: String) -> Mention {
    Mention { path: vec![name], how: How::Macro }
}

/// What a file is to the search.
enum Loaded {
    /// No name is in it.
    Nothing,
    /// It is one of the run's files.
    Known(FileId),
    /// It is read now.
    Text(String),
    /// It cannot be read.
    Unread,
}

#[cfg(test)]
mod tests {
    use super::{is_itself, may_have_receiver};

    #[test]
    fn a_receiver_is_seen_behind_a_name_and_what_is_not_clear_may_be_one() {
        for text in
            ["(self)", "(&self, id: u8)", "(&'a mut self)", "<T: Fn(u8) -> Vec<u8>>(\n &self)", "(mut self)"]
        {
            assert!(may_have_receiver(text), "{text}");
        }
        for text in ["(#[odd] self)", "(/* of it */ self)", "", "<const N: bool = { 3 > 2 }>(&self)", "!(id)"]
        {
            assert!(may_have_receiver(text), "{text}");
        }
        for text in [
            "()",
            "(id: u8)",
            "<T: Into<Id>>(id: T, b: &Self)",
            "(selfish: u8)",
            "((a, b): (u8, u8))",
            "(&id: &u8)",
        ] {
            assert!(!may_have_receiver(text), "{text}");
        }
    }

    #[test]
    fn an_argument_is_a_parameter_itself_or_a_part_of_it() {
        for text in ["tenant", "&tenant", "*tenant", "&mut tenant", "tenant.clone()", "(*tenant).to_owned()"]
        {
            assert!(is_itself(text, "tenant"), "{text}");
        }
        for text in ["tenant.id", "tenants", "tenant.find(id)", "scope.tenant", "tenant_id", ""] {
            assert!(!is_itself(text, "tenant"), "{text}");
        }
    }
}
