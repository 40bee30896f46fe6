//! Methods of queries, and what runs them.

use std::rc::Rc;

use syn::{Expr, ExprCall, ExprMethodCall};
use tenantry_span::Span;

use super::evaluate::{Call, columns, condition, expressed, hole, items, list, one, only, operand, value};
use super::tables::{Source, Table};
use super::{Query, Value, rows, wrapper, write};
use crate::chains::fragment::{Fragment, Word};
use crate::chains::statement::{Distinct, Kind, Statement};
use crate::chains::{self, Held};
use crate::read::{LocalId, Reader, strip};
use crate::{Bind, Provenance, ProvenanceKind};

/// Methods that run what they are called on, with the connection as their argument.
pub(super) const RUNS: &[&str] =
    &["load", "load_iter", "load_stream", "get_result", "get_results", "first", "execute", "save_changes"];

/// A query of all columns of a source.
pub(super) fn select_from(source: Source, span: Span) -> Query {
    let mut statement = Statement::new(Kind::Select, span);
    statement.from = source.text(span);
    statement.select = Fragment::joined(source.columns(span), ", ", span);
    Query { statement, source: Some(source), conflict: false, rows: None }
}

/// A table or query as a query.
pub(super) fn as_query(value: Value) -> Option<Query> {
    match value {
        Value::Table(table) | Value::Alias(table) => {
            let span = table.span;
            Some(select_from(Source::Table(table), span))
        }
        Value::Query(query) => Some(*query),
        _ => None,
    }
}

/// What a method makes of a table or query.
pub(super) fn step<'a>(reader: &mut Reader<'a>, on: &Value, call: &Call<'a>) -> Option<Value> {
    let (span, limit) = (call.span, call.limit);
    let name = call.name.as_str();
    let argument = call.arguments.first().copied();
    match (name, argument) {
        ("on", Some(on_what)) => {
            let filter = condition(reader, on_what, limit);
            return Some(Value::On(Box::new(as_query(on.clone())?.source?), filter));
        }
        ("single_value", None) => {
            let mut query = as_query(on.clone())?;
            query.statement.limit = Some(number(span, "1"));
            return Some(expressed(query.statement.render().nested(span), false));
        }
        ("eq_any" | "field" | "fields", _) => return None,
        _ => {}
    }
    let mut query = as_query(on.clone())?;
    if query.statement.kind != Kind::Select {
        return write::step(reader, query, call);
    }
    let statement = &mut query.statement;
    match (name, argument) {
        ("into_boxed" | "as_query" | "nullable", None) => {}
        ("filter", Some(argument)) => statement.filter.push(condition(reader, argument, limit)),
        // Of a query that is handed over the filters are not at hand.
        ("or_filter", Some(_)) if query.source.is_none() => return None,
        ("or_filter", Some(argument)) => {
            let filter = condition(reader, argument, limit);
            or_filter(&mut statement.filter, filter, span);
        }
        ("having", Some(argument)) => statement.having.push(condition(reader, argument, limit)),
        ("find", Some(argument)) => {
            let Some(Source::Table(table)) = &query.source else { return None };
            let filter = write::by_key(reader, table, argument, call);
            statement.filter.push(filter);
        }
        ("select", Some(argument)) => statement.select = list(reader, argument, limit, span),
        ("count", None) => statement.select = Fragment::text("COUNT(*)", span),
        ("distinct", None) => statement.distinct = Distinct::All,
        ("distinct_on", Some(argument)) => {
            statement.distinct = Distinct::On(list(reader, argument, limit, span));
        }
        ("order" | "order_by" | "positional_order_by", Some(argument)) => {
            statement.order = items(reader, argument, limit);
        }
        ("then_order_by", Some(argument)) => statement.order.extend(items(reader, argument, limit)),
        ("group_by", Some(argument)) => statement.group = items(reader, argument, limit),
        ("limit", Some(argument)) => statement.limit = Some(operand(reader, argument, limit)),
        ("offset", Some(argument)) => statement.offset = Some(operand(reader, argument, limit)),
        (
            "for_update" | "for_no_key_update" | "for_share" | "for_key_share" | "skip_locked" | "no_wait",
            None,
        ) => {
            let word = match name {
                "no_wait" => "NOWAIT".to_owned(),
                other => other.replace('_', " ").to_uppercase(),
            };
            let lock = std::mem::take(&mut statement.lock);
            let before = if lock.is_empty() { lock } else { lock.write(" ", span) };
            statement.lock = before.write(word, span);
        }
        ("inner_join" | "left_join" | "left_outer_join", Some(argument)) => {
            let word = if name == "inner_join" { "INNER JOIN" } else { "LEFT OUTER JOIN" };
            return join(reader, query, argument, word, call).map(|query| Value::Query(Box::new(query)));
        }
        ("union" | "union_all" | "intersect" | "intersect_all" | "except" | "except_all", Some(argument)) => {
            if statement.limit.is_some() || statement.offset.is_some() || !statement.lock.is_empty() {
                return None;
            }
            let word = Fragment::text(name.replace('_', " ").to_uppercase(), span);
            let other = match value(reader, argument, limit).map(only).and_then(as_query) {
                Some(other) => other.statement.render(),
                None => hole(reader, span, "it is not known as a query of Diesel's"),
            };
            statement.order.clear();
            statement.arms.push((word, other));
        }
        ("insert_into", Some(target)) => return write::from_query(reader, query, target, call),
        _ => return None,
    }
    Some(Value::Query(Box::new(query)))
}

