//! Small services' sources, and what is read from them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use tenantry_policy::{Spanned, Trust};
use tenantry_source::{
    Constants, FileSites, HoleKind, NoSurroundings, Piece, ProvenanceKind, QuerySite, RowColumn, SourceFile,
    SqlText, Surroundings, constants, read,
};
use tenantry_span::{FileId, TextRange};

fn file(text: &str) -> SourceFile<'_> {
    SourceFile { file: FileId(0), path: "src/store/orders.rs", text }
}

fn trust() -> Trust {
    let list = |words: &[&str]| {
        words.iter().map(|word| Spanned { value: (*word).to_owned(), range: TextRange::empty(0) }).collect()
    };
    Trust {
        types: list(&["crate::auth::Tenant"]),
        expressions: list(&["ctx.tenant_id()"]),
        guards: list(&["authorize"]),
        extractors: list(&["ApiKey"]),
        ..Trust::default()
    }
}

fn sites(text: &str) -> FileSites {
    read(&file(text), tenantry_rules::sinks(), &trust(), &NoSurroundings)
}

fn one(text: &str) -> QuerySite {
    let found = sites(text).sites;
    assert_eq!(found.len(), 1, "{found:#?}");
    found.into_iter().next().unwrap()
}

fn known(site: &QuerySite) -> Vec<Option<String>> {
    site.texts.iter().map(SqlText::known).collect()
}

fn kinds(site: &QuerySite) -> Vec<ProvenanceKind> {
    site.binds.as_ref().expect("binds are seen").iter().map(|bind| bind.provenance.kind).collect()
}

fn keys(site: &QuerySite) -> Vec<&str> {
    site.binds.as_ref().expect("binds are seen").iter().map(|bind| bind.key.as_str()).collect()
}

