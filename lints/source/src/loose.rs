//! Texts that begin as SQL, wherever they stand: what runs them may be something that nothing is known of.

use std::collections::BTreeSet;

use ra_ap_rustc_lexer::{LiteralKind, TokenKind};
use tenantry_span::TextRange;

use crate::literal;
use crate::prefilter::looks_like_sql;
use crate::tokens::{Token, Tokens};

/// The places of a file's string literals, but for those in attributes, which nothing runs, and for constants that are
/// `tenant_sql!("…")`, which are checked where they stand. `base` is where what the tokens are of begins in the text.
pub(crate) fn literals(text: &str, base: usize, tokens: &Tokens) -> Vec<TextRange> {
    let source = Source { text: text.get(base..).unwrap_or(""), tokens: tokens.all() };
    let mut found = Vec::new();
    let mut after_attribute = 0;
    for (at, token) in source.tokens.iter().enumerate() {
        if at < after_attribute {
            continue;
        }
        match token.kind {
            TokenKind::Pound => after_attribute = source.end_of_attribute(at),
            TokenKind::Literal { kind, .. } if is_text(kind) && !source.is_checked_constant(at) => {
                let range = token.range();
                found.push(TextRange::from_usize(base + range.start, base + range.end));
            }
            _ => {}
        }
    }
    found
}

/// True for a string, and for one of bytes or of C, which a library may take as well.
fn is_text(kind: LiteralKind) -> bool {
    match kind {
        LiteralKind::Str { .. }
        | LiteralKind::ByteStr { .. }
        | LiteralKind::CStr { .. }
        | LiteralKind::RawStr { .. }
        | LiteralKind::RawByteStr { .. }
        | LiteralKind::RawCStr { .. } => true,
        LiteralKind::Int { .. }
        | LiteralKind::Float { .. }
        | LiteralKind::Char { .. }
        | LiteralKind::Byte { .. } => false,
    }
}

/// The value of a string literal, as it is written, that begins as SQL does.
pub fn sql_of_literal(written: &str) -> Option<String> {
    let written = written.trim_start_matches(['b', 'c']);
    let value = literal::decode(written, 0).map(|mapped| mapped.value);
    let value = value.unwrap_or_else(|| written.trim_start_matches(['r', '#', '"']).to_owned());
    looks_like_sql(&value).then_some(value)
}

/// The macros that a piece of source defines with `macro_rules!`, each with its definition's place and its name.
pub fn macros_defined(text: &str) -> Vec<(TextRange, &str)> {
    let tokens = Tokens::of(text);
    let source = Source { text, tokens: tokens.all() };
    let starts = (0..source.tokens.len())
        .filter(|at| source.written(*at) == "macro_rules" && source.kind(at + 1) == Some(TokenKind::Bang));
    let defined = starts.filter_map(|at| {
        let name = source.tokens.get(at + 2)?;
        Some((source.place(at, source.end_of_group(at + 3).checked_sub(1)?)?, name.text(text)))
    });
    defined.collect()
}

/// Where a file first asks for a text to be checked where it stands: `tenant_sql!(…)`.
pub fn first_checked_text(text: &str) -> Option<TextRange> {
    memchr::memmem::find(text.as_bytes(), b"tenant_sql")?;
    let tokens = Tokens::of(text);
    let source = Source { text, tokens: tokens.all() };
    let is_call = |at: &usize| {
        source.written(*at) == "tenant_sql"
            && source.tokens.get(at + 1).is_some_and(|token| token.kind == TokenKind::Bang)
    };
    let at = (0..source.tokens.len()).find(is_call)?;
    source.place(at, at + 1)
}

/// The macros that a piece of a file calls, in the definitions of others as well, but for those that are known to every
/// reader by their names; what the file imports under another name by both.
pub fn macros_called<'t>(piece: &'t str, file: &'t str) -> BTreeSet<&'t str> {
    let mut found = called(piece, &Tokens::of(piece));
    if !found.is_empty() {
        with_other_names(&mut found, file, &Tokens::of(file));
    }
    found
}

