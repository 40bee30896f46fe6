//! The built-in functions and operators that are known to read no table, by class.
//!
//! **Invariant:** an allow-list. A name that is not here is an unknown function, and what calls it is not proved.

mod mysql;
mod postgres;
mod sqlite;

use tenantry_policy::Dialect;

use crate::types::SqlType;

pub(super) use postgres::EXTENSIONS;

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

const WINDOWS: &[(Result, &[&str])] = &[
    (Result::Int, &["row_number", "rank", "dense_rank", "ntile"]),
    (Result::Float, &["percent_rank", "cume_dist"]),
    (Result::First, &["lag", "lead", "first_value", "last_value", "nth_value"]),
];

fn tables(dialect: Dialect) -> (Scalars, Aggregates, Sets) {
    match dialect {
        Dialect::Postgres => (postgres::SCALARS, postgres::AGGREGATES, postgres::SETS),
        Dialect::Mysql => (mysql::SCALARS, mysql::AGGREGATES, &[]),
        Dialect::Sqlite => (sqlite::SCALARS, sqlite::AGGREGATES, sqlite::SETS),
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
    if dialect == Dialect::Postgres && postgres::ADVISORY_LOCKS.contains(&name) {
        let signature = Signature { result: Result::Bool, args: Argument::Unknown, locks: true };
        return Some(Class::Scalar(signature));
    }
    let (result, args, _) = scalars.iter().find(|(.., names)| names.contains(&name))?;
    Some(Class::Scalar(Signature { result: *result, args: *args, locks: false }))
}

/// Whether a function's columns are those of the column definition list.
pub(super) fn is_record_set(dialect: Dialect, name: &str) -> bool {
    dialect == Dialect::Postgres && postgres::RECORD_SETS.contains(&name)
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
        known_to(Dialect::Postgres, name)
    }

    fn known_to(dialect: Dialect, name: &str) -> bool {
        let shape = Shape { arity: 1, over: false, within_group: false };
        builtin(dialect, name, shape).is_some()
    }

    #[test]
    fn what_tells_of_rows_or_of_other_statements_is_not_known_to_the_others() {
        for name in
            ["last_insert_rowid", "changes", "total_changes", "load_extension", "sqlite_offset", "bm25"]
        {
            assert!(!known_to(Dialect::Sqlite, name), "{name} must not be taken for harmless");
        }
        let mysql =
            ["last_insert_id", "found_rows", "row_count", "load_file", "get_lock", "benchmark", "uuid_short"];
        for name in mysql {
            assert!(!known_to(Dialect::Mysql, name), "{name} must not be taken for harmless");
        }
    }

    #[test]
    fn no_name_is_both_a_scalar_function_and_an_aggregate_or_a_set() {
        for dialect in [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite] {
            let (scalars, aggregates, sets) = tables(dialect);
            for name in scalars.iter().flat_map(|(.., names)| names.iter()) {
                let extreme = dialect == Dialect::Sqlite && matches!(*name, "min" | "max");
                let aggregate = aggregates.iter().any(|(.., names)| names.contains(name));
                let set = sets.iter().any(|(known, ..)| known == name);
                assert!(extreme || !aggregate && !set, "{name}");
            }
        }
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
        for scalars in [postgres::SCALARS, mysql::SCALARS, sqlite::SCALARS] {
            let mut names: Vec<&str> = scalars.iter().flat_map(|(.., names)| names.iter().copied()).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(count, names.len());
        }
    }
}
