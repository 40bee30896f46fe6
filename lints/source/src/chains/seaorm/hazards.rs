//! What of a function cannot be followed for certain: code that may run or not where the walk would take it to run, and
//! changes of variables that have another form than an assignment. Such a function is not followed at all.

use std::collections::HashSet;

use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, Pat, Stmt};

/// Macros that only read what they are given.
pub(super) const READING: &[&str] = &[
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "concat",
    "dbg",
    "debug",
    "debug_span",
    "ensure",
    "env",
    "eprintln",
    "error",
    "event",
    "format",
    "format_err",
    "hashmap",
    "info",
    "info_span",
    "instrument",
    "join",
    "json",
    "matches",
    "panic",
    "print",
    "println",
    "span",
    "stringify",
    "todo",
    "trace",
    "try_join",
    "unimplemented",
    "unreachable",
    "vec",
    "warn",
    "write",
    "writeln",
];

/// Methods of the standard library that change what they are called on.
pub(super) const MUTATING: &[&str] = &[
    "append",
    "as_deref_mut",
    "as_mut",
    "as_mut_slice",
    "clear",
    "clone_from",
    "dedup",
    "drain",
    "entry",
    "extend",
    "extend_from_slice",
    "fill",
    "first_mut",
    "get_mut",
    "get_or_insert",
    "get_or_insert_with",
    "insert",
    "iter_mut",
    "last_mut",
    "pop",
    "push",
    "push_back",
    "push_front",
    "remove",
    "replace",
    "resize",
    "retain",
    "reverse",
    "rotate_left",
    "rotate_right",
    "splice",
    "swap",
    "swap_remove",
    "truncate",
    "values_mut",
];

/// The head of a method that may change what it is called on: `&mut self`, `&'a mut self`, `self: &mut Self`.
pub(super) fn may_change_self(function: &str) -> bool {
    let head = function.split('{').next().unwrap_or(function);
    let receiver =
        head.split_once('(').map_or(head, |(_, rest)| rest.split([',', ')']).next().unwrap_or(rest));
    receiver.contains("mut") && receiver.contains("self") || receiver.contains(':')
}

/// Why the function cannot be followed, if it cannot.
pub(super) fn of(sig: &syn::Signature, block: &Block) -> Option<&'static str> {
    let mut changeable = Changeable::default();
    changeable.visit_signature(sig);
    changeable.visit_block(block);
    let mut search = Search { changeable: changeable.0, ..Search::default() };
    search.visit_block(block);
    search.found
}

/// Why a function that is called cannot be followed: its parameters' values must stay theirs as well.
pub(super) fn of_called(sig: &syn::Signature, block: &Block) -> Option<&'static str> {
    struct Lends(bool);
    impl<'a> Visit<'a> for Lends {
        fn visit_expr_reference(&mut self, expr: &'a syn::ExprReference) {
            self.0 |= expr.mutability.is_some();
            visit::visit_expr_reference(self, expr);
        }

        fn visit_expr_binary(&mut self, expr: &'a syn::ExprBinary) {
            self.0 |= crate::read::assigns_to_left(&expr.op);
            visit::visit_expr_binary(self, expr);
        }

        fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
            self.0 |= MUTATING.iter().any(|name| call.method == name);
            visit::visit_expr_method_call(self, call);
        }
    }
    let mut lends = Lends(false);
    lends.visit_block(block);
    let mut changeable = Changeable::default();
    changeable.visit_signature(sig);
    changeable.visit_block(block);
    if !changeable.0.is_empty() && lends.0 {
        return Some("a variable is changed in place");
    }
    of(sig, block)
}

/// Variables that may be assigned to: those that are `mut`, and those that are declared without a value.
#[derive(Default)]
struct Changeable(HashSet<String>);

impl<'a> Visit<'a> for Changeable {
    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        if pattern.mutability.is_some() {
            self.0.insert(pattern.ident.to_string());
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_local(&mut self, local: &'a syn::Local) {
        if local.init.is_none() {
            self.0.extend(declared(|declared| declared.visit_local(local)));
        }
        visit::visit_local(self, local);
    }
}

/// A name of these is among the tokens.
fn names_one(tokens: proc_macro2::TokenStream, names: &HashSet<String>) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(name) => names.contains(&name.to_string()),
        proc_macro2::TokenTree::Group(group) => names_one(group.stream(), names),
        proc_macro2::TokenTree::Punct(_) | proc_macro2::TokenTree::Literal(_) => false,
    })
}

#[derive(Default)]
struct Search {
    found: Option<&'static str>,
    /// Variables that may be assigned to.
    changeable: HashSet<String>,
    /// Names that each closure or `async` block around declares itself.
    own: Vec<HashSet<String>>,
    /// How many closures are around, without those of `async` blocks.
    closures: usize,
}

impl Search {
    fn tell(&mut self, why: &'static str) {
        self.found.get_or_insert(why);
    }

    fn assigned(&mut self, left: &Expr) {
        match left {
            Expr::Path(path) => {
                let name = path.path.get_ident().map(ToString::to_string).unwrap_or_default();
                if self.own.last().is_some_and(|own| !own.contains(&name)) {
                    self.tell(
                        "a closure or block that may run at another time assigns to a variable outside of it",
                    );
                }
            }
            Expr::Field(field) => self.assigned(&field.base),
            Expr::Paren(inner) => self.assigned(&inner.expr),
            Expr::Index(_) => self.tell("an element of a list is assigned to"),
            Expr::Unary(_) => self.tell("a value is assigned to through a reference"),
            _ => self.tell("several variables are assigned to at once"),
        }
    }

