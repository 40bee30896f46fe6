//! Functions whose value is the row of a query, so that whoever calls them may check or use it, and those whose value says
//! that there is one.
//!
//! **Invariant:** a row is returned only if nothing mentions it between the query and the end of the function, and what it
//! goes through can make no other row of it: wrappers that are known, and methods that the caller has to know of.
//! **Invariant:** a function says that there is a row only if it has found one wherever it ends, and fails wherever it is
//! left before.

use syn::visit::{self, Visit};
use syn::{Block, Expr, Pat, ReturnType, Signature, Stmt};
use tenantry_span::Span;

use super::Reader;
use super::evaluate::strip;
use super::handed::plain_name;
use super::scope::{LocalId, Scope};
use crate::chains::Fields;
use crate::{Gives, GivesKind, types};

impl<'a> Reader<'a> {
    /// Notes the query whose row is the value of the function's block. Its sites are those from `first` on.
    pub(super) fn note_returned(&mut self, sig: &'a Signature, block: &'a Block, first: usize) {
        if self.marks_only || self.sites.len() <= first {
            return;
        }
        let Some((Stmt::Expr(tail, None), before)) = block.stmts.split_last() else { return };
        // What the body declares and imports was left behind with it.
        self.scopes.push(Scope::default());
        block.stmts.iter().for_each(|statement| self.uses_of_statement(statement));
        self.note_returned_by(sig, block, (tail, before), first);
        self.scopes.pop();
    }

    /// The same, while what the body gives names to is in sight.
    fn note_returned_by(
        &mut self,
        sig: &'a Signature,
        block: &'a Block,
        (tail, before): (&'a Expr, &'a [Stmt]),
        first: usize,
    ) {
        let value = given(tail);
        let output = match &sig.output {
            ReturnType::Type(_, ty) => Some(&**ty),
            ReturnType::Default => None,
        };
        let mut found = None;
        for (at, site) in self.sites.iter().enumerate().skip(first) {
            let mut through = Vec::new();
            if let Some(fields) = self.returned(value, before, output, site.span, &mut through) {
                found = Some((at, fields, through));
            }
        }
        let gives_it = found.is_some() && self.ends_only_in(block, is_none);
        let layers = output.and_then(|ty| self.layers_of(ty));
        if let Some((at, fields, through)) = found
            && let Some(site) = self.sites.get_mut(at)
        {
            // What methods of unknown origin make of it is no row.
            site.gives = match site.gives {
                _ if !gives_it => site.gives,
                _ if !through.is_empty() => site.gives,
                Some(Gives { layers, kind: GivesKind::Found }) => {
                    Some(Gives { layers, kind: GivesKind::Row })
                }
                _ => Some(Gives { layers: layers.unwrap_or(usize::MAX), kind: GivesKind::Row }),
            };
            site.returned = Some(through);
            if let Fields::InOrder(fields) = fields {
                site.fields = Some(fields);
            }
        }
    }

    /// Takes note of the queries of the function's body that have found a row where it ends, if it fails wherever else it
    /// is left. Whether its value is a `Result` is told by its type.
    pub(super) fn note_settled(&mut self, block: &'a Block) {
        if self.marks_only {
            return;
        }
        let first = self.functions.last().map_or(0, |function| function.first_site);
        if self.sites.len() <= first {
            return;
        }
        let tail = match block.stmts.last() {
            Some(Stmt::Expr(tail, None)) => Some(tail),
            _ => None,
        };
        if let Some(says) =
            tail.and_then(|tail| self.told_by(tail)).filter(|_| self.ends_only_in(block, is_error))
            && let Some(site) = self.sites.iter_mut().skip(first).find(|site| site.span == says.0)
        {
            site.gives = Some(says.1);
        }
        if let Some(tail) = tail {
            self.note_tail(tail);
        }
        let (found, answered) = (self.in_scope(|scope| &scope.found), self.in_scope(|scope| &scope.answered));
        if found.is_empty() && answered.is_empty() || !self.ends_only_in(block, is_error) {
            return;
        }
        for site in self.sites.iter_mut().skip(first) {
            let kind = match site.span {
                // That a question was answered says nothing by itself.
                span if answered.contains(&span) => GivesKind::Answered,
                span if found.contains(&span) => GivesKind::Found,
                _ => continue,
            };
            site.gives = Some(Gives { layers: 1, kind });
        }
    }

