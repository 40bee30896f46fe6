//! Methods of columns and expressions.

use syn::{BinOp, Expr, ExprBinary};

use super::evaluate::{
    self, Call, as_operand, as_subquery, condition, expressed, hole, one, only, operand, value,
};
use super::{Expression, Value};
use crate::chains::Held;
use crate::chains::fragment::{Fragment, Word};
use crate::read::{LocalId, Reader};

/// Methods that are an operator between what they are called on and their argument.
const OPERATORS: &[(&str, &str)] = &[
    ("eq", "="),
    ("ne", "!="),
    ("gt", ">"),
    ("ge", ">="),
    ("lt", "<"),
    ("le", "<="),
    ("like", "LIKE"),
    ("not_like", "NOT LIKE"),
    ("ilike", "ILIKE"),
    ("not_ilike", "NOT ILIKE"),
    ("similar_to", "SIMILAR TO"),
    ("not_similar_to", "NOT SIMILAR TO"),
    ("is_distinct_from", "IS DISTINCT FROM"),
    ("is_not_distinct_from", "IS NOT DISTINCT FROM"),
    ("contains", "@>"),
    ("is_contained_by", "<@"),
    ("overlaps_with", "&&"),
    ("has_key", "?"),
];

/// The same, whose result is no condition.
const COMPUTING: &[(&str, &str)] = &[
    ("concat", "||"),
    ("retrieve_as_object", "->"),
    ("retrieve_as_text", "->>"),
    ("retrieve_by_path_as_object", "#>"),
    ("retrieve_by_path_as_text", "#>>"),
    ("at_time_zone", "AT TIME ZONE"),
    ("add", "+"),
    ("sub", "-"),
    ("mul", "*"),
    ("div", "/"),
];

/// What stands after an expression.
const SUFFIXES: &[(&str, &str)] =
    &[("asc", " ASC"), ("desc", " DESC"), ("nulls_first", " NULLS FIRST"), ("nulls_last", " NULLS LAST")];

/// What a method makes of a column or expression.
pub(super) fn step<'a>(reader: &mut Reader<'a>, on: &Value, call: &Call<'a>) -> Option<Value> {
    let (span, limit) = (call.span, call.limit);
    let text = match on {
        Value::Column(column) => column.text(),
        Value::Expression(expression) => expression.text.clone(),
        _ => return None,
    };
    let name = call.name.as_str();
    if let Some((_, suffix)) = SUFFIXES.iter().find(|(known, _)| *known == name) {
        return Some(expressed(text.write(*suffix, span), false));
    }
    match (name, call.arguments.as_slice()) {
        ("nullable" | "assume_not_null" | "into_sql", []) => Some(on.clone()),
        ("is_null", []) => Some(expressed(text.write(" IS NULL", span).nested(span), true)),
        ("is_not_null", []) => Some(expressed(text.write(" IS NOT NULL", span).nested(span), true)),
        ("and" | "or", [other]) => {
            let other = condition(reader, other, limit);
            let word = if name == "and" { Word::And } else { Word::Or };
            Some(expressed(Fragment::connected(vec![text], word, other, span), true))
        }
        ("eq_any" | "ne_all", [list]) => Some(any_of(reader, text, list, call)),
        ("between" | "not_between", [low, high]) => {
            let word = if name == "between" { " BETWEEN " } else { " NOT BETWEEN " };
            let low = operand(reader, low, limit);
            let high = operand(reader, high, limit);
            let text = text.write(word, span).then(low).write(" AND ", span).then(high);
            Some(expressed(text.nested(span), true))
        }
        // A fragment of SQL goes on.
        ("bind", [bound]) => {
            let bound = operand(reader, bound, limit);
            Some(expressed(text.then(bound), false))
        }
        ("sql", [more]) => {
            let more = evaluate::raw(reader, more);
            Some(expressed(text.then(more), false))
        }
        ("aggregate_distinct", []) => Some(expressed(text.with_argument("DISTINCT ", span)?, false)),
        ("aggregate_filter", [filter]) => {
            let filter = condition(reader, filter, limit);
            let text = text.write(" FILTER (WHERE ", span).then(filter).write(")", span);
            Some(expressed(text, false))
        }
        ("when" | "otherwise", _) => case(reader, text, call),
        (_, [other]) => {
            let is = |list: &[(&str, &'static str)]| {
                list.iter().find(|(known, _)| *known == name).map(|(_, operator)| *operator)
            };
            let (operator, is_condition) = match (is(OPERATORS), is(COMPUTING)) {
                (Some(operator), _) => (operator, true),
                (None, Some(operator)) => (operator, false),
                (None, None) => return None,
            };
            let right = operand(reader, other, limit);
            let text = text.write(format!(" {operator} "), span).then(right.clone()).nested(span);
            let assigns = match on {
                Value::Column(column) if name == "eq" => Some((column.clone(), right)),
                _ => None,
            };
            Some(Value::Expression(Expression { text, assigns, is_condition }))
        }
        _ => None,
    }
}

/// Another arm of a CASE, which ends in ` END)`.
fn case<'a>(reader: &mut Reader<'a>, text: Fragment, call: &Call<'a>) -> Option<Value> {
    let span = call.span;
    let open = text.without_end(" END)")?;
    let text = match call.arguments.as_slice() {
        [when, then] => {
            let when = condition(reader, when, call.limit);
            let then = operand(reader, then, call.limit);
            open.write(" WHEN ", span).then(when).write(" THEN ", span).then(then)
        }
        [otherwise] => {
            let otherwise = operand(reader, otherwise, call.limit);
            open.write(" ELSE ", span).then(otherwise)
        }
        _ => return None,
    };
    Some(expressed(text.write(" END)", span), false))
}

/// `eq_any` and `ne_all`: of a query, or of a list that is bound as a whole.
fn any_of<'a>(reader: &mut Reader<'a>, text: Fragment, list: &'a Expr, call: &Call<'a>) -> Value {
    let span = call.span;
    let any = call.name == "eq_any";
    let text = match value(reader, list, call.limit).map(only) {
        Some(query @ (Value::Query(_) | Value::Table(_) | Value::Alias(_))) => {
            let query = as_subquery(reader, Some(query), reader.range(list));
            text.write(if any { " IN " } else { " != ALL " }, span).then(query)
        }
        Some(Value::Tuple(_) | Value::On(..) | Value::Wrapped(_)) => {
            text.write(" = ", span).then(hole(reader, span, "it is not known as a list"))
        }
        Some(other) => {
            let other = as_operand(reader, other, span);
            text.write(if any { " = ANY(" } else { " != ALL(" }, span).then(other).write(")", span)
        }
        None => {
            let bound = evaluate::bound(reader, list, call.limit);
            text.then(Fragment::list(bound, any, span))
        }
    };
    expressed(text.nested(span), true)
}

/// `column + 1` and the like.
pub(super) fn arithmetic<'a>(
    reader: &mut Reader<'a>,
    binary: &'a ExprBinary,
    limit: LocalId,
) -> Option<Held> {
    let operator = match binary.op {
        BinOp::Add(_) => " + ",
        BinOp::Sub(_) => " - ",
        BinOp::Mul(_) => " * ",
        BinOp::Div(_) => " / ",
        _ => return None,
    };
    let span = reader.range(binary);
    let left = only(value(reader, &binary.left, limit)?);
    if !matches!(left, Value::Column(_) | Value::Expression(_)) {
        return None;
    }
    let left = as_operand(reader, left, span);
    let right = operand(reader, &binary.right, limit);
    Some(one(expressed(left.write(operator, span).then(right).nested(span), false)))
}
