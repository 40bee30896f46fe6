//! The proof: ownership as an abstract value of relations.
//!
//! A statement is scoped if every scan of a tenant-owned table could be replaced by that table's rows of the tenant
//! without changing the statement. Scans of one owner form a *class*; a class is *open* until a filter ties one of its
//! *representatives* (columns that determine the owner) to the tenant. Operators keep that filtering by a representative
//! restricts the class's scans, or lose it.
//!
//! **Invariant:** only the statuses `Pinned` and `Shared` (for reading) end as `Scoped`.

mod calls;
mod collation;
mod conflict;
mod context;
mod facts;
mod grouping;
mod idle;
mod join;
mod levels;
mod measured;
mod nullness;
mod predicate;
mod reasons;
mod recursion;
mod references;
mod relation;
mod row_security;
mod set_operation;
mod shared;
mod strict;
mod structure;
mod subquery;
mod tie;
mod witness;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use crate::catalog::{Catalog, Column, ColumnDefault, Table};
use crate::plan::{Action, ColId, JoinKind, Plan, Rel, RelKind, ScanId, Security, UpdatePlan};
pub use crate::prove::context::column_is_exact;
use crate::prove::context::{Class, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Term};
pub use crate::prove::row_security::Policies;
use crate::tenancy::{DomainId, TableOwner, Tenancy};
use crate::verdict::{
    KnownValue, Leak, LeakKind, Obstacle, ObstacleKind, Proof, ReturnedColumn, TenantSource, TenantValue,
    Verdict,
};

/// Proves, or says why not. Each entry of `tenants` is one value; different entries are different values. Row level security
/// is rested on where the statement is not scoped without it: the caller answers for it that the settings among `tenants` are
/// set for the connection.
pub fn prove(catalog: &Catalog, tenancy: &Tenancy, plan: &Plan, tenants: &[TenantValue]) -> Verdict {
    if has_policies(plan) {
        let alone = prove_by(catalog, tenancy, plan, tenants, &[], Policies::Ignored);
        if let Verdict::Scoped(_) = alone {
            return alone;
        }
    }
    prove_by(catalog, tenancy, plan, tenants, &[], Policies::Applied)
}

/// Proves without row level security, where placeholders carry values that name what is the tenant's: the same tenant's as
/// those of `tenants`, which the caller answers for.
pub fn prove_knowing(
    catalog: &Catalog,
    tenancy: &Tenancy,
    plan: &Plan,
    tenants: &[TenantValue],
    known: &[KnownValue],
) -> Verdict {
    prove_by(catalog, tenancy, plan, tenants, known, Policies::Ignored)
}

/// Whether policies filter a relation of the plan or check a row that it writes.
pub fn has_policies(plan: &Plan) -> bool {
    plan.security.values().any(|security| matches!(security, Security::Applies { .. }))
}

/// The same, with or without what policies say.
pub fn prove_by(
    catalog: &Catalog,
    tenancy: &Tenancy,
    plan: &Plan,
    tenants: &[TenantValue],
    known: &[KnownValue],
    policies: Policies,
) -> Verdict {
    prove_with_domains(catalog, tenancy, plan, tenants, known, policies).0
}

