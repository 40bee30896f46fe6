//! What is said of the functions and procedures of the databases by their bodies, whoever calls them, and for the rows that fire them.

use rayon::prelude::*;
use tenantry_project::{Database, Files};
use tenantry_prover::catalog::{Function, Table, Trigger};
use tenantry_prover::verdict::Verdict;
use tenantry_prover::{plpgsql, triggers};
use tenantry_span::TextRange;

use crate::finding::narrowed;
use crate::report::{Fires, Routine, RoutineStatement};
use crate::statement::Outcome;
use crate::suppress;

/// Judges those of all databases, ordered by path and place; what triggers run at the table of each.
pub(crate) fn judged(files: &Files, databases: &[Database]) -> Vec<Routine> {
    let called = databases.iter().flat_map(|database| {
        let functions = database.catalog.functions.values().flatten();
        functions
            .filter(|function| is_called(database, function))
            .map(move |function| Runs::Called(database, function))
    });
    let fired = databases.iter().flat_map(|database| {
        let tables = database.catalog.tables.values();
        tables.flat_map(move |table| {
            table.triggers.iter().map(move |trigger| Runs::Fired(database, table, trigger))
        })
    });
    let all: Vec<Runs<'_>> = called.chain(fired).collect();
    let routines = all.par_iter().filter_map(|runs| match *runs {
        Runs::Called(database, function) => of_call(files, database, function),
        Runs::Fired(database, table, trigger) => of_trigger(files, database, table, trigger),
    });
    let mut routines: Vec<Routine> = routines.collect();
    routines.sort_by_cached_key(|routine| {
        let fires = routine.fires.clone().map(|fires| (fires.table, fires.trigger));
        (suppress::path(files, routine.span.file), routine.span.range, routine.name.clone(), fires)
    });
    routines.dedup();
    routines
}

/// By what a function runs.
enum Runs<'a> {
    Called(&'a Database, &'a Function),
    Fired(&'a Database, &'a Table, &'a Trigger),
}

fn is_called(database: &Database, function: &Function) -> bool {
    let runs_by_itself =
        ["trigger", "event_trigger"].iter().any(|kind| function.returns.eq_ignore_ascii_case(kind));
    !runs_by_itself && !database.tenancy.trusted_functions.contains_key(&function.name.name)
}

/// One that touches rows, or of which that is not known.
fn of_call(files: &Files, database: &Database, function: &Function) -> Option<Routine> {
    let mut routine = unjudged(function);
    match plpgsql::judged(&database.catalog, &database.tenancy, function) {
        Err(why) => routine.open = Some(why),
        Ok(judged) => {
            routine.tenant = judged.tenant.and_then(|number| {
                let (name, _) = function.params.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
                Some(if name.is_empty() { format!("${number}") } else { name.clone() })
            });
            routine.statements = told(files, function, &judged.statements);
        }
    }
    shown(routine)
}

fn of_trigger(files: &Files, database: &Database, table: &Table, trigger: &Trigger) -> Option<Routine> {
    let judged = triggers::judged(&database.catalog, &database.tenancy, table, trigger)?;
    let mut routine = unjudged(judged.function);
    let table = database.catalog.spoken(&table.name);
    routine.fires = Some(Fires { trigger: trigger.name.clone(), table });
    routine.statements = told(files, judged.function, &judged.statements);
    routine.open = judged.open;
    shown(routine)
}

fn unjudged(function: &Function) -> Routine {
    Routine {
        name: function.name.name.clone(),
        span: function.span,
        language: function.language.clone(),
        tenant: None,
        fires: None,
        statements: Vec::new(),
        open: None,
    }
}

fn told(files: &Files, function: &Function, statements: &[(TextRange, Verdict)]) -> Vec<RoutineStatement> {
    let told = statements.iter().map(|(range, verdict)| RoutineStatement {
        span: narrowed(files, function.span, &function.body, *range),
        outcome: Outcome::of(verdict),
        why: why(verdict),
    });
    told.collect()
}

/// What touches no row is not told.
fn shown(routine: Routine) -> Option<Routine> {
    (routine.open.is_some() || !routine.statements.is_empty()).then_some(routine)
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
