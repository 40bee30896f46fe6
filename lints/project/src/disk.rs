//! The way to the file system, which can write down what it was asked and what it answered.
//!
//! **Invariant:** whoever asks every question that was written down again, and gets the same answers, would come to the
//! same result: nothing in this crate, but [`find_root`](crate::find_root), looks at a disk other than through [`Disk`].

#![allow(clippy::disallowed_methods, reason = "this is what asks the file system")]

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::files::{Unread, read_file};
use crate::servers::Servers;
use crate::walk::{self, Folder};

/// A question to the file system.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// The text of a file of at most so many bytes.
    Text(PathBuf, u64),
    /// All folders below one, and what is in them.
    Folders(PathBuf),
    /// What is there.
    Kind(PathBuf),
    /// The names in a folder.
    Names(PathBuf),
    /// The path without links.
    Canonical(PathBuf),
}

/// A digest of what the file system answered.
pub type Answer = [u8; 32];

/// What is at a path; links are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nothing, or nothing that can be seen.
    Nothing,
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// Something else: a pipe, a socket, a device.
    Other,
}

/// The file system.
#[derive(Debug, Default)]
pub struct Disk {
    /// What was asked; `None` where nobody wants to know.
    asked: Option<Mutex<Asked>>,
    /// Where schemas come from besides files.
    servers: Servers,
}

#[derive(Debug, Default)]
struct Asked {
    answers: BTreeMap<Question, Answer>,
    /// A question had two answers, or none that can be had again: what was made of them belongs to no questions.
    torn: bool,
}

impl Disk {
    /// The file system, with everything written down that it is asked.
    pub fn watched() -> Disk {
        Disk { asked: Some(Mutex::default()), servers: Servers::default() }
    }

    /// The same, with servers to ask. What they answer is written down nowhere: they say nothing of when it changes.
    pub fn beside(self, servers: Servers) -> Disk {
        Disk { servers, ..self }
    }

    pub(crate) fn servers(&self) -> &Servers {
        &self.servers
    }

    /// A server was asked, so that what is made of the answers belongs to no questions that could be asked again.
    pub(crate) fn forget(&self) {
        if let Some(asked) = &self.asked {
            asked.lock().unwrap_or_else(PoisonError::into_inner).torn = true;
        }
    }

    /// What was asked so far, with the answers; `None` if that was not written down, or changed meanwhile.
    pub fn asked(&self) -> Option<Vec<(Question, Answer)>> {
        let asked = self.asked.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        (!asked.torn).then(|| asked.answers.clone().into_iter().collect())
    }

    /// The text of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// Why it was not read.
    pub fn read(&self, path: &Path, limit: u64) -> Result<String, Unread> {
        let answer = read_file(path, limit);
        self.note(|| Question::Text(path.to_path_buf(), limit), || of_text(&answer));
        answer
    }

    /// What is at a path.
    pub fn kind(&self, path: &Path) -> Kind {
        let answer = kind(path);
        self.note(|| Question::Kind(path.to_path_buf()), || of_kind(answer));
        answer
    }

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn names(&self, folder: &Path) -> std::io::Result<Vec<String>> {
        let answer = names(folder);
        self.note(|| Question::Names(folder.to_path_buf()), || of_names(&answer));
        answer
    }

    /// The path without links, if there is such a file.
    pub fn canonical(&self, path: &Path) -> Option<PathBuf> {
        let answer = path.canonicalize().ok();
        self.note(|| Question::Canonical(path.to_path_buf()), || of_path(answer.as_deref()));
        answer
    }

    /// The Rust files below `root`, sorted, but for those of projects of their own and of what cargo builds.
    pub fn rust_files(&self, root: &Path) -> Vec<PathBuf> {
        let (folders, _) = self.folders(root);
        let files = folders.iter().flat_map(|folder| folder.files.iter().map(|file| folder.path.join(file)));
        let mut rust: Vec<PathBuf> =
            files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect();
        rust.sort();
        rust
    }

    /// All folders below `root`; see [`walk::folders`].
    pub(crate) fn folders(&self, root: &Path) -> (Vec<Folder>, Vec<(PathBuf, Unread)>) {
        let answer = walk::folders(root);
        self.note(|| Question::Folders(root.to_path_buf()), || of_folders(&answer));
        answer
    }

    fn note(&self, question: impl FnOnce() -> Question, answer: impl FnOnce() -> Answer) {
        let Some(asked) = &self.asked else { return };
        let (question, answer) = (question(), answer());
        let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
        match asked.answers.entry(question) {
            Entry::Vacant(place) => {
                place.insert(answer);
            }
            Entry::Occupied(known) => {
                let changed = *known.get() != answer;
                asked.torn |= changed;
            }
        }
    }
}

