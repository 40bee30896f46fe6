//! INSERT, UPDATE and DELETE.

use std::rc::Rc;

use syn::Expr;
use tenantry_span::Span;

use super::evaluate::{Call, columns, condition, hole, items, list, only, operand, value};
use super::query::{as_query, or_filter};
use super::tables::{Column, Source, Table};
use super::{Query, Value, handed, rows};
use crate::HandedPart;
use crate::chains::fragment::Fragment;
use crate::chains::statement::{Kind, Statement};
use crate::read::{LocalId, Reader, strip};

/// Columns and what they are set to.
pub(super) type Assignments = Vec<(Column, Fragment)>;

/// `insert_into(table)`.
pub(super) fn insert_into<'a>(
    reader: &mut Reader<'a>,
    name: &str,
    target: &'a Expr,
    span: Span,
    limit: LocalId,
) -> Option<Value> {
    let Value::Table(table) = only(value(reader, target, limit)?) else { return None };
    let mut statement = Statement::new(Kind::Insert, span);
    statement.from = table.as_source(span);
    statement.verb = match name {
        "replace_into" => "REPLACE INTO ",
        "insert_or_ignore_into" => "INSERT OR IGNORE INTO ",
        _ => "INSERT INTO ",
    };
    Some(Value::Query(Box::new(Query {
        statement,
        source: Some(Source::Table(table)),
        conflict: false,
        rows: None,
    })))
}

/// `update(target)` and `delete(target)`: a table, rows of it, or a struct that stands for one.
pub(super) fn target<'a>(
    reader: &mut Reader<'a>,
    kind: Kind,
    target: &'a Expr,
    span: Span,
    limit: LocalId,
) -> Option<Value> {
    let (table, filter) = match value(reader, target, limit).map(only) {
        Some(found) => {
            let query = as_query(found)?;
            let Some(Source::Table(table)) = query.source else { return None };
            let plain = query.statement.limit.is_none() && query.statement.arms.is_empty();
            if !plain || query.statement.kind != Kind::Select {
                return None;
            }
            (table, query.statement.filter)
        }
        None => {
            let (table, key) = rows::identified(reader, target, span, limit)?;
            (table, vec![key])
        }
    };
    let mut statement = Statement::new(kind, span);
    statement.from = table.as_source(span);
    statement.filter = filter;
    Some(Value::Query(Box::new(Query {
        statement,
        source: Some(Source::Table(table)),
        conflict: false,
        rows: None,
    })))
}

/// `INSERT INTO target … SELECT`: `query.insert_into(table)`, whose columns follow.
pub(super) fn from_query<'a>(
    reader: &mut Reader<'a>,
    query: Query,
    target: &'a Expr,
    call: &Call<'a>,
) -> Option<Value> {
    let inserted = insert_into(reader, "insert_into", target, call.span, call.limit)?;
    let Value::Query(mut insert) = inserted else { return None };
    let Some(Source::Table(table)) = &insert.source else { return None };
    let rows = query.statement.render();
    insert.statement.set = all_columns(table, rows.clone(), call.span);
    insert.rows = Some(rows);
    Some(Value::Query(insert))
}

/// The rows of a query where no columns are named: Diesel names those of the table in the order of its `table!`.
fn all_columns(table: &Rc<Table>, rows: Fragment, span: Span) -> Fragment {
    if table.handed.is_some() {
        return Fragment::hole(span, &table.name, "which columns are written is not known");
    }
    let named = table.columns(span);
    Fragment::joined(named.iter().map(Column::bare), ", ", span).nested(span).write(" ", span).then(rows)
}

/// `column = value` for each column of the primary key.
pub(super) fn by_key<'a>(
    reader: &mut Reader<'a>,
    table: &Rc<Table>,
    argument: &'a Expr,
    call: &Call<'a>,
) -> Fragment {
    let span = call.span;
    if let Some(part) =
        handed_part(reader, table, argument, call.limit, |of, value| HandedPart::Key { of, value })
    {
        return part.nested(span);
    }
    let key = table.key(span);
    let values: Vec<&'a Expr> = match strip(argument) {
        Expr::Tuple(of) if key.len() > 1 => of.elems.iter().collect(),
        _ => vec![argument],
    };
    if key.is_empty() || key.len() != values.len() {
        return hole(reader, span, "the primary key has other columns");
    }
    let mut all = Vec::new();
    for (column, argument) in key.iter().zip(values) {
        let bound = operand(reader, argument, call.limit);
        all.push(column.text().write(" = ", span).then(bound).nested(span));
    }
    Fragment::joined(all, " AND ", span).nested(span)
}

