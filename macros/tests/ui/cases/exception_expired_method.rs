#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub struct Jobs;

impl Jobs {
    #[cross_tenant(reason = "a job", until = "2020-12-31")]
    pub fn all(&self) -> sqlx::Query {
        #![allow(clippy::all)]
        sqlx::query("SELECT id FROM orders")
    }
}
