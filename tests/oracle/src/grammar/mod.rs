//! Statements at random, most of them scoped or nearly so: every relation is tied to the tenant in one of the ways in which
//! services do it, and now and then not at all.
//!
//! Whatever has no order of its own is ordered by all its columns before it is cut, so that a difference between worlds is
//! never a matter of which of several equal rows came first.

mod from;
mod predicate;
mod query;
pub mod recipe;
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
    /// The rules of TENANCY that the statement means to reach.
    rules: Vec<&'static str>,
    /// The tenant comes from the session's setting, and not from `$1`.
    by_setting: bool,
    /// The tenant may be NULL.
    nullable: bool,
}

/// A statement with the rules that it means to reach.
pub struct Made {
    /// The statement.
    pub statement: Statement,
    /// The rules, by the names that [`recipe::rules`] lists.
    pub rules: Vec<&'static str>,
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

/// How many of a hundred statements are made from recipes; the others are put together by the grammar, in forms as often as
/// services have them.
const COOKED: usize = 45;

/// One statement at random.
pub fn statement(model: &Model, rng: &mut Rng) -> Made {
    let mut grammar = Grammar::new(model, rng);
    // What the schema has nothing for is left for another rule.
    let cooked = if grammar.rng.chance(COOKED) { (0..4).find_map(|_| grammar.cook()) } else { None };
    let text = cooked.unwrap_or_else(|| grammar.composed());
    grammar.finished(text)
}

impl<'a> Grammar<'a> {
    fn new(model: &'a Model, rng: &mut Rng) -> Grammar<'a> {
        let domain = rng.pick(&model.tenants).copied().unwrap_or(DomainId(0));
        Grammar {
            model,
            rng: rng.fork(),
            domain,
            parameters: Vec::new(),
            aliases: 0,
            with: Vec::new(),
            recursive: false,
            rules: Vec::new(),
            by_setting: false,
            nullable: false,
        }
    }

    fn composed(&mut self) -> String {
        let body = match self.rng.below(100) {
            0..=61 => self.query(2).text,
            62..=71 => self.update(),
            72..=79 => self.delete(),
            80..=93 => self.insert(),
            94..=96 => self.merge(),
            _ => self.modifying(),
        };
        if self.with.is_empty() {
            return body;
        }
        let recursive = if self.recursive { "RECURSIVE " } else { "" };
        format!("WITH {recursive}{} {body}", self.with.join(", "))
    }

    fn finished(mut self, text: String) -> Made {
        let (mut sql, mut source) = (text, TenantSource::Param(1));
        let setting = self.model.setting.as_ref().filter(|_| self.domain == DomainId(0));
        if let Some(setting) = setting
            && (self.by_setting || self.rng.chance(20))
        {
            let ty = self.key_type().map_or("text", |(ty, _, _)| ty);
            let missing_ok = if self.rng.chance(30) { ", true" } else { "" };
            let value = format!("current_setting('{setting}'{missing_ok})::{ty}");
            sql = without_first(&sql, &value);
            source = TenantSource::Setting(setting.clone());
        }
        self.rules.sort_unstable();
        self.rules.dedup();
        let tenant = TenantParameter { source, domain: self.domain, nullable: self.nullable };
        Made { statement: Statement { sql, tenants: vec![tenant] }, rules: self.rules }
    }

    /// Notes that the statement means to reach a rule.
    fn reach(&mut self, rule: &'static str) {
        self.rules.push(rule);
    }

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

    /// A new untrusted parameter, where there are not too many.
    fn new_parameter(&mut self, column: &Column) -> String {
        if self.parameters.len() > 6 {
            return self.parameter(column);
        }
        self.parameters.push((column.ty, column.name.ends_with("id") || column.name.ends_with("_ref")));
        format!("${}", self.parameters.len() + 1)
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

/// The text with a value in place of `$1`, and the other parameters one lower.
fn without_first(sql: &str, value: &str) -> String {
    let mut parts = sql.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.chars().take_while(char::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        match number.parse::<usize>() {
            Ok(1) => out.push_str(value),
            Ok(number) => out.push_str(&format!("${}", number - 1)),
            Err(_) => out.push_str(&format!("${number}")),
        }
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::without_first;

    #[test]
    fn a_setting_takes_the_place_of_the_first_parameter() {
        assert_eq!(without_first("SELECT $1, $12 WHERE a = $2", "x"), "SELECT x, $11 WHERE a = $1");
    }
}
