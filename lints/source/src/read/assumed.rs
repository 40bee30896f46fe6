//! What is assumed of conditions where a text is the one that is run, so that texts which would need a condition to hold
//! and not to hold are not taken for possible: a predicate is pushed under the condition under which its join was.
//!
//! **Invariant:** only a condition is assumed that has the same outcome wherever the function asks for it: it is made of
//! places that nothing in the function may change, of constants, and of operators and methods of the standard library whose
//! answer depends on these alone. **Invariant:** of what a loop, closure or macro declares for itself nothing is assumed,
//! since another round has another of it.
//! **Invariant:** where some of the texts stand for all combinations of optional conditions, nothing is assumed of a text
//! because a condition is not in it.

use std::collections::HashSet;

use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprMethodCall, Lit, Member, Pat, UnOp};
use tenantry_span::TextRange;

use super::Reader;
use super::evaluate::strip;
use super::scope::{LocalId, Source};
use crate::imports::is_standard;
use crate::types;

/// How many variables that stand for other places or conditions are followed.
const MAX_NAMES: usize = 4;

/// Types of which `is_empty` asks what they hold themselves, not what somebody else may add to at the same time.
const OWN_CONTENT: &[&str] =
    &["BTreeMap", "BTreeSet", "HashMap", "HashSet", "String", "Vec", "VecDeque", "str"];

/// An outcome of a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assumed {
    condition: String,
    holds: bool,
}

impl Assumed {
    fn negated(&self) -> Assumed {
        Assumed { condition: self.condition.clone(), holds: !self.holds }
    }
}

/// What is assumed where a condition holds, and where it does not.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) holds: Vec<Assumed>,
    pub(crate) fails: Vec<Assumed>,
}

impl Outcomes {
    fn of(condition: String, holds: bool) -> Outcomes {
        let one = Assumed { condition, holds };
        Outcomes { fails: vec![one.negated()], holds: vec![one] }
    }

    /// Those of the other branch.
    pub(crate) fn turned(self) -> Outcomes {
        Outcomes { holds: self.fails, fails: self.holds }
    }
}

/// What both assume; nothing where that cannot be.
pub(crate) fn together(one: &[Assumed], other: &[Assumed]) -> Option<Vec<Assumed>> {
    let mut all = one.to_vec();
    for assumed in other {
        if all.contains(&assumed.negated()) {
            return None;
        }
        if !all.contains(assumed) {
            all.push(assumed.clone());
        }
    }
    Some(all)
}

/// What each of two assumes.
pub(crate) fn common(one: &[Assumed], other: &[Assumed]) -> Vec<Assumed> {
    one.iter().filter(|assumed| other.contains(assumed)).cloned().collect()
}

impl<'a> Reader<'a> {
    /// What is assumed where a condition, which means what was declared before `limit`, holds and where it does not.
    pub(super) fn outcomes(&self, condition: &Expr, limit: LocalId) -> Outcomes {
        self.outcomes_within(condition, limit, 0)
    }

