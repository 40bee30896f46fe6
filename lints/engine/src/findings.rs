//! From verdicts to findings: which rule answers to what, one finding per cause.

use tenantry_policy::Policy;
use tenantry_project::Files;
use tenantry_prover::tenancy::TableOwner;
use tenantry_prover::verdict::{Leak, LeakKind, Obstacle, ObstacleKind, Verdict};
use tenantry_source::{Param, QuerySite, SqlText};
use tenantry_span::{Span, TextRange};

use crate::decide::{Cause, Decision};
use crate::report::Finding;
use crate::statement::Schema;

/// The rule that answers to a kind of leak.
pub(crate) fn rule_of_leak(kind: LeakKind) -> &'static str {
    match kind {
        LeakKind::Unscoped | LeakKind::WholeTable | LeakKind::FixedTenant => "unscoped-query",
        LeakKind::JoinedNotTied => "joined-table-not-tied",
        LeakKind::SelfComparison => "column-compared-with-itself",
        LeakKind::ConflictTarget => "conflict-target-crosses-tenants",
        LeakKind::KeyRewritten => "tenant-key-rewritten",
        LeakKind::OptionalFilter => "optional-tenant-filter",
        LeakKind::WrittenOwner => "row-written-without-owner",
        LeakKind::SharedWrite => "shared-table-written",
        LeakKind::Cascade => "cascade-crosses-tenants",
    }
}

/// What findings are made from.
pub(crate) struct Maker<'a> {
    pub(crate) files: &'a Files,
    pub(crate) policy: Option<&'a Policy>,
    pub(crate) schema: Option<Schema<'a>>,
    pub(crate) site: &'a QuerySite,
    /// The site's index in the report.
    pub(crate) index: usize,
}

