#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub const A: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = $1");
pub const B: &str = tenant_sql!("SELECT id FROM orders WHERE id = $1 AND org_id = $2", tenant = $2);
pub const C: &str = tenant_sql!(file "queries/good.sql");
pub const D: &str = tenant_sql!("SELECT code FROM countries");

pub fn same() {
    let text: &'static str = tenant_sql!(r#"SELECT id FROM orders WHERE org_id = $1"#,);
    let _ = sqlx::query(text);
}
