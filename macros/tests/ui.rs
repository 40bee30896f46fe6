//! What the compiler says of marked items: every case of `ui/cases` is compiled, and its errors and warnings are held against
//! the file beside it. `BLESS=1 cargo test -p tenantry-macros --test ui` takes over what is said.
//!
//! The cases are compiled by `rustc` itself, since each lies in a project: a policy and a schema around it, or none, as its
//! first line says (`// in: faulty`). Its second may say `// as: NAME` for a crate `tenantry` of another name.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod built;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use built::{Built, out, project, ui};

impl Built {
    /// What the compiler says of a case.
    fn say(&self, case: &Path, text: &str) -> String {
        self.say_with(case, text, &[])
    }

    fn say_with(&self, case: &Path, text: &str, arguments: &[&str]) -> String {
        let name = case.file_stem().unwrap().to_string_lossy().into_owned();
        let setting = |key: &str| {
            let mut heads =
                text.lines().take(2).filter_map(|line| line.strip_prefix("// ")?.split_once(": "));
            heads.find(|(known, _)| *known == key).map(|(_, value)| value.trim().to_owned())
        };
        let project = project(&setting("in").unwrap_or_default());
        let tenantry = setting("as").unwrap_or_else(|| "tenantry".to_owned());
        let mut rustc = self.rustc(&name, case);
        rustc
            .arg("--extern")
            .arg(format!("{tenantry}={}", out().join("libtenantry.rmeta").display()))
            .arg("--extern")
            .arg(format!("sqlx={}", out().join("libsqlx.rmeta").display()))
            .arg("--extern")
            .arg(format!("diesel={}", out().join("libdiesel.rmeta").display()))
            .arg("--extern")
            .arg(format!(
                "async_trait={}",
                out().join(format!("libasync_trait{}", std::env::consts::DLL_SUFFIX)).display()
            ))
            .args(["--crate-type=lib", "--emit=metadata"])
            .arg("--out-dir")
            .arg(out().join("cases"))
            .args(arguments)
            .env("CARGO_MANIFEST_DIR", project)
            .env("SOURCE_DATE_EPOCH", "1780000000")
            .env("RUSTC_BOOTSTRAP", "0");
        let done = rustc.output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).replace(&format!("{}/", ui().display()), "");
        let said =
            said.lines().filter(|line| !line.contains("-Z macro-backtrace")).collect::<Vec<_>>().join("\n");
        let said = said.trim();
        if said.is_empty() { String::new() } else { format!("{said}\n") }
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(ui().join("cases")).unwrap();
    let mut all: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    all.sort();
    all
}

