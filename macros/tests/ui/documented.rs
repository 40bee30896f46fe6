//! Examples in which items are marked: three that are scoped, and two that leak.
//!
//! ```
//! use tenantry::*;
//! #[tenant_scoped]
//! pub fn list(tenant: TenantId<i64>) {
//!     sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
//! }
//! ```
//!
//! ```
//! use tenantry::*;
//! #[tenant_scoped]
//! pub fn list(tenant: TenantId<i64>) {
//!     sqlx::query("SELECT id FROM orders");
//! }
//! ```
//!
//! ```
//! const LIST: &str = tenantry::tenant_sql!("SELECT id FROM orders WHERE org_id = $1");
//! #[tenantry::cross_tenant(reason = "a job")]
//! fn all() {}
//! all();
//! ```

/// ```
/// # let hidden = 1;
/// #[tenantry::tenant_scoped]
/// fn list(tenant: tenantry::TenantId<i64>) {
///     sqlx::query("SELECT id FROM orders WHERE org_id = $1").bind(tenant);
/// }
/// assert_eq!(hidden, 1);
/// ```
pub fn scoped() {}

/// ```
/// struct Orders;
/// impl Orders {
///     # #[tenantry::tenant_scoped]
///     fn list(&self) {
///         sqlx::query("SELECT id FROM orders");
///     }
/// }
/// fn main() {}
/// ```
pub fn leaks() {}