    /// The query of which a function's value says whether it found a row: `Ok(found.is_some())`.
    fn told_by(&mut self, tail: &'a Expr) -> Option<(Span, Gives)> {
        let (said, layers) = match strip(tail) {
            Expr::Call(call) if call.args.len() == 1 => {
                let is_ok = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Ok"));
                (call.args.first().filter(|_| is_ok)?, 1)
            }
            _ => (tail, 0),
        };
        let Expr::MethodCall(call) = strip(said) else { return None };
        if call.method != "is_some" {
            return None;
        }
        self.scopes.push(Scope::default());
        self.note_taken(&call.receiver, 1, LocalId::MAX);
        let found = self.scopes.pop().and_then(|scope| scope.found.first().copied());
        Some((found?, Gives { layers, kind: GivesKind::Says }))
    }

    /// Takes note of the queries that found a row where the value that a function ends with is no error:
    /// `found.ok_or(NotFound)`, `if exists { Ok(()) } else { Err(NotFound) }`.
    fn note_tail(&mut self, tail: &'a Expr) {
        let limit = LocalId::MAX;
        match strip(tail) {
            Expr::If(choice) => match &choice.else_branch {
                Some((_, otherwise)) if is_error(otherwise) => self.note_held(&choice.cond, limit),
                Some(_) if ends_in_error(&choice.then_branch) => self.note_refuted(&choice.cond, limit),
                _ => {}
            },
            Expr::Match(choice) => {
                let mut others = choice.arms.iter().filter(|arm| !is_error(&arm.body));
                if let (Some(arm), None) = (others.next(), others.next()) {
                    self.note_arm(&choice.expr, arm, limit);
                }
            }
            Expr::MethodCall(call) if call.method == "map" => self.note_tail(&call.receiver),
            Expr::MethodCall(call) if call.method == "ok_or" || call.method == "ok_or_else" => {
                let found = match strip(&call.receiver) {
                    Expr::MethodCall(inner) if inner.method == "map" => &inner.receiver,
                    _ => &call.receiver,
                };
                self.note_taken(found, 1, limit);
            }
            _ => {}
        }
    }

    /// How many wrappers a function's type has around a row; nothing where it may be one of several, or where a name may stand
    /// for another type with wrappers of its own.
    fn layers_of(&self, ty: &syn::Type) -> Option<usize> {
        const PLAIN: &[&str] = &["Uuid", "String", "bool", "i32", "i64", "u32", "u64"];
        let syn::Type::Path(of) = ty else { return None };
        let last = of.path.segments.last()?;
        let inner = types::generic_types(last);
        let name = last.ident.to_string();
        let is_declared = || self.declared("struct", &name) == 1 && self.declared("type", &name) == 0;
        match (name.as_str(), inner.first()) {
            ("Option" | "Result" | "QueryResult", _) if self.declared("type", &name) > 0 => None,
            ("Option" | "Result" | "QueryResult", Some(inner)) => {
                self.layers_of(inner).map(|layers| layers + 1)
            }
            (name, None) if of.path.segments.len() == 1 && (PLAIN.contains(&name) || is_declared()) => {
                Some(0)
            }
            _ => None,
        }
    }

    /// True if a function is left with an error, or what else is `allowed`, wherever it is left before its end.
    fn ends_only_in(&self, block: &Block, allowed: fn(&Expr) -> bool) -> bool {
        let mut ways = Ways { fail: true, allowed, macros: Vec::new() };
        ways.visit_block(block);
        ways.fail && self.are_known(&ways.macros)
    }

    /// True if none of these macros is left in its middle: all are of libraries that are known for it.
    pub(super) fn are_known(&self, macros: &[syn::Path]) -> bool {
        macros.iter().all(|path| {
            let full = self.full(path);
            let (Some(first), Some(name)) = (full.first(), full.last()) else { return false };
            let of_library = full.len() > 1 && LIBRARIES.contains(&first.as_str());
            let of_the_language = full.len() == 1 && OF_THE_LANGUAGE.contains(&name.as_str());
            (of_library || of_the_language) && !self.defines_macro(name)
        })
    }

