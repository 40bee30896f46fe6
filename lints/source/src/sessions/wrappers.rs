//! Functions that set the tenant for a transaction and hand it to a closure: `with_tenant(pool, tenant, |tx| …)`.
//!
//! **Invariant:** [`Wrapper::runs`] is what is known of the connection that the closure is handed, wherever the function
//! runs it; a function that may run it elsewhere too has none.

use std::collections::{BTreeMap, BTreeSet};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Expr, Pat};
use tenantry_span::TextRange;

use super::{Session, bound_name};

/// True for a text that may declare a function which hands a connection to a closure.
pub fn may_wrap(text: &str) -> bool {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    // A type that is named elsewhere may be one of closures.
    has(&["FnOnce", "FnMut", "Fn(", ".begin(", "fn transaction"])
        && has(&["ransaction", "begin", "onnection", "xecutor", "Pool", "sqlx", "diesel", "postgres"])
}

/// A function that is handed a closure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapper {
    /// Its name.
    pub name: String,
    /// Where it stands, its body included.
    pub within: TextRange,
    /// Its parameters, `self` apart.
    pub params: Vec<WrapperParam>,
    /// The connection on which it runs the closure, once and awaited; `None` where that is not plain.
    pub runs: Option<Session>,
    /// It is called on a value.
    pub is_method: bool,
}

/// A parameter of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrapperParam {
    /// Its name; empty where it is no plain one.
    pub name: String,
    /// The name means the parameter, as it was handed over, in all of the body.
    pub stable: bool,
}

/// Which function a call may mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalledWrapper {
    /// Its path, imports followed; the name alone for a method, or for a function of the same file.
    pub path: Vec<String>,
    /// It is called on a value.
    pub is_method: bool,
    /// A library has a method of this name that runs the closure in a transaction, and does nothing else.
    pub begins: bool,
}

/// What names mean in a file, as far as its imports say it.
#[derive(Default)]
pub(super) struct Names {
    imports: BTreeMap<String, BTreeSet<Vec<String>>>,
    /// The first parts of the paths whose names are all imported.
    globs: BTreeSet<String>,
    /// What the file declares itself.
    own: BTreeSet<String>,
    /// What variables and parameters of the file are called.
    variables: BTreeSet<String>,
}

impl Names {
    pub(super) fn of(file: &syn::File) -> Names {
        let mut names = Names::default();
        names.visit_file(file);
        names
    }

    /// A path without its imports, which begins in the crate or with the name of one; the name alone if it is the file's own.
    pub(super) fn resolved(&self, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        // A variable of that name hides the function.
        if rest.is_empty() && self.variables.contains(first) {
            return None;
        }
        let roots = ["crate", "self", "super", "Self"];
        if roots.contains(&first.as_str()) {
            return Some(path.to_vec());
        }
        match self.imports.get(first) {
            Some(all) if all.len() == 1 && !self.own.contains(first) => {
                let mut found = all.iter().next()?.clone();
                found.extend(rest.iter().cloned());
                Some(found)
            }
            Some(_) => None,
            None if self.own.contains(first) => Some(path.to_vec()),
            None if rest.is_empty() && self.globs.iter().all(|root| roots.contains(&root.as_str())) => {
                Some(path.to_vec())
            }
            None if rest.is_empty() => None,
            // The name of a crate, or of nothing that is known here.
            None => Some(path.to_vec()),
        }
    }

    fn import(&mut self, tree: &syn::UseTree, before: &mut Vec<String>) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before);
                before.pop();
            }
            syn::UseTree::Name(name) => {
                let mut path = before.clone();
                // `use module::{self}`
                if name.ident != "self" {
                    path.push(name.ident.to_string());
                }
                if let Some(name) = path.last().cloned() {
                    self.imports.entry(name).or_default().insert(path);
                }
            }
            syn::UseTree::Rename(rename) => {
                let path = before.iter().cloned().chain([rename.ident.to_string()]).collect();
                self.imports.entry(rename.rename.to_string()).or_default().insert(path);
            }
            syn::UseTree::Glob(_) => {
                self.globs.extend(before.first().cloned());
            }
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.import(item, before)),
        }
    }
}

