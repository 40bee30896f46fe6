//! Which database a site speaks to, and the verdict by its schema.

use std::collections::BTreeSet;

use tenantry_project::Database;
use tenantry_prover::prove::Policies;
use tenantry_prover::verdict::{Obstacle, ObstacleKind, Verdict};
use tenantry_rules::SinkLibrary;
use tenantry_source::QuerySite;
use tenantry_span::TextRange;

use crate::decide::{Cause, Decision, decide, decide_knowing, of_one_tenant, written_values};
use crate::rows::{self, Judged};
use crate::statement::{Outcome, Schema};

/// The databases of a project, and the calls that reach them.
#[derive(Clone, Copy, Debug)]
pub struct Databases<'a> {
    /// The databases.
    pub all: &'a [Database],
    /// The project has crates, so that each database is used by those that are named.
    pub has_crates: bool,
    /// The calls that run SQL.
    pub sinks: &'a [SinkLibrary],
}

/// A database as the proof needs it; row level security does not count, since it rests on what was done before.
pub fn schema(database: &Database) -> Schema<'_> {
    Schema {
        dialect: database.dialect,
        catalog: &database.catalog,
        tenancy: &database.tenancy,
        policies: Policies::Ignored,
    }
}

impl Databases<'_> {
    /// Those that a site of a crate may speak to.
    pub fn fitting(&self, krate: &str, site: &QuerySite) -> Vec<usize> {
        let dialects: Vec<&str> = self
            .sinks
            .iter()
            .filter(|sink| sink.library == site.library)
            .flat_map(|sink| sink.dialects.iter().map(String::as_str))
            .collect();
        let fits = |database: &Database| dialects.is_empty() || dialects.contains(&database.dialect.as_str());
        self.of_crate(krate).into_iter().filter(|at| self.all.get(*at).is_some_and(fits)).collect()
    }

    /// Those that a crate uses.
    pub fn of_crate(&self, krate: &str) -> Vec<usize> {
        let used =
            |database: &Database| !self.has_crates || database.crates.iter().any(|known| known == krate);
        let all = self.all.iter().enumerate();
        all.filter(|(_, database)| used(database)).map(|(at, _)| at).collect()
    }

    /// Decides a site by the database of its crate.
    pub fn judge(&self, krate: &str, site: &QuerySite) -> (Option<usize>, Vec<Decision>) {
        let fitting = self.fitting(krate, site);
        let judged = fitting.iter().filter_map(|at| {
            let decisions = decide(schema(self.all.get(*at)?), site);
            Some((*at, decisions))
        });
        // Several may fit: one that does not have the tables is not the one. Of the others the worst counts.
        let mut judged: Vec<(usize, Vec<Decision>)> = judged.collect();
        if judged.iter().any(|(_, decisions)| !lacks_a_table(decisions)) {
            judged.retain(|(_, decisions)| !lacks_a_table(decisions));
        }
        for (at, decisions) in &mut judged {
            let database = self.all.get(*at);
            if let Some(why) = database.and_then(|database| database.single_tenant.as_deref()) {
                of_one_tenant(decisions, database.map_or("", |database| &database.name), why);
            }
        }
        let worst =
            judged.into_iter().max_by_key(|(at, decisions)| (worst(decisions), std::cmp::Reverse(*at)));
        match worst {
            Some((at, decisions)) => (Some(at), decisions),
            None => {
                let written = written_values(site);
                if !written.is_empty() {
                    return (None, written);
                }
                let message = if self.all.is_empty() {
                    "no schema was found, so nothing is known of the tables".to_owned()
                } else {
                    format!("no database of the project is one that {} speaks to from here", site.library)
                };
                let help = "name the database and its schema under [[database]]".to_owned();
                (None, vec![unseen(ObstacleKind::UnknownTable, message, Some(help))])
            }
        }
    }

    /// Decides a site anew that is bound to values of rows which earlier statements returned; `near` are the sites of its
    /// file. Nothing where that does not scope it.
    pub fn judge_by_rows(
        &self,
        krate: &str,
        (site, database, decisions): Judged<'_>,
        near: &[Judged<'_>],
    ) -> Option<Vec<Decision>> {
        let database = database?;
        let read = site.binds.iter().flatten().any(|bind| bind.provenance.row.is_some());
        let found = [&site.found, &site.checked, &site.checked_if_any, &site.answered];
        let from_rows = read || found.iter().any(|found| !found.is_empty());
        // Where several databases fit, each of them would have to show it.
        if !from_rows || worst(decisions) == Outcome::Scoped || self.fitting(krate, site).len() != 1 {
            return None;
        }
        let schema = schema(self.all.get(database)?);
        let known = rows::known(site, database, schema, near)?;
        let decisions = decide_knowing(schema, site, &known);
        (worst(&decisions) == Outcome::Scoped).then_some(decisions)
    }

    /// What becomes of a site that leaks by values of rows, if it would not were these rows the tenant's, of which that is
    /// not known: a finding would blame it for what another statement or struct leaves open.
    pub fn doubt_by_rows(
        &self,
        (site, database, decisions): Judged<'_>,
        near: &[Judged<'_>],
    ) -> Option<Vec<Decision>> {
        let schema = schema(self.all.get(database?)?);
        let read = site.binds.iter().flatten().any(|bind| bind.provenance.row.is_some());
        let by_verdict = decisions.iter().all(|decision| decision.cause == Cause::Verdict);
        if !read || !by_verdict || worst(decisions) != Outcome::Leaks {
            return None;
        }
        let (supposed, texts) = rows::supposed(site, database?, schema, near)?;
        if worst(&decide_knowing(schema, site, &supposed)) != Outcome::Scoped {
            return None;
        }
        let values: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
        let message = format!(
            "{} comes from a row of which it is not known that it is the tenant's, or which of its columns that is",
            values.join(", ")
        );
        let help =
            "decide the statement that returned the row, or select the column by its own name".to_owned();
        let doubt = |decision: &Decision| Decision {
            tables: decision.tables.clone(),
            ..unseen(ObstacleKind::UntracedBind, message.clone(), Some(help.clone()))
        };
        Some(decisions.iter().map(doubt).collect())
    }
}

/// A site of which nothing could be seen.
pub fn unseen(kind: ObstacleKind, message: String, help: Option<String>) -> Decision {
    let obstacle = Obstacle { kind, range: TextRange::default(), message, help };
    let verdict = Verdict::Undecided(vec![obstacle]);
    Decision { text: 0, verdict, tables: BTreeSet::new(), cause: Cause::Verdict }
}

/// The outcome of a site: the worst of its statements.
pub fn worst(decisions: &[Decision]) -> Outcome {
    let outcomes = decisions.iter().map(|decision| Outcome::of(&decision.verdict));
    outcomes.max().unwrap_or(Outcome::Undecided)
}

fn lacks_a_table(decisions: &[Decision]) -> bool {
    decisions.iter().any(|decision| match &decision.verdict {
        Verdict::Undecided(obstacles) => {
            obstacles.iter().any(|obstacle| obstacle.kind == ObstacleKind::UnknownTable)
        }
        Verdict::Scoped(_) | Verdict::Leaks(_) => false,
    })
}
