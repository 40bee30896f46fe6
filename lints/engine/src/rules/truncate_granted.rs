//! `truncate-granted`: the right to empty a table of all tenants' rows, which policies do not restrict.

use std::collections::BTreeMap;

use tenantry_prover::catalog::QualifiedName;
use tenantry_span::Span;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::{role_as_written, written};
use crate::secured::{is_app, secured_tables};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        // One statement may give it on many tables.
        let mut found: BTreeMap<(Span, &str), Vec<&QualifiedName>> = BTreeMap::new();
        for table in secured_tables(database) {
            for grant in table.grants.iter().filter(|grant| is_app(database, &grant.role)) {
                if grant.privileges.iter().any(|right| right == "ALL" || right == "TRUNCATE") {
                    found.entry((grant.span, &grant.role)).or_default().push(&table.name);
                }
            }
        }
        let told = found.into_iter().map(|((span, role), tables)| {
            let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).collect();
            let list = names.join("`, `");
            let message = format!(
                "`{role}` may TRUNCATE `{list}`, which empties every tenant's rows whatever the policies say"
            );
            let on: Vec<String> = tables.iter().map(|table| written(&database.catalog, table)).collect();
            let (on, role) = (on.join(", "), role_as_written(role));
            let up = format!("REVOKE TRUNCATE ON {on} FROM {role}");
            let help = format!("grant SELECT, INSERT, UPDATE and DELETE alone: `{up}`");
            let draft = Draft::new(span, message).help(help).mend(&up, &format!("GRANT TRUNCATE ON {on} TO {role}"));
            match names.first() {
                Some(table) => draft.table(table),
                None => draft,
            }
        });
        told.collect()
    }
}
