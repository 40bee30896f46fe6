//! What diesel's chains write.

use diesel::connection::LoadConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

use crate::model::Tenant;
use crate::schema::{orders, users};

pub fn close_own(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant) -> QueryResult<usize> {
    diesel::update(orders::table.filter(orders::tenant_id.eq(tenant.0))).set(orders::status.eq("closed")).execute(conn)
}

pub fn close(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant, id: Uuid) -> QueryResult<usize> {
    diesel::update(orders::table.filter(orders::id.eq(id))).set(orders::status.eq("closed")).execute(conn)
}

pub fn note(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant, id: Uuid, note: &str) -> QueryResult<usize> {
    diesel::update(orders::table.find(id))
        .set((orders::note.eq(note), orders::total.eq(1)))
        .execute(conn)
}

pub fn close_all(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant) -> QueryResult<usize> {
    diesel::update(orders::table).set(orders::status.eq("closed")).execute(conn)
}

pub fn delete(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant, id: Uuid) -> QueryResult<usize> {
    diesel::delete(orders::table.filter(orders::id.eq(id))).execute(conn)
}

pub fn delete_found(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant, id: Uuid) -> QueryResult<usize> {
    diesel::delete(users::table.find(id)).execute(conn)
}

pub fn delete_old(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant) -> QueryResult<usize> {
    diesel::delete(orders::table)
        .filter(orders::status.eq("closed"))
        .execute(conn)
}
