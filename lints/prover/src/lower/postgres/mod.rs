//! PostgreSQL, read by `squawk-syntax`, which is named nowhere else.
//!
//! Squawk cuts the text into statements, says what they are, and finds syntax errors. How operators, set operations and
//! joins group is not taken from its tree, which gets it wrong without a word; a recursive descent over the tree's tokens
//! (`reader`) follows PostgreSQL's own grammar instead. So two readers must agree that a statement is valid, and every
//! token is taken by a rule of ours or told. The second reader of a statement without anything particular is a small
//! grammar of its own (`plain`), which is held against squawk.

use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};
use tenantry_span::TextRange;

use self::reader::Reader;
use self::tokens::{Tok, Token};
use super::limits::{Limit, MAX_TEXT};
use crate::ast::{ParsedStatement, Statement, Unread};

mod calls;
pub mod ddl;
mod dml;
mod expr;
mod from;
pub mod identifier;
mod keywords;
mod literals;
mod names;
mod plain;
pub mod print;
mod query;
mod reader;
#[cfg(test)]
mod tests;
mod tokens;
mod types;
mod utility;

/// Reads all statements of `text`.
pub fn statements(text: &str) -> Vec<ParsedStatement> {
    if text.len() > MAX_TEXT {
        return vec![ParsedStatement::unreadable(text, Limit::Text.message())];
    }
    let tokens = match tokens::tokens(text) {
        Ok(tokens) => tokens,
        Err(limit) => return vec![ParsedStatement::unreadable(text, limit.message())],
    };
    if let Some(piece) = plain::statement(&tokens) {
        return vec![read(text, &tokens, &piece)];
    }
    let (pieces, errors) = by_squawk(text, &tokens);
    let mut statements: Vec<ParsedStatement> =
        pieces.iter().map(|piece| read(text, &tokens, piece)).collect();
    for error in errors {
        attach(&mut statements, text, error);
    }
    statements
}

/// The statements as squawk cuts them, and its syntax errors.
fn by_squawk(text: &str, tokens: &[Token]) -> (Vec<Piece>, Vec<Unread>) {
    let parse = SourceFile::parse(text);
    let errors = parse.errors().into_iter().map(|error| Unread {
        range: text_range(error.range()),
        what: format!("syntax error: {}", spoken(error.message())),
        syntax_error: true,
    });
    (pieces(&parse.syntax_node(), tokens), errors.collect())
}

/// A message of squawk, which calls keywords by the names of its kinds of tokens: `AND_KW`.
fn spoken(message: &str) -> String {
    let word = |word: &str| match word.strip_suffix("_KW") {
        Some(keyword) => format!("`{keyword}`"),
        None => word.to_owned(),
    };
    message.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The places of a text's tokens, for tests that write it otherwise; `None` where it has text that is no token, or too
/// many of them.
pub fn token_ranges(text: &str) -> Option<Vec<TextRange>> {
    let tokens = tokens::tokens(text).ok()?;
    let good = tokens.iter().all(|token| token.kind != Tok::Bad);
    good.then(|| tokens.iter().map(|token| token.range).collect())
}

/// A statement's place among the tokens, `at..end`, without its semicolon.
struct Piece {
    name: String,
    at: usize,
    end: usize,
}

/// Cuts the tokens at the statements of squawk's tree. Tokens that it puts in no statement are a piece of their own,
/// which no rule accepts.
fn pieces(root: &SyntaxNode, tokens: &[Token]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    for node in root.children() {
        let range = text_range(node.text_range());
        let start = index_of(tokens, range.start);
        let end = index_of(tokens, range.end);
        push_piece(&mut pieces, tokens, "text", at, start);
        push_piece(&mut pieces, tokens, &statement_name(node.kind()), start.max(at), end);
        at = end.max(at);
    }
    push_piece(&mut pieces, tokens, "text", at, tokens.len());
    pieces
}

/// The index of the first token that starts at `offset` or later.
fn index_of(tokens: &[Token], offset: u32) -> usize {
    tokens.partition_point(|token| token.range.start < offset)
}

fn push_piece(pieces: &mut Vec<Piece>, tokens: &[Token], name: &str, mut at: usize, mut end: usize) {
    let is_semi = |at: usize| tokens.get(at).is_some_and(|token| token.kind == Tok::Semi);
    while at < end && is_semi(at) {
        at += 1;
    }
    while at < end && is_semi(end - 1) {
        end -= 1;
    }
    if at < end {
        pieces.push(Piece { name: name.to_owned(), at, end });
    }
}

/// What squawk calls a statement, in words.
fn statement_name(kind: SyntaxKind) -> String {
    match kind {
        SyntaxKind::REFRESH => "REFRESH MATERIALIZED VIEW".to_owned(),
        SyntaxKind::ERROR => "text".to_owned(),
        kind => format!("{kind:?}").replace('_', " "),
    }
}

fn read(text: &str, tokens: &[Token], piece: &Piece) -> ParsedStatement {
    let mut reader = Reader::new(text, tokens, piece.at, piece.end);
    let start = reader.start();
    let result = reader.statement(&piece.name);
    let mut unread = std::mem::take(&mut reader.unread);
    let statement = match result {
        Ok(statement) => {
            if !reader.at_end() {
                let rest = reader.here();
                let what = format!("`{}`, which no rule reads", rest.slice(text));
                unread.push(Unread { range: rest, what, syntax_error: false });
            }
            statement
        }
        Err(stop) => {
            unread.push(Unread { range: stop.range, what: stop.what, syntax_error: false });
            Statement::Unsupported(piece.name.clone())
        }
    };
    reader.skip_rest();
    let range = reader.range_from(start);
    // A statement must be alone between semicolons; squawk goes on without one where it finds an error.
    let before = piece.at.checked_sub(1).and_then(|before| tokens.get(before));
    if piece.name == "text" || before.is_some_and(|token| token.kind != Tok::Semi) {
        let what = "text that belongs to no statement".to_owned();
        unread.push(Unread { range, what, syntax_error: true });
    }
    let params = tokens.get(piece.at..piece.end).unwrap_or_default().iter();
    let params = params.filter(|token| token.kind == Tok::Param);
    let params = params.filter_map(|token| token.range.slice(text).get(1..)?.parse().ok()).max();
    ParsedStatement { statement, range, params: params.unwrap_or(0), unread }
}

/// Gives a syntax error to the statement that it lies in or after, else to the first.
fn attach(statements: &mut Vec<ParsedStatement>, text: &str, unread: Unread) {
    let after = statements.partition_point(|statement| statement.range.start <= unread.range.start);
    match statements.get_mut(after.saturating_sub(1)) {
        Some(statement) => statement.unread.push(unread),
        None => {
            let mut statement = ParsedStatement::unreadable(text, unread.what.clone());
            statement.unread = vec![unread];
            statements.push(statement);
        }
    }
}

fn text_range(range: impl Into<std::ops::Range<usize>>) -> TextRange {
    let range = range.into();
    TextRange::from_usize(range.start, range.end)
}
