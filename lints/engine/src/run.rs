//! The run: walk, read, decide, suppress.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use globset::{Glob, GlobSet, GlobSetBuilder};
use rayon::prelude::*;
use tenantry_policy::{Date, Policy, Spanned, Trust};
use tenantry_project::{Database, Files, POLICY_FILE, Project, Unread};
use tenantry_prover::verdict::{Obstacle, ObstacleKind, Verdict};
use tenantry_rules::SinkLibrary;
use tenantry_source::{
    Constants, FileSites, ModuleFile, Piece, Prefilter, QuerySite, SourceFile, SqlText, Suppression,
    Surroundings,
};
use tenantry_span::{Diagnostic, FileId, LineIndex, Span, TextRange};

use crate::decide::{Cause, Decision, decide, decide_knowing, of_one_tenant};
use crate::modules::Modules;
use crate::report::{
    Coverage, DatabaseSummary, Disposition, Finding, Report, SCHEMA_VERSION, SiteReport, SkippedFile,
    StatementReport,
};
use crate::rows::{self, Judged};
use crate::rules::{ReportFacts, SiteFacts};
use crate::statement::{Outcome, Schema};
use crate::{fingerprint, rules, suppress};

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
        }
    }
}

/// How far a run has come. Both numbers only grow.
#[derive(Debug, Default)]
pub struct Progress {
    /// How many Rust files there are to read; 0 until that is known.
    pub total: AtomicUsize,
    /// How many of them are read.
    pub done: AtomicUsize,
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

/// Checks a project.
///
/// # Errors
/// The run could not be made at all. What could not be read or decided stands in the report.
pub fn check(project: Project, options: &Options) -> Result<Report, RunError> {
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK).build()?;
    pool.install(|| Run::new(project, options)?.report())
}

/// The database that decided a site and what was decided, or why deciding failed.
type JudgedSite = Result<(Option<usize>, Vec<Decision>), String>;

struct Run<'a> {
    options: &'a Options,
    root: PathBuf,
    policy: Option<Policy>,
    diagnostics: Vec<Diagnostic>,
    crates: Vec<(String, PathBuf)>,
    databases: Vec<Database>,
    files: Files,
    modules: Modules,
    skipped: Vec<SkippedFile>,
    exclude: GlobSet,
    /// The parts that are looked at; empty means all.
    selected: Vec<PathBuf>,
    surfaces: Vec<(String, GlobSet)>,
}

struct RustFile {
    id: FileId,
    krate: usize,
    path_in_crate: String,
    selected: bool,
}

enum Loaded {
    Text(String, Vec<ModuleFile>),
    Unread(String, bool),
    Irrelevant(Vec<ModuleFile>),
}

