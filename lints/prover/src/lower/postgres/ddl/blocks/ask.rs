//! What a block asks the schema: its conditions and queries, as far as what was read of the schema answers them.
//!
//! **Invariant:** an answer is what the database would say, or [`Value::Unknown`].

use std::collections::BTreeMap;
use std::rc::Rc;

use super::system::{self, Row, System};
use super::value::{Truth, Value, like};
use crate::ast::{
    BinaryOp, Call, Expr, ExprKind, JoinConstraint, JoinKind, ObjectName, Query, Select, SelectItem, SetExpr,
    Statement, TableExpr, UnaryOp,
};
use crate::catalog::{Catalog, QualifiedName};
use crate::lower::edit::Editor;
use crate::lower::postgres::keywords::{Class, Kw};
use crate::types::SqlType;

/// The variables of a block and what is in them.
pub(super) type Variables = BTreeMap<String, Value>;

/// The most combinations of rows that are looked at for one query.
const MAX_ROWS: usize = 200_000;

/// The answers to a query.
pub(super) struct Answer {
    /// The rows, each with the names of its columns.
    pub(super) rows: Vec<Vec<(String, Value)>>,
    /// These are all.
    pub(super) exact: bool,
}

/// Asks a catalog, one question.
pub(super) struct Asker<'a> {
    catalog: &'a mut Catalog,
    variables: &'a Variables,
    /// The system's tables that were looked at: a subquery looks at them again for each row around it.
    systems: BTreeMap<(Option<String>, String), Rc<System>>,
}

/// A table of the system in a query, at one of its rows.
struct Place<'s> {
    alias: &'s str,
    system: &'s System,
    row: &'s Row,
}

type Scope<'s> = [Place<'s>];

