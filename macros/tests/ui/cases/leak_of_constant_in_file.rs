#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

const ONE: &str = "SELECT id FROM orders WHERE id = $1";

#[tenant_scoped]
pub async fn f(pool: &PgPool, id: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query(ONE).bind(id).fetch_all(pool).await
}
