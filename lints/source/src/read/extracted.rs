//! Values of types that the service's own extractors give: which part of one a value is, and what makes one.
//!
//! **Invariant:** a part is told only where nothing but fields, patterns and forms that keep the value lie between it and
//! the parameter, or the call of the extractor, that the whole is.

use syn::{Expr, ExprCall, ExprMethodCall, ExprStruct, Member, Type};
use tenantry_span::Span;

use super::Reader;
use super::evaluate::strip;
use super::fetched::within_some;
use super::provenance::{MAX_STEPS, is_same_value};
use super::scope::{LocalId, Source};
use crate::made::Made;
use crate::types::{self, Origin};
use crate::{Bind, Extracted, ProvenanceKind, RowColumn};

/// Functions of the traits by which web frameworks make values of a request.
pub(crate) const EXTRACTING: &[&str] = &["from_request", "from_request_parts"];

impl<'a> Reader<'a> {
    /// The part of a value that a function is handed, or an extractor gives, which the expression is.
    pub(super) fn extracted(&self, expr: &Expr, limit: LocalId, depth: usize) -> Option<Extracted> {
        if depth > MAX_STEPS {
            return None;
        }
        match strip(expr) {
            Expr::Try(inner) => self.extracted(&inner.expr, limit, depth + 1),
            Expr::Await(inner) => self.extracted(&inner.base, limit, depth + 1),
            Expr::Field(field) => {
                let mut whole = self.extracted(&field.base, limit, depth + 1)?;
                whole.fields.push(member(&field.member));
                Some(whole)
            }
            Expr::MethodCall(call) if is_same_value(&call.method.to_string()) => {
                self.extracted(&call.receiver, limit, depth + 1)
            }
            Expr::Call(call) => {
                let (ty, _) = extractor_of(call)?;
                Some(Extracted { paths: self.type_paths(&ty)?, fields: Vec::new() })
            }
            Expr::Path(path) => {
                let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
                let local = self.locals.get(id).filter(|local| !local.assigned && !local.unsteady)?;
                let within = local.within.clone()?;
                let mut whole = match local.source {
                    Source::Parameter(_) => {
                        let function = self.functions.last()?;
                        let mut params = function.params.iter();
                        let param = params.find(|param| param.locals.contains(&id))?;
                        Extracted { paths: self.type_paths(&param.ty)?, fields: Vec::new() }
                    }
                    Source::Let(value) | Source::Part(value) => self.extracted(value, id, depth + 1)?,
                    Source::Constant(_) | Source::Unseen => return None,
                };
                whole.fields.extend(within);
                Some(whole)
            }
            _ => None,
        }
    }

    /// What the written name of a type may stand for, where it is a plain one behind a reference at most.
    fn type_paths(&self, written: &str) -> Option<Vec<Vec<String>>> {
        let name = written.trim_start_matches('&');
        let is_plain = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
        let last = name.rsplit("::").next().unwrap_or_default();
        if !name.chars().all(is_plain) || !last.starts_with(char::is_uppercase) || last == "Self" {
            return None;
        }
        Some(self.paths(name))
    }

    /// What a call of an extractor gives, by the type that it is asked for: the tenant's own, what the client says.
    pub(super) fn asked_of_extractor(&self, call: &ExprCall) -> Option<ProvenanceKind> {
        let (_, ty) = extractor_of(call)?;
        self.kind_of_type(&ty)
    }

    /// The same for what is asked for by type where authentication has put it, `parts.extensions.get::<User>()`.
    pub(super) fn asked_of_extensions(&self, call: &ExprMethodCall) -> Option<ProvenanceKind> {
        let is_extensions = match strip(&call.receiver) {
            Expr::Field(field) => matches!(&field.member, Member::Named(name) if name == "extensions"),
            Expr::MethodCall(call) => call.method == "extensions" || call.method == "extensions_mut",
            _ => false,
        };
        if !is_extensions || !(call.method == "get" || call.method == "remove") {
            return None;
        }
        let asked = call.turbofish.as_ref().filter(|types| types.args.len() == 1)?.args.first()?;
        let syn::GenericArgument::Type(ty) = asked else { return None };
        // What else lies there the service's own code has put there.
        Some(self.kind_of_type(ty).unwrap_or(ProvenanceKind::Unknown))
    }

