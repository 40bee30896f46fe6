//! The experiment: run a statement as one tenant in many worlds, and compare what can be seen.
//!
//! All statements of a batch run in one world before the next is loaded, so that a world is loaded once; of a run nothing
//! stays.

use std::collections::BTreeMap;

use tenantry_prover::tenancy::DomainId;
use tenantry_prover::verdict::TenantSource;

use crate::aim::Aim;
use crate::database::{Database, Outcome, Run, Scene, State, TIMEOUT};
use crate::hints::Hints;
use crate::rng::Rng;
use crate::shape::Shape;
use crate::subject::{Statement, Subject, TenantParameter};
use crate::tableau::{Ground, Tableau, tableau};
use crate::universe::Universe;
use crate::values::Kind;
use crate::wire::{DbError, WireError};
use crate::world::{Maker, kinds};

/// What PostgreSQL, SQLite and MariaDB say of a row that is there already, or that is still referenced.
const REFUSED: [&str; 5] = ["23505", "23503", "ConstraintViolation", "1062", "1451"];

/// The server does not want the row beside those that are there.
fn is_refused(error: &DbError) -> bool {
    REFUSED.contains(&error.code.as_str())
}

/// A policy does not want the new row, which no privilege is asked for.
fn is_checked(error: &DbError) -> bool {
    error.code == "42501" && error.message.starts_with("new row violates")
}

/// Of so many seeds one makes a tenant that has few rows: what others have shows where it has none.
const SPARSE: u64 = 5;
/// Of so many seeds one makes a tenant that has no rows in one of the tables.
pub(crate) const LACKING: u64 = 7;
/// Of so many seeds one makes a tenant whose rows are alike in many columns.
const NARROW: u64 = 3;
/// Of so many seeds one makes tenants that have names which the statements mention.
const WORDED: u64 = 4;
/// Names before those that tenants have otherwise.
const FIRST: [&str; 3] = ["00lower", "00low", "00lows"];

/// How many times rows are made in one set of worlds that satisfy a statement as a whole.
const TABLEAUX: usize = 16;

/// How thoroughly to look.
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// In how many worlds.
    pub worlds: usize,
    /// With how many choices of the untrusted parameters.
    pub choices: usize,
    /// In every world with its rows in two orders, not in the first alone.
    pub orders: bool,
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
    database: &'a mut dyn Database,
    subject: &'a Subject,
    shape: Shape,
    left_out: usize,
}

/// What one run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sight {
    rows: u64,
    tag: String,
    state: State,
    empty: bool,
    error: Option<String>,
}

