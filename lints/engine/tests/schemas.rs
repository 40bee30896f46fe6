//! Rules about schemas: what is asked for, what of the schema a verdict names as its reason, and what is mended.

use std::path::{Path, PathBuf};

use tenantry_engine::{Options, Report, check, line_col};
use tenantry_policy::Date;

const POLICY: &str = "[tenancy]\nkeys = [\"org_id\"]\nroot = \"orgs.id\"\n[trust]\ntypes = [\"crate::Tenant\"]\n\
                      [[database]]\ndialect = \"postgres\"\nschema = [\"migrations\"]\n";

fn lay_out(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("schemas").join(name);
    let _ = std::fs::remove_dir_all(&folder);
    let common = [
        ("Cargo.toml", "[workspace]\n[package]\nname = \"notes\"\nversion = \"0.1.0\"\n"),
        ("tenantry.toml", POLICY),
    ];
    for (path, text) in common.iter().chain(files) {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().expect("a file lies in a folder")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
    folder
}

fn run(folder: &Path) -> Report {
    let options = Options::on(Date { year: 2026, month: 6, day: 1 });
    check(tenantry_project::load(folder), &options).expect("the run can be made")
}

/// The findings: the rule, and what related places in the schema say, with their lines.
fn told(report: &Report) -> Vec<(&str, Vec<String>)> {
    let findings = report.findings.iter().map(|finding| {
        let in_schema = finding
            .related
            .iter()
            .filter(|(span, _)| report.files.path(span.file).extension().is_some_and(|end| end == "sql"));
        let said = in_schema.map(|(span, word)| format!("{}: {word}", line_col(&report.files, *span).line));
        (finding.rule, said.collect())
    });
    findings.collect()
}

fn query(sql: &str) -> String {
    format!(
        "use crate::Tenant;\npub async fn run(pool: &sqlx::PgPool, tenant: Tenant, id: i64) {{\n    \
         let _ = sqlx::query(\"{sql}\").bind(tenant.id).bind(id).execute(pool).await;\n}}\n"
    )
}

const TABLES: &str = "CREATE TABLE orgs (id BIGINT PRIMARY KEY);
CREATE TABLE projects (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id), UNIQUE (org_id, id));
CREATE TABLE tasks (
    id BIGINT PRIMARY KEY,
    org_id BIGINT NOT NULL REFERENCES orgs (id),
    project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    name TEXT NOT NULL UNIQUE
);
";

#[test]
fn a_verdict_names_the_key_that_made_it() {
    let told_of = |name: &str, tables: &str, sql: &str| {
        let folder = lay_out(name, &[("migrations/1_init.sql", tables), ("src/lib.rs", &query(sql))]);
        let report = run(&folder);
        let told = told(&report);
        let told: Vec<(String, Vec<String>)> =
            told.into_iter().map(|(rule, said)| (rule.to_owned(), said)).collect();
        told
    };
    let one = |rule: &str, said: &str| vec![(rule.to_owned(), vec![said.to_owned()])];
    let upsert = "INSERT INTO tasks (id, org_id, project_id, name) \
                  SELECT $2, $1, id, 'x' FROM projects WHERE org_id = $1 \
                  ON CONFLICT (name) DO UPDATE SET name = 'y'";
    let found = told_of("unique", TABLES, upsert);
    let said: Vec<&String> = found.iter().flat_map(|(_, said)| said).collect();
    assert!(
        said.iter().any(|said| said.as_str()
            == "7: the unique key (name) of `tasks` does not contain the tenant key (unique-without-tenant-key)"),
        "{found:?}"
    );
    assert_eq!(
        told_of("cascade", TABLES, "DELETE FROM projects WHERE org_id = $1 AND id = $2"),
        one(
            "cascade-crosses-tenants",
            "6: the foreign key (project_id) of `tasks` acts without the tenant key (cascade-crosses-tenants)"
        )
    );
    let join =
        "SELECT t.id FROM tasks t JOIN projects p ON p.id = t.project_id WHERE p.org_id = $1 AND t.id = $2";
    assert_eq!(
        told_of("join", TABLES, join),
        one(
            "joined-table-not-tied",
            "6: the foreign key (project_id) of `tasks` does not contain the tenant key, so that the two may be of two \
             tenants (foreign-key-crosses-tenants)"
        )
    );
    // Another join says nothing of the foreign key.
    let other = "SELECT t.id FROM tasks t JOIN projects p ON p.id = t.id WHERE p.org_id = $1 AND t.id = $2";
    assert_eq!(told_of("other", TABLES, other), vec![("joined-table-not-tied".to_owned(), Vec::new())]);
    let composite = TABLES.replace(
        "project_id BIGINT NOT NULL REFERENCES projects (id) ON DELETE CASCADE,",
        "project_id BIGINT NOT NULL,\n    FOREIGN KEY (org_id, project_id) REFERENCES projects (org_id, id),",
    );
    assert_eq!(told_of("composite", &composite, join), Vec::new(), "tied along the foreign key");
    let nullable = composite.replace("    org_id BIGINT NOT NULL", "    org_id BIGINT");
    let found = told_of("nullable", &nullable, join);
    assert!(
        found.contains(&(
            "joined-table-not-tied".to_owned(),
            vec!["5: `org_id` may be NULL, and the foreign key (org_id, project_id) holds for no such row (tenant-key-nullable)".to_owned()]
        )),
        "{found:?}"
    );
}

