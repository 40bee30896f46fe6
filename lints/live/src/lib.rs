//! The schema of a live PostgreSQL as statements, and what two schemas differ in.
//!
//! The catalog of a database is made into the statements that would make it ([`read`]), which the reader of migrations then
//! reads like any other file: no second reader exists that could disagree with it.
//!
//! **Invariant:** a database is read in one transaction that is read only; nothing is locked that writers wait for.
//! **Invariant:** no password is in what is returned, errors included.
#![forbid(unsafe_code)]

#[cfg(feature = "client")]
mod catalog;
#[cfg(feature = "client")]
mod client;
pub mod differences;

#[cfg(feature = "client")]
pub use client::read;

/// The schema of a live database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSchema {
    /// The database's name.
    pub database: String,
    /// Statements that would make the schema.
    pub text: String,
}

/// Why a database was not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LiveError {
    /// What happened.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl LiveError {
    fn new(message: impl Into<String>) -> LiveError {
        LiveError { message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> LiveError {
        LiveError { help: Some(help.into()), ..self }
    }
}

/// Without the client nothing is connected to.
///
/// # Errors
/// Always.
#[cfg(not(feature = "client"))]
pub fn read(_: &str) -> Result<LiveSchema, LiveError> {
    Err(LiveError::new("the client for live databases was left out of this build")
        .help("build it with the feature `live`, or name a dump under `schema` in tenantry.toml"))
}
