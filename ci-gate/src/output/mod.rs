//! One file per output format; each is a pure function of the report.

pub(crate) mod derivation;
pub(crate) mod human;
pub(crate) mod json;
pub(crate) mod line_hash;
pub(crate) mod markdown;
pub(crate) mod sarif;

use tenantry_engine::Report;
use tenantry_span::{FileId, LineCol, Span, TextRange};

/// The path of a file of the report, with `/`.
pub(crate) fn path(report: &Report, file: FileId) -> String {
    report.files.path(file).to_string_lossy().replace('\\', "/")
}

/// The lines and columns of a place, both from 1, columns in characters; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Region {
    pub(crate) start_line: u32,
    pub(crate) start_column: u32,
    pub(crate) end_line: u32,
    pub(crate) end_column: u32,
}

/// Where a span lies.
pub(crate) fn region(report: &Report, span: Span) -> Region {
    let text = report.files.text(span.file);
    let length = TextRange::from_usize(text.len(), text.len()).start;
    let start = LineCol::of(text, span.range.start.min(length));
    let end = LineCol::of(text, span.range.end.min(length));
    Region { start_line: start.line, start_column: start.column, end_line: end.line, end_column: end.column }
}