#[test]
fn what_the_compiler_says_is_what_is_written_down() {
    let built = Built::shared();
    let cases = cases();
    assert!(cases.len() >= 40, "only {} cases", cases.len());
    let said = Mutex::new(BTreeMap::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let text = std::fs::read_to_string(case).unwrap();
                    let told = built.say(case, &text);
                    said.lock().unwrap().insert(case.clone(), told);
                }
            });
        }
    });
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = String::new();
    for (case, said) in said.into_inner().unwrap() {
        let beside = case.with_extension("stderr");
        let known = std::fs::read_to_string(&beside).unwrap_or_default();
        if known == said {
            continue;
        }
        if bless && said.is_empty() {
            let _ = std::fs::remove_file(beside);
        } else if bless {
            std::fs::write(beside, said).unwrap();
        } else {
            let _ = writeln!(wrong, "== {}\n-- expected\n{known}\n-- said\n{said}", case.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn no_mark_of_a_hostile_case_compiles() {
    let built = Built::shared();
    let hostile =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("hostile_"));
    let mut marks = 0;
    for case in cases().into_iter().filter(hostile) {
        let text = std::fs::read_to_string(&case).unwrap();
        let said = built.say_with(&case, &text, &["--error-format=short"]);
        let refused: Vec<usize> = said.lines().filter_map(refused_line).collect();
        let is_mark = |line: &str| {
            let line = line.trim_start();
            line.starts_with("#[tenant_scoped") || line.starts_with("#[cfg_attr(all(), tenant_scoped")
        };
        let lines = text.lines().enumerate().filter(|(_, line)| is_mark(line)).map(|(at, _)| at + 1);
        let lines: Vec<usize> = lines.collect();
        for (at, from) in lines.iter().enumerate() {
            let until = lines.get(at + 1).copied().unwrap_or(usize::MAX);
            let is_refused = refused.iter().any(|line| (*from..until).contains(line));
            assert!(is_refused, "{}:{from} compiles", case.display());
        }
        marks += lines.len();
    }
    assert!(marks >= 150, "only {marks} marks");
}

/// The line of `cases/a.rs:7:5: error: tenantry: …`.
fn refused_line(said: &str) -> Option<usize> {
    let (place, _) = said.split_once(": error: tenantry: ")?;
    place.rsplit(':').nth(1)?.parse().ok()
}

#[test]
fn the_compilers_own_errors_are_the_same_with_and_without_a_mark() {
    let built = Built::shared();
    let body =
        "pub async fn f<'a, T: Clone>(pool: &'a PgPool, tenant: TenantId<i64>, value: &T) -> Vec<i64> {
    let wrong: u8 = \"text\";
    value.missing();
    let unused = 1;
    sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(tenant).fetch_all(pool).await
}\n";
    let folder = out().join("same");
    std::fs::create_dir_all(&folder).unwrap();
    let mut said = Vec::new();
    for mark in ["                ", "#[tenant_scoped]"] {
        // At the same place in a file of the same name, with an import that is used either way.
        let text = format!("\n\nuse sqlx::PgPool;\nuse tenantry::*;\n{mark}\n{body}");
        let path = folder.join("same.rs");
        std::fs::write(&path, &text).unwrap();
        let mut rustc = built.rustc("same", &path);
        rustc.args(["--crate-type=lib", "--emit=metadata"]);
        rustc.arg("--extern").arg(format!("sqlx={}", out().join("libsqlx.rmeta").display()));
        rustc.arg("--extern").arg(format!("tenantry={}", out().join("libtenantry.rmeta").display()));
        rustc.arg("--out-dir").arg(&folder).env("CARGO_MANIFEST_DIR", project(""));
        said.push(String::from_utf8_lossy(&rustc.output().unwrap().stderr).into_owned());
    }
    let [plain, marked] = said.as_slice() else { panic!("two") };
    assert_eq!(plain.matches("error").count(), marked.matches("error").count());
    assert_eq!(plain, marked);
    assert!(plain.contains("missing"), "{plain}");
}

#[test]
fn examples_of_documentation_are_judged_as_well() {
    let built = Built::shared();
    let path = ui().join("documented.rs");
    for edition in ["2021", "2024"] {
        let mut rustdoc = Command::new(std::env::var("RUSTDOC").unwrap_or_else(|_| "rustdoc".to_owned()));
        rustdoc.args(["--test", "--edition", edition]).arg(&path).arg("-L").arg(out());
        for name in ["tenantry", "sqlx"] {
            rustdoc
                .arg("--extern")
                .arg(format!("{name}={}", out().join(format!("lib{name}.rlib")).display()));
        }
        rustdoc.arg("-L").arg(format!("dependency={}", built.macros.parent().unwrap().display()));
        let done = rustdoc.env("CARGO_MANIFEST_DIR", project("")).output().unwrap();
        let said = String::from_utf8_lossy(&done.stdout);
        // Those that leak are told by the leak, and by nothing else.
        let failed = said.lines().filter(|line| line.ends_with("FAILED")).count();
        let leaks = said.matches("`orders`: its rows are not restricted to the tenant").count();
        assert_eq!((failed, leaks), (2, 2), "{edition}: {said}");
        assert_eq!(said.matches(" ... ok").count(), 3, "{edition}: {said}");
    }
}

/// A file that is compiled with the libraries of the cases, in their project.
fn compile(built: &Built, name: &str, text: &str, emit: &str) -> PathBuf {
    let folder = out().join("emitted");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{name}.rs"));
    std::fs::write(&path, text).unwrap();
    let made = folder.join(format!("{name}.{emit}"));
    let mut rustc = Command::new(std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned()));
    rustc.args(["--edition=2024", "--crate-type=lib", "-Copt-level=2", "--crate-name", "same"]);
    rustc.arg(format!("--emit={emit}={}", made.display())).arg(&path).arg("-L").arg(out());
    rustc.arg("-L").arg(format!("dependency={}", built.macros.parent().unwrap().display()));
    rustc.env_remove("RUSTFLAGS").env("CARGO_MANIFEST_DIR", project(""));
    let done = rustc.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    made
}

