//! Text to [`Policy`].

use std::collections::BTreeMap;

use tenantry_span::{Diagnostic, FileId, Span, TextRange};
use toml_span::{
    ErrorKind, Value,
    value::{Key as TomlKey, Table},
};

use crate::{
    keys::{DIALECTS, Form, Kind, SECTIONS, Section},
    model::{
        Allow, DatabaseSection, Date, Dialect, Integration, Policy, Spanned, TableRule, TenancySection, Trust,
    },
    suggest::nearest,
};

/// Reads a policy file.
///
/// # Errors
/// All that is wrong with it, in the order of the text; each with the smallest range that is wrong and what to do.
/// Where the text is not TOML, there is one error: the rest cannot be read.
pub fn parse(file: FileId, text: &str) -> Result<Policy, Vec<Diagnostic>> {
    let root = toml_span::parse(text).map_err(|error| vec![syntax_error(file, text, &error)])?;
    let mut reader = Reader { file, text, errors: Vec::new() };
    let policy = reader.policy(&root);
    if reader.errors.is_empty() {
        return Ok(policy);
    }
    reader.errors.sort_by_key(|error| (error.primary.span.range, error.message.clone()));
    Err(reader.errors)
}

fn syntax_error(file: FileId, text: &str, error: &toml_span::Error) -> Diagnostic {
    // Where a line ends too early, the parser's range runs on into the next ones.
    let given = on_boundaries(text, range(error.span));
    let first_line = given.slice(text).lines().next().map_or(0, str::len);
    let shown = TextRange::from_usize(given.start as usize, given.start as usize + first_line);
    let span = Span::new(file, shown);
    let diagnostic = Diagnostic::error(span, format!("this is not TOML: {error}"));
    let first = |span: &toml_span::Span| Span::new(file, range(*span));
    match &error.kind {
        ErrorKind::DuplicateKey { first: at, .. } => diagnostic
            .label("given a second time")
            .related(first(at), "first given here")
            .help("remove one of the two, or make one of their values"),
        ErrorKind::DuplicateTable { first: at, .. } => diagnostic
            .label("begun a second time")
            .related(first(at), "first begun here")
            .help("write the keys of both under one header"),
        ErrorKind::InvalidNumber => {
            diagnostic.label("not a number").help("write dates and other text in quotes: \"2027-03-31\"")
        }
        ErrorKind::UnquotedString => diagnostic.label("not a value").help("write text in quotes"),
        ErrorKind::RedefineAsArray => diagnostic
            .label("begun as a table before")
            .help("write all entries of a section as [[section]], or the one there is as [section]"),
        ErrorKind::UnterminatedString => diagnostic.label("begins here").help("close the string"),
        _ => diagnostic.label("here").help("see https://toml.io for the syntax"),
    }
}

/// The same range, moved outwards to character boundaries and into the text.
fn on_boundaries(text: &str, range: TextRange) -> TextRange {
    let start = text.floor_char_boundary(range.start as usize);
    let end = text.ceil_char_boundary((range.end as usize).min(text.len()));
    TextRange::from_usize(start, end)
}

fn range(span: toml_span::Span) -> TextRange {
    TextRange::from_usize(span.start, span.end)
}

/// A table of the file with the section whose keys it may have.
#[derive(Clone, Copy)]
struct Scope<'a, 'de> {
    section: &'static Section,
    table: &'a Table<'de>,
    /// Where it begins, for what is missing in it.
    header: TextRange,
}

impl<'a, 'de> Scope<'a, 'de> {
    fn get(self, key: &str) -> Option<(&'a TomlKey<'de>, &'a Value<'de>)> {
        self.table.get_key_value(key)
    }
}