/// What follows of a parameter for a table, neither of which is known before a call.
fn handed_part(
    reader: &Reader<'_>,
    table: &Rc<Table>,
    argument: &Expr,
    limit: LocalId,
    part: impl Fn(Span, Span) -> HandedPart,
) -> Option<Fragment> {
    let of = table.handed?;
    let (value, name) = handed::parameter(reader, argument, limit)?;
    Some(handed::part(reader.range(argument), &name, part(of, value)))
}

/// What a method makes of a write.
pub(super) fn step<'a>(reader: &mut Reader<'a>, mut query: Query, call: &Call<'a>) -> Option<Value> {
    let (span, limit) = (call.span, call.limit);
    let statement = &mut query.statement;
    let name = call.name.as_str();
    let kind = statement.kind;
    match (kind, name, call.arguments.first().copied()) {
        (_, "into_boxed", None) => {}
        (_, "returning", Some(argument)) => statement.returning = list(reader, argument, limit, span),
        (Kind::Insert, "values", Some(argument)) => {
            let Some(Source::Table(table)) = query.source.clone() else { return None };
            match value(reader, argument, limit).map(only) {
                Some(Value::Query(from)) => {
                    let rendered = from.statement.render();
                    query.rows = Some(rendered.clone());
                    query.statement.set = all_columns(&table, rendered, span);
                }
                _ => query.statement.set = values(reader, &table, argument, call),
            }
        }
        (Kind::Insert, "default_values", None) => statement.set = Fragment::text("DEFAULT VALUES", span),
        (Kind::Insert, "into_columns", Some(argument)) => {
            let from = query.rows.clone()?;
            let named = columns(reader, argument, limit)?;
            let named = Fragment::joined(named.iter().map(Column::bare), ", ", span).nested(span);
            query.statement.set = named.write(" ", span).then(from);
        }
        (Kind::Insert, "on_conflict", Some(argument)) => {
            statement.conflict = match columns(reader, argument, limit) {
                Some(named) => Fragment::joined(named.iter().map(Column::bare), ", ", span).nested(span),
                None => match items(reader, argument, limit).as_slice() {
                    [only] => only.clone(),
                    _ => hole(reader, span, "the target of the conflict is not known"),
                },
            };
            query.conflict = true;
        }
        (Kind::Insert, "on_conflict_do_nothing", None) => {
            statement.conflict = Fragment::text("DO NOTHING", span)
        }
        (Kind::Insert, "filter_target", Some(argument)) => {
            let filter = condition(reader, argument, limit);
            let before = std::mem::take(&mut statement.conflict);
            statement.conflict = before.write(" WHERE ", span).then(filter);
        }
        (Kind::Insert, "do_nothing", None) => {
            let before = std::mem::take(&mut statement.conflict);
            statement.conflict = before.write(" DO NOTHING", span);
        }
        (Kind::Insert, "do_update", None) => {
            let before = std::mem::take(&mut statement.conflict);
            statement.conflict = before.write(" DO UPDATE", span);
        }
        (Kind::Insert, "set", Some(argument)) if query.conflict => {
            let Some(Source::Table(table)) = query.source.clone() else { return None };
            let set = assigned(reader, &table, argument, call);
            let before = std::mem::take(&mut query.statement.conflict);
            query.statement.conflict = before.write(" SET ", span).then(set);
        }
        (Kind::Insert, "filter", Some(argument)) if query.conflict => {
            let filter = condition(reader, argument, limit);
            let before = std::mem::take(&mut statement.conflict);
            statement.conflict = before.write(" WHERE ", span).then(filter);
        }
        (Kind::Update, "set", Some(argument)) => {
            let Some(Source::Table(table)) = query.source.clone() else { return None };
            query.statement.set = assigned(reader, &table, argument, call);
        }
        (Kind::Update | Kind::Delete, "filter", Some(argument)) => {
            statement.filter.push(condition(reader, argument, limit));
        }
        (Kind::Update | Kind::Delete, "or_filter", Some(argument)) => {
            let filter = condition(reader, argument, limit);
            or_filter(&mut statement.filter, filter, span);
        }
        _ => return None,
    }
    Some(Value::Query(Box::new(query)))
}

