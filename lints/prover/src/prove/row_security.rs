//! Row level security: policies stand in the plan as filters; what rests on them says so.

use std::collections::BTreeSet;

use crate::plan::{ColId, Expr, ExprKind, Rel, RelKind, ScanId, SecuredPolicy, Security};
use crate::prove::context::{Class, Names, Outer, Prover, Rep, State, Status};
use crate::prove::facts::Fact;
use crate::prove::predicate::{children, known, note_made, subqueries};
use crate::tenancy::TableOwner;
use crate::verdict::{Basis, Obstacle, ObstacleKind, TenantSource};

/// Whether a proof may rest on policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policies {
    /// They are evaluated, since they are there, and nothing follows of them.
    Ignored,
    /// What they leave of a table is what they say.
    Applied,
}

impl<'a> Prover<'a> {
    /// The relation is a scan, and the filter over it is made of its policies.
    pub(super) fn is_secured_by(&self, input: &Rel) -> bool {
        let RelKind::Scan { scan, .. } = &input.kind else { return false };
        matches!(self.plan.security.get(scan), Some(Security::Applies { .. }))
    }

    /// A scan that nothing ties may be restricted by policies that nothing is known of: reading it shows no leak.
    pub(super) fn is_secured(&self, scan: ScanId) -> bool {
        match self.plan.security.get(&scan) {
            None | Some(Security::Bypassed(_)) => false,
            Some(Security::Uncertain { .. }) => true,
            Some(Security::Applies { policies, .. }) => {
                self.policies == Policies::Ignored
                    || self.foreign_setting(policies).is_some()
                    || policies.iter().any(|policy| policy.doubt.is_some())
            }
        }
    }

    /// A permissive policy reads the scan, beside another one: rows of the tenant pass by that one, most likely, and those of
    /// others by what the statement asks of them.
    pub(super) fn is_one_of_permissive(&self, scan: ScanId, pinned: &BTreeSet<ScanId>) -> bool {
        let reads = |condition: &Expr| {
            subqueries(condition).into_iter().any(|(sub, ..)| {
                let (mut made, mut scans) = (BTreeSet::new(), BTreeSet::new());
                note_made(&sub.rel, &mut made, &mut scans);
                scans.contains(&scan)
            })
        };
        let mut applied = self.plan.security.iter().filter_map(|(secured, security)| match security {
            Security::Applies { policies, .. } => Some((secured, policies)),
            Security::Bypassed(_) | Security::Uncertain { .. } => None,
        });
        applied.any(|(secured, policies)| {
            let permissive = || policies.iter().filter(|policy| !policy.restrictive);
            pinned.contains(secured)
                && permissive().count() > 1
                && permissive().any(|policy| reads(&policy.condition))
        })
    }

    /// Says why nothing is concluded from the policies of a scan.
    pub(super) fn tell_secured(&mut self, scan: ScanId) {
        let Some(range) = self.scan(scan).map(|scan| scan.range) else { return };
        let called = self.called(scan);
        let (message, help) = match self.plan.security.get(&scan) {
            Some(Security::Uncertain { why, help }) => (format!("{called}: {why}"), help.clone()),
            Some(Security::Applies { policies, .. }) => match self.foreign_setting(policies) {
                Some(setting) => (
                    format!(
                        "the policies of {called} read `current_setting('{setting}')`, of which nothing says that it carries the tenant"
                    ),
                    Some(format!("say so in the policy: `[trust] setting = \"{setting}\"`")),
                ),
                None => match policies.iter().find_map(|policy| policy.doubt.clone()) {
                    Some(doubt) => (format!("{called}: {doubt}"), None),
                    None => (format!("{called} is restricted by its policies alone"), None),
                },
            },
            Some(Security::Bypassed(_)) | None => return,
        };
        let help = help.or_else(|| {
            Some("filter by the tenant key as well, so that the statement is scoped by itself".to_owned())
        });
        self.obstacles.push(Obstacle { kind: ObstacleKind::NotProved, range, message, help });
    }

    /// A setting that policies read and that carries no tenant here.
    fn foreign_setting(&self, policies: &[SecuredPolicy]) -> Option<String> {
        policies.iter().find_map(|policy| self.foreign_setting_in(&policy.condition))
    }

    fn foreign_setting_in(&self, expr: &Expr) -> Option<String> {
        if let ExprKind::Setting { name, .. } = &expr.kind {
            return self.tenant_of(&TenantSource::Setting(name.clone())).is_none().then(|| name.clone());
        }
        children(expr).into_iter().find_map(|part| self.foreign_setting_in(part))
    }

