//! The run, end to end, on a small service in a folder of its own.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenantry_engine::{Disposition, Options, Outcome, Report, check};
use tenantry_policy::Date;

const SCHEMA: &str = "CREATE TABLE orgs (id BIGINT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE notes (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id), body TEXT NOT NULL);
";
const POLICY: &str =
    "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n[surfaces]\nexports = [\"src/**\"]\n";
const ALL: &str = "pub async fn all(pool: &sqlx::PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(\"SELECT id FROM notes\").fetch_all(pool).await
}
";

fn lay_out(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("run").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let common = [
        ("Cargo.toml", "[workspace]\n[package]\nname = \"notes\"\nversion = \"0.1.0\"\n"),
        ("migrations/1_init.sql", SCHEMA),
        ("tenantry.toml", POLICY),
    ];
    for (path, text) in common.iter().chain(files) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
    folder
}

fn options() -> Options {
    Options {
        paths: Vec::new(),
        include_tests: false,
        today: Date { year: 2026, month: 6, day: 1 },
        suppressions: true,
        overlay: None,
        baseline: BTreeSet::new(),
        progress: Arc::default(),
        cache: None,
        servers: Default::default(),
    }
}

fn run(folder: &Path, options: &Options) -> Report {
    check(tenantry_project::load(folder), options).expect("the run can be made")
}

fn rules(report: &Report) -> Vec<&str> {
    report.findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn a_query_over_all_tenants_is_found_inside_its_literal() {
    let folder = lay_out("unscoped", &[("src/lib.rs", ALL)]);
    let report = run(&folder, &options());
    assert_eq!(rules(&report), ["unscoped-query"]);
    let finding = report.findings.first().expect("one finding");
    assert_eq!(finding.primary.range.slice(report.files.text(finding.primary.file)), "notes");
    assert_eq!(report.coverage.all.leaks, 1);
    assert_eq!(report.coverage.surfaces.get("exports").map(|counts| counts.leaks), Some(1));
}

#[test]
fn a_parameter_that_pins_is_scoped_and_counted_apart() {
    let source = "pub async fn of(pool: &sqlx::PgPool, org_id: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query_scalar(\"SELECT id FROM notes WHERE org_id = $1\").bind(org_id).fetch_all(pool).await
}
";
    let report = run(&lay_out("parameter", &[("src/lib.rs", source)]), &options());
    assert_eq!(rules(&report), Vec::<&str>::new());
    assert_eq!((report.coverage.all.scoped, report.coverage.all.scoped_if_callers), (0, 1));
    let site = report.sites.first().expect("one site");
    assert_eq!(site.assumptions, ["callers pass their own tenant as `org_id`"]);
}

