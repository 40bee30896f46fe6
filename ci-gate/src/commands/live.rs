//! Schemas of live databases: from `--schema-from`, and from the variables that a policy names.

use std::sync::Arc;

use tenantry_live::{LiveError, LiveSchema};
use tenantry_project::{Given, Servers};

use crate::exit::Failure;

/// What the arguments say of servers. A database that they name is read at once, so that a run on another schema than the
/// one that was asked for never begins.
pub(crate) fn servers(schema_from: &[String]) -> Result<Servers, Failure> {
    let given = schema_from.iter().map(|written| given(written)).collect::<Result<Vec<_>, _>>()?;
    Ok(Servers { ask: Some(ask), given, files_only: false })
}

/// `[NAME=]URL`.
fn given(written: &str) -> Result<Given, Failure> {
    let named = written.split_once('=').filter(|(name, _)| !name.contains([':', '/', '?']));
    let (database, source) = match named {
        Some((name, source)) => (Some(name.to_owned()), source),
        None => (None, written),
    };
    let LiveSchema { database: name, text } = read(source)?;
    Ok(Given { database, name, text: Arc::from(text) })
}

/// The schema of the database at `URL` or `env:NAME`.
pub(crate) fn read(source: &str) -> Result<LiveSchema, Failure> {
    let failed = |error: LiveError| {
        let failure = Failure::usage(error.message);
        error.help.into_iter().fold(failure, Failure::help)
    };
    match source.strip_prefix("env:") {
        Some(variable) => tenantry_live::read(&url(variable).map_err(Failure::usage)?).map_err(failed),
        None => tenantry_live::read(source).map_err(failed),
    }
}

/// What the loader asks for the variable that a policy names.
fn ask(variable: &str) -> Result<Given, String> {
    let said = |error: LiveError| match error.help {
        Some(help) => format!("{} ({help})", error.message),
        None => error.message,
    };
    let LiveSchema { database: name, text } = tenantry_live::read(&url(variable)?).map_err(said)?;
    Ok(Given { database: None, name, text: Arc::from(text) })
}

fn url(variable: &str) -> Result<String, String> {
    match std::env::var(variable) {
        Ok(url) if !url.trim().is_empty() => Ok(url.trim().to_owned()),
        Ok(_) | Err(std::env::VarError::NotPresent) => Err(format!("the variable {variable} is not set")),
        Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {variable} is not UTF-8")),
    }
}
