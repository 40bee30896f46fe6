//! SELECT, in all its forms.

use crate::grammar::{Built, Grammar, Item};
use crate::model::{Column, Ty};

impl Grammar<'_> {
    /// A query: a select, a set operation, a recursion.
    pub(super) fn query(&mut self, depth: usize) -> Built {
        match self.rng.below(100) {
            0..=11 if depth > 0 => self.set_operation(depth - 1),
            12..=15 if depth > 0 => self.recursion(),
            _ => self.select(depth),
        }
    }

    /// A select of one of the shapes.
    pub(super) fn select(&mut self, depth: usize) -> Built {
        let from = self.from(depth);
        let mut conditions = from.conditions;
        for _ in 0..self.rng.range(0, 2) {
            conditions.push(self.filter(&from.scope, depth));
        }
        let condition = self.conjunction(conditions);
        let tail = format!("FROM {}{condition}", from.text);
        match self.rng.below(100) {
            0..=15 => self.grouped(&from.scope, &tail),
            16..=22 => self.windowed(&from.scope, &tail),
            23..=28 => self.distinct_on(&from.scope, &tail),
            29..=33 => self.counted(&from.scope, &tail, depth),
            _ => self.plain(&from.scope, &tail, depth),
        }
    }

    /// Some columns with names that do not clash, the key among them most often.
    fn columns(&mut self, scope: &[Item]) -> Vec<(String, Column)> {
        let mut chosen: Vec<(String, Column)> = Vec::new();
        let count = self.rng.range(1, 4);
        for at in 0..count {
            let Some(item) = self.rng.pick(scope) else { continue };
            let key = self.key_of(item).filter(|_| at == 0 && self.rng.chance(60));
            let column = match key {
                Some(key) => item.columns.iter().find(|column| column.name == key).cloned(),
                None => self.column(item, None).cloned(),
            };
            let Some(column) = column else { continue };
            if chosen.iter().all(|(_, known)| known.name != column.name) {
                chosen.push((format!("{}.{}", item.alias, column.name), column));
            }
        }
        chosen
    }

    fn plain(&mut self, scope: &[Item], tail: &str, depth: usize) -> Built {
        let columns = self.columns(scope);
        let mut list: Vec<String> = columns.iter().map(|(text, _)| text.clone()).collect();
        let mut types: Vec<Column> = columns.into_iter().map(|(_, column)| column).collect();
        if depth > 0 && self.rng.chance(15) {
            list.push(format!("{} AS x", self.scalar(scope)));
            types.push(Column { name: "x".to_owned(), ty: Ty::Int, nullable: true, defaulted: false });
        }
        if list.is_empty() {
            list.push("1 AS x".to_owned());
            types.push(Column { name: "x".to_owned(), ty: Ty::Int, nullable: false, defaulted: false });
        }
        let distinct = if self.rng.chance(10) { "DISTINCT " } else { "" };
        let mut text = format!("SELECT {distinct}{} {tail}", list.join(", "));
        if self.rng.chance(20) {
            text.push_str(&order(list.len()));
            if self.rng.chance(70) {
                text.push_str(&format!(" LIMIT {}", self.rng.range(1, 3)));
            }
            if self.rng.chance(20) {
                text.push_str(" OFFSET 1");
            }
        } else if distinct.is_empty() && self.rng.chance(5) && !tail.contains(" JOIN ") {
            text.push_str(" FOR UPDATE");
        }
        Built { text, columns: types }
    }

    /// A scalar subquery that is tied.
    fn scalar(&mut self, scope: &[Item]) -> String {
        let Some(relation) = self.any_relation() else { return "0".to_owned() };
        let inner = self.item(relation);
        let mut conditions: Vec<String> = self.tie(&inner, scope).into_iter().collect();
        if self.rng.chance(60) {
            conditions.extend(self.link(&inner, scope));
        }
        let condition = self.conjunction(conditions);
        let from = format!("FROM {} {}{condition}", inner.relation, inner.alias);
        let number =
            self.column(&inner, Some(Ty::Int)).map(|column| format!("{}.{}", inner.alias, column.name));
        match (number, self.rng.below(4)) {
            (Some(number), 0) => format!("(SELECT max({number}) {from})"),
            (Some(number), 1) => format!("(SELECT {number} {from} ORDER BY 1 LIMIT 1)"),
            _ => format!("(SELECT count(*) {from})"),
        }
    }

    fn grouped(&mut self, scope: &[Item], tail: &str) -> Built {
        let mut columns = self.columns(scope);
        columns.truncate(2);
        let mut list: Vec<String> = columns.iter().map(|(text, _)| text.clone()).collect();
        let group = list.join(", ");
        let mut types: Vec<Column> = columns.iter().map(|(_, column)| column.clone()).collect();
        list.push(format!("{} AS n", self.aggregate(scope)));
        types.push(Column { name: "n".to_owned(), ty: Ty::Int, nullable: true, defaulted: false });
        let how = match (group.is_empty(), self.rng.below(12)) {
            (true, _) => String::new(),
            (_, 0) => format!(" GROUP BY ROLLUP ({group})"),
            (_, 1) => format!(" GROUP BY GROUPING SETS (({group}), ())"),
            (_, 2) => format!(" GROUP BY CUBE ({group})"),
            _ => format!(" GROUP BY {group}"),
        };
        let mut text = format!("SELECT {} {tail}{how}", list.join(", "));
        if self.rng.chance(20) {
            text.push_str(&format!(" HAVING count(*) > {}", self.rng.range(0, 1)));
        }
        if self.rng.chance(15) {
            text.push_str(&format!("{} LIMIT 2", order(list.len())));
        }
        types.dedup_by(|a, b| a.name == b.name);
        Built { text, columns: types }
    }

    fn aggregate(&mut self, scope: &[Item]) -> String {
        let item = self.rng.pick(scope).cloned();
        let number = item.as_ref().and_then(|item| {
            let column = self.column(item, Some(Ty::Int))?;
            Some(format!("{}.{}", item.alias, column.name))
        });
        let key = item.as_ref().and_then(|item| Some(format!("{}.{}", item.alias, self.key_of(item)?)));
        match (number, key, self.rng.below(8)) {
            (Some(number), _, 0) => format!("sum({number})::int"),
            (Some(number), _, 1) => format!("max({number})"),
            (Some(number), _, 2) => format!("count(DISTINCT {number})::int"),
            (_, Some(key), 3) => format!("(count(*) FILTER (WHERE {key} = $1))::int"),
            (_, Some(key), 4) => format!("count(CASE WHEN {key} = $1 THEN 1 END)::int"),
            (Some(number), Some(key), 5) => {
                format!("sum(CASE WHEN {key} = $1 THEN {number} ELSE 0 END)::int")
            }
            _ => "count(*)::int".to_owned(),
        }
    }

    fn windowed(&mut self, scope: &[Item], tail: &str) -> Built {
        let columns = self.columns(scope);
        let Some(item) = self.rng.pick(scope).cloned() else {
            return Built { text: "SELECT 1 AS x".to_owned(), columns: Vec::new() };
        };
        let key = self.key_of(&item).map(|key| format!("{}.{key}", item.alias));
        let order: Vec<String> = scope
            .iter()
            .flat_map(|item| {
                let plain = item.columns.iter().filter(|column| column.ty != Ty::Other);
                plain.map(|column| format!("{}.{}", item.alias, column.name))
            })
            .collect();
        let partition = match (key, self.rng.chance(60)) {
            (Some(key), true) => format!("PARTITION BY {key} "),
            _ => String::new(),
        };
        let function =
            *self.rng.pick(&["row_number()", "rank()", "count(*)", "sum(1)"]).unwrap_or(&"row_number()");
        let mut list: Vec<String> = columns.iter().map(|(text, _)| text.clone()).collect();
        list.push(format!("({function} OVER ({partition}ORDER BY {}))::int AS w", order.join(", ")));
        let mut types: Vec<Column> = columns.into_iter().map(|(_, column)| column).collect();
        types.push(Column { name: "w".to_owned(), ty: Ty::Int, nullable: false, defaulted: false });
        Built { text: format!("SELECT {} {tail}", list.join(", ")), columns: types }
    }

    fn distinct_on(&mut self, scope: &[Item], tail: &str) -> Built {
        let columns = self.columns(scope);
        if columns.is_empty() {
            return self.plain(scope, tail, 0);
        }
        let list: Vec<String> = columns.iter().map(|(text, _)| text.clone()).collect();
        let on = list.first().cloned().unwrap_or_default();
        let text = format!("SELECT DISTINCT ON ({on}) {} {tail}{}", list.join(", "), order(list.len()));
        Built { text, columns: columns.into_iter().map(|(_, column)| column).collect() }
    }

    /// A select around a select.
    fn counted(&mut self, scope: &[Item], tail: &str, depth: usize) -> Built {
        let inner = self.plain(scope, tail, depth);
        let alias = self.alias();
        let text = format!("SELECT count(*)::int AS n FROM ({}) {alias}", inner.text);
        let n = Column { name: "n".to_owned(), ty: Ty::Int, nullable: false, defaulted: false };
        Built { text, columns: vec![n] }
    }

    /// Two arms of the same types.
    fn set_operation(&mut self, depth: usize) -> Built {
        let Some(relation) = self.any_relation() else { return self.select(depth) };
        let left = self.item(relation);
        let mut columns: Vec<Column> = Vec::new();
        if let Some(key) = self.key_of(&left)
            && self.rng.chance(70)
        {
            columns.extend(left.columns.iter().find(|column| column.name == key).cloned());
        }
        for _ in 0..2 {
            let column = self.column(&left, None).cloned();
            columns.extend(column.filter(|column| columns.iter().all(|known| known.name != column.name)));
        }
        let arm = |grammar: &mut Self, item: &Item, columns: &[Column]| {
            let mut conditions: Vec<String> = grammar.tie(item, &[]).into_iter().collect();
            if grammar.rng.chance(30) {
                conditions.push(grammar.filter(std::slice::from_ref(item), 0));
            }
            let condition = grammar.conjunction(conditions);
            let list: Vec<String> =
                columns.iter().map(|column| format!("{}.{}", item.alias, column.name)).collect();
            format!("SELECT {} FROM {} {}{condition}", list.join(", "), item.relation, item.alias)
        };
        let mut text = arm(self, &left, &columns);
        for _ in 0..self.rng.range(1, 2) {
            let fits = |relation: &&crate::model::Relation| {
                columns.iter().all(|column| {
                    relation.columns.iter().any(|known| known.name == column.name && known.ty == column.ty)
                })
            };
            let candidates: Vec<_> = self.relations(|relation| fits(&relation));
            let Some(relation) = self.rng.pick(&candidates).copied() else { break };
            let item = self.item(relation);
            let kinds = ["UNION", "UNION ALL", "UNION ALL", "INTERSECT", "EXCEPT"];
            let kind = self.rng.pick(&kinds).copied().unwrap_or("UNION");
            let right = arm(self, &item, &columns);
            text = format!("{text} {kind} {right}");
        }
        if self.rng.chance(30) {
            let alias = self.alias();
            let item =
                Item { alias: alias.clone(), relation: left.relation.clone(), columns: columns.clone() };
            let conditions = self.tie(&item, &[]).into_iter().collect();
            let condition = self.conjunction(conditions);
            let list: Vec<String> = columns.iter().map(|column| format!("{alias}.{}", column.name)).collect();
            text = format!("SELECT {} FROM ({text}) {alias}{condition}", list.join(", "));
        }
        if self.rng.chance(20) {
            text.push_str(&format!("{} LIMIT 3", order(columns.len())));
        }
        Built { text, columns }
    }

    /// A walk along a reference of a table to itself or to another of its rows.
    fn recursion(&mut self) -> Built {
        let Some(relation) = self.any_relation() else { return self.select(0) };
        let (base, step) = (self.item(relation), self.item(relation));
        let columns: Vec<Column> = {
            let mut columns: Vec<Column> = Vec::new();
            let key = self.key_of(&base);
            let fit = |column: &&Column| {
                Some(&column.name) == key.as_ref() || column.name == "id" || column.name == "n"
            };
            columns.extend(base.columns.iter().filter(fit).cloned());
            columns
        };
        if columns.is_empty() {
            return self.select(0);
        }
        let name = format!("r_{}", base.alias);
        let walker = Item { alias: name.clone(), relation: base.relation.clone(), columns: columns.clone() };
        let list = |item: &Item| {
            let list: Vec<String> =
                columns.iter().map(|column| format!("{}.{}", item.alias, column.name)).collect();
            list.join(", ")
        };
        let condition = {
            let conditions = self.tie(&base, &[]).into_iter().collect();
            self.conjunction(conditions)
        };
        let mut on: Vec<String> = self.tie(&step, std::slice::from_ref(&walker)).into_iter().collect();
        on.push(match columns.iter().any(|column| column.name == "n") {
            true => format!("{}.n > {name}.n", step.alias),
            false => self.link(&step, std::slice::from_ref(&walker)).unwrap_or_else(|| "true".to_owned()),
        });
        let text = format!(
            "{name} AS (SELECT {} FROM {} {}{condition} UNION SELECT {} FROM {} {} JOIN {name} ON {})",
            list(&base),
            base.relation,
            base.alias,
            list(&step),
            step.relation,
            step.alias,
            on.join(" AND ")
        );
        self.with.push(text);
        self.recursive = true;
        let mut conditions = Vec::new();
        if self.rng.chance(25) {
            conditions.extend(self.tie(&walker, &[]));
        }
        let condition = self.conjunction(conditions);
        Built { text: format!("SELECT {} FROM {name}{condition}", list(&walker)), columns }
    }
}

/// An order by all of `count` columns: what is cut then is the same whatever came first.
fn order(count: usize) -> String {
    let positions: Vec<String> = (1..=count).map(|at| at.to_string()).collect();
    format!(" ORDER BY {}", positions.join(", "))
}
