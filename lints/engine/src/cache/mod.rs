//! What was read of Rust files in an earlier run, and its report, kept below `target/`.
//!
//! **Invariant:** no verdict is kept but in a whole report, which counts only while everything that the run asked for is
//! the same (`last`): after any change the proof runs anew. What reading a file gave counts only while the file's bytes
//! and every answer that its reading asked for are the same.
//! **Invariant:** a cache that cannot be read, is damaged or is another version's is no cache, and one that cannot be
//! written is none the next time; neither is an error.
//! **Invariant:** a file is passed over unread only where its size, inode and times are those of the run that read it, and
//! the times lay well before that run: a change after that would have shown in them.

mod calls;
mod codec;
mod last;
mod report;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use tenantry_judge::cache::{Digest, digest};
use tenantry_judge::cache::{hex, read, replace, write};
use tenantry_source::{Answer, Declared, ModuleFile};
use tenantry_span::FileId;

pub(crate) use calls::{Asked, CallCache, What, of_types};
use codec::{Bytes, stored};
pub(crate) use codec::{Reader, Stored, Writer};
pub(crate) use last::{Last, Passed};

/// What a cache file begins with; the number grows with every change of its form.
const MAGIC: &[u8] = b"tenantry cache 5\n";

/// Files whose times lie closer to the beginning of the run than this may change without their times changing.
const RACY: u128 = 2_000_000_000;

/// Where the cache is, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePlace {
    /// The folder; it is made where it is missing.
    pub folder: PathBuf,
    /// What tells this build of the product from all others.
    pub tool: String,
}

impl CachePlace {
    /// The place of the running program's cache below a cargo target folder; `None` where the program cannot be read.
    pub fn below(target: &Path) -> Option<CachePlace> {
        let folder = target.join("tenantry");
        let program = std::env::current_exe().ok()?;
        let stat = stat(&program, since_epoch());
        let known = folder.join("tool.bin");
        if let (Some(stat), Ok(bytes)) = (stat, std::fs::read(&known)) {
            let mut from = Reader::new(&bytes, &[]);
            let kept = <(Stat, Digest)>::get(&mut from).filter(|_| from.is_at_end());
            if let Some((_, digest)) = kept.filter(|(kept, _)| *kept == stat) {
                return Some(CachePlace { folder, tool: hex(&digest) });
            }
        }
        let digest = digest(&std::fs::read(&program).ok()?);
        if let Some(stat) = stat {
            let no_files = |_: FileId| String::new();
            let mut out = Writer::new(&no_files);
            (stat, digest).put(&mut out);
            let _ = replace(&known, &out.finish().0);
        }
        Some(CachePlace { folder, tool: hex(&digest) })
    }
}

fn since_epoch() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos())
}

/// What the file system says of a file, where it says enough to see every change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    length: u64,
    device: u64,
    inode: u64,
    modified: u64,
    changed: u64,
}

/// What is kept of a Rust file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where nothing is known to have changed since, nothing was changed.
    pub(crate) stat: Option<Stat>,
    /// It may hold sites or suppressions.
    pub(crate) sites: bool,
    /// It may define constants that other files name.
    pub(crate) constants: bool,
    /// The modules that it declares as files.
    pub(crate) modules: Vec<ModuleFile>,
    /// What functions that are named as guards answer with.
    pub(crate) answers: Vec<Answer>,
    /// What it declares for chains of calls, without its place in the workspace.
    pub(crate) declared: Vec<Declared>,
    /// What else is kept, of a file that is more than passed over.
    pub(crate) readings: Option<Readings>,
}

/// What reading a file gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readings {
    /// Of its bytes.
    pub(crate) digest: Digest,
    /// Its path in its crate, on which names of items depend.
    pub(crate) path_in_crate: String,
    /// Its constants, as they are without those of other files.
    pub(crate) lone_constants: Option<Reading>,
    /// Its constants, made of those of other files.
    pub(crate) all_constants: Option<Reading>,
    /// Its sites.
    pub(crate) sites: Option<Reading>,
}

/// A value that was read, and what it rests on besides the file's own bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// What was asked for, in order, with digests of the answers.
    pub(crate) asked: Vec<(Question, Option<Digest>)>,
    /// The files that the value's places lie in, relative to the root.
    paths: Vec<String>,
    value: Bytes,
}

/// What the reading of a file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// The text of a file, by its path as it is written, relative to the file that is read.
    Include(String),
    /// The same, relative to the manifest.
    ManifestFile(String),
    /// A constant of the crate.
    Constant(Vec<String>),
    /// What functions of this name answer with.
    Answers(String),
    /// What is declared under this name for chains of calls.
    Declarations(String),
}

impl Question {
    /// True if it asks for a constant.
    pub(crate) fn is_for_constant(&self) -> bool {
        matches!(self, Question::Constant(_))
    }
}

impl Reading {
    /// True if it rests on constants of other files, or on there being none.
    pub(crate) fn asks_for_constants(&self) -> bool {
        self.asked.iter().any(|(question, _)| question.is_for_constant())
    }

    /// A value to be kept; `path` finds the paths of the files that it refers to.
    pub(crate) fn of<T: Stored>(
        asked: Vec<(Question, Option<Digest>)>,
        value: &T,
        path: &dyn Fn(FileId) -> String,
    ) -> Reading {
        let mut out = Writer::new(path);
        value.put(&mut out);
        let (bytes, paths) = out.finish();
        Reading { asked, paths, value: Bytes(bytes) }
    }

