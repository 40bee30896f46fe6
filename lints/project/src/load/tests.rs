#![allow(clippy::disallowed_methods, reason = "tests lay out trees")]

use tenantry_prover::catalog::QualifiedName;

use tenantry_span::Severity;

use super::*;

/// A folder that goes when the test ends.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, files: &[(&str, &str)]) -> Tree {
        let root = std::env::temp_dir().join(format!("tenantry-project-{}-{name}", std::process::id()));
        let tree = Tree(root);
        for (path, text) in files {
            let path = tree.0.join(path);
            std::fs::create_dir_all(path.parent().expect("a file lies in a folder"))
                .expect("a folder can be made");
            std::fs::write(path, text).expect("a file can be written");
        }
        tree
    }

    fn load(&self) -> Project {
        load(&self.0)
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const PACKAGE: &str = "[package]\nname = \"api\"\n[workspace]\n";

fn paths(project: &Project, database: &Database) -> Vec<String> {
    database.files.iter().map(|file| project.files.path(*file).to_string_lossy().into_owned()).collect()
}

#[test]
fn a_lone_migration_folder_serves_every_crate() {
    let tree = Tree::new(
        "lone",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"crates/*\"]\n"),
            ("crates/api/Cargo.toml", "[package]\nname = \"api\"\n"),
            ("crates/worker/Cargo.toml", "[package]\nname = \"worker\"\n"),
            ("crates/api/migrations/2_b.up.sql", "alter table t add a int;"),
            ("crates/api/migrations/2_b.down.sql", "drop table t;"),
            ("crates/api/migrations/1_a.up.sql", "create table t(id bigserial primary key);"),
            ("target/migrations/1_x.sql", "create table x(id int);"),
        ],
    );
    let project = tree.load();
    let [database] = project.databases.as_slice() else {
        panic!("one database, not {:?}", project.databases)
    };
    assert_eq!(
        paths(&project, database),
        ["crates/api/migrations/1_a.up.sql", "crates/api/migrations/2_b.up.sql"]
    );
    assert_eq!((database.name.as_str(), database.dialect), ("main", Dialect::Postgres));
    assert_eq!(database.crates, ["api", "worker"]);
    assert!(database.inference.is_some());
}

#[test]
fn migrations_that_go_before_the_others_are_no_database_of_their_own() {
    let tree = Tree::new(
        "before",
        &[
            ("Cargo.toml", "[package]\nname = \"api\"\n[workspace]\nmembers = [\"libs/store\"]\n"),
            ("libs/store/Cargo.toml", "[package]\nname = \"store\"\n"),
            ("migrations/1_a.sql", "create table t(id int);"),
            ("migrations/before/0_roles.sql", "create role app;"),
        ],
    );
    let project = tree.load();
    let [database] = project.databases.as_slice() else {
        panic!("one database, not {:?}", project.databases)
    };
    assert_eq!(paths(&project, database), ["migrations/before/0_roles.sql", "migrations/1_a.sql"]);
    assert_eq!(database.crates, ["api", "store"]);
}

#[test]
fn several_folders_are_several_databases() {
    let tree = Tree::new(
        "several",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"*\"]\n"),
            ("client/Cargo.toml", "[package]\nname = \"client\"\n[dependencies]\nrusqlite = \"1\"\n"),
            ("server/Cargo.toml", "[package]\nname = \"server\"\n[dependencies]\ntokio-postgres = \"1\"\n"),
            ("client/migrations/1_a.sql", "create table t(id integer);"),
            ("client/meta-migrations/1_a.sql", "create table m(id integer primary key autoincrement);"),
            ("server/migrations/V1__a.sql", "create table t(id int);"),
        ],
    );
    let project = tree.load();
    let shown: Vec<(&str, Dialect, &[String])> = project
        .databases
        .iter()
        .map(|known| (known.name.as_str(), known.dialect, known.crates.as_slice()))
        .collect();
    let (client, server) = (["client".to_owned()], ["server".to_owned()]);
    assert_eq!(
        shown,
        [
            ("client", Dialect::Sqlite, client.as_slice()),
            ("client/migrations", Dialect::Sqlite, client.as_slice()),
            ("server", Dialect::Postgres, server.as_slice()),
        ]
    );
}

