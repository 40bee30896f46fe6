//! The versioned report as JSON, through types of its own.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Serialize;
use tenantry_engine::report::{Claim, Counts, SuppressionKind};
use tenantry_engine::{Disposition, Report, date};
use tenantry_prover::verdict::Verdict;
use tenantry_span::Span;

use crate::output::{Output, Region, path, region};

#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    tool: Tool<'a>,
    today: String,
    /// A part of the analysis failed: see `failed` in `skipped`.
    partial: bool,
    diagnostics: Vec<DiagnosticOut<'a>>,
    databases: Vec<Database<'a>>,
    coverage: Coverage<'a>,
    sites: Vec<Site<'a>>,
    helpers: Vec<HelperOut<'a>>,
    routines: Vec<RoutineOut<'a>>,
    findings: Vec<Finding<'a>>,
    skipped: Vec<Skipped<'a>>,
    stale_baseline: &'a [String],
}

#[derive(Serialize)]
struct DiagnosticOut<'a> {
    severity: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Place,
    help: &'a [String],
}

#[derive(Serialize)]
struct Tool<'a> {
    name: &'a str,
    version: &'a str,
}

#[derive(Serialize)]
struct Database<'a> {
    name: &'a str,
    dialect: &'a str,
    tables: usize,
    inference: Option<&'a str>,
    skipped_statements: Vec<SkippedStatement<'a>>,
}

#[derive(Serialize)]
struct SkippedStatement<'a> {
    #[serde(flatten)]
    place: Place,
    why: &'a str,
}

#[derive(Serialize)]
struct Coverage<'a> {
    rust_files: usize,
    all: CountsOut,
    crates: BTreeMap<&'a str, CountsOut>,
    tables: BTreeMap<&'a str, CountsOut>,
    surfaces: BTreeMap<&'a str, CountsOut>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    claims: BTreeMap<&'a str, CountsOut>,
    /// Statements in functions of the databases; they are not among `all`.
    routines: CountsOut,
}

#[derive(Serialize)]
struct CountsOut {
    scoped: usize,
    scoped_by_guard: usize,
    scoped_if_callers: usize,
    undecided: usize,
    leaks: usize,
    exempted: usize,
}

#[derive(Serialize)]
struct Place {
    path: String,
    #[serde(flatten)]
    region: Region,
}

/// A place that runs what its function is handed.
#[derive(Serialize)]
struct HelperOut<'a> {
    #[serde(flatten)]
    place: Place,
    item: &'a str,
    handed: &'a [String],
    /// How many calls show what is run.
    calls: usize,
    /// Why it is judged by itself.
    open: Option<&'a str>,
}

/// A function of a database.
#[derive(Serialize)]
struct RoutineOut<'a> {
    #[serde(flatten)]
    place: Place,
    name: &'a str,
    language: &'a str,
    /// The parameter that carries the tenant.
    tenant: Option<&'a str>,
    /// The trigger that runs it, for which it is judged here.
    fires: Option<FiresOut<'a>>,
    /// Those that touch rows.
    statements: Vec<RoutineStatementOut<'a>>,
    /// Why its body is not judged.
    open: Option<&'a str>,
}

#[derive(Serialize)]
struct FiresOut<'a> {
    trigger: &'a str,
    table: &'a str,
}

#[derive(Serialize)]
struct RoutineStatementOut<'a> {
    #[serde(flatten)]
    place: Place,
    outcome: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct Site<'a> {
    #[serde(flatten)]
    place: Place,
    item: &'a str,
    #[serde(rename = "crate")]
    krate: &'a str,
    library: &'a str,
    call: &'a str,
    /// Where the SQL runs, if not here.
    runs_at: Option<Place>,
    database: Option<&'a str>,
    sql: &'a [String],
    tables: &'a [String],
    verdict: &'a str,
    statements: Vec<Statement<'a>>,
    assumptions: &'a [String],
    callers: Vec<Related<'a>>,
    disposition: DispositionOut<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<&'static str>,
    surfaces: &'a [String],
    cfgs: &'a [String],
    test: bool,
}

