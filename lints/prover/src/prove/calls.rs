//! Calls of functions that stay inside the tenant they are handed: it has to be the statement's own.

use crate::plan::{Expr, ExprKind, TenantCall};
use crate::prove::context::Prover;
use crate::verdict::{Obstacle, ObstacleKind, Step, TenantSource};

impl<'a> Prover<'a> {
    /// Ties each call to the tenant, or says that it is not.
    pub(super) fn calls(&mut self) {
        let plan = self.plan;
        for call in &plan.calls {
            if let Some(why) = self.untied(call) {
                let message = format!("the function `{}` {why}", call.function.name);
                let kind = ObstacleKind::NotProved;
                self.obstacles.push(Obstacle { kind, range: call.range, message, help: None });
            }
        }
    }

    fn untied(&mut self, call: &'a TenantCall) -> Option<String> {
        // How often it runs may depend on rows of others.
        let beside = !self.plan.scans.is_empty() || self.plan.calls.len() > 1;
        if beside && (call.acts || self.tenancy.strict_errors) {
            return Some(
                "writes, or is not declared `STABLE`, and is called beside other rows or calls".to_owned(),
            );
        }
        for value in &call.tenant {
            let source = source_of(value).filter(|source| self.tenant_of(source).is_some());
            let Some((source, tenant)) =
                source.and_then(|source| Some((source.clone(), self.tenant_of(&source)?)))
            else {
                return Some(
                    "stays inside the tenant that it is handed, which is not the caller's here".to_owned(),
                );
            };
            if call.needs_value && !self.tenant_has_value(tenant) {
                return Some("stays inside the tenant that it is handed, which may be NULL here".to_owned());
            }
            for domain in &call.domains {
                self.pins.insert((tenant, *domain));
                self.tied_in.insert(*domain);
            }
            self.pin_sources.insert(source);
        }
        let text =
            format!("each statement of `{}` stays inside the tenant that it is handed", call.function.name);
        self.steps.push(Step { range: call.range, text });
        None
    }
}

/// The placeholder or setting that an argument is. A parameter's own type is what it is cast to.
fn source_of(expr: &Expr) -> Option<TenantSource> {
    match &expr.kind {
        ExprKind::Param(number) => Some(TenantSource::Param(*number)),
        ExprKind::Setting { name, .. } => Some(TenantSource::Setting(name.clone())),
        _ => None,
    }
}
