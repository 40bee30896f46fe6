//! The run: read, decide, suppress.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use globset::{Glob, GlobSet, GlobSetBuilder};
use rayon::prelude::*;
use tenantry_judge::databases::{Databases, schema, unseen, worst};
use tenantry_policy::{Date, Policy, Spanned, Trust};
use tenantry_project::{Database, Disk, Files, Project, Servers, Unread};
use tenantry_prover::prove::Policies;
use tenantry_prover::verdict::{Basis, ObstacleKind, Verdict};
use tenantry_rules::SinkLibrary;
use tenantry_source::{
    Answer, Bind, Constant, Constants, Declared, FileSites, Mark, MarkKind, ModuleFile, Piece, Prefilter,
    QuerySite, Session, SourceFile, SqlText, Suppression,
};
use tenantry_span::{Diagnostic, FileId, LineIndex, Span, TextRange};

use crate::cache::{self, Cache, CachePlace, Digest, Entry, Last, Passed, Reading, Readings, Stat};
use crate::callers::{self, Callers};
use crate::checked;
use crate::decide::{self, Decision};
use crate::declared::Declarations;
use crate::extracted::{self, Extractors};
use crate::fixes::{self, Forms};
use crate::helpers::{self, Followed};
use crate::modules::Modules;
use crate::report::{
    Claim, Coverage, DatabaseSummary, Disposition, Finding, Report, SCHEMA_VERSION, SiteReport, SkippedFile,
    StatementReport,
};
use crate::returned;
use crate::rows::{self, Judged};
use crate::rules::{ReportFacts, SiteFacts, Unwatched};
use crate::sessions::{self, Near, Wrappers};
use crate::statement::{Outcome, Schema};
use crate::surroundings::{Around, Included, Place};
use crate::walk::{Found, relative};
use crate::{fingerprint, routines, rules, suppress, wording};

/// Rust files larger than this are skipped, in bytes.
pub const MAX_RUST_FILE: u64 = 2 * 1024 * 1024;

/// The stack of every worker: SQL within the limits never exhausts it. Reserved, not touched.
const STACK: usize = 256 * 1024 * 1024;

/// What to look at, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// Files and folders to look at; empty means the whole project.
    pub paths: Vec<PathBuf>,
    /// Look at test code too.
    pub include_tests: bool,
    /// The day on which suppressions are judged.
    pub today: Date,
    /// Take suppressions into account.
    pub suppressions: bool,
    /// A text to take for the content of a file.
    pub overlay: Option<(PathBuf, String)>,
    /// Fingerprints of findings that are known.
    pub baseline: BTreeSet<String>,
    /// How far the run has come, for whoever watches it.
    pub progress: Arc<Progress>,
    /// Where what was read is kept for the next run; `None` keeps nothing.
    pub cache: Option<CachePlace>,
    /// Where schemas come from besides files.
    pub servers: Servers,
}

impl Options {
    /// The whole project without its test code, on a day.
    pub fn on(today: Date) -> Options {
        Options {
            paths: Vec::new(),
            include_tests: false,
            today,
            suppressions: true,
            overlay: None,
            baseline: BTreeSet::new(),
            progress: Arc::default(),
            cache: None,
            servers: Servers::default(),
        }
    }
}

/// How far a run has come. The numbers only grow.
#[derive(Debug, Default)]
pub struct Progress {
    /// How many Rust files there are to read; 0 until that is known.
    pub total: AtomicUsize,
    /// How many of them are read.
    pub done: AtomicUsize,
    /// How many of those were as the cache knew them.
    pub known: AtomicUsize,
}

/// Why a run could not be made.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The workers could not be started.
    #[error("the worker threads could not be started: {0}")]
    Workers(#[from] rayon::ThreadPoolBuildError),
    /// A glob of the policy file is wrong.
    #[error("`{glob}` is not a glob: {why}")]
    Glob {
        /// As written.
        glob: String,
        /// What is wrong.
        why: String,
    },
}

/// Checks a project that was loaded.
///
/// # Errors
/// The run could not be made at all. What could not be read or decided stands in the report.
pub fn check(project: Project, options: &Options) -> Result<Report, RunError> {
    let found = Found::of(&project.root, &options.paths, overlaid(options));
    Ok(run(&Disk::default(), project, &found, options)?.0)
}

/// Loads the project at `root`, as [`find_root`](tenantry_project::find_root) finds it, and checks it. Where the options
/// name a cache and nothing changed since the last run, its report comes back.
///
/// # Errors
/// The run could not be made at all. What could not be read or decided stands in the report.
pub fn check_at(root: &Path, options: &Options) -> Result<Report, RunError> {
    let found = Found::of(root, &options.paths, overlaid(options));
    let last = Last::of(root, &found, options);
    if let Some(report) = last.as_ref().and_then(|last| last.replay(&found, options)) {
        return Ok(report);
    }
    let disk = last.as_ref().map_or_else(Disk::default, |_| Disk::watched());
    let disk = disk.beside(options.servers.clone());
    let project = tenantry_project::load_from(&disk, root.to_path_buf());
    let (report, passed) = run(&disk, project, &found, options)?;
    if let Some(last) = last {
        last.keep(&report, &disk, &found, &passed, options);
    }
    Ok(report)
}

fn overlaid(options: &Options) -> Option<&Path> {
    options.overlay.as_ref().map(|(path, _)| path.as_path())
}

fn run(
    disk: &Disk,
    project: Project,
    found: &Found,
    options: &Options,
) -> Result<(Report, Vec<Passed>), RunError> {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build()?;
    pool.install(|| Ok(Run::new(disk, project, found, options)?.report()))
}

/// The database that decided a site and what was decided, or why deciding failed.
type JudgedSite = Result<(Option<usize>, Vec<Decision>), String>;

struct Run<'a> {
    options: &'a Options,
    disk: &'a Disk,
    found: &'a Found,
    root: PathBuf,
    policy: Option<Policy>,
    diagnostics: Vec<Diagnostic>,
    crates: Vec<(String, PathBuf)>,
    /// The crates by their folders; the first of those that share one.
    crate_at: HashMap<PathBuf, usize>,
    databases: Vec<Database>,
    files: Files,
    modules: Modules,
    /// What the guards of the workspace answer with.
    answers: Vec<Answer>,
    /// What the files of the workspace declare for chains of calls, by name.
    declared: Declarations,
    skipped: Vec<SkippedFile>,
    exclude: GlobSet,
    surfaces: Vec<(String, GlobSet)>,
    /// For crates, the folders of migrations that cargo does not watch for them.
    unwatched: Vec<(usize, Vec<String>)>,
    cache: Cache,
    /// What is kept of files that are passed over.
    entries: HashMap<String, Entry>,
    /// The files that are no files of the report.
    passed: Vec<Passed>,
}

struct RustFile {
    id: FileId,
    krate: usize,
    path_in_crate: String,
    matters: Matters,
    selected: bool,
    /// What is kept for the next run.
    entry: Option<Entry>,
}

/// What a file is read for.
#[derive(Clone, Copy, Default)]
struct Matters {
    /// It may hold sites or suppressions.
    sites: bool,
    /// It may define constants that other files name.
    constants: bool,
}

/// The constants of one file.
struct FoundConstants {
    constants: Vec<Constant>,
    /// Others were asked for.
    asked: bool,
    /// Why there may be more.
    failed: Option<String>,
    /// For the next run.
    reading: Option<Reading>,
}

impl RustFile {
    /// A reading of an earlier run.
    fn kept(&self, which: fn(&Readings) -> Option<Reading>) -> Option<Reading> {
        self.entry.as_ref()?.readings.as_ref().and_then(which)
    }

