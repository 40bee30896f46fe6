//! The tokens of a text: squawk's, without white space and comments, and with operators put together by PostgreSQL's
//! rule (`scan.l`), which depends on their neighbours.

use squawk_lexer::{LiteralKind, TokenKind};
use tenantry_span::TextRange;

use super::keywords::Kw;
use crate::lower::limits::{Limit, MAX_CHAIN, MAX_NESTING, MAX_TOKENS};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tok {
    /// A name without quotes that is no keyword.
    Name,
    /// A keyword.
    Kw(Kw),
    /// `"name"`.
    QuotedName,
    /// `U&"name"`.
    UnicodeName,
    /// `1`, `0x1F`, `1_000`.
    Int,
    /// `1.5`, `1e5`.
    Numeric,
    /// A string of any form; `'a'` continued on the next line is one token.
    Str(StrForm),
    /// `$1`.
    Param,
    /// An operator.
    Op(Op),
    /// `(`
    LParen,
    /// `)`
    RParen,
    /// `[`
    LBrack,
    /// `]`
    RBrack,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `:`
    Colon,
    /// `::`
    ColonColon,
    /// `:=`
    ColonEq,
    /// `;`
    Semi,
    /// What no rule accepts: braces, `..`, a character PostgreSQL does not know, an unterminated literal.
    Bad,
    /// Past the last token.
    End,
}

/// The forms of a string constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StrForm {
    /// `'…'`
    Plain,
    /// `N'…'`
    National,
    /// `E'…'`
    Escape,
    /// `U&'…'`
    Unicode,
    /// `$tag$…$tag$`
    Dollar,
    /// `B'…'`
    Bit,
    /// `X'…'`
    Hex,
}

/// The operators that the grammar knows, and the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// `^`
    Caret,
    /// `<`
    Lt,
    /// `>`
    Gt,
    /// `=`
    Eq,
    /// `<=`
    LtEq,
    /// `>=`
    GtEq,
    /// `<>`, `!=`
    NotEq,
    /// `=>`
    FatArrow,
    /// Any other.
    Other,
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Tok,
    /// Where.
    pub(super) range: TextRange,
    /// For an opening bracket the index of the closing one, if there is one; else 0.
    pub(super) close: usize,
}

/// The tokens of `text`, or the limit that it reaches.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Limit> {
    let mut builder =
        Builder { text, tokens: Vec::with_capacity(text.len() / 4), open: Vec::new(), operator: None };
    let mut at = 0;
    let mut trivia = Trivia::default();
    for token in squawk_lexer::tokenize(text) {
        let range = TextRange::from_usize(at, at + token.len as usize);
        at += token.len as usize;
        match builder.classify(token.kind, range) {
            Piece::Trivia { block } => {
                trivia.any = true;
                trivia.block |= block;
                trivia.newline |= range.slice(text).contains(['\n', '\r']);
                continue;
            }
            Piece::OperatorChar => builder.operator_char(range, trivia),
            Piece::Token(kind) => builder.token(kind, range, trivia)?,
        }
        trivia = Trivia::default();
    }
    builder.finish_operator();
    if builder.tokens.len() > MAX_TOKENS {
        return Err(Limit::Tokens);
    }
    match longest_chain(&builder.tokens) > MAX_CHAIN {
        true => Err(Limit::Chain),
        false => Ok(builder.tokens),
    }
}

/// The length of the longest chain without brackets: prefix operators in a row (`NOT NOT a`), casts and name parts after
/// one operand (`a::b::c`, `a.b.c`), joins of a statement.
fn longest_chain(tokens: &[Token]) -> usize {
    let (mut prefixes, mut suffixes, mut joins, mut longest) = (0, 0, 0, 0);
    let mut after_word = false;
    for token in tokens {
        let prefix = matches!(token.kind, Tok::Op(_) | Tok::Kw(Kw::Not | Kw::Explain));
        let word = matches!(token.kind, Tok::Name | Tok::Kw(_) | Tok::QuotedName | Tok::UnicodeName);
        prefixes = if prefix { prefixes + 1 } else { 0 };
        match token.kind {
            Tok::Dot | Tok::ColonColon => suffixes += 1,
            Tok::Op(_) | Tok::Comma | Tok::Semi => suffixes = 0,
            _ if word && after_word => suffixes = 0,
            _ => {}
        }
        match token.kind {
            Tok::Kw(Kw::Join) => joins += 1,
            Tok::Semi => joins = 0,
            _ => {}
        }
        after_word = word;
        longest = longest.max(prefixes).max(suffixes).max(joins);
    }
    longest
}

/// What stands between two tokens.
#[derive(Clone, Copy, Default)]
struct Trivia {
    any: bool,
    block: bool,
    newline: bool,
}

/// What a token of the lexer is to us.
enum Piece {
    Trivia { block: bool },
    OperatorChar,
    Token(Tok),
}

struct Builder<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    /// Indexes of the opening brackets that are not closed yet.
    open: Vec<usize>,
    /// The characters of operators that stand together.
    operator: Option<TextRange>,
}

