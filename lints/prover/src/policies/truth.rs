//! What a policy's condition is by itself, whatever the row is: evaluated by SQL's three-valued logic, with session settings
//! left open, missing or empty.
//!
//! What is not known stays [`Value::Unknown`]; so "true" here means true of every row.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::plan::{ColId, CompareOp, Expr, ExprKind, JoinKind, Rel, RelKind, Subquery, SubqueryUsage};
use crate::types::SqlType;

/// What is taken for the session's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settings {
    /// Anything.
    Open,
    /// Nobody has set them in this session.
    Missing,
    /// A transaction that is over had set them: they are empty.
    Empty,
}

/// True of every row. `there` are its columns, and whether they may be NULL.
pub(super) fn is_true(expr: &Expr, settings: Settings, there: &BTreeMap<ColId, bool>) -> bool {
    Evaluation::of(settings, there).value(expr) == Value::Bool(true)
}

/// True of no row.
pub(super) fn is_never(expr: &Expr, settings: Settings, there: &BTreeMap<ColId, bool>) -> bool {
    matches!(Evaluation::of(settings, there).value(expr), Value::Bool(false) | Value::Null | Value::Fails)
}

/// An error for some row at least.
pub(super) fn fails(expr: &Expr, settings: Settings, there: &BTreeMap<ColId, bool>) -> bool {
    Evaluation::of(settings, there).value(expr) == Value::Fails
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Null,
    Bool(bool),
    Number(i128),
    Text(String),
    /// Not known, and the same wherever the term is.
    Same {
        term: String,
        may_be_null: bool,
    },
    /// An error, so that no row passes.
    Fails,
    Unknown,
}

impl Value {
    /// Whether it is NULL, where that is known.
    fn is_null(&self) -> Option<bool> {
        match self {
            Value::Null => Some(true),
            Value::Bool(_) | Value::Number(_) | Value::Text(_) => Some(false),
            Value::Same { may_be_null, .. } => (!may_be_null).then_some(false),
            Value::Fails | Value::Unknown => None,
        }
    }
}

struct Evaluation<'a> {
    settings: Settings,
    /// The columns of the row, and whether they may be NULL.
    there: &'a BTreeMap<ColId, bool>,
    /// The columns of rows that are made of constants, within a subquery.
    made: BTreeMap<ColId, Value>,
}

/// The rows of a relation that reads no table: one, or none.
enum Made {
    One(BTreeMap<ColId, Value>),
    None,
    Fails,
    Unknown,
}

