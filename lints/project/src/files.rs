//! The files of a run.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenantry_span::FileId;

/// The largest file that is read, in bytes.
pub const MAX_FILE: u64 = 32 * 1024 * 1024;

/// The files of a run by [`FileId`], each with its text.
#[derive(Clone, Debug, Default)]
pub struct Files {
    files: Vec<(PathBuf, Arc<str>)>,
    /// The last of each path.
    at: HashMap<PathBuf, FileId>,
}

impl Files {
    /// Adds a file; each call gives a new id.
    pub fn add(&mut self, path: impl Into<PathBuf>, text: impl Into<Arc<str>>) -> FileId {
        let (path, id) = (path.into(), FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX)));
        self.at.insert(path.clone(), id);
        self.files.push((path, text.into()));
        id
    }

    /// Adds all files of `others` after these, in their order.
    pub fn append(&mut self, others: Files) {
        for (path, text) in others.files {
            self.add(path, text);
        }
    }

    /// The path of a file, relative to the project's root where it lies below it; empty for an id that is not here.
    pub fn path(&self, id: FileId) -> &Path {
        self.files.get(id.0 as usize).map_or(Path::new(""), |(path, _)| path)
    }

    /// The text of a file; empty for an id that is not here.
    pub fn text(&self, id: FileId) -> &str {
        self.files.get(id.0 as usize).map_or("", |(_, text)| text)
    }

    /// The last file that was added with this path.
    pub fn find(&self, path: &Path) -> Option<FileId> {
        self.at.get(path).copied()
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

/// Why a file or folder was not read. The words say it without the path: `is not UTF-8 from byte 10`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The system gives no access to it, or reading it failed.
    Failed(String),
    /// A pipe, a socket, a device or a folder: reading it could wait for ever.
    NotAFile,
    /// Larger than the limit, in bytes.
    TooLarge(u64),
    /// Not text: the first byte that is wrong.
    NotUtf8(usize),
    /// Text of another form than its name says: `is not TOML: …`.
    Malformed(String),
    /// A folder whose own folders lie deeper than are followed.
    TooDeep(usize),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unread::Failed(error) => write!(f, "cannot be read: {error}"),
            Unread::NotAFile => f.write_str("is not a regular file"),
            Unread::TooLarge(limit) => write!(f, "is larger than {limit} bytes"),
            Unread::NotUtf8(at) => write!(f, "is not UTF-8 from byte {at}"),
            Unread::Malformed(why) => f.write_str(why),
            Unread::TooDeep(limit) => write!(f, "folders deeper than {limit} are not followed"),
        }
    }
}

impl std::error::Error for Unread {}

/// Reads a text file of at most `limit` bytes.
///
/// # Errors
/// Why it was not read.
#[allow(clippy::disallowed_methods, reason = "`Disk` asks through it")]
pub fn read_file(path: &Path, limit: u64) -> Result<String, Unread> {
    let failed = |error: std::io::Error| Unread::Failed(error.to_string());
    // Before opening it: opening a pipe waits for a writer.
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        return Err(Unread::NotAFile);
    }
    if metadata.len() > limit {
        return Err(Unread::TooLarge(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0));
    // Files of the system's own tell no size, and a file may grow while it is read.
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > limit {
        return Err(Unread::TooLarge(limit));
    }
    String::from_utf8(bytes).map_err(|error| Unread::NotUtf8(error.utf8_error().valid_up_to()))
}
