//! Row level security policies one by one: what each lets through, for rules about schemas.

use std::collections::BTreeSet;

use tenantry_span::Span;

use crate::bind::{Clause, policy_plan};
use crate::catalog::{Catalog, QualifiedName, RowPolicy, Table};
use crate::plan::{Action, ColId, CompareOp, Expr, ExprKind, Plan, RelKind};
use crate::prove::{Policies, prove_by};
use crate::tenancy::Tenancy;
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
    /// Whether a row passes may depend on a setting alone: it is missing, or empty.
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
    // A row may be its user's, whom another setting names: that is no fault of the tenant's key.
    let own = plan.scans.first().map(|scan| scan.cols.as_slice()).unwrap_or_default();
    let by_another = predicate.is_some_and(|expr| !widens(expr) && compares_own(expr, own));
    let setting_allows = predicate.is_some_and(setting_allows);
    let always = predicate.is_some_and(is_true);
    let keeps = match keeps {
        _ if always => Keeps::No,
        Keeps::Unknown if setting_allows => Keeps::No,
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

/// It is true by its form alone: `true`, `1 = 1`, or one of them beside `OR`.
fn is_true(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Bool(value) => *value,
        ExprKind::Or(parts) => parts.iter().any(is_true),
        ExprKind::And(parts) => parts.iter().all(is_true),
        ExprKind::Compare { op: CompareOp::Eq, left, right } => match (&left.kind, &right.kind) {
            (ExprKind::Number(one), ExprKind::Number(other)) => one == other,
            (ExprKind::String(one), ExprKind::String(other)) => one == other,
            _ => false,
        },
        _ => false,
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

/// A column of the row is compared with a setting for equality.
fn compares_own(expr: &Expr, own: &[ColId]) -> bool {
    let mut found = false;
    each(expr, &mut |part| {
        let ExprKind::Compare { op: CompareOp::Eq, left, right } = &part.kind else { return };
        let (mut row, mut setting) = (false, false);
        for side in [left, right] {
            each(side, &mut |inner| match &inner.kind {
                ExprKind::Column(col) => row = row || own.contains(col),
                ExprKind::Setting { .. } => setting = true,
                _ => {}
            });
        }
        found = found || row && setting;
    });
    found
}

fn each(expr: &Expr, visit: &mut dyn FnMut(&Expr)) {
    visit(expr);
    crate::bind::walk::children(expr, &mut |part| each(part, visit));
}

/// An alternative that is true where a setting is missing or empty, whatever the row is.
fn setting_allows(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().any(setting_allows),
        ExprKind::Or(parts) => parts.iter().any(|part| asks_whether_missing(part) || setting_allows(part)),
        _ => false,
    }
}

fn asks_whether_missing(expr: &Expr) -> bool {
    let of_setting = |expr: &Expr| {
        let (mut asks, mut looks) = (false, false);
        each(expr, &mut |inner| match inner.kind {
            ExprKind::Setting { .. } => asks = true,
            ExprKind::Column(_) | ExprKind::WholeRow(_) | ExprKind::Subquery(_) => looks = true,
            _ => {}
        });
        asks && !looks
    };
    let is_empty = |expr: &Expr| matches!(&expr.kind, ExprKind::String(text) if text.is_empty());
    match &expr.kind {
        ExprKind::IsNull(part) => of_setting(part),
        ExprKind::Compare { op: CompareOp::Eq, left, right } => {
            of_setting(left) && is_empty(right) || of_setting(right) && is_empty(left)
        }
        _ => false,
    }
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
