//! Functions that run the SQL text, the query builder's table, condition or rows, or bind the list of values, that they are
//! handed: each is judged at its calls.
//!
//! **Invariant:** a place that runs what its function is handed is given up for the calls of the function only if every use
//! of it is read as a call and each of them shows what it hands over. **Invariant:** what is bound in such a function is,
//! at a call, the argument itself or what it was in the function; no value gets better on the way. **Invariant:** what a
//! call does not say stays a hole of the call's own.

use std::collections::{BTreeSet, HashSet};

use tenantry_prover::verdict::Nullability;
use tenantry_source::{
    Bind, CONVERTED, Call, Condition, FunctionHead, Handed, HoleKind, Param, Piece, ProvenanceKind,
    QuerySite, RowCheck, SqlText,
};
use tenantry_span::Span;

use crate::callers::{Callers, MAX_ROUNDS, Parameter, is_itself, parameters, shift};
use crate::report::Helper;

mod parts;

/// How many texts a call may choose between.
const MAX_TEXTS: usize = 16;

/// A place that runs what its function is handed, with the index of its crate.
pub(crate) type Place = (usize, QuerySite);

/// What came of following such places to the calls of their functions.
#[derive(Default)]
pub(crate) struct Followed {
    /// The places that their calls stand for.
    pub(crate) settled: BTreeSet<Span>,
    /// Calls that surely are those of a function that runs what it is handed.
    pub(crate) sure: BTreeSet<Span>,
    /// The calls, each a place that runs SQL, with what it runs it through.
    pub(crate) calls: Vec<(usize, QuerySite)>,
    /// What was found out of each place.
    pub(crate) helpers: Vec<Helper>,
}

/// A place on its way up.
struct Climbing {
    site: QuerySite,
    /// Which of the places it began as.
    root: usize,
    /// The functions that it came through.
    through: Vec<Span>,
}

/// The site runs a text, or binds a list, that its function is handed, or makes a query of what it is handed.
pub(crate) fn is_handed(site: &QuerySite) -> bool {
    parts::is_handed(site) || !handed(site).is_empty()
}

/// Of the site nothing is known but that its call is handed a query: it may be a function of the workspace that runs it.
pub(crate) fn is_guess(site: &QuerySite) -> bool {
    let is_guess = |text: &SqlText| match text.pieces.as_slice() {
        [Piece::Hole { span, kind: HoleKind::Unread(_), .. }] => *span == site.span,
        _ => false,
    };
    !site.texts.is_empty() && site.texts.iter().all(is_guess)
}

/// The places of the parameters that are text or lists of values.
fn handed(site: &QuerySite) -> Vec<Span> {
    let pieces = site.texts.iter().flat_map(|text| &text.pieces);
    let texts = pieces.filter_map(|piece| match piece {
        Piece::Hole { kind: HoleKind::Parameter(place), .. } => Some(*place),
        _ => None,
    });
    let mut all: Vec<Span> = texts.chain(site.bind_list).collect();
    all.retain(|place| site.params.iter().any(|param| param.span == *place));
    all.sort();
    all.dedup();
    all
}

