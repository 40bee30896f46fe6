//! On which connection statements run, and what ran on it before.
//!
//! A transaction that a function begins is followed through it: what is awaited on it in a straight line stands before what
//! comes later on every way; what runs in a branch or a loop, perhaps. Any other use of the variable ends what is known.
//!
//! **Invariant:** of a connection whose statements are not all in sight a session says so ([`Session::broken`]).

use syn::visit::{self, Visit};
use syn::{Expr, Pat};
use tenantry_span::TextRange;

use wrappers::Names;
pub use wrappers::{CalledWrapper, Wrapper, WrapperParam, may_wrap};

use crate::extent::{Extent, Lines};
use crate::read::Parsed;

mod held;
mod wrappers;

/// An expression that runs statements on a connection that is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The expression; the site lies in it. Of several the smallest counts.
    pub within: TextRange,
    /// What the expression is handed besides; what stands there may run elsewhere.
    pub beside: Option<TextRange>,
    /// Where the statement was made that a variable held until here.
    pub held: Option<TextRange>,
    /// The wrapper that opened it, with what it was handed; `None` for a transaction that is begun here.
    pub wrapper: Option<SettingCall>,
    /// What ran before on every way.
    pub before: Vec<SessionStep>,
    /// What ran before on some way, or may run in between.
    pub perhaps: Vec<SessionStep>,
    /// Why not all that runs on it is known.
    pub broken: Option<String>,
    /// The transaction is begun on a connection that callers hand in, who may have changed its role.
    pub handed_in: bool,
}

impl Session {
    /// True of what the expression runs, as far as its place says it.
    pub fn runs(&self, place: TextRange) -> bool {
        runs(self.within, self.beside, self.held, place)
    }
}

fn runs(range: TextRange, beside: Option<TextRange>, held: Option<TextRange>, place: TextRange) -> bool {
    let is_beside = beside.is_some_and(|beside| beside.contains_range(place));
    held == Some(place) || range.contains_range(place) && !is_beside
}

/// Something that runs on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionStep {
    /// The expression.
    pub range: TextRange,
    /// What it is handed besides; what stands there may run elsewhere.
    pub beside: Option<TextRange>,
    /// Where the statement was made that a variable held until here.
    pub held: Option<TextRange>,
    /// A function that the policy says sets the tenant for the connection.
    pub setter: Option<SettingCall>,
}

impl SessionStep {
    /// True of what the expression runs, as far as its place says it.
    pub fn runs(&self, place: TextRange) -> bool {
        runs(self.range, self.beside, self.held, place)
    }
}

/// A call of a function of `[trust] with-setting`, or of one that may be such by its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingCall {
    /// Its name.
    pub name: String,
    /// Its arguments as written, connections and closures apart; of a function that is to be known by its body all of them.
    pub arguments: Vec<String>,
    /// Which function it is, where the policy does not name it.
    pub by_body: Option<CalledWrapper>,
}

/// Follows the connections of a file. `setters` are the functions that set the tenant, by the ends of their paths.
pub(crate) fn follow(parsed: &Parsed, text: &str, setters: &[&str]) -> (Vec<Session>, Vec<Wrapper>) {
    let mut walker = Walker {
        base: parsed.base,
        lines: &parsed.lines,
        text,
        setters,
        names: Names::of(&parsed.file),
        held: held::held(&parsed.file, parsed.base, &parsed.lines),
        connections: Vec::new(),
        is_async: false,
        awaited: false,
        found: Vec::new(),
    };
    walker.visit_file(&parsed.file);
    walker.found.sort_by_key(|session| session.within);
    let wrappers = wrappers::declared(&parsed.file, parsed.base, text, &walker.found);
    (walker.found, wrappers)
}

/// A variable that holds a connection.
#[derive(Clone)]
struct Connection {
    name: String,
    wrapper: Option<SettingCall>,
    before: Vec<SessionStep>,
    perhaps: Vec<SessionStep>,
    broken: Option<String>,
    handed_in: bool,
    /// A transaction of this function; a connection that is handed in becomes one when it is begun on it.
    begun: bool,
}

impl Connection {
    fn begun(name: String, broken: Option<String>) -> Connection {
        Connection {
            name,
            wrapper: None,
            before: Vec::new(),
            perhaps: Vec::new(),
            broken,
            handed_in: false,
            begun: true,
        }
    }

