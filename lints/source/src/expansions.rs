//! Macro calls whose tokens parse: read ahead of the walk, so that the walk borrows them like the rest of the tree.

use std::collections::{HashMap, HashSet};

use proc_macro2::{Delimiter, Group, LineColumn, Spacing, TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Macro, Stmt, Token, Type};
use tenantry_rules::{Sink, SinkLibrary, SqlSource};

use crate::imports::{Imports, find, find_unexplained_macro};

/// How deep macros within macros are looked into.
const MAX_DEPTH: usize = 16;

/// What the tokens of a macro call are.
#[derive(Debug, Default)]
pub(crate) struct Body {
    /// Which macro sink it is: (library, index in its macros).
    pub(crate) sink: Option<(usize, Sink)>,
    /// It was taken for a sink by its name alone.
    pub(crate) unexplained: bool,
    /// Its arguments; for a sink `None` stands for one that is no expression (a type, or unreadable).
    pub(crate) arguments: Vec<Option<Expr>>,
    /// Its statements, where it reads as such.
    pub(crate) statements: Vec<Stmt>,
    /// Tokens were left that do not parse.
    pub(crate) partly: bool,
    /// The macro is the project's own, whatever its name is elsewhere.
    pub(crate) own: bool,
}

/// The bodies of a file's macro calls, by the place of their `!`.
#[derive(Debug, Default)]
pub(crate) struct Expansions {
    bodies: HashMap<LineColumn, Body>,
}

impl Expansions {
    /// The bodies of a file's macro calls; `text` is the file.
    pub(crate) fn of(text: &str, file: &syn::File, imports: &Imports, sinks: &[SinkLibrary]) -> Expansions {
        let mut defined = Defined::default();
        if memchr::memmem::find(text.as_bytes(), b"macro_rules").is_some() {
            defined.visit_file(file);
        }
        let defined = defined.0;
        let mut collector = Collector { imports, sinks, defined, found: Expansions::default(), depth: 0 };
        collector.visit_file(file);
        collector.found
    }

    pub(crate) fn body(&self, mac: &Macro) -> Option<&Body> {
        self.bodies.get(&mac.bang_token.span.start())
    }
}

/// The names of the macros that a file defines, within the tokens of others as well.
#[derive(Default)]
struct Defined(HashSet<String>);

impl Defined {
    fn search(&mut self, tokens: TokenStream) {
        let (mut before, mut last) = (String::new(), String::new());
        for token in tokens {
            if let TokenTree::Group(group) = &token {
                self.search(group.stream());
            }
            let written = match &token {
                TokenTree::Group(_) => String::new(),
                other => other.to_string(),
            };
            if before == "macro_rules" && last == "!" {
                self.0.insert(written.clone());
            }
            before = std::mem::replace(&mut last, written);
        }
    }
}

impl<'ast> Visit<'ast> for Defined {
    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        self.0.extend(item.ident.as_ref().map(ToString::to_string));
        visit::visit_item_macro(self, item);
    }

    fn visit_macro(&mut self, mac: &'ast Macro) {
        self.search(mac.tokens.clone());
    }
}

struct Collector<'c> {
    imports: &'c Imports,
    sinks: &'c [SinkLibrary],
    /// The macros that the file defines.
    defined: HashSet<String>,
    found: Expansions,
    depth: usize,
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_macro(&mut self, mac: &'ast Macro) {
        if self.depth >= MAX_DEPTH {
            return;
        }
        self.depth += 1;
        let body = self.read(mac);
        for argument in body.arguments.iter().flatten() {
            self.visit_expr(argument);
        }
        for statement in &body.statements {
            self.visit_stmt(statement);
        }
        self.found.bodies.insert(mac.bang_token.span.start(), body);
        self.depth -= 1;
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if item.mac.path.is_ident("macro_rules") {
            let mut body = Body::default();
            fragments(plain(item.mac.tokens.clone()), &mut body, 0);
            for argument in body.arguments.iter().flatten() {
                self.visit_expr(argument);
            }
            for statement in &body.statements {
                self.visit_stmt(statement);
            }
            self.found.bodies.insert(item.mac.bang_token.span.start(), body);
            return;
        }
        visit::visit_item_macro(self, item);
    }
}

