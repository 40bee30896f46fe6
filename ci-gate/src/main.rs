//! `cargo tenantry`: commands, outputs and exit codes. Nothing is decided here that a library user could not decide too.
#![forbid(unsafe_code)]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the binary is the one place that speaks to the user"
)]

mod cli;
mod commands;
mod exit;
mod output;
mod terminal;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    // Cargo hands its subcommand's name on as the first argument.
    let mut arguments: Vec<std::ffi::OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|word| word == "tenantry") {
        arguments.remove(1);
    }
    let cli = match cli::Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { exit::USAGE } else { exit::OK };
            // A closed pipe leaves nobody to tell.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    // What a user can do about a fault of ours is to tell it; the place is what we need to be told.
    std::panic::set_hook(Box::new(|fault| {
        eprintln!("internal error: {fault}");
        eprintln!("help: please tell it at {}/issues", env!("CARGO_PKG_REPOSITORY"));
    }));
    match std::panic::catch_unwind(|| commands::run(cli)) {
        Err(_) => ExitCode::from(exit::INTERNAL),
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(failure)) => {
            eprintln!("error: {}", failure.message);
            for help in &failure.help {
                eprintln!("help: {help}");
            }
            ExitCode::from(failure.code)
        }
    }
}
