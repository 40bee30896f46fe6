//! Where proofs of marked items are kept, and whose they are.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::cache::{Digest, Parts};

/// What cargo writes into the folder that everything it builds lies in.
const TAG: &str = "CACHEDIR.TAG";

/// The folder for proofs below the target folder of a build, and the build of the macros that they are of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub(super) folder: PathBuf,
    pub(super) build: Digest,
    /// The source file of the crate's root, as the compiler was told it.
    pub(super) source: Option<PathBuf>,
}

impl Place {
    /// The place for a compiler that was called with these arguments, by what cargo tells it: `--out-dir`, which lies in the
    /// target folder, and `-L dependency=…`, where the macros' own `library` lies. `None` where one of them is not found:
    /// what cannot be told from another build's is not kept.
    pub fn of_compiler(arguments: impl IntoIterator<Item = OsString>, library: &str) -> Option<Place> {
        let (mut out, mut source, mut dependencies) = (None, None, Vec::new());
        let mut before = String::new();
        for argument in arguments {
            let argument = argument.into_string().ok()?;
            let value = match before.as_str() {
                "--out-dir" | "-L" => format!("{before}={argument}"),
                _ => argument.clone(),
            };
            if let Some(folder) = value.strip_prefix("--out-dir=") {
                out = Some(PathBuf::from(folder));
            }
            let folder = value.strip_prefix("-L").map(|rest| rest.trim_start_matches('='));
            dependencies.extend(folder.and_then(|rest| rest.strip_prefix("dependency=")).map(PathBuf::from));
            if source.is_none() && argument.ends_with(".rs") && Path::new(&argument).is_file() {
                source = Some(PathBuf::from(&argument));
            }
            before = argument;
        }
        let out = std::env::current_dir().ok()?.join(out?);
        let target = out.ancestors().find(|folder| folder.join(TAG).is_file())?;
        dependencies.sort();
        dependencies.dedup();
        let build = build(&dependencies, library)?;
        Some(Place { folder: target.join("tenantry").join("marks"), build, source })
    }
}

/// What tells this build of the macros from all others: its version, what the compiler tells its types from those of other
/// builds by (features, profile, compiler), and names, lengths and times of all libraries of its kind that there are.
fn build(folders: &[PathBuf], library: &str) -> Option<Digest> {
    let mut known = Parts::default();
    known.add(env!("CARGO_PKG_VERSION").as_bytes());
    known.add(format!("{:?}", TypeId::of::<Place>()).as_bytes());
    let mut found = false;
    for folder in folders {
        for name in names(folder, library) {
            let path = folder.join(name);
            let metadata = std::fs::metadata(&path).ok()?;
            let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
            known.path(&path)?;
            known.add(&metadata.len().to_le_bytes());
            known.add(&modified.as_nanos().to_le_bytes());
            found = true;
        }
    }
    found.then(|| known.digest())
}

fn names(folder: &Path, library: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let is_library = |name: &String| {
        let name = name.strip_prefix(std::env::consts::DLL_PREFIX).unwrap_or(name);
        name.starts_with(library) && name.ends_with(std::env::consts::DLL_SUFFIX)
    };
    let mut names: Vec<String> = names.filter(is_library).collect();
    names.sort();
    names
}
