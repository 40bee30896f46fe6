//! What the functions of triggers write, for rules about schemas: a statement of a body is proved as if the row that the
//! trigger fires for were bound to it.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::bind::{bind, trigger_statements};
use crate::catalog::{Catalog, ForeignKey, Function, KeyKind, RowSecurity, Table, Trigger};
use crate::lower::routine::{BodyStatement, Value, body_statements};
use crate::lower::statements;
use crate::plan::Action;
use crate::prove::{Policies, column_is_exact, prove_by};
use crate::tenancy::{TableOwner, Tenancy};
use crate::verdict::{
    KnownValue, Leak, LeakKind, Named, Nullability, Obstacle, ObstacleKind, TenantSource, TenantValue,
    Verdict,
};

/// What is said of what a trigger runs for a row of its table.
#[derive(Clone, Debug)]
pub struct JudgedTrigger<'c> {
    /// Its function.
    pub function: &'c Function,
    /// The statements of its body that touch rows: the place of each in the body, with what is said of it. `Leaks` only
    /// where nothing in the body may have kept it from running.
    pub statements: Vec<(TextRange, Verdict)>,
    /// Why its body is not judged.
    pub open: Option<String>,
}

/// Judges what a trigger runs, as a write of its table is judged that fires it; `None` for one that is switched off, is a
/// rule, or whose function is not known or declared harmless. The caller runs this on a deep stack.
pub fn judged<'c>(
    catalog: &'c Catalog,
    tenancy: &Tenancy,
    table: &Table,
    trigger: &Trigger,
) -> Option<JudgedTrigger<'c>> {
    let name = trigger.function.as_ref().filter(|_| !trigger.is_rule && !trigger.disabled)?;
    let function = catalog.functions.get(name)?.first()?;
    if tenancy.trusted_functions.contains_key(&name.name) || catalog.dialect != Dialect::Postgres {
        return None;
    }
    let (mut statements, open) = match trigger_statements(catalog, tenancy, table, trigger) {
        Ok(statements) => (statements, None),
        Err(why) => (Vec::new(), Some(why)),
    };
    let told = leaks(catalog, tenancy, table, trigger);
    for (range, verdict) in &mut statements {
        let Verdict::Leaks(found) = verdict else { continue };
        let is_told =
            told.iter().any(|(_, place, _)| range.contains_range(*place) || place.contains_range(*range));
        if !is_told {
            *verdict = Verdict::Undecided(found.iter().map(as_obstacle).collect());
        }
    }
    Some(JudgedTrigger { function, statements, open })
}

fn as_obstacle(leak: &Leak) -> Obstacle {
    let message = format!("`{}`: {}", leak.table.name, leak.message);
    Obstacle { kind: ObstacleKind::NotProved, range: leak.range, message, help: None }
}

/// Statements of a trigger's function that reach other tenants' rows: their places in the body, with what leaks. Only
/// what is plain is here; a body in another language, or a statement behind a check of the row, is passed over. The caller
/// runs this on a deep stack.
pub fn leaks<'c>(
    catalog: &'c Catalog,
    tenancy: &Tenancy,
    table: &Table,
    trigger: &Trigger,
) -> Vec<(&'c Function, TextRange, Leak)> {
    let name = trigger.function.as_ref().filter(|_| !trigger.is_rule && !trigger.disabled);
    let overloads = name.and_then(|name| catalog.functions.get(name)).map(Vec::as_slice);
    let Some([function]) = overloads else { return Vec::new() };
    if tenancy.trusted_functions.contains_key(&function.name.name) {
        return Vec::new();
    }
    if function.language != "plpgsql" || catalog.dialect != Dialect::Postgres {
        return Vec::new();
    }
    // Policies do not bind what a function does with its owner's rights.
    let definer = function.security_definer;
    let unbound = (definer && catalog.tables.values().any(is_secured)).then(|| without_policies(catalog));
    let reader = Reader { catalog: unbound.as_ref().unwrap_or(catalog), tenancy, table };
    let found = body_statements(&function.body).into_iter().filter(|statement| !statement.guarded);
    let told = found.filter_map(|statement| Some((function, statement.range, reader.leak(&statement)?)));
    told.collect()
}

fn is_secured(table: &Table) -> bool {
    table.row_security.enabled && !table.row_security.policies.is_empty()
}

fn without_policies(catalog: &Catalog) -> Catalog {
    let mut catalog = catalog.clone();
    catalog.tables.values_mut().for_each(|table| table.row_security = RowSecurity::default());
    catalog
}

struct Reader<'a> {
    catalog: &'a Catalog,
    tenancy: &'a Tenancy,
    table: &'a Table,
}

