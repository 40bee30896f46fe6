//! `check --fix` and `check --diff`: the fixes that findings carry.
//!
//! **Invariant:** a file is left as it was if it would not parse with its fixes, or if the next run shows that they did
//! not take the findings away.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use similar::TextDiff;
use tenantry_engine::{Disposition, Edit, Finding, Fix, Report};

use crate::exit::{self, Failure};
use crate::output::path;
use crate::terminal::{self, count, plain};

/// How often the files are checked anew: a fix that stands in another one's way has its turn in the next round.
const MAX_ROUNDS: usize = 8;

/// A file with its fixes.
struct Change {
    /// The path, relative to the root.
    path: String,
    before: String,
    after: String,
    /// How many sites are mended in it.
    sites: usize,
}

/// Prints what the fixes would change. The exit code is 1 if that is anything.
pub(crate) fn show(root: &Path, report: &Report) -> Result<u8, Failure> {
    let changes = changes(root, report, &BTreeSet::new());
    for change in &changes {
        let diff = TextDiff::from_lines(&change.before, &change.after);
        let (from, to) = (format!("a/{}", change.path), format!("b/{}", change.path));
        terminal::print(&diff.unified_diff().context_radius(3).header(&from, &to).to_string())?;
    }
    let sites = changes.iter().map(|change| change.sites).sum();
    eprintln!("{} would be mended in {}", count(sites, "query site"), count(changes.len(), "file"));
    Ok(if changes.is_empty() { exit::OK } else { exit::FINDINGS })
}

/// Writes the fixes of a report, and those that show up after them; gives the report on what is there then.
pub(crate) fn apply(
    root: &Path,
    first: Report,
    again: impl Fn() -> Result<Report, Failure>,
) -> Result<Report, Failure> {
    let mut report = first;
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let mut mended: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..MAX_ROUNDS {
        let changes = changes(root, &report, &refused);
        if changes.is_empty() {
            break;
        }
        for change in &changes {
            write(root, &change.path, &change.after)?;
        }
        let next = again()?;
        let (kept, undone): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| holds(&report, &next, change));
        for change in kept {
            *mended.entry(change.path).or_default() += change.sites;
        }
        report = next;
        if !undone.is_empty() {
            for change in undone {
                write(root, &change.path, &change.before)?;
                eprintln!("warning: {}: the fixes did not mend it, and were taken back", plain(&change.path));
                refused.insert(change.path);
            }
            report = again()?;
        }
    }
    let sites = mended.values().sum();
    eprintln!("{} mended in {}", count(sites, "query site"), count(mended.len(), "file"));
    Ok(report)
}

fn write(root: &Path, path: &str, text: &str) -> Result<(), Failure> {
    let place: PathBuf = root.join(path);
    std::fs::write(&place, text)
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", plain(path))))
}

/// True if the file is still read, and has as many findings less as sites were mended.
fn holds(before: &Report, after: &Report, change: &Change) -> bool {
    let findings = |report: &Report| {
        let here = report.findings.iter().filter(|finding| is_new(finding));
        let sites = here.filter(|finding| path(report, finding.primary.file) == change.path);
        sites.filter_map(|finding| finding.site).collect::<BTreeSet<usize>>().len()
    };
    let skipped =
        |report: &Report| report.skipped.iter().filter(|skipped| skipped.path == change.path).count();
    findings(after) + change.sites <= findings(before) && skipped(after) <= skipped(before)
}

fn is_new(finding: &Finding) -> bool {
    finding.disposition == Disposition::New
}

/// The files as they are with every fix that no other one stands in the way of.
fn changes(root: &Path, report: &Report, refused: &BTreeSet<String>) -> Vec<Change> {
    let mut by_file: BTreeMap<String, Vec<&Edit>> = BTreeMap::new();
    let mut sites: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    let mut taken: Vec<&Fix> = Vec::new();
    let offered = report.findings.iter().filter(|finding| is_new(finding));
    for (fix, finding) in offered.filter_map(|finding| Some((finding.fix.as_ref()?, finding))) {
        let paths: BTreeSet<String> = fix.edits.iter().map(|edit| path(report, edit.place.file)).collect();
        let stands_in_the_way = |known: &&Fix| {
            let pairs = known.edits.iter().flat_map(|a| fix.edits.iter().map(move |b| (a, b)));
            pairs.into_iter().any(|(a, b)| touch(a, b))
        };
        if paths.iter().any(|path| refused.contains(path)) || taken.iter().any(stands_in_the_way) {
            continue;
        }
        taken.push(fix);
        for edit in &fix.edits {
            by_file.entry(path(report, edit.place.file)).or_default().push(edit);
        }
        let of_site = finding.site.into_iter();
        sites.entry(path(report, finding.primary.file)).or_default().extend(of_site);
    }
    let with_edits = by_file.into_iter().filter_map(|(path, mut edits)| {
        let file = edits.first()?.place.file;
        let before = report.files.text(file).to_owned();
        // What was read may not be all of what lies there.
        if std::fs::read_to_string(root.join(&path)).ok()? != before {
            return None;
        }
        edits.sort();
        let mut after = before.clone();
        for edit in edits.iter().rev() {
            let (start, end) = (edit.place.range.start as usize, edit.place.range.end as usize);
            after.get(start..end)?;
            after.replace_range(start..end, &edit.text);
        }
        let is_rust = path.ends_with(".rs");
        let sites = sites.get(&path).map_or(0, BTreeSet::len);
        (!is_rust || tenantry_engine::parses(&after)).then_some(Change { path, before, after, sites })
    });
    with_edits.collect()
}

/// True if one edit is where the other one is.
fn touch(a: &Edit, b: &Edit) -> bool {
    let (one, other) = (a.place.range, b.place.range);
    a.place.file == b.place.file && one.start <= other.end && other.start <= one.end
}
