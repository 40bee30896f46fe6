//! From a text to its statements, by tokens: what must be known before anything is parsed.

use std::collections::BTreeMap;

use sqlparser::dialect::Dialect as ParserDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Whitespace};
use tenantry_policy::Dialect;

use super::{Limit, MAX_NESTING, MAX_TOKENS, parser_dialect};
use crate::ast::{TextRange, Unread};

/// One statement's tokens.
pub(super) struct Piece {
    /// From its first token to its last, without comments around it and without the semicolon.
    pub range: TextRange,
    pub tokens: Vec<TokenWithSpan>,
    /// The first words, upper case.
    pub verb: String,
    pub params: u32,
    /// The number of the placeholder that starts at an offset.
    pub numbers: BTreeMap<u32, u32>,
    pub unread: Vec<Unread>,
    /// Why it is not to be parsed at all.
    pub fault: Option<Unread>,
}

/// Turns the parser's lines and columns into offsets, in constant time for each.
pub(super) struct Places {
    /// The offset of each character, and the text's length.
    chars: Vec<u32>,
    /// The index in `chars` of the first character of each line.
    lines: Vec<usize>,
}

impl Places {
    pub(super) fn new(text: &str) -> Places {
        let mut chars = Vec::with_capacity(text.len() + 1);
        let mut lines = vec![0];
        for (at, char) in text.char_indices() {
            chars.push(TextRange::from_usize(at, at).start);
            if char == '\n' {
                lines.push(chars.len());
            }
        }
        chars.push(TextRange::from_usize(text.len(), text.len()).start);
        Places { chars, lines }
    }

    fn offset(&self, at: Location) -> Option<u32> {
        let line = usize::try_from(at.line).ok()?.checked_sub(1)?;
        let column = usize::try_from(at.column).ok()?.checked_sub(1)?;
        let index = self.lines.get(line)?.checked_add(column)?;
        self.chars.get(index).copied()
    }

    /// The range of a span, unless it is empty, as the parser's unknown spans are.
    pub(super) fn range(&self, span: Span) -> Option<TextRange> {
        let (start, end) = (self.offset(span.start)?, self.offset(span.end)?);
        (start < end).then(|| TextRange::new(start, end))
    }
}

/// MySQL and MariaDB run what stands in `/*! … */` and `/*M! … */`.
pub(super) fn has_executable_comment(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = match first {
            b'\'' | b'"' => after_quoted(tail, *first, true),
            b'`' => after_quoted(tail, b'`', false),
            b'#' => after_line(tail),
            b'-' if matches!(tail, [b'-'] | [b'-', b' ' | b'\t' | b'\r' | b'\n', ..]) => after_line(tail),
            b'/' if matches!(tail, [b'*', b'!', ..] | [b'*', b'M' | b'm', b'!', ..]) => return true,
            b'/' if matches!(tail, [b'*', ..]) => after_comment(tail.get(1..).unwrap_or(&[])),
            _ => tail,
        };
    }
    false
}

fn after_quoted(mut rest: &[u8], quote: u8, escapes: bool) -> &[u8] {
    while let [byte, tail @ ..] = rest {
        rest = tail;
        if *byte == quote {
            return rest;
        }
        if escapes && *byte == b'\\' {
            rest = rest.get(1..).unwrap_or(&[]);
        }
    }
    rest
}

fn after_line(rest: &[u8]) -> &[u8] {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    rest.get(end..).unwrap_or(&[])
}

fn after_comment(mut rest: &[u8]) -> &[u8] {
    while let [_, tail @ ..] = rest {
        if rest.starts_with(b"*/") {
            return tail.get(1..).unwrap_or(&[]);
        }
        rest = tail;
    }
    rest
}

/// Cuts a text into its statements.
pub(super) fn pieces(dialect: Dialect, text: &str, places: &Places) -> Vec<Piece> {
    let parser = parser_dialect(dialect);
    let mut tokens = Vec::new();
    let read = Tokenizer::new(parser.as_ref(), text).tokenize_with_location_into_buf(&mut tokens);
    let mut groups = split(tokens);
    let mut pieces = Vec::new();
    let broken = read.err().map(|error| {
        let start = places.offset(error.location).unwrap_or(0) as usize;
        let range = TextRange::from_usize(start.min(text.len()), text.len());
        Unread { range, what: format!("syntax error: {}", error.message), syntax_error: true }
    });
    // What was not cut into tokens belongs to the last statement, which may not have begun.
    let tail = broken.as_ref().and_then(|_| groups.pop());
    for group in groups {
        pieces.extend(piece(dialect, places, group, None));
    }
    if let Some(fault) = broken {
        let whole = fault.range;
        let last = tail.and_then(|group| piece(dialect, places, group, Some(fault.clone())));
        pieces.push(match last {
            Some(mut last) => {
                last.range = last.range.cover(whole);
                last
            }
            None => Piece {
                range: whole,
                tokens: Vec::new(),
                verb: "text".to_owned(),
                params: 0,
                numbers: BTreeMap::new(),
                unread: Vec::new(),
                fault: Some(fault),
            },
        });
    }
    pieces
}

