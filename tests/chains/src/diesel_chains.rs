//! Chains of Diesel: compiled, and read as source.

use std::ops::{Add, Mul, Sub};

use diesel::dsl::{case_when, count, count_star, exists, max, min, not, sql};
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::Bool;
use diesel::upsert::{excluded, on_constraint};
use diesel::{
    AggregateExpressionMethods, AsChangeset, Associations, BelongingToDsl, BoolExpressionMethods, CombineDsl,
    DecoratableTarget, ExpressionMethods, Identifiable, Insertable, IntoSql, JoinOnDsl,
    NullableExpressionMethods, PgExpressionMethods, PgSortExpressionMethods, PgTextExpressionMethods,
    QueryDsl, Queryable, Selectable, SelectableHelper, TextExpressionMethods,
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

#[derive(Queryable, Selectable)]
#[diesel(table_name = orders)]
#[expect(dead_code, reason = "only its columns are asked for")]
pub struct OrderOfCustomer {
    #[diesel(embed)]
    pub order: Order,
    #[diesel(embed)]
    pub customer: Option<Customer>,
    #[diesel(select_expression = customers::name.nullable())]
    pub customer_name: Option<String>,
}

#[derive(Identifiable, Queryable, Selectable, Clone)]
#[diesel(table_name = customers)]
pub struct Customer {
    pub id: i64,
    #[diesel(column_name = name)]
    pub called: String,
}

#[derive(Insertable, AsChangeset, Clone)]
#[diesel(table_name = customers, treat_none_as_null = true)]
pub struct NewCustomer {
    pub id: i64,
    pub tenant_id: i64,
    #[diesel(column_name = name)]
    pub called: String,
    pub parent_id: Option<i64>,
}

diesel::define_sql_function! {
    /// A function of the database.
    fn lower(x: diesel::sql_types::Text) -> diesel::sql_types::Text;
}

pub fn selections(c: &mut Conn, tenant: i64) {
    orders::table
        .left_join(customers::table)
        .filter(orders::tenant_id.eq(tenant))
        .select(OrderOfCustomer::as_select())
        .load(c);
    orders::table
        .left_join(
            customers::table.on(customers::id.eq(orders::customer_id).and(customers::tenant_id.eq(tenant))),
        )
        .filter(orders::tenant_id.eq(tenant))
        .select((Order::as_select(), Option::<Customer>::as_select()))
        .load(c);
    orders::table
        .left_join(customers::table)
        .filter(orders::tenant_id.eq(tenant))
        .select((orders::id, (customers::id, customers::name).nullable()))
        .load(c);
    let other = diesel::alias!(customers as other);
    other
        .filter(other.field(customers::tenant_id).eq(tenant))
        .select(other.fields((customers::id, customers::name)))
        .load(c);
    other
        .filter(other.field(customers::tenant_id).eq(tenant))
        .select(other.fields(<Customer as Selectable<diesel::pg::Pg>>::construct_selection()))
        .load(c);
    orders::table
        .left_join(other.on(orders::customer_id.eq(other.field(customers::id))))
        .filter(orders::tenant_id.eq(tenant))
        .select((orders::id, other.fields((customers::id, customers::name)).nullable()))
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select(count(orders::status).aggregate_distinct())
        .get_result(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select(count(orders::total).aggregate_filter(orders::status.eq("x")))
        .get_result(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select((min(orders::id), max(orders::total)))
        .get_result(c);
    orders::table.select(min(orders::tenant_id)).get_result(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select((orders::id, (orders::id, orders::status)))
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select(case_when(orders::status.eq("x"), orders::id).otherwise(0))
        .load(c);
    orders::table
        .filter(case_when(orders::status.eq("x"), orders::tenant_id).otherwise(0).eq(tenant))
        .select(orders::id)
        .load(c);
    orders::table.filter(lower(orders::status).eq("x").and(orders::tenant_id.eq(tenant))).load(c);
    orders::table.filter(lower(orders::status).eq("x").or(orders::tenant_id.eq(tenant))).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).select(sql::<Bool>("status = 'x'")).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).order(sql::<Bool>("status = 'x'").desc()).load(c);
    orders::table.filter(sql::<diesel::sql_types::BigInt>("total + 1").eq(2)).load(c);
    orders::table.filter(orders::id.add(1).eq(tenant)).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).filter(orders::id.sub(1).mul(2).eq(4)).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant)).for_share().load(c);
    orders::table.filter(orders::id.eq(1)).for_key_share().load(c);
}