#[test]
fn what_is_off_by_default_is_told_of_a_schema_where_the_policy_asks_for_it() {
    let schema = [("migrations/1_init.sql", TABLES)];
    assert_eq!(told(&run(&lay_out("silent", &schema))), []);
    let asked = |rules: &str| {
        let policy = format!("{POLICY}[scan]\nenable = [{rules}]\n");
        let folder = lay_out("asked", &[schema[0], ("tenantry.toml", &policy)]);
        let report = run(&folder);
        report.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    assert_eq!(asked("\"foreign-key-crosses-tenants\""), ["foreign-key-crosses-tenants"]);
    assert_eq!(asked("\"unique-without-tenant-key\""), ["unique-without-tenant-key"]);
    // Of one cause only the more specific rule is told.
    let both = asked("\"foreign-key-crosses-tenants\", \"cascade-crosses-tenants\"");
    assert_eq!(both, ["cascade-crosses-tenants"]);
}

#[test]
fn a_migration_is_offered_only_for_what_it_mends() {
    let tables = "CREATE TABLE orgs (id BIGINT PRIMARY KEY);
CREATE TABLE notes (id BIGINT PRIMARY KEY, org_id BIGINT REFERENCES orgs (id) ON DELETE SET NULL);
CREATE TABLE tags (id BIGINT PRIMARY KEY, org_id BIGINT REFERENCES orgs (id));
";
    let policy = format!("{POLICY}[scan]\nenable = [\"tenant-key-nullable\"]\n");
    let report = run(&lay_out("plain", &[("migrations/1_init.sql", tables), ("tenantry.toml", &policy)]));
    let offered = report.findings.iter().map(|finding| {
        let migration = finding.fix.as_ref().and_then(|fix| fix.migration.as_ref());
        (finding.table.as_str(), migration.map(|migration| migration.up.parts.concat()))
    });
    let set = "-- tenant-key-nullable\nALTER TABLE tags ALTER COLUMN org_id SET NOT NULL;\n".to_owned();
    // The column that a foreign key empties has to stay nullable.
    assert_eq!(offered.collect::<Vec<_>>(), [("notes", None), ("tags", Some(set))]);
}

const ACCOUNTS: &str = "CREATE TABLE orgs (id BIGINT PRIMARY KEY);
CREATE TABLE accounts (
    id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id), balance BIGINT, UNIQUE (org_id, id)
);
CREATE TABLE payments (
    id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id),
    account_id BIGINT NOT NULL REFERENCES accounts (id), amount BIGINT
);
";

/// How often a rule is told of a schema.
fn count(rule: &str, schema: &str) -> usize {
    // Tests run beside each other.
    let folder = lay_out(&format!("counted-{rule}"), &[("migrations/1_init.sql", schema)]);
    let report = run(&folder);
    assert!(report.databases.iter().all(|database| database.skipped.is_empty()), "{schema}");
    report.findings.iter().filter(|finding| finding.rule == rule).count()
}

