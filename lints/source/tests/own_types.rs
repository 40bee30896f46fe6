//! What the types and macros of the crate `tenantry` say to whoever reads the source.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use tenantry_policy::Trust;
use tenantry_source::{
    FileSites, MarkKind, NoSurroundings, ProvenanceKind, SourceFile, SqlText, Surroundings, read,
};
use tenantry_span::FileId;

fn sites_with(text: &str, surroundings: &dyn Surroundings) -> FileSites {
    let file = SourceFile { file: FileId(0), path: "src/store.rs", text };
    read(&file, tenantry_rules::sinks(), &Trust::default(), surroundings)
}

/// Where the only bind of the only site comes from.
fn kind(before: &str, function: &str) -> ProvenanceKind {
    let text = format!("{before}\nasync fn find(pool: &sqlx::PgPool, {function} }}");
    let found = sites_with(&text, &NoSurroundings).sites;
    assert_eq!(found.len(), 1, "{text}: {found:#?}");
    let binds = found[0].binds.as_ref().expect("binds are seen");
    assert_eq!(binds.len(), 1, "{text}");
    binds[0].provenance.kind
}

const QUERY: &str = "sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\")";

#[test]
fn a_tenant_id_is_trusted_by_its_path_and_by_no_other() {
    let bound = |parameter: &str| format!("{parameter}) {{ {QUERY}.bind(tenant).fetch_all(pool).await;");
    let of = |uses: &str, ty: &str| kind(uses, &bound(&format!("tenant: {ty}")));
    for (uses, ty) in [
        ("use tenantry::TenantId;", "TenantId<i64>"),
        ("use tenantry::TenantId as Org;", "&Org<i64>"),
        ("use tenantry::{self, TenantScope};", "tenantry::TenantId<i64>"),
        ("use tenantry::*;", "TenantId<i64>"),
        ("use tenantry::TenantId; type Org = TenantId<i64>;", "Org"),
    ] {
        assert_eq!(of(uses, ty), ProvenanceKind::Trusted, "{uses} {ty}");
    }
    for (uses, ty) in [
        ("use crate::ids::TenantId;", "TenantId<i64>"),
        ("", "TenantId<i64>"),
        ("use other::*;", "TenantId<i64>"),
        ("struct TenantId<T>(T); use tenantry::tenant_scoped;", "TenantId<i64>"),
        ("struct TenantId<T>(T); use tenantry::*;", "TenantId<i64>"),
        ("use tenantry::TenantScope;", "TenantScope<i64>"),
    ] {
        assert_eq!(of(uses, ty), ProvenanceKind::Parameter, "{uses} {ty}");
    }
    assert_eq!(of("use tenantry::TenantId; use axum::Json;", "Json<TenantId<i64>>"), ProvenanceKind::Request);
}

#[test]
fn a_constructor_names_where_the_value_comes_from_unless_that_is_evidently_wrong() {
    let of = |parameter: &str, value: &str| {
        let uses = "use tenantry::TenantId; use axum::extract::Path;";
        let decoded = "let claims = decode(header());";
        kind(uses, &format!("{parameter}) {{ {decoded} {QUERY}.bind({value}).fetch_all(pool).await;"))
    };
    let claims = "header: u8";
    assert_eq!(of(claims, "TenantId::from_authenticated(claims.org)"), ProvenanceKind::Trusted);
    assert_eq!(of(claims, "tenantry::TenantId::for_job(claims.org)"), ProvenanceKind::Trusted);
    assert_eq!(of("Path(org): Path<i64>", "TenantId::from_authenticated(org)"), ProvenanceKind::Request);
    assert_eq!(of("org: i64", "TenantId::from_authenticated(org)"), ProvenanceKind::Parameter);
    assert_eq!(of("a: u8", "TenantId::from_authenticated(7)"), ProvenanceKind::Literal);
    assert_eq!(of(claims, "TenantId::for_test(claims.org)"), ProvenanceKind::Unknown);
    assert_eq!(of(claims, "other::TenantId::for_job(claims.org)"), ProvenanceKind::Unknown);
}

#[test]
fn of_a_scope_only_the_tenant_is_the_tenant() {
    let of = |value: &str| {
        let uses = "use tenantry::TenantScope;";
        kind(uses, &format!("scope: &TenantScope<i64>) {{ {QUERY}.bind({value}).fetch_all(pool).await;"))
    };
    assert_eq!(of("scope.tenant()"), ProvenanceKind::Trusted);
    assert_eq!(of("scope.tenant().get()"), ProvenanceKind::Trusted);
    assert_eq!(of("scope.actor()"), ProvenanceKind::Unknown);
}

#[test]
fn a_checked_text_is_its_text() {
    let text = "use tenantry::tenant_sql;
        const LIST: &str = tenant_sql!(\"SELECT id FROM orders WHERE org_id = $1\");
        async fn a(pool: &sqlx::PgPool) { sqlx::query(LIST).fetch_all(pool).await; }
        async fn b(pool: &sqlx::PgPool) { sqlx::query(tenant_sql!(\"SELECT 2 WHERE $2 = 1\", tenant = $2)).fetch_all(pool).await; }
        async fn c(pool: &sqlx::PgPool) { sqlx::query(tenant_sql!(file \"queries/c.sql\")).fetch_all(pool).await; }";
    struct Files;
    impl Surroundings for Files {
        fn manifest_file(&self, _: FileId, relative: &str) -> Option<(FileId, String)> {
            (relative == "queries/c.sql").then(|| (FileId(1), "SELECT 3".to_owned()))
        }
    }
    let found = sites_with(text, &Files).sites;
    let texts: Vec<Option<String>> = found.iter().map(|site| site.texts[0].known()).collect();
    let expected = ["SELECT id FROM orders WHERE org_id = $1", "SELECT 2 WHERE $2 = 1", "SELECT 3"];
    assert_eq!(texts, expected.map(|text| Some(text.to_owned())));
    assert_eq!(sites_with(text, &NoSurroundings).sites[2].texts.first().map(SqlText::known), Some(None));
}

#[test]
fn marks_are_read_with_the_sites_and_change_nothing_of_them() {
    let body = "pub async fn find(pool: &sqlx::PgPool, org: i64) {
            sqlx::query(\"SELECT id FROM orders WHERE org_id = $1\").bind(org).fetch_all(pool).await;
        }";
    let plain = sites_with(body, &NoSurroundings);
    let marked = sites_with(&format!("#[tenant_scoped] {body}"), &NoSurroundings);
    assert!(plain.marks.is_empty());
    let kinds: Vec<MarkKind> = marked.marks.iter().map(|mark| mark.kind).collect();
    assert_eq!(kinds, [MarkKind::Scoped]);
    let shown = |found: &FileSites| {
        let site = &found.sites[0];
        let binds = site.binds.as_ref().map(|binds| binds[0].provenance.kind);
        (site.texts[0].known(), binds, site.item.clone())
    };
    assert_eq!(shown(&plain), shown(&marked));
}
