//! Small services whose sites say in the source what is to be said of them.
//!
//! Each folder of `fixtures/` is a project. On the line where a site begins a comment `//~ WORD` says its verdict: `scoped`,
//! `callers` (scoped if callers pass their own tenant), `undecided` or `leaks`, and after it, if it matters, the rules of
//! its findings (`untold` if there is none). A site without such a comment fails, and so does a comment without a site.
//! In migrations `--~ RULE…` says which rules tell of the schema on that line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use libtest_mimic::{Arguments, Failed, Trial};
use tenantry_engine::report::{Report, SiteReport};
use tenantry_engine::{Options, Outcome, check, line_col};
use tenantry_policy::Date;
use tenantry_tests::fixture;

fn main() {
    let arguments = Arguments::from_args();
    let folders = std::fs::read_dir(fixture("fixtures")).expect("the fixtures");
    let mut names: Vec<String> =
        folders.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let trial = |name: String| Trial::test(format!("fixture: {name}"), move || judge(&name));
    libtest_mimic::run(&arguments, names.into_iter().map(trial).collect()).exit();
}

type Places = BTreeMap<(String, u32), String>;

fn judge(name: &str) -> Result<(), Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    copy(&fixture("fixtures").join(name), &folder)?;
    // A repository of its own, so that the policy of this one is not its policy.
    std::fs::create_dir(folder.join(".git"))?;
    let options = Options::on(Date { year: 2026, month: 6, day: 1 });
    let report = check(tenantry_project::load(&folder), &options).map_err(|error| error.to_string())?;
    if !report.diagnostics.is_empty() {
        return Err(format!("{:#?}", report.diagnostics).into());
    }
    let (expected, found) = (expected(&folder, Path::new(""))?, found(&report));
    let mut wrong = Vec::new();
    let places: BTreeSet<_> = expected.keys().chain(found.keys()).collect();
    for (path, line) in places {
        let at = (path.clone(), *line);
        let said = found.get(&at).map_or("no site", String::as_str);
        match expected.get(&at).map(String::as_str) {
            Some(word) if word == said || said.split(' ').next() == Some(word) => {}
            Some(word) => wrong.push(format!("{path}:{line}: expected {word}, found {said}")),
            None => wrong.push(format!("{path}:{line}: nothing is expected, found {said}")),
        }
    }
    if wrong.is_empty() && !found.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The expectations in the Rust files below a folder.
fn expected(root: &Path, below: &Path) -> Result<Places, Failed> {
    let mut places = Places::new();
    for entry in std::fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            places.append(&mut expected(root, &path)?);
            continue;
        }
        let mark = match path.extension().and_then(|extension| extension.to_str()) {
            Some("rs") => "//~ ",
            Some("sql") => "--~ ",
            _ => continue,
        };
        let text = std::fs::read_to_string(root.join(&path))?;
        for (line, text) in (1..).zip(text.lines()) {
            if let Some((_, word)) = text.split_once(mark) {
                let path = path.to_string_lossy().replace('\\', "/");
                places.insert((path, line), word.trim().to_owned());
            }
        }
    }
    Ok(places)
}

fn found(report: &Report) -> Places {
    let place = |(at, site): (usize, &SiteReport)| {
        let path = report.files.path(site.span.file).to_string_lossy().into_owned();
        let word = match site.outcome {
            Outcome::Scoped if site.assumptions.iter().any(|text| text.starts_with("callers")) => "callers",
            outcome => outcome.as_str(),
        };
        let of_site = report.findings.iter().filter(|finding| finding.site == Some(at));
        let mut rules: BTreeSet<&str> = of_site.map(|finding| finding.rule).collect();
        if rules.is_empty() && site.outcome != Outcome::Scoped {
            rules.insert("untold");
        }
        let said: Vec<&str> = std::iter::once(word).chain(rules).collect();
        ((path, line_col(&report.files, site.span).line), said.join(" "))
    };
    let mut places: Places = report.sites.iter().enumerate().map(place).collect();
    for finding in report.findings.iter().filter(|finding| finding.site.is_none()) {
        let path = report.files.path(finding.primary.file).to_string_lossy().into_owned();
        if !path.ends_with(".sql") {
            continue;
        }
        let place = (path, line_col(&report.files, finding.primary).line);
        let said = places.entry(place).or_default();
        *said = if said.is_empty() { finding.rule.to_owned() } else { format!("{said} {}", finding.rule) };
    }
    places
}
