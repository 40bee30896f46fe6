//! What diesel's chains read.

use diesel::connection::LoadConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use uuid::Uuid;

use crate::model::Tenant;
use crate::schema::{orders, users};

#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = orders)]
pub struct Row {
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub status: String,
}

pub fn of_tenant(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant) -> QueryResult<Vec<Row>> {
    orders::table.filter(orders::tenant_id.eq(tenant.0)).select(Row::as_select()).load(conn)
}

pub fn by_id(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant, id: Uuid) -> QueryResult<Row> {
    orders::table.find(id).select(Row::as_select()).first(conn)
}

pub fn maybe(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant, id: Uuid) -> QueryResult<Option<Row>> {
    orders::table.filter(orders::id.eq(id)).select(Row::as_select()).first(conn).optional()
}

pub fn open(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant) -> QueryResult<Vec<Row>> {
    orders::table
        .filter(orders::status.eq("open"))
        .order(orders::id)
        .select(Row::as_select())
        .load(conn)
}

pub fn all(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant) -> QueryResult<Vec<Row>> {
    orders::table.select(Row::as_select()).load(conn)
}

pub fn either(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant, word: &str) -> QueryResult<Vec<Uuid>> {
    orders::table
        .filter(orders::status.eq(word).or(orders::note.is_null()))
        .select(orders::id)
        .load(conn)
}

pub fn counted(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant) -> QueryResult<i64> {
    orders::table.filter(orders::total.gt(0)).count().get_result(conn)
}

pub fn people(conn: &mut impl LoadConnection<Backend = Pg>, tenant: Tenant, email: &str) -> QueryResult<Vec<Uuid>> {
    users::table.filter(users::email.eq(email)).select(users::id).get_results(conn)
}

pub fn of_a_parameter(conn: &mut impl LoadConnection<Backend = Pg>, tenant_id: Uuid, id: Uuid) -> QueryResult<String> {
    users::table.find(id).select(users::email).first(conn)
}
