//! INSERT, UPDATE, DELETE, MERGE, and statements that change rows on their way.

use crate::grammar::{Grammar, Item};
use crate::model::{Column, Relation, Tie, Ty};

impl<'a> Grammar<'a> {
    fn target(&mut self) -> Option<&'a Relation> {
        let shared = self.rng.chance(3);
        let from = self.relations(|relation| {
            relation.table && (shared || !matches!(relation.tie, Tie::None)) && relation.name != "tenants"
        });
        self.rng.pick(&from).copied()
    }

    pub(super) fn update(&mut self) -> String {
        let Some(relation) = self.target() else { return "SELECT 1".to_owned() };
        let target = self.item(relation);
        let mut conditions: Vec<String> = self.tie(&target, &[]).into_iter().collect();
        let mut scope = vec![target.clone()];
        let mut text = format!("UPDATE {} {} SET ", target.relation, target.alias);
        let from = self.other_source(&target, &mut scope, &mut conditions);
        let mut sets: Vec<String> = Vec::new();
        for _ in 0..self.rng.range(1, 2) {
            let Some(column) = self.rng.pick(&target.columns).cloned() else { continue };
            let set = self.assignment(&target, &column, &scope);
            if column.ty != Ty::Other
                && sets.iter().all(|known| !known.starts_with(&format!("{} ", column.name)))
            {
                sets.push(set);
            }
        }
        if sets.is_empty() {
            sets.push(format!("{} = {}.{}", "id", target.alias, "id"));
        }
        text.push_str(&sets.join(", "));
        text.push_str(&from.map_or(String::new(), |from| format!(" FROM {from}")));
        self.finish(text, &target, &scope, conditions)
    }

    pub(super) fn assignment(&mut self, target: &Item, column: &Column, scope: &[Item]) -> String {
        let name = &column.name;
        let key = self.key_of(target).as_ref() == Some(name);
        let value = match (key, column.ty, self.rng.below(8)) {
            (true, _, 0..=5) => "$1".to_owned(),
            (true, _, _) => self.parameter(column),
            (_, Ty::Int, 0..=2) => format!("coalesce({}.{name}, 0) + 1", target.alias),
            (_, Ty::Text, 0..=2) => "'done'".to_owned(),
            (_, Ty::Text, 3) => format!("{}.{name} || 'x'", target.alias),
            (_, _, 4) if column.nullable => "NULL".to_owned(),
            (_, ty, 5) => {
                let other = self.rng.pick(scope).cloned();
                let found = other
                    .and_then(|item| Some(format!("{}.{}", item.alias, self.column(&item, Some(ty))?.name)));
                found.unwrap_or_else(|| self.parameter(column))
            }
            (_, _, 6) => self.reference_value(target, name).unwrap_or_else(|| self.parameter(column)),
            _ => self.parameter(column),
        };
        format!("{name} = {value}")
    }

    /// The id of a tied row that a foreign key may refer to.
    fn reference_value(&mut self, target: &Item, column: &str) -> Option<String> {
        let relation = self.model.relation(&target.relation)?;
        let (_, to, columns) = relation
            .references
            .iter()
            .find(|(columns, _, _)| columns.last().is_some_and(|last| last == column))?;
        let (to, id) = (self.model.relation(to)?, columns.last()?.clone());
        let inner = self.item(to);
        let mut conditions: Vec<String> = self.tie(&inner, &[]).into_iter().collect();
        if self.rng.chance(50) {
            let column = inner.columns.iter().find(|column| column.name == id)?.clone();
            let parameter = self.parameter(&column);
            conditions.push(format!("{}.{id} = {parameter}", inner.alias));
        }
        let condition = self.conjunction(conditions);
        Some(format!(
            "(SELECT {}.{id} FROM {} {}{condition} ORDER BY 1 LIMIT 1)",
            inner.alias, inner.relation, inner.alias
        ))
    }

    pub(super) fn delete(&mut self) -> String {
        let Some(relation) = self.target() else { return "SELECT 1".to_owned() };
        let target = self.item(relation);
        let mut conditions: Vec<String> = self.tie(&target, &[]).into_iter().collect();
        let mut scope = vec![target.clone()];
        let using = self.other_source(&target, &mut scope, &mut conditions);
        let mut text = format!("DELETE FROM {} {}", target.relation, target.alias);
        text.push_str(&using.map_or(String::new(), |using| format!(" USING {using}")));
        self.finish(text, &target, &scope, conditions)
    }

    fn other_source(
        &mut self,
        target: &Item,
        scope: &mut Vec<Item>,
        conditions: &mut Vec<String>,
    ) -> Option<String> {
        if !self.rng.chance(25) {
            return None;
        }
        let relation = self.any_relation()?;
        let other = self.item(relation);
        conditions.extend(self.link(&other, std::slice::from_ref(target)));
        conditions.extend(self.tie(&other, std::slice::from_ref(target)));
        let text = format!("{} {}", other.relation, other.alias);
        scope.push(other);
        Some(text)
    }

    fn finish(
        &mut self,
        mut text: String,
        target: &Item,
        scope: &[Item],
        mut conditions: Vec<String>,
    ) -> String {
        if self.rng.chance(60) {
            conditions.push(self.filter(scope, 1));
        }
        text.push_str(&self.conjunction(conditions));
        if self.rng.chance(35) {
            let list: Vec<String> = target
                .columns
                .iter()
                .filter(|column| column.ty != Ty::Other)
                .take(self.rng.range(1, 3))
                .map(|column| format!("{}.{}", target.alias, column.name))
                .collect();
            text.push_str(&format!(" RETURNING {}", list.join(", ")));
        }
        text
    }

    pub(super) fn insert(&mut self) -> String {
        let Some(relation) = self.target() else { return "SELECT 1".to_owned() };
        let target = self.item(relation);
        let columns: Vec<Column> = relation
            .columns
            .iter()
            .filter(|column| {
                let wanted = !column.nullable && !column.defaulted;
                let key = self.key_of(&target).as_ref() == Some(&column.name);
                column.ty != Ty::Other && (wanted || key || self.rng.chance(45))
            })
            .cloned()
            .collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let mut text = format!("INSERT INTO {} ({})", relation.name, names.join(", "));
        let source = if self.rng.chance(40) { self.any_relation() } else { None };
        match source {
            None => {
                let rows = if self.rng.chance(15) { 2 } else { 1 };
                let rows: Vec<String> = (0..rows)
                    .map(|_| {
                        let values: Vec<String> =
                            columns.iter().map(|column| self.inserted(&target, column, None)).collect();
                        format!("({})", values.join(", "))
                    })
                    .collect();
                text.push_str(&format!(" VALUES {}", rows.join(", ")));
            }
            Some(source) => {
                let item = self.item(source);
                let values: Vec<String> =
                    columns.iter().map(|column| self.inserted(&target, column, Some(&item))).collect();
                let mut conditions: Vec<String> = self.tie(&item, &[]).into_iter().collect();
                if self.rng.chance(50) {
                    conditions.push(self.filter(std::slice::from_ref(&item), 0));
                }
                let condition = self.conjunction(conditions);
                text.push_str(&format!(
                    " SELECT {} FROM {} {}{condition}",
                    values.join(", "),
                    item.relation,
                    item.alias
                ));
            }
        }
        self.on_conflict(relation, &mut text);
        if self.rng.chance(25) {
            let kept: Vec<&str> = names.iter().copied().take(2).collect();
            text.push_str(&format!(" RETURNING {}", kept.join(", ")));
        }
        text
    }

    pub(super) fn inserted(&mut self, target: &Item, column: &Column, source: Option<&Item>) -> String {
        let name = &column.name;
        if self.key_of(target).as_ref() == Some(name) {
            let from = source.and_then(|source| Some(format!("{}.{}", source.alias, self.key_of(source)?)));
            return match (from, self.rng.below(20)) {
                (Some(from), 0..=9) => from,
                (_, 19) => self.new_parameter(column),
                _ => "$1".to_owned(),
            };
        }
        let from = source.and_then(|source| {
            let same = source.columns.iter().find(|known| known.name == *name && known.ty == column.ty);
            let column = same.or_else(|| source.columns.iter().find(|known| known.ty == column.ty))?;
            Some(format!("{}.{}", source.alias, column.name))
        });
        if let Some(from) = from
            && name != "id"
            && self.rng.chance(60)
        {
            return from;
        }
        let reference = if self.rng.chance(75) { self.reference_value(target, name) } else { None };
        if let Some(reference) = reference {
            return reference;
        }
        match (column.ty, self.rng.below(4)) {
            (Ty::Int, 0 | 1) if name != "id" => self.rng.range(1, 9).to_string(),
            (Ty::Text, 0 | 1) => "'alpha'".to_owned(),
            (_, 2) if column.nullable => "NULL".to_owned(),
            _ => self.new_parameter(column),
        }
    }

    fn on_conflict(&mut self, relation: &Relation, text: &mut String) {
        if !self.rng.chance(45) {
            return;
        }
        if self.rng.chance(20) {
            text.push_str(" ON CONFLICT DO NOTHING");
            return;
        }
        let Some((columns, predicate)) = self.rng.pick(&relation.uniques).cloned() else { return };
        let predicate = predicate.map_or(String::new(), |predicate| format!(" WHERE {predicate}"));
        text.push_str(&format!(" ON CONFLICT ({}){predicate}", columns.join(", ")));
        let set: Vec<&Column> = relation
            .columns
            .iter()
            .filter(|column| matches!(column.name.as_str(), "title" | "status" | "n" | "body" | "what"))
            .collect();
        let Some(set) = self.rng.pick(&set).copied().filter(|_| self.rng.chance(70)) else {
            text.push_str(" DO NOTHING");
            return;
        };
        text.push_str(&format!(" DO UPDATE SET {0} = excluded.{0}", set.name));
        let key = relation.columns.iter().find(|column| {
            matches!(&relation.tie, Tie::Keys(keys) if keys.iter().any(|(key, domain)| *key == column.name && *domain == self.domain))
        });
        if let Some(key) = key
            && self.rng.chance(30)
        {
            text.push_str(&format!(" WHERE {}.{} = $1", relation.name, key.name));
        }
    }

    pub(super) fn merge(&mut self) -> String {
        let (Some(relation), Some(source)) = (self.target(), self.any_relation()) else {
            return "SELECT 1".to_owned();
        };
        let (target, source) = (self.item(relation), self.item(source));
        let inner = self.alias();
        let columns: Vec<Column> =
            source.columns.iter().filter(|column| column.ty != Ty::Other).cloned().collect();
        let list: Vec<String> = columns.iter().map(|column| format!("{inner}.{}", column.name)).collect();
        let scanned = Item { alias: inner.clone(), ..source.clone() };
        let conditions = self.tie(&scanned, &[]).into_iter().collect();
        let condition = self.conjunction(conditions);
        let mut on: Vec<String> = self.tie(&target, std::slice::from_ref(&source)).into_iter().collect();
        on.extend(self.link(&target, std::slice::from_ref(&source)));
        if on.is_empty() {
            on.push("false".to_owned());
        }
        let mut text = format!(
            "MERGE INTO {} {} USING (SELECT {} FROM {} {inner}{condition}) {} ON {}",
            target.relation,
            target.alias,
            list.join(", "),
            source.relation,
            source.alias,
            on.join(" AND ")
        );
        let guard = match self.key_of(&target) {
            Some(key) if self.rng.chance(30) => format!(" AND {}.{key} = $1", target.alias),
            _ => String::new(),
        };
        let set = target.columns.iter().find(|column| matches!(column.name.as_str(), "title" | "n" | "body"));
        match (set, self.rng.below(3)) {
            (_, 0) => text.push_str(&format!(" WHEN MATCHED{guard} THEN DELETE")),
            (Some(set), _) => {
                let value = if set.ty == Ty::Int { "7" } else { "'merged'" };
                text.push_str(&format!(" WHEN MATCHED{guard} THEN UPDATE SET {} = {value}", set.name));
            }
            _ => text.push_str(" WHEN MATCHED THEN DO NOTHING"),
        }
        if self.rng.chance(40) {
            let needed: Vec<Column> = relation
                .columns
                .iter()
                .filter(|column| {
                    (!column.nullable && !column.defaulted)
                        || self.key_of(&target).as_ref() == Some(&column.name)
                })
                .cloned()
                .collect();
            let names: Vec<&str> = needed.iter().map(|column| column.name.as_str()).collect();
            let values: Vec<String> =
                needed.iter().map(|column| self.inserted(&target, column, Some(&source))).collect();
            text.push_str(&format!(
                " WHEN NOT MATCHED THEN INSERT ({}) VALUES ({})",
                names.join(", "),
                values.join(", ")
            ));
        }
        text
    }

    /// A statement in a common table expression, and a query of what it returns.
    pub(super) fn modifying(&mut self) -> String {
        let inner = match self.rng.below(3) {
            0 => self.update(),
            1 => self.delete(),
            _ => self.insert(),
        };
        let inner = match inner.split_once(" RETURNING ") {
            Some((before, _)) => before.to_owned(),
            None => inner,
        };
        let name = format!("m_{}", self.alias());
        self.with.push(format!("{name} AS ({inner} RETURNING *)"));
        match self.rng.below(3) {
            0 => format!("SELECT count(*) FROM {name}"),
            1 => format!("SELECT * FROM {name}"),
            _ => self.query(1).text,
        }
    }
}
