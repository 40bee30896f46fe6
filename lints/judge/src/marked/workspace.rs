//! The project that a crate belongs to, loaded once and kept while it is as it was.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tenantry_project::{Answer, Disk, Project, Question};
use tenantry_rules::SinkLibrary;
use tenantry_source::Prefilter;
use tenantry_span::{Diagnostic, LineCol, Severity};

use super::item::Known;
use crate::databases::Databases;

/// How long what was loaded is taken for what is there. A compiler's process ends before, an editor's does not.
const FRESH: Duration = Duration::from_secs(2);

/// A project as a crate's macros see it.
#[derive(Debug)]
pub struct Workspace {
    /// The project.
    pub(super) project: Project,
    /// The calls that run SQL.
    pub(super) sinks: Vec<SinkLibrary>,
    pub(super) prefilter: Prefilter,
    /// What is wrong with the project's own sinks.
    faults: Vec<Diagnostic>,
    /// The crate's name and folder.
    pub(super) krate: String,
    pub(super) folder: PathBuf,
    /// The files of the crate that were judged.
    pub(super) known: Mutex<HashMap<PathBuf, Arc<Known>>>,
    asked: Option<Vec<(Question, Answer)>>,
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
        let folder = disk.canonical(folder).unwrap_or_else(|| folder.to_path_buf());
        let mut project = tenantry_project::load_from(&disk, tenantry_project::find_root(&folder));
        let mut faults = Vec::new();
        let sinks = crate::sinks::on_disk(&disk, &project.root, &mut project.files, &mut faults);
        let krate = project.crates.iter().find(|krate| krate.folder == folder);
        let krate = krate.map(|krate| krate.name.clone()).unwrap_or_default();
        let prefilter = Prefilter::new(&sinks);
        let known = Mutex::default();
        Workspace { project, sinks, prefilter, faults, krate, folder, known, asked: disk.asked() }
    }

    fn is_as_it_was(&self) -> bool {
        self.asked
            .as_ref()
            .is_some_and(|asked| asked.iter().all(|(question, answer)| question.ask() == *answer))
    }

    /// The files that verdicts rest on besides the source: the policy, the schemas and the project's own sinks.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> =
            self.project.files.iter().map(|(_, path, _)| self.project.root.join(path)).collect();
        files.sort();
        files.dedup();
        files
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