/// What stands after SET.
pub(super) fn assigned<'a>(
    reader: &mut Reader<'a>,
    table: &Rc<Table>,
    argument: &'a Expr,
    call: &Call<'a>,
) -> Fragment {
    let span = call.span;
    let part = |of, value| HandedPart::Changes { of, value };
    if let Some(part) = handed_part(reader, table, argument, call.limit, part) {
        return part;
    }
    match assignments(reader, table, argument, call.limit, Kind::Update) {
        Some(all) => {
            let all = all.into_iter().map(|(column, value)| column.bare().write(" = ", span).then(value));
            Fragment::joined(all.collect::<Vec<_>>(), ", ", span)
        }
        None => {
            let span = reader.range(argument);
            hole(reader, span, "which columns it sets is not known")
        }
    }
}

/// The columns that a row or a list of assignments gives values.
fn assignments<'a>(
    reader: &mut Reader<'a>,
    table: &Rc<Table>,
    argument: &'a Expr,
    limit: LocalId,
    kind: Kind,
) -> Option<Assignments> {
    if let Expr::Tuple(of) = strip(argument) {
        let mut all = Vec::new();
        for element in &of.elems {
            all.extend(assignments(reader, table, element, limit, kind)?);
        }
        return Some(all);
    }
    match value(reader, argument, limit).map(only) {
        Some(found) => flattened(found),
        None => rows::columns_of(reader, table, argument, limit, kind),
    }
}

fn flattened(value: Value) -> Option<Assignments> {
    match value {
        Value::Tuple(values) => {
            let all = values.into_iter().map(flattened).collect::<Option<Vec<_>>>()?;
            Some(all.into_iter().flatten().collect())
        }
        Value::Expression(expression) => expression.assigns.map(|assigns| vec![assigns]),
        _ => None,
    }
}

/// The columns and rows of an INSERT.
pub(super) fn values<'a>(
    reader: &mut Reader<'a>,
    table: &Rc<Table>,
    argument: &'a Expr,
    call: &Call<'a>,
) -> Fragment {
    let span = call.span;
    if let Some(part) =
        handed_part(reader, table, argument, call.limit, |of, value| HandedPart::Row { of, value })
    {
        return part;
    }
    let elements: Vec<&'a Expr> = rows::elements(reader, argument).unwrap_or_else(|| vec![argument]);
    let mut rows: Vec<Assignments> = Vec::new();
    for element in elements {
        match assignments(reader, table, element, call.limit, Kind::Insert) {
            Some(row) => rows.push(row),
            None => {
                let span = reader.range(element);
                return hole(reader, span, "which columns it writes is not known");
            }
        }
    }
    let mut named: Vec<Column> = Vec::new();
    for (column, _) in rows.iter().flatten() {
        if !named.iter().any(|known| known.name == column.name) {
            named.push(column.clone());
        }
    }
    if named.is_empty() {
        return Fragment::text("DEFAULT VALUES", span);
    }
    let row = |row: &Assignments| {
        let values = named.iter().map(|column| {
            let given = row.iter().find(|(known, _)| known.name == column.name);
            given.map_or_else(|| Fragment::text("DEFAULT", span), |(_, value)| value.clone())
        });
        Fragment::joined(values.collect::<Vec<_>>(), ", ", span).nested(span)
    };
    let rows: Vec<Fragment> = rows.iter().map(row).collect();
    Fragment::joined(named.iter().map(Column::bare), ", ", span)
        .nested(span)
        .write(" VALUES ", span)
        .then(Fragment::joined(rows, ", ", span))
}
