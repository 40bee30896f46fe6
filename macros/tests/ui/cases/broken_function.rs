#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub async fn f(pool: &PgPool, tenant: TenantId<i64>) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(pool).await
}

pub fn broken() {
    let x = ;
}

#[tenant_scoped]
pub async fn g(pool: &PgPool, tenant: TenantId<i64>) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(pool).await
}