pub fn compositions(c: &mut Conn, tenant: i64) {
    QueryDsl::filter(orders::table, ExpressionMethods::eq(orders::tenant_id, tenant)).load(c);
    QueryDsl::filter(orders::table, orders::id.eq(1)).load(c);
    let own = Box::new(orders::tenant_id.eq(tenant));
    orders::table.filter(own).filter(orders::id.eq(1)).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant).and(orders::id.eq(1)).or(orders::id.eq(2))).load(c);
    orders::table.filter(orders::tenant_id.eq(tenant).and(orders::id.eq(1).or(orders::id.eq(2)))).load(c);
    orders::table
        .into_boxed::<diesel::pg::Pg>()
        .filter(orders::tenant_id.eq(tenant))
        .or_filter(orders::status.eq("x"))
        .filter(orders::id.eq(1))
        .load(c);
    orders::table
        .into_boxed::<diesel::pg::Pg>()
        .or_filter(orders::status.eq("x"))
        .filter(orders::tenant_id.eq(tenant))
        .limit(1)
        .load(c);
    let any: Vec<i64> = vec![tenant, 2];
    orders::table.filter(orders::tenant_id.eq_any(&any)).load(c);
    orders::table.filter(not(orders::tenant_id.eq_any(&any))).load(c);
    orders::table.filter(orders::id.eq_any(&any)).filter(orders::tenant_id.eq(tenant)).load(c);
    let parents = vec![Order { id: 1, tenant_id: tenant, status: "x".to_owned() }];
    Line::belonging_to(&parents).load(c);
    Line::belonging_to(&parents).inner_join(orders::table).filter(orders::tenant_id.eq(tenant)).load(c);
    Line::belonging_to(&parents).order(lines::line.asc()).select((Line::as_select(), lines::article)).load(c);
    lines::table
        .inner_join(orders::table.on(orders::id.eq(lines::order_id).and(orders::tenant_id.eq(tenant))))
        .select(Line::as_select())
        .load(c);
    lines::table
        .left_join(orders::table.on(orders::id.eq(lines::order_id).and(orders::tenant_id.eq(tenant))))
        .select(Line::as_select())
        .load(c);
    lines::table
        .left_join(orders::table.inner_join(customers::table))
        .filter(customers::tenant_id.eq(tenant))
        .select((lines::line, customers::name.nullable()))
        .load(c);
    lines::table
        .inner_join(orders::table)
        .inner_join(customers::table.on(customers::id.eq(orders::customer_id)))
        .filter(customers::tenant_id.eq(tenant))
        .select((lines::line, customers::name))
        .load(c);
    orders::table
        .inner_join(customers::table)
        .filter(orders::tenant_id.eq(tenant))
        .group_by(customers::name)
        .having(count_star().gt(1))
        .select((customers::name, count_star()))
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant).or(exists(lines::table.filter(lines::order_id.eq(orders::id)))))
        .select(orders::id)
        .load(c);
    orders::table
        .filter(
            orders::customer_id.eq_any(
                customers::table
                    .filter(customers::tenant_id.eq(tenant))
                    .filter(customers::name.like("a%"))
                    .select(customers::id)
                    .limit(3),
            ),
        )
        .filter(orders::tenant_id.eq(tenant))
        .load(c);
    orders::table
        .filter(
            orders::tenant_id.nullable().eq(customers::table
                .filter(customers::id.eq(orders::customer_id))
                .select(max(customers::tenant_id))
                .single_value()),
        )
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select(orders::id)
        .except_all(customers::table.filter(customers::tenant_id.eq(tenant)).select(customers::id))
        .load(c);
    orders::table
        .select(orders::id)
        .intersect_all(customers::table.filter(customers::tenant_id.eq(tenant)).select(customers::id))
        .load(c);
    orders::table
        .filter(orders::tenant_id.eq(tenant))
        .select(orders::id)
        .union(customers::table.filter(customers::tenant_id.eq(tenant)).select(customers::id))
        .union_all(lines::table.select(lines::order_id))
        .load(c);
    diesel::select(exists(
        orders::table.inner_join(customers::table).filter(orders::tenant_id.eq(tenant)).select(customers::id),
    ))
    .get_result(c);
    diesel::select(tenant.into_sql::<diesel::sql_types::BigInt>()).get_result(c);
}

