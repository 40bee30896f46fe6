#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub struct Store { pool: PgPool, tenant: TenantId<i64> }

#[tenant_scoped]
impl Store {
    pub async fn list(&self) -> sqlx::Result<Vec<i64>> {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(self.tenant).fetch_all(&self.pool).await
    }
}
