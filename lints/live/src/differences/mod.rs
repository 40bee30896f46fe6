//! What two schemas differ in: what the migrations make, and what a database has.
//!
//! **Invariant:** whatever a proof reads of a schema is compared, but for the queries of views, which a server writes back in
//! words of its own: of those it is the columns, the tables and the strings.

mod canonical;
mod table;
mod things;

pub use canonical::words;
use tenantry_prover::catalog::{Catalog, QualifiedName};
use tenantry_span::Span;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The kind of what differs: `table`, `view`, `function`, `type`, `role`.
    pub kind: &'static str,
    /// Its name; with its schema where that is not the default.
    pub name: String,
    /// What differs, as a sentence without its dot.
    pub message: String,
    /// The statement of the migrations that says otherwise, where there is one.
    pub migration: Option<Span>,
    /// The migrations' last word on it could not be read, which may be why.
    pub uncertain: bool,
}

/// Tables in which tools note which migrations have run. No migration makes them.
const BOOKKEEPING: &[&str] = &[
    "_sqlx_migrations",
    "__diesel_schema_migrations",
    "flyway_schema_history",
    "goose_db_version",
    "gorp_migrations",
    "refinery_schema_history",
    "schema_migrations",
    "seaql_migrations",
];

/// All differences, by kind and name. The caller runs this on a deep stack.
pub fn differences(migrations: &Catalog, database: &Catalog) -> Vec<Difference> {
    let mut told = Told { migrations, database, found: Vec::new(), kind: "table", name: String::new() };
    told.tables();
    told.views();
    told.functions();
    told.types();
    told.roles();
    told.found
}

/// What is being compared, and what was found.
struct Told<'c> {
    migrations: &'c Catalog,
    database: &'c Catalog,
    found: Vec<Difference>,
    kind: &'static str,
    name: String,
}

impl Told<'_> {
    fn about(&mut self, kind: &'static str, name: &QualifiedName) {
        self.kind = kind;
        self.name = self.shown(name);
    }

    fn tell(&mut self, migration: Option<Span>, message: String) {
        let skipped = self.migrations.skipped.iter().filter_map(|skipped| skipped.table.as_ref());
        let mut unsure = self.migrations.tables.values().filter(|table| table.row_security.unsure.is_some());
        let uncertain = self.kind == "table"
            && (skipped.into_iter().any(|table| self.shown(table) == self.name)
                || unsure.any(|table| self.shown(&table.name) == self.name));
        self.found.push(Difference {
            kind: self.kind,
            name: self.name.clone(),
            message,
            migration,
            uncertain,
        });
    }

    fn shown(&self, name: &QualifiedName) -> String {
        match name.schema == self.migrations.default_schema {
            true => name.name.clone(),
            false => format!("{}.{}", name.schema, name.name),
        }
    }

    /// Things of one kind by their names: those of one side only are told, those of both are handed on.
    fn pairs<'t, T>(
        &mut self,
        ours: &'t [T],
        theirs: &'t [T],
        what: &str,
        name: impl Fn(&T) -> &str,
        span: impl Fn(&T) -> Span,
    ) -> Vec<(&'t T, &'t T)> {
        let mut both = Vec::new();
        for one in ours {
            match theirs.iter().find(|other| name(other) == name(one)) {
                Some(other) => both.push((one, other)),
                None => self.tell(Some(span(one)), format!("the database has no {what} {}", name(one))),
            }
        }
        for other in theirs.iter().filter(|other| ours.iter().all(|one| name(one) != name(other))) {
            self.tell(
                None,
                format!("the database has the {what} {}, which the migrations do not make", name(other)),
            );
        }
        both
    }

    /// Tells two words that differ.
    fn compare(&mut self, span: Span, what: &str, ours: &str, theirs: &str) {
        if ours != theirs {
            self.tell(Some(span), format!("{what} {ours} in the migrations, and {theirs} in the database"));
        }
    }
}

/// A list of names as it is shown.
fn list(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