    /// What a transaction is that is begun on it: within another one a part of that.
    fn begin(&self) -> Connection {
        match self.begun {
            true => self.clone(),
            false => Connection { handed_in: true, ..Connection::begun(self.name.clone(), None) },
        }
    }
}

struct Walker<'a> {
    base: usize,
    lines: &'a Lines,
    text: &'a str,
    setters: &'a [&'a str],
    names: Names,
    held: held::Held,
    connections: Vec<Connection>,
    /// The function or block around is `async`: what is not awaited does not run.
    is_async: bool,
    awaited: bool,
    found: Vec<Session>,
}

/// Methods that begin a transaction.
const BEGINS: &[&str] = &["begin", "transaction"];
/// The same, which are handed how the transaction is to run.
const BEGINS_AS: &[&str] = &["begin_with_config"];
/// Methods that begin a transaction, run the closure that they are handed in it, and end it.
const RUNS_IN: &[&str] = &["transaction", "transaction_with_config"];
/// Methods of connections that run what they are handed.
const RUNS: &[&str] = &[
    "execute",
    "execute_many",
    "execute_raw",
    "execute_unprepared",
    "batch_execute",
    "simple_query",
    "fetch",
    "fetch_many",
    "fetch_all",
    "fetch_one",
    "fetch_optional",
    "prepare",
    "prepare_with",
    "describe",
    "query",
    "query_one",
    "query_opt",
    "query_raw",
    "query_all",
    "query_typed",
    "stream",
];
/// Methods after which a transaction is no more.
const ENDS: &[&str] = &["commit", "rollback"];
/// Methods that give the connection itself.
const SAME: &[&str] = &["as_mut", "deref_mut", "borrow_mut"];

