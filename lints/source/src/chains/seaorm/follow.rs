//! Functions of the workspace that are called: followed with the values of their arguments.

use syn::Block;
use tenantry_span::Span;

use super::eval::{Eval, Place};
use super::hazards;
use super::model::Function;
use super::value::Val;

/// How deep functions are followed into one another.
const MAX_CALLS: usize = 6;

impl Eval<'_, '_> {
    /// Follows a function with the values of its arguments; `None` where that is too deep or it does not parse.
    pub(super) fn follow(&mut self, function: &Function, values: Vec<Val>, at: Span) -> Option<Val> {
        if self.calls >= MAX_CALLS {
            return None;
        }
        let item: syn::ImplItemFn = match syn::parse_str(&function.text) {
            Ok(item) => item,
            Err(_) => {
                let item: syn::ItemFn = syn::parse_str(&function.text).ok()?;
                if hazards::of_called(&item.sig, &item.block).is_some() {
                    return None;
                }
                return Some(self.follow_parsed(function, &item.sig, &item.block, values, at));
            }
        };
        if hazards::of_called(&item.sig, &item.block).is_some() {
            return None;
        }
        Some(self.follow_parsed(function, &item.sig, &item.block, values, at))
    }

    fn follow_parsed(
        &mut self,
        function: &Function,
        sig: &syn::Signature,
        block: &Block,
        values: Vec<Val>,
        at: Span,
    ) -> Val {
        let mut inner = Eval::new(
            self.entities,
            self.found,
            function.home.clone(),
            Place::Called(at, &function.text),
            "",
            None,
            function.of.clone(),
        );
        inner.calls = self.calls + 1;
        inner.looking = true;
        inner.glancing = self.glancing;
        inner.function(&sig.inputs, block, values)
    }
}