impl<'a> Run<'a> {
    fn new(project: Project, options: &'a Options) -> Result<Run<'a>, RunError> {
        let policy = project.policy;
        let exclude = globs(policy.as_ref().map(|policy| policy.exclude.as_slice()).unwrap_or_default())?;
        let declared = policy.iter().flat_map(|policy| &policy.surfaces);
        let surfaces = declared
            .map(|(name, written)| Ok((name.clone(), globs(written)?)))
            .collect::<Result<Vec<_>, RunError>>()?;
        let mut crates: Vec<(String, PathBuf)> =
            project.crates.iter().map(|known| (known.name.clone(), known.folder.clone())).collect();
        crates.push((String::new(), project.root.clone()));
        let skipped = project.skipped.iter().map(|skipped| SkippedFile {
            path: skipped.path.to_string_lossy().replace('\\', "/"),
            line: None,
            why: skipped.why.to_string(),
            failed: matches!(skipped.why, Unread::Failed(_)),
        });
        let skipped = skipped.collect();
        let selected = options.paths.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
        Ok(Run {
            options,
            selected: selected.collect(),
            root: project.root,
            policy,
            diagnostics: project.diagnostics,
            crates,
            databases: project.databases,
            files: project.files,
            modules: Modules::default(),
            skipped,
            exclude,
            surfaces,
        })
    }

    fn report(mut self) -> Result<Report, RunError> {
        let own = crate::sinks::of_project(&self.root, &mut self.files, &mut self.diagnostics);
        let sinks = own.as_slice();
        let paths = self.walk();
        let scanned = paths.iter().filter(|path| self.is_selected(path)).count();
        let rust = self.load(paths, sinks);
        let constants = self.constants(&rust);
        let (read, files) = self.read(&rust, &constants, sinks);
        self.files = files;
        Ok(self.conclude(rust, read, sinks, scanned))
    }

    /// A folder with a policy file of its own is a project of its own: nothing in it is judged by this one's policy.
    fn leave_other_projects(&mut self, found: &mut BTreeSet<PathBuf>) {
        let mut known: BTreeMap<PathBuf, bool> = BTreeMap::new();
        let mut others = BTreeSet::new();
        found.retain(|path| {
            let folders = path.ancestors().skip(1).take_while(|folder| *folder != self.root);
            let folders = folders.filter(|folder| folder.starts_with(&self.root));
            let other = folders.filter(|folder| {
                let is_project = known.entry(folder.to_path_buf());
                *is_project.or_insert_with(|| folder.join(POLICY_FILE).is_file())
            });
            let other = other.last().map(Path::to_path_buf);
            others.extend(other.clone().filter(|_| self.is_selected(path)));
            other.is_none()
        });
        for folder in others.iter().filter(|folder| !self.exclude.is_match(relative(&self.root, folder))) {
            let path = relative(&self.root, folder);
            let why = format!("is a project of its own: run `cargo tenantry check {path}`");
            self.skipped.push(SkippedFile { path, line: None, why, failed: false });
        }
    }

    fn is_selected(&self, path: &Path) -> bool {
        self.selected.is_empty() || self.selected.iter().any(|part| path.starts_with(part))
    }

    /// The Rust files to look at, sorted.
    fn walk(&mut self) -> Vec<PathBuf> {
        // The whole project even for a part of it: constants and modules of other files matter to this one.
        let mut found = BTreeSet::new();
        for start in std::iter::once(self.root.clone()).chain(self.selected.clone()) {
            let walk = ignore::WalkBuilder::new(&start)
                .require_git(false)
                .hidden(true)
                .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != "target")
                .build();
            for entry in walk {
                match entry {
                    Ok(entry) => {
                        let is_rust = entry.path().extension().is_some_and(|end| end == "rs");
                        if is_rust && entry.file_type().is_some_and(|kind| kind.is_file()) {
                            found.insert(entry.into_path());
                        } else if let Some(why) = passed_over(&self.root, &entry, is_rust)
                            && self.is_selected(entry.path())
                        {
                            let path = entry.path().strip_prefix(&self.root).unwrap_or(entry.path());
                            let path = path.to_string_lossy().replace('\\', "/");
                            self.skipped.push(SkippedFile { path, line: None, why, failed: false });
                        }
                    }
                    Err(error) => {
                        let why = error.to_string().replace(&*self.root.to_string_lossy(), ".");
                        self.skipped.push(SkippedFile { path: String::new(), line: None, why, failed: true });
                    }
                }
            }
        }
        if let Some((path, _)) = &self.options.overlay {
            found.insert(path.clone());
        }
        self.leave_other_projects(&mut found);
        found.into_iter().filter(|path| !self.exclude.is_match(relative(&self.root, path))).collect()
    }

    fn load(&mut self, paths: Vec<PathBuf>, sinks: &[SinkLibrary]) -> Vec<RustFile> {
        let prefilter = Prefilter::new(sinks);
        let overlay = self.options.overlay.as_ref();
        let load = |path: &PathBuf| match overlay {
            Some((over, text)) if over == path => {
                Loaded::Text(text.clone(), tenantry_source::module_files(text))
            }
            _ => load(path, &prefilter),
        };
        let loaded: Vec<Loaded> = paths.par_iter().map(load).collect();
        let mut rust = Vec::new();
        for (path, loaded) in paths.iter().zip(loaded) {
            let shown = relative(&self.root, path);
            let selected = self.is_selected(path);
            match loaded {
                Loaded::Irrelevant(declared) if declared.is_empty() => {}
                Loaded::Irrelevant(declared) => {
                    let (krate, path_in_crate) = self.in_crate(path);
                    self.modules.extend(krate, &path_in_crate, declared);
                }
                Loaded::Unread(..) if !selected => {}
                Loaded::Unread(why, failed) => {
                    self.skipped.push(SkippedFile { path: shown, line: None, why, failed });
                }
                Loaded::Text(text, declared) => {
                    let id = self.files.add(shown, text);
                    let (krate, path_in_crate) = self.in_crate(path);
                    self.modules.extend(krate, &path_in_crate, declared);
                    rust.push(RustFile { id, krate, path_in_crate, selected });
                }
            }
        }
        rust
    }

