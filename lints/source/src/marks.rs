//! Marks: the attributes of the crate `tenantry` on items, which say what is meant of the queries in them.
//!
//! **Invariant:** the macros read their arguments here as well, so that what they take and what the scanner takes is one.

use proc_macro2::{TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, Meta, Token};
use tenantry_span::{FileId, Span, TextRange};

use crate::extent::{Extent, Lines};
use crate::imports::Imports;
use crate::input::Surroundings;
use crate::read::{OWN, Parsed};
use crate::suppress::is_date;

/// What a mark claims of the queries in its item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MarkKind {
    /// `#[tenant_scoped]`: each stays inside one tenant.
    Scoped,
    /// `#[tenant_scoped(defer)]`: so they do, and the scanner is to prove it.
    Deferred,
    /// `#[cross_tenant(…)]`: they cross tenants on purpose.
    CrossTenant,
    /// `#[integration("id")]`: calls that leave the process run under this profile.
    Integration,
}

impl MarkKind {
    /// The attribute's own name.
    fn written(self) -> &'static str {
        match self {
            MarkKind::Scoped | MarkKind::Deferred => "tenant_scoped",
            MarkKind::CrossTenant => "cross_tenant",
            MarkKind::Integration => "integration",
        }
    }
}

/// An attribute of `tenantry` on an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The attribute.
    pub span: Span,
    /// The item, its attributes included.
    pub covers: TextRange,
    /// The item's name; a type's for an `impl`.
    pub item: String,
    /// The item is a function of an `impl` or a trait.
    pub is_method: bool,
    /// What it claims.
    pub kind: MarkKind,
    /// `tenant = "…"`: the expression that is the tenant.
    pub tenant: Option<String>,
    /// `reason = "…"`.
    pub reason: Option<String>,
    /// `owner = "…"`.
    pub owner: Option<String>,
    /// `until = "YYYY-MM-DD"`, as written.
    pub until: Option<String>,
    /// `ticket = "…"`.
    pub ticket: Option<String>,
    /// The profile that `#[integration("id")]` names.
    pub profile: Option<String>,
    /// What is wrong with its form, where something is.
    pub problem: Option<String>,
}

/// Words of which one stands in every file with a mark, unless the crate is named by it.
pub(crate) const WORDS: &[&str] = &["tenantry", "tenant_scoped", "cross_tenant"];

/// True if the bytes may hold a mark.
pub fn may_mark(text: &[u8]) -> bool {
    WORDS.iter().any(|word| memchr::memmem::find(text, word.as_bytes()).is_some())
}

/// The value of a string literal as it is written in the source.
pub fn literal_text(written: &str) -> Option<String> {
    syn::parse_str::<syn::LitStr>(written).ok().map(|text| text.value())
}

/// The innermost of the marks whose item holds a place, of those that say something of queries.
pub fn mark_at(marks: &[Mark], place: TextRange) -> Option<&Mark> {
    let of_queries = |mark: &&Mark| match mark.kind {
        MarkKind::Scoped | MarkKind::Deferred | MarkKind::CrossTenant => true,
        MarkKind::Integration => false,
    };
    let around = marks.iter().filter(of_queries).filter(|mark| mark.covers.contains_range(place));
    around.min_by_key(|mark| mark.covers.len())
}

/// The marks of a file that was parsed.
pub(crate) fn marks(
    file: FileId,
    parsed: &Parsed,
    imports: &Imports,
    surroundings: &dyn Surroundings,
) -> Vec<Mark> {
    let (base, lines) = (parsed.base, &parsed.lines);
    let mut finder = Finder { file, base, lines, imports, surroundings, found: Vec::new() };
    finder.visit_file(&parsed.file);
    finder.found.sort_by_key(|mark| mark.span.range);
    finder.found
}

struct Finder<'f> {
    file: FileId,
    base: usize,
    lines: &'f Lines,
    imports: &'f Imports,
    surroundings: &'f dyn Surroundings,
    found: Vec<Mark>,
}

