//! Statements at random, most of them scoped or nearly so: every relation is tied to the tenant in one of the ways in which
//! services do it, and now and then not at all.
//!
//! Whatever has no order of its own is ordered by all its columns before it is cut, so that a difference between worlds is
//! never a matter of which of several equal rows came first.

mod from;
mod predicate;
mod query;
mod write;

use tenantry_prover::tenancy::DomainId;
use tenantry_prover::verdict::TenantSource;

use crate::model::{Column, Model, Relation, Tie, Ty};
use crate::rng::Rng;
use crate::subject::{Statement, TenantParameter};

/// Makes statements on one schema.
pub struct Grammar<'a> {
    model: &'a Model,
    rng: Rng,
    /// What `$1` names.
    domain: DomainId,
    /// What the untrusted parameters are compared with; `$2` is the first.
    parameters: Vec<(Ty, bool)>,
    aliases: usize,
    /// Common table expressions so far, as `name AS (…)`.
    with: Vec<String>,
    recursive: bool,
}

/// A relation in scope.
#[derive(Clone)]
struct Item {
    alias: String,
    /// The table or view behind it.
    relation: String,
    columns: Vec<Column>,
}

/// A query with what it returns.
struct Built {
    text: String,
    columns: Vec<Column>,
}

/// One statement at random.
pub fn statement(model: &Model, rng: &mut Rng) -> Statement {
    let domain = rng.pick(&model.tenants).copied().unwrap_or(DomainId(0));
    let mut grammar = Grammar {
        model,
        rng: rng.fork(),
        domain,
        parameters: Vec::new(),
        aliases: 0,
        with: Vec::new(),
        recursive: false,
    };
    let body = match grammar.rng.below(100) {
        0..=61 => grammar.query(2).text,
        62..=71 => grammar.update(),
        72..=79 => grammar.delete(),
        80..=93 => grammar.insert(),
        94..=96 => grammar.merge(),
        _ => grammar.modifying(),
    };
    let with = match grammar.with.is_empty() {
        true => String::new(),
        false => {
            let recursive = if grammar.recursive { "RECURSIVE " } else { "" };
            format!("WITH {recursive}{} ", grammar.with.join(", "))
        }
    };
    let source = TenantSource::Param(1);
    Statement { sql: format!("{with}{body}"), tenants: vec![TenantParameter { source, domain }] }
}

impl<'a> Grammar<'a> {
    fn alias(&mut self) -> String {
        self.aliases += 1;
        let letter = char::from(b'a' + u8::try_from((self.aliases - 1) % 26).unwrap_or(0));
        match (self.aliases - 1) / 26 {
            0 => letter.to_string(),
            round => format!("{letter}{round}"),
        }
    }

    /// A new untrusted parameter, or one that is there already for values of the same type.
    fn parameter(&mut self, column: &Column) -> String {
        let use_ = (column.ty, column.name.ends_with("id") || column.name.ends_with("_ref"));
        let known: Vec<usize> = self
            .parameters
            .iter()
            .enumerate()
            .filter(|(_, known)| **known == use_)
            .map(|(at, _)| at)
            .collect();
        let at = match self.rng.pick(&known) {
            Some(at) if self.parameters.len() > 2 || self.rng.chance(40) => *at,
            _ => {
                self.parameters.push(use_);
                self.parameters.len() - 1
            }
        };
        format!("${}", at + 2)
    }

    fn relations(&self, keep: impl Fn(&Relation) -> bool) -> Vec<&'a Relation> {
        let model: &'a Model = self.model;
        model.relations.iter().filter(|relation| keep(relation)).collect()
    }

    /// Most often an owned relation.
    fn any_relation(&mut self) -> Option<&'a Relation> {
        let owned = self.rng.chance(92);
        let from = self.relations(|relation| !owned || !matches!(relation.tie, Tie::None));
        self.rng.pick(&from).copied()
    }

    fn item(&mut self, relation: &Relation) -> Item {
        Item { alias: self.alias(), relation: relation.name.clone(), columns: relation.columns.clone() }
    }

    fn column<'i>(&mut self, item: &'i Item, ty: Option<Ty>) -> Option<&'i Column> {
        let fit: Vec<&Column> = item
            .columns
            .iter()
            .filter(|column| ty.is_none_or(|ty| column.ty == ty) && column.ty != Ty::Other)
            .collect();
        self.rng.pick(&fit).copied()
    }

    /// The column of an item that names a tenant of the kind that `$1` has.
    fn key_of(&self, item: &Item) -> Option<String> {
        let Tie::Keys(keys) = &self.model.relation(&item.relation)?.tie else { return None };
        let (key, _) = keys.iter().find(|(_, domain)| *domain == self.domain)?;
        item.columns.iter().any(|column| column.name == *key).then(|| key.clone())
    }
}
