//! The Rust files of a project, before anything is known of its policy.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use tenantry_project::POLICY_FILE;

use crate::cache::{Digest, digest};
use crate::report::SkippedFile;

/// What a walk through a project finds.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The Rust files, sorted.
    pub(crate) paths: Vec<PathBuf>,
    /// The parts that are looked at; empty means all.
    pub(crate) selected: Vec<PathBuf>,
    /// Folders of projects of their own, of which files were found and left out.
    pub(crate) others: BTreeSet<PathBuf>,
    /// What was passed over, where somebody may miss it.
    pub(crate) skipped: Vec<SkippedFile>,
}

impl Found {
    /// Walks through the project at `root` and the parts of it, or beside it, that are looked at. The whole project even
    /// for a part of it: constants and modules of other files matter to this one.
    pub(crate) fn of(root: &Path, parts: &[PathBuf], overlay: Option<&Path>) -> Found {
        let selected = parts.iter().map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
        let mut found = Found { selected: selected.collect(), ..Found::default() };
        // A file that an editor has not saved yet is only its text.
        let is_there = |part: &&PathBuf| part.exists() || overlay != Some(part.as_path());
        let parts = found.selected.iter().filter(is_there).cloned();
        let starts: Vec<PathBuf> = std::iter::once(root.to_path_buf()).chain(parts).collect();
        for start in starts {
            let walk = ignore::WalkBuilder::new(&start)
                .require_git(false)
                .hidden(true)
                .filter_entry(|entry| entry.depth() == 0 || entry.file_name() != "target")
                .build();
            for entry in walk {
                found.take(root, entry);
            }
        }
        found.paths.extend(overlay.map(Path::to_path_buf));
        found.paths.sort_unstable();
        found.paths.dedup();
        found.leave_other_projects(root);
        found
    }

    fn take(&mut self, root: &Path, entry: Result<ignore::DirEntry, ignore::Error>) {
        match entry {
            Ok(entry) => {
                let is_rust = entry.path().extension().is_some_and(|end| end == "rs");
                if is_rust && entry.file_type().is_some_and(|kind| kind.is_file()) {
                    self.paths.push(entry.into_path());
                } else if let Some(why) = passed_over(root, &entry, is_rust)
                    && self.is_selected(entry.path())
                {
                    let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
                    let path = path.to_string_lossy().replace('\\', "/");
                    self.skipped.push(SkippedFile { path, line: None, why, failed: false });
                }
            }
            Err(error) => {
                let why = error.to_string().replace(&*root.to_string_lossy(), ".");
                self.skipped.push(SkippedFile { path: String::new(), line: None, why, failed: true });
            }
        }
    }

    /// A folder with a policy file of its own is a project of its own: nothing in it is judged by this one's policy.
    fn leave_other_projects(&mut self, root: &Path) {
        let mut known: BTreeMap<PathBuf, bool> = BTreeMap::new();
        let mut others = BTreeSet::new();
        let paths = std::mem::take(&mut self.paths);
        let kept = paths.into_iter().filter(|path| {
            let folders = path.ancestors().skip(1).take_while(|folder| *folder != root);
            let folders = folders.filter(|folder| folder.starts_with(root));
            let other = folders.filter(|folder| {
                let is_project = known.get(*folder).copied();
                is_project.unwrap_or_else(|| {
                    let is_project = folder.join(POLICY_FILE).is_file();
                    known.insert(folder.to_path_buf(), is_project);
                    is_project
                })
            });
            let other = other.last().map(Path::to_path_buf);
            others.extend(other.clone().filter(|_| self.is_selected(path)));
            other.is_none()
        });
        let kept = kept.collect();
        self.paths = kept;
        self.others = others;
    }

    /// True if a path lies in a part that is looked at.
    pub(crate) fn is_selected(&self, path: &Path) -> bool {
        self.selected.is_empty() || self.selected.iter().any(|part| path.starts_with(part))
    }

    /// A digest of all of it.
    pub(crate) fn digest(&self) -> Digest {
        let Found { paths, selected, others, skipped } = self;
        let mut all = Vec::new();
        // Paths hold no NUL bytes, and the lists are told apart by an empty one.
        for list in [paths, selected, &others.iter().cloned().collect()] {
            for path in list {
                all.extend_from_slice(path.as_os_str().as_encoded_bytes());
                all.push(0);
            }
            all.push(0);
        }
        all.extend_from_slice(format!("{skipped:?}").as_bytes());
        digest(&all)
    }
}

/// The path below `folder`, with `/`.
pub(crate) fn relative(folder: &Path, path: &Path) -> String {
    // The walk starts at canonical paths; only what the caller names may be written otherwise.
    let canonical = if path.starts_with(folder) { None } else { path.canonicalize().ok() };
    let path = canonical.as_deref().unwrap_or(path);
    path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/")
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
