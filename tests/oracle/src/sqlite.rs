//! SQLite in this process: every run is a transaction that is rolled back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, ErrorCode, params_from_iter};
use tenantry_prover::catalog::QualifiedName;
use tenantry_prover::verdict::TenantSource;

use crate::aim::Aim;
use crate::contents::{self, Rows};
use crate::database::{Database, MOST_ROWS, Outcome, Run, Scene, State, TIMEOUT, hash};
use crate::shape::{FIRST_NUMBER, Shape, quote};
use crate::spoken::{Spoken, speak};
use crate::subject::{Statement, Subject};
use crate::values::Kind;
use crate::wire::{DbError, WireError};
use crate::world::Filling;

/// How many steps of SQLite's machine a run may take, in thousands.
const PATIENCE: u32 = 3_000;

/// A database in memory.
pub struct Sqlite {
    connection: Connection,
    prepared: Vec<Prepared>,
    /// A query for each table's rows.
    looks: Vec<String>,
    /// How far the run at hand is, in thousands of steps.
    steps: Arc<AtomicU32>,
    /// Tables whose numbers SQLite remembers.
    remembers: bool,
}

struct Prepared {
    spoken: Spoken,
    kinds: Vec<Kind>,
}

impl Sqlite {
    /// An empty one.
    pub fn new() -> Result<Sqlite, WireError> {
        let connection = Connection::open_in_memory().map_err(failure)?;
        let steps = Arc::new(AtomicU32::new(0));
        Ok(Sqlite { connection, prepared: Vec::new(), looks: Vec::new(), steps, remembers: false })
    }

    fn tables(&self) -> Result<Vec<Rows>, rusqlite::Error> {
        self.looks.iter().map(|sql| self.rows(sql)).collect()
    }

    fn rows(&self, sql: &str) -> Result<Rows, rusqlite::Error> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let count = statement.column_count();
        let mut rows = statement.query([])?;
        let mut found = Rows::new();
        while let Some(row) = rows.next()? {
            let cells: Result<Vec<Option<String>>, rusqlite::Error> =
                (0..count).map(|at| Ok(text(row.get_ref(at)?))).collect();
            found.push(cells?);
        }
        Ok(found)
    }

    fn run_one(&self, scene: Scene<'_>, run: &Run<'_>) -> Result<Outcome, rusqlite::Error> {
        let Some(prepared) = self.prepared.get(run.statement) else { return Ok(Outcome::default()) };
        let mut statement = self.connection.prepare_cached(&prepared.spoken.sql)?;
        let values = prepared.spoken.places.iter().map(|place| {
            let at = place.saturating_sub(1);
            value(run.parameters.get(at).cloned().flatten(), prepared.kinds.get(at))
        });
        let returns = statement.column_count();
        // What only reads leaves the count of what was written before it.
        let reads = statement.readonly();
        let mut rows = statement.query(params_from_iter(values))?;
        let (mut found, mut cut) = (Vec::new(), false);
        while let Some(row) = rows.next()? {
            let cells: Result<Vec<u64>, rusqlite::Error> =
                (0..returns).map(|at| Ok(cell(row.get_ref(at)?))).collect();
            found.push(hash(&cells?));
            if found.len() > MOST_ROWS && !run.writes {
                cut = true;
                break;
            }
        }
        drop(rows);
        drop(statement);
        found.sort_unstable();
        let (tag, state) = match run.writes {
            true => {
                let count = if reads { 0 } else { self.connection.changes() };
                (count.to_string(), Some(contents::state(scene, &self.tables()?)))
            }
            false => (String::new(), None),
        };
        Ok(Outcome { error: None, cut, rows: hash(&found), empty: found.is_empty(), tag, state })
    }

    /// Clears the tables and fills them; what a unique constraint refuses is left out.
    fn fill(&self, shape: &Shape, fill: &[Filling]) -> Result<(), rusqlite::Error> {
        // Rows are made to fit; where references are enforced, nothing else befalls them here.
        let enforced: bool = self.connection.query_row("PRAGMA foreign_keys", [], |row| row.get(0))?;
        let mut script = String::from("PRAGMA foreign_keys = OFF; BEGIN; ");
        for table in &shape.tables {
            script.push_str(&format!("DELETE FROM {}; ", full(&table.name)));
        }
        for filling in fill {
            let columns: Vec<String> = filling.columns.iter().map(|column| quote(column)).collect();
            let rows = filling.rows().join(", ");
            let name = full(&filling.table);
            script
                .push_str(&format!("INSERT OR IGNORE INTO {name} ({}) VALUES {rows}; ", columns.join(", ")));
        }
        if self.remembers {
            script.push_str(&format!(
                "DELETE FROM sqlite_sequence; INSERT INTO sqlite_sequence (name, seq) \
                 SELECT name, {FIRST_NUMBER} FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'; "
            ));
        }
        script.push_str(&format!("COMMIT; PRAGMA foreign_keys = {enforced};"));
        self.connection.execute_batch(&script)
    }
}

