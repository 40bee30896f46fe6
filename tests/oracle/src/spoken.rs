//! How a statement is said in a dialect. Statements are written with `$n` and with PostgreSQL's words, so that what makes
//! them, changes them and cuts them down is the same for all; here they get the dialect's placeholders and words, and now
//! and then a spelling of its own that means the same.
//!
//! A text that has a placeholder of the dialect itself is left as it is.

use tenantry_policy::Dialect;

use crate::database::hash;
use crate::rng::Rng;

/// A statement as a database reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// Its text.
    pub sql: String,
    /// For each parameter of the text, in the database's order, the number of that of the statement.
    pub places: Vec<usize>,
}

impl Spoken {
    /// How many parameters the statement has.
    pub fn count(&self) -> usize {
        self.places.iter().copied().max().unwrap_or(0)
    }

    /// The numbers in the text of what is parameter `number` of the statement.
    pub fn numbers(&self, number: u32) -> Vec<u32> {
        let all = self.places.iter().zip(1_u32..);
        all.filter(|(place, _)| u32::try_from(**place) == Ok(number)).map(|(_, here)| here).collect()
    }
}

/// Says a statement in a dialect.
pub fn speak(dialect: Dialect, sql: &str) -> Spoken {
    let mut tokens = cut(sql);
    let count = tokens.iter().filter_map(|token| dollar(token)).max().unwrap_or(0);
    if dialect == Dialect::Postgres {
        return Spoken { sql: sql.to_owned(), places: (1..=count).collect() };
    }
    if let Some(places) = spoken_places(&tokens) {
        return Spoken { sql: sql.to_owned(), places };
    }
    let mut rng = Rng::new(hash(&sql));
    without_casts(&mut tokens);
    match dialect {
        Dialect::Sqlite => sqlite(&mut tokens, &mut rng),
        Dialect::Mysql | Dialect::Postgres => mysql(&mut tokens, &mut rng),
    }
    quote_some(dialect, &mut tokens, &mut rng);
    let style = if dialect == Dialect::Sqlite { rng.below(4) } else { 0 };
    let places = number(&mut tokens, style, count);
    Spoken { sql: tokens.concat(), places }
}

/// Gives the parameters their placeholders.
fn number(tokens: &mut [String], style: usize, count: usize) -> Vec<usize> {
    let mut places: Vec<usize> = Vec::new();
    for token in tokens {
        let Some(number) = dollar(token) else { continue };
        *token = match style {
            0 => "?".to_owned(),
            1 => format!("?{number}"),
            2 => format!(":p{number}"),
            _ => format!("@p{number}"),
        };
        // A name is numbered when it first appears.
        if style == 0 || style > 1 && !places.contains(&number) {
            places.push(number);
        }
    }
    if style == 1 { (1..=count).collect() } else { places }
}

/// The parameters of a text that has the dialect's own placeholders.
fn spoken_places(tokens: &[String]) -> Option<Vec<usize>> {
    let own: Vec<&String> = tokens.iter().filter(|token| token.starts_with('?')).collect();
    let numbers: Option<Vec<usize>> = own.iter().map(|token| token.get(1..)?.parse().ok()).collect();
    let most = match numbers {
        Some(numbers) => numbers.into_iter().max()?,
        None => own.len(),
    };
    Some((1..=most).collect())
}

fn dollar(token: &str) -> Option<usize> {
    token.strip_prefix('$')?.parse().ok()
}

fn word(token: &str, wanted: &str) -> bool {
    token.eq_ignore_ascii_case(wanted)
}

