#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[must_use]
#[tenant_scoped]
#[inline]
/// Documented.
pub fn f(id: i64) -> sqlx::Query {
    sqlx::query("SELECT id FROM orders WHERE id = $1").bind(id)
}
