//! Queries that are chains of calls and not SQL text.
//!
//! A chain becomes SQL in pieces that know the Rust they stand for, with what is bound in the order of the placeholders;
//! from there on it is a text like any other.
//!
//! **Invariant:** what is not known of a chain is a hole in its text, never left out. What is left out says so where it is
//! left out, and why nothing is lost with it.
//! **Invariant:** a library is a module here and a line in [`LIBRARIES`]; this file, fragments and statements know none.

mod declared;
mod diesel;
mod exports;
mod fragment;
mod names;
pub(crate) mod records;
mod resolve;
pub(crate) mod seaorm;
mod statement;

use std::collections::HashSet;

use syn::{Block, Expr, ExprCall, ExprMethodCall, Signature};
use tenantry_span::Span;

pub use declared::{
    ColumnDeclaration, Declaration, Declared, ExportDeclaration, FieldDeclaration, FunctionDeclaration,
    HasTableDeclaration, JoinDeclaration, MethodDeclaration, RecordDeclaration, RowDeclaration,
    SaysDeclaration, TableDeclaration, WrapperDeclaration, WrapperPart, WrapperWord, declarations,
    declarations_among, names_sea_orm,
};
pub use diesel::{parse_join as diesel_join, parse_table as diesel_table};
pub(crate) use fragment::{Fragment, Rendered};
pub(crate) use names::{Meant, Uses};
pub(crate) use resolve::Place;
pub use seaorm::Assembled;

use crate::read::{LocalId, MAX_TEXTS, Reader, Source, shorten};
use crate::{Bind, Param, RowColumn, RowValue};

/// A library whose queries are chains of calls.
pub(crate) struct Library {
    /// Its name in `rules/sinks`.
    pub(crate) name: &'static str,
    /// The crates that make a file worth it, as they are written in Rust paths, and names within paths that do.
    pub(crate) crates: &'static [&'static str],
    /// What is to be known of a function before it is walked, for libraries whose chains are followed ahead.
    pub(crate) begin: Option<for<'a> fn(&mut Reader<'a>, &'a Signature, &'a Block) -> seaorm::Followed>,
    /// The query, condition or other part of a query that an expression is, whose names mean what was declared before a
    /// variable. `None` where it is nothing of the library's.
    value: for<'a> fn(&mut Reader<'a>, &'a Expr, LocalId) -> Option<Held>,
    /// The query that a call of a method runs, after its arguments were walked.
    run: for<'a> fn(&mut Reader<'a>, &'a ExprMethodCall) -> Option<Held>,
    /// The query that a call by path runs.
    run_by_path: for<'a> fn(&mut Reader<'a>, &'a ExprCall) -> Option<Held>,
    /// The column that a field of the row is which the call of a method returns, where that is certain.
    row: fn(&Reader<'_>, &ExprMethodCall, &str, LocalId) -> Option<RowValue>,
    /// What the fields of the row are that the call of a method returns, which is given as a type.
    fields: fn(&Reader<'_>, &ExprMethodCall, Option<&syn::Type>) -> Option<Fields>,
    /// What a variable holds after a method was called on it that may change it in place; `None` where it holds the same.
    mutate: for<'a> fn(&mut Reader<'a>, &Held, &'a ExprMethodCall) -> Option<Held>,
}

/// The libraries: one line each.
pub(crate) const LIBRARIES: &[Library] = &[diesel::LIBRARY, seaorm::LIBRARY];

/// What the fields of a row are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fields {
    /// The columns of their names.
    Named,
    /// The columns in their order, whatever these are called.
    InOrder(Vec<String>),
    /// The type that the row is read into is not seen, or makes of the columns what it likes.
    Unseen,
}

/// What a library makes of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// Diesel's.
    Diesel(diesel::Value),
    /// A statement of a library that has followed it to its end.
    Statement(Fragment),
    /// A query of which nothing is known but that it is one, as a hole with the reason.
    Unknown(Fragment),
}

/// What a variable or expression holds: one value, or one for each way that leads here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) ways: Vec<Way>,
}

/// One of the values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) value: Value,
    /// What chose it, as written.
    pub(crate) chosen_by: Option<String>,
}

