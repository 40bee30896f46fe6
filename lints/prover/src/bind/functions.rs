//! The built-in functions and operators that are known to read no table, by class.
//!
//! **Invariant:** an allow-list. A name that is not here is an unknown function, and what calls it is not proved.

use tenantry_policy::Dialect;

use crate::types::SqlType;

/// What a known function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A scalar function.
    Scalar(Signature),
    /// An aggregate; the flag says that it ignores rows whose first argument is NULL.
    Aggregate { ignores_null: bool, result: Result },
    /// A function that is called with `OVER` only.
    Window(Result),
    /// A function that returns rows, with the names of its columns; none: one column, named by its alias.
    Set {
        columns: &'static [&'static str],
        /// The columns' type.
        result: Result,
    },
}

/// What is known of a scalar function's types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signature {
    /// What it returns.
    pub(super) result: Result,
    /// What a bare placeholder among its arguments becomes.
    pub(super) args: Argument,
    /// It takes advisory locks, which others can see.
    pub(super) locks: bool,
}

/// The type of a function's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Result {
    /// Not said.
    Unknown,
    /// Boolean.
    Bool,
    /// Integer.
    Int,
    /// Double precision.
    Float,
    /// Text.
    Text,
    /// UUID.
    Uuid,
    /// Bytes.
    Bytes,
    /// `json`.
    Json,
    /// `jsonb`.
    Jsonb,
    /// Date and time.
    Temporal,
    /// The first argument's.
    First,
    /// An array of the first argument's.
    ArrayOfFirst,
    /// The element type of the first argument.
    ElementOfFirst,
}

/// The type that a function gives to placeholders among its arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// Not said.
    Unknown,
    /// Text, all of them.
    Text,
}

impl Result {
    /// The result's type, given that of the first argument.
    pub(super) fn of(self, first: Option<&SqlType>) -> SqlType {
        let first = first.cloned().unwrap_or(SqlType::Unknown);
        match self {
            Result::Unknown => SqlType::Unknown,
            Result::Bool => SqlType::Bool,
            Result::Int => SqlType::Int,
            Result::Float => SqlType::Float,
            Result::Text => SqlType::Text,
            Result::Uuid => SqlType::Uuid,
            Result::Bytes => SqlType::Bytes,
            Result::Json => SqlType::Json,
            Result::Jsonb => SqlType::Jsonb,
            Result::Temporal => SqlType::Temporal,
            Result::First => first,
            Result::ArrayOfFirst if first == SqlType::Unknown => SqlType::Unknown,
            Result::ArrayOfFirst => SqlType::Array(Box::new(first)),
            Result::ElementOfFirst => super::types::element(&first),
        }
    }
}

type Scalars = &'static [(Result, Argument, &'static [&'static str])];
type Aggregates = &'static [(bool, Result, &'static [&'static str])];
type Sets = &'static [(&'static str, &'static [&'static str], Result)];

