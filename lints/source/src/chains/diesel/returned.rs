//! Rows that a query returned: which column a field of theirs is.
//!
//! Only `select(Row::as_select())` and `returning(Row::as_returning())` say so, since the struct then names the columns that
//! are asked for. What is read by the order of its fields may be in another order than it looks.

use syn::{Expr, ExprMethodCall};

use super::rows::{declared, own, segments};
use crate::chains::Fields;
use crate::chains::records::record;
use crate::chains::resolve::Place;
use crate::read::{LocalId, Reader, Source, strip};
use crate::{RowColumn, RowValue};

/// How far variables are followed.
const MAX_STEPS: usize = 32;

/// Methods that return rows.
const RETURNS: &[&str] = &["first", "get_result", "get_results", "load"];

/// Methods after which the same is selected as before.
const SAME_COLUMNS: &[&str] = &[
    "distinct",
    "distinct_on",
    "filter",
    "find",
    "for_key_share",
    "for_no_key_update",
    "for_share",
    "for_update",
    "into_boxed",
    "limit",
    "no_wait",
    "offset",
    "or_filter",
    "order",
    "order_by",
    "skip_locked",
    "then_order_by",
];

/// The column that a field of the row is which the call returns.
pub(super) fn row(
    reader: &Reader<'_>,
    call: &ExprMethodCall,
    field: &str,
    limit: LocalId,
) -> Option<RowValue> {
    let (row, home) = declared(reader, &rows(reader, call, limit)?.0, None)?;
    let field = row.fields.iter().find(|known| known.name == field)?;
    // Another type, or code of the project's own, makes what it likes of the columns.
    let is_derived = row.derives.iter().any(|known| known == "Queryable");
    if !is_derived || field.embed || field.serialized || field.select.is_some() {
        return None;
    }
    let within = reader.range(call);
    let home: &Place = &home;
    let column = reader.diesel_table_from(home, &row.table, within)?.column(&field.column, within)?.name;
    Some(RowValue { within, column: RowColumn::Name(column) })
}

/// What the fields of the row are that the call of a method returns, which is given as `ty`: the columns in their order, if
/// it is seen that the type derives so. `sql_query` reads by names.
pub(super) fn fields(reader: &Reader<'_>, call: &ExprMethodCall, ty: Option<&syn::Type>) -> Option<Fields> {
    let is_collection = matches!(call.args.first(), Some(Expr::Closure(_)) | None);
    if call.args.len() != 1 || is_collection || !RETURNS.iter().any(|name| call.method == name) {
        return None;
    }
    let selected = rows(reader, call, LocalId::MAX).map(|(path, _)| path);
    let path = selected.or_else(|| own(reader, record(turbofish(call).or(ty)?)?));
    let path = path.filter(|path| path.first().is_some_and(|first| !reader.is_brought_nearer(first)));
    let Some((row, _)) = path.and_then(|path| declared(reader, &path, None)) else {
        return Some(Fields::Unseen);
    };
    let is_plain = row.fields.iter().all(|field| !field.embed && !field.serialized);
    let derives = |name: &str| is_plain && row.derives.iter().any(|known| known == name);
    let of_its_own_name = row.fields.iter().all(|field| field.name == field.column);
    Some(match is_sql(&call.receiver) {
        true if derives("QueryableByName") && of_its_own_name => Fields::Named,
        false if derives("Queryable") => {
            Fields::InOrder(row.fields.into_iter().map(|field| field.name).collect())
        }
        _ => Fields::Unseen,
    })
}

/// The type that a method's rows are read into, where it is written there: `first::<Order>(conn)`.
fn turbofish(call: &ExprMethodCall) -> Option<&syn::Type> {
    call.turbofish.as_ref()?.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) if !matches!(ty, syn::Type::Infer(_)) => Some(ty),
        _ => None,
    })
}

/// `sql_query(…)`, also with values bound to it.
fn is_sql(query: &Expr) -> bool {
    match strip(query) {
        Expr::MethodCall(call) => is_sql(&call.receiver),
        Expr::Call(call) => matches!(&*call.func, Expr::Path(path)
            if path.path.segments.last().is_some_and(|last| last.ident == "sql_query")),
        _ => false,
    }
}

/// The struct that the call of a method returns, by its path, and whether it may be several.
pub(super) fn rows(
    reader: &Reader<'_>,
    call: &ExprMethodCall,
    limit: LocalId,
) -> Option<(Vec<String>, bool)> {
    if call.args.len() != 1 || !RETURNS.iter().any(|name| call.method == name) {
        return None;
    }
    let many = call.method == "load" || call.method == "get_results";
    Some((own(reader, selected(reader, &call.receiver, limit, 0)?)?, many))
}

/// The struct whose columns a query selects, by the path that is written.
fn selected(reader: &Reader<'_>, expr: &Expr, limit: LocalId, depth: usize) -> Option<Vec<String>> {
    if depth > MAX_STEPS {
        return None;
    }
    match strip(expr) {
        Expr::MethodCall(call) => match (call.method.to_string().as_str(), call.args.first()) {
            ("select" | "returning", Some(Expr::Call(of))) if of.args.is_empty() => {
                let Expr::Path(path) = &*of.func else { return None };
                let mut path = segments(&path.path);
                let name = path.pop()?;
                ["as_select", "as_returning"].contains(&name.as_str()).then_some(path)
            }
            (name, _) if SAME_COLUMNS.contains(&name) => selected(reader, &call.receiver, limit, depth + 1),
            _ => None,
        },
        Expr::Path(path) => {
            let id = reader.lookup(&path.path.get_ident()?.to_string(), limit)?;
            let local = reader.locals.get(id).filter(|local| !local.unsteady)?;
            let Source::Let(value) = local.source else { return None };
            selected(reader, value, id, depth + 1)
        }
        _ => None,
    }
}
