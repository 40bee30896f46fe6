//! Which constructs of TENANCY a statement uses, for the table of coverage.

use tenantry_prover::ast::{
    ConflictAction, ConflictTarget, Distinct, ExprKind, GroupItem, JoinConstraint, JoinKind, ParsedStatement,
    SetOp, Statement, TableExpr,
};

use crate::schemas::SchemaText;
use crate::syntax::{Node, nodes};

/// All constructs that are told apart.
pub const ALL: &[&str] = &[
    "ALL (subquery)",
    "ANY (subquery)",
    "ANY (array)",
    "BETWEEN",
    "CASE",
    "COALESCE",
    "CTE",
    "CTE MATERIALIZED",
    "DELETE",
    "DELETE USING",
    "DISTINCT",
    "DISTINCT ON",
    "EXCEPT",
    "EXISTS",
    "FOR UPDATE",
    "FULL JOIN",
    "GROUP BY",
    "GROUPING SETS",
    "HAVING",
    "IN (list)",
    "IN (subquery)",
    "INSERT",
    "INTERSECT",
    "IS DISTINCT FROM",
    "IS NULL",
    "IS TRUE",
    "LATERAL",
    "LEFT JOIN",
    "LIKE",
    "LIMIT",
    "MERGE",
    "NATURAL",
    "NOT",
    "NOT IN (subquery)",
    "OFFSET",
    "ON CONFLICT DO NOTHING",
    "ON CONFLICT DO UPDATE",
    "ON CONFLICT on a partial index",
    "ON CONFLICT without target",
    "OR",
    "ORDER BY",
    "RETURNING",
    "RIGHT JOIN",
    "UNION",
    "UNION ALL",
    "UPDATE",
    "UPDATE FROM",
    "USING",
    "aggregate",
    "aggregate FILTER",
    "cast",
    "comma join",
    "derived table",
    "inner join",
    "partitions",
    "recursive CTE",
    "row comparison",
    "scalar subquery",
    "view",
    "window",
];

/// What a schema may have, and the words of its text that say so.
pub const FEATURES: &[(&str, &str)] = &[
    ("policy: hierarchy", "hierarchy ="),
    ("policy: null-is-shared", "null-is-shared ="),
    ("policy: setting", "setting ="),
    ("schema: row level security", "ENABLE ROW LEVEL SECURITY"),
    ("schema: row level security, forced", "FORCE ROW LEVEL SECURITY"),
    ("schema: restrictive policy", "AS RESTRICTIVE"),
    ("schema: security_invoker", "security_invoker"),
    ("policy: strict-errors", "strict-errors = true"),
    ("policy: trust-foreign-keys", "trust-foreign-keys = true"),
    ("schema: bigint key", "tenant_id bigint"),
    ("schema: int key", "tenant_id int"),
    ("schema: text key", "tenant_id text"),
    ("schema: uuid key", "tenant_id uuid"),
    ("schema: key by slug", "tenant_slug"),
    ("schema: key of a domain", "tenant_id tenant_key"),
    ("schema: key with a length", "tenant_id varchar(40)"),
    ("schema: padded key", "tenant_id char(8)"),
    ("schema: citext key", "tenant_id citext"),
    ("schema: numeric key", "tenant_id numeric"),
    ("schema: nondeterministic key", "text COLLATE ci"),
    ("schema: key from a setting by default", "DEFAULT current_setting"),
    ("schema: generated column", "GENERATED ALWAYS AS (n"),
    ("schema: identity", "AS IDENTITY"),
    ("schema: partitions by hash", "BY HASH"),
    ("schema: partitions by list", "BY LIST"),
    ("schema: partitions by range", "BY RANGE"),
    ("schema: inheritance", "INHERITS"),
    ("schema: ON DELETE CASCADE", "ON DELETE CASCADE"),
    ("schema: ON DELETE SET NULL", "ON DELETE SET NULL"),
    ("schema: ON DELETE SET DEFAULT", "ON DELETE SET DEFAULT"),
    ("schema: ON UPDATE CASCADE", "ON UPDATE CASCADE"),
    ("schema: deferrable foreign key", "id) DEFERRABLE"),
    ("schema: deferrable unique constraint", "email) DEFERRABLE"),
    ("schema: foreign key that was not validated", "NOT VALID"),
    ("schema: composite foreign key", "FOREIGN KEY ("),
    ("schema: unique with INCLUDE", "INCLUDE ("),
    ("schema: exclusion constraint", "EXCLUDE"),
    ("schema: partial unique index", "WHERE status = 'open'"),
    ("schema: unique index of an expression", "lower(title))"),
    ("schema: trigger that assigns", "BEFORE INSERT"),
    ("schema: trigger that writes elsewhere", "RETURN NULL"),
    ("schema: functions in SQL", "f_of_tenant"),
    ("schema: view", "CREATE VIEW"),
    ("schema: materialized view", "CREATE MATERIALIZED VIEW"),
    ("schema: view with a default", "ALTER VIEW"),
    ("schema: view with a check", "CHECK OPTION"),
];

/// Keys whose equality does not tell all values apart.
const INEXACT: &[&str] = &[
    "tenant_id char(8)",
    "tenant_id citext",
    "text COLLATE ci",
    "_id TEXT COLLATE NOCASE",
    "_id TEXT COLLATE RTRIM",
];

/// Whether equality on the schema's keys tells all values apart.
pub fn has_exact_keys(schema: &SchemaText) -> bool {
    let text = schema.sql();
    !INEXACT.iter().any(|words| text.contains(words))
}

/// What a schema has of these.
pub fn of_schema(schema: &SchemaText) -> Vec<&'static str> {
    let text = format!("{}{}", schema.sql(), schema.policy);
    let found = FEATURES.iter().filter(|(_, words)| text.contains(words));
    found.map(|(name, _)| *name).collect()
}

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
