//! Whom policies bind, and what of a schema's history that rests on: each test proves a statement after some migrations.

use tenantry_policy::Dialect;
use tenantry_span::FileId;

use super::bind;
use crate::catalog::Catalog;
use crate::lower::{apply, on_deep_stack, statements};
use crate::ownership::resolve;
use crate::prove::{Policies, prove_by};
use crate::verdict::{TenantSource, TenantValue, Verdict};

const POLICY: &str = r#"
[tenancy]
keys = ["tenant_id"]
root = "tenants.id"
[trust]
setting = "app.tenant"
[[database]]
name = "main"
dialect = "postgres"
app-role = "app"
"#;

const TABLES: &str = "
    create role app login;
    create table tenants (id bigint primary key);
    create table orders (id bigint primary key, tenant_id bigint not null references tenants (id), note text);
    alter table orders enable row level security;
    alter table orders force row level security;
";

const OWN: &str = "create policy own on orders using (tenant_id = current_setting('app.tenant')::bigint);";

const NARROWED: &str = "
    create policy open on orders using (true);
    create policy narrow on orders as restrictive to tu using (tenant_id = current_setting('app.tenant')::bigint);
";

/// Whether a statement is scoped after these files, on top of the tables.
fn is_scoped(sql: &str, files: &[&str]) -> bool {
    is_scoped_by(POLICY, sql, files)
}

fn is_scoped_by(policy: &str, sql: &str, files: &[&str]) -> bool {
    let proved = on_deep_stack(|| {
        let mut catalog = Catalog::empty(Dialect::Postgres);
        for (at, text) in (0..).zip(std::iter::once(&TABLES).chain(files)) {
            apply(Dialect::Postgres, &mut catalog, FileId(at), text);
        }
        let policy = tenantry_policy::parse(FileId(100), policy).expect("the policy");
        let (tenancy, faults) = resolve(&policy, &catalog);
        assert!(faults.is_empty(), "{faults:?}");
        let parsed = statements(Dialect::Postgres, sql);
        let plan = bind(Dialect::Postgres, &catalog, &tenancy, parsed.first().expect("a statement"));
        let setting = TenantSource::Setting("app.tenant".to_owned());
        let tenant = TenantValue { sources: [setting].into(), ..TenantValue::default() };
        matches!(prove_by(&catalog, &tenancy, &plan, &[tenant], &[], Policies::Applied), Verdict::Scoped(_))
    });
    proved.expect("a proof does not panic")
}

const SQL: &str = "select note from orders";

#[test]
fn a_restrictive_policy_counts_where_the_membership_is_sure() {
    for made in [
        "create role tu; grant tu to app;",
        "create role tu role app;",
        "create group tu; alter group tu add user app;",
        "create role tu; create role mid in role tu; grant mid to app;",
        "create role tu; grant tu to app with inherit true;",
        "create role tu; alter role app noinherit; grant tu to app with inherit true;",
        "create role tu; grant tu to app; revoke tu from app; grant tu to app;",
        "create role tu; grant tu to app; revoke admin option for tu from app;",
        "create role tu; create role other; grant tu to app; revoke tu from other; revoke other from app;",
        "create role tu; grant tu to app; alter role tu rename to old; alter role old rename to tu;",
    ] {
        assert!(is_scoped(SQL, &[made, NARROWED]), "{made}");
    }
}