    /// What the fields of the row are, if it is returned and they are known.
    fn returned(
        &self,
        value: &Expr,
        before: &'a [Stmt],
        output: Option<&syn::Type>,
        site: Span,
        through: &mut Vec<String>,
    ) -> Option<Fields> {
        let is_known = |fields: &Fields| *fields != Fields::Unseen;
        if self.range(value).range.contains_range(site.range) {
            let fields = Some(self.fields_fetched(value, output)).filter(is_known);
            return fields.filter(|_| self.is_row_through(value, site, &[], through));
        }
        let mut known = None;
        let mut names: Vec<String> = Vec::new();
        let mut may_change = false;
        for statement in before {
            let is_fetched = self.range(statement).range.contains_range(site.range);
            if !is_fetched
                && (names.is_empty() || self.mention(self.range(statement), &names, |_| false).is_none())
            {
                continue;
            }
            if !is_fetched && !may_change && matches!(statement, Stmt::Macro(of) if self.only_logs(&of.mac)) {
                continue;
            }
            let Stmt::Local(local) = statement else { return None };
            let init = local.init.as_ref()?;
            let taken = plain_name(&local.pat).filter(|_| local.attrs.is_empty())?;
            let leaves = init.diverge.as_ref().map(|(_, otherwise)| &**otherwise);
            if leaves.is_some_and(|otherwise| self.names(otherwise, &names)) {
                return None;
            }
            let ty = match &local.pat {
                Pat::Type(typed) => Some(&*typed.ty),
                _ => output,
            };
            if is_fetched {
                known = Some(self.fields_fetched(&init.expr, ty)).filter(is_known);
            }
            if known.is_none() || !self.is_row_through(&init.expr, site, &names, through) {
                return None;
            }
            let mut mutable = Mutable(false);
            mutable.visit_pat(&local.pat);
            may_change |= mutable.0;
            names.push(taken);
        }
        known.filter(|_| !names.is_empty() && self.is_row_through(value, site, &names, through))
    }

    /// True for a macro that writes what it is handed to a log, by reference.
    fn only_logs(&self, mac: &syn::Macro) -> bool {
        let full = self.full(&mac.path);
        let (Some(first), Some(name)) = (full.first(), full.last()) else { return false };
        let is_of_library = full.len() == 2 && ["tracing", "log"].contains(&first.as_str());
        is_of_library && LEVELS.contains(&name.as_str())
    }

    /// The row, through methods of which the caller has to know what they do.
    fn is_row_through(&self, expr: &Expr, site: Span, names: &[String], through: &mut Vec<String>) -> bool {
        match strip(expr) {
            Expr::Try(inner) => self.is_row_through(&inner.expr, site, names, through),
            Expr::Await(inner) => self.is_row_through(&inner.base, site, names, through),
            Expr::MethodCall(call) if self.fetches(call, site) => true,
            Expr::Match(choice) => {
                let mut takers = choice.arms.iter().filter(|arm| !is_error(&arm.body) && !is_none(&arm.body));
                let (Some(arm), None) = (takers.next(), takers.next()) else { return false };
                let others = choice.arms.iter().filter(|other| !std::ptr::eq(*other, arm));
                let hands = plain_name(&arm.pat).is_some_and(|taken| {
                    let wraps = matches!(arm.pat, Pat::TupleStruct(_));
                    wraps && matches!(given(&arm.body), Expr::Path(path) if path.path.is_ident(&taken))
                });
                hands
                    && choice.arms.iter().all(|arm| arm.attrs.is_empty())
                    && others.into_iter().all(|other| !self.names(&other.body, names))
                    && self.is_row_through(&choice.expr, site, names, through)
            }
            Expr::MethodCall(call) if call.method != "filter" && call.method != "find" => {
                if !Self::unwraps(call) {
                    through.push(call.method.to_string());
                }
                call.args.iter().all(|argument| !self.names(argument, names))
                    && self.is_row_through(&call.receiver, site, names, through)
            }
            other => self.is_row(other, site, names),
        }
    }

