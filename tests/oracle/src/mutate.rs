//! Small changes to a statement, each of which may well take its proof away: a condition dropped, moved, weakened or turned
//! around, a join changed, a name that captures another, a cut, a window, an aggregate.

use tenantry_prover::ast::{
    BinaryOp, ConflictTarget, Expr, ExprKind, Insert, JoinConstraint, JoinKind, Query, Select, SelectItem,
    SetExpr, Statement as Ast, TableExpr,
};
use tenantry_span::TextRange;

use crate::rng::Rng;
use crate::subject::{Statement, parse};
use crate::syntax::{Node, nodes, slice};

/// A change: places of the text with what stands there afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Which operator made it.
    pub operator: &'static str,
    parts: Vec<(TextRange, String)>,
}

impl Edit {
    /// The text with the change made; `None` where its places overlap.
    pub fn apply(&self, sql: &str) -> Option<String> {
        let mut parts = self.parts.clone();
        parts.sort_by_key(|(range, _)| range.start);
        if parts.windows(2).any(|pair| matches!(pair, [(a, _), (b, _)] if a.end > b.start)) {
            return None;
        }
        let mut text = sql.to_owned();
        for (range, by) in parts.iter().rev() {
            text = crate::syntax::replace(&text, *range, by)?;
        }
        Some(numbered(&text))
    }
}

/// The text with its untrusted parameters numbered without gaps: of one that is not there the server finds no type.
fn numbered(sql: &str) -> String {
    let number = |part: &str| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        part.get(..digits).and_then(|digits| digits.parse::<usize>().ok()).map(|number| (number, digits))
    };
    let mut used: Vec<usize> = sql.split('$').skip(1).filter_map(|part| Some(number(part)?.0)).collect();
    used.push(1);
    used.sort_unstable();
    used.dedup();
    let mut parts = sql.split('$');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let found = number(part).and_then(|(number, digits)| {
            let place = used.iter().position(|known| *known == number)?;
            Some((place + 1, part.get(digits..)?))
        });
        match found {
            Some((number, rest)) => out.push_str(&format!("${number}{rest}")),
            None => out.push_str(&format!("${part}")),
        }
    }
    out
}

/// A statement with one change at random; `None` where nothing could be changed.
pub fn mutate(statement: &Statement, rng: &mut Rng) -> Option<Statement> {
    let edits = edits(&statement.sql);
    // Operators that find many places must not crowd out the others.
    let mut operators: Vec<&'static str> = edits.iter().map(|edit| edit.operator).collect();
    operators.sort_unstable();
    operators.dedup();
    let operator = rng.pick(&operators).copied()?;
    let chosen: Vec<&Edit> = edits.iter().filter(|edit| edit.operator == operator).collect();
    let sql = rng.pick(&chosen)?.apply(&statement.sql)?;
    (sql != statement.sql).then(|| Statement { sql, tenants: statement.tenants.clone() })
}

/// All mutants of a statement, with the operator that made each.
pub fn mutants(statement: &Statement) -> Vec<(&'static str, Statement)> {
    let mut found: Vec<(&'static str, Statement)> = Vec::new();
    for edit in edits(&statement.sql) {
        let Some(sql) = edit.apply(&statement.sql) else { continue };
        if sql != statement.sql && found.iter().all(|(_, known)| known.sql != sql) {
            found.push((edit.operator, Statement { sql, tenants: statement.tenants.clone() }));
        }
    }
    found
}

/// All changes that a text offers.
pub fn edits(sql: &str) -> Vec<Edit> {
    let parsed = parse(sql);
    let mut maker = Maker {
        sql,
        edits: Vec::new(),
        aliases: Vec::new(),
        columns: Vec::new(),
        params: 0,
        conditions: Vec::new(),
    };
    for statement in &parsed {
        let all = nodes(&statement.statement);
        maker.params = maker.params.max(statement.params);
        all.iter().for_each(|node| maker.collect(node));
    }
    for statement in &parsed {
        for node in nodes(&statement.statement) {
            maker.node(&node);
        }
    }
    maker.edits
}

struct Maker<'a> {
    sql: &'a str,
    edits: Vec<Edit>,
    /// The names by which relations go.
    aliases: Vec<String>,
    /// The names of columns that appear.
    columns: Vec<String>,
    params: u32,
    /// Conditions by their text.
    conditions: Vec<String>,
}

