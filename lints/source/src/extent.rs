//! Where nodes of a syntax tree begin and end in the text.
//!
//! `syn::spanned` prints a node to find its first and last token, and `proc_macro2` counts characters to find a byte: both
//! take longer than all else that is read of a file. Here the tokens are taken from the nodes, and places from lines.
//!
//! **Invariant:** what is answered is what `syn::spanned` and `Span::byte_range` answer, for every node of a text.

use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::{
    AttrStyle, Attribute, Expr, ImplItem, Item, MacroDelimiter, Member, Path, PathArguments, Stmt, Visibility,
};

/// Where the lines of a text begin that was parsed.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// None where characters are not bytes.
    starts: Vec<usize>,
}

impl Lines {
    pub(crate) fn of(text: &str) -> Lines {
        if !text.is_ascii() {
            return Lines::default();
        }
        let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        Lines { starts: std::iter::once(0).chain(ends).collect() }
    }

    /// The bytes that the tokens take, from the first of these two to the end of the last.
    pub(crate) fn between(&self, first: Span, last: Span) -> (usize, usize) {
        (self.start(first), self.end(last))
    }

    /// The bytes that a node takes.
    pub(crate) fn range(&self, node: &(impl Extent + ?Sized)) -> (usize, usize) {
        let [first, last] = node.ends();
        let (start, end) = self.between(first, last);
        if start < end {
            return (start, end);
        }
        // What a macro makes may end before it begins.
        (start.min(self.start(last)), end.max(self.end(first)))
    }

    /// The first byte of a token.
    pub(crate) fn start(&self, span: Span) -> usize {
        self.offset(span.start()).unwrap_or_else(|| span.byte_range().start)
    }

    fn end(&self, span: Span) -> usize {
        self.offset(span.end()).unwrap_or_else(|| span.byte_range().end)
    }

    fn offset(&self, at: LineColumn) -> Option<usize> {
        Some(self.starts.get(at.line.checked_sub(1)?)? + at.column)
    }
}

/// A node with a first and a last token.
pub(crate) trait Extent {
    /// The spans of both; either may be that of more, as of all that lies between brackets.
    fn ends(&self) -> [Span; 2];
}

/// Nodes that are printed.
macro_rules! printed {
    ($($node:ty),* $(,)?) => { $(
        impl Extent for $node {
            fn ends(&self) -> [Span; 2] {
                [self.span(); 2]
            }
        }
    )* };
}

printed!(
    syn::Ident,
    syn::Pat,
    syn::Type,
    syn::Meta,
    syn::TraitItemFn,
    syn::ExprPath,
    syn::ExprBinary,
    syn::ExprClosure,
    syn::ExprStruct,
    syn::Arm,
    syn::Local,
    syn::StmtMacro,
    syn::TraitItem,
    syn::Macro,
    syn::Signature,
    Path,
);

impl<T: Extent> Extent for Box<T> {
    fn ends(&self) -> [Span; 2] {
        (**self).ends()
    }
}

impl Extent for syn::Block {
    fn ends(&self) -> [Span; 2] {
        [self.brace_token.span.join(); 2]
    }
}

impl Extent for syn::ExprMethodCall {
    fn ends(&self) -> [Span; 2] {
        let first = first_of_expr(&self.receiver).filter(|_| self.attrs.is_empty());
        first.map_or_else(|| [self.span(); 2], |first| [first, self.paren_token.span.close()])
    }
}

impl Extent for syn::ExprCall {
    fn ends(&self) -> [Span; 2] {
        let first = first_of_expr(&self.func).filter(|_| self.attrs.is_empty());
        first.map_or_else(|| [self.span(); 2], |first| [first, self.paren_token.span.close()])
    }
}

impl Extent for Expr {
    fn ends(&self) -> [Span; 2] {
        match (first_of_expr(self), last_of_expr(self)) {
            (Some(first), Some(last)) => [first, last],
            _ => [self.span(); 2],
        }
    }
}

impl Extent for Stmt {
    fn ends(&self) -> [Span; 2] {
        let ends = match self {
            Stmt::Local(local) => {
                let first = outer(&local.attrs).unwrap_or(local.let_token.span);
                Some([first, local.semi_token.spans[0]])
            }
            Stmt::Expr(expr, Some(semi)) => first_of_expr(expr).map(|first| [first, semi.spans[0]]),
            Stmt::Expr(expr, None) => Some(expr.ends()),
            Stmt::Item(item) => Some(item.ends()),
            Stmt::Macro(_) => None,
        };
        ends.unwrap_or_else(|| [self.span(); 2])
    }
}

