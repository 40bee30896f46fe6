#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub fn f() -> impl Fn(i64) -> sqlx::Query {
    |id| sqlx::query("SELECT id FROM orders WHERE id = $1").bind(id)
}
