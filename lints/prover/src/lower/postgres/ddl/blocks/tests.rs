//! What blocks do to the schema, said in a line for each table.

use tenantry_policy::Dialect;
use tenantry_span::FileId;

use crate::catalog::{Catalog, QualifiedName, UNREAD_BODY};

const SCHEMA: &str = "create table orgs (id int primary key);
    create table t (id int primary key, org int not null, email text, constraint t_email unique (email));
    create table u (id int, org int); create unique index u_idx on u (id);
    create table s (id int, org int); alter table s enable row level security;
    create policy strict on s using (org = 1);
    create type mood as enum ('ok'); create role app; create view v as select id from t;";

fn after(block: &str) -> Catalog {
    let mut catalog = Catalog::empty(Dialect::Postgres);
    super::super::apply(&mut catalog, FileId(0), &format!("{SCHEMA}{block}"));
    catalog
}

/// What is known of one table: `?` after it if it is incomplete, `rls?` if its row security is unsure.
fn known(catalog: &Catalog, table: &str) -> String {
    let name = QualifiedName { schema: "public".to_owned(), name: table.to_owned() };
    let Some(table) = catalog.tables.get(&name) else { return "none".to_owned() };
    let mut said: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    said.extend(table.keys.iter().map(|key| format!("key:{}", key.name)));
    said.extend(table.checks.iter().map(|check| format!("check:{}", check.name)));
    let security = &table.row_security;
    said.extend(security.enabled.then(|| "enabled".to_owned()));
    said.extend(security.forced.then(|| "forced".to_owned()));
    said.extend(security.policies.iter().map(|policy| format!("policy:{}", policy.name)));
    said.extend((!table.complete).then(|| "?".to_owned()));
    said.extend(security.unsure.as_ref().map(|_| "rls?".to_owned()));
    said.join(" ")
}

const T: &str = "id org email key:t_pkey key:t_email";
const U: &str = "id org key:u_idx";
const S: &str = "id org enabled policy:strict";

/// Runs a block and compares what is known of tables; all others are as they were, and nothing else was told.
#[track_caller]
fn check(body: &str, expected: &[(&str, &str)]) {
    let catalog = after(&format!("do $$ {body} $$;"));
    for (table, before) in [("t", T), ("u", U), ("s", S)] {
        let is = expected.iter().find(|(name, _)| *name == table).map_or(before, |(_, is)| *is);
        assert_eq!(known(&catalog, table), is, "{table} after {body}: {:?}", catalog.skipped);
    }
    for (table, is) in expected {
        assert_eq!(known(&catalog, table), *is, "{table} after {body}: {:?}", catalog.skipped);
    }
    let unsure = expected.iter().any(|(_, is)| is.contains('?'));
    assert_eq!(!catalog.skipped.is_empty(), unsure, "told after {body}: {:?}", catalog.skipped);
}

