//! Live databases: what is read back is what was made, and what was changed since is told. Without a server these tests are
//! reported as ignored.
#![allow(clippy::print_stderr, reason = "says why nothing was tried")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use tenantry_oracle::server::Server;

/// Everything of a schema that a proof reads, in as many forms as there are.
const RICH: &str = include_str!("live/rich.sql");

const POLICY: &str = "[tenancy]\nkeys = [\"org_id\"]\n";

fn main() {
    let arguments = Arguments::from_args();
    let missing = Server::start().err();
    if let Some(why) = &missing {
        eprintln!("not tried: {why}");
    }
    let mut trials = Vec::new();
    let mut add = |name: String, needs_server: bool, run: Box<dyn FnOnce() -> Result<(), Failed> + Send>| {
        trials.push(
            Trial::test(format!("live: {name}"), run).with_ignored_flag(needs_server && missing.is_some()),
        );
    };
    for folder in projects() {
        let name = folder.strip_prefix(repository()).unwrap_or(&folder).display().to_string();
        add(format!("{name} is read back as it was made"), true, Box::new(move || round_trip(&folder)));
    }
    add("a rich schema is read back as it was made".to_owned(), true, Box::new(rich));
    add("each change of a rich schema is told".to_owned(), true, Box::new(changes));
    add("a block that is not read is told".to_owned(), true, Box::new(unread_block));
    add("blocks do what they are read to do".to_owned(), true, Box::new(blocks));
    add("findings are those of the migrations".to_owned(), true, Box::new(findings));
    add("a policy may name a variable".to_owned(), true, Box::new(variable));
    add("a statement is proved by a live schema".to_owned(), true, Box::new(prove));
    add("refusals of a server are clear".to_owned(), true, Box::new(refused));
    add("what cannot be reached is told without the password".to_owned(), false, Box::new(unreachable));
    libtest_mimic::run(&arguments, trials).exit();
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository").to_path_buf()
}

/// The examples and the fixtures of PostgreSQL whose migrations can all be read.
fn projects() -> Vec<PathBuf> {
    let root = repository();
    let mut folders: Vec<PathBuf> = vec![root.join("examples/orders"), root.join("examples/rls")];
    let fixtures = std::fs::read_dir(root.join("tests/fixtures")).expect("the fixtures");
    folders.extend(fixtures.map(|entry| entry.expect("an entry").path()));
    folders.retain(|folder| {
        let policy = std::fs::read_to_string(folder.join("tenantry.toml")).unwrap_or_default();
        let is_other =
            ["mysql", "sqlite"].iter().any(|dialect| policy.contains(&format!("dialect = \"{dialect}\"")));
        folder.join("migrations").is_dir()
            && !policy.is_empty()
            && !is_other
            && !folder.ends_with("row-security-unread")
    });
    folders.sort();
    folders
}

/// The texts of a project's migrations in order. Their names begin with numbers of the same length.
fn migrations(folder: &Path) -> Result<Vec<String>, Failed> {
    let entries = std::fs::read_dir(folder.join("migrations"))?;
    let mut files: Vec<PathBuf> =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|end| end == "sql"));
    files.sort();
    Ok(files.iter().map(std::fs::read_to_string).collect::<Result<_, _>>()?)
}

/// A project of one migration, in a repository of its own.
fn project(name: &str, migration: &str, policy: &str, source: &str) -> Result<PathBuf, Failed> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("live").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    for below in ["migrations", "src", ".git"] {
        std::fs::create_dir_all(folder.join(below))?;
    }
    let manifest = "[package]\nname = \"service\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n";
    std::fs::write(folder.join("Cargo.toml"), manifest)?;
    std::fs::write(folder.join("migrations/1_init.sql"), migration)?;
    std::fs::write(folder.join("tenantry.toml"), policy)?;
    std::fs::write(folder.join("src/lib.rs"), source)?;
    Ok(folder)
}