#[test]
fn a_mark_adds_no_instruction() {
    let built = Built::shared();
    let source = |mark: &str, except: &str| {
        format!(
            "extern crate sqlx; extern crate tenantry; use tenantry::*;
            {mark} #[inline(never)] pub fn text(tenant: TenantId<i64>, out: &mut [i64; 2]) {{
                sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(tenant);
                out[0] = tenant.into_inner();
            }}
            pub struct Store {{ pub tenant: TenantId<i64> }}
            {mark} impl Store {{
                #[inline(never)] pub fn list(&self, out: &mut i64) {{
                    sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(self.tenant);
                    *out += 1;
                }}
            }}
            pub trait Counts {{ fn count(&self) -> u64; }}
            impl Counts for Store {{
                {except} fn count(&self) -> u64 {{
                    sqlx::query(\"SELECT count(*) FROM orders\");
                    7
                }}
            }}"
        )
    };
    let marked = source("#[tenant_scoped]", "#[cross_tenant(reason = \"all\", until = \"2020-01-01\")]");
    let with = compile(built, "marked", &marked, "asm");
    let without = compile(built, "plain", &source("", ""), "asm");
    let text = |path: &Path| {
        let text = std::fs::read_to_string(path).unwrap();
        // Neither the name of the source file nor the hashes in names are instructions.
        let lines = text.lines().filter(|line| !line.trim_start().starts_with(".file"));
        lines.map(without_hashes).collect::<Vec<_>>().join("\n")
    };
    assert!(text(&with).contains("count"), "{}", text(&with));
    assert_eq!(text(&with), text(&without));
}

/// The line with `#` for each long number in hexadecimal digits.
fn without_hashes(line: &str) -> String {
    let mut out = String::new();
    let mut digits = String::new();
    for c in line.chars().chain(['\n']) {
        if c.is_ascii_hexdigit() {
            digits.push(c);
            continue;
        }
        out.push_str(if digits.len() >= 16 { "#" } else { &digits });
        digits.clear();
        out.push(c);
    }
    out.trim_end().to_owned()
}

#[test]
fn the_compiler_watches_what_a_verdict_rests_on() {
    let built = Built::shared();
    let query = "sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(self.1);";
    let sources = [
        format!("#[tenant_scoped] impl S {{ pub fn a(&self) {{ {query} }} }}"),
        format!("impl S {{ #[tenant_scoped] pub fn a(&self) {{ {query} }} }}"),
        format!(
            "pub trait T {{ fn a(&self); }} impl T for S {{ #[tenant_scoped] fn a(&self) {{ {query} }} }}"
        ),
        format!("#[tenant_scoped(defer)] impl S {{ pub fn a(&self) {{ {query} }} }}"),
        "pub const A: &str = tenant_sql!(\"SELECT id FROM orders WHERE org_id = $1\");".to_owned(),
        "pub const A: &str = tenant_sql!(file \"queries/good.sql\");".to_owned(),
    ];
    for (at, source) in sources.iter().enumerate() {
        let text = format!(
            "extern crate sqlx; extern crate tenantry; use tenantry::*; pub struct S(pub u8, pub TenantId<i64>);\n{source}\n"
        );
        let watched =
            std::fs::read_to_string(compile(built, &format!("watched{at}"), &text, "dep-info")).unwrap();
        for file in ["tenantry.toml", "migrations/1_tables.sql"] {
            assert!(watched.contains(&project("").join(file).display().to_string()), "{source}: {watched}");
        }
        assert_eq!(watched.contains("queries/good.sql"), source.contains("good.sql"), "{watched}");
    }
}

