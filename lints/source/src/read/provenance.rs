//! Where a bound value comes from, within its function.

use std::collections::{BTreeSet, HashSet};

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use syn::{Expr, ExprMethodCall, Lit, Member, Pat, UnOp};
use tenantry_prover::verdict::Nullability;
use tenantry_span::Span;

use super::Reader;
use super::evaluate::{diverges, strip};
use super::handed::is_pure_closure;
use super::scope::{Local, LocalId, Source};
use super::texts::shorten;
use super::vouched::Unseen;
use super::walk::{has_let, unchained};
use crate::chains::Fields;
use crate::chains::records::record;
use crate::imports::ends_with;
use crate::types::{self, Origin};
use crate::{
    AtHand, Bind, CHANGING_RECEIVER, NEW, Param, Provenance, ProvenanceKind, RECEIVER, RowColumn, RowValue,
    SET, TYPED, TYPED_FIELD,
};

/// How many steps a value is followed.
pub const MAX_STEPS: usize = 24;

/// Those of [`SAME_VALUE`] that leave a row the row that it is, whatever is written for its type.
const KEEPING_A_ROW: &[&str] =
    &["clone", "to_owned", "cloned", "copied", "as_ref", "as_deref", "deref", "into_owned"];

/// Methods whose result is the receiver's value in another form; equal receivers give equal results.
const SAME_VALUE: &[&str] = &[
    "clone",
    "to_owned",
    "to_string",
    "into",
    "as_str",
    "as_ref",
    "as_uuid",
    "into_uuid",
    "to_uuid",
    "as_deref",
    "copied",
    "cloned",
    "borrow",
    "deref",
    "into_inner",
    "as_i64",
    "as_i32",
    "as_u64",
    "as_bytes",
    "as_slice",
    "into_owned",
    "inner",
    "get_ref",
];

/// Methods that take a value out of a wrapper or fail; their arguments say nothing of the value.
pub(super) const UNWRAPPING: &[&str] = &[
    "unwrap",
    "expect",
    "ok_or",
    "ok_or_else",
    "map_err",
    "context",
    "with_context",
    "ok",
    "err_into",
    "unwrap_unchecked",
];

/// Methods that give what stands in for a value that is not there.
const OTHERWISE: &[&str] = &["err", "expect_err", "into_err", "unwrap_err", "unwrap_or_default"];

/// Types of frameworks that hold what is handed over, and nothing else.
const HANDING: &[&str] = &["Extension", "State", "Data", "ReqData"];

/// Types whose content may be changed by whoever has a shared reference.
const CELLS: &[&str] = &["Cell", "Mutex", "OnceCell", "OnceLock", "RefCell", "RwLock", "UnsafeCell"];

/// Functions that make a value of another type of their one argument.
pub(super) const CONVERTING: &[&str] = &[
    "from",
    "new",
    "try_from",
    "parse_str",
    "from_str",
    "from_bytes",
    "from_uuid",
    "from_u128",
    "from_slice",
    "from_value",
    "from_reader",
    "deserialize",
];

/// Calls that make an id nobody has yet.
const FRESH: &[&str] = &["Uuid::new_v4", "Uuid::now_v7", "Ulid::new", "Ulid::r#gen", "Ulid::generate"];

/// True for such a call, by its path as imports resolve it.
fn is_generator(path: &[String]) -> bool {
    FRESH.iter().any(|known| ends_with(path, known))
}

/// Methods that give an id of these as it is, or all of it as text.
const WHOLE_IDS: &[&str] =
    &["as_hyphenated", "as_simple", "as_str", "clone", "hyphenated", "simple", "to_owned", "to_string"];

/// Methods that give what the sender of a request has put into it.
const PAYLOAD: &[&str] = &[
    "body",
    "cookie",
    "cookies",
    "get_mut",
    "headers",
    "into_body",
    "into_inner",
    "into_parts",
    "json",
    "match_info",
    "metadata",
    "param",
    "params",
    "path",
    "query",
    "query_string",
    "uri",
    "url",
];

/// Methods that read their receiver, beside those that are named for it: `is_…`, `as_…`, `to_…`.
const READING: &[&str] = &[
    "iter",
    "len",
    "get",
    "contains",
    "contains_key",
    "starts_with",
    "ends_with",
    "trim",
    "eq",
    "ne",
    "cmp",
    "map",
    "and_then",
    "filter",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
    "first",
    "last",
    "keys",
    "values",
    "bind",
    "fmt",
];

/// Methods of the standard library that compute another value from a text, a number or a list.
const COMPUTING: &[&str] = &[
    "abs",
    "as_secs",
    "bytes",
    "char_indices",
    "chars",
    "count",
    "hash",
    "ilog10",
    "ilog2",
    "isqrt",
    "len",
    "lines",
    "neg",
    "not",
    "pred",
    "product",
    "signum",
    "succ",
    "sum",
    "to_be",
    "to_le",
    "to_lowercase",
    "to_ne_bytes",
    "to_uppercase",
];

/// Beginnings of the names of such methods.
const COMPUTING_BEGINNINGS: &[&str] = &[
    "checked_",
    "count_",
    "escape_",
    "has_",
    "is_",
    "leading_",
    "next_power",
    "overflowing_",
    "reverse",
    "rotate_",
    "saturating_",
    "split",
    "swap_",
    "to_ascii_",
    "to_be_",
    "to_le_",
    "trailing_",
    "trim",
    "unsigned_",
    "wrapping_",
];

/// True for methods by whose name another value is computed than what they are called on, or a part of it.
fn computes(method: &str) -> bool {
    COMPUTING.contains(&method) || COMPUTING_BEGINNINGS.iter().any(|start| method.starts_with(start))
}

/// True for methods that by their name give an identity that is a part of what they are called on.
fn is_getter(method: &str) -> bool {
    method.ends_with("_id") || matches!(method, "id" | "uuid" | "tenant")
}

/// True for methods whose value is that of what they are called on, in another form or out of a wrapper.
pub(crate) fn is_same_value(method: &str) -> bool {
    SAME_VALUE.contains(&method) || UNWRAPPING.contains(&method)
}

/// True for methods that do not change what they are called on.
pub(super) fn leaves_alone(method: &str) -> bool {
    let listed = [SAME_VALUE, UNWRAPPING, READING].iter().any(|list| list.contains(&method));
    let named = ["is_", "as_", "to_", "into_"].iter().any(|start| method.starts_with(start));
    // `as_mut_vec` lends all of a text, as whatever says that it does.
    listed || named && !method.split('_').any(|word| word == "mut")
}

impl<'a> Reader<'a> {
    /// What is known of a bound expression that means what was declared before `limit`.
    pub(crate) fn bind(&mut self, expr: &'a Expr, limit: LocalId) -> Bind {
        let span = self.range(expr);
        self.bind_at(expr, span, self.written(span).to_owned(), limit)
    }

    /// The same, of an expression that is written otherwise.
    pub(crate) fn bind_at(&mut self, expr: &Expr, span: Span, text: String, limit: LocalId) -> Bind {
        let element = self.element_of(expr, limit);
        let each = element.is_some();
        let (expr, limit) = element.as_ref().map_or((expr, limit), |(element, limit)| (&**element, *limit));
        let provenance = self.provenance(expr, limit);
        Bind {
            span,
            text,
            key: self.key(expr, limit, 0),
            nullable: self.nullable(expr, limit, 0),
            provenance,
            each,
        }
    }