fn tenantry(folder: &Path, arguments: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-tenantry"));
    Ok(command.current_dir(folder).args(arguments).env("NO_COLOR", "1").output()?)
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn expect(found: bool, what: &str, output: &Output) -> Result<(), Failed> {
    if found { Ok(()) } else { Err(format!("{what}: {:?}\n{}", output.status.code(), text(output)).into()) }
}

fn round_trip(folder: &Path) -> Result<(), Failed> {
    let mut server = Server::start()?;
    let url = server.scratch_of(&migrations(folder)?)?;
    let output = tenantry(folder, &["schema", "diff", "--schema-from", &url])?;
    let is_same = text(&output).contains("its migrations make what");
    expect(output.status.code() == Some(0) && is_same, "a difference", &output)
}

fn rich() -> Result<(), Failed> {
    let folder = project("rich", RICH, POLICY, "")?;
    let mut server = Server::start()?;
    let url = server.scratch_of(&[RICH.to_owned()])?;
    let output = tenantry(&folder, &["schema", "diff", "--schema-from", &url])?;
    expect(output.status.code() == Some(0), "a difference", &output)?;
    expect(!text(&output).contains("not read"), "something was not read", &output)
}

/// Statements that change the rich schema, and what is then told.
const CHANGES: &[(&str, &str, &str)] = &[
    ("DROP POLICY own ON notes", "notes", "the database has no policy own"),
    ("ALTER POLICY own ON notes USING (true)", "notes", "the policy own has for USING"),
    ("CREATE POLICY more ON notes USING (true)", "notes", "the database has the policy more"),
    (
        "ALTER TABLE notes DISABLE ROW LEVEL SECURITY",
        "notes",
        "row level security is enabled in the migrations, and not",
    ),
    (
        "ALTER TABLE notes NO FORCE ROW LEVEL SECURITY",
        "notes",
        "row level security is forced in the migrations, and not",
    ),
    (
        "ALTER TABLE notes ALTER COLUMN body DROP NOT NULL",
        "notes",
        "the column body is NOT NULL in the migrations, and not",
    ),
    ("ALTER TABLE tags ALTER COLUMN label TYPE text", "tags", "the column label is of type char"),
    ("ALTER TABLE notes ADD COLUMN more int", "notes", "the database has the column more"),
    ("ALTER TABLE notes ALTER COLUMN state DROP DEFAULT", "notes", "the column state is by default"),
    ("CREATE TABLE extra (id int)", "extra", "the database has this table"),
    ("DROP TABLE tags", "tags", "the database has no such table"),
    ("ALTER TABLE tags DROP CONSTRAINT tags_note_fk", "tags", "the database has no foreign key tags_note_fk"),
    (
        "ALTER TABLE tags DROP CONSTRAINT tags_note_fk; ALTER TABLE tags ADD CONSTRAINT tags_note_fk \
         FOREIGN KEY (org_id, note_id) REFERENCES notes (org_id, id) ON DELETE CASCADE NOT VALID",
        "tags",
        "not enforced on all rows",
    ),
    ("ALTER TABLE tags DISABLE TRIGGER ALL", "tags", "the database has no foreign key tags_note_fk"),
    ("DROP INDEX notes_open", "notes", "the database has no key notes_open"),
    ("DROP INDEX notes_by_rank", "notes", "the database has no index notes_by_rank"),
    ("ALTER TABLE notes DISABLE TRIGGER touch", "notes", "the trigger touch is switched off in the database"),
    ("GRANT TRUNCATE ON notes TO live_app", "notes", "the role live_app has the rights"),
    ("ALTER TABLE notes OWNER TO CURRENT_USER", "notes", "the owner is live_owner"),
    ("ALTER VIEW open_notes RESET (security_invoker)", "open_notes", "the view is with security_invoker"),
    ("DROP MATERIALIZED VIEW totals", "totals", "the database has no such view"),
    ("ALTER FUNCTION org() RESET search_path", "org", "the function has for its search path"),
    ("ALTER FUNCTION org() SECURITY INVOKER", "org", "the function runs with the rights of"),
    (
        "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "touch",
        "the function has another body",
    ),
    ("ALTER TABLE events DETACH PARTITION events_2026", "events_2026", "the table is a partition of events"),
    (
        "ALTER TABLE archived_notes NO INHERIT old_notes",
        "archived_notes",
        "the table inherits from old_notes",
    ),
    (
        "ALTER ROLE live_app BYPASSRLS",
        "live_app",
        "the role has NOBYPASSRLS in the migrations, and BYPASSRLS",
    ),
    ("ALTER ROLE live_app NOINHERIT", "live_app", "the role has INHERIT in the migrations, and NOINHERIT"),
    ("GRANT pg_monitor TO live_app", "live_app", "the role is a member of"),
    ("ALTER TYPE state RENAME TO condition", "condition", "an enum in the database"),
];

fn changes() -> Result<(), Failed> {
    let folder = project("changes", RICH, POLICY, "")?;
    let mut server = Server::start()?;
    for (change, name, told) in CHANGES {
        let url = server.scratch_of(&[RICH.to_owned(), (*change).to_owned()])?;
        let output = tenantry(&folder, &["schema", "diff", "--schema-from", &url, "--format", "json"])?;
        let document: Value = serde_json::from_slice(&output.stdout)?;
        let differences = document.pointer("/databases/0/differences").and_then(Value::as_array);
        let is_told = differences.into_iter().flatten().any(|difference| {
            difference.get("name").and_then(Value::as_str) == Some(name)
                && difference
                    .get("message")
                    .and_then(Value::as_str)
                    .is_some_and(|message| message.contains(told))
        });
        expect(output.status.code() == Some(1) && is_told, change, &output)?;
        if change.contains("ROLE") || change.contains("pg_monitor") {
            // Roles are the server's: the next database has them too.
            server.scratch_of(&[
                "ALTER ROLE live_app NOBYPASSRLS INHERIT; REVOKE pg_monitor FROM live_app".to_owned(),
            ])?;
        }
    }
    Ok(())
}

fn unread_block() -> Result<(), Failed> {
    let folder = repository().join("tests/fixtures/row-security-unread");
    let mut server = Server::start()?;
    let url = server.scratch_of(&migrations(&folder)?)?;
    let output = tenantry(&folder, &["schema", "diff", "--schema-from", &url])?;
    expect(output.status.code() == Some(1), "no difference", &output)?;
    for told in [
        "table orders (a statement about it is not read)",
        "the database has the policy for_support, which the migrations do not make",
        "not read of the migrations:",
    ] {
        expect(text(&output).contains(told), told, &output)?;
    }
    Ok(())
}

/// What blocks begin with.
const BEFORE_BLOCKS: &str = "
    CREATE TABLE orgs (id bigint PRIMARY KEY);
    CREATE TABLE t (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs, email text, CONSTRAINT t_email UNIQUE (email));
    CREATE TABLE u (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs);
    CREATE UNIQUE INDEX u_both ON u (org_id, id);
    CREATE TYPE mood AS ENUM ('fine');
    CREATE VIEW v AS SELECT id, org_id FROM t;";

/// Blocks after which nothing is uncertain.
const BLOCKS: &[&str] = &[
    "BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 't_email') THEN ALTER TABLE t ADD CONSTRAINT t_email CHECK (true); END IF; END",
    "BEGIN IF NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = 'u_both') THEN ALTER TABLE u ADD CONSTRAINT u_has CHECK (id > 0); END IF; END",
    "BEGIN IF EXISTS (SELECT FROM pg_indexes WHERE tablename = 'u' AND indexname = 'u_both') THEN DROP INDEX u_both; END IF; END",
    "BEGIN IF NOT EXISTS (SELECT FROM information_schema.columns WHERE table_name = 'u' AND column_name = 'note') THEN ALTER TABLE u ADD COLUMN note text; END IF; END",
    "BEGIN IF EXISTS (SELECT FROM information_schema.tables WHERE table_name = 'v' AND table_schema = 'public') THEN DROP VIEW v; END IF; END",
    "BEGIN IF (SELECT count(*) FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid WHERE r.relname = 't' AND c.contype = 'u') = 1 THEN ALTER TABLE t DROP CONSTRAINT t_email; END IF; END",
    "BEGIN IF to_regclass('public.nosuch') IS NULL AND to_regclass('t') IS NOT NULL THEN CREATE TABLE made (id bigint); END IF; END",
    "BEGIN CREATE TYPE mood AS ENUM ('other'); EXCEPTION WHEN duplicate_object THEN CREATE TABLE handled (id bigint); END",
    "BEGIN ALTER TABLE u ADD COLUMN note text; CREATE TYPE mood AS ENUM ('x'); EXCEPTION WHEN duplicate_object THEN NULL; END",
    "BEGIN ALTER TABLE t ADD CONSTRAINT t_email UNIQUE (org_id, email); EXCEPTION WHEN duplicate_object OR duplicate_table THEN NULL; END",
    "BEGIN BEGIN ALTER TABLE u ENABLE ROW LEVEL SECURITY; RAISE EXCEPTION 'no'; EXCEPTION WHEN OTHERS THEN NULL; END; ALTER TABLE u FORCE ROW LEVEL SECURITY; END",
    "DECLARE n text; BEGIN FOREACH n IN ARRAY ARRAY['t', 'u'] LOOP EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', n);
        EXECUTE format('CREATE POLICY %I ON %I USING (org_id = current_setting(%L)::bigint)', n || '_own', n, 'app.org'); END LOOP; END",
    "DECLARE r record; BEGIN FOR r IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename IN ('t', 'u') ORDER BY 1 LOOP
        EXECUTE 'ALTER TABLE ' || quote_ident(r.tablename) || ' FORCE ROW LEVEL SECURITY'; END LOOP; END",
    "DECLARE c text; BEGIN SELECT conname INTO c FROM pg_constraint WHERE conrelid = 't'::regclass AND contype = 'u' AND pg_get_constraintdef(oid) LIKE 'UNIQUE (email)%';
        IF c IS NOT NULL THEN EXECUTE format('ALTER TABLE t DROP CONSTRAINT %I', c); END IF; END",
    "BEGIN FOR i IN 0..2 LOOP EXECUTE format('CREATE TABLE part_%s (id bigint, kind text DEFAULT %L)', i, 'a''b'); END LOOP; END",
    "BEGIN IF EXISTS (SELECT FROM pg_type WHERE typname = 'mood') THEN RETURN; END IF; DROP TABLE u; END",
    "BEGIN IF EXISTS (SELECT FROM pg_policies WHERE tablename = 't') THEN DROP TABLE u; ELSIF 't' = 'u' THEN DROP VIEW v; ELSE ALTER TABLE u RENAME TO renamed; END IF; END",
    "DECLARE n text; BEGIN FOR n IN SELECT unnest(ARRAY['select', 'Mixed']) LOOP EXECUTE format('CREATE TABLE %I (id bigint)', n); END LOOP; END",
];

fn blocks() -> Result<(), Failed> {
    let mut server = Server::start()?;
    for (at, block) in BLOCKS.iter().enumerate() {
        let migration = format!("{BEFORE_BLOCKS}\nDO $$ {block} $$;\n");
        let folder = project(&format!("block-{at}"), &migration, POLICY, "")?;
        let url = server.scratch_of(&[migration])?;
        let output = tenantry(&folder, &["schema", "diff", "--schema-from", &url])?;
        expect(output.status.code() == Some(0) && !text(&output).contains("not read"), block, &output)?;
    }
    Ok(())
}

const SOURCE: &str = r#"
pub async fn all(pool: &sqlx::PgPool) {
    let _ = sqlx::query("SELECT body FROM notes").fetch_all(pool).await;
    let _ = sqlx::query("SELECT body FROM notes WHERE org_id = 1").fetch_all(pool).await;
}
"#;

const SMALL: &str = "CREATE TABLE orgs (id bigint PRIMARY KEY); \
                     CREATE TABLE notes (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs, body text);";

/// What is found, without where.
fn messages(output: &Output) -> Result<Vec<String>, Failed> {
    let document: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {}", text(output)))?;
    let findings = document.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(findings.iter().map(|finding| format!("{} {}", finding["rule"], finding["message"])).collect())
}

fn findings() -> Result<(), Failed> {
    let folder = project("findings", SMALL, POLICY, SOURCE)?;
    let mut server = Server::start()?;
    let url = server.scratch_of(&[SMALL.to_owned()])?;
    let check = ["check", "--no-cache", "--output", "json"];
    let by_files = tenantry(&folder, &check)?;
    let by_server = tenantry(&folder, &[&check[..], &["--schema-from", &url]].concat())?;
    let (ours, theirs) = (messages(&by_files)?, messages(&by_server)?);
    expect(!ours.is_empty() && ours == theirs, "other findings", &by_server)?;

    // What was kept of a run by files is none by the server, and the other way round.
    let changed = server.scratch_of(&[
        "CREATE TABLE orgs (org_id bigint); CREATE VIEW notes AS SELECT 1 AS org_id, 2 AS body".to_owned(),
    ])?;
    let kept = ["check", "--output", "json"];
    let kept_live = [&kept[..], &["--schema-from", &changed]].concat();
    let first = messages(&tenantry(&folder, &kept)?)?;
    let live = messages(&tenantry(&folder, &kept_live)?)?;
    let again = messages(&tenantry(&folder, &kept)?)?;
    expect(
        first == ours && again == ours && live != ours,
        "a report was kept that is another schema's",
        &by_server,
    )
}

fn variable() -> Result<(), Failed> {
    let policy = format!("{POLICY}[[database]]\nname = \"main\"\nschema = [\"env:LIVE_TEST_URL\"]\n");
    let folder = project("variable", SMALL, &policy, SOURCE)?;
    let mut server = Server::start()?;
    let url = server.scratch_of(&[SMALL.to_owned(), "ALTER TABLE notes ADD note text".to_owned()])?;
    let run = |arguments: &[&str], value: Option<&str>| -> Result<Output, Failed> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cargo-tenantry"));
        command.current_dir(&folder).args(arguments).env("NO_COLOR", "1").env_remove("LIVE_TEST_URL");
        command.envs(value.map(|value| ("LIVE_TEST_URL", value)));
        Ok(command.output()?)
    };
    let schema = run(&["schema"], Some(&url))?;
    expect(schema.status.success() && text(&schema).contains("notes"), "no schema", &schema)?;
    let diff = run(&["schema", "diff"], Some(&url))?;
    let told = "the database has the column note, which the migrations do not make";
    expect(diff.status.code() == Some(1) && text(&diff).contains(told), "no difference", &diff)?;
    for arguments in [&["check"][..], &["schema", "diff"]] {
        let output = run(arguments, None)?;
        let shown = text(&output);
        let is_told =
            shown.contains("the variable LIVE_TEST_URL is not set") && shown.contains("tenantry.toml:5");
        expect(output.status.code() == Some(2) && is_told, "no error", &output)?;
    }
    Ok(())
}

