//! A rule's documentation is its test: the bad examples are found at their marks, the good ones are clean.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenantry_engine::{Disposition, Options, Outcome, Report, check, line_col};
use tenantry_policy::Date;
use tenantry_rules::{Example, Mark, RuleKind, Section, rules};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("rule-pages").join(name)
}

fn lay_out(folder: &Path, example: &Example) {
    let _ = std::fs::remove_dir_all(folder);
    let manifest = ("Cargo.toml", "[workspace]\n[package]\nname = \"example\"\nversion = \"0.1.0\"\n");
    let script = ("build.rs", "fn main() { println!(\"cargo:rerun-if-changed=migrations\"); }\n");
    let project = example.project();
    let is_whole = project.iter().any(|(path, _)| *path == manifest.0);
    // What an example says of itself counts alone.
    let around: &[(&str, &str)] = if is_whole { &[] } else { &[manifest, script] };
    for (path, text) in project.iter().chain(around) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
}

fn run(folder: &Path) -> Report {
    let options = Options {
        paths: Vec::new(),
        include_tests: false,
        today: Date { year: 2026, month: 6, day: 1 },
        suppressions: true,
        overlay: None,
        baseline: BTreeSet::new(),
        progress: Arc::default(),
        cache: None,
        servers: Default::default(),
    };
    check(tenantry_project::load(folder), &options).expect("the run can be made")
}

/// The findings that count, as (path, line, rule).
fn found(report: &Report) -> Vec<(String, u32, &'static str)> {
    let new = report.findings.iter().filter(|finding| finding.disposition == Disposition::New);
    let mut found: Vec<(String, u32, &'static str)> = new
        .map(|finding| {
            let path = report.files.path(finding.primary.file).to_string_lossy().into_owned();
            (path, line_col(&report.files, finding.primary).line, finding.rule)
        })
        .collect();
    found.sort();
    found
}

fn expected(example: &Example) -> Vec<(String, u32, &'static str)> {
    let marks = example
        .files
        .iter()
        .flat_map(|file| file.marks.iter().map(|Mark { line, rule }| (file.path.to_owned(), *line, *rule)));
    let mut marks: Vec<(String, u32, &'static str)> = marks.collect();
    marks.sort();
    marks
}

#[test]
fn every_example_of_every_page_is_judged_as_it_says() {
    let mut wrong = Vec::new();
    let mut total = 0;
    for rule in rules() {
        for (at, example) in rule.examples.iter().enumerate() {
            total += 1;
            let folder = folder(&format!("{}-{at}", rule.id));
            lay_out(&folder, example);
            let report = run(&folder);
            let (found, expected) = (found(&report), expected(example));
            let undecided = report.sites.iter().any(|site| site.outcome == Outcome::Undecided);
            let sites_fit = match example.section {
                Section::Undecided if rule.kind == RuleKind::Site => undecided,
                // A schema is judged by itself.
                _ if rule.kind == RuleKind::Schema => report.databases.iter().any(|known| known.tables > 0),
                Section::Bad | Section::Good | Section::Undecided => !report.sites.is_empty(),
            };
            if found != expected || !sites_fit {
                let said: Vec<&str> =
                    report.findings.iter().map(|finding| finding.message.as_str()).collect();
                wrong.push(format!(
                    "{} {:?} `{}`: expected {expected:?}, found {found:?}; {} sites; {said:?}",
                    rule.id,
                    example.section,
                    example.name,
                    report.sites.len()
                ));
            }
        }
    }
    assert!(total > 0);
    assert!(wrong.is_empty(), "{} of {total} examples:\n{}", wrong.len(), wrong.join("\n"));
}