struct Reader<'t> {
    file: FileId,
    text: &'t str,
    errors: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn policy(&mut self, root: &Value<'_>) -> Policy {
        let mut policy = Policy { file: Some(self.file), ..Policy::default() };
        let Some(table) = root.as_table() else { return policy };
        for (key, value) in table {
            match key.name.as_ref() {
                "tenancy" => policy.tenancy = self.tenancy(key, value).unwrap_or_default(),
                "tables" => policy.tables = self.tables(key, value),
                "trust" => policy.trust = self.trust(key, value).unwrap_or_default(),
                "database" => policy.databases = self.databases(key, value),
                "scan" => (policy.exclude, policy.enable) = self.scan(key, value),
                "surfaces" => policy.surfaces = self.surfaces(key, value),
                "allow" => policy.allow = self.allow(key, value),
                "integration" => policy.integrations = self.integrations(key, value),
                _ => self.unknown_section(key),
            }
        }
        policy
    }

    fn tenancy(&mut self, key: &TomlKey<'_>, value: &Value<'_>) -> Option<TenancySection> {
        let scope = self.section("tenancy", key, value)?;
        let section = TenancySection {
            keys: self.texts(scope, "keys"),
            root: self.text(scope, "root"),
            root_keys: self.texts(scope, "root-keys"),
            hierarchy: self.texts(scope, "hierarchy"),
            null_is_shared: self.texts(scope, "null-is-shared"),
            trust_foreign_keys: self.flag(scope, "trust-foreign-keys"),
            strict_errors: self.flag(scope, "strict-errors"),
        };
        self.check_hierarchy(&section);
        Some(section)
    }

    /// A level that is no key would never be looked for. With no keys given, they are inferred later.
    fn check_hierarchy(&mut self, section: &TenancySection) {
        if section.keys.is_empty() {
            return;
        }
        for level in &section.hierarchy {
            if section.keys.iter().any(|key| key.value == level.value) {
                continue;
            }
            let known = section.keys.iter().map(|key| key.value.as_str());
            let help = match nearest(&level.value, known) {
                Some(key) => format!("did you mean `{key}`?"),
                None => format!("add `{}` to `keys`", level.value),
            };
            self.error(
                level.range,
                format!("`{}` is not among `keys`", level.value),
                "not a tenant key",
                help,
            );
        }
    }

    fn tables(&mut self, key: &TomlKey<'_>, value: &Value<'_>) -> BTreeMap<String, Spanned<TableRule>> {
        let Some(section) = section_named("tables") else { return BTreeMap::new() };
        let Some(table) = self.table(key, value, "a table of table names") else { return BTreeMap::new() };
        let mut rules = BTreeMap::new();
        for (name, value) in table {
            self.not_empty(name);
            let Some(entry) = value.as_table() else {
                let message = format!("`{}` must be a table of keys, found {}", name.name, type_of(value));
                let help = "write { key = \"column\" }, { parent = \"table\", by = \"column\" } or { shared = \
                            \"reason\" }";
                self.error(self.shown(value), message, "not a table", help);
                continue;
            };
            let scope = Scope { section, table: entry, header: range(name.span) };
            if self.is_unquoted_schema(name, entry) {
                continue;
            }
            self.known_keys(scope);
            if let Some(rule) = self.table_rule(scope) {
                rules
                    .insert(name.name.clone().into_owned(), Spanned { value: rule, range: range(name.span) });
            }
        }
        rules
    }

    /// `billing.invoices = { … }` without quotes is TOML for a table in a table.
    fn is_unquoted_schema(&mut self, name: &TomlKey<'_>, entry: &Table<'_>) -> bool {
        let mut inner = entry.iter().filter(|(_, value)| value.as_table().is_some()).map(|(key, _)| key);
        let Some(first) = inner.next() else { return false };
        let message = format!("the name of the table `{}.{}` is not in quotes", name.name, first.name);
        let help = format!("write \"{}.{}\" in quotes", name.name, first.name);
        self.error(
            range(name.span).cover(range(first.span)),
            message,
            "TOML reads the dot as a table in a table",
            help,
        );
        true
    }

    fn table_rule(&mut self, scope: Scope<'_, '_>) -> Option<TableRule> {
        let [key, parent, by, shared] = ["key", "parent", "by", "shared"].map(|name| self.text(scope, name));
        let mut given: Vec<(&str, TextRange)> = [("key", "key"), ("parent", "parent"), ("shared", "shared")]
            .iter()
            .filter_map(|(what, name)| Some((*what, range(scope.get(name)?.0.span))))
            .collect();
        if let (true, Some((by_key, _))) = (scope.get("parent").is_none(), scope.get("by")) {
            let message = "`by` without `parent`";
            let help = "add `parent`, the table that the column references";
            self.error(range(by_key.span), message, "references what?", help);
            return None;
        }
        given.sort_by_key(|(_, at)| *at);
        match given.as_slice() {
            [] => {
                let help = "write one of `key`, `parent` with `by`, or `shared`; or remove the entry";
                self.error(scope.header, "the entry says nothing of the table", "no key here", help);
                None
            }
            [_] => match (key, parent, by, shared) {
                (Some(key), ..) => Some(TableRule::Key(key.value)),
                (_, Some(parent), Some(by), _) => {
                    Some(TableRule::Child { parent: parent.value, by: by.value })
                }
                (_, _, _, Some(reason)) => Some(TableRule::Shared(reason.value)),
                (_, Some(_), None, _) if scope.get("by").is_none() => {
                    let at = given.first().map_or(scope.header, |(_, at)| *at);
                    let help = "add `by`, the column of this table that references the parent";
                    self.error(at, "`parent` without `by`", "referenced by which column?", help);
                    None
                }
                _ => None,
            },
            [(first, first_at), rest @ ..] => {
                for (second, at) in rest {
                    let message = format!("`{first}` and `{second}` contradict each other");
                    let help =
                        "keep one: a table has a key of its own, is owned through a parent, or is shared";
                    let span = Span::new(self.file, *at);
                    let related = Span::new(self.file, *first_at);
                    self.errors.push(
                        Diagnostic::error(span, message)
                            .label("says otherwise")
                            .related(related, "said first here")
                            .help(help),
                    );
                }
                None
            }
        }
    }

    fn trust(&mut self, key: &TomlKey<'_>, value: &Value<'_>) -> Option<Trust> {
        let scope = self.section("trust", key, value)?;
        Some(Trust {
            types: self.rust_types(scope, "types"),
            expressions: self.texts(scope, "expressions"),
            extractors: self.rust_types(scope, "extractors"),
            guards: self.texts(scope, "guards"),
            setting: self.text(scope, "setting"),
            with_setting: self.texts(scope, "with-setting"),
            functions: self.reasons(scope, "functions"),
        })
    }

    fn databases(&mut self, key: &TomlKey<'_>, value: &Value<'_>) -> Vec<DatabaseSection> {
        let mut databases: Vec<DatabaseSection> = Vec::new();
        for scope in self.entries("database", key, value) {
            let name = self.text(scope, "name");
            let unnamed = || Spanned { value: "main".to_owned(), range: scope.header };
            let database = DatabaseSection {
                name: name.unwrap_or_else(unnamed),
                dialect: self.dialect(scope),
                schema: self.texts(scope, "schema"),
                crates: self.texts(scope, "crates"),
                app_role: self.text(scope, "app-role"),
                owner_role: self.text(scope, "owner-role"),
                single_tenant: self.text(scope, "single-tenant"),
            };
            if let Some(first) = databases.iter().find(|known| known.name.value == database.name.value) {
                let message = format!("two databases are named `{}`", database.name.value);
                let span = Span::new(self.file, database.name.range);
                self.errors.push(
                    Diagnostic::error(span, message)
                        .label("named a second time")
                        .related(Span::new(self.file, first.name.range), "first named here")
                        .help("give each [[database]] a `name` of its own; without one it is `main`"),
                );
            }
            databases.push(database);
        }
        databases
    }

    fn dialect(&mut self, scope: Scope<'_, '_>) -> Dialect {
        let Some(name) = self.text(scope, "dialect") else { return Dialect::default() };
        let known = [Dialect::Postgres, Dialect::Mysql, Dialect::Sqlite];
        if let Some(dialect) = known.into_iter().find(|dialect| dialect.as_str() == name.value) {
            return dialect;
        }
        let meant = match name.value.to_ascii_lowercase().as_str() {
            "pg" | "postgresql" => Some("postgres"),
            "mariadb" => Some("mysql"),
            "sqlite3" => Some("sqlite"),
            other => nearest(other, DIALECTS.iter().copied()),
        };
        let help = match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("the dialects are {}", quoted(DIALECTS.iter().copied())),
        };
        self.error(name.range, format!("unknown dialect `{}`", name.value), "not a dialect", help);
        Dialect::default()
    }

    fn scan(&mut self, key: &TomlKey<'_>, value: &Value<'_>) -> (Vec<Spanned<String>>, Vec<Spanned<String>>) {
        let Some(scope) = self.section("scan", key, value) else { return (Vec::new(), Vec::new()) };
        let exclude = self.texts(scope, "exclude");
        let enable = self.texts(scope, "enable");
        (self.globs(exclude), enable)
    }

    fn surfaces(&mut self, key: &TomlKey<'_>, value: &Value<'_>) -> BTreeMap<String, Vec<Spanned<String>>> {
        let Some(table) = self.table(key, value, "a table of lists") else { return BTreeMap::new() };
        let mut surfaces = BTreeMap::new();
        for (name, globs) in table {
            self.not_empty(name);
            let globs = self.list(Kind::Texts, &name.name, globs);
            surfaces.insert(name.name.clone().into_owned(), self.globs(globs));
        }
        surfaces
    }

    fn allow(&mut self, key: &TomlKey<'_>, value: &Value<'_>) -> Vec<Allow> {
        let mut entries = Vec::new();
        for scope in self.entries("allow", key, value) {
            let rule = self.text(scope, "rule");
            let path = self.text(scope, "path");
            let path = self.globs(path.into_iter().collect()).pop();
            let reason = self.text(scope, "reason");
            let owner = self.text(scope, "owner");
            let until = self.date(scope, "until");
            let ends = scope.table.values().map(|value| self.shown(value));
            let whole = ends.fold(scope.header, TextRange::cover);
            if let (Some(rule), Some(reason)) = (rule, reason) {
                entries.push(Allow { rule, path, reason, owner, until, range: whole });
            }
        }
        entries
    }

    fn integrations(&mut self, key: &TomlKey<'_>, value: &Value<'_>) -> Vec<Integration> {
        let scopes = self.entries("integration", key, value);
        scopes.into_iter().filter_map(|scope| Some(Integration { id: self.text(scope, "id")? })).collect()
    }

    /// The keys of the section written as `[name]`.
    fn section<'a, 'de>(
        &mut self,
        name: &str,
        key: &TomlKey<'de>,
        value: &'a Value<'de>,
    ) -> Option<Scope<'a, 'de>> {
        let section = section_named(name)?;
        let table = self.table(key, value, "a table")?;
        let scope = Scope { section, table, header: range(key.span) };
        self.known_keys(scope);
        Some(scope)
    }

    /// The entries of the section written as `[[name]]`.
    fn entries<'a, 'de>(
        &mut self,
        name: &str,
        key: &TomlKey<'de>,
        value: &'a Value<'de>,
    ) -> Vec<Scope<'a, 'de>> {
        let Some(section) = section_named(name) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            let message = format!("`{name}` must be a list of tables, found {}", type_of(value));
            let help = format!("write each entry as [[{name}]]");
            self.error(range(key.span), message, "not a list", help);
            return Vec::new();
        };
        let mut scopes = Vec::new();
        for item in items {
            let Some(table) = item.as_table() else {
                let message = format!("an entry of `{name}` must be a table, found {}", type_of(item));
                self.error(
                    self.shown(item),
                    message,
                    "not a table",
                    format!("write each entry as [[{name}]]"),
                );
                continue;
            };
            let scope = Scope { section, table, header: self.header(item) };
            self.known_keys(scope);
            self.required_keys(scope);
            scopes.push(scope);
        }
        scopes
    }

    /// The first line of a table, which is its `[[header]]` or the brace of an inline table.
    fn header(&self, value: &Value<'_>) -> TextRange {
        let whole = range(value.span);
        let shown = whole.slice(self.text);
        let line = shown.lines().next().unwrap_or("");
        let line = line.find("]]").and_then(|at| line.get(..at + 2)).unwrap_or(line).trim_end();
        TextRange::from_usize(value.span.start, value.span.start + line.len())
    }

    fn table<'a, 'de>(
        &mut self,
        key: &TomlKey<'de>,
        value: &'a Value<'de>,
        expected: &str,
    ) -> Option<&'a Table<'de>> {
        let table = value.as_table();
        if table.is_none() {
            let message = format!("`{}` must be {expected}, found {}", key.name, type_of(value));
            let at = if value.as_array().is_some() { range(key.span) } else { self.shown(value) };
            self.error(at, message, "of another type", format!("write it as [{}]", key.name));
        }
        table
    }

    fn unknown_section(&mut self, key: &TomlKey<'_>) {
        let names = || SECTIONS.iter().map(|section| section.name);
        let owner = SECTIONS.iter().find(|section| section.keys.iter().any(|known| known.name == key.name));
        let help = match (nearest(&key.name, names()), owner) {
            (Some(name), _) => format!("did you mean `{name}`?"),
            (None, Some(section)) => format!("`{}` belongs into {}", key.name, header_of(section)),
            (None, None) => format!("the sections are {}", quoted(names())),
        };
        self.error(range(key.span), format!("unknown section `{}`", key.name), "not known", help);
    }

    fn known_keys(&mut self, scope: Scope<'_, '_>) {
        for key in scope.table.keys() {
            if scope.section.keys.iter().any(|known| known.name == key.name) {
                continue;
            }
            let names = || scope.section.keys.iter().map(|known| known.name);
            let others = SECTIONS.iter().filter(|section| section.name != scope.section.name);
            let owner =
                others.into_iter().find(|section| section.keys.iter().any(|known| known.name == key.name));
            let help = match (nearest(&key.name, names()), owner) {
                (Some(name), _) => format!("did you mean `{name}`?"),
                (None, Some(section)) => format!("`{}` belongs into {}", key.name, header_of(section)),
                (None, None) => format!("the keys here are {}", quoted(names())),
            };
            let message = format!("unknown key `{}` in {}", key.name, header_of(scope.section));
            self.error(range(key.span), message, "not known here", help);
        }
    }

    fn required_keys(&mut self, scope: Scope<'_, '_>) {
        let missing = |key: &&crate::keys::Key| key.required && scope.get(key.name).is_none();
        for key in scope.section.keys.iter().filter(missing) {
            let message = format!("{} without `{}`", header_of(scope.section), key.name);
            let help = format!("add {} = {}", key.name, key.example);
            self.error(scope.header, message, format!("`{}` is missing", key.name), help);
        }
    }

    fn flag(&mut self, scope: Scope<'_, '_>, key: &str) -> bool {
        let Some((_, value)) = scope.get(key) else { return false };
        value.as_bool().unwrap_or_else(|| {
            self.wrong_type(Kind::Flag, key, value);
            false
        })
    }

    fn text(&mut self, scope: Scope<'_, '_>, key: &str) -> Option<Spanned<String>> {
        let (_, value) = scope.get(key)?;
        self.string(kind_of(scope.section, key), key, value)
    }

    fn texts(&mut self, scope: Scope<'_, '_>, key: &str) -> Vec<Spanned<String>> {
        let Some((_, value)) = scope.get(key) else { return Vec::new() };
        self.list(kind_of(scope.section, key), key, value)
    }

    /// Those that are globs; the others are told.
    fn globs(&mut self, written: Vec<Spanned<String>>) -> Vec<Spanned<String>> {
        let mut globs = Vec::new();
        for glob in written {
            match glob_fault(&glob.value) {
                None => globs.push(glob),
                Some((label, help)) => {
                    self.error(glob.range, format!("`{}` is not a glob", glob.value), label, help);
                }
            }
        }
        globs
    }

    /// A list of types as they are written in Rust. One that is not written so would never be met.
    fn rust_types(&mut self, scope: Scope<'_, '_>, key: &str) -> Vec<Spanned<String>> {
        let mut types = self.texts(scope, key);
        types.retain(|written| {
            let fits = is_rust_type(&written.value);
            if !fits {
                let message = format!("`{}` is not a type of Rust", written.value);
                let help = "write its path as in the source: \"crate::auth::Tenant\"";
                self.error(written.range, message, "not a path", help);
            }
            fits
        });
        types
    }

    fn date(&mut self, scope: Scope<'_, '_>, key: &str) -> Option<Spanned<Date>> {
        let text = self.text(scope, key)?;
        let Some(date) = Date::parse(&text.value) else {
            let message = format!("`{}` is not a date", text.value);
            let help = "write an existing day as year-month-day: \"2027-03-31\"";
            self.error(text.range, message, "not a date", help);
            return None;
        };
        Some(Spanned { value: date, range: text.range })
    }

    fn reasons(&mut self, scope: Scope<'_, '_>, key: &str) -> BTreeMap<String, Spanned<String>> {
        let Some((_, value)) = scope.get(key) else { return BTreeMap::new() };
        let Some(table) = value.as_table() else {
            self.wrong_type(Kind::Reasons, key, value);
            return BTreeMap::new();
        };
        let mut reasons = BTreeMap::new();
        for (name, reason) in table {
            self.not_empty(name);
            if let Some(reason) = self.string(Kind::Text, &name.name, reason) {
                reasons.insert(name.name.clone().into_owned(), reason);
            }
        }
        reasons
    }

    fn list(&mut self, kind: Kind, key: &str, value: &Value<'_>) -> Vec<Spanned<String>> {
        let Some(items) = value.as_array() else {
            self.wrong_type(kind, key, value);
            return Vec::new();
        };
        items.iter().filter_map(|item| self.string(kind, key, item)).collect()
    }

    /// One string that stands at `key`, by itself or in a list, in the form that `kind` asks for.
    fn string(&mut self, kind: Kind, key: &str, value: &Value<'_>) -> Option<Spanned<String>> {
        let at = self.shown(value);
        let Some(text) = value.as_str() else {
            self.wrong_type(kind, key, value);
            return None;
        };
        if text.trim().is_empty() {
            self.error(at, format!("`{key}` is empty"), "nothing here", "write a value, or remove it");
            return None;
        }
        match kind {
            Kind::TableColumn | Kind::TableColumns if !is_table_column(text) => {
                let message = format!("`{text}` does not name a table and a column");
                let help = "write \"table.column\" or \"schema.table.column\"";
                self.error(at, message, "not of the form table.column", help);
                None
            }
            Kind::Columns if text.contains('.') => {
                let message = format!("`{text}` is not the name of a column");
                let column = text.rsplit('.').next().unwrap_or("");
                let help = format!("write the column alone, \"{column}\": it counts wherever it appears");
                self.error(at, message, "names a table too", help);
                None
            }
            _ => Some(Spanned { value: text.to_owned(), range: at }),
        }
    }

    fn wrong_type(&mut self, kind: Kind, key: &str, value: &Value<'_>) {
        let in_list = matches!(kind, Kind::Texts | Kind::Columns | Kind::TableColumns);
        let help = match (in_list, value.as_str()) {
            (true, Some(text)) => format!("write it as a list: [\"{text}\"]"),
            _ => format!("write {}", kind.expected()),
        };
        let message = format!("`{key}` must be {}, found {}", kind.expected(), type_of(value));
        self.error(self.shown(value), message, "of another type", help);
    }

    fn not_empty(&mut self, name: &TomlKey<'_>) {
        if name.name.trim().is_empty() {
            self.error(
                range(name.span),
                "a name is empty",
                "nothing here",
                "write a name, or remove the entry",
            );
        }
    }

    /// The range of a value with something to see in it: an empty string's with its quotes.
    fn shown(&self, value: &Value<'_>) -> TextRange {
        let given = range(value.span);
        if value.as_str() != Some("") {
            return given;
        }
        let is_quote = |byte: &u8| matches!(byte, b'"' | b'\'');
        let bytes = self.text.as_bytes();
        let before = bytes.iter().take(value.span.start).rev().take_while(|byte| is_quote(byte)).count();
        let after = bytes.iter().skip(value.span.end).take_while(|byte| is_quote(byte)).count();
        TextRange::from_usize(value.span.start.saturating_sub(before), value.span.end.saturating_add(after))
    }

    fn error(
        &mut self,
        at: TextRange,
        message: impl Into<String>,
        label: impl Into<String>,
        help: impl Into<String>,
    ) {
        let span = Span::new(self.file, on_boundaries(self.text, at));
        self.errors.push(Diagnostic::error(span, message).label(label).help(help));
    }
}

