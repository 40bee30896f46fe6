//! The tenant as a type, and the attributes that prove at compile time that every query stays inside it.
//!
//! A service takes its tenant as a [`TenantId`], which only authentication makes, and marks what runs queries with
//! `#[tenant_scoped]`. `cargo tenantry check` takes values of these types for the authenticated tenant without a word in
//! `tenantry.toml`.
//!
//! **Invariant:** a [`TenantId`] is never decoded: no `Deserialize`, no `FromStr`, no `Decode`, no `Default`, no `From`.
//! **Invariant:** nothing here has a cost when the program runs.
//!
//! What a request says cannot become a tenant by being parsed:
//!
//! ```compile_fail,E0277
//! fn parsed<T: std::str::FromStr>() {}
//! parsed::<tenantry::TenantId<i64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn made<T: From<i64>>() {}
//! made::<tenantry::TenantId<i64>>();
//! ```
//!
//! ```compile_fail,E0277
//! fn made<T: Default>() {}
//! made::<tenantry::TenantId<i64>>();
//! ```
//!
//! ```compile_fail,E0423
//! let forged = tenantry::TenantId(7);
//! ```
#![cfg_attr(
    feature = "serde",
    doc = "```compile_fail,E0277\nfn read<T: serde::de::DeserializeOwned>() {}\nread::<tenantry::TenantId<i64>>();\n```"
)]
#![cfg_attr(
    feature = "sqlx",
    doc = "```compile_fail,E0277\nfn read<DB: sqlx_core::database::Database, T: for<'r> sqlx_core::decode::Decode<'r, DB>>() {}\nfn of<DB: sqlx_core::database::Database>() { read::<DB, tenantry::TenantId<i64>>(); }\n```"
)]
#![cfg_attr(
    feature = "diesel",
    doc = "```compile_fail,E0277\nfn read<T: diesel::deserialize::FromSql<diesel::sql_types::BigInt, DB>, DB: diesel::backend::Backend>() {}\nfn of<DB: diesel::backend::Backend>() { read::<tenantry::TenantId<i64>, DB>(); }\n```"
)]
#![cfg_attr(
    feature = "sea-orm",
    doc = "```compile_fail,E0277\nfn read<T: sea_query::ValueType>() {}\nread::<tenantry::TenantId<i64>>();\n```"
)]
#![cfg_attr(
    feature = "tokio-postgres",
    doc = "```compile_fail,E0277\nfn read<T: for<'r> postgres_types::FromSql<'r>>() {}\nread::<tenantry::TenantId<i64>>();\n```"
)]
#![forbid(unsafe_code)]
#![no_std]

extern crate alloc;

mod id;
mod scope;
mod write;

pub use id::TenantId;
#[cfg(feature = "axum")]
pub use scope::Authenticate;
pub use scope::TenantScope;
#[cfg(feature = "actix")]
pub use scope::Unauthenticated;
#[cfg(feature = "macros")]
pub use tenantry_macros::{cross_tenant, integration, tenant_scoped, tenant_sql};