#[derive(Serialize)]
struct Statement<'a> {
    text: usize,
    verdict: &'a str,
    basis: Option<&'a str>,
    reasons: Vec<&'a str>,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    severity: &'a str,
    message: &'a str,
    #[serde(flatten)]
    place: Place,
    related: Vec<Related<'a>>,
    help: &'a [String],
    fix: Option<Vec<EditOut<'a>>>,
    item: Option<&'a str>,
    table: &'a str,
    fingerprint: &'a str,
    disposition: DispositionOut<'a>,
}

/// A change of the source: bytes of the file from its start, and what stands there instead.
#[derive(Serialize)]
struct EditOut<'a> {
    path: String,
    start: u32,
    end: u32,
    text: Cow<'a, str>,
}

#[derive(Serialize)]
struct Related<'a> {
    #[serde(flatten)]
    place: Place,
    message: &'a str,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum DispositionOut<'a> {
    New,
    Suppressed { reason: &'a str, until: Option<&'a str>, owner: Option<&'a str>, written: &'a str },
    Baselined,
}

#[derive(Serialize)]
struct Skipped<'a> {
    path: &'a str,
    line: Option<u32>,
    why: &'a str,
    failed: bool,
}

pub(super) const OUTPUTS: &[Output] = &[Output { name: "json", render: |report, _| render(report) }];

/// Writes the report.
///
/// # Errors
/// It cannot be written as JSON.
fn render(report: &Report) -> Result<String, serde_json::Error> {
    let place = |span: Span| Place { path: path(report, span.file), region: region(report, span) };
    let diagnostics = report.diagnostics.iter().map(|told| DiagnosticOut {
        severity: told.severity.as_str(),
        message: &told.message,
        place: place(told.primary.span),
        help: &told.help,
    });
    let databases = report.databases.iter().map(|database| Database {
        name: &database.name,
        dialect: database.dialect,
        tables: database.tables,
        inference: database.inference.as_deref(),
        skipped_statements: database
            .skipped
            .iter()
            .map(|(span, why)| SkippedStatement { place: place(*span), why })
            .collect(),
    });
    let sites = report.sites.iter().map(|site| Site {
        place: place(site.span),
        item: &site.item,
        krate: &site.krate,
        library: &site.library,
        call: &site.call,
        runs_at: site.runs_at.map(place),
        database: site.database.as_deref(),
        sql: &site.texts,
        tables: &site.tables,
        verdict: site.outcome.as_str(),
        statements: site
            .statements
            .iter()
            .map(|statement| Statement {
                text: statement.text,
                verdict: tenantry_engine::Outcome::of(&statement.verdict).as_str(),
                basis: basis(&statement.verdict),
                reasons: reasons(&statement.verdict),
            })
            .collect(),
        assumptions: &site.assumptions,
        callers: site
            .callers
            .iter()
            .map(|(span, message)| Related { place: place(*span), message })
            .collect(),
        disposition: disposition(&site.disposition),
        claim: Some(site.claim).filter(|claim| *claim != Claim::Unmarked).map(Claim::as_str),
        surfaces: &site.surfaces,
        cfgs: &site.cfgs,
        test: site.is_test,
    });
    let findings = report.findings.iter().map(|finding| Finding {
        rule: finding.rule,
        severity: finding.severity.as_str(),
        message: &finding.message,
        place: place(finding.primary),
        related: finding
            .related
            .iter()
            .map(|(span, message)| Related { place: place(*span), message })
            .collect(),
        help: &finding.help,
        fix: finding.fix.as_ref().map(|fix| {
            let edits = fix.edits.iter().map(|edit| EditOut {
                path: path(report, edit.place.file),
                start: edit.place.range.start,
                end: edit.place.range.end,
                text: Cow::from(&edit.text),
            });
            // A file that is not there yet begins and ends at its beginning.
            let new = fix.migration.iter().flat_map(|migration| [&migration.up].into_iter().chain(&migration.down));
            let new = new.map(|file| EditOut {
                path: file.path.clone(),
                start: 0,
                end: 0,
                text: file.parts.join("\n").into(),
            });
            edits.chain(new).collect()
        }),
        item: finding.site.and_then(|at| report.sites.get(at)).map(|site| site.item.as_str()),
        table: &finding.table,
        fingerprint: &finding.fingerprint,
        disposition: disposition(&finding.disposition),
    });
    let helpers = report.helpers.iter().map(|helper| HelperOut {
        place: place(helper.span),
        item: &helper.item,
        handed: &helper.handed,
        calls: helper.calls,
        open: helper.open.as_deref(),
    });
    let routines = report.routines.iter().map(|routine| RoutineOut {
        place: place(routine.span),
        name: &routine.name,
        language: &routine.language,
        tenant: routine.tenant.as_deref(),
        fires: routine
            .fires
            .as_ref()
            .map(|fires| FiresOut { trigger: &fires.trigger, table: &fires.table }),
        statements: routine
            .statements
            .iter()
            .map(|statement| RoutineStatementOut {
                place: place(statement.span),
                outcome: statement.outcome.as_str(),
                why: &statement.why,
            })
            .collect(),
        open: routine.open.as_deref(),
    });
    let skipped = report.skipped.iter().map(|skipped| Skipped {
        path: &skipped.path,
        line: skipped.line,
        why: &skipped.why,
        failed: skipped.failed,
    });
    let document = Document {
        schema: report.schema_version,
        tool: Tool { name: "tenantry", version: report.tool_version },
        today: date(report.today),
        partial: report.is_partial(),
        diagnostics: diagnostics.collect(),
        databases: databases.collect(),
        coverage: Coverage {
            rust_files: report.scanned,
            all: counts(report.coverage.all),
            crates: by_name(&report.coverage.crates),
            tables: by_name(&report.coverage.tables),
            surfaces: by_name(&report.coverage.surfaces),
            claims: by_name(&report.coverage.claims),
            routines: counts(report.coverage.routines),
        },
        sites: sites.collect(),
        helpers: helpers.collect(),
        routines: routines.collect(),
        findings: findings.collect(),
        skipped: skipped.collect(),
        stale_baseline: &report.stale_baseline,
    };
    let mut text = serde_json::to_string_pretty(&document)?;
    text.push('\n');
    Ok(text)
}

