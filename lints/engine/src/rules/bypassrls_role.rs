//! `bypassrls-role`: the application's role sees past policies.

use tenantry_project::Database;

use super::Rule;
use crate::finding::Draft;
use crate::secured::secured_tables;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &Database) -> Vec<Draft> {
        let Some(app) = &database.tenancy.app_role else { return Vec::new() };
        if secured_tables(database).next().is_none() {
            return Vec::new();
        }
        let roles = database.catalog.roles_of(app).into_iter();
        let past = roles.filter_map(|name| Some((name, database.catalog.roles.get(name)?)));
        let told = past.filter(|(_, role)| role.bypasses || role.superuser).map(|(name, role)| {
            let message = match name == app {
                true => format!("the application runs as `{name}`, which row level security does not bind"),
                false => format!("the application's role `{app}` may become `{name}`, which row level security does not bind"),
            };
            Draft::new(role.span, message).help(format!("`ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS`"))
        });
        told.collect()
    }
}
