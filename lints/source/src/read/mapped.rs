//! Lists that are made of another list, one text for each of its items: `ids.iter().map(|_| "?").collect()`, and what
//! is joined of them.
//!
//! **Invariant:** there is a text for no item, for one and for two: a list that goes on as it did before is a longer one of
//! the same kind.

use syn::{Expr, ExprClosure, ExprMethodCall, Lit, Pat};

use super::Reader;
use super::evaluate::{TextKind, returns, strip};
use super::growing::Growing;
use super::scope::LocalId;
use super::texts::Texts;

impl<'a> Reader<'a> {
    /// The list that is made of the items of another one.
    pub(super) fn mapped_list(&self, value: &Expr) -> Option<Growing> {
        let Expr::MethodCall(call) = strip(value) else { return None };
        let mapped = match call.method.to_string().as_str() {
            "collect" if call.args.is_empty() => strip(&call.receiver),
            "map" => strip(value),
            _ => return None,
        };
        let Expr::MethodCall(map) = mapped else { return None };
        // What it gives where it leaves early is not noted.
        let closure = mapping(map).filter(|closure| returns(&closure.body).is_none())?;
        Some(Growing::of_items(&self.closure_text(closure)?))
    }

    /// Where the parameters of a closure begin.
    fn place_of(&self, closure: &ExprClosure) -> usize {
        self.start_of(closure.inputs_begin.spans[0])
    }

    /// The text that a closure gives, as it was noted while the walk was inside it.
    fn closure_text(&self, closure: &ExprClosure) -> Option<Texts> {
        let start = match strip(&closure.body) {
            Expr::Block(block) => self.start_of(block.block.brace_token.span.open()),
            _ => self.place_of(closure),
        };
        self.block_texts.get(&start).cloned()
    }

    /// Notes the text that a closure gives, while what it declares is in sight.
    pub(super) fn note_closure_text(&mut self, closure: &'a ExprClosure) {
        let is_block = matches!(strip(&closure.body), Expr::Block(_));
        // A block notes its own.
        if !is_block && self.text_kind(&closure.body) == TextKind::Text {
            let text = self.texts(&closure.body);
            self.block_texts.insert(self.place_of(closure), text);
        }
    }

    /// Notes that a closure's parameter counts: `ids.iter().enumerate().map(|(at, id)| …)`, `(1..=count).map(|at| …)`.
    pub(super) fn note_counter(&mut self, call: &'a ExprMethodCall) {
        let Some(closure) = mapping(call) else { return };
        let counts = match strip(&call.receiver) {
            Expr::Range(range) => range.start.as_deref().is_some_and(is_number),
            Expr::MethodCall(of) => of.method == "enumerate" && of.args.is_empty(),
            _ => false,
        };
        if counts {
            self.counting.insert(self.place_of(closure));
        }
    }

    /// Declares what the closure of `map` counts by as an integer, where it was noted to count. Its parameters are those
    /// from `first` on.
    pub(super) fn declare_counter(&mut self, closure: &ExprClosure, first: LocalId) {
        let name = match closure.inputs.first() {
            Some(Pat::Tuple(of)) => of.elems.first(),
            other => other,
        };
        let Some(Pat::Ident(name)) = name.filter(|_| self.counting.contains(&self.place_of(closure))) else {
            return;
        };
        let named = |local: &&mut super::scope::Local<'a>| name.ident == local.name;
        if let Some(local) = self.locals.iter_mut().skip(first).find(named) {
            local.counts = true;
        }
    }
}

/// The closure of `items.map(|item| …)`.
fn mapping(call: &ExprMethodCall) -> Option<&ExprClosure> {
    match (call.method == "map", call.args.first(), call.args.len()) {
        (true, Some(Expr::Closure(closure)), 1) => Some(closure),
        _ => None,
    }
}

fn is_number(expr: &Expr) -> bool {
    matches!(expr, Expr::Lit(lit) if matches!(lit.lit, Lit::Int(_)))
}
