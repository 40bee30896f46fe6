//! `cargo tenantry sites`.

use std::fmt::Write as _;

use tenantry_engine::report::SiteReport;
use tenantry_engine::{Disposition, Outcome, Report};
use tenantry_source::{HoleKind, Piece};
use tenantry_span::{Span, TextRange};

use crate::cli::SitesArgs;
use crate::commands::scan;
use crate::exit::Failure;
use crate::output::derivation::{self, Place};
use crate::output::{path, region};
use crate::terminal::{self, Color};

/// Prints every site with its verdict; with `--proof` the derivation.
pub(crate) fn run(arguments: &SitesArgs, color: Color) -> Result<u8, Failure> {
    let options = scan::options(&arguments.scan)?;
    let root = scan::root(arguments.scan.paths.first().map(std::path::PathBuf::as_path))?;
    let report = scan::run(&root, options, &arguments.scan)?;
    if arguments.summaries {
        terminal::print(&summaries(&report))?;
        return Ok(scan::code(&report));
    }
    let renderer = terminal::renderer(color.enabled(&std::io::stdout()));
    let mut out = String::new();
    for site in &report.sites {
        line(&mut out, &report, site);
        if arguments.proof {
            for statement in &site.statements {
                let text = site.sql.get(statement.text);
                let locate = |range: TextRange| {
                    let place = match range.is_empty() {
                        // Of a text that is not known the part that is not known is the place.
                        true => text.and_then(|text| text.pieces.iter().find_map(unknown_part)),
                        false => text.and_then(|text| text.place(range)),
                    };
                    let span = place.unwrap_or(site.span);
                    Place {
                        path: path(&report, span.file),
                        text: report.files.text(span.file),
                        range: span.range,
                    }
                };
                let verdict = &statement.verdict;
                let shown = derivation::render(&renderer, verdict, TextRange::default(), Some(site), &locate);
                let _ = writeln!(out, "{shown}\n");
            }
            run_elsewhere(&mut out, &report, site);
            handed_over(&mut out, &report, site);
        }
    }
    routines(&mut out, &report);
    terminal::print(&out)?;
    Ok(scan::code(&report))
}

/// Functions of the databases: their statements, a line each.
fn routines(out: &mut String, report: &Report) {
    for routine in &report.routines {
        let mut line = |outcome: &str, span: Span, more: &str| {
            let at = region(report, span);
            let (path, name) = (path(report, span.file), &routine.name);
            let fires = routine.fires.as_ref();
            let fires = fires.map(|fires| format!(" (trigger {} of {})", fires.trigger, fires.table));
            let (at, fires) = (format!("{}:{}", at.start_line, at.start_column), fires.unwrap_or_default());
            let shown = format!("{outcome:<9} {path}:{at} {name}{fires}{more}");
            out.push_str(&terminal::plain(&shown));
            out.push('\n');
        };
        for statement in &routine.statements {
            let more = match (&routine.tenant, statement.outcome) {
                (Some(tenant), Outcome::Scoped) => {
                    format!("  if callers pass their own tenant as `{tenant}`")
                }
                (None, Outcome::Scoped) => String::new(),
                (_, Outcome::Leaks | Outcome::Undecided) => format!("  {}", statement.why),
            };
            line(statement.outcome.as_str(), statement.span, &more);
        }
        if let Some(why) = &routine.open {
            line(Outcome::Undecided.as_str(), routine.span, &format!("  {why}"));
        }
    }
}

/// Functions that run what they are handed, a line each.
fn summaries(report: &Report) -> String {
    let mut out = String::new();
    for helper in &report.helpers {
        let at = region(report, helper.span);
        let judged = match (&helper.open, helper.calls) {
            (None, 1) => "judged at 1 call".to_owned(),
            (None, calls) => format!("judged at {calls} calls"),
            (Some(why), 0) => format!("judged by itself: {why}"),
            (Some(why), calls) => format!("judged at {calls} of its calls and by itself: {why}"),
        };
        let (path, item, handed) = (path(report, helper.span.file), &helper.item, helper.handed.join(", "));
        let shown = format!("{path}:{}:{} {item}({handed})  {judged}", at.start_line, at.start_column);
        out.push_str(&terminal::plain(&shown));
        out.push('\n');
    }
    if report.helpers.is_empty() {
        out.push_str("no function runs SQL, or a query, that it is handed\n");
    }
    out
}

/// Where the text of a site goes that is a call of a function which runs it.
fn run_elsewhere(out: &mut String, report: &Report, site: &SiteReport) {
    let Some(span) = site.runs_at else { return };
    let at = region(report, span);
    let path = path(report, span.file);
    let shown = format!("`{}` runs it at {path}:{}:{}", site.call, at.start_line, at.start_column);
    out.push_str(&terminal::plain(&shown));
    out.push('\n');
}

/// The calls that hand over what the proof rests on, and the extractors that make it.
fn handed_over(out: &mut String, report: &Report, site: &SiteReport) {
    if site.callers.is_empty() {
        return;
    }
    out.push_str("every way by which it comes in the workspace is the tenant's own:\n");
    for (span, word) in &site.callers {
        let at = region(report, *span);
        let shown = format!("  {}:{}:{}: {word}", path(report, span.file), at.start_line, at.start_column);
        out.push_str(&terminal::plain(&shown));
        out.push('\n');
    }
    out.push('\n');
}

fn unknown_part(piece: &Piece) -> Option<Span> {
    match piece {
        Piece::Hole {
            span,
            kind: HoleKind::Unknown(_) | HoleKind::Unread(_) | HoleKind::Parameter(_) | HoleKind::Handed(_),
            ..
        } => Some(*span),
        Piece::Hole { .. }
        | Piece::Literal { .. }
        | Piece::Built { .. }
        | Piece::Name { .. }
        | Piece::Placeholder { .. } => None,
    }
}

fn line(out: &mut String, report: &Report, site: &SiteReport) {
    let at = region(report, site.span);
    let assumed = if site.assumptions.is_empty() {
        String::new()
    } else {
        format!("  if {}", site.assumptions.join("; "))
    };
    let answered = match &site.disposition {
        Disposition::New => String::new(),
        Disposition::Suppressed { reason, .. } => format!("  (suppressed: {reason})"),
        Disposition::Baselined => "  (in the baseline)".to_owned(),
    };
    // Twins that a build has one of look alike otherwise.
    let gates = site.cfgs.iter().map(|gate| format!("  cfg({gate})")).collect::<String>();
    let line = format!(
        "{:<9} {}:{}:{} {} {}{gates}{assumed}{answered}",
        site.outcome.as_str(),
        path(report, site.span.file),
        at.start_line,
        at.start_column,
        site.item,
        site.call
    );
    out.push_str(&terminal::plain(&line));
    out.push('\n');
}