impl Builder<'_> {
    fn classify(&self, kind: TokenKind, range: TextRange) -> Piece {
        let terminated = |ok: bool, kind: Tok| if ok { kind } else { Tok::Bad };
        let token = match kind {
            TokenKind::Whitespace | TokenKind::LineComment => return Piece::Trivia { block: false },
            TokenKind::BlockComment { terminated: true } => return Piece::Trivia { block: true },
            TokenKind::Slash
            | TokenKind::Minus
            | TokenKind::Eq
            | TokenKind::Gt
            | TokenKind::And
            | TokenKind::Lt
            | TokenKind::Bang
            | TokenKind::Plus
            | TokenKind::Tilde
            | TokenKind::Pound
            | TokenKind::Question
            | TokenKind::Or
            | TokenKind::Percent
            | TokenKind::Caret
            | TokenKind::Star
            | TokenKind::Backtick
            | TokenKind::At => return Piece::OperatorChar,
            TokenKind::BlockComment { terminated: false }
            | TokenKind::Unknown
            | TokenKind::Eof
            | TokenKind::DotDot
            | TokenKind::CloseCurly
            | TokenKind::OpenCurly => Tok::Bad,
            TokenKind::Ident => Kw::from_word(range.slice(self.text)).map_or(Tok::Name, Tok::Kw),
            TokenKind::QuotedIdent { terminated: ok, uescape: false } => terminated(ok, Tok::QuotedName),
            TokenKind::QuotedIdent { terminated: ok, uescape: true } => terminated(ok, Tok::UnicodeName),
            TokenKind::Semi => Tok::Semi,
            TokenKind::Colon => Tok::Colon,
            TokenKind::Dot => Tok::Dot,
            TokenKind::CloseBracket => Tok::RBrack,
            TokenKind::OpenBracket => Tok::LBrack,
            TokenKind::CloseParen => Tok::RParen,
            TokenKind::OpenParen => Tok::LParen,
            TokenKind::Comma => Tok::Comma,
            TokenKind::PositionalParam { trailing_junk_start } => {
                terminated(trailing_junk_start == range.len(), Tok::Param)
            }
            TokenKind::Literal { kind } => match kind {
                LiteralKind::Int { base: _, empty_int, trailing_junk_start } => {
                    terminated(!empty_int && trailing_junk_start == range.len(), Tok::Int)
                }
                LiteralKind::Numeric { empty_exponent_start, trailing_junk_start } => {
                    let whole = empty_exponent_start.is_none() && trailing_junk_start == range.len();
                    terminated(whole, Tok::Numeric)
                }
                LiteralKind::Str { terminated: ok } => terminated(ok, Tok::Str(StrForm::Plain)),
                LiteralKind::NationalStr { terminated: ok } => terminated(ok, Tok::Str(StrForm::National)),
                LiteralKind::ByteStr { terminated: ok } => terminated(ok, Tok::Str(StrForm::Hex)),
                LiteralKind::BitStr { terminated: ok } => terminated(ok, Tok::Str(StrForm::Bit)),
                LiteralKind::DollarQuotedString { terminated: ok } => {
                    terminated(ok, Tok::Str(StrForm::Dollar))
                }
                LiteralKind::UnicodeEscStr { terminated: ok } => terminated(ok, Tok::Str(StrForm::Unicode)),
                LiteralKind::EscStr { terminated: ok } => terminated(ok, Tok::Str(StrForm::Escape)),
            },
        };
        Piece::Token(token)
    }

    fn operator_char(&mut self, range: TextRange, before: Trivia) {
        match self.operator {
            Some(operator) if !before.any => self.operator = Some(operator.cover(range)),
            Some(_) | None => {
                self.finish_operator();
                self.operator = Some(range);
            }
        }
    }

    /// Cuts the characters that stand together into operators: one of several characters ends in `+` or `-` only if it
    /// holds a character that no standard operator has.
    fn finish_operator(&mut self) {
        let Some(mut rest) = self.operator.take() else { return };
        while !rest.is_empty() {
            let chars = rest.slice(self.text).as_bytes();
            let mut len = chars.len();
            while len > 1 && matches!(chars.get(len - 1), Some(b'+' | b'-')) {
                let before = chars.get(..len - 1).unwrap_or_default();
                if before.iter().any(|byte| b"~!@#%^&|`?".contains(byte)) {
                    break;
                }
                len -= 1;
            }
            let end = rest.start + TextRange::from_usize(0, len.max(1)).end;
            let range = TextRange::new(rest.start, end);
            self.push(Tok::Op(operator(range.slice(self.text))), range);
            rest = TextRange::new(end, rest.end);
        }
    }

    fn token(&mut self, kind: Tok, range: TextRange, before: Trivia) -> Result<(), Limit> {
        // `::` and `:=` are one token where the characters touch.
        if let (Tok::Colon, Some(last)) = (kind, self.tokens.last_mut())
            && last.kind == Tok::Colon
            && self.operator.is_none()
            && !before.any
        {
            last.kind = Tok::ColonColon;
            last.range = last.range.cover(range);
            return Ok(());
        }
        self.finish_operator();
        if self.continues_string(kind, before)
            && let Some(last) = self.tokens.last_mut()
        {
            last.range = last.range.cover(range);
            return Ok(());
        }
        match kind {
            Tok::LParen | Tok::LBrack => {
                self.open.push(self.tokens.len());
                if self.open.len() > MAX_NESTING {
                    return Err(Limit::Nesting);
                }
            }
            Tok::RParen | Tok::RBrack => {
                let here = self.tokens.len();
                let wanted = if kind == Tok::RParen { Tok::LParen } else { Tok::LBrack };
                if let Some(token) = self.open.pop().and_then(|open| self.tokens.get_mut(open))
                    && token.kind == wanted
                {
                    token.close = here;
                }
            }
            Tok::Semi => self.open.clear(),
            Tok::Name
            | Tok::Kw(_)
            | Tok::QuotedName
            | Tok::UnicodeName
            | Tok::Int
            | Tok::Numeric
            | Tok::Str(_)
            | Tok::Param
            | Tok::Op(_)
            | Tok::Comma
            | Tok::Dot
            | Tok::Colon
            | Tok::ColonColon
            | Tok::ColonEq
            | Tok::Bad
            | Tok::End => {}
        }
        self.push(kind, range);
        Ok(())
    }

    /// Two strings with a line break between them are one, unless a block comment stands there too.
    fn continues_string(&self, kind: Tok, before: Trivia) -> bool {
        let last = self.tokens.last().map(|token| token.kind);
        let continuable = matches!(last, Some(Tok::Str(form)) if form != StrForm::Dollar);
        continuable && kind == Tok::Str(StrForm::Plain) && before.newline && !before.block
    }

    fn push(&mut self, kind: Tok, range: TextRange) {
        // `:=` reaches us as a colon and an operator that touch.
        if kind == Tok::Op(Op::Eq)
            && let Some(last) = self.tokens.last_mut()
            && last.kind == Tok::Colon
            && last.range.end == range.start
        {
            last.kind = Tok::ColonEq;
            last.range = last.range.cover(range);
            return;
        }
        self.tokens.push(Token { kind, range, close: 0 });
    }
}

