//! What is known where a condition holds, or where it does not: the comparisons that held, also those whose answer a variable
//! holds, and those of each row that an `Option` or a list holds.
//!
//! **Invariant:** what a condition says is taken from its operators and from methods of the standard library whose answer
//! is that of a closure, never from a name that the workspace may have given to something else.

use std::borrow::Cow;

use syn::parse::{Parse, ParseStream};
use syn::{BinOp, Expr, ExprMethodCall, Lit, Pat, Stmt, Token, UnOp};
use tenantry_span::{Span, TextRange};

use super::Reader;
use super::evaluate::{returns, strip};
use super::handed::looked_name;
use super::scope::{LocalId, Source};
use super::walk::is_same_result;

/// How many variables are followed that hold the answer of another.
const MAX_ANSWERS: usize = 4;

/// Two sides that were equal.
pub(super) struct Equal<'e> {
    pub(super) left: &'e Expr,
    pub(super) right: &'e Expr,
    /// They mean what was declared before this.
    pub(super) limit: LocalId,
    /// What stands behind them up to here is looked at only where they were equal.
    pub(super) end: u32,
}

/// A condition on each of the rows that a value holds.
pub(super) struct Inside<'e> {
    pub(super) rows: Cow<'e, Expr>,
    /// What a row is called in the condition, and where it gets that name.
    pub(super) name: String,
    pub(super) named: Span,
    pub(super) condition: Cow<'e, Expr>,
    /// What the condition was for each of them.
    pub(super) outcome: bool,
    /// There was one: where a value holds none, the condition is not so.
    pub(super) there: bool,
    pub(super) limit: LocalId,
    /// The whole of it, and the end of what is looked at only where it was so.
    pub(super) span: Span,
    pub(super) end: u32,
}

/// What is known where a condition has some outcome.
#[derive(Default)]
pub(super) struct Known<'e> {
    pub(super) equal: Vec<Equal<'e>>,
    pub(super) inside: Vec<Inside<'e>>,
    pub(super) asked: Vec<AskedOf<'e>>,
}

/// A call whose function may have compared what it was handed.
pub(super) struct AskedOf<'e> {
    pub(super) call: &'e Expr,
    /// How many times its answer was unwrapped.
    pub(super) unwrapped: usize,
    /// The yes or no that it was.
    pub(super) says: Option<bool>,
    pub(super) limit: LocalId,
    pub(super) end: u32,
}