impl Maker<'_> {
    /// The findings of a site: one for each cause, equal ones of several texts once.
    pub(crate) fn findings(&self, decisions: &[Decision]) -> Vec<Finding> {
        let mut found: Vec<Finding> = Vec::new();
        for decision in decisions {
            for finding in self.of_decision(decision) {
                let same = |known: &&Finding| known.rule == finding.rule && known.primary == finding.primary;
                match found.iter().find(same) {
                    Some(_) => {}
                    None => found.push(finding),
                }
            }
        }
        keep_the_specific(found)
    }

    fn of_decision(&self, decision: &Decision) -> Vec<Finding> {
        let text = self.site.texts.get(decision.text);
        match (&decision.verdict, &decision.cause) {
            (_, Cause::RawValue(span, expression)) => self.raw(*span, expression).into_iter().collect(),
            (Verdict::Leaks(leaks), Cause::UntrustedBind(at)) => {
                self.untrusted(*at, leaks).into_iter().collect()
            }
            (Verdict::Scoped(_), _) => Vec::new(),
            (Verdict::Leaks(leaks), Cause::Verdict | Cause::UnknownPart(_)) => {
                match self.unused_parameter(leaks) {
                    Some(finding) => vec![finding],
                    None => self.leaks(text, leaks),
                }
            }
            (Verdict::Undecided(obstacles), cause) => {
                self.undecided(text, obstacles, cause).into_iter().collect()
            }
        }
    }

    fn finding(&self, rule: &str, place: Span, message: &str) -> Option<Finding> {
        let made = Finding::new(self.files, rule, place, message);
        // A place that the maps of a literal do not carry falls back to the call, which is always in its file.
        let made = made.or_else(|_| Finding::new(self.files, rule, self.site.span, message));
        let mut finding = made.ok()?;
        finding.site = Some(self.index);
        Some(finding)
    }

    fn place(&self, text: Option<&SqlText>, range: TextRange) -> Span {
        text.and_then(|text| text.place(range)).unwrap_or(self.site.span)
    }

    /// One finding per cause: leaks of one kind that are explained by the same place have that place for their cause,
    /// and the tables after the first become places of its finding.
    fn leaks(&self, text: Option<&SqlText>, leaks: &[Leak]) -> Vec<Finding> {
        let mut causes: Vec<(&Leak, Finding)> = Vec::new();
        for leak in leaks {
            let Some(finding) = self.leak(text, leak) else { continue };
            let explained = |range: &TextRange| leak.related.iter().any(|(other, _)| other == range);
            let same = |known: &&Leak| {
                known.kind == leak.kind && known.related.iter().any(|(range, _)| explained(range))
            };
            match causes.iter_mut().find(|(known, _)| same(known)) {
                Some((_, known)) => known.related.push((finding.primary, finding.message)),
                None => causes.push((leak, finding)),
            }
        }
        causes.into_iter().map(|(_, finding)| finding).collect()
    }

    fn leak(&self, text: Option<&SqlText>, leak: &Leak) -> Option<Finding> {
        let message = message_about(&leak.table.name, &leak.message);
        let mut finding = self.finding(rule_of_leak(leak.kind), self.place(text, leak.range), &message)?;
        finding.table.clone_from(&leak.table.name);
        finding.help.extend(leak.help.clone());
        finding.related = self.related(text, &leak.related);
        Some(finding)
    }

    fn related(&self, text: Option<&SqlText>, related: &[(TextRange, String)]) -> Vec<(Span, String)> {
        related.iter().map(|(range, word)| (self.place(text, *range), word.clone())).collect()
    }

    fn undecided(&self, text: Option<&SqlText>, obstacles: &[Obstacle], cause: &Cause) -> Option<Finding> {
        let syntax = obstacles.iter().find(|obstacle| obstacle.kind == ObstacleKind::Syntax);
        let first = syntax.or(obstacles.first())?;
        let rule = if syntax.is_some() { "unreadable-sql" } else { "undecided-query" };
        let place = match cause {
            Cause::UnknownPart(span) => *span,
            _ if first.kind == ObstacleKind::DynamicText => self.site.span,
            _ => self.place(text, first.range),
        };
        let mut finding = self.finding(rule, place, &first.message)?;
        finding.help.extend(first.help.clone());
        let others = obstacles.iter().filter(|other| *other != first).take(8);
        finding.related =
            others.map(|other| (self.place(text, other.range), other.message.clone())).collect();
        Some(finding)
    }

    fn raw(&self, span: Span, expression: &str) -> Option<Finding> {
        let message = format!("`{expression}` is written into the SQL text instead of being bound");
        let mut finding = self.finding("raw-query", span, &message)?;
        finding.help.push("write a placeholder and bind the value".to_owned());
        Some(finding)
    }

    fn untrusted(&self, at: usize, leaks: &[Leak]) -> Option<Finding> {
        let bind = self.site.binds.as_ref()?.get(at)?;
        let message = format!("the tenant is `{}`, which the request chooses", bind.text);
        let mut finding = self.finding("untrusted-tenant", bind.span, &message)?;
        finding.table = leaks.first().map(|leak| leak.table.name.clone()).unwrap_or_default();
        finding.related = bind.provenance.steps.clone();
        finding
            .help
            .push("take the tenant from the authenticated session, or check it with a guard".to_owned());
        Some(finding)
    }

    /// The function is handed the tenant and does not use it: the cause of everything that leaks here.
    fn unused_parameter(&self, leaks: &[Leak]) -> Option<Finding> {
        let leak =
            leaks.iter().find(|leak| matches!(leak.kind, LeakKind::Unscoped | LeakKind::WholeTable))?;
        let owned = self.schema.is_some_and(|schema| {
            !matches!(schema.tenancy.owner(&leak.table), TableOwner::Shared | TableOwner::Undeclared)
        });
        let param = self.site.params.iter().find(|param| !param.used && self.looks_like_the_tenant(param))?;
        if !owned {
            return None;
        }
        let name = if param.name.is_empty() { &param.ty } else { &param.name };
        let message =
            format!("`{name}` names the tenant, but the query on `{}` does not use it", leak.table.name);
        let mut finding = self.finding("tenant-parameter-unused", param.span, &message)?;
        finding.table.clone_from(&leak.table.name);
        finding.related.push((self.site.span, leak.message.clone()));
        finding.help.extend(leak.help.clone());
        Some(finding)
    }

    fn looks_like_the_tenant(&self, param: &Param) -> bool {
        let ty = param.ty.trim_start_matches('&');
        let last = |path: &str| path.rsplit("::").next().unwrap_or(path).to_owned();
        let ty_name = last(ty.split('<').next().unwrap_or(ty));
        let trust = self.policy.map(|policy| &policy.trust);
        let types = trust.iter().flat_map(|trust| trust.types.iter().chain(&trust.extractors));
        if types.into_iter().any(|known| last(&known.value) == ty_name) {
            return true;
        }
        let name = param.name.trim_start_matches('_');
        let keys = self.schema.iter().flat_map(|schema| {
            schema.tenancy.tables.values().flat_map(|table| match &table.owner {
                TableOwner::Keyed { keys, .. } => keys.iter().map(|(key, _)| key.as_str()).collect(),
                _ => Vec::new(),
            })
        });
        keys.into_iter().any(|key| {
            let stem = key.trim_end_matches("_id").trim_end_matches("_uuid").trim_end_matches("__id");
            !name.is_empty() && (name == key || name == stem)
        })
    }
}

fn message_about(table: &str, message: &str) -> String {
    let named = table.is_empty() || message.contains(table);
    if named { message.to_owned() } else { format!("`{table}`: {message}") }
}

/// Drops what a more specific rule says of the same place.
fn keep_the_specific(found: Vec<Finding>) -> Vec<Finding> {
    let refined = |finding: &Finding| {
        found.iter().any(|other| {
            let overlaps = other.primary.file == finding.primary.file
                && (other.primary.range.contains_range(finding.primary.range)
                    || finding.primary.range.contains_range(other.primary.range));
            let refines =
                tenantry_rules::rule(other.rule).is_some_and(|rule| rule.refines.contains(&finding.rule));
            refines && overlaps
        })
    };
    let drop: Vec<bool> = found.iter().map(refined).collect();
    found.into_iter().zip(drop).filter(|(_, drop)| !drop).map(|(finding, _)| finding).collect()
}