impl Value {
    /// The value where the condition held on the way of this one and did not on that of the other.
    fn join(&self, other: &Value, condition: Span) -> Option<Value> {
        match (self, other) {
            (same, other) if same == other => Some(same.clone()),
            (Value::Diesel(one), Value::Diesel(other)) => one.join(other, condition).map(Value::Diesel),
            (unknown @ Value::Unknown(_), _) | (_, unknown @ Value::Unknown(_)) => Some(unknown.clone()),
            _ => None,
        }
    }

    /// The text that is run.
    fn render(&self) -> Fragment {
        match self {
            Value::Diesel(value) => value.render(),
            Value::Statement(text) | Value::Unknown(text) => text.clone(),
        }
    }
}

impl Held {
    /// A single value.
    pub(crate) fn one(value: Value) -> Held {
        Held { ways: vec![Way { value, chosen_by: None }] }
    }

    /// A query that is not known.
    pub(crate) fn unknown(span: Span, written: &str, why: impl Into<String>) -> Held {
        Held::one(Value::Unknown(Fragment::hole(span, written, why)))
    }

    /// The same ways, each with another value.
    pub(crate) fn map(self, mut change: impl FnMut(Value) -> Value) -> Held {
        let change = |way: Way| Way { value: change(way.value), chosen_by: way.chosen_by };
        Held { ways: self.ways.into_iter().map(change).collect() }
    }

    /// What is held where `condition`, written so, decides between two.
    fn join(&self, other: &Held, condition: Span, written: &str) -> Held {
        if self == other {
            return self.clone();
        }
        if self.ways.len() == other.ways.len() {
            let both = self.ways.iter().zip(&other.ways).map(|(one, other)| {
                let value = one.value.join(&other.value, condition)?;
                (one.chosen_by == other.chosen_by).then(|| Way { value, chosen_by: one.chosen_by.clone() })
            });
            if let Some(ways) = both.collect::<Option<Vec<Way>>>() {
                return Held { ways };
            }
        }
        let mut ways = Vec::new();
        for (side, by) in [(self, shorten(written)), (other, format!("not ({})", shorten(written)))] {
            for way in &side.ways {
                let known = ways.iter().any(|known: &Way| known.value == way.value);
                let chosen_by = match &way.chosen_by {
                    Some(before) => format!("{before}, {by}"),
                    None => by.clone(),
                };
                if !known {
                    ways.push(Way { value: way.value.clone(), chosen_by: Some(chosen_by) });
                }
            }
        }
        if ways.len() > MAX_TEXTS {
            return Held::unknown(condition, written, format!("more than {MAX_TEXTS} queries are possible"));
        }
        Held { ways }
    }
}

/// `&value`.
fn is_shared(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(inner) => is_shared(&inner.expr),
        Expr::Group(inner) => is_shared(&inner.expr),
        Expr::Reference(of) => of.mutability.is_none(),
        _ => false,
    }
}

impl<'a> Reader<'a> {
    /// The libraries of chains that the file mentions.
    fn chain_libraries(&self) -> impl Iterator<Item = &'static Library> + use<'a> {
        let roots = &self.imports.roots;
        let known =
            LIBRARIES.iter().filter(move |library| library.crates.iter().any(|name| roots.contains(*name)));
        known.take(if self.reads_chains { LIBRARIES.len() } else { 0 })
    }

    /// What the expression is to a library of chains.
    pub(crate) fn chain_value(&mut self, expr: &'a Expr) -> Option<Held> {
        self.chain_value_before(expr, LocalId::MAX)
    }

    /// The same, where names mean what was declared before a variable.
    pub(crate) fn chain_value_before(&mut self, expr: &'a Expr, limit: LocalId) -> Option<Held> {
        self.chain_libraries().find_map(|library| (library.value)(self, expr, limit))
    }

    /// The column that a field of the row is which a chain returns.
    pub(crate) fn chain_row(
        &self,
        call: &ExprMethodCall,
        column: &RowColumn,
        limit: LocalId,
    ) -> Option<RowValue> {
        let RowColumn::Field(field) = column else { return None };
        self.chain_libraries().find_map(|library| (library.row)(self, call, field, limit))
    }

    /// What the fields of the row are that a chain returns; nothing for what is no chain.
    pub(crate) fn chain_fields(&self, call: &ExprMethodCall, ty: Option<&syn::Type>) -> Option<Fields> {
        self.chain_libraries().find_map(|library| (library.fields)(self, call, ty))
    }

