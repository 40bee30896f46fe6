//! As much of sqlx as the cases name.
pub struct PgPool;
pub struct Query;
pub trait Executor {
    fn execute(self, query: &str);
}
impl Executor for &PgPool {
    fn execute(self, _query: &str) {}
}
pub type Result<T> = std::result::Result<T, ()>;
pub fn query(_sql: &str) -> Query {
    Query
}
pub fn query_as<A, B>(_sql: &str) -> Query {
    Query
}
impl Query {
    pub fn bind<T>(self, _value: T) -> Query {
        self
    }
    pub async fn fetch_all(self, _pool: &PgPool) -> Result<Vec<i64>> {
        Ok(Vec::new())
    }
    pub async fn execute(self, _pool: &PgPool) -> Result<()> {
        Ok(())
    }
}
#[macro_export]
macro_rules! query {
    ($sql:literal $(, $value:expr)* $(,)?) => { { $(let _ = &$value;)* $crate::query($sql) } };
}