fn by_name(named: &BTreeMap<String, Counts>) -> BTreeMap<&str, CountsOut> {
    named.iter().map(|(name, value)| (name.as_str(), counts(*value))).collect()
}

fn counts(counts: Counts) -> CountsOut {
    CountsOut {
        scoped: counts.scoped,
        scoped_by_guard: counts.scoped_by_guard,
        scoped_if_callers: counts.scoped_if_callers,
        undecided: counts.undecided,
        leaks: counts.leaks,
        exempted: counts.exempted,
    }
}

fn basis(verdict: &Verdict) -> Option<&'static str> {
    use tenantry_prover::verdict::Basis;
    match verdict {
        Verdict::Scoped(proof) => Some(match proof.basis {
            Basis::Query => "query",
            Basis::NoTenantData => "no-tenant-data",
            Basis::Guard => "guard",
            Basis::RowSecurity => "row-security",
        }),
        Verdict::Leaks(_) | Verdict::Undecided(_) => None,
    }
}

fn reasons(verdict: &Verdict) -> Vec<&str> {
    match verdict {
        Verdict::Scoped(proof) => proof.steps.iter().map(|step| step.text.as_str()).collect(),
        Verdict::Leaks(leaks) => leaks.iter().map(|leak| leak.message.as_str()).collect(),
        Verdict::Undecided(obstacles) => obstacles.iter().map(|obstacle| obstacle.message.as_str()).collect(),
    }
}

fn disposition(disposition: &Disposition) -> DispositionOut<'_> {
    match disposition {
        Disposition::New => DispositionOut::New,
        Disposition::Baselined => DispositionOut::Baselined,
        Disposition::Suppressed { reason, until, owner, kind } => DispositionOut::Suppressed {
            reason,
            until: until.as_deref(),
            owner: owner.as_deref(),
            written: match kind {
                SuppressionKind::InSource => "source",
                SuppressionKind::Policy => "policy",
            },
        },
    }
}
