//! `cargo tenantry baseline`, and the file that it writes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tenantry_engine::{Disposition, Report};

use crate::cli::BaselineArgs;
use crate::commands::scan;
use crate::exit::Failure;
use crate::output::path;
use crate::terminal;

/// The file's name at the project's root.
pub(crate) const FILE: &str = "tenantry.baseline.json";

const SCHEMA: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    schema: u32,
    findings: Vec<Entry>,
}

/// The fingerprint decides; the rest is for people.
#[derive(Serialize, Deserialize)]
pub(crate) struct Entry {
    fingerprint: String,
    rule: String,
    path: String,
    message: String,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}: {}", self.rule, self.path, self.message)
    }
}

/// The entries of a baseline, by fingerprint.
pub(crate) fn read(file: &Path) -> Result<BTreeMap<String, Entry>, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display())))?;
    let document: Document = serde_json::from_str(&text)
        .map_err(|error| Failure::usage(format!("{} is not a baseline: {error}", file.display())))?;
    if document.schema != SCHEMA {
        return Err(Failure::usage(format!(
            "{} has the form {}, and this version reads {SCHEMA}",
            file.display(),
            document.schema
        ))
        .help("write it anew with `cargo tenantry baseline`"));
    }
    Ok(document.findings.into_iter().map(|entry| (entry.fingerprint.clone(), entry)).collect())
}

/// Writes the findings of today. Of what is not looked at, what is known stays known.
pub(crate) fn run(arguments: &BaselineArgs) -> Result<u8, Failure> {
    let options = scan::options(&arguments.scan)?;
    let root = scan::root(arguments.scan.paths.first().map(std::path::PathBuf::as_path))?;
    let file = arguments.file.clone().unwrap_or_else(|| root.join(FILE));
    let report = scan::run(&root, options, &arguments.scan)?;
    if scan::is_faulty(&report) {
        return Err(
            Failure::usage("the configuration has errors").help("run `cargo tenantry check` to see them")
        );
    }
    let mut document = document(&report);
    let is_whole = scan::whole(&root, &arguments.scan.paths);
    if !is_whole && file.exists() {
        let known = read(&file)?.into_values();
        let elsewhere = known.filter(|entry| !is_looked_at(&root.join(&entry.path), &arguments.scan.paths));
        keep(&mut document, elsewhere);
    }
    let mut text = serde_json::to_string_pretty(&document)
        .map_err(|error| Failure::internal(format!("the baseline cannot be written: {error}")))?;
    text.push('\n');
    scan::write(&file, &text)?;
    let shown = arguments.file.as_deref().unwrap_or(Path::new(FILE));
    let findings = terminal::count(document.findings.len(), "finding");
    terminal::print(&format!("{findings} in {}\n", shown.display()))?;
    Ok(scan::code(&report))
}

/// True if the file lies in one of the paths. One that is gone lies where it lay.
fn is_looked_at(file: &Path, paths: &[PathBuf]) -> bool {
    paths.iter().any(|path| path.canonicalize().is_ok_and(|path| file.starts_with(path)))
}

/// Adds the entries that are not there yet, so that those of one file stay together.
fn keep(document: &mut Document, entries: impl Iterator<Item = Entry>) {
    let known: BTreeSet<String> = document.findings.iter().map(|entry| entry.fingerprint.clone()).collect();
    document.findings.extend(entries.filter(|entry| !known.contains(&entry.fingerprint)));
    document.findings.sort_by(|a, b| a.path.cmp(&b.path));
}

fn document(report: &Report) -> Document {
    let new = report.findings.iter().filter(|finding| finding.disposition == Disposition::New);
    let findings = new.map(|finding| Entry {
        fingerprint: finding.fingerprint.clone(),
        rule: finding.rule.to_owned(),
        path: path(report, finding.primary.file),
        message: finding.message.clone(),
    });
    Document { schema: SCHEMA, findings: findings.collect() }
}