/// The same of a whole file, whose tokens are known.
pub fn macros_called_in<'t>(file: &'t str, tokens: &Tokens) -> BTreeSet<&'t str> {
    let mut found = called(file, tokens);
    if !found.is_empty() {
        with_other_names(&mut found, file, tokens);
    }
    found
}

fn called<'t>(piece: &'t str, tokens: &Tokens) -> BTreeSet<&'t str> {
    let is_other = |name: &str| {
        let is_known = crate::read::reads_only(name) || OF_THE_LANGUAGE.contains(&name);
        !is_known && !BEFORE_A_NEGATION.contains(&name)
    };
    let is_name = |kind: TokenKind| matches!(kind, TokenKind::Ident | TokenKind::RawIdent);
    let is_open = |kind: TokenKind| {
        matches!(kind, TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket)
    };
    let mut found = BTreeSet::new();
    for window in tokens.all().windows(3) {
        let [name, bang, open] = window else { continue };
        if bang.kind == TokenKind::Bang && is_name(name.kind) && is_open(open.kind) {
            found.extend(Some(name.text(piece)).filter(|name| is_other(name)));
        }
    }
    found
}

fn with_other_names<'t>(found: &mut BTreeSet<&'t str>, file: &'t str, tokens: &Tokens) {
    for window in tokens.all().windows(3) {
        if let [name, renames, other] = window
            && renames.text(file) == "as"
            && found.contains(other.text(file))
        {
            found.insert(name.text(file));
        }
    }
}

/// Keywords after which `!(…)` is no call of a macro.
const BEFORE_A_NEGATION: &[&str] = &["break", "else", "if", "in", "match", "mut", "return", "while"];

/// Macros of the standard library and of this one that hold no query of the workspace's.
const OF_THE_LANGUAGE: &[&str] = &[
    "assert_matches",
    "column",
    "compile_error",
    "file",
    "include",
    "include_bytes",
    "line",
    "module_path",
    "option_env",
    "tenant_sql",
    "thread_local",
    "write",
    "writeln",
];

/// True if what names mean in a file cannot be told from it alone: it imports all of another module of its crate, or has
/// modules of which a build has one of several.
pub fn rests_on_modules(text: &str, tokens: &Tokens) -> bool {
    let source = Source { text, tokens: tokens.all() };
    let mut declared: Vec<&str> = Vec::new();
    let mut import: Option<usize> = None;
    for at in 0..source.tokens.len() {
        match source.written(at) {
            "use" => import = Some(at),
            ";" => import = None,
            "*" => {
                let own =
                    import.is_some_and(|from| matches!(source.written(from + 1), "crate" | "self" | "super"));
                // `use super::*` brings what the file itself says.
                if own && import != at.checked_sub(4) {
                    return true;
                }
            }
            "path" if source.kind(at + 1) == Some(TokenKind::Eq) => return true,
            "mod" => declared.push(source.written(at + 1)),
            _ => {}
        }
    }
    let count = declared.len();
    declared.sort_unstable();
    declared.dedup();
    declared.len() < count
}

/// The places of `include!` in a piece of source: Rust of another file stands there.
pub fn included_rust(source: &str) -> Vec<TextRange> {
    let tokens = Tokens::of(source);
    let source = Source { text: source, tokens: tokens.all() };
    let included = (0..source.tokens.len())
        .filter(|at| source.written(*at) == "include" && source.kind(at + 1) == Some(TokenKind::Bang));
    included.filter_map(|at| source.place(at, at + 1)).collect()
}

/// A piece of source with its tokens.
#[derive(Clone, Copy)]
struct Source<'s> {
    text: &'s str,
    tokens: &'s [Token],
}

