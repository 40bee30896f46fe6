//! MariaDB: a server of the machine's own, thrown away at the end, and databases for experiments on it.

mod wire;

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tenantry_prover::catalog::QualifiedName;

use crate::aim::Aim;
use crate::contents::{self, Rows};
use crate::database::{Database, MOST_ROWS, Outcome, Run, Scene, State, TIMEOUT, hash};
use crate::server::ServerError;
use crate::shape::{FIRST_NUMBER, Shape, TableShape};
use crate::spoken::{Spoken, speak};
use crate::sqlite::kinds;
use crate::subject::{Statement, Subject};
use crate::values::Kind;
use crate::wire::{DbError, WireError};
use crate::world::Filling;
use wire::{Connection, Prepared, Reply, Value};

/// The variable that names the folder of MariaDB's programs.
pub const BIN_VARIABLE: &str = "TENANTRY_MARIADB_BIN";
/// The user and group under which the server runs when this process is root: nobody's.
const UNPRIVILEGED: u32 = 65534;
/// How long a server may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the server says where a statement took too long.
const TOO_LONG: u16 = 1969;

/// Where the tables are.
const DATABASE: &str = "scratch";
/// A session's settings.
const SETTINGS: &str = "SET max_statement_time = 0.7, foreign_key_checks = 1";

/// How many servers this process has had.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A running server.
struct Server {
    socket: PathBuf,
    /// The shell that watches the server: it ends it when its input closes, so also when we are killed.
    watcher: Child,
}

impl Mariadb {
    /// A database on a server of its own, which a statement may bring down.
    pub fn start() -> Result<Mariadb, ServerError> {
        let (server, connection) = start()?;
        let (schema, world, look) = Default::default();
        Ok(Mariadb { server, connection, schema, world, prepared: Vec::new(), look, tables: 0 })
    }
}

fn start() -> Result<(Server, Connection), ServerError> {
    let missing = || {
        ServerError::Start(format!(
            "no MariaDB on this machine: install its server, or point {BIN_VARIABLE} at its programs"
        ))
    };
    let number = STARTED.fetch_add(1, Ordering::Relaxed);
    let server = launch(&program().ok_or_else(missing)?, number)?;
    let connection = reach(&server.socket)?;
    Ok((server, connection))
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.watcher.stdin.take());
        let _ = self.watcher.wait();
    }
}

/// The server's program: in the named folder, on PATH, where Debian has it.
fn program() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(BIN_VARIABLE) {
        return Some(PathBuf::from(named).join("mariadbd")).filter(|program| program.is_file());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.map(|folder| folder.join("mariadbd")).find(|program| program.is_file())
}

fn launch(program: &Path, number: u32) -> Result<Server, ServerError> {
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let folder = base.join(format!("tenantry-mariadb-{}-{number}", std::process::id()));
    let failed = |what: &str, error: std::io::Error| ServerError::Start(format!("{what}: {error}"));
    let data = folder.join("data");
    std::fs::create_dir_all(&data).map_err(|error| failed("a temporary folder cannot be made", error))?;
    let root = std::fs::metadata(&folder).is_ok_and(|data| data.uid() == 0);
    if root {
        for folder in [&folder, &data] {
            std::os::unix::fs::chown(folder, Some(UNPRIVILEGED), Some(UNPRIVILEGED))
                .map_err(|error| failed("the temporary folder cannot be given away", error))?;
        }
    }
    // Nobody else reaches the socket's folder, so no grants are needed, nor the tables that hold them.
    let script = "trap '' INT TERM HUP; \"$1\" --no-defaults --datadir=\"$2/data\" --socket=\"$2/socket\" \
                  --pid-file=\"$2/pid\" --skip-networking --skip-grant-tables --skip-log-bin --skip-name-resolve \
                  --innodb-flush-log-at-trx-commit=0 --innodb-doublewrite=0 --innodb-stats-persistent=0 \
                  --innodb-log-file-size=64M --innodb-buffer-pool-size=64M --skip-stack-trace \
                  --character-set-server=utf8mb4 --collation-server=utf8mb4_general_ci >/dev/null 2>\"$2/log\" & \
                  server=$!; cat >/dev/null; kill -KILL $server; wait $server; rm -rf -- \"$2\"";
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "oracle"]).arg(program).arg(&folder);
    command.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    if root {
        command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
    }
    let watcher = command.spawn().map_err(|error| failed("the server cannot be started", error))?;
    Ok(Server { socket: folder.join("socket"), watcher })
}

