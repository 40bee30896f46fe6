//! The people of an organization.

use serde::Serialize;
use sqlx::{FromRow, PgPool};
use tenantry::{TenantId, tenant_scoped};
use uuid::Uuid;

/// A member.
#[derive(Debug, FromRow, Serialize)]
pub struct Member {
    pub id: Uuid,
    pub email: String,
    pub display_name: String,
    pub role: String,
}

/// Everybody, by address.
#[tenant_scoped]
pub async fn list(pool: &PgPool, tenant: TenantId<Uuid>) -> sqlx::Result<Vec<Member>> {
    let sql = "SELECT id, email, display_name, role FROM members WHERE organization_id = $1 ORDER BY email";
    sqlx::query_as(sql).bind(tenant).fetch_all(pool).await
}

/// Invites somebody, or changes the name and role of who is there already.
#[tenant_scoped]
pub async fn invite(
    pool: &PgPool,
    tenant: TenantId<Uuid>,
    email: &str,
    display_name: &str,
    role: &str,
) -> sqlx::Result<Member> {
    sqlx::query_as(
        "INSERT INTO members (organization_id, email, display_name, role)
         VALUES ($1, $2, $3, $4)
         ON CONFLICT (organization_id, email)
         DO UPDATE SET display_name = EXCLUDED.display_name, role = EXCLUDED.role
         RETURNING id, email, display_name, role",
    )
    .bind(tenant)
    .bind(email)
    .bind(display_name)
    .bind(role)
    .fetch_one(pool)
    .await
}
