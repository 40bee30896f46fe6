//! One file per command.

mod aloud;
mod baseline;
mod check;
mod diff;
mod fix;
mod init;
mod live;
mod prove;
mod rules;
mod scan;
mod schema;
mod sites;

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{Cli, Command, ConfigCommand, SchemaCommand};
use crate::exit::{self, Failure};
use crate::terminal;

/// Runs a command; the number is the exit code.
pub(crate) fn run(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        Command::Check(arguments) => check::run(&arguments, cli.color),
        Command::Baseline(arguments) => baseline::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Schema(arguments) => match &arguments.command {
            Some(SchemaCommand::Diff(arguments)) => diff::run(arguments, cli.color),
            None => schema::run(&arguments, cli.color),
        },
        Command::Sites(arguments) => sites::run(&arguments, cli.color),
        Command::Explain { rule } => rules::explain(&rule),
        Command::Rules { json } => rules::list(json),
        Command::Prove(arguments) => prove::run(&arguments, cli.color),
        Command::Config(ConfigCommand::Schema) => {
            terminal::print(&config_schema()?)?;
            Ok(exit::OK)
        }
        Command::Completions { shell } => {
            terminal::print(&completions(shell))?;
            Ok(exit::OK)
        }
    }
}

/// A script that completes the command line of the binary.
fn completions(shell: Shell) -> String {
    // Scripts for bash know the arguments of a command only where the binary's name has no hyphen.
    let name = if shell == Shell::Bash { "cargo_tenantry" } else { "cargo-tenantry" };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command().name(name).bin_name(name), name, &mut script);
    String::from_utf8_lossy(&script).replace(" cargo_tenantry\n", " cargo-tenantry\n")
}

/// The schema, laid out for people too.
fn config_schema() -> Result<String, Failure> {
    let failed = |error| Failure::internal(format!("the schema cannot be written: {error}"));
    let schema: serde_json::Value = serde_json::from_str(&tenantry_policy::json_schema()).map_err(failed)?;
    Ok(serde_json::to_string_pretty(&schema).map_err(failed)? + "\n")
}
