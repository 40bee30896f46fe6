//! `cargo tenantry sites`.

use std::fmt::Write as _;

use tenantry_engine::Report;
use tenantry_engine::report::SiteReport;

use crate::cli::SitesArgs;
use crate::commands::{prove, scan};
use crate::exit::Failure;
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
                let name =
                    format!("{}:{}", path(&report, site.span.file), region(&report, site.span).start_line);
                let sql = site.texts.get(statement.text).map_or("", String::as_str);
                let _ = writeln!(out, "{}\n", prove::derivation(&renderer, &name, sql, &statement.verdict));
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