impl<'a> Lab<'a> {
    /// Creates the schema in the database, in place of what was there.
    pub fn set_up(database: &'a mut dyn Database, subject: &'a Subject) -> Result<Lab<'a>, WireError> {
        let shape = database.set_up(subject)?;
        Ok(Lab { database, subject, shape, left_out: 0 })
    }

    /// In how many worlds nothing was run, because the tenant's rows could not be made the same in them.
    pub fn left_out(&self) -> usize {
        self.left_out
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
        let mut groups: BTreeMap<(Vec<usize>, DomainId), Vec<usize>> = BTreeMap::new();
        for (at, statement) in statements.iter().enumerate() {
            let levels = statement.tenants.iter().filter_map(|tenant| {
                self.shape.domains.get(tenant.domain.0 as usize).map(|(level, _)| *level)
            });
            let mut levels: Vec<usize> = levels.collect();
            levels.sort_unstable();
            levels.dedup();
            groups.entry((levels, statement.setting())).or_default().push(at);
        }
        let mut findings: Vec<Option<Finding>> = vec![None; statements.len()];
        for ((levels, setting), members) in groups {
            let mut universe = Universe::new(&self.shape, &levels, seed.is_multiple_of(3));
            universe.setting = setting;
            let group: Vec<&Statement> = members.iter().filter_map(|at| statements.get(*at)).collect();
            let hints = Hints::of(&self.shape, group.iter().map(|statement| statement.sql.as_str()));
            if seed.is_multiple_of(WORDED) {
                // Tenants of the names that statements compare keys with, or whose names come first. Where tenants have
                // numbers too, a name that is one would be another tenant's.
                let is_text = |(_, kind): &(usize, Kind)| *kind == Kind::Text;
                let all_text = self.shape.domains.iter().all(is_text);
                universe.words = hints.key_words(&self.shape);
                universe.words.retain(|word| all_text || word.chars().all(char::is_alphabetic));
                // No two tenants are called alike, by whatever equality.
                let called = |word: &str, index| {
                    Kind::Text.tenant(index, false).is_some_and(|name| name.eq_ignore_ascii_case(word.trim()))
                };
                universe.words.retain(|word| (0..8).all(|index| !called(word, index)));
                Rng::new(seed).shuffle(&mut universe.words);
                universe.words.truncate(3);
                if universe.words.is_empty() && self.shape.domains.iter().any(is_text) {
                    universe.words = FIRST.map(str::to_owned).to_vec();
                }
            }
            let found = self.decide_group(&group, (&universe, &hints), effort, seed)?;
            for (at, finding) in members.into_iter().zip(found) {
                if let Some(entry) = findings.get_mut(at) {
                    *entry = Some(finding);
                }
            }
        }
        Ok(findings.into_iter().flatten().collect())
    }

    /// Whether a statement leaks where each source names the kind of tenant that its proof takes it for. Where that cannot be
    /// run, whatever kind the sources name.
    pub fn convicts(&mut self, statement: &Statement, effort: Effort, seed: u64) -> Result<bool, WireError> {
        // Which of several rows that fit an UPDATE takes depends on the order, if seldom in the first world.
        let effort = Effort { orders: true, ..effort };
        let read = self.subject.as_proved(statement, &self.subject.prove(statement));
        match self.decide(&[read], effort, seed)?.first() {
            Some(Finding::Leaks(_)) => return Ok(true),
            Some(Finding::Clean { .. } | Finding::Fleeting) => return Ok(false),
            // Where a name of any kind fits into any column, what is there answers as a type would elsewhere.
            Some(Finding::NeverRan(error)) if is_refused(error) || is_checked(error) => return Ok(false),
            Some(Finding::NeverRan(_) | Finding::Invalid(_) | Finding::OtherKind) | None => {}
        }
        let domains = (0..self.shape.domains.len()).filter_map(|at| u16::try_from(at).ok().map(DomainId));
        let readings: Vec<Statement> = domains.map(|domain| self.reading(statement, domain)).collect();
        let findings = self.decide(&readings, effort, seed)?;
        Ok(findings.iter().all(|finding| match finding {
            Finding::Clean { .. } | Finding::Fleeting => false,
            Finding::NeverRan(error) => !is_refused(error),
            _ => true,
        }))
    }

    /// The statement with tenants of another kind. A setting that carries the tenant beside a parameter goes with it.
    fn reading(&self, statement: &Statement, domain: DomainId) -> Statement {
        let beside = statement.tenants.iter().find_map(|tenant| self.subject.also(tenant));
        let beside =
            beside.filter(|setting| statement.tenants.iter().all(|tenant| tenant.source != *setting));
        let beside = beside.map(|source| TenantParameter { source, domain, nullable: false });
        let tenants = statement.tenants.iter().map(|tenant| TenantParameter { domain, ..tenant.clone() });
        Statement { sql: statement.sql.clone(), tenants: tenants.chain(beside).collect() }
    }

    /// Rows that satisfy some of the statements as a whole, each with the statement's place.
    fn tableaux(&self, statements: &[&Statement], universe: &Universe, seed: u64) -> Vec<(usize, Tableau)> {
        let ground = Ground { catalog: &self.subject.catalog, shape: &self.shape, universe };
        let mut rng = Rng::new(seed ^ 0x7AB1_EA00);
        let mut places: Vec<usize> = (0..statements.len()).collect();
        rng.shuffle(&mut places);
        let each = (TABLEAUX / statements.len().max(1)).clamp(1, 2);
        let mut made: Vec<(usize, Tableau)> = Vec::new();
        for at in places {
            if made.len() >= TABLEAUX {
                break;
            }
            let Some(statement) = statements.get(at) else { continue };
            let Some(plan) = self.subject.plan(statement) else { continue };
            for _ in 0..each {
                let tableau = tableau(ground, statement, &plan, made.len(), &mut rng);
                made.push((at, tableau));
            }
        }
        made
    }

    fn decide_group(
        &mut self,
        statements: &[&Statement],
        (universe, hints): (&Universe, &Hints),
        effort: Effort,
        seed: u64,
    ) -> Result<Vec<Finding>, WireError> {
        let scene = Scene { subject: self.subject, shape: &self.shape, universe };
        let prepared = self.database.prepare(scene, statements)?;
        let asked = self.tableaux(statements, universe, seed);
        let mut trials: Vec<Trial> = Vec::new();
        for ((at, statement), kinds) in statements.iter().enumerate().zip(prepared) {
            let mut rng = Rng::new(seed ^ (at as u64).wrapping_mul(0xD6E8_FEB8_6659_FD93));
            let mut trial = trial(scene, statement, effort, kinds, &mut rng);
            let asked: Vec<&Tableau> =
                asked.iter().filter(|(known, _)| *known == at).map(|(_, tableau)| tableau).collect();
            trial.take(&asked, statement);
            trials.push(trial);
        }
        let tableaux: Vec<Tableau> = asked.into_iter().map(|(_, tableau)| tableau).collect();
        let mut constants: Vec<String> = Vec::new();
        for statement in statements {
            for constant in crate::values::constants(&statement.sql) {
                if constants.len() < 24 && !constants.contains(&constant) {
                    constants.push(constant);
                }
            }
        }
        let tables = self.shape.tables.iter().enumerate();
        let is_named = |name: &str| statements.iter().any(|statement| statement.sql.contains(name));
        let named = tables.filter(|(_, table)| is_named(&table.name.name)).map(|(at, _)| at).collect();
        let inside = self.subject.tenancy.trust_foreign_keys;
        let maker = |backwards| Maker {
            shape: &self.shape,
            universe,
            constants: &constants,
            hints,
            seed,
            backwards,
            inside,
            sparse: seed % SPARSE == SPARSE - 1,
            narrow: seed % NARROW == NARROW - 1,
            lacking: seed % LACKING == LACKING - 1,
            named: &named,
            tableaux: &tableaux,
        };
        let mut own = None;
        for (number, kind) in kinds(effort.worlds).into_iter().enumerate() {
            if trials.iter().all(|trial| trial.finding.is_some()) {
                break;
            }
            // Twice, the rows in another order: a statement that depends on the order says nothing.
            let orders: &[bool] = if number == 0 || effort.orders { &[true, false] } else { &[false] };
            for backwards in orders {
                let fill = maker(*backwards).fill(kind, number as u64);
                self.database.load(&self.shape, &fill)?;
                let before = self.database.look(scene)?;
                // A row that a constraint refuses is left out, and with it what refers to it. Where that is the tenant's,
                // a difference says nothing.
                if *own.get_or_insert(before.own) != before.own {
                    self.left_out += 1;
                    continue;
                }
                run_world(self.database, scene, &mut trials, (number, *backwards), before)?;
            }
        }
        self.database.forget()?;
        Ok(trials.into_iter().map(Trial::finish).collect())
    }
}

