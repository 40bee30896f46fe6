//! The statements in the body of a trigger's function that write rows, read alone.

use std::collections::BTreeMap;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use super::scan::{Token, tokens};

/// The row that a trigger's function is called for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Row {
    /// `NEW`.
    New,
    /// `OLD`.
    Old,
}

/// What stands for a placeholder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Value {
    /// A column of the row.
    Of(Row, String),
    /// What the trigger is told of itself, `TG_OP` and the like.
    Told(String),
}

/// A statement of a body.
#[derive(Clone, Debug)]
pub(crate) struct BodyStatement {
    /// Its place in the body.
    pub(crate) range: TextRange,
    /// Its text, with placeholders for what the row and the trigger say.
    pub(crate) text: String,
    /// The values of `$1`, `$2`, ….
    pub(crate) values: Vec<Value>,
    /// Something before it in the body may have refused the row.
    pub(crate) guarded: bool,
}

/// The statements of a PL/pgSQL body that write: each from where a statement may begin to its semicolon.
pub(crate) fn body_statements(body: &str) -> Vec<BodyStatement> {
    let all: Vec<Token> = tokens(Dialect::Postgres, body).collect();
    let is = |at: usize, word: &str| all.get(at).is_some_and(|token| token.is(body, word));
    let mut found = Vec::new();
    let (mut at, mut guarded, mut begins) = (0, false, true);
    while let Some(token) = all.get(at) {
        let writes = ["insert", "update", "delete"].iter().any(|word| token.is(body, word));
        if begins && writes {
            let end = all.iter().skip(at).position(|token| token.is_punct(b';'));
            let end = end.map_or(all.len(), |length| at + length);
            found.extend(all.get(at..end).and_then(|tokens| statement(body, tokens, guarded)));
            at = end;
            continue;
        }
        guarded |= is(at, "raise") && (is(at + 1, "exception") || !is(at + 1, "notice"));
        begins =
            token.is_punct(b';') || ["begin", "then", "else", "loop"].iter().any(|word| token.is(body, word));
        at += 1;
    }
    found
}

fn statement(body: &str, tokens: &[Token], guarded: bool) -> Option<BodyStatement> {
    let (first, last) = (tokens.first()?, tokens.last()?);
    let range = TextRange { start: first.range.start, end: last.range.end };
    let mut values: BTreeMap<Value, usize> = BTreeMap::new();
    let (mut text, mut copied, mut at) = (String::new(), range.start as usize, 0);
    while let Some(token) = tokens.get(at) {
        let (value, end) = match value_at(body, tokens, at) {
            Some((value, length)) => (value, at + length),
            None => {
                at += 1;
                continue;
            }
        };
        let next = values.len() + 1;
        let number = *values.entry(value).or_insert(next);
        text.push_str(body.get(copied..token.range.start as usize)?);
        text.push_str(&format!("${number}"));
        copied = tokens.get(end - 1)?.range.end as usize;
        at = end;
    }
    text.push_str(body.get(copied..range.end as usize)?);
    let mut values: Vec<(Value, usize)> = values.into_iter().collect();
    values.sort_by_key(|(_, number)| *number);
    let values = values.into_iter().map(|(value, _)| value).collect();
    Some(BodyStatement { range, text, values, guarded })
}

/// The value that begins at a token, with the number of its tokens.
fn value_at(body: &str, tokens: &[Token], at: usize) -> Option<(Value, usize)> {
    let token = tokens.get(at)?;
    let follows_dot = at > 0 && tokens.get(at - 1).is_some_and(|before| before.is_punct(b'.'));
    if follows_dot {
        return None;
    }
    let row = match () {
        () if token.is(body, "new") => Row::New,
        () if token.is(body, "old") => Row::Old,
        () => {
            let name = token.name(body)?;
            return name.starts_with("tg_").then_some((Value::Told(name), 1));
        }
    };
    let column = tokens.get(at + 2).filter(|_| tokens.get(at + 1).is_some_and(|dot| dot.is_punct(b'.')))?;
    Some((Value::Of(row, column.name(body)?), 3))
}
