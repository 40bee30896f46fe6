#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

macro_rules! text {
    ($text:literal) => {
        tenant_sql!($text)
    };
}

pub const A: &str = text!("SELECT id FROM orders WHERE org_id = $1");
pub const B: &str = text!("SELECT id FROM orders");