#[test]
fn conditions_that_ask_the_schema_are_answered() {
    for (condition, holds) in [
        ("exists (select 1 from pg_constraint where conname = 't_email')", true),
        ("exists (select from pg_constraint where conname = 'nosuch')", false),
        ("not exists (select from pg_constraint where conname = 'nosuch')", true),
        // A unique index is no constraint.
        ("exists (select from pg_constraint where conname = 'u_idx')", false),
        ("exists (select from pg_indexes where indexname = 'u_idx')", true),
        ("exists (select 1 from pg_constraint where conname = 't_email' and conrelid = 't'::regclass)", true),
        (
            "exists (select 1 from pg_constraint where conname = 't_email' and conrelid = 'u'::regclass)",
            false,
        ),
        (
            "exists (select 1 from pg_constraint c join pg_class r on r.oid = c.conrelid where r.relname = 't' and c.contype = 'u')",
            true,
        ),
        (
            "exists (select 1 from pg_constraint c, pg_class r where r.oid = c.conrelid and r.relname = 'u' and c.contype = 'u')",
            false,
        ),
        ("exists (select 1 from pg_type where typname = 'mood')", true),
        (
            "exists (select 1 from pg_type t join pg_namespace n on n.oid = t.typnamespace where t.typname = 'mood' and n.nspname = 'other')",
            false,
        ),
        (
            "exists (select 1 from information_schema.columns where table_name = 't' and column_name = 'email')",
            true,
        ),
        (
            "exists (select 1 from information_schema.columns where table_schema = 'public' and table_name = 't' and column_name = 'nosuch')",
            false,
        ),
        (
            "exists (select 1 from information_schema.columns where table_name = 't' and column_name = 'org' and is_nullable = 'NO')",
            true,
        ),
        (
            "exists (select 1 from information_schema.tables where table_name = 'v' and table_schema = current_schema())",
            true,
        ),
        ("exists (select 1 from pg_policies where tablename = 's' and policyname = 'strict')", true),
        ("exists (select 1 from pg_policy where polname = 'strict' and polrelid = 't'::regclass)", false),
        ("exists (select 1 from pg_class where relname = 's' and relrowsecurity)", true),
        ("exists (select 1 from pg_roles where rolname = 'app')", true),
        ("to_regclass('public.t') is not null", true),
        ("to_regclass('nosuch') is null", true),
        ("(select count(*) from pg_constraint where conrelid = 't'::regclass and contype = 'u') = 1", true),
        ("not (exists (select 1 from pg_tables where tablename = 't') and true)", false),
        ("'t_email' in (select 'x')", false),
        ("exists (select 1 from pg_tables where tablename like 't%' and tablename not like '%x')", true),
    ] {
        // What cannot be told may be either.
        let is_asked = condition != "'t_email' in (select 'x')";
        let body = format!("begin if {condition} then alter table u add column was_run int; end if; end");
        let catalog = after(&format!("do $$ {body} $$;"));
        let is = known(&catalog, "u");
        let expected = match (is_asked, holds) {
            (true, true) => "id org was_run key:u_idx",
            (true, false) => U,
            (false, _) => "id org was_run key:u_idx ?",
        };
        assert_eq!(is, expected, "{condition}: {:?}", catalog.skipped);
    }
}

#[test]
fn what_is_not_known_makes_uncertain_what_it_touches() {
    let add = "alter table u add column was_run int";
    for condition in [
        "current_user = 'app'",
        "exists (select 1 from pg_roles where rolname = 'elsewhere')",
        "exists (select 1 from pg_extension where extname = 'citext')",
        "exists (select 1 from pg_type where typname = 'citext')",
        "exists (select 1 from t)",
        "exists (select 1 from pg_policies where policyname = 'strict' and qual like '%org%')",
        "exists (select 1 from pg_class where relkind = 'r')",
        "exists (select 1 from pg_constraint where conname = 't_email_not_null_is_longer_than_a_name_may_be_in_postgres_so_it_is_cut')",
        "exists (select 1 from pg_constraint where conname = 't_org_not_null')",
        "current_setting('server_version_num')::int > 150000",
        "pg_is_in_recovery()",
        "not exists (select 1 from pg_tables where tablename = 'pg_class')",
    ] {
        check(
            &format!("begin if {condition} then {add}; end if; end"),
            &[("u", "id org was_run key:u_idx ?")],
        );
    }
    check(
        "begin if random() > 0.5 then create policy p on s using (true); end if; end",
        &[("s", "id org enabled policy:strict policy:p rls?")],
    );
    check(
        "begin if random() > 0.5 then alter table s disable row level security; end if; end",
        &[("s", "id org policy:strict rls?")],
    );
    check(
        "begin if random() > 0.5 then create policy p on t as restrictive using (false); alter table t force row level security; end if; end",
        &[("t", "id org email key:t_pkey key:t_email rls?")],
    );
    check(
        "begin if random() > 0.5 then alter table t drop constraint t_email; end if; end",
        &[("t", "id org email key:t_pkey ?")],
    );
    check("begin if random() > 0.5 then drop index u_idx; end if; end", &[("u", "id org ?")]);
    // Both ways end alike.
    check(
        "begin if random() > 0.5 then execute 'alter table u drop column id'; else alter table u drop column id; end if; end",
        &[("u", "org")],
    );
    check("begin if random() > 0.5 then create index on u (org); update u set id = 1; end if; end", &[]);
    check(
        "begin if random() > 0.5 then return; end if; alter table u add column was_run int; end",
        &[("u", "id org was_run key:u_idx ?")],
    );
    check(
        "begin if exists (select from pg_type where typname = 'mood') then return; end if; drop table t; end",
        &[],
    );
    check(
        "begin if random() > 0.5 then raise exception 'no'; end if; alter table u add column was_run int; end",
        &[("u", "id org was_run key:u_idx")],
    );
    check(
        "declare n int; begin while n < 3 loop alter table s no force row level security, disable row level security; end loop; end",
        &[("s", "id org policy:strict rls?")],
    );
    let undone = after("do $$ begin create table x (id int); rollback; end $$;");
    assert_eq!((known(&undone, "x").as_str(), undone.skipped.len()), ("none", 1));
}

