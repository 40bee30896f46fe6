#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub async fn f(pool: &PgPool, tenant: TenantId<i64>, order: &str) -> sqlx::Result<Vec<i64>> {
    let sql = format!("SELECT id FROM orders WHERE org_id = $1 ORDER BY {order}");
    sqlx::query(&sql).bind(tenant).fetch_all(pool).await
}
