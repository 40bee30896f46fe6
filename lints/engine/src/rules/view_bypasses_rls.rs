//! `view-bypasses-rls`: a view that reads as its owner.

use tenantry_project::Database;

use super::Rule;
use crate::finding::Draft;
use crate::secured::bypassing_views;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &Database) -> Vec<Draft> {
        let told = bypassing_views(database, false).into_iter().map(|(view, tables)| {
            let (name, tables) = (&view.name.name, tables.join("`, `"));
            let message = format!(
                "the view `{name}` reads `{tables}` as its owner, so that the policies do not bind whoever asks"
            );
            let help = format!("`ALTER VIEW {name} SET (security_invoker = true)`");
            Draft::new(view.span, message).table(name).help(help)
        });
        told.collect()
    }
}