    /// Notes in a site that was made before that its binds come from more variables.
    pub(super) fn mark_bound(&mut self, site: usize, _argument: &'a Expr) {
        let touched = std::mem::take(&mut self.touched);
        let Some(site) = self.sites.get_mut(site) else { return };
        // The site may be of a function around the one that its builder is lent to.
        for parameter in self.functions.iter().flat_map(|function| &function.params) {
            if parameter.locals.iter().any(|id| touched.contains(id)) {
                let same = |param: &&mut Param| param.span == parameter.span;
                if let Some(param) = site.params.iter_mut().find(same) {
                    param.bound_here = true;
                }
            }
        }
    }

    fn provenance(&mut self, expr: &Expr, limit: LocalId) -> Provenance {
        let mut trace = Trace::default();
        let kind = self.trace(expr, limit, 0, &mut trace);
        let maker = self.maker(expr, limit, 0);
        if kind == ProvenanceKind::Fresh && maker.as_ref().is_some_and(|path| is_generator(path)) {
            trace.steps.insert(0, (self.range(expr), NEW.to_owned()));
        }
        self.touched.extend(trace.touched);
        let row = self.row(expr, RowColumn::Only, limit, 0);
        let is_open = matches!(kind, ProvenanceKind::Parameter | ProvenanceKind::Unknown);
        let extracted = if is_open { self.extracted(expr, limit, 0) } else { None };
        Provenance { kind, steps: trace.steps, row, extracted, checked_as: trace.checked_as, made_by: maker }
    }

    /// The function that makes the value without being handed anything, whenever the code here runs; what it gives is
    /// taken as it is, or as text.
    fn maker(&self, expr: &Expr, limit: LocalId, depth: usize) -> Option<Vec<String>> {
        if depth > MAX_STEPS {
            return None;
        }
        match strip(expr) {
            Expr::Call(call) if call.args.is_empty() => {
                let Expr::Path(path) = &*call.func else { return None };
                let is_local = |name: &syn::Ident| self.lookup(&name.to_string(), limit).is_some();
                let here = self.range(call).range;
                let is_of_round = self.round.is_none_or(|round| round.contains_range(here));
                let is_plain = path.qself.is_none() && !path.path.get_ident().is_some_and(is_local);
                let path = (is_of_round && is_plain).then(|| self.full(&path.path));
                path.filter(|path| path.first().is_some_and(|first| first != "?"))
            }
            Expr::MethodCall(call) => {
                let keeps = call.args.is_empty() && WHOLE_IDS.iter().any(|name| call.method == name);
                self.maker(&call.receiver, limit, depth + 1).filter(|_| keeps)
            }
            Expr::Path(path) => {
                let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
                match self.locals.get(id)? {
                    Local { source: Source::Let(value), mutable: false, rebound: false, .. } => {
                        self.maker(value, id, depth + 1)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The function is handed nothing and does nothing but make an id at random.
    pub(super) fn makes_new(&self, sig: &syn::Signature, block: &syn::Block) -> bool {
        let [syn::Stmt::Expr(made @ Expr::Call(_), None)] = block.stmts.as_slice() else { return false };
        let is_plain = sig.inputs.is_empty() && sig.asyncness.is_none() && sig.generics.params.is_empty();
        is_plain && self.maker(made, LocalId::MAX, 0).is_some_and(|path| is_generator(&path))
    }

    /// What kind of source an expression's value comes from.
    pub(super) fn kind_of(&self, expr: &Expr, limit: LocalId) -> ProvenanceKind {
        self.trace(expr, limit, 0, &mut Trace::default())
    }

    /// The same, with the way that it came, last step first.
    pub(super) fn way_of(&self, expr: &Expr, limit: LocalId) -> (ProvenanceKind, Vec<(Span, String)>) {
        let mut trace = Trace::default();
        let kind = self.trace(expr, limit, 0, &mut trace);
        (kind, trace.steps)
    }

    /// The same, some steps into the way of another value.
    pub(super) fn traced(&self, expr: &Expr, limit: LocalId, depth: usize) -> ProvenanceKind {
        self.trace(expr, limit, depth, &mut Trace::default())
    }

    fn trace(&self, expr: &Expr, limit: LocalId, depth: usize, trace: &mut Trace) -> ProvenanceKind {
        if depth > MAX_STEPS {
            return ProvenanceKind::Unknown;
        }
        if self.is_trusted_expression(expr, limit) {
            self.touch(expr, limit, trace);
            trace.step(self.range(expr), "a trusted expression");
            return ProvenanceKind::Trusted;
        }
        if let Some((guard, name)) = self.guarded(expr, limit, trace.is_part) {
            self.touch(expr, limit, trace);
            trace.step(guard, "checked by this guard");
            trace.checked_as = name;
            return ProvenanceKind::Guarded;
        }
        match expr {
            Expr::Lit(lit) => {
                let _: &Lit = &lit.lit;
                trace.step(self.range(expr), "a literal");
                ProvenanceKind::Literal
            }
            Expr::Paren(inner) => self.trace(&inner.expr, limit, depth + 1, trace),
            Expr::Group(inner) => self.trace(&inner.expr, limit, depth + 1, trace),
            Expr::Reference(inner) => self.trace(&inner.expr, limit, depth + 1, trace),
            // Another tenant's id may be this one's with its upper bits cut off.
            Expr::Cast(inner) if self.narrows(inner, limit) => self.untraced(expr, limit, trace),
            Expr::Cast(inner) => self.trace(&inner.expr, limit, depth + 1, trace),
            Expr::Try(inner) => self.trace(&inner.expr, limit, depth + 1, trace),
            Expr::Await(inner) => self.trace(&inner.base, limit, depth + 1, trace),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => {
                self.trace(&unary.expr, limit, depth + 1, trace)
            }
            Expr::Unary(unary) if matches!(&*unary.expr, Expr::Lit(_)) => {
                self.trace(&unary.expr, limit, depth + 1, trace)
            }
            Expr::Path(path) => self.trace_path(path, expr, limit, depth, trace),
            Expr::Field(field) => self.trace_field(field, expr, limit, depth, trace),
            Expr::Struct(of) => {
                let parts = of.fields.iter().map(|part| &part.expr);
                self.worst(parts.chain(of.rest.as_deref()), limit, depth, trace)
            }
            Expr::MethodCall(call) => self.trace_method(call, expr, limit, depth, trace),
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return self.untraced(expr, limit, trace) };
                if let Some(kind) = self.asked_of_extractor(call) {
                    trace.step(self.range(expr), "what the extractor of this type gives");
                    return kind;
                }
                let full = self.full(&path.path);
                let runs_sql =
                    crate::imports::find(self.sinks, self.imports, &path.path, |library| &library.functions);
                if is_generator(&full) {
                    self.touch(expr, limit, trace);
                    trace.step(self.range(expr), "a new id");
                    return ProvenanceKind::Fresh;
                }
                if let [argument] = call.args.iter().collect::<Vec<_>>()[..]
                    && self.is_own_constructor(&full)
                {
                    return self.trace_named(argument, expr, limit, depth, trace);
                }
                let of = full.iter().rev().nth(1).map(String::as_str).unwrap_or_default();
                if CELLS.contains(&of) || of.starts_with("Atomic") {
                    return self.untraced(expr, limit, trace);
                }
                let name = full.last().cloned().unwrap_or_default();
                let converts = CONVERTING.contains(&name.as_str()) || name.starts_with(char::is_uppercase);
                match call.args.first() {
                    Some(argument) if call.args.len() == 1 && converts && runs_sql.is_none() => {
                        self.trace(argument, limit, depth + 1, trace)
                    }
                    _ => self.untraced(expr, limit, trace),
                }
            }
            Expr::Array(array) => self.worst(array.elems.iter(), limit, depth, trace),
            // `match level { Level::Organization(id) => id, _ => return … }`: a part of what is matched.
            Expr::Match(choice) if only_part(choice) => {
                trace.is_part = true;
                self.trace(&choice.expr, limit, depth + 1, trace)
            }
            // Names that a condition declares are out of sight here.
            Expr::If(choice) => match (choice.then_branch.stmts.as_slice(), &choice.else_branch) {
                ([syn::Stmt::Expr(then, None)], Some((_, otherwise))) if !has_let(&choice.cond) => {
                    self.worst([then, &**otherwise].into_iter(), limit, depth, trace)
                }
                _ => self.untraced(expr, limit, trace),
            },
            Expr::Block(block) if block.label.is_none() => match block.block.stmts.as_slice() {
                [syn::Stmt::Expr(tail, None)] => self.trace(tail, limit, depth + 1, trace),
                _ => self.untraced(expr, limit, trace),
            },
            // `headers["x-tenant"]`: what is chosen of a request, or of rows, is of these.
            Expr::Index(index) if is_place(&index.expr) => match self.traced(&index.expr, limit, depth + 1) {
                ProvenanceKind::Request | ProvenanceKind::Row => {
                    self.trace(&index.expr, limit, depth + 1, trace)
                }
                _ => self.untraced(expr, limit, trace),
            },
            _ => self.untraced(expr, limit, trace),
        }
    }

    /// A value of which the source says by a constructor's name that authentication made it. What evidently did not stays
    /// what it is.
    fn trace_named(
        &self,
        argument: &Expr,
        expr: &Expr,
        limit: LocalId,
        depth: usize,
        trace: &mut Trace,
    ) -> ProvenanceKind {
        use ProvenanceKind::{Fresh, Guarded, Literal, Parameter, Request, Row, Trusted, Unknown};
        match self.trace(argument, limit, depth + 1, trace) {
            kind @ (Request | Literal | Parameter) => kind,
            Unknown if self.is_made_of_others(argument, limit, Unseen::Believed, depth + 1) => Unknown,
            Trusted | Guarded | Fresh | Row | Unknown => {
                trace.step(self.range(expr), "named as the authenticated tenant");
                Trusted
            }
        }
    }

    fn untraced(&self, expr: &Expr, limit: LocalId, trace: &mut Trace) -> ProvenanceKind {
        self.touch(expr, limit, trace);
        let span = self.range(expr);
        trace.step(span, format!("`{}` was not followed", shorten(self.written(span))));
        ProvenanceKind::Unknown
    }

    fn worst<'e>(
        &self,
        all: impl Iterator<Item = &'e Expr>,
        limit: LocalId,
        depth: usize,
        trace: &mut Trace,
    ) -> ProvenanceKind {
        all.map(|one| self.trace(one, limit, depth + 1, trace)).max().unwrap_or(ProvenanceKind::Literal)
    }

    fn trace_field(
        &self,
        field: &syn::ExprField,
        expr: &Expr,
        limit: LocalId,
        depth: usize,
        trace: &mut Trace,
    ) -> ProvenanceKind {
        if self.is_assigned(expr, limit) {
            trace.step(self.range(expr), SET);
            return ProvenanceKind::Unknown;
        }
        match self.part_of_literal(field, limit) {
            Some((Part::Field(value), at)) => return self.trace(value, at, depth + 1, trace),
            Some((Part::Rest(value), at)) => return self.trace(value, at, depth + 1, trace),
            None => {}
        }
        let trusted = self.field_type(field, limit).is_some_and(|ty| self.origin(ty) == Origin::Trusted);
        if trusted && self.is_vouched(&field.base, limit, depth) {
            self.touch(expr, limit, trace);
            trace.step(self.range(expr), TYPED_FIELD);
            return ProvenanceKind::Trusted;
        }
        trace.is_part = true;
        let kind = self.trace(&field.base, limit, depth + 1, trace);
        // What a conversion puts into its fields is its own affair; the only one of a newtype is what it was given.
        let is_first = matches!(&field.member, Member::Unnamed(index) if index.index == 0);
        let stays = matches!(kind, ProvenanceKind::Request | ProvenanceKind::Row);
        if stays || is_first || !self.is_converted(&field.base, limit, depth + 1) {
            return kind;
        }
        trace.step(self.range(expr), "a field of what something else was made into");
        ProvenanceKind::Unknown
    }

    /// True if the value is another one in another form, so that its fields say nothing of where that came from.
    pub(super) fn is_converted(&self, value: &Expr, limit: LocalId, depth: usize) -> bool {
        if depth > MAX_STEPS {
            return true;
        }
        match strip(value) {
            Expr::Path(path) => {
                let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
                let local = id.and_then(|id| Some((id, self.locals.get(id)?)));
                matches!(local, Some((id, Local { source: Source::Let(value) | Source::Part(value), .. }))
                    if self.is_converted(value, id, depth + 1))
            }
            Expr::Try(inner) => self.is_converted(&inner.expr, limit, depth + 1),
            Expr::Await(inner) => self.is_converted(&inner.base, limit, depth + 1),
            Expr::Field(field) => self.is_converted(&field.base, limit, depth + 1),
            Expr::Struct(of) => {
                of.rest.as_ref().is_some_and(|rest| self.is_converted(rest, limit, depth + 1))
            }
            Expr::MethodCall(call) if matches!(call.method.to_string().as_str(), "into" | "try_into") => true,
            Expr::MethodCall(call) => self.is_converted(&call.receiver, limit, depth + 1),
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return true };
                let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                match (name.as_str(), call.args.first()) {
                    ("Some" | "Ok", Some(inner)) => self.is_converted(inner, limit, depth + 1),
                    _ => call.args.len() == 1,
                }
            }
            _ => false,
        }
    }

