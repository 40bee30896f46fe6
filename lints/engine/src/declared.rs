//! What the files of a workspace declare for chains of calls, put together once for a run.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use tenantry_source::{Assembled, Declared};

use crate::cache::{Digest, Stored, Writer, digest};

/// The declarations of a workspace.
#[derive(Default)]
pub(crate) struct Declarations {
    by_name: HashMap<String, Vec<Declared>>,
    /// The digests that were asked for: every file asks for the same.
    digests: Mutex<HashMap<String, Digest>>,
    /// What libraries made of them.
    pub(crate) assembled: Assembled,
}

impl Declarations {
    /// Takes one in. Nothing may have been asked for before.
    pub(crate) fn add(&mut self, declared: Declared) {
        self.by_name.entry(declared.name.clone()).or_default().push(declared);
    }

    /// Names that a `use` gives to something that is called otherwise.
    pub(crate) fn renames(&self) -> HashSet<String> {
        self.by_name.values().flatten().filter_map(Declared::renamed).map(str::to_owned).collect()
    }

    /// Those that go by a name.
    pub(crate) fn named(&self, name: &str) -> Vec<Declared> {
        self.by_name.get(name).cloned().unwrap_or_default()
    }

    /// The digest of those that go by a name; `None` where there are none.
    pub(crate) fn digest(&self, name: &str) -> Option<Digest> {
        let declared = self.by_name.get(name)?;
        let mut known = self.digests.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(name) {
            return Some(*known);
        }
        // They stand in no file.
        let nowhere = |_| String::new();
        let mut out = Writer::new(&nowhere);
        declared.put(&mut out);
        let found = digest(&out.finish().0);
        known.insert(name.to_owned(), found);
        Some(found)
    }
}
