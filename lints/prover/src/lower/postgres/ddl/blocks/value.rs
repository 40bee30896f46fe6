//! What an expression of a block is worth, as far as it is known.

use crate::types::SqlType;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Bool(bool),
    Int(i64),
    Null,
    /// The identity of a thing of the schema: `class:public.orders`.
    Oid(String),
    List(Vec<Value>),
    Record(Vec<(String, Value)>),
    /// The name or identity of something that is not of this schema: the system's, or that of an extension.
    Foreign,
    /// Who knows.
    Unknown,
}

impl Value {
    pub(super) fn text(text: impl Into<String>) -> Value {
        Value::Text(text.into())
    }

    /// As a condition: true, false or NULL.
    pub(super) fn truth(&self) -> Truth {
        match self {
            Value::Bool(true) => Truth::Yes,
            Value::Bool(false) | Value::Null => Truth::No,
            _ => Truth::Unknown,
        }
    }

    /// `=`
    pub(super) fn equals(&self, other: &Value) -> Value {
        match (self, other) {
            (Value::Null, _) | (_, Value::Null) => Value::Null,
            (Value::Text(a), Value::Text(b)) => Value::Bool(a == b),
            (Value::Int(a), Value::Int(b)) => Value::Bool(a == b),
            (Value::Bool(a), Value::Bool(b)) => Value::Bool(a == b),
            (Value::Oid(a), Value::Oid(b)) => Value::Bool(a == b),
            (Value::Foreign, Value::Text(name)) | (Value::Text(name), Value::Foreign) => {
                if may_be_foreign(name) { Value::Unknown } else { Value::Bool(false) }
            }
            (Value::Foreign, Value::Oid(_)) | (Value::Oid(_), Value::Foreign) => Value::Bool(false),
            _ => Value::Unknown,
        }
    }

    pub(super) fn negated(&self) -> Value {
        match self {
            Value::Bool(value) => Value::Bool(!value),
            Value::Null => Value::Null,
            _ => Value::Unknown,
        }
    }

    pub(super) fn and(&self, other: &Value) -> Value {
        match (self, other) {
            (Value::Bool(false), _) | (_, Value::Bool(false)) => Value::Bool(false),
            (Value::Bool(true), Value::Bool(true)) => Value::Bool(true),
            (Value::Bool(true) | Value::Null, Value::Null) | (Value::Null, Value::Bool(true)) => Value::Null,
            _ => Value::Unknown,
        }
    }

    pub(super) fn or(&self, other: &Value) -> Value {
        self.negated().and(&other.negated()).negated()
    }
}

/// What is known of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown,
}

/// Types that extensions bring, by the names that migrations ask for.
const OF_EXTENSIONS: &[&str] = &[
    "citext",
    "hstore",
    "ltree",
    "lquery",
    "ltxtquery",
    "cube",
    "seg",
    "vector",
    "halfvec",
    "sparsevec",
    "geometry",
    "geography",
    "box2d",
    "box3d",
    "raster",
    "isbn",
    "issn",
    "ean13",
    "semver",
];

/// Types of PostgreSQL that are no more to us than a name.
const OF_THE_SYSTEM: &[&str] = &[
    "money",
    "inet",
    "cidr",
    "macaddr",
    "macaddr8",
    "point",
    "line",
    "lseg",
    "box",
    "path",
    "polygon",
    "circle",
    "tsvector",
    "tsquery",
    "xml",
    "bit",
    "varbit",
    "record",
    "void",
    "trigger",
    "refcursor",
    "int4range",
    "int8range",
    "numrange",
    "tsrange",
    "tstzrange",
    "daterange",
    "jsonpath",
    "cstring",
    "aclitem",
    "txid_snapshot",
    "xid",
    "cid",
    "tid",
];

/// True for a name that something may have which is not of this schema.
fn may_be_foreign(name: &str) -> bool {
    name.starts_with("pg_")
        || name.starts_with('_')
        || name.starts_with("reg")
        || name == "information_schema"
        || OF_EXTENSIONS.contains(&name)
        || OF_THE_SYSTEM.contains(&name)
        || !matches!(SqlType::from_name(name, None), SqlType::Named(_))
}

/// `LIKE`, with `%` and `_` and nothing escaped.
pub(super) fn like(text: &str, pattern: &str) -> Option<bool> {
    if pattern.contains('\\') {
        return None;
    }
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    // The row of the table of all prefixes.
    let mut row = vec![false; text.len() + 1];
    row.first_mut().into_iter().for_each(|cell| *cell = true);
    for c in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            let diagonal = at.checked_sub(1).and_then(|before| row.get(before)).copied().unwrap_or(false);
            let left = at.checked_sub(1).and_then(|before| next.get(before)).copied().unwrap_or(false);
            let above = row.get(at).copied().unwrap_or(false);
            let same =
                at.checked_sub(1).and_then(|before| text.get(before)).is_some_and(|t| *t == c || c == '_');
            let cell = if c == '%' { above || left } else { diagonal && same };
            next.get_mut(at).into_iter().for_each(|place| *place = cell);
        }
        row = next;
    }
    row.last().copied()
}
