#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub struct Store;

#[tenant_scoped]
impl Store {
    pub async fn list(pool: &PgPool, tenant: TenantId<i64>) -> sqlx::Result<Vec<i64>> {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(pool).await
    }

    #[tenant_scoped(defer)]
    pub async fn run(pool: &PgPool, sql: &str) -> sqlx::Result<Vec<i64>> {
        sqlx::query(sql).fetch_all(pool).await
    }

    #[cross_tenant(reason = "a job")]
    pub async fn all(pool: &PgPool) -> sqlx::Result<Vec<i64>> {
        sqlx::query("SELECT id FROM orders").fetch_all(pool).await
    }
}