    /// The file's crate and its path there.
    fn in_crate(&self, path: &Path) -> (usize, String) {
        let krate = self.crate_of(path);
        let folder = self.crates.get(krate).map_or(self.root.as_path(), |(_, folder)| folder);
        (krate, relative(folder, path))
    }

    /// The crate whose folder is the nearest above; the last entry stands for none.
    fn crate_of(&self, path: &Path) -> usize {
        let above = self.crates.iter().enumerate().filter(|(_, (_, folder))| path.starts_with(folder));
        above
            .max_by_key(|(at, (_, folder))| (folder.components().count(), std::cmp::Reverse(*at)))
            .map_or(0, |(at, _)| at)
    }

    fn source<'f>(&'f self, rust: &'f RustFile) -> SourceFile<'f> {
        SourceFile { file: rust.id, path: &rust.path_in_crate, text: self.files.text(rust.id) }
    }

    /// The constants of each crate, in two rounds, so that constants made of others are whole.
    fn constants(&self, rust: &[RustFile]) -> BTreeMap<usize, Constants> {
        let with: Vec<&RustFile> = rust
            .iter()
            .filter(|rust| tenantry_source::may_define_constants(self.files.text(rust.id).as_bytes()))
            .collect();
        let mut known: BTreeMap<usize, Constants> = BTreeMap::new();
        for _ in 0..2 {
            let files = Mutex::new(Included::new(self.files.clone()));
            let found: Vec<(usize, Vec<tenantry_source::Constant>)> = with
                .par_iter()
                .map(|rust| {
                    let around = Around { run: self, krate: rust.krate, constants: &known, files: &files };
                    // A panic shows again, and is told, when the file is read.
                    let read = || tenantry_source::constants(&self.source(rust), &around);
                    let mut constants = survive(read).unwrap_or_default();
                    // The ids of included files are this round's own; a text from one is read again where it is used.
                    constants.retain(|constant| constant.texts.iter().all(|text| self.is_loaded(text)));
                    (rust.krate, constants)
                })
                .collect();
            let mut next: BTreeMap<usize, Constants> = BTreeMap::new();
            for (krate, constants) in found {
                next.entry(krate).or_default().extend(constants);
            }
            known = next;
        }
        known
    }

    fn is_loaded(&self, text: &SqlText) -> bool {
        text.pieces.iter().all(|piece| match piece {
            Piece::Literal { span, .. } | Piece::Hole { span, .. } => {
                (span.file.0 as usize) < self.files.len()
            }
        })
    }

    fn read(
        &self,
        rust: &[RustFile],
        constants: &BTreeMap<usize, Constants>,
        sinks: &[SinkLibrary],
    ) -> (Vec<Result<FileSites, String>>, Files) {
        let files = Mutex::new(Included::new(self.files.clone()));
        let no_trust = Trust::default();
        let trust = self.policy.as_ref().map_or(&no_trust, |policy| &policy.trust);
        let read = |rust: &RustFile| {
            let around = Around { run: self, krate: rust.krate, constants, files: &files };
            let found = survive(|| tenantry_source::read(&self.source(rust), sinks, trust, &around));
            self.options.progress.done.fetch_add(1, Ordering::Relaxed);
            found
        };
        self.options.progress.total.store(rust.len(), Ordering::Relaxed);
        let read = rust.par_iter().map(read).collect();
        (read, files.into_inner().unwrap_or_else(PoisonError::into_inner).files)
    }

    fn conclude(
        mut self,
        rust: Vec<RustFile>,
        read: Vec<Result<FileSites, String>>,
        sinks: &[SinkLibrary],
        scanned: usize,
    ) -> Report {
        for (rust, found) in rust.iter().zip(&read) {
            let found = found.as_ref().map_or(&[][..], |found| &found.test_modules);
            self.modules.extend_tests(rust.krate, found);
        }
        // What is not selected was read for its constants and for what it says of the others.
        let (rust, read): (Vec<RustFile>, Vec<_>) =
            rust.into_iter().zip(read).filter(|(rust, _)| rust.selected).unzip();
        let mut suppressions: Vec<(Suppression, bool)> = Vec::new();
        let mut queries: Vec<(usize, QuerySite)> = Vec::new();
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
            queries.extend(kept.into_iter().map(|site| (rust.krate, site)));
        }
        suppressions.extend(self.sql_suppressions(&queries));
        queries.sort_by_cached_key(|(_, site)| {
            (suppress::path(&self.files, site.span.file), site.span.range, site.call.clone())
        });

