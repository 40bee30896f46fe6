//! What values are made of that a call hands over, or a function gives: structs that are written out, calls, and what is
//! assigned to their parts.
//!
//! **Invariant:** what is told here only ever takes trust away. What is not in sight is not told.

use syn::{Expr, Member};

use super::Reader;
use super::evaluate::strip;
use super::provenance::{UNWRAPPING, is_same_value};
use super::scope::{LocalId, Source};
use super::walk::strip_all;
use crate::Bind;
use crate::calls::{Asked, Call, Composed};

/// How deep a value is taken apart.
const MAX_DEPTH: usize = 6;
/// Into how many parts a value is taken apart, those of what is assigned to it among them: each names the values before.
const MAX_PARTS: usize = 48;

/// Functions that hand on their one argument, by the end of their path.
const WRAPPING: &[&str] = &["Ok", "Some", "Arc::new", "Box::new", "Rc::new", "Cow::Borrowed", "Cow::Owned"];

impl<'a> Reader<'a> {
    /// Somebody asks what values are made of.
    pub(super) fn composes(&self) -> bool {
        self.asked.as_ref().is_some_and(Asked::composes)
    }

    /// What the value is made of.
    pub(super) fn composed(&mut self, value: &'a Expr, limit: LocalId, depth: usize) -> Composed {
        self.parts_left = MAX_PARTS;
        self.taken_apart(value, limit, depth)
    }

