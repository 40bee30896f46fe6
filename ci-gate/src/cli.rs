//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::terminal::Color;

/// Proves that every query of a multi-tenant Rust service stays inside one tenant.
#[derive(Debug, Parser)]
#[command(name = "cargo tenantry", bin_name = "cargo tenantry", version, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// When to colour the output
    #[arg(long, global = true, value_enum, default_value = "auto")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Prove single statements: paste a query and see why
    Prove(ProveArgs),
    /// The policy file's format
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print a script that completes this command line
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

/// `config …`
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print a JSON Schema of tenantry.toml
    Schema,
}

/// `prove`
#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    /// A file with statements, plain SQL or JSON lines; `-` or nothing is standard input
    pub(crate) file: Option<PathBuf>,
    /// A file or folder of SQL that makes the schema; repeat it to apply several in order
    #[arg(long)]
    pub(crate) schema: Vec<PathBuf>,
    /// The policy file
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// What carries the tenant: a placeholder such as `$1`, or `setting:app.tenant_id`; JSON lines may say it themselves
    #[arg(long, default_value = "$1")]
    pub(crate) tenant: String,
    /// How to print the verdicts
    #[arg(long, value_enum, default_value = "human")]
    pub(crate) format: ProveFormat,
    /// Take the input for JSON lines, however it begins
    #[arg(long)]
    pub(crate) jsonl_input: bool,
    /// The dialect, where no policy file says it
    #[arg(long, value_enum)]
    pub(crate) dialect: Option<DialectName>,
}

/// How `prove` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProveFormat {
    /// For people, with the derivation.
    Human,
    /// One JSON object per line.
    Jsonl,
}

/// A dialect of SQL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DialectName {
    /// PostgreSQL.
    Postgres,
    /// MySQL and MariaDB.
    Mysql,
    /// SQLite.
    Sqlite,
}
