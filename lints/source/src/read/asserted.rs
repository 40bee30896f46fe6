//! Functions that compare what they are handed and do nothing else with it: `ensure_same_tenant(&row, tenant)?`,
//! `row.belongs_to(tenant)`.
//!
//! **Invariant:** what a function compares counts only if each of its ways to say yes comes through the comparison; one
//! with a loop, an assignment, a variable or code that runs later has none. What it tells of a value besides, be it in an
//! error, makes that value none of which it is quiet.

use syn::visit::{self, Visit};
use syn::{Block, Expr, FnArg, Pat, ReturnType, Signature, Stmt};
use tenantry_span::TextRange;

use super::Reader;
use super::conditions::{Equal, Known, rest};
use super::evaluate::{names_return, strip};
use super::fetched::{has_any_let, within_some};
use super::handed::is_place_as_it_stands;
use super::scope::LocalId;
use super::walk::expression_attributes;
use crate::answers::answer_of;
use crate::calls::{Asserted, PLAIN_MACROS, Place};

/// A comparison of two parts of what is handed over, and where these may be mentioned for it.
type Compared = ((Place, Place), Vec<TextRange>);

impl<'a> Reader<'a> {
    /// What a function compares.
    pub(super) fn asserted(&self, sig: &'a Signature, block: &'a Block) -> Option<Asserted> {
        let names = Parameters::of(sig);
        let mut plain = Plain { all: true, macros: Vec::new() };
        plain.visit_block(block);
        if !plain.all || plain.macros.iter().any(|name| self.defines_macro(name)) {
            return None;
        }
        let (layers, is_bool) = answer_of(&sig.output);
        // Under a name of its own an answer may have to be looked at.
        let is_unit = match &sig.output {
            ReturnType::Default => true,
            ReturnType::Type(_, ty) => matches!(&**ty, syn::Type::Tuple(of) if of.elems.is_empty()),
        };
        // One that nobody awaits compares nothing; where its answer is looked at it is awaited.
        let is_lazy = sig.asyncness.is_some();
        if layers == 0 && !is_bool && (!is_unit || is_lazy) {
            return None;
        }
        let (last, before) = block.stmts.split_last()?;
        let mut passed = Vec::new();
        for statement in before {
            self.passed_by(statement, &names, &mut passed)?;
        }
        let (mut yes, mut no) = (Vec::new(), Vec::new());
        match last {
            Stmt::Expr(tail, None) if is_bool => {
                let condition = within(tail, layers);
                if let Some(condition) = condition.filter(|condition| !has_any_let(condition)) {
                    yes = names.compared(self, &self.known_if(condition, true, LocalId::MAX));
                    let mut returns = Returns { any: false };
                    returns.visit_block(block);
                    if !returns.any {
                        no = names.compared(self, &self.known_if(condition, false, LocalId::MAX));
                    }
                }
            }
            Stmt::Expr(tail, None) => self.passed_by_tail(tail, &names, &mut passed)?,
            statement => self.passed_by(statement, &names, &mut passed)?,
        }
        let places: Vec<TextRange> =
            passed.iter().chain(&yes).chain(&no).flat_map(|(_, places)| places).copied().collect();
        let body = self.between(block.brace_token.span.open(), block.brace_token.span.close());
        let is_quiet = |name: &String| {
            let allowed = |mention: TextRange| places.iter().any(|range| range.contains_range(mention));
            !name.is_empty() && self.mention(body, std::slice::from_ref(name), allowed).is_none()
        };
        let quiet = names.all.iter().filter(|(_, name)| is_quiet(name)).map(|(index, _)| *index);
        let pairs = |compared: Vec<Compared>| compared.into_iter().map(|(pair, _)| pair);
        let equal: Vec<(Place, Place)> = pairs(passed).chain(pairs(yes)).collect();
        let equal_unless: Vec<(Place, Place)> = pairs(no).collect();
        if equal.is_empty() && equal_unless.is_empty() {
            return None;
        }
        Some(Asserted { layers, is_bool, equal, equal_unless, quiet: quiet.collect() })
    }

