#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[tenant_scoped]
pub fn pointer(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    let q = sqlx::query;
    q("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn typed_pointer(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    let q: fn(&str) -> sqlx::Query = sqlx::query;
    q("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn in_parentheses(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    (sqlx::query)("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn mapped(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    ["SELECT id FROM orders"].map(sqlx::query);
}

#[tenant_scoped]
pub fn closure(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    let q = |text| sqlx::query(text);
    q("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn closure_of_text(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    let q = |text: &str| {
        sqlx::query(text);
    };
    ["SELECT id FROM orders"].into_iter().for_each(q);
}

#[tenant_scoped]
pub fn renamed(tenant: TenantId<i64>) {
    use sqlx::query as q;
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    q("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn renamed_crate(tenant: TenantId<i64>) {
    use ::sqlx as db;
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    db::query("SELECT id FROM orders");
}

pub mod again {
    pub use sqlx::query as run;
    pub mod all {
        pub use sqlx::*;
    }
    pub extern crate sqlx as direct;
}

#[tenant_scoped]
pub fn exported_again(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    again::run("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn exported_all(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    again::all::query("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn exported_crate(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    again::direct::query("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn imported_glob(tenant: TenantId<i64>) {
    use again::all::*;
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    query("SELECT id FROM orders");
}

pub fn run(text: &str) {
    sqlx::query(text);
}
pub fn through(text: &str) {
    run(text)
}
pub struct Db;
impl Db {
    pub fn run(&self, text: &str) {
        sqlx::query(text);
    }
    pub fn go(text: &str) {
        sqlx::query(text);
    }
}
pub trait Runs {
    fn runs(&self, text: &str);
}
impl Runs for Db {
    fn runs(&self, text: &str) {
        sqlx::query(text);
    }
}

#[tenant_scoped]
pub fn helper(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    run("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn helper_renamed(tenant: TenantId<i64>) {
    use self::run as go;
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    go("SELECT id FROM orders");
}

pub use self::run as gone;

#[tenant_scoped]
pub fn helper_renamed_outside(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    gone("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn helper_of_helper(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    through("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn helper_method(db: Db, tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    db.run("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn helper_of_trait(db: &dyn Runs, tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    db.runs("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn helper_unknown(db: elsewhere::Db, tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    db.list("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn helper_elsewhere(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    crate::elsewhere::go("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn macro_with_query(tenant: TenantId<i64>) {
    macro_rules! all {
        ($text:expr) => {
            sqlx::query($text)
        };
    }
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    all!("SELECT id FROM orders");
}

macro_rules! outside {
    ($text:expr) => {
        sqlx::query($text)
    };
}

#[tenant_scoped]
pub fn macro_outside(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    outside!("SELECT id FROM orders");
}

macro_rules! call {
    ($f:path, $($argument:tt)*) => {
        $f($($argument)*)
    };
}

#[tenant_scoped]
pub fn macro_that_calls(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    call!(sqlx::query, "SELECT id FROM orders");
}

#[tenant_scoped]
pub fn qualified_bind(tenant: TenantId<i64>, id: i64) {
    sqlx::Query::bind(sqlx::query("SELECT id FROM orders WHERE org_id = $1"), id).bind(tenant);
}

#[tenant_scoped]
pub fn executor(pool: &PgPool, tenant: TenantId<i64>) {
    use sqlx::Executor;
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    pool.execute("DELETE FROM orders");
}

#[tenant_scoped]
pub fn executor_qualified(pool: &PgPool, tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    sqlx::Executor::execute(pool, "DELETE FROM orders");
}

#[tenant_scoped]
pub fn with_generics(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    sqlx::query_as::<i64, i64>("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn qself(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    <Db>::go("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn constant_function(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    const Q: fn(&str) -> sqlx::Query = sqlx::query;
    Q("SELECT id FROM orders");
}

#[tenant_scoped]
pub fn test_cfg_in_body(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
    #[cfg(not(test))]
    sqlx::query("SELECT id FROM orders");
}

pub mod elsewhere {
    pub struct Db;
    impl Db {
        pub fn list(&self, _: &str) {}
    }
    pub fn go(text: &str) {}
}