const POSTGRES_SCALARS: Scalars = &[
    (
        Result::Text,
        Argument::Text,
        &[
            "btrim",
            "chr",
            "concat",
            "concat_ws",
            "initcap",
            "lower",
            "lpad",
            "ltrim",
            "md5",
            "quote_ident",
            "quote_literal",
            "quote_nullable",
            "regexp_replace",
            "regexp_substr",
            "repeat",
            "replace",
            "reverse",
            "rpad",
            "rtrim",
            "split_part",
            "substr",
            "substring",
            "translate",
            "trim",
            "unaccent",
            "upper",
            "left",
            "right",
            "normalize",
            "overlay",
            "encode",
            "unistr",
            "ltree2text",
        ],
    ),
    (
        Result::Text,
        Argument::Unknown,
        &[
            "format",
            "to_char",
            "to_hex",
            "array_to_string",
            "jsonb_typeof",
            "json_typeof",
            "jsonb_pretty",
            "json_extract_path_text",
            "jsonb_extract_path_text",
            "pg_typeof",
            "version",
            "current_user",
            "session_user",
            "user",
            "current_role",
            "current_schema",
            "current_database",
            "current_catalog",
            "gen_salt",
            "crypt",
            "host",
            "text",
            "abbrev",
            "pg_size_pretty",
            "format_type",
            "pg_client_encoding",
            "soundex",
            "metaphone",
        ],
    ),
    (
        Result::Int,
        Argument::Text,
        &[
            "length",
            "char_length",
            "character_length",
            "octet_length",
            "bit_length",
            "ascii",
            "strpos",
            "position",
            "hashtext",
            "hashtextextended",
            "levenshtein",
            "regexp_count",
            "regexp_instr",
        ],
    ),
    (
        Result::Int,
        Argument::Unknown,
        &[
            "array_length",
            "cardinality",
            "array_position",
            "array_upper",
            "array_lower",
            "array_ndims",
            "jsonb_array_length",
            "json_array_length",
            "width_bucket",
            "pg_backend_pid",
            "txid_current",
            "num_nulls",
            "num_nonnulls",
            "scale",
            "masklen",
            "family",
            "grouping",
            "bit_count",
            "nlevel",
            "factorial",
            "gcd",
            "lcm",
            "div",
        ],
    ),
    (Result::Bool, Argument::Text, &["starts_with", "regexp_like"]),
    (
        Result::Bool,
        Argument::Unknown,
        &[
            "isfinite",
            "isempty",
            "lower_inc",
            "upper_inc",
            "lower_inf",
            "upper_inf",
            "jsonb_exists",
            "jsonb_exists_any",
            "jsonb_exists_all",
            "jsonb_path_exists",
            "jsonb_path_match",
            "jsonb_path_exists_tz",
            "jsonb_contains",
            "inet_same_family",
            "overlaps",
            "pg_input_is_valid",
            "arraycontains",
            "arrayoverlap",
        ],
    ),
    (
        Result::Float,
        Argument::Unknown,
        &[
            "random",
            "pi",
            "sin",
            "cos",
            "tan",
            "asin",
            "acos",
            "atan",
            "atan2",
            "radians",
            "degrees",
            "cbrt",
            "similarity",
            "word_similarity",
            "strict_word_similarity",
            "ts_rank",
            "ts_rank_cd",
            "random_normal",
            "cot",
            "sinh",
            "cosh",
            "tanh",
            "cosine_distance",
            "l2_distance",
            "inner_product",
        ],
    ),
    (
        Result::Unknown,
        Argument::Unknown,
        &[
            "abs",
            "ceil",
            "ceiling",
            "floor",
            "round",
            "trunc",
            "sign",
            "mod",
            "power",
            "pow",
            "sqrt",
            "exp",
            "ln",
            "log",
            "log10",
            "to_number",
            "extract",
            "date_part",
            "array_append",
            "array_cat",
            "array_prepend",
            "array_remove",
            "array_replace",
            "array_fill",
            "array_dims",
            "array_positions",
            "trim_array",
            "array_shuffle",
            "array_sample",
            "string_to_array",
            "regexp_match",
            "regexp_split_to_array",
            "parse_ident",
            "int4range",
            "int8range",
            "numrange",
            "tsrange",
            "tstzrange",
            "daterange",
            "int4multirange",
            "int8multirange",
            "nummultirange",
            "tsmultirange",
            "tstzmultirange",
            "datemultirange",
            "range_merge",
            "multirange",
            "to_tsvector",
            "to_tsquery",
            "plainto_tsquery",
            "phraseto_tsquery",
            "websearch_to_tsquery",
            "setweight",
            "strip",
            "tsvector_to_array",
            "array_to_tsvector",
            "numnode",
            "querytree",
            "ts_headline",
            "ts_delete",
            "tsquery_phrase",
            "json_extract_path",
            "jsonb_path_query_first",
            "jsonb_path_query_array",
            "jsonb_extract_path",
            "int4",
            "int8",
            "int2",
            "float4",
            "float8",
            "numeric",
            "date",
            "bool",
            "network",
            "netmask",
            "hostmask",
            "broadcast",
            "set_masklen",
            "inet_merge",
            "inet_client_addr",
            "get_bit",
            "get_byte",
            "set_bit",
            "set_byte",
            "point",
            "box",
            "circle",
            "polygon",
            "line",
            "lseg",
            "path",
            "row",
            "subpath",
            "subltree",
            "text2ltree",
            "lca",
            "hstore",
            "akeys",
            "avals",
            "slice",
            "min_scale",
            "trim_scale",
            "pg_sleep",
        ],
    ),
    (
        Result::Uuid,
        Argument::Unknown,
        &[
            "gen_random_uuid",
            "uuidv7",
            "uuidv4",
            "uuid_generate_v4",
            "uuid_generate_v1",
            "uuid_generate_v1mc",
            "uuid_generate_v5",
            "uuid_generate_v3",
            "uuid_nil",
            "uuid_generate_v7",
        ],
    ),
    (
        Result::Bytes,
        Argument::Unknown,
        &[
            "sha224",
            "sha256",
            "sha384",
            "sha512",
            "decode",
            "digest",
            "hmac",
            "gen_random_bytes",
            "convert_to",
            "int4send",
            "int8send",
            "uuid_send",
        ],
    ),
    (Result::Text, Argument::Unknown, &["convert_from"]),
    (
        Result::Json,
        Argument::Unknown,
        &[
            "json_build_object",
            "json_build_array",
            "row_to_json",
            "to_json",
            "array_to_json",
            "json_strip_nulls",
            "json_object",
        ],
    ),
    (
        Result::Jsonb,
        Argument::Unknown,
        &[
            "jsonb_build_object",
            "jsonb_build_array",
            "to_jsonb",
            "jsonb_set",
            "jsonb_set_lax",
            "jsonb_insert",
            "jsonb_strip_nulls",
            "jsonb_concat",
            "jsonb_object",
        ],
    ),
    (
        Result::Temporal,
        Argument::Unknown,
        &[
            "now",
            "current_date",
            "current_time",
            "current_timestamp",
            "localtime",
            "localtimestamp",
            "clock_timestamp",
            "statement_timestamp",
            "transaction_timestamp",
            "timeofday",
            "age",
            "date_trunc",
            "date_bin",
            "make_date",
            "make_time",
            "make_timestamp",
            "make_timestamptz",
            "make_interval",
            "timezone",
            "to_timestamp",
            "to_date",
            "justify_days",
            "justify_hours",
            "justify_interval",
            "date_add",
            "date_subtract",
            "uuid_extract_timestamp",
            "timestamptz",
            "timestamp",
            "interval",
        ],
    ),
];

