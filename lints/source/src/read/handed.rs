//! Expressions that are nothing but a value handed on: a row from its query to a variable, a place as it stands.
//!
//! What is traced elsewhere may be more than it looks like as long as it says less of it; here an expression counts only
//! if nothing else can happen in it, so that what was compared once is the same where it is used.

use syn::{Arm, Expr, ExprMethodCall, Lit, Member, Pat, Stmt};
use tenantry_span::Span;

use super::Reader;
use super::dominated::is_any_row;
use super::evaluate::{diverges, strip};
use super::scope::{Local, LocalId, Source};
use super::walk::{Step, expression_attributes, unchained};
use crate::types;

/// Methods that give the same value in a form of its own, whatever they are called on.
const SAME: &[&str] =
    &["clone", "cloned", "copied", "to_owned", "to_string", "as_str", "as_uuid", "into_uuid", "as_ref"];

/// Methods that take a row out of a wrapper or leave.
const UNWRAPPING: &[&str] = &[
    "unwrap",
    "expect",
    "ok_or",
    "ok_or_else",
    "map_err",
    "context",
    "with_context",
    "wrap_err",
    "wrap_err_with",
    "optional",
    "ok",
    "clone",
    "cloned",
    "as_ref",
    "as_deref",
    "to_owned",
    "iter",
    "into_iter",
];

/// Methods that run a query and give one row, or none.
const FETCHING: &[&str] =
    &["fetch_one", "fetch_optional", "query_one", "query_opt", "first", "get_result", "one", "query_row"];

/// Methods that run a query and give a list of rows, which may be empty.
const LISTING: &[&str] = &["fetch_all", "query", "load", "get_results", "all"];

/// Methods that run a query and say how many rows it changed.
const EXECUTING: &[&str] = &["execute", "exec"];

impl<'a> Reader<'a> {
    /// True if the value of `expr` is the row that the call at `site` returned, or one of the variables, taken out of
    /// wrappers and nothing else: where it is none, the function leaves without having looked at it.
    pub(super) fn is_row(&self, expr: &Expr, site: Span, variables: &[String]) -> bool {
        match strip(expr) {
            Expr::Try(inner) => self.is_row(&inner.expr, site, variables),
            Expr::Await(inner) => self.is_row(&inner.base, site, variables),
            Expr::Path(path) => variables.iter().any(|name| path.path.is_ident(name)),
            Expr::Match(choice) => {
                let [one, other] = choice.arms.as_slice() else { return false };
                let pair = [(one, other), (other, one)];
                let hands = |(taker, other): &(&Arm, &Arm)| {
                    let Some(taken) =
                        plain_name(&taker.pat).filter(|_| matches!(taker.pat, Pat::TupleStruct(_)))
                    else {
                        return false;
                    };
                    let given = matches!(strip(&taker.body), Expr::Path(path) if path.path.is_ident(&taken));
                    given
                        && is_nothing(&other.pat)
                        && taker.attrs.is_empty()
                        && other.attrs.is_empty()
                        && diverges(&other.body)
                        && !self.names(&other.body, variables)
                };
                pair.iter().any(hands) && self.is_row(&choice.expr, site, variables)
            }
            Expr::MethodCall(call) if self.fetches(call, site) => true,
            Expr::Call(_) => self.range(strip(expr)) == site && self.is_row_call(site),
            Expr::MethodCall(call) if call.method == "filter" || call.method == "find" => {
                // One that compares it with the tenant: any other would tell of it by what is left.
                let range = self.range(call).range;
                let mut checks =
                    self.sites.iter().filter(|known| known.span == site).flat_map(|known| &known.checks);
                checks.any(|check| check.unchecked.is_none() && range.contains_range(check.span.range))
                    && call.args.iter().all(is_pure_closure)
                    && self.is_row(&call.receiver, site, variables)
            }
            Expr::MethodCall(call) if UNWRAPPING.iter().any(|known| call.method == known) => {
                // One of the rows says nothing of the list that a variable holds.
                let of_list = call.method == "iter" || call.method == "into_iter";
                let quiet = |argument: &Expr| !self.names(argument, variables);
                (!of_list || variables.is_empty())
                    && call.args.iter().all(quiet)
                    && self.is_row(&call.receiver, site, variables)
            }
            _ => false,
        }
    }

