//! Chains of Diesel: compiled, and read as source.

use diesel::dsl::{count, count_star, exists, max, not, sql};
use diesel::sql_types::Bool;
use diesel::{
    AsChangeset, Associations, BelongingToDsl, BoolExpressionMethods, CombineDsl, ExpressionMethods,
    Identifiable, Insertable, JoinOnDsl, NullableExpressionMethods, PgExpressionMethods,
    PgSortExpressionMethods, PgTextExpressionMethods, QueryDsl, Queryable, Selectable, SelectableHelper,
    TextExpressionMethods,
};

use crate::{Conn, Run};

diesel::table! {
    customers (id) { id -> Int8, tenant_id -> Int8, name -> Text, parent_id -> Nullable<Int8>, }
}
diesel::table! {
    orders (id) { id -> Int8, tenant_id -> Int8, status -> Text, customer_id -> Int8, total -> Nullable<Int8>, }
}
diesel::table! {
    #[sql_name = "items"]
    lines (order_id, line) { order_id -> Int8, line -> Int8, #[sql_name = "sku"] article -> Text, }
}
diesel::joinable!(orders -> customers (customer_id));
diesel::joinable!(lines -> orders (order_id));
diesel::allow_tables_to_appear_in_same_query!(customers, orders, lines);

#[derive(Identifiable, Queryable, Selectable, AsChangeset, Clone)]
#[diesel(table_name = orders)]
pub struct Order {
    pub id: i64,
    pub tenant_id: i64,
    pub status: String,
}

#[derive(Identifiable, Associations, Queryable, Selectable)]
#[diesel(table_name = lines, primary_key(order_id, line), belongs_to(Order, foreign_key = order_id))]
pub struct Line {
    pub order_id: i64,
    pub line: i64,
    pub article: String,
}

#[derive(Insertable)]
#[diesel(table_name = orders)]
pub struct NewOrder {
    pub id: i64,
    pub tenant_id: i64,
    pub status: String,
    pub customer_id: i64,
}

#[derive(AsChangeset)]
#[diesel(table_name = orders)]
pub struct Patch<'a> {
    pub status: &'a str,
    pub customer_id: i64,
}

pub fn comparisons(c: &mut Conn, tenant: i64) {
    orders::table.load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table.filter(orders::id.eq(1)).filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table.filter(orders::tenant_id.ne(tenant)).load(c);
    orders::table.filter(orders::id.gt(1).and(orders::tenant_id.eq(tenant))).load(c);
    orders::table.filter(orders::id.ge(1).or(orders::tenant_id.eq(tenant))).load(c);
    orders::table.filter(orders::id.lt(1)).or_filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .filter(orders::id.le(1).or(orders::status.eq("x")))
        .load(c);
    orders::table.filter(orders::tenant_id.eq(tenant).and(orders::total.is_null())).load(c);
    orders::table.filter(orders::total.is_not_null()).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).filter(orders::total.between(1, 9)).load(c);
    orders::table.filter(orders::total.not_between(1, 9)).load(c);
    orders::table.filter(orders::status.like("a%")).load(c);
    orders::table.filter(orders::status.not_like("a%").and(orders::tenant_id.eq(tenant))).load(c);
    orders::table.filter(orders::status.ilike("a%").and(orders::tenant_id.eq(tenant))).load(c);
    orders::table.filter(orders::status.not_ilike("a%")).load(c);
    orders::table.filter(orders::tenant_id.is_not_distinct_from(tenant)).load(c);
    orders::table.filter(orders::tenant_id.is_distinct_from(tenant)).load(c);
    orders::table.filter(not(orders::tenant_id.eq(tenant))).load(c);
    orders::table.filter(not(orders::tenant_id.ne(tenant))).load(c);
    orders::table.filter(not(orders::status.eq("x")).and(orders::tenant_id.eq(tenant))).load(c);
    orders::table.filter(orders::tenant_id.eq(orders::tenant_id)).load(c);
    orders::table.filter(orders::tenant_id.eq_any(vec![tenant])).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).filter(orders::id.eq_any(vec![1, 2])).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).filter(orders::id.ne_all(vec![1, 2])).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant).or(orders::tenant_id.eq(tenant))).load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant).or(orders::status.eq("x")).and(orders::id.eq(1)))
        .load(c);
    orders::table.filter((orders::id + 1).eq(2)).filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table.filter((orders::tenant_id * 2).eq(tenant)).load(c);
    orders::table.filter(orders::status.concat("x").eq("ax").and(orders::tenant_id.eq(tenant))).load(c);
}

