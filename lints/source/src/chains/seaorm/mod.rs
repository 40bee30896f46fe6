//! SeaORM, and sea-query.
//!
//! A function is followed as a whole before it is walked: what its variables hold, in branches and loops, which functions
//! of the workspace build parts of its queries, which rows were read and which models are written. The walk then says what
//! each bound expression is, since it has the names in sight.
//!
//! What is left out of the text, since no verdict rests on it: the connection; how rows are read; casts of enumerations,
//! which stand around values alone; the order of pages and cursors, of which only that they are limited counts.

mod active;
mod bind;
mod calls;
mod changes;
mod collect;
mod conflict;
mod eval;
mod expr;
mod follow;
mod hazards;
mod joins;
mod methods;
mod model;
mod patterns;
mod query;
mod resolve;
mod value;
mod ways;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, OnceLock};

use syn::visit::Visit;
use syn::{Block, Expr, ExprMethodCall, Signature};

use super::{Fields, Held, Library, Value, Way};
use crate::read::{LocalId, Reader};
use crate::{Bind, RowValue};
use eval::{Eval, Found, LEAF, Place};
pub(crate) use model::Entities;
pub(crate) use model::declarations;
pub use model::{
    Alias, Column, Def, Entity, Function, Holder, Home, Iden, Linked, ModuleUses, Related, Relation, SeaFile,
    Setter, Touch,
};
use value::Val;

/// The libraries' line among those of chains.
pub(crate) const LIBRARY: Library = Library {
    name: "sea-orm",
    crates: &["sea_orm", "sea_query", "Entity", "ActiveModel"],
    begin: Some(begin),
    value: |_, _, _| None,
    run,
    run_by_path: |_, _| None,
    row: |_, _, _, _| None,
    fields,
    mutate: |_, _, _| None,
};

/// What is known of the function that is walked.
#[derive(Default)]
pub(crate) struct Followed {
    runs: HashMap<usize, Val>,
    leaves: Vec<eval::Leaf>,
    /// The leaves, by where they are in the syntax tree.
    at: HashMap<usize, Vec<usize>>,
    bound: HashMap<usize, (Bind, HashSet<LocalId>)>,
    /// Why not all of the function was followed.
    overrun: Option<&'static str>,
}

/// Follows a function before it is walked.
fn begin<'a>(reader: &mut Reader<'a>, sig: &'a Signature, block: &'a Block) -> Followed {
    let entities = entities(reader);
    let krate = reader.surroundings.krate();
    let krate = entities.crate_of(&krate);
    let module = reader.module.clone();
    let file = entities.file_of(krate, &crate::modules::module_path(reader.source.path));
    let home = Home { krate, module, file };
    let mut imports = Imported { reader, found: false };
    imports.visit_block(block);
    if imports.found {
        let why = "a macro imports what names mean";
        return Followed { overrun: Some(why), ..Followed::default() };
    }
    let mut found = Found::default();
    let place = Place::Here(reader.source.file, reader.base);
    // `impl super::order::Entity` is of no type of this module.
    let is_near = reader.own_path().is_none_or(|path| path.len() < 2);
    let own_type = reader.own_type().filter(|_| is_near).map(str::to_owned);
    let mut eval =
        Eval::new(&entities, &mut found, home, place, reader.source.text, Some(reader.expansions), own_type);
    if let Some(why) = hazards::of(sig, block) {
        return Followed { overrun: Some(why), ..Followed::default() };
    }
    eval.type_parameters.extend(reader.generics_around().map(str::to_owned));
    eval.function(sig, block, Vec::new());
    let mut at: HashMap<usize, Vec<usize>> = HashMap::new();
    for (number, leaf) in found.leaves.iter().enumerate() {
        at.entry(leaf.at).or_default().push(number);
    }
    Followed {
        runs: found.runs,
        leaves: found.leaves,
        at,
        bound: HashMap::new(),
        overrun: found.overrun.then_some("the function is too large to be followed"),
    }
}

/// Looks for macros among the statements that import.
struct Imported<'r, 'a> {
    reader: &'r Reader<'a>,
    found: bool,
}

impl<'ast> Visit<'ast> for Imported<'_, '_> {
    fn visit_stmt_macro(&mut self, statement: &'ast syn::StmtMacro) {
        self.found |= self.reader.imports_by(&statement.mac);
    }
}

/// The entities of a workspace, which are put together once for all of its files.
#[derive(Debug, Default)]
pub struct Assembled(OnceLock<Arc<Entities>>);

/// The entities of the workspace.
fn entities(reader: &mut Reader<'_>) -> Arc<Entities> {
    if let Some(known) = &reader.entities {
        return Arc::clone(known);
    }
    let declared = reader.surroundings.declarations(model::NAME);
    let assembled = reader.surroundings.assembled();
    let entities = match assembled {
        Some(Assembled(once)) => Arc::clone(once.get_or_init(|| Arc::new(Entities::of(declared)))),
        None => Arc::new(Entities::of(declared)),
    };
    reader.entities = Some(Arc::clone(&entities));
    entities
}

