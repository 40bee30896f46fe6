//! Statements of a function that leave the tenant whom its other statements keep to, for rules about schemas.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use super::summary::{Around, Bound, touches};
use crate::catalog::{Catalog, Function};
use crate::plan::Plan;
use crate::prove::{Policies, prove_by};
use crate::tenancy::Tenancy;
use crate::verdict::{Leak, Nullability, TenantSource, TenantValue, Verdict};

/// What is said of a function by itself, whoever calls it.
#[derive(Clone, Debug)]
pub struct JudgedFunction {
    /// The parameter that carries the tenant, from 1: the one that ties most statements. `None` where none ties one that is
    /// not tied without it.
    pub tenant: Option<u32>,
    /// What its body runs that touches rows, in order: the place of each in the body, and what is said of it, whatever was
    /// refused before, policies left aside.
    pub statements: Vec<(TextRange, Verdict)>,
}

/// Judges each statement of a function, with the parameter for the tenant that ties most of them. A function of a trigger is
/// judged at its tables, not here. The caller runs this on a deep stack.
///
/// # Errors
/// Why its body is not judged.
pub fn judged(catalog: &Catalog, tenancy: &Tenancy, function: &Function) -> Result<JudgedFunction, String> {
    let bound = Bound::of(catalog, tenancy, function, None, &Around::default())?;
    let tied = Tied::of(catalog, tenancy, function, &bound);
    let parts = bound.body.parts.iter().map(|part| part.range).zip(&bound.plans).zip(tied.verdicts);
    let statements = parts.filter(|((_, (plan, _)), _)| touches(plan));
    let statements = statements.map(|((range, _), verdict)| (range, verdict)).collect();
    Ok(JudgedFunction { tenant: tied.tenant, statements })
}

/// The statements of a body, judged with a parameter for the tenant.
struct Tied {
    tenant: Option<u32>,
    verdicts: Vec<Verdict>,
}

impl Tied {
    fn of(catalog: &Catalog, tenancy: &Tenancy, function: &Function, bound: &Bound<'_>) -> Tied {
        let verdicts = |tenant: Option<u32>| -> Vec<Verdict> {
            let own: BTreeSet<u32> = tenant.into_iter().collect();
            let copies = bound.copies(&own);
            let sources = own.union(&copies).copied().map(TenantSource::Param);
            let settings = tenancy.settings.iter().cloned().map(TenantSource::Setting);
            let value = TenantValue {
                sources: sources.chain(settings).collect(),
                nullable: Nullability::Never,
                ..TenantValue::default()
            };
            let prove = |plan: &Plan| {
                prove_by(catalog, tenancy, plan, std::slice::from_ref(&value), &[], Policies::Ignored)
            };
            bound.plans.iter().map(|(plan, _)| prove(plan)).collect()
        };
        let without = verdicts(None);
        let mut best: Option<(usize, u32, Vec<Verdict>)> = None;
        for param in bound.candidates(function) {
            let with = verdicts(Some(param));
            let tied =
                with.iter().zip(&without).filter(|(with, without)| is_scoped(with) && !is_scoped(without));
            let tied = tied.count();
            if tied > best.as_ref().map_or(0, |(most, ..)| *most) {
                best = Some((tied, param, with));
            }
        }
        match best {
            Some((_, tenant, verdicts)) => Tied { tenant: Some(tenant), verdicts },
            None => Tied { tenant: None, verdicts: without },
        }
    }
}

fn is_scoped(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Scoped(_))
}

/// Statements that reach other tenants' rows in a function that takes the tenant as a parameter: their places in the body,
/// with what leaks. Only what is plain is here: where another statement is tied to that parameter, nothing was refused before,
/// no policies may restrict what is read, and the statement uses nothing but parameters. The caller runs this on a deep stack.
pub fn leaks(catalog: &Catalog, tenancy: &Tenancy, function: &Function) -> Vec<(TextRange, Leak)> {
    let is_trigger = function.returns.eq_ignore_ascii_case("trigger");
    let is_trusted = tenancy.trusted_functions.contains_key(&function.name.name);
    if catalog.dialect != Dialect::Postgres || is_trigger || is_trusted {
        return Vec::new();
    }
    let Ok(bound) = Bound::of(catalog, tenancy, function, None, &Around::default()) else {
        return Vec::new();
    };
    if bound.body.raises {
        return Vec::new();
    }
    let Tied { tenant: Some(tenant), verdicts } = Tied::of(catalog, tenancy, function, &bound) else {
        return Vec::new();
    };
    let params = function.params.len();
    let used = |plan: &Plan| -> BTreeSet<usize> {
        let types = (1..).zip(&plan.param_types).filter(|(_, types)| !types.is_empty());
        types.map(|(number, _)| number).filter(|number| *number != tenant as usize).collect()
    };
    let mut found = Vec::new();
    for (at, (part, verdict)) in bound.body.parts.iter().zip(&verdicts).enumerate() {
        let (Verdict::Leaks(leaks), Some((plan, _))) = (verdict, bound.plans.get(at)) else { continue };
        let own = used(plan);
        // What another statement looks up for the tenant may be the tenant's.
        let mut others = bound.plans.iter().zip(&verdicts).filter(|(_, verdict)| is_scoped(verdict));
        let is_checked =
            others.any(|((other, _), _)| !other.scans.is_empty() && !used(other).is_disjoint(&own));
        let is_secured = plan
            .scans
            .iter()
            .any(|scan| catalog.tables.get(&scan.table).is_some_and(|table| table.row_security.enabled));
        if own.iter().any(|number| *number > params) || is_checked || is_secured {
            continue;
        }
        found.extend(leaks.first().map(|leak| (part.range, leak.clone())));
    }
    found
}
