//! The order in which code runs, as far as texts and guards depend on it.

use std::rc::Rc;

use syn::visit::{self, Visit};
use syn::{
    Attribute, BinOp, Block, Expr, ExprCall, ExprMethodCall, FnArg, ImplItem, Item, ItemImpl, ItemMod, Local,
    Macro, Pat, Signature, Stmt, TraitItem,
};
use tenantry_span::{Span, TextRange};

use super::assumed::{Assumed, Outcomes};
use super::called::{Shown, is_decorated};
use super::changes::{self, Changes, MUTATING};
use super::evaluate::{TextKind, block_diverges, diverges, strip};
use super::fetched::only_taker;
use super::provenance::leaves_alone;
use super::scope::{LocalId, Scope, Source};
use super::{Function, Parameter, Reader, texts};
use crate::chains::Held;
use crate::extent::Extent;
use crate::modules::is_test_cfg;
use crate::types::Origin;
use crate::{suppress, types};

/// What the walk knows of the value of an expression.
#[derive(Clone, Copy, Default)]
pub(super) struct Value {
    /// The site whose query it is.
    pub(super) site: Option<usize>,
    /// The prepared statement that it is.
    pub(super) prepared: Option<usize>,
    /// It is what `separated` gives of a builder.
    pub(super) separated: bool,
}

/// A step of a chain of calls, inside out.
pub(crate) enum Step<'a> {
    Method(&'a ExprMethodCall),
    Await,
    Try,
}

/// Methods of the standard library that hand their closure what they are called on, or its parts, and nothing else.
const GIVING: &[&str] = &[
    "and_then",
    "filter_map",
    "flat_map",
    "for_each",
    "inspect",
    "is_some_and",
    "map",
    "map_while",
    "try_for_each",
];

/// Methods after which a result is still the same result.
const SAME_RESULT: &[&str] =
    &["map_err", "context", "with_context", "inspect_err", "instrument", "in_current_span"];

impl<'a> Reader<'a> {
    pub(super) fn expr(&mut self, expr: &'a Expr) -> Value {
        self.at_leaf(expr);
        match expr {
            Expr::Paren(paren) => self.expr(&paren.expr),
            Expr::Group(group) => self.expr(&group.expr),
            Expr::Reference(reference) => {
                let value = match &*reference.expr {
                    // Who looks at a query cannot add to it.
                    Expr::Path(path) if reference.mutability.is_none() => self.path_value(path),
                    inner => self.expr(inner),
                };
                if reference.mutability.is_some() {
                    self.lent(&reference.expr);
                }
                value
            }
            Expr::RawAddr(address) => {
                self.expr(&address.expr);
                self.lent(&address.expr);
                Value::default()
            }
            Expr::MethodCall(_) | Expr::Await(_) | Expr::Try(_) | Expr::Call(_) | Expr::Macro(_) => {
                self.chain(expr)
            }
            Expr::Struct(of) => {
                visit::visit_expr_struct(self, of);
                self.note_made_struct(of);
                Value { site: self.struct_sink(of), ..Value::default() }
            }
            Expr::Path(path) => {
                let value = self.path_value(path);
                self.handed_on(value, self.range(expr));
                value
            }
            Expr::If(choice) => {
                self.if_expr(choice);
                Value::default()
            }
            Expr::Match(choice) => {
                self.match_expr(choice);
                Value::default()
            }
            Expr::While(repeat) => {
                let changes = Changes::of(|visitor| visitor.visit_expr_while(repeat));
                // What its condition does is done once more than its body.
                let asked = Changes::of(|visitor| visitor.visit_expr(&repeat.cond));
                let builds = |name: &String| {
                    let id = self.lookup(name, LocalId::MAX);
                    id.and_then(|id| self.locals.get(id)?.site).is_some_and(|site| self.builds(site))
                };
                if asked.names().next().is_some() || asked.called.iter().any(builds) {
                    let range = self.range(expr).range;
                    self.forget(&changes, range, "a loop");
                    self.repeatedly(range, |reader| {
                        reader.visit_expr(&repeat.cond);
                        reader.block(&repeat.body);
                    });
                    self.forget(&changes, range, "a loop");
                    return Value::default();
                }
                self.repeated(&changes, &repeat.body, |reader| {
                    reader.visit_expr(&repeat.cond);
                    reader.block(&repeat.body);
                });
                Value::default()
            }
            Expr::Loop(repeat) => {
                let changes = Changes::of(|visitor| visitor.visit_block(&repeat.body));
                self.repeated(&changes, &repeat.body, |reader| reader.block(&repeat.body));
                Value::default()
            }
            Expr::ForLoop(repeat) => {
                self.visit_expr(&repeat.expr);
                let changes = Changes::of(|visitor| visitor.visit_block(&repeat.body));
                self.lends(&repeat.pat, &repeat.expr);
                self.repeated(&changes, &repeat.body, |reader| {
                    reader.pattern(&repeat.pat, Source::Part(&repeat.expr), None);
                    reader.enter_with_row(&repeat.pat, &repeat.expr);
                    reader.block(&repeat.body);
                });
                Value::default()
            }
            Expr::Closure(closure) => {
                let changes = Changes::of(|visitor| visitor.visit_expr(&closure.body));
                let range = self.range(&closure.body).range;
                self.forget(&changes, range, "a closure");
                let is_kept = std::mem::take(&mut self.keeps_closure);
                let given = self.gives_closure.take();
                self.repeatedly(range, |reader| {
                    let first = reader.locals.len();
                    for input in &closure.inputs {
                        reader.pattern(input, Source::Unseen, None);
                    }
                    // A library that is handed a closure hands it what its types say; a call in sight, whatever is written.
                    for local in reader.locals.iter_mut().skip(first).filter(|_| is_kept) {
                        local.ty = None;
                    }
                    for local in reader.locals.iter_mut().skip(first) {
                        local.given = given;
                    }
                    reader.declare_counter(closure, first);
                    reader.visit_expr(&closure.body);
                    reader.note_closure_text(closure);
                    reader.note_closure(closure);
                });
                self.forget(&changes, range, "a closure");
                Value::default()
            }
            Expr::Async(block) => {
                let changes = Changes::of(|visitor| visitor.visit_block(&block.block));
                let range = self.block_range(&block.block);
                self.forget(&changes, range, "an async block");
                self.branch(|reader| reader.block(&block.block));
                self.forget(&changes, range, "an async block");
                Value::default()
            }
            Expr::Assign(assign) => {
                let value = self.expr(&assign.right);
                self.assigned(&assign.left, &assign.right, value);
                self.note_set(&assign.left, &assign.right);
                if !matches!(&*assign.left, Expr::Path(_)) {
                    self.visit_expr(&assign.left);
                }
                Value::default()
            }
            Expr::Binary(binary) => {
                self.visit_expr(&binary.left);
                if matches!(binary.op, BinOp::And(_) | BinOp::Or(_)) {
                    let (known_before, before) = (self.locals.len(), self.state.clone());
                    if has_let(&binary.left) || has_let(&binary.right) {
                        self.visit_expr(&binary.right);
                    } else {
                        self.branch(|reader| reader.visit_expr(&binary.right));
                    }
                    self.join(before, known_before, self.range(&binary.right), self.range(&binary.left));
                    return Value::default();
                }
                self.visit_expr(&binary.right);
                if matches!(binary.op, BinOp::AddAssign(_))
                    && let Some(id) = self.variable(&binary.left)
                {
                    let more = self.texts(&binary.right);
                    self.append(id, &more, self.range(&binary.right));
                }
                if changes::assigns_to_left(&binary.op)
                    && let Some(id) = self.root(&binary.left)
                {
                    self.forget_chain(id, self.range(expr), "a place that sets a part of it");
                }
                Value::default()
            }
            Expr::Let(condition) => {
                self.visit_expr(&condition.expr);
                self.lends(&condition.pat, &condition.expr);
                self.pattern(&condition.pat, Source::Part(&condition.expr), None);
                Value::default()
            }
            Expr::Block(block) if block.label.is_some() => {
                // `break` may leave it anywhere.
                let changes = Changes::of(|visitor| visitor.visit_block(&block.block));
                self.branch(|reader| reader.block(&block.block));
                self.forget(&changes, self.block_range(&block.block), "a labelled block");
                Value::default()
            }
            Expr::Block(block) => {
                self.block(&block.block);
                Value::default()
            }
            Expr::Unsafe(block) => {
                self.block(&block.block);
                Value::default()
            }
            _ => {
                visit::visit_expr(self, expr);
                Value::default()
            }
        }
    }

