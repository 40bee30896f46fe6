//! What the compiler is told of a marked item against what the scanner says of it: never better.
//!
//! Every function of every fixture is marked where it stands, and so is a function for each statement of the SQL corpus; a
//! mark that is taken while the scanner calls one of its queries leaking or undecided is a failure.

#![allow(clippy::print_stdout, reason = "the counts are what this test is read for")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tenantry_engine::report::{Report, SiteReport};
use tenantry_engine::{Options, Outcome, check};
use tenantry_judge::marked::{Attribute, Judged, judge, judge_text, workspace};
use tenantry_policy::{Date, Trust};
use tenantry_source::{Mark, MarkKind, NoSurroundings, SourceFile};
use tenantry_span::{FileId, LineIndex, Span, TextRange};
use tenantry_tests::fixture;

const TODAY: Date = Date { year: 2026, month: 6, day: 1 };
const MARK: &str = "#[tenant_scoped] ";

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("marked").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join(".git")).expect("writable");
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("writable");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a kind").is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("writable")),
        }
    }
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
}

/// Puts a mark before every function that begins a line, or every `impl`.
fn marked(text: &str, impls: bool) -> String {
    let is_function = |line: &str| {
        let mut words = line.split_whitespace().filter(|word| {
            !matches!(*word, "async" | "const" | "unsafe" | "extern" | "\"C\"") && !word.starts_with("pub")
        });
        words.next() == Some("fn") && line.contains('(')
    };
    let lines = text.lines().map(|line| {
        let inner = line.trim_start();
        let is_meant = if impls { inner.starts_with("impl") } else { is_function(inner) };
        let indent = &line[..line.len() - inner.len()];
        let is_code = !inner.starts_with("//") && indent.len() <= 4;
        if is_meant && is_code { format!("{indent}{MARK}{inner}") } else { line.to_owned() }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What became of the marks of a project.
#[derive(Default)]
struct Counts {
    taken: usize,
    refused: usize,
    /// Refused, and the scanner proves all of it without a word about callers.
    seen_by_the_scanner_only: usize,
}

fn crate_folder(root: &Path, path: &Path) -> PathBuf {
    let folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    let mut with = folders.filter(|folder| folder.join("Cargo.toml").is_file());
    with.next().unwrap_or(root).to_path_buf()
}

/// Compares all marks of a project.
fn compare(root: &Path) -> (Counts, Vec<String>) {
    let root = root.canonicalize().expect("it is there");
    let report = check(tenantry_project::load(&root), &Options::on(TODAY)).expect("a report");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let (mut counts, mut wrong) = (Counts::default(), Vec::new());
    for path in files {
        let text = std::fs::read_to_string(&path).expect("text");
        let folder = crate_folder(&root, &path);
        let workspace = workspace(&folder);
        let shown = path.strip_prefix(&root).expect("below").to_string_lossy().replace('\\', "/");
        let lines = LineIndex::new(&text);
        for mark in marks(&text) {
            let at = lines.line_col(&text, mark.span.range.start);
            let attribute =
                Attribute { path: &path, line: at.line, column: at.column, today: TODAY, in_example: false };
            let judged = judge(&workspace, attribute);
            let inside = sites_in(&report, &shown, mark.covers);
            let is_open = |site: &&&SiteReport| {
                site.outcome != Outcome::Scoped && !is_of_callers(&report, site, mark.covers)
            };
            // Of a trusted type the marked item is handed a value, and cannot know what callers make it of.
            let is_on_callers =
                |text: &String| text.starts_with("callers") && !text.ends_with(", of a trusted type");
            let on_callers = |site: &&SiteReport| site.assumptions.iter().any(is_on_callers);
            if judged.errors.is_empty() {
                counts.taken += 1;
                if let Some(site) = inside.iter().find(is_open) {
                    let said = site.outcome.as_str();
                    wrong.push(format!(
                        "{shown}:{}: taken, and the scanner says {said} of {:?}",
                        at.line, site.texts
                    ));
                }
                if let Some(site) = inside.iter().find(|site| on_callers(site)) {
                    let said = &site.assumptions;
                    wrong.push(format!(
                        "{shown}:{}: taken, and the scanner takes {said:?} for granted",
                        at.line
                    ));
                }
            } else {
                counts.refused += 1;
                let all = inside.iter().all(|site| site.outcome == Outcome::Scoped && !on_callers(site));
                counts.seen_by_the_scanner_only += usize::from(all && !inside.is_empty());
            }
        }
    }
    (counts, wrong)
}

/// A caller makes a value of a trusted type of what the request says, and is told of it: the marked item is handed one, and
/// that is all that it can know.
fn is_of_callers(report: &Report, site: &SiteReport, item: TextRange) -> bool {
    let at = report.sites.iter().position(|known| std::ptr::eq(known, site));
    let mut findings = report.findings.iter().filter(|finding| finding.site == at).peekable();
    let is_elsewhere = |place: Span| place.file != site.span.file || !item.contains_range(place.range);
    findings.peek().is_some()
        && findings.all(|finding| finding.rule == "untrusted-tenant" && is_elsewhere(finding.primary))
}

fn marks(text: &str) -> Vec<Mark> {
    let source = SourceFile { file: FileId(0), path: "src/lib.rs", text };
    let found = tenantry_source::read(&source, tenantry_rules::sinks(), &Trust::default(), &NoSurroundings);
    found.marks.into_iter().filter(|mark| mark.kind == MarkKind::Scoped).collect()
}

fn sites_in<'r>(report: &'r Report, path: &str, range: TextRange) -> Vec<&'r SiteReport> {
    let inside = |site: &&SiteReport| {
        report.files.path(site.span.file) == Path::new(path) && range.contains_range(site.span.range)
    };
    report.sites.iter().filter(inside).collect()
}

fn fixtures(impls: bool) -> Counts {
    let mut names: Vec<PathBuf> = std::fs::read_dir(fixture("fixtures"))
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    names.push(fixture("../examples/orders"));
    names.push(fixture("../examples/rls"));
    names.sort();
    let (mut counts, mut wrong) = (Counts::default(), Vec::new());
    for from in names {
        let name = from.file_name().expect("a name").to_string_lossy().into_owned();
        let root = scratch(&format!("{name}-{impls}"));
        copy(&from, &root);
        let mut files = Vec::new();
        rust_files(&root, &mut files);
        for path in files {
            let text = std::fs::read_to_string(&path).expect("text");
            std::fs::write(&path, marked(&text, impls)).expect("writable");
        }
        let (of_one, faults) = compare(&root);
        assert!(impls || of_one.taken + of_one.refused > 0, "no mark is made in {name}");
        counts.taken += of_one.taken;
        counts.refused += of_one.refused;
        counts.seen_by_the_scanner_only += of_one.seen_by_the_scanner_only;
        wrong.extend(faults.into_iter().map(|fault| format!("{name}: {fault}")));
    }
    assert!(wrong.is_empty(), "the compiler says better than the scanner:\n{}", wrong.join("\n"));
    counts
}

#[test]
fn of_the_functions_of_the_fixtures_none_is_called_better_than_by_the_scanner() {
    let counts = fixtures(false);
    println!(
        "{} taken, {} refused, {} of them though the scanner proves all",
        counts.taken, counts.refused, counts.seen_by_the_scanner_only
    );
    assert!(counts.taken >= 40, "only {} marks are taken, {} are refused", counts.taken, counts.refused);
    assert!(counts.refused >= 300, "only {} marks are refused", counts.refused);
    // What needs other files. A share, since every fixture of several files adds to the number.
    assert!(
        counts.seen_by_the_scanner_only * 8 <= counts.refused,
        "{} of {} are refused needlessly",
        counts.seen_by_the_scanner_only,
        counts.refused
    );
}

#[test]
fn of_the_impls_of_the_fixtures_none_is_called_better_than_by_the_scanner() {
    let counts = fixtures(true);
    assert!(counts.taken + counts.refused >= 10, "{} and {}", counts.taken, counts.refused);
}

/// The statements of the corpus in which `$1` carries the tenant and is not NULL.
fn statements() -> Vec<(String, String)> {
    let mut all = BTreeMap::new();
    for file in ["sqlcorpus/cases.jsonl", "sqlcorpus/more.jsonl"] {
        let text = std::fs::read_to_string(fixture(file)).expect("the corpus");
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let field =
                |name: &str| case.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
            all.insert(field("id"), field("sql"));
        }
    }
    all.into_iter().collect()
}

