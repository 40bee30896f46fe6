//! What changes variables: assignments, to parts of them too, and what is lent to be changed.

use syn::spanned::Spanned;
use syn::{Expr, Pat};

use super::eval::Eval;
use super::value::{Origin, Val};
use crate::read::lends;

impl<'t> Eval<'_, 't> {
    /// A variable, or a part of one, is assigned to.
    pub(super) fn assigned(&mut self, left: &'t Expr, right: &'t Expr, value: Val) {
        match left {
            Expr::Path(path) => {
                if let Some(name) = path.path.get_ident() {
                    let value = match value {
                        // What it is now is not what it was declared as.
                        Val::Plain(Origin::Here) if !self.is_walked() => Val::UNKNOWN,
                        value => value,
                    };
                    self.assign(&name.to_string(), value);
                }
            }
            Expr::Field(field) => {
                let (Expr::Path(path), syn::Member::Named(member)) = (&*field.base, &field.member) else {
                    self.spoil(&field.base, field);
                    return;
                };
                let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
                if let Some(Val::Model(model)) = self.lookup(&name).cloned() {
                    let model = self.set_field(*model, &member.to_string(), value, right);
                    self.assign(&name, Val::Model(Box::new(model)));
                } else if let Some(held) = self.lookup(&name)
                    && (value.holds_part() || !held.is_plain())
                {
                    let lost = if value.holds_part() { Val::OPAQUE } else { held.lost() };
                    self.assign(&name, lost);
                }
            }
            Expr::Tuple(tuple) => {
                let parts = match value {
                    Val::Tuple(parts) if parts.len() == tuple.elems.len() => parts,
                    other => vec![other.lost(); tuple.elems.len()],
                };
                for (left, part) in tuple.elems.iter().zip(parts) {
                    self.assigned(left, right, part);
                }
            }
            Expr::Unary(inner) if matches!(inner.op, syn::UnOp::Deref(_)) => {
                self.assigned(&inner.expr, right, value)
            }
            Expr::Paren(inner) => self.assigned(&inner.expr, right, value),
            Expr::Group(inner) => self.assigned(&inner.expr, right, value),
            Expr::Array(of) => of.elems.iter().for_each(|one| self.assigned(one, right, value.lost())),
            Expr::Call(of) => of.args.iter().for_each(|one| self.assigned(one, right, value.lost())),
            Expr::Struct(of) => {
                of.fields.iter().for_each(|one| self.assigned(&one.expr, right, value.lost()));
            }
            _ => {
                self.expr(left);
                self.spoil(left, left);
            }
        }
    }

    /// A `ref mut` in the pattern lends what it takes apart.
    pub(super) fn lends(&mut self, pattern: &'t Pat, value: &'t Expr) {
        if lends(pattern) {
            self.lent(value);
        }
    }

    /// A variable is lent to be changed.
    pub(super) fn lent(&mut self, expr: &'t Expr) {
        self.spoil(expr, expr);
    }

    /// What a variable holds is not known any more.
    pub(super) fn spoil(&mut self, expr: &'t Expr, at: &impl Spanned) {
        let base = base_of(expr);
        let Expr::Path(path) = base else { return };
        let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
        let Some(value) = self.lookup(&name).cloned() else { return };
        let why = format!("`{name}` is lent to be changed");
        match value {
            Val::Query(mut query) => {
                query.spoil(self.hole(at, why));
                self.assign(&name, Val::Query(query));
            }
            Val::Model(mut model) => {
                if let (Expr::Field(field), true) =
                    (expr, matches!(expr, Expr::Field(field) if base_of(&field.base) == &*field.base))
                    && let syn::Member::Named(member) = &field.member
                {
                    // A single field of it.
                    let column = self.column_of_field(model.entity, &member.to_string());
                    if let Some(column) = column {
                        let value = self.made_bind(at);
                        model.fields.insert(column, super::value::Field::Maybe(value));
                    }
                } else {
                    model.fields.clear();
                    model.rest = super::value::Rest::Unknown(why);
                }
                self.assign(&name, Val::Model(model));
            }
            Val::Plain(_) => {}
            other => self.assign(&name, other.lost()),
        }
    }
}

/// What a field of a field, or a reference, belongs to.
fn base_of(expr: &Expr) -> &Expr {
    match expr {
        Expr::Field(field) => base_of(&field.base),
        Expr::Paren(inner) => base_of(&inner.expr),
        Expr::Reference(inner) => base_of(&inner.expr),
        Expr::Unary(inner) => base_of(&inner.expr),
        Expr::Index(inner) => base_of(&inner.expr),
        _ => expr,
    }
}