/// Follows places up to the calls that show what they run, which are given the crates of these places. `read` reads the
/// calls of functions that `callers` does not know yet; `known` are the places that are known to run SQL by themselves.
pub(crate) fn follow(
    places: &[Place],
    callers: &mut Callers,
    known: &HashSet<Span>,
    mut read: impl FnMut(&mut Callers, &BTreeSet<Parameter>),
) -> Followed {
    let mut followed = Followed::default();
    let mut roots: Vec<Root> = places.iter().map(|_| Root::default()).collect();
    let begin =
        |(root, (_, site)): (usize, &Place)| Climbing { site: site.clone(), root, through: Vec::new() };
    let mut waiting: Vec<Climbing> = places.iter().enumerate().map(begin).collect();
    for round in 0..=MAX_ROUNDS {
        let asked = waiting.iter().filter_map(|climbing| climbing.site.item_span);
        let asked: BTreeSet<Parameter> = asked.map(Parameter::first_of).collect();
        if round < MAX_ROUNDS && !asked.is_empty() {
            read(callers, &asked);
        }
        let mut next = Vec::new();
        for climbing in std::mem::take(&mut waiting) {
            let (found, open) = match round {
                MAX_ROUNDS => (Vec::new(), Some("its callers hand it on too often")),
                _ => climb(&climbing, callers, known, &mut followed.sure),
            };
            let krate = places.get(climbing.root).map_or(0, |(krate, _)| *krate);
            let Some(root) = roots.get_mut(climbing.root) else { continue };
            let is_root = climbing.through.is_empty();
            for above in found {
                if is_handed(&above.site) {
                    next.push(above);
                } else {
                    root.calls += 1;
                    followed.calls.push((krate, above.site));
                }
            }
            match (open, is_root) {
                (Some(why), true) => root.open = Some(why),
                // It stays what it is: a place that runs what nobody shows.
                (Some(_), false) => followed.calls.push((krate, climbing.site)),
                (None, true) => drop(followed.settled.insert(climbing.site.span)),
                (None, false) => {}
            }
        }
        waiting = next;
    }
    for ((_, site), root) in places.iter().zip(roots) {
        // Of two places in one, none is given up for the other.
        if root.open.is_some() {
            followed.settled.remove(&site.span);
        }
        let places = handed(site);
        let names = site.params.iter().filter(|param| places.contains(&param.span));
        let mut handed: Vec<String> = names.map(|param| param.name.clone()).collect();
        handed.extend(parts::names(site));
        let (item, open) = (site.item.clone(), root.open.map(str::to_owned));
        followed.helpers.push(Helper { item, span: site.span, handed, calls: root.calls, open });
    }
    followed.helpers.sort_by(|a, b| (&a.item, a.span).cmp(&(&b.item, b.span)));
    // One place may be reached twice, through a branch of a helper or a trait's implementations.
    followed.calls.sort_by(|(_, a), (_, b)| (a.span, &a.call).cmp(&(b.span, &b.call)));
    followed.calls.dedup();
    followed
}

/// What became of a place so far.
#[derive(Default)]
struct Root {
    /// How many calls show what it runs.
    calls: usize,
    /// Why its calls do not stand for it.
    open: Option<&'static str>,
}

/// The calls of a place's function as places, and why they are not all of them.
fn climb(
    from: &Climbing,
    callers: &Callers,
    known: &HashSet<Span>,
    sure: &mut BTreeSet<Span>,
) -> (Vec<Climbing>, Option<&'static str>) {
    let mut found = Vec::new();
    let Some((function, head)) =
        from.site.item_span.and_then(|function| Some((function, callers.function(function)?)))
    else {
        return (found, Some("its function was not read"));
    };
    let mut open =
        callers.may_be_called_elsewhere(function).then_some("it may be called where no call is read");
    let mut through = from.through.clone();
    through.push(function);
    let mut any = false;
    // What is a library's call is none of a function here.
    for call in callers.calls_of(head).filter(|call| !known.contains(&call.span)) {
        let is_sure = callers.surely_calls(call, head);
        match at_call(&from.site, head, call, is_sure) {
            At::Another => continue,
            At::Unseen => open = open.or(Some("not every call shows what it hands over")),
            At::Known(site) if is_handed(&site) && calls_itself(&site, &through) => {
                open = open.or(Some("it calls itself with another text"));
            }
            At::Known(site) => {
                // Where all is known, the query too has to be what the function runs.
                let explains = parts::takes_query(&from.site) || parts::is_open(&site);
                sure.extend((is_sure && explains).then_some(call.span));
                found.push(Climbing { site: *site, root: from.root, through: through.clone() });
            }
        }
        any = true;
    }
    if !any {
        open = open.or(Some("nobody is seen to call it"));
    }
    (found, open)
}

