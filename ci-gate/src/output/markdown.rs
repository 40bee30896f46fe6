//! A summary in Markdown, for pull requests and step summaries.

use std::fmt::Write as _;

use tenantry_engine::report::Counts;
use tenantry_engine::{Disposition, Report};

use crate::output::{Output, human, path, region};
use crate::terminal::{count, plain};

/// The most findings that are listed.
const LISTED: usize = 200;

pub(super) const OUTPUTS: &[Output] = &[Output { name: "markdown", render: |report, _| Ok(render(report)) }];

/// Writes the summary.
fn render(report: &Report) -> String {
    let mut out = String::from(
        "# Tenantry\n\n| | sites | scoped | by a check of the row | if callers pass their own tenant | undecided | leak | exempt |\n|---|---|---|---|---|---|---|---|\n",
    );
    row(&mut out, "all", report.coverage.all);
    for (name, counts) in &report.coverage.surfaces {
        row(&mut out, &format!("surface {}", escaped(name)), *counts);
    }
    for (claim, counts) in &report.coverage.claims {
        row(&mut out, claim, *counts);
    }
    for (name, counts) in &report.coverage.crates {
        row(&mut out, &format!("crate {}", escaped(name)), *counts);
    }
    if report.coverage.routines.total() > 0 {
        row(&mut out, "statements in functions of the database", report.coverage.routines);
    }
    for (name, counts) in &report.coverage.tables {
        row(&mut out, &format!("table {}", escaped(name)), *counts);
    }
    let new: Vec<_> =
        report.findings.iter().filter(|finding| finding.disposition == Disposition::New).collect();
    let _ = writeln!(out, "\n{}.\n", count(new.len(), "finding"));
    if !new.is_empty() {
        out.push_str("| severity | rule | where | what |\n|---|---|---|---|\n");
    }
    for finding in new.iter().take(LISTED) {
        let _ = writeln!(
            out,
            "| {} | `{}` | `{}:{}` | {} |",
            finding.severity,
            finding.rule,
            code(&path(report, finding.primary.file)),
            region(report, finding.primary).start_line,
            escaped(&finding.message)
        );
    }
    if new.len() > LISTED {
        let _ = writeln!(out, "\n{} more are not listed here.", new.len() - LISTED);
    }
    let exempt: Vec<_> = human::exempt(report).collect();
    if !exempt.is_empty() {
        let sites = count(exempt.len(), "site");
        let _ = writeln!(out, "\n{sites} exempt.\n\n| where | why |\n|---|---|");
    }
    for (site, reason) in exempt.into_iter().take(LISTED) {
        let line = region(report, site.span).start_line;
        let _ = writeln!(out, "| `{}:{line}` | {} |", code(&path(report, site.span.file)), escaped(reason));
    }
    out
}

fn row(out: &mut String, name: &str, counts: Counts) {
    let _ = writeln!(
        out,
        "| {name} | {} | {} | {} | {} | {} | {} | {} |",
        counts.total(),
        counts.scoped,
        counts.scoped_by_guard,
        counts.scoped_if_callers,
        counts.undecided,
        counts.leaks,
        counts.exempted
    );
}

fn escaped(text: &str) -> String {
    plain(&text.replace('\n', " ")).replace('|', "\\|").replace('<', "&lt;")
}

/// Text that stands in a code span of a table.
fn code(text: &str) -> String {
    plain(text).replace('|', "\\|").replace('`', "'")
}