#[test]
fn what_may_not_be_there_answers_no_question() {
    let makes = "create table made (id int); create type other as enum ('x'); create index i on u (org); create role late; \
                 create function g() returns int language sql as 'select 1'; create view w as select 1; \
                 create trigger touch before update on u for each row execute function f()";
    for asks in [
        "to_regclass('made') is not null",
        "exists (select from pg_class where relname = 'made')",
        "exists (select from information_schema.tables where table_name = 'made')",
        "exists (select from pg_tables where tablename = 'made')",
        "exists (select from pg_type where typname = 'other')",
        "exists (select from pg_indexes where indexname = 'i')",
        "exists (select from pg_class where relname = 'i')",
        "exists (select from pg_roles where rolname = 'late')",
        "exists (select from pg_proc where proname = 'g')",
        "exists (select from information_schema.routines where routine_name = 'g')",
        "exists (select from pg_views where viewname = 'w')",
        "exists (select from pg_trigger where tgname = 'touch' and tgrelid = 'u'::regclass)",
    ] {
        for asks in [asks.to_owned(), format!("not ({asks})")] {
            let catalog = after(&format!(
                "do $$ begin if random() > 0.5 then {makes}; end if; if {asks} then alter table s disable row level security; end if; end $$;"
            ));
            assert_eq!(known(&catalog, "s"), "id org policy:strict rls?", "{asks}");
        }
    }
}

#[test]
fn views_functions_and_rights_under_conditions() {
    let catalog = after(
        "create function f() returns int language sql as 'select 1';
        do $$ begin if random() > 0.5 then
            create or replace view v as select 1 as id; create or replace function f() returns int language sql as 'select 2';
            grant select on s to app; create role late bypassrls; grant late to app; alter role app nobypassrls;
            revoke all on s from app; create operator === (function = f);
        end if; end $$;",
    );
    let name = |name: &str| QualifiedName { schema: "public".to_owned(), name: name.to_owned() };
    assert!(catalog.views.get(&name("v")).is_some_and(|view| view.stale.is_some()));
    let functions = catalog.functions.get(&name("f")).expect("the function");
    assert!(functions.iter().all(|function| function.language == UNREAD_BODY));
    assert!(catalog.roles.get("late").is_some_and(|role| role.bypasses));
    assert_eq!(catalog.roles_of("app"), ["app", "late"]);
    assert!(
        catalog.roles_unsure.is_some(),
        "a policy for a role may apply by a membership that is not there"
    );
    assert_eq!(catalog.operators.len(), 1);
    assert!(
        !after("do $$ begin if random() > 0.5 then grant select on s to app; end if; end $$").tables
            [&name("s")]
            .grants
            .is_empty()
    );
}

