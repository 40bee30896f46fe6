//! Prints the query sites of a folder of Rust: `sites FOLDER` for people, `sites --json FOLDER` one JSON object a line.
//! `--guard=NAME` and `--type=NAME` stand for a policy's guards and trusted types.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::expect_used, reason = "a program for measuring")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use tenantry_policy::{Spanned, Trust};
use tenantry_prover::verdict::Nullability;
use tenantry_source::{
    Constants, FileSites, Piece, Prefilter, SourceFile, SqlText, Surroundings, constants,
    may_define_constants, read,
};
use tenantry_span::{FileId, LineIndex, TextRange};

struct Crate {
    root: PathBuf,
    files: RefCell<Vec<PathBuf>>,
    constants: Constants,
}

impl Crate {
    fn open(&self, path: PathBuf) -> Option<(FileId, String)> {
        let text = std::fs::read_to_string(&path).ok()?;
        let mut files = self.files.borrow_mut();
        files.push(path);
        Some((FileId(u32::try_from(files.len() - 1).ok()?), text))
    }
}

impl Surroundings for Crate {
    fn include(&self, from: FileId, relative: &str) -> Option<(FileId, String)> {
        let folder = self.files.borrow().get(from.0 as usize)?.parent()?.to_path_buf();
        self.open(folder.join(relative))
    }

    fn manifest_file(&self, _: FileId, relative: &str) -> Option<(FileId, String)> {
        self.open(self.root.join(relative))
    }

    fn constant(&self, path: &[String]) -> Option<Vec<SqlText>> {
        self.constants.find(path)
    }

    fn answers(&self, _: &str) -> Vec<tenantry_source::Answer> {
        Vec::new()
    }
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with(".git") {
                walk(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn main() {
    let thread = std::thread::Builder::new().stack_size(256 << 20).spawn(run).expect("a thread");
    thread.join().expect("the walk ends");
}

fn run() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = arguments.iter().any(|argument| argument == "--json");
    let Some(root) = arguments.iter().find(|argument| !argument.starts_with("--")) else {
        eprintln!("usage: sites [--json] [--guard=NAME]… [--type=NAME]… FOLDER");
        return;
    };
    let root = PathBuf::from(root);
    let mut files = Vec::new();
    walk(&root, &mut files);
    let mut world =
        Crate { root: root.clone(), files: RefCell::new(files.clone()), constants: Constants::default() };
    let texts: Vec<String> =
        files.iter().map(|path| std::fs::read_to_string(path).unwrap_or_default()).collect();
    let relative = |path: &Path| path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
    for _ in 0..2 {
        let mut found = Constants::default();
        for (at, (path, text)) in files.iter().zip(&texts).enumerate() {
            if may_define_constants(text) {
                let path = relative(path);
                let file =
                    SourceFile { file: FileId(u32::try_from(at).expect("few files")), path: &path, text };
                found.extend(constants(&file, &world));
                proc_macro2::extra::invalidate_current_thread_spans();
            }
        }
        world.constants = found;
    }
    let sinks = tenantry_rules::sinks();
    let filter = Prefilter::new(sinks);
    let list = |option: &str| {
        let values = arguments.iter().filter_map(|argument| argument.strip_prefix(option));
        values.map(|value| Spanned { value: value.to_owned(), range: TextRange::empty(0) }).collect()
    };
    let trust = Trust { guards: list("--guard="), types: list("--type="), ..Trust::default() };
    for (at, (path, text)) in files.iter().zip(&texts).enumerate() {
        if !filter.may_matter(text.as_bytes()) {
            continue;
        }
        let path = relative(path);
        let file = SourceFile { file: FileId(u32::try_from(at).expect("few files")), path: &path, text };
        let found = read(&file, sinks, &trust, &world);
        proc_macro2::extra::invalidate_current_thread_spans();
        if json { print_json(&file, &found) } else { print(&file, &found) }
    }
}

fn print(file: &SourceFile<'_>, found: &FileSites) {
    let index = LineIndex::new(file.text);
    let line = |offset: u32| index.line_col(file.text, offset).line;
    for (range, why) in &found.skipped {
        println!("{}:{} SKIPPED {why}", file.path, line(range.start));
    }
    for site in &found.sites {
        let test = if site.is_test { " [test]" } else { "" };
        println!(
            "{}:{} {} {} in {}{test}",
            file.path,
            line(site.span.range.start),
            site.library,
            site.call,
            site.item
        );
        for text in &site.texts {
            let pieces = text.pieces.iter().map(|piece| match piece {
                Piece::Literal { value, .. } => value.split_whitespace().collect::<Vec<_>>().join(" "),
                Piece::Built { text, .. } => text.clone(),
                Piece::Name { name, .. } => format!("\"{name}\""),
                Piece::Placeholder { number, .. } => format!("${number}"),
                Piece::Hole { text, kind, .. } => format!(" «{text}: {kind:?}» "),
            });
            let chosen = text.chosen_by.as_deref().map_or_else(String::new, |by| format!(" [{by}]"));
            println!("    {}{chosen}", pieces.collect::<String>());
        }
        match &site.binds {
            None => println!("    binds not seen"),
            Some(binds) => {
                for (at, bind) in binds.iter().enumerate() {
                    let steps: Vec<&str> =
                        bind.provenance.steps.iter().map(|(_, word)| word.as_str()).collect();
                    let nullable = if bind.nullable == Nullability::Maybe { " nullable" } else { "" };
                    println!(
                        "    ${} {} = {} {:?}{nullable} ({})",
                        at + 1,
                        bind.text,
                        bind.key,
                        bind.provenance.kind,
                        steps.join("; ")
                    );
                }
            }
        }
    }
}

fn print_json(file: &SourceFile<'_>, found: &FileSites) {
    let index = LineIndex::new(file.text);
    for site in &found.sites {
        let texts: Vec<Option<String>> = site.texts.iter().map(SqlText::known).collect();
        let line = serde_json::json!({
            "path": file.path,
            "line": index.line_col(file.text, site.span.range.start).line,
            "library": site.library,
            "call": site.call,
            "item": site.item,
            "test": site.is_test,
            "texts": texts,
            "binds": site.binds.as_ref().map(|binds| binds.iter().map(|bind| {
                serde_json::json!({"text": bind.text, "key": bind.key, "kind": format!("{:?}", bind.provenance.kind)})
            }).collect::<Vec<_>>()),
        });
        println!("{line}");
    }
}
