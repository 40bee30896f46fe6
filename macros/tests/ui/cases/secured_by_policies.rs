// in: secured
#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

// What its connection was set to is the scanner's to follow.
#[tenant_scoped]
pub async fn alone(pool: &PgPool, tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders").fetch_all(pool).await;
}

#[tenant_scoped(defer)]
pub async fn deferred(pool: &PgPool, tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders").fetch_all(pool).await;
}

#[tenant_scoped]
pub async fn by_key(pool: &PgPool, tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(pool).await;
}
