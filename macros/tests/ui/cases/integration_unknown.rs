#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[integration("strpe")]
pub fn f() {}

#[integration("other")]
pub fn g() {}
