//! The experiment: run a statement as one tenant in many worlds, and compare what can be seen.
//!
//! All statements of a batch run in one world before the next is loaded, so that a world is loaded once; each run is a
//! transaction that is rolled back. Runs are sent many at a time, each with its own point of recovery.

use std::collections::{BTreeMap, hash_map::DefaultHasher};
use std::hash::{Hash, Hasher};

use tenantry_prover::tenancy::DomainId;
use tenantry_prover::verdict::TenantSource;

use crate::aim::Aim;
use crate::rng::Rng;
use crate::shape::{FIRST_NUMBER, Shape, TableShape, full, quote};
use crate::subject::{Statement, Subject, TenantParameter};
use crate::universe::Universe;
use crate::values::{Kind, quoted};
use crate::wire::{Connection, DbError, Reply, WireError};
use crate::world::{Filling, Maker, kinds};

/// How many runs are on their way at once: their requests must fit into a socket's buffer.
const CHUNK: usize = 24;
/// Results with more rows are not looked at: they say no more than smaller ones, and take long.
const MOST_ROWS: i32 = 1500;
/// What the server says where it gave up.
const TIMEOUT: &str = "57014";
/// What the server says of a parameter whose type it cannot find.
const UNTYPED: [&str; 3] = ["42P18", "42725", "42883"];

/// What schemas for a newer server call: an id of its own for each row is all that is asked of it.
const NEWER: &str = "DO $$ BEGIN IF to_regprocedure('pg_catalog.uuidv7()') IS NULL THEN \
     CREATE FUNCTION pg_catalog.uuidv7() RETURNS uuid LANGUAGE sql VOLATILE AS 'SELECT gen_random_uuid()'; END IF; END $$";

/// How thoroughly to look.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// In how many worlds.
    pub worlds: usize,
    /// With how many choices of the untrusted parameters.
    pub choices: usize,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// Nothing of the others was seen.
    Clean {
        /// No run returned or changed anything.
        vacuous: bool,
    },
    /// The others can be seen, or were changed.
    Leaks(Witness),
    /// Not compared: it depends on the order in which rows lie, or on the clock.
    Fleeting,
    /// It leaks for the kind of tenant that its parameters were taken for, and not for another kind.
    OtherKind,
    /// The server refuses the statement.
    Invalid(DbError),
    /// Every run ended in an error.
    NeverRan(DbError),
}

/// How a leak shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The parameters.
    pub parameters: Vec<Option<String>>,
    /// The numbers of the two worlds; one twice where others' rows changed.
    pub worlds: (usize, usize),
    /// What differs.
    pub what: Difference,
}

/// What differs between two worlds, or before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Success, or the error.
    Outcome,
    /// The rows returned.
    Result,
    /// How many rows the command counts.
    Affected,
    /// The tenant's own rows afterwards.
    OwnState,
    /// Everybody else's rows, before and after.
    OtherState,
}

impl Difference {
    /// A phrase for the reader.
    pub fn as_str(self) -> &'static str {
        match self {
            Difference::Outcome => "success or error differs between worlds",
            Difference::Result => "the result differs between worlds",
            Difference::Affected => "the count of rows differs between worlds",
            Difference::OwnState => "the tenant's rows afterwards differ between worlds",
            Difference::OtherState => "rows of others were changed",
        }
    }
}

/// A schema on the server, ready for experiments.
pub struct Lab<'a> {
    connection: &'a mut Connection,
    /// Fills the tables. It does so without triggers, and a session that switches them off forgets all its plans.
    loader: Connection,
    subject: &'a Subject,
    shape: Shape,
    /// Some constraint may be checked late.
    deferrable: bool,
    /// The kinds of the types that parameters may have, by their number on the server.
    kinds: BTreeMap<u32, Kind>,
}

/// What one run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sight {
    rows: u64,
    tag: String,
    own: u64,
    others: u64,
    empty: bool,
    error: Option<String>,
}

impl Sight {
    fn of_error(error: &DbError, before: (u64, u64)) -> Sight {
        let (own, others) = before;
        Sight { rows: 0, tag: String::new(), own, others, empty: true, error: Some(error.code.clone()) }
    }
}

