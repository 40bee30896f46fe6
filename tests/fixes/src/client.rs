//! A client of tokio-postgres.

use tokio_postgres::{Client, Error, Row, Transaction};
use uuid::Uuid;

use crate::model::{Context, Tenant};

pub async fn of_tenant(client: &Client, tenant: Tenant) -> Result<Vec<Row>, Error> {
    client.query("SELECT * FROM orders WHERE tenant_id = $1", &[&tenant.0]).await
}

pub async fn by_id(client: &Client, tenant: Tenant, id: Uuid) -> Result<Row, Error> {
    client.query_one("SELECT * FROM orders WHERE id = $1", &[&id]).await
}

pub async fn maybe(client: &Client, tenant: Tenant, id: &Uuid) -> Result<Option<Row>, Error> {
    client.query_opt("SELECT * FROM orders WHERE id = $1 OR note = 'all'", &[id]).await
}

pub async fn all(client: &Client, tenant: Tenant) -> Result<Vec<Row>, Error> {
    client.query("SELECT * FROM orders", &[]).await
}

pub async fn on_lines(client: &Client, tenant: Tenant, status: &str, id: Uuid) -> Result<u64, Error> {
    client
        .execute(
            "UPDATE orders SET status = $1 WHERE id = $2",
            &[
                &status,
                &id,
            ],
        )
        .await
}

pub async fn in_a_transaction(transaction: &Transaction<'_>, tenant: Tenant, id: Uuid) -> Result<(), Error> {
    transaction.execute("DELETE FROM orders WHERE id = $1", &[&id]).await?;
    Ok(())
}

pub async fn of_a_parameter(client: &Client, tenant_id: Uuid, id: Uuid) -> Result<u64, Error> {
    client.execute("DELETE FROM users WHERE id = $1", &[&id]).await
}

pub async fn by_an_expression(client: &Client, ctx: &Context, email: &str) -> Result<Vec<Row>, Error> {
    client.query("SELECT id FROM users WHERE email = $1", &[&email]).await
}