    fn set(&mut self, change: impl FnOnce(&mut Readings)) {
        if let Some(entry) = &mut self.entry {
            change(entry.readings.get_or_insert_default());
        }
    }
}

fn by_crate(files: &[&mut RustFile], found: &[FoundConstants]) -> BTreeMap<usize, Constants> {
    let mut known: BTreeMap<usize, Constants> = BTreeMap::new();
    for (rust, found) in files.iter().zip(found) {
        known.entry(rust.krate).or_default().extend(found.constants.clone());
    }
    known
}

enum Loaded {
    Text(String, Facts),
    Unread(String, bool, Option<Stat>),
    /// With a digest where the file system does not tell that it is unchanged.
    Irrelevant(Facts, Option<Digest>),
}

/// What the bytes of a file say.
#[derive(Default)]
struct Facts {
    matters: Matters,
    modules: Vec<ModuleFile>,
    answers: Vec<Answer>,
    declared: Vec<Declared>,
    /// For the next run; `None` where nothing is to be kept of the file.
    entry: Option<Entry>,
}

impl<'a> Run<'a> {
    fn new(
        disk: &'a Disk,
        project: Project,
        found: &'a Found,
        options: &'a Options,
    ) -> Result<Run<'a>, RunError> {
        let unwatched = project.unwatched();
        let policy = project.policy;
        let exclude = globs(policy.as_ref().map(|policy| policy.exclude.as_slice()).unwrap_or_default())?;
        let declared = policy.iter().flat_map(|policy| &policy.surfaces);
        let surfaces = declared
            .map(|(name, written)| Ok((name.clone(), globs(written)?)))
            .collect::<Result<Vec<_>, RunError>>()?;
        let mut crates: Vec<(String, PathBuf)> =
            project.crates.iter().map(|known| (known.name.clone(), known.folder.clone())).collect();
        crates.push((String::new(), project.root.clone()));
        let folders = crates.iter().enumerate().rev().map(|(at, (_, folder))| (folder.clone(), at));
        let crate_at = folders.collect();
        let skipped = project.skipped.iter().map(|skipped| SkippedFile {
            path: skipped.path.to_string_lossy().replace('\\', "/"),
            line: None,
            why: skipped.why.to_string(),
            failed: matches!(skipped.why, Unread::Failed(_)),
        });
        let mut skipped: Vec<SkippedFile> = skipped.collect();
        let mut diagnostics = project.diagnostics;
        diagnostics.extend(policy.iter().flat_map(unknown_rules));
        skipped.extend(found.skipped.iter().cloned());
        Ok(Run {
            options,
            disk,
            found,
            cache: Cache::none(),
            entries: HashMap::new(),
            passed: Vec::new(),
            root: project.root,
            policy,
            diagnostics,
            crates,
            crate_at,
            databases: project.databases,
            files: project.files,
            modules: Modules::default(),
            answers: Vec::new(),
            declared: Declarations::default(),
            skipped,
            exclude,
            surfaces,
            unwatched,
        })
    }

    fn report(mut self) -> (Report, Vec<Passed>) {
        let own = crate::sinks::on_disk(self.disk, &self.root, &mut self.files, &mut self.diagnostics);
        let sinks = own.as_slice();
        let policy = self.policy.as_ref().and_then(|policy| policy.file).map(|file| self.files.text(file));
        let depends = format!("{policy:?}\0{sinks:?}");
        self.cache = Cache::open(self.options.cache.as_ref(), &self.root, &depends);
        let paths = self.paths();
        let scanned = paths.iter().filter(|path| self.found.is_selected(path)).count();
        let mut rust = self.load(paths, sinks);
        let constants = self.constants(&mut rust);
        // The others were loaded for their constants.
        let (mut rust, mut others): (Vec<RustFile>, Vec<RustFile>) =
            rust.into_iter().partition(|rust| rust.matters.sites);
        let (read, included) = self.read(&mut rust, &constants, sinks);
        self.files.append(included);
        self.keep(rust.iter_mut().chain(&mut others));
        let passed = std::mem::take(&mut self.passed);
        (self.conclude(rust, read, &constants, sinks, scanned), passed)
    }

    /// The Rust files to look at, sorted.
    fn paths(&mut self) -> Vec<PathBuf> {
        for folder in &self.found.others {
            let path = relative(&self.root, folder);
            if !self.exclude.is_match(&path) {
                let why = format!("is a project of its own: run `cargo tenantry check {path}`");
                self.skipped.push(SkippedFile { path, line: None, why, failed: false });
            }
        }
        let found = self.found.paths.iter();
        found.filter(|path| !self.exclude.is_match(relative(&self.root, path))).cloned().collect()
    }

    fn load(&mut self, paths: Vec<PathBuf>, sinks: &[SinkLibrary]) -> Vec<RustFile> {
        let prefilter = Prefilter::new(sinks);
        let overlay = self.options.overlay.as_ref();
        let trust = self.policy.as_ref().map(|policy| &policy.trust);
        let guards: Vec<&str> = trust.map(tenantry_source::guard_names).unwrap_or_default();
        let load = |path: &PathBuf| match overlay {
            Some((over, text)) if over == path => {
                let constants = tenantry_source::may_define_constants(text);
                let matters = Matters { sites: true, constants };
                let modules = tenantry_source::module_files(text);
                let answers = tenantry_source::answers(text, &guards);
                let declared = declarations(text);
                Loaded::Text(text.clone(), Facts { matters, modules, answers, declared, entry: None })
            }
            _ => self.load_file(path, &prefilter, &guards),
        };
        let loaded: Vec<Loaded> = paths.par_iter().map(load).collect();
        let mut rust = Vec::new();
        for (path, loaded) in paths.iter().zip(loaded) {
            let shown = relative(&self.root, path);
            let selected = self.found.is_selected(path);
            match loaded {
                Loaded::Irrelevant(facts, digest) => {
                    self.answers.extend(facts.answers);
                    if !facts.modules.is_empty() || !facts.declared.is_empty() {
                        let (krate, path_in_crate) = self.in_crate(path);
                        self.modules.extend(krate, &path_in_crate, facts.modules);
                        self.declare(krate, &path_in_crate, facts.declared);
                    }
                    let stat = facts.entry.as_ref().and_then(|entry| entry.stat);
                    self.passed.push(Passed { path: shown.clone(), stat, digest });
                    self.entries.extend(facts.entry.map(|entry| (shown, entry)));
                }
                Loaded::Unread(_, _, stat) if !selected => {
                    self.passed.push(Passed { path: shown, stat, digest: None });
                }
                Loaded::Unread(why, failed, stat) => {
                    self.passed.push(Passed { path: shown.clone(), stat, digest: None });
                    self.skipped.push(SkippedFile { path: shown, line: None, why, failed });
                }
                Loaded::Text(text, facts) => {
                    let id = self.files.add(shown, text);
                    let (krate, path_in_crate) = self.in_crate(path);
                    self.modules.extend(krate, &path_in_crate, facts.modules);
                    self.answers.extend(facts.answers);
                    self.declare(krate, &path_in_crate, facts.declared);
                    let Facts { matters, mut entry, .. } = facts;
                    let readings = entry.as_mut().and_then(|entry| entry.readings.as_mut());
                    if let Some(readings) =
                        readings.filter(|readings| readings.path_in_crate != path_in_crate)
                    {
                        let path_in_crate = path_in_crate.clone();
                        *readings =
                            Readings { digest: readings.digest, path_in_crate, ..Readings::default() };
                    }
                    rust.push(RustFile { id, krate, path_in_crate, matters, selected, entry });
                }
            }
        }
        rust
    }

    /// Reads a file, or passes it over, as its bytes say or as is known from before.
    fn load_file(&self, path: &Path, prefilter: &Prefilter, guards: &[&str]) -> Loaded {
        let shown = relative(&self.root, path);
        let known = self.cache.entry(&shown);
        let stat = self.cache.stat(path);
        if let Some(known) = known
            && stat.is_some()
            && known.stat == stat
            && !known.sites
            && !known.constants
        {
            let (modules, answers) = (known.modules.clone(), known.answers.clone());
            let declared = known.declared.clone();
            let entry = Some(known.clone());
            let facts = Facts { modules, answers, declared, entry, ..Facts::default() };
            return Loaded::Irrelevant(facts, None);
        }
        // Before the prefilter, which reads text: what is not text is listed, never passed over.
        let text = match tenantry_project::read_file(path, MAX_RUST_FILE) {
            Ok(text) => text,
            Err(why) => return Loaded::Unread(why.to_string(), matches!(why, Unread::Failed(_)), stat),
        };
        let readings = known.and_then(|known| known.readings.as_ref());
        let digest = readings.map(|_| cache::digest(text.as_bytes()));
        let mut entry = match known {
            Some(known) if readings.is_some_and(|known| Some(known.digest) == digest) => known.clone(),
            _ => Entry {
                stat: None,
                sites: prefilter.may_matter(text.as_bytes()) || tenantry_source::may_wrap(&text),
                constants: tenantry_source::may_define_constants(&text),
                modules: tenantry_source::module_files(&text),
                answers: tenantry_source::answers(&text, guards),
                declared: declarations(&text),
                readings: None,
            },
        };
        entry.stat = stat;
        let (modules, answers) = (entry.modules.clone(), entry.answers.clone());
        let declared = entry.declared.clone();
        let matters = Matters { sites: entry.sites, constants: entry.constants };
        if (entry.sites || entry.constants) && entry.readings.is_none() && self.cache.is_on() {
            let digest = digest.unwrap_or_else(|| cache::digest(text.as_bytes()));
            entry.readings = Some(Readings { digest, ..Readings::default() });
        }
        let entry = self.cache.is_on().then_some(entry);
        if matters.sites || matters.constants {
            Loaded::Text(text, Facts { matters, modules, answers, declared, entry })
        } else if text.contains('\0') {
            Loaded::Unread("holds NUL bytes, so that it may not be text".to_owned(), false, stat)
        } else {
            let unsure = stat.is_none() && self.cache.is_on();
            let digest = unsure.then(|| cache::digest(text.as_bytes()));
            Loaded::Irrelevant(Facts { matters, modules, answers, declared, entry }, digest)
        }
    }

    /// Takes in what a file declares for chains of calls.
    fn declare(&mut self, krate: usize, path_in_crate: &str, declared: Vec<Declared>) {
        let name = self.crates.get(krate).map_or("", |(name, _)| name);
        for declared in declared {
            let declared = declared.at(name, path_in_crate);
            self.declared.add(declared);
        }
    }

    /// Folders of migrations that crates with marks do not watch.
    fn unwatched(&self, marks: &[(Mark, usize)]) -> Vec<Unwatched> {
        let mut found = Vec::new();
        for (krate, folders) in &self.unwatched {
            let proved = |mark: &&(Mark, usize)| {
                let path = self.root.join(suppress::path(&self.files, mark.0.span.file));
                mark.0.kind == MarkKind::Scoped && self.in_crate(&path).0 == *krate
            };
            let Some((mark, _)) = marks.iter().find(proved) else { continue };
            found.extend(folders.iter().map(|folder| Unwatched {
                mark: mark.span,
                krate: self.name_of(*krate).to_owned(),
                folder: folder.clone(),
            }));
        }
        found
    }

    /// Keeps what was read for the next run.
    fn keep<'r>(&mut self, rust: impl Iterator<Item = &'r mut RustFile>) {
        let mut entries = std::mem::take(&mut self.entries);
        entries
            .extend(rust.filter_map(|rust| Some((suppress::path(&self.files, rust.id), rust.entry.take()?))));
        self.cache.store(entries);
    }

    /// The file's crate and its path there.
    fn in_crate(&self, path: &Path) -> (usize, String) {
        let krate = self.crate_of(path);
        let folder = self.crates.get(krate).map_or(self.root.as_path(), |(_, folder)| folder);
        (krate, relative(folder, path))
    }

    /// The crate whose folder is the nearest above; the last entry stands for none.
    fn crate_of(&self, path: &Path) -> usize {
        let nearest = path.ancestors().find_map(|folder| self.crate_at.get(folder));
        nearest.copied().unwrap_or(0)
    }

    fn source<'f>(&'f self, rust: &'f RustFile) -> SourceFile<'f> {
        SourceFile { file: rust.id, path: &rust.path_in_crate, text: self.files.text(rust.id) }
    }

    /// The constants of each crate. What is made of other constants is read twice, so that it is whole.
    fn constants(&mut self, rust: &mut [RustFile]) -> BTreeMap<usize, Constants> {
        let named = self.named_constants(rust);
        let mut with: Vec<&mut RustFile> =
            rust.iter_mut().filter(|rust| rust.matters.constants && named.contains(&rust.id)).collect();
        let nothing = BTreeMap::new();
        let lone = |readings: &Readings| readings.lone_constants.clone();
        let all = |readings: &Readings| readings.all_constants.clone();
        let mut found: Vec<FoundConstants> =
            with.par_iter().map(|rust| self.constants_of(rust, &nothing, lone)).collect();
        for (rust, found) in with.iter_mut().zip(&mut found) {
            rust.set(|readings| readings.lone_constants = found.reading.take());
        }
        let first = by_crate(&with, &found);
        let again: Vec<usize> =
            found.iter().enumerate().filter(|(_, found)| found.asked).map(|(at, _)| at).collect();
        let second: Vec<FoundConstants> =
            again.par_iter().filter_map(|at| Some(self.constants_of(with.get(*at)?, &first, all))).collect();
        for (at, mut second) in again.into_iter().zip(second) {
            if let (Some(found), Some(rust)) = (found.get_mut(at), with.get_mut(at)) {
                rust.set(|readings| readings.all_constants = second.reading.take());
                *found = second;
            }
        }
        let known = by_crate(&with, &found);
        let failed = with.iter().zip(found).filter_map(|(rust, found)| {
            let path = suppress::path(&self.files, rust.id);
            // Where the file is read for its sites too, the panic shows again and is told then.
            let why = found.failed.filter(|_| !rust.matters.sites)?;
            Some(SkippedFile { path, line: None, why, failed: true })
        });
        let failed: Vec<SkippedFile> = failed.collect();
        self.skipped.extend(failed);
        known
    }

    /// The files that define a constant whose name stands in a file that is read for its sites, or in another of these.
    fn named_constants(&self, rust: &[RustFile]) -> HashSet<FileId> {
        let with = rust.iter().filter(|rust| rust.matters.constants);
        let mut declaring: HashMap<&str, Vec<FileId>> = HashMap::new();
        for rust in with {
            for name in tenantry_source::constant_names(self.files.text(rust.id)) {
                declaring.entry(name).or_default().push(rust.id);
            }
        }
        let mut named = HashSet::new();
        let sites = rust.iter().filter(|rust| rust.matters.sites);
        let mut queue: Vec<FileId> = sites.map(|rust| rust.id).collect();
        let mut seen: HashSet<FileId> = HashSet::new();
        while let Some(id) = queue.pop() {
            if declaring.is_empty() || !seen.insert(id) {
                continue;
            }
            for name in tenantry_source::names(self.files.text(id)) {
                for declares in declaring.get(name).into_iter().flatten() {
                    if named.insert(*declares) {
                        queue.push(*declares);
                    }
                }
            }
        }
        named
    }

    fn constants_of(
        &self,
        rust: &RustFile,
        known: &BTreeMap<usize, Constants>,
        kept: fn(&Readings) -> Option<Reading>,
    ) -> FoundConstants {
        let files = Mutex::new(Included::after(&self.files));
        let around = || self.around(rust, known.get(&rust.krate), &files);
        if let Some(reading) = rust.kept(kept)
            && let Some(constants) = around().replay(&reading)
        {
            let asked = reading.asks_for_constants();
            return FoundConstants { constants, asked, failed: None, reading: Some(reading) };
        }
        let around = around();
        let read = survive(|| tenantry_source::constants(&self.source(rust), &around));
        proc_macro2::extra::invalidate_current_thread_spans();
        let asked = around.asked_for_constants();
        match read {
            Ok(mut constants) => {
                // The ids of included files are not the run's; a text from one is read again where it is used.
                constants.retain(|constant| constant.texts.iter().all(|text| self.is_loaded(text)));
                let reading = rust.entry.as_ref().map(|_| around.reading(&constants));
                FoundConstants { constants, asked, failed: None, reading }
            }
            Err(why) => FoundConstants { constants: Vec::new(), asked, failed: Some(why), reading: None },
        }
    }

    /// What surrounds a file while it is read.
    fn around<'r>(
        &'r self,
        rust: &'r RustFile,
        constants: Option<&'r Constants>,
        included: &'r Mutex<Included>,
    ) -> Around<'r> {
        let krate = self.crates.get(rust.krate);
        let folder = krate.map(|(_, folder)| folder.as_path());
        let krate = krate.map_or("", |(name, _)| name.as_str());
        let (disk, files) = (self.disk, &self.files);
        let digests = rust.entry.is_some();
        Around::new(
            Place {
                disk,
                root: &self.root,
                files,
                rust: rust.id,
                folder,
                krate,
                answers: &self.answers,
                declared: &self.declared,
            },
            constants,
            included,
            digests,
        )
    }

    fn is_loaded(&self, text: &SqlText) -> bool {
        text.pieces.iter().all(|piece| (piece.span().file.0 as usize) < self.files.len())
    }

    fn read(
        &self,
        rust: &mut [RustFile],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) -> (Vec<Result<FileSites, String>>, Files) {
        let files = Mutex::new(Included::after(&self.files));
        let no_trust = Trust::default();
        let trust = self.policy.as_ref().map_or(&no_trust, |policy| &policy.trust);
        let prefilter = Prefilter::new(sinks);
        let read = |rust: &mut RustFile| {
            let (found, reading) = {
                let around = || self.around(rust, constants.get(&rust.krate), &files);
                let kept = rust.kept(|readings| readings.sites.clone());
                let known = kept.and_then(|reading| Some((around().replay(&reading)?, reading)));
                match known {
                    Some((found, reading)) => {
                        self.options.progress.known.fetch_add(1, Ordering::Relaxed);
                        (Ok(found), Some(reading))
                    }
                    None => {
                        let around = around();
                        let source = self.source(rust);
                        let found = survive(|| {
                            tenantry_source::read_with(&prefilter, &source, sinks, trust, &around)
                        });
                        // The places of a file that was read are of no more use, and are many.
                        proc_macro2::extra::invalidate_current_thread_spans();
                        let kept = found.as_ref().ok().filter(|_| rust.entry.is_some());
                        let reading = kept.map(|found| around.reading(found));
                        (found, reading)
                    }
                }
            };
            rust.set(|readings| readings.sites = reading);
            self.options.progress.done.fetch_add(1, Ordering::Relaxed);
            found
        };
        self.options.progress.total.store(rust.len(), Ordering::Relaxed);
        let read = rust.par_iter_mut().map(read).collect();
        let included = files.into_inner().unwrap_or_else(PoisonError::into_inner);
        (read, included.into_files())
    }

    fn conclude(
        mut self,
        rust: Vec<RustFile>,
        read: Vec<Result<FileSites, String>>,
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
        scanned: usize,
    ) -> Report {
        for (rust, found) in rust.iter().zip(&read) {
            let found = found.as_ref().map_or(&[][..], |found| &found.test_modules);
            self.modules.extend_tests(rust.krate, found);
        }
        let followed = self.follow_helpers(&rust, &read, constants, sinks);
        let files = rust.iter().zip(&read).filter_map(|(rust, found)| Some((rust.id, found.as_ref().ok()?)));
        let wrappers = Wrappers::of(files, self.crates.iter().map(|(name, _)| name.as_str()));
        // What is not selected was read for its constants and for what it says of the others.
        let (rust, read): (Vec<RustFile>, Vec<_>) =
            rust.into_iter().zip(read).filter(|(rust, _)| rust.selected).unzip();
        let mut suppressions: Vec<(Suppression, bool)> = Vec::new();
        let mut queries: Vec<(usize, QuerySite)> = Vec::new();
        let mut sessions: HashMap<FileId, Vec<Session>> = HashMap::new();
        let mut marks: Vec<(Mark, usize)> = Vec::new();
        let mut excused: Vec<bool> = Vec::new();
        for (rust, found) in rust.iter().zip(read) {
            let text = self.files.text(rust.id);
            let lines = LineIndex::new(text);
            let path = suppress::path(&self.files, rust.id);
            let found = match found {
                Ok(found) => found,
                Err(why) => {
                    self.skipped.push(SkippedFile { path, line: None, why, failed: true });
                    continue;
                }
            };
            self.skipped.extend(found.skipped.iter().map(|(range, why)| SkippedFile {
                path: path.clone(),
                line: Some(lines.line(range.start) + 1),
                why: why.clone(),
                failed: false,
            }));
            sessions.insert(rust.id, found.sessions);
            let in_test = self.modules.is_test(rust.krate, &rust.path_in_crate);
            let sites = found.sites.into_iter();
            let (kept, dropped): (Vec<QuerySite>, Vec<QuerySite>) = sites
                .map(|site| QuerySite { is_test: site.is_test || in_test, ..site })
                .partition(|site| self.options.include_tests || !site.is_test);
            suppressions.extend(found.suppressions.into_iter().map(|suppression| {
                let covers = |site: &QuerySite| overlap(suppression.covers, site.span.range);
                let excused = dropped.iter().any(covers);
                (suppression, excused)
            }));
            for mark in found.marks {
                let inside = |site: &&QuerySite| mark.covers.contains_range(site.span.range);
                excused.push(dropped.iter().any(|site| inside(&site)));
                let sites = kept.iter().chain(&dropped).filter(inside).count();
                marks.push((mark, sites));
            }
            let is_replaced = |site: &QuerySite| {
                followed.settled.contains(&site.span) && helpers::is_handed(site)
                    || followed.sure.contains(&site.span) && helpers::is_guess(site)
            };
            let kept = kept.into_iter().filter(|site| !is_replaced(site));
            queries.extend(kept.map(|site| (rust.krate, site)));
        }
        let is_selected = |site: &QuerySite| {
            let path = self.root.join(suppress::path(&self.files, site.span.file));
            self.found.is_selected(&path) && (self.options.include_tests || !site.is_test)
        };
        for (mark, sites) in &mut marks {
            let inside = |(_, site): &&(usize, QuerySite)| {
                site.span.file == mark.span.file && mark.covers.contains_range(site.span.range)
            };
            *sites += followed.calls.iter().filter(inside).count();
        }
        queries.extend(followed.calls.into_iter().filter(|(_, site)| is_selected(site)));
        suppressions.extend(self.sql_suppressions(&queries));
        queries.sort_by_cached_key(|(_, site)| {
            (suppress::path(&self.files, site.span.file), site.span.range, site.call.clone())
        });

        let databases = self.databases(sinks);
        let judge =
            |(krate, site): &(usize, QuerySite)| survive(|| databases.judge(self.name_of(*krate), site));
        let mut judged: Vec<JudgedSite> = queries.par_iter().map(judge).collect();
        self.judge_by_checks(&mut queries, &mut judged, constants, sinks);
        self.judge_at_calls(&mut queries, &mut judged, constants, sinks);
        self.judge_by_sessions(&queries, &mut judged, sinks, &sessions, &wrappers);
        let before = self.judge_by_rows(&queries, &mut judged, sinks);
        let mut called = self.judge_by_callers(&queries, &mut judged, constants, sinks);
        self.judge_again_by_rows(&queries, &mut judged, sinks, before);
        self.doubt_by_rows(&queries, &mut judged, sinks);
        let mut claims: HashMap<FileId, Vec<Mark>> = HashMap::new();
        for (mark, _) in &marks {
            claims.entry(mark.span.file).or_default().push(mark.clone());
        }
        let forms = Forms::of(queries.iter().map(|(_, site)| site));
        let mut sites = Vec::new();
        let mut findings = Vec::new();
        for (index, ((krate, site), judged)) in queries.iter().zip(judged).enumerate() {
            let (database, decisions) = judged.unwrap_or_else(|why| {
                let line = line_col(&self.files, site.span).line;
                let path = suppress::path(&self.files, site.span.file);
                self.skipped.push(SkippedFile { path, line: Some(line), why: why.clone(), failed: true });
                (None, vec![unseen(ObstacleKind::Limit, why, None)])
            });
            let schema = database.and_then(|at| self.databases.get(at)).map(schema);
            let claim = claims.get(&site.span.file).map_or(Claim::Unmarked, |marks| claim_of(marks, site));
            let policy = self.policy.as_ref();
            let facts = SiteFacts { files: &self.files, policy, schema, site, claim, index };
            let mut told = rules::check_site(&facts, &decisions);
            if !told.is_empty()
                && let Some(schema) = schema
                && let Ok(Some(fix)) =
                    survive(|| fixes::propose(schema, &self.files, site, &decisions, &forms))
            {
                told.iter_mut().for_each(|finding| finding.fix = Some(fix.clone()));
            }
            findings.extend(told);
            let callers = called.remove(&index).unwrap_or_default();
            sites.push(SiteReport { callers, claim, ..self.site(*krate, site, database, decisions) });
        }
        let (policy, today) = (self.policy.as_ref(), self.options.today);
        findings.extend(rules::check_schemas(&self.files, &self.databases, policy, today));
        let mut entries = Vec::new();
        if self.options.suppressions {
            let partial = !self.options.paths.is_empty() || self.options.overlay.is_some();
            entries.extend(suppress::of_source(suppressions));
            let marks = marks.iter().map(|(mark, _)| mark).zip(excused);
            entries.extend(suppress::of_marks(marks));
            entries.extend(self.policy.iter().flat_map(|policy| suppress::of_policy(policy, partial)));
        }
        suppress::apply(&self.files, self.options.today, &sites, &mut findings, &mut entries);
        let unwatched = self.unwatched(&marks);
        let whole = ReportFacts {
            suppressions: &entries,
            today: self.options.today,
            marks: &marks,
            unwatched: &unwatched,
        };
        findings.extend(rules::check_report(&self.files, self.policy.as_ref(), &whole));
        findings.sort_by_cached_key(|finding| {
            let path = suppress::path(&self.files, finding.primary.file);
            (path, finding.primary.range, finding.rule, finding.message.clone())
        });
        fingerprint::assign(&self.files, &sites, &mut findings);
        let stale_baseline = apply_baseline(&self.options.baseline, &mut findings);
        dispose(&mut sites, &findings);
        self.skipped.sort();
        self.skipped.dedup();
        let routines = routines::judged(&self.files, &self.databases);
        let coverage = Coverage::of(&sites, &routines, self.surfaces.iter().map(|(name, _)| name));
        Report {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            today: self.options.today,
            databases: self.databases.iter().map(summary).collect(),
            diagnostics: self.diagnostics,
            files: self.files,
            sites,
            helpers: followed.helpers,
            routines,
            findings,
            skipped: self.skipped,
            scanned,
            coverage,
            stale_baseline,
        }
    }

    /// Suppressions in what sites run: comments of the `.sql` files that they include cover a statement of the file, those
    /// in a literal the whole literal.
    fn sql_suppressions(&self, queries: &[(usize, QuerySite)]) -> Vec<(Suppression, bool)> {
        let mut included: BTreeSet<FileId> = BTreeSet::new();
        let mut written: BTreeMap<Span, Vec<Suppression>> = BTreeMap::new();
        for piece in queries.iter().flat_map(|(_, site)| &site.texts).flat_map(|text| &text.pieces) {
            match piece {
                Piece::Literal { span, .. }
                    if self.files.path(span.file).extension().is_some_and(|end| end == "sql") =>
                {
                    included.insert(span.file);
                }
                Piece::Literal { span, .. } => {
                    written.entry(*span).or_insert_with(|| suppress::in_literal(piece));
                }
                Piece::Hole { .. } | Piece::Built { .. } | Piece::Name { .. } | Piece::Placeholder { .. } => {
                }
            }
        }
        let comments =
            included.into_iter().flat_map(|file| tenantry_source::sql_comments(file, self.files.text(file)));
        let written = written.into_values().flatten();
        comments.chain(written).map(|suppression| (suppression, false)).collect()
    }

    /// Puts the calls of functions that return a row in the place of the queries of these, where callers check the row.
    fn judge_at_calls(
        &mut self,
        queries: &mut Vec<(usize, QuerySite)>,
        judged: &mut Vec<JudgedSite>,
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) {
        let is_open = |judged: &JudgedSite| {
            judged.as_ref().is_ok_and(|(_, all)| worst(all) != Outcome::Scoped && all.len() == 1)
        };
        let open = queries.iter().zip(judged.iter()).filter(|(_, judged)| is_open(judged));
        let open: Vec<&QuerySite> = open.map(|((_, site), _)| site).collect();
        let asked = returned::asked(open.iter().copied());
        if asked.is_empty() {
            return;
        }
        let methods = returned::methods(open.into_iter());
        let mut files = std::mem::take(&mut self.files);
        let workspace = self.workspace(constants, sinks);
        let callers = workspace.read_rows(&mut files, &asked);
        let methods = workspace.functions(&mut files, methods);
        let mut found: BTreeMap<usize, Vec<QuerySite>> = BTreeMap::new();
        for (at, ((_, site), judged)) in queries.iter().zip(judged.iter()).enumerate() {
            if is_open(judged) && returned::is_returned(site) {
                found.insert(at, returned::calls(site, &callers, &methods));
            }
        }
        let names = checked::asked(found.values().flatten());
        let checking = workspace.functions(&mut files, names);
        self.files = files;
        let databases = self.databases(sinks);
        let crates = self.crate_names();
        let mut replaced: BTreeMap<usize, Vec<(QuerySite, JudgedSite)>> = BTreeMap::new();
        for (at, calls) in found {
            let Some((krate, _)) = queries.get(at) else { continue };
            let judge = |mut site: QuerySite| {
                let checks = checked::checks(&site, &checking, &crates);
                site.checks.extend(checks);
                let judged = survive(|| databases.judge(self.name_of(*krate), &site));
                (site, judged)
            };
            let calls: Vec<(QuerySite, JudgedSite)> = calls.into_iter().map(judge).collect();
            let is_scoped =
                |judged: &JudgedSite| judged.as_ref().is_ok_and(|(_, all)| worst(all) == Outcome::Scoped);
            if calls.iter().any(|(_, judged)| is_scoped(judged)) {
                replaced.insert(at, calls);
            }
        }
        if replaced.is_empty() {
            return;
        }
        let both = std::mem::take(queries).into_iter().zip(std::mem::take(judged));
        let mut all: Vec<((usize, QuerySite), JudgedSite)> = Vec::new();
        for (at, ((krate, site), judged)) in both.enumerate() {
            match replaced.remove(&at) {
                Some(calls) => {
                    all.extend(calls.into_iter().map(|(site, judged)| ((krate, site), judged)));
                }
                None => all.push(((krate, site), judged)),
            }
        }
        all.sort_by_cached_key(|((_, site), _)| {
            (suppress::path(&self.files, site.span.file), site.span.range, site.call.clone())
        });
        (*queries, *judged) = all.into_iter().unzip();
    }

    /// The names of the workspace's crates, as Rust paths write them.
    fn crate_names(&self) -> HashSet<String> {
        self.crates.iter().map(|(name, _)| name.replace('-', "_")).collect()
    }

    /// Decides anew the sites whose row is handed to functions that may compare it.
    fn judge_by_checks(
        &mut self,
        queries: &mut [(usize, QuerySite)],
        judged: &mut [JudgedSite],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) {
        let is_open =
            |judged: &JudgedSite| judged.as_ref().is_ok_and(|(_, all)| worst(all) != Outcome::Scoped);
        let open = queries.iter().zip(judged.iter()).filter(|(_, judged)| is_open(judged));
        let names = checked::asked(open.map(|((_, site), _)| site));
        if names.is_empty() {
            return;
        }
        let mut files = std::mem::take(&mut self.files);
        let callers = self.workspace(constants, sinks).functions(&mut files, names);
        self.files = files;
        let databases = self.databases(sinks);
        let crates = self.crates.iter().map(|(name, _)| name.replace('-', "_")).collect();
        for ((krate, site), judged) in queries.iter_mut().zip(judged).filter(|(_, judged)| is_open(judged)) {
            let checks = checked::checks(site, &callers, &crates);
            if !checks.is_empty() {
                site.checks.extend(checks);
                *judged = survive(|| databases.judge(self.name_of(*krate), site));
            }
        }
    }

    /// Decides anew the sites on tables that are restricted by policies: where their connection had the setting set.
    fn judge_by_sessions(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
        sessions: &HashMap<FileId, Vec<Session>>,
        wrappers: &Wrappers,
    ) {
        let secured = |database: &Database| {
            let mut tables = database.catalog.tables.values();
            database.tenancy.app_role.is_some() && tables.any(|table| table.row_security.enabled)
        };
        if !self.databases.iter().any(secured) {
            return;
        }
        let mut by_file: HashMap<FileId, Vec<&QuerySite>> = HashMap::new();
        for (_, site) in queries {
            by_file.entry(site.span.file).or_default().push(site);
        }
        let databases = self.databases(sinks);
        let anew = |(at, ((krate, site), judged)): (usize, (&(usize, QuerySite), &JudgedSite))| {
            let Ok((Some(database), decisions)) = judged else { return None };
            let database = self.databases.get(*database).filter(|database| secured(database))?;
            let only = databases.fitting(self.name_of(*krate), site).len() == 1;
            if !only || worst(decisions) == Outcome::Scoped {
                return None;
            }
            let schema = Schema { policies: Policies::Applied, ..schema(database) };
            let texts = site.texts.iter().filter_map(|text| text.known_in(schema.dialect, &[]));
            let touched =
                survive(|| texts.into_iter().any(|sql| schema.bind(&sql).iter().any(|one| one.is_secured())));
            if !touched.ok()? {
                return None;
            }
            let mut decisions = survive(|| decide::decide(schema, site)).ok()?;
            let near = Near {
                sites: by_file.get(&site.span.file)?.clone(),
                sessions: sessions.get(&site.span.file).map_or(&[][..], Vec::as_slice),
                wrappers,
            };
            survive(|| sessions::settle(schema, site, &near, &mut decisions)).ok()?;
            Some((at, decisions))
        };
        let both = queries.par_iter().zip(judged.par_iter()).enumerate();
        let found: Vec<(usize, Vec<Decision>)> = both.filter_map(anew).collect();
        for (at, decisions) in found {
            if let Some(Ok((_, known))) = judged.get_mut(at) {
                *known = decisions;
            }
        }
    }

    fn databases<'s>(&'s self, sinks: &'s [SinkLibrary]) -> Databases<'s> {
        Databases { all: &self.databases, has_crates: self.crates.len() > 1, sinks }
    }

    fn name_of(&self, krate: usize) -> &str {
        self.crates.get(krate).map_or("", |(name, _)| name)
    }

    /// Decides anew the sites that are bound to values of rows which earlier statements returned. Gives what was decided of
    /// them without those, by their indices.
    fn judge_by_rows(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
    ) -> BTreeMap<usize, Vec<Decision>> {
        let databases = self.databases(sinks);
        let mut before = BTreeMap::new();
        for _ in 0..rows::MAX_ROUNDS {
            let changed = self.judge_anew(queries, judged, |krate, site, near| {
                databases.judge_by_rows(self.name_of(krate), site, near)
            });
            if changed.is_empty() {
                break;
            }
            for (at, decisions) in changed {
                before.entry(at).or_insert(decisions);
            }
        }
        before
    }

    /// Decides again the sites that rest on rows of earlier ones, now that it is known who calls these: what uses a row is no
    /// better than what returned it. `before` is what was decided of them without the rows.
    fn judge_again_by_rows(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
        mut before: BTreeMap<usize, Vec<Decision>>,
    ) {
        let databases = self.databases(sinks);
        for _ in 0..rows::MAX_ROUNDS {
            let near = near(queries, judged);
            let anew = before.iter().filter_map(|(at, without)| {
                let (krate, site) = queries.get(*at)?;
                let (database, decisions) = judged.get(*at)?.as_ref().ok()?;
                if worst(decisions) != Outcome::Scoped {
                    return None;
                }
                let near: Vec<Judged<'_>> =
                    near.iter().filter(|(other, _, _)| other.span.file == site.span.file).copied().collect();
                let open = (site, *database, without.as_slice());
                let again =
                    survive(|| databases.judge_by_rows(self.name_of(*krate), open, &near)).ok().flatten();
                Some((*at, again))
            });
            let anew: Vec<(usize, Option<Vec<Decision>>)> = anew.collect();
            let mut any = false;
            for (at, again) in anew {
                any |= again.is_none();
                let decisions = again.or_else(|| before.remove(&at));
                if let (Some(Ok((_, known))), Some(decisions)) = (judged.get_mut(at), decisions) {
                    *known = decisions;
                }
            }
            if !any {
                break;
            }
        }
    }

    /// Takes back the findings that rest on rows of which other statements leave open whose they are.
    fn doubt_by_rows(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
    ) {
        let databases = self.databases(sinks);
        self.judge_anew(queries, judged, |_, site, near| databases.doubt_by_rows(site, near));
    }

    /// Decides sites anew by what was decided of the others of their files; gives those that this changed, with what was
    /// decided of them before.
    fn judge_anew(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        decide: impl Fn(usize, Judged<'_>, &[Judged<'_>]) -> Option<Vec<Decision>> + Sync,
    ) -> Vec<(usize, Vec<Decision>)> {
        let mut by_file: HashMap<FileId, Vec<Judged<'_>>> = HashMap::new();
        for ((_, site), judged) in queries.iter().zip(judged.iter()) {
            if let Ok((database, decisions)) = judged {
                by_file.entry(site.span.file).or_default().push((site, *database, decisions));
            }
        }
        let anew = |(at, ((krate, site), judged)): (usize, (&(usize, QuerySite), &JudgedSite))| {
            let Ok((database, decisions)) = judged else { return None };
            let near = by_file.get(&site.span.file)?;
            let decisions =
                survive(|| decide(*krate, (site, *database, decisions.as_slice()), near)).ok()??;
            Some((at, decisions))
        };
        let both = queries.par_iter().zip(judged.par_iter()).enumerate();
        let found: Vec<(usize, Vec<Decision>)> = both.filter_map(anew).collect();
        let mut changed = Vec::new();
        for (at, decisions) in found {
            if let Some(Ok((_, known))) = judged.get_mut(at) {
                changed.push((at, std::mem::replace(known, decisions)));
            }
        }
        changed
    }

    fn site(
        &self,
        krate: usize,
        site: &QuerySite,
        database: Option<usize>,
        decisions: Vec<Decision>,
    ) -> SiteReport {
        let path = suppress::path(&self.files, site.span.file);
        let outcome = worst(&decisions);
        let mut tables = BTreeSet::new();
        let mut assumptions = BTreeSet::new();
        for decision in &decisions {
            tables.extend(decision.tables.iter().map(|table| table.name.clone()));
            if let Verdict::Scoped(proof) = &decision.verdict {
                assumptions.extend(proof.assumptions.iter().cloned());
            }
        }
        SiteReport {
            span: site.span,
            item: site.item.clone(),
            krate: self.crates.get(krate).map(|(name, _)| name.clone()).unwrap_or_default(),
            library: site.library.clone(),
            call: site.call.clone(),
            runs_at: site.runs_at,
            database: database.and_then(|at| self.databases.get(at)).map(|database| database.name.clone()),
            texts: site.texts.iter().map(shown).collect(),
            sql: site.texts.clone(),
            binds: binds_of(site, &decisions),
            tables: tables.into_iter().filter(|table| !table.is_empty()).collect(),
            outcome,
            statements: decisions
                .into_iter()
                .map(|decision| StatementReport {
                    text: decision.text,
                    verdict: wording::of_verdict(site, decision.text, decision.verdict),
                })
                .collect(),
            assumptions: assumptions.into_iter().collect(),
            disposition: Disposition::New,
            claim: Claim::Unmarked,
            surfaces: self
                .surfaces
                .iter()
                .filter(|(_, globs)| globs.is_match(&path))
                .map(|(name, _)| name.clone())
                .collect(),
            cfgs: site.cfgs.clone(),
            is_test: site.is_test,
            callers: Vec::new(),
        }
    }

    /// What the calls of the workspace are read with.
    fn workspace<'w>(
        &'w self,
        constants: &'w BTreeMap<usize, Constants>,
        sinks: &'w [SinkLibrary],
    ) -> callers::Workspace<'w> {
        static NO_TRUST: LazyLock<Trust> = LazyLock::new(Trust::default);
        let sources = self.found.paths.iter().filter_map(|path| {
            let shown = relative(&self.root, path);
            let (krate, path_in_crate) = self.in_crate(path);
            let excluded = self.exclude.is_match(&shown);
            let is_test = self.modules.is_test(krate, &path_in_crate);
            (!is_test).then(|| callers::Source { path: path.clone(), shown, krate, path_in_crate, excluded })
        });
        callers::Workspace {
            sources: sources.collect(),
            overlay: self.options.overlay.as_ref(),
            trust: self.policy.as_ref().map_or(&NO_TRUST, |policy| &policy.trust),
            answers: &self.answers,
            constants,
            sinks,
            crates: &self.crates,
            declared: &self.declared,
            uses: Arc::new(self.declared.uses()),
        }
    }

    /// Follows places that run what their functions are handed to the calls of these functions.
    fn follow_helpers(
        &mut self,
        rust: &[RustFile],
        read: &[Result<FileSites, String>],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) -> Followed {
        let mut places: Vec<helpers::Place> = Vec::new();
        for (rust, found) in rust.iter().zip(read) {
            let in_test = self.modules.is_test(rust.krate, &rust.path_in_crate);
            let sites = found.iter().flat_map(|found| &found.sites);
            let handed = sites.filter(|site| !in_test && !site.is_test && helpers::is_handed(site));
            places.extend(handed.map(|site| (rust.krate, site.clone())));
        }
        if places.is_empty() {
            return Followed::default();
        }
        let mut files = std::mem::take(&mut self.files);
        let workspace = self.workspace(constants, sinks);
        let mut callers = Callers::new(Arc::new(self.declared.uses()));
        let known = read.iter().flatten().flat_map(|found| &found.sites);
        let known = known.filter(|site| !helpers::is_guess(site)).map(|site| site.span).collect();
        let read = |callers: &mut Callers, asked: &_| workspace.read_helpers(&mut files, callers, asked);
        let mut followed = helpers::follow(&places, &mut callers, &known, read);
        for (krate, site) in &mut followed.calls {
            *krate = self.in_crate(&self.root.join(suppress::path(&files, site.span.file))).0;
        }
        self.files = files;
        followed
    }

    /// Looks up who hands over what proofs take for granted of callers: what is settled, or what a request says. Gives the
    /// places that settled a site, by its index.
    fn judge_by_callers(
        &mut self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) -> HashMap<usize, Vec<(Span, String)>> {
        let all = callers::together(&demands(queries, judged));
        let mut files = std::mem::take(&mut self.files);
        let workspace = self.workspace(constants, sinks);
        let mut callers =
            if all.is_empty() { Callers::default() } else { workspace.callers(&mut files, &all) };
        let open = queries
            .iter()
            .zip(judged.iter())
            .filter(|(_, judged)| judged.as_ref().is_ok_and(|(_, decisions)| extracted::is_open(decisions)));
        let binds = open.flat_map(|((_, site), _)| site.binds.iter().flatten());
        let parts = extracted::asked(binds.chain(callers.arguments()));
        let extractors = (!parts.is_empty()).then(|| workspace.extractors(&mut files, &parts));
        self.files = files;
        let mut places = match &extractors {
            Some(extractors) => self.judge_by_extractors(extractors, queries, judged, &mut callers, sinks),
            None => HashMap::new(),
        };
        let demands = demands(queries, judged);
        let all = callers::together(&demands);
        if !all.is_empty() {
            places.extend(callers.apply(
                &self.files,
                &all,
                &demands,
                judged.iter_mut().map(|judged| judged.as_mut().ok().map(|(_, decisions)| decisions)),
            ));
        }
        places
    }

    /// Decides anew the sites that are bound to parts of values which extractors make, and takes in what callers hand over
    /// of these. Gives the places that settled a site, by its index.
    fn judge_by_extractors(
        &self,
        extractors: &Extractors,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        callers: &mut Callers,
        sinks: &[SinkLibrary],
    ) -> HashMap<usize, Vec<(Span, String)>> {
        let mut places = HashMap::new();
        let databases = self.databases(sinks);
        for _ in 0..rows::MAX_ROUNDS {
            let near = near(queries, judged);
            let anew = |(at, ((krate, site), judged)): (usize, (&(usize, QuerySite), &JudgedSite))| {
                let Ok((Some(database), decisions)) = judged else { return None };
                if !extracted::is_open(decisions) || databases.fitting(self.name_of(*krate), site).len() != 1
                {
                    return None;
                }
                let parts = extractors.parts(site, *database, &near);
                if parts.is_empty() {
                    return None;
                }
                if let Some(way) = extracted::asked_for(site, decisions, &parts) {
                    let mut blamed = decisions.clone();
                    callers::blame(&mut blamed, &[way], callers::takes_for_granted);
                    return Some((at, blamed, Vec::new()));
                }
                let (site, known, way) = extracted::with_parts(site, &parts);
                let schema = schema(self.databases.get(*database)?);
                let decisions = survive(|| decide::decide_knowing(schema, &site, &known)).ok()?;
                (!extracted::is_open(&decisions)).then_some((at, decisions, way))
            };
            let both = queries.par_iter().zip(judged.par_iter()).enumerate();
            let found: Vec<_> = both.filter_map(anew).collect();
            if found.is_empty() {
                break;
            }
            for (at, decisions, way) in found {
                if let Some(Ok((_, known))) = judged.get_mut(at) {
                    *known = decisions;
                }
                places.insert(at, way);
            }
        }
        let near = near(queries, judged);
        callers.know(|bind| extractors.argument(bind, &near));
        places
    }
}