const ADVISORY_LOCKS: &[&str] = &[
    "pg_advisory_lock",
    "pg_advisory_lock_shared",
    "pg_advisory_unlock",
    "pg_advisory_unlock_all",
    "pg_advisory_unlock_shared",
    "pg_advisory_xact_lock",
    "pg_advisory_xact_lock_shared",
    "pg_try_advisory_lock",
    "pg_try_advisory_lock_shared",
    "pg_try_advisory_xact_lock",
    "pg_try_advisory_xact_lock_shared",
];

/// Functions of pgcrypto and uuid-ossp, which live in whatever schema the extension was created in.
pub(super) const EXTENSIONS: &[&str] = &[
    "crypt",
    "digest",
    "gen_random_bytes",
    "gen_random_uuid",
    "gen_salt",
    "hmac",
    "uuid_generate_v1",
    "uuid_generate_v1mc",
    "uuid_generate_v3",
    "uuid_generate_v4",
    "uuid_generate_v5",
];

const POSTGRES_AGGREGATES: Aggregates = &[
    (true, Result::Int, &["count", "regr_count"]),
    (true, Result::First, &["max", "min", "any_value", "bit_and", "bit_or", "bit_xor"]),
    (true, Result::Bool, &["bool_and", "bool_or", "every"]),
    (true, Result::Text, &["string_agg"]),
    (
        true,
        Result::Unknown,
        &[
            "sum",
            "avg",
            "stddev",
            "stddev_pop",
            "stddev_samp",
            "variance",
            "var_pop",
            "var_samp",
            "corr",
            "covar_pop",
            "covar_samp",
            "regr_avgx",
            "regr_avgy",
            "regr_intercept",
            "regr_r2",
            "regr_slope",
            "regr_sxx",
            "regr_sxy",
            "regr_syy",
            "range_agg",
            "range_intersect_agg",
        ],
    ),
    (false, Result::ArrayOfFirst, &["array_agg"]),
    (
        false,
        Result::Json,
        &["json_agg", "json_object_agg", "json_agg_strict", "json_objectagg", "json_arrayagg"],
    ),
    (false, Result::Jsonb, &["jsonb_agg", "jsonb_object_agg", "jsonb_agg_strict"]),
    (
        false,
        Result::Unknown,
        &[
            "percentile_cont",
            "percentile_disc",
            "mode",
            "rank",
            "dense_rank",
            "percent_rank",
            "cume_dist",
            "xmlagg",
        ],
    ),
];

