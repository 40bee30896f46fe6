//! Files in which results are kept, of which every run may find what another left, or nothing.
//!
//! **Invariant:** a file that cannot be read, is damaged or was written for another key is none, and one that cannot be
//! written is none the next time; neither is an error.
//! **Invariant:** whoever reads a file while it is written reads the old one or the new one.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use sha2::{Digest as _, Sha256};
use tenantry_project::{Answer, Question};

/// A digest of bytes.
pub type Digest = [u8; 32];

/// Larger files are not read, in bytes.
const MAX_CACHE: u64 = 512 * 1024 * 1024;

/// The digest of some bytes.
pub fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// Bytes in hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What was written under this key, if nothing of it was changed.
pub fn read(path: &Path, magic: &[u8], key: &Digest) -> Option<Vec<u8>> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > MAX_CACHE {
        return None;
    }
    let mut bytes = std::fs::read(path).ok()?;
    let rest = bytes.strip_prefix(magic)?.strip_prefix(key.as_slice())?;
    let (told, body) = rest.split_at_checked(32)?;
    if digest(body) != told {
        return None;
    }
    let head = bytes.len() - body.len();
    Some(bytes.split_off(head))
}

/// Writes a file under a key.
///
/// # Errors
/// It cannot be written.
pub fn write(path: &Path, magic: &[u8], key: &Digest, body: &[u8]) -> std::io::Result<()> {
    replace(path, &[magic, key, &digest(body), body].concat())
}

/// Replaces the file as a whole.
///
/// # Errors
/// It cannot be written.
pub fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().ok_or(std::io::ErrorKind::NotFound)?;
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(".gitignore"), "*\n")?;
    }
    static WRITES: AtomicU32 = AtomicU32::new(0);
    let write = WRITES.fetch_add(1, Ordering::Relaxed);
    let new = path.with_extension(format!("{}-{write}.tmp", std::process::id()));
    let written = std::fs::write(&new, bytes).and_then(|()| std::fs::rename(&new, path));
    if written.is_err() {
        let _ = std::fs::remove_file(&new);
    }
    written
}

/// A question that was asked of the file system, in bytes; `None` for a path that is no text.
pub fn question_to_bytes(question: &Question) -> Option<Vec<u8>> {
    let (kind, limit, path) = match question {
        Question::Text(path, limit) => (0u8, *limit, path),
        Question::Folders(path) => (1, 0, path),
        Question::Kind(path) => (2, 0, path),
        Question::Names(path) => (3, 0, path),
        Question::Canonical(path) => (4, 0, path),
    };
    let mut out = vec![kind];
    out.extend(limit.to_le_bytes());
    out.extend(path.to_str()?.as_bytes());
    Some(out)
}

/// A question as [`question_to_bytes`] wrote it.
pub fn question_from_bytes(bytes: &[u8]) -> Option<Question> {
    let (kind, rest) = bytes.split_first()?;
    let (limit, path) = rest.split_first_chunk::<8>()?;
    let path = PathBuf::from(std::str::from_utf8(path).ok()?);
    match kind {
        0 => Some(Question::Text(path, u64::from_le_bytes(*limit))),
        1 => Some(Question::Folders(path)),
        2 => Some(Question::Kind(path)),
        3 => Some(Question::Names(path)),
        4 => Some(Question::Canonical(path)),
        _ => None,
    }
}

/// Parts one after another, each behind its length, so that no two lists of parts look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts(Vec<u8>);

impl Parts {
    /// Adds a part.
    pub fn add(&mut self, part: &[u8]) {
        self.0.extend((part.len() as u64).to_le_bytes());
        self.0.extend(part);
    }

    /// Adds a number.
    pub fn number(&mut self, number: u32) {
        self.add(&number.to_le_bytes());
    }

    /// Adds a path; `None` for one that is no text.
    pub fn path(&mut self, path: &Path) -> Option<()> {
        self.add(path.to_str()?.as_bytes());
        Some(())
    }

    /// Adds questions with their answers; `None` where one cannot be written.
    pub fn asked(&mut self, asked: &[(Question, Answer)]) -> Option<()> {
        self.number(u32::try_from(asked.len()).ok()?);
        for (question, answer) in asked {
            self.add(&question_to_bytes(question)?);
            self.add(answer);
        }
        Some(())
    }

    /// All parts, in bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// A digest of all parts.
    pub fn digest(&self) -> Digest {
        digest(&self.0)
    }
}

/// Takes parts in the order in which they were added; `None` where the bytes are not what was written.
#[derive(Debug)]
pub struct PartsOf<'b>(pub &'b [u8]);

impl<'b> PartsOf<'b> {
    /// The next part.
    pub fn take(&mut self) -> Option<&'b [u8]> {
        let (length, rest) = self.0.split_first_chunk::<8>()?;
        let (part, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        self.0 = rest;
        Some(part)
    }

    /// The next part, a number.
    pub fn number(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take()?.try_into().ok()?))
    }

    /// The next part, a path.
    pub fn path(&mut self) -> Option<PathBuf> {
        Some(PathBuf::from(std::str::from_utf8(self.take()?).ok()?))
    }

    /// The next parts, questions with their answers.
    pub fn asked(&mut self) -> Option<Vec<(Question, Answer)>> {
        let count = self.number()?;
        (0..count)
            .map(|_| Some((question_from_bytes(self.take()?)?, self.take()?.try_into().ok()?)))
            .collect()
    }

    /// True if everything was taken.
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}
