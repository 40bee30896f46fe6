//! The texts that a function may give, read in its body.

use std::cell::Cell;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Block, Expr, Lit, Local, Pat, Stmt};

use crate::limits;
use crate::read::{diverges, names_return};

/// How many texts a function may say.
const MAX_TEXTS: usize = 32;

/// Methods of texts that give the same text.
const SAME: &[&str] = &["to_string", "to_owned", "into", "as_str", "as_ref", "clone", "into_owned", "borrow"];

/// One of the texts of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Text(String),
    /// What a method of the same value says.
    Method(String),
}

/// What a constant is.
pub(super) fn constant(source: &str) -> Option<Vec<Word>> {
    limits::check(source).ok()?;
    let value = syn::parse_str::<Expr>(source).ok()?;
    Speech::default().texts(&value)
}

/// What a function with this body gives.
pub(super) fn function(source: &str) -> Option<Vec<Word>> {
    let block = parsed(source)?;
    let mut leaves = Leaves::default();
    leaves.visit_block(&block);
    if leaves.is_hidden {
        return None;
    }
    let speech = Speech::default();
    let mut all = speech.block(&block)?;
    for value in leaves.values {
        all.extend(speech.texts(value)?);
    }
    bounded(all)
}

/// What a function with this body writes to its formatter.
pub(super) fn writer(source: &str, formatter: &str) -> Option<Vec<Word>> {
    let block = parsed(source)?;
    let mut leaves = Leaves::default();
    leaves.visit_block(&block);
    if leaves.is_hidden || !leaves.values.is_empty() {
        return None;
    }
    let (tail, before) = block.stmts.split_last()?;
    let mut speech = Speech { formatter, ..Speech::default() };
    match before {
        [] => {}
        [Stmt::Local(local)] => speech.named = speech.let_of(local),
        _ => return None,
    }
    let mut names = Names(Vec::new());
    names.visit_stmt(tail);
    let is_anew = |name: &str| names.0.iter().any(|known| known == name);
    if is_anew(formatter) || speech.named.as_ref().is_some_and(|(name, _)| is_anew(name)) {
        return None;
    }
    let all = speech.written_by(tail)?;
    // Where it is named besides, more may be written to it.
    let tokens = source.parse::<TokenStream>().ok()?;
    (mentions(tokens, formatter) == speech.writes.get()).then(|| bounded(all))?
}

/// How often a name stands in tokens.
fn mentions(tokens: TokenStream, name: &str) -> usize {
    let counts = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(word) => usize::from(word == name),
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => 0,
    });
    counts.sum()
}

fn parsed(source: &str) -> Option<Block> {
    limits::check(source).ok()?;
    syn::parse_str::<Block>(source).ok()
}

fn bounded(mut all: Vec<Word>) -> Option<Vec<Word>> {
    let mut seen = Vec::new();
    all.retain(|word| {
        let is_new = !seen.contains(word);
        seen.extend(is_new.then(|| word.clone()));
        is_new
    });
    (!all.is_empty() && all.len() <= MAX_TEXTS).then_some(all)
}

/// What names stand for while a body is read.
#[derive(Default)]
struct Speech<'s> {
    /// The formatter that is written to.
    formatter: &'s str,
    /// How often it was seen to be.
    writes: Cell<usize>,
    /// The only variable, and what it says.
    named: Option<(String, Vec<Word>)>,
}