        let judge = |(krate, site): &(usize, QuerySite)| survive(|| self.judge(*krate, site, sinks));
        let mut judged: Vec<JudgedSite> = queries.par_iter().map(judge).collect();
        self.judge_by_rows(&queries, &mut judged, sinks);
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
            let facts = SiteFacts { files: &self.files, policy: self.policy.as_ref(), schema, site, index };
            findings.extend(rules::check_site(&facts, &decisions));
            sites.push(self.site(*krate, site, database, decisions));
        }
        findings.extend(rules::check_schemas(&self.files, &self.databases));
        let mut entries = Vec::new();
        if self.options.suppressions {
            let partial = !self.options.paths.is_empty() || self.options.overlay.is_some();
            entries.extend(suppress::of_source(suppressions));
            entries.extend(self.policy.iter().flat_map(|policy| suppress::of_policy(policy, partial)));
        }
        suppress::apply(&self.files, self.options.today, &sites, &mut findings, &mut entries);
        let whole = ReportFacts { suppressions: &entries, today: self.options.today };
        findings.extend(rules::check_report(&self.files, &whole));
        findings.sort_by_cached_key(|finding| {
            let path = suppress::path(&self.files, finding.primary.file);
            (path, finding.primary.range, finding.rule, finding.message.clone())
        });
        fingerprint::assign(&self.files, &sites, &mut findings);
        let stale_baseline = apply_baseline(&self.options.baseline, &mut findings);
        dispose(&mut sites, &findings);
        self.skipped.sort();
        self.skipped.dedup();
        let coverage = Coverage::of(&sites, self.surfaces.iter().map(|(name, _)| name));
        Report {
            schema_version: SCHEMA_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            today: self.options.today,
            databases: self.databases.iter().map(summary).collect(),
            diagnostics: self.diagnostics,
            files: self.files,
            sites,
            findings,
            skipped: self.skipped,
            scanned,
            coverage,
            stale_baseline,
        }
    }

    /// Suppressions in the `.sql` files that sites include.
    fn sql_suppressions(&self, queries: &[(usize, QuerySite)]) -> Vec<(Suppression, bool)> {
        let pieces = queries.iter().flat_map(|(_, site)| &site.texts).flat_map(|text| &text.pieces);
        let included: BTreeSet<FileId> = pieces
            .filter_map(|piece| match piece {
                Piece::Literal { span, .. } => Some(span.file),
                Piece::Hole { .. } => None,
            })
            .filter(|file| self.files.path(*file).extension().is_some_and(|end| end == "sql"))
            .collect();
        let comments =
            included.into_iter().flat_map(|file| tenantry_source::sql_comments(file, self.files.text(file)));
        comments.map(|suppression| (suppression, false)).collect()
    }

    /// Decides anew the sites that are bound to values of rows which earlier statements returned.
    fn judge_by_rows(
        &self,
        queries: &[(usize, QuerySite)],
        judged: &mut [JudgedSite],
        sinks: &[SinkLibrary],
    ) {
        for _ in 0..rows::MAX_ROUNDS {
            let mut by_file: HashMap<FileId, Vec<Judged<'_>>> = HashMap::new();
            for ((_, site), judged) in queries.iter().zip(judged.iter()) {
                if let Ok((database, decisions)) = judged {
                    by_file.entry(site.span.file).or_default().push((site, *database, decisions));
                }
            }
            let anew = |(at, ((krate, site), judged)): (usize, (&(usize, QuerySite), &JudgedSite))| {
                let Ok((Some(database), decisions)) = judged else { return None };
                let from_rows = site.binds.iter().flatten().any(|bind| bind.provenance.row.is_some());
                // Where several databases fit, each of them would have to show it.
                let only = self.fitting(*krate, site, sinks).len() == 1;
                if !from_rows || !only || worst(decisions) == Outcome::Scoped {
                    return None;
                }
                let known = rows::known(site, *database, by_file.get(&site.span.file)?)?;
                let schema = schema(self.databases.get(*database)?);
                let decisions = survive(|| decide_knowing(schema, site, &known)).ok()?;
                (worst(&decisions) == Outcome::Scoped).then_some((at, decisions))
            };
            let both = queries.par_iter().zip(judged.par_iter()).enumerate();
            let found: Vec<(usize, Vec<Decision>)> = both.filter_map(anew).collect();
            if found.is_empty() {
                return;
            }
            for (at, decisions) in found {
                if let Some(Ok((_, known))) = judged.get_mut(at) {
                    *known = decisions;
                }
            }
        }
    }

    /// The databases that a site may speak to.
    fn fitting(&self, krate: usize, site: &QuerySite, sinks: &[SinkLibrary]) -> Vec<usize> {
        let name = self.crates.get(krate).map_or("", |(name, _)| name);
        let dialects: Vec<&str> = sinks
            .iter()
            .filter(|sink| sink.library == site.library)
            .flat_map(|sink| sink.dialects.iter().map(String::as_str))
            .collect();
        let fits = |database: &Database| {
            let has_crates = self.crates.len() > 1;
            let used = !has_crates || database.crates.iter().any(|known| known == name);
            used && (dialects.is_empty() || dialects.contains(&database.dialect.as_str()))
        };
        let all = self.databases.iter().enumerate();
        all.filter(|(_, database)| fits(database)).map(|(at, _)| at).collect()
    }

    /// Decides a site by the database of its crate.
    fn judge(&self, krate: usize, site: &QuerySite, sinks: &[SinkLibrary]) -> (Option<usize>, Vec<Decision>) {
        let fitting = self.fitting(krate, site, sinks);
        let judged = fitting.iter().filter_map(|at| {
            let decisions = decide(schema(self.databases.get(*at)?), site);
            Some((*at, decisions))
        });
        // Several may fit: one that does not have the tables is not the one. Of the others the worst counts.
        let mut judged: Vec<(usize, Vec<Decision>)> = judged.collect();
        if judged.iter().any(|(_, decisions)| !lacks_a_table(decisions)) {
            judged.retain(|(_, decisions)| !lacks_a_table(decisions));
        }
        for (at, decisions) in &mut judged {
            let database = self.databases.get(*at);
            if let Some(why) = database.and_then(|database| database.single_tenant.as_deref()) {
                of_one_tenant(decisions, database.map_or("", |database| &database.name), why);
            }
        }
        let worst =
            judged.into_iter().max_by_key(|(at, decisions)| (worst(decisions), std::cmp::Reverse(*at)));
        match worst {
            Some((at, decisions)) => (Some(at), decisions),
            None => {
                let message = if self.databases.is_empty() {
                    "no schema was found, so nothing is known of the tables".to_owned()
                } else {
                    format!("no database of the project is one that {} speaks to from here", site.library)
                };
                let help = "name the database and its schema under [[database]]".to_owned();
                (None, vec![unseen(ObstacleKind::UnknownTable, message, Some(help))])
            }
        }
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
            database: database.and_then(|at| self.databases.get(at)).map(|database| database.name.clone()),
            texts: site.texts.iter().map(shown).collect(),
            sql: site.texts.clone(),
            binds: site.binds.clone(),
            tables: tables.into_iter().filter(|table| !table.is_empty()).collect(),
            outcome,
            statements: decisions
                .into_iter()
                .map(|decision| StatementReport { text: decision.text, verdict: decision.verdict })
                .collect(),
            assumptions: assumptions.into_iter().collect(),
            disposition: Disposition::New,
            surfaces: self
                .surfaces
                .iter()
                .filter(|(_, globs)| globs.is_match(&path))
                .map(|(name, _)| name.clone())
                .collect(),
            cfgs: site.cfgs.clone(),
            is_test: site.is_test,
        }
    }
}