#[test]
fn handlers_undo_all_of_a_block() {
    for (body, expected) in [
        ("begin create type mood as enum ('x'); exception when duplicate_object then null; end", vec![]),
        // The second fails, and the first is undone.
        (
            "begin alter table u add column was_run int; create type mood as enum ('x'); exception when duplicate_object then null; end",
            vec![],
        ),
        (
            "begin alter table u add column was_run int; create type other as enum ('x'); exception when duplicate_object then null; end",
            vec![("u", "id org was_run key:u_idx")],
        ),
        (
            "begin alter table t add constraint t_email check (true); exception when duplicate_object then null; end",
            vec![],
        ),
        (
            "begin alter table t add constraint t_org check (org > 0); exception when duplicate_object then null; end",
            vec![("t", "id org email key:t_pkey key:t_email check:t_org")],
        ),
        // The rows may not allow it.
        (
            "begin alter table t add constraint t_org unique (org); exception when others then null; end",
            vec![("t", "id org email key:t_pkey key:t_email key:t_org ?")],
        ),
        (
            "begin create policy p on t as restrictive using (org = 1); exception when others then null; end",
            vec![("t", "id org email key:t_pkey key:t_email rls?")],
        ),
        (
            "begin create policy strict on s using (true); exception when duplicate_object then null; end",
            vec![],
        ),
        (
            "begin create policy strict on s using (true); exception when duplicate_object then drop policy strict on s; end",
            vec![("s", "id org enabled")],
        ),
        (
            "begin create policy p on s to app using (true); exception when undefined_object then null; end",
            vec![("s", "id org enabled policy:strict policy:p rls?")],
        ),
        (
            "begin alter table nosuch enable row level security; exception when undefined_table then null; end",
            vec![],
        ),
        (
            "begin drop table if exists nosuch; alter table if exists nosuch add column i int; alter table s disable row level security; exception when undefined_table then null; end",
            vec![("s", "id org policy:strict")],
        ),
        (
            "begin alter table s disable row level security; raise exception 'x'; exception when others then null; end",
            vec![],
        ),
        (
            "begin begin create table x (id int); raise exception 'x'; exception when others then null; end; alter table u add column was_run int; end",
            vec![("x", "none"), ("u", "id org was_run key:u_idx")],
        ),
        ("begin alter table u add column id int; exception when duplicate_column then null; end", vec![]),
        ("begin create unique index u_idx on u (org); exception when duplicate_table then null; end", vec![]),
    ] {
        check(body, &expected);
    }
}

#[test]
fn loops_over_what_is_known_are_unrolled() {
    let secure = "execute format('alter table %I enable row level security', n);
        execute format('create policy %I on %I using (org = 1)', n || '_own', n);";
    let secured = [
        ("t", "id org email key:t_pkey key:t_email enabled policy:t_own"),
        ("u", "id org key:u_idx enabled policy:u_own"),
    ];
    check(
        &format!("declare n text; begin foreach n in array array['t', 'u'] loop {secure} end loop; end"),
        &secured,
    );
    check(
        &format!(
            "declare all_of text[] := array['t', 'u']; n text; begin foreach n in array all_of loop {secure} end loop; end"
        ),
        &secured,
    );
    check(
        &format!("declare n text; begin for n in select unnest(array['t', 'u']) loop {secure} end loop; end"),
        &secured,
    );
    check(
        &format!(
            "declare n text; begin for n in select table_name from information_schema.columns where table_schema = 'public' and column_name = 'org' and table_name <> 's' loop {secure} end loop; end"
        ),
        // A view may have such a column.
        &[("t", T), ("u", U), ("s", S)]
            .map(|(name, is)| (name, Box::leak(format!("{is} rls?").into_boxed_str()) as &str)),
    );
    check(
        "declare r record; begin for r in select tablename from pg_tables where schemaname = 'public' and tablename in ('t', 'u') loop
            execute format('alter table %I.%I force row level security', 'public', r.tablename); end loop; end",
        &[("t", "id org email key:t_pkey key:t_email forced"), ("u", "id org key:u_idx forced")],
    );
    check(
        "declare c text; begin select conname into c from pg_constraint where conrelid = 't'::regclass and contype = 'u' and pg_get_constraintdef(oid) like 'UNIQUE (email)%';
            if c is not null then execute format('alter table t drop constraint %I', c); end if; end",
        &[("t", "id org email key:t_pkey")],
    );
    check(
        "begin for i in 0..1 loop execute format('create table p_%s (id int)', i); end loop; end",
        &[("p_0", "id"), ("p_1", "id"), ("p_2", "none")],
    );
    check(
        "declare is_there boolean; begin is_there := (select exists (select from pg_class where relname = 'u_idx'));
            if not is_there then drop table t; end if; end",
        &[],
    );
}

/// What is believed of row level security after a block which the database runs otherwise than it seems.
#[track_caller]
fn is_unsure(before: &str, body: &str, table: &str) {
    let catalog = after(&format!("{before} do $$ {body} $$;"));
    let is = known(&catalog, table);
    assert!(is.contains('?'), "{table} is {is} after {body}");
}

const MORE: &str = "create table part (id int primary key, org int) partition by range (id);
    create index part_org on part (org); create sequence sq; create domain nn as int not null;
    create table d (id int, x nn); alter table s force row level security;
    create function off() returns void language plpgsql as 'begin alter table s disable row level security; end';";

