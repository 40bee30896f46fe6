//! The calls that run SQL: those that the product knows, and a project's own in `.tenantry/sinks/`.

use std::path::Path;

use tenantry_project::{Disk, Files, Kind};
use tenantry_rules::SinkLibrary;
use tenantry_span::{Diagnostic, Span, TextRange};

/// Where a project's own sinks lie, below its root.
const FOLDER: &str = ".tenantry/sinks";

/// The largest file of sinks, in bytes.
const MAX_SINKS: u64 = 1024 * 1024;

/// All sinks of a project: the product's, then its own in the order of their files' names. A file that cannot be used
/// is an error of the project's: without it queries would go unseen.
pub fn of_project(root: &Path, files: &mut Files, diagnostics: &mut Vec<Diagnostic>) -> Vec<SinkLibrary> {
    on_disk(&Disk::default(), root, files, diagnostics)
}

/// The same, from a disk that may be watched.
pub fn on_disk(
    disk: &Disk,
    root: &Path,
    files: &mut Files,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<SinkLibrary> {
    let mut sinks = tenantry_rules::sinks().to_vec();
    let folder = root.join(FOLDER);
    if disk.kind(&folder) == Kind::Nothing {
        return sinks;
    }
    let names = match disk.names(&folder) {
        Ok(names) => names,
        Err(error) => {
            let file = files.add(FOLDER, "");
            let place = Span::new(file, TextRange::default());
            diagnostics.push(Diagnostic::error(place, format!("{FOLDER} cannot be read: {error}")));
            return sinks;
        }
    };
    for name in names.into_iter().filter(|name| name.ends_with(".toml")) {
        let path = format!("{FOLDER}/{name}");
        let text = match disk.read(&folder.join(&name), MAX_SINKS) {
            Ok(text) => text,
            Err(why) => {
                let place = Span::new(files.add(path.as_str(), ""), TextRange::default());
                diagnostics.push(Diagnostic::error(place, format!("{path} {why}")));
                continue;
            }
        };
        let parsed = tenantry_rules::parse_sinks(&text);
        let file = files.add(path.as_str(), text);
        match parsed {
            Ok(library) => sinks.push(library),
            Err(faults) => diagnostics.extend(faults.into_iter().map(|(range, message)| {
                Diagnostic::error(Span::new(file, range), message)
                    .help("CONTRIBUTING.md of Tenantry describes the form of these files")
            })),
        }
    }
    sinks
}