/// A connection, as soon as the server takes one.
fn reach(socket: &Path) -> Result<Connection, WireError> {
    let start = Instant::now();
    loop {
        match Connection::open(socket) {
            Err(_) if start.elapsed() < PATIENCE => {}
            answer => return answer,
        }
        // A server says neither when its socket is there nor when it takes connections; asking is the way.
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A database on the server.
pub struct Mariadb {
    server: Server,
    connection: Connection,
    /// What made the schema.
    schema: String,
    /// What filled the tables.
    world: String,
    prepared: Vec<Option<Known>>,
    /// A query for each table's rows, as one text.
    look: String,
    /// How many tables there are.
    tables: usize,
}

struct Known {
    prepared: Prepared,
    spoken: Spoken,
    kinds: Vec<Kind>,
}

impl Mariadb {
    fn simple(&mut self, sql: &str) -> Result<Vec<Reply>, WireError> {
        let replies = self.connection.query(sql)?;
        match replies.iter().find_map(|reply| reply.error.as_ref()) {
            Some((code, message)) => {
                Err(WireError::Server(DbError { code: code.to_string(), message: message.clone() }))
            }
            None => Ok(replies),
        }
    }

    fn state(&mut self, scene: Scene<'_>) -> Result<State, WireError> {
        if self.tables == 0 {
            return Ok(State::default());
        }
        let look = std::mem::take(&mut self.look);
        let replies = self.simple(&look);
        self.look = look;
        let tables: Vec<Rows> =
            replies?.iter().map(|reply| reply.rows.iter().map(|row| wire::cells(row)).collect()).collect();
        Ok(contents::state(scene, &tables))
    }

    /// After the server broke down: on a new one, everything is as it was.
    fn come_back(&mut self) -> Result<(), WireError> {
        let fresh = start().map_err(|error| WireError::Unsupported(error.to_string()))?;
        (self.server, self.connection) = fresh;
        let (schema, world) = (self.schema.clone(), self.world.clone());
        for script in [schema, world].iter().filter(|script| !script.is_empty()) {
            self.simple(script)?;
        }
        let mut kept = std::mem::take(&mut self.prepared);
        for entry in &mut kept {
            let Some(known) = entry else { continue };
            match self.connection.prepare(&known.spoken.sql)? {
                Ok(prepared) => known.prepared = prepared,
                Err(_) => *entry = None,
            }
        }
        self.prepared = kept;
        Ok(())
    }

    /// Prepares a statement, over which the server may break down.
    fn try_prepare(&mut self, sql: &str) -> Result<Result<Prepared, DbError>, WireError> {
        match self.connection.prepare(sql) {
            Ok(Ok(prepared)) => Ok(Ok(prepared)),
            Ok(Err((code, message))) => Ok(Err(DbError { code: code.to_string(), message })),
            Err(WireError::Io(_)) => {
                self.come_back()?;
                Ok(Err(broken()))
            }
            Err(error) => Err(error),
        }
    }

    fn run_and_undo(&mut self, scene: Scene<'_>, run: &Run<'_>) -> Result<Outcome, WireError> {
        if run.writes {
            self.simple("BEGIN")?;
        }
        let outcome = self.run_one(scene, run)?;
        if run.writes {
            self.simple("ROLLBACK")?;
        }
        Ok(outcome)
    }

    fn run_one(&mut self, scene: Scene<'_>, run: &Run<'_>) -> Result<Outcome, WireError> {
        let Some(Some(known)) = self.prepared.get(run.statement) else { return Ok(gone()) };
        let values = known.spoken.places.iter().map(|place| {
            let at = place.saturating_sub(1);
            value(run.parameters.get(at).and_then(Option::as_deref), known.kinds.get(at))
        });
        let values: Vec<Value> = values.collect();
        let reply = self.connection.execute(&known.prepared, &values)?;
        if let Some((code, message)) = reply.error {
            let code = if code == TOO_LONG { TIMEOUT.to_owned() } else { code.to_string() };
            return Ok(Outcome { error: Some(DbError { code, message }), ..Outcome::default() });
        }
        let mut rows: Vec<&[u8]> = reply.rows.iter().map(Vec::as_slice).collect();
        rows.sort_unstable();
        let state = if run.writes { Some(self.state(scene)?) } else { None };
        Ok(Outcome {
            error: None,
            cut: rows.len() > MOST_ROWS,
            empty: rows.is_empty(),
            rows: hash(&rows),
            tag: reply.affected.to_string(),
            state,
        })
    }
}

impl Database for Mariadb {
    fn set_up(&mut self, subject: &Subject) -> Result<Shape, WireError> {
        self.prepared.clear();
        self.world.clear();
        self.schema.clear();
        let script = format!(
            "DROP DATABASE IF EXISTS {DATABASE}; CREATE DATABASE {DATABASE}; USE {DATABASE}; {SETTINGS}; {}",
            subject.ddl.trim_end().trim_end_matches(';')
        );
        match self.simple(&script) {
            Err(WireError::Io(_)) => {
                self.come_back()?;
                return Err(WireError::Server(broken()));
            }
            made => made?,
        };
        let shape = Shape::of(subject, &contents::types(&subject.catalog), Vec::new(), String::new());
        // New numbers are not given back with a transaction: they start above those that rows have.
        let numbered = shape.tables.iter().filter(|table| table.columns.iter().any(|column| column.numbered));
        let start = |table: &TableShape| {
            format!("; ALTER TABLE {} AUTO_INCREMENT = {}", full(&table.name), FIRST_NUMBER + 1)
        };
        let starts: String = numbered.map(start).collect();
        if !starts.is_empty() {
            self.simple(starts.trim_start_matches("; "))?;
        }
        self.schema = script + &starts;
        let looks = shape.tables.iter().map(|table| {
            let columns: Vec<String> = table.columns.iter().map(|column| quote(&column.name)).collect();
            format!("SELECT {} FROM {}", columns.join(", "), full(&table.name))
        });
        self.look = looks.collect::<Vec<_>>().join("; ");
        self.tables = shape.tables.len();
        Ok(shape)
    }

    fn prepare(
        &mut self,
        scene: Scene<'_>,
        statements: &[&Statement],
    ) -> Result<Vec<Result<Vec<Kind>, DbError>>, WireError> {
        let mut found = Vec::new();
        for statement in statements {
            let spoken = speak(scene.subject.dialect, &statement.sql);
            let aim = Aim::new(scene.shape, &statement.sql, scene.universe);
            let kinds = kinds(scene, statement, aim.kinds(spoken.count()));
            match self.try_prepare(&spoken.sql)? {
                Ok(prepared) if prepared.parameters == spoken.places.len() => {
                    found.push(Ok(kinds.clone()));
                    self.prepared.push(Some(Known { prepared, spoken, kinds }));
                    continue;
                }
                Ok(prepared) => {
                    self.connection.close(&prepared)?;
                    let message = "its parameters are not those of the statement".to_owned();
                    found.push(Err(DbError { code: "parameters".to_owned(), message }));
                }
                Err(error) => found.push(Err(error)),
            }
            self.prepared.push(None);
        }
        Ok(found)
    }

    /// Nothing need check the rows or act on them here; what a unique key refuses is left out.
    fn load(&mut self, shape: &Shape, fill: &[Filling]) -> Result<(), WireError> {
        let mut script = String::from(
            "SET @mode = @@sql_mode, sql_mode = 'NO_BACKSLASH_ESCAPES', foreign_key_checks = 0; BEGIN; ",
        );
        for table in &shape.tables {
            script.push_str(&format!("DELETE FROM {}; ", full(&table.name)));
        }
        for filling in fill {
            let columns: Vec<String> = filling.columns.iter().map(|column| quote(column)).collect();
            let (name, rows) = (full(&filling.table), filling.rows().join(", "));
            script.push_str(&format!("INSERT IGNORE INTO {name} ({}) VALUES {rows}; ", columns.join(", ")));
        }
        script.push_str("COMMIT; SET foreign_key_checks = 1, sql_mode = @mode");
        self.simple(&script)?;
        self.world = script;
        Ok(())
    }

    fn look(&mut self, scene: Scene<'_>) -> Result<State, WireError> {
        self.state(scene)
    }

    fn run(&mut self, scene: Scene<'_>, runs: &[Run<'_>]) -> Result<Vec<Outcome>, WireError> {
        let mut outcomes = Vec::with_capacity(runs.len());
        for run in runs {
            outcomes.push(match self.run_and_undo(scene, run) {
                Err(WireError::Io(_)) => {
                    // It is not run again.
                    if let Some(entry) = self.prepared.get_mut(run.statement) {
                        *entry = None;
                    }
                    self.come_back()?;
                    gone()
                }
                outcome => outcome?,
            });
        }
        Ok(outcomes)
    }

    fn forget(&mut self) -> Result<(), WireError> {
        for known in std::mem::take(&mut self.prepared).into_iter().flatten() {
            self.connection.close(&known.prepared)?;
        }
        Ok(())
    }
}

/// The server broke down.
fn broken() -> DbError {
    DbError { code: TIMEOUT.to_owned(), message: "the server broke down".to_owned() }
}

fn gone() -> Outcome {
    Outcome { error: Some(broken()), ..Outcome::default() }
}

fn value<'v>(text: Option<&'v str>, kind: Option<&Kind>) -> Value<'v> {
    match (text, kind) {
        (None, _) => Value::Null,
        (Some(text), Some(Kind::Int | Kind::Bigint | Kind::Number)) => {
            text.parse().map_or(Value::Text(text), Value::Number)
        }
        (Some(text), _) => Value::Text(text),
    }
}

fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn full(name: &QualifiedName) -> String {
    quote(&name.name)
}
