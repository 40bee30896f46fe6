//! Variables of the function that is walked, and what is known of them.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use syn::{Expr, Type};
use tenantry_span::{Span, TextRange};

use super::Reader;
use super::assumed::Outcomes;
use super::builder::{Grown, Rounds};
use super::changes::Changes;
use super::growing::Growing;
use super::texts::{self, Texts};
use super::walk::{Step, unchained};
use crate::chains::{Held, Uses};
use crate::types::{self, Origin};

/// A variable, as an index into the reader's list.
pub(crate) type LocalId = usize;

/// A variable, parameter or local constant.
pub(crate) struct Local<'a> {
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) ty: Option<&'a Type>,
    pub(crate) source: Source<'a>,
    /// It is changed somewhere in its function, after its declaration: assigned to, in whole or in part, or lent for that.
    pub(crate) assigned: bool,
    /// A method may change it that is not known to leave it alone, so that it need not hold the same twice.
    pub(crate) unsteady: bool,
    /// A macro may have declared its name anew.
    pub(crate) rebound: bool,
    /// Its function changes something of its name, or hands it on as it stands.
    pub(crate) stirred: bool,
    /// Its function hands a part of it on as it stands.
    pub(crate) handed_in_part: bool,
    /// It counts the items of a list.
    pub(crate) counts: bool,
    /// Declared `mut`.
    pub(crate) mutable: bool,
    /// It is one of several parts that a pattern takes a value into.
    pub(crate) torn: bool,
    /// Where in the value of its source it lies, as the fields of patterns say; `None` where these do not tell.
    pub(crate) within: Option<Vec<String>>,
    /// The query it holds, as an index into the sites.
    pub(crate) site: Option<usize>,
    /// The prepared statement it holds.
    pub(crate) prepared: Option<usize>,
    /// It holds what `separated` gives of a builder.
    pub(crate) separated: bool,
    /// How many variables of its name were visible when it was declared.
    pub(crate) twin: usize,
    /// What the closure is called on that it is a parameter of: whatever of it the closure is handed.
    pub(crate) given: Option<&'a Expr>,
    /// The first variable of its pattern: names in the value that the pattern takes mean what was declared before it.
    pub(crate) since: LocalId,
}

