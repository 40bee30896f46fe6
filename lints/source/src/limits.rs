//! What a file may be for it to be parsed.

use ra_ap_rustc_lexer::TokenKind;

use crate::tokens::Tokens;

/// The largest file that is parsed, in bytes.
pub const MAX_BYTES: usize = 16 << 20;
/// How deep brackets may nest.
pub const MAX_NESTING: usize = 128;
/// How many tokens may follow each other without a comma, a semicolon or a brace: longer expressions nest deeply
/// in the tree although no bracket shows it.
pub const MAX_RUN: usize = 4_000;

/// How many `else if` may follow each other: each lies inside of the one before it, and no bracket shows it.
pub const MAX_ELSE: usize = 1_000;

/// Says why the text is not parsed, where it is not.
///
/// # Errors
/// The limit that the text exceeds.
pub(crate) fn check(text: &str) -> Result<(), String> {
    check_tokens(text, &Tokens::of(text))
}

/// The same of a text whose tokens are known.
///
/// # Errors
/// The limit that the text exceeds.
pub(crate) fn check_tokens(text: &str, tokens: &Tokens) -> Result<(), String> {
    if text.len() > MAX_BYTES {
        return Err(format!("the file is larger than {MAX_BYTES} bytes"));
    }
    let (mut depth, mut run) = (0usize, 0usize);
    // For each depth of brackets, the links of the chain of `else if` that it is in.
    let mut chains = vec![0usize];
    let mut after_else = false;
    for token in tokens.all() {
        let word = if token.kind == TokenKind::Ident { token.text(text) } else { "" };
        if matches!(word, "else" | "if")
            && let Some(chain) = chains.get_mut(depth)
        {
            match word {
                "else" => *chain += 1,
                _ if !after_else => *chain = 0,
                _ => {}
            }
            if *chain > MAX_ELSE {
                return Err(format!("more than {MAX_ELSE} `else` follow each other"));
            }
        }
        after_else = word == "else";
        match token.kind {
            TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket => {
                depth += 1;
                run = if token.kind == TokenKind::OpenBrace { 0 } else { run + 1 };
            }
            TokenKind::CloseParen | TokenKind::CloseBracket => depth = depth.saturating_sub(1),
            TokenKind::CloseBrace => {
                depth = depth.saturating_sub(1);
                run += 1;
            }
            TokenKind::Semi | TokenKind::Comma => run = 0,
            _ => run += 1,
        }
        if depth >= chains.len() {
            chains.push(0);
        }
        if matches!(token.kind, TokenKind::OpenParen | TokenKind::OpenBrace | TokenKind::OpenBracket)
            && let Some(chain) = chains.get_mut(depth)
        {
            *chain = 0;
        }
        if depth > MAX_NESTING {
            return Err(format!("brackets nest deeper than {MAX_NESTING}"));
        }
        if run > MAX_RUN {
            return Err(format!("an expression is longer than {MAX_RUN} tokens"));
        }
    }
    Ok(())
}
