//! `tenantry-oracle`: statements against a PostgreSQL, and the prover's verdicts against what it shows.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what this program is run for")]

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use tenantry_oracle::compare::{self, Options};
use tenantry_oracle::corpus;
use tenantry_oracle::experiment::{Effort, Finding, Lab};
use tenantry_oracle::report;
use tenantry_oracle::server::Server;
use tenantry_prover::lower::on_deep_stack;

const HELP: &str = "\
tenantry-oracle corpus FOLDER [FILE]
    decides the statements of FOLDER/FILE (cases.jsonl) on FOLDER/schema.sql, and prints where it does not agree
tenantry-oracle run [--statements N] [--seed S] [--jobs J] [--per-schema N] [--worlds N] [--choices N] [--first] [--long]
    compares the prover's verdicts with the oracle's findings on statements at random";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = on_deep_stack(|| match arguments.as_slice() {
        ["corpus", folder] => corpus_command(Path::new(folder), "cases.jsonl"),
        ["corpus", folder, file] => corpus_command(Path::new(folder), file),
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

fn run_command(arguments: &[&str]) -> Done {
    let mut options = Options::default();
    let mut long = false;
    let mut rest = arguments.iter();
    while let Some(name) = rest.next() {
        let mut number = || -> Result<usize, Box<dyn std::error::Error + Send + Sync>> {
            Ok(rest.next().ok_or_else(|| format!("{name} needs a number"))?.parse()?)
        };
        match *name {
            "--statements" => options.statements = number()?,
            "--seed" => options.seed = number()? as u64,
            "--jobs" => options.jobs = number()?,
            "--per-schema" => options.per_schema = number()?,
            "--worlds" => options.effort.worlds = number()?,
            "--choices" => options.effort.choices = number()?,
            "--first" => options.first = true,
            "--long" => long = true,
            _ => return Err(HELP.into()),
        }
    }
    let start = Instant::now();
    let tally = compare::run(options)?;
    print!("{}", report::render(&tally, start.elapsed().as_secs_f64(), long));
    Ok(tally.unsound.is_empty())
}

fn corpus_command(folder: &Path, file: &str) -> Done {
    let subject = corpus::subject(folder)?;
    let cases = corpus::cases(&subject, &folder.join(file))?;
    let mut server = Server::start()?;
    let mut connection = server.scratch()?;
    let mut lab = Lab::set_up(&mut connection, &subject)?;
    let statements: Vec<_> = cases.iter().map(|case| case.statement.clone()).collect();
    let mut findings = Vec::new();
    // Few statements at a time, so that the worlds are made of what these few compare with.
    for chunk in statements.chunks(16) {
        findings.extend(lab.decide(chunk, Effort { worlds: 16, choices: 8 }, 1)?);
    }
    let (mut agree, mut wrong) = (0, 0);
    for (case, finding) in cases.iter().zip(&findings).filter(|(case, _)| !case.apart) {
        let said = match finding {
            Finding::Clean { .. } => "safe",
            Finding::Leaks(_) => "unsafe",
            Finding::Fleeting | Finding::Invalid(_) | Finding::NeverRan(_) => "not run",
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