impl<'a> Asker<'a> {
    /// What does not change while the question is answered.
    pub(super) fn new(catalog: &'a mut Catalog, variables: &'a Variables) -> Asker<'a> {
        Asker { catalog, variables, systems: BTreeMap::new() }
    }

    /// An expression as it is written.
    pub(super) fn expression(&mut self, text: &str) -> Value {
        match self.parsed(&format!("SELECT {text}")) {
            Some(query) => self.scalar(&query, &[]),
            None => Value::Unknown,
        }
    }

    /// A query as it is written.
    pub(super) fn rows(&mut self, text: &str) -> Option<Answer> {
        let query = self.parsed(text)?;
        self.query(&query, &[])
    }

    fn parsed(&self, text: &str) -> Option<Query> {
        // `SIMILAR TO` is read as `LIKE` is.
        if super::says(text, "similar") {
            return None;
        }
        let mut statements = super::super::super::statements(text);
        let only = statements.pop().filter(|_| statements.is_empty())?;
        if !only.unread.is_empty() || only.params > 0 {
            return None;
        }
        match only.statement {
            Statement::Query(query) => Some(*query),
            _ => None,
        }
    }

    /// The one value of a query; NULL where there is none.
    fn scalar(&mut self, query: &Query, scope: &Scope<'_>) -> Value {
        let Some(answer) = self.query(query, scope) else { return Value::Unknown };
        if !answer.exact {
            return Value::Unknown;
        }
        match answer.rows.as_slice() {
            [] => Value::Null,
            [row] => match row.as_slice() {
                [(_, value)] => value.clone(),
                _ => Value::Unknown,
            },
            _ => Value::Unknown,
        }
    }

    fn exists(&mut self, query: &Query, scope: &Scope<'_>) -> Value {
        let limits = query.limit.as_ref().is_some_and(|limit| is_number(limit, "0"));
        if limits || query.offset.is_some() || query.fetch.is_some() {
            return Value::Unknown;
        }
        match self.query(query, scope) {
            Some(answer) if !answer.rows.is_empty() => Value::Bool(true),
            Some(answer) if answer.exact => Value::Bool(false),
            _ => Value::Unknown,
        }
    }

    /// The rows of a query; `None` if nothing is known of them.
    fn query(&mut self, query: &Query, scope: &Scope<'_>) -> Option<Answer> {
        let Query { with, body, order_by: _, limit, offset, fetch, locking, range: _ } = query;
        if with.is_some() || offset.is_some() || fetch.is_some() || !locking.is_empty() {
            return None;
        }
        let mut answer = match body {
            SetExpr::Select(select) => self.select(select, scope)?,
            SetExpr::Query(inner) => self.query(inner, scope)?,
            SetExpr::Values(rows) => {
                let values = rows.iter().map(|row| {
                    let cells = row.iter().enumerate();
                    cells.map(|(at, cell)| (format!("column{}", at + 1), self.value(cell, scope))).collect()
                });
                Answer { rows: values.collect(), exact: true }
            }
            SetExpr::Table(_) | SetExpr::SetOp { .. } => return None,
        };
        // Of several rows one is as good as another only where it is asked whether there is one.
        if limit.is_some()
            && (answer.rows.len() > 1 || limit.as_ref().is_some_and(|limit| !is_number(limit, "1")))
        {
            answer.exact = false;
            answer.rows.truncate(1);
        }
        Some(answer)
    }

    fn select(&mut self, select: &Select, outer: &Scope<'_>) -> Option<Answer> {
        let Select { distinct, items, from, filter, group_by, having, windows, into, range: _ } = select;
        if group_by.is_some() || having.is_some() || !windows.is_empty() || into.is_some() {
            return None;
        }
        let mut conditions: Vec<&Expr> = filter.iter().collect();
        let mut sources: Vec<(String, Rc<System>)> = Vec::new();
        for source in from {
            self.source(source, &mut sources, &mut conditions)?;
        }
        let combinations =
            sources.iter().try_fold(1_usize, |all, (_, system)| all.checked_mul(system.rows.len().max(1)));
        if combinations.is_none_or(|all| all > MAX_ROWS) {
            return None;
        }
        let counts = items.iter().any(is_count);
        // Others make one row of all, or several of one.
        let is_by_row = |item: &SelectItem| match item {
            SelectItem::Expr { expr, alias: _ } => {
                matches!(&expr.kind, ExprKind::Call(call) if is_unnest(call)) || is_by_row(expr)
            }
            _ => true,
        };
        if !counts && !items.iter().all(is_by_row) {
            return None;
        }
        let mut found = Found { rows: Vec::new(), matched: 0, exact: true };
        let mut places: Vec<Place<'_>> = outer.iter().map(Place::again).collect();
        self.combine(&sources, &mut places, &conditions, items, counts, &mut found);
        if counts {
            let [SelectItem::Expr { alias, .. }] = items.as_slice() else { return None };
            let name = alias.as_ref().map_or("count".to_owned(), |alias| alias.text.clone());
            let value = if found.exact { Value::Int(found.matched) } else { Value::Unknown };
            return Some(Answer { rows: vec![vec![(name, value)]], exact: true });
        }
        if distinct.is_some() {
            found.exact &= found.rows.iter().flatten().all(|(_, value)| *value != Value::Unknown);
            let mut kept: Vec<Vec<(String, Value)>> = Vec::new();
            found.rows.into_iter().for_each(|row| {
                if !kept.contains(&row) {
                    kept.push(row)
                }
            });
            return Some(Answer { rows: kept, exact: found.exact });
        }
        Some(Answer { rows: found.rows, exact: found.exact })
    }

    fn source<'q>(
        &mut self,
        source: &'q TableExpr,
        sources: &mut Vec<(String, Rc<System>)>,
        conditions: &mut Vec<&'q Expr>,
    ) -> Option<()> {
        match source {
            TableExpr::Table { name, only: _, alias, sample: None, range: _ } => {
                let (schema, table) = qualified(name)?;
                let system = self.system(schema, table)?;
                if alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
                    return None;
                }
                let alias = alias.as_ref().map_or(table, |alias| alias.name.text.as_str());
                sources.push((alias.to_owned(), system));
                Some(())
            }
            TableExpr::Function { calls, ordinality: false, alias, range: _ } => {
                let [Expr { kind: ExprKind::Call(call), .. }] = calls.as_slice() else { return None };
                let alias = alias.as_ref().filter(|alias| alias.columns.is_empty())?;
                let Value::List(values) = self.unnested(call, &[])? else { return None };
                let rows = values.into_iter().map(|value| Row { values: vec![value], sure: true }).collect();
                sources.push((alias.name.text.clone(), Rc::new(System { columns: vec![SELF], rows })));
                Some(())
            }
            TableExpr::Join { left, right, kind: JoinKind::Inner, constraint, range: _ } => {
                self.source(left, sources, conditions)?;
                self.source(right, sources, conditions)?;
                match constraint {
                    JoinConstraint::On(condition) => conditions.push(condition),
                    JoinConstraint::None => {}
                    JoinConstraint::Using(..) | JoinConstraint::Natural => return None,
                }
                Some(())
            }
            TableExpr::Table { .. }
            | TableExpr::Function { .. }
            | TableExpr::Join { .. }
            | TableExpr::Derived { .. }
            | TableExpr::AliasedJoin { .. }
            | TableExpr::Unsupported(..) => None,
        }
    }

    fn system(&mut self, schema: Option<&str>, table: &str) -> Option<Rc<System>> {
        let name = (schema.map(str::to_owned), table.to_owned());
        if let Some(known) = self.systems.get(&name) {
            return Some(Rc::clone(known));
        }
        let system = Rc::new(system::system(self.catalog, schema, table)?);
        self.systems.insert(name, Rc::clone(&system));
        Some(system)
    }

    /// All combinations of rows for which the conditions hold.
    fn combine<'s>(
        &mut self,
        sources: &'s [(String, Rc<System>)],
        places: &mut Vec<Place<'s>>,
        conditions: &[&Expr],
        items: &[SelectItem],
        counts: bool,
        found: &mut Found,
    ) {
        let Some(((alias, system), rest)) = sources.split_first() else {
            return self.combined(places, conditions, items, counts, found);
        };
        for row in &system.rows {
            places.push(Place { alias, system, row });
            // What is false already stays so, whatever the other rows are.
            let so_far = places.len();
            places.extend(rest.iter().map(|(alias, system)| Place { alias, system, row: &ANY }));
            let refused = conditions.iter().any(|condition| self.refuses(condition, places));
            places.truncate(so_far);
            if !refused {
                self.combine(rest, places, conditions, items, counts, found);
            }
            places.pop();
        }
    }

    fn refuses(&mut self, condition: &Expr, scope: &Scope<'_>) -> bool {
        if let ExprKind::Binary { op: BinaryOp::And, left, right } = &condition.kind {
            return self.refuses(left, scope) || self.refuses(right, scope);
        }
        self.value(condition, scope).truth() == Truth::No
    }

    fn combined(
        &mut self,
        places: &[Place<'_>],
        conditions: &[&Expr],
        items: &[SelectItem],
        counts: bool,
        found: &mut Found,
    ) {
        let mut truth = Truth::Yes;
        for condition in conditions {
            match self.value(condition, places).truth() {
                Truth::Yes => {}
                Truth::No => return,
                Truth::Unknown => truth = Truth::Unknown,
            }
        }
        if truth != Truth::Yes || places.iter().any(|place| !place.row.sure) {
            found.exact = false;
            return;
        }
        found.matched += 1;
        if counts {
            return;
        }
        match items {
            [SelectItem::Expr { expr: Expr { kind: ExprKind::Call(call), .. }, alias }]
                if is_unnest(call) =>
            {
                let name = alias.as_ref().map_or("unnest".to_owned(), |alias| alias.text.clone());
                match self.unnested(call, places) {
                    Some(Value::List(values)) => {
                        found.rows.extend(values.into_iter().map(|value| vec![(name.clone(), value)]));
                    }
                    _ => found.exact = false,
                }
            }
            _ => {
                let row = items.iter().flat_map(|item| self.item(item, places)).collect();
                found.rows.push(row);
            }
        }
    }

    fn item(&mut self, item: &SelectItem, scope: &Scope<'_>) -> Vec<(String, Value)> {
        match item {
            SelectItem::Expr { expr, alias } => {
                let written = match &expr.kind {
                    ExprKind::Column(parts) => parts.last().map(|part| part.text.clone()),
                    _ => None,
                };
                let name = alias.as_ref().map(|alias| alias.text.clone()).or(written).unwrap_or_default();
                vec![(name, self.value(expr, scope))]
            }
            SelectItem::Star(_) => {
                let of = |place: &Place<'_>| {
                    let names = place.system.columns.iter().enumerate();
                    let cells = names.map(|(at, name)| {
                        let value = place.row.values.get(at).cloned().unwrap_or(Value::Unknown);
                        ((*name).to_owned(), value)
                    });
                    cells.collect::<Vec<_>>()
                };
                let mut cells: Vec<_> = scope.iter().flat_map(of).collect();
                // Which columns there are besides is not known.
                cells.push(("*".to_owned(), Value::Unknown));
                cells
            }
            SelectItem::QualifiedStar(_) | SelectItem::ExprStar(_) => vec![("*".to_owned(), Value::Unknown)],
        }
    }

    fn value(&mut self, expr: &Expr, scope: &Scope<'_>) -> Value {
        match &expr.kind {
            ExprKind::Null => Value::Null,
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Number(written) => written.parse().map_or(Value::Unknown, Value::Int),
            ExprKind::String(text) => Value::text(text),
            ExprKind::Column(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
                self.named(&parts, scope)
            }
            ExprKind::Field { expr, field } => match self.value(expr, scope) {
                Value::Record(cells) => of_record(&cells, &field.text),
                _ => Value::Unknown,
            },
            ExprKind::Binary { op, left, right } => {
                let (left, right) = (self.value(left, scope), self.value(right, scope));
                match op {
                    BinaryOp::And => left.and(&right),
                    BinaryOp::Or => left.or(&right),
                    BinaryOp::Eq => self.equal(&left, &right),
                    BinaryOp::NotEq => self.equal(&left, &right).negated(),
                    BinaryOp::Gt => compared(&left, &right, |a, b| a > b),
                    BinaryOp::GtEq => compared(&left, &right, |a, b| a >= b),
                    BinaryOp::Lt => compared(&left, &right, |a, b| a < b),
                    BinaryOp::LtEq => compared(&left, &right, |a, b| a <= b),
                    BinaryOp::Plus => counted(&left, &right, i64::checked_add),
                    BinaryOp::Minus => counted(&left, &right, i64::checked_sub),
                    BinaryOp::Concat => match (left, right) {
                        (Value::Text(a), Value::Text(b)) => Value::Text(a + &b),
                        (Value::Text(a), Value::Int(b)) => Value::Text(format!("{a}{b}")),
                        (Value::Int(a), Value::Text(b)) => Value::Text(format!("{a}{b}")),
                        (Value::Null, Value::Text(_) | Value::Null) | (Value::Text(_), Value::Null) => {
                            Value::Null
                        }
                        _ => Value::Unknown,
                    },
                    _ => Value::Unknown,
                }
            }
            ExprKind::Unary { op: UnaryOp::Not, expr } => self.value(expr, scope).negated(),
            ExprKind::IsNull { expr, negated } => match self.value(expr, scope) {
                Value::Unknown | Value::Foreign | Value::Record(_) => Value::Unknown,
                value => Value::Bool((value == Value::Null) != *negated),
            },
            ExprKind::InList { expr, list, negated } => {
                let left = self.value(expr, scope);
                let any = list.iter().fold(Value::Bool(false), |any, item| {
                    let item = self.value(item, scope);
                    any.or(&self.equal(&left, &item))
                });
                if *negated { any.negated() } else { any }
            }
            ExprKind::QuantifiedArray { left, op: BinaryOp::Eq, all: false, array } => {
                let left = self.value(left, scope);
                match self.value(array, scope) {
                    Value::List(items) => {
                        items.iter().fold(Value::Bool(false), |any, item| any.or(&self.equal(&left, item)))
                    }
                    _ => Value::Unknown,
                }
            }
            ExprKind::Like { expr, pattern, escape: None, negated } => {
                match (self.value(expr, scope), self.value(pattern, scope)) {
                    // Which of LIKE and ILIKE it is does not matter where they agree.
                    (Value::Text(text), Value::Text(pattern)) => {
                        let folded = like(&text.to_lowercase(), &pattern.to_lowercase());
                        let is = like(&text, &pattern).filter(|is| folded == Some(*is));
                        is.map_or(Value::Unknown, |is| Value::Bool(is != *negated))
                    }
                    _ => Value::Unknown,
                }
            }
            ExprKind::Exists(query) => self.exists(query, scope),
            ExprKind::Subquery(query) => self.scalar(query, scope),
            ExprKind::Array(items) => Value::List(items.iter().map(|item| self.value(item, scope)).collect()),
            ExprKind::Cast { expr, ty, fallible: _ } => {
                let value = self.value(expr, scope);
                self.cast(value, ty)
            }
            ExprKind::TypedLiteral(ty, text) => self.cast(Value::text(text), ty),
            ExprKind::Call(call) => self.call(call, scope),
            _ => Value::Unknown,
        }
    }

    /// A column of the query, or a variable.
    fn named(&self, parts: &[&str], scope: &Scope<'_>) -> Value {
        match parts {
            [column] => {
                let mut found = scope.iter().rev().filter_map(|place| place.column(column));
                match (found.next(), self.variables.get(*column)) {
                    (Some(value), None) => value,
                    (None, Some(value)) => value.clone(),
                    // Which of them is meant is an error, or a setting.
                    (Some(_), Some(_)) | (None, None) => Value::Unknown,
                }
            }
            [alias, column] => match scope.iter().rev().find(|place| place.alias == *alias) {
                Some(place) => place.column(column).unwrap_or(Value::Unknown),
                None => match self.variables.get(*alias) {
                    Some(Value::Record(cells)) => of_record(cells, column),
                    _ => Value::Unknown,
                },
            },
            _ => Value::Unknown,
        }
    }

    fn cast(&mut self, value: Value, ty: &SqlType) -> Value {
        match (ty, value) {
            (_, Value::Null) => Value::Null,
            (SqlType::Text | SqlType::Name, Value::Text(text)) if text.len() < 64 => Value::Text(text),
            (SqlType::Text, Value::Text(text)) => Value::Text(text),
            (SqlType::Text | SqlType::Name, Value::Foreign) => Value::Foreign,
            (SqlType::Text, Value::Oid(oid)) => self.shown(&oid),
            (SqlType::Bool, Value::Bool(value)) => Value::Bool(value),
            (SqlType::Int, Value::Oid(oid)) => Value::Oid(oid),
            (SqlType::Named(name), Value::Text(text)) if name == "regclass" => {
                self.relation(&text).unwrap_or(Value::Unknown)
            }
            (SqlType::Named(name), Value::Oid(oid)) if name == "regclass" && oid.starts_with("class:") => {
                Value::Oid(oid)
            }
            (SqlType::Named(name), Value::Text(text))
                if name == "regnamespace"
                    && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_') =>
            {
                Value::Oid(format!("namespace:{text}"))
            }
            (SqlType::Array(of), Value::List(items)) => {
                Value::List(items.into_iter().map(|item| self.cast(item, of)).collect())
            }
            _ => Value::Unknown,
        }
    }

    /// A relation's identity as text: its name, with the schema where it is not found without.
    fn shown(&self, oid: &str) -> Value {
        let Some((schema, name)) = oid.strip_prefix("class:").and_then(|name| name.split_once('.')) else {
            return Value::Unknown;
        };
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if self.catalog.search_path.first().is_some_and(|first| first == schema) && plain(name) {
            return Value::text(name);
        }
        Value::Unknown
    }

    /// `'name'::regclass`, if there is such a relation.
    fn relation(&mut self, written: &str) -> Option<Value> {
        let name = super::nodes::path_in(written)?;
        let editor = Editor { catalog: self.catalog };
        let name: QualifiedName = editor.resolve(name.schema.as_deref(), &name.name);
        let known = self.catalog.tables.contains_key(&name) || self.catalog.views.contains_key(&name);
        known
            .then(|| if system::is_sure(self.catalog, &name) { system::class(&name) } else { Value::Unknown })
    }

    fn unnested(&mut self, call: &Call, scope: &Scope<'_>) -> Option<Value> {
        match call.args.as_slice() {
            [list] if is_unnest(call) => Some(self.value(list, scope)),
            _ => None,
        }
    }

    fn call(&mut self, call: &Call, scope: &Scope<'_>) -> Value {
        let regular = !call.star
            && !call.distinct
            && !call.irregular
            && call.order_by.is_empty()
            && call.within_group.is_empty()
            && call.filter.is_none()
            && call.over.is_none();
        let name = match qualified(&call.name) {
            Some((None | Some("pg_catalog"), name)) if regular => name.to_owned(),
            _ => return Value::Unknown,
        };
        // Somebody may have made a function of that name, which another signature hides.
        if self.catalog.functions.keys().any(|known| known.name == name) {
            return Value::Unknown;
        }
        let args: Vec<Value> = call.args.iter().map(|arg| self.value(arg, scope)).collect();
        match (name.as_str(), args.as_slice()) {
            ("current_schema", []) => match self.catalog.search_path.first() {
                Some(first) if system::has_schema(self.catalog, first) => Value::text(first),
                _ => Value::Unknown,
            },
            ("quote_ident", [Value::Text(text)]) => Value::Text(quoted(text)),
            ("quote_literal", [Value::Text(text)]) => literal(text),
            ("lower", [Value::Text(text)]) if text.is_ascii() => Value::Text(text.to_ascii_lowercase()),
            ("upper", [Value::Text(text)]) if text.is_ascii() => Value::Text(text.to_ascii_uppercase()),
            ("concat", args) => {
                let texts = args.iter().map(|arg| match arg {
                    Value::Text(text) => Some(text.as_str()),
                    Value::Null => Some(""),
                    _ => None,
                });
                texts.collect::<Option<String>>().map_or(Value::Unknown, Value::Text)
            }
            ("format", [Value::Text(text), args @ ..]) => formatted(text, args).unwrap_or(Value::Unknown),
            ("to_regclass", [Value::Text(text)]) => match self.relation(text) {
                Some(found) => found,
                None if is_name(text) && !self.may_be_relation(text) => Value::Null,
                None => Value::Unknown,
            },
            ("pg_get_constraintdef", [Value::Oid(oid)]) => system::definition(self.catalog, oid),
            ("coalesce", [first, rest @ ..]) => {
                let mut all = std::iter::once(first).chain(rest);
                all.find(|value| **value != Value::Null).cloned().unwrap_or(Value::Null)
            }
            _ => Value::Unknown,
        }
    }

    /// True if a relation that is no table or view may have this name, or one that is not of this schema.
    fn may_be_relation(&mut self, written: &str) -> bool {
        let (schema, name) = match written.to_ascii_lowercase().rsplit_once('.') {
            Some((schema, name)) => (Some(schema.to_owned()), name.to_owned()),
            None => (None, written.to_ascii_lowercase()),
        };
        let is_of_system = name.starts_with("pg_")
            || schema
                .as_deref()
                .is_some_and(|schema| schema.starts_with("pg_") || schema == "information_schema")
            || self.catalog.search_path.iter().any(|schema| schema == "information_schema");
        is_of_system
            || self.may_be_unread(&name)
            || self.catalog.sequences.keys().chain(self.catalog.types.keys()).any(|known| known.name == name)
            || Editor { catalog: self.catalog }.index_owner(schema.as_deref(), &name).is_some()
    }

    /// True if something was not read that may have made a thing of this name.
    fn may_be_unread(&self, name: &str) -> bool {
        system::doubted(self.catalog, name.rsplit('.').next().unwrap_or(name))
    }

    fn equal(&self, left: &Value, right: &Value) -> Value {
        match (left, right) {
            // A name is cut to its length.
            (Value::Text(text), _) | (_, Value::Text(text)) if text.len() > 63 => Value::Unknown,
            (Value::Foreign, Value::Text(name)) | (Value::Text(name), Value::Foreign)
                if self.may_be_unread(name) =>
            {
                Value::Unknown
            }
            _ => left.equals(right),
        }
    }
}

