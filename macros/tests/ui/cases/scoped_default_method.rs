#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub trait Lists {
    #[tenant_scoped]
    #[allow(async_fn_in_trait)]
    async fn list(pool: &PgPool, tenant: TenantId<i64>) -> sqlx::Result<Vec<i64>> {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(pool).await
    }
}