/// The statement that a call runs.
fn run<'a>(reader: &mut Reader<'a>, call: &'a ExprMethodCall) -> Option<Held> {
    let at = std::ptr::from_ref(call) as usize;
    let followed = reader.followed.last()?;
    let Some(value) = followed.runs.get(&at).cloned() else {
        let why = followed.overrun?;
        let may_run = call.args.len() == 1
            && methods::RUNS.iter().any(|name| call.method == name)
            && !reader.is_collection(&call.receiver);
        let span = reader.range(&call.receiver);
        return may_run.then(|| Held::unknown(span, reader.written(span), why));
    };
    let mut ways = Vec::new();
    let all = match value {
        Val::Choice(all) => all,
        one => vec![one],
    };
    let many = all.len() > 1;
    for (number, one) in all.into_iter().enumerate() {
        let Val::Query(query) = one else { continue };
        let text = query.finished().render();
        let chosen_by = many.then(|| format!("the way through the function that makes query {}", number + 1));
        ways.push(Way { value: Value::Statement(text), chosen_by });
    }
    (!ways.is_empty()).then_some(Held { ways })
}

/// What the fields of the row are that a call returns: the columns of their names, if it is the model of an entity whose
/// columns are all called as its fields are.
fn fields(reader: &Reader<'_>, call: &ExprMethodCall, _: Option<&syn::Type>) -> Option<Fields> {
    let at = std::ptr::from_ref(call) as usize;
    let value = reader.followed.last()?.runs.get(&at)?;
    let entities = reader.entities.as_ref()?;
    let is_model = |query: &Val| match query {
        Val::Query(query) => match query.rows.as_slice() {
            [row] => row
                .entity
                .and_then(|entity| entities.entities.get(entity))
                .is_some_and(|entity| entity.columns.iter().all(|column| column.field == column.name)),
            _ => false,
        },
        _ => false,
    };
    let is_named = match value {
        Val::Choice(all) => all.iter().all(is_model),
        one => is_model(one),
    };
    Some(if is_named { Fields::Named } else { Fields::Unseen })
}

impl<'a> Reader<'a> {
    /// The walk is at an expression: where a statement binds it, it is said here what it is.
    pub(crate) fn at_leaf(&mut self, expr: &'a Expr) {
        let at = std::ptr::from_ref(expr) as usize;
        let Some(numbers) = self.followed.last().and_then(|followed| followed.at.get(&at).cloned()) else {
            return;
        };
        for number in numbers {
            let leaf = self.followed.last().and_then(|followed| followed.leaves.get(number));
            let field = leaf.and_then(|leaf| leaf.field.clone());
            let before = std::mem::take(&mut self.touched);
            let bind = match field {
                None => self.bind(expr, LocalId::MAX),
                Some(field) => {
                    let member = syn::Member::Named(crate::ident::ident(&field));
                    self.chain_bind_part(eval::unconverted(expr), member, LocalId::MAX)
                }
            };
            let span = bind.span;
            let mut touched = std::mem::replace(&mut self.touched, before);
            touched.extend(self.chain_binds.get(&span).into_iter().flatten());
            if let Some(followed) = self.followed.last_mut() {
                followed.bound.insert(number, (bind, touched));
            }
        }
    }

    /// A bind of a chain as the walk knows it, with the variables that it is made of.
    pub(crate) fn followed_bind(&self, bind: Bind) -> (Bind, HashSet<LocalId>) {
        let number = bind.key.strip_prefix(LEAF).and_then(|number| number.parse::<usize>().ok());
        let Some(number) = number else { return (bind, HashSet::new()) };
        let followed = self.followed.last();
        let row = followed.and_then(|followed| followed.leaves.get(number)).and_then(|leaf| leaf.row.clone());
        match followed.and_then(|followed| followed.bound.get(&number)) {
            Some((known, touched)) => (with_row(known.clone(), row), touched.clone()),
            None => {
                let key = format!("{}#{}", bind.text, bind.span.range.start);
                (with_row(Bind { key, ..bind }, row), HashSet::new())
            }
        }
    }
}

/// The bind of a value that a row's column is.
fn with_row(bind: Bind, row: Option<RowValue>) -> Bind {
    let Some(row) = row else { return bind };
    let mut bind = bind;
    if matches!(bind.provenance.kind, crate::ProvenanceKind::Trusted | crate::ProvenanceKind::Guarded) {
        return bind;
    }
    bind.provenance.kind = crate::ProvenanceKind::Row;
    bind.provenance.steps = vec![(row.within, "read here".to_owned())];
    bind.provenance.row = Some(row);
    bind
}
