//! Structs that rows are written from, and that stand for rows.

use std::rc::Rc;

use proc_macro2::Span as TokenSpan;
use syn::{Expr, Member};
use tenantry_prover::verdict::Nullability;
use tenantry_span::Span;

use super::evaluate::{as_operand, expressed, hole, one};
use super::query::select_from;
use super::tables::{Source, Table, meant};
use super::write::Assignments;
use super::{Query, Value};
use crate::chains::Held;
use crate::chains::declared::{Declaration, Declared, RowDeclaration};
use crate::chains::fragment::Fragment;
use crate::chains::statement::{Kind, Statement};
use crate::read::{LocalId, Reader, Source as LocalSource, strip};
use crate::types;

/// How far a value is followed to where its type is said.
const MAX_STEPS: usize = 8;

/// The struct that a value is of.
struct RowType<'a> {
    name: String,
    /// There may be several.
    many: bool,
    /// The struct as it is written out, and what its names mean.
    literal: Option<(&'a syn::ExprStruct, LocalId)>,
}

/// A value of Rust's among those of Diesel's, as in a tuple.
pub(super) fn argument<'a>(reader: &mut Reader<'a>, expr: &'a Expr, limit: LocalId) -> Value {
    Value::Rust(Fragment::bind(reader.chain_bind(expr, limit)))
}

/// The struct that an expression is of, as far as that is in sight.
fn row_type<'a>(reader: &Reader<'a>, expr: &'a Expr, limit: LocalId, depth: usize) -> Option<RowType<'a>> {
    if depth > MAX_STEPS {
        return None;
    }
    match strip(expr) {
        Expr::Struct(of) => {
            let name = of.path.segments.last()?.ident.to_string();
            let name = if name == "Self" { reader.own_type()?.to_owned() } else { name };
            Some(RowType { name, many: false, literal: Some((of, limit)) })
        }
        Expr::Path(path) if path.path.is_ident("self") => {
            Some(RowType { name: reader.own_type()?.to_owned(), many: false, literal: None })
        }
        Expr::Path(path) => {
            let id = reader.lookup(&path.path.get_ident()?.to_string(), limit)?;
            let local = reader.locals.get(id)?;
            if let Some(ty) = local.ty
                && let Some((name, many)) = of_type_written(ty)
            {
                let name = if name == "Self" { reader.own_type()?.to_owned() } else { name };
                let literal = match local.source {
                    LocalSource::Let(value) if !local.unsteady => row_type(reader, value, id, depth + 1),
                    _ => None,
                };
                return Some(RowType { name, many, literal: literal.and_then(|row| row.literal) });
            }
            match local.source {
                LocalSource::Let(value) => {
                    let found = row_type(reader, value, id, depth + 1)?;
                    let literal = found.literal.filter(|_| !local.unsteady);
                    Some(RowType { literal, ..found })
                }
                _ => None,
            }
        }
        Expr::Field(field) => {
            let (name, many) = of_type_written(reader.field_type(field, limit)?)?;
            Some(RowType { name, many, literal: None })
        }
        Expr::MethodCall(call) if call.args.is_empty() => {
            let found = row_type(reader, &call.receiver, limit, depth + 1)?;
            let same = ["clone", "as_slice", "as_ref", "to_vec", "iter", "as_deref", "to_owned"];
            same.iter().any(|name| call.method == name).then_some(found)
        }
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else { return None };
            let owner = path.path.segments.iter().rev().nth(1)?.ident.to_string();
            let owner = if owner == "Self" { reader.own_type()?.to_owned() } else { owner };
            owner.starts_with(char::is_uppercase).then_some(RowType {
                name: owner,
                many: false,
                literal: None,
            })
        }
        Expr::Try(inner) => row_type(reader, &inner.expr, limit, depth + 1),
        Expr::Await(inner) => row_type(reader, &inner.base, limit, depth + 1),
        Expr::Match(choice) => {
            let arms = choice.arms.iter().filter(|arm| !crate::read::diverges(&arm.body));
            let mut arms = arms.map(|arm| row_type(reader, &arm.body, limit, depth + 1));
            let first = arms.next()??;
            let same = arms.all(|arm| arm.is_some_and(|arm| arm.name == first.name));
            same.then_some(RowType { literal: None, ..first })
        }
        Expr::Array(array) => {
            let found = row_type(reader, array.elems.first()?, limit, depth + 1)?;
            Some(RowType { many: true, literal: None, ..found })
        }
        _ => None,
    }
}

