//! What a piece of code does to the variables it names.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprMethodCall, Macro};

use super::provenance::leaves_alone;

/// Methods that change a text in place.
pub(super) const MUTATING: &[&str] = &[
    "push_str",
    "push",
    "insert_str",
    "insert",
    "clear",
    "truncate",
    "extend",
    "retain",
    "remove",
    "drain",
    "replace_range",
    "pop",
    "write_str",
    "write_fmt",
    "append",
];

/// Methods of a list that add to its end.
const ADDING: &[&str] = &["push", "extend", "extend_from_slice"];

/// Methods of a list of texts that make one text of it.
const JOINING: &[&str] = &["join", "concat"];

/// Names of variables, by what code does to them. Names, since code is looked at before its variables are in sight.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Assigned to as a whole, `x = …`: only what is declared `mut`, or without a value, can be.
    pub(super) whole: BTreeSet<String>,
    /// Changed in a part or through a reference, `x.a = …`, `*x = …`, `&mut x.a`.
    pub(super) within: BTreeSet<String>,
    /// Changed by a method known for that, or lent as a whole, `x.push(…)`, `&mut x`.
    pub(super) text: BTreeSet<String>,
    /// Receives a method that may change it.
    pub(super) called: BTreeSet<String>,
    /// Done more to than being read and added to at its end.
    pub(super) stirred: BTreeSet<String>,
    /// Handed on as it stands, `f(x)`: what is a `&mut` is lent by that.
    pub(super) handed: BTreeSet<String>,
    /// Of which a part is handed on as it stands, `f(x.a)`: what is a `&mut` is lent by that.
    pub(super) handed_in_part: BTreeSet<String>,
    /// Handed to a macro among the statements, which may declare its name anew, even of what cannot change.
    pub(super) rebound: BTreeSet<String>,
    /// Names that patterns give to parts of a place, each with the variable that this is in: through a `&mut` they are it.
    parts: Vec<(String, String)>,
}

impl Changes {
    /// The changes of the code that `walk` visits.
    pub(super) fn of(walk: impl FnOnce(&mut Changes)) -> Changes {
        let mut changes = Changes::default();
        walk(&mut changes);
        // Names of names first: what is taken apart last was taken of what was taken apart before.
        for (part, whole) in std::mem::take(&mut changes.parts).into_iter().rev() {
            if changes.within.contains(&part) {
                changes.within.insert(whole);
            }
        }
        changes
    }

    /// True if something is assigned to `self`, or to this field of it where one is meant.
    pub(super) fn assigns_self(&self, field: Option<&syn::Member>) -> bool {
        let whole = [&self.whole, &self.within, &self.text].iter().any(|names| names.contains("self"));
        let part = |name: &String| match (name.strip_prefix("self."), field) {
            (Some(part), Some(syn::Member::Named(field))) => *field == part,
            (part, _) => part.is_some(),
        };
        whole || self.within.iter().any(part)
    }

