//! Paths, fields and calls by path: entities, columns, constructors of conditions and statements, and functions that are
//! followed.

use std::collections::BTreeMap;

use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprField, ExprPath, Member};
use tenantry_span::Span;

use super::collect::segments;
use super::eval::Eval;
use super::resolve::leads_nowhere;
use super::value::{ColumnRef, Cond, Field, Model, Origin, Query, Rest, Row, Val, items_of, qualified};
use crate::chains::fragment::Fragment;
use crate::chains::statement::Kind;
use crate::{RowColumn, RowValue};

/// What the module of an entity holds.
const ENTITY: &[&str] = &["Entity", "Column", "PrimaryKey", "Relation"];

impl<'t> Eval<'_, 't> {
    pub(super) fn path(&mut self, path: &'t ExprPath) -> Val {
        let names = segments(&path.path);
        if let [name] = names.as_slice() {
            if let Some(value) = self.lookup(name) {
                return value.clone();
            }
            match name.as_str() {
                "NotSet" => return Val::NotSet,
                "Asterisk" => return Val::Word("*".to_owned()),
                "None" => return Val::Plain(self.own_origin()),
                _ => {}
            }
        }
        let known = self.named(&names);
        known.unwrap_or_else(|| {
            match names.iter().rev().skip(1).any(|part| ENTITY.contains(&part.as_str())) {
                true => Val::OPAQUE,
                false => Val::Plain(self.own_origin()),
            }
        })
    }

    /// What a path names that is no variable.
    fn named(&self, names: &[String]) -> Option<Val> {
        let last = names.last()?;
        let before = names.len().checked_sub(2).and_then(|at| names.get(at)).map_or("", String::as_str);
        let word = match (before, last.as_str()) {
            ("JoinType", "InnerJoin") => "INNER JOIN",
            ("JoinType", "LeftJoin") => "LEFT JOIN",
            ("JoinType", "RightJoin") => "RIGHT JOIN",
            ("JoinType", "FullOuterJoin") => "FULL OUTER JOIN",
            ("JoinType", "CrossJoin") => "CROSS JOIN",
            ("JoinType", "Join") => "JOIN",
            ("Order", "Asc") => "ASC",
            ("Order", "Desc") => "DESC",
            ("LockType", "Update") => "FOR UPDATE",
            ("LockType", "NoKeyUpdate") => "FOR NO KEY UPDATE",
            ("LockType", "Share") => "FOR SHARE",
            ("LockType", "KeyShare") => "FOR KEY SHARE",
            ("LockBehavior", "SkipLocked") => "SKIP LOCKED",
            ("LockBehavior", "Nowait") => "NOWAIT",
            ("UnionType", "All") => "UNION ALL",
            ("UnionType", "Distinct") => "UNION",
            ("UnionType", "Intersect") => "INTERSECT",
            ("UnionType", "Except") => "EXCEPT",
            _ => "",
        };
        if !word.is_empty() {
            return Some(Val::Word(word.to_owned()));
        }
        if before == "ActiveValue" && last == "NotSet" {
            return Some(Val::NotSet);
        }
        if let Some((entity, column)) = self.entities.column_of(&self.home, &self.own(names)) {
            return Some(Val::Column(ColumnRef { entity, column }));
        }
        if let Some(join) = self.entities.relation_of(&self.home, &self.own(names), 0) {
            return Some(Val::Join(join));
        }
        if let Some(entity) = self.entities.entity_of(&self.home, &self.own(names)) {
            return Some(Val::Entity(entity));
        }
        if let Some((target, joins)) = self.entities.links(&self.home, &self.own(names)) {
            return Some(Val::Link(target, joins));
        }
        self.iden(&self.own(names))
    }

    /// The path with what `Self` stands for.
    fn own(&self, names: &[String]) -> Vec<String> {
        match (names.split_first(), &self.own_type) {
            (Some((first, rest)), Some(own)) if first == "Self" => {
                std::iter::once(own.clone()).chain(rest.iter().cloned()).collect()
            }
            _ => self.outward(names.to_vec()),
        }
    }

    /// An identifier of sea-query: a variant of an enumeration, or a structure.
    fn iden(&self, names: &[String]) -> Option<Val> {
        let (last, prefix) = names.split_last().filter(|_| !leads_nowhere(names))?;
        let found = |name: &String| {
            let mut all = self.entities.idens(name).iter();
            let here = |iden: &&super::model::Iden| iden.home.file == self.home.file;
            let mut own = all.clone().filter(here);
            match (own.next(), own.next()) {
                (Some(only), None) => Some(only),
                (Some(_), Some(_)) => None,
                (None, _) => match (all.next(), all.next()) {
                    (Some(only), None) => Some(only),
                    _ => None,
                },
            }
        };
        if let Some(owner) = prefix.last()
            && let Some((_, name)) =
                found(owner).and_then(|iden| iden.names.iter().find(|(variant, _)| variant == last))
        {
            return Some(Val::Iden(name.clone()));
        }
        let own = found(last)?.own.clone()?;
        Some(Val::Iden(own))
    }

    pub(super) fn field(&mut self, field: &'t ExprField) -> Val {
        let base = self.expr(&field.base);
        match (base, &field.member) {
            (Val::Row(row), Member::Named(name)) => self.cell(&row, &name.to_string()),
            (Val::Tuple(parts), Member::Unnamed(at)) => {
                parts.into_iter().nth(at.index as usize).unwrap_or(Val::UNKNOWN)
            }
            (Val::Plain(origin @ (Origin::Here | Origin::Opaque)), _) => Val::Plain(origin),
            (Val::Plain(_), Member::Unnamed(at)) if at.index == 0 => Val::UNKNOWN,
            // `entity::COLUMN.name`.
            (Val::Entity(entity), Member::Named(name)) => {
                match self.column_of_field(entity, &name.to_string()) {
                    Some(column) => Val::Column(ColumnRef { entity, column }),
                    None => Val::UNKNOWN,
                }
            }
            (Val::Model(model), Member::Named(name)) => {
                let column = self.column_of_field(model.entity, &name.to_string());
                match column.and_then(|column| self.value_of(&model, column, field)) {
                    Some(text) => Val::Set(Box::new(Val::Expr(text))),
                    None => Val::Plain(self.own_origin()),
                }
            }
            _ => Val::Plain(self.own_origin()),
        }
    }

    /// The value of a field of a row.
    pub(super) fn cell(&self, row: &Row, field: &str) -> Val {
        let Some(within) = row.within else { return Val::Plain(self.own_origin()) };
        let name = match row.entity {
            Some(entity) => {
                let columns =
                    self.entities.entity(entity).map(|of| of.columns.as_slice()).unwrap_or_default();
                let known = columns.iter().find(|column| column.field == field);
                known.map(|column| format!("{}{}", row.prefix, column.name))
            }
            None => Some(format!("{}{field}", row.prefix)),
        };
        match name {
            Some(name) => Val::Plain(Origin::Cell(RowValue { within, column: RowColumn::Name(name) })),
            None => Val::Plain(self.own_origin()),
        }
    }

    pub(super) fn column_of_field(&self, entity: usize, field: &str) -> Option<usize> {
        let field = field.strip_prefix("r#").unwrap_or(field);
        self.entities.entity(entity)?.columns.iter().position(|column| column.field == field)
    }

    /// `"table"."column"`.
    pub(super) fn column_text(&self, column: &ColumnRef, span: Span) -> Fragment {
        let of = self.entities.entity(column.entity);
        let name = of.and_then(|of| Some((of.table.as_str(), of.columns.get(column.column)?.name.as_str())));
        match name {
            Some((table, name)) => qualified(table, name, span),
            None => Fragment::hole(span, "", "the column was not found"),
        }
    }

    pub(super) fn call(&mut self, call: &'t ExprCall) -> Val {
        let Expr::Path(path) = &*call.func else {
            self.expr(&call.func);
            let values: Vec<Val> = call.args.iter().map(|argument| self.expr(argument)).collect();
            return self.unfollowed(values, call, "what is called here");
        };
        let arguments: Vec<&'t Expr> = call.args.iter().collect();
        let mut names = segments(&path.path);
        if let Some(qself) = &path.qself {
            // `<post::Entity as EntityTrait>::find()`.
            let syn::Type::Path(of) = &*qself.ty else { return Val::UNKNOWN };
            let method = names.last().cloned().unwrap_or_default();
            names = segments(&of.path);
            names.push(method);
        }
        if let [name] = names.as_slice()
            && self.lookup(name).is_some()
        {
            let values: Vec<Val> = arguments.iter().map(|argument| self.expr(argument)).collect();
            return self.unfollowed(values, call, name);
        }
        if let Some(value) = self.call_of_inner(&names, call) {
            return value;
        }
        let (last, prefix) = match names.split_last() {
            Some((last, prefix)) => (last.clone(), prefix.to_vec()),
            None => return Val::UNKNOWN,
        };
        let owner = prefix.last().cloned().unwrap_or_default();
        let span = self.span(call);
        let own_prefix = self.own(&prefix);
        if let Some(found) = self.constructor(&owner, &last, &arguments, span, call) {
            return found;
        }
        let entity = match prefix.is_empty() {
            true => None,
            false => self.entities.entity_of(&self.home, &own_prefix),
        };
        let values: Vec<Val> = arguments.iter().map(|argument| self.expr(argument)).collect();
        if last == "find_by_statement" {
            return Val::Written;
        }
        if let Some(entity) = entity
            && let Some(found) = self.of_entity(entity, &last, &arguments, &values, span, call)
        {
            return found;
        }
        let active = match prefix.is_empty() {
            true => None,
            false => self.entities.entity_beside(&self.home, &own_prefix, "ActiveModel"),
        };
        if let Some(entity) = active
            && let Some(found) = self.of_active_model(entity, &last, &values, call)
        {
            return found;
        }
        if active.is_none()
            && matches!(owner.as_str(), "ActiveModelTrait" | "Default" | "ActiveModelBehavior")
        {
            return Val::Plain(self.own_origin());
        }
        if let Some(followed) = self.followed(&names, &arguments, &values, span) {
            return followed;
        }
        // A function of an entity that is not in sight, or that is none of those that SeaORM gives it.
        if entity.is_some()
            || (own_prefix.last().is_some_and(|last| last == "Entity")
                && !last.starts_with(char::is_uppercase))
        {
            let why = match entity {
                Some(_) => format!("`{last}` was not followed"),
                None => format!("the entity `{}` was not found", prefix.join("::")),
            };
            let query = Query::unknown(span, &self.written(call), why);
            return Val::Query(Box::new(query));
        }
        if let Some(entity) = active {
            let rest = Rest::Unknown(format!("`{last}` was not followed"));
            return Val::Model(Box::new(Model { entity, fields: BTreeMap::new(), rest }));
        }
        if let Some(entity) =
            self.entities.entity_beside(&self.home, &own_prefix, "Model").filter(|_| !prefix.is_empty())
        {
            let _ = entity;
            return Val::Plain(self.own_origin());
        }
        let names_part = path.path.segments.iter().any(|segment| match &segment.arguments {
            syn::PathArguments::AngleBracketed(arguments) => self.names_part(Some(arguments)),
            _ => false,
        });
        match self.unfollowed(values, call, &last) {
            Val::Plain(_) if names_part => Val::OPAQUE,
            value => value,
        }
    }

    /// What a function yields that is not followed, with these arguments.
    pub(super) fn unfollowed(&mut self, values: Vec<Val>, at: &impl Spanned, name: &str) -> Val {
        let is_query = |value: &Val| matches!(value, Val::Query(_) | Val::Choice(_));
        let is_condition = |value: &Val| matches!(value, Val::Cond(_) | Val::Expr(_));
        if values.iter().any(is_query) {
            let why = format!("`{name}` was not followed, which is handed the query");
            return Val::Query(Box::new(Query::unknown(self.span(at), &self.written(at), why)));
        }
        if values.iter().any(is_condition) {
            return Val::Expr(
                self.hole(at, format!("`{name}` was not followed, which is handed a condition")),
            );
        }
        if values.iter().any(Val::holds_part) {
            return Val::OPAQUE;
        }
        Val::Plain(self.own_origin())
    }

    /// A function of the workspace, followed with these arguments.
    fn followed(
        &mut self,
        names: &[String],
        arguments: &[&'t Expr],
        values: &[Val],
        at: Span,
    ) -> Option<Val> {
        let path = self.own_module(names);
        let function = self.entities.function(&self.home, &path, arguments.len())?.clone();
        let matters = |value: &Val| !value.is_plain();
        let yields = [
            "Select",
            "Insert",
            "Update",
            "Delete",
            "Condition",
            "SimpleExpr",
            "Expr",
            "Self",
            "Statement",
            "impl",
            "ActiveModel",
            "Q",
            "Model",
        ];
        let head = function.text.split('{').next().unwrap_or("");
        let returned = head.rsplit_once("->").map_or("", |(_, ty)| ty);
        if returned.is_empty()
            || !values.iter().any(matters) && !yields.iter().any(|name| returned.contains(name))
        {
            return None;
        }
        let handed: Vec<Val> = arguments
            .iter()
            .zip(values)
            .map(|(argument, value)| self.handed(argument, value.clone()))
            .collect();
        // What is awaited runs statements of its own, which stand there as sites.
        if head.contains("async ") {
            return None;
        }
        let value = self.follow(&function, handed, at)?;
        (!matches!(value, Val::Plain(_) | Val::Never)).then_some(value)
    }

    /// `Self::f` of an entity's functions is found where they are.
    fn own_module(&self, names: &[String]) -> Vec<String> {
        match names.split_first() {
            Some((first, rest)) if first == "Self" => {
                let own = self.own_type.clone().unwrap_or_default();
                let here = std::iter::once("self".to_owned()).chain([own]);
                here.chain(rest.iter().cloned()).collect()
            }
            _ => self.outward(names.to_vec()),
        }
    }

    /// What SeaORM gives every entity.
    fn of_entity(
        &mut self,
        entity: usize,
        name: &str,
        arguments: &[&'t Expr],
        values: &[Val],
        span: Span,
        call: &'t ExprCall,
    ) -> Option<Val> {
        let found = match (name, arguments) {
            ("find", []) => self.find(entity, span),
            ("find_by_id", [key]) => {
                let value = values.first().cloned()?;
                let mut query = self.find(entity, span);
                query.statement.filter = self.by_key(entity, key, value, span);
                query
            }
            ("delete_many", []) => self.delete_from(entity, span),
            ("delete_by_id", [key]) => {
                let value = values.first().cloned()?;
                let mut query = self.delete_from(entity, span);
                query.statement.filter = self.by_key(entity, key, value, span);
                query
            }
            ("update_many", []) => self.update_of(entity, span),
            ("insert", [_]) => self.insert_of(entity, values.first().cloned()?, call),
            ("insert_many", [_]) => self.insert_many_of(entity, values.first().cloned()?, call),
            ("update", [_]) => self.update_one(values.first().cloned()?, call)?,
            ("delete", [_]) => self.delete_one(values.first().cloned()?, arguments.first().copied(), call)?,
            ("belongs_to", [_]) => match values.first() {
                Some(Val::Entity(to)) => {
                    let on = Vec::new();
                    return Some(Val::Join(super::resolve::Join {
                        from: entity,
                        to: *to,
                        on,
                        more: Vec::new(),
                        from_alias: None,
                        to_alias: None,
                    }));
                }
                _ => return None,
            },
            ("has_many" | "has_one", [_]) => match values.first() {
                Some(Val::Entity(to)) => {
                    let join = self.entities.related(*to, entity, 0)?.0.reversed();
                    return Some(Val::Join(join));
                }
                _ => return None,
            },
            ("find_related", []) => return None,
            _ => {
                // `find_by_email` and the like are made for unique columns, unless the entity has its own.
                let own = self.entities.function(&self.home, &self.own_path(entity, name), arguments.len());
                let field = name.strip_prefix("find_by_").or_else(|| name.strip_prefix("delete_by_"));
                // One of that name anywhere may be the entity's.
                let field = field.filter(|_| self.entities.functions_named(name).is_empty());
                let column = field.and_then(|field| self.column_of_field(entity, field));
                match (own, column, arguments) {
                    (None, Some(column), [key]) => {
                        let mut query = match name.starts_with("find") {
                            true => self.find(entity, span),
                            false => self.delete_from(entity, span),
                        };
                        let bound = self.operand_of(values.first().cloned()?, key);
                        let column = self.column_text(&ColumnRef { entity, column }, span);
                        query.statement.filter.push(column.write(" = ", span).then(bound));
                        query
                    }
                    _ => return self.own_function(entity, name, arguments, values, span),
                }
            }
        };
        Some(Val::Query(Box::new(found)))
    }

    fn own_path(&self, entity: usize, name: &str) -> Vec<String> {
        let module = self.entities.entity(entity).map(|of| of.home.module.clone()).unwrap_or_default();
        std::iter::once("crate".to_owned())
            .chain(module)
            .chain(["Entity".to_owned(), name.to_owned()])
            .collect()
    }

    /// A function that an entity's module gives it.
    fn own_function(
        &mut self,
        entity: usize,
        name: &str,
        arguments: &[&'t Expr],
        values: &[Val],
        span: Span,
    ) -> Option<Val> {
        let home = self.entities.home_of(entity)?;
        let path = ["self".to_owned(), "Entity".to_owned(), name.to_owned()];
        let function = self.entities.function(&home, &path, arguments.len())?.clone();
        let handed: Vec<Val> = arguments
            .iter()
            .zip(values)
            .map(|(argument, value)| self.handed(argument, value.clone()))
            .collect();
        if function.text.split('{').next().unwrap_or("").contains("async ") {
            return Some(Val::Plain(self.own_origin()));
        }
        let value = self.follow(&function, handed, span)?;
        (!matches!(value, Val::Plain(_) | Val::Never)).then_some(value)
    }

    fn of_active_model(
        &mut self,
        entity: usize,
        name: &str,
        values: &[Val],
        call: &'t ExprCall,
    ) -> Option<Val> {
        match (name, values) {
            ("default", []) => Some(Val::Model(Box::new(Model::empty(entity)))),
            ("from", [Val::Row(row)]) if row.within.is_some() => {
                Some(self.model_of_row(row.clone(), Some(entity)))
            }
            ("from", [Val::Plain(Origin::Here) | Val::Row(_)]) if self.is_walked() => {
                Some(self.model_of_value(entity, call.args.first()?))
            }
            _ => {
                let home = self.entities.home_of(entity)?;
                let path = ["self".to_owned(), "ActiveModel".to_owned(), name.to_owned()];
                let function = self.entities.function(&home, &path, values.len()).cloned();
                match function {
                    Some(function) if !function.text.split('{').next().unwrap_or("").contains("async ") => {
                        let handed: Vec<Val> = call
                            .args
                            .iter()
                            .zip(values)
                            .map(|(argument, value)| self.handed(argument, value.clone()))
                            .collect();
                        let value = self.follow(&function, handed, self.span(call))?;
                        matches!(value, Val::Model(_)).then_some(value)
                    }
                    Some(_) => Some(Val::Plain(self.own_origin())),
                    // `new` is what `default` is, unless the entity says otherwise.
                    None if name == "new" && values.is_empty() => {
                        Some(Val::Model(Box::new(Model::empty(entity))))
                    }
                    None => None,
                }
            }
        }
    }

    /// Constructors of the libraries, by the type that they belong to.
    fn constructor(
        &mut self,
        owner: &str,
        name: &str,
        arguments: &[&'t Expr],
        span: Span,
        call: &'t ExprCall,
    ) -> Option<Val> {
        match (owner, name, arguments) {
            ("" | "ActiveValue", "Set", [value]) | ("ActiveValue", "set", [value]) => {
                Some(Val::Set(Box::new(self.expr(value))))
            }
            ("" | "ActiveValue", "Unchanged", [value]) | ("ActiveValue", "unchanged", [value]) => {
                Some(Val::Unchanged(Box::new(self.expr(value))))
            }
            ("ActiveValue", "not_set" | "NotSet", []) => Some(Val::NotSet),
            ("" | "Option" | "Result", "Some" | "Ok", [value]) => Some(self.expr(value)),
            ("" | "Result", "Err", [value]) => {
                self.expr(value);
                Some(Val::Never)
            }
            ("Box" | "Arc" | "Rc", "new" | "pin", [value]) => Some(self.expr(value)),
            ("Alias", "new", [name]) => Some(match literal(name) {
                Some(name) => Val::Iden(name),
                None => Val::OPAQUE,
            }),
            ("Condition" | "Cond", "all" | "any", []) => {
                Some(Val::Cond(Cond { any: name == "any", negated: false, parts: Vec::new() }))
            }
            (
                "Query" | "SelectStatement" | "UpdateStatement" | "DeleteStatement" | "InsertStatement",
                _,
                [],
            ) => {
                let kind = match (owner, name) {
                    ("Query", "select") | ("SelectStatement", "new" | "default") => Kind::Select,
                    ("Query", "update") | ("UpdateStatement", "new" | "default") => Kind::Update,
                    ("Query", "delete") | ("DeleteStatement", "new" | "default") => Kind::Delete,
                    ("Query", "insert") | ("InsertStatement", "new" | "default") => Kind::Insert,
                    _ => return None,
                };
                let mut query = Query::new(kind, span);
                query.in_place = true;
                Some(Val::Query(Box::new(query)))
            }
            ("OnConflict", _, _) => self.conflict(name, arguments, call),
            (
                "Expr" | "SimpleExpr" | "Func" | "CaseStatement" | "ExprTrait" | "PgFunc" | "SelectExpr",
                _,
                _,
            ) => Some(self.expression_call(owner, name, arguments, span, call)),
            ("Insert", "one", [model]) => {
                let value = self.expr(model);
                let entity = self.entity_of_models(&value)?;
                Some(Val::Query(Box::new(self.insert_of(entity, value, call))))
            }
            ("Insert", "many", [models]) => {
                let value = self.expr(models);
                let entity = self.entity_of_models(&value)?;
                Some(Val::Query(Box::new(self.insert_many_of(entity, value, call))))
            }
            ("Update", "one", [model]) => {
                let value = self.expr(model);
                Some(Val::Query(Box::new(self.update_one(value, call)?)))
            }
            ("Delete", "one", [model]) => {
                let value = self.expr(model);
                Some(Val::Query(Box::new(self.delete_one(value, Some(*model), call)?)))
            }
            ("Update" | "Delete", "many", [entity]) => match self.expr(entity) {
                Val::Entity(entity) if owner == "Update" => {
                    Some(Val::Query(Box::new(self.update_of(entity, span))))
                }
                Val::Entity(entity) => Some(Val::Query(Box::new(self.delete_from(entity, span)))),
                _ => {
                    let why = "the entity was not found";
                    Some(Val::Query(Box::new(Query::unknown(span, &self.written(call), why))))
                }
            },
            ("Uuid" | "String" | "Vec", _, _) => {
                arguments.iter().for_each(|argument| {
                    self.expr(argument);
                });
                Some(Val::Plain(self.own_origin()))
            }
            _ => None,
        }
    }

    /// A query of all rows.
    pub(super) fn find(&self, entity: usize, span: Span) -> Query {
        let mut query = Query::new(Kind::Select, span);
        query.entity = Some(entity);
        query.items = items_of(self.entities, entity, None, span);
        query.rows = vec![Row { entity: Some(entity), within: None, prefix: "" }];
        query.statement.from = self.table(entity, span);
        query
    }

    pub(super) fn delete_from(&self, entity: usize, span: Span) -> Query {
        let mut query = Query::new(Kind::Delete, span);
        query.entity = Some(entity);
        query.statement.from = self.table(entity, span);
        query
    }

    pub(super) fn update_of(&self, entity: usize, span: Span) -> Query {
        let mut query = Query::new(Kind::Update, span);
        query.entity = Some(entity);
        query.statement.from = self.table(entity, span);
        query
    }

    /// The table of an entity, with its schema.
    pub(super) fn table(&self, entity: usize, span: Span) -> Fragment {
        let Some(of) = self.entities.entity(entity) else { return Fragment::default() };
        if of.table.is_empty() {
            return Fragment::hole(span, "", "the name of the table is computed");
        }
        match &of.schema {
            Some(schema) => qualified(schema, &of.table, span),
            None => Fragment::name(of.table.clone(), span),
        }
    }

    /// `"table"."id" = key`, for each column of the primary key.
    pub(super) fn by_key(&mut self, entity: usize, key: &'t Expr, value: Val, span: Span) -> Vec<Fragment> {
        let columns: Vec<usize> = self
            .entities
            .entity(entity)
            .map(|of| {
                of.columns.iter().enumerate().filter(|(_, column)| column.primary).map(|(at, _)| at).collect()
            })
            .unwrap_or_default();
        let parts: Vec<(Val, &'t Expr)> = match (value, crate::read::strip(key)) {
            (Val::Tuple(values), Expr::Tuple(tuple)) if values.len() == tuple.elems.len() => {
                values.into_iter().zip(tuple.elems.iter()).collect()
            }
            (value, _) => vec![(value, key)],
        };
        if columns.is_empty() || columns.len() != parts.len() {
            return vec![self.hole(key, "the primary key's values were not told apart")];
        }
        let pairs = columns.into_iter().zip(parts);
        pairs
            .map(|(column, (value, expr))| {
                let bound = self.operand_of(value, expr);
                self.column_text(&ColumnRef { entity, column }, span).write(" = ", span).then(bound)
            })
            .collect()
    }

    /// The active model of a row.
    pub(super) fn model_of_row(&self, row: Row, entity: Option<usize>) -> Val {
        let entity = match (row.entity, entity) {
            (Some(own), Some(wanted)) if own != wanted => return Val::UNKNOWN,
            (Some(entity), _) | (None, Some(entity)) => entity,
            (None, None) => return Val::UNKNOWN,
        };
        Val::Model(Box::new(Model { entity, fields: BTreeMap::new(), rest: Rest::Row(row) }))
    }

    /// What a field of a model holds, as a statement takes it; `None` where that is nothing or not known.
    pub(super) fn value_of(&mut self, model: &Model, column: usize, at: &impl Spanned) -> Option<Fragment> {
        match (model.field(column), &model.rest) {
            (Some(Field::Maybe(_)), Rest::Row(_) | Rest::Value(..) | Rest::Given(_) | Rest::Unknown(_)) => {
                Some(self.made_bind(at))
            }
            (Some(Field::Set(value) | Field::Unchanged(value) | Field::Maybe(value)), _) => {
                Some(value.clone())
            }
            (Some(Field::NotSet), _) | (None, Rest::NotSet | Rest::Unknown(_) | Rest::Given(None)) => None,
            (None, Rest::Value(expr, written) | Rest::Given(Some((expr, written)))) => {
                let field = self.entities.entity(model.entity)?.columns.get(column)?.field.clone();
                Some(self.part_bind(*expr, written, &field, at))
            }
            (None, Rest::Row(row)) => {
                let name = self.entities.entity(model.entity)?.columns.get(column)?;
                let within = row.within?;
                let column = RowColumn::Name(format!("{}{}", row.prefix, name.name));
                Some(self.cell_bind(at, RowValue { within, column }))
            }
        }
    }
}

/// The value of a literal text.
pub(super) fn literal(expr: &Expr) -> Option<String> {
    match crate::read::strip(expr) {
        Expr::Lit(lit) => match &lit.lit {
            syn::Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        Expr::MethodCall(call)
            if ["to_owned", "to_string", "into"].iter().any(|name| call.method == name) =>
        {
            literal(&call.receiver)
        }
        _ => None,
    }
}