    /// What is wrong with the row level security of a scan that shows other tenants' rows, for its message.
    pub(super) fn fault_of_policies(&mut self, scan: ScanId) -> Option<String> {
        let plan = self.plan;
        let Some(security) = plan.security.get(&scan) else {
            let security = &self.table(scan)?.row_security;
            let idle = !security.enabled && security.unsure.is_none() && !security.policies.is_empty();
            return idle.then(|| {
                "it has policies, but row level security is not enabled, so that they do nothing".to_owned()
            });
        };
        match security {
            Security::Uncertain { .. } => None,
            Security::Bypassed(why) => Some(why.clone()),
            Security::Applies { policies, .. } => {
                let permissive = policies.iter().filter(|policy| !policy.restrictive);
                let (ties, open): (Vec<&'a SecuredPolicy>, Vec<&'a SecuredPolicy>) =
                    permissive.partition(|policy| self.ties(scan, &policy.condition));
                let names: Vec<String> = open.iter().map(|policy| format!("`{}`", policy.name)).collect();
                if names.is_empty() {
                    return None;
                }
                let lets = if names.len() == 1 { "lets" } else { "let" };
                let names = names.join(", ");
                Some(match ties.first() {
                    Some(strict) => format!(
                        "policies that are permissive add up: {names} {lets} through what `{}` keeps out",
                        strict.name
                    ),
                    None => {
                        format!("its policies do not restrict it to the tenant: {names} {lets} more through")
                    }
                })
            }
        }
    }

    /// Whether a condition alone ties a scan.
    fn ties(&mut self, scan: ScanId, condition: &'a Expr) -> bool {
        let told = self.told_so_far();
        let (leaks, obstacles, finished) = (self.leaks.len(), self.obstacles.len(), self.finished.len());
        let mut state = self.scan_state(scan);
        self.filter(&mut state, condition, &Outer::default());
        self.take_back(told);
        self.leaks.truncate(leaks);
        self.obstacles.truncate(obstacles);
        self.finished.truncate(finished);
        state.classes.iter().any(|class| class.scans.contains(&scan) && class.status == Status::Pinned)
    }

    /// What policies ask of a new row: facts about its columns, for the question whose it is, and whether they say by
    /// themselves that it is the tenant's. A row that is not so is an error.
    pub(super) fn checked_row(
        &mut self,
        state: &State,
        target: ScanId,
        row: &[ColId],
        check: Option<&'a Expr>,
        outer: &Outer,
    ) -> (Vec<Fact>, bool) {
        let Some(check) = check else { return (Vec::new(), false) };
        let mut new = State { made: row.iter().copied().collect(), ..State::default() };
        let old = self.scan(target).map(|scan| scan.cols.clone()).unwrap_or_default();
        // What else names the row, such as its id, says whose it was.
        let owning = match self.owner(target) {
            TableOwner::Child { by, .. } => self.table(target).and_then(|table| table.column(by)),
            _ => None,
        };
        let place = |rep: Rep| {
            let at = old.iter().position(|col| *col == rep.col)?;
            let owns = matches!(rep.names, Names::Tenant(_)) || owning == Some(at);
            Some(Rep { col: *row.get(at)?, ..rep }).filter(|_| owns)
        };
        let reps = self.reps(target).unwrap_or_default().into_iter().filter_map(place).collect();
        let scans = vec![target];
        new.classes.push(Class {
            scans,
            reps,
            status: Status::Open,
            murky: None,
            padded: false,
            beyond: BTreeSet::new(),
        });
        if self.tenancy.strict_errors && !subqueries(check).is_empty() {
            self.may_fail(check.range, "whether a policy refuses the new row depends on other rows");
        }
        if self.policies == Policies::Ignored {
            self.evaluate(&mut new, check, outer);
            self.finish_all_but(new, target);
            return (Vec::new(), false);
        }
        let around = outer.within(state);
        let closure = self.close(&around, &new.facts);
        let mut facts = Vec::new();
        for atom in self.atoms(check, &known(&around, &new, &closure)) {
            if subqueries(atom).is_empty() {
                let claims = self.when_true(atom, &known(&around, &new, &closure));
                facts.extend(claims.unwrap_or_default().into_iter().map(Fact::plain));
            }
        }
        self.filter(&mut new, check, outer);
        let is_target = |class: &&Class| class.scans.contains(&target);
        let tied = new.classes.iter().find(is_target).is_some_and(|class| class.status == Status::Pinned);
        self.finish_all_but(new, target);
        (facts, tied || cfg!(tenantry_sabotage = "rls-check"))
    }

    /// Rows that a check reads decide whether the statement fails, and nothing else.
    fn finish_all_but(&mut self, state: State, target: ScanId) {
        let others = state.classes.into_iter().map(|mut class| {
            class.scans.retain(|scan| *scan != target);
            class
        });
        let settled =
            others.filter(|class| !class.scans.is_empty()).map(|class| match self.tenancy.strict_errors {
                true => class,
                false => Class { status: Status::Pinned, ..class },
            });
        let settled: Vec<Class> = settled.collect();
        self.finished.extend(settled);
    }

    /// On what the proof rests, and what is taken for granted of policies.
    pub(super) fn basis(&self, reads_owned: bool) -> (Basis, Vec<String>) {
        if !reads_owned {
            return (Basis::NoTenantData, Vec::new());
        }
        let applied = self.plan.security.values().filter_map(|security| match security {
            Security::Applies { assumptions, .. } => Some(assumptions.clone()),
            Security::Bypassed(_) | Security::Uncertain { .. } => None,
        });
        let assumptions: Vec<Vec<String>> = applied.collect();
        if assumptions.is_empty() || self.policies == Policies::Ignored {
            return (Basis::Query, Vec::new());
        }
        (Basis::RowSecurity, assumptions.concat())
    }
}
