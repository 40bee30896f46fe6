//! Row level security policies one by one: what each lets through, for rules about schemas.

mod truth;

use std::collections::{BTreeMap, BTreeSet};

use tenantry_span::Span;

use self::truth::Settings;
use crate::bind::{Clause, policy_plan};
use crate::catalog::{Catalog, Column, ForeignKey, QualifiedName, RowPolicy, Table};
use crate::plan::{Action, ColId, CompareOp, Expr, ExprKind, Plan, RelKind};
use crate::prove::{Policies, prove_by};
use crate::tenancy::{TableOwner, Tenancy};
use crate::types::SqlType;
use crate::verdict::{TenantSource, TenantValue, Verdict};

/// A policy, and what its conditions say.
#[derive(Clone, Debug)]
pub struct PolicyReading {
    /// Its name.
    pub name: String,
    /// `AS RESTRICTIVE`.
    pub restrictive: bool,
    /// `FOR`, upper case.
    pub command: String,
    /// Where.
    pub span: Span,
    /// `USING`.
    pub using: Option<ConditionReading>,
    /// `WITH CHECK`, where it is written.
    pub check: Option<ConditionReading>,
}

/// What a condition of a policy says.
#[derive(Clone, Debug)]
pub struct ConditionReading {
    /// Whether it keeps to the tenant that a session setting names.
    pub keeps: Keeps,
    /// It is true of every row, whatever the settings are.
    pub always: bool,
    /// Rows of all tenants pass where a setting is missing, or empty.
    pub setting_allows: bool,
    /// The session settings that it reads, sorted.
    pub settings: Vec<String>,
    /// Functions that it reads settings or rows by, and that are declared `IMMUTABLE`.
    pub frozen: BTreeSet<QualifiedName>,
    /// A setting that may be missing is cast to a type that has no empty text.
    pub empty_fails: Option<String>,
}

/// Whether a condition keeps to one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// It does.
    Yes,
    /// Rows of other tenants pass.
    No,
    /// It is not understood.
    Unknown,
}

/// Reads the policies of a table that bind `role`, or everybody where no role is known. The caller runs this on a deep
/// stack.
pub fn read(catalog: &Catalog, tenancy: &Tenancy, table: &Table) -> Vec<PolicyReading> {
    let own: Vec<&str> = tenancy.app_role.as_deref().map(|role| catalog.roles_of(role)).unwrap_or_default();
    let sure: Vec<&str> =
        tenancy.app_role.as_deref().map(|role| catalog.sure_roles_of(role)).unwrap_or_default();
    let binds = |policy: &&RowPolicy| {
        let own = if policy.restrictive { &sure } else { &own };
        policy.roles.is_empty() || policy.roles.iter().any(|role| own.contains(&role.as_str()))
    };
    let policies = table.row_security.policies.iter().filter(binds);
    policies.map(|policy| reading(catalog, tenancy, table, policy)).collect()
}

/// Reads all policies of a table, whomever they bind, in their order. The caller runs this on a deep stack.
pub fn read_all(catalog: &Catalog, tenancy: &Tenancy, table: &Table) -> Vec<PolicyReading> {
    let policies = table.row_security.policies.iter();
    policies.map(|policy| reading(catalog, tenancy, table, policy)).collect()
}

fn reading(catalog: &Catalog, tenancy: &Tenancy, table: &Table, policy: &RowPolicy) -> PolicyReading {
    PolicyReading {
        name: policy.name.clone(),
        restrictive: policy.restrictive,
        command: policy.command.clone(),
        span: policy.span,
        using: policy.using.as_ref().map(|_| condition(catalog, tenancy, table, policy, Clause::Using)),
        check: policy.check.as_ref().map(|_| condition(catalog, tenancy, table, policy, Clause::Check)),
    }
}

