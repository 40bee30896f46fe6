//! `truncate-granted`: the right to empty a table of all tenants' rows, which policies do not restrict.

use std::collections::BTreeMap;

use tenantry_project::Database;
use tenantry_span::Span;

use super::Rule;
use crate::finding::Draft;
use crate::secured::secured_tables;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &Database) -> Vec<Draft> {
        let app = database.tenancy.app_role.as_deref();
        let own = app.map(|role| database.catalog.roles_of(role));
        let is_app = |role: &str| role == "public" || own.as_ref().is_none_or(|own| own.contains(&role));
        // One statement may give it on many tables.
        let mut found: BTreeMap<(Span, &str), Vec<&str>> = BTreeMap::new();
        for table in secured_tables(database) {
            for grant in table.grants.iter().filter(|grant| is_app(&grant.role)) {
                if grant.privileges.iter().any(|right| right == "ALL" || right == "TRUNCATE") {
                    found.entry((grant.span, &grant.role)).or_default().push(&table.name.name);
                }
            }
        }
        let told = found.into_iter().map(|((span, role), tables)| {
            let list = tables.join("`, `");
            let message = format!(
                "`{role}` may TRUNCATE `{list}`, which empties every tenant's rows whatever the policies say"
            );
            let help = format!("grant SELECT, INSERT, UPDATE and DELETE alone: `REVOKE TRUNCATE ON {} FROM {role}`", tables.join(", "));
            let draft = Draft::new(span, message).help(help);
            match tables.first() {
                Some(table) => draft.table(table),
                None => draft,
            }
        });
        told.collect()
    }
}
