//! What a run found. Every output is a pure function of it.

use std::collections::BTreeMap;

use tenantry_policy::Date;
use tenantry_project::Files;
use tenantry_prover::verdict::{Basis, Verdict};
use tenantry_source::{Bind, SqlText};
use tenantry_span::{Diagnostic, Severity, Span};

use crate::decide::CALLERS;
use crate::fixes::Fix;
use crate::statement::Outcome;

/// The version of the report's form; it grows when a reader of the old form would misread the new one.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything a run found.
#[derive(Debug)]
pub struct Report {
    /// [`SCHEMA_VERSION`].
    pub schema_version: u32,
    /// The version of the product.
    pub tool_version: &'static str,
    /// The day on which suppressions were judged.
    pub today: Date,
    /// The files that spans point into; paths are relative to the project's root.
    pub files: Files,
    /// The databases.
    pub databases: Vec<DatabaseSummary>,
    /// What is wrong with the policy file, or does not fit the schema.
    pub diagnostics: Vec<Diagnostic>,
    /// All sites, ordered by path and place.
    pub sites: Vec<SiteReport>,
    /// Functions that run what they are handed, ordered by their paths and places.
    pub helpers: Vec<Helper>,
    /// The functions and procedures of the databases whose bodies touch rows, or are not read, ordered by path and place.
    pub routines: Vec<Routine>,
    /// All findings, ordered by path, place, rule and message; suppressed and baselined ones too.
    pub findings: Vec<Finding>,
    /// What was not read, with the reason.
    pub skipped: Vec<SkippedFile>,
    /// The number of Rust files that were looked at.
    pub scanned: usize,
    /// How much of the code is decided.
    pub coverage: Coverage,
    /// Entries of the baseline that no longer occur: the fingerprint, and behind it what the caller knows of it.
    pub stale_baseline: Vec<String>,
}

impl Report {
    /// True if a part of the analysis failed, so that the report is not the whole truth.
    pub fn is_partial(&self) -> bool {
        self.skipped.iter().any(|skipped| skipped.failed)
    }
}

/// A database, for the summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSummary {
    /// Its name.
    pub name: String,
    /// Its dialect.
    pub dialect: &'static str,
    /// How many tables it has.
    pub tables: usize,
    /// What was inferred of its tenancy, one paragraph; `None` where the policy says it.
    pub inference: Option<String>,
    /// Statements of the schema that were not read: where, and why.
    pub skipped: Vec<(Span, String)>,
}

/// A place that runs the SQL text, or binds the list of values, that its function is handed: what is known of it, whoever
/// calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Helper {
    /// The function's path within its crate.
    pub item: String,
    /// Where it runs the SQL.
    pub span: Span,
    /// The names of the parameters that are text, or lists of values.
    pub handed: Vec<String>,
    /// The calls that show what is run, those of its callers' callers included: each is a site.
    pub calls: usize,
    /// Why it is judged by itself all the same; `None` where its calls stand for it.
    pub open: Option<String>,
}

/// A function or procedure of a database, judged by itself: what a call of it does is judged at the call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routine {
    /// Its name.
    pub name: String,
    /// Where it is created.
    pub span: Span,
    /// The language of its body.
    pub language: String,
    /// The parameter that carries the tenant: its name, or `$1`.
    pub tenant: Option<String>,
    /// Where it runs for a trigger, that trigger: it is judged for each of them.
    pub fires: Option<Fires>,
    /// The statements of its body that touch rows.
    pub statements: Vec<RoutineStatement>,
    /// Why its body is not judged.
    pub open: Option<String>,
}

/// The trigger for which a routine runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fires {
    /// Its name.
    pub trigger: String,
    /// Its table.
    pub table: String,
}

/// A statement of a routine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoutineStatement {
    /// Its place.
    pub span: Span,
    /// What is said of it.
    pub outcome: Outcome,
    /// Why; empty where it is scoped.
    pub why: String,
}

impl Routine {
    /// What it adds to the coverage.
    fn counts(&self) -> Counts {
        let of = |wanted: Outcome| self.statements.iter().filter(|one| one.outcome == wanted).count();
        let (scoped, scoped_if_callers) = match self.tenant {
            None => (of(Outcome::Scoped), 0),
            Some(_) => (0, of(Outcome::Scoped)),
        };
        let undecided = of(Outcome::Undecided) + usize::from(self.open.is_some());
        Counts { scoped, scoped_if_callers, undecided, leaks: of(Outcome::Leaks), ..Counts::default() }
    }
}

