//! Queries by a client of tokio-postgres.

use tokio_postgres::Client;
use uuid::Uuid;

pub async fn of_tenant(client: &Client, tenant: Tenant) -> Result<(), Error> {
    client.query("select * from orders where tenant_id = $1", &[&tenant.0]).await?;
    Ok(())
}

pub async fn by_id(client: &Client, tenant: Tenant, id: Uuid) -> Result<(), Error> {
    client.query_one("select * from orders where id = $1", &[&id]).await?;
    Ok(())
}

pub async fn all(client: &Client, tenant: Tenant) -> Result<(), Error> {
    client.query("select * from orders", &[]).await?;
    Ok(())
}
