//! Bodies: what is read, and which calls and triggers stay inside the tenant.

use proptest::prelude::*;
use tenantry_policy::Dialect;
use tenantry_span::FileId;

use super::{What, read};
use crate::bind::bind;
use crate::catalog::{Catalog, QualifiedName};
use crate::lower::{apply, on_deep_stack, statements};
use crate::prove::prove;
use crate::tenancy::{Domain, DomainId, TableOwner, TableTenancy, Tenancy};
use crate::triggers::judged;
use crate::verdict::{Nullability, TenantSource, TenantValue, Verdict};

const SCHEMA: &str = "
    CREATE TABLE orgs (id bigint PRIMARY KEY, name text);
    CREATE TABLE orders (id bigint PRIMARY KEY, org_id bigint NOT NULL REFERENCES orgs, total int, at timestamptz);
    CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id bigint NOT NULL, what text);
    CREATE TABLE loose (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, org_id bigint, what text);
    CREATE TABLE users (id bigint PRIMARY KEY, org_id bigint NOT NULL, email text UNIQUE);
    CREATE TABLE plans (id int PRIMARY KEY, price int);
    CREATE TABLE jobs (id bigint PRIMARY KEY, org_id bigint NOT NULL, state text);
    CREATE TABLE items (id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES orders, n int);
";

fn tenancy() -> Tenancy {
    let domain = DomainId(0);
    let keyed = |key: &str| TableOwner::Keyed { keys: vec![(key.to_owned(), domain)], null_is_shared: false };
    let owners = [
        ("orgs", TableOwner::Root { keys: vec![("id".to_owned(), domain)] }),
        ("orders", keyed("org_id")),
        ("audit", keyed("org_id")),
        ("loose", keyed("org_id")),
        ("users", keyed("org_id")),
        ("jobs", keyed("org_id")),
        ("plans", TableOwner::Shared),
        (
            "items",
            TableOwner::Child {
                parent: QualifiedName { schema: "public".to_owned(), name: "orders".to_owned() },
                by: "order_id".to_owned(),
                parent_column: "id".to_owned(),
            },
        ),
    ];
    let name = |name: &str| QualifiedName { schema: "public".to_owned(), name: name.to_owned() };
    let tables =
        owners.into_iter().map(|(table, owner)| (name(table), TableTenancy { owner, why: String::new() }));
    Tenancy {
        domains: vec![Domain { name: "orgs.id".to_owned() }],
        tables: tables.collect(),
        settings: vec!["app.org".to_owned()],
        ..Tenancy::default()
    }
}

/// The verdict on a statement beside some definitions, with `$1` and `app.org` as the tenant.
fn verdict(definitions: &str, sql: &str) -> Verdict {
    on_deep_stack(|| {
        let mut catalog = Catalog::empty(Dialect::Postgres);
        apply(Dialect::Postgres, &mut catalog, FileId(0), SCHEMA);
        apply(Dialect::Postgres, &mut catalog, FileId(1), definitions);
        assert!(catalog.skipped.is_empty(), "{:?}", catalog.skipped);
        let tenancy = tenancy();
        let parsed = statements(Dialect::Postgres, sql);
        let plan = bind(Dialect::Postgres, &catalog, &tenancy, &parsed[0]);
        let sources = [TenantSource::Param(1), TenantSource::Setting("app.org".to_owned())].into();
        let tenant = TenantValue { sources, nullable: Nullability::Never, ..TenantValue::default() };
        prove(&catalog, &tenancy, &plan, &[tenant])
    })
    .expect("a deep stack")
}

fn is_scoped(definitions: &str, sql: &str) -> bool {
    matches!(verdict(definitions, sql), Verdict::Scoped(_))
}

fn function(head: &str, body: &str) -> String {
    format!("CREATE FUNCTION {head} LANGUAGE plpgsql AS $body$ {body} $body$;")
}

#[test]
fn all_statements_of_a_body_are_found() {
    let text = "
    <<top>>
    DECLARE
        n int NOT NULL := 1; t constant text default 'x;y'; r record; c CURSOR (k bigint) FOR SELECT * FROM orders WHERE org_id = k;
        other ALIAS FOR $1;
    BEGIN
        n := n + 1; r.total = 2; n[1] := 3;
        IF n > 1 THEN PERFORM 1; ELSIF n = 2 THEN NULL; ELSE RAISE NOTICE 'a % b', n USING hint = 'h', errcode = '22000'; END IF;
        CASE n WHEN 1, 2 THEN n := 1; ELSE n := 2; END CASE;
        CASE WHEN n = 1 THEN n := 1; END CASE;
        FOR i IN REVERSE 10..1 BY 2 LOOP n := i; EXIT WHEN n > 3; END LOOP;
        FOR i IN n..n+1 LOOP CONTINUE; END LOOP;
        FOR r IN SELECT * FROM orders LOOP NULL; END LOOP;
        FOR r IN c(1) LOOP NULL; END LOOP;
        FOR r IN EXECUTE 'SELECT 1' USING n LOOP NULL; END LOOP;
        FOREACH n SLICE 1 IN ARRAY ARRAY[1] LOOP NULL; END LOOP;
        WHILE n < 3 LOOP n := n + 1; END LOOP;
        <<l>> LOOP EXIT l; END LOOP l;
        SELECT total INTO STRICT n FROM orders;
        INSERT INTO audit (org_id) VALUES (1) RETURNING id INTO n;
        EXECUTE format('SELECT %s', n) INTO n USING n, 2;
        OPEN c(1); FETCH NEXT FROM c INTO r; CLOSE c;
        GET DIAGNOSTICS n = ROW_COUNT;
        BEGIN DELETE FROM orders; EXCEPTION WHEN unique_violation OR SQLSTATE '22012' THEN n := 0; WHEN others THEN RAISE; END;
        ASSERT n > 0, 'no';
        RETURN QUERY SELECT 1; RETURN QUERY EXECUTE 'SELECT $1' USING n; RETURN NEXT; RETURN NEXT n; RETURN n;
    END top";
    let body = read(text);
    assert_eq!(body.unread, Vec::new());
    let shown: Vec<&str> = body.parts.iter().map(|part| part.range.slice(text)).collect();
    for expected in [
        "n + 1",
        "'x;y'",
        "SELECT * FROM orders WHERE org_id = k",
        "1, 2",
        "10..1 BY 2",
        "n..n+1",
        "SELECT * FROM orders",
        "'SELECT 1'",
        "SELECT total INTO STRICT n FROM orders",
        "INSERT INTO audit (org_id) VALUES (1) RETURNING id INTO n",
        "format('SELECT %s', n)",
        "DELETE FROM orders",
        "'22000'",
        "'no'",
    ] {
        assert!(shown.contains(&expected), "{expected}: {shown:#?}");
    }
    let made = |place: &str| {
        body.parts.iter().find(|part| part.range.slice(text) == place).map(|part| part.text.trim())
    };
    assert_eq!(
        made("SELECT total INTO STRICT n FROM orders"),
        Some("SELECT total               FROM orders")
    );
    assert_eq!(made("n..n+1"), Some("SELECT n, n+1"));
    let handled: Vec<&str> =
        body.parts.iter().filter(|part| part.handled).map(|part| part.range.slice(text)).collect();
    assert_eq!(handled, ["DELETE FROM orders", "0"]);
    assert_eq!(body.parts.iter().filter(|part| matches!(part.what, What::Dynamic { .. })).count(), 3);
}

