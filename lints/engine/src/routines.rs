//! What is said of the functions and procedures of the databases by their bodies, whoever calls them.

use rayon::prelude::*;
use tenantry_project::{Database, Files};
use tenantry_prover::catalog::Function;
use tenantry_prover::plpgsql;
use tenantry_prover::verdict::Verdict;

use crate::finding::narrowed;
use crate::report::{Routine, RoutineStatement};
use crate::statement::Outcome;
use crate::suppress;

/// Judges those of all databases, ordered by path and place. Functions of triggers are judged at the tables that run them.
pub(crate) fn judged(files: &Files, databases: &[Database]) -> Vec<Routine> {
    let all = databases.iter().flat_map(|database| {
        let functions = database.catalog.functions.values().flatten();
        functions.map(move |function| (database, function))
    });
    let all: Vec<_> = all.filter(|(database, function)| is_judged(database, function)).collect();
    let routines = all.par_iter().filter_map(|(database, function)| routine(files, database, function));
    let mut routines: Vec<Routine> = routines.collect();
    routines.sort_by_cached_key(|routine| {
        (suppress::path(files, routine.span.file), routine.span.range, routine.name.clone())
    });
    routines.dedup();
    routines
}

fn is_judged(database: &Database, function: &Function) -> bool {
    let runs_by_itself =
        ["trigger", "event_trigger"].iter().any(|kind| function.returns.eq_ignore_ascii_case(kind));
    !runs_by_itself && !database.tenancy.trusted_functions.contains_key(&function.name.name)
}

/// One that touches rows, or of which that is not known.
fn routine(files: &Files, database: &Database, function: &Function) -> Option<Routine> {
    let mut routine = Routine {
        name: function.name.name.clone(),
        span: function.span,
        language: function.language.clone(),
        tenant: None,
        statements: Vec::new(),
        open: None,
    };
    match plpgsql::judged(&database.catalog, &database.tenancy, function) {
        Err(why) => routine.open = Some(why),
        Ok(judged) if judged.statements.is_empty() => return None,
        Ok(judged) => {
            routine.tenant = judged.tenant.and_then(|number| {
                let (name, _) = function.params.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
                Some(if name.is_empty() { format!("${number}") } else { name.clone() })
            });
            let statements = judged.statements.iter().map(|(range, verdict)| RoutineStatement {
                span: narrowed(files, function.span, &function.body, *range),
                outcome: Outcome::of(verdict),
                why: why(verdict),
            });
            routine.statements = statements.collect();
        }
    }
    Some(routine)
}

fn why(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Scoped(_) => String::new(),
        Verdict::Leaks(leaks) => {
            leaks.first().map(|leak| format!("`{}`: {}", leak.table.name, leak.message)).unwrap_or_default()
        }
        Verdict::Undecided(obstacles) => {
            obstacles.first().map(|obstacle| obstacle.message.clone()).unwrap_or_default()
        }
    }
}
