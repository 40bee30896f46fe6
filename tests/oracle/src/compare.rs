//! The long run: statements at random, the prover's verdict, the oracle's finding, and what becomes of the two.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tenantry_policy::Dialect;
use tenantry_prover::verdict::Verdict;

use crate::constructs;
use crate::database::Database;
use crate::experiment::{Effort, Finding, LACKING, Lab, Witness};
use crate::grammar::{self, Made};
use crate::hosts::Host;
use crate::model::Model;
use crate::mutate;
use crate::plain_schemas;
use crate::rng::Rng;
use crate::schemas::{self, SchemaText, Wanted};
use crate::server::ServerError;
use crate::shrink;
use crate::subject::{Statement, Subject, parse};
use crate::wire::WireError;

/// What to try.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// On which database.
    pub dialect: Dialect,
    /// How many statements.
    pub statements: usize,
    /// What every schema has.
    pub wanted: Wanted,
    /// From which seed.
    pub seed: u64,
    /// On how many connections at once.
    pub jobs: usize,
    /// How many statements share a schema.
    pub per_schema: usize,
    /// How thoroughly.
    pub effort: Effort,
    /// How often a statement that is clean and not scoped is looked at again, each time in other worlds.
    pub rounds: u64,
    /// On one schema in how many such statements are looked at again; precision is reckoned on those schemas alone.
    pub again: u64,
    /// Stop at the first unsound verdict.
    pub first: bool,
    /// Stop after so many seconds.
    pub seconds: Option<u64>,
    /// Keep every statement that is clean and not scoped, not only one for each cause.
    pub list: bool,
}

impl Default for Options {
    fn default() -> Options {
        let effort = Effort { worlds: 6, choices: 3, orders: false };
        Options {
            dialect: Dialect::Postgres,
            statements: 20_000,
            wanted: Wanted::Anything,
            seed: 1,
            rounds: 6,
            again: 4,
            jobs: 2,
            per_schema: 150,
            effort,
            first: false,
            seconds: None,
            list: false,
        }
    }
}

/// A statement that the prover calls scoped, and that leaks.
#[derive(Clone, Debug)]
pub struct Unsound {
    /// The schema.
    pub schema: SchemaText,
    /// The statement.
    pub statement: Statement,
    /// How it leaks.
    pub witness: Witness,
    /// How many statements were tried until then.
    pub after: usize,
}

/// How often something was seen, and the first example.
#[derive(Clone, Debug, Default)]
pub struct Count {
    /// How often.
    pub times: usize,
    /// A short one.
    pub example: String,
}

/// The figures of a run.
#[derive(Debug, Default)]
pub struct Tally {
    /// Statements by verdict and finding.
    pub matrix: BTreeMap<(&'static str, &'static str), usize>,
    /// Statements of schemas where what is clean and not scoped was looked at again. What is said of clean ones below is of
    /// these alone: elsewhere the worlds are too few to say so.
    pub sampled: usize,
    /// Clean ones, and those of them that are scoped.
    pub clean: [usize; 2],
    /// The same, on schemas whose keys have an equality that tells all values apart: by another nothing can be proved.
    pub exact: [usize; 2],
    /// By construct: all, clean, clean and scoped.
    pub constructs: BTreeMap<&'static str, [usize; 3]>,
    /// By rule of TENANCY, the same, and how many leak.
    pub rules: BTreeMap<&'static str, [usize; 4]>,
    /// Clean and not scoped, by what the prover says.
    pub imprecise: BTreeMap<String, Count>,
    /// Clean and called leaking.
    pub overstated: BTreeMap<String, Count>,
    /// Not scoped and clean at first, so that they were looked at again; and those of them that leaked then.
    pub triaged: [usize; 2],
    /// Worlds in which nothing was run, because the tenant's rows could not be made the same in them.
    pub left_out: usize,
    /// Every run of them ended in an error, by what the server says.
    pub failed: BTreeMap<String, Count>,
    /// Refused by the server, by what it says.
    pub invalid: BTreeMap<String, Count>,
    /// The failures.
    pub unsound: Vec<Unsound>,
    /// Clean and not scoped, one by one, where they are asked for.
    pub listed: Vec<Listed>,
}