    /// Notes what a block or an arm yields, while its names are in sight.
    pub(crate) fn note_chain(&mut self, start: usize, tail: &'a Expr) {
        if let Some(held) = self.chain_value(tail) {
            self.block_chains.insert(start, held);
        }
    }

    /// Notes what a closure yields: its tail, where it is left nowhere else.
    pub(crate) fn note_closure(&mut self, closure: &'a syn::ExprClosure) {
        if !self.reads_chains {
            return;
        }
        let start = syn::spanned::Spanned::span(&*closure.body).byte_range().start;
        self.note_chain(start, &closure.body);
        if self.block_chains.contains_key(&start)
            && let Some(left) = crate::read::returns(&closure.body)
        {
            let span = self.token_span(left);
            let held = Held::unknown(span, self.written(span), "the closure may yield this instead");
            self.block_chains.insert(start, held);
        }
    }

    /// Notes what the variables of a tuple hold, the first of which is `first`.
    pub(crate) fn hold_parts(&mut self, pattern: &syn::Pat, first: LocalId, held: Option<Held>) {
        let (Some(held), syn::Pat::Tuple(names)) = (held, pattern) else { return };
        let [way] = held.ways.as_slice() else { return };
        let Value::Diesel(value) = &way.value else { return };
        let Some(parts) = value.clone().parts().filter(|parts| parts.len() == names.elems.len()) else {
            return;
        };
        if !names.elems.iter().all(|name| matches!(name, syn::Pat::Ident(_))) {
            return;
        }
        for (at, part) in parts.into_iter().enumerate() {
            self.hold_chain(first + at, Some(Held::one(Value::Diesel(part))));
        }
    }

    /// Notes what a variable holds.
    pub(crate) fn hold_chain(&mut self, id: LocalId, held: Option<Held>) {
        if let Some(held) = held {
            self.state.chains.insert(id, held);
        }
    }

    /// A variable is assigned to.
    pub(crate) fn assign_chain(&mut self, id: LocalId, right: &'a Expr) {
        if !self.reads_chains {
            return;
        }
        match self.chain_value(right) {
            Some(held) => {
                self.state.chains.insert(id, held);
            }
            None if self.state.chains.contains_key(&id) => {
                let span = self.range(right);
                let why = "what is assigned here is not known to be a query";
                let held = Held::unknown(span, self.written(span), why);
                self.state.chains.insert(id, held);
            }
            None => {}
        }
    }

    /// A variable may hold anything from here on.
    pub(crate) fn forget_chain(&mut self, id: LocalId, span: Span, why: &str) {
        self.state.lists.remove(&id);
        if let Some(held) = self.state.chains.get_mut(&id) {
            let name = self.locals.get(id).map_or("", |local| local.name.as_str());
            *held = Held::unknown(span, name, format!("`{name}` is changed in {why}"));
        }
    }

    /// A method is called on a variable, which may change what it holds.
    pub(crate) fn mutate_chain(&mut self, call: &'a ExprMethodCall) {
        // Nothing is changed through a shared reference.
        if is_shared(&call.receiver) {
            return;
        }
        let Some(id) = self.root(&call.receiver).filter(|id| self.may_change(*id)) else { return };
        let Some(held) = self.state.chains.get(&id).cloned() else { return };
        let changed = self.chain_libraries().find_map(|library| (library.mutate)(self, &held, call));
        self.hold_chain(id, changed);
    }

    /// True for a variable that a method which takes `&mut self` can be called on.
    fn may_change(&self, id: LocalId) -> bool {
        self.locals.get(id).is_some_and(|local| {
            local.mutable
                || matches!(local.source, Source::Let(Expr::Reference(value)) if value.mutability.is_some())
        })
    }

    /// Joins what variables hold after two ways through the code.
    pub(crate) fn join_chains(
        &mut self,
        other: &crate::read::scope::State,
        before: LocalId,
        condition: Span,
    ) {
        let written = self.written(condition);
        let ids: HashSet<LocalId> = self.state.chains.keys().chain(other.chains.keys()).copied().collect();
        for id in ids.into_iter().filter(|id| *id < before) {
            let joined = match (other.chains.get(&id), self.state.chains.get(&id)) {
                (Some(holds), Some(otherwise)) => holds.join(otherwise, condition, written),
                _ => {
                    let name = self.locals.get(id).map_or("", |local| local.name.as_str());
                    Held::unknown(condition, name, format!("`{name}` holds no known query on one way here"))
                }
            };
            self.state.chains.insert(id, joined);
        }
    }