fn prove() -> Result<(), Failed> {
    let folder = project("prove", SMALL, POLICY, "")?;
    std::fs::write(folder.join("one.sql"), "SELECT body FROM notes WHERE org_id = $1")?;
    let mut server = Server::start()?;
    let url = server.scratch_of(&[SMALL.to_owned()])?;
    let arguments =
        ["prove", "one.sql", "--config", "tenantry.toml", "--schema-from", &url, "--format", "jsonl"];
    let output = tenantry(&folder, &arguments)?;
    expect(text(&output).contains("\"scoped\""), "no verdict", &output)
}

/// A password that must not be shown anywhere.
const SECRET: &str = "s3cret-of-nobody";

fn refused() -> Result<(), Failed> {
    let folder = project("refused", SMALL, POLICY, SOURCE)?;
    let mut server = Server::start()?;
    let url = server.scratch_of(&[SMALL.to_owned()])?;
    let (start, rest) = url.split_once("://").ok_or("a URL")?;
    let server_part = rest.split_once('@').map_or(rest, |(_, server)| server);
    let with = |user: &str, database: Option<&str>, more: &str| {
        let (place, query) = server_part.split_once('?').unwrap_or((server_part, ""));
        let (host, own) = place.split_once('/').unwrap_or((place, ""));
        format!("{start}://{user}:{SECRET}@{host}/{}?{query}{more}", database.unwrap_or(own))
    };
    let cases = [
        (with("nobody_of_that_name", None, ""), "nobody_of_that_name"),
        (with("postgres", Some("no_such_database"), ""), "no_such_database"),
        (with("postgres", None, "&sslmode=require"), "TLS"),
    ];
    for (url, told) in cases {
        for arguments in [&["schema"][..], &["check"], &["schema", "diff"]] {
            let output = tenantry(&folder, &[arguments, &["--schema-from", &url]].concat())?;
            let shown = text(&output);
            let is_clear = shown.starts_with("error: ") && shown.contains(told) && !shown.contains(SECRET);
            expect(output.status.code() == Some(2) && is_clear, told, &output)?;
        }
    }
    Ok(())
}

