//! Types of expressions, and what the uses of a placeholder say of its type.

use std::collections::BTreeSet;

use crate::plan::{Expr, ExprKind};
use crate::types::SqlType;

use super::Binder;

/// The type that values of two arms get.
pub(super) fn unify(left: &SqlType, right: &SqlType) -> SqlType {
    match (left, right) {
        (a, b) if a == b => a.clone(),
        (SqlType::Unknown, other) | (other, SqlType::Unknown) => other.clone(),
        (SqlType::Int, SqlType::Numeric) | (SqlType::Numeric, SqlType::Int) => SqlType::Numeric,
        (SqlType::Float, SqlType::Int | SqlType::Numeric)
        | (SqlType::Int | SqlType::Numeric, SqlType::Float) => SqlType::Float,
        _ => SqlType::Unknown,
    }
}

/// The type of one arm of a union, a `CASE` or a `COALESCE`: an untyped constant or placeholder takes the others'
/// type, anything else of unknown type makes the whole unknown.
pub(super) fn unify_exprs<'e>(exprs: impl IntoIterator<Item = &'e Expr>) -> SqlType {
    let mut result = SqlType::Unknown;
    let mut lost = false;
    for expr in exprs {
        if expr.ty == SqlType::Unknown {
            lost |= !adapts(expr);
            continue;
        }
        let next = unify(&result, &expr.ty);
        lost |= next == SqlType::Unknown;
        result = next;
    }
    if lost { SqlType::Unknown } else { result }
}

/// An expression without a type of its own, which takes that of its neighbour.
pub(super) fn adapts(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Param(_) | ExprKind::Null | ExprKind::String(_) | ExprKind::Default)
}

/// The element type of an array type.
pub(super) fn element(ty: &SqlType) -> SqlType {
    match ty {
        SqlType::Array(element) => (**element).clone(),
        _ => SqlType::Unknown,
    }
}

impl Binder<'_> {
    /// Notes that a use of `expr`, if it is a bare placeholder, gives it the type `ty`.
    pub(super) fn note(&mut self, expr: &Expr, ty: &SqlType) {
        match &expr.kind {
            ExprKind::Param(number) => self.note_param(*number, ty),
            // An array constructor's elements get the element type.
            ExprKind::Array(items) => {
                let element = element(ty);
                items.iter().for_each(|item| self.note(item, &element));
            }
            // What adapts to its neighbours passes on what is asked of it.
            ExprKind::Coalesce(items) | ExprKind::Extreme(items) if expr.ty == SqlType::Unknown => {
                items.iter().for_each(|item| self.note(item, ty));
            }
            ExprKind::Case { arms, otherwise } if expr.ty == SqlType::Unknown => {
                arms.iter().for_each(|(_, value)| self.note(value, ty));
                otherwise.iter().for_each(|value| self.note(value, ty));
            }
            ExprKind::NullIf(first, _) if expr.ty == SqlType::Unknown => self.note(first, ty),
            ExprKind::Negate(inner) => self.note(inner, ty),
            _ => {}
        }
    }

    pub(super) fn note_param(&mut self, number: u32, ty: &SqlType) {
        // Placeholders beyond what any database accepts come from broken text.
        if number == 0 || number > 70_000 {
            return;
        }
        let index = number as usize - 1;
        if self.param_types.len() <= index {
            self.param_types.resize(index + 1, Vec::new());
        }
        let ty = self.catalog.resolve_type(ty);
        if let Some(types) = self.param_types.get_mut(index)
            && !types.contains(&ty)
        {
            types.push(ty);
        }
    }

    /// Notes what two operands of one operator give each other.
    pub(super) fn note_pair(&mut self, left: &Expr, right: &Expr) {
        if let (ExprKind::Row(left), ExprKind::Row(right)) = (&left.kind, &right.kind) {
            left.iter().zip(right).for_each(|(left, right)| self.note_pair(left, right));
            return;
        }
        if let (Some(mut numbers), Some(more)) = (loose_params(left), loose_params(right)) {
            numbers.extend(more);
            self.linked_params.push(numbers);
            return;
        }
        let (left_ty, right_ty) = (neighbour_type(left), neighbour_type(right));
        self.note(left, &right_ty);
        self.note(right, &left_ty);
    }

    /// Notes what several operands that must have one type give each other.
    pub(super) fn note_together(&mut self, exprs: &[Expr]) {
        let ty = unify_exprs(exprs);
        if ty != SqlType::Unknown {
            exprs.iter().for_each(|expr| self.note(expr, &ty));
            return;
        }
        let loose: Vec<BTreeSet<u32>> = exprs.iter().filter_map(loose_params).collect();
        self.linked_params.push(loose.into_iter().flatten().collect());
        // An operand whose type is not known gives it to the placeholders all the same.
        if exprs.iter().any(|expr| !adapts(expr) && loose_params(expr).is_none()) {
            exprs.iter().for_each(|expr| self.note(expr, &SqlType::Unknown));
        }
    }

    /// Placeholders that stand beside each other without another operand get one type: what is known of one is of all.
    pub(super) fn spread_linked_types(&mut self) {
        let mut changed = true;
        while changed {
            changed = false;
            for numbers in &self.linked_params {
                let slots = || numbers.iter().filter_map(|number| (*number as usize).checked_sub(1));
                let all: Vec<SqlType> =
                    slots().filter_map(|at| self.param_types.get(at)).flatten().cloned().collect();
                for at in slots() {
                    let Some(types) = self.param_types.get_mut(at) else { continue };
                    for ty in &all {
                        if !types.contains(ty) {
                            types.push(ty.clone());
                            changed = true;
                        }
                    }
                }
            }
        }
    }
}

/// The placeholders in an operand that consists of nothing but those and NULL, and has no type of its own.
fn loose_params(expr: &Expr) -> Option<BTreeSet<u32>> {
    if expr.ty != SqlType::Unknown {
        return None;
    }
    let all = |parts: &mut dyn Iterator<Item = &Expr>| -> Option<BTreeSet<u32>> {
        let sets: Option<Vec<BTreeSet<u32>>> = parts.map(loose_params).collect();
        sets.map(|sets| sets.into_iter().flatten().collect())
    };
    match &expr.kind {
        ExprKind::Param(number) => Some(BTreeSet::from([*number])),
        ExprKind::Null => Some(BTreeSet::new()),
        ExprKind::Coalesce(parts) | ExprKind::Extreme(parts) => all(&mut parts.iter()),
        ExprKind::NullIf(first, second) => all(&mut [&**first, &**second].into_iter()),
        ExprKind::Case { arms, otherwise } => {
            all(&mut arms.iter().map(|(_, value)| value).chain(otherwise.as_deref()))
        }
        ExprKind::Negate(part) => loose_params(part),
        _ => None,
    }
}

/// What an operand says of the type of the operand beside it: an untyped string constant is text there.
fn neighbour_type(expr: &Expr) -> SqlType {
    match expr.kind {
        ExprKind::String(_) if expr.ty == SqlType::Unknown => SqlType::Text,
        _ => expr.ty.clone(),
    }
}