fn condition(
    catalog: &Catalog,
    tenancy: &Tenancy,
    table: &Table,
    policy: &RowPolicy,
    clause: Clause,
) -> ConditionReading {
    let plan = policy_plan(catalog, tenancy, table, policy, clause);
    let (mut settings, mut names) = (BTreeSet::new(), BTreeSet::new());
    let predicate = predicate(&plan);
    if let Some(expr) = predicate {
        each(expr, &mut |part| {
            if let ExprKind::Setting { name, .. } = &part.kind {
                settings.insert(TenantSource::Setting(name.clone()));
                names.insert(name.clone());
            }
        });
    }
    let tenants = match settings.is_empty() {
        true => Vec::new(),
        false => vec![TenantValue { sources: settings, ..TenantValue::default() }],
    };
    let keeps = match prove_by(catalog, tenancy, &plan, &tenants, &[], Policies::Applied) {
        Verdict::Scoped(_) => Keeps::Yes,
        Verdict::Leaks(_) => Keeps::No,
        Verdict::Undecided(_) => Keeps::Unknown,
    };
    let looked = Looked::of(catalog, tenancy, table, &plan);
    // A row may be its user's, whom another setting names: that is no fault of the tenant's key.
    let by_another = predicate.is_some_and(|expr| !widens(expr) && looked.is_of_another(expr));
    let is_open = predicate.is_some_and(|expr| looked.is_opened(expr, Settings::Open));
    let setting_allows = !is_open && predicate.is_some_and(|expr| looked.setting_allows(expr));
    let always = predicate.is_some_and(|expr| truth::is_true(expr, Settings::Open, &looked.there));
    let keeps = match keeps {
        _ if is_open || setting_allows => Keeps::No,
        Keeps::No if by_another => Keeps::Unknown,
        keeps => keeps,
    };
    ConditionReading {
        keeps,
        always,
        setting_allows,
        settings: names.into_iter().collect(),
        frozen: plan.frozen.clone(),
        empty_fails: predicate.and_then(empty_fails),
    }
}

fn predicate(plan: &Plan) -> Option<&Expr> {
    let Action::Query(rel) = &plan.main else { return None };
    match &rel.kind {
        RelKind::Filter { predicate, .. } => Some(predicate),
        _ => None,
    }
}

/// Part of it lets rows through whatever the rest says.
fn widens(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Or(_) => true,
        ExprKind::And(parts) => parts.iter().any(widens),
        _ => false,
    }
}

/// A condition, and what is known of the row that it looks at.
struct Looked<'a> {
    catalog: &'a Catalog,
    tenancy: &'a Tenancy,
    table: &'a Table,
    /// The row's columns, in the table's order.
    cols: &'a [ColId],
    /// Whether each may be NULL. Rows without a tenant are nobody's, so that the tenant key is there.
    there: BTreeMap<ColId, bool>,
}