/// The struct that a type holds, and whether it holds several.
pub(super) fn of_type_written(ty: &syn::Type) -> Option<(String, bool)> {
    match ty {
        syn::Type::Slice(of) => Some((of_type_written(&of.elem)?.0, true)),
        syn::Type::Array(of) => Some((of_type_written(&of.elem)?.0, true)),
        syn::Type::Reference(of) => of_type_written(&of.elem),
        syn::Type::Paren(of) => of_type_written(&of.elem),
        syn::Type::Path(_) => of_segment(types::head(ty)?.1),
        _ => None,
    }
}

/// The same of the last name in a type's path.
pub(super) fn of_segment(segment: &syn::PathSegment) -> Option<(String, bool)> {
    let inner = types::generic_types(segment);
    match (segment.ident.to_string().as_str(), inner.as_slice()) {
        ("Vec", [inner]) => Some((of_type_written(inner)?.0, true)),
        ("Option" | "Box" | "Arc" | "Rc", [inner]) => of_type_written(inner),
        ("_", _) => None,
        (name, _) => Some((name.to_owned(), false)),
    }
}

/// What is declared of a struct, as a name of the file or of the module that another one stands in; nothing where it may be
/// one of several.
fn declared(
    reader: &Reader<'_>,
    name: &str,
    home: Option<&[String]>,
) -> Option<(RowDeclaration, Vec<String>)> {
    let all = reader.surroundings.declarations(name);
    let rows: Vec<(&Declared, &RowDeclaration)> = all
        .iter()
        .filter_map(|declared| match &declared.what {
            Declaration::Row(row) => Some((declared, row)),
            _ => None,
        })
        .collect();
    let of = |row: &RowDeclaration| {
        let declared = rows.iter().find(|(_, known)| std::ptr::eq(*known, row))?.0;
        Some((row.clone(), declared.module.clone()))
    };
    if let Some(home) = home
        && let Some(found) = meant(&rows, home)
    {
        return of(found);
    }
    let path: syn::Path = syn::parse_str(name).ok()?;
    for full in reader.resolved(&path, LocalId::MAX).paths {
        let (last, module) = full.split_last()?;
        let module = if module.is_empty() { reader.module.clone() } else { reader.module_parts(module) };
        if *last == name
            && let Some(found) = meant(&rows, &module)
        {
            return of(found);
        }
    }
    rows.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a == b)).then_some(())?;
    of(rows.first()?.1)
}

/// The elements of `vec![…]` or of an array.
pub(super) fn elements<'a>(reader: &Reader<'a>, expr: &'a Expr) -> Option<Vec<&'a Expr>> {
    match strip(expr) {
        Expr::Array(array) => Some(array.elems.iter().collect()),
        Expr::Macro(mac) if mac.mac.path.is_ident("vec") => {
            let body = reader.expansions.body(&mac.mac)?;
            (!body.partly).then(|| body.arguments.iter().flatten().collect())
        }
        _ => None,
    }
}

/// The columns that a struct gives values, in the order of its fields.
pub(super) fn columns_of<'a>(
    reader: &mut Reader<'a>,
    table: &Rc<Table>,
    expr: &'a Expr,
    limit: LocalId,
    kind: Kind,
) -> Option<Assignments> {
    let found = row_type(reader, expr, limit, 0)?;
    let (row, _) = declared(reader, &found.name, None)?;
    let derive = if kind == Kind::Update { "AsChangeset" } else { "Insertable" };
    if !row.derives.iter().any(|known| known == derive) {
        return None;
    }
    let span = reader.range(expr);
    let key: Vec<String> = match (kind, row.key.is_empty()) {
        (Kind::Update, true) => vec!["id".to_owned()],
        (Kind::Update, false) => row.key.clone(),
        _ => Vec::new(),
    };
    let mut all = Vec::new();
    for field in &row.fields {
        let skipped = if kind == Kind::Update { field.skip_update } else { field.skip_insertion };
        if skipped || key.contains(&field.column) {
            continue;
        }
        if field.embed {
            // What is in the other struct is not looked into.
            return None;
        }
        let column = table.column(&field.column, span)?;
        let value = field_value(reader, &found, expr, &field.name, &field.ty, limit);
        all.push((column, value));
    }
    Some(all)
}

