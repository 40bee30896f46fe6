//! What a user reads, as it stands. A wording that changed on purpose is taken over with
//! `INSTA_UPDATE=always cargo test -p cargo-tenantry --test snapshots`; look at the difference before it is committed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

const SCHEMA: &str = "CREATE TABLE orgs (id BIGINT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE notes (
    id BIGINT PRIMARY KEY,
    org_id BIGINT NOT NULL REFERENCES orgs (id),
    number BIGINT NOT NULL,
    body TEXT NOT NULL,
    UNIQUE (org_id, number)
);
CREATE TABLE tags (id BIGINT PRIMARY KEY, note_id BIGINT NOT NULL REFERENCES notes (id), label TEXT NOT NULL);
CREATE TABLE countries (code TEXT PRIMARY KEY);
CREATE TABEL broken (;
";
const POLICY: &str = "[tenancy]
keys = [\"org_id\"]
root = \"orgs.id\"

[tables]
tags = { parent = \"notes\", by = \"note_id\" }
countries = { shared = \"ISO 3166\" }

[trust]
types = [\"crate::Tenant\"]

[surfaces]
exports = [\"src/export.rs\"]
";
const STORE: &str = r#"use crate::Tenant;
use sqlx::PgPool;

pub async fn all(pool: &PgPool) {
    let _ = sqlx::query("SELECT id, body FROM notes ORDER BY id").fetch_all(pool).await;
}

pub async fn tagged(pool: &PgPool, tenant: Tenant, limit: i64) {
    let sql = format!(
        "SELECT n.id, t.label
         FROM notes n
         LEFT JOIN tags t ON t.note_id = n.id
         WHERE n.number < {limit} AND n.org_id = $1"
    );
    let _ = sqlx::query(&sql).bind(tenant.id).fetch_all(pool).await;
}

pub async fn write(pool: &PgPool, tenant: Tenant, number: i64) {
    let _ = sqlx::query(
        "INSERT INTO notes (org_id, number, body) VALUES ($1, $2, '')
         ON CONFLICT (org_id, number) DO UPDATE SET body = EXCLUDED.body",
    )
    .bind(tenant.id)
    .bind(number)
    .execute(pool)
    .await;
}

pub async fn search(pool: &PgPool, tenant: Tenant, order: &str) {
    let sql = format!("SELECT id FROM notes WHERE org_id = $1 ORDER BY {order}");
    let _ = sqlx::query(&sql).bind(tenant.id).fetch_all(pool).await;
}

pub async fn count(pool: &PgPool) {
    // tenantry: allow(unscoped-query) reason="the operator's own dashboard" until=2027-03-31
    let _ = sqlx::query("SELECT count(*) FROM notes").fetch_all(pool).await;
}
"#;
const EXPORT: &str = r#"use sqlx::PgPool;

pub async fn rows(pool: &PgPool, org_id: i64) {
    let _ = sqlx::query("SELECT body FROM notes WHERE org_id = $1").bind(org_id).fetch_all(pool).await;
}
"#;

struct Session {
    folder: PathBuf,
}

impl Session {
    fn new(name: &str) -> Session {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("snapshots").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        let session = Session { folder };
        // A repository of its own: the policy is looked for no further up.
        std::fs::create_dir_all(session.folder.join(".git")).expect("writable");
        session.write("Cargo.toml", "[workspace]\n[package]\nname = \"notes\"\nversion = \"0.1.0\"\n");
        session.write("migrations/1_init.sql", SCHEMA);
        session.write("tenantry.toml", POLICY);
        session.write("src/lib.rs", "pub mod export;\npub mod store;\npub struct Tenant { pub id: i64 }\n");
        session.write("src/store.rs", STORE);
        session.write("src/export.rs", EXPORT);
        session
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }

    /// What is printed and how it ends.
    fn run(&self, arguments: &[&str], input: &str) -> String {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cargo-tenantry"))
            .arg("tenantry")
            .args(arguments)
            .args(no_cache(arguments))
            .current_dir(&self.folder)
            .env("SOURCE_DATE_EPOCH", "1780272000")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR_FORCE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        // A command that reads no input may have closed it.
        let _ = child.stdin.take().expect("piped").write_all(input.as_bytes());
        let output = child.wait_with_output().expect("the binary ends");
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let err = if err.is_empty() { String::new() } else { format!("--- standard error\n{err}") };
        format!("{out}{err}--- exit code {}\n", output.status.code().unwrap_or(-1))
    }

    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.join(name)).expect("written")
    }
}

/// What is kept is of no use to a session that is run once, and whoever keeps it reads the whole binary for it.
fn no_cache(arguments: &[&str]) -> Option<&'static str> {
    let scans = arguments.first().is_some_and(|command| ["check", "baseline", "sites"].contains(command));
    scans.then_some("--no-cache")
}

#[test]
fn check_for_people() {
    assert_snapshot!(Session::new("human").run(&["check"], ""));
}

#[test]
fn check_without_a_policy() {
    let session = Session::new("inferred");
    std::fs::remove_file(session.folder.join("tenantry.toml")).expect("it was there");
    assert_snapshot!(session.run(&["check", "src/export.rs"], ""));
}

#[test]
fn check_for_machines() {
    let session = Session::new("machines");
    let files = [
        "json=out.json",
        "sarif=out.sarif",
        "sarif-github=out.github.sarif",
        "markdown=out.md",
        "compiler-json=out.messages",
    ];
    let outputs: Vec<&str> = files.iter().flat_map(|file| ["--output", file]).collect();
    assert_eq!(session.run(&[&["check"], outputs.as_slice()].concat(), ""), "--- exit code 1\n");
    assert_snapshot!("json", session.file("out.json"));
    assert_snapshot!("markdown", session.file("out.md"));
    assert_snapshot!("compiler_json", session.file("out.messages"));
    for name in ["sarif", "github.sarif"] {
        let mut sarif: Value = serde_json::from_str(&session.file(&format!("out.{name}"))).expect("JSON");
        // The rules' pages are long, and tested where they stand.
        let rules =
            sarif.pointer_mut("/runs/0/tool/driver/rules").and_then(Value::as_array_mut).expect("rules");
        rules.truncate(1);
        if let Some(page) = rules.first_mut().and_then(|rule| rule.pointer_mut("/help/markdown")) {
            *page = Value::from("…");
        }
        assert_snapshot!(name, serde_json::to_string_pretty(&sarif).expect("JSON"));
    }
}

#[test]
fn the_other_commands() {
    let session = Session::new("commands");
    assert_snapshot!("schema", session.run(&["schema"], ""));
    assert_snapshot!("sites", session.run(&["sites"], ""));
    assert_snapshot!("sites_proof", session.run(&["sites", "--proof"], ""));
    assert_snapshot!("rules", session.run(&["rules"], ""));
    assert_snapshot!("explain", session.run(&["explain", "unused-suppression"], ""));
    assert_snapshot!("baseline", session.run(&["baseline"], ""));
    assert_snapshot!("check_with_baseline", session.run(&["check"], ""));
    assert_snapshot!("help", session.run(&["--help"], ""));
    assert_snapshot!("help_check", session.run(&["help", "check"], ""));
}

/// Policies of every kind, as `schema` reads them aloud.
const POLICIES: &str = "CREATE TABLE orgs (id BIGINT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE notes (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id), body TEXT);
CREATE TABLE open (org_id BIGINT NOT NULL REFERENCES orgs (id), body TEXT);
CREATE TABLE shut (org_id BIGINT NOT NULL REFERENCES orgs (id));
CREATE TABLE idle (org_id BIGINT NOT NULL REFERENCES orgs (id));
CREATE ROLE app;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON notes TO app USING (org_id = current_setting('app.org_id')::bigint);
CREATE POLICY unset ON notes FOR SELECT
    USING (current_setting('app.org_id', true) IS NULL OR org_id = current_setting('app.org_id', true)::bigint);
CREATE POLICY added ON notes FOR INSERT TO app, ops WITH CHECK (true);
CREATE POLICY kept ON notes AS RESTRICTIVE FOR UPDATE
    USING (org_id = current_setting('app.org_id')::bigint) WITH CHECK (org_id > 0);
CREATE POLICY odd ON notes FOR DELETE USING (may_delete(id));
ALTER TABLE open ENABLE ROW LEVEL SECURITY;
CREATE POLICY every ON open USING (true);
ALTER TABLE shut ENABLE ROW LEVEL SECURITY;
CREATE POLICY waiting ON idle USING (org_id = current_setting('app.org_id')::bigint);
GRANT SELECT, INSERT ON notes TO app;
";

#[test]
fn policies_are_read_aloud() {
    let session = Session::new("aloud");
    session.write("migrations/1_init.sql", POLICIES);
    let role = "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n\n[[database]]\nname = \"main\"\napp-role = \"app\"\n";
    session.write("tenantry.toml", role);
    assert_snapshot!("schema_aloud", session.run(&["schema"], ""));
    session.write("migrations/2_more.sql", "ALTER ROLE app BYPASSRLS;");
    assert_snapshot!("schema_aloud_bypassed", session.run(&["schema"], ""));
}

#[test]
fn faults_of_the_user() {
    let session = Session::new("faults");
    let commands: &[&[&str]] = &[
        &["check", "nowhere"],
        &["check", "migrations"],
        &["check", "--output", "xml"],
        &["check", "--output", "json", "--output", "sarif"],
        &["check", "--output", "json=no/such/folder.json"],
        &["check", "--today", "2026-13-01"],
        &["check", "--fail-on", "fatal"],
        &["explain", "unscoped"],
        &["init"],
        &["init", "--yes"],
        &["prove", "nowhere.sql", "--schema", "migrations"],
        &["prove", "--tenant", "me", "--schema", "migrations"],
        &["chekc"],
    ];
    let told: Vec<String> = commands
        .iter()
        .map(|arguments| format!("$ cargo tenantry {}\n{}", arguments.join(" "), session.run(arguments, "")))
        .collect();
    assert_snapshot!("faults", told.join("\n"));
    session.write("tenantry.toml", "[tenancy]\nkey = [\"org_id\"]\n\n[[allow]]\nrule = \"unscoped-query\"\n");
    assert_snapshot!("faulty_policy", session.run(&["check"], ""));
    session.write("tenantry.toml", POLICY);
    session.write(
        ".tenantry/sinks/own.toml",
        "library = \"own\"\ncrates = [\"own\"]\ndialects = [\"postgre\"]\n",
    );
    assert_snapshot!("faulty_sinks", session.run(&["check"], ""));
}

#[test]
fn init_writes_what_was_inferred() {
    let session = Session::new("init");
    std::fs::remove_file(session.folder.join("tenantry.toml")).expect("it was there");
    let told = session.run(&["init", "--yes"], "");
    assert_snapshot!("init", format!("{told}--- tenantry.toml\n{}", session.file("tenantry.toml")));
}

/// The derivations of three statements of the corpus: a join, an outer join, an upsert.
#[test]
fn derivations() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/sqlcorpus");
    let cases = std::fs::read_to_string(corpus.join("cases.jsonl")).expect("the corpus is here");
    let session = Session::new("derivations");
    let (schema, policy) = (corpus.join("schema.sql"), corpus.join("tenantry.toml"));
    let (schema, policy) = (schema.to_string_lossy(), policy.to_string_lossy());
    for id in ["join-01", "outer-22", "onconflict-09"] {
        let case = cases.lines().find(|line| line.contains(&format!("\"{id}\""))).expect("the case is here");
        let told = session.run(&["prove", "--schema", &schema, "--config", &policy], case);
        assert_snapshot!(format!("prove_{id}"), told);
    }
    let leak = session.run(&["prove", "--schema", &schema, "--config", &policy], "select * from tasks");
    assert_snapshot!("prove_leak", leak);
    let lines = cases.lines().take(3).collect::<Vec<_>>().join("\n");
    let jsonl =
        session.run(&["prove", "--schema", &schema, "--config", &policy, "--format", "jsonl"], &lines);
    assert_snapshot!("prove_jsonl", jsonl);
}