#[test]
fn what_is_not_read_is_told() {
    for body in [
        "",
        "begin",
        "begin return 1 end",
        "begin return new; end; begin delete from orders; end",
        "#variable_conflict use_variable\nbegin return 1; end",
        "begin open c for select 1; end",
        "declare c refcursor; begin fetch c into x; end",
        "begin commit; end",
        "begin call f(); end",
        "declare x text collate ci; begin end",
        "begin if a then b := 1; end",
        "begin select 1 into a into b; end",
        "begin fetch p into x; end",
        "declare c cursor for select 1; begin c := p; fetch c into x; end",
        "declare c cursor for select 1; begin select p into c; fetch c into x; end",
    ] {
        assert!(!read(body).unread.is_empty(), "{body}");
    }
    let deep = format!("{}{}", "begin if a then ".repeat(5_000), "end if; end;".repeat(5_000));
    assert!(!read(&deep).unread.is_empty());
}

proptest! {
    #[test]
    fn any_text_is_read(text in "\\PC{0,120}") {
        let _ = read(&text);
    }

    #[test]
    fn any_words_are_read(words in proptest::collection::vec(
        prop::sample::select(vec![
            "begin", "end", ";", "declare", "if", "then", "else", "loop", "for", "in", "(", ")", "[", "]", "..", "1..2",
            ":=", "=", "x", "select", "into", "case", "when", "exception", "execute", "using", ",", "'a'", "$$", "return",
            "query", "é", "<<", ">>", ".", "cursor", "fetch", "open", "get", "diagnostics", "raise", "foreach", "array",
        ]), 0..60)) {
        let text = words.join(" ");
        let body = read(&text);
        for part in body.parts {
            let _ = part.range.slice(&text);
        }
    }
}

#[test]
fn functions_that_keep_inside_the_tenant_they_are_handed() {
    for (head, body, call) in [
        (
            "f(p_org bigint) RETURNS int",
            "BEGIN RETURN (SELECT sum(total) FROM orders WHERE org_id = p_org); END",
            "SELECT f($1)",
        ),
        (
            "f(p_org bigint) RETURNS int STABLE",
            "BEGIN RETURN (SELECT sum(total) FROM orders WHERE org_id = $1); END",
            "SELECT f($1), o.id FROM orders o WHERE o.org_id = $1",
        ),
        (
            "f(p_org bigint, n int) RETURNS void",
            "BEGIN UPDATE orders SET total = n WHERE orders.org_id = f.p_org; END",
            "SELECT * FROM f($1, $2)",
        ),
        (
            "f(n int, p_org bigint) RETURNS void",
            "DECLARE v_id bigint; BEGIN SELECT id INTO v_id FROM orders WHERE org_id = p_org LIMIT 1; DELETE FROM orders WHERE id = v_id AND org_id = p_org; END",
            "SELECT f($2, $1)",
        ),
        (
            "f(p_org bigint) RETURNS TABLE (o_id bigint, o_total int)",
            "BEGIN RETURN QUERY SELECT id, total FROM orders WHERE org_id = p_org; END",
            "SELECT o_id FROM f($1)",
        ),
        (
            "f(p_org bigint) RETURNS SETOF orders",
            "DECLARE r orders%ROWTYPE; BEGIN FOR r IN SELECT * FROM orders WHERE org_id = p_org LOOP IF r.total > 1 THEN RETURN NEXT r; END IF; END LOOP; END",
            "SELECT * FROM f($1)",
        ),
        (
            "f(p_org bigint) RETURNS void",
            "DECLARE o bigint := p_org; BEGIN INSERT INTO audit (org_id, what) VALUES (o, 'x'); END",
            "SELECT f($1::bigint)",
        ),
        (
            "f(p_org bigint) RETURNS void",
            "DECLARE o orders.org_id%TYPE := p_org; BEGIN DELETE FROM orders WHERE org_id = o; END",
            "SELECT f($1)",
        ),
        (
            "f(p_org bigint) RETURNS void",
            "BEGIN EXECUTE 'DELETE FROM orders WHERE org_id = $1' USING p_org; END",
            "SELECT f($1)",
        ),
        (
            "f() RETURNS int",
            "BEGIN RETURN (SELECT count(*) FROM orders WHERE org_id = current_setting('app.org')::bigint); END",
            "SELECT f()",
        ),
        (
            "f(p_org bigint) RETURNS int SECURITY DEFINER",
            "BEGIN RETURN (SELECT count(*) FROM orders WHERE org_id = p_org); END",
            "SELECT f(current_setting('app.org')::bigint)",
        ),
        ("f(n int) RETURNS int", "BEGIN RETURN (SELECT price FROM plans WHERE id = n); END", "SELECT f($2)"),
    ] {
        let verdict = verdict(&function(head, body), call);
        assert!(matches!(verdict, Verdict::Scoped(_)), "{body} {call}: {verdict:#?}");
    }
}

