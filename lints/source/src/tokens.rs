//! The tokens of a text that is parsed, taken once for all that asks for them.

use std::ops::Range;

use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};

use crate::limits::MAX_BYTES;

/// What is neither white space nor a comment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    start: u32,
    end: u32,
}

impl Token {
    /// The bytes that it takes.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// How it is written in the text that it is of.
    pub(crate) fn text<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.range()).unwrap_or("")
    }
}

/// The tokens of a text in their order.
#[derive(Debug, Default)]
pub struct Tokens(Vec<Token>);

impl Tokens {
    /// Those of a text; none of one that is too long to be parsed.
    pub fn of(text: &str) -> Tokens {
        let mut found = Vec::new();
        if text.len() > MAX_BYTES {
            return Tokens(found);
        }
        let mut start = 0u32;
        for token in tokenize(text, FrontmatterAllowed::No) {
            let end = start + token.len;
            let is_trivia = matches!(
                token.kind,
                TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }
            );
            if !is_trivia {
                found.push(Token { kind: token.kind, start, end });
            }
            start = end;
        }
        Tokens(found)
    }

    /// All of them.
    pub(crate) fn all(&self) -> &[Token] {
        &self.0
    }

    /// Those that begin in a place.
    pub(crate) fn within(&self, place: Range<usize>) -> &[Token] {
        let before = |end: usize| self.0.partition_point(|token| (token.start as usize) < end);
        self.0.get(before(place.start)..before(place.end)).unwrap_or_default()
    }
}
