//! Expressions.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, BinaryOp, UnaryOp};
use crate::plan::{ArithmeticOp, CompareOp, Expr, ExprKind, Rel, Subquery, SubqueryUsage};
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::functions::{self, Operator};
use super::scope::{Gaps, Stage};
use super::{Binder, MAX_DEPTH, types};

impl Binder<'_> {
    /// Binds an expression in the innermost scope.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Expr {
        if self.depth >= MAX_DEPTH {
            self.limit(expr.range, "the statement is nested too deeply");
            return self.opaque(Vec::new(), expr.range);
        }
        self.depth += 1;
        let bound = self.expr_inner(expr);
        self.depth -= 1;
        bound
    }

    /// A condition: a bare placeholder in it is a boolean.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Expr {
        let bound = self.expr(expr);
        self.note(&bound, &SqlType::Bool);
        bound
    }

    /// `$n` in the body of a function.
    fn argument(&mut self, number: u32, range: TextRange) -> Expr {
        let at = (number as usize).checked_sub(1);
        let id = self.arguments.last().and_then(|ids| ids.get(at?)).copied();
        match id {
            Some(id) => self.column_expr(id, range),
            None => {
                self.obstacle(
                    ObstacleKind::UnknownColumn,
                    range,
                    format!("the function has no parameter {number}"),
                );
                self.opaque(Vec::new(), range)
            }
        }
    }

    /// `$n`, which in the body of a function is a variable.
    fn placeholder(&mut self, number: u32, range: TextRange) -> Expr {
        #[cfg(feature = "postgres")]
        if let Some(variable) = self.numbered_variable(number, range) {
            return variable;
        }
        self.make(ExprKind::Param(number), SqlType::Unknown, range)
    }

    fn exprs(&mut self, exprs: &[ast::Expr]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.expr(expr)).collect()
    }

    fn boolean(&self, kind: ExprKind, range: TextRange) -> Expr {
        self.make(kind, SqlType::Bool, range)
    }

    fn negated_if(&self, negated: bool, expr: Expr) -> Expr {
        if !negated {
            return expr;
        }
        let range = expr.range;
        Expr { kind: ExprKind::Not(Box::new(expr)), ty: SqlType::Bool, range }
    }

    fn expr_inner(&mut self, expr: &ast::Expr) -> Expr {
        let range = expr.range;
        match &expr.kind {
            ast::ExprKind::Column(parts) => self.column(parts, range),
            ast::ExprKind::Param(number) if !self.arguments.is_empty() => self.argument(*number, range),
            ast::ExprKind::Param(number) => self.placeholder(*number, range),
            ast::ExprKind::Null => self.make(ExprKind::Null, SqlType::Unknown, range),
            ast::ExprKind::Bool(value) => self.boolean(ExprKind::Bool(*value), range),
            ast::ExprKind::Number(text) => {
                self.make(ExprKind::Number(text.clone()), number_type(text), range)
            }
            ast::ExprKind::String(text) => self.make(ExprKind::String(text.clone()), SqlType::Unknown, range),
            ast::ExprKind::TypedLiteral(ty, text) => {
                let ty = self.catalog.resolve_type(ty);
                self.make(ExprKind::String(text.clone()), ty, range)
            }
            ast::ExprKind::Binary { op: BinaryOp::And | BinaryOp::Or, .. } => self.chain(expr),
            ast::ExprKind::Binary { op, left, right } if self.tells_inserted(op, left, right) => {
                self.boolean(ExprKind::Pure { name: "inserted".to_owned(), args: Vec::new() }, range)
            }
            ast::ExprKind::Binary { op, left, right } => {
                let op = &catalog_operator(op);
                let left = self.expr(left);
                let right = match (&left.kind, &right.kind) {
                    (ExprKind::Row(items), ast::ExprKind::Subquery(query)) if comparison(op).is_some() => {
                        self.row_subquery(query, items.len(), right.range)
                    }
                    _ => self.expr(right),
                };
                self.binary(op, left, right, range)
            }
            ast::ExprKind::Unary { op, expr } => self.unary(op, expr, range),
            ast::ExprKind::IsNull { expr, negated } => {
                let inner = self.expr(expr);
                let test = self.boolean(ExprKind::IsNull(Box::new(inner)), range);
                self.negated_if(*negated, test)
            }
            ast::ExprKind::IsBool { expr, test, negated } => {
                let inner = self.condition(expr);
                let bound = self.boolean(ExprKind::IsBool(Box::new(inner), *test), range);
                self.negated_if(*negated, bound)
            }
            ast::ExprKind::IsDistinct { left, right, negated } => {
                let (left, right) = (self.expr(left), self.expr(right));
                self.note_pair(&left, &right);
                let bound = if self.own_equality(&left, &right, range) {
                    ExprKind::NotDistinct(Box::new(left), Box::new(right))
                } else {
                    ExprKind::Opaque(vec![left, right])
                };
                let bound = self.boolean(bound, range);
                self.negated_if(!*negated, bound)
            }
            ast::ExprKind::InList { expr, list, negated } => {
                let bound = self.in_list(expr, list, range);
                self.negated_if(*negated, bound)
            }
            ast::ExprKind::InSubquery { expr, query, negated } => {
                let bound = self.quantified_subquery(expr, &BinaryOp::Eq, false, query, range);
                self.negated_if(*negated, bound)
            }
            ast::ExprKind::Between { expr, low, high, negated, symmetric } => {
                let bound = self.between([expr, low, high], *symmetric, range);
                self.negated_if(*negated, bound)
            }
            ast::ExprKind::Like { expr, pattern, escape, negated } => {
                let mut parts = vec![self.expr(expr), self.expr(pattern)];
                if let Some(escape) = escape {
                    parts.push(self.expr(escape));
                }
                parts.iter().for_each(|part| self.note(part, &SqlType::Text));
                let bound = ExprKind::StrictPredicate { op: String::new(), operands: parts };
                let bound = self.boolean(bound, range);
                self.negated_if(*negated, bound)
            }
            ast::ExprKind::QuantifiedArray { left, op, all, array } => {
                self.quantified_array(left, op, *all, array, range)
            }
            ast::ExprKind::QuantifiedSubquery { left, op, all, query } => {
                self.quantified_subquery(left, op, *all, query, range)
            }
            ast::ExprKind::Exists(query) => {
                let (rel, ..) = self.sub_query(query);
                self.may_be_unused = true;
                let subquery = Subquery { usage: SubqueryUsage::Exists, rel };
                self.boolean(ExprKind::Subquery(Box::new(subquery)), range)
            }
            ast::ExprKind::Subquery(query) => self.value_subquery(query, SubqueryUsage::Scalar, range),
            ast::ExprKind::ArraySubquery(query) => self.value_subquery(query, SubqueryUsage::Array, range),
            ast::ExprKind::Row(items) => {
                let items = self.exprs(items);
                self.make(ExprKind::Row(items), SqlType::Named("record".to_owned()), range)
            }
            ast::ExprKind::Array(items) => {
                let items = self.exprs(items);
                self.note_together(&items);
                let ty = match types::unify_exprs(&items) {
                    SqlType::Unknown => SqlType::Unknown,
                    element => SqlType::Array(Box::new(element)),
                };
                self.make(ExprKind::Array(items), ty, range)
            }
            ast::ExprKind::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref(), range)
            }
            ast::ExprKind::Cast { expr, ty, fallible } => {
                self.made(ty, range);
                let ty = self.catalog.resolve_type(ty);
                self.cast_types.push(ty.clone());
                let inner = self.expr(expr);
                self.note(&inner, &ty);
                // A cast that gives NULL instead of an error is not injective where it fails.
                let kind = match fallible {
                    true => ExprKind::Pure { name: "try_cast".to_owned(), args: vec![inner] },
                    false => ExprKind::Cast(Box::new(inner)),
                };
                self.make(kind, ty, range)
            }
            ast::ExprKind::Collate { expr, collation } => {
                let inner = self.expr(expr);
                let ty = inner.ty.clone();
                let exact = self.is_deterministic(collation);
                self.loose_collation |= !exact;
                self.make(ExprKind::Collate(Box::new(inner), exact), ty, range)
            }
            ast::ExprKind::Call(call) => self.call(call, range),
            ast::ExprKind::Field { expr, field } => self.field(expr, field, range),
            ast::ExprKind::Subscript { expr, bounds } => {
                let inner = self.expr(expr);
                let ty = types::element(&inner.ty);
                let mut args = vec![inner];
                args.extend(self.exprs(bounds));
                self.make(ExprKind::Pure { name: "subscript".to_owned(), args }, ty, range)
            }
            ast::ExprKind::Default => self.make(ExprKind::Default, SqlType::Unknown, range),
            ast::ExprKind::Unsupported(what) => {
                self.unmodelled(range, what.clone());
                self.opaque(Vec::new(), range)
            }
        }
    }

    fn is_deterministic(&self, collation: &ast::ObjectName) -> bool {
        let name = collation.parts.last().map_or("", |part| part.text.as_str());
        match self.dialect {
            Dialect::Postgres => !self.catalog.nondeterministic_collations.iter().any(|known| known == name),
            Dialect::Mysql => name.to_ascii_lowercase().ends_with("_bin"),
            Dialect::Sqlite => name.eq_ignore_ascii_case("binary"),
        }
    }

    // ---- operators ----

    /// `AND` and `OR`: chains of one operator become one list, without recursion along the chain.
    fn chain(&mut self, expr: &ast::Expr) -> Expr {
        let ast::ExprKind::Binary { op: wanted, .. } = &expr.kind else { return self.expr(expr) };
        let mut operands = Vec::new();
        let mut pending = vec![expr];
        while let Some(next) = pending.pop() {
            match &next.kind {
                ast::ExprKind::Binary { op, left, right } if op == wanted => {
                    pending.push(right);
                    pending.push(left);
                }
                _ => operands.push(self.condition(next)),
            }
        }
        let kind = if *wanted == BinaryOp::And { ExprKind::And(operands) } else { ExprKind::Or(operands) };
        self.boolean(kind, expr.range)
    }

    fn binary(&mut self, op: &BinaryOp, left: Expr, right: Expr, range: TextRange) -> Expr {
        if let Some(op) = comparison(op) {
            return self.compare(op, left, right, range);
        }
        let (left_ty, right_ty) = (left.ty.clone(), right.ty.clone());
        match op {
            BinaryOp::Concat => self.concat(left, right, range),
            BinaryOp::Other(op) => self.other_operator(op, vec![left, right], range),
            BinaryOp::Qualified(op) => {
                self.unmodelled(range, format!("`{op}`"));
                self.opaque(vec![left, right], range)
            }
            op => {
                self.note_pair(&left, &right);
                let number = |ty: &SqlType| {
                    matches!(ty, SqlType::Int | SqlType::Numeric | SqlType::Float | SqlType::Unknown)
                };
                match arithmetic(op) {
                    Some(op) if number(&left_ty) && number(&right_ty) => {
                        let ty = types::unify_exprs([&left, &right]);
                        let (left, right) = (Box::new(left), Box::new(right));
                        self.make(ExprKind::Arithmetic { op, left, right }, ty, range)
                    }
                    _ => {
                        let ty = if left_ty == right_ty && left_ty != SqlType::Temporal {
                            left_ty
                        } else {
                            SqlType::Unknown
                        };
                        let ty = match (&ty, &right_ty) {
                            (SqlType::Unknown, SqlType::Temporal) if left.ty == SqlType::Temporal => {
                                SqlType::Temporal
                            }
                            _ => ty,
                        };
                        let name = format!("{op:?}").to_ascii_lowercase();
                        self.make(ExprKind::Pure { name, args: vec![left, right] }, ty, range)
                    }
                }
            }
        }
    }

    fn concat(&mut self, left: Expr, right: Expr, range: TextRange) -> Expr {
        let text = |expr: &Expr| matches!(expr.ty, SqlType::Text | SqlType::VarcharN(_));
        let loose = |expr: &Expr| expr.ty == SqlType::Unknown && types::adapts(expr);
        // Two untyped operands are text as well: PostgreSQL prefers that type for an unknown literal (manual, 10.2).
        let literal = |expr: &Expr| matches!(expr.kind, ExprKind::String(_));
        let untyped = loose(&left) && loose(&right) && (literal(&left) || literal(&right));
        let is_text =
            untyped || (text(&left) && (text(&right) || loose(&right))) || (loose(&left) && text(&right));
        if is_text {
            self.note(&left, &SqlType::Text);
            self.note(&right, &SqlType::Text);
            return self.make(ExprKind::Concat(Box::new(left), Box::new(right)), SqlType::Text, range);
        }
        // `text || anynonarray` writes the other value out (manual, table 9.9).
        let spelled = |expr: &Expr| matches!(expr.ty, SqlType::Int | SqlType::Numeric | SqlType::Uuid);
        if (text(&left) && spelled(&right)) || (spelled(&left) && text(&right)) {
            let [left, right] = [left, right].map(|side| {
                if text(&side) {
                    return side;
                }
                let place = side.range;
                self.make(ExprKind::Cast(Box::new(side)), SqlType::Text, place)
            });
            return self.make(ExprKind::Concat(Box::new(left), Box::new(right)), SqlType::Text, range);
        }
        self.note_pair(&left, &right);
        let ty = if left.ty == right.ty { left.ty.clone() } else { SqlType::Unknown };
        self.make(ExprKind::Pure { name: "||".to_owned(), args: vec![left, right] }, ty, range)
    }

    fn other_operator(&mut self, op: &str, operands: Vec<Expr>, range: TextRange) -> Expr {
        let mut defined = self.catalog.operators.iter().map(|own| own.what.as_str());
        let user_defined = defined.any(|known| known.starts_with("operator") && known.ends_with(op));
        match functions::operator(op) {
            Some(Operator::Predicate) if !user_defined => {
                self.note_operands(&operands);
                self.boolean(ExprKind::StrictPredicate { op: op.to_owned(), operands }, range)
            }
            Some(Operator::Value(result)) if !user_defined => {
                self.note_operands(&operands);
                let ty = result.of(operands.first().map(|first| &first.ty));
                self.make(ExprKind::Pure { name: op.to_owned(), args: operands }, ty, range)
            }
            _ => {
                self.obstacle(
                    ObstacleKind::UnknownFunction,
                    range,
                    format!("the operator `{op}` is not known"),
                );
                self.opaque(operands, range)
            }
        }
    }

    /// The operand types of these operators are not looked up, so they say only that the placeholder is used.
    fn note_operands(&mut self, operands: &[Expr]) {
        operands.iter().for_each(|operand| self.note(operand, &SqlType::Unknown));
    }

    fn unary(&mut self, op: &UnaryOp, operand: &ast::Expr, range: TextRange) -> Expr {
        match op {
            UnaryOp::Not => {
                let inner = self.condition(operand);
                self.boolean(ExprKind::Not(Box::new(inner)), range)
            }
            UnaryOp::Plus => self.expr(operand),
            UnaryOp::Minus => {
                let inner = self.expr(operand);
                let ty = inner.ty.clone();
                self.make(ExprKind::Negate(Box::new(inner)), ty, range)
            }
            UnaryOp::Other(op) => {
                let inner = self.expr(operand);
                let bound = self.other_operator(op, vec![inner], range);
                // As a prefix none of them is a predicate, except `!!` of text search, which is a value too.
                match bound.kind {
                    ExprKind::StrictPredicate { operands: args, .. } => {
                        self.make(ExprKind::Pure { name: op.clone(), args }, SqlType::Unknown, range)
                    }
                    _ => bound,
                }
            }
        }
    }

    /// A comparison. Where the schema defines operators, those on types of its own may mean anything.
    pub(super) fn compare(&mut self, op: CompareOp, left: Expr, right: Expr, range: TextRange) -> Expr {
        self.note_pair(&left, &right);
        if !self.own_equality(&left, &right, range) {
            let parts = vec![left, right];
            return self.make(ExprKind::Opaque(parts), SqlType::Bool, range);
        }
        self.boolean(ExprKind::Compare { op, left: Box::new(left), right: Box::new(right) }, range)
    }

    fn own_equality(&mut self, left: &Expr, right: &Expr, range: TextRange) -> bool {
        // Aggregates are in the list too; they do not change what `=` means.
        let mut defined = self.catalog.operators.iter().map(|own| &own.what);
        let Some(operator) = defined.find(|known| !known.starts_with("aggregate")) else { return true };
        let named = |ty: &SqlType| matches!(ty, SqlType::Named(name) if name != "record");
        let alike = left.ty == right.ty || types::adapts(left) || types::adapts(right);
        if alike && !named(&left.ty) && !named(&right.ty) {
            return true;
        }
        let message =
            format!("the schema defines its own (`{operator}`), so this comparison may mean anything");
        self.obstacle(ObstacleKind::UnknownFunction, range, message);
        false
    }

    fn in_list(&mut self, expr: &ast::Expr, list: &[ast::Expr], range: TextRange) -> Expr {
        let operand = self.expr(expr);
        let list = self.exprs(list);
        let ty = types::unify_exprs(std::iter::once(&operand).chain(&list));
        for item in &list {
            self.note_pair(&operand, item);
            self.note(item, &ty);
        }
        let own = list.iter().all(|item| self.own_equality(&operand, item, range));
        if !own {
            let mut parts = list;
            parts.push(operand);
            return self.make(ExprKind::Opaque(parts), SqlType::Bool, range);
        }
        self.boolean(ExprKind::InList(Box::new(operand), list), range)
    }

    fn between(&mut self, [expr, low, high]: [&ast::Expr; 3], symmetric: bool, range: TextRange) -> Expr {
        let (operand, low, high) = (self.expr(expr), self.expr(low), self.expr(high));
        let backward = symmetric.then(|| self.bounded(&operand, &high, &low, range));
        let forward = self.bounded(&operand, &low, &high, range);
        match backward {
            // PostgreSQL reads it so as well: one order of the bounds or the other.
            Some(backward) => self.boolean(ExprKind::Or(vec![forward, backward]), range),
            None => forward,
        }
    }

    fn bounded(&mut self, operand: &Expr, low: &Expr, high: &Expr, range: TextRange) -> Expr {
        let from = self.compare(CompareOp::GtEq, operand.clone(), low.clone(), range);
        let to = self.compare(CompareOp::LtEq, operand.clone(), high.clone(), range);
        self.boolean(ExprKind::And(vec![from, to]), range)
    }

    fn quantified_array(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOp,
        all: bool,
        array: &ast::Expr,
        range: TextRange,
    ) -> Expr {
        let (left, array) = (self.expr(left), self.expr(array));
        let op = &catalog_operator(op);
        let compare = comparison(op);
        if compare.is_some() {
            self.note(&left, &types::element(&array.ty));
            let wanted = match &left.ty {
                SqlType::Unknown => SqlType::Unknown,
                ty => SqlType::Array(Box::new(ty.clone())),
            };
            self.note(&array, &wanted);
        } else {
            self.note_operands(std::slice::from_ref(&array));
            self.note_operands(std::slice::from_ref(&left));
        }
        if !self.known_operator(op, range) || !self.own_equality(&left, &array, range) {
            return self.make(ExprKind::Opaque(vec![left, array]), SqlType::Bool, range);
        }
        match self.rows_of_array(array, compare.is_some()) {
            Ok(rel) => {
                let usage = match all {
                    true => SubqueryUsage::All(vec![left], compare),
                    false => SubqueryUsage::Any(vec![left], compare),
                };
                self.boolean(ExprKind::Subquery(Box::new(Subquery { usage, rel })), range)
            }
            Err(array) => {
                let array = Box::new(array);
                self.boolean(ExprKind::Quantified { left: Box::new(left), op: compare, all, array }, range)
            }
        }
    }

    /// The rows whose only column `ARRAY(…)` collects: to compare with each element is to compare with each row, NULLs and
    /// none at all included. Not where the column is an array itself, whose elements then are the elements.
    fn rows_of_array(&self, array: Expr, is_comparison: bool) -> Result<Rel, Expr> {
        let plain = match &array.ty {
            SqlType::Array(element) => {
                !matches!(**element, SqlType::Array(_) | SqlType::Unknown | SqlType::Named(_))
            }
            _ => false,
        };
        match array.kind {
            ExprKind::Subquery(subquery)
                if is_comparison && plain && matches!(subquery.usage, SubqueryUsage::Array) =>
            {
                Ok(subquery.rel)
            }
            _ => Err(array),
        }
    }

    fn known_operator(&mut self, op: &BinaryOp, range: TextRange) -> bool {
        let name = match op {
            op if comparison(op).is_some() => return true,
            BinaryOp::Other(name) if functions::operator(name) == Some(Operator::Predicate) => return true,
            // LIKE ANY and the like are lowered to their words.
            BinaryOp::Other(name)
                if matches!(
                    name.to_ascii_uppercase().as_str(),
                    "LIKE" | "ILIKE" | "NOT LIKE" | "NOT ILIKE"
                ) =>
            {
                return true;
            }
            BinaryOp::Other(name) | BinaryOp::Qualified(name) => name.clone(),
            op => format!("{op:?}"),
        };
        self.obstacle(ObstacleKind::UnknownFunction, range, format!("the operator `{name}` is not known"));
        false
    }

    // ---- subqueries ----

    fn quantified_subquery(
        &mut self,
        left: &ast::Expr,
        op: &BinaryOp,
        all: bool,
        query: &ast::Query,
        range: TextRange,
    ) -> Expr {
        let operand = self.expr(left);
        let operands = match operand.kind {
            ExprKind::Row(items) => items,
            _ => vec![operand],
        };
        let (rel, columns, gaps) = self.sub_query(query);
        self.may_be_unused = true;
        if columns.len() != operands.len() {
            if gaps == Gaps::None {
                self.obstacle(
                    ObstacleKind::Syntax,
                    range,
                    "the subquery has another number of columns than its operand",
                );
            }
            return self.opaque(operands, range);
        }
        let op = &catalog_operator(op);
        let compare = comparison(op);
        let mut own = self.known_operator(op, range);
        for (operand, column) in operands.iter().zip(&columns) {
            let column = self.column_expr(column.id, range);
            if compare.is_some() {
                self.note(operand, &column.ty);
            }
            own &= self.own_equality(operand, &column, range);
        }
        let usage = match all {
            true => SubqueryUsage::All(operands, compare),
            false => SubqueryUsage::Any(operands, compare),
        };
        let subquery = self.boolean(ExprKind::Subquery(Box::new(Subquery { usage, rel })), range);
        match own {
            true => subquery,
            false => self.make(ExprKind::Opaque(vec![subquery]), SqlType::Bool, range),
        }
    }

    /// `xmax = 0` of a row that was just written says whether it was inserted or was there before, which the arbiter decides.
    /// The number itself would tell how much the whole installation has done.
    fn tells_inserted(&self, op: &BinaryOp, left: &ast::Expr, right: &ast::Expr) -> bool {
        let is_zero = match &right.kind {
            ast::ExprKind::Number(text) | ast::ExprKind::String(text) => text == "0",
            _ => false,
        };
        let compares = matches!(op, BinaryOp::Eq | BinaryOp::NotEq | BinaryOp::Gt);
        let own = self.new_row_scope == Some(self.scopes.len());
        self.dialect == Dialect::Postgres && own && compares && is_zero && is_xmax(left)
    }

    /// A subquery whose one row is compared with a row of values: each of its columns as a value.
    fn row_subquery(&mut self, query: &ast::Query, count: usize, range: TextRange) -> Expr {
        if count == 1 {
            return self.value_subquery(query, SubqueryUsage::Scalar, range);
        }
        let items = (0..count).map(|index| self.one_column(query, index, count, range)).collect();
        self.make(ExprKind::Row(items), SqlType::Named("record".to_owned()), range)
    }

    fn value_subquery(&mut self, query: &ast::Query, usage: SubqueryUsage, range: TextRange) -> Expr {
        let (rel, columns, gaps) = self.sub_query(query);
        self.may_be_unused = true;
        let ty = match columns.as_slice() {
            [column] => self.ty(column.id),
            _ => {
                if gaps == Gaps::None {
                    self.unmodelled(range, "a subquery with other than one column as a value");
                }
                SqlType::Unknown
            }
        };
        let ty = match (&usage, ty) {
            (SubqueryUsage::Array, ty) if ty != SqlType::Unknown => SqlType::Array(Box::new(ty)),
            (_, ty) => ty,
        };
        self.make(ExprKind::Subquery(Box::new(Subquery { usage, rel })), ty, range)
    }

    // ---- CASE, fields ----

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        arms: &[(ast::Expr, ast::Expr)],
        otherwise: Option<&ast::Expr>,
        range: TextRange,
    ) -> Expr {
        let operand = operand.map(|operand| self.expr(operand));
        let mut bound = Vec::new();
        for (when, then) in arms {
            let condition = match &operand {
                Some(operand) => {
                    let value = self.expr(when);
                    match operand.kind {
                        // Here rows are compared as values, in which NULLs are alike.
                        ExprKind::Row(_) => self.opaque(vec![operand.clone(), value], when.range),
                        _ => self.compare(CompareOp::Eq, operand.clone(), value, when.range),
                    }
                }
                None => self.condition(when),
            };
            bound.push((condition, self.expr(then)));
        }
        let otherwise = otherwise.map(|otherwise| self.expr(otherwise));
        let values: Vec<Expr> = bound.iter().map(|(_, value)| value).chain(&otherwise).cloned().collect();
        self.note_together(&values);
        let ty = types::unify_exprs(&values);
        let kind = ExprKind::Case { arms: bound, otherwise: otherwise.map(Box::new) };
        self.make(kind, ty, range)
    }

    fn field(&mut self, expr: &ast::Expr, field: &ast::Ident, range: TextRange) -> Expr {
        if let ast::ExprKind::Column(parts) = &expr.kind
            && let Some(entry) = self.relation_named(parts)
        {
            return self.column_of(&entry, field, range);
        }
        let inner = self.expr(expr);
        let fields = match &inner.kind {
            ExprKind::Column(id) => self.row_fields.get(id),
            _ => None,
        };
        let Some(fields) = fields else {
            // Attribute notation may be a call of a function of that name.
            self.unmodelled(range, format!("the field `{}` of a value whose type is not known", field.text));
            return self.opaque(vec![inner], range);
        };
        let mut named = fields.iter().enumerate().filter(|(_, (name, _))| *name == field.text);
        match (named.next().map(|(at, (_, ty))| (at, ty.clone())), named.next()) {
            (Some((at, ty)), None) => self.make(ExprKind::Field(Box::new(inner), at), ty, range),
            _ => {
                let message = format!("the row has no single field `{}`", field.text);
                self.obstacle(ObstacleKind::UnknownColumn, range, message);
                self.opaque(vec![inner], range)
            }
        }
    }

    /// Runs `work` in another stage of the innermost scope.
    pub(super) fn in_stage<T>(&mut self, stage: Stage, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.stage(stage);
        let result = work(self);
        self.stage(before);
        result
    }
}

