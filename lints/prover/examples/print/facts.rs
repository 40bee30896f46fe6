//! What was read, as nested lists in JSON: for each level of a statement its relations (schema, alias, `ONLY`), joins
//! (kind, sides, condition), the columns that are named at that level, and the levels below; of writes the target, the
//! assigned columns and what a conflict is about. The referee makes the same lists from PostgreSQL's own tree.

use std::fmt;

use tenantry_prover::ast::{
    Assignment, Call, ConflictAction, ConflictTarget, Cte, Distinct, Expr, ExprKind, GroupItem, Ident,
    Insert, JoinConstraint, JoinKind, Merge, MergeAction, MergeWhen, ObjectName, OnConflict, Over,
    ParsedStatement, Query, Select, SelectItem, SetExpr, SetOp, Statement, TableAlias, TableExpr, WindowSpec,
    With,
};

/// What a statement is read as.
///
/// # Errors
/// What of it is not modelled.
pub(crate) fn facts(statement: &ParsedStatement) -> Result<Json, String> {
    of_statement(&statement.statement)
}

/// A value of JSON.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Text(String),
    List(Vec<Json>),
}

impl fmt::Display for Json {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Json::Null => out.write_str("null"),
            Json::Bool(value) => write!(out, "{value}"),
            Json::Text(text) => {
                out.write_str("\"")?;
                for char in text.chars() {
                    match char {
                        '"' | '\\' => write!(out, "\\{char}")?,
                        char if char < ' ' => write!(out, "\\u{:04x}", u32::from(char))?,
                        char => write!(out, "{char}")?,
                    }
                }
                out.write_str("\"")
            }
            Json::List(items) => {
                out.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    out.write_str(if index > 0 { "," } else { "" })?;
                    item.fmt(out)?;
                }
                out.write_str("]")
            }
        }
    }
}

type Read<T = ()> = Result<T, String>;

fn text(text: impl Into<String>) -> Json {
    Json::Text(text.into())
}

fn list(items: impl IntoIterator<Item = Json>) -> Json {
    Json::List(items.into_iter().collect())
}

fn idents(idents: &[Ident]) -> Json {
    list(idents.iter().map(|ident| text(&ident.text)))
}

fn name(name: &ObjectName) -> Json {
    idents(&name.parts)
}

fn alias(alias: Option<&TableAlias>) -> Json {
    match alias {
        None => Json::Null,
        Some(alias) => list([text(&alias.name.text), idents(&alias.columns)]),
    }
}

fn of_statement(statement: &Statement) -> Read<Json> {
    Ok(match statement {
        Statement::Query(query) => of_query(query)?,
        Statement::Insert(insert) => of_insert(insert)?,
        Statement::Update(update) => {
            let mut level = Level::new("update");
            level.with(update.with.as_ref())?;
            level.relation(&update.target)?;
            level.relations(&update.from)?;
            level.assignments(&update.assignments)?;
            level.maybe(update.filter.as_ref())?;
            level.items(&update.returning)?;
            level.done()
        }
        Statement::Delete(delete) => {
            let mut level = Level::new("delete");
            level.with(delete.with.as_ref())?;
            level.relation(&delete.target)?;
            level.relations(&delete.using)?;
            level.maybe(delete.filter.as_ref())?;
            level.items(&delete.returning)?;
            level.done()
        }
        Statement::Merge(merge) => of_merge(merge)?,
        Statement::Truncate(tables) => list([text("truncate"), list(tables.iter().map(name))]),
        Statement::Lock(tables) => list([text("lock"), list(tables.iter().map(name))]),
        Statement::CopyTable { table, from } => list([text("copy"), name(table), Json::Bool(*from)]),
        Statement::CopyQuery(inner) => list([text("copy"), of_statement(inner)?]),
        Statement::Explain(inner) => list([text("explain"), of_statement(inner)?]),
        Statement::Set { name, local, value: _ } => list([text("set"), text(name), Json::Bool(*local)]),
        Statement::Show(name) => list([text("show"), text(name)]),
        Statement::Transaction | Statement::Rowless => list([text("rowless")]),
        Statement::Call(_) => return Err("CALL".to_owned()),
        Statement::Do { language, body } => list([text("do"), text(language), text(body)]),
        Statement::Unsupported(what) => return Err(what.clone()),
    })
}

