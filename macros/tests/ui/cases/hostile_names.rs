#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

const LIST: &str = "SELECT id FROM orders WHERE org_id = $1";

#[tenant_scoped(tenant = "tenant")]
pub fn named_shadowed(tenant: i64, id: i64) {
    let tenant = id;
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped(tenant = "id")]
pub fn named_local() {
    let id = std::env::args().count() as i64;
    sqlx::query(LIST).bind(id);
}

#[tenant_scoped(tenant = "7")]
pub fn named_literal() {
    sqlx::query(LIST).bind(7);
}

#[tenant_scoped(tenant = "read()")]
pub fn named_call() {
    sqlx::query(LIST).bind(read());
}
fn read() -> i64 {
    3
}

#[tenant_scoped(tenant = "body.org")]
pub fn named_field(body: Body) {
    let mut body = body;
    body.org = 7;
    sqlx::query(LIST).bind(body.org);
}
pub struct Body {
    pub org: i64,
}

#[tenant_scoped(tenant = "tenant", tenant = "id")]
pub fn named_twice(tenant: i64, id: i64) {
    sqlx::query(LIST).bind(id);
}
