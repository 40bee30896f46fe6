//! `check --fix` and `check --diff` on a project with queries of every kind.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use insta::assert_snapshot;
use serde_json::Value;

/// A copy of the project in a folder of its own.
fn project(name: &str) -> PathBuf {
    copied("tests/fixes", name)
}

/// A copy of a folder of this repository, seen from this crate.
fn copied(from: &str, name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fix").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(from), &folder);
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("writable");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("readable");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a type").is_dir() {
            true => copy(&entry.path(), &target),
            false => std::fs::copy(entry.path(), target).map(|_| ()).expect("writable"),
        }
    }
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

#[test]
fn what_would_change_is_shown_and_nothing_is_written() {
    let folder = project("shown");
    let output = check(&folder, &["--diff"]);
    assert_snapshot!("diff", text(&output.stdout));
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&check(&folder, &["--fix", "--diff"]).stdout), text(&output.stdout), "the same");
    assert_eq!(text(&check(&folder, &["--diff"]).stdout), text(&output.stdout), "nothing was written");
}

#[test]
fn what_was_mended_is_scoped_and_mended_once() {
    let folder = project("mended");
    let output = check(&folder, &["--fix", "--output=json"]);
    assert_eq!(text(&output.stderr), "21 query sites mended in 5 files\n");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let open = |site: &&Value| site["verdict"] != "scoped";
    let sites = report["sites"].as_array().expect("sites").iter();
    let open: Vec<&str> = sites.filter(open).filter_map(|site| site["item"].as_str()).collect();
    assert_eq!(
        open,
        ["functions::nothing_at_hand", "functions::may_be_missing", "functions::meant_to_vanish"],
        "only these have no plain fix"
    );
    let again = check(&folder, &["--diff"]);
    assert_eq!((again.status.code(), text(&again.stdout)), (Some(0), String::new()));
}

/// The same on queries that `tools/fixes.sh` compiles when they are mended.
#[test]
fn what_compiles_is_scoped_once_mended() {
    let folder = copied("../tests/fixes", "compiled");
    std::fs::create_dir_all(folder.join(".git")).expect("writable");
    let output = check(&folder, &["--fix", "--output=json"]);
    assert_eq!(text(&output.stderr), "70 query sites mended in 7 files\n");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let open = |site: &&Value| site["verdict"] != "scoped";
    let sites = report["sites"].as_array().expect("sites").iter();
    let open: Vec<&str> = sites.filter(open).filter_map(|site| site["item"].as_str()).collect();
    assert_eq!(
        open,
        ["pushed::either", "pushed::asks_for_more", "written::once", "written::twice", "written::numbered"],
        "texts that several places run, and those that are made when they run, are left alone"
    );
    let again = check(&folder, &["--diff"]);
    assert_eq!(text(&again.stdout), "", "it is mended once");
    // Nothing is written anew but what was mended: every line that stood there is there, but for what was put in.
    for name in [
        "functions.rs",
        "macros.rs",
        "client.rs",
        "diesel_reads.rs",
        "diesel_writes.rs",
        "pushed.rs",
        "sea.rs",
    ] {
        let read = |of: &Path| std::fs::read_to_string(of.join("src").join(name)).expect("readable");
        let (before, after) =
            (read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixes")), read(&folder));
        let mut rest = after.chars();
        assert!(before.chars().all(|wanted| rest.any(|c| c == wanted)), "{name} lost something");
    }
}

#[test]
fn what_is_suppressed_is_left_alone() {
    let folder = project("suppressed");
    let place = folder.join("src/client.rs");
    let source = std::fs::read_to_string(&place).expect("readable");
    let allow = "// tenantry: allow(tenant-parameter-unused) reason=\"an operator lists all\"\n";
    let source = source.replace("pub async fn all(", &format!("{allow}pub async fn all("));
    std::fs::write(&place, &source).expect("writable");
    check(&folder, &["--fix"]);
    let mended = std::fs::read_to_string(&place).expect("readable");
    assert!(mended.contains("client.query(\"select * from orders\", &[])"), "{mended}");
    assert!(mended.contains("id = $1 and orders.tenant_id = $2"), "{mended}");
}
