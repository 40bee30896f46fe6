//! Functions of the file to which a query builder, a text or a list of texts is lent: `add_filters(&mut query, &search)`,
//! and methods, `filter.add_to(&mut query)`, as functions whose first parameter is what they are called on. Such a function is walked where it is called, with what it is handed for its parameters.
//!
//! **Invariant:** a function is walked only if it is the only one of its name in the file, nothing nearer has the name, and
//! it runs from its beginning to its end; else what it does to what it is lent is not known.
//! **Invariant:** what it does besides is read where it stands, and nowhere else.

use std::collections::{HashMap, HashSet};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ExprCall, ExprMethodCall, FnArg, Item, Pat, ReturnType, Signature, Stmt, Type,
};
use tenantry_span::Span;

use super::called::is_decorated;
use super::changes::Changes;
use super::evaluate::{TextKind, strip};
use super::scope::{LocalId, Scope, Source};
use super::{Function, Reader};
use crate::calls::without_blanks;
use crate::chains::Held;
use crate::{ProvenanceKind, types};

/// How deep such functions are followed.
const MAX_LENT: usize = 3;

/// A function that the file declares outside of types and traits, or that is a type's own.
pub(super) struct Lendable<'a> {
    pub(super) sig: &'a Signature,
    pub(super) block: &'a Block,
    attributes: &'a [Attribute],
    /// The modules of the file that it stands in.
    module: Vec<String>,
    /// The type whose own function it is.
    owner: Option<String>,
}

/// A method that is lent something, as the function that it is: what it is called on is its first parameter.
pub(super) struct Method {
    item: syn::ImplItemFn,
    owner: String,
    module: Vec<String>,
}

/// The name of that parameter.
const RECEIVING: &str = "__receiver";

/// The methods of a file that are lent a query builder, a text or a list of texts.
pub(super) fn methods(items: &[Item], text: &str) -> Vec<Method> {
    let mut found = Vec::new();
    let finder = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    if ["QueryBuilder", "&mut String", "&mut Vec<String>"].into_iter().any(finder) {
        collect_methods(items, &mut Vec::new(), &mut found);
    }
    found
}

fn collect_methods(items: &[Item], module: &mut Vec<String>, found: &mut Vec<Method>) {
    for item in items {
        match item {
            Item::Impl(of) if is_own(of) => {
                let Some(owner) = types::last_segment(&of.self_ty) else { continue };
                let items = of.items.iter().filter_map(|item| match item {
                    syn::ImplItem::Fn(item) => as_function(item, &of.self_ty),
                    _ => None,
                });
                found.extend(items.map(|item| Method { item, owner: owner.clone(), module: module.clone() }));
            }
            Item::Mod(item) => {
                module.push(item.ident.to_string());
                collect_methods(item.content.as_ref().map_or(&[], |(_, items)| items), module, found);
                module.pop();
            }
            _ => {}
        }
    }
}

/// The functions of a type itself, whatever its lifetimes.
fn is_own(of: &syn::ItemImpl) -> bool {
    let is_plain = of.generics.params.iter().all(|param| matches!(param, syn::GenericParam::Lifetime(_)));
    of.trait_.is_none() && is_plain && of.attrs.is_empty()
}

