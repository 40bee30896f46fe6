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
            .args(no_cache(arguments))
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

/// What is kept is of no use to a session that is run once, and whoever keeps it reads the whole binary for it.
fn no_cache(arguments: &[&str]) -> Option<&'static str> {
    let scans = arguments.first().is_some_and(|command| ["check", "baseline", "sites"].contains(command));
    scans.then_some("--no-cache")
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

#[test]
fn names_that_are_no_text_or_hold_control_characters_are_shown_escaped() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = Folder::new("names");
    folder.write("src/new\nline.rs", LEAK);
    folder.write("src/esc\x1b[31mape.rs", LEAK.replace("fn all", "fn escape"));
    folder.write("src/spa ce\u{202e}.rs", LEAK.replace("fn all", "fn space"));
    folder
        .write(Path::new("src").join(OsStr::from_bytes(b"latin\xe9.rs")), LEAK.replace("fn all", "fn latin"));
    folder.write(Path::new("src").join(OsStr::from_bytes(b"broken\n\xe9.rs")), b"\xff");
    let (code, report) = folder.check();
    assert_eq!(code, Some(1));
    assert_eq!(strings(&report, "sites", "item").len(), 4);
    for name in ["out.txt", "out.md"] {
        let text = std::fs::read_to_string(folder.path(name)).expect("written");
        assert!(!text.contains('\x1b') && !text.contains('\u{202e}'), "{name}: {text:?}");
        assert!(!text.contains("new\nline"), "{name}: {text}");
    }
    let sarif = std::fs::read_to_string(folder.path("out.sarif")).expect("written");
    assert!(sarif.contains("src/new%0Aline.rs") && sarif.contains("src/esc%1B%5B31mape.rs"), "{sarif}");
}

#[test]
fn marks_and_line_ends_do_not_move_places() {
    let folder = Folder::new("marks");
    folder.write("src/bom.rs", format!("\u{feff}{LEAK}"));
    folder.write("src/crlf.rs", LEAK.replace("fn all", "fn crlf").replace('\n', "\r\n"));
    folder.write("src/lib.rs", format!("// é \u{1F600}\n{}", LEAK.replace("fn all", "fn plain")));
    let (_, report) = folder.check();
    let places: Vec<(&str, u64, u64)> = report["findings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| {
            Some((it["path"].as_str()?, it["start_line"].as_u64()?, it["start_column"].as_u64()?))
        })
        .collect();
    assert_eq!(places, [("src/bom.rs", 2, 40), ("src/crlf.rs", 2, 40), ("src/lib.rs", 3, 40)]);
}

/// Text that is nested as deep as a parser could be asked to go.
fn nested(open: &str, close: &str, depth: usize) -> String {
    format!("{}1{}", open.repeat(depth), close.repeat(depth))
}

