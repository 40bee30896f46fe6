//! Orders.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::auth::Tenant;
use crate::store::items::NewItem;
use crate::store::with_tenant;

/// An order.
#[derive(Debug, FromRow, Serialize)]
pub struct Order {
    pub id: Uuid,
    pub number: i64,
    pub customer: String,
    pub status: String,
    pub total_cents: i64,
    pub created_at: DateTime<Utc>,
}

/// How much was ordered in a month.
#[derive(Debug, FromRow, Serialize)]
pub struct Revenue {
    pub month: DateTime<Utc>,
    pub orders: i64,
    pub cents: i64,
}

/// The newest orders.
pub async fn list(pool: &PgPool, tenant: Tenant, limit: i64) -> sqlx::Result<Vec<Order>> {
    with_tenant(pool, tenant, move |tx| {
        Box::pin(async move {
            sqlx::query_as(
                "SELECT id, number, customer, status, total_cents, created_at
                 FROM orders ORDER BY created_at DESC LIMIT $1",
            )
            .bind(limit)
            .fetch_all(&mut **tx)
            .await
        })
    })
    .await
}

/// An order by its id; `None` if there is no such order of the tenant's.
pub async fn get(pool: &PgPool, tenant: Tenant, id: Uuid) -> sqlx::Result<Option<Order>> {
    with_tenant(pool, tenant, move |tx| {
        Box::pin(async move {
            sqlx::query_as(
                "SELECT id, number, customer, status, total_cents, created_at FROM orders WHERE id = $1",
            )
            .bind(id)
            .fetch_optional(&mut **tx)
            .await
        })
    })
    .await
}

/// Orders by month.
pub async fn revenue(pool: &PgPool, tenant: Tenant) -> sqlx::Result<Vec<Revenue>> {
    with_tenant(pool, tenant, |tx| {
        Box::pin(async move {
            sqlx::query_as(
                "SELECT date_trunc('month', o.created_at) AS month, count(DISTINCT o.id) AS orders,
                        coalesce(sum(i.quantity * i.unit_cents), 0)::bigint AS cents
                 FROM orders o
                 LEFT JOIN order_items i ON i.order_id = o.id
                 GROUP BY 1
                 ORDER BY 1",
            )
            .fetch_all(&mut **tx)
            .await
        })
    })
    .await
}

/// Writes an order with its lines, under the tenant's next number.
pub async fn create(
    pool: &PgPool,
    tenant: Tenant,
    customer: String,
    items: Vec<NewItem>,
) -> sqlx::Result<Uuid> {
    with_tenant(pool, tenant, move |tx| {
        Box::pin(async move {
            let number: i64 = sqlx::query_scalar("SELECT coalesce(max(number), 0) + 1 FROM orders")
                .fetch_one(&mut **tx)
                .await?;
            let total: i64 = items.iter().map(|item| item.quantity * item.unit_cents).sum();
            let id: Uuid = sqlx::query_scalar(
                "INSERT INTO orders (organization_id, number, customer, total_cents)
                 VALUES ($1, $2, $3, $4) RETURNING id",
            )
            .bind(tenant)
            .bind(number)
            .bind(customer)
            .bind(total)
            .fetch_one(&mut **tx)
            .await?;
            for item in items {
                sqlx::query(
                    "INSERT INTO order_items (organization_id, order_id, sku, quantity, unit_cents)
                     VALUES ($1, $2, $3, $4, $5)",
                )
                .bind(tenant)
                .bind(id)
                .bind(item.sku)
                .bind(item.quantity)
                .bind(item.unit_cents)
                .execute(&mut **tx)
                .await?;
            }
            Ok(id)
        })
    })
    .await
}

/// Moves an order to another status; `None` if there is no such order.
pub async fn set_status(
    pool: &PgPool,
    tenant: Tenant,
    id: Uuid,
    status: String,
) -> sqlx::Result<Option<Order>> {
    with_tenant(pool, tenant, move |tx| {
        Box::pin(async move {
            sqlx::query_as(
                "UPDATE orders SET status = $2 WHERE id = $1
                 RETURNING id, number, customer, status, total_cents, created_at",
            )
            .bind(id)
            .bind(status)
            .fetch_optional(&mut **tx)
            .await
        })
    })
    .await
}
