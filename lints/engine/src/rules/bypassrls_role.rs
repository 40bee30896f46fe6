//! `bypassrls-role`: the application's role sees past policies.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::role_as_written;
use crate::secured::secured_tables;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let Some(app) = &database.tenancy.app_role else { return Vec::new() };
        if secured_tables(database).next().is_none() {
            return Vec::new();
        }
        let roles = database.catalog.present_roles_of(app).into_iter();
        let past = roles.filter_map(|name| Some((name, database.catalog.roles.get(name)?)));
        let told = past.filter(|(_, role)| role.bypasses || role.superuser).map(|(name, role)| {
            let message = match name == app {
                true => format!("the application runs as `{name}`, which row level security does not bind"),
                false => format!("the application's role `{app}` may become `{name}`, which row level security does not bind"),
            };
            let draft = Draft::new(role.span, message).help(format!("`ALTER ROLE {name} NOSUPERUSER NOBYPASSRLS`"));
            // Which rights another role needs that it may become is not known.
            if name != app || role.superuser {
                return draft;
            }
            let alter = format!("ALTER ROLE {}", role_as_written(name));
            draft.mend(&format!("{alter} NOBYPASSRLS"), &format!("{alter} BYPASSRLS"))
        });
        told.collect()
    }
}
