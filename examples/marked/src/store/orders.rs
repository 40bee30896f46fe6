//! Orders.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{AssertSqlSafe, FromRow, PgPool};
use tenantry::{TenantId, tenant_scoped};
use uuid::Uuid;

use crate::store::items::{self, NewItem};

/// An order.
#[derive(Debug, FromRow, Serialize)]
pub struct Order {
    pub id: Uuid,
    pub number: i64,
    pub customer: String,
    pub country_code: String,
    pub status: String,
    pub total_cents: i64,
    pub created_at: DateTime<Utc>,
}

/// An order in a list, with the name of the member who takes care of it.
#[derive(Debug, FromRow, Serialize)]
pub struct Listed {
    pub id: Uuid,
    pub number: i64,
    pub customer: String,
    pub status: String,
    pub assignee: Option<String>,
}

/// What a new order needs.
pub struct NewOrder {
    pub customer: String,
    pub country_code: String,
    pub items: Vec<NewItem>,
}

/// The columns of [`Order`].
const COLUMNS: &str = "id, number, customer, country_code, status, total_cents, created_at";

const LIST: &str = "
    SELECT o.id, o.number, o.customer, o.status, m.display_name AS assignee
    FROM orders o
    LEFT JOIN members m ON m.id = o.assigned_to AND m.organization_id = o.organization_id
    WHERE o.organization_id = $1
    ORDER BY o.number DESC
    LIMIT $2";

/// The newest orders.
#[tenant_scoped]
pub async fn list(pool: &PgPool, tenant: TenantId<Uuid>, limit: i64) -> sqlx::Result<Vec<Listed>> {
    sqlx::query_as(LIST).bind(tenant).bind(limit).fetch_all(pool).await
}

/// The orders in a status, oldest first.
#[tenant_scoped]
pub async fn in_status(pool: &PgPool, tenant: TenantId<Uuid>, status: &str) -> sqlx::Result<Vec<Order>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM orders WHERE organization_id = $1 AND status = $2 ORDER BY created_at"
    );
    sqlx::query_as(AssertSqlSafe(sql)).bind(tenant).bind(status).fetch_all(pool).await
}

/// One order.
#[tenant_scoped]
pub async fn get(pool: &PgPool, tenant: TenantId<Uuid>, id: Uuid) -> sqlx::Result<Option<Order>> {
    sqlx::query_as(
        "SELECT id, number, customer, country_code, status, total_cents, created_at
         FROM orders WHERE organization_id = $1 AND id = $2",
    )
    .bind(tenant)
    .bind(id)
    .fetch_optional(pool)
    .await
}

/// Orders whose customer or channel number contains the pattern.
#[tenant_scoped]
pub async fn search(pool: &PgPool, tenant: TenantId<Uuid>, pattern: &str) -> sqlx::Result<Vec<Order>> {
    sqlx::query_as(
        "SELECT id, number, customer, country_code, status, total_cents, created_at
         FROM orders
         WHERE organization_id = $1 AND (customer ILIKE $2 OR external_id ILIKE $2)
         ORDER BY created_at",
    )
    .bind(tenant)
    .bind(pattern)
    .fetch_all(pool)
    .await
}

/// Writes an order with its lines, under the tenant's next number.
#[tenant_scoped]
pub async fn create(pool: &PgPool, tenant: TenantId<Uuid>, new: &NewOrder) -> sqlx::Result<Uuid> {
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT id FROM organizations WHERE id = $1 FOR UPDATE")
        .bind(tenant)
        .execute(&mut *tx)
        .await?;
    let number: i64 =
        sqlx::query_scalar("SELECT coalesce(max(number), 0) + 1 FROM orders WHERE organization_id = $1")
            .bind(tenant)
            .fetch_one(&mut *tx)
            .await?;
    let total: i64 = new.items.iter().map(NewItem::cents).sum();
    let id: Uuid = sqlx::query_scalar(
        "INSERT INTO orders (organization_id, number, customer, country_code, total_cents)
         VALUES ($1, $2, $3, $4, $5)
         RETURNING id",
    )
    .bind(tenant)
    .bind(number)
    .bind(&new.customer)
    .bind(&new.country_code)
    .bind(total)
    .fetch_one(&mut *tx)
    .await?;
    for item in &new.items {
        items::add(&mut tx, tenant, id, item).await?;
    }
    tx.commit().await?;
    Ok(id)
}

/// Moves an order to another status; `None` if there is no such order.
#[tenant_scoped]
pub async fn set_status(
    pool: &PgPool,
    tenant: TenantId<Uuid>,
    id: Uuid,
    status: &str,
) -> sqlx::Result<Option<Order>> {
    sqlx::query_as(
        "UPDATE orders SET status = $3
         WHERE organization_id = $1 AND id = $2
         RETURNING id, number, customer, country_code, status, total_cents, created_at",
    )
    .bind(tenant)
    .bind(id)
    .bind(status)
    .fetch_optional(pool)
    .await
}