impl<'a> Looked<'a> {
    fn of(catalog: &'a Catalog, tenancy: &'a Tenancy, table: &'a Table, plan: &'a Plan) -> Looked<'a> {
        let cols = plan.scans.first().map(|scan| scan.cols.as_slice()).unwrap_or_default();
        let mut looked = Looked { catalog, tenancy, table, cols, there: BTreeMap::new() };
        let may_be_null = |column: &Column| !column.not_null && !looked.says_whose(&column.name);
        let there = cols.iter().zip(&table.columns).map(|(col, column)| (*col, may_be_null(column)));
        looked.there = there.collect();
        looked
    }

    /// The column says whose the row is.
    fn says_whose(&self, column: &str) -> bool {
        match self.tenancy.owner(&self.table.name) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                keys.iter().any(|(key, _)| key == column)
            }
            TableOwner::Child { by, .. } => by == column,
            TableOwner::Shared | TableOwner::Undeclared => false,
        }
    }

    fn column(&self, col: ColId) -> Option<&'a Column> {
        let at = self.cols.iter().position(|own| *own == col)?;
        self.table.columns.get(at)
    }

    /// Rows of all tenants pass where settings are missing, or where they are empty.
    fn setting_allows(&self, expr: &Expr) -> bool {
        [Settings::Missing, Settings::Empty].into_iter().any(|settings| self.is_opened(expr, settings))
    }

    /// Rows of all tenants pass: the condition is true, an alternative of it is so, or all that it asks of whose the row is.
    fn is_opened(&self, expr: &Expr, settings: Settings) -> bool {
        if truth::is_true(expr, settings, &self.there) {
            return true;
        }
        match &expr.kind {
            ExprKind::Or(parts) => {
                // An error before it is an error of the whole.
                let before = parts.iter().take_while(|part| !truth::fails(part, settings, &self.there));
                before.into_iter().any(|part| self.is_opened(part, settings))
            }
            ExprKind::And(parts) => {
                let (asking, others): (Vec<_>, Vec<_>) =
                    parts.iter().partition(|part| self.may_ask_whose(part));
                let is_of_row =
                    |part: &&Expr| !reads_setting(part) && !truth::is_never(part, settings, &self.there);
                !asking.is_empty()
                    && asking.into_iter().all(|part| self.is_opened(part, settings))
                    && others
                        .iter()
                        .all(|part| is_of_row(part) || truth::is_true(part, settings, &self.there))
            }
            _ => false,
        }
    }

    /// It looks at what says whose the row is, or at what is not known.
    fn may_ask_whose(&self, expr: &Expr) -> bool {
        let mut asks = false;
        each(expr, &mut |part| {
            asks |= match &part.kind {
                ExprKind::Column(col) => {
                    self.column(*col).is_some_and(|column| self.says_whose(&column.name))
                }
                ExprKind::Subquery(_) | ExprKind::Opaque(_) | ExprKind::WholeRow(_) => true,
                _ => false,
            };
        });
        asks
    }

    /// A column of the row is compared for equality with a setting that may say whose the row is in another way than by the
    /// tenant: who that is may be of one tenant.
    fn is_of_another(&self, expr: &Expr) -> bool {
        let mut found = false;
        each(expr, &mut |part| {
            let ExprKind::Compare { op: CompareOp::Eq, left, right } = &part.kind else { return };
            let (mut row, mut setting) = (false, false);
            for side in [left, right] {
                each(side, &mut |inner| match &inner.kind {
                    ExprKind::Column(col) => {
                        row |= self.column(*col).is_some_and(|column| self.may_be_of_one(column))
                    }
                    ExprKind::Setting { name, .. } => setting |= !self.tenancy.settings.contains(name),
                    _ => {}
                });
            }
            found |= row && setting;
        });
        found
    }

    /// Whom or what the column names may belong to one tenant: it references a row of one. Where nobody says which setting
    /// carries the tenant, any may.
    fn may_be_of_one(&self, column: &Column) -> bool {
        let of_one = |key: &ForeignKey| {
            let owner = self.tenancy.owner(&key.target);
            key.columns.contains(&column.name)
                && matches!(owner, TableOwner::Keyed { .. } | TableOwner::Child { .. })
                && self.catalog.tables.contains_key(&key.target)
        };
        self.tenancy.settings.is_empty() || self.table.foreign_keys.iter().any(of_one)
    }
}

fn reads_setting(expr: &Expr) -> bool {
    let mut reads = false;
    each(expr, &mut |part| reads |= matches!(part.kind, ExprKind::Setting { .. }));
    reads
}

fn each(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    visit(expr);
    crate::bind::walk::children(expr, &mut |part| each(part, visit));
}

/// A setting that may be missing, whose empty text fails to be a number or a UUID.
fn empty_fails(expr: &Expr) -> Option<String> {
    let mut found = None;
    each(expr, &mut |part| {
        let ExprKind::Cast(inner) = &part.kind else { return };
        let strict = matches!(part.ty, SqlType::Int | SqlType::Numeric | SqlType::Uuid);
        if let ExprKind::Setting { name, missing_ok: true } = &inner.kind
            && strict
        {
            found.get_or_insert_with(|| name.clone());
        }
    });
    found
}