impl<'ast> Visit<'ast> for Names {
    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.variables.insert(name.ident.to_string());
        visit::visit_pat_ident(self, name);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        // What a macro declares a variable as.
        let text = mac.tokens.to_string();
        let all: Vec<&str> = words(&text).filter(|word| !word.is_empty()).collect();
        self.variables.extend(all.windows(2).filter_map(|pair| match pair {
            ["let" | "mut" | "ref", name] => Some((*name).to_owned()),
            _ => None,
        }));
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &mut Vec::new());
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.own.insert(item.ident.to_string());
        visit::visit_item_mod(self, item);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.own.insert(item.sig.ident.to_string());
        visit::visit_item_fn(self, item);
    }
}

/// The functions of a file that are handed a closure. `sessions` are those of its connections.
pub(super) fn declared(file: &syn::File, base: usize, text: &str, sessions: &[Session]) -> Vec<Wrapper> {
    let mut finder = Finder { base, text, sessions, of_trait: false, found: Vec::new() };
    finder.visit_file(file);
    finder.found
}

struct Finder<'a> {
    base: usize,
    text: &'a str,
    sessions: &'a [Session],
    of_trait: bool,
    found: Vec<Wrapper>,
}

impl Finder<'_> {
    fn range(&self, spanned: &impl Spanned) -> TextRange {
        let range = spanned.span().byte_range();
        TextRange::from_usize(self.base + range.start, self.base + range.end)
    }

    fn function(&mut self, sig: &syn::Signature, block: Option<&syn::Block>, whole: TextRange) {
        let mut params = Vec::new();
        let mut closures = Vec::new();
        for input in &sig.inputs {
            let syn::FnArg::Typed(typed) = input else { continue };
            let name = bound_name(&typed.pat).unwrap_or_default();
            if self.is_closure(sig, &typed.ty) {
                closures.push(name.clone());
            }
            // What is `mut` may be changed by any method.
            let is_mut = matches!(&*typed.pat, Pat::Ident(ident) if ident.mutability.is_some())
                || matches!(&*typed.ty, syn::Type::Reference(reference) if reference.mutability.is_some());
            let stable = !is_mut && !name.is_empty() && block.is_some_and(|block| !rebinds(block, &name));
            params.push(WrapperParam { name, stable });
        }
        // A type that is named elsewhere may be one of closures too.
        let may_be_handed = sig.generics.type_params().next().is_some()
            || params.iter().any(|param| block.is_some_and(|block| calls(block, &param.name)));
        let hides = super::RUNS_IN.iter().any(|name| sig.ident == name);
        if !hides && closures.is_empty() && (params.len() < 2 || !may_be_handed) {
            return;
        }
        let runs = match (closures.as_slice(), block) {
            ([closure], Some(block)) if !self.of_trait && !closure.is_empty() => {
                self.runs(sig, block, closure)
            }
            _ => None,
        };
        let is_method = sig.receiver().is_some();
        self.found.push(Wrapper { name: sig.ident.to_string(), within: whole, params, runs, is_method });
    }

    /// `impl FnOnce(…)`, or a parameter of which the bounds say so.
    fn is_closure(&self, sig: &syn::Signature, ty: &syn::Type) -> bool {
        let says = |text: &str| text.contains("Fn");
        let written = |spanned: &dyn Fn() -> TextRange| {
            let range = spanned();
            self.text.get(range.start as usize..range.end as usize).unwrap_or("").to_owned()
        };
        let own = written(&|| self.range(ty));
        if says(&own) {
            return true;
        }
        let bounds = sig.generics.params.iter().filter_map(|param| match param {
            syn::GenericParam::Type(param) if param.ident == own => Some(written(&|| self.range(param))),
            _ => None,
        });
        let clauses = sig.generics.where_clause.iter().flat_map(|clause| &clause.predicates);
        let clauses = clauses.filter_map(|predicate| match predicate {
            syn::WherePredicate::Type(predicate) if written(&|| self.range(&predicate.bounded_ty)) == own => {
                Some(written(&|| self.range(predicate)))
            }
            _ => None,
        });
        bounds.chain(clauses).any(|text| says(&text))
    }

    /// The connection that the closure is run on: it is named once in the body, and that is a call.
    fn runs(&self, sig: &syn::Signature, block: &syn::Block, closure: &str) -> Option<Session> {
        let mut uses = Uses { name: closure, count: 0, calls: Vec::new(), awaited: false };
        uses.visit_block(block);
        let [(call, awaited)] = uses.calls.as_slice() else { return None };
        // Handed several things, the closure may run on any of them.
        if uses.count != 1 || call.args.len() != 1 || sig.asyncness.is_some() && !awaited {
            return None;
        }
        let range = self.range(call);
        self.sessions.iter().find(|session| session.within == range).cloned()
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let range = self.range(item);
        self.function(&item.sig, Some(&item.block), range);
        visit::visit_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let around = std::mem::replace(&mut self.of_trait, item.trait_.is_some());
        visit::visit_item_impl(self, item);
        self.of_trait = around;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let range = self.range(item);
        self.function(&item.sig, Some(&item.block), range);
        let around = std::mem::replace(&mut self.of_trait, false);
        visit::visit_impl_item_fn(self, item);
        self.of_trait = around;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let range = self.range(item);
        let around = std::mem::replace(&mut self.of_trait, true);
        self.function(&item.sig, item.default.as_ref(), range);
        self.of_trait = around;
        visit::visit_trait_item_fn(self, item);
    }
}