    /// All variables that are changed in place, assigned to or declared anew.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.whole.iter().chain(&self.within).chain(&self.text).chain(&self.rebound)
    }

    /// A macro among the statements.
    pub(super) fn statement_macro(&mut self, mac: &Macro) {
        if may_change_arguments(mac) {
            self.rebinds(mac.tokens.clone());
        }
    }

    /// Names that stand by themselves: a macro can declare what it is handed as a name, not what is in an expression.
    fn rebinds(&mut self, tokens: TokenStream) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, tree) in trees.iter().enumerate() {
            let before = at.checked_sub(1).and_then(|before| trees.get(before));
            let after = trees.get(at + 1);
            let in_expression =
                is_sign(before, ".&*") || is_sign(after, ".!") || matches!(after, Some(TokenTree::Group(_)));
            if let TokenTree::Ident(name) = tree
                && !in_expression
            {
                self.rebound.insert(name.to_string());
            }
        }
    }

    fn hand_over<'e>(&mut self, arguments: impl Iterator<Item = &'e Expr>) {
        for argument in arguments {
            self.handed.extend(bare(argument));
            self.handed_in_part.extend(part_of(argument));
        }
    }

    fn assigned(&mut self, left: &Expr) {
        match left {
            Expr::Paren(inner) => self.assigned(&inner.expr),
            Expr::Group(inner) => self.assigned(&inner.expr),
            Expr::Path(path) => self.whole.extend(path.path.get_ident().map(ToString::to_string)),
            Expr::Tuple(of) => of.elems.iter().for_each(|element| self.assigned(element)),
            Expr::Array(of) => of.elems.iter().for_each(|element| self.assigned(element)),
            Expr::Call(of) => of.args.iter().for_each(|argument| self.assigned(argument)),
            Expr::Struct(of) => of.fields.iter().for_each(|field| self.assigned(&field.expr)),
            other => self.within.extend(root(other)),
        }
    }

    /// A `ref mut` in the pattern lends a part of the value.
    fn taken_apart(&mut self, pattern: &syn::Pat, value: &Expr) {
        if lends(pattern) {
            self.within.extend(root(value));
        }
        if let Some(whole) = root(value).filter(|_| is_the_place_itself(value)) {
            let mut names = Names(Vec::new());
            names.visit_pat(pattern);
            self.parts.extend(names.0.into_iter().map(|name| (name, whole.clone())));
        }
    }

    fn macro_tokens(&mut self, tokens: TokenStream, lends_all: bool) {
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        for (at, tree) in trees.iter().enumerate() {
            match tree {
                TokenTree::Ident(name) => {
                    if lends_all {
                        self.stirred.insert(name.to_string());
                        self.text.insert(name.to_string());
                    }
                    if is_sign(trees.get(at + 1), "!")
                        && let Some(TokenTree::Group(group)) = trees.get(at + 2)
                        && !reads_only(&name.to_string())
                    {
                        self.rebinds(group.stream());
                    }
                    if is_sign(trees.get(at + 1), ".") {
                        self.called_in_macro(name.to_string(), trees.get(at + 2), trees.get(at + 3));
                        let around = root_in_macro(&trees, at);
                        self.called_in_macro(around, trees.get(at + 2), trees.get(at + 3));
                    }
                    if name == "mut"
                        && at.checked_sub(1).is_some_and(|before| is_sign(trees.get(before), "&"))
                    {
                        self.lent_in_macro(trees.get(at + 1..).unwrap_or_default());
                    }
                }
                TokenTree::Group(group) => self.macro_tokens(group.stream(), lends_all),
                TokenTree::Punct(sign) if sign.as_char() == '=' => {
                    if assigns(&trees, at) {
                        self.assigned_in_macro(&trees, at);
                    }
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }

    /// `name.method(…)`.
    fn called_in_macro(&mut self, name: String, method: Option<&TokenTree>, after: Option<&TokenTree>) {
        let method = method.map(ToString::to_string).unwrap_or_default();
        if !leaves_alone(&method)
            && !JOINING.contains(&method.as_str())
            && matches!(after, Some(TokenTree::Group(_)))
        {
            self.stirred.insert(name.clone());
            self.called.insert(name.clone());
        }
        if MUTATING.contains(&method.as_str()) {
            self.stirred.insert(name.clone());
            self.text.insert(name);
        }
    }

    /// What follows `&mut`.
    fn lent_in_macro(&mut self, after: &[TokenTree]) {
        let mut names = after.iter().skip_while(|tree| is_sign(Some(tree), "*"));
        match (names.next(), names.next()) {
            (Some(TokenTree::Ident(name)), next) if is_sign(next, ".") => {
                self.within.insert(name.to_string());
            }
            (Some(TokenTree::Ident(name)), _) => {
                self.stirred.insert(name.to_string());
                self.text.insert(name.to_string());
            }
            (Some(TokenTree::Group(group)), _) => self.all_within(group.stream()),
            _ => {}
        }
    }

    /// What stands before an `=`: a variable, or the way from one to a part of it.
    fn assigned_in_macro(&mut self, trees: &[TokenTree], equals: usize) {
        let mut at = equals;
        while at > 0 && is_sign(trees.get(at - 1), "+-*/%&|^<>") {
            at -= 1;
        }
        let end = at;
        let mut first = None;
        while let Some(before) = at.checked_sub(1) {
            match trees.get(before) {
                Some(TokenTree::Ident(name)) => first = Some(name.to_string()),
                Some(TokenTree::Group(group)) => {
                    let arguments = before
                        .checked_sub(1)
                        .is_some_and(|at| matches!(trees.get(at), Some(TokenTree::Ident(_))));
                    if !arguments {
                        self.all_within(group.stream());
                    }
                }
                sign if is_sign(sign, ".") => {}
                _ => break,
            }
            at = before;
        }
        let Some(first) = first else { return };
        let through = at.checked_sub(1).is_some_and(|before| is_sign(trees.get(before), "*"));
        if end - at == 1 && !through {
            self.whole.insert(first);
        } else {
            self.within.insert(first);
        }
    }

    /// `(a, b.c) = …` and `(*a).b = …`: whatever is named there.
    fn all_within(&mut self, tokens: TokenStream) {
        for tree in tokens {
            match tree {
                TokenTree::Ident(name) => {
                    self.within.insert(name.to_string());
                }
                TokenTree::Group(group) => self.all_within(group.stream()),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

/// Macros that are known to change nothing of what they name, beside what their tokens show.
const READING_MACROS: &[&str] = &[
    "format",
    "print",
    "println",
    "eprint",
    "eprintln",
    "format_args",
    "panic",
    "todo",
    "unimplemented",
    "unreachable",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "matches",
    "dbg",
    "vec",
    "concat",
    "stringify",
    "include_str",
    "env",
    "cfg",
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "log",
    "event",
    "span",
    "trace_span",
    "debug_span",
    "info_span",
    "warn_span",
    "error_span",
    "bail",
    "ensure",
    "anyhow",
    "eyre",
    "json",
    "params",
    "named_params",
    "select",
    "join",
    "try_join",
    "pin",
    "hashmap",
    "btreemap",
    "formatdoc",
    "indoc",
    "formatcp",
    "concatcp",
    "counter",
    "gauge",
    "histogram",
];

/// Macros of sqlx.
const QUERY_MACROS: &[&str] = &[
    "query",
    "query_as",
    "query_as_unchecked",
    "query_file",
    "query_file_as",
    "query_file_as_unchecked",
    "query_file_scalar",
    "query_file_scalar_unchecked",
    "query_file_unchecked",
    "query_scalar",
    "query_scalar_unchecked",
    "query_unchecked",
];

/// True if the macro may do anything to the variables that are handed to it.
pub(super) fn may_change_arguments(mac: &Macro) -> bool {
    mac.path.segments.last().is_none_or(|last| !reads_only(&last.ident.to_string()))
}

/// True if a macro of this name is known to change nothing of what it names.
pub(crate) fn reads_only(name: &str) -> bool {
    READING_MACROS.contains(&name) || QUERY_MACROS.contains(&name)
}

/// True if a `ref mut` in the pattern lends a part of what it takes apart.
pub(crate) fn lends(pattern: &syn::Pat) -> bool {
    let mut lends = Lends(false);
    lends.visit_pat(pattern);
    lends.0
}

/// The names that a pattern gives.
struct Names(Vec<String>);

impl<'ast> Visit<'ast> for Names {
    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.0.push(name.ident.to_string());
        visit::visit_pat_ident(self, name);
    }
}

struct Lends(bool);

impl<'ast> Visit<'ast> for Lends {
    fn visit_pat_ident(&mut self, name: &'ast syn::PatIdent) {
        self.0 |= name.by_ref.is_some() && name.mutability.is_some();
        visit::visit_pat_ident(self, name);
    }
}

/// One of these signs.
fn is_sign(tree: Option<&TokenTree>, signs: &str) -> bool {
    matches!(tree, Some(TokenTree::Punct(sign)) if signs.contains(sign.as_char()))
}

/// True if the `=` at this place assigns, and does not compare, lead to an arm, end a range, or give a field of a log
/// its value as `field = %value`.
fn assigns(trees: &[TokenTree], equals: usize) -> bool {
    if is_sign(trees.get(equals + 1), "=>%?") {
        return false;
    }
    let Some(before) = equals.checked_sub(1) else { return false };
    let shifts = is_sign(trees.get(before), "<>")
        && before.checked_sub(1).is_some_and(|earlier| is_sign(trees.get(earlier), "<>"));
    shifts || !is_sign(trees.get(before), "=<>!.")
}

/// True for `+=` and the like.
pub(crate) fn assigns_to_left(op: &BinOp) -> bool {
    !matches!(
        op,
        BinOp::Add(_)
            | BinOp::Sub(_)
            | BinOp::Mul(_)
            | BinOp::Div(_)
            | BinOp::Rem(_)
            | BinOp::And(_)
            | BinOp::Or(_)
            | BinOp::BitXor(_)
            | BinOp::BitAnd(_)
            | BinOp::BitOr(_)
            | BinOp::Shl(_)
            | BinOp::Shr(_)
            | BinOp::Eq(_)
            | BinOp::Lt(_)
            | BinOp::Le(_)
            | BinOp::Ne(_)
            | BinOp::Ge(_)
            | BinOp::Gt(_)
    )
}

/// A variable that stands by itself.
fn bare(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Paren(inner) => bare(&inner.expr),
        _ => None,
    }
}

/// A variable, or a part of one, and nothing that was made of it.
fn is_the_place_itself(expr: &Expr) -> bool {
    match expr {
        Expr::Path(_) => true,
        Expr::Paren(inner) => is_the_place_itself(&inner.expr),
        Expr::Group(inner) => is_the_place_itself(&inner.expr),
        Expr::Reference(inner) => is_the_place_itself(&inner.expr),
        Expr::Unary(inner) => is_the_place_itself(&inner.expr),
        Expr::Field(field) => is_the_place_itself(&field.base),
        Expr::Index(index) => is_the_place_itself(&index.expr),
        _ => false,
    }
}

/// The variable of which a part stands by itself.
fn part_of(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Field(field) => part_of(&field.base).or_else(|| bare(&field.base)),
        Expr::Paren(inner) => part_of(&inner.expr),
        _ => None,
    }
}

/// The variable at the beginning of `state.filter.own` in the tokens of a macro, of which a name is known.
fn root_in_macro(trees: &[TokenTree], mut at: usize) -> String {
    while let Some(before) = at.checked_sub(2)
        && is_sign(trees.get(before + 1), ".")
        && matches!(trees.get(before), Some(TokenTree::Ident(_)))
    {
        at = before;
    }
    trees.get(at).map(ToString::to_string).unwrap_or_default()
}

/// The variable that a place is in.
fn root(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        Expr::Paren(inner) => root(&inner.expr),
        Expr::Group(inner) => root(&inner.expr),
        Expr::Reference(inner) => root(&inner.expr),
        Expr::Unary(inner) => root(&inner.expr),
        // Of `self` one field is told from another.
        Expr::Field(field) => match (root(&field.base)?, &field.member) {
            (base, syn::Member::Named(name)) if base == "self" => Some(format!("self.{name}")),
            (base, _) => Some(base),
        },
        Expr::Index(index) => root(&index.expr),
        Expr::MethodCall(call) => root(&call.receiver),
        Expr::Try(inner) => root(&inner.expr),
        Expr::Await(inner) => root(&inner.base),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Changes {
    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        self.assigned(&assign.left);
        visit::visit_expr_assign(self, assign);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        if assigns_to_left(&binary.op) {
            self.assigned(&binary.left);
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if MUTATING.iter().any(|name| call.method == name) {
            match &*call.receiver {
                Expr::Path(path) => self.text.extend(path.path.get_ident().map(ToString::to_string)),
                other => self.within.extend(root(other)),
            }
        }
        let name = call.method.to_string();
        if !leaves_alone(&name) && !JOINING.contains(&name.as_str()) {
            self.called.extend(root(&call.receiver));
            if !ADDING.contains(&name.as_str()) {
                self.stirred.extend(root(&call.receiver));
            }
        }
        self.hand_over(call.args.iter());
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        self.hand_over(call.args.iter());
        visit::visit_expr_call(self, call);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        self.hand_over(std::iter::once(&field.expr));
        visit::visit_field_value(self, field);
    }

    fn visit_expr_reference(&mut self, reference: &'ast syn::ExprReference) {
        if reference.mutability.is_some() {
            match &*reference.expr {
                Expr::Path(path) => {
                    let name = path.path.get_ident().map(ToString::to_string);
                    self.stirred.extend(name.clone());
                    self.text.extend(name);
                }
                other => self.within.extend(root(other)),
            }
        }
        visit::visit_expr_reference(self, reference);
    }

    fn visit_expr_raw_addr(&mut self, address: &'ast syn::ExprRawAddr) {
        self.within.extend(root(&address.expr));
        visit::visit_expr_raw_addr(self, address);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.macro_tokens(mac.tokens.clone(), may_change_arguments(mac));
    }

    fn visit_stmt_macro(&mut self, mac: &'ast syn::StmtMacro) {
        self.statement_macro(&mac.mac);
        visit::visit_stmt_macro(self, mac);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        if let Some(init) = &local.init {
            self.handed_in_part.extend(part_of(&init.expr));
            self.taken_apart(&local.pat, &init.expr);
        }
        visit::visit_local(self, local);
    }

    fn visit_expr_let(&mut self, condition: &'ast syn::ExprLet) {
        self.taken_apart(&condition.pat, &condition.expr);
        visit::visit_expr_let(self, condition);
    }

    fn visit_expr_match(&mut self, choice: &'ast syn::ExprMatch) {
        choice.arms.iter().for_each(|arm| self.taken_apart(&arm.pat, &choice.expr));
        visit::visit_expr_match(self, choice);
    }

    fn visit_expr_for_loop(&mut self, repeat: &'ast syn::ExprForLoop) {
        self.taken_apart(&repeat.pat, &repeat.expr);
        visit::visit_expr_for_loop(self, repeat);
    }
}
