#![allow(unused)]
#[path = "../elsewhere.rs"]
pub mod sql;
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub async fn f(pool: &PgPool, tenant: TenantId<i64>) -> sqlx::Result<Vec<i64>> {
    sqlx::query(sql::LIST).bind(tenant).fetch_all(pool).await
}
