//! The files of a run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenantry_span::FileId;

/// The largest file that is read, in bytes.
pub const MAX_FILE: u64 = 32 * 1024 * 1024;

/// The files of a run by [`FileId`], each with its text.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: Vec<(PathBuf, Arc<str>)>,
}

impl Files {
    /// Adds a file; each call gives a new id.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        self.files.push((path.into(), text.into()));
        FileId(u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX))
    }

    /// The path of a file, relative to the project's root where it lies below it; empty for an id that is not here.
    pub fn path(&self, id: FileId) -> &Path {
        self.files.get(id.0 as usize).map_or(Path::new(""), |(path, _)| path)
    }

    /// The text of a file; empty for an id that is not here.
    pub fn text(&self, id: FileId) -> &str {
        self.files.get(id.0 as usize).map_or("", |(_, text)| text)
    }

    /// All files in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &Path, &str)> {
        let id = |at: usize| FileId(u32::try_from(at).unwrap_or(u32::MAX));
        self.files.iter().enumerate().map(move |(at, (path, text))| (id(at), path.as_path(), &**text))
    }

    /// The number of files.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// True if there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// Reads a text file.
///
/// # Errors
/// A sentence for the reader: it cannot be read, is larger than [`MAX_FILE`], or is not UTF-8.
pub(crate) fn read_text(path: &Path) -> Result<String, String> {
    let size = std::fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
    if size > MAX_FILE {
        return Err(format!("is larger than {MAX_FILE} bytes"));
    }
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    String::from_utf8(bytes)
        .map_err(|error| format!("is not UTF-8 from byte {}", error.utf8_error().valid_up_to()))
}
