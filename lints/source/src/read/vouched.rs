//! Whether a trusted type, or a name, may be believed of a value: what is made here says itself what it is made of.

use syn::visit::{self, Visit};
use syn::{Expr, Pat};

use super::Reader;
use super::evaluate::strip;
use super::provenance::{CONVERTING, MAX_STEPS, UNWRAPPING, is_place};
use super::scope::{LocalId, Source};
use super::walk::has_let;
use crate::ProvenanceKind;
use crate::types;

/// What is made of a variable of which nothing is seen, such as a closure's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unseen {
    /// It may be anything.
    Doubted,
    /// It is taken for what it is called.
    Believed,
}

/// Functions of the standard library that hand on what they are given.
const HANDING_ON: &[&str] = &[
    "black_box",
    "default",
    "drop",
    "from_fn",
    "from_iter",
    "identity",
    "into",
    "max",
    "min",
    "once",
    "repeat",
    "replace",
    "swap",
    "take",
    "try_into",
    "zip",
];

/// Methods of the standard library that hand on what they are called on, or what they are given.
const COMBINING: &[&str] = &[
    "and",
    "and_then",
    "chain",
    "chunks",
    "collect",
    "copied",
    "cycle",
    "dedup",
    "enumerate",
    "extend",
    "filter",
    "filter_map",
    "find",
    "find_map",
    "first",
    "flat_map",
    "flatten",
    "fold",
    "get",
    "get_mut",
    "get_or_insert",
    "get_or_insert_with",
    "insert",
    "inspect",
    "into_iter",
    "is_some_and",
    "iter",
    "iter_mut",
    "last",
    "map",
    "map_or",
    "map_or_else",
    "max",
    "max_by_key",
    "min",
    "min_by_key",
    "next",
    "nth",
    "or",
    "or_else",
    "or_insert",
    "parse",
    "peek",
    "pop",
    "position",
    "reduce",
    "remove",
    "replace",
    "rev",
    "skip",
    "split",
    "split_at",
    "split_first",
    "split_last",
    "swap_remove",
    "take",
    "then",
    "then_some",
    "to_str",
    "unwrap_or",
    "unwrap_or_else",
    "unzip",
    "windows",
    "xor",
    "zip",
];

impl Reader<'_> {
    /// True if a trusted type says whose the value is. What is made here says itself what it is made of, as do data of
    /// the request, rows and constants.
    pub(super) fn is_vouched(&self, value: &Expr, limit: LocalId, depth: usize) -> bool {
        use ProvenanceKind::{Literal, Parameter, Request, Row, Trusted};
        match self.traced(value, limit, depth + 1) {
            Trusted => true,
            Request | Row | Literal => false,
            // A part of what a function is handed, of a type of its own.
            Parameter if is_part(value) => true,
            _ => {
                !is_made_here(value)
                    && !self.is_claimed_here(value, limit)
                    && !self.is_made_of_others(value, limit, Unseen::Doubted, depth + 1)
            }
        }
    }

    /// True if a part of the value is evidently not the tenant's, and no function was asked on the way that is not known to
    /// hand on whatever it is given.
    pub(super) fn is_made_of_others(
        &self,
        value: &Expr,
        limit: LocalId,
        unseen: Unseen,
        depth: usize,
    ) -> bool {
        if depth > MAX_STEPS {
            return true;
        }
        let mut parts = Parts { reader: self, limit, unseen, depth, found: false };
        parts.visit_expr(value);
        parts.found
    }

    /// The same of a variable.
    fn is_of_others(&self, path: &syn::ExprPath, limit: LocalId, unseen: Unseen, depth: usize) -> bool {
        let Some(name) = path.path.get_ident() else { return false };
        let Some(id) = self.lookup(&name.to_string(), limit) else { return false };
        let Some(local) = self.locals.get(id) else { return false };
        match self.traced(&Expr::Path(path.clone()), limit, depth + 1) {
            ProvenanceKind::Trusted
            | ProvenanceKind::Guarded
            | ProvenanceKind::Fresh
            | ProvenanceKind::Literal => return false,
            ProvenanceKind::Request | ProvenanceKind::Row | ProvenanceKind::Parameter => return true,
            ProvenanceKind::Unknown => {}
        }
        let through = local.mutable || local.ty.is_some_and(types::is_mutable_reference);
        if local.rebound || (local.assigned || local.unsteady) && through {
            return true;
        }
        match local.source {
            Source::Let(value) | Source::Part(value) => self.is_made_of_others(value, id, unseen, depth + 1),
            Source::Unseen => unseen == Unseen::Doubted,
            Source::Parameter(_) | Source::Constant(_) => false,
        }
    }

    /// True if a type says nothing of the value: an `unsafe` block or a function that is kept in a variable made it, or a
    /// function was handed on that makes a tenant of whatever it is given.
    fn is_claimed_here(&self, value: &Expr, limit: LocalId) -> bool {
        struct Claims<'r, 'a>(&'r Reader<'a>, LocalId, bool);
        impl<'ast> Visit<'ast> for Claims<'_, '_> {
            fn visit_expr_unsafe(&mut self, _: &'ast syn::ExprUnsafe) {
                self.2 = true;
            }

            fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
                if let Expr::Path(path) = strip(&call.func)
                    && let Some(name) = path.path.get_ident()
                {
                    self.2 |= self.0.lookup(&name.to_string(), self.1).is_some();
                }
                visit::visit_expr_call(self, call);
            }

            fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
                let full = self.0.imports.resolve(&path.path);
                self.2 |= self.0.makes_own(&full);
            }
        }
        let mut claims = Claims(self, limit, false);
        claims.visit_expr(value);
        claims.2
    }
}