impl Collector<'_> {
    /// True if the name is that of a macro of the file.
    fn is_defined(&self, path: &syn::Path) -> bool {
        let hides = |full: &Vec<String>| full.last().is_some_and(|name| self.defined.contains(name));
        self.imports.resolve_all(path).iter().any(hides)
    }

    fn read(&self, mac: &Macro) -> Body {
        let of_crate = |full: &Vec<String>| {
            full.len() > 1
                && full.first().is_some_and(|root| matches!(root.as_str(), "crate" | "self" | "super"))
        };
        let body = self.read_tokens(mac);
        // What a crate exports again is told apart by the library alone.
        let exported = body.sink.is_none() && self.imports.resolve_all(&mac.path).iter().any(of_crate);
        Body { own: exported || self.is_defined(&mac.path), ..body }
    }

    fn read_tokens(&self, mac: &Macro) -> Body {
        let known = find(self.sinks, self.imports, &mac.path, |library| &library.macros);
        let unexplained = known.is_none();
        let known = known.or_else(|| find_unexplained_macro(self.sinks, self.imports, &mac.path));
        if let Some((library, sink)) = known {
            let skip = match sink.sql {
                SqlSource::Argument(index) | SqlSource::File(index) => index,
                SqlSource::Receiver => 0,
            };
            let arguments = sink_arguments(&mac.tokens, skip);
            let partly = arguments.iter().skip(skip).any(Option::is_none);
            return Body {
                sink: Some((library, sink.clone())),
                unexplained,
                arguments,
                partly,
                ..Body::default()
            };
        }
        let mut body = Body::default();
        if mac.tokens.is_empty() {
            return body;
        }
        let list = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(arguments) = list.parse2(mac.tokens.clone()) {
            body.arguments = arguments.into_iter().map(Some).collect();
            return body;
        }
        if let Ok(statements) = Block::parse_within.parse2(mac.tokens.clone()) {
            body.statements = statements;
            return body;
        }
        fragments(plain(mac.tokens.clone()), &mut body, 0);
        body
    }
}

/// The arguments of a sink macro; the first `skip` may be types.
fn sink_arguments(tokens: &TokenStream, skip: usize) -> Vec<Option<Expr>> {
    let whole = |input: ParseStream<'_>| -> syn::Result<Vec<Option<Expr>>> {
        let mut arguments = Vec::new();
        while !input.is_empty() {
            if arguments.len() < skip {
                if input.parse::<Type>().is_ok() {
                    arguments.push(None);
                } else {
                    return Err(input.error("no type"));
                }
            } else {
                arguments.push(Some(input.parse::<Expr>()?));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    };
    if let Ok(arguments) = whole.parse2(tokens.clone()) {
        return arguments;
    }
    let pieces = split(tokens.clone(), |tree| is_punct(tree, ','));
    pieces
        .into_iter()
        .filter(|piece| !piece.is_empty())
        .enumerate()
        .map(
            |(at, piece)| {
                if at < skip { None } else { syn::parse2::<Expr>(piece.into_iter().collect()).ok() }
            },
        )
        .collect()
}

/// Finds expressions and statements in tokens that parse neither as the one nor as the other.
fn fragments(trees: Vec<TokenTree>, body: &mut Body, depth: usize) {
    if trees.is_empty() || depth > MAX_DEPTH {
        body.partly |= !trees.is_empty();
        return;
    }
    let pieces = split_arrows(trees);
    for piece in pieces {
        fragment(piece, body, depth);
    }
}

fn fragment(piece: Vec<TokenTree>, body: &mut Body, depth: usize) {
    if !piece.iter().any(|tree| matches!(tree, TokenTree::Group(_))) {
        return;
    }
    if parses(&piece, body) {
        return;
    }
    // `"key": value` and `name = value`: what stands behind may be an expression, the longest that parses.
    let starts = value_starts(&piece);
    let read = starts.iter().copied().find(|at| piece.get(*at..).is_some_and(|value| parses(value, body)));
    let Some(read) = read else {
        // A group by itself is all there is, as in `json!({ … })` and `"key": { … }`.
        let lone = starts.first().map_or(0, |at| *at) + 1 == piece.len();
        body.partly |= !lone;
        groups(piece, body, depth);
        return;
    };
    groups(piece.into_iter().take(read), body, depth);
}

fn groups(trees: impl IntoIterator<Item = TokenTree>, body: &mut Body, depth: usize) {
    for tree in trees {
        if let TokenTree::Group(group) = tree {
            group_fragments(&group, body, depth);
        }
    }
}

/// Behind each `:` and `=` that is no part of a longer operator.
fn value_starts(piece: &[TokenTree]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut before: Option<&TokenTree> = None;
    for (at, tree) in piece.iter().enumerate() {
        let next = piece.get(at + 1);
        let stands_alone = |c: char| {
            is_punct(tree, c)
                && !before.is_some_and(is_joint)
                && !(is_joint(tree) && next.is_some_and(|next| is_punct(next, c)))
        };
        if next.is_some() && (stands_alone(':') || stands_alone('=')) {
            starts.push(at + 1);
        }
        before = Some(tree);
    }
    starts
}

fn is_joint(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.spacing() == Spacing::Joint)
}