/// `(all that was asked so far) OR this`.
pub(super) fn or_filter(filters: &mut Vec<Fragment>, filter: Fragment, span: Span) {
    if filters.is_empty() {
        filters.push(filter);
        return;
    }
    let before = std::mem::take(filters);
    filters.push(Fragment::connected(before, Word::Or, filter, span));
}

/// Methods of a table under another name.
pub(super) fn on_alias<'a>(reader: &mut Reader<'a>, table: &Rc<Table>, call: &Call<'a>) -> Option<Value> {
    match (call.name.as_str(), call.arguments.as_slice()) {
        ("field" | "fields", [argument]) => {
            let named = columns(reader, argument, call.limit)?;
            let mut fields: Vec<Value> = named
                .into_iter()
                .map(|column| Value::Column(super::tables::Column { table: Rc::clone(table), ..column }))
                .collect();
            match fields.len() {
                1 => fields.pop(),
                _ => Some(Value::Tuple(fields)),
            }
        }
        _ => step(reader, &Value::Table(Rc::clone(table)), call),
    }
}

/// Joins one source or, of a tuple, one after the other.
fn join<'a>(
    reader: &mut Reader<'a>,
    query: Query,
    argument: &'a Expr,
    word: &'static str,
    call: &Call<'a>,
) -> Option<Query> {
    let joined = match only(value(reader, argument, call.limit)?) {
        Value::Tuple(values) => values,
        other => vec![other],
    };
    let mut query = query;
    for one in joined {
        let had_default = query.statement.select
            == Fragment::joined(
                query.source.as_ref()?.columns(query.statement.span),
                ", ",
                query.statement.span,
            );
        let left = query.source.take()?;
        let (right, on) = match one {
            Value::On(source, on) => (*source, Some(on)),
            other => {
                let other = as_query(other)?;
                // A query that was asked for more than its joins is no source.
                let plain = other.statement.filter.is_empty() && other.statement.limit.is_none();
                (other.source.filter(|_| plain)?, None)
            }
        };
        let on = match on {
            Some(on) => on,
            None => match reader.diesel_join(left.first(), right.first(), call.span) {
                Some(on) => on,
                None => hole(reader, call.span, "how the tables are joined is declared nowhere"),
            },
        };
        let source = Source::Join { left: Box::new(left), right: Box::new(right), word, on, span: call.span };
        let span = query.statement.span;
        query.statement.from = source.text(span);
        if had_default {
            query.statement.select = Fragment::joined(source.columns(span), ", ", span);
        }
        query.source = Some(source);
    }
    Some(query)
}

