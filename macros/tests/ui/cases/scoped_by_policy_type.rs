#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub mod auth { pub struct Org { pub id: i64 } }
use auth::Org;

#[tenant_scoped]
pub async fn f(pool: &PgPool, tenant: Org) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant.id).fetch_all(pool).await
}