#[test]
fn what_is_written_for_an_id_made_here_concerns_no_other_tenant() {
    let source = "pub async fn register(pool: &sqlx::PgPool, id: i64, body: &str) -> sqlx::Result<()> {
    let org_id = uuid::Uuid::new_v4();
    sqlx::query(\"INSERT INTO notes (id, org_id, body) VALUES ($1, $2, $3)\")
        .bind(id).bind(org_id).bind(body).execute(pool).await?;
    let note = uuid::Uuid::new_v4();
    sqlx::query(\"UPDATE notes SET id = $1 WHERE body = $2\").bind(note).bind(body).execute(pool).await?;
    Ok(())
}
";
    let report = run(&lay_out("fresh", &[("src/lib.rs", source)]), &options());
    let sites: Vec<(Outcome, &[String])> =
        report.sites.iter().map(|site| (site.outcome, site.assumptions.as_slice())).collect();
    let assumed = ["`org_id` is made here and names no tenant yet".to_owned()];
    assert_eq!(sites, [(Outcome::Scoped, assumed.as_slice()), (Outcome::Leaks, &[])]);
    assert_eq!(report.coverage.all.scoped, 1);
}

#[test]
fn two_ids_that_guards_checked_are_not_one_tenant() {
    let policy = format!("{POLICY}[trust]\nguards = [\"check\"]\n");
    let source = "pub async fn move_notes(pool: &sqlx::PgPool, body: Json<Move>) -> sqlx::Result<()> {
    check(Move { from: body.from, to: body.to })?;
    sqlx::query(\"SELECT id FROM notes WHERE org_id = $1\").bind(body.from).execute(pool).await?;
    sqlx::query(\"SELECT 1 FROM notes a, notes b WHERE a.org_id = $1 AND b.org_id = $2\")
        .bind(body.from).bind(body.to).execute(pool).await?;
    Ok(())
}
";
    let folder = lay_out("guards", &[("src/lib.rs", source), ("tenantry.toml", &policy)]);
    let report = run(&folder, &options());
    let outcomes: Vec<Outcome> = report.sites.iter().map(|site| site.outcome).collect();
    assert_eq!(outcomes, [Outcome::Scoped, Outcome::Undecided]);
}

#[test]
fn what_a_scoped_statement_returned_names_what_is_the_tenants() {
    let schema = "CREATE TABLE orgs (id BIGINT PRIMARY KEY);
CREATE TABLE notes (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id), rank BIGINT NOT NULL);
CREATE TABLE lines (id BIGINT PRIMARY KEY, note_id BIGINT NOT NULL REFERENCES notes (id));
";
    let policy = "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n[trust]\nguards = [\"check\"]\n";
    let head = "check(&body.org_id)?;
    let note = sqlx::query!(\"SELECT id, rank AS other, org_id FROM notes WHERE id = $1 AND org_id = $2\", body.id, body.org_id)
        .fetch_one(db).await?;
    let foreign = sqlx::query!(\"SELECT id FROM notes WHERE id = $1\", body.other).fetch_one(db).await?;
";
    let outcome = |name: &str, statement: &str| {
        let source =
            format!("pub async fn go(db: &sqlx::PgPool, body: Json<B>) -> R {{\n{head}{statement}\n}}");
        let files =
            [("src/lib.rs", source.as_str()), ("tenantry.toml", policy), ("migrations/1_init.sql", schema)];
        let report = run(&lay_out(name, &files), &options());
        let site = report.sites.last().expect("a site");
        (site.outcome, site.assumptions.join("; "))
    };
    let still = |text: &str| format!("the row that `{text}` was read from is still the tenant's");
    let by = |name: &str, bind: &str| {
        outcome(
            name,
            &format!("sqlx::query!(\"DELETE FROM lines WHERE note_id = $1\", {bind}).execute(db).await?;"),
        )
    };
    assert_eq!(by("row-id", "note.id"), (Outcome::Scoped, still("note.id")));
    assert_eq!(by("row-other-column", "note.other").0, Outcome::Leaks);
    let renamed = "let note = sqlx::query!(\"SELECT rank AS id, id AS \\\"key!\\\" FROM notes WHERE org_id = $1\", body.org_id).fetch_one(db).await?;
    sqlx::query!(\"DELETE FROM lines WHERE note_id = $1\", note.";
    let renamed = |field: &str| format!("{renamed}{field}).execute(db).await?;");
    assert_eq!(outcome("row-renamed", &renamed("id")).0, Outcome::Leaks);
    assert_eq!(outcome("row-alias", &renamed("key")), (Outcome::Scoped, still("note.key")));
    assert_eq!(by("row-of-a-leak", "foreign.id").0, Outcome::Leaks);
    let found = "the row that was found by `body.id` is still the tenant's".to_owned();
    assert_eq!(by("found-by-it", "body.id"), (Outcome::Scoped, found));
    assert_eq!(by("request-id", "body.other").0, Outcome::Leaks);
    let key =
        "sqlx::query!(\"UPDATE notes SET rank = 1 WHERE org_id = $1\", note.org_id).execute(db).await?;";
    assert_eq!(outcome("row-key", key), (Outcome::Scoped, still("note.org_id")));
    let insert =
        "sqlx::query!(\"INSERT INTO lines (id, note_id) VALUES (1, $1)\", note.id).execute(db).await?;";
    assert_eq!(outcome("row-insert", insert), (Outcome::Scoped, still("note.id")));
    let two = "check(&body.second)?;
    sqlx::query!(\"SELECT 1 FROM notes a, lines b WHERE a.org_id = $1 AND b.note_id = $2\", body.second, note.id).execute(db).await?;";
    assert_eq!(outcome("row-of-another", two).0, Outcome::Leaks);
    let made = "let made = sqlx::query!(\"INSERT INTO notes (id, org_id, rank) VALUES (1, $1, 2) RETURNING id\", body.org_id).fetch_one(db).await?;
    sqlx::query!(\"INSERT INTO lines (id, note_id) VALUES (1, $1)\", made.id).execute(db).await?;";
    assert_eq!(outcome("row-made", made), (Outcome::Scoped, still("made.id")));
    let gone = "let gone = sqlx::query!(\"DELETE FROM notes WHERE id = 1 AND org_id = $1 RETURNING id\", body.org_id).fetch_one(db).await?;
    sqlx::query!(\"DELETE FROM lines WHERE note_id = $1\", gone.id).execute(db).await?;";
    assert_eq!(outcome("row-gone", gone).0, Outcome::Leaks);
}

#[test]
fn a_row_of_an_inner_level_is_made_by_the_outer_one() {
    let schema = "CREATE TABLE orgs (org_id UUID PRIMARY KEY);
CREATE TABLE apps (app_id UUID PRIMARY KEY DEFAULT gen_random_uuid(), org_id UUID NOT NULL REFERENCES orgs (org_id), name TEXT);
CREATE TABLE mails (id UUID PRIMARY KEY, org_id UUID NOT NULL REFERENCES orgs (org_id), app_id UUID REFERENCES apps (app_id), kind TEXT);
";
    let policy = "[tenancy]\nkeys = [\"org_id\", \"app_id\"]\nroot = \"orgs.org_id\"\nhierarchy = [\"org_id\", \"app_id\"]
[trust]\nexpressions = [\"ctx.org\", \"ctx.app\"]\n";
    let verdict = |name: &str, statement: &str, bind: &str| {
        let source = format!(
            "pub async fn go(db: &sqlx::PgPool, ctx: Ctx, body: Json<B>) -> R {{ sqlx::query!(\"{statement}\", {bind}).execute(db).await?; }}"
        );
        let files =
            [("src/lib.rs", source.as_str()), ("tenantry.toml", policy), ("migrations/1_init.sql", schema)];
        run(&lay_out(name, &files), &options()).sites.first().expect("a site").outcome
    };
    use Outcome::{Leaks, Scoped};
    let app = "INSERT INTO apps (org_id, name) VALUES ($1, 'a')";
    assert_eq!(verdict("made-app", app, "ctx.org"), Scoped);
    assert_eq!(verdict("made-app-for-another", app, "body.org"), Leaks);
    let upsert =
        "INSERT INTO apps (app_id, org_id) VALUES ($2, $1) ON CONFLICT (app_id) DO UPDATE SET name = 'b'";
    assert_eq!(verdict("made-app-again", upsert, "ctx.org, body.app"), Leaks);
    let without = "INSERT INTO apps (name) VALUES ('a')";
    assert_eq!(verdict("made-app-for-nobody", without, "ctx.org"), Leaks);
    let org = "INSERT INTO orgs (org_id) VALUES ($1)";
    assert_eq!(verdict("made-org", org, "uuid::Uuid::new_v4()"), Scoped);
    assert_eq!(verdict("made-org-by-request", org, "body.org"), Leaks);
    let mail = "INSERT INTO mails (id, org_id, kind) VALUES (gen_random_uuid(), $1, 'k')";
    assert_eq!(verdict("made-mail", mail, "ctx.org"), Scoped);
    let both = "INSERT INTO mails (id, org_id, app_id) VALUES (gen_random_uuid(), $1, $2)";
    assert_ne!(verdict("made-mail-of-another-app", both, "ctx.org, body.app"), Scoped);
    let levels = "SELECT b.name FROM apps b, orgs o WHERE o.org_id = $1 AND b.app_id = $2";
    assert_eq!(verdict("names-on-two-levels", levels, "ctx.org, ctx.app"), Scoped);
    assert_ne!(verdict("one-name-on-two-levels", levels, "ctx.org, ctx.org"), Scoped);
    let inner = "INSERT INTO mails (id, app_id, kind) VALUES (gen_random_uuid(), $1, 'k')";
    assert_ne!(verdict("made-mail-without-org", inner, "ctx.org"), Scoped);
}

#[test]
fn what_is_not_known_is_never_scoped() {
    let source = "pub async fn any(pool: &sqlx::PgPool, part: &str, org_id: i64) -> sqlx::Result<()> {
    let sql = format!(\"SELECT id FROM notes WHERE org_id = $1 AND {part}\");
    sqlx::query(&sql).bind(org_id).execute(pool).await?;
    sqlx::query(\"SELECT id FROM nowhere WHERE org_id = $1\").bind(org_id).execute(pool).await?;
    sqlx::query(\"SELECT id FRUM notes\").execute(pool).await?;
    Ok(())
}
";
    let report = run(&lay_out("unknown", &[("src/lib.rs", source)]), &options());
    assert_eq!(report.sites.len(), 3);
    assert!(report.sites.iter().all(|site| site.outcome == Outcome::Undecided));
    assert_eq!(rules(&report), ["undecided-query", "undecided-query", "unreadable-sql"]);
}

#[test]
fn what_a_builder_binds_is_not_written_into_the_text() {
    let source = "pub async fn some(pool: &sqlx::PgPool, org_id: i64, name: &str, order: &str) {
    let mut query = sqlx::QueryBuilder::new(\"SELECT id FROM notes WHERE org_id = \");
    query.push_bind(org_id);
    if !name.is_empty() { query.push(\" AND body = \").push_bind(name); }
    query.build().fetch_all(pool).await;
    let mut query = sqlx::QueryBuilder::new(\"SELECT id FROM notes WHERE body = '\");
    query.push(order);
    query.build().fetch_all(pool).await;
}
";
    let report = run(&lay_out("builder", &[("src/lib.rs", source)]), &options());
    assert_eq!(rules(&report), ["raw-query"], "the first is scoped by what callers pass");
}

#[test]
fn a_suppression_needs_a_reason_a_day_to_come_and_something_to_suppress() {
    let with = |comment: &str, name: &str| {
        let source = ALL.replace("    sqlx::", &format!("    // tenantry: {comment}\n    sqlx::"));
        run(&lay_out(name, &[("src/lib.rs", &source)]), &options())
    };
    let good = with("allow(unscoped-query) reason=\"status page\" until=2026-06-01", "allowed");
    assert!(good.findings.iter().all(|finding| finding.disposition != Disposition::New));
    assert_eq!(good.coverage.all.exempted, 1);
    let expired = with("allow(unscoped-query) reason=\"status page\" until=2026-05-31", "expired");
    assert_eq!(rules(&expired), ["expired-suppression", "unscoped-query"]);
    let unused = with("allow(raw-query) reason=\"status page\"", "unused");
    assert_eq!(rules(&unused), ["unused-suppression", "unscoped-query"]);
    let silent = with("allow(unscoped-query)", "no-reason");
    assert_eq!(rules(&silent), ["unused-suppression", "unscoped-query"]);
}

#[test]
fn a_fingerprint_survives_moved_lines_and_reformatted_sql_and_tells_twins_apart() {
    let first = run(&lay_out("before", &[("src/lib.rs", ALL)]), &options());
    let print = |report: &Report| -> Vec<String> {
        report.findings.iter().map(|finding| finding.fingerprint.clone()).collect()
    };
    let moved = format!("\n\n{}", ALL.replace("SELECT id FROM notes", "select id\n        from notes"));
    assert_eq!(print(&run(&lay_out("moved", &[("src/lib.rs", &moved)]), &options())), print(&first));

    let twin =
        "    let _ = sqlx::query(\"SELECT id FROM notes\").execute(pool).await;\n    sqlx::query_scalar";
    let twins = ALL.replace("    sqlx::query_scalar", twin);
    let folder = lay_out("twins", &[("src/lib.rs", &twins)]);
    let two = print(&run(&folder, &options()));
    assert_eq!(two.len(), 2);
    assert_ne!(two.first(), two.last());

    let gone = "0".repeat(32);
    let baseline = print(&first).into_iter().chain([gone.clone()]).collect();
    let report = run(&folder, &Options { baseline, ..options() });
    let new = report.findings.iter().filter(|finding| finding.disposition == Disposition::New);
    assert_eq!(new.count(), 1);
    assert_eq!(report.stale_baseline, [gone]);
}

#[test]
fn what_cannot_be_read_is_listed_and_the_order_is_always_the_same() {
    let folder = lay_out("unread", &[("src/lib.rs", ALL), ("src/broken.rs", "fn (")]);
    std::fs::write(folder.join("src/binary.rs"), b"sqlx::query(\"SELECT 1\") \xff\xfe").expect("writable");
    let first = run(&folder, &options());
    let skipped: Vec<&str> = first.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
    assert!(skipped.contains(&"src/binary.rs"), "{skipped:?}");
    for _ in 0..4 {
        assert_eq!(run(&folder, &options()).skipped, first.skipped);
    }
}

#[test]
fn the_files_of_a_test_module_are_test_code_unless_another_declaration_builds_them_too() {
    let files = [
        ("src/lib.rs", "pub mod db;\n"),
        ("src/db.rs", "#[cfg(test)]\npub(crate) mod fixtures;\n#[cfg(test)]\nmod mock;\n"),
        ("src/main.rs", "#[path = \"db/mock.rs\"]\nmod mock;\n"),
        ("src/db/fixtures.rs", ALL),
        ("src/db/fixtures/more.rs", ALL),
        ("src/db/mock.rs", ALL),
    ];
    let folder = lay_out("test-modules", &files);
    let report = run(&folder, &options());
    let paths = |report: &Report| -> Vec<String> {
        let path = |span: tenantry_span::Span| report.files.path(span.file).to_string_lossy().into_owned();
        report.sites.iter().map(|site| path(site.span)).collect()
    };
    assert_eq!(paths(&report), ["src/db/mock.rs"]);
    let report = run(&folder, &Options { include_tests: true, ..options() });
    assert_eq!(paths(&report), ["src/db/fixtures.rs", "src/db/fixtures/more.rs", "src/db/mock.rs"]);
}

const WRAPPED: &str = "use crate::db;
pub async fn all(store: &db::Store) -> Vec<i64> {
    store.rows(\"SELECT id FROM notes\", &[]).await
}
pub async fn of(store: &db::Store, org_id: i64) -> Vec<i64> {
    db::select(store, \"SELECT id FROM notes WHERE org_id = $1\").with(org_id).all().await
}
";
const OWN_SINKS: &str = "library = \"db\"
crates = [\"crate\"]
dialects = [\"postgres\"]
[[function]]
names = [\"db::select\"]
sql = 1
binds = \"chained:with\"
[[method]]
names = [\"rows\"]
receivers = [\"Store\"]
sql = 0
binds = \"argument:1\"
";

#[test]
fn a_projects_own_sinks_are_sites() {
    let files = [("src/lib.rs", WRAPPED), (".tenantry/sinks/db.toml", OWN_SINKS)];
    let report = run(&lay_out("own-sinks", &files), &options());
    let sites: Vec<(&str, &str, Outcome)> =
        report.sites.iter().map(|site| (&*site.library, &*site.call, site.outcome)).collect();
    assert_eq!(sites, [("db", "rows", Outcome::Leaks), ("db", "db::select", Outcome::Scoped)]);
    assert!(report.diagnostics.is_empty(), "{:?}", report.diagnostics);
}

#[test]
fn faults_in_a_projects_own_sinks_have_a_place() {
    let wrong = OWN_SINKS.replace("chained:with", "chainde:with");
    let files = [("src/lib.rs", WRAPPED), (".tenantry/sinks/db.toml", wrong.as_str())];
    let report = run(&lay_out("wrong-sinks", &files), &options());
    let told = report.diagnostics.first().expect("the fault is told");
    let place = told.primary.span;
    assert_eq!(report.files.path(place.file), Path::new(".tenantry/sinks/db.toml"));
    assert_eq!(place.range.slice(report.files.text(place.file)), "chainde:with");
}

#[test]
fn a_part_of_a_project_is_read_with_the_constants_and_modules_of_the_rest() {
    let using = "use crate::texts::ALL;
pub async fn all(pool: &sqlx::PgPool) { let _ = sqlx::query(ALL).execute(pool).await; }
";
    let files = [
        ("src/lib.rs", "mod db;\nmod texts;\n#[cfg(test)]\nmod fixtures;\n"),
        ("src/texts.rs", "pub const ALL: &str = \"SELECT id FROM notes\";\n"),
        ("src/db.rs", using),
        ("src/fixtures.rs", ALL),
        ("src/other.rs", ALL),
    ];
    let folder = lay_out("part", &files);
    let part = |path: &str| run(&folder, &Options { paths: vec![folder.join(path)], ..options() });
    assert_eq!(rules(&part("src/db.rs")), ["unscoped-query"]);
    assert!(part("src/fixtures.rs").sites.is_empty());
}

#[test]
fn on_a_database_of_one_tenant_nothing_can_cross_but_what_may_run_elsewhere_is_judged_there() {
    let local = "pub async fn all(pool: &sqlx::PgPool, part: &str) -> sqlx::Result<()> {
    sqlx::query(\"DELETE FROM drafts\").execute(pool).await?;
    sqlx::query(\"SELECT id FROM notes\").execute(pool).await?;
    sqlx::query(&format!(\"SELECT id FROM {part}\")).execute(pool).await?;
    Ok(())
}
";
    let database = |crates: &str| {
        format!(
            "{POLICY}[[database]]\nname = \"main\"\nschema = [\"migrations\"]\ncrates = [\"{crates}\"]\n\
             [[database]]\nname = \"local\"\nschema = [\"local\"]\nsingle-tenant = \"a file of the user's\"\n"
        )
    };
    let run_with = |name: &str, crates: &str| {
        let policy = database(crates);
        let table = "CREATE TABLE drafts (id bigint PRIMARY KEY);";
        let files = [("src/lib.rs", local), ("tenantry.toml", policy.as_str()), ("local/1_a.sql", table)];
        let report = run(&lay_out(name, &files), &options());
        assert_eq!(report.diagnostics, []);
        report
    };
    let outcomes = |report: &Report| report.sites.iter().map(|site| site.outcome).collect::<Vec<_>>();
    // Only the first cannot be the other database's: the second is, and the third may be.
    let both = run_with("one-tenant-both", "*");
    assert_eq!(outcomes(&both), [Outcome::Scoped, Outcome::Leaks, Outcome::Undecided]);
    let alone = run_with("one-tenant-alone", "another-*");
    // A table that the database lacks, and a text that is not known, are not understood there either.
    assert_eq!(outcomes(&alone), [Outcome::Scoped, Outcome::Undecided, Outcome::Undecided]);
    let site = alone.sites.first().expect("three sites");
    let why = "every row of the database `local` belongs to one tenant: a file of the user's";
    assert_eq!(site.assumptions, [why]);
    let rules: Vec<&str> = alone.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(rules, ["undecided-query", "undecided-query"]);
}

/// A suppression in each place where one can stand, and what becomes of it.
#[test]
fn a_suppression_can_stand_in_a_comment_an_attribute_the_policy_or_sql() {
    let attribute = |arguments: &str| {
        ALL.replace(
            "pub async fn",
            &format!("#[cfg_attr(false, tenantry::allow({arguments}))]\npub async fn"),
        )
    };
    let allow =
        |more: &str| format!("{POLICY}[[allow]]\nrule = \"unscoped-query\"\npath = \"src/*.rs\"\n{more}");
    let included = ALL.replace("\"SELECT id FROM notes\"", "include_str!(\"all.sql\")");
    let sql = |comment: &str| format!("-- tenantry: {comment}\nSELECT id FROM notes\n");
    let reason = "reason = \"status page\"";
    let forms = |ends: &str, name: &str| -> Vec<(String, Vec<(String, String)>)> {
        let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
        let comment = |text: &str| ALL.replace("    sqlx::", &format!("    // tenantry: {text}\n    sqlx::"));
        let plain = format!("allow(unscoped-query) reason=\"status page\" until={ends}");
        let with_until = format!("unscoped_query, {reason}, until = \"{ends}\"");
        vec![
            (format!("comment-{name}"), vec![file("src/lib.rs", &comment(&plain))]),
            (format!("attribute-{name}"), vec![file("src/lib.rs", &attribute(&with_until))]),
            (
                format!("policy-{name}"),
                vec![
                    file("src/lib.rs", ALL),
                    file("tenantry.toml", &allow(&format!("{reason}\nuntil = \"{ends}\"\n"))),
                ],
            ),
            (format!("sql-{name}"), vec![file("src/lib.rs", &included), file("src/all.sql", &sql(&plain))]),
        ]
    };
    let run_form = |(name, files): &(String, Vec<(String, String)>)| {
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        run(&lay_out(name, &files), &options())
    };
    for form in forms("2026-06-01", "holds") {
        let report = run_form(&form);
        assert_eq!(rules(&report), ["unscoped-query"], "{}", form.0);
        let suppressed = |finding: &tenantry_engine::Finding| {
            matches!(finding.disposition, Disposition::Suppressed { .. })
        };
        assert!(report.findings.iter().all(suppressed), "{}", form.0);
    }
    for form in forms("2026-05-31", "is-over") {
        let report = run_form(&form);
        let mut told = rules(&report);
        told.sort_unstable();
        assert_eq!(told, ["expired-suppression", "unscoped-query"], "{}", form.0);
        let new = report.findings.iter().filter(|finding| finding.disposition == Disposition::New);
        assert_eq!(new.count(), 2, "{}", form.0);
    }
    let silent = [
        ("attribute-silent", vec![("src/lib.rs", attribute("unscoped_query"))]),
        ("sql-silent", vec![("src/lib.rs", included.clone()), ("src/all.sql", sql("allow(unscoped-query)"))]),
    ];
    for (name, files) in &silent {
        let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
        let report = run(&lay_out(name, &files), &options());
        let mut told = rules(&report);
        told.sort_unstable();
        assert_eq!(told, ["unscoped-query", "unused-suppression"], "{name}");
    }
    // In the policy file a missing reason is an error of the file.
    let report =
        run(&lay_out("policy-silent", &[("src/lib.rs", ALL), ("tenantry.toml", &allow(""))]), &options());
    assert!(
        report.diagnostics.iter().any(|told| told.message.contains("reason")),
        "{:?}",
        report.diagnostics
    );
}

#[test]
fn a_table_that_the_policy_gives_a_key_it_lacks_is_never_kept_to_one_tenant() {
    let source = "pub async fn all(pool: &sqlx::PgPool, org_id: i64, id: i64) -> sqlx::Result<()> {
    sqlx::query(\"SELECT body FROM drafts WHERE id = $1\").bind(id).execute(pool).await?;
    sqlx::query(\"UPDATE drafts SET body = ''\").execute(pool).await?;
    sqlx::query(\"INSERT INTO drafts (id, body) VALUES ($1, '')\").bind(org_id).execute(pool).await?;
    sqlx::query(\"SELECT id FROM notes WHERE org_id = $1\").bind(org_id).execute(pool).await?;
    Ok(())
}
";
    let policy = format!("{POLICY}[tables]\ndrafts = {{ key = \"org_id\" }}\n");
    let table = "CREATE TABLE drafts (id bigint PRIMARY KEY, body text);";
    let files = [("src/lib.rs", source), ("tenantry.toml", policy.as_str()), ("migrations/2_a.sql", table)];
    let report = run(&lay_out("key-lacking", &files), &options());
    let outcomes: Vec<Outcome> = report.sites.iter().map(|site| site.outcome).collect();
    assert_eq!(outcomes, [Outcome::Leaks, Outcome::Leaks, Outcome::Leaks, Outcome::Scoped]);
    let told: Vec<&str> = report.diagnostics.iter().map(|told| told.message.as_str()).collect();
    assert_eq!(told, ["table `drafts` has no column `org_id`, so that no query of it keeps to a tenant"]);
}

#[test]
fn a_folder_with_a_policy_of_its_own_is_another_project() {
    let files = [
        ("src/lib.rs", "pub mod db;\n"),
        ("inner/src/lib.rs", ALL),
        ("inner/tenantry.toml", "[tenancy]\nkeys = [\"other_id\"]\n"),
        ("inner/migrations/1_other.sql", "CREATE TABLE others (id BIGINT);"),
    ];
    let report = run(&lay_out("nested", &files), &options());
    assert!(report.sites.is_empty());
    assert_eq!(report.databases.len(), 1);
    let told = report.skipped.iter().find(|skipped| skipped.path == "inner").expect("it is told");
    assert!(told.why.contains("cargo tenantry check inner"), "{}", told.why);
}

#[test]
fn one_bad_text_is_one_finding() {
    let query = |sql: &str| format!("sqlx::query(\"{sql}\").execute(pool).await;");
    let source = format!(
        "pub async fn bad(pool: &sqlx::PgPool) {{\n{}\n{}\n}}\n",
        query("SELECT id FRM notes WHERE org_id = $1 GROUPE BY x WERE y"),
        query("SELEC 1; SELEC 2"),
    );
    let report = run(&lay_out("one-bad-text", &[("src/lib.rs", &source)]), &options());
    assert_eq!(
        rules(&report),
        ["unreadable-sql"; 3],
        "one, and one for each statement: {:#?}",
        report.findings
    );
    assert!(report.sites.iter().all(|site| site.outcome == Outcome::Undecided));
}

#[test]
fn a_comment_in_the_text_of_a_query_covers_it() {
    let source = "const LIST: &str = \"
        -- tenantry: allow(unscoped-query) reason=\\\"a job over all tenants\\\"
        SELECT id FROM notes\";
pub async fn list(pool: &sqlx::PgPool) {
    sqlx::query(LIST).execute(pool).await;
    sqlx::query(LIST).execute(pool).await;
    sqlx::query(\"SELECT body FROM notes\").execute(pool).await;
    sqlx::query(r#\"/* tenantry: allow(unscoped-query) reason=\"not needed\" */ SELECT 1\"#).execute(pool).await;
    sqlx::query(\"SELECT id FROM notes -- tenantry: allow(unscoped-query)\").execute(pool).await;
}
";
    let report = run(&lay_out("in-text", &[("src/lib.rs", source)]), &options());
    let text = report.files.text(report.findings.first().expect("findings").primary.file);
    let told: Vec<(&str, bool, &str)> = report
        .findings
        .iter()
        .map(|finding| {
            let suppressed = matches!(finding.disposition, Disposition::Suppressed { .. });
            (finding.rule, suppressed, finding.primary.range.slice(text))
        })
        .collect();
    let with_reason = "/* tenantry: allow(unscoped-query) reason=\"not needed\" */";
    let without = "-- tenantry: allow(unscoped-query)";
    let expected = [
        ("unscoped-query", true, "notes"),
        ("unscoped-query", true, "notes"),
        ("unscoped-query", false, "notes"),
        ("unused-suppression", false, with_reason),
        ("unscoped-query", false, "notes"),
        ("unused-suppression", false, without),
    ];
    assert_eq!(told, expected);
}
