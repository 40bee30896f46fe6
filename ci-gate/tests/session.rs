//! Sessions on the command line: what is printed, what is written, how it ends.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const SCHEMA: &str = "CREATE TABLE orgs (id BIGINT PRIMARY KEY);
CREATE TABLE notes (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id));
";
const BAD: &str = "pub async fn all(pool: &sqlx::PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(\"SELECT id FROM notes\").fetch_all(pool).await
}
";
const GOOD: &str = "pub async fn of(pool: &sqlx::PgPool, org_id: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(\"SELECT id FROM notes WHERE org_id = $1\").bind(org_id).fetch_all(pool).await
}
";

fn lay_out(name: &str, source: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("session").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let files = [
        ("Cargo.toml", "[workspace]\n[package]\nname = \"notes\"\nversion = \"0.1.0\"\n"),
        ("migrations/1_init.sql", SCHEMA),
        ("tenantry.toml", "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n"),
        ("src/lib.rs", source),
    ];
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
    // A repository of its own: what lies above is none of its business.
    std::fs::create_dir_all(folder.join(".git")).expect("writable");
    folder
}

fn tenantry(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cargo-tenantry"))
        .arg("tenantry")
        .args(arguments)
        .args(no_cache(arguments))
        .current_dir(folder)
        .env("SOURCE_DATE_EPOCH", "1780272000")
        .env("NO_COLOR", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    // A command that reads no input may have closed it.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
    child.wait_with_output().expect("the binary ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is kept is of no use to a session that is run once, and whoever keeps it reads the whole binary for it.
fn no_cache(arguments: &[&str]) -> Option<&'static str> {
    let scans = arguments.first().is_some_and(|command| ["check", "baseline", "sites"].contains(command));
    scans.then_some("--no-cache")
}

#[test]
fn a_leak_is_shown_inside_the_text_and_fails_the_check() {
    let output = tenantry(&lay_out("leak", BAD), &["check"], "");
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("error[unscoped-query]"), "{shown}");
    let lines: Vec<&str> = shown.lines().collect();
    let at = lines.iter().position(|line| line.contains("SELECT id FROM notes")).expect("the line is shown");
    let (line, carets) = (lines.get(at).expect("shown"), lines.get(at + 1).expect("carets"));
    assert_eq!(line.find("notes\")"), carets.find("^^^^^"), "{shown}");
    assert!(shown.contains("1 leak"), "{shown}");
}

#[test]
fn exit_codes_say_how_it_ended() {
    let code = |folder: &Path, arguments: &[&str]| tenantry(folder, arguments, "").status.code();
    let bad = lay_out("codes-bad", BAD);
    assert_eq!(code(&lay_out("codes-good", GOOD), &["check"]), Some(0));
    assert_eq!(code(&bad, &["check", "--exit-zero"]), Some(0));
    assert_eq!(code(&bad, &["check", "--fail-on", "never"]), Some(0));
    assert_eq!(code(&bad, &["check", "--output", "xml"]), Some(2));
    assert_eq!(code(&bad, &["check", "--today", "someday"]), Some(2));
    assert_eq!(code(&bad, &["check", "nowhere"]), Some(2));
    assert_eq!(code(&bad, &["explain", "no-such-rule"]), Some(2));
    assert_eq!(code(&bad, &["check", "migrations"]), Some(0), "the schema is checked by itself");
    std::fs::create_dir_all(bad.join("docs")).expect("writable");
    assert_eq!(code(&bad, &["check", "docs"]), Some(3));
    std::fs::write(bad.join("tenantry.toml"), "[tenancy]\nkey = 1\n").expect("writable");
    assert_eq!(code(&bad, &["check"]), Some(2));
}

#[test]
fn all_outputs_come_from_one_run_and_are_the_same_each_time() {
    let folder = lay_out("outputs", BAD);
    let write = |round: &str| {
        let outputs = ["json", "sarif", "sarif-github", "markdown"];
        let files: Vec<String> = outputs.iter().map(|name| format!("{name}={round}.{name}")).collect();
        let mut arguments = vec!["check"];
        arguments.extend(files.iter().flat_map(|file| ["--output", file.as_str()]));
        assert_eq!(tenantry(&folder, &arguments, "").status.code(), Some(1));
        outputs.map(|name| std::fs::read_to_string(folder.join(format!("{round}.{name}"))).expect("written"))
    };
    let first = write("first");
    assert_eq!(first, write("second"));
    let [json, sarif, _, _] = first;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json.pointer("/findings/0/rule").and_then(|rule| rule.as_str()), Some("unscoped-query"));
    assert_eq!(json.pointer("/findings/0/start_line").and_then(|line| line.as_u64()), Some(2));
    let sarif: serde_json::Value = serde_json::from_str(&sarif).expect("JSON");
    let uri = sarif.pointer("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri");
    assert_eq!(uri.and_then(|uri| uri.as_str()), Some("src/lib.rs"));
}