const WINDOWS: &[(Result, &[&str])] = &[
    (Result::Int, &["row_number", "rank", "dense_rank", "ntile"]),
    (Result::Float, &["percent_rank", "cume_dist"]),
    (Result::First, &["lag", "lead", "first_value", "last_value", "nth_value"]),
];

const POSTGRES_SETS: Sets = &[
    ("generate_series", &[], Result::First),
    ("generate_subscripts", &[], Result::Int),
    ("json_array_elements", &["value"], Result::Json),
    ("json_array_elements_text", &["value"], Result::Text),
    ("json_each", &["key", "value"], Result::Unknown),
    ("json_each_text", &["key", "value"], Result::Text),
    ("json_object_keys", &[], Result::Text),
    ("jsonb_array_elements", &["value"], Result::Jsonb),
    ("jsonb_array_elements_text", &["value"], Result::Text),
    ("jsonb_each", &["key", "value"], Result::Unknown),
    ("jsonb_each_text", &["key", "value"], Result::Text),
    ("jsonb_object_keys", &[], Result::Text),
    ("jsonb_path_query", &[], Result::Jsonb),
    ("regexp_matches", &[], Result::Unknown),
    ("regexp_split_to_table", &[], Result::Text),
    ("string_to_table", &[], Result::Text),
    ("unnest", &[], Result::ElementOfFirst),
];

/// Functions whose columns are what the column definition list of their alias says.
const RECORD_SETS: &[&str] =
    &["json_to_record", "json_to_recordset", "jsonb_to_record", "jsonb_to_recordset"];

const MYSQL_SCALARS: Scalars = &[
    (
        Result::Text,
        Argument::Text,
        &[
            "concat",
            "concat_ws",
            "hex",
            "lcase",
            "left",
            "lower",
            "lpad",
            "ltrim",
            "md5",
            "quote",
            "repeat",
            "replace",
            "reverse",
            "right",
            "rpad",
            "rtrim",
            "sha1",
            "sha2",
            "substr",
            "substring",
            "substring_index",
            "trim",
            "ucase",
            "upper",
        ],
    ),
    (
        Result::Text,
        Argument::Unknown,
        &[
            "bin_to_uuid",
            "date_format",
            "json_extract",
            "json_unquote",
            "uuid",
            "json_object",
            "json_array",
            "json_set",
            "dayname",
            "monthname",
        ],
    ),
    (
        Result::Int,
        Argument::Text,
        &["length", "char_length", "character_length", "locate", "instr", "ascii", "crc32"],
    ),
    (
        Result::Int,
        Argument::Unknown,
        &[
            "day",
            "dayofmonth",
            "dayofweek",
            "dayofyear",
            "hour",
            "json_length",
            "minute",
            "month",
            "quarter",
            "second",
            "week",
            "weekday",
            "year",
            "datediff",
            "timestampdiff",
            "unix_timestamp",
            "to_days",
        ],
    ),
    (
        Result::Temporal,
        Argument::Unknown,
        &[
            "now",
            "curdate",
            "curtime",
            "current_date",
            "current_time",
            "current_timestamp",
            "date",
            "date_add",
            "date_sub",
            "adddate",
            "subdate",
            "from_unixtime",
            "last_day",
            "localtime",
            "localtimestamp",
            "str_to_date",
            "sysdate",
            "time",
            "timestamp",
            "timestampadd",
            "utc_date",
            "utc_time",
            "utc_timestamp",
            "makedate",
        ],
    ),
    (
        Result::Unknown,
        Argument::Unknown,
        &[
            "abs",
            "ceil",
            "ceiling",
            "exp",
            "extract",
            "floor",
            "ln",
            "log",
            "log10",
            "log2",
            "mod",
            "pow",
            "power",
            "rand",
            "round",
            "sign",
            "sqrt",
            "truncate",
            "if",
            "ifnull",
            "inet_aton",
            "inet_ntoa",
            "uuid_to_bin",
            "unhex",
            "json_contains",
            "json_merge_patch",
            "field",
            "find_in_set",
            "elt",
            "isnull",
        ],
    ),
];

