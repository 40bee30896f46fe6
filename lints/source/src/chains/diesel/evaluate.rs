//! What an expression is to Diesel.

use syn::{Expr, ExprMethodCall};

use super::tables::Named;
use super::{Expression, Value};
use crate::chains::fragment::Fragment;
use crate::chains::{self, Held};
use crate::read::{LocalId, Reader, strip};

/// What an expression is, if it is anything of Diesel's.
pub(super) fn value<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Option<Held> {
    match strip(expr) {
        Expr::Path(path) => named(reader, path, limit),
        Expr::MethodCall(call) => method(reader, call, limit),
        _ => None,
    }
}

fn one(value: Value) -> Held {
    Held::one(chains::Value::Diesel(value))
}

fn named<'a>(reader: &mut Reader<'a>, path: &'a syn::ExprPath, limit: LocalId) -> Option<Held> {
    let span = reader.range(path);
    let resolved = reader.resolved(&path.path, limit);
    for full in &resolved.paths {
        match reader.diesel_named(full, span) {
            Some(Named::Table(table)) => return Some(one(Value::Table(table))),
            Some(Named::Column(column)) => return Some(one(Value::Column(column))),
            Some(Named::All(table)) => {
                let columns = table.columns(span).into_iter().map(Value::Column).collect();
                return Some(one(Value::Tuple(columns)));
            }
            Some(Named::Star(table)) => {
                let text = table.qualifier(span).write(".*", span);
                return Some(one(Value::Expression(Expression { text, assigns: None, is_condition: false })));
            }
            None => {}
        }
    }
    reader.state.chains.get(&resolved.local?).cloned()
}

fn method<'a>(reader: &mut Reader<'a>, call: &'a ExprMethodCall, limit: LocalId) -> Option<Held> {
    let on = value(reader, &call.receiver, limit)?;
    Some(super::query::method(reader, on, call, limit))
}

/// An argument in the place of a value: an expression of SQL, or something that is bound.
pub(super) fn operand<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Fragment {
    match value(reader, expr, limit) {
        None => Fragment::bind(reader.chain_bind(expr, limit)),
        Some(held) => match held.ways.as_slice() {
            [way] => match &way.value {
                chains::Value::Diesel(Value::Query(query)) => {
                    query.statement.render().nested(query.statement.span)
                }
                chains::Value::Diesel(value) => value.render(),
                chains::Value::Unknown(hole) => hole.clone(),
            },
            _ => {
                let span = reader.range(expr);
                Fragment::hole(span, reader.written(span), "it is one of several")
            }
        },
    }
}

/// An argument in the place of a condition.
pub(super) fn condition<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Fragment {
    let span = reader.range(expr);
    match value(reader, expr, limit) {
        None => {
            let written = reader.written(span);
            Fragment::hole(span, written, "it is not known as a condition of Diesel's")
        }
        Some(_) => operand(reader, expr, limit),
    }
}
