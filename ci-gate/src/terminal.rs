//! What the user sees: text with carets, colours, and how far the run has come.

use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use tenantry_engine::Progress;
use tenantry_span::{Diagnostic, FileId, Severity, Span, TextRange};

use crate::exit::Failure;

/// Text for people: characters that would steer a terminal, or turn the direction of what follows, are shown escaped.
pub(crate) fn plain(text: &str) -> String {
    let steers = |c: char| {
        (c.is_control() && c != '\t')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if steers(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// A number of things: `1 error`, `2 errors`.
pub(crate) fn count(number: usize, thing: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{s}")
}

/// Prints to standard output. A reader that has seen enough closes the pipe; that is no failure.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::internal(format!("standard output cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Shows on standard error how far a run has come, until it is dropped. Only a terminal sees it.
#[derive(Debug)]
pub(crate) struct Watch {
    drawing: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Watch {
    /// How long a run may take before anything is shown, and how often it is shown anew.
    const PAUSE: Duration = Duration::from_millis(150);

    /// Starts to show `progress`.
    pub(crate) fn start(progress: Arc<Progress>) -> Watch {
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        if is_dumb || !std::io::stderr().is_terminal() {
            return Watch { drawing: None };
        }
        let (stop, stopped) = channel();
        let drawing = std::thread::spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(Watch::PAUSE) {
                let (done, total) =
                    (progress.done.load(Ordering::Relaxed), progress.total.load(Ordering::Relaxed));
                let text = match total {
                    0 => "looking for Rust files".to_owned(),
                    total if done < total => format!("reading {done} of {total} files"),
                    total => format!("deciding the queries of {total} files"),
                };
                eprint!("\r\x1b[2K{text} …");
            }
            eprint!("\r\x1b[2K");
        });
        Watch { drawing: Some((stop, drawing)) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some((stop, drawing)) = self.drawing.take() {
            drop(stop);
            // A line that could not be drawn is no loss.
            let _ = drawing.join();
        }
    }
}

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
    let mut group = Group::with_title(level(diagnostic.severity).primary_title(plain(&diagnostic.message)));
    let mut files: Vec<FileId> = places.iter().map(|(span, _, _)| span.file).collect();
    files.dedup();
    for id in files {
        let (path, text) = file(id);
        let mut snippet = Snippet::source(text).path(plain(&path));
        for (span, label, kind) in places.iter().filter(|(span, _, _)| span.file == id) {
            snippet = snippet.annotation(kind.span(within(text, span.range)).label(plain(label)));
        }
        group = group.element(snippet);
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(plain(help)));
    }
    renderer.render(&[group]).to_string()
}
