//! What a statement may know of the values that earlier statements of its function returned.
//!
//! **Invariant:** a value is known only if one site, proved as scoped, returned it as a column that names what is the
//! tenant's; then the statement may take nothing else for the tenant than what that site took for it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use tenantry_prover::tenancy::TableOwner;
use tenantry_prover::verdict::{Basis, KnownValue, Named, Proof, ReturnedColumn, TenantSource, Verdict};
use tenantry_source::{Bind, Piece, ProvenanceKind, QuerySite, RowColumn, RowValue, SqlText};

use crate::decide::{CALLERS, Decision, FRESH, prove_with};
use crate::statement::Schema;

/// How often what is known is handed on.
pub const MAX_ROUNDS: usize = 4;

/// What is known of the values bound to a site.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The values.
    pub values: Vec<KnownValue>,
    /// Keys of the binds that the earlier statements took for the tenant.
    pub keys: BTreeSet<String>,
    /// Settings that they took for it.
    pub settings: BTreeSet<String>,
    /// What their proofs take for granted of the tenant, and what this use of them does.
    pub assumptions: Vec<String>,
}

/// A site with the database that decided it and what was decided.
pub type Judged<'a> = (&'a QuerySite, Option<usize>, &'a [Decision]);

/// What is known of the values bound to `site`; `near` are the sites of its file.
pub fn known(site: &QuerySite, database: usize, schema: Schema<'_>, near: &[Judged<'_>]) -> Option<Known> {
    let mut all: Option<Known> = None;
    for (param, bind) in (1..).zip(site.binds.as_deref().unwrap_or_default()) {
        let read = returned(site, database, bind, near)
            .or_else(|| looked_up(site, database, bind, near))
            .map(|(from, proof, names)| (from, Cow::Borrowed(proof), names))
            .or_else(|| answered(site, database, bind, schema, near));
        let Some((from, proof, names)) = read else { continue };
        let (keys, settings) = pins(from, &proof);
        let known = all.get_or_insert_with(|| Known {
            keys: keys.clone(),
            settings: settings.clone(),
            ..Known::default()
        });
        if known.keys != keys || known.settings != settings {
            // Two statements that took different values for the tenant may have returned rows of two.
            return None;
        }
        known.values.push(KnownValue { param, names, is_new: false, chosen: false });
        let handed_on =
            proof.assumptions.iter().filter(|text| text.starts_with(CALLERS) || text.ends_with(FRESH));
        known.assumptions.extend(handed_on.cloned());
        known.assumptions.push(assumption(bind));
    }
    all
}

/// A value that was read from a row: the site that returned it, and what it names.
fn returned<'a>(
    site: &QuerySite,
    database: usize,
    bind: &Bind,
    near: &[Judged<'a>],
) -> Option<(&'a QuerySite, &'a Proof, Vec<Named>)> {
    let row = bind.provenance.row.as_ref()?;
    let (from, proof) = origin(site, database, row, near)?;
    let names = &column(from, proof, &row.column)?.names;
    (!names.is_empty()).then(|| (from, proof, names.clone()))
}

/// A value by which an earlier statement found a row, on every way here: it names what that row was compared with.
fn looked_up<'a>(
    site: &QuerySite,
    database: usize,
    bind: &Bind,
    near: &[Judged<'a>],
) -> Option<(&'a QuerySite, &'a Proof, Vec<Named>)> {
    near.iter().find_map(|(from, of, decisions)| {
        let [Decision { verdict: Verdict::Scoped(proof), .. }] = *decisions else { return None };
        let passed = if proof.basis == Basis::Guard { &site.checked } else { &site.found };
        let has_passed = passed.contains(&from.span);
        let if_any = proof.basis == Basis::Guard && site.checked_if_any.contains(&from.span);
        let is_earlier = *of == Some(database) && from.item == site.item && (has_passed || if_any);
        if !is_earlier || from.texts.len() != 1 {
            return None;
        }
        let mut same = from.all_binds().filter(|(_, other)| other.key == bind.key);
        let given = same.find_map(|(number, _)| proof.given.iter().find(|given| given.param == number))?;
        (has_passed || finds_any(from, decisions, given.param)).then(|| (*from, proof, given.names.clone()))
    })
}

