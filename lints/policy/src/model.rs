//! What a valid policy file says. Field names follow the file's keys.

use std::collections::BTreeMap;

use tenantry_span::{FileId, TextRange};

/// A value with its place in the policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file.
    pub range: TextRange,
}

/// A valid `tenantry.toml`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// The file it was read from; `None` for a policy that was inferred or built in a test.
    pub file: Option<FileId>,
    /// `[tenancy]`.
    pub tenancy: TenancySection,
    /// `[tables]`: what the schema does not say by itself, by table name as written (`orders` or `billing.orders`).
    pub tables: BTreeMap<String, Spanned<TableRule>>,
    /// `[trust]`.
    pub trust: Trust,
    /// `[[database]]`, in file order; empty means one PostgreSQL database whose schema is looked for.
    pub databases: Vec<DatabaseSection>,
    /// `[scan] exclude`: globs relative to the policy file's folder.
    pub exclude: Vec<Spanned<String>>,
    /// `[scan] enable`: rules that are off by default and are to be told.
    pub enable: Vec<Spanned<String>>,
    /// `[surfaces]`: name to globs.
    pub surfaces: BTreeMap<String, Vec<Spanned<String>>>,
    /// `[[allow]]`.
    pub allow: Vec<Allow>,
    /// `[[integration]]`; only the id is read so far.
    pub integrations: Vec<Integration>,
}

/// `[tenancy]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TenancySection {
    /// Columns that are a tenant key wherever they appear.
    pub keys: Vec<Spanned<String>>,
    /// The table of tenants and its key, as `table.column` or `schema.table.column`.
    pub root: Option<Spanned<String>>,
    /// Other names of a tenant in the root table, as `table.column`.
    pub root_keys: Vec<Spanned<String>>,
    /// Keys from outer to inner where tenancy has levels.
    pub hierarchy: Vec<Spanned<String>>,
    /// Tables whose rows without an owner belong to everybody.
    pub null_is_shared: Vec<Spanned<String>>,
    /// Assume that single-column foreign keys never cross tenants.
    pub trust_foreign_keys: bool,
    /// Also count success and SQLSTATE as observable.
    pub strict_errors: bool,
}

/// What `[tables]` says of one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TableRule {
    /// `{ key = "account" }`: this column is the tenant key.
    Key(String),
    /// `{ parent = "orders", by = "order_id" }`: the owner is the parent row's.
    Child {
        /// The parent table.
        parent: String,
        /// The column that references the parent.
        by: String,
    },
    /// `{ shared = "reason" }`: everybody's rows.
    Shared(String),
}

/// `[trust]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Rust types whose values are the authenticated tenant, as paths.
    pub types: Vec<Spanned<String>>,
    /// Rust expressions that are the authenticated tenant.
    pub expressions: Vec<Spanned<String>>,
    /// Rust extractor types that carry the authenticated tenant.
    pub extractors: Vec<Spanned<String>>,
    /// Functions that check what they are handed against the authenticated actor: everything, or with `guard(name, …)`
    /// what goes by these names.
    pub guards: Vec<Spanned<String>>,
    /// The session setting that carries the tenant, such as `app.tenant_id`.
    pub setting: Option<Spanned<String>>,
    /// Wrappers that set it.
    pub with_setting: Vec<Spanned<String>>,
    /// SQL functions that may be called, by name, each with the reason.
    pub functions: BTreeMap<String, Spanned<String>>,
}

/// A dialect of SQL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// PostgreSQL.
    #[default]
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite.
    Sqlite,
}

impl Dialect {
    /// The name used in the policy file.
    pub fn as_str(self) -> &'static str {
        match self {
            Dialect::Postgres => "postgres",
            Dialect::Mysql => "mysql",
            Dialect::Sqlite => "sqlite",
        }
    }
}

/// One `[[database]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSection {
    /// Its name; `main` where the file gives none.
    pub name: Spanned<String>,
    /// Its dialect.
    pub dialect: Dialect,
    /// Files and folders that make its schema, relative to the policy file's folder; or `env:NAME` alone, for the variable
    /// that holds the URL of a live database.
    pub schema: Vec<Spanned<String>>,
    /// Globs over the names of crates that use it; empty means all.
    pub crates: Vec<Spanned<String>>,
    /// The role under which the application runs, for row level security.
    pub app_role: Option<Spanned<String>>,
    /// The role that runs the migrations, and so owns what they make.
    pub owner_role: Option<Spanned<String>>,
    /// Why all its rows belong to one tenant, where they do.
    pub single_tenant: Option<Spanned<String>>,
}

/// A calendar date, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// The year, 0 to 9999.
    pub year: u16,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day, 1 to the month's last.
    pub day: u8,
}

/// One `[[allow]]`: a suppression that does not fit into the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allow {
    /// The rule's id.
    pub rule: Spanned<String>,
    /// A glob over paths relative to the policy file's folder; `None` allows everywhere.
    pub path: Option<Spanned<String>>,
    /// Why; never empty.
    pub reason: Spanned<String>,
    /// Who answers for it.
    pub owner: Option<Spanned<String>>,
    /// The last day on which it holds.
    pub until: Option<Spanned<Date>>,
    /// The whole entry.
    pub range: TextRange,
}

/// One `[[integration]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    /// Its stable id.
    pub id: Spanned<String>,
}
