//! What an expression is to Diesel: names, calls by path, and what is made of them.

use std::rc::Rc;

use proc_macro2::TokenTree;
use syn::{Expr, ExprCall, ExprMacro, ExprMethodCall, Lit};
use tenantry_span::Span;

use super::tables::{Column, Named, Source, Table};
use super::{Expression, Query, Value, expression, handed, plain, query, rows, wrapper, write};
use crate::chains::declared::Declaration;
use crate::chains::fragment::Fragment;
use crate::chains::statement::{Kind, Statement};
use crate::chains::{self, Held};
use crate::read::{LocalId, Reader, strip};
use crate::{HoleKind, Piece};

/// How deep an expression is followed.
const MAX_DEPTH: usize = 200;

/// A call of a method, or of a function by path whose first argument is what the method is called on.
pub(super) struct Call<'a> {
    pub(super) name: String,
    pub(super) arguments: Vec<&'a Expr>,
    /// The name and the arguments.
    pub(super) span: Span,
    /// Names mean what was declared before this variable.
    pub(super) limit: LocalId,
}

/// What an expression is, if it is anything of Diesel's.
pub(super) fn value<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Option<Held> {
    if reader.chain_depth > MAX_DEPTH {
        let span = reader.range(expr);
        return Some(Held::unknown(span, reader.written(span), "the chain is too long"));
    }
    reader.chain_depth += 1;
    let found = within(reader, expr, limit);
    reader.chain_depth -= 1;
    found
}

fn within<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Option<Held> {
    match strip(expr) {
        Expr::Path(path) => named(reader, path, limit),
        Expr::MethodCall(call) => {
            let method = Call {
                name: call.method.to_string(),
                arguments: call.args.iter().collect(),
                span: reader.between(call.method.span(), call.paren_token.span.close()),
                limit,
            };
            on_receiver(reader, &call.receiver, &method)
        }
        Expr::Call(call) => by_path(reader, call, limit),
        Expr::Macro(mac) => by_macro(reader, mac),
        Expr::Binary(binary) => expression::arithmetic(reader, binary, limit),
        Expr::Tuple(tuple) => {
            let mut values = Vec::new();
            let mut any = false;
            for element in &tuple.elems {
                match value(reader, element, limit) {
                    Some(held) => {
                        any = true;
                        values.push(only(held));
                    }
                    None => values.push(rows::argument(reader, element, limit)),
                }
            }
            any.then(|| one(Value::Tuple(values)))
        }
        Expr::If(choice) => {
            let (_, otherwise) = choice.else_branch.as_ref()?;
            let span = reader.range(&choice.cond);
            let start = choice.then_branch.brace_token.span.open().byte_range().start;
            let holds = reader.block_chains.get(&start).cloned();
            let otherwise = value(reader, otherwise, limit);
            join(reader, holds, otherwise, span)
        }
        Expr::Match(choice) => {
            let span = reader.range(&choice.expr);
            let arms = choice.arms.iter().filter(|arm| !crate::read::diverges(&arm.body));
            let arms = arms.map(|arm| arm.fat_arrow_token.spans[0].byte_range().start);
            let arms: Vec<Option<Held>> =
                arms.map(|start| reader.block_chains.get(&start).cloned()).collect();
            let mut arms = arms.into_iter();
            let first = arms.next()?;
            arms.fold(first, |all, arm| join(reader, all, arm, span))
        }
        Expr::Block(block) if block.label.is_none() => {
            let start = block.block.brace_token.span.open().byte_range().start;
            reader.block_chains.get(&start).cloned()
        }
        Expr::Closure(closure) => {
            let start = syn::spanned::Spanned::span(&*closure.body).byte_range().start;
            reader.block_chains.get(&start).cloned()
        }
        _ => None,
    }
}

/// Either of two values; what only one of them is, is not known.
fn join(reader: &Reader<'_>, holds: Option<Held>, otherwise: Option<Held>, condition: Span) -> Option<Held> {
    let written = reader.written(condition);
    match (holds, otherwise) {
        (None, None) => None,
        (Some(holds), Some(otherwise)) => Some(holds.join(&otherwise, condition, written)),
        _ => Some(Held::unknown(condition, written, "one of the two values is not known")),
    }
}