#[test]
fn functions_that_may_leave_the_tenant_are_not_believed() {
    let org = "f(p_org bigint) RETURNS int";
    let gone = "DELETE FROM orders WHERE org_id = p_org;";
    for (head, body, call) in [
        // Another value than the tenant is handed over.
        (org, "BEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END", "SELECT f($2)"),
        (org, "BEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END", "SELECT f($1 + 1)"),
        (org, "BEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END", "SELECT f(7)"),
        (
            org,
            "BEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END",
            "SELECT f(o.org_id) FROM orders o",
        ),
        (org, "BEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END", "SELECT f(coalesce($1, 1))"),
        (
            "f(n int, p_org bigint) RETURNS int",
            "BEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END",
            "SELECT f($1, $2)",
        ),
        // The parameter is something else by the time.
        (org, &format!("BEGIN p_org := 5; {gone} RETURN 1; END"), "SELECT f($1)"),
        (org, &format!("BEGIN p_org = 5; {gone} RETURN 1; END"), "SELECT f($1)"),
        (org, &format!("BEGIN f.p_org := 5; {gone} RETURN 1; END"), "SELECT f($1)"),
        (org, &format!("BEGIN SELECT 5 INTO p_org; {gone} RETURN 1; END"), "SELECT f($1)"),
        (org, &format!("BEGIN SELECT 5 INTO STRICT f.p_org; {gone} RETURN 1; END"), "SELECT f($1)"),
        (
            org,
            &format!("BEGIN INSERT INTO plans VALUES (1, 1) RETURNING id INTO p_org; {gone} RETURN 1; END"),
            "SELECT f($1)",
        ),
        (org, &format!("BEGIN EXECUTE 'SELECT 5' INTO p_org; {gone} RETURN 1; END"), "SELECT f($1)"),
        (
            org,
            &format!("BEGIN FOR p_org IN SELECT id FROM plans LOOP {gone} END LOOP; RETURN 1; END"),
            "SELECT f($1)",
        ),
        (org, &format!("BEGIN FOR p_org IN 1..9 LOOP {gone} END LOOP; RETURN 1; END"), "SELECT f($1)"),
        (
            org,
            &format!("BEGIN FOREACH p_org IN ARRAY ARRAY[1, 2] LOOP {gone} END LOOP; RETURN 1; END"),
            "SELECT f($1)",
        ),
        (org, &format!("BEGIN GET DIAGNOSTICS p_org = ROW_COUNT; {gone} RETURN 1; END"), "SELECT f($1)"),
        (
            org,
            &format!("DECLARE c CURSOR FOR SELECT 5; BEGIN OPEN c; FETCH c INTO p_org; {gone} RETURN 1; END"),
            "SELECT f($1)",
        ),
        (org, &format!("DECLARE o ALIAS FOR $1; BEGIN o := 5; {gone} RETURN 1; END"), "SELECT f($1)"),
        (
            org,
            &format!("DECLARE o ALIAS FOR p_org; q ALIAS FOR o; BEGIN q := 5; {gone} RETURN 1; END"),
            "SELECT f($1)",
        ),
        (org, &format!("DECLARE p_org bigint := 5; BEGIN {gone} RETURN 1; END"), "SELECT f($1)"),
        (org, &format!("BEGIN DECLARE p_org bigint := 5; BEGIN {gone} END; RETURN 1; END"), "SELECT f($1)"),
        ("f(INOUT p_org bigint)", &format!("BEGIN p_org := 5; {gone} END"), "SELECT f($1)"),
        (
            org,
            "DECLARE o bigint := p_org; BEGIN o := o + 1; DELETE FROM orders WHERE org_id = o; RETURN 1; END",
            "SELECT f($1)",
        ),
        (
            org,
            "DECLARE o bigint := p_org + 1; BEGIN DELETE FROM orders WHERE org_id = o; RETURN 1; END",
            "SELECT f($1)",
        ),
        (
            org,
            "DECLARE o bigint; BEGIN DELETE FROM orders WHERE org_id = o; RETURN p_org; END",
            "SELECT f($1)",
        ),
        ("f(p_org float8) RETURNS int", &format!("BEGIN {gone} RETURN 1; END"), "SELECT f($1)"),
        // What a name means.
        (
            "f(org_id bigint) RETURNS int",
            "BEGIN DELETE FROM orders WHERE org_id = org_id; RETURN 1; END",
            "SELECT f($1)",
        ),
        (
            org,
            "#variable_conflict use_variable\nBEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END",
            "SELECT f($1)",
        ),
        (org, "BEGIN RETURN (SELECT count(*) FROM orders p_org WHERE org_id = p_org); END", "SELECT f($1)"),
        (org, "BEGIN RETURN (SELECT count(*) FROM orders WHERE org_id = g.p_org); END", "SELECT f($1)"),
        // Some statement reaches others' rows.
        (org, "BEGIN RETURN (SELECT count(*) FROM orders); END", "SELECT f($1)"),
        (org, "BEGIN RETURN count(*) FROM orders; END", "SELECT f($1)"),
        (org, "BEGIN DELETE FROM orders WHERE org_id = p_org OR total > 1; RETURN 1; END", "SELECT f($1)"),
        (org, "BEGIN IF EXISTS (SELECT 1 FROM orders) THEN RETURN 1; END IF; RETURN 2; END", "SELECT f($1)"),
        (
            org,
            "BEGIN WHILE (SELECT count(*) FROM orders) > 1 LOOP NULL; END LOOP; RETURN 2; END",
            "SELECT f($1)",
        ),
        (
            org,
            "BEGIN CASE (SELECT count(*) FROM orders) WHEN 1 THEN NULL; END CASE; RETURN 2; END",
            "SELECT f($1)",
        ),
        (
            org,
            "BEGIN CASE p_org WHEN 1, (SELECT count(*) FROM orders) THEN NULL; END CASE; RETURN 2; END",
            "SELECT f($1)",
        ),
        (
            org,
            "BEGIN FOR i IN 1..(SELECT count(*) FROM orders) LOOP NULL; END LOOP; RETURN 2; END",
            "SELECT f($1)",
        ),
        (
            org,
            "BEGIN FOR i IN 1..9 BY (SELECT count(*) FROM orders) LOOP NULL; END LOOP; RETURN 2; END",
            "SELECT f($1)",
        ),
        (org, "BEGIN LOOP EXIT WHEN EXISTS (SELECT 1 FROM orders); END LOOP; RETURN 2; END", "SELECT f($1)"),
        (org, "BEGIN RAISE NOTICE '%', (SELECT count(*) FROM orders); RETURN 2; END", "SELECT f($1)"),
        (
            org,
            "BEGIN RAISE NOTICE 'x' USING hint = (SELECT name FROM orgs LIMIT 1); RETURN 2; END",
            "SELECT f($1)",
        ),
        (org, "BEGIN ASSERT (SELECT count(*) FROM orders) > 1; RETURN 2; END", "SELECT f($1)"),
        (org, "DECLARE n int := (SELECT count(*) FROM orders); BEGIN RETURN n; END", "SELECT f($1)"),
        (
            org,
            "DECLARE n int[]; BEGIN n[(SELECT count(*) FROM orders)] := 1; RETURN n[1]; END",
            "SELECT f($1)",
        ),
        (
            org,
            "DECLARE c CURSOR FOR SELECT id FROM orders; n int; BEGIN OPEN c; FETCH c INTO n; RETURN n; END",
            "SELECT f($1)",
        ),
        (
            org,
            "DECLARE c CURSOR (k bigint) FOR SELECT id FROM orders WHERE org_id = k; n int; BEGIN OPEN c(5); FETCH c INTO n; RETURN n; END",
            "SELECT f($1)",
        ),
        (
            org,
            "DECLARE r record; BEGIN FOR r IN SELECT * FROM orders WHERE org_id = p_org LOOP DELETE FROM orders WHERE id = r.id + 1; END LOOP; RETURN 1; END",
            "SELECT f($1)",
        ),
        (
            org,
            "DECLARE r record; BEGIN SELECT org_id INTO r FROM plans, orders WHERE total = price; DELETE FROM orders WHERE org_id = r.org_id; RETURN 1; END",
            "SELECT f($1)",
        ),
        (org, "BEGIN TRUNCATE orders; RETURN 1; END", "SELECT f($1)"),
        (org, "BEGIN CREATE TEMP TABLE x AS SELECT * FROM orders; RETURN 1; END", "SELECT f($1)"),
        (org, "BEGIN LISTEN x; RETURN 1; END", "SELECT f($1)"),
        (org, "BEGIN UPDATE orders SET org_id = 5 WHERE org_id = p_org; RETURN 1; END", "SELECT f($1)"),
        (
            org,
            "BEGIN BEGIN DELETE FROM orders WHERE org_id = p_org; EXCEPTION WHEN others THEN DELETE FROM orders; END; RETURN 1; END",
            "SELECT f($1)",
        ),
        // Dynamic SQL.
        (org, "BEGIN EXECUTE 'DELETE FROM orders'; RETURN 1; END", "SELECT f($1)"),
        (org, "BEGIN EXECUTE 'DELETE FROM orders WHERE org_id = ' || p_org; RETURN 1; END", "SELECT f($1)"),
        (
            org,
            "BEGIN EXECUTE format('DELETE FROM %I WHERE org_id = $1', 'orders') USING p_org; RETURN 1; END",
            "SELECT f($1)",
        ),
        (
            org,
            "BEGIN EXECUTE 'DELETE FROM orders WHERE org_id = $1' USING p_org + 1; RETURN 1; END",
            "SELECT f($1)",
        ),
        (
            org,
            "BEGIN EXECUTE 'DELETE FROM orders WHERE org_id = $2' USING p_org, 5; RETURN 1; END",
            "SELECT f($1)",
        ),
        (
            org,
            "BEGIN EXECUTE 'DELETE FROM orders WHERE org_id = $1' USING 5; RETURN p_org; END",
            "SELECT f($1)",
        ),
        (org, "BEGIN EXECUTE 'DELETE FROM orders WHERE org_id = p_org'; RETURN 1; END", "SELECT f($1)"),
        (
            org,
            "BEGIN EXECUTE 'DELETE FROM orders WHERE org_id = $1; DELETE FROM orders' USING p_org; RETURN 1; END",
            "SELECT f($1)",
        ),
        // Settings, roles, transactions.
        (
            "f() RETURNS int",
            "BEGIN PERFORM set_config('app.org', '5', true); DELETE FROM orders WHERE org_id = current_setting('app.org')::bigint; RETURN 1; END",
            "SELECT f()",
        ),
        (
            "f() RETURNS int",
            "DECLARE x text; BEGIN SELECT set_config('app.org', '5', true) INTO x; DELETE FROM orders WHERE org_id = current_setting('app.org')::bigint; RETURN 1; END",
            "SELECT f()",
        ),
        (
            "f() RETURNS int",
            "BEGIN SET LOCAL app.org = '5'; DELETE FROM orders WHERE org_id = current_setting('app.org')::bigint; RETURN 1; END",
            "SELECT f()",
        ),
        (
            "f() RETURNS int SET app.org = '5'",
            "BEGIN DELETE FROM orders WHERE org_id = current_setting('app.org')::bigint; RETURN 1; END",
            "SELECT f()",
        ),
        (
            "f() RETURNS int",
            "BEGIN DELETE FROM orders WHERE org_id = current_setting('other.org')::bigint; RETURN 1; END",
            "SELECT f()",
        ),
        (org, "BEGIN RESET ROLE; DELETE FROM orders WHERE org_id = p_org; RETURN 1; END", "SELECT f($1)"),
        // What a handler makes of an error is seen.
        (
            org,
            "BEGIN INSERT INTO users (id, org_id, email) VALUES (1, p_org, 'x'); RETURN 1; EXCEPTION WHEN unique_violation THEN RETURN 2; END",
            "SELECT f($1)",
        ),
        // Others' rows say how often it runs.
        (
            org,
            "BEGIN INSERT INTO audit (org_id) VALUES (p_org); RETURN 1; END",
            "SELECT id FROM orders WHERE f($1) = 1 AND org_id = $1",
        ),
        (org, "BEGIN INSERT INTO audit (org_id) VALUES (p_org); RETURN 1; END", "SELECT f($1) FROM plans"),
        (
            org,
            "BEGIN RETURN (SELECT count(*) FROM audit WHERE org_id = p_org); END",
            "SELECT id FROM orders WHERE f($1) = 1 AND org_id = $1",
        ),
        (org, "BEGIN INSERT INTO audit (org_id) VALUES (p_org); RETURN 1; END", "SELECT f($1) + f($1)"),
        // Calls in it.
        (org, "BEGIN RETURN f(p_org); END", "SELECT f($1)"),
        (org, "BEGIN RETURN unknown(p_org); END", "SELECT f($1)"),
        (
            "f(p_org bigint, n int DEFAULT random()) RETURNS int",
            "BEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END",
            "SELECT f($1)",
        ),
        (
            "f(p_org bigint DEFAULT 7) RETURNS int",
            "BEGIN DELETE FROM orders WHERE org_id = p_org; RETURN 1; END",
            "SELECT f()",
        ),
        (
            "f(VARIADIC p_org bigint[]) RETURNS int",
            "BEGIN DELETE FROM orders WHERE org_id = ANY (p_org); RETURN 1; END",
            "SELECT f($1)",
        ),
    ] {
        assert!(!is_scoped(&function(head, body), call), "{head} {body} {call}");
    }
}