#[test]
fn a_database_without_a_schema_takes_those_of_its_crates_alone() {
    let policy = "[[database]]\nname = \"local\"\ndialect = \"sqlite\"\ncrates = [\"client\"]\n\
                  single-tenant = \"a file\"\n\
                  [[database]]\nname = \"given\"\ncrates = [\"agent\"]\nsingle-tenant = \"the customer's\"\n";
    let tree = Tree::new(
        "one-tenant",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"*\"]\n"),
            ("tenantry.toml", policy),
            ("agent/Cargo.toml", "[package]\nname = \"agent\"\n"),
            ("client/Cargo.toml", "[package]\nname = \"client\"\n[dependencies]\nrusqlite = \"1\"\n"),
            ("client/migrations/1_a.sql", "create table t(id integer primary key autoincrement);"),
            ("server/Cargo.toml", "[package]\nname = \"server\"\n[dependencies]\nrusqlite = \"1\"\n"),
            ("server/migrations/1_a.sql", "create table s(id integer primary key autoincrement);"),
        ],
    );
    let project = tree.load();
    assert_eq!(project.diagnostics, []);
    let shown: Vec<(&str, Vec<String>, Option<&str>)> = project
        .databases
        .iter()
        .map(|known| (known.name.as_str(), paths(&project, known), known.single_tenant.as_deref()))
        .collect();
    let expected = [
        ("local (client)", vec!["client/migrations/1_a.sql".to_owned()], Some("a file")),
        ("given", Vec::new(), Some("the customer's")),
    ];
    assert_eq!(shown, expected);
}

#[test]
fn a_file_that_makes_tables_serves_where_nothing_better_is_found() {
    let tables = "create table t(id int);";
    let files = [
        ("Cargo.toml", PACKAGE),
        ("src/main.rs", ""),
        ("src/db/ddl.sql", tables),
        ("docker/init.sql", "create role app;"),
        ("demo/tables.sql", tables),
    ];
    let lone = Tree::new("lone-file", &files).load();
    let shown: Vec<Vec<String>> = lone.databases.iter().map(|database| paths(&lone, database)).collect();
    assert_eq!(shown, [["src/db/ddl.sql"]]);
    let better: Vec<(&str, &str)> = files.into_iter().chain([("migrations/1_a.sql", tables)]).collect();
    let better = Tree::new("better-file", &better).load();
    let shown: Vec<Vec<String>> = better.databases.iter().map(|database| paths(&better, database)).collect();
    assert_eq!(shown, [["migrations/1_a.sql"]]);
}

#[test]
fn the_policy_names_its_schema() {
    let policy = "[tenancy]\nkeys = [\"tenant_id\"]\n[[database]]\nname = \"shop\"\ndialect = \"postgres\"\nschema = [\"db/all.sql\", \"none\"]\n";
    let tree = Tree::new(
        "named",
        &[
            ("Cargo.toml", PACKAGE),
            ("tenantry.toml", policy),
            ("db/all.sql", "select 1;"),
            ("src/main.rs", ""),
        ],
    );
    let project = load(&tree.0.join("src"));
    assert_eq!(project.root, tree.0.canonicalize().expect("the root exists"));
    let [database] = project.databases.as_slice() else { panic!("one database") };
    assert_eq!((database.name.as_str(), paths(&project, database)), ("shop", vec!["db/all.sql".to_owned()]));
    assert!(database.inference.is_none());
    let told: Vec<(&str, &str)> = project
        .diagnostics
        .iter()
        .map(|told| (told.message.as_str(), told.primary.span.range.slice(policy)))
        .collect();
    let [(message, place)] = told.as_slice() else { panic!("one diagnostic, not {told:?}") };
    assert_eq!(*message, "there is no file or folder `none`");
    assert!(place.contains("none"));
}

