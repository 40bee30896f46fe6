//! Texts that more than one place runs, or that are put together when they run: nothing of these is mended.

use sqlx::{AssertSqlSafe, PgPool};
use uuid::Uuid;

use crate::model::{Order, Tenant};

type Result<T> = std::result::Result<T, sqlx::Error>;

const BY_ID: &str = "SELECT * FROM orders WHERE id = $1";

pub async fn once(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Order> {
    sqlx::query_as(BY_ID).bind(id).fetch_one(pool).await
}

pub async fn twice(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Option<Order>> {
    sqlx::query_as(BY_ID).bind(id).fetch_optional(pool).await
}

pub async fn numbered(pool: &PgPool, tenant: Tenant, id: Uuid, number: usize) -> Result<Vec<Order>> {
    let sql = format!("SELECT * FROM orders WHERE id = ${number}");
    sqlx::query_as(AssertSqlSafe(sql)).bind(id).fetch_all(pool).await
}
