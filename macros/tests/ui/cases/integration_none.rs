// in: bare
#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[integration("stripe")]
pub fn f() {}
