//! The vocabulary every room shares: files, places in them, and what is said about a place.
//!
//! **Invariant:** this crate has no third-party dependency and does no I/O.
//! **Invariant:** offsets are bytes of UTF-8 text; lines and columns are made from them at the edge only.
#![forbid(unsafe_code)]

use std::fmt;

/// A file of the run, as an index into the run's list of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A half-open range of byte offsets, `start..end`, within one text.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TextRange {
    /// The first byte.
    pub start: u32,
    /// One past the last byte; never less than `start`.
    pub end: u32,
}

impl TextRange {
    /// The range from `start` to `end`; an `end` before `start` gives an empty range at `start`.
    pub fn new(start: u32, end: u32) -> TextRange {
        TextRange { start, end: end.max(start) }
    }

    /// The same from `usize` offsets, saturating at 4 GiB.
    pub fn from_usize(start: usize, end: usize) -> TextRange {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        TextRange::new(clamp(start), clamp(end))
    }

    /// An empty range at `offset`.
    pub fn empty(offset: u32) -> TextRange {
        TextRange::new(offset, offset)
    }

    /// The number of bytes.
    pub fn len(self) -> u32 {
        self.end - self.start
    }

    /// True if the range holds no byte.
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The smallest range that holds both.
    pub fn cover(self, other: TextRange) -> TextRange {
        TextRange::new(self.start.min(other.start), self.end.max(other.end))
    }

    /// True if `other` lies within this range.
    pub fn contains_range(self, other: TextRange) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// The text of this range in `text`, or `""` where the range does not lie within it on character boundaries.
    pub fn slice(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

impl fmt::Debug for TextRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.start, self.end)
    }
}

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub file: FileId,
    /// The bytes in it.
    pub range: TextRange,
}

impl Span {
    /// The place `range` in `file`.
    pub fn new(file: FileId, range: TextRange) -> Span {
        Span { file, range }
    }
}

/// A line and a column, both counted from 1; the column counts Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineCol {
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1, in Unicode scalar values.
    pub column: u32,
}

impl LineCol {
    /// Where `offset` lies in `text`. For one place of a text; a [`LineIndex`] is for many of the same.
    pub fn of(text: &str, offset: u32) -> LineCol {
        let before = text.as_bytes().get(..offset as usize).unwrap_or(text.as_bytes());
        let line = before.iter().filter(|byte| **byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let clamp = |number: usize| TextRange::from_usize(number, number).start;
        let column = TextRange::new(clamp(start), offset).slice(text).chars().count();
        LineCol { line: clamp(line + 1), column: clamp(column + 1) }
    }
}

/// Where the lines of a text begin, to turn offsets into lines and columns and back.
#[derive(Clone, Debug)]
pub struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Reads the line starts of `text`; a line ends with `\n` (so `\r\n` ends one line as well).
    pub fn new(text: &str) -> LineIndex {
        // The standard library finds a character quickly without optimisation as well.
        let ends = text.match_indices('\n').map(|(at, _)| TextRange::from_usize(at + 1, at + 1).start);
        LineIndex { starts: std::iter::once(0).chain(ends).collect() }
    }

    /// The number of lines; an empty text has one.
    pub fn line_count(&self) -> u32 {
        TextRange::from_usize(self.starts.len(), self.starts.len()).start
    }

    /// The line of `offset`, counted from 0.
    pub fn line(&self, offset: u32) -> u32 {
        let after = self.starts.partition_point(|start| *start <= offset);
        TextRange::from_usize(after.saturating_sub(1), after).start
    }

    /// The offset at which `line` (from 0) begins, if there is such a line.
    pub fn line_start(&self, line: u32) -> Option<u32> {
        self.starts.get(line as usize).copied()
    }

    /// Line and column of `offset` in `text`, which must be the text this index was made from.
    pub fn line_col(&self, text: &str, offset: u32) -> LineCol {
        let line = self.line(offset);
        let start = self.line_start(line).unwrap_or(0);
        let before = TextRange::new(start, offset).slice(text);
        let column = before.chars().count() + 1;
        LineCol { line: line + 1, column: TextRange::from_usize(column, column).start }
    }

    /// The offset of a line and column (in Unicode scalar values) in `text`, clamped to the end of the line.
    pub fn offset(&self, text: &str, at: LineCol) -> Option<u32> {
        let start = self.line_start(at.line.checked_sub(1)?)?;
        let rest = text.get(start as usize..)?;
        let line = rest.split('\n').next().unwrap_or("");
        let column = at.column.saturating_sub(1) as usize;
        let bytes = line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
        Some(start + TextRange::from_usize(bytes, bytes).start)
    }
}

/// How grave a diagnostic or a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Something to know.
    Note,
    /// Something to look at.
    Warning,
    /// Something that is wrong.
    Error,
}

impl Severity {
    /// The lower-case word used in every output: `note`, `warning` or `error`.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }

    /// Reads the word that [`Severity::as_str`] writes.
    pub fn parse(word: &str) -> Option<Severity> {
        match word {
            "note" => Some(Severity::Note),
            "warning" => Some(Severity::Warning),
            "error" => Some(Severity::Error),
            _ => None,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place with a word about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is to be said of it; may be empty for the primary place.
    pub message: String,
}

/// Something the product says of a place: configuration errors and the like. Findings have a type of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// Where.
    pub primary: Label,
    /// Other places that explain it.
    pub related: Vec<Label>,
    /// What to do, each a sentence.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Error, span, message)
    }

    /// A warning at `span`.
    pub fn warning(span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Severity::Warning, span, message)
    }

    fn new(severity: Severity, span: Span, message: impl Into<String>) -> Diagnostic {
        let primary = Label { span, message: String::new() };
        Diagnostic { severity, message: message.into(), primary, related: Vec::new(), help: Vec::new() }
    }

    /// Says a word at the primary place.
    #[must_use]
    pub fn label(mut self, message: impl Into<String>) -> Diagnostic {
        self.primary.message = message.into();
        self
    }

    /// Adds a place that explains.
    #[must_use]
    pub fn related(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.related.push(Label { span, message: message.into() });
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, message: impl Into<String>) -> Diagnostic {
        self.help.push(message.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_count_from_one() {
        let text = "ab\r\nçé\u{1F600}x\n";
        let index = LineIndex::new(text);
        let x = TextRange::from_usize(text.find('x').unwrap_or(0), 0).start;
        assert_eq!(index.line_col(text, x), LineCol { line: 2, column: 4 });
        assert_eq!(index.offset(text, LineCol { line: 2, column: 4 }), Some(x));
        assert_eq!(index.line_count(), 3);
        for offset in 0..=TextRange::from_usize(text.len() + 1, 0).start {
            assert_eq!(LineCol::of(text, offset), index.line_col(text, offset), "{offset}");
        }
    }
}
