//! Statements that the prover calls scoped, changed a little in every way there is: what leaks then must not be called scoped.

use std::collections::BTreeMap;

use tenantry_prover::verdict::Verdict;

use crate::database::Database;
use crate::experiment::{Effort, Finding, Lab, Witness};
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
    /// Those that leak and are called scoped, and how they leak.
    pub missed: Vec<(&'static str, Statement, Witness)>,
    /// Statements that are called scoped and leak as they are.
    pub wrong: Vec<(Statement, Witness)>,
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
            let unsound = matches!(finding, Finding::Leaks(_))
                && matches!(subject.prove(statement), Verdict::Scoped(_));
            let finding = match unsound && !lab.convicts(statement, effort, seed)? {
                true => Finding::Clean { vacuous: false },
                false => finding,
            };
            figures.note(operator, statement, finding, unsound);
        }
    }
    Ok(figures)
}

impl Mutants {
    /// Counts a statement; an operator's name is empty for one that is as it was.
    fn note(&mut self, operator: &'static str, statement: &Statement, finding: Finding, is_scoped: bool) {
        let witness = match finding {
            Finding::Leaks(witness) => Some(witness),
            Finding::Invalid(_) if !operator.is_empty() => return,
            _ => None,
        };
        if operator.is_empty() {
            self.wrong.extend(witness.map(|witness| (statement.clone(), witness)));
            return;
        }
        self.mutants += 1;
        let entry = self.operators.entry(operator).or_default();
        entry[0] += 1;
        let Some(witness) = witness else { return };
        entry[1] += 1;
        self.leaking += 1;
        if is_scoped {
            self.missed.push((operator, statement.clone(), witness));
        } else {
            self.caught += 1;
        }
    }
}
