//! A lexer just good enough to cut a schema file into statements and to find names in a text.
//!
//! **Invariant:** every byte of a file is looked at a bounded number of times, whatever the file holds.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A keyword or an unquoted name.
    Word,
    /// A quoted name.
    Quoted,
    /// A string, dollar-quoted ones included.
    Text,
    /// A number.
    Number,
    /// Any other byte.
    Punct(u8),
}

/// A token and its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: TokenKind,
    /// Where it is.
    pub(crate) range: TextRange,
    /// The dialect, which decides how names are folded.
    dialect: Dialect,
}

impl Token {
    /// True if it is this keyword, in whatever case.
    pub(crate) fn is(&self, text: &str, word: &str) -> bool {
        self.kind == TokenKind::Word && self.range.slice(text).eq_ignore_ascii_case(word)
    }

    /// True if it is this byte.
    pub(crate) fn is_punct(&self, byte: u8) -> bool {
        self.kind == TokenKind::Punct(byte)
    }

    /// The name that it spells, folded as the dialect folds names; `None` if it is none.
    pub(crate) fn name(&self, text: &str) -> Option<String> {
        let written = self.range.slice(text);
        let name = match self.kind {
            TokenKind::Word => written.to_ascii_lowercase(),
            TokenKind::Quoted => {
                let mut chars = written.chars();
                chars.next()?;
                let quote = chars.next_back()?;
                chars.as_str().replace(&format!("{quote}{quote}"), &quote.to_string())
            }
            TokenKind::Text | TokenKind::Number | TokenKind::Punct(_) => return None,
        };
        Some(match self.dialect {
            Dialect::Postgres => name,
            // Quotes do not make names differ by case.
            Dialect::Mysql | Dialect::Sqlite => name.to_lowercase(),
        })
    }
}

/// All tokens of `text`, comments left out.
pub(crate) fn tokens(dialect: Dialect, text: &str) -> Tokens<'_> {
    Tokens::from(dialect, text, 0)
}

/// See [`tokens`].
pub(crate) struct Tokens<'a> {
    dialect: Dialect,
    text: &'a str,
    at: usize,
    /// Within `/*! … */`, which MySQL runs.
    in_hint: bool,
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        self.skip_blank();
        let start = self.at;
        let first = self.byte(0)?;
        let kind = self.token(first);
        // Quotes end on ASCII, so a token can end inside a character only where it is a lone byte; take all of it.
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
        Some(Token { kind, range: TextRange::from_usize(start, self.at), dialect: self.dialect })
    }
}

