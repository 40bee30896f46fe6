//! Reading: which files matter, their constants, and their sites.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;
use tenantry_policy::Trust;
use tenantry_project::{Files, Unread};
use tenantry_rules::SinkLibrary;
use tenantry_source::{
    Answer, Constant, Constants, Declared, FileSites, ModuleFile, Prefilter, SourceFile, SqlText,
};
use tenantry_span::FileId;

use super::{MAX_RUST_FILE, Matters, Run, RustFile, survive};
use crate::cache::{self, Digest, Entry, Passed, Reading, Readings, Stat};
use crate::report::SkippedFile;
use crate::suppress;
use crate::surroundings::{Around, Included, Place};
use crate::walk::relative;

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

/// What a file declares for chains of calls. The places of its syntax tree are of no use afterwards.
fn declarations(text: &str) -> Vec<Declared> {
    let declared = survive(|| tenantry_source::declarations(text)).unwrap_or_default();
    proc_macro2::extra::invalidate_current_thread_spans();
    declared
}

impl Run<'_> {
    /// The Rust files to look at, sorted.
    pub(super) fn paths(&mut self) -> Vec<PathBuf> {
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

    pub(super) fn load(&mut self, paths: Vec<PathBuf>, sinks: &[SinkLibrary]) -> Vec<RustFile> {
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

    /// Keeps what was read for the next run.
    pub(super) fn keep<'r>(&mut self, rust: impl Iterator<Item = &'r mut RustFile>) {
        let mut entries = std::mem::take(&mut self.entries);
        entries
            .extend(rust.filter_map(|rust| Some((suppress::path(&self.files, rust.id), rust.entry.take()?))));
        self.cache.store(entries);
    }

    /// The file's crate and its path there.
    pub(super) fn in_crate(&self, path: &Path) -> (usize, String) {
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
    pub(super) fn constants(&mut self, rust: &mut [RustFile]) -> BTreeMap<usize, Constants> {
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

    pub(super) fn read(
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
}
