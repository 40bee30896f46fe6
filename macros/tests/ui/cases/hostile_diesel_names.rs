#![allow(unused)]
use diesel::prelude::*;
use tenantry::*;
pub mod schema {
    diesel::table! { orders (id) { id -> BigInt, org_id -> BigInt, total -> BigInt, } }
    diesel::table! { #[sql_name = "orders"] countries2 (id) { id -> BigInt, org_id -> BigInt, } }
    diesel::table! { swapped (id) { #[sql_name = "org_id"] id -> BigInt, #[sql_name = "id"] org_id -> BigInt, } }
    diesel::table! { #[sql_name = "orders"] crossed (id) { #[sql_name = "org_id"] id -> BigInt, #[sql_name = "id"] org_id -> BigInt, } }
    diesel::table! { countries (code) { code -> Text, } }
}
pub mod other {
    diesel::table! { #[sql_name = "countries"] orders (id) { id -> BigInt, org_id -> BigInt, } }
    pub mod orders2 {
        pub use crate::schema::orders::*;
    }
}
use schema::orders;
#[tenant_scoped]
pub fn renamed_table(c: &mut PgConnection, tenant: TenantId<i64>) {
    schema::countries2::table.load::<i64>(c);
}
#[tenant_scoped]
pub fn crossed_columns(c: &mut PgConnection, tenant: TenantId<i64>) {
    use schema::crossed;
    crossed::table.filter(crossed::org_id.eq(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn column_of_other(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(other::orders::org_id.eq(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn imported_other(c: &mut PgConnection, tenant: TenantId<i64>) {
    use other::orders as countries;
    use schema::orders as x;
    x::table.filter(countries::org_id.eq(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn local_column(c: &mut PgConnection, tenant: TenantId<i64>) {
    let org_id = orders::id;
    orders::table.filter(org_id.eq(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn local_module(c: &mut PgConnection, tenant: TenantId<i64>) {
    mod orders {
        pub use crate::schema::orders::{id as org_id, table};
    }
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn renamed_column(c: &mut PgConnection, tenant: TenantId<i64>) {
    use schema::orders::id as org_id;
    orders::table.filter(org_id.eq(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn glob_dsl(c: &mut PgConnection, tenant: TenantId<i64>, id: i64) {
    use schema::orders::dsl::*;
    orders.filter(id.eq(id)).load::<i64>(c);
}
#[tenant_scoped]
pub fn either(c: &mut PgConnection, tenant: TenantId<i64>, all: bool) {
    let q = if all {
        orders::table.into_boxed()
    } else {
        orders::table.filter(orders::org_id.eq(tenant)).into_boxed()
    };
    q.load::<i64>(c);
}
#[tenant_scoped]
pub fn replaced(c: &mut PgConnection, tenant: TenantId<i64>) {
    let mut q = orders::table.filter(orders::org_id.eq(tenant)).into_boxed();
    let other = std::mem::replace(&mut q, orders::table.into_boxed());
    q.load::<i64>(c);
}
#[tenant_scoped]
pub fn inner_eq(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.ne(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn eq_any(c: &mut PgConnection, tenants: Vec<TenantId<i64>>, others: Vec<i64>) {
    orders::table.filter(orders::org_id.eq_any(others)).load::<i64>(c);
}
#[tenant_scoped]
pub fn unscoped(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).distinct().limit(1).load::<i64>(c);
    orders::table.limit(1).load::<i64>(c);
}
#[tenant_scoped]
pub fn exists(c: &mut PgConnection, tenant: TenantId<i64>) {
    diesel::select(diesel::dsl::exists(orders::table.filter(orders::id.eq(7)))).get_result::<bool>(c);
}
#[tenant_scoped]
pub fn cfg_filter(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table
        .filter({
            #[cfg(feature = "x")]
            {
                orders::org_id.eq(tenant)
            }
            #[cfg(not(feature = "x"))]
            {
                orders::id.gt(1)
            }
        })
        .load::<i64>(c);
}
#[tenant_scoped]
pub fn generic_table<T: Table>(c: &mut PgConnection, tenant: TenantId<i64>, t: T) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    t.load::<i64>(c);
}
#[tenant_scoped]
pub fn returning(c: &mut PgConnection, tenant: TenantId<i64>) {
    diesel::update(orders::table).set(orders::total.eq(1)).execute(c);
}
#[tenant_scoped]
pub fn update_find(c: &mut PgConnection, tenant: TenantId<i64>) {
    diesel::update(orders::table.find(7)).set(orders::total.eq(1)).execute(c);
}
#[tenant_scoped]
pub fn upsert(c: &mut PgConnection, tenant: TenantId<i64>) {
    diesel::insert_into(orders::table)
        .values((orders::id.eq(7), orders::org_id.eq(tenant)))
        .on_conflict(orders::id)
        .do_update()
        .set(orders::total.eq(1))
        .execute(c);
}
#[tenant_scoped]
pub fn count(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.count().get_result::<i64>(c);
}
#[tenant_scoped]
pub fn in_async(c: &mut PgConnection, tenant: TenantId<i64>) {
    let f = async move { orders::table.load::<i64>(c) };
}
#[tenant_scoped]
pub fn wrong_value(c: &mut PgConnection, tenant: TenantId<i64>, id: i64) {
    let tenant = id;
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn constant_value(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(7)).load::<i64>(c);
}
#[tenant_scoped]
pub fn in_loop(c: &mut PgConnection, tenant: TenantId<i64>, ids: Vec<i64>) {
    for id in ids {
        orders::table.filter(orders::org_id.eq(id)).load::<i64>(c);
    }
}
