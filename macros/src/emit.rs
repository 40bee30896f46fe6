//! What the compiler is handed: the item, and what stands beside it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};
use tenantry_judge::marked::Judged;
use tenantry_span::{LineCol, LineIndex, TextRange};

/// Where the tokens of an item begin, to find the one that a place in the source lies in.
pub(crate) struct Places {
    starts: Vec<(u32, u32, Span)>,
    lines: LineIndex,
    text: Arc<str>,
}

impl Places {
    pub(crate) fn of(item: &TokenStream, judged: &Judged) -> Places {
        let mut starts = Vec::new();
        let is_told = !judged.errors.is_empty() || !judged.warnings.is_empty();
        let text = if is_told { Arc::clone(&judged.source) } else { Arc::default() };
        if is_told {
            collect(item.clone(), &mut starts);
            starts.sort_by_key(|(line, column, _)| (*line, *column));
        }
        Places { starts, lines: LineIndex::new(&text), text }
    }

    /// The span of the token that a place begins in; `otherwise` where the item has none there.
    pub(crate) fn span(&self, place: TextRange, otherwise: Span) -> Span {
        let LineCol { line, column } = self.lines.line_col(&self.text, place.start);
        let before = self.starts.partition_point(|(l, c, _)| (*l, *c) <= (line, column));
        before.checked_sub(1).and_then(|at| self.starts.get(at)).map_or(otherwise, |(_, _, span)| *span)
    }
}