fn of_insert(insert: &Insert) -> Read<Json> {
    let mut level = Level::new("insert");
    level.with(insert.with.as_ref())?;
    let alias = insert.alias.as_ref().map_or(Json::Null, |alias| list([text(&alias.text), list([])]));
    level.rels.push(list([text("table"), name(&insert.table), Json::Bool(false), alias, Json::Bool(false)]));
    level.more.push(idents(&insert.columns));
    if let Some(source) = &insert.source {
        level.arms.push(of_query(source)?);
    }
    if let Some(conflict) = &insert.on_conflict {
        let conflict = of_conflict(conflict)?;
        level.more.push(conflict);
    }
    level.items(&insert.returning)?;
    Ok(level.done())
}

fn of_conflict(conflict: &OnConflict) -> Read<Json> {
    let target = match &conflict.target {
        ConflictTarget::Any => Json::Null,
        ConflictTarget::Constraint(name) => list([text("constraint"), text(&name.text)]),
        ConflictTarget::Columns { elements, filter } => {
            let elements = elements.iter().map(of_index_element).collect::<Read<Vec<_>>>()?;
            list([text("columns"), Json::List(elements), names_in(filter)?])
        }
    };
    let action = match &conflict.action {
        ConflictAction::Nothing => text("nothing"),
        ConflictAction::Replace => text("replace"),
        ConflictAction::Update { assignments, filter } => {
            let mut level = Level::new("set");
            level.assignments(assignments)?;
            level.maybe(filter.as_ref())?;
            level.done()
        }
    };
    Ok(list([text("conflict"), target, action]))
}

/// A column by its name, or the names in an expression; a collation stands beside it.
fn of_index_element(element: &Expr) -> Read<Json> {
    match &element.kind {
        ExprKind::Column(parts) => match parts.as_slice() {
            [only] => Ok(text(&only.text)),
            _ => names_in([element]),
        },
        ExprKind::Collate { expr, collation } => {
            Ok(list([text("collate"), of_index_element(expr)?, name(collation)]))
        }
        _ => names_in([element]),
    }
}

fn of_merge(merge: &Merge) -> Read<Json> {
    let mut level = Level::new("merge");
    level.with(merge.with.as_ref())?;
    level.relation(&merge.target)?;
    level.relation(&merge.source)?;
    level.more.push(names_in([&merge.on])?);
    for clause in &merge.clauses {
        let when = match clause.when {
            MergeWhen::Matched => "matched",
            MergeWhen::NotMatched => "not matched",
            MergeWhen::NotMatchedBySource => "not matched by source",
        };
        let mut action = Level::new(when);
        action.maybe(clause.guard.as_ref())?;
        match &clause.action {
            MergeAction::Nothing => action.more.push(text("nothing")),
            MergeAction::Delete => action.more.push(text("delete")),
            MergeAction::Update(assignments) => {
                action.more.push(text("update"));
                action.assignments(assignments)?;
            }
            MergeAction::Insert { columns, values } => {
                action.more.extend([text("insert"), idents(columns)]);
                action.exprs(values)?;
            }
        }
        level.arms.push(action.done());
    }
    level.items(&merge.returning)?;
    Ok(level.done())
}

