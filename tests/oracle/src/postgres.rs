//! PostgreSQL: runs are sent many at a time, each with its own point of recovery.

use std::collections::BTreeMap;

use tenantry_prover::catalog::QualifiedName;
use tenantry_prover::verdict::TenantSource;

use crate::database::{Database, MOST_ROWS, Outcome, Run, Scene, State, hash};
use crate::shape::{FIRST_NUMBER, Shape, TableShape, Types, full, quote};
use crate::subject::{Statement, Subject};
use crate::values::{Kind, quoted};
use crate::wire::{Connection, DbError, Reply, WireError, cells};
use crate::world::Filling;

/// How many runs are on their way at once: their requests must fit into a socket's buffer.
const CHUNK: usize = 24;
/// How many schemas are made in one session. A session keeps what it learnt of each row type and goes through all of it
/// whenever a table changes, so that it gets slower with every schema; dead rows of the system's tables are cleared away too.
const SCHEMAS_OF_A_SESSION: u32 = 20;
/// What the server says of a parameter whose type it cannot find.
const UNTYPED: [&str; 3] = ["42P18", "42725", "42883"];

/// What schemas for a newer server call: an id of its own for each row is all that is asked of it.
const NEWER: &str = "DO $$ BEGIN IF to_regprocedure('pg_catalog.uuidv7()') IS NULL THEN \
     CREATE FUNCTION pg_catalog.uuidv7() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT gen_random_uuid()'; END IF; END $$";

/// A scratch database on a PostgreSQL.
pub struct Postgres {
    /// Runs statements.
    pub connection: Connection,
    /// Fills the tables. It does so without triggers, and a session that switches them off forgets all its plans.
    loader: Connection,
    /// Some constraint may be checked late.
    deferrable: bool,
    /// Statements run as somebody, or with a setting.
    acts: bool,
    /// The kinds of the types that parameters may have, by their number on the server.
    kinds: BTreeMap<u32, Kind>,
    /// How many schemas were made in this session.
    schemas: u32,
    /// What the tables hold before anything runs: their rows' number, and what stands for the tenant's and for the others'.
    held: [Option<String>; 3],
}

impl Postgres {
    /// On a connection to a scratch database.
    pub fn new(connection: Connection) -> Result<Postgres, WireError> {
        let mut loader = connection.sibling()?;
        loader.simple("SET client_min_messages = error; SET session_replication_role = replica")?;
        Ok(Postgres {
            connection,
            loader,
            deferrable: false,
            acts: false,
            kinds: BTreeMap::new(),
            schemas: 0,
            held: [const { None }; 3],
        })
    }
}

impl Database for Postgres {
    fn set_up(&mut self, subject: &Subject) -> Result<Shape, WireError> {
        let schemas = subject.catalog.tables.keys().map(|name| name.schema.clone());
        // The fewer plans there are to choose from, the sooner one is chosen; the tables are small.
        let mut reset = String::from(
            "SET client_min_messages = error; SET plan_cache_mode = force_generic_plan; SET statement_timeout = 0; \
             SET jit = off; SET max_parallel_workers_per_gather = 0; SET enable_mergejoin = off; \
             SET enable_bitmapscan = off; SET join_collapse_limit = 1; SET from_collapse_limit = 1; DEALLOCATE ALL; RESET search_path; ",
        );
        // A schema named like the role, of an earlier subject, would be searched first.
        let schemas = schemas.chain(subject.role.clone()).chain(["public".to_owned()]);
        let schemas: std::collections::BTreeSet<String> = schemas.collect();
        for schema in schemas {
            reset.push_str(&format!("DROP SCHEMA IF EXISTS {} CASCADE; ", quote(&schema)));
        }
        reset.push_str("CREATE SCHEMA public; ");
        if let Some(role) = &subject.role {
            reset.push_str(&format!(
                "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {}) THEN CREATE ROLE {}; END IF; END $$; ",
                quoted(role),
                quote(role)
            ));
        }
        if self.schemas == SCHEMAS_OF_A_SESSION {
            self.renew()?;
            self.connection.simple("VACUUM")?;
        }
        self.schemas += 1;
        self.connection.simple(&reset)?;
        self.connection.simple(NEWER)?;
        self.connection.simple(&subject.ddl)?;
        if let Some(role) = &subject.role {
            let role = quote(role);
            self.connection.simple(&format!(
                "GRANT USAGE ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; \
                 GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}; \
                 GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}"
            ))?;
        }
        let refresh = subject.catalog.views.values().filter(|view| view.materialized);
        let refresh = refresh.map(|view| format!("REFRESH MATERIALIZED VIEW {}", full(&view.name)));
        let types = column_types(&mut self.connection)?;
        let sequences = sequences(&mut self.connection)?;
        self.kinds = parameter_kinds(&mut self.connection)?;
        self.deferrable = subject.ddl.to_ascii_uppercase().contains("DEFERRABLE");
        self.acts = subject.role.is_some() || subject.setting.is_some();
        // A statement that is tried may run for ever; what makes the schema may take its time on a busy machine.
        self.connection.simple("SET statement_timeout = 700")?;
        Ok(Shape::of(subject, &types, refresh.collect(), sequences))
    }

