//! Structs that rows are written from, and that stand for rows.

use std::rc::Rc;

use proc_macro2::Span as TokenSpan;
use syn::{Expr, Member};
use tenantry_prover::verdict::Nullability;
use tenantry_span::Span;

use super::evaluate::{as_operand, expressed, hole, one};
use super::query::select_from;
use super::tables::{Source, Table};
use super::write::Assignments;
use super::{Query, Value};
use crate::chains::Held;
use crate::chains::declared::{Declaration, RowDeclaration, in_build};
use crate::chains::fragment::Fragment;
use crate::chains::resolve::Place;
use crate::chains::statement::{Kind, Statement};
use crate::read::{LocalId, Reader, Source as LocalSource, strip};
use crate::types;
use crate::{Bind, Provenance, ProvenanceKind};

/// How far a value is followed to where its type is said.
const MAX_STEPS: usize = 8;

/// The struct that a value is of.
struct RowType<'a> {
    /// Its path as it is written.
    path: Vec<String>,
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
            let path = own(reader, segments(&of.path))?;
            Some(RowType { path, many: false, literal: Some((of, limit)) })
        }
        Expr::Path(path) if path.path.is_ident("self") => {
            Some(RowType { path: reader.own_path()?.to_vec(), many: false, literal: None })
        }
        Expr::Path(path) => {
            let id = reader.lookup(&path.path.get_ident()?.to_string(), limit)?;
            let local = reader.locals.get(id)?;
            if let Some(ty) = local.ty
                && let Some((path, many)) = of_type_written(ty)
            {
                let path = own(reader, path)?;
                let literal = match local.source {
                    LocalSource::Let(value) if !local.unsteady => row_type(reader, value, id, depth + 1),
                    _ => None,
                };
                return Some(RowType { path, many, literal: literal.and_then(|row| row.literal) });
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
            let (path, many) = of_type_written(reader.field_type(field, limit)?)?;
            Some(RowType { path, many, literal: None })
        }
        Expr::MethodCall(call) if call.args.is_empty() => {
            let found = row_type(reader, &call.receiver, limit, depth + 1)?;
            let same = ["clone", "as_slice", "as_ref", "to_vec", "iter", "as_deref", "to_owned"];
            same.iter().any(|name| call.method == name).then_some(found)
        }
        Expr::MethodCall(call) => {
            let (path, many) = super::returned::rows(reader, call, limit)?;
            Some(RowType { path, many, literal: None })
        }
        Expr::Call(call) => {
            let Expr::Path(path) = &*call.func else { return None };
            let mut owner = segments(&path.path);
            owner.pop();
            owner.last()?.starts_with(char::is_uppercase).then_some(())?;
            Some(RowType { path: own(reader, owner)?, many: false, literal: None })
        }
        Expr::Try(inner) => row_type(reader, &inner.expr, limit, depth + 1),
        Expr::Await(inner) => row_type(reader, &inner.base, limit, depth + 1),
        Expr::Match(choice) => {
            let arms = choice.arms.iter().filter(|arm| !crate::read::diverges(&arm.body));
            let mut arms = arms.map(|arm| row_type(reader, &arm.body, limit, depth + 1));
            let first = arms.next()??;
            let same = arms.all(|arm| arm.is_some_and(|arm| arm.path == first.path));
            same.then_some(RowType { literal: None, ..first })
        }
        Expr::Array(array) => {
            let found = row_type(reader, array.elems.first()?, limit, depth + 1)?;
            Some(RowType { many: true, literal: None, ..found })
        }
        _ => None,
    }
}

/// The segments of a path.
pub(super) fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|part| part.ident.to_string()).collect()
}

/// The path where `Self` is the type whose `impl` is walked.
pub(super) fn own(reader: &Reader<'_>, path: Vec<String>) -> Option<Vec<String>> {
    match path.as_slice() {
        [only] if only == "Self" => Some(reader.own_path()?.to_vec()),
        _ => Some(path),
    }
}

/// The path of the struct that a type holds, and whether it holds several.
pub(super) fn of_type_written(ty: &syn::Type) -> Option<(Vec<String>, bool)> {
    match ty {
        syn::Type::Slice(of) => Some((of_type_written(&of.elem)?.0, true)),
        syn::Type::Array(of) => Some((of_type_written(&of.elem)?.0, true)),
        syn::Type::Reference(of) => of_type_written(&of.elem),
        syn::Type::Paren(of) => of_type_written(&of.elem),
        syn::Type::Path(of) if of.qself.is_none() => of_path(of.path.segments.iter()),
        _ => None,
    }
}

