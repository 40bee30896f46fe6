//! Expressions of SQL: comparisons, functions, conditions that are put together.

use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprMethodCall};
use tenantry_span::Span;

use super::calls::literal;
use super::eval::Eval;
use super::value::{ColumnRef, Cond, Origin, Val};
use crate::Piece;
use crate::chains::fragment::{Fragment, Word};

impl<'t> Eval<'_, 't> {
    /// An argument in the place of a value.
    pub(super) fn operand(&mut self, expr: &'t Expr) -> Fragment {
        let value = self.expr(expr);
        self.operand_of(value, expr)
    }

    /// What stands where the library takes an expression: a value that is none is one that was not followed.
    pub(super) fn expression(&mut self, expr: &'t Expr) -> Fragment {
        match self.expr(expr) {
            Val::Plain(origin) if !matches!(origin, Origin::Literal) => {
                self.hole(expr, "an expression that is made elsewhere")
            }
            value => self.operand_of(value, expr),
        }
    }

    /// A call of a function of the workspace whose type says that it gives a part of a query.
    fn may_give_a_query(&self, expr: &Expr) -> bool {
        let name = match crate::read::strip(expr) {
            Expr::Await(inner) => return self.may_give_a_query(&inner.base),
            Expr::Try(inner) => return self.may_give_a_query(&inner.expr),
            Expr::MethodCall(call) => call.method.to_string(),
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) => {
                    path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default()
                }
                _ => return false,
            },
            _ => return false,
        };
        self.entities.functions_named(&name).iter().any(|function| {
            let head = function.text.split('{').next().unwrap_or_default();
            let given = head.rsplit_once("->").map(|(_, given)| given).unwrap_or_default();
            ["Expr", "Select", "Condition", "Iden", "Query", "Into<", "Statement"]
                .iter()
                .any(|word| given.contains(word))
        })
    }

    pub(super) fn operand_of(&mut self, value: Val, expr: &'t Expr) -> Fragment {
        let span = self.span(expr);
        match value {
            Val::Plain(Origin::Opaque) => {
                self.hole(expr, "it may be a part of a query, and was not followed")
            }
            Val::Plain(_) if self.may_give_a_query(expr) => {
                self.hole(expr, "what it gives may be a query, and was not followed")
            }
            Val::Plain(origin) => self.bound(expr, origin),
            Val::Column(column) => self.column_text(&column, span),
            Val::Expr(text) => text,
            Val::Cond(cond) => cond.text(span),
            Val::Iden(name) => Fragment::name(name, span),
            Val::Query(query) => query.finished().render().nested(span),
            Val::Set(inner) | Val::Unchanged(inner) => self.operand_of(*inner, expr),
            Val::Tuple(values) => {
                let parts: Vec<Fragment> = match crate::read::strip(expr) {
                    Expr::Tuple(tuple) if tuple.elems.len() == values.len() => {
                        let pairs: Vec<(Val, &'t Expr)> = values.into_iter().zip(&tuple.elems).collect();
                        pairs.into_iter().map(|(value, expr)| self.operand_of(value, expr)).collect()
                    }
                    _ => return self.hole(expr, "a tuple that is made elsewhere"),
                };
                Fragment::joined(parts, ", ", span).nested(span)
            }
            Val::List(all) if all.iter().any(Val::holds_part) => {
                self.hole(expr, "a list of what may be parts of a query")
            }
            Val::List(_) => self.bound(expr, Origin::Here),
            Val::Word(word) => Fragment::text(word, span),
            Val::Maybe(..) | Val::Never => self.made_bind(expr),
            Val::Row(_) | Val::Model(_) => self.hole(expr, "a row as a whole"),
            Val::Function(name, arguments) => Fragment::text(format!("{name}("), span)
                .then(Fragment::joined(arguments, ", ", span))
                .write(")", span),
            Val::Case(text) => text.write(" END", span).nested(span),
            Val::Entity(_)
            | Val::Join(_)
            | Val::Link(..)
            | Val::Conflict(_)
            | Val::NotSet
            | Val::Written
            | Val::Choice(_) => self.hole(expr, "it is no value that is known"),
        }
    }

    /// A value in the place of a condition.
    pub(super) fn as_condition(&mut self, value: Val, at: &impl Spanned, span: Span) -> Fragment {
        match value {
            Val::Expr(text) => text,
            Val::Cond(cond) => cond.text(span),
            Val::Column(column) => self.column_text(&column, span),
            Val::Join(join) if join.more.is_empty() => self.on(&join, span),
            Val::Query(query) => query.finished().render().nested(span),
            Val::Maybe(inner, condition) => self.as_condition(*inner, at, span).if_holds(condition),
            _ => self.hole(at, "it is not known as a condition"),
        }
    }

    /// An argument in the place of a condition.
    pub(super) fn condition(&mut self, expr: &'t Expr) -> Fragment {
        let value = self.expr(expr);
        let span = self.span(expr);
        match value {
            Val::Plain(Origin::Literal | Origin::Here)
                if matches!(crate::read::strip(expr), Expr::Lit(_)) =>
            {
                self.operand_of(value, expr)
            }
            value => self.as_condition(value, expr, span),
        }
    }

    /// The conjuncts that an argument adds to a WHERE.
    pub(super) fn conjuncts(&mut self, expr: &'t Expr) -> Vec<Fragment> {
        let value = self.expr(expr);
        let span = self.span(expr);
        match value {
            Val::Cond(cond) => cond.conjuncts(span),
            value => vec![self.as_condition(value, expr, span)],
        }
    }

    /// A column without its table.
    pub(super) fn bare(&mut self, value: Val, expr: &'t Expr, span: Span) -> Fragment {
        match self.bare_name(&value).or_else(|| literal(expr).filter(|_| value.is_plain())) {
            Some(name) => Fragment::name(name, span),
            None => match value {
                Val::Expr(text) => text,
                _ => self.hole(expr, "it is not known as a column"),
            },
        }
    }

    /// The name of a column, table or alias.
    pub(super) fn bare_name(&self, value: &Val) -> Option<String> {
        match value {
            Val::Iden(name) => Some(name.clone()),
            Val::Column(column) => {
                let of = self.entities.entity(column.entity)?;
                Some(of.columns.get(column.column)?.name.clone())
            }
            Val::Entity(entity) => Some(self.entities.entity(*entity)?.table.clone()),
            _ => None,
        }
    }

    /// The columns of a list, without their tables.
    pub(super) fn bare_all(&mut self, value: Val, expr: &'t Expr, span: Span) -> Vec<Fragment> {
        match (value, crate::read::strip(expr)) {
            (Val::List(values), Expr::Array(array)) if values.len() == array.elems.len() => {
                let pairs: Vec<(Val, &'t Expr)> = values.into_iter().zip(&array.elems).collect();
                pairs.into_iter().map(|(value, expr)| self.bare(value, expr, span)).collect()
            }
            (Val::List(values), _) => values.into_iter().map(|value| self.bare(value, expr, span)).collect(),
            (value, _) => vec![self.bare(value, expr, span)],
        }
    }

    /// What names a column: `Column::A` alone is without its table, `(Entity, Column::A)` with it.
    pub(super) fn column_named(&mut self, value: Val, expr: &'t Expr, span: Span) -> Fragment {
        match value {
            Val::Tuple(parts) => {
                let exprs: Vec<&'t Expr> = match crate::read::strip(expr) {
                    Expr::Tuple(tuple) => tuple.elems.iter().collect(),
                    _ => vec![expr; parts.len()],
                };
                let names = parts.into_iter().zip(exprs).map(|(value, expr)| match &value {
                    Val::Word(word) if word == "*" => Fragment::text("*", span),
                    _ => self.bare(value, expr, span),
                });
                let names: Vec<Fragment> = names.collect();
                Fragment::joined(names, ".", span)
            }
            Val::Word(word) => Fragment::text(word, span),
            value => self.bare(value, expr, span),
        }
    }

    /// `Expr::…`, `Func::…`.
    pub(super) fn expression_call(
        &mut self,
        owner: &str,
        name: &str,
        arguments: &[&'t Expr],
        span: Span,
        call: &'t ExprCall,
    ) -> Val {
        if owner == "Func" || owner == "PgFunc" {
            return self.function_of_sql(name, arguments, span, call);
        }
        let text = match (name, arguments) {
            ("col" | "column", [column]) => {
                let value = self.expr(column);
                self.column_named(value, column, span)
            }
            ("expr", [value]) => self.expression(value),
            ("val" | "value", [value]) => self.operand(value),
            ("Value", [value]) => self.operand(value),
            ("SubQuery", [none, query]) if is_none(none) => self.subquery(query),
            ("cust" | "Custom", [text]) => match literal(text) {
                Some(written) => self.written_sql(text, written).nested(span),
                None => self.hole(*text, "the SQL is not written out"),
            },
            ("cust_with_values", [text, values]) => match self.expr(values) {
                Val::List(list) => {
                    let exprs: Vec<&'t Expr> = match crate::read::strip(values) {
                        Expr::Array(array) => array.elems.iter().collect(),
                        Expr::Macro(_) => self.elements(values),
                        _ => vec![*values; list.len()],
                    };
                    let pairs: Vec<(Val, &'t Expr)> = list.into_iter().zip(exprs).collect();
                    let values: Vec<Fragment> =
                        pairs.into_iter().map(|(value, expr)| self.operand_of(value, expr)).collect();
                    self.custom(text, &values, span)
                }
                _ => self.hole(call, "the values of the SQL are not written out"),
            },
            ("cust_with_expr", [text, value]) => {
                let value = self.operand(value);
                self.custom(text, &[value], span)
            }
            ("cust_with_exprs", [text, values]) => match crate::read::strip(values) {
                Expr::Array(array) => {
                    let values: Vec<Fragment> = array.elems.iter().map(|value| self.operand(value)).collect();
                    self.custom(text, &values, span)
                }
                _ => self.hole(call, "the expressions of the SQL are not written out"),
            },
            ("exists", [query]) => {
                let query = self.subquery(query);
                Fragment::text("EXISTS ", span).then(query).nested(span)
            }
            ("not", [inner]) => {
                let inner = self.condition(inner);
                Fragment::text("NOT ", span).then(inner.nested(span)).nested(span)
            }
            ("any" | "some" | "all", [query]) => {
                let query = self.subquery(query);
                Fragment::text(format!("{} ", name.to_uppercase()), span).then(query)
            }
            ("tuple", [values]) => match crate::read::strip(values) {
                Expr::Array(array) => {
                    let values: Vec<Fragment> = array.elems.iter().map(|value| self.operand(value)).collect();
                    Fragment::joined(values, ", ", span).nested(span)
                }
                _ => self.hole(call, "the tuple is not written out"),
            },
            ("case", [when, then]) => {
                let (when, then) = (self.condition(when), self.operand(then));
                let text = Fragment::text("CASE WHEN ", span).then(when).write(" THEN ", span).then(then);
                return Val::Case(text);
            }
            ("new", []) if owner == "CaseStatement" => return Val::Case(Fragment::text("CASE", span)),
            ("asterisk", []) => return Val::Word("*".to_owned()),
            ("current_timestamp", []) => Fragment::text("CURRENT_TIMESTAMP", span),
            ("current_date", []) => Fragment::text("CURRENT_DATE", span),
            ("current_time", []) => Fragment::text("CURRENT_TIME", span),
            // A method by its path: `Expr::eq(a, b)`.
            (_, [on, rest @ ..]) if !matches!(name, "keyword" | "custom_keyword") => {
                let value = self.expr(on);
                return self.operator(value, on, name, rest, span, call);
            }
            _ => self.hole(call, format!("`{owner}::{name}` is not known")),
        };
        Val::Expr(text)
    }

    /// The elements of a `vec![…]`.
    pub(super) fn elements(&self, expr: &'t Expr) -> Vec<&'t Expr> {
        match crate::read::strip(expr) {
            Expr::Array(array) => array.elems.iter().collect(),
            Expr::Macro(mac) => {
                let body = self.expansions.and_then(|expansions| expansions.body(&mac.mac));
                body.map(|body| body.arguments.iter().flatten().collect()).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }

    fn function_of_sql(&mut self, name: &str, arguments: &[&'t Expr], span: Span, call: &'t ExprCall) -> Val {
        let written = match name {
            "max" | "min" | "sum" | "avg" | "count" | "abs" | "lower" | "upper" | "round" | "md5"
            | "random" | "greatest" | "least" | "coalesce" | "char_length" | "bit_and" | "bit_or" => {
                name.to_uppercase()
            }
            "if_null" => "COALESCE".to_owned(),
            "count_distinct" => {
                let inner: Vec<Fragment> = arguments.iter().map(|inner| self.operand(inner)).collect();
                let inner = Fragment::joined(inner, ", ", span);
                return Val::Expr(Fragment::text("COUNT(DISTINCT ", span).then(inner).write(")", span));
            }
            "cast_as" => match arguments {
                [value, ty] => {
                    let value = self.operand(value);
                    return Val::Expr(self.cast(value, ty, span));
                }
                _ => return Val::Expr(self.hole(call, "a cast of another form")),
            },
            "cust" => match arguments {
                [name] => {
                    let value = self.expr(name);
                    return match self.bare_name(&value).or_else(|| literal(name)) {
                        Some(name) => Val::Function(name, Vec::new()),
                        None => Val::Expr(self.hole(call, "the function's name is not known")),
                    };
                }
                _ => return Val::Expr(self.hole(call, "a function of another form")),
            },
            _ => return Val::Expr(self.hole(call, format!("`Func::{name}` is not known"))),
        };
        let inner: Vec<Fragment> = match arguments {
            [list] if matches!(name, "coalesce" | "greatest" | "least") => {
                let all = self.elements(list);
                match all.is_empty() {
                    true => vec![self.hole(call, "the arguments are not written out")],
                    false => all.into_iter().map(|inner| self.operand(inner)).collect(),
                }
            }
            arguments => arguments.iter().map(|inner| self.operand(inner)).collect(),
        };
        let inner = Fragment::joined(inner, ", ", span);
        Val::Expr(Fragment::text(format!("{written}("), span).then(inner).write(")", span))
    }

    pub(super) fn cast(&mut self, value: Fragment, ty: &'t Expr, span: Span) -> Fragment {
        let named = self.expr(ty);
        match self.bare_name(&named).or_else(|| literal(ty)) {
            Some(ty)
                if ty.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ' ' | '[' | ']')) =>
            {
                Fragment::text("CAST(", span).then(value).write(format!(" AS {ty})"), span)
            }
            _ => self.hole(ty, "the type of the cast is not known"),
        }
    }

    /// A query in parentheses.
    pub(super) fn subquery(&mut self, expr: &'t Expr) -> Fragment {
        let value = self.expr(expr);
        let span = self.span(expr);
        match value {
            Val::Query(query) => query.finished().render().nested(span),
            _ => self.hole(expr, "it is not known as a query").nested(span),
        }
    }

    /// SQL that is written in the source, whose placeholders stand for these values.
    fn custom(&mut self, expr: &'t Expr, values: &[Fragment], span: Span) -> Fragment {
        let Some(text) = literal(expr) else { return self.hole(expr, "the SQL is not written out") };
        let Some(parts) = split_placeholders(&text) else {
            return self.hole(expr, "the placeholders of the SQL were not told apart");
        };
        let mut out = Fragment::default();
        let mut next = 0usize;
        for (text, placeholder) in parts {
            if !text.is_empty() {
                out = out.then(self.written_sql(expr, text));
            }
            let Some(number) = placeholder else { continue };
            let at = match number {
                Some(number) => number.checked_sub(1),
                None => Some(next),
            };
            next += 1;
            out = match at.and_then(|at| values.get(at)) {
                Some(value) => out.then(value.clone()),
                None => out.then(self.hole(expr, "a placeholder of the SQL has no value")),
            };
        }
        out.nested(span)
    }

    /// SQL that stands in the source as it is.
    fn written_sql(&self, expr: &'t Expr, value: String) -> Fragment {
        let span = self.span(expr);
        Fragment::of(Piece::Literal { map: vec![(0, span.range.start)], value, span })
    }

    /// A method of an expression or a column.
    pub(super) fn operator(
        &mut self,
        value: Val,
        on: &'t Expr,
        name: &str,
        arguments: &[&'t Expr],
        span: Span,
        call: &'t impl Spanned,
    ) -> Val {
        if let Val::Case(text) = &value {
            return self.case(text.clone(), name, arguments, span, call);
        }
        if let Val::Function(function, inner) = &value {
            let mut inner = inner.clone();
            match (name, arguments) {
                ("arg", [one]) => inner.push(self.operand(one)),
                ("args", [list]) if !self.elements(list).is_empty() => {
                    let more: Vec<&'t Expr> = self.elements(list);
                    inner.extend(more.into_iter().map(|one| self.operand(one)));
                }
                _ => {
                    let text = self.operand_of(value.clone(), on);
                    return self.operator(Val::Expr(text), on, name, arguments, span, call);
                }
            }
            return Val::Function(function.clone(), inner);
        }
        let left = self.operand_of(value, on);
        let word = match name {
            "eq" | "equals" => "=",
            "ne" | "not_equals" => "<>",
            "gt" => ">",
            "gte" => ">=",
            "lt" => "<",
            "lte" => "<=",
            "is" => "IS",
            "is_not" => "IS NOT",
            "like" | "starts_with" | "ends_with" | "contains" => "LIKE",
            "not_like" => "NOT LIKE",
            "ilike" => "ILIKE",
            "not_ilike" => "NOT ILIKE",
            "add" => "+",
            "sub" => "-",
            "mul" => "*",
            "div" => "/",
            "modulo" => "%",
            "concat" | "concatenate" => "||",
            _ => "",
        };
        let text = match (name, arguments) {
            ("starts_with" | "ends_with" | "contains", [_]) => {
                // The pattern is made of the value.
                self.expr(arguments.first().copied().unwrap_or(on));
                let pattern = self.made_bind(call);
                left.write(" LIKE ", span).then(pattern).nested(span)
            }
            ("and" | "or", [right]) => {
                let right = self.condition(right);
                let word = if name == "and" { Word::And } else { Word::Or };
                Fragment::connected(vec![left], word, right, span)
            }
            ("equals" | "not_equals", [right]) => {
                let value = self.expr(right);
                let right = match value {
                    Val::Expr(text) => text,
                    value => self.column_named(value, right, span),
                };
                left.write(format!(" {word} "), span).then(right).nested(span)
            }
            (_, [right]) if !word.is_empty() => {
                let right = self.operand(right);
                left.write(format!(" {word} "), span).then(right).nested(span)
            }
            ("between" | "not_between", [low, high]) => {
                let (low, high) = (self.operand(low), self.operand(high));
                let word = if name == "between" { " BETWEEN " } else { " NOT BETWEEN " };
                left.write(word, span).then(low).write(" AND ", span).then(high).nested(span)
            }
            ("is_null", []) => left.write(" IS NULL", span).nested(span),
            ("is_not_null", []) => left.write(" IS NOT NULL", span).nested(span),
            ("is_in" | "is_not_in", [list]) => self.in_list(left, list, name == "is_in", span),
            ("eq_any" | "eq_all" | "ne_all", [list]) => {
                let list = self.operand(list);
                let word = match name {
                    "eq_any" => " = ANY(",
                    "eq_all" => " = ALL(",
                    _ => " <> ALL(",
                };
                left.write(word, span).then(list).write(")", span).nested(span)
            }
            ("in_subquery" | "not_in_subquery", [query]) => {
                let query = self.subquery(query);
                let word = if name == "in_subquery" { " IN " } else { " NOT IN " };
                left.write(word, span).then(query).nested(span)
            }
            ("in_tuples", [_]) => self.hole(call, "a list of tuples"),
            ("not", []) => Fragment::text("NOT ", span).then(left.nested(span)).nested(span),
            ("max" | "min" | "sum" | "avg" | "count", []) => {
                Fragment::text(format!("{}(", name.to_uppercase()), span).then(left).write(")", span)
            }
            ("count_distinct", []) => Fragment::text("COUNT(DISTINCT ", span).then(left).write(")", span),
            ("if_null", [other]) => {
                let other = self.operand(other);
                Fragment::text("COALESCE(", span).then(left).write(", ", span).then(other).write(")", span)
            }
            ("cast_as" | "as_enum" | "cast_as_quoted", [ty]) => self.cast(left, ty, span),
            (
                "into_expr" | "into_simple_expr" | "clone" | "to_owned" | "into" | "into_condition"
                | "into_column_ref" | "as_column_ref" | "to_string" | "as_ref" | "borrow" | "into_iden"
                | "expr",
                [],
            ) => left,
            ("desc" | "asc", []) => left,
            _ => {
                for argument in arguments {
                    self.expr(argument);
                }
                self.hole(call, format!("`{name}` is not known of an expression"))
            }
        };
        Val::Expr(text)
    }

    fn in_list(&mut self, left: Fragment, list: &'t Expr, is_in: bool, span: Span) -> Fragment {
        let value = self.expr(list);
        let word = if is_in { " IN " } else { " NOT IN " };
        match value {
            Val::List(values) if values.is_empty() => {
                Fragment::text(if is_in { "1 = 2" } else { "1 = 1" }, span).nested(span)
            }
            Val::List(values) => {
                let exprs = self.elements(list);
                let exprs = if exprs.len() == values.len() { exprs } else { vec![list; values.len()] };
                let pairs: Vec<(Val, &'t Expr)> = values.into_iter().zip(exprs).collect();
                let all: Vec<Fragment> =
                    pairs.into_iter().map(|(value, expr)| self.operand_of(value, expr)).collect();
                left.write(word, span).then(Fragment::joined(all, ", ", span).nested(span)).nested(span)
            }
            Val::Query(query) => {
                left.write(word, span).then(query.finished().render().nested(span)).nested(span)
            }
            Val::Plain(origin) => {
                let bound = self.bound(list, origin);
                left.then(Fragment::list(bound, is_in, span)).nested(span)
            }
            _ => {
                let bound = self.made_bind(list);
                left.then(Fragment::list(bound, is_in, span)).nested(span)
            }
        }
    }

    fn case(
        &mut self,
        text: Fragment,
        name: &str,
        arguments: &[&'t Expr],
        span: Span,
        call: &'t impl Spanned,
    ) -> Val {
        match (name, arguments) {
            ("case", [when, then]) => {
                let (when, then) = (self.condition(when), self.operand(then));
                Val::Case(text.write(" WHEN ", span).then(when).write(" THEN ", span).then(then))
            }
            ("finally", [otherwise]) => {
                let otherwise = self.operand(otherwise);
                Val::Case(text.write(" ELSE ", span).then(otherwise))
            }
            ("into" | "to_owned" | "clone" | "into_expr", []) => Val::Case(text),
            _ => Val::Expr(self.hole(call, format!("`{name}` is not known of a CASE"))),
        }
    }

    /// A method of a condition.
    pub(super) fn cond_method(
        &mut self,
        cond: Cond,
        call: &'t ExprMethodCall,
        arguments: &[&'t Expr],
    ) -> Val {
        let span = self.span(call);
        let name = call.method.to_string();
        let mut cond = cond;
        match (name.as_str(), arguments) {
            ("add", [part]) => {
                let part = self.condition(part);
                cond.parts.push(part);
            }
            ("add_option", [part]) => match self.expr(part) {
                Val::Maybe(inner, condition) => {
                    let text = self.as_condition(*inner, *part, span);
                    cond.parts.push(match cond.any {
                        false => text.if_holds(condition),
                        true => Fragment::either(text, Fragment::text("FALSE", condition), condition),
                    });
                }
                // Nothing is added.
                Val::Plain(_) if is_none(part) => {}
                value => {
                    let text = self.as_condition(value, *part, span);
                    cond.parts.push(text);
                }
            },
            ("not", []) => cond.negated = !cond.negated,
            ("into_condition" | "clone" | "to_owned" | "into" | "take", []) => {}
            ("is_empty" | "len", []) => return Val::Plain(self.own_origin()),
            _ => {
                self.spoil(&call.receiver, call);
                let hole = self.hole(call, format!("`{name}` is not known of a condition"));
                return Val::Expr(hole);
            }
        }
        Val::Cond(cond)
    }

    /// A column as it stands in a list to be selected or sorted by: with its table.
    pub(super) fn simple(&mut self, value: Val, expr: &'t Expr) -> Fragment {
        let span = self.span(expr);
        match value {
            Val::Tuple(_) | Val::Iden(_) => self.column_named(value, expr, span),
            Val::Column(ColumnRef { .. }) => self.operand_of(value, expr),
            Val::Plain(_) if literal(expr).is_some() => {
                Fragment::name(literal(expr).unwrap_or_default(), span)
            }
            Val::Plain(_) => self.hole(expr, "it is not known as a column"),
            value => self.operand_of(value, expr),
        }
    }
}

/// `None`.
pub(super) fn is_none(expr: &Expr) -> bool {
    matches!(crate::read::strip(expr), Expr::Path(path) if path.path.is_ident("None"))
}

/// A text before each placeholder, and the placeholder's number where it has one. `None` where a quotation is not closed.
/// Where some are numbered, `?` is an operator.
fn split_placeholders(text: &str) -> Option<Vec<(String, Option<Option<usize>>)>> {
    let numbered = text.contains('$');
    let mut parts = Vec::new();
    let mut plain = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                plain.push(c);
                loop {
                    let inner = chars.next()?;
                    plain.push(inner);
                    if inner == c {
                        break;
                    }
                }
            }
            '?' if !numbered => parts.push((std::mem::take(&mut plain), Some(None))),
            '$' => {
                let mut number = String::new();
                while let Some(digit) = chars.peek().copied().filter(char::is_ascii_digit) {
                    number.push(digit);
                    chars.next();
                }
                parts.push((std::mem::take(&mut plain), Some(Some(number.parse().ok()?))));
            }
            _ => plain.push(c),
        }
    }
    parts.push((plain, None));
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::split_placeholders;

    #[test]
    fn placeholders_are_told_from_quoted_marks() {
        let parts = split_placeholders("a = $2 AND b = '?$1' AND c ? 'd'");
        let expected = [("a = ".to_owned(), Some(Some(2))), (" AND b = '?$1' AND c ? 'd'".to_owned(), None)];
        assert_eq!(parts, Some(expected.to_vec()));
        let parts = split_placeholders("a = ? AND b = '?'");
        let expected = [("a = ".to_owned(), Some(None)), (" AND b = '?'".to_owned(), None)];
        assert_eq!(parts, Some(expected.to_vec()));
        assert_eq!(split_placeholders("a = 'b"), None);
        assert_eq!(split_placeholders("a = $x"), None);
    }
}
