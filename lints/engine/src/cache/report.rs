//! How a report lies in bytes. Its files are not part of it: whoever reads it back has read them.

use tenantry_policy::{Date, Dialect};
use tenantry_project::Files;
use tenantry_prover::catalog::QualifiedName;
use tenantry_prover::tenancy::DomainId;
use tenantry_prover::verdict::{
    Basis, KnownValue, Leak, LeakKind, Named, Obstacle, ObstacleKind, Proof, ReturnedColumn, SchemaFault,
    SchemaReason, Step, TenantSource, Verdict,
};
use tenantry_span::{Diagnostic, FileId, Label, Severity};

use super::codec::{Reader, Stored, Writer, numbered, stored};
use crate::fixes::{Edit, Fix, Migration, NewFile};
use crate::report::{
    Claim, Counts, Coverage, DatabaseSummary, Disposition, Finding, Fires, Helper, Report, Routine,
    RoutineStatement, SCHEMA_VERSION, SiteReport, SkippedFile, StatementReport, SuppressionKind,
};
use crate::statement::Outcome;

/// The report without its files.
pub(super) fn put_report(report: &Report) -> Vec<u8> {
    let Report {
        schema_version: _,
        tool_version: _,
        today: _,
        files,
        databases,
        diagnostics,
        sites,
        helpers,
        routines,
        findings,
        skipped,
        scanned,
        coverage,
        stale_baseline,
    } = report;
    let number = |id: FileId| id.0.to_string();
    let mut out = Writer::new(&number);
    databases.put(&mut out);
    diagnostics.put(&mut out);
    sites.put(&mut out);
    helpers.put(&mut out);
    routines.put(&mut out);
    findings.put(&mut out);
    skipped.put(&mut out);
    scanned.put(&mut out);
    coverage.put(&mut out);
    stale_baseline.put(&mut out);
    let (body, numbers) = out.finish();
    let no_files = |_: FileId| String::new();
    let mut whole = Writer::new(&no_files);
    files.len().put(&mut whole);
    numbers.put(&mut whole);
    whole.bytes.extend_from_slice(&body);
    whole.finish().0
}

/// The report of a day, with its files; `None` where the bytes are not what was written.
pub(super) fn get_report(bytes: &[u8], files: Files, today: Date) -> Option<Report> {
    let mut head = Reader::new(bytes, &[]);
    if usize::get(&mut head)? != files.len() {
        return None;
    }
    let numbers = Vec::<String>::get(&mut head)?;
    let ids: Vec<FileId> =
        numbers.iter().map(|number| number.parse().ok().map(FileId)).collect::<Option<_>>()?;
    let mut from = head.with_files(&ids);
    let report = Report {
        schema_version: SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION"),
        today,
        files,
        databases: Stored::get(&mut from)?,
        diagnostics: Stored::get(&mut from)?,
        sites: Stored::get(&mut from)?,
        helpers: Stored::get(&mut from)?,
        routines: Stored::get(&mut from)?,
        findings: Stored::get(&mut from)?,
        skipped: Stored::get(&mut from)?,
        scanned: Stored::get(&mut from)?,
        coverage: Stored::get(&mut from)?,
        stale_baseline: Stored::get(&mut from)?,
    };
    from.is_at_end().then_some(report)
}

stored! {
    SkippedFile { path, line, why, failed }
    Diagnostic { severity, message, primary, related, help }
    Label { span, message }
    SiteReport {
        span, item, krate, library, call, runs_at, database, texts, sql, binds, tables, outcome, statements, assumptions,
        disposition, claim, surfaces, cfgs, is_test, callers,
    }
    StatementReport { text, verdict }
    Helper { item, span, handed, calls, open }
    Routine { name, span, language, tenant, fires, statements, open }
    Fires { trigger, table }
    RoutineStatement { span, outcome, why }
    Counts { scoped, scoped_by_guard, scoped_if_callers, undecided, leaks, exempted }
    Coverage { all, crates, tables, surfaces, claims, routines }
    Proof { basis, assumptions, steps, pins, kinds, tables, returns, given }
    KnownValue { param, names, is_new, chosen }
    ReturnedColumn { name, names }
    QualifiedName { schema, name }
    Step { range, text }
    Fix { edits, migration }
    Migration { up, down }
    NewFile { path, parts }
    Edit { place, text }
    Leak { kind, table, alias, range, message, help, related, reasons }
    SchemaReason { kind, span, text }
    Obstacle { kind, range, message, help }
}

numbered! { Severity { Note = 0, Warning = 1, Error = 2 } }

numbered! { Outcome { Scoped = 0, Undecided = 1, Leaks = 2 } }

numbered! { Claim { Unmarked = 0, Marked = 1, Deferred = 2, Excepted = 3 } }

numbered! { SuppressionKind { InSource = 0, Policy = 1 } }

numbered! { Basis { Query = 0, NoTenantData = 1, Guard = 2, RowSecurity = 3 } }

numbered! { SchemaFault { UniqueKey = 0, ForeignKey = 1, Cascade = 2, NullableKey = 3 } }