/// A statement that is clean and not scoped.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The number of its schema in the run.
    pub schema: u64,
    /// The statement.
    pub sql: String,
    /// The prover's verdict, as a word.
    pub verdict: &'static str,
    /// The first reason that it gives.
    pub why: String,
}

/// The prover's word as a word.
pub fn verdict_word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Scoped(_) => "scoped",
        Verdict::Leaks(_) => "leaks",
        Verdict::Undecided(_) => "undecided",
    }
}

/// The finding as a word.
pub fn finding_word(finding: &Finding) -> &'static str {
    match finding {
        Finding::Clean { vacuous: false } => "clean",
        Finding::Clean { vacuous: true } => "empty",
        Finding::Leaks(_) => "leaks",
        Finding::Fleeting => "fleeting",
        Finding::OtherKind => "other kind",
        Finding::Invalid(_) => "invalid",
        Finding::NeverRan(_) => "error",
    }
}

/// Runs until the count is reached. The caller may be on any stack.
pub fn run(options: Options) -> Result<Tally, ServerError> {
    let mut host = Host::start(options.dialect)?;
    let databases: Result<Vec<_>, _> = (0..options.jobs.max(1)).map(|_| host.scratch()).collect();
    let start = Instant::now();
    let in_time =
        move || options.seconds.is_none_or(|seconds| start.elapsed() < Duration::from_secs(seconds));
    let (next, done, stop) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicBool::new(false));
    let (tally, failure) = (Mutex::new(Tally::default()), Mutex::new(None));
    std::thread::scope(|scope| {
        for mut database in databases? {
            let (next, done, stop, tally, failure) = (&next, &done, &stop, &tally, &failure);
            let work = move || {
                let mut lost = 0;
                while !stop.load(Ordering::Relaxed)
                    && in_time()
                    && done.load(Ordering::Relaxed) < options.statements
                {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    match batch(&mut *database, options, number, done.load(Ordering::Relaxed)) {
                        Ok((part, count)) => {
                            let before = done.fetch_add(count, Ordering::Relaxed);
                            if before / TOLD != (before + count) / TOLD {
                                let told =
                                    format!("{} statements in {:.0?}", before + count, start.elapsed());
                                let _ = writeln!(std::io::stderr(), "{told}");
                            }
                            if options.first && !part.unsound.is_empty() {
                                stop.store(true, Ordering::Relaxed);
                            }
                            if let Ok(mut tally) = tally.lock() {
                                tally.add(part);
                            }
                        }
                        // What the server refuses costs the statements of one schema; the next begin anew.
                        Err(WireError::Server(error)) if lost < LOST => {
                            lost += 1;
                            let mut part = Tally::default();
                            part.note_invalid(&format!("a schema's statements: {}", error.message), "");
                            if let Ok(mut tally) = tally.lock() {
                                tally.add(part);
                            }
                            if database.renew().is_err() {
                                stop.store(true, Ordering::Relaxed);
                            }
                        }
                        Err(error) => {
                            stop.store(true, Ordering::Relaxed);
                            if let Ok(mut failure) = failure.lock() {
                                *failure = Some(error);
                            }
                        }
                    }
                }
            };
            let thread = std::thread::Builder::new().stack_size(STACK);
            thread
                .spawn_scoped(scope, work)
                .map_err(|error| ServerError::Start(format!("a thread cannot be started: {error}")))?;
        }
        Ok::<(), ServerError>(())
    })?;
    if let Some(error) = failure.into_inner().unwrap_or_default() {
        return Err(error.into());
    }
    Ok(tally.into_inner().unwrap_or_default())
}

/// After how many statements a long run says how far it is.
const TOLD: usize = 50_000;

/// How many schemas a connection may lose before something is wrong with the server.
const LOST: usize = 20;

/// How many failures are shrunk: more of them have most often the same cause.
const SHRUNK: usize = 4;