/// A statement with the choices of its parameters.
fn trial(
    scene: Scene<'_>,
    statement: &Statement,
    effort: Effort,
    kinds: Result<Vec<Kind>, DbError>,
    rng: &mut Rng,
) -> Trial {
    let Scene { subject, shape, universe } = scene;
    let (kinds, finding) = match kinds {
        Ok(kinds) => (kinds, None),
        Err(error) => (Vec::new(), Some(Finding::Invalid(error))),
    };
    let aim = Aim::new(shape, &statement.sql, universe);
    let is_param = |tenant: &&TenantParameter| matches!(tenant.source, TenantSource::Param(_));
    let untrusted = kinds.len() > statement.tenants.iter().filter(is_param).count();
    let count = if untrusted { effort.choices } else { 1 };
    let nullable = statement.tenants.iter().any(|tenant| tenant.nullable);
    let tenant_of = |number: usize| {
        let source = u32::try_from(number + 1).map(TenantSource::Param);
        statement.tenants.iter().find(|tenant| Ok(&tenant.source) == source.as_ref())
    };
    let mut first: Vec<Option<String>> = Vec::new();
    let choices = (0..count * (1 + usize::from(nullable))).map(|choice| {
        // Nobody is the tenant of the later ones.
        let (choice, nobody) = (choice % count, choice >= count);
        let mut values: Vec<Option<String>> = kinds
            .iter()
            .enumerate()
            .map(|(number, kind)| match tenant_of(number) {
                Some(tenant) => universe.own_name(shape, tenant.domain).filter(|_| !nobody),
                None => aim.value(kind, number + 1, choice, rng),
            })
            .collect();
        let free: Vec<usize> = (0..kinds.len()).filter(|number| tenant_of(*number).is_none()).collect();
        if choice == 0 {
            first.clone_from(&values);
        } else if free.len() > 2 && rng.chance(60) {
            // What most likely comes through, but for one of them: of many at random one is nearly always refused.
            let changed = rng.pick(&free).copied();
            for number in free.into_iter().filter(|number| Some(*number) != changed) {
                if let (Some(value), Some(known)) = (values.get_mut(number), first.get(number)) {
                    value.clone_from(known);
                }
            }
        }
        Choice { parameters: values, nobody, first: None, last: None }
    });
    Trial {
        writes: writes(&statement.sql),
        numbers: numbers(&statement.sql),
        choices: choices.collect(),
        strict: subject.tenancy.strict_errors,
        finding,
        error: None,
        seen_something: false,
        ran: false,
    }
}

