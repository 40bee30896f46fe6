//! Values of columns and parameters, as text.

/// The kind of a type, as far as values of it are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `smallint` and `integer`.
    Int,
    /// `bigint`.
    Bigint,
    /// `numeric` and the floats.
    Number,
    /// `text` and its kin.
    Text,
    /// `uuid`.
    Uuid,
    /// `boolean`.
    Bool,
    /// `date`.
    Date,
    /// `timestamp` and `timestamptz`.
    Timestamp,
    /// `json` and `jsonb`.
    Json,
    /// `bytea`.
    Bytes,
    /// An array.
    Array(Box<Kind>),
    /// An enum with its labels.
    Enum(Vec<String>),
    /// Any other.
    Other,
}

/// 2^53: a float does not tell it from its successor.
const TENANT: i64 = 9_007_199_254_740_992;
/// Keys of other tenants: the float's twin, an extension of its digits, its negative, small numbers that ids and counts also
/// have, half of it, and the one after its twin. Four of those whose names do not differ by case alone are smaller, so that
/// four rows leave the tenant out.
const OTHERS: [i64; 7] = [TENANT + 1, TENANT * 10 + 3, -TENANT, 2, 1, TENANT / 2, TENANT + 2];
/// The same for keys of 32 bits.
const SMALL_OTHERS: [i64; 7] = [1003, 10023, -1002, 2, 1, 501, 1004];
/// The same for keys that are small.
const LOW_OTHERS: [i64; 7] = [7, 63, -6, 2, 1, 3, 8];
/// Text keys: `_` is a wildcard of LIKE, and the others differ by case, by a suffix, by a prefix.
const NAMES: [&str; 8] = ["a_me", "axme", "A_ME", "a_me2", "a_m", "1st", "a", "0th"];
const WORDS: [&str; 5] = ["alpha", "beta", "gamma", "open", "done"];
const NUMBERS: [i64; 6] = [0, 1, 2, 3, 5, 9];

impl Kind {
    /// The kind of a type by the name that `pg_type` gives it.
    pub fn of(name: &str, labels: &[String]) -> Kind {
        if !labels.is_empty() {
            return Kind::Enum(labels.to_vec());
        }
        if let Some(element) = name.strip_prefix('_') {
            return Kind::Array(Box::new(Kind::of(element, &[])));
        }
        match name {
            "int2" | "int4" => Kind::Int,
            "int8" | "oid" => Kind::Bigint,
            "numeric" | "float4" | "float8" => Kind::Number,
            "text" | "varchar" | "bpchar" | "name" | "citext" => Kind::Text,
            "uuid" => Kind::Uuid,
            "bool" => Kind::Bool,
            "date" => Kind::Date,
            "timestamp" | "timestamptz" => Kind::Timestamp,
            "json" | "jsonb" => Kind::Json,
            "bytea" => Kind::Bytes,
            _ => Kind::Other,
        }
    }

    /// The number of the type that a driver declares for a value of a kind that has several: what a Rust integer, string or
    /// decimal becomes, and no float, which does not tell large numbers apart (PostgreSQL's `pg_type.dat`).
    pub fn declared(&self) -> Option<u32> {
        match self {
            Kind::Int => Some(23),
            Kind::Bigint => Some(20),
            Kind::Number => Some(1700),
            Kind::Text => Some(25),
            Kind::Timestamp => Some(1184),
            _ => None,
        }
    }

    /// The tenant under test (`index` 0) and the others; `small` numbers are such as other columns have too.
    pub fn tenant(&self, index: usize, small: bool) -> Option<String> {
        let number = |own: i64, others: &[i64]| match index.checked_sub(1) {
            None => own,
            Some(at) => others.get(at).copied().unwrap_or_else(|| 5000 + at as i64),
        };
        Some(match self {
            Kind::Bigint | Kind::Number | Kind::Int if small => number(6, &LOW_OTHERS).to_string(),
            Kind::Bigint | Kind::Number => number(TENANT, &OTHERS).to_string(),
            Kind::Int => number(1002, &SMALL_OTHERS).to_string(),
            Kind::Text => NAMES.get(index).map_or_else(|| format!("name{index}"), |name| (*name).to_owned()),
            _ => {
                return self.numbered(match index {
                    0 => 1002,
                    _ => usize::try_from(number(1002, &SMALL_OTHERS)).unwrap_or(77),
                });
            }
        })
    }

