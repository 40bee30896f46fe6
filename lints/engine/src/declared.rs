//! What the files of a workspace declare for chains of calls, put together once for a run.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use tenantry_project::Crate;
use tenantry_source::{Assembled, Declaration, Declared};

use crate::cache::{Digest, Stored, Writer, digest};

/// What the `use` declarations of a workspace make of names. Modules go by their last names, a crate's root by the crate's.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    /// Names given to something that is called otherwise.
    renames: HashSet<String>,
    /// Of names that are imported as they are the modules that do.
    named: HashMap<String, HashSet<String>>,
    /// Of modules those of which they import everything.
    globs: HashMap<String, HashSet<String>>,
}

impl Uses {
    /// A `use` gives this name to something that is called otherwise.
    pub(crate) fn renames(&self, name: &str) -> bool {
        self.renames.contains(name)
    }

    /// What is called `name` in the module `home` may go by the path `around::name`.
    pub(crate) fn lead(&self, around: &str, home: &str, name: &str) -> bool {
        let named = self.named.get(name);
        let (mut seen, mut open) = (HashSet::new(), vec![around]);
        while let Some(module) = open.pop() {
            if module == home || named.is_some_and(|modules| modules.contains(module)) {
                return true;
            }
            if seen.insert(module) {
                open.extend(self.globs.get(module).into_iter().flatten().map(String::as_str));
            }
        }
        false
    }
}

/// The declarations of a workspace.
#[derive(Default)]
pub(crate) struct Declarations {
    by_name: HashMap<String, Vec<Declared>>,
    /// The digests that were asked for: every file asks for the same.
    digests: Mutex<HashMap<String, Digest>>,
    /// What libraries made of them.
    pub(crate) assembled: Assembled,
    /// For each crate, as Rust paths write it, the names that it gives to dependencies, with the packages.
    renamed: HashMap<String, Vec<(String, String)>>,
}

impl Declarations {
    /// Those of a project, with what its manifests say.
    pub(crate) fn of(crates: &[Crate]) -> Declarations {
        let renamed = crates.iter().filter(|krate| !krate.renamed().is_empty());
        let renamed = renamed.map(|krate| (krate.name.replace('-', "_"), krate.renamed().to_vec()));
        Declarations { renamed: renamed.collect(), ..Declarations::default() }
    }

    /// The package behind the name under which a crate knows it.
    pub(crate) fn package(&self, krate: &str, name: &str) -> String {
        let renamed = self.renamed.get(krate).into_iter().flatten();
        let mut package = renamed.filter(|(known, _)| known == name).map(|(_, package)| package.as_str());
        package.next().unwrap_or(name).to_owned()
    }

    /// All that manifests say of names, in order.
    pub(crate) fn renamed(&self) -> Vec<(&String, &Vec<(String, String)>)> {
        let mut all: Vec<_> = self.renamed.iter().collect();
        all.sort();
        all
    }

    /// Takes one in. Nothing may have been asked for before.
    pub(crate) fn add(&mut self, declared: Declared) {
        self.by_name.entry(declared.name.clone()).or_default().push(declared);
    }

    /// What the `use` declarations of the workspace make of names.
    pub(crate) fn uses(&self) -> Uses {
        let mut uses = Uses::default();
        for declared in self.by_name.values().flatten() {
            let Declaration::Export(export) = &declared.what else { continue };
            let module = declared.module.last().unwrap_or(&declared.krate).clone();
            if let Some(name) = declared.renamed() {
                uses.renames.insert(name.to_owned());
            }
            if declared.is_glob() {
                let around = declared.module.len().checked_sub(2).and_then(|at| declared.module.get(at));
                let from = match export.path.last().map(String::as_str) {
                    Some("super") => around.unwrap_or(&declared.krate).clone(),
                    Some("crate") | None => declared.krate.clone(),
                    Some("self") => continue,
                    Some(named) => named.to_owned(),
                };
                uses.globs.entry(module).or_default().insert(from);
            } else {
                uses.named.entry(declared.name.clone()).or_default().insert(module);
            }
        }
        uses
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
