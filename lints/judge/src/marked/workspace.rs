//! The project that a crate belongs to, loaded once and kept while it is as it was.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tenantry_project::{Disk, Project};
use tenantry_rules::SinkLibrary;
use tenantry_source::{Assembled, Declared};
use tenantry_span::{Diagnostic, LineCol, Severity};

use super::ahead::Modules;
use super::kept::{self, Asked};
use super::known::Known;
use crate::cache::{Digest, digest};
use crate::databases::Databases;

/// How long what was loaded is taken for what is there. A compiler's process ends before, an editor's does not.
pub(super) const FRESH: Duration = Duration::from_secs(2);

/// A file that is judged once, whoever comes first: others wait for it.
pub(super) type Slot = Arc<Mutex<Option<Arc<Known>>>>;

/// A project as a crate's macros see it.
#[derive(Debug)]
pub struct Workspace {
    /// The project.
    pub(super) project: Project,
    /// The calls that run SQL.
    pub(super) sinks: Vec<SinkLibrary>,
    /// What is wrong with the project's own sinks.
    faults: Vec<Diagnostic>,
    /// The crate's name and folder.
    pub(super) krate: String,
    pub(super) folder: PathBuf,
    /// The files of the crate that were judged.
    known: Mutex<HashMap<PathBuf, Slot>>,
    /// The files that are judged ahead, once that has begun.
    pub(super) ahead: OnceLock<Mutex<Modules>>,
    /// The crate's folder as it was told.
    pub(super) asked_from: PathBuf,
    asked: Option<Asked>,
    /// What the project rests on, in bytes.
    rests: OnceLock<Option<Vec<u8>>>,
    files: [OnceLock<Arc<[PathBuf]>>; 2],
    declared: OnceLock<Declarations>,
}

/// What the Rust files of a project declare for chains of query builders: tables, entities, rows.
#[derive(Debug, Default)]
pub(super) struct Declarations {
    by_name: HashMap<String, Vec<Declared>>,
    /// The files that declare something.
    files: Vec<PathBuf>,
    /// What was asked of the file system for them, and for each file a digest of what it declares.
    pub(super) rests: Option<(Asked, HashMap<PathBuf, Digest>)>,
    /// One of the files names SeaORM.
    pub(super) has_sea_orm: bool,
    pub(super) assembled: Assembled,
}

impl Declarations {
    pub(super) fn named(&self, name: &str) -> Vec<Declared> {
        self.by_name.get(name).cloned().unwrap_or_default()
    }
}

/// What a file declares among others, of which one may name SeaORM.
pub(super) fn declarations(text: &str, has_sea_orm: bool) -> Vec<Declared> {
    let found = tenantry_source::declarations_among(text, has_sea_orm);
    // The spans of a file are kept for its thread.
    proc_macro2::extra::invalidate_current_thread_spans();
    found
}

/// A digest of what a file declares; places in the file are no part of it.
pub(super) fn of_declared(found: &[Declared]) -> Digest {
    digest(format!("{found:?}").as_bytes())
}

/// The project of the crate whose manifest lies in `folder`.
pub fn workspace(folder: &Path) -> Arc<Workspace> {
    type Loaded = Mutex<HashMap<PathBuf, (Arc<Workspace>, Instant)>>;
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    let mut loaded = LOADED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, checked)) = loaded.get_mut(folder) {
        if checked.elapsed() < FRESH {
            return Arc::clone(known);
        }
        if known.is_as_it_was() {
            *checked = Instant::now();
            return Arc::clone(known);
        }
    }
    let made = Arc::new(Workspace::load(folder));
    loaded.insert(folder.to_path_buf(), (Arc::clone(&made), Instant::now()));
    made
}

impl Workspace {
    fn load(folder: &Path) -> Workspace {
        let disk = Disk::watched();
        let asked_from = folder.to_path_buf();
        let folder = disk.canonical(folder).unwrap_or_else(|| folder.to_path_buf());
        let mut project = tenantry_project::load_from(&disk, tenantry_project::find_root(&folder));
        let mut faults = Vec::new();
        let sinks = crate::sinks::on_disk(&disk, &project.root, &mut project.files, &mut faults);
        let krate = project.crates.iter().find(|krate| krate.folder == folder);
        let krate = krate.map(|krate| krate.name.clone()).unwrap_or_default();
        let (known, ahead) = (Mutex::default(), OnceLock::new());
        let (asked, declared) = (disk.asked(), OnceLock::new());
        let (rests, files) = (OnceLock::new(), Default::default());
        Workspace {
            project,
            sinks,
            faults,
            krate,
            folder,
            known,
            ahead,
            asked_from,
            asked,
            rests,
            files,
            declared,
        }
    }

