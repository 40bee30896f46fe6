#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub trait Lists {
    fn list(&self, tenant: TenantId<i64>) -> impl Future<Output = sqlx::Result<Vec<i64>>>;
}

impl Lists for PgPool {
    #[tenant_scoped]
    async fn list(&self, tenant: TenantId<i64>) -> sqlx::Result<Vec<i64>> {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(self).await
    }
}
