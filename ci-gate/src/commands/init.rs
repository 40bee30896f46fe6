//! `cargo tenantry init`.

use std::io::{IsTerminal, Write};

use tenantry_project::POLICY_FILE;
use tenantry_prover::ownership::{infer, to_toml};

use crate::cli::InitArgs;
use crate::commands::{live, scan};
use crate::exit::{self, Failure};
use crate::terminal::plain;

/// Writes down what is inferred. One policy holds for all databases: that of the one which tells the most of tenants.
pub(crate) fn run(arguments: &InitArgs) -> Result<u8, Failure> {
    let project = scan::project_beside(arguments.path.as_deref(), live::servers(&[])?)?;
    let path = project.root.join(POLICY_FILE);
    if path.exists() && !arguments.force {
        return Err(Failure::usage(format!("there is a {POLICY_FILE} already")).help("--force overwrites it"));
    }
    // A policy that is overwritten does not speak for the new one.
    let inferences = project.databases.iter().map(|database| infer(&database.catalog));
    // Of equals the first.
    let Some(inference) = inferences.rev().max_by_key(|inference| inference.owned) else {
        return Err(Failure { code: exit::NOTHING, ..Failure::usage("no schema was found to infer from") }
            .help("write [[database]] with its schema into tenantry.toml"));
    };
    let text = to_toml(&inference);
    println!("{}", plain(&inference.paragraph));
    if !arguments.yes && !agreed(&text)? {
        println!("nothing was written");
        return Ok(exit::OK);
    }
    scan::write(&path, &text)?;
    println!("{POLICY_FILE} is written: review it, then run `cargo tenantry check`");
    Ok(exit::OK)
}

fn agreed(text: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("this asks before it writes, and there is no terminal to answer")
            .help("--yes takes what was inferred"));
    }
    let shown: String = text.lines().map(|line| plain(line) + "\n").collect();
    print!("\n{shown}\nWrite this to {POLICY_FILE}? [Y/n] ");
    let failed = |error: std::io::Error| Failure::internal(format!("the terminal cannot be used: {error}"));
    std::io::stdout().flush().map_err(failed)?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).map_err(failed)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}