fn group_fragments(group: &Group, body: &mut Body, depth: usize) {
    let trees: Vec<TokenTree> = group.stream().into_iter().collect();
    if group.delimiter() == Delimiter::Brace
        && let Ok(statements) = Block::parse_within.parse2(group.stream())
    {
        body.statements.extend(statements);
        return;
    }
    fragments(trees, body, depth + 1);
}

fn parses(trees: &[TokenTree], body: &mut Body) -> bool {
    let stream: TokenStream = trees.iter().cloned().collect();
    if let Ok(expr) = syn::parse2::<Expr>(stream.clone()) {
        body.arguments.push(Some(expr));
        return true;
    }
    match Block::parse_within.parse2(stream) {
        Ok(statements) => {
            body.statements.extend(statements);
            true
        }
        Err(_) => false,
    }
}

/// Splits at `,`, `;` and `=>`.
fn split_arrows(trees: Vec<TokenTree>) -> Vec<Vec<TokenTree>> {
    let mut pieces = vec![Vec::new()];
    let mut trees = trees.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let arrow = is_punct(&tree, '=') && trees.peek().is_some_and(|next| is_punct(next, '>'));
        if arrow {
            trees.next();
        }
        if arrow || is_punct(&tree, ',') || is_punct(&tree, ';') {
            pieces.push(Vec::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(tree);
        }
    }
    pieces
}

fn split(tokens: TokenStream, at: impl Fn(&TokenTree) -> bool) -> Vec<Vec<TokenTree>> {
    let mut pieces = vec![Vec::new()];
    for tree in tokens {
        if at(&tree) {
            pieces.push(Vec::new());
        } else if let Some(piece) = pieces.last_mut() {
            piece.push(tree);
        }
    }
    pieces
}

/// The tokens of a macro's definition without `$`, so that `$id` reads as a name.
fn plain(tokens: TokenStream) -> Vec<TokenTree> {
    tokens
        .into_iter()
        .filter(|tree| !is_punct(tree, '$'))
        .map(|tree| match tree {
            TokenTree::Group(group) => {
                let inner: TokenStream = plain(group.stream()).into_iter().collect();
                let mut plain = Group::new(group.delimiter(), inner);
                plain.set_span(group.span());
                TokenTree::Group(plain)
            }
            other => other,
        })
        .collect()
}

fn is_punct(tree: &TokenTree, c: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == c)
}
