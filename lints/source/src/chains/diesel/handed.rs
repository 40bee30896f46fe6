//! What a function is handed, and what a call hands over: tables by type parameters or as arguments, conditions, rows.
//!
//! **Invariant:** a type parameter, or a parameter whose type is one, stands for a table only where a trait of Diesel's own
//! says so, whatever it is called. **Invariant:** only a parameter that holds what was handed over and nothing else becomes
//! a hole that a call fills.

use std::rc::Rc;

use syn::punctuated::Punctuated;
use syn::{Expr, GenericArgument, Token, Type, TypeParamBound};
use tenantry_span::Span;

use super::evaluate::{Call, condition, expressed, only, value};
use super::rows::{has_table, own, segments, table_of_row};
use super::tables::{Named, Source, Table};
use super::{Query, Value, write};
use crate::calls::{HandedChains, HandedTable, Rendering};
use crate::chains::fragment::{Fragment, Rendered};
use crate::chains::statement::{Kind, Statement};
use crate::read::{LocalId, Reader, Source as LocalSource, strip};
use crate::{HandedPart, HoleKind, Piece};

/// What a place of a text stands for until a call says it.
pub(super) fn part(span: Span, text: &str, part: HandedPart) -> Fragment {
    Fragment::of(Piece::Hole { span, text: text.to_owned(), kind: HoleKind::Handed(part) })
}

/// A table of which a call will say which one it is.
fn unnamed(name: &str, place: Span, span: Span) -> Rc<Table> {
    let declared = Rc::default();
    Rc::new(Table { name: name.to_owned(), declared, alias: None, handed: Some(place), span })
}

/// The parameter that an expression is as it was handed over, and its name.
pub(super) fn parameter(reader: &Reader<'_>, expr: &Expr, limit: LocalId) -> Option<(Span, String)> {
    match strip(expr) {
        Expr::Path(path) => {
            let name = path.path.get_ident()?.to_string();
            let place = reader.whole_parameter(reader.lookup(&name, limit)?)?;
            Some((place, name))
        }
        Expr::MethodCall(call) if call.args.is_empty() => {
            let same = call.method == "clone" || call.method == "to_owned";
            parameter(reader, &call.receiver, limit).filter(|_| same)
        }
        _ => None,
    }
}

/// A parameter, or what is in its `Some`, in the place of an expression.
pub(super) fn expression(reader: &Reader<'_>, expr: &Expr, limit: LocalId) -> Option<Fragment> {
    let (place, name) = parameter(reader, expr, limit).or_else(|| inside(reader, expr, limit))?;
    Some(part(reader.range(expr), &name, HandedPart::Expression(place)))
}

/// The parameter whose `Some` holds what a variable is.
fn inside(reader: &Reader<'_>, expr: &Expr, limit: LocalId) -> Option<(Span, String)> {
    let Expr::Path(path) = strip(expr) else { return None };
    let id = reader.lookup(&path.path.get_ident()?.to_string(), limit)?;
    let local = reader.locals.get(id)?;
    let LocalSource::Part(of) = local.source else { return None };
    let stays = !local.assigned && !local.mutable && !local.torn;
    parameter(reader, of, id).filter(|_| stays)
}

/// True for the path of the trait that gives the table of a type.
fn is_has_table(path: &[String]) -> bool {
    path == ["diesel", "associations", "HasTable"]
}

/// True for the path of the trait that tables are told by.
fn is_table(path: &[String]) -> bool {
    matches!(path, [root, rest @ .., last] if root == "diesel" && last == "Table"
        && matches!(rest, [] | [_]) && rest.iter().all(|module| module == "query_source" || module == "prelude"))
}

/// The table that a type parameter of the function stands for, where one of the traits says that it does.
fn by_name(
    reader: &Reader<'_>,
    name: &str,
    says: impl Fn(&[String]) -> bool,
    span: Span,
) -> Option<Rc<Table>> {
    let generics = &reader.functions.last()?.generics;
    let found = generics.iter().find(|generic| generic.name == name)?;
    let is_table = found.bounds.iter().any(|bound| says(bound));
    is_table.then(|| unnamed(name, found.span, span))
}

/// `T::table()` and `<T as HasTable>::table()` of a type parameter.
pub(super) fn table_by_call(reader: &Reader<'_>, path: &syn::ExprPath, span: Span) -> Option<Rc<Table>> {
    let written = segments(&path.path);
    match (&path.qself, written.as_slice()) {
        (None, [name, method]) if method == "table" => by_name(reader, name, is_has_table, span),
        (Some(qself), [.., method]) if method == "table" && of_trait(reader, &path.path, qself) => {
            let name = crate::types::path_of(&qself.ty);
            let [name] = name.as_slice() else { return None };
            by_name(reader, name, is_has_table, span)
        }
        _ => None,
    }
}

