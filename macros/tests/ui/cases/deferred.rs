#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped(defer)]
pub async fn f(pool: &PgPool, sql: &str) -> sqlx::Result<Vec<i64>> {
    sqlx::query(sql).fetch_all(pool).await
}
