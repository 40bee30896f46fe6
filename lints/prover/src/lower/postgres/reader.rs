//! The cursor over a statement's tokens.
//!
//! **Invariant:** a rule gets past a token only by taking it, so what no rule takes is still there when the statement's
//! rule returns, and is told. [`Reader::skip_balanced`] and [`Reader::skip_rest`] are the only ways to take tokens
//! without reading them; whoever calls them says so in the tree (`Unsupported`), in `unread`, or in a comment.

use tenantry_span::TextRange;

use super::keywords::Kw;
use super::tokens::{Op, Tok, Token};
use crate::ast::Unread;

/// Why a rule could not go on.
#[derive(Debug)]
pub(super) struct Stop {
    /// Where.
    pub(super) range: TextRange,
    /// What stands there, and what could have stood there.
    pub(super) what: String,
}

/// The result of a rule.
pub(super) type Read<T> = Result<T, Box<Stop>>;

/// How deep rules may call each other; a level of brackets takes a few.
const MAX_DEPTH: u32 = 1_000;

/// A cursor over the tokens `at..end` of a text.
#[derive(Debug)]
pub(super) struct Reader<'t> {
    text: &'t str,
    tokens: &'t [Token],
    at: usize,
    end: usize,
    depth: u32,
    /// What was taken and is not modelled.
    pub(super) unread: Vec<Unread>,
}

