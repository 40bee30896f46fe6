//! Following a function's statements, as far as the library's values depend on them.
//!
//! Of the function that is walked nothing is bound here: which expressions a statement binds is noted, and the walk, which
//! has its names in sight, says what they are.

use std::collections::HashMap;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Block, Expr, ExprMethodCall, FnArg, Pat, Stmt};
use tenantry_span::{Span, TextRange};

use super::hazards;
use super::model::{Entities, Function, Home};
use super::value::{Origin, Query, Val};
use crate::RowValue;
use crate::chains::fragment::Fragment;
use crate::expansions::Expansions;
use crate::read::{assigns_to_left, diverges, lends, shorten};

/// How deep functions are followed into one another.
const MAX_CALLS: usize = 6;

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
    scopes: Scopes,
    returns: Vec<(Val, Span)>,
    /// What variables hold where a loop, or a block with a name, is left or begun anew.
    exits: Vec<Scopes>,
    pub(super) calls: usize,
    depth: usize,
    /// A first look at a loop, whose statements are not noted.
    pub(super) looking: bool,
    /// A first look at what may run any number of times.
    glancing: bool,
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
        inputs: &'t syn::punctuated::Punctuated<FnArg, syn::Token![,]>,
        block: &'t Block,
        mut values: Vec<Val>,
    ) -> Val {
        values.reverse();
        for input in inputs {
            match input {
                FnArg::Receiver(receiver) => {
                    let value = values.pop().unwrap_or_else(|| self.receiver(receiver));
                    self.declare("self", value);
                }
                FnArg::Typed(typed) => {
                    let value = match values.pop() {
                        Some(value) => value,
                        None => self.parameter(typed),
                    };
                    self.pattern(&typed.pat, value);
                }
            }
        }
        let tail = self.block(block);
        let returns = std::mem::take(&mut self.returns);
        returns.into_iter().rev().fold(tail, |all, (value, condition)| value.join(all, condition))
    }

    /// What the type that a method belongs to says of `self`.
    fn receiver(&self, at: &syn::Receiver) -> Val {
        let own = self.own_type.clone().unwrap_or_default();
        self.of_path(&[own], at).unwrap_or(Val::Plain(Origin::Here))
    }

    /// What the declared type of a parameter says of it.
    fn parameter(&self, typed: &syn::PatType) -> Val {
        self.of_type(&typed.ty, typed).unwrap_or(Val::Plain(Origin::Here))
    }

    /// A value of a declared type of the library's that comes from elsewhere.
    pub(super) fn of_type(&self, ty: &syn::Type, at: &impl Spanned) -> Option<Val> {
        let ty = match ty {
            syn::Type::Reference(reference) => &reference.elem,
            other => other,
        };
        let syn::Type::Path(path) = ty else { return None };
        self.of_path(&super::collect::segments(&path.path), at)
    }

    /// The same of the path of a type, without its arguments.
    pub(super) fn of_path(&self, path: &[String], at: &impl Spanned) -> Option<Val> {
        self.of_path_at(&self.home, path, at)
    }

    fn of_path_at(&self, home: &Home, path: &[String], at: &impl Spanned) -> Option<Val> {
        let last = path.last()?;
        let (span, written) = (self.span(at), self.written(at));
        let entity = |name: &str| self.entities.entity_beside(home, path, name);
        let word = match ["ActiveModel", "Model"].into_iter().find(|name| entity(name).is_some()) {
            Some(known) => known,
            None => last.as_str(),
        };
        match word {
            "Model" => {
                let entity = entity("Model")?;
                Some(Val::Row(super::value::Row { entity: Some(entity), within: None, prefix: "" }))
            }
            "ActiveModel" => {
                let entity = entity("ActiveModel")?;
                let rest = super::value::Rest::Given(None);
                let fields = std::collections::BTreeMap::new();
                Some(Val::Model(Box::new(super::value::Model { entity, fields, rest })))
            }
            "Select" | "SelectTwo" | "SelectTwoMany" | "UpdateMany" | "DeleteMany" | "Insert"
            | "SelectStatement" | "UpdateStatement" | "DeleteStatement" | "InsertStatement" | "Selector"
            | "Paginator" | "Cursor" => {
                let query = Query::unknown(span, &written, "the query is begun elsewhere");
                Some(Val::Query(Box::new(query)))
            }
            "Condition" | "Cond" | "SimpleExpr" | "Expr" => {
                Some(Val::Expr(Fragment::hole(span, &written, "the condition comes from elsewhere")))
            }
            _ => None,
        }
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

    /// Declares the names of a pattern.
    pub(super) fn pattern(&mut self, pattern: &'t Pat, value: Val) {
        match pattern {
            Pat::Ident(name) => {
                let value = match (&name.subpat, value) {
                    (_, Val::Plain(Origin::Here)) if self.is_walked() => Val::Plain(Origin::Here),
                    (_, value) => value,
                };
                self.declare(&name.ident.to_string(), value);
                if let Some((_, inner)) = &name.subpat {
                    self.pattern(inner, Val::UNKNOWN);
                }
            }
            Pat::Type(typed) => {
                let value = self.typed(value, &typed.ty, typed);
                self.pattern(&typed.pat, value);
            }
            Pat::Paren(paren) => self.pattern(&paren.pat, value),
            Pat::Reference(reference) => self.pattern(&reference.pat, value),
            Pat::Guard(guarded) => self.pattern(&guarded.pat, value),
            Pat::Tuple(tuple) => {
                let parts = match value {
                    Val::Tuple(parts) if parts.len() == tuple.elems.len() => parts,
                    Val::Plain(origin) => vec![Val::Plain(part_of(origin)); tuple.elems.len()],
                    _ => vec![Val::UNKNOWN; tuple.elems.len()],
                };
                for (pattern, part) in tuple.elems.iter().zip(parts) {
                    self.pattern(pattern, part);
                }
            }
            Pat::TupleStruct(of) => {
                let hands_through = of
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| ["Some", "Ok"].iter().any(|name| last.ident == name));
                for (at, inner) in of.elems.iter().enumerate() {
                    let part = match &value {
                        value if hands_through => value.clone(),
                        Val::Plain(origin)
                            if let Some(held) = self.held(&of.path, &at.to_string(), origin, inner) =>
                        {
                            held
                        }
                        Val::Plain(origin) => Val::Plain(part_of(origin.clone())),
                        _ => Val::UNKNOWN,
                    };
                    let part = match part {
                        Val::Maybe(inner, _) => *inner,
                        part => part,
                    };
                    self.pattern(inner, part);
                }
            }
            Pat::Struct(of) => {
                for field in &of.fields {
                    let part = match (&value, &field.member) {
                        (Val::Row(row), syn::Member::Named(name)) => self.cell(row, &name.to_string()),
                        (Val::Plain(origin), syn::Member::Named(name))
                            if let Some(held) = self.held(&of.path, &name.to_string(), origin, field) =>
                        {
                            held
                        }
                        (Val::Plain(origin), _) => Val::Plain(part_of(origin.clone())),
                        _ => Val::UNKNOWN,
                    };
                    self.pattern(&field.pat, part);
                }
            }
            Pat::Or(or) => {
                if let Some(first) = or.cases.first() {
                    let part = match value {
                        Val::Plain(origin) => Val::Plain(part_of(origin)),
                        other => other,
                    };
                    self.pattern(first, part);
                }
            }
            Pat::Slice(slice) => {
                for inner in &slice.elems {
                    let part = match &value {
                        Val::Plain(origin) => Val::Plain(part_of(origin.clone())),
                        _ => Val::UNKNOWN,
                    };
                    self.pattern(inner, part);
                }
            }
            _ => {}
        }
    }

    /// The model that a field of a structure of the workspace's holds.
    fn held(&self, of: &syn::Path, field: &str, origin: &Origin, at: &impl Spanned) -> Option<Val> {
        let name = of.segments.last()?.ident.to_string();
        let (home, path) = self.entities.held(&self.home, &name, field)?;
        match self.of_path_at(home, path, at)? {
            // What it says of its fields is known where it is walked.
            Val::Row(_) => Some(Val::Plain(part_of(origin.clone()))),
            held => Some(held),
        }
    }

    /// A value whose type is written beside it: `let model: post::ActiveModel = row.into()`.
    fn typed(&self, value: Val, ty: &syn::Type, at: &impl Spanned) -> Val {
        match (self.of_type(ty, at), value) {
            (Some(Val::Model(of)), Val::Row(row)) => self.model_of_row(row, Some(of.entity)),
            (
                _,
                value @ (Val::Query(_)
                | Val::Choice(_)
                | Val::Model(_)
                | Val::Row(_)
                | Val::Expr(_)
                | Val::Cond(_)),
            ) => value,
            (Some(declared), _) => declared,
            (None, value) => value,
        }
    }

    /// Runs `inside` in a scope of its own.
    pub(super) fn in_scope<R>(&mut self, inside: impl FnOnce(&mut Self) -> R) -> R {
        self.scoped(inside)
    }

    fn scoped<R>(&mut self, inside: impl FnOnce(&mut Self) -> R) -> R {
        self.scopes.push(Vec::new());
        let result = inside(self);
        self.scopes.pop();
        result
    }

    pub(super) fn block(&mut self, block: &'t Block) -> Val {
        self.scoped(|eval| eval.statements(&block.stmts))
    }

    fn statements(&mut self, statements: &'t [Stmt]) -> Val {
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

    /// `let model: post::ActiveModel = post.into();`, of a post that was not read here.
    fn made_model(&self, local: &'t syn::Local, value: Val) -> Val {
        let elsewhere = match &value {
            Val::Plain(Origin::Here) => self.is_walked(),
            Val::Row(row) => row.within.is_none() && self.is_walked(),
            _ => false,
        };
        match (&local.pat, &local.init) {
            (Pat::Type(typed), Some(init)) if elsewhere => match self.of_type(&typed.ty, typed) {
                Some(Val::Model(of)) => self.model_of_value(of.entity, &init.expr),
                _ => value,
            },
            _ => value,
        }
    }

    /// A value that a `cfg` may take away.
    fn gated(&self, value: Val, at: &impl Spanned) -> Val {
        match value {
            Val::Query(mut query) => {
                query.spoil(self.hole(at, "it depends on a `cfg`"));
                Val::Query(query)
            }
            Val::Plain(_) => value,
            _ => Val::UNKNOWN,
        }
    }

    /// Runs what may happen once or never: what variables hold after it is one or the other.
    pub(super) fn perhaps<R>(&mut self, at: &impl Spanned, inside: impl FnOnce(&mut Self) -> R) -> R {
        let before = self.scopes.clone();
        let result = inside(self);
        self.scopes.truncate(before.len());
        self.join_scopes(before, self.span(at));
        result
    }

    /// Runs what leaves, for the statements in it and what it returns.
    fn aside(&mut self, inside: impl FnOnce(&mut Self)) {
        let before = self.scopes.clone();
        inside(self);
        self.scopes = before;
    }

    /// Joins what variables hold after two ways: `other` where the condition did not hold.
    fn join_scopes(&mut self, other: Scopes, condition: Span) {
        for (scope, others) in self.scopes.iter_mut().zip(other) {
            for ((_, value), (_, other)) in scope.iter_mut().zip(others) {
                if *value != other {
                    let holds = std::mem::replace(value, Val::Never);
                    *value = holds.join(other, condition);
                }
            }
        }
    }

    /// The ways of a choice: each is run from here, with the value that it yields. What they come to is joined, the first
    /// where its condition holds.
    fn ways(&mut self, ways: Vec<(Span, Way<'_, 'e, 't>)>) -> Val {
        let before = self.scopes.clone();
        let mut all: Vec<(Scopes, Val, Span)> = Vec::new();
        for (condition, way) in ways {
            self.scopes = before.clone();
            let value = way(self);
            self.scopes.truncate(before.len());
            if value != Val::Never {
                all.push((std::mem::take(&mut self.scopes), value, condition));
            }
        }
        let Some((scopes, mut value, _)) = all.pop() else {
            self.scopes = before;
            return Val::Never;
        };
        self.scopes = scopes;
        while let Some((scopes, earlier, condition)) = all.pop() {
            let later = std::mem::replace(&mut self.scopes, scopes);
            self.join_scopes(later, condition);
            value = earlier.join(value, condition);
        }
        value
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
                if value.is_plain() { value } else { Val::UNKNOWN }
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
                        _ => Val::UNKNOWN,
                    },
                    Val::Plain(origin) => Val::Plain(part_of(origin)),
                    _ => Val::UNKNOWN,
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
            _ => {
                self.children(expr);
                Val::Plain(self.own_origin())
            }
        }
    }

    /// Where a value comes from that is made here.
    pub(super) fn own_origin(&self) -> Origin {
        if self.is_walked() { Origin::Here } else { Origin::Unknown }
    }

    fn children(&mut self, expr: &'t Expr) {
        let mut inner = Children { found: Vec::new(), top: true };
        inner.visit_expr(expr);
        for child in inner.found {
            self.expr(child);
        }
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

    fn if_expr(&mut self, choice: &'t syn::ExprIf) -> Val {
        let condition = self.span(&choice.cond);
        self.scopes.push(Vec::new());
        self.expr(&choice.cond);
        let then: Way<'_, 'e, 't> = Box::new(|eval| eval.block(&choice.then_branch));
        let otherwise: Way<'_, 'e, 't> = Box::new(|eval| match &choice.else_branch {
            Some((_, otherwise)) => eval.expr(otherwise),
            None => Val::UNKNOWN,
        });
        let value = self.ways(vec![(condition, then), (condition, otherwise)]);
        self.scopes.pop();
        value
    }

    fn match_expr(&mut self, choice: &'t syn::ExprMatch) -> Val {
        let value = self.expr(&choice.expr);
        for arm in &choice.arms {
            self.lends(&arm.pat, &choice.expr);
            // The guards before an arm may have run on the way to it.
            if let Pat::Guard(guarded) = &arm.pat {
                let value = value.clone();
                self.perhaps(&*guarded.guard, |eval| {
                    eval.scoped(|eval| {
                        eval.pattern(&guarded.pat, value);
                        eval.expr(&guarded.guard);
                    });
                });
            }
        }
        let mut ways: Vec<(Span, Way<'_, 'e, 't>)> = Vec::new();
        for arm in &choice.arms {
            let condition = self.span(&arm.pat);
            let value = match &value {
                Val::Maybe(inner, _) => (**inner).clone(),
                value => value.clone(),
            };
            ways.push((
                condition,
                Box::new(move |eval: &mut Self| {
                    eval.scoped(|eval| {
                        eval.pattern(&arm.pat, value);
                        let value = eval.expr(&arm.body);
                        if diverges(&arm.body) { Val::Never } else { value }
                    })
                }),
            ));
        }
        self.ways(ways)
    }

    /// Runs code that may run any number of times. It is looked at twice for what variables come to hold: what has not
    /// settled by then is not known. Then its statements are noted, with all that may be held where it begins.
    fn repeat(&mut self, condition: Span, mut inside: impl FnMut(&mut Self)) {
        if self.glancing {
            return self.once_more(condition, &mut inside);
        }
        let (looking, returns) = (self.looking, self.returns.len());
        (self.glancing, self.looking) = (true, true);
        self.once_more(condition, &mut inside);
        let settling = self.scopes.clone();
        self.once_more(condition, &mut inside);
        (self.glancing, self.looking) = (false, looking);
        self.returns.truncate(returns);
        for (scope, before) in self.scopes.iter_mut().zip(settling) {
            for ((_, value), (_, before)) in scope.iter_mut().zip(before) {
                if !before.has_settled(value) {
                    *value = std::mem::replace(value, Val::Never).unsettled(condition);
                }
            }
        }
        self.once_more(condition, &mut inside);
    }

    /// Runs what may run once or never.
    fn once_more(&mut self, condition: Span, inside: &mut impl FnMut(&mut Self)) {
        let before = self.scopes.clone();
        self.with_exits(condition, inside);
        self.join_scopes(before, condition);
    }

    /// Runs what may be left from within, wherever that is.
    fn with_exits(&mut self, condition: Span, inside: impl FnOnce(&mut Self)) {
        let depth = self.scopes.len();
        let outer = std::mem::take(&mut self.exits);
        inside(self);
        self.scopes.truncate(depth);
        for exit in std::mem::replace(&mut self.exits, outer) {
            self.join_scopes(exit.clone(), condition);
            // It may have been one further out that was left.
            self.exits.push(exit);
        }
    }

    /// A variable, or a part of one, is assigned to.
    fn assigned(&mut self, left: &'t Expr, right: &'t Expr, value: Val) {
        match left {
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident() {
                    let value = match value {
                        // What it is now is not what it was declared as.
                        Val::Plain(Origin::Here) if !self.is_walked() => Val::UNKNOWN,
                        value => value,
                    };
                    self.assign(&name.to_string(), value);
                }
            }
            Expr::Field(field) => {
                let (Expr::Path(path), syn::Member::Named(member)) = (&*field.base, &field.member) else {
                    self.spoil(&field.base, field);
                    return;
                };
                let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
                if let Some(Val::Model(model)) = self.lookup(&name).cloned() {
                    let model = self.set_field(*model, &member.to_string(), value, right);
                    self.assign(&name, Val::Model(Box::new(model)));
                } else if !matches!(self.lookup(&name), None | Some(Val::Plain(_))) {
                    self.assign(&name, Val::UNKNOWN);
                }
            }
            Expr::Tuple(tuple) => {
                let parts = match value {
                    Val::Tuple(parts) if parts.len() == tuple.elems.len() => parts,
                    _ => vec![Val::UNKNOWN; tuple.elems.len()],
                };
                for (left, part) in tuple.elems.iter().zip(parts) {
                    self.assigned(left, right, part);
                }
            }
            Expr::Unary(inner) if matches!(inner.op, syn::UnOp::Deref(_)) => {
                self.assigned(&inner.expr, right, value)
            }
            Expr::Paren(inner) => self.assigned(&inner.expr, right, value),
            Expr::Group(inner) => self.assigned(&inner.expr, right, value),
            Expr::Array(of) => of.elems.iter().for_each(|one| self.assigned(one, right, Val::UNKNOWN)),
            Expr::Call(of) => of.args.iter().for_each(|one| self.assigned(one, right, Val::UNKNOWN)),
            Expr::Struct(of) => {
                of.fields.iter().for_each(|one| self.assigned(&one.expr, right, Val::UNKNOWN));
            }
            _ => {
                self.expr(left);
                self.spoil(left, left);
            }
        }
    }

    /// A `ref mut` in the pattern lends what it takes apart.
    fn lends(&mut self, pattern: &'t Pat, value: &'t Expr) {
        if lends(pattern) {
            self.lent(value);
        }
    }

    /// A variable is lent to be changed.
    fn lent(&mut self, expr: &'t Expr) {
        self.spoil(expr, expr);
    }

    /// What a variable holds is not known any more.
    pub(super) fn spoil(&mut self, expr: &'t Expr, at: &impl Spanned) {
        let base = base_of(expr);
        let Expr::Path(path) = base else { return };
        let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
        let Some(value) = self.lookup(&name).cloned() else { return };
        let why = format!("`{name}` is lent to be changed");
        match value {
            Val::Query(mut query) => {
                query.spoil(self.hole(at, why));
                self.assign(&name, Val::Query(query));
            }
            Val::Model(mut model) => {
                if let (Expr::Field(field), true) =
                    (expr, matches!(expr, Expr::Field(field) if base_of(&field.base) == &*field.base))
                    && let syn::Member::Named(member) = &field.member
                {
                    // A single field of it.
                    let column = self.column_of_field(model.entity, &member.to_string());
                    if let Some(column) = column {
                        let value = self.made_bind(at);
                        model.fields.insert(column, super::value::Field::Maybe(value));
                    }
                } else {
                    model.fields.clear();
                    model.rest = super::value::Rest::Unknown(why);
                }
                self.assign(&name, Val::Model(model));
            }
            Val::Plain(_) => {}
            _ => self.assign(&name, Val::UNKNOWN),
        }
    }

    fn macro_call(&mut self, mac: &'t syn::Macro) -> Val {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let Some(body) = self.expansions.and_then(|expansions| expansions.body(mac)) else {
            return match name.as_str() {
                "panic" | "unreachable" | "todo" | "unimplemented" | "bail" => Val::Never,
                _ => Val::UNKNOWN,
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
            _ => Val::Plain(self.own_origin()),
        }
    }

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

    /// Notes a statement that a call runs.
    pub(super) fn run(&mut self, call: &ExprMethodCall, value: Val) {
        if self.is_walked() && !self.looking {
            self.found.runs.insert(std::ptr::from_ref(call) as usize, value);
        }
    }
}