/// The value of a field: what it is set to where the struct is written out, a part of the struct otherwise.
fn field_value<'a>(
    reader: &mut Reader<'a>,
    found: &RowType<'a>,
    expr: &'a Expr,
    name: &str,
    ty: &str,
    limit: LocalId,
) -> Fragment {
    let is_optional = ty.starts_with("Option<");
    if let Some((literal, at)) = found.literal {
        let written = literal.fields.iter().find(|field| match &field.member {
            Member::Named(known) => known == name,
            Member::Unnamed(index) => index.index.to_string() == name,
        });
        if let Some(written) = written {
            let mut bind = reader.chain_bind(&written.expr, at);
            if is_optional {
                bind.nullable = Nullability::Maybe;
            }
            return Fragment::bind(bind);
        }
    }
    let member = match name.parse::<u32>() {
        Ok(index) => Member::Unnamed(syn::Index { index, span: TokenSpan::call_site() }),
        Err(_) => Member::Named(syn::Ident::new(name, TokenSpan::call_site())),
    };
    let (base, at) = match found.literal.and_then(|(literal, at)| Some((literal.rest.as_deref()?, at))) {
        Some((rest, at)) => (rest, at),
        None => (strip(expr), limit),
    };
    let mut bind = reader.chain_bind_part(base, member, at);
    bind.nullable = if is_optional { Nullability::Maybe } else { Nullability::Never };
    Fragment::bind(bind)
}

/// The table and the condition on its key that a struct stands for: `update(&row)`.
pub(super) fn identified<'a>(
    reader: &mut Reader<'a>,
    expr: &'a Expr,
    span: Span,
    limit: LocalId,
) -> Option<(Rc<Table>, Fragment)> {
    let found = row_type(reader, expr, limit, 0)?;
    let (row, _) = declared(reader, &found.name, None)?;
    if found.many || !row.derives.iter().any(|known| known == "Identifiable") {
        return None;
    }
    let table = reader.diesel_table(&row.table, span)?;
    let mut all = Vec::new();
    let key = if row.key.is_empty() { vec!["id".to_owned()] } else { row.key.clone() };
    for column in &key {
        let field = row.fields.iter().find(|field| field.column == *column)?;
        let (name, ty) = (field.name.clone(), field.ty.clone());
        let value = field_value(reader, &found, expr, &name, &ty, limit);
        all.push(table.column(column, span)?.text().write(" = ", span).then(value).nested(span));
    }
    Some((table, Fragment::joined(all, " AND ", span).nested(span)))
}

/// `row.save_changes(conn)`: an UPDATE of the row by its key.
pub(super) fn save<'a>(reader: &mut Reader<'a>, expr: &'a Expr, span: Span) -> Held {
    let saved = (|| {
        let (table, key) = identified(reader, expr, span, LocalId::MAX)?;
        let set = columns_of(reader, &table, expr, LocalId::MAX, Kind::Update)?;
        let mut statement = Statement::new(Kind::Update, span);
        statement.from = table.as_source(span);
        let set = set.into_iter().map(|(column, value)| column.bare().write(" = ", span).then(value));
        statement.set = Fragment::joined(set.collect::<Vec<_>>(), ", ", span);
        statement.filter = vec![key];
        let all = table.columns(span).iter().map(|column| column.text()).collect::<Vec<_>>();
        statement.returning = Fragment::joined(all, ", ", span);
        Some(Query { statement, source: Some(Source::Table(table)), conflict: false, rows: None })
    })();
    match saved {
        Some(query) => one(Value::Query(Box::new(query))),
        None => Held::unknown(span, reader.written(span), "which row is saved is not known"),
    }
}

