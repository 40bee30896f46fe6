//! For people: findings with carets inside the SQL, and a closing summary.

use std::cmp::Reverse;
use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use tenantry_engine::report::{Counts, SiteReport};
use tenantry_engine::{Disposition, Finding, Report};
use tenantry_span::{FileId, Severity, Span};

use crate::output::{Output, path, region};
use crate::terminal::{count as counted, level, plain, renderer, within};

/// The most tables that the summary names.
const TABLES: usize = 10;
/// The most exempt sites, and the most files that were not read, that the summary names.
const LISTED: usize = 20;

pub(super) const OUTPUTS: &[Output] =
    &[Output { name: "human", render: |report, setting| Ok(render(report, &renderer(setting.colored))) }];

/// Renders the report.
fn render(report: &Report, renderer: &Renderer) -> String {
    let mut out = diagnostics(report, renderer);
    for finding in report.findings.iter().filter(|finding| finding.disposition == Disposition::New) {
        let _ = writeln!(out, "{}\n", one(report, renderer, finding));
    }
    out.push_str(&summary(report));
    out
}

/// What is wrong with the configuration.
pub(crate) fn diagnostics(report: &Report, renderer: &Renderer) -> String {
    let file = |id: FileId| (path(report, id), report.files.text(id));
    let shown = report
        .diagnostics
        .iter()
        .map(|diagnostic| crate::terminal::diagnostic(renderer, diagnostic, file) + "\n\n");
    shown.collect()
}

/// One finding with the source around it.
pub(super) fn one(report: &Report, renderer: &Renderer, finding: &Finding) -> String {
    let title = level(finding.severity).primary_title(plain(&finding.message)).id(finding.rule);
    let mut group = Group::with_title(title);
    let mut places: Vec<(Span, &str, AnnotationKind)> =
        vec![(finding.primary, &finding.label, AnnotationKind::Primary)];
    for (span, label) in &finding.related {
        let known = places.iter().any(|(place, text, _)| place == span && text == label);
        let says_the_same = *span == finding.primary && *label == finding.message;
        if !known && !says_the_same {
            places.push((*span, label, AnnotationKind::Context));
        }
    }
    let mut files: Vec<FileId> = Vec::new();
    for (span, _, _) in &places {
        if !files.contains(&span.file) {
            files.push(span.file);
        }
    }
    for id in files {
        let text = report.files.text(id);
        let mut snippet = Snippet::source(text).path(plain(&path(report, id)));
        for (span, label, kind) in places.iter().filter(|(span, _, _)| span.file == id) {
            snippet = snippet.annotation(kind.span(within(text, span.range)).label(plain(label)));
        }
        group = group.element(snippet);
    }
    for help in &finding.help {
        group = group.element(Level::HELP.message(plain(help)));
    }
    renderer.render(&[group]).to_string()
}