/// A single value of Diesel's.
pub(super) fn one(value: Value) -> Held {
    Held::one(chains::Value::Diesel(value))
}

/// An expression, held.
pub(super) fn expressed(text: Fragment, is_condition: bool) -> Value {
    Value::Expression(Expression { text, assigns: None, is_condition })
}

/// A hole in the place of a value.
pub(super) fn hole(reader: &Reader<'_>, span: Span, why: impl Into<String>) -> Fragment {
    Fragment::hole(span, reader.written(span), why)
}

/// The only value that is held; an expression that is not known, where there are several.
pub(super) fn only(held: Held) -> Value {
    let mut ways = held.ways.into_iter();
    match (ways.next().map(|way| way.value), ways.next()) {
        (Some(chains::Value::Diesel(value)), None) => value,
        (Some(chains::Value::Unknown(hole)), None) => expressed(hole, false),
        (Some(first), _) => {
            let span = first.render().span().unwrap_or_else(nowhere);
            expressed(Fragment::hole(span, "…", "it is one of several"), false)
        }
        (None, _) => expressed(Fragment::hole(nowhere(), "…", "it is nothing"), false),
    }
}

fn nowhere() -> Span {
    Span::new(tenantry_span::FileId(0), tenantry_span::TextRange::default())
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
                return Some(one(expressed(text, false)));
            }
            None => {}
        }
        if is_diesel(full)
            && let Some(text) = constant(full)
        {
            return Some(one(expressed(Fragment::text(text, span), false)));
        }
    }
    if let Some(local) = resolved.local {
        let held = reader.state.chains.get(&local).cloned();
        return held
            .or_else(|| handed::table_by_value(reader, local, span).map(|table| one(Value::Table(table))))
            .or_else(|| handed::query_by_value(reader, local, span).map(one));
    }
    // What is written as a table is one, whether it is known or not.
    let written = path.path.segments.iter().map(|part| part.ident.to_string());
    let full = resolved.paths.first().cloned().unwrap_or_else(|| written.collect());
    match full.split_last()? {
        (last, module @ [.., name]) if last == "table" && name.starts_with(char::is_lowercase) => {
            let why = match resolved.paths.is_empty() {
                true => format!("`{name}` is brought by a macro, or declared within the function"),
                false => reader.no_table(module),
            };
            Some(Held::unknown(span, reader.written(span), why))
        }
        _ => None,
    }
}

/// Unit structs of `diesel::dsl`.
fn constant(full: &[String]) -> Option<&'static str> {
    match full.last()?.as_str() {
        "now" => Some("CURRENT_TIMESTAMP"),
        "today" => Some("CURRENT_DATE"),
        _ => None,
    }
}

/// True for a path to one of Diesel's functions: its prelude and most of its modules have none, whatever a glob of them
/// seems to bring.
fn is_diesel(full: &[String]) -> bool {
    match full {
        [root, name] => root == "diesel" && AT_THE_ROOT.contains(&name.as_str()),
        [root, .., module, _] => {
            matches!(root.as_str(), "diesel" | "diesel_async") && WITH_FUNCTIONS.contains(&module.as_str())
        }
        _ => false,
    }
}

/// Functions at the root of the crate.
const AT_THE_ROOT: &[&str] =
    &["delete", "insert_into", "insert_or_ignore_into", "replace_into", "select", "sql_query", "update"];

/// Modules of Diesel's that hold functions.
const WITH_FUNCTIONS: &[&str] = &["dsl", "upsert", "functions", "sql_literal", "helper_functions"];

/// A method on what an expression is.
pub(super) fn on_receiver<'a>(reader: &mut Reader<'a>, receiver: &'a Expr, call: &Call<'a>) -> Option<Held> {
    match value(reader, receiver, call.limit) {
        Some(on) => Some(method(reader, on, call)),
        None => on_value(reader, receiver, call),
    }
}

/// A method on a value of Rust's.
fn on_value<'a>(reader: &mut Reader<'a>, receiver: &'a Expr, call: &Call<'a>) -> Option<Held> {
    match (call.name.as_str(), call.arguments.first()) {
        ("into_sql" | "as_sql", None) => {
            let text = Fragment::bind(reader.chain_bind(receiver, call.limit));
            Some(one(expressed(text, false)))
        }
        // `items.iter().map(|item| (column.eq(item.x), …))`, and the same of an `Option`.
        ("map", Some(Expr::Closure(closure))) => {
            let start = syn::spanned::Spanned::span(&*closure.body).byte_range().start;
            let held = reader.block_chains.get(&start).cloned()?;
            Some(held)
        }
        _ => None,
    }
}

