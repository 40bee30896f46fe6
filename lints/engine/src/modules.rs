//! Which files are built for tests only, by the modules that other files declare.

use std::collections::BTreeSet;

use tenantry_source::ModuleFile;

/// The modules of the crates that lie in files of their own.
#[derive(Default)]
pub(crate) struct Modules {
    /// Crate and path of each that is declared for tests.
    tests: BTreeSet<(usize, String)>,
    /// Crate and path of each that is declared for more than tests.
    plain: BTreeSet<(usize, String)>,
    /// The names of files that are declared by name, which may be any module's.
    files: BTreeSet<String>,
}

impl Modules {
    /// Adds what the file at this path of the crate declares.
    pub(crate) fn extend(&mut self, krate: usize, path_in_crate: &str, found: Vec<ModuleFile>) {
        let parent = tenantry_source::module_path(path_in_crate);
        for module in found {
            if let Some(file) = &module.file {
                self.files.insert(file.rsplit('/').next().unwrap_or(file).to_owned());
            }
            let list = if module.is_test { &mut self.tests } else { &mut self.plain };
            let path: Vec<&str> = parent.iter().map(String::as_str).chain([module.name.as_str()]).collect();
            list.insert((krate, path.join("::")));
        }
    }

    /// Adds modules that are declared for tests, by their paths.
    pub(crate) fn extend_tests(&mut self, krate: usize, found: &[String]) {
        self.tests.extend(found.iter().map(|path| (krate, path.clone())));
    }

    /// True if the file is part of a module that every declaration of it makes for tests only.
    pub(crate) fn is_test(&self, krate: usize, path_in_crate: &str) -> bool {
        let path = tenantry_source::module_path(path_in_crate);
        let name = path_in_crate.rsplit('/').next().unwrap_or("");
        if self.files.contains(name) {
            return false;
        }
        (1..=path.len()).any(|end| {
            let module = (krate, path.get(..end).unwrap_or_default().join("::"));
            self.tests.contains(&module) && !self.plain.contains(&module)
        })
    }
}