/// A crate that cargo checks, with the libraries of the cases and a policy and a schema around it.
struct Checked<'b> {
    built: &'b Built,
    folder: PathBuf,
}

impl Checked<'_> {
    fn new<'b>(built: &'b Built, name: &str, script: Option<&str>) -> Checked<'b> {
        let folder = out().join("checked").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        let checked = Checked { built, folder };
        checked.write(".git/HEAD", "");
        checked.write(
            "Cargo.toml",
            "[workspace]\n[package]\nname = \"checked\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        );
        checked.write("tenantry.toml", "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n");
        let schema = std::fs::read_to_string(ui().join("migrations/1_tables.sql")).unwrap();
        checked.write("migrations/1_tables.sql", &schema);
        checked.write(
            "src/lib.rs",
            "#[tenantry::tenant_scoped]
            pub fn list(tenant: tenantry::TenantId<i64>) {
                sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(tenant);
            }\n",
        );
        if let Some(script) = script {
            checked.write("build.rs", script);
        }
        checked
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Whether it compiles, and what cargo says.
    fn check(&self) -> (bool, String) {
        let library = |name: &str| out().join(name).display().to_string();
        let flags = [
            format!("--extern=tenantry={}", library("libtenantry.rmeta")),
            format!("--extern=sqlx={}", library("libsqlx.rmeta")),
            format!("-L{}", out().display()),
            format!("-Ldependency={}", self.built.macros.parent().unwrap().display()),
        ];
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let mut check = Command::new(cargo);
        check.args(["check", "--offline", "-v"]).current_dir(&self.folder);
        check.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
        check.env("CARGO_TARGET_DIR", self.folder.join("target")).env_remove("RUSTFLAGS");
        let done = check.output().unwrap();
        (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned())
    }
}

#[test]
fn a_new_migration_is_noticed_through_one_line_of_the_build_script() {
    let built = Built::shared();
    // The line that `cargo tenantry init` writes.
    let line = "fn main() {\n    println!(\"cargo:rerun-if-changed=migrations\");\n}\n";
    let watched = Checked::new(built, "watched", Some(line));
    let bare = Checked::new(built, "bare", None);
    for checked in [&watched, &bare] {
        let (compiles, said) = checked.check();
        assert!(compiles, "{said}");
        let (_, said) = checked.check();
        assert!(said.contains("Fresh checked"), "nothing has changed: {said}");
        checked.write("migrations/2_sales.sql", "ALTER TABLE orders RENAME TO sales;");
    }
    let (compiles, said) = watched.check();
    assert!(!compiles && said.contains("error: tenantry: "), "{said}");
    let (compiles, said) = bare.check();
    assert!(compiles && said.contains("Fresh checked"), "without it the new file is not noticed: {said}");
    // What was read is watched without it.
    bare.write("migrations/1_tables.sql", "CREATE TABLE orgs (id bigint PRIMARY KEY);");
    let (compiles, said) = bare.check();
    assert!(!compiles && said.contains("error: tenantry: "), "{said}");
    watched.write("migrations/2_sales.sql", "");
    assert!(watched.check().0, "it is proved again when the schema is mended");
    watched.write("tenantry.toml", "[tenancy]\nkeys = [\"total\"]\n");
    assert!(!watched.check().0, "the policy is watched as well");
}
