//! Reports.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use tenantry::{TenantId, tenant_scoped};
use uuid::Uuid;

/// The revenue of a month in a country.
#[derive(Debug, FromRow, Serialize)]
pub struct Revenue {
    pub month: DateTime<Utc>,
    pub country: String,
    pub orders: i64,
    pub cents: i64,
}

/// How often an article was sold.
#[derive(Debug, FromRow, Serialize)]
pub struct Sold {
    pub sku: String,
    pub quantity: i64,
}

/// Revenue by month and country.
#[tenant_scoped]
pub async fn revenue_by_month(pool: &PgPool, tenant: TenantId<Uuid>) -> sqlx::Result<Vec<Revenue>> {
    sqlx::query_as(include_str!("../../queries/revenue_by_month.sql")).bind(tenant).fetch_all(pool).await
}

/// The articles sold most.
#[tenant_scoped]
pub async fn top_articles(pool: &PgPool, tenant: TenantId<Uuid>, limit: i64) -> sqlx::Result<Vec<Sold>> {
    sqlx::query_as(
        "SELECT i.sku, sum(i.quantity)::bigint AS quantity
         FROM orders o
         JOIN order_items i ON i.order_id = o.id
         WHERE o.organization_id = $1
         GROUP BY i.sku
         ORDER BY quantity DESC
         LIMIT $2",
    )
    .bind(tenant)
    .bind(limit)
    .fetch_all(pool)
    .await
}
