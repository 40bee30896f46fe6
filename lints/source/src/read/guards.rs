//! Guards: calls that check what they are handed against the authenticated actor.

use syn::punctuated::Punctuated;
use syn::{Arm, BinOp, Expr, ExprCall, ExprIf, ExprMatch, Member, Pat, Token, UnOp};
use tenantry_span::Span;

use super::Reader;
use super::conditions::{AskedOf, Equal, Known};
use super::dominated::guarded;
use super::evaluate::strip;
use super::fetched::{has_any_let, within_some};
use super::provenance::{MAX_STEPS, is_place};
use super::scope::{LocalId, Scope, Source};
use super::walk::{Step, is_same_result, unchained};
use crate::answers::guard_name;
use crate::calls::Place as Compared;
use crate::chains::{Meant, Place as ModulePlace};
use crate::types::Origin;
use crate::{Answer, ProvenanceKind};

impl<'a> Reader<'a> {
    /// The guard that checked exactly this expression, and the name under which it did, if it was handed it by one.
    ///
    /// Of a value of which it is a part, `is_part`, what is compared by itself says nothing.
    pub(super) fn guarded(
        &self,
        expr: &Expr,
        limit: LocalId,
        is_part: bool,
    ) -> Option<(Span, Option<String>)> {
        if !is_place(expr) {
            return None;
        }
        let (mut guards, mut equal) = (Vec::new(), Vec::new());
        for scope in self.scopes.iter().rev() {
            guards.extend(&scope.guards);
            equal.extend(scope.equal.iter().filter(|_| !is_part));
            if scope.barrier {
                break;
            }
        }
        if !guards.is_empty() {
            let key = self.key(expr, limit, 0);
            if let Some((_, span, name)) = guards.iter().find(|(known, _, _)| *known == key) {
                return Some((*span, Some(name.clone())));
            }
        }
        if equal.is_empty() {
            return None;
        }
        let key = self.exact_key(expr, limit, 0)?;
        equal.iter().find(|(known, _)| *known == key).map(|(_, span)| (*span, None))
    }

    /// The parts of a value that guards have checked on every way here, as the fields that lead there.
    pub(super) fn checked_parts(&self, expr: &Expr, limit: LocalId) -> Vec<Vec<String>> {
        let mut known: Vec<&String> = Vec::new();
        for scope in self.scopes.iter().rev() {
            known.extend(scope.guards.iter().map(|(key, ..)| key));
            known.extend(scope.equal.iter().map(|(key, _)| key));
            if scope.barrier {
                break;
            }
        }
        if known.is_empty() || !is_place(expr) {
            return Vec::new();
        }
        let mut whole = vec![self.key(expr, limit, 0)];
        whole.extend(self.exact_key(expr, limit, 0));
        let fields = |key: &&String| {
            let rest = whole.iter().find_map(|whole| key.strip_prefix(whole.as_str())?.strip_prefix('.'))?;
            Some(rest.split('.').map(str::to_owned).collect())
        };
        known.iter().filter_map(fields).collect()
    }

