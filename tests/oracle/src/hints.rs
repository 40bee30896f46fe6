//! What statements compare columns with: a row tells most of a statement if it has what the statement asks for.

use std::collections::BTreeMap;

use crate::shape::Shape;
use crate::values::Kind;

/// How many values of a column are kept.
const KEPT: usize = 8;
/// Words after which a number is a count or a position.
const COUNTING: [&str; 4] = ["limit", "offset", "by", "fetch"];

/// For each column, by its name, constants that stand beside it.
#[derive(Clone, Debug, Default)]
pub struct Hints(BTreeMap<String, Vec<String>>);

impl Hints {
    /// Reads them from the texts of statements.
    pub fn of<'s>(shape: &Shape, statements: impl Iterator<Item = &'s str>) -> Hints {
        let mut hints = Hints::default();
        for sql in statements {
            hints.read(shape, sql);
        }
        hints
    }

    /// What a column of this name and kind is compared with.
    pub fn values(&self, column: &str, kind: &Kind) -> Vec<&String> {
        let fits = |value: &&String| match kind {
            Kind::Int => value.parse::<i32>().is_ok(),
            Kind::Bigint | Kind::Number => value.parse::<i64>().is_ok(),
            Kind::Text => true,
            Kind::Enum(labels) => labels.contains(value),
            Kind::Uuid => value.len() == 36 && value.split('-').count() == 5,
            _ => false,
        };
        self.0.get(column).into_iter().flatten().filter(fits).collect()
    }

    /// Texts that keys are compared with.
    pub fn key_words(&self, shape: &Shape) -> Vec<String> {
        let columns = shape.tables.iter().flat_map(|table| &table.columns);
        let keys = columns.filter(|column| column.key.is_some() && column.kind == Kind::Text);
        let mut words: Vec<String> =
            keys.flat_map(|column| self.values(&column.name, &column.kind)).cloned().collect();
        words.sort();
        words.dedup_by_key(|word| word.to_lowercase());
        words
    }

    fn read(&mut self, shape: &Shape, sql: &str) {
        let columns = || shape.tables.iter().flat_map(|table| &table.columns);
        let mut last: Option<&str> = None;
        for token in tokens(sql) {
            match token {
                Token::Word(word) => {
                    if let Some(column) = columns().find(|column| column.name == word) {
                        last = Some(&column.name);
                    } else if COUNTING.contains(&word.to_ascii_lowercase().as_str()) {
                        last = None;
                    }
                }
                Token::Number(number) => {
                    let Some(column) = last else { continue };
                    self.add(column, number.to_string());
                    // What is above a bound.
                    self.add(column, number.saturating_add(1).to_string());
                }
                Token::Text(text) => {
                    let Some(column) = last else { continue };
                    // What a pattern matches.
                    self.add(column, text.replace('%', ""));
                }
            }
        }
    }

    fn add(&mut self, column: &str, value: String) {
        let known = self.0.entry(column.to_owned()).or_default();
        if known.len() < KEPT && value.len() < 40 && !value.is_empty() && !known.contains(&value) {
            known.push(value);
        }
    }
}

enum Token<'s> {
    Word(&'s str),
    Number(i64),
    Text(&'s str),
}

/// Names, whole numbers and strings, in their order; parameters are none of them.
fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut rest = sql;
    while let Some(at) = rest.find(|c: char| c == '\'' || c.is_ascii_alphanumeric() || c == '_' || c == '$') {
        let (_, from) = rest.split_at(at);
        if let Some(text) = from.strip_prefix('\'') {
            let (inside, after) = text.split_once('\'').unwrap_or((text, ""));
            found.push(Token::Text(inside));
            rest = after;
            continue;
        }
        let end = from.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
        let (word, after) = from.split_at(end.unwrap_or(from.len()));
        match word.parse() {
            Ok(number) => found.push(Token::Number(number)),
            Err(_) => found.push(Token::Word(word)),
        }
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Token, tokens};

    #[test]
    fn strings_and_numbers_are_told_from_names_and_parameters() {
        let found: Vec<String> = tokens("a.n IN (1, $2) AND b.id LIKE 'a%'")
            .into_iter()
            .map(|token| match token {
                Token::Word(word) => format!("w:{word}"),
                Token::Number(number) => format!("n:{number}"),
                Token::Text(text) => format!("t:{text}"),
            })
            .collect();
        assert_eq!(found, ["w:a", "w:n", "w:IN", "n:1", "w:$2", "w:AND", "w:b", "w:id", "w:LIKE", "t:a%"]);
    }
}