/// True if a body calls what a name stands for.
fn calls(block: &syn::Block, name: &str) -> bool {
    let mut uses = Uses { name, count: 0, calls: Vec::new(), awaited: false };
    uses.visit_block(block);
    !uses.calls.is_empty()
}

/// Where a name is used.
struct Uses<'a, 'ast> {
    name: &'a str,
    count: usize,
    /// The calls of it, and whether what they return is awaited at once.
    calls: Vec<(&'ast syn::ExprCall, bool)>,
    awaited: bool,
}

impl<'ast> Visit<'ast> for Uses<'_, 'ast> {
    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        let around = std::mem::replace(&mut self.awaited, matches!(&*expr.base, Expr::Call(_)));
        visit::visit_expr(self, &expr.base);
        self.awaited = around;
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let awaited = std::mem::replace(&mut self.awaited, false);
        if matches!(&*call.func, Expr::Path(path) if path.path.is_ident(self.name)) {
            self.calls.push((call, awaited));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.count += usize::from(ident == self.name);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        self.count += words(&mac.tokens.to_string()).filter(|word| *word == self.name).count();
        visit::visit_macro(self, mac);
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
}

/// True if a body gives a name another meaning or value, or may.
fn rebinds(block: &syn::Block, name: &str) -> bool {
    let mut found = Rebinds { name, found: false };
    found.visit_block(block);
    found.found
}

struct Rebinds<'a> {
    name: &'a str,
    found: bool,
}

impl Rebinds<'_> {
    fn is_it(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Path(path) => path.path.is_ident(self.name),
            Expr::Field(field) => self.is_it(&field.base),
            Expr::Index(index) => self.is_it(&index.expr),
            Expr::Paren(inner) => self.is_it(&inner.expr),
            Expr::Unary(inner) => self.is_it(&inner.expr),
            _ => false,
        }
    }
}

impl<'ast> Visit<'ast> for Rebinds<'_> {
    fn visit_pat(&mut self, pat: &'ast Pat) {
        self.found |= matches!(pat, Pat::Ident(ident) if ident.ident == self.name);
        visit::visit_pat(self, pat);
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        self.found |= self.is_it(&assign.left);
        visit::visit_expr_assign(self, assign);
    }

    fn visit_expr_reference(&mut self, reference: &'ast syn::ExprReference) {
        self.found |= reference.mutability.is_some() && self.is_it(&reference.expr);
        visit::visit_expr_reference(self, reference);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let is_setting = |word: &str| word == "let" || word == "mut";
        let text = mac.tokens.to_string();
        self.found |= words(&text).any(|word| word == self.name) && words(&text).any(is_setting);
    }
}
