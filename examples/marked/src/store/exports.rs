//! What the exports are made of.

use sqlx::{FromRow, PgPool};
use tenantry::{TenantId, tenant_scoped};
use uuid::Uuid;

/// One line of the export: an order and one of its items, or an order that has none.
#[derive(Debug, FromRow)]
pub struct ExportLine {
    pub number: i64,
    pub customer: String,
    pub country: String,
    pub status: String,
    pub sku: Option<String>,
    pub quantity: Option<i64>,
    pub unit_cents: Option<i64>,
}

/// All orders with their items, by number.
#[tenant_scoped]
pub async fn lines(pool: &PgPool, tenant: TenantId<Uuid>) -> sqlx::Result<Vec<ExportLine>> {
    sqlx::query_as(
        "SELECT o.number, o.customer, c.name AS country, o.status, i.sku, i.quantity, i.unit_cents
         FROM orders o
         JOIN countries c ON c.code = o.country_code
         LEFT JOIN order_items i ON i.order_id = o.id
         WHERE o.organization_id = $1
         ORDER BY o.number, i.sku",
    )
    .bind(tenant)
    .fetch_all(pool)
    .await
}