/// A query; its parentheses do not matter, so what follows them belongs to what is inside.
fn of_query(query: &Query) -> Read<Json> {
    let mut tails = vec![query];
    let mut inner = query;
    while let SetExpr::Query(next) = &inner.body {
        inner = next;
        tails.push(inner);
    }
    let mut level = of_set_expr(&inner.body)?;
    for query in tails {
        level.with(query.with.as_ref())?;
        query.order_by.iter().try_for_each(|by| level.expr(&by.expr))?;
        level.maybe(query.limit.as_ref())?;
        level.maybe(query.offset.as_ref())?;
        level.maybe(query.fetch.as_ref().map(|(count, _)| count))?;
        level.locks += query.locking.len();
    }
    Ok(level.done())
}

fn of_set_expr(body: &SetExpr) -> Read<Level> {
    match body {
        SetExpr::Select(select) => of_select(select),
        SetExpr::Values(rows) => {
            let mut level = Level::new("values");
            level.more.push(text(rows.len().to_string()));
            rows.iter().try_for_each(|row| level.exprs(row))?;
            Ok(level)
        }
        SetExpr::Table(table) => {
            let mut level = Level::new("select");
            level.rels.push(list([
                text("table"),
                name(table),
                Json::Bool(false),
                Json::Null,
                Json::Bool(false),
            ]));
            level.columns.push("*".to_owned());
            level.labels.push(Json::Null);
            Ok(level)
        }
        SetExpr::SetOp { op, all, left, right } => {
            let kind = match op {
                SetOp::Union => "union",
                SetOp::Intersect => "intersect",
                SetOp::Except => "except",
            };
            let mut level = Level::new(kind);
            level.more.push(Json::Bool(*all));
            for arm in [left, right] {
                let arm = match &**arm {
                    SetExpr::Query(query) => of_query(query)?,
                    body => of_set_expr(body)?.done(),
                };
                level.arms.push(arm);
            }
            Ok(level)
        }
        // Taken apart by `of_query`.
        SetExpr::Query(_) => Err("a query in parentheses".to_owned()),
    }
}

fn of_select(select: &Select) -> Read<Level> {
    let mut level = Level::new("select");
    match &select.distinct {
        None => {}
        Some(Distinct::All) => level.more.push(text("distinct")),
        Some(Distinct::On(exprs)) => {
            level.more.push(text("distinct on"));
            level.exprs(exprs)?;
        }
    }
    if select.into.is_some() {
        return Err("SELECT INTO".to_owned());
    }
    level.items(&select.items)?;
    level.relations(&select.from)?;
    level.maybe(select.filter.as_ref())?;
    if let Some(items) = &select.group_by {
        items.iter().try_for_each(|item| level.group_item(item))?;
    }
    level.maybe(select.having.as_ref())?;
    select.windows.iter().try_for_each(|(_, window)| level.window(window))?;
    Ok(level)
}

/// The columns named in these expressions, and the queries in them.
fn names_in<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> Read<Json> {
    let mut level = Level::new("names");
    exprs.into_iter().try_for_each(|expr| level.expr(expr))?;
    Ok(level.names())
}

/// What is collected of one level.
struct Level {
    kind: &'static str,
    with: Vec<Json>,
    rels: Vec<Json>,
    columns: Vec<String>,
    inner: Vec<Json>,
    arms: Vec<Json>,
    labels: Vec<Json>,
    more: Vec<Json>,
    locks: usize,
}

impl Level {
    fn new(kind: &'static str) -> Level {
        Level {
            kind,
            with: Vec::new(),
            rels: Vec::new(),
            columns: Vec::new(),
            inner: Vec::new(),
            arms: Vec::new(),
            labels: Vec::new(),
            more: Vec::new(),
            locks: 0,
        }
    }

    fn names(mut self) -> Json {
        self.columns.sort();
        self.inner.sort_by_key(Json::to_string);
        list([list(self.columns.into_iter().map(Json::Text)), Json::List(self.inner)])
    }

    fn done(mut self) -> Json {
        let kind = text(self.kind);
        let rest = [&mut self.with, &mut self.rels, &mut self.arms, &mut self.labels, &mut self.more]
            .map(|items| Json::List(std::mem::take(items)));
        let locks = text(self.locks.to_string());
        let [with, rels, arms, labels, more] = rest;
        list([kind, with, rels, self.names(), arms, labels, more, locks])
    }

