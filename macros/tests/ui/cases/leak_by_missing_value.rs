#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub async fn f(pool: &PgPool, tenant: TenantId<Option<i64>>) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE $1 IS NULL OR org_id = $1").bind(tenant).fetch_all(pool).await
}
