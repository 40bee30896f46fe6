//! What is kept of marks on disk: it counts only while everything that a verdict rests on is as it was.
//!
//! Every case is compiled until nothing is told, and again by what was kept of that; then one thing is changed, at the same
//! length of time and with the times of the file as they were, and the compiler has to say so.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod built;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use built::{Built, out, ui};

/// A project whose crate is compiled as cargo would, with a target folder of its own.
struct Project {
    folder: PathBuf,
    /// The day, in seconds.
    today: u64,
    /// A further folder in which the compiler is told that dependencies lie.
    dependencies: Option<PathBuf>,
    no_cache: bool,
    /// The file that is compiled.
    source: String,
    /// Where what is built lies.
    target: PathBuf,
}

const POLICY: &str = "[tenancy]
keys = [\"org_id\"]
root = \"orgs.id\"
[tables]
lines = { parent = \"orders\", by = \"order_id\" }
[trust]
types = [\"crate::Org\"]
expressions = [\"ctx.org\"]
[[database]]
name = \"main\"
dialect = \"postgres\"
schema = [\"migrations\"]
crates = [\"kept\"]
[[integration]]
id = \"stripe\"
";

const HEAD: &str = "#![allow(unused)]\nuse tenantry::*;\n";

const SCOPED: &str = "#[tenant_scoped]
pub fn list(tenant: TenantId<i64>) { sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(tenant); }
";

const DIESEL: &str = "use diesel::prelude::*;
pub mod schema;
use schema::orders;
#[tenant_scoped]
pub fn list(connection: &mut PgConnection, tenant: TenantId<i64>) -> Vec<i64> {
    orders::table.filter(orders::org_id.eq(tenant)).select(orders::id).load(connection)
}";

const TABLES: &str = "diesel::table! { orders (id) { id -> BigInt, org_id -> BigInt, total -> BigInt, } }\n";

impl Project {
    fn new(name: &str) -> Project {
        let folder = out().join("kept").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        let project = Project {
            today: 1_780_000_000,
            dependencies: None,
            no_cache: false,
            source: "src/lib.rs".to_owned(),
            target: folder.join("target"),
            folder,
        };
        project.write(".git/HEAD", "");
        project.write("target/CACHEDIR.TAG", "");
        project.write("target/debug/deps/.keep", "");
        project.write("Cargo.toml", "[package]\nname = \"kept\"\nversion = \"0.1.0\"\n");
        project.write("tenantry.toml", POLICY);
        let schema = std::fs::read_to_string(ui().join("migrations/1_tables.sql")).unwrap();
        project.write("migrations/1_tables.sql", &schema);
        project.write("src/lib.rs", &format!("{HEAD}{SCOPED}"));
        project
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// Writes a file without changing its times, if there is one.
    fn write(&self, path: &str, text: &str) {
        let path = self.path(path);
        let before = std::fs::metadata(&path).and_then(|metadata| metadata.modified()).ok();
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        if let Some(before) = before {
            std::fs::File::options().write(true).open(&path).unwrap().set_modified(before).unwrap();
        }
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap()
    }

    fn rustc(&self) -> Command {
        let built = Built::shared();
        let mut rustc = built.rustc("kept", Path::new(&self.source));
        rustc.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        for library in ["tenantry", "sqlx", "diesel"] {
            rustc.arg("--extern");
            rustc.arg(format!("{library}={}", out().join(format!("lib{library}.rmeta")).display()));
        }
        rustc.args(["--crate-type=lib", "--emit=metadata", "--error-format=short", "--out-dir"]);
        rustc.arg(self.target.join("debug/deps"));
        if let Some(folder) = &self.dependencies {
            rustc.arg("-L").arg(format!("dependency={}", folder.display()));
        }
        rustc.env("SOURCE_DATE_EPOCH", self.today.to_string()).env_remove("TENANTRY_NO_CACHE");
        if self.no_cache {
            rustc.env("TENANTRY_NO_CACHE", "1");
        }
        rustc
    }

    /// What the compiler says.
    fn say(&self) -> String {
        String::from_utf8_lossy(&self.rustc().output().unwrap().stderr).into_owned()
    }

    /// The files in which something is kept, and when each was written.
    fn kept(&self) -> BTreeMap<PathBuf, SystemTime> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.target.join("tenantry")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                match entry.file_type().unwrap().is_dir() {
                    true => folders.push(entry.path()),
                    false => {
                        found.insert(entry.path(), entry.metadata().unwrap().modified().unwrap());
                    }
                }
            }
        }
        found.retain(|path, _| path.extension().is_some_and(|extension| extension == "bin"));
        found
    }

    /// Compiles until nothing is told, and asserts that a second run takes what the first kept.
    fn settle(&self) {
        assert_eq!(self.say(), "", "{}", self.folder.display());
        let kept = self.kept();
        assert!(kept.len() >= 2, "{}: nothing was kept", self.folder.display());
        assert_eq!(self.say(), "");
        assert_eq!(self.kept(), kept, "{}: what was kept was not taken", self.folder.display());
    }
}

/// What is changed of a settled project, and a part of what the compiler then says.
struct Change {
    name: &'static str,
    /// Files, before.
    files: Vec<(&'static str, String)>,
    change: fn(&mut Project),
    said: &'static str,
}

const LEAKS: &str = "its rows are not restricted to the tenant";

fn source(body: &str) -> Vec<(&'static str, String)> {
    vec![("src/lib.rs", format!("{HEAD}{body}"))]
}

fn with(body: &str, more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let more = more.iter().map(|(path, text)| (*path, (*text).to_owned()));
    source(body).into_iter().chain(more).collect()
}

/// Replaces a part of a file, which has to be there.
fn edit(project: &Project, path: &str, from: &str, to: &str) {
    let text = project.read(path);
    assert!(text.contains(from), "{path}: {from}");
    project.write(path, &text.replace(from, to));
}

fn changes() -> Vec<Change> {
    let change = |name, files, said, change| Change { name, files, change, said };
    let constant = "pub const WHERE: &str = \"WHERE org_id = $1\";
        #[tenant_scoped]
        pub fn list(tenant: TenantId<i64>) { sqlx::query(&format!(\"SELECT id FROM orders {WHERE}\")).bind(tenant); }";
    let included = "#[tenant_scoped]
        pub fn list(tenant: TenantId<i64>) { sqlx::query(include_str!(\"a.sql\")).bind(tenant); }";
    let of_row = "pub struct Row { pub org_id: TenantId<i64> }
        #[tenant_scoped]
        pub fn list(row: Row) { sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(row.org_id); }";
    let lent = "fn filter(sql: &mut String) { sql.push_str(\" WHERE org_id = $1\"); }
        #[tenant_scoped]
        pub fn list(tenant: TenantId<i64>) {
            let mut sql = String::from(\"SELECT id FROM orders\");
            filter(&mut sql);
            sqlx::query(&sql).bind(tenant);
        }";
    let own = "pub struct Org(pub i64);
        #[tenant_scoped]
        pub fn list(tenant: Org) { sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(tenant); }";
    vec![
        change("the text", source(SCOPED), LEAKS, |project| {
            edit(project, "src/lib.rs", "WHERE org_id", "WHERE     id");
        }),
        change("the bind", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "src/lib.rs", "bind(tenant)", "bind(7_i64 )");
        }),
        change("the type", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "src/lib.rs", "TenantId<i64>", "Option<i64>  ");
        }),
        change("a constant", source(constant), LEAKS, |project| {
            edit(project, "src/lib.rs", "WHERE org_id", "WHERE     id");
        }),
        change("another type of the same name", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "src/lib.rs", "use tenantry::*;", "use tenantry::tenant_scoped; pub struct TenantId<T>(T);");
        }),
        change("an alias", source(&format!("type Id = TenantId<i64>;\n{}", SCOPED.replace("TenantId<i64>", "Id"))), "error: tenantry: ", |project| {
            edit(project, "src/lib.rs", "type Id = TenantId<i64>;", "type Id = i64;");
        }),
        change("a field's type", source(of_row), "error: tenantry: ", |project| {
            edit(project, "src/lib.rs", "org_id: TenantId<i64>", "org_id: i64");
        }),
        change("a function that adds to the text", source(lent), LEAKS, |project| {
            edit(project, "src/lib.rs", "WHERE org_id", "WHERE     id");
        }),
        change("a file that is included", with(included, &[("src/a.sql", "SELECT id FROM orders WHERE org_id = $1")]), LEAKS, |project| {
            project.write("src/a.sql", "SELECT id FROM orders WHERE total  = $1");
        }),
        change(
            "a file that a query of a named tenant includes",
            with(
                "#[tenant_scoped(tenant = \"org\")]
                pub fn list(org: i64) { sqlx::query(include_str!(\"a.sql\")).bind(org); }",
                &[("src/a.sql", "SELECT id FROM orders WHERE org_id = $1")],
            ),
            LEAKS,
            |project| project.write("src/a.sql", "SELECT id FROM orders WHERE total  = $1"),
        ),
        change("a macro", source(&format!("macro_rules! own {{ ($sql:expr) => {{ () }}; }}\n{}", SCOPED.replace("sqlx::query(", "own!(0); sqlx::query("))), "error: tenantry: ", |project| {
            edit(project, "src/lib.rs", "{ () }", "{ sqlx::query(\"DELETE FROM orders\") }");
        }),
        change("a column", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "migrations/1_tables.sql", "org_id bigint NOT NULL", "org_ix bigint NOT NULL");
        }),
        change("a new migration", source(SCOPED), "error: tenantry: ", |project| {
            project.write("migrations/2_rename.sql", "ALTER TABLE orders RENAME TO sales;");
        }),
        change("a migration less", source(SCOPED), "error: tenantry: ", |project| {
            std::fs::remove_file(project.path("migrations/1_tables.sql")).unwrap();
        }),
        change("the keys", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "tenantry.toml", "keys = [\"org_id\"]", "keys = [\"id\"]");
        }),
        change("what is trusted", source(own), "error: tenantry: ", |project| {
            edit(project, "tenantry.toml", "\"crate::Org\"", "\"crate::Orx\"");
        }),
        change("a fault of the policy", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "tenantry.toml", "[tenancy]", "[tenancies]");
        }),
        change("no policy", source(SCOPED), "error: tenantry: ", |project| {
            std::fs::remove_file(project.path("tenantry.toml")).unwrap();
            project.write("migrations/1_tables.sql", "");
        }),
        change("the database's crates", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "tenantry.toml", "crates = [\"kept\"]", "crates = [\"other\"]");
        }),
        change("the crate's name", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "Cargo.toml", "name = \"kept\"", "name = \"kepx\"");
        }),
        change("the dialect", source(SCOPED), "error: tenantry: ", |project| {
            edit(project, "tenantry.toml", "\"postgres\"", "\"sqlite\"  ");
        }),
        change("the project's own sinks", source(SCOPED), "error: tenantry: ", |project| {
            project.write(".tenantry/sinks/own.toml", "faulty");
        }),
        change("tables that another file declares", with(DIESEL, &[("src/schema.rs", TABLES)]), "error: tenantry: ", |project| {
            edit(project, "src/schema.rs", "org_id -> BigInt", "#[sql_name = \"id\"] org_id -> BigInt");
        }),
        change("a profile", source("#[integration(\"stripe\")]\npub fn call() {}\n"), "there is no integration profile", |project| {
            edit(project, "tenantry.toml", "id = \"stripe\"", "id = \"strips\"");
        }),
        change("a text by itself", source("pub const A: &str = tenant_sql!(\"SELECT id FROM orders WHERE org_id = $1\");\n"), LEAKS, |project| {
            edit(project, "src/lib.rs", "WHERE org_id", "WHERE     id");
        }),
        change("the schema of a text by itself", source("pub const A: &str = tenant_sql!(\"SELECT id FROM orders WHERE org_id = $1\");\n"), "error: tenantry: ", |project| {
            edit(project, "migrations/1_tables.sql", "org_id bigint NOT NULL", "org_ix bigint NOT NULL");
        }),
        change("which placeholder it is", source("pub const A: &str = tenant_sql!(\"SELECT id FROM orders WHERE id = $1 AND org_id = $2\", tenant = $2);\n"), LEAKS, |project| {
            edit(project, "src/lib.rs", "tenant = $2", "tenant = $1");
        }),
        change("a file by itself", with("pub const A: &str = tenant_sql!(file \"queries/a.sql\");\n", &[("queries/a.sql", "SELECT id FROM orders WHERE org_id = $1")]), LEAKS, |project| {
            project.write("queries/a.sql", "SELECT id FROM orders WHERE total  = $1");
        }),
        change("what a mark names", source("#[tenant_scoped(tenant = \"org\")]
            pub fn list(org: i64, id: i64) { sqlx::query(\"SELECT id FROM orders WHERE org_id = $1 AND id = $2\").bind(org).bind(id); }\n"), "error: tenantry: ", |project| {
            edit(project, "src/lib.rs", "tenant = \"org\"", "tenant = \"id\"");
        }),
        change("the day", source("#[cross_tenant(reason = \"all\", until = \"2026-06-01\")]
            pub fn purge() { sqlx::query(\"DELETE FROM orders\"); }\n"), "this exception held until 2026-06-01", |project| project.today += 86_400 * 30),
    ]
}

#[test]
fn what_was_proved_counts_only_while_everything_is_as_it_was() {
    Built::shared();
    let changes = changes();
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(change) = changes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // Each in a folder above which others may lie.
                    let mut project = Project::new(&format!("{}/crate", change.name.replace(' ', "-")));
                    for (path, text) in &change.files {
                        project.write(path, text);
                    }
                    project.settle();
                    (change.change)(&mut project);
                    let said = project.say();
                    if !said.contains(change.said) {
                        wrong.lock().unwrap().push(format!("{}: {said:?}", change.name));
                    }
                    project.no_cache = true;
                    let without = project.say();
                    if said != without {
                        wrong.lock().unwrap().push(format!("{}: {said:?} and {without:?}", change.name));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_policy_that_is_nearer_is_another_project() {
    let project = Project::new("nearer/crate");
    std::fs::remove_dir_all(project.path(".git")).unwrap();
    std::fs::remove_file(project.path("tenantry.toml")).unwrap();
    project.write("../.git/HEAD", "");
    project.write("../tenantry.toml", &POLICY.replace("[\"migrations\"]", "[\"crate/migrations\"]"));
    project.settle();
    project.write("tenantry.toml", &POLICY.replace("keys = [\"org_id\"]", "keys = [\"total\"]"));
    assert!(project.say().contains("error: tenantry: "), "{}", project.say());
}

#[test]
fn chains_rest_on_what_other_files_declare_and_on_nothing_else_of_them() {
    let project = Project::new("declared");
    for (path, text) in
        with(DIESEL, &[("src/schema.rs", TABLES), ("src/other.rs", "pub fn one() -> u8 { 1 }\n")])
    {
        project.write(path, &text);
    }
    project.settle();
    let kept = project.kept();
    project.write("src/other.rs", "pub fn one() -> u8 { 2 }\n");
    project.write("src/schema.rs", &format!("// The tables.\n{TABLES}"));
    assert_eq!(project.say(), "");
    assert_eq!(project.kept(), kept, "the same is declared");
    // Another table of that name.
    project.write("src/other.rs", TABLES);
    assert_eq!(project.say(), "");
    assert_ne!(project.kept(), kept, "it was proved anew");
    project.settle();
    project
        .write("src/schema.rs", &TABLES.replace("org_id -> BigInt", "#[sql_name = \"id\"] org_id -> BigInt"));
    assert!(project.say().contains("error: tenantry: "));
}

#[test]
fn errors_are_judged_anew() {
    let project = Project::new("errors");
    project.write(
        "src/lib.rs",
        &format!("{HEAD}{}{SCOPED}", SCOPED.replace("org_id", "id").replace("list", "all")),
    );
    let said = project.say();
    assert!(said.contains("src/lib.rs:4:49: error: tenantry: ") && said.contains(LEAKS), "{said}");
    assert!(!project.kept().is_empty(), "the other one is proved");
    assert_eq!(project.say(), said);
    // What was there before counts again when it is there again.
    let schema = project.read("migrations/1_tables.sql");
    project.write("src/lib.rs", &format!("{HEAD}{SCOPED}"));
    project.settle();
    project.write("migrations/1_tables.sql", "");
    assert!(project.say().contains("error: tenantry: "));
    project.write("migrations/1_tables.sql", &schema);
    project.settle();
}

#[test]
fn another_build_of_the_macros_takes_nothing() {
    let mut project = Project::new("build");
    project.settle();
    let kept = project.kept();
    let name = format!("{}tenantry_macros-0{}", std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    project.dependencies = Some(project.path("more"));
    project.write(&format!("more/{name}"), "one");
    assert_eq!(project.say(), "");
    let other = project.kept();
    assert_ne!(other, kept, "it was proved anew");
    project.settle();
    // Built again, to as many bytes.
    std::fs::remove_file(project.path(&format!("more/{name}"))).unwrap();
    project.write(&format!("more/{name}"), "two");
    assert_eq!(project.say(), "");
    assert_ne!(project.kept(), other, "it was proved anew");
}

#[test]
fn crates_that_share_a_target_folder_share_nothing_else() {
    let (one, mut two) = (Project::new("shared/one"), Project::new("shared/two"));
    one.settle();
    let kept = one.kept();
    two.target = one.target.clone();
    two.write("migrations/1_tables.sql", "CREATE TABLE orders (id bigint PRIMARY KEY);");
    assert!(two.say().contains("error: tenantry: "), "its schema is another");
    two.write("migrations/1_tables.sql", &one.read("migrations/1_tables.sql"));
    assert_eq!(two.say(), "");
    assert_eq!(one.say(), "");
    assert_eq!(one.kept().len(), 2 * kept.len());
    for (path, written) in kept {
        assert_eq!(one.kept().get(&path), Some(&written));
    }
}

#[test]
fn what_is_damaged_is_none() {
    let project = Project::new("damaged");
    project.settle();
    let whole: Vec<(PathBuf, Vec<u8>)> =
        project.kept().into_keys().map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
    let leaking = SCOPED.replace("org_id", "total ");
    for (path, bytes) in &whole {
        let cut = |at: usize| bytes[..at].to_vec();
        let flip = |at: usize| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 0x10;
            bytes
        };
        let (middle, last) = (bytes.len() / 2, bytes.len() - 1);
        let damaged = [
            cut(0),
            cut(middle),
            cut(last),
            flip(0),
            flip(20),
            flip(60),
            flip(middle),
            flip(last),
            [bytes.as_slice(), b"x"].concat(),
        ];
        for damaged in damaged {
            project.write("src/lib.rs", &format!("{HEAD}{SCOPED}"));
            std::fs::write(path, &damaged).unwrap();
            assert_eq!(project.say(), "", "{}", path.display());
            assert_ne!(std::fs::read(path).unwrap(), damaged, "it is written anew");
            std::fs::write(path, &damaged).unwrap();
            project.write("src/lib.rs", &format!("{HEAD}{leaking}"));
            assert!(project.say().contains(LEAKS), "{}", path.display());
            std::fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn what_cannot_be_written_is_no_error() {
    // A file where a folder would have to be: whoever runs this may be allowed to write everywhere.
    for (name, place) in [("blocked", "target/tenantry"), ("blocked-within", "target/tenantry/marks")] {
        let project = Project::new(name);
        project.write(place, "");
        assert_eq!(project.say(), "");
        assert_eq!(project.say(), "");
        assert!(project.kept().is_empty());
        project.write("src/lib.rs", &format!("{HEAD}{}", SCOPED.replace("org_id", "total ")));
        assert!(project.say().contains(LEAKS));
    }
}

#[test]
fn it_can_be_switched_off() {
    let mut project = Project::new("off");
    project.no_cache = true;
    assert_eq!(project.say(), "");
    assert!(project.kept().is_empty());
}

#[test]
fn compilers_at_the_same_time_disturb_nobody() {
    let first = Project::new("together");
    let project = |at: usize| Project {
        today: first.today,
        dependencies: None,
        no_cache: false,
        // Two of them compile the same file.
        source: format!("src/{}.rs", at / 2),
        target: first.target.clone(),
        folder: first.folder.clone(),
    };
    for run in 0..4 {
        let texts = (0..4).map(|at| {
            let is_scoped = (at + run) % 2 == 0;
            let text = if is_scoped { SCOPED.to_owned() } else { SCOPED.replace("org_id", "total ") };
            first.write(&format!("src/{at}.rs"), &format!("{HEAD}{text}"));
            is_scoped
        });
        let is_scoped: Vec<bool> = texts.collect();
        std::thread::scope(|scope| {
            for at in 0..8 {
                let (project, is_scoped) = (project(at), is_scoped[at / 2]);
                scope.spawn(move || {
                    let said = project.say();
                    assert_eq!(said.contains(LEAKS), !is_scoped, "{said}");
                });
            }
        });
    }
}