impl<'a> Reader<'a> {
    /// What is known if the condition, which means what was declared before `limit`, is `outcome`.
    pub(super) fn known_if<'e>(&self, condition: &'e Expr, outcome: bool, limit: LocalId) -> Known<'e>
    where
        'a: 'e,
    {
        let mut known = Known::default();
        let place = Place { limit, end: self.range(condition).range.end, hidden: None, depth: 0 };
        self.learn(condition, outcome, place, &mut known);
        known
    }

    /// The same of a condition on a row that goes by a name in it.
    pub(super) fn known_of_row<'e>(&self, inside: &'e Inside<'_>) -> Vec<Equal<'e>>
    where
        'a: 'e,
    {
        let mut known = Known::default();
        let end = self.range(&*inside.condition).range.end;
        let place = Place { limit: inside.limit, end, hidden: Some(&inside.name), depth: 0 };
        self.learn(&inside.condition, inside.outcome, place, &mut known);
        known.equal
    }

    fn learn<'e>(&self, condition: &'e Expr, outcome: bool, place: Place<'_>, known: &mut Known<'e>)
    where
        'a: 'e,
    {
        match condition {
            Expr::Paren(inner) => self.learn(&inner.expr, outcome, place, known),
            Expr::Group(inner) => self.learn(&inner.expr, outcome, place, known),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                self.learn(&unary.expr, !outcome, place, known);
            }
            Expr::Binary(binary) => match (&binary.op, outcome) {
                (BinOp::And(_), true) | (BinOp::Or(_), false) => {
                    self.learn(&binary.left, outcome, place, known);
                    self.learn(&binary.right, outcome, place, known);
                }
                (BinOp::Eq(_), true) | (BinOp::Ne(_), false) => known.equal.push(Equal {
                    left: &binary.left,
                    right: &binary.right,
                    limit: place.limit,
                    end: place.end,
                }),
                _ => {}
            },
            Expr::Path(path) => {
                let name = path.path.get_ident().map(ToString::to_string);
                let hidden = name.as_deref().is_none_or(|name| Some(name) == place.hidden);
                if !hidden && let Some((value, id)) = self.answer(&name.unwrap_or_default(), place) {
                    let end = self.range(value).range.end;
                    self.learn(
                        value,
                        outcome,
                        Place { limit: id, end, depth: place.depth + 1, ..place },
                        known,
                    );
                }
            }
            Expr::MethodCall(call) => {
                let inside = self.asked_of_rows(call, outcome, place);
                if inside.is_none() {
                    known.asked.extend(asked_of(condition, outcome, place));
                }
                known.inside.extend(inside);
            }
            Expr::Call(_) | Expr::Await(_) | Expr::Try(_) => {
                known.asked.extend(asked_of(condition, outcome, place));
            }
            Expr::Macro(mac) if outcome => known.inside.extend(self.matched(&mac.mac, place)),
            _ => {}
        }
    }

    /// The condition whose answer a variable holds, from where it is declared on.
    fn answer(&self, name: &str, place: Place<'_>) -> Option<(&'a Expr, LocalId)> {
        if place.depth >= MAX_ANSWERS {
            return None;
        }
        let id = self.lookup(name, place.limit)?;
        let local = self.locals.get(id)?;
        let steady = !local.assigned && !local.unsteady && !local.mutable && !local.torn;
        let Source::Let(value) = local.source else { return None };
        steady.then_some((value, id))
    }

    /// `found.is_some_and(|row| …)`, `rows.iter().all(|row| …)`: a method that gives what its closure says.
    fn asked_of_rows<'e>(
        &self,
        call: &'e ExprMethodCall,
        outcome: bool,
        place: Place<'_>,
    ) -> Option<Inside<'e>> {
        let name = call.method.to_string();
        let arguments: Vec<&Expr> = call.args.iter().collect();
        // With the answer where there is no row.
        let (closure, otherwise) = match (name.as_str(), arguments.as_slice()) {
            ("is_some_and" | "is_ok_and", [Expr::Closure(closure)]) => (closure, false),
            ("is_none_or", [Expr::Closure(closure)]) => (closure, true),
            // That it is so of one row says nothing of the others.
            ("all", [Expr::Closure(closure)]) if outcome => (closure, true),
            ("any", [Expr::Closure(closure)]) if !outcome => (closure, false),
            ("map_or", [Expr::Lit(default), Expr::Closure(closure)]) => match &default.lit {
                Lit::Bool(default) => (closure, default.value),
                _ => return None,
            },
            _ => return None,
        };
        let [input] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
        if returns(&closure.body).is_some() {
            return None;
        }
        Some(Inside {
            rows: Cow::Borrowed(&*call.receiver),
            name: looked_name(input)?,
            named: self.range(input),
            condition: Cow::Borrowed(tail(&closure.body)?),
            outcome,
            there: outcome != otherwise,
            limit: place.limit,
            span: self.range(call),
            end: place.end,
        })
    }

    /// `matches!(found, Some(row) if …)`.
    fn matched(&self, mac: &syn::Macro, place: Place<'_>) -> Option<Inside<'static>> {
        if !mac.path.is_ident("matches") || self.full(&mac.path).len() > 1 || self.defines_macro("matches") {
            return None;
        }
        let Matches { value, pattern, guard } = mac.parse_body().ok()?;
        let guard = guard.filter(|guard| returns(guard).is_none())?;
        Some(Inside {
            name: looked_name(&pattern)?,
            named: self.range(&pattern),
            rows: Cow::Owned(value),
            condition: Cow::Owned(guard),
            outcome: true,
            there: true,
            limit: place.limit,
            span: self.range(mac),
            end: place.end,
        })
    }
}