/// Methods of Rust's that are known to take `self` or `&self`.
const READING: &[&str] = &[
    "clone",
    "to_owned",
    "to_vec",
    "as_ref",
    "as_slice",
    "as_deref",
    "iter",
    "into_iter",
    "collect",
    "collect_vec",
    "len",
    "is_empty",
    "is_some",
    "is_none",
    "unwrap",
    "expect",
];

/// What a variable holds after a method was called on it, or on a part of it. What is known of Diesel takes `self`; anything
/// else may take `&mut self`.
pub(super) fn mutate<'a>(reader: &mut Reader<'a>, held: &Held, call: &'a ExprMethodCall) -> Option<Held> {
    let name = call.method.to_string();
    if READING.contains(&name.as_str()) || query::RUNS.contains(&name.as_str()) {
        return None;
    }
    let span = reader.between(call.method.span(), call.paren_token.span.close());
    let arguments = call.args.iter().collect();
    let method = Call { name, arguments, span, limit: LocalId::MAX };
    let is_whole = matches!(strip(&call.receiver), Expr::Path(_));
    let made = is_whole.then(|| self::method(reader, held.clone(), &method));
    let is_known = |way: &chains::Way| matches!(way.value, chains::Value::Diesel(_));
    if made.is_some_and(|made| made.ways.iter().all(is_known)) || !held.ways.iter().any(is_known) {
        return None;
    }
    let receiver = reader.range(&call.receiver);
    let why = format!("`.{}(…)` is no method of Diesel's that is known, and may change it", method.name);
    Some(Held::unknown(receiver, reader.written(receiver), why))
}

/// True for methods of Rust's through which a value stays the same. Rows and conditions may be elements of a list; a query is
/// none, and what a method for lists makes of one is the project's.
fn stays(name: &str, on: &Value) -> bool {
    match name {
        "clone" | "to_owned" | "as_ref" => true,
        "collect" | "into_iter" | "iter" | "collect_vec" | "to_vec" => {
            matches!(on, Value::Tuple(_) | Value::Expression(_) | Value::Column(_) | Value::Rust(_))
        }
        _ => false,
    }
}

/// What a method makes of what it is called on.
fn method<'a>(reader: &mut Reader<'a>, on: Held, call: &Call<'a>) -> Held {
    let name = call.name.as_str();
    on.map(|on| {
        let on = match on {
            chains::Value::Diesel(on) => on,
            other @ (chains::Value::Statement(_) | chains::Value::Unknown(_)) => return other,
        };
        if call.arguments.is_empty() && stays(name, &on) {
            return chains::Value::Diesel(on);
        }
        let found = match &on {
            Value::Table(_) | Value::Query(_) => {
                query::step(reader, &on, call).or_else(|| wrapper::wrap(reader, &on, &call.name, call.span))
            }
            Value::Wrapped(wrapped) => wrapper::step(reader, wrapped, &call.name),
            Value::Column(_) | Value::Expression(_) => expression::step(reader, &on, call),
            Value::Alias(table) => query::on_alias(reader, table, call),
            // Of each of them, and so of none for us.
            Value::Tuple(_) if matches!(call.name.as_str(), "nullable" | "assume_not_null") => {
                Some(on.clone())
            }
            Value::On(..) | Value::Tuple(_) | Value::Rust(_) => None,
        };
        match found {
            Some(value) => chains::Value::Diesel(value),
            None => {
                let why = format!("`.{}(…)` is no method of Diesel's that is known", call.name);
                chains::Value::Unknown(hole(reader, call.span, why))
            }
        }
    })
}