    fn prepare(
        &mut self,
        scene: Scene<'_>,
        statements: &[&Statement],
    ) -> Result<Vec<Result<Vec<Kind>, DbError>>, WireError> {
        self.empty_tables(scene.shape)?;
        let mut prepared = Vec::new();
        let numbered: Vec<(usize, &&Statement)> = statements.iter().enumerate().collect();
        for chunk in numbered.chunks(CHUNK) {
            for (at, statement) in chunk {
                self.connection.queue_prepare(&format!("s{at}"), &statement.sql, &[])?;
                self.connection.queue_sync();
            }
            self.connection.flush()?;
            let replies: Result<Vec<Reply>, WireError> =
                chunk.iter().map(|_| self.connection.reply()).collect();
            for ((at, statement), mut reply) in chunk.iter().zip(replies?) {
                let untyped =
                    reply.error.as_ref().is_some_and(|error| UNTYPED.contains(&error.code.as_str()));
                if untyped && !statement.tenants.is_empty() {
                    // A service binds a value of the key's type; the server need not find it out.
                    let types = self.types(scene.shape, statement);
                    self.connection.queue_prepare(&format!("s{at}"), &statement.sql, &types)?;
                    self.connection.queue_sync();
                    self.connection.flush()?;
                    reply = self.connection.reply()?;
                }
                let kind = |oid: &u32| self.kinds.get(oid).cloned().unwrap_or(Kind::Other);
                prepared.push(match reply.error {
                    Some(error) => Err(error),
                    None => Ok(reply.parameters.iter().map(kind).collect()),
                });
            }
        }
        self.prepare_frame(scene)?;
        Ok(prepared)
    }

    /// Nothing need check the rows or act on them here.
    fn load(&mut self, shape: &Shape, fill: &[Filling]) -> Result<(), WireError> {
        let mut script = cleared(shape);
        for filling in fill {
            script.push_str(&format!("COPY {} ({}) FROM STDIN; ", full(&filling.table), columns(filling)));
        }
        script.extend(shape.refresh.iter().map(|statement| format!("{statement}; ")));
        script.push_str("COMMIT");
        match self.loader.copy(&script, &fill.iter().map(copied).collect::<Vec<_>>()) {
            Ok(()) => return Ok(()),
            Err(WireError::Server(_)) => self.loader.simple("ROLLBACK")?,
            Err(error) => return Err(error),
        };
        self.load_row_by_row(shape, fill)
    }

    fn look(&mut self, _: Scene<'_>) -> Result<State, WireError> {
        self.connection.queue_run("hold", &[], 0)?;
        self.connection.queue_sync();
        self.connection.flush()?;
        let reply = self.connection.reply()?;
        if let Some(error) = reply.error {
            return Err(WireError::Server(error));
        }
        let row = reply.commands.last().and_then(|done| done.cells().into_iter().next());
        let mut cells = row.into_iter().flatten();
        self.held = std::array::from_fn(|_| cells.next().flatten());
        Ok(State { own: hash(&cells.next()), others: hash(&cells.next()) })
    }

