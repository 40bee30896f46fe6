#![allow(unused)]
use tenantry::*;

#[cross_tenant(reason = "it once listed all")]
pub fn one(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
}

#[cross_tenant(reason = "one of them lists all")]
pub fn two(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    sqlx::query("SELECT id FROM orders");
}

#[cross_tenant(reason = "callers say which")]
pub fn by_callers(tenant: i64) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
}

#[cross_tenant(reason = "what it calls lists all")]
pub fn nothing() {}