#[test]
fn a_restrictive_policy_does_not_count_where_the_membership_may_be_gone() {
    for made in [
        "create role tu;",
        "create role tu; grant tu to app; revoke tu from app;",
        "create role tu; grant tu to app; revoke inherit option for tu from app;",
        "create role tu; grant tu to app; revoke tu from current_user;",
        "create role tu; create role x; grant tu to x with admin option; grant tu to app; revoke tu from x cascade;",
        "create role tu; grant tu to app; alter group tu drop user app;",
        "create role tu; grant tu to app; do $$ begin revoke tu from app; end $$;",
        "create role tu; grant tu to app; do $$ begin execute 'revoke tu from app'; end $$;",
        "create role tu; grant tu to app; do $$ begin if random() > 0.5 then revoke tu from app; end if; end $$;",
        "create role tu; grant tu to app; do language plpython3u $$ plpy.execute('revoke tu from app') $$;",
        "create role tu; grant tu to app; \
         create function f() returns void language plpgsql as $$ begin revoke tu from app; end $$; select f();",
        "create role tu; grant tu to app; do $$ declare r record; begin for r in select * from pg_auth_members loop \
         execute format('revoke %s from %s', r.roleid::regrole, r.member::regrole); end loop; end $$;",
        "create role tu; grant tu to app; drop role tu; create role tu;",
        "create role tu; grant tu to app with inherit false;",
        "create role tu; grant tu to app with inherit false; grant tu to app;",
        "create role tu; alter role app noinherit; grant tu to app;",
        "create role tu; grant tu to app; alter user app noinherit;",
        "create role tu; grant tu to app; alter role app noinherit; alter role app inherit;",
        "create role tu; create role mid noinherit; grant tu to mid; grant mid to app;",
        "create role tu; create role mid; grant tu to mid; grant mid to app; drop role mid; create role mid in role tu;",
    ] {
        assert!(!is_scoped(SQL, &[made, NARROWED]), "{made}");
    }
    for after in ["drop owned by tu;", "do $$ begin drop owned by tu; end $$;", "drop owned by current_user;"]
    {
        assert!(!is_scoped(SQL, &["create role tu; grant tu to app;", NARROWED, after]), "{after}");
    }
    assert!(is_scoped(SQL, &["create role tu; grant tu to app;", NARROWED, "drop owned by other;"]));
}

#[test]
fn what_a_member_may_do_it_may_also_do_where_the_membership_is_not_sure() {
    let open = "create role tu; create policy open on orders to tu using (true);";
    for made in ["grant tu to app; revoke tu from app;", "alter role app noinherit; grant tu to app;"] {
        assert!(!is_scoped(SQL, &[OWN, open, made]), "{made}");
    }
    assert!(is_scoped(SQL, &[OWN, open]));
}

#[test]
fn what_is_made_with_a_schema_belongs_to_its_role() {
    let secured = |schema: &str, name: &str| {
        format!(
            "{schema} create table {name} (id bigint primary key, tenant_id bigint not null); \
             alter table s.parts enable row level security; \
             create policy own on s.parts using (tenant_id = current_setting('app.tenant')::bigint);"
        )
    };
    let sql = "select id from s.parts";
    assert!(is_scoped(sql, &[&secured("create schema s", "parts")]));
    assert!(is_scoped(sql, &[&secured("create schema s authorization app;", "s.parts")]));
    assert!(is_scoped(sql, &[&secured("create role boss; create schema s authorization boss", "parts")]));
    assert!(!is_scoped(sql, &[&secured("create schema s authorization app", "parts")]));
    assert!(!is_scoped(sql, &[&secured("create schema s authorization \"app\"", "s.parts")]));
    let named = secured("create schema authorization app", "parts").replace("s.parts", "app.parts");
    assert!(!is_scoped("select id from app.parts", &[&named]));
    let whoever = secured("create schema authorization current_user", "parts");
    assert!(!is_scoped(sql, &[&whoever]));
}

#[test]
fn what_is_made_after_the_role_was_set_may_be_the_roles() {
    let made = "create table parts (id bigint primary key, tenant_id bigint not null);
                alter table parts enable row level security;
                create policy own on parts using (tenant_id = current_setting('app.tenant')::bigint);";
    let sql = "select id from parts";
    for before in [
        "set role app;",
        "create role crew; grant crew to app; set role crew;",
        "select set_config('role', 'app', false);",
        "select pg_catalog.set_config('ROLE', 'app', false);",
        "select \"set_config\"('session_authorization', 'app', true);",
        "select set_config('role', 'a' || 'pp', false);",
        "select set_config(name, 'app', false) from (values ('role')) as settings (name);",
        "do $$ begin perform set_config('role', 'app', false); end $$;",
        "do $$ begin execute 'select set_config(''role'', ''app'', false)'; end $$;",
        "create function act() returns void language plpgsql as \
         $$ begin perform set_config('role', 'app', false); end $$; select act();",
        "alter role app set role = 'boss';",
    ] {
        assert!(!is_scoped(sql, &[&format!("{before} {made}")]), "{before}");
    }
    for before in
        ["select set_config('app.tenant', 'role', false);", "select set_config('role', 'other', false);"]
    {
        assert!(is_scoped(sql, &[&format!("{before} {made}")]), "{before}");
    }
}

