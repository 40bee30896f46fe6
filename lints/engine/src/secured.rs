//! What the rules about row level security ask of a schema.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_project::Database;
use tenantry_prover::catalog::{QualifiedName, Role, Table, View};
use tenantry_prover::policies::{Keeps, PolicyReading};
use tenantry_prover::prove::Policies;
use tenantry_prover::tenancy::TableOwner;

use crate::mend::written;
use crate::rules::SchemaFacts;
use crate::statement::{BoundStatement, Schema};

/// The tables of PostgreSQL whose rows belong to tenants.
pub(crate) fn owned_tables(database: &Database) -> impl Iterator<Item = &Table> {
    let postgres = database.dialect == Dialect::Postgres;
    let owned = move |table: &&Table| {
        let owner = database.tenancy.owner(&table.name);
        postgres && !matches!(owner, TableOwner::Shared | TableOwner::Undeclared)
    };
    database.catalog.tables.values().filter(owned)
}

/// Those of them that policies restrict.
pub(crate) fn secured_tables(database: &Database) -> impl Iterator<Item = &Table> {
    owned_tables(database)
        .filter(|table| table.row_security.enabled && !table.row_security.policies.is_empty())
}

/// What is wrong with a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is true of every row.
    Always,
    /// A missing or empty setting lets everything through.
    SettingAllows,
    /// It adds to a permissive policy that keeps to the tenant.
    Widens(String),
    /// It does not tell tenants apart.
    IgnoresKey,
    /// New rows may be other tenants'.
    CheckAdmits,
}

/// The policies of a table by which other tenants' rows are seen or written, each with what is wrong with it.
pub(crate) fn faults(database: &SchemaFacts<'_>, table: &Table) -> Vec<(PolicyReading, Fault)> {
    let policies = database.policies(table);
    let mut found: Vec<(usize, Fault)> = Vec::new();
    for command in ["SELECT", "UPDATE", "DELETE"] {
        let using = |policy: &PolicyReading| policy.using.as_ref().map(|using| using.keeps);
        for (at, strict) in open(policies, command, &using) {
            let Some(using) = policies.get(at).and_then(|policy| policy.using.as_ref()) else { continue };
            let fault = match strict {
                _ if using.setting_allows => Fault::SettingAllows,
                Some(strict) => Fault::Widens(strict),
                None if using.always => Fault::Always,
                None => Fault::IgnoresKey,
            };
            note(&mut found, at, fault);
        }
    }
    for command in ["INSERT", "UPDATE"] {
        let check = |policy: &PolicyReading| {
            let condition = policy.check.as_ref().or(policy.using.as_ref());
            condition.map(|condition| condition.keeps)
        };
        for (at, _) in open(policies, command, &check) {
            if policies.get(at).is_some_and(|policy| policy.check.is_some()) {
                note(&mut found, at, Fault::CheckAdmits);
            }
        }
    }
    found.into_iter().filter_map(|(at, fault)| Some((policies.get(at)?.clone(), fault))).collect()
}

fn note(found: &mut Vec<(usize, Fault)>, at: usize, fault: Fault) {
    if found.iter().all(|(known, _)| *known != at) {
        found.push((at, fault));
    }
}

/// The permissive policies for a command that let other tenants' rows through, with the name of one that does not, unless
/// a restrictive one keeps to the tenant or is not understood.
fn open(
    policies: &[PolicyReading],
    command: &str,
    keeps: &dyn Fn(&PolicyReading) -> Option<Keeps>,
) -> Vec<(usize, Option<String>)> {
    let of_command = |policy: &PolicyReading| policy.command == "ALL" || policy.command == command;
    let applied = || policies.iter().enumerate().filter(|(_, policy)| of_command(policy));
    let narrows =
        |policy: &PolicyReading| policy.restrictive && keeps(policy).is_some_and(|it| it != Keeps::No);
    if applied().any(|(_, policy)| narrows(policy)) {
        return Vec::new();
    }
    let permissive = || applied().filter(|(_, policy)| !policy.restrictive);
    let mut strict = permissive().filter(|(_, policy)| keeps(policy) == Some(Keeps::Yes));
    let strict = strict.next().map(|(_, policy)| policy.name.clone());
    let lets = permissive().filter(|(_, policy)| keeps(policy) == Some(Keeps::No));
    lets.map(|(at, _)| (at, strict.clone())).collect()
}

/// The views that read tables with row level security as their owner.
pub(crate) fn bypassing_views(database: &Database, materialized: bool) -> Vec<(&View, Vec<String>)> {
    let views = database.catalog.views.values();
    let views = views.filter(|view| view.materialized == materialized && !view.security_invoker);
    let reads = |view: &View| {
        let read = read_by(database, view);
        let secured = secured_tables(database).filter(|table| read.contains(&table.name));
        secured.map(|table| table.name.name.clone()).collect::<Vec<_>>()
    };
    views.map(|view| (view, reads(view))).filter(|(_, tables)| !tables.is_empty()).collect()
}

/// The tables that a view reads, through other views too; those that its text mentions where it is not understood.
fn read_by(database: &Database, view: &View) -> BTreeSet<QualifiedName> {
    let (catalog, tenancy) = (&database.catalog, &database.tenancy);
    let schema = Schema { dialect: database.dialect, catalog, tenancy, policies: Policies::Applied };
    let statements = schema.bind(&format!("SELECT * FROM {}", written(catalog, &view.name)));
    if view.stale.is_none() && statements.iter().all(BoundStatement::is_understood) {
        return statements.into_iter().flat_map(|statement| statement.tables).collect();
    }
    let words = words(&view.query);
    let mentioned = catalog.tables.keys().filter(|name| words.contains(&name.name.to_lowercase()));
    mentioned.cloned().collect()
}

/// The words of a text, in lower case.
pub(crate) fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether a right of the role is the application's; where nobody says which role that is, whether it may be.
pub(crate) fn is_app(database: &Database, role: &str) -> bool {
    let app = database.tenancy.app_role.as_deref();
    role == "public" || app.is_none_or(|app| database.catalog.present_roles_of(app).contains(&role))
}

/// Whether the application's role may be a table's owner, as far as the schema and the policy say.
pub(crate) fn may_own(database: &Database, table: &Table) -> bool {
    let (catalog, tenancy) = (&database.catalog, &database.tenancy);
    let owner = table.owner.as_ref().or(tenancy.owner_role.as_ref());
    match (&tenancy.app_role, owner) {
        (Some(role), Some(owner)) => catalog.present_roles_of(role).contains(&owner.as_str()),
        (Some(role), None) => {
            let known = catalog.roles.get(role);
            let mut own = catalog.present_roles_of(role).into_iter().filter_map(|own| catalog.roles.get(own));
            !known.is_some_and(|known: &Role| known.created) || own.any(|own| own.may_own)
        }
        // A schema that makes a role makes it for the application.
        (None, _) => !catalog.roles.values().any(|role| role.created),
    }
}
