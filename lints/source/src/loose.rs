//! Texts that begin as SQL, wherever they stand: what runs them may be something that nothing is known of.

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use tenantry_span::TextRange;

use crate::literal;
use crate::prefilter::looks_like_sql;

/// The string literals of a piece of source that begin as SQL, with their places in it and their values. Attributes and
/// constants that are `tenant_sql!("…")` are left out: the first are run by nothing, the others are checked where they stand.
pub fn texts_of_sql(source: &str) -> Vec<(TextRange, String)> {
    let tokens = tokens(source);
    let mut found = Vec::new();
    let mut after_attribute = 0;
    for (at, token) in tokens.iter().enumerate() {
        if at < after_attribute {
            continue;
        }
        if token.text == "#" {
            after_attribute = end_of_attribute(&tokens, at);
            continue;
        }
        let is_text = matches!(
            token.kind,
            TokenKind::Literal { kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. }, .. }
        );
        if !is_text || is_checked_constant(&tokens, at) {
            continue;
        }
        let value = literal::decode(token.text, token.range.start).map(|mapped| mapped.value);
        let value = value.unwrap_or_else(|| token.text.trim_start_matches(['r', '#', '"']).to_owned());
        if looks_like_sql(&value) {
            found.push((token.range, value));
        }
    }
    found
}

/// The macros that a piece of source defines with `macro_rules!`, each with its definition's place and its name.
pub fn macros_defined(source: &str) -> Vec<(TextRange, &str)> {
    let tokens = tokens(source);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let starts = (0..tokens.len()).filter(|at| text(*at) == "macro_rules" && text(at + 1) == "!");
    let defined = starts.filter_map(|at| {
        let (first, name) = (tokens.get(at)?, tokens.get(at + 2)?);
        let last = tokens.get(end_of_group(&tokens, at + 3).checked_sub(1)?)?;
        Some((TextRange { start: first.range.start, end: last.range.end }, name.text))
    });
    defined.collect()
}

/// The places of `include!` in a piece of source: Rust of another file stands there.
pub fn included_rust(source: &str) -> Vec<TextRange> {
    let tokens = tokens(source);
    let pairs = tokens.iter().zip(tokens.iter().skip(1));
    let included = pairs.filter(|(name, bang)| name.text == "include" && bang.text == "!");
    included.map(|(name, bang)| TextRange { start: name.range.start, end: bang.range.end }).collect()
}

/// The index after the group that begins at `open`.
fn end_of_group(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        match token.text {
            "[" | "(" | "{" => depth += 1,
            "]" | ")" | "}" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return index + 1;
        }
    }
    tokens.len()
}

struct Token<'s> {
    kind: TokenKind,
    text: &'s str,
    range: TextRange,
}

fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut at = 0usize;
    let all = tokenize(source, FrontmatterAllowed::No).filter_map(|token| {
        let start = at;
        at += token.len as usize;
        let is_space = matches!(
            token.kind,
            TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }
        );
        let text = source.get(start..at)?;
        (!is_space).then(|| Token { kind: token.kind, text, range: TextRange::from_usize(start, at) })
    });
    all.collect()
}

/// The index after the attribute that begins at `at`; `at` itself where none does.
fn end_of_attribute(tokens: &[Token<'_>], at: usize) -> usize {
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let open = if text(at + 1) == "!" { at + 2 } else { at + 1 };
    if text(open) != "[" {
        return at;
    }
    end_of_group(tokens, open)
}

/// True for the text of `const NAME: &str = tenant_sql!("…")`.
fn is_checked_constant(tokens: &[Token<'_>], at: usize) -> bool {
    let before =
        |steps: usize| at.checked_sub(steps).and_then(|at| tokens.get(at)).map_or("", |token| token.text);
    if before(2) != "!" || before(3) != "tenant_sql" {
        return false;
    }
    let assigned = if before(4) == ":" && before(5) == ":" { 7 } else { 4 };
    if before(assigned) != "=" {
        return false;
    }
    let earlier = tokens.iter().take(at.saturating_sub(assigned)).rev();
    let declaration = earlier.take_while(|token| !matches!(token.text, ";" | "{" | "}"));
    let mut words = declaration.filter(|token| token.kind == TokenKind::Ident);
    words.any(|token| matches!(token.text, "const" | "static"))
}

#[cfg(test)]
mod tests {
    use super::{macros_defined, texts_of_sql};

    #[test]
    fn texts_that_begin_as_sql_are_found_wherever_they_stand() {
        let source = r##"
            /// "SELECT 1 a"
            #[doc = "SELECT 2 b"]
            const A: &str = tenant_sql!("SELECT 3 c");
            static B: &str = tenantry::tenant_sql!("SELECT 4 d");
            const C: &str = "SELECT 5 e";
            fn f() { let a = tenant_sql!("SELECT 6 f"); run!(@ r#"SELECT 7 g"# => "\nselect 8 h"); info!("hello"); }
        "##;
        let found: Vec<String> = texts_of_sql(source).into_iter().map(|(_, value)| value).collect();
        assert_eq!(found, ["SELECT 5 e", "SELECT 6 f", "SELECT 7 g", "\nselect 8 h"]);
        for (range, value) in texts_of_sql(source) {
            assert!(range.slice(source).contains(value.trim()), "{value}");
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
