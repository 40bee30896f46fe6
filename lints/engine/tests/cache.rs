//! A cache never changes a result: whatever is edited, damaged or run at the same time, the report is that of a run without.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tenantry_engine::{CachePlace, Options, Report, check_at};
use tenantry_policy::Date;

const STORE: &str = "use crate::sql::{FIND, WHERE};
pub async fn find(pool: &sqlx::PgPool, org_id: i64) -> sqlx::Result<()> {
    sqlx::query(FIND).bind(org_id).execute(pool).await?;
    sqlx::query(&format!(\"DELETE FROM notes {}\", WHERE)).bind(org_id).execute(pool).await?;
    sqlx::query(include_str!(\"list.sql\")).bind(org_id).execute(pool).await?;
    sqlx::query_file!(\"sql/count.sql\", tenant()).fetch_one(pool).await?;
    Ok(())
}

pub async fn run(pool: &sqlx::PgPool, sql: &str, org_id: i64) -> sqlx::Result<()> {
    sqlx::query(sql).bind(org_id).execute(pool).await?;
    Ok(())
}
";

/// Calls, which are read again and again for functions elsewhere.
const WEB: &str = "use crate::sql::FIND;
use crate::store;

pub async fn shows(pool: &sqlx::PgPool, org_id: i64) -> sqlx::Result<()> {
    store::find(pool, org_id).await?;
    store::run(pool, FIND, org_id).await?;
    store::run(pool, \"SELECT id FROM notes WHERE id = 1 AND org_id = $1\", crate::tenant()).await
}
";

const PROJECT: &[(&str, &str)] = &[
    ("Cargo.toml", "[workspace]\n[package]\nname = \"notes\"\nversion = \"0.1.0\"\n"),
    ("tenantry.toml", "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n"),
    (
        "migrations/1_init.sql",
        "CREATE TABLE orgs (id BIGINT PRIMARY KEY);
CREATE TABLE notes (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id));
CREATE TABLE colours (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id));
",
    ),
    ("src/lib.rs", "pub mod sql;\npub mod store;\npub mod web;\nfn tenant() -> i64 { 1 }\n"),
    (
        "src/sql.rs",
        "pub const FIND: &str = \"SELECT id FROM notes WHERE org_id = $1\";
pub const WHERE: &str = concat!(\"WHERE \", \"org_id = $1\");
pub const OTHER: &str = WHERE;
",
    ),
    ("src/store.rs", STORE),
    ("src/web.rs", WEB),
    ("src/list.sql", "SELECT id FROM notes WHERE org_id = $1"),
    ("sql/count.sql", "SELECT count(*) FROM notes WHERE org_id = $1"),
];

/// What is edited, and how: each edit changes the report.
const EDITS: &[(&str, &str, &str)] = &[
    ("src/sql.rs", "FROM notes WHERE org_id = $1", "FROM notes"),
    ("src/sql.rs", "\"org_id = $1\"", "\"id = $1\""),
    ("src/list.sql", "WHERE org_id = $1", ""),
    ("sql/count.sql", "org_id", "id"),
    ("migrations/1_init.sql", "TABLE notes", "TABLE memos"),
    ("tenantry.toml", "\"org_id\"", "\"orgid\""),
    ("tenantry.toml", "root = \"orgs.id\"\n", "root = \"orgs.id\"\n[trust]\nexpressions = [\"tenant()\"]\n"),
    ("Cargo.toml", "\"notes\"", "\"memos\""),
    ("src/store.rs", "pub async fn find", "\n\npub async fn seek"),
    ("tenantry.toml", "root = \"orgs.id\"\n", "root = \"orgs.id\"\n[scan]\nexclude = [\"src/store.rs\"]\n"),
    (
        "src/store.rs",
        "    sqlx::query(FIND)",
        "    // tenantry: allow(raw-query) reason=\"x\"\n    sqlx::query(FIND)",
    ),
    ("src/lib.rs", "pub mod store;", "#[cfg(test)]\nmod store;"),
    ("src/web.rs", "pool, FIND", "pool, crate::sql::OTHER"),
    ("src/web.rs", "WHERE id = 1 AND", "WHERE"),
    ("src/web.rs", "store::run(pool, FIND, org_id)", "store::runs(pool, FIND, org_id)"),
    ("src/store.rs", "sql: &str, org_id: i64", "org_id: i64, sql: &str"),
    ("src/lib.rs", "pub mod web;", "#[cfg(test)]\nmod web;"),
];

const TODAY: Date = Date { year: 2026, month: 6, day: 1 };

struct Project {
    folder: PathBuf,
    place: CachePlace,
}

impl Project {
    fn lay_out(name: &str) -> Project {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("writable");
        let folder = folder.canonicalize().expect("a folder");
        let place = CachePlace { folder: folder.join("target/tenantry"), tool: "this one".to_owned() };
        let project = Project { folder, place };
        for (path, text) in PROJECT {
            project.write(path, text);
        }
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }

    fn run(&self, cache: Option<CachePlace>) -> Vec<String> {
        self.known(cache).0
    }

    /// The report, and how many files were as the cache knew them.
    fn known(&self, cache: Option<CachePlace>) -> (Vec<String>, usize) {
        self.checked(Options { cache, ..Options::on(TODAY) })
    }

    fn checked(&self, options: Options) -> (Vec<String>, usize) {
        let root = tenantry_project::find_root(&self.folder);
        let report = check_at(&root, &options).expect("the run can be made");
        (shown(&report), options.progress.known.load(Ordering::Relaxed))
    }

    /// True if a run with these options takes the report of the last one: without what was read of the files nothing else
    /// can know any of them.
    fn is_last(&self, options: Options) -> bool {
        if let Some(file) = self.find_cache_file("rust") {
            std::fs::remove_file(file).expect("removable");
        }
        self.checked(options).1 > 0
    }

    /// The report with the cache, which has to be the one without.
    fn same(&self, what: &str) -> Vec<String> {
        let with = self.run(Some(self.place.clone()));
        assert_eq!(with, self.run(None), "{what}");
        with
    }

    fn cache_file(&self, purpose: &str) -> PathBuf {
        self.find_cache_file(purpose).expect("the cache is there")
    }

    fn find_cache_file(&self, purpose: &str) -> Option<PathBuf> {
        let entries = std::fs::read_dir(&self.place.folder).ok()?.flatten();
        let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let is_it = |name: String| name.starts_with(purpose) && name.ends_with(".bin");
        entries.map(|entry| entry.path()).find(|path| name(path).is_some_and(is_it))
    }
}

/// Everything of a report, with paths for the numbers of files.
fn shown(report: &Report) -> Vec<String> {
    let files: Vec<String> = report.files.iter().map(|(_, path, _)| path.display().to_string()).collect();
    let text = format!(
        "{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:#?}\n{:?}",
        report.sites,
        report.findings,
        report.skipped,
        report.coverage,
        report.diagnostics,
        report.databases,
        report.stale_baseline,
        (report.schema_version, report.tool_version, report.today, report.scanned)
    );
    let mut is_file = false;
    let lines = text.lines().map(|line| {
        let number = line.trim().trim_end_matches(',').parse::<usize>().ok().filter(|_| is_file);
        is_file = line.ends_with("FileId(");
        // The numbers of included files are those of the order in which threads came to them.
        number.and_then(|number| files.get(number)).map_or_else(|| line.to_owned(), String::clone)
    });
    let lines: Vec<String> = lines.collect();
    let mut texts: Vec<String> =
        report.files.iter().map(|(_, path, text)| format!("{}: {text}", path.display())).collect();
    texts.sort();
    lines.into_iter().chain(texts).collect()
}

#[test]
fn cold_and_warm_are_one() {
    let project = Project::lay_out("warm");
    let cold = project.same("cold");
    assert!(cold.len() > 100);
    assert_eq!(project.known(None), (cold.clone(), 0));
    assert_eq!(project.known(Some(project.place.clone())), (cold.clone(), 1));
    std::fs::remove_dir_all(&project.place.folder).expect("it is safe to delete");
    assert_eq!(project.same("deleted"), cold);
}

#[test]
fn every_edit_of_what_a_file_rests_on_is_seen_and_taken_back() {
    let project = Project::lay_out("edits");
    let before = project.same("before");
    for (path, from, to) in EDITS {
        let text = std::fs::read_to_string(project.folder.join(path)).expect("readable");
        let edited = text.replacen(from, to, 1);
        assert_ne!(edited, text, "{path}: {from}");
        project.write(path, &edited);
        let after = project.same(&format!("{path}: {from}"));
        if *path != "Cargo.toml" {
            assert_ne!(after, before, "{path}: {from}");
        }
        project.write(path, &text);
        assert_eq!(project.same(&format!("{path}: back")), before);
    }
    for path in ["src/sql.rs", "src/list.sql", "sql/count.sql", "src/store.rs", "tenantry.toml"] {
        let text = std::fs::read_to_string(project.folder.join(path)).expect("readable");
        std::fs::remove_file(project.folder.join(path)).expect("removable");
        assert_ne!(project.same(&format!("{path}: gone")), before);
        project.write(path, &text);
        assert_eq!(project.same(&format!("{path}: back")), before);
    }
}

#[test]
fn a_damaged_cache_or_anothers_is_none() {
    let project = Project::lay_out("damaged");
    let before = project.same("before");
    let last = project.cache_file("report");
    for file in [project.cache_file("rust"), last.clone()] {
        let whole = std::fs::read(&file).expect("readable");
        let half = whole.get(..whole.len() / 2).expect("a half").to_vec();
        let mut flipped = whole.clone();
        if let Some(byte) = flipped.last_mut() {
            *byte ^= 1;
        }
        for damaged in [Vec::new(), half, flipped, vec![0xff; 4096]] {
            std::fs::write(&file, damaged).expect("writable");
            // The last report would do without the readings.
            let _ = (file != last).then(|| std::fs::remove_file(&last));
            assert_eq!(project.same("damaged"), before);
            assert_eq!(project.known(Some(project.place.clone())), (before.clone(), 1));
        }
    }
    let other = CachePlace { tool: "another".to_owned(), ..project.place.clone() };
    assert_eq!(project.known(Some(other)), (before.clone(), 0));
    assert_eq!(project.same("after another version"), before);
    // A place where nothing can be written is no error, and no result.
    project.write("target/file", "");
    let nowhere = CachePlace { folder: project.folder.join("target/file"), ..project.place.clone() };
    assert_eq!(project.run(Some(nowhere)), before);
}

#[test]
fn runs_at_the_same_time_do_not_harm_each_other() {
    let project = Project::lay_out("concurrent");
    let before = project.run(None);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(|| project.run(Some(project.place.clone())))).collect();
        for run in runs {
            assert_eq!(run.join().expect("no panic"), before);
        }
    });
    assert_eq!(project.same("afterwards"), before);
    let left = std::fs::read_dir(&project.place.folder).expect("the cache is there").flatten();
    assert!(left.map(|entry| entry.path()).all(|path| path.extension().is_none_or(|end| end != "tmp")));
}

#[test]
fn the_last_report_is_taken_for_the_same_options_only() {
    let project = Project::lay_out("options");
    project.write(
        "src/store.rs",
        &format!("// tenantry: allow(raw-query) reason=\"x\" until=2026-06-01\n{STORE}"),
    );
    let plain = || Options { cache: Some(project.place.clone()), ..Options::on(TODAY) };
    let before = project.checked(plain()).0;
    assert!(project.is_last(plain()));
    assert_eq!(project.checked(plain()).0, before);
    let fingerprint = before.iter().find_map(|line| line.trim().strip_prefix("fingerprint: \""));
    let fingerprint = fingerprint.and_then(|line| line.split('"').next()).expect("a finding").to_owned();
    let others = [
        Options { today: Date { day: 2, ..TODAY }, ..plain() },
        Options { include_tests: true, ..plain() },
        Options { suppressions: false, ..plain() },
        Options { baseline: [fingerprint, "another".to_owned()].into(), ..plain() },
        Options { paths: vec![project.folder.join("src/sql.rs")], ..plain() },
        Options {
            overlay: Some((project.folder.join("src/store.rs"), "fn none() {}".to_owned())),
            ..plain()
        },
    ];
    for options in others {
        // The last report is that of the plain options, and then that of these.
        assert_eq!(project.checked(plain()).0, before);
        assert!(!project.is_last(options.clone()), "{options:?}");
        let (with, _) = project.checked(options.clone());
        assert_eq!(with, project.checked(Options { cache: None, ..options.clone() }).0, "{options:?}");
        if options.overlay.is_none() {
            assert!(project.is_last(options));
        }
    }
}

#[test]
fn whatever_appears_or_goes_is_seen() {
    let project = Project::lay_out("appears");
    let sink = "library = \"house\"\ncrates = [\"house\"]\ndialects = [\"postgres\"]\n[[method]]\nnames = [\"run_house\"]\nreceivers = [\"House\"]\nsql = 0\nbinds = \"none\"\n";
    let appearing: &[(&str, &str)] = &[
        ("src/more.rs", STORE),
        ("migrations/2_more.sql", "ALTER TABLE colours DROP COLUMN org_id;"),
        (".tenantry/sinks/house.toml", sink),
        (".gitignore", "src/sql.rs\n"),
        ("sub/tenantry.toml", "[tenancy]\nkeys = [\"org_id\"]\n"),
        ("other/Cargo.toml", "[package]\nname = \"other\"\nversion = \"0.1.0\"\n"),
    ];
    let plain = || Options { cache: Some(project.place.clone()), ..Options::on(TODAY) };
    project.write("sub/more.rs", STORE);
    let before = project.same("before");
    for (path, text) in appearing {
        assert!(project.is_last(plain()), "{path}");
        assert_eq!(project.same("nothing changed"), before);
        project.write(path, text);
        assert!(!project.is_last(plain()), "{path}");
        project.same(path);
        assert!(project.is_last(plain()), "{path}");
        let file = project.folder.join(path);
        std::fs::remove_file(&file).expect("removable");
        let folder = file.parent().expect("a folder");
        if *path != ".gitignore" {
            let _ = std::fs::remove_dir(folder);
        }
        assert_eq!(project.same(&format!("{path}: gone")), before);
    }
    // A file that was looked for where there was none.
    std::fs::remove_file(project.folder.join("sql/count.sql")).expect("removable");
    let without = project.same("nothing to include");
    assert_ne!(without, before);
    assert!(project.is_last(plain()));
    project.write("sql/count.sql", "SELECT count(*) FROM notes WHERE org_id = $1");
    assert!(!project.is_last(plain()));
    assert_eq!(project.same("something to include"), before);
}

#[test]
fn a_run_that_failed_in_part_keeps_no_report() {
    let project = Project::lay_out("partial");
    project.same("before");
    project.write("src/wrong.rs", "fn a() {}");
    project.same("a file more");
    let last = project.cache_file("report");
    let whole = std::fs::read(&last).expect("readable");
    std::fs::write(project.folder.join("src/wrong.rs"), [0xff, 0xfe]).expect("writable");
    // What is not text is told, and is read again every time until the file system vouches for it.
    project.same("not text");
    assert_eq!(std::fs::read(&last).expect("readable"), whole);
}
