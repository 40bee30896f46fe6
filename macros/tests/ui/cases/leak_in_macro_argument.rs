#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub fn f(id: i64) {
    println!("{}", { let _ = sqlx::query("SELECT id FROM orders WHERE id = $1").bind(id); 1 });
}
