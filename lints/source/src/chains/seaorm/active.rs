//! Active models and rows: what is written of them, and whose row that is.
//!
//! A model names its row by the primary key alone. Where that was read in sight, the statement knows it; where the model
//! comes from elsewhere, the row's owner is a part that is not known.

use std::collections::BTreeMap;

use syn::spanned::Spanned;
use syn::{Expr, ExprMethodCall, ExprStruct, Member};
use tenantry_span::Span;

use super::collect::segments;
use super::eval::Eval;
use super::hazards;
use super::model::{Column, Touch};
use super::value::{ColumnRef, Field, Model, Origin, Query, Rest, Row, Val};
use crate::chains::fragment::Fragment;
use crate::chains::statement::Kind;
use crate::{RowColumn, RowValue};

/// Methods after which a row, or what was made of it, is the same.
const SAME: &[&str] = &[
    "clone",
    "to_owned",
    "into",
    "as_ref",
    "as_mut",
    "borrow",
    "unwrap",
    "expect",
    "ok_or",
    "ok_or_else",
    "map_err",
    "context",
    "with_context",
    "ok",
    "instrument",
    "in_current_span",
    "inspect_err",
    "into_iter",
    "iter",
    "iter_mut",
    "collect",
    "first",
    "last",
    "next",
    "pop",
    "into_inner",
    "cloned",
    "copied",
    "try_into",
    "flatten",
    "unwrap_or_default",
    "into_active_value",
    "try_into_model",
    "as_deref",
    "inspect",
    "peekable",
    "rev",
];

