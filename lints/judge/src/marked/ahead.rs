//! The other files of a crate, judged ahead on the cores that the compiler leaves idle: it expands macros one after another,
//! and would wait for each file with marks in turn.
//!
//! **Invariant:** a file is judged as it is when one of its marks asks; who judged it shows nowhere.

use std::collections::{HashSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};

use tenantry_policy::Date;
use tenantry_prover::lower::on_deep_stack;

use super::item::{Attribute, keep};
use super::kept::is_kept;
use super::known::MAX_RUST_FILE;
use super::place::Place;
use super::workspace::Workspace;

/// The most threads that judge ahead: each holds what it reads in memory.
const MAX_THREADS: usize = 3;

/// The most files that are looked at.
const MAX_FILES: usize = 10_000;

/// Begins to judge the files of the crate other than that of the attribute, once for a project as it was loaded.
pub(super) fn begin(workspace: &Arc<Workspace>, place: &Place, at: Attribute<'_>) {
    let Some(root) = &place.source else { return };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1);
    if threads == 0 || is_in_editor() {
        return;
    }
    let mut is_first = false;
    workspace.ahead.get_or_init(|| {
        is_first = true;
        // The compiler's own thread begins with it.
        workspace.slot(at.path);
        Mutex::new(Modules::of(root.clone()))
    });
    for _ in 0..if is_first { threads.min(MAX_THREADS) } else { 0 } {
        let (workspace, place, today) = (Arc::clone(workspace), place.clone(), at.today);
        // Where no thread is to be had the compiler's own does everything.
        let _ = std::thread::Builder::new()
            .spawn(move || on_deep_stack(|| while judge_next(&workspace, &place, today) {}));
    }
}

/// An editor's macro server asks for what is looked at, has other work for its cores, and may let go of this library while it
/// runs: nothing is to be left running in it.
fn is_in_editor() -> bool {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    name.is_none_or(|name| name.starts_with("rust-analyzer"))
}

/// While another thread judges the file of the attribute: judges others meanwhile.
pub(super) fn help(workspace: &Workspace, place: &Place, at: Attribute<'_>) {
    let is_in_work = || matches!(workspace.slot(at.path).try_lock(), Err(TryLockError::WouldBlock));
    while is_in_work() && on_deep_stack(|| judge_next(workspace, place, at.today)) == Some(true) {}
}

/// Judges the next file that nobody has begun with; false if there is none.
fn judge_next(workspace: &Workspace, place: &Place, today: Date) -> bool {
    let Some(files) = workspace.ahead.get() else { return false };
    let Some(path) = files.lock().unwrap_or_else(PoisonError::into_inner).next() else { return false };
    if !workspace.is_begun(&path) && !is_kept(place, &workspace.asked_from, &path) {
        let at = Attribute { path: &path, line: 1, column: 1, today, in_example: false };
        // That it is not read is told where one of its marks asks.
        let _ = keep(workspace, place, at);
    }
    true
}

/// The source files of a crate that may hold marks, in the order in which the compiler comes to them.
#[derive(Debug)]
pub(super) struct Modules {
    /// With the folder that the modules of each lie in.
    next: VecDeque<(PathBuf, PathBuf)>,
    seen: HashSet<PathBuf>,
}

impl Modules {
    fn of(root: PathBuf) -> Modules {
        let folder = root.parent().map(Path::to_path_buf).unwrap_or_default();
        Modules { next: VecDeque::from([(root, folder)]), seen: HashSet::new() }
    }

    /// Adds the modules that a file declares, in front of what else there is.
    fn enter(&mut self, text: &str, folder: &Path) {
        let declared = tenantry_source::module_files(text).into_iter();
        let declared = declared.filter(|module| !module.is_test && module.file.is_none());
        let files: Vec<(PathBuf, PathBuf)> = declared
            .filter_map(|module| {
                let inner = folder.join(&module.name);
                let paths = [folder.join(format!("{}.rs", module.name)), inner.join("mod.rs")];
                Some((paths.into_iter().find(|path| path.is_file())?, inner))
            })
            .collect();
        files.into_iter().rev().for_each(|file| self.next.push_front(file));
    }
}

impl Iterator for Modules {
    type Item = PathBuf;

    fn next(&mut self) -> Option<PathBuf> {
        loop {
            let (path, folder) = self.next.pop_front()?;
            if self.seen.len() >= MAX_FILES || !self.seen.insert(path.clone()) {
                continue;
            }
            let Ok(text) = tenantry_project::Disk::default().read(&path, MAX_RUST_FILE) else { continue };
            self.enter(&text, &folder);
            if tenantry_source::may_mark(text.as_bytes()) {
                return Some(path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Modules;

    #[test]
    fn files_come_as_the_compiler_comes_to_them_each_once() {
        let folder = std::env::temp_dir().join(format!("tenantry-ahead-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let files = [
            ("lib.rs", "mod store;\npub mod auth; mod lib; #[cfg(test)] mod tests; mod gone;"),
            ("auth.rs", "use tenantry::tenant_scoped;"),
            ("store/mod.rs", "mod orders; mod plain;"),
            ("store/orders.rs", "#[tenant_scoped] fn f() {} mod lines;"),
            ("store/orders/lines.rs", "#[cross_tenant(reason = \"\")] fn f() {}"),
            ("store/plain.rs", "fn f() {}"),
            ("tests.rs", "#[tenant_scoped] fn f() {}"),
            ("other.rs", "#[tenant_scoped] fn f() {}"),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
            std::fs::write(path, text).expect("writable");
        }
        let found: Vec<String> = Modules::of(folder.join("lib.rs"))
            .map(|path| path.strip_prefix(&folder).expect("below").to_string_lossy().replace('\\', "/"))
            .collect();
        assert_eq!(found, ["store/orders.rs", "store/orders/lines.rs", "auth.rs"]);
        let _ = std::fs::remove_dir_all(&folder);
    }
}
