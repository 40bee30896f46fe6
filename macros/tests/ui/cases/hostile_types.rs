#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

const LIST: &str = "SELECT id FROM orders WHERE org_id = $1";

mod fake {
    pub struct TenantId<T>(pub T);
    pub type Alias = i64;
    pub mod tenantry {
        pub struct TenantId<T>(pub T);
    }
}

#[tenant_scoped]
pub fn fake_path(tenant: fake::TenantId<i64>) {
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn fake_crate(tenant: fake::tenantry::TenantId<i64>) {
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn fake_imported(id: i64) {
    use fake::TenantId;
    let tenant: TenantId<i64> = TenantId(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn fake_imported_crate(id: i64) {
    use fake::tenantry;
    let tenant: tenantry::TenantId<i64> = tenantry::TenantId(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn fake_declared(id: i64) {
    struct TenantId<T>(T);
    let tenant: TenantId<i64> = TenantId(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn fake_alias(id: i64) {
    type TenantId<T> = T;
    let tenant: TenantId<i64> = id;
    sqlx::query(LIST).bind(tenant);
}

pub trait Of {
    type TenantId;
    fn tenant(&self) -> Self::TenantId;
}

#[tenant_scoped]
pub fn associated<T: Of>(of: T, tenant: T::TenantId) {
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn associated_qself<T: Of>(tenant: <T as Of>::TenantId) {
    sqlx::query(LIST).bind(tenant);
}

pub trait Default_ {
    type TenantId;
    fn key(&self) -> i64;
    #[tenant_scoped]
    fn list(&self) {
        sqlx::query(LIST).bind(self.key());
    }
    #[tenant_scoped]
    fn list_of(&self, tenant: Self::TenantId) {
        sqlx::query(LIST).bind(tenant);
    }
}
