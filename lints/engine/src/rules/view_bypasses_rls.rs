//! `view-bypasses-rls`: a view that reads as its owner.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::written;
use crate::secured::bypassing_views;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let told = bypassing_views(database, false).into_iter().map(|(view, tables)| {
            let (name, tables) = (&view.name.name, tables.join("`, `"));
            let message = format!(
                "the view `{name}` reads `{tables}` as its owner, so that the policies do not bind whoever asks"
            );
            let view_name = written(&database.catalog, &view.name);
            let up = format!("ALTER VIEW {view_name} SET (security_invoker = true)");
            let down = format!("ALTER VIEW {view_name} RESET (security_invoker)");
            Draft::new(view.span, message).table(name).help(format!("`{up}`")).mend(&up, &down)
        });
        told.collect()
    }
}