/// True for a path that names something of [`is_has_table`]'s trait.
fn of_trait(reader: &Reader<'_>, path: &syn::Path, qself: &syn::QSelf) -> bool {
    let mut of = path.clone();
    of.segments = path.segments.iter().take(qself.position).cloned().collect();
    qself.position + 1 == path.segments.len()
        && reader.resolved(&of, LocalId::MAX).paths.iter().any(|full| is_has_table(full))
}

/// The table that a parameter of a type which is one is.
pub(super) fn table_by_value(reader: &Reader<'_>, local: LocalId, span: Span) -> Option<Rc<Table>> {
    let place = reader.whole_parameter(local)?;
    let local = reader.locals.get(local)?;
    let is_one = match local.ty? {
        Type::ImplTrait(of) => of.bounds.iter().any(|bound| match bound {
            TypeParamBound::Trait(of) => {
                reader.resolved(&of.path, LocalId::MAX).paths.iter().any(|full| is_table(full))
            }
            _ => false,
        }),
        Type::Path(of) => by_name(reader, &of.path.get_ident()?.to_string(), is_table, span).is_some(),
        _ => false,
    };
    is_one.then(|| unnamed(&local.name, place, span))
}

/// Words of Diesel's for the type of a boxed query, whose table the path before them names.
const BOXED: &str = "BoxedQuery";

/// Traits of Diesel's own that what can be run has.
const RUNNING: &[&str] = &["RunQueryDsl", "LoadQuery", "ExecuteDsl", "LoadDsl"];

/// What a parameter is that holds a query: of a boxed one the table is known, and more may be asked of it.
pub(super) fn query_by_value(reader: &Reader<'_>, local: LocalId, span: Span) -> Option<Value> {
    let place = reader.whole_parameter(local)?;
    let local = reader.locals.get(local)?;
    let is_run = |path: &Vec<String>| match path.as_slice() {
        [root, .., last] => {
            matches!(root.as_str(), "diesel" | "diesel_async") && RUNNING.contains(&last.as_str())
        }
        _ => false,
    };
    let of = match local.ty? {
        Type::Path(of) if of.qself.is_none() => of,
        Type::ImplTrait(of) => {
            let runs = of.bounds.iter().any(|bound| match bound {
                TypeParamBound::Trait(of) => reader.resolved(&of.path, LocalId::MAX).paths.iter().any(is_run),
                _ => false,
            });
            return runs.then(|| whole(place, &local.name, span));
        }
        _ => return None,
    };
    let written = segments(&of.path);
    if let [name] = written.as_slice() {
        let generics = &reader.functions.last()?.generics;
        let found = generics.iter().find(|generic| generic.name == *name)?;
        return found.bounds.iter().any(is_run).then(|| whole(place, &local.name, span));
    }
    let [owner @ .., last] = written.as_slice() else { return None };
    let mut path = of.path.clone();
    path.segments = of.path.segments.iter().take(owner.len()).cloned().collect();
    let paths = reader.resolved(&path, LocalId::MAX).paths;
    let table = paths.iter().find_map(|full| reader.diesel_table(full, span)).filter(|_| last == BOXED)?;
    let mut statement = Statement::new(Kind::Select, span);
    let name = Fragment::name(&table.declared.name, span);
    statement.select = name.clone().write(".*", span);
    let inner = part(span, &local.name, HandedPart::Query(place)).nested(span);
    statement.from = inner.write(" AS ", span).then(name);
    Some(Value::Query(Box::new(Query { statement, source: None, conflict: false, rows: None })))
}

/// A query that is run as it stands.
fn whole(place: Span, name: &str, span: Span) -> Value {
    expressed(part(span, name, HandedPart::Query(place)), false)
}

/// The table that a type argument stands for: a table, a struct that has one, or a type parameter of the caller's.
fn table_by_type(reader: &Reader<'_>, ty: &Type, span: Span) -> Option<Rc<Table>> {
    let of = match ty {
        Type::Paren(of) => return table_by_type(reader, &of.elem, span),
        Type::Group(of) => return table_by_type(reader, &of.elem, span),
        Type::Path(of) => of,
        _ => return None,
    };
    let written = segments(&of.path);
    if let Some(qself) = &of.qself {
        let names_table =
            written.last().is_some_and(|last| last == "Table") && of_trait(reader, &of.path, qself);
        return names_table.then(|| table_by_type(reader, &qself.ty, span)).flatten();
    }
    match written.as_slice() {
        // Another trait may have a type of that name.
        [name, last] if reader.is_generic(name) => {
            by_name(reader, name, is_has_table, span).filter(|_| last == "Table")
        }
        [name] if reader.is_generic(name) => {
            by_name(reader, name, |bound| is_has_table(bound) || is_table(bound), span)
        }
        _ => {
            let paths = reader.resolved(&of.path, LocalId::MAX).paths;
            let table = paths.iter().find_map(|full| match reader.diesel_named(full, span) {
                Some(Named::Table(table)) => Some(table),
                _ => None,
            });
            table.or_else(|| has_table(reader, &own(reader, written)?, span))
        }
    }
}

