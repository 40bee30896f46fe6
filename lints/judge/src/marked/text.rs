//! A text by itself, as in `tenant_sql!("…")`: scoped if one of its placeholders, taken for the tenant, scopes it.

use std::collections::BTreeSet;
use std::path::PathBuf;

use tenantry_project::Disk;
use tenantry_prover::lower::on_deep_stack;
use tenantry_prover::verdict::{Nullability, TenantSource, TenantValue, Verdict};
use tenantry_span::TextRange;

use super::shown::message;
use super::{Place, Told, Workspace, kept};
use crate::databases::schema;
use crate::statement::{BoundStatement, Schema};

/// The largest file of SQL that is read, in bytes.
pub(super) const MAX_SQL_FILE: u64 = 2 * 1024 * 1024;

/// The most placeholders that are tried for the tenant.
const MAX_TRIED: u32 = 64;

/// What is said of a text that a macro was handed.
#[derive(Clone, Debug, Default)]
pub struct JudgedText {
    /// What keeps it from compiling.
    pub told: Vec<Told>,
    /// The file that it was read from.
    pub path: Option<PathBuf>,
}

/// The same of a literal as it is written in the source; one of which nothing is told is kept.
pub fn judge_literal(
    workspace: &Workspace,
    keep: Option<&Place>,
    written: &str,
    tenant: Option<u32>,
) -> JudgedText {
    let told = match tenantry_source::literal_text(written) {
        Some(sql) => judge_text(workspace, &sql, tenant),
        None => vec![told("there is no string literal to read here", NOTHING, TextRange::default(), &[])],
    };
    if let Some(place) = keep.filter(|_| told.is_empty()) {
        kept::keep_text(place, workspace, kept::Text::Literal(written), tenant);
    }
    JudgedText { told, path: None }
}

/// The same of a file, whose path from the crate's manifest on is written as a literal.
pub fn judge_file(
    workspace: &Workspace,
    keep: Option<&Place>,
    written: &str,
    tenant: Option<u32>,
) -> JudgedText {
    let path = tenantry_source::literal_text(written).map(|relative| workspace.folder.join(relative));
    let is_inside = |path: &PathBuf| {
        let whole = Disk::default().canonical(path);
        whole.is_none_or(|whole| whole.starts_with(&workspace.project.root))
    };
    if let Some(outside) = path.as_ref().filter(|path| !is_inside(path)) {
        let what = format!("{} lies outside of the project, where nothing is read", outside.display());
        return JudgedText { told: vec![told(&what, NOTHING, TextRange::default(), &[])], path: None };
    }
    let read = path.as_ref().map(|path| Disk::default().read(path, MAX_SQL_FILE));
    let shown = path.as_deref().map(|path| workspace.shown(path)).unwrap_or_default();
    let told = match read {
        Some(Ok(sql)) => {
            let told = judge_written(workspace, Written { sql: &sql, path: Some(&shown) }, tenant);
            if let Some(place) = keep.filter(|_| told.is_empty()) {
                kept::keep_text(place, workspace, kept::Text::File(&sql), tenant);
            }
            told
        }
        Some(Err(why)) => vec![told(&format!("{shown} {why}"), NOTHING, TextRange::default(), &[])],
        None => {
            vec![told(
                "there is no string literal with a path to read here",
                NOTHING,
                TextRange::default(),
                &[],
            )]
        }
    };
    JudgedText { told, path }
}

/// What is wrong with a text whose tenant is the placeholder `tenant`, or the one that is equated with a key; nothing
/// where it is scoped.
pub fn judge_text(workspace: &Workspace, sql: &str, tenant: Option<u32>) -> Vec<Told> {
    judge_written(workspace, Written { sql, path: None }, tenant)
}

/// Where there is no text.
const NOTHING: Written<'static> = Written { sql: "", path: None };

/// A text, and the file that it is all of.
#[derive(Clone, Copy)]
struct Written<'t> {
    sql: &'t str,
    /// As it is shown.
    path: Option<&'t str>,
}

fn judge_written(workspace: &Workspace, text: Written<'_>, tenant: Option<u32>) -> Vec<Told> {
    let faults = workspace.faults();
    if !faults.is_empty() {
        return faults.into_iter().map(|message| Told { place: TextRange::default(), message }).collect();
    }
    let judged = on_deep_stack(|| judge(workspace, text, tenant));
    judged.unwrap_or_else(|| {
        vec![told("an internal error ended the work on this text", text, TextRange::default(), &[])]
    })
}

