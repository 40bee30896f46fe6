#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub async fn f(pool: &PgPool) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT 1 FROM orders a, orders b, lines c").fetch_all(pool).await
}