    fn with(&mut self, with: Option<&With>) -> Read {
        let Some(with) = with else { return Ok(()) };
        self.with.push(Json::Bool(with.recursive));
        for Cte { name, columns, statement, materialized, range: _ } in &with.ctes {
            let statement = of_statement(statement)?;
            let materialized = Json::Bool(*materialized);
            self.with.push(list([text(&name.text), idents(columns), materialized, statement]));
        }
        Ok(())
    }

    fn relations(&mut self, items: &[TableExpr]) -> Read {
        items.iter().try_for_each(|item| self.relation(item))
    }

    fn relation(&mut self, item: &TableExpr) -> Read {
        let relation = of_relation(item)?;
        self.rels.push(relation);
        Ok(())
    }

    fn assignments(&mut self, assignments: &[Assignment]) -> Read {
        for Assignment { columns, partial, value } in assignments {
            let columns = columns.iter().map(|column| text(&column.text));
            self.more.push(list([list(columns), Json::Bool(*partial)]));
            self.expr(value)?;
        }
        Ok(())
    }

    fn items(&mut self, items: &[SelectItem]) -> Read {
        for item in items {
            let label = match item {
                SelectItem::Star(_) => {
                    self.columns.push("*".to_owned());
                    Json::Null
                }
                SelectItem::QualifiedStar(name) => {
                    let parts: Vec<&str> = name.parts.iter().map(|part| part.text.as_str()).collect();
                    self.columns.push(format!("{}.*", parts.join(".")));
                    Json::Null
                }
                SelectItem::ExprStar(expr) => {
                    self.expr(expr)?;
                    Json::Null
                }
                SelectItem::Expr { expr, alias } => {
                    self.expr(expr)?;
                    alias.as_ref().map_or(Json::Null, |alias| text(&alias.text))
                }
            };
            self.labels.push(label);
        }
        Ok(())
    }

    fn group_item(&mut self, item: &GroupItem) -> Read {
        match item {
            GroupItem::Expr(expr) => self.expr(expr),
            GroupItem::Empty => Ok(()),
            GroupItem::Rollup(lists) | GroupItem::Cube(lists) => {
                lists.iter().try_for_each(|list| self.exprs(list))
            }
            GroupItem::Sets(items) => items.iter().try_for_each(|item| self.group_item(item)),
            GroupItem::List(exprs) => self.exprs(exprs),
        }
    }

    fn window(&mut self, window: &WindowSpec) -> Read {
        self.exprs(&window.partition_by)?;
        window.order_by.iter().try_for_each(|by| self.expr(&by.expr))?;
        self.exprs(&window.frame)
    }

    fn query(&mut self, query: &Query) -> Read {
        let inner = of_query(query)?;
        self.inner.push(inner);
        Ok(())
    }

    fn maybe(&mut self, expr: Option<&Expr>) -> Read {
        expr.map_or(Ok(()), |expr| self.expr(expr))
    }

    fn exprs(&mut self, exprs: &[Expr]) -> Read {
        exprs.iter().try_for_each(|expr| self.expr(expr))
    }