    /// What a field is set to where its struct is written out, `let ctx = Context { tenant: … };`.
    fn part_of_literal(&self, field: &syn::ExprField, limit: LocalId) -> Option<(Part<'a>, LocalId)> {
        let Expr::Path(path) = strip(&field.base) else { return None };
        let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
        let local = self.locals.get(id).filter(|local| !local.unsteady)?;
        let Source::Let(value) = local.source else { return None };
        let Expr::Struct(of) = strip(value) else { return None };
        let part = of.fields.iter().find(|part| part.member == field.member);
        let part = part.map(|part| Part::Field(&part.expr));
        Some((part.or_else(|| of.rest.as_deref().map(Part::Rest))?, id))
    }

    /// True if the cast may cut something off.
    fn narrows(&self, cast: &syn::ExprCast, limit: LocalId) -> bool {
        if matches!(strip(&cast.expr), Expr::Lit(_)) {
            return false;
        }
        let from = self.type_of(&cast.expr, limit, 0).and_then(types::last_segment).unwrap_or_default();
        let is_narrow = ["i32", "u32", "i16", "u16", "i8", "u8", "bool", "char"].contains(&from.as_str());
        let wide = !is_narrow;
        match types::last_segment(&cast.ty).unwrap_or_default().as_str() {
            "i8" | "u8" | "i16" | "u16" | "f32" | "f64" | "char" => true,
            "i32" | "u32" => wide,
            "i64" | "u64" | "isize" | "usize" => from.ends_with("128"),
            _ => false,
        }
    }

