//! Texts that grow in loops, and lists of texts that are joined in the end: `conditions.push("…")`, `conditions.join(" AND ")`.
//!
//! **Invariant:** of a loop no round, one and two are looked at, as with builders; what stands where two rounds meet must not
//! make one word of them. **Invariant:** an element that is pushed on some ways only may be there or not, whatever else is
//! there; where all of a list is one conjunction, the text without any such element, those with one of them and the one with
//! all decide the others.

use std::rc::Rc;

use syn::{Expr, ExprMethodCall, UnOp};
use tenantry_span::Span;

use super::Reader;
use super::assumed::{Assumed, Outcomes, common, together};
use super::builder::{is_whole_assignment, is_whole_condition};
use super::changes::Changes;
use super::evaluate::{TextKind, strip};
use super::queries::is_gated;
use super::scope::{LocalId, State};
use super::texts::{self, MAX_TEXTS, Text, Texts};
use crate::imports::is_standard;
use crate::{HoleKind, Piece, SqlText};

/// The most elements that are kept apart.
const MAX_ELEMENTS: usize = 64;

/// A variable, the loop whose body is walked, and the text that it held before.
pub(super) type TextBefore = (LocalId, Span, Texts);

/// What stands for a text as it was before the loop that is walked.
const BEFORE: &str = "what it held before is not known in here";

/// A list of texts that is pushed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Growing {
    elements: Vec<Element>,
    /// More than these are in it: a loop is walked, and what was there before is not known.
    within: bool,
}

/// An element of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Element {
    texts: Texts,
    /// It is pushed on some ways only.
    maybe: bool,
    /// What is assumed where it is in the list.
    there: Vec<Assumed>,
    /// What is assumed where it is not.
    missing: Vec<Assumed>,
}

impl Element {
    /// The element where it is pushed on one of two ways only, of which something is assumed.
    fn on_one_way(&self, way: &[Assumed], other: &[Assumed]) -> Option<Element> {
        let there = together(&self.there, way)?;
        // One that may be missing on its way as well tells nothing by that.
        let missing = if self.maybe { Vec::new() } else { other.to_vec() };
        Some(Element { texts: Rc::clone(&self.texts), maybe: true, there, missing })
    }

    /// The same in another round of a loop.
    fn in_some_round(&self) -> Element {
        Element { maybe: true, missing: Vec::new(), ..self.clone() }
    }
}

impl Growing {
    fn push(&mut self, texts: Texts) {
        self.elements.push(Element { texts, maybe: false, there: Vec::new(), missing: Vec::new() });
    }

    /// A list with one of these texts for each item of another one.
    pub(super) fn of_items(texts: &Texts) -> Growing {
        let item =
            || Element { texts: Rc::clone(texts), maybe: true, there: Vec::new(), missing: Vec::new() };
        Growing { elements: vec![item(), item()], within: false }
    }

    /// What is assumed where nothing is in it, as if that held, and where something is.
    pub(super) fn emptiness(&self) -> Outcomes {
        if self.within || self.elements.iter().any(|element| !element.maybe) {
            return Outcomes::default();
        }
        let missing = |all: Option<Vec<Assumed>>, element: &Element| together(&all?, &element.missing);
        let holds = self.elements.iter().fold(Some(Vec::new()), missing).unwrap_or_default();
        let fails = match self.elements.as_slice() {
            [only] => only.there.clone(),
            _ => Vec::new(),
        };
        Outcomes { holds, fails }
    }

