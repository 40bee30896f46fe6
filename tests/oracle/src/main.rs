//! `tenantry-oracle`: statements against a PostgreSQL, and the prover's verdicts against what it shows.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what this program is run for")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use tenantry_oracle::compare::{self, Options};
use tenantry_oracle::corpus;
use tenantry_oracle::experiment::{Effort, Finding, Lab};
use tenantry_oracle::hosts::Host;
use tenantry_oracle::mutants;
use tenantry_oracle::regression::{Expect, Regression};
use tenantry_oracle::report;
use tenantry_oracle::schemas::Wanted;
use tenantry_oracle::server::Server;
use tenantry_oracle::spoken::speak;
use tenantry_oracle::subject::Subject;
use tenantry_policy::Dialect;
use tenantry_prover::lower::on_deep_stack;

const HELP: &str = "\
tenantry-oracle corpus FOLDER [FILE]
    decides the statements of FOLDER/FILE (cases.jsonl) on FOLDER/schema.sql, and prints where it does not agree
tenantry-oracle mutants FOLDER [FILE...]
    changes the scoped statements of FOLDER's FILEs (cases.jsonl) in every way, and tells which leak and are called scoped;
    of a FOLDER without schema.sql the statements of its Rust sources (needs --features project)
tenantry-oracle judge FILE...
    the verdict and the finding on each FILE, which is as those of the folder of regressions
tenantry-oracle schema SEED NUMBER [--policies]
    the schema of this number in a run of this seed, as the beginning of a FILE for `judge`
tenantry-oracle run [--dialect postgres|sqlite|mysql] [--statements N] [--seed S] [--jobs J] [--per-schema N] [--worlds N] [--choices N] [--rounds N] [--again N] [--seconds S] [--first] [--policies] [--long] [--list] [--record]
    compares the prover's verdicts with the oracle's findings on statements at random; --record writes what is
    wrongly scoped, shrunk, to the folder of regressions";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = on_deep_stack(|| match arguments.as_slice() {
        ["corpus", folder] => corpus_command(Path::new(folder), "cases.jsonl"),
        ["corpus", folder, file] => corpus_command(Path::new(folder), file),
        ["mutants", folder] if !Path::new(folder).join("schema.sql").is_file() => {
            project_command(Path::new(folder))
        }
        ["mutants", folder, files @ ..] => mutants_command(Path::new(folder), files),
        ["judge", files @ ..] if !files.is_empty() => judge_command(files),
        ["schema", seed, number] => schema_command(seed, number, Wanted::Anything),
        ["schema", seed, number, "--policies"] => schema_command(seed, number, Wanted::Policies),
        ["run", options @ ..] => run_command(options),
        _ => Err(HELP.into()),
    });
    match done {
        Some(Ok(true)) => ExitCode::SUCCESS,
        Some(Ok(false)) => ExitCode::FAILURE,
        Some(Err(error)) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
        None => ExitCode::from(3),
    }
}

/// Whether all went well.
type Done = Result<bool, Box<dyn std::error::Error + Send + Sync>>;

fn dialect(name: &str) -> Result<Dialect, Box<dyn std::error::Error + Send + Sync>> {
    let mut known = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite].into_iter();
    known
        .find(|dialect| dialect.as_str() == name)
        .ok_or_else(|| format!("there is no dialect `{name}`").into())
}

fn run_command(arguments: &[&str]) -> Done {
    let mut options = Options::default();
    let (mut long, mut record) = (false, false);
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        if *name == "--dialect" {
            options.dialect = dialect(rest.next().copied().unwrap_or_default())?;
            continue;
        }
        let mut number = || -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
            Ok(rest.next().ok_or_else(|| format!("{name} needs a number"))?.parse()?)
        };
        match *name {
            "--statements" => options.statements = number()?,
            "--seed" => options.seed = number()? as u64,
            "--jobs" => options.jobs = number()?,
            "--per-schema" => options.per_schema = number()?,
            "--seconds" => options.seconds = Some(number()? as u64),
            "--worlds" => options.effort.worlds = number()?,
            "--choices" => options.effort.choices = number()?,
            "--rounds" => options.rounds = number()? as u64,
            "--again" => options.again = number()? as u64,
            "--first" => options.first = true,
            "--policies" => options.wanted = Wanted::Policies,
            "--record" => record = true,
            "--long" => long = true,
            "--list" => options.list = true,
            _ => return Err(HELP.into()),
        }
    }
    let start = Instant::now();
    let tally = compare::run(options)?;
    print!("{}", report::render(&tally, options.dialect, start.elapsed().as_secs_f64(), long));
    for (schema, statement) in compare::smallest(&tally, options)? {
        let subject = Subject::read(&schema.sql(), &schema.policy)?;
        let case = Regression::of("wrongly scoped", schema, statement, &subject, Expect::NotScoped);
        println!("\nshrunk:\n{}", case.render());
        if record {
            let name = format!("seed-{}-{:08x}.sql", options.seed, fingerprint(&case.sql));
            std::fs::write(regressions().join(name), case.render())?;
        }
    }
    // A short run need not come by everything.
    let all = tally.missed(options.dialect).is_empty() || options.statements < ENOUGH;
    Ok(tally.unsound.is_empty() && all)
}

/// How many statements reach every rule, whatever the seed.
const ENOUGH: usize = 20_000;

fn schema_command(seed: &str, number: &str, wanted: Wanted) -> Done {
    let options = Options { seed: seed.parse()?, wanted, ..Options::default() };
    let (schema, made) = compare::material(options, number.parse()?, 1);
    let subject = Subject::read(&schema.sql(), &schema.policy)?;
    let statement = made.into_iter().next().ok_or("the schema has no statements")?.statement;
    print!(
        "{}",
        Regression::of("a statement to judge", schema, statement, &subject, Expect::NotScoped).render()
    );
    Ok(true)
}