#[test]
fn macros_with_generic_types_casts_and_trailing_commas() {
    let text = "use sqlx::query_as as qa;
        async fn find(pool: &PgPool, org: Org, id: i64) {
            qa!(Row<A, B>, \"SELECT id FROM orders WHERE org_id = $1 AND id = $2\", &org.0, id as _,).fetch_one(pool).await;
        }";
    let site = one(text);
    assert_eq!(site.call, "qa!");
    assert_eq!(known(&site), [Some("SELECT id FROM orders WHERE org_id = $1 AND id = $2".to_owned())]);
    assert_eq!(keys(&site), ["org", "id"]);
    assert_eq!(kinds(&site), [ProvenanceKind::Parameter, ProvenanceKind::Parameter]);
    assert_eq!(site.item, "store::orders::find");
}

#[test]
fn binds_chained_at_once_and_over_statements() {
    let text = "async fn find(pool: &sqlx::PgPool, org: Uuid, id: Uuid) {
            let mut q = sqlx::query_as::<_, Order>(\"SELECT 1 FROM orders WHERE org_id = $1 AND id = $2\").bind(org);
            q = q.bind(id);
            q.fetch_all(pool).await;
        }";
    assert_eq!(keys(&one(text)), ["org", "id"]);
}

#[test]
fn a_bind_in_a_branch_ends_what_is_known_of_the_order() {
    let text = "async fn find(pool: &sqlx::PgPool, org: Uuid, id: Option<Uuid>, last: i64) {
            let mut q = sqlx::query(\"SELECT 1\").bind(org);
            if let Some(id) = id { q = q.bind(id); }
            q = q.bind(last);
        }";
    assert_eq!(keys(&one(text)), ["org"]);
}

#[test]
fn a_statement_carries_its_text_to_where_it_runs() {
    let text = "use deadpool_postgres::Transaction;
        async fn list(txn: &Transaction<'_>, tenant: TenantId, name: &str) -> R {
            let stmt = txn.prepare_cached(&format!(\"SELECT {COLUMNS} FROM pipeline WHERE tenant_id = $1 AND name = $2\")).await?;
            let rows = txn.query(&stmt, &[&tenant.0, &name]).await?;
        }
        const COLUMNS: &str = \"id, name\";";
    let site = one(text);
    assert_eq!(
        known(&site),
        [Some("SELECT id, name FROM pipeline WHERE tenant_id = $1 AND name = $2".to_owned())]
    );
    assert_eq!(keys(&site), ["tenant", "name"]);
    assert_eq!((site.library.as_str(), site.call.as_str()), ("tokio-postgres", "query"));
}

#[test]
fn a_statement_nobody_is_seen_to_run_is_a_site() {
    let text =
        "async fn make(c: &tokio_postgres::Client) -> S { c.prepare(\"SELECT 1 FROM t\").await.unwrap() }";
    assert_eq!(one(text).binds, None);
}

#[test]
fn calls_that_only_look_alike_are_no_sites() {
    let text = "use sqlx::PgPool; use tokio_postgres::Row;
        async fn go(http: &reqwest::Client, map: M, authorizer: A) {
            http.get(\"x\").query(&[(\"select\", \"a\")]).send().await;
            map.insert(\"SELECT\", 1);
            authorizer.query(rule!(\"data($id)\"));
            command.execute(&mut *tx).await;
        }";
    assert!(sites(text).sites.is_empty(), "{:#?}", sites(text).sites);
}

#[test]
fn a_client_through_a_re_export_or_a_pool_is_still_one() {
    let text = "use crate::db::Conn;
        async fn go(conn: &Conn, pooled: deadpool::managed::Object<M>, id: Uuid) {
            conn.execute(\"DELETE FROM orders WHERE id = $1\", &[&id]).await;
            pooled.query_one(\"SELECT 1 FROM orders WHERE id = $1\", &[&id]).await;
            conn.execute(\"not a statement\", &[&id]).await;
        }";
    let found: Vec<String> = sites(text).sites.iter().flat_map(known).flatten().collect();
    assert_eq!(found, ["DELETE FROM orders WHERE id = $1", "SELECT 1 FROM orders WHERE id = $1"]);
}

#[test]
fn texts_that_grow_and_branch_are_each_told() {
    let text = "async fn list(pool: &sqlx::PgPool, newest: bool) {
            let mut sql = String::from(\"SELECT id FROM orders\");
            sql.push_str(\" WHERE org_id = $1\");
            if newest { sql += \" ORDER BY id DESC\"; } else { write!(sql, \" LIMIT {}\", 10u32).unwrap(); }
            sqlx::query(&sql).fetch_all(pool).await;
        }";
    let mut found: Vec<String> = known(&one(text)).into_iter().flatten().collect();
    found.sort();
    assert_eq!(
        found,
        [
            "SELECT id FROM orders WHERE org_id = $1 LIMIT 10",
            "SELECT id FROM orders WHERE org_id = $1 ORDER BY id DESC"
        ]
    );
}

#[test]
fn what_a_loop_appends_is_a_hole_also_for_uses_before_it_in_the_loop() {
    let text = "async fn list(pool: &sqlx::PgPool, words: Vec<String>) {
            let mut sql = String::from(\"SELECT id FROM orders\");
            for word in words { sqlx::query(&sql).execute(pool).await; sql.push_str(&word); }
        }";
    assert_eq!(known(&one(text)), [None]);
}

#[test]
fn an_arm_is_read_with_the_names_it_declares() {
    let text = "async fn list(pool: &sqlx::PgPool, by: By) {
            let tail = \" LIMIT 1\";
            let sql = match by {
                By::Id => \"SELECT 1 FROM a\".to_string(),
                By::Raw(tail) => format!(\"SELECT 1 FROM b {tail}\"),
            };
            sqlx::query(&sql).execute(pool).await;
        }";
    assert_eq!(known(&one(text)), [Some("SELECT 1 FROM a".to_owned()), None]);
}

#[test]
fn a_text_lent_for_change_is_not_known() {
    let text = "async fn list(pool: &sqlx::PgPool) {
            let mut sql = String::from(\"SELECT id FROM orders\");
            add_filters(&mut sql);
            sqlx::query(&sql).execute(pool).await;
        }";
    assert_eq!(known(&one(text)), [None]);
}

#[test]
fn queries_within_macros_and_closures_are_found() {
    let text = "use sqlx::query;
        async fn run(pool: P) {
            tokio::select! {
                done = query!(\"DELETE FROM a\").execute(&pool) => { query!(\"DELETE FROM b\"); }
                _ = stop.recv() => {}
            }
            retry(|| async { query!(\"DELETE FROM c\").execute(&pool).await });
            service! { on tick => { query!(\"DELETE FROM d\").execute(&pool); } }
        }
        macro_rules! clear { ($id:expr) => { sqlx::query!(\"DELETE FROM e WHERE id = $1\", $id) }; }";
    let mut found: Vec<String> = sites(text).sites.iter().flat_map(known).flatten().collect();
    found.sort();
    assert_eq!(
        found,
        ["DELETE FROM a", "DELETE FROM b", "DELETE FROM c", "DELETE FROM d", "DELETE FROM e WHERE id = $1"]
    );
}

#[test]
fn queries_within_the_values_of_json() {
    let text = "async fn counts(pool: &PgPool) -> Value {
            json!({
                \"orders\": sqlx::query_scalar(\"SELECT count(*) FROM orders\").fetch_one(pool).await?,
                \"more\": { \"same\": a == b, \"members\": [sqlx::query(\"SELECT id FROM members\").fetch_all(pool).await?] },
            })
        }";
    let found = sites(text);
    let texts: Vec<Option<String>> = found.sites.iter().flat_map(known).collect();
    assert_eq!(
        texts,
        [Some("SELECT count(*) FROM orders".to_owned()), Some("SELECT id FROM members".to_owned())]
    );
    assert_eq!(found.skipped, [], "all of it was read");
}

#[test]
fn request_data_stays_request_data_through_rebinding() {
    let text = "async fn show(Path((org, id)): Path<(Uuid, Uuid)>, body: Json<New>, key: ApiKey, t: Tenant, State(s): State<App>) {
            let body = body.into_inner();
            let New { name, .. } = body;
            let same = t.id;
            sqlx::query!(\"X\", org, &name, key.org, same, s.region, ctx.tenant_id().0, 7, t.id);
        }";
    use ProvenanceKind::{Literal, Parameter, Request, Trusted};
    let site = one(text);
    assert_eq!(kinds(&site), [Request, Request, Trusted, Trusted, Parameter, Trusted, Literal, Trusted]);
    assert_eq!(keys(&site)[3], keys(&site)[7]);
}

#[test]
fn a_trusted_type_inside_a_request_extractor_is_request_data() {
    let site = one("async fn show(Path(t): Path<Tenant>) { sqlx::query!(\"X\", t); }");
    assert_eq!(kinds(&site), [ProvenanceKind::Request]);
}

#[test]
fn a_guard_covers_what_it_was_handed_and_what_follows_it() {
    let text = "async fn replay(body: Json<Replay>, other: Json<Replay>) -> R {
            sqlx::query!(\"A\", body.app_id);
            authorize(&db, Action::Replay { app: &body.app_id }).await.map_err(|_| Forbidden)?;
            sqlx::query!(\"B\", body.app_id, body.event_id, other.app_id);
        }
        async fn unchecked(body: Json<Replay>, fast: bool) -> R {
            if !fast { authorize(&db, &body.app_id).await?; }
            let _ = authorize(&db, &body.app_id).await;
            sqlx::query!(\"C\", body.app_id);
        }
        async fn returned(body: Json<Replay>) -> R {
            if authorize(&db, &body.app_id).await.is_err() { return Err(Forbidden); }
            sqlx::query!(\"D\", body.app_id);
        }";
    use ProvenanceKind::{Guarded, Request};
    let found: Vec<Vec<ProvenanceKind>> = sites(text).sites.iter().map(kinds).collect();
    assert_eq!(found, [vec![Request], vec![Guarded, Request, Request], vec![Request], vec![Guarded]]);
}

#[test]
fn a_guard_may_be_handed_a_variable_that_holds_the_id() {
    let text = "async fn replay(body: Json<Replay>, other: Json<Replay>) -> R {
            let action = Action::Replay { app: &body.app_id, by: Some(body.user_id) };
            authorize(&db, &action).await?;
            sqlx::query!(\"A\", body.app_id, body.user_id, other.app_id);
        }
        async fn changed(body: Json<Replay>, other: Json<Replay>) -> R {
            let mut action = Action::Replay { app: &body.app_id };
            action.app = &other.app_id;
            authorize(&db, &action).await?;
            sqlx::query!(\"B\", body.app_id, other.app_id);
        }";
    use ProvenanceKind::{Guarded, Request};
    let found: Vec<Vec<ProvenanceKind>> = sites(text).sites.iter().map(kinds).collect();
    assert_eq!(found, [vec![Guarded, Guarded, Request], vec![Request, Request]]);
}

#[test]
fn a_guard_that_says_what_it_checks_covers_nothing_else() {
    let text = "async fn edit(path: Path<Uuid>, body: Json<Edit>) -> R {
            authorize(&db, Action::Edit { app_id: &body.app, item_id: &path }, body.app_id, body.user_id).await?;
            sqlx::query!(\"A\", body.app, body.app_id.clone(), body.user_id, path.into_inner());
        }";
    let guards =
        vec![Spanned { value: "auth::authorize(app_id, org_id)".into(), range: TextRange::empty(0) }];
    let trust = Trust { guards, ..Trust::default() };
    let found = read(&file(text), tenantry_rules::sinks(), &trust, &NoSurroundings).sites;
    use ProvenanceKind::{Guarded, Request};
    assert_eq!(kinds(found.first().expect("one site")), [Guarded, Guarded, Request, Request]);
}

#[test]
fn a_named_argument_of_a_macro_assigns_nothing() {
    let text = "async fn ingest(body: Json<Event>) -> R {
            let app_id = body.app_id;
            authorize(&db, Action::Ingest { app: &app_id }).await?;
            sqlx::query!(\"A\", &app_id, body.app_id);
            error!(app_id = %app_id, body.kind = ?kind, \"not sent\");
        }";
    assert_eq!(kinds(&one(text)), [ProvenanceKind::Guarded, ProvenanceKind::Guarded]);
}

#[test]
fn what_may_change_after_its_guard_is_not_what_was_checked() {
    let changes = [
        "body.app_id = other;",
        "(a, body.app_id) = pair;",
        "body.swap_app();",
        "change(&mut body);",
        "change(&mut body.app_id);",
        "body.apps().insert(other);",
        "retry! { { body.app_id = other; } };",
        "retry!({ (*body).app_id = other; });",
        "retry!(change(&mut body));",
        "retry!(body.swap_app());",
        "*body = other;",
        "body = other;",
        "(body, a) = pair;",
        "let body = other;",
    ];
    for change in changes {
        let text = format!(
            "async fn replay(mut body: Json<Replay>, other: Uuid) -> R {{
                authorize(&db, &body.app_id).await?;
                {change}
                sqlx::query!(\"A\", body.app_id);
            }}"
        );
        let found = kinds(&one(&text));
        assert!(!found.contains(&ProvenanceKind::Guarded), "{change}: {found:?}");
    }
    let lent = "async fn replay(body: &mut Replay, other: Uuid) -> R {
            authorize(&db, &body.app_id).await?;
            body.app_id = other;
            sqlx::query!(\"A\", body.app_id);
        }";
    assert_eq!(kinds(&one(lent)), [ProvenanceKind::Unknown]);
}

#[test]
fn an_id_that_is_made_here_is_fresh() {
    let text = "use uuid::Uuid;
        async fn register(pool: &sqlx::PgPool, user: Uuid) {
            let org_id = Uuid::new_v4();
            sqlx::query!(\"A\", &org_id, user, Uuid::new_v5(&user, name));
        }";
    use ProvenanceKind::{Fresh, Parameter, Unknown};
    assert_eq!(kinds(&one(text)), [Fresh, Parameter, Unknown]);
}

#[test]
fn a_variable_that_changes_has_no_known_source_and_no_stable_key() {
    let text = "async fn show(t: Tenant, u: Uuid) {
            let mut id = t.id;
            id = u;
            sqlx::query!(\"X\", id, it.next(), it.next());
        }";
    let site = one(text);
    assert_eq!(kinds(&site)[0], ProvenanceKind::Unknown);
    assert_ne!(keys(&site)[1], keys(&site)[2]);
}

#[test]
fn a_column_of_a_row_is_known_by_the_statement_that_returned_it() {
    let text = "async fn edit(db: &sqlx::PgPool, qs: Query<Qs>) {
            let found = sqlx::query_as!(Row, \"A\", qs.app).fetch_optional(db).await.map_err(wrong)?;
            match found {
                Some(s) => {
                    let id = s.id;
                    sqlx::query!(\"B\", &s.id, id, s.other.id, s.id + 1, mix(s.id));
                }
                None => return,
            }
            let id = sqlx::query_scalar!(\"C\").fetch_one(db).await?;
            let (a, b) = sqlx::query_as(\"D\").fetch_one(db).await?;
            let mut changed = sqlx::query!(\"E\").fetch_one(db).await?;
            changed.renew();
            sqlx::query!(\"F\", id, a, b, changed.id, row_of(db).await.id);
            for row in sqlx::query(\"G\").fetch_all(db).await? {
                sqlx::query!(\"H\", row.get(\"id\"), row.len());
            }
        }";
    let found = sites(text).sites;
    let rows = |sql: &str| -> Vec<Option<(String, RowColumn)>> {
        let site = found.iter().find(|site| known(site) == [Some(sql.to_owned())]).expect("a site");
        let row = |bind: &tenantry_source::Bind| {
            let row = bind.provenance.row.as_ref()?;
            let inside = |site: &&QuerySite| row.within.range.contains_range(site.span.range);
            let from = known(found.iter().find(inside)?).remove(0)?;
            Some((from, row.column.clone()))
        };
        site.binds.iter().flatten().map(row).collect()
    };
    let field = |from: &str| Some((from.to_owned(), RowColumn::Field("id".to_owned())));
    assert_eq!(rows("B"), [field("A"), field("A"), None, None, None]);
    assert_eq!(rows("F"), [Some(("C".to_owned(), RowColumn::Only)), None, None, None, None]);
    assert_eq!(rows("H"), [Some(("G".to_owned(), RowColumn::Name("id".to_owned()))), None]);
}

#[test]
fn rows_literals_and_closures() {
    let text = "async fn show(pool: &sqlx::PgPool) {
            let user = sqlx::query!(\"A\").fetch_one(pool).await?;
            sqlx::query!(\"B\", user.org_id, LIMIT);
            ids.iter().for_each(|id| { sqlx::query!(\"C\", id); });
        }";
    use ProvenanceKind::{Literal, Row, Unknown};
    let found: Vec<Vec<ProvenanceKind>> = sites(text).sites.iter().map(kinds).collect();
    assert_eq!(found, [vec![], vec![Row, Literal], vec![Unknown]]);
}

#[test]
fn parameters_say_whether_they_are_used_and_bound() {
    let site = one(
        "async fn show(_org: Uuid, id: Uuid, log: Log) { let key = id; log.say(); sqlx::query!(\"X\", key); }",
    );
    let told: Vec<(&str, bool, bool)> =
        site.params.iter().map(|param| (param.name.as_str(), param.used, param.bound_here)).collect();
    assert_eq!(told, [("_org", false, false), ("id", true, true), ("log", true, false)]);
}

#[test]
fn test_code_and_gates_are_marked() {
    let text = "#[cfg(feature = \"pg\")] fn a() { sqlx::query!(\"A\"); }
        #[cfg(test)] mod tests { #[tokio::test] async fn b() { sqlx::query!(\"B\"); } }
        #[cfg(test)] mod more;
        #[sqlx::test] async fn c() { sqlx::query!(\"C\"); }";
    let found = sites(text);
    let told: Vec<(bool, usize)> = found.sites.iter().map(|site| (site.is_test, site.cfgs.len())).collect();
    assert_eq!(told, [(false, 1), (true, 1), (true, 0)]);
    assert_eq!(found.test_modules, ["store::orders::more"]);
}

#[test]
fn constants_of_other_files_are_found_by_path() {
    let columns = "pub const ORDER: &str = concat!(\"id, \", \"name\"); pub mod twin { pub const ORDER: &str = \"x\"; }";
    let mut index = Constants::default();
    index.extend(constants(
        &SourceFile { file: FileId(1), path: "src/columns.rs", text: columns },
        &NoSurroundings,
    ));
    struct Other(Constants);
    impl Surroundings for Other {
        fn include(&self, _: FileId, path: &str) -> Option<(FileId, String)> {
            (path == "q.sql").then(|| (FileId(2), "SELECT 2".to_owned()))
        }
        fn manifest_file(&self, from: FileId, path: &str) -> Option<(FileId, String)> {
            self.include(from, path)
        }
        fn constant(&self, path: &[String]) -> Option<Vec<SqlText>> {
            self.0.find(path)
        }

        fn answers(&self, _: &str) -> Vec<tenantry_source::Answer> {
            Vec::new()
        }
    }
    let text = "use crate::columns::ORDER; use crate::columns;
        fn a() { sqlx::query(&format!(\"SELECT {ORDER} FROM o\")); sqlx::query(columns::twin::ORDER); }
        fn b() { sqlx::query(include_str!(\"q.sql\")); sqlx::query_file!(\"q.sql\", 1); }";
    let found = read(&file(text), tenantry_rules::sinks(), &trust(), &Other(index)).sites;
    let texts: Vec<Option<String>> = found.iter().flat_map(known).collect();
    let expected = ["SELECT id, name FROM o", "x", "SELECT 2", "SELECT 2"].map(|text| Some(text.to_owned()));
    assert_eq!(texts, expected);
}

#[test]
fn suppressions_cover_what_follows_or_the_line_they_end() {
    let text = "fn a() {
    // tenantry: allow(unscoped-query) reason=\"retention\" until=2027-03-31 owner=\"ops\"
    sqlx::query!(\"A\");
    sqlx::query!(\"B\"); // tenantry: allow(raw-query) reason=\"b\"
}
#[cfg_attr(false, tenantry::allow(unscoped_query, reason = \"c\", until = \"2027-01-01\"))]
fn c() { sqlx::query!(\"C\"); }
";
    let found = sites(text).suppressions;
    let told: Vec<(&str, &str, bool)> =
        found.iter().map(|one| (one.rule.as_str(), one.covers.slice(text), one.problem.is_none())).collect();
    assert_eq!(told[0], ("unscoped-query", "sqlx::query!(\"A\");", true));
    assert_eq!(told[1], ("raw-query", "sqlx::query!(\"B\");", true));
    assert_eq!((told[2].0, told[2].2), ("unscoped-query", true));
    assert!(told[2].1.ends_with("fn c() { sqlx::query!(\"C\"); }"));
}

#[test]
fn a_file_that_does_not_parse_keeps_its_strings() {
    let found = sites("fn broken( { sqlx::query(\"SELECT 1 FROM orders\"); let x = \"no\"; ");
    assert_eq!((found.sites.len(), found.skipped.len()), (1, 1));
    assert_eq!(known(&found.sites[0]), [None]);
}

#[test]
fn deep_nesting_is_told_and_harms_nobody() {
    let deep =
        format!("fn a() {{ sqlx::query!(\"SELECT 1\"); {}1{}; }}", "(".repeat(100_000), ")".repeat(100_000));
    assert_eq!(sites(&deep).skipped.len(), 1);
    let chain = format!("fn a() {{ let x = {} 1; sqlx::query!(\"SELECT 1\"); }}", "!".repeat(50_000));
    assert_eq!(sites(&chain).skipped.len(), 1);
}

#[test]
fn places_are_exact_behind_a_mark_and_a_shebang() {
    let text = "\u{feff}#!/usr/bin/env run\nfn a() { sqlx::query(\"SELECT \\\n   é, x FROM t\"); }";
    let site = one(text);
    let sql = known(&site)[0].clone().unwrap();
    let at = sql.find('x').unwrap();
    let place = site.texts[0].place(TextRange::from_usize(at, at + 1)).unwrap();
    assert_eq!(place.range.slice(text), "x");
}

#[test]
fn a_text_that_a_function_is_handed_is_told_by_its_parameter() {
    let text = "use sqlx::query;
        pub async fn row(pool: &PgPool, org: i64, fields: &str) {
            query(&format!(\"SELECT {fields} FROM orders WHERE org_id = $1\")).bind(org).execute(pool).await;
        }";
    let parameter = |text: &str| {
        let site = one(text);
        let place = site.params.iter().find(|param| param.name == "fields").map(|param| param.span);
        let is_hole = |piece: &Piece| matches!(piece, Piece::Hole { kind: HoleKind::Parameter(at), .. } if Some(*at) == place);
        site.texts.iter().all(|text| text.pieces.iter().any(is_hole))
    };
    assert!(parameter(text));
    // What is changed on the way is not what was handed over.
    let changed = [
        text.replace("fields: &str", "mut fields: &str"),
        text.replace("query(", "let fields = fields.trim(); query("),
        text.replace("fields: &str", "(fields, _): (&str, &str)"),
        text.replace("{fields}", "{fields:>5}"),
    ];
    for text in changed {
        assert!(!parameter(&text), "{text}");
        assert_eq!(known(&one(&text)), [None], "{text}");
    }
}

#[test]
fn what_a_type_of_the_projects_own_prepares_is_sql_only_where_it_shows() {
    let text = "use crate::schedule::Executor;
        struct Circuit { executor: Executor, graph: Graph }
        impl Circuit { fn start(&mut self) { self.executor.prepare(&self.graph); } }";
    assert_eq!(sites(text).sites, []);
    let with_sql = text.replace("&self.graph", "\"SELECT id FROM orders\"");
    assert_eq!(sites(&with_sql).sites.len(), 1);
    let with_library = format!("use tokio_postgres::Row; {}", text.replace("Executor", "Client"));
    assert_eq!(sites(&with_library).sites.len(), 1);
}

#[test]
fn a_comment_at_the_end_of_a_block_covers_nothing_of_it() {
    let text = "async fn a() {
            one();
            two(); } // tenantry: allow(first) reason=\"r\"
        async fn b() {
            if x {
                one();
            } // tenantry: allow(second) reason=\"r\"
            two();
            // tenantry: allow(third) reason=\"r\"
        }";
    let found = sites(text).suppressions;
    let covers: Vec<(&str, &str)> =
        found.iter().map(|one| (one.rule.as_str(), one.covers.slice(text))).collect();
    assert_eq!(covers, [("first", "two();"), ("second", "} "), ("third", "}")]);
}