/// A file, or a part of one, that was not read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SkippedFile {
    /// The path, relative to the root.
    pub path: String,
    /// The line, from 1, where only a part was skipped.
    pub line: Option<u32>,
    /// Why.
    pub why: String,
    /// Reading it failed, though nothing about it forbids it: what the report says is then a part of the truth.
    pub failed: bool,
}

/// A place that runs SQL, with what is said of it.
#[derive(Clone, Debug)]
pub struct SiteReport {
    /// The call.
    pub span: Span,
    /// The enclosing item's path.
    pub item: String,
    /// The crate's name.
    pub krate: String,
    /// The query library.
    pub library: String,
    /// The macro, function or method.
    pub call: String,
    /// Where the SQL runs, if not at the call itself.
    pub runs_at: Option<Span>,
    /// The database whose schema it was judged by.
    pub database: Option<String>,
    /// The texts it may run, holes as `{…}`.
    pub texts: Vec<String>,
    /// The same as pieces, which say where each part stands in the files; ranges of verdicts point into these.
    pub sql: Vec<SqlText>,
    /// What is bound, in the order of the placeholders; `None` where it could not be matched with them.
    pub binds: Option<Vec<Bind>>,
    /// The tables that belong to tenants and are touched, as far as known.
    pub tables: Vec<String>,
    /// The worst of the statements.
    pub outcome: Outcome,
    /// One entry per text and statement.
    pub statements: Vec<StatementReport>,
    /// What the proof takes for granted, each a sentence.
    pub assumptions: Vec<String>,
    /// What becomes of the site besides its verdict.
    pub disposition: Disposition,
    /// What an attribute in the source claims of it.
    pub claim: Claim,
    /// The surfaces it belongs to.
    pub surfaces: Vec<String>,
    /// `cfg` predicates that gate it.
    pub cfgs: Vec<String>,
    /// It is test code.
    pub is_test: bool,
    /// The arguments by which all callers hand over the tenant, if the proof rests on that: places, with a word at each.
    pub callers: Vec<(Span, String)>,
}

/// A statement of a site.
#[derive(Clone, Debug)]
pub struct StatementReport {
    /// The text it belongs to, as an index into the site's texts.
    pub text: usize,
    /// The verdict; ranges in it point into the text.
    pub verdict: Verdict,
}

/// What an attribute of the crate `tenantry` claims of a site.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Claim {
    /// Nothing.
    #[default]
    Unmarked,
    /// `#[tenant_scoped]`: it stays inside one tenant, and the compiler has proved it.
    Marked,
    /// `#[tenant_scoped(defer)]`: it does, and the proof is the scanner's.
    Deferred,
    /// `#[cross_tenant(…)]`: it crosses tenants on purpose.
    Excepted,
}

impl Claim {
    /// The word used in every output.
    pub fn as_str(self) -> &'static str {
        match self {
            Claim::Unmarked => "unmarked",
            Claim::Marked => "marked",
            Claim::Deferred => "deferred",
            Claim::Excepted => "excepted",
        }
    }

    /// True if the item is said to stay inside one tenant.
    pub fn is_scoped(self) -> bool {
        matches!(self, Claim::Marked | Claim::Deferred)
    }
}

/// What becomes of a finding or site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// It counts.
    #[default]
    New,
    /// Somebody wrote down why it may be.
    Suppressed {
        /// Why.
        reason: String,
        /// The last day, as `YYYY-MM-DD`.
        until: Option<String>,
        /// Who answers for it.
        owner: Option<String>,
        /// Where it is written.
        kind: SuppressionKind,
    },
    /// It was there when the baseline was written.
    Baselined,
}

/// Where a suppression is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SuppressionKind {
    /// In the source.
    InSource,
    /// In the policy file.
    Policy,
}

