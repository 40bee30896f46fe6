#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub struct Context { org: i64 }
impl Context {
    fn tenant_id(&self) -> i64 { self.org }
}

#[tenant_scoped(tenant = "context.tenant_id()")]
pub async fn f(pool: &PgPool, context: &Context) -> sqlx::Result<Vec<i64>> {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(context.tenant_id()).fetch_all(pool).await
}
