//! Notes on orders.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::{FromRow, PgPool};
use tenantry::{TenantId, tenant_scoped};
use uuid::Uuid;

/// A note, with the name of who wrote it.
#[derive(Debug, FromRow, Serialize)]
pub struct Note {
    pub author: String,
    pub role: String,
    pub body: String,
    pub created_at: DateTime<Utc>,
}

/// The notes on an order, oldest first.
#[tenant_scoped]
pub async fn list(pool: &PgPool, tenant: TenantId<Uuid>, order: Uuid) -> sqlx::Result<Vec<Note>> {
    sqlx::query_as(
        "SELECT m.display_name AS author, m.role, n.body, n.created_at
         FROM order_notes n
         JOIN members m ON m.email = n.author_email AND m.organization_id = n.organization_id
         WHERE n.organization_id = $1 AND n.order_id = $2
         ORDER BY n.created_at",
    )
    .bind(tenant)
    .bind(order)
    .fetch_all(pool)
    .await
}

/// Writes a note on an order of the tenant; says how many were written, none if there is no such order.
#[tenant_scoped]
pub async fn add(
    pool: &PgPool,
    tenant: TenantId<Uuid>,
    order: Uuid,
    author_email: &str,
    body: &str,
) -> sqlx::Result<u64> {
    let done = sqlx::query(
        "INSERT INTO order_notes (organization_id, order_id, author_email, body)
         SELECT o.organization_id, o.id, $3, $4
         FROM orders o
         WHERE o.organization_id = $1 AND o.id = $2",
    )
    .bind(tenant)
    .bind(order)
    .bind(author_email)
    .bind(body)
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}
