#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub struct Json<T>(pub T);
pub struct Body { pub org: i64 }

#[tenant_scoped]
pub async fn f(pool: &PgPool, Json(body): Json<Body>) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(body.org).fetch_all(pool).await
}
