//! Schemas that come from a server instead of files. This crate connects to none: it is handed what was read, or a way to ask.

use std::path::PathBuf;
use std::sync::Arc;

/// How the value of `schema` begins that names a variable with the URL of a database.
pub(crate) const VARIABLE: &str = "env:";

/// Reads the schema of the database whose URL the variable of this name holds; the error is what went wrong.
pub type Ask = fn(&str) -> Result<Given, String>;

/// Where schemas come from besides files.
#[derive(Clone, Debug, Default)]
pub struct Servers {
    /// What is asked where a policy names a variable; without it nothing is connected to.
    pub ask: Option<Ask>,
    /// Schemas that take the place of files.
    pub given: Vec<Given>,
    /// Where the policy names a variable, files are looked for instead, as if it named nothing.
    pub files_only: bool,
}

/// The schema of a live database.
#[derive(Clone, Debug)]
pub struct Given {
    /// For which database of the project; `None` where it has one.
    pub database: Option<String>,
    /// The database's name on its server.
    pub name: String,
    /// Its statements.
    pub text: Arc<str>,
}

impl Given {
    /// The path under which its statements are shown. There is no such file.
    pub(crate) fn path(&self) -> PathBuf {
        let plain = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        PathBuf::from(format!("live-database/{}.sql", self.name.chars().map(plain).collect::<String>()))
    }
}
