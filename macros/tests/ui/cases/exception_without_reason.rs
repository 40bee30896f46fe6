#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[cross_tenant(owner = "ops")]
pub async fn f(pool: &PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders").fetch_all(pool).await
}
