//! What the rules about a site see, and the drafts that several of them make alike.

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::OnceLock;

use tenantry_policy::Policy;
use tenantry_project::{Database, Files};
use tenantry_prover::catalog::{QualifiedName, Table};
use tenantry_prover::policies::{PolicyReading, read};
use tenantry_prover::tenancy::TableOwner;
use tenantry_prover::verdict::{Leak, LeakKind, Obstacle, SchemaFault, Verdict};
use tenantry_source::{QuerySite, SqlText};
use tenantry_span::{Span, TextRange};

use crate::decide::{Cause, Decision};
use crate::finding::{Draft, lies_in_its_file};
use crate::report::Claim;
use crate::secured::secured_tables;
use crate::statement::Schema;
use crate::wording;

/// A database, with what several rules ask of it: read once.
pub(crate) struct SchemaFacts<'d> {
    database: &'d Database,
    policies: OnceLock<BTreeMap<&'d QualifiedName, Vec<PolicyReading>>>,
}

impl<'d> SchemaFacts<'d> {
    /// Nothing is read yet.
    pub(crate) fn of(database: &'d Database) -> SchemaFacts<'d> {
        SchemaFacts { database, policies: OnceLock::new() }
    }

    /// The policies of a table that are in force, as they are understood.
    pub(crate) fn policies(&self, table: &Table) -> &[PolicyReading] {
        let (catalog, tenancy) = (&self.database.catalog, &self.database.tenancy);
        let all = self.policies.get_or_init(|| {
            let tables = secured_tables(self.database);
            tables.map(|table| (&table.name, read(catalog, tenancy, table))).collect()
        });
        all.get(&table.name).map(Vec::as_slice).unwrap_or_default()
    }
}

impl Deref for SchemaFacts<'_> {
    type Target = Database;

    fn deref(&self) -> &Database {
        self.database
    }
}

/// A site with what is around it.
pub(crate) struct SiteFacts<'a> {
    /// All files, for places.
    pub(crate) files: &'a Files,
    /// The policy, where there is one.
    pub(crate) policy: Option<&'a Policy>,
    /// The database by which the site was judged.
    pub(crate) schema: Option<Schema<'a>>,
    /// The call, its texts and its binds.
    pub(crate) site: &'a QuerySite,
    /// What an attribute claims of the site.
    pub(crate) claim: Claim,
    /// The site's index in the report.
    pub(crate) index: usize,
}

impl SiteFacts<'_> {
    /// True if nobody said what a tenant is, and the schema shows none.
    pub(crate) fn knows_no_tenant(&self) -> bool {
        let undeclared = |schema: Schema<'_>| {
            schema.tenancy.tables.values().all(|table| matches!(table.owner, TableOwner::Undeclared))
        };
        self.policy.is_none() && self.schema.is_some_and(undeclared)
    }
}

/// One statement of a site, with what is said of it.
pub(crate) struct Statement<'a> {
    /// The site.
    pub(crate) facts: &'a SiteFacts<'a>,
    /// The verdict, and what is wrong besides.
    pub(crate) decision: &'a Decision,
}

/// The most obstacles that one finding shows.
const MAX_OBSTACLES: usize = 8;