    fn run(&mut self, _: Scene<'_>, runs: &[Run<'_>]) -> Result<Vec<Outcome>, WireError> {
        let mut outcomes = Vec::with_capacity(runs.len());
        for chunk in runs.chunks(CHUNK) {
            for run in chunk {
                self.queue(run)?;
            }
            self.connection.flush()?;
            for run in chunk {
                let reply = self.connection.reply()?;
                if self.rolls_back(run) {
                    self.connection.reply()?;
                }
                outcomes.push(self.outcome(run, reply));
            }
        }
        Ok(outcomes)
    }

    fn forget(&mut self) -> Result<(), WireError> {
        self.connection.simple("DEALLOCATE ALL").map(drop)
    }

    fn renew(&mut self) -> Result<(), WireError> {
        *self = Postgres::new(self.connection.sibling()?)?;
        Ok(())
    }
}

impl Postgres {
    fn empty_tables(&mut self, shape: &Shape) -> Result<(), WireError> {
        let names: Vec<String> = shape.tables.iter().map(|table| full(&table.name)).collect();
        if !names.is_empty() {
            self.connection.simple(&format!("TRUNCATE {} CASCADE", names.join(", ")))?;
        }
        Ok(())
    }

    /// Prepares what stands around statements.
    fn prepare_frame(&mut self, scene: Scene<'_>) -> Result<(), WireError> {
        let role = scene.subject.role.as_ref();
        let role =
            role.map_or("SET LOCAL ROLE NONE".to_owned(), |role| format!("SET LOCAL ROLE {}", quote(role)));
        let sequences = if scene.shape.sequences.is_empty() { "SELECT 1" } else { &scene.shape.sequences };
        let frame = [
            ("begin", "BEGIN"),
            ("rollback", "ROLLBACK"),
            ("reset", "RESET ROLE"),
            ("deferred", "SET CONSTRAINTS ALL IMMEDIATE"),
            ("role", &role),
            ("setting", &setting(scene)),
            ("sequences", sequences),
            ("hold", &hold(scene)),
            ("look", &look(scene)),
        ];
        for (name, sql) in frame {
            self.connection.queue_prepare(name, sql, &[])?;
        }
        self.connection.queue_sync();
        self.connection.flush()?;
        match self.connection.reply()?.error {
            Some(error) => Err(WireError::Server(error)),
            None => Ok(()),
        }
    }

    /// As `load` where the schema has checks that some rows do not pass: those are left out, and what refers to them.
    fn load_row_by_row(&mut self, shape: &Shape, fill: &[Filling]) -> Result<(), WireError> {
        self.loader.simple(&cleared(shape))?;
        for filling in fill {
            for row in filling.rows() {
                self.loader.simple("SAVEPOINT row")?;
                match self.loader.simple(&format!("{}{row}", head(filling))) {
                    Ok(_) => {}
                    Err(WireError::Server(_)) => drop(self.loader.simple("ROLLBACK TO row")?),
                    Err(error) => return Err(error),
                }
            }
        }
        let mut script = String::new();
        for table in &shape.tables {
            for key in &table.foreign_keys {
                let Some(target) = shape.tables.get(key.target) else { continue };
                let column =
                    |of: &TableShape, at: usize| of.columns.get(at).map(|column| quote(&column.name));
                let pairs = key.columns.iter().zip(&key.target_columns).filter_map(|(from, to)| {
                    Some(format!("p.{} = c.{}", column(target, *to)?, column(table, *from)?))
                });
                let present = key
                    .columns
                    .iter()
                    .filter_map(|at| Some(format!("c.{} IS NOT NULL", column(table, *at)?)));
                script.push_str(&format!(
                    "DELETE FROM {} c WHERE {} AND NOT EXISTS (SELECT 1 FROM {} p WHERE {}); ",
                    full(&table.name),
                    present.collect::<Vec<_>>().join(" AND "),
                    full(&target.name),
                    pairs.collect::<Vec<_>>().join(" AND ")
                ));
            }
        }
        script.extend(shape.refresh.iter().map(|statement| format!("{statement}; ")));
        script.push_str("COMMIT");
        self.loader.simple(&script)?;
        Ok(())
    }

