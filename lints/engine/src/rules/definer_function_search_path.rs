//! `definer-function-search-path`: a function with its owner's rights that takes names from the caller's search path.

use tenantry_project::Database;

use super::Rule;
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &Database) -> Vec<Draft> {
        let functions = database.catalog.functions.values().flatten();
        let open = functions.filter(|function| function.security_definer && function.search_path.is_none());
        let told = open.map(|function| {
            let name = &function.name.name;
            let message = format!(
                "the function `{name}` runs with its owner's rights and finds names by its caller's search path"
            );
            Draft::new(function.span, message).help("`SET search_path = public, pg_temp` in its definition")
        });
        told.collect()
    }
}