impl<'a> Tokens<'a> {
    fn from(dialect: Dialect, text: &'a str, at: usize) -> Tokens<'a> {
        Tokens { dialect, text, at, in_hint: false }
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn rest(&self) -> &[u8] {
        self.text.as_bytes().get(self.at..).unwrap_or(&[])
    }

    fn go_to_end(&mut self) {
        self.at = self.text.len();
    }

    fn go_to_line_end(&mut self) {
        match self.rest().iter().position(|byte| *byte == b'\n') {
            Some(length) => self.at += length,
            None => self.go_to_end(),
        }
    }

    fn skip_blank(&mut self) {
        while let Some(byte) = self.byte(0) {
            match (byte, self.byte(1)) {
                (byte, _) if byte.is_ascii_whitespace() || byte == 0x0b => self.at += 1,
                // MySQL wants a blank after the dashes.
                (b'-', Some(b'-')) if self.dialect != Dialect::Mysql || self.blank_at(2) => {
                    self.go_to_line_end();
                }
                (b'#', _) if self.dialect == Dialect::Mysql => self.go_to_line_end(),
                (b'/', Some(b'*')) if self.starts_hint() => self.enter_hint(),
                (b'*', Some(b'/')) if self.in_hint => {
                    self.in_hint = false;
                    self.at += 2;
                }
                (b'/', Some(b'*')) => self.skip_block_comment(),
                _ => return,
            }
        }
    }

    /// MySQL and MariaDB run what stands in `/*! … */`, `/*!50001 … */` and `/*M! … */`.
    fn starts_hint(&self) -> bool {
        let rest = self.rest();
        self.dialect == Dialect::Mysql && (rest.starts_with(b"/*!") || rest.starts_with(b"/*M!"))
    }

    fn enter_hint(&mut self) {
        self.in_hint = true;
        self.at += if self.byte(2) == Some(b'!') { 3 } else { 4 };
        self.run(TokenKind::Number, |byte| byte.is_ascii_digit());
    }

    fn blank_at(&self, ahead: usize) -> bool {
        self.byte(ahead).is_none_or(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control())
    }

    fn skip_block_comment(&mut self) {
        let nests = self.dialect == Dialect::Postgres;
        let mut depth = 0_usize;
        while let Some(byte) = self.byte(0) {
            match (byte, self.byte(1)) {
                (b'/', Some(b'*')) if nests || depth == 0 => {
                    depth += 1;
                    self.at += 2;
                }
                (b'*', Some(b'/')) => {
                    depth -= 1;
                    self.at += 2;
                    if depth == 0 {
                        return;
                    }
                }
                _ => self.at += 1,
            }
        }
    }

    fn token(&mut self, first: u8) -> TokenKind {
        let postgres = self.dialect == Dialect::Postgres;
        let mysql = self.dialect == Dialect::Mysql;
        match first {
            b'\'' => self.quoted(b'\'', mysql, TokenKind::Text),
            b'"' if mysql => self.quoted(b'"', true, TokenKind::Text),
            b'"' => self.quoted(b'"', false, TokenKind::Quoted),
            b'`' if !postgres => self.quoted(b'`', false, TokenKind::Quoted),
            b'[' if self.dialect == Dialect::Sqlite => self.quoted(b']', false, TokenKind::Quoted),
            b'$' if postgres => self.dollar(),
            b'e' | b'E' if postgres && self.byte(1) == Some(b'\'') => {
                self.at += 1;
                self.quoted(b'\'', true, TokenKind::Text)
            }
            b'0'..=b'9' => self.run(TokenKind::Number, |byte| is_word(byte) || byte == b'.'),
            byte if is_word_start(byte) => self.run(TokenKind::Word, is_word),
            byte => {
                self.at += 1;
                TokenKind::Punct(byte)
            }
        }
    }

    fn run(&mut self, kind: TokenKind, belongs: impl Fn(u8) -> bool) -> TokenKind {
        let length = self.rest().iter().position(|byte| !belongs(*byte));
        self.at += length.unwrap_or(self.rest().len());
        kind
    }

    /// A quoted token, whose first byte is where we are; a doubled quote is one within it.
    fn quoted(&mut self, quote: u8, backslashes: bool, kind: TokenKind) -> TokenKind {
        self.at += 1;
        while let Some(byte) = self.byte(0) {
            self.at += 1;
            match byte {
                b'\\' if backslashes => self.at = (self.at + 1).min(self.text.len()),
                byte if byte == quote && self.byte(0) == Some(quote) => self.at += 1,
                byte if byte == quote => return kind,
                _ => {}
            }
        }
        kind
    }

    /// `$tag$…$tag$`, or a parameter `$1`.
    fn dollar(&mut self) -> TokenKind {
        let tag = self.rest().iter().skip(1).position(|byte| !is_word(*byte) || *byte == b'$');
        let delimiter = match tag {
            Some(length) if self.byte(length + 1) == Some(b'$') => self.rest().get(..length + 2),
            _ => None,
        };
        let starts_as_tag = self.byte(1).is_some_and(|byte| !byte.is_ascii_digit());
        let Some(delimiter) = delimiter.filter(|_| starts_as_tag) else {
            self.at += 1;
            return match self.byte(0) {
                Some(b'0'..=b'9') => self.run(TokenKind::Number, |byte| byte.is_ascii_digit()),
                _ => TokenKind::Punct(b'$'),
            };
        };
        let body = self.rest().get(delimiter.len()..).unwrap_or(&[]);
        match find(body, delimiter) {
            Some(length) => self.at += length + 2 * delimiter.len(),
            None => self.go_to_end(),
        }
        TokenKind::Text
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len().max(1)).position(|window| window == what)
}

fn is_word_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_word(byte: u8) -> bool {
    is_word_start(byte) || byte.is_ascii_digit() || byte == b'$'
}

/// One statement of a file, its `;` and the comments before it left out.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    /// Where it is.
    pub(super) range: TextRange,
    /// The number of its tokens.
    pub(super) tokens: usize,
    /// How deep its brackets are nested.
    pub(super) nesting: usize,
    /// It has an `INTO` that is not that of an `INSERT` or a `MERGE`.
    pub(super) into: bool,
}

/// How many statements may end the file inside brackets before brackets are no longer believed.
const MAX_UNBALANCED: usize = 8;

/// Cuts a file into statements. A `;` within brackets, a body (`BEGIN ATOMIC … END`), a string or a comment ends none;
/// `psql`'s own lines and the data of `COPY … FROM stdin` are left out.
pub(super) fn cut(dialect: Dialect, text: &str) -> Vec<Piece> {
    let mut cutter = Cutter { dialect, text, nests: true, delimiter: None, data_ends: true };
    let mut pieces = Vec::new();
    let mut at = 0;
    let mut unbalanced = 0;
    while let Some(next) = cutter.piece(at) {
        if next.open > 0 && cutter.nests {
            // Somebody's bracket never closes, which must not cost the statements after it.
            unbalanced += 1;
            cutter.nests = false;
            continue;
        }
        cutter.nests = unbalanced < MAX_UNBALANCED;
        at = next.resume;
        pieces.extend(next.piece);
    }
    pieces
}

struct Cutter<'a> {
    dialect: Dialect,
    text: &'a str,
    /// Whether a `;` within brackets or a body belongs to the statement.
    nests: bool,
    /// MySQL's `DELIMITER`, where one was set.
    delimiter: Option<String>,
    /// Whether a line that ends the data of a `COPY` may still come; looked for once only if it does not.
    data_ends: bool,
}

