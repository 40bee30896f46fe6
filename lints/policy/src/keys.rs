//! Every key of `tenantry.toml`, as data: the reader, the JSON Schema and the documentation are made from it.

/// A section of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its name, such as `tenancy`.
    pub name: &'static str,
    /// How it is written.
    pub form: Form,
    /// What it is for, in one line.
    pub about: &'static str,
    /// Its keys; empty where the names are the user's and the values plain.
    pub keys: &'static [Key],
}

/// How a section is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `[name]` with the section's keys.
    Table,
    /// `[[name]]`, any number of times, each with the section's keys.
    Array,
    /// `[name]` with names of the user's choice, each with a table of the section's keys.
    Tables,
    /// `[name]` with names of the user's choice, each with a list of globs.
    Globs,
}

/// One key of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub kind: Kind,
    /// True if the section is not complete without it.
    pub required: bool,
    /// What it says, in one line.
    pub about: &'static str,
    /// An example of its value, as TOML.
    pub example: &'static str,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, example: &'static str, about: &'static str) -> Key {
        Key { name, kind, required: false, about, example }
    }

    const fn required(self) -> Key {
        Key { required: true, ..self }
    }
}

/// What may stand at a key. No string may be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A string.
    Text,
    /// A list of strings.
    Texts,
    /// A list of names of columns, without a table.
    Columns,
    /// `table.column` or `schema.table.column`.
    TableColumn,
    /// A list of those.
    TableColumns,
    /// A date, `"2027-03-31"`.
    Date,
    /// One of [`DIALECTS`].
    Dialect,
    /// A table from names of the user's choice to reasons.
    Reasons,
}

impl Kind {
    /// What is expected, for messages: `a list of strings`.
    pub fn expected(self) -> &'static str {
        match self {
            Kind::Flag => "`true` or `false`",
            Kind::Text => "a string",
            Kind::Texts | Kind::Columns | Kind::TableColumns => "a list of strings",
            Kind::TableColumn => "a string of the form `table.column`",
            Kind::Date => "a date in quotes, such as \"2027-03-31\"",
            Kind::Dialect => "the name of a dialect",
            Kind::Reasons => "a table of names and reasons",
        }
    }
}

/// The names of the dialects, in the order of [`crate::Dialect`].
pub const DIALECTS: &[&str] = &["postgres", "mysql", "sqlite"];

/// All sections, in the order in which they are documented.
pub const SECTIONS: &[Section] = &[
    Section { name: "tenancy", form: Form::Table, about: "Who owns a row.", keys: TENANCY },
    Section {
        name: "tables",
        form: Form::Tables,
        about: "What the schema does not say by itself, by table name (\"schema.table\" in quotes).",
        keys: TABLE,
    },
    Section {
        name: "trust",
        form: Form::Table,
        about: "Where the authenticated tenant comes from, and what may be relied on.",
        keys: TRUST,
    },
    Section {
        name: "database",
        form: Form::Array,
        about: "A database and its schema. One is enough for most services.",
        keys: DATABASE,
    },
    Section { name: "scan", form: Form::Table, about: "Which files are looked at.", keys: SCAN },
    Section {
        name: "surfaces",
        form: Form::Globs,
        about: "Parts of the service that coverage is told for, each a list of globs.",
        keys: &[],
    },
    Section {
        name: "allow",
        form: Form::Array,
        about: "A suppression that does not fit into the source.",
        keys: ALLOW,
    },
    Section {
        name: "integration",
        form: Form::Array,
        about: "An external service that is called.",
        keys: INTEGRATION,
    },
];

const TENANCY: &[Key] = &[
    Key::new(
        "keys",
        Kind::Columns,
        "[\"workspace_id\", \"org_id\"]",
        "Columns that are a tenant key wherever they appear.",
    ),
    Key::new("root", Kind::TableColumn, "\"workspaces.id\"", "The table of tenants and its key."),
    Key::new(
        "root-keys",
        Kind::TableColumns,
        "[\"workspaces.slug\"]",
        "Alternative names of a tenant in the table of tenants; each must be unique there.",
    ),
    Key::new(
        "hierarchy",
        Kind::Columns,
        "[\"org_id\", \"workspace_id\"]",
        "Tenant keys from outer to inner; pinning the inner suffices where both exist.",
    ),
    Key::new(
        "null-is-shared",
        Kind::Texts,
        "[\"templates\"]",
        "Tables whose rows without an owner belong to everybody.",
    ),
    Key::new(
        "trust-foreign-keys",
        Kind::Flag,
        "false",
        "Assume that single-column foreign keys never cross tenants.",
    ),
    Key::new("strict-errors", Kind::Flag, "false", "Also count success and SQLSTATE as observable."),
];