fn judge(workspace: &Workspace, text: Written<'_>, tenant: Option<u32>) -> Vec<Told> {
    let databases = workspace.databases();
    let used = databases.of_crate(&workspace.krate);
    let used: Vec<_> = used.into_iter().filter_map(|at| databases.all.get(at)).collect();
    if used.is_empty() {
        let help = "name the database and its schema under [[database]] in tenantry.toml".to_owned();
        return vec![told(
            "no schema was found, so nothing is known of the tables",
            text,
            TextRange::default(),
            &[help],
        )];
    }
    let judged = used.iter().map(|database| by_schema(schema(database), text, tenant));
    // One that does not have the tables is not the one; of the others each has to show it.
    let mut judged: Vec<ByOne> = judged.collect();
    if judged.iter().any(|by| !by.lacks_a_table) {
        judged.retain(|by| !by.lacks_a_table);
    }
    judged.into_iter().map(|by| by.told).max_by_key(Vec::len).unwrap_or_default()
}

struct ByOne {
    told: Vec<Told>,
    lacks_a_table: bool,
}

fn by_schema(schema: Schema<'_>, text: Written<'_>, tenant: Option<u32>) -> ByOne {
    let statements = schema.bind(text.sql);
    if statements.is_empty() {
        let told = vec![told("the text holds no statement", text, TextRange::default(), &[])];
        return ByOne { told, lacks_a_table: false };
    }
    let most = statements.iter().map(|statement| statement.params).max().unwrap_or(0);
    let tried: Vec<Option<u32>> = match tenant {
        Some(number) => vec![Some(number)],
        None => std::iter::once(None).chain((1..=most.min(MAX_TRIED)).map(Some)).collect(),
    };
    // Where none scopes it, the one is meant that leaves the least to be told.
    let (mut meant, mut best) = (None, None::<Vec<Verdict>>);
    for number in tried {
        let verdicts = verdicts(schema, &statements, number);
        if open(&verdicts) == 0 {
            return ByOne { told: Vec::new(), lacks_a_table: false };
        }
        if best.as_ref().is_none_or(|best| open(&verdicts) < open(best)) {
            (meant, best) = (number, Some(verdicts));
        }
    }
    if let Some(number) = tenant.filter(|number| *number > most) {
        let what = format!("the tenant is said to be `${number}`, and the text has no such placeholder");
        return ByOne { told: vec![told(&what, text, TextRange::default(), &[])], lacks_a_table: false };
    }
    let verdicts = best.unwrap_or_default();
    let lacks_a_table = verdicts.iter().any(super::item::lacks_a_table);
    let shown = meant.or((most == 1).then_some(1));
    let told = verdicts.iter().flat_map(|verdict| reasons(verdict, text, shown));
    ByOne { told: told.collect(), lacks_a_table }
}

/// How much is not proved.
fn open(verdicts: &[Verdict]) -> usize {
    let open = verdicts.iter().map(|verdict| match verdict {
        Verdict::Scoped(_) => 0,
        Verdict::Leaks(leaks) => leaks.len().max(1),
        Verdict::Undecided(obstacles) => obstacles.len().max(1),
    });
    open.sum()
}

fn verdicts(schema: Schema<'_>, statements: &[BoundStatement], tenant: Option<u32>) -> Vec<Verdict> {
    let settings = schema.tenancy.settings.iter().cloned().map(TenantSource::Setting);
    let sources: BTreeSet<TenantSource> = settings.chain(tenant.map(TenantSource::Param)).collect();
    let value = TenantValue { sources, nullable: Nullability::Never, ..TenantValue::default() };
    let tenants: &[TenantValue] = if value.sources.is_empty() { &[] } else { std::slice::from_ref(&value) };
    statements.iter().map(|statement| schema.prove(statement, tenants)).collect()
}

fn reasons(verdict: &Verdict, text: Written<'_>, tenant: Option<u32>) -> Vec<Told> {
    let as_placeholder = |help: &String| match tenant {
        Some(number) => help.replace(tenantry_prover::verdict::TENANT, &format!("${number}")),
        None => help.clone(),
    };
    match verdict {
        Verdict::Scoped(_) => Vec::new(),
        Verdict::Leaks(leaks) => leaks
            .iter()
            .map(|leak| {
                let help: Vec<String> = leak.help.iter().map(as_placeholder).collect();
                told(&super::item::about(leak), text, leak.range, &help)
            })
            .collect(),
        // What else stood in the way shows once the first is gone.
        Verdict::Undecided(obstacles) => obstacles
            .iter()
            .take(1)
            .map(|obstacle| {
                let help: Vec<String> = obstacle.help.iter().map(as_placeholder).collect();
                told(&obstacle.message, text, obstacle.range, &help)
            })
            .collect(),
    }
}

fn told(what: &str, text: Written<'_>, place: TextRange, helps: &[String]) -> Told {
    Told { place, message: message(what, text.path, text.sql, place, helps) }
}
