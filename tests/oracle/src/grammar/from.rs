//! FROM: tables, derived tables, common table expressions, laterals, and the joins between them.

use crate::grammar::{Built, Grammar, Item};
use crate::model::Ty;

/// A FROM clause with what it brings into scope and the conditions that belong into WHERE.
pub(super) struct From {
    pub(super) text: String,
    pub(super) scope: Vec<Item>,
    pub(super) conditions: Vec<String>,
}

impl Grammar<'_> {
    /// One to three relations.
    pub(super) fn from(&mut self, depth: usize) -> From {
        let mut from = From { text: String::new(), scope: Vec::new(), conditions: Vec::new() };
        let count = match self.rng.below(10) {
            0..=4 => 1,
            5..=7 => 2,
            _ => 3,
        };
        for at in 0..count {
            let Some((source, item, condition)) = self.source(&from.scope, depth, at > 0) else { continue };
            if from.scope.is_empty() {
                from.text = source;
                from.conditions.extend(condition);
            } else {
                self.join(&mut from, &source, &item, condition);
            }
            from.scope.push(item);
        }
        from
    }

    fn join(&mut self, from: &mut From, source: &str, item: &Item, tie: Option<String>) {
        let link = self.link(item, &from.scope);
        let both = |a: Option<String>, b: Option<String>| {
            let parts: Vec<String> = a.into_iter().chain(b).collect();
            if parts.is_empty() { "true".to_owned() } else { parts.join(" AND ") }
        };
        let shared_key = self.key_of(item).filter(|key| {
            from.scope.iter().filter(|known| known.columns.iter().any(|column| column.name == *key)).count()
                == 1
        });
        match self.rng.below(100) {
            0..=39 => match self.rng.chance(50) {
                true => from.text.push_str(&format!(" JOIN {source} ON {}", both(link, tie))),
                false => {
                    from.text.push_str(&format!(" JOIN {source} ON {}", both(link, None)));
                    from.conditions.extend(tie);
                }
            },
            40..=69 => from.text.push_str(&format!(" LEFT JOIN {source} ON {}", both(link, tie))),
            70..=79 => {
                from.text.push_str(&format!(", {source}"));
                from.conditions.extend(link);
                from.conditions.extend(tie);
            }
            80..=86 => {
                from.text.push_str(&format!(" RIGHT JOIN {source} ON {}", both(link, tie.clone())));
                if self.rng.chance(70) {
                    from.conditions.extend(self.tie(item, &[]));
                }
            }
            87..=90 => {
                from.text.push_str(&format!(" FULL JOIN {source} ON {}", both(link, tie)));
                if self.rng.chance(70) {
                    from.conditions.extend(self.tie(item, &[]));
                }
            }
            91..=95 if shared_key.is_some() => {
                let kind = if self.rng.chance(30) { "LEFT JOIN" } else { "JOIN" };
                from.text.push_str(&format!(" {kind} {source} USING ({})", shared_key.unwrap_or_default()));
                from.conditions.extend(link);
            }
            _ => {
                from.text.push_str(&format!(" CROSS JOIN {source}"));
                from.conditions.extend(link);
                from.conditions.extend(tie);
            }
        }
    }

    /// A source with its alias, and the condition that ties it where it does not tie itself.
    fn source(
        &mut self,
        scope: &[Item],
        depth: usize,
        lateral: bool,
    ) -> Option<(String, Item, Option<String>)> {
        match self.rng.below(100) {
            0..=9 if depth > 0 => {
                let built = self.select(depth - 1);
                let item = self.derived(&built);
                Some((format!("({}) {}", built.text, item.alias), item, None))
            }
            10..=17 if depth > 0 => {
                let built = self.select(depth - 1);
                let item = self.derived(&built);
                let name = format!("c_{}", item.alias);
                let how = match self.rng.below(6) {
                    0 => "MATERIALIZED ",
                    1 => "NOT MATERIALIZED ",
                    _ => "",
                };
                self.with.push(format!("{name} AS {how}({})", built.text));
                Some((format!("{name} {}", item.alias), item, None))
            }
            18..=25 if depth > 0 && lateral => {
                let relation = self.any_relation()?;
                let inner = self.item(relation);
                let mut conditions: Vec<String> = self.tie(&inner, scope).into_iter().collect();
                conditions.extend(self.link(&inner, scope));
                let condition = self.conjunction(conditions);
                let columns: Vec<_> =
                    inner.columns.iter().filter(|column| column.ty != Ty::Other).take(4).cloned().collect();
                let list: Vec<String> =
                    columns.iter().map(|column| format!("{}.{}", inner.alias, column.name)).collect();
                let mut text =
                    format!("SELECT {} FROM {} {}{condition}", list.join(", "), inner.relation, inner.alias);
                if self.rng.chance(50) {
                    let order: Vec<String> = (1..=list.len()).map(|at| at.to_string()).collect();
                    text.push_str(&format!(" ORDER BY {} LIMIT 1", order.join(", ")));
                }
                let item = Item { alias: self.alias(), relation: inner.relation, columns };
                Some((format!("LATERAL ({text}) {}", item.alias), item, None))
            }
            _ => {
                let relation = self.any_relation()?;
                let item = self.item(relation);
                let tie = self.tie(&item, scope);
                Some((format!("{} {}", item.relation, item.alias), item, tie))
            }
        }
    }

    /// What a query's rows are in scope: of no table, unless it has one's key.
    fn derived(&mut self, built: &Built) -> Item {
        let alias = self.alias();
        let key = built.columns.iter().find_map(|column| {
            self.model.relations.iter().find(|relation| {
                matches!(&relation.tie, crate::model::Tie::Keys(keys)
                    if keys.iter().any(|(key, domain)| *key == column.name && *domain == self.domain))
            })
        });
        let relation = key.map(|relation| relation.name.clone()).unwrap_or_default();
        Item { alias, relation, columns: built.columns.clone() }
    }
}
