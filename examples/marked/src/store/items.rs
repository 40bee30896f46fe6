//! The lines of an order. They have no tenant of their own: they belong to whom their order belongs to.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, PgPool};
use tenantry::{TenantId, tenant_scoped};
use uuid::Uuid;

/// A line.
#[derive(Debug, FromRow, Serialize)]
pub struct Item {
    pub id: Uuid,
    pub sku: String,
    pub quantity: i64,
    pub unit_cents: i64,
}

/// A line to be written.
#[derive(Debug, Deserialize)]
pub struct NewItem {
    pub sku: String,
    pub quantity: i64,
    pub unit_cents: i64,
}

impl NewItem {
    /// What the line costs.
    pub fn cents(&self) -> i64 {
        self.quantity.saturating_mul(self.unit_cents)
    }
}

/// The lines of an order.
#[tenant_scoped]
pub async fn list(pool: &PgPool, tenant: TenantId<Uuid>, order: Uuid) -> sqlx::Result<Vec<Item>> {
    sqlx::query_as(
        "SELECT i.id, i.sku, i.quantity, i.unit_cents
         FROM order_items i
         JOIN orders o ON o.id = i.order_id
         WHERE o.organization_id = $1 AND o.id = $2
         ORDER BY i.sku",
    )
    .bind(tenant)
    .bind(order)
    .fetch_all(pool)
    .await
}

/// Adds a line to an order of the tenant; does nothing if there is no such order.
#[tenant_scoped]
pub async fn add(
    db: &mut PgConnection,
    tenant: TenantId<Uuid>,
    order: Uuid,
    item: &NewItem,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO order_items (order_id, sku, quantity, unit_cents)
         SELECT o.id, $3, $4, $5
         FROM orders o
         WHERE o.organization_id = $1 AND o.id = $2",
    )
    .bind(tenant)
    .bind(order)
    .bind(&item.sku)
    .bind(item.quantity)
    .bind(item.unit_cents)
    .execute(db)
    .await?;
    Ok(())
}

/// Removes a line.
#[tenant_scoped]
pub async fn remove(pool: &PgPool, tenant: TenantId<Uuid>, item: Uuid) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "DELETE FROM order_items i
         USING orders o
         WHERE o.id = i.order_id AND o.organization_id = $1 AND i.id = $2",
    )
    .bind(tenant)
    .bind(item)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