#[test]
fn depth_ends_in_words() {
    let folder = Folder::new("depth");
    let sql =
        |text: &str| format!("pub fn f(pool: &sqlx::PgPool) {{ sqlx::query(\"{text}\").execute(pool); }}\n");
    let rust =
        |text: &str| format!("use sqlx::query;\npub fn f() {{ let _ = {text}; query(\"SELECT 1\"); }}\n");
    let depth = 100_000;
    folder.write("src/lib.rs", LEAK);
    folder.write("src/parentheses.rs", rust(&nested("(", ")", depth)));
    folder.write("src/blocks.rs", rust(&nested("{", "}", depth)));
    folder.write("src/arrays.rs", rust(&nested("[", "]", depth)));
    folder.write("src/open.rs", rust(&"(".repeat(depth)));
    folder.write("src/not.rs", rust(&nested("!", "", depth)));
    folder.write("src/minus.rs", rust(&nested("-", "", depth)));
    folder.write("src/references.rs", rust(&nested("&", "", depth)));
    folder.write("src/sums.rs", rust(&nested("1 + ", "", depth)));
    folder.write("src/methods.rs", rust(&nested("", ".a()", depth)));
    folder.write("src/closures.rs", rust(&nested("|| ", "", depth)));
    folder.write("src/ifs.rs", rust(&nested("if true { ", " }", 20_000)));
    folder.write("src/elses.rs", rust(&format!("{}{{}}", "if true {} else ".repeat(100_000))));
    folder.write(
        "src/types.rs",
        format!("use sqlx::query;\ntype T = {}u8{};\n", "Vec<".repeat(depth), ">".repeat(depth)),
    );
    folder.write(
        "src/modules.rs",
        format!("use sqlx::query;\n{}{}", "mod a { ".repeat(20_000), "}".repeat(20_000)),
    );
    folder.write("src/comments.rs", format!("use sqlx::query;\n{}", "/* ".repeat(depth)));
    folder.write("src/macros.rs", format!("fn f() {{ sqlx::query!({}); }}", nested("(", ")", depth)));
    folder.write("src/formats.rs", rust(&nested("format!(\"{}\", ", ")", 20_000)));
    folder.write(
        "src/use.rs",
        format!(
            "use sqlx::{}a{};\nfn f() {{ query(\"SELECT 1\"); }}",
            "{a::".repeat(20_000),
            "}".repeat(20_000)
        ),
    );
    folder.write("src/sql_parentheses.rs", sql(&format!("SELECT {}", nested("(", ")", depth))));
    folder.write(
        "src/sql_and.rs",
        sql(&format!("SELECT 1 FROM notes WHERE {}", nested("1 = 1 AND ", "", depth))),
    );
    folder.write("src/sql_not.rs", sql(&format!("SELECT {}", nested("NOT ", "", depth))));
    folder.write("src/sql_union.rs", sql(&nested("SELECT 1 UNION SELECT ", "", 20_000)));
    folder.write("src/sql_from.rs", sql(&nested("SELECT * FROM (SELECT ", ") AS a", 20_000)));
    folder.write("src/sql_comments.rs", sql(&"/* ".repeat(depth)));
    folder.write("src/sql_many.rs", sql(&"SELECT 1;".repeat(20_000)));
    folder.write(
        "migrations/2_deep.sql",
        format!("CREATE TABLE deep (id BIGINT DEFAULT {});", nested("(", ")", depth)),
    );
    folder.write("migrations/3_view.sql", format!("CREATE VIEW v AS SELECT {};", nested("- ", "", depth)));
    let (code, report) = folder.check();
    assert_eq!(code, Some(1));
    let scoped: Vec<&Value> = report["sites"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|site| {
            site["path"].as_str().is_some_and(|path| path.contains("sql_")) && site["verdict"] == "scoped"
        })
        .collect();
    assert!(scoped.len() <= 1, "only the many small statements can be proved: {scoped:?}");
}

#[test]
fn depth_in_configuration_ends_in_words() {
    let deep = format!("a = {}\n", nested("[", "]", 100_000));
    for path in ["tenantry.toml", ".tenantry/sinks/deep.toml"] {
        let folder = Folder::new("deep-configuration");
        folder.write("src/lib.rs", LEAK);
        folder.write(path, &deep);
        let output = folder.run(&["check"], b"");
        assert_eq!(output.status.code(), Some(2), "{path}");
    }
    let folder = Folder::new("deep-manifest");
    folder.write("src/lib.rs", LEAK);
    folder.write("inner/Cargo.toml", &deep);
    folder.write("inner/src/lib.rs", LEAK.replace("fn all", "fn inner"));
    let (code, report) = folder.check();
    assert_eq!(code, Some(1));
    assert_skipped(&report, &[("inner/Cargo.toml", "TOML")]);
}

#[test]
fn migrations_that_cannot_be_read_are_listed_and_make_nothing_scoped() {
    let folder = Folder::new("migrations");
    let scoped = "pub async fn of(pool: &sqlx::PgPool, org_id: i64) {
    let _ = sqlx::query(\"SELECT id FROM lost WHERE org_id = $1\").bind(org_id).execute(pool).await;
}
";
    folder.write("src/lib.rs", scoped);
    folder.write("migrations/2_broken.sql", "CREATE TABEL x (;\nCREATE TABLE y (id BIGINT PRIMARY KEY);\n'");
    folder.write("migrations/3_binary.sql", [0u8, 255, 254, 1]);
    folder.write("migrations/4_folder.sql/up.sql", "CREATE TABLE z (id BIGINT);");
    folder.write("migrations/5_empty.sql", "");
    folder.write("migrations/6_utf16.sql", b"\xff\xfeS\0E\0");
    folder.write(
        "migrations/7_bom.sql",
        "\u{feff}CREATE TABLE marked (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL);",
    );
    folder.write(
        "migrations/8_quote.sql",
        "CREATE TABLE lost (id BIGINT PRIMARY KEY, org_id BIGINT DEFAULT 'x",
    );
    folder.pipe("migrations/9_pipe.sql");
    let (_, report) = folder.check();
    assert_skipped(&report, &[("3_binary.sql", "not UTF-8"), ("6_utf16.sql", "not UTF-8")]);
    let unread = report.pointer("/databases/0/skipped_statements").and_then(Value::as_array);
    assert!(unread.is_some_and(|unread| unread.len() >= 3), "{unread:?}");
    assert_eq!(report.pointer("/sites/0/verdict"), Some(&Value::from("undecided")));
    let output = folder.run(&["schema"], b"");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains("marked"),
        "a mark at the beginning is no part of the SQL"
    );
}

