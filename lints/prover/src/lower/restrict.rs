//! Where a condition is written so that it restricts one relation of a statement: for fixes.
//!
//! The text is cut by words and brackets alone. Whether the changed statement is scoped is for the proof to say, so that a
//! place that is not right costs the fix and nothing else.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use super::scan::{Token, tokens};

/// Text to be written into a statement, at a byte offset of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// Where, in bytes from the start of the text.
    pub at: u32,
    /// What.
    pub text: String,
}

/// Words that end a WHERE clause, or stand where one could.
const AFTER_WHERE: &[&str] = &[
    "group",
    "having",
    "window",
    "order",
    "limit",
    "offset",
    "fetch",
    "for",
    "returning",
    "union",
    "except",
    "intersect",
    "when",
];

/// Words that begin the next join.
const JOINING: &[&str] = &["join", "inner", "cross", "natural", "left", "right", "full", "straight_join"];

/// What to insert into `sql`, in order, for `condition` to hold of the relation that begins at `relation`: in the ON clause
/// by which it is joined, or in the WHERE clause around it. `None` where neither is found.
pub fn restrict(dialect: Dialect, sql: &str, relation: TextRange, condition: &str) -> Option<Vec<Insertion>> {
    let all: Vec<Token> = tokens(dialect, sql).collect();
    let at = all.iter().position(|token| token.range.start >= relation.start)?;
    let text = Text { sql, tokens: &all };
    if text.is_joined(at)
        && let Some(on) = text.find(at, |text, at| text.is(at, "on") && !text.is(at + 1, "conflict"))
    {
        let end = text.end(on + 1, |text, at| {
            text.joins(at) || text.is_punct(at, b',') || text.is(at, "where") || text.ends_where(at)
        });
        return text.conjoin(on + 1, end, condition);
    }
    let end = text.end(at, Text::ends_where);
    match text.find(at, |text, at| text.is(at, "where")).filter(|found| *found < end) {
        Some(found) => {
            let end = text.end(found + 1, Text::ends_where);
            text.conjoin(found + 1, end, condition)
        }
        None => {
            let last = text.tokens.get(end.checked_sub(1)?)?;
            let word = text.keyword("WHERE");
            Some(vec![Insertion { at: last.range.end, text: format!(" {word} {condition}") }])
        }
    }
}

/// How many `?` stand before an offset of the text.
pub fn marks_before(dialect: Dialect, sql: &str, at: u32) -> usize {
    let marks = tokens(dialect, sql).filter(|token| token.is_punct(b'?') && token.range.start < at);
    marks.count()
}

struct Text<'a> {
    sql: &'a str,
    tokens: &'a [Token],
}

impl Text<'_> {
    fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is(self.sql, word))
    }

    fn is_punct(&self, at: usize, byte: u8) -> bool {
        self.tokens.get(at).is_some_and(|token| token.is_punct(byte))
    }

    /// A keyword as the statement writes its first one: in small letters or not.
    fn keyword(&self, word: &str) -> String {
        let first = self.tokens.first().map_or("", |token| token.range.slice(self.sql));
        if first.starts_with(char::is_lowercase) { word.to_lowercase() } else { word.to_owned() }
    }

    /// True if the relation at `at` is the right side of a join.
    fn is_joined(&self, at: usize) -> bool {
        let mut before = at;
        while let Some(previous) = before.checked_sub(1) {
            let skips =
                self.is(previous, "lateral") || self.is(previous, "only") || self.is_punct(previous, b'(');
            if !skips {
                return self.is(previous, "join");
            }
            before = previous;
        }
        false
    }

    /// `left` and `right` are functions too.
    fn joins(&self, at: usize) -> bool {
        JOINING.iter().any(|word| self.is(at, word)) && !self.is_punct(at + 1, b'(')
    }

    fn ends_where(&self, at: usize) -> bool {
        let conflict = self.is(at, "on") && (self.is(at + 1, "conflict") || self.is(at + 1, "duplicate"));
        conflict || self.is_punct(at, b';') || AFTER_WHERE.iter().any(|word| self.is(at, word))
    }

    /// The first token from `from` on, outside of brackets that open after it, that `stops`; or the one that closes the
    /// bracket around it, or the end.
    fn end(&self, from: usize, stops: impl Fn(&Self, usize) -> bool) -> usize {
        let mut depth = 0_usize;
        for at in from..self.tokens.len() {
            if depth == 0 && stops(self, at) {
                return at;
            }
            if self.is_punct(at, b'(') || self.is_punct(at, b'[') {
                depth += 1;
            } else if self.is_punct(at, b')') || self.is_punct(at, b']') {
                match depth.checked_sub(1) {
                    Some(less) => depth = less,
                    None => return at,
                }
            }
        }
        self.tokens.len()
    }

    /// The first token of the same bracket that `is_it`, before the clause ends.
    fn find(&self, from: usize, is_it: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let found =
            self.end(from, |text, at| is_it(text, at) || text.ends_where(at) || at > from && text.joins(at));
        if is_it(self, found) {
            return Some(found);
        }
        // Other relations may be joined before the clause comes.
        let goes_on = self.joins(found);
        if goes_on { self.find_after_joins(found + 1, is_it) } else { None }
    }

    fn find_after_joins(&self, from: usize, is_it: impl Fn(&Self, usize) -> bool) -> Option<usize> {
        let found = self.end(from, |text, at| text.is(at, "where") || text.ends_where(at));
        (self.is(found, "where") && is_it(self, found)).then_some(found)
    }

    /// Adds a condition to those of the tokens `from..end`.
    fn conjoin(&self, from: usize, end: usize, condition: &str) -> Option<Vec<Insertion>> {
        let (first, last) = (self.tokens.get(from)?, self.tokens.get(end.checked_sub(1)?)?);
        if end <= from {
            return None;
        }
        let mut depth = 0_usize;
        let mut splits = false;
        for at in from..end {
            if self.is_punct(at, b'(') {
                depth += 1;
            } else if self.is_punct(at, b')') {
                depth = depth.saturating_sub(1);
            }
            splits |= depth == 0 && ["or", "xor"].iter().any(|word| self.is(at, word));
        }
        let after = Insertion { at: last.range.end, text: format!(" {} {condition}", self.keyword("AND")) };
        if !splits {
            return Some(vec![after]);
        }
        let open = Insertion { at: first.range.start, text: "(".to_owned() };
        Some(vec![open, Insertion { text: format!("){}", after.text), ..after }])
    }
}