/// A method with a parameter in the place of `&self`, where something is lent to it and `Self` is not named.
fn as_function(method: &syn::ImplItemFn, owner: &Type) -> Option<syn::ImplItemFn> {
    let receiver = method.sig.receiver()?;
    let is_lent =
        |input: &FnArg| matches!(input, FnArg::Typed(typed) if types::is_mutable_reference(&typed.ty));
    let is_shared = matches!(receiver.kind, syn::ReceiverKind::Reference(_, _, None));
    if !is_shared || !method.sig.inputs.iter().any(is_lent) {
        return None;
    }
    let name = syn::Ident::new(RECEIVING, receiver.self_token.span);
    let block = renamed(method.block.to_token_stream(), &name)?;
    let mut item = method.clone();
    item.block = syn::parse2(block).ok()?;
    *item.sig.inputs.first_mut()? = syn::parse2(quote::quote! { #name: &#owner }).ok()?;
    Some(item)
}

/// The tokens with a name in the place of `self`; nothing where `Self` is among them, which is another type elsewhere.
fn renamed(tokens: TokenStream, name: &syn::Ident) -> Option<TokenStream> {
    let of_token = |token: TokenTree| {
        Some(match token {
            TokenTree::Ident(word) if word == "Self" => return None,
            TokenTree::Ident(word) if word == "self" => {
                TokenTree::Ident(syn::Ident::new(&name.to_string(), word.span()))
            }
            TokenTree::Group(group) => {
                let mut inner = proc_macro2::Group::new(group.delimiter(), renamed(group.stream(), name)?);
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        })
    };
    tokens.into_iter().map(of_token).collect()
}

/// The functions of a file, by name.
pub(super) fn lendable<'a>(items: &'a [Item], methods: &'a [Method]) -> HashMap<String, Vec<Lendable<'a>>> {
    let mut found = HashMap::new();
    collect(items, &mut Vec::new(), &mut found);
    for Method { item, owner, module } in methods {
        let of = Lendable {
            sig: &item.sig,
            block: &item.block,
            attributes: &item.attrs,
            module: module.clone(),
            owner: Some(owner.clone()),
        };
        found.entry(item.sig.ident.to_string()).or_default().push(of);
    }
    found
}

fn collect<'a>(items: &'a [Item], module: &mut Vec<String>, found: &mut HashMap<String, Vec<Lendable<'a>>>) {
    for item in items {
        match item {
            Item::Fn(item) => {
                let (module, owner) = (module.clone(), None);
                let of =
                    Lendable { sig: &item.sig, block: &item.block, attributes: &item.attrs, module, owner };
                found.entry(item.sig.ident.to_string()).or_default().push(of);
            }
            Item::Impl(of) if is_own(of) => {
                let Some(owner) = types::last_segment(&of.self_ty) else { continue };
                for item in &of.items {
                    let syn::ImplItem::Fn(item) = item else { continue };
                    if item.sig.receiver().is_some() {
                        continue;
                    }
                    let (module, owner) = (module.clone(), Some(owner.clone()));
                    let of = Lendable {
                        sig: &item.sig,
                        block: &item.block,
                        attributes: &item.attrs,
                        module,
                        owner,
                    };
                    found.entry(item.sig.ident.to_string()).or_default().push(of);
                }
            }
            Item::Mod(item) => {
                module.push(item.ident.to_string());
                collect(item.content.as_ref().map_or(&[], |(_, items)| items), module, found);
                module.pop();
            }
            _ => {}
        }
    }
}

impl<'a> Reader<'a> {
    /// Walks the function that a call lends a builder or a text to. False where it is not known; then nothing was done.
    pub(super) fn walk_lent(&mut self, call: &'a ExprCall) -> bool {
        let arguments: Vec<&'a Expr> = call.args.iter().collect();
        self.may_lend()
            && self.walk_function(&arguments, self.range(call), |reader| {
                reader.declared_once(call, LocalId::MAX)
            })
    }

    /// The same of a method, which is handed what it is called on.
    pub(super) fn walk_lent_method(&mut self, call: &'a ExprMethodCall) -> bool {
        if self.lendable.is_empty() || !self.lendable.contains_key(&call.method.to_string()) {
            return false;
        }
        let arguments: Vec<&'a Expr> = std::iter::once(&*call.receiver).chain(&call.args).collect();
        self.may_lend() && self.walk_function(&arguments, self.range(call), |reader| reader.method_once(call))
    }

    /// Calls and values that are looked for are those of the function itself.
    fn may_lend(&self) -> bool {
        self.asked.is_none() && self.wanted.is_none() && self.lent_depth < MAX_LENT
    }

    fn walk_function(
        &mut self,
        arguments: &[&'a Expr],
        call: Span,
        called: impl FnOnce(&Self) -> Option<&Lendable<'a>>,
    ) -> bool {
        let Some((at, of)) = self.only_lent(arguments) else { return false };
        let function = called(self).and_then(|only| self.lent_to(only, arguments));
        let Some((sig, block)) = function.filter(|(sig, block)| self.may_walk(of, at, sig, block)) else {
            return false;
        };
        let Some(around) = self.functions.last() else { return false };
        let (name_span, params, changes_self) =
            (around.name_span, around.params.clone(), around.changes_self);
        let (around, used) = (around.body, around.used.clone());
        for (index, argument) in arguments.iter().copied().enumerate() {
            if index != at {
                self.visit_expr(argument);
            }
        }
        let function = Function {
            name_span,
            params,
            generics: Vec::new(),
            body: around,
            changes: Changes::of(|visitor| visitor.visit_block(block)),
            changes_self,
            used,
            first_site: self.sites.len(),
        };
        let made = (self.sites.len(), self.skipped.len(), self.attributes.len(), self.test_modules.len());
        let units = self.units.as_ref().map(Vec::len);
        self.functions.push(function);
        self.scopes.push(Scope::default());
        self.lent_depth += 1;
        let mut lent = None;
        // Arguments are read before parameters take their names.
        let text_of = |(index, argument): (usize, &&'a Expr)| {
            (index != at && self.text_kind(argument) == TextKind::Text).then(|| self.texts(argument))
        };
        let texts: Vec<_> = arguments.iter().enumerate().map(text_of).collect();
        let first = self.locals.len();
        for (index, ((input, argument), text)) in sig.inputs.iter().zip(arguments).zip(texts).enumerate() {
            let FnArg::Typed(typed) = input else { continue };
            let source = if index == at { Source::Unseen } else { Source::Let(argument) };
            // What it is handed is what counts, and not what its own type is trusted for.
            let ty = (index == at).then_some(&*typed.ty);
            self.pattern_since(first, &typed.pat, source, ty);
            if let Some(text) = text {
                self.state.texts.insert(self.locals.len().saturating_sub(1), text);
            }
            if index == at {
                lent = self.locals.len().checked_sub(1);
            }
        }
        if let Some(lent) = lent {
            self.lend(of, lent);
        }
        self.block(block);
        if let Some(lent) = lent {
            self.take_back(of, lent, call);
        }
        self.lent_depth -= 1;
        self.scopes.pop();
        self.functions.pop();
        self.sites.truncate(made.0);
        self.metas.truncate(made.0);
        self.state.builders.retain(|site, _| *site < made.0);
        self.skipped.truncate(made.1);
        self.attributes.truncate(made.2);
        self.test_modules.truncate(made.3);
        if let (Some(all), Some(before)) = (&mut self.units, units) {
            all.truncate(before);
        }
        true
    }

    /// The only argument that is lent to be changed, and the variable that it is.
    fn only_lent(&self, arguments: &[&'a Expr]) -> Option<(usize, LocalId)> {
        let mut found = None;
        for (index, argument) in arguments.iter().copied().enumerate() {
            if super::queries::is_gated(argument) {
                return None;
            }
            let variable = match argument {
                Expr::Reference(reference) if reference.mutability.is_some() => match &*reference.expr {
                    Expr::Path(_) => self.variable(&reference.expr),
                    _ => return None,
                },
                Expr::Path(_) => self.variable(argument).filter(|id| {
                    self.locals.get(*id).and_then(|local| local.ty).is_some_and(types::is_mutable_reference)
                }),
                _ => None,
            };
            let Some(id) = variable else { continue };
            if found.is_some() || !self.grows(id) {
                return None;
            }
            found = Some((index, id));
        }
        let (at, id) = found?;
        let name = self.locals.get(id)?.name.clone();
        let others = arguments.iter().enumerate().filter(|(index, _)| *index != at);
        let quiet = |argument: &Expr| {
            let span = self.range(argument);
            let written = self.written(span);
            self.mention(span, std::slice::from_ref(&name), |_| false).is_none() && !written.contains("&mut")
        };
        others.into_iter().all(|(_, argument)| quiet(argument)).then_some((at, id))
    }

    /// The variable holds a builder, a text or a list of texts.
    fn grows(&self, id: LocalId) -> bool {
        let site = self.locals.get(id).and_then(|local| local.site);
        let builds = site.is_some_and(|site| self.builds(site) && self.state.builders.contains_key(&site));
        let separated = self.locals.get(id).is_some_and(|local| local.separated);
        let is_text = self.state.texts.contains_key(&id) || self.state.lists.contains_key(&id);
        builds && !separated || site.is_none() && is_text
    }

    /// The function that is called, if all of it is in sight.
    fn lent_to(&self, only: &Lendable<'a>, arguments: &[&Expr]) -> Option<(&'a Signature, &'a Block)> {
        let is_clear = only.sig.asyncness.is_none()
            && matches!(only.sig.output, ReturnType::Default)
            && !crosses(only.sig, arguments)
            && !self.takes_for_own(only);
        if !is_clear || !self.runs_through(only.block) {
            return None;
        }
        Some((only.sig, only.block))
    }

    /// The query, condition or other part of a query that the call of a function gives whose body is nothing but that
    /// expression.
    pub(crate) fn returned_chain(&mut self, call: &'a ExprCall, limit: LocalId) -> Option<Held> {
        if self.lent_depth >= MAX_LENT {
            return None;
        }
        let function = self.declared_once(call, limit).or_else(|| self.associated_once(call))?;
        let ([Stmt::Expr(tail, None)], sig) = (function.block.stmts.as_slice(), function.sig) else {
            return None;
        };
        let is_plain = sig.asyncness.is_none() && sig.generics.params.is_empty() && Plain::is(tail);
        if !is_plain || crosses(sig, &call.args.iter().collect::<Vec<_>>()) || self.takes_for_own(function) {
            return None;
        }
        let held: Vec<Option<Held>> =
            call.args.iter().map(|argument| self.chain_value_before(argument, limit)).collect();
        // What callers hand over goes by the name of the function's own parameter, which is not asked for there.
        for (argument, held) in call.args.iter().zip(&held) {
            let kind = self.chain_bind(argument, limit).provenance.kind;
            if held.is_none() && matches!(kind, ProvenanceKind::Parameter | ProvenanceKind::Unknown) {
                return None;
            }
        }
        self.scopes.push(Scope::default());
        self.lent_depth += 1;
        let first = self.locals.len();
        for ((input, argument), held) in sig.inputs.iter().zip(&call.args).zip(held) {
            let FnArg::Typed(typed) = input else { continue };
            // What it is handed is what counts, and not what its own type is trusted for.
            self.pattern_since(first, &typed.pat, Source::Let(argument), None);
            self.hold_chain(self.locals.len().saturating_sub(1), held);
        }
        let returned = self.chain_value(tail);
        self.lent_depth -= 1;
        self.scopes.pop();
        returned
    }

    /// The function that is called, if it is the file's only one of its name and is handed values under plain names.
    pub(super) fn declared_once(&self, call: &ExprCall, limit: LocalId) -> Option<&Lendable<'a>> {
        let Expr::Path(path) = strip(&call.func) else { return None };
        let ident = path.path.get_ident().filter(|_| path.qself.is_none())?;
        self.lendable.get(&ident.to_string())?;
        if !self.names_one_function(&path.path, limit) || self.full(&path.path).len() != 1 {
            return None;
        }
        self.only_one(&ident.to_string(), None, call.args.len())
    }

    /// The same of a function of a type of this file: `Self::of_tenant(tenant)`, `Order::of_tenant(tenant)`.
    fn associated_once(&self, call: &ExprCall) -> Option<&Lendable<'a>> {
        let Expr::Path(path) = strip(&call.func) else { return None };
        let [owner, name] = &path.path.segments.iter().collect::<Vec<_>>()[..] else { return None };
        let (owner, name) = (owner.ident.to_string(), name.ident.to_string());
        let owner = match owner.as_str() {
            "Self" => self.own_type()?.to_owned(),
            _ => owner,
        };
        let only = self.only_one(&name, Some(&owner), call.args.len()).filter(|_| path.qself.is_none())?;
        self.is_declared_here(&owner).then_some(only)
    }

    /// The same of a method of a value whose type is in sight.
    fn method_once(&self, call: &ExprMethodCall) -> Option<&Lendable<'a>> {
        let name = call.method.to_string();
        self.lendable.get(&name)?;
        let types = self.types_of_receiver(&call.receiver);
        let [path] = types.as_slice() else { return None };
        let [owner] = path.as_slice() else { return None };
        let only = self.only_one(&name, Some(owner), call.args.len() + 1)?;
        self.is_declared_here(owner).then_some(only)
    }

    /// The file declares the type, and nothing else goes by its name.
    fn is_declared_here(&self, owner: &str) -> bool {
        ["struct", "enum"].iter().map(|keyword| self.declared(keyword, owner)).sum::<usize>() == 1
            && !self.imports.imports(owner)
            && !self.is_named_by_block(owner)
    }

    /// How often the file declares something of this name, behind a keyword such as `fn`.
    pub(super) fn declared(&self, keyword: &str, name: &str) -> usize {
        let heads = self.heads.get_or_init(|| {
            let mut heads = HashMap::new();
            for pair in without_blanks(self.source.text).windows(2) {
                if let [(_, keyword @ ("fn" | "mod" | "struct" | "enum" | "trait" | "type")), (_, name)] =
                    pair
                {
                    *heads.entry(format!("{keyword} {}", name.trim_start_matches("r#"))).or_default() += 1;
                }
            }
            heads
        });
        heads.get(&format!("{keyword} {name}")).copied().unwrap_or_default()
    }

    fn only_one(&self, name: &str, owner: Option<&str>, arguments: usize) -> Option<&Lendable<'a>> {
        let [only] = self.lendable.get(name)?.as_slice() else { return None };
        let here = self.module.get(crate::modules::module_path(self.source.path).len()..)?;
        let is_plain = |input: &FnArg| {
            matches!(input, FnArg::Typed(typed)
                if matches!(&*typed.pat, Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none())
                    && typed.attrs.is_empty())
        };
        let is_whole = self.declared("fn", name) == 1
            && only.owner.as_deref() == owner
            && only.module == here
            && !is_decorated(only.attributes)
            && !only.attributes.iter().any(|attribute| attribute.path().is_ident("cfg"))
            && only.sig.inputs.len() == arguments
            && only.sig.inputs.iter().all(is_plain);
        is_whole.then_some(only)
    }

    /// A name of the function means something else than a variable of the same name does where it is called.
    fn takes_for_own(&self, of: &Lendable<'a>) -> bool {
        let mut names = Free::default();
        of.sig.inputs.iter().for_each(|input| names.visit_fn_arg(input));
        names.visit_block(of.block);
        let is_variable = |name: &str| self.lookup(name, LocalId::MAX).is_some();
        names.used.iter().any(|name| !names.declared.contains(name) && is_variable(name))
    }

    /// What the parameter is lent is what it says, and of a text every use is one that is followed.
    fn may_walk(&self, of: LocalId, at: usize, sig: &Signature, block: &Block) -> bool {
        let Some(FnArg::Typed(typed)) = sig.inputs.iter().nth(at) else { return false };
        let (Type::Reference(reference), Pat::Ident(name)) = (&*typed.ty, &*typed.pat) else { return false };
        let ty = types::last_segment(&reference.elem).unwrap_or_default();
        if self.locals.get(of).is_some_and(|local| local.site.is_some()) {
            return ty == "QueryBuilder";
        }
        let body = self.between(block.brace_token.span.open(), block.brace_token.span.close());
        let tokens = without_blanks(self.written(body));
        let word = |at: usize| tokens.get(at).map_or("", |(_, word)| *word);
        let name = name.ident.to_string();
        let mut uses = (0..tokens.len()).filter(|at| word(*at) == name);
        let appends = |at: usize| match word(at + 1) {
            "." => ["push", "push_str", "is_empty", "len"].contains(&word(at + 2)) && word(at + 3) == "(",
            "+" => word(at + 2) == "=",
            _ => false,
        };
        (ty == "String" || ty == "Vec") && uses.all(appends)
    }

    /// The block is read as it stands and runs to its end.
    fn runs_through(&self, block: &Block) -> bool {
        let braces = &block.brace_token.span;
        let body = self.between(braces.open(), braces.close());
        let inside = self.written(body).trim().trim_start_matches('{').trim_end_matches('}').trim();
        // What nothing was of interest in was left out before the file was parsed.
        if block.stmts.is_empty() && !inside.is_empty() {
            return false;
        }
        let mut leaves = Leaves::default();
        leaves.visit_block(block);
        !leaves.by_word && self.are_known(&leaves.macros)
    }

    /// What a variable holds is what a parameter is lent.
    fn lend(&mut self, of: LocalId, lent: LocalId) {
        let site = self.locals.get(of).and_then(|local| local.site);
        if let Some(local) = self.locals.get_mut(lent) {
            local.site = site;
            // Whatever is not known may change it.
            local.mutable = true;
        }
        if let Some(text) = self.state.texts.get(&of).cloned() {
            self.state.texts.insert(lent, text);
        }
        if let Some(list) = self.state.lists.get(&of).cloned() {
            self.state.lists.insert(lent, list);
        }
    }

    /// What became of it.
    fn take_back(&mut self, of: LocalId, lent: LocalId, call: Span) {
        let site = self.locals.get(of).and_then(|local| local.site);
        if let Some(site) = site {
            // Another one may be in its place.
            if self.locals.get(lent).and_then(|local| local.site) != Some(site) {
                self.added_to(site, call, "a place that sets it anew");
            }
            return;
        }
        match self.state.texts.remove(&lent) {
            Some(text) => drop(self.state.texts.insert(of, text)),
            None => drop(self.state.texts.remove(&of)),
        }
        match self.state.lists.remove(&lent) {
            Some(list) => drop(self.state.lists.insert(of, list)),
            None => drop(self.state.lists.remove(&of)),
        }
    }
}

