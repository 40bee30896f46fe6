//! What reading the calls of functions, and the values of extractors' types, gave in earlier runs, file by file.
//!
//! A file is read for the functions whose names stand in it: other names change nothing, so that a reading is found again by
//! those that do.
//!
//! **Invariant:** a reading counts only while the file's bytes, its place in the workspace, what was looked for in it (the
//! names that stand in it and what is wanted of their calls, or the types with their parts), and every answer that the
//! reading asked for are the same.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use tenantry_judge::cache::{read, write};
use tenantry_source::{
    Asserted, Call, Calls, Composed, FunctionHead, Handed, HandedChains, HandedTable, How, Made, MadeIn,
    Marks, Mention, Names, Place, Rendering, Types,
};
use tenantry_span::FileId;

use super::codec::{Reader, Stored, Writer, numbered, stored};
use super::{CachePlace, Digest, MAGIC, Reading, digest, file_of};

/// How many readings are kept of a file: those of several rounds, and of runs that asked for something else.
const MAX_READINGS: usize = 24;

/// What is kept of the calls in a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FileCalls {
    /// Of its bytes, and of its place in the workspace.
    digest: Digest,
    /// What was read, by what was asked for; what was read last comes first.
    readings: Vec<(Digest, Reading)>,
}

/// The readings of a project's calls.
#[derive(Debug, Default)]
pub(crate) struct CallCache {
    place: Option<(PathBuf, Digest)>,
    /// Read when it is asked for: most runs that find nothing changed never do.
    known: OnceLock<HashMap<String, FileCalls>>,
    /// What was read in this run, as it is to be kept.
    new: Mutex<HashMap<String, FileCalls>>,
}

/// What is asked of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Its path as reports show it.
    pub(crate) path: &'a str,
    /// Its crate and its path there.
    pub(crate) place: (&'a str, &'a str),
    /// Its text.
    pub(crate) text: &'a str,
    /// What is looked for.
    pub(crate) what: What<'a>,
}

/// What is looked for in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What<'a> {
    /// Functions of these names, and their calls.
    Functions(&'a Names),
    /// Where values of types are made, by the digest that [`of_types`] gives.
    Types(Digest),
}

/// The digest of types with the parts of them that are asked for.
pub(crate) fn of_types(types: &Types) -> Digest {
    digest(format!("{types:?}").as_bytes())
}

impl Asked<'_> {
    fn of_file(&self) -> Digest {
        digest(format!("{}\0{}\0{}", self.place.0, self.place.1, self.text).as_bytes())
    }

    fn of_what(&self) -> Digest {
        match self.what {
            What::Functions(names) => digest(names.in_text(self.text).join("\0").as_bytes()),
            What::Types(types) => types,
        }
    }
}

impl CallCache {
    /// The cache of the project at `root`; `depends` is what else the reading of its files depends on.
    pub(crate) fn open(place: Option<&CachePlace>, root: &Path, depends: &str) -> CallCache {
        let place = place.map(|place| {
            let key = digest(format!("{}\0{depends}", place.tool).as_bytes());
            (file_of(&place.folder, "calls", root), key)
        });
        CallCache { place, ..CallCache::default() }
    }

    /// True if there is a place to keep anything.
    pub(crate) fn is_on(&self) -> bool {
        self.place.is_some()
    }

    fn known(&self) -> &HashMap<String, FileCalls> {
        self.known.get_or_init(|| self.place.as_ref().and_then(entries).unwrap_or_default())
    }

    /// What an earlier run read of the file.
    pub(crate) fn find(&self, asked: Asked<'_>) -> Option<&Reading> {
        let known = self.known().get(asked.path).filter(|known| known.digest == asked.of_file())?;
        let what = asked.of_what();
        known.readings.iter().find(|(key, _)| *key == what).map(|(_, reading)| reading)
    }

    /// Keeps what was read now.
    pub(crate) fn keep(&self, asked: Asked<'_>, reading: Reading) {
        let (digest, what) = (asked.of_file(), asked.of_what());
        let mut new = self.new.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = new.entry(asked.path.to_owned()).or_insert_with(|| {
            let known = self.known().get(asked.path).filter(|known| known.digest == digest);
            known.cloned().unwrap_or(FileCalls { digest, readings: Vec::new() })
        });
        entry.readings.retain(|(key, _)| *key != what);
        entry.readings.insert(0, (what, reading));
        entry.readings.truncate(MAX_READINGS);
    }

    /// Writes what was read now beside what was known of other files, where anything was.
    pub(crate) fn store(self, files: &HashSet<String>) {
        let new = self.new.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Some((path, key)) = self.place.filter(|_| !new.is_empty()) else { return };
        let mut all = self.known.into_inner().unwrap_or_default();
        all.extend(new);
        let mut sorted: Vec<(String, FileCalls)> =
            all.into_iter().filter(|(path, _)| files.contains(path)).collect();
        sorted.sort_by(|(a, _), (b, _)| a.cmp(b));
        let no_files = |_: FileId| String::new();
        let mut out = Writer::new(&no_files);
        sorted.put(&mut out);
        // It was to make the next run faster; without it the next run is as this one was.
        let _ = write(&path, MAGIC, &key, &out.finish().0);
    }
}

fn entries((path, key): &(PathBuf, Digest)) -> Option<HashMap<String, FileCalls>> {
    let body = read(path, MAGIC, key)?;
    let mut from = Reader::new(&body, &[]);
    let entries = Vec::<(String, FileCalls)>::get(&mut from)?;
    from.is_at_end().then(|| entries.into_iter().collect())
}

stored! {
    FileCalls { digest, readings }
    Calls { functions, traits, calls, sites, others, hidden }
    FunctionHead { item, name_span, params, generics, has_receiver, is_decorated, of_trait, cfgs, asserts, keeps, makes_new, gives }
    Asserted { layers, is_bool, equal, equal_unless, quiet }
    Place { parameter, fields }
    Call { path, written, is_method, receiver, of_types, on, arguments, span, within, is_test, handed, on_made, made }
    Composed { bind, root, path, fields, call, assigned, checked, is_cut }
    Handed { site, texts, lists, passed, chains }
    HandedChains { expressions, queries, types, tables, rows }
    HandedTable { name, columns, keys, rows, changes }
    Rendering { text, binds, conditions }
    Mention { path, how }
    Marks { declared, imported, made, hidden, changed, has_extractor }
    MadeIn { types, made }
    Made { ty, span, item, is_extractor, is_test, parts }
}

numbered! { How { Plain = 0, Method = 1, Macro = 2 } }
