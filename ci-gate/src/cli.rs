//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::output;
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
    /// Check a project: every query, with verdicts, findings and coverage
    Check(CheckArgs),
    /// Write the findings of today to tenantry.baseline.json, so that only new ones count
    Baseline(BaselineArgs),
    /// Infer the tenancy from the schema and write tenantry.toml for review
    Init(InitArgs),
    /// Print the schema as understood: each table, its owner, and why
    Schema(SchemaArgs),
    /// Print every place that runs SQL, with its verdict
    Sites(SitesArgs),
    /// Print a rule's page
    Explain {
        /// The rule's id
        rule: String,
    },
    /// List the rules
    Rules {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
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
    /// Take the schema of a live PostgreSQL, read only: its URL, or env:VARIABLE for the variable that holds it
    #[arg(long, value_name = "URL", conflicts_with = "schema")]
    pub(crate) schema_from: Option<String>,
    /// The policy file
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// What carries the tenant: a placeholder such as `$1`, or `setting:app.tenant_id`; JSON lines may say it themselves
    #[arg(long, default_value = "$1")]
    pub(crate) tenant: String,
    /// How to print the verdicts
    #[arg(long, value_enum, default_value = "human")]
    pub(crate) format: ProveFormat,
    /// What ends with 1: `error` a leak, `warning` what is undecided too; by default `error` for people, and `never` for
    /// JSON lines, which are data
    #[arg(long, value_enum)]
    pub(crate) fail_on: Option<FailOn>,
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

/// What to look at.
#[derive(Debug, Args)]
pub(crate) struct ScanArgs {
    /// Files and folders to check; nothing means the project around the current folder
    pub(crate) paths: Vec<PathBuf>,
    /// Check test code too
    #[arg(long)]
    pub(crate) include_tests: bool,
    /// The day on which suppressions are judged, as YYYY-MM-DD; by default SOURCE_DATE_EPOCH's or the clock's
    #[arg(long, value_name = "DATE")]
    pub(crate) today: Option<String>,
    /// Read every file anew, and keep nothing below target/tenantry/
    #[arg(long)]
    pub(crate) no_cache: bool,
    #[arg(long, value_name = "[NAME=]URL", help = SCHEMA_FROM)]
    pub(crate) schema_from: Vec<String>,
}

/// `check`
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
    #[arg(long, value_name = "FORMAT[=FILE]", help = output_help())]
    pub(crate) output: Vec<String>,
    /// What cargo's option of this name means to editors: `json` writes `--output compiler-json`
    #[arg(long, value_name = "FORMAT", value_parser = ["json"], conflicts_with = "output")]
    pub(crate) message_format: Option<String>,
    /// The least severity of a new finding that fails the check
    #[arg(long, value_enum, default_value = "error")]
    pub(crate) fail_on: FailOn,
    /// Check this file only, with standard input for its text
    #[arg(long, value_name = "FILE", conflicts_with = "paths")]
    pub(crate) stdin_path: Option<PathBuf>,
    /// The baseline; by default tenantry.baseline.json at the project's root, if there is one
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,
    /// End with 0 whatever is found
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// Leave suppressions out of account
    #[arg(long)]
    pub(crate) no_suppressions: bool,
    /// Write the fixes that findings carry into the files, those of the schema into one new migration, then check again
    #[arg(long, conflicts_with = "stdin_path")]
    pub(crate) fix: bool,
    /// Show what --fix would change, and change nothing, even beside --fix; ends with 1 if that is anything
    #[arg(long, conflicts_with_all = ["stdin_path", "output"])]
    pub(crate) diff: bool,
}

fn output_help() -> String {
    format!("What to write, repeatable: {}, each with =FILE or to standard output", output::names())
}

/// The gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Errors.
    Error,
    /// Warnings and errors.
    Warning,
    /// Everything.
    Note,
    /// Nothing.
    Never,
}

/// `baseline`
#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
    /// Where to write it; by default tenantry.baseline.json at the project's root
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// `init`
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// The project's folder; nothing means the current one
    pub(crate) path: Option<PathBuf>,
    /// Take what was inferred without asking
    #[arg(long)]
    pub(crate) yes: bool,
    /// Overwrite a tenantry.toml that is there
    #[arg(long)]
    pub(crate) force: bool,
}

/// What `--schema-from` does.
const SCHEMA_FROM: &str = "Take the schema of a live PostgreSQL in the place of files, read only: its URL, or env:VARIABLE for \
                           the variable that holds it; NAME= says for which [[database]]";

/// `schema`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct SchemaArgs {
    #[command(subcommand)]
    pub(crate) command: Option<SchemaCommand>,
    /// The project's folder; nothing means the current one
    pub(crate) path: Option<PathBuf>,
    #[arg(long, value_name = "[NAME=]URL", help = SCHEMA_FROM)]
    pub(crate) schema_from: Vec<String>,
    /// As in other commands; here every file is read anew, and nothing is kept
    #[arg(long, hide = true)]
    pub(crate) no_cache: bool,
}

/// `schema …`
#[derive(Debug, Subcommand)]
pub(crate) enum SchemaCommand {
    /// Say where the migrations and a live database differ; ends with 1 if they do
    Diff(DiffArgs),
}

/// `schema diff`
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The project's folder; nothing means the current one
    pub(crate) path: Option<PathBuf>,
    /// The live PostgreSQL, read only: its URL, or env:VARIABLE for the variable that holds it; NAME= says for which
    /// database; by default what tenantry.toml names
    #[arg(long, value_name = "[NAME=]URL")]
    pub(crate) schema_from: Vec<String>,
    /// How to print the differences
    #[arg(long, value_enum, default_value = "human")]
    pub(crate) format: DiffFormat,
    /// As in other commands; here every file is read anew, and nothing is kept
    #[arg(long, hide = true)]
    pub(crate) no_cache: bool,
}

/// How `schema diff` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// Sentences.
    Human,
    /// One JSON document.
    Json,
}

/// `sites`
#[derive(Debug, Args)]
pub(crate) struct SitesArgs {
    #[command(flatten)]
    pub(crate) scan: ScanArgs,
    /// Print the derivation of each verdict
    #[arg(long)]
    pub(crate) proof: bool,
    /// Print the functions that run the SQL text they are handed, and what is known of their calls
    #[arg(long, conflicts_with = "proof")]
    pub(crate) summaries: bool,
}
