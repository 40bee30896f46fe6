//! Which columns are tenant keys, guessed from the schema where no policy file says so.
//!
//! **Invariant:** inference finds keys and levels; it never makes a table everybody's.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_policy::{Policy, Spanned};
use tenantry_span::TextRange;

use super::{ColumnRef, column_named, display, is_not_null, resolve, root_of_key, split_key};
use crate::catalog::{Catalog, QualifiedName, Table};
use crate::tenancy::{TableOwner, Tenancy};

/// What a tenant is called, best first. Words in one group mean the same.
const STEMS: &[&[&str]] = &[
    &["tenant", "tenants"],
    &["org", "orgs", "organization", "organizations", "organisation", "organisations"],
    &["workspace", "workspaces"],
    &["account", "accounts"],
    &["merchant", "merchants"],
    &["company", "companies"],
    &["customer", "customers"],
    &["team", "teams"],
    &["project", "projects"],
    &["shop", "shops"],
    &["store", "stores"],
    &["club", "clubs"],
];

/// The owner where there is no other: an application of single users.
const USER: &[&str] = &["user", "users"];

/// A name alone, without a table of tenants, is believed from this many tables on.
const MIN_TABLES: usize = 3;

/// An inner level is one whose key stands for the outer key in at least this many tables.
const MIN_INNER: usize = 3;

/// What was inferred from a schema.
#[derive(Clone, Debug)]
pub struct Inference {
    /// A policy that says what was inferred.
    pub policy: Policy,
    /// What was inferred and why, in plain words, one paragraph.
    pub paragraph: String,
    /// Tables that need a decision, by the name to be written in `[tables]`, with what is known of them.
    pub undeclared: Vec<(String, String)>,
    /// Tables whose key may be NULL, by name.
    pub nullable: Vec<String>,
    /// How many tables have an owner by it.
    pub owned: usize,
}

/// A concept that may be the tenant: its key columns and its table.
#[derive(Clone, Debug)]
struct Candidate {
    keys: Vec<String>,
    rank: usize,
    tables: usize,
    root: Option<ColumnRef>,
    foreign_keys: usize,
}

impl Candidate {
    fn score(&self) -> usize {
        self.tables + 2 * self.foreign_keys + if self.root.is_some() { 2 } else { 0 }
    }

    fn qualifies(&self) -> bool {
        match self.root {
            Some(_) => self.tables > 0,
            None => self.tables >= MIN_TABLES,
        }
    }

    fn has_key(&self, table: &Table) -> bool {
        self.keys.iter().any(|key| column_named(table, key).is_some())
    }

    /// A row of `table` cannot be without this owner.
    fn must_own(&self, table: &Table) -> bool {
        self.keys.iter().any(|key| column_named(table, key).is_some_and(|column| is_not_null(table, &column)))
    }
}

/// Infers keys, root and levels.
pub fn infer(catalog: &Catalog) -> Inference {
    let mut candidates: Vec<Candidate> =
        STEMS.iter().enumerate().filter_map(|(rank, stems)| candidate(catalog, stems, rank)).collect();
    candidates.retain(Candidate::qualifies);
    if candidates.is_empty() {
        let users = candidate(catalog, USER, STEMS.len()).filter(Candidate::qualifies);
        candidates.extend(users.filter(|users| owns_most(catalog, users)));
    }
    match outermost(catalog, &candidates) {
        None => nothing(catalog),
        Some(outer) => with_outer(catalog, outer, &candidates),
    }
}

/// True if at least half of the tables cannot be without a candidate, directly or by their parents. Nearly every service has
/// users whose names stand in some tables; only where most of the data is theirs are they its tenants, and what may do without
/// the name of a user says who did something, not whose it is.
fn owns_most(catalog: &Catalog, candidate: &Candidate) -> bool {
    let (tenancy, _) = resolve(&with_outer(catalog, candidate, &[]).policy, catalog);
    let owned = tenancy.tables.keys().filter(|table| is_surely_owned(catalog, &tenancy, table)).count();
    2 * owned >= tenancy.tables.len()
}