struct Next {
    piece: Option<Piece>,
    resume: usize,
    /// The brackets and bodies that were open when the text ended.
    open: usize,
}

impl Cutter<'_> {
    /// The statement that begins at or after `at`; `None` at the end of the text.
    fn piece(&mut self, at: usize) -> Option<Next> {
        let mut lexer = Tokens::from(self.dialect, self.text, at);
        lexer.skip_blank();
        let start = lexer.at;
        if lexer.byte(0)? == b'\\' && self.dialect == Dialect::Postgres {
            lexer.go_to_line_end();
            return Some(Next { piece: None, resume: lexer.at, open: 0 });
        }
        if self.dialect == Dialect::Mysql && self.client_line(&mut lexer) {
            return Some(Next { piece: None, resume: lexer.at, open: 0 });
        }
        let mut scan = Scan::default();
        let mut end = start;
        loop {
            if self.at_delimiter(&mut lexer) {
                break;
            }
            let Some(token) = lexer.next() else {
                let range = TextRange::from_usize(start, end);
                return Some(Next { piece: scan.piece(range), resume: lexer.at, open: scan.open() });
            };
            let ends = token.is_punct(b';') && self.delimiter.is_none();
            if ends && (scan.open() == 0 || !self.nests) {
                break;
            }
            scan.see(self.text, token, &lexer);
            end = lexer.at;
        }
        if scan.from_stdin && self.data_ends {
            self.data_ends = skip_copy_data(&mut lexer);
        }
        let range = TextRange::from_usize(start, end);
        Some(Next { piece: scan.piece(range), resume: lexer.at, open: 0 })
    }

    fn at_delimiter(&self, lexer: &mut Tokens<'_>) -> bool {
        let Some(delimiter) = &self.delimiter else {
            return false;
        };
        lexer.skip_blank();
        let found = lexer.rest().starts_with(delimiter.as_bytes());
        if found {
            lexer.at += delimiter.len();
        }
        found
    }

    /// `DELIMITER //`, a command of MySQL's client.
    fn client_line(&mut self, lexer: &mut Tokens<'_>) -> bool {
        const WORD: &[u8] = b"delimiter ";
        if !lexer.rest().get(..WORD.len()).is_some_and(|word| word.eq_ignore_ascii_case(WORD)) {
            return false;
        }
        let start = lexer.at + WORD.len();
        lexer.go_to_line_end();
        let delimiter = self.text.get(start..lexer.at).unwrap_or("").trim();
        self.delimiter = (delimiter != ";" && !delimiter.is_empty()).then(|| delimiter.to_owned());
        true
    }
}

/// What is known of a statement while its tokens pass.
#[derive(Default)]
struct Scan {
    /// The first tokens.
    head: Vec<Token>,
    tokens: usize,
    depth: usize,
    nesting: usize,
    /// `BEGIN … END` and `CASE … END` that are open within the body of a function or trigger.
    bodies: usize,
    /// The token before.
    last: Option<Token>,
    from_stdin: bool,
    into: bool,
}

/// How many tokens of a statement's beginning say what it is.
const HEAD: usize = 8;

impl Scan {
    fn see(&mut self, text: &str, token: Token, lexer: &Tokens<'_>) {
        self.tokens += 1;
        if self.head.len() < HEAD {
            self.head.push(token);
        }
        match token.kind {
            TokenKind::Punct(b'(' | b'[') => self.depth += 1,
            TokenKind::Punct(b')' | b']') => self.depth = self.depth.saturating_sub(1),
            TokenKind::Word => self.see_word(text, token, lexer),
            TokenKind::Quoted | TokenKind::Text | TokenKind::Number | TokenKind::Punct(_) => {}
        }
        self.nesting = self.nesting.max(self.depth);
        self.last = Some(token);
    }

    fn open(&self) -> usize {
        self.depth + self.bodies
    }

