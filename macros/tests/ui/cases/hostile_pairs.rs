#![allow(unused)]
use tenantry::*;

const LIST: &str = "SELECT id FROM orders WHERE org_id = $1";

#[tenant_scoped]
pub fn swapped(tenant: TenantId<i64>, id: i64) {
    let (id, tenant) = (*tenant.get(), id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn swapped_by_match(tenant: TenantId<i64>, id: i64) {
    match (*tenant.get(), id) {
        (id, tenant) => sqlx::query(LIST).bind(tenant),
    };
}

#[tenant_scoped]
pub fn swapped_texts(tenant: TenantId<i64>) {
    let (a, b) = ("SELECT id FROM orders", LIST);
    let (b, a) = (b, b);
    let (b, a) = ("SELECT id FROM orders", b);
    let (a, b) = (LIST, b);
    sqlx::query(b).bind(tenant);
}

#[tenant_scoped]
pub fn text_of_bytes(tenant: TenantId<i64>) {
    sqlx::query(LIST).bind(tenant);
    run(b"DELETE FROM orders");
}

#[tenant_scoped]
pub fn text_of_c(tenant: TenantId<i64>) {
    sqlx::query(LIST).bind(tenant);
    run(c"DELETE FROM orders");
}

fn add(query: &mut sqlx::QueryBuilder, id: i64, tenant: i64) {
    query.push("SELECT id FROM orders WHERE org_id = ").push_bind(tenant);
}

#[tenant_scoped]
pub fn swapped_arguments(tenant: TenantId<i64>, id: i64) {
    let mut query = sqlx::QueryBuilder::new("");
    add(&mut query, *tenant.get(), id);
    query.build();
}

pub fn run<T>(_: T) {}
