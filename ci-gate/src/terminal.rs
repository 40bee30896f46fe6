//! Text with carets, and whether to colour it.

use std::io::IsTerminal;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use tenantry_span::{Diagnostic, FileId, Severity, Span, TextRange};

/// When to colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether text for this stream is coloured.
    pub(crate) fn enabled(self, stream: &impl IsTerminal) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
        match self {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => !set("NO_COLOR") && (stream.is_terminal() || set("CLICOLOR_FORCE")),
        }
    }
}

/// The renderer for coloured or plain text.
pub(crate) fn renderer(colored: bool) -> Renderer {
    if colored { Renderer::styled() } else { Renderer::plain() }
}

/// The level of a severity.
pub(crate) fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    }
}

/// A range that a renderer accepts: within the text and on character boundaries.
pub(crate) fn within(text: &str, range: TextRange) -> std::ops::Range<usize> {
    let clamp = |at: u32| {
        let mut at = (at as usize).min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    clamp(range.start)..clamp(range.end)
}

/// Renders a diagnostic of a configuration file or of the schema.
pub(crate) fn diagnostic<'a>(
    renderer: &Renderer,
    diagnostic: &Diagnostic,
    file: impl Fn(FileId) -> (String, &'a str),
) -> String {
    let mut places: Vec<(Span, &str, AnnotationKind)> =
        vec![(diagnostic.primary.span, &diagnostic.primary.message, AnnotationKind::Primary)];
    places.extend(
        diagnostic.related.iter().map(|label| (label.span, &*label.message, AnnotationKind::Context)),
    );
    let mut group = Group::with_title(level(diagnostic.severity).primary_title(&*diagnostic.message));
    let mut files: Vec<FileId> = places.iter().map(|(span, _, _)| span.file).collect();
    files.dedup();
    for id in files {
        let (path, text) = file(id);
        let mut snippet = Snippet::source(text).path(path);
        for (span, label, kind) in places.iter().filter(|(span, _, _)| span.file == id) {
            snippet = snippet.annotation(kind.span(within(text, span.range)).label(*label));
        }
        group = group.element(snippet);
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(&**help));
    }
    renderer.render(&[group]).to_string()
}