    /// Takes note of a guard whose failure leaves: `guard(…).await?`, `guard(…).unwrap()`. What answers with yes or no
    /// is a check only where the answer is looked at.
    pub(super) fn guards_of(&mut self, base: &'a Expr, steps: &[Step<'a>]) {
        self.equal_behind(base, steps);
        if self.trust.guards.is_empty() {
            return;
        }
        if let Some(handed) = self.handed(base, steps, LocalId::MAX)
            && handed.left == 0
            && !handed.is_bool
        {
            self.note_guard(handed);
        }
    }

    /// What a chain of calls hands to the guard whose answer it is, and how much of the answer is left to be looked at.
    fn handed(&self, base: &'a Expr, steps: &[Step<'a>], limit: LocalId) -> Option<Handed<'a>> {
        let mut handed = match base {
            // What a variable holds of it is looked at here.
            Expr::Path(_) if !steps.is_empty() => self.handed_by(base, limit),
            _ => self.guard_call(base, limit),
        };
        for step in steps {
            match step {
                Step::Await => {}
                Step::Method(call) => {
                    let name = call.method.to_string();
                    if self.guards_named(&name, true).is_some() {
                        let span = self.token_span(call.method.span());
                        handed = self.handed_to(&name, true, &call.args, span, limit);
                    } else if matches!(name.as_str(), "unwrap" | "expect") {
                        handed = handed.and_then(Handed::unwrapped);
                    } else if name == "unwrap_or" && call.args.iter().all(is_false) {
                        // Whoever puts a `no` in the place of the error has a yes or no.
                        let unwrapped = handed.and_then(Handed::unwrapped);
                        handed = unwrapped.map(|handed| Handed { is_bool: true, ..handed });
                    } else if !is_same_result(&name) && !matches!(name.as_str(), "ok_or" | "ok_or_else") {
                        handed = None;
                    }
                }
                Step::Try => handed = handed.and_then(Handed::unwrapped),
            }
        }
        handed
    }

    /// What a call hands to a guard, if it calls one by path.
    fn guard_call(&self, call: &'a Expr, limit: LocalId) -> Option<Handed<'a>> {
        let Expr::Call(call) = call else { return None };
        let Expr::Path(path) = &*call.func else { return None };
        let is_variable =
            path.path.get_ident().is_some_and(|name| self.lookup(&name.to_string(), limit).is_some());
        if is_variable || path.qself.is_some() {
            return None;
        }
        let written: Vec<String> =
            path.path.segments.iter().map(|segment| crate::ident::plain(&segment.ident)).collect();
        let meant = match path.path.leading_colon {
            Some(_) => Meant::of(&written),
            None => self.meant(&written),
        };
        let names = meant.ways.iter().filter_map(|way| way.whole.last());
        let name = names.chain(written.last()).next()?;
        let mut handed = self.handed_to(name, false, &call.args, self.range(call), limit)?;
        handed.guards.retain(|entry| self.is_guard(&meant, &written, entry));
        (!handed.guards.is_empty()).then_some(handed)
    }

    /// True if a call by this path is one of the guard that the policy names, whatever of it a build has: where it says in
    /// which module that lies, as far as what is in sight says so too.
    fn is_guard(&self, meant: &Meant, written: &[String], entry: &str) -> bool {
        let entry = entry.split('(').next().unwrap_or(entry).trim();
        let Some(name) = written.last() else { return false };
        // Where the workspace has one of this name there is no other that could be meant.
        let is_only = || {
            let answers = self.surroundings.answers(name);
            answers.iter().filter(|answer| !answer.is_method).count() < 2
        };
        let of_root =
            entry.split_once("::").is_some_and(|(root, rest)| root == "crate" && !rest.contains("::"));
        let is_meant = |full: &[String]| match full {
            [name] => guard_name(entry) == name,
            [root, _, _, ..] if of_root && root == "crate" => self.is_entry(full, entry) && is_only(),
            _ => self.is_entry(full, entry),
        };
        !meant.is_hidden
            && meant.ways.iter().all(|way| is_meant(&way.whole))
            && meant.globs.iter().all(|glob| self.is_brought(glob, written, &is_meant) || is_only())
            && (!meant.ways.is_empty()
                || !meant.globs.is_empty()
                || written.len() > 1 && is_meant(written)
                || is_only())
    }

    /// True if what a glob brings of this name is what is meant, by its own path or by what its module exports.
    pub(super) fn is_brought(
        &self,
        glob: &[String],
        written: &[String],
        is_meant: &impl Fn(&[String]) -> bool,
    ) -> bool {
        let path: Vec<String> = glob.iter().chain(written).cloned().collect();
        if is_meant(&path) {
            return true;
        }
        let places = self.places(&self.place(), &path);
        let whole = |place: &ModulePlace| -> Vec<String> {
            ["crate".to_owned()].iter().chain(&place.path).cloned().collect()
        };
        !places.is_empty() && places.iter().all(|place| is_meant(&whole(place)))
    }

    fn handed_to(
        &self,
        name: &str,
        is_method: bool,
        arguments: &'a Punctuated<Expr, Token![,]>,
        span: Span,
        limit: LocalId,
    ) -> Option<Handed<'a>> {
        let guards = self.guards_named(name, is_method)?;
        let mut answers = self.surroundings.answers(name);
        let is_called = |answer: &Answer| {
            let receiver = usize::from(answer.is_method && !is_method);
            answer.arguments + receiver == arguments.len()
        };
        // Others of the same name.
        if answers.iter().any(is_called) {
            answers.retain(is_called);
        }
        // The one that asks for most, where several may be meant. What never fails by a value leaves by itself, or is
        // declared with a type of another name.
        let left = answers.iter().map(|answer| answer.layers).max();
        let is_bool = answers.iter().any(|answer| answer.is_bool);
        let left = left.filter(|left| *left > 0 || is_bool).unwrap_or(1);
        let is_known = !answers.is_empty();
        Some(Handed { guards, arguments: arguments.iter().collect(), span, limit, left, is_bool, is_known })
    }

    /// The policy's entries for a guard of this name: what each says is checked, or nothing where it is all.
    fn guards_named(&self, name: &str, is_method: bool) -> Option<Vec<&'a str>> {
        let trust = self.trust;
        let entries = trust.guards.iter().map(|guard| guard.value.as_str());
        // A function that lies in a module is no method.
        let fits = |entry: &&str| guard_name(entry) == name && !(is_method && is_in_module(entry));
        let entries: Vec<&str> = entries.filter(fits).collect();
        (!entries.is_empty()).then_some(entries)
    }

    fn note_guard(&mut self, handed: Handed<'a>) {
        let (mut keys, mut exact) = (Vec::new(), Vec::new());
        for place in self.checked_places(&handed) {
            // Of several values that lie side by side one was checked.
            match has_numbered_field(place.expr) {
                true => exact.extend(self.exact_key(place.expr, place.limit, 0)),
                false => keys.push((self.key(place.expr, place.limit, 0), handed.span, place.name)),
            }
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.guards.extend(keys);
            scope.equal.extend(exact.into_iter().map(|key| (key, handed.span)));
        }
    }

    /// The places that a guard was handed and checks.
    fn checked_places(&self, handed: &Handed<'a>) -> Vec<Place<'a>> {
        let mut places = Vec::new();
        if self.is_actor_made_up(&handed.arguments, handed.limit) {
            return places;
        }
        for argument in &handed.arguments {
            self.places_of(argument, None, handed.limit, 0, &mut places);
        }
        places.retain(|place| handed.guards.iter().any(|guard| checks(guard, &place.name)));
        places
    }

    /// What a guard was handed as the actor is what a request says: a value of a trusted type that is made of it, or nothing
    /// but such data, of which one is made into something else.
    fn is_actor_made_up(&self, arguments: &[&'a Expr], limit: LocalId) -> bool {
        let of_request = |argument: &&Expr| self.kind_of(argument, limit) == ProvenanceKind::Request;
        let converts = |argument: &&Expr| {
            let call = match strip(argument) {
                Expr::MethodCall(call) => call,
                _ => return false,
            };
            call.method == "into" && matches!(strip(&call.receiver), Expr::Field(_) | Expr::Path(_))
        };
        let is_made = |argument: &&&Expr| self.makes_trusted(argument, limit, 0) && of_request(argument);
        arguments.iter().any(|argument| is_made(&argument))
            || arguments.len() > 1
                && arguments.first().is_some_and(converts)
                && arguments.iter().all(of_request)
    }

    /// The value is put together here as one of a trusted type, or it is not followed so far.
    fn makes_trusted(&self, value: &Expr, limit: LocalId, depth: usize) -> bool {
        if depth > MAX_STEPS {
            return true;
        }
        let is_trusted = |path: syn::Path| {
            self.origin(&syn::Type::Path(syn::TypePath { attrs: Vec::new(), qself: None, path }))
                == Origin::Trusted
        };
        match strip(value) {
            Expr::Try(inner) => self.makes_trusted(&inner.expr, limit, depth + 1),
            Expr::Struct(of) => is_trusted(of.path.clone()),
            Expr::MethodCall(call) if call.args.is_empty() => {
                self.makes_trusted(&call.receiver, limit, depth + 1)
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return false };
                let mut of = path.path.clone();
                if path.path.segments.last().is_some_and(|last| {
                    last.ident.to_string().starts_with(|first: char| first.is_lowercase())
                }) {
                    of.segments.pop();
                    of.segments.pop_punct();
                }
                !of.segments.is_empty() && is_trusted(of)
            }
            Expr::Path(path) => {
                let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
                let Some((id, local)) = id.and_then(|id| Some((id, self.locals.get(id)?))) else {
                    return false;
                };
                match local.source {
                    Source::Let(value) => {
                        local.ty.is_some_and(|ty| self.origin(ty) == Origin::Trusted)
                            || self.makes_trusted(value, id, depth + 1)
                    }
                    _ => false,
                }
            }
            _ => false,
        }
    }

    /// The places that guards have checked where the condition is `outcome`: each with the variables that it may name,
    /// and the guard.
    pub(super) fn guards_passed(
        &self,
        condition: &'a Expr,
        outcome: bool,
        limit: LocalId,
    ) -> Vec<(&'a Expr, LocalId, Span)> {
        if self.trust.guards.is_empty() {
            return Vec::new();
        }
        let mut passed = Vec::new();
        self.checks(condition, outcome, limit, &mut passed);
        passed.iter().flat_map(|handed| self.places_with_guard(handed)).collect()
    }

    /// The same for a chain of calls that leaves where its guard says no.
    pub(super) fn guard_passed(
        &self,
        base: &'a Expr,
        steps: &[Step<'a>],
        limit: LocalId,
    ) -> Vec<(&'a Expr, LocalId, Span)> {
        if self.trust.guards.is_empty() {
            return Vec::new();
        }
        let handed = self.handed(base, steps, limit).filter(|handed| handed.left == 0 && !handed.is_bool);
        handed.iter().flat_map(|handed| self.places_with_guard(handed)).collect()
    }

    fn places_with_guard(&self, handed: &Handed<'a>) -> Vec<(&'a Expr, LocalId, Span)> {
        let places = self.checked_places(handed).into_iter();
        places.map(|place| (place.expr, place.limit, handed.span)).collect()
    }

    /// A place that is equal to what is known to be the tenant's is as good as it: `if body.tenant != auth.tenant {
    /// return … }`; also where a function of the file says so.
    fn note_known(&mut self, known: Known<'_>) {
        let mut keys = Vec::new();
        for Equal { left, right, limit, .. } in known.equal {
            for (place, other) in [(left, right), (right, left)] {
                let (place, other) = (within_some(place), within_some(other));
                if self.is_own(other, false, limit)
                    && !self.is_own(place, false, limit)
                    && let Some(key) = self.exact_key(place, limit, 0)
                {
                    let whole = self.range(left).range.cover(self.range(right).range);
                    keys.push((key, Span::new(self.source.file, whole)));
                }
            }
        }
        for AskedOf { call, unwrapped, says, limit, .. } in known.asked {
            if let Expr::Call(call) = call {
                keys.extend(self.equal_by_call(call, unwrapped, says, limit));
            }
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.equal.extend(keys);
        }
    }

    /// True for what is the tenant's own, and stays so. Of what a guard has checked, a part need not be.
    fn is_own(&self, expr: &Expr, is_part: bool, limit: LocalId) -> bool {
        let steady = self.is_trusted_expression(expr, limit) || self.is_steady_place(expr, limit);
        steady
            && match self.kind_of(expr, limit) {
                ProvenanceKind::Trusted => true,
                ProvenanceKind::Guarded => !is_part,
                _ => false,
            }
    }

    /// Places that a function of the file has compared with what is the tenant's where it is called and lets pass.
    fn equal_by_call(
        &mut self,
        call: &ExprCall,
        unwrapped: usize,
        says: Option<bool>,
        limit: LocalId,
    ) -> Vec<(String, Span)> {
        // What it is handed says soonest that it is no check.
        if !call.args.iter().any(|argument| self.is_own(argument, false, limit)) {
            return Vec::new();
        }
        let Some((sig, block)) = self.declared_once(call, limit).map(|only| (only.sig, only.block)) else {
            return Vec::new();
        };
        // The names in it are its own.
        self.scopes.push(Scope { barrier: true, ..Scope::default() });
        let asserted = self.asserted(sig, block);
        self.scopes.pop();
        let Some(asserted) = asserted else { return Vec::new() };
        if asserted.layers != unwrapped || asserted.is_bool != says.is_some() {
            return Vec::new();
        }
        let pairs = if says == Some(false) { asserted.equal_unless } else { asserted.equal };
        let span = self.range(call);
        let given = |place: &Compared| call.args.get(place.parameter?);
        let sides = pairs.iter().flat_map(|(one, other)| [(one, other), (other, one)]);
        let keys = sides.filter_map(|(own, other)| {
            let (tenant, value) = (given(own)?, given(other)?);
            let is_checked = self.is_own(tenant, !own.fields.is_empty(), limit)
                && !self.is_own(value, !other.fields.is_empty(), limit);
            let key = self.exact_key(value, limit, 0).filter(|_| is_checked)?;
            Some((
                std::iter::once(key).chain(other.fields.iter().cloned()).collect::<Vec<_>>().join("."),
                span,
            ))
        });
        keys.collect()
    }

    /// Takes note of what is equal behind a chain of calls that leaves where it is not: `(body.tenant ==
    /// auth.tenant).then_some(()).ok_or(…)?`, `ensure_own(&auth, body.tenant).await?`.
    fn equal_behind(&mut self, base: &'a Expr, steps: &[Step<'a>]) {
        let mut steps = steps;
        let asks = |step: &Step<'_>| {
            matches!(step, Step::Method(call)
                if (call.method == "then_some" || call.method == "then") && call.args.len() == 1)
        };
        let is_answer = steps.first().is_some_and(asks);
        if is_answer {
            steps = steps.get(1..).unwrap_or_default();
        }
        let mut unwrapped = 0;
        for step in steps {
            match step {
                Step::Await => {}
                Step::Try => unwrapped += 1,
                Step::Method(call) => match call.method.to_string().as_str() {
                    "unwrap" | "expect" => unwrapped += 1,
                    "ok_or" | "ok_or_else" => {}
                    name if is_same_result(name) => {}
                    _ => return,
                },
            }
        }
        if unwrapped == 0 {
            return;
        }
        match base {
            _ if is_answer && unwrapped == 1 => {
                let known = self.known_if(base, true, LocalId::MAX);
                self.note_known(Known { asked: Vec::new(), ..known });
            }
            Expr::Call(call) if !is_answer => {
                let keys = self.equal_by_call(call, unwrapped, None, LocalId::MAX);
                if let Some(scope) = self.scopes.last_mut() {
                    scope.equal.extend(keys);
                }
            }
            _ => {}
        }
    }

    /// Takes note of the guards that have passed in an arm: `match guard(…) { Ok(_) => …, Err(e) => return … }`. `limit` is
    /// what was declared before it.
    pub(super) fn guards_of_arm(&mut self, choice: &'a ExprMatch, arm: &Arm, limit: LocalId) {
        let (pattern, _) = guarded(arm);
        let passed = self.passed(pattern, &choice.expr, limit);
        passed.into_iter().for_each(|handed| self.note_guard(handed));
        if is_true(pattern) {
            self.note_known(self.known_if(&choice.expr, true, limit));
        }
    }

    /// Takes note of those that have passed behind a `match`, all other arms of which leave.
    pub(super) fn guards_of_match(&mut self, choice: &'a ExprMatch, limit: LocalId) {
        let mut staying = choice.arms.iter().filter(|arm| !self.surely_diverges(&arm.body));
        if let (Some(arm), None) = (staying.next(), staying.next())
            && choice.arms.iter().all(|arm| arm.attrs.is_empty())
        {
            self.guards_of_arm(choice, arm, limit);
        }
    }

    /// `ensure!(body.tenant == auth.tenant)`: it leaves where that does not hold.
    pub(super) fn guards_of_macro(&mut self, mac: &syn::Macro) {
        let Some(arguments) = self.leaving_arguments(mac) else { return };
        self.note_known(arguments.known(self, LocalId::MAX));
    }

    /// The places that are handed over: as arguments, in struct literals, in variants, in a variable made of these.
    fn places_of(
        &self,
        expr: &'a Expr,
        field: Option<&str>,
        limit: LocalId,
        depth: usize,
        places: &mut Vec<Place<'a>>,
    ) {
        if depth > MAX_STEPS {
            return;
        }
        match strip(expr) {
            place if is_place(place) => {
                if let Expr::Path(path) = place
                    && let Some(id) =
                        path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit))
                    && let Some(local) = self.locals.get(id)
                    && let Source::Let(value) = local.source
                    && !local.unsteady
                    && !is_place(value)
                {
                    self.places_of(value, field, id, depth + 1, places);
                }
                let name = field.map(str::to_owned).or_else(|| last_name(place)).unwrap_or_default();
                places.push(Place { expr: place, limit, name });
            }
            Expr::Struct(of) => {
                for part in &of.fields {
                    let name = match &part.member {
                        Member::Named(name) => Some(name.to_string()),
                        Member::Unnamed(_) => None,
                    };
                    self.places_of(&part.expr, name.as_deref(), limit, depth + 1, places);
                }
            }
            Expr::Call(call) => {
                let variant = matches!(&*call.func, Expr::Path(path)
                    if path.path.segments.last().is_some_and(|last| last.ident.to_string().starts_with(char::is_uppercase)));
                if variant {
                    call.args.iter().for_each(|part| self.places_of(part, field, limit, depth + 1, places));
                }
            }
            Expr::Tuple(tuple) => {
                tuple.elems.iter().for_each(|part| self.places_of(part, None, limit, depth + 1, places));
            }
            _ => {}
        }
    }

    /// Guards without which a branch that leaves is taken: `if guard(…).is_err() { return … }`,
    /// `if !guard(…)? { return … }`, `if let Err(e) = guard(…) { return … }`, and any of them before or after `||`.
    pub(super) fn guard_of_condition(&mut self, choice: &'a ExprIf) {
        if !self.surely_leaves(&choice.then_branch) || !choice.attrs.is_empty() {
            return;
        }
        if !has_any_let(&choice.cond) {
            self.note_known(self.known_if(&choice.cond, false, LocalId::MAX));
        }
        if self.trust.guards.is_empty() {
            return;
        }
        let mut checks = Vec::new();
        self.checks(&choice.cond, false, LocalId::MAX, &mut checks);
        checks.into_iter().for_each(|handed| self.note_guard(handed));
    }

    /// Guards that passed where this condition holds: `if guard(…)? { … }`.
    /// `limit` is what was declared before the condition, which may bind names itself.
    pub(super) fn guards_of_holding(&mut self, condition: &'a Expr, limit: LocalId) {
        if !has_any_let(condition) {
            self.note_known(self.known_if(condition, true, limit));
        }
        if self.trust.guards.is_empty() {
            return;
        }
        let mut checks = Vec::new();
        self.checks(condition, true, limit, &mut checks);
        checks.into_iter().for_each(|handed| self.note_guard(handed));
    }

    /// `let Ok(actor) = guard(…) else { return … }`.
    pub(super) fn guard_of_let_else(&mut self, pattern: &Pat, value: &'a Expr, otherwise: &Expr) {
        let leaves = match otherwise {
            Expr::Block(block) => self.surely_leaves(&block.block),
            other => self.surely_diverges(other),
        };
        if self.trust.guards.is_empty() || !leaves {
            return;
        }
        if let Some(handed) = self.passed(pattern, value, LocalId::MAX) {
            self.note_guard(handed);
        }
    }

    /// The guards that passed if the condition is `outcome`.
    fn checks(&self, condition: &'a Expr, outcome: bool, limit: LocalId, checks: &mut Vec<Handed<'a>>) {
        match condition {
            Expr::Paren(inner) => self.checks(&inner.expr, outcome, limit, checks),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                self.checks(&unary.expr, !outcome, limit, checks);
            }
            Expr::Binary(binary) => {
                let every = if outcome {
                    matches!(binary.op, BinOp::And(_))
                } else {
                    matches!(binary.op, BinOp::Or(_))
                };
                if every {
                    self.checks(&binary.left, outcome, limit, checks);
                    self.checks(&binary.right, outcome, limit, checks);
                }
            }
            Expr::Let(condition) => {
                if outcome {
                    checks.extend(self.passed(&condition.pat, &condition.expr, limit));
                } else if takes(&condition.pat, &["Err", "None"], is_anything) {
                    checks.extend(self.handed_by(&condition.expr, limit).filter(Handed::is_last));
                }
            }
            Expr::MethodCall(call) if self.guards_named(&call.method.to_string(), true).is_none() => {
                let asks = match call.method.to_string().as_str() {
                    "is_err" | "is_none" => Some(false),
                    "is_ok" | "is_some" => Some(true),
                    _ => None,
                };
                if asks == Some(outcome) {
                    checks.extend(self.handed_by(&call.receiver, limit).filter(Handed::is_last));
                } else if asks.is_none() && outcome {
                    checks.extend(self.handed_by(condition, limit).filter(Handed::is_yes));
                }
            }
            _ if outcome => checks.extend(self.handed_by(condition, limit).filter(Handed::is_yes)),
            _ => {}
        }
    }

    /// The guard that passed where its answer matches the pattern: `Ok(_)`, `Some(actor)`, `Ok(true)`.
    fn passed(&self, pattern: &Pat, answer: &'a Expr, limit: LocalId) -> Option<Handed<'a>> {
        let handed = self.handed_by(answer, limit)?;
        let variants = &["Ok", "Some"];
        let passed = handed.is_last() && takes(pattern, variants, is_anything)
            || handed.left == 1 && takes(pattern, variants, is_true)
            || handed.is_yes() && is_true(pattern);
        passed.then_some(handed)
    }

    /// What an expression, or the value of the variable that it is, hands to the guard whose answer it is.
    fn handed_by(&self, expr: &'a Expr, limit: LocalId) -> Option<Handed<'a>> {
        if let Expr::Path(path) = strip(expr) {
            let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
            let local =
                self.locals.get(id).filter(|local| !local.unsteady && !local.assigned && !local.torn)?;
            let Source::Let(value) = local.source else { return None };
            return self.handed_by(value, id);
        }
        let (base, steps) = unchained(expr);
        self.handed(base, &steps, limit)
    }
}

/// True for a place that is numbered among others: `ids.0`.
fn has_numbered_field(expr: &Expr) -> bool {
    match strip(expr) {
        Expr::Field(field) => matches!(field.member, Member::Unnamed(_)) || has_numbered_field(&field.base),
        Expr::MethodCall(call) => has_numbered_field(&call.receiver),
        _ => false,
    }
}

/// True for a pattern that takes one of these variants with what is in it.
fn takes(pattern: &Pat, variants: &[&str], inner: fn(&Pat) -> bool) -> bool {
    let is_one = |path: &syn::Path| {
        path.segments.last().is_some_and(|last| variants.iter().any(|variant| last.ident == variant))
    };
    match pattern {
        Pat::TupleStruct(of) => is_one(&of.path) && of.elems.iter().all(inner),
        Pat::Path(of) => is_one(&of.path),
        Pat::Ident(name) => name.subpat.is_none() && variants.iter().any(|variant| name.ident == variant),
        Pat::Paren(paren) => takes(&paren.pat, variants, inner),
        _ => false,
    }
}

fn is_true(pattern: &Pat) -> bool {
    matches!(pattern, Pat::Lit(lit) if matches!(&lit.lit, syn::Lit::Bool(value) if value.value))
}

fn is_false(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(lit) if matches!(&lit.lit, syn::Lit::Bool(value) if !value.value))
}

