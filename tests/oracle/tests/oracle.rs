//! The oracle against statements whose verdicts are known. Without a server the tests on it are reported as ignored; SQLite
//! is always there.
#![allow(clippy::print_stderr, reason = "says why nothing was tried")]

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use tenantry_oracle::compare::{self, Options, verdict_word};
use tenantry_oracle::corpus;
use tenantry_oracle::experiment::{Effort, Finding, Lab};
use tenantry_oracle::hosts::Host;
use tenantry_oracle::regression::{self, Expect};
use tenantry_oracle::server::Server;
use tenantry_oracle::subject::Subject;
use tenantry_policy::Dialect;
use tenantry_prover::lower::on_deep_stack;
use tenantry_prover::verdict::Verdict;

fn main() {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for (dialect, name) in
        [(Dialect::Postgres, "PostgreSQL"), (Dialect::Sqlite, "SQLite"), (Dialect::Mysql, "MariaDB")]
    {
        let missing = Host::start(dialect).err();
        if let Some(why) = &missing {
            eprintln!("not tried: {why}");
        }
        let mut add = |what: &str, run: fn(Dialect) -> Result<(), Failed>| {
            let run = move || on_deep_stack(move || run(dialect)).unwrap_or_else(|| Err("panicked".into()));
            let trial = Trial::test(format!("oracle: {what} on {name}"), run);
            trials.push(trial.with_ignored_flag(missing.is_some()));
        };
        if dialect == Dialect::Postgres {
            add("agrees with the corpus", corpus_agrees);
        }
        add("what once was wrong stays right", regressions_hold);
        add("a short run finds nothing unsound", short_run);
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// What was measured to be safe is never found to leak; most of what was measured to leak is.
fn corpus_agrees(_: Dialect) -> Result<(), Failed> {
    let subject = corpus::subject(&folder("sqlcorpus"))?;
    let all = corpus::cases(&subject, &folder("sqlcorpus/cases.jsonl"))?;
    // Which rows row level security shows is another question, with roles of its own.
    let cases: Vec<_> = all.iter().filter(|case| !case.apart && !case.id.starts_with("rls")).collect();
    let mut server = Server::start()?;
    let mut database = server.scratch()?;
    let mut lab = Lab::set_up(&mut database, &subject)?;
    let statements: Vec<_> = cases.iter().map(|case| case.statement.clone()).collect();
    let mut findings = Vec::new();
    for chunk in statements.chunks(16) {
        findings.extend(lab.decide(chunk, Effort { worlds: 6, choices: 4, orders: false }, 1)?);
    }
    let (mut leaking, mut caught, mut wrong) = (0, 0, Vec::new());
    for (case, finding) in cases.iter().zip(&findings) {
        let leaks = matches!(finding, Finding::Leaks(_));
        match case.expected.as_str() {
            "unsafe" => (leaking, caught) = (leaking + 1, caught + usize::from(leaks)),
            "safe" if leaks => wrong.push(format!("{}: {finding:?}\n    {}", case.id, case.statement.sql)),
            _ => {}
        }
    }
    if !wrong.is_empty() {
        return Err(format!("found to leak, and do not:\n{}", wrong.join("\n")).into());
    }
    if caught * 100 < leaking * 80 {
        return Err(format!("{caught} of {leaking} leaking statements found").into());
    }
    Ok(())
}

/// Each file of `regressions` still leaks (or is clean) on the server, and the prover says what its file demands.
fn regressions_hold(dialect: Dialect) -> Result<(), Failed> {
    let mut host = Host::start(dialect)?;
    let mut database = host.scratch()?;
    let mut wrong = Vec::new();
    for (name, case) in regression::folder(&folder("oracle/regressions"))? {
        let Some(case) = case else { return Err(format!("{name} is not as such a file must be").into()) };
        let subject = Subject::read(&case.schema.sql(), &case.schema.policy)?;
        if subject.dialect != dialect {
            continue;
        }
        let Some(statement) = case.statement(&subject) else {
            return Err(format!("{name}: there are no tenants of the kind {}", case.tenant).into());
        };
        let verdict = subject.prove(&statement);
        let mut lab = Lab::set_up(&mut *database, &subject)?;
        // What is proved is proved of the kinds of tenants that the proof takes its sources for.
        let statement = [match case.expect {
            Expect::Scoped => subject.as_proved(&statement, &subject.prove(&statement)),
            Expect::NotScoped | Expect::NotLeaking => statement,
        }];
        let effort = Effort { worlds: 30, choices: 6, orders: false };
        let mut findings = lab.decide(&statement, effort, 1)?;
        // What leaks does so in some worlds, not in those of every seed.
        for seed in 2..=6 {
            if case.expect != Expect::NotScoped || matches!(findings.first(), Some(Finding::Leaks(_))) {
                break;
            }
            findings = lab.decide(&statement, effort, seed)?;
        }
        let holds = match (case.expect, findings.first()) {
            (Expect::NotScoped, Some(Finding::Leaks(_))) => !matches!(verdict, Verdict::Scoped(_)),
            (Expect::NotLeaking, Some(Finding::Clean { .. })) => !matches!(verdict, Verdict::Leaks(_)),
            (Expect::Scoped, Some(Finding::Clean { .. })) => matches!(verdict, Verdict::Scoped(_)),
            _ => false,
        };
        if !holds {
            wrong.push(format!("{name}: {:?}, {findings:?}: {}", verdict_word(&verdict), case.why));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}

/// A few hundred statements at random, always the same.
fn short_run(dialect: Dialect) -> Result<(), Failed> {
    // SQLite needs no server; MariaDB takes the longest.
    let statements = match dialect {
        Dialect::Postgres => 300,
        Dialect::Mysql => 150,
        Dialect::Sqlite => 600,
    };
    let options = Options { dialect, statements, per_schema: 60, seed: 1, ..Options::default() };
    let tally = compare::run(options)?;
    let wrong: Vec<&str> = tally.unsound.iter().map(|unsound| unsound.statement.sql.as_str()).collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join("\n").into()) }
}
