//! What attributes of the crate `tenantry` make of sites, findings and coverage.

use std::path::{Path, PathBuf};

use tenantry_engine::report::{Claim, Counts};
use tenantry_engine::{Disposition, Options, Outcome, Report, check};
use tenantry_policy::Date;

const SCHEMA: &str = "CREATE TABLE orgs (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs (id));";
const POLICY: &str = "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n";

fn run(name: &str, policy: &str, source: &str) -> Report {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("marks").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(folder.join(".git")).expect("writable");
    let manifest = "[package]\nname = \"marks\"\nversion = \"0.1.0\"\n";
    let files = [
        ("Cargo.toml", manifest),
        ("build.rs", "fn main() { println!(\"cargo:rerun-if-changed=migrations\"); }"),
        ("tenantry.toml", policy),
        ("migrations/1_a.sql", SCHEMA),
        ("src/lib.rs", source),
    ];
    for (path, text) in files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
    let options = Options::on(Date { year: 2026, month: 6, day: 1 });
    check(tenantry_project::load(&folder), &options).expect("the run can be made")
}

/// The findings that count, by rule.
fn told(report: &Report) -> Vec<&'static str> {
    let new = report.findings.iter().filter(|finding| finding.disposition == Disposition::New);
    new.map(|finding| finding.rule).collect()
}

const LEAK: &str = "sqlx::query(\"SELECT id FROM orders\").fetch_all(pool).await;";
const SCOPED: &str =
    "sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(tenant).fetch_all(pool).await;";

fn function(attribute: &str, body: &str) -> String {
    format!(
        "use tenantry::*;\n{attribute}\npub async fn f(pool: &sqlx::PgPool, tenant: TenantId<i64>) {{ {body} }}\n"
    )
}

#[test]
fn an_exception_holds_for_its_item_until_its_last_day() {
    let with = |name: &str, attribute: &str, body: &str| run(name, POLICY, &function(attribute, body));
    let held =
        with("held", "#[cross_tenant(reason = \"a job\", owner = \"ops\", until = \"2026-06-01\")]", LEAK);
    assert!(told(&held).is_empty(), "{:?}", told(&held));
    assert_eq!(held.coverage.all.exempted, 1);
    assert!(matches!(
        &held.sites[0].disposition,
        Disposition::Suppressed { reason, owner: Some(owner), .. } if reason == "a job" && owner == "ops"
    ));
    assert_eq!(held.sites[0].outcome, Outcome::Leaks);

    let expired = with("expired", "#[cross_tenant(reason = \"a job\", until = \"2026-05-31\")]", LEAK);
    assert_eq!(told(&expired), ["expired-suppression", "unscoped-query"]);
    let needless = with("needless", "#[cross_tenant(reason = \"a job\")]", SCOPED);
    assert_eq!(told(&needless), ["unused-suppression"]);
    let without_reason = with("reasonless", "#[cross_tenant]", LEAK);
    assert_eq!(told(&without_reason), ["unused-suppression", "unscoped-query"]);
    let other = with("other", "#[other::integration(\"x\")]", LEAK);
    assert_eq!(told(&other), ["unscoped-query"]);
}

#[test]
fn the_innermost_mark_counts() {
    let source = format!(
        "use tenantry::*;
        pub struct Jobs;
        #[cross_tenant(reason = \"jobs go through all tenants\")]
        impl Jobs {{
            pub async fn all(pool: &sqlx::PgPool) {{ {LEAK} }}
            #[tenant_scoped]
            pub async fn one(pool: &sqlx::PgPool, tenant: TenantId<i64>) {{ {LEAK} {SCOPED} }}
            #[tenant_scoped(defer)]
            pub async fn later(pool: &sqlx::PgPool, tenant: TenantId<i64>, sql: &str) {{ sqlx::query(sql).execute(pool).await; }}
        }}
        pub async fn plain(pool: &sqlx::PgPool, tenant: TenantId<i64>) {{ {SCOPED} }}"
    );
    let report = run("innermost", POLICY, &source);
    let claims: Vec<(Claim, Outcome)> = report.sites.iter().map(|site| (site.claim, site.outcome)).collect();
    assert_eq!(
        claims,
        [
            (Claim::Excepted, Outcome::Leaks),
            (Claim::Marked, Outcome::Leaks),
            (Claim::Marked, Outcome::Scoped),
            (Claim::Deferred, Outcome::Undecided),
            (Claim::Unmarked, Outcome::Scoped),
        ]
    );
    assert_eq!(told(&report), ["unscoped-query", "unproved-mark"]);
    let counted = |claim: &str| report.coverage.claims.get(claim).copied().unwrap_or_default();
    assert_eq!(counted("marked"), Counts { scoped: 1, leaks: 1, ..Counts::default() });
    assert_eq!(counted("deferred"), Counts { undecided: 1, ..Counts::default() });
    assert_eq!(counted("excepted"), Counts { exempted: 1, ..Counts::default() });
    assert_eq!(counted("unmarked"), Counts { scoped: 1, ..Counts::default() });
}