fn run_world(
    database: &mut dyn Database,
    scene: Scene<'_>,
    trials: &mut [Trial],
    world: (usize, bool),
    before: State,
) -> Result<(), WireError> {
    let mut places: Vec<(usize, usize)> = Vec::new();
    let mut runs: Vec<Run<'_>> = Vec::new();
    for (at, trial) in trials.iter().enumerate().filter(|(_, trial)| trial.finding.is_none()) {
        for (choice, Choice { parameters, .. }) in trial.choices.iter().enumerate() {
            places.push((at, choice));
            let Trial { writes, numbers, .. } = *trial;
            runs.push(Run { statement: at, parameters, writes, numbers });
        }
    }
    let outcomes = database.run(scene, &runs)?;
    for ((at, choice), outcome) in places.into_iter().zip(outcomes) {
        if let Some(trial) = trials.get_mut(at) {
            trial.observe(choice, world, outcome, before);
        }
    }
    Ok(())
}

/// One statement on its way through the worlds.
struct Trial {
    writes: bool,
    /// It may take numbers from sequences.
    numbers: bool,
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
    /// What the last of them showed.
    last: Option<(usize, Sight)>,
}

impl Trial {
    /// Gives parameters the values that go with rows which satisfy the statement as a whole, in all choices but the first.
    fn take(&mut self, tableaux: &[&Tableau], statement: &Statement) {
        for (choice, tableau) in self.choices.iter_mut().skip(1).zip(tableaux) {
            for (number, value) in &tableau.params {
                let is_tenant = |tenant: &TenantParameter| matches!(tenant.source, TenantSource::Param(known) if known as usize == *number);
                let entry = choice.parameters.get_mut(number.wrapping_sub(1));
                if let Some(entry) = entry.filter(|_| !statement.tenants.iter().any(is_tenant)) {
                    entry.clone_from(value);
                }
            }
        }
    }

    fn observe(&mut self, choice: usize, (world, backwards): (usize, bool), outcome: Outcome, before: State) {
        if self.finding.is_some() {
            return;
        }
        if let Some(error) = &outcome.error {
            if error.code == TIMEOUT {
                self.finding = Some(Finding::NeverRan(error.clone()));
                return;
            }
            self.error.get_or_insert_with(|| error.clone());
            if !self.strict {
                return;
            }
        } else {
            self.ran = true;
        }
        if outcome.cut {
            let message = "more rows than are looked at".to_owned();
            self.finding = Some(Finding::NeverRan(DbError { code: "54000".to_owned(), message }));
            return;
        }
        let sight = Sight {
            // What ended in an error changed nothing.
            state: outcome.state.unwrap_or(before),
            rows: outcome.rows,
            tag: outcome.tag,
            empty: outcome.empty,
            error: outcome.error.map(|error| error.code),
        };
        self.seen_something |= !sight.empty || sight.state.own != before.own;
        let Some(choice) = self.choices.get_mut(choice) else { return };
        let witness = |worlds, what| Witness { parameters: choice.parameters.clone(), worlds, what };
        if sight.state.others != before.others || choice.nobody && sight.state.own != before.own {
            self.finding = Some(Finding::Leaks(witness((world, world), Difference::OtherState)));
            return;
        }
        let last = choice.last.replace((world, sight.clone()));
        if last.is_some_and(|(same, known)| same == world && known != sight) {
            self.finding = Some(Finding::Fleeting);
            return;
        }
        if backwards {
            // What others change of it is looked at when the other order has been seen.
            return;
        }
        let Some((first, known)) = &choice.first else {
            choice.first = Some((world, sight));
            return;
        };
        let what = match () {
            () if known.error != sight.error => Difference::Outcome,
            () if known.rows != sight.rows => Difference::Result,
            () if known.state.own != sight.state.own => Difference::OwnState,
            () if known.tag != sight.tag => Difference::Affected,
            () => return,
        };
        self.finding = Some(Finding::Leaks(witness((*first, world), what)));
    }

    fn finish(self) -> Finding {
        match (self.finding, self.ran, self.error) {
            (Some(finding), _, _) => finding,
            (None, false, Some(error)) => Finding::NeverRan(error),
            (None, _, _) => Finding::Clean { vacuous: !self.seen_something },
        }
    }
}

/// Whether a statement may change rows, by its words.
pub fn writes(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.any(|word| {
        matches!(
            word,
            "insert"
                | "replace"
                | "update"
                | "delete"
                | "merge"
                | "truncate"
                | "do"
                | "copy"
                | "share"
                | "call"
        ) || word.starts_with("f_")
            || word.ends_with("val")
    })
}

/// Whether a statement may take numbers from sequences, by its words.
fn numbers(sql: &str) -> bool {
    let lower = sql.to_ascii_lowercase();
    ["insert", "merge", "val", "f_"].iter().any(|word| lower.contains(word))
}