#[test]
fn arguments_by_name_and_defaults() {
    let schema = function(
        "f(n int, p_org bigint, what text DEFAULT 'x'::text, more int DEFAULT NULL) RETURNS int",
        "BEGIN DELETE FROM orders WHERE org_id = p_org AND total > n; RETURN 1; END",
    );
    for call in [
        "f(1, $1)",
        "f(1, p_org => $1)",
        "f(p_org := $1, n := $2)",
        "f(what => $2, p_org => $1, n => 1)",
        "f(1, $1, more => 5)",
        "f(1, \"p_org\" => $1)",
    ] {
        assert!(is_scoped(&schema, &format!("SELECT {call}")), "{call}");
        assert!(is_scoped(&schema, &format!("SELECT * FROM {call}")), "{call}");
    }
    for call in [
        "f($1, 1)",
        "f($1, p_org => 1)",
        "f(n => $1, p_org => $2)",
        // No such function: which one would be meant is not known.
        "f($1)",
        "f(1, $1, p_org => $1)",
        "f(1, $1, other => $1)",
        "f(p_org => $1)",
        "f(1, \"P_ORG\" => $1)",
        "f(1, VARIADIC p_org => $1)",
    ] {
        assert!(!is_scoped(&schema, &format!("SELECT {call}")), "{call}");
    }
}