/// Something a rule says of a place. Only a rule's code makes one, through a draft that is held against nonsense.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Finding {
    /// The rule's id.
    pub rule: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// What happens, in one sentence.
    pub message: String,
    /// The smallest place that is wrong.
    pub primary: Span,
    /// A word at the primary place; may be empty.
    pub label: String,
    /// Other places that explain it.
    pub related: Vec<(Span, String)>,
    /// What to do.
    pub help: Vec<String>,
    /// The site it is about, as an index into [`Report::sites`].
    pub site: Option<usize>,
    /// The table it is about; empty where there is none.
    pub table: String,
    /// A change of the source after which it is gone, where that is plain.
    pub fix: Option<Fix>,
    /// Identity across runs: survives moved lines and reformatted SQL.
    pub fingerprint: String,
    /// What becomes of it.
    pub disposition: Disposition,
}

/// Sites by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Proved, with nothing taken for granted of callers.
    pub scoped: usize,
    /// Proved by a check of the row between its being fetched and its being used.
    pub scoped_by_guard: usize,
    /// Proved if callers pass their own tenant.
    pub scoped_if_callers: usize,
    /// Not decided.
    pub undecided: usize,
    /// Leaks.
    pub leaks: usize,
    /// Leaks or undecided, and somebody wrote down why that may be.
    pub exempted: usize,
}

impl Counts {
    /// All sites.
    pub fn total(self) -> usize {
        let scoped = self.scoped + self.scoped_by_guard + self.scoped_if_callers;
        scoped + self.undecided + self.leaks + self.exempted
    }

    fn plus(self, other: Counts) -> Counts {
        Counts {
            scoped: self.scoped + other.scoped,
            scoped_by_guard: self.scoped_by_guard + other.scoped_by_guard,
            scoped_if_callers: self.scoped_if_callers + other.scoped_if_callers,
            undecided: self.undecided + other.undecided,
            leaks: self.leaks + other.leaks,
            exempted: self.exempted + other.exempted,
        }
    }

    fn add(&mut self, site: &SiteReport) {
        let field = match (&site.disposition, site.outcome) {
            (_, Outcome::Scoped) if site.assumptions.iter().any(|text| text.starts_with(CALLERS)) => {
                &mut self.scoped_if_callers
            }
            (_, Outcome::Scoped) if site.statements.iter().any(is_by_guard) => &mut self.scoped_by_guard,
            (_, Outcome::Scoped) => &mut self.scoped,
            (Disposition::Suppressed { .. }, _) => &mut self.exempted,
            (_, Outcome::Undecided) => &mut self.undecided,
            (_, Outcome::Leaks) => &mut self.leaks,
        };
        *field += 1;
    }
}

fn is_by_guard(statement: &StatementReport) -> bool {
    matches!(&statement.verdict, Verdict::Scoped(proof) if proof.basis == Basis::Guard)
}

/// How much of the code is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// All sites.
    pub all: Counts,
    /// By crate.
    pub crates: BTreeMap<String, Counts>,
    /// By table.
    pub tables: BTreeMap<String, Counts>,
    /// By surface.
    pub surfaces: BTreeMap<String, Counts>,
    /// By what attributes claim, in words; empty where no site has one.
    pub claims: BTreeMap<String, Counts>,
    /// Statements in functions of the databases, which are no sites, and functions whose bodies are not judged.
    pub routines: Counts,
}

impl Coverage {
    /// Counts sites; `surfaces` are the declared ones, which show even without a site.
    pub fn of<'a>(
        sites: &[SiteReport],
        routines: &[Routine],
        surfaces: impl Iterator<Item = &'a String>,
    ) -> Coverage {
        let routines = routines.iter().map(Routine::counts).fold(Counts::default(), Counts::plus);
        let mut coverage = Coverage { routines, ..Coverage::default() };
        coverage.surfaces.extend(surfaces.map(|name| (name.clone(), Counts::default())));
        let has_claims = sites.iter().any(|site| site.claim != Claim::Unmarked);
        for site in sites {
            coverage.all.add(site);
            if has_claims {
                coverage.claims.entry(site.claim.as_str().to_owned()).or_default().add(site);
            }
            coverage.crates.entry(site.krate.clone()).or_default().add(site);
            for table in &site.tables {
                coverage.tables.entry(table.clone()).or_default().add(site);
            }
            for surface in &site.surfaces {
                coverage.surfaces.entry(surface.clone()).or_default().add(site);
            }
        }
        coverage
    }
}