impl Walker<'_> {
    fn range(&self, node: &impl Extent) -> TextRange {
        let (start, end) = self.lines.range(node);
        TextRange::from_usize(self.base + start, self.base + end)
    }

    fn written(&self, node: &impl Extent) -> String {
        let range = self.range(node);
        self.text.get(range.start as usize..range.end as usize).unwrap_or("").to_owned()
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.connections.iter().rposition(|known| known.name == name)
    }

    /// The connection that an expression hands over whole.
    fn connection(&self, expr: &Expr) -> Option<usize> {
        match expr {
            Expr::Reference(inner) => self.connection(&inner.expr),
            Expr::Paren(inner) => self.connection(&inner.expr),
            Expr::Unary(inner) if matches!(inner.op, syn::UnOp::Deref(_)) => self.connection(&inner.expr),
            Expr::MethodCall(call) if SAME.iter().any(|name| call.method == name) && call.args.is_empty() => {
                self.connection(&call.receiver)
            }
            Expr::Path(path) => self.place(&path.path.get_ident()?.to_string()),
            _ => None,
        }
    }

    fn shadow(&mut self, name: String) {
        if self.place(&name).is_some() {
            let broken = Some("its name means something else here".to_owned());
            self.connections.push(Connection { begun: false, ..Connection::begun(name, broken) });
        }
    }

    fn break_off(&mut self, at: usize, why: &str) {
        if let Some(known) = self.connections.get_mut(at) {
            known.broken.get_or_insert_with(|| why.to_owned());
        }
    }

    /// Walks what may not run, or not in this order: of what it runs nothing is sure afterwards.
    fn nested(&mut self, work: impl FnOnce(&mut Self)) {
        let lengths: Vec<usize> = self.connections.iter().map(|known| known.before.len()).collect();
        let awaited = std::mem::replace(&mut self.awaited, false);
        work(self);
        self.awaited = awaited;
        self.connections.truncate(lengths.len());
        for (known, length) in self.connections.iter_mut().zip(lengths) {
            let added = known.before.split_off(length.min(known.before.len()));
            known.perhaps.extend(added);
        }
    }

    /// The same of what may run several times: what is at its end may stand before its beginning.
    fn repeated(&mut self, work: impl Fn(&mut Self)) {
        let found = self.found.len();
        self.nested(&work);
        self.found.truncate(found);
        self.nested(&work);
    }

    /// Notes that an expression runs something on a connection.
    fn runs(&mut self, at: usize, range: TextRange, beside: Option<TextRange>, setter: Option<SettingCall>) {
        let sure = self.awaited || !self.is_async;
        let Some(known) = self.connections.get_mut(at) else { return };
        let of_callers = || (!known.begun).then(|| "the connection is handed in by callers".to_owned());
        let held = self.held.get(&range).copied();
        self.found.push(Session {
            within: range,
            beside,
            held,
            wrapper: known.wrapper.clone(),
            before: known.before.clone(),
            perhaps: known.perhaps.clone(),
            broken: known.broken.clone().or_else(of_callers),
            handed_in: known.handed_in,
        });
        let step = SessionStep { range, beside, held, setter };
        let steps = if sure { &mut known.before } else { &mut known.perhaps };
        steps.push(step);
    }

    /// What a call of one of the policy's functions hands over. They are called by their names; where the call says in which
    /// module or type that lies, and the policy too, they agree.
    fn setter(
        &self,
        path: &[String],
        args: &syn::punctuated::Punctuated<Expr, syn::Token![,]>,
    ) -> Option<SettingCall> {
        let name = path.last()?;
        let is_place = |part: &&str| !matches!(*part, "crate" | "self" | "super");
        let agrees = |known: &str| {
            let known = known.rsplit("::").map(str::trim).filter(is_place);
            known.zip(path.iter().rev().map(String::as_str).filter(is_place)).all(|(one, other)| one == other)
        };
        if !self.setters.iter().any(|known| agrees(known)) {
            return None;
        }
        let plain = args.iter().filter(|arg| {
            !matches!(arg, Expr::Closure(_) | Expr::Async(_)) && self.connection(arg).is_none()
        });
        let arguments = plain.map(|arg| self.written(arg)).collect();
        Some(SettingCall { name: name.clone(), arguments, by_body: None })
    }

    /// A call that hands a closure of one parameter to a function, which may run it on a connection that it has set up.
    fn may_wrap(
        &self,
        path: &[String],
        args: &syn::punctuated::Punctuated<Expr, syn::Token![,]>,
        is_method: bool,
    ) -> Option<SettingCall> {
        let closures = args.iter().filter(|arg| matches!(arg, Expr::Closure(_))).count();
        if closures != 1 || args.len() < 2 {
            return None;
        }
        let path = if is_method { path.to_vec() } else { self.names.resolved(path)? };
        let by_body = CalledWrapper { path: path.clone(), is_method, begins: false };
        let arguments = args.iter().map(|arg| match arg {
            Expr::Closure(_) => String::new(),
            arg => self.written(arg),
        });
        let arguments = arguments.collect();
        Some(SettingCall { name: path.last()?.clone(), arguments, by_body: Some(by_body) })
    }

    /// The arguments of a call, connections apart, and what it runs on them.
    fn call(
        &mut self,
        path: &[String],
        args: &syn::punctuated::Punctuated<Expr, syn::Token![,]>,
        range: TextRange,
        is_method: bool,
    ) {
        let setter = self.setter(path, args);
        let wrapper = setter.clone().or_else(|| self.may_wrap(path, args, is_method));
        let opens = setter.is_none() && wrapper.is_some();
        let mut used = Vec::new();
        for arg in args {
            match (self.connection(arg), arg, &wrapper) {
                (Some(at), _, _) => used.push(at),
                (None, Expr::Closure(closure), Some(wrapper)) => self.wrapped(closure, wrapper.clone()),
                (None, arg, _) => {
                    self.runs_elsewhere(arg);
                    let awaited = std::mem::replace(&mut self.awaited, false);
                    self.visit_expr(arg);
                    self.awaited = awaited;
                }
            }
        }
        let beside = self.around(args);
        for at in used {
            self.runs(at, range, beside, setter.clone());
            if opens {
                self.break_off(at, "it is handed to a function that runs a closure");
            }
        }
    }

    /// Where the arguments of a call stand.
    fn around(&self, args: &syn::punctuated::Punctuated<Expr, syn::Token![,]>) -> Option<TextRange> {
        let (first, last) = (self.range(args.first()?), self.range(args.last()?));
        Some(TextRange { start: first.start, end: last.end })
    }

    /// A transaction that a method begins on a connection for a closure: `conn.transaction(|conn| …)`.
    fn transaction(&mut self, call: &syn::ExprMethodCall, closure: &syn::ExprClosure) {
        let at = self.connection(&call.receiver);
        if at.is_none() {
            self.visit_expr(&call.receiver);
        }
        call.args.iter().skip(1).for_each(|arg| self.visit_expr(arg));
        let around = at.and_then(|at| self.connections.get(at)).cloned();
        let mut begun =
            around.as_ref().map_or_else(|| Connection::begun(String::new(), None), Connection::begin);
        // A method of the workspace's own may have the name.
        let path = vec![call.method.to_string()];
        let by_body = Some(CalledWrapper { path, is_method: true, begins: true });
        let setter = SettingCall { name: call.method.to_string(), arguments: vec![String::new()], by_body };
        if begun.wrapper.is_none() {
            begun.wrapper = Some(setter);
        }
        let inner = self.in_closure(closure, begun);
        let known = at.and_then(|at| self.connections.get_mut(at)).filter(|known| known.begun);
        // A transaction within another one leaves to it what it has set, unless it fails.
        if let (Some(known), Some(inner), Some(around)) = (known, inner, around) {
            known.perhaps.extend(inner.before.into_iter().skip(around.before.len()));
            known.perhaps.extend(inner.perhaps.into_iter().skip(around.perhaps.len()));
            known.broken = known.broken.take().or(inner.broken);
        }
    }

    /// What an argument runs by itself, it does not run on the connection that the call around is handed.
    fn runs_elsewhere(&mut self, arg: &Expr) {
        let mut found = Runs { awaits: false, calls: false };
        found.visit_expr(arg);
        if found.awaits || found.calls && !self.is_async {
            self.found.push(Session {
                within: self.range(arg),
                beside: None,
                held: None,
                wrapper: None,
                before: Vec::new(),
                perhaps: Vec::new(),
                broken: Some("it is no connection of this function".to_owned()),
                handed_in: false,
            });
        }
    }

    /// The closure that a wrapper hands its connection to.
    fn wrapped(&mut self, closure: &syn::ExprClosure, setter: SettingCall) {
        let handed = Connection { wrapper: Some(setter), ..Connection::begun(String::new(), None) };
        self.in_closure(closure, handed);
    }

    /// What a closure is handed is a connection, of which it returns what is known at its end.
    fn in_closure(&mut self, closure: &syn::ExprClosure, handed: Connection) -> Option<Connection> {
        let mut ended = None;
        self.nested(|walker| {
            let first = walker.connections.len();
            let names = closure.inputs.iter().filter_map(bound_name);
            walker.connections.extend(names.map(|name| Connection { name, ..handed.clone() }));
            let around = std::mem::replace(&mut walker.is_async, closure.asyncness.is_some());
            walker.visit_expr(&closure.body);
            walker.is_async = around;
            ended = walker.connections.get(first).cloned();
        });
        ended
    }

    fn function(&mut self, sig: &syn::Signature, work: impl FnOnce(&mut Self)) {
        let connections = std::mem::take(&mut self.connections);
        let around = (self.is_async, self.awaited);
        (self.is_async, self.awaited) = (sig.asyncness.is_some(), false);
        for input in &sig.inputs {
            let syn::FnArg::Typed(typed) = input else { continue };
            let ty = self.written(&typed.ty);
            if let Some(name) = bound_name(&typed.pat)
                && (ty.contains("Transaction") || ty.contains("Connection"))
            {
                // What is begun already is the callers' to say.
                let begun = ty.contains("Transaction");
                let broken = begun.then(|| "the connection is handed in by callers".to_owned());
                self.connections.push(Connection { begun, ..Connection::begun(name, broken) });
            }
        }
        work(self);
        (self.is_async, self.awaited) = around;
        self.connections = connections;
    }
}