    /// What is equal behind a statement; `None` where it cannot be told.
    fn passed_by(&self, statement: &'a Stmt, names: &Parameters, passed: &mut Vec<Compared>) -> Option<()> {
        match statement {
            Stmt::Expr(expr, _) if !expression_attributes(expr).is_empty() => return None,
            Stmt::Expr(Expr::If(choice), _) if has_any_let(&choice.cond) => {}
            Stmt::Expr(Expr::If(choice), _) => {
                if choice.else_branch.is_none() && self.surely_leaves(&choice.then_branch) {
                    passed.extend(names.compared(self, &self.known_if(&choice.cond, false, LocalId::MAX)));
                }
            }
            Stmt::Expr(Expr::Macro(mac), _) => self.passed_by_macro(&mac.mac, names, passed),
            Stmt::Macro(mac) if mac.attrs.is_empty() => self.passed_by_macro(&mac.mac, names, passed),
            Stmt::Expr(_, _) => {}
            Stmt::Macro(_) | Stmt::Local(_) | Stmt::Item(_) => return None,
        }
        Some(())
    }

    fn passed_by_macro(&self, mac: &'a syn::Macro, names: &Parameters, passed: &mut Vec<Compared>) {
        if let Some(arguments) = self.leaving_arguments(mac) {
            passed.extend(names.compared(self, &arguments.known(self, LocalId::MAX)));
        }
    }

    /// What is equal where the value at a function's end is one that passed.
    fn passed_by_tail(&self, tail: &'a Expr, names: &Parameters, passed: &mut Vec<Compared>) -> Option<()> {
        match tail {
            Expr::If(choice) if !has_any_let(&choice.cond) && choice.attrs.is_empty() => {
                let (_, otherwise) = choice.else_branch.as_ref()?;
                let then = match choice.then_branch.stmts.as_slice() {
                    [Stmt::Expr(then, None)] => fails(then),
                    _ => false,
                };
                let otherwise = match &**otherwise {
                    Expr::Block(block) => {
                        matches!(block.block.stmts.as_slice(), [Stmt::Expr(only, None)] if fails(only))
                    }
                    _ => false,
                };
                let outcome = match (then, otherwise) {
                    (true, false) => false,
                    (false, true) => true,
                    _ => return Some(()),
                };
                passed.extend(names.compared(self, &self.known_if(&choice.cond, outcome, LocalId::MAX)));
            }
            // `(row.tenant == tenant).then_some(()).ok_or(…)`
            Expr::MethodCall(call) => {
                let mut at = tail;
                if call.method == "ok_or" || call.method == "ok_or_else" {
                    at = &call.receiver;
                }
                if let Expr::MethodCall(call) = at
                    && (call.method == "then_some" || call.method == "then")
                {
                    let known = self.known_if(&call.receiver, true, LocalId::MAX);
                    passed.extend(names.compared(self, &known));
                }
            }
            Expr::Macro(mac) => self.passed_by_macro(&mac.mac, names, passed),
            _ => {}
        }
        Some(())
    }
}

/// What a function is handed, by name.
struct Parameters {
    all: Vec<(Option<usize>, String)>,
}

impl Parameters {
    fn of(sig: &Signature) -> Parameters {
        let mut all = Vec::new();
        let mut index = 0;
        for input in &sig.inputs {
            match input {
                FnArg::Receiver(_) => all.push((None, "self".to_owned())),
                FnArg::Typed(typed) => {
                    // What is taken apart has no name of its own.
                    let name = match &*typed.pat {
                        Pat::Ident(name) if name.subpat.is_none() && name.by_ref.is_none() => {
                            name.ident.to_string().trim_start_matches("r#").to_owned()
                        }
                        _ => String::new(),
                    };
                    all.push((Some(index), name));
                    index += 1;
                }
            }
        }
        Parameters { all }
    }

