//! A PostgreSQL to decide on: one of the machine's own, thrown away at the end, or one that a variable names.
//!
//! **Invariant:** never `DATABASE_URL`, which is somebody's real database; only databases made here are written to.

use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::postgres::Postgres;
use crate::wire::{Connection, Place, WireError};

/// The variable that names a server on which databases may be created.
pub const URL_VARIABLE: &str = "TENANTRY_ORACLE_URL";
/// The variable that names the folder of PostgreSQL's programs.
pub const BIN_VARIABLE: &str = "TENANTRY_PG_BIN";
/// The user and group under which the server runs when this process is root: nobody's.
const UNPRIVILEGED: u32 = 65534;
/// The oldest version whose MERGE and security_invoker are known.
const OLDEST: u32 = 15;
/// How long a server may take to answer for the first time.
const PATIENCE: Duration = Duration::from_secs(60);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Nothing was found.
    #[error(
        "no PostgreSQL {OLDEST} or newer on this machine: install one, point {BIN_VARIABLE} at its programs, or \
         {URL_VARIABLE} at a server on which scratch databases may be created"
    )]
    Missing,
    /// A program could not be run.
    #[error("{0}")]
    Start(String),
    /// It does not answer.
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// How many servers this process has had: each has a folder and databases of its own.
static STARTED: AtomicU32 = AtomicU32::new(0);

/// A running server.
pub struct Server {
    number: u32,
    place: Place,
    /// The shell that watches the server of our own: it ends it when its input closes, so also when we are killed.
    watcher: Option<Child>,
    scratch: Vec<String>,
}

impl Server {
    /// The server that the environment names, or a new one.
    pub fn start() -> Result<Server, ServerError> {
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        if let Ok(url) = std::env::var(URL_VARIABLE) {
            let server = Server { number, place: Place::parse(&url)?, watcher: None, scratch: Vec::new() };
            server.connect_admin()?;
            return Ok(server);
        }
        launch(&programs().ok_or(ServerError::Missing)?, number)
    }

    /// A new empty database, dropped at the end.
    pub fn scratch(&mut self) -> Result<Postgres, ServerError> {
        let name = self.scratch_database()?;
        Ok(Postgres::new(Connection::open(&self.place, Some(&name))?)?)
    }

    /// A new empty database in which these texts have run, one after another, and its URL; dropped at the end.
    pub fn scratch_of(&mut self, texts: &[String]) -> Result<String, ServerError> {
        let name = self.scratch_database()?;
        let mut connection = Connection::open(&self.place, Some(&name))?;
        for text in texts {
            connection.simple(text)?;
        }
        Ok(self.place.url(&name))
    }

    fn scratch_database(&mut self) -> Result<String, ServerError> {
        let name = format!("tenantry_oracle_{}_{}_{}", std::process::id(), self.number, self.scratch.len());
        let mut admin = self.connect_admin()?;
        admin.simple(&format!("DROP DATABASE IF EXISTS {name}"))?;
        admin.simple(&format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))?;
        self.scratch.push(name.clone());
        Ok(name)
    }

    fn connect_admin(&self) -> Result<Connection, WireError> {
        Connection::open(&self.place, None)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut watcher) = self.watcher.take() {
            drop(watcher.stdin.take());
            let _ = watcher.wait();
            return;
        }
        let Ok(mut admin) = self.connect_admin() else { return };
        for name in &self.scratch {
            let _ = admin.simple(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// The folder of PostgreSQL's programs: the named one, PATH's, Debian's newest.
fn programs() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(BIN_VARIABLE) {
        return Some(PathBuf::from(named)).filter(|folder| complete(folder));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).filter_map(|folder| {
        let real = folder.join("initdb").canonicalize().ok()?;
        real.parent().map(Path::to_path_buf)
    });
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .collect();
    debian.sort_by(|a, b| b.cmp(a));
    on_path.chain(debian.into_iter().map(|(_, folder)| folder)).find(|folder| complete(folder))
}

fn complete(folder: &Path) -> bool {
    let all = ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file());
    all && version(folder).is_some_and(|version| version >= OLDEST)
}

fn version(folder: &Path) -> Option<u32> {
    let output = Command::new(folder.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let number = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn launch(programs: &Path, number: u32) -> Result<Server, ServerError> {
    // Memory, where the system keeps files there: nothing of it is to last.
    let memory = Path::new("/dev/shm");
    let base = if memory.is_dir() { memory.to_path_buf() } else { std::env::temp_dir() };
    let folder = base.join(format!("tenantry-oracle-{}-{number}", std::process::id()));
    let failed = |what: &str, error: std::io::Error| ServerError::Start(format!("{what}: {error}"));
    std::fs::create_dir_all(&folder).map_err(|error| failed("a temporary folder cannot be made", error))?;
    let root = std::fs::metadata(&folder).is_ok_and(|data| data.uid() == 0);
    if root {
        std::os::unix::fs::chown(&folder, Some(UNPRIVILEGED), Some(UNPRIVILEGED))
            .map_err(|error| failed("the temporary folder cannot be given away", error))?;
    }
    let own = |program: &Path| {
        let mut command = Command::new(program);
        command.current_dir(&folder).stdout(Stdio::null());
        if root {
            // PostgreSQL refuses to run as root.
            command.uid(UNPRIVILEGED).gid(UNPRIVILEGED);
        }
        command
    };
    let data = folder.join("data");
    let made = own(&programs.join("initdb"))
        .args(["--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-locale", "-D"])
        .arg(&data)
        .output()
        .map_err(|error| failed("initdb cannot be run", error))?;
    if !made.status.success() {
        let _ = std::fs::remove_dir_all(&folder);
        return Err(ServerError::Start(format!("initdb: {}", String::from_utf8_lossy(&made.stderr).trim())));
    }
    let script = "trap '' INT TERM HUP; \"$1\" -D \"$2\" -k \"$3\" -h '' -F -c autovacuum=off \
                  -c synchronous_commit=off -c full_page_writes=off -c max_wal_size=256MB -c wal_level=minimal -c max_wal_senders=0 -c shared_buffers=128MB \
                  -c max_locks_per_transaction=512 -c jit=off >/dev/null 2>\"$3/log\" & \
                  server=$!; cat >/dev/null; kill -QUIT $server; wait $server; rm -rf -- \"$3\"";
    let watcher = own(Path::new("/bin/sh"))
        .args(["-c", script, "oracle"])
        .arg(programs.join("postgres"))
        .arg(&data)
        .arg(&folder)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| failed("the server cannot be started", error))?;
    let server =
        Server { number, place: Place::socket(&folder), watcher: Some(watcher), scratch: Vec::new() };
    let start = Instant::now();
    loop {
        match server.connect_admin() {
            Ok(_) => return Ok(server),
            Err(error) if start.elapsed() > PATIENCE => return Err(error.into()),
            // A server says neither when its socket is there nor when it takes connections; asking is the way.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}