impl<'ast> Visit<'ast> for Walker<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, |walker| visit::visit_block(walker, &item.block));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, |walker| visit::visit_block(walker, &item.block));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let Some(block) = &item.default else { return };
        self.function(&item.sig, |walker| visit::visit_block(walker, block));
    }

    fn visit_block(&mut self, block: &'ast syn::Block) {
        let depth = self.connections.len();
        visit::visit_block(self, block);
        self.connections.truncate(depth);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let Some(init) = &local.init else {
            visit::visit_local(self, local);
            return;
        };
        let begun = begins(&init.expr);
        if let (Some(receiver), Some(name)) = (begun, bound_name(&local.pat)) {
            let outer = self.connection(receiver);
            match outer {
                Some(at) => {
                    let inner = self.connections.get(at).map(Connection::begin);
                    self.break_off(at, "another transaction is begun within it");
                    self.connections.extend(inner.map(|inner| Connection { name, ..inner }));
                }
                None => {
                    self.visit_expr(receiver);
                    self.connections.push(Connection::begun(name, None));
                }
            }
            return;
        }
        self.visit_expr(&init.expr);
        if let Some((_, diverges)) = &init.diverge {
            self.nested(|walker| walker.visit_expr(diverges));
        }
        self.visit_pat(&local.pat);
    }

    fn visit_expr_block(&mut self, expr: &'ast syn::ExprBlock) {
        match expr.label {
            // What is behind a `break` of it may not run.
            Some(_) => self.nested(|walker| walker.visit_block(&expr.block)),
            None => self.visit_block(&expr.block),
        }
    }

    fn visit_stmt(&mut self, stmt: &'ast syn::Stmt) {
        let attributes = match stmt {
            syn::Stmt::Local(local) => &local.attrs,
            syn::Stmt::Expr(expr, _) => crate::read::expression_attributes(expr),
            syn::Stmt::Macro(mac) => &mac.attrs,
            syn::Stmt::Item(_) => return visit::visit_stmt(self, stmt),
        };
        if attributes.is_empty() {
            return visit::visit_stmt(self, stmt);
        }
        // A `cfg` may take it away, and then a name means what it meant before.
        self.nested(|walker| visit::visit_stmt(walker, stmt));
        if let syn::Stmt::Local(local) = stmt {
            self.visit_pat(&local.pat);
        }
    }

    fn visit_pat_ident(&mut self, pat: &'ast syn::PatIdent) {
        self.shadow(pat.ident.to_string());
        visit::visit_pat_ident(self, pat);
    }

    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        let around = std::mem::replace(&mut self.awaited, true);
        self.visit_expr(&expr.base);
        self.awaited = around;
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let name = call.method.to_string();
        let range = self.range(call);
        let receiver = self.connection(&call.receiver);
        let path = [name.clone()];
        if let Some(closure) = run_in(call).filter(|_| self.setter(&path, &call.args).is_none()) {
            return self.transaction(call, closure);
        }
        if let Some(at) = receiver {
            self.call(&path, &call.args, range, true);
            if !ENDS.contains(&name.as_str()) {
                let setter = self.setter(&path, &call.args);
                let beside = self.around(&call.args).filter(|_| !RUNS.contains(&name.as_str()));
                self.runs(at, range, beside, setter);
            }
            return;
        }
        self.visit_expr(&call.receiver);
        self.call(&path, &call.args, range, true);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let path: Vec<String> = match &*call.func {
            Expr::Path(path) => path.path.segments.iter().map(|part| part.ident.to_string()).collect(),
            _ => Vec::new(),
        };
        self.visit_expr(&call.func);
        let range = self.range(call);
        self.call(&path, &call.args, range, false);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        if let Some(at) = path.path.get_ident().and_then(|name| self.place(&name.to_string())) {
            self.break_off(at, "it is used otherwise than to run statements");
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let tokens = mac.tokens.to_string();
        let mentioned =
            |name: &str| tokens.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == name);
        let named: Vec<usize> = (0..self.connections.len())
            .filter(|at| self.connections.get(*at).is_some_and(|known| mentioned(&known.name)))
            .collect();
        named.into_iter().for_each(|at| self.break_off(at, "a macro uses it"));
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        if let Some(at) = self.connection(&assign.left) {
            self.break_off(at, "it is assigned anew");
        }
        visit::visit_expr_assign(self, assign);
    }

    fn visit_expr_if(&mut self, expr: &'ast syn::ExprIf) {
        self.visit_expr(&expr.cond);
        self.nested(|walker| walker.visit_block(&expr.then_branch));
        if let Some((_, other)) = &expr.else_branch {
            self.nested(|walker| walker.visit_expr(other));
        }
    }

    fn visit_expr_match(&mut self, expr: &'ast syn::ExprMatch) {
        self.visit_expr(&expr.expr);
        for arm in &expr.arms {
            self.nested(|walker| visit::visit_arm(walker, arm));
        }
    }

    fn visit_expr_binary(&mut self, expr: &'ast syn::ExprBinary) {
        self.visit_expr(&expr.left);
        match expr.op {
            syn::BinOp::And(_) | syn::BinOp::Or(_) => self.nested(|walker| walker.visit_expr(&expr.right)),
            _ => self.visit_expr(&expr.right),
        }
    }

    fn visit_expr_while(&mut self, expr: &'ast syn::ExprWhile) {
        self.repeated(|walker| visit::visit_expr_while(walker, expr));
    }

    fn visit_expr_loop(&mut self, expr: &'ast syn::ExprLoop) {
        self.repeated(|walker| visit::visit_expr_loop(walker, expr));
    }

    fn visit_expr_for_loop(&mut self, expr: &'ast syn::ExprForLoop) {
        self.visit_expr(&expr.expr);
        self.repeated(|walker| {
            walker.visit_pat(&expr.pat);
            walker.visit_block(&expr.body);
        });
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.repeated(|walker| {
            let around = std::mem::replace(&mut walker.is_async, closure.asyncness.is_some());
            visit::visit_expr_closure(walker, closure);
            walker.is_async = around;
        });
    }

    fn visit_expr_async(&mut self, expr: &'ast syn::ExprAsync) {
        self.nested(|walker| {
            let around = std::mem::replace(&mut walker.is_async, true);
            walker.visit_block(&expr.block);
            walker.is_async = around;
        });
    }
}