#[test]
fn only_what_a_trigger_plainly_writes_of_others_is_told() {
    let told = |body: &str, options: &str, after: &str| {
        let schema = format!(
            "{ACCOUNTS}CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql {options} AS $$
DECLARE v BIGINT; BEGIN {body} RETURN NEW; END $$;
CREATE TRIGGER t AFTER INSERT OR UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION f();\n{after}"
        );
        count("trigger-crosses-tenants", &schema)
    };
    let open = "UPDATE accounts SET balance = 0 WHERE id = NEW.account_id;";
    for body in [
        open,
        "DELETE FROM accounts WHERE id = NEW.account_id;",
        "INSERT INTO accounts (id, org_id) VALUES (NEW.id, 7);",
        "RAISE NOTICE 'x'; UPDATE accounts SET balance = 0 WHERE id = new.account_id;",
        "IF TG_OP = 'INSERT' THEN UPDATE accounts SET balance = 0 WHERE id = NEW.account_id; END IF;",
    ] {
        assert_eq!(told(body, "", ""), 1, "{body}");
    }
    for body in [
        "UPDATE accounts SET balance = 0 WHERE id = NEW.account_id AND org_id = NEW.org_id;",
        "UPDATE accounts SET balance = 0 WHERE id = OLD.account_id AND org_id = OLD.org_id;",
        "UPDATE payments SET amount = 1 WHERE id = NEW.id;",
        "INSERT INTO accounts (id, org_id) VALUES (NEW.id, NEW.org_id);",
        // What a variable holds, and what was asked before, is not known.
        "UPDATE accounts SET balance = 0 WHERE id = v;",
        "IF NEW.amount < 0 THEN RAISE EXCEPTION 'no'; END IF; UPDATE accounts SET balance = 0 WHERE id = NEW.account_id;",
        "-- UPDATE accounts SET balance = 0;\nNULL;",
        "PERFORM pg_notify('x', 'BEGIN UPDATE accounts SET balance = 0; END');",
        "EXECUTE format('UPDATE accounts SET balance = 0');",
    ] {
        assert_eq!(told(body, "", ""), 0, "{body}");
    }
    assert_eq!(told(open, "", "DROP TRIGGER t ON payments;"), 0);
    assert_eq!(told(open, "", "ALTER TABLE payments DISABLE TRIGGER t;"), 0);
    let policies =
        "ALTER TABLE accounts ENABLE ROW LEVEL SECURITY; ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON accounts USING (org_id = current_setting('app.org')::bigint);";
    assert_eq!(told(open, "", policies), 0, "the policies bind it");
    let definer = "SECURITY DEFINER SET search_path = public, pg_temp";
    assert_eq!(told(open, definer, policies), 1, "the policies do not bind the owner");
}

#[test]
fn a_search_path_is_trusted_where_nobody_else_may_create() {
    let told = |options: &str, body: &str, after: &str| {
        let schema = format!(
            "{ACCOUNTS}CREATE FUNCTION g() RETURNS bigint LANGUAGE sql {options} AS '{body}';\n{after}"
        );
        count("untrusted-schema-in-search-path", &schema)
    };
    let reads = "SELECT count(*) FROM accounts";
    assert_eq!(told("SECURITY DEFINER SET search_path = public", reads, ""), 1);
    assert_eq!(told("SECURITY DEFINER SET search_path = pg_temp, public", reads, ""), 1);
    assert_eq!(told("SECURITY DEFINER SET search_path = \"$user\", public", reads, ""), 1);
    assert_eq!(told("SECURITY DEFINER SET search_path = public, pg_temp", reads, ""), 0);
    assert_eq!(
        told("SECURITY DEFINER SET search_path = public", "SELECT count(*) FROM public.accounts", ""),
        0
    );
    assert_eq!(told("SECURITY DEFINER SET search_path = ''", "SELECT 1", ""), 0);
    assert_eq!(told("SET search_path = pg_temp, public", reads, ""), 0);
    let later = "ALTER FUNCTION g SET search_path = public, pg_temp;";
    assert_eq!(told("SECURITY DEFINER SET search_path = public", reads, later), 0);
    for (grants, expected) in [
        ("GRANT CREATE ON SCHEMA public TO PUBLIC;", 1),
        ("GRANT ALL ON SCHEMA public TO PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC;", 0),
        ("GRANT USAGE ON SCHEMA public TO PUBLIC;", 0),
        ("GRANT ALL ON SCHEMA public TO service;", 0),
        ("CREATE SCHEMA apart; GRANT ALL ON SCHEMA apart TO PUBLIC;", 0),
    ] {
        assert_eq!(told("", "SELECT 1", grants), expected, "{grants}");
    }
}

