//! Statements that a variable holds before they run: `let mut query = sqlx::query(…); … query.execute(&mut *tx)`.
//!
//! **Invariant:** of a variable that is mentioned anywhere but where its statement is built further and where it is run, once,
//! nothing is known.

use std::collections::HashMap;

use syn::visit::{self, Visit};
use syn::{Expr, Stmt};
use tenantry_span::TextRange;

use super::bound_name;
use crate::extent::{Extent, Lines};

/// The expressions that make the statements which calls run, by the calls.
pub(super) type Held = HashMap<TextRange, TextRange>;

/// Finds the statements of a file that variables hold.
pub(super) fn held(file: &syn::File, base: usize, lines: &Lines) -> Held {
    let mut finder = Finder { base, lines, found: Held::new() };
    finder.visit_file(file);
    finder.found
}

/// Methods that add to what a variable holds.
const BUILDS: &[&str] = &["push", "push_bind", "push_values", "push_tuples", "push_unseparated", "separated"];

struct Finder<'a> {
    base: usize,
    lines: &'a Lines,
    found: Held,
}

impl Finder<'_> {
    fn range(&self, node: &impl Extent) -> TextRange {
        let (start, end) = self.lines.range(node);
        TextRange::from_usize(self.base + start, self.base + end)
    }

    fn variable(&mut self, name: &str, init: &Expr, rest: &[Stmt]) {
        let Some(made) = made(init) else { return };
        let mut uses = Uses { name, mentions: 0, run: Vec::new() };
        rest.iter().for_each(|stmt| uses.visit_stmt(stmt));
        let [calls] = uses.run.as_slice() else { return };
        if uses.mentions == 1 {
            let made = self.range(made);
            let calls: Vec<TextRange> = calls.iter().map(|call| self.range(*call)).collect();
            self.found.extend(calls.into_iter().map(|call| (call, made)));
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_block(&mut self, block: &'ast syn::Block) {
        for (at, stmt) in block.stmts.iter().enumerate() {
            if let Stmt::Local(syn::Local { pat, init: Some(init), .. }) = stmt
                && let (Some(name), None) = (bound_name(pat), &init.diverge)
            {
                self.variable(&name, &init.expr, block.stmts.get(at + 1..).unwrap_or_default());
            }
        }
        visit::visit_block(self, block);
    }
}

/// The call or macro that a chain of methods begins with.
fn made(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::MethodCall(call) => made(&call.receiver),
        Expr::Call(_) | Expr::Macro(_) => Some(expr),
        Expr::Paren(inner) => made(&inner.expr),
        _ => None,
    }
}

/// How a variable is used.
struct Uses<'a, 'ast> {
    name: &'a str,
    /// How often it is mentioned but where what it holds is built further.
    mentions: usize,
    /// The calls around each such mention: of its own methods, or of one that is handed it.
    run: Vec<Vec<&'ast syn::ExprMethodCall>>,
}

impl Uses<'_, '_> {
    fn is_it(&self, expr: &Expr) -> bool {
        matches!(expr, Expr::Path(path) if path.path.is_ident(self.name))
    }

    /// A chain of methods of it.
    fn begins(&self, expr: &Expr) -> bool {
        match expr {
            Expr::MethodCall(call) => self.begins(&call.receiver),
            expr => self.is_it(expr),
        }
    }

    /// A chain of methods of it that all build.
    fn only_builds(&self, expr: &Expr) -> bool {
        match expr {
            Expr::MethodCall(call) => {
                BUILDS.iter().any(|name| call.method == name) && self.only_builds(&call.receiver)
            }
            expr => self.is_it(expr),
        }
    }
}

impl<'ast> Uses<'_, 'ast> {
    /// Looks at what the methods of a chain are handed.
    fn visit_arguments(&mut self, chain: &'ast Expr) {
        let mut at = chain;
        while let Expr::MethodCall(call) = at {
            call.args.iter().for_each(|arg| self.visit_expr(arg));
            at = &call.receiver;
        }
    }
}

impl<'ast> Visit<'ast> for Uses<'_, 'ast> {
    fn visit_stmt(&mut self, stmt: &'ast Stmt) {
        match stmt {
            Stmt::Expr(expr @ Expr::MethodCall(_), Some(_)) if self.only_builds(expr) => {
                self.visit_arguments(expr);
            }
            // The same under its own name: `let query = query.bind(…);`
            Stmt::Local(syn::Local { pat, init: Some(init), .. })
                if init.diverge.is_none()
                    && bound_name(pat).is_some_and(|name| name == self.name)
                    && self.begins(&init.expr) =>
            {
                self.visit_arguments(&init.expr);
            }
            stmt => visit::visit_stmt(self, stmt),
        }
    }

    fn visit_expr_assign(&mut self, assign: &'ast syn::ExprAssign) {
        match self.is_it(&assign.left) && self.begins(&assign.right) {
            true => self.visit_arguments(&assign.right),
            false => visit::visit_expr_assign(self, assign),
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        if call.args.iter().any(|arg| self.is_it(arg)) {
            self.run.push(vec![call]);
        } else if self.begins(&call.receiver) {
            let mut calls = vec![call];
            while let Some(Expr::MethodCall(inner)) = calls.last().map(|call| &*call.receiver) {
                calls.push(inner);
            }
            self.run.push(calls);
            call.args.iter().for_each(|arg| self.visit_expr(arg));
            self.visit_arguments(&call.receiver);
            self.mentions += 1;
            return;
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_ident(&mut self, ident: &'ast syn::Ident) {
        self.mentions += usize::from(ident == self.name);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let tokens = mac.tokens.to_string();
        let words = tokens.split(|c: char| !c.is_alphanumeric() && c != '_');
        self.mentions += words.filter(|word| *word == self.name).count();
        visit::visit_macro(self, mac);
    }
}