/// The shortest failures of a run, shrunk. The caller runs this on a deep stack.
pub fn smallest(tally: &Tally, options: Options) -> Result<Vec<(SchemaText, Statement)>, ServerError> {
    let mut failures: Vec<&Unsound> = tally.unsound.iter().collect();
    failures.sort_by_key(|unsound| unsound.statement.sql.len());
    failures.truncate(SHRUNK);
    if failures.is_empty() {
        return Ok(Vec::new());
    }
    let mut host = Host::start(options.dialect)?;
    let mut database = host.scratch()?;
    // A few more worlds and parameters, so that a smaller statement has the same chance to leak.
    let effort =
        Effort { worlds: options.effort.worlds + 3, choices: options.effort.choices + 3, orders: false };
    let mut found: Vec<(SchemaText, Statement)> = Vec::new();
    for unsound in failures {
        let shrunk =
            shrink::shrink(&mut *database, &unsound.schema, &unsound.statement, effort, options.seed)?;
        if found.iter().all(|(_, known)| known.sql != shrunk.1.sql) {
            found.push(shrunk);
        }
    }
    Ok(found)
}

/// SQL is parsed and proved on a stack made for it.
const STACK: usize = 256 * 1024 * 1024;

/// The schema of a number, and its statements.
pub fn material(options: Options, number: u64, count: usize) -> (SchemaText, Vec<Made>) {
    let (dialect, seed) = (options.dialect, options.seed);
    let mut rng = Rng::new(seed.wrapping_mul(0x1000_0000_01B3).wrapping_add(number));
    let schema = match dialect {
        Dialect::Postgres => schemas::schema(&mut rng, number, options.wanted),
        Dialect::Mysql | Dialect::Sqlite => plain_schemas::schema(dialect, &mut rng, number),
    };
    let Ok(subject) = Subject::read(&schema.sql(), &schema.policy) else { return (schema, Vec::new()) };
    let model = Model::of(&subject);
    let features = constructs::of_schema(&schema);
    let mut statements: Vec<Made> = Vec::new();
    while statements.len() < count {
        let made = grammar::statement(&model, &mut rng);
        let rules: Vec<&'static str> = made.rules.iter().chain(&features).copied().collect();
        let whole = made.statement;
        for _ in 0..rng.range(0, 2) {
            let rounds = if rng.chance(25) { 2 } else { 1 };
            let mut mutant = whole.clone();
            for _ in 0..rounds {
                if let Some(next) = mutate::mutate(&mutant, &mut rng) {
                    mutant = next;
                }
            }
            if mutant != whole {
                statements.push(Made { statement: mutant, rules: rules.clone() });
            }
        }
        statements.push(Made { statement: whole, rules });
    }
    (schema, statements)
}

fn batch(
    database: &mut dyn Database,
    options: Options,
    number: u64,
    before: usize,
) -> Result<(Tally, usize), WireError> {
    let (schema, made) = material(options, number, options.per_schema);
    let (statements, rules): (Vec<Statement>, Vec<_>) =
        made.into_iter().map(|made| (made.statement, made.rules)).unzip();
    let mut tally = Tally::default();
    let subject = match Subject::read(&schema.sql(), &schema.policy) {
        Ok(subject) => subject,
        Err(error) => {
            tally.note_invalid(&error.to_string(), &schema.policy);
            return Ok((tally, 0));
        }
    };
    let verdicts: Vec<Verdict> = statements.iter().map(|statement| subject.prove(statement)).collect();
    let mut lab = match Lab::set_up(database, &subject) {
        Err(WireError::Server(error)) => {
            tally.note_invalid(&format!("schema: {}", error.message), &schema.sql());
            return Ok((tally, 0));
        }
        lab => lab?,
    };
    let seed = options.seed.wrapping_add(number);
    let mut findings = decide(&mut lab, options, seed, &statements, &verdicts)?;
    for ((statement, verdict), finding) in statements.iter().zip(&verdicts).zip(&mut findings) {
        let Verdict::Scoped(_) = verdict else { continue };
        let read = subject.as_proved(statement, verdict);
        if !matches!(finding, Finding::Leaks(_)) && read.names_others_than(statement) {
            let mut found = lab.decide(&[read], options.effort, seed)?;
            if let Some(leak) = found.pop().filter(|finding| matches!(finding, Finding::Leaks(_))) {
                *finding = leak;
            }
        }
        let unsound = matches!(finding, Finding::Leaks(_));
        if unsound && !lab.convicts(statement, options.effort, seed)? {
            *finding = Finding::OtherKind;
        }
    }
    // At random: what is rare in schemas takes turns, by their numbers.
    let sampled = Rng::new(seed ^ 0xA6A1_4000).below(options.again.max(1) as usize) == 0;
    if sampled {
        triage(&mut lab, &mut tally, options, seed, &statements, &verdicts, &mut findings)?;
    }
    tally.left_out = lab.left_out();
    let mut valid = 0;
    for (((statement, verdict), finding), rules) in
        statements.iter().zip(&verdicts).zip(&findings).zip(&rules)
    {
        if let Finding::Invalid(error) = finding {
            tally.note_invalid(&plain(&error.message), &statement.sql);
            continue;
        }
        valid += 1;
        tally.note(statement, verdict, finding);
        tally.note_rules(rules, verdict, finding, sampled);
        if let (Verdict::Scoped(_), Finding::Leaks(witness)) = (verdict, finding) {
            let (schema, statement, witness) = (schema.clone(), statement.clone(), witness.clone());
            tally.unsound.push(Unsound { schema, statement, witness, after: before + valid });
        }
        if sampled {
            tally.note_precision(&schema, statement, verdict, finding);
        }
        if options.list && sampled && matches!(finding, Finding::Clean { vacuous: false }) {
            tally.list(number, statement, verdict);
        }
    }
    Ok((tally, valid))
}

