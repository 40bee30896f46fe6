//! sqlx's macros.

use sqlx::{PgPool, query, query_as, query_scalar};
use uuid::Uuid;

use crate::model::{Order, Tenant};

type Result<T> = std::result::Result<T, sqlx::Error>;

pub async fn of_tenant(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>> {
    query_as!(Order, "SELECT id, tenant_id, note, status FROM orders WHERE tenant_id = $1", tenant.0).fetch_all(pool).await
}

pub async fn without_arguments(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>> {
    query_as!(Order, "SELECT id, tenant_id, note, status FROM orders WHERE status = 'open'").fetch_all(pool).await
}

pub async fn by_id(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Option<Order>> {
    query_as!(Order, "SELECT id, tenant_id, note, status FROM orders WHERE id = $1", id).fetch_optional(pool).await
}

pub async fn on_lines(pool: &PgPool, tenant: Tenant, id: Uuid, status: &str) -> Result<()> {
    query!(
        r#"UPDATE orders SET status = $2 WHERE id = $1"#,
        id,
        status,
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn two_tables(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<()> {
    query!("SELECT o.id, u.email FROM orders o, users u WHERE o.id = $1 AND u.id = $1", id).fetch_all(pool).await?;
    Ok(())
}

pub async fn one_value(pool: &PgPool, tenant: Tenant, word: &str) -> Result<Option<i64>> {
    query_scalar!("SELECT count(*) FROM orders WHERE note LIKE '%' || $1 || '%' OR status = $1", word).fetch_one(pool).await
}

pub async fn named(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<String> {
    let row = sqlx::query!(r#"SELECT status AS "status!", note AS "note?" FROM orders WHERE id = $1"#, id)
        .fetch_one(pool)
        .await?;
    Ok(format!("{} {:?}", row.status, row.note))
}

pub async fn deleted(pool: &PgPool, tenant: Tenant, ids: &[Uuid]) -> Result<u64> {
    Ok(query!("DELETE FROM orders WHERE id = ANY($1)", ids).execute(pool).await?.rows_affected())
}

pub async fn of_a_parameter(pool: &PgPool, tenant_id: Uuid, id: Uuid) -> Result<()> {
    query!("DELETE FROM users WHERE id = $1", id).execute(pool).await?;
    Ok(())
}
