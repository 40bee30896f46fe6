#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub fn f(a: u8) -> u8 {
    a + 1
}
