//! Diesel, and diesel-async.
//!
//! What is left out of the text, since no verdict rests on it: the connection and the type that rows are read into;
//! `nullable` and `assume_not_null`, which change types alone; the boxes of `into_boxed`.

mod declare;
mod evaluate;
mod expression;
mod handed;
mod plain;
mod query;
mod returned;
mod rows;
mod tables;
mod wrapper;
mod write;

use std::rc::Rc;

use tenantry_span::Span;

use super::Library;
use super::fragment::Fragment;
use super::statement::Statement;

pub(crate) use declare::declarations;
pub use declare::{parse_join, parse_table};
use tables::{Column, Source, Table};

/// Diesel's line among the libraries.
pub(crate) const LIBRARY: Library = Library {
    name: "diesel",
    crates: &["diesel", "diesel_async", "table", "dsl", "belonging_to"],
    begin: None,
    value: evaluate::value,
    run: query::run,
    run_by_path: query::run_by_path,
    row: returned::row,
    fields: returned::fields,
    mutate: evaluate::mutate,
};

/// What an expression is to Diesel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A table that nothing was asked of yet.
    Table(Rc<Table>),
    /// A table under another name, which `alias!` gives it.
    Alias(Rc<Table>),
    /// A source that says how it is joined: `other.on(…)`.
    On(Box<Source>, Fragment),
    /// A column.
    Column(Column),
    /// An expression of SQL.
    Expression(Expression),
    /// Several values.
    Tuple(Vec<Value>),
    /// A value of Rust's in a tuple, bound.
    Rust(Fragment),
    /// A statement.
    Query(Box<Query>),
    /// A query within a struct of the project.
    Wrapped(Wrapped),
}

/// A query within a struct of the project, which writes SQL around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrapped {
    /// The struct.
    pub(crate) of: String,
    /// Its field that is the query.
    pub(crate) field: String,
    /// All that it writes.
    pub(crate) text: Fragment,
}

/// An expression of SQL. Its text is in parentheses wherever it is more than a name, a value or a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expression {
    pub(crate) text: Fragment,
    /// The column and value that `column.eq(value)` assigns where it stands in a `set` or in `values`.
    pub(crate) assigns: Option<(Column, Fragment)>,
    /// It is a condition.
    pub(crate) is_condition: bool,
}

/// A statement and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) statement: Statement,
    /// What a query reads from; the target of a write.
    pub(crate) source: Option<Source>,
    /// Of an INSERT: what comes next is about a conflict.
    pub(crate) conflict: bool,
    /// Of an INSERT: the query that gives its rows.
    pub(crate) rows: Option<Fragment>,
}

impl Value {
    /// The value where `condition` held on the way of this one.
    pub(crate) fn join(&self, other: &Value, condition: Span) -> Option<Value> {
        match (self, other) {
            (Value::Table(_) | Value::Query(_), Value::Table(_) | Value::Query(_)) => {
                let (one, other) = (query::as_query(self.clone())?, query::as_query(other.clone())?);
                let same =
                    one.source == other.source && one.conflict == other.conflict && one.rows == other.rows;
                let statement = one.statement.join(&other.statement, condition).filter(|_| same)?;
                Some(Value::Query(Box::new(Query { statement, ..one })))
            }
            (Value::Expression(one), Value::Expression(other)) => {
                let is_condition = one.is_condition && other.is_condition;
                let (holds, otherwise) = (one.text.clone(), other.text.clone());
                let text = match is_condition {
                    true => Fragment::join(holds, otherwise, condition),
                    false => Fragment::either_value(holds, otherwise, condition),
                };
                Some(Value::Expression(Expression { text, assigns: None, is_condition }))
            }
            _ => None,
        }
    }

    /// The text of it as a statement.
    pub(crate) fn render(&self) -> Fragment {
        match self {
            Value::Query(query) => query.statement.render(),
            Value::Table(table) | Value::Alias(table) => {
                query::select_from(Source::Table(Rc::clone(table)), table.span).statement.render()
            }
            Value::Column(column) => column.text(),
            Value::Expression(expression) => expression.text.clone(),
            Value::On(_, on) => on.clone(),
            Value::Rust(bound) => bound.clone(),
            Value::Wrapped(wrapped) => wrapped.text.clone(),
            // No statement at all, so that nothing is believed of it.
            Value::Tuple(values) => {
                values.iter().fold(Fragment::default(), |all, value| all.then(value.render()))
            }
        }
    }

    /// The parts of a tuple.
    pub(crate) fn parts(self) -> Option<Vec<Value>> {
        match self {
            Value::Tuple(values) => Some(values),
            _ => None,
        }
    }
}