#[test]
fn a_crate_that_no_one_has_is_told() {
    let policy = "[[database]]\nschema = [\"db.sql\"]\ncrates = [\"shoop\", \"x-*\", \"s*\"]\n";
    let manifest = "[package]\nname = \"shop\"\n";
    let files = [("tenantry.toml", policy), ("Cargo.toml", manifest), ("db.sql", "CREATE TABLE a (id int);")];
    let project = Tree::new("no-such-crate", &files).load();
    let told: Vec<(&str, Severity)> =
        project.diagnostics.iter().map(|told| (told.message.as_str(), told.severity)).collect();
    assert_eq!(told, [("no crate of the project is named `shoop`", Severity::Warning)]);
    assert_eq!(
        project.diagnostics.first().map(|told| told.help.as_slice()),
        Some(&["did you mean `shop`?".to_owned()][..])
    );
}

#[test]
fn a_faulty_policy_is_not_replaced_by_inference() {
    let tree = Tree::new(
        "faulty",
        &[
            ("Cargo.toml", PACKAGE),
            ("tenantry.toml", "[tenancy]\nkeyz = [\"tenant_id\"]\n"),
            ("migrations/1_a.sql", "create table t(id int, tenant_id int);"),
        ],
    );
    let project = tree.load();
    assert!(project.policy.is_none() && !project.diagnostics.is_empty());
    assert!(project.databases.iter().all(|database| database.inference.is_none()));
}

#[test]
fn what_cannot_be_read_is_told() {
    let tree = Tree::new("unread", &[("Cargo.toml", PACKAGE), ("migrations/1_a.sql", "select 1;")]);
    std::fs::write(tree.0.join("migrations/2_b.sql"), [0x63, 0xff, 0xfe]).expect("a file can be written");
    let project = tree.load();
    assert_eq!(
        project.skipped,
        [Skipped { path: PathBuf::from("migrations/2_b.sql"), why: Unread::NotUtf8(1) }]
    );
    let lost = project.databases.iter().flat_map(|database| &database.catalog.skipped);
    assert!(lost.into_iter().any(|lost| lost.why.contains("not UTF-8")));
}

#[test]
fn table_macros_stand_in_for_missing_migrations() {
    let tables = "diesel::table! { orders (id) { id -> Int8, tenant_id -> Int8, } }";
    let tree = Tree::new("diesel", &[("Cargo.toml", PACKAGE), ("src/schema.rs", tables)]);
    let project = tree.load();
    let names: Vec<&str> = project
        .databases
        .iter()
        .flat_map(|database| database.catalog.tables.keys().map(|name| name.name.as_str()))
        .collect();
    assert_eq!(names, ["orders"]);
    let tree = Tree::new(
        "diesel-migrated",
        &[("Cargo.toml", PACKAGE), ("src/schema.rs", tables), ("migrations/1_a.sql", "select 1;")],
    );
    let project = tree.load();
    let files: Vec<String> =
        project.databases.iter().flat_map(|database| paths(&project, database)).collect();
    assert_eq!(files, ["migrations/1_a.sql"]);
}

