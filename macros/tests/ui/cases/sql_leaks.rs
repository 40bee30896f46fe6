#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub const A: &str = tenant_sql!("SELECT id FROM orders WHERE id = $1");
pub const B: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = $1 AND id = $2", tenant = $2);
pub const C: &str = tenant_sql!(file "queries/bad.sql");
pub const D: &str = tenant_sql!(
    "SELECT l.id
       FROM lines l
      WHERE l.id = $1"
);
