//! Judges every `#[tenant_scoped]` of the files of a crate as the macros do, and says how many are proved: to count
//! instructions, as in `valgrind --tool=callgrind target/debug/examples/marks FOLDER`.

use std::path::{Path, PathBuf};

use tenantry_judge::marked::{Attribute, judge, workspace};
use tenantry_policy::Date;

const MARK: &str = "#[tenant_scoped";

fn main() {
    let Some(folder) = std::env::args_os().nth(1).map(PathBuf::from) else { return };
    let workspace = workspace(&folder);
    let (mut marks, mut proved) = (0, 0);
    for path in sources(&folder.join("src")) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        for (number, line) in (1..).zip(text.lines()) {
            let Some(at) = line.find(MARK) else { continue };
            let column = u32::try_from(line.get(..at).unwrap_or_default().chars().count() + 1).unwrap_or(1);
            let today = Date { year: 2026, month: 1, day: 1 };
            let judged =
                judge(&workspace, Attribute { path: &path, line: number, column, today, in_example: false });
            marks += 1;
            proved += usize::from(judged.errors.is_empty() && judged.warnings.is_empty());
        }
    }
    let _ = std::io::Write::write_fmt(
        &mut std::io::stdout(),
        format_args!("{proved} of {marks} marks are proved\n"),
    );
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect();
    paths.sort();
    paths
}
