//! `definer-function-search-path`: a function with its owner's rights that takes names from the caller's search path.


use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::{set_search_path, written_path};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        let functions = database.catalog.functions.values().flatten();
        let open = functions.filter(|function| function.security_definer && function.search_path.is_none());
        let told = open.map(|function| {
            let name = &function.name.name;
            let message = format!(
                "the function `{name}` runs with its owner's rights and finds names by its caller's search path"
            );
            let mut path = database.catalog.search_path.clone();
            if !path.contains(&function.name.schema) {
                path.insert(0, function.name.schema.clone());
            }
            path.push("pg_temp".to_owned());
            let (up, down) = set_search_path(&database.catalog, function, &path);
            let help = format!("`SET search_path = {}` in its definition", written_path(&path));
            Draft::new(function.span, message).help(help).mend(&up, &down)
        });
        told.collect()
    }
}