/// A number that Diesel binds itself.
pub(super) fn number(span: Span, text: &str) -> Fragment {
    Fragment::bind(Bind {
        span,
        text: text.to_owned(),
        key: text.to_owned(),
        nullable: tenantry_prover::verdict::Nullability::Never,
        provenance: Provenance {
            kind: ProvenanceKind::Literal,
            steps: Vec::new(),
            row: None,
            extracted: None,
            checked_as: None,
            made_by: None,
        },
        each: false,
    })
}

/// The query that a method runs.
pub(super) fn run<'a>(reader: &mut Reader<'a>, call: &'a ExprMethodCall) -> Option<Held> {
    let arguments: Vec<&'a Expr> = call.args.iter().collect();
    let span = reader.between(call.method.span(), call.paren_token.span.close());
    ran(reader, &call.method.to_string(), &call.receiver, &arguments, span)
}

fn ran<'a>(
    reader: &mut Reader<'a>,
    name: &str,
    receiver: &'a Expr,
    arguments: &[&'a Expr],
    span: Span,
) -> Option<Held> {
    let [connection, ..] = arguments else { return None };
    // async-bb8-diesel's.
    let name = name.strip_suffix("_async").filter(|plain| RUNS.contains(plain)).unwrap_or(name);
    let runs = RUNS.contains(&name) && arguments.len() == 1;
    // Else every step of a chain would look at all of it.
    if !runs && !is_connection(reader, connection) && !wrapper::may_run(reader, name) {
        return None;
    }
    let held = value(reader, receiver, LocalId::MAX);
    if name == "save_changes" && runs {
        return Some(held.filter(|_| false).unwrap_or_else(|| rows::save(reader, receiver, span)));
    }
    let Some(held) = held else {
        // Something that is not followed is run as Diesel runs queries.
        let is_run = runs && is_connection(reader, connection) && runs_here(reader) && is_computed(receiver);
        let why = "what is run here is not known as a query of Diesel's";
        return is_run
            .then(|| Held::unknown(reader.range(receiver), reader.written(reader.range(receiver)), why));
    };
    let is_query = held.ways.iter().all(|way| match &way.value {
        chains::Value::Diesel(value) => {
            matches!(
                value,
                Value::Table(_)
                    | Value::Alias(_)
                    | Value::Query(_)
                    | Value::Expression(_)
                    | Value::Wrapped(_)
            )
        }
        chains::Value::Statement(_) | chains::Value::Unknown(_) => true,
    });
    if !is_query {
        return None;
    }
    let runs_wrapped = || {
        held.ways.iter().all(|way| match &way.value {
            chains::Value::Diesel(Value::Wrapped(wrapped)) => wrapper::runs(reader, wrapped, name),
            _ => false,
        })
    };
    if !runs && !runs_wrapped() {
        let hands = is_connection(reader, connection);
        let why = format!("what `.{name}(…)` makes of the query is not known");
        return hands.then(|| Held::unknown(span, reader.written(span), why));
    }
    Some(held.map(|way| match way {
        chains::Value::Diesel(value) => match finish(value, name, span) {
            Some(value) => chains::Value::Diesel(value),
            None => chains::Value::Unknown(hole(reader, span, "what is run here is no query that is known")),
        },
        other @ (chains::Value::Statement(_) | chains::Value::Unknown(_)) => other,
    }))
}

/// The statement as the method that runs it sends it.
fn finish(value: Value, name: &str, span: Span) -> Option<Value> {
    if matches!(value, Value::Expression(_) | Value::Wrapped(_)) {
        return Some(value);
    }
    let mut query = as_query(value)?;
    match query.statement.kind {
        Kind::Select if name == "first" => query.statement.limit = Some(number(span, "1")),
        Kind::Select => {}
        Kind::Insert | Kind::Update | Kind::Delete => {
            if name != "execute" && query.statement.returning.is_empty() {
                let Some(target @ Source::Table(_)) = &query.source else { return None };
                query.statement.returning = Fragment::joined(target.columns(span), ", ", span);
            }
        }
    }
    Some(Value::Query(Box::new(query)))
}

/// True if methods of `RunQueryDsl` are in scope.
fn runs_here(reader: &Reader<'_>) -> bool {
    reader.scopes.iter().any(|scope| scope.uses.brings("RunQueryDsl", &["diesel", "diesel_async"]))
}