pub fn shapes(c: &mut Conn, tenant: i64) {
    orders::table.find(1).load(c);
    orders::table.find(1).filter(orders::tenant_id.eq(tenant)).load(c);
    lines::table.find((1, 2)).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).first(c);
    orders::table.first(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).select(orders::id).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).select((orders::id, orders::status)).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).select(orders::all_columns).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).select(Order::as_select()).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).count().get_result(c);
    orders::table.count().get_result(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).select(count_star()).get_result(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).select(count(orders::total)).get_result(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).select(max(orders::id)).get_result(c);
    orders::table.select(max(orders::tenant_id)).get_result(c);
    orders::table.group_by(orders::tenant_id).select((orders::tenant_id, count_star())).load(c);
    orders::table.group_by(orders::status).select((orders::status, count_star())).load(c);
    orders::table
        .group_by((orders::tenant_id, orders::status))
        .having(orders::tenant_id.eq(tenant))
        .select((orders::tenant_id, orders::status))
        .load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).order(orders::id.desc()).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).order_by((orders::status.asc(), orders::id)).load(c);
    orders::table.order(orders::id).then_order_by(orders::status.desc()).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).order(orders::total.desc().nulls_last()).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).limit(10).offset(5).load(c);
    orders::table.limit(10).filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table.limit(10).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).distinct().select(orders::status).load(c);
    orders::table.distinct_on(orders::status).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).distinct_on((orders::status, orders::total)).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).for_update().load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).for_update().skip_locked().load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).for_no_key_update().no_wait().load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).into_boxed::<diesel::pg::Pg>().load(c);
    orders::table
        .into_boxed::<diesel::pg::Pg>()
        .filter(orders::status.eq("x"))
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
    let boxed = orders::table.filter(orders::tenant_id.eq(tenant)).into_boxed::<diesel::pg::Pg>();
    let boxed = boxed.filter(orders::id.eq(1));
    boxed.load(c);
    diesel::select(exists(orders::table.filter(orders::tenant_id.eq(tenant)))).get_result(c);
    diesel::select(exists(orders::table.filter(orders::id.eq(1)))).get_result(c);
    diesel::select(not(exists(orders::table.find(1).filter(orders::tenant_id.eq(tenant))))).get_result(c);
    orders::table.filter(sql::<Bool>("status = 'x'")).filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .filter(sql::<Bool>("status = 'x' OR status = 'y'"))
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .filter(sql::<Bool>("(status = 'x' OR status = 'y')"))
        .load(c);
    orders::table
        .filter(sql::<Bool>("total > ").bind::<diesel::sql_types::BigInt, _>(3).sql(" AND true"))
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
}

