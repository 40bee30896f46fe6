//! What names come to hold: what a type that is written down says of a value, and patterns that take it apart.

use syn::Pat;
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::eval::Eval;
use super::model::Home;
use super::value::{Origin, Query, Val};
use crate::chains::fragment::Fragment;

/// Types and traits of what can be a part of a query.
const PARTS: &[&str] = &[
    "ColumnRef",
    "ColumnTrait",
    "Cond",
    "Condition",
    "ConditionExpression",
    "DynIden",
    "Expr",
    "ExprTrait",
    "Iden",
    "IdenStatic",
    "IntoColumnRef",
    "IntoCondition",
    "IntoIden",
    "IntoSimpleExpr",
    "SelectStatement",
    "SimpleExpr",
    "SubQueryStatement",
];

/// True for a type that can be a part of a query, by its name or by what is asked of it.
fn may_be_part(ty: &syn::Type, generics: &syn::Generics) -> bool {
    let mut names = Names::default();
    names.visit_type(ty);
    for parameter in generics.type_params().filter(|parameter| names.has(&parameter.ident)) {
        let mut asked = Names::default();
        asked.visit_type_param(parameter);
        for predicate in generics.where_clause.iter().flat_map(|of| &of.predicates) {
            let mut below = Names::default();
            below.visit_where_predicate(predicate);
            if below.has(&parameter.ident) {
                asked.0.extend(below.0);
            }
        }
        if asked.has_part() {
            return true;
        }
    }
    names.has_part()
}

/// The names in a type or in what is asked of one.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn has(&self, name: &syn::Ident) -> bool {
        self.0.iter().any(|known| name == known)
    }

    fn has_part(&self) -> bool {
        self.0.iter().any(|name| PARTS.contains(&name.as_str()))
    }
}

impl<'a> Visit<'a> for Names {
    fn visit_path_segment(&mut self, segment: &'a syn::PathSegment) {
        self.0.push(segment.ident.to_string());
        syn::visit::visit_path_segment(self, segment);
    }
}