/// A value by which a row was asked for, `SELECT EXISTS (…)` or `SELECT count(*) …`, where the answer was that there is one.
fn answered<'a>(
    site: &QuerySite,
    database: usize,
    bind: &Bind,
    schema: Schema<'_>,
    near: &[Judged<'a>],
) -> Option<(&'a QuerySite, Cow<'a, Proof>, Vec<Named>)> {
    near.iter().find_map(|(from, of, decisions)| {
        let [Decision { verdict: Verdict::Scoped(scoped), .. }] = *decisions else { return None };
        let is_earlier =
            *of == Some(database) && from.item == site.item && site.answered.contains(&from.span);
        let is_value = from.call.contains("scalar") && from.texts.len() == 1 && scoped.basis == Basis::Query;
        if !is_earlier || !is_value {
            return None;
        }
        let text = from.texts.first()?.known_in(schema.dialect, &[])?;
        let [statement] = &schema.bind(&text)[..] else { return None };
        let asked = statement.asked_for()?;
        let (Verdict::Scoped(proof), _) = prove_with(schema, from, &asked, &Known::default()) else {
            return None;
        };
        let mut same = from.all_binds().filter(|(_, other)| other.key == bind.key);
        let names = same.find_map(|(number, _)| proof.given.iter().find(|given| given.param == number))?;
        let names = names.names.clone();
        Some((*from, Cow::Owned(proof), names))
    })
}

/// True for a statement that returns whichever row of a table has a value in a column: that it returned none says that no
/// row has it, whereas any other condition may have left one out. A view may have conditions of its own.
fn finds_any(from: &QuerySite, decisions: &[Decision], number: u32) -> bool {
    let text = from.texts.first().and_then(SqlText::known).unwrap_or_default().to_ascii_lowercase();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parts = text.split_once(" where ").and_then(|(head, condition)| {
        let (columns, table) = head.split_once(" from ")?;
        Some((columns, table, condition.trim_end_matches(';').replace(' ', "")))
    });
    let Some((columns, table, condition)) = parts else { return false };
    let is_name =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_.\"".contains(c));
    let words: Vec<&str> = table.split(' ').collect();
    let (name, is_alone) = match words.as_slice() {
        [name] | [name, _] | [name, "as", _] => (*name, words.iter().all(|word| is_name(word))),
        _ => return false,
    };
    let mut tables = decisions.iter().flat_map(|decision| &decision.tables);
    let (Some(known), None) = (tables.next(), tables.next()) else { return false };
    let bare = name.rsplit('.').next().unwrap_or(name).trim_matches('"');
    let column = condition.strip_suffix(&format!("=${number}"));
    is_alone
        && columns.starts_with("select ")
        && !columns.contains('(')
        && known.name == bare
        && column.is_some_and(is_name)
}

fn assumption(bind: &Bind) -> String {
    let text = bind.text.trim_start_matches('&');
    match bind.provenance.row {
        Some(_) => format!("the row that `{text}` was read from is still the tenant's"),
        None => format!("the row that was found by `{text}` is still the tenant's"),
    }
}

/// The site that returned the row, if it is the only one that can have and its proof is at hand.
fn origin<'a>(
    site: &QuerySite,
    database: usize,
    row: &RowValue,
    near: &[Judged<'a>],
) -> Option<(&'a QuerySite, &'a Proof)> {
    let (from, decisions) = made_by(site, database, row, near)?;
    let [Decision { verdict: Verdict::Scoped(proof), .. }] = decisions else { return None };
    Some((from, proof))
}

/// The site that returned the row, if it is the only one that can have, with what was decided of it.
fn made_by<'a>(
    site: &QuerySite,
    database: usize,
    row: &RowValue,
    near: &[Judged<'a>],
) -> Option<(&'a QuerySite, &'a [Decision])> {
    let inside = |(other, _, _): &&Judged<'a>| {
        other.span.file == row.within.file && row.within.range.contains_range(other.span.range)
    };
    let mut inside = near.iter().filter(inside);
    let (Some((from, of, decisions)), None) = (inside.next(), inside.next()) else { return None };
    let same = *of == Some(database) && from.item == site.item && from.span != site.span;
    same.then_some((*from, *decisions))
}