    fn outcomes_within(&self, condition: &Expr, limit: LocalId, depth: usize) -> Outcomes {
        match condition {
            Expr::Paren(inner) => self.outcomes_within(&inner.expr, limit, depth),
            Expr::Group(inner) => self.outcomes_within(&inner.expr, limit, depth),
            Expr::Unary(not) if matches!(not.op, UnOp::Not(_)) => {
                self.outcomes_within(&not.expr, limit, depth).turned()
            }
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
                let left = self.outcomes_within(&binary.left, limit, depth);
                // What the left side declares is not what the names meant before.
                let right = match declares_for(&binary.left, &binary.right) {
                    true => Outcomes::default(),
                    false => self.outcomes_within(&binary.right, limit, depth),
                };
                both(&left, &right, matches!(binary.op, BinOp::And(_)))
            }
            Expr::Binary(binary) => self.compared(binary, limit).unwrap_or_default(),
            Expr::Let(asked) => self.matched_by(&asked.pat, &asked.expr, limit),
            Expr::MethodCall(call) => self.asked(call, limit).unwrap_or_default(),
            _ => self.said(condition, limit, depth).unwrap_or_default(),
        }
    }

    /// A place that is true or false, or a variable that holds the outcome of a condition.
    fn said(&self, condition: &Expr, limit: LocalId, depth: usize) -> Option<Outcomes> {
        if let Expr::Path(path) = condition
            && let Some(id) = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit))
            && let Some(Source::Let(value)) = self.locals.get(id).map(|local| local.source)
            && depth < MAX_NAMES
            && self.stays_the_same(id)
        {
            let known = self.outcomes_within(value, id, depth + 1);
            if !known.holds.is_empty() || !known.fails.is_empty() {
                return Some(known);
            }
        }
        Some(Outcomes::of(format!("is {}", self.steady_place(condition, limit, 0)?), true))
    }

    /// `limit > 0`, `kind == Kind::Invoice`.
    fn compared(&self, binary: &syn::ExprBinary, limit: LocalId) -> Option<Outcomes> {
        let (sign, holds) = match binary.op {
            BinOp::Eq(_) => ("==", true),
            BinOp::Ne(_) => ("==", false),
            BinOp::Lt(_) => ("<", true),
            BinOp::Le(_) => ("<=", true),
            BinOp::Gt(_) => (">", true),
            BinOp::Ge(_) => (">=", true),
            _ => return None,
        };
        let (left, right) = (self.side(&binary.left, limit)?, self.side(&binary.right, limit)?);
        Some(Outcomes::of(format!("{left} {sign} {right}"), holds))
    }

    /// A side of a comparison: a place, or what is the same everywhere.
    fn side(&self, expr: &Expr, limit: LocalId) -> Option<String> {
        match strip(expr) {
            Expr::Lit(lit) if !matches!(lit.lit, Lit::Verbatim(_)) => {
                Some(format!("'{}'", self.written(self.token_span(lit.lit.span()))))
            }
            Expr::Path(path) if path.qself.is_none() && path.path.segments.len() > 1 => {
                let parts = path.path.segments.iter();
                let plain = parts.clone().all(|part| part.arguments.is_empty());
                let names: Vec<String> = parts.map(|part| part.ident.to_string()).collect();
                // What a type has is a constant, or one of its variants; what a module has may be a static.
                let of_type =
                    names.iter().rev().nth(1).is_some_and(|name| name.starts_with(char::is_uppercase));
                (plain && of_type).then(|| format!("'{}'", names.join("::")))
            }
            place => self.steady_place(place, limit, 0),
        }
    }

    /// `filter.name.is_some()`, `names.is_empty()`, and whether a list of texts has any.
    fn asked(&self, call: &ExprMethodCall, limit: LocalId) -> Option<Outcomes> {
        if !call.args.is_empty() {
            return None;
        }
        let name = call.method.to_string();
        if name == "is_empty"
            && let Some(list) = self.variable(&call.receiver).and_then(|id| self.state.lists.get(&id))
        {
            return Some(list.emptiness());
        }
        let (asked, holds) = match name.as_str() {
            "is_some" => ("some", true),
            "is_none" => ("some", false),
            "is_ok" => ("ok", true),
            "is_err" => ("ok", false),
            "is_empty" => ("empty", true),
            _ => return None,
        };
        let known = self.name_of_type(&call.receiver, limit);
        let is_its_own = match (asked, known.as_deref()) {
            ("empty", known) => known.is_some_and(|known| OWN_CONTENT.contains(&known)),
            // Another type may give these names to anything.
            ("some", Some(known)) => known == "Option",
            (_, Some(known)) => known == "Result",
            (_, None) => true,
        };
        if !is_its_own {
            return None;
        }
        let place = self.steady_place(&call.receiver, limit, 0)?;
        Some(Outcomes::of(format!("{asked} {place}"), holds))
    }

    /// The name of a place's type, where that is in sight.
    fn name_of_type(&self, place: &Expr, limit: LocalId) -> Option<String> {
        let ty = match strip(place) {
            Expr::Path(path) => {
                let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
                id.and_then(|id| self.locals.get(id)?.ty)
            }
            Expr::Field(field) => self.field_type(field, limit),
            _ => None,
        };
        let ty = ty?;
        let is_slice = match ty {
            syn::Type::Reference(inner) => matches!(*inner.elem, syn::Type::Slice(_)),
            other => matches!(other, syn::Type::Slice(_)),
        };
        if is_slice { Some("Vec".to_owned()) } else { types::last_segment(ty) }
    }

    /// True for a variable or field that is surely a collection of the standard library, whose methods are called as those
    /// that run queries are: `names.insert(name)`.
    pub(crate) fn is_collection(&self, place: &Expr) -> bool {
        if let Some(name) = self.name_of_type(place, LocalId::MAX) {
            return OWN_CONTENT.contains(&name.as_str());
        }
        let Expr::Path(path) = strip(place) else { return false };
        let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), LocalId::MAX));
        let Some(Source::Let(Expr::Call(made))) =
            id.and_then(|id| self.locals.get(id)).map(|local| &local.source)
        else {
            return false;
        };
        let Expr::Path(made) = &*made.func else { return false };
        let full = self.full(&made.path);
        let makes = |of: &&str| {
            ["new", "with_capacity", "from", "default"]
                .iter()
                .any(|name| is_standard(&full, &format!("{of}::{name}")))
        };
        OWN_CONTENT.iter().any(makes)
    }

    /// What is assumed where a value matches a pattern: `if let Some(name) = &filter.name`.
    pub(super) fn matched_by(&self, pattern: &Pat, value: &Expr, limit: LocalId) -> Outcomes {
        if let (Pat::Tuple(patterns), Expr::Tuple(values)) = (pattern, strip(value))
            && patterns.elems.len() == values.elems.len()
        {
            let pairs = patterns.elems.iter().zip(&values.elems);
            let all = pairs.map(|(pattern, value)| self.matched_by(pattern, value, limit));
            return all.reduce(|one, other| both(&one, &other, true)).unwrap_or_default();
        }
        let Some((asked, holds)) = question(pattern) else { return Outcomes::default() };
        match self.steady_place(value, limit, 0) {
            Some(place) => Outcomes::of(format!("{asked} {place}"), holds),
            None => Outcomes::default(),
        }
    }

    /// What is assumed in an arm of a `match`.
    pub(super) fn assumed_in_arm(&self, choice: &syn::ExprMatch, at: usize) -> Vec<Assumed> {
        let Some(arm) = choice.arms.get(at) else { return Vec::new() };
        let pattern = match &arm.pat {
            Pat::Guard(guarded) => &*guarded.pat,
            plain => plain,
        };
        let known = self.matched_by(pattern, &choice.expr, LocalId::MAX).holds;
        match (choice.arms.first(), at) {
            // The arm for all others: the only one before it did not match.
            (Some(first), 1) if known.is_empty() && takes_all(pattern) => match first.pat {
                Pat::Guard(_) => Vec::new(),
                // Behind a `cfg` it may not be there.
                _ if !first.attrs.is_empty() => Vec::new(),
                _ => self.matched_by(&first.pat, &choice.expr, LocalId::MAX).fails,
            },
            _ => known,
        }
    }

    /// The name of a place that holds the same wherever the function looks at it.
    fn steady_place(&self, expr: &Expr, limit: LocalId, depth: usize) -> Option<String> {
        match expr {
            Expr::Paren(inner) => self.steady_place(&inner.expr, limit, depth),
            Expr::Group(inner) => self.steady_place(&inner.expr, limit, depth),
            Expr::Reference(inner) if inner.mutability.is_none() => {
                self.steady_place(&inner.expr, limit, depth)
            }
            Expr::Unary(of) if matches!(of.op, UnOp::Deref(_)) => self.steady_place(&of.expr, limit, depth),
            Expr::Field(field) => {
                let member = match &field.member {
                    Member::Named(name) => name.to_string(),
                    Member::Unnamed(index) => index.index.to_string(),
                };
                (!self.may_be_lent(field, limit))
                    .then(|| Some(format!("{}.{member}", self.steady_place(&field.base, limit, depth)?)))
                    .flatten()
            }
            Expr::MethodCall(call) if call.args.is_empty() => {
                const VIEWS: &[&str] = &["as_deref", "as_ref", "clone", "cloned", "copied"];
                let views = VIEWS.iter().any(|view| call.method == view);
                views.then(|| self.steady_place(&call.receiver, limit, depth)).flatten()
            }
            Expr::Path(path) if path.path.is_ident("self") => {
                let function = self.functions.last()?;
                let steady = !function.changes_self && !function.changes.assigns_self(None);
                steady.then(|| "self".to_owned())
            }
            Expr::Path(path) => {
                let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
                if !self.stays_the_same(id) {
                    return None;
                }
                let other = match self.locals.get(id)?.source {
                    Source::Constant(_) => return None,
                    Source::Let(value) if depth < MAX_NAMES && is_place(value) => {
                        self.steady_place(value, id, depth + 1)
                    }
                    _ => None,
                };
                Some(other.unwrap_or_else(|| format!("#{id}")))
            }
            _ => None,
        }
    }

    /// A field that may hold a `&mut`, and is handed on as it stands or has a method called that may change it.
    fn may_be_lent(&self, field: &syn::ExprField, limit: LocalId) -> bool {
        if let (Expr::Path(base), Member::Named(name)) = (&*field.base, &field.member)
            && base.path.is_ident("self")
        {
            let called = self.functions.last().map(|function| &function.changes.called);
            return called.is_none_or(|called| called.contains(&format!("self.{name}")));
        }
        let Some(local) = self.root(&field.base).and_then(|id| self.locals.get(id)) else { return false };
        let plain = |ty: &syn::Type| !self.written(self.range(ty)).contains("mut ");
        local.handed_in_part
            && !local.ty.is_some_and(|ty| matches!(ty, syn::Type::Reference(_)) && plain(ty))
            && !self.field_type(field, limit).is_some_and(plain)
    }

    /// Nothing in the function may change what a variable holds, and there is one of it in a run of the function.
    fn stays_the_same(&self, id: LocalId) -> bool {
        let Some(local) = self.locals.get(id) else { return false };
        let is_repeated = self.repeats_from.is_some_and(|from| id >= from);
        if is_repeated || local.assigned || local.unsteady || local.mutable {
            return false;
        }
        let lends = |ty: &syn::Type| self.written(self.range(ty)).contains("mut ");
        let is_shared = |ty: &syn::Type| matches!(ty, syn::Type::Reference(_));
        match (local.source, local.ty) {
            (_, Some(ty)) if lends(ty) => false,
            (_, Some(ty)) => is_shared(ty) || !local.stirred,
            (Source::Let(value) | Source::Part(value), None) => {
                // What is looked at there cannot be changed either.
                !local.stirred || is_place(value) && self.steady_place(value, id, MAX_NAMES).is_some()
            }
            (Source::Parameter(_) | Source::Unseen | Source::Constant(_), None) => false,
        }
    }

    /// Runs `inside` for code that may run any number of times, none included.
    pub(super) fn repeatedly<R>(&mut self, code: TextRange, inside: impl FnOnce(&mut Self) -> R) -> R {
        let around = (self.repeats_from, self.round);
        self.repeats_from = around.0.or(Some(self.locals.len()));
        self.round = Some(code);
        let result = self.branch(inside);
        (self.repeats_from, self.round) = around;
        result
    }
}

