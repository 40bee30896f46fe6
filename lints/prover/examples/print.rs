//! Prints how statements are read: each statement that ends in a zero byte on standard input comes out fully
//! parenthesised, or as `!` and what was not read of it, ending in a zero byte too. The referee in `tests/referee` runs it.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::io::{Read, Write};

use tenantry_prover::lower::{on_deep_stack, postgres};

fn main() -> std::io::Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let printed = on_deep_stack(|| input.split_terminator('\0').map(reading).collect::<Vec<_>>());
    let mut out = std::io::stdout().lock();
    for line in printed.unwrap_or_default() {
        out.write_all(line.as_bytes())?;
        out.write_all(b"\0")?;
    }
    Ok(())
}

fn reading(text: &str) -> String {
    let statements = postgres::statements(text);
    let unread: Vec<String> = statements
        .iter()
        .flat_map(|statement| &statement.unread)
        .map(|unread| format!("{:?} {}", unread.range, unread.what))
        .collect();
    if !unread.is_empty() {
        return format!("!{}", unread.join("; "));
    }
    let printed: Vec<String> =
        statements.iter().map(|statement| postgres::print::print(statement, text)).collect();
    printed.join(";\n")
}