/// Splits at semicolons. A statement with a body of statements (`CREATE TRIGGER`), and a client's command that changes
/// the delimiter, take the rest of the text.
fn split(tokens: Vec<TokenWithSpan>) -> Vec<Vec<TokenWithSpan>> {
    let mut groups = vec![Vec::new()];
    let mut whole = false;
    for token in tokens {
        if let Some(group) = groups.last_mut()
            && (token.token != Token::SemiColon || whole)
        {
            group.push(token);
            continue;
        }
        whole = groups.last().is_some_and(|group: &Vec<TokenWithSpan>| has_body(group));
        match groups.last_mut() {
            Some(group) if whole => group.push(token),
            Some(_) | None => groups.push(Vec::new()),
        }
    }
    groups
}

fn has_body(tokens: &[TokenWithSpan]) -> bool {
    let mut words = words(tokens);
    match words.next().as_deref() {
        Some("DELIMITER") => true,
        Some("CREATE") => words
            .take(12)
            .take_while(|word| word != "TABLE" && word != "VIEW" && word != "INDEX")
            .any(|word| matches!(word.as_str(), "TRIGGER" | "PROCEDURE" | "FUNCTION" | "EVENT" | "PACKAGE")),
        Some("BEGIN") => words.next().is_some_and(|word| word == "NOT"),
        Some(_) | None => false,
    }
}

/// The words of a statement in upper case, up to the first token that is none.
fn words(tokens: &[TokenWithSpan]) -> impl Iterator<Item = String> {
    tokens.iter().filter(|token| !is_blank(&token.token)).map_while(|token| match &token.token {
        Token::Word(word) if word.quote_style.is_none() => Some(word.value.to_uppercase()),
        _ => None,
    })
}

fn is_blank(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_))
}

fn piece(
    dialect: Dialect,
    places: &Places,
    tokens: Vec<TokenWithSpan>,
    fault: Option<Unread>,
) -> Option<Piece> {
    let range = tokens
        .iter()
        .filter(|token| !is_blank(&token.token))
        .filter_map(|token| places.range(token.span))
        .reduce(TextRange::cover)?;
    let mut piece = Piece {
        range,
        verb: verb(&tokens),
        tokens: Vec::new(),
        params: 0,
        numbers: BTreeMap::new(),
        unread: Vec::new(),
        fault,
    };
    piece.check_limits(&tokens);
    piece.check_lexing(dialect, places, &tokens);
    piece.number_placeholders(dialect, places, &tokens);
    piece.tokens = match dialect {
        Dialect::Sqlite => null_safe_is(tokens),
        Dialect::Mysql | Dialect::Postgres => tokens,
    };
    Some(piece)
}

fn verb(tokens: &[TokenWithSpan]) -> String {
    let verb: Vec<String> = words(tokens).take(2).collect();
    let object = matches!(
        verb.first().map(String::as_str),
        Some("CREATE" | "ALTER" | "DROP" | "TRUNCATE" | "LOCK" | "UNLOCK" | "SET" | "SHOW")
    );
    match verb.as_slice() {
        [] if tokens
            .iter()
            .find(|token| !is_blank(&token.token))
            .is_some_and(|t| t.token == Token::LParen) =>
        {
            "(".to_owned()
        }
        [] => "text".to_owned(),
        [first, second] if object => format!("{first} {second}"),
        [first, ..] => first.clone(),
    }
}

/// `BEGIN`, `COMMIT`, `ROLLBACK`, savepoints, `SET TRANSACTION`: words alone, and none that starts another statement.
pub(super) fn is_transaction(verb: &str, tokens: &[TokenWithSpan]) -> bool {
    if !matches!(
        verb,
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "SAVEPOINT" | "RELEASE" | "SET TRANSACTION"
    ) {
        return false;
    }
    let solid: Vec<&Token> =
        tokens.iter().map(|token| &token.token).filter(|token| !is_blank(token)).collect();
    let only_words = solid.iter().all(|token| matches!(token, Token::Word(_) | Token::Comma));
    let named = matches!(verb, "SAVEPOINT" | "RELEASE")
        || solid
            .iter()
            .any(|token| matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case("TO")));
    let known = words(tokens).all(|word| TRANSACTION_WORDS.contains(&word.as_str()));
    only_words && ((named && solid.len() <= 5) || (known && !named))
}