    /// The type of a value, as far as declared types say it: a variable's, a field's, and what one of its own hands out.
    fn type_of(&self, expr: &Expr, limit: LocalId, depth: usize) -> Option<&syn::Type> {
        if depth > MAX_STEPS {
            return None;
        }
        match strip(expr) {
            Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                self.locals.get(self.lookup(&name, limit)?)?.ty
            }
            Expr::Field(field) => self.field_type(field, limit),
            Expr::MethodCall(call) if call.args.is_empty() => {
                let ty = self.type_of(&call.receiver, limit, depth + 1)?;
                let name = call.method.to_string();
                match self.handed_out(ty, &name) {
                    Some(inner) => Some(inner),
                    None => Some(ty).filter(|_| name != "into" && SAME_VALUE.contains(&name.as_str())),
                }
            }
            _ => None,
        }
    }

    fn trace_path(
        &self,
        path: &syn::ExprPath,
        expr: &Expr,
        limit: LocalId,
        depth: usize,
        trace: &mut Trace,
    ) -> ProvenanceKind {
        let span = self.range(expr);
        if path.path.is_ident("self") {
            let changes = self.functions.last().is_none_or(|function| function.changes_self);
            trace.step(span, if changes { CHANGING_RECEIVER } else { RECEIVER });
            return ProvenanceKind::Parameter;
        }
        let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
        let Some((id, local)) = id.and_then(|id| Some((id, self.locals.get(id)?))) else {
            let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
            if path.path.segments.len() == 1 && name.chars().any(char::is_lowercase) && name != "None" {
                return self.untraced(expr, limit, trace);
            }
            trace.step(span, "a constant");
            return ProvenanceKind::Literal;
        };
        trace.touched.insert(id);
        let declared = local.ty.map_or(Origin::Plain, |ty| self.origin(ty));
        let through = local.mutable || local.ty.is_some_and(types::is_mutable_reference);
        let changes = through || matches!(local.source, Source::Unseen);
        let changed = local.rebound || local.assigned && changes || local.unsteady && through;
        if declared == Origin::Trusted
            && !changed
            && !matches!(local.source, Source::Parameter(Origin::Request))
        {
            if let Source::Let(value) | Source::Part(value) = local.source
                && !self.is_vouched(value, id, depth)
            {
                return self.trace(value, id, depth + 1, trace);
            }
            trace.step(local.span, TYPED);
            return ProvenanceKind::Trusted;
        }
        if local.assigned {
            trace.step(local.span, SET);
            return ProvenanceKind::Unknown;
        }
        if local.unsteady && through {
            // A method may have put another value in its place; data of the request and rows stay what they are.
            let kind = match local.source {
                Source::Let(value) | Source::Part(value) => self.trace(value, id, depth + 1, trace),
                Source::Parameter(Origin::Request) => ProvenanceKind::Request,
                Source::Parameter(_) | Source::Constant(_) | Source::Unseen => ProvenanceKind::Unknown,
            };
            trace.step(local.span, "a method is called on it that may change it");
            return match kind {
                ProvenanceKind::Request | ProvenanceKind::Row => kind,
                _ => ProvenanceKind::Unknown,
            };
        }
        match local.source {
            Source::Parameter(Origin::Trusted) => {
                trace.step(local.span, TYPED);
                ProvenanceKind::Trusted
            }
            Source::Parameter(Origin::Request) => {
                trace.step(local.span, "data of the request");
                ProvenanceKind::Request
            }
            Source::Parameter(Origin::Plain) => {
                trace.step(local.span, "a parameter of the function");
                ProvenanceKind::Parameter
            }
            Source::Let(value) | Source::Part(value) => {
                trace.step(local.span, format!("`{}` is set here", local.name));
                trace.is_part |= matches!(local.source, Source::Part(_));
                self.trace(value, id, depth + 1, trace)
            }
            Source::Constant(_) => {
                trace.step(local.span, "a constant");
                ProvenanceKind::Literal
            }
            Source::Unseen => {
                // What a method hands to a closure of the request's data is the request's; of others it may be anything.
                let mut of = Trace::default();
                if let Some(given) = local.given
                    && self.trace(given, id, depth + 1, &mut of) == ProvenanceKind::Request
                {
                    trace.step(local.span, format!("`{}` is a part of it", local.name));
                    trace.steps.append(&mut of.steps);
                    trace.touched.extend(of.touched);
                    return ProvenanceKind::Request;
                }
                trace.step(local.span, "a value that is not seen here");
                ProvenanceKind::Unknown
            }
        }
    }

    fn trace_method(
        &self,
        call: &ExprMethodCall,
        expr: &Expr,
        limit: LocalId,
        depth: usize,
        trace: &mut Trace,
    ) -> ProvenanceKind {
        let name = call.method.to_string();
        if self.is_own_scope(&call.receiver, limit) {
            if name != "tenant" {
                return self.untraced(expr, limit, trace);
            }
            self.touch(expr, limit, trace);
            trace.step(self.range(expr), "the tenant of a `TenantScope`");
            return ProvenanceKind::Trusted;
        }
        if let Some(kind) = self.asked_of_extensions(call) {
            trace.step(self.range(expr), "what a layer before has put there");
            return kind;
        }
        if self.runs_query(expr, 0) {
            trace.step(self.range(expr), "read from the database");
            return ProvenanceKind::Row;
        }
        let keeps = [SAME_VALUE, UNWRAPPING, PAYLOAD].iter().any(|list| list.contains(&name.as_str()));
        if !keeps && self.is_whole_request(&call.receiver, limit) {
            // What the service's own code makes of a request may be what authentication put there.
            return self.untraced(expr, limit, trace);
        }
        if OTHERWISE.contains(&name.as_str()) {
            return match self.trace(&call.receiver, limit, depth + 1, trace) {
                from @ (ProvenanceKind::Row | ProvenanceKind::Request) => from,
                _ => self.untraced(expr, limit, trace),
            };
        }
        // A pattern may take what stands in for the value.
        let stand_in = trace.is_part && UNWRAPPING.contains(&name.as_str());
        let is_other = |argument| self.is_made_of_others(argument, limit, Unseen::Believed, depth + 1);
        if stand_in && call.args.iter().any(is_other) {
            return self.untraced(expr, limit, trace);
        }
        trace.is_part |= !is_same_value(&name);
        if call.args.is_empty() || UNWRAPPING.contains(&name.as_str()) {
            let from = self.trace(&call.receiver, limit, depth + 1, trace);
            return match from {
                _ if is_same_value(&name) => from,
                // Exactly what a guard was handed is checked, and what callers hand over is theirs to answer for: a method
                // may make anything of either.
                ProvenanceKind::Guarded => self.untraced(expr, limit, trace),
                ProvenanceKind::Parameter if !is_getter(&name) => self.untraced(expr, limit, trace),
                ProvenanceKind::Trusted if computes(&name) => self.untraced(expr, limit, trace),
                _ => from,
            };
        }
        if let ("map", [Expr::Path(path)]) = (name.as_str(), &call.args.iter().collect::<Vec<_>>()[..])
            && self.is_own_constructor(&self.full(&path.path))
        {
            return self.trace_named(&call.receiver, expr, limit, depth, trace);
        }
        let simple = call.args.iter().all(|argument| match strip(argument) {
            Expr::Lit(_) => true,
            Expr::Closure(closure) => is_projection(closure),
            _ => false,
        });
        let from = self.trace(&call.receiver, limit, depth + 1, trace);
        match from {
            ProvenanceKind::Row | ProvenanceKind::Request => from,
            // With `map(|x| x.id)` the value is still a part of the receiver; with a literal it is an index or default.
            _ if simple && matches!(name.as_str(), "map" | "get" | "nth") => from,
            _ => self.untraced(expr, limit, trace),
        }
    }

    /// A variable that is a request as a whole: who sent it says what is in it, and authentication what is attached to it.
    fn is_whole_request(&self, expr: &Expr, limit: LocalId) -> bool {
        let Expr::Path(path) = strip(expr) else { return false };
        let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
        let ty = id.and_then(|id| self.locals.get(id)?.ty);
        ty.is_some_and(|ty| self.is_request_type(ty))
    }

    /// The column of a row that the expression is the value of, if it is nothing else.
    pub(super) fn row(
        &self,
        expr: &Expr,
        column: RowColumn,
        limit: LocalId,
        depth: usize,
    ) -> Option<RowValue> {
        if depth > MAX_STEPS {
            return None;
        }
        match strip(expr) {
            Expr::Cast(cast) if matches!(&*cast.ty, syn::Type::Infer(_)) => {
                self.row(&cast.expr, column, limit, depth + 1)
            }
            Expr::Try(inner) => self.row(&inner.expr, column, limit, depth + 1),
            Expr::Await(inner) => self.row(&inner.base, column, limit, depth + 1),
            Expr::Field(field) => match (&field.member, column) {
                (Member::Named(name), RowColumn::Only) => {
                    let name = name.to_string().trim_start_matches("r#").to_owned();
                    self.row(&field.base, RowColumn::Field(name), limit, depth + 1)
                }
                _ => None,
            },
            Expr::Path(path) => {
                let name = path.path.get_ident()?.to_string();
                let id = self.lookup(&name, limit)?;
                let local = self.locals.get(id).filter(|local| !local.unsteady)?;
                let (Source::Let(value) | Source::Part(value)) = local.source else { return None };
                if !local.torn {
                    return self.row(value, self.column_of_record(column, local.ty)?, id, depth + 1);
                }
                // `let Order { tenant_id, .. } = row`
                match (local.within.as_deref(), column) {
                    (Some([field]), RowColumn::Only) if field.starts_with(|c: char| !c.is_ascii_digit()) => {
                        self.row(value, RowColumn::Field(field.clone()), id, depth + 1)
                    }
                    _ => None,
                }
            }
            // `match fetched { Some(row) => row, None => return … }`
            Expr::Match(choice) => {
                let mut staying = choice.arms.iter().filter(|arm| !diverges(&arm.body));
                let (Some(arm), None) = (staying.next(), staying.next()) else { return None };
                let Pat::TupleStruct(of) = &arm.pat else { return None };
                let hands_through = of.path.get_ident().is_some_and(|name| name == "Some" || name == "Ok");
                let (Some(Pat::Ident(taken)), 1) = (of.elems.first(), of.elems.len()) else { return None };
                let given = matches!(strip(&arm.body), Expr::Path(path) if path.path.is_ident(&taken.ident));
                let plain = hands_through && given && arm.attrs.is_empty() && taken.subpat.is_none();
                if plain { self.row(&choice.expr, column, limit, depth + 1) } else { None }
            }
            Expr::Call(call) if self.is_row_call(self.range(call)) => {
                Some(RowValue { within: self.range(call), column })
            }
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                let itself = self.between(call.method.span(), call.paren_token.span.close());
                if self.is_row_call(itself) {
                    return Some(RowValue { within: itself, column });
                }
                match name.as_str() {
                    "fetch_one" | "fetch_optional" | "fetch_all" => {
                        if !is_plain_query(&call.receiver) {
                            return None;
                        }
                        let column = self.column_of_record(column, record_of(&call.receiver))?;
                        return Some(RowValue { within: self.range(&call.receiver), column });
                    }
                    "first" | "get_result" | "get_results" | "load" | "one" | "all"
                        if self.reads_chains
                            && call.args.len() == 1
                            && !matches!(call.args.first(), Some(Expr::Closure(_))) =>
                    {
                        let known = self.chain_row(call, &column, limit);
                        return known.or_else(|| Some(RowValue { within: self.range(strip(expr)), column }));
                    }
                    // Diesel's `Ok(None)` for a row that is not there.
                    "optional" if call.args.is_empty() => {
                        return self.row(&call.receiver, column, limit, depth + 1);
                    }
                    // What is left is the row that was fetched.
                    "filter" | "find" if call.args.iter().all(is_pure_closure) => {
                        return self.row(&call.receiver, column, limit, depth + 1);
                    }
                    "query" | "query_one" | "query_opt" if self.is_sink_method(&name) => {
                        return Some(RowValue { within: self.range(strip(expr)), column });
                    }
                    _ => {}
                }
                // A whole row may be made into whatever its `From` says.
                let keeps = column == RowColumn::Only || KEEPING_A_ROW.contains(&name.as_str());
                let same = call.args.is_empty() && keeps && SAME_VALUE.contains(&name.as_str());
                if same
                    || UNWRAPPING.contains(&name.as_str())
                    || matches!(name.as_str(), "iter" | "into_iter")
                {
                    return self.row(&call.receiver, column, limit, depth + 1);
                }
                match (name.as_str(), call.args.first().map(strip), column) {
                    ("get" | "try_get", Some(Expr::Lit(lit)), RowColumn::Only) => {
                        let Lit::Str(named) = &lit.lit else { return None };
                        self.row(&call.receiver, RowColumn::Name(named.value()), limit, depth + 1)
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// The column that a field of a row is, where the type of the row tells; `None` where it is none of that name.
    pub(super) fn column_of_record(&self, column: RowColumn, ty: Option<&syn::Type>) -> Option<RowColumn> {
        let (RowColumn::Field(name), Some(ty)) = (&column, ty) else { return Some(column) };
        match self.reads_own_column(ty, name) {
            Some(true) => Some(RowColumn::Name(name.clone())),
            Some(false) => None,
            None => Some(column),
        }
    }

    /// True for a query that the type of its rows does not say the columns of.
    fn names_its_fields(&self, query: &Expr) -> bool {
        match unchained(query).0 {
            Expr::Macro(mac) => {
                let name = mac.mac.path.segments.last().map(|last| last.ident.to_string());
                name.is_some_and(|name| name.starts_with("query") && !self.defines_macro(&name))
            }
            Expr::Call(call) => matches!(&*call.func, Expr::Path(path)
                if path.path.segments.last().is_some_and(|last| UNTYPED.iter().any(|name| last.ident == name))),
            _ => false,
        }
    }

    /// What the fields of a row that is fetched are; `ty` is the type that it is given as. Of what no library is seen to
    /// read they are taken for the columns of their names.
    pub(super) fn fields_fetched(&self, fetched: &Expr, ty: Option<&syn::Type>) -> Fields {
        if let Some(fields) = self.fields_of_chain(fetched, ty) {
            return fields;
        }
        let is_named = fetched_query(fetched).is_none_or(|query| {
            let ty = record_of(query).or(ty);
            self.names_its_fields(query) || ty.is_some_and(|ty| self.reads_own_columns(ty))
        });
        if is_named { Fields::Named } else { Fields::Unseen }
    }

    /// True if it is known which column each field of a row is that is fetched.
    pub(super) fn gives_whole_rows(&self, fetched: &Expr, ty: Option<&syn::Type>) -> bool {
        self.fields_fetched(fetched, ty) != Fields::Unseen
    }

    /// The same, of a row that a chain fetches.
    fn fields_of_chain(&self, fetched: &Expr, ty: Option<&syn::Type>) -> Option<Fields> {
        match strip(fetched) {
            Expr::Try(inner) => self.fields_of_chain(&inner.expr, ty),
            Expr::Await(inner) => self.fields_of_chain(&inner.base, ty),
            Expr::Field(field) => self.fields_of_chain(&field.base, ty),
            Expr::Match(choice) => self.fields_of_chain(&choice.expr, ty),
            Expr::MethodCall(call) => {
                let itself = self.between(call.method.span(), call.paren_token.span.close());
                if self.is_row_call(itself) {
                    return None;
                }
                self.chain_fields(call, ty).or_else(|| self.fields_of_chain(&call.receiver, ty))
            }
            _ => None,
        }
    }

    /// The path of the type that a row is fetched into, as it is written; `ty` is the type that it is given as.
    pub(super) fn record_fetched(&self, fetched: &Expr, ty: Option<&syn::Type>) -> Option<Vec<String>> {
        let query = fetched_query(fetched)?;
        match unchained(query).0 {
            Expr::Macro(mac) if self.names_its_fields(query) => {
                let first = mac.mac.parse_body_with(|input: syn::parse::ParseStream<'_>| {
                    let first: syn::Type = input.parse()?;
                    input.parse::<syn::Token![,]>()?;
                    input.parse::<proc_macro2::TokenStream>()?;
                    Ok(first)
                });
                record(&first.ok()?)
            }
            _ => record(record_of(query).or(ty)?),
        }
    }

    /// True if the chain runs a query, so that its value is a row.
    fn runs_query(&self, expr: &Expr, depth: usize) -> bool {
        if depth > MAX_STEPS {
            return false;
        }
        match strip(expr) {
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                let fetches =
                    name.starts_with("fetch_") || (name.starts_with("query") && !call.args.is_empty());
                let sql =
                    matches!(name.as_str(), "execute" | "fetch" | "load" | "get_result" | "get_results");
                fetches && self.is_sink_method(&name)
                    || sql && self.runs_query(&call.receiver, depth + 1)
                    || self.runs_query(&call.receiver, depth + 1)
            }
            Expr::Await(inner) => self.runs_query(&inner.base, depth + 1),
            Expr::Try(inner) => self.runs_query(&inner.expr, depth + 1),
            Expr::Macro(mac) => self.expansions.body(&mac.mac).is_some_and(|body| body.sink.is_some()),
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) => {
                    crate::imports::find(self.sinks, self.imports, &path.path, |library| &library.functions)
                        .is_some()
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn is_sink_method(&self, name: &str) -> bool {
        self.sinks
            .iter()
            .flat_map(|library| &library.methods)
            .any(|sink| sink.names.iter().any(|known| known == name))
            || name.starts_with("fetch_")
    }

    pub(super) fn is_trusted_expression(&self, expr: &Expr, limit: LocalId) -> bool {
        if self.trust.expressions.is_empty() {
            return false;
        }
        let written = types::written(self.written(self.range(expr)));
        let written = written.trim_start_matches(['&', '*', '(']);
        // What is done to its value is looked at step by step: `ctx.tenant().unwrap_or(other)` may be another one.
        let listed = self.trust.expressions.iter().any(|entry| {
            let entry = types::written(&entry.value);
            let rest = written.strip_prefix(entry.as_str());
            rest.is_some_and(|rest| rest.trim_end_matches(')').is_empty())
        });
        listed
            && !self.is_assigned(expr, limit)
            && !self.is_unsteady(expr, limit)
            && !self.is_made_of_payload(expr, limit, 0)
    }

    /// True if the variable that the expression begins with may be changed by a method, or holds what was made of others.
    fn is_unsteady(&self, expr: &Expr, limit: LocalId) -> bool {
        let mut place = strip(expr);
        loop {
            place = match place {
                Expr::Field(field) => strip(&field.base),
                Expr::MethodCall(call) => strip(&call.receiver),
                Expr::Try(inner) => strip(&inner.expr),
                Expr::Await(inner) => strip(&inner.base),
                _ => break,
            };
        }
        let Expr::Path(path) = place else { return false };
        let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
        let Some((id, local)) = id.and_then(|id| Some((id, self.locals.get(id)?))) else { return false };
        let through = local.mutable || local.ty.is_some_and(types::is_mutable_reference);
        let made = |value| self.is_made_of_others(value, id, Unseen::Believed, 0);
        local.rebound
            || local.unsteady && through
            || matches!(local.source, Source::Let(value) | Source::Part(value) if made(value))
    }

    /// True if the name that the expression begins with was given here to data that the client sent.
    fn is_made_of_payload(&self, expr: &Expr, limit: LocalId, depth: usize) -> bool {
        if depth > MAX_STEPS {
            return true;
        }
        match strip(expr) {
            Expr::Field(field) => self.is_made_of_payload(&field.base, limit, depth),
            Expr::Try(inner) => self.is_made_of_payload(&inner.expr, limit, depth),
            Expr::Await(inner) => self.is_made_of_payload(&inner.base, limit, depth),
            // What a layer before has put there.
            Expr::MethodCall(call) if call.method == "extensions" => false,
            Expr::MethodCall(call) => self.is_made_of_payload(&call.receiver, limit, depth),
            Expr::Struct(of) if depth > 0 => {
                let mut parts = of.fields.iter().map(|part| &part.expr).chain(of.rest.as_deref());
                parts.any(|part| self.is_made_of_payload(part, limit, depth + 1))
            }
            Expr::Call(call) if depth > 0 => {
                call.args.iter().any(|argument| self.is_made_of_payload(argument, limit, depth + 1))
            }
            Expr::Path(path) => {
                let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
                let Some((id, local)) = id.and_then(|id| Some((id, self.locals.get(id)?))) else {
                    return false;
                };
                match local.source {
                    // The policy names the parameter itself, or something was made of the request as a whole.
                    Source::Parameter(origin) => {
                        depth > 0
                            && origin == Origin::Request
                            && (local.torn || local.ty.and_then(types::head).is_some_and(is_generic))
                    }
                    Source::Let(value) | Source::Part(value) => {
                        self.runs_query(value, 0) || self.is_made_of_payload(value, id, depth + 1)
                    }
                    // What a closure is handed is whatever its caller goes through.
                    Source::Unseen => local.ty.is_none(),
                    Source::Constant(_) => false,
                }
            }
            _ => false,
        }
    }

    /// True if something is assigned to the place, or to what it is in.
    pub(super) fn is_assigned(&self, expr: &Expr, limit: LocalId) -> bool {
        let (mut place, mut outermost) = (expr, None);
        loop {
            place = match strip(place) {
                Expr::Field(field) => {
                    outermost = Some(&field.member);
                    &field.base
                }
                Expr::MethodCall(call) => {
                    outermost = None;
                    &call.receiver
                }
                Expr::Try(inner) => &inner.expr,
                Expr::Await(inner) => &inner.base,
                _ => break,
            };
        }
        let Expr::Path(path) = strip(place) else { return false };
        if path.path.is_ident("self") {
            return self.functions.last().is_some_and(|function| function.changes.assigns_self(outermost));
        }
        let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
        id.and_then(|id| self.locals.get(id)).is_some_and(|local| local.assigned)
    }

    /// Notes the variables that an expression names.
    fn touch(&self, expr: &Expr, limit: LocalId, trace: &mut Trace) {
        let span = self.range(expr);
        for name in identifiers(self.written(span)) {
            if let Some(id) = self.lookup(name, limit)
                && trace.touched.insert(id)
                && let Some(local) = self.locals.get(id)
                && let Source::Let(value) | Source::Part(value) = local.source
            {
                self.touch(value, id, trace);
            }
        }
    }

    /// The expression in a form in which equal values are equal.
    pub(crate) fn key(&self, expr: &Expr, limit: LocalId, depth: usize) -> String {
        self.key_of(expr, limit, depth, true)
    }

    /// The same of a value, or of what the value is a part of: the only field of a newtype is what that is of, but other
    /// fields of a first field are not those of the whole.
    fn key_of(&self, expr: &Expr, limit: LocalId, depth: usize, is_end: bool) -> String {
        let unique = || {
            let span = self.range(expr);
            format!("{}#{}", types::written(self.written(span)), span.range.start)
        };
        if depth > MAX_STEPS {
            return unique();
        }
        if self.is_trusted_expression(expr, limit) {
            return types::written(self.written(self.range(expr))).trim_start_matches(['&', '*']).to_owned();
        }
        match expr {
            Expr::Paren(inner) => self.key_of(&inner.expr, limit, depth + 1, is_end),
            Expr::Group(inner) => self.key_of(&inner.expr, limit, depth + 1, is_end),
            Expr::Reference(inner) => self.key_of(&inner.expr, limit, depth + 1, is_end),
            Expr::Cast(inner) => match &*inner.ty {
                syn::Type::Infer(_) => self.key_of(&inner.expr, limit, depth + 1, is_end),
                // A cast to a narrower type is another value.
                _ => format!(
                    "{}as{}",
                    self.key_of(&inner.expr, limit, depth + 1, true),
                    types::written(self.written(self.range(&inner.ty)))
                ),
            },
            Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => {
                self.key_of(&unary.expr, limit, depth + 1, is_end)
            }
            Expr::Lit(_) => types::written(self.written(self.range(expr))),
            Expr::Field(field) => match &field.member {
                Member::Unnamed(index) if index.index == 0 && is_end => {
                    self.key_of(&field.base, limit, depth + 1, true)
                }
                Member::Unnamed(index) => {
                    format!("{}.{}", self.key_of(&field.base, limit, depth + 1, false), index.index)
                }
                Member::Named(_) if self.may_change_itself(field) => unique(),
                Member::Named(name) => {
                    format!("{}.{name}", self.key_of(&field.base, limit, depth + 1, false))
                }
            },
            Expr::MethodCall(call) if call.args.is_empty() => {
                let name = call.method.to_string();
                // A cell may hold another value each time that it is borrowed.
                if name != "borrow" && SAME_VALUE.contains(&name.as_str()) {
                    return self.key_of(&call.receiver, limit, depth + 1, is_end);
                }
                let getter = is_getter(&name);
                let fresh = ["next", "new", "gen", "fresh", "alloc", "take"]
                    .iter()
                    .any(|word| name.starts_with(word));
                if getter && !fresh {
                    return format!("{}.{name}()", self.key_of(&call.receiver, limit, depth + 1, false));
                }
                unique()
            }
            Expr::Path(path) => {
                let Some(ident) = path.path.get_ident() else {
                    return types::written(self.written(self.range(expr)));
                };
                let name = ident.to_string();
                let Some(id) = self.lookup(&name, limit) else { return name };
                let Some(local) = self.locals.get(id) else { return name };
                if local.unsteady {
                    // What it holds may differ from place to place.
                    return unique();
                }
                if let Source::Let(value) = local.source
                    && !local.mutable
                    && is_place(value)
                {
                    return self.key_of(value, id, depth + 1, is_end);
                }
                if local.twin == 0 { name } else { format!("{name}@{}", local.twin) }
            }
            _ => unique(),
        }
    }

    /// True for a field of `self` that the function may change.
    fn may_change_itself(&self, field: &syn::ExprField) -> bool {
        let of_self = matches!(strip(&field.base), Expr::Path(path) if path.path.is_ident("self"));
        of_self
            && self.functions.last().is_some_and(|function| {
                function.changes.assigns_self(Some(&field.member))
                    || function.changes_self && function.changes.called.contains("self")
            })
    }

    /// Whether the value may be NULL. Only what is in sight as something else than an `Option` never is.
    fn nullable(&self, expr: &Expr, limit: LocalId, depth: usize) -> Nullability {
        use Nullability::{Maybe, Never, Unseen};
        if depth > MAX_STEPS {
            return Unseen;
        }
        let next = |expr: &Expr| self.nullable(expr, limit, depth + 1);
        match strip(expr) {
            Expr::Lit(_) => Never,
            Expr::Path(path) => self.nullable_name(path, limit, depth),
            Expr::Field(field) => self.field_type(field, limit).map_or(Unseen, |ty| self.nullability(ty)),
            Expr::Cast(cast) => match &*cast.ty {
                syn::Type::Infer(_) => next(&cast.expr),
                ty => self.nullability(ty),
            },
            Expr::Try(inner) => match next(&inner.expr) {
                // What leaves when it is `None` holds a value afterwards.
                Maybe | Never => Never,
                Unseen => Unseen,
            },
            Expr::MethodCall(call) if call.args.is_empty() && self.type_of(expr, limit, depth).is_some() => {
                self.type_of(expr, limit, depth).map_or(Unseen, |ty| self.nullability(ty))
            }
            Expr::MethodCall(call) => match call.method.to_string().as_str() {
                "ok" | "checked_add" | "checked_sub" | "and_then" | "filter" | "or" | "or_else" | "get"
                | "first" | "last" => Maybe,
                "unwrap" | "expect" | "unwrap_or" | "unwrap_or_else" | "unwrap_or_default" | "ok_or"
                | "ok_or_else" => match next(&call.receiver) {
                    Maybe | Never => Never,
                    Unseen => Unseen,
                },
                // Into what, its place decides.
                "into" => next(&call.receiver).max(Unseen),
                "map" | "map_err" => next(&call.receiver).max(Unseen),
                name if SAME_VALUE.contains(&name) => next(&call.receiver),
                _ => Unseen,
            },
            Expr::If(choice) => match (choice.then_branch.stmts.last(), &choice.else_branch) {
                (Some(syn::Stmt::Expr(then, None)), Some((_, otherwise))) => next(then).max(next(otherwise)),
                _ => Unseen,
            },
            Expr::Block(block) if block.label.is_none() => match block.block.stmts.as_slice() {
                [syn::Stmt::Expr(tail, None)] => next(tail),
                _ => Unseen,
            },
            Expr::Match(choice) => choice.arms.iter().map(|arm| next(&arm.body)).max().unwrap_or(Unseen),
            _ => Unseen,
        }
    }

    fn nullable_name(&self, path: &syn::ExprPath, limit: LocalId, depth: usize) -> Nullability {
        let Some(name) = path.path.get_ident().map(ToString::to_string) else { return Nullability::Unseen };
        if name == "None" {
            return Nullability::Maybe;
        }
        let Some((id, local)) = self.lookup(&name, limit).and_then(|id| Some((id, self.locals.get(id)?)))
        else {
            return Nullability::Unseen;
        };
        match (local.ty, local.source) {
            (Some(ty), _) => self.nullability(ty),
            (None, Source::Let(value) | Source::Constant(value)) if !local.assigned => {
                self.nullable(value, id, depth + 1)
            }
            _ => Nullability::Unseen,
        }
    }

    /// The values in sight that a fix may bind: parameters that are the tenant's or may be, and trusted expressions.
    pub(super) fn at_hand(&mut self, params: &[(Vec<LocalId>, Param)]) -> Vec<AtHand> {
        if self.marks_only {
            return Vec::new();
        }
        let mut found = Vec::new();
        let locals = params.iter().flat_map(|(locals, param)| locals.iter().map(move |id| (*id, param)));
        for (id, param) in locals {
            let Some(local) = self.locals.get(id) else { continue };
            let (name, span) = (local.name.clone(), local.span);
            if self.lookup(&name, LocalId::MAX) != Some(id) || syn::parse_str::<syn::Ident>(&name).is_err() {
                continue;
            }
            let path = crate::ident::ident(&name);
            let path = Expr::Path(syn::ExprPath { attrs: Vec::new(), qself: None, path: path.into() });
            let bind = self.bind_at(&path, span, name, LocalId::MAX);
            let kinds = [ProvenanceKind::Trusted, ProvenanceKind::Guarded, ProvenanceKind::Parameter];
            if kinds.contains(&bind.provenance.kind) {
                let whole = !param.name.is_empty();
                let (ty, is_whole) = match self.handed_in(id, &param.ty).filter(|_| !whole) {
                    Some(ty) => (ty, true),
                    None => (param.ty.clone(), whole),
                };
                found.push(AtHand { bind, ty, is_whole });
            }
        }
        for entry in &self.trust.expressions {
            let text = entry.value.trim().to_owned();
            let base = text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
            let Some(local) = self.lookup(base, LocalId::MAX).and_then(|id| self.locals.get(id)) else {
                continue;
            };
            let provenance = Provenance {
                kind: ProvenanceKind::Trusted,
                steps: Vec::new(),
                row: None,
                extracted: None,
                checked_as: None,
                made_by: None,
            };
            let (span, nullable) = (local.span, Nullability::Unseen);
            let bind = Bind { span, key: text.clone(), text, nullable, provenance, each: false };
            found.push(AtHand { bind, ty: String::new(), is_whole: true });
        }
        self.touched.clear();
        found
    }

    /// The type of a variable that is all of what a framework hands over in a type of its own: `Extension(tenant)`.
    fn handed_in(&self, id: LocalId, whole: &str) -> Option<String> {
        let ty = self.locals.get(id)?.ty?;
        let of = whole.split('<').next()?;
        let is_handing = HANDING.contains(&of.rsplit("::").next().unwrap_or(of));
        is_handing.then(|| types::written(self.written(self.range(ty))))
    }

    /// The parameters of the function around, with the variables that each declares.
    pub(crate) fn params(&mut self) -> Vec<(Vec<LocalId>, Param)> {
        if self.marks_only {
            return Vec::new();
        }
        let (text, base, tokens) = (self.source.text, self.base, self.tokens);
        let Some(function) = self.functions.last_mut() else { return Vec::new() };
        let body = function.body;
        let used = function.used.get_or_insert_with(|| {
            let at = |offset: u32| (offset as usize).saturating_sub(base);
            let parsed = text.get(base..).unwrap_or("");
            let tokens = tokens.within(at(body.start)..at(body.end)).iter();
            tokens.flat_map(|token| names_in(token.kind, token.text(parsed))).collect()
        });
        let locals = &self.locals;
        let params = function.params.iter().map(|parameter| {
            let names = parameter.locals.iter().filter_map(|id| locals.get(*id));
            let param = Param {
                name: parameter.name.clone(),
                ty: parameter.ty.clone(),
                span: parameter.span,
                used: names.map(|local| &local.name).any(|name| used.contains(name.as_str())),
                bound_here: false,
            };
            (parameter.locals.clone(), param)
        });
        params.collect()
    }
}

fn is_generic((_, segment): (String, &syn::PathSegment)) -> bool {
    !types::generic_types(segment).is_empty()
}

/// True for a choice that yields what the pattern of one arm takes, and is left by the others.
fn only_part(choice: &syn::ExprMatch) -> bool {
    let mut staying = choice.arms.iter().filter(|arm| !diverges(&arm.body));
    let (Some(arm), None) = (staying.next(), staying.next()) else { return false };
    let Pat::TupleStruct(of) = &arm.pat else { return false };
    let (Some(Pat::Ident(taken)), 1) = (of.elems.first(), of.elems.len()) else { return false };
    let given = matches!(strip(&arm.body), Expr::Path(path) if path.path.is_ident(&taken.ident));
    given && arm.attrs.is_empty() && taken.subpat.is_none()
}

/// True if nothing between the query and its rows makes other values of these.
fn is_plain_query(expr: &Expr) -> bool {
    match strip(expr) {
        Expr::MethodCall(call) => {
            let name = call.method.to_string();
            name.starts_with("query")
                || matches!(name.as_str(), "bind" | "try_bind" | "persistent")
                    && is_plain_query(&call.receiver)
        }
        Expr::Try(inner) => is_plain_query(&inner.expr),
        Expr::Call(_) | Expr::Macro(_) | Expr::Path(_) => true,
        _ => false,
    }
}

/// The query that sqlx fetches a row by.
fn fetched_query(fetched: &Expr) -> Option<&Expr> {
    match strip(fetched) {
        Expr::Try(inner) => fetched_query(&inner.expr),
        Expr::Await(inner) => fetched_query(&inner.base),
        Expr::Field(field) => fetched_query(&field.base),
        Expr::Match(choice) => fetched_query(&choice.expr),
        Expr::MethodCall(call) if call.method.to_string().starts_with("fetch_") => Some(&call.receiver),
        Expr::MethodCall(call) => fetched_query(&call.receiver),
        _ => None,
    }
}

/// Functions of sqlx whose rows are no struct.
const UNTYPED: &[&str] = &["query", "query_with", "query_scalar", "query_scalar_with"];

/// The type that the rows of a query are read into, where it is written: `query_as::<_, Order>(…)`.
fn record_of(expr: &Expr) -> Option<&syn::Type> {
    match strip(expr) {
        Expr::MethodCall(call) if call.method == "build_query_as" => {
            let given = call.turbofish.as_ref()?.args.first()?;
            match given {
                syn::GenericArgument::Type(ty) => Some(ty),
                _ => None,
            }
        }
        Expr::MethodCall(call) => record_of(&call.receiver),
        Expr::Try(inner) => record_of(&inner.expr),
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else { return None };
            let last = path.path.segments.last().filter(|last| last.ident == "query_as")?;
            types::generic_types(last).get(1).copied()
        }
        _ => None,
    }
}

#[derive(Default)]
struct Trace {
    steps: Vec<(Span, String)>,
    /// What is traced is a part of what is looked at, or something that was made of it.
    is_part: bool,
    touched: HashSet<LocalId>,
    /// The name under which a guard has checked it.
    checked_as: Option<String>,
}

impl Trace {
    fn step(&mut self, span: Span, word: impl Into<String>) {
        if self.steps.len() < MAX_STEPS {
            self.steps.push((span, word.into()));
        }
    }
}

/// A variable or a field of one, seen through forms that keep the value.
pub(super) fn is_place(expr: &Expr) -> bool {
    match strip(expr) {
        Expr::Path(_) => true,
        Expr::Field(field) => is_place(&field.base),
        Expr::MethodCall(call) => {
            call.args.is_empty()
                && SAME_VALUE.iter().any(|name| call.method == name)
                && is_place(&call.receiver)
        }
        _ => false,
    }
}

/// A part of a struct that is written out.
enum Part<'a> {
    /// What a field is set to.
    Field(&'a Expr),
    /// What the fields that are not named come from.
    Rest(&'a Expr),
}

/// `|x| x.id`: a closure that takes a part of what it is given.
fn is_projection(closure: &syn::ExprClosure) -> bool {
    let Some(syn::Pat::Ident(name)) = closure.inputs.first() else { return false };
    let mut inner = strip(&closure.body);
    loop {
        inner = match inner {
            Expr::Field(field) => strip(&field.base),
            Expr::MethodCall(call) if call.args.is_empty() => strip(&call.receiver),
            Expr::Path(path) => return path.path.is_ident(&name.ident),
            _ => return false,
        };
    }
}

/// The identifiers of a piece of code, those named in format strings included.
pub(super) fn identifiers(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut at = 0usize;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let end = at + token.len as usize;
        found.extend(names_in(token.kind, text.get(at..end).unwrap_or("")));
        at = end;
    }
    found
}

/// The identifiers of a token: itself, or those that a format string names.
pub(super) fn names_in(kind: TokenKind, token: &str) -> impl Iterator<Item = &str> {
    let is_name = matches!(kind, TokenKind::Ident | TokenKind::RawIdent);
    let is_text =
        matches!(kind, TokenKind::Literal { kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. }, .. });
    let itself = is_name.then(|| token.trim_start_matches("r#"));
    // Within the braces stand names for widths and precisions too.
    let parts = token.split('{').skip(1).filter(move |_| is_text).flat_map(|part| {
        let inside = part.split('}').next().unwrap_or("");
        inside.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|name| !name.is_empty())
    });
    itself.into_iter().chain(parts)
}
