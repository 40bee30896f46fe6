//! What the proof carries along: the statement, the tenant values, and the state of a relation.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use tenantry_span::TextRange;

use crate::catalog::{Catalog, Column, ColumnDefault, QualifiedName, Table};
use crate::plan::{Action, ColId, Expr, Plan, Scan, ScanId};
use crate::prove::collation::{is_any_loose, is_loose};
use crate::prove::facts::{Chase, Claim, Closure, Fact, Guard, Injection, Term};
use crate::prove::row_security::Policies;
use crate::tenancy::{DomainId, TableOwner, Tenancy};
use crate::types::SqlType;
use crate::verdict::{KnownValue, LeakKind, Nullability, Step, TenantSource, TenantValue};

/// What the value of a representative names: a tenant, or a row, whose owner is a function of it.
pub(super) use crate::verdict::Named as Names;

/// A column that determines the owner of a class: its value is `via` of what `names` says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rep {
    pub(super) col: ColId,
    pub(super) via: Vec<Injection>,
    pub(super) names: Names,
}

impl Rep {
    /// The term whose equality with `via(value)` pins.
    pub(super) fn term(&self) -> Term {
        Term::column(self.col)
    }
}

/// To what a class is tied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// To nothing yet; filtering by a representative still ties it.
    Open,
    /// To a tenant value.
    Pinned,
    /// To the tenant or to everybody's rows: enough to read, not to write.
    Shared,
    /// To a column of an enclosing relation, which is these functions of what the class's representative names.
    Outer(Term, Names, Vec<Injection>),
    /// To nothing any more.
    Lost(Lost),
}

/// How a class was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lost {
    /// What did it, for the reader.
    pub(super) why: String,
    /// Where.
    pub(super) range: TextRange,
    /// Nothing above can make up for it, so that it is a leak.
    pub(super) certain: bool,
}

/// Scans whose rows have one owner in every row of the relation.
#[derive(Clone, Debug)]
pub(super) struct Class {
    pub(super) scans: Vec<ScanId>,
    pub(super) reps: Vec<Rep>,
    pub(super) status: Status,
    /// Its columns may be NULL because there is no row, or they stand for several rows.
    pub(super) padded: bool,
    /// A predicate over it that was not understood: then it is not certain that it leaks.
    pub(super) murky: Option<(TextRange, String)>,
    /// Levels at which scans have owners that these were in one class with: what ties the class at those ties no other one
    /// at fewer.
    pub(super) beyond: BTreeSet<DomainId>,
}

/// What is known of a relation (or of the rows around a subquery).
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) facts: Vec<Fact>,
    pub(super) classes: Vec<Class>,
    /// Every column made in it, hidden ones included.
    pub(super) made: BTreeSet<ColId>,
}

/// The rows around a relation: their columns are constants in it.
#[derive(Clone, Debug, Default)]
pub(super) struct Outer {
    pub(super) facts: Vec<Fact>,
    pub(super) cols: BTreeSet<ColId>,
}

impl Outer {
    /// The context of something evaluated for each row of `state`.
    pub(super) fn within(&self, state: &State) -> Outer {
        let mut inner = self.clone();
        inner.facts.extend(state.facts.iter().cloned());
        inner.cols.extend(state.made.iter().copied());
        inner
    }
}

/// What has been told of ties at some point of a proof.
pub(super) struct Told {
    steps: usize,
    pins: BTreeSet<(usize, DomainId)>,
    pin_sources: BTreeSet<TenantSource>,
    tied_in: BTreeSet<DomainId>,
}

