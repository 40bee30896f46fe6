#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[cfg_attr(all(), tenant_scoped)]
pub fn f(id: i64) -> sqlx::Query {
    sqlx::query("SELECT id FROM orders WHERE id = $1").bind(id)
}