fn section_named(name: &str) -> Option<&'static Section> {
    SECTIONS.iter().find(|section| section.name == name)
}

fn kind_of(section: &Section, key: &str) -> Kind {
    section.keys.iter().find(|known| known.name == key).map_or(Kind::Text, |known| known.kind)
}

fn header_of(section: &Section) -> String {
    match section.form {
        Form::Array => format!("[[{}]]", section.name),
        Form::Table | Form::Tables | Form::Globs => format!("[{}]", section.name),
    }
}

/// What is wrong with a glob, if something is, and what to do.
fn glob_fault(glob: &str) -> Option<(&'static str, &'static str)> {
    let mut chars = glob.chars().peekable();
    let mut alternatives = 0usize;
    while let Some(c) = chars.next() {
        if c == '\\' {
            if chars.next().is_none() {
                return Some(("ends with `\\`", "write the character after it, or `/` between folders"));
            }
            continue;
        }
        match c {
            '[' => {
                chars.next_if(|c| matches!(c, '!' | '^'));
                // A bracket that comes first is one of the characters.
                chars.next();
                if !chars.by_ref().any(|c| c == ']') {
                    return Some((
                        "`[` is not closed",
                        "close it with `]`, or write `[[]` for the bracket itself",
                    ));
                }
            }
            '{' => alternatives += 1,
            '}' if alternatives == 0 => {
                return Some(("`}` was not opened", "open it with `{`, or write `[}]` for the brace itself"));
            }
            '}' => alternatives -= 1,
            _ => {}
        }
    }
    (alternatives > 0)
        .then_some(("`{` is not closed", "close it with `}`, or write `[{]` for the brace itself"))
}

/// True for what may be a type of Rust: names joined by `::`, with what a type may have around them.
fn is_rust_type(written: &str) -> bool {
    let mut colons = 0usize;
    for c in written.chars().chain([' ']) {
        if c == ':' {
            colons += 1;
            continue;
        }
        if colons != 0 && colons != 2 {
            return false;
        }
        colons = 0;
        if !(c.is_alphanumeric() || c.is_whitespace() || "_<>,&'()[];*+#=-?".contains(c)) {
            return false;
        }
    }
    true
}

fn is_table_column(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    matches!(parts.len(), 2 | 3) && parts.iter().all(|part| !part.trim().is_empty())
}

fn type_of(value: &Value<'_>) -> &'static str {
    match value.as_ref().type_str() {
        "string" => "a string",
        "integer" => "an integer",
        "float" => "a float",
        "boolean" => "a boolean",
        "array" => "a list",
        _ => "a table",
    }
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