pub fn joins(c: &mut Conn, tenant: i64) {
    orders::table.inner_join(customers::table).load(c);
    orders::table.inner_join(customers::table).filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table
        .inner_join(customers::table)
        .filter(orders::tenant_id.eq(tenant).and(customers::tenant_id.eq(tenant)))
        .load(c);
    orders::table
        .inner_join(
            customers::table
                .on(customers::id.eq(orders::customer_id).and(customers::tenant_id.eq(orders::tenant_id))),
        )
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
    orders::table.left_join(customers::table).filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table
        .left_join(customers::table.on(customers::tenant_id.eq(tenant)))
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
    customers::table
        .inner_join(orders::table)
        .filter(customers::tenant_id.eq(tenant))
        .select(orders::id)
        .load(c);
    lines::table.inner_join(orders::table).filter(orders::tenant_id.eq(tenant)).load(c);
    lines::table
        .inner_join(orders::table)
        .filter(orders::tenant_id.eq(tenant))
        .select(lines::article)
        .load(c);
    lines::table
        .inner_join(orders::table.inner_join(customers::table))
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
    orders::table
        .inner_join(customers::table)
        .inner_join(lines::table)
        .filter(orders::tenant_id.eq(tenant))
        .filter(customers::tenant_id.eq(tenant))
        .load(c);
    lines::table
        .left_join(orders::table)
        .filter(orders::tenant_id.eq(tenant))
        .select(lines::all_columns)
        .load(c);
    lines::table.filter(lines::article.eq("x")).load(c);
    let (parents, children) = diesel::alias!(customers as parents, customers as children);
    parents
        .inner_join(
            children.on(children.field(customers::parent_id).eq(parents.field(customers::id).nullable())),
        )
        .filter(parents.field(customers::tenant_id).eq(tenant))
        .filter(children.field(customers::tenant_id).eq(tenant))
        .select((parents.field(customers::id), children.field(customers::name)))
        .load(c);
    parents.filter(parents.field(customers::tenant_id).eq(tenant)).load(c);
}

pub fn subqueries(c: &mut Conn, tenant: i64) {
    let own = customers::table.filter(customers::tenant_id.eq(tenant)).select(customers::id);
    orders::table.filter(orders::customer_id.eq_any(own)).load(c);
    orders::table.filter(orders::customer_id.eq_any(own)).filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table.filter(orders::customer_id.ne_all(own)).filter(orders::tenant_id.eq(tenant)).load(c);
    orders::table.filter(orders::tenant_id.eq_any(customers::table.select(customers::tenant_id))).load(c);
    orders::table
        .filter(exists(customers::table.filter(customers::id.eq(orders::customer_id))))
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
    orders::table
        .filter(exists(
            customers::table
                .filter(customers::id.eq(orders::customer_id).and(customers::tenant_id.eq(tenant))),
        ))
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
    orders::table
        .filter(not(exists(customers::table.filter(customers::tenant_id.eq(orders::tenant_id)))))
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select((
            orders::id,
            customers::table
                .filter(customers::tenant_id.eq(tenant))
                .select(max(customers::name))
                .single_value(),
        ))
        .load(c);
    lines::table
        .filter(lines::order_id.eq_any(orders::table.filter(orders::tenant_id.eq(tenant)).select(orders::id)))
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select(orders::id)
        .union(customers::table.filter(customers::tenant_id.eq(tenant)).select(customers::id))
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select(orders::id)
        .union_all(customers::table.select(customers::id))
        .load(c);
    orders::table.select(orders::id).except(customers::table.select(customers::id)).load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select(orders::id)
        .intersect(customers::table.filter(customers::tenant_id.eq(tenant)).select(customers::id))
        .load(c);
}