fn operator(text: &str) -> Op {
    match text {
        "+" => Op::Plus,
        "-" => Op::Minus,
        "*" => Op::Star,
        "/" => Op::Slash,
        "%" => Op::Percent,
        "^" => Op::Caret,
        "<" => Op::Lt,
        ">" => Op::Gt,
        "=" => Op::Eq,
        "<=" => Op::LtEq,
        ">=" => Op::GtEq,
        "<>" | "!=" => Op::NotEq,
        "=>" => Op::FatArrow,
        // An operator that the grammar has no rule for is the database's own; the text says which.
        _ => Op::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<&str> {
        tokens(text).unwrap_or_default().iter().map(|token| token.range.slice(text)).collect()
    }

    #[test]
    fn operators_are_cut_as_postgresql_cuts_them() {
        assert_eq!(cut("a<>-1"), ["a", "<>", "-", "1"]);
        assert_eq!(cut("x=@y"), ["x", "=@", "y"]);
        assert_eq!(cut("a @- b"), ["a", "@-", "b"]);
        assert_eq!(cut("a*-b"), ["a", "*", "-", "b"]);
        assert_eq!(cut("j->'k'->>'x'"), ["j", "->", "'k'", "->>", "'x'"]);
        assert_eq!(cut("a+--c\nb"), ["a", "+", "b"]);
        assert_eq!(cut("a - - b"), ["a", "-", "-", "b"]);
        assert_eq!(cut("a::int[1:2]"), ["a", "::", "int", "[", "1", ":", "2", "]"]);
        assert_eq!(cut("f(a:=1,b=>2)"), ["f", "(", "a", ":=", "1", ",", "b", "=>", "2", ")"]);
    }

    #[test]
    fn strings_on_two_lines_are_one() {
        assert_eq!(cut("'a' -- it's\n 'b'").len(), 1);
        assert_eq!(cut("'a' 'b'").len(), 2);
        assert_eq!(cut("'a' /* \n */ 'b'").len(), 2);
    }

    #[test]
    fn limits_are_told() {
        let deep = format!("select {}1{}", "(".repeat(300), ")".repeat(300));
        assert_eq!(tokens(&deep).err(), Some(Limit::Nesting));
        assert_eq!(tokens(&"1 ".repeat(MAX_TOKENS + 1)).err(), Some(Limit::Tokens));
        for part in ["not ", "- ", "a::", "a.", "a cross join ", "explain "] {
            let chain = format!("select {}a", part.repeat(MAX_CHAIN + 1));
            assert_eq!(tokens(&chain).err(), Some(Limit::Chain), "{part}");
        }
        assert!(tokens(&"select a.b::int from c.d join e on f.g;".repeat(2 * MAX_CHAIN)).is_ok());
    }
}