#[test]
fn of_the_statements_of_the_corpus_none_is_called_better_than_by_the_scanner() {
    let root = scratch("sqlcorpus");
    std::fs::create_dir_all(root.join("src")).expect("writable");
    std::fs::copy(fixture("sqlcorpus/schema.sql"), root.join("schema.sql")).expect("the schema");
    let policy = std::fs::read_to_string(fixture("sqlcorpus/tenantry.toml")).expect("the policy");
    std::fs::write(root.join("tenantry.toml"), policy).expect("writable");
    std::fs::write(root.join("Cargo.toml"), "[package]\nname = \"corpus\"\nversion = \"0.1.0\"\n")
        .expect("writable");
    let statements = statements();
    assert!(statements.len() > 900, "only {} statements", statements.len());
    for (part, statements) in statements.chunks(40).enumerate() {
        let functions = statements.iter().enumerate().map(|(at, (_, sql))| {
            format!(
                "{MARK}async fn f{at}(pool: &sqlx::PgPool, tenant: TenantId<i64>, a: i64, b: i64) {{\n    \
                 sqlx::query(r####\"{sql}\"####).bind(tenant).bind(a).bind(b).execute(pool).await;\n}}\n"
            )
        });
        let source = format!("use tenantry::TenantId;\n{}", functions.collect::<String>());
        std::fs::write(root.join(format!("src/part{part}.rs")), source).expect("writable");
    }
    let (counts, wrong) = compare(&root);
    assert!(wrong.is_empty(), "the compiler says better than the scanner:\n{}", wrong.join("\n"));
    assert_eq!(counts.taken + counts.refused, statements.len());
    assert!(counts.taken >= 400, "only {} statements are taken", counts.taken);
    // One file shows all of it, but for what the setting of a connection names.
    let by_setting =
        statements.iter().filter(|(_, sql)| sql.to_lowercase().contains("current_setting")).count();
    let left = counts.seen_by_the_scanner_only;
    assert!(left <= by_setting, "{left} are refused, {by_setting} read a setting");
    let workspace = workspace(&root.canonicalize().expect("it is there"));
    let by_itself =
        statements.iter().filter(|(_, sql)| judge_text(&workspace, sql, Some(1)).is_empty()).count();
    assert_eq!(
        by_itself,
        counts.taken + left,
        "a text by itself, its tenant named, is judged as in a function"
    );
}

