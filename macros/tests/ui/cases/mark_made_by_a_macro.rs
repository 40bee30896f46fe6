#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

macro_rules! lists {
    ($name:ident) => {
        #[tenant_scoped]
        pub async fn $name(pool: &PgPool, tenant: TenantId<i64>) -> sqlx::Result<Vec<i64>> {
            sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(pool).await
        }
    };
}

lists!(orders);