impl<'a> Evaluation<'a> {
    fn of(settings: Settings, there: &'a BTreeMap<ColId, bool>) -> Evaluation<'a> {
        Evaluation { settings, there, made: BTreeMap::new() }
    }

    fn value(&self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Null => Value::Null,
            ExprKind::Bool(value) => Value::Bool(*value),
            ExprKind::Number(text) => text.parse().map_or(Value::Unknown, Value::Number),
            ExprKind::String(text) => Value::Text(text.clone()),
            ExprKind::Column(col) => match self.there.get(col) {
                Some(may_be_null) => {
                    Value::Same { term: format!("column {}", col.0), may_be_null: *may_be_null }
                }
                None => self.made.get(col).cloned().unwrap_or(Value::Unknown),
            },
            ExprKind::Setting { name, missing_ok } => self.setting(name, *missing_ok),
            ExprKind::And(parts) => self.all(parts, false),
            ExprKind::Or(parts) => self.all(parts, true),
            ExprKind::Not(part) => negated(self.value(part)),
            ExprKind::IsNull(part) => self.is_null(part),
            ExprKind::IsBool(part, asked) => match (self.value(part), asked) {
                (Value::Bool(value), asked) => Value::Bool(Some(value) == *asked),
                (Value::Null, asked) => Value::Bool(asked.is_none()),
                (Value::Fails, _) => Value::Fails,
                _ => Value::Unknown,
            },
            ExprKind::Compare { op, left, right } => self.compare(*op, left, right),
            ExprKind::NotDistinct(left, right) => not_distinct(&self.value(left), &self.value(right)),
            ExprKind::InList(one, list) => {
                let one = self.value(one);
                let equals = list.iter().map(|other| compared(CompareOp::Eq, &one, &self.value(other)));
                joined(equals, true)
            }
            ExprKind::Coalesce(parts) => self.first_there(parts),
            ExprKind::NullIf(left, right) => {
                let left = self.value(left);
                match compared(CompareOp::Eq, &left, &self.value(right)) {
                    Value::Bool(true) => Value::Null,
                    Value::Bool(false) | Value::Null => left,
                    Value::Fails => Value::Fails,
                    _ => Value::Unknown,
                }
            }
            ExprKind::Case { arms, otherwise } => self.case(arms, otherwise.as_deref()),
            ExprKind::Cast(part) => cast(self.value(part), &expr.ty),
            ExprKind::Collate(part, true) => self.value(part),
            // It takes different texts for equal.
            ExprKind::Collate(part, false) => strict([&self.value(part)]),
            ExprKind::Concat(left, right) => match (self.value(left), self.value(right)) {
                (Value::Text(left), Value::Text(right)) => Value::Text(left + &right),
                (left, right) => strict([&left, &right]),
            },
            ExprKind::Arithmetic { left, right, .. } => strict([&self.value(left), &self.value(right)]),
            ExprKind::Negate(part) => match self.value(part) {
                Value::Number(number) => number.checked_neg().map_or(Value::Unknown, Value::Number),
                value => strict([&value]),
            },
            ExprKind::StrictPredicate { op, operands } => {
                let values: Vec<Value> = operands.iter().map(|operand| self.value(operand)).collect();
                match values.as_slice() {
                    [subject, pattern] if fits_all(op, pattern) => not_null(subject),
                    values => strict(values),
                }
            }
            ExprKind::Quantified { left, op, all, array } => self.quantified(left, *op, *all, array),
            ExprKind::Pure { name, args } => self.call(name, args),
            ExprKind::Subquery(subquery) => self.constant_query(subquery),
            ExprKind::Param(_)
            | ExprKind::Row(_)
            | ExprKind::Array(_)
            | ExprKind::Extreme(_)
            | ExprKind::Field(..)
            | ExprKind::WholeRow(_)
            | ExprKind::Default
            | ExprKind::Opaque(_) => Value::Unknown,
        }
    }

    fn setting(&self, name: &str, missing_ok: bool) -> Value {
        // What PostgreSQL itself defines, whose names have no dot, always is there.
        match self.settings {
            Settings::Missing if name.contains('.') => {
                if missing_ok {
                    Value::Null
                } else {
                    Value::Fails
                }
            }
            Settings::Empty if name.contains('.') => Value::Text(String::new()),
            Settings::Open | Settings::Missing | Settings::Empty => {
                Value::Same { term: format!("setting {name}"), may_be_null: missing_ok }
            }
        }
    }

    fn all(&self, parts: &[Expr], decides: bool) -> Value {
        joined(parts.iter().map(|part| self.value(part)), decides)
    }

    fn is_null(&self, part: &Expr) -> Value {
        match self.value(part) {
            Value::Fails => Value::Fails,
            value => match value.is_null() {
                Some(is_null) => Value::Bool(is_null),
                None if self.is_missing(part) => Value::Bool(true),
                None => Value::Unknown,
            },
        }
    }

    fn compare(&self, op: CompareOp, left: &Expr, right: &Expr) -> Value {
        if let (CompareOp::Eq, ExprKind::Row(ones), ExprKind::Row(others)) = (op, &left.kind, &right.kind)
            && ones.len() == others.len()
        {
            let equal = |(one, other): (&Expr, &Expr)| self.compare(CompareOp::Eq, one, other);
            return joined(ones.iter().zip(others).map(equal), false);
        }
        let (one, other) = (self.value(left), self.value(right));
        let is_empty = |value: &Value| matches!(value, Value::Text(text) if text.is_empty());
        let known = compared(op, &one, &other);
        let asks = op == CompareOp::Eq
            && (is_empty(&one) && is_of_settings(right) || is_empty(&other) && is_of_settings(left));
        // What is made of a setting alone, and is compared with nothing, is compared to find out whether it is there.
        match known {
            Value::Unknown if asks && self.settings == Settings::Empty => Value::Bool(true),
            known => known,
        }
    }