    /// The list after either of two ways: this one where a condition holds, the other one where it does not.
    fn join(&self, other: &Growing, ways: &Outcomes) -> Option<Growing> {
        if self.within != other.within {
            return None;
        }
        let same = self.elements.iter().zip(&other.elements).take_while(|(one, other)| one == other).count();
        let (begun, ours) = self.elements.split_at_checked(same)?;
        let (_, theirs) = other.elements.split_at_checked(same)?;
        let mut elements = begun.to_vec();
        match (ours, theirs) {
            // On each way another one.
            ([ours], [theirs]) if ours.maybe == theirs.maybe => {
                let span = ours.texts.first()?.pieces.first().map(Piece::span)?;
                let texts = texts::union_under(&ours.texts, &theirs.texts, ways, span);
                let there = common(&ours.there, &theirs.there);
                let missing = common(&ours.missing, &theirs.missing);
                elements.push(Element { texts, maybe: ours.maybe, there, missing });
            }
            (ours, theirs) => {
                let ours = ours.iter().filter_map(|element| element.on_one_way(&ways.holds, &ways.fails));
                let theirs = theirs.iter().filter_map(|element| element.on_one_way(&ways.fails, &ways.holds));
                elements.extend(ours.chain(theirs));
            }
        }
        (elements.len() <= MAX_ELEMENTS).then_some(Growing { elements, within: self.within })
    }

    /// Whether nothing is in it, where that is so on every way or on none.
    fn is_empty(&self) -> Option<bool> {
        match self.elements.iter().any(|element| !element.maybe) {
            true => Some(false),
            false => (self.elements.is_empty() && !self.within).then_some(true),
        }
    }

    /// The texts that its elements make with a separator between them; nothing where there are too many.
    pub(super) fn joined(&self, separator: &Texts, span: Span) -> Option<Texts> {
        if self.within {
            return None;
        }
        let conjoins = matches!(separator.as_slice(), [one] if one.known().is_some_and(|text| {
            let stands_apart = text.starts_with(char::is_whitespace) && text.ends_with(char::is_whitespace);
            stands_apart && text.trim().eq_ignore_ascii_case("and")
        }));
        let lists =
            matches!(separator.as_slice(), [one] if one.known().is_some_and(|text| text.trim() == ","));
        let is_plain = |text: &Text| {
            text.known().is_some_and(|text| match lists {
                true => is_whole_assignment(&text),
                false => is_whole_condition(&text),
            })
        };
        let optional = self.elements.iter().filter(|element| element.maybe);
        let plain = (conjoins || lists) && optional.clone().all(|element| element.texts.iter().all(is_plain));
        let count = optional.count();
        let chosen: Vec<Vec<bool>> = match count {
            _ if plain => {
                let one = |one: usize| (0..count).map(|at| at == one).collect();
                let (none, all) = (vec![false; count], vec![true; count]);
                std::iter::once(none).chain((0..count).map(one)).chain([all]).collect()
            }
            0..=4 => {
                (0..1usize << count).map(|bits| (0..count).map(|at| bits >> at & 1 == 1).collect()).collect()
            }
            _ => return None,
        };
        let mut all: Vec<Text> = Vec::new();
        for chosen in chosen {
            let mut chosen = chosen.into_iter();
            let mut assumed = Some(Vec::new());
            let mut there = Vec::new();
            for element in &self.elements {
                let is_there = !element.maybe || chosen.next() == Some(true);
                if is_there {
                    there.push(element);
                }
                let more = match is_there {
                    true => &element.there[..],
                    // Texts that stand for all combinations are there with more conditions as well.
                    false if plain => &[],
                    false => &element.missing[..],
                };
                assumed = assumed.and_then(|assumed| together(&assumed, more));
            }
            let Some(assumed) = assumed else { continue };
            for text in texts::under(&with_separator(&there, separator, span), &assumed).iter() {
                match all.iter_mut().find(|known| known.text == text.text) {
                    Some(known) => known.assumed = common(&known.assumed, &text.assumed),
                    None => all.push(text.clone()),
                }
            }
        }
        (!all.is_empty() && all.len() <= 2 * MAX_ELEMENTS).then(|| Rc::new(all))
    }
}

fn with_separator(elements: &[&Element], separator: &Texts, span: Span) -> Texts {
    let mut all = texts::empty();
    for (at, element) in elements.iter().enumerate() {
        if at > 0 {
            all = texts::concat(&all, separator, span);
        }
        all = texts::concat(&all, &element.texts, span);
    }
    all
}

impl<'a> Reader<'a> {
    /// Takes a variable that holds a list of texts for one.
    pub(super) fn declare_list(&mut self, id: LocalId, value: &'a Expr) {
        if let Some(list) = self.list_of(value) {
            self.state.lists.insert(id, list);
        }
    }

