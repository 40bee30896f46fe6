#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

pub struct Store<'a, T>(&'a PgPool, T);

#[tenant_scoped]
impl<'a, T> Store<'a, T>
where
    T: Clone + Send,
{
    /// Documented.
    pub async fn one(&self, id: i64) -> sqlx::Result<Vec<i64>> {
        sqlx::query("SELECT id FROM orders WHERE id = $1").bind(id).fetch_all(self.0).await
    }
}