impl Database for Sqlite {
    fn set_up(&mut self, subject: &Subject) -> Result<Shape, WireError> {
        self.prepared.clear();
        self.connection = Connection::open_in_memory().map_err(failure)?;
        self.connection.set_prepared_statement_cache_capacity(1_000);
        // A statement that turns round for ever is stopped.
        let steps = self.steps.clone();
        let stop = move || steps.fetch_add(1, Ordering::Relaxed) > PATIENCE;
        self.connection.progress_handler(1_000, Some(stop)).map_err(failure)?;
        // Off is SQLite's default, on is that of some libraries.
        let enforced = hash(&subject.ddl).is_multiple_of(2);
        let pragmas = format!("PRAGMA foreign_keys = {enforced}; ");
        self.connection.execute_batch(&(pragmas + &subject.ddl)).map_err(failure)?;
        self.remembers = subject.ddl.contains("AUTOINCREMENT");
        let shape = Shape::of(subject, &contents::types(&subject.catalog), Vec::new(), String::new());
        self.looks = shape
            .tables
            .iter()
            .map(|table| {
                let columns: Vec<String> = table.columns.iter().map(|column| quote(&column.name)).collect();
                format!("SELECT {} FROM {}", columns.join(", "), full(&table.name))
            })
            .collect();
        Ok(shape)
    }

    fn prepare(
        &mut self,
        scene: Scene<'_>,
        statements: &[&Statement],
    ) -> Result<Vec<Result<Vec<Kind>, DbError>>, WireError> {
        self.prepared.clear();
        let mut found = Vec::new();
        for statement in statements {
            let spoken = speak(scene.subject.dialect, &statement.sql);
            let aim = Aim::new(scene.shape, &statement.sql, scene.universe);
            let kinds = kinds(scene, statement, aim.kinds(spoken.count()));
            let ready = self.connection.prepare_cached(&spoken.sql).map(|ready| ready.parameter_count());
            found.push(match ready {
                Ok(count) if count == spoken.places.len() => Ok(kinds.clone()),
                Ok(_) => Err(error("its parameters are not those of the statement".to_owned())),
                Err(why) => Err(error(why.to_string())),
            });
            self.prepared.push(Prepared { spoken, kinds });
        }
        Ok(found)
    }

    fn load(&mut self, shape: &Shape, fill: &[Filling]) -> Result<(), WireError> {
        self.steps.store(0, Ordering::Relaxed);
        self.fill(shape, fill).map_err(failure)
    }

    fn look(&mut self, scene: Scene<'_>) -> Result<State, WireError> {
        self.steps.store(0, Ordering::Relaxed);
        Ok(contents::state(scene, &self.tables().map_err(failure)?))
    }

    fn run(&mut self, scene: Scene<'_>, runs: &[Run<'_>]) -> Result<Vec<Outcome>, WireError> {
        let mut outcomes = Vec::with_capacity(runs.len());
        for run in runs {
            self.steps.store(0, Ordering::Relaxed);
            if run.writes {
                self.connection.execute_batch("BEGIN").map_err(failure)?;
            }
            let outcome = self.run_one(scene, run);
            // `OR ROLLBACK` ends it by itself.
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK").map_err(failure)?;
            }
            outcomes.push(
                outcome.unwrap_or_else(|why| Outcome { error: Some(refusal(&why)), ..Outcome::default() }),
            );
        }
        Ok(outcomes)
    }

    fn forget(&mut self) -> Result<(), WireError> {
        self.prepared.clear();
        self.connection.flush_prepared_statement_cache();
        Ok(())
    }
}

/// The kinds of the parameters: those of tenants are their keys'.
pub(crate) fn kinds(scene: Scene<'_>, statement: &Statement, mut kinds: Vec<Kind>) -> Vec<Kind> {
    for tenant in &statement.tenants {
        let TenantSource::Param(number) = tenant.source else { continue };
        let known = scene.shape.domains.get(tenant.domain.0 as usize).map(|(_, kind)| kind.clone());
        if let (Some(entry), Some(known)) = (kinds.get_mut((number as usize).saturating_sub(1)), known) {
            *entry = known;
        }
    }
    kinds
}

fn full(name: &QualifiedName) -> String {
    quote(&name.name)
}

fn value(text: Option<String>, kind: Option<&Kind>) -> Value {
    match (text, kind) {
        (None, _) => Value::Null,
        (Some(text), Some(Kind::Int | Kind::Bigint | Kind::Number)) => match (text.parse(), text.parse()) {
            (Ok(number), _) => Value::Integer(number),
            (_, Ok(number)) => Value::Real(number),
            _ => Value::Text(text),
        },
        (Some(text), _) => Value::Text(text),
    }
}

fn text(value: ValueRef<'_>) -> Option<String> {
    Some(match value {
        ValueRef::Null => return None,
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text).into_owned(),
    })
}

/// What stands for a value of a result: `1` and `'1'` are two.
fn cell(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::Null => hash(&()),
        ValueRef::Integer(number) => hash(&(1, number)),
        ValueRef::Real(number) => hash(&(2, number.to_bits())),
        ValueRef::Text(text) => hash(&(3, text)),
        ValueRef::Blob(bytes) => hash(&(4, bytes)),
    }
}

fn error(message: String) -> DbError {
    DbError { code: "SQLITE".to_owned(), message }
}

fn refusal(why: &rusqlite::Error) -> DbError {
    match why.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => {
            DbError { code: TIMEOUT.to_owned(), message: "it took too long".to_owned() }
        }
        Some(code) => DbError { code: format!("{code:?}"), message: why.to_string() },
        None => error(why.to_string()),
    }
}

fn failure(why: rusqlite::Error) -> WireError {
    WireError::Server(refusal(&why))
}
