#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub fn f(pool: &PgPool, id: i64) -> impl Future<Output = sqlx::Result<Vec<i64>>> {
    async move { sqlx::query("SELECT id FROM orders WHERE id = $1").bind(id).fetch_all(pool).await }
}