/// True for a pattern that every value matches.
fn is_anything(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Wild(_) | syn::Pat::Rest(_) => true,
        syn::Pat::Tuple(of) => of.elems.iter().all(is_anything),
        // A name in capitals would be a constant.
        syn::Pat::Ident(name) => {
            name.subpat.is_none()
                && name.ident.to_string().starts_with(|c: char| c == '_' || c.is_lowercase())
        }
        _ => false,
    }
}

/// What a call hands to a guard, with the policy's entries for it.
struct Handed<'a> {
    guards: Vec<&'a str>,
    arguments: Vec<&'a Expr>,
    span: Span,
    /// The arguments mean what was declared before this.
    limit: LocalId,
    /// How many times the answer is still to be unwrapped.
    left: usize,
    /// What it comes to is yes or no.
    is_bool: bool,
    /// The function was found.
    is_known: bool,
}

impl Handed<'_> {
    /// With one layer less; nothing where it had none, which is another value.
    fn unwrapped(mut self) -> Option<Self> {
        self.left = self.left.checked_sub(1)?;
        Some(self)
    }

    /// Whether it passed is all that is left to know.
    fn is_last(&self) -> bool {
        self.left == 1 && !self.is_bool
    }

    /// It is a yes or no. Of a function that is not found, how it is used says so.
    fn is_yes(&self) -> bool {
        !self.is_known || self.is_bool && self.left == 0
    }
}

/// A place that is handed to a guard, by the name of the field or variable.
struct Place<'a> {
    expr: &'a Expr,
    limit: LocalId,
    name: String,
}

/// True if the policy's entry names a function by the module that it lies in, and not by a type.
fn is_in_module(entry: &str) -> bool {
    let path = entry.split('(').next().unwrap_or(entry);
    let around = path.rsplit("::").nth(1).map(str::trim);
    around.is_some_and(|around| around.starts_with(char::is_lowercase))
}

/// True if the policy's entry says that what goes by this name is checked: `guard(name, …)`, or `guard` for everything.
fn checks(guard: &str, name: &str) -> bool {
    match guard.split_once('(') {
        Some((_, names)) => {
            names.trim_end().trim_end_matches(')').split(',').any(|checked| checked.trim() == name)
        }
        None => true,
    }
}

/// The last name of a place: `application_id` of `body.application_id.into_inner()`.
fn last_name(expr: &Expr) -> Option<String> {
    match strip(expr) {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Field(field) => match &field.member {
            Member::Named(name) => Some(name.to_string()),
            Member::Unnamed(_) => last_name(&field.base),
        },
        Expr::MethodCall(call) => last_name(&call.receiver),
        _ => None,
    }
}