    fn taken_apart(&mut self, value: &'a Expr, limit: LocalId, depth: usize) -> Composed {
        let bind = self.bind(value, limit);
        let checked = self.checked_parts(value, limit);
        let plain = |bind: Bind| Composed {
            bind,
            root: None,
            path: Vec::new(),
            fields: Vec::new(),
            call: None,
            assigned: Vec::new(),
            checked: checked.clone(),
            is_cut: false,
        };
        if depth > MAX_DEPTH || self.parts_left == 0 {
            return Composed { is_cut: true, ..plain(bind) };
        }
        self.parts_left -= 1;
        let next = depth + 1;
        match strip_all(value) {
            Expr::Try(inner) => Composed { bind, checked, ..self.taken_apart(&inner.expr, limit, next) },
            Expr::Await(inner) => Composed { bind, checked, ..self.taken_apart(&inner.base, limit, next) },
            Expr::Tuple(of) => {
                let mut fields = Vec::new();
                for (at, part) in of.elems.iter().enumerate() {
                    fields.push((at.to_string(), self.taken_apart(part, limit, next)));
                }
                Composed { fields, ..plain(bind) }
            }
            Expr::Struct(of) => {
                let mut fields = Vec::new();
                for part in &of.fields {
                    fields.push((member(&part.member), self.taken_apart(&part.expr, limit, next)));
                }
                Composed { fields, ..plain(bind) }
            }
            Expr::Call(call) => {
                let Expr::Path(path) = strip(&call.func) else { return plain(bind) };
                let full = self.imports.resolve(&path.path);
                let ends = |known: &&str| crate::imports::ends_with(&full, known);
                match call.args.first() {
                    Some(inner) if call.args.len() == 1 && WRAPPING.iter().any(&ends) => {
                        Composed { bind, checked, ..self.taken_apart(inner, limit, next) }
                    }
                    _ if full.last().is_some_and(|name| name.starts_with(char::is_uppercase)) => {
                        let mut fields = Vec::new();
                        for (at, part) in call.args.iter().enumerate() {
                            fields.push((at.to_string(), self.taken_apart(part, limit, next)));
                        }
                        Composed { fields, ..plain(bind) }
                    }
                    _ => {
                        let written = path.path.segments.iter().map(|part| part.ident.to_string()).collect();
                        let span = self.range(call);
                        let call = self.call_of(full, written, None, span, &call.args, limit, next);
                        Composed { call: Some(Box::new(call)), ..plain(bind) }
                    }
                }
            }
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                let converts = matches!(name.as_str(), "into" | "inner" | "into_inner");
                if is_same_value(&name)
                    && !converts
                    && (call.args.is_empty() || UNWRAPPING.contains(&name.as_str()))
                {
                    return Composed { bind, checked, ..self.taken_apart(&call.receiver, limit, next) };
                }
                let span = self.between(call.method.span(), call.paren_token.span.close());
                let receiver = Some(&*call.receiver);
                let call =
                    self.call_of(vec![name.clone()], vec![name], receiver, span, &call.args, limit, next);
                Composed { call: Some(Box::new(call)), ..plain(bind) }
            }
            Expr::Field(field) => {
                let base = self.taken_apart(&field.base, limit, next);
                Composed { bind, checked, ..part(base, member(&field.member)) }
            }
            Expr::Path(path) => self.composed_name(path, limit, next, plain(bind)),
            _ => plain(bind),
        }
    }

    fn composed_name(
        &mut self,
        path: &'a syn::ExprPath,
        limit: LocalId,
        depth: usize,
        plain: Composed,
    ) -> Composed {
        if path.path.is_ident("self") {
            return Composed { root: Some(None), ..plain };
        }
        let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
        let Some((id, local)) = id.and_then(|id| Some((id, self.locals.get(id)?))) else { return plain };
        let (source, within, torn) = (local.source, local.within.clone(), local.torn);
        let found = match source {
            Source::Let(value) => self.taken_apart(value, id, depth),
            Source::Part(value) => match within {
                Some(fields) => fields.into_iter().fold(self.taken_apart(value, id, depth), part),
                None => plain.clone(),
            },
            Source::Parameter(_) => {
                let parameters = self.functions.last().map_or(&[][..], |function| &function.params);
                let at = parameters.iter().position(|parameter| parameter.locals.contains(&id));
                let root = at.map(Some).filter(|_| within.is_some() || !torn);
                Composed { root, path: within.unwrap_or_default(), ..plain.clone() }
            }
            Source::Constant(_) | Source::Unseen => plain.clone(),
        };
        let mut found = Composed { bind: plain.bind, checked: plain.checked, ..found };
        let own: Vec<_> = self.set.iter().filter(|(set, ..)| *set == id).collect();
        let to = found.path.clone();
        let mut left = self.parts_left;
        for (_, fields, value) in own {
            let parts = parts(value);
            if parts > left {
                found.is_cut = true;
                break;
            }
            left -= parts;
            let fields = to.iter().chain(fields).cloned().collect();
            found.assigned.push((fields, value.clone()));
        }
        self.parts_left = left;
        found
    }

    /// A call that gives a value.
    #[expect(clippy::too_many_arguments, reason = "calls of functions and of methods have no type in common")]
    fn call_of(
        &mut self,
        path: Vec<String>,
        written: Vec<String>,
        receiver: Option<&'a Expr>,
        span: tenantry_span::Span,
        arguments: &'a syn::punctuated::Punctuated<Expr, syn::Token![,]>,
        limit: LocalId,
        depth: usize,
    ) -> Call {
        let on_made = receiver.map(|receiver| Box::new(self.taken_apart(receiver, limit, depth)));
        let mut made = Vec::new();
        for argument in arguments {
            made.push(self.taken_apart(argument, limit, depth));
        }
        Call {
            path,
            written,
            is_method: receiver.is_some(),
            receiver: receiver.and_then(|receiver| self.type_name(receiver)),
            of_types: Vec::new(),
            on: on_made.as_ref().map(|on| on.bind.clone()),
            arguments: made.iter().map(|one| one.bind.clone()).collect(),
            span,
            within: self.within(),
            is_test: self.tests > 0,
            handed: None,
            on_made,
            made,
        }
    }

    /// The function around: the place of its name, and its parameters.
    pub(super) fn within(&self) -> Option<(tenantry_span::Span, Vec<tenantry_span::Span>)> {
        let function = self.functions.last()?;
        Some((function.name_span, function.params.iter().map(|parameter| parameter.span).collect()))
    }

    /// Notes what is assigned to a variable or a part of it.
    pub(super) fn note_set(&mut self, left: &'a Expr, right: &'a Expr) {
        if !self.composes() {
            return;
        }
        let (mut place, mut fields) = (strip(left), Vec::new());
        while let Expr::Field(field) = place {
            fields.insert(0, member(&field.member));
            place = strip(&field.base);
        }
        let Expr::Path(path) = place else { return };
        let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), LocalId::MAX));
        let Some(id) = id else { return };
        let touched = std::mem::take(&mut self.touched);
        let value = self.composed(right, LocalId::MAX, MAX_DEPTH / 2);
        self.touched = touched;
        self.set.push((id, fields, value));
    }

    /// Notes what the function that is walked gives, where somebody asks.
    pub(super) fn note_given(&mut self, value: &'a Expr) {
        let Some(function) = self.functions.last().map(|function| function.name_span) else { return };
        let is_asked = |asked: &Asked<'_>| asked.composes() && asked.declares(function);
        if !self.asked.as_ref().is_some_and(is_asked) {
            return;
        }
        let mut ends = Vec::new();
        ends_of(value, &mut ends);
        for end in ends {
            let touched = std::mem::take(&mut self.touched);
            let given = self.composed(end, LocalId::MAX, 0);
            self.touched = touched;
            if let Some(asked) = &mut self.asked {
                asked.give(function, given);
            }
        }
    }
}

