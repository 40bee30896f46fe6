#![allow(unused)]
use async_trait::async_trait;
use sqlx::PgPool;
use tenantry::*;

#[async_trait]
pub trait Orders {
    fn pool(&self) -> &PgPool;
    #[tenant_scoped]
    async fn remove(&self) -> sqlx::Result<()> {
        sqlx::query("DELETE FROM orders").execute(self.pool()).await
    }
}