    fn path_value(&mut self, path: &syn::ExprPath) -> Value {
        let local = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), LocalId::MAX));
        let local = local.and_then(|id| self.locals.get(id));
        if local.is_none() {
            self.sink_as_value(path);
            return Value::default();
        }
        local.map_or_else(Value::default, |local| Value {
            site: local.site,
            prepared: local.prepared,
            separated: local.separated,
        })
    }

    pub(crate) fn variable(&self, expr: &Expr) -> Option<LocalId> {
        let Expr::Path(path) = strip_mut(expr) else { return None };
        self.lookup(&path.path.get_ident()?.to_string(), LocalId::MAX)
    }

    fn lent(&mut self, expr: &Expr) {
        if let Some(id) = self.variable(expr)
            && self.state.texts.contains_key(&id)
        {
            let span = self.range(expr);
            let name = self.written(span);
            let hole = texts::unknown(span, name, format!("`{name}` is lent to be changed"));
            self.append(id, &hole, span);
        }
        if let Some(id) = self.root(expr) {
            self.forget_chain(id, self.range(expr), "a place that it is lent to");
        }
    }

    /// The variable that a place is in.
    pub(crate) fn root(&self, place: &Expr) -> Option<LocalId> {
        match place {
            Expr::Field(field) => self.root(&field.base),
            Expr::Index(index) => self.root(&index.expr),
            Expr::Unary(unary) => self.root(&unary.expr),
            Expr::Paren(inner) => self.root(&inner.expr),
            Expr::Group(inner) => self.root(&inner.expr),
            Expr::Reference(inner) => self.root(&inner.expr),
            other => self.variable(other),
        }
    }

    /// What is assigned to is not known: it is a part of a variable, or gets a part of what is assigned.
    fn changed(&mut self, place: &'a Expr) {
        match place {
            Expr::Paren(inner) => self.changed(&inner.expr),
            Expr::Group(inner) => self.changed(&inner.expr),
            Expr::Tuple(of) => of.elems.iter().for_each(|element| self.changed(element)),
            Expr::Array(of) => of.elems.iter().for_each(|element| self.changed(element)),
            Expr::Call(of) => of.args.iter().for_each(|argument| self.changed(argument)),
            Expr::Struct(of) => of.fields.iter().for_each(|field| self.changed(&field.expr)),
            place => {
                self.lent(place);
                if let Some(id) = self.root(place) {
                    self.forget_chain(id, self.range(place), "a place that sets a part of it");
                }
            }
        }
    }

    /// A `ref mut` in the pattern lends the variable that it takes apart.
    fn lends(&mut self, pattern: &Pat, value: &Expr) {
        if changes::lends(pattern) {
            self.lent(value);
        }
    }

    fn assigned(&mut self, left: &'a Expr, right: &'a Expr, value: Value) {
        let assigned = match strip(left) {
            Expr::Path(_) => self.variable(left),
            _ => None,
        };
        let Some(id) = assigned else { return self.changed(left) };
        self.state.lists.remove(&id);
        self.declare_list(id, right);
        let is_text = self.state.texts.contains_key(&id) || self.text_kind(right) == TextKind::Text;
        if is_text {
            let text = self.texts(right);
            self.state.texts.insert(id, text);
        }
        self.assign_chain(id, right);
        let in_branch =
            self.locals.get(id).is_some_and(|local| local.site.is_some() || local.prepared.is_some());
        if let Some(local) = self.locals.get_mut(id) {
            if in_branch && (value.site != local.site || value.prepared != local.prepared) {
                // What it holds now depends on the way here.
                local.site = None;
                local.prepared = None;
                local.separated = false;
            } else {
                local.site = value.site;
            }
        }
    }

    /// A chain of calls: `base.a(…).b(…)?.c(…).await`.
    fn chain(&mut self, expr: &'a Expr) -> Value {
        let (base, steps) = unchained(expr);
        self.at_leaf(base);
        let mut value = match base {
            Expr::Call(call) => self.call(call),
            Expr::Macro(mac) => self.macro_call(&mac.mac),
            Expr::Path(path) => self.path_value(path),
            _ => self.expr(base),
        };
        for step in &steps {
            value = match step {
                Step::Method(call) => self.method(call, value),
                Step::Await | Step::Try => Value { site: None, ..value },
            };
        }
        self.guards_of(base, &steps);
        self.end_of_chain(expr);
        value
    }

    fn call(&mut self, call: &'a ExprCall) -> Value {
        if self.walk_lent(call) {
            return Value::default();
        }
        if !matches!(&*call.func, Expr::Path(_)) {
            self.visit_expr(&call.func);
        }
        for argument in &call.args {
            self.visit_expr(argument);
        }
        if let Expr::Path(path) = &*call.func {
            let written = || path.path.segments.iter().map(|part| part.ident.to_string()).collect();
            let types = path.path.segments.last().and_then(|last| match &last.arguments {
                syn::PathArguments::AngleBracketed(types) => Some(types),
                _ => None,
            });
            self.note_call(written, Some(&path.path), None, types, self.range(call), &call.args);
        }
        self.note_made_tuple(call);
        if self.run_chain_by_path(call) {
            return Value::default();
        }
        Value { site: self.function_sink(call), ..Value::default() }
    }

    fn method(&mut self, call: &'a ExprMethodCall, on: Value) -> Value {
        if let Some(site) = on.site.filter(|site| self.builds(*site))
            && self.push_rows(site, call)
        {
            return on;
        }
        if on.site.is_none() && on.prepared.is_none() && self.walk_lent_method(call) {
            return Value::default();
        }
        self.note_counter(call);
        let gives = GIVING.iter().any(|name| call.method == name);
        for argument in &call.args {
            let takes_one = matches!(argument, Expr::Closure(closure) if closure.inputs.len() == 1);
            self.gives_closure = Some(&*call.receiver).filter(|_| gives && takes_one);
            self.visit_expr(argument);
            self.gives_closure = None;
        }
        let span = self.between(call.method.span(), call.paren_token.span.close());
        let (name, receiver) = (|| vec![call.method.to_string()], Some(&*call.receiver));
        self.note_call(name, None, receiver, call.turbofish.as_ref(), span, &call.args);
        if ["filter", "find", "retain"].iter().any(|name| call.method == name) {
            self.note_row_filter(call);
        }
        if let Some(site) = on.site {
            if self.builds(site) {
                return self.on_builder(site, on.separated, call);
            }
            return self.chained(site, call);
        }
        if let Some(prepared) = on.prepared {
            return self.on_statement(prepared, call);
        }
        if self.run_chain(call) {
            return Value::default();
        }
        self.mutation(call);
        self.method_sink(call)
    }

    fn mutation(&mut self, call: &'a ExprMethodCall) {
        let name = call.method.to_string();
        self.mutate_chain(call);
        self.mutate_list(call);
        let Some(id) = self.variable(&call.receiver).filter(|id| self.state.texts.contains_key(id)) else {
            return;
        };
        match (name.as_str(), call.args.first()) {
            ("push_str" | "push", Some(more)) => {
                let text = self.texts(more);
                self.append(id, &text, self.range(more));
            }
            ("clear", None) => {
                self.state.texts.insert(id, texts::empty());
            }
            _ if MUTATING.contains(&name.as_str()) => self.lent(&call.receiver),
            _ if !leaves_text_alone(&name) && self.locals.get(id).is_some_and(|local| local.mutable) => {
                self.lent(&call.receiver);
            }
            _ => {}
        }
    }

    /// Runs `inside` for code that a `cfg` may take away.
    fn gated<R>(
        &mut self,
        gates: (usize, usize),
        attributes: &[Attribute],
        inside: impl FnOnce(&mut Self) -> R,
    ) -> R {
        if self.cfgs.len() == gates.0 {
            return inside(self);
        }
        let (known_before, before) = (self.locals.len(), self.state.clone());
        let result = self.branch(inside);
        let nowhere = Span::new(self.source.file, TextRange::default());
        let cfg = attributes.iter().find(|attribute| attribute.path().is_ident("cfg"));
        let condition = cfg.map_or(nowhere, |cfg| self.range(&cfg.meta));
        self.join(before, known_before, nowhere, condition);
        result
    }

    fn if_expr(&mut self, choice: &'a syn::ExprIf) {
        self.scopes.push(Scope::default());
        let declared_before = self.locals.len();
        self.visit_expr(&choice.cond);
        self.guards_of_holding(&choice.cond, declared_before);
        let checked = self.note_chained_checks(choice, declared_before);
        if let Some(scope) = self.scopes.last_mut() {
            scope.checked.extend(checked);
        }
        let known_before = self.locals.len();
        let decided = self.decided(&choice.cond);
        let outcomes = self.outcomes(&choice.cond, declared_before);
        let before = self.state.clone();
        if let Expr::Let(condition) = &*choice.cond {
            self.enter_with_row(&condition.pat, &condition.expr);
        }
        self.branch(|reader| {
            reader.note_held(&choice.cond, declared_before);
            reader.block(&choice.then_branch);
        });
        self.scopes.pop();
        let span = self.token_span(choice.if_token.span);
        let then_ends = block_diverges(&choice.then_branch);
        let after_then = std::mem::replace(&mut self.state, before);
        if let Some((_, otherwise)) = &choice.else_branch {
            self.branch(|reader| {
                reader.note_refuted(&choice.cond, declared_before);
                reader.visit_expr(otherwise);
            });
            if diverges(otherwise) {
                self.state = after_then;
                return;
            }
        }
        match decided {
            Some(true) => self.state = after_then,
            Some(false) => {}
            None if then_ends => {}
            None => {
                let condition = self.range(&choice.cond);
                self.join_under(after_then, known_before, span, condition, &outcomes.turned());
            }
        }
        self.guard_of_condition(choice);
    }

    fn match_expr(&mut self, choice: &'a syn::ExprMatch) {
        self.visit_expr(&choice.expr);
        let checked = self.note_arm_checks(choice);
        choice.arms.iter().for_each(|arm| self.lends(&arm.pat, &choice.expr));
        // The guards before an arm may have run on the way to it.
        for arm in &choice.arms {
            if let Pat::Guard(guarded) = &arm.pat {
                let changes = Changes::of(|visitor| visitor.visit_expr(&guarded.guard));
                self.forget(&changes, self.range(&guarded.guard).range, "a guard");
            }
        }
        let known_before = self.locals.len();
        let before = self.state.clone();
        let mut joined: Option<(super::scope::State, Vec<Assumed>)> = None;
        for (at, arm) in choice.arms.iter().enumerate() {
            self.state = before.clone();
            self.unit(arm);
            let gates = self.enter(&arm.attrs);
            self.attribute_suppressions(&arm.attrs, arm);
            self.branch(|reader| {
                let declared_before = reader.locals.len();
                reader.pattern(&arm.pat, Source::Part(&choice.expr), None);
                if arm.attrs.is_empty() {
                    reader.guards_of_arm(choice, arm, declared_before);
                }
                if let Some(scope) = reader.scopes.last_mut() {
                    scope.checked.extend(checked.iter().filter(|(arm, _)| *arm == at).map(|(_, site)| *site));
                }
                reader.note_arm(&choice.expr, arm, declared_before);
                if let Expr::Block(_) = &*arm.body
                    && only_taker(&choice.arms, at)
                {
                    reader.enter_with_row(&arm.pat, &choice.expr);
                }
                reader.visit_expr(&arm.body);
                let start = reader.start_of(arm.fat_arrow_token.spans[0]);
                if reader.text_kind(&arm.body) == TextKind::Text {
                    let text = reader.texts(&arm.body);
                    reader.block_texts.insert(start, text);
                }
                reader.note_chain(start, &arm.body);
            });
            self.leave(gates);
            if diverges(&arm.body) {
                continue;
            }
            let mut holds = self.assumed_in_arm(choice, at);
            if let Some((others, fails)) = joined.take() {
                let span = self.token_span(choice.match_token.span);
                let ways = Outcomes { holds: std::mem::take(&mut holds), fails };
                self.join_under(others, known_before, span, self.range(&choice.expr), &ways);
            }
            joined = Some((self.state.clone(), holds));
        }
        self.state = joined.map_or(before, |(state, _)| state);
        self.guards_of_match(choice, known_before);
    }

    fn repeated(&mut self, changes: &Changes, body: &'a Block, inside: impl FnOnce(&mut Self)) {
        let range = self.block_range(body);
        let rounds = self.begin_rounds(changes, body);
        self.forget_but(changes, range, "a loop", &rounds);
        self.repeatedly(range, inside);
        self.forget_but(changes, range, "a loop", &rounds);
        self.end_rounds(rounds, Span::new(self.source.file, range));
    }

    pub(super) fn block_range(&self, block: &Block) -> TextRange {
        self.between(block.brace_token.span.open(), block.brace_token.span.close()).range
    }

    /// True for the body of the function that is walked.
    fn is_body(&self, block: &Block) -> bool {
        self.functions.last().is_some_and(|function| function.body == self.block_range(block))
    }

    pub(super) fn block(&mut self, block: &'a Block) {
        self.scopes.push(Scope::default());
        self.statements(&block.stmts);
        let start = self.start_of(block.brace_token.span.open());
        if let Some(Stmt::Expr(tail, None)) = block.stmts.last()
            && self.text_kind(tail) == TextKind::Text
        {
            let text = self.texts(tail);
            self.block_texts.insert(start, text);
        }
        if let Some(Stmt::Expr(tail, None)) = block.stmts.last() {
            self.note_chain(start, tail);
            if self.is_body(block) {
                self.note_given(tail);
            }
        }
        if self.is_body(block) {
            self.note_settled(block);
        }
        if let Some(Stmt::Macro(tail)) = block.stmts.last()
            && tail.semi_token.is_none()
        {
            let whole = Expr::Macro(syn::ExprMacro { attrs: Vec::new(), mac: tail.mac.clone() });
            if self.text_kind(&whole) == TextKind::Text {
                let text = self.texts(&whole);
                self.block_texts.insert(start, text);
            }
        }
        self.scopes.pop();
    }

    /// Takes in what a statement of the innermost scope gives names to: an item, an import, a macro.
    pub(super) fn uses_of_statement(&mut self, statement: &Stmt) {
        let imports = matches!(statement, Stmt::Macro(mac) if self.imports_by(&mac.mac));
        let given = match statement {
            Stmt::Macro(mac) => Some(self.given_by(&mac.mac)),
            Stmt::Item(Item::Macro(mac)) => Some(self.given_by(&mac.mac)),
            _ => None,
        };
        let Some(scope) = self.scopes.last_mut() else { return };
        if let Some(given) = given {
            scope.uses.add_given(given);
        }
        match statement {
            Stmt::Item(item) => scope.uses.add_item(item),
            _ if imports => scope.uses.add_macro(),
            _ => {}
        }
    }

    pub(super) fn statements(&mut self, statements: &'a [Stmt]) {
        for statement in statements {
            self.uses_of_statement(statement);
            let (name, ty, value) = match statement {
                Stmt::Item(Item::Const(item)) => (&item.ident, &item.ty, &item.expr),
                Stmt::Item(Item::Static(item)) => (&item.ident, &item.ty, &item.expr),
                _ => continue,
            };
            let span = self.token_span(name.span());
            self.declare(name.to_string(), span, Some(ty), Source::Constant(value));
        }
        let header = self.header.take();
        let before = self.functions.last().map_or(0, |function| function.first_site);
        let mut marks = Vec::with_capacity(statements.len());
        for (at, statement) in statements.iter().enumerate() {
            marks.push(self.locals.len());
            self.unit(statement);
            self.visit_stmt(statement);
            if let Stmt::Macro(mac) = statement
                && mac.attrs.is_empty()
            {
                self.guards_of_macro(&mac.mac);
            }
            if self.sites.len() > before {
                self.note_found(statement, marks.last().copied().unwrap_or(LocalId::MAX));
                self.note_row_checks(statements, &marks, at, header);
            }
        }
    }

    fn local(&mut self, local: &'a Local) {
        let gates = self.enter(&local.attrs);
        self.attribute_suppressions(&local.attrs, local);
        let (pattern, ty) = match &local.pat {
            Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
            other => (other, None),
        };
        let Some(init) = &local.init else {
            self.pattern(pattern, Source::Unseen, ty);
            self.leave(gates);
            return;
        };
        self.keeps_closure = is_closure(&init.expr);
        let mut value = self.gated(gates, &local.attrs, |reader| reader.expr(&init.expr));
        self.keeps_closure = false;
        if let Some((_, otherwise)) = &init.diverge {
            // It leaves: what it does to a text is not seen after it.
            let before = self.state.clone();
            self.branch(|reader| reader.visit_expr(otherwise));
            self.state = before;
        }
        if let Some((_, otherwise)) = init.diverge.as_ref().filter(|_| self.cfgs.len() == gates.0) {
            self.guard_of_let_else(pattern, &init.expr, otherwise);
        }
        self.lends(pattern, &init.expr);
        let is_text = self.text_kind(&init.expr) == TextKind::Text;
        let mut text = is_text.then(|| self.texts(&init.expr));
        let mut chain = if init.diverge.is_none() { self.chain_value(&init.expr) } else { None };
        // Behind a `cfg` it may not be there, and then the name means what it meant before.
        let before = match pattern {
            _ if self.cfgs.len() == gates.0 => None,
            Pat::Ident(name) => self.lookup(&name.ident.to_string(), LocalId::MAX),
            _ => None,
        };
        if let Some(before) = before {
            let span = self.range(pattern);
            let unseen = || texts::unknown(span, self.written(span), "it depends on a `cfg`");
            let earlier = self.state.texts.get(&before).map(Rc::clone).unwrap_or_else(unseen);
            text = text.map(|text| texts::union(&earlier, &text, span));
            chain = chain.map(|_| Held::unknown(span, self.written(span), "it depends on a `cfg`"));
            value = Value::default();
        }
        match (pattern, &*init.expr) {
            (Pat::Ident(_), _) if before.is_some() => {
                self.pattern(pattern, Source::Unseen, None);
                let id = self.locals.len().saturating_sub(1);
                if let Some(text) = text {
                    self.state.texts.insert(id, text);
                }
                self.hold_chain(id, chain);
            }
            (Pat::Ident(_), _) => {
                self.pattern(pattern, Source::Let(&init.expr), ty);
                let id = self.locals.len().saturating_sub(1);
                if let Some(local) = self.locals.get_mut(id) {
                    local.site = value.site;
                    local.prepared = value.prepared;
                    local.separated = value.separated;
                }
                self.changed_within(id);
                self.declare_list(id, &init.expr);
                if let Some(text) = text {
                    self.state.texts.insert(id, text);
                }
                self.hold_chain(id, chain);
            }
            // Behind a `cfg` the names may mean what they meant before.
            _ if self.cfgs.len() != gates.0 => self.pattern(pattern, Source::Unseen, ty),
            (Pat::Tuple(names), Expr::Tuple(values)) if names.elems.len() == values.elems.len() => {
                // Before their names mean something else.
                let text_of = |value| (self.text_kind(value) == TextKind::Text).then(|| self.texts(value));
                let texts: Vec<_> = values.elems.iter().map(text_of).collect();
                let first = self.locals.len();
                for ((name, value), text) in names.elems.iter().zip(&values.elems).zip(texts) {
                    self.pattern_since(first, name, Source::Let(value), None);
                    let id = self.locals.len().saturating_sub(1);
                    if let (Pat::Ident(_), Some(text)) = (name, text) {
                        self.state.texts.insert(id, text);
                    }
                    let chain = self.chain_value_before(value, id);
                    if matches!(name, Pat::Ident(_)) {
                        self.hold_chain(id, chain);
                    }
                }
            }
            _ => {
                let first = self.locals.len();
                self.pattern(pattern, Source::Part(&init.expr), ty);
                self.hold_parts(pattern, first, chain);
            }
        }
        self.leave(gates);
    }

    /// A query of which a part is set, `statement.sql = …`, is not the one that it was made as.
    fn changed_within(&mut self, id: LocalId) {
        let Some(local) = self.locals.get(id).filter(|local| local.mutable) else { return };
        let (Some(site), span) = (local.site, local.span) else { return };
        // What is pushed to what `push` gives back is pushed to the builder; its fields are its own.
        if self.builds(site) {
            return;
        }
        if self.functions.last().is_some_and(|function| function.changes.within.contains(&local.name)) {
            let more = texts::unknown(span, self.written(span), "a part of it is set later");
            self.extend_site(site, &more, span);
        }
    }

    /// Declares the names of a pattern.
    pub(super) fn pattern(&mut self, pattern: &'a Pat, source: Source<'a>, ty: Option<&'a syn::Type>) {
        match self.pattern_from {
            Some(_) => self.part_of_pattern(pattern, source, ty),
            None => self.pattern_since(self.locals.len(), pattern, source, ty),
        }
    }

    /// Declares the names of one of several patterns at once, `first` being the first of all.
    pub(super) fn pattern_since(
        &mut self,
        first: LocalId,
        pattern: &'a Pat,
        source: Source<'a>,
        ty: Option<&'a syn::Type>,
    ) {
        let around = self.pattern_from.replace(first);
        self.part_of_pattern(pattern, source, ty);
        self.pattern_from = around;
    }

    fn part_of_pattern(&mut self, pattern: &'a Pat, source: Source<'a>, ty: Option<&'a syn::Type>) {
        let part = match source {
            Source::Let(value) => Source::Part(value),
            other => other,
        };
        match pattern {
            Pat::Ident(name) => {
                let span = self.token_span(name.ident.span());
                let id = self.declare(name.ident.to_string(), span, ty, source);
                self.note_changes(id, name.mutability.is_some());
                // A `ref mut` can be handed on as it stands.
                if let Some(local) = self.locals.get_mut(id)
                    && name.by_ref.is_some()
                    && name.mutability.is_some()
                {
                    (local.assigned, local.unsteady) = (true, true);
                }
                if let Some((_, inner)) = &name.subpat {
                    self.pattern(inner, part, None);
                }
            }
            Pat::Type(typed) => self.pattern(&typed.pat, source, Some(&typed.ty)),
            Pat::Paren(paren) => self.pattern(&paren.pat, source, ty),
            Pat::Reference(reference) => self.pattern(&reference.pat, source, ty),
            Pat::Tuple(tuple) => self.torn(|reader| {
                let types = match ty {
                    Some(syn::Type::Tuple(types)) if types.elems.len() == tuple.elems.len() => {
                        Some(&types.elems)
                    }
                    _ => None,
                };
                for (at, element) in tuple.elems.iter().enumerate() {
                    let ty = types.and_then(|types| types.iter().nth(at));
                    let source = match (part, ty) {
                        (Source::Parameter(Origin::Plain), Some(ty)) => Source::Parameter(reader.origin(ty)),
                        (part, _) => part,
                    };
                    reader.taken(None, |reader| reader.pattern(element, source, ty));
                }
            }),
            Pat::Slice(slice) => self.torn(|reader| {
                reader.taken(None, |reader| {
                    slice.elems.iter().for_each(|element| reader.pattern(element, part, None));
                });
            }),
            Pat::TupleStruct(of) => {
                let inner = ty.and_then(types::head).map(|(_, segment)| types::generic_types(segment));
                let inner = inner.and_then(|types| types.first().copied()).filter(|_| of.elems.len() == 1);
                let hands_through = of
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| ["Some", "Ok"].iter().any(|name| last.ident == name));
                if hands_through {
                    of.elems.iter().for_each(|element| self.pattern(element, part, inner));
                } else {
                    self.torn(|reader| {
                        for (at, element) in of.elems.iter().enumerate() {
                            let position = Some(at.to_string());
                            reader.taken(position, |reader| reader.pattern(element, part, inner));
                        }
                    });
                }
            }
            Pat::Struct(of) => self.torn(|reader| {
                for field in &of.fields {
                    let member = super::extracted::member(&field.member);
                    reader.taken(Some(member), |reader| reader.pattern(&field.pat, part, None));
                }
            }),
            Pat::Or(or) => self.taken(None, |reader| {
                or.cases.iter().for_each(|case| reader.pattern(case, part, None));
            }),
            Pat::Guard(guarded) => {
                self.pattern(&guarded.pat, source, ty);
                // It sees what the pattern declares.
                let from = self.pattern_from.take();
                self.visit_expr(&guarded.guard);
                self.pattern_from = from;
            }
            _ => {}
        }
    }

    /// Declares what is only a part of a value.
    fn torn(&mut self, declare: impl FnOnce(&mut Self)) {
        self.tearing += 1;
        declare(self);
        self.tearing -= 1;
    }

    /// Declares what a field of a pattern gets; nothing is known of which it is where there is none.
    fn taken(&mut self, field: Option<String>, declare: impl FnOnce(&mut Self)) {
        self.taken_apart.push(field);
        declare(self);
        self.taken_apart.pop();
    }

    fn function(&mut self, sig: &'a Signature, block: &'a Block) {
        let name_span = self.token_span(sig.ident.span());
        let mut changes = Changes::of(|visitor| visitor.visit_block(block));
        let changes_self = sig.receiver().is_some_and(receiver_changes);
        if changes_self && changes.handed.contains("self") {
            changes.within.insert("self".to_owned());
        }
        let function = Function {
            name_span,
            params: Vec::new(),
            generics: self.generics(&sig.generics),
            body: self.block_range(block),
            changes,
            changes_self,
            used: None,
            first_site: self.sites.len(),
        };
        let shown_to = std::mem::take(&mut self.shown_to);
        self.functions.push(function);
        self.modules.push(sig.ident.to_string());
        let mut scope = Scope { barrier: true, ..Scope::default() };
        scope.uses.add_generics(&sig.generics);
        self.scopes.push(scope);
        let state = std::mem::take(&mut self.state);
        let branches = std::mem::take(&mut self.branches);
        let repeats = (self.repeats_from.take(), self.round.take());
        let body = types::plain_body(sig);
        for input in &sig.inputs {
            let FnArg::Typed(typed) = input else { continue };
            // Of extractors in a tuple that is taken apart each has its own.
            let origin = match (&*typed.pat, &*typed.ty) {
                (Pat::Tuple(_), syn::Type::Tuple(_)) => Origin::Plain,
                (_, ty) if body.is_some_and(|body| std::ptr::eq(body, ty)) => Origin::Request,
                (_, ty) => self.origin(ty),
            };
            let first = self.locals.len();
            self.pattern(&typed.pat, Source::Parameter(origin), Some(&typed.ty));
            let locals = (first..self.locals.len()).collect();
            let (name, span) = match &*typed.pat {
                Pat::Ident(name) => (name.ident.to_string(), self.token_span(name.ident.span())),
                other => (String::new(), self.range(other)),
            };
            let ty = types::written(self.written(self.range(&typed.ty)));
            if let Some(function) = self.functions.last_mut() {
                function.params.push(Parameter { name, ty, span, locals });
            }
        }
        self.note_function(sig, block, shown_to);
        self.begin_chains(sig, block);
        let (first_site, around) = (self.sites.len(), std::mem::take(&mut self.open_checks));
        self.block(block);
        self.open_checks = around;
        self.note_returned(sig, block, first_site);
        self.end_chains();
        self.branches = branches;
        (self.repeats_from, self.round) = repeats;
        self.state = state;
        self.scopes.pop();
        self.modules.pop();
        self.functions.pop();
    }

    /// Takes in the `use` declarations of a module.
    fn uses_of(&mut self, items: &[Item]) {
        let mut given = crate::given::Given::default();
        for item in items {
            // What is included in a module has no name that the module declares otherwise, or imports.
            if let Item::Macro(of) = item
                && !of.mac.path.is_ident("include")
            {
                given.extend(self.given_by(&of.mac));
            }
        }
        let Some(scope) = self.scopes.last_mut() else { return };
        items.iter().for_each(|item| scope.uses.add_item(item));
        scope.uses.add_given(given);
    }

    /// Notes a place that a suppression may cover.
    fn unit(&mut self, node: &impl Extent) {
        if self.units.is_some() {
            let range = self.range(node).range;
            if let Some(units) = &mut self.units {
                units.push(range);
            }
        }
    }

    /// Takes in `cfg`s and test attributes; the answer undoes it.
    fn enter(&mut self, attributes: &[Attribute]) -> (usize, usize) {
        let before = (self.cfgs.len(), self.tests);
        for attribute in attributes {
            let name =
                attribute.path().segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
            if name == "cfg" {
                let span = self.range(&attribute.meta);
                let written = self.written(span).trim_start_matches("cfg").trim();
                let inner =
                    written.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(written);
                self.tests += usize::from(is_test_cfg(inner));
                self.cfgs.push(inner.to_owned());
            }
            if name == "cfg_attr" {
                let span = self.range(&attribute.meta);
                // What it adds may be a `cfg`.
                if self.written(span).replace(char::is_whitespace, "").contains(",cfg(") {
                    self.cfgs.push(self.written(span).to_owned());
                }
            }
            if matches!(name.as_str(), "test" | "rstest" | "test_case" | "bench" | "quickcheck") {
                self.tests += 1;
            }
        }
        before
    }

    fn leave(&mut self, before: (usize, usize)) {
        self.cfgs.truncate(before.0);
        self.tests = before.1;
    }

    fn attribute_suppressions(&mut self, attributes: &[Attribute], node: &impl Extent) {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cfg_attr")) {
            let span = self.range(attribute);
            let Ok(list) = attribute.meta.require_list() else { continue };
            let text = list.tokens.to_string();
            let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            if !compact.starts_with("false,tenantry::allow(") {
                continue;
            }
            let written = self.written(span);
            let arguments = written
                .split_once("allow")
                .and_then(|(_, rest)| rest.split_once('('))
                .map_or("", |(_, rest)| rest);
            let arguments = arguments.rsplit_once(']').map_or(arguments, |(inside, _)| inside).trim_end();
            let arguments = arguments.strip_suffix(')').unwrap_or(arguments).trim_end();
            let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
            let covers = self.range(node).range;
            for directive in suppress::attribute(arguments) {
                self.attributes.push(suppress::suppression(directive, span, covers));
            }
        }
    }

    fn item_gates(&mut self, attributes: &'a [Attribute], node: &impl Extent) -> (usize, usize) {
        self.unit(node);
        self.attribute_suppressions(attributes, node);
        self.enter(attributes)
    }
}

