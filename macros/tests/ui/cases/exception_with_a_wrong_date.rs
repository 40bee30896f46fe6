#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[cross_tenant(reason = "a job", owner = "ops", until = "2099-02-30", ticket = "OPS-7")]
pub async fn f(pool: &PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders").fetch_all(pool).await
}
