//! Which calls run SQL: `rules/sinks/*.toml`, and a project's own files of the same form in `.tenantry/sinks/`.

use std::sync::OnceLock;

use tenantry_span::TextRange;
use toml_span::{Value, value::Table};

/// The files of `rules/sinks/`: one line per library.
pub(crate) const FILES: &[(&str, &str)] = &[
    ("clickhouse.toml", include_str!("../sinks/clickhouse.toml")),
    ("diesel.toml", include_str!("../sinks/diesel.toml")),
    ("rusqlite.toml", include_str!("../sinks/rusqlite.toml")),
    ("sea-orm.toml", include_str!("../sinks/sea-orm.toml")),
    ("sqlx.toml", include_str!("../sinks/sqlx.toml")),
    ("tokio-postgres.toml", include_str!("../sinks/tokio-postgres.toml")),
];

/// The calls of one query library that run SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkLibrary {
    /// The library's name, for messages.
    pub library: String,
    /// The crates, as Rust identifiers, whose paths and imports make these calls.
    pub crates: Vec<String>,
    /// The dialects that it speaks: `postgres`, `mysql`, `sqlite` or `clickhouse`. Where the policy says nothing of
    /// the database, a library of one dialect decides it.
    pub dialects: Vec<String>,
    /// Functions, as last segment or `Type::name`, that hand through the SQL text which is their first argument.
    pub transparent: Vec<String>,
    /// Methods and functions that stand in chains of calls which build queries or run them: only files that name one of
    /// the crates are looked into for them.
    pub chains: Vec<String>,
    /// Names that tell of the library in files that do not name its crates, wherever they stand in a path; one with `::`
    /// before it where it stands behind another name alone.
    pub tells: Vec<String>,
    /// Macros.
    pub macros: Vec<Sink>,
    /// Free and associated functions, called by path.
    pub functions: Vec<Sink>,
    /// Methods.
    pub methods: Vec<Sink>,
    /// Structs whose literal is a query: its fields are the arguments.
    pub structs: Vec<Sink>,
}

/// One form of call.
///
/// Where several entries match a call by name, the one whose receiver is known wins; then the one whose SQL argument
/// is text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    /// The names: `query`, or `Statement::from_string` for an associated function.
    pub names: Vec<String>,
    /// Where the SQL is.
    pub sql: SqlSource,
    /// Where the bound values come from.
    pub binds: Binds,
    /// For methods: types, by the last segment of their path, that confirm the call. With a receiver of unknown type
    /// the call counts in files that import the library.
    pub receivers: Vec<String>,
    /// The SQL argument may be a prepared statement instead of text.
    pub statement: bool,
    /// The call prepares a statement and does not run it: the result carries the text to where it is run.
    pub prepares: bool,
    /// The call counts only where the SQL argument is known to be text, or not known to be anything else and the
    /// receiver is confirmed.
    pub text_only: bool,
    /// Methods of the result that append to the SQL: a site on which one is called has more text than its argument.
    pub appends: Vec<String>,
    /// For structs: the fields that are meant by argument indices, in their order.
    pub fields: Vec<String>,
}

/// Where a call's SQL is. Arguments are counted from 0, without the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlSource {
    /// The argument with this index is the text.
    Argument(usize),
    /// The argument with this index is the path of a file with the text, relative to the crate's manifest.
    File(usize),
    /// The receiver is a prepared statement.
    Receiver,
}

/// Where a call's bound values come from, in the order of the placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Binds {
    /// There are none.
    None,
    /// All arguments after the SQL.
    Rest,
    /// Calls of this method chained to the result, one value each: `.bind(x)`.
    Chained(String),
    /// The same with type arguments: `.bind::<Int8, _>(x)`.
    ChainedTyped(String),
    /// The elements of this argument: a slice, array, tuple, `vec!` or `params!`, or an iterator, whose elements
    /// are not visible.
    Argument(usize),
    /// The same, where each element is a pair of the value and its type.
    ArgumentPairs(usize),
    /// There are binds, but they are not visible at the call.
    Unseen,
}

