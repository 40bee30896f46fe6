#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub struct Json<T>(pub T);

#[tenant_scoped(tenant = "org")]
pub async fn f(pool: &PgPool, Json(org): Json<i64>) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(org).fetch_all(pool).await
}
