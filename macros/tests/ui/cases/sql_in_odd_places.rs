#![allow(unused)]
use tenantry::*;

pub const LIST: &[&str] = &[tenant_sql!("SELECT id FROM orders WHERE org_id = $1"), tenant_sql!(r#"SELECT 1"#)];
pub const LENGTH: usize = tenant_sql!["SELECT id FROM orders WHERE org_id = $1"].len();
pub static BRACES: &str = tenant_sql! { "SELECT id FROM orders WHERE org_id = $1" };

macro_rules! pass {
    ($text:literal) => {
        tenant_sql!($text)
    };
}
pub const PASSED: &str = pass!("SELECT id FROM orders WHERE org_id = $1");
pub const PASSED_ALL: &str = pass!("SELECT id FROM orders");
pub fn length(_: [u8; tenant_sql!("SELECT id FROM orders").len()]) {}

pub fn pattern(text: &str) -> bool {
    matches!(text, tenant_sql!("SELECT id FROM orders WHERE org_id = $1"))
}
pub const ADDED: &str = concat!(tenant_sql!("SELECT id FROM orders WHERE org_id = $1"), " OR true");
pub const MADE: &str = tenant_sql!(concat!("SELECT id FROM orders ", "WHERE org_id = $1"));
pub const TWO: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = $1" " OR true");
pub const OTHER: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = $2", tenant = $1);
pub const NONE: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = $1", tenant = $9);
pub const ZERO: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = $1", tenant = $0);
pub const EITHER: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = $1 OR org_id = $2");
pub const FIXED: &str = tenant_sql!("SELECT id FROM orders WHERE org_id = 7");
pub const EMPTY: &str = tenant_sql!("");
pub const STATEMENTS: &str = tenant_sql!("SELECT id FROM orders; DELETE FROM orders WHERE org_id = $2");
pub const OUTSIDE: &str = tenant_sql!(file "/");