impl<'a> Lab<'a> {
    /// Creates the schema in the connection's database, in place of what was there.
    pub fn set_up(connection: &'a mut Connection, subject: &'a Subject) -> Result<Lab<'a>, WireError> {
        let schemas = subject.catalog.tables.keys().map(|name| name.schema.clone());
        // The fewer plans there are to choose from, the sooner one is chosen; the tables are small.
        let mut reset = String::from(
            "SET client_min_messages = error; SET plan_cache_mode = force_generic_plan; SET statement_timeout = 0; \
             SET jit = off; SET max_parallel_workers_per_gather = 0; SET enable_mergejoin = off; \
             SET enable_bitmapscan = off; SET join_collapse_limit = 1; SET from_collapse_limit = 1; DEALLOCATE ALL; RESET search_path; ",
        );
        let schemas: std::collections::BTreeSet<String> = schemas.chain(["public".to_owned()]).collect();
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
        connection.simple(&reset)?;
        connection.simple(NEWER)?;
        connection.simple(&subject.ddl)?;
        if let Some(role) = &subject.role {
            let role = quote(role);
            connection.simple(&format!(
                "GRANT USAGE ON SCHEMA public TO {role}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {role}; \
                 GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {role}; \
                 GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}"
            ))?;
        }
        let shape = Shape::read(subject, connection)?;
        let kinds = parameter_kinds(connection)?;
        let mut loader = connection.sibling()?;
        loader.simple("SET client_min_messages = error; SET session_replication_role = replica")?;
        let deferrable = subject.ddl.to_ascii_uppercase().contains("DEFERRABLE");
        // A statement that is tried may run for ever; what makes the schema may take its time on a busy machine.
        connection.simple("SET statement_timeout = 700")?;
        Ok(Lab { connection, loader, subject, shape, deferrable, kinds })
    }

    /// The schema's shape.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Decides on statements; those whose tenants are of the same levels share their worlds.
    pub fn decide(
        &mut self,
        statements: &[Statement],
        effort: Effort,
        seed: u64,
    ) -> Result<Vec<Finding>, WireError> {
        let mut groups: BTreeMap<Vec<usize>, Vec<usize>> = BTreeMap::new();
        for (at, statement) in statements.iter().enumerate() {
            let levels = statement.tenants.iter().filter_map(|tenant| {
                self.shape.domains.get(tenant.domain.0 as usize).map(|(level, _)| *level)
            });
            let mut levels: Vec<usize> = levels.collect();
            levels.sort_unstable();
            levels.dedup();
            groups.entry(levels).or_default().push(at);
        }
        let mut findings: Vec<Option<Finding>> = vec![None; statements.len()];
        for (levels, members) in groups {
            let universe = Universe::new(&self.shape, &levels, seed.is_multiple_of(3));
            let group: Vec<&Statement> = members.iter().filter_map(|at| statements.get(*at)).collect();
            let found = self.decide_group(&group, &universe, effort, seed)?;
            for (at, finding) in members.into_iter().zip(found) {
                if let Some(entry) = findings.get_mut(at) {
                    *entry = Some(finding);
                }
            }
        }
        Ok(findings.into_iter().flatten().collect())
    }

    /// Whether a statement leaks whatever kind of tenant its parameters name. A proof reads a parameter as the kind of
    /// tenant that it is compared with, since nothing else tells it.
    pub fn convicts(&mut self, statement: &Statement, effort: Effort, seed: u64) -> Result<bool, WireError> {
        let domains = (0..self.shape.domains.len()).filter_map(|at| u16::try_from(at).ok().map(DomainId));
        let readings: Vec<Statement> = domains
            .map(|domain| Statement {
                sql: statement.sql.clone(),
                tenants: statement
                    .tenants
                    .iter()
                    .map(|tenant| TenantParameter { domain, ..tenant.clone() })
                    .collect(),
            })
            .collect();
        let findings = self.decide(&readings, effort, seed)?;
        Ok(findings.iter().all(|finding| !matches!(finding, Finding::Clean { .. })))
    }

    fn decide_group(
        &mut self,
        statements: &[&Statement],
        universe: &Universe,
        effort: Effort,
        seed: u64,
    ) -> Result<Vec<Finding>, WireError> {
        self.empty_tables()?;
        let mut trials = self.prepare(statements, universe, effort, seed)?;
        self.connection.queue_prepare("begin", "BEGIN", &[])?;
        self.connection.queue_prepare("rollback", "ROLLBACK", &[])?;
        self.connection.queue_prepare("reset", "RESET ROLE", &[])?;
        self.connection.queue_prepare("deferred", "SET CONSTRAINTS ALL IMMEDIATE", &[])?;
        let role = self.subject.role.as_ref();
        let role =
            role.map_or("SET LOCAL ROLE NONE".to_owned(), |role| format!("SET LOCAL ROLE {}", quote(role)));
        self.connection.queue_prepare("role", &role, &[])?;
        self.connection.queue_prepare("setting", &self.setting(universe), &[])?;
        let sequences = if self.shape.sequences.is_empty() { "SELECT 1" } else { &self.shape.sequences };
        self.connection.queue_prepare("sequences", sequences, &[])?;
        self.connection.queue_prepare("look", &self.look(universe), &[])?;
        self.connection.queue_sync();
        self.connection.flush()?;
        if let Some(error) = self.connection.reply()?.error {
            return Err(WireError::Server(error));
        }
        let mut constants: Vec<String> = Vec::new();
        for statement in statements {
            for constant in crate::values::constants(&statement.sql) {
                if constants.len() < 24 && !constants.contains(&constant) {
                    constants.push(constant);
                }
            }
        }
        let inside = self.subject.tenancy.trust_foreign_keys;
        let maker = |backwards| Maker {
            shape: &self.shape,
            universe,
            constants: &constants,
            seed,
            backwards,
            inside,
        };
        let first = kinds(1).into_iter().map(|kind| (0, maker(true).fill(kind, 0)));
        let worlds = kinds(effort.worlds).into_iter().enumerate();
        let worlds = worlds.map(|(number, kind)| (number, maker(false).fill(kind, number as u64)));
        // The first world twice, its rows in another order: a statement that depends on the order says nothing.
        let worlds: Vec<(usize, Vec<Filling>)> = first.chain(worlds).collect();
        for (number, fill) in worlds {
            self.load(&fill)?;
            self.run_world(&mut trials, number)?;
        }
        self.connection.simple("DEALLOCATE ALL")?;
        Ok(trials.into_iter().map(Trial::finish).collect())
    }

    fn empty_tables(&mut self) -> Result<(), WireError> {
        let names: Vec<String> = self.shape.tables.iter().map(|table| full(&table.name)).collect();
        if !names.is_empty() {
            self.connection.simple(&format!("TRUNCATE {} CASCADE", names.join(", ")))?;
        }
        Ok(())
    }

    /// Rows are made to keep keys and references, so that nothing need check them or act on them here.
    fn load(&mut self, fill: &[Filling]) -> Result<(), WireError> {
        let mut script = self.cleared();
        let statements = fill.iter().map(|filling| format!("{}{}; ", filling.head, filling.rows.join(", ")));
        script.extend(statements.chain(self.shape.refresh.iter().map(|statement| format!("{statement}; "))));
        script.push_str("COMMIT");
        match self.loader.simple(&script) {
            Ok(_) => return Ok(()),
            Err(WireError::Server(_)) => self.loader.simple("ROLLBACK")?,
            Err(error) => return Err(error),
        };
        self.load_row_by_row(fill)
    }

    /// The same where the schema has checks that some rows do not pass: those are left out, and what refers to them.
    fn load_row_by_row(&mut self, fill: &[Filling]) -> Result<(), WireError> {
        let cleared = self.cleared();
        self.loader.simple(&cleared)?;
        for filling in fill {
            for row in &filling.rows {
                self.loader.simple("SAVEPOINT row")?;
                match self.loader.simple(&format!("{}{row}", filling.head)) {
                    Ok(_) => {}
                    Err(WireError::Server(_)) => drop(self.loader.simple("ROLLBACK TO row")?),
                    Err(error) => return Err(error),
                }
            }
        }
        let mut script = String::new();
        for table in &self.shape.tables {
            for key in &table.foreign_keys {
                let Some(target) = self.shape.tables.get(key.target) else { continue };
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
        script.extend(self.shape.refresh.iter().map(|statement| format!("{statement}; ")));
        script.push_str("COMMIT");
        self.loader.simple(&script)?;
        Ok(())
    }

    /// The beginning of a transaction in which the tables are empty.
    fn cleared(&self) -> String {
        let mut script = String::from("BEGIN; ");
        for table in &self.shape.tables {
            script.push_str(&format!("DELETE FROM {}; ", full(&table.name)));
        }
        script
    }

    fn setting(&self, universe: &Universe) -> String {
        let Some(setting) = &self.subject.setting else { return "SELECT 1".to_owned() };
        let domain = self.subject.tenancy.domains.first().map(|_| DomainId(0));
        let value = domain.and_then(|domain| universe.own_name(&self.shape, domain)).unwrap_or_default();
        format!("SELECT set_config({}, {}, true)", quoted(setting), quoted(&value))
    }

    /// A query for what the tables hold: the tenant's rows and the others', as sums that do not depend on order.
    fn look(&self, universe: &Universe) -> String {
        let mut parts: Vec<String> = Vec::new();
        for (at, table) in self.shape.tables.iter().enumerate() {
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
            let hash = format!("hashtextextended({row}, {at})::numeric");
            parts.push(format!(
                "SELECT coalesce(sum({hash}) FILTER (WHERE o), 0) AS a, coalesce(sum({hash}) FILTER (WHERE NOT o), 0) AS b \
                 FROM (SELECT x, {} AS o FROM {} x) y",
                universe.owned(&self.shape, at, "x"),
                full(&table.name)
            ));
        }
        if parts.is_empty() {
            return "SELECT 0, 0".to_owned();
        }
        // The subquery names the row `x` as a column of the table's type.
        format!("SELECT sum(a), sum(b) FROM ({}) z", parts.join(" UNION ALL "))
    }

    /// Prepares the statements, and chooses their parameters.
    fn prepare(
        &mut self,
        statements: &[&Statement],
        universe: &Universe,
        effort: Effort,
        seed: u64,
    ) -> Result<Vec<Trial>, WireError> {
        let mut trials: Vec<Trial> = Vec::new();
        let mut replies = Vec::new();
        let numbered: Vec<(usize, &&Statement)> = statements.iter().enumerate().collect();
        for chunk in numbered.chunks(CHUNK) {
            for (at, statement) in chunk {
                self.connection.queue_prepare(&format!("s{at}"), &statement.sql, &[])?;
                self.connection.queue_sync();
            }
            self.connection.flush()?;
            for (at, statement) in chunk {
                let reply = self.connection.reply()?;
                replies.push((*at, *statement, reply));
            }
            for (at, statement, mut reply) in replies.drain(..) {
                let untyped =
                    reply.error.as_ref().is_some_and(|error| UNTYPED.contains(&error.code.as_str()));
                if untyped && !statement.tenants.is_empty() {
                    // A service binds a value of the key's type; the server need not find it out.
                    self.connection.queue_prepare(
                        &format!("s{at}"),
                        &statement.sql,
                        &self.types(statement),
                    )?;
                    self.connection.queue_sync();
                    self.connection.flush()?;
                    reply = self.connection.reply()?;
                }
                let mut rng = Rng::new(seed ^ (at as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
                trials.push(self.trial(at, statement, universe, effort, reply, &mut rng));
            }
        }
        Ok(trials)
    }

    /// The types of the parameters that carry a tenant, by their numbers on the server; 0 for the others.
    fn types(&self, statement: &Statement) -> Vec<u32> {
        let mut types = Vec::new();
        for tenant in &statement.tenants {
            let TenantSource::Param(number) = tenant.source else { continue };
            let kind = self.shape.domains.get(tenant.domain.0 as usize).map(|(_, kind)| kind);
            let known = self.kinds.iter().find(|(_, known)| Some(*known) == kind).map(|(oid, _)| *oid);
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

    fn trial(
        &self,
        at: usize,
        statement: &Statement,
        universe: &Universe,
        effort: Effort,
        reply: Reply,
        rng: &mut Rng,
    ) -> Trial {
        let finding = reply.error.map(Finding::Invalid);
        let aim = Aim::new(&self.shape, &statement.sql, universe.small);
        let is_param = |tenant: &&TenantParameter| matches!(tenant.source, TenantSource::Param(_));
        let untrusted = reply.parameters.len() > statement.tenants.iter().filter(is_param).count();
        let count = if untrusted { effort.choices } else { 1 };
        let nullable = statement.tenants.iter().any(|tenant| tenant.nullable);
        let choices = (0..count * (1 + usize::from(nullable))).map(|choice| {
            // Nobody is the tenant of the later ones.
            let (choice, nobody) = (choice % count, choice >= count);
            let parameters: Vec<Option<String>> = reply
                .parameters
                .iter()
                .enumerate()
                .map(|(number, oid)| {
                    let source = u32::try_from(number + 1).map(TenantSource::Param);
                    let tenant =
                        statement.tenants.iter().find(|tenant| Ok(&tenant.source) == source.as_ref());
                    match tenant {
                        Some(tenant) => universe.own_name(&self.shape, tenant.domain).filter(|_| !nobody),
                        None => {
                            let kind = self.kinds.get(oid).unwrap_or(&Kind::Other);
                            aim.value(kind, number + 1, choice, rng)
                        }
                    }
                })
                .collect();
            Choice { parameters, nobody, first: None }
        });
        Trial {
            name: format!("s{at}"),
            writes: writes(&statement.sql),
            numbers: numbers(&statement.sql),
            // What comes after it, where it writes: a look, and what makes that possible.
            after: 1 + usize::from(self.acts()) + usize::from(self.deferrable),
            choices: choices.collect(),
            strict: self.subject.tenancy.strict_errors,
            finding,
            error: None,
            seen_something: false,
            ran: false,
        }
    }

    fn run_world(&mut self, trials: &mut [Trial], world: usize) -> Result<(), WireError> {
        let before = self.before()?;
        let mut runs: Vec<(usize, usize)> = Vec::new();
        for (at, trial) in trials.iter().enumerate() {
            if trial.finding.is_none() {
                runs.extend((0..trial.choices.len()).map(|choice| (at, choice)));
            }
        }
        for chunk in runs.chunks(CHUNK) {
            for (at, choice) in chunk {
                if let Some(trial) = trials.get(*at) {
                    self.queue(trial, *choice)?;
                }
            }
            self.connection.flush()?;
            for (at, choice) in chunk {
                if let Some(trial) = trials.get_mut(*at) {
                    let reply = self.connection.reply()?;
                    if self.rolls_back(trial) {
                        self.connection.reply()?;
                    }
                    trial.observe(*choice, world, reply, before);
                }
            }
        }
        Ok(())
    }

    fn before(&mut self) -> Result<(u64, u64), WireError> {
        self.connection.queue_run("look", &[], 0)?;
        self.connection.queue_sync();
        self.connection.flush()?;
        let reply = self.connection.reply()?;
        match reply.error {
            Some(error) => Err(WireError::Server(error)),
            None => Ok(state(&reply)),
        }
    }

    fn queue(&mut self, trial: &Trial, choice: usize) -> Result<(), WireError> {
        let Some(choice) = trial.choices.get(choice) else { return Ok(()) };
        let most = if trial.writes { 0 } else { MOST_ROWS };
        if !self.rolls_back(trial) {
            self.connection.queue_run(&trial.name, &choice.parameters, most)?;
            self.connection.queue_sync();
            return Ok(());
        }
        self.connection.queue_run("begin", &[], 0)?;
        if trial.numbers {
            self.connection.queue_run("sequences", &[], 0)?;
        }
        if self.acts() {
            self.connection.queue_run("setting", &[], 0)?;
            self.connection.queue_run("role", &[], 0)?;
        }
        self.connection.queue_run(&trial.name, &choice.parameters, most)?;
        if trial.writes {
            if self.acts() {
                self.connection.queue_run("reset", &[], 0)?;
            }
            if self.deferrable {
                self.connection.queue_run("deferred", &[], 0)?;
            }
            self.connection.queue_run("look", &[], 0)?;
        }
        self.connection.queue_sync();
        self.connection.queue_run("rollback", &[], 0)?;
        self.connection.queue_sync();
        Ok(())
    }

    /// Statements run as somebody, or with a setting.
    fn acts(&self) -> bool {
        self.subject.role.is_some() || self.subject.setting.is_some()
    }

    /// A query that changes nothing needs no transaction of its own.
    fn rolls_back(&self, trial: &Trial) -> bool {
        trial.writes || self.acts()
    }
}

/// One statement on its way through the worlds.
struct Trial {
    name: String,
    writes: bool,
    /// It may take numbers from sequences.
    numbers: bool,
    after: usize,
    choices: Vec<Choice>,
    /// Errors count as observable.
    strict: bool,
    finding: Option<Finding>,
    error: Option<DbError>,
    seen_something: bool,
    ran: bool,
}

/// The parameters of some runs, and what the first of them showed.
struct Choice {
    parameters: Vec<Option<String>>,
    /// The tenant is NULL, so that no row is its own.
    nobody: bool,
    first: Option<(usize, Sight)>,
}

impl Trial {
    fn observe(&mut self, choice: usize, world: usize, reply: Reply, before: (u64, u64)) {
        if self.finding.is_some() {
            return;
        }
        let sight = match reply.error.clone() {
            Some(error) if error.code == TIMEOUT => {
                self.finding = Some(Finding::NeverRan(error));
                return;
            }
            Some(error) => {
                let sight = Sight::of_error(&error, before);
                self.error.get_or_insert(error);
                if !self.strict {
                    return;
                }
                sight
            }
            None => {
                self.ran = true;
                self.sight(&reply, before)
            }
        };
        if reply.cut {
            let message = "more rows than are looked at".to_owned();
            self.finding = Some(Finding::NeverRan(DbError { code: "54000".to_owned(), message }));
            return;
        }
        self.seen_something |= !sight.empty || sight.own != before.0;
        let Some(choice) = self.choices.get_mut(choice) else { return };
        let witness = |worlds, what| Witness { parameters: choice.parameters.clone(), worlds, what };
        if sight.others != before.1 || choice.nobody && sight.own != before.0 {
            self.finding = Some(Finding::Leaks(witness((world, world), Difference::OtherState)));
            return;
        }
        let Some((first, known)) = &choice.first else {
            choice.first = Some((world, sight));
            return;
        };
        let what = match () {
            () if known.error != sight.error => Difference::Outcome,
            () if known.rows != sight.rows => Difference::Result,
            () if known.own != sight.own => Difference::OwnState,
            () if known.tag != sight.tag => Difference::Affected,
            () => return,
        };
        self.finding = Some(match *first == world {
            true => Finding::Fleeting,
            false => Finding::Leaks(witness((*first, world), what)),
        });
    }

    fn sight(&self, reply: &Reply, before: (u64, u64)) -> Sight {
        let position = reply.commands.len().saturating_sub(if self.writes { self.after + 1 } else { 1 });
        let main = reply.commands.get(position);
        let (own, others) = if self.writes { state(reply) } else { before };
        let mut rows: Vec<&[u8]> =
            main.map_or(&[] as &[_], |main| main.rows.as_slice()).iter().map(|row| row.as_ref()).collect();
        rows.sort_unstable();
        let tag = main.map(|main| main.tag.clone()).unwrap_or_default();
        Sight { empty: rows.is_empty(), rows: hash(&rows), tag, own, others, error: None }
    }

    fn finish(self) -> Finding {
        match (self.finding, self.ran, self.error) {
            (Some(finding), _, _) => finding,
            (None, false, Some(error)) => Finding::NeverRan(error),
            (None, _, _) => Finding::Clean { vacuous: !self.seen_something },
        }
    }
}

/// The state that a reply ends with.
fn state(reply: &Reply) -> (u64, u64) {
    let row = reply.commands.last().and_then(|done| done.cells().into_iter().next());
    let mut cells = row.into_iter().flatten();
    (hash(&cells.next()), hash(&cells.next()))
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Whether a statement may change rows, by its words.
pub fn writes(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.any(|word| {
        matches!(
            word,
            "insert" | "update" | "delete" | "merge" | "truncate" | "do" | "copy" | "share" | "call"
        ) || word.starts_with("f_")
            || word.ends_with("val")
    })
}

/// Whether a statement may take numbers from sequences, by its words.
fn numbers(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    ["insert", "merge", "val", "f_"].iter().any(|word| lower.contains(word))
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