/// How often a statement is looked at that is to be judged, each time as a tenant of another kind.
const LOOKS: u64 = 24;

fn judge_command(files: &[&str]) -> Done {
    for file in files {
        let case = Regression::parse(&std::fs::read_to_string(file)?).ok_or("not as such a file must be")?;
        let subject = Subject::read(&case.schema.sql(), &case.schema.policy)?;
        let known = || subject.tenancy.domains.iter().map(|domain| domain.name.as_str()).collect::<Vec<_>>();
        let statement = case
            .statement(&subject)
            .ok_or_else(|| format!("there are no such tenants, but: {}", known().join(", ")))?;
        let mut host = Host::start(subject.dialect)?;
        let mut database = host.scratch()?;
        let mut lab = Lab::set_up(&mut *database, &subject)?;
        let effort = Effort { worlds: 30, choices: 6, orders: false };
        let mut finding = lab.decide(std::slice::from_ref(&statement), effort, 1)?;
        // What shows nothing of others may do so to another kind of tenant.
        for round in 1..=LOOKS {
            if matches!(finding.first(), Some(Finding::Leaks(_))) {
                break;
            }
            let effort = Effort { worlds: 7, choices: 4, orders: false };
            let found = lab.decide(std::slice::from_ref(&statement), effort, compare::look(1, round))?;
            if matches!(found.first(), Some(Finding::Leaks(_))) {
                finding = found;
            }
        }
        println!("{file}\n  {}", speak(subject.dialect, &statement.sql).sql);
        println!("  {:?}\n  {:?}", subject.prove(&statement), finding.first());
        let convicted = lab.convicts(&statement, Effort { worlds: 30, choices: 6, orders: false }, 1)?;
        println!("  leaks as its proof names the tenant: {}", if convicted { "yes" } else { "no" });
    }
    Ok(true)
}

fn mutants_command(folder: &Path, files: &[&str]) -> Done {
    let subject = corpus::subject(folder)?;
    let mut statements = Vec::new();
    for file in if files.is_empty() { &["cases.jsonl"] } else { files } {
        let cases = corpus::cases(&subject, &folder.join(file))?;
        let cases = cases.into_iter().filter(|case| !case.apart);
        statements.extend(cases.map(|case| case.statement));
    }
    let mut server = Server::start()?;
    let mut database = server.scratch()?;
    let figures = mutants::run(&mut database, &subject, &statements, THOROUGH, 1)?;
    Ok(print_mutants(&figures))
}

/// How mutants are looked at.
const THOROUGH: Effort = Effort { worlds: 7, choices: 3, orders: false };

#[cfg(feature = "project")]
fn project_command(folder: &Path) -> Done {
    let mut server = Server::start()?;
    let mut good = true;
    for part in tenantry_oracle::project::parts(folder)? {
        let mut database = server.scratch()?;
        let statements = tenantry_oracle::project::statements(&mut database, &part)?;
        println!("database {}: {} texts that are scoped", part.name, statements.len());
        let figures = mutants::run(&mut database, &part.subject, &statements, THOROUGH, 1)?;
        good &= print_mutants(&figures);
    }
    Ok(good)
}

#[cfg(not(feature = "project"))]
fn project_command(_: &Path) -> Done {
    Err("a folder without schema.sql is a project: build with --features project to read it".into())
}

fn print_mutants(figures: &mutants::Mutants) -> bool {
    for (operator, [all, leaking]) in &figures.operators {
        println!("{operator:32} {all:6} mutants {leaking:6} leaking");
    }
    for (statement, witness) in &figures.wrong {
        println!("scoped and leaking as it is: {}\n  {witness:?}", statement.sql);
    }
    for (operator, statement, witness) in &figures.missed {
        println!("missed ({operator}): {}\n  {witness:?}", statement.sql);
    }
    println!(
        "{} scoped statements, {} mutants, {} leaking, {} caught",
        figures.statements, figures.mutants, figures.leaking, figures.caught
    );
    figures.missed.is_empty() && figures.wrong.is_empty()
}

/// Where statements that once were wrong are kept.
fn regressions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions")
}

fn fingerprint(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

fn corpus_command(folder: &Path, file: &str) -> Done {
    let subject = corpus::subject(folder)?;
    let cases = corpus::cases(&subject, &folder.join(file))?;
    let mut server = Server::start()?;
    let mut database = server.scratch()?;
    let mut lab = Lab::set_up(&mut database, &subject)?;
    let statements: Vec<_> = cases.iter().map(|case| case.statement.clone()).collect();
    let mut findings = Vec::new();
    // Few statements at a time, so that the worlds are made of what these few compare with.
    for chunk in statements.chunks(16) {
        findings.extend(lab.decide(chunk, Effort { worlds: 16, choices: 8, orders: false }, 1)?);
    }
    let (mut agree, mut wrong) = (0, 0);
    for (case, finding) in cases.iter().zip(&findings).filter(|(case, _)| !case.apart) {
        let said = match finding {
            Finding::Clean { .. } => "safe",
            Finding::Leaks(_) => "unsafe",
            Finding::Fleeting | Finding::OtherKind | Finding::Invalid(_) | Finding::NeverRan(_) => "not run",
        };
        if said == case.expected {
            agree += 1;
            continue;
        }
        wrong += usize::from(case.expected == "safe" && said == "unsafe");
        println!("{} expected {} observed {finding:?}\n    {}", case.id, case.expected, case.statement.sql);
    }
    println!("{agree} of {} agree; {wrong} safe ones leak", cases.iter().filter(|case| !case.apart).count());
    Ok(wrong == 0)
}
