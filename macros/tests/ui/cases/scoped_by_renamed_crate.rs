// in: renamed
// as: tn
#![allow(unused)]
use sqlx::PgPool;
use tn::{TenantId, TenantScope, tenant_scoped};

#[tenant_scoped]
pub async fn f(pool: &PgPool, tenant: TenantId<i64>, scope: TenantScope<i64>) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(scope.tenant()).fetch_all(pool).await;
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant).fetch_all(pool).await
}

#[tn::integration("stripe")]
pub fn charge() {}