/// The closing summary.
pub(crate) fn summary(report: &Report) -> String {
    let mut out = String::new();
    for database in &report.databases {
        let _ = writeln!(
            out,
            "database {} ({}): {}{}",
            plain(&database.name),
            database.dialect,
            counted(database.tables, "table"),
            match database.skipped.len() {
                0 => String::new(),
                n => format!(
                    ", {} of the schema not read (see `cargo tenantry schema`)",
                    counted(n, "statement")
                ),
            }
        );
        if let Some(paragraph) = &database.inference {
            let _ = writeln!(out, "  {}", plain(paragraph));
        }
    }
    let all = report.coverage.all;
    let (sites, files) = (counted(all.total(), "query site"), counted(report.scanned, "Rust file"));
    let _ = writeln!(out, "\n{sites} in {files}: {}", words(all));
    for (name, counts) in &report.coverage.surfaces {
        let _ = writeln!(out, "  surface {}: {}", plain(name), words(*counts));
    }
    for (claim, counts) in &report.coverage.claims {
        let _ = writeln!(out, "  {claim}: {}", words(*counts));
    }
    if report.coverage.crates.len() > 1 {
        for (name, counts) in &report.coverage.crates {
            let name = if name.is_empty() { "(no crate)" } else { name };
            let _ = writeln!(out, "  crate {}: {}", plain(name), words(*counts));
        }
    }
    let routines = report.coverage.routines;
    if routines.total() > 0 {
        let _ = writeln!(out, "  statements in functions of the database: {}", words(routines));
    }
    let tables = unproved_tables(report);
    for (name, counts) in tables.iter().take(TABLES) {
        let _ = writeln!(out, "  table {}: {}", plain(name), words(*counts));
    }
    if tables.len() > TABLES {
        let more = counted(tables.len() - TABLES, "more table");
        let _ = writeln!(out, "  {more} with queries that are not scoped, see --output json");
    }
    for (site, reason) in exempt(report).take(LISTED) {
        let (file, line) = (path(report, site.span.file), region(report, site.span).start_line);
        let _ = writeln!(out, "exempt: {}:{line}: {}", plain(&file), plain(reason));
    }
    if all.exempted > LISTED {
        let _ = writeln!(out, "exempt: {} more, see --output json", all.exempted - LISTED);
    }
    let count = |severity: Severity| {
        let new = report.findings.iter().filter(|finding| finding.disposition == Disposition::New);
        new.filter(|finding| finding.severity == severity).count()
    };
    let other = |wanted: fn(&Disposition) -> bool| {
        report.findings.iter().filter(|finding| wanted(&finding.disposition)).count()
    };
    let _ = writeln!(
        out,
        "findings: {}, {}, {}; {} suppressed, {} in the baseline",
        counted(count(Severity::Error), "error"),
        counted(count(Severity::Warning), "warning"),
        counted(count(Severity::Note), "note"),
        other(|disposition| matches!(disposition, Disposition::Suppressed { .. })),
        other(|disposition| *disposition == Disposition::Baselined),
    );
    let is_new = |finding: &&Finding| finding.disposition == Disposition::New;
    let fixable = report.findings.iter().filter(is_new).filter(|finding| finding.fix.is_some()).count();
    if fixable > 0 {
        let _ = writeln!(out, "{fixable} of them can be mended by --fix, which --diff shows");
    }
    for stale in &report.stale_baseline {
        let _ = writeln!(out, "no longer occurs, but is in the baseline: {}", plain(stale));
    }
    for skipped in report.skipped.iter().take(LISTED) {
        let line = skipped.line.map(|line| format!(":{line}")).unwrap_or_default();
        let _ = writeln!(out, "not read: {}{line}: {}", plain(&skipped.path), plain(&skipped.why));
    }
    if report.skipped.len() > LISTED {
        let _ = writeln!(out, "not read: {} more, see --output json", report.skipped.len() - LISTED);
    }
    out
}

/// The tables with queries that are not scoped, those with the most leaks first.
fn unproved_tables(report: &Report) -> Vec<(&str, Counts)> {
    let unproved = report.coverage.tables.iter().filter(|(_, counts)| counts.leaks + counts.undecided > 0);
    let mut tables: Vec<(&str, Counts)> = unproved.map(|(name, counts)| (name.as_str(), *counts)).collect();
    tables.sort_by_key(|(name, counts)| (Reverse((counts.leaks, counts.undecided)), *name));
    tables
}

/// The sites that somebody wrote a reason for.
pub(super) fn exempt(report: &Report) -> impl Iterator<Item = (&SiteReport, &str)> {
    report.sites.iter().filter_map(|site| match &site.disposition {
        Disposition::Suppressed { reason, .. } => Some((site, reason.as_str())),
        Disposition::New | Disposition::Baselined => None,
    })
}

/// Counts in words.
pub(crate) fn words(counts: Counts) -> String {
    let leak = if counts.leaks == 1 { "leaks" } else { "leak" };
    let all = [
        (counts.scoped, "scoped"),
        (counts.scoped_by_guard, "scoped by a check of the row"),
        (counts.scoped_if_callers, "scoped if callers pass their own tenant"),
        (counts.undecided, "undecided"),
        (counts.leaks, leak),
        (counts.exempted, "exempt"),
    ];
    let some = all.iter().filter(|(number, _)| *number > 0);
    let words: Vec<String> = some.map(|(number, word)| format!("{number} {word}")).collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}