#[test]
fn with_a_baseline_only_new_findings_fail() {
    let folder = lay_out("baseline", BAD);
    assert_eq!(tenantry(&folder, &["baseline"], "").status.code(), Some(0));
    assert_eq!(tenantry(&folder, &["check"], "").status.code(), Some(0));
    std::fs::write(folder.join("src/lib.rs"), format!("{BAD}{}", BAD.replace("fn all", "fn every")))
        .expect("writable");
    assert_eq!(tenantry(&folder, &["check"], "").status.code(), Some(1));
    std::fs::write(folder.join("src/lib.rs"), GOOD).expect("writable");
    let mended = tenantry(&folder, &["check"], "");
    assert_eq!(mended.status.code(), Some(0));
    let shown = text(&mended.stdout);
    let gone = shown.lines().find(|line| line.contains("no longer occurs")).expect("it is named");
    assert!(
        gone.ends_with("unscoped-query in src/lib.rs: `notes`: its rows are not restricted to the tenant"),
        "{gone}"
    );
}

#[test]
fn a_baseline_of_a_part_keeps_what_lies_elsewhere() {
    let folder = lay_out("baseline-part", BAD);
    let other = BAD.replace("fn all", "fn every").replace("FROM notes", "FROM notes n");
    std::fs::write(folder.join("src/other.rs"), &other).expect("writable");
    assert_eq!(tenantry(&folder, &["baseline"], "").status.code(), Some(0));
    std::fs::write(folder.join("src/other.rs"), GOOD).expect("writable");
    assert_eq!(tenantry(&folder, &["baseline", "src/other.rs"], "").status.code(), Some(0));
    let known = std::fs::read_to_string(folder.join("tenantry.baseline.json")).expect("written");
    assert!(known.contains("src/lib.rs") && !known.contains("src/other.rs"), "{known}");
    assert_eq!(tenantry(&folder, &["check"], "").status.code(), Some(0));
    std::fs::write(folder.join("src/other.rs"), other).expect("writable");
    assert_eq!(tenantry(&folder, &["check"], "").status.code(), Some(1));
}

