//! The lines of orders.

use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgPool};
use uuid::Uuid;

use crate::auth::Tenant;
use crate::store::with_tenant;

/// A line.
#[derive(Debug, FromRow, Serialize)]
pub struct Item {
    pub id: Uuid,
    pub sku: String,
    pub quantity: i64,
    pub unit_cents: i64,
}

/// A line that is to be written.
#[derive(Debug, Deserialize)]
pub struct NewItem {
    pub sku: String,
    pub quantity: i64,
    pub unit_cents: i64,
}

/// The lines of an order.
pub async fn list(pool: &PgPool, tenant: Tenant, order: Uuid) -> sqlx::Result<Vec<Item>> {
    with_tenant(pool, tenant, move |tx| {
        Box::pin(async move {
            sqlx::query_as(
                "SELECT id, sku, quantity, unit_cents FROM order_items WHERE order_id = $1 ORDER BY sku",
            )
            .bind(order)
            .fetch_all(&mut **tx)
            .await
        })
    })
    .await
}

/// Takes a line out of its order; the number of lines that were.
pub async fn remove(pool: &PgPool, tenant: Tenant, id: Uuid) -> sqlx::Result<u64> {
    with_tenant(pool, tenant, move |tx| {
        Box::pin(async move {
            let done =
                sqlx::query("DELETE FROM order_items WHERE id = $1").bind(id).execute(&mut **tx).await?;
            Ok(done.rows_affected())
        })
    })
    .await
}