/// The call whose answer a condition is, or of which it asks whether it is an error.
fn asked_of<'e>(condition: &'e Expr, outcome: bool, place: Place<'_>) -> Option<AskedOf<'e>> {
    let (answer, says) = match condition {
        Expr::MethodCall(call) if call.args.is_empty() => match call.method.to_string().as_str() {
            "is_err" | "is_none" if !outcome => (&*call.receiver, None),
            "is_ok" | "is_some" if outcome => (&*call.receiver, None),
            "is_err" | "is_none" | "is_ok" | "is_some" => return None,
            _ => (condition, Some(outcome)),
        },
        _ => (condition, Some(outcome)),
    };
    let (call, unwrapped) = unwrapped_call(answer)?;
    let unwrapped = unwrapped + usize::from(says.is_none());
    Some(AskedOf { call, unwrapped, says, limit: place.limit, end: place.end })
}

/// The call at the beginning of `call(…).await?`, and how many times its answer is unwrapped.
pub(super) fn unwrapped_call(expr: &Expr) -> Option<(&Expr, usize)> {
    match expr {
        Expr::Paren(inner) => unwrapped_call(&inner.expr),
        Expr::Await(inner) => unwrapped_call(&inner.base),
        Expr::Try(inner) => unwrapped_call(&inner.expr).map(|(call, count)| (call, count + 1)),
        Expr::MethodCall(call) if is_same_result(&call.method.to_string()) => unwrapped_call(&call.receiver),
        Expr::MethodCall(call) if call.method == "unwrap" || call.method == "expect" => {
            unwrapped_call(&call.receiver).map(|(call, count)| (call, count + 1))
        }
        Expr::MethodCall(call) if call.method == "ok_or" || call.method == "ok_or_else" => {
            unwrapped_call(&call.receiver)
        }
        Expr::MethodCall(_) | Expr::Call(_) => Some((expr, 0)),
        _ => None,
    }
}

/// Where a condition stands.
#[derive(Clone, Copy)]
struct Place<'n> {
    limit: LocalId,
    end: u32,
    /// A name that means none of the function's variables.
    hidden: Option<&'n str>,
    /// How many variables lie on the way.
    depth: usize,
}

/// The expression that a closure's body is.
fn tail(body: &Expr) -> Option<&Expr> {
    match body {
        Expr::Block(block) if block.label.is_none() && block.attrs.is_empty() => {
            match block.block.stmts.as_slice() {
                [Stmt::Expr(tail, None)] => Some(tail),
                _ => None,
            }
        }
        other => Some(other),
    }
}

/// The variable of which an expression is a view: `found.as_ref()`, `rows.iter()`, `&rows`.
pub(super) fn viewed(expr: &Expr) -> Option<String> {
    match strip(expr) {
        Expr::Path(path) => {
            path.path.get_ident().map(|name| name.to_string().trim_start_matches("r#").to_owned())
        }
        Expr::MethodCall(call) if call.args.is_empty() => {
            const VIEWS: &[&str] =
                &["as_ref", "as_deref", "clone", "cloned", "copied", "into_iter", "iter", "to_owned"];
            VIEWS.iter().any(|view| call.method == view).then(|| viewed(&call.receiver)).flatten()
        }
        _ => None,
    }
}

/// From the end of a part to the end of what it stands in.
pub(super) fn rest(after: TextRange, end: u32) -> TextRange {
    TextRange::new(after.end, end.max(after.end))
}

/// The arguments of `matches!`.
struct Matches {
    value: Expr,
    pattern: Pat,
    guard: Option<Expr>,
}

impl Parse for Matches {
    fn parse(input: ParseStream<'_>) -> syn::Result<Matches> {
        let value = input.parse()?;
        input.parse::<Token![,]>()?;
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let guard = match input.parse::<Option<Token![if]>>()? {
            Some(_) => Some(input.parse()?),
            None => None,
        };
        input.parse::<Option<Token![,]>>()?;
        Ok(Matches { value, pattern, guard })
    }
}
