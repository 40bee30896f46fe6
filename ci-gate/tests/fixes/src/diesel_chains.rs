//! Queries by diesel's chains.

use diesel::prelude::*;
use uuid::Uuid;

use crate::schema::orders;

pub fn of_tenant(conn: &mut PgConnection, tenant: Tenant) -> QueryResult<Vec<Order>> {
    orders::table.filter(orders::tenant_id.eq(tenant.0)).load(conn)
}

pub fn by_id(conn: &mut PgConnection, tenant: Tenant, id: Uuid) -> QueryResult<Order> {
    orders::table.find(id).first(conn)
}

pub fn open(conn: &mut PgConnection, tenant: Tenant) -> QueryResult<Vec<Order>> {
    orders::table
        .filter(orders::status.eq("open"))
        .order(orders::id)
        .load(conn)
}

pub fn close(conn: &mut PgConnection, tenant: Tenant, id: Uuid) -> QueryResult<usize> {
    diesel::update(orders::table.filter(orders::id.eq(id))).set(orders::status.eq("closed")).execute(conn)
}

pub fn delete(conn: &mut PgConnection, tenant: Tenant, id: Uuid) -> QueryResult<usize> {
    diesel::delete(orders::table.filter(orders::id.eq(id))).execute(conn)
}
