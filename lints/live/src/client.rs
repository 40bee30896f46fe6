//! The connection.

use std::error::Error as _;
use std::fmt::Write as _;
use std::time::Duration;

use postgres::config::Host;
use postgres::error::SqlState;
use postgres::{Client, Config, Error, IsolationLevel, NoTls, SimpleQueryMessage, Transaction};

use crate::catalog::PARTS;
use crate::{LiveError, LiveSchema};

/// The oldest version whose catalog has every column that is asked for, as `server_version_num`.
const OLDEST: u32 = 120_000;
/// How long a server may take to answer, where the URL does not say it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to do where no connection without TLS is taken.
const WITHOUT_TLS: &str = "connections are made without TLS: reach the server through a tunnel such as \
                           `ssh -L 5433:host:5432`, or name a dump (`pg_dump --schema-only`) under `schema` in tenantry.toml";

/// Reads the schema of the database at a URL, in one transaction that is read only.
///
/// # Errors
/// There is no such server, it does not let us in, or it is none whose catalog is known. No error holds the URL.
pub fn read(url: &str) -> Result<LiveSchema, LiveError> {
    let mut config = parse(url)?;
    config.application_name("tenantry");
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(PATIENCE);
    }
    let database = config.get_dbname().or(config.get_user()).unwrap_or("postgres").to_owned();
    let place = place(&config);
    let mut client = config.connect(NoTls).map_err(|error| unreached(&error, &place))?;
    let failed = |error: Error| {
        LiveError::new(format!("the catalog of {database} could not be read: {}", said(&error)))
    };
    check_version(&mut client).map_err(failed)??;
    let path = one(&mut client.transaction().map_err(failed)?, "SHOW search_path").map_err(failed)?;
    let mut transaction = client
        .build_transaction()
        .read_only(true)
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .map_err(failed)?;
    // Without a search path the server writes every name with its schema.
    transaction
        .batch_execute("SET LOCAL search_path TO ''; SET LOCAL statement_timeout TO '120s'; SET LOCAL lock_timeout TO '10s'")
        .map_err(failed)?;
    let mut text = String::from(
        "-- What the catalog of a database says, as statements. It is read, not run: no dump.\n",
    );
    for (heading, query) in PARTS {
        let statements = rows(&mut transaction, query).map_err(failed)?;
        let Some(statements) = statements.into_iter().collect::<Option<Vec<String>>>() else {
            let why = format!(
                "the catalog of {database} could not be read: one of its {heading} has no definition"
            );
            return Err(LiveError::new(why).help("it may have been dropped meanwhile: try again"));
        };
        if !statements.is_empty() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n-- {heading}\n\n");
            statements.iter().for_each(|statement| {
                text.push_str(statement);
                text.push('\n');
            });
        }
    }
    let has_other_path = !["\"$user\", public", "public"].contains(&path.trim());
    if has_other_path {
        let name = database.replace('"', "\"\"");
        let _ = write!(
            text,
            "\n-- what names without a schema mean\n\nALTER DATABASE \"{name}\" SET search_path TO {path};\n"
        );
    }
    transaction.rollback().map_err(failed)?;
    Ok(LiveSchema { database, text })
}

fn parse(url: &str) -> Result<Config, LiveError> {
    let is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
    let form =
        "write `postgres://user:password@host:5432/database`, or `env:NAME` for the variable that holds it";
    if !is_url {
        return Err(LiveError::new("this is no URL of a PostgreSQL database").help(form));
    }
    if let Some(option) = asks_for_tls(url) {
        let why = format!("the URL asks for TLS by `{option}`, and no connection was tried");
        return Err(LiveError::new(why).help(WITHOUT_TLS));
    }
    url.parse::<Config>().map_err(|error| {
        // The parser's own words name an option, never its value.
        let said = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        LiveError::new(format!("the URL of the database could not be read: {said}")).help(form)
    })
}