/// Whether an expression may run something.
struct Runs {
    awaits: bool,
    calls: bool,
}

impl<'ast> Visit<'ast> for Runs {
    fn visit_expr_await(&mut self, expr: &'ast syn::ExprAwait) {
        self.awaits = true;
        visit::visit_expr_await(self, expr);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        self.calls = true;
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.calls = true;
        visit::visit_expr_method_call(self, call);
    }
}

/// What a transaction is begun on, where an expression begins one: `pool.begin().await?`.
fn begins(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Await(inner) => begins(&inner.base),
        Expr::Try(inner) => begins(&inner.expr),
        Expr::Paren(inner) => begins(&inner.expr),
        Expr::MethodCall(call) if BEGINS.iter().any(|name| call.method == name) && call.args.is_empty() => {
            Some(&call.receiver)
        }
        Expr::MethodCall(call) if BEGINS_AS.iter().any(|name| call.method == name) => Some(&call.receiver),
        Expr::MethodCall(call) if call.method == "begin_with" => {
            call.args.first().filter(|written| only_begins(written)).map(|_| &*call.receiver)
        }
        Expr::MethodCall(call) => {
            let unwraps = ["unwrap", "expect", "map_err", "context", "with_context", "await"];
            if unwraps.iter().any(|name| call.method == name) { begins(&call.receiver) } else { None }
        }
        _ => None,
    }
}

