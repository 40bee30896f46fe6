//! Queries by sqlx's functions.

use sqlx::PgPool;
use uuid::Uuid;

pub async fn of_tenant(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>, Error> {
    Ok(sqlx::query_as("select * from orders where tenant_id = $1").bind(tenant.0).fetch_all(pool).await?)
}

pub async fn without_a_where(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>, Error> {
    Ok(sqlx::query_as("select * from orders order by id").fetch_all(pool).await?)
}

pub async fn by_id(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Option<Order>, Error> {
    let order = sqlx::query_as("select * from orders where id = $1")
        .bind(id)
        .fetch_optional(pool)
        .await?;
    Ok(order)
}

pub async fn with_or(pool: &PgPool, tenant: Tenant, word: &str) -> Result<Vec<Order>, Error> {
    let orders = sqlx::query_as(
        r#"
        select * from orders o
        where o.note like $1 or o.status = $1
        order by o.id
        "#,
    )
    .bind(word)
    .fetch_all(pool)
    .await?;
    Ok(orders)
}

pub async fn joined(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<Vec<Order>, Error> {
    let orders = sqlx::query_as(
        "select o.*, u.email from orders o
         join users u on u.email = o.note
         where o.id = $1 and o.tenant_id = $2",
    )
    .bind(id)
    .bind(tenant.0)
    .fetch_all(pool)
    .await?;
    Ok(orders)
}

pub async fn written(pool: &PgPool, tenant: Tenant, id: Uuid, status: &str) -> Result<(), Error> {
    sqlx::query("update orders set status = $1 where id = $2 returning id").bind(status).bind(id).execute(pool).await?;
    sqlx::query("delete from orders where status = $1").bind("old",).execute(pool).await?;
    Ok(())
}

pub async fn lines(pool: &PgPool, tenant: Tenant, sku: &str) -> Result<(), Error> {
    sqlx::query("select * from lines where sku = $1").bind(sku).execute(pool).await?;
    Ok(())
}

pub async fn of_a_parameter(pool: &PgPool, tenant_id: Uuid, id: Uuid) -> Result<(), Error> {
    sqlx::query("select * from orders where id = $1").bind(id).execute(pool).await?;
    Ok(())
}

pub async fn by_an_expression(pool: &PgPool, ctx: &Context, id: Uuid) -> Result<(), Error> {
    sqlx::query("select * from orders where id = $1").bind(id).execute(pool).await?;
    Ok(())
}

pub async fn of_the_request(pool: &PgPool, tenant: Tenant, Json(body): Json<Body>) -> Result<(), Error> {
    sqlx::query("select * from orders where tenant_id = $1").bind(body.tenant).execute(pool).await?;
    Ok(())
}

pub async fn nothing_at_hand(pool: &PgPool, id: Uuid) -> Result<(), Error> {
    sqlx::query("select * from orders where id = $1").bind(id).execute(pool).await?;
    Ok(())
}

pub async fn may_be_missing(pool: &PgPool, tenant_id: Option<Uuid>, id: Uuid) -> Result<(), Error> {
    sqlx::query("select * from orders where id = $1").bind(id).execute(pool).await?;
    Ok(())
}

pub async fn meant_to_vanish(pool: &PgPool, tenant: Tenant, of: Option<Uuid>) -> Result<(), Error> {
    sqlx::query("select * from orders where ($1 is null or tenant_id = $1)").bind(of).execute(pool).await?;
    Ok(())
}
