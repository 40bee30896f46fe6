//! PostgreSQL's protocol, as far as experiments need it: text parameters, text results, and many statements on their
//! way at once.
//!
//! A client of its own rather than a general one because an experiment sends hundreds of runs in one write, each with
//! its own point of recovery, and looks at nothing of a row but its bytes.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use fallible_iterator::FallibleIterator;
use postgres_protocol::IsNull;
use postgres_protocol::authentication::{md5_hash, sasl};
use postgres_protocol::message::{backend::Message, frontend};

/// Why the server's answer is not one.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// The connection broke.
    #[error("the connection to the database: {0}")]
    Io(#[from] std::io::Error),
    /// The server said no.
    #[error("the database: {0}")]
    Server(DbError),
    /// The URL, or what the server asks for, is not understood.
    #[error("{0}")]
    Unsupported(String),
}

/// An error of the server's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
pub struct DbError {
    /// SQLSTATE.
    pub code: String,
    /// The message.
    pub message: String,
}

/// Where a server is.
#[derive(Clone, Debug)]
pub struct Place {
    host: Host,
    user: String,
    password: Option<String>,
    database: String,
}

#[derive(Clone, Debug)]
enum Host {
    Socket(PathBuf),
    Tcp(String, u16),
}

impl Place {
    /// A server of our own, by the folder of its socket.
    pub fn socket(folder: &Path) -> Place {
        Place {
            host: Host::Socket(folder.join(".s.PGSQL.5432")),
            user: "postgres".to_owned(),
            password: None,
            database: "postgres".to_owned(),
        }
    }

    /// The URL of a database on it, as [`Place::parse`] reads it.
    pub fn url(&self, database: &str) -> String {
        let password = self.password.iter().map(|password| format!(":{password}")).collect::<String>();
        let (user, start) = (&self.user, "postgres://");
        match &self.host {
            Host::Tcp(name, port) => format!("{start}{user}{password}@{name}:{port}/{database}"),
            Host::Socket(path) => {
                let port =
                    path.extension().map(|port| port.to_string_lossy().into_owned()).unwrap_or_default();
                let folder = path.parent().unwrap_or(Path::new("")).to_string_lossy().replace('/', "%2F");
                format!("{start}{user}{password}@:{port}/{database}?host={folder}")
            }
        }
    }

    /// `postgres://user[:password]@host[:port]/database[?host=/socket/folder]`.
    pub fn parse(url: &str) -> Result<Place, WireError> {
        let wrong = || WireError::Unsupported(format!("`{url}` is no URL of a PostgreSQL server"));
        let rest = url.strip_prefix("postgres://").or_else(|| url.strip_prefix("postgresql://"));
        let rest = rest.ok_or_else(wrong)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (server, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (credentials, server) = server.rsplit_once('@').unwrap_or(("postgres", server));
        let (user, password) = match credentials.split_once(':') {
            Some((user, password)) => (user, Some(password.to_owned())),
            None => (credentials, None),
        };
        let (name, port) = server.split_once(':').unwrap_or((server, "5432"));
        let port: u16 = port.parse().map_err(|_| wrong())?;
        let folder = query.split('&').find_map(|pair| pair.strip_prefix("host="));
        let folder = folder.map(|folder| folder.replace("%2F", "/"));
        let host = match folder {
            Some(folder) => Host::Socket(PathBuf::from(folder).join(format!(".s.PGSQL.{port}"))),
            None => Host::Tcp(name.to_owned(), port),
        };
        let database = if database.is_empty() { "postgres" } else { database };
        Ok(Place { host, user: user.to_owned(), password, database: database.to_owned() })
    }
}

trait Channel: Read + Write + Send {}
impl<T: Read + Write + Send> Channel for T {}

/// What one `Sync` or simple query was answered with.
#[derive(Debug, Default)]
pub struct Reply {
    /// The commands that completed, in order.
    pub commands: Vec<Completed>,
    /// The error that ended it.
    pub error: Option<DbError>,
    /// There were more rows than were asked for.
    pub cut: bool,
    /// The types of the parameters of the statement that was described.
    pub parameters: Vec<u32>,
    /// The names and types of its columns; empty where it returns none.
    pub columns: Vec<(String, u32)>,
}

/// A command that completed.
#[derive(Debug, Default)]
pub struct Completed {
    /// `SELECT 3`.
    pub tag: String,
    /// Its rows: the bytes of the message, which hold each cell's length and text.
    pub rows: Vec<Bytes>,
}

impl Completed {
    /// The cells of the rows as text.
    pub fn cells(&self) -> Vec<Vec<Option<String>>> {
        self.rows.iter().map(|row| cells(row)).collect()
    }
}

/// A connection.
pub struct Connection {
    place: Place,
    database: String,
    channel: Box<dyn Channel>,
    incoming: BytesMut,
    outgoing: BytesMut,
    /// Where the channel is read to.
    chunk: Vec<u8>,
    /// How many copies that the server will ask for were sent already.
    copies: usize,
}

impl Connection {
    /// Connects; to the place's own database where none is named.
    pub fn open(place: &Place, database: Option<&str>) -> Result<Connection, WireError> {
        let channel: Box<dyn Channel> = match &place.host {
            Host::Socket(path) => Box::new(UnixStream::connect(path)?),
            Host::Tcp(host, port) => Box::new(TcpStream::connect((host.as_str(), *port))?),
        };
        let (incoming, outgoing) = (BytesMut::with_capacity(1 << 16), BytesMut::with_capacity(1 << 16));
        let chunk = vec![0; 1 << 16];
        let database = database.unwrap_or(&place.database);
        let (place, database) = (place.clone(), database.to_owned());
        let mut connection = Connection { place, database, channel, incoming, outgoing, chunk, copies: 0 };
        let (place, database) = (connection.place.clone(), connection.database.clone());
        let settings =
            [("user", place.user.as_str()), ("database", database.as_str()), ("client_encoding", "UTF8")];
        frontend::startup_message(settings, &mut connection.outgoing)?;
        connection.authenticate(&place)?;
        Ok(connection)
    }

