//! MySQL and SQLite, read by `sqlparser`, which is named nowhere else.
//!
//! **Invariant:** what the parser reports and no rule here expresses is unread, so the statement cannot be proved.
//! **Invariant:** the parser's grouping of operators is never believed: each tree is checked against the dialect's own
//! precedence ([`grouping`]), and what differs is unread.

pub(super) mod ddl;
mod expr;
mod grouping;
mod query;
#[cfg(test)]
mod tests;
mod tokens;
mod write;

use std::collections::BTreeMap;

use sqlparser::ast as sql;
use sqlparser::dialect::{Dialect as ParserDialect, MySqlDialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Span, TokenWithSpan};
use tenantry_policy::Dialect;

use crate::ast::{ObjectName, ParsedStatement, Statement, TextRange, Unread};
use crate::lower::limits::{Limit, MAX_NESTING, MAX_TEXT, MAX_TOKENS};
use tokens::{Piece, Places};

/// How deep trees without brackets may grow, such as chains of `UNION` or of postfix operators.
const MAX_DEPTH: usize = 1_000;

/// Reads all statements of `text`.
pub(super) fn statements(dialect: Dialect, text: &str) -> Vec<ParsedStatement> {
    if text.len() > MAX_TEXT {
        return vec![ParsedStatement::unreadable(text, Limit::Text.message())];
    }
    if dialect == Dialect::Mysql && tokens::has_executable_comment(text) {
        let what = "a comment that the database executes (`/*! … */`)".to_owned();
        return vec![ParsedStatement::unreadable(text, what)];
    }
    let places = Places::new(text);
    tokens::pieces(dialect, text, &places)
        .into_iter()
        .map(|piece| statement(dialect, &places, piece))
        .collect()
}

/// The parser's dialect for ours. Only these two are read here, see `lower::statements`.
fn parser_dialect(dialect: Dialect) -> Box<dyn ParserDialect> {
    match dialect {
        Dialect::Sqlite => Box::new(SQLiteDialect {}),
        Dialect::Mysql | Dialect::Postgres => Box::new(MySqlDialect {}),
    }
}

fn statement(dialect: Dialect, places: &Places, piece: Piece) -> ParsedStatement {
    let Piece { range, tokens, verb, params, numbers, unread, fault } = piece;
    let mut lowering = Lowering { dialect, places, range, numbers, unread, depth: 0, in_upsert: false };
    let statement = match fault {
        Some(fault) => {
            lowering.unread.push(fault);
            Statement::Unsupported(verb)
        }
        None => lowering.read(&verb, tokens),
    };
    ParsedStatement { statement, range, params, unread: lowering.unread }
}

/// The state of lowering one statement.
struct Lowering<'a> {
    dialect: Dialect,
    places: &'a Places,
    /// The whole statement, the place of whatever has no better one.
    range: TextRange,
    /// The number of the placeholder that starts at an offset.
    numbers: BTreeMap<u32, u32>,
    unread: Vec<Unread>,
    depth: usize,
    /// Inside `ON DUPLICATE KEY UPDATE`, where `VALUES(column)` is the proposed row's.
    in_upsert: bool,
}