#[test]
fn what_counts_is_what_a_policy_says_and_not_how_it_is_written() {
    let told = |condition: &str| {
        let schema = format!(
            "CREATE TABLE orgs (id BIGINT PRIMARY KEY);
CREATE TABLE notes (id BIGINT PRIMARY KEY, org_id BIGINT NOT NULL REFERENCES orgs (id), kind TEXT);
ALTER TABLE notes ENABLE ROW LEVEL SECURITY; ALTER TABLE notes FORCE ROW LEVEL SECURITY;
CREATE POLICY p ON notes USING ({});",
            condition.replace("SET", "nullif(current_setting('app.org', true), '')")
        );
        let policy = format!("{POLICY}app-role = \"app\"\nowner-role = \"boss\"\n")
            .replace("[trust]", "[trust]\nsetting = \"app.org\"");
        let files = [("migrations/1_init.sql", schema.as_str()), ("tenantry.toml", policy.as_str())];
        let report = run(&lay_out("conditions", &files));
        report.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>()
    };
    for open in [
        "SET IS NULL OR org_id = SET::bigint",
        "(org_id <> SET::bigint) IS NOT TRUE",
        "NOT coalesce(org_id <> SET::bigint, false)",
        "org_id = coalesce(SET::bigint, org_id)",
        "length(coalesce(current_setting('app.org', true), '')) = 0 OR org_id = SET::bigint",
        "org_id IS NOT DISTINCT FROM coalesce((SELECT SET::bigint), org_id)",
        "CASE WHEN SET IS NULL THEN true ELSE org_id = SET::bigint END",
        "kind = 'open' AND (SET IS NULL OR org_id = SET::bigint)",
        "kind IS NULL OR SET IS NULL OR org_id = SET::bigint",
        "current_setting('app.org', true) IN ('', '0') OR org_id = SET::bigint",
    ] {
        assert_eq!(told(open), ["policy-missing-setting-allows"], "{open}");
    }
    for closed in [
        "org_id = SET::bigint",
        "(org_id = SET::bigint) IS TRUE",
        "coalesce(org_id = SET::bigint, false)",
        "SET IS NOT NULL AND org_id = SET::bigint",
        "org_id = SET::bigint AND (current_setting('app.kind', true) IS NULL OR kind = current_setting('app.kind', true))",
        "org_id = SET::bigint OR current_setting('app.all', true) = 'on' AND is_operator(org_id)",
        // An error lets nothing through.
        "org_id = current_setting('app.org')::bigint OR current_setting('app.org') = ''",
        "(SET IS NULL OR org_id = SET::bigint) AND current_setting('app.user', true) <> ''",
    ] {
        assert!(!told(closed).contains(&"policy-missing-setting-allows"), "{closed}");
    }
    for always in [
        "NOT false",
        "org_id = org_id",
        "org_id IS NOT NULL",
        "kind = 'x' OR 1 < 2",
        "coalesce(true, kind = 'x')",
    ] {
        assert_eq!(told(always), ["policy-always-true"], "{always}");
    }
    for other in [
        "id = SET::bigint",
        "kind = SET",
        "kind = current_user",
        "org_id = 7",
        "kind = 'x' AND (org_id IS NOT NULL OR org_id = SET::bigint)",
        "id = current_setting('app.user')::bigint",
    ] {
        assert_eq!(told(other), ["policy-ignores-tenant-key"], "{other}");
    }
}