/// The column of a function in FROM, which is named as its alias.
const SELF: &str = "\u{0}self";

impl<'s> Place<'s> {
    fn again(&self) -> Place<'s> {
        Place { alias: self.alias, system: self.system, row: self.row }
    }

    fn column(&self, name: &str) -> Option<Value> {
        let is = |column: &&&str| **column == name || **column == SELF && self.alias == name;
        let at = self.system.columns.iter().position(|column| is(&column));
        at.map(|at| self.row.values.get(at).cloned().unwrap_or(Value::Unknown))
    }
}

/// Any row: of its columns nothing is known.
static ANY: Row = Row { values: Vec::new(), sure: false };

struct Found {
    rows: Vec<Vec<(String, Value)>>,
    matched: i64,
    exact: bool,
}

fn is_count(item: &SelectItem) -> bool {
    matches!(item, SelectItem::Expr { expr: Expr { kind: ExprKind::Call(call), .. }, .. }
        if call.star && call.filter.is_none() && call.over.is_none() && qualified(&call.name) == Some((None, "count")))
}

/// True for an expression of which a row has one value, of that row alone: no aggregate, nothing that gives a set.
fn is_by_row(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null | ExprKind::Bool(_) | ExprKind::Number(_) | ExprKind::String(_) => true,
        ExprKind::Column(_) | ExprKind::TypedLiteral(..) | ExprKind::Exists(_) | ExprKind::Subquery(_) => {
            true
        }
        ExprKind::Field { expr, field: _ }
        | ExprKind::Unary { op: _, expr }
        | ExprKind::IsNull { expr, negated: _ }
        | ExprKind::IsBool { expr, .. }
        | ExprKind::Cast { expr, .. } => is_by_row(expr),
        ExprKind::Binary { op: _, left, right } => is_by_row(left) && is_by_row(right),
        ExprKind::QuantifiedArray { left, array, .. } => is_by_row(left) && is_by_row(array),
        ExprKind::Like { expr, pattern, escape: None, negated: _ } => is_by_row(expr) && is_by_row(pattern),
        ExprKind::InList { expr, list, negated: _ } => is_by_row(expr) && list.iter().all(is_by_row),
        ExprKind::Array(items) => items.iter().all(is_by_row),
        ExprKind::Call(call) => {
            let known = [
                "current_schema",
                "quote_ident",
                "quote_literal",
                "lower",
                "upper",
                "concat",
                "format",
                "to_regclass",
                "pg_get_constraintdef",
                "coalesce",
            ];
            let name = qualified(&call.name);
            let is_known = matches!(name, Some((None | Some("pg_catalog"), name)) if known.contains(&name));
            is_known && call.over.is_none() && call.args.iter().all(is_by_row)
        }
        _ => false,
    }
}

