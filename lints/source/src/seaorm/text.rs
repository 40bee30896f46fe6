//! SQL that was made of Rust, with the places that its parts come from.

use tenantry_span::{Span, TextRange};

/// SQL with the places in Rust that it was made of.
#[derive(Clone, Debug)]
pub struct SchemaText {
    /// The SQL.
    pub sql: String,
    /// The Rust expression as a whole.
    pub span: Span,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    range: TextRange,
    span: Span,
    /// Every byte of the SQL is a byte of the source.
    exact: bool,
}

impl SchemaText {
    pub(super) fn new(span: Span) -> SchemaText {
        SchemaText { sql: String::new(), span, parts: Vec::new() }
    }

    /// Adds what stands for no place of its own.
    pub(super) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Adds what was made of the expression at `span`.
    pub(super) fn push_from(&mut self, sql: &str, span: Span) {
        let start = self.sql.len();
        self.sql.push_str(sql);
        self.parts.push(Part { range: TextRange::from_usize(start, self.sql.len()), span, exact: false });
    }

    /// Adds another text with its places.
    pub(super) fn push_text(&mut self, other: &SchemaText) {
        let start = u32::try_from(self.sql.len()).unwrap_or(u32::MAX);
        self.sql.push_str(&other.sql);
        let whole = Part { range: TextRange::from_usize(0, other.sql.len()), span: other.span, exact: false };
        self.parts.extend([whole].into_iter().chain(other.parts.iter().cloned()).map(|part| Part {
            range: TextRange::new(
                start.saturating_add(part.range.start),
                start.saturating_add(part.range.end),
            ),
            ..part
        }));
    }

    /// A text whose bytes stand in the source one after another, from `span`'s start.
    pub(super) fn exact(sql: String, literal: Span, content: Span) -> SchemaText {
        let range = TextRange::from_usize(0, sql.len());
        SchemaText { sql, span: literal, parts: vec![Part { range, span: content, exact: true }] }
    }

    /// The place in Rust of a range of the SQL: the smallest part that holds it, else the whole expression.
    pub fn place(&self, range: TextRange) -> Span {
        let around = self.parts.iter().filter(|part| part.range.contains_range(range));
        let Some(part) = around.min_by_key(|part| part.range.len()) else { return self.inner(range) };
        if !part.exact {
            return part.span;
        }
        let start = part.span.range.start + (range.start - part.range.start);
        Span::new(part.span.file, TextRange::new(start, start + range.len()))
    }

    /// The first part within a range that no part holds.
    fn inner(&self, range: TextRange) -> Span {
        let within = self.parts.iter().filter(|part| range.contains_range(part.range));
        within.min_by_key(|part| part.range.start).map_or(self.span, |part| part.span)
    }
}
