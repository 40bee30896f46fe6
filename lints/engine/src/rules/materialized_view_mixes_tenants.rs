//! `materialized-view-mixes-tenants`: rows of all tenants, kept where no policy can reach them.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::secured::bypassing_views;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let told = bypassing_views(database, true).into_iter().map(|(view, tables)| {
            let (name, tables) = (&view.name.name, tables.join("`, `"));
            let message = format!(
                "the materialized view `{name}` keeps rows of `{tables}` of every tenant, and cannot have policies"
            );
            let help = "take its rights from the application, and give it a view that compares the tenant key";
            Draft::new(view.span, message).table(name).help(help)
        });
        told.collect()
    }
}