fn is_word(token: &str) -> bool {
    token.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// The position of the next token from `from` on that is no white space.
fn solid(tokens: &[String], from: usize) -> Option<usize> {
    let rest = tokens.get(from..)?;
    rest.iter().position(|token| !token.starts_with(char::is_whitespace)).map(|at| from + at)
}

fn solids(tokens: &[String], from: usize, count: usize) -> Option<Vec<usize>> {
    let mut at = from;
    (0..count)
        .map(|_| {
            let here = solid(tokens, at)?;
            at = here + 1;
            Some(here)
        })
        .collect()
}

fn blank(tokens: &mut [String], range: std::ops::Range<usize>) {
    for token in tokens.get_mut(range).into_iter().flatten() {
        token.clear();
        token.push(' ');
    }
}

/// Only PostgreSQL has `x::type`.
fn without_casts(tokens: &mut [String]) {
    let mut at = 0;
    while at < tokens.len() {
        if tokens.get(at).is_some_and(|token| token == "::") {
            let mut end = at + 2;
            while tokens.get(end).is_some_and(|token| token == "[" || token == "]") {
                end += 1;
            }
            if tokens.get(end).is_some_and(|token| token == "(") {
                end += tokens.get(end..).and_then(|rest| rest.iter().position(|t| t == ")")).unwrap_or(0) + 1;
            }
            blank(tokens, at..end);
        }
        if tokens.get(at).is_some_and(|token| word(token, "ILIKE"))
            && let Some(token) = tokens.get_mut(at)
        {
            *token = "LIKE".to_owned();
        }
        at += 1;
    }
}

fn sqlite(tokens: &mut [String], rng: &mut Rng) {
    for at in 0..tokens.len() {
        let Some(token) = tokens.get(at).cloned() else { continue };
        let next = solids(tokens, at + 1, 2).unwrap_or_default();
        let texts: Vec<String> = next.iter().filter_map(|at| tokens.get(*at).cloned()).collect();
        match texts.as_slice() {
            // What is locked for, up to the end of the query.
            [first, ..]
                if word(&token, "FOR") && ["UPDATE", "SHARE", "NO", "KEY"].iter().any(|w| word(first, w)) =>
            {
                let end =
                    tokens.iter().skip(at).position(|token| token == ")").map_or(tokens.len(), |n| at + n);
                blank(tokens, at..end);
            }
            // Whether a space stands around it decides nothing.
            [first, ..] if token == "=" && dollar(first).is_some() && rng.chance(20) => {
                let same = *rng.pick(&["==", "IS", " IS "]).unwrap_or(&"==");
                if let Some(token) = tokens.get_mut(at) {
                    *token = format!(" {same} ");
                }
            }
            [name, alias]
                if word(&token, "UPDATE")
                    && is_word(name)
                    && is_word(alias)
                    && !word(name, "OR")
                    && ![name, alias].iter().any(|t| word(t, "SET")) =>
            {
                with_as(tokens, &next);
            }
            [name, alias]
                if word(&token, "FROM") && deletes(tokens, at) && is_word(name) && is_alias(alias) =>
            {
                with_as(tokens, &next);
            }
            _ => {}
        }
    }
}

fn with_as(tokens: &mut [String], next: &[usize]) {
    if let Some(alias) = next.get(1).and_then(|at| tokens.get_mut(*at))
        && !word(alias, "AS")
    {
        *alias = format!("AS {alias}");
    }
}

/// Whether the FROM at a position is that of a DELETE.
fn deletes(tokens: &[String], at: usize) -> bool {
    let before = tokens.get(..at).unwrap_or_default();
    before
        .iter()
        .rev()
        .find(|token| !token.starts_with(char::is_whitespace))
        .is_some_and(|t| word(t, "DELETE"))
}

fn is_alias(token: &str) -> bool {
    is_word(token) && !["WHERE", "USING", "RETURNING", "ORDER", "LIMIT"].iter().any(|w| word(token, w))
}

fn mysql(tokens: &mut [String], rng: &mut Rng) {
    for at in 0..tokens.len() {
        let Some(token) = tokens.get(at).cloned() else { continue };
        let next = solids(tokens, at + 1, 3).unwrap_or_default();
        let texts: Vec<String> = next.iter().filter_map(|at| tokens.get(*at).cloned()).collect();
        match texts.as_slice() {
            [a, b, c] if word(&token, "IS") && word(a, "NOT") && word(b, "DISTINCT") && word(c, "FROM") => {
                let end = next.last().map_or(at, |last| last + 1);
                blank(tokens, at..end);
                if let Some(token) = tokens.get_mut(at) {
                    *token = "<=>".to_owned();
                }
            }
            [first, ..] if token == "=" && dollar(first).is_some() && rng.chance(12) => {
                if let Some(token) = tokens.get_mut(at) {
                    *token = "<=>".to_owned();
                }
            }
            [name, alias, ..]
                if word(&token, "FROM") && deletes(tokens, at) && is_word(name) && is_alias(alias) =>
            {
                let (name, alias) = (name.clone(), alias.clone());
                if let Some(token) = next.get(1).and_then(|at| tokens.get_mut(*at)) {
                    token.clear();
                }
                rename(tokens, &alias, &name);
            }
            _ => {}
        }
    }
    answer_conflicts(tokens);
}

/// A deletion's target has no alias in older versions.
fn rename(tokens: &mut [String], from: &str, to: &str) {
    let dotted: Vec<usize> = (1..tokens.len())
        .filter(|at| {
            tokens.get(*at).is_some_and(|t| t == ".") && tokens.get(at - 1).is_some_and(|t| t == from)
        })
        .collect();
    for at in dotted {
        if let Some(token) = tokens.get_mut(at - 1) {
            *token = to.to_owned();
        }
    }
}

/// `ON CONFLICT … DO UPDATE SET` is `ON DUPLICATE KEY UPDATE`, and `DO NOTHING` is `INSERT IGNORE`, both without a target.
fn answer_conflicts(tokens: &mut [String]) {
    let find = |tokens: &[String], from: usize, wanted: &str| {
        tokens.iter().skip(from).position(|token| word(token, wanted)).map(|at| from + at)
    };
    let Some(conflict) = find(tokens, 0, "CONFLICT") else { return };
    let on = conflict.saturating_sub(2);
    let Some(act) = find(tokens, conflict, "DO") else { return };
    let Some(what) = solid(tokens, act + 1) else { return };
    if tokens.get(what).is_some_and(|token| word(token, "NOTHING")) {
        blank(tokens, on..what + 1);
        if let Some(insert) = find(tokens, 0, "INSERT").and_then(|at| tokens.get_mut(at)) {
            *insert = "INSERT IGNORE".to_owned();
        }
        return;
    }
    let Some(set) = find(tokens, what, "SET") else { return };
    blank(tokens, on..set + 1);
    if let Some(token) = tokens.get_mut(on) {
        *token = "ON DUPLICATE KEY UPDATE".to_owned();
    }
    // The proposed row.
    for at in set..tokens.len() {
        if tokens.get(at).is_some_and(|token| word(token, "excluded"))
            && tokens.get(at + 1).is_some_and(|token| token == ".")
            && let Some(column) = tokens.get(at + 2).cloned()
        {
            blank(tokens, at..at + 3);
            if let Some(token) = tokens.get_mut(at) {
                *token = format!("VALUES({column})");
            }
        }
    }
    // A condition is not to be had.
    if let Some(filter) = find(tokens, set, "WHERE") {
        let end = find(tokens, filter, "RETURNING").unwrap_or(tokens.len());
        blank(tokens, filter..end);
    }
}

/// Now and then a column is quoted, or written large.
fn quote_some(dialect: Dialect, tokens: &mut [String], rng: &mut Rng) {
    for at in 1..tokens.len() {
        let qualified = tokens.get(at - 1).is_some_and(|token| token == ".");
        let Some(token) = tokens.get_mut(at).filter(|token| qualified && is_word(token)) else { continue };
        match rng.below(24) {
            0 => *token = format!("`{token}`"),
            1 if dialect == Dialect::Sqlite => *token = format!("\"{token}\""),
            2 if dialect == Dialect::Sqlite => *token = format!("[{token}]"),
            3 => *token = token.to_uppercase(),
            _ => {}
        }
    }
}

/// Words, strings, parameters, white space and signs, which together are the text.
fn cut(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let while_ = |keep: &dyn Fn(char) -> bool, from: usize| {
            rest.get(from..).and_then(|tail| tail.find(|c| !keep(c))).map_or(rest.len(), |at| from + at)
        };
        let named = |c: char| c.is_alphanumeric() || c == '_';
        let closed = |close: &str, from: usize| {
            rest.get(from..)
                .and_then(|tail| tail.find(close))
                .map_or(rest.len(), |at| from + at + close.len())
        };
        let end = match first {
            c if c.is_whitespace() => while_(&char::is_whitespace, 0),
            '\'' | '"' | '`' => closed(&first.to_string(), 1),
            '$' | '?' | ':' if rest.get(1..).is_some_and(|tail| tail.starts_with(named)) => while_(&named, 1),
            '/' if rest.starts_with("/*") => closed("*/", 2),
            c if named(c) => while_(&named, 0),
            _ if ["::", "<=", ">=", "<>", "!=", "||"].iter().any(|sign| rest.starts_with(sign)) => 2,
            c => c.len_utf8(),
        };
        let (token, tail) = rest.split_at(end);
        tokens.push(token.to_owned());
        rest = tail;
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::speak;
    use tenantry_policy::Dialect;

    #[test]
    fn a_parameter_that_appears_twice_is_two_where_they_have_no_numbers() {
        let spoken = speak(Dialect::Mysql, "SELECT '$9' FROM t WHERE a > $2 AND k >= $1::bigint AND c < $1");
        assert_eq!(spoken.sql, "SELECT '$9' FROM t WHERE a > ? AND k >= ?   AND c < ?");
        assert_eq!(spoken.places, [2, 1, 1]);
        assert_eq!((spoken.numbers(1), spoken.count()), (vec![2, 3], 2));
    }

    #[test]
    fn conflicts_are_answered_without_a_target() {
        let sql = "INSERT INTO t (a) VALUES ($1) ON CONFLICT (a) DO UPDATE SET n = excluded.n WHERE t.a = $1";
        let said: Vec<String> =
            speak(Dialect::Mysql, sql).sql.split_whitespace().map(str::to_owned).collect();
        assert_eq!(said.join(" "), "INSERT INTO t (a) VALUES (?) ON DUPLICATE KEY UPDATE n = VALUES(n)");
    }

    #[test]
    fn what_is_said_already_stays() {
        let spoken = speak(Dialect::Sqlite, "SELECT 1 FROM t WHERE a::int = ?2 AND k = ?1");
        assert_eq!(
            (spoken.sql.as_str(), spoken.places.len()),
            ("SELECT 1 FROM t WHERE a::int = ?2 AND k = ?1", 2)
        );
    }
}