    /// The comparisons between parts of what is handed over.
    fn compared(&self, reader: &Reader<'_>, known: &Known<'_>) -> Vec<Compared> {
        let mut found = Vec::new();
        for Equal { left, right, end, .. } in &known.equal {
            let (left, right) = (within_some(left), within_some(right));
            if let (Some(one), Some(other)) = (self.place(left), self.place(right)) {
                let (left, right) = (reader.range(left).range, reader.range(right).range);
                let last = if left.end > right.end { left } else { right };
                found.push(((one, other), vec![left, right, rest(last, *end)]));
            }
        }
        found
    }

    fn place(&self, expr: &Expr) -> Option<Place> {
        if !is_place_as_it_stands(expr) {
            return None;
        }
        let mut fields = Vec::new();
        let mut at = strip(expr);
        loop {
            at = match at {
                Expr::Field(field) => {
                    fields.push(super::extracted::member(&field.member));
                    strip(&field.base)
                }
                Expr::MethodCall(call) if call.args.is_empty() => strip(&call.receiver),
                Expr::Path(path) => {
                    let name = path.path.get_ident()?.to_string();
                    let name = name.trim_start_matches("r#");
                    let (parameter, _) = self.all.iter().find(|(_, known)| known == name)?;
                    fields.reverse();
                    return Some(Place { parameter: *parameter, fields });
                }
                _ => return None,
            };
        }
    }
}

/// What stands in the `Ok` or `Some` at a function's end.
fn within(tail: &Expr, layers: usize) -> Option<&Expr> {
    if layers == 0 {
        return Some(tail);
    }
    let Expr::Call(call) = strip(tail) else { return None };
    let wraps =
        matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Ok") || path.path.is_ident("Some"));
    let inner = call.args.first().filter(|_| wraps && call.args.len() == 1)?;
    within(inner, layers - 1)
}

/// A value that says no: `Err(…)`, `None`, `false`, `Ok(false)`.
fn fails(value: &Expr) -> bool {
    match strip(value) {
        Expr::Path(path) => path.path.is_ident("None"),
        Expr::Lit(lit) => matches!(&lit.lit, syn::Lit::Bool(value) if !value.value),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) if path.path.is_ident("Err") => true,
            Expr::Path(path) if path.path.is_ident("Ok") || path.path.is_ident("Some") => {
                call.args.len() == 1 && call.args.iter().all(fails)
            }
            _ => false,
        },
        _ => false,
    }
}

/// A body in which everything happens in order, once, and nothing changes; what it returns early says no.
struct Plain {
    all: bool,
    macros: Vec<String>,
}

impl<'ast> Visit<'ast> for Plain {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        let allowed = match expr {
            Expr::Return(leaves) => leaves.expr.as_deref().is_some_and(fails),
            Expr::Binary(binary) => !super::changes::assigns_to_left(&binary.op),
            Expr::Assign(_)
            | Expr::Async(_)
            | Expr::Break(_)
            | Expr::Const(_)
            | Expr::Continue(_)
            | Expr::ForLoop(_)
            | Expr::Let(_)
            | Expr::Loop(_)
            | Expr::Match(_)
            | Expr::TryBlock(_)
            | Expr::Unsafe(_)
            | Expr::Verbatim(_)
            | Expr::While(_)
            | Expr::Yield(_) => false,
            Expr::Block(block) => block.label.is_none(),
            _ => true,
        };
        self.all &= allowed;
        visit::visit_expr(self, expr);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        self.all &= !matches!(statement, Stmt::Local(_) | Stmt::Item(_));
        visit::visit_stmt(self, statement);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        self.all &= PLAIN_MACROS.contains(&name.as_str()) && !names_return(mac.tokens.clone());
        self.macros.push(name);
    }
}

/// Whether a body returns early.
struct Returns {
    any: bool,
}

impl<'ast> Visit<'ast> for Returns {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.any |= matches!(expr, Expr::Return(_) | Expr::Macro(_));
        visit::visit_expr(self, expr);
    }

    fn visit_stmt_macro(&mut self, _: &'ast syn::StmtMacro) {
        self.any = true;
    }
}