#[test]
fn what_the_database_answers_otherwise_is_not_believed() {
    for condition in [
        "(select count(*) = 0 from pg_policies where policyname = 'none')",
        "(select count(1) from pg_policies where policyname = 'none') = 0",
        "count(*) = 0 from pg_policies where policyname = 'none'",
        "exists (select max(conname) from pg_constraint where conname = 'none')",
        "to_regclass('u_idx') is not null",
        "to_regclass('public.sq') is not null",
        "to_regclass('information_schema.tables') is not null",
        "exists (select 1 from pg_proc where proname = 'gen_random_uuid')",
        "exists (select 1 from information_schema.routines where routine_name = 'gen_random_uuid')",
        "exists (select 1 from information_schema.columns where table_name = 'd' and column_name = 'x' and is_nullable = 'NO')",
        "exists (select 1 from pg_namespace where oid = 'PUBLIC'::regnamespace)",
        "exists (select 1 from pg_class c where c.relname = 's' and exists (select from pg_policy where polname = 'strict' and polrelid <> oid))",
    ] {
        let body = format!("begin if {condition} then alter table s disable row level security; end if; end");
        is_unsure(MORE, &body, "s");
    }
    for condition in [
        "exists (select 1 from pg_class where relname = 'part_org' and relkind = 'I')",
        "exists (select 1 from pg_class where relname='u' and exists (select 1 from pg_namespace n, pg_class where n.nspname = 'public' and relname = 't'))",
    ] {
        let catalog = after(&format!(
            "{MORE} do $$ begin if {condition} then alter table s disable row level security; end if; end $$;"
        ));
        assert_eq!(known(&catalog, "s"), "id org forced policy:strict", "{condition}");
    }
}

#[test]
fn loops_end_as_the_database_ends_them() {
    let off = "alter table s disable row level security";
    for body in [
        // The second turn sees what the first has made.
        "declare n int := 0; begin while n < 2 loop if exists (select from pg_policies where policyname = 'made')
            then OFF; else create policy made on t using (true); end if; n := n + 1; end loop; end",
        "declare n int := 0; begin loop n := n + 1; exit when\nn > 2; OFF; end loop; end",
        "declare n int := 0; begin loop n := n + 1; exit\nwhen n > 2; OFF; end loop; end",
        "declare n text := 'x'; begin for n in select tablename from pg_tables where tablename = 'none' loop null; end loop;
            if n is null then OFF; end if; end",
        "declare done boolean := false; n text; begin for n in select tablename from pg_tables where tablename in ('s', 't', 'u') order by tablename desc
            loop if not done then done := true; execute format('alter table %I force row level security', n); end if; end loop; end",
        "declare l text := ''; n text; begin for n in select tablename from pg_tables where tablename in ('s','t','u') order by tablename desc
            loop l := n; end loop; execute format('alter table %I force row level security', l); end",
        "begin <<b>> begin exit b; end; OFF; end",
        "begin <<o>> for i in 1..2 loop for k in 1..2 loop OFF; exit o; end loop; alter table s enable row level security; end loop; end",
        "begin execute format('select %I()', 'off'); end",
        "begin perform set_config('search_' || 'path', 'app, public', false); OFF; end",
        "declare x text; begin x := set_config('search_path', 'app, public', false); OFF; end",
    ] {
        is_unsure(MORE, &body.replace("OFF", off), "s");
    }
    for body in [
        // The variable of a loop over numbers is its own.
        "declare i int := 0; begin for i in 1..3 loop null; end loop; if i = 0 then OFF; end if; end",
        "declare \"N\" text; begin foreach \"N\" in array array['a'] loop if \"N\" is not null then OFF; end if; end loop; end",
    ] {
        let catalog = after(&format!("{MORE} do $$ {} $$;", body.replace("OFF", off)));
        assert_eq!(known(&catalog, "s"), "id org forced policy:strict", "{body}");
    }
    let ways: String = (0..40)
        .map(|at| {
            format!("if random() > {at} then alter table s no force row level security; return; end if;")
        })
        .collect();
    is_unsure(MORE, &format!("begin {ways} if random() > 2 then {off}; return; end if; end"), "s");
    let moved = after(
        "create table app.s (id int, org int); do $$ begin PERFORM SET_CONFIG('SEARCH_PATH', 'app,public', false);
            alter table s force row level security; end $$;",
    );
    assert!(!known(&moved, "s").contains("forced"));
}