impl Finder<'_> {
    fn range(&self, node: &impl Extent) -> TextRange {
        let (start, end) = self.lines.range(node);
        TextRange::from_usize(self.base + start, self.base + end)
    }

    fn note(&mut self, attributes: &[Attribute], node: &impl Extent, item: &str, is_method: bool) {
        for attribute in attributes {
            let span = self.range(attribute);
            self.note_meta(&attribute.meta, span, node, item, is_method);
        }
    }

    /// True for the crate that services depend on, and those that it is made of.
    fn is_own(&self, root: &str) -> bool {
        self.surroundings.package(root).starts_with(OWN)
    }

    /// Marks of items that run nothing, or nothing that is looked at.
    fn note_misplaced(&mut self, item: &Item) {
        let attributes: &[Attribute] = match item {
            Item::Const(of) => &of.attrs,
            Item::Enum(of) => &of.attrs,
            Item::ExternCrate(of) => &of.attrs,
            Item::ForeignMod(of) => &of.attrs,
            Item::Macro(of) => &of.attrs,
            Item::Mod(of) => &of.attrs,
            Item::Static(of) => &of.attrs,
            Item::Struct(of) => &of.attrs,
            Item::TraitAlias(of) => &of.attrs,
            Item::Type(of) => &of.attrs,
            Item::Union(of) => &of.attrs,
            Item::Use(of) => &of.attrs,
            _ => &[],
        };
        let from = self.found.len();
        self.note(attributes, item, "", false);
        for mark in self.found.iter_mut().skip(from) {
            let what = mark.kind.written();
            mark.problem = Some(match item {
                Item::Mod(_) => format!(
                    "`#[{what}]` stands on modules with their content: mark the items in the module's own file"
                ),
                _ => format!(
                    "`#[{what}]` stands on functions, `impl` blocks, traits and modules with their content"
                ),
            });
        }
    }

    fn note_meta(&mut self, meta: &Meta, span: TextRange, node: &impl Extent, item: &str, is_method: bool) {
        if meta.path().is_ident("cfg_attr") {
            let Meta::List(list) = meta else { return };
            let parsed = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
            for inner in parsed.iter().flatten().skip(1) {
                self.note_meta(inner, span, node, item, is_method);
            }
            return;
        }
        let full = self.imports.resolve(meta.path());
        let Some(name) = full.last() else { return };
        let is_ours = match full.as_slice() {
            [_] => self.imports.globs().iter().filter_map(|glob| glob.first()).any(|root| self.is_own(root)),
            [root, ..] => self.is_own(root),
            [] => false,
        };
        let kind = match name.as_str() {
            "tenant_scoped" => MarkKind::Scoped,
            "cross_tenant" => MarkKind::CrossTenant,
            "integration" if is_ours => MarkKind::Integration,
            _ => return,
        };
        let mut mark = Mark {
            span: Span::new(self.file, span),
            covers: self.range(node),
            item: item.to_owned(),
            is_method,
            kind,
            tenant: None,
            reason: None,
            owner: None,
            until: None,
            ticket: None,
            profile: None,
            problem: None,
        };
        let tokens = match meta {
            Meta::Path(_) => TokenStream::new(),
            Meta::List(list) => list.tokens.clone(),
            Meta::NameValue(_) => {
                mark.problem = Some(format!("write `{name}(…)`"));
                TokenStream::new()
            }
        };
        if let Err(problem) = read(tokens, &mut mark) {
            mark.problem = Some(problem);
        }
        self.found.push(mark);
    }
}

/// Reads the arguments of a mark.
fn read(tokens: TokenStream, mark: &mut Mark) -> Result<(), String> {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(key) => {
                let key = key.to_string();
                let is_assigned =
                    matches!(tokens.peek(), Some(TokenTree::Punct(mark)) if mark.as_char() == '=');
                if !is_assigned {
                    flag(&key, mark)?;
                } else {
                    tokens.next();
                    let value = tokens.next().as_ref().and_then(text);
                    let value =
                        value.ok_or_else(|| format!("the value of `{key}` is a text: `{key} = \"…\"`"))?;
                    set(&key, value, mark)?;
                }
            }
            TokenTree::Literal(_) if mark.kind == MarkKind::Integration && mark.profile.is_none() => {
                mark.profile = text(&token);
            }
            other => return Err(format!("`{other}` is not understood")),
        }
        match tokens.next() {
            None => break,
            Some(TokenTree::Punct(comma)) if comma.as_char() == ',' => {}
            Some(other) => return Err(format!("`{other}` is not understood: a comma comes here")),
        }
    }
    let is_empty = |text: &Option<String>| text.as_deref().is_none_or(|text| text.trim().is_empty());
    match mark.kind {
        MarkKind::CrossTenant if is_empty(&mark.reason) => {
            Err("a reason is missing: `reason = \"…\"`".to_owned())
        }
        MarkKind::CrossTenant if mark.until.as_deref().is_some_and(|until| !is_date(until)) => {
            Err("`until` is no date: write it as \"2027-03-31\"".to_owned())
        }
        MarkKind::Integration if is_empty(&mark.profile) => {
            Err("name the profile: `integration(\"id\")`".to_owned())
        }
        _ => Ok(()),
    }
}

fn flag(key: &str, mark: &mut Mark) -> Result<(), String> {
    match (key, mark.kind) {
        ("defer", MarkKind::Scoped | MarkKind::Deferred) => {
            mark.kind = MarkKind::Deferred;
            Ok(())
        }
        _ => Err(unknown(key, mark.kind)),
    }
}