#[test]
fn a_schema_shows_its_views_and_what_they_are_made_of() {
    let folder = lay_out("views", GOOD);
    let views = "CREATE VIEW mine AS SELECT id, org_id FROM notes WHERE id > 3;
CREATE MATERIALIZED VIEW sums AS SELECT m.org_id, count(*) FROM mine m JOIN orgs o ON o.id = m.org_id GROUP BY 1;
CREATE VIEW odd AS SELECT * FROM nowhere;
";
    std::fs::write(folder.join("migrations/2_views.sql"), views).expect("writable");
    let shown = text(&tenantry(&folder, &["schema", "--no-cache"], "").stdout);
    let line = |name: &str| {
        let named = |line: &&str| line.split_whitespace().next() == Some(name);
        shown.lines().find(named).map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    assert_eq!(line("mine").as_deref(), Some("mine a view of notes"), "{shown}");
    assert_eq!(line("sums").as_deref(), Some("sums a materialized view of notes, orgs"), "{shown}");
    assert!(line("odd").is_some_and(|line| line.contains("not understood")), "{shown}");
}

#[test]
fn sarif_names_files_from_the_root_of_the_repository() {
    let folder = lay_out("monorepo", BAD);
    let service = folder.join("services/a note");
    std::fs::create_dir_all(&service).expect("writable");
    for part in ["Cargo.toml", "migrations", "tenantry.toml", "src"] {
        std::fs::rename(folder.join(part), service.join(part)).expect("writable");
    }
    let output = tenantry(&service, &["check", "--output", "sarif-github"], "");
    let sarif: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let uri = sarif.pointer("/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri");
    assert_eq!(uri.and_then(|uri| uri.as_str()), Some("services/a%20note/src/lib.rs"));
}

#[test]
fn a_policy_is_written_of_the_database_that_knows_tenants() {
    let folder = lay_out("init", GOOD);
    for (path, text) in [
        ("Cargo.toml", "[workspace]\nmembers = [\"cache\", \"notes\"]\n"),
        ("cache/Cargo.toml", "[package]\nname = \"cache\"\n"),
        ("cache/migrations/1_init.sql", "CREATE TABLE entries (id INT PRIMARY KEY, value TEXT);"),
        ("notes/Cargo.toml", "[package]\nname = \"notes\"\n"),
        ("notes/migrations/1_init.sql", SCHEMA),
    ] {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
    for gone in ["migrations", "src"] {
        std::fs::remove_dir_all(folder.join(gone)).expect("it was there");
    }
    assert_eq!(tenantry(&folder, &["init", "--yes"], "").status.code(), Some(2), "there is a policy");
    assert_eq!(tenantry(&folder, &["init", "--yes", "--force"], "").status.code(), Some(0));
    let policy = std::fs::read_to_string(folder.join("tenantry.toml")).expect("written");
    assert!(policy.contains("\nkeys = [\"org_id\"]\n"), "{policy}");
}

#[test]
fn build_scripts_are_made_to_watch_the_migrations() {
    let folder = lay_out("init-scripts", GOOD);
    let manifest = |name: &str, more: &str| {
        format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n[dependencies]\n{more}")
    };
    let watching = "fn main() {\n    println!(\"cargo:rerun-if-changed=proto\");\n}\n";
    for (path, text) in [
        ("Cargo.toml", "[workspace]\nmembers = [\"api\", \"jobs\", \"plain\", \"packed\"]\n".to_owned()),
        ("api/Cargo.toml", manifest("api", "tenantry = \"0.1\"\n")),
        ("jobs/Cargo.toml", manifest("jobs", "tn = { package = \"tenantry\", version = \"0.1\" }\n")),
        ("jobs/build.rs", watching.to_owned()),
        ("plain/Cargo.toml", manifest("plain", "")),
        ("packed/Cargo.toml", manifest("packed", "tenantry = \"0.1\"\n")),
        ("packed/build.rs", "fn main() {}\n".to_owned()),
    ] {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap_or_default();
    let policy = read("tenantry.toml");
    let output = tenantry(&folder, &["init"], "");
    assert_eq!(output.status.code(), Some(2), "there is no terminal to ask");
    assert_eq!(read("api/build.rs"), "");
    let output = tenantry(&folder, &["init", "--yes"], "");
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(read("tenantry.toml"), policy, "it stays as it is");
    let line = "    println!(\"cargo:rerun-if-changed=../migrations\");\n";
    assert!(read("api/build.rs").ends_with(&format!("fn main() {{\n{line}}}\n")), "{}", read("api/build.rs"));
    let expected = watching.replacen("{\n", &format!("{{\n{line}"), 1);
    assert_eq!(read("jobs/build.rs"), expected);
    assert_eq!(read("plain/build.rs"), "", "it does not use the crate");
    assert_eq!(
        read("packed/build.rs"),
        "fn main() {}\n",
        "a first line would end what cargo watches by itself"
    );
    assert!(text(&output.stdout).contains("add to `main` of packed/build.rs"), "{}", text(&output.stdout));
    let again = tenantry(&folder, &["init", "--yes"], "");
    assert_eq!(again.status.code(), Some(2), "nothing is left to do");
}

#[test]
fn names_of_a_schema_reach_neither_the_terminal_nor_a_policy_as_they_are() {
    let folder = lay_out("steering", GOOD);
    let schema = SCHEMA.replace("orgs", "\"or\u{1b}[31mgs\"") + "CREATE TABLE \"x\nkeys = []\" (id INT);";
    std::fs::write(folder.join("migrations/1_init.sql"), schema).expect("writable");
    std::fs::remove_file(folder.join("tenantry.toml")).expect("it was there");
    for arguments in [&["check"][..], &["schema"], &["init", "--yes"], &["check"]] {
        let output = tenantry(&folder, arguments, "");
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let shown = text(&output.stdout) + &text(&output.stderr);
        assert!(!shown.contains('\u{1b}'), "{shown}");
    }
    let policy = std::fs::read_to_string(folder.join("tenantry.toml")).expect("written");
    assert!(!policy.contains('\u{1b}') && !policy.contains("\nkeys = []"), "{policy}");
}

#[test]
fn two_projects_are_not_checked_as_one() {
    let (one, other) = (lay_out("one-project", GOOD), lay_out("other-project", BAD));
    let other = other.join("src");
    let output = tenantry(&one, &["check", "src", &other.to_string_lossy()], "");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("does not lie in the project"), "{}", text(&output.stderr));
}

#[test]
fn arguments_of_every_command_are_completed() {
    let script = text(&tenantry(&lay_out("completions", GOOD), &["completions", "bash"], "").stdout);
    let commands = script.lines().filter_map(|line| line.trim().strip_prefix("cmd=\"")?.strip_suffix('"'));
    let commands: Vec<&str> = commands.filter(|command| !command.is_empty()).collect();
    assert!(commands.len() > 10, "{script}");
    assert!(script.contains(" -o default cargo-tenantry\n"), "{script}");
    for command in commands {
        assert!(script.contains(&format!("\n        {command})\n")), "nothing is known of {command}");
    }
}

#[test]
fn a_misspelt_rule_is_put_right() {
    let folder = lay_out(
        "misspelt",
        &BAD.replace("    sqlx", "    // tenantry: allow(unscoped-qery) reason=\"x\"\n    sqlx"),
    );
    let explained = tenantry(&folder, &["explain", "unscoped-qery"], "");
    assert_eq!(explained.status.code(), Some(2));
    assert!(text(&explained.stderr).contains("did you mean `unscoped-query`?"));
    let checked = text(&tenantry(&folder, &["check"], "").stdout);
    assert!(
        checked.contains("there is no rule `unscoped-qery`: did you mean `unscoped-query`?"),
        "{checked}"
    );
}

#[test]
fn an_error_in_a_file_of_sql_says_where_the_file_is_run() {
    let source =
        BAD.replace("query_scalar(\"SELECT id FROM notes\")", "query_file_scalar!(\"queries/all.sql\")");
    let folder = lay_out("sql-file", &source);
    std::fs::create_dir_all(folder.join("queries")).expect("writable");
    std::fs::write(folder.join("queries/all.sql"), "SELECT id FROM notes\n").expect("writable");
    let shown = text(&tenantry(&folder, &["check"], "").stdout);
    assert!(shown.contains("queries/all.sql:1:16") && shown.contains("the statement is run here"), "{shown}");
    assert!(shown.contains("src/lib.rs:2:5"), "{shown}");
}

#[test]
fn a_file_from_standard_input_is_checked_in_its_project() {
    let folder = lay_out("stdin", GOOD);
    assert_eq!(tenantry(&folder, &["check", "--stdin-path", "src/lib.rs"], BAD).status.code(), Some(1));
    assert_eq!(tenantry(&folder, &["check", "--stdin-path", "src/lib.rs"], GOOD).status.code(), Some(0));
    // Not saved yet.
    assert_eq!(tenantry(&folder, &["check", "--stdin-path", "src/new.rs"], BAD).status.code(), Some(1));
    assert_eq!(tenantry(&folder, &["check", "--stdin-path", "src/new.rs"], GOOD).status.code(), Some(0));
}

#[test]
fn statements_are_proved_one_by_one() {
    let folder = lay_out("prove", GOOD);
    let arguments = ["prove", "--schema", "migrations", "--config", "tenantry.toml"];
    let lines = "{\"id\":\"a\",\"sql\":\"select id from notes where org_id = $1\",\"tenant_param\":\"$1\"}
{\"id\":\"b\",\"sql\":\"select id from notes where org_id = $2\",\"tenant_param\":\"$1\"}
{\"id\":\"c\",\"sql\":\"selekt 1\"}
";
    let output = tenantry(&folder, &[&arguments[..], &["--format", "jsonl"]].concat(), lines);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let verdicts: Vec<String> = shown
        .lines()
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            line.get("verdict").and_then(|verdict| verdict.as_str()).unwrap_or_default().to_owned()
        })
        .collect();
    assert_eq!(verdicts, ["scoped", "leaks", "undecided"]);
    let human = tenantry(&folder, &arguments, "select id from notes where org_id = $1");
    assert!(
        text(&human.stdout).contains("scoped: `notes` stays inside one tenant"),
        "{}",
        text(&human.stdout)
    );
}
