//! Which constructs of TENANCY a statement uses, for the table of coverage.

use tenantry_prover::ast::{
    ConflictAction, ConflictTarget, Distinct, ExprKind, GroupItem, JoinConstraint, JoinKind, ParsedStatement,
    SetOp, Statement, TableExpr,
};

use crate::syntax::{Node, nodes};

/// The constructs of a text, sorted.
pub fn of(parsed: &[ParsedStatement], sql: &str) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    for statement in parsed {
        for node in nodes(&statement.statement) {
            add(&node, &mut found);
        }
    }
    if sql.contains(" MATERIALIZED ") {
        found.push("CTE MATERIALIZED");
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn add(node: &Node<'_>, found: &mut Vec<&'static str>) {
    match node {
        Node::Statement(statement) => add_statement(statement, found),
        Node::Query(query) => {
            let parts = [
                (query.limit.is_some() || query.fetch.is_some(), "LIMIT"),
                (query.offset.is_some(), "OFFSET"),
                (!query.locking.is_empty(), "FOR UPDATE"),
                (query.with.is_some(), "CTE"),
                (query.with.as_ref().is_some_and(|with| with.recursive), "recursive CTE"),
                (!query.order_by.is_empty(), "ORDER BY"),
            ];
            found.extend(parts.iter().filter(|(there, _)| *there).map(|(_, name)| *name));
        }
        Node::SetOp(op, all) => found.push(match (op, all) {
            (SetOp::Union, true) => "UNION ALL",
            (SetOp::Union, false) => "UNION",
            (SetOp::Intersect, _) => "INTERSECT",
            (SetOp::Except, _) => "EXCEPT",
        }),
        Node::Select(select) => {
            match &select.distinct {
                Some(Distinct::All) => found.push("DISTINCT"),
                Some(Distinct::On(_)) => found.push("DISTINCT ON"),
                None => {}
            }
            for item in select.group_by.iter().flatten() {
                found.push(match item {
                    GroupItem::Expr(_) | GroupItem::List(_) | GroupItem::Empty => "GROUP BY",
                    GroupItem::Rollup(_) | GroupItem::Cube(_) | GroupItem::Sets(_) => "GROUPING SETS",
                });
            }
            if select.having.is_some() {
                found.push("HAVING");
            }
            if select.from.len() > 1 {
                found.push("comma join");
            }
        }
        Node::Table(table) => add_table(table, found),
        Node::Expr(expr) => found.extend(of_expr(&expr.kind)),
    }
}

fn add_statement(statement: &Statement, found: &mut Vec<&'static str>) {
    match statement {
        Statement::Query(_) => {}
        Statement::Insert(insert) => {
            found.push("INSERT");
            if let Some(conflict) = &insert.on_conflict {
                found.push(match (&conflict.target, &conflict.action) {
                    (ConflictTarget::Any, _) => "ON CONFLICT without target",
                    (_, ConflictAction::Nothing) => "ON CONFLICT DO NOTHING",
                    (_, _) => "ON CONFLICT DO UPDATE",
                });
                if matches!(&conflict.target, ConflictTarget::Columns { filter: Some(_), .. }) {
                    found.push("ON CONFLICT on a partial index");
                }
            }
            if !insert.returning.is_empty() {
                found.push("RETURNING");
            }
        }
        Statement::Update(update) => {
            found.push("UPDATE");
            if !update.from.is_empty() {
                found.push("UPDATE FROM");
            }
            if !update.returning.is_empty() {
                found.push("RETURNING");
            }
        }
        Statement::Delete(delete) => {
            found.push("DELETE");
            if !delete.using.is_empty() {
                found.push("DELETE USING");
            }
            if !delete.returning.is_empty() {
                found.push("RETURNING");
            }
        }
        Statement::Merge(_) => found.push("MERGE"),
        _ => found.push("other statement"),
    }
}

fn add_table(table: &TableExpr, found: &mut Vec<&'static str>) {
    match table {
        TableExpr::Join { kind, constraint, .. } => {
            found.push(match kind {
                JoinKind::Inner => "inner join",
                JoinKind::Left => "LEFT JOIN",
                JoinKind::Right => "RIGHT JOIN",
                JoinKind::Full => "FULL JOIN",
            });
            match constraint {
                JoinConstraint::Using(..) => found.push("USING"),
                JoinConstraint::Natural => found.push("NATURAL"),
                JoinConstraint::On(_) | JoinConstraint::None => {}
            }
        }
        TableExpr::Derived { lateral: true, .. } => found.push("LATERAL"),
        TableExpr::Derived { .. } => found.push("derived table"),
        TableExpr::Table { name, .. } => {
            let name = name.parts.last().map_or("", |part| part.text.as_str());
            if name.starts_with("v_") {
                found.push("view");
            }
            if name.starts_with("audit") {
                found.push("partitions");
            }
        }
        _ => {}
    }
}

fn of_expr(kind: &ExprKind) -> Option<&'static str> {
    Some(match kind {
        ExprKind::Exists(_) => "EXISTS",
        ExprKind::InSubquery { negated: false, .. } => "IN (subquery)",
        ExprKind::InSubquery { negated: true, .. } => "NOT IN (subquery)",
        ExprKind::QuantifiedSubquery { all: false, .. } => "ANY (subquery)",
        ExprKind::QuantifiedSubquery { all: true, .. } => "ALL (subquery)",
        ExprKind::QuantifiedArray { .. } => "ANY (array)",
        ExprKind::Subquery(_) => "scalar subquery",
        ExprKind::IsDistinct { .. } => "IS DISTINCT FROM",
        ExprKind::IsNull { .. } => "IS NULL",
        ExprKind::IsBool { .. } => "IS TRUE",
        ExprKind::InList { .. } => "IN (list)",
        ExprKind::Row(_) => "row comparison",
        ExprKind::Case { .. } => "CASE",
        ExprKind::Cast { .. } => "cast",
        ExprKind::Like { .. } => "LIKE",
        ExprKind::Between { .. } => "BETWEEN",
        ExprKind::Binary { op: tenantry_prover::ast::BinaryOp::Or, .. } => "OR",
        ExprKind::Unary { op: tenantry_prover::ast::UnaryOp::Not, .. } => "NOT",
        ExprKind::Call(call) if call.over.is_some() => "window",
        ExprKind::Call(call) if call.filter.is_some() => "aggregate FILTER",
        ExprKind::Call(call) => match call.name.parts.last().map_or("", |part| part.text.as_str()) {
            "coalesce" => "COALESCE",
            "count" | "sum" | "min" | "max" => "aggregate",
            _ => return None,
        },
        _ => return None,
    })
}
