//! Prints how statements are read, for the referee in `tests/referee`: for each text that ends in a zero byte on standard
//! input two come out, the statements fully parenthesised and what they were read as ([`facts`]), each ending in a zero
//! byte too. Where not all was read, both are `!` and what was not.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

mod facts;

use std::io::{Read, Write};

use tenantry_prover::lower::{on_deep_stack, postgres};

fn main() -> std::io::Result<()> {
    let mut input = String::new();
    std::io::stdin().read_to_string(&mut input)?;
    let printed = on_deep_stack(|| input.split_terminator('\0').map(reading).collect::<Vec<_>>());
    let mut out = std::io::stdout().lock();
    for (print, facts) in printed.unwrap_or_default() {
        write!(out, "{print}\0{facts}\0")?;
    }
    Ok(())
}

fn reading(text: &str) -> (String, String) {
    let statements = postgres::statements(text);
    let unread: Vec<String> = statements
        .iter()
        .flat_map(|statement| &statement.unread)
        .map(|unread| format!("{:?} {}", unread.range, unread.what))
        .collect();
    if !unread.is_empty() {
        let unread = format!("!{}", unread.join("; "));
        return (unread.clone(), unread);
    }
    let printed: Vec<String> =
        statements.iter().map(|statement| postgres::print::print(statement, text)).collect();
    let facts: Result<Vec<_>, String> = statements.iter().map(facts::facts).collect();
    let facts = facts.map_or_else(|what| format!("!{what}"), |facts| facts::Json::List(facts).to_string());
    (printed.join(";\n"), facts)
}