impl<'a> Visit<'a> for Reader<'a> {
    fn visit_file(&mut self, file: &'a syn::File) {
        let gates = self.enter(&file.attrs);
        self.uses_of(&file.items);
        for item in &file.items {
            self.visit_item(item);
        }
        self.leave(gates);
    }

    fn visit_item(&mut self, item: &'a Item) {
        let gates = self.item_gates(item_attributes(item), item);
        visit::visit_item(self, item);
        self.leave(gates);
    }

    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        self.modules.push(item.ident.to_string());
        self.module.push(item.ident.to_string());
        let around = self.exposed;
        self.exposed |= is_decorated(&item.attrs);
        match &item.content {
            Some((_, items)) => {
                self.scopes.push(Scope { module: true, ..Scope::default() });
                self.uses_of(items);
                items.iter().for_each(|item| self.visit_item(item));
                self.scopes.pop();
            }
            None if self.tests > 0 => self.test_modules.push(self.modules.join("::")),
            None => {}
        }
        self.exposed = around;
        self.module.pop();
        self.modules.pop();
    }

    fn visit_item_impl(&mut self, item: &'a ItemImpl) {
        let name = types::last_segment(&item.self_ty).unwrap_or_else(|| "impl".to_owned());
        self.modules.push(name.clone());
        self.self_types.push(name);
        self.self_paths.push(types::path_of(&item.self_ty));
        self.wrapped.push(wrapped_parameter(item));
        let generics = self.generics(&item.generics);
        self.around_types.push(generics);
        let own_trait = self.own_trait.take();
        let mut scope = Scope::default();
        scope.uses.add_generics(&item.generics);
        self.scopes.push(scope);
        let around = self.shown_to.clone();
        for inner in &item.items {
            let (attributes, function): (&[Attribute], _) = match inner {
                ImplItem::Fn(function) => (&function.attrs, Some(function)),
                ImplItem::Const(constant) => (&constant.attrs, None),
                _ => (&[], None),
            };
            let gates = self.item_gates(attributes, inner);
            self.shown_to = Shown {
                is_decorated: self.exposed || is_decorated(&item.attrs) || is_decorated(attributes),
                of_trait: item
                    .trait_
                    .as_ref()
                    .and_then(|(path, _)| Some(path.segments.last()?.ident.to_string())),
            };
            match function {
                Some(function) => self.function(&function.sig, &function.block),
                None => visit::visit_impl_item(self, inner),
            }
            self.leave(gates);
        }
        self.shown_to = around;
        self.scopes.pop();
        self.own_trait = own_trait;
        self.around_types.pop();
        self.wrapped.pop();
        self.self_types.pop();
        self.self_paths.pop();
        self.modules.pop();
    }

    fn visit_item_trait(&mut self, item: &'a syn::ItemTrait) {
        self.modules.push(item.ident.to_string());
        let around = self.own_trait.replace(item.ident.to_string());
        let generics = self.generics(&item.generics);
        self.around_types.push(generics);
        let mut scope = Scope::default();
        scope.uses.add_generics(&item.generics);
        self.scopes.push(scope);
        for inner in &item.items {
            if let TraitItem::Fn(function) = inner
                && let Some(asked) = &mut self.asked
                && function.default.is_none()
            {
                asked.see(&function.sig.ident.to_string());
            }
            if let TraitItem::Fn(function) = inner
                && let Some(asked) = &mut self.asked
                && !is_decorated(&item.attrs)
                && !is_decorated(&function.attrs)
                && asked.is_for(&function.sig.ident.to_string())
            {
                asked.declare_in_trait(item.ident.to_string(), function.sig.ident.to_string());
            }
            if let TraitItem::Fn(function) = inner
                && let Some(body) = &function.default
            {
                let gates = self.item_gates(&function.attrs, inner);
                let is_decorated = self.exposed || is_decorated(&item.attrs) || is_decorated(&function.attrs);
                self.shown_to = Shown { is_decorated, of_trait: Some(item.ident.to_string()) };
                self.function(&function.sig, body);
                self.leave(gates);
            }
        }
        self.scopes.pop();
        self.around_types.pop();
        self.own_trait = around;
        self.modules.pop();
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        let is_decorated = self.exposed || is_decorated(&item.attrs);
        self.shown_to = Shown { is_decorated, of_trait: None };
        self.function(&item.sig, &item.block);
    }

    fn visit_item_macro(&mut self, item: &'a syn::ItemMacro) {
        // It may register what is written in it.
        let around = std::mem::replace(&mut self.exposed, true);
        self.macro_call(&item.mac);
        self.exposed = around;
    }

    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Local(local) => self.local(local),
            Stmt::Macro(mac) => {
                let gates = self.enter(&mac.attrs);
                self.attribute_suppressions(&mac.attrs, mac);
                self.gated(gates, &mac.attrs, |reader| reader.macro_call(&mac.mac));
                self.rebound(&mac.mac);
                self.leave(gates);
            }
            Stmt::Expr(expr, _) => {
                let attributes = expression_attributes(expr);
                let gates = self.enter(attributes);
                self.attribute_suppressions(attributes, expr);
                self.gated(gates, attributes, |reader| reader.expr(expr));
                self.leave(gates);
            }
            Stmt::Item(item) => self.visit_item(item),
        }
    }

    fn visit_block(&mut self, block: &'a Block) {
        self.block(block);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            // The walk of these is `expr`'s; others are reached from there again.
            Expr::Paren(_)
            | Expr::Group(_)
            | Expr::Reference(_)
            | Expr::RawAddr(_)
            | Expr::MethodCall(_)
            | Expr::Await(_)
            | Expr::Try(_)
            | Expr::Call(_)
            | Expr::Macro(_)
            | Expr::Struct(_)
            | Expr::Path(_)
            | Expr::If(_)
            | Expr::Match(_)
            | Expr::While(_)
            | Expr::Loop(_)
            | Expr::ForLoop(_)
            | Expr::Closure(_)
            | Expr::Async(_)
            | Expr::Assign(_)
            | Expr::Binary(_)
            | Expr::Let(_)
            | Expr::Block(_)
            | Expr::Unsafe(_) => {
                self.expr(expr);
            }
            _ => {
                self.at_leaf(expr);
                visit::visit_expr(self, expr);
                if let Expr::Return(left) = expr
                    && let Some(value) = &left.expr
                {
                    self.note_given(value);
                }
            }
        }
    }

    fn visit_macro(&mut self, mac: &'a Macro) {
        self.macro_call(mac);
    }
}