impl Statement<'_> {
    /// The leaks; none where the verdict is another one.
    pub(crate) fn leaks(&self) -> &[Leak] {
        match &self.decision.verdict {
            Verdict::Leaks(leaks) => leaks,
            Verdict::Scoped(_) | Verdict::Undecided(_) => &[],
        }
    }

    /// What stood in the way; nothing where the verdict is another one.
    pub(crate) fn obstacles(&self) -> &[Obstacle] {
        match &self.decision.verdict {
            Verdict::Undecided(obstacles) => obstacles,
            Verdict::Scoped(_) | Verdict::Leaks(_) => &[],
        }
    }

    fn text(&self) -> Option<&SqlText> {
        self.facts.site.texts.get(self.decision.text)
    }

    /// The place of a range of the text; the call, which always is in its file, where the text's map has none.
    pub(crate) fn place(&self, range: TextRange) -> Span {
        let place = self.text().and_then(|text| text.place(range));
        place.filter(|place| lies_in_its_file(self.facts.files, *place)).unwrap_or(self.facts.site.span)
    }

    /// Drafts about the leaks of one kind: one per cause. Leaks of one kind that are explained by the same place have
    /// that place for their cause, and the tables after the first become places of its draft.
    pub(crate) fn tell_leaks(&self, kind: LeakKind) -> Vec<Draft> {
        let mut causes: Vec<(&Leak, Draft)> = Vec::new();
        for leak in self.leaks().iter().filter(|leak| leak.kind == kind) {
            let explained = |range: &TextRange| leak.related.iter().any(|(other, _)| other == range);
            let known =
                causes.iter_mut().find(|(known, _)| known.related.iter().any(|(range, _)| explained(range)));
            match known {
                Some((_, draft)) => {
                    let place = self.place(leak.range);
                    *draft = draft.clone().related(place, message_about(leak)).cause(place);
                }
                None => causes.push((leak, self.tell_leak(leak))),
            }
        }
        causes.into_iter().map(|(_, draft)| draft).collect()
    }

    fn tell_leak(&self, leak: &Leak) -> Draft {
        let draft = Draft::new(self.place(leak.range), message_about(leak)).table(&leak.table.name);
        let draft = leak
            .related
            .iter()
            .fold(draft, |draft, (range, word)| draft.related(self.place(*range), word.as_str()));
        let draft = leak.reasons.iter().fold(draft, |draft, reason| {
            draft.related(reason.span, format!("{} ({})", reason.text, rule_of(reason.kind)))
        });
        leak.help.iter().fold(draft, |draft, help| draft.help(self.in_words_of_the_library(help)))
    }

    /// What the proof suggests in SQL, as the site's library writes it.
    pub(super) fn in_words_of_the_library(&self, help: &str) -> String {
        wording::of_help(self.facts.site, self.decision.text, help)
    }

    /// A draft about one obstacle, with the others as places of it.
    pub(crate) fn tell_obstacle(&self, obstacle: &Obstacle, place: Span) -> Draft {
        let draft = Draft::new(place, obstacle.message.as_str());
        let draft =
            obstacle.help.iter().fold(draft, |draft, help| draft.help(self.in_words_of_the_library(help)));
        let others = self.obstacles().iter().filter(|other| *other != obstacle).take(MAX_OBSTACLES);
        others.fold(draft, |draft, other| draft.related(self.place(other.range), other.message.as_str()))
    }

    /// The part of the text that is not known, where that is what stood in the way.
    pub(crate) fn unknown_part(&self) -> Option<Span> {
        match &self.decision.cause {
            Cause::UnknownPart(place) => Some(*place),
            Cause::Verdict
            | Cause::UntrustedBind(_)
            | Cause::UntrustedCallers(_)
            | Cause::RawValue(_)
            | Cause::RequestText(_)
            | Cause::FailOpen(_)
            | Cause::Unchecked(_)
            | Cause::SessionWide => None,
        }
    }
}

/// The rule that tells of a state of the schema.
fn rule_of(fault: SchemaFault) -> &'static str {
    match fault {
        SchemaFault::UniqueKey => "unique-without-tenant-key",
        SchemaFault::ForeignKey => "foreign-key-crosses-tenants",
        SchemaFault::Cascade => "cascade-crosses-tenants",
        SchemaFault::NullableKey => "tenant-key-nullable",
    }
}

/// What happens, with the table's name and alias in front where the message does not say them.
fn message_about(leak: &Leak) -> String {
    let table = &leak.table.name;
    // In backticks: a table may be named as a word of the sentence.
    if table.is_empty() || leak.message.contains(&format!("`{table}`")) {
        return leak.message.clone();
    }
    match leak.alias.as_deref().filter(|alias| *alias != table) {
        Some(alias) => format!("`{table}` (as `{alias}`): {}", leak.message),
        None => format!("`{table}`: {}", leak.message),
    }
}
