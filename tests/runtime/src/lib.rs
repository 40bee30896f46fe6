//! What the types of the crate `tenantry` are written to, by the libraries themselves: every feature of it in use.
//!
//! That nothing reads a `TenantId` is shown by the examples of the crate, which must not compile.
#![cfg(test)]

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tenantry::{TenantId, TenantScope};

const TENANT: TenantId<i64> = TenantId::for_test(7);

/// The value of a future that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}

#[test]
fn json_holds_the_key_alone() {
    assert_eq!(serde_json::json!({ "tenant": TENANT }), serde_json::json!({ "tenant": 7 }));
    let text = TenantId::for_test("acme".to_owned());
    assert_eq!(serde_json::to_string(&text).ok().as_deref(), Some("\"acme\""));
}

#[test]
fn logs_show_the_key() {
    assert_eq!(format!("{TENANT} {TENANT:?}"), "7 TenantId(7)");
}

#[test]
fn sqlx_binds_it_as_the_key() {
    use sqlx::postgres::PgArgumentBuffer;
    use sqlx::{Encode, Postgres, Type};
    let (mut ours, mut plain) = (PgArgumentBuffer::default(), PgArgumentBuffer::default());
    assert!(Encode::<Postgres>::encode_by_ref(&TENANT, &mut ours).is_ok());
    assert!(Encode::<Postgres>::encode_by_ref(&7i64, &mut plain).is_ok());
    assert_eq!(*ours, *plain);
    assert_eq!(<TenantId<i64> as Type<Postgres>>::type_info(), <i64 as Type<Postgres>>::type_info());
    assert_eq!(Encode::<Postgres>::size_hint(&TENANT), 8);
    // As services write it: by value, by reference, and where there may be none.
    let _ = sqlx::query::<Postgres>("SELECT $1, $2, $3").bind(TENANT).bind(&TENANT).bind(Some(TENANT));
}

diesel::table! {
    orders (id) {
        id -> BigInt,
        org_id -> BigInt,
    }
}

#[test]
fn diesel_compares_and_inserts_it() {
    use diesel::pg::Pg;
    use diesel::prelude::*;
    let query = orders::table.filter(orders::org_id.eq(TENANT)).or_filter(orders::org_id.eq(&TENANT));
    let shown = diesel::debug_query::<Pg, _>(&query).to_string();
    assert!(shown.contains("\"orders\".\"org_id\" = $1"), "{shown}");
    assert!(shown.contains("binds: [7, 7]"), "{shown}");
    let insert = diesel::insert_into(orders::table).values((orders::id.eq(1i64), orders::org_id.eq(TENANT)));
    assert!(diesel::debug_query::<Pg, _>(&insert).to_string().contains("binds: [1, 7]"));
}

#[test]
fn sea_query_takes_it_for_a_value() {
    use sea_query::{Alias, Expr, ExprTrait, PostgresQueryBuilder, Query, Value};
    assert_eq!(Value::from(TENANT), Value::BigInt(Some(7)));
    let (org, table) = (Alias::new("org_id"), Alias::new("orders"));
    let query = Query::select().column(Alias::new("id")).from(table).and_where(Expr::col(org).eq(TENANT)).take();
    assert_eq!(query.to_string(PostgresQueryBuilder), r#"SELECT "id" FROM "orders" WHERE "org_id" = 7"#);
}

#[test]
fn tokio_postgres_sends_the_key() {
    use postgres_types::{IsNull, ToSql, Type};
    let parameter: &(dyn ToSql + Sync) = &TENANT;
    let mut sent = bytes::BytesMut::new();
    assert!(matches!(parameter.to_sql_checked(&Type::INT8, &mut sent), Ok(IsNull::No)));
    assert_eq!(&sent[..], 7i64.to_be_bytes());
    assert!(<TenantId<i64> as ToSql>::accepts(&Type::INT8) && !<TenantId<i64> as ToSql>::accepts(&Type::TEXT));
    assert!(parameter.to_sql_checked(&Type::TEXT, &mut sent).is_err());
}

/// A router's state that knows one token.
struct Sessions;

impl tenantry::Authenticate<i64> for Sessions {
    type Rejection = http::StatusCode;

    async fn authenticate(&self, parts: &mut http::request::Parts) -> Result<TenantScope<i64>, http::StatusCode> {
        match parts.headers.get("authorization").map(|value| value.as_bytes()) {
            Some(b"Bearer known") => Ok(TenantScope::new(TenantId::from_authenticated(7), "user:3", "req-1")),
            _ => Err(http::StatusCode::UNAUTHORIZED),
        }
    }
}

#[test]
fn axum_takes_a_scope_from_the_services_own_authentication() {
    use axum_core::extract::FromRequestParts;
    let asked = |token: &str| {
        let request = http::Request::builder().header("authorization", token).body(()).expect("a request");
        let (mut parts, ()) = request.into_parts();
        now(TenantScope::<i64>::from_request_parts(&mut parts, &Sessions))
    };
    assert_eq!(asked("Bearer known").map(|scope| scope.tenant()), Ok(TENANT));
    assert_eq!(asked("Bearer other").map(|scope| scope.tenant()), Err(http::StatusCode::UNAUTHORIZED));
}

#[test]
fn actix_takes_a_scope_that_a_middleware_has_put_there() {
    use actix_web::{FromRequest, HttpMessage, ResponseError, test::TestRequest};
    let request = TestRequest::default().to_http_request();
    let refused = now(TenantScope::<i64>::extract(&request)).expect_err("nobody is authenticated");
    assert_eq!(refused.status_code(), 401);
    request.extensions_mut().insert(TenantScope::new(TENANT, "user:3", "req-1"));
    let scope = now(TenantScope::<i64>::extract(&request)).expect("a scope");
    assert_eq!((scope.tenant(), scope.actor()), (TENANT, "user:3"));
    // A scope of keys of another type is another.
    assert!(now(TenantScope::<u64>::extract(&request)).is_err());
}
