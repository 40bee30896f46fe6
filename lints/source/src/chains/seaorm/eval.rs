//! Following a function's statements, as far as the library's values depend on them.
//!
//! Of the function that is walked nothing is bound here: which expressions a statement binds is noted, and the walk, which
//! has its names in sight, says what they are.

use std::collections::{HashMap, HashSet};

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, ExprMethodCall, FnArg, Stmt};
use tenantry_span::{Span, TextRange};

use super::follow::{Inner, items_of};
use super::hazards::READING;
use super::model::{Entities, Home};
use super::patterns::{converted, has_variant, part_of};
use super::value::{Origin, Val};
use crate::RowValue;
use crate::chains::fragment::Fragment;
use crate::expansions::Expansions;
use crate::read::{assigns_to_left, diverges, shorten};

/// How many expressions are looked at for one function of the file.
const MAX_STEPS: usize = 200_000;

/// How deep expressions nest.
const MAX_DEPTH: usize = 200;

/// What is found for a function that is walked.
#[derive(Default)]
pub(super) struct Found {
    /// The statements that run, by the call that runs them.
    pub(super) runs: HashMap<usize, Val>,
    /// The expressions that statements bind.
    pub(super) leaves: Vec<Leaf>,
    pub(super) known: HashMap<(usize, Option<String>), usize>,
    steps: usize,
    /// Not all of the function was followed.
    pub(super) overrun: bool,
}

/// An expression that a statement binds.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    /// Where it is in the syntax tree.
    pub(super) at: usize,
    pub(super) row: Option<RowValue>,
    /// The field of it that is bound.
    pub(super) field: Option<String>,
}

/// What the key of a bind begins with that the walk is to say.
pub(super) const LEAF: &str = "\0leaf ";

/// Where the text lies that is followed.
#[derive(Clone, Copy)]
pub(super) enum Place<'t> {
    /// In the file that is read, whose syntax tree begins at this offset.
    Here(tenantry_span::FileId, usize),
    /// In a function that is called from there.
    Called(Span, &'t str),
}

/// What follows a function.
pub(super) struct Eval<'e, 't> {
    pub(super) entities: &'e Entities,
    pub(super) found: &'e mut Found,
    pub(super) home: Home,
    pub(super) place: Place<'t>,
    /// The text of the file that is read.
    pub(super) text: &'t str,
    pub(super) expansions: Option<&'t Expansions>,
    /// A method of the workspace was looked for in place of the library's.
    pub(super) asked_workspace: bool,
    pub(super) own_type: Option<String>,
    pub(super) scopes: Scopes,
    /// The items of the blocks around, the innermost last.
    pub(super) inner: Vec<Inner<'t>>,
    /// Names of items around a function within a function, which hide what has them outside.
    pub(super) hidden: HashSet<String>,
    /// The type parameters in sight.
    pub(super) type_parameters: HashSet<String>,
    pub(super) returns: Vec<(Val, Span)>,
    /// What variables hold where a loop, or a block with a name, is left or begun anew.
    pub(super) exits: Vec<Scopes>,
    pub(super) calls: usize,
    depth: usize,
    /// A first look at a loop, whose statements are not noted.
    pub(super) looking: bool,
    /// A first look at what may run any number of times.
    pub(super) glancing: bool,
}

impl<'e, 't> Eval<'e, 't> {
    pub(super) fn new(
        entities: &'e Entities,
        found: &'e mut Found,
        home: Home,
        place: Place<'t>,
        text: &'t str,
        expansions: Option<&'t Expansions>,
        own_type: Option<String>,
    ) -> Eval<'e, 't> {
        Eval {
            entities,
            found,
            home,
            place,
            text,
            expansions,
            own_type,
            asked_workspace: false,
            scopes: vec![Vec::new()],
            inner: Vec::new(),
            hidden: HashSet::new(),
            type_parameters: HashSet::new(),
            returns: Vec::new(),
            exits: Vec::new(),
            calls: 0,
            depth: 0,
            looking: false,
            glancing: false,
        }
    }

    pub(super) fn span(&self, spanned: &impl Spanned) -> Span {
        match self.place {
            Place::Here(file, base) => {
                let range = spanned.span().byte_range();
                Span::new(file, TextRange::from_usize(base + range.start, base + range.end))
            }
            Place::Called(span, _) => span,
        }
    }

    pub(super) fn written(&self, spanned: &impl Spanned) -> String {
        let range = spanned.span().byte_range();
        let text = match self.place {
            Place::Here(_, base) => self.text.get(base + range.start..base + range.end),
            Place::Called(_, text) => text.get(range.start..range.end),
        };
        shorten(text.unwrap_or(""))
    }

