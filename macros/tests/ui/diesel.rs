//! As much of Diesel as the cases name.
#[macro_export]
macro_rules! table {
    ($(#[$of:meta])* $name:ident ($key:ident) { $($(#[$as:meta])* $column:ident -> $ty:ident,)* }) => {
        #[allow(non_camel_case_types)]
        pub mod $name {
            #[derive(Clone, Copy)]
            pub struct table;
            $(#[derive(Clone, Copy)] pub struct $column;)*
            pub mod dsl {
                $(pub use super::$column;)*
                pub use super::table as $name;
            }
        }
    };
}
pub struct PgConnection;
impl PgConnection {
    pub fn transaction<R>(&mut self, run: impl FnOnce(&mut PgConnection) -> R) -> R {
        run(self)
    }
    pub fn batch_execute(&mut self, _text: &str) {}
}
pub struct Query;
pub trait Table {}
pub trait QueryDsl: Sized {
    fn filter<T>(self, _condition: T) -> Query {
        Query
    }
    fn or_filter<T>(self, _condition: T) -> Query {
        Query
    }
    fn find<T>(self, _key: T) -> Query {
        Query
    }
    fn select<T>(self, _columns: T) -> Query {
        Query
    }
    fn union<T>(self, _other: T) -> Query {
        Query
    }
    fn limit(self, _rows: i64) -> Query {
        Query
    }
    fn distinct(self) -> Query {
        Query
    }
    fn count(self) -> Query {
        Query
    }
    fn left_join<T>(self, _other: T) -> Query {
        Query
    }
    fn into_boxed(self) -> Query {
        Query
    }
}
impl<T> QueryDsl for T {}
pub trait ExpressionMethods: Sized {
    fn eq<T>(self, _value: T) -> Query {
        Query
    }
    fn gt<T>(self, _value: T) -> Query {
        Query
    }
    fn or<T>(self, _other: T) -> Query {
        Query
    }
    fn ne<T>(self, _value: T) -> Query {
        Query
    }
    fn eq_any<T>(self, _values: T) -> Query {
        Query
    }
}
impl<T> ExpressionMethods for T {}
pub trait RunQueryDsl: Sized {
    fn load<T>(self, _connection: &mut PgConnection) -> Vec<T> {
        Vec::new()
    }
    fn first<T>(self, _connection: &mut PgConnection) -> Option<T> {
        None
    }
    fn get_result<T>(self, _connection: &mut PgConnection) -> Option<T> {
        None
    }
    fn execute(self, _connection: &mut PgConnection) {}
}
impl<T> RunQueryDsl for T {}
pub struct Insert;
impl Insert {
    pub fn values<T>(self, _values: T) -> Query {
        Query
    }
}
pub struct Update;
impl Update {
    pub fn set<T>(self, _values: T) -> Query {
        Query
    }
}
pub fn insert_into<T>(_table: T) -> Insert {
    Insert
}
pub fn update<T>(_rows: T) -> Update {
    Update
}
pub fn delete<T>(_rows: T) -> Query {
    Query
}
impl Query {
    pub fn on_conflict<T>(self, _target: T) -> Query {
        Query
    }
    pub fn do_update(self) -> Update {
        Update
    }
}
pub fn select<T>(_expression: T) -> Query {
    Query
}
pub fn sql_query(_text: &str) -> Query {
    Query
}
pub mod dsl {
    pub fn exists<T>(_query: T) -> crate::Query {
        crate::Query
    }
    pub fn not<T>(_condition: T) -> crate::Query {
        crate::Query
    }
    pub fn sql<T>(_text: &str) -> crate::Query {
        crate::Query
    }
}
pub mod prelude {
    pub use crate::{ExpressionMethods, PgConnection, QueryDsl, RunQueryDsl, Table};
}