/// What is called scoped is looked at in all worlds; what is not, in few at first, since it most often leaks at once.
fn decide(
    lab: &mut Lab<'_>,
    options: Options,
    seed: u64,
    statements: &[Statement],
    verdicts: &[Verdict],
) -> Result<Vec<Finding>, WireError> {
    let mut findings: Vec<Option<Finding>> = vec![None; statements.len()];
    let few = Effort { worlds: options.effort.worlds.div_ceil(2), choices: 2, orders: false };
    for (scoped, effort) in [(true, options.effort), (false, few)] {
        let is = |verdict: &Verdict| matches!(verdict, Verdict::Scoped(_)) == scoped;
        let chosen: Vec<usize> =
            verdicts.iter().enumerate().filter(|(_, verdict)| is(verdict)).map(|(at, _)| at).collect();
        let texts: Vec<Statement> = chosen.iter().filter_map(|at| statements.get(*at).cloned()).collect();
        for (at, finding) in chosen.into_iter().zip(lab.decide(&texts, effort, seed)?) {
            if let Some(entry) = findings.get_mut(at) {
                *entry = Some(finding);
            }
        }
    }
    Ok(findings.into_iter().flatten().collect())
}

/// A statement that is not scoped and clean is looked at again, in many more worlds that are made of its own constants: most
/// often the first worlds were too poor.
fn triage(
    lab: &mut Lab<'_>,
    tally: &mut Tally,
    options: Options,
    seed: u64,
    statements: &[Statement],
    verdicts: &[Verdict],
    findings: &mut [Finding],
) -> Result<(), WireError> {
    let Effort { worlds, choices, .. } = options.effort;
    let effort = Effort { worlds: worlds + 1, choices: choices + 1, orders: false };
    let doubtful = |verdict: &Verdict, finding: &Finding, round: u64| match verdict {
        Verdict::Leaks(_) => matches!(finding, Finding::Clean { vacuous } if round == 1 || !vacuous),
        Verdict::Undecided(_) => {
            round <= options.rounds && matches!(finding, Finding::Clean { vacuous: false })
        }
        Verdict::Scoped(_) => false,
    };
    for round in 1..=options.rounds * LONGER {
        let again: Vec<usize> = (0..statements.len())
            .filter(|at| verdicts.get(*at).zip(findings.get(*at)).is_some_and(|(v, f)| doubtful(v, f, round)))
            .collect();
        for chunk in again.chunks(match round {
            0..=4 => TRIAGED,
            round if round <= options.rounds => FEW,
            _ => 1,
        }) {
            let texts: Vec<Statement> = chunk.iter().filter_map(|at| statements.get(*at).cloned()).collect();
            let found = lab.decide(&texts, effort, look(seed, round))?;
            for (at, found) in chunk.iter().zip(found) {
                tally.triaged[0] += usize::from(round == 1);
                if matches!(found, Finding::Leaks(_)) {
                    tally.triaged[1] += 1;
                    if let Some(entry) = findings.get_mut(*at) {
                        *entry = found;
                    }
                }
            }
        }
    }
    Ok(())
}