fn calls_itself(site: &QuerySite, through: &[Span]) -> bool {
    site.item_span.is_some_and(|caller| through.contains(&caller))
}

/// What a call is to a place that runs what its function is handed.
enum At {
    /// The call of another function.
    Another,
    /// A call that may be one of the function and does not show what it hands over.
    Unseen,
    /// The call as a place that runs SQL.
    Known(Box<QuerySite>),
}

fn at_call(site: &QuerySite, head: &FunctionHead, call: &Call, is_sure: bool) -> At {
    let Some(shift) = shift(call, head) else { return At::Another };
    let Some(handed) = call.handed.as_deref() else { return At::Unseen };
    let arguments = Arguments { head, params: &site.params, call, handed, shift };
    if parts::is_handed(site) {
        return arguments.parts_at_call(site, is_sure);
    }
    let texts = arguments.texts(site);
    let shows = texts.iter().all(begins_as_sql);
    if !is_sure && !shows {
        // A method of that name which is handed something else than SQL is another type's.
        let is_other = texts.iter().all(|text| text.known().is_some_and(|text| !may_be_sql(&text)));
        return if is_other { At::Another } else { At::Unseen };
    }
    let (binds, bind_list) = match site.bind_list {
        Some(list) => arguments.list(list),
        None => {
            let binds =
                site.binds.as_ref().map(|binds| binds.iter().map(|bind| arguments.bind(bind)).collect());
            (binds, None)
        }
    };
    At::Known(Box::new(arguments.as_site(site, texts, binds, bind_list, site.conditions.clone())))
}

/// The call of a function as the place that runs the query whose row the function returns, with what is done there with
/// the row.
pub(crate) fn at_its_call(site: &QuerySite, head: &FunctionHead, call: &Call) -> Option<QuerySite> {
    let (shift, handed) = (shift(call, head)?, call.handed.as_deref()?);
    let arguments = Arguments { head, params: &site.params, call, handed, shift };
    let binds = site.binds.as_ref().map(|binds| binds.iter().map(|bind| arguments.bind(bind)).collect());
    let conditions = site.conditions.clone();
    let at_call = arguments.as_site(site, site.texts.clone(), binds, None, conditions);
    let (checks, check_calls) = (handed.site.checks.clone(), handed.site.check_calls.clone());
    let (call, fields) = (site.call.clone(), site.fields.clone());
    Some(QuerySite { checks, check_calls, call, fields, returned: None, ..at_call })
}

/// Words of SQL stand in it, though it may begin as something else.
fn may_be_sql(text: &str) -> bool {
    tenantry_source::looks_like_sql(text) || tenantry_source::mentions_sql(text)
}

fn begins_as_sql(text: &SqlText) -> bool {
    matches!(text.pieces.first(), Some(Piece::Literal { value, .. }) if tenantry_source::looks_like_sql(value))
}

/// What a call hands over, by the function's parameters.
struct Arguments<'c> {
    head: &'c FunctionHead,
    /// The same with their names.
    params: &'c [Param],
    call: &'c Call,
    handed: &'c Handed,
    /// The argument of the first parameter.
    shift: usize,
}