/// The outcomes of two conditions as one.
fn both(left: &Outcomes, right: &Outcomes, conjoined: bool) -> Outcomes {
    let sides = if conjoined { (&left.holds, &right.holds) } else { (&left.fails, &right.fails) };
    let parts = sides.0.iter().chain(sides.1).cloned();
    let names = |side: &Outcomes| {
        // What holds where it does and fails where it does not is one condition.
        let one = match (side.holds.as_slice(), side.fails.as_slice()) {
            ([first, ..], [one, ..]) if *one == first.negated() => Some(first.clone()),
            _ => None,
        };
        one.map(|one| format!("{}{}", if one.holds { "" } else { "!" }, one.condition))
    };
    let sign = if conjoined { "&" } else { "|" };
    let whole = match (names(left), names(right)) {
        (Some(left), Some(right)) => Some(Outcomes::of(format!("({left} {sign} {right})"), true)),
        _ => None,
    };
    let mut all = whole.unwrap_or_default();
    if conjoined {
        all.holds.extend(parts)
    } else {
        all.fails.extend(parts)
    }
    all
}

/// The left side of a condition declares a name that the right side mentions.
fn declares_for(left: &Expr, right: &Expr) -> bool {
    let mut names = Names::default();
    names.visit_expr(left);
    let declared = std::mem::take(&mut names.declared);
    if declared.is_empty() {
        return false;
    }
    names.visit_expr(right);
    declared.iter().any(|name| names.used.contains(name))
}