/// The type parameter of which nothing is known that an `impl` is for a `Result` or an `Option` of.
fn wrapped_parameter(item: &ItemImpl) -> Option<String> {
    let (_, segment) = types::head(&item.self_ty)?;
    let is_wrapper = segment.ident == "Result" || segment.ident == "Option";
    let inner = types::generic_types(segment).first().copied().filter(|_| is_wrapper)?;
    let name = types::path_of(inner);
    let [name] = name.as_slice() else { return None };
    let mut parameters = item.generics.type_params();
    let is_free = parameters.any(|parameter| parameter.ident == name.as_str() && parameter.bounds.is_empty());
    (is_free && item.generics.where_clause.is_none()).then(|| name.clone())
}

pub(super) fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(binary) => has_let(&binary.left) || has_let(&binary.right),
        Expr::Paren(paren) => has_let(&paren.expr),
        _ => false,
    }
}

/// The expression without references of any kind, `.await`, `?` and the methods that hand a receiver through.
pub(crate) fn strip_all(expr: &Expr) -> &Expr {
    match strip_mut(expr) {
        Expr::MethodCall(call) if call.args.is_empty() && is_view(&call.method.to_string()) => {
            strip_all(&call.receiver)
        }
        other => other,
    }
}

fn is_view(name: &str) -> bool {
    matches!(name, "as_ref" | "as_mut" | "deref" | "deref_mut" | "borrow" | "borrow_mut" | "clone")
}