fn collect(tokens: TokenStream, starts: &mut Vec<(u32, u32, Span)>) {
    for token in tokens {
        let span = match &token {
            TokenTree::Group(group) => {
                collect(group.stream(), starts);
                group.span_open()
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => token.span(),
        };
        let (line, column) = crate::position(span);
        starts.push((line, column, span));
    }
}

/// The files that the compiler is to watch for this crate, each once for each of its processes.
pub(crate) fn files_to_watch(files: &Arc<[PathBuf]>) -> Vec<PathBuf> {
    static TOLD: Mutex<Told> = Mutex::new(Told { lists: Vec::new(), files: BTreeSet::new() });
    let mut told = TOLD.lock().unwrap_or_else(PoisonError::into_inner);
    // Nearly all marks rest on the same.
    if told.lists.iter().any(|list| Arc::ptr_eq(list, files)) {
        return Vec::new();
    }
    told.lists.push(Arc::clone(files));
    files.iter().filter(|path| told.files.insert((*path).clone())).cloned().collect()
}

struct Told {
    /// Lists that were gone through.
    lists: Vec<Arc<[PathBuf]>>,
    files: BTreeSet<PathBuf>,
}

/// Items by which the compiler watches files.
pub(crate) fn watched(files: &[PathBuf]) -> Vec<TokenTree> {
    files.iter().flat_map(|path| watch(&path.to_string_lossy())).collect()
}

/// The item with files to watch, errors and warnings beside it; within its body where it is a method.
pub(crate) fn with(
    item: TokenStream,
    is_method: bool,
    watched: &[PathBuf],
    errors: &[(Span, String)],
    warnings: &[(Span, String)],
) -> TokenStream {
    let mut beside = TokenStream::new();
    beside.extend(self::watched(watched));
    beside.extend(warnings.iter().flat_map(|(span, message)| warning(*span, message)));
    let mut out = if is_method { within_body(item, beside) } else { beside_item(item, beside) };
    out.extend(errors.iter().flat_map(|(span, message)| error(*span, message)));
    out
}

fn beside_item(item: TokenStream, beside: TokenStream) -> TokenStream {
    let mut out = item;
    out.extend(beside);
    out
}

/// A method's siblings can only be methods, so that other items have to stand in its body.
fn within_body(item: TokenStream, inner: TokenStream) -> TokenStream {
    if inner.is_empty() {
        return item;
    }
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    if let Some(TokenTree::Group(body)) = tokens.last()
        && body.delimiter() == Delimiter::Brace
    {
        let mut statements: Vec<TokenTree> = body.stream().into_iter().collect();
        let at = inner_attributes(&statements);
        statements.splice(at..at, inner);
        let mut group = Group::new(Delimiter::Brace, statements.into_iter().collect());
        group.set_span(body.span());
        tokens.pop();
        tokens.push(TokenTree::Group(group));
    }
    tokens.into_iter().collect()
}

/// How many tokens the inner attributes take that a body begins with.
fn inner_attributes(tokens: &[TokenTree]) -> usize {
    let is = |token: &TokenTree, c: char| matches!(token, TokenTree::Punct(punct) if punct.as_char() == c);
    let mut at = 0;
    while let Some([hash, bang, TokenTree::Group(_)]) = tokens.get(at..at + 3)
        && is(hash, '#')
        && is(bang, '!')
    {
        at += 3;
    }
    at
}

/// `const _: &[u8] = ::core::include_bytes!("…");`
fn watch(path: &str) -> Vec<TokenTree> {
    let span = Span::mixed_site();
    let mut tokens = vec![ident("const", span), ident("_", span), punct(':', span), punct('&', span)];
    tokens.push(group(Delimiter::Bracket, vec![ident("u8", span)], span));
    tokens.push(punct('=', span));
    tokens.extend(core_macro("include_bytes", Delimiter::Parenthesis, path, span));
    tokens.push(punct(';', span));
    tokens
}

/// `::core::compile_error! { "…" }`
pub(crate) fn error(span: Span, message: &str) -> Vec<TokenTree> {
    core_macro("compile_error", Delimiter::Brace, message, span)
}

/// A use of a constant that is deprecated with this note: the only warning that a macro can give.
fn warning(span: Span, message: &str) -> Vec<TokenTree> {
    let text = |text: &str| {
        let mut literal = Literal::string(text);
        literal.set_span(span);
        TokenTree::Literal(literal)
    };
    let attribute = |content: Vec<TokenTree>| [punct('#', span), group(Delimiter::Bracket, content, span)];
    let named = |name: &str, inner: Vec<TokenTree>| {
        vec![ident(name, span), group(Delimiter::Parenthesis, inner, span)]
    };
    let constant = |name: &str, value: TokenTree| {
        let unit = group(Delimiter::Parenthesis, Vec::new(), span);
        vec![
            ident("const", span),
            ident(name, span),
            punct(':', span),
            unit,
            punct('=', span),
            value,
            punct(';', span),
        ]
    };
    let unit = group(Delimiter::Parenthesis, Vec::new(), span);
    let mut inner: Vec<TokenTree> = Vec::new();
    inner.extend(attribute(named("deprecated", vec![ident("note", span), punct('=', span), text(message)])));
    inner.extend(constant("TENANTRY", unit));
    inner.extend(attribute(named("warn", vec![ident("deprecated", span)])));
    inner.extend(constant("_", ident("TENANTRY", span)));
    let unit = group(Delimiter::Parenthesis, Vec::new(), span);
    inner.push(unit);
    constant("_", group(Delimiter::Brace, inner, span))
}

/// `::core::name!("…")`
pub(crate) fn core_macro(name: &str, delimiter: Delimiter, text: &str, span: Span) -> Vec<TokenTree> {
    let mut literal = Literal::string(text);
    literal.set_span(span);
    let mut tokens = joint("::", span);
    tokens.push(ident("core", span));
    tokens.extend(joint("::", span));
    tokens.push(ident(name, span));
    tokens.push(punct('!', span));
    tokens.push(group(delimiter, vec![TokenTree::Literal(literal)], span));
    tokens
}

fn joint(text: &str, span: Span) -> Vec<TokenTree> {
    let last = text.chars().count().saturating_sub(1);
    let one = |(at, c): (usize, char)| {
        let mut punct = Punct::new(c, if at == last { Spacing::Alone } else { Spacing::Joint });
        punct.set_span(span);
        TokenTree::Punct(punct)
    };
    text.chars().enumerate().map(one).collect()
}

fn ident(name: &str, span: Span) -> TokenTree {
    TokenTree::Ident(Ident::new(name, span))
}

fn punct(c: char, span: Span) -> TokenTree {
    let mut punct = Punct::new(c, Spacing::Alone);
    punct.set_span(span);
    TokenTree::Punct(punct)
}

pub(crate) fn group(delimiter: Delimiter, tokens: Vec<TokenTree>, span: Span) -> TokenTree {
    let mut group = Group::new(delimiter, tokens.into_iter().collect());
    group.set_span(span);
    TokenTree::Group(group)
}