impl Speech<'_> {
    fn let_of(&self, local: &Local) -> Option<(String, Vec<Word>)> {
        let pattern = match &local.pat {
            Pat::Type(typed) => &*typed.pat,
            other => other,
        };
        let Pat::Ident(name) = pattern else { return None };
        let init = local.init.as_ref().filter(|init| init.diverge.is_none() && local.attrs.is_empty())?;
        let is_plain = name.mutability.is_none() && name.by_ref.is_none() && name.subpat.is_none();
        let texts = self.texts(&init.expr)?;
        is_plain.then(|| (name.ident.to_string(), texts))
    }

    /// The value of a block, whatever its other statements do: no text of it is made of a name.
    fn block(&self, block: &Block) -> Option<Vec<Word>> {
        let (tail, before) = block.stmts.split_last()?;
        // A `cfg` may make one of them the last.
        let is_end = |stmt: &Stmt| match stmt {
            Stmt::Expr(expr, None) => !crate::read::expression_attributes(expr).is_empty(),
            Stmt::Macro(mac) => !mac.attrs.is_empty() && mac.semi_token.is_none(),
            _ => false,
        };
        match tail {
            _ if before.iter().any(is_end) => None,
            Stmt::Expr(expr, None) if crate::read::expression_attributes(expr).is_empty() => self.texts(expr),
            Stmt::Expr(Expr::Return(_), Some(_)) => Some(Vec::new()),
            Stmt::Macro(mac) if mac.semi_token.is_none() && mac.attrs.is_empty() => self.made(&mac.mac),
            _ => None,
        }
    }

    fn texts(&self, expr: &Expr) -> Option<Vec<Word>> {
        match expr {
            Expr::Lit(lit) => match &lit.lit {
                Lit::Str(text) => Some(vec![Word::Text(text.value())]),
                _ => None,
            },
            Expr::Paren(inner) => self.texts(&inner.expr),
            Expr::Group(inner) => self.texts(&inner.expr),
            Expr::Reference(inner) if inner.mutability.is_none() => self.texts(&inner.expr),
            Expr::Block(block) if block.label.is_none() => self.block(&block.block),
            Expr::If(choice) => {
                let (_, otherwise) = choice.else_branch.as_ref()?;
                let mut all = self.block(&choice.then_branch)?;
                all.extend(self.texts(otherwise)?);
                Some(all)
            }
            Expr::Match(choice) => self.arms(choice, |body| self.texts(body)),
            Expr::MethodCall(call) if call.args.is_empty() => {
                let name = call.method.to_string();
                if is_self(&call.receiver) {
                    return Some(vec![Word::Method(name)]);
                }
                SAME.contains(&name.as_str()).then(|| self.texts(&call.receiver))?
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return None };
                let parts: Vec<String> =
                    path.path.segments.iter().map(|part| part.ident.to_string()).collect();
                let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
                // A type of one's own may be called so as well.
                let named = match parts.as_slice() {
                    ["std" | "alloc", _, named @ ..] | ["borrow", named @ ..] | named => named,
                };
                let is_same = matches!(
                    named,
                    ["String" | "Cow" | "Arc" | "Box" | "Rc", "from"] | ["Cow", "Borrowed" | "Owned"]
                );
                match call.args.first() {
                    Some(text) if is_same && call.args.len() == 1 => self.texts(text),
                    _ => None,
                }
            }
            Expr::Macro(mac) => self.made(&mac.mac),
            Expr::Path(path) => {
                let (name, said) = self.named.as_ref()?;
                path.path.is_ident(name).then(|| said.clone())
            }
            // What it gives is looked at by itself.
            Expr::Return(_) => Some(Vec::new()),
            _ => None,
        }
    }

    fn arms(&self, choice: &syn::ExprMatch, said: impl Fn(&Expr) -> Option<Vec<Word>>) -> Option<Vec<Word>> {
        let mut all = Vec::new();
        for arm in choice.arms.iter().filter(|arm| !diverges(&arm.body)) {
            all.extend(said(&arm.body)?);
        }
        Some(all)
    }

    /// `concat!("a", "b")`, and what never gives anything.
    fn made(&self, mac: &syn::Macro) -> Option<Vec<Word>> {
        let name = mac.path.get_ident()?.to_string();
        let parts =
            mac.parse_body_with(syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated);
        match name.as_str() {
            "unreachable" | "panic" | "todo" | "unimplemented" => Some(Vec::new()),
            "concat" => {
                let mut whole = String::new();
                for part in parts.ok()? {
                    let Expr::Lit(lit) = part else { return None };
                    let Lit::Str(text) = lit.lit else { return None };
                    whole.push_str(&text.value());
                }
                Some(vec![Word::Text(whole)])
            }
            _ => None,
        }
    }

    /// What a statement that is the value of a block writes.
    fn written_by(&self, tail: &Stmt) -> Option<Vec<Word>> {
        match tail {
            Stmt::Expr(expr, None) if crate::read::expression_attributes(expr).is_empty() => {
                self.written(expr)
            }
            Stmt::Macro(mac) if mac.semi_token.is_none() && mac.attrs.is_empty() => self.by_macro(&mac.mac),
            _ => None,
        }
    }

    fn written_in(&self, block: &Block) -> Option<Vec<Word>> {
        match block.stmts.as_slice() {
            [tail] => self.written_by(tail),
            _ => None,
        }
    }

    fn written(&self, expr: &Expr) -> Option<Vec<Word>> {
        match expr {
            Expr::Paren(inner) => self.written(&inner.expr),
            Expr::Block(block) if block.label.is_none() => self.written_in(&block.block),
            Expr::If(choice) => {
                let (_, otherwise) = choice.else_branch.as_ref()?;
                let mut all = self.written_in(&choice.then_branch)?;
                all.extend(self.written(otherwise)?);
                Some(all)
            }
            Expr::Match(choice) => self.arms(choice, |body| self.written(body)),
            Expr::Macro(mac) => self.by_macro(&mac.mac),
            Expr::MethodCall(call) if call.args.len() == 1 => {
                let text = call.args.first()?;
                let name = call.method.to_string();
                match name.as_str() {
                    "write_str" | "pad" if self.is_formatter(&call.receiver) => self.texts(text),
                    "fmt" if self.is_formatter(text) => match is_self(&call.receiver) {
                        true => None,
                        false => self.texts(&call.receiver),
                    },
                    _ => None,
                }
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return None };
                let parts: Vec<String> =
                    path.path.segments.iter().map(|part| part.ident.to_string()).collect();
                let is_fmt = matches!(parts.as_slice(), [.., of, name] if of == "Display" && name == "fmt");
                let (Some(text), Some(to)) = (call.args.first(), call.args.get(1)) else { return None };
                if is_fmt && self.is_formatter(to) { self.texts(text) } else { None }
            }
            _ => None,
        }
    }

    /// `write!(f, "text")`, `write!(f, "{}", text)` and `write!(f, "{text}")`.
    fn by_macro(&self, mac: &syn::Macro) -> Option<Vec<Word>> {
        let name = mac.path.segments.last()?.ident.to_string();
        if matches!(name.as_str(), "unreachable" | "panic" | "todo" | "unimplemented") {
            return Some(Vec::new());
        }
        let parts =
            mac.parse_body_with(syn::punctuated::Punctuated::<Expr, syn::Token![,]>::parse_terminated);
        let parts: Vec<Expr> = parts.ok()?.into_iter().collect();
        let (to, template, rest) = match parts.as_slice() {
            [to, Expr::Lit(template), rest @ ..] if name == "write" => (to, &template.lit, rest),
            _ => return None,
        };
        let (Lit::Str(template), true) = (template, self.is_formatter(to)) else { return None };
        let template = template.value();
        match (template.as_str(), rest) {
            ("{}", [text]) => self.texts(text),
            (plain, []) if !plain.contains(['{', '}']) => Some(vec![Word::Text(plain.to_owned())]),
            (captured, []) => {
                let (name, said) = self.named.as_ref()?;
                let inner = captured.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'))?;
                (inner == name).then(|| said.clone())
            }
            _ => None,
        }
    }

    fn is_formatter(&self, expr: &Expr) -> bool {
        let is = matches!(expr, Expr::Path(path) if path.path.is_ident(self.formatter));
        self.writes.set(self.writes.get() + usize::from(is));
        is
    }
}