/// Functions of a struct: `Row::as_select()`, `Child::belonging_to(&parent)`, `Row::table()`.
pub(super) fn of_type<'a>(
    reader: &mut Reader<'a>,
    owner: &str,
    name: &str,
    arguments: &[&'a Expr],
    span: Span,
    limit: LocalId,
) -> Option<Held> {
    let owner = if owner == "Self" { reader.own_type()?.to_owned() } else { owner.to_owned() };
    match (name, arguments) {
        ("as_select" | "as_returning" | "construct_selection", []) => {
            let mut all = Vec::new();
            let text = match selected(reader, &owner, None, span, 0, &mut all) {
                Some(()) => Value::Tuple(all),
                None => expressed(hole(reader, span, format!("what `{owner}` selects is not known")), false),
            };
            Some(one(text))
        }
        ("belonging_to", [parent]) => Some(match belonging(reader, &owner, parent, span, limit) {
            Some(query) => one(Value::Query(Box::new(query))),
            None => Held::unknown(
                span,
                reader.written(span),
                format!("whose rows of `{owner}` are asked for is not known"),
            ),
        }),
        ("query", []) => {
            let (row, _) = declared(reader, &owner, None)?;
            if !row.derives.iter().any(|known| known == "HasQuery") {
                return None;
            }
            let mut all = Vec::new();
            let table = reader.diesel_table(&row.table, span).filter(|_| row.base_query.is_none());
            Some(match table.filter(|_| selected(reader, &owner, None, span, 0, &mut all).is_some()) {
                Some(table) => {
                    let mut query = select_from(Source::Table(table), span);
                    let all = all.into_iter().map(|value| as_operand(reader, value, span));
                    query.statement.select = Fragment::joined(all.collect::<Vec<_>>(), ", ", span);
                    one(Value::Query(Box::new(query)))
                }
                None => {
                    let why = format!("what the rows of `{owner}` are read from is not known");
                    Held::unknown(span, reader.written(span), why)
                }
            })
        }
        ("table", []) => {
            let (row, _) = declared(reader, &owner, None)?;
            Some(super::query::table_value(reader.diesel_table(&row.table, span)?))
        }
        _ => None,
    }
}

/// The columns that a struct is read from.
fn selected(
    reader: &Reader<'_>,
    owner: &str,
    home: Option<&[String]>,
    span: Span,
    depth: usize,
    out: &mut Vec<Value>,
) -> Option<()> {
    let (row, home) = declared(reader, owner, home).filter(|_| depth < MAX_STEPS)?;
    let table = reader.diesel_table(&row.table, span);
    for field in &row.fields {
        if field.embed {
            let inner =
                field.ty.strip_prefix("Option<").and_then(|ty| ty.strip_suffix('>')).unwrap_or(&field.ty);
            let inner = inner.rsplit("::").next().unwrap_or(inner);
            selected(reader, inner, Some(&home), span, depth + 1, out)?;
            continue;
        }
        match &field.select {
            // A plain path to a column; what else it may be is not read here.
            Some(path) => {
                let path: syn::Path = syn::parse_str(path.trim_end_matches(".nullable()")).ok()?;
                let segments: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
                match reader.diesel_named(&segments, span)? {
                    super::tables::Named::Column(column) => out.push(Value::Column(column)),
                    _ => return None,
                }
            }
            None => out.push(Value::Column(table.as_ref()?.column(&field.column, span)?)),
        }
    }
    Some(())
}

/// `Child::belonging_to(&parent)`.
fn belonging<'a>(
    reader: &mut Reader<'a>,
    owner: &str,
    parent: &'a Expr,
    span: Span,
    limit: LocalId,
) -> Option<Query> {
    let (row, _) = declared(reader, owner, None)?;
    let table = reader.diesel_table(&row.table, span)?;
    let found = row_type(reader, parent, limit, 0);
    let of = match (&found, row.parents.as_slice()) {
        (Some(found), parents) => parents.iter().find(|(of, _)| *of == found.name).or(match parents {
            [only] => Some(only),
            _ => None,
        }),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let (of, key) = of?;
    let column = table.column(key, span)?.text();
    let many = found.as_ref().is_none_or(|found| found.many);
    let filter = if many {
        column.then(Fragment::list(Fragment::bind(reader.chain_bind(parent, limit)), true, span))
    } else {
        let (parent_row, _) = declared(reader, of, None)?;
        let id = parent_row.key.first().cloned().unwrap_or_else(|| "id".to_owned());
        let field = parent_row.fields.iter().find(|field| field.column == id)?;
        let member = Member::Named(syn::Ident::new(&field.name, TokenSpan::call_site()));
        let bind = reader.chain_bind_part(strip(parent), member, limit);
        column.write(" = ", span).then(Fragment::bind(bind))
    };
    let mut query = select_from(Source::Table(table), span);
    query.statement.filter.push(filter.nested(span));
    Some(query)
}