    /// The types of the parameters that carry a tenant, by their numbers on the server; 0 for the others.
    fn types(&self, shape: &Shape, statement: &Statement) -> Vec<u32> {
        let mut types = Vec::new();
        for tenant in &statement.tenants {
            let TenantSource::Param(number) = tenant.source else { continue };
            let kind = shape.domains.get(tenant.domain.0 as usize).map(|(_, kind)| kind);
            let declared = kind.and_then(Kind::declared).filter(|oid| self.kinds.contains_key(oid));
            let any = || self.kinds.iter().find(|(_, known)| Some(*known) == kind).map(|(oid, _)| *oid);
            let known = declared.or_else(any);
            let at = (number as usize).saturating_sub(1);
            if types.len() <= at {
                types.resize(at + 1, 0);
            }
            if let (Some(entry), Some(known)) = (types.get_mut(at), known) {
                *entry = known;
            }
        }
        types
    }

    fn queue(&mut self, run: &Run<'_>) -> Result<(), WireError> {
        let name = format!("s{}", run.statement);
        let most = if run.writes { 0 } else { i32::try_from(MOST_ROWS).unwrap_or(0) };
        if !self.rolls_back(run) {
            self.connection.queue_run(&name, run.parameters, most)?;
            self.connection.queue_sync();
            return Ok(());
        }
        self.connection.queue_run("begin", &[], 0)?;
        if run.numbers {
            self.connection.queue_run("sequences", &[], 0)?;
        }
        if self.acts {
            self.connection.queue_run("setting", &[], 0)?;
            self.connection.queue_run("role", &[], 0)?;
        }
        self.connection.queue_run(&name, run.parameters, most)?;
        if run.writes {
            if self.acts {
                self.connection.queue_run("reset", &[], 0)?;
            }
            if self.deferrable {
                self.connection.queue_run("deferred", &[], 0)?;
            }
            self.connection.queue_run("look", &self.held, 0)?;
        }
        self.connection.queue_sync();
        self.connection.queue_run("rollback", &[], 0)?;
        self.connection.queue_sync();
        Ok(())
    }

    /// A query that changes nothing needs no transaction of its own.
    fn rolls_back(&self, run: &Run<'_>) -> bool {
        run.writes || self.acts
    }

    fn outcome(&self, run: &Run<'_>, reply: Reply) -> Outcome {
        if let Some(error) = reply.error {
            return Outcome { error: Some(error), cut: reply.cut, ..Outcome::default() };
        }
        // What comes after it, where it writes: a look, and what makes that possible.
        let after = 1 + usize::from(self.acts) + usize::from(self.deferrable);
        let position = reply.commands.len().saturating_sub(if run.writes { after + 1 } else { 1 });
        let main = reply.commands.get(position);
        let mut rows: Vec<&[u8]> =
            main.map_or(&[] as &[_], |main| main.rows.as_slice()).iter().map(|row| row.as_ref()).collect();
        rows.sort_unstable();
        Outcome {
            error: None,
            cut: reply.cut,
            rows: hash(&rows),
            empty: match rows.as_slice() {
                [] => true,
                [row] => counts_nothing(row),
                _ => false,
            },
            tag: main.map(|main| main.tag.clone()).unwrap_or_default(),
            state: run.writes.then(|| state(&reply)),
        }
    }
}

/// Every value of a row is NULL or zero: what an aggregate over no rows gives.
fn counts_nothing(row: &[u8]) -> bool {
    cells(row).iter().flatten().all(|value| value == "0")
}

fn columns(filling: &Filling) -> String {
    filling.columns.iter().map(|column| quote(column)).collect::<Vec<_>>().join(", ")
}