fn is_surely_owned(catalog: &Catalog, tenancy: &Tenancy, table: &QualifiedName) -> bool {
    let mut table = table;
    // Parents do not go round in circles longer than there are tables.
    for _ in 0..=tenancy.tables.len() {
        let column = |name: &str| catalog.tables.get(table).is_some_and(|table| is_not_null(table, name));
        match tenancy.owner(table) {
            TableOwner::Keyed { keys, .. } => return keys.iter().any(|(key, _)| column(key)),
            TableOwner::Root { .. } | TableOwner::Shared => return true,
            TableOwner::Child { parent, by, .. } if column(by.as_str()) => table = parent,
            TableOwner::Child { .. } | TableOwner::Undeclared => return false,
        }
    }
    false
}

fn candidate(catalog: &Catalog, stems: &[&str], rank: usize) -> Option<Candidate> {
    let mut names: BTreeMap<String, usize> = BTreeMap::new();
    for column in catalog.tables.values().flat_map(|table| &table.columns) {
        let lower = column.name.to_lowercase();
        let (stem, suffix) = split_key(&lower);
        if !suffix.is_empty() && stems.contains(&stem.trim_end_matches('_')) {
            *names.entry(column.name.clone()).or_default() += 1;
        }
    }
    let mut keys: Vec<(String, usize)> = names.into_iter().collect();
    keys.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let keys: Vec<String> = keys.into_iter().map(|(name, _)| name).collect();
    let guesses = keys.iter().filter_map(|key| root_of_key(catalog, key));
    let root = guesses.max_by_key(|guess| guess.foreign_keys);
    if keys.is_empty() {
        return None;
    }
    let foreign_keys = root.as_ref().map_or(0, |root| root.foreign_keys);
    let root = root.map(|root| root.column);
    let mut candidate = Candidate { keys, rank, tables: 0, root, foreign_keys };
    let is_root = |table: &Table| candidate.root.as_ref().is_some_and(|root| root.0 == table.name);
    candidate.tables =
        catalog.tables.values().filter(|table| !is_root(table) && candidate.has_key(table)).count();
    Some(candidate)
}

/// The owner that no other candidate owns; of several the one with the best score, then the best name.
fn outermost<'a>(catalog: &Catalog, candidates: &'a [Candidate]) -> Option<&'a Candidate> {
    let owned = |inner: &Candidate| candidates.iter().any(|outer| owns(catalog, outer, inner));
    let free: Vec<&Candidate> = candidates.iter().filter(|candidate| !owned(candidate)).collect();
    // In a circle of owners nobody is free.
    let pool = if free.is_empty() { candidates.iter().collect() } else { free };
    pool.into_iter().max_by_key(|candidate| (weight(candidate), std::cmp::Reverse(candidate.rank)))
}

/// The first three names mean tenants wherever they are used; the rest may be anybody's customers or accounts.
fn weight(candidate: &Candidate) -> usize {
    if candidate.rank < 3 { candidate.score() * 3 } else { candidate.score() }
}

/// True if each row of `inner`'s table belongs to a row of `outer`'s.
fn owns(catalog: &Catalog, outer: &Candidate, inner: &Candidate) -> bool {
    let Some((root, _)) = &inner.root else { return false };
    if outer.rank == inner.rank || outer.root.as_ref().is_some_and(|other| other.0 == *root) {
        return false;
    }
    catalog.tables.get(root).is_some_and(|table| outer.must_own(table))
}

fn with_outer(catalog: &Catalog, outer: &Candidate, candidates: &[Candidate]) -> Inference {
    let inner = inner_level(catalog, outer, candidates);
    let mut policy = Policy::default();
    policy.tenancy.keys = outer.keys.iter().chain(&inner).map(|key| unplaced(key)).collect();
    if let Some((table, column)) = &outer.root {
        policy.tenancy.root = Some(unplaced(&format!("{}.{column}", display(catalog, table))));
    }
    if let (Some(first), Some(inner)) = (outer.keys.first(), &inner) {
        policy.tenancy.hierarchy = vec![unplaced(first), unplaced(inner)];
    }
    let paragraph = explain(catalog, outer, inner.as_deref());
    finish(catalog, policy, paragraph)
}