/// One proof.
pub(super) struct Prover<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) tenancy: &'a Tenancy,
    pub(super) plan: &'a Plan,
    tenants: &'a [TenantValue],
    known_values: &'a [KnownValue],
    tenants_not_null: Vec<bool>,
    /// A collation is in sight that takes different texts for equal.
    pub(super) loose_texts: bool,
    guards: Vec<BTreeSet<ColId>>,
    chases: Vec<Chase>,
    /// The rows that the statement inserts.
    pub(super) inserted: BTreeSet<ScanId>,
    /// Which domains a value of a domain tells: a workspace tells its organization.
    told: BTreeMap<DomainId, BTreeSet<DomainId>>,
    /// How computed columns were computed.
    pub(super) defs: BTreeMap<ColId, &'a Expr>,
    /// Arrays collected of rows of the tenant: their elements, and what those name.
    pub(super) collected: BTreeMap<ColId, (&'a Expr, Vec<Names>)>,
    /// What `min` and `max` were taken of.
    pub(super) chosen_of: BTreeMap<ColId, &'a Expr>,
    /// Columns of arms of set operations, with the columns that hold them above.
    pub(super) in_arm: BTreeSet<(ColId, ColId)>,
    /// Columns that no table has and that hold what is made of the tenant's value, in some rows or in a way that is not read.
    pub(super) made_of_tenant: BTreeSet<ColId>,
    /// Columns of a written row to which nothing was given, and which have no default that is seen: most likely NULL.
    pub(super) left_empty: BTreeSet<ColId>,
    /// Conditions on the rows of the join at hand that stand above it.
    pub(super) above: Vec<&'a Expr>,
    /// Classes that no relation carries any more.
    pub(super) finished: Vec<Class>,
    /// What the modifying common table expressions return.
    pub(super) returned: Vec<State>,
    /// Nullable sides of outer joins on which every row of the other side finds itself, if anything.
    pub(super) mirrored: BTreeSet<ScanId>,
    /// The working table of the recursion at hand, innermost last.
    pub(super) working: Vec<State>,
    /// The row being written, for RETURNING.
    pub(super) written: Vec<State>,
    pub(super) steps: Vec<Step>,
    /// The sources of tenant values that were met in the statement.
    met: RefCell<BTreeSet<TenantSource>>,
    /// What is taken for granted, each a sentence.
    pub(super) assumptions: Vec<String>,
    /// Which tenant value pinned in which domain, by which source.
    pub(super) pins: BTreeSet<(usize, DomainId)>,
    pub(super) pin_sources: BTreeSet<TenantSource>,
    /// The key columns of scans that are compared with a tenant value themselves, and with whose.
    pub(super) tied_keys: BTreeSet<(ColId, usize)>,
    /// The domains in which the statement is tied, by a tenant value or by one that names what is the tenant's.
    pub(super) tied_in: BTreeSet<DomainId>,
    /// The domains in which any part of the statement is tied, as far as an earlier look showed.
    pub(super) tied_elsewhere: BTreeSet<DomainId>,
    /// Whether what policies say counts.
    pub(super) policies: Policies,
    /// Policies let no row be written but the tenant's.
    pub(super) row_is_checked: bool,
    /// What policies ask of the row that is being written.
    pub(super) row_checks: Vec<Fact>,
    /// Something hung on the domains in which the statement is tied.
    asked: Cell<bool>,
    /// What the shape of a predicate says of a leak of the column's class.
    pub(super) hints: Vec<(ColId, LeakKind, TextRange)>,
    /// Columns that some arms of a disjunction compare with a placeholder, and others do not.
    pub(super) in_arms: Vec<ColId>,
    pub(super) leaks: Vec<crate::verdict::Leak>,
    pub(super) obstacles: Vec<crate::verdict::Obstacle>,
}

fn may_be_null(plan: &Plan, tenant: &TenantValue) -> bool {
    let missing = |source: &TenantSource| matches!(source, TenantSource::Setting(name) if plan.missing_settings.contains(name));
    tenant.nullable != Nullability::Never || tenant.sources.iter().any(missing)
}