/// The variables that a value is made of.
struct Parts<'r, 'a> {
    reader: &'r Reader<'a>,
    limit: LocalId,
    unseen: Unseen,
    depth: usize,
    found: bool,
}

impl<'ast> Visit<'ast> for Parts<'_, '_> {
    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.found |= self.reader.is_of_others(path, self.limit, self.unseen, self.depth);
    }

    // A macro may ask whatever it likes.
    fn visit_macro(&mut self, _: &'ast syn::Macro) {}

    // What a condition asks is no part of the value, but for what a pattern takes of it.
    fn visit_expr_if(&mut self, choice: &'ast syn::ExprIf) {
        if has_let(&choice.cond) {
            self.visit_expr(&choice.cond);
        }
        self.visit_block(&choice.then_branch);
        if let Some((_, otherwise)) = &choice.else_branch {
            self.visit_expr(otherwise);
        }
    }

    fn visit_expr_match(&mut self, choice: &'ast syn::ExprMatch) {
        if choice.arms.iter().any(|arm| takes(&arm.pat)) {
            self.visit_expr(&choice.expr);
        }
        choice.arms.iter().for_each(|arm| self.visit_expr(&arm.body));
    }

    // An index chooses, and is no part either.
    fn visit_expr_index(&mut self, index: &'ast syn::ExprIndex) {
        self.visit_expr(&index.expr);
    }

    fn visit_expr_return(&mut self, _: &'ast syn::ExprReturn) {}

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let hands_on = match strip(&call.func) {
            Expr::Path(path) => path.path.segments.last().is_none_or(|last| {
                let name = last.ident.to_string();
                name.starts_with(char::is_uppercase)
                    || [CONVERTING, HANDING_ON].iter().any(|list| list.contains(&name.as_str()))
            }),
            // A closure, or a function that is kept somewhere.
            other => {
                self.visit_expr(other);
                true
            }
        };
        if hands_on {
            call.args.iter().for_each(|argument| self.visit_expr(argument));
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        if super::provenance::is_same_value(&name) {
            // What stands in where the value is missing leaves, most often; patterns that take it are looked at elsewhere.
            return self.visit_expr(&call.receiver);
        }
        if COMBINING.contains(&name.as_str()) {
            self.visit_expr(&call.receiver);
            call.args.iter().for_each(|argument| self.visit_expr(argument));
        }
    }
}

/// True for a variable or a field of one, as it is or copied: what is made of one says itself what it is made of.
fn is_part(value: &Expr) -> bool {
    match strip(value) {
        Expr::Path(_) => true,
        Expr::Field(field) => is_part(&field.base),
        Expr::MethodCall(call) => {
            let copies =
                ["as_ref", "clone", "cloned", "copied", "to_owned"].iter().any(|name| call.method == name);
            copies && call.args.is_empty() && is_part(&call.receiver)
        }
        _ => false,
    }
}

/// True for a pattern that names a part of what it fits.
fn takes(pattern: &Pat) -> bool {
    struct Finds(bool);
    impl<'ast> Visit<'ast> for Finds {
        fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
            self.0 |= name.ident.to_string().starts_with(|first: char| first.is_lowercase() || first == '_');
        }
    }
    let mut finds = Finds(false);
    finds.visit_pat(pattern);
    finds.0
}

/// True if the value is evidently put together here, `Tenant(id)`, `Tenant::from(id)`, and not handed out by something.
fn is_made_here(value: &Expr) -> bool {
    match strip(value) {
        Expr::Try(inner) => is_made_here(&inner.expr),
        Expr::MethodCall(call) if UNWRAPPING.iter().any(|name| call.method == name) => {
            is_made_here(&call.receiver)
        }
        Expr::MethodCall(call) => {
            ["into", "try_into", "parse", "unwrap_or_default"].iter().any(|name| call.method == name)
                && is_place(&call.receiver)
        }
        Expr::Call(call) => match strip(&call.func) {
            Expr::Path(path) => path.path.segments.last().is_some_and(|last| {
                let name = last.ident.to_string();
                CONVERTING.contains(&name.as_str())
                    || name == "default"
                    || name.starts_with(char::is_uppercase)
            }),
            _ => true,
        },
        Expr::Struct(_) | Expr::Lit(_) => true,
        _ => false,
    }
}