/// What the proofs of sites take for granted of callers.
fn demands(queries: &[(usize, QuerySite)], judged: &[JudgedSite]) -> Vec<Option<callers::Demanded>> {
    let demands = queries.iter().zip(judged).map(|((_, site), judged)| {
        judged.as_ref().ok().and_then(|(_, decisions)| callers::demanded(site, decisions))
    });
    demands.collect()
}

/// All sites with what was decided.
fn near<'j>(queries: &'j [(usize, QuerySite)], judged: &'j [JudgedSite]) -> Vec<Judged<'j>> {
    let all = queries.iter().zip(judged).filter_map(|((_, site), judged)| {
        let (database, decisions) = judged.as_ref().ok()?;
        Some((site, *database, decisions.as_slice()))
    });
    all.collect()
}

/// What a file declares for chains of calls. The places of its syntax tree are of no use afterwards.
fn declarations(text: &str) -> Vec<Declared> {
    let declared = survive(|| tenantry_source::declarations(text)).unwrap_or_default();
    proc_macro2::extra::invalidate_current_thread_spans();
    declared
}

fn summary(database: &Database) -> DatabaseSummary {
    let skipped = database.catalog.skipped.iter();
    DatabaseSummary {
        name: database.name.clone(),
        dialect: database.dialect.as_str(),
        tables: database.catalog.tables.len(),
        inference: database.inference.as_ref().map(|inference| inference.paragraph.clone()),
        skipped: skipped.map(|skipped| (skipped.span, skipped.why.clone())).collect(),
    }
}