    /// `vec![…]`, `Vec::new()`.
    fn list_of(&self, value: &'a Expr) -> Option<Growing> {
        let elements: Vec<&Expr> = match strip(value) {
            Expr::Array(array) => array.elems.iter().collect(),
            Expr::Macro(mac) if mac.mac.path.is_ident("vec") => {
                let body = self
                    .expansions
                    .body(&mac.mac)
                    .filter(|body| !body.own && !body.partly && body.statements.is_empty())?;
                body.arguments.iter().flatten().collect()
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return None };
                let full = self.full(&path.path);
                let makes = ["Vec::new", "Vec::with_capacity"];
                return makes.iter().any(|name| is_standard(&full, name)).then(Growing::default);
            }
            Expr::MethodCall(call) if call.method == "collect" => return self.mapped_list(value),
            _ => return None,
        };
        if elements.iter().any(|element| is_gated(element) || self.text_kind(element) != TextKind::Text) {
            return None;
        }
        let mut list = Growing::default();
        for element in elements {
            list.push(self.texts(element));
        }
        Some(list)
    }

    /// A method called on a list of texts.
    pub(super) fn mutate_list(&mut self, call: &'a ExprMethodCall) {
        let Some(id) = self.variable(&call.receiver).filter(|id| self.state.lists.contains_key(id)) else {
            return;
        };
        let name = call.method.to_string();
        match (name.as_str(), call.args.first()) {
            ("push", Some(element)) if !is_gated(element) => {
                let texts = self.texts(element);
                let list = self.state.lists.get_mut(&id);
                if let Some(list) = list.filter(|list| list.elements.len() < MAX_ELEMENTS) {
                    list.push(texts);
                    return;
                }
                self.state.lists.remove(&id);
            }
            ("join" | "concat" | "iter" | "len" | "is_empty" | "clone", _) => {}
            _ => drop(self.state.lists.remove(&id)),
        }
    }

    /// What a condition is on every way here: `conditions.is_empty()`.
    pub(super) fn decided(&self, condition: &Expr) -> Option<bool> {
        match strip(condition) {
            Expr::Unary(not) if matches!(not.op, UnOp::Not(_)) => self.decided(&not.expr).map(|is| !is),
            Expr::MethodCall(call) if call.method == "is_empty" && call.args.is_empty() => {
                self.state.lists.get(&self.variable(&call.receiver)?)?.is_empty()
            }
            _ => None,
        }
    }

    /// Joins what lists hold after two ways; one that is unknown on either is.
    pub(super) fn join_lists(&mut self, other: &State, ways: &Outcomes) {
        let ids: Vec<LocalId> = self.state.lists.keys().copied().collect();
        for id in ids {
            let joined = match (self.state.lists.get(&id), other.lists.get(&id)) {
                (Some(ours), Some(theirs)) => ours.join(theirs, ways),
                _ => None,
            };
            match joined {
                Some(joined) => drop(self.state.lists.insert(id, joined)),
                None => drop(self.state.lists.remove(&id)),
            }
        }
    }

    /// The texts to which a loop adds, which begin its body as what they were before.
    pub(super) fn begin_text_rounds(&mut self, changes: &Changes, here: Span) -> Vec<TextBefore> {
        let grow: Vec<LocalId> = self.changed_in_rounds(changes);
        let mut found = Vec::new();
        for id in grow {
            if !self.state.texts.contains_key(&id) {
                continue;
            }
            let begun = texts::of_piece(self.before_rounds(id, here));
            if let Some(before) = self.state.texts.insert(id, begun) {
                found.push((id, here, before));
            }
        }
        found
    }

    /// What stands in the body of a loop for the text that a variable held before it.
    fn before_rounds(&self, id: LocalId, here: Span) -> Piece {
        let name = self.locals.get(id).map_or("…", |local| local.name.as_str());
        Piece::Hole { span: here, text: name.to_owned(), kind: HoleKind::unknown(BEFORE) }
    }

    /// The same for lists, which begin its body with nothing.
    pub(super) fn begin_list_rounds(&mut self, changes: &Changes) -> Vec<(LocalId, Growing)> {
        let grow: Vec<LocalId> = self.changed_in_rounds(changes);
        let known = grow.into_iter().filter(|id| self.state.lists.contains_key(id)).collect::<Vec<_>>();
        known
            .into_iter()
            .filter_map(|id| {
                Some((id, self.state.lists.insert(id, Growing { within: true, ..Growing::default() })?))
            })
            .collect()
    }

    /// The variables that code changes which may run any number of times, where its changes are all seen.
    fn changed_in_rounds(&self, changes: &Changes) -> Vec<LocalId> {
        let names = changes.text.iter().chain(&changes.whole);
        let seen = names.filter(|name| !changes.rebound.contains(*name) && !changes.within.contains(*name));
        let ids = seen.filter_map(|name| self.lookup(name, LocalId::MAX));
        let mut ids: Vec<LocalId> = ids.collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// What texts are after any number of rounds.
    pub(super) fn end_text_rounds(&mut self, rounds: Vec<TextBefore>, span: Span) {
        for (id, here, before) in rounds {
            let begun = self.before_rounds(id, here);
            let after =
                self.state.texts.get(&id).and_then(|after| after_rounds(&before, after, &begun, span));
            let name = self.locals.get(id).map_or("", |local| local.name.as_str());
            let after =
                after.unwrap_or_else(|| texts::unknown(span, name, format!("`{name}` is changed in a loop")));
            self.state.texts.insert(id, after);
        }
    }

    /// What lists hold after any number of rounds.
    pub(super) fn end_list_rounds(&mut self, rounds: Vec<(LocalId, Growing)>) {
        for (id, before) in rounds {
            // It was emptied, replaced by another one, or is not followed.
            let round = self.state.lists.remove(&id).filter(|round| round.within);
            let Some(round) = round else { continue };
            let mut elements = before.elements;
            for _ in 0..2 {
                elements.extend(round.elements.iter().map(Element::in_some_round));
            }
            if elements.len() <= MAX_ELEMENTS {
                self.state.lists.insert(id, Growing { elements, within: before.within });
            }
        }
    }
}