/// The same, with the kinds of tenant in which the statement is tied.
pub(crate) fn prove_with_domains(
    catalog: &Catalog,
    tenancy: &Tenancy,
    plan: &Plan,
    tenants: &[TenantValue],
    known: &[KnownValue],
    policies: Policies,
) -> (Verdict, BTreeSet<DomainId>) {
    let mut levels = BTreeSet::new();
    loop {
        let mut prover = Prover::new(catalog, tenancy, plan, tenants, known);
        prover.policies = policies;
        prover.tied_elsewhere = levels.clone();
        for action in &plan.modifying {
            let state = prover.action(action);
            prover.finished.extend(state.classes.iter().cloned());
            prover.returned.push(state);
        }
        let state = prover.action(&plan.main);
        prover.calls();
        // What was asked of the levels was asked before all of them were known: the tenant is one of the innermost.
        let grown = !prover.tied_in.is_subset(&levels);
        levels.extend(prover.tied_in.iter().copied());
        if grown && prover.levels_were_asked() {
            continue;
        }
        let returns = prover.returns(&state);
        let given = prover.given(&state);
        prover.finished.extend(state.classes);
        let pinned = prover.pins.iter().map(|(_, domain)| *domain);
        let domains = pinned.chain(prover.tied_in.iter().copied()).collect();
        let several = prover.names_of_several_kinds();
        let mut verdict = prover.conclude(returns, given);
        if let (Verdict::Scoped(proof), Some(several)) = (&mut verdict, several) {
            let proved = several.told_apart(tenants).into_iter().find_map(|tenants| {
                match prove_by(catalog, tenancy, plan, &tenants, known, policies) {
                    Verdict::Scoped(proof) => Some(proof.kinds),
                    Verdict::Leaks(_) | Verdict::Undecided(_) => None,
                }
            });
            match proved {
                Some(kinds) => {
                    proof.assumptions.extend(kinds_of_settings(tenancy, &kinds));
                    proof.assumptions.sort();
                    proof.kinds = kinds;
                }
                None => verdict = Verdict::Undecided(vec![torn()]),
            }
        }
        if let Verdict::Scoped(proof) = &mut verdict
            && rests_on_trust(catalog, tenancy, plan, tenants, known, policies)
        {
            proof.assumptions.push(TRUSTED_KEYS.to_owned());
            proof.assumptions.sort();
        }
        return (verdict, domains);
    }
}

/// What is taken for granted where a setting names another kind of tenants than a placeholder: nothing says what it was set to.
fn kinds_of_settings(tenancy: &Tenancy, kinds: &BTreeSet<(TenantSource, DomainId)>) -> Option<String> {
    kinds.iter().find(|(source, _)| matches!(source, TenantSource::Setting(_)))?;
    let named = kinds.iter().filter_map(|(source, kind)| {
        let kind = &tenancy.domains.get(usize::from(kind.0))?.name;
        Some(match source {
            TenantSource::Param(number) => format!("`${number}` as `{kind}`"),
            TenantSource::Setting(name) => format!("`current_setting('{name}')` as `{kind}`"),
        })
    });
    Some(format!("they name the tenant by keys of several kinds: {}", named.collect::<Vec<_>>().join(", ")))
}

/// A tenant value by which tables of several kinds of tenants are tied, whose sources may name one kind each.
struct Several {
    tenant: usize,
    kinds: Vec<DomainId>,
    /// Its sources in the statement; those that are one expression together.
    sources: Vec<BTreeSet<TenantSource>>,
}

impl Several {
    /// How many readings are tried: of more nothing is known.
    const MAX_READINGS: usize = 256;

    /// The tenant values with one kind of tenants for each of the sources, in every way.
    fn told_apart(&self, tenants: &[TenantValue]) -> Vec<Vec<TenantValue>> {
        let Some(whole) = tenants.get(self.tenant) else { return Vec::new() };
        let others = tenants.iter().enumerate().filter(|(at, _)| *at != self.tenant);
        let others: Vec<TenantValue> = others.map(|(_, tenant)| tenant.clone()).collect();
        let mut readings = vec![others];
        for sources in &self.sources {
            let one = |kind: &DomainId| TenantValue {
                sources: sources.clone(),
                alike: Vec::new(),
                domain: Some(*kind),
                is_own: true,
                ..whole.clone()
            };
            let with = |reading: &Vec<TenantValue>| {
                let each = self.kinds.iter().map(|kind| {
                    reading.iter().cloned().chain(std::iter::once(one(kind))).collect::<Vec<TenantValue>>()
                });
                each.collect::<Vec<_>>()
            };
            readings = readings.iter().flat_map(with).collect();
            if readings.len() > Several::MAX_READINGS {
                return Vec::new();
            }
        }
        readings
    }
}