/// The closure that a method runs in a transaction: `conn.transaction(|conn| …)`, `conn.build_transaction().run(|conn| …)`.
fn run_in(call: &syn::ExprMethodCall) -> Option<&syn::ExprClosure> {
    let Some(Expr::Closure(closure)) = call.args.first() else { return None };
    let is_one = closure.inputs.len() == 1 && closure.inputs.iter().all(|input| bound_name(input).is_some());
    let runs =
        RUNS_IN.iter().any(|name| call.method == name) || call.method == "run" && is_built(&call.receiver);
    (is_one && runs).then_some(closure)
}

/// `conn.build_transaction()`, and how it is to run.
fn is_built(expr: &Expr) -> bool {
    let Expr::MethodCall(call) = expr else { return false };
    call.args.is_empty() && (call.method == "build_transaction" || is_built(&call.receiver))
}

/// A statement that begins a transaction and does nothing else.
fn only_begins(written: &Expr) -> bool {
    let Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = written else { return false };
    let text = text.value().trim().to_ascii_lowercase();
    ["begin", "start transaction"].iter().any(|words| text.starts_with(words)) && !text.contains(';')
}

/// The one name that a pattern binds.
fn bound_name(pat: &Pat) -> Option<String> {
    match pat {
        Pat::Ident(ident) if ident.subpat.is_none() => Some(ident.ident.to_string()),
        Pat::Type(typed) => bound_name(&typed.pat),
        Pat::Paren(inner) => bound_name(&inner.pat),
        _ => None,
    }
}
