//! Statements that the prover calls scoped, changed a little in every way there is: what leaks then must not be called scoped.

use std::collections::BTreeMap;

use tenantry_prover::verdict::Verdict;

use crate::database::Database;
use crate::experiment::{Effort, Finding, Lab};
use crate::mutate;
use crate::subject::{Statement, Subject};
use crate::wire::WireError;

/// How many mutants run in one set of worlds, which are made of what their statements compare with.
const CHUNK: usize = 120;

/// The figures.
#[derive(Debug, Default)]
pub struct Mutants {
    /// Statements that are scoped.
    pub statements: usize,
    /// Their mutants that the server accepts.
    pub mutants: usize,
    /// Those that leak.
    pub leaking: usize,
    /// Those that leak and are not called scoped.
    pub caught: usize,
    /// By operator: mutants, leaking ones.
    pub operators: BTreeMap<&'static str, [usize; 2]>,
    /// Those that leak and are called scoped.
    pub missed: Vec<(&'static str, Statement)>,
    /// Statements that are called scoped and leak as they are.
    pub wrong: Vec<Statement>,
}

/// Changes, proves and runs. The caller runs this on a deep stack.
pub fn run(
    database: &mut dyn Database,
    subject: &Subject,
    statements: &[Statement],
    effort: Effort,
    seed: u64,
) -> Result<Mutants, WireError> {
    let scoped = |statement: &&Statement| matches!(subject.prove(statement), Verdict::Scoped(_));
    let scoped: Vec<&Statement> = statements.iter().filter(scoped).collect();
    let mut lab = Lab::set_up(database, subject)?;
    let mut figures = Mutants { statements: scoped.len(), ..Mutants::default() };
    let mut all: Vec<(&'static str, Statement)> = Vec::new();
    for statement in scoped {
        all.push(("", statement.clone()));
        all.extend(mutate::mutants(statement));
    }
    for chunk in all.chunks(CHUNK) {
        let texts: Vec<Statement> = chunk.iter().map(|(_, statement)| statement.clone()).collect();
        let findings = lab.decide(&texts, effort, seed)?;
        for ((operator, statement), finding) in chunk.iter().zip(findings) {
            figures.note(subject, operator, statement, &finding);
        }
    }
    Ok(figures)
}

impl Mutants {
    fn note(&mut self, subject: &Subject, operator: &'static str, statement: &Statement, finding: &Finding) {
        let leaks = matches!(finding, Finding::Leaks(_));
        if operator.is_empty() {
            if leaks {
                self.wrong.push(statement.clone());
            }
            return;
        }
        if matches!(finding, Finding::Invalid(_)) {
            return;
        }
        self.mutants += 1;
        let entry = self.operators.entry(operator).or_default();
        entry[0] += 1;
        if !leaks {
            return;
        }
        entry[1] += 1;
        self.leaking += 1;
        match subject.prove(statement) {
            Verdict::Scoped(_) => self.missed.push((operator, statement.clone())),
            Verdict::Leaks(_) | Verdict::Undecided(_) => self.caught += 1,
        }
    }
}
