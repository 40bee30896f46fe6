//! `check --fix` and `check --diff`: the fixes that findings carry, in the source, and in one new migration for a schema.
//!
//! **Invariant:** a migration that is there is never changed.
//! **Invariant:** a file is left as it was if it would not parse with its fixes, or if the next run shows that they did
//! not take the findings away.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use similar::TextDiff;
use tenantry_engine::{Disposition, Edit, Finding, Fix, Migration, NewFile, Report};

use crate::exit::{self, Failure};
use crate::output::path;
use crate::terminal::{self, count, plain};

/// How often the files are checked anew: a fix that stands in another one's way has its turn in the next round.
const MAX_ROUNDS: usize = 8;

/// A file with its fixes.
struct Change {
    /// The path, relative to the root.
    path: String,
    /// `None` where there is no such file yet.
    before: Option<String>,
    after: String,
    /// The path and text of the file that undoes it, where it is a migration that has one.
    down: Option<(String, String)>,
    /// How many sites are mended in it.
    sites: usize,
    /// The findings of schemas that are mended by it, by their identity: what is there is not changed, so that their places
    /// stay.
    schema: BTreeSet<String>,
}

/// What was mended.
#[derive(Default)]
struct Mended {
    files: BTreeSet<String>,
    sites: usize,
    schema: usize,
}

impl Mended {
    fn add(&mut self, change: &Change) {
        self.files.insert(change.path.clone());
        self.files.extend(change.down.iter().map(|(path, _)| path.clone()));
        self.sites += change.sites;
        self.schema += change.schema.len();
    }

    /// `3 query sites and 2 schema findings`.
    fn what(&self) -> String {
        let schema = count(self.schema, "schema finding");
        match (self.sites, self.schema) {
            (sites, 0) => count(sites, "query site"),
            (0, _) => schema,
            (sites, _) => format!("{} and {schema}", count(sites, "query site")),
        }
    }
}

/// Prints what the fixes would change. The exit code is 1 if that is anything.
pub(crate) fn show(root: &Path, report: &Report) -> Result<u8, Failure> {
    let changes = changes(root, report, &BTreeSet::new());
    for change in &changes {
        print_diff(&change.path, change.before.as_deref(), &change.after)?;
        if let Some((path, text)) = &change.down {
            print_diff(path, None, text)?;
        }
    }
    let mut mended = Mended::default();
    changes.iter().for_each(|change| mended.add(change));
    eprintln!("{} would be mended in {}", mended.what(), count(mended.files.len(), "file"));
    Ok(if changes.is_empty() { exit::OK } else { exit::FINDINGS })
}

fn print_diff(path: &str, before: Option<&str>, after: &str) -> Result<(), Failure> {
    let diff = TextDiff::from_lines(before.unwrap_or_default(), after);
    let from = before.map_or_else(|| "/dev/null".to_owned(), |_| format!("a/{path}"));
    terminal::print(&diff.unified_diff().context_radius(3).header(&from, &format!("b/{path}")).to_string())
}

/// Writes the fixes of a report, and those that show up after them; gives the report on what is there then.
pub(crate) fn apply(
    root: &Path,
    first: Report,
    again: impl Fn() -> Result<Report, Failure>,
) -> Result<Report, Failure> {
    let mut report = first;
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let mut mended = Mended::default();
    for _ in 0..MAX_ROUNDS {
        let changes = changes(root, &report, &refused);
        if changes.is_empty() {
            break;
        }
        for change in &changes {
            write(root, &change.path, &change.after)?;
            if let Some((path, text)) = &change.down {
                write(root, path, text)?;
            }
        }
        let next = again()?;
        let (kept, undone): (Vec<Change>, Vec<Change>) =
            changes.into_iter().partition(|change| holds(&report, &next, change));
        kept.iter().for_each(|change| mended.add(change));
        report = next;
        if !undone.is_empty() {
            for change in undone {
                match &change.before {
                    Some(before) => write(root, &change.path, before)?,
                    None => {
                        let down = change.down.as_ref().map(|(path, _)| path);
                        for path in std::iter::once(&change.path).chain(down) {
                            remove(root, path)?;
                        }
                    }
                }
                eprintln!("warning: {}: the fixes did not mend it, and were taken back", plain(&change.path));
                refused.insert(change.path);
            }
            report = again()?;
        }
    }
    eprintln!("{} mended in {}", mended.what(), count(mended.files.len(), "file"));
    Ok(report)
}

