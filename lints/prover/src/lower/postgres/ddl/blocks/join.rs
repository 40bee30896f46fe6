//! The schema after a part of a block that was run or was not: what both ways agree on is known, the rest is not.

use std::collections::btree_map::Entry;

use tenantry_span::Span;

use super::ask::Variables;
use super::value::Value;
use crate::catalog::{Catalog, QualifiedName, Role, SkippedStatement, Table, UNREAD_BODY, UserType};

/// The schema of which one of two is known to be right.
pub(in crate::lower::postgres::ddl) fn join(mut a: Catalog, b: Catalog, span: Span, why: &str) -> Catalog {
    let mut told: Vec<SkippedStatement> = Vec::new();
    let mut tell = |table: Option<&QualifiedName>| {
        let skipped = SkippedStatement { span, why: why.to_owned(), table: table.cloned() };
        if !told.contains(&skipped) {
            told.push(skipped);
        }
    };
    // What is there on one way only may be asked for later.
    let mut names: Vec<String> = Vec::new();
    let mut only_one = |known: &mut dyn Iterator<Item = &QualifiedName>,
                        other: &dyn Fn(&QualifiedName) -> bool| {
        names.extend(known.filter(|name| !other(name)).map(|name| name.name.to_ascii_lowercase()));
    };
    only_one(&mut a.types.keys(), &|name| b.types.contains_key(name));
    only_one(&mut b.types.keys(), &|name| a.types.contains_key(name));
    only_one(&mut a.functions.keys(), &|name| b.functions.contains_key(name));
    only_one(&mut b.functions.keys(), &|name| a.functions.contains_key(name));
    let created = |roles: &Catalog, name: &String| roles.roles.get(name).is_some_and(|role| role.created);
    let all_roles = a.roles.keys().chain(b.roles.keys());
    names.extend(
        all_roles.filter(|name| created(&a, name) != created(&b, name)).map(|name| name.to_ascii_lowercase()),
    );
    let Catalog {
        dialect: _,
        default_schema: _,
        search_path,
        tables,
        views,
        functions,
        sequences,
        types,
        nondeterministic_collations,
        operators,
        roles,
        schema_grants,
        default_grants,
        roles_unsure,
        memberships_unsure,
        path_unsure,
        before_system,
        event_triggers,
        skipped,
        unread,
    } = b;
    let only_here: Vec<QualifiedName> =
        a.tables.keys().filter(|name| !tables.contains_key(name)).cloned().collect();
    for name in only_here {
        a.tables.get_mut(&name).into_iter().for_each(|table| doubt(table, why));
        tell(Some(&name));
    }
    for (name, mut other) in tables {
        match a.tables.get_mut(&name) {
            Some(table) => {
                parts_of_one(table, &other, &mut names);
                if join_tables(table, other, why) {
                    tell(Some(&name));
                }
            }
            None => {
                doubt(&mut other, why);
                tell(Some(&name));
                a.tables.insert(name, other);
            }
        }
    }
    if a.search_path != search_path {
        a.tables.values_mut().for_each(|table| doubt(table, why));
        tell(None);
    }
    for (name, view) in &mut a.views {
        if views.get(name) != Some(view) {
            view.stale.get_or_insert_with(|| why.to_owned());
            tell(None);
        }
    }
    for (name, mut view) in views {
        if let Entry::Vacant(place) = a.views.entry(name) {
            view.stale.get_or_insert_with(|| why.to_owned());
            tell(None);
            place.insert(view);
        }
    }
    for (name, overloads) in &mut a.functions {
        if functions.get(name) != Some(overloads) {
            overloads.iter_mut().for_each(|function| UNREAD_BODY.clone_into(&mut function.language));
            tell(None);
        }
    }
    for (name, mut overloads) in functions {
        if let Entry::Vacant(place) = a.functions.entry(name) {
            overloads.iter_mut().for_each(|function| UNREAD_BODY.clone_into(&mut function.language));
            tell(None);
            place.insert(overloads);
        }
    }
    for (name, ty) in &mut a.types {
        let unlike = match types.get(name) {
            Some(other) => other != ty,
            None => matches!(ty, UserType::Domain(..)),
        };
        if unlike {
            *ty = UserType::Other;
            tell(None);
        }
    }
    for (name, ty) in types {
        // A type that may not be there is none that anything could be of.
        let as_known = match ty {
            UserType::Enum => UserType::Enum,
            UserType::Domain(..) | UserType::Other => UserType::Other,
        };
        a.types.entry(name).or_insert(as_known);
    }
    a.sequences.extend(sequences);
    add(&mut a.nondeterministic_collations, nondeterministic_collations);
    add(&mut a.operators, operators);
    add(&mut a.default_grants, default_grants);
    add(&mut a.event_triggers, event_triggers);
    add(&mut a.unread, unread);
    add(&mut a.unread, names);
    let has_rights = |role: &Role| role.bypasses || role.superuser || !role.member_of.is_empty();
    let only_here = a.roles.iter().any(|(name, role)| !roles.contains_key(name) && has_rights(role));
    let only_there = roles.iter().any(|(name, role)| !a.roles.contains_key(name) && has_rights(role));
    if only_here || only_there {
        a.roles_unsure.get_or_insert_with(|| why.to_owned());
    }
    for (name, role) in roles {
        match a.roles.get_mut(&name) {
            Some(known) => {
                if join_roles(known, role) {
                    a.roles_unsure.get_or_insert_with(|| why.to_owned());
                }
            }
            None => drop(a.roles.insert(name, role)),
        }
    }
    for (schema, grants) in schema_grants {
        add(a.schema_grants.entry(schema).or_default(), grants);
    }
    a.roles_unsure = a.roles_unsure.or(roles_unsure);
    a.memberships_unsure |= memberships_unsure;
    a.path_unsure = a.path_unsure.or(path_unsure);
    a.before_system.extend(before_system);
    add(&mut a.skipped, skipped);
    add(&mut a.skipped, told);
    a
}