impl<'s> Source<'s> {
    fn kind(self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|token| token.kind)
    }

    fn written(self, at: usize) -> &'s str {
        self.tokens.get(at).map_or("", |token| token.text(self.text))
    }

    /// From the beginning of a token to the end of another.
    fn place(self, first: usize, last: usize) -> Option<TextRange> {
        let (first, last) = (self.tokens.get(first)?.range(), self.tokens.get(last)?.range());
        Some(TextRange::from_usize(first.start, last.end))
    }

    /// The index after the group that begins at `open`.
    fn end_of_group(self, open: usize) -> usize {
        let mut depth = 0usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                TokenKind::OpenBracket | TokenKind::OpenParen | TokenKind::OpenBrace => depth += 1,
                TokenKind::CloseBracket | TokenKind::CloseParen | TokenKind::CloseBrace => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            if depth == 0 {
                return index + 1;
            }
        }
        self.tokens.len()
    }

    /// The index after the attribute that begins at `at`; `at` itself where none does.
    fn end_of_attribute(self, at: usize) -> usize {
        let open = if self.kind(at + 1) == Some(TokenKind::Bang) { at + 2 } else { at + 1 };
        if self.kind(open) == Some(TokenKind::OpenBracket) { self.end_of_group(open) } else { at }
    }

    /// True for the text of `const NAME: &str = tenant_sql!("…")`.
    fn is_checked_constant(self, at: usize) -> bool {
        let is = |steps: usize, kind: TokenKind| {
            at.checked_sub(steps).and_then(|at| self.kind(at)).is_some_and(|found| found == kind)
        };
        let is_checked = is(2, TokenKind::Bang)
            && at.checked_sub(3).is_some_and(|name| self.written(name) == "tenant_sql");
        if !is_checked {
            return false;
        }
        let assigned = if is(4, TokenKind::Colon) && is(5, TokenKind::Colon) { 7 } else { 4 };
        if !is(assigned, TokenKind::Eq) {
            return false;
        }
        let ends =
            |kind: TokenKind| matches!(kind, TokenKind::Semi | TokenKind::OpenBrace | TokenKind::CloseBrace);
        let earlier = (0..at.saturating_sub(assigned)).rev();
        let mut declaration = earlier.take_while(|at| !self.kind(*at).is_some_and(ends));
        declaration.any(|at| matches!(self.written(at), "const" | "static"))
    }
}

#[cfg(test)]
mod tests {
    use super::{Tokens, literals, macros_defined, sql_of_literal};

    #[test]
    fn texts_that_begin_as_sql_are_found_wherever_they_stand() {
        let source = r##"
            /// "SELECT 1 a"
            #[doc = "SELECT 2 b"]
            const A: &str = tenant_sql!("SELECT 3 c");
            static B: &str = tenantry::tenant_sql!("SELECT 4 d");
            const C: &str = "SELECT 5 e";
            fn f() { let a = tenant_sql!("SELECT 6 f"); run!(@ r#"SELECT 7 g"# => "\nselect 8 h"); info!("hello"); run(b"SELECT 9 i", cr"SELECT 10 j"); }
        "##;
        for base in [0, 3] {
            let text = format!("{}{source}", " ".repeat(base));
            let found = literals(&text, base, &Tokens::of(source)).into_iter();
            let found: Vec<String> = found.filter_map(|range| sql_of_literal(range.slice(&text))).collect();
            assert_eq!(
                found,
                ["SELECT 5 e", "SELECT 6 f", "SELECT 7 g", "\nselect 8 h", "SELECT 9 i", "SELECT 10 j"]
            );
        }
    }

    #[test]
    fn included_rust_is_found_and_nothing_else_that_is_included() {
        let source = "fn f() { include!(\"a.rs\"); core::include ! { \"b.rs\" } } // include!(\"c.rs\")
            const A: &str = include_str!(\"a.sql\"); const B: &str = \"include!\";";
        let found: Vec<&str> =
            super::included_rust(source).into_iter().map(|range| range.slice(source)).collect();
        assert_eq!(found, ["include!", "include !"]);
    }

    #[test]
    fn macros_are_found_with_all_of_their_definition() {
        let source = "fn f() { macro_rules! a { ($t:expr) => { [$t] } } } macro_rules! b [ () => {} ];";
        let found: Vec<(&str, &str)> =
            macros_defined(source).into_iter().map(|(range, name)| (range.slice(source), name)).collect();
        assert_eq!(
            found,
            [("macro_rules! a { ($t:expr) => { [$t] } }", "a"), ("macro_rules! b [ () => {} ]", "b")]
        );
    }
}