/// `OPERATOR(pg_catalog.=)` is the built-in operator, whatever the search path; another schema's may mean anything.
fn catalog_operator(op: &BinaryOp) -> BinaryOp {
    let BinaryOp::Qualified(text) = op else { return op.clone() };
    let plain: String = text.to_ascii_lowercase().split_whitespace().collect();
    let symbol = plain.strip_prefix("operator(pg_catalog.").and_then(|rest| rest.strip_suffix(')'));
    match symbol {
        Some("=") => BinaryOp::Eq,
        Some("<>" | "!=") => BinaryOp::NotEq,
        Some("<") => BinaryOp::Lt,
        Some("<=") => BinaryOp::LtEq,
        Some(">") => BinaryOp::Gt,
        Some(">=") => BinaryOp::GtEq,
        Some("+") => BinaryOp::Plus,
        Some("-") => BinaryOp::Minus,
        Some("*") => BinaryOp::Multiply,
        Some("/") => BinaryOp::Divide,
        Some("%") => BinaryOp::Modulo,
        Some("^") => BinaryOp::Power,
        Some("||") => BinaryOp::Concat,
        Some(other) => BinaryOp::Other(other.to_owned()),
        None => op.clone(),
    }
}

fn number_type(text: &str) -> SqlType {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    match !hex && text.contains(['.', 'e', 'E']) {
        true => SqlType::Numeric,
        false => SqlType::Int,
    }
}

