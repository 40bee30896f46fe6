//! Prints the databases of a project: `cargo run -p tenantry-project --example schema -- FOLDER`.
#![allow(clippy::print_stdout, reason = "an example prints")]

use std::path::PathBuf;

fn main() {
    let folder = std::env::args_os().nth(1).map_or_else(|| PathBuf::from("."), PathBuf::from);
    let project = tenantry_project::load(&folder);
    for diagnostic in &project.diagnostics {
        println!("{}: {}", diagnostic.severity, diagnostic.message);
    }
    for skipped in &project.skipped {
        println!("skipped: {} {}", skipped.path.display(), skipped.why);
    }
    for database in &project.databases {
        println!(
            "== {} ({}), {} files, {} statements skipped, crates {}",
            database.name,
            database.dialect.as_str(),
            database.files.len(),
            database.catalog.skipped.len(),
            database.crates.join(", "),
        );
        if let Some(inference) = &database.inference {
            println!("{}", inference.paragraph);
        }
        for (name, table) in &database.tenancy.tables {
            println!("{}.{}: {:?}\n    {}", name.schema, name.name, table.owner, table.why);
        }
        for skipped in &database.catalog.skipped {
            let text = project.files.text(skipped.span.file);
            let line = tenantry_span::LineIndex::new(text).line(skipped.span.range.start) + 1;
            println!("not read: {}:{line}: {}", project.files.path(skipped.span.file).display(), skipped.why);
        }
    }
}