    /// Another connection to the same database.
    pub fn sibling(&self) -> Result<Connection, WireError> {
        Connection::open(&self.place, Some(&self.database))
    }

    fn authenticate(&mut self, place: &Place) -> Result<(), WireError> {
        let password = place.password.as_deref().unwrap_or_default().as_bytes();
        let mut scram = None;
        loop {
            self.flush()?;
            match self.receive()? {
                Message::AuthenticationOk => break,
                Message::AuthenticationCleartextPassword => {
                    frontend::password_message(password, &mut self.outgoing)?;
                }
                Message::AuthenticationMd5Password(body) => {
                    let hash = md5_hash(place.user.as_bytes(), password, body.salt());
                    frontend::password_message(hash.as_bytes(), &mut self.outgoing)?;
                }
                Message::AuthenticationSasl(_) => {
                    let state = sasl::ScramSha256::new(password, sasl::ChannelBinding::unsupported());
                    frontend::sasl_initial_response(
                        sasl::SCRAM_SHA_256,
                        state.message(),
                        &mut self.outgoing,
                    )?;
                    scram = Some(state);
                }
                Message::AuthenticationSaslContinue(body) => {
                    let state = scram.as_mut().ok_or_else(unexpected)?;
                    state.update(body.data())?;
                    frontend::sasl_response(state.message(), &mut self.outgoing)?;
                }
                Message::AuthenticationSaslFinal(body) => {
                    scram.as_mut().ok_or_else(unexpected)?.finish(body.data())?;
                }
                Message::ErrorResponse(body) => return Err(WireError::Server(error(body.fields())?)),
                _ => return Err(unexpected()),
            }
        }
        let reply = self.reply()?;
        reply.error.map_or(Ok(()), |error| Err(WireError::Server(error)))
    }

    /// Runs statements without parameters; an error of the server is an error here.
    pub fn simple(&mut self, sql: &str) -> Result<Vec<Completed>, WireError> {
        frontend::query(sql, &mut self.outgoing)?;
        self.flush()?;
        let reply = self.reply()?;
        match reply.error {
            Some(error) => Err(WireError::Server(error)),
            None => Ok(reply.commands),
        }
    }

    /// The same, of which some are `COPY … FROM STDIN`: with the rows of each, sent before they are asked for. The server
    /// passes over those that it does not come to.
    pub fn copy(&mut self, sql: &str, rows: &[String]) -> Result<(), WireError> {
        frontend::query(sql, &mut self.outgoing)?;
        for rows in rows {
            frontend::CopyData::new(rows.as_bytes())?.write(&mut self.outgoing);
            frontend::copy_done(&mut self.outgoing);
        }
        self.copies = rows.len();
        self.flush()?;
        let reply = self.reply();
        self.copies = 0;
        reply?.error.map_or(Ok(()), |error| Err(WireError::Server(error)))
    }

