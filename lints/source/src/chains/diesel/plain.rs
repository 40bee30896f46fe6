//! Values that are bound as they are, told from queries and expressions that come from elsewhere.
//!
//! Where Diesel takes a value it takes an expression or a query as well. What a function of the workspace gives back is
//! told by the type that it declares, a variable by its own; what gives no type away and is made by no such function is
//! a value.

use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, ExprMethodCall};

use super::query::RUNS;
use crate::chains::declared::{Declaration, Declared};
use crate::read::{LocalId, Reader, Source, strip};

/// How far variables are followed.
const MAX_STEPS: usize = 8;

/// Words in types that are expressions or queries.
const WORDS: &[&str] = &[
    "BoxedQuery",
    "BoxedSelectStatement",
    "IntoBoxed",
    "SelectStatement",
    "SqlLiteral",
    "SqlQuery",
    "Expression",
    "QueryFragment",
    "QueryDsl",
    "QuerySource",
    "AsSelect",
    "helper_types::",
    "dsl::",
];

/// Macros whose values are values.
const MACROS: &[&str] =
    &["format", "vec", "concat", "stringify", "env", "json", "uuid", "matches", "line", "file"];

/// Methods of `Result` and `Option` whose arguments make errors, and no value.
const OF_ERRORS: &[&str] = &[
    "attach",
    "attach_printable",
    "change_context",
    "context",
    "expect",
    "inspect_err",
    "map_err",
    "ok_or",
    "ok_or_else",
    "with_context",
    "wrap_err",
    "wrap_err_with",
];

/// Functions that give back an expression or a query, under their names; methods have a dot before theirs. And macros that
/// import.
pub(super) fn declarations(text: &str, all: &mut Vec<Declared>) {
    importing_macros(text, all);
    for at in memchr::memmem::find_iter(text.as_bytes(), b"fn ") {
        let head = text.get(at + 3..).unwrap_or_default();
        let end = [head.find('{'), head.find(";\n")].into_iter().flatten().min().unwrap_or(head.len());
        let head = head.get(..end).unwrap_or_default();
        let Some((before, given)) = head.rsplit_once("->") else { continue };
        if !is_computed_type(given) {
            continue;
        }
        let end = head.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(head.len());
        let name = head.get(..end).unwrap_or_default();
        let is_method = before.split(|c: char| !c.is_alphanumeric()).any(|word| word == "self");
        let name = if is_method { format!(".{name}") } else { name.to_owned() };
        all.push(Declared {
            name,
            module: Vec::new(),
            krate: String::new(),
            cfgs: Vec::new(),
            what: Declaration::Computes,
        });
    }
}

/// Macros that import, under their names with a mark behind: they say what names mean where they stand.
fn importing_macros(text: &str, all: &mut Vec<Declared>) {
    const HEAD: &str = "macro_rules!";
    for at in memchr::memmem::find_iter(text.as_bytes(), HEAD.as_bytes()) {
        let rest = text.get(at + HEAD.len()..).unwrap_or_default().trim_start();
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        let body = rest.get(..rest.find("\n}").unwrap_or(rest.len())).unwrap_or_default();
        let imports = body.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "use");
        if imports && !name.is_empty() {
            let (name, what) = (format!("{name}!"), Declaration::Computes);
            all.push(Declared { name, module: Vec::new(), krate: String::new(), cfgs: Vec::new(), what });
        }
    }
}

/// True if a type as it is written is one of expressions or queries: by a word in it, or as a column or table.
fn is_computed_type(written: &str) -> bool {
    let paths = written.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    WORDS.iter().any(|word| written.contains(word))
        || paths
            .filter_map(|path| path.trim_matches(':').rsplit_once("::"))
            .any(|(_, last)| last.starts_with(|c: char| c.is_lowercase()))
}

/// Why the value may be an expression or a query; `None` where it is a value.
pub(super) fn why_not<'a>(reader: &Reader<'a>, expr: &Expr, limit: LocalId) -> Option<String> {
    let mut look = Look { reader, limit, depth: 0, why: None };
    look.visit_expr(expr);
    look.why.or_else(|| {
        let Expr::Path(path) = strip(expr) else { return None };
        let id = reader.lookup(&path.path.get_ident()?.to_string(), limit)?;
        let name = crate::types::path_of(reader.locals.get(id)?.ty?);
        // A generic that nothing is asked of.
        let is_generic = matches!(name.as_slice(), [only] if only.len() == 1);
        is_generic.then(|| "it may be a query: its type is chosen by the caller".to_owned())
    })
}

