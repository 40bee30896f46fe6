//! Expressions.

use sqlparser::ast as sql;
use tenantry_policy::Dialect;

use super::grouping::{self, Level};
use super::{Lowering, cover_all, shorten};
use crate::ast::{
    BinaryOp, Call, Expr, ExprKind, ObjectName, OrderBy, Over, Query, TextRange, UnaryOp, WindowSpec,
};
use crate::types::SqlType;

impl Lowering<'_> {
    pub(super) fn expr(&mut self, expr: sql::Expr) -> Expr {
        match self.deeper(|lowering| lowering.expr_here(expr)) {
            Some(expr) => expr,
            None => Expr { kind: ExprKind::Unsupported("a deep chain".to_owned()), range: self.range },
        }
    }

    pub(super) fn exprs(&mut self, exprs: Vec<sql::Expr>) -> Vec<Expr> {
        exprs.into_iter().map(|expr| self.expr(expr)).collect()
    }

    fn boxed(&mut self, expr: Box<sql::Expr>) -> Box<Expr> {
        Box::new(self.expr(*expr))
    }

    fn unsupported(&mut self, range: TextRange, what: String) -> Expr {
        self.refuse(range, what.clone());
        Expr { kind: ExprKind::Unsupported(what), range }
    }

    fn expr_here(&mut self, expr: sql::Expr) -> Expr {
        use sql::Expr as E;
        match expr {
            E::Identifier(ident) => self.column(vec![ident]),
            E::CompoundIdentifier(idents) => self.column(idents),
            E::Value(value) => self.value(value),
            E::Nested(inner) => self.expr(*inner),
            E::BinaryOp { left, op, right } => self.binary_chain(left, op, right),
            E::UnaryOp { op, expr } => self.unary(op, expr),
            E::IsNull(inner) => self.test(inner, |expr| ExprKind::IsNull { expr, negated: false }),
            E::IsNotNull(inner) => self.test(inner, |expr| ExprKind::IsNull { expr, negated: true }),
            E::IsTrue(inner) => self.is_bool(inner, Some(true), false),
            E::IsNotTrue(inner) => self.is_bool(inner, Some(true), true),
            E::IsFalse(inner) => self.is_bool(inner, Some(false), false),
            E::IsNotFalse(inner) => self.is_bool(inner, Some(false), true),
            E::IsUnknown(inner) => self.is_bool(inner, None, false),
            E::IsNotUnknown(inner) => self.is_bool(inner, None, true),
            E::IsDistinctFrom(left, right) => self.distinct_from(left, right, false),
            E::IsNotDistinctFrom(left, right) => self.distinct_from(left, right, true),
            E::InList { expr, list, negated } => self.in_list(expr, list, negated),
            E::InSubquery { expr, subquery, negated } => {
                self.operands(Level::Compare, &expr, None);
                let (expr, query) = (self.boxed(expr), Box::new(self.query(*subquery)));
                let range = expr.range.cover(query.range);
                Expr { kind: ExprKind::InSubquery { expr, query, negated }, range }
            }
            E::Between { expr, negated, low, high } => self.between(expr, negated, low, high),
            E::Like { negated, any, expr, pattern, escape_char } => {
                self.absent(!any, self.range, "`LIKE ANY`");
                self.like(expr, pattern, escape_char, negated)
            }
            E::RLike { negated, expr, pattern, regexp: _ } => self.like(expr, pattern, None, negated),
            E::AnyOp { left, compare_op, right, is_some: _ } => {
                self.quantified(left, compare_op, *right, false)
            }
            E::AllOp { left, compare_op, right } => self.quantified(left, compare_op, *right, true),
            E::Exists { subquery, negated } => self.exists(*subquery, negated),
            E::Subquery(query) => {
                let query = Box::new(self.query(*query));
                let range = query.range;
                Expr { kind: ExprKind::Subquery(query), range }
            }
            E::Tuple(items) => {
                let items = self.exprs(items);
                let range = self.covering(&items);
                Expr { kind: ExprKind::Row(items), range }
            }
            E::Case { case_token, end_token, operand, conditions, else_result } => {
                let range = self.place(case_token.0.span).cover(self.place(end_token.0.span));
                self.case(range, operand, conditions, else_result)
            }
            E::Cast { kind, expr, data_type, format } => self.cast(kind, expr, &data_type, format.is_none()),
            E::Collate { expr, collation } => {
                self.operands(Level::Collate, &expr, None);
                let (expr, collation) = (self.boxed(expr), self.object_name(&collation));
                let range = expr.range.cover(collation.range);
                Expr { kind: ExprKind::Collate { expr, collation }, range }
            }
            E::Function(function) => self.function(function),
            E::TypedString(typed) => self.typed_string(typed),
            E::Interval(interval) => self.interval(interval),
            E::Extract { field: _, syntax: _, expr } => self.syntax_call("extract", vec![*expr]),
            E::Ceil { expr, field } => self.rounding("ceil", *expr, &field),
            E::Floor { expr, field } => self.rounding("floor", *expr, &field),
            E::Position { expr, r#in } => {
                let (needle, hay) = (*expr, *r#in);
                self.syntax_call("position", vec![needle, hay])
            }
            // How it was written (`SUBSTR`, commas) changes nothing.
            E::Substring { expr, substring_from, substring_for, special: _, shorthand: _ } => {
                let bounds = substring_from.into_iter().chain(substring_for).map(|bound| *bound);
                self.syntax_call("substring", std::iter::once(*expr).chain(bounds).collect())
            }
            E::Trim { trim_where: _, trim_what, expr, trim_characters } => {
                let what = trim_what.map(|what| *what);
                let args = std::iter::once(*expr).chain(what).chain(trim_characters.into_iter().flatten());
                self.syntax_call("trim", args.collect())
            }
            // Every other form is of another database, or is not modelled: refused, so nothing can slip through here.
            other => {
                let range = self.place(sql::Spanned::span(&other));
                self.unsupported(range, format!("the expression `{}`", shorten(&other.to_string())))
            }
        }
    }

    /// Checks the parser's grouping of an operator and its operands.
    fn operands(&mut self, own: Level, left: &sql::Expr, right: Option<&sql::Expr>) {
        if !grouping::agrees(self.dialect, own, left, right.unwrap_or(left)) {
            let range = self.grouping_place(left);
            self.refuse(range, "operators that may be grouped in another way; add parentheses");
        }
    }

    /// The place of an operand. Finding it walks the operand, so a text full of faults gets no exact places.
    fn grouping_place(&self, operand: &sql::Expr) -> TextRange {
        const EXACT: usize = 20;
        if self.unread.len() < EXACT { self.place(sql::Spanned::span(operand)) } else { self.range }
    }

    fn covering(&self, exprs: &[Expr]) -> TextRange {
        cover_all(exprs.iter().map(|expr| expr.range)).unwrap_or(self.range)
    }

    fn column(&mut self, idents: Vec<sql::Ident>) -> Expr {
        let parts = self.idents(&idents);
        let range = cover_all(parts.iter().map(|part| part.range)).unwrap_or(self.range);
        match parts.as_slice() {
            [only] if !only.quoted && only.text == "default" => Expr { kind: ExprKind::Default, range },
            [] => self.unsupported(range, "an empty name".to_owned()),
            [_, ..] => Expr { kind: ExprKind::Column(parts), range },
        }
    }

    fn value(&mut self, value: sql::ValueWithSpan) -> Expr {
        use sql::Value as V;
        let sql::ValueWithSpan { value, span } = value;
        let range = self.place(span);
        let kind = match value {
            V::Number(number, false) => ExprKind::Number(number),
            V::SingleQuotedString(text) | V::DoubleQuotedString(text) => ExprKind::String(text),
            V::NationalStringLiteral(text) => ExprKind::String(text),
            V::HexStringLiteral(hex) => ExprKind::TypedLiteral(SqlType::Bytes, hex),
            V::Boolean(value) => ExprKind::Bool(value),
            V::Null => ExprKind::Null,
            V::Placeholder(name) => match self.numbers.get(&range.start) {
                Some(number) => ExprKind::Param(*number),
                None => return self.unsupported(range, format!("the placeholder `{name}`")),
            },
            other => return self.unsupported(range, format!("the constant `{other}`")),
        };
        Expr { kind, range }
    }

    /// Walks down the left operands in a loop: chains of `AND` and `+` are as long as a text.
    fn binary_chain(
        &mut self,
        mut left: Box<sql::Expr>,
        mut op: sql::BinaryOperator,
        mut right: Box<sql::Expr>,
    ) -> Expr {
        let mut links = Vec::new();
        loop {
            match grouping::binary(self.dialect, &op) {
                Some(level) => self.operands(level, &left, Some(&right)),
                None => self
                    .refuse(self.place(sql::Spanned::span(right.as_ref())), format!("the operator `{op}`")),
            }
            links.push((op, right));
            match *left {
                sql::Expr::BinaryOp { left: next_left, op: next_op, right: next_right } => {
                    (left, op, right) = (next_left, next_op, next_right);
                }
                first => {
                    let mut whole = self.expr(first);
                    for (op, right) in links.into_iter().rev() {
                        let right = self.expr(*right);
                        whole = self.binary(whole, op, right);
                    }
                    return whole;
                }
            }
        }
    }

    fn binary(&mut self, left: Expr, op: sql::BinaryOperator, right: Expr) -> Expr {
        use sql::BinaryOperator as Op;
        let range = left.range.cover(right.range);
        let (left, right) = (Box::new(left), Box::new(right));
        let op = match op {
            Op::Spaceship => {
                return Expr { kind: ExprKind::IsDistinct { left, right, negated: true }, range };
            }
            Op::Regexp | Op::Glob | Op::Match => {
                let kind = ExprKind::Like { expr: left, pattern: right, escape: None, negated: false };
                return Expr { kind, range };
            }
            Op::And => BinaryOp::And,
            Op::Or => BinaryOp::Or,
            Op::Eq => BinaryOp::Eq,
            Op::NotEq => BinaryOp::NotEq,
            Op::Lt => BinaryOp::Lt,
            Op::LtEq => BinaryOp::LtEq,
            Op::Gt => BinaryOp::Gt,
            Op::GtEq => BinaryOp::GtEq,
            Op::Plus => BinaryOp::Plus,
            Op::Minus => BinaryOp::Minus,
            Op::Multiply => BinaryOp::Multiply,
            Op::Divide => BinaryOp::Divide,
            Op::Modulo => BinaryOp::Modulo,
            Op::StringConcat => BinaryOp::Concat,
            // Those that the grouping does not know were refused on the way down.
            other => BinaryOp::Other(other.to_string()),
        };
        Expr { kind: ExprKind::Binary { op, left, right }, range }
    }

    fn unary(&mut self, op: sql::UnaryOperator, expr: Box<sql::Expr>) -> Expr {
        use sql::UnaryOperator as Op;
        let (own, op) = match op {
            Op::Not => (Level::Not, UnaryOp::Not),
            Op::Minus => (Level::Unary, UnaryOp::Minus),
            Op::Plus => (Level::Unary, UnaryOp::Plus),
            Op::BitwiseNot => (Level::Unary, UnaryOp::Other("~".to_owned())),
            other => {
                self.refuse(self.range, format!("the operator `{other}`"));
                (Level::Unary, UnaryOp::Other(other.to_string()))
            }
        };
        if grouping::level(self.dialect, &expr) < own {
            let range = self.grouping_place(&expr);
            self.refuse(range, "operators that may be grouped in another way; add parentheses");
        }
        let expr = self.boxed(expr);
        let range = expr.range;
        Expr { kind: ExprKind::Unary { op, expr }, range }
    }

    fn test(&mut self, inner: Box<sql::Expr>, kind: impl FnOnce(Box<Expr>) -> ExprKind) -> Expr {
        self.operands(Level::Compare, &inner, None);
        let inner = self.boxed(inner);
        let range = inner.range;
        Expr { kind: kind(inner), range }
    }

    fn is_bool(&mut self, inner: Box<sql::Expr>, test: Option<bool>, negated: bool) -> Expr {
        self.test(inner, |expr| ExprKind::IsBool { expr, test, negated })
    }

    fn distinct_from(&mut self, left: Box<sql::Expr>, right: Box<sql::Expr>, negated: bool) -> Expr {
        self.operands(Level::Compare, &left, Some(&right));
        let (left, right) = (self.boxed(left), self.boxed(right));
        let range = left.range.cover(right.range);
        Expr { kind: ExprKind::IsDistinct { left, right, negated }, range }
    }

    fn in_list(&mut self, expr: Box<sql::Expr>, list: Vec<sql::Expr>, negated: bool) -> Expr {
        self.operands(Level::Compare, &expr, None);
        let (expr, list) = (self.boxed(expr), self.exprs(list));
        let range =
            cover_all(list.iter().map(|item| item.range)).map_or(expr.range, |all| all.cover(expr.range));
        if list.is_empty() {
            return self.unsupported(range, "an empty list after IN".to_owned());
        }
        Expr { kind: ExprKind::InList { expr, list, negated }, range }
    }

    fn between(
        &mut self,
        expr: Box<sql::Expr>,
        negated: bool,
        low: Box<sql::Expr>,
        high: Box<sql::Expr>,
    ) -> Expr {
        self.operands(Level::Compare, &expr, Some(&low));
        self.operands(Level::Compare, &high, None);
        let (expr, low, high) = (self.boxed(expr), self.boxed(low), self.boxed(high));
        let range = expr.range.cover(low.range).cover(high.range);
        Expr { kind: ExprKind::Between { expr, low, high, negated, symmetric: false }, range }
    }

    fn like(
        &mut self,
        expr: Box<sql::Expr>,
        pattern: Box<sql::Expr>,
        escape: Option<Box<sql::Expr>>,
        negated: bool,
    ) -> Expr {
        self.operands(Level::Compare, &expr, Some(&pattern));
        let simple =
            self.dialect == Dialect::Sqlite || grouping::level(self.dialect, &pattern) >= Level::Unary;
        self.absent(simple, self.range, "a pattern that is no simple expression; add parentheses");
        if let Some(escape) = &escape {
            self.operands(Level::Compare, escape, None);
        }
        let (expr, pattern) = (self.boxed(expr), self.boxed(pattern));
        let escape = escape.map(|escape| self.boxed(escape));
        let range = expr.range.cover(pattern.range);
        Expr { kind: ExprKind::Like { expr, pattern, escape, negated }, range }
    }

    fn quantified(
        &mut self,
        left: Box<sql::Expr>,
        op: sql::BinaryOperator,
        right: sql::Expr,
        all: bool,
    ) -> Expr {
        use sql::BinaryOperator as Op;
        self.operands(Level::Compare, &left, None);
        let op = match op {
            Op::Eq => BinaryOp::Eq,
            Op::NotEq => BinaryOp::NotEq,
            Op::Lt => BinaryOp::Lt,
            Op::LtEq => BinaryOp::LtEq,
            Op::Gt => BinaryOp::Gt,
            Op::GtEq => BinaryOp::GtEq,
            other => {
                return self.unsupported(self.range, format!("the operator `{other}` before ANY or ALL"));
            }
        };
        let left = self.boxed(left);
        match right {
            sql::Expr::Subquery(query) => {
                let query = Box::new(self.query(*query));
                let range = left.range.cover(query.range);
                Expr { kind: ExprKind::QuantifiedSubquery { left, op, all, query }, range }
            }
            // Of these databases none has arrays: so a query builder's list is written, which it binds value by value.
            list @ sql::Expr::Value(sql::ValueWithSpan { value: sql::Value::Placeholder(_), .. }) => {
                let array = self.boxed(Box::new(list));
                let range = left.range.cover(array.range);
                Expr { kind: ExprKind::QuantifiedArray { left, op, all, array }, range }
            }
            other => {
                self.unsupported(left.range, format!("ANY or ALL over `{}`", shorten(&other.to_string())))
            }
        }
    }

    fn exists(&mut self, query: sql::Query, negated: bool) -> Expr {
        let query: Box<Query> = Box::new(self.query(query));
        let range = query.range;
        let exists = Expr { kind: ExprKind::Exists(query), range };
        if !negated {
            return exists;
        }
        Expr { kind: ExprKind::Unary { op: UnaryOp::Not, expr: Box::new(exists) }, range }
    }

    fn case(
        &mut self,
        range: TextRange,
        operand: Option<Box<sql::Expr>>,
        conditions: Vec<sql::CaseWhen>,
        otherwise: Option<Box<sql::Expr>>,
    ) -> Expr {
        let operand = operand.map(|operand| self.boxed(operand));
        let mut arms = Vec::with_capacity(conditions.len());
        for sql::CaseWhen { condition, result } in conditions {
            arms.push((self.expr(condition), self.expr(result)));
        }
        let otherwise = otherwise.map(|otherwise| self.boxed(otherwise));
        Expr { kind: ExprKind::Case { operand, arms, otherwise }, range }
    }

    /// Both databases answer a bad value with another one (NULL, 0) instead of an error.
    fn cast(&mut self, kind: sql::CastKind, expr: Box<sql::Expr>, ty: &sql::DataType, plain: bool) -> Expr {
        let expr = self.boxed(expr);
        let range = expr.range;
        self.absent(plain, range, "`FORMAT` of a cast");
        match kind {
            sql::CastKind::Cast => {}
            sql::CastKind::TryCast | sql::CastKind::SafeCast | sql::CastKind::DoubleColon => {
                self.refuse(range, "a cast of another database");
            }
        }
        Expr { kind: ExprKind::Cast { expr, ty: sql_type(ty), fallible: true }, range }
    }

    fn typed_string(&mut self, typed: sql::TypedString) -> Expr {
        let sql::TypedString { data_type, value, uses_odbc_syntax } = typed;
        let sql::ValueWithSpan { value, span } = value;
        let range = self.place(span);
        self.absent(!uses_odbc_syntax, range, "the syntax of ODBC");
        match value {
            sql::Value::SingleQuotedString(text) => {
                Expr { kind: ExprKind::TypedLiteral(sql_type(&data_type), text), range }
            }
            other => self.unsupported(range, format!("the constant `{other}`")),
        }
    }

    fn interval(&mut self, interval: sql::Interval) -> Expr {
        let sql::Interval {
            value,
            leading_field,
            leading_precision,
            last_field,
            fractional_seconds_precision,
        } = interval;
        if grouping::level(self.dialect, &value) < Level::Unary || self.dialect != Dialect::Mysql {
            self.refuse(self.range, "an interval of an expression");
        }
        let plain =
            leading_precision.is_none() && last_field.is_none() && fractional_seconds_precision.is_none();
        self.absent(plain, self.range, "the precision of an interval");
        let unit = leading_field.map_or_else(String::new, |unit| unit.to_string());
        self.absent(!unit.is_empty(), self.range, "an interval without a unit");
        let value = self.expr(*value);
        let range = value.range;
        if let ExprKind::Number(text) | ExprKind::String(text) = &value.kind {
            return Expr { kind: ExprKind::TypedLiteral(SqlType::Temporal, format!("{text} {unit}")), range };
        }
        self.call_of("interval", range, vec![value])
    }

    fn rounding(&mut self, name: &str, expr: sql::Expr, field: &sql::CeilFloorKind) -> Expr {
        match field {
            sql::CeilFloorKind::DateTimeField(sql::DateTimeField::NoDateTime) => {}
            sql::CeilFloorKind::DateTimeField(_) | sql::CeilFloorKind::Scale(_) => {
                self.refuse(self.range, format!("the second argument of `{name}`"));
            }
        }
        self.syntax_call(name, vec![expr])
    }

    fn syntax_call(&mut self, name: &str, args: Vec<sql::Expr>) -> Expr {
        let args = self.exprs(args);
        let range = self.covering(&args);
        self.call_of(name, range, args)
    }

    fn call_of(&self, name: &str, range: TextRange, args: Vec<Expr>) -> Expr {
        let part = crate::ast::Ident { text: name.to_owned(), quoted: false, range };
        let call = Call::new(ObjectName { parts: vec![part], range }, args);
        Expr { kind: ExprKind::Call(Box::new(call)), range }
    }

    pub(super) fn function(&mut self, function: sql::Function) -> Expr {
        let sql::Function {
            name,
            uses_odbc_syntax,
            parameters,
            args,
            within_group,
            filter,
            null_treatment,
            over,
        } = function;
        let name = self.object_name(&name);
        let mut range = name.range;
        self.absent(!uses_odbc_syntax, range, "the syntax of ODBC");
        self.absent(matches!(parameters, sql::FunctionArguments::None), range, "parameters of a function");
        self.absent(null_treatment.is_none(), range, "`IGNORE NULLS` or `RESPECT NULLS`");
        let mut call = Call {
            name,
            args: Vec::new(),
            names: Vec::new(),
            star: false,
            distinct: false,
            irregular: false,
            order_by: Vec::new(),
            within_group: self.order_items(within_group),
            filter: filter.map(|filter| self.expr(*filter)),
            over: over.map(|over| self.over(over)),
        };
        match args {
            sql::FunctionArguments::None => {}
            sql::FunctionArguments::Subquery(query) => {
                let query = Box::new(self.query(*query));
                let range = query.range;
                call.args.push(Expr { kind: ExprKind::Subquery(query), range });
            }
            sql::FunctionArguments::List(list) => self.arguments(&mut call, list),
        }
        if let Some(args) = cover_all(call.args.iter().map(|arg| arg.range)) {
            range = range.cover(args);
        }
        match self.proposed(&call, range) {
            Some(column) => column,
            None => Expr { kind: ExprKind::Call(Box::new(call)), range },
        }
    }

    /// `VALUES(column)` in `ON DUPLICATE KEY UPDATE` is the proposed row's column; nowhere else is it anything.
    fn proposed(&mut self, call: &Call, range: TextRange) -> Option<Expr> {
        let [name] = call.name.parts.as_slice() else { return None };
        if name.quoted || name.text != "values" {
            return None;
        }
        let column = match call.args.as_slice() {
            [Expr { kind: ExprKind::Column(parts), range: _ }] => parts.last().cloned(),
            _ => None,
        };
        match column {
            Some(column) if self.in_upsert && self.dialect == Dialect::Mysql => {
                let row = crate::ast::Ident { text: "excluded".to_owned(), quoted: false, range: name.range };
                Some(Expr { kind: ExprKind::Column(vec![row, column]), range })
            }
            Some(_) | None => Some(self.unsupported(range, "`VALUES(…)` as an expression".to_owned())),
        }
    }

    fn arguments(&mut self, call: &mut Call, list: sql::FunctionArgumentList) {
        let sql::FunctionArgumentList { duplicate_treatment, args, clauses } = list;
        call.distinct = match duplicate_treatment {
            Some(sql::DuplicateTreatment::Distinct) => true,
            Some(sql::DuplicateTreatment::All) | None => false,
        };
        for arg in args {
            match arg {
                sql::FunctionArg::Unnamed(sql::FunctionArgExpr::Expr(expr)) => {
                    call.args.push(self.expr(expr))
                }
                sql::FunctionArg::Unnamed(sql::FunctionArgExpr::Wildcard) => call.star = true,
                other => self.refuse(call.name.range, format!("the argument `{other}`")),
            }
        }
        for clause in clauses {
            match clause {
                sql::FunctionArgumentClause::OrderBy(items) => call.order_by.extend(self.order_items(items)),
                // A constant between the values of GROUP_CONCAT.
                sql::FunctionArgumentClause::Separator(_) => {}
                other => self.refuse(call.name.range, format!("the clause `{other}` of a call")),
            }
        }
    }

    fn over(&mut self, over: sql::WindowType) -> Over {
        match over {
            sql::WindowType::NamedWindow(name) => Over::Name(self.ident(&name)),
            sql::WindowType::WindowSpec(spec) => Over::Spec(self.window(spec)),
        }
    }

    pub(super) fn window(&mut self, spec: sql::WindowSpec) -> WindowSpec {
        let sql::WindowSpec { window_name, partition_by, order_by, window_frame } = spec;
        let mut frame = Vec::new();
        // Rows, range or groups: a frame stays inside its partition whatever it counts.
        if let Some(sql::WindowFrame { units: _, start_bound, end_bound }) = window_frame {
            for bound in std::iter::once(start_bound).chain(end_bound) {
                match bound {
                    sql::WindowFrameBound::CurrentRow => {}
                    sql::WindowFrameBound::Preceding(bound) | sql::WindowFrameBound::Following(bound) => {
                        frame.extend(bound.map(|bound| self.expr(*bound)));
                    }
                }
            }
        }
        WindowSpec {
            base: window_name.map(|name| self.ident(&name)),
            partition_by: self.exprs(partition_by),
            order_by: self.order_items(order_by),
            frame,
        }
    }

    pub(super) fn order_items(&mut self, items: Vec<sql::OrderByExpr>) -> Vec<OrderBy> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            // The direction, and where NULLs go, change no set of rows; LIMIT is judged without them.
            let sql::OrderByExpr {
                expr,
                options: sql::OrderByOptions { sort: _, nulls_first: _ },
                with_fill,
            } = item;
            let expr = self.expr(expr);
            self.absent(with_fill.is_none(), expr.range, "`WITH FILL`");
            out.push(OrderBy { expr });
        }
        out
    }
}

/// A type by its name and first modifier as the parser prints them.
fn sql_type(ty: &sql::DataType) -> SqlType {
    let text = ty.to_string();
    let (name, rest) = text.split_once('(').unwrap_or((&text, ""));
    let length = rest.split([',', ')', ' ']).next().and_then(|digits| digits.parse().ok());
    SqlType::from_name(name.trim(), length)
}
