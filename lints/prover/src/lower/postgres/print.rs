//! Prints a statement with every grouping in parentheses: how we read it, for the referee that compares this with
//! PostgreSQL's own reading, and for people.
//!
//! What the tree leaves out because no proof needs it (types, window frames, lock strengths, the words of a `LIKE`) is
//! copied from the text that the statement was read from.

use std::fmt::Write as _;

use tenantry_span::TextRange;

use super::keywords::Kw;
use super::tokens::{Tok, tokens};
use crate::ast::{
    Assignment, BinaryOp, Call, ConflictAction, ConflictTarget, Cte, Delete, Distinct, Expr, ExprKind,
    GroupItem, Ident, Insert, JoinConstraint, JoinKind, Merge, MergeAction, MergeWhen, ObjectName,
    OnConflict, OrderBy, Over, ParsedStatement, Query, Select, SelectItem, SetExpr, SetOp, Statement,
    TableAlias, TableExpr, UnaryOp, Update, WindowSpec, With,
};

/// The text of a statement with every grouping in parentheses. `text` is what it was read from; a statement that is not
/// a query or a change of rows is copied from there.
pub fn print(statement: &ParsedStatement, text: &str) -> String {
    let mut printer = Printer { text, out: String::new() };
    printer.statement(&statement.statement, statement.range);
    printer.out
}

struct Printer<'t> {
    text: &'t str,
    out: String,
}