fn head(filling: &Filling) -> String {
    format!("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ", full(&filling.table), columns(filling))
}

/// The rows as COPY reads them.
fn copied(filling: &Filling) -> String {
    let mut text = String::new();
    for row in &filling.cells {
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                text.push('\t');
            }
            let Some(cell) = cell else {
                text.push_str("\\N");
                continue;
            };
            for letter in cell.chars() {
                match letter {
                    '\\' => text.push_str("\\\\"),
                    '\t' => text.push_str("\\t"),
                    '\n' => text.push_str("\\n"),
                    '\r' => text.push_str("\\r"),
                    letter => text.push(letter),
                }
            }
        }
        text.push('\n');
    }
    text
}

/// The beginning of a transaction in which the tables are empty.
fn cleared(shape: &Shape) -> String {
    let mut script = String::from("BEGIN; ");
    for table in &shape.tables {
        script.push_str(&format!("DELETE FROM {}; ", full(&table.name)));
    }
    script
}

fn setting(scene: Scene<'_>) -> String {
    let Some(setting) = &scene.subject.setting else { return "SELECT 1".to_owned() };
    let value = scene.universe.own_name(scene.shape, scene.universe.setting).unwrap_or_default();
    format!("SELECT set_config({}, {}, true)", quoted(setting), quoted(&value))
}

/// For each table, its name and a query of one row for what it holds: the tenant's rows and the others', as sums that do not
/// depend on order, and how many there are.
fn sums(scene: Scene<'_>) -> Vec<(String, String)> {
    let tables = scene.shape.tables.iter().enumerate();
    let sums = tables.map(|(at, table)| {
        let fleeting: Vec<&str> = table
            .columns
            .iter()
            .filter(|column| column.fleeting)
            .map(|column| column.name.as_str())
            .collect();
        // What is another value each time tells nothing, nor does which row got which new number.
        let without = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
            format!("(to_jsonb(x) - ARRAY[{}])::text", names.join(", "))
        };
        let row = if fleeting.is_empty() { "x::text".to_owned() } else { without(&fleeting) };
        let numbered = table.columns.iter().find(|column| column.numbered);
        let row = match numbered {
            None => row,
            Some(numbered) => {
                let names: Vec<&str> = fleeting.iter().copied().chain([numbered.name.as_str()]).collect();
                format!(
                    "CASE WHEN (x).{} > {FIRST_NUMBER} THEN {} ELSE {row} END",
                    quote(&numbered.name),
                    without(&names)
                )
            }
        };
        let (name, owned) = (full(&table.name), scene.universe.owned(scene.shape, at, "x"));
        // OFFSET keeps the planner from reckoning what a row is twice.
        let sums = format!(
            "SELECT count(*) AS n, coalesce(sum(h) FILTER (WHERE o), 0) AS a, coalesce(sum(h) FILTER (WHERE NOT o), 0) AS b \
             FROM (SELECT hashtextextended({row}, {at}) AS h, {owned} AS o FROM {name} x OFFSET 0) y"
        );
        (name, sums)
    });
    sums.collect()
}

/// A query for what each of the tables holds, and all of them.
fn hold(scene: Scene<'_>) -> String {
    let sums: Vec<String> = sums(scene).into_iter().map(|(_, sums)| format!("({sums})")).collect();
    if sums.is_empty() {
        return "SELECT NULL, NULL, NULL, 0, 0".to_owned();
    }
    // Parts of UNION ALL come one after another.
    format!(
        "SELECT array_agg(n), array_agg(a), array_agg(b), sum(a), sum(b) FROM ({}) z",
        sums.join(" UNION ALL ")
    )
}

