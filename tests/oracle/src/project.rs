//! The statements of a project's own sources, with the schema that they run on.

use std::path::Path;

use tenantry_engine::Options;
use tenantry_policy::{Date, Dialect};
use tenantry_prover::tenancy::DomainId;
use tenantry_prover::verdict::Verdict;

use crate::database::Database;
use crate::experiment::{Effort, Finding, Lab};
use crate::subject::{Statement, Subject, TenantParameter, parse};
use crate::wire::WireError;

/// A database of a project with the statements that are scoped there.
pub struct Part {
    /// The database's name.
    pub name: String,
    /// Its schema.
    pub subject: Subject,
    /// Texts that are proved by themselves, with the parameters that pin.
    pub texts: Vec<(String, Verdict)>,
}

/// The PostgreSQL databases of the project that `start` lies in. The caller may be on any stack.
pub fn parts(start: &Path) -> Result<Vec<Part>, tenantry_engine::RunError> {
    let project = tenantry_project::load(start);
    let setting = project.policy.as_ref().and_then(|policy| policy.trust.setting.as_ref());
    let setting = setting.map(|setting| setting.value.clone());
    let databases = project.databases.iter().filter(|database| database.dialect == Dialect::Postgres);
    let mut parts: Vec<Part> = databases
        .map(|database| {
            let files =
                database.files.iter().map(|file| project.files.text(*file).trim_end().trim_end_matches(';'));
            Part {
                name: database.name.clone(),
                subject: Subject {
                    dialect: database.dialect,
                    ddl: files.map(|text| format!("{text};\n")).collect(),
                    policy: String::new(),
                    catalog: database.catalog.clone(),
                    tenancy: database.tenancy.clone(),
                    role: None,
                    setting: setting.clone(),
                },
                texts: Vec::new(),
            }
        })
        .collect();
    // No suppression is looked at, so that the day does not matter.
    let options = Options { suppressions: false, ..Options::on(Date { year: 2000, month: 1, day: 1 }) };
    let report = tenantry_engine::check(project, &options)?;
    for site in &report.sites {
        for statement in &site.statements {
            let text = site.texts.get(statement.text).filter(|text| !text.contains("{…}"));
            let part = parts.iter_mut().find(|part| site.database.as_ref() == Some(&part.name));
            let (Some(text), Some(part), Verdict::Scoped(proof)) = (text, part, &statement.verdict) else {
                continue;
            };
            let known = part.texts.iter().any(|(known, _)| known == text);
            if !proof.pins.is_empty() && !known && parse(text).len() == 1 {
                part.texts.push((text.clone(), statement.verdict.clone()));
            }
        }
    }
    Ok(parts)
}

/// The statements of a part: of which kind the tenant is that a parameter carries is found by trying, since a proof does
/// not say it.
pub fn statements(database: &mut dyn Database, part: &Part) -> Result<Vec<Statement>, WireError> {
    let mut lab = Lab::set_up(database, &part.subject)?;
    let domains =
        (0..part.subject.tenancy.domains.len()).filter_map(|at| u16::try_from(at).ok().map(DomainId));
    let domains: Vec<DomainId> = domains.collect();
    let mut found = Vec::new();
    for (text, verdict) in &part.texts {
        let Verdict::Scoped(proof) = verdict else { continue };
        let candidates: Vec<Statement> = domains
            .iter()
            .map(|domain| Statement {
                sql: text.clone(),
                tenants: proof
                    .pins
                    .iter()
                    .map(|source| TenantParameter {
                        source: source.clone(),
                        domain: *domain,
                        nullable: false,
                    })
                    .collect(),
            })
            .collect();
        // Many worlds, since the names of two kinds of tenants overlap: a few may agree on the wrong kind.
        let findings = lab.decide(&candidates, Effort { worlds: 12, choices: 3, orders: false }, 1)?;
        let score = |finding: &Finding| match finding {
            Finding::Clean { vacuous: false } => 3,
            Finding::Clean { vacuous: true } => 2,
            Finding::Leaks(_) | Finding::Fleeting | Finding::OtherKind => 1,
            Finding::Invalid(_) | Finding::NeverRan(_) => 0,
        };
        // Of equal ones the first, which is the outermost kind.
        let best = candidates.into_iter().zip(&findings).rev().max_by_key(|(_, finding)| score(finding));
        found.extend(best.map(|(statement, _)| statement));
    }
    Ok(found)
}