/// A second level: a column through which many tables reach the outer tenant that have no key of it themselves.
fn inner_level(catalog: &Catalog, outer: &Candidate, candidates: &[Candidate]) -> Option<String> {
    let mut stands_for: BTreeMap<String, BTreeSet<&crate::catalog::QualifiedName>> = BTreeMap::new();
    let mut targets: BTreeMap<&str, BTreeSet<&crate::catalog::QualifiedName>> = BTreeMap::new();
    for key in catalog.tables.values().flat_map(|table| &table.foreign_keys) {
        if let [column] = key.columns.as_slice() {
            targets.entry(column).or_default().insert(&key.target);
        }
    }
    for table in catalog.tables.values() {
        if outer.has_key(table) {
            continue;
        }
        for key in &table.foreign_keys {
            let ([column], Some(target)) = (key.columns.as_slice(), catalog.tables.get(&key.target)) else {
                continue;
            };
            let is_outer = outer.root.as_ref().is_some_and(|root| root.0 == target.name);
            // The column carries its target's name; otherwise it is a role such as `created_by`.
            if target.name != table.name
                && !is_outer
                && outer.must_own(target)
                && super::is_named_after(&target.name.name, column)
            {
                stands_for.entry(column.clone()).or_default().insert(&table.name);
            }
        }
    }
    // Where tables have no foreign keys, a candidate owned by the outer one counts by its column alone.
    for inner in candidates.iter().filter(|inner| owns(catalog, outer, inner)) {
        let Some(key) = inner.keys.first() else { continue };
        let is_root = |table: &Table| inner.root.as_ref().is_some_and(|root| root.0 == table.name);
        let tables = catalog
            .tables
            .values()
            .filter(|table| !is_root(table) && !outer.has_key(table) && column_named(table, key).is_some());
        stands_for.entry(key.clone()).or_default().extend(tables.map(|table| &table.name));
    }
    // A column that references this table here and that one there names no level.
    stands_for.retain(|name, _| targets.get(name.as_str()).is_none_or(|targets| targets.len() < 2));
    let best = stands_for
        .into_iter()
        .max_by_key(|(name, tables)| (tables.len(), std::cmp::Reverse(name.clone())))?;
    (best.1.len() >= MIN_INNER).then_some(best.0)
}

fn explain(catalog: &Catalog, outer: &Candidate, inner: Option<&str>) -> String {
    let keys: Vec<String> = outer.keys.iter().map(|key| format!("`{key}`")).collect();
    let mut text = format!(
        "Without a tenantry.toml, tenants were inferred from the schema: {} {} the tenant key, found in {}",
        keys.join(", "),
        if keys.len() == 1 { "is" } else { "are" },
        count(outer.tables, "table"),
    );
    match &outer.root {
        Some((table, column)) => {
            let root = format!("`{}.{column}`", display(catalog, table));
            match outer.foreign_keys {
                0 => text.push_str(&format!(", and {root} by its name is the table of tenants.")),
                n => {
                    text.push_str(&format!(", and {} from there to the table of tenants, {root}.", leads(n)))
                }
            }
        }
        None => text.push_str("; no table of tenants was found."),
    }
    if let Some(inner) = inner {
        text.push_str(&format!(
            " There is a second level: `{inner}` stands for it in tables that do not have the outer key, and belongs to it."
        ));
    }
    if outer.rank == STEMS.len() {
        text.push_str(" No other owner was found, so each user is taken for a tenant.");
    }
    text
}

fn leads(n: usize) -> String {
    if n == 1 { "one foreign key leads".to_owned() } else { format!("{n} foreign keys lead") }
}

