//! Which function of the schema a call means, and its arguments in the order of the parameters.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{Call, Expr, ExprKind};
use crate::catalog::{Function, QualifiedName};

use super::Binder;

impl<'a> Binder<'a> {
    /// The function of the schema that a call means by its name. `None` where there are several: the types of the arguments
    /// decide then, in ways that are not modelled.
    pub(super) fn only_function(&self, call: &Call) -> Option<&'a Function> {
        if self.dialect != Dialect::Postgres {
            return None;
        }
        let catalog = self.catalog;
        let in_schema = |schema: &str, name: &str| {
            let name = QualifiedName { schema: schema.to_owned(), name: name.to_owned() };
            catalog.functions.get(&name).map_or(&[][..], Vec::as_slice)
        };
        let overloads: Vec<&Function> = match call.name.parts.as_slice() {
            [name] if catalog.ambiguous_function(&name.text, self.tenancy.app_role.as_deref()).is_some() => {
                return None;
            }
            [name] => catalog.search_path.iter().flat_map(|schema| in_schema(schema, &name.text)).collect(),
            [schema, name] => in_schema(&schema.text, &name.text).iter().collect(),
            _ => return None,
        };
        match overloads.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// A call that passes arguments by name, or leaves some out, as one that passes all of them by place. `None` where it is
    /// one already, or where that is not known.
    pub(super) fn arranged(&self, call: &Call, range: TextRange) -> Option<Call> {
        // With what is written out it may be another one, which goes before.
        let function = self.only_function(call).filter(|_| self.builtin(call).is_none())?;
        let by_name = !call.names.is_empty();
        let is_whole = !by_name && call.args.len() == function.params.len();
        if is_whole || function.has_own_settings || call.star || (call.irregular && !by_name) {
            return None;
        }
        // What is passed by place comes first.
        let placed = call.names.iter().position(Option::is_some).unwrap_or(call.args.len());
        let mut named: Vec<(&str, &Expr)> = Vec::new();
        for (name, value) in call.names.iter().zip(&call.args).skip(placed) {
            named.push((name.as_deref()?, value));
        }
        let mut args = call.args.get(..placed)?.to_vec();
        for (at, (param, _)) in function.params.iter().enumerate().skip(placed) {
            let passed = named.iter().position(|(name, _)| name == param);
            args.push(match passed {
                Some(passed) => named.swap_remove(passed).1.clone(),
                None => constant(function.defaults.get(at)?.as_deref()?, range)?,
            });
        }
        (named.is_empty() && args.len() == function.params.len()).then(|| Call {
            args,
            names: Vec::new(),
            irregular: false,
            ..call.clone()
        })
    }
}

/// A default that is the same whoever calls, and when. Its place is that of the call.
fn constant(text: &str, range: TextRange) -> Option<Expr> {
    let parsed = crate::lower::statements(Dialect::Postgres, &format!("SELECT {text}"));
    let value = crate::ast::only_item(&parsed)?;
    placed(value, range)
}

fn placed(value: &Expr, range: TextRange) -> Option<Expr> {
    let kind = match &value.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_) => value.kind.clone(),
        ExprKind::Cast { expr, ty, fallible: false } => {
            ExprKind::Cast { expr: Box::new(placed(expr, range)?), ty: ty.clone(), fallible: false }
        }
        _ => return None,
    };
    Some(Expr { kind, range })
}