    fn see_word(&mut self, text: &str, token: Token, lexer: &Tokens<'_>) {
        let last = self.last;
        let last_is = |word: &str| last.is_some_and(|last| last.is(text, word));
        let copies = self.head.first().is_some_and(|first| first.is(text, "copy"));
        self.from_stdin |= copies && token.is(text, "stdin") && last_is("from");
        self.into |= token.is(text, "into") && !last_is("insert") && !last_is("merge");
        let is_begin = token.is(text, "begin");
        if !(is_begin || token.is(text, "case") || token.is(text, "end")) || !self.makes_body(text) {
            return;
        }
        let mut ahead = Tokens::from(lexer.dialect, lexer.text, lexer.at);
        let next = ahead.next();
        let next_is = |word: &str| next.is_some_and(|next| next.is(text, word));
        let opens = match lexer.dialect {
            Dialect::Postgres if is_begin => next_is("atomic"),
            _ if is_begin => true,
            // `END CASE` is not the beginning of another.
            _ => self.bodies > 0 && !last_is("end"),
        };
        if token.is(text, "end") {
            let ends_other = ["if", "loop", "while", "repeat"].into_iter().any(next_is);
            self.bodies = self.bodies.saturating_sub(usize::from(!ends_other));
        } else if opens {
            self.bodies += 1;
        }
    }

    /// True if the statement creates a function, procedure or trigger, which may have statements in it.
    fn makes_body(&self, text: &str) -> bool {
        let creates = self.head.first().is_some_and(|first| first.is(text, "create"));
        let kinds = ["function", "procedure", "trigger", "event"];
        creates && self.head.iter().any(|token| kinds.iter().any(|kind| token.is(text, kind)))
    }

    fn piece(&self, range: TextRange) -> Option<Piece> {
        (self.tokens > 0).then_some(Piece {
            range,
            tokens: self.tokens,
            nesting: self.nesting,
            into: self.into,
        })
    }
}

/// Goes past the `\.` that ends the data on a line of its own. Says whether there is one.
fn skip_copy_data(lexer: &mut Tokens<'_>) -> bool {
    const END: &[u8] = b"\n\\.";
    let rest = lexer.rest();
    let ends = |at: usize| {
        let after = rest.get(at + END.len()..).unwrap_or(&[]);
        rest.get(at..at + END.len()) == Some(END) && matches!(after, [] | [b'\n' | b'\r', ..])
    };
    let Some(at) = (0..rest.len()).find(|at| ends(*at)) else {
        return false;
    };
    lexer.at += at + END.len();
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(dialect: Dialect, text: &str) -> Vec<&str> {
        cut(dialect, text).into_iter().map(|piece| piece.range.slice(text)).collect()
    }

    #[test]
    fn quotes_comments_and_brackets_hide_semicolons() {
        let text = "select ';'; -- a;\n/* ; /* ; */ ; */ select \"a;\", E'\\';', $x$;$y$;$x$, $1; create rule r as on insert to t do (a; b);";
        assert_eq!(
            pieces(Dialect::Postgres, text),
            [
                "select ';'",
                "select \"a;\", E'\\';', $x$;$y$;$x$, $1",
                "create rule r as on insert to t do (a; b)"
            ]
        );
    }

    #[test]
    fn an_open_bracket_costs_its_own_statement_only() {
        assert_eq!(
            pieces(Dialect::Postgres, "create table a (; create table b (c int); select 1"),
            ["create table a (", "create table b (c int)", "select 1"]
        );
    }

    #[test]
    fn bodies_are_one_statement() {
        let text = "create function f() returns int begin atomic select case when a then 1 end; select 2; end; select 3";
        assert_eq!(pieces(Dialect::Postgres, text).len(), 2);
        let text = "create trigger t after insert on a begin update b set c = case when d then 1 end; delete from e; end; select 3";
        assert_eq!(pieces(Dialect::Sqlite, text).len(), 2);
    }

    #[test]
    fn dumps_do_not_derail() {
        let text = "\\restrict abc\ncopy t (a) from stdin;\n1\t'\n2\t(\n\\.\n\ncreate table u (a int);\n\\unrestrict abc\n";
        assert_eq!(pieces(Dialect::Postgres, text), ["copy t (a) from stdin", "create table u (a int)"]);
    }

    #[test]
    fn mysql_delimiters() {
        let hints = "/*!40101 SET NAMES utf8 */; /*!50001 create */ /*!50013 view v as select 1 */; select 2";
        assert_eq!(pieces(Dialect::Mysql, hints).len(), 3);
        let text = "delimiter //\ncreate procedure p() begin select 1; end //\ndelimiter ;\nselect '\\';' ; # x;\nselect 2";
        assert_eq!(
            pieces(Dialect::Mysql, text),
            ["create procedure p() begin select 1; end", "select '\\';'", "select 2"]
        );
    }
}