    /// How many wrappers are left around the row that the call at `site` returned.
    pub(super) fn layers(&self, expr: &Expr, site: Span) -> Option<usize> {
        match strip(expr) {
            Expr::Try(inner) => self.layers(&inner.expr, site)?.checked_sub(1),
            Expr::Await(inner) => self.layers(&inner.base, site),
            Expr::Match(choice) if self.is_row(expr, site, &[]) => {
                self.layers(&choice.expr, site)?.checked_sub(1)
            }
            Expr::MethodCall(call) if self.fetches(call, site) => {
                if self.is_row_call(site) {
                    return self.asked.as_ref()?.layers(site);
                }
                if LISTING.iter().any(|name| call.method == name) {
                    return None;
                }
                let maybe = ["fetch_optional", "query_opt", "one"].iter().any(|name| call.method == name);
                Some(if maybe { 2 } else { 1 })
            }
            Expr::MethodCall(call) => {
                let layers = self.layers(&call.receiver, site)?;
                match call.method.to_string().as_str() {
                    "unwrap" | "expect" => layers.checked_sub(1),
                    "optional" => Some(layers + 1),
                    "ok_or" | "ok_or_else" | "map_err" | "context" | "with_context" | "wrap_err"
                    | "wrap_err_with" | "filter" | "ok" => Some(layers),
                    _ => None,
                }
            }
            Expr::Call(_) if self.range(strip(expr)) == site => self.asked.as_ref()?.layers(site),
            _ => None,
        }
    }

    /// True for what the call at `site` returned, where the function has left if that was an error.
    pub(super) fn has_left_errors(&self, expr: &Expr, site: Span) -> bool {
        let leaves = |inner: &Expr| self.is_result(inner, site) || self.has_left_errors(inner, site);
        match strip(expr) {
            Expr::Try(inner) => leaves(&inner.expr),
            Expr::MethodCall(call) if call.method == "unwrap" || call.method == "expect" => {
                leaves(&call.receiver)
            }
            Expr::MethodCall(call) => {
                let keeps = Self::unwraps(call) || call.method == "filter";
                keeps && call.method != "ok" && self.has_left_errors(&call.receiver, site)
            }
            Expr::Match(choice) => self.is_row(expr, site, &[]) && self.has_left_errors(&choice.expr, site),
            _ => false,
        }
    }

    /// True for what the call at `site` returned, with its errors.
    fn is_result(&self, expr: &Expr, site: Span) -> bool {
        const KEEPING: &[&str] =
            &["map_err", "context", "with_context", "wrap_err", "wrap_err_with", "optional"];
        match strip(expr) {
            Expr::Await(inner) => self.is_result(&inner.base, site),
            // What a function of the workspace returns may have been an error before.
            Expr::MethodCall(call) if self.fetches(call, site) => !self.is_row_call(site),
            Expr::MethodCall(call) => {
                KEEPING.iter().any(|known| call.method == known) && self.is_result(&call.receiver, site)
            }
            _ => false,
        }
    }

    /// Takes a row out of wrappers, whose methods are known.
    pub(super) fn unwraps(call: &ExprMethodCall) -> bool {
        UNWRAPPING.iter().any(|known| call.method == known)
    }

    /// True for the call at `site` itself, or what runs the query that it is, with nothing but binds in between.
    pub(super) fn fetches(&self, call: &ExprMethodCall, site: Span) -> bool {
        let itself = self.between(call.method.span(), call.paren_token.span.close());
        if itself == site && self.is_row_call(site) {
            return true;
        }
        if !FETCHING.iter().chain(LISTING).any(|known| call.method == known) {
            return false;
        }
        if itself == site {
            // Columns that are picked by their position are not told by the names of fields.
            return unchained(&call.receiver).1.iter().all(|step| match step {
                Step::Method(step) if step.method == "select" || step.method == "returning" => {
                    let last =
                        step.args.last().map(|last| self.written(self.range(last)).trim_end().to_owned());
                    last.is_some_and(|last| last.ends_with("as_select()") || last.ends_with("as_returning()"))
                }
                _ => true,
            });
        }
        self.only_binds(&call.receiver, site)
    }

