//! One file per output format, and one line here; each is a pure function of the report.

pub(crate) mod derivation;
pub(crate) mod line_hash;

use tenantry_engine::Report;
use tenantry_span::{FileId, LineCol, Span, TextRange};

/// A format that `--output` can write.
pub(crate) struct Output {
    /// What `--output` calls it.
    pub(crate) name: &'static str,
    /// Writes the report.
    pub(crate) render: fn(&Report, &Setting<'_>) -> Result<String, serde_json::Error>,
}

/// What an output may know besides the report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'s> {
    /// Whoever reads it sees colours.
    pub(crate) colored: bool,
    /// The project's folder in its repository, with a `/` at its end.
    pub(crate) below: &'s str,
}

/// The modules, and the list of what they write.
macro_rules! outputs {
    ($($module:ident,)*) => {
        $(pub(crate) mod $module;)*
        const OUTPUTS: &[&[Output]] = &[$($module::OUTPUTS,)*];
    };
}

outputs![human, json, sarif, markdown, compiler_json,];

/// The format with this name.
pub(crate) fn named(name: &str) -> Option<&'static Output> {
    OUTPUTS.iter().copied().flatten().find(|output| output.name == name)
}

/// The names of all formats: `human, json or markdown`.
pub(crate) fn names() -> String {
    let names: Vec<&str> = OUTPUTS.iter().copied().flatten().map(|output| output.name).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

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