fn strip_mut(expr: &Expr) -> &Expr {
    match strip(expr) {
        Expr::Reference(reference) => strip_mut(&reference.expr),
        other => other,
    }
}

pub(super) fn is_same_result(name: &str) -> bool {
    SAME_RESULT.contains(&name)
}

/// `&mut self`, `mut self`, or a type that is not looked into.
pub(crate) fn receiver_changes(receiver: &syn::Receiver) -> bool {
    let shared =
        matches!(&receiver.kind, syn::ReceiverKind::Reference(_, _, None) | syn::ReceiverKind::Value);
    receiver.mutability.is_some() || !shared
}

fn item_attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Fn(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// Attributes of a statement that is an expression; those of an assignment stand at what is assigned to.
pub(crate) fn expression_attributes(expr: &Expr) -> &[Attribute] {
    match expr {
        Expr::Assign(expr) if expr.attrs.is_empty() => expression_attributes(&expr.left),
        Expr::Binary(expr) if expr.attrs.is_empty() => expression_attributes(&expr.left),
        Expr::Cast(expr) if expr.attrs.is_empty() => expression_attributes(&expr.expr),
        Expr::Assign(expr) => &expr.attrs,
        Expr::Binary(expr) => &expr.attrs,
        Expr::Async(expr) => &expr.attrs,
        Expr::Await(expr) => &expr.attrs,
        Expr::Block(expr) => &expr.attrs,
        Expr::Break(expr) => &expr.attrs,
        Expr::Call(expr) => &expr.attrs,
        Expr::Closure(expr) => &expr.attrs,
        Expr::Continue(expr) => &expr.attrs,
        Expr::Field(expr) => &expr.attrs,
        Expr::ForLoop(expr) => &expr.attrs,
        Expr::If(expr) => &expr.attrs,
        Expr::Index(expr) => &expr.attrs,
        Expr::Loop(expr) => &expr.attrs,
        Expr::Macro(expr) => &expr.attrs,
        Expr::Match(expr) => &expr.attrs,
        Expr::MethodCall(expr) => &expr.attrs,
        Expr::Paren(expr) => &expr.attrs,
        Expr::Path(expr) => &expr.attrs,
        Expr::Reference(expr) => &expr.attrs,
        Expr::Return(expr) => &expr.attrs,
        Expr::Struct(expr) => &expr.attrs,
        Expr::Try(expr) => &expr.attrs,
        Expr::Tuple(expr) => &expr.attrs,
        Expr::Unary(expr) => &expr.attrs,
        Expr::Unsafe(expr) => &expr.attrs,
        Expr::While(expr) => &expr.attrs,
        _ => &[],
    }
}

/// True for methods that leave the text alone that they are called on.
fn leaves_text_alone(method: &str) -> bool {
    const READING: &[&str] = &[
        "replace",
        "replacen",
        "split",
        "split_whitespace",
        "chars",
        "char_indices",
        "lines",
        "bytes",
        "find",
        "rfind",
        "matches",
        "repeat",
        "capacity",
        "reserve",
        "trim_start",
        "trim_end",
        "trim_matches",
        "trim_end_matches",
        "strip_prefix",
        "strip_suffix",
        "hash",
        "partial_cmp",
        "borrow",
        "bytes",
    ];
    leaves_alone(method) || READING.contains(&method)
}

/// What a chain of calls begins with, and its steps from there on.
pub(crate) fn unchained(expr: &Expr) -> (&Expr, Vec<Step<'_>>) {
    let mut steps = Vec::new();
    let mut base = expr;
    loop {
        base = match base {
            Expr::MethodCall(call) => {
                steps.push(Step::Method(call));
                &call.receiver
            }
            Expr::Await(inner) => {
                steps.push(Step::Await);
                &inner.base
            }
            Expr::Try(inner) => {
                steps.push(Step::Try);
                &inner.expr
            }
            Expr::Paren(inner) => &inner.expr,
            _ => break,
        }
    }
    steps.reverse();
    (base, steps)
}

/// A closure, or one in a box.
fn is_closure(value: &Expr) -> bool {
    match strip_all(value) {
        Expr::Closure(_) => true,
        Expr::Call(call) => {
            let is_new = matches!(&*call.func, Expr::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "new"));
            is_new && call.args.len() == 1 && call.args.iter().all(is_closure)
        }
        _ => false,
    }
}