fn is_self(expr: &Expr) -> bool {
    match expr {
        Expr::Path(path) => path.path.is_ident("self"),
        Expr::Paren(inner) => is_self(&inner.expr),
        _ => false,
    }
}

/// What leaves a body before its end.
#[derive(Default)]
struct Leaves<'b> {
    values: Vec<&'b Expr>,
    /// A value may leave it that is not seen.
    is_hidden: bool,
}

impl<'b> Visit<'b> for Leaves<'b> {
    fn visit_expr(&mut self, expr: &'b Expr) {
        match expr {
            // What is in these leaves them alone.
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Return(leaves) => {
                match &leaves.expr {
                    Some(value) => self.values.push(value),
                    None => self.is_hidden = true,
                }
                visit::visit_expr(self, expr);
            }
            Expr::Try(_) | Expr::TryBlock(_) | Expr::Yield(_) => self.is_hidden = true,
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &'b syn::Macro) {
        let known = ["matches", "unreachable", "panic", "todo", "unimplemented", "concat", "write", "format"];
        let is_known = mac.path.get_ident().is_some_and(|name| known.iter().any(|one| name == one));
        self.is_hidden |= !is_known || names_return(mac.tokens.clone());
    }

    fn visit_item(&mut self, _: &'b syn::Item) {
        self.is_hidden = true;
    }
}

/// The names that patterns give.
struct Names(Vec<String>);

impl<'b> Visit<'b> for Names {
    fn visit_pat_ident(&mut self, name: &'b syn::PatIdent) {
        self.0.push(name.ident.to_string());
        visit::visit_pat_ident(self, name);
    }
}