/// The libraries that the product knows, in the order of their files' names.
pub fn sinks() -> &'static [SinkLibrary] {
    static SINKS: OnceLock<Vec<SinkLibrary>> = OnceLock::new();
    // A test holds that every embedded file parses, so nothing is lost here.
    SINKS.get_or_init(|| FILES.iter().filter_map(|(_, text)| parse_sinks(text).ok()).collect())
}

/// Reads one file of sinks.
///
/// # Errors
/// All faults at once, each with the smallest range of `text` that is wrong and a sentence about it.
pub fn parse_sinks(text: &str) -> Result<SinkLibrary, Vec<(TextRange, String)>> {
    let root = toml_span::parse(text).map_err(|error| vec![(range(error.span), error.to_string())])?;
    let mut reader = Reader { errors: Vec::new() };
    let library = reader.library(&root);
    match library {
        Some(library) if reader.errors.is_empty() => Ok(library),
        _ => Err(reader.errors),
    }
}

const DIALECTS: &[&str] = &["postgres", "mysql", "sqlite", "clickhouse"];
const LIBRARY_KEYS: &[&str] = &[
    "library",
    "crates",
    "dialects",
    "transparent",
    "chains",
    "tells",
    "macro",
    "function",
    "method",
    "struct",
];
const SINK_KEYS: &[&str] = &[
    "names",
    "sql",
    "sql-file",
    "binds",
    "receivers",
    "statement",
    "prepares",
    "text-only",
    "appends",
    "fields",
];
const BINDS: &str = "`rest`, `none`, `unseen`, `chained:METHOD`, `chained-typed:METHOD`, `argument:INDEX` or \
                     `argument-pairs:INDEX`";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Macro,
    Function,
    Method,
    Struct,
}

struct Reader {
    errors: Vec<(TextRange, String)>,
}

impl Reader {
    fn library(&mut self, root: &Value<'_>) -> Option<SinkLibrary> {
        let table = self.table(root)?;
        self.known_keys(table, LIBRARY_KEYS);
        let library = self.required(root, table, "library").and_then(|value| self.text(value));
        let crates = self.required(root, table, "crates").map(|value| self.texts(value));
        let dialects = self.required(root, table, "dialects").map(|value| self.dialects(value));
        let transparent = self.optional_texts(table, "transparent");
        let chains = self.optional_texts(table, "chains");
        let tells = self.optional_texts(table, "tells");
        let macros = self.sinks(table, "macro", Form::Macro);
        let functions = self.sinks(table, "function", Form::Function);
        let methods = self.sinks(table, "method", Form::Method);
        let structs = self.sinks(table, "struct", Form::Struct);
        if macros.is_empty() && functions.is_empty() && methods.is_empty() && self.errors.is_empty() {
            self.errors
                .push((TextRange::empty(0), "no [[macro]], [[function]] or [[method]] is listed".into()));
        }
        Some(SinkLibrary {
            library: library?,
            crates: crates?,
            dialects: dialects?,
            transparent,
            chains,
            tells,
            macros,
            functions,
            methods,
            structs,
        })
    }

    fn sinks(&mut self, table: &Table<'_>, key: &str, form: Form) -> Vec<Sink> {
        let Some(value) = table.get(key) else { return Vec::new() };
        let Some(entries) = value.as_array() else {
            self.fault(value, format!("write this as [[{key}]]"));
            return Vec::new();
        };
        entries.iter().filter_map(|entry| self.sink(entry, form)).collect()
    }

