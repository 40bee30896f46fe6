//! One file per command.

mod prove;

use clap::CommandFactory;

use crate::cli::{Cli, Command, ConfigCommand};
use crate::exit::{self, Failure};

/// Runs a command; the number is the exit code.
pub(crate) fn run(cli: Cli) -> Result<u8, Failure> {
    match cli.command {
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
