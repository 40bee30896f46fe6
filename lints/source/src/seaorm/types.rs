//! Column types, as sea-query writes them in each dialect.

use tenantry_policy::Dialect;

use super::evaluate::Value;
use super::text::SchemaText;

/// True for the methods of `ColumnDef` (and variants of `ColumnType` in snake case) that choose a type.
pub(super) fn is_type(name: &str) -> bool {
    plain(name, Dialect::Postgres).is_some()
        || matches!(
            name,
            "char_len"
                | "string_len"
                | "decimal_len"
                | "money_len"
                | "binary_len"
                | "var_binary"
                | "bit"
                | "varbit"
                | "array"
                | "enumeration"
                | "custom"
                | "vector"
        )
}

/// A type without arguments.
fn plain(name: &str, dialect: Dialect) -> Option<&'static str> {
    let (postgres, mysql, sqlite) = match name {
        "char" => ("char", "char", "char"),
        "string" => ("varchar", "varchar(255)", "varchar"),
        "text" => ("text", "text", "text"),
        "tiny_integer" => ("smallint", "tinyint", "tinyint"),
        "small_integer" => ("smallint", "smallint", "smallint"),
        "integer" => ("integer", "int", "integer"),
        "big_integer" => ("bigint", "bigint", "bigint"),
        "tiny_unsigned" => ("smallint", "tinyint unsigned", "tinyint"),
        "small_unsigned" => ("smallint", "smallint unsigned", "smallint"),
        "unsigned" => ("integer", "int unsigned", "integer"),
        "big_unsigned" => ("bigint", "bigint unsigned", "bigint"),
        "float" => ("real", "float", "float"),
        "double" => ("double precision", "double", "double"),
        "decimal" => ("decimal", "decimal", "real"),
        "money" => ("money", "decimal", "real"),
        "date_time" => ("timestamp", "datetime", "datetime_text"),
        "timestamp" => ("timestamp", "timestamp", "timestamp_text"),
        "timestamp_with_time_zone" => ("timestamptz", "timestamp", "timestamp_with_timezone_text"),
        "time" => ("time", "time", "time_text"),
        "date" => ("date", "date", "date_text"),
        "year" => ("smallint", "year", "smallint"),
        "interval" => ("interval", "text", "text"),
        "binary" | "blob" => ("bytea", "blob", "blob"),
        "boolean" => ("bool", "bool", "boolean"),
        "json" => ("json", "json", "json_text"),
        "json_binary" => ("jsonb", "json", "jsonb_text"),
        "uuid" => ("uuid", "binary(16)", "uuid_text"),
        "cidr" => ("cidr", "text", "text"),
        "inet" => ("inet", "text", "text"),
        "mac_address" => ("macaddr", "text", "text"),
        "ltree" => ("ltree", "text", "text"),
        _ => return None,
    };
    Some(match dialect {
        Dialect::Postgres => postgres,
        Dialect::Mysql => mysql,
        Dialect::Sqlite => sqlite,
    })
}