struct Look<'r, 'a> {
    reader: &'r Reader<'a>,
    limit: LocalId,
    depth: usize,
    why: Option<String>,
}

impl<'a> Look<'_, 'a> {
    fn found(&mut self, what: impl Into<String>) {
        self.why.get_or_insert(what.into());
    }

    fn typed(&mut self, ty: &syn::Type) {
        let written = self.reader.written(self.reader.range(ty));
        if is_computed_type(written) {
            self.found(format!("it is no plain value: its type is `{written}`"));
        }
    }

    fn computes(&mut self, name: &str, shown: &str) {
        let declared = self.reader.surroundings.declarations(name);
        if declared.iter().any(|one| matches!(one.what, Declaration::Computes)) {
            self.found(format!("the query or expression that `{shown}` gives back is not followed"));
        }
    }

    fn path(&mut self, path: &syn::Path) {
        let resolved = self.reader.resolved(path, self.limit);
        let span = self.reader.range(path);
        if resolved.paths.iter().any(|full| self.reader.diesel_named(full, span).is_some()) {
            return self.found("it is not known as an expression of Diesel's");
        }
        let Some(last) = path.segments.last().map(|last| last.ident.to_string()) else { return };
        let Some(id) = resolved.local else {
            let types = self.reader.declared.constants.get(&last).into_iter().flatten();
            types.for_each(|(_, _, ty)| self.typed(ty));
            let is_lower = |name: &str| name.starts_with(|c: char| c.is_lowercase());
            match path.segments.iter().rev().nth(1) {
                Some(of) if is_lower(&last) && is_lower(&of.ident.to_string()) => {
                    self.found(format!("`{}` is not known", self.reader.written(span)));
                }
                // A function of a type, for something else to call.
                Some(_) if is_lower(&last) => self.computes(&last, &last),
                _ => {}
            }
            return;
        };
        let Some(local) = self.reader.locals.get(id) else { return };
        match (local.ty, local.source) {
            (Some(ty), _) => self.typed(ty),
            (None, Source::Let(value) | Source::Part(value)) if self.depth < MAX_STEPS => {
                let limit = std::mem::replace(&mut self.limit, id);
                self.depth += 1;
                self.visit_expr(value);
                self.depth -= 1;
                self.limit = limit;
            }
            _ => {}
        }
    }
}

impl<'ast> Visit<'ast> for Look<'_, '_> {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        if self.why.is_some() {
            return;
        }
        match expr {
            // What is waited for are rows.
            Expr::Await(_) | Expr::Lit(_) => {}
            Expr::Path(path) => self.path(&path.path),
            Expr::Macro(mac) => {
                let name =
                    mac.mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                if !MACROS.contains(&name.as_str()) {
                    return self.found(format!("what `{name}!` makes is not followed"));
                }
                if let Some(body) = self.reader.expansions.body(&mac.mac) {
                    body.arguments.iter().flatten().for_each(|argument| self.visit_expr(argument));
                }
            }
            Expr::Field(field) => {
                if let Some(ty) = self.reader.field_type(field, self.limit) {
                    return self.typed(ty);
                }
                self.visit_expr(&field.base);
            }
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let name = call.method.to_string();
        // Rows that a query has given.
        if RUNS.contains(&name.as_str()) && !call.args.is_empty() {
            return;
        }
        self.computes(&format!(".{name}"), &name);
        match OF_ERRORS.contains(&name.as_str()) {
            true => self.visit_expr(&call.receiver),
            false => visit::visit_expr_method_call(self, call),
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
            if path
                .path
                .get_ident()
                .is_some_and(|name| self.reader.lookup(&name.to_string(), self.limit).is_some())
            {
                return self.found(format!("what `{name}` gives back is not followed"));
            }
            self.computes(&name, &name);
            self.computes(&format!(".{name}"), &name);
        } else {
            self.visit_expr(&call.func);
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    // Only what is a value counts: types and statements of macros do not.
    fn visit_type(&mut self, _: &'ast syn::Type) {}
}
