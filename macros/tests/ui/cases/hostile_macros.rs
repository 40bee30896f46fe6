#![allow(unused)]
use tenantry::*;

macro_rules! query {
    ($text:literal, $value:expr) => {
        sqlx::query("SELECT id FROM orders")
    };
}

#[tenant_scoped]
pub fn own_query_macro(tenant: TenantId<i64>) {
    query!("SELECT id FROM orders WHERE org_id = $1", tenant);
}

macro_rules! tokens {
    (@ $($all:tt)*) => { tokens!($($all)*) };
    ($a:ident . $b:ident [ $($t:tt)* ]) => { $a::$b($($t)*) };
}

#[tenant_scoped]
pub fn macro_with_tokens(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    tokens!(@ sqlx . query ["SELECT id FROM orders"]);
}

#[tenant_scoped]
pub fn raw_identifier(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    sqlx::r#query("SELECT id FROM orders");
}

#[tenant_scoped]
pub mod marked {
    pub fn good(tenant: super::TenantId<i64>) {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    }
    #[cfg(any(test, not(test)))]
    pub fn always() {
        sqlx::query("SELECT id FROM orders");
    }
}

#[tenant_scoped]
pub mod marked_two {
    pub fn good(tenant: super::TenantId<i64>) {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    }
    pub mod tests {
        pub fn always() {
            sqlx::query("SELECT id FROM orders");
        }
    }
}

#[tenant_scoped]
pub mod marked_three {
    pub fn good(tenant: super::TenantId<i64>) {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    }
    #[cfg(not(test))]
    pub fn always() {
        sqlx::query("SELECT id FROM orders");
    }
}

#[tenant_scoped]
pub mod marked_four {
    use crate::keep as test;
    pub fn good(tenant: super::TenantId<i64>) {
        sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    }
    #[cfg_attr(test, cfg(test))]
    pub fn always() {
        sqlx::query("SELECT id FROM orders");
    }
}
