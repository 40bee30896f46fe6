//! From [`crate::ast`] to [`crate::plan`]: names, types, views, common table expressions.

use tenantry_policy::Dialect;

use crate::ast::ParsedStatement;
use crate::catalog::Catalog;
use crate::plan::Plan;
use crate::tenancy::Tenancy;

/// Binds a statement. Never fails: what does not resolve is an obstacle of the plan.
pub fn bind(dialect: Dialect, catalog: &Catalog, tenancy: &Tenancy, statement: &ParsedStatement) -> Plan {
    let _ = (dialect, catalog, tenancy, statement);
    Plan::unmodelled()
}

impl Plan {
    fn unmodelled() -> Plan {
        Plan {
            modifying: Vec::new(),
            main: crate::plan::Action::Unmodelled,
            scans: Vec::new(),
            columns: Vec::new(),
            param_types: Vec::new(),
            obstacles: Vec::new(),
            assumptions: Vec::new(),
        }
    }
}
