#![allow(unused)]
use tenantry::*;

#[tenant_scoped]
pub struct OnAStruct;

#[tenant_scoped]
pub enum OnAnEnum {
    A,
}

#[tenant_scoped]
pub const ON_A_CONST: &str = "SELECT id FROM orders";

#[tenant_scoped]
pub static ON_A_STATIC: fn() = || {
    sqlx::query("SELECT id FROM orders");
};

#[tenant_scoped]
pub type OnAType = i64;

#[tenant_scoped]
use std::fmt as on_a_use;

#[tenant_scoped]
macro_rules! on_a_macro_fn {
    () => {
        sqlx::query("SELECT id FROM orders")
    };
}

#[integration(stripe)]
pub fn without_quotes() {}