fn is_unnest(call: &Call) -> bool {
    !call.irregular && qualified(&call.name) == Some((None, "unnest"))
}

fn is_number(expr: &Expr, number: &str) -> bool {
    matches!(&expr.kind, ExprKind::Number(written) if written == number)
}

fn qualified(name: &ObjectName) -> Option<(Option<&str>, &str)> {
    match name.parts.as_slice() {
        [name] => Some((None, &name.text)),
        [schema, name] => Some((Some(&schema.text), &name.text)),
        _ => None,
    }
}

fn of_record(cells: &[(String, Value)], column: &str) -> Value {
    let mut named = cells.iter().filter(|(name, _)| name == column);
    match (named.next(), named.next()) {
        (Some((_, value)), None) => value.clone(),
        _ => Value::Unknown,
    }
}

fn compared(left: &Value, right: &Value, holds: impl Fn(i64, i64) -> bool) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Value::Bool(holds(*a, *b)),
        (Value::Null, _) | (_, Value::Null) => Value::Null,
        _ => Value::Unknown,
    }
}

fn counted(left: &Value, right: &Value, by: impl Fn(i64, i64) -> Option<i64>) -> Value {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => by(*a, *b).map_or(Value::Unknown, Value::Int),
        _ => Value::Unknown,
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

/// A name as `quote_ident` writes it.
fn quoted(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
    let is_plain =
        name.bytes().all(plain) && !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    let is_free = Kw::from_word(name).is_none_or(|word| word.class() == Class::Unreserved);
    match is_plain && is_free {
        true => name.to_owned(),
        false => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

fn literal(text: &str) -> Value {
    match text.contains('\\') {
        true => Value::Unknown,
        false => Value::Text(format!("'{}'", text.replace('\'', "''"))),
    }
}

/// `format`, with `%s`, `%I`, `%L` and `%%`.
fn formatted(text: &str, args: &[Value]) -> Option<Value> {
    let (mut made, mut args, mut chars) = (String::new(), args.iter(), text.chars());
    while let Some(c) = chars.next() {
        if c != '%' {
            made.push(c);
            continue;
        }
        let kind = chars.next()?;
        if kind == '%' {
            made.push('%');
            continue;
        }
        let text = match (args.next()?, kind) {
            (Value::Text(text), _) => text.clone(),
            (Value::Int(number), 's' | 'L') => number.to_string(),
            (Value::Null, 's') => String::new(),
            _ => return None,
        };
        match kind {
            's' => made.push_str(&text),
            'I' => made.push_str(&quoted(&text)),
            'L' => match literal(&text) {
                Value::Text(text) => made.push_str(&text),
                _ => return None,
            },
            _ => return None,
        }
    }
    Some(Value::Text(made))
}