/// A call by path: Diesel's functions, those of traits, and functions of the database that are declared.
fn by_path<'a>(reader: &mut Reader<'a>, call: &'a ExprCall, limit: LocalId) -> Option<Held> {
    let Expr::Path(path) = &*call.func else { return None };
    let span = reader.range(call);
    let name = path.path.segments.last().map(|last| last.ident.to_string())?;
    let arguments: Vec<&'a Expr> = call.args.iter().collect();
    let resolved = reader.resolved(&path.path, limit);
    let of_diesel = resolved.local.is_none() && resolved.paths.iter().any(|full| is_diesel(full));
    let qualified = path.path.segments.len() > 1;
    let owner = path.path.segments.iter().rev().nth(1).map(|owner| owner.ident.to_string());
    match (owner.as_deref(), name.as_str(), arguments.as_slice()) {
        (Some("Box"), "new", [inner]) => return value(reader, inner, limit),
        (None, "Some", [inner]) => return value(reader, inner, limit),
        (Some(owner), _, [on, rest @ ..])
            if owner.ends_with("Dsl") || owner.ends_with("ExpressionMethods") =>
        {
            let call = Call { name, arguments: rest.to_vec(), span, limit };
            return on_receiver(reader, on, &call);
        }
        _ => {}
    }
    if arguments.is_empty()
        && let Some(table) = handed::table_by_call(reader, path, span)
    {
        return Some(one(Value::Table(table)));
    }
    let owner_type = match path.qself.as_ref() {
        Some(qself) => rows::of_type_written(&qself.ty).map(|(name, _)| name),
        None => {
            let before = path.path.segments.len().saturating_sub(1);
            rows::of_path(path.path.segments.iter().take(before)).map(|(name, _)| name)
        }
    };
    let is_type = |owner: &Vec<String>| {
        owner.last().is_some_and(|last| last.trim_start_matches('_').starts_with(char::is_uppercase))
    };
    let owner_type = owner_type.filter(is_type);
    if let Some(returned) = reader.returned_chain(call, limit) {
        return Some(returned);
    }
    if let Some(owner) = owner_type {
        return rows::of_type(reader, owner, &name, &arguments, span, limit);
    }
    if of_diesel && let Some(found) = function(reader, &name, &arguments, span, limit) {
        return Some(one(found));
    }
    // A function of the database that a macro declares.
    if resolved.local.is_none()
        && !resolved.is_item
        && (!qualified || of_diesel || resolved.paths.iter().any(|full| full.len() > 1))
    {
        let declared = reader.surroundings.declarations(&name);
        let function = declared.iter().find_map(|declared| match &declared.what {
            Declaration::Function(function) => Some(function.clone()),
            _ => None,
        })?;
        let arguments: Vec<Fragment> =
            arguments.iter().map(|argument| operand(reader, argument, limit)).collect();
        let inner = Fragment::joined(arguments, ", ", span);
        // Written as it is: a name of PostgreSQL's own is one in either case.
        let text = Fragment::text(format!("{}(", function.name), span).then(inner).write(")", span);
        return Some(one(expressed(text, false)));
    }
    None
}

/// Diesel's own functions.
fn function<'a>(
    reader: &mut Reader<'a>,
    name: &str,
    arguments: &[&'a Expr],
    span: Span,
    limit: LocalId,
) -> Option<Value> {
    let call =
        |name: &str, inner: Fragment| Fragment::text(format!("{name}("), span).then(inner).write(")", span);
    match (name, arguments) {
        ("insert_into" | "insert_or_ignore_into" | "replace_into", [target]) => {
            write::insert_into(reader, name, target, span, limit)
        }
        ("update", [target]) => write::target(reader, Kind::Update, target, span, limit),
        ("delete", [target]) => write::target(reader, Kind::Delete, target, span, limit),
        ("select", [list]) => {
            let mut statement = Statement::new(Kind::Select, span);
            statement.select = self::list(reader, list, limit, span);
            Some(Value::Query(Box::new(Query { statement, source: None, conflict: false, rows: None })))
        }
        ("exists", [inner]) => {
            let text = Fragment::text("EXISTS ", span).then(subquery(reader, inner, limit));
            Some(expressed(text.nested(span), true))
        }
        ("not", [inner]) => {
            let inner = condition(reader, inner, limit);
            Some(expressed(Fragment::text("NOT ", span).then(inner.nested(span)).nested(span), true))
        }
        ("count_star", []) => Some(expressed(Fragment::text("COUNT(*)", span), false)),
        (
            "count" | "sum" | "max" | "min" | "avg" | "date" | "lower" | "upper" | "coalesce" | "any" | "all",
            inner,
        ) => {
            let inner: Vec<Fragment> = inner.iter().map(|inner| operand(reader, inner, limit)).collect();
            Some(expressed(call(&name.to_uppercase(), Fragment::joined(inner, ", ", span)), false))
        }
        ("excluded", [column]) => match value(reader, column, limit).map(only) {
            Some(Value::Column(column)) => {
                Some(expressed(Fragment::text("EXCLUDED.", span).then(column.bare()), false))
            }
            _ => Some(expressed(hole(reader, span, "what is excluded is no column that is known"), false)),
        },
        ("sql", [text]) => Some(expressed(raw(reader, text), false)),
        ("case_when", [when, then]) => {
            let when = condition(reader, when, limit);
            let then = operand(reader, then, limit);
            let text = Fragment::text("(CASE WHEN ", span).then(when).write(" THEN ", span).then(then);
            Some(expressed(text.write(" END)", span), false))
        }
        ("on_constraint", [name]) => {
            let name = match strip(name) {
                Expr::Lit(lit) => match &lit.lit {
                    Lit::Str(name) => Fragment::name(name.value(), span),
                    _ => hole(reader, span, "the constraint is no name"),
                },
                _ => hole(reader, span, "the constraint is no name"),
            };
            Some(expressed(Fragment::text("ON CONSTRAINT ", span).then(name), false))
        }
        _ => None,
    }
}

