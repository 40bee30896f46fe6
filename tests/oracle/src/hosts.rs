//! Where databases for experiments come from, by their dialect.

use tenantry_policy::Dialect;

use crate::database::Database;
use crate::mariadb::Mariadb;
use crate::server::{Server, ServerError};
use crate::sqlite::Sqlite;

/// What gives databases.
pub enum Host {
    /// A PostgreSQL.
    Postgres(Server),
    /// A MariaDB for each database; the first of them.
    Mysql(Option<Mariadb>),
    /// SQLite, in this process.
    Sqlite,
}

impl Host {
    /// Starts what a dialect needs, or says why it cannot.
    pub fn start(dialect: Dialect) -> Result<Host, ServerError> {
        Ok(match dialect {
            Dialect::Postgres => Host::Postgres(Server::start()?),
            Dialect::Mysql => Host::Mysql(Some(Mariadb::start()?)),
            Dialect::Sqlite => Host::Sqlite,
        })
    }

    /// A new empty database, gone at the end.
    pub fn scratch(&mut self) -> Result<Box<dyn Database + Send>, ServerError> {
        Ok(match self {
            Host::Postgres(server) => Box::new(server.scratch()?),
            Host::Mysql(first) => Box::new(first.take().map_or_else(Mariadb::start, Ok)?),
            Host::Sqlite => Box::new(Sqlite::new()?),
        })
    }
}
