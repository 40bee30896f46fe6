use super::*;

fn read(files: &[(&str, &str)]) -> SeaOrm {
    let sources: Vec<SourceFile<'_>> =
        (0..).zip(files).map(|(id, (path, text))| SourceFile { file: FileId(id), path, text }).collect();
    SeaOrm::read(&sources)
}

/// The steps as text: SQL with its white space folded, `unread: why` for the rest.
fn steps(files: &[(&str, &str)], dialect: Dialect) -> Vec<String> {
    let include = |_: FileId, relative: &str| {
        (relative == "up.sql").then(|| (FileId(90), "CREATE TABLE included (id int);".to_owned()))
    };
    let said = read(files).migrations(dialect, &include).into_iter().map(|step| match step {
        SchemaStep::Sql(text) => text.sql.split_whitespace().collect::<Vec<_>>().join(" "),
        SchemaStep::File(_, text) => text,
        SchemaStep::Unread { why, table, .. } => match table {
            Some((_, table)) => format!("unread ({table}): {why}"),
            None => format!("unread: {why}"),
        },
    });
    said.collect()
}

/// A crate with one migration, whose `up` and further items are given.
fn migration(up: &str, items: &str) -> String {
    format!(
        "use sea_orm_migration::prelude::*;
        pub struct Migrator;
        impl MigratorTrait for Migrator {{
            fn migrations() -> Vec<Box<dyn MigrationTrait>> {{ vec![Box::new(Migration)] }}
        }}
        #[derive(DeriveMigrationName)]
        pub struct Migration;
        #[async_trait::async_trait]
        impl MigrationTrait for Migration {{
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {{ {up} Ok(()) }}
            async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {{
                manager.drop_table(Table::drop().table(Orders::Table).to_owned()).await
            }}
        }}
        #[derive(DeriveIden)] enum Orders {{ Table, Id, #[sea_orm(iden = \"tenant\")] TenantId, Total, Note }}
        #[derive(Iden)] enum Tenants {{ Table, Id }}
        {items}"
    )
}

fn one(up: &str, items: &str) -> Vec<String> {
    steps(&[("migration/src/lib.rs", &migration(up, items))], Dialect::Postgres)
}

