//! What `check`, `sites` and `baseline` share: the project, the day, the run.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenantry_engine::{CachePlace, Options, Report};
use tenantry_policy::Date;
use tenantry_project::{Disk, Project, Servers};
use tenantry_span::Severity;

use crate::cli::ScanArgs;
use crate::commands::live;
use crate::exit::{self, Failure};
use crate::terminal::Watch;

/// Loads the project that the arguments mean, with schemas that come from servers.
pub(crate) fn project_beside(start: Option<&Path>, servers: Servers) -> Result<Project, Failure> {
    Ok(tenantry_project::load_from(&Disk::default().beside(servers), root(start)?))
}

/// The root of the project that the arguments mean.
pub(crate) fn root(start: Option<&Path>) -> Result<PathBuf, Failure> {
    Ok(tenantry_project::find_root(folder(start)?))
}

fn folder(start: Option<&Path>) -> Result<&Path, Failure> {
    let start = start.unwrap_or(Path::new("."));
    if !start.exists() {
        return Err(Failure::usage(format!("there is no file or folder `{}`", start.display())));
    }
    let folder = if start.is_file() { start.parent().unwrap_or(Path::new("")) } else { start };
    Ok(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
}

/// The options that the arguments say.
pub(crate) fn options(arguments: &ScanArgs) -> Result<Options, Failure> {
    for path in &arguments.paths {
        if !path.exists() {
            return Err(Failure::usage(format!("there is no file or folder `{}`", path.display())));
        }
    }
    Ok(Options {
        paths: arguments.paths.clone(),
        include_tests: arguments.include_tests,
        today: today(arguments.today.as_deref())?,
        suppressions: true,
        overlay: None,
        baseline: BTreeSet::new(),
        progress: Arc::default(),
        cache: None,
        servers: live::servers(&arguments.schema_from)?,
    })
}

/// Where what is read is kept: below cargo's target folder, of projects that have one.
fn cache(root: &Path) -> Option<CachePlace> {
    let folder = cargo_folder(root)?;
    let named = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"].iter().find_map(std::env::var_os);
    let target = match named.filter(|named| !named.is_empty()) {
        Some(named) => PathBuf::from(named),
        None => folder.join("target"),
    };
    CachePlace::below(&target)
}

/// The folder that cargo builds: the project's own, or else the first one in it, as where a service has its Rust beside
/// other things.
fn cargo_folder(root: &Path) -> Option<PathBuf> {
    let is_built = |folder: &PathBuf| folder.join("Cargo.toml").is_file();
    let root = root.to_path_buf();
    if is_built(&root) {
        return Some(root);
    }
    let inside = std::fs::read_dir(&root).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    inside.filter(is_built).min()
}

/// The project's folder in the repository that it lies in, with a `/` at its end; empty where they are the same, or
/// where there is no repository.
pub(crate) fn below_repository(root: &Path) -> String {
    let repository = root.ancestors().find(|folder| folder.join(".git").exists());
    let below = repository.and_then(|repository| root.strip_prefix(repository).ok());
    let folders = below.into_iter().flat_map(Path::components);
    folders.map(|folder| format!("{}/", folder.as_os_str().to_string_lossy())).collect()
}

/// The whole project is not a part of it: `check .` at the root is a full run.
pub(crate) fn whole(root: &Path, paths: &[PathBuf]) -> bool {
    paths.iter().all(|path| path.canonicalize().is_ok_and(|path| path == root))
}

/// Runs the check.
pub(crate) fn run(root: &Path, mut options: Options, arguments: &ScanArgs) -> Result<Report, Failure> {
    options.cache = if arguments.no_cache { None } else { cache(root) };
    if whole(root, &options.paths) {
        options.paths.clear();
    }
    let is_outside = |path: &&PathBuf| path.canonicalize().is_ok_and(|path| !path.starts_with(root));
    if let Some(outside) = options.paths.iter().find(is_outside) {
        let (outside, root) = (outside.display(), root.display());
        return Err(Failure::usage(format!("`{outside}` does not lie in the project `{root}`"))
            .help("each project has a policy and a schema of its own: check them one by one"));
    }
    let _watch = Watch::start(Arc::clone(&options.progress));
    tenantry_engine::check_at(root, &options).map_err(|error| Failure::usage(error.to_string()))
}

/// True if the policy file has errors.
pub(crate) fn is_faulty(report: &Report) -> bool {
    report.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// The exit code of a run that is not gated.
pub(crate) fn code(report: &Report) -> u8 {
    if is_faulty(report) {
        exit::USAGE
    } else if report.scanned == 0 {
        exit::NOTHING
    } else if report.is_partial() {
        exit::INTERNAL
    } else {
        exit::OK
    }
}

/// The day: as said, else as SOURCE_DATE_EPOCH says, else the clock's, in UTC.
fn today(said: Option<&str>) -> Result<Date, Failure> {
    if let Some(said) = said {
        return Date::parse(said).ok_or_else(|| {
            Failure::usage(format!("`{said}` is not a date")).help("write --today YYYY-MM-DD")
        });
    }
    let now = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => seconds
            .trim()
            .parse()
            .ok()
            .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
            .ok_or_else(|| {
                Failure::usage(format!("SOURCE_DATE_EPOCH is `{seconds}`, not a number of seconds"))
            })?,
        Err(_) => jiff::Timestamp::now(),
    };
    let date = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    Date::parse(&format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()))
        .ok_or_else(|| Failure::usage("today's date lies outside of the years 0 to 9999"))
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text)
        .map_err(|error| Failure::internal(format!("{} cannot be written: {error}", path.display())))
}