pub fn rows(c: &mut Conn, tenant: i64) {
    let new = NewCustomer { id: 1, tenant_id: tenant, called: "x".to_owned(), parent_id: Some(1) };
    diesel::insert_into(customers::table).values(new.clone()).execute(c);
    diesel::insert_into(customers::table)
        .values(&new)
        .on_conflict(customers::id)
        .do_update()
        .set(&new)
        .execute(c);
    diesel::insert_into(customers::table)
        .values(&new)
        .on_conflict(customers::id)
        .filter_target(customers::name.eq("x"))
        .do_nothing()
        .execute(c);
    diesel::insert_into(orders::table)
        .values((
            orders::id.eq(1),
            orders::tenant_id.eq(tenant),
            orders::status.eq("x"),
            orders::customer_id.eq(1),
            orders::total.eq(Some(3)),
        ))
        .on_conflict(on_constraint("orders_tenant_id_status_key"))
        .do_update()
        .set(orders::total.eq(orders::total + excluded(orders::total)))
        .returning(Order::as_returning())
        .get_result(c);
    diesel::update(customers::table.filter(customers::tenant_id.eq(tenant))).set(&new).execute(c);
    diesel::update(customers::table.find(1))
        .set((customers::name.eq("x"), customers::parent_id.eq(None::<i64>)))
        .execute(c);
    diesel::update(orders::table)
        .filter(orders::tenant_id.eq(tenant))
        .filter(orders::id.eq_any(lines::table.select(lines::order_id)))
        .set(orders::total.eq(orders::id.nullable()))
        .execute(c);
    diesel::update(orders::table.filter(orders::id.eq(1)).filter(orders::tenant_id.eq(tenant)))
        .set(orders::status.eq(lower(orders::status)))
        .returning((orders::id, orders::status))
        .get_result(c);
    diesel::delete(customers::table.find(1)).execute(c);
    diesel::delete(customers::table.find(1).filter(customers::tenant_id.eq(tenant)))
        .returning(customers::all_columns)
        .get_result(c);
    diesel::delete(orders::table.filter(not(exists(lines::table.filter(lines::order_id.eq(orders::id))))))
        .execute(c);
    diesel::delete(orders::table)
        .filter(orders::tenant_id.eq(tenant))
        .or_filter(orders::status.eq("x"))
        .execute(c);
    diesel::insert_into(customers::table)
        .values(orders::table.inner_join(customers::table).filter(orders::tenant_id.eq(tenant)).select((
            orders::id,
            orders::tenant_id,
            customers::name,
        )))
        .into_columns((customers::id, customers::tenant_id, customers::name))
        .on_conflict_do_nothing()
        .execute(c);
}

/// A query with its number of rows.
pub struct Counted<T> {
    query: T,
    limit: i64,
}

impl<T> Counted<T> {
    fn up_to(self, limit: i64) -> Self {
        Counted { limit, ..self }
    }
}

/// Makes one of any query.
pub trait Count: Sized {
    fn counted(self) -> Counted<Self>;
}

impl<T> Count for T {
    fn counted(self) -> Counted<Self> {
        Counted { query: self, limit: 10 }
    }
}

impl<T: QueryFragment<Pg>> QueryFragment<Pg> for Counted<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> diesel::QueryResult<()> {
        out.push_sql("SELECT *, COUNT(*) OVER () FROM (");
        self.query.walk_ast(out.reborrow())?;
        out.push_sql(") AS t LIMIT ");
        out.push_bind_param::<diesel::sql_types::BigInt, _>(&self.limit)
    }
}

pub fn wrapped(c: &mut Conn, tenant: i64) {
    orders::table.filter(orders::tenant_id.eq(tenant)).counted().execute(c);
    orders::table.filter(orders::id.eq(1)).select(orders::status).counted().up_to(3).execute(c);
}

/// What is updated on a conflict has a filter of its own, whose method is another trait's.
pub fn upserts(c: &mut Conn, tenant: i64) {
    use diesel::query_dsl::methods::FilterDsl;
    let new = NewCustomer { id: 1, tenant_id: tenant, called: "x".to_owned(), parent_id: Some(1) };
    let upsert = diesel::insert_into(customers::table)
        .values(&new)
        .on_conflict(customers::id)
        .do_update()
        .set(customers::name.eq("y"));
    FilterDsl::filter(upsert, customers::tenant_id.eq(tenant)).execute(c);
    FilterDsl::filter(upsert, customers::tenant_id.eq(excluded(customers::tenant_id))).execute(c);
}

/// The `use` lies inside of the parameters: both sides are the column.
#[expect(unused_variables, reason = "the column hides the parameter")]
pub fn shadowed(c: &mut Conn, tenant_id: i64) {
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
        ("selections", selections),
        ("compositions", compositions),
        ("rows", rows),
        ("upserts", upserts),
        ("wrapped", wrapped),
        ("shadowed", shadowed),
    ] {
        c.begin(name);
        run(c, 7);
    }
}