/// What the compiler would say of all marks of a file.
fn errors_in(root: &Path, path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("text");
    let lines = LineIndex::new(&text);
    let workspace = workspace(root);
    let told = marks(&text).into_iter().flat_map(|mark| {
        let at = lines.line_col(&text, mark.span.range.start);
        let attribute = Attribute { path, line: at.line, column: at.column, today: TODAY, in_example: false };
        judge(&workspace, attribute).errors.into_iter().map(|told| told.message)
    });
    told.collect()
}

#[test]
fn the_marked_example_compiles_and_none_of_its_predicates_can_be_left_out() {
    let root = scratch("marked-example");
    for part in ["src", "migrations", "queries"] {
        copy(&fixture("../examples/marked").join(part), &root.join(part));
    }
    for file in ["Cargo.toml", "tenantry.toml"] {
        std::fs::copy(fixture("../examples/marked").join(file), root.join(file)).expect("writable");
    }
    let root = root.canonicalize().expect("it is there");
    let mut files = Vec::new();
    rust_files(&root, &mut files);
    let mut left_out = 0;
    for path in files {
        assert_eq!(errors_in(&root, &path), Vec::<String>::new(), "{}", path.display());
        let text = std::fs::read_to_string(&path).expect("text");
        for predicate in ["organization_id = $1", "org.id = $1"] {
            for (at, _) in text.match_indices(predicate) {
                // With the alias in front of it.
                let start = text[..at].rfind([' ', '(']).map_or(at, |space| space + 1);
                let without = format!("{}true{}", &text[..start], &text[at + predicate.len()..]);
                std::fs::write(&path, without).expect("writable");
                let errors = errors_in(&root, &path);
                assert!(!errors.is_empty(), "{} compiles without {}", path.display(), &text[start..at]);
                assert!(errors.iter().any(|error| error.contains("= help: ")), "{errors:?}");
                left_out += 1;
            }
        }
        std::fs::write(&path, text).expect("writable");
    }
    assert!(left_out >= 15, "only {left_out} predicates");
}

