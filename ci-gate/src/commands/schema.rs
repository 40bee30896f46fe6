//! `cargo tenantry schema`.

use std::fmt::Write as _;

use tenantry_prover::catalog::{Catalog, QualifiedName};
use tenantry_prover::tenancy::{TableOwner, Tenancy};
use tenantry_span::{Diagnostic, FileId};

use crate::cli::ProjectArgs;
use crate::commands::scan;
use crate::exit::{self, Failure};
use crate::terminal::{self, Color};

/// Prints each database: its tables with owners and why, and what was not read.
pub(crate) fn run(arguments: &ProjectArgs, color: Color) -> Result<u8, Failure> {
    let project = scan::project(arguments.path.as_deref())?;
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
            let line = format!("  {:<32} {owner}", shown(&database.catalog, name));
            let _ = writeln!(out, "{}", terminal::plain(&line));
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

fn shown(catalog: &Catalog, name: &QualifiedName) -> String {
    if name.schema == catalog.default_schema {
        name.name.clone()
    } else {
        format!("{}.{}", name.schema, name.name)
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
            format!("the owner of {}.{parent_column} = {by}", shown(catalog, parent))
        }
        TableOwner::Shared => "everybody".to_owned(),
        TableOwner::Undeclared => "nobody says".to_owned(),
    };
    match tenancy.tables.get(name) {
        Some(table) if !table.why.is_empty() => format!("{owner} ({})", table.why),
        _ => owner,
    }
}
