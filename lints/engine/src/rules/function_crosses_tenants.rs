//! `function-crosses-tenants`: a statement of a function that leaves the tenant to whom the others keep.

use super::{Rule, SchemaFacts};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let mut drafts = Vec::new();
        for function in database.catalog.functions.values().flatten() {
            for (range, leak) in
                tenantry_prover::plpgsql::leaks(&database.catalog, &database.tenancy, function)
            {
                let message = format!(
                    "the function `{}` takes the tenant as a parameter, but here reaches all tenants' `{}`: {}",
                    function.name.name, leak.table.name, leak.message
                );
                let help = "compare the tenant key with the parameter here as well";
                let draft = Draft::new(function.span, message).within(&function.body, range);
                drafts.push(draft.table(&leak.table.name).help(help));
            }
        }
        drafts
    }
}