const MYSQL_AGGREGATES: Aggregates = &[
    (true, Result::Int, &["count"]),
    (true, Result::First, &["max", "min"]),
    (true, Result::Text, &["group_concat"]),
    (
        true,
        Result::Unknown,
        &[
            "sum",
            "avg",
            "bit_and",
            "bit_or",
            "bit_xor",
            "std",
            "stddev",
            "stddev_pop",
            "stddev_samp",
            "var_pop",
            "var_samp",
            "variance",
        ],
    ),
    (false, Result::Unknown, &["any_value", "json_arrayagg", "json_objectagg"]),
];

const SQLITE_SCALARS: Scalars = &[
    (
        Result::Text,
        Argument::Text,
        &[
            "concat",
            "concat_ws",
            "lower",
            "ltrim",
            "replace",
            "rtrim",
            "substr",
            "substring",
            "trim",
            "upper",
        ],
    ),
    (
        Result::Text,
        Argument::Unknown,
        &[
            "char",
            "format",
            "hex",
            "printf",
            "quote",
            "strftime",
            "date",
            "time",
            "datetime",
            "json",
            "json_array",
            "json_object",
            "json_set",
            "json_insert",
            "json_replace",
            "json_remove",
            "json_patch",
            "json_quote",
            "json_type",
            "typeof",
            "current_date",
            "current_time",
            "current_timestamp",
        ],
    ),
    (Result::Int, Argument::Text, &["length", "instr", "unicode", "octet_length"]),
    (Result::Int, Argument::Unknown, &["json_array_length", "json_valid", "random", "sign", "unixepoch"]),
    (
        Result::Unknown,
        Argument::Unknown,
        &[
            "abs",
            "ceil",
            "ceiling",
            "exp",
            "floor",
            "glob",
            "ifnull",
            "iif",
            "if",
            "json_extract",
            "julianday",
            "like",
            "likely",
            "ln",
            "log",
            "log10",
            "log2",
            "max",
            "min",
            "mod",
            "pow",
            "power",
            "randomblob",
            "round",
            "sqrt",
            "trunc",
            "unhex",
            "unlikely",
            "zeroblob",
            "timediff",
        ],
    ),
];

const SQLITE_AGGREGATES: Aggregates = &[
    (true, Result::Int, &["count"]),
    (true, Result::First, &["max", "min"]),
    (true, Result::Text, &["group_concat", "string_agg"]),
    (true, Result::Unknown, &["sum", "avg", "total"]),
    (false, Result::Text, &["json_group_array", "json_group_object"]),
];

const SQLITE_SETS: Sets = &[
    ("generate_series", &["value"], Result::Int),
    ("json_each", SQLITE_JSON, Result::Unknown),
    ("json_tree", SQLITE_JSON, Result::Unknown),
];

const SQLITE_JSON: &[&str] = &["key", "value", "type", "atom", "id", "parent", "fullkey", "path"];

fn tables(dialect: Dialect) -> (Scalars, Aggregates, Sets) {
    match dialect {
        Dialect::Postgres => (POSTGRES_SCALARS, POSTGRES_AGGREGATES, POSTGRES_SETS),
        Dialect::Mysql => (MYSQL_SCALARS, MYSQL_AGGREGATES, &[]),
        Dialect::Sqlite => (SQLITE_SCALARS, SQLITE_AGGREGATES, SQLITE_SETS),
    }
}

/// How a function is called, as far as it decides which function is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// How many arguments.
    pub(super) arity: usize,
    /// With `OVER`.
    pub(super) over: bool,
    /// With `WITHIN GROUP`.
    pub(super) within_group: bool,
}