/// The same of the path of a type.
pub(super) fn of_path<'p>(
    path: impl Iterator<Item = &'p syn::PathSegment> + Clone,
) -> Option<(Vec<String>, bool)> {
    let last = path.clone().last()?;
    let inner = types::generic_types(last);
    match (last.ident.to_string().as_str(), inner.as_slice()) {
        ("Vec", [inner]) => Some((of_type_written(inner)?.0, true)),
        ("Option" | "Box" | "Arc" | "Rc", [inner]) => of_type_written(inner),
        ("_", _) => None,
        _ => Some((path.map(|part| part.ident.to_string()).collect(), false)),
    }
}

/// What is declared of a struct, with the module that it stands in: of one that a path written here names, or one written
/// at another place. Nothing where it may be one of several.
pub(super) fn declared(
    reader: &Reader<'_>,
    path: &[String],
    home: Option<&Place>,
) -> Option<(RowDeclaration, Place)> {
    let (row, mut place) = place_of(reader, path, home)?;
    place.path.pop();
    Some((row, place))
}

/// The same with the struct's own place.
fn place_of(reader: &Reader<'_>, path: &[String], home: Option<&Place>) -> Option<(RowDeclaration, Place)> {
    let paths = match home {
        Some(_) => vec![path.to_vec()],
        None => reader.resolved(&syn::parse_str(&path.join("::")).ok()?, LocalId::MAX).paths,
    };
    let here = reader.place();
    let mut found: Option<(RowDeclaration, Place)> = None;
    for place in paths.iter().flat_map(|path| reader.places(home.unwrap_or(&here), path)) {
        let row = reader.declared_at(&place, |declared| match declared.what {
            Declaration::Row(row) => Some(row),
            _ => None,
        });
        let Some(row) = row else { continue };
        match &found {
            Some((_, known)) if *known != place => return None,
            _ => found = Some((row, place)),
        }
    }
    found
}

/// The table that `HasTable` gives for a struct: as it is implemented, or as `Identifiable` derives it.
pub(super) fn has_table(reader: &Reader<'_>, path: &[String], span: Span) -> Option<Rc<Table>> {
    let (row, place) = place_of(reader, path, None)?;
    let name = place.path.last()?;
    let mut implemented: Vec<(Vec<String>, Option<Rc<Table>>)> = Vec::new();
    for one in reader.surroundings.declarations(&super::declare::has_table_key(name)) {
        let Declaration::HasTable(of) = one.what else { continue };
        let within = Place { krate: one.krate, path: one.module };
        if reader.places(&within, &of.of).contains(&place) {
            let table = match reader.diesel_named_from(&within, &of.table, span) {
                Some(super::tables::Named::Table(table)) => Some(table),
                _ => None,
            };
            implemented.push((one.cfgs, table));
        }
    }
    let derived = row.derives.iter().any(|known| known == "Identifiable");
    match in_build(implemented, reader.around()).as_slice() {
        [] if derived => {
            let home = Place { path: place.path.split_last()?.1.to_vec(), ..place.clone() };
            reader.diesel_table_from(&home, &row.table, span)
        }
        [only] => only.clone(),
        _ => None,
    }
}

/// The table whose rows a value is, as the struct names it.
pub(super) fn table_of_row(reader: &Reader<'_>, expr: &Expr, span: Span) -> Option<Rc<Table>> {
    let found = row_type(reader, expr, LocalId::MAX, 0)?;
    let (row, home) = declared(reader, &found.path, None)?;
    let is_written = row.derives.iter().any(|known| known == "Insertable" || known == "AsChangeset");
    reader.diesel_table_from(&home, &row.table, span).filter(|_| is_written)
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
    let (row, _) = declared(reader, &found.path, None)?;
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
        let value = match field.serialized {
            true => serialized(reader, span, &field.name),
            false => field_value(reader, &found, expr, &field.name, &field.ty, limit),
        };
        all.push((column, value));
    }
    Some(all)
}