impl<'a> Prover<'a> {
    pub(super) fn new(
        catalog: &'a Catalog,
        tenancy: &'a Tenancy,
        plan: &'a Plan,
        tenants: &'a [TenantValue],
        known_values: &'a [KnownValue],
    ) -> Prover<'a> {
        let mut prover = Prover {
            catalog,
            tenancy,
            plan,
            tenants,
            known_values,
            tenants_not_null: tenants.iter().map(|tenant| !may_be_null(plan, tenant)).collect(),
            loose_texts: is_any_loose(catalog, plan),
            guards: Vec::new(),
            chases: Vec::new(),
            inserted: inserted(plan),
            told: told_domains(catalog, tenancy),
            defs: BTreeMap::new(),
            collected: BTreeMap::new(),
            chosen_of: BTreeMap::new(),
            in_arm: BTreeSet::new(),
            made_of_tenant: BTreeSet::new(),
            left_empty: BTreeSet::new(),
            above: Vec::new(),
            finished: Vec::new(),
            returned: Vec::new(),
            mirrored: BTreeSet::new(),
            working: Vec::new(),
            written: Vec::new(),
            steps: Vec::new(),
            met: RefCell::new(BTreeSet::new()),
            assumptions: Vec::new(),
            pins: BTreeSet::new(),
            pin_sources: BTreeSet::new(),
            tied_keys: BTreeSet::new(),
            tied_in: BTreeSet::new(),
            tied_elsewhere: BTreeSet::new(),
            policies: Policies::Applied,
            row_is_checked: false,
            row_checks: Vec::new(),
            asked: Cell::new(false),
            hints: Vec::new(),
            in_arms: Vec::new(),
            leaks: Vec::new(),
            obstacles: Vec::new(),
        };
        prover.find_chases();
        prover
    }

    pub(super) fn scan(&self, id: ScanId) -> Option<&'a Scan> {
        self.plan.scans.get(id.0 as usize)
    }

    pub(super) fn table(&self, id: ScanId) -> Option<&'a Table> {
        self.catalog.tables.get(&self.scan(id)?.table)
    }

    pub(super) fn owner(&self, id: ScanId) -> &'a TableOwner {
        match self.scan(id) {
            Some(scan) => self.tenancy.owner(&scan.table),
            None => &TableOwner::Undeclared,
        }
    }

    /// The tenant value that a placeholder or setting carries.
    pub(super) fn tenant_of(&self, source: &TenantSource) -> Option<usize> {
        let at = self.tenants.iter().position(|tenant| tenant.sources.contains(source))?;
        let is_list = |tenant: &TenantValue| matches!(source, TenantSource::Param(number) if tenant.lists.contains(number));
        if self.tenants.get(at).is_some_and(is_list) {
            return None;
        }
        self.met.borrow_mut().insert(source.clone());
        Some(at)
    }

    /// The placeholder or setting carries a tenant, or a list of nothing else.
    pub(super) fn is_tenant(&self, source: &TenantSource) -> bool {
        let in_list =
            |tenant: &TenantValue| matches!(source, TenantSource::Param(at) if tenant.lists.contains(at));
        self.tenants.iter().any(|tenant| tenant.sources.contains(source) || in_list(tenant))
    }

    /// The tenant value that each element of the list at a placeholder is.
    pub(super) fn tenant_of_elements(&self, number: u32) -> Option<usize> {
        let at = self.tenants.iter().position(|tenant| tenant.lists.contains(&number))?;
        self.met.borrow_mut().insert(TenantSource::Param(number));
        Some(at)
    }

    /// A tenant value's sources that the statement has; those that are one expression together.
    pub(super) fn groups_met(&self, tenant: usize) -> Vec<BTreeSet<TenantSource>> {
        let met = self.met.borrow();
        let alike = self.tenants.get(tenant).map_or(&[] as &[_], |tenant| tenant.alike.as_slice());
        let mut groups: Vec<BTreeSet<TenantSource>> = Vec::new();
        for source in self.sources(tenant).filter(|source| met.contains(source)) {
            let is_like = |known: &BTreeSet<TenantSource>| {
                alike
                    .iter()
                    .any(|group| group.contains(source) && known.iter().any(|one| group.contains(one)))
            };
            match groups.iter_mut().find(|known| is_like(known)) {
                Some(known) => {
                    known.insert(source.clone());
                }
                None => groups.push(BTreeSet::from([source.clone()])),
            }
        }
        groups
    }

    /// How many of a tenant value's sources the statement has; those that are one expression count once.
    pub(super) fn sources_met(&self, tenant: usize) -> usize {
        self.groups_met(tenant).len()
    }

    /// True if the placeholder's value is known to name that, and it is the tenant's.
    pub(super) fn is_known_value(&self, param: u32, names: &Names) -> bool {
        self.known_values.iter().any(|known| known.param == param && known.names.contains(names))
    }

    /// True if callers or the request choose the placeholder's value.
    pub(super) fn is_chosen(&self, param: u32) -> bool {
        self.known_values.iter().any(|known| known.param == param && known.chosen)
    }

    /// True if the placeholder's value is in no row yet.
    pub(super) fn is_new_value(&self, param: u32) -> bool {
        self.known_values.iter().any(|known| known.param == param && known.is_new)
    }

    /// The sources of a tenant value.
    pub(super) fn sources(&self, tenant: usize) -> impl Iterator<Item = &'a TenantSource> {
        self.tenants.get(tenant).into_iter().flat_map(|tenant| &tenant.sources)
    }

    /// Whose names a tenant value is: those of the actor are one tenant's.
    pub(super) fn whose(&self, tenant: usize) -> usize {
        let is_own = |at: usize| self.tenants.get(at).is_some_and(|tenant| tenant.is_own);
        if is_own(tenant) { (0..tenant).find(|at| is_own(*at)).unwrap_or(tenant) } else { tenant }
    }

    /// False where the source says that a tenant value names tenants of another domain.
    pub(super) fn may_name(&self, tenant: usize, domain: DomainId) -> bool {
        let named = self.tenants.get(tenant).and_then(|tenant| tenant.domain);
        named.is_none_or(|named| named == domain)
    }

    /// True if this tenant value is not NULL.
    pub(super) fn tenant_has_value(&self, tenant: usize) -> bool {
        self.tenants_not_null.get(tenant).copied().unwrap_or(false)
    }

    /// True if nothing says whether this tenant value may be NULL.
    pub(super) fn tenant_is_unseen(&self, tenant: usize) -> bool {
        self.tenants.get(tenant).is_some_and(|tenant| tenant.nullable == Nullability::Unseen)
    }

    /// What has been told of ties up to now, to take back what comes after.
    pub(super) fn told_so_far(&self) -> Told {
        Told {
            steps: self.steps.len(),
            pins: self.pins.clone(),
            pin_sources: self.pin_sources.clone(),
            tied_in: self.tied_in.clone(),
        }
    }

    /// Takes back what was told of ties since.
    pub(super) fn take_back(&mut self, told: Told) {
        self.steps.truncate(told.steps);
        self.pins = told.pins;
        self.pin_sources = told.pin_sources;
        self.tied_in = told.tied_in;
    }

    pub(super) fn new_guard(&mut self, cols: BTreeSet<ColId>) -> Guard {
        self.guards.push(cols);
        Guard(self.guards.len() - 1)
    }

    pub(super) fn close(&self, outer: &Outer, facts: &[Fact]) -> Closure {
        self.close_with(outer, facts, &BTreeSet::new())
    }

    pub(super) fn close_with(&self, outer: &Outer, facts: &[Fact], active: &BTreeSet<Guard>) -> Closure {
        let all = outer.facts.iter().chain(facts);
        Closure::new(all, &self.guards, active, &self.chases, &self.tenants_not_null)
    }

    /// The facts and the class of a stored table's occurrence.
    pub(super) fn scan_state(&mut self, id: ScanId) -> State {
        let (Some(scan), Some(_)) = (self.scan(id), self.table(id)) else {
            return State::default();
        };
        let mut state = State { made: scan.cols.iter().copied().collect(), ..State::default() };
        for (at, col) in scan.cols.iter().enumerate() {
            if self.stored_is_filled(id, at) {
                state.facts.push(Fact::plain(Claim::NotNull(*col)));
            }
        }
        if let Some(reps) = self.reps(id) {
            state.classes.push(Class {
                scans: vec![id],
                reps,
                status: Status::Open,
                murky: None,
                padded: false,
                beyond: BTreeSet::new(),
            });
        }
        state
    }

    /// The representatives of a scan, or `None` for a table that everybody owns.
    pub(super) fn reps(&self, id: ScanId) -> Option<Vec<Rep>> {
        let (scan, table) = (self.scan(id)?, self.table(id)?);
        let column = |name: &str| table.column(name).and_then(|at| scan.cols.get(at)).copied();
        let mut reps = Vec::new();
        match self.owner(id) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                for (name, domain) in keys {
                    let exact = table.column(name).is_some_and(|at| self.column_is_exact(table, at));
                    // Two columns that name tenants alike cannot both be the owner: the first one is.
                    let names = Names::Tenant(*domain);
                    if reps.iter().any(|rep: &Rep| rep.names == names) {
                        continue;
                    }
                    if let Some(col) = column(name).filter(|_| exact) {
                        reps.push(Rep { col, via: Vec::new(), names });
                    }
                }
            }
            TableOwner::Child { parent, by, parent_column } => {
                if let Some(col) = column(by) {
                    let names = Names::Row(parent.clone(), parent_column.clone());
                    reps.push(Rep { col, via: Vec::new(), names });
                }
            }
            TableOwner::Shared => return None,
            TableOwner::Undeclared => return Some(reps),
        }
        for key in &table.keys {
            let [name] = key.columns.as_slice() else { continue };
            if !self.key_is_premise(table, key) {
                continue;
            }
            if let Some(col) = column(name) {
                let names = Names::Row(table.name.clone(), name.clone());
                reps.push(Rep { col, via: Vec::new(), names });
            }
        }
        // Of a row that the statement itself makes nothing is trusted.
        let made = self.inserted.contains(&id);
        if !made && self.has_all_rows(scan, table) {
            reps.extend(self.referring_reps(table, &column));
            if self.tenancy.trust_foreign_keys {
                reps.extend(self.trusted_reps(table, &column));
            }
        }
        Some(reps)
    }

    /// A foreign key that carries the tenant key beside a column names by that column a row of the same owner.
    fn referring_reps(&self, table: &Table, column: &dyn Fn(&str) -> Option<ColId>) -> Vec<Rep> {
        let mut reps = Vec::new();
        for key in table.foreign_keys.iter().filter(|key| key.validated && !key.deferrable && table.complete)
        {
            let Some(target) = self.catalog.tables.get(&key.target) else { continue };
            let pairs: Vec<(&String, &String)> = key.columns.iter().zip(&key.target_columns).collect();
            let carries = |(name, to): &&(&String, &String)| {
                let column = table.column(name).and_then(|at| table.columns.get(at));
                let domain = self.exact_domain(&table.name, name);
                column.is_some_and(|column| column.not_null)
                    && domain.is_some_and(|domain| {
                        let told = self.levels_of(&Names::Tenant(domain));
                        self.exact_domain(&key.target, to) == Some(domain)
                            && self.levels(&table.name).is_subset(&told)
                    })
            };
            let (carried, rest): (Vec<_>, Vec<_>) = pairs.iter().partition(carries);
            let ([_], [(from, to)]) = (carried.as_slice(), rest.as_slice()) else { continue };
            let is_alone = |key: &crate::catalog::Key| {
                self.key_is_premise(target, key) && key.columns == [to.to_string()]
            };
            if let Some(col) = column(from).filter(|_| target.keys.iter().any(is_alone)) {
                let names = Names::Row(key.target.clone(), (*to).clone());
                reps.push(Rep { col, via: Vec::new(), names });
            }
        }
        reps
    }

    /// With trusted foreign keys, a row has the owner of the row that it references. What references a row that is everybody's
    /// may be anybody's.
    fn trusted_reps(&self, table: &Table, column: &dyn Fn(&str) -> Option<ColId>) -> Vec<Rep> {
        let single = |key: &crate::catalog::ForeignKey| {
            let ([from], [to]) = (key.columns.as_slice(), key.target_columns.as_slice()) else { return None };
            let owned = !matches!(self.tenancy.owner(&key.target), TableOwner::Undeclared)
                && !self.tenancy.may_be_everybodys(&key.target);
            let names = Names::Row(key.target.clone(), to.clone());
            let col = column(from).filter(|_| owned && self.may_be_one_owner(&table.name, &key.target))?;
            Some(Rep { col, via: Vec::new(), names })
        };
        table.foreign_keys.iter().filter_map(single).collect()
    }

    /// A key serves as a premise if it is enforced at once, for all rows, by plain equality, and by this table alone.
    pub(super) fn key_is_premise(&self, table: &Table, key: &crate::catalog::Key) -> bool {
        key.kind != crate::catalog::KeyKind::Exclusion
            && !key.deferrable
            && !key.has_expressions
            && key.predicate.is_none()
            && table.complete
            && table.inherits.is_empty()
            && (table.partitioned || self.catalog.descendants(&table.name).is_empty())
    }

    /// Equality on the column keeps different values apart, and is the type's own.
    pub(super) fn column_is_exact(&self, table: &Table, at: usize) -> bool {
        table.columns.get(at).is_some_and(|column| column_is_exact(self.catalog, column))
    }

    /// Key columns of a scan that are no representatives, because equality on them does not tell all values apart.
    pub(super) fn inexact_keys(&self, id: ScanId) -> Vec<ColId> {
        let (Some(scan), Some(table)) = (self.scan(id), self.table(id)) else { return Vec::new() };
        let (TableOwner::Keyed { keys, .. } | TableOwner::Root { keys }) = self.owner(id) else {
            return Vec::new();
        };
        let positions = keys.iter().filter_map(|(name, _)| table.column(name));
        let inexact = positions.filter(|at| !self.column_is_exact(table, *at));
        inexact.filter_map(|at| scan.cols.get(at)).copied().collect()
    }

    /// `=` on the type tells different values apart, bytewise or numerically.
    pub(super) fn type_is_exact(&self, ty: &SqlType) -> bool {
        type_is_exact(self.catalog, ty)
    }

    /// Foreign keys `(k, c) → P(k, id)` with `id` alone unique in `P` carry `k` along.
    fn find_chases(&mut self) {
        if self.catalog.dialect == tenantry_policy::Dialect::Sqlite && !self.tenancy.trust_foreign_keys {
            return;
        }
        let ids: Vec<ScanId> =
            (0..self.plan.scans.len()).filter_map(|at| u32::try_from(at).ok()).map(ScanId).collect();
        let mut chases = Vec::new();
        for from in &ids {
            for to in &ids {
                if from != to {
                    self.chases_between(*from, *to, &mut chases);
                }
            }
        }
        self.chases = chases;
    }

    fn chases_between(&self, from: ScanId, to: ScanId, chases: &mut Vec<Chase>) {
        let (Some(a), Some(b), Some(ta), Some(tb)) =
            (self.scan(from), self.scan(to), self.table(from), self.table(to))
        else {
            return;
        };
        let col = |table: &Table, scan: &Scan, name: &str| {
            table.column(name).and_then(|at| scan.cols.get(at)).copied()
        };
        if !self.has_all_rows(a, ta) {
            return;
        }
        if ta.name == tb.name && from < to {
            self.same_row_chases((from, a), (to, b), ta, chases);
        }
        for key in ta.foreign_keys.iter().filter(|key| key.target == tb.name) {
            let usable = key.validated && !key.deferrable && ta.complete;
            let trusted = self.tenancy.trust_foreign_keys && !self.inserted.contains(&from);
            if !usable && !trusted {
                continue;
            }
            let pairs: Vec<(&String, &String)> = key.columns.iter().zip(&key.target_columns).collect();
            for (k, pk) in &pairs {
                let domain = self.exact_domain(&ta.name, k);
                let owning = domain.is_some() && domain == self.exact_domain(&tb.name, pk);
                let not_null =
                    ta.column(k).and_then(|at| ta.columns.get(at)).is_some_and(|column| column.not_null);
                let rest: Vec<_> = pairs.iter().filter(|(name, _)| name != k).collect();
                let names: BTreeSet<&str> = rest.iter().map(|(_, name)| name.as_str()).collect();
                let unique = tb.keys.iter().any(|key| {
                    self.key_is_premise(tb, key)
                        && !key.columns.is_empty()
                        && key.columns.iter().all(|name| names.contains(name.as_str()))
                });
                if !owning || !not_null || !unique || rest.is_empty() {
                    continue;
                }
                let cols = rest.iter().map(|(x, y)| Some((col(ta, a, x)?, col(tb, b, y)?)));
                let implied = col(ta, a, k).zip(col(tb, b, pk));
                // A key that is not enforced may lead to a row that is everybody's, whatever is trusted.
                let may_be_shared = !usable && self.tenancy.may_be_everybodys(&tb.name);
                if let (Some(pairs), Some(implies)) = (cols.collect::<Option<Vec<_>>>(), implied) {
                    let filled = may_be_shared.then_some(implies.1);
                    chases.push(Chase { pairs, implies, filled });
                }
            }
            // A row of an inheriting table may have the same id, and is not the one that is referenced.
            if self.tenancy.trust_foreign_keys
                && !self.inserted.contains(&from)
                && self.has_all_rows(b, tb)
                && let [(x, y)] = pairs.as_slice()
            {
                self.trusted_chases(from, to, (x, y), chases);
            }
        }
    }

    /// Two scans of one table that agree on a unique key have one row before them, so that they agree on its tenant. A row that
    /// the statement writes is not the one that is read.
    fn same_row_chases(
        &self,
        (from, a): (ScanId, &Scan),
        (to, b): (ScanId, &Scan),
        table: &Table,
        chases: &mut Vec<Chase>,
    ) {
        if a.is_target || b.is_target || !self.has_all_rows(b, table) {
            return;
        }
        let (Some(ours), Some(theirs)) = (self.reps(from), self.reps(to)) else { return };
        let pair = |name: &String| {
            let at = table.column(name)?;
            Some((*a.cols.get(at)?, *b.cols.get(at)?))
        };
        for key in table.keys.iter().filter(|key| self.key_is_premise(table, key) && !key.columns.is_empty())
        {
            let Some(pairs) = key.columns.iter().map(pair).collect::<Option<Vec<_>>>() else { continue };
            for rep in ours.iter().filter(|rep| matches!(rep.names, Names::Tenant(_))) {
                for other in theirs.iter().filter(|other| other.names == rep.names) {
                    chases.push(Chase { pairs: pairs.clone(), implies: (rep.col, other.col), filled: None });
                }
            }
        }
    }

    /// Every row that the scan gives is the table's own, or one of its partitions': inheriting tables have not its keys.
    pub(super) fn has_all_rows(&self, scan: &Scan, table: &Table) -> bool {
        scan.only || table.partitioned || self.catalog.descendants(&table.name).is_empty()
    }

    /// With trusted foreign keys, a row has the tenant keys of the row that it references.
    fn trusted_chases(&self, from: ScanId, to: ScanId, pair: (&str, &str), chases: &mut Vec<Chase>) {
        let (Some(a), Some(b)) = (self.reps(from), self.reps(to)) else { return };
        let by_name = |id: ScanId, name: &str| {
            let (scan, table) = (self.scan(id)?, self.table(id)?);
            table.column(name).and_then(|at| scan.cols.get(at)).copied()
        };
        let (Some(x), Some(y)) = (by_name(from, pair.0), by_name(to, pair.1)) else { return };
        // A row that is everybody's has no tenant key that the other one could have as well.
        let may_be_shared = self.table(to).is_none_or(|table| self.tenancy.may_be_everybodys(&table.name));
        for ra in a.iter().filter(|rep| matches!(rep.names, Names::Tenant(_))) {
            for rb in b.iter().filter(|rb| rb.names == ra.names) {
                let filled = may_be_shared.then_some(rb.col);
                chases.push(Chase { pairs: vec![(x, y)], implies: (ra.col, rb.col), filled });
            }
        }
    }

    /// The domain of a column of a scan that is a tenant key.
    pub(super) fn key_domain(&self, id: ScanId, column: &str) -> Option<DomainId> {
        self.scan(id).and_then(|scan| self.domain_of(&scan.table, column))
    }

    /// The same, where equality on the column tells all tenants apart, for constraints as for comparisons: a unique or foreign
    /// key with another takes two tenants for one.
    pub(super) fn exact_domain(&self, table: &QualifiedName, column: &str) -> Option<DomainId> {
        let stored = self.catalog.tables.get(table)?;
        let is_exact = stored.column(column).is_some_and(|at| self.column_is_exact(stored, at));
        self.domain_of(table, column).filter(|_| is_exact)
    }

    pub(super) fn domain_of(&self, table: &QualifiedName, column: &str) -> Option<DomainId> {
        match self.tenancy.owner(table) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                keys.iter().find(|(name, _)| name == column).map(|(_, domain)| *domain)
            }
            TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => None,
        }
    }

    /// True if the column's default makes a fresh value for each row.
    pub(super) fn default_is_fresh(&self, table: &Table, name: &str) -> bool {
        let column = table.column(name).and_then(|at| table.columns.get(at));
        column.is_some_and(|column| column.default == ColumnDefault::Generated)
    }

    /// The domains of which a table's rows have an owner.
    pub(super) fn levels(&self, table: &QualifiedName) -> BTreeSet<DomainId> {
        let mut table = table;
        // As many steps as there are tables: a chain of parents that leads into a circle ends nowhere.
        for _ in 0..=self.tenancy.tables.len() {
            match self.tenancy.owner(table) {
                TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                    return keys.iter().map(|(_, domain)| *domain).collect();
                }
                TableOwner::Child { parent, .. } => table = parent,
                TableOwner::Shared | TableOwner::Undeclared => break,
            }
        }
        BTreeSet::new()
    }

    /// The levels among those of a table at which the statement is tied: at each of them its rows must be the tenant's.
    pub(super) fn asked_of(&self, table: &QualifiedName) -> BTreeSet<DomainId> {
        self.asked.set(true);
        let tied = self.tied_in.union(&self.tied_elsewhere).copied().collect();
        self.levels(table).intersection(&tied).copied().collect()
    }

    /// Whether anything was made to hang on the levels at which the statement is tied.
    pub(super) fn levels_were_asked(&self) -> bool {
        self.asked.get()
    }

    /// Notes that the statement is tied by a value that names this.
    pub(super) fn note_levels(&mut self, names: &Names) {
        let levels = match names {
            Names::Tenant(domain) => BTreeSet::from([*domain]),
            Names::Row(table, _) => self.levels(table),
        };
        self.tied_in.extend(levels);
    }

    /// The domains in which rows that agree on `names` have one owner.
    pub(super) fn levels_of(&self, names: &Names) -> BTreeSet<DomainId> {
        match names {
            Names::Tenant(domain) => self.with_told(BTreeSet::from([*domain])),
            Names::Row(table, _) => self.levels_with_told(table),
        }
    }

    /// Rows of the tables may have one owner: tenants of two kinds, of which neither tells the other, are not one, however
    /// trusted a key is.
    pub(super) fn may_be_one_owner(&self, one: &QualifiedName, other: &QualifiedName) -> bool {
        !self.levels_with_told(one).is_disjoint(&self.levels_with_told(other))
    }

    /// The domains of which a table's rows have an owner, and those that these tell.
    fn levels_with_told(&self, table: &QualifiedName) -> BTreeSet<DomainId> {
        self.with_told(self.levels(table))
    }

    fn with_told(&self, named: BTreeSet<DomainId>) -> BTreeSet<DomainId> {
        let told = named.iter().filter_map(|domain| self.told.get(domain)).flatten().copied();
        named.iter().copied().chain(told).collect()
    }

    pub(super) fn step(&mut self, range: TextRange, text: String) {
        let step = Step { range, text };
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }

    /// How the statement calls a scan: `orders`, or `orders AS o`.
    pub(super) fn called(&self, id: ScanId) -> String {
        match self.scan(id) {
            Some(scan) if scan.aliased && scan.alias != scan.table.name => {
                format!("`{}` (`{}`)", scan.table.name, scan.alias)
            }
            Some(scan) => format!("`{}`", scan.table.name),
            None => "a table".to_owned(),
        }
    }
}

