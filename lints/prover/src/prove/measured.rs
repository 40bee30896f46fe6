//! Dialects whose proofs were compared with what a database shows.
//!
//! A proof rests on how a dialect reads and runs a statement. Where nobody tried to refute proofs by experiment, it says
//! so. `tests/oracle/README.md` tells what was tried, with figures, and which parts of a dialect no statement reached.

use tenantry_policy::Dialect;

/// The dialects that `make oracle` measured without one proof that leaks: PostgreSQL 15; SQLite 3.51, references enforced
/// and not; MySQL on MariaDB 10.11, with its default mode and collations of both kinds.
pub(super) const MEASURED: [Dialect; 3] = [Dialect::Postgres, Dialect::Sqlite, Dialect::Mysql];

/// What a proof takes for granted of a dialect that is not among the measured ones.
pub(super) fn assumption(dialect: Dialect, measured: &[Dialect]) -> Option<String> {
    (!measured.contains(&dialect)).then(|| format!("the dialect {} was not measured", dialect.as_str()))
}

#[cfg(test)]
mod tests {
    use super::{MEASURED, assumption};
    use tenantry_policy::Dialect;

    #[test]
    fn what_was_not_measured_is_an_assumption() {
        let told = assumption(Dialect::Mysql, &[Dialect::Postgres]);
        assert_eq!(told.as_deref(), Some("the dialect mysql was not measured"));
        assert_eq!(assumption(Dialect::Mysql, &MEASURED), None);
    }
}
