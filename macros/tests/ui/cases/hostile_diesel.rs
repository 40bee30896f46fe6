#![allow(unused)]
use diesel::prelude::*;
use tenantry::*;

pub mod schema {
    diesel::table! { orders (id) { id -> BigInt, org_id -> BigInt, total -> BigInt, } }
    diesel::table! { lines (id) { id -> BigInt, order_id -> BigInt, text -> Text, } }
    diesel::table! { countries (code) { code -> Text, } }
}
use schema::orders;

macro_rules! run {
    ($t:expr => $c:expr) => {
        $t.load::<i64>($c)
    };
}

#[tenant_scoped]
pub fn all(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.load::<i64>(c);
}
#[tenant_scoped]
pub fn or_filter(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).or_filter(orders::id.gt(1)).load::<i64>(c);
}
#[tenant_scoped]
pub fn renamed_table(c: &mut PgConnection, tenant: TenantId<i64>) {
    use schema::orders::table as t;
    t.load::<i64>(c);
}
#[tenant_scoped]
pub fn dsl_name(c: &mut PgConnection, tenant: TenantId<i64>) {
    use schema::orders::dsl::orders as all;
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    all.load::<i64>(c);
}
#[tenant_scoped]
pub fn function_form(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    RunQueryDsl::load::<i64>(orders::table, c);
}
#[tenant_scoped]
pub fn function_form_query(c: &mut PgConnection, tenant: TenantId<i64>) {
    RunQueryDsl::load::<i64>(QueryDsl::filter(orders::table, orders::id.gt(1)), c);
}
#[tenant_scoped]
pub fn free_functions(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    diesel::delete(orders::table).execute(c);
}
#[tenant_scoped]
pub fn free_renamed(c: &mut PgConnection, tenant: TenantId<i64>) {
    use diesel::delete as remove;
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    remove(orders::table).execute(c);
}
#[tenant_scoped]
pub fn find(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.find(7).first::<i64>(c);
}
#[tenant_scoped]
pub fn swapped_eq(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::id.eq(tenant)).load::<i64>(c);
}
#[tenant_scoped]
pub fn self_eq(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(orders::org_id)).load::<i64>(c);
}
#[tenant_scoped]
pub fn boxed_if(c: &mut PgConnection, tenant: TenantId<i64>, own: bool) {
    let mut q = orders::table.into_boxed();
    if own {
        q = q.filter(orders::org_id.eq(tenant));
    }
    q.load::<i64>(c);
}
#[tenant_scoped]
pub fn boxed_shadow(c: &mut PgConnection, tenant: TenantId<i64>) {
    let q = orders::table.filter(orders::org_id.eq(tenant)).into_boxed();
    let q = orders::table.into_boxed();
    q.load::<i64>(c);
}
#[tenant_scoped]
pub fn boxed_cfg(c: &mut PgConnection, tenant: TenantId<i64>) {
    let q = orders::table.into_boxed();
    #[cfg(feature = "x")]
    let q = q.filter(orders::org_id.eq(tenant));
    q.load::<i64>(c);
}
#[tenant_scoped]
pub fn in_closure(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    c.transaction(|c| orders::table.load::<i64>(c));
}
#[tenant_scoped]
pub fn sql_query(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    diesel::sql_query("SELECT id FROM orders").load::<i64>(c);
}
#[tenant_scoped]
pub fn sql_fragment(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant).or(diesel::dsl::sql::<bool>("true"))).load::<i64>(c);
}
#[tenant_scoped]
pub fn negated(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(diesel::dsl::not(orders::org_id.eq(tenant))).load::<i64>(c);
}
#[tenant_scoped]
pub fn joined(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table
        .left_join(schema::lines::table)
        .filter(schema::lines::order_id.eq(orders::id))
        .load::<i64>(c);
}
#[tenant_scoped]
pub fn batch(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    c.batch_execute("DELETE FROM orders");
}
#[tenant_scoped]
pub fn insert(c: &mut PgConnection, tenant: TenantId<i64>, other: i64) {
    diesel::insert_into(orders::table).values((orders::id.eq(1), orders::org_id.eq(other))).execute(c);
}
#[tenant_scoped]
pub fn update_set(c: &mut PgConnection, tenant: TenantId<i64>, other: i64) {
    diesel::update(orders::table.filter(orders::org_id.eq(tenant))).set(orders::org_id.eq(other)).execute(c);
}
#[tenant_scoped]
pub fn generic<T: Table>(c: &mut PgConnection, tenant: TenantId<i64>, t: T) {
    t.load::<i64>(c);
}
#[tenant_scoped]
pub fn method_on_model(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    Order::all().load::<i64>(c);
}
pub struct Order;
impl Order {
    pub fn all() -> orders::table {
        orders::table
    }
}
#[tenant_scoped]
pub fn own_eq(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(mine(tenant)).load::<i64>(c);
}
fn mine(_: TenantId<i64>) -> bool {
    true
}
pub trait Everything {
    fn everything(self) -> orders::table;
}
impl<T> Everything for T {
    fn everything(self) -> orders::table {
        orders::table
    }
}
#[tenant_scoped]
pub fn through_trait(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).everything().load::<i64>(c);
}
#[tenant_scoped]
pub fn union(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table
        .select(orders::id)
        .filter(orders::org_id.eq(tenant))
        .union(orders::table.select(orders::id))
        .load::<i64>(c);
}
#[tenant_scoped]
pub fn let_table(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    let t = orders::table;
    let run = |t| RunQueryDsl::load::<i64>(t, c);
    run(t);
}
#[tenant_scoped]
pub fn pointer_load(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    let run = RunQueryDsl::load::<i64>;
    run(orders::table, c);
}
#[tenant_scoped]
pub fn in_macro(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    println!("{:?}", orders::table.load::<i64>(c));
}
#[tenant_scoped]
pub fn in_own_macro(c: &mut PgConnection, tenant: TenantId<i64>) {
    orders::table.filter(orders::org_id.eq(tenant)).load::<i64>(c);
    run!(orders::table => c);
}