fn set(key: &str, value: String, mark: &mut Mark) -> Result<(), String> {
    let slot = match (key, mark.kind) {
        ("tenant", MarkKind::Scoped | MarkKind::Deferred) => &mut mark.tenant,
        ("reason", MarkKind::CrossTenant) => &mut mark.reason,
        ("owner", MarkKind::CrossTenant) => &mut mark.owner,
        ("until", MarkKind::CrossTenant) => &mut mark.until,
        ("ticket", MarkKind::CrossTenant) => &mut mark.ticket,
        _ => return Err(unknown(key, mark.kind)),
    };
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("`{key}` is given twice")),
    }
}

fn unknown(key: &str, kind: MarkKind) -> String {
    let known = match kind {
        MarkKind::Scoped | MarkKind::Deferred => "there are `tenant = \"…\"` and `defer`",
        MarkKind::CrossTenant => "there are `reason`, `owner`, `until` and `ticket`",
        MarkKind::Integration => "write the profile's id as a text, `integration(\"id\")`",
    };
    format!("`{key}` is not known here: {known}")
}

fn text(token: &TokenTree) -> Option<String> {
    match token {
        TokenTree::Literal(literal) => match syn::Lit::new(literal.clone()) {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        // What a macro hands on stands in a group of its own.
        TokenTree::Group(group) => {
            let mut inner = group.stream().into_iter();
            inner.next().as_ref().and_then(text).filter(|_| inner.next().is_none())
        }
        TokenTree::Ident(_) | TokenTree::Punct(_) => None,
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        match item {
            Item::Fn(function) => self.note(&function.attrs, item, &function.sig.ident.to_string(), false),
            Item::Mod(module) if module.content.is_some() => {
                self.note(&module.attrs, item, &module.ident.to_string(), false)
            }
            Item::Impl(of) => {
                let name = crate::types::last_segment(&of.self_ty).unwrap_or_else(|| "impl".to_owned());
                self.note(&of.attrs, item, &name, false);
            }
            Item::Trait(of) => self.note(&of.attrs, item, &of.ident.to_string(), false),
            other => self.note_misplaced(other),
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.note(&function.attrs, function, &function.sig.ident.to_string(), true);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        self.note(&function.attrs, function, &function.sig.ident.to_string(), true);
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Mark> {
        let parsed = crate::read::parse(text, |text| text.into()).expect("Rust");
        marks(FileId(0), &parsed, &Imports::of(&parsed.file), &crate::NoSurroundings)
    }

    #[test]
    fn marks_are_found_on_items_by_whatever_name_they_have() {
        let text = "use tenantry::{tenant_scoped as scoped, cross_tenant};
            #[scoped] fn a() { #[tenantry::tenant_scoped(defer)] fn b() {} }
            #[cross_tenant(reason = \"all\", until = \"2027-03-31\", owner = \"ops\")] impl C { #[scoped(tenant = \"d.id()\")] fn e(&self) {} }
            #[tenantry::integration(\"stripe\")] fn f() {}
            #[integration(\"stripe\")] fn g() {}
            #[cfg_attr(feature = \"h\", scoped)] mod h {}";
        let found = found(text);
        let shown: Vec<(&str, MarkKind, bool)> =
            found.iter().map(|mark| (mark.item.as_str(), mark.kind, mark.is_method)).collect();
        assert_eq!(
            shown,
            [
                ("a", MarkKind::Scoped, false),
                ("b", MarkKind::Deferred, false),
                ("C", MarkKind::CrossTenant, false),
                ("e", MarkKind::Scoped, true),
                ("f", MarkKind::Integration, false),
                ("h", MarkKind::Scoped, false),
            ]
        );
        assert!(found.iter().all(|mark| mark.problem.is_none()), "{found:?}");
        let inner = mark_at(&found, TextRange::empty(text.find("&self").map_or(0, |at| at as u32)));
        assert_eq!(inner.map(|mark| mark.tenant.as_deref()), Some(Some("d.id()")));
    }

    #[test]
    fn what_is_wrong_with_a_mark_is_said() {
        let problem = |attribute: &str| {
            let found = found(&format!("#[tenantry::{attribute}] fn a() {{}}"));
            found.into_iter().next().and_then(|mark| mark.problem).unwrap_or_default()
        };
        assert!(problem("cross_tenant").contains("reason"));
        assert!(problem("cross_tenant(reason = \"a\", until = \"2027-02-30\")").contains("date"));
        assert!(problem("tenant_scoped(tennant = \"a\")").contains("tennant"));
        assert!(problem("tenant_scoped(tenant = a)").contains("text"));
        assert!(problem("tenant_scoped(defer now)").contains("comma"));
        assert!(problem("integration").contains("profile"));
        assert_eq!(problem("tenant_scoped(defer, tenant = \"a\",)"), "");
    }
}
