//! Orders that come from a sales channel, again and again until the channel is told that they arrived.

use sqlx::PgPool;
use tenantry::{TenantId, tenant_scoped};
use uuid::Uuid;

/// An order as a channel tells it.
pub struct ChannelOrder<'a> {
    pub external_id: &'a str,
    pub number: i64,
    pub customer: &'a str,
    pub country_code: &'a str,
    pub total_cents: i64,
}

/// Writes an order, or brings the one that came before up to date.
#[tenant_scoped]
pub async fn upsert(pool: &PgPool, tenant: TenantId<Uuid>, order: &ChannelOrder<'_>) -> sqlx::Result<Uuid> {
    sqlx::query_scalar(
        "INSERT INTO orders (organization_id, number, external_id, customer, country_code, total_cents)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (organization_id, external_id)
         DO UPDATE SET customer = EXCLUDED.customer, total_cents = EXCLUDED.total_cents
         RETURNING id",
    )
    .bind(tenant)
    .bind(order.number)
    .bind(order.external_id)
    .bind(order.customer)
    .bind(order.country_code)
    .bind(order.total_cents)
    .fetch_one(pool)
    .await
}