fn write(root: &Path, path: &str, text: &str) -> Result<(), Failure> {
    let place: PathBuf = root.join(path);
    let folder = place.parent().map_or(Ok(()), std::fs::create_dir_all);
    folder
        .and_then(|()| std::fs::write(&place, text))
        .map_err(|error| Failure::usage(format!("{} cannot be written: {error}", plain(path))))
}

/// Removes a file that was made, and its folder where that was made for it.
fn remove(root: &Path, path: &str) -> Result<(), Failure> {
    let place: PathBuf = root.join(path);
    std::fs::remove_file(&place)
        .map_err(|error| Failure::usage(format!("{} cannot be removed: {error}", plain(path))))?;
    // A folder with something in it stays.
    if let Some(folder) = place.parent() {
        let _ = std::fs::remove_dir(folder);
    }
    Ok(())
}

/// True if the file is still read, and has as many findings less as sites were mended.
fn holds(before: &Report, after: &Report, change: &Change) -> bool {
    if change.before.is_none() {
        let left = after.findings.iter().filter(|finding| is_new(finding));
        let was_unread =
            |report: &Report| report.databases.iter().map(|known| known.skipped.len()).sum::<usize>();
        let is_read = was_unread(after) <= was_unread(before);
        return is_read && !left.into_iter().any(|finding| change.schema.contains(&identity(after, finding)));
    }
    let findings = |report: &Report| {
        let here = report.findings.iter().filter(|finding| is_new(finding));
        let sites = here.filter(|finding| path(report, finding.primary.file) == change.path);
        sites.filter_map(|finding| finding.site).collect::<BTreeSet<usize>>().len()
    };
    let skipped =
        |report: &Report| report.skipped.iter().filter(|skipped| skipped.path == change.path).count();
    findings(after) + change.sites <= findings(before) && skipped(after) <= skipped(before)
}

fn identity(report: &Report, finding: &Finding) -> String {
    let (path, range) = (path(report, finding.primary.file), finding.primary.range);
    format!("{} {path}:{}-{} {}", finding.rule, range.start, range.end, finding.message)
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
        let schema = BTreeSet::new();
        let parses = !is_rust || tenantry_engine::parses(&after);
        parses.then_some(Change { path, before: Some(before), after, down: None, sites, schema })
    });
    with_edits.chain(migrations(root, report, refused)).collect()
}

/// The files of the migrations that are to be made: those of one schema's findings go into one.
fn migrations(root: &Path, report: &Report, refused: &BTreeSet<String>) -> Vec<Change> {
    let offered: Vec<(&Migration, &Finding)> = report
        .findings
        .iter()
        .filter(|finding| is_new(finding))
        .filter_map(|finding| Some((finding.fix.as_ref()?.migration.as_ref()?, finding)))
        .filter(|(migration, _)| !refused.contains(&migration.up.path))
        .collect();
    let mut by_path: BTreeMap<&str, Vec<(&Migration, &Finding)>> = BTreeMap::new();
    for (migration, finding) in offered {
        if is_free(root, migration) {
            by_path.entry(&migration.up.path).or_default().push((migration, finding));
        }
    }
    let made = by_path.into_iter().map(|(path, wanted)| {
        let up = in_order(wanted.iter().map(|(migration, _)| &migration.up));
        let down_path = wanted.iter().find_map(|(migration, _)| Some(migration.down.as_ref()?.path.clone()));
        let mut down = in_order(wanted.iter().filter_map(|(migration, _)| migration.down.as_ref()));
        down.reverse();
        Change {
            path: path.to_owned(),
            before: None,
            after: up.join("\n"),
            down: down_path.map(|path| (path, down.join("\n"))),
            sites: 0,
            schema: wanted.iter().map(|(_, finding)| identity(report, finding)).collect(),
        }
    });
    made.collect()
}

/// Nothing of that name is there.
fn is_free(root: &Path, migration: &Migration) -> bool {
    let mut files = [&migration.up].into_iter().chain(&migration.down);
    files.all(|file| !root.join(&file.path).exists())
}

/// The parts of one file: first what the findings want, then what is wanted once that was made, each once.
fn in_order<'m>(files: impl Iterator<Item = &'m NewFile> + Clone) -> Vec<&'m str> {
    let first = files.clone().filter_map(|file| file.parts.first());
    let follow = files.flat_map(|file| file.parts.iter().skip(1));
    let mut parts: Vec<&str> = Vec::new();
    for part in first.chain(follow) {
        if !parts.contains(&part.as_str()) {
            parts.push(part);
        }
    }
    parts
}

/// True if one edit is where the other one is.
fn touch(a: &Edit, b: &Edit) -> bool {
    let (one, other) = (a.place.range, b.place.range);
    a.place.file == b.place.file && one.start <= other.end && other.start <= one.end
}