/// A query for what the tables hold now. Only those are read row by row that have rows which the transaction made, or not as
/// many as before, and those whose rows belong to whom theirs do.
fn look(scene: Scene<'_>) -> String {
    let sums = sums(scene);
    if sums.is_empty() {
        return "SELECT 0, 0 WHERE $1::bigint[] IS NULL AND $2::numeric[] IS NULL AND $3::numeric[] IS NULL"
            .to_owned();
    }
    let (mut changed, mut parts) = (Vec::new(), Vec::new());
    for (at, (name, sums)) in sums.iter().enumerate() {
        let place = at + 1;
        changed.push(format!(
            "(SELECT count(*) <> ($1::bigint[])[{place}] OR coalesce(bool_or(age(x.xmin) <= 0), false) FROM {name} x) AS c{at}"
        ));
        let above = scene.shape.above(at).into_iter().map(|at| format!("c{at}"));
        let asked: Vec<String> = above.collect();
        parts.push(format!(
            "SELECT a - ($2::numeric[])[{place}] AS a, b - ($3::numeric[])[{place}] AS b FROM ({sums} HAVING (SELECT {} FROM c)) y",
            asked.join(" OR ")
        ));
    }
    format!(
        "WITH c AS MATERIALIZED (SELECT {}) SELECT (SELECT sum(v) FROM unnest($2::numeric[]) v) + coalesce(sum(a), 0), \
         (SELECT sum(v) FROM unnest($3::numeric[]) v) + coalesce(sum(b), 0) FROM ({}) z",
        changed.join(", "),
        parts.join(" UNION ALL ")
    )
}

/// The state that a reply ends with.
fn state(reply: &Reply) -> State {
    let row = reply.commands.last().and_then(|done| done.cells().into_iter().next());
    let mut cells = row.into_iter().flatten();
    State { own: hash(&cells.next()), others: hash(&cells.next()) }
}

fn column_types(connection: &mut Connection) -> Result<Types, WireError> {
    let sql = "SELECT n.nspname, c.relname, a.attname, CASE WHEN t.typtype = 'd' THEN b.typname ELSE t.typname END, \
               a.attnotnull OR t.typnotnull, \
               (SELECT string_agg(e.enumlabel, E'\\x1f' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) \
               FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
               JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype \
               WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' \
               AND n.nspname NOT IN ('pg_catalog', 'information_schema')";
    let mut types = Types::new();
    for row in connection.simple(sql)?.iter().flat_map(|done| done.cells()) {
        let [Some(schema), Some(table), Some(column), Some(ty), not_null, labels] = row.as_slice() else {
            continue;
        };
        let labels: Vec<String> =
            labels.iter().flat_map(|labels| labels.split('\x1f')).map(str::to_owned).collect();
        let name = QualifiedName { schema: schema.clone(), name: table.clone() };
        let entry = (Kind::of(ty, &labels), not_null.as_deref() == Some("t"));
        types.insert((name, column.clone()), entry);
    }
    Ok(types)
}

/// Numbers that the database gives out start far above those that rows have here.
fn sequences(connection: &mut Connection) -> Result<String, WireError> {
    let sql = format!(
        "SELECT string_agg(format('setval(%L::regclass, {FIRST_NUMBER})', c.oid::regclass), ', ') FROM pg_class c \
               JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S'"
    );
    let cells = connection.simple(&sql)?.iter().flat_map(|done| done.cells()).next();
    let list = cells.and_then(|row| row.into_iter().next().flatten());
    Ok(list.map_or(String::new(), |list| format!("SELECT {list}")))
}

fn parameter_kinds(connection: &mut Connection) -> Result<BTreeMap<u32, Kind>, WireError> {
    let sql = "SELECT t.oid::text, t.typname, \
               (SELECT string_agg(e.enumlabel, E'\\x1f' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid) \
               FROM pg_type t WHERE t.typtype IN ('b', 'e')";
    let mut kinds = BTreeMap::new();
    for row in connection.simple(sql)?.iter().flat_map(|done| done.cells()) {
        let [Some(oid), Some(name), labels] = row.as_slice() else { continue };
        let labels: Vec<String> =
            labels.iter().flat_map(|labels| labels.split('\x1f')).map(str::to_owned).collect();
        if let Ok(oid) = oid.parse() {
            kinds.insert(oid, Kind::of(name, &labels));
        }
    }
    Ok(kinds)
}
