#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub const A: &str = tenant_sql!();
pub const B: &str = tenant_sql!(B);
pub const C: &str = tenant_sql!("SELECT 1", tenant = 2);
pub const D: &str = tenant_sql!(file "queries/none.sql");
pub const E: &str = tenant_sql!(b"SELECT 1");
