// as: tn
#![allow(unused)]
use sqlx::PgPool;

#[tn::tenant_scoped]
pub async fn f(pool: &PgPool, id: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE id = $1").bind(id).fetch_all(pool).await
}