    /// `left op ANY (ARRAY[…])`, and `ALL`.
    fn quantified(&self, left: &Expr, op: Option<CompareOp>, all: bool, array: &Expr) -> Value {
        match (op, &array.kind) {
            (Some(op), ExprKind::Array(list)) => {
                let left = self.value(left);
                joined(list.iter().map(|one| compared(op, &left, &self.value(one))), !all)
            }
            _ => strict([&self.value(array)]),
        }
    }

    fn first_there(&self, parts: &[Expr]) -> Value {
        for part in parts {
            let value = self.value(part);
            match value.is_null() {
                Some(true) => {}
                Some(false) => return value,
                None if value == Value::Fails => return Value::Fails,
                None if self.is_missing(part) => {}
                None => return Value::Unknown,
            }
        }
        Value::Null
    }

    /// What is made of a setting alone is not there without it.
    fn is_missing(&self, part: &Expr) -> bool {
        self.settings == Settings::Missing && is_of_settings(part)
    }

    fn case(&self, arms: &[(Expr, Expr)], otherwise: Option<&Expr>) -> Value {
        let mut open: Option<Value> = None;
        let mut agrees = |value: Value| match &open {
            Some(known) if *known != value => Value::Unknown,
            _ => {
                open = Some(value.clone());
                value
            }
        };
        for (condition, value) in arms {
            match self.value(condition) {
                Value::Bool(true) => return agrees(self.value(value)),
                Value::Bool(false) | Value::Null => {}
                Value::Fails => return agrees(Value::Fails),
                Value::Number(_) | Value::Text(_) | Value::Same { .. } | Value::Unknown => {
                    if agrees(self.value(value)) == Value::Unknown {
                        return Value::Unknown;
                    }
                }
            }
        }
        agrees(otherwise.map_or(Value::Null, |value| self.value(value)))
    }

    /// A function of text whose value is NULL only where its argument is.
    fn call(&self, name: &str, args: &[Expr]) -> Value {
        if let ("starts_with", [subject, Value::Text(start)]) =
            (name, args.iter().map(|arg| self.value(arg)).collect::<Vec<_>>().as_slice())
            && start.is_empty()
        {
            return not_null(subject);
        }
        let [arg] = args else { return Value::Unknown };
        match (name, self.value(arg)) {
            ("lower", Value::Text(text)) => Value::Text(text.to_lowercase()),
            ("upper", Value::Text(text)) => Value::Text(text.to_uppercase()),
            ("btrim" | "trim", Value::Text(text)) => Value::Text(text.trim_matches(' ').to_owned()),
            ("length" | "char_length", Value::Text(text)) => {
                i128::try_from(text.chars().count()).map_or(Value::Unknown, Value::Number)
            }
            ("lower" | "upper" | "btrim" | "trim" | "length" | "char_length", value) => match value {
                Value::Same { term, may_be_null } => {
                    Value::Same { term: format!("{name}({term})"), may_be_null }
                }
                value => strict([&value]),
            },
            _ => Value::Unknown,
        }
    }

    /// `(SELECT expr)`, `EXISTS (SELECT … WHERE expr)`, and functions that are such a query.
    fn constant_query(&self, subquery: &Subquery) -> Value {
        match (&subquery.usage, self.made(&subquery.rel)) {
            (_, Made::Fails) => Value::Fails,
            (SubqueryUsage::Exists, Made::One(_)) => Value::Bool(true),
            (SubqueryUsage::Exists, Made::None) => Value::Bool(false),
            (SubqueryUsage::Scalar, Made::None) => Value::Null,
            (SubqueryUsage::Scalar, Made::One(row)) => {
                let first = subquery.rel.cols.first().and_then(|col| row.get(col));
                first.cloned().unwrap_or(Value::Unknown)
            }
            _ => Value::Unknown,
        }
    }