/// What a text is after any number of rounds, each of which makes `round` of what it was before, for which `begun` stands.
fn after_rounds(before: &Texts, round: &Texts, begun: &Piece, span: Span) -> Option<Texts> {
    let is_before =
        |piece: &Piece| matches!(piece, Piece::Hole { kind: HoleKind::Unknown(of), .. } if of.why == BEFORE);
    let mut added: Vec<Text> = Vec::new();
    for text in round.iter() {
        let (first, rest) = text.pieces.split_first()?;
        // What another variable held before, or this one before another loop, is something else.
        if first != begun || rest.iter().any(is_before) {
            return None;
        }
        let added_here = SqlText { pieces: rest.to_vec(), chosen_by: text.chosen_by.clone() };
        added.push(Text { text: added_here, assumed: text.assumed.clone() });
    }
    let glues =
        |first: &Texts| first.iter().any(|first| added.iter().any(|second| is_one_word(first, second)));
    let added = Rc::new(added.clone());
    if glues(before) || glues(&added) || before.len() * added.len() * (1 + added.len()) > 2 * MAX_TEXTS {
        return None;
    }
    let once = texts::concat(before, &added, span);
    let twice = texts::concat(&once, &added, span);
    Some(texts::union(before, &texts::union(&once, &twice, span), span))
}

/// The end of one text and the beginning of the other make one word, number or mark.
fn is_one_word(first: &Text, second: &Text) -> bool {
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '\'' | '"' | '-' | '/' | '*' | '?' | ':');
    let ends = |piece: Option<&Piece>, end: fn(&str) -> Option<char>| match piece {
        None => None,
        Some(Piece::Literal { value, .. } | Piece::Built { text: value, .. }) => end(value),
        Some(Piece::Hole { .. } | Piece::Name { .. } | Piece::Placeholder { .. }) => Some('_'),
    };
    let last = ends(first.pieces.last(), |text| text.chars().next_back());
    let next = ends(second.pieces.first(), |text| text.chars().next());
    last.is_some_and(is_part) && next.is_some_and(is_part)
}
