//! `cargo tenantry sites`.

use std::fmt::Write as _;

use tenantry_engine::Report;
use tenantry_engine::report::SiteReport;
use tenantry_span::TextRange;

use crate::cli::SitesArgs;
use crate::commands::scan;
use crate::exit::Failure;
use crate::output::derivation::{self, Place};
use crate::output::{path, region};
use crate::terminal::{self, Color};

/// Prints every site with its verdict; with `--proof` the derivation.
pub(crate) fn run(arguments: &SitesArgs, color: Color) -> Result<u8, Failure> {
    let options = scan::options(&arguments.scan)?;
    let project = scan::project(arguments.scan.paths.first().map(std::path::PathBuf::as_path))?;
    let report = scan::run(project, options)?;
    let renderer = terminal::renderer(color.enabled(&std::io::stdout()));
    let mut out = String::new();
    for site in &report.sites {
        line(&mut out, &report, site);
        if arguments.proof {
            for statement in &site.statements {
                let text = site.sql.get(statement.text);
                let locate = |range: TextRange| {
                    let place = text.filter(|_| !range.is_empty()).and_then(|text| text.place(range));
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
        }
    }
    terminal::print(&out)?;
    Ok(scan::code(&report))
}

fn line(out: &mut String, report: &Report, site: &SiteReport) {
    let at = region(report, site.span);
    let assumed = if site.assumptions.is_empty() {
        String::new()
    } else {
        format!("  if {}", site.assumptions.join("; "))
    };
    let _ = writeln!(
        out,
        "{:<9} {}:{}:{} {} {}{assumed}",
        site.outcome.as_str(),
        path(report, site.span.file),
        at.start_line,
        at.start_column,
        site.item,
        site.call
    );
}