/// A field that is written as another type makes it: it may be any value.
fn serialized(reader: &Reader<'_>, span: Span, name: &str) -> Fragment {
    let text = format!("{}.{name}", reader.written(span).trim_start_matches('&'));
    let step = (span, "written as another type makes it".to_owned());
    Fragment::bind(Bind {
        span,
        key: format!("{text}#{}", span.range.start),
        text,
        nullable: Nullability::Unseen,
        provenance: Provenance {
            kind: ProvenanceKind::Unknown,
            steps: vec![step],
            row: None,
            extracted: None,
            checked_as: None,
            made_by: None,
        },
        each: false,
    })
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
        Err(_) => Member::Named(crate::ident::ident(name)),
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
    let (row, home) = declared(reader, &found.path, None)?;
    if found.many || !row.derives.iter().any(|known| known == "Identifiable") {
        return None;
    }
    let table = reader.diesel_table_from(&home, &row.table, span)?;
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
    owner: Vec<String>,
    name: &str,
    arguments: &[&'a Expr],
    span: Span,
    limit: LocalId,
) -> Option<Held> {
    let owner = own(reader, owner)?;
    let shown = owner.join("::");
    match (name, arguments) {
        ("as_select" | "as_returning" | "construct_selection", []) => {
            let mut all = Vec::new();
            let text = match selected(reader, &owner, None, span, 0, &mut all) {
                Some(()) => Value::Tuple(all),
                None => expressed(hole(reader, span, format!("what `{shown}` selects is not known")), false),
            };
            Some(one(text))
        }
        ("belonging_to", [parent]) => Some(match belonging(reader, &owner, parent, span, limit) {
            Some(query) => one(Value::Query(Box::new(query))),
            None => Held::unknown(
                span,
                reader.written(span),
                format!("whose rows of `{shown}` are asked for is not known"),
            ),
        }),
        ("query", []) => {
            let (row, home) = declared(reader, &owner, None)?;
            if !row.derives.iter().any(|known| known == "HasQuery") {
                return None;
            }
            let mut all = Vec::new();
            let table = reader.diesel_table_from(&home, &row.table, span);
            let table = table.filter(|_| row.base_query.is_none());
            Some(match table.filter(|_| selected(reader, &owner, None, span, 0, &mut all).is_some()) {
                Some(table) => {
                    let mut query = select_from(Source::Table(table), span);
                    let all = all.into_iter().map(|value| as_operand(reader, value, span));
                    query.statement.select = Fragment::joined(all.collect::<Vec<_>>(), ", ", span);
                    one(Value::Query(Box::new(query)))
                }
                None => {
                    let why = format!("what the rows of `{shown}` are read from is not known");
                    Held::unknown(span, reader.written(span), why)
                }
            })
        }
        ("table", []) => Some(super::query::table_value(has_table(reader, &owner, span)?)),
        _ => None,
    }
}

/// The columns that a struct is read from.
fn selected(
    reader: &Reader<'_>,
    owner: &[String],
    home: Option<&Place>,
    span: Span,
    depth: usize,
    out: &mut Vec<Value>,
) -> Option<()> {
    let (row, home) = declared(reader, owner, home).filter(|_| depth < MAX_STEPS)?;
    let table = reader.diesel_table_from(&home, &row.table, span);
    for field in &row.fields {
        if field.embed {
            let inner =
                field.ty.strip_prefix("Option<").and_then(|ty| ty.strip_suffix('>')).unwrap_or(&field.ty);
            let inner: Vec<String> = inner.split("::").map(str::to_owned).collect();
            selected(reader, &inner, Some(&home), span, depth + 1, out)?;
            continue;
        }
        match &field.select {
            // A plain path to a column; what else it may be is not read here.
            Some(path) => {
                let path: syn::Path = syn::parse_str(path.trim_end_matches(".nullable()")).ok()?;
                match reader.diesel_named_from(&home, &segments(&path), span)? {
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
    owner: &[String],
    parent: &'a Expr,
    span: Span,
    limit: LocalId,
) -> Option<Query> {
    let (row, home) = declared(reader, owner, None)?;
    let table = reader.diesel_table_from(&home, &row.table, span)?;
    let found = row_type(reader, parent, limit, 0);
    let of = match (&found, row.parents.as_slice()) {
        (Some(found), parents) => {
            parents.iter().find(|(of, _)| Some(of) == found.path.last()).or(match parents {
                [only] => Some(only),
                _ => None,
            })
        }
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    let (of, key) = of?;
    let column = table.column(key, span)?.text();
    let many = found.as_ref().is_none_or(|found| found.many);
    let filter = if many {
        column.then(Fragment::list(Fragment::bind(reader.chain_bind(parent, limit)), true, span))
    } else {
        let (parent_row, _) = declared(reader, std::slice::from_ref(of), Some(&home))?;
        let id = parent_row.key.first().cloned().unwrap_or_else(|| "id".to_owned());
        let field = parent_row.fields.iter().find(|field| field.column == id)?;
        let member = Member::Named(crate::ident::ident(&field.name));
        let bind = reader.chain_bind_part(strip(parent), member, limit);
        column.write(" = ", span).then(Fragment::bind(bind))
    };
    let mut query = select_from(Source::Table(table), span);
    query.statement.filter.push(filter.nested(span));
    Some(query)
}
