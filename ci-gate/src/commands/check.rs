//! `cargo tenantry check`.

use std::io::Read;
use std::path::{Path, PathBuf};

use tenantry_engine::{Disposition, Report};
use tenantry_span::Severity;

use crate::cli::{CheckArgs, FailOn};
use crate::commands::{baseline, fix, scan};
use crate::exit::{self, Failure};
use crate::output::{self, Output, Setting, human};
use crate::terminal::{self, Color};

/// Checks, writes the outputs, and gates.
pub(crate) fn run(arguments: &CheckArgs, color: Color) -> Result<u8, Failure> {
    let outputs = match &arguments.message_format {
        Some(_) => outputs(&["compiler-json".to_owned()])?,
        None => outputs(&arguments.output)?,
    };
    let mut options = scan::options(&arguments.scan)?;
    options.suppressions = !arguments.no_suppressions;
    let start = arguments.scan.paths.first();
    let start = match &arguments.stdin_path {
        Some(path) => path.parent().filter(|folder| !folder.as_os_str().is_empty()),
        None => start.map(PathBuf::as_path),
    };
    let root = scan::root(start)?;
    if let Some(path) = &arguments.stdin_path {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::usage(format!("standard input cannot be read: {error}")))?;
        let path = place(path)?;
        options.paths = vec![path.clone()];
        options.overlay = Some((path, text));
    }
    let default = root.join(baseline::FILE);
    let named = arguments.baseline.as_deref().or_else(|| default.is_file().then_some(default.as_path()));
    let known = named.map(baseline::read).transpose()?.unwrap_or_default();
    options.baseline = known.keys().cloned().collect();
    let below = scan::below_repository(&root);
    let partial = options.overlay.is_some() || !scan::whole(&root, &options.paths);

    let run = || scan::run(&root, options.clone(), &arguments.scan);
    let mut report = run()?;
    if arguments.fix && !arguments.diff && !scan::is_faulty(&report) {
        report = fix::apply(&root, report, run)?;
    }
    if partial {
        // What lies outside of the part was not looked at, so nothing is known to be gone.
        report.stale_baseline.clear();
    }
    for stale in &mut report.stale_baseline {
        if let Some(entry) = known.get(stale) {
            *stale = format!("{stale} {entry}");
        }
    }
    if scan::is_faulty(&report) {
        // What follows from a faulty policy would send the reader to the wrong places, and a file of it would be taken
        // for a result.
        let renderer = terminal::renderer(color.enabled(&std::io::stderr()));
        eprint!("{}", human::diagnostics(&report, &renderer));
        let message = "nothing was checked, because the configuration has errors";
        return Err(Failure::usage(message).help("the places are shown above"));
    }
    let has_schema = holds_schema(&root, &report, &arguments.scan.paths);
    if report.scanned == 0 && !has_schema {
        let message = match arguments.scan.paths.as_slice() {
            [] => "there is no Rust file in this project".to_owned(),
            paths => {
                let paths: Vec<String> = paths.iter().map(|path| format!("`{}`", path.display())).collect();
                format!("there is no Rust file of this project in {}", paths.join(", "))
            }
        };
        eprintln!("warning: {message}");
        eprintln!("help: what .gitignore and `[scan] exclude` name is not looked at");
    }
    if arguments.diff {
        return fix::show(&root, &report);
    }
    for (output, file) in &outputs {
        write(&report, output, file.as_deref(), color, &below)?;
    }
    Ok(code(&report, arguments, has_schema))
}

/// True if what was named has files of a schema in it, which is checked by itself.
fn holds_schema(root: &Path, report: &Report, paths: &[PathBuf]) -> bool {
    if report.databases.iter().all(|database| database.tables == 0) {
        return false;
    }
    let named: Vec<PathBuf> = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut files =
        report.files.iter().filter(|(_, path, _)| path.extension().is_some_and(|end| end == "sql"));
    paths.is_empty() || files.any(|(_, path, _)| named.iter().any(|named| root.join(path).starts_with(named)))
}

/// The path of a file that need not be there yet, as the run calls it.
fn place(path: &Path) -> Result<PathBuf, Failure> {
    let not_found = |error| Failure::usage(format!("{} cannot be found: {error}", path.display()));
    if let Ok(path) = path.canonicalize() {
        return Ok(path);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(not_found)?;
    let name = path.file_name().ok_or_else(|| Failure::usage(format!("{} is no file", path.display())))?;
    Ok(folder.join(name))
}

fn code(report: &Report, arguments: &CheckArgs, has_schema: bool) -> u8 {
    let ungated = match scan::code(report) {
        exit::NOTHING if has_schema && report.is_partial() => exit::INTERNAL,
        exit::NOTHING if has_schema => exit::OK,
        code => code,
    };
    if ungated == exit::USAGE || ungated == exit::NOTHING {
        return ungated;
    }
    let gate = match arguments.fail_on {
        FailOn::Error => Some(Severity::Error),
        FailOn::Warning => Some(Severity::Warning),
        FailOn::Note => Some(Severity::Note),
        FailOn::Never => None,
    };
    let fails = gate.is_some_and(|gate| {
        let mut new = report.findings.iter().filter(|finding| finding.disposition == Disposition::New);
        new.any(|finding| finding.severity >= gate)
    });
    if fails && !arguments.exit_zero { exit::FINDINGS } else { ungated }
}

fn outputs(written: &[String]) -> Result<Vec<(&'static Output, Option<PathBuf>)>, Failure> {
    let default = ["human".to_owned()];
    let written = if written.is_empty() { &default } else { written };
    let outputs = written.iter().map(|written| {
        let (name, file) = match written.split_once('=') {
            Some((name, file)) => (name, Some(PathBuf::from(file))),
            None => (written.as_str(), None),
        };
        let output = output::named(name).ok_or_else(|| {
            Failure::usage(format!("there is no output format `{name}`"))
                .help(format!("write {}", output::names()))
        });
        Ok((output?, file))
    });
    let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
    if outputs.iter().filter(|(_, file)| file.is_none()).count() > 1 {
        return Err(
            Failure::usage("two outputs go to standard output").help("give all but one a file: json=FILE")
        );
    }
    Ok(outputs)
}

fn write(
    report: &Report,
    output: &Output,
    file: Option<&Path>,
    color: Color,
    below: &str,
) -> Result<(), Failure> {
    let colored = file.is_none() && color.enabled(&std::io::stdout());
    let text = (output.render)(report, &Setting { colored, below })
        .map_err(|error| Failure::internal(format!("the report cannot be written: {error}")))?;
    match file {
        Some(file) => scan::write(file, &text),
        None => terminal::print(&text),
    }
}