fn count(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn nothing(catalog: &Catalog) -> Inference {
    if catalog.tables.is_empty() {
        let paragraph = "Without a tenantry.toml and with no table read from a schema, nothing is known of tenants; name the schema and the key in tenantry.toml.";
        return finish(catalog, Policy::default(), paragraph.to_owned());
    }
    let paragraph = format!(
        "Without a tenantry.toml, no tenant key could be inferred: none of the {} has a column such as `tenant_id` or `org_id` that stands for a table of tenants. Name the key in tenantry.toml.",
        count(catalog.tables.len(), "table"),
    );
    finish(catalog, Policy::default(), paragraph)
}

fn finish(catalog: &Catalog, policy: Policy, mut paragraph: String) -> Inference {
    let (tenancy, _) = resolve(&policy, catalog);
    let mut undeclared = Vec::new();
    let mut nullable = Vec::new();
    let (mut owned, mut children) = (0, 0);
    for (name, table) in &tenancy.tables {
        match &table.owner {
            TableOwner::Undeclared => {
                let why = table.why.split("; say in [tables]").next().unwrap_or_default();
                undeclared.push((display(catalog, name), why.to_owned()));
            }
            TableOwner::Keyed { keys, .. } => {
                owned += 1;
                let schema = catalog.tables.get(name);
                let may_be_null =
                    |(key, _): &(String, _)| schema.is_some_and(|table| !is_not_null(table, key));
                if keys.iter().all(may_be_null) {
                    nullable.push(display(catalog, name));
                }
            }
            TableOwner::Child { .. } => children += 1,
            TableOwner::Root { .. } | TableOwner::Shared => {}
        }
    }
    if owned > 0 && children > 0 {
        paragraph.push_str(&format!(" {} to an owned table by foreign key.", belongs(children)));
    }
    if !undeclared.is_empty() && owned > 0 {
        paragraph.push_str(&format!(
            " Of {} nothing says who owns the rows; statements that touch them stay undecided until [tables] says so.",
            count(undeclared.len(), "table"),
        ));
    }
    Inference { policy, paragraph: printable(&paragraph), undeclared, nullable, owned: owned + children }
}

/// The same text, with characters escaped that have no place in a comment of TOML: names of a schema may hold any.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

fn belongs(n: usize) -> String {
    if n == 1 { "One table belongs".to_owned() } else { format!("{n} tables belong") }
}

fn unplaced(value: &str) -> Spanned<String> {
    Spanned { value: value.to_owned(), range: TextRange::default() }
}

/// A `tenantry.toml` that says what was inferred, with what is left to decide as comments.
pub fn to_toml(inference: &Inference) -> String {
    let tenancy = &inference.policy.tenancy;
    let mut text = String::new();
    for line in wrap(&inference.paragraph, 98) {
        text.push_str(&format!("# {line}\n"));
    }
    text.push_str("# Review it: whatever stands here is what proofs rest on.\n\n[tenancy]\n");
    if tenancy.keys.is_empty() {
        text.push_str("# Columns that name the tenant wherever they appear.\n# keys = [\"tenant_id\"]\n");
    } else {
        text.push_str("# Columns that name the tenant wherever they appear.\n");
        text.push_str(&format!("keys = {}\n", list(&tenancy.keys)));
    }
    match &tenancy.root {
        Some(root) => {
            text.push_str(
                "# The table of tenants; root-keys = [\"table.slug\"] names other unique columns of it.\n",
            );
            text.push_str(&format!("root = {}\n", quoted(&root.value)));
        }
        None => text.push_str("# The table of tenants.\n# root = \"tenants.id\"\n"),
    }
    if !tenancy.hierarchy.is_empty() {
        text.push_str(
            "# Outer to inner; a statement tied to the inner level is tied to the outer one as well.\n",
        );
        text.push_str(&format!("hierarchy = {}\n", list(&tenancy.hierarchy)));
    }
    if !inference.nullable.is_empty() {
        let tables: Vec<Spanned<String>> = inference.nullable.iter().map(|name| unplaced(name)).collect();
        text.push_str(
            "# The key may be NULL here. Name the tables whose rows without one belong to everybody.\n",
        );
        text.push_str(&format!("# null-is-shared = {}\n", list(&tables)));
    }
    text.push_str("\n[tables]\n");
    if inference.undeclared.is_empty() {
        text.push_str("# Every table's owner follows from the schema.\n");
        return text;
    }
    text.push_str("# Nothing in the schema says who owns the rows of these. Uncomment one form for each:\n");
    text.push_str(
        "#   { key = \"column\" }   { parent = \"table\", by = \"column\" }   { shared = \"reason\" }\n",
    );
    for (name, why) in &inference.undeclared {
        let why = printable(why);
        text.push_str(&format!("# {why}\n# {} = {{ shared = \"\" }}\n", quoted(name)));
    }
    text
}

fn list(values: &[Spanned<String>]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(&value.value)).collect();
    format!("[{}]", values.join(", "))
}

fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for char in value.chars() {
        match char {
            '"' | '\\' => {
                text.push('\\');
                text.push(char);
            }
            char if char.is_control() => text.push_str(&format!("\\u{:04X}", u32::from(char))),
            char => text.push(char),
        }
    }
    text.push('"');
    text
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}