/// What the variables of each scope hold.
type Scopes = Vec<Vec<(String, Val)>>;

/// One way of a choice.
type Way<'w, 'e, 't> = Box<dyn FnOnce(&mut Eval<'e, 't>) -> Val + 'w>;

/// A row that is made into something by a type that is written down, as `let summary: Summary = row.into()`.
fn converted(local: &syn::Local, value: Val) -> Val {
    let (Pat::Type(typed), Val::Row(_)) = (&local.pat, &value) else { return value };
    let syn::Type::Path(path) = &*typed.ty else { return value };
    let last = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    let is_row = last.ends_with("Model") || ["Option", "Vec", "Result"].contains(&last.as_str());
    if is_row { value } else { Val::UNKNOWN }
}

/// Where a part of a value comes from.
fn part_of(origin: Origin) -> Origin {
    match origin {
        Origin::Here => Origin::Here,
        Origin::Leaf(_) | Origin::Cell(_) | Origin::Literal | Origin::Unknown => Origin::Unknown,
    }
}

fn has_variant(pattern: &Pat) -> bool {
    matches!(pattern, Pat::TupleStruct(_))
}

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

/// What a field of a field, or a reference, belongs to.
fn base_of(expr: &Expr) -> &Expr {
    match expr {
        Expr::Field(field) => base_of(&field.base),
        Expr::Paren(inner) => base_of(&inner.expr),
        Expr::Reference(inner) => base_of(&inner.expr),
        Expr::Unary(inner) => base_of(&inner.expr),
        Expr::Index(inner) => base_of(&inner.expr),
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
