//! One file per command.

mod baseline;
mod check;
mod init;
mod prove;
mod rules;
mod scan;
mod schema;
mod sites;

use clap::CommandFactory;

use crate::cli::{Cli, Command, ConfigCommand};
use crate::exit::{self, Failure};

/// Runs a command; the number is the exit code.
pub(crate) fn run(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
        Command::Check(arguments) => check::run(&arguments, cli.color),
        Command::Baseline(arguments) => baseline::run(&arguments),
        Command::Init(arguments) => init::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments, cli.color),
        Command::Sites(arguments) => sites::run(&arguments, cli.color),
        Command::Explain { rule } => rules::explain(&rule),
        Command::Rules { json } => rules::list(json),
        Command::Prove(arguments) => prove::run(&arguments, cli.color),
        Command::Config(ConfigCommand::Schema) => {
            print!("{}", tenantry_policy::json_schema());
            Ok(exit::OK)
        }
        Command::Completions { shell } => {
            let mut command = Cli::command();
            clap_complete::generate(shell, &mut command, "cargo-tenantry", &mut std::io::stdout());
            Ok(exit::OK)
        }
    }
}