impl<'a> Maker<'a> {
    fn text(&self, range: TextRange) -> &'a str {
        slice(self.sql, range).unwrap_or_default()
    }

    fn edit(&mut self, operator: &'static str, range: TextRange, by: String) {
        self.edits.push(Edit { operator, parts: vec![(range, by)] });
    }

    fn collect(&mut self, node: &Node<'_>) {
        let mut keep = |list: fn(&mut Self) -> &mut Vec<String>, name: &str| {
            let list = list(self);
            if list.len() < 8 && list.iter().all(|known| known != name) {
                list.push(name.to_owned());
            }
        };
        match node {
            Node::Table(TableExpr::Table { name, alias, .. }) => {
                let name = name.parts.last().map_or("", |part| part.text.as_str());
                keep(|maker| &mut maker.aliases, alias.as_ref().map_or(name, |alias| &alias.name.text));
            }
            Node::Table(TableExpr::Derived { alias: Some(alias), .. }) => {
                keep(|maker| &mut maker.aliases, &alias.name.text);
            }
            Node::Expr(expr) => {
                if let ExprKind::Column(parts) = &expr.kind
                    && let Some(last) = parts.last()
                {
                    keep(|maker| &mut maker.columns, &last.text);
                }
                if is_condition(expr) && expr.range.len() < 60 {
                    let text = slice(self.sql, expr.range).unwrap_or_default().to_owned();
                    self.conditions.push(text);
                }
            }
            _ => {}
        }
    }

    fn node(&mut self, node: &Node<'_>) {
        match node {
            Node::Expr(expr) => self.expr(expr),
            Node::Table(table) => self.table(table),
            Node::Select(select) => self.select(select),
            Node::Query(query) => self.query(query),
            Node::Statement(Ast::Insert(insert)) => self.insert(insert),
            Node::Statement(_) | Node::SetOp(..) => {}
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let (range, text) = (expr.range, self.text(expr.range));
        if is_condition(expr) {
            self.edit("drop a condition", range, "true".to_owned());
            self.edit("negate a condition", range, format!("NOT ({text})"));
            self.edit("let NULL pass", range, format!("coalesce({text}, true)"));
            self.edit("let NULL pass", range, format!("(({text}) IS NOT FALSE)"));
            let others: Vec<String> =
                self.conditions.iter().filter(|other| *other != text).take(3).cloned().collect();
            for other in others {
                self.edit("or with another condition", range, format!("(({text}) OR ({other}))"));
            }
        }
        match &expr.kind {
            ExprKind::Binary { op, left, right } => self.binary(range, op, left, right),
            ExprKind::Column(parts) => {
                if let [.., qualifier, name] = parts.as_slice() {
                    self.edit("drop a qualifier", range, name.text.clone());
                    for alias in self.aliases.clone() {
                        if alias != qualifier.text {
                            self.edit("another relation's column", range, format!("{alias}.{}", name.text));
                        }
                    }
                    for column in self.columns.clone() {
                        if column != name.text {
                            self.edit("another column", range, format!("{}.{column}", qualifier.text));
                        }
                    }
                }
            }
            ExprKind::Param(number) => {
                for other in 1..=self.params.clamp(2, 4) {
                    if other != *number {
                        self.edit("another parameter", range, format!("${other}"));
                    }
                }
                self.edit("NULL for a parameter", range, "NULL".to_owned());
            }
            _ => {}
        }
    }

    fn binary(&mut self, range: TextRange, op: &BinaryOp, left: &Expr, right: &Expr) {
        let (l, r) = (self.text(left.range), self.text(right.range));
        match op {
            BinaryOp::And => self.edit("OR for AND", range, format!("(({l}) OR ({r}))")),
            BinaryOp::Or => self.edit("AND for OR", range, format!("(({l}) AND ({r}))")),
            BinaryOp::Eq => {
                let weaker = [
                    format!("{l} <> {r}"),
                    format!("{l} >= {r}"),
                    format!("({l} = {r} OR {l} IS NULL)"),
                    format!("({l} = {r} OR {r} IS NULL)"),
                    format!("{l} IS NOT DISTINCT FROM {r}"),
                    format!("{l} IN ({r}, ${})", (self.params + 1).min(3)),
                    format!("{l}::text LIKE {r}::text"),
                    format!("lower({l}::text) = lower({r}::text)"),
                    format!("{l} = {l}"),
                    format!("{r} = {r}"),
                    format!("({l} = {r}) = ({r} IS NOT NULL)"),
                    format!("coalesce({l}, {r}) = {r}"),
                    format!("nullif({l}, {r}) IS NULL"),
                    format!("({l}, 1) >= ({r}, 1)"),
                    format!("CASE WHEN {l} = {r} THEN true ELSE {l} IS NULL END"),
                ];
                for text in weaker {
                    self.edit("weaken an equality", range, text);
                }
                if is_column(left) && is_column(right) {
                    self.edit("weaken an equality", range, format!("{l} IS NOT DISTINCT FROM {r}"));
                }
            }
            _ => {}
        }
    }

    fn table(&mut self, table: &TableExpr) {
        match table {
            TableExpr::Join { left, right, kind, constraint, range } => {
                let (Some(left), Some(right)) = (range_of(left), range_of(right)) else { return };
                let between = TextRange::new(left.end, right.start);
                let lateral =
                    if self.text(between).to_uppercase().contains("LATERAL") { "LATERAL " } else { "" };
                if matches!(constraint, JoinConstraint::None) {
                    return;
                }
                let kinds = [
                    (JoinKind::Inner, "JOIN"),
                    (JoinKind::Left, "LEFT JOIN"),
                    (JoinKind::Right, "RIGHT JOIN"),
                    (JoinKind::Full, "FULL JOIN"),
                ];
                for (other, word) in kinds {
                    if other != *kind {
                        self.edit("another join", between, format!(" {word} {lateral}"));
                    }
                }
                if let JoinConstraint::On(on) = constraint {
                    let after = TextRange::new(right.end, range.end);
                    if !self.text(on.range).is_empty() {
                        self.edits.push(Edit {
                            operator: "natural join",
                            parts: vec![(between, " NATURAL JOIN ".to_owned()), (after, String::new())],
                        });
                    }
                }
                if lateral.is_empty() {
                    let (l, r) = (self.text(left).to_owned(), self.text(right).to_owned());
                    self.edits.push(Edit { operator: "swap sides", parts: vec![(left, r), (right, l)] });
                }
            }
            TableExpr::Table { name, alias, range, .. } => {
                let before = self.sql.get(..range.start as usize).unwrap_or_default().trim_end();
                if ["DELETE FROM", "UPDATE", "INTO", "ONLY"].iter().any(|word| before.ends_with(word)) {
                    return;
                }
                let text = self.text(name.range).to_owned();
                let alias = alias.as_ref().map_or(text.as_str(), |alias| &alias.name.text).to_owned();
                for inner in [
                    format!("SELECT * FROM {text}"),
                    format!("SELECT * FROM {text} ORDER BY 1 LIMIT 4"),
                    format!("SELECT DISTINCT * FROM {text}"),
                    format!("SELECT *, count(*) OVER () AS whole FROM {text}"),
                ] {
                    self.edit("wrap a relation", *range, format!("({inner}) {alias}"));
                }
            }
            _ => {}
        }
    }

    fn select(&mut self, select: &Select) {
        let joins: Vec<&TableExpr> = select.from.iter().flat_map(joins).collect();
        let ons: Vec<&Expr> = joins
            .iter()
            .filter_map(|join| match join {
                TableExpr::Join { constraint: JoinConstraint::On(on), .. } => Some(on),
                _ => None,
            })
            .collect();
        if let Some(filter) = &select.filter {
            let whole = self.text(filter.range).to_owned();
            for conjunct in conjuncts(filter) {
                let moved = self.text(conjunct.range).to_owned();
                for on in &ons {
                    let joined = format!("({}) AND ({moved})", self.text(on.range));
                    self.edits.push(Edit {
                        operator: "from WHERE to ON",
                        parts: vec![(conjunct.range, "true".to_owned()), (on.range, joined)],
                    });
                }
                self.move_into_derived(select, conjunct);
            }
            for on in &ons {
                for conjunct in conjuncts(on) {
                    let moved = format!("({whole}) AND ({})", self.text(conjunct.range));
                    self.edits.push(Edit {
                        operator: "from ON to WHERE",
                        parts: vec![(conjunct.range, "true".to_owned()), (filter.range, moved)],
                    });
                }
            }
        }
        let Some(SelectItem::Expr { expr, .. }) = select.items.last() else { return };
        let end = TextRange::new(expr.range.start, expr.range.start);
        if select.group_by.is_none() && select.distinct.is_none() {
            self.edit("add a window", end, "count(*) OVER () AS whole, ".to_owned());
        }
    }

    /// A condition goes into a subquery around the only relation that it speaks of.
    fn move_into_derived(&mut self, select: &Select, conjunct: &Expr) {
        let text = self.text(conjunct.range).to_owned();
        for table in select.from.iter().flat_map(leaves) {
            let TableExpr::Table { name, alias: Some(alias), range, .. } = table else { continue };
            let name = self.text(name.range).to_owned();
            let alias = &alias.name.text;
            if text.contains(&format!("{alias}.")) {
                let inner = format!("(SELECT * FROM {name} {alias} WHERE {text}) {alias}");
                self.edits.push(Edit {
                    operator: "into a derived table",
                    parts: vec![(conjunct.range, "true".to_owned()), (*range, inner)],
                });
            }
        }
    }

    fn query(&mut self, query: &Query) {
        let SetExpr::Select(select) = &query.body else { return };
        let plain = select.items.iter().all(|item| matches!(item, SelectItem::Expr { .. }));
        let bare = query.order_by.is_empty() && query.limit.is_none() && query.offset.is_none();
        if !plain || !bare || !query.locking.is_empty() || query.fetch.is_some() {
            return;
        }
        let end = TextRange::empty(query.range.end);
        let positions: Vec<String> = (1..=select.items.len()).map(|at| at.to_string()).collect();
        let order = positions.join(", ");
        self.edit("add LIMIT", end, format!(" ORDER BY {order} LIMIT 2"));
        self.edit("add OFFSET", end, format!(" ORDER BY {order} OFFSET 1"));
        let Some(SelectItem::Expr { expr, .. }) = select.items.first() else { return };
        if select.distinct.is_none() && select.group_by.is_none() {
            let on = format!("DISTINCT ON ({}) ", self.text(expr.range));
            let start = TextRange::empty(expr.range.start);
            self.edits.push(Edit {
                operator: "add DISTINCT ON",
                parts: vec![(start, on), (end, format!(" ORDER BY {order}"))],
            });
            let last = select.items.last().and_then(|item| match item {
                SelectItem::Expr { expr, alias } => {
                    Some(alias.as_ref().map_or(expr.range, |alias| alias.range))
                }
                _ => None,
            });
            if let Some(last) = last {
                let list = TextRange::new(expr.range.start, last.end);
                self.edit("aggregate", list, "count(*)".to_owned());
            }
        }
    }

    fn insert(&mut self, insert: &Insert) {
        match &insert.on_conflict {
            None if insert.returning.is_empty() => {
                let end = TextRange::empty(insert.range.end);
                self.edit("add ON CONFLICT", end, " ON CONFLICT DO NOTHING".to_owned());
            }
            Some(conflict) => {
                let ConflictTarget::Columns { elements, .. } = &conflict.target else { return };
                for pair in elements.windows(2) {
                    let [first, second] = pair else { continue };
                    let cut = TextRange::new(first.range.start, second.range.start);
                    self.edit("smaller conflict target", cut, String::new());
                    let cut = TextRange::new(first.range.end, second.range.end);
                    self.edit("smaller conflict target", cut, String::new());
                }
            }
            None => {}
        }
    }
}