fn in_sql(head: &str, body: &str) -> String {
    format!("CREATE FUNCTION {head} LANGUAGE sql AS $body$ {body} $body$;")
}

#[test]
fn bodies_in_sql_are_judged_as_others_are() {
    let org = "f(p_org bigint) RETURNS int";
    for (head, body) in [
        (org, "DELETE FROM orders WHERE org_id = p_org; SELECT count(*) FROM orders WHERE org_id = $1"),
        (org, "INSERT INTO audit (org_id, what) VALUES (f.p_org, 'x') RETURNING 1;"),
        ("f(p_org bigint) RETURNS void SECURITY DEFINER", "DELETE FROM orders WHERE org_id = p_org"),
    ] {
        let verdict = verdict(&in_sql(head, body), "SELECT f($1)");
        assert!(matches!(verdict, Verdict::Scoped(_)), "{body}: {verdict:#?}");
    }
    for body in [
        "DELETE FROM orders; SELECT 1",
        "DELETE FROM orders WHERE org_id = p_org; SELECT total FROM orders",
        "DELETE FROM orders WHERE org_id = org_id; SELECT p_org",
        "SELECT set_config('app.org', '5', true); DELETE FROM orders WHERE org_id = p_org RETURNING 1",
        "SET app.org = '5'; SELECT 1",
        "TRUNCATE orders; SELECT 1",
        "SELECT id INTO copied FROM orders WHERE org_id = p_org; SELECT 1",
        "CREATE TABLE copied AS SELECT * FROM orders; SELECT 1",
        "SELECT f(p_org); SELECT 1",
        "DO $$ BEGIN END $$; SELECT 1",
        "SELECT 1; SELECT FROM WHERE",
        // Nothing is known of what is not there to be read.
        "",
        "-- gone",
    ] {
        assert!(!is_scoped(&in_sql(org, body), "SELECT f($1)"), "{body}");
    }
    // Names of unquoted ones may mean something else by now.
    for (head, form) in [
        ("BEGIN ATOMIC DELETE FROM orders WHERE org_id = p_org; SELECT 1; END", "(`BEGIN ATOMIC`)"),
        ("RETURN (SELECT count(*) FROM orders)", "(`RETURN`)"),
    ] {
        let definition = format!("CREATE FUNCTION f(p_org bigint) RETURNS bigint LANGUAGE sql {head};");
        let Verdict::Undecided(obstacles) = verdict(&definition, "SELECT f($1)") else { panic!("{head}") };
        assert!(obstacles[0].message.contains(form), "{obstacles:?}");
    }
}