    /// The value, where all files that it refers to are known by path.
    pub(crate) fn value<T: Stored>(&self, file: impl Fn(&str) -> Option<FileId>) -> Option<T> {
        let files: Vec<FileId> = self.paths.iter().map(|path| file(path)).collect::<Option<_>>()?;
        let mut from = Reader::new(&self.value.0, &files);
        T::get(&mut from).filter(|_| from.is_at_end())
    }
}

/// The cache of a project: what is known from before, and what of it stays.
#[derive(Debug)]
pub(crate) struct Cache {
    place: Option<(PathBuf, Digest)>,
    known: HashMap<String, Entry>,
    /// The beginning of the run, in nanoseconds.
    now: u128,
}

impl Cache {
    /// No cache: nothing is known and nothing is kept.
    pub(crate) fn none() -> Cache {
        Cache { place: None, known: HashMap::new(), now: 0 }
    }

    /// Reads the cache of the project at `root`; `depends` is what else the reading of its files depends on.
    pub(crate) fn open(place: Option<&CachePlace>, root: &Path, depends: &str) -> Cache {
        let Some(place) = place else { return Cache::none() };
        let now = since_epoch();
        let path = file_of(&place.folder, "rust", root);
        let key = digest(format!("{}\0{depends}", place.tool).as_bytes());
        let known = entries(&path, &key).unwrap_or_default();
        Cache { place: Some((path, key)), known, now }
    }

    /// True if there is a place to keep anything.
    pub(crate) fn is_on(&self) -> bool {
        self.place.is_some()
    }

    /// What is known of a file.
    pub(crate) fn entry(&self, path: &str) -> Option<&Entry> {
        self.known.get(path)
    }

    /// What the file system says of a file, where that shows every later change. To be asked before the file is read.
    pub(crate) fn stat(&self, path: &Path) -> Option<Stat> {
        self.place.as_ref()?;
        stat(path, self.now)
    }

    /// Keeps these entries and no others, where they differ from what is known.
    pub(crate) fn store(&self, entries: HashMap<String, Entry>) {
        let Some((path, key)) = &self.place else { return };
        let no_files = |_: FileId| String::new();
        let bytes = |entries: &HashMap<String, Entry>| {
            let mut sorted: Vec<(&String, &Entry)> = entries.iter().collect();
            sorted.sort_by_key(|(path, _)| *path);
            let mut out = Writer::new(&no_files);
            (sorted.len() as u64).put(&mut out);
            for (path, entry) in sorted {
                path.put(&mut out);
                entry.put(&mut out);
            }
            out.finish().0
        };
        let same = self.known.len() == entries.len()
            && entries.iter().all(|(path, entry)| self.known.get(path).is_some_and(|known| known == entry));
        if same {
            return;
        }
        // It was to make the next run faster; without it the next run is as this one was.
        let _ = write(path, MAGIC, key, &bytes(&entries));
    }
}

fn entries(path: &Path, key: &Digest) -> Option<HashMap<String, Entry>> {
    let body = read(path, MAGIC, key)?;
    let mut from = Reader::new(&body, &[]);
    let entries = Vec::<(String, Entry)>::get(&mut from)?;
    from.is_at_end().then(|| entries.into_iter().collect())
}

/// The file of a project at `root` for one purpose.
fn file_of(folder: &Path, purpose: &str, root: &Path) -> PathBuf {
    let name = digest(root.as_os_str().as_encoded_bytes());
    folder.join(format!("{purpose}-{}.bin", hex(name.get(..8).unwrap_or(&name))))
}

#[cfg(unix)]
fn stat(path: &Path, now: u128) -> Option<Stat> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path).ok()?;
    let time = |seconds: i64, nanoseconds: i64| {
        let time = u128::try_from(seconds).ok()? * 1_000_000_000 + u128::try_from(nanoseconds).ok()?;
        u64::try_from(time).ok().filter(|_| time + RACY < now)
    };
    Some(Stat {
        length: metadata.len(),
        device: metadata.dev(),
        inode: metadata.ino(),
        modified: time(metadata.mtime(), metadata.mtime_nsec())?,
        changed: time(metadata.ctime(), metadata.ctime_nsec())?,
    })
}

/// Elsewhere nothing says when a file was changed that a program could not set.
#[cfg(not(unix))]
fn stat(_: &Path, _: u128) -> Option<Stat> {
    None
}

#[cfg(test)]
mod tests;

stored! {
    Stat { length, device, inode, modified, changed }
    Entry { stat, sites, constants, modules, answers, declared, readings }
    Readings { digest, path_in_crate, lone_constants, all_constants, sites }
    Reading { asked, paths, value }
}

impl Stored for Question {
    fn put(&self, out: &mut Writer<'_>) {
        let (kind, parts) = match self {
            Question::Include(path) => (0u32, vec![path.clone()]),
            Question::ManifestFile(path) => (1, vec![path.clone()]),
            Question::Constant(path) => (2, path.clone()),
            Question::Answers(name) => (3, vec![name.clone()]),
            Question::Declarations(name) => (4, vec![name.clone()]),
        };
        kind.put(out);
        parts.put(out);
    }

    fn get(from: &mut Reader<'_>) -> Option<Question> {
        let kind = u32::get(from)?;
        let mut parts = Vec::<String>::get(from)?;
        match kind {
            0 => parts.pop().map(Question::Include),
            1 => parts.pop().map(Question::ManifestFile),
            2 => Some(Question::Constant(parts)),
            3 => parts.pop().map(Question::Answers),
            4 => parts.pop().map(Question::Declarations),
            _ => None,
        }
    }
}
