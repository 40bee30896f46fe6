#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub async fn f(pool: &PgPool, org: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(TenantId::for_test(org)).fetch_all(pool).await
}