#[cfg(test)]
mod tests {
    use tenantry_policy::Dialect;
    use tenantry_span::TextRange;

    use super::restrict;

    /// The text with `k = $9` for the relation at the mark `@`.
    fn with(marked: &str) -> String {
        let at = marked.find('@').expect("a mark");
        let sql = marked.replace('@', "");
        let found = restrict(Dialect::Postgres, &sql, TextRange::from_usize(at, at + 1), "k = $9");
        let mut changed = sql;
        for insertion in found.expect("a place").into_iter().rev() {
            changed.insert_str(insertion.at as usize, &insertion.text);
        }
        changed
    }

    #[test]
    fn a_condition_is_written_where_it_restricts_the_relation() {
        let cases = [
            ("SELECT * FROM @a", "SELECT * FROM a WHERE k = $9"),
            ("SELECT * FROM @a ORDER BY b LIMIT 1;", "SELECT * FROM a WHERE k = $9 ORDER BY b LIMIT 1;"),
            ("SELECT * FROM @a WHERE b = 1\n -- all", "SELECT * FROM a WHERE b = 1 AND k = $9\n -- all"),
            ("SELECT * FROM @a WHERE b OR c", "SELECT * FROM a WHERE (b OR c) AND k = $9"),
            ("SELECT * FROM @a WHERE (b OR c)", "SELECT * FROM a WHERE (b OR c) AND k = $9"),
            ("DELETE FROM @a WHERE b = 1 RETURNING c", "DELETE FROM a WHERE b = 1 AND k = $9 RETURNING c"),
            (
                "UPDATE @a SET b = (SELECT 1 FROM d WHERE e) FROM f",
                "UPDATE a SET b = (SELECT 1 FROM d WHERE e) FROM f WHERE k = $9",
            ),
            (
                "SELECT * FROM b JOIN @a ON a.x = b.x WHERE c",
                "SELECT * FROM b JOIN a ON a.x = b.x AND k = $9 WHERE c",
            ),
            (
                "SELECT * FROM b LEFT JOIN @a ON left(a.x, 1) = b.x LEFT JOIN c ON d",
                "SELECT * FROM b LEFT JOIN a ON left(a.x, 1) = b.x AND k = $9 LEFT JOIN c ON d",
            ),
            (
                "SELECT * FROM @a JOIN b ON a.x = b.x WHERE c",
                "SELECT * FROM a JOIN b ON a.x = b.x WHERE c AND k = $9",
            ),
            ("SELECT * FROM @a JOIN b USING (x)", "SELECT * FROM a JOIN b USING (x) WHERE k = $9"),
            (
                "SELECT (SELECT 1 FROM @a) FROM b WHERE c",
                "SELECT (SELECT 1 FROM a WHERE k = $9) FROM b WHERE c",
            ),
            (
                "SELECT 1 FROM @a UNION SELECT 2 FROM b WHERE c",
                "SELECT 1 FROM a WHERE k = $9 UNION SELECT 2 FROM b WHERE c",
            ),
            (
                "SELECT 1 FROM b UNION SELECT 2 FROM @a WHERE c",
                "SELECT 1 FROM b UNION SELECT 2 FROM a WHERE c AND k = $9",
            ),
            (
                "SELECT * FROM b JOIN @a USING (x) WHERE c",
                "SELECT * FROM b JOIN a USING (x) WHERE c AND k = $9",
            ),
        ];
        for (marked, expected) in cases {
            assert_eq!(with(marked), expected);
        }
    }
}