impl Arguments<'_> {
    /// The call as a place that runs what the site does.
    fn as_site(
        &self,
        site: &QuerySite,
        texts: Vec<SqlText>,
        binds: Option<Vec<Bind>>,
        bind_list: Option<Span>,
        conditions: Vec<Condition>,
    ) -> QuerySite {
        let checks =
            site.checks.iter().map(|check| RowCheck { bind: self.bind(&check.bind), ..check.clone() });
        QuerySite {
            library: site.library.clone(),
            texts,
            runs_at: site.runs_at.or(Some(site.span)),
            binds,
            bind_list,
            cfgs: self.handed.site.cfgs.iter().chain(&site.cfgs).cloned().collect(),
            conditions,
            checks: checks.collect(),
            // A fix would have to change the function too.
            at_hand: Vec::new(),
            ..self.handed.site.clone()
        }
    }

    fn index(&self, place: Span) -> Option<usize> {
        self.head.params.iter().position(|param| *param == place).map(|at| at + self.shift)
    }

    /// The texts of the site with what is handed over in the place of parameters.
    fn texts(&self, site: &QuerySite) -> Vec<SqlText> {
        let mut all = Vec::new();
        for text in &site.texts {
            let mut begun = vec![SqlText { pieces: Vec::new(), chosen_by: text.chosen_by.clone() }];
            for piece in &text.pieces {
                let handed = match piece {
                    Piece::Hole { kind: HoleKind::Parameter(place), .. } => {
                        self.index(*place).and_then(|index| self.handed.texts.get(index))
                    }
                    _ => None,
                };
                begun = match handed {
                    Some(texts) if begun.len() * texts.len() <= MAX_TEXTS => each_with(&begun, texts),
                    Some(_) => each_then(begun, &too_many(piece.span())),
                    None => each_then(begun, piece),
                };
            }
            all.extend(begun);
        }
        all
    }

    /// The values of a list that is handed over, or the parameter of the calling function that it is.
    fn list(&self, place: Span) -> (Option<Vec<Bind>>, Option<Span>) {
        let index = self.index(place);
        let list = index.and_then(|index| self.handed.lists.get(index).cloned().flatten());
        let passed = index.and_then(|index| self.handed.passed.get(index).copied().flatten());
        (list, passed)
    }

    /// A value that the function binds, as it is at the call.
    fn bind(&self, bind: &Bind) -> Bind {
        let itself =
            (bind.provenance.kind == ProvenanceKind::Parameter).then(|| self.parameter(bind)).flatten();
        if let Some(argument) = itself.and_then(|index| self.call.arguments.get(index)) {
            let nullable = match bind.nullable {
                Nullability::Unseen => argument.nullable,
                known => known,
            };
            let mut passed = Bind { nullable, each: bind.each != argument.each, ..argument.clone() };
            passed.provenance.steps.retain(|(_, word)| word != CONVERTED);
            if bind.each && argument.each {
                // A list of such lists is none.
                passed.provenance.kind = ProvenanceKind::Unknown;
            }
            return passed;
        }
        // Names of two functions are not alike.
        let place = self.head.name_span;
        let key = format!("{}:{}:{}", place.file.0, place.range.start, bind.key);
        Bind { key, ..bind.clone() }
    }

    /// The argument for the parameter that a value is as it was handed over.
    fn parameter(&self, bind: &Bind) -> Option<usize> {
        let found = parameters(bind, self.head.name_span, &self.head.params)?;
        let index = found.first().filter(|_| found.len() == 1)?.index?;
        let place = self.head.params.get(index)?;
        let name = &self.params.iter().find(|param| param.span == *place)?.name;
        is_itself(&bind.text, name).then_some(index + self.shift)
    }
}

/// Each text followed by each of others.
fn each_with(begun: &[SqlText], texts: &[SqlText]) -> Vec<SqlText> {
    let joined = begun.iter().flat_map(|first| {
        texts.iter().map(move |second| SqlText {
            pieces: first.pieces.iter().chain(&second.pieces).cloned().collect(),
            chosen_by: first.chosen_by.clone().or_else(|| second.chosen_by.clone()),
        })
    });
    joined.collect()
}

fn each_then(mut begun: Vec<SqlText>, piece: &Piece) -> Vec<SqlText> {
    begun.iter_mut().for_each(|text| text.pieces.push(piece.clone()));
    begun
}

fn too_many(span: Span) -> Piece {
    let kind = HoleKind::unknown(format!("more than {MAX_TEXTS} texts are possible"));
    Piece::Hole { span, text: "…".to_owned(), kind }
}
