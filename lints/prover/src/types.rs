//! SQL types, as far as equality depends on them.

/// A type, folded to what a proof needs: whether `=` on it is exact, and which casts keep values apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SqlType {
    /// Not known; an untyped parameter or a column whose type was not read.
    Unknown,
    /// `boolean`.
    Bool,
    /// `smallint`, `int`, `bigint` and their serial forms.
    Int,
    /// `numeric`, with or without precision.
    Numeric,
    /// `real` and `double precision`.
    Float,
    /// `text`, and `varchar` without a length.
    Text,
    /// `varchar(n)`.
    VarcharN(u32),
    /// `char(n)` / `bpchar`: trailing blanks do not count.
    Char,
    /// `name`.
    Name,
    /// `uuid`.
    Uuid,
    /// `bytea` / `blob`.
    Bytes,
    /// `json`.
    Json,
    /// `jsonb`.
    Jsonb,
    /// Date and time types, intervals included.
    Temporal,
    /// An array of a type.
    Array(Box<SqlType>),
    /// Any other type by its lower-case name: an enum, a domain, a composite, `citext`, `inet`, …
    Named(String),
}

impl SqlType {
    /// The type that a name as written in SQL means, schema `pg_catalog` left out; length is the first modifier.
    pub fn from_name(name: &str, length: Option<u32>) -> SqlType {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "bool" | "boolean" => SqlType::Bool,
            "int" | "integer" | "int2" | "int4" | "int8" | "smallint" | "bigint" | "serial" | "bigserial"
            | "smallserial" | "serial2" | "serial4" | "serial8" | "tinyint" | "mediumint" | "oid" => {
                SqlType::Int
            }
            // A scale rounds, so that different values become one; `length` is the precision, which comes with it.
            "numeric" | "decimal" | "dec" => match length {
                Some(_) => SqlType::Named("numeric with a scale".to_owned()),
                None => SqlType::Numeric,
            },
            "float" | "float4" | "float8" | "real" | "double" | "double precision" => SqlType::Float,
            "text" | "tinytext" | "mediumtext" | "longtext" | "clob" => SqlType::Text,
            "varchar" | "character varying" | "nvarchar" | "char varying" => match length {
                Some(length) => SqlType::VarcharN(length),
                None => SqlType::Text,
            },
            "char" | "character" | "bpchar" | "nchar" => SqlType::Char,
            "name" => SqlType::Name,
            "uuid" => SqlType::Uuid,
            "bytea" | "blob" | "binary" | "varbinary" => SqlType::Bytes,
            "json" => SqlType::Json,
            "jsonb" => SqlType::Jsonb,
            "date"
            | "time"
            | "timetz"
            | "timestamp"
            | "timestamptz"
            | "interval"
            | "datetime"
            | "timestamp without time zone"
            | "timestamp with time zone"
            | "time without time zone"
            | "time with time zone" => SqlType::Temporal,
            _ => SqlType::Named(name),
        }
    }
}
