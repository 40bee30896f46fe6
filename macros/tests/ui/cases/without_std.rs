#![allow(unused)]
#![no_std]
use tenantry::*;

pub const LIST: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = $1");
pub const ALL: &str = tenant_sql!("SELECT id FROM orders");

#[cross_tenant(reason = "a job", until = "2020-12-31")]
pub fn f() {}