    /// True for a method of any `Result` or `Option` that gives back what was in it.
    pub(super) fn keeps(&self, sig: &Signature) -> bool {
        let Some(Some(inner)) = self.wrapped.last() else { return false };
        let by_value = sig.receiver().is_some_and(|receiver| {
            matches!(receiver.kind, syn::ReceiverKind::Value) && receiver.mutability.is_none()
        });
        let ReturnType::Type(_, ty) = &sig.output else { return false };
        let words = super::provenance::identifiers(self.written(self.range(&**ty)));
        by_value && sig.generics.params.is_empty() && words.contains(inner.as_str())
    }
}

/// What a function's value is, without the `Ok` or `Some` around it.
fn given(tail: &Expr) -> &Expr {
    match strip(tail) {
        Expr::Call(call) if call.args.len() == 1 => {
            let wraps = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Ok") || path.path.is_ident("Some"));
            call.args.first().filter(|_| wraps).map_or(tail, given)
        }
        _ => tail,
    }
}

/// `Err(…)`, also as the end of a block.
fn is_error(expr: &Expr) -> bool {
    match strip(expr) {
        Expr::Call(call) => matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Err")),
        Expr::Block(block) if block.label.is_none() => ends_in_error(&block.block),
        Expr::Return(left) => left.expr.as_ref().is_some_and(|value| is_error(value)),
        _ => false,
    }
}

/// `None` or `Ok(None)`, where no row is within.
fn is_none(expr: &Expr) -> bool {
    match strip(expr) {
        Expr::Path(path) => path.path.is_ident("None"),
        Expr::Call(call) if call.args.len() == 1 => {
            let wraps = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Ok"));
            wraps && call.args.first().is_some_and(is_none)
        }
        _ => false,
    }
}

fn ends_in_error(block: &Block) -> bool {
    matches!(block.stmts.last(), Some(Stmt::Expr(last, _)) if is_error(last))
}

/// Macros of libraries that write a line to a log.
const LEVELS: &[&str] = &["trace", "debug", "info", "warn", "error"];

/// Macros of libraries by which a function is left with an error, if it is left by them.
const FAILING: &[&str] = &[
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "debug",
    "debug_assert",
    "ensure",
    "error",
    "eprintln",
    "eyre",
    "format",
    "format_err",
    "info",
    "instrument",
    "json",
    "log",
    "matches",
    "panic",
    "params",
    "println",
    "query",
    "query_as",
    "query_as_unchecked",
    "query_scalar",
    "query_unchecked",
    "todo",
    "trace",
    "unreachable",
    "vec",
    "warn",
    "write",
    "writeln",
];

/// Libraries that have these macros.
const LIBRARIES: &[&str] =
    &["std", "core", "tracing", "log", "anyhow", "eyre", "color_eyre", "sqlx", "serde_json"];

/// Those of them that are in scope everywhere.
const OF_THE_LANGUAGE: &[&str] = &[
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "eprintln",
    "format",
    "matches",
    "panic",
    "println",
    "todo",
    "unreachable",
    "vec",
    "write",
    "writeln",
];

/// Whether a pattern binds something that may be changed.
struct Mutable(bool);

impl<'ast> Visit<'ast> for Mutable {
    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.0 |= name.mutability.is_some();
    }
}

/// The ways out of a function before its end.
struct Ways {
    /// All of them are errors, or what else is allowed.
    fail: bool,
    allowed: fn(&Expr) -> bool,
    macros: Vec<syn::Path>,
}

impl<'ast> Visit<'ast> for Ways {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            // What is left in these is not the function.
            Expr::Closure(_) | Expr::Async(_) => return,
            Expr::Return(left) => {
                self.fail &= left.expr.as_ref().is_some_and(|value| is_error(value) || (self.allowed)(value));
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let text = mac.tokens.to_string();
        self.fail &= FAILING.contains(&name.as_str()) && !text.contains("return");
        self.macros.push(mac.path.clone());
    }
}