fn unreachable() -> Result<(), Failed> {
    let folder = project("unreachable", SMALL, POLICY, SOURCE)?;
    let cases = [
        (format!("postgres://app:{SECRET}@127.0.0.1:1/orders"), "no connection to 127.0.0.1:1"),
        (format!("mysql://app:{SECRET}@localhost/orders"), "no URL of a PostgreSQL database"),
        (format!("postgres://app:{SECRET}@localhost:port/orders"), "could not be read"),
        (format!("postgres://app:{SECRET}@localhost/orders?sslmode={SECRET}"), "sslmode"),
        (format!("postgres://app:{SECRET}@localhost/orders?nothing={SECRET}"), "could not be read"),
        ("env:NO_SUCH_VARIABLE_OF_OURS".to_owned(), "the variable NO_SUCH_VARIABLE_OF_OURS is not set"),
        (String::new(), "no URL of a PostgreSQL database"),
    ];
    for (url, told) in cases {
        let output = tenantry(&folder, &["schema", "diff", "--schema-from", &url])?;
        let shown = text(&output);
        let is_clear = shown.starts_with("error: ") && shown.contains(told) && !shown.contains(SECRET);
        expect(output.status.code() == Some(2) && is_clear, told, &output)?;
    }
    let two = format!("other=postgres://app:{SECRET}@127.0.0.1:1/orders");
    let output = tenantry(&folder, &["schema", "diff", "--schema-from", &two])?;
    expect(output.status.code() == Some(2) && !text(&output).contains(SECRET), "no error", &output)
}