    /// True for the call at `site` itself, or what runs the query that it is, which says how many rows were changed.
    pub(super) fn executes(&self, call: &ExprMethodCall, site: Span) -> bool {
        let itself = self.between(call.method.span(), call.paren_token.span.close());
        EXECUTING.iter().any(|known| call.method == known)
            && (itself == site || self.only_binds(&call.receiver, site))
    }

    /// True for the query at `site`, with nothing but values bound to it.
    fn only_binds(&self, query: &Expr, site: Span) -> bool {
        let (base, steps) = unchained(query);
        let binds = |step: &Step<'_>| match step {
            Step::Method(step) => ["bind", "try_bind", "persistent"].iter().any(|known| step.method == known),
            Step::Await | Step::Try => false,
        };
        self.range(base) == site && steps.iter().all(binds)
    }

    pub(super) fn names(&self, expr: &Expr, variables: &[String]) -> bool {
        self.mention(self.range(expr), variables, |_| false).is_some()
    }

    /// True for a place that holds the same value wherever it is looked at, and is looked at as it stands: a variable, a
    /// field, a column of a row. What can be changed through a reference, or from elsewhere, is none.
    pub(super) fn is_steady_place(&self, expr: &Expr, limit: LocalId) -> bool {
        let Some(root) = root_of(expr) else { return false };
        if root == "self" {
            return self.functions.last().is_some_and(|function| !function.changes_self);
        }
        let Some(id) = self.lookup(&root, limit) else { return false };
        self.locals.get(id).is_some_and(|local| self.is_steady(local, id, 0))
    }

    fn is_steady(&self, local: &Local<'a>, id: LocalId, depth: usize) -> bool {
        if depth > 8 || local.assigned || local.mutable {
            return false;
        }
        if local.ty.is_some_and(types::is_mutable_reference) {
            return false;
        }
        match local.source {
            Source::Let(value) | Source::Part(value) => {
                let written = self.written(self.range(value));
                let lends = ["_mut(", "_mut::<", "&mut ", ".lock(", ".write(", ".borrow(", ".load("];
                let lent = lends.iter().any(|word| written.contains(word));
                let root = root_of(value).and_then(|root| self.lookup(&root, id));
                let root = root.and_then(|root| Some((root, self.locals.get(root)?)));
                !lent && root.is_none_or(|(root, local)| self.is_steady(local, root, depth + 1))
            }
            Source::Parameter(_) => true,
            Source::Constant(_) | Source::Unseen => false,
        }
    }

    /// A steady place in a form in which equal places are equal, and no other is: `ids.0` is not `ids`.
    pub(super) fn exact_key(&self, expr: &Expr, limit: LocalId, depth: usize) -> Option<String> {
        if depth > 16 || !self.is_steady_place(expr, limit) {
            return None;
        }
        match strip(expr) {
            Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                if name == "self" {
                    return Some(name);
                }
                let id = self.lookup(&name, limit)?;
                match self.locals.get(id)?.source {
                    Source::Let(value) if is_place_as_it_stands(value) => {
                        self.exact_key(value, id, depth + 1)
                    }
                    _ => Some(format!("{name}@{id}")),
                }
            }
            Expr::Field(field) => {
                let base = self.exact_key(&field.base, limit, depth + 1)?;
                Some(match &field.member {
                    Member::Named(name) => format!("{base}.{name}"),
                    Member::Unnamed(index) => format!("{base}.{}", index.index),
                })
            }
            Expr::MethodCall(call) => self.exact_key(&call.receiver, limit, depth + 1),
            _ => None,
        }
    }

    /// True for a block that is left at its end, as far as that is sure: not by a macro of the workspace's own that has
    /// the name of one that leaves.
    pub(super) fn surely_leaves(&self, block: &syn::Block) -> bool {
        block.stmts.iter().any(|statement| match statement {
            Stmt::Expr(Expr::Macro(mac), _) => mac.attrs.is_empty() && self.leaves_by(&mac.mac),
            Stmt::Macro(mac) => mac.attrs.is_empty() && self.leaves_by(&mac.mac),
            Stmt::Expr(expr, _) => expression_attributes(expr).is_empty() && self.surely_diverges(expr),
            _ => false,
        })
    }

    pub(super) fn surely_diverges(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
            Expr::Macro(mac) => self.leaves_by(&mac.mac),
            Expr::Block(block) => block.label.is_none() && self.surely_leaves(&block.block),
            Expr::Unsafe(block) => self.surely_leaves(&block.block),
            Expr::Paren(paren) => self.surely_diverges(&paren.expr),
            Expr::If(choice) => {
                let otherwise = choice.else_branch.as_ref();
                otherwise.is_some_and(|(_, otherwise)| self.surely_diverges(otherwise))
                    && self.surely_leaves(&choice.then_branch)
            }
            _ => false,
        }
    }

    fn leaves_by(&self, mac: &syn::Macro) -> bool {
        let full = self.full(&mac.path);
        let (Some(first), Some(name)) = (full.first(), full.last()) else { return false };
        match (first.as_str(), name.as_str()) {
            ("anyhow" | "eyre" | "color_eyre" | "miette", "bail") => true,
            ("std" | "core", "panic" | "unreachable" | "todo" | "unimplemented") => true,
            (_, "panic" | "unreachable" | "todo" | "unimplemented") => {
                full.len() == 1 && !self.defines_macro(name)
            }
            _ => false,
        }
    }

    /// True if the file defines a macro of this name.
    pub(super) fn defines_macro(&self, name: &str) -> bool {
        let mut rest = self.source.text;
        while let Some((_, after)) = rest.split_once("macro_rules!") {
            let after = after.trim_start();
            if after
                .strip_prefix(name)
                .is_some_and(|after| !after.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            {
                return true;
            }
            rest = after;
        }
        false
    }
}

