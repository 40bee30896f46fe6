//! `execute-with-unquoted-text`: a function that executes what it is handed as a part of a statement.

use tenantry_prover::catalog::{Function, Table};
use tenantry_prover::plpgsql::unquoted;
use tenantry_span::{Span, TextRange};

use super::{Rule, SchemaFacts};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let catalog = &database.catalog;
        let mut told: Vec<(Span, TextRange)> = Vec::new();
        let mut drafts = Vec::new();
        for function in catalog.functions.values().flatten() {
            let is_of = |table: &&Table| {
                table.triggers.iter().any(|trigger| trigger.function.as_ref() == Some(&function.name))
            };
            let mut rows: Vec<Option<&Table>> = catalog.tables.values().filter(is_of).map(Some).collect();
            if rows.is_empty() {
                rows.push(None);
            }
            for found in rows.into_iter().flat_map(|row| unquoted(catalog, function, row)) {
                // One function may serve many tables.
                if !told.contains(&(function.span, found.range)) {
                    told.push((function.span, found.range));
                    drafts.push(draft(function, found.range, &found.name));
                }
            }
        }
        drafts
    }
}

fn draft(function: &Function, range: TextRange, name: &str) -> Draft {
    let message = format!(
        "`{name}` is put as it is into a statement that the function `{}` executes, and may be any SQL",
        function.name.name
    );
    let help = "hand values over by `USING`, and write names by `format('… %I …', …)`";
    Draft::new(function.span, message).within(&function.body, range).help(help)
}