numbered! { LeakKind {
    Unscoped = 0, JoinedNotTied = 1, SelfComparison = 2, ConflictTarget = 3, KeyRewritten = 4, OptionalFilter = 5,
    WrittenOwner = 6, SharedWrite = 7, Cascade = 8, WholeTable = 9, FixedTenant = 10,
} }

numbered! { ObstacleKind {
    Syntax = 0, Unmodelled = 1, UnknownTable = 2, UndeclaredOwner = 3, UnknownColumn = 4, UnknownFunction = 5,
    NotProved = 6, Limit = 7, DynamicText = 8, UntracedBind = 9,
} }

impl Stored for Verdict {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            Verdict::Scoped(proof) => {
                out.bytes.push(0);
                proof.put(out);
            }
            Verdict::Leaks(leaks) => {
                out.bytes.push(1);
                leaks.put(out);
            }
            Verdict::Undecided(obstacles) => {
                out.bytes.push(2);
                obstacles.put(out);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Verdict> {
        match u8::get(from)? {
            0 => Proof::get(from).map(Verdict::Scoped),
            1 => Vec::get(from).map(Verdict::Leaks),
            2 => Vec::get(from).map(Verdict::Undecided),
            _ => None,
        }
    }
}

impl Stored for TenantSource {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            TenantSource::Param(number) => {
                out.bytes.push(0);
                number.put(out);
            }
            TenantSource::Setting(name) => {
                out.bytes.push(1);
                name.put(out);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<TenantSource> {
        match u8::get(from)? {
            0 => u32::get(from).map(TenantSource::Param),
            1 => String::get(from).map(TenantSource::Setting),
            _ => None,
        }
    }
}

impl Stored for DomainId {
    fn put(&self, out: &mut Writer<'_>) {
        u32::from(self.0).put(out);
    }

    fn get(from: &mut Reader<'_>) -> Option<DomainId> {
        u16::try_from(u32::get(from)?).ok().map(DomainId)
    }
}

impl Stored for Named {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            Named::Tenant(DomainId(domain)) => {
                out.bytes.push(0);
                u32::from(*domain).put(out);
            }
            Named::Row(table, column) => {
                out.bytes.push(1);
                table.put(out);
                column.put(out);
            }
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Named> {
        match u8::get(from)? {
            0 => u16::try_from(u32::get(from)?).ok().map(|domain| Named::Tenant(DomainId(domain))),
            1 => Some(Named::Row(Stored::get(from)?, Stored::get(from)?)),
            _ => None,
        }
    }
}

impl Stored for Disposition {
    fn put(&self, out: &mut Writer<'_>) {
        match self {
            Disposition::New => out.bytes.push(0),
            Disposition::Suppressed { reason, until, owner, kind } => {
                out.bytes.push(1);
                reason.put(out);
                until.put(out);
                owner.put(out);
                kind.put(out);
            }
            Disposition::Baselined => out.bytes.push(2),
        }
    }

    fn get(from: &mut Reader<'_>) -> Option<Disposition> {
        match u8::get(from)? {
            0 => Some(Disposition::New),
            1 => Some(Disposition::Suppressed {
                reason: Stored::get(from)?,
                until: Stored::get(from)?,
                owner: Stored::get(from)?,
                kind: Stored::get(from)?,
            }),
            2 => Some(Disposition::Baselined),
            _ => None,
        }
    }
}

/// Words of the product's own are stored as words, and found again among those that it has.
impl Stored for DatabaseSummary {
    fn put(&self, out: &mut Writer<'_>) {
        let DatabaseSummary { name, dialect, tables, inference, skipped } = self;
        name.put(out);
        (*dialect).to_owned().put(out);
        tables.put(out);
        inference.put(out);
        skipped.put(out);
    }

    fn get(from: &mut Reader<'_>) -> Option<DatabaseSummary> {
        let name = Stored::get(from)?;
        let dialect = String::get(from)?;
        let known = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite].map(Dialect::as_str);
        let dialect = known.into_iter().find(|known| *known == dialect)?;
        Some(DatabaseSummary {
            name,
            dialect,
            tables: Stored::get(from)?,
            inference: Stored::get(from)?,
            skipped: Stored::get(from)?,
        })
    }
}

impl Stored for Finding {
    fn put(&self, out: &mut Writer<'_>) {
        let Finding {
            rule,
            severity,
            message,
            primary,
            label,
            related,
            help,
            site,
            table,
            fix,
            fingerprint,
            disposition,
        } = self;
        (*rule).to_owned().put(out);
        severity.put(out);
        message.put(out);
        primary.put(out);
        label.put(out);
        related.put(out);
        help.put(out);
        site.put(out);
        table.put(out);
        fix.put(out);
        fingerprint.put(out);
        disposition.put(out);
    }

    fn get(from: &mut Reader<'_>) -> Option<Finding> {
        Some(Finding {
            rule: tenantry_rules::rule(&String::get(from)?)?.id,
            severity: Stored::get(from)?,
            message: Stored::get(from)?,
            primary: Stored::get(from)?,
            label: Stored::get(from)?,
            related: Stored::get(from)?,
            help: Stored::get(from)?,
            site: Stored::get(from)?,
            table: Stored::get(from)?,
            fix: Stored::get(from)?,
            fingerprint: Stored::get(from)?,
            disposition: Stored::get(from)?,
        })
    }
}