fn comparison(op: &BinaryOp) -> Option<CompareOp> {
    Some(match op {
        BinaryOp::Eq => CompareOp::Eq,
        BinaryOp::NotEq => CompareOp::NotEq,
        BinaryOp::Lt => CompareOp::Lt,
        BinaryOp::LtEq => CompareOp::LtEq,
        BinaryOp::Gt => CompareOp::Gt,
        BinaryOp::GtEq => CompareOp::GtEq,
        _ => return None,
    })
}

fn arithmetic(op: &BinaryOp) -> Option<ArithmeticOp> {
    Some(match op {
        BinaryOp::Plus => ArithmeticOp::Plus,
        BinaryOp::Minus => ArithmeticOp::Minus,
        BinaryOp::Multiply => ArithmeticOp::Multiply,
        BinaryOp::Divide => ArithmeticOp::Divide,
        BinaryOp::Modulo => ArithmeticOp::Modulo,
        BinaryOp::Power => ArithmeticOp::Power,
        _ => return None,
    })
}

/// `xmax`, qualified or not, as it is or as a number.
fn is_xmax(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Column(parts) => parts.last().is_some_and(|name| name.text == "xmax"),
        ast::ExprKind::Cast { expr, .. } => is_xmax(expr),
        _ => false,
    }
}
