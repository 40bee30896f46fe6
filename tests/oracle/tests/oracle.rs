//! The oracle against statements whose verdicts are known. Without a server the tests are reported as ignored.
#![allow(clippy::print_stderr, reason = "says why nothing was tried")]

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};
use tenantry_oracle::corpus;
use tenantry_oracle::experiment::{Effort, Finding, Lab};
use tenantry_oracle::server::Server;
use tenantry_prover::lower::on_deep_stack;

fn main() {
    let arguments = Arguments::from_args();
    let missing = Server::start().err();
    if let Some(why) = &missing {
        eprintln!("not tried: {why}");
    }
    let trial = |name: &str, run: fn() -> Result<(), Failed>| {
        let run = move || on_deep_stack(run).unwrap_or_else(|| Err("panicked".into()));
        Trial::test(name, run).with_ignored_flag(missing.is_some())
    };
    let trials = vec![trial("oracle: agrees with the corpus", corpus_agrees)];
    libtest_mimic::run(&arguments, trials).exit();
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

/// What was measured to be safe is never found to leak; most of what was measured to leak is.
fn corpus_agrees() -> Result<(), Failed> {
    let subject = corpus::subject(&folder("sqlcorpus"))?;
    let all = corpus::cases(&subject, &folder("sqlcorpus/cases.jsonl"))?;
    // Which rows row level security shows is another question, with roles of its own.
    let cases: Vec<_> = all.iter().filter(|case| !case.apart && !case.id.starts_with("rls")).collect();
    let mut server = Server::start()?;
    let mut connection = server.scratch()?;
    let mut lab = Lab::set_up(&mut connection, &subject)?;
    let statements: Vec<_> = cases.iter().map(|case| case.statement.clone()).collect();
    let mut findings = Vec::new();
    for chunk in statements.chunks(16) {
        findings.extend(lab.decide(chunk, Effort { worlds: 6, choices: 4 }, 1)?);
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
