//! `rls-not-enabled`: policies that do nothing, and tables without them beside tables that have them.

use tenantry_project::Database;
use tenantry_prover::catalog::Table;
use tenantry_prover::tenancy::TableOwner;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::written;
use crate::secured::{owned_tables, secured_tables};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        // A block that is not read may have enabled it.
        let idle = owned_tables(database)
            .filter(|table| !table.row_security.enabled && table.row_security.unsure.is_none());
        // Where few tables have policies, those are a second fence for these alone.
        let rows = owned_tables(database).filter(|table| is_row_of_one(database, table)).count();
        let is_used = rows > 0 && secured_tables(database).count() * 2 >= rows;
        let told = idle.filter_map(|table| {
            let name = &table.name.name;
            let alter = format!("ALTER TABLE {}", written(&database.catalog, &table.name));
            let up = format!("{alter} ENABLE ROW LEVEL SECURITY");
            let enable = format!("`{up}`");
            let draft = match table.row_security.policies.first() {
                Some(policy) => Draft::new(
                    policy.span,
                    format!(
                        "the policy `{}` does nothing: row level security is not enabled on `{name}`",
                        policy.name
                    ),
                )
                .help(enable)
                .mend(&up, &format!("{alter} DISABLE ROW LEVEL SECURITY")),
                None if is_used && is_row_of_one(database, table) => Draft::new(
                    table.span,
                    format!("`{name}` belongs to tenants and has no row level security, as most such tables have"),
                )
                .help(format!("{enable}, with a policy that compares the tenant key")),
                None => return None,
            };
            Some(draft.table(name))
        });
        told.collect()
    }
}

/// The table holds rows of tenants, not the tenants themselves, and is no part of another.
fn is_row_of_one(database: &Database, table: &Table) -> bool {
    let is_root = matches!(database.tenancy.owner(&table.name), TableOwner::Root { .. });
    !is_root && table.partition_of.is_none()
}
