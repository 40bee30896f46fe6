//! Migrations that mend a schema: for the findings whose rules know a statement after which they are gone.
//!
//! **Invariant:** a migration is offered only for findings that are not told of the schema as it is after all of it.

use tenantry_policy::{Date, Dialect};
use tenantry_project::{Database, Files, next_migration};
use tenantry_prover::catalog::{Catalog, Function, QualifiedName};
use tenantry_prover::lower::apply;
use tenantry_prover::lower::postgres::identifier::identifier;

use crate::finding::{Mend, Told};
use crate::fixes::{Fix, Migration, NewFile};

/// Gives the findings that a statement mends their part of the next migration. `again` tells what is found in a schema.
pub(crate) fn attach(
    files: &Files,
    database: &Database,
    today: Date,
    told: &mut [Told],
    again: &dyn Fn(&Files, &Database) -> Vec<Told>,
) {
    if database.dialect != Dialect::Postgres || told.iter().all(|told| told.mend.is_none()) {
        return;
    }
    let paths: Vec<_> = database.files.iter().map(|file| (files.path(*file), files.text(*file))).collect();
    let Some(next) = next_migration(&paths, today) else { return };
    let own = told.iter().filter_map(|told| told.mend.clone()).collect();
    let (left, follow) = after(files, database, told, own, again);
    for told in told {
        let Some(mend) = &told.mend else { continue };
        if left.iter().any(|other| is_same(other, told)) {
            continue;
        }
        let file = |path: &str, of: fn(&Mend) -> &str| {
            let parts = std::iter::once((told.finding.rule, mend))
                .chain(follow.iter().map(|(rule, mend)| (*rule, mend)));
            let parts = parts.map(|(rule, mend)| format!("-- {rule}\n{}\n", of(mend))).collect();
            NewFile { path: path.to_owned(), parts }
        };
        let up = file(&next.up, |mend| &mend.up);
        let down = next.down.as_ref().map(|path| file(path, |mend| &mend.down));
        told.finding.fix = Some(Fix { edits: Vec::new(), migration: Some(Migration { up, down }) });
    }
}

/// How often what was mended is looked at anew: a table whose policies begin to count may have others in them.
const MAX_ROUNDS: usize = 4;

/// What is found once the schema was mended, and the statements that only then were wanted.
fn after(
    files: &Files,
    database: &Database,
    told: &[Told],
    own: Vec<Mend>,
    again: &dyn Fn(&Files, &Database) -> Vec<Told>,
) -> (Vec<Told>, Vec<(&'static str, Mend)>) {
    let (mut files, mut mended) = (files.clone(), database.clone());
    let mut follow: Vec<(&'static str, Mend)> = Vec::new();
    let mut statements = own;
    for _ in 0..MAX_ROUNDS {
        let whole: Vec<&str> = statements.iter().map(|mend| mend.up.as_str()).collect();
        let whole = whole.join("\n");
        let file = files.add("", whole.as_str());
        apply(database.dialect, &mut mended.catalog, file, &whole);
        let left = again(&files, &mended);
        let is_new = |other: &&Told| !told.iter().any(|told| is_same(other, told) && told.mend == other.mend);
        let wanted =
            left.iter().filter(is_new).filter_map(|told| Some((told.finding.rule, told.mend.clone()?)));
        let wanted: Vec<_> = wanted.filter(|wanted| !follow.contains(wanted)).collect();
        if wanted.is_empty() {
            return (left, follow);
        }
        statements = wanted.iter().map(|(_, mend)| mend.clone()).collect();
        follow.extend(wanted);
    }
    (again(&files, &mended), follow)
}

fn is_same(one: &Told, other: &Told) -> bool {
    one.finding.rule == other.finding.rule && one.finding.primary == other.finding.primary
}

/// A table, view or function as a statement names it.
pub(crate) fn written(catalog: &Catalog, name: &QualifiedName) -> String {
    match name.schema.is_empty() || name.schema == catalog.default_schema {
        true => identifier(&name.name),
        false => format!("{}.{}", identifier(&name.schema), identifier(&name.name)),
    }
}

/// A role as a statement names it; `public` is everybody.
pub(crate) fn role_as_written(role: &str) -> String {
    if role == "public" { "PUBLIC".to_owned() } else { identifier(role) }
}

/// A search path as a statement writes it.
pub(crate) fn written_path(path: &[String]) -> String {
    if path.is_empty() {
        return "''".to_owned();
    }
    path.iter().map(|schema| identifier(schema)).collect::<Vec<_>>().join(", ")
}

/// The beginning of a statement that changes a function.
pub(crate) fn alter_function(catalog: &Catalog, function: &Function) -> String {
    // Procedures are no functions, and have nothing that they return.
    let kind = if function.returns.is_empty() { "ROUTINE" } else { "FUNCTION" };
    let name = written(catalog, &function.name);
    let overloads = catalog.functions.get(&function.name).map_or(0, Vec::len);
    let arguments =
        if overloads > 1 { format!("({})", function.signature.join(", ")) } else { String::new() };
    format!("ALTER {kind} {name}{arguments}")
}

/// The statement that gives a function a search path, and the one that gives it back the one that it has.
pub(crate) fn set_search_path(catalog: &Catalog, function: &Function, path: &[String]) -> (String, String) {
    let alter = alter_function(catalog, function);
    let up = format!("{alter} SET search_path = {}", written_path(path));
    let down = match &function.search_path {
        Some(before) => format!("{alter} SET search_path = {}", written_path(before)),
        None => format!("{alter} RESET search_path"),
    };
    (up, down)
}
