//! The run: read, decide, suppress.

mod judge;
mod load;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use globset::{Glob, GlobSet, GlobSetBuilder};
use rayon::prelude::*;
use tenantry_judge::databases::{Databases, schema, unseen, worst};
use tenantry_policy::{Date, Policy, Spanned};
use tenantry_project::{Database, Disk, Files, Project, Servers, Unread};
use tenantry_prover::verdict::{Basis, ObstacleKind, Verdict};
use tenantry_rules::SinkLibrary;
use tenantry_source::{
    Answer, Bind, Constants, FileSites, Mark, MarkKind, Piece, QuerySite, Session, SqlText, Suppression,
};
use tenantry_span::{Diagnostic, FileId, LineIndex, Severity, Span, TextRange};

use crate::cache::{Cache, CachePlace, CallCache, Entry, Last, Passed, Reading, Readings};
use crate::decide::Decision;
use crate::declared::Declarations;
use crate::fixes::{self, Forms};
use crate::helpers;
use crate::modules::Modules;
use crate::report::{
    Claim, Coverage, DatabaseSummary, Disposition, Finding, Report, SCHEMA_VERSION, SiteReport, SkippedFile,
    StatementReport,
};
use crate::rules::{ReportFacts, SiteFacts, Unwatched};
use crate::sessions::Wrappers;
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
    /// What was read of calls before.
    calls: CallCache,
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
        let declared = Declarations::of(&project.crates);
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
            calls: CallCache::default(),
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
            declared,
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
        let depends = format!("{policy:?}\0{sinks:?}\0{:?}", self.declared.renamed());
        self.cache = Cache::open(self.options.cache.as_ref(), &self.root, &depends);
        self.calls = CallCache::open(self.options.cache.as_ref(), &self.root, &depends);
        // What follows from a faulty configuration would be no verdict: it is told at once.
        let is_faulty = self.diagnostics.iter().any(|told| told.severity == Severity::Error);
        let paths = if is_faulty { Vec::new() } else { self.paths() };
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

    /// Folders of migrations that crates do not watch which have marks or, at `checked`, texts that are proved as well.
    fn unwatched(&self, marks: &[(Mark, usize)], checked: &BTreeMap<usize, Span>) -> Vec<Unwatched> {
        let mut found = Vec::new();
        for (krate, folders) in &self.unwatched {
            let proved = |mark: &&(Mark, usize)| {
                let path = self.root.join(suppress::path(&self.files, mark.0.span.file));
                mark.0.kind == MarkKind::Scoped && self.in_crate(&path).0 == *krate
            };
            let mark = marks.iter().find(proved).map(|(mark, _)| mark.span);
            let Some(mark) = mark.or_else(|| checked.get(krate).copied()) else { continue };
            found.extend(folders.iter().map(|folder| Unwatched {
                mark,
                krate: self.name_of(*krate).to_owned(),
                folder: folder.clone(),
            }));
        }
        found
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
        let mut checked: BTreeMap<usize, Span> = BTreeMap::new();
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
            if let Some(range) = tenantry_source::first_checked_text(text) {
                checked.entry(rust.krate).or_insert(Span::new(rust.id, range));
            }
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
        self.judge_by_makers(&mut queries, &mut judged, constants, sinks);
        self.judge_at_calls(&mut queries, &mut judged, constants, sinks);
        self.judge_by_sessions(&queries, &mut judged, sinks, &sessions, &wrappers);
        self.doubt_by_settings(&queries, &mut judged, &sessions, &wrappers);
        let visible = queries.len();
        self.add_calls(&mut queries, &mut judged, constants, sinks);
        let before = self.judge_by_rows(&queries, &mut judged, sinks);
        let mut called = self.judge_by_callers(&queries, &mut judged, constants, sinks);
        self.judge_again_by_rows(&queries, &mut judged, sinks, before);
        self.doubt_by_rows(&queries, &mut judged, sinks);
        queries.truncate(visible);
        judged.truncate(visible);
        // What rows and callers settled is decided by the setting as well.
        self.doubt_by_settings(&queries, &mut judged, &sessions, &wrappers);
        let paths = self.found.paths.iter().map(|path| relative(&self.root, path)).collect();
        std::mem::take(&mut self.calls).store(&paths);
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
        let unwatched = self.unwatched(&marks, &checked);
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

    fn databases<'s>(&'s self, sinks: &'s [SinkLibrary]) -> Databases<'s> {
        Databases { all: &self.databases, has_crates: self.crates.len() > 1, sinks }
    }

    fn name_of(&self, krate: usize) -> &str {
        self.crates.get(krate).map_or("", |(name, _)| name)
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