/// The variables of which one of two sets is known to be right.
pub(super) fn join_variables(a: &mut Variables, b: &Variables) {
    for (name, value) in a.iter_mut() {
        if b.get(name) != Some(value) {
            *value = Value::Unknown;
        }
    }
    for name in b.keys() {
        a.entry(name.clone()).or_insert(Value::Unknown);
    }
}

fn add<T: PartialEq>(to: &mut Vec<T>, more: Vec<T>) {
    for item in more {
        if !to.contains(&item) {
            to.push(item);
        }
    }
}

/// The names of indexes and triggers that a table has on one way only.
fn parts_of_one(a: &Table, b: &Table, names: &mut Vec<String>) {
    let parts = |table: &Table| -> Vec<String> {
        let indexes = table.indexes.iter().map(|index| &index.name);
        let triggers = table.triggers.iter().map(|trigger| &trigger.name);
        indexes.chain(triggers).map(|name| name.to_ascii_lowercase()).collect()
    };
    let (of_a, of_b) = (parts(a), parts(b));
    names.extend(of_a.iter().filter(|name| !of_b.contains(name)).cloned());
    names.extend(of_b.into_iter().filter(|name| !of_a.contains(name)));
}

/// Nothing of the table is sure.
fn doubt(table: &mut Table, why: &str) {
    table.complete = false;
    table.row_security.unsure.get_or_insert_with(|| why.to_owned());
}

/// Says whether something of the table became uncertain.
fn join_tables(a: &mut Table, b: Table, why: &str) -> bool {
    if *a == b {
        return false;
    }
    let Table {
        name,
        columns,
        keys,
        foreign_keys,
        checks,
        partition_of,
        partitioned,
        inherits,
        row_security,
        triggers,
        // An index that is no key says nothing of the rows.
        indexes: _,
        complete,
        span: _,
        owner,
        grants,
    } = b;
    let was_complete = a.complete && complete;
    let same = a.name == name
        && a.columns == columns
        && a.keys == keys
        && a.foreign_keys == foreign_keys
        && a.checks == checks
        && a.partition_of == partition_of
        && a.partitioned == partitioned
        && a.inherits == inherits
        && a.owner == owner;
    a.complete = was_complete && same;
    let own = &mut a.row_security;
    let secured = own.enabled == row_security.enabled
        && own.forced == row_security.forced
        && own.policies == row_security.policies;
    let was_sure = own.unsure.is_none() && row_security.unsure.is_none();
    own.unsure = own.unsure.take().or(row_security.unsure);
    if !secured {
        own.enabled &= row_security.enabled;
        own.forced &= row_security.forced;
        own.policies.retain(|policy| !policy.restrictive || row_security.policies.contains(policy));
        add(
            &mut own.policies,
            row_security.policies.into_iter().filter(|policy| !policy.restrictive).collect(),
        );
        own.unsure.get_or_insert_with(|| why.to_owned());
    }
    // A trigger that may be there is reckoned with; a right that may have been given counts as given.
    add(&mut a.triggers, triggers);
    add(&mut a.grants, grants);
    was_complete && !same || was_sure && !secured
}

/// Says whether the rights of a role became uncertain.
fn join_roles(a: &mut Role, b: Role) -> bool {
    let Role { created, bypasses, superuser, inherits, member_of, may_own, span: _ } = b;
    let same = a.bypasses == bypasses
        && a.superuser == superuser
        && a.inherits == inherits
        && a.member_of == member_of;
    a.created |= created;
    a.bypasses |= bypasses;
    a.superuser |= superuser;
    a.inherits &= inherits;
    a.may_own |= may_own;
    for other in member_of {
        match a.member_of.iter_mut().find(|known| known.of == other.of) {
            Some(known) => known.doubt = known.doubt.max(other.doubt),
            None => a.member_of.push(other),
        }
    }
    !same
}
