//! Sessions with rust-analyzer: a file is opened, what the check finds arrives, its quick fix is applied, and it is gone; and
//! what its macro server makes of marks is nothing that anybody sees.
//!
//! Where rust-analyzer is not installed the sessions are reported as ignored.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "tests")]

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};

/// How long one step may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(120);

const SOURCE: &str = "use tenantry::TenantId;

pub async fn list(pool: &sqlx::PgPool, tenant: TenantId<i64>) {
    let _ = sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(tenant).fetch_all(pool).await;
}

pub async fn one(pool: &sqlx::PgPool, tenant: TenantId<i64>, id: i64) {
    let _ = sqlx::query(\"SELECT id FROM orders WHERE id = $1\").bind(id).fetch_all(pool).await;
}
";

fn main() {
    let arguments = Arguments::from_args();
    let editor = Command::new("rust-analyzer").arg("--version").output();
    let editor = editor.is_ok_and(|told| told.status.success());
    let server = editor && macro_server().is_file();
    for (what, there) in [("rust-analyzer", editor), ("the macro server of rust-analyzer", server)] {
        if !there {
            eprintln!("not tried: {what} is not installed");
        }
    }
    let trial = |name: &str, run: fn(), there: bool| {
        let run = move || {
            run();
            Ok(())
        };
        Trial::test(name, run).with_ignored_flag(!there)
    };
    let mended = "editor: what the check finds is shown and mended";
    let trials = vec![
        trial(mended, what_the_check_finds_is_shown_and_mended_in_the_editor, editor),
        trial("editor: marks make no noise", marks_make_no_noise_in_the_editor, server),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

/// Where the toolchain has the server of rust-analyzer that runs macros.
fn macro_server() -> PathBuf {
    let sysroot = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap().stdout;
    Path::new(String::from_utf8(sysroot).unwrap().trim()).join("libexec/rust-analyzer-proc-macro-srv")
}

fn project(name: &str, source: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&root);
    let schema = "CREATE TABLE orgs (id bigint PRIMARY KEY);
        CREATE TABLE orders (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id));";
    let files = [
        (".git/HEAD", ""),
        (
            "Cargo.toml",
            "[workspace]\n[package]\nname = \"edited\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        ),
        ("tenantry.toml", "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n"),
        ("migrations/1_a.sql", schema),
        ("src/lib.rs", source),
    ];
    for (path, text) in files {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    root.canonicalize().unwrap()
}

struct Session {
    child: Child,
    input: ChildStdin,
    said: Receiver<Value>,
    next: u64,
}

impl Drop for Session {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Session {
    fn start(root: &Path) -> Session {
        let mut child = Command::new("rust-analyzer")
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (tell, said) = channel();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            while let Some(message) = read(&mut output) {
                if tell.send(message).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take().unwrap();
        Session { child, input, said, next: 0 }
    }

    fn send(&mut self, message: &Value) {
        let text = message.to_string();
        write!(self.input, "Content-Length: {}\r\n\r\n{text}", text.len()).unwrap();
        self.input.flush().unwrap();
    }

    fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// The first words of a session, with the server's options.
    fn greet(&mut self, root: &Path, options: &Value) {
        let capabilities = json!({
            "textDocument": {
                "codeAction": {
                    "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } },
                    "resolveSupport": { "properties": ["edit"] },
                },
                "publishDiagnostics": { "relatedInformation": true, "codeDescriptionSupport": true },
            },
            "experimental": { "serverStatusNotification": true },
        });
        let hello = json!({
            "processId": std::process::id(),
            "rootUri": format!("file://{}", root.display()),
            "capabilities": capabilities,
            "initializationOptions": options,
        });
        self.ask("initialize", hello);
        self.notify("initialized", json!({}));
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        let answer = self.wait(method, |message| message["id"] == id && message.get("method").is_none());
        answer["result"].clone()
    }

    /// The first message that is meant; what the server asks meanwhile is answered with nothing.
    fn wait(&mut self, what: &str, is_meant: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let message = self.said.recv_timeout(left).unwrap_or_else(|why| panic!("{what}: {why}"));
            if is_meant(&message) {
                return message;
            }
            if let (Some(id), Some(_)) = (message.get("id"), message.get("method")) {
                let nothing = json!({ "jsonrpc": "2.0", "id": id, "result": null });
                self.send(&nothing);
            }
        }
    }

    /// What the check has found in the file, once there are so many findings.
    fn findings(&mut self, number: usize) -> Vec<Value> {
        let message = self.wait("diagnostics", |message| {
            message["method"] == "textDocument/publishDiagnostics" && of_check(message).len() == number
        });
        of_check(&message)
    }
}

fn of_check(message: &Value) -> Vec<Value> {
    let all = message["params"]["diagnostics"].as_array().cloned().unwrap_or_default();
    // Places that explain a finding are shown as hints of their own.
    all.into_iter().filter(|one| one["source"] == "tenantry" && one["severity"] == 1).collect()
}

fn read(output: &mut impl BufRead) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if output.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim().split_once(": ") {
            Some(("Content-Length", number)) => length = number.parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    let mut text = vec![0; length];
    output.read_exact(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The text after edits of places that do not overlap.
fn edited(text: &str, edits: &[Value]) -> String {
    let offset = |place: &Value| {
        let line = place["line"].as_u64().unwrap() as usize;
        let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        start + place["character"].as_u64().unwrap() as usize
    };
    let mut edits: Vec<(usize, usize, &str)> = edits
        .iter()
        .map(|edit| {
            let range = &edit["range"];
            (offset(&range["start"]), offset(&range["end"]), edit["newText"].as_str().unwrap())
        })
        .collect();
    edits.sort();
    let mut out = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start..end, new);
    }
    out
}

fn what_the_check_finds_is_shown_and_mended_in_the_editor() {
    let root = project("editor", SOURCE);
    let mut session = Session::start(&root);
    let file = root.join("src/lib.rs");
    let uri = format!("file://{}", file.display());
    let command = [env!("CARGO_BIN_EXE_cargo-tenantry"), "tenantry", "check", "--message-format=json"];
    let options = json!({
        "check": { "overrideCommand": command },
        "cachePriming": { "enable": false },
        "procMacro": { "enable": false },
        "cargo": { "buildScripts": { "enable": false }, "sysroot": null },
    });
    session.greet(&root, &options);
    let document = json!({ "uri": uri, "languageId": "rust", "version": 1, "text": SOURCE });
    session.notify("textDocument/didOpen", json!({ "textDocument": document }));
    let saved = json!({ "textDocument": { "uri": uri } });
    session.notify("textDocument/didSave", saved.clone());

    let found = session.findings(1);
    assert_eq!(found[0]["code"], "unscoped-query", "{found:?}");
    let line = SOURCE.lines().position(|line| line.contains("WHERE id")).unwrap();
    assert_eq!(found[0]["range"]["start"]["line"], line);
    assert!(found[0]["message"].as_str().unwrap().contains("not restricted to the tenant"));

    let asked = json!({
        "textDocument": { "uri": uri },
        "range": found[0]["range"],
        "context": { "diagnostics": found, "only": ["quickfix"] },
    });
    let actions = session.ask("textDocument/codeAction", asked);
    let actions = actions.as_array().cloned().unwrap_or_default();
    let fix = actions.iter().find(|one| one["title"].as_str().is_some_and(|title| title.contains("tenant")));
    let fix = fix.unwrap_or_else(|| panic!("no quick fix: {actions:?}"));
    let edits = match &fix["edit"]["changes"][&uri] {
        Value::Array(edits) => edits.clone(),
        _ => fix["edit"]["documentChanges"][0]["edits"].as_array().cloned().unwrap(),
    };
    let text = edited(SOURCE, &edits);
    assert!(text.contains("org_id = $2"), "{text}");

    std::fs::write(&file, &text).unwrap();
    let changed =
        json!({ "textDocument": { "uri": uri, "version": 2 }, "contentChanges": [{ "text": text }] });
    session.notify("textDocument/didChange", changed);
    session.notify("textDocument/didSave", saved);
    session.findings(0);
}

/// The macros as the compiler loads them.
fn macros() -> PathBuf {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--package", "tenantry-macros", "--message-format=json"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let said = String::from_utf8(built.stdout).unwrap();
    let line = said.lines().find(|line| line.contains("\"name\":\"tenantry_macros\"")).expect("the macros");
    let made: Value = serde_json::from_str(line).unwrap();
    let files = made["filenames"].as_array().cloned().unwrap_or_default();
    let mut libraries =
        files.iter().filter_map(Value::as_str).filter(|name| name.ends_with(std::env::consts::DLL_SUFFIX));
    PathBuf::from(libraries.next().expect("the library's file"))
}

const MARKED: &str =
    "use tenantry::{TenantId, TenantScope, cross_tenant, integration, tenant_scoped, tenant_sql};

pub const LIST: &str = tenant_sql!(\"SELECT id FROM orders WHERE org_id = $1\");
pub const ALL: &str = tenant_sql!(\"SELECT id FROM orders\");

#[tenant_scoped]
pub fn list(tenant: TenantId<i64>) {
    sqlx::query(LIST).bind(tenant);
}

pub struct Store(TenantId<i64>);

#[tenant_scoped]
impl Store {
    pub fn all(&self) -> i64 {
        sqlx::query(\"SELECT id FROM orders\").bind(self.0);
        7
    }
    #[cross_tenant(reason = \"a job\", until = \"2020-01-31\")]
    pub fn purge(&self) {
        sqlx::query(\"DELETE FROM orders\");
    }
}

#[tenant_scoped]
pub mod within {
    pub fn number() -> i64 {
        3
    }
}

#[integration(\"nobody\")]
pub fn send(scope: TenantScope<i64>) {
    let _ = within::number() + Store(scope.tenant()).all();
}
";

fn marks_make_no_noise_in_the_editor() {
    let root = project("editor-marked", MARKED);
    let mut session = Session::start(&root);
    let server = macro_server();
    // As much of `core` as the macros name, where the sources of the standard library are not installed.
    let core = "#[macro_export]\n#[rustc_builtin_macro]\nmacro_rules! compile_error { ($m:expr) => {}; }\n\
                #[macro_export]\n#[rustc_builtin_macro]\nmacro_rules! include_bytes { ($m:expr) => {}; }\n";
    std::fs::write(root.join("core.rs"), core).unwrap();
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let krate = |name: &str, path: &Path, uses: &[(usize, &str)]| {
        let uses: Vec<Value> = uses.iter().map(|(at, name)| json!({ "crate": at, "name": name })).collect();
        json!({ "display_name": name, "root_module": path, "edition": "2024", "deps": uses, "cfg": [], "env": {} })
    };
    let mut crates = vec![
        krate("core", &root.join("core.rs"), &[]),
        krate("tenantry_macros", &above.join("macros/src/lib.rs"), &[]),
        krate("tenantry", &above.join("runtime/src/lib.rs"), &[(0, "core"), (1, "tenantry_macros")]),
        krate("sqlx", &above.join("macros/tests/ui/sqlx.rs"), &[(0, "core")]),
        krate("edited", &root.join("src/lib.rs"), &[(0, "core"), (2, "tenantry"), (3, "sqlx")]),
    ];
    crates[1]["is_proc_macro"] = json!(true);
    crates[1]["proc_macro_dylib_path"] = json!(macros());
    crates[2]["cfg"] = json!(["feature=\"macros\""]);
    crates[4]["env"] = json!({ "CARGO_MANIFEST_DIR": root });
    session.greet(
        &root,
        &json!({
            "linkedProjects": [{ "crates": crates }],
            "checkOnSave": false,
            "cachePriming": { "enable": false },
            "procMacro": { "enable": true, "server": server },
            "cargo": { "sysroot": null },
        }),
    );
    let uri = format!("file://{}", root.join("src/lib.rs").display());
    let document = json!({ "uri": uri, "languageId": "rust", "version": 1, "text": MARKED });
    session.notify("textDocument/didOpen", json!({ "textDocument": document }));
    session.wait("the project", |message| {
        message["method"] == "experimental/serverStatus" && message["params"]["quiescent"] == true
    });
    let lines: Vec<&str> = MARKED.lines().collect();
    let at = |text: &str| lines.iter().position(|line| line.contains(text)).unwrap();

    // The macro server is there: what it judges by itself is told at its place.
    let diagnosed = session.ask("textDocument/diagnostic", json!({ "textDocument": { "uri": uri } }));
    let told = diagnosed["items"].as_array().cloned().unwrap_or_default();
    let is_told = |one: &Value| {
        one["message"].as_str().is_some_and(|said| said.contains("not restricted to the tenant"))
            && one["range"]["start"]["line"] == at("const ALL")
    };
    assert!(told.iter().any(is_told), "{told:?}");
    // And nothing else: no macro that fails, no name that is lost in what was marked.
    let others: Vec<&Value> = told.iter().filter(|one| !is_told(one)).collect();
    assert!(others.is_empty(), "{others:?}");

    // The items stand where they stood.
    for mark in ["pub fn list", "impl Store"] {
        let place = json!({ "line": at(mark) - 1, "character": 4 });
        let asked = json!({ "textDocument": { "uri": uri }, "position": place });
        let expanded = session.ask("rust-analyzer/expandMacro", asked);
        assert_eq!(expanded["name"], "tenant_scoped", "{expanded}");
        let expansion: String =
            expanded["expansion"].as_str().unwrap().chars().filter(|c| !c.is_whitespace()).collect();
        assert!(expansion.starts_with(&mark.replace(' ', "")), "{expansion}");
        assert!(!expansion.contains("compile_error") && !expansion.contains("include_bytes"), "{expansion}");
    }
    let use_of_it = lines[at("within::number()")].find("all()").unwrap();
    let place = json!({ "line": at("within::number()"), "character": use_of_it });
    let asked = json!({ "textDocument": { "uri": uri }, "position": place });
    let found = session.ask("textDocument/definition", asked);
    let line = found[0]["range"]["start"]["line"]
        .as_u64()
        .or_else(|| found[0]["targetRange"]["start"]["line"].as_u64());
    assert_eq!(line, Some(at("pub fn all") as u64), "{found}");
}
