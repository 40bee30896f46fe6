//! `OnConflict`: what is to be done where a row is there already.

use syn::{Expr, ExprCall, ExprMethodCall};
use tenantry_span::Span;

use super::calls::literal;
use super::eval::Eval;
use super::value::{Conflict, Val};
use crate::chains::fragment::Fragment;

impl<'t> Eval<'_, 't> {
    pub(super) fn conflict(&mut self, name: &str, arguments: &[&'t Expr], call: &'t ExprCall) -> Option<Val> {
        let mut conflict = Conflict {
            target: Vec::new(),
            target_where: Vec::new(),
            sets: Vec::new(),
            nothing: false,
            action_where: Vec::new(),
        };
        let span = self.span(call);
        match (name, arguments) {
            ("new", []) => {}
            ("column", [column]) => {
                let value = self.expr(column);
                conflict.target.push(self.bare(value, column, span));
            }
            ("columns", [columns]) => {
                let value = self.expr(columns);
                conflict.target = self.bare_all(value, columns, span);
            }
            ("constraint", [name]) => match literal(name) {
                // It stands behind `ON CONFLICT` without parentheses.
                Some(_) | None => {
                    conflict.target.push(self.hole(call, "the constraint is named and not its columns"))
                }
            },
            _ => conflict.target.push(self.hole(call, format!("`{name}` of `OnConflict` is not known"))),
        }
        Some(Val::Conflict(Box::new(conflict)))
    }

    /// Methods of `OnConflict`.
    pub(super) fn conflict_method(
        &mut self,
        conflict: Conflict,
        call: &'t ExprMethodCall,
        arguments: &[&'t Expr],
    ) -> Val {
        let span = self.span(&call.method);
        let name = call.method.to_string();
        let mut conflict = conflict;
        match (name.as_str(), arguments) {
            ("to_owned" | "clone" | "take" | "into", []) => {}
            ("do_nothing", []) => conflict.nothing = true,
            ("do_nothing_on", [_]) => conflict.nothing = true,
            ("column", [column]) => {
                let value = self.expr(column);
                conflict.target.push(self.bare(value, column, span));
            }
            ("expr", [expr]) => conflict.target.push(self.operand(expr).nested(span)),
            ("update_column", [column]) => {
                let value = self.expr(column);
                let column = self.bare(value, column, span);
                conflict.sets.push(excluded(column, span));
            }
            ("update_columns", [list]) => {
                let all = self.elements(list);
                if all.is_empty() {
                    conflict.sets.push(self.hole(call, "the columns are not written out"));
                }
                for column in all {
                    let value = self.expr(column);
                    let column = self.bare(value, column, span);
                    conflict.sets.push(excluded(column, span));
                }
            }
            ("value", [column, value]) => {
                let named = self.expr(column);
                let column = self.bare(named, column, span);
                let value = self.operand(value);
                conflict.sets.push(column.write(" = ", span).then(value));
            }
            ("values", [list]) => {
                let all = self.elements(list);
                if all.is_empty() {
                    conflict.sets.push(self.hole(call, "the values are not written out"));
                }
                for pair in all {
                    match crate::read::strip(pair) {
                        Expr::Tuple(tuple) if tuple.elems.len() == 2 => {
                            let parts: Vec<&'t Expr> = tuple.elems.iter().collect();
                            let [column, value] = parts.as_slice() else { continue };
                            let named = self.expr(column);
                            let column = self.bare(named, column, span);
                            let value = self.operand(value);
                            conflict.sets.push(column.write(" = ", span).then(value));
                        }
                        _ => conflict.sets.push(self.hole(call, "the values are not written out")),
                    }
                }
            }
            ("target_and_where" | "target_cond_where", [filter]) => {
                let filter = self.conjuncts(filter);
                conflict.target_where.extend(filter);
            }
            ("action_and_where" | "action_cond_where", [filter]) => {
                let filter = self.conjuncts(filter);
                conflict.action_where.extend(filter);
            }
            _ => conflict.sets.push(self.hole(call, format!("`{name}` is not known of `OnConflict`"))),
        }
        Val::Conflict(Box::new(conflict))
    }
}

/// `column = EXCLUDED.column`.
fn excluded(column: Fragment, span: Span) -> Fragment {
    column.clone().write(" = EXCLUDED.", span).then(column)
}
