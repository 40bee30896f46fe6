#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub mod store {
    use super::*;

    pub async fn list(pool: &PgPool, tenant: TenantId<i64>) -> sqlx::Result<Vec<i64>> {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(pool).await
    }

    pub mod inner {
        use super::*;

        pub async fn one(pool: &PgPool, id: i64) -> sqlx::Result<Vec<i64>> {
            sqlx::query("SELECT id FROM orders WHERE id = $1").bind(id).fetch_all(pool).await
        }
    }
}