    /// A function is about to be walked.
    pub(crate) fn begin_chains(&mut self, sig: &'a Signature, block: &'a Block) {
        let begin = self.chain_libraries().find_map(|library| library.begin);
        let followed = begin.map(|begin| begin(self, sig, block)).unwrap_or_default();
        self.followed.push(followed);
    }

    /// The function has been walked.
    pub(crate) fn end_chains(&mut self) {
        self.followed.pop();
    }

    /// The call of a method, where it runs a chain: a site.
    pub(crate) fn run_chain(&mut self, call: &'a ExprMethodCall) -> bool {
        let found = self.chain_libraries().find_map(|library| Some((library, (library.run)(self, call)?)));
        let Some((library, held)) = found else { return false };
        let span = self.between(call.method.span(), call.paren_token.span.close());
        let fields = match (library.fields)(self, call, None) {
            Some(Fields::InOrder(fields)) => Some(fields),
            _ => None,
        };
        self.emit_chain(library, call.method.to_string(), span, &held, fields);
        true
    }

    /// The call of a function, where it runs a chain: a site.
    pub(crate) fn run_chain_by_path(&mut self, call: &'a ExprCall) -> bool {
        let found =
            self.chain_libraries().find_map(|library| Some((library, (library.run_by_path)(self, call)?)));
        let Some((library, held)) = found else { return false };
        let Expr::Path(path) = &*call.func else { return false };
        let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let span = self.range(call);
        self.emit_chain(library, name, span, &held, None);
        true
    }

    /// A whole chain of calls ends here.
    pub(crate) fn end_of_chain(&mut self, _expr: &'a Expr) {}

    /// A value that a chain binds, which is remembered with the variables that it is made of.
    pub(crate) fn chain_bind(&mut self, expr: &'a Expr, limit: LocalId) -> Bind {
        let before = std::mem::take(&mut self.touched);
        let bind = self.bind(expr, limit);
        let touched = std::mem::replace(&mut self.touched, before);
        self.chain_binds.insert(bind.span, touched);
        bind
    }

    /// The same of a part of a value, which is written nowhere.
    pub(crate) fn chain_bind_part(&mut self, base: &Expr, member: syn::Member, limit: LocalId) -> Bind {
        let span = self.range(base);
        let name = match &member {
            syn::Member::Named(name) => name.to_string(),
            syn::Member::Unnamed(index) => index.index.to_string(),
        };
        let text = format!("{}.{name}", self.written(span).trim_start_matches('&'));
        let part = Expr::Field(syn::ExprField {
            attrs: Vec::new(),
            base: Box::new(base.clone()),
            dot_token: syn::Token![.](proc_macro2::Span::call_site()),
            member,
        });
        let before = std::mem::take(&mut self.touched);
        let bind = self.bind_at(&part, span, text, limit);
        let touched = std::mem::replace(&mut self.touched, before);
        self.chain_binds.entry(span).or_default().extend(touched);
        bind
    }

    fn emit_chain(
        &mut self,
        library: &Library,
        call: String,
        span: Span,
        held: &Held,
        fields: Option<Vec<String>>,
    ) {
        let mut rendered = Rendered::default();
        for way in &held.ways {
            rendered.add(&way.value.render(), way.chosen_by.clone());
        }
        let Rendered { texts, binds, conditions } = rendered;
        let mut touched: HashSet<LocalId> =
            binds.iter().filter_map(|bind| self.chain_binds.get(&bind.span)).flatten().copied().collect();
        let followed = binds.into_iter().map(|bind| self.followed_bind(bind));
        let (binds, more): (Vec<Bind>, Vec<HashSet<LocalId>>) = followed.unzip();
        touched.extend(more.into_iter().flatten());
        let index = self.sinks.iter().position(|sinks| sinks.library == library.name);
        let Some(index) = index else { return };
        let mut site = self.site(index, call, span, texts, Some(binds));
        let params = self.params();
        site.params = params
            .into_iter()
            .map(|(locals, param)| Param {
                bound_here: locals.iter().any(|id| touched.contains(id)),
                ..param
            })
            .collect();
        site.conditions = conditions;
        site.fields = fields;
        self.push_site(site);
    }
}