#[test]
fn what_may_fail_is_not_believed() {
    for (fails, caught) in [
        ("alter type mood add value 'ok'", "duplicate_object"),
        ("create role elsewhere", "duplicate_object"),
        ("create schema public", "duplicate_schema"),
        ("create sequence sq", "duplicate_table"),
        ("create extension plpgsql", "duplicate_object"),
        ("create index sq on t (org)", "duplicate_table"),
        ("create table sq (id int)", "duplicate_table"),
        ("alter table t rename column org to email", "duplicate_column"),
        ("alter table u rename to v", "duplicate_table"),
        ("alter index u_idx rename to t_email", "duplicate_table"),
        ("alter table u add constraint sq unique (org)", "duplicate_table"),
        ("alter table u add column q int constraint t_email unique", "duplicate_table"),
        ("alter policy strict on s rename to strict", "duplicate_object"),
        ("drop role nosuch", "undefined_object"),
        ("alter role nosuch nobypassrls", "undefined_object"),
        ("drop schema nosuch", "invalid_schema_name"),
        ("drop sequence nosuch", "undefined_table"),
        ("alter table t add foreign key (org) references nosuch", "undefined_table"),
        ("create table f (x nosuch)", "undefined_object"),
        ("create index on t (nosuch)", "undefined_column"),
        ("alter table t owner to nosuch", "undefined_object"),
        ("insert into nosuch values (1)", "undefined_table"),
        ("perform nosuch()", "undefined_function"),
        ("execute 'select 1 from nosuch'", "undefined_table"),
        ("case 3 when 1 then null; end case", "case_not_found"),
        ("if 'nosuch'::regclass is null then null; end if", "undefined_table"),
        ("for r in select * from nosuch loop null; end loop", "undefined_table"),
        ("x := 'nosuch'::regclass", "undefined_table"),
        ("raise notice '%', 1 / 0", "others"),
    ] {
        let body = format!(
            "declare r record; x regclass; begin alter table t enable row level security; {fails}; exception when {caught} then null; end"
        );
        is_unsure(MORE, &body, "t");
    }
    for (fails, caught) in
        [("create index u on t (org)", "duplicate_table"), ("create table u_idx (id int)", "duplicate_table")]
    {
        let catalog = after(&format!(
            "do $$ begin alter table t enable row level security; {fails}; exception when {caught} then null; end $$;"
        ));
        assert_eq!(known(&catalog, "t"), T, "{fails}");
    }
}

#[test]
fn loops_within_loops_are_followed_so_far_and_no_further() {
    let nested = |turns: usize, body: &str| {
        let (open, close): (Vec<String>, Vec<&str>) =
            (0..6).map(|at| (format!("for i{at} in 1..{turns} loop"), "end loop;")).unzip();
        let block = format!("do $$ begin {} {body} {} end $$;", open.join(" "), close.join(" "));
        known(&after(&block), "s")
    };
    assert_eq!(nested(200, "drop policy if exists strict on s;"), "id org enabled ?");
    assert_eq!(nested(200, "create policy p on s using (true);"), "id org enabled policy:strict policy:p ?");
    let late = "if i0 = 199 and i5 = 7 then create policy open on s using (true); end if;";
    assert_eq!(nested(200, late), "id org enabled policy:strict ?");
    assert_eq!(nested(2, "drop policy if exists strict on s;"), "id org enabled");
    let rows = "for r in select tablename from pg_tables where tablename in ('s', 't') loop";
    let many = format!(
        "do $$ declare r record; begin {} drop policy if exists strict on s; {} end $$;",
        rows.repeat(12),
        "end loop;".repeat(12)
    );
    assert!(known(&after(&many), "s").ends_with('?'));
}

#[test]
fn a_type_of_two_kinds_is_neither() {
    let catalog = after(
        "do $$ begin if current_setting('a.b') = 'x' then create type kind as enum ('a'); \
         else create domain kind as int check (value > 0); end if; end $$;",
    );
    let name = QualifiedName { schema: "public".to_owned(), name: "kind".to_owned() };
    assert_eq!(catalog.types.get(&name), Some(&crate::catalog::UserType::Other));
}