    /// Adds: prepare `sql` under a name, and describe it. Of parameters whose type is 0 the server finds it.
    pub fn queue_prepare(&mut self, name: &str, sql: &str, types: &[u32]) -> Result<(), WireError> {
        frontend::parse(name, sql, types.iter().copied(), &mut self.outgoing)?;
        Ok(frontend::describe(b'S', name, &mut self.outgoing)?)
    }

    /// Adds: run a prepared statement, and return at most so many rows; 0 means all.
    pub fn queue_run(
        &mut self,
        name: &str,
        parameters: &[Option<String>],
        most: i32,
    ) -> Result<(), WireError> {
        let write = |value: &Option<String>, out: &mut BytesMut| match value {
            None => Ok(IsNull::Yes),
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                Ok(IsNull::No)
            }
        };
        frontend::bind("", name, [], parameters, write, [], &mut self.outgoing).map_err(
            |error| match error {
                frontend::BindError::Conversion(error) => WireError::Unsupported(error.to_string()),
                frontend::BindError::Serialization(error) => WireError::Io(error),
            },
        )?;
        Ok(frontend::execute("", most, &mut self.outgoing)?)
    }

    /// Adds: a point of recovery, which is answered by one [`Reply`].
    pub fn queue_sync(&mut self) {
        frontend::sync(&mut self.outgoing);
    }

    /// Sends what was added.
    pub fn flush(&mut self) -> Result<(), WireError> {
        let outgoing = self.outgoing.split();
        self.channel.write_all(&outgoing)?;
        Ok(self.channel.flush()?)
    }

    /// The next reply.
    pub fn reply(&mut self) -> Result<Reply, WireError> {
        let mut reply = Reply::default();
        let mut rows = Vec::new();
        loop {
            match self.receive()? {
                Message::ReadyForQuery(_) => return Ok(reply),
                Message::DataRow(body) => rows.push(body.buffer_bytes().clone()),
                Message::CommandComplete(body) => {
                    let rows = std::mem::take(&mut rows);
                    reply.commands.push(Completed { tag: body.tag()?.to_owned(), rows });
                }
                Message::ErrorResponse(body) => reply.error = Some(error(body.fields())?),
                Message::ParameterDescription(body) => {
                    body.parameters().for_each(|oid| {
                        reply.parameters.push(oid);
                        Ok(())
                    })?;
                }
                Message::RowDescription(body) => {
                    body.fields().for_each(|field| {
                        reply.columns.push((field.name().to_owned(), field.type_oid()));
                        Ok(())
                    })?;
                }
                Message::CopyInResponse(_) if self.copies > 0 => self.copies -= 1,
                Message::CopyInResponse(_) => {
                    frontend::copy_fail("no rows are copied here", &mut self.outgoing)?;
                    self.flush()?;
                }
                Message::PortalSuspended => {
                    rows.clear();
                    reply.cut = true;
                }
                // What else may come says nothing of a result: completions of steps, notices, settings.
                _ => {}
            }
        }
    }

    fn receive(&mut self) -> Result<Message, WireError> {
        loop {
            if let Some(message) = Message::parse(&mut self.incoming)? {
                return Ok(message);
            }
            let count = self.channel.read(&mut self.chunk)?;
            if count == 0 {
                return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
            }
            self.incoming.extend_from_slice(self.chunk.get(..count).unwrap_or_default());
        }
    }
}

fn unexpected() -> WireError {
    WireError::Unsupported("the server asks for an authentication that is not known here".to_owned())
}

fn error(mut fields: postgres_protocol::message::backend::ErrorFields<'_>) -> Result<DbError, WireError> {
    let mut found = DbError { code: String::new(), message: String::new() };
    while let Some(field) = fields.next()? {
        let value = String::from_utf8_lossy(field.value_bytes()).into_owned();
        match field.type_() {
            b'C' => found.code = value,
            b'M' => found.message = value,
            _ => {}
        }
    }
    Ok(found)
}

/// The cells of a row: each a length of four bytes, -1 for NULL, and its text.
pub fn cells(row: &[u8]) -> Vec<Option<String>> {
    let mut rest = row;
    let mut cells = Vec::new();
    while let Some((length, after)) = rest.split_first_chunk::<4>() {
        let Ok(length) = usize::try_from(i32::from_be_bytes(*length)) else {
            cells.push(None);
            rest = after;
            continue;
        };
        let Some((text, after)) = after.split_at_checked(length) else { break };
        cells.push(Some(String::from_utf8_lossy(text).into_owned()));
        rest = after;
    }
    cells
}