    fn sink(&mut self, entry: &Value<'_>, form: Form) -> Option<Sink> {
        let table = self.table(entry)?;
        self.known_keys(table, SINK_KEYS);
        let names = self.required(entry, table, "names").map(|value| self.texts(value));
        let sql = self.sql(entry, table, form);
        let binds = self.required(entry, table, "binds").and_then(|value| self.binds(value));
        let receivers = self.optional_texts(table, "receivers");
        if form != Form::Method
            && let Some(value) = table.get("receivers")
        {
            self.fault(value, "only a [[method]] has receivers".into());
        }
        if form == Form::Struct {
            self.required(entry, table, "fields");
        } else if let Some(value) = table.get("fields") {
            self.fault(value, "only a [[struct]] has fields".into());
        }
        let sink = Sink {
            names: names?,
            sql: sql?,
            binds: binds?,
            receivers,
            statement: self.flag(table, "statement"),
            prepares: self.flag(table, "prepares"),
            text_only: self.flag(table, "text-only"),
            appends: self.optional_texts(table, "appends"),
            fields: self.optional_texts(table, "fields"),
        };
        Some(sink)
    }

    fn sql(&mut self, entry: &Value<'_>, table: &Table<'_>, form: Form) -> Option<SqlSource> {
        match (table.get("sql"), table.get("sql-file")) {
            (Some(sql), None) if sql.as_str() == Some("receiver") && form == Form::Method => {
                Some(SqlSource::Receiver)
            }
            (Some(sql), None) => self.index(sql).map(SqlSource::Argument),
            (None, Some(file)) => self.index(file).map(SqlSource::File),
            (Some(_), Some(file)) => {
                self.fault(file, "`sql` and `sql-file` exclude each other".into());
                None
            }
            (None, None) => {
                self.fault(entry, "`sql` or `sql-file` is missing: the index of the argument".into());
                None
            }
        }
    }

    fn binds(&mut self, value: &Value<'_>) -> Option<Binds> {
        let word = self.text(value)?;
        let number = |text: &str| text.parse::<usize>().ok();
        let method = |name: &str| (!name.is_empty()).then(|| name.to_owned());
        let binds = match word.split_once(':') {
            None => match word.as_str() {
                "none" => Some(Binds::None),
                "rest" => Some(Binds::Rest),
                "unseen" => Some(Binds::Unseen),
                _ => None,
            },
            Some(("chained", name)) => method(name).map(Binds::Chained),
            Some(("chained-typed", name)) => method(name).map(Binds::ChainedTyped),
            Some(("argument", index)) => number(index).map(Binds::Argument),
            Some(("argument-pairs", index)) => number(index).map(Binds::ArgumentPairs),
            Some(_) => None,
        };
        if binds.is_none() {
            self.fault(value, format!("`{word}` is no way of binding: write {BINDS}"));
        }
        binds
    }

    fn dialects(&mut self, value: &Value<'_>) -> Vec<String> {
        let words = self.texts(value);
        for item in value.as_array().into_iter().flatten() {
            if let Some(word) = item.as_str().filter(|word| !DIALECTS.contains(word)) {
                self.fault(item, format!("`{word}` is no dialect: write one of {}", DIALECTS.join(", ")));
            }
        }
        words
    }

    fn known_keys(&mut self, table: &Table<'_>, known: &[&str]) {
        for key in table.keys().filter(|key| !known.contains(&key.name.as_ref())) {
            let message = format!("unknown key `{}`: the keys here are {}", key.name, known.join(", "));
            self.errors.push((range(key.span), message));
        }
    }

    fn required<'a, 'de>(
        &mut self,
        owner: &Value<'de>,
        table: &'a Table<'de>,
        key: &str,
    ) -> Option<&'a Value<'de>> {
        let value = table.get(key);
        if value.is_none() {
            self.fault(owner, format!("`{key}` is missing"));
        }
        value
    }

    fn table<'a, 'de>(&mut self, value: &'a Value<'de>) -> Option<&'a Table<'de>> {
        let table = value.as_table();
        if table.is_none() {
            self.fault(value, "a table is expected here".into());
        }
        table
    }

    fn text(&mut self, value: &Value<'_>) -> Option<String> {
        match value.as_str() {
            Some(text) if !text.is_empty() => Some(text.to_owned()),
            _ => {
                self.fault(value, "a string that is not empty is expected here".into());
                None
            }
        }
    }

    fn texts(&mut self, value: &Value<'_>) -> Vec<String> {
        let Some(items) = value.as_array().filter(|items| !items.is_empty()) else {
            self.fault(value, "a list of strings that is not empty is expected here".into());
            return Vec::new();
        };
        items.iter().filter_map(|item| self.text(item)).collect()
    }