    /// Notes a value of a type that is looked for: `Context { tenant: … }`.
    pub(super) fn note_made_struct(&mut self, of: &'a ExprStruct) {
        let Some(name) = self.made_type(&of.path) else { return };
        let fields = of.fields.iter().map(|field| (member(&field.member), &field.expr)).collect();
        self.note_made(name, self.range(of), fields);
    }

    /// The same for `Context(…)`.
    pub(super) fn note_made_tuple(&mut self, call: &'a ExprCall) {
        let Expr::Path(path) = &*call.func else { return };
        let Some(name) = self.made_type(&path.path) else { return };
        let fields = (0..).zip(&call.args).map(|(at, value): (usize, _)| (at.to_string(), value)).collect();
        self.note_made(name, self.range(call), fields);
    }

    /// The type that is looked for which a path names, as the type or as `Self`.
    fn made_type(&self, path: &syn::Path) -> Option<String> {
        let wanted = self.wanted.as_ref()?;
        let last = path.segments.last()?.ident.to_string();
        let name = if last == "Self" { self.own_type()?.to_owned() } else { last };
        wanted.parts.contains_key(&name).then_some(name)
    }

    fn note_made(&mut self, name: String, span: Span, fields: Vec<(String, &'a Expr)>) {
        let wanted = self.wanted.as_ref().and_then(|wanted| wanted.parts.get(&name));
        let wanted: Vec<Vec<String>> = wanted.into_iter().flatten().cloned().collect();
        let touched = std::mem::take(&mut self.touched);
        let mut parts = Vec::new();
        for path in wanted {
            let Some((first, rest)) = path.split_first() else { continue };
            let value = fields.iter().find(|(field, _)| field == first).map(|(_, value)| *value);
            parts.push((path.clone(), value.and_then(|value| self.part_of(value, rest))));
        }
        self.touched = touched;
        let item = self.modules.join("::");
        let is_extractor = EXTRACTING.iter().any(|known| item.ends_with(&format!("{name}::{known}")));
        let is_test = self.tests > 0;
        if let Some(wanted) = &mut self.wanted {
            wanted.made.push(Made { ty: name, span, item, is_extractor, is_test, parts });
        }
    }

    /// What is known of a part of a value, by the fields down to it.
    fn part_of(&mut self, value: &'a Expr, fields: &[String]) -> Option<Bind> {
        let inner = within_some(value);
        let mut bind = self.bind(inner, LocalId::MAX);
        match fields {
            [] => {}
            [column] => {
                bind.provenance.row = self.row(inner, RowColumn::Field(column.clone()), LocalId::MAX, 0);
            }
            _ => bind.provenance.row = None,
        }
        // What was checked by itself says nothing of its parts.
        if !fields.is_empty() && bind.provenance.kind == ProvenanceKind::Guarded {
            return None;
        }
        if let Some(whole) = &mut bind.provenance.extracted {
            whole.fields.extend_from_slice(fields);
        }
        Some(bind)
    }

    fn kind_of_type(&self, ty: &Type) -> Option<ProvenanceKind> {
        match self.origin(ty) {
            Origin::Trusted => Some(ProvenanceKind::Trusted),
            Origin::Request => Some(ProvenanceKind::Request),
            Origin::Plain => None,
        }
    }
}

/// The type of `Type::from_request_parts(parts, state)`, as it is written without white space, and as a type.
fn extractor_of(call: &ExprCall) -> Option<(String, Type)> {
    let Expr::Path(path) = &*call.func else { return None };
    let last = path.path.segments.last()?;
    if path.qself.is_some() || !EXTRACTING.iter().any(|known| last.ident == known) || call.args.is_empty() {
        return None;
    }
    let mut of = path.path.clone();
    of.segments.pop();
    of.segments.pop_punct();
    let written: Vec<String> = of.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let is_plain = of.segments.iter().all(|segment| segment.arguments.is_none());
    let ty = Type::Path(syn::TypePath { attrs: Vec::new(), qself: None, path: of });
    types::head(&ty)?;
    Some((if is_plain { written.join("::") } else { String::new() }, ty))
}

/// A field by its name or position.
pub(super) fn member(member: &Member) -> String {
    match member {
        Member::Named(name) => name.to_string().trim_start_matches("r#").to_owned(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}
