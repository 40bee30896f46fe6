//! sqlx's functions, one a line or several.

use sqlx::{PgPool, Postgres, Transaction, query, query_as};
use uuid::Uuid;

use crate::model::{Context, Extension, Order, Tenant};

type Result<T> = std::result::Result<T, sqlx::Error>;

pub async fn of_tenant(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE tenant_id = $1").bind(tenant.0).fetch_all(pool).await
}

pub async fn all(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>> {
    sqlx::query_as("SELECT * FROM orders").fetch_all(pool).await
}

pub async fn sorted(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>> {
    sqlx::query_as::<_, Order>("SELECT * FROM orders ORDER BY id DESC").fetch_all(pool).await
}

pub async fn by_id(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Option<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE id = $1").bind(id).fetch_optional(pool).await
}

pub async fn by_id_on_lines(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Order> {
    let order = query_as("SELECT * FROM orders WHERE id = $1")
        .bind(id)
        .fetch_one(pool)
        .await?;
    Ok(order)
}

pub async fn either(pool: &PgPool, tenant: Tenant, word: &str) -> Result<Vec<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE note LIKE $1 OR status = $1 ORDER BY id")
        .bind(word)
        .fetch_all(pool)
        .await
}

pub async fn paged(pool: &PgPool, tenant: Tenant, limit: i64, offset: i64) -> Result<Vec<Order>> {
    sqlx::query_as(
        r#"
        SELECT id, tenant_id, note, status
        FROM orders
        ORDER BY id
        LIMIT $1 OFFSET $2
        "#,
    )
    .bind(limit)
    .bind(offset)
    .fetch_all(pool)
    .await
}

pub async fn joined(pool: &PgPool, tenant: Tenant, email: &str) -> Result<Vec<Order>> {
    sqlx::query_as(
        "SELECT o.id, o.tenant_id, o.note, o.status
         FROM orders o
         JOIN users u ON u.id = o.user_id AND u.tenant_id = o.tenant_id
         WHERE u.email = $1",
    )
    .bind(email)
    .fetch_all(pool)
    .await
}

pub async fn one_side(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Vec<Order>> {
    sqlx::query_as(
        "SELECT o.id, o.tenant_id, o.note, o.status FROM orders o \
         JOIN users u ON u.email = o.note \
         WHERE o.id = $1 AND o.tenant_id = $2",
    )
    .bind(id)
    .bind(tenant.0)
    .fetch_all(pool)
    .await
}

pub async fn counted(pool: &PgPool, tenant: Tenant, status: &str) -> Result<i64> {
    sqlx::query_scalar("SELECT count(*) FROM orders WHERE status = $1").bind(status).fetch_one(pool).await
}

pub async fn grouped(pool: &PgPool, tenant: Tenant) -> Result<Vec<(String, i64)>> {
    sqlx::query_as("SELECT status, count(*) FROM orders GROUP BY status HAVING count(*) > 1 ORDER BY status")
        .fetch_all(pool)
        .await
}

pub async fn with_a_cte(pool: &PgPool, tenant: Tenant, status: String) -> Result<Vec<Order>> {
    sqlx::query_as("WITH open AS (SELECT * FROM orders WHERE status = $1) SELECT id, tenant_id, note, status FROM open")
        .bind(status)
        .fetch_all(pool)
        .await
}

pub async fn there(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM orders WHERE id = $1)").bind(id).fetch_one(pool).await
}

pub async fn closed(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<u64> {
    let done = sqlx::query("UPDATE orders SET status = 'closed' WHERE id = $1").bind(id).execute(pool).await?;
    Ok(done.rows_affected())
}

pub async fn renamed(pool: &PgPool, tenant: Tenant, id: Uuid, note: &str) -> Result<()> {
    query("UPDATE orders SET note = $2, total = total + 1 WHERE id = $1 RETURNING id")
        .bind(id)
        .bind(note)
        .execute(pool)
        .await?;
    Ok(())
}

pub async fn all_closed(pool: &PgPool, tenant: Tenant) -> Result<()> {
    sqlx::query("UPDATE orders SET status = 'closed'").execute(pool).await?;
    Ok(())
}

pub async fn deleted(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<()> {
    sqlx::query("DELETE FROM orders WHERE id = $1").bind(id,).execute(pool).await?;
    Ok(())
}

pub async fn deleted_in_a_transaction(tx: &mut Transaction<'_, Postgres>, tenant: Tenant, ids: &[Uuid]) -> Result<()> {
    sqlx::query("DELETE FROM orders WHERE id = ANY($1)").bind(ids).execute(&mut **tx).await?;
    Ok(())
}

pub async fn lines(pool: &PgPool, tenant: Tenant, sku: &str) -> Result<Vec<(Uuid, i32)>> {
    sqlx::query_as("SELECT id, amount FROM lines WHERE sku = $1").bind(sku).fetch_all(pool).await
}

pub async fn of_the_request(pool: &PgPool, tenant: Tenant, wanted: Wanted) -> Result<Vec<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE status = $1 AND id = $2")
        .bind(wanted.status)
        .bind(wanted.id)
        .fetch_all(pool)
        .await
}

pub struct Wanted {
    pub status: String,
    pub id: Uuid,
}

pub async fn by_an_expression(pool: &PgPool, ctx: &Context, id: Uuid) -> Result<Order> {
    sqlx::query_as("SELECT * FROM orders WHERE id = $1").bind(id).fetch_one(pool).await
}

pub async fn by_an_expression_alone(pool: &PgPool, ctx: &Context) -> Result<Vec<Order>> {
    sqlx::query_as("SELECT * FROM orders ORDER BY id LIMIT 10").fetch_all(pool).await
}

pub async fn of_a_parameter(pool: &PgPool, tenant_id: Uuid, id: Uuid) -> Result<Option<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE id = $1").bind(id).fetch_optional(pool).await
}

pub async fn bound_already(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Vec<(Uuid, String)>> {
    sqlx::query_as("SELECT u.id, o.status FROM users u CROSS JOIN orders o WHERE u.tenant_id = $1 AND o.id = $2")
        .bind(tenant.0)
        .bind(id)
        .fetch_all(pool)
        .await
}

pub async fn commented(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Option<Order>> {
    // The newest of them.
    sqlx::query_as("SELECT * FROM orders -- of all\nWHERE id = $1 -- only this\n")
        .bind(id) // what was asked for
        .fetch_optional(pool)
        .await
}

pub async fn in_a_variable(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Option<Order>> {
    let sql = "SELECT * FROM orders WHERE id = $1";
    sqlx::query_as(sql).bind(id).fetch_optional(pool).await
}

pub async fn between(pool: &PgPool, tenant: Tenant, from: i64, to: i64) -> Result<Vec<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE total BETWEEN $1 AND $2 AND NOT (status = 'void' OR note IS NULL)")
        .bind(from)
        .bind(to)
        .fetch_all(pool)
        .await
}

pub async fn of_either_kind(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Vec<(Uuid,)>> {
    sqlx::query_as("SELECT id FROM orders WHERE id = $1 UNION SELECT id FROM users WHERE id = $1")
        .bind(id)
        .fetch_all(pool)
        .await
}

pub async fn latest(pool: &PgPool, tenant: Tenant, email: &str) -> Result<Option<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE user_id IN (SELECT id FROM users WHERE email = $1) ORDER BY id LIMIT 1")
        .bind(email)
        .fetch_optional(pool)
        .await
}

pub async fn lent(pool: &PgPool, tenant: &Tenant) -> Result<Vec<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE status = 'lent'").fetch_all(pool).await
}

pub async fn handed_in(pool: &PgPool, Extension(tenant): Extension<Tenant>) -> Result<Vec<Order>> {
    sqlx::query_as("SELECT * FROM orders WHERE status = 'handed in'").fetch_all(pool).await
}
