//! What the tests of this folder share.
#![forbid(unsafe_code)]

pub mod properties;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use tenantry_policy::{Dialect, Policy};
use tenantry_prover::catalog::Catalog;
use tenantry_prover::tenancy::Tenancy;
use tenantry_prover::verdict::{Nullability, TenantSource, TenantValue, Verdict};
use tenantry_span::FileId;

/// A schema with its ownership, to prove statements against.
pub struct Schema {
    /// The schema.
    pub catalog: Catalog,
    /// Who owns what.
    pub tenancy: Tenancy,
}

impl Schema {
    /// Reads PostgreSQL DDL and a policy. Panics with the faults, since both are fixtures.
    pub fn read(ddl: &str, policy: &str) -> Schema {
        let policy = tenantry_policy::parse(FileId(0), policy).unwrap_or_else(|faults| panic!("{faults:#?}"));
        Schema::with(ddl, &policy)
    }

    /// The same with a policy at hand.
    pub fn with(ddl: &str, policy: &Policy) -> Schema {
        let mut catalog = Catalog::empty(Dialect::Postgres);
        tenantry_prover::lower::apply(Dialect::Postgres, &mut catalog, FileId(1), ddl);
        let (tenancy, faults) = tenantry_prover::ownership::resolve(policy, &catalog);
        assert!(faults.is_empty(), "the policy does not fit the schema: {faults:#?}");
        Schema { catalog, tenancy }
    }

    /// The verdicts on the statements of a text. Runs on the caller's stack.
    pub fn prove(&self, sql: &str, tenants: &[TenantValue]) -> Vec<Verdict> {
        let statements = tenantry_prover::lower::statements(Dialect::Postgres, sql);
        let verdict = |statement| {
            let plan =
                tenantry_prover::bind::bind(Dialect::Postgres, &self.catalog, &self.tenancy, statement);
            tenantry_prover::prove::prove(&self.catalog, &self.tenancy, &plan, tenants)
        };
        statements.iter().map(verdict).collect()
    }
}

/// One tenant value that appears as these sources.
pub fn tenant(sources: &[TenantSource], nullable: bool) -> TenantValue {
    let nullable = if nullable { Nullability::Maybe } else { Nullability::Never };
    TenantValue {
        sources: sources.iter().cloned().collect::<BTreeSet<_>>(),
        nullable,
        ..TenantValue::default()
    }
}

/// A file of this folder.
pub fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