impl<'t> Eval<'_, 't> {
    /// What the type that a method belongs to says of `self`.
    pub(super) fn receiver(&self, at: &syn::Receiver) -> Val {
        let own = self.own_type.clone().unwrap_or_default();
        self.of_path(&[own], at).unwrap_or(Val::Plain(Origin::Here))
    }

    /// What the declared type of a parameter says of it.
    pub(super) fn parameter(&self, typed: &syn::PatType, generics: &syn::Generics) -> Val {
        let known = self.of_type(&typed.ty, typed);
        known.unwrap_or(match may_be_part(&typed.ty, generics) {
            true => Val::OPAQUE,
            false => Val::Plain(Origin::Here),
        })
    }

    /// True if the arguments of a path or of a method name an entity, or a part of a query.
    pub(super) fn names_part(&self, arguments: Option<&syn::AngleBracketedGenericArguments>) -> bool {
        arguments.into_iter().flat_map(|arguments| &arguments.args).any(|argument| {
            let syn::GenericArgument::Type(ty) = argument else { return false };
            let entity = match ty {
                syn::Type::Path(path) => {
                    let path = self.outward(super::collect::segments(&path.path));
                    self.entities.entity_of(&self.home, &path)
                }
                _ => None,
            };
            entity.is_some() || may_be_part(ty, &syn::Generics::default())
        })
    }

    /// A value of a declared type of the library's that comes from elsewhere.
    pub(super) fn of_type(&self, ty: &syn::Type, at: &impl Spanned) -> Option<Val> {
        let ty = match ty {
            syn::Type::Reference(reference) => &reference.elem,
            other => other,
        };
        let syn::Type::Path(path) = ty else { return None };
        self.of_path(&super::collect::segments(&path.path), at)
    }

    /// The same of the path of a type, without its arguments.
    pub(super) fn of_path(&self, path: &[String], at: &impl Spanned) -> Option<Val> {
        self.of_path_at(&self.home, &self.outward(path.to_vec()), at)
    }

    fn of_path_at(&self, home: &Home, path: &[String], at: &impl Spanned) -> Option<Val> {
        let last = path.last()?;
        let (span, written) = (self.span(at), self.written(at));
        let entity = |name: &str| self.entities.entity_beside(home, path, name);
        let word = match ["ActiveModel", "Model"].into_iter().find(|name| entity(name).is_some()) {
            Some(known) => known,
            None => last.as_str(),
        };
        match word {
            "Model" => {
                let entity = entity("Model")?;
                Some(Val::Row(super::value::Row { entity: Some(entity), within: None, prefix: "" }))
            }
            "ActiveModel" => {
                let entity = entity("ActiveModel")?;
                let rest = super::value::Rest::Given(None);
                let fields = std::collections::BTreeMap::new();
                Some(Val::Model(Box::new(super::value::Model { entity, fields, rest })))
            }
            "Select" | "SelectTwo" | "SelectTwoMany" | "UpdateMany" | "DeleteMany" | "Insert"
            | "SelectStatement" | "UpdateStatement" | "DeleteStatement" | "InsertStatement" | "Selector"
            | "Paginator" | "Cursor" => {
                let query = Query::unknown(span, &written, "the query is begun elsewhere");
                Some(Val::Query(Box::new(query)))
            }
            "Condition" | "Cond" | "SimpleExpr" | "Expr" => {
                Some(Val::Expr(Fragment::hole(span, &written, "the condition comes from elsewhere")))
            }
            _ => None,
        }
    }

    /// Declares the names of a pattern.
    pub(super) fn pattern(&mut self, pattern: &'t Pat, value: Val) {
        match pattern {
            Pat::Ident(name) => {
                let part = value.lost();
                self.declare(&name.ident.to_string(), value);
                if let Some((_, inner)) = &name.subpat {
                    self.pattern(inner, part);
                }
            }
            Pat::Type(typed) => {
                let value = self.typed(value, &typed.ty, typed);
                self.pattern(&typed.pat, value);
            }
            Pat::Paren(paren) => self.pattern(&paren.pat, value),
            Pat::Reference(reference) => self.pattern(&reference.pat, value),
            Pat::Guard(guarded) => self.pattern(&guarded.pat, value),
            Pat::Tuple(tuple) => {
                let parts = match value {
                    Val::Tuple(parts) if parts.len() == tuple.elems.len() => parts,
                    Val::Plain(origin) => vec![Val::Plain(part_of(origin)); tuple.elems.len()],
                    other => vec![other.lost(); tuple.elems.len()],
                };
                for (pattern, part) in tuple.elems.iter().zip(parts) {
                    self.pattern(pattern, part);
                }
            }
            Pat::TupleStruct(of) => {
                let hands_through = of
                    .path
                    .segments
                    .last()
                    .is_some_and(|last| ["Some", "Ok"].iter().any(|name| last.ident == name));
                for (at, inner) in of.elems.iter().enumerate() {
                    let part = match &value {
                        value if hands_through => value.clone(),
                        Val::Plain(origin)
                            if let Some(held) = self.held(&of.path, &at.to_string(), origin, inner) =>
                        {
                            held
                        }
                        Val::Plain(origin) => Val::Plain(part_of(origin.clone())),
                        other => other.lost(),
                    };
                    let part = match part {
                        Val::Maybe(inner, _) => *inner,
                        part => part,
                    };
                    self.pattern(inner, part);
                }
            }
            Pat::Struct(of) => {
                for field in &of.fields {
                    let part = match (&value, &field.member) {
                        (Val::Row(row), syn::Member::Named(name)) => self.cell(row, &name.to_string()),
                        (Val::Plain(origin), syn::Member::Named(name))
                            if let Some(held) = self.held(&of.path, &name.to_string(), origin, field) =>
                        {
                            held
                        }
                        (Val::Plain(origin), _) => Val::Plain(part_of(origin.clone())),
                        (other, _) => other.lost(),
                    };
                    self.pattern(&field.pat, part);
                }
            }
            Pat::Or(or) => {
                if let Some(first) = or.cases.first() {
                    let part = match value {
                        Val::Plain(origin) => Val::Plain(part_of(origin)),
                        other => other,
                    };
                    self.pattern(first, part);
                }
            }
            Pat::Slice(slice) => {
                for inner in &slice.elems {
                    let part = match &value {
                        Val::Plain(origin) => Val::Plain(part_of(origin.clone())),
                        other => other.lost(),
                    };
                    self.pattern(inner, part);
                }
            }
            _ => {}
        }
    }

    /// The model that a field of a structure of the workspace's holds.
    fn held(&self, of: &syn::Path, field: &str, origin: &Origin, at: &impl Spanned) -> Option<Val> {
        let name = of.segments.last()?.ident.to_string();
        let (home, path) = self.entities.held(&self.home, &name, field)?;
        match self.of_path_at(home, path, at)? {
            // What it says of its fields is known where it is walked.
            Val::Row(_) => Some(Val::Plain(part_of(origin.clone()))),
            held => Some(held),
        }
    }

    /// A value whose type is written beside it: `let model: post::ActiveModel = row.into()`.
    fn typed(&self, value: Val, ty: &syn::Type, at: &impl Spanned) -> Val {
        match (self.of_type(ty, at), value) {
            (Some(Val::Model(of)), Val::Row(row)) => self.model_of_row(row, Some(of.entity)),
            (
                _,
                value @ (Val::Query(_)
                | Val::Choice(_)
                | Val::Model(_)
                | Val::Row(_)
                | Val::Expr(_)
                | Val::Cond(_)),
            ) => value,
            (Some(declared), _) => declared,
            (None, value) => value,
        }
    }

    /// `let model: post::ActiveModel = post.into();`, of a post that was not read here.
    pub(super) fn made_model(&self, local: &'t syn::Local, value: Val) -> Val {
        let elsewhere = match &value {
            Val::Plain(Origin::Here) => self.is_walked(),
            Val::Row(row) => row.within.is_none() && self.is_walked(),
            _ => false,
        };
        match (&local.pat, &local.init) {
            (Pat::Type(typed), Some(init)) if elsewhere => match self.of_type(&typed.ty, typed) {
                Some(Val::Model(of)) => self.model_of_value(of.entity, &init.expr),
                _ => value,
            },
            _ => value,
        }
    }
}

/// A row that is made into something by a type that is written down, as `let summary: Summary = row.into()`.
pub(super) fn converted(local: &syn::Local, value: Val) -> Val {
    let (Pat::Type(typed), Val::Row(_)) = (&local.pat, &value) else { return value };
    let syn::Type::Path(path) = &*typed.ty else { return value };
    let last = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
    let is_row = last.ends_with("Model") || ["Option", "Vec", "Result"].contains(&last.as_str());
    if is_row { value } else { Val::UNKNOWN }
}

/// Where a part of a value comes from.
pub(super) fn part_of(origin: Origin) -> Origin {
    match origin {
        Origin::Here | Origin::Opaque => origin,
        Origin::Leaf(_) | Origin::Cell(_) | Origin::Literal | Origin::Unknown => Origin::Unknown,
    }
}

pub(super) fn has_variant(pattern: &Pat) -> bool {
    matches!(pattern, Pat::TupleStruct(_))
}