const TRANSACTION_WORDS: [&str; 28] = [
    "AND",
    "BEGIN",
    "CHAIN",
    "COMMIT",
    "COMMITTED",
    "CONSISTENT",
    "DEFERRED",
    "END",
    "EXCLUSIVE",
    "IMMEDIATE",
    "ISOLATION",
    "LEVEL",
    "NO",
    "ONLY",
    "READ",
    "RELEASE",
    "REPEATABLE",
    "ROLLBACK",
    "SERIALIZABLE",
    "SET",
    "SNAPSHOT",
    "START",
    "TRANSACTION",
    "UNCOMMITTED",
    "WITH",
    "WORK",
    "WRITE",
    "CONCURRENT",
];

impl Piece {
    fn check_limits(&mut self, tokens: &[TokenWithSpan]) {
        let (mut count, mut depth, mut deepest) = (0_usize, 0_usize, 0_usize);
        for token in tokens {
            match &token.token {
                Token::Whitespace(_) => continue,
                Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
                Token::RParen | Token::RBracket | Token::RBrace => depth = depth.saturating_sub(1),
                Token::Word(word) if word.quote_style.is_none() && word.keyword == Keyword::CASE => {
                    depth += 1
                }
                Token::Word(word) if word.quote_style.is_none() && word.keyword == Keyword::END => {
                    depth = depth.saturating_sub(1);
                }
                _ => {}
            }
            count += 1;
            deepest = deepest.max(depth);
        }
        let limit = match (count > MAX_TOKENS, deepest > MAX_NESTING) {
            (true, _) => Limit::Tokens,
            (false, true) => Limit::Nesting,
            (false, false) => return,
        };
        self.fault = Some(Unread { range: self.range, what: limit.message(), syntax_error: false });
    }

    /// Refuses what the parser is known to cut into other tokens, or to group otherwise, than the database does.
    fn check_lexing(&mut self, dialect: Dialect, places: &Places, tokens: &[TokenWithSpan]) {
        let mut before: Option<&Token> = None;
        let mut solid_before: Option<&Token> = None;
        for token in tokens {
            let here = &token.token;
            let range = places.range(token.span).unwrap_or(self.range);
            let glued = before.is_some_and(is_wordlike) && is_wordlike(here);
            if glued {
                self.refuse(range, format!("`{here}`, which touches the word before it"));
            }
            if let Token::Whitespace(Whitespace::MultiLineComment(comment)) = here
                && comment.starts_with(['+', '!'])
            {
                self.refuse(range, "a comment with a meaning to the database".to_owned());
            }
            if let Some(what) = refused_token(dialect, here, solid_before) {
                self.refuse(range, what);
            }
            before = Some(here);
            if !is_blank(here) {
                solid_before = Some(here);
            }
        }
    }

    fn refuse(&mut self, range: TextRange, what: String) {
        self.unread.push(Unread { range, what, syntax_error: false });
    }

    fn number_placeholders(&mut self, dialect: Dialect, places: &Places, tokens: &[TokenWithSpan]) {
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        for (index, token) in tokens.iter().enumerate() {
            let Some(range) = places.range(token.span) else { continue };
            let name = match &token.token {
                Token::Placeholder(name) => name.clone(),
                sigil @ (Token::Colon | Token::AtSign) => match tokens.get(index + 1).map(|next| &next.token)
                {
                    Some(Token::Word(word)) => format!("{sigil}{}", word.value),
                    Some(Token::Number(number, _)) => format!("{sigil}{number}"),
                    Some(_) | None => continue,
                },
                _ => continue,
            };
            let number = self.number(dialect, &mut names, &name, range);
            self.params = self.params.max(number);
            self.numbers.insert(range.start, number);
            // The parser places a named one at its sigil or at its name.
            if matches!(token.token, Token::Colon | Token::AtSign)
                && let Some(at) = tokens.get(index + 1).and_then(|next| places.range(next.span))
            {
                self.numbers.insert(at.start, number);
            }
        }
    }

    /// SQLite's rule: `?` is one more than the largest so far, so is a name when it first appears.
    fn number(
        &mut self,
        dialect: Dialect,
        names: &mut BTreeMap<String, u32>,
        name: &str,
        range: TextRange,
    ) -> u32 {
        let next = self.params.saturating_add(1);
        if name == "?" {
            return next;
        }
        if dialect != Dialect::Sqlite {
            self.refuse(range, format!("the placeholder `{name}`"));
        }
        if let Some(digits) = name.strip_prefix('?') {
            return match digits.parse::<u32>() {
                Ok(number) if (1..=32_766).contains(&number) => number,
                Ok(_) | Err(_) => {
                    self.refuse(range, format!("the placeholder `{name}`"));
                    next
                }
            };
        }
        let number = *names.entry(name.to_owned()).or_insert(next);
        // To SQLite `$2` is a name like any other; libraries bind it as the second. Both must mean the same.
        let digits = name.strip_prefix('$').and_then(|digits| digits.parse::<u32>().ok());
        if digits.is_some_and(|digits| digits != number) {
            self.refuse(range, format!("the placeholder `{name}`, which SQLite numbers {number}"));
        }
        number
    }
}