#[test]
fn procedures_are_judged_as_functions_are() {
    let procedure =
        |head: &str, body: &str| format!("CREATE PROCEDURE {head} LANGUAGE plpgsql AS $body$ {body} $body$;");
    let gone = "DELETE FROM orders WHERE org_id = p_org;";
    let (org, plain) = ("p(p_org bigint, n int DEFAULT 1)", &format!("BEGIN {gone} END"));
    for (head, body, call) in [
        (org, plain.as_str(), "CALL p($1)"),
        (org, plain, "CALL public.p($1, $2)"),
        (org, plain, "call p(n => $2, p_org => $1);"),
        ("p(p_org bigint, INOUT n int)", &format!("BEGIN {gone} n := 2; END"), "CALL p($1, NULL)"),
        ("p(INOUT p_org bigint)", plain, "CALL p($1)"),
    ] {
        let verdict = verdict(&procedure(head, body), call);
        assert!(matches!(verdict, Verdict::Scoped(_)), "{head} {body} {call}: {verdict:#?}");
    }
    for (head, body, call) in [
        (org, plain.as_str(), "CALL p($2)"),
        (org, plain, "CALL p(n => $1, p_org => $2)"),
        (org, plain, "CALL p(DISTINCT $1)"),
        (org, plain, "CALL p((SELECT max(org_id) FROM orders))"),
        (org, plain, "CALL p($1, (SELECT max(total) FROM orders))"),
        (org, plain, "CALL p($1, $2, $1)"),
        (org, plain, "CALL q($1)"),
        (org, plain, "CALL lower($1)"),
        (org, plain, "EXPLAIN CALL p($1)"),
        (org, plain, "DO $$ BEGIN CALL p(1); END $$"),
        // What runs afterwards is another transaction, whatever the caller had set.
        (org, &format!("BEGIN COMMIT; {gone} END"), "CALL p($1)"),
        (org, &format!("BEGIN {gone} COMMIT; END"), "CALL p($1)"),
        (org, &format!("BEGIN {gone} ROLLBACK AND CHAIN; END"), "CALL p($1)"),
        (org, &format!("BEGIN CALL q(); {gone} END"), "CALL p($1)"),
        (org, &format!("BEGIN SET app.org = '5'; {gone} END"), "CALL p($1)"),
        (org, "BEGIN DELETE FROM orders; END", "CALL p($1)"),
        (org, "BEGIN IF n > 1 THEN DELETE FROM orders WHERE id = n; END IF; END", "CALL p($1)"),
        ("p(INOUT p_org bigint)", &format!("BEGIN p_org := 5; {gone} END"), "CALL p($1)"),
        // An argument for `OUT` has a place and no meaning.
        ("p(a int, OUT b bigint, p_org bigint DEFAULT 5)", plain, "CALL p(1, $1)"),
        ("p(OUT b bigint, p_org bigint)", plain, "CALL p($1, $1)"),
        (
            "p(VARIADIC p_org bigint[])",
            "BEGIN DELETE FROM orders WHERE org_id = ANY (p_org); END",
            "CALL p($1)",
        ),
    ] {
        assert!(!is_scoped(&procedure(head, body), call), "{head} {body} {call}");
    }
    let sql = |body: &str| format!("CREATE PROCEDURE p(p_org bigint) LANGUAGE sql AS $body$ {body} $body$;");
    assert!(is_scoped(&sql(gone), "CALL p($1)"));
    assert!(!is_scoped(&sql("DELETE FROM orders"), "CALL p($1)"));
    assert!(!is_scoped(&sql(&format!("CALL q(); {gone}")), "CALL p($1)"));
    let of_function = function("p(p_org bigint) RETURNS int", &format!("BEGIN {gone} RETURN 1; END"));
    assert!(!is_scoped(&of_function, "CALL p($1)"));
    let overloaded =
        format!("{} {}", procedure(org, plain), procedure("p(o text)", "BEGIN DELETE FROM orders; END"));
    assert!(!is_scoped(&overloaded, "CALL p($1)"));
}

#[test]
fn functions_that_call_others() {
    let inner =
        function("g(o bigint) RETURNS int", "BEGIN DELETE FROM orders WHERE org_id = o; RETURN 1; END");
    let outer = |call: &str| {
        format!(
            "{inner} {}",
            function("f(p_org bigint, n bigint) RETURNS int", &format!("BEGIN RETURN {call}; END"))
        )
    };
    assert!(is_scoped(&outer("g(p_org)"), "SELECT f($1, $2)"));
    assert!(!is_scoped(&outer("g(n)"), "SELECT f($1, $2)"));
    assert!(is_scoped(&outer("g(n)"), "SELECT f($2, $1)"));
    assert!(!is_scoped(&outer("g(p_org) + g(n)"), "SELECT f($1, $2)"));
    let overloaded =
        format!("{inner} {}", function("g(o text) RETURNS int", "BEGIN DELETE FROM orders; RETURN 1; END"));
    assert!(!is_scoped(&overloaded, "SELECT g($1)"));
    let numbered = function(
        "h(bigint) RETURNS int",
        "BEGIN $1 := 4; DELETE FROM orders WHERE org_id = $1; RETURN 1; END",
    );
    assert!(!is_scoped(&numbered, "SELECT h($1)"));
    assert!(is_scoped(&numbered.replace("$1 := 4;", ""), "SELECT h($1)"));
    let again = format!("{inner} CREATE VIEW v AS SELECT g(5);");
    assert!(!is_scoped(&again, "SELECT * FROM v"));
}

#[test]
fn a_tenant_that_may_be_null_makes_no_row_of_nobody() {
    let made =
        function("f(p_org bigint) RETURNS void", "BEGIN INSERT INTO loose (org_id) VALUES (p_org); END");
    let verdict = verdict(&made, "SELECT f($1)");
    assert!(matches!(verdict, Verdict::Scoped(_)), "{verdict:#?}");
    let of_setting = function(
        "f() RETURNS void",
        "DECLARE o bigint := current_setting('app.org', true)::bigint; BEGIN INSERT INTO loose (org_id) VALUES (o); END",
    );
    assert!(!is_scoped(&of_setting, "SELECT f()"));
}

/// Whether all that is told of the triggers by themselves is that they stay inside the tenant.
fn are_told_to_stay(definitions: &str) -> bool {
    on_deep_stack(|| {
        let mut catalog = Catalog::empty(Dialect::Postgres);
        apply(Dialect::Postgres, &mut catalog, FileId(0), SCHEMA);
        apply(Dialect::Postgres, &mut catalog, FileId(1), definitions);
        let tenancy = tenancy();
        let triggers =
            catalog.tables.values().flat_map(|table| table.triggers.iter().map(move |it| (table, it)));
        let judged =
            triggers.map(|(table, trigger)| judged(&catalog, &tenancy, table, trigger).expect("judged"));
        let mut judged = judged.collect::<Vec<_>>().into_iter();
        judged.all(|it| {
            it.open.is_none()
                && it.statements.iter().all(|(_, verdict)| matches!(verdict, Verdict::Scoped(_)))
        })
    })
    .expect("a deep stack")
}

fn trigger(on: &str, body: &str) -> String {
    format!(
        "{} CREATE TRIGGER x AFTER INSERT OR UPDATE OR DELETE ON {on} FOR EACH ROW EXECUTE FUNCTION f();",
        function("f() RETURNS trigger", body)
    )
}

const WRITES: [&str; 3] = [
    "INSERT INTO orders (id, org_id) VALUES ($2, $1)",
    "UPDATE orders SET total = 1 WHERE org_id = $1",
    "DELETE FROM orders WHERE org_id = $1",
];

