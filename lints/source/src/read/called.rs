//! Calls of functions that somebody asks for, noted while a file is walked.

use std::collections::HashSet;

use syn::punctuated::Punctuated;
use syn::{AngleBracketedGenericArguments, Attribute, Expr, Signature, Token, TypeParamBound};
use tenantry_span::Span;

use super::scope::LocalId;
use super::walk::strip_all;
use super::{Generic, Reader};
use crate::calls::{Asked, Call, FunctionHead, Handed, HandedChains};
use crate::{Bind, CONVERTED, QuerySite, types};

impl<'a> Reader<'a> {
    /// Notes a call of a function that is looked for.
    pub(super) fn note_call(
        &mut self,
        written: impl FnOnce() -> Vec<String>,
        path: Option<&syn::Path>,
        receiver: Option<&'a Expr>,
        types: Option<&AngleBracketedGenericArguments>,
        span: Span,
        arguments: &'a Punctuated<Expr, Token![,]>,
    ) {
        if self.asked.is_none() {
            return;
        }
        let plain = |name: String| name.trim_start_matches("r#").to_owned();
        let written: Vec<String> = written().into_iter().map(plain).collect();
        let (is_method, written_path) = (path.is_none(), path);
        let path = path.map_or_else(|| written.clone(), |path| self.imports.resolve(path));
        let is_asked = |name: &String| {
            let name = name.trim_start_matches("r#");
            self.asked.as_ref().is_some_and(|asked| asked.is_for_calls(name, is_method))
        };
        if !path.last().is_some_and(is_asked) {
            return;
        }
        let touched = std::mem::take(&mut self.touched);
        let on_value = receiver;
        let on = receiver.map(|receiver| self.called_on(receiver));
        let receiver = receiver.and_then(|receiver| self.type_name(receiver));
        let reads_texts = self.asked.as_ref().is_some_and(Asked::reads_texts);
        let name = path.last().cloned().unwrap_or_default();
        let bind = |(at, argument): (usize, &'a Expr)| match at {
            // Of a method that is called by its path.
            0 if !is_method => self.called_on(argument),
            _ => self.bind(argument, LocalId::MAX),
        };
        let binds = arguments.iter().enumerate().map(bind).collect();
        let of_types = match (self.asked.as_ref().is_some_and(Asked::reads_uses), on_value, written_path) {
            (true, Some(value), _) => self.types_of_receiver(value),
            (true, None, Some(path)) if path.segments.first().is_some_and(|first| first.ident == "Self") => {
                self.own_types()
            }
            _ => Vec::new(),
        };
        // A name that something nearer may have is no call of a function that gives a row, nor is a method of who knows what.
        let is_sure = match written_path {
            Some(path) => self.names_one_function(path, LocalId::MAX),
            None => !of_types.is_empty(),
        };
        let reads_rows =
            self.asked.as_ref().is_some_and(|asked| asked.reads_rows() && (is_sure || !asked.reads_uses()));
        let handed = match (reads_texts, reads_rows) {
            (true, _) => Some(Box::new(self.handed_over(name, types, span, arguments))),
            (_, true) => Some(Box::new(self.handed_row(name, span))),
            _ => None,
        };
        let (mut made, mut on_made) = (Vec::new(), None);
        if self.composes() {
            on_made = on_value.map(|value| Box::new(self.composed(value, LocalId::MAX, 0)));
            for argument in arguments {
                made.push(self.composed(argument, LocalId::MAX, 0));
            }
        }
        self.touched = touched;
        let within = self.within();
        let is_test = self.tests > 0;
        if let Some(asked) = &mut self.asked {
            asked.note(Call {
                path,
                written,
                is_method,
                receiver,
                of_types,
                on,
                arguments: binds,
                span,
                within,
                is_test,
                handed,
                on_made,
                made,
            });
        }
    }

    /// What a method may be called on.
    fn called_on(&mut self, value: &'a Expr) -> Bind {
        let mut bind = self.bind(value, LocalId::MAX);
        if self.is_converted(value, LocalId::MAX, 0) {
            bind.provenance.steps.insert(0, (bind.span, CONVERTED.to_owned()));
        }
        bind
    }

    /// The name of the type that a value is declared with.
    pub(super) fn type_name(&self, value: &Expr) -> Option<String> {
        if matches!(strip_all(value), Expr::Path(path) if path.path.is_ident("self")) {
            return self.self_type().map(str::to_owned);
        }
        types::last_segment(self.declared_type(value)?)
    }

    /// What a call hands over as text, and as lists of values.
    fn handed_over(
        &mut self,
        name: String,
        types: Option<&AngleBracketedGenericArguments>,
        span: Span,
        arguments: &'a Punctuated<Expr, Token![,]>,
    ) -> Handed {
        let texts = arguments.iter().map(|argument| super::texts::plain(&self.texts(argument))).collect();
        let mut lists = Vec::new();
        let mut passed = Vec::new();
        for argument in arguments {
            self.listed = None;
            lists.push(self.elements(argument, false, LocalId::MAX));
            passed.push(self.listed.take());
        }
        let chains = self.hand_over(types, arguments, span);
        let site = self.site(usize::MAX, name, span, Vec::new(), None);
        Handed { site, texts, lists, passed, chains }
    }

