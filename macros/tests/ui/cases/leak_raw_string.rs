#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub async fn f(pool: &PgPool, tenant: TenantId<i64>, id: i64) -> sqlx::Result<Vec<i64>> {
    sqlx::query(
        r#"
            SELECT orders.id, "lines".text
              FROM orders
              JOIN "lines" ON lines.id = orders.id
             WHERE orders.org_id = $1
        "#,
    )
    .bind(tenant)
    .fetch_all(pool)
    .await
}
