//! The example with row level security: it is clean as it stands, and each of its parts is needed.

use std::path::{Path, PathBuf};

use tenantry_engine::report::Report;
use tenantry_engine::{Disposition, Options, Outcome, check};
use tenantry_policy::Date;
use tenantry_tests::fixture;

const MIGRATION: &str = "migrations/20260420090000_row_security.sql";

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("writable");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        match entry.file_type().expect("a kind").is_dir() {
            true if entry.file_name() == "target" => {}
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).expect("writable")),
        }
    }
}

/// The example, with a text of one of its files replaced.
fn checked(name: &str, change: Option<(&str, &str, &str)>) -> Report {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rls").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    copy(&fixture("../examples/rls"), &folder);
    std::fs::create_dir_all(folder.join(".git")).expect("writable");
    if let Some((file, from, to)) = change {
        let text = std::fs::read_to_string(folder.join(file)).expect("the file is here");
        assert!(text.contains(from), "{file} has no `{from}`");
        std::fs::write(folder.join(file), text.replace(from, to)).expect("writable");
    }
    let today = Date { year: 2026, month: 6, day: 1 };
    check(tenantry_project::load(&folder), &Options::on(today)).expect("the run can be made")
}

fn scoped(report: &Report) -> usize {
    report.sites.iter().filter(|site| site.outcome == Outcome::Scoped).count()
}

#[test]
fn every_query_is_scoped_and_most_by_policies() {
    let report = checked("as-it-is", None);
    assert!(report.diagnostics.is_empty(), "{:?}", report.diagnostics);
    assert!(
        report.findings.iter().all(|finding| finding.disposition != Disposition::New),
        "{:?}",
        report.findings
    );
    assert_eq!((scoped(&report), report.sites.len()), (12, 12));
    let by_policies = report.sites.iter().filter(|site| {
        site.assumptions.iter().any(|text| text.starts_with("statements run as the role `orders_app`"))
    });
    assert_eq!(by_policies.count(), 8);
}

#[test]
fn each_part_is_needed() {
    let changes = [
        ("of-another", "src/store/mod.rs", ".bind(tenant)", ".bind(uuid::Uuid::nil())"),
        ("not-set", "src/store/mod.rs", "'app.organization_id', $1", "'app.user_id', $1"),
        ("for-the-session", "src/store/mod.rs", "$1::text, true", "$1::text, false"),
        ("elsewhere", "src/store/mod.rs", "run(&mut tx)", "run(&mut pool.begin().await?)"),
        ("no-wrapper", "src/store/orders.rs", "with_tenant(", "with_anybody("),
        ("not-enabled", MIGRATION, "ALTER TABLE orders ENABLE ROW LEVEL SECURITY;", ""),
        (
            "no-policy",
            MIGRATION,
            "CREATE POLICY own_orders ON orders TO orders_app",
            "CREATE POLICY own_orders ON orders TO somebody",
        ),
        ("bypassed", MIGRATION, "NOBYPASSRLS", "BYPASSRLS"),
        (
            "widened",
            MIGRATION,
            "CREATE FUNCTION",
            "CREATE POLICY more ON orders USING (true);\nCREATE FUNCTION",
        ),
        (
            "fails-open",
            MIGRATION,
            "USING (organization_id = ",
            "USING (current_setting('app.organization_id', true) IS NULL OR organization_id = ",
        ),
        ("no-role", "tenantry.toml", "app-role = \"orders_app\"\n", ""),
    ];
    for (name, file, from, to) in changes {
        let report = checked(name, Some((file, from, to)));
        let told = report.findings.iter().any(|finding| finding.disposition == Disposition::New);
        assert!(scoped(&report) < 12 && told, "{name}: all queries are scoped still");
    }
}

/// That the setting ends with the transaction is looked at by itself, too.
#[test]
fn a_setting_for_the_session_is_told() {
    let change = ("src/store/mod.rs", "$1::text, true", "$1::text, false");
    let report = checked("for-the-session-told", Some(change));
    let mut told = report.findings.iter().map(|finding| finding.rule);
    assert!(told.any(|rule| rule == "session-setting-outlives-transaction"));
}