/// One value cannot name tenants of two kinds.
fn torn() -> Obstacle {
    let message = "one value is compared with two kinds of tenant keys".to_owned();
    let range = tenantry_span::TextRange::default();
    Obstacle { kind: ObstacleKind::NotProved, range, message, help: None }
}

/// What a policy with `trust-foreign-keys` takes for granted.
const TRUSTED_KEYS: &str =
    "foreign keys without the tenant key stay inside a tenant, as `trust-foreign-keys` says";

/// Whether a proof fails without `trust-foreign-keys`.
fn rests_on_trust(
    catalog: &Catalog,
    tenancy: &Tenancy,
    plan: &Plan,
    tenants: &[TenantValue],
    known: &[KnownValue],
    policies: Policies,
) -> bool {
    let is_one_read = plan.scans.len() < 2 && matches!(plan.main, Action::Query(_));
    if !tenancy.trust_foreign_keys || is_one_read {
        return false;
    }
    let tenancy = Tenancy { trust_foreign_keys: false, ..tenancy.clone() };
    !matches!(prove_by(catalog, &tenancy, plan, tenants, known, policies), Verdict::Scoped(_))
}

impl Prover<'_> {
    /// What the columns of the rows that come back name, as far as `state` shows it.
    fn returns(&self, state: &State) -> Vec<ReturnedColumn> {
        match &self.plan.main {
            Action::Query(_) | Action::Insert(_) | Action::Update(_) => {}
            // Rows that are gone are nobody's.
            Action::Delete(_) | Action::Merge(_) => return Vec::new(),
            Action::WholeTables { .. } | Action::Nothing | Action::SetTenant { .. } | Action::Unmodelled => {
                return Vec::new();
            }
        }
        let closure = self.close(&Outer::default(), &state.facts);
        let pinned = || state.classes.iter().filter(|class| class.status == Status::Pinned && !class.padded);
        let columns = self.plan.output.iter().map(|(name, col)| {
            let is = |rep: &&Rep| rep.via.is_empty() && closure.equal(&rep.term(), &Term::column(*col));
            let mut names: Vec<_> =
                pinned().flat_map(|class| &class.reps).filter(is).map(|rep| rep.names.clone()).collect();
            names.sort();
            names.dedup();
            ReturnedColumn { name: name.clone(), names }
        });
        columns.collect()
    }

    /// What placeholders name where a row comes back, or was changed: a row that is there has what they are compared with.
    fn given(&self, state: &State) -> Vec<KnownValue> {
        let (rel, kept) = match &self.plan.main {
            Action::Query(rel) => (rel, None),
            Action::Update(plan) => (&plan.input, Some(self.kept(plan))),
            // Rows that are gone are nobody's, and those that are written are not what was compared.
            _ => return Vec::new(),
        };
        // What else is written by the statement may be what the rows are no more.
        if !rows_are_matches(rel) || !self.plan.modifying.is_empty() {
            return Vec::new();
        }
        let closure = self.close(&Outer::default(), &state.facts);
        let pinned = || state.classes.iter().filter(|class| class.status == Status::Pinned && !class.padded);
        let params = (1..).take(self.plan.param_types.len());
        let known = params.map(|param| {
            let term = match self.tenant_of(&TenantSource::Param(param)) {
                Some(tenant) => Term::of(Base::Tenant(tenant)),
                None => Term::of(Base::Param(param)),
            };
            let stays = |rep: &Rep| kept.as_ref().is_none_or(|kept| kept.contains(&rep.col));
            let is = |rep: &&Rep| rep.via.is_empty() && stays(rep) && closure.equal(&rep.term(), &term);
            let mut names: Vec<_> =
                pinned().flat_map(|class| &class.reps).filter(is).map(|rep| rep.names.clone()).collect();
            names.sort();
            names.dedup();
            KnownValue { param, names, is_new: false, chosen: false }
        });
        known.filter(|known| !known.names.is_empty()).collect()
    }

    /// The columns of an `UPDATE`'s target that hold afterwards what they were compared with: not those that are computed, and
    /// none where triggers or rules may change the row once more. Those of other relations may be of the same rows.
    fn kept(&self, plan: &UpdatePlan) -> Vec<ColId> {
        let (Some(scan), Some(table)) = (self.scan(plan.target), self.table(plan.target)) else {
            return Vec::new();
        };
        let fires = |table: &Table| table.triggers.iter().any(|trigger| !trigger.disabled);
        if !table.complete || fires(table) || self.catalog.descendants(&table.name).into_iter().any(fires) {
            return Vec::new();
        }
        let is_stored = |column: &Column| !matches!(column.default, ColumnDefault::Computed(_));
        let columns = scan.cols.iter().zip(&plan.row).zip(&table.columns);
        let kept = columns.filter(|((old, new), column)| old == new && is_stored(column));
        kept.map(|((old, _), _)| *old).collect()
    }

    fn conclude(mut self, returns: Vec<ReturnedColumn>, given: Vec<KnownValue>) -> Verdict {
        let finished = std::mem::take(&mut self.finished);
        // A scan that stands in several classes (an arm, a guard, a recursion's round) must be tied in each.
        let pinned = finished.iter().filter(|class| class.status == Status::Pinned);
        let pinned: BTreeSet<ScanId> = pinned.flat_map(|class| class.scans.iter().copied()).collect();
        for class in &finished {
            self.judge(class, &pinned);
        }
        self.missing_scans(&finished);
        self.two_tenants();
        let reads_owned =
            self.plan.scans.iter().any(|scan| !matches!(self.tenancy.owner(&scan.table), TableOwner::Shared))
                || self.plan.calls.iter().any(|call| !call.tables.is_empty());
        let (basis, resting) = self.basis(reads_owned);
        let held = self.keys_belong_together();
        let kinds = self.kinds_of_sources();
        let Prover { plan, mut leaks, mut obstacles, .. } = self;
        let blocking =
            |kind: ObstacleKind| !matches!(kind, ObstacleKind::UnknownTable | ObstacleKind::UndeclaredOwner);
        let cut_short = plan.obstacles.iter().any(|obstacle| blocking(obstacle.kind));
        if !leaks.is_empty() && !cut_short {
            leaks.sort_by(|a, b| (a.range, a.kind, &a.message).cmp(&(b.range, b.kind, &b.message)));
            leaks.dedup();
            return Verdict::Leaks(leaks);
        }
        obstacles.extend(plan.obstacles.iter().cloned());
        obstacles.extend(leaks.into_iter().map(|leak| Obstacle {
            kind: ObstacleKind::NotProved,
            range: leak.range,
            message: format!("`{}`: {}", leak.table.name, leak.message),
            help: leak.help,
        }));
        if matches!(plan.main, Action::Unmodelled) && obstacles.is_empty() {
            let message = "the statement is not modelled".to_owned();
            let range = tenantry_span::TextRange::default();
            obstacles.push(Obstacle { kind: ObstacleKind::Unmodelled, range, message, help: None });
        }
        if !obstacles.is_empty() {
            obstacles.sort_by(|a, b| (a.range, a.kind, &a.message).cmp(&(b.range, b.kind, &b.message)));
            obstacles.dedup();
            return Verdict::Undecided(obstacles);
        }
        let owned =
            plan.scans.iter().filter(|scan| !matches!(self.tenancy.owner(&scan.table), TableOwner::Shared));
        let called = plan.calls.iter().flat_map(|call| call.tables.iter().cloned());
        let tables: BTreeSet<_> = owned.map(|scan| scan.table.clone()).chain(called).collect();
        let mut assumptions = self.assumptions;
        assumptions.extend(resting);
        assumptions.extend(held);
        assumptions.extend(plan.assumptions.iter().cloned());
        assumptions.extend(measured::assumption(self.catalog.dialect, &measured::MEASURED));
        assumptions.sort();
        assumptions.dedup();
        Verdict::Scoped(Proof {
            basis,
            assumptions,
            steps: self.steps,
            pins: self.pin_sources,
            kinds,
            tables,
            returns,
            given,
        })
    }

    fn judge(&mut self, class: &Class, pinned: &BTreeSet<ScanId>) {
        let (range, why, certain) = match &class.status {
            Status::Pinned | Status::Shared => return,
            Status::Open => (None, None, class.murky.is_none()),
            Status::Lost(lost) => {
                (Some(lost.range), Some(lost.why.clone()), lost.certain && class.murky.is_none())
            }
            Status::Outer(..) => {
                (None, Some("it is tied to a relation that is not tied itself".to_owned()), false)
            }
        };
        let scans: BTreeSet<ScanId> = class.scans.iter().copied().collect();
        let exposed: Vec<ScanId> = scans.into_iter().filter(|scan| self.is_exposed(*scan)).collect();
        // The scans of a class have one owner, so that one filter ties them all: one cause, told where it is mended
        // most plainly.
        let is_keyed =
            |scan: &&ScanId| matches!(self.owner(**scan), TableOwner::Keyed { .. } | TableOwner::Root { .. });
        let Some(told) = exposed.iter().find(is_keyed).or(exposed.first()).copied() else { return };
        let others: Vec<ScanId> = exposed.into_iter().filter(|scan| *scan != told).collect();
        self.tell(class, told, &others, (range, &why), certain, pinned);
    }

    /// True if reading the scan untied shows other tenants' rows; where that cannot be known, says so.
    fn is_exposed(&mut self, scan: ScanId) -> bool {
        let Some(info) = self.scan(scan) else { return false };
        match self.tenancy.owner(&info.table) {
            TableOwner::Shared => return false,
            TableOwner::Undeclared => {
                let message = format!("nothing says who owns the rows of {}", self.called(scan));
                let (kind, range) = (ObstacleKind::UndeclaredOwner, info.range);
                self.obstacles.push(Obstacle { kind, range, message, help: None });
                return false;
            }
            TableOwner::Keyed { .. } | TableOwner::Root { .. } | TableOwner::Child { .. } => {}
        }
        let secured = self.is_secured(scan);
        if secured {
            self.tell_secured(scan);
        }
        !secured
    }

    fn tell(
        &mut self,
        class: &Class,
        scan: ScanId,
        others: &[ScanId],
        (lost_at, why): (Option<tenantry_span::TextRange>, &Option<String>),
        certain: bool,
        pinned: &BTreeSet<ScanId>,
    ) {
        let Some(info) = self.scan(scan) else { return };
        let mut related = Vec::new();
        let (kind, message) = match self.hint(class) {
            Some((kind, at)) => {
                let message = match kind {
                    LeakKind::SelfComparison => {
                        "the tenant key is compared with itself, which is true for every row"
                    }
                    LeakKind::OptionalFilter => {
                        "the filter by the tenant vanishes when the parameter is NULL"
                    }
                    _ => "the tenant key is compared with a fixed value instead of the tenant",
                };
                related.push((at, "here".to_owned()));
                (kind, message.to_owned())
            }
            None if !pinned.is_empty() => (
                LeakKind::JoinedNotTied,
                "it is not tied to the tenant, though another relation of the statement is".to_owned(),
            ),
            None => (LeakKind::Unscoped, "its rows are not restricted to the tenant".to_owned()),
        };
        let message = match why {
            Some(why) => format!("{message}: {why}"),
            None => message,
        };
        let message = match self.fault_of_policies(scan) {
            Some(fault) => format!("{message}; {fault}"),
            None => message,
        };
        if let (Some(at), Some(why)) = (lost_at, why)
            && !at.is_empty()
        {
            related.push((at, why.clone()));
        }
        for other in others.iter().filter_map(|other| self.scan(*other)) {
            related.push((other.range, format!("this belongs to the same owner as `{}`", info.alias)));
        }
        let mut help = self.help_for(scan);
        if let (Some(help), LeakKind::Unscoped | LeakKind::JoinedNotTied) = (&mut help, kind)
            && self.is_in_one_arm(class)
        {
            help.push_str(IN_ONE_ARM);
        }
        // Whether it is read at all where nothing uses what it gives is not known.
        let is_unseen = |scan| {
            self.plan.perhaps_unread.contains(&scan)
                || self.is_one_of_permissive(scan, pinned)
                || self.is_idle(scan)
        };
        if certain && !is_unseen(scan) {
            let alias = info.aliased.then(|| info.alias.clone());
            let (table, range) = (info.table.clone(), info.range);
            let reasons = match kind {
                LeakKind::JoinedNotTied => self.reasons_of_join(scan),
                _ => Vec::new(),
            };
            self.leaks.push(Leak { kind, table, alias, range, message, help, related, reasons });
            return;
        }
        let (range, message) = match &class.murky {
            Some((at, why)) => (*at, format!("{}: {why}", self.called(scan))),
            None => (info.range, format!("{}: {message}", self.called(scan))),
        };
        self.obstacles.push(Obstacle { kind: ObstacleKind::NotProved, range, message, help });
    }

    fn hint(&self, class: &Class) -> Option<(LeakKind, tenantry_span::TextRange)> {
        let is_rep = |col| class.reps.iter().any(|rep| rep.col == col);
        let is_own = |col| self.is_key_of(class, col);
        let mut hints =
            self.hints.iter().filter(|(col, _, _)| is_own(*col) && (is_rep(*col) || class.reps.is_empty()));
        hints.next().map(|(_, kind, at)| (*kind, *at))
    }

    /// True for a column by which one of the relations of a class belongs to its owner.
    fn is_key_of(&self, class: &Class, col: crate::plan::ColId) -> bool {
        class.scans.iter().any(|scan| {
            let (Some(info), Some(table)) = (self.scan(*scan), self.table(*scan)) else { return false };
            let at = info.cols.iter().position(|known| *known == col);
            let name = at.and_then(|at| table.columns.get(at)).map(|column| column.name.as_str());
            name.is_some_and(|name| match self.owner(*scan) {
                TableOwner::Child { by, .. } => by == name,
                _ => self.key_domain(*scan, name).is_some(),
            })
        })
    }

    /// True for a class whose key is compared with a value in some arms of a disjunction, and not in all.
    fn is_in_one_arm(&self, class: &Class) -> bool {
        let is_part = |scan: &ScanId| matches!(self.owner(*scan), TableOwner::Child { .. });
        !class.scans.iter().any(is_part) && self.in_arms.iter().any(|col| self.is_key_of(class, *col))
    }

    /// What would scope a scan.
    fn help_for(&self, scan: ScanId) -> Option<String> {
        let info = self.scan(scan)?;
        let name = if info.aliased { &info.alias } else { &info.table.name };
        match self.tenancy.owner(&info.table) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                let (key, _) = keys.first()?;
                Some(format!("add `{name}.{key} = <tenant>` to its filter or join condition"))
            }
            TableOwner::Child { parent, by, parent_column } => Some(format!(
                "tie it to its owner: `{name}.{by} IN (SELECT {parent_column} FROM {} WHERE {} = <tenant>)`",
                parent.name,
                self.key_of(parent)
            )),
            TableOwner::Shared | TableOwner::Undeclared => None,
        }
    }

    /// Every owned scan that is read must have been accounted for; one that is not would be a hole in this module.
    fn missing_scans(&mut self, finished: &[Class]) {
        let seen: BTreeSet<ScanId> = finished.iter().flat_map(|class| class.scans.clone()).collect();
        for at in 0..self.plan.scans.len() {
            let Ok(id) = u32::try_from(at).map(ScanId) else { continue };
            let Some(info) = self.scan(id) else { continue };
            let owned = !matches!(self.tenancy.owner(&info.table), TableOwner::Shared);
            let read = !info.is_target && !self.plan.unread.contains(&id);
            if owned && read && !seen.contains(&id) && self.leaks.is_empty() {
                let message = format!("{} could not be followed through the statement", self.called(id));
                let (kind, range) = (ObstacleKind::NotProved, info.range);
                self.obstacles.push(Obstacle { kind, range, message, help: None });
            }
        }
    }

    /// The kinds of tenants that the sources in the statement are taken for names of.
    fn kinds_of_sources(&self) -> BTreeSet<(TenantSource, DomainId)> {
        let pins = self.pins.iter();
        let each = pins.flat_map(|(tenant, domain)| {
            let sources = self.groups_met(*tenant).into_iter().flatten();
            sources.map(|source| (source, *domain))
        });
        each.collect()
    }

    /// The tenant value that ties tables of several kinds of tenants by several sources, if there is one. Which of them ties
    /// which table the facts do not say.
    fn names_of_several_kinds(&self) -> Option<Several> {
        let mut kinds: BTreeMap<usize, BTreeSet<DomainId>> = BTreeMap::new();
        for (tenant, domain) in &self.pins {
            kinds.entry(*tenant).or_default().insert(*domain);
        }
        let (tenant, kinds) = kinds.into_iter().find(|(_, kinds)| kinds.len() > 1)?;
        let kinds = kinds.into_iter().collect();
        Some(Several { tenant, kinds, sources: self.groups_met(tenant) })
    }

    /// One value cannot name tenants of two domains, and one domain has one tenant.
    fn two_tenants(&mut self) {
        let mut by_tenant: BTreeMap<usize, BTreeSet<_>> = BTreeMap::new();
        let mut by_domain: BTreeMap<_, BTreeSet<usize>> = BTreeMap::new();
        for (tenant, domain) in self.pins.clone() {
            by_tenant.entry(tenant).or_default().insert(domain);
            by_domain.entry(domain).or_default().insert(self.whose(tenant));
        }
        let mixed = by_domain.values().any(|tenants| tenants.len() > 1);
        let strange = self.pins.iter().find(|(tenant, domain)| !self.may_name(*tenant, *domain));
        // Several sources in one entry may name different levels; a single placeholder cannot, whatever else would be the
        // tenant if it stood in the statement.
        let is_torn = by_tenant
            .iter()
            .any(|(tenant, domains)| domains.len() > 1 && domains.len() > self.sources_met(*tenant));
        if mixed || is_torn || strange.is_some() {
            let message = match strange {
                Some((tenant, _)) => {
                    format!(
                        "{} is called as another kind of tenant than it is compared with",
                        self.spoken(*tenant)
                    )
                }
                None if mixed => {
                    "its tables are tied to different values, of which only one can be the tenant".to_owned()
                }
                None => torn().message,
            };
            let range = tenantry_span::TextRange::default();
            let help = mixed && strange.is_none();
            let help =
                help.then(|| "compare and write every tenant key with the same placeholder".to_owned());
            self.obstacles.push(Obstacle { kind: ObstacleKind::NotProved, range, message, help });
        }
    }
}

/// What helps besides where AND binds tighter than OR.
const IN_ONE_ARM: &str =
    "; the comparison that is there counts in one arm of OR alone, unless brackets stand around the arms";

/// The sources that appear in a plan as placeholders, for callers that choose tenants by their number.
pub fn placeholders(plan: &Plan) -> Vec<TenantSource> {
    let count = u32::try_from(plan.param_types.len()).unwrap_or(u32::MAX);
    (1..=count).map(TenantSource::Param).collect()
}

/// True if a row comes back only where the tables have rows that fit: an aggregate over nothing has one as well.
fn rows_are_matches(rel: &Rel) -> bool {
    match &rel.kind {
        RelKind::Scan { .. } => true,
        RelKind::Filter { input, .. }
        | RelKind::Project { input, .. }
        | RelKind::Sort { input, .. }
        | RelKind::Distinct { input, .. }
        | RelKind::Limit { input, .. } => rows_are_matches(input),
        RelKind::Join { kind: JoinKind::Inner, left, right, .. } => {
            rows_are_matches(left) && rows_are_matches(right)
        }
        RelKind::Join { kind: JoinKind::Left, left, .. } => rows_are_matches(left),
        _ => false,
    }
}