    /// What a relation has where it is made of constants.
    fn made(&self, rel: &Rel) -> Made {
        match &rel.kind {
            RelKind::Unit => Made::One(self.made.clone()),
            RelKind::Sort { input, .. } => self.made(input),
            RelKind::Limit { input, counts, skips: false, .. } => {
                let some = |count: &Expr| matches!(self.value(count), Value::Number(count) if count > 0);
                if counts.iter().all(some) { self.made(input) } else { Made::Unknown }
            }
            RelKind::Project { input, computed } => self.beside(input, |mut inner| {
                for (col, expr) in computed {
                    let value = inner.value(expr);
                    inner.made.insert(*col, value);
                }
                Made::One(inner.made)
            }),
            RelKind::Filter { input, predicate } => self.beside(input, |inner| inner.filtered(predicate)),
            RelKind::Join { kind: JoinKind::Inner, left, right, on } => {
                self.beside(left, |inner| inner.beside(right, |both| both.filtered(on)))
            }
            _ => Made::Unknown,
        }
    }

    /// What is made of the one row of a relation.
    fn beside(&self, input: &Rel, then: impl FnOnce(Evaluation<'a>) -> Made) -> Made {
        match self.made(input) {
            Made::One(made) => then(Evaluation { made, ..*self }),
            other => other,
        }
    }

    fn filtered(self, predicate: &Expr) -> Made {
        match self.value(predicate) {
            Value::Bool(true) => Made::One(self.made),
            Value::Bool(false) | Value::Null => Made::None,
            Value::Fails => Made::Fails,
            Value::Number(_) | Value::Text(_) | Value::Same { .. } | Value::Unknown => Made::Unknown,
        }
    }
}

/// A pattern that every text fits: `LIKE '%'`, `~ ''`.
fn fits_all(op: &str, pattern: &Value) -> bool {
    let Value::Text(pattern) = pattern else { return false };
    match op {
        "" => !pattern.is_empty() && pattern.chars().all(|c| c == '%'),
        "~" | "~*" => pattern.is_empty(),
        _ => false,
    }
}

/// True where there is a value.
fn not_null(value: &Value) -> Value {
    match value.is_null() {
        Some(false) => Value::Bool(true),
        _ => strict([value]),
    }
}

/// Functions that are not NULL where what they are handed is.
const MAKES: &[&str] = &["concat", "concat_ws", "format", "num_nulls", "num_nonnulls"];

/// Settings are all that it looks at.
fn is_of_settings(expr: &Expr) -> bool {
    let (mut asks, mut looks) = (false, false);
    super::each(expr, &mut |inner| match inner.kind {
        ExprKind::Setting { .. } => asks = true,
        ExprKind::Column(_) | ExprKind::WholeRow(_) | ExprKind::Subquery(_) => looks = true,
        // Those make something of what is not there.
        ExprKind::Pure { ref name, .. } if MAKES.contains(&name.as_str()) => looks = true,
        _ => {}
    });
    asks && !looks
}

fn negated(value: Value) -> Value {
    match value {
        Value::Bool(value) => Value::Bool(!value),
        Value::Null | Value::Fails => value,
        _ => Value::Unknown,
    }
}

/// `OR` where `decides` is true, else `AND`: the parts are evaluated in their order, up to one that decides.
fn joined(parts: impl Iterator<Item = Value>, decides: bool) -> Value {
    let mut whole = Value::Bool(!decides);
    for part in parts {
        match part {
            Value::Bool(value) if value == decides => return Value::Bool(decides),
            Value::Fails => return Value::Fails,
            Value::Bool(_) => {}
            Value::Null if whole == Value::Bool(!decides) => whole = Value::Null,
            Value::Null => {}
            Value::Number(_) | Value::Text(_) | Value::Same { .. } | Value::Unknown => whole = Value::Unknown,
        }
    }
    whole
}

/// What is NULL where an operand is.
fn strict<'v>(operands: impl IntoIterator<Item = &'v Value>) -> Value {
    let mut whole = Value::Unknown;
    for operand in operands {
        match operand {
            Value::Fails => return Value::Fails,
            Value::Null => whole = Value::Null,
            _ => {}
        }
    }
    whole
}

