#![allow(unused)]
use tenantry::*;

const LIST: &str = "SELECT id FROM orders WHERE org_id = $1";

#[tenant_scoped]
pub fn parameter_of_type<TenantId>(tenant: TenantId) {
    sqlx::query(LIST).bind(tenant);
}

pub struct Generic<TenantId> {
    pub tenant: TenantId,
}

impl<T> Generic<T> {
    #[tenant_scoped]
    pub fn field_of_parameter(&self) {
        sqlx::query(LIST).bind(&self.tenant);
    }
}

#[tenant_scoped]
pub fn field_of_generic(of: Generic<i64>) {
    sqlx::query(LIST).bind(of.tenant);
}

impl<TenantId> Generic<TenantId> {
    #[tenant_scoped]
    pub fn parameter_of_impl(&self, tenant: TenantId) {
        sqlx::query(LIST).bind(tenant);
    }
}

pub trait Named<TenantId> {
    fn key(&self) -> TenantId;
    #[tenant_scoped]
    fn parameter_of_trait(&self, tenant: TenantId) {
        sqlx::query(LIST).bind(tenant);
    }
}

pub mod own {
    pub struct TenantId<T>(pub T);
    pub mod tenantry {
        pub use super::TenantId;
    }
    pub mod prelude {
        pub use super::TenantId;
    }
}

pub mod by_glob {
    use super::own::prelude::*;
    use tenantry::tenant_scoped;

    #[tenant_scoped]
    pub fn own_by_glob(tenant: TenantId<i64>) {
        sqlx::query(super::LIST).bind(tenant);
    }
}

pub mod by_name {
    use super::own::tenantry::TenantId;
    use tenantry::tenant_scoped;

    #[tenant_scoped]
    pub fn own_by_name(tenant: TenantId<i64>) {
        sqlx::query(super::LIST).bind(tenant);
    }
}

pub mod by_module {
    use super::own::tenantry;
    use ::tenantry::tenant_scoped;

    #[tenant_scoped]
    pub fn own_by_module(tenant: tenantry::TenantId<i64>) {
        sqlx::query(super::LIST).bind(tenant);
    }
}

pub mod declared {
    pub mod tenantry {
        pub struct TenantId<T>(pub T);
    }
    use ::tenantry::tenant_scoped;

    #[tenant_scoped]
    pub fn own_by_declaration(tenant: self::tenantry::TenantId<i64>) {
        sqlx::query(super::LIST).bind(tenant);
    }
}

pub mod chosen {
    #[cfg(feature = "none")]
    pub use ::tenantry::TenantId;
    #[cfg(not(feature = "none"))]
    pub use super::own::TenantId;
    use ::tenantry::tenant_scoped;

    #[tenant_scoped]
    pub fn own_by_cfg(tenant: TenantId<i64>) {
        sqlx::query(super::LIST).bind(tenant);
    }
}

pub enum Key {
    TenantId(i64),
}

#[tenant_scoped]
pub fn variant(id: i64) {
    use Key::TenantId;
    let Key::TenantId(tenant) = TenantId(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn shadowed_by_else(tenant: TenantId<i64>, id: Option<i64>) {
    let Some(tenant) = id else { return };
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn shadowed_by_at(tenant: TenantId<i64>, id: i64) {
    let tenant @ _ = id;
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn shadowed_by_while(tenant: TenantId<i64>, mut ids: Vec<i64>) {
    while let Some(tenant) = ids.pop() {
        sqlx::query(LIST).bind(tenant);
    }
}

#[tenant_scoped]
pub fn shadowed_by_guard(tenant: TenantId<i64>, id: i64) {
    match id {
        tenant if tenant > 1 => {
            sqlx::query(LIST).bind(tenant);
        }
        _ => {}
    }
}

#[tenant_scoped]
pub fn shadowed_in_async_closure(tenant: TenantId<i64>, id: i64) {
    let run = async |tenant: i64| {
        sqlx::query(LIST).bind(tenant);
    };
    run(id);
}

#[tenant_scoped]
pub fn typed_closure(id: i64) {
    let run = |tenant: TenantId<i64>| {
        sqlx::query(LIST).bind(tenant);
    };
    run(TenantId::for_job(id));
}

#[tenant_scoped]
pub fn shadowed_by_macro(tenant: TenantId<i64>, id: i64) {
    macro_rules! change {
        ($name:ident) => {
            let $name = id;
        };
    }
    change!(tenant);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn assigned_by_macro(mut tenant: TenantId<i64>, id: i64) {
    macro_rules! change {
        ($name:ident) => {
            $name = TenantId::for_job(id);
        };
    }
    change!(tenant);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn assigned_by_destructuring(mut tenant: TenantId<i64>, id: i64) {
    (tenant, _) = (TenantId::for_job(id), 1);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn lent_by_pattern(mut tenant: TenantId<i64>, id: i64) {
    let ref mut at = tenant;
    *at = TenantId::for_job(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn included(tenant: TenantId<i64>) {
    sqlx::query(LIST).bind(tenant);
    include!("../included.rs");
}

#[tenant_scoped]
pub mod with_included {
    use super::*;
    pub fn good(tenant: TenantId<i64>) {
        sqlx::query(LIST).bind(tenant);
    }
    include!("../included_items.rs");
}