/// The name to which a pattern binds all of a value, or all that is in a `Some` or `Ok`.
pub(super) fn plain_name(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() && name.ident != "None" => {
            Some(name.ident.to_string().trim_start_matches("r#").to_owned())
        }
        Pat::Type(typed) => plain_name(&typed.pat),
        Pat::Paren(paren) => plain_name(&paren.pat),
        Pat::TupleStruct(of)
            if of.elems.len() == 1 && (of.path.is_ident("Some") || of.path.is_ident("Ok")) =>
        {
            plain_name(of.elems.first()?)
        }
        _ => None,
    }
}

/// The names to which a pattern binds all of a value, or each part of it that it takes: `Order { id, tenant, .. }`.
pub(super) fn names_of(pattern: &Pat) -> Option<Vec<String>> {
    match pattern {
        Pat::Type(typed) => names_of(&typed.pat),
        Pat::Paren(paren) => names_of(&paren.pat),
        Pat::TupleStruct(of)
            if of.elems.len() == 1 && (of.path.is_ident("Some") || of.path.is_ident("Ok")) =>
        {
            names_of(of.elems.first()?)
        }
        Pat::Struct(of) => {
            let parts = of.fields.iter().filter(|part| !matches!(&*part.pat, Pat::Wild(_)));
            let names = parts.map(|part| match &*part.pat {
                // A name in capitals would be a constant, which asks something of the row.
                Pat::Ident(name) if part.attrs.is_empty() => plain_name(&part.pat)
                    .filter(|_| name.ident.to_string().starts_with(|c: char| c == '_' || c.is_lowercase())),
                _ => None,
            });
            names.collect()
        }
        other => plain_name(other).map(|name| vec![name]),
    }
}

/// The name under which a closure or a pattern looks at a row, if that is all that it takes.
pub(super) fn looked_name(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(name) if name.subpat.is_none() && name.mutability.is_none() && name.ident != "None" => {
            Some(name.ident.to_string().trim_start_matches("r#").to_owned())
        }
        Pat::Reference(reference) if reference.mutability.is_none() => looked_name(&reference.pat),
        Pat::Type(typed) => looked_name(&typed.pat),
        Pat::Paren(paren) => looked_name(&paren.pat),
        Pat::TupleStruct(of)
            if of.elems.len() == 1 && (of.path.is_ident("Some") || of.path.is_ident("Ok")) =>
        {
            looked_name(of.elems.first()?)
        }
        _ => None,
    }
}