    fn expr(&mut self, expr: &Expr) -> Read {
        match &expr.kind {
            ExprKind::Column(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
                self.columns.push(parts.join("."));
                Ok(())
            }
            ExprKind::Param(_)
            | ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::String(_)
            | ExprKind::TypedLiteral(..)
            | ExprKind::Default => Ok(()),
            ExprKind::Binary { op: _, left, right } | ExprKind::IsDistinct { left, right, negated: _ } => {
                self.expr(left)?;
                self.expr(right)
            }
            ExprKind::Unary { op: _, expr }
            | ExprKind::IsNull { expr, negated: _ }
            | ExprKind::IsBool { expr, test: _, negated: _ }
            | ExprKind::Cast { expr, ty: _, fallible: _ }
            | ExprKind::Collate { expr, collation: _ }
            | ExprKind::Field { expr, field: _ } => self.expr(expr),
            ExprKind::InList { expr, list, negated: _ } => {
                self.expr(expr)?;
                self.exprs(list)
            }
            ExprKind::InSubquery { expr, query, negated: _ } => {
                self.expr(expr)?;
                self.query(query)
            }
            ExprKind::Between { expr, low, high, negated: _, symmetric: _ } => {
                self.expr(expr)?;
                self.expr(low)?;
                self.expr(high)
            }
            ExprKind::Like { expr, pattern, escape, negated: _ } => {
                self.expr(expr)?;
                self.expr(pattern)?;
                self.maybe(escape.as_deref())
            }
            ExprKind::QuantifiedArray { left, op: _, all: _, array } => {
                self.expr(left)?;
                self.expr(array)
            }
            ExprKind::QuantifiedSubquery { left, op: _, all: _, query } => {
                self.expr(left)?;
                self.query(query)
            }
            ExprKind::Exists(query) | ExprKind::Subquery(query) | ExprKind::ArraySubquery(query) => {
                self.query(query)
            }
            ExprKind::Row(elements) | ExprKind::Array(elements) => self.exprs(elements),
            ExprKind::Case { operand, arms, otherwise } => {
                self.maybe(operand.as_deref())?;
                for (condition, value) in arms {
                    self.expr(condition)?;
                    self.expr(value)?;
                }
                self.maybe(otherwise.as_deref())
            }
            ExprKind::Call(call) => self.call(call),
            ExprKind::Subscript { expr, bounds } => {
                self.expr(expr)?;
                self.exprs(bounds)
            }
            ExprKind::Unsupported(what) => Err(what.clone()),
        }
    }

    fn call(&mut self, call: &Call) -> Read {
        self.exprs(&call.args)?;
        call.order_by.iter().chain(&call.within_group).try_for_each(|by| self.expr(&by.expr))?;
        self.maybe(call.filter.as_ref())?;
        match &call.over {
            None | Some(Over::Name(_)) => Ok(()),
            Some(Over::Spec(window)) => self.window(window),
        }
    }
}

fn of_relation(item: &TableExpr) -> Read<Json> {
    Ok(match item {
        TableExpr::Table { name: table, only, alias: written, sample, range: _ } => list([
            text("table"),
            name(table),
            Json::Bool(*only),
            alias(written.as_ref()),
            Json::Bool(sample.is_some()),
        ]),
        TableExpr::Derived { lateral, query, alias: written, range: _ } => {
            list([text("derived"), Json::Bool(*lateral), alias(written.as_ref()), of_query(query)?])
        }
        TableExpr::Function { calls, ordinality, alias: written, range: _ } => list([
            text("function"),
            text(calls.len().to_string()),
            Json::Bool(*ordinality),
            alias(written.as_ref()),
            names_in(calls)?,
        ]),
        TableExpr::Join { left, right, kind, constraint, range: _ } => {
            let kind = match kind {
                JoinKind::Inner => "inner",
                JoinKind::Left => "left",
                JoinKind::Right => "right",
                JoinKind::Full => "full",
            };
            let constraint = match constraint {
                JoinConstraint::On(on) => list([text("on"), names_in([on])?]),
                JoinConstraint::Using(columns, alias) => list([
                    text("using"),
                    idents(columns),
                    alias.as_ref().map_or(Json::Null, |alias| text(&alias.text)),
                ]),
                JoinConstraint::Natural => text("natural"),
                JoinConstraint::None => Json::Null,
            };
            list([text("join"), text(kind), of_relation(left)?, of_relation(right)?, constraint])
        }
        TableExpr::AliasedJoin { join, alias: written } => {
            list([text("aliased"), alias(Some(written)), of_relation(join)?])
        }
        TableExpr::Unsupported(what, _) => return Err(what.clone()),
    })
}