impl Lowering<'_> {
    fn read(&mut self, verb: &str, tokens: Vec<TokenWithSpan>) -> Statement {
        if tokens::is_transaction(verb, &tokens) {
            return Statement::Transaction;
        }
        let first = verb.split(' ').next().unwrap_or("");
        if !matches!(first, "SELECT" | "WITH" | "VALUES" | "(" | "INSERT" | "REPLACE" | "UPDATE" | "DELETE") {
            return Statement::Unsupported(verb.to_owned());
        }
        match self.parse(tokens) {
            Ok(parsed) => self.statement(verb, parsed),
            Err(fault) => {
                self.unread.push(fault);
                Statement::Unsupported(verb.to_owned())
            }
        }
    }

    fn parse(&mut self, tokens: Vec<TokenWithSpan>) -> Result<sql::Statement, Unread> {
        let dialect = parser_dialect(self.dialect);
        let mut words = tokens::Words::default();
        words.add(&tokens);
        let mut parser = Parser::new(dialect.as_ref())
            .with_recursion_limit(MAX_NESTING * 4)
            .with_tokens_with_locations(tokens);
        let parsed = parser.parse_statement().map_err(|error| self.syntax_error(error))?;
        let rest = parser.peek_token();
        if rest.token != sqlparser::tokenizer::Token::EOF {
            let what = format!("syntax error: `{}` was not expected here", rest.token);
            return Err(Unread { range: self.place(rest.span), what, syntax_error: true });
        }
        // A word that the parser accepts and keeps nowhere is missing from what it prints.
        if let Some(word) = words.missing_from(dialect.as_ref(), &parsed.to_string()) {
            self.refuse(self.range, format!("`{word}`, which the parser dropped"));
        }
        Ok(parsed)
    }

    fn syntax_error(&self, error: ParserError) -> Unread {
        let (what, syntax_error) = match error {
            ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
                (format!("syntax error: {message}"), true)
            }
            ParserError::RecursionLimitExceeded => (Limit::Nesting.message(), false),
        };
        Unread { range: self.range, what, syntax_error }
    }

    fn statement(&mut self, verb: &str, parsed: sql::Statement) -> Statement {
        match parsed {
            sql::Statement::Query(query) => self.query_statement(*query),
            sql::Statement::Insert(insert) => Statement::Insert(Box::new(self.insert(insert, None))),
            sql::Statement::Update(update) => Statement::Update(Box::new(self.update(update, None))),
            sql::Statement::Delete(delete) => Statement::Delete(Box::new(self.delete(delete, None))),
            other => {
                self.refuse(self.range, format!("the statement `{}`", shorten(&other.to_string())));
                Statement::Unsupported(verb.to_owned())
            }
        }
    }

    /// Notes a valid construct that is not modelled.
    fn refuse(&mut self, range: TextRange, what: impl Into<String>) {
        self.unread.push(Unread { range, what: what.into(), syntax_error: false });
    }

    /// As [`Self::refuse`], where something that must be absent is there.
    fn absent(&mut self, absent: bool, range: TextRange, what: &str) {
        if !absent {
            self.refuse(range, what);
        }
    }

    /// The place of a span of the parser, or the whole statement where it has none.
    fn place(&self, span: Span) -> TextRange {
        self.places.range(span).filter(|range| self.range.contains_range(*range)).unwrap_or(self.range)
    }

    fn ident(&self, ident: &sql::Ident) -> crate::ast::Ident {
        let sql::Ident { value, quote_style, span } = ident;
        crate::ast::Ident {
            text: value.to_lowercase(),
            quoted: quote_style.is_some(),
            range: self.place(*span),
        }
    }

    fn idents(&self, idents: &[sql::Ident]) -> Vec<crate::ast::Ident> {
        idents.iter().map(|ident| self.ident(ident)).collect()
    }

    fn object_name(&mut self, name: &sql::ObjectName) -> ObjectName {
        let sql::ObjectName(parts) = name;
        let mut idents = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                sql::ObjectNamePart::Identifier(ident) => idents.push(self.ident(ident)),
                sql::ObjectNamePart::Function(function) => {
                    self.refuse(self.range, format!("the computed name `{function}`"));
                }
            }
        }
        let range = cover_all(idents.iter().map(|ident| ident.range)).unwrap_or(self.range);
        if idents.is_empty() {
            self.refuse(range, "a missing name");
            idents.push(crate::ast::Ident { text: String::new(), quoted: true, range });
        }
        ObjectName { parts: idents, range }
    }

    /// The name of a table. The parser takes modifiers before it, such as `UPDATE IGNORE t`, for the name itself.
    fn table_name(&mut self, name: &sql::ObjectName) -> ObjectName {
        let name = self.object_name(name);
        for part in &name.parts {
            if !part.quoted && MODIFIERS.contains(&part.text.as_str()) {
                self.refuse(part.range, format!("the modifier `{}`", part.text));
            }
        }
        name
    }

    /// An alias. Without `AS` the parser takes for one what may be a clause of the database that it does not know.
    fn alias_name(&mut self, alias: &sql::Ident) -> crate::ast::Ident {
        let alias = self.ident(alias);
        if !alias.quoted && NO_ALIAS.contains(&alias.text.as_str()) {
            self.refuse(alias.range, format!("the keyword `{}`", alias.text));
        }
        alias
    }

    /// Runs `work` one level deeper, or returns `None` and says so where the tree is too deep.
    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            self.refuse(self.range, format!("operators are chained deeper than {MAX_DEPTH}"));
            return None;
        }
        self.depth += 1;
        let result = work(self);
        self.depth -= 1;
        Some(result)
    }
}

/// Words that stand before a table's name in one of the dialects and are not one.
const MODIFIERS: [&str; 12] = [
    "delayed",
    "from",
    "high_priority",
    "ignore",
    "into",
    "lateral",
    "low_priority",
    "only",
    "or",
    "quick",
    "table",
    "values",
];

/// Words that begin or continue a clause in one of the dialects and are no alias unless quoted.
const NO_ALIAS: [&str; 48] = [
    "and",
    "between",
    "collate",
    "cross",
    "div",
    "escape",
    "except",
    "fetch",
    "for",
    "force",
    "from",
    "full",
    "glob",
    "group",
    "having",
    "ignore",
    "in",
    "indexed",
    "inner",
    "intersect",
    "into",
    "is",
    "isnull",
    "join",
    "left",
    "like",
    "limit",
    "lock",
    "match",
    "mod",
    "natural",
    "not",
    "notnull",
    "offset",
    "on",
    "or",
    "order",
    "partition",
    "procedure",
    "regexp",
    "returning",
    "right",
    "rlike",
    "straight_join",
    "union",
    "use",
    "using",
    "xor",
];

fn cover_all(ranges: impl IntoIterator<Item = TextRange>) -> Option<TextRange> {
    ranges.into_iter().reduce(TextRange::cover)
}

/// At most the first few words of a text, for a message.
fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}