/// How many wrappers a pattern takes from around a row: `Some(row)` takes one.
pub(super) fn unwrapped_by(pattern: &Pat) -> Option<usize> {
    match pattern {
        Pat::TupleStruct(of) => {
            if !is_any_row(pattern) {
                plain_name(pattern)?;
            }
            Some(unwrapped_by(of.elems.first()?)? + 1)
        }
        Pat::Type(typed) => unwrapped_by(&typed.pat),
        Pat::Paren(paren) => unwrapped_by(&paren.pat),
        Pat::Wild(_) => Some(0),
        // What takes the row itself apart asks for a row all the same.
        Pat::Ident(_) | Pat::Struct(_) | Pat::Tuple(_) => Some(0),
        _ => None,
    }
}

/// True for a pattern that every value matches and that takes it whole.
pub(super) fn is_whole(pattern: &Pat) -> bool {
    match pattern {
        Pat::Type(typed) => is_whole(&typed.pat),
        Pat::Ident(_) => plain_name(pattern).is_some(),
        _ => false,
    }
}

/// True for a pattern that takes nothing of a row and asks nothing of it.
pub(super) fn is_nothing(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        Pat::Ident(name) => name.ident == "None" && name.subpat.is_none(),
        Pat::TupleStruct(of) => {
            of.path.is_ident("Err")
                || of.path.is_ident("Ok") && of.elems.len() == 1 && of.elems.iter().all(is_nothing)
        }
        Pat::Paren(paren) => is_nothing(&paren.pat),
        _ => false,
    }
}

/// True for a variable, a field, or a column of a row, in forms that keep the value: no cast, no call that may give another.
pub(super) fn is_place_as_it_stands(expr: &Expr) -> bool {
    root_of(expr).is_some()
}

/// The variable that such a place is in.
fn root_of(expr: &Expr) -> Option<String> {
    match strip(expr) {
        Expr::Path(path) => {
            path.path.get_ident().map(|name| name.to_string().trim_start_matches("r#").to_owned())
        }
        Expr::Field(field) => root_of(&field.base),
        Expr::Try(inner) if is_try_get(&inner.expr) => root_of(&inner.expr),
        Expr::MethodCall(call) => {
            let same = call.args.is_empty() && SAME.iter().any(|known| call.method == known);
            let unwraps = call.args.is_empty() && call.method == "unwrap" && is_try_get(&call.receiver);
            (same || unwraps || is_column(call)).then(|| root_of(&call.receiver)).flatten()
        }
        _ => None,
    }
}

fn is_try_get(expr: &Expr) -> bool {
    matches!(strip(expr), Expr::MethodCall(call) if call.method == "try_get" && is_column(call))
}

/// `row.get("name")`.
fn is_column(call: &ExprMethodCall) -> bool {
    let named = call.args.len() == 1
        && call
            .args
            .iter()
            .all(|argument| matches!(argument, Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_))));
    named && (call.method == "get" || call.method == "try_get")
}

/// True for a closure that compares, and does nothing else with what it is given.
pub(super) fn is_pure_closure(expr: &Expr) -> bool {
    matches!(expr, Expr::Closure(closure) if is_pure(&closure.body))
}

fn is_pure(expr: &Expr) -> bool {
    match expr {
        Expr::Lit(_) | Expr::Path(_) => true,
        Expr::Paren(inner) => is_pure(&inner.expr),
        Expr::Reference(inner) => is_pure(&inner.expr),
        Expr::Unary(unary) => is_pure(&unary.expr),
        Expr::Field(field) => is_pure(&field.base),
        Expr::Binary(binary) => is_pure(&binary.left) && is_pure(&binary.right),
        Expr::MethodCall(call) => {
            let known = SAME.iter().chain(&["is_some", "is_none"]).any(|known| call.method == known);
            known && call.args.is_empty() && is_pure(&call.receiver)
        }
        Expr::Call(call) => {
            matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some"))
                && call.args.iter().all(is_pure)
        }
        _ => false,
    }
}
