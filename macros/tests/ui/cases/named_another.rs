#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped(tenant = "org_id")]
pub async fn f(pool: &PgPool, org_id: i64, other: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(other).fetch_all(pool).await
}