#[test]
fn triggers_that_keep_inside_the_tenant_of_the_row() {
    for body in [
        "BEGIN INSERT INTO audit (org_id, what) VALUES (NEW.org_id, TG_OP); RETURN NEW; END",
        "BEGIN IF TG_OP = 'DELETE' THEN INSERT INTO audit (org_id, what) VALUES (OLD.org_id, TG_OP); RETURN OLD; ELSE \
         UPDATE jobs SET state = NEW.total::text WHERE org_id = NEW.org_id; END IF; RETURN NULL; END",
        "DECLARE n int; o bigint := NEW.org_id; BEGIN SELECT count(*) INTO n FROM jobs WHERE org_id = o; \
         NEW.total := n; RETURN NEW; END",
        "BEGIN IF NOT EXISTS (SELECT 1 FROM jobs WHERE org_id = NEW.org_id) THEN RAISE EXCEPTION 'none'; END IF; RETURN NEW; END",
    ] {
        assert!(are_told_to_stay(&trigger("orders", body)), "{body}");
        for write in WRITES {
            let verdict = verdict(&trigger("orders", body), write);
            assert!(matches!(verdict, Verdict::Scoped(_)), "{body} {write}: {verdict:#?}");
        }
    }
}

#[test]
fn triggers_that_may_leave_the_tenant_of_the_row() {
    for body in [
        "BEGIN INSERT INTO audit (org_id, what) VALUES (1, TG_OP); RETURN NEW; END",
        "BEGIN INSERT INTO audit (org_id, what) VALUES (NEW.id, TG_OP); RETURN NEW; END",
        "BEGIN INSERT INTO loose (org_id, what) VALUES (OLD.org_id, TG_OP); RETURN NEW; END",
        "BEGIN INSERT INTO audit (org_id, what) VALUES (NEW.org_id + 1, TG_OP); RETURN NEW; END",
        "BEGIN DELETE FROM jobs; RETURN NEW; END",
        "BEGIN DELETE FROM jobs WHERE id = NEW.id; RETURN NEW; END",
        "BEGIN DELETE FROM jobs WHERE org_id <> NEW.org_id; RETURN NEW; END",
        "BEGIN DELETE FROM jobs WHERE org_id = coalesce(OLD.total, NEW.org_id); RETURN NEW; END",
        "BEGIN NEW.org_id := 5; RETURN NEW; END",
        "BEGIN NEW.org_id := 5; INSERT INTO audit (org_id) VALUES (NEW.org_id); RETURN NEW; END",
        "BEGIN SELECT * INTO NEW FROM orders WHERE org_id = OLD.org_id LIMIT 1; RETURN NEW; END",
        "BEGIN NEW := OLD; RETURN NEW; END",
        "BEGIN NEW.total := (SELECT max(total) FROM orders); RETURN NEW; END",
        "DECLARE r orders; BEGIN SELECT * INTO r FROM orders WHERE org_id = NEW.org_id; RETURN r; END",
        "BEGIN RETURN (SELECT o FROM orders o WHERE org_id = NEW.org_id); END",
        "BEGIN UPDATE orders SET total = 1 WHERE org_id = NEW.org_id; RETURN NEW; END",
        "BEGIN EXECUTE format('DELETE FROM jobs WHERE org_id = %s', NEW.org_id); RETURN NEW; END",
        "BEGIN EXECUTE 'DELETE FROM jobs WHERE org_id = $1' USING NEW.id; RETURN NEW; END",
        "BEGIN IF EXISTS (SELECT 1 FROM jobs WHERE id = NEW.id) THEN RETURN NULL; END IF; RETURN NEW; END",
        "BEGIN BEGIN INSERT INTO users (id, org_id, email) VALUES (NEW.id, NEW.org_id, 'x'); EXCEPTION WHEN others THEN NEW.total := 1; END; RETURN NEW; END",
        "DECLARE o bigint := NEW.org_id; BEGIN o := NEW.total; DELETE FROM jobs WHERE org_id = o; RETURN NEW; END",
        "BEGIN PERFORM set_config('app.org', NEW.id::text, true); RETURN NEW; END",
        "BEGIN UPDATE plans SET price = 1; RETURN NEW; END",
        "DECLARE r ALIAS FOR NEW; BEGIN r.org_id := 5; RETURN NEW; END",
        "DECLARE r ALIAS FOR NEW; q ALIAS FOR r; BEGIN q.org_id := 5; DELETE FROM jobs WHERE org_id = NEW.org_id; RETURN NEW; END",
    ] {
        assert!(!are_told_to_stay(&trigger("orders", body)), "{body}");
        for write in WRITES {
            assert!(!is_scoped(&trigger("orders", body), write), "{body} {write}");
        }
    }
    // Nothing is known of whose rows these are.
    let shared = trigger("plans", "BEGIN DELETE FROM jobs WHERE org_id = NEW.id; RETURN NEW; END");
    assert!(!is_scoped(&shared, "INSERT INTO plans (id) VALUES ($2)"));
    // Two triggers that fire each other.
    let each_other = format!(
        "{} {} CREATE TRIGGER a AFTER INSERT ON orders FOR EACH ROW EXECUTE FUNCTION f(); \
         CREATE TRIGGER b AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION g();",
        function(
            "f() RETURNS trigger",
            "BEGIN INSERT INTO jobs (id, org_id) VALUES (NEW.id, NEW.org_id); RETURN NEW; END"
        ),
        function("g() RETURNS trigger", "BEGIN DELETE FROM users; RETURN NEW; END"),
    );
    assert!(!is_scoped(&each_other, WRITES[0]));
    assert!(!are_told_to_stay(&each_other));
}

