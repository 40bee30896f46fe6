//! `trigger-crosses-tenants`: a trigger that writes rows of other tenants.

use tenantry_span::{Span, TextRange};

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::secured::owned_tables;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut told: Vec<(Span, TextRange)> = Vec::new();
        let mut drafts = Vec::new();
        for table in owned_tables(database).filter(|table| table.partition_of.is_none()) {
            for trigger in &table.triggers {
                for (function, range, leak) in
                    tenantry_prover::triggers::leaks(&database.catalog, &database.tenancy, table, trigger)
                {
                    // One function may serve many tables.
                    if told.contains(&(function.span, range)) {
                        continue;
                    }
                    told.push((function.span, range));
                    let (name, reached) = (&table.name.name, &leak.table.name);
                    let message = format!(
                        "the trigger `{}` of `{name}` writes `{reached}` without the tenant of the row: {}",
                        trigger.name, leak.message
                    );
                    let help = "compare the tenant key with the row's: `… AND tenant key = NEW.tenant key`";
                    let draft = Draft::new(function.span, message).within(&function.body, range);
                    drafts.push(draft.table(reached).related(trigger.span, "the trigger").help(help));
                }
            }
        }
        drafts
    }
}