impl Extent for Item {
    fn ends(&self) -> [Span; 2] {
        let ends = match self {
            Item::Fn(item) => first_of_signature(&item.attrs, &item.vis, &item.sig)
                .map(|first| [first, item.block.brace_token.span.close()]),
            Item::Impl(item) => outer(&item.attrs).map(|first| [first, item.brace_token.span.close()]),
            Item::Struct(item) => {
                let first = || visible(&item.vis).unwrap_or(item.struct_token.span);
                let last = match (&item.semi_token, &item.fields) {
                    (Some(semi), _) => Some(semi.spans[0]),
                    (None, syn::Fields::Named(fields)) => Some(fields.brace_token.span.close()),
                    (None, _) => None,
                };
                last.map(|last| [outer(&item.attrs).unwrap_or_else(first), last])
            }
            Item::Use(item) => {
                let first = || visible(&item.vis).unwrap_or(item.use_token.span);
                Some([outer(&item.attrs).unwrap_or_else(first), item.semi_token.spans[0]])
            }
            _ => None,
        };
        ends.unwrap_or_else(|| [self.span(); 2])
    }
}

impl Extent for ImplItem {
    fn ends(&self) -> [Span; 2] {
        match self {
            ImplItem::Fn(item) => item.ends(),
            _ => [self.span(); 2],
        }
    }
}

impl Extent for syn::ImplItemFn {
    fn ends(&self) -> [Span; 2] {
        let first = first_of_signature(&self.attrs, &self.vis, &self.sig);
        first.map_or_else(|| [self.span(); 2], |first| [first, self.block.brace_token.span.close()])
    }
}

impl Extent for Attribute {
    fn ends(&self) -> [Span; 2] {
        [self.pound_token.spans[0], self.bracket_token.span.close()]
    }
}

/// The first token of attributes that stand before what they are about.
fn outer(attributes: &[Attribute]) -> Option<Span> {
    let outer = attributes.iter().find(|attribute| matches!(attribute.style, AttrStyle::Outer));
    outer.map(|attribute| attribute.pound_token.spans[0])
}

fn visible(visibility: &Visibility) -> Option<Span> {
    match visibility {
        Visibility::Public(word) => Some(word.span),
        Visibility::Restricted(restricted) => Some(restricted.pub_token.span),
        Visibility::Inherited => None,
    }
}

/// Where it begins with a word that there is a rule for.
fn first_of_signature(
    attributes: &[Attribute],
    visibility: &Visibility,
    of: &syn::Signature,
) -> Option<Span> {
    let word = match (&of.constness, &of.asyncness, &of.abi) {
        (None, Some(word), None) => Some(word.span),
        (None, None, None) if matches!(of.safety, syn::Safety::Default) => Some(of.fn_token.span),
        _ => None,
    };
    outer(attributes).or(visible(visibility)).or(word)
}

fn first_of_expr(expr: &Expr) -> Option<Span> {
    match expr {
        Expr::Path(of) if of.attrs.is_empty() && of.qself.is_none() => first_of_path(&of.path),
        Expr::MethodCall(of) if of.attrs.is_empty() => first_of_expr(&of.receiver),
        Expr::Call(of) if of.attrs.is_empty() => first_of_expr(&of.func),
        Expr::Field(of) if of.attrs.is_empty() => first_of_expr(&of.base),
        Expr::Await(of) if of.attrs.is_empty() => first_of_expr(&of.base),
        Expr::Try(of) if of.attrs.is_empty() => first_of_expr(&of.expr),
        Expr::Index(of) if of.attrs.is_empty() => first_of_expr(&of.expr),
        Expr::Binary(of) if of.attrs.is_empty() => first_of_expr(&of.left),
        Expr::Assign(of) if of.attrs.is_empty() => first_of_expr(&of.left),
        Expr::Lit(of) if of.attrs.is_empty() => Some(of.lit.span()),
        Expr::Reference(of) if of.attrs.is_empty() => Some(of.and_token.spans[0]),
        Expr::Macro(of) if of.attrs.is_empty() => first_of_path(&of.mac.path),
        Expr::Struct(of) if of.attrs.is_empty() && of.qself.is_none() => first_of_path(&of.path),
        Expr::Match(of) => outer(&of.attrs).or(Some(of.match_token.span)),
        Expr::If(of) => outer(&of.attrs).or(Some(of.if_token.span)),
        Expr::Tuple(of) if of.attrs.is_empty() => Some(of.paren_token.span.join()),
        Expr::Array(of) if of.attrs.is_empty() => Some(of.bracket_token.span.join()),
        Expr::Paren(of) if of.attrs.is_empty() => Some(of.paren_token.span.join()),
        Expr::Block(of) if of.attrs.is_empty() && of.label.is_none() => {
            Some(of.block.brace_token.span.join())
        }
        _ => None,
    }
}