/// Equality on the column keeps different values apart, and is the type's own.
pub fn column_is_exact(catalog: &Catalog, column: &Column) -> bool {
    !is_loose(catalog, column) && type_is_exact(catalog, &catalog.resolve_type(&column.ty))
}

fn type_is_exact(catalog: &Catalog, ty: &SqlType) -> bool {
    match ty {
        SqlType::Int | SqlType::Numeric | SqlType::Uuid | SqlType::Bytes | SqlType::Bool => true,
        SqlType::Text | SqlType::VarcharN(_) => catalog.dialect != tenantry_policy::Dialect::Mysql,
        SqlType::Temporal => true,
        SqlType::Named(name) => {
            let bare = name.rsplit('.').next().unwrap_or(name);
            let is_enum = catalog
                .types
                .iter()
                .any(|(known, ty)| known.name == bare && matches!(ty, crate::catalog::UserType::Enum));
            is_enum && catalog.operators.is_empty()
        }
        SqlType::Unknown
        | SqlType::Float
        | SqlType::Char
        | SqlType::Name
        | SqlType::Json
        | SqlType::Jsonb
        | SqlType::Array(_) => false,
    }
}

/// A unique column of a root table that names tenants tells whatever else the row names: its other names, the outer level.
fn told_domains(catalog: &Catalog, tenancy: &Tenancy) -> BTreeMap<DomainId, BTreeSet<DomainId>> {
    let mut told: BTreeMap<DomainId, BTreeSet<DomainId>> = BTreeMap::new();
    for (name, table) in &tenancy.tables {
        let TableOwner::Root { keys } = &table.owner else { continue };
        let Some(stored) = catalog.tables.get(name) else { continue };
        let unique = |column: &String| stored.keys.iter().any(|key| key.columns == [column.clone()]);
        for (_, domain) in keys.iter().filter(|(column, _)| unique(column)) {
            told.entry(*domain).or_default().extend(keys.iter().map(|(_, domain)| *domain));
        }
    }
    loop {
        let known = told.clone();
        for domains in told.values_mut() {
            let more: Vec<DomainId> =
                domains.iter().filter_map(|domain| known.get(domain)).flatten().copied().collect();
            domains.extend(more);
        }
        if told == known {
            return told;
        }
    }
}

/// The scans that stand for rows which the plan inserts.
fn inserted(plan: &Plan) -> BTreeSet<ScanId> {
    let actions = plan.modifying.iter().chain(std::iter::once(&plan.main));
    actions
        .filter_map(|action| match action {
            Action::Insert(insert) => Some(insert.target),
            _ => None,
        })
        .collect()
}