const TABLE: &[Key] = &[
    Key::new("key", Kind::Text, "\"account\"", "The column that is this table's tenant key."),
    Key::new("parent", Kind::Text, "\"orders\"", "The table whose rows own this table's rows; needs `by`."),
    Key::new("by", Kind::Text, "\"order_id\"", "The column that references the parent."),
    Key::new(
        "shared",
        Kind::Text,
        "\"reference data\"",
        "The rows are everybody's; the reason is kept in the evidence.",
    ),
];

const TRUST: &[Key] = &[
    Key::new(
        "types",
        Kind::Texts,
        "[\"crate::auth::Tenant\"]",
        "Rust types whose values are the authenticated tenant, as paths.",
    ),
    Key::new(
        "expressions",
        Kind::Texts,
        "[\"ctx.tenant_id()\"]",
        "Rust expressions that are the authenticated tenant.",
    ),
    Key::new(
        "extractors",
        Kind::Texts,
        "[\"crate::auth::ApiKey\"]",
        "Extractor types that carry the authenticated tenant.",
    ),
    Key::new(
        "guards",
        Kind::Texts,
        "[\"authorize_for_application\"]",
        "Functions that check what they are handed against the authenticated actor; `guard(name)` if only that is checked.",
    ),
    Key::new("setting", Kind::Text, "\"app.tenant_id\"", "The session setting that carries the tenant."),
    Key::new(
        "with-setting",
        Kind::Texts,
        "[\"with_org_context\"]",
        "Functions that set it for what they run.",
    ),
    Key::new(
        "functions",
        Kind::Reasons,
        "{ audit_now = \"reads no tenant table\" }",
        "SQL functions that statements may call, each with the reason.",
    ),
];

const DATABASE: &[Key] = &[
    Key::new("name", Kind::Text, "\"main\"", "Its name; must differ where there are several."),
    Key::new(
        "dialect",
        Kind::Dialect,
        "\"postgres\"",
        "The dialect of SQL; `postgres` where it is not given.",
    ),
    Key::new(
        "schema",
        Kind::Texts,
        "[\"migrations\"]",
        "Files and folders that make its schema, relative to this file's folder; or `env:NAME` alone, for the variable that holds the URL of a live PostgreSQL.",
    ),
    Key::new(
        "crates",
        Kind::Texts,
        "[\"*\"]",
        "Globs over the names of the crates that use it; all by default.",
    ),
    Key::new(
        "app-role",
        Kind::Text,
        "\"app\"",
        "The role under which the application runs, for row level security.",
    ),
    Key::new(
        "owner-role",
        Kind::Text,
        "\"migrator\"",
        "The role that runs the migrations and so owns the tables, for row level security that is not forced.",
    ),
    Key::new(
        "single-tenant",
        Kind::Text,
        "\"a file in the user's own folder\"",
        "Why all rows belong to one tenant, so that no statement that is understood can cross tenants here.",
    ),
];

const SCAN: &[Key] = &[
    Key::new(
        "exclude",
        Kind::Texts,
        "[\"vendor/**\"]",
        "Globs of files that are not looked at, relative to this file's folder.",
    ),
    Key::new("enable", Kind::Texts, "[\"unmarked-query\"]", "Rules to be told that are off by default."),
];

const ALLOW: &[Key] = &[
    Key::new("rule", Kind::Text, "\"unscoped-query\"", "The rule's id.").required(),
    Key::new(
        "path",
        Kind::Text,
        "\"src/jobs/retention.rs\"",
        "A glob of the files in which it is allowed; everywhere by default.",
    ),
    Key::new("reason", Kind::Text, "\"retention runs over all tenants\"", "Why; shown in every report.")
        .required(),
    Key::new("owner", Kind::Text, "\"platform\"", "Who answers for it."),
    Key::new("until", Kind::Date, "\"2027-03-31\"", "The last day on which it holds."),
];

const INTEGRATION: &[Key] = &[Key::new("id", Kind::Text, "\"stripe\"", "Its stable id.").required()];