fn last_of_expr(expr: &Expr) -> Option<Span> {
    match expr {
        Expr::Path(of) => last_of_path(&of.path),
        Expr::MethodCall(of) => Some(of.paren_token.span.close()),
        Expr::Call(of) => Some(of.paren_token.span.close()),
        Expr::Field(of) => match &of.member {
            Member::Named(name) => Some(name.span()),
            Member::Unnamed(_) => None,
        },
        Expr::Await(of) => Some(of.await_token.span),
        Expr::Try(of) => Some(of.question_token.spans[0]),
        Expr::Index(of) => Some(of.bracket_token.span.close()),
        Expr::Binary(of) => last_of_expr(&of.right),
        Expr::Assign(of) => last_of_expr(&of.right),
        Expr::Lit(of) => Some(of.lit.span()),
        Expr::Reference(of) => last_of_expr(&of.expr),
        Expr::Macro(of) => Some(match &of.mac.delimiter {
            MacroDelimiter::Paren(pair) => pair.span.close(),
            MacroDelimiter::Brace(pair) => pair.span.close(),
            MacroDelimiter::Bracket(pair) => pair.span.close(),
        }),
        Expr::Struct(of) => Some(of.brace_token.span.close()),
        Expr::Block(of) => Some(of.block.brace_token.span.join()),
        Expr::Match(of) => Some(of.brace_token.span.close()),
        Expr::If(of) => match &of.else_branch {
            None => Some(of.then_branch.brace_token.span.close()),
            Some((_, otherwise)) => last_of_expr(otherwise),
        },
        Expr::Tuple(of) => Some(of.paren_token.span.join()),
        Expr::Array(of) => Some(of.bracket_token.span.join()),
        Expr::Paren(of) => Some(of.paren_token.span.join()),
        _ => None,
    }
}

fn first_of_path(path: &Path) -> Option<Span> {
    match &path.leading_colon {
        Some(colons) => Some(colons.spans[0]),
        None => path.segments.first().map(|segment| segment.ident.span()),
    }
}

fn last_of_path(path: &Path) -> Option<Span> {
    let last = path.segments.last()?;
    match &last.arguments {
        PathArguments::None => Some(last.ident.span()),
        PathArguments::AngleBracketed(arguments) => Some(arguments.gt_token.spans[0]),
        PathArguments::Parenthesized(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Extent, Lines};
    use syn::spanned::Spanned;
    use syn::visit::{self, Visit};

    /// Holds every node of a text against what `syn` says of it.
    struct Compare<'t> {
        text: &'t str,
        lines: Lines,
        compared: usize,
    }

    impl Compare<'_> {
        fn compare(&mut self, node: &(impl Extent + Spanned)) {
            let range = node.span().byte_range();
            let found = self.lines.range(node);
            assert_eq!(found, (range.start, range.end), "{:?}", self.text.get(range.clone()));
            self.compared += 1;
        }
    }

    impl<'t> Visit<'t> for Compare<'_> {
        fn visit_expr(&mut self, node: &'t syn::Expr) {
            self.compare(node);
            visit::visit_expr(self, node);
        }

        fn visit_stmt(&mut self, node: &'t syn::Stmt) {
            self.compare(node);
            visit::visit_stmt(self, node);
        }

        fn visit_item(&mut self, node: &'t syn::Item) {
            self.compare(node);
            visit::visit_item(self, node);
        }

        fn visit_impl_item(&mut self, node: &'t syn::ImplItem) {
            self.compare(node);
            visit::visit_impl_item(self, node);
        }

        fn visit_attribute(&mut self, node: &'t syn::Attribute) {
            self.compare(node);
            visit::visit_attribute(self, node);
        }
    }

    fn compare(text: &str) -> usize {
        let file = syn::parse_str::<syn::File>(text).expect("Rust");
        let mut compare = Compare { text, lines: Lines::of(text), compared: 0 };
        compare.visit_file(&file);
        proc_macro2::extra::invalidate_current_thread_spans();
        compare.compared
    }

    #[test]
    fn nodes_begin_and_end_where_syn_says() {
        let text = "//! Inner.\n#![allow(a)]\n/// Doc.\n#[b]\npub(crate) async fn f<T>(a: &T) -> X<T> { #![c]\n\
            let a: u8 = #[d] (1, [2], (3)).0; if a == -1 { b } else if !c { d } else { e }\n\
            x::<u8>::y::<A>; ::p::q(&mut r[0].s?.await); #[e] match s { _ => S { a, ..b } } m! { n } p += o![q];\n\
            |r| -> u8 { s }; 'a: loop { break 'a 1 } return; a..=b; <T as U>::V; unsafe {} async move {}; a as u8; a = *b }\n\
            unsafe extern \"C\" fn g() {} const fn h() {} impl<T> A for B<T> { #[f] fn i(&self) { self.j() } const K: u8 = 1; }\n\
            struct L; struct M(u8); #[g] pub struct N { o: u8 } pub use a::{b, c}; mod d { fn e() { 1e3.f(\"g\") } }\n";
        assert!(compare(text) > 60);
        // Characters are not bytes here.
        assert!(compare(&text.replace("\"g\"", "\"ü\" // é\n")) > 60);
        assert!(compare(&text.replace('\n', "\r\n")) > 60);
    }

    #[test]
    fn and_so_in_all_files_of_this_crate() {
        let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
        let mut compared = 0;
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|entry| entry.path()) {
                match std::fs::read_to_string(&path) {
                    Ok(text) => compared += compare(&text),
                    Err(_) => folders.push(path),
                }
            }
        }
        assert!(compared > 50_000, "{compared}");
    }
}