fn schema(database: &Database) -> Schema<'_> {
    Schema { dialect: database.dialect, catalog: &database.catalog, tenancy: &database.tenancy }
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

/// A site of which nothing could be seen.
fn unseen(kind: ObstacleKind, message: String, help: Option<String>) -> Decision {
    let obstacle = Obstacle { kind, range: TextRange::default(), message, help };
    let verdict = Verdict::Undecided(vec![obstacle]);
    Decision { text: 0, verdict, tables: BTreeSet::new(), cause: Cause::Verdict }
}

/// Runs a part of the work whose failure must not take the rest along: a panic becomes a sentence.
fn survive<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        format!("an internal error ended the work on it: {text}")
    })
}

/// A text for people and fingerprints, holes as `{…}`.
fn shown(text: &SqlText) -> String {
    let pieces = text.pieces.iter().map(|piece| match piece {
        Piece::Literal { value, .. } => value.clone(),
        Piece::Hole { text, .. } => format!("{{{text}}}"),
    });
    pieces.collect()
}

fn worst(decisions: &[Decision]) -> Outcome {
    let outcomes = decisions.iter().map(|decision| Outcome::of(&decision.verdict));
    outcomes.max().unwrap_or(Outcome::Undecided)
}

fn lacks_a_table(decisions: &[Decision]) -> bool {
    decisions.iter().any(|decision| match &decision.verdict {
        Verdict::Undecided(obstacles) => {
            obstacles.iter().any(|obstacle| obstacle.kind == ObstacleKind::UnknownTable)
        }
        Verdict::Scoped(_) | Verdict::Leaks(_) => false,
    })
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

/// The path below `folder`, with `/`.
fn relative(folder: &Path, path: &Path) -> String {
    let canonical = path.canonicalize();
    let path = canonical.as_deref().unwrap_or(path);
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
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

/// Why an entry that is no regular Rust file is passed over, where somebody may miss it.
fn passed_over(root: &Path, entry: &ignore::DirEntry, is_rust: bool) -> Option<String> {
    let kind = entry.file_type()?;
    if kind.is_dir() {
        return None;
    }
    if kind.is_symlink() {
        // What lies below the root is met without the link.
        let target = entry.path().canonicalize();
        let leads_out = target.as_ref().is_ok_and(|target| !target.starts_with(root));
        let is_broken = target.is_err();
        let is_folder = target.is_ok_and(|target| target.is_dir());
        let told = if is_rust { is_broken || leads_out } else { is_folder && leads_out };
        return told.then(|| "is a symbolic link, which is not followed".to_owned());
    }
    (is_rust && !kind.is_file()).then(|| "is not a regular file".to_owned())
}

fn load(path: &Path, prefilter: &Prefilter) -> Loaded {
    // Before the prefilter, which reads text: what is not text is listed, never passed over.
    let text = match tenantry_project::read_file(path, MAX_RUST_FILE) {
        Ok(text) => text,
        Err(why) => return Loaded::Unread(why.to_string(), matches!(why, Unread::Failed(_))),
    };
    let matters =
        prefilter.may_matter(text.as_bytes()) || tenantry_source::may_define_constants(text.as_bytes());
    let modules = tenantry_source::module_files(&text);
    if matters {
        Loaded::Text(text, modules)
    } else if text.contains('\0') {
        Loaded::Unread("holds NUL bytes, so that it may not be text".to_owned(), false)
    } else {
        Loaded::Irrelevant(modules)
    }
}

/// The files of the run, with those that are included while it reads.
struct Included {
    files: Files,
    known: HashMap<PathBuf, FileId>,
}

impl Included {
    fn new(files: Files) -> Included {
        Included { files, known: HashMap::new() }
    }
}

struct Around<'r, 'a> {
    run: &'r Run<'a>,
    krate: usize,
    constants: &'r BTreeMap<usize, Constants>,
    files: &'r Mutex<Included>,
}

impl Around<'_, '_> {
    fn file(&self, path: &Path) -> Option<(FileId, String)> {
        let path = path.canonicalize().ok()?;
        if !path.starts_with(&self.run.root) {
            return None;
        }
        let mut included = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(id) = included.known.get(&path) {
            return Some((*id, included.files.text(*id).to_owned()));
        }
        let text = tenantry_project::read_file(&path, MAX_RUST_FILE).ok()?;
        let id = included.files.add(relative(&self.run.root, &path), Arc::<str>::from(text.as_str()));
        included.known.insert(path, id);
        Some((id, text))
    }
}

impl Surroundings for Around<'_, '_> {
    fn include(&self, from: FileId, relative: &str) -> Option<(FileId, String)> {
        let folder = self.run.root.join(self.run.files.path(from));
        self.file(&folder.parent()?.join(relative))
    }

    fn manifest_file(&self, _: FileId, relative: &str) -> Option<(FileId, String)> {
        let (_, folder) = self.run.crates.get(self.krate)?;
        self.file(&folder.join(relative))
    }

    fn constant(&self, path: &[String]) -> Option<Vec<SqlText>> {
        self.constants.get(&self.krate)?.find(path)
    }
}

/// A span's start, as a line from 1 and a column from 1 in characters.
pub fn line_col(files: &Files, span: Span) -> tenantry_span::LineCol {
    let text = files.text(span.file);
    LineIndex::new(text).line_col(text, span.range.start)
}