impl<'a> Reader<'a> {
    /// True for a type parameter of the function that is walked.
    fn is_generic(&self, name: &str) -> bool {
        self.functions.last().is_some_and(|function| function.generics.iter().any(|one| one.name == name))
    }

    /// What a call hands over to a function that makes a query of it and runs it.
    pub(crate) fn hand_over(
        &mut self,
        types: Option<&syn::AngleBracketedGenericArguments>,
        arguments: &'a Punctuated<Expr, Token![,]>,
        span: Span,
    ) -> HandedChains {
        let mut handed = HandedChains::default();
        for argument in arguments {
            let query = self.handed_query(argument);
            handed.queries.push(self.rendering(&query));
            let expression = self.handed_expression(argument);
            handed.expressions.push(self.rendering(&expression));
            let found = match value(self, argument, LocalId::MAX).map(only) {
                Some(Value::Table(table)) => Some(table),
                _ => None,
            };
            handed.tables.push(found.map(|table| self.handed_table(&table, arguments, span)));
            let row = table_of_row(self, argument, span);
            handed.rows.push(row.map(|table| self.handed_table(&table, arguments, span)));
        }
        for argument in types.iter().flat_map(|types| &types.args) {
            let table = match argument {
                GenericArgument::Lifetime(_) => continue,
                GenericArgument::Type(Type::Infer(_)) => None,
                GenericArgument::Type(ty) => match table_by_type(self, ty, span) {
                    Some(table) => Some(Some(self.handed_table(&table, arguments, span))),
                    None => Some(None),
                },
                _ => Some(None),
            };
            handed.types.push(table);
        }
        handed
    }

    fn handed_query(&mut self, argument: &'a Expr) -> Fragment {
        let span = self.range(argument);
        if let Expr::Path(path) = strip(argument)
            && let Some(local) =
                path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), LocalId::MAX))
            && let Some(handed_on) = query_by_value(self, local, span)
        {
            return handed_on.render();
        }
        let why = "it is not known as a query of Diesel's";
        match value(self, argument, LocalId::MAX).map(only) {
            Some(found @ (Value::Query(_) | Value::Table(_) | Value::Alias(_))) => found.render(),
            Some(Value::Expression(of)) if of.text.is_hole() => of.text,
            _ => Fragment::hole(span, self.written(span), why),
        }
    }

    fn handed_expression(&mut self, argument: &'a Expr) -> Fragment {
        let span = self.range(argument);
        if let Expr::Path(path) = strip(argument)
            && let [only] = segments(&path.path).as_slice()
            && only == "None"
        {
            return Fragment::text("NULL", span);
        }
        let found = condition(self, argument, LocalId::MAX);
        match found.is_loose() {
            // What stands before and after it is not seen together with it.
            true => Fragment::hole(span, self.written(span), "it is SQL text that stands in no parentheses"),
            false => found,
        }
    }

    fn handed_table(
        &mut self,
        table: &Rc<Table>,
        arguments: &'a Punctuated<Expr, Token![,]>,
        span: Span,
    ) -> HandedTable {
        let call = Call { name: String::new(), arguments: Vec::new(), span, limit: LocalId::MAX };
        let columns = Fragment::joined(Source::Table(Rc::clone(table)).columns(span), ", ", span);
        let (name, columns) = (self.rendering(&table.as_source(span)), self.rendering(&columns));
        let (mut keys, mut rows, mut changes) = (Vec::new(), Vec::new(), Vec::new());
        for argument in arguments {
            let key = write::by_key(self, table, argument, &call);
            keys.push(self.rendering(&key));
            let row = write::values(self, table, argument, &call);
            rows.push(self.rendering(&row));
            let set = write::assigned(self, table, argument, &call);
            changes.push(self.rendering(&set));
        }
        HandedTable { name, columns, keys, rows, changes }
    }

    /// A part of a chain with all that is bound in it, which counts as bound here.
    fn rendering(&mut self, fragment: &Fragment) -> Rendering {
        let mut rendered = Rendered::default();
        rendered.add(fragment, None);
        let Rendered { mut texts, binds, conditions } = rendered;
        for bind in &binds {
            self.touched.extend(self.chain_binds.get(&bind.span).into_iter().flatten().copied());
        }
        Rendering { text: texts.pop().unwrap_or_default(), binds, conditions }
    }
}