/// The names that an expression declares, and those that it mentions.
#[derive(Default)]
struct Names {
    declared: HashSet<String>,
    used: HashSet<String>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.declared.insert(name.ident.to_string());
        visit::visit_pat_ident(self, name);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.used.extend(path.path.get_ident().map(ToString::to_string));
    }
}

/// What a pattern asks of an `Option`, a `Result` or a `bool`, whatever is in it.
fn question(pattern: &Pat) -> Option<(&'static str, bool)> {
    match pattern {
        Pat::Paren(inner) => question(&inner.pat),
        Pat::Reference(inner) => question(&inner.pat),
        Pat::TupleStruct(of) if of.elems.len() == 1 && of.elems.iter().all(takes_all) => {
            let is = |name: &str| of.path.is_ident(name);
            match (is("Some"), is("Ok"), is("Err")) {
                (true, ..) => Some(("some", true)),
                (_, true, _) => Some(("ok", true)),
                (.., true) => Some(("ok", false)),
                _ => None,
            }
        }
        Pat::Ident(name) if name.subpat.is_none() && name.ident == "None" => Some(("some", false)),
        Pat::Path(path) if path.path.is_ident("None") => Some(("some", false)),
        Pat::Lit(lit) => match &lit.lit {
            Lit::Bool(is) => Some(("is", is.value)),
            _ => None,
        },
        _ => None,
    }
}

/// True for a pattern that every value matches.
fn takes_all(pattern: &Pat) -> bool {
    match pattern {
        Pat::Wild(_) => true,
        // A name in capitals may be a constant that the value is compared with.
        Pat::Ident(name) => {
            let word = name.ident.to_string();
            name.subpat.is_none() && !word.trim_start_matches("r#").starts_with(char::is_uppercase)
        }
        Pat::Paren(inner) => takes_all(&inner.pat),
        Pat::Reference(inner) => takes_all(&inner.pat),
        _ => false,
    }
}

/// True for what is a place as it is written, or a look at one.
fn is_place(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_place(&inner.expr),
        Expr::Reference(inner) => inner.mutability.is_none() && is_place(&inner.expr),
        Expr::Field(field) => is_place(&field.base),
        Expr::Path(path) => path.path.get_ident().is_some(),
        _ => false,
    }
}