impl<'t> Eval<'_, 't> {
    /// `post::ActiveModel { id: Set(…), ..Default::default() }`.
    pub(super) fn structure(&mut self, of: &'t ExprStruct) -> Val {
        let mut path = segments(&of.path);
        if let (Some(first), Some(own)) = (path.first_mut(), &self.own_type)
            && *first == "Self"
        {
            *first = own.clone();
        }
        let path = self.outward(path);
        if let Some(entity) =
            self.entities.entity_beside(&self.home, &path, "Model").filter(|_| of.rest.is_none())
        {
            return self.row_written_out(entity, of);
        }
        let entity = self.entities.entity_beside(&self.home, &path, "ActiveModel");
        let Some(entity) = entity else {
            let values: Vec<Val> = of.fields.iter().map(|field| self.expr(&field.expr)).collect();
            if let Some(rest) = &of.rest {
                self.expr(rest);
            }
            let holds_part = values.iter().any(Val::holds_part);
            return match path.last().is_some_and(|last| last == "ActiveModel") {
                // Of an entity that was not found.
                true => Val::Query(Box::new(Query::unknown(
                    self.span(of),
                    &self.written(of),
                    "the entity of the model was not found",
                ))),
                false if holds_part => Val::OPAQUE,
                false => Val::Plain(self.own_origin()),
            };
        };
        let rest = match of.rest.as_deref() {
            None => Rest::NotSet,
            Some(rest) => self.rest_of(rest, entity),
        };
        let mut model = Model { entity, fields: BTreeMap::new(), rest };
        if let Some(rest) = of.rest.as_deref()
            && let Val::Model(base) = self.expr(rest)
            && base.entity == entity
        {
            model = *base;
        }
        for field in &of.fields {
            let value = self.expr(&field.expr);
            if let Member::Named(name) = &field.member {
                model = self.set_field(model, &name.to_string(), value, &field.expr);
            }
        }
        Val::Model(Box::new(model))
    }

    /// `post::Model { id, … }`: what becomes of it is a model whose fields are unchanged.
    fn row_written_out(&mut self, entity: usize, of: &'t ExprStruct) -> Val {
        let mut model = Model { entity, fields: BTreeMap::new(), rest: Rest::NotSet };
        for field in &of.fields {
            let value = self.expr(&field.expr);
            if let Member::Named(name) = &field.member {
                model =
                    self.set_field(model, &name.to_string(), Val::Unchanged(Box::new(value)), &field.expr);
            }
        }
        Val::Model(Box::new(model))
    }

    fn rest_of(&mut self, rest: &'t Expr, entity: usize) -> Rest {
        let Expr::Call(call) = rest else {
            return match self.expr(rest) {
                Val::Model(model) if model.entity == entity => model.rest.clone(),
                // `..row.into()`.
                Val::Row(row) if row.entity == Some(entity) && row.within.is_some() => Rest::Row(row),
                _ => Rest::Unknown(format!("what `{}` holds is not known", self.written(rest))),
            };
        };
        let name = match &*call.func {
            Expr::Path(path) => {
                path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
            }
            _ => String::new(),
        };
        match (name.as_str(), call.args.is_empty()) {
            ("default", true) => Rest::NotSet,
            _ => Rest::Unknown(format!("what `{}` holds is not known", self.written(rest))),
        }
    }

    /// The model with a field set to a value.
    pub(super) fn set_field(&mut self, model: Model, field: &str, value: Val, at: &'t Expr) -> Model {
        let mut model = model;
        let Some(column) = self.column_of_field(model.entity, field) else {
            model.rest = Rest::Unknown(format!("`{field}` is no column that is known"));
            return model;
        };
        let inner = inner_of(at);
        let field = match value {
            Val::Set(value) => Field::Set(self.stored(*value, inner)),
            Val::Unchanged(value) => Field::Unchanged(self.stored(*value, inner)),
            Val::NotSet => Field::NotSet,
            // A value of which it is not known whether it is set.
            Val::Plain(_) => Field::Maybe(self.made_bind(at)),
            value => Field::Maybe(self.stored(value, inner)),
        };
        model.fields.insert(column, field);
        model
    }

    /// A value as it is written into a column. Where the expression that is stored is not at hand, nothing is known of it.
    fn stored(&mut self, value: Val, at: &'t Expr) -> Fragment {
        match value {
            Val::Plain(Origin::Here) if !self.is_walked() => self.made_bind(at),
            Val::Row(_) | Val::Model(_) | Val::Tuple(_) => self.made_bind(at),
            value => self.operand_of(value, at),
        }
    }

    /// The fields of a model that a method of some name may set, where all of that name that may be meant say so.
    fn setters(&self, name: &str, arguments: usize, at: usize, value: &Val) -> Touch {
        let all = self.entities.functions_named(name);
        let fitting: Vec<&Touch> = all
            .iter()
            .filter(|function| function.arguments == arguments)
            .filter_map(|function| function.touches.get(at))
            .filter(|touch| self.takes(touch, value))
            .collect();
        if fitting.is_empty() {
            return Touch::Anything;
        }
        fitting
            .into_iter()
            .cloned()
            .reduce(|one, other| self.united(one, other))
            .map_or(Touch::Anything, |touch| self.united(touch, Touch::NOTHING))
    }

    /// False where a function that does this does not compile with the value: it is another one that is meant.
    fn takes(&self, touch: &Touch, value: &Val) -> bool {
        match (touch, value) {
            (Touch::Fields(fields), Val::Model(model)) => self.entities.fields(fields).is_none_or(|fields| {
                fields.iter().all(|field| self.column_of_field(model.entity, field).is_some())
            }),
            (Touch::Parts(_), Val::Model(_)) => false,
            (Touch::Parts(parts), Val::Tuple(values)) => {
                let mut pairs = parts.iter().zip(values);
                parts.len() == values.len() && pairs.all(|(touch, value)| self.takes(touch, value))
            }
            (Touch::Fields(fields), Val::Tuple(_)) => fields.is_empty(),
            _ => true,
        }
    }

    /// What one of two functions does.
    fn united(&self, one: Touch, other: Touch) -> Touch {
        match (one, other) {
            (Touch::Fields(mut fields), Touch::Fields(more)) => {
                fields.extend(more);
                match self.entities.fields(&fields) {
                    Some(mut fields) => {
                        fields.sort();
                        fields.dedup();
                        Touch::Fields(fields)
                    }
                    None => Touch::Anything,
                }
            }
            (Touch::Parts(parts), nothing) | (nothing, Touch::Parts(parts)) if nothing == Touch::NOTHING => {
                Touch::Parts(parts.into_iter().map(|part| self.united(part, Touch::NOTHING)).collect())
            }
            (Touch::Parts(one), Touch::Parts(other)) if one.len() == other.len() => {
                let parts = one.into_iter().zip(other).map(|(one, other)| self.united(one, other));
                Touch::Parts(parts.collect())
            }
            _ => Touch::Anything,
        }
    }

    /// A call is handed variables to change: models keep what it does not touch.
    pub(super) fn lend_arguments(
        &mut self,
        name: &str,
        arguments: &[&'t Expr],
        before: &[Option<(String, Val)>],
    ) {
        for (at, (argument, held)) in arguments.iter().zip(before).enumerate() {
            let Some((variable, value)) = held else { continue };
            let touch = self.setters(name, arguments.len(), at, value);
            let value = self.after_touch(value.clone(), &touch, name, argument);
            self.assign(variable, value);
        }
    }

    /// A model, or several in a tuple, after a function of this name was handed it.
    fn after_touch(&self, value: Val, touch: &Touch, name: &str, at: &'t Expr) -> Val {
        match (value, touch) {
            (Val::Model(model), Touch::Fields(fields)) => {
                let mut model = model;
                for field in fields {
                    match self.column_of_field(model.entity, field) {
                        Some(column) => {
                            model.fields.insert(column, Field::Maybe(self.made_bind(at)));
                        }
                        None => model.rest = Rest::Unknown(format!("`{name}` sets what is no column of it")),
                    }
                }
                Val::Model(model)
            }
            (Val::Model(model), _) => {
                let rest = Rest::Unknown(format!("what `{name}` does to it was not followed"));
                Val::Model(Box::new(Model { entity: model.entity, fields: BTreeMap::new(), rest }))
            }
            (Val::Tuple(values), Touch::Parts(parts)) if values.len() == parts.len() => {
                let changed = values
                    .into_iter()
                    .zip(parts)
                    .map(|(value, part)| self.after_touch(value, part, name, at));
                Val::Tuple(changed.collect())
            }
            (Val::Tuple(values), _) => {
                let changed =
                    values.into_iter().map(|value| self.after_touch(value, &Touch::Anything, name, at));
                Val::Tuple(changed.collect())
            }
            (plain @ Val::Plain(_), _) => plain,
            _ => Val::UNKNOWN,
        }
    }

    /// The models that variables hold which are lent to a call.
    pub(super) fn lent_models(&self, arguments: &[&'t Expr]) -> Vec<Option<(String, Val)>> {
        let held = arguments.iter().map(|argument| {
            let Expr::Reference(reference) = argument else { return None };
            let Expr::Path(path) = &*reference.expr else { return None };
            let name = path.path.get_ident()?.to_string();
            reference.mutability.as_ref()?;
            let value = self.lookup(&name)?.clone();
            Some((name, value))
        });
        held.collect()
    }

    /// A method of an active model.
    pub(super) fn model_method(
        &mut self,
        model: Model,
        call: &'t ExprMethodCall,
        arguments: &[&'t Expr],
    ) -> Val {
        let name = call.method.to_string();
        match (name.as_str(), arguments) {
            ("insert" | "update" | "save" | "delete", [db]) => {
                self.expr(db);
                self.write_model(model, &name, call)
            }
            ("into_active_model", []) => Val::Model(Box::new(model)),
            ("set" | "try_set", [column, value]) => {
                let (column, value) = (self.expr(column), self.expr(value));
                let mut model = model;
                match column {
                    Val::Column(column) if column.entity == model.entity => {
                        let text = self.stored(value, arguments.last().copied().unwrap_or(&call.receiver));
                        model.fields.insert(column.column, Field::Set(text));
                    }
                    _ => model.rest = Rest::Unknown("a column that is not known is set".to_owned()),
                }
                self.changed(&call.receiver, &model);
                Val::Model(Box::new(model))
            }
            ("not_set" | "reset", [column]) => {
                let column = self.expr(column);
                let mut model = model;
                match column {
                    Val::Column(column) if column.entity == model.entity => {
                        let value = self.value_of(&model, column.column, call);
                        let field = match (name.as_str(), value) {
                            ("reset", Some(value)) => Field::Set(value),
                            _ => Field::NotSet,
                        };
                        model.fields.insert(column.column, field);
                    }
                    _ => model.rest = Rest::Unknown("a column that is not known is set".to_owned()),
                }
                self.changed(&call.receiver, &model);
                Val::Model(Box::new(model))
            }
            ("unwrap_or_else" | "unwrap_or", [otherwise]) => {
                let other = match otherwise {
                    Expr::Closure(closure) => self.closure(closure, Vec::new()),
                    other => self.expr(other),
                };
                let condition = self.span(call);
                Val::Model(Box::new(model)).join(other, condition)
            }
            ("try_into_model", []) => Val::Plain(self.own_origin()),
            (method, _) if self.is_same(method) => {
                self.all(arguments);
                Val::Model(Box::new(model))
            }
            (
                "is_changed" | "is_not_set" | "is_unchanged" | "is_set" | "get" | "get_primary_key_value",
                _,
            ) => Val::Plain(self.own_origin()),
            _ => {
                self.all(arguments);
                // A method of its own may change it, and what it yields is not followed.
                let own = self.entities.method(&name, arguments.len());
                let changes = hazards::MUTATING.contains(&name.as_str())
                    || own.is_none_or(|function| hazards::may_change_self(&function.text));
                if changes {
                    let mut changed = model.clone();
                    changed.fields.clear();
                    changed.rest = Rest::Unknown(format!("what `{name}` does to it was not followed"));
                    self.changed(&call.receiver, &changed);
                }
                Val::Plain(self.own_origin())
            }
        }
    }

    pub(super) fn all(&mut self, arguments: &[&'t Expr]) {
        for argument in arguments {
            self.expr(argument);
        }
    }

    /// What the variable that a method is called on holds now.
    fn changed(&mut self, receiver: &'t Expr, model: &Model) {
        if let Expr::Path(path) = crate::read::strip(receiver)
            && let Some(name) = path.path.get_ident()
        {
            self.assign(&name.to_string(), Val::Model(Box::new(model.clone())));
        }
    }

    /// `model.insert(db)` and its kin.
    fn write_model(&mut self, model: Model, name: &str, call: &'t ExprMethodCall) -> Val {
        let within = self.call_span(call);
        let (before_save, before_delete) = match self.entities.entity(model.entity) {
            Some(of) => (of.before_save.clone(), of.before_delete.clone()),
            None => (Touch::NOTHING, Touch::NOTHING),
        };
        let entity = model.entity;
        let hook = if name == "delete" { before_delete } else { before_save };
        let hook = self.united(hook, Touch::NOTHING);
        let model = self.written_by(model, &call.receiver);
        let model = self.hooked(model, &hook, call);
        let key: Vec<usize> = self.key_columns(entity);
        let statement = match name {
            "insert" => Val::Query(Box::new(self.insert_model(&model, call))),
            "update" => Val::Query(Box::new(self.update_model(&model, call))),
            "delete" => Val::Query(Box::new(self.delete_model(&model, call))),
            _ => {
                let not_set = |column: &usize| {
                    matches!(
                        (model.field(*column), &model.rest),
                        (Some(Field::NotSet), _) | (None, Rest::NotSet)
                    )
                };
                let known = |column: &usize| {
                    matches!(model.field(*column), Some(Field::Set(_) | Field::Unchanged(_)))
                        || model.field(*column).is_none()
                            && matches!(model.rest, Rest::Row(_) | Rest::Value(..))
                };
                if key.iter().any(not_set) {
                    Val::Query(Box::new(self.insert_model(&model, call)))
                } else if key.iter().all(known) {
                    Val::Query(Box::new(self.update_model(&model, call)))
                } else {
                    let both = [self.insert_model(&model, call), self.update_model(&model, call)];
                    Val::Choice(both.into_iter().map(|query| Val::Query(Box::new(query))).collect())
                }
            }
        };
        self.run(call, statement);
        match name {
            "delete" => Val::Plain(self.own_origin()),
            "save" => {
                let row = Row { entity: Some(entity), within: None, prefix: "" };
                Val::Model(Box::new(Model { entity, fields: BTreeMap::new(), rest: Rest::Row(row) }))
            }
            _ => Val::Row(Row { entity: Some(entity), within: Some(within), prefix: "" }),
        }
    }

    /// The model as it is after what its entity does to it before it is saved.
    fn hooked(&mut self, model: Model, hook: &Touch, call: &'t ExprMethodCall) -> Model {
        let mut model = model;
        match hook {
            Touch::Fields(fields) => {
                for field in fields {
                    if let Some(column) = self.column_of_field(model.entity, field) {
                        let value = self.made_bind(call);
                        model.fields.insert(column, Field::Maybe(value));
                    }
                }
            }
            Touch::Parts(_) | Touch::Anything => {
                model.fields.clear();
                model.rest =
                    Rest::Unknown("what is done to it before it is saved was not followed".to_owned());
            }
        }
        model
    }

    fn key_columns(&self, entity: usize) -> Vec<usize> {
        let of = self.entities.entity(entity);
        let columns = of.map(|of| of.columns.as_slice()).unwrap_or_default();
        columns.iter().enumerate().filter(|(_, column)| column.primary).map(|(at, _)| at).collect()
    }

    /// `"table"."id" = key`, of a model.
    fn key_of_model(&mut self, model: &Model, at: &impl Spanned) -> Vec<Fragment> {
        let span = self.span(at);
        let columns = self.key_columns(model.entity);
        if columns.is_empty() {
            return vec![self.hole(at, "the primary key of the entity is not known")];
        }
        let key = columns.into_iter().map(|column| {
            let value = match self.value_of(model, column, at) {
                Some(value) => value,
                None => self.hole(at, why_unknown(&model.rest)),
            };
            self.column_text(&ColumnRef { entity: model.entity, column }, span).write(" = ", span).then(value)
        });
        key.collect()
    }

    /// `"table"."id" = key`, of a row that an expression is.
    pub(super) fn key_of_row(&mut self, row: &Row, at: &impl Spanned, by: Option<&'t Expr>) -> Vec<Fragment> {
        let by =
            by.map(super::eval::unconverted).filter(|by| self.is_walked() && matches!(by, Expr::Path(_)));
        let Some(entity) = row.entity else { return vec![self.hole(at, "the row's entity is not known")] };
        let span = self.span(at);
        let columns = self.key_columns(entity);
        let of = self.entities.entity(entity);
        let key = columns.into_iter().filter_map(|column| {
            let Column { name, field, .. } = of?.columns.get(column)?;
            let value = match (row.within, by) {
                (Some(within), _) => {
                    let column = RowColumn::Name(format!("{}{name}", row.prefix));
                    self.cell_bind(at, RowValue { within, column })
                }
                // The walk says where it comes from.
                (None, Some(by)) => {
                    self.part_bind(std::ptr::from_ref(by) as usize, &self.written(by), field, at)
                }
                (None, None) => self.hole(at, "whose row it is was not seen: it comes from elsewhere"),
            };
            Some(super::value::qualified(&of?.table, name, span).write(" = ", span).then(value))
        });
        let key: Vec<Fragment> = key.collect();
        if key.is_empty() { vec![self.hole(at, "the primary key of the entity is not known")] } else { key }
    }

    /// The columns that a model writes, with their values: those that are surely written first.
    fn written_fields(&mut self, model: &Model, at: &impl Spanned, all: bool) -> Vec<(usize, Fragment)> {
        let count = self.entities.entity(model.entity).map_or(0, |of| of.columns.len());
        let mut out = Vec::new();
        for column in 0..count {
            let value = match (model.field(column), &model.rest) {
                (
                    Some(Field::Maybe(_)),
                    Rest::Row(_) | Rest::Value(..) | Rest::Given(_) | Rest::Unknown(_),
                ) if all => Some(self.made_bind(at)),
                (Some(Field::Set(value) | Field::Maybe(value)), _) => Some(value.clone()),
                (Some(Field::Unchanged(value)), _) => all.then(|| value.clone()),
                (Some(Field::NotSet), _) | (None, Rest::NotSet) => None,
                (None, Rest::Row(_) | Rest::Value(..)) => match all {
                    true => Some(self.value_of(model, column, at).unwrap_or_else(|| self.made_bind(at))),
                    false => None,
                },
                // It may be set, and to anything.
                (None, Rest::Given(_)) => {
                    all.then(|| self.value_of(model, column, at).unwrap_or_else(|| self.made_bind(at)))
                }
                (None, Rest::Unknown(_)) => all.then(|| self.made_bind(at)),
            };
            out.extend(value.map(|value| (column, value)));
        }
        out
    }

    fn insert_model(&mut self, model: &Model, at: &impl Spanned) -> Query {
        let span = self.span(at);
        let mut query = Query::new(Kind::Insert, span);
        query.entity = Some(model.entity);
        query.statement.from = self.table(model.entity, span);
        let fields = self.written_fields(model, at, true);
        let names = self.names(model.entity, &fields);
        query.columns = names;
        if !fields.is_empty() {
            query.values = vec![fields.into_iter().map(|(_, value)| value).collect()];
        }
        query.statement.returning = self.all_columns(model.entity, span);
        query
    }

    fn names(&self, entity: usize, fields: &[(usize, Fragment)]) -> Vec<String> {
        let of = self.entities.entity(entity);
        let name = |(column, _): &(usize, Fragment)| Some(of?.columns.get(*column)?.name.clone());
        fields.iter().filter_map(name).collect()
    }

    fn all_columns(&self, entity: usize, span: Span) -> Fragment {
        let of = self.entities.entity(entity);
        let columns = of.map(|of| of.columns.as_slice()).unwrap_or_default();
        Fragment::joined(columns.iter().map(|column| Fragment::name(column.name.clone(), span)), ", ", span)
    }

    fn update_model(&mut self, model: &Model, at: &impl Spanned) -> Query {
        let span = self.span(at);
        let mut query = self.update_of(model.entity, span);
        query.statement.filter = self.key_of_model(model, at);
        let key = self.key_columns(model.entity);
        let mut fields = self.written_fields(model, at, false);
        fields.retain(|(column, _)| !key.contains(column));
        let names = self.names(model.entity, &fields);
        query.sets = names.into_iter().zip(fields.into_iter().map(|(_, value)| value)).collect();
        if let Some(why) = sets_unknown(&model.rest) {
            query.spoil(self.hole(at, format!("the columns that are set are not known: {why}")));
        }
        if query.sets.is_empty() {
            // Nothing is written, and the row is read.
            let mut read = self.find(model.entity, span);
            read.statement.filter = query.statement.filter;
            read.statement.with = query.statement.with;
            return read;
        }
        query.statement.returning = self.all_columns(model.entity, span);
        query
    }

    fn delete_model(&mut self, model: &Model, at: &impl Spanned) -> Query {
        let span = self.span(at);
        let mut query = self.delete_from(model.entity, span);
        query.statement.filter = self.key_of_model(model, at);
        query
    }

    /// `Entity::insert(model)`.
    pub(super) fn insert_of(&mut self, entity: usize, value: Val, at: &impl Spanned) -> Query {
        let span = self.span(at);
        match value {
            Val::Model(model) => {
                let mut query = self.insert_model(&model, at);
                query.statement.returning = Fragment::default();
                query
            }
            Val::Query(query) => *query,
            _ => {
                let mut query = Query::new(Kind::Insert, span);
                query.entity = Some(entity);
                query.statement.from = self.table(entity, span);
                query.statement.set = self.hole(at, "the model is not known");
                query
            }
        }
    }

    /// `Entity::insert_many(models)`.
    pub(super) fn insert_many_of(&mut self, entity: usize, value: Val, at: &impl Spanned) -> Query {
        let span = self.span(at);
        let mut query = Query::new(Kind::Insert, span);
        query.entity = Some(entity);
        query.statement.from = self.table(entity, span);
        self.add_rows(&mut query, value, true, at);
        query
    }

    /// Adds rows to an INSERT. A list that is made elsewhere stands for any number of rows like its one model.
    pub(super) fn add_rows(&mut self, query: &mut Query, value: Val, many: bool, at: &impl Spanned) {
        let models: Vec<Model> = match value {
            Val::List(all) if many => {
                let models = all.into_iter().map(|one| match one {
                    Val::Model(model) => Some(*model),
                    _ => None,
                });
                models.collect::<Option<Vec<Model>>>().unwrap_or_default()
            }
            Val::Model(model) => vec![*model],
            _ => Vec::new(),
        };
        if models.is_empty() {
            query.statement.set = self.hole(at, "the models are not known");
            return;
        }
        let mut columns: Vec<usize> = query
            .entity
            .and_then(|entity| self.entities.entity(entity))
            .map(|of| {
                let known = |name: &String| of.columns.iter().position(|column| column.name == *name);
                query.columns.iter().filter_map(known).collect()
            })
            .unwrap_or_default();
        let all: Vec<Vec<(usize, Fragment)>> =
            models.iter().map(|model| self.written_fields(model, at, true)).collect();
        let before = columns.len();
        for (column, _) in all.iter().flatten() {
            if !columns.contains(column) {
                columns.push(*column);
            }
        }
        if before > 0 && columns.len() > before {
            query.statement.set = self.hole(at, "the rows write different columns");
            return;
        }
        let span = self.span(at);
        let entity = query.entity.unwrap_or_default();
        let named: Vec<(usize, Fragment)> =
            columns.iter().map(|column| (*column, Fragment::default())).collect();
        query.columns = self.names(entity, &named);
        for fields in all {
            let row = columns.iter().map(|column| {
                let found = fields.iter().find(|(known, _)| known == column);
                found.map_or_else(|| Fragment::text("NULL", span), |(_, value)| value.clone())
            });
            query.values.push(row.collect());
        }
    }

    /// `Entity::update(model)`.
    pub(super) fn update_one(&mut self, value: Val, at: &impl Spanned) -> Option<Query> {
        match value {
            Val::Model(model) => Some(self.update_model(&model, at)),
            _ => None,
        }
    }

    /// `Entity::delete(model)`.
    pub(super) fn delete_one(
        &mut self,
        value: Val,
        by: Option<&'t Expr>,
        at: &impl Spanned,
    ) -> Option<Query> {
        match value {
            Val::Model(model) => Some(self.delete_model(&model, at)),
            Val::Row(row) => {
                let span = self.span(at);
                let mut query = self.delete_from(row.entity?, span);
                query.statement.filter = self.key_of_row(&row, at, by);
                Some(query)
            }
            _ => None,
        }
    }

    /// `update_many().set(model)`.
    pub(super) fn set_all(&mut self, query: &mut Query, model: &Model, at: &impl Spanned) {
        let fields = self.written_fields(model, at, false);
        let names = self.names(model.entity, &fields);
        query.sets.extend(names.into_iter().zip(fields.into_iter().map(|(_, value)| value)));
        if let Some(why) = sets_unknown(&model.rest) {
            query.spoil(self.hole(at, format!("the columns that are set are not known: {why}")));
        }
    }

    pub(super) fn entity_of_models(&self, value: &Val) -> Option<usize> {
        match value {
            Val::Model(model) => Some(model.entity),
            Val::List(all) => all.first().and_then(|one| self.entity_of_models(one)),
            _ => None,
        }
    }

    /// A method after which a row or model is the same.
    fn is_same(&self, method: &str) -> bool {
        match SAME.contains(&method) {
            true => !self.entities.has_method(method),
            false => self.entities.has_method_that_hands_on(method),
        }
    }

    /// A method of a row, or of several.
    pub(super) fn row_method(&mut self, row: Row, call: &'t ExprMethodCall, arguments: &[&'t Expr]) -> Val {
        let name = call.method.to_string();
        let span = self.span(call);
        match (name.as_str(), arguments) {
            ("into_active_model", []) => self.model_of_row(row, None),
            ("find_related", [entity]) => match (row.entity, self.expr(entity)) {
                (Some(from), Val::Entity(to)) => self.related_of(&row, from, to, call),
                _ => {
                    let why = "the entity was not found";
                    Val::Query(Box::new(Query::unknown(span, &self.written(call), why)))
                }
            },
            ("find_linked" | "find_linked_recursive", [_]) => {
                self.all(arguments);
                let why = "a linked relation of a row";
                Val::Query(Box::new(Query::unknown(span, &self.written(call), why)))
            }
            ("delete", [db]) if row.entity.is_some() => {
                self.expr(db);
                let mut query = self.delete_from(row.entity.unwrap_or_default(), span);
                query.statement.filter = self.key_of_row(&row, call, Some(&call.receiver));
                self.run(call, Val::Query(Box::new(query)));
                Val::Plain(self.own_origin())
            }
            ("load_one" | "load_many" | "load_many_to_many", [entity, ..]) => {
                self.all(arguments);
                let to = self.expr(entity);
                let query = match (row.entity, to) {
                    (Some(from), Val::Entity(to)) => self.loaded(from, to, call),
                    _ => Query::unknown(span, &self.written(call), "what is loaded is not known"),
                };
                self.run(call, Val::Query(Box::new(query)));
                Val::Plain(self.own_origin())
            }
            ("map" | "and_then", [with]) => match with {
                Expr::Closure(closure) => self.closure(closure, vec![Val::Row(row)]),
                Expr::Path(path) => {
                    let last =
                        path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                    let path = segments(&path.path);
                    let of = path.get(..path.len().saturating_sub(1)).unwrap_or_default();
                    match last.as_str() {
                        "into_active_model" => self.model_of_row(row, None),
                        "from" => match self.entities.entity_beside(
                            &self.home,
                            &self.outward(of.to_vec()),
                            "ActiveModel",
                        ) {
                            Some(entity) => self.model_of_row(row, Some(entity)),
                            None => Val::Plain(self.own_origin()),
                        },
                        _ => Val::Plain(self.own_origin()),
                    }
                }
                other => {
                    self.expr(other);
                    Val::Plain(self.own_origin())
                }
            },
            // Of a list of rows; of a row it would be a method that is not known.
            ("filter" | "find" | "sorted_by_key", [Expr::Closure(_)])
            | ("skip" | "take" | "remove" | "get" | "swap_remove" | "nth", [Expr::Lit(_) | Expr::Range(_)])
                if !self.entities.has_method(&name) =>
            {
                self.closures(arguments, &Val::Row(row.clone()));
                Val::Row(row)
            }
            ("unwrap_or_else", [Expr::Closure(otherwise)]) => match self.closure(otherwise, Vec::new()) {
                Val::Never => Val::Row(row),
                _ => Val::Plain(self.own_origin()),
            },
            ("unwrap_or" | "unwrap_or_else" | "or", _) => {
                self.closures(arguments, &Val::UNKNOWN);
                Val::Plain(self.own_origin())
            }
            (method, _) if self.is_same(method) => {
                self.closures(arguments, &Val::UNKNOWN);
                Val::Row(row)
            }
            _ => {
                self.closures(arguments, &Val::Row(row));
                let changes = |function: &super::model::Function| {
                    function.is_method && hazards::may_change_self(&function.text)
                };
                if hazards::MUTATING.contains(&name.as_str())
                    || self.entities.functions_named(&name).iter().any(changes)
                {
                    self.spoil(&call.receiver, call);
                }
                Val::Plain(self.own_origin())
            }
        }
    }

    /// Walks arguments, closures with this value for their first parameter.
    pub(super) fn closures(&mut self, arguments: &[&'t Expr], value: &Val) {
        for argument in arguments {
            match argument {
                Expr::Closure(closure) => {
                    let value = value.clone();
                    self.perhaps(closure, |eval| eval.closure(closure, vec![value]));
                }
                other => {
                    self.expr(other);
                }
            }
        }
    }

    /// `row.find_related(Entity)`: the rows of the other entity that are joined with this one.
    fn related_of(&mut self, row: &Row, from: usize, to: usize, call: &'t ExprMethodCall) -> Val {
        let span = self.span(call);
        let Some((join, via)) = self.entities.related(from, to, 0) else {
            let why = "the relation between the two was not found";
            return Val::Query(Box::new(Query::unknown(span, &self.written(call), why)));
        };
        let mut query = self.find(to, span);
        let mut steps = vec![join.reversed()];
        steps.extend(via.map(|via| via.reversed()));
        for step in steps {
            let table = self.table(step.to, span);
            // The condition is written as the relation has it.
            let on = self.on(&step.clone().reversed(), span);
            let from = std::mem::take(&mut query.statement.from).write(" INNER JOIN ", span).then(table);
            query.statement.from = from.write(" ON ", span).then(on);
        }
        query.statement.filter = self.key_of_row(row, call, Some(&call.receiver));
        Val::Query(Box::new(query))
    }

    /// `rows.load_many(Entity, db)`: the rows whose foreign keys are among the rows' keys.
    fn loaded(&mut self, from: usize, to: usize, call: &'t ExprMethodCall) -> Query {
        let span = self.span(call);
        match self.entities.related(from, to, 0) {
            Some((join, None)) => {
                let mut query = self.find(to, span);
                let of = self.entities.entity(to).map(|of| of.table.clone()).unwrap_or_default();
                for (_, column) in &join.on {
                    let bound = self.made_bind(call);
                    let column = super::value::qualified(&of, column, span);
                    query.statement.filter.push(column.then(Fragment::list(bound, true, span)));
                }
                query
            }
            _ => Query::unknown(span, &self.written(call), "the relation between the two was not found"),
        }
    }
}

/// Why it is not known which columns are set.
fn sets_unknown(rest: &Rest) -> Option<&str> {
    match rest {
        Rest::Unknown(why) => Some(why),
        Rest::Given(_) => Some("the model comes from elsewhere"),
        Rest::NotSet | Rest::Row(_) | Rest::Value(..) => None,
    }
}

fn why_unknown(rest: &Rest) -> String {
    match rest {
        Rest::Unknown(why) => format!("whose row the model is was not seen: {why}"),
        Rest::NotSet => "the model has no primary key".to_owned(),
        Rest::Row(_) | Rest::Value(..) | Rest::Given(_) => {
            "whose row it is was not seen: it comes from elsewhere".to_owned()
        }
    }
}

/// The expression in `Set(…)`.
fn inner_of(expr: &Expr) -> &Expr {
    match expr {
        Expr::Call(call) if call.args.len() == 1 => call.args.first().unwrap_or(expr),
        Expr::Paren(inner) => inner_of(&inner.expr),
        _ => expr,
    }
}
