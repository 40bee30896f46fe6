#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub struct Path<T>(pub T);

#[tenant_scoped]
pub async fn f(pool: &PgPool, Path(org): Path<i64>) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(TenantId::from_authenticated(org)).fetch_all(pool).await
}