/// True if a text is Rust that is parsed as a whole.
pub fn parses(text: &str) -> bool {
    tenantry_prover::lower::on_deep_stack(|| {
        let parses = tenantry_source::parses(text);
        // The spans of a text are kept for its thread.
        proc_macro2::extra::invalidate_current_thread_spans();
        parses
    })
    .unwrap_or(false)
}

/// What is bound, and behind it what a check of the row compares it with, where a proof rests on one.
fn binds_of(site: &QuerySite, decisions: &[Decision]) -> Option<Vec<Bind>> {
    let by_guard = |decision: &Decision| match &decision.verdict {
        Verdict::Scoped(proof) => proof.basis == Basis::Guard,
        Verdict::Leaks(_) | Verdict::Undecided(_) => false,
    };
    let binds = site.binds.clone()?;
    let all = || site.all_binds().map(|(_, bind)| bind.clone()).collect();
    Some(if decisions.iter().any(by_guard) { all() } else { binds })
}

/// Runs a part of the work whose failure must not take the rest along: a panic becomes a sentence.
pub(crate) fn survive<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        format!("an internal error ended the work on it: {text}")
    })
}

/// Rules that the policy enables and that do not exist.
fn unknown_rules(policy: &Policy) -> Vec<Diagnostic> {
    let Some(file) = policy.file else { return Vec::new() };
    let unknown = policy.enable.iter().filter_map(|rule| {
        let problem = suppress::unknown_rule(&rule.value)?;
        Some(Diagnostic::error(Span::new(file, rule.range), problem))
    });
    unknown.collect()
}