#[test]
fn triggers_that_use_the_names_of_the_row() {
    let on = |head: &str, body: &str| {
        format!("{} CREATE TRIGGER x {head} EXECUTE FUNCTION f();", function("f() RETURNS trigger", body))
    };
    let after = "AFTER INSERT ON orders FOR EACH ROW";
    let item = "BEGIN INSERT INTO items (id, order_id) VALUES (1, NEW.id); RETURN NULL; END";
    assert!(is_scoped(&on(after, item), WRITES[0]));
    assert!(!is_scoped(&on("BEFORE INSERT ON orders FOR EACH ROW", item), WRITES[0]));
    let renamed = "BEGIN NEW.id := 5; INSERT INTO items (id, order_id) VALUES (1, NEW.id); RETURN NULL; END";
    assert!(!is_scoped(&on(after, renamed), WRITES[0]));
    assert!(!is_scoped(&on("AFTER INSERT ON orders", item), WRITES[0]));
    let deferred = "CREATE CONSTRAINT TRIGGER x AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f();";
    assert!(!is_scoped(&format!("{} {deferred}", function("f() RETURNS trigger", item)), WRITES[0]));
    let before = "BEFORE DELETE ON orders FOR EACH ROW";
    assert!(is_scoped(
        &on(before, "BEGIN DELETE FROM items WHERE order_id = OLD.id; RETURN OLD; END"),
        WRITES[2]
    ));
    assert!(!is_scoped(&on(before, "BEGIN DELETE FROM items WHERE id = OLD.id; RETURN OLD; END"), WRITES[2]));
    let of_item = |body: &str| on("AFTER INSERT OR UPDATE ON items FOR EACH ROW", body);
    let write = "UPDATE items SET n = 1 FROM orders o WHERE o.id = items.order_id AND o.org_id = $1";
    assert!(is_scoped(
        &of_item("BEGIN UPDATE orders SET total = 1 WHERE id = NEW.order_id; RETURN NEW; END"),
        write
    ));
    assert!(!is_scoped(
        &of_item("BEGIN UPDATE orders SET total = 1 WHERE id = NEW.n; RETURN NEW; END"),
        write
    ));
    let audited = "BEGIN INSERT INTO audit (org_id) VALUES (NEW.org_id); RETURN NULL; END";
    assert!(is_scoped(&on("AFTER INSERT ON orders FOR EACH ROW WHEN (NEW.total > 1)", audited), WRITES[0]));
    let asks = format!(
        "CREATE FUNCTION asks(n int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RETURN EXISTS (SELECT 1 FROM jobs WHERE id = n); END $$; {}",
        on("AFTER INSERT ON orders FOR EACH ROW WHEN (asks(NEW.total))", audited)
    );
    assert!(!is_scoped(&asks, WRITES[0]));
}

#[test]
fn a_function_that_returns_a_setting_is_that_setting() {
    let filter = "SELECT id FROM orders WHERE org_id = current_org()";
    let with = |body: &str| function("current_org() RETURNS bigint STABLE", body);
    assert!(is_scoped(&with("BEGIN RETURN current_setting('app.org')::bigint; END"), filter));
    assert!(is_scoped(
        &with("BEGIN RETURN nullif(current_setting('app.org', true), '')::bigint; END"),
        filter
    ));
    // Not known to be the tenant, but no reason to call it a leak either.
    for body in [
        "BEGIN RETURN coalesce(current_setting('app.org', true)::bigint, 1); END",
        "DECLARE o bigint; BEGIN o := current_setting('app.org')::bigint; RETURN o; END",
        "BEGIN RETURN current_setting('app.org')::bigint; EXCEPTION WHEN others THEN RETURN NULL; END",
    ] {
        let verdict = verdict(&with(body), filter);
        assert!(!matches!(verdict, Verdict::Scoped(_)), "{body}");
        if !body.contains("coalesce") {
            assert!(matches!(verdict, Verdict::Undecided(_)), "{body}: {verdict:#?}");
        }
    }
    let other = with("BEGIN RETURN current_setting('other.org')::bigint; END");
    assert!(!is_scoped(&other, filter));
    let float =
        function("current_org() RETURNS float8", "BEGIN RETURN current_setting('app.org')::float8; END");
    assert!(!is_scoped(&float, filter));
}

/// PostgreSQL runs such a function when it plans a statement; a prepared one keeps what it gave the tenant before.
#[test]
fn what_is_declared_immutable_must_read_nothing() {
    let setting = "current_setting('app.org')::bigint";
    let body = format!("BEGIN RETURN {setting}; END");
    let by_setting = |volatility: &str| {
        [
            function(&format!("org() RETURNS bigint {volatility}"), &body),
            in_sql(&format!("org() RETURNS bigint {volatility}"), &format!("SELECT {setting}")),
            in_sql(&format!("org() RETURNS bigint {volatility}"), "SELECT inner_org()")
                + &function("inner_org() RETURNS bigint STABLE", &body),
        ]
    };
    let filter = "SELECT id FROM orders WHERE org_id = org()";
    let counted = |volatility: &str| {
        [
            function(
                &format!("f(p_org bigint) RETURNS bigint {volatility}"),
                "BEGIN RETURN (SELECT count(*) FROM orders WHERE org_id = p_org); END",
            ),
            in_sql(
                &format!("f(p_org bigint) RETURNS bigint {volatility}"),
                "SELECT count(*) FROM orders WHERE org_id = p_org",
            ),
        ]
    };
    for definition in by_setting("STABLE") {
        assert!(is_scoped(&definition, filter), "{definition}");
    }
    for definition in by_setting("IMMUTABLE") {
        assert!(!is_scoped(&definition, filter), "{definition}");
    }
    for definition in counted("STABLE") {
        assert!(is_scoped(&definition, "SELECT f($1)"), "{definition}");
    }
    for definition in counted("IMMUTABLE") {
        assert!(!is_scoped(&definition, "SELECT f($1)"), "{definition}");
    }
    let pure = in_sql("twice(n bigint) RETURNS bigint IMMUTABLE", "SELECT n * 2");
    assert!(is_scoped(&pure, "SELECT twice(total) FROM orders WHERE org_id = $1"));
}

#[test]
fn an_error_in_a_trigger_that_a_handler_sees() {
    let trigger = format!(
        "{} CREATE TRIGGER x AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION g();",
        function(
            "g() RETURNS trigger",
            "BEGIN INSERT INTO users (id, org_id, email) VALUES (NEW.id, NEW.org_id, 'x'); RETURN NULL; END"
        )
    );
    let body = |handler: &str| {
        format!(
            "{trigger} {}",
            function(
                "f(p_org bigint) RETURNS int",
                &format!("BEGIN INSERT INTO jobs (org_id) VALUES (p_org); RETURN 1; {handler} END")
            )
        )
    };
    assert!(is_scoped(&body(""), "SELECT f($1)"));
    assert!(!is_scoped(&body("EXCEPTION WHEN others THEN RETURN 2;"), "SELECT f($1)"));
}