/// What a built-in function is, if it is one that is known to be harmless.
pub(super) fn builtin(dialect: Dialect, name: &str, shape: Shape) -> Option<Class> {
    let (scalars, aggregates, sets) = tables(dialect);
    if shape.over
        && let Some((result, _)) = WINDOWS.iter().find(|(_, names)| names.contains(&name))
    {
        return Some(Class::Window(*result));
    }
    // SQLite's min and max of several arguments are scalar functions.
    let scalar_extreme = dialect == Dialect::Sqlite && shape.arity > 1 && matches!(name, "min" | "max");
    if !scalar_extreme
        && let Some((ignores_null, result, _)) = aggregates.iter().find(|(.., names)| names.contains(&name))
    {
        // The hypothetical-set functions are aggregates only with WITHIN GROUP.
        let hypothetical = matches!(name, "rank" | "dense_rank" | "percent_rank" | "cume_dist");
        return (!hypothetical || shape.within_group)
            .then_some(Class::Aggregate { ignores_null: *ignores_null, result: *result });
    }
    if let Some((_, columns, result)) = sets.iter().find(|(known, ..)| *known == name) {
        return Some(Class::Set { columns, result: *result });
    }
    if dialect == Dialect::Postgres && ADVISORY_LOCKS.contains(&name) {
        let signature = Signature { result: Result::Bool, args: Argument::Unknown, locks: true };
        return Some(Class::Scalar(signature));
    }
    let (result, args, _) = scalars.iter().find(|(.., names)| names.contains(&name))?;
    Some(Class::Scalar(Signature { result: *result, args: *args, locks: false }))
}

/// Whether a function's columns are those of the column definition list.
pub(super) fn is_record_set(dialect: Dialect, name: &str) -> bool {
    dialect == Dialect::Postgres && RECORD_SETS.contains(&name)
}

/// What an operator that is neither a comparison nor arithmetic gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// A strict predicate.
    Predicate,
    /// A value of this type.
    Value(Result),
}

/// A built-in operator that reads nothing but its operands.
pub(super) fn operator(op: &str) -> Option<Operator> {
    Some(match op {
        "~" | "~*" | "!~" | "!~*" | "~~" | "!~~" | "~~*" | "!~~*" | "@>" | "<@" | "&&" | "@@" | "@@@"
        | "?" | "?|" | "?&" | "@?" | "^@" | "<<" | ">>" | "<<=" | ">>=" | "&<" | "&>" | "-|-" | "%>"
        | "<%" | "%>>" | "<<%" | "|>>" | "<<|" | "&<|" | "|&>" | "~=" | "REGEXP" | "RLIKE" | "GLOB"
        | "MATCH" | "OVERLAPS" => Operator::Predicate,
        "->>" | "#>>" => Operator::Value(Result::Text),
        "->" | "#>" => Operator::Value(Result::First),
        "#-" => Operator::Value(Result::Jsonb),
        "<->" | "<=>" | "<#>" | "<->>" | "<<->" | "<+>" => Operator::Value(Result::Float),
        "&" | "|" | "#" | "@-@" | "##" | "!!" | "@" | "|/" | "||/" | "DIV" | "MOD" | "XOR" => {
            Operator::Value(Result::Unknown)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str) -> bool {
        let shape = Shape { arity: 1, over: false, within_group: false };
        builtin(Dialect::Postgres, name, shape).is_some()
    }

    #[test]
    fn what_reads_tables_or_sequences_is_not_known() {
        for name in [
            "ts_stat",
            "ts_rewrite",
            "query_to_xml",
            "table_to_xml",
            "cursor_to_xml",
            "nextval",
            "currval",
            "lastval",
            "setval",
            "dblink",
            "lo_get",
            "pg_notify",
            "pg_relation_size",
            "has_table_privilege",
            "pg_sequence_last_value",
            "set_config",
            "pg_read_file",
            "rank",
        ] {
            assert!(!known(name), "{name} must not be taken for harmless");
        }
    }

    #[test]
    fn no_name_stands_in_two_classes_of_scalars() {
        for scalars in [POSTGRES_SCALARS, MYSQL_SCALARS, SQLITE_SCALARS] {
            let mut names: Vec<&str> = scalars.iter().flat_map(|(.., names)| names.iter().copied()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(count, names.len());
        }
    }
}
