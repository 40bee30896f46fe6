//! What the service asks of its database: one file per table.
//!
//! No query names the tenant. Each runs in a transaction of [`with_tenant`], and the policies of
//! `migrations/20260420090000_row_security.sql` leave it the tenant's rows.

use std::pin::Pin;

use sqlx::{PgPool, Postgres, Transaction};

use crate::auth::Tenant;

pub mod items;
pub mod orders;
pub mod organizations;

/// What runs on a transaction.
pub type Run<'c, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'c>>;

/// Runs statements as a tenant: the setting by which the policies know it holds to the end of the transaction.
pub async fn with_tenant<T, F>(pool: &PgPool, tenant: Tenant, run: F) -> sqlx::Result<T>
where
    F: for<'c> FnOnce(&'c mut Transaction<'static, Postgres>) -> Run<'c, T>,
{
    let mut tx = pool.begin().await?;
    sqlx::query("SELECT set_config('app.organization_id', $1::text, true)")
        .bind(tenant)
        .execute(&mut *tx)
        .await?;
    let result = run(&mut tx).await?;
    tx.commit().await?;
    Ok(result)
}