#[test]
fn nothing_is_counted_where_nothing_is_marked() {
    let report = run("plain", POLICY, &function("", SCOPED));
    assert!(report.coverage.claims.is_empty());
    assert!(told(&report).is_empty());
}

#[test]
fn what_is_off_by_default_is_told_where_the_policy_asks_for_it() {
    let policy = format!("{POLICY}[scan]\nenable = [\"unmarked-query\"]\n");
    assert_eq!(told(&run("asked", &policy, &function("", SCOPED))), ["unmarked-query"]);
    assert!(told(&run("asked-marked", &policy, &function("#[tenant_scoped]", SCOPED))).is_empty());
    let wrong = run("misspelt", &policy.replace("unmarked", "unmaked"), &function("", SCOPED));
    assert!(
        wrong.diagnostics.iter().any(|told| told.message.contains("unmarked-query")),
        "{:?}",
        wrong.diagnostics
    );
}

#[test]
fn what_cargo_does_not_watch_is_told_once_for_each_crate_with_marks() {
    let folder: PathBuf = Path::new(env!("CARGO_TARGET_TMPDIR")).join("marks").join("unwatched");
    let marked = function("#[tenant_scoped]", SCOPED)
        + &function("#[tenant_scoped] #[allow(x)]", SCOPED).replace("fn f", "fn g");
    let deferred = function("#[tenant_scoped(defer)]", SCOPED);
    let text =
        "const Q: &str = tenantry::tenant_sql!(\"select id from orders where org_id = $1\");".to_owned();
    let says = |line: &str| format!("fn main() {{ {line} }}");
    let watching = |path: &str| says(&format!("println!(\"cargo:rerun-if-changed={path}\");"));
    // The crate, its build script, its source, and whether it is told.
    let crates = [
        ("none", None, &marked, true),
        ("other", Some(watching("proto")), &marked, true),
        ("silent", Some(says("")), &marked, true),
        ("named", Some(watching("../db/migrations")), &marked, false),
        ("above", Some(watching("./../db/")), &marked, false),
        ("newer", Some(watching("../db/migrations").replace("cargo:", "cargo::")), &marked, false),
        ("texts", None, &text, true),
        ("deferring", None, &deferred, false),
        ("unmarked", None, &function("", SCOPED), false),
    ];
    let _ = std::fs::remove_dir_all(&folder);
    let write = |path: &str, text: &str| {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    };
    write(".git/HEAD", "");
    write("Cargo.toml", "[workspace]\nmembers = [\"*\"]\n");
    write(
        "tenantry.toml",
        &format!("{POLICY}[[database]]\ndialect = \"postgres\"\nschema = [\"db/migrations\"]\n"),
    );
    write("db/migrations/1_a.sql", SCHEMA);
    for (name, script, source, _) in &crates {
        write(&format!("{name}/Cargo.toml"), &format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n"));
        write(&format!("{name}/src/lib.rs"), source);
        if let Some(script) = script {
            write(&format!("{name}/build.rs"), script);
        }
    }
    let options = Options::on(Date { year: 2026, month: 6, day: 1 });
    let report = check(tenantry_project::load(&folder), &options).expect("the run can be made");
    let found = report.findings.iter().filter(|finding| finding.rule == "unwatched-migrations");
    let mut paths: Vec<String> =
        found.clone().map(|finding| report.files.path(finding.primary.file).display().to_string()).collect();
    paths.sort();
    let mut expected: Vec<String> = crates
        .iter()
        .filter(|(_, _, _, told)| *told)
        .map(|(name, ..)| format!("{name}/src/lib.rs"))
        .collect();
    expected.sort();
    assert_eq!(paths, expected);
    let line = "println!(\"cargo:rerun-if-changed=../db/migrations\");";
    assert!(found.clone().all(|finding| finding.help.iter().any(|help| help.contains(line))));
}