    fn apart(&mut self, names: HashSet<String>, inside: impl FnOnce(&mut Self)) {
        self.own.push(names);
        inside(self);
        self.own.pop();
    }
}

/// The names that patterns below declare.
fn declared(visit: impl FnOnce(&mut Declared)) -> HashSet<String> {
    let mut declared = Declared::default();
    visit(&mut declared);
    declared.0
}

#[derive(Default)]
struct Declared(HashSet<String>);

impl<'a> Visit<'a> for Declared {
    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        self.0.insert(pattern.ident.to_string());
        visit::visit_pat_ident(self, pattern);
    }
}

/// All that is imported is named.
fn is_by_name(tree: &syn::UseTree) -> bool {
    match tree {
        syn::UseTree::Path(path) => is_by_name(&path.tree),
        syn::UseTree::Name(_) | syn::UseTree::Rename(_) => true,
        syn::UseTree::Glob(_) => false,
        syn::UseTree::Group(group) => group.items.iter().all(is_by_name),
    }
}

/// Something in the expression assigns or has a block of its own.
fn does_more_than_ask(expr: &Expr) -> bool {
    struct Effects(bool);
    impl<'a> Visit<'a> for Effects {
        fn visit_expr(&mut self, expr: &'a Expr) {
            self.0 |= matches!(expr, Expr::Assign(_)) || is_compound(expr);
            visit::visit_expr(self, expr);
        }
    }
    let mut effects = Effects(false);
    effects.visit_expr(expr);
    effects.0
}

fn is_compound(expr: &Expr) -> bool {
    matches!(expr, Expr::Binary(binary) if crate::read::assigns_to_left(&binary.op))
}

fn ends_in_err(block: &Block) -> bool {
    let Some(Stmt::Expr(Expr::Call(call), None)) = block.stmts.last() else { return false };
    matches!(&*call.func, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Err"))
}

impl<'a> Visit<'a> for Search {
    fn visit_attribute(&mut self, attribute: &'a Attribute) {
        if attribute.path().is_ident("cfg") || attribute.path().is_ident("cfg_attr") {
            self.tell("a part of the function may be taken away by `cfg`");
        }
    }

    fn visit_item(&mut self, item: &'a syn::Item) {
        // What is imported by its name is looked up by it (`follow`).
        if let syn::Item::Use(item) = item
            && !is_by_name(&item.tree)
        {
            self.tell("names are imported within the function");
        }
        // Functions of its own are followed for themselves.
    }

    fn visit_block(&mut self, block: &'a Block) {
        let mut effects = false;
        if ends_in_err(block) {
            for statement in &block.stmts {
                if let Stmt::Expr(expr, _) = statement {
                    effects |= does_more_than_ask(expr);
                }
            }
        }
        if effects {
            self.tell("a branch that ends in an error changes a variable");
        }
        visit::visit_block(self, block);
    }

    fn visit_macro(&mut self, mac: &'a syn::Macro) {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        if !READING.contains(&name.as_str()) && names_one(mac.tokens.clone(), &self.changeable) {
            self.tell("a macro may do anything with what it is given");
        }
    }

    fn visit_pat(&mut self, pattern: &'a Pat) {
        if let Pat::Guard(of) = pattern
            && does_more_than_ask(&of.guard)
        {
            self.tell("the guard of a `match` changes a variable");
        }
        visit::visit_pat(self, pattern);
    }

    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        if pattern.by_ref.is_some() && pattern.mutability.is_some() {
            self.tell("a variable is lent by `ref mut`");
        }
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_local(&mut self, local: &'a syn::Local) {
        if local
            .init
            .as_ref()
            .is_some_and(|init| matches!(&*init.expr, Expr::Reference(of) if of.mutability.is_some()))
        {
            self.tell("a variable is lent to another one");
        }
        visit::visit_local(self, local);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Assign(assign) => self.assigned(&assign.left),
            Expr::Binary(binary)
                if matches!(binary.op, syn::BinOp::And(_) | syn::BinOp::Or(_))
                    && does_more_than_ask(&binary.right) =>
            {
                self.tell("a condition changes a variable");
            }
            Expr::Binary(binary) if is_compound(expr) => self.assigned(&binary.left),
            Expr::MethodCall(call) if call.method == "clone_from" => {
                self.tell("a variable is changed in place");
            }
            Expr::Return(_) if self.closures > 0 => self.tell("a closure is left early"),
            Expr::Closure(closure) => {
                let names = declared(|declared| declared.visit_expr_closure(closure));
                self.closures += 1;
                self.apart(names, |search| visit::visit_expr_closure(search, closure));
                self.closures -= 1;
                return;
            }
            Expr::Async(block) => {
                let names = declared(|declared| declared.visit_expr_async(block));
                let closures = std::mem::take(&mut self.closures);
                self.apart(names, |search| visit::visit_expr_async(search, block));
                self.closures = closures;
                return;
            }
            _ => {}
        }
        visit::visit_expr(self, expr);
    }
}
