//! `untrusted-schema-in-search-path`: names are looked up where somebody else may put something of that name.

use tenantry_policy::Dialect;
use tenantry_project::Database;
use tenantry_prover::catalog::{Catalog, Function, Grant};
use tenantry_prover::lower::postgres::identifier::identifier;

use super::{Rule, SchemaFacts};
use crate::finding::Draft;
use crate::mend::{set_search_path, written_path};

pub(super) struct Check;

impl Rule for Check {
    fn check_schema(&self, database: &SchemaFacts<'_>) -> Vec<Draft> {
        if database.dialect != Dialect::Postgres {
            return Vec::new();
        }
        let mut told = open_schemas(database);
        let functions = database.catalog.functions.values().flatten();
        let definers = functions.filter(|function| function.security_definer);
        told.extend(definers.filter_map(|function| in_definer(database, function)));
        told
    }
}

/// Schemas that are searched and in which everybody may create.
fn open_schemas(database: &Database) -> Vec<Draft> {
    let catalog = &database.catalog;
    let searched = catalog.schema_grants.iter().filter(|(schema, _)| catalog.search_path.contains(schema));
    let open = searched.flat_map(|(schema, grants)| grants.iter().map(move |grant| (schema, grant)));
    let told = open.filter(|(_, grant)| grant.role == "public" && lets_create(grant)).map(|(schema, grant)| {
        let message = format!(
            "everybody may create in the schema `{schema}`, where names are looked up: a function or operator there is taken for another"
        );
        let name = identifier(schema);
        let up = format!("REVOKE CREATE ON SCHEMA {name} FROM PUBLIC");
        let draft = Draft::new(grant.span, message).help(format!("`{up}`"));
        draft.mend(&up, &format!("GRANT CREATE ON SCHEMA {name} TO PUBLIC"))
    });
    told.collect()
}

fn lets_create(grant: &Grant) -> bool {
    grant.privileges.iter().any(|right| right == "CREATE" || right == "ALL")
}

/// A function with its owner's rights whose own search path takes in what its caller may make.
fn in_definer(database: &Database, function: &Function) -> Option<Draft> {
    let path = function.search_path.as_ref()?;
    let name = &function.name.name;
    let said = |what: String| {
        format!("the function `{name}` runs with its owner's rights and looks names up in {what}")
    };
    let draft = |what: String| Draft::new(function.span, said(what));
    if path.iter().any(|schema| schema == "$user") {
        let told = draft("the schema of whoever calls it".to_owned());
        return Some(told.help("name the schemas: `SET search_path = public, pg_temp`"));
    }
    let at = path.iter().position(|schema| schema == "pg_temp");
    // Where it is not named, it comes first.
    let is_first = at.is_none() && names_a_relation(&database.catalog, function);
    if is_first || at.is_some_and(|at| at + 1 < path.len()) {
        let mut trusted: Vec<String> = path.iter().filter(|schema| *schema != "pg_temp").cloned().collect();
        trusted.push("pg_temp".to_owned());
        let told = draft("temporary tables before other schemas".to_owned());
        let (up, down) = set_search_path(&database.catalog, function, &trusted);
        return Some(told.help(format!("`SET search_path = {}`", written_path(&trusted))).mend(&up, &down));
    }
    let open = path.iter().find_map(|schema| created_in(&database.catalog, database, schema))?;
    let (schema, grant) = open;
    let told = draft(format!("`{schema}`, where `{}` may create", grant.role));
    Some(told.related(grant.span, "the right is given here").help("take the right away, or the schema out of its path"))
}

/// A schema in which the application may create what the function would find.
fn created_in<'c>(catalog: &'c Catalog, database: &Database, schema: &'c str) -> Option<(&'c str, &'c Grant)> {
    let app = database.tenancy.app_role.as_deref()?;
    let own = catalog.present_roles_of(app);
    let grants = catalog.schema_grants.get(schema)?.iter();
    let mut open = grants.filter(|grant| lets_create(grant) && own.contains(&grant.role.as_str()));
    open.next().map(|grant| (schema, grant))
}

/// A table or view stands in the body without its schema, which the search path then has to give.
fn names_a_relation(catalog: &Catalog, function: &Function) -> bool {
    let body = function.body.to_lowercase();
    let is_part = |char: char| char.is_alphanumeric() || char == '_';
    let searched = |schema: &String| function.search_path.as_ref().is_some_and(|path| path.contains(schema));
    let tables = catalog.tables.keys().chain(catalog.views.keys()).filter(|name| searched(&name.schema));
    let mut names = tables.map(|name| name.name.as_str()).filter(|name| !name.is_empty());
    names.any(|name| {
        body.match_indices(name).any(|(at, _)| {
            let before = body.get(..at).and_then(|before| before.chars().next_back());
            let after = body.get(at + name.len()..).and_then(|after| after.chars().next());
            before.is_none_or(|char| !is_part(char) && char != '.') && after.is_none_or(|char| !is_part(char))
        })
    })
}
