//! Tables.

use std::collections::BTreeMap;

use tenantry_prover::catalog::{
    Catalog, Column, ColumnDefault, ForeignKey, Grant, Index, Key, KeyKind, ReferentialAction, RowPolicy,
    Table, Trigger, UNREAD_TRIGGER,
};
use tenantry_prover::types::SqlType;
use tenantry_span::Span;

use super::canonical::expression;
use super::{BOOKKEEPING, Told, list};

impl Told<'_> {
    pub(super) fn tables(&mut self) {
        let (migrations, database) = (self.migrations, self.database);
        let names = migrations.tables.keys().chain(database.tables.keys());
        let names: std::collections::BTreeSet<_> = names.collect();
        for name in names {
            self.about("table", name);
            match (migrations.tables.get(name), database.tables.get(name)) {
                (Some(ours), Some(theirs)) => self.table(ours, theirs),
                (Some(ours), None) => self.tell(Some(ours.span), "the database has no such table".to_owned()),
                (None, Some(_)) if !BOOKKEEPING.contains(&name.name.as_str()) => {
                    self.tell(
                        None,
                        "the database has this table, which the migrations do not make".to_owned(),
                    );
                }
                (None, _) => {}
            }
        }
    }

    fn table(&mut self, ours: &Table, theirs: &Table) {
        self.columns(ours, theirs);
        self.keys(ours, theirs);
        self.foreign_keys(ours, theirs);
        let checks = self.pairs(&ours.checks, &theirs.checks, "check", |it| &it.name, |it| it.span);
        for (one, other) in checks {
            let what = format!("the check {} is", one.name);
            self.compare_expressions(one.span, &what, &one.expr, &other.expr);
            self.compare_flag(
                one.span,
                &format!("the check {}", one.name),
                "enforced on all rows",
                one.validated,
                other.validated,
            );
        }
        for (one, other) in self.pairs(&ours.indexes, &theirs.indexes, "index", |it| &it.name, |it| it.span) {
            self.compare(one.span, &format!("the index {} is", one.name), &index(one), &index(other));
        }
        self.row_security(ours, theirs);
        self.triggers(&ours.triggers, &theirs.triggers);
        self.place(ours, theirs);
        self.grants(ours, theirs);
    }

    fn columns(&mut self, ours: &Table, theirs: &Table) {
        let columns = self.pairs(&ours.columns, &theirs.columns, "column", |it| &it.name, |it| it.span);
        let in_order = |table: &Table, other: &Table| -> Vec<String> {
            let shared = table.columns.iter().filter(|column| other.column(&column.name).is_some());
            shared.map(|column| column.name.clone()).collect()
        };
        let (order, their_order) = (in_order(ours, theirs), in_order(theirs, ours));
        if order != their_order {
            let (order, their_order) = (list(&order), list(&their_order));
            self.compare(ours.span, "the columns stand in the order", &order, &their_order);
        }
        for (one, other) in columns {
            self.column(one, other);
        }
    }

    fn column(&mut self, one: &Column, other: &Column) {
        let what = format!("the column {}", one.name);
        let (ty, their_ty) = (ty(self.migrations, &one.ty), ty(self.database, &other.ty));
        self.compare(one.span, &format!("{what} is of type"), &ty, &their_ty);
        self.compare_flag(one.span, &what, "NOT NULL", one.not_null, other.not_null);
        let (default, their_default) = (default(&one.default), default(&other.default));
        self.compare(one.span, &format!("{what} is by default"), &default, &their_default);
        let collation = |column: &Column| column.collation.clone().unwrap_or_else(|| "default".to_owned());
        self.compare(one.span, &format!("{what} has the collation"), &collation(one), &collation(other));
    }

    fn keys(&mut self, ours: &Table, theirs: &Table) {
        for (one, other) in self.pairs(&ours.keys, &theirs.keys, "key", |it| &it.name, |it| it.span) {
            self.compare(one.span, &format!("the key {} is", one.name), &key(one), &key(other));
        }
    }

    fn foreign_keys(&mut self, ours: &Table, theirs: &Table) {
        let keys =
            self.pairs(&ours.foreign_keys, &theirs.foreign_keys, "foreign key", |it| &it.name, |it| it.span);
        for (one, other) in keys {
            let (shown, their_shown) = (self.foreign_key(one), self.foreign_key(other));
            self.compare(one.span, &format!("the foreign key {} is", one.name), &shown, &their_shown);
        }
    }

    fn foreign_key(&self, key: &ForeignKey) -> String {
        let action = |event: &str, action: &ReferentialAction| match action {
            ReferentialAction::Refuse | ReferentialAction::Unknown => String::new(),
            ReferentialAction::Cascade => format!(", ON {event} CASCADE"),
            ReferentialAction::SetNull(of) => format!(", ON {event} SET NULL ({})", of.join(", ")),
            ReferentialAction::SetDefault(of) => format!(", ON {event} SET DEFAULT ({})", of.join(", ")),
        };
        let flag = |is: bool, word: &str| if is { format!(", {word}") } else { String::new() };
        format!(
            "({}) to {} ({}){}{}{}{}{}",
            key.columns.join(", "),
            self.shown(&key.target),
            key.target_columns.join(", "),
            action("DELETE", &key.on_delete),
            action("UPDATE", &key.on_update),
            flag(!key.validated, "not enforced on all rows"),
            flag(key.deferrable, "deferrable"),
            flag(key.match_full, "MATCH FULL"),
        )
    }

    fn row_security(&mut self, ours: &Table, theirs: &Table) {
        let (mine, other) = (&ours.row_security, &theirs.row_security);
        self.compare_flag(ours.span, "row level security", "enabled", mine.enabled, other.enabled);
        self.compare_flag(ours.span, "row level security", "forced", mine.forced, other.forced);
        for (one, other) in self.pairs(&mine.policies, &other.policies, "policy", |it| &it.name, |it| it.span)
        {
            self.policy(one, other);
        }
    }

    fn policy(&mut self, one: &RowPolicy, other: &RowPolicy) {
        let what = format!("the policy {}", one.name);
        let kind = |policy: &RowPolicy| if policy.restrictive { "restrictive" } else { "permissive" };
        self.compare(one.span, &format!("{what} is"), kind(one), kind(other));
        self.compare(one.span, &format!("{what} is for"), &one.command, &other.command);
        let roles = |policy: &RowPolicy| {
            let mut roles = policy.roles.clone();
            roles.sort();
            if roles.is_empty() { "everybody".to_owned() } else { roles.join(", ") }
        };
        self.compare(one.span, &format!("{what} is for the roles"), &roles(one), &roles(other));
        let said = |text: &Option<String>| text.clone().unwrap_or_else(|| "not said".to_owned());
        self.compare_expressions(
            one.span,
            &format!("{what} has for USING"),
            &said(&one.using),
            &said(&other.using),
        );
        self.compare_expressions(
            one.span,
            &format!("{what} has for WITH CHECK"),
            &said(&one.check),
            &said(&other.check),
        );
    }

    pub(super) fn triggers(&mut self, ours: &[Trigger], theirs: &[Trigger]) {
        let ours: Vec<Trigger> =
            ours.iter().filter(|trigger| trigger.name != UNREAD_TRIGGER).cloned().collect();
        let triggers = self.pairs(&ours, theirs, "trigger or rule", |it| &it.name, |it| it.span);
        for (one, other) in triggers {
            let what = format!("the trigger {}", one.name);
            let events = |trigger: &Trigger| {
                let mut events = trigger.events.clone();
                events.sort();
                events.dedup();
                list(&events)
            };
            self.compare(one.span, &format!("{what} is for"), &events(one), &events(other));
            let function = |trigger: &Trigger| trigger.function.as_ref().map(|name| self.shown(name));
            let (function, their_function) = (
                function(one).unwrap_or_else(|| "none".to_owned()),
                function(other).unwrap_or_else(|| "none".to_owned()),
            );
            self.compare(one.span, &format!("{what} calls"), &function, &their_function);
            self.compare_flag(one.span, &what, "switched off", one.disabled, other.disabled);
        }
    }

    /// What it is a part of, and whose it is.
    fn place(&mut self, ours: &Table, theirs: &Table) {
        self.compare_flag(ours.span, "the table", "partitioned", ours.partitioned, theirs.partitioned);
        let parent =
            |table: &Table| table.partition_of.as_ref().map_or("nothing".to_owned(), |name| self.shown(name));
        let (mine, other) = (parent(ours), parent(theirs));
        self.compare(ours.span, "the table is a partition of", &mine, &other);
        let parents =
            |table: &Table| list(&table.inherits.iter().map(|name| self.shown(name)).collect::<Vec<_>>());
        let (mine, other) = (parents(ours), parents(theirs));
        self.compare(ours.span, "the table inherits from", &mine, &other);
        // Who runs the migrations is not known, so that a table of which they say nothing may be anybody's.
        if let (Some(mine), Some(other)) = (&ours.owner, &theirs.owner) {
            let says =
                !["current_user", "session_user", "current_role"].contains(&mine.to_lowercase().as_str());
            if says {
                self.compare(ours.span, "the owner is", mine, other);
            }
        }
    }

    fn grants(&mut self, ours: &Table, theirs: &Table) {
        let (mine, other) = (rights(&ours.grants), rights(&theirs.grants));
        let nothing = String::from("nothing");
        for role in mine.keys().chain(other.keys()).collect::<std::collections::BTreeSet<_>>() {
            // An owner has all rights, said or not.
            if theirs.owner.as_ref() == Some(role) {
                continue;
            }
            let span = ours.grants.iter().find(|grant| grant.role == *role).map(|grant| grant.span);
            let (one, other) = (mine.get(role).unwrap_or(&nothing), other.get(role).unwrap_or(&nothing));
            if one != other {
                self.tell(
                    span,
                    format!(
                        "the role {role} has the rights {one} by the migrations, and {other} in the database"
                    ),
                );
            }
        }
    }

    fn compare_flag(&mut self, span: Span, what: &str, state: &str, ours: bool, theirs: bool) {
        if ours == theirs {
            return;
        }
        let (is, is_not) = if ours {
            ("in the migrations", "in the database")
        } else {
            ("in the database", "in the migrations")
        };
        self.tell(Some(span), format!("{what} is {state} {is}, and not {is_not}"));
    }

    pub(super) fn compare_expressions(&mut self, span: Span, what: &str, ours: &str, theirs: &str) {
        if expression(ours) != expression(theirs) {
            let words = super::canonical::words;
            self.compare(span, what, &format!("`{}`", words(ours)), &format!("`{}`", words(theirs)));
        }
    }
}

