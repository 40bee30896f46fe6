//! `cargo tenantry schema diff`.

use std::fmt::Write as _;

use serde::Serialize;
use tenantry_live::differences::{Difference, differences};
use tenantry_policy::Dialect;
use tenantry_project::{Database, Project, Servers};
use tenantry_prover::lower::on_deep_stack;
use tenantry_span::{Diagnostic, FileId, LineCol, Severity, Span};

use crate::cli::{DiffArgs, DiffFormat};
use crate::commands::{live, scan};
use crate::exit::{self, Failure};
use crate::terminal::{self, Color};

/// Compares each database's files with the database itself; ends with 1 where they differ.
pub(crate) fn run(arguments: &DiffArgs, color: Color) -> Result<u8, Failure> {
    let servers = live::servers(&arguments.schema_from)?;
    let files_only = Servers { files_only: true, ..Servers::default() };
    let migrations = scan::project_beside(arguments.path.as_deref(), files_only)?;
    let servers = scan::project_beside(arguments.path.as_deref(), servers)?;
    if report_faults(&servers, color) || report_faults(&migrations, color) {
        return Ok(exit::USAGE);
    }
    let compared: Vec<Compared> = servers
        .databases
        .iter()
        .filter_map(|theirs| {
            let name = live_name(&servers, theirs)?;
            let ours = migrations.databases.iter().find(|ours| ours.name == theirs.name);
            Some(Compared::of(ours, theirs, name, &migrations, &servers))
        })
        .collect();
    if compared.is_empty() {
        return Err(Failure { code: exit::NOTHING, ..Failure::usage("no live database is named") }.help(
            "write --schema-from env:DATABASE_URL, or `schema = [\"env:DATABASE_URL\"]` under [[database]] in tenantry.toml",
        ));
    }
    let without = compared.iter().find(|compared| !compared.has_files);
    if let Some(without) = without {
        let message =
            format!("there are no migrations of the database `{}` to compare with", without.database);
        return Err(Failure { code: exit::NOTHING, ..Failure::usage(message) });
    }
    let differs = compared.iter().any(|compared| !compared.differences.is_empty());
    let text = match arguments.format {
        DiffFormat::Human => compared.iter().map(Compared::human).collect(),
        DiffFormat::Json => json(&compared)?,
    };
    terminal::print(&text)?;
    Ok(if differs { exit::FINDINGS } else { exit::OK })
}

/// The name that a database has on its server, where it is read from one.
fn live_name(project: &Project, database: &Database) -> Option<String> {
    let [file] = database.files.as_slice() else { return None };
    let path = project.files.path(*file);
    let name = path.strip_prefix("live-database").ok()?.with_extension("");
    (database.dialect == Dialect::Postgres).then(|| name.to_string_lossy().into_owned())
}

/// Tells what is wrong with the policy; true if nothing can be compared by it.
fn report_faults(project: &Project, color: Color) -> bool {
    let file =
        |id: FileId| (project.files.path(id).to_string_lossy().replace('\\', "/"), project.files.text(id));
    let errors = terminal::renderer(color.enabled(&std::io::stderr()));
    let is_error = |diagnostic: &&Diagnostic| diagnostic.severity == Severity::Error;
    for diagnostic in project.diagnostics.iter().filter(is_error) {
        eprintln!("{}\n", terminal::diagnostic(&errors, diagnostic, file));
    }
    project.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error)
}

/// What was compared.
#[derive(Serialize)]
struct Compared {
    database: String,
    live: String,
    #[serde(skip)]
    has_files: bool,
    differences: Vec<Told>,
    /// Statements that were not read, of the migrations and of the database.
    unread: Unread,
}

#[derive(Serialize)]
struct Unread {
    migrations: Vec<Statement>,
    database: Vec<Statement>,
}

#[derive(Serialize)]
struct Statement {
    place: Place,
    why: String,
}

#[derive(Serialize)]
struct Told {
    kind: &'static str,
    name: String,
    message: String,
    place: Option<Place>,
    uncertain: bool,
}

#[derive(Serialize)]
struct Place {
    path: String,
    line: usize,
    column: usize,
}

impl Place {
    fn of(project: &Project, span: Span) -> Place {
        let path = project.files.path(span.file).to_string_lossy().replace('\\', "/");
        let at = LineCol::of(project.files.text(span.file), span.range.start);
        Place { path, line: at.line as usize, column: at.column as usize }
    }
}

impl Compared {
    fn of(
        ours: Option<&Database>,
        theirs: &Database,
        live: String,
        migrations: &Project,
        servers: &Project,
    ) -> Compared {
        let unread = |database: &Database, project: &Project| {
            let skipped = database.catalog.skipped.iter();
            let told = |skipped: &tenantry_prover::catalog::SkippedStatement| Statement {
                place: Place::of(project, skipped.span),
                why: skipped.why.clone(),
            };
            skipped.map(told).collect::<Vec<_>>()
        };
        let ours = ours.filter(|ours| !ours.files.is_empty());
        let found = ours.and_then(|ours| on_deep_stack(|| differences(&ours.catalog, &theirs.catalog)));
        let told = |difference: Difference| Told {
            kind: difference.kind,
            name: difference.name,
            message: difference.message,
            place: difference.migration.map(|span| Place::of(migrations, span)),
            uncertain: difference.uncertain,
        };
        Compared {
            database: theirs.name.clone(),
            live,
            has_files: found.is_some(),
            differences: found.unwrap_or_default().into_iter().map(told).collect(),
            unread: Unread {
                migrations: ours.map(|ours| unread(ours, migrations)).unwrap_or_default(),
                database: unread(theirs, servers),
            },
        }
    }

    /// A sentence for each difference, below what it is of.
    fn human(&self) -> String {
        let mut out = String::new();
        let (name, live) = (terminal::plain(&self.database), terminal::plain(&self.live));
        let _ = match self.differences.len() {
            0 => writeln!(out, "database {name}: its migrations make what {live} has"),
            1 => writeln!(out, "database {name}: one difference between its migrations and {live}"),
            many => writeln!(out, "database {name}: {many} differences between its migrations and {live}"),
        };
        let mut about = None;
        for told in &self.differences {
            if about != Some((told.kind, &told.name)) {
                about = Some((told.kind, &told.name));
                let of_unread = if told.uncertain { " (a statement about it is not read)" } else { "" };
                let _ = writeln!(out, "\n{} {}{of_unread}", told.kind, terminal::plain(&told.name));
            }
            let place = told.place.as_ref().map(|place| format!(" ({}:{})", place.path, place.line));
            let line = format!("  {}{}", told.message, place.unwrap_or_default());
            let _ = writeln!(out, "{}", terminal::plain(&line));
        }
        for (statements, whose) in
            [(&self.unread.migrations, "the migrations"), (&self.unread.database, "the database")]
        {
            if !statements.is_empty() {
                let _ = writeln!(out, "\nnot read of {whose}:");
            }
            for statement in statements {
                let line = format!("  {}:{}: {}", statement.place.path, statement.place.line, statement.why);
                let _ = writeln!(out, "{}", terminal::plain(&line));
            }
        }
        out.push('\n');
        out
    }
}

fn json(compared: &[Compared]) -> Result<String, Failure> {
    let document = serde_json::json!({ "schema": 1, "databases": compared });
    let text = serde_json::to_string_pretty(&document);
    Ok(text.map_err(|error| Failure::internal(format!("the differences cannot be written: {error}")))? + "\n")
}