/// The option of a URL that asks for TLS, if there is one: whoever wrote it is not to be connected without. Values that are
/// not known count as asking for it.
fn asks_for_tls(url: &str) -> Option<String> {
    let (_, options) = url.split_once('?')?;
    options.split('&').find_map(|option| {
        let (name, value) = option.split_once('=').unwrap_or((option, ""));
        let asks = match name.to_ascii_lowercase().as_str() {
            "sslmode" => !["disable", "allow", "prefer"].contains(&value.to_ascii_lowercase().as_str()),
            "sslnegotiation" => value.eq_ignore_ascii_case("direct"),
            "channel_binding" => value.eq_ignore_ascii_case("require"),
            "sslrootcert" | "sslcert" | "sslkey" | "ssl" => true,
            _ => false,
        };
        // What stands behind another name or value may be nobody else's business.
        let is_known = ["require", "verify-ca", "verify-full"].contains(&value) && name == "sslmode";
        asks.then(|| if is_known { option.to_owned() } else { name.to_ascii_lowercase() })
    })
}

/// Where a server is, without who asks.
fn place(config: &Config) -> String {
    let port = config.get_ports().first().copied().unwrap_or(5432);
    match config.get_hosts().first() {
        Some(Host::Tcp(name)) => format!("{name}:{port}"),
        #[cfg(unix)]
        Some(Host::Unix(folder)) => format!("the socket in {}", folder.display()),
        None => "an address".to_owned(),
    }
}

fn unreached(error: &Error, place: &str) -> LiveError {
    let said = said(error);
    let failed = LiveError::new(format!("no connection to {place}: {said}"));
    let state = error.code();
    if said.contains("TLS") || said.contains("no encryption") || said.contains("SSL off") {
        return failed.help(WITHOUT_TLS);
    }
    match state {
        Some(state) if *state == SqlState::INVALID_PASSWORD => {
            failed.help("the user or the password is another one")
        }
        Some(state) if *state == SqlState::INVALID_CATALOG_NAME => {
            failed.help("the database has another name")
        }
        _ => failed,
    }
}

/// What an error says, with what the server says of it.
fn said(error: &Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(server), _) => server.message().to_owned(),
        (None, Some(source)) => {
            format!("{error}: {source}").replace(&format!(": {source}: {source}"), &format!(": {source}"))
        }
        (None, None) => error.to_string(),
    }
}

fn check_version(client: &mut Client) -> Result<Result<(), LiveError>, Error> {
    let mut transaction = client.transaction()?;
    let number = one(&mut transaction, "SHOW server_version_num")?;
    Ok(match number.parse::<u32>() {
        Ok(number) if number >= OLDEST => Ok(()),
        Ok(number) => Err(LiveError::new(format!(
            "the server is PostgreSQL {}; the catalogs of {} and newer are known",
            number / 10_000,
            OLDEST / 10_000
        ))
        .help("name a dump (`pg_dump --schema-only`) under `schema` in tenantry.toml")),
        Err(_) => Err(LiveError::new("the server does not say which version of PostgreSQL it is")),
    })
}

fn one(transaction: &mut Transaction<'_>, query: &str) -> Result<String, Error> {
    Ok(rows(transaction, query)?.into_iter().flatten().next().unwrap_or_default())
}

/// The first column of each row; nothing for NULL. Text throughout: what the server writes is what is read.
fn rows(transaction: &mut Transaction<'_>, query: &str) -> Result<Vec<Option<String>>, Error> {
    let answer = transaction.simple_query(query)?;
    let row = |message: SimpleQueryMessage| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).map(str::to_owned)),
        _ => None,
    };
    Ok(answer.into_iter().filter_map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::{asks_for_tls, parse};

    #[test]
    fn a_url_that_asks_for_tls_is_refused_before_a_connection() {
        let asking = [
            "sslmode=require",
            "sslmode=verify-ca",
            "sslmode=verify-full",
            "SSLMODE=Verify-Full",
            "sslmode=verify%2Dfull",
            "sslmode=",
            "application_name=x&sslmode=require",
            "sslrootcert=/home/somebody/ca.pem",
            "channel_binding=require",
            "sslnegotiation=direct",
        ];
        for options in asking {
            let refused =
                parse(&format!("postgres://me:secret@host/db?{options}")).expect_err(options).to_string();
            assert!(
                refused.contains("asks for TLS") && refused.contains("no connection was tried"),
                "{refused}"
            );
            assert!(!refused.contains("secret") && !refused.contains("somebody"), "{refused}");
        }
    }

    #[test]
    fn a_url_that_does_not_ask_for_tls_is_read() {
        for options in ["", "?sslmode=disable", "?sslmode=prefer", "?connect_timeout=3"] {
            let url = format!("postgres://me@host/db{options}");
            assert_eq!(asks_for_tls(&url), None, "{url}");
            assert!(parse(&url).is_ok(), "{url}");
        }
    }
}
