//! Queries by sqlx's macros.

use sqlx::{PgPool, query, query_as};
use uuid::Uuid;

pub async fn of_tenant(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>, Error> {
    Ok(query_as!(Order, "select * from orders where tenant_id = $1", tenant.0).fetch_all(pool).await?)
}

pub async fn without_arguments(pool: &PgPool, tenant: Tenant) -> Result<Vec<Order>, Error> {
    Ok(query_as!(Order, "select * from orders where status = 'open'").fetch_all(pool).await?)
}

pub async fn with_arguments(pool: &PgPool, tenant: Tenant, id: Uuid, status: Status) -> Result<(), Error> {
    query!(
        r#"update orders set status = $2 where id = $1"#,
        id,
        status as _,
    )
    .execute(pool)
    .await?;
    Ok(())
}

pub async fn two_tables(pool: &PgPool, tenant: Tenant, id: Uuid) -> Result<(), Error> {
    query!("select o.id, u.email from orders o, users u where o.id = $1 and u.id = $1", id).fetch_all(pool).await?;
    Ok(())
}