/// The seed of a round: of each kind of tenant in turn (see `experiment.rs`), whatever the run's seed. In one of three the
/// tenant has no rows in one of the tables.
pub fn look(seed: u64, round: u64) -> u64 {
    const KINDS: [u64; 8] = [1, 9, 8, 29, 14, 20, 4, 32];
    let kind = KINDS.get((round.wrapping_sub(1) % 8) as usize).copied().unwrap_or_default();
    let any = seed.wrapping_add(round.wrapping_mul(0xD1B5_4A32_D192_ED03)) >> 8;
    let lacks = |seed: &u64| seed % LACKING == LACKING - 1;
    let mut turns = (0..LACKING).map(|turn| kind + 60 * turn);
    let chosen =
        if round.is_multiple_of(3) { turns.find(lacks) } else { turns.nth((any / 60 % LACKING) as usize) };
    let all = 60 * LACKING;
    any / all * all + chosen.unwrap_or(kind)
}

/// How many statements are looked at again in one set of worlds.
const TRIAGED: usize = 24;
/// The same, of those that are clean still: worlds of few statements are made of the constants of each.
const FEW: usize = 5;
/// So many times as many rounds are for what is called leaking, each statement in worlds of its own: that it leaks is a claim
/// as well.
const LONGER: u64 = 4;

impl Tally {
    fn note(&mut self, statement: &Statement, verdict: &Verdict, finding: &Finding) {
        *self.matrix.entry((verdict_word(verdict), finding_word(finding))).or_default() += 1;
        for construct in constructs::of(&parse(&statement.sql), &statement.sql) {
            self.constructs.entry(construct).or_default()[0] += 1;
        }
        if let Finding::NeverRan(error) = finding {
            count(&mut self.failed, plain(&error.message), &statement.sql);
        }
    }

    /// What a statement of a schema that was looked at twice says of the proof's precision.
    fn note_precision(
        &mut self,
        schema: &SchemaText,
        statement: &Statement,
        verdict: &Verdict,
        finding: &Finding,
    ) {
        self.sampled += 1;
        if !matches!(finding, Finding::Clean { vacuous: false }) {
            return;
        }
        let scoped = usize::from(matches!(verdict, Verdict::Scoped(_)));
        self.clean[0] += 1;
        self.clean[1] += scoped;
        if constructs::has_exact_keys(schema) {
            self.exact[0] += 1;
            self.exact[1] += scoped;
        }
        for construct in constructs::of(&parse(&statement.sql), &statement.sql) {
            let entry = self.constructs.entry(construct).or_default();
            entry[1] += 1;
            entry[2] += scoped;
        }
        match verdict {
            Verdict::Scoped(_) => {}
            Verdict::Undecided(obstacles) => {
                let why = obstacles.first().map_or(String::new(), |obstacle| plain(&obstacle.message));
                count(&mut self.imprecise, why, &statement.sql);
            }
            Verdict::Leaks(leaks) => {
                let why = leaks.first().map_or(String::new(), |leak| plain(&leak.message));
                count(&mut self.overstated, why, &statement.sql);
            }
        }
    }

    fn list(&mut self, schema: u64, statement: &Statement, verdict: &Verdict) {
        let why = match verdict {
            Verdict::Scoped(_) => return,
            Verdict::Leaks(leaks) => leaks.first().map(|leak| leak.message.clone()),
            Verdict::Undecided(obstacles) => obstacles.first().map(|obstacle| obstacle.message.clone()),
        };
        let (sql, verdict) = (statement.sql.clone(), verdict_word(verdict));
        self.listed.push(Listed { schema, sql, verdict, why: why.unwrap_or_default() });
    }