/// A value that something computes, or a variable; not `self` and no literal.
fn is_computed(receiver: &Expr) -> bool {
    match strip(receiver) {
        Expr::Path(path) => !path.path.is_ident("self"),
        Expr::MethodCall(_) | Expr::Call(_) | Expr::Field(_) | Expr::Await(_) => true,
        _ => false,
    }
}

/// True for what is evidently a connection to the database: by its type, or by its name.
fn is_connection(reader: &Reader<'_>, expr: &Expr) -> bool {
    let stripped = crate::read::walk::strip_all(expr);
    let named = |name: &str| {
        name == "c"
            || name.ends_with("conn")
            || name.ends_with("connection")
            || matches!(name, "db" | "tx" | "txn" | "trx" | "pool")
    };
    let by_type = reader.declared_type(stripped).and_then(crate::types::last_segment).is_some_and(|name| {
        name.ends_with("Connection") || name.ends_with("Conn") || name.ends_with("Transaction")
    });
    by_type
        || match stripped {
            Expr::Path(path) => path.path.get_ident().is_some_and(|name| named(&name.to_string())),
            Expr::Field(field) => {
                matches!(&field.member, syn::Member::Named(name) if named(&name.to_string()))
            }
            Expr::MethodCall(call) => {
                named(&call.method.to_string()) || is_connection(reader, &call.receiver)
            }
            Expr::Try(inner) => is_connection(reader, &inner.expr),
            Expr::Await(inner) => is_connection(reader, &inner.base),
            Expr::Unary(inner) => is_connection(reader, &inner.expr),
            Expr::Reference(inner) => is_connection(reader, &inner.expr),
            _ => false,
        }
}

/// The query that a call by path runs: `RunQueryDsl::load(query, conn)`, or a function that gets query and connection.
pub(super) fn run_by_path<'a>(reader: &mut Reader<'a>, call: &'a ExprCall) -> Option<Held> {
    let Expr::Path(path) = &*call.func else { return None };
    let segments = &path.path.segments;
    let name = segments.last()?.ident.to_string();
    let arguments: Vec<&'a Expr> = call.args.iter().collect();
    let span = reader.range(call);
    let owner = segments.iter().rev().nth(1).map(|owner| owner.ident.to_string());
    if owner.as_deref() == Some("RunQueryDsl") {
        let (receiver, rest) = arguments.split_first()?;
        return ran(reader, &name, receiver, rest, span);
    }
    if !arguments.iter().any(|argument| is_connection(reader, argument)) {
        return None;
    }
    let hands = arguments.iter().any(|argument| {
        !matches!(argument, Expr::Reference(_))
            && !yields_rows(reader, argument)
            && value(reader, argument, LocalId::MAX).is_some_and(|held| {
                held.ways.iter().any(|way| {
                    matches!(
                        &way.value,
                        chains::Value::Diesel(Value::Query(_) | Value::Table(_)) | chains::Value::Unknown(_)
                    )
                })
            })
    });
    let why = format!("what `{name}` does with the query is not known");
    hands.then(|| Held::unknown(span, reader.written(span), why))
}

/// A closure that ends in a call which runs its query itself: `|conn| orders::table.load(conn)`.
fn yields_rows(reader: &Reader<'_>, expr: &Expr) -> bool {
    let Expr::Closure(closure) = expr else { return false };
    let mut body = &*closure.body;
    loop {
        body = match body {
            Expr::Block(block) => match block.block.stmts.last() {
                Some(syn::Stmt::Expr(tail, None)) => tail,
                _ => return false,
            },
            Expr::Try(inner) => &inner.expr,
            Expr::Await(inner) => &inner.base,
            Expr::MethodCall(call) => {
                let is_handed = call.args.iter().any(|arg| is_connection(reader, arg));
                return is_handed && runs_here(reader);
            }
            _ => return false,
        };
    }
}

/// A table that a struct names.
pub(super) fn table_value(table: Rc<Table>) -> Held {
    one(Value::Table(table))
}