    /// A call whose value is a row, as a place that runs SQL, so that the checks of the row are noted there.
    fn handed_row(&mut self, name: String, span: Span) -> Handed {
        let site = self.site(usize::MAX, name, span, Vec::new(), None);
        self.push_site(site.clone());
        if let Some(asked) = &mut self.asked {
            asked.note_row(span);
        }
        let (texts, lists, passed) = (Vec::new(), Vec::new(), Vec::new());
        Handed { site, texts, lists, passed, chains: HandedChains::default() }
    }

    /// The call at this place is one whose value is a row.
    pub(super) fn is_row_call(&self, span: Span) -> bool {
        self.asked.as_ref().is_some_and(|asked| asked.is_row(span))
    }

    /// The statements that use the rows of such calls.
    pub(crate) fn sites_with(&self, rows: &HashSet<Span>) -> Vec<QuerySite> {
        let uses = |site: &&QuerySite| !rows.contains(&site.span) && rows.iter().any(|call| site.uses(*call));
        self.sites.iter().filter(uses).cloned().collect()
    }

    /// What was noted of such a call.
    pub(crate) fn checked_site(&self, site: &QuerySite) -> QuerySite {
        let mut noted = self.sites.iter().filter(|known| known.span == site.span && known.item == site.item);
        match (noted.next(), noted.next()) {
            (Some(noted), None) => noted.clone(),
            _ => site.clone(),
        }
    }

    /// What a function is generic over.
    pub(super) fn generics(&self, of: &syn::Generics) -> Vec<Generic> {
        let paths = |bound: &TypeParamBound| match bound {
            TypeParamBound::Trait(bound) => self.resolved(&bound.path, LocalId::MAX).paths,
            _ => Vec::new(),
        };
        let mut all = Vec::new();
        for param in &of.params {
            let (name, mut bounds): (_, Vec<Vec<String>>) = match param {
                syn::GenericParam::Type(ty) => (&ty.ident, ty.bounds.iter().flat_map(paths).collect()),
                syn::GenericParam::Const(constant) => (&constant.ident, Vec::new()),
                syn::GenericParam::Lifetime(_) => continue,
            };
            let name_span = self.token_span(name.span());
            let name = name.to_string();
            for clause in of.where_clause.iter().flat_map(|clause| &clause.predicates) {
                if let syn::WherePredicate::Type(of) = clause
                    && types::path_of(&of.bounded_ty) == [name.as_str()]
                {
                    bounds.extend(of.bounds.iter().flat_map(paths));
                }
            }
            all.push(Generic { name, span: name_span, bounds });
        }
        all
    }

    /// Notes the head of a function whose calls are looked for.
    pub(super) fn note_function(&mut self, sig: &'a Signature, block: &'a syn::Block, shown_to: Shown) {
        let is_asked = |asked: &Asked<'_>| asked.is_for(sig.ident.to_string().trim_start_matches("r#"));
        if !self.asked.as_ref().is_some_and(is_asked) {
            return;
        }
        let asserts = self.asserted(sig, block);
        let keeps = self.keeps(sig);
        let makes_new = self.makes_new(sig, block);
        let (Some(asked), Some(function)) = (&mut self.asked, self.functions.last()) else { return };
        if asked.is_for(sig.ident.to_string().trim_start_matches("r#")) {
            asked.declare(FunctionHead {
                item: self.modules.join("::"),
                name_span: function.name_span,
                params: function.params.iter().map(|parameter| parameter.span).collect(),
                generics: function.generics.iter().map(|generic| generic.span).collect(),
                has_receiver: sig.receiver().is_some(),
                is_decorated: shown_to.is_decorated,
                of_trait: shown_to.of_trait,
                cfgs: self.cfgs.clone(),
                asserts,
                keeps,
                makes_new,
                gives: Vec::new(),
            });
        }
    }
}

/// Who may call a function without a call that is seen.
#[derive(Clone, Default)]
pub(crate) struct Shown {
    /// It has an attribute that may register it somewhere.
    pub(super) is_decorated: bool,
    /// It implements a function of this trait.
    pub(super) of_trait: Option<String>,
}

/// Attributes that leave a function to those who call it by its name.
const PLAIN: &[&str] = &[
    "allow",
    "async_trait",
    "cfg",
    "cold",
    "cross_tenant",
    "deny",
    "deprecated",
    "doc",
    "expect",
    "forbid",
    "inline",
    "instrument",
    "must_use",
    "rustfmt",
    "tenant_scoped",
    "track_caller",
    "warn",
];

pub(super) fn is_decorated(attributes: &[Attribute]) -> bool {
    let is_plain = |attribute: &Attribute| {
        let path = attribute.path();
        let (first, last) = (path.segments.first(), path.segments.last());
        [first, last].into_iter().flatten().any(|part| is_plain_attribute(&part.ident.to_string()))
    };
    !attributes.iter().all(is_plain)
}

/// An attribute of this name leaves a function as it is written.
pub(crate) fn is_plain_attribute(name: &str) -> bool {
    PLAIN.contains(&name)
}