    fn note_rules(&mut self, rules: &[&'static str], verdict: &Verdict, finding: &Finding, sampled: bool) {
        let clean = sampled && matches!(finding, Finding::Clean { vacuous: false });
        for rule in rules {
            let entry = self.rules.entry(rule).or_default();
            entry[0] += 1;
            entry[1] += usize::from(clean);
            entry[2] += usize::from(clean && matches!(verdict, Verdict::Scoped(_)));
            entry[3] += usize::from(matches!(finding, Finding::Leaks(_)));
        }
    }

    /// The rules and constructs that no statement reached.
    pub fn missed(&self, dialect: Dialect) -> Vec<&'static str> {
        if dialect != Dialect::Postgres {
            let own = grammar::recipe::of_dialect(dialect).iter().map(|recipe| recipe.rule);
            let mut own: Vec<&'static str> = own.filter(|rule| !self.rules.contains_key(rule)).collect();
            own.dedup();
            return own;
        }
        let rules =
            grammar::recipe::rules().into_iter().chain(constructs::FEATURES.iter().map(|(name, _)| *name));
        let rules = rules.filter(|rule| !self.rules.contains_key(rule));
        let parts = constructs::ALL.iter().copied().filter(|part| !self.constructs.contains_key(part));
        rules.chain(parts).collect()
    }

    fn note_invalid(&mut self, why: &str, sql: &str) {
        count(&mut self.invalid, why.to_owned(), sql);
    }

    /// How many statements ran or were tried to.
    pub fn total(&self) -> usize {
        self.matrix.values().sum()
    }

    fn add(&mut self, other: Tally) {
        for (key, times) in other.matrix {
            *self.matrix.entry(key).or_default() += times;
        }
        self.sampled += other.sampled;
        self.left_out += other.left_out;
        for (sum, part) in self.clean.iter_mut().zip(other.clean) {
            *sum += part;
        }
        for (sum, part) in self.exact.iter_mut().zip(other.exact) {
            *sum += part;
        }
        for (sum, part) in self.triaged.iter_mut().zip(other.triaged) {
            *sum += part;
        }
        for (key, counts) in other.constructs {
            let entry = self.constructs.entry(key).or_default();
            for (sum, part) in entry.iter_mut().zip(counts) {
                *sum += part;
            }
        }
        for (key, counts) in other.rules {
            let entry = self.rules.entry(key).or_default();
            for (sum, part) in entry.iter_mut().zip(counts) {
                *sum += part;
            }
        }
        let maps = [
            (&mut self.imprecise, other.imprecise),
            (&mut self.overstated, other.overstated),
            (&mut self.failed, other.failed),
            (&mut self.invalid, other.invalid),
        ];
        for (map, part) in maps {
            for (key, counted) in part {
                let entry = map.entry(key).or_default();
                entry.times += counted.times;
                if entry.example.is_empty() || counted.example.len() < entry.example.len() {
                    entry.example = counted.example;
                }
            }
        }
        self.unsound.extend(other.unsound);
        self.listed.extend(other.listed);
    }
}

fn count(map: &mut BTreeMap<String, Count>, key: String, example: &str) {
    let entry = map.entry(key).or_default();
    entry.times += 1;
    if entry.example.is_empty() || example.len() < entry.example.len() {
        entry.example = example.to_owned();
    }
}

/// A message without the names in it, so that equal causes are counted together.
fn plain(message: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut quoted = false;
    for word in message.split(' ') {
        let opens = word.starts_with(['`', '"', '\'']);
        if quoted || opens {
            let closes = word.trim_end_matches([',', '.', ':', ';', ')']).ends_with(['`', '"', '\'']);
            quoted = !(closes && (word.len() > 1 || quoted));
            if opens {
                words.push("…".to_owned());
            }
            continue;
        }
        words.push(word.to_owned());
    }
    let text = words.join(" ");
    // What comes before a colon is most often the relation's name.
    match text.split_once(": ") {
        Some((name, rest)) if name.split(' ').count() <= 3 => rest.to_owned(),
        _ => text,
    }
}
