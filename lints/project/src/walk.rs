//! The folders of a project that can hold a schema.

use std::path::{Path, PathBuf};

use crate::files::Unread;
use crate::load::POLICY_FILE;

/// How deep folders are followed.
const MAX_DEPTH: usize = 40;

/// Folders that hold no source of the project's own.
const NOT_OURS: &[&str] = &["target", "node_modules", "vendor", "dist", "build", "__pycache__"];

/// A folder and what is in it, sorted.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    /// File names.
    pub(crate) files: Vec<String>,
    /// Names of folders in it.
    pub(crate) folders: Vec<String>,
}

/// All folders below `root`, itself included, parents before children, each level sorted. Symbolic links are not
/// followed. The second list is of folders that could not be read, with why.
pub(crate) fn folders(root: &Path) -> (Vec<Folder>, Vec<(PathBuf, Unread)>) {
    let mut found = Vec::new();
    let mut skipped = Vec::new();
    let mut queue = vec![(root.to_path_buf(), 0)];
    while let Some((path, depth)) = queue.pop() {
        let folder = match read(&path) {
            Ok(folder) => folder,
            Err(error) => {
                skipped.push((path, Unread::Failed(error.to_string())));
                continue;
            }
        };
        // A policy file makes a folder a project of its own, whose schema is not this one's.
        if depth > 0 && folder.files.iter().any(|file| file == POLICY_FILE) {
            continue;
        }
        let children = folder.folders.iter().rev().map(|name| (path.join(name), depth + 1));
        if depth < MAX_DEPTH {
            queue.extend(children);
        } else if !folder.folders.is_empty() {
            skipped.push((path, Unread::TooDeep(MAX_DEPTH)));
        }
        found.push(folder);
    }
    (found, skipped)
}

#[allow(clippy::disallowed_methods, reason = "`Disk` asks through it")]
fn read(path: &Path) -> std::io::Result<Folder> {
    let mut folder = Folder { path: path.to_path_buf(), files: Vec::new(), folders: Vec::new() };
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if kind.is_file() {
            folder.files.push(name);
        } else if kind.is_dir() && !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()) {
            folder.folders.push(name);
        }
    }
    folder.files.sort();
    folder.folders.sort();
    Ok(folder)
}