fn is_wordlike(token: &Token) -> bool {
    matches!(
        token,
        Token::Word(_)
            | Token::Number(_, _)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::NationalStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::Placeholder(_)
    )
}

/// Tokens after which the parser's reading is not the database's, whatever it makes of them.
fn refused_token(dialect: Dialect, token: &Token, before: Option<&Token>) -> Option<String> {
    let mysql = dialect == Dialect::Mysql;
    match token {
        Token::ExclamationMark => Some("the operator `!`".to_owned()),
        Token::Assignment => Some("the operator `:=`".to_owned()),
        Token::StringConcat if mysql => {
            Some("`||`, which is OR unless the session says otherwise".to_owned())
        }
        Token::Overlap if mysql => Some("the operator `&&`".to_owned()),
        Token::Backslash | Token::LBrace | Token::RBrace => Some(format!("`{token}`")),
        Token::Word(word) if mysql && word.quote_style.is_none() => {
            let after_as = matches!(before, Some(Token::Word(word)) if word.keyword == Keyword::AS);
            let user_variable = word.value.starts_with('@');
            // `0b101` and `0x1F` are numbers, which the parser may take for names.
            let number = word.value.starts_with("0b") || word.value.starts_with("0x");
            let loose = word.keyword == Keyword::XOR || (word.keyword == Keyword::BINARY && !after_as);
            (user_variable || number || loose).then(|| format!("`{}`", word.value))
        }
        _ => None,
    }
}

/// SQLite's `IS` compares any two values. The parser knows only the standard's spelling of that, so the tokens of one
/// are replaced by those of the other, in place.
fn null_safe_is(tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    let solid: Vec<Option<Keyword>> = tokens
        .iter()
        .filter(|token| !is_blank(&token.token))
        .map(|token| match &token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
            _ => None,
        })
        .collect();
    let mut out = Vec::with_capacity(tokens.len());
    let mut at = 0;
    let mut skip_not = false;
    for token in tokens {
        if is_blank(&token.token) {
            out.push(token);
            continue;
        }
        let span = token.span;
        let keyword = |ahead: usize| solid.get(at + ahead).copied().flatten();
        if keyword(0) == Some(Keyword::IS) {
            let negated = keyword(1) == Some(Keyword::NOT);
            let operand = keyword(if negated { 2 } else { 1 });
            out.push(token);
            if !matches!(operand, Some(Keyword::NULL | Keyword::TRUE | Keyword::FALSE | Keyword::DISTINCT)) {
                if !negated {
                    out.push(TokenWithSpan::new(Token::make_keyword("NOT"), span));
                }
                out.push(TokenWithSpan::new(Token::make_keyword("DISTINCT"), span));
                out.push(TokenWithSpan::new(Token::make_keyword("FROM"), span));
                skip_not = negated;
            }
        } else if skip_not {
            skip_not = false;
        } else {
            out.push(token);
        }
        at += 1;
    }
    out
}

/// How often each word, number and placeholder stands in a text: a second look at whether the parser kept them all.
#[derive(Default)]
pub(super) struct Words(BTreeMap<String, u32>);

impl Words {
    pub(super) fn add(&mut self, tokens: &[TokenWithSpan]) {
        for token in tokens {
            let word = match &token.token {
                Token::Word(word) => word.value.to_uppercase(),
                Token::Number(number, _) => number.clone(),
                Token::Placeholder(name) => name.clone(),
                _ => continue,
            };
            let count = self.0.entry(word).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// The first word that stands here more often than in `printed`, spellings apart that mean nothing.
    pub(super) fn missing_from(&self, dialect: &dyn ParserDialect, printed: &str) -> Option<&str> {
        let mut tokens = Vec::new();
        // What cannot be read back is missing, which is the safe side.
        let _partial = Tokenizer::new(dialect, printed).tokenize_with_location_into_buf(&mut tokens);
        let mut kept = Words::default();
        kept.add(&tokens);
        let missing = self.0.iter().find(|(word, count)| {
            !SPELLINGS.contains(&word.as_str()) && kept.0.get(word.as_str()).is_none_or(|kept| kept < count)
        });
        missing.map(|(word, _)| word.as_str())
    }
}

/// Words without which a statement means the same, or that are printed as another.
const SPELLINGS: [&str; 11] =
    ["AS", "ASC", "CROSS", "DISTINCTROW", "INNER", "INTO", "NOTNULL", "OUTER", "ROW", "ROWS", "VALUE"];
