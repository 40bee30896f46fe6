//! The tenant itself.

use serde::Serialize;
use sqlx::{FromRow, PgPool};

use crate::auth::Tenant;
use crate::store::with_tenant;

/// An organization in two facts.
#[derive(Debug, FromRow, Serialize)]
pub struct Profile {
    pub name: String,
    pub open_orders: i64,
}

/// The caller's organization.
pub async fn profile(pool: &PgPool, tenant: Tenant) -> sqlx::Result<Profile> {
    with_tenant(pool, tenant, |tx| {
        Box::pin(async move {
            sqlx::query_as(
                "SELECT name, (SELECT count(*) FROM orders WHERE status = 'open') AS open_orders
                 FROM organizations",
            )
            .fetch_one(&mut **tx)
            .await
        })
    })
    .await
}
