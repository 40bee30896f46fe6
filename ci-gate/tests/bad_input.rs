//! Whatever lies in a project's folder: no panic, no hang, and everything that was not read is listed with the reason.
//!
//! `TENANTRY_FULL=1` adds the inputs that take long to make (`make test-full`).
#![cfg(unix)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;

/// What a hang is. A release build needs far less for any of these; this is a debug build on a machine that may be busy.
const LIMIT: Duration = Duration::from_secs(240);
const SCHEMA: &str = "CREATE TABLE orgs (id BIGINT PRIMARY KEY);
CREATE TABLE notes (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id));
";
const LEAK: &str = "pub async fn all(pool: &sqlx::PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(\"SELECT id FROM notes\").fetch_all(pool).await
}
";

/// A folder that is made anew.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bad-input").join(name);
        let _ = std::fs::remove_dir_all(&folder);
        let folder = Folder(folder);
        folder.write("Cargo.toml", "[workspace]\n[package]\nname = \"notes\"\nversion = \"0.1.0\"\n");
        folder.write("migrations/1_init.sql", SCHEMA);
        folder.write("tenantry.toml", "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n");
        folder
    }

    fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        let path = self.0.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        path
    }

    fn write(&self, path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(path), bytes).expect("writable");
    }

    fn link(&self, path: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(path)).expect("links can be made");
    }

    /// A pipe that nobody writes to.
    fn pipe(&self, path: &str) {
        let made = Command::new("mkfifo").arg(self.path(path)).status().expect("mkfifo is there");
        assert!(made.success());
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cargo-tenantry"))
            .arg("tenantry")
            .args(arguments)
            .current_dir(&self.0)
            .env("SOURCE_DATE_EPOCH", "1780272000")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let mut stdin = child.stdin.take().expect("piped");
        let input = input.to_vec();
        let id = child.id();
        let (done, wait) = channel();
        std::thread::spawn(move || {
            // A command that reads no input may have closed it.
            let _ = stdin.write_all(&input);
            drop(stdin);
            let _ = done.send(child.wait_with_output());
        });
        let Ok(output) = wait.recv_timeout(LIMIT) else {
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
            panic!("`{}` hangs in {}", arguments.join(" "), self.0.display());
        };
        let output = output.expect("the binary ends");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.code().is_some_and(|code| code <= 4),
            "{arguments:?}: {:?}\n{told}",
            output.status
        );
        assert!(!told.contains("internal error") && !told.contains("panicked"), "{arguments:?}: {told}");
        output
    }

    /// The report, once in every format.
    fn check(&self) -> (Option<i32>, Value) {
        let output = self.run(
            &[
                "check",
                "--output=json",
                "--output=human=out.txt",
                "--output=sarif=out.sarif",
                "--output=sarif-github=out.github.sarif",
                "--output=markdown=out.md",
            ],
            b"",
        );
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {told}"));
        (output.status.code(), report)
    }
}

fn strings<'v>(report: &'v Value, list: &str, key: &str) -> Vec<&'v str> {
    let entries = report.get(list).and_then(Value::as_array).into_iter().flatten();
    entries.filter_map(|entry| entry.get(key)?.as_str()).collect()
}

/// Why a path was not read, as the report says; a part of the path suffices.
fn skipped<'v>(report: &'v Value, path: &str) -> Option<&'v str> {
    let entries = report.get("skipped").and_then(Value::as_array).into_iter().flatten();
    let mut found = entries.filter(|entry| entry["path"].as_str().is_some_and(|known| known.contains(path)));
    found.next().and_then(|entry| entry["why"].as_str())
}

fn assert_skipped(report: &Value, wanted: &[(&str, &str)]) {
    for (path, why) in wanted {
        let told = skipped(report, path);
        assert!(
            told.is_some_and(|told| told.contains(why)),
            "{path}: wanted `{why}`, the report says {told:?}"
        );
    }
}

#[test]
fn files_that_are_not_text_or_not_files_are_listed() {
    let folder = Folder::new("not-text");
    folder.write("src/lib.rs", LEAK);
    folder.write("src/truncated.rs", LEAK.split_at(90).0);
    folder.write("src/binary.rs", (0..=255u8).cycle().take(5000).collect::<Vec<u8>>());
    folder.write("src/latin1.rs", b"// caf\xe9\nfn a() {}\n");
    let utf16: Vec<u8> = LEAK.encode_utf16().flat_map(u16::to_le_bytes).collect();
    folder.write("src/utf16.rs", [b"\xff\xfe".as_slice(), &utf16].concat());
    folder.write("src/utf16_without_mark.rs", &utf16);
    folder.write("src/empty.rs", "");
    folder.write("src/folder.rs/inner.rs", LEAK.replace("fn all", "fn inner"));
    folder.write("src/large.rs", "// tenantry\n".repeat(200_000));
    folder.link("src/cycle", ".");
    folder.link("src/dangling.rs", "nowhere.rs");
    folder.link("src/zero.rs", "/dev/zero");
    folder.link("src/self.rs", "self.rs");
    folder.link("src/outside", "/");
    folder.pipe("src/pipe.rs");
    let socket = std::os::unix::net::UnixListener::bind("/tmp/tenantry-bad-input.sock");
    let _ = socket.map(|_| std::fs::rename("/tmp/tenantry-bad-input.sock", folder.path("src/socket.rs")));
    let (code, report) = folder.check();
    assert_skipped(
        &report,
        &[
            ("src/truncated.rs", "does not parse"),
            ("src/binary.rs", "not UTF-8"),
            ("src/latin1.rs", "not UTF-8 from byte 6"),
            ("src/utf16.rs", "not UTF-8 from byte 0"),
            ("src/utf16_without_mark.rs", "NUL"),
            ("src/large.rs", "larger than"),
            ("src/dangling.rs", "symbolic link"),
            ("src/zero.rs", "symbolic link"),
            ("src/self.rs", "symbolic link"),
            ("src/outside", "symbolic link"),
            ("src/pipe.rs", "not a regular file"),
        ],
    );
    let items = strings(&report, "sites", "item");
    assert!(items.contains(&"folder::inner") || items.iter().any(|item| item.contains("inner")), "{items:?}");
    assert_eq!(code, Some(1), "what could be read still counts");
}
