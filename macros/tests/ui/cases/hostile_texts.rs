#![allow(unused)]
use sqlx::PgPool;
use tenantry::*;

#[cfg(not(feature = "all"))]
const CFG: &str = "SELECT id FROM orders WHERE org_id = $1";
#[cfg(feature = "all")]
const CFG: &str = "SELECT id FROM orders";

#[tenant_scoped]
pub fn cfg_const(tenant: TenantId<i64>) {
    sqlx::query(CFG).bind(tenant);
}

static mut CHANGED: &str = "SELECT id FROM orders WHERE org_id = $1";

pub fn change() {
    unsafe { CHANGED = "SELECT id FROM orders" }
}

#[tenant_scoped]
pub fn static_mut(tenant: TenantId<i64>) {
    sqlx::query(unsafe { CHANGED }).bind(tenant);
}

const SHADOWED: &str = "SELECT id FROM orders WHERE org_id = $1";

#[tenant_scoped]
pub fn const_in_block(tenant: TenantId<i64>) {
    sqlx::query(SHADOWED).bind(tenant);
    const SHADOWED: &str = "SELECT id FROM orders";
}

pub mod inner {
    pub const SQL: &str = "SELECT id FROM orders";
    pub const OUTER: &str = "SELECT id FROM orders WHERE org_id = $1";
}
pub const SQL: &str = "SELECT id FROM orders WHERE org_id = $1";

#[tenant_scoped]
pub fn const_imported_here(tenant: TenantId<i64>) {
    use inner::SQL;
    sqlx::query(SQL).bind(tenant);
}

#[tenant_scoped]
pub fn const_renamed(tenant: TenantId<i64>) {
    use inner::SQL as OUTER;
    sqlx::query(OUTER).bind(tenant);
}

pub trait Text {
    const TEXT: &'static str = "SELECT id FROM orders WHERE org_id = $1";
    fn text(&self) -> &'static str {
        "SELECT id FROM orders WHERE org_id = $1"
    }
    fn tenant(&self) -> TenantId<i64>;
    #[tenant_scoped]
    fn of_self(&self, tenant: TenantId<i64>) {
        sqlx::query(Self::TEXT).bind(tenant);
    }
    #[tenant_scoped]
    fn by_method(&self, tenant: TenantId<i64>) {
        sqlx::query(self.text()).bind(tenant);
    }
}
pub struct A;
impl Text for A {
    const TEXT: &'static str = "SELECT id FROM orders";
    fn text(&self) -> &'static str {
        "SELECT id FROM orders"
    }
    fn tenant(&self) -> TenantId<i64> {
        TenantId::for_job(7)
    }
}

#[tenant_scoped]
pub fn of_generic<T: Text>(tenant: TenantId<i64>) {
    sqlx::query(T::TEXT).bind(tenant);
}

#[tenant_scoped]
pub fn of_path(tenant: TenantId<i64>) {
    sqlx::query(<A as Text>::TEXT).bind(tenant);
}

#[tenant_scoped]
pub fn sql_sliced(tenant: TenantId<i64>) {
    sqlx::query(&tenant_sql!("SELECT id FROM orders WHERE org_id = $1")[..21]).bind(tenant);
}

#[tenant_scoped]
pub fn sql_split(tenant: TenantId<i64>) {
    sqlx::query(tenant_sql!("SELECT id FROM orders WHERE org_id = $1").split(" WHERE").next().unwrap())
        .bind(tenant);
}

#[tenant_scoped]
pub fn sql_trimmed(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1".trim_end_matches(" WHERE org_id = $1"))
        .bind(tenant);
}

#[tenant_scoped]
pub fn sql_replaced(tenant: TenantId<i64>) {
    sqlx::query(&"SELECT id FROM orders WHERE org_id = $1".replace("org_id = $1", "true")).bind(tenant);
}

#[tenant_scoped]
pub fn own_sql_macro(tenant: TenantId<i64>) {
    macro_rules! tenant_sql {
        ($text:literal) => {
            "SELECT id FROM orders"
        };
    }
    sqlx::query(tenant_sql!("SELECT id FROM orders WHERE org_id = $1")).bind(tenant);
}

mod macros {
    macro_rules! concat {
        ($($text:tt)*) => {
            "SELECT id FROM orders"
        };
    }
    macro_rules! format {
        ($($text:tt)*) => {
            "SELECT id FROM orders".to_owned()
        };
    }
    pub(crate) use concat;
    pub(crate) use format;
}

#[tenant_scoped]
pub fn own_concat(tenant: TenantId<i64>) {
    use macros::concat;
    sqlx::query(concat!("SELECT id FROM orders WHERE org_id = $1")).bind(tenant);
}

#[tenant_scoped]
pub fn own_format(tenant: TenantId<i64>) {
    use macros::format;
    sqlx::query(&format!("SELECT id FROM orders WHERE org_id = $1")).bind(tenant);
}

