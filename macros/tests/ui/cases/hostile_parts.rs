#![allow(unused)]
use tenantry::*;

#[tenant_scoped]
pub fn sum_in_concat(tenant: TenantId<i64>) {
    sqlx::query(concat!(tenant_sql!("SELECT id FROM orders WHERE org_id = $1"), " OR true")).bind(tenant);
}

#[tenant_scoped]
pub fn sql_as_format(tenant: TenantId<i64>, text: &str) {
    sqlx::query(&format!(tenant_sql!("SELECT id FROM orders WHERE org_id = $1 AND '{}' = ''"), text))
        .bind(tenant);
}