fn default(default: &ColumnDefault) -> String {
    match default {
        ColumnDefault::None => "nothing".to_owned(),
        ColumnDefault::Generated => "a fresh value".to_owned(),
        ColumnDefault::Computed(text) => format!("always `{}`", expression(text)),
        ColumnDefault::Expr(text) => format!("`{}`", expression(text)),
    }
}

/// A type by the name that it has in the catalog.
pub(super) fn ty(catalog: &Catalog, of: &SqlType) -> String {
    match of {
        SqlType::Array(of) => format!("{}[]", ty(catalog, of)),
        SqlType::Named(name) => match name.split_once('.') {
            Some((schema, name)) if schema == catalog.default_schema => name.to_owned(),
            _ if name == "decimal" || name == "dec" => "numeric".to_owned(),
            _ => name.clone(),
        },
        SqlType::VarcharN(length) => format!("varchar({length})"),
        other => format!("{other:?}").to_lowercase(),
    }
}

fn key(key: &Key) -> String {
    let kind = match key.kind {
        KeyKind::Primary => "PRIMARY KEY",
        KeyKind::Unique => "UNIQUE",
        KeyKind::Exclusion => "EXCLUDE",
    };
    let mut said = format!("{kind} ({})", key.columns.join(", "));
    elements(&mut said, &key.expressions, key.predicate.as_deref());
    let flags = [
        (key.has_expressions && key.expressions.is_empty(), "with operators or collations of its own"),
        (key.deferrable, "deferrable"),
        (key.nulls_not_distinct, "NULLS NOT DISTINCT"),
    ];
    flags.iter().filter(|(is, _)| *is).for_each(|(_, word)| said.push_str(&format!(", {word}")));
    said
}

fn index(index: &Index) -> String {
    let mut said = format!("on ({})", index.columns.join(", "));
    elements(&mut said, &index.expressions, index.predicate.as_deref());
    said
}

fn elements(said: &mut String, expressions: &[String], predicate: Option<&str>) {
    expressions.iter().for_each(|text| said.push_str(&format!(", `{}`", expression(text))));
    predicate.iter().for_each(|text| said.push_str(&format!(" where `{}`", expression(text))));
}

/// What `ALL` on a table means.
const ALL: &[&str] = &["DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"];

/// The rights of each role, sorted. Newer servers know one more, which moves no row.
fn rights(grants: &[Grant]) -> BTreeMap<String, String> {
    let mut rights: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for grant in grants {
        let known = rights.entry(grant.role.clone()).or_default();
        for privilege in &grant.privileges {
            match privilege.as_str() {
                "ALL" => known.extend(ALL.iter().map(|name| (*name).to_owned())),
                "MAINTAIN" => {}
                name => known.push(name.to_owned()),
            }
        }
    }
    let said = |mut names: Vec<String>| {
        names.sort();
        names.dedup();
        list(&names)
    };
    rights.into_iter().map(|(role, names)| (role, said(names))).collect()
}