/// Where a variable's value comes from.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    /// A parameter of the function, or a part of one.
    Parameter(Origin),
    /// The value of an expression.
    Let(&'a Expr),
    /// A part of the value of an expression: destructured, or an element in a loop.
    Part(&'a Expr),
    /// A constant of the function.
    Constant(&'a Expr),
    /// A parameter of a closure, or declared without a value.
    Unseen,
}

#[derive(Default)]
pub(crate) struct Scope {
    pub(crate) names: Vec<(String, LocalId)>,
    /// Keys of expressions that a guard has checked, with the guard and the name under which it did.
    pub(crate) guards: Vec<(String, Span, String)>,
    /// Exact keys of places that are equal to what is the tenant's: these, and no part of them.
    pub(crate) equal: Vec<(String, Span)>,
    /// Queries that have returned a row.
    pub(crate) found: Vec<Span>,
    /// Queries whose row has been checked.
    pub(crate) checked: Vec<Span>,
    /// Queries whose row has been checked if there was one.
    pub(crate) checked_if_any: Vec<Span>,
    /// Queries whose one value was yes, or a number above zero.
    pub(crate) answered: Vec<Span>,
    /// A function begins here: only constants are seen through.
    pub(crate) barrier: bool,
    /// A module begins here.
    pub(crate) module: bool,
    /// Its `use` declarations.
    pub(crate) uses: Uses,
}

/// What variables hold at a place of the walk.
#[derive(Clone, Default)]
pub(crate) struct State {
    pub(crate) texts: HashMap<LocalId, Texts>,
    /// Lists of texts.
    pub(crate) lists: HashMap<LocalId, Growing>,
    /// Queries under construction.
    pub(crate) chains: HashMap<LocalId, Held>,
    /// Builders, by their site.
    pub(crate) builders: HashMap<usize, Grown>,
}

/// `bodies.iter_mut()`, `request.body_mut()?`: what comes of it can be changed through.
fn is_lent_by_a_method(value: &Expr) -> bool {
    let (_, steps) = unchained(value);
    let lends =
        |step: &Step<'_>| matches!(step, Step::Method(call) if call.method.to_string().ends_with("_mut"));
    steps.iter().any(lends)
}

impl<'a> Reader<'a> {
    pub(crate) fn declare(
        &mut self,
        name: String,
        span: Span,
        ty: Option<&'a Type>,
        source: Source<'a>,
    ) -> LocalId {
        let twin =
            self.scopes.iter().flat_map(|scope| &scope.names).filter(|(other, _)| *other == name).count();
        let id = self.locals.len();
        let local = Local {
            name: name.clone(),
            span,
            ty,
            source,
            assigned: false,
            unsteady: false,
            stirred: false,
            handed_in_part: false,
            torn: self.tearing > 0,
            within: self.taken_apart.iter().cloned().collect(),
            rebound: false,
            counts: false,
            mutable: false,
            site: None,
            prepared: None,
            separated: false,
            twin,
            given: None,
            since: self.pattern_from.unwrap_or(id),
        };
        self.locals.push(local);
        if let Some(scope) = self.scopes.last_mut() {
            scope.names.push((name, id));
        }
        self.note_changes(id, false);
        id
    }

    /// Notes what the function does to a variable. What is not `mut` holds one value once it has one, unless that is
    /// a reference through which something is changed.
    pub(crate) fn note_changes(&mut self, id: LocalId, is_mut: bool) {
        let Some(local) = self.locals.get_mut(id) else { return };
        let lent = local.ty.is_some_and(types::is_mutable_reference)
            || matches!(local.source, Source::Let(Expr::Reference(value)) if value.mutability.is_some())
            || matches!(local.source, Source::Let(value) | Source::Part(value) if is_lent_by_a_method(value));
        local.mutable = is_mut;
        let Some(function) = self.functions.last() else { return };
        let changes = &function.changes;
        let unset = matches!(local.source, Source::Unseen);
        let is_lent = lent && changes.handed.contains(&local.name);
        local.rebound = changes.rebound.contains(&local.name);
        local.assigned = is_lent
            || changes.within.contains(&local.name)
            || changes.rebound.contains(&local.name)
            || unset && changes.whole.contains(&local.name)
            || (is_mut || lent)
                && (changes.whole.contains(&local.name) || changes.text.contains(&local.name));
        let stirring = [&changes.whole, &changes.within, &changes.text, &changes.called, &changes.handed];
        local.stirred = local.assigned || stirring.iter().any(|names| names.contains(&local.name));
        local.handed_in_part = changes.handed_in_part.contains(&local.name);
        local.unsteady = local.assigned || (is_mut || lent) && changes.called.contains(&local.name);
    }

    /// The variable that `name` means, among those declared before `limit`, a variable, and the others of its pattern.
    pub(crate) fn lookup(&self, name: &str, limit: LocalId) -> Option<LocalId> {
        let limit = self.locals.get(limit).map_or(limit, |local| local.since);
        let mut only_constants = false;
        for scope in self.scopes.iter().rev() {
            let visible = scope.names.iter().rev().find(|(known, id)| {
                let constant =
                    self.locals.get(*id).is_some_and(|local| matches!(local.source, Source::Constant(_)));
                known == name && *id < limit && (constant || !only_constants)
            });
            if let Some((_, id)) = visible {
                return Some(*id);
            }
            only_constants |= scope.barrier;
        }
        None
    }

    /// What the scopes of the function have noted.
    pub(super) fn in_scope(&self, noted: impl Fn(&Scope) -> &Vec<Span>) -> Vec<Span> {
        let mut all = Vec::new();
        for scope in self.scopes.iter().rev() {
            all.extend_from_slice(noted(scope));
            if scope.barrier {
                break;
            }
        }
        all
    }

    /// Runs `inside` in a scope of its own, as a branch that may not be taken.
    pub(crate) fn branch<R>(&mut self, inside: impl FnOnce(&mut Self) -> R) -> R {
        self.next_branch += 1;
        self.branches.push(self.next_branch);
        self.scopes.push(Scope::default());
        let result = inside(self);
        self.scopes.pop();
        self.branches.pop();
        result
    }

    pub(crate) fn current_branch(&self) -> u32 {
        self.branches.last().copied().unwrap_or(0)
    }

    /// Joins what variables hold after two ways through the code, between which `condition` decides; `other` is what they
    /// hold on the other way.
    pub(crate) fn join(&mut self, other: State, known_before: LocalId, span: Span, condition: Span) {
        self.join_under(other, known_before, span, condition, &Outcomes::default());
    }

    /// The same where it is known what is assumed on this way, as if the condition held, and on the other.
    pub(crate) fn join_under(
        &mut self,
        other: State,
        known_before: LocalId,
        span: Span,
        condition: Span,
        ways: &Outcomes,
    ) {
        self.join_chains(&other, known_before, condition);
        self.join_builders(&other, span, ways);
        self.join_lists(&other, ways);
        let ids = self.state.texts.keys().chain(other.texts.keys()).copied();
        let ids: BTreeSet<LocalId> = ids.filter(|id| *id < known_before).collect();
        for id in ids {
            let joined = match (self.state.texts.get(&id), other.texts.get(&id)) {
                (Some(ours), Some(theirs)) => texts::union_under(ours, theirs, ways, span),
                (Some(one), None) | (None, Some(one)) => {
                    let name = self.locals.get(id).map_or("", |local| local.name.as_str());
                    let other =
                        texts::unknown(span, name, format!("`{name}` has no known text on one way here"));
                    texts::union(one, &other, span)
                }
                (None, None) => continue,
            };
            self.state.texts.insert(id, joined);
        }
    }

    /// Forgets the texts of variables that code changes which may run any number of times.
    pub(super) fn forget(&mut self, changes: &Changes, range: TextRange, why: &str) {
        self.forget_but(changes, range, why, &Rounds::default());
    }

    /// The same, but for builders whose rounds are followed.
    pub(super) fn forget_but(&mut self, changes: &Changes, range: TextRange, why: &str, rounds: &Rounds) {
        let changed = changes.names().map(|name| (name, true));
        let called = changes.called.iter().map(|name| (name, false));
        for (name, surely) in changed.chain(called) {
            let Some(id) = self.lookup(name, LocalId::MAX) else { continue };
            let changes = surely || self.locals.get(id).is_some_and(|local| local.mutable);
            let site = self.locals.get(id).and_then(|local| local.site);
            if let Some(site) = site.filter(|site| !rounds.follow(*site)) {
                self.added_to(site, Span::new(self.source.file, range), why);
            }
            if rounds.follow_local(id) {
                continue;
            }
            if changes {
                self.forget_chain(id, Span::new(self.source.file, range), why);
            }
            if changes && self.state.texts.contains_key(&id) {
                let span = Span::new(self.source.file, range);
                self.state
                    .texts
                    .insert(id, texts::unknown(span, name, format!("`{name}` is changed in {why}")));
            }
        }
    }

    pub(crate) fn append(&mut self, id: LocalId, more: &Texts, span: Span) {
        if let Some(known) = self.state.texts.get(&id) {
            let joined = texts::concat(&Rc::clone(known), more, span);
            self.state.texts.insert(id, joined);
        }
    }
}