/// Whether an expression is a condition by its form.
pub fn is_condition(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Binary { op, .. } => matches!(
            op,
            BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::Eq
                | BinaryOp::NotEq
                | BinaryOp::Lt
                | BinaryOp::LtEq
                | BinaryOp::Gt
                | BinaryOp::GtEq
        ),
        ExprKind::IsNull { .. }
        | ExprKind::IsBool { .. }
        | ExprKind::IsDistinct { .. }
        | ExprKind::InList { .. }
        | ExprKind::InSubquery { .. }
        | ExprKind::Between { .. }
        | ExprKind::Like { .. }
        | ExprKind::QuantifiedArray { .. }
        | ExprKind::QuantifiedSubquery { .. }
        | ExprKind::Exists(_) => true,
        ExprKind::Unary { op, .. } => *op == tenantry_prover::ast::UnaryOp::Not,
        _ => false,
    }
}

fn is_column(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Column(_))
}

/// The parts of a conjunction.
pub fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Binary { op: BinaryOp::And, left, right } => {
            let mut parts = conjuncts(left);
            parts.extend(conjuncts(right));
            parts
        }
        _ => vec![expr],
    }
}

fn joins(table: &TableExpr) -> Vec<&TableExpr> {
    match table {
        TableExpr::Join { left, right, .. } => {
            let mut found = vec![table];
            found.extend(joins(left));
            found.extend(joins(right));
            found
        }
        _ => Vec::new(),
    }
}

fn leaves(table: &TableExpr) -> Vec<&TableExpr> {
    match table {
        TableExpr::Join { left, right, .. } => {
            let mut found = leaves(left);
            found.extend(leaves(right));
            found
        }
        _ => vec![table],
    }
}

/// Where a relation stands.
pub fn range_of(table: &TableExpr) -> Option<TextRange> {
    match table {
        TableExpr::Table { range, .. }
        | TableExpr::Derived { range, .. }
        | TableExpr::Function { range, .. }
        | TableExpr::Join { range, .. }
        | TableExpr::Unsupported(_, range) => Some(*range),
        TableExpr::AliasedJoin { .. } => None,
    }
}
