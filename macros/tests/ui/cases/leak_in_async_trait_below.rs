#![allow(unused)]
use async_trait::async_trait;
use sqlx::PgPool;
use tenantry::*;

pub struct Store {
    pool: PgPool,
    tenant: TenantId<i64>,
}

#[async_trait]
pub trait Orders {
    async fn list(&self) -> sqlx::Result<Vec<i64>>;
    async fn remove(&self) -> sqlx::Result<()>;
}

#[tenant_scoped]
#[async_trait]
impl Orders for Store {
    async fn list(&self) -> sqlx::Result<Vec<i64>> {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(self.tenant).fetch_all(&self.pool).await
    }
    async fn remove(&self) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM orders WHERE id = $1").bind(self.tenant).execute(&self.pool).await
    }
}
