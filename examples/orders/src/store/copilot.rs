//! What the assistant may know of the organization it works for.

use serde::Serialize;
use sqlx::{FromRow, PgPool};

use crate::auth::Tenant;

/// Who the assistant works for.
#[derive(Debug, FromRow, Serialize)]
pub struct Profile {
    pub name: String,
    pub open_orders: i64,
}

/// The organization in two facts.
pub async fn profile(pool: &PgPool, tenant: Tenant) -> sqlx::Result<Profile> {
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