    fn optional_texts(&mut self, table: &Table<'_>, key: &str) -> Vec<String> {
        table.get(key).map_or_else(Vec::new, |value| self.texts(value))
    }

    fn flag(&mut self, table: &Table<'_>, key: &str) -> bool {
        let Some(value) = table.get(key) else { return false };
        if value.as_bool().is_none() {
            self.fault(value, "`true` or `false` is expected here".into());
        }
        value.as_bool().unwrap_or(false)
    }

    fn index(&mut self, value: &Value<'_>) -> Option<usize> {
        let index = value.as_integer().and_then(|number| usize::try_from(number).ok());
        if index.is_none() {
            self.fault(value, "the index of an argument, from 0, is expected here".into());
        }
        index
    }

    fn fault(&mut self, value: &Value<'_>, message: String) {
        self.errors.push((range(value.span), message));
    }
}

fn range(span: toml_span::Span) -> TextRange {
    TextRange::from_usize(span.start, span.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(text: &str) -> Vec<(String, String)> {
        let faults = parse_sinks(text).expect_err("the text has faults");
        faults.into_iter().map(|(range, message)| (range.slice(text).to_owned(), message)).collect()
    }

    #[test]
    fn every_embedded_file_parses() {
        for (name, text) in FILES {
            if let Err(faults) = parse_sinks(text) {
                panic!("{name}: {faults:?}");
            }
        }
        assert_eq!(sinks().len(), FILES.len());
    }

    #[test]
    fn the_list_of_files_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sinks");
        for entry in std::fs::read_dir(folder).expect("the folder is in the package") {
            let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
            assert!(
                FILES.iter().any(|(known, _)| *known == name),
                "add to FILES in rules/src/sinks.rs:\n    (\"{name}\", include_str!(\"../sinks/{name}\")),"
            );
        }
    }

    #[test]
    fn a_call_of_sqlx_is_described_in_full() {
        let sqlx = sinks().iter().find(|library| library.library == "sqlx").expect("sqlx is known");
        let query_as = sqlx.macros.iter().find(|sink| sink.names.iter().any(|name| name == "query_as"));
        let query_as = query_as.expect("query_as! is known");
        assert_eq!((query_as.sql, &query_as.binds), (SqlSource::Argument(1), &Binds::Rest));
    }

    #[test]
    fn all_faults_are_told_at_once_at_the_smallest_range() {
        let text = "library = \"x\"\ncrates = []\ndialects = [\"oracle\"]\n[[macro]]\nnames = [\"q\"]\n\
                    sql = -1\nbinds = \"chained:\"\nstatment = true\n";
        let found = errors(text);
        let places: Vec<&str> = found.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["[]", "oracle", "statment", "-1", "chained:"]);
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        assert_eq!(errors("library = ]").len(), 1);
    }

    #[test]
    fn fields_belong_to_structs() {
        let of = |form: &str, fields: &str| {
            format!(
                "library = \"x\"\ncrates = [\"x\"]\ndialects = [\"sqlite\"]\n[[function]]\nnames = [\"f\"]\nsql = 0\n\
                 binds = \"none\"\n[[{form}]]\nnames = [\"q\"]\nsql = 0\nbinds = \"none\"\n{fields}\n"
            )
        };
        assert!(parse_sinks(&of("struct", "fields = [\"sql\"]")).is_ok());
        assert_eq!(errors(&of("struct", "")).len(), 1);
        assert_eq!(errors(&of("macro", "fields = [\"sql\"]")).len(), 1);
    }

    #[test]
    fn receivers_belong_to_methods() {
        let text = "library = \"x\"\ncrates = [\"x\"]\ndialects = [\"sqlite\"]\n[[function]]\n\
                    names = [\"q\"]\nsql = \"receiver\"\nbinds = \"none\"\nreceivers = [\"C\"]\n";
        let found = errors(text);
        assert_eq!(found.len(), 2, "{found:?}");
    }
}