impl Question {
    /// Asks it again.
    pub fn ask(&self) -> Answer {
        match self {
            Question::Text(path, limit) => of_text(&read_file(path, *limit)),
            Question::Folders(path) => of_folders(&walk::folders(path)),
            Question::Kind(path) => of_kind(kind(path)),
            Question::Names(path) => of_names(&names(path)),
            Question::Canonical(path) => of_path(path.canonicalize().ok().as_deref()),
        }
    }
}

fn kind(path: &Path) -> Kind {
    match std::fs::metadata(path) {
        Ok(found) if found.is_file() => Kind::File,
        Ok(found) if found.is_dir() => Kind::Folder,
        Ok(_) => Kind::Other,
        Err(_) => Kind::Nothing,
    }
}

fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.map(|entry| entry.file_name().to_string_lossy().into_owned())
    };
    let mut names: Vec<String> = std::fs::read_dir(folder)?.map(name).collect::<std::io::Result<_>>()?;
    names.sort();
    Ok(names)
}

/// A digest of parts, each with its length, so that two lists of parts never look alike.
fn digest<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Answer {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn of_text(answer: &Result<String, Unread>) -> Answer {
    match answer {
        Ok(text) => digest([b"text".as_slice(), text.as_bytes()]),
        Err(why) => digest([b"unread".as_slice(), why.to_string().as_bytes()]),
    }
}

fn of_kind(answer: Kind) -> Answer {
    let word = match answer {
        Kind::Nothing => "nothing",
        Kind::File => "file",
        Kind::Folder => "folder",
        Kind::Other => "other",
    };
    digest([word.as_bytes()])
}

fn of_names(answer: &std::io::Result<Vec<String>>) -> Answer {
    match answer {
        Ok(names) => {
            digest(std::iter::once("names").chain(names.iter().map(String::as_str)).map(str::as_bytes))
        }
        Err(error) => digest([b"unread".as_slice(), error.to_string().as_bytes()]),
    }
}

fn of_path(answer: Option<&Path>) -> Answer {
    digest(answer.map(|path| path.as_os_str().as_encoded_bytes()))
}

fn of_folders((folders, skipped): &(Vec<Folder>, Vec<(PathBuf, Unread)>)) -> Answer {
    let mut all: Vec<u8> = Vec::new();
    // Neither paths nor names hold NUL bytes.
    let mut part = |kind: u8, text: &[u8]| {
        all.push(kind);
        all.extend_from_slice(text);
        all.push(0);
    };
    for folder in folders {
        part(b'/', folder.path.as_os_str().as_encoded_bytes());
        folder.files.iter().for_each(|name| part(b'f', name.as_bytes()));
        folder.folders.iter().for_each(|name| part(b'd', name.as_bytes()));
    }
    for (path, why) in skipped {
        part(b's', path.as_os_str().as_encoded_bytes());
        part(b'w', why.to_string().as_bytes());
    }
    digest([all.as_slice()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_change_with_what_is_there_and_with_nothing_else() {
        let folder = std::env::temp_dir().join(format!("tenantry-disk-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("a")).expect("writable");
        let file = folder.join("a/one.sql");
        std::fs::write(&file, "SELECT 1").expect("writable");
        let disk = Disk::watched();
        assert_eq!(disk.read(&file, 100).as_deref(), Ok("SELECT 1"));
        assert_eq!(disk.kind(&file), Kind::File);
        assert_eq!(disk.kind(&folder.join("b")), Kind::Nothing);
        assert_eq!(disk.names(&folder).expect("a folder"), ["a"]);
        assert_eq!(disk.folders(&folder).0.len(), 2);
        assert!(disk.canonical(&folder.join("b")).is_none());
        let asked = disk.asked().expect("nothing changed");
        assert_eq!(asked.len(), 6);
        assert!(asked.iter().all(|(question, answer)| question.ask() == *answer));

        std::fs::write(&file, "SELECT 2").expect("writable");
        std::fs::write(folder.join("b"), "").expect("writable");
        let same: Vec<&Question> = asked
            .iter()
            .filter(|(question, answer)| question.ask() == *answer)
            .map(|(asked, _)| asked)
            .collect();
        assert_eq!(same, [&Question::Kind(file.clone())]);
        // What was read before and after a change is nothing that anybody else could read.
        assert!(disk.read(&file, 100).is_ok());
        assert!(disk.asked().is_none());
        assert!(Disk::default().asked().is_none());
    }
}
