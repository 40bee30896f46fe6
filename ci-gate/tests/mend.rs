//! `check` on nothing but migrations, and the migration that mends what it finds, named as the others are.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use insta::assert_snapshot;

const TABLES: &str = "CREATE TABLE organizations (id BIGINT PRIMARY KEY);
CREATE TABLE orders (
    id BIGINT PRIMARY KEY,
    organization_id BIGINT NOT NULL REFERENCES organizations (id)
);
CREATE TABLE \"Notes\" (
    id BIGINT PRIMARY KEY,
    organization_id BIGINT REFERENCES organizations (id)
);
CREATE ROLE app LOGIN BYPASSRLS;
";

const POLICIES: &str = "CREATE POLICY own_rows ON orders USING (organization_id = current_setting('app.organization')::bigint);
ALTER TABLE \"Notes\" ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_notes ON \"Notes\" USING (organization_id = current_setting('app.organization')::bigint);
CREATE VIEW notes_of_today AS SELECT id FROM \"Notes\";
GRANT ALL ON \"Notes\", orders TO app;
CREATE FUNCTION open_orders(org BIGINT) RETURNS BIGINT LANGUAGE sql STABLE SECURITY DEFINER
AS 'SELECT count(*) FROM orders WHERE organization_id = org';
CREATE FUNCTION open_orders(org TEXT) RETURNS BIGINT LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public
AS 'SELECT count(*) FROM orders WHERE organization_id = org::bigint';
GRANT CREATE ON SCHEMA public TO PUBLIC;
";

const POLICY: &str = "[tenancy]
keys = [\"organization_id\"]
root = \"organizations.id\"

[trust]
setting = \"app.organization\"

[[database]]
dialect = \"postgres\"
schema = [\"migrations\"]
app-role = \"app\"

[scan]
enable = [\"tenant-key-nullable\"]
";

/// A folder with a policy and two migrations, under the names that their tool gives them.
fn project(name: &str, files: [&str; 2]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mend").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    write(&folder, "tenantry.toml", POLICY);
    write(&folder, &format!("migrations/{}", files[0]), TABLES);
    write(&folder, &format!("migrations/{}", files[1]), POLICIES);
    folder
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
    std::fs::write(path, text).expect("writable");
}

fn check(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cargo-tenantry"))
        .args(["tenantry", "check", "--no-cache", "--today=2026-06-01"])
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .output()
        .expect("the binary runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// All files below the migrations, with their texts.
fn files(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut queue = vec![folder.join("migrations")];
    while let Some(next) = queue.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("readable").path();
            match path.is_dir() {
                true => queue.push(path),
                false => {
                    let name = path.strip_prefix(folder.join("migrations")).expect("below");
                    let name = name.to_string_lossy().replace('\\', "/");
                    found.push((name, std::fs::read_to_string(&path).expect("readable")));
                }
            }
        }
    }
    found.sort();
    found
}

/// Mends, and gives the files that are new; what was there is as it was, and nothing is left to mend.
fn mended(name: &str, files_before: [&str; 2]) -> Vec<(String, String)> {
    let folder = project(name, files_before);
    let before = files(&folder);
    let fix = check(&folder, &["--fix"]);
    let after = files(&folder);
    assert!(before.iter().all(|file| after.contains(file)), "{name}: what was there was changed");
    let left = text(&fix.stdout);
    assert_eq!(fix.status.code(), Some(0), "{name}: {left}");
    let again = check(&folder, &["--fix"]);
    assert_eq!(files(&folder), after, "{name}: a second run wrote something");
    assert_eq!(text(&again.stderr), "0 query sites mended in 0 files\n");
    after.into_iter().filter(|file| !before.contains(file)).collect()
}

fn names(files: &[(String, String)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn migrations_alone_are_checked() {
    let folder = project("shown", ["20260101000000_tables.sql", "20260102000000_policies.sql"]);
    let output = check(&folder, &[]);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(1), String::new()));
    assert_snapshot!("migrations_alone", text(&output.stdout));
    let diff = check(&folder, &["--diff"]);
    assert_eq!(diff.status.code(), Some(1));
    assert_snapshot!("migrations_diff", text(&diff.stdout));
    assert_eq!(files(&folder).len(), 2, "nothing was written");
    let named = check(&folder, &["migrations"]);
    assert_eq!(text(&named.stdout), text(&output.stdout));
}

#[test]
fn a_migration_is_named_as_the_others_are() {
    let plain = mended("plain", ["20260101000000_tables.sql", "20260102000000_policies.sql"]);
    assert_eq!(names(&plain), ["20260601000000_mend_tenancy.sql"]);
    let pairs = mended("pairs", ["0001_tables.up.sql", "0002_policies.up.sql"]);
    assert_eq!(names(&pairs), ["0003_mend_tenancy.down.sql", "0003_mend_tenancy.up.sql"]);
    let refinery = mended("refinery", ["V9__tables.sql", "V10__policies.sql"]);
    assert_eq!(names(&refinery), ["V11__mend_tenancy.sql"]);
    let diesel = mended("diesel", ["2026-01-01-000000_tables/up.sql", "2026-01-02-000000_policies/up.sql"]);
    let folder = "2026-06-01-000000_mend_tenancy";
    assert_eq!(names(&diesel), [format!("{folder}/down.sql"), format!("{folder}/up.sql")]);
    // Statements stand in the order of the findings, which is that of the files' names.
    let up = |files: &[(String, String)]| {
        let text = files.last().map_or("", |(_, text)| text);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert!(up(&plain).len() > 10);
    assert_eq!(up(&plain), up(&pairs));
    assert_eq!(up(&plain), up(&refinery));
    assert_eq!(up(&plain), up(&diesel));
    assert_snapshot!("migration_down", diesel.first().map_or("", |(_, text)| text));
}

#[test]
fn a_schema_that_is_no_migration_is_left_alone() {
    let folder = project("dump", ["20260101000000_tables.sql", "20260102000000_policies.sql"]);
    std::fs::remove_dir_all(folder.join("migrations")).expect("removable");
    write(&folder, "schema.sql", &format!("{TABLES}{POLICIES}"));
    write(&folder, "tenantry.toml", &POLICY.replace("[\"migrations\"]", "[\"schema.sql\"]"));
    let diff = check(&folder, &["--diff"]);
    assert_eq!((diff.status.code(), text(&diff.stdout)), (Some(0), String::new()));
}
