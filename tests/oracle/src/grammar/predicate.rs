//! Conditions: the ties of a relation to the tenant, links between relations, and filters.

use crate::grammar::{Grammar, Item, recipe};
use crate::model::{Tie, Ty};

impl Grammar<'_> {
    /// What ties `item` to the tenant, given relations that are tied; nothing for shared relations, and now and then.
    pub(super) fn tie(&mut self, item: &Item, tied: &[Item]) -> Option<String> {
        if self.rng.chance(3) {
            return None;
        }
        let relation = self.model.relation(&item.relation)?;
        let alias = &item.alias;
        match &relation.tie {
            Tie::None => None,
            Tie::Keys(_) if self.key_of(item).is_some() => {
                let key = self.key_of(item)?;
                let others: Vec<String> = tied
                    .iter()
                    .filter_map(|other| Some(format!("{}.{}", other.alias, self.key_of(other)?)))
                    .collect();
                if self.rng.chance(55)
                    && let Some(other) = self.rng.pick(&others)
                {
                    return Some(format!("{alias}.{key} = {other}"));
                }
                Some(self.pin(&format!("{alias}.{key}")))
            }
            Tie::Keys(keys) => {
                // Another kind of key: through the table that has both.
                let (key, domain) =
                    keys.iter().find(|(key, _)| item.columns.iter().any(|c| c.name == *key))?;
                let bridge = self.model.relations.iter().find_map(|root| {
                    let Tie::Keys(known) = &root.tie else { return None };
                    let there = known.iter().find(|(_, known)| known == domain)?;
                    let own = known.iter().find(|(_, known)| *known == self.domain)?;
                    root.table.then(|| (root.name.clone(), there.0.clone(), own.0.clone()))
                });
                let (root, there, own) = bridge?;
                let inner = self.alias();
                let pin = self.pin(&format!("{inner}.{own}"));
                Some(format!("{alias}.{key} IN (SELECT {inner}.{there} FROM {root} {inner} WHERE {pin})"))
            }
            Tie::Parent(by, parent, column) => {
                let (by, parent, column) = (by.clone(), parent.clone(), column.clone());
                if let Some(known) = tied.iter().find(|known| {
                    known.relation == parent && known.columns.iter().any(|known| known.name == column)
                }) && self.rng.chance(80)
                {
                    return Some(format!("{alias}.{by} = {}.{column}", known.alias));
                }
                let relation = self.model.relation(&parent)?;
                let inner = self.item(relation);
                let condition = self.tie(&inner, &[])?;
                let from = format!("FROM {parent} {}", inner.alias);
                Some(match self.rng.chance(60) {
                    true => {
                        format!("{alias}.{by} IN (SELECT {}.{column} {from} WHERE {condition})", inner.alias)
                    }
                    false => format!(
                        "EXISTS (SELECT 1 {from} WHERE {}.{column} = {alias}.{by} AND {condition})",
                        inner.alias
                    ),
                })
            }
        }
    }

    /// The ways in which a key is compared with the tenant.
    fn pin(&mut self, key: &str) -> String {
        if self.rng.chance(60) {
            return format!("{key} = $1");
        }
        let chosen = self.rng.pick(recipe::pins());
        chosen.and_then(|chosen| self.pin_by(chosen, key)).unwrap_or_else(|| format!("{key} = $1"))
    }

    /// A condition that relates `item` to something in scope.
    pub(super) fn link(&mut self, item: &Item, scope: &[Item]) -> Option<String> {
        let mut links: Vec<String> = Vec::new();
        let has = |item: &Item, name: &str| item.columns.iter().any(|column| column.name == name);
        for other in scope {
            for (from, to) in [(item, other), (other, item)] {
                let Some(relation) = self.model.relation(&from.relation) else { continue };
                for (columns, target, target_columns) in &relation.references {
                    let whole = columns.iter().all(|column| has(from, column))
                        && target_columns.iter().all(|column| has(to, column));
                    if *target == to.relation && whole {
                        let pairs: Vec<String> = columns
                            .iter()
                            .zip(target_columns)
                            .map(|(a, b)| format!("{}.{a} = {}.{b}", from.alias, to.alias))
                            .collect();
                        links.extend([pairs.join(" AND "), pairs.join(" AND ")]);
                        links.extend(pairs.last().cloned());
                    }
                }
            }
            for name in ["id", "n", "title", "status"] {
                let ty = |item: &Item| item.columns.iter().find(|c| c.name == name).map(|c| c.ty);
                if ty(item).is_some() && ty(item) == ty(other) {
                    links.push(format!("{}.{name} = {}.{name}", item.alias, other.alias));
                }
            }
        }
        self.rng.pick(&links).cloned()
    }

    /// A filter over relations in scope.
    pub(super) fn filter(&mut self, scope: &[Item], depth: usize) -> String {
        let Some(item) = self.rng.pick(scope).cloned() else { return "true".to_owned() };
        if depth > 0 && self.rng.chance(30) {
            return self.subquery_filter(&item, scope, depth - 1);
        }
        let Some(column) = self.column(&item, None).cloned() else { return "true".to_owned() };
        let name = format!("{}.{}", item.alias, column.name);
        match (column.ty, self.rng.below(12)) {
            (_, 0) => format!("{name} IS NOT NULL"),
            (_, 1) => format!("{name} IS NULL"),
            (Ty::Int, 2) => format!("{name} BETWEEN 1 AND {}", self.rng.range(2, 9)),
            (Ty::Int, 3) => format!("{name} IN (1, 2, 5)"),
            (Ty::Int, 4) => format!("coalesce({name}, 0) > 1"),
            (Ty::Int, 5) => format!("{name} % 2 = 1"),
            (Ty::Int, 6) => format!("{name} <> {}", self.rng.range(0, 5)),
            (Ty::Int, 7 | 8) => format!("{name} > {}", self.rng.range(0, 5)),
            (Ty::Text, 2) => format!("{name} LIKE 'a%'"),
            (Ty::Text, 3) => format!("{name} IN ('open', 'done')"),
            (Ty::Text, 4) => format!("lower({name}) = 'open'"),
            (Ty::Text, 5) => format!("{name} <> 'done'"),
            (Ty::Text, 6) => format!("length({name}) > 4"),
            (Ty::Text, 7) => format!("{name} = 'alpha'"),
            (_, 8 | 9) => {
                let parameter = self.parameter(&column);
                match self.rng.below(4) {
                    0 => format!("({parameter} IS NULL OR {name} = {parameter})"),
                    1 => format!("{name} = coalesce({parameter}, {name})"),
                    _ => format!("{name} = {parameter}"),
                }
            }
            (_, 10) => {
                let (a, b) = (self.filter(scope, 0), self.filter(scope, 0));
                format!("({a} OR {b})")
            }
            _ => {
                let parameter = self.parameter(&column);
                format!("{name} = {parameter}")
            }
        }
    }

    fn subquery_filter(&mut self, item: &Item, scope: &[Item], depth: usize) -> String {
        let Some(relation) = self.any_relation() else { return "true".to_owned() };
        let inner = self.item(relation);
        let mut conditions: Vec<String> = self.tie(&inner, scope).into_iter().collect();
        if self.rng.chance(50) {
            conditions.extend(self.link(&inner, scope));
        }
        if self.rng.chance(40) {
            conditions.push(self.filter(std::slice::from_ref(&inner), depth));
        }
        let condition = self.conjunction(conditions);
        let from = format!("FROM {} {}{condition}", inner.relation, inner.alias);
        let kinds = [Ty::Int, Ty::Text, Ty::Uuid];
        let ty = self.rng.pick(&kinds).copied();
        let (outer, own) = (self.column(item, ty).cloned(), self.column(&inner, ty).cloned());
        let (Some(outer), Some(own)) = (outer, own) else { return format!("EXISTS (SELECT 1 {from})") };
        let (outer, own) =
            (format!("{}.{}", item.alias, outer.name), format!("{}.{}", inner.alias, own.name));
        match self.rng.below(12) {
            0..=2 => format!("EXISTS (SELECT 1 {from})"),
            3 => format!("NOT EXISTS (SELECT 1 {from})"),
            4..=6 => format!("{outer} IN (SELECT {own} {from})"),
            7 => format!("{outer} NOT IN (SELECT {own} {from})"),
            8 => format!("{outer} = ANY (SELECT {own} {from})"),
            9 => format!("{outer} <> ALL (SELECT {own} {from})"),
            10 => format!("(SELECT count(*) {from}) > {}", self.rng.range(0, 2)),
            _ => {
                let function = if self.rng.chance(50) { "min" } else { "max" };
                let own = if own.ends_with("id") { format!("{own}::text") } else { own };
                format!("{outer}::text >= (SELECT {function}({own})::text {from})")
            }
        }
    }

    /// ` WHERE …`, or nothing.
    pub(super) fn conjunction(&mut self, mut conditions: Vec<String>) -> String {
        self.rng.shuffle(&mut conditions);
        match conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", conditions.join(" AND ")),
        }
    }
}
