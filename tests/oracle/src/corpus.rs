//! Files of statements on one schema, as `tests/sqlcorpus` has them: a line of JSON each.

use std::path::Path;

use tenantry_prover::verdict::TenantSource;

use crate::subject::{Statement, Subject, TenantParameter};

/// A statement whose verdict was measured.
pub struct Case {
    /// Its id.
    pub id: String,
    /// The statement.
    pub statement: Statement,
    /// `safe`, `unsafe` or `unknown`; empty where nothing is said.
    pub expected: String,
    /// Its result differs from run to run, or its parameters are meant for one schema: not for comparison.
    pub apart: bool,
}

/// Why a corpus cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file.
    #[error("{0}: {1}")]
    File(String, std::io::Error),
    /// The schema or its policy.
    #[error(transparent)]
    Subject(#[from] crate::subject::SubjectError),
    /// A line.
    #[error("line {0} of the cases is not as expected")]
    Line(usize),
}

/// The schema of a folder: `schema.sql` with `tenantry.toml`.
pub fn subject(folder: &Path) -> Result<Subject, CorpusError> {
    Ok(Subject::read(&read(&folder.join("schema.sql"))?, &read(&folder.join("tenantry.toml"))?)?)
}

/// The cases of a file.
pub fn cases(subject: &Subject, file: &Path) -> Result<Vec<Case>, CorpusError> {
    let text = read(file)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| case(subject, line).ok_or(CorpusError::Line(at + 1))).collect()
}

fn read(path: &Path) -> Result<String, CorpusError> {
    std::fs::read_to_string(path).map_err(|error| CorpusError::File(path.display().to_string(), error))
}

fn case(subject: &Subject, line: &str) -> Option<Case> {
    let value: serde_json::Value = serde_json::from_str(line).ok()?;
    let word = |key: &str| value.get(key).and_then(|word| word.as_str()).map(str::to_owned);
    let flag = |key: &str| value.get(key).is_some_and(|flag| flag == true);
    let root = |column: &str| subject.domain(&format!("tenants.{column}"));
    let kind = word("t");
    let (source, domain) = match kind.as_deref() {
        Some("guc") => (TenantSource::Setting(subject.setting.clone()?), root("id")?),
        Some("slug") => (TenantSource::Param(1), root("slug")?),
        _ => (TenantSource::Param(1), root("id")?),
    };
    let statement =
        Statement { sql: word("sql")?, tenants: vec![TenantParameter { source, domain, nullable: false }] };
    let apart = ["nondet", "seq_world", "tenant_nullable"].iter().any(|key| flag(key));
    Some(Case { id: word("id")?, statement, expected: word("expected").unwrap_or_default(), apart })
}
