#![allow(unused)]
use diesel::prelude::*;
use tenantry::*;

pub mod schema {
    diesel::table! {
        orders (id) {
            id -> BigInt,
            org_id -> BigInt,
            total -> BigInt,
        }
    }
}
use schema::orders;

#[tenant_scoped]
pub fn list(connection: &mut PgConnection, tenant: TenantId<i64>) -> Vec<i64> {
    orders::table.filter(orders::org_id.eq(tenant)).select(orders::id).load(connection)
}

#[tenant_scoped]
pub fn find(connection: &mut PgConnection, tenant: TenantId<i64>, id: i64) -> Option<i64> {
    orders::table
        .filter(orders::id.eq(id))
        .filter(orders::org_id.eq(tenant))
        .select(orders::id)
        .first(connection)
}

#[tenant_scoped]
pub fn remove(connection: &mut PgConnection, tenant: TenantId<i64>, id: i64) {
    diesel::delete(orders::table.filter(orders::org_id.eq(tenant))).execute(connection)
}

#[tenant_scoped]
pub fn boxed(connection: &mut PgConnection, tenant: TenantId<i64>, id: Option<i64>) -> Vec<i64> {
    let mut query = orders::table.filter(orders::org_id.eq(tenant)).into_boxed();
    if let Some(id) = id {
        query = query.filter(orders::id.eq(id));
    }
    query.select(orders::id).load(connection)
}