/// SQL that is written in the source, as it stands.
pub(super) fn raw<'a>(reader: &mut Reader<'a>, text: &'a Expr) -> Fragment {
    let span = reader.range(text);
    let texts = reader.texts(text);
    let [only] = texts.as_slice() else { return hole(reader, span, "the SQL is one of several texts") };
    let mut all = Fragment::default();
    for piece in &only.pieces {
        all = match piece {
            // A placeholder of its own would be counted with the library's.
            Piece::Literal { value, .. } if value.contains(['$', '?']) => {
                return hole(reader, span, "the SQL may hold placeholders of its own");
            }
            Piece::Hole { span, text, kind: HoleKind::Parameter(_) } => {
                all.then(Fragment::hole(*span, text, format!("the parameter `{text}`")))
            }
            piece => all.then(Fragment::of(piece.clone())),
        };
    }
    all
}

/// `alias!(table as name, …)`, and rows that are written as `vec![…]`.
fn by_macro<'a>(reader: &mut Reader<'a>, mac: &'a ExprMacro) -> Option<Held> {
    let name = mac.mac.path.segments.last().map(|last| last.ident.to_string())?;
    if name != "alias" {
        return None;
    }
    let mut aliases: Vec<Value> = Vec::new();
    let mut tokens: Vec<TokenTree> = Vec::new();
    let end = TokenTree::Punct(proc_macro2::Punct::new(',', proc_macro2::Spacing::Alone));
    for token in mac.mac.tokens.clone().into_iter().chain([end]) {
        if !matches!(&token, TokenTree::Punct(comma) if comma.as_char() == ',') {
            tokens.push(token);
            continue;
        }
        let entry = std::mem::take(&mut tokens);
        if entry.is_empty() {
            continue;
        }
        let at = entry.iter().position(|token| matches!(token, TokenTree::Ident(word) if word == "as"))?;
        let path: syn::Path = syn::parse2(entry.get(..at)?.iter().cloned().collect()).ok()?;
        let TokenTree::Ident(alias) = entry.get(at + 1)? else { return None };
        aliases.push(Value::Alias(alias_of(reader, &path, alias)?));
    }
    match aliases.len() {
        0 => None,
        1 => aliases.pop().map(one),
        _ => Some(one(Value::Tuple(aliases))),
    }
}

fn alias_of(reader: &Reader<'_>, path: &syn::Path, alias: &proc_macro2::Ident) -> Option<Rc<Table>> {
    let span = reader.range(path);
    let resolved = reader.resolved(path, LocalId::MAX);
    let table = resolved.paths.iter().find_map(|full| match reader.diesel_named(full, span) {
        Some(Named::Table(table)) => Some(table),
        _ => reader.diesel_table(full, span),
    })?;
    Some(Rc::new(Table { alias: Some(alias.to_string()), ..Table::clone(&table) }))
}

