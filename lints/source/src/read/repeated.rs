//! Lists all of whose elements are one value: `vec![tenant; ids.len()]`, `ids.iter().map(|_| tenant).collect()`.
//!
//! **Invariant:** nothing is added to such a list: it is bound where it is made, or held by a variable that the function
//! does nothing to but look at.

use std::borrow::Cow;

use syn::parse::{Parse, ParseStream};
use syn::{Expr, Macro, Pat, Token};

use super::Reader;
use super::evaluate::strip;
use super::scope::{LocalId, Source};

/// How many variables hold a list before it is bound.
const MAX_NAMES: usize = 4;

/// Methods that look at a list as a whole.
const VIEWS: &[&str] = &["as_ref", "as_slice", "clone", "to_owned", "to_vec"];

impl<'a> Reader<'a> {
    /// The value that each element of a list is, and before which variables it was written.
    pub(super) fn element_of<'e>(&self, list: &'e Expr, limit: LocalId) -> Option<(Cow<'e, Expr>, LocalId)>
    where
        'a: 'e,
    {
        self.element_within(list, limit, 0)
    }

    fn element_within<'e>(
        &self,
        list: &'e Expr,
        limit: LocalId,
        depth: usize,
    ) -> Option<(Cow<'e, Expr>, LocalId)>
    where
        'a: 'e,
    {
        match strip(list) {
            Expr::Cast(inner) => self.element_within(&inner.expr, limit, depth),
            Expr::Index(index) if matches!(strip(&index.index), Expr::Range(range) if range.start.is_none() && range.end.is_none()) => {
                self.element_within(&index.expr, limit, depth)
            }
            Expr::Repeat(repeat) => Some((Cow::Borrowed(&*repeat.expr), limit)),
            Expr::Macro(mac) => Some((Cow::Owned(self.of_macro(&mac.mac)?), limit)),
            Expr::Path(path) if depth < MAX_NAMES => {
                let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
                let local = self.locals.get(id)?;
                let is_plain = !local.assigned && !local.unsteady && !local.mutable && !local.torn;
                let Source::Let(value) = local.source else { return None };
                is_plain.then(|| self.element_within(value, id, depth + 1)).flatten()
            }
            Expr::MethodCall(call) if call.args.is_empty() => {
                let name = call.method.to_string();
                match name.as_str() {
                    name if VIEWS.contains(&name) => self.element_within(&call.receiver, limit, depth),
                    "collect" => self.mapped_to(&call.receiver, limit),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    /// `vec![tenant; count]`.
    fn of_macro(&self, mac: &Macro) -> Option<Expr> {
        let is_own = self.full(&mac.path).len() > 1 || self.defines_macro("vec");
        let Repeated { element } = mac.parse_body().ok().filter(|_| mac.path.is_ident("vec") && !is_own)?;
        Some(element)
    }

    /// `ids.iter().map(|_| tenant)`: every item becomes a value that does not hang on it.
    fn mapped_to<'e>(&self, items: &'e Expr, limit: LocalId) -> Option<(Cow<'e, Expr>, LocalId)> {
        let Expr::MethodCall(call) = strip(items) else { return None };
        let (true, Some(Expr::Closure(closure)), 1) =
            (call.method == "map", call.args.first(), call.args.len())
        else {
            return None;
        };
        let [Pat::Wild(_)] = closure.inputs.iter().collect::<Vec<_>>()[..] else { return None };
        // What is called in there may give another value each time.
        let is_place = is_place(&closure.body);
        is_place.then_some((Cow::Borrowed(&*closure.body), limit))
    }
}

/// True for a variable, or a field of one, copied or as it is.
fn is_place(expr: &Expr) -> bool {
    match strip(expr) {
        Expr::Path(path) => path.path.get_ident().is_some(),
        Expr::Field(field) => is_place(&field.base),
        Expr::MethodCall(call) => call.args.is_empty() && call.method == "clone" && is_place(&call.receiver),
        _ => false,
    }
}

/// What stands in `vec![tenant; count]`.
struct Repeated {
    element: Expr,
}

impl Parse for Repeated {
    fn parse(input: ParseStream<'_>) -> syn::Result<Repeated> {
        let element = input.parse()?;
        input.parse::<Token![;]>()?;
        input.parse::<Expr>()?;
        Ok(Repeated { element })
    }
}