#[test]
fn what_is_included_is_a_file_of_the_project_or_unknown() {
    let folder = Folder::new("included");
    let include = |path: &str| {
        format!("pub fn f(pool: &sqlx::PgPool) {{ sqlx::query(include_str!(\"{path}\")).execute(pool); }}\n")
    };
    folder.write("src/lib.rs", include("lib.rs"));
    folder.write("src/device.rs", include("/dev/zero"));
    folder.write("src/outside.rs", include("../../../../../../../../../../etc/passwd"));
    folder.write("src/pipe.rs", include("pipe.sql"));
    folder.write("src/folder.rs", include("."));
    folder.write("src/binary.rs", include("binary.sql"));
    folder.pipe("src/pipe.sql");
    folder.write("src/binary.sql", [255u8, 0]);
    let (_, report) = folder.check();
    let verdicts = strings(&report, "sites", "verdict");
    assert_eq!(verdicts, ["undecided"; 6]);
    let json = report.to_string();
    assert!(!json.contains("root:x:"), "no file from outside of the project is shown");
}

#[test]
fn input_of_other_commands_ends_in_words() {
    let folder = Folder::new("commands");
    folder.write("src/lib.rs", LEAK);
    let code = |arguments: &[&str], input: &[u8]| folder.run(arguments, input).status.code();
    let prove = ["prove", "--schema", "migrations"];
    assert_eq!(code(&prove, b"\xff\xfe"), Some(2));
    assert_eq!(code(&prove, b""), Some(0));
    assert_eq!(code(&prove, format!("SELECT {}", nested("(", ")", 100_000)).as_bytes()), Some(0));
    assert_eq!(code(&prove, b"{\"id\": 1}"), Some(2));
    assert_eq!(code(&prove, format!("{{\"id\": {}", "[".repeat(100_000)).as_bytes()), Some(2));
    assert_eq!(code(&["prove", "--schema", "migrations"], b"SELECT id FROM notes"), Some(1));
    assert_eq!(code(&["check", "--stdin-path", "src/lib.rs"], b"\xff"), Some(2));
    assert_eq!(code(&["check", "--stdin-path", "src/new.rs"], LEAK.as_bytes()), Some(1));
    for text in ["", "[]", "{\"schema\": 7, \"findings\": []}", "\u{0}"] {
        folder.write("tenantry.baseline.json", text);
        assert_eq!(code(&["check"], b""), Some(2), "{text}");
    }
}

/// Files that take long to make. `make test-full` asks for them.
#[test]
fn size_is_bounded() {
    if std::env::var_os("TENANTRY_FULL").is_none_or(|value| value != "1") {
        return;
    }
    let folder = Folder::new("size");
    folder.write("src/lib.rs", LEAK);
    folder.write("src/huge.rs", LEAK.repeat(50 * 1024 * 1024 / LEAK.len()));
    folder.write(
        "src/line.rs",
        format!("use sqlx::query; const A: &str = \"{}\";", "SELECT 1 ".repeat(1_200_000)),
    );
    folder.write("src/bracket.rs", "(".repeat(2_000_000));
    let query = "    let _ = sqlx::query(\"SELECT id FROM notes\").execute(pool).await;\n";
    folder.write(
        "src/many.rs",
        format!("pub async fn many(pool: &sqlx::PgPool) {{\n{}}}\n", query.repeat(20_000)),
    );
    folder.write("migrations/2_huge.sql", "INSERT INTO notes VALUES (1, 2);\n".repeat(50 * 1024 * 1024 / 33));
    folder.write(
        "migrations/3_line.sql",
        format!("INSERT INTO notes VALUES {}(1, 2);", "(1, 2), ".repeat(1_200_000)),
    );
    folder.write(
        "tenantry.toml",
        format!("{}\n[tenancy]\nkeys = [\"org_id\"]\n", "# comment\n".repeat(2_000_000)),
    );
    let (code, report) = folder.check();
    assert_eq!(code, Some(1));
    assert_skipped(
        &report,
        &[("src/huge.rs", "larger"), ("src/line.rs", "larger"), ("2_huge.sql", "larger")],
    );
    assert_eq!(strings(&report, "sites", "item").len(), 20_001);
}