#[test]
fn what_an_extension_takes_with_it_is_not_sure() {
    let drops = "drop extension citext cascade;";
    assert!(!is_scoped(SQL, &[OWN, drops]));
    assert!(is_scoped(SQL, &[OWN, "drop extension citext;"]));
    for drops in [
        "drop operator === (text, text) cascade;",
        "drop aggregate most (int) cascade;",
        "drop collation plain cascade;",
        "drop cast (text as mood) cascade;",
        "do $$ begin drop language plperl cascade; end $$;",
    ] {
        assert!(!is_scoped(SQL, &[OWN, drops]), "{drops}");
        assert!(is_scoped(SQL, &[OWN, &drops.replace(" cascade", "")]), "{drops}");
    }
    let owned = "alter table orders owner to boss; drop owned by boss cascade;";
    assert!(!is_scoped(SQL, &[OWN, owned]));
}

#[test]
fn what_is_rolled_back_was_not_done() {
    let off = "alter table orders disable row level security;";
    let on = "alter table orders enable row level security;";
    for taken_back in [
        format!("{off} begin; {on} rollback;"),
        format!("{off} begin; {on} abort;"),
        format!("{off} start transaction; {on} rollback work;"),
        format!("{off} begin; savepoint a; {on} rollback to a; commit;"),
        format!("{off} begin; savepoint a; {on} savepoint b; rollback to savepoint a; commit;"),
        format!("{off} savepoint a; {on} rollback transaction to savepoint \"a\";"),
        format!("{off} begin; {on} prepare transaction 'x'; rollback prepared 'x';"),
        format!("begin; {off} commit and chain; {on} rollback;"),
        format!("{on} begin; {off} rollback and chain; {off} commit;"),
    ] {
        assert!(!is_scoped(SQL, &[OWN, &taken_back]), "{taken_back}");
    }
    // Whoever runs the file may have begun the transaction.
    assert!(!is_scoped(SQL, &[OWN, off, &format!("{on} rollback;")]));
    assert!(!is_scoped(SQL, &[OWN, off, &format!("{on} begin; create table more (id int); rollback;")]));
    for kept in [
        format!("begin; {off} rollback;"),
        format!("begin; savepoint a; {off} rollback to a; commit;"),
        format!("begin; {off} savepoint a; {on} release a; commit;"),
        "begin; create table more (id int); rollback;".to_owned(),
    ] {
        assert!(is_scoped(SQL, &[OWN, &kept]), "{kept}");
    }
}

#[test]
fn a_name_of_several_is_not_known_where_the_path_may_be_another_one() {
    let two =
        "create schema fast; create table fast.orders (id bigint primary key, tenant_id bigint, note text);";
    assert!(is_scoped(SQL, &[OWN, two]));
    for set in [
        "alter role app set search_path = fast, public;",
        "alter role all set search_path to fast;",
        "alter user app in database db set search_path = fast;",
        "alter database db set search_path = fast, public;",
        "alter system set search_path = fast;",
        "do $$ begin alter role app set search_path = fast, public; end $$;",
        "do $$ begin execute format('alter database %I set search_path = fast', current_database()); end $$;",
    ] {
        assert!(!is_scoped(SQL, &[OWN, two, set]), "{set}");
        assert!(!is_scoped(SQL, &[OWN, set, two]), "{set}");
        assert!(is_scoped("select note from public.orders", &[OWN, two, set]), "{set}");
        assert!(is_scoped(SQL, &[OWN, set]), "{set}");
    }
    // What is said of the name after that may be of the other table.
    let set = "alter database db set search_path = fast, public;";
    let on = "alter table orders enable row level security;";
    let sql = "select note from public.orders";
    assert!(!is_scoped(sql, &[OWN, "alter table orders disable row level security;", two, set, on]));
}

#[test]
fn the_schema_of_the_role_is_searched_first() {
    let two =
        "create schema app; create table app.orders (id bigint primary key, tenant_id bigint, note text);";
    assert!(!is_scoped(SQL, &[OWN, two]));
    assert!(is_scoped("select note from public.orders", &[OWN, two]));
    let view = "create schema app; create view app.orders as select note from public.orders;";
    assert!(!is_scoped(SQL, &[OWN, view]));
    // Of whatever role it is, where nothing says which one is the application's.
    let policy = POLICY.replace("app-role = \"app\"", "");
    let keyed = "select note from orders where tenant_id = current_setting('app.tenant')::bigint";
    let plain = "alter table orders disable row level security;";
    assert!(is_scoped_by(&policy, keyed, &[plain]));
    assert!(!is_scoped_by(&policy, keyed, &[plain, two]));
    assert!(is_scoped_by(&policy, keyed, &[plain, &two.replace("app", "old")]));
}