/// What is handed over mentions a variable of the caller's that is called as a parameter before it is, and is not what that
/// one is handed: it would be taken for it.
fn crosses(sig: &Signature, arguments: &[&Expr]) -> bool {
    let mut taken: HashSet<String> = HashSet::new();
    for (input, argument) in sig.inputs.iter().zip(arguments) {
        let mut names = Free::default();
        names.visit_expr(argument);
        if names.used.iter().any(|name| taken.contains(name)) {
            return true;
        }
        let FnArg::Typed(typed) = input else { continue };
        let Pat::Ident(name) = &*typed.pat else { continue };
        let is_itself = matches!(strip(argument), Expr::Path(path) if path.path.is_ident(&name.ident));
        if !is_itself {
            taken.insert(name.ident.to_string());
        }
    }
    false
}

/// Whether an expression is one of places, literals, calls and operators alone: what is in a block, a closure or a macro is
/// known of the function that it stands in, and not where that is called, and `Self` may be another type there.
struct Plain(bool);

impl Plain {
    fn is(expr: &Expr) -> bool {
        let mut plain = Plain(true);
        plain.visit_expr(expr);
        plain.0
    }
}

impl<'ast> Visit<'ast> for Plain {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.0 &= matches!(
            expr,
            Expr::Path(_)
                | Expr::Lit(_)
                | Expr::Call(_)
                | Expr::MethodCall(_)
                | Expr::Field(_)
                | Expr::Tuple(_)
                | Expr::Paren(_)
                | Expr::Group(_)
                | Expr::Reference(_)
                | Expr::Binary(_)
                | Expr::Unary(_)
        );
        visit::visit_expr(self, expr);
    }

    fn visit_ident(&mut self, name: &'ast syn::Ident) {
        self.0 &= name != "Self";
    }
}

/// The names that a function uses, and those that it declares.
#[derive(Default)]
struct Free {
    used: HashSet<String>,
    declared: HashSet<String>,
}

impl<'ast> Visit<'ast> for Free {
    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.declared.insert(name.ident.to_string());
        visit::visit_pat_ident(self, name);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.used.extend(path.path.get_ident().map(ToString::to_string));
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let text = mac.tokens.to_string();
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
        self.used.extend(words.map(str::to_owned));
    }
}

/// Whether a body may end in its middle.
#[derive(Default)]
struct Leaves {
    /// By a word of the language.
    by_word: bool,
    /// What its macros do is to be looked at.
    macros: Vec<syn::Path>,
}

impl<'ast> Visit<'ast> for Leaves {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.by_word |=
            matches!(expr, Expr::Return(_) | Expr::Try(_) | Expr::Yield(_) | Expr::Await(_) | Expr::Async(_));
        visit::visit_expr(self, expr);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let text = mac.tokens.to_string();
        self.by_word |= ["return", "break", "continue", "?", "await"].iter().any(|word| text.contains(word));
        self.macros.push(mac.path.clone());
    }
}
