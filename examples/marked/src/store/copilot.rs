//! What the assistant may know of the organization it works for.

use serde::Serialize;
use sqlx::{FromRow, PgPool};
use tenantry::{TenantId, tenant_scoped};
use uuid::Uuid;

/// Who the assistant works for.
#[derive(Debug, FromRow, Serialize)]
pub struct Profile {
    pub name: String,
    pub open_orders: i64,
}

/// The organization in two facts.
#[tenant_scoped]
pub async fn profile(pool: &PgPool, tenant: TenantId<Uuid>) -> sqlx::Result<Profile> {
    sqlx::query_as(
        "SELECT org.name,
                (SELECT count(*) FROM orders o WHERE o.organization_id = $1 AND o.status = 'open') AS open_orders
         FROM organizations org
         WHERE org.id = $1",
    )
    .bind(tenant)
    .fetch_one(pool)
    .await
}

/// A piece of text that goes into the prompt.
#[derive(Debug, FromRow, Serialize)]
pub struct Passage {
    pub number: i64,
    pub body: String,
}

/// What was noted about a topic, newest first.
#[tenant_scoped]
pub async fn passages(pool: &PgPool, tenant: TenantId<Uuid>, topic: &str) -> sqlx::Result<Vec<Passage>> {
    sqlx::query_as(
        "SELECT o.number, n.body
         FROM order_notes n
         JOIN orders o ON o.id = n.order_id AND o.organization_id = n.organization_id
         WHERE n.organization_id = $1 AND n.body ILIKE '%' || $2 || '%'
         ORDER BY n.created_at DESC
         LIMIT 20",
    )
    .bind(tenant)
    .bind(topic)
    .fetch_all(pool)
    .await
}
