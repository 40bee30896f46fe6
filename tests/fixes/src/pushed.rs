//! Queries that are pushed together.

use sqlx::{PgPool, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::model::{Context, Order, Tenant};

type Result<T> = std::result::Result<T, sqlx::Error>;

pub async fn all(pool: &PgPool, tenant: Tenant, status: Option<&str>) -> Result<Vec<Order>> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM orders WHERE note IS NOT NULL");
    if let Some(status) = status {
        query.push(" AND status = ").push_bind(status.to_owned());
    }
    query.push(" ORDER BY id");
    query.build_query_as().fetch_all(pool).await
}

pub async fn without_condition(pool: &PgPool, tenant: Tenant, limit: i64) -> Result<Vec<Order>> {
    let mut query: QueryBuilder<Postgres> = QueryBuilder::new("SELECT * FROM orders o");
    query.push(" ORDER BY o.id LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(pool).await
}

pub async fn blank_at_its_end(pool: &PgPool, ctx: &Context, ids: Vec<Uuid>) -> Result<Vec<Order>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "SELECT * FROM orders
         WHERE total > 0 ",
    );
    if !ids.is_empty() {
        query.push("AND id = ANY(").push_bind(ids).push(") ");
    }
    query.push("ORDER BY id");
    query.build_query_as().fetch_all(pool).await
}

pub async fn joined(pool: &PgPool, tenant: Tenant, email: &str) -> Result<Vec<Order>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "SELECT o.* FROM orders o JOIN users u ON u.id = o.user_id WHERE o.total > 0",
    );
    query.push(" AND u.email = ").push_bind(email.to_owned());
    query.build_query_as().fetch_all(pool).await
}

pub async fn removed(pool: &PgPool, tenant: Tenant, ids: &[Uuid]) -> Result<()> {
    let mut query = QueryBuilder::<Postgres>::new("DELETE FROM orders WHERE status = 'draft'");
    for id in ids {
        query.push(" AND id <> ").push_bind(*id);
    }
    query.build().execute(pool).await?;
    Ok(())
}

// The condition would belong to one side of the `OR` only.
pub async fn either(pool: &PgPool, tenant: Tenant, word: &str) -> Result<Vec<Order>> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM orders WHERE status = 'open'");
    query.push(" OR note = ").push_bind(word.to_owned());
    query.build_query_as().fetch_all(pool).await
}

// What follows is the condition itself.
pub async fn asks_for_more(pool: &PgPool, tenant: Tenant, word: &str) -> Result<Vec<Order>> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT * FROM orders WHERE note = ");
    query.push_bind(word.to_owned());
    query.build_query_as().fetch_all(pool).await
}