#[test]
fn a_table_with_columns_keys_and_references_is_written() {
    let up = "manager
        .create_table(
            Table::create()
                .table(Orders::Table)
                .if_not_exists()
                .col(ColumnDef::new(Orders::Id).big_integer().not_null().auto_increment().primary_key())
                .col(ColumnDef::new(Orders::TenantId).uuid().not_null())
                .col(decimal_len_null(Orders::Total, 12, 2))
                .col(string_uniq(Orders::Note).default(\"it's\"))
                .col(timestamp_with_time_zone(\"made_at\").default(Expr::current_timestamp()))
                .index(Index::create().unique().name(\"note_key\").col(Orders::TenantId).col(Orders::Note))
                .foreign_key(
                    ForeignKey::create()
                        .name(\"fk\")
                        .from(Orders::Table, Orders::TenantId)
                        .to(Tenants::Table, Tenants::Id)
                        .on_delete(ForeignKeyAction::Cascade),
                )
                .to_owned(),
        )
        .await?;";
    assert_eq!(
        one(up, ""),
        ["CREATE TABLE IF NOT EXISTS \"orders\" ( \"id\" bigserial NOT NULL PRIMARY KEY, \
          \"tenant\" uuid NOT NULL, \"total\" decimal(12, 2), \
          \"note\" varchar NOT NULL UNIQUE DEFAULT 'it''s', \
          \"made_at\" timestamptz NOT NULL DEFAULT CURRENT_TIMESTAMP, \
          CONSTRAINT \"note_key\" UNIQUE (\"tenant\", \"note\"), \
          CONSTRAINT \"fk\" FOREIGN KEY (\"tenant\") REFERENCES \"tenants\" (\"id\") ON DELETE CASCADE)"]
    );
}

#[test]
fn changes_indexes_types_and_plain_sql_are_written_in_order() {
    let up = "
        let db = manager.get_connection();
        manager.alter_table(Table::alter().table((Alias::new(\"billing\"), Orders::Table))
            .add_column(ColumnDef::new(Orders::Note).text())
            .modify_column(ColumnDef::new(Orders::Total).big_integer().not_null())
            .rename_column(Alias::new(\"a\"), Alias::new(\"b\"))
            .drop_column(Orders::Id).to_owned()).await?;
        manager.create_index(Index::create().name(NAME).table(Orders::Table).col(Orders::TenantId)
            .col((Orders::Total, IndexOrder::Desc)).unique().to_owned()).await?;
        manager.create_type(Type::create().as_enum(Alias::new(\"kind\")).values([\"x\", \"y\"]).to_owned()).await?;
        db.execute_unprepared(r#\"ALTER TABLE orders ADD CHECK (total > 0)\"#).await?;
        db.execute_unprepared(include_str!(\"up.sql\")).await?;
        db.execute(Statement::from_string(manager.get_database_backend(), format!(\"DROP TABLE {}\", NAME))).await?;
        manager.rename_table(Table::rename().table(Orders::Table, Alias::new(\"bills\")).to_owned()).await?;
        manager.drop_index(Index::drop().name(NAME).table(Orders::Table).to_owned()).await?;";
    assert_eq!(
        one(up, "const NAME: &str = \"by_tenant\";"),
        [
            "ALTER TABLE \"billing\".\"orders\" ADD COLUMN \"note\" text",
            "ALTER TABLE \"billing\".\"orders\" ALTER COLUMN \"total\" TYPE bigint",
            "ALTER TABLE \"billing\".\"orders\" ALTER COLUMN \"total\" SET NOT NULL",
            "ALTER TABLE \"billing\".\"orders\" RENAME COLUMN \"a\" TO \"b\"",
            "ALTER TABLE \"billing\".\"orders\" DROP COLUMN \"id\"",
            "CREATE UNIQUE INDEX \"by_tenant\" ON \"orders\" (\"tenant\", \"total\")",
            "CREATE TYPE \"kind\" AS ENUM ('x', 'y')",
            "ALTER TABLE orders ADD CHECK (total > 0)",
            "CREATE TABLE included (id int);",
            "DROP TABLE by_tenant",
            "ALTER TABLE \"orders\" RENAME TO \"bills\"",
            "DROP INDEX \"by_tenant\"",
        ]
    );
}

#[test]
fn conditions_on_the_dialect_are_decided_and_others_are_told() {
    let up = "
        match manager.get_database_backend() {
            DbBackend::Postgres => { manager.get_connection().execute_unprepared(\"SELECT 1\").await?; }
            DbBackend::MySql | DbBackend::Sqlite => {
                manager.get_connection().execute_unprepared(\"SELECT 2\").await?;
            }
        }
        if !manager.has_column(\"orders\", \"note\").await? {
            manager.alter_table(Table::alter().table(Orders::Table)
                .add_column(ColumnDef::new(Orders::Note).text()).to_owned()).await?;
        }
        if std::env::var(\"EXTRA\").is_ok() {
            manager.drop_table(Table::drop().table(Orders::Table).to_owned()).await?;
        }
        for name in [\"a\", \"b\"] {
            manager.drop_table(Table::drop().table(Alias::new(name)).to_owned()).await?;
        }
        elsewhere::prepare(manager).await?;";
    assert_eq!(
        one(up, ""),
        [
            "SELECT 1",
            "ALTER TABLE \"orders\" ADD COLUMN IF NOT EXISTS \"note\" text",
            "unread (orders): it runs only under a condition that is not known",
            "DROP TABLE \"a\"",
            "DROP TABLE \"b\"",
            "unread: `prepare`, which is handed the connection, is not in sight",
        ]
    );
}

#[test]
fn what_is_not_known_of_a_table_makes_it_uncertain_and_costs_no_more() {
    let up = "
        let mut table = Table::create();
        table.table(Orders::Table).col(uuid(Orders::Id).primary_key());
        if late() { table.col(uuid(Orders::TenantId)); }
        manager.create_table(table.to_owned()).await?;
        manager.create_table(made_elsewhere()).await?;
        manager.alter_table(Table::alter().table(Orders::Table)
            .add_column(ColumnDef::new(Orders::Note).custom(kind())).to_owned()).await?;";
    assert_eq!(
        one(up, ""),
        [
            "unread (orders): `if …` of orders is not understood",
            "CREATE TABLE \"orders\" ( \"id\" uuid NOT NULL PRIMARY KEY)",
            "unread: what `create_table` is handed is not known",
            "unread: the type of orders.note is not known",
            "ALTER TABLE \"orders\" ADD COLUMN \"note\" \"unread type\"",
        ]
    );
}

#[test]
fn migrations_run_in_the_order_of_the_list_and_functions_are_followed() {
    let lib = "pub use sea_orm_migration::prelude::*;
        mod m2_orders; mod m1_tenants;
        pub struct Migrator;
        impl MigratorTrait for Migrator {
            fn migrations() -> Vec<Box<dyn MigrationTrait>> {
                let mut all: Vec<Box<dyn MigrationTrait>> = vec![Box::new(m1_tenants::Migration)];
                all.push(Box::new(m2_orders::Migration));
                all.push(Box::new(m3_gone::Migration));
                all
            }
        }
        pub fn key<T: IntoIden>(name: T) -> ColumnDef {
            ColumnDef::new(name).uuid().not_null().primary_key().to_owned()
        }";
    let orders = "use sea_orm_migration::prelude::*;
        use super::key;
        use super::m1_tenants::Tenant;
        pub struct Migration;
        impl MigrationTrait for Migration {
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                self.create(manager, \"orders\").await?;
                manager.create_foreign_key(ForeignKey::create().from(Alias::new(\"orders\"), Alias::new(\"t\"))
                    .to(Tenant::Table, Tenant::Id).to_owned()).await
            }
        }
        impl Migration {
            async fn create(&self, manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
                manager.create_table(statement(name)).await
            }
        }
        fn statement(name: &str) -> TableCreateStatement {
            Table::create().table(Alias::new(name)).col(key(Alias::new(\"id\"))).to_owned()
        }";
    let tenants = "use sea_orm_migration::prelude::*;
        pub struct Migration;
        impl MigrationTrait for Migration {
            async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
                manager.create_table(Table::create().table(Tenant::Table).col(super::key(Tenant::Id)).to_owned()).await
            }
        }
        pub enum Tenant { Table, Id }
        impl Iden for Tenant {
            fn unquoted(&self, s: &mut dyn std::fmt::Write) {
                write!(s, \"{}\", match self { Self::Table => \"tenant\", Self::Id => \"uid\" }).unwrap();
            }
        }";
    let files = [
        ("migration/src/lib.rs", lib),
        ("migration/src/m2_orders.rs", orders),
        ("migration/src/m1_tenants.rs", tenants),
    ];
    assert_eq!(
        steps(&files, Dialect::Mysql),
        [
            "CREATE TABLE `tenant` ( `uid` binary(16) NOT NULL PRIMARY KEY)",
            "CREATE TABLE `orders` ( `id` binary(16) NOT NULL PRIMARY KEY)",
            "ALTER TABLE `orders` ADD FOREIGN KEY (`t`) REFERENCES `tenant` (`uid`)",
            "unread: the migration m3_gone::Migration was not found",
        ]
    );
}

#[test]
fn entities_become_tables_with_their_relations() {
    let order = "use sea_orm::entity::prelude::*;
        #[derive(Clone, Debug, DeriveEntityModel)]
        #[sea_orm(schema_name = \"billing\", table_name = \"orders\")]
        pub struct Model {
            #[sea_orm(primary_key)] pub id: i64,
            #[sea_orm(column_name = \"tenant\")] pub tenant_id: Uuid,
            #[sea_orm(column_type = \"Text\", nullable)] pub note: Option<String>,
            #[sea_orm(unique)] pub number: String,
            pub kind: OrderKind,
            #[sea_orm(ignore)] pub cached: String,
        }
        #[derive(DeriveRelation)]
        pub enum Relation {
            #[sea_orm(belongs_to = \"super::tenant::Entity\", from = \"Column::TenantId\", to = \"super::tenant::Column::Id\")]
            Tenant,
        }";
    let tenant = "use sea_orm::entity::prelude::*;
        #[derive(DeriveEntityModel)]
        #[sea_orm(table_name = \"tenants\")]
        pub struct Model { #[sea_orm(primary_key, auto_increment = false)] pub id: Uuid, pub parent_id: Option<Uuid> }
        pub enum Relation { Parent }
        impl RelationTrait for Relation {
            fn def(&self) -> RelationDef {
                match self {
                    Self::Parent => Entity::belongs_to(super::tenant::Entity)
                        .from(Column::ParentId).to(super::tenant::Column::Id).into(),
                }
            }
        }";
    let orm = read(&[("entity/src/order.rs", order), ("entity/src/tenant.rs", tenant)]);
    let tables: Vec<String> = orm
        .entities(Dialect::Postgres)
        .into_iter()
        .map(|table| table.step.sql.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        tables,
        [
            "CREATE TABLE IF NOT EXISTS \"tenants\" ( \"id\" uuid NOT NULL, \"parent_id\" uuid, PRIMARY KEY (\"id\"), \
             FOREIGN KEY (\"parent_id\") REFERENCES \"tenants\" (\"id\") )",
            "CREATE TABLE IF NOT EXISTS \"billing\".\"orders\" ( \"id\" bigserial NOT NULL, \"tenant\" uuid NOT NULL, \
             \"note\" text, \"number\" varchar NOT NULL UNIQUE, \"kind\" \"order_kind\" NOT NULL, PRIMARY KEY (\"id\"), \
             FOREIGN KEY (\"tenant\") REFERENCES \"tenants\" (\"id\") )",
        ]
    );
}

#[test]
fn a_place_in_the_sql_is_a_place_in_rust() {
    let up = "manager.get_connection().execute_unprepared(\"DROP TABLE old_orders\").await?;
        manager.create_table(Table::create().table(Orders::Table).col(uuid(Orders::TenantId)).to_owned()).await?;";
    let text = migration(up, "");
    let orm = read(&[("src/lib.rs", &text)]);
    let made: Vec<SchemaText> = orm
        .migrations(Dialect::Postgres, &|_, _| None)
        .into_iter()
        .filter_map(|step| match step {
            SchemaStep::Sql(text) => Some(text),
            SchemaStep::File(..) | SchemaStep::Unread { .. } => None,
        })
        .collect();
    let place = |at: usize, part: &str| {
        let start = made[at].sql.find(part).expect("the part is there");
        made[at].place(TextRange::from_usize(start, start + part.len())).range.slice(&text)
    };
    assert_eq!(place(0, "old_orders"), "old_orders");
    assert_eq!(place(1, "\"tenant\""), "Orders::TenantId");
    assert_eq!(place(1, "\"tenant\" uuid"), "uuid(Orders::TenantId)");
}

#[test]
fn names_are_cased_as_the_derives_do() {
    for (rust, sql) in
        [("UserId", "user_id"), ("HTTPCall", "http_call"), ("R2D2", "r2d2"), ("Sha256Sum", "sha256_sum")]
    {
        assert_eq!(names::snake_case(rust), sql);
    }
}