impl Reader<'_> {
    fn leak(&self, statement: &BodyStatement) -> Option<Leak> {
        let parsed = statements(Dialect::Postgres, &statement.text);
        let [parsed] = parsed.as_slice() else { return None };
        if !parsed.unread.is_empty() {
            return None;
        }
        let plan = bind(Dialect::Postgres, self.catalog, self.tenancy, parsed);
        let mut scans = plan.scans.iter().filter_map(|scan| self.catalog.tables.get(&scan.table));
        if scans.any(is_secured) {
            return None;
        }
        let (tenants, known) = self.values(statement);
        let verdict = prove_by(self.catalog, self.tenancy, &plan, &tenants, &known, Policies::Ignored);
        let Verdict::Leaks(leaks) = verdict else { return None };
        let target = match &plan.main {
            Action::Insert(plan) => plan.target,
            Action::Update(plan) => plan.target,
            Action::Delete(plan) => plan.target,
            Action::Merge(_)
            | Action::Query(_)
            | Action::WholeTables { .. }
            | Action::Nothing
            | Action::SetTenant { .. }
            | Action::Unmodelled => return None,
        };
        let written = plan.scans.get(target.0 as usize)?;
        leaks.into_iter().find(|leak| match leak.kind {
            LeakKind::Unscoped | LeakKind::JoinedNotTied | LeakKind::WrittenOwner => {
                leak.table == written.table
            }
            LeakKind::SelfComparison
            | LeakKind::ConflictTarget
            | LeakKind::KeyRewritten
            | LeakKind::OptionalFilter
            | LeakKind::SharedWrite
            | LeakKind::Cascade
            | LeakKind::WholeTable
            | LeakKind::FixedTenant => false,
        })
    }

    /// What the placeholders carry: names of the row's tenant, and names of rows that are the tenant's.
    fn values(&self, statement: &BodyStatement) -> (Vec<TenantValue>, Vec<KnownValue>) {
        let (mut tenants, mut known) = (Vec::new(), Vec::new());
        for (param, value) in (1..).zip(&statement.values) {
            let Value::Of(_, column) = value else { continue };
            if self.is_key(column) {
                let sources = [TenantSource::Param(param)].into();
                tenants.push(TenantValue { sources, nullable: Nullability::Never, ..TenantValue::default() });
            }
            let names = self.names(column);
            if !names.is_empty() {
                known.push(KnownValue { param, names, is_new: false, chosen: false });
            }
        }
        (tenants, known)
    }

    fn is_key(&self, column: &str) -> bool {
        match self.tenancy.owner(&self.table.name) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                keys.iter().any(|(name, _)| name == column)
            }
            TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => false,
        }
    }

    /// The rows that a column names and that belong to the row's own tenant: itself, its parent, and what a foreign key
    /// with the tenant key in it references.
    fn names(&self, column: &str) -> Vec<Named> {
        let table = self.table;
        let is_unique = table.keys.iter().any(|key| {
            key.kind != KeyKind::Exclusion && key.predicate.is_none() && key.columns == [column.to_owned()]
        });
        let own = is_unique.then(|| Named::Row(table.name.clone(), column.to_owned()));
        let referenced = table.foreign_keys.iter().filter(|key| self.stays_inside(key)).filter_map(|key| {
            let at = key.columns.iter().position(|name| name == column)?;
            Some(Named::Row(key.target.clone(), key.target_columns.get(at)?.clone()))
        });
        own.into_iter().chain(referenced).collect()
    }

    fn stays_inside(&self, key: &ForeignKey) -> bool {
        let is_owning = matches!(self.tenancy.owner(&self.table.name), TableOwner::Child { parent, by, .. }
            if *parent == key.target && key.columns == [by.clone()]);
        let domain = |table: &Table, column: &str| match self.tenancy.owner(&table.name) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                let exact = table.columns.iter().find(|known| known.name == column);
                let exact = exact.is_some_and(|column| column_is_exact(self.catalog, column));
                keys.iter().find(|(name, _)| exact && name == column).map(|(_, domain)| *domain)
            }
            TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => None,
        };
        let target = self.catalog.tables.get(&key.target);
        let carries = target.is_some_and(|target| {
            let mut pairs = key.columns.iter().zip(&key.target_columns);
            pairs.any(|(from, to)| domain(self.table, from).is_some_and(|it| domain(target, to) == Some(it)))
        });
        // What is everybody's is referenced by all tenants' rows.
        let is_trusted = self.tenancy.trust_foreign_keys && !self.tenancy.may_be_everybodys(&key.target);
        is_owning || carries && key.validated || is_trusted
    }
}