/// What the innermost mark around a site says.
fn claim_of(marks: &[Mark], site: &QuerySite) -> Claim {
    match tenantry_source::mark_at(marks, site.span.range).map(|mark| mark.kind) {
        Some(MarkKind::Scoped) => Claim::Marked,
        Some(MarkKind::Deferred) => Claim::Deferred,
        Some(MarkKind::CrossTenant) => Claim::Excepted,
        Some(MarkKind::Integration) | None => Claim::Unmarked,
    }
}

/// A text for people and fingerprints, holes as `{…}`.
fn shown(text: &SqlText) -> String {
    let pieces = text.pieces.iter().map(|piece| match piece {
        Piece::Literal { value, .. } => value.clone(),
        Piece::Hole { text, .. } => format!("{{{text}}}"),
        Piece::Built { text, .. } => text.clone(),
        Piece::Name { name, .. } => format!("\"{name}\""),
        Piece::Placeholder { number, .. } => format!("${number}"),
    });
    pieces.collect()
}

/// A site whose findings are all suppressed is exempt; one whose findings are all old is baselined.
fn dispose(sites: &mut [SiteReport], findings: &[Finding]) {
    for (index, site) in sites.iter_mut().enumerate() {
        let mut about = findings.iter().filter(|finding| finding.site == Some(index));
        let Some(first) = about.next() else { continue };
        if first.disposition != Disposition::New && about.all(|other| other.disposition != Disposition::New) {
            site.disposition = first.disposition.clone();
        }
    }
}

/// Marks what is known; the entries that no longer occur are returned.
fn apply_baseline(baseline: &BTreeSet<String>, findings: &mut [Finding]) -> Vec<String> {
    let mut left = baseline.clone();
    for finding in findings {
        let known = left.remove(&finding.fingerprint);
        if known && finding.disposition == Disposition::New {
            finding.disposition = Disposition::Baselined;
        }
    }
    left.into_iter().collect()
}

fn overlap(a: TextRange, b: TextRange) -> bool {
    a.start < b.end && b.start < a.end
}

fn globs(written: &[Spanned<String>]) -> Result<GlobSet, RunError> {
    let wrong = |glob: &str, error: globset::Error| RunError::Glob {
        glob: glob.to_owned(),
        why: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for glob in written {
        set.add(Glob::new(&glob.value).map_err(|error| wrong(&glob.value, error))?);
    }
    set.build().map_err(|error| wrong("", error))
}

/// A span's start, as a line from 1 and a column from 1 in characters.
pub fn line_col(files: &Files, span: Span) -> tenantry_span::LineCol {
    let text = files.text(span.file);
    tenantry_span::LineCol::of(text, span.range.start)
}