/// The values that an expression may be, of both ways of a condition.
fn ends_of<'e>(value: &'e Expr, ends: &mut Vec<&'e Expr>) {
    let tail = |block: &'e syn::Block| match block.stmts.last() {
        Some(syn::Stmt::Expr(tail, None)) => Some(tail),
        _ => None,
    };
    match strip(value) {
        Expr::If(choice) => {
            if let Some(tail) = tail(&choice.then_branch) {
                ends_of(tail, ends);
            }
            if let Some((_, otherwise)) = &choice.else_branch {
                ends_of(otherwise, ends);
            }
        }
        Expr::Match(choice) => choice.arms.iter().for_each(|arm| ends_of(&arm.body, ends)),
        Expr::Block(block) => {
            if let Some(tail) = tail(&block.block) {
                ends_of(tail, ends);
            }
        }
        other => ends.push(other),
    }
}

/// Into how many parts a value was taken apart.
fn parts(of: &Composed) -> usize {
    let fields: usize = of.fields.iter().map(|(_, field)| parts(field)).sum();
    let assigned: usize = of.assigned.iter().map(|(_, value)| parts(value)).sum();
    let call = of.call.as_ref().map_or(0, |call| {
        call.made.iter().map(parts).sum::<usize>() + call.on_made.as_deref().map_or(0, parts)
    });
    1 + fields + assigned + call
}

/// A field of a value.
fn part(of: Composed, name: String) -> Composed {
    let Composed { bind, root, mut path, fields, call, assigned, checked: _, is_cut } = of;
    if let Some((_, found)) = fields.iter().find(|(field, _)| *field == name) {
        let mut found = Composed { is_cut: found.is_cut || is_cut, ..found.clone() };
        let begin = found.path.clone();
        for (fields, value) in assigned {
            if let Some((first, rest)) = fields.split_first()
                && *first == name
            {
                found.assigned.push((begin.iter().chain(rest).cloned().collect(), value));
            }
        }
        return found;
    }
    path.push(name);
    Composed { bind, root, path, fields: Vec::new(), call, assigned, checked: Vec::new(), is_cut }
}

fn member(member: &Member) -> String {
    match member {
        Member::Named(name) => name.to_string().trim_start_matches("r#").to_owned(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}
