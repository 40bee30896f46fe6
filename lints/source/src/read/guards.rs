//! Guards: calls that check what they are handed against the authenticated actor.

use syn::{Expr, ExprIf, Member, UnOp};
use tenantry_span::Span;

use super::Reader;
use super::evaluate::{block_diverges, strip};
use super::provenance::{MAX_STEPS, is_place};
use super::scope::{LocalId, Source};
use super::walk::{Step, is_same_result};

impl<'a> Reader<'a> {
    /// The guard that checked exactly this expression.
    pub(super) fn guarded(&self, expr: &Expr, limit: LocalId) -> Option<Span> {
        if self.trust.guards.is_empty() || !is_place(expr) {
            return None;
        }
        let key = self.key(expr, limit, 0);
        let mut guards = Vec::new();
        for scope in self.scopes.iter().rev() {
            guards.extend(&scope.guards);
            if scope.barrier {
                break;
            }
        }
        guards.iter().find(|(known, _)| *known == key).map(|(_, span)| *span)
    }

    /// Takes note of a guard whose failure leaves: `guard(…).await?`, `guard(…).unwrap()`.
    pub(super) fn guards_of(&mut self, base: &'a Expr, steps: &[Step<'a>]) {
        if self.trust.guards.is_empty() {
            return;
        }
        let mut handed = self.guard_call(base);
        for step in steps {
            match step {
                Step::Await => {}
                Step::Method(call) => {
                    let name = call.method.to_string();
                    if let Some(guards) = self.guards_named(&name) {
                        let span = self.token_span(call.method.span());
                        handed = Some(Handed { guards, arguments: call.args.iter().collect(), span });
                    } else if matches!(name.as_str(), "unwrap" | "expect") {
                        self.note_guard(handed.take());
                    } else if !is_same_result(&name) {
                        handed = None;
                    }
                }
                Step::Try => self.note_guard(handed.take()),
            }
        }
    }

    /// What a call hands to a guard, if it calls one by path.
    fn guard_call(&self, call: &'a Expr) -> Option<Handed<'a>> {
        let Expr::Call(call) = call else { return None };
        let Expr::Path(path) = &*call.func else { return None };
        let guards = self.guards_named(self.imports.resolve(&path.path).last()?)?;
        Some(Handed { guards, arguments: call.args.iter().collect(), span: self.range(call) })
    }

    /// The policy's entries for a guard of this name: what each says is checked, or nothing where it is all.
    fn guards_named(&self, name: &str) -> Option<Vec<&'a str>> {
        let named = |entry: &&'a str| {
            let path = entry.split('(').next().unwrap_or(entry).trim();
            path.rsplit("::").next().unwrap_or(path) == name
        };
        let trust = self.trust;
        let entries: Vec<&str> =
            trust.guards.iter().map(|guard| guard.value.as_str()).filter(named).collect();
        (!entries.is_empty()).then_some(entries)
    }

    fn note_guard(&mut self, handed: Option<Handed<'a>>) {
        let Some(Handed { guards, arguments, span }) = handed else { return };
        let mut places = Vec::new();
        for argument in arguments {
            self.places_of(argument, None, LocalId::MAX, 0, &mut places);
        }
        let keys: Vec<(String, Span)> = places
            .into_iter()
            .filter(|place| guards.iter().any(|guard| checks(guard, &place.name)))
            .map(|place| (self.key(place.expr, place.limit, 0), span))
            .collect();
        if let Some(scope) = self.scopes.last_mut() {
            scope.guards.extend(keys);
        }
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

    /// `if guard(…).is_err() { return … }`, `if !guard(…) { return … }`, `if let Err(e) = guard(…) { return … }`.
    pub(super) fn guard_of_condition(&mut self, choice: &'a ExprIf) {
        if self.trust.guards.is_empty() || !block_diverges(&choice.then_branch) {
            return;
        }
        let call = match &*choice.cond {
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => &*unary.expr,
            Expr::MethodCall(call) if call.method == "is_err" => &*call.receiver,
            Expr::Let(condition) => match &*condition.pat {
                syn::Pat::TupleStruct(of)
                    if of.path.segments.last().is_some_and(|last| last.ident == "Err")
                        && of.elems.iter().all(is_any_error) =>
                {
                    &*condition.expr
                }
                _ => return,
            },
            _ => return,
        };
        let mut call = call;
        loop {
            call = match call {
                Expr::Await(inner) => &inner.base,
                Expr::Paren(inner) => &inner.expr,
                Expr::MethodCall(inner) if is_same_result(&inner.method.to_string()) => &inner.receiver,
                _ => break,
            };
        }
        let handed =
            match call {
                Expr::MethodCall(inner) => self.guards_named(&inner.method.to_string()).map(|guards| {
                    Handed { guards, arguments: inner.args.iter().collect(), span: self.range(call) }
                }),
                other => self.guard_call(other),
            };
        self.note_guard(handed);
    }
}

/// True for a pattern that every error matches.
fn is_any_error(pattern: &syn::Pat) -> bool {
    match pattern {
        syn::Pat::Wild(_) | syn::Pat::Rest(_) => true,
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
}

/// A place that is handed to a guard, by the name of the field or variable.
struct Place<'a> {
    expr: &'a Expr,
    limit: LocalId,
    name: String,
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
