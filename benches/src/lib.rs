//! What the programs of this folder share.
#![forbid(unsafe_code)]

use std::path::PathBuf;

/// The Rust files below the folders that the command line names, as the product walks them, sorted.
pub fn rust_files() -> Vec<PathBuf> {
    let folders = std::env::args_os().skip(1).map(PathBuf::from);
    let mut found = Vec::new();
    for folder in folders {
        let walk = ignore::WalkBuilder::new(folder).require_git(false).build();
        let files = walk.filter_map(Result::ok).map(ignore::DirEntry::into_path);
        found.extend(files.filter(|path| path.is_file() && path.extension().is_some_and(|end| end == "rs")));
    }
    found.sort();
    found
}

/// Runs `work` on a thread whose stack holds every real file's syntax tree, and every statement within the limits.
pub fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    tenantry_prover::lower::on_deep_stack(work).expect("the work neither panics nor lacks a thread")
}
