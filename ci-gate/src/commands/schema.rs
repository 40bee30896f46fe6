//! `cargo tenantry schema`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tenantry_project::Database;
use tenantry_prover::bind::bind;
use tenantry_prover::catalog::{Catalog, QualifiedName, View};
use tenantry_prover::lower::{on_deep_stack, statements};
use tenantry_prover::tenancy::{TableOwner, Tenancy};
use tenantry_span::{Diagnostic, FileId};

use crate::cli::SchemaArgs;
use crate::commands::{aloud, live, scan};
use crate::exit::{self, Failure};
use crate::terminal::{self, Color};

/// Prints each database: its tables with owners and why, its views, and what was not read.
pub(crate) fn run(arguments: &SchemaArgs, color: Color) -> Result<u8, Failure> {
    let servers = live::servers(&arguments.schema_from)?;
    let project = scan::project_beside(arguments.path.as_deref(), servers)?;
    let file =
        |id: FileId| (project.files.path(id).to_string_lossy().replace('\\', "/"), project.files.text(id));
    let errors = terminal::renderer(color.enabled(&std::io::stderr()));
    for diagnostic in &project.diagnostics {
        eprintln!("{}\n", terminal::diagnostic(&errors, diagnostic, file));
    }
    if project.databases.is_empty() {
        return Err(Failure { code: exit::NOTHING, ..Failure::usage("no schema was found") }
            .help("name its files under [[database]] in tenantry.toml"));
    }
    let renderer = terminal::renderer(color.enabled(&std::io::stdout()));
    let mut out = String::new();
    for database in &project.databases {
        let _ = writeln!(out, "database {} ({})", terminal::plain(&database.name), database.dialect.as_str());
        if let Some(inference) = &database.inference {
            let _ = writeln!(out, "  {}", terminal::plain(&inference.paragraph));
        }
        for name in database.catalog.tables.keys() {
            let owner = match &database.single_tenant {
                Some(why) => format!("the one tenant of the database ({why})"),
                None => owner(&database.catalog, &database.tenancy, name),
            };
            let line = format!("  {:<32} {owner}", database.catalog.spoken(name));
            let _ = writeln!(out, "{}", terminal::plain(&line));
            for sentence in secured(database, name).into_iter().chain(fired(database, name)) {
                let _ = writeln!(out, "{}", terminal::plain(&format!("      {sentence}")));
            }
        }
        for view in database.catalog.views.values() {
            let made_of = on_deep_stack(|| made_of(database, view))
                .unwrap_or_else(|| "a view that is not understood".to_owned());
            let _ = writeln!(
                out,
                "{}",
                terminal::plain(&format!("  {:<32} {made_of}", database.catalog.spoken(&view.name)))
            );
        }
        for skipped in &database.catalog.skipped {
            let diagnostic =
                Diagnostic::warning(skipped.span, format!("this statement is not read: {}", skipped.why));
            let _ = writeln!(out, "\n{}", terminal::diagnostic(&renderer, &diagnostic, file));
        }
        out.push('\n');
    }
    terminal::print(&out)?;
    Ok(exit::OK)
}

/// What row level security does to a table, a sentence each.
fn secured(database: &Database, name: &QualifiedName) -> Vec<String> {
    let Some(table) = database.catalog.tables.get(name) else { return Vec::new() };
    on_deep_stack(|| aloud::sentences(&database.catalog, &database.tenancy, table)).unwrap_or_default()
}

/// What the triggers of a table run, a sentence each.
fn fired(database: &Database, name: &QualifiedName) -> Vec<String> {
    let Some(table) = database.catalog.tables.get(name) else { return Vec::new() };
    on_deep_stack(|| aloud::triggers(&database.catalog, &database.tenancy, table)).unwrap_or_default()
}

/// The tables that a view's rows come from, through other views too, or why that is not known.
fn made_of(database: &Database, view: &View) -> String {
    let kind = if view.materialized { "a materialized view" } else { "a view" };
    let parsed = statements(database.dialect, &view.query);
    let plans = parsed.iter().map(|statement| {
        (statement, bind(database.dialect, &database.catalog, &database.tenancy, statement))
    });
    let mut tables: BTreeSet<String> = BTreeSet::new();
    let mut obstacle = view.stale.clone();
    for (statement, plan) in plans {
        tables.extend(plan.scans.iter().map(|scan| database.catalog.spoken(&scan.table)));
        obstacle = obstacle
            .or_else(|| statement.unread.first().map(|unread| unread.what.clone()))
            .or_else(|| plan.obstacles.first().map(|obstacle| obstacle.message.clone()));
    }
    match (obstacle, tables.is_empty()) {
        (Some(why), _) => format!("{kind} that is not understood: {why}"),
        (None, true) => format!("{kind} of no table"),
        (None, false) => format!("{kind} of {}", tables.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

fn owner(catalog: &Catalog, tenancy: &Tenancy, name: &QualifiedName) -> String {
    let names =
        |keys: &[(String, _)]| keys.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(", ");
    let owner = match tenancy.owner(name) {
        TableOwner::Keyed { keys, null_is_shared: true } => {
            format!("the tenant in {}; rows without one are everybody's", names(keys))
        }
        TableOwner::Keyed { keys, null_is_shared: false } => format!("the tenant in {}", names(keys)),
        TableOwner::Root { keys } => format!("a tenant each, named by {}", names(keys)),
        TableOwner::Child { parent, by, parent_column } => {
            format!("the owner of {}.{parent_column} = {by}", catalog.spoken(parent))
        }
        TableOwner::Shared => "everybody".to_owned(),
        TableOwner::Undeclared => "nobody says".to_owned(),
    };
    match tenancy.tables.get(name) {
        Some(table) if !table.why.is_empty() => format!("{owner} ({})", table.why),
        _ => owner,
    }
}