/// What would be known of the values bound to `site`, were the undecided statements that returned them the tenant's, and
/// the fields of structs that are not seen what they are called; with the expressions of these values.
///
/// No proof may rest on it: it tells only whether a finding would.
pub fn supposed(
    site: &QuerySite,
    database: usize,
    schema: Schema<'_>,
    near: &[Judged<'_>],
) -> Option<(Known, Vec<String>)> {
    let binds = || (1..).zip(site.binds.as_deref().unwrap_or_default());
    let mut all = match known(site, database, schema, near) {
        Some(known) => known,
        // What is known of two tenants is no doubt.
        None if binds().any(|(_, bind)| returned(site, database, bind, near).is_some()) => return None,
        None => {
            let is_tenant = |bind: &Bind| {
                matches!(
                    bind.provenance.kind,
                    ProvenanceKind::Trusted | ProvenanceKind::Guarded | ProvenanceKind::Parameter
                )
            };
            let keys = binds().filter(|(_, bind)| is_tenant(bind)).map(|(_, bind)| bind.key.clone());
            Known { keys: keys.collect(), ..Known::default() }
        }
    };
    let mut texts = Vec::new();
    for (param, bind) in binds().filter(|(_, bind)| returned(site, database, bind, near).is_none()) {
        let names = bind.provenance.row.as_ref().and_then(|row| {
            let (from, decisions) = made_by(site, database, row, near)?;
            // What a library of chains reads into a field is known, or is another column.
            let is_chain = matches!(from.library.as_str(), "diesel" | "sea-orm")
                && from
                    .texts
                    .iter()
                    .flat_map(|text| &text.pieces)
                    .any(|piece| matches!(piece, Piece::Built { .. } | Piece::Name { .. }));
            let is_settled = is_chain && matches!(decisions, [Decision { verdict: Verdict::Scoped(_), .. }]);
            (!is_settled).then(|| names_by_name(decisions, schema, &row.column))
        });
        if let Some(names) = names.filter(|names| !names.is_empty()) {
            all.values.push(KnownValue { param, names, is_new: false, chosen: false });
            texts.push(bind.text.trim_start_matches('&').to_owned());
        }
    }
    (!texts.is_empty()).then_some((all, texts))
}

/// What a column of this name may name in the tables that a statement touches; in what it returns where it is proved.
fn names_by_name(decisions: &[Decision], schema: Schema<'_>, column: &RowColumn) -> Vec<Named> {
    let name = match column {
        RowColumn::Field(name) | RowColumn::Name(name) => Some(name),
        RowColumn::Only => None,
    };
    let is_meant = |known: &str| name.is_none_or(|name| name == known);
    let mut names = Vec::new();
    for decision in decisions {
        match &decision.verdict {
            Verdict::Scoped(proof) => {
                let returned = proof.returns.iter().filter(|returned| is_meant(&returned.name));
                names.extend(returned.flat_map(|returned| returned.names.iter().cloned()));
            }
            Verdict::Undecided(_) => {
                for table in &decision.tables {
                    let keys = match schema.tenancy.owner(table) {
                        TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => keys.as_slice(),
                        TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => &[],
                    };
                    let keys = keys.iter().filter(|(key, _)| is_meant(key));
                    names.extend(keys.map(|(_, domain)| Named::Tenant(*domain)));
                    let known = schema.catalog.tables.get(table);
                    let unique = known.into_iter().flat_map(|known| &known.keys).filter_map(|key| {
                        let [only] = key.columns.as_slice() else { return None };
                        is_meant(only).then(|| Named::Row(table.clone(), only.clone()))
                    });
                    names.extend(unique);
                }
            }
            Verdict::Leaks(_) => {}
        }
    }
    names
}

/// The column that is meant, of those that the statement returns.
pub fn column<'p>(from: &QuerySite, proof: &'p Proof, column: &RowColumn) -> Option<&'p ReturnedColumn> {
    // A macro checks the fields of the type against the columns; elsewhere a type may read a column under another name.
    let is_macro = from.call.ends_with('!');
    let name = match column {
        RowColumn::Only if from.call.contains("scalar") => return proof.returns.first(),
        // Of a row that its function gives back it was seen what its fields are.
        RowColumn::Field(name) if from.returned.is_some() => match &from.fields {
            Some(fields) => {
                let at = fields.iter().position(|field| field == name);
                return at
                    .filter(|_| fields.len() == proof.returns.len())
                    .and_then(|at| proof.returns.get(at));
            }
            None => name,
        },
        RowColumn::Field(name) if is_macro => name,
        RowColumn::Name(name) => name,
        RowColumn::Only | RowColumn::Field(_) => return None,
    };
    let mut named = proof.returns.iter().filter(|returned| bare(&returned.name, is_macro) == *name);
    match (named.next(), named.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// The name of a column as the type knows it. Macros take it up to a mark: `"id!"`, `"id?"`, `"id: Uuid"`.
pub fn bare(written: &str, is_macro: bool) -> &str {
    match is_macro {
        true => written.split(['!', '?', ':']).next().unwrap_or(written).trim(),
        false => written,
    }
}

/// What a proof took for the tenant: keys of binds, and settings.
fn pins(site: &QuerySite, proof: &Proof) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut keys = BTreeSet::new();
    let mut settings = BTreeSet::new();
    for source in &proof.pins {
        match source {
            TenantSource::Param(number) => {
                let bind = site.all_binds().find(|(known, _)| known == number);
                keys.insert(bind.map_or_else(|| format!("${number}"), |(_, bind)| bind.key.clone()));
            }
            TenantSource::Setting(name) => {
                settings.insert(name.clone());
            }
        }
    }
    (keys, settings)
}