    pub(super) fn hole(&self, spanned: &impl Spanned, why: impl Into<String>) -> Fragment {
        Fragment::hole(self.span(spanned), &self.written(spanned), why)
    }

    /// True in the function that is walked.
    pub(super) fn is_walked(&self) -> bool {
        matches!(self.place, Place::Here(..))
    }

    /// What a function yields whose parameters have these values.
    pub(super) fn function(
        &mut self,
        sig: &'t syn::Signature,
        block: &'t Block,
        mut values: Vec<Val>,
    ) -> Val {
        // A type parameter hides what goes by its name.
        self.type_parameters.extend(sig.generics.type_params().map(|param| param.ident.to_string()));
        values.reverse();
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    let value = values.pop().unwrap_or_else(|| self.receiver(receiver));
                    self.declare("self", value);
                }
                FnArg::Typed(typed) => {
                    let value = match values.pop() {
                        Some(value) => value,
                        None => self.parameter(typed, &sig.generics),
                    };
                    self.pattern(&typed.pat, value);
                }
            }
        }
        let tail = self.block(block);
        let returns = std::mem::take(&mut self.returns);
        returns.into_iter().rev().fold(tail, |all, (value, condition)| value.join(all, condition))
    }

    pub(super) fn declare(&mut self, name: &str, value: Val) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.push((name.to_owned(), value));
        }
    }

    pub(super) fn lookup(&self, name: &str) -> Option<&Val> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value))
    }

    pub(super) fn assign(&mut self, name: &str, value: Val) {
        for scope in self.scopes.iter_mut().rev() {
            if let Some((_, known)) = scope.iter_mut().rev().find(|(known, _)| known == name) {
                *known = value;
                return;
            }
        }
    }

    /// Runs `inside` in a scope of its own.
    pub(super) fn scoped<R>(&mut self, inside: impl FnOnce(&mut Self) -> R) -> R {
        self.scopes.push(Vec::new());
        let result = inside(self);
        self.scopes.pop();
        result
    }

    pub(super) fn block(&mut self, block: &'t Block) -> Val {
        self.scoped(|eval| eval.statements(&block.stmts))
    }

    /// The statements of a block: its items are in sight in all of it.
    fn statements(&mut self, statements: &'t [Stmt]) -> Val {
        self.inner.push(items_of(statements));
        let value = self.in_turn(statements);
        self.inner.pop();
        value
    }

    fn in_turn(&mut self, statements: &'t [Stmt]) -> Val {
        let mut last = Val::UNKNOWN;
        for statement in statements {
            last = match statement {
                Stmt::Local(local) => {
                    let value = match &local.init {
                        Some(init) => {
                            let value = self.expr(&init.expr);
                            self.lends(&local.pat, &init.expr);
                            if let Some((_, otherwise)) = &init.diverge {
                                self.aside(|eval| {
                                    eval.expr(otherwise);
                                });
                            }
                            value
                        }
                        None => Val::UNKNOWN,
                    };
                    let value = match local.attrs.iter().any(|attribute| attribute.path().is_ident("cfg")) {
                        true => self.gated(value, local),
                        false => value,
                    };
                    let value = match value {
                        Val::Maybe(inner, _) if has_variant(&local.pat) => *inner,
                        value => value,
                    };
                    let value = self.made_model(local, converted(local, value));
                    self.pattern(&local.pat, value);
                    Val::UNKNOWN
                }
                Stmt::Expr(expr, semi) => {
                    let value = self.expr(expr);
                    match (semi, diverges(expr)) {
                        (_, true) => Val::Never,
                        (None, false) => value,
                        (Some(_), false) if value == Val::Never => Val::Never,
                        (Some(_), false) => Val::UNKNOWN,
                    }
                }
                Stmt::Macro(mac) => self.macro_call(&mac.mac),
                Stmt::Item(syn::Item::Const(item)) => {
                    let value = self.expr(&item.expr);
                    self.declare(&item.ident.to_string(), value);
                    Val::UNKNOWN
                }
                Stmt::Item(_) => Val::UNKNOWN,
            };
            if last == Val::Never {
                return Val::Never;
            }
        }
        last
    }

    /// A value that a `cfg` may take away.
    fn gated(&self, value: Val, at: &impl Spanned) -> Val {
        match value {
            Val::Query(mut query) => {
                query.spoil(self.hole(at, "it depends on a `cfg`"));
                Val::Query(query)
            }
            Val::Plain(_) => value,
            other => other.lost(),
        }
    }

    /// What an expression is.
    pub(super) fn expr(&mut self, expr: &'t Expr) -> Val {
        self.found.steps += 1;
        if self.depth > MAX_DEPTH || self.found.steps > MAX_STEPS {
            self.found.overrun = true;
            return Val::UNKNOWN;
        }
        self.depth += 1;
        let value = self.expr_within(expr);
        self.depth -= 1;
        value
    }

    fn expr_within(&mut self, expr: &'t Expr) -> Val {
        match expr {
            Expr::Paren(inner) => self.expr(&inner.expr),
            Expr::Group(inner) => self.expr(&inner.expr),
            Expr::Reference(inner) => {
                let value = self.expr(&inner.expr);
                if inner.mutability.is_some() {
                    self.lent(&inner.expr);
                }
                value
            }
            Expr::RawAddr(address) => {
                self.expr(&address.expr);
                self.lent(&address.expr);
                Val::UNKNOWN
            }
            Expr::Unary(inner) if matches!(inner.op, syn::UnOp::Deref(_)) => self.expr(&inner.expr),
            Expr::Await(inner) => self.expr(&inner.base),
            Expr::Try(inner) => self.expr(&inner.expr),
            Expr::Cast(inner) => {
                self.expr(&inner.expr);
                Val::Plain(self.own_origin())
            }
            Expr::Lit(_) => Val::Plain(if self.is_walked() { Origin::Here } else { Origin::Literal }),
            Expr::Path(path) => self.path(path),
            Expr::Field(field) => self.field(field),
            Expr::MethodCall(call) => self.method(call),
            Expr::Call(call) => self.call(call),
            Expr::Macro(mac) => self.macro_call(&mac.mac),
            Expr::Struct(of) => self.structure(of),
            Expr::Tuple(tuple) => Val::Tuple(tuple.elems.iter().map(|one| self.expr(one)).collect()),
            Expr::Array(array) => Val::List(array.elems.iter().map(|one| self.expr(one)).collect()),
            Expr::Block(block) if block.label.is_some() => {
                let condition = self.span(&block.label);
                let mut value = Val::UNKNOWN;
                self.with_exits(condition, |eval| value = eval.block(&block.block));
                // Whoever leaves it by its name brings another value.
                if value.is_plain() { value } else { value.lost() }
            }
            Expr::Block(block) => self.block(&block.block),
            Expr::Unsafe(block) => self.block(&block.block),
            Expr::Async(block) => {
                let returns = std::mem::take(&mut self.returns);
                let tail = self.block(&block.block);
                let own = std::mem::replace(&mut self.returns, returns);
                own.into_iter().rev().fold(tail, |all, (value, condition)| value.join(all, condition))
            }
            Expr::If(choice) => self.if_expr(choice),
            Expr::Match(choice) => self.match_expr(choice),
            Expr::Let(condition) => {
                let value = self.expr(&condition.expr);
                self.lends(&condition.pat, &condition.expr);
                let value = match value {
                    Val::Maybe(inner, _) => *inner,
                    value => value,
                };
                self.pattern(&condition.pat, value);
                Val::UNKNOWN
            }
            Expr::ForLoop(repeat) => {
                let over = self.expr(&repeat.expr);
                self.lends(&repeat.pat, &repeat.expr);
                let element = match over {
                    row @ Val::Row(_) => row,
                    Val::List(all) => match all.as_slice() {
                        [only] => only.clone(),
                        _ => Val::List(all).lost(),
                    },
                    Val::Plain(origin) => Val::Plain(part_of(origin)),
                    other => other.lost(),
                };
                let condition = self.span(&repeat.expr);
                self.repeat(condition, |eval| {
                    eval.scoped(|eval| {
                        eval.pattern(&repeat.pat, element.clone());
                        eval.block(&repeat.body);
                    });
                });
                Val::UNKNOWN
            }
            Expr::While(repeat) => {
                let condition = self.span(&repeat.cond);
                self.repeat(condition, |eval| {
                    eval.scoped(|eval| {
                        eval.expr(&repeat.cond);
                        eval.block(&repeat.body);
                    });
                });
                Val::UNKNOWN
            }
            Expr::Loop(repeat) => {
                let condition = self.span(&repeat.loop_token);
                self.repeat(condition, |eval| {
                    eval.block(&repeat.body);
                });
                Val::UNKNOWN
            }
            Expr::Closure(closure) => {
                self.perhaps(closure, |eval| eval.closure(closure, Vec::new()));
                Val::Plain(self.own_origin())
            }
            Expr::Return(inner) => {
                let value = match &inner.expr {
                    Some(value) => self.expr(value),
                    None => Val::UNKNOWN,
                };
                if value != Val::Never {
                    let span = self.span(expr);
                    self.returns.push((value, span));
                }
                Val::Never
            }
            Expr::Break(_) | Expr::Continue(_) => {
                self.children(expr);
                self.exits.push(self.scopes.clone());
                Val::Never
            }
            Expr::Assign(assign) => {
                let value = self.expr(&assign.right);
                self.assigned(&assign.left, &assign.right, value);
                Val::UNKNOWN
            }
            // What stands behind these may not run.
            Expr::Binary(binary) if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) => {
                self.expr(&binary.left);
                self.perhaps(&*binary.left, |eval| eval.expr(&binary.right));
                Val::Plain(self.own_origin())
            }
            Expr::Binary(binary) if assigns_to_left(&binary.op) => {
                self.children(expr);
                self.spoil(&binary.left, binary);
                Val::UNKNOWN
            }
            _ => match self.children(expr) {
                true => Val::OPAQUE,
                false => Val::Plain(self.own_origin()),
            },
        }
    }

    /// Where a value comes from that is made here.
    pub(super) fn own_origin(&self) -> Origin {
        if self.is_walked() { Origin::Here } else { Origin::Unknown }
    }

    /// Follows the expressions directly in one; true where one of them is a part of a query.
    fn children(&mut self, expr: &'t Expr) -> bool {
        let mut inner = Children { found: Vec::new(), top: true };
        inner.visit_expr(expr);
        inner.found.into_iter().fold(false, |found, child| self.expr(child).holds_part() | found)
    }

    /// The value of a closure whose parameters have these values, those without one being of Rust's.
    pub(super) fn closure(&mut self, closure: &'t syn::ExprClosure, mut values: Vec<Val>) -> Val {
        values.reverse();
        let returns = std::mem::take(&mut self.returns);
        let tail = self.scoped(|eval| {
            for input in &closure.inputs {
                let value = values.pop().unwrap_or(Val::Plain(eval.own_origin()));
                eval.pattern(input, value);
            }
            eval.expr(&closure.body)
        });
        let own = std::mem::replace(&mut self.returns, returns);
        own.into_iter().rev().fold(tail, |all, (value, condition)| value.join(all, condition))
    }

    fn macro_call(&mut self, mac: &'t syn::Macro) -> Val {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let Some(body) = self.expansions.and_then(|expansions| expansions.body(mac)) else {
            return match name.as_str() {
                "panic" | "unreachable" | "todo" | "unimplemented" | "bail" => Val::Never,
                name if READING.contains(&name) => Val::UNKNOWN,
                _ => Val::OPAQUE,
            };
        };
        let values: Vec<Val> = body.arguments.iter().flatten().map(|argument| self.expr(argument)).collect();
        for statement in &body.statements {
            self.perhaps(mac, |eval| eval.statements(std::slice::from_ref(statement)));
        }
        match name.as_str() {
            "panic" | "unreachable" | "todo" | "unimplemented" | "bail" => Val::Never,
            "vec" if !body.partly => Val::List(values),
            "any" | "all" if !body.partly && !body.arguments.is_empty() => {
                let span = self.span(mac);
                let parts = values.into_iter().map(|value| self.as_condition(value, mac, span)).collect();
                Val::Cond(super::value::Cond { any: name == "any", negated: false, parts })
            }
            name if READING.contains(&name) => Val::Plain(self.own_origin()),
            _ => Val::OPAQUE,
        }
    }

    /// Notes a statement that a call runs.
    pub(super) fn run(&mut self, call: &ExprMethodCall, value: Val) {
        if self.is_walked() && !self.looking {
            self.found.runs.insert(std::ptr::from_ref(call) as usize, value);
        }
    }
}

/// What the variables of each scope hold.
pub(super) type Scopes = Vec<Vec<(String, Val)>>;

/// What a conversion is called on.
pub(super) fn unconverted(expr: &Expr) -> &Expr {
    match expr {
        Expr::MethodCall(call)
            if call.args.is_empty()
                && ["into", "into_active_model", "clone", "to_owned"]
                    .iter()
                    .any(|name| call.method == name) =>
        {
            unconverted(&call.receiver)
        }
        _ => expr,
    }
}

/// The expressions directly in one.
struct Children<'t> {
    found: Vec<&'t Expr>,
    top: bool,
}

impl<'t> Visit<'t> for Children<'t> {
    fn visit_expr(&mut self, expr: &'t Expr) {
        if std::mem::take(&mut self.top) {
            visit::visit_expr(self, expr);
        } else {
            self.found.push(expr);
        }
    }

    fn visit_item(&mut self, _: &'t syn::Item) {}
}
