#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

const LIST: &str = "SELECT id FROM orders WHERE org_id = $1";

#[tenant_scoped]
pub fn reassigned(mut tenant: TenantId<i64>, id: i64) {
    tenant = TenantId::from_authenticated(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn shadowed(tenant: TenantId<i64>, id: i64) {
    let tenant = id;
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn shadowed_by_pattern(tenant: TenantId<i64>, id: i64) {
    let (tenant, _) = (id, tenant);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn shadowed_by_closure(tenant: TenantId<i64>, id: i64) {
    let run = |tenant: i64| {
        sqlx::query(LIST).bind(tenant);
    };
    run(id);
}

#[tenant_scoped]
pub fn shadowed_by_match(tenant: TenantId<i64>, id: Option<i64>) {
    match id {
        Some(tenant) => {
            sqlx::query(LIST).bind(tenant);
        }
        None => {}
    }
}

#[tenant_scoped]
pub fn shadowed_in_loop(tenant: TenantId<i64>, ids: Vec<i64>) {
    for tenant in ids {
        sqlx::query(LIST).bind(tenant);
    }
}

#[tenant_scoped]
pub fn shadowed_let_chain(tenant: TenantId<i64>, id: Option<i64>) {
    if let Some(tenant) = id
        && tenant > 1
    {
        sqlx::query(LIST).bind(tenant);
    }
}

#[tenant_scoped]
pub fn shadowed_by_constant(tenant: TenantId<i64>) {
    #[allow(non_upper_case_globals)]
    const tenant_id: i64 = 7;
    sqlx::query(LIST).bind(tenant_id);
}

#[tenant_scoped]
pub fn transmuted(id: i64) {
    let tenant: TenantId<i64> = unsafe { std::mem::transmute(id) };
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn transmuted_generic(id: i64) {
    sqlx::query(LIST).bind(unsafe { std::mem::transmute::<i64, TenantId<i64>>(id) });
}

#[tenant_scoped]
pub fn read_through_pointer(id: i64) {
    let tenant: TenantId<i64> = unsafe { std::ptr::read(&id as *const i64 as *const TenantId<i64>) };
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn cast_pointer(id: &i64) {
    let tenant: &TenantId<i64> = unsafe { &*(id as *const i64 as *const TenantId<i64>) };
    sqlx::query(LIST).bind(*tenant);
}

#[tenant_scoped]
pub fn zeroed() {
    let tenant: TenantId<i64> = unsafe { std::mem::zeroed() };
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn made_here(id: i64) {
    let tenant = TenantId::from_authenticated(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn made_typed(id: i64) {
    let tenant: TenantId<i64> = TenantId::from_authenticated(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn made_for_job(id: i64) {
    let tenant: TenantId<i64> = TenantId::for_job(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn made_by_pointer(id: i64) {
    let make = TenantId::from_authenticated;
    let tenant: TenantId<i64> = make(id);
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn made_by_map(id: Option<i64>) {
    let tenant: Option<TenantId<i64>> = id.map(TenantId::from_authenticated);
    sqlx::query(LIST).bind(tenant.unwrap());
}

#[tenant_scoped]
pub fn made_in_pattern(id: Option<i64>) {
    if let Some(tenant) = id.map(TenantId::<i64>::for_job) {
        sqlx::query(LIST).bind(tenant);
    }
}

#[tenant_scoped]
pub fn made_by_closure(id: i64) {
    let forge = |id| -> TenantId<i64> { TenantId::from_authenticated(id) };
    sqlx::query(LIST).bind(forge(id));
}

#[tenant_scoped]
pub fn made_renamed(id: i64) {
    use tenantry::TenantId as Key;
    let tenant: Key<i64> = Key::from_authenticated(id);
    sqlx::query(LIST).bind(tenant);
}

pub struct Row {
    pub tenant: TenantId<i64>,
}

#[tenant_scoped]
pub fn made_in_struct(id: i64) {
    let row = Row { tenant: TenantId::from_authenticated(id) };
    sqlx::query(LIST).bind(row.tenant);
}

#[tenant_scoped]
pub fn replaced(mut tenant: TenantId<i64>, other: TenantId<i64>, id: i64) {
    std::mem::replace(&mut tenant, TenantId::for_job(id));
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn in_cell(tenant: &std::cell::Cell<TenantId<i64>>, id: i64) {
    tenant.set(TenantId::for_job(id));
    sqlx::query(LIST).bind(tenant.get());
}

#[tenant_scoped]
pub fn lent(mut tenant: TenantId<i64>, id: i64) {
    set(&mut tenant, id);
    sqlx::query(LIST).bind(tenant);
}
fn set(tenant: &mut TenantId<i64>, id: i64) {
    *tenant = TenantId::for_job(id);
}

#[tenant_scoped]
pub fn optional(tenant: Option<TenantId<i64>>, id: i64) {
    sqlx::query(LIST).bind(tenant.unwrap_or(TenantId::for_job(id)));
}

#[tenant_scoped]
pub fn optional_map(tenant: Option<TenantId<i64>>, id: i64) {
    sqlx::query(LIST).bind(tenant.map(|_| id));
}

#[tenant_scoped]
pub fn optional_or(tenant: Option<TenantId<i64>>, id: i64) {
    sqlx::query(LIST).bind(Some(TenantId::for_job(id)).or(tenant));
}

#[tenant_scoped]
pub fn of_tuple(tenant: TenantId<i64>, id: i64) {
    sqlx::query(LIST).bind((tenant, id).1);
}

#[tenant_scoped]
pub fn of_array(tenant: TenantId<i64>, id: i64) {
    sqlx::query(LIST).bind([tenant.into_inner(), id][1]);
}

#[tenant_scoped]
pub fn of_block(tenant: TenantId<i64>, id: i64) {
    sqlx::query(LIST).bind({
        let _ = tenant;
        id
    });
}

#[tenant_scoped]
pub fn computed(tenant: TenantId<i64>) {
    sqlx::query(LIST).bind(tenant.get() + 1);
}

#[tenant_scoped]
pub fn truncated(tenant: TenantId<i64>) {
    sqlx::query(LIST).bind(i64::from(tenant.into_inner() as u8));
}

#[tenant_scoped]
pub fn null_allowed(tenant: Option<TenantId<i64>>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1 OR $1 IS NULL").bind(tenant);
}

#[tenant_scoped]
pub fn order_of_binds(tenant: TenantId<i64>, id: i64) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1 AND id = $2").bind(id).bind(tenant);
}

#[tenant_scoped]
pub fn bound_before(tenant: TenantId<i64>, id: i64) {
    let query = sqlx::query(LIST);
    let query = query.bind(id);
    query.bind(tenant);
}

#[tenant_scoped]
pub fn cfg_bind(tenant: TenantId<i64>, id: i64) {
    let query = sqlx::query(LIST);
    #[cfg(not(feature = "none"))]
    let query = query.bind(id);
    query.bind(tenant);
}

#[tenant_scoped]
pub fn cfg_tenant(tenant: TenantId<i64>, id: i64) {
    #[cfg(not(feature = "none"))]
    let tenant = id;
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn cfg_parameter(
    #[cfg(feature = "none")] tenant: TenantId<i64>,
    #[cfg(not(feature = "none"))] tenant: i64,
) {
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn generic<T>(tenant: T) {
    sqlx::query(LIST).bind(tenant);
}

#[tenant_scoped]
pub fn const_generic<const TENANT: i64>() {
    sqlx::query(LIST).bind(TENANT);
}

#[tenant_scoped]
pub fn generic_bound<T: Into<TenantId<i64>>>(tenant: T) {
    sqlx::query(LIST).bind(tenant.into());
}

#[tenant_scoped]
pub fn as_ref(tenant: impl AsRef<i64>) {
    sqlx::query(LIST).bind(*tenant.as_ref());
}

#[tenant_scoped]
pub fn vector(tenants: Vec<TenantId<i64>>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = ANY($1)").bind(tenants);
}

#[tenant_scoped]
pub fn in_scope(scope: TenantScope<i64>, id: i64) {
    let scope = TenantScope::new(TenantId::for_job(id), "", "");
    sqlx::query(LIST).bind(scope.tenant());
}

#[tenant_scoped]
pub fn scope_actor(scope: TenantScope<i64>) {
    sqlx::query(LIST).bind(scope.actor());
}

#[tenant_scoped]
pub fn two_tenants(tenant: TenantId<i64>, others: Vec<TenantId<i64>>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1 OR org_id = $2").bind(tenant).bind(7);
}

#[tenant_scoped]
pub fn union(id: i64) {
    union U {
        id: i64,
        tenant: TenantId<i64>,
    }
    let u = U { id };
    sqlx::query(LIST).bind(unsafe { u.tenant });
}