#[tenant_scoped]
pub fn own_format_by_path(tenant: TenantId<i64>) {
    sqlx::query(&macros::format!("SELECT id FROM orders WHERE org_id = $1")).bind(tenant);
}

#[tenant_scoped]
pub fn text_of_macro(tenant: TenantId<i64>) {
    macro_rules! all {
        () => {
            "SELECT id FROM orders"
        };
    }
    sqlx::query(all!()).bind(tenant);
}

#[tenant_scoped]
pub fn by_cfg_macro(tenant: TenantId<i64>) {
    let sql = if cfg!(feature = "all") {
        "SELECT id FROM orders"
    } else {
        "SELECT id FROM orders WHERE org_id = $1"
    };
    sqlx::query(sql).bind(tenant);
}

#[tenant_scoped]
pub fn changed_in_place(tenant: TenantId<i64>) {
    let mut sql = String::from("SELECT id FROM orders WHERE org_id = $1");
    sql.truncate(21);
    sqlx::query(&sql).bind(tenant);
}

#[tenant_scoped]
pub fn changed_by_range(tenant: TenantId<i64>) {
    let mut sql = String::from("SELECT id FROM orders WHERE org_id = $1");
    sql.replace_range(21.., "");
    sqlx::query(&sql).bind(tenant);
}

#[tenant_scoped]
pub fn swapped(tenant: TenantId<i64>) {
    let mut sql = "SELECT id FROM orders WHERE org_id = $1";
    let mut all = "SELECT id FROM orders";
    std::mem::swap(&mut sql, &mut all);
    sqlx::query(sql).bind(tenant);
}

#[tenant_scoped]
pub fn assigned_through(tenant: TenantId<i64>) {
    let mut sql = "SELECT id FROM orders WHERE org_id = $1";
    let at = &mut sql;
    *at = "SELECT id FROM orders";
    sqlx::query(sql).bind(tenant);
}

#[tenant_scoped]
pub fn changed_in_closure(tenant: TenantId<i64>) {
    let mut sql = "SELECT id FROM orders WHERE org_id = $1";
    let mut change = || sql = "SELECT id FROM orders";
    change();
    sqlx::query(sql).bind(tenant);
}

#[tenant_scoped]
pub fn text_of_closure(tenant: TenantId<i64>) {
    let sql = || "SELECT id FROM orders";
    sqlx::query(sql()).bind(tenant);
}

const fn text() -> &'static str {
    "SELECT id FROM orders"
}

#[tenant_scoped]
pub fn text_of_const_fn(tenant: TenantId<i64>) {
    sqlx::query(text()).bind(tenant);
}

const CHOSEN: &str = if true { "SELECT id FROM orders" } else { "SELECT id FROM orders WHERE org_id = $1" };

#[tenant_scoped]
pub fn const_chosen(tenant: TenantId<i64>) {
    sqlx::query(CHOSEN).bind(tenant);
}

const BLOCK: &str = {
    const SQL: &str = "SELECT id FROM orders";
    SQL
};

#[tenant_scoped]
pub fn const_of_block(tenant: TenantId<i64>) {
    sqlx::query(BLOCK).bind(tenant);
}

#[tenant_scoped]
pub fn bytes(tenant: TenantId<i64>) {
    sqlx::query(std::str::from_utf8(b"SELECT id FROM orders").unwrap()).bind(tenant);
}

#[tenant_scoped]
pub fn broken_loop(tenant: TenantId<i64>) {
    let sql = loop {
        if true {
            break "SELECT id FROM orders";
        }
        break "SELECT id FROM orders WHERE org_id = $1";
    };
    sqlx::query(sql).bind(tenant);
}

#[tenant_scoped]
pub fn labelled(tenant: TenantId<i64>) {
    let sql = 'a: {
        if true {
            break 'a "SELECT id FROM orders";
        }
        "SELECT id FROM orders WHERE org_id = $1"
    };
    sqlx::query(sql).bind(tenant);
}

#[tenant_scoped]
pub fn of_parts(tenant: TenantId<i64>) {
    let [sql, _] = ["SELECT id FROM orders", "SELECT id FROM orders WHERE org_id = $1"];
    sqlx::query(sql).bind(tenant);
}

#[tenant_scoped]
pub fn two_statements(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE org_id = $1; DELETE FROM orders").bind(tenant);
}

#[tenant_scoped]
pub fn statement_cfg(tenant: TenantId<i64>) {
    let sql = "SELECT id FROM orders WHERE org_id = $1";
    #[cfg(not(feature = "none"))]
    let sql = "SELECT id FROM orders";
    sqlx::query(sql).bind(tenant);
}

#[tenant_scoped]
pub fn comment(tenant: TenantId<i64>) {
    sqlx::query("SELECT id FROM orders WHERE true -- AND org_id = $1").bind(tenant);
}
