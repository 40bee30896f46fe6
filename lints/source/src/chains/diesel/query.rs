//! Methods of queries and expressions, and what runs them.

use syn::{ExprCall, ExprMethodCall};
use tenantry_span::Span;

use super::evaluate::{condition, operand, value};
use super::tables::Source;
use super::{Expression, Query, Value};
use crate::chains::fragment::Fragment;
use crate::chains::statement::{Kind, Statement};
use crate::chains::{self, Held};
use crate::read::{LocalId, Reader};

/// Methods that run what they are called on, with the connection as their argument.
const RUNS: &[&str] = &["load", "load_iter", "load_stream", "get_result", "get_results", "first", "execute"];

/// A query of all columns of a source.
pub(super) fn select_from(source: Source, span: Span) -> Query {
    let mut statement = Statement::new(Kind::Select, span);
    statement.from = source.text(span);
    statement.select = Fragment::joined(source.columns(span), ", ", span);
    Query { statement, source: Some(source) }
}

/// What a method makes of what it is called on.
pub(super) fn method<'a>(
    reader: &mut Reader<'a>,
    on: Held,
    call: &'a ExprMethodCall,
    limit: LocalId,
) -> Held {
    let span = reader.between(call.method.span(), call.paren_token.span.close());
    on.map(|on| match on {
        chains::Value::Diesel(on) => step(reader, on, call, limit, span),
        unknown @ chains::Value::Unknown(_) => unknown,
    })
}

fn step<'a>(
    reader: &mut Reader<'a>,
    on: Value,
    call: &'a ExprMethodCall,
    limit: LocalId,
    span: Span,
) -> chains::Value {
    let name = call.method.to_string();
    let found = match (&on, name.as_str(), call.args.first()) {
        (Value::Column(column), "eq", Some(argument)) => {
            let right = operand(reader, argument, limit);
            let text = column.text().write(" = ", span).then(right.clone()).nested(span);
            let assigns = Some((column.clone(), right));
            Some(Value::Expression(Expression { text, assigns, is_condition: true }))
        }
        (Value::Table(_) | Value::Query(_), "filter", Some(argument)) => {
            let filter = condition(reader, argument, limit);
            as_query(on).map(|mut query| {
                query.statement.filter.push(filter);
                Value::Query(Box::new(query))
            })
        }
        (Value::Table(_) | Value::Query(_), "into_boxed", None) => {
            as_query(on).map(|query| Value::Query(Box::new(query)))
        }
        _ => None,
    };
    match found {
        Some(value) => chains::Value::Diesel(value),
        None => {
            let why = format!("`.{name}(…)` is no method of Diesel's that is known");
            chains::Value::Unknown(Fragment::hole(span, reader.written(span), why))
        }
    }
}

fn as_query(value: Value) -> Option<Query> {
    match value {
        Value::Table(table) => {
            let span = table.span;
            Some(select_from(Source::Table(table), span))
        }
        Value::Query(query) => Some(*query),
        _ => None,
    }
}

/// The query that a method runs.
pub(super) fn run<'a>(reader: &mut Reader<'a>, call: &'a ExprMethodCall) -> Option<Held> {
    let name = call.method.to_string();
    if !RUNS.contains(&name.as_str()) || call.args.len() != 1 {
        return None;
    }
    let held = value(reader, &call.receiver, LocalId::MAX)?;
    Some(held)
}

/// The query that a call by path runs.
pub(super) fn run_by_path<'a>(_: &mut Reader<'a>, _: &'a ExprCall) -> Option<Held> {
    None
}