impl Printer<'_> {
    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// A part of the original text; a line comment in it must not swallow what follows.
    fn copy(&mut self, range: TextRange) {
        let slice = range.slice(self.text).trim();
        self.out.push_str(slice);
        self.out.push_str(if slice.contains("--") { "\n" } else { " " });
    }

    fn between(&mut self, left: &Expr, right: &Expr) {
        self.push(" ");
        self.copy(TextRange::new(left.range.end, right.range.start));
    }

    fn list<T>(&mut self, items: &[T], mut print: impl FnMut(&mut Self, &T)) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            print(self, item);
        }
    }

    fn ident(&mut self, ident: &Ident) {
        let quoted = ident.text.replace('"', "\"\"");
        // Writing to a string cannot fail.
        let _ = write!(self.out, "\"{quoted}\"");
    }

    fn idents(&mut self, idents: &[Ident]) {
        self.push("(");
        self.list(idents, Self::ident);
        self.push(")");
    }

    fn name(&mut self, name: &ObjectName) {
        for (index, part) in name.parts.iter().enumerate() {
            if index > 0 {
                self.push(".");
            }
            self.ident(part);
        }
    }

    fn statement(&mut self, statement: &Statement, range: TextRange) {
        match statement {
            Statement::Query(query) => self.query(query),
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => self.update(update),
            Statement::Delete(delete) => self.delete(delete),
            Statement::Merge(merge) => self.merge(merge),
            Statement::Explain(inner) => {
                self.push("EXPLAIN ");
                self.statement(inner, range);
            }
            Statement::Truncate(_)
            | Statement::Lock(_)
            | Statement::CopyTable { .. }
            | Statement::CopyQuery(_)
            | Statement::Set { .. }
            | Statement::Show(_)
            | Statement::Transaction
            | Statement::Rowless
            | Statement::Call(_)
            | Statement::Do { .. }
            | Statement::Unsupported(_) => self.copy(range),
        }
    }

    fn with(&mut self, with: Option<&With>) {
        let Some(with) = with else { return };
        self.push(if with.recursive { "WITH RECURSIVE " } else { "WITH " });
        self.list(&with.ctes, Self::cte);
        self.push(" ");
    }

    fn cte(&mut self, cte: &Cte) {
        self.ident(&cte.name);
        if !cte.columns.is_empty() {
            self.idents(&cte.columns);
        }
        self.push(if cte.materialized { " AS MATERIALIZED (" } else { " AS (" });
        self.statement(&cte.statement, cte.range);
        self.push(")");
    }

    fn query(&mut self, query: &Query) {
        self.with(query.with.as_ref());
        self.set_expr(&query.body);
        self.order_by(&query.order_by);
        if let Some(limit) = &query.limit {
            self.push(" LIMIT ");
            self.expr(limit);
        }
        if let Some(offset) = &query.offset {
            self.push(" OFFSET ");
            self.expr(offset);
        }
        if let Some((count, ties)) = &query.fetch {
            self.push(" FETCH FIRST (");
            self.expr(count);
            self.push(if *ties { ") ROWS WITH TIES" } else { ") ROWS ONLY" });
        }
        for locking in &query.locking {
            self.push(" ");
            self.copy(locking.range);
        }
    }

    fn set_expr(&mut self, body: &SetExpr) {
        match body {
            SetExpr::Select(select) => self.select(select),
            SetExpr::Values(rows) => {
                self.push("VALUES ");
                self.list(rows, |printer, row| {
                    printer.push("(");
                    printer.list(row, Self::expr);
                    printer.push(")");
                });
            }
            SetExpr::Table(name) => {
                self.push("TABLE ");
                self.name(name);
            }
            SetExpr::SetOp { op, all, left, right } => {
                self.push("(");
                self.set_expr(left);
                self.push(match op {
                    SetOp::Union => ") UNION ",
                    SetOp::Intersect => ") INTERSECT ",
                    SetOp::Except => ") EXCEPT ",
                });
                self.push(if *all { "ALL (" } else { "(" });
                self.set_expr(right);
                self.push(")");
            }
            SetExpr::Query(query) => {
                self.push("(");
                self.query(query);
                self.push(")");
            }
        }
    }

    fn select(&mut self, select: &Select) {
        self.push("SELECT ");
        match &select.distinct {
            None => {}
            Some(Distinct::All) => self.push("DISTINCT "),
            Some(Distinct::On(exprs)) => {
                self.push("DISTINCT ON (");
                self.list(exprs, Self::expr);
                self.push(") ");
            }
        }
        self.list(&select.items, Self::item);
        if let Some(into) = select.into {
            self.push(" ");
            self.copy(into);
        }
        if !select.from.is_empty() {
            self.push(" FROM ");
            self.list(&select.from, Self::table);
        }
        self.filter(select.filter.as_ref());
        if let Some(items) = &select.group_by {
            self.push(" GROUP BY ");
            self.list(items, Self::group_item);
        }
        if let Some(having) = &select.having {
            self.push(" HAVING ");
            self.expr(having);
        }
        if !select.windows.is_empty() {
            self.push(" WINDOW ");
            self.list(&select.windows, |printer, (name, spec)| {
                printer.ident(name);
                printer.push(" AS ");
                printer.window(spec);
            });
        }
    }

    fn filter(&mut self, filter: Option<&Expr>) {
        if let Some(filter) = filter {
            self.push(" WHERE ");
            self.expr(filter);
        }
    }

    fn item(&mut self, item: &SelectItem) {
        match item {
            SelectItem::Star(_) => self.push("*"),
            SelectItem::QualifiedStar(name) => {
                self.name(name);
                self.push(".*");
            }
            SelectItem::ExprStar(expr) => {
                self.base(expr);
                self.push(".*");
            }
            SelectItem::Expr { expr, alias } => {
                self.expr(expr);
                if let Some(alias) = alias {
                    self.push(" AS ");
                    self.ident(alias);
                }
            }
        }
    }

    fn group_item(&mut self, item: &GroupItem) {
        match item {
            GroupItem::Expr(expr) => self.expr(expr),
            GroupItem::Empty => self.push("()"),
            GroupItem::Rollup(lists) => self.grouping_lists("ROLLUP", lists),
            GroupItem::Cube(lists) => self.grouping_lists("CUBE", lists),
            GroupItem::Sets(items) => {
                self.push("GROUPING SETS (");
                self.list(items, Self::group_item);
                self.push(")");
            }
            GroupItem::List(exprs) => self.grouping_list(exprs),
        }
    }

    fn grouping_lists(&mut self, word: &str, lists: &[Vec<Expr>]) {
        self.push(word);
        self.push(" (");
        self.list(lists, |printer, list| printer.grouping_list(list));
        self.push(")");
    }

    fn grouping_list(&mut self, exprs: &[Expr]) {
        self.push("(");
        self.list(exprs, Self::expr);
        self.push(")");
    }

    fn order_by(&mut self, order_by: &[OrderBy]) {
        if order_by.is_empty() {
            return;
        }
        self.push(" ORDER BY ");
        self.list(order_by, |printer, item| printer.expr(&item.expr));
    }

    fn window(&mut self, spec: &WindowSpec) {
        self.push("(");
        if let Some(base) = &spec.base {
            self.ident(base);
        }
        if !spec.partition_by.is_empty() {
            self.push(" PARTITION BY ");
            self.list(&spec.partition_by, Self::expr);
        }
        self.order_by(&spec.order_by);
        match spec.frame.as_slice() {
            [] => {}
            [only] => {
                self.push(" ROWS ");
                self.expr(only);
                self.push(" PRECEDING");
            }
            bounds => {
                self.push(" ROWS BETWEEN ");
                for (index, bound) in bounds.iter().enumerate() {
                    self.push(if index > 0 { " AND " } else { "" });
                    self.expr(bound);
                    self.push(if index > 0 { " FOLLOWING" } else { " PRECEDING" });
                }
            }
        }
        self.push(")");
    }

    fn alias(&mut self, alias: Option<&TableAlias>) {
        let Some(alias) = alias else { return };
        self.push(" AS ");
        self.ident(&alias.name);
        if !alias.columns.is_empty() {
            self.idents(&alias.columns);
        }
    }

    fn table(&mut self, table: &TableExpr) {
        match table {
            TableExpr::Table { name, only, alias, sample, range: _ } => {
                self.push(if *only { "ONLY " } else { "" });
                self.name(name);
                self.alias(alias.as_ref());
                if let Some(sample) = sample {
                    self.push(" ");
                    self.copy(sample.range);
                }
            }
            TableExpr::Derived { lateral, query, alias, range: _ } => {
                self.push(if *lateral { "LATERAL (" } else { "(" });
                self.query(query);
                self.push(")");
                self.alias(alias.as_ref());
            }
            TableExpr::Function { calls, ordinality, alias, range } => {
                self.function(calls, *ordinality, alias.as_ref(), *range);
            }
            TableExpr::Join { left, right, kind, constraint, range: _ } => {
                self.join(left, right, *kind, constraint)
            }
            TableExpr::AliasedJoin { join, alias } => {
                self.push("(");
                self.table(join);
                self.push(")");
                self.alias(Some(alias));
            }
            TableExpr::Unsupported(_, range) => self.copy(*range),
        }
    }

    fn function(&mut self, calls: &[Expr], ordinality: bool, alias: Option<&TableAlias>, range: TextRange) {
        // `LATERAL` before a function says nothing, and is not kept.
        if calls.first().is_some_and(|call| call.range.start > range.start)
            && range.slice(self.text).get(..7).is_some_and(|word| word.eq_ignore_ascii_case("lateral"))
        {
            self.push("LATERAL ");
        }
        let opens =
            |call: &Expr| TextRange::new(range.start, call.range.start).slice(self.text).contains('(');
        if let [only] = calls
            && !opens(only)
        {
            self.expr_bare(only);
            // The alias may define columns with types that the tree does not keep.
            self.push(" ");
            self.copy(TextRange::new(only.range.end, range.end));
            return;
        }
        self.push("ROWS FROM (");
        self.list(calls, Self::expr_bare);
        self.push(if ordinality { ") WITH ORDINALITY" } else { ")" });
        self.alias(alias);
    }

    fn join(&mut self, left: &TableExpr, right: &TableExpr, kind: JoinKind, constraint: &JoinConstraint) {
        self.push("(");
        self.table(left);
        if matches!(constraint, JoinConstraint::Natural) {
            self.push(" NATURAL");
        }
        self.push(match (kind, constraint) {
            (JoinKind::Inner, JoinConstraint::None) => " CROSS JOIN ",
            (JoinKind::Inner, _) => " JOIN ",
            (JoinKind::Left, _) => " LEFT JOIN ",
            (JoinKind::Right, _) => " RIGHT JOIN ",
            (JoinKind::Full, _) => " FULL JOIN ",
        });
        self.table(right);
        match constraint {
            JoinConstraint::On(condition) => {
                self.push(" ON ");
                self.expr(condition);
            }
            JoinConstraint::Using(columns, alias) => {
                self.push(" USING ");
                self.idents(columns);
                if let Some(alias) = alias {
                    self.push(" AS ");
                    self.ident(alias);
                }
            }
            JoinConstraint::Natural | JoinConstraint::None => {}
        }
        self.push(")");
    }

    /// An expression in parentheses, unless it is one word.
    fn expr(&mut self, expr: &Expr) {
        let bare = matches!(
            expr.kind,
            ExprKind::Column(_)
                | ExprKind::Param(_)
                | ExprKind::Null
                | ExprKind::Bool(_)
                | ExprKind::Number(_)
                | ExprKind::String(_)
                | ExprKind::Row(_)
                | ExprKind::Subquery(_)
                | ExprKind::Default
        );
        if bare {
            return self.expr_bare(expr);
        }
        self.push("(");
        self.expr_bare(expr);
        self.push(")");
    }

    fn expr_bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Column(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    self.push(if index > 0 { "." } else { "" });
                    self.ident(part);
                }
            }
            ExprKind::Param(number) => {
                let _ = write!(self.out, "${number}");
            }
            ExprKind::Null => self.push("NULL"),
            ExprKind::Bool(true) => self.push("TRUE"),
            ExprKind::Bool(false) => self.push("FALSE"),
            ExprKind::Number(number) => self.push(number),
            ExprKind::String(value) => self.string(value),
            ExprKind::TypedLiteral(..) | ExprKind::Unsupported(_) => self.copy(expr.range),
            ExprKind::Binary { op, left, right } => {
                self.expr(left);
                self.operator(op);
                self.expr(right);
            }
            ExprKind::Unary { op, expr } => {
                match op {
                    UnaryOp::Not => self.push("NOT "),
                    UnaryOp::Minus => self.push("- "),
                    UnaryOp::Plus => self.push("+ "),
                    UnaryOp::Other(op) => {
                        self.push(op);
                        self.push(" ");
                    }
                }
                self.expr(expr);
            }
            ExprKind::IsNull { expr, negated } => {
                self.expr(expr);
                self.push(if *negated { " IS NOT NULL" } else { " IS NULL" });
            }
            ExprKind::IsBool { expr, test, negated } => {
                self.expr(expr);
                self.push(if *negated { " IS NOT " } else { " IS " });
                self.push(match test {
                    Some(true) => "TRUE",
                    Some(false) => "FALSE",
                    None => "UNKNOWN",
                });
            }
            ExprKind::IsDistinct { left, right, negated } => {
                self.expr(left);
                self.push(if *negated { " IS NOT DISTINCT FROM " } else { " IS DISTINCT FROM " });
                self.expr(right);
            }
            ExprKind::InList { expr, list, negated } => {
                self.expr(expr);
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                self.list(list, Self::expr);
                self.push(")");
            }
            ExprKind::InSubquery { expr, query, negated } => {
                self.expr(expr);
                self.push(if *negated { " NOT IN (" } else { " IN (" });
                self.query(query);
                self.push(")");
            }
            ExprKind::Between { expr, low, high, negated, symmetric } => {
                self.expr(expr);
                self.push(if *negated { " NOT BETWEEN " } else { " BETWEEN " });
                self.push(if *symmetric { "SYMMETRIC " } else { "" });
                self.expr(low);
                self.push(" AND ");
                self.expr(high);
            }
            ExprKind::Like { expr, pattern, escape, negated: _ } => {
                self.expr(expr);
                self.between(expr, pattern);
                self.expr(pattern);
                if let Some(escape) = escape {
                    self.push(" ESCAPE ");
                    self.expr(escape);
                }
            }
            ExprKind::QuantifiedArray { left, op, all, array } => {
                self.expr(left);
                self.operator(op);
                self.push(if *all { "ALL (" } else { "ANY (" });
                self.expr(array);
                self.push(")");
            }
            ExprKind::QuantifiedSubquery { left, op, all, query } => {
                self.expr(left);
                self.operator(op);
                self.push(if *all { "ALL (" } else { "ANY (" });
                self.query(query);
                self.push(")");
            }
            ExprKind::Exists(query) => {
                self.push("EXISTS (");
                self.query(query);
                self.push(")");
            }
            ExprKind::Subquery(query) => {
                self.push("(");
                self.query(query);
                self.push(")");
            }
            ExprKind::ArraySubquery(query) => {
                self.push("ARRAY(");
                self.query(query);
                self.push(")");
            }
            ExprKind::Row(elements) => {
                self.push("ROW(");
                self.list(elements, Self::expr);
                self.push(")");
            }
            ExprKind::Array(elements) => {
                self.push("ARRAY");
                self.array(elements);
            }
            ExprKind::Case { operand, arms, otherwise } => {
                self.case(operand.as_deref(), arms, otherwise.as_deref());
            }
            ExprKind::Cast { expr: inner, ty: _, fallible: _ } => {
                self.push("CAST(");
                self.expr(inner);
                self.push(" AS ");
                self.cast_type(inner.range.end, expr.range.end);
                self.push(")");
            }
            ExprKind::Collate { expr, collation } => {
                self.expr(expr);
                self.push(" COLLATE ");
                self.name(collation);
            }
            ExprKind::Call(call) => self.call(call, expr.range),
            ExprKind::Field { expr, field } => {
                self.base(expr);
                self.push(".");
                self.ident(field);
            }
            ExprKind::Subscript { expr: inner, bounds } => self.subscript(inner, bounds, expr.range),
            ExprKind::Default => self.push("DEFAULT"),
        }
    }

    /// What a field or a subscript belongs to: one chain is printed as one.
    fn base(&mut self, expr: &Expr) {
        if matches!(expr.kind, ExprKind::Field { .. } | ExprKind::Subscript { .. }) {
            return self.expr_bare(expr);
        }
        self.push("(");
        self.expr_bare(expr);
        self.push(")");
    }

    fn subscript(&mut self, inner: &Expr, bounds: &[Expr], range: TextRange) {
        self.base(inner);
        let slice = range.slice(self.text);
        match bounds {
            [only] if !slice.contains(':') => {
                self.push("[");
                self.expr(only);
                self.push("]");
            }
            _ => self.copy(TextRange::new(inner.range.end, range.end)),
        }
    }

    fn array(&mut self, elements: &[Expr]) {
        self.push("[");
        self.list(elements, |printer, element| {
            match (&element.kind, element.range.slice(printer.text).starts_with('[')) {
                (ExprKind::Array(inner), true) => printer.array(inner),
                (_, _) => printer.expr(element),
            }
        });
        self.push("]");
    }

    fn case(&mut self, operand: Option<&Expr>, arms: &[(Expr, Expr)], otherwise: Option<&Expr>) {
        self.push("CASE");
        if let Some(operand) = operand {
            self.push(" ");
            self.expr(operand);
        }
        for (condition, value) in arms {
            self.push(" WHEN ");
            self.expr(condition);
            self.push(" THEN ");
            self.expr(value);
        }
        if let Some(otherwise) = otherwise {
            self.push(" ELSE ");
            self.expr(otherwise);
        }
        self.push(" END");
    }

    /// The type that stands after `::` or `AS`, between the operand and the end of the cast.
    fn cast_type(&mut self, from: u32, to: u32) {
        let rest = TextRange::new(from, to);
        let found = tokens(rest.slice(self.text)).unwrap_or_default();
        let mut parts =
            found.iter().skip_while(|token| !matches!(token.kind, Tok::ColonColon | Tok::Kw(Kw::As)));
        parts.next();
        let mut depth = 0;
        for token in parts {
            match token.kind {
                Tok::LParen => depth += 1,
                Tok::RParen => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                break;
            }
            let range = TextRange::new(from + token.range.start, from + token.range.end);
            self.copy(range);
        }
    }

    fn string(&mut self, value: &str) {
        let escaped = value.replace('\'', "''");
        let _ = write!(self.out, "'{escaped}'");
    }

    fn operator(&mut self, op: &BinaryOp) {
        let text = match op {
            BinaryOp::And => "AND",
            BinaryOp::Or => "OR",
            BinaryOp::Eq => "=",
            BinaryOp::NotEq => "<>",
            BinaryOp::Lt => "<",
            BinaryOp::LtEq => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::GtEq => ">=",
            BinaryOp::Plus => "+",
            BinaryOp::Minus => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Modulo => "%",
            BinaryOp::Power => "^",
            BinaryOp::Concat => "||",
            BinaryOp::Other(op) | BinaryOp::Qualified(op) => op,
        };
        let _ = write!(self.out, " {text} ");
    }

    fn call(&mut self, call: &Call, range: TextRange) {
        if call.irregular {
            return self.copy(range);
        }
        if let [only] = call.name.parts.as_slice()
            && !only.quoted
        {
            match only.text.as_str() {
                "coalesce" | "greatest" | "least" | "grouping" | "nullif" => self.push(&only.text),
                "extract" | "normalize" | "overlay" | "position" | "substring" | "timezone"
                | "pg_collation_for" | "ltrim" | "rtrim" => {
                    let _ = write!(self.out, "pg_catalog.\"{}\"", only.text);
                }
                "trim" => self.push("pg_catalog.btrim"),
                word if Kw::from_word(word).is_some_and(is_value_function) => {
                    self.push(word);
                    // `current_schema()` is a call like any other.
                    if call.args.is_empty() && !range.slice(self.text).ends_with(')') {
                        return;
                    }
                }
                _ => self.ident(only),
            }
        } else {
            self.name(&call.name);
        }
        self.push("(");
        self.push(if call.star { "*" } else { "" });
        self.push(if call.distinct { "DISTINCT " } else { "" });
        self.list(&call.args, Self::expr);
        self.order_by(&call.order_by);
        self.push(")");
        if !call.within_group.is_empty() {
            self.push(" WITHIN GROUP (");
            self.order_by(&call.within_group);
            self.push(")");
        }
        if let Some(filter) = &call.filter {
            self.push(" FILTER (WHERE ");
            self.expr(filter);
            self.push(")");
        }
        match &call.over {
            None => {}
            Some(Over::Name(name)) => {
                self.push(" OVER ");
                self.ident(name);
            }
            Some(Over::Spec(spec)) => {
                self.push(" OVER ");
                self.window(spec);
            }
        }
    }

    fn insert(&mut self, insert: &Insert) {
        self.with(insert.with.as_ref());
        self.push("INSERT INTO ");
        self.name(&insert.table);
        if let Some(alias) = &insert.alias {
            self.push(" AS ");
            self.ident(alias);
        }
        if !insert.columns.is_empty() {
            self.push(" ");
            self.idents(&insert.columns);
        }
        match &insert.source {
            None => self.push(" DEFAULT VALUES"),
            Some(query) => {
                self.push(" ");
                self.query(query);
            }
        }
        if let Some(conflict) = &insert.on_conflict {
            self.conflict(conflict);
        }
        self.returning(&insert.returning);
    }

    fn conflict(&mut self, conflict: &OnConflict) {
        self.push(" ON CONFLICT ");
        match &conflict.target {
            ConflictTarget::Any => {}
            ConflictTarget::Constraint(name) => {
                self.push("ON CONSTRAINT ");
                self.ident(name);
            }
            ConflictTarget::Columns { elements, filter } => {
                self.push("(");
                self.list(elements, |printer, element| match &element.kind {
                    ExprKind::Collate { expr, collation } => {
                        printer.expr(expr);
                        printer.push(" COLLATE ");
                        printer.name(collation);
                    }
                    _ => printer.expr(element),
                });
                self.push(")");
                self.filter(filter.as_ref());
            }
        }
        match &conflict.action {
            ConflictAction::Nothing => self.push(" DO NOTHING"),
            ConflictAction::Update { assignments, filter } => {
                self.push(" DO UPDATE SET ");
                self.list(assignments, Self::assignment);
                self.filter(filter.as_ref());
            }
            ConflictAction::Replace => self.push(" DO REPLACE"),
        }
    }

    fn assignment(&mut self, assignment: &Assignment) {
        if let ([first, ..], true) = (assignment.columns.as_slice(), assignment.partial) {
            // Which part is assigned is not kept.
            self.copy(TextRange::new(first.range.start, assignment.value.range.start));
        } else if let [only] = assignment.columns.as_slice() {
            self.ident(only);
            self.push(" = ");
        } else {
            self.idents(&assignment.columns);
            self.push(" = ");
        }
        self.expr(&assignment.value);
    }

    fn returning(&mut self, items: &[SelectItem]) {
        if !items.is_empty() {
            self.push(" RETURNING ");
            self.list(items, Self::item);
        }
    }

    fn update(&mut self, update: &Update) {
        self.with(update.with.as_ref());
        self.push("UPDATE ");
        self.table(&update.target);
        self.push(" SET ");
        self.list(&update.assignments, Self::assignment);
        if !update.from.is_empty() {
            self.push(" FROM ");
            self.list(&update.from, Self::table);
        }
        self.filter(update.filter.as_ref());
        self.returning(&update.returning);
    }

    fn delete(&mut self, delete: &Delete) {
        self.with(delete.with.as_ref());
        self.push("DELETE FROM ");
        self.table(&delete.target);
        if !delete.using.is_empty() {
            self.push(" USING ");
            self.list(&delete.using, Self::table);
        }
        self.filter(delete.filter.as_ref());
        self.returning(&delete.returning);
    }

    fn merge(&mut self, merge: &Merge) {
        self.with(merge.with.as_ref());
        self.push("MERGE INTO ");
        self.table(&merge.target);
        self.push(" USING ");
        self.table(&merge.source);
        self.push(" ON ");
        self.expr(&merge.on);
        for clause in &merge.clauses {
            self.push(match clause.when {
                MergeWhen::Matched => " WHEN MATCHED",
                MergeWhen::NotMatched => " WHEN NOT MATCHED",
                MergeWhen::NotMatchedBySource => " WHEN NOT MATCHED BY SOURCE",
            });
            if let Some(guard) = &clause.guard {
                self.push(" AND ");
                self.expr(guard);
            }
            self.push(" THEN ");
            self.merge_action(&clause.action);
        }
        self.returning(&merge.returning);
    }

    fn merge_action(&mut self, action: &MergeAction) {
        match action {
            MergeAction::Nothing => self.push("DO NOTHING"),
            MergeAction::Delete => self.push("DELETE"),
            MergeAction::Update(assignments) => {
                self.push("UPDATE SET ");
                self.list(assignments, Self::assignment);
            }
            MergeAction::Insert { columns, values } => {
                self.push("INSERT ");
                if !columns.is_empty() {
                    self.idents(columns);
                }
                if values.is_empty() {
                    return self.push(" DEFAULT VALUES");
                }
                self.push(" VALUES (");
                self.list(values, Self::expr);
                self.push(")");
            }
        }
    }
}

/// True for the functions that are called without parentheses.
fn is_value_function(keyword: Kw) -> bool {
    matches!(
        keyword,
        Kw::CurrentCatalog
            | Kw::CurrentDate
            | Kw::CurrentRole
            | Kw::CurrentSchema
            | Kw::CurrentTime
            | Kw::CurrentTimestamp
            | Kw::CurrentUser
            | Kw::Localtime
            | Kw::Localtimestamp
            | Kw::SessionUser
            | Kw::SystemUser
            | Kw::User
    )
}