impl<'t> Reader<'t> {
    /// A cursor over all of `tokens`, which are those of `text`.
    pub(super) fn new(text: &'t str, tokens: &'t [Token], at: usize, end: usize) -> Reader<'t> {
        Reader { text, tokens, at, end: end.min(tokens.len()), depth: 0, unread: Vec::new() }
    }

    fn token(&self, ahead: usize) -> Option<&Token> {
        let at = self.at + ahead;
        if at < self.end { self.tokens.get(at) } else { None }
    }

    /// The next token.
    pub(super) fn peek(&self) -> Tok {
        self.nth(0)
    }

    /// The token after `ahead` others.
    pub(super) fn nth(&self, ahead: usize) -> Tok {
        self.token(ahead).map_or(Tok::End, |token| token.kind)
    }

    /// True where no token is left.
    pub(super) fn at_end(&self) -> bool {
        self.peek() == Tok::End
    }

    /// The range of the next token, or an empty one past the last.
    pub(super) fn here(&self) -> TextRange {
        match self.token(0) {
            Some(token) => token.range,
            None => TextRange::empty(self.last_end()),
        }
    }

    /// Where the next token starts.
    pub(super) fn start(&self) -> u32 {
        self.here().start
    }

    /// Where the token before the next one ends.
    fn last_end(&self) -> u32 {
        let last = self.at.checked_sub(1).and_then(|last| self.tokens.get(last));
        last.map_or(0, |token| token.range.end)
    }

    /// From `start` to the end of the last token taken.
    pub(super) fn range_from(&self, start: u32) -> TextRange {
        TextRange::new(start, self.last_end())
    }

    /// The text of a range.
    pub(super) fn text(&self, range: TextRange) -> &'t str {
        range.slice(self.text)
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> TextRange {
        let range = self.here();
        if !self.at_end() {
            self.at += 1;
        }
        range
    }

    /// True if the next token is `kind`.
    pub(super) fn at(&self, kind: Tok) -> bool {
        self.peek() == kind
    }

    /// Takes the next token if it is `kind`.
    pub(super) fn eat(&mut self, kind: Tok) -> bool {
        let found = self.at(kind);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes the next token, which must be `kind`.
    pub(super) fn expect(&mut self, kind: Tok, name: &str) -> Read<TextRange> {
        if self.at(kind) { Ok(self.next()) } else { self.stop(name) }
    }

    /// True if the next tokens are these keywords.
    pub(super) fn at_kws(&self, keywords: &[Kw]) -> bool {
        keywords.iter().enumerate().all(|(ahead, keyword)| self.nth(ahead) == Tok::Kw(*keyword))
    }

    /// True if the next token is this keyword.
    pub(super) fn at_kw(&self, keyword: Kw) -> bool {
        self.at(Tok::Kw(keyword))
    }

    /// Takes the next token if it is this keyword.
    pub(super) fn eat_kw(&mut self, keyword: Kw) -> bool {
        self.eat(Tok::Kw(keyword))
    }

    /// Takes these keywords if all of them are next.
    pub(super) fn eat_kws(&mut self, keywords: &[Kw]) -> bool {
        let found = self.at_kws(keywords);
        if found {
            self.at += keywords.len();
        }
        found
    }

    /// Takes the next token, which must be this keyword.
    pub(super) fn expect_kw(&mut self, keyword: Kw) -> Read<TextRange> {
        self.expect(Tok::Kw(keyword), keyword.word())
    }

    /// Takes the next token, which must be this operator.
    pub(super) fn expect_op(&mut self, operator: Op, name: &str) -> Read<TextRange> {
        self.expect(Tok::Op(operator), name)
    }

    /// True if the next token is the plain word `word`, in any case; for words that are no keyword of ours.
    pub(super) fn at_word(&self, word: &str) -> bool {
        self.at(Tok::Name) && self.text(self.here()).eq_ignore_ascii_case(word)
    }

    /// Takes the next token if it is the plain word `word`.
    pub(super) fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    /// Where the cursor stands, to come back to with [`Reader::rewind`].
    pub(super) fn mark(&self) -> usize {
        self.at
    }

    /// Goes back to a mark.
    pub(super) fn rewind(&mut self, mark: usize) {
        self.at = mark;
    }

    /// Says that the next token cannot stand here.
    pub(super) fn stop<T>(&self, expected: &str) -> Read<T> {
        let range = self.here();
        let what = match self.at_end() {
            true => format!("the statement ends where {expected} was expected"),
            false => format!("`{}`, where {expected} was expected", shorten(self.text(range))),
        };
        Err(Box::new(Stop { range, what }))
    }

    /// Notes that what was taken from `start` on is not modelled.
    pub(super) fn note(&mut self, start: u32, what: &str) {
        let range = self.range_from(start);
        self.unread.push(Unread { range, what: what.to_owned(), syntax_error: false });
    }

    /// Runs a rule one level deeper.
    pub(super) fn deeper<T>(&mut self, rule: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= MAX_DEPTH {
            let what = "nested too deeply to be read".to_owned();
            return Err(Box::new(Stop { range: self.here(), what }));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// `rule, rule, …`
    pub(super) fn list<T>(&mut self, mut rule: impl FnMut(&mut Self) -> Read<T>) -> Read<Vec<T>> {
        let mut items = vec![rule(self)?];
        while self.eat(Tok::Comma) {
            items.push(rule(self)?);
        }
        Ok(items)
    }

    /// `( rule )`
    pub(super) fn parens<T>(&mut self, rule: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        self.expect(Tok::LParen, "`(`")?;
        let inside = self.deeper(rule)?;
        self.expect(Tok::RParen, "`)`")?;
        Ok(inside)
    }

    /// Takes an opening bracket and everything up to its closing one, unread.
    pub(super) fn skip_balanced(&mut self) -> Read<TextRange> {
        let start = self.start();
        match self.token(0) {
            Some(token) if token.close > self.at && token.close < self.end => {
                self.at = token.close + 1;
                Ok(self.range_from(start))
            }
            Some(_) | None => self.stop("a bracket with its counterpart"),
        }
    }

    /// Takes the rest of the statement, unread.
    pub(super) fn skip_rest(&mut self) -> TextRange {
        let start = self.start();
        self.at = self.end;
        self.range_from(start)
    }

    /// True if the parenthesis `ahead` tokens on opens a query and not an expression, a join or a list: decided by its
    /// first words, and where these stand in parentheses of their own, by what follows these.
    pub(super) fn opens_query(&self, ahead: usize) -> bool {
        let mut open = self.at + ahead;
        let mut tails = Vec::new();
        loop {
            let Some(token) = self.tokens.get(open).filter(|token| token.kind == Tok::LParen) else {
                return false;
            };
            tails.push(token.close);
            match self.tokens.get(open + 1).map(|token| token.kind) {
                Some(Tok::LParen) => open += 1,
                Some(Tok::Kw(Kw::Select | Kw::Values | Kw::Table | Kw::With)) => break,
                Some(_) | None => return false,
            }
        }
        // Every inner pair must be followed by the end of the pair around it or by what only follows a query.
        tails.windows(2).all(|pair| match pair {
            [outer, inner] => *inner > 0 && *outer > *inner && self.ends_or_goes_on(*inner + 1, *outer),
            _ => false,
        })
    }

    fn ends_or_goes_on(&self, after: usize, close: usize) -> bool {
        let goes_on = self.tokens.get(after).is_some_and(|token| match token.kind {
            Tok::Kw(keyword) => matches!(
                keyword,
                Kw::Union
                    | Kw::Intersect
                    | Kw::Except
                    | Kw::Order
                    | Kw::Limit
                    | Kw::Offset
                    | Kw::Fetch
                    | Kw::For
            ),
            _ => false,
        });
        after == close || goes_on
    }
}

fn shorten(text: &str) -> &str {
    let end = text.char_indices().nth(40).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}