/// An argument in the place of a value: an expression of SQL, or something that is bound.
pub(super) fn operand<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Fragment {
    match value(reader, expr, limit) {
        None => bound(reader, expr, limit),
        Some(held) => as_operand(reader, only(held), reader.range(expr)),
    }
}

/// A value of Rust's, bound; a hole where it may be a query or an expression that is not followed.
pub(super) fn bound<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Fragment {
    match plain::why_not(reader, expr, limit) {
        Some(why) => hole(reader, reader.range(expr), why),
        None => Fragment::bind(reader.chain_bind(expr, limit)),
    }
}

/// A value in the place of an operand.
pub(super) fn as_operand(reader: &Reader<'_>, value: Value, span: Span) -> Fragment {
    match value {
        Value::Query(query) => {
            let span = query.statement.span;
            query.statement.render().nested(span)
        }
        Value::Column(column) => column.text(),
        Value::Expression(expression) => expression.text,
        Value::Rust(bound) => bound,
        Value::Tuple(values) => {
            let all = values.into_iter().map(|value| as_operand(reader, value, span)).collect::<Vec<_>>();
            Fragment::joined(all, ", ", span).nested(span)
        }
        Value::Table(_) | Value::Alias(_) | Value::On(..) => hole(reader, span, "a table is no value"),
        Value::Wrapped(_) => hole(reader, span, "it is not known as an expression of Diesel's"),
    }
}

/// An argument in the place of a condition.
pub(super) fn condition<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Fragment {
    match (value(reader, expr, limit), strip(expr)) {
        (None, Expr::Lit(_)) => operand(reader, expr, limit),
        (None, _) => handed::expression(reader, expr, limit).unwrap_or_else(|| {
            let span = reader.range(expr);
            hole(reader, span, "it is not known as a condition of Diesel's")
        }),
        (Some(held), _) => {
            let span = reader.range(expr);
            as_operand(reader, only(held), span)
        }
    }
}

/// A query in parentheses.
pub(super) fn subquery<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Fragment {
    let span = reader.range(expr);
    let found = value(reader, expr, limit).map(only);
    as_subquery(reader, found, span)
}

/// A value as a query in parentheses.
pub(super) fn as_subquery(reader: &Reader<'_>, found: Option<Value>, span: Span) -> Fragment {
    match found {
        Some(Value::Query(query)) => query.statement.render().nested(span),
        Some(Value::Table(table) | Value::Alias(table)) => {
            query::select_from(Source::Table(table), span).statement.render().nested(span)
        }
        Some(Value::Expression(expression)) => expression.text,
        _ => hole(reader, span, "it is not known as a query of Diesel's"),
    }
}

/// The expressions of a list: of a tuple, of tuples in it, or the only one.
pub(super) fn list<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId, span: Span) -> Fragment {
    let all = items(reader, expr, limit);
    Fragment::joined(all, ", ", span)
}

/// The same, one by one.
pub(super) fn items<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Vec<Fragment> {
    let span = reader.range(expr);
    let mut out = Vec::new();
    match value(reader, expr, limit) {
        Some(held) => flatten(reader, only(held), span, &mut out),
        // `()` selects nothing.
        None if matches!(strip(expr), Expr::Tuple(of) if of.elems.is_empty()) => {
            out.push(Fragment::text("NULL", span));
        }
        None => match strip(expr) {
            Expr::Lit(_) => out.push(operand(reader, expr, limit)),
            _ => out.push(
                handed::expression(reader, expr, limit)
                    .unwrap_or_else(|| hole(reader, span, "it is not known as an expression of Diesel's")),
            ),
        },
    }
    out
}

fn flatten(reader: &Reader<'_>, value: Value, span: Span, out: &mut Vec<Fragment>) {
    match value {
        Value::Tuple(values) => values.into_iter().for_each(|value| flatten(reader, value, span, out)),
        other => out.push(as_operand(reader, other, span)),
    }
}

/// The columns that an argument names.
pub(super) fn columns<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Option<Vec<Column>> {
    let values = match only(value(reader, expr, limit)?) {
        Value::Tuple(values) => values,
        other => vec![other],
    };
    let columns = values.into_iter().map(|value| match value {
        Value::Column(column) => Some(column),
        _ => None,
    });
    columns.collect()
}