    /// What the scanner reads of all files ahead of each; read once something may be a chain of a query builder. No syntax
    /// tree may be in use.
    pub(super) fn declarations(&self) -> &Declarations {
        self.declared.get_or_init(|| {
            let mut all = Declarations::default();
            let mut declare = HashMap::new();
            let disk = Disk::watched();
            let texts = disk.rust_files(&self.project.root).into_iter().filter_map(|path| {
                let text = disk.read(&path, super::known::MAX_RUST_FILE).ok()?;
                Some((path, text))
            });
            let texts: Vec<(PathBuf, String)> = texts.collect();
            all.has_sea_orm = texts.iter().any(|(_, text)| tenantry_source::names_sea_orm(text));
            for (path, text) in texts {
                let found = declarations(&text, all.has_sea_orm);
                declare.insert(path.clone(), of_declared(&found));
                let above = self.project.crates.iter().filter(|krate| path.starts_with(&krate.folder));
                let krate = above.max_by_key(|krate| krate.folder.components().count());
                let (name, folder) =
                    krate.map_or(("", self.project.root.as_path()), |krate| (&krate.name, &krate.folder));
                let relative =
                    path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                if !found.is_empty() {
                    all.files.push(path);
                }
                for declared in found {
                    let declared = declared.at(name, &relative);
                    all.by_name.entry(declared.name.clone()).or_default().push(declared);
                }
            }
            all.rests = disk.asked().map(|asked| (asked, declare));
            all
        })
    }

    /// True if the text names a library whose queries are chains of calls.
    pub(super) fn may_chain(&self, text: &str) -> bool {
        let chained = self.sinks.iter().filter(|library| !library.chains.is_empty());
        let names: Vec<&String> = chained.flat_map(|library| &library.crates).collect();
        // A text that names `diesel_async` names `diesel`.
        let is_other =
            |name: &String| names.iter().all(|known| *known == name || !name.starts_with(known.as_str()));
        names.iter().filter(|name| is_other(name)).any(|name| text.contains(name.as_str()))
    }

    /// The package behind the name under which the crate knows it.
    pub(super) fn package<'n>(&'n self, name: &'n str) -> &'n str {
        let krate = self.project.crates.iter().find(|krate| krate.folder == self.folder);
        krate.map_or(name, |krate| krate.package(name))
    }

    /// Where a file is judged, whoever begins with it.
    pub(super) fn slot(&self, path: &Path) -> Slot {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(path.to_path_buf()).or_default())
    }

    /// True if somebody has begun with a file.
    pub(super) fn is_begun(&self, path: &Path) -> bool {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).contains_key(path)
    }

    fn is_as_it_was(&self) -> bool {
        self.asked
            .as_ref()
            .is_some_and(|asked| asked.iter().all(|(question, answer)| question.ask() == *answer))
    }

    /// The files that verdicts rest on besides the source: the policy, the schemas, the project's own sinks, and once they
    /// were read those that declare tables and entities.
    pub fn files(&self) -> Arc<[PathBuf]> {
        let declared = self.declared.get();
        let [of_project, all] = &self.files;
        let known = if declared.is_some() { all } else { of_project };
        let list = || {
            let read = self.project.files.iter().map(|(_, path, _)| self.project.root.join(path));
            let declaring = declared.into_iter().flat_map(|declared| &declared.files).cloned();
            let mut files: Vec<PathBuf> = read.chain(declaring).collect();
            files.sort();
            files.dedup();
            files.into()
        };
        Arc::clone(known.get_or_init(list))
    }

    /// What the project rests on, in bytes; nothing where that cannot be asked again.
    pub(super) fn rests(&self) -> Option<&[u8]> {
        let written = || {
            let files = self.project.files.iter().map(|(_, path, _)| self.project.root.join(path));
            let mut files: Vec<PathBuf> = files.collect();
            files.sort();
            files.dedup();
            kept::rests(&self.project.root, self.asked.as_ref()?, &files)
        };
        self.rests.get_or_init(written).as_deref()
    }

    /// What is wrong with the policy or the sinks, so that nothing can be judged by them.
    pub fn faults(&self) -> Vec<String> {
        let all = self.project.diagnostics.iter().chain(&self.faults);
        let faults = all.filter(|fault| fault.severity == Severity::Error).map(|fault| {
            let text = self.project.files.text(fault.primary.span.file);
            let path = self.project.files.path(fault.primary.span.file).display();
            let at = LineCol::of(text, fault.primary.span.range.start);
            format!("tenantry: {path}:{}:{}: {}", at.line, at.column, fault.message)
        });
        faults.collect()
    }

    /// The ids of the integration profiles.
    pub(super) fn profiles(&self) -> Vec<&str> {
        let policy = self.project.policy.iter();
        policy.flat_map(|policy| &policy.integrations).map(|known| known.id.value.as_str()).collect()
    }

    pub(super) fn databases(&self) -> Databases<'_> {
        let has_crates = !self.project.crates.is_empty();
        Databases { all: &self.project.databases, has_crates, sinks: &self.sinks }
    }

    /// The path as it is shown: from the project's root on.
    pub(super) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.project.root).unwrap_or(path).to_string_lossy().replace('\\', "/")
    }
}