#[test]
fn the_corpus_is_owned_as_its_tenancy_file_says() {
    use tenantry_prover::tenancy::TableOwner;
    let project = load(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/sqlcorpus")));
    assert_eq!(project.diagnostics, vec![]);
    let [database] = project.databases.as_slice() else { panic!("one database") };
    assert!(database.catalog.skipped.is_empty(), "{:?}", database.catalog.skipped);
    let domain = |id: &tenantry_prover::tenancy::DomainId| {
        database.tenancy.domains.get(usize::from(id.0)).map_or("?", |domain| domain.name.as_str())
    };
    let mut by_owner: std::collections::BTreeMap<String, Vec<&str>> = std::collections::BTreeMap::new();
    for (name, table) in &database.tenancy.tables {
        let owner = match &table.owner {
            TableOwner::Keyed { keys, null_is_shared } => {
                let keys: Vec<String> =
                    keys.iter().map(|(key, id)| format!("{key}={}", domain(id))).collect();
                format!("keyed {}{}", keys.join(" "), if *null_is_shared { " or shared" } else { "" })
            }
            TableOwner::Root { keys } => {
                let keys: Vec<String> =
                    keys.iter().map(|(key, id)| format!("{key}={}", domain(id))).collect();
                format!("root {}", keys.join(" "))
            }
            TableOwner::Child { parent, by, parent_column } => {
                format!("child {by}={}.{parent_column}", parent.name)
            }
            TableOwner::Shared => "shared".to_owned(),
            TableOwner::Undeclared => "undeclared".to_owned(),
        };
        by_owner.entry(owner).or_default().push(&name.name);
    }
    let shown: Vec<String> =
        by_owner.iter().map(|(owner, tables)| format!("{owner}: {}", tables.join(" "))).collect();
    assert_eq!(
        shown,
        [
            "child comment_id=comments.id: reactions",
            "child post_id=posts.id: attachments comments",
            "keyed tenant_id=tenants.id: accounts audit_p audit_p_2 audit_p_default events invoice_lines invoices notes notes_and notes_missing_ok notes_nocheck notes_off notes_or notes_owned notes_selonly notes_true posts projects tasks time_entries tr_items users",
            "keyed tenant_id=tenants.id or shared: templates",
            "keyed tenant_slug=tenants.slug: docs",
            "root id=tenants.id slug=tenants.slug: tenants",
            "shared: countries feature_flags",
        ]
    );
}

const MIGRATOR: &str = "use sea_orm_migration::prelude::*;
    pub struct Migrator;
    impl MigratorTrait for Migrator {
        fn migrations() -> Vec<Box<dyn MigrationTrait>> { vec![Box::new(First)] }
    }
    pub struct First;
    impl MigrationTrait for First {
        async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
            manager.get_connection().execute_unprepared(include_str!(\"first.sql\")).await?;
            manager.create_table(Table::create().table(Note::Table)
                .col(pk_uuid(Note::Id)).col(uuid(Note::OrgId))
                .foreign_key(ForeignKey::create().from(Note::Table, Note::OrgId).to(Alias::new(\"orgs\"), Alias::new(\"id\"))
                    .on_delete(ForeignKeyAction::Cascade)).to_owned()).await
        }
    }
    #[derive(DeriveIden)] enum Note { Table, Id, OrgId }";

const ENTITY: &str = "use sea_orm::entity::prelude::*;
    #[derive(DeriveEntityModel)] #[sea_orm(table_name = \"TABLE\")]
    pub struct Model { #[sea_orm(primary_key)] pub id: Uuid, pub org_id: Uuid, pub extra: Option<String> }";

#[test]
fn seaorm_migrations_make_the_schema_and_entities_add_to_it() {
    let tree = Tree::new(
        "seaorm",
        &[
            ("Cargo.toml", "[workspace]\nmembers = [\"*\"]\n"),
            (
                "app/Cargo.toml",
                "[package]\nname = \"app\"\n[dependencies]\nsea-orm = { features = [\"sqlx-postgres\"] }\n",
            ),
            ("app/src/note.rs", &ENTITY.replace("TABLE", "note")),
            ("app/src/memo.rs", &ENTITY.replace("TABLE", "memo")),
            (
                "migration/Cargo.toml",
                "[package]\nname = \"migration\"\n[dependencies]\nsea-orm-migration = \"1\"\n",
            ),
            ("migration/src/lib.rs", MIGRATOR),
            ("migration/src/first.sql", "CREATE TABLE orgs (id uuid PRIMARY KEY);"),
        ],
    );
    let project = tree.load();
    let [database] = project.databases.as_slice() else {
        panic!("one database, not {:?}", project.databases)
    };
    assert_eq!(database.crates, ["app", "migration"]);
    assert!(database.catalog.skipped.is_empty(), "{:?}", database.catalog.skipped);
    let table = |name: &str| {
        let name = QualifiedName { schema: "public".to_owned(), name: name.to_owned() };
        database.catalog.tables.get(&name).expect("the table is there")
    };
    let columns = |name: &str| -> Vec<String> {
        table(name).columns.iter().map(|column| column.name.clone()).collect()
    };
    assert_eq!(columns("note"), ["id", "org_id"]);
    assert_eq!(columns("memo"), ["id", "org_id", "extra"]);
    assert_eq!((table("note").complete, table("memo").complete, table("orgs").complete), (true, false, true));
    let text = |span: Span| span.range.slice(project.files.text(span.file));
    assert_eq!(text(table("note").columns[1].span), "uuid(Note::OrgId)");
    assert_eq!(text(table("orgs").columns[0].span), "id uuid PRIMARY KEY");
    assert!(paths(&project, database).contains(&"migration/src/first.sql".to_owned()));
    let owner = database.tenancy.tables.keys().map(|name| name.name.as_str()).collect::<Vec<_>>();
    assert_eq!(owner, ["memo", "note", "orgs"]);
}

#[test]
fn entities_alone_are_a_schema_and_a_folder_of_migrations_can_be_named() {
    let manifest = "[package]\nname = \"app\"\n[workspace]\n[dependencies]\nsea-orm = \"1\"\n";
    let tree =
        Tree::new("entities", &[("Cargo.toml", manifest), ("src/memo.rs", &ENTITY.replace("TABLE", "memo"))]);
    let project = tree.load();
    let tables: Vec<usize> = project.databases.iter().map(|database| database.catalog.tables.len()).collect();
    assert_eq!(tables, [1]);

    let policy = "[[database]]\nname = \"main\"\ndialect = \"postgres\"\nschema = [\"src/schema\"]\n";
    let tree = Tree::new(
        "named-seaorm",
        &[
            ("Cargo.toml", manifest),
            ("tenantry.toml", policy),
            ("src/schema/mod.rs", MIGRATOR),
            ("src/schema/first.sql", "CREATE TABLE orgs (id uuid PRIMARY KEY);"),
        ],
    );
    let project = tree.load();
    assert_eq!(project.databases.len(), 1);
    assert_eq!(project.databases[0].catalog.tables.len(), 2);
}

#[test]
fn what_is_excluded_from_the_scan_is_no_schema() {
    let tree = Tree::new(
        "excluded",
        &[
            ("Cargo.toml", PACKAGE),
            ("tenantry.toml", "[scan]\nexclude = [\"vendored/**\", \"migrations/2_*.sql\"]\n"),
            ("migrations/1_a.sql", "create table a(id int);"),
            ("migrations/2_b.sql", "create table b(id int);"),
            ("vendored/lib/migrations/1_x.sql", "create table x(id int);"),
        ],
    );
    let project = tree.load();
    let [database] = project.databases.as_slice() else {
        panic!("one database, not {:?}", project.databases)
    };
    assert_eq!(paths(&project, database), ["migrations/1_a.sql"]);
}

#[test]
fn a_folder_that_is_not_understood_says_where_its_files_are() {
    let policy = "[tenancy]\nkeys = [\"org\"]\n[[database]]\nname = \"main\"\nschema = [\"db\"]\n";
    let files = [
        ("Cargo.toml", PACKAGE),
        ("tenantry.toml", policy),
        ("db/postgres/init.sql", "create table t(org int);"),
    ];
    let project = Tree::new("not-understood", &files).load();
    let told: Vec<&str> = project.diagnostics.iter().map(|one| one.message.as_str()).collect();
    assert!(told.iter().any(|text| text.contains("there are some in `db/postgres`")), "{told:?}");
}

mod servers {
    use std::sync::Arc;

    use super::*;
    use crate::Servers;

    const LIVE: &str = "create table seen (id int primary key, org_id int);";
    const BY_VARIABLE: &str = "[[database]]\nname = \"main\"\nschema = [\"env:DATABASE_URL\"]\n";

    fn answer(variable: &str) -> Result<Given, String> {
        match variable {
            "DATABASE_URL" => Ok(given(None)),
            other => Err(format!("the variable {other} is not set")),
        }
    }

    fn given(database: Option<&str>) -> Given {
        Given { database: database.map(str::to_owned), name: "app/live".to_owned(), text: Arc::from(LIVE) }
    }

    fn tree(name: &str, policy: &str) -> Tree {
        let files = [
            ("Cargo.toml", PACKAGE),
            ("migrations/1_a.sql", "create table made (id int);"),
            ("tenantry.toml", policy),
        ];
        Tree::new(name, &files)
    }

    fn load(tree: &Tree, servers: Servers) -> Project {
        load_from(&Disk::default().beside(servers), find_root(&tree.0))
    }

    fn tables(project: &Project) -> Vec<Vec<&str>> {
        let names =
            |database: &Database| database.catalog.tables.keys().map(|name| name.name.clone()).collect();
        let all: Vec<Vec<String>> = project.databases.iter().map(names).collect();
        let known = |name: &str| ["made", "seen"].into_iter().find(|known| *known == name).unwrap_or("?");
        all.iter().map(|names| names.iter().map(|name| known(name)).collect()).collect()
    }

    fn errors(project: &Project) -> Vec<&str> {
        let errors = project.diagnostics.iter().filter(|told| told.severity == Severity::Error);
        errors.map(|told| told.message.as_str()).collect()
    }

    #[test]
    fn what_is_given_takes_the_place_of_files() {
        let tree = tree("given", "");
        let project = load(&tree, Servers { given: vec![given(None)], ..Servers::default() });
        assert_eq!(tables(&project), [["seen"]]);
        let database = project.databases.first().expect("a database");
        assert_eq!(paths(&project, database), ["live-database/app_live.sql"]);
        assert!(errors(&project).is_empty());

        let project = load(&tree, Servers { given: vec![given(Some("other"))], ..Servers::default() });
        assert_eq!(errors(&project), ["no database of the project is named `other`"]);
    }

    #[test]
    fn of_several_databases_the_named_one_is_meant() {
        let two = "[[database]]\nname = \"one\"\nschema = [\"migrations\"]\n\
                   [[database]]\nname = \"two\"\nschema = [\"migrations\"]\n";
        let tree = tree("named", two);
        let project = load(&tree, Servers { given: vec![given(Some("two"))], ..Servers::default() });
        assert_eq!(tables(&project), [["made"], ["seen"]]);
        assert!(errors(&project).is_empty());
        let project = load(&tree, Servers { given: vec![given(None)], ..Servers::default() });
        let told = "the project has several databases, and nothing says for which this schema is";
        assert_eq!(errors(&project), [told]);
    }

    #[test]
    fn a_policy_may_name_the_variable() {
        let tree = tree("variable", BY_VARIABLE);
        let asking = Servers { ask: Some(answer), ..Servers::default() };
        assert_eq!(tables(&load(&tree, asking.clone())), [["seen"]]);
        // Where files are asked for, they are looked for.
        assert_eq!(tables(&load(&tree, Servers { files_only: true, ..asking.clone() })), [["made"]]);
        // Macros connect to nothing, and say so.
        let project = load(&tree, Servers::default());
        let told = errors(&project);
        assert!(told.len() == 1 && told[0].contains("to which nothing connects here"), "{told:?}");
        assert_eq!(tables(&project), [Vec::<&str>::new()]);

        for (policy, told) in [
            (BY_VARIABLE.replace("DATABASE_URL", "OTHER"), "the variable OTHER is not set"),
            (BY_VARIABLE.replace("URL\"", "URL\", \"migrations\""), "stands for a whole schema"),
        ] {
            std::fs::write(tree.0.join("tenantry.toml"), policy).expect("writable");
            let project = load(&tree, asking.clone());
            assert!(errors(&project).iter().any(|error| error.contains(told)), "{:?}", errors(&project));
            assert!(!tables(&project).iter().flatten().any(|name| *name == "seen"));
        }
    }

    #[test]
    fn nothing_that_a_server_said_is_kept() {
        for (name, servers) in [
            ("kept-given", Servers { given: vec![given(None)], ..Servers::default() }),
            ("kept-asked", Servers { ask: Some(answer), ..Servers::default() }),
        ] {
            let tree = tree(name, BY_VARIABLE);
            let disk = Disk::watched().beside(servers);
            load_from(&disk, find_root(&tree.0));
            assert!(disk.asked().is_none(), "{name}");
        }
    }
}
