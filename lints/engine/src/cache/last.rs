//! The last report of a project, for a run that finds everything as it was.
//!
//! **Invariant:** a report is kept with every question that was asked of the file system on the way to it, and counts
//! only where each has the same answer now, for the same options and the same program: the run that it stands for would
//! have come to the same. What cannot be asked again (a panic, a file that could not be read) keeps no report.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tenantry_project::{Answer, Disk, Files, Question};

use super::codec::{Bytes, Reader, Stored, Writer, stored};
use super::report::{get_report, put_report};
use super::{CachePlace, Digest, Stat, digest, file_of, read, since_epoch, stat, write};
use crate::report::Report;
use crate::run::{MAX_RUST_FILE, Options};
use crate::walk::Found;
use tenantry_judge::cache::{question_from_bytes, question_to_bytes};

/// What the file begins with; the number grows with every change of its form.
const MAGIC: &[u8] = b"tenantry report 2\n";

/// A Rust file that was passed over, and what tells it from any other.
#[derive(Clone, Debug)]
pub(crate) struct Passed {
    /// Its path, relative to the root.
    pub(crate) path: String,
    /// What the file system says of it, where that shows every change.
    pub(crate) stat: Option<Stat>,
    /// Of its bytes, where the file system does not say enough.
    pub(crate) digest: Option<Digest>,
}

impl Passed {
    /// True if the file is as it was. Where only its bytes said so, the file system's word is taken from now on.
    fn is_same(&mut self, root: &Path, now: u128) -> bool {
        let path = root.join(&self.path);
        let stat = stat(&path, now);
        if self.stat.is_some() {
            return stat == self.stat;
        }
        let text = tenantry_project::read_file(&path, MAX_RUST_FILE);
        let is_same = text.is_ok_and(|text| self.digest == Some(digest(text.as_bytes())));
        self.stat = stat.filter(|_| is_same);
        is_same
    }

    fn is_known(&self) -> bool {
        self.stat.is_some() || self.digest.is_some()
    }
}

/// Where the last report of a project is kept, and for which options.
pub(crate) struct Last {
    path: PathBuf,
    key: Digest,
    root: PathBuf,
}

/// What a report rests on.
struct Rests {
    /// The walk.
    found: Digest,
    /// Questions of the schema, the sinks and the files that others include.
    asked: Vec<(Asked, Answer)>,
    /// Files that were passed over.
    passed: Vec<Passed>,
    /// The files of the report, in their order.
    texts: Vec<(String, Digest)>,
    /// How many files were read.
    read: u64,
    /// The report.
    report: Bytes,
}

impl Last {
    /// The place for a run with these options; `None` where nothing is to be kept.
    pub(crate) fn of(root: &Path, found: &Found, options: &Options) -> Option<Last> {
        // Every option is part of the key, or is named here.
        let Options {
            paths,
            include_tests,
            today,
            suppressions,
            overlay,
            baseline,
            progress: _,
            cache,
            servers,
        } = options;
        // What a server answers today says nothing of tomorrow; that one which the policy names was asked, its disk knows.
        let is_lasting = overlay.is_none() && servers.given.is_empty();
        let CachePlace { folder, tool } = cache.as_ref().filter(|_| is_lasting)?;
        let selected = &found.selected;
        let root = root.to_path_buf();
        let depends = format!(
            "{tool}\0{root:?}\0{paths:?}{selected:?}{include_tests}{today:?}{suppressions}{baseline:?}"
        );
        Some(Last { path: file_of(folder, "report", &root), key: digest(depends.as_bytes()), root })
    }

    /// The report, if everything that it rests on is as it was.
    pub(crate) fn replay(&self, found: &Found, options: &Options) -> Option<Report> {
        let body = read(&self.path, MAGIC, &self.key)?;
        let mut from = Reader::new(&body, &[]);
        let mut rests = Rests::get(&mut from).filter(|_| from.is_at_end())?;
        let now = since_epoch();
        let unsure = rests.passed.iter().filter(|passed| passed.stat.is_none()).count();
        if found.digest() != rests.found
            || !rests.passed.iter_mut().all(|passed| passed.is_same(&self.root, now))
        {
            return None;
        }
        if !rests.asked.iter().all(|(Asked(question), answer)| question.ask() == *answer) {
            return None;
        }
        let mut files = Files::default();
        for (path, told) in &rests.texts {
            let text = tenantry_project::read_file(&self.root.join(path), tenantry_project::MAX_FILE).ok()?;
            if digest(text.as_bytes()) != *told {
                return None;
            }
            files.add(path, text);
        }
        let report = get_report(&rests.report.0, files, options.today)?;
        let read = usize::try_from(rests.read).ok()?;
        for counter in [&options.progress.total, &options.progress.done, &options.progress.known] {
            counter.store(read, Ordering::Relaxed);
        }
        if rests.passed.iter().filter(|passed| passed.stat.is_none()).count() < unsure {
            self.write(&rests);
        }
        Some(report)
    }

    /// Keeps a report, where all that it rests on can be asked again.
    pub(crate) fn keep(
        &self,
        report: &Report,
        disk: &Disk,
        found: &Found,
        passed: &[Passed],
        options: &Options,
    ) {
        if let Some(rests) = self.rests(report, disk, found, passed, options) {
            self.write(&rests);
        }
    }

    fn write(&self, rests: &Rests) {
        let no_files = |_| String::new();
        let mut out = Writer::new(&no_files);
        rests.put(&mut out);
        // It was to make the next run faster; without it the next run is as this one was.
        let _ = write(&self.path, MAGIC, &self.key, &out.finish().0);
    }

    fn rests(
        &self,
        report: &Report,
        disk: &Disk,
        found: &Found,
        passed: &[Passed],
        options: &Options,
    ) -> Option<Rests> {
        if report.is_partial() || !passed.iter().all(Passed::is_known) {
            return None;
        }
        let asked = disk.asked()?;
        let can_be_kept = |(question, _): &(Question, Answer)| question_to_bytes(question).is_some();
        if !asked.iter().all(can_be_kept) {
            return None;
        }
        let texts = report
            .files
            .iter()
            .map(|(_, path, text)| (path.to_string_lossy().into_owned(), digest(text.as_bytes())));
        Some(Rests {
            found: found.digest(),
            asked: asked.into_iter().map(|(question, answer)| (Asked(question), answer)).collect(),
            passed: passed.to_vec(),
            texts: texts.collect(),
            read: options.progress.done.load(Ordering::Relaxed) as u64,
            report: Bytes(put_report(report)),
        })
    }
}

stored! {
    Rests { found, asked, passed, texts, read, report }
    Passed { path, stat, digest }
}

/// A question that can be stored.
struct Asked(Question);

impl Stored for Asked {
    fn put(&self, out: &mut Writer<'_>) {
        // Those that cannot be written are kept with no report.
        Bytes(question_to_bytes(&self.0).unwrap_or_default()).put(out);
    }

    fn get(from: &mut Reader<'_>) -> Option<Asked> {
        question_from_bytes(&Bytes::get(from)?.0).map(Asked)
    }
}
