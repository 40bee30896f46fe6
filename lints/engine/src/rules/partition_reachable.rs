//! `partition-reachable`: a part of a table with policies that has none of its own and may be read directly.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::{role_as_written, written};
use crate::secured::{is_app, secured_tables};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told = Vec::new();
        for table in secured_tables(database) {
            for part in database.catalog.descendants(&table.name) {
                if part.row_security.enabled {
                    continue;
                }
                let Some(grant) = part.grants.iter().find(|grant| is_app(database, &grant.role)) else { continue };
                let (name, whole, role) = (&part.name.name, &table.name.name, &grant.role);
                let message = format!(
                    "`{role}` may use `{name}` by its own name, where the policies of `{whole}` do not hold"
                );
                let rights = grant.privileges.join(", ");
                let part_name = written(&database.catalog, &part.name);
                let up = format!("REVOKE ALL ON {part_name} FROM {}", role_as_written(role));
                let down = format!("GRANT {rights} ON {part_name} TO {}", role_as_written(role));
                let draft = Draft::new(part.span, message).table(name).related(grant.span, "the right is given here");
                told.push(draft.help(format!("`{up}`: rows are reached through `{whole}`")).mend(&up, &down));
            }
        }
        told
    }
}