pub fn writes(c: &mut Conn, tenant: i64) {
    diesel::update(orders::table).set(orders::status.eq("x")).execute(c);
    diesel::update(orders::table.find(1)).set(orders::status.eq("x")).execute(c);
    diesel::update(orders::table.filter(orders::tenant_id.eq(tenant))).set(orders::status.eq("x")).execute(c);
    diesel::update(orders::table)
        .filter(orders::tenant_id.eq(tenant))
        .set((orders::status.eq("x"), orders::total.eq(orders::total + 1)))
        .execute(c);
    diesel::update(orders::table.filter(orders::tenant_id.eq(tenant)))
        .set((orders::tenant_id.eq(2), orders::status.eq("x")))
        .execute(c);
    diesel::update(orders::table.filter(orders::tenant_id.eq(tenant)))
        .set(orders::status.eq("x"))
        .returning(orders::id)
        .get_result(c);
    diesel::update(orders::table.filter(orders::tenant_id.eq(tenant)))
        .set(orders::status.eq("x"))
        .get_results(c);
    let patch = Patch { status: "x", customer_id: 4 };
    diesel::update(orders::table.filter(orders::tenant_id.eq(tenant))).set(&patch).execute(c);
    diesel::update(orders::table.find(4)).set((&patch, orders::total.eq(2))).execute(c);
    let order = Order { id: 1, tenant_id: tenant, status: "x".to_owned() };
    diesel::update(&order).set(orders::status.eq("y")).execute(c);
    diesel::update(orders::table.filter(orders::tenant_id.eq(tenant))).set(&order).execute(c);
    diesel::delete(&order).execute(c);
    diesel::delete(orders::table).execute(c);
    diesel::delete(orders::table.filter(orders::tenant_id.eq(tenant))).execute(c);
    diesel::delete(orders::table).filter(orders::id.eq(1)).execute(c);
    diesel::delete(orders::table.filter(orders::tenant_id.eq(tenant))).returning(orders::id).get_results(c);
    diesel::delete(lines::table.filter(
        lines::order_id.eq_any(orders::table.filter(orders::tenant_id.eq(tenant)).select(orders::id)),
    ))
    .execute(c);
    let new = NewOrder { id: 1, tenant_id: tenant, status: "x".to_owned(), customer_id: 3 };
    diesel::insert_into(orders::table).values(&new).execute(c);
    diesel::insert_into(orders::table).values(&new).get_result(c);
    diesel::insert_into(orders::table)
        .values((
            orders::id.eq(1),
            orders::tenant_id.eq(tenant),
            orders::status.eq("x"),
            orders::customer_id.eq(2),
        ))
        .execute(c);
    diesel::insert_into(customers::table).values((customers::id.eq(1), customers::name.eq("x"))).execute(c);
    diesel::insert_into(customers::table)
        .values((customers::id.eq(1), customers::tenant_id.eq(tenant), customers::name.eq("x")))
        .returning(customers::id)
        .get_result(c);
    diesel::insert_into(customers::table)
        .values(vec![
            (customers::id.eq(1), customers::tenant_id.eq(tenant), customers::name.eq("x")),
            (customers::id.eq(2), customers::tenant_id.eq(tenant), customers::name.eq("y")),
        ])
        .execute(c);
    diesel::insert_into(customers::table).default_values().execute(c);
    diesel::insert_into(orders::table).values(&new).on_conflict_do_nothing().execute(c);
    diesel::insert_into(orders::table)
        .values(&new)
        .on_conflict((orders::tenant_id, orders::status))
        .do_nothing()
        .execute(c);
    diesel::insert_into(orders::table)
        .values(&new)
        .on_conflict(orders::id)
        .do_update()
        .set(orders::status.eq(diesel::upsert::excluded(orders::status)))
        .execute(c);
    diesel::insert_into(orders::table)
        .values(&new)
        .on_conflict((orders::tenant_id, orders::status))
        .do_update()
        .set((orders::total.eq(1), orders::customer_id.eq(diesel::upsert::excluded(orders::customer_id))))
        .execute(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select((orders::id, orders::tenant_id, orders::status))
        .insert_into(customers::table)
        .into_columns((customers::id, customers::tenant_id, customers::name))
        .execute(c);
    diesel::insert_into(customers::table)
        .values(orders::table.select((orders::id, orders::tenant_id, orders::status)))
        .into_columns((customers::id, customers::tenant_id, customers::name))
        .execute(c);
    Line::belonging_to(&order).load(c);
    Line::belonging_to(&order).filter(lines::article.eq("x")).select(Line::as_select()).load(c);
}

/// The `use` lies inside of the parameters: both sides are the column.
pub fn shadowed(c: &mut Conn, tenant_id: i64) {
    let _ = tenant_id;
    use self::orders::dsl::*;
    orders.filter(tenant_id.eq(tenant_id)).load(c);
    orders.filter(id.eq(1)).load(c);
}

pub fn all(c: &mut Conn) {
    for (name, run) in [
        ("comparisons", comparisons as fn(&mut Conn, i64)),
        ("shapes", shapes),
        ("joins", joins),
        ("subqueries", subqueries),
        ("writes", writes),
        ("shadowed", shadowed),
    ] {
        c.begin(name);
        run(c, 7);
    }
}