fn compared(op: CompareOp, left: &Value, right: &Value) -> Value {
    let order = match (left, right) {
        (Value::Fails, _) | (_, Value::Fails) => return Value::Fails,
        (Value::Null, _) | (_, Value::Null) => return Value::Null,
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Number(left), Value::Number(right)) => left.cmp(right),
        (Value::Same { term: left, may_be_null: false }, Value::Same { term: right, .. })
            if left == right =>
        {
            Ordering::Equal
        }
        // Which of two texts is the greater is the collation's to say.
        (Value::Text(left), Value::Text(right)) if left == right => Ordering::Equal,
        (Value::Text(_), Value::Text(_)) => {
            return match op {
                CompareOp::Eq => Value::Bool(false),
                CompareOp::NotEq => Value::Bool(true),
                CompareOp::Lt | CompareOp::LtEq | CompareOp::Gt | CompareOp::GtEq => Value::Unknown,
            };
        }
        _ => return Value::Unknown,
    };
    Value::Bool(match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::NotEq => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::LtEq => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::GtEq => order.is_ge(),
    })
}

fn not_distinct(left: &Value, right: &Value) -> Value {
    match (left, right) {
        (Value::Same { term: left, .. }, Value::Same { term: right, .. }) if left == right => {
            Value::Bool(true)
        }
        (Value::Null, other) | (other, Value::Null) if *other != Value::Fails => {
            other.is_null().map_or(Value::Unknown, Value::Bool)
        }
        _ => compared(CompareOp::Eq, left, right),
    }
}

fn cast(value: Value, ty: &SqlType) -> Value {
    match (value, ty) {
        (value @ (Value::Null | Value::Fails), _) => value,
        (value @ Value::Text(_), SqlType::Text | SqlType::Name | SqlType::Unknown) => value,
        (value @ Value::Bool(_), SqlType::Bool) => value,
        (value @ Value::Number(_), SqlType::Int | SqlType::Numeric) => value,
        (Value::Text(text), ty) if text.trim().is_empty() && has_no_empty_text(ty) => Value::Fails,
        (Value::Text(text), SqlType::Int) => text.trim().parse().map_or(Value::Unknown, Value::Number),
        (Value::Text(text), SqlType::Bool) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "on" | "1" => Value::Bool(true),
            "false" | "f" | "no" | "n" | "off" | "0" => Value::Bool(false),
            _ => Value::Unknown,
        },
        (Value::Text(text), ty) => Value::Same { term: format!("'{text}'::{ty:?}"), may_be_null: false },
        (Value::Same { term, may_be_null }, ty) => {
            Value::Same { term: format!("({term})::{ty:?}"), may_be_null }
        }
        (Value::Bool(_) | Value::Number(_) | Value::Unknown, _) => Value::Unknown,
    }
}

/// The empty text is no value of the type.
fn has_no_empty_text(ty: &SqlType) -> bool {
    match ty {
        SqlType::Bool
        | SqlType::Int
        | SqlType::Numeric
        | SqlType::Float
        | SqlType::Uuid
        | SqlType::Json
        | SqlType::Jsonb
        | SqlType::Temporal
        | SqlType::Array(_) => true,
        SqlType::Unknown
        | SqlType::Text
        | SqlType::VarcharN(_)
        | SqlType::Char
        | SqlType::Name
        | SqlType::Bytes
        | SqlType::Named(_) => false,
    }
}
