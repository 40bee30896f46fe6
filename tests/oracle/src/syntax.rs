//! All nodes of a statement, outer ones first, and edits by their places in the text.

use tenantry_prover::ast::{
    ConflictAction, ConflictTarget, Distinct, Expr, ExprKind, GroupItem, JoinConstraint, MergeAction,
    OrderBy, Over, Query, Select, SelectItem, SetExpr, SetOp, Statement, TableExpr, WindowSpec, With,
};
use tenantry_span::TextRange;

/// A node.
#[derive(Clone, Copy)]
pub enum Node<'a> {
    /// A statement, common table expressions included.
    Statement(&'a Statement),
    /// A query.
    Query(&'a Query),
    /// A set operation.
    SetOp(SetOp, bool),
    /// A select.
    Select(&'a Select),
    /// A relation in FROM.
    Table(&'a TableExpr),
    /// An expression.
    Expr(&'a Expr),
}

/// The nodes of a statement.
pub fn nodes(statement: &Statement) -> Vec<Node<'_>> {
    let mut walk = Walk { nodes: Vec::new() };
    walk.statement(statement);
    walk.nodes
}

/// `text` with `range` replaced.
pub fn replace(text: &str, range: TextRange, by: &str) -> Option<String> {
    let (start, end) = bounds(range);
    Some(format!("{}{by}{}", text.get(..start)?, text.get(end..)?))
}

/// The text of a range.
pub fn slice(text: &str, range: TextRange) -> Option<&str> {
    let (start, end) = bounds(range);
    text.get(start..end)
}

/// The bytes of a range.
pub fn bounds(range: TextRange) -> (usize, usize) {
    (range.start as usize, range.end as usize)
}

struct Walk<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Walk<'a> {
    fn statement(&mut self, statement: &'a Statement) {
        self.nodes.push(Node::Statement(statement));
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => {
                self.with(insert.with.as_ref());
                insert.source.iter().for_each(|query| self.query(query));
                if let Some(conflict) = &insert.on_conflict {
                    if let ConflictTarget::Columns { filter: Some(filter), .. } = &conflict.target {
                        self.expr(filter);
                    }
                    if let ConflictAction::Update { assignments, filter } = &conflict.action {
                        assignments.iter().for_each(|set| self.expr(&set.value));
                        filter.iter().for_each(|filter| self.expr(filter));
                    }
                }
                self.items(&insert.returning);
            }
            Statement::Update(update) => {
                self.with(update.with.as_ref());
                self.table(&update.target);
                update.assignments.iter().for_each(|set| self.expr(&set.value));
                update.from.iter().for_each(|table| self.table(table));
                update.filter.iter().for_each(|filter| self.expr(filter));
                self.items(&update.returning);
            }
            Statement::Delete(delete) => {
                self.with(delete.with.as_ref());
                self.table(&delete.target);
                delete.using.iter().for_each(|table| self.table(table));
                delete.filter.iter().for_each(|filter| self.expr(filter));
                self.items(&delete.returning);
            }
            Statement::Merge(merge) => {
                self.with(merge.with.as_ref());
                self.table(&merge.target);
                self.table(&merge.source);
                self.expr(&merge.on);
                for clause in &merge.clauses {
                    clause.guard.iter().for_each(|guard| self.expr(guard));
                    match &clause.action {
                        MergeAction::Update(sets) => sets.iter().for_each(|set| self.expr(&set.value)),
                        MergeAction::Insert { values, .. } => {
                            values.iter().for_each(|value| self.expr(value))
                        }
                        MergeAction::Nothing | MergeAction::Delete => {}
                    }
                }
                self.items(&merge.returning);
            }
            Statement::CopyQuery(inner) | Statement::Explain(inner) => self.statement(inner),
            _ => {}
        }
    }

    fn with(&mut self, with: Option<&'a With>) {
        for cte in with.into_iter().flat_map(|with| &with.ctes) {
            self.statement(&cte.statement);
        }
    }

    fn query(&mut self, query: &'a Query) {
        self.nodes.push(Node::Query(query));
        self.with(query.with.as_ref());
        self.set_expr(&query.body);
        self.order(&query.order_by);
        let fetch = query.fetch.as_ref().map(|(expr, _)| expr);
        for expr in query.limit.iter().chain(&query.offset).chain(fetch) {
            self.expr(expr);
        }
    }

    fn set_expr(&mut self, body: &'a SetExpr) {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Values(rows) => rows.iter().flatten().for_each(|expr| self.expr(expr)),
            SetExpr::Table(_) => {}
            SetExpr::SetOp { op, all, left, right } => {
                self.nodes.push(Node::SetOp(*op, *all));
                self.set_expr(left);
                self.set_expr(right);
            }
            SetExpr::Query(query) => self.query(query),
        }
    }

    fn select(&mut self, select: &'a Select) {
        self.nodes.push(Node::Select(select));
        if let Some(Distinct::On(list)) = &select.distinct {
            list.iter().for_each(|expr| self.expr(expr));
        }
        self.items(&select.items);
        select.from.iter().for_each(|table| self.table(table));
        select.filter.iter().for_each(|filter| self.expr(filter));
        for item in select.group_by.iter().flatten() {
            self.group(item);
        }
        select.having.iter().for_each(|having| self.expr(having));
        select.windows.iter().for_each(|(_, window)| self.window(window));
    }

    fn group(&mut self, item: &'a GroupItem) {
        match item {
            GroupItem::Expr(expr) => self.expr(expr),
            GroupItem::Empty => {}
            GroupItem::Rollup(lists) | GroupItem::Cube(lists) => {
                lists.iter().flatten().for_each(|expr| self.expr(expr));
            }
            GroupItem::Sets(items) => items.iter().for_each(|item| self.group(item)),
            GroupItem::List(list) => list.iter().for_each(|expr| self.expr(expr)),
        }
    }

    fn items(&mut self, items: &'a [SelectItem]) {
        for item in items {
            match item {
                SelectItem::ExprStar(expr) | SelectItem::Expr { expr, .. } => self.expr(expr),
                SelectItem::Star(_) | SelectItem::QualifiedStar(_) => {}
            }
        }
    }

    fn order(&mut self, order: &'a [OrderBy]) {
        order.iter().for_each(|order| self.expr(&order.expr));
    }

    fn window(&mut self, window: &'a WindowSpec) {
        window.partition_by.iter().for_each(|expr| self.expr(expr));
        self.order(&window.order_by);
    }

    fn table(&mut self, table: &'a TableExpr) {
        self.nodes.push(Node::Table(table));
        match table {
            TableExpr::Derived { query, .. } => self.query(query),
            TableExpr::Function { calls, .. } => calls.iter().for_each(|call| self.expr(call)),
            TableExpr::Join { left, right, constraint, .. } => {
                self.table(left);
                self.table(right);
                if let JoinConstraint::On(on) = constraint {
                    self.expr(on);
                }
            }
            TableExpr::AliasedJoin { join, .. } => self.table(join),
            TableExpr::Table { .. } | TableExpr::Unsupported(..) => {}
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        self.nodes.push(Node::Expr(expr));
        match &expr.kind {
            ExprKind::Binary { left, right, .. } | ExprKind::IsDistinct { left, right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::QuantifiedArray { left, array: right, .. } => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Unary { expr, .. }
            | ExprKind::IsNull { expr, .. }
            | ExprKind::IsBool { expr, .. }
            | ExprKind::Cast { expr, .. }
            | ExprKind::Collate { expr, .. }
            | ExprKind::Field { expr, .. } => self.expr(expr),
            ExprKind::InList { expr, list, .. } => {
                self.expr(expr);
                list.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::InSubquery { expr, query, .. }
            | ExprKind::QuantifiedSubquery { left: expr, query, .. } => {
                self.expr(expr);
                self.query(query);
            }
            ExprKind::Between { expr, low, high, .. } => {
                self.expr(expr);
                self.expr(low);
                self.expr(high);
            }
            ExprKind::Like { expr, pattern, .. } => {
                self.expr(expr);
                self.expr(pattern);
            }
            ExprKind::Exists(query) | ExprKind::Subquery(query) | ExprKind::ArraySubquery(query) => {
                self.query(query);
            }
            ExprKind::Row(list) | ExprKind::Array(list) => list.iter().for_each(|expr| self.expr(expr)),
            ExprKind::Case { operand, arms, otherwise } => {
                operand.iter().for_each(|expr| self.expr(expr));
                for (when, then) in arms {
                    self.expr(when);
                    self.expr(then);
                }
                otherwise.iter().for_each(|expr| self.expr(expr));
            }
            ExprKind::Call(call) => {
                call.args.iter().for_each(|expr| self.expr(expr));
                self.order(&call.order_by);
                call.filter.iter().for_each(|filter| self.expr(filter));
                if let Some(Over::Spec(window)) = &call.over {
                    self.window(window);
                }
            }
            ExprKind::Subscript { expr, .. } => self.expr(expr),
            ExprKind::Column(_)
            | ExprKind::Param(_)
            | ExprKind::Null
            | ExprKind::Bool(_)
            | ExprKind::Number(_)
            | ExprKind::String(_)
            | ExprKind::TypedLiteral(..)
            | ExprKind::Default
            | ExprKind::Unsupported(_) => {}
        }
    }
}
