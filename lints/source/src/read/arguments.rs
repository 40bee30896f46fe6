//! What a private function is handed by all of its callers, where the file shows all of them.

use std::borrow::Cow;
use std::rc::Rc;

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall};
use tenantry_span::Span;

use super::Reader;
use super::evaluate::strip;
use super::scope::LocalId;
use super::texts::{self, Texts};

/// The calls of a function by its name.
struct Calls<'n, 'a> {
    name: &'n str,
    found: Vec<&'a ExprCall>,
}

impl<'a> Visit<'a> for Calls<'_, 'a> {
    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        if let Expr::Path(path) = &*call.func
            && path.path.segments.last().is_some_and(|last| last.ident == self.name)
        {
            self.found.push(call);
        }
        visit::visit_expr_call(self, call);
    }
}

impl Reader<'_> {
    /// The texts that a parameter of the function that is walked may have: a private function of a file that has no
    /// modules in other files, and whose name occurs there only where it is called with literals and constants.
    pub(crate) fn argument_texts(&self, id: LocalId, span: Span, steps: usize) -> Option<Texts> {
        let function = self.functions.last()?;
        let index = function.params.iter().position(|parameter| parameter.locals == [id])?;
        let name = self.written(function.name_span);
        let item = self.declared.private.get(name).copied().flatten()?;
        if self.token_span(item.sig.ident.span()) != function.name_span {
            return None;
        }
        let text = self.source.text;
        // Descendant modules see private functions too.
        if !crate::modules::module_files(text).is_empty() || text.contains("include!") {
            return None;
        }
        // The callers may be among what was left out when the file was parsed.
        let whole = super::parse(text, |text| Cow::Borrowed(text)).ok()?;
        let mut calls = Calls { name, found: Vec::new() };
        calls.visit_file(&whole.file);
        // Its definition and its calls: any other place may hand it on.
        if calls.found.is_empty() || occurrences(text, name) != calls.found.len() + 1 {
            return None;
        }
        let mut all: Option<Texts> = None;
        for call in calls.found {
            let known = self.constant_argument(strip(call.args.iter().nth(index)?), steps)?;
            all = Some(match all {
                Some(others) => texts::union(&others, &known, span),
                None => known,
            });
        }
        all
    }

    /// The text of a literal or a constant of the file or crate, wherever it is written.
    fn constant_argument(&self, argument: &Expr, steps: usize) -> Option<Texts> {
        let text = match argument {
            Expr::Lit(lit) => self.literal(&lit.lit)?,
            Expr::Path(path) => {
                let name = path.path.segments.last()?.ident.to_string();
                // The caller may have a constant of its own by that name, which is out of sight here.
                let is_constant = !name.chars().any(char::is_lowercase);
                if !is_constant || declarations(self.source.text, &name) > 1 {
                    return None;
                }
                let span = self.range(argument);
                self.constant_texts(&self.imports.resolve_all(&path.path), span, steps + 1)
            }
            _ => return None,
        };
        text.iter().all(|text| text.known().is_some()).then(|| Rc::clone(&text))
    }
}

/// How often the identifier stands in the text.
fn occurrences(text: &str, name: &str) -> usize {
    let mut at = 0usize;
    let is_name = |(kind, slice): &(TokenKind, &str)| *kind == TokenKind::Ident && *slice == name;
    let tokens = tokenize(text, FrontmatterAllowed::No).map(|token| {
        let end = at + token.len as usize;
        let slice = text.get(at..end).unwrap_or("");
        at = end;
        (token.kind, slice)
    });
    tokens.filter(is_name).count()
}

/// How often the text declares a constant or static of that name.
fn declarations(text: &str, name: &str) -> usize {
    ["const", "static"].iter().map(|word| text.matches(&format!("{word} {name}:")).count()).sum()
}
