//! Functions of the workspace that are called: followed with the values of their arguments.

use std::collections::{HashMap, HashSet};

use syn::spanned::Spanned;
use syn::{Expr, ExprCall, Item, ItemFn, Stmt};
use tenantry_span::Span;

use super::eval::{Eval, Place};
use super::hazards;
use super::model::{Function, NOWHERE};
use super::value::{Query, Val};
use crate::imports::Imports;

/// How many imports of blocks are followed from one to the next.
const MAX_IMPORTS: usize = 4;

/// The items of a block by name.
pub(super) type Inner<'t> = HashMap<String, Named<'t>>;

/// What an item of a block is.
#[derive(Clone, Debug)]
pub(super) enum Named<'t> {
    Function(&'t ItemFn),
    /// What the block imports it as.
    Import(Vec<String>),
    /// It is only known to be there.
    Other,
}

/// How deep functions are followed into one another.
const MAX_CALLS: usize = 6;

/// The items among the statements of a block.
pub(super) fn items_of(statements: &[Stmt]) -> Inner<'_> {
    let mut items = Inner::new();
    for statement in statements {
        let Stmt::Item(item) = statement else { continue };
        let (name, named) = match item {
            Item::Fn(item) => (&item.sig.ident, Named::Function(item)),
            Item::Const(item) => (&item.ident, Named::Other),
            Item::Enum(item) => (&item.ident, Named::Other),
            Item::Mod(item) => (&item.ident, Named::Other),
            Item::Static(item) => (&item.ident, Named::Other),
            Item::Struct(item) => (&item.ident, Named::Other),
            Item::Trait(item) => (&item.ident, Named::Other),
            Item::Type(item) => (&item.ident, Named::Other),
            Item::Union(item) => (&item.ident, Named::Other),
            Item::Use(item) => {
                let imports = Imports::of_use(item);
                let names = imports.names().map(|(name, path)| (name.clone(), Named::Import(path.clone())));
                items.extend(names);
                continue;
            }
            _ => continue,
        };
        items.insert(name.to_string(), named);
    }
    items
}

impl<'t> Eval<'_, 't> {
    /// The item of a block around that a name means, if one does.
    fn inner_item(&self, name: &str) -> Option<Named<'t>> {
        let found = self.inner.iter().rev().find_map(|items| items.get(name).cloned());
        found.or_else(|| self.hidden.contains(name).then_some(Named::Other))
    }

    /// A path as the module knows it: with what a block imports, and of its other items none.
    pub(super) fn outward(&self, path: Vec<String>) -> Vec<String> {
        let mut path = path;
        if path.first().is_some_and(|first| self.type_parameters.contains(first)) {
            return std::iter::once(NOWHERE.to_owned()).chain(path).collect();
        }
        for _ in 0..MAX_IMPORTS {
            let Some(item) = path.first().and_then(|first| self.inner_item(first)) else { return path };
            let Named::Import(full) = item else { break };
            let same = full.first() == path.first();
            path = full.into_iter().chain(path.into_iter().skip(1)).collect();
            if same {
                return path;
            }
        }
        std::iter::once(NOWHERE.to_owned()).chain(path).collect()
    }

    /// A call of an item of a block, or of something in one; `None` where it is no such call.
    pub(super) fn call_of_inner(&mut self, path: &[String], call: &'t ExprCall) -> Option<Val> {
        let (name, rest) = path.split_first()?;
        let item = match self.inner_item(name)? {
            Named::Function(item) => Some(item),
            Named::Import(_) => return None,
            Named::Other => None,
        };
        let arguments: Vec<&'t Expr> = call.args.iter().collect();
        let values: Vec<Val> = arguments.iter().map(|argument| self.expr(argument)).collect();
        let function = item.filter(|item| rest.is_empty() && item.sig.asyncness.is_none());
        if let Some(function) = function.and_then(|item| self.function_of(item)) {
            let handed = arguments.iter().zip(&values);
            let handed: Vec<Val> =
                handed.map(|(argument, value)| self.handed(argument, value.clone())).collect();
            let hidden = self.inner.iter().flat_map(HashMap::keys).chain(&self.hidden).cloned().collect();
            let value = self.follow_hiding(&function, handed, self.span(call), hidden);
            if let Some(value) = value.filter(|value| !matches!(value, Val::Plain(_) | Val::Never)) {
                return Some(value);
            }
        }
        Some(match path.iter().any(|part| part == "Entity") {
            true => {
                let why = format!("`{name}` is declared within the function");
                Val::Query(Box::new(Query::unknown(self.span(call), &self.written(call), why)))
            }
            false => self.unfollowed(values, call, path.last().map_or("", String::as_str)),
        })
    }

    /// A function within a function, as one of the workspace: of the variables around it none is in its sight.
    fn function_of(&self, item: &ItemFn) -> Option<Function> {
        let (head, body) = (item.sig.span().byte_range(), item.block.span().byte_range());
        let text = match self.place {
            Place::Here(_, base) => self.text.get(base + head.start..base + body.end),
            Place::Called(_, text) => text.get(head.start..body.end),
        };
        Some(Function {
            home: self.home.clone(),
            name: item.sig.ident.to_string(),
            of: None,
            of_trait: false,
            is_method: false,
            arguments: item.sig.inputs.len(),
            text: text?.to_owned(),
            touches: Vec::new(),
        })
    }

    /// Follows a function with the values of its arguments; `None` where that is too deep or it does not parse.
    pub(super) fn follow(&mut self, function: &Function, values: Vec<Val>, at: Span) -> Option<Val> {
        self.follow_hiding(function, values, at, HashSet::new())
    }

    /// The same, where names do not mean what they mean in the module.
    fn follow_hiding(
        &mut self,
        function: &Function,
        values: Vec<Val>,
        at: Span,
        hidden: HashSet<String>,
    ) -> Option<Val> {
        if self.calls >= MAX_CALLS {
            return None;
        }
        let (sig, block) = match syn::parse_str::<syn::ImplItemFn>(&function.text) {
            Ok(item) => (item.sig, item.block),
            Err(_) => {
                let item: ItemFn = syn::parse_str(&function.text).ok()?;
                (item.sig, *item.block)
            }
        };
        if hazards::of_called(&sig, &block).is_some() {
            return None;
        }
        let mut inner = Eval::new(
            self.entities,
            self.found,
            function.home.clone(),
            Place::Called(at, &function.text),
            "",
            None,
            function.of.clone(),
        );
        inner.hidden = hidden;
        inner.calls = self.calls + 1;
        inner.looking = true;
        inner.glancing = self.glancing;
        Some(inner.function(&sig, &block, values))
    }
}