    /// The value of this kind that goes with a number; different numbers give different values where the kind has
    /// enough of them.
    pub fn numbered(&self, number: usize) -> Option<String> {
        Some(match self {
            Kind::Int => (number % 1_000_000_000).to_string(),
            Kind::Bigint | Kind::Number => number.to_string(),
            Kind::Text => format!("k{number}"),
            Kind::Uuid => format!("00000000-0000-4000-8000-{:012}", number % 1_000_000_000_000),
            Kind::Bool => (number % 2 == 1).to_string(),
            Kind::Date => format!("2024-{:02}-{:02}", number / 28 % 12 + 1, number % 28 + 1),
            Kind::Timestamp => {
                format!("2024-01-{:02} {:02}:00:00+00", number / 24 % 28 + 1, number % 24)
            }
            Kind::Json => format!("{{\"k\": {number}}}"),
            Kind::Bytes => format!("\\x{number:016x}"),
            Kind::Array(of) => format!("{{{}}}", of.numbered(number)?),
            Kind::Enum(labels) => labels.get(number % labels.len().max(1))?.clone(),
            Kind::Other => return None,
        })
    }

    /// Whether dividing by this value ends in an error, which would hide all else that a statement does.
    pub fn is_zero(value: &str) -> bool {
        value == "0"
    }

    /// Values that only rows of others have.
    pub fn extremes(&self) -> Vec<String> {
        match self {
            Kind::Int | Kind::Bigint | Kind::Number => vec!["99".to_owned(), "-7".to_owned()],
            Kind::Text => vec!["zz".to_owned(), "a_x".to_owned()],
            _ => Vec::new(),
        }
    }

    /// Ordinary values of the kind: few, so that rows meet. `constants` are those of the statements.
    pub fn pool(&self, constants: &[String]) -> Vec<String> {
        let fits = |constant: &&String| match self {
            Kind::Int => constant.parse::<i32>().is_ok(),
            Kind::Bigint | Kind::Number => constant.parse::<i64>().is_ok(),
            Kind::Text => true,
            _ => false,
        };
        let mut pool: Vec<String> = match self {
            Kind::Int | Kind::Bigint | Kind::Number => NUMBERS.iter().map(i64::to_string).collect(),
            Kind::Text => WORDS.iter().map(|word| (*word).to_owned()).collect(),
            Kind::Bool => vec!["true".to_owned(), "false".to_owned()],
            Kind::Array(of) => {
                let mut lists: Vec<String> =
                    of.pool(&[]).iter().take(3).map(|one| format!("{{{one}}}")).collect();
                lists.push("{}".to_owned());
                lists
            }
            Kind::Enum(labels) => labels.clone(),
            _ => (1..4).filter_map(|number| self.numbered(number)).collect(),
        };
        for constant in constants.iter().filter(fits) {
            if !pool.contains(constant) {
                pool.push(constant.clone());
            }
        }
        pool
    }
}

/// The constants that a text mentions: strings and whole numbers.
pub fn constants(sql: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut rest = sql;
    while let Some(at) = rest.find(|c: char| c == '\'' || c.is_ascii_alphanumeric() || c == '_' || c == '$') {
        let (_, from) = rest.split_at(at);
        let constant;
        if let Some(text) = from.strip_prefix('\'') {
            let (inside, after) = text.split_once('\'').unwrap_or((text, ""));
            (constant, rest) = (Some(inside), after);
        } else {
            let end = from.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '$'));
            let (word, after) = from.split_at(end.unwrap_or(from.len()));
            (constant, rest) = (Some(word).filter(|word| word.bytes().all(|b| b.is_ascii_digit())), after);
        }
        let short = constant.filter(|constant| !constant.is_empty() && constant.len() < 24);
        if let Some(constant) = short.filter(|constant| found.iter().all(|known| known != constant)) {
            found.push(constant.to_owned());
        }
    }
    found
}

/// A string constant of SQL.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