#[test]
fn an_item_that_is_not_found_is_refused() {
    let root = scratch("nowhere");
    std::fs::write(root.join("a.rs"), "fn a() {}\n").expect("writable");
    let workspace = workspace(&root);
    let at = |name: &str, line: u32| -> Judged {
        let path = root.join(name);
        judge(&workspace, Attribute { path: &path, line, column: 1, today: TODAY, in_example: false })
    };
    for judged in [at("a.rs", 1), at("a.rs", 7), at("b.rs", 1)] {
        assert_eq!(judged.errors.len(), 1, "{judged:?}");
    }
}

#[test]
fn a_call_of_another_files_macro_that_runs_queries_is_refused() {
    let root = scratch("macros-elsewhere");
    for part in ["migrations", "tenantry.toml", "Cargo.toml"] {
        let (from, to) = (fixture("fixtures/scopes").join(part), root.join(part));
        match from.is_dir() {
            true => copy(&from, &to),
            false => drop(std::fs::copy(from, to).expect("writable")),
        }
    }
    std::fs::create_dir_all(root.join("src")).expect("writable");
    let root = root.canonicalize().expect("it is there");
    let macros =
        "macro_rules! purge { ($p:expr) => { sqlx::query(\"DELETE FROM orders\").execute($p).await } }
        macro_rules! through { ($p:expr) => { purge!($p) } }
        macro_rules! harmless { ($p:expr) => { log($p) } }";
    std::fs::write(root.join("src/macros.rs"), macros).expect("writable");
    let path = root.join("src/lib.rs");
    let errors = |import: &str, call: &str| {
        let text = format!(
            "#[macro_use] mod macros;\nuse tenantry::{{TenantId, tenant_scoped}};\n{import}\n{MARK}\npub async fn run(pool: \
             &sqlx::PgPool, tenant: TenantId<uuid::Uuid>) {{\n    sqlx::query(\"SELECT id FROM orders WHERE tenant_id = \
             $1\").bind(tenant).execute(pool).await;\n    {call};\n}}\n"
        );
        std::fs::write(&path, text).expect("writable");
        errors_in(&root, &path)
    };
    for call in ["harmless!(pool)", "tracing::info!(\"done\")", "foreign::run!(pool)", "tokio::pin!(pool)"] {
        assert_eq!(errors("", call), Vec::<String>::new(), "{call}");
    }
    for (import, call) in [
        ("", "purge!(pool)"),
        ("", "through!(pool)"),
        ("use crate::purge as gone;", "gone!(pool)"),
        ("", "if tenant.is_open() { crate::purge!(pool) }"),
    ] {
        let told = errors(import, call);
        assert!(told.iter().any(|error| error.contains("cannot be seen from here")), "{call}: {told:?}");
    }
}
