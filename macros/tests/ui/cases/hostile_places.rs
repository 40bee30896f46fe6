#![allow(unused)]
use tenantry::*;

const LIST: &str = "SELECT id FROM orders WHERE org_id = $1";
const ALL: &str = "SELECT id FROM orders";

pub struct S {
    pub tenant: TenantId<i64>,
}

impl S {
    #[tenant_scoped]
    pub fn nested(&self) {
        sqlx::query(LIST).bind(self.tenant);
        fn inner() {
            sqlx::query("SELECT id FROM orders");
        }
        inner();
    }

    #[tenant_scoped]
    pub fn nested_impl(&self) {
        sqlx::query(LIST).bind(self.tenant);
        struct T;
        impl T {
            fn all(&self) {
                sqlx::query("SELECT id FROM orders");
            }
        }
        T.all();
    }

    #[tenant_scoped]
    pub fn nested_trait(&self) {
        sqlx::query(LIST).bind(self.tenant);
        trait T {
            fn all(&self) {
                sqlx::query(ALL);
            }
        }
        impl T for S {}
        T::all(self);
    }

    #[tenant_scoped]
    pub fn nested_const(&self) {
        sqlx::query(LIST).bind(self.tenant);
        const F: fn() = || {
            sqlx::query("SELECT id FROM orders");
        };
        F();
    }

    #[tenant_scoped]
    pub fn nested_static(&self) {
        sqlx::query(LIST).bind(self.tenant);
        static F: std::sync::LazyLock<()> = std::sync::LazyLock::new(|| {
            sqlx::query("SELECT id FROM orders");
        });
        &*F;
    }

    #[tenant_scoped]
    pub fn in_array_length(&self) {
        sqlx::query(LIST).bind(self.tenant);
        let _ = [0; {
            sqlx::query;
            1
        }];
    }

    #[tenant_scoped]
    pub fn in_macro_of_std(&self) {
        sqlx::query(LIST).bind(self.tenant);
        assert!(matches!(sqlx::query("SELECT id FROM orders"), _));
    }

    #[tenant_scoped]
    pub fn in_thread_local(&self) {
        sqlx::query(LIST).bind(self.tenant);
        std::thread_local! { static A: sqlx::Query = sqlx::query("SELECT id FROM orders") }
    }
}

#[cfg_attr(all(), tenant_scoped)]
pub fn double(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders");
}

#[tenant_scoped]
#[cfg_attr(any(), cross_tenant(reason = "never"))]
pub fn excepted_never(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders");
}

#[tenant_scoped]
#[cfg_attr(any(), tenant_scoped(defer))]
pub fn deferred_never(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders");
}

#[tenant_scoped]
#[cross_tenant(reason = "both")]
pub fn both(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders");
}

#[tenant_scoped]
// tenantry: allow(unscoped-query) reason="because"
pub fn allowed(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders");
}

#[tenant_scoped()]
pub fn empty_arguments(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders");
}

#[tenant_scoped {}]
pub fn braces(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders");
}