/// The type that a call chooses, as SQL; `None` if it chooses none, or one that is not known.
pub(super) fn written(name: &str, args: &[Value], dialect: Dialect) -> Option<String> {
    let number = |at: usize| match args.get(at) {
        Some(Value::Number(number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(number.clone())
        }
        _ => None,
    };
    let sized = |plain: &str| match (number(0), number(1)) {
        (Some(first), Some(second)) => format!("{plain}({first}, {second})"),
        (Some(first), None) => format!("{plain}({first})"),
        (None, _) => plain.to_owned(),
    };
    let found = match name {
        "char" | "char_len" => sized("char"),
        // A constant may stand for the length, which changes nothing.
        "string_len" | "string" if number(0).is_some() => sized("varchar"),
        "string_len" => plain("string", dialect)?.to_owned(),
        "decimal" | "decimal_len" => match dialect {
            Dialect::Sqlite => "real".to_owned(),
            Dialect::Postgres | Dialect::Mysql => sized("decimal"),
        },
        "money_len" => plain("money", dialect)?.to_owned(),
        "binary_len" | "var_binary" => plain("binary", dialect)?.to_owned(),
        "bit" | "varbit" if dialect == Dialect::Postgres && name == "varbit" => sized("varbit"),
        "bit" | "varbit" => sized("bit"),
        "vector" => "vector".to_owned(),
        "custom" => custom(args.first()?)?,
        "enumeration" => match dialect {
            Dialect::Postgres => quoted(&name_of(args.first()?)?, dialect),
            Dialect::Sqlite => "enum_text".to_owned(),
            Dialect::Mysql => match args.get(1) {
                Some(Value::List(variants)) => {
                    let names: Option<Vec<String>> = variants.iter().map(name_of).collect();
                    let names = names?.iter().map(|name| string(name)).collect::<Vec<_>>();
                    format!("enum({})", names.join(", "))
                }
                _ => "text".to_owned(),
            },
        },
        "array" => format!("{}[]", of_column_type(args.first()?, dialect)?),
        _ => plain(name, dialect)?.to_owned(),
    };
    Some(found)
}

/// A custom type's name is written as it is.
fn custom(value: &Value) -> Option<String> {
    name_of(value)
}

/// `ColumnType::Text`, `ColumnType::string(Some(1))`.
pub(super) fn of_column_type(value: &Value, dialect: Dialect) -> Option<String> {
    match value {
        Value::Path(path) => {
            let name = super::names::snake_case(path.last()?);
            written(&name, &[], dialect)
        }
        Value::Chain(chain) if chain.calls.is_empty() => {
            let name = super::names::snake_case(chain.root.last()?);
            written(&name, &chain.args, dialect)
        }
        _ => None,
    }
}

/// The text of an identifier or string.
pub(super) fn name_of(value: &Value) -> Option<String> {
    match value {
        Value::Iden(name, _) => Some(name.clone()),
        Value::Text(text) => Some(text.sql.clone()),
        _ => None,
    }
}

/// A name between the dialect's quotes.
pub(super) fn quoted(name: &str, dialect: Dialect) -> String {
    match dialect {
        Dialect::Mysql => format!("`{}`", name.replace('`', "``")),
        Dialect::Postgres | Dialect::Sqlite => format!("\"{}\"", name.replace('"', "\"\"")),
    }
}

/// A string literal.
pub(super) fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An expression, as far as defaults and conditions need it.
pub(super) fn expression(value: &Value) -> Option<SchemaText> {
    let plain = |sql: String, span| {
        let mut text = SchemaText::new(span);
        text.push_from(&sql, span);
        text
    };
    let nowhere = tenantry_span::Span::new(tenantry_span::FileId(0), tenantry_span::TextRange::default());
    match value {
        Value::Text(text) => Some(plain(string(&text.sql), text.span)),
        Value::Number(number) => Some(plain(number.clone(), nowhere)),
        Value::Bool(value) => Some(plain(if *value { "TRUE" } else { "FALSE" }.to_owned(), nowhere)),
        Value::Path(path) => {
            let last = path.last()?;
            let keyword = path.iter().any(|part| part == "Keyword");
            (keyword && last == "CurrentTimestamp").then(|| plain("CURRENT_TIMESTAMP".to_owned(), nowhere))
        }
        Value::Chain(chain) => {
            // What is called on it makes another expression of it.
            if !chain.calls.is_empty() {
                return None;
            }
            let (of, name) =
                (chain.root.iter().rev().nth(1).map(String::as_str), chain.root.last()?.as_str());
            let first = chain.args.first();
            match (of, name) {
                (_, "current_timestamp") => Some(plain("CURRENT_TIMESTAMP".to_owned(), chain.span)),
                (_, "current_date") => Some(plain("CURRENT_DATE".to_owned(), chain.span)),
                (Some("PgFunc"), "gen_random_uuid") => {
                    Some(plain("gen_random_uuid()".to_owned(), chain.span))
                }
                (Some("Func"), "cust") => Some(plain(format!("{}()", name_of(first?)?), chain.span)),
                (Some("Expr" | "SimpleExpr"), "cust" | "Custom") => match first? {
                    Value::Text(text) => Some(text.clone()),
                    _ => None,
                },
                (Some("SimpleExpr"), "Keyword" | "FunctionCall" | "Value") => expression(first?),
                (Some("Value"), _) => expression(first?),
                (Some("Expr"), "value" | "val" | "expr" | "keyword" | "from") => expression(first?),
                _ => None,
            }
        }
        _ => None,
    }
}
