//! Prints the statements that the oracle would make, each ending in a zero byte: `statements COUNT SEED`. The referee in
//! `tests/referee` reads them; no server is needed.
#![allow(clippy::print_stdout, reason = "printing is what it is for")]

use std::io::Write;

use tenantry_oracle::compare::{Options, material};
use tenantry_prover::lower::on_deep_stack;

/// Statements of one schema.
const PER_SCHEMA: usize = 50;

fn main() -> std::io::Result<()> {
    let mut numbers = std::env::args().skip(1).map_while(|argument| argument.parse().ok());
    let (count, seed) = (numbers.next().unwrap_or(1000u64), numbers.next().unwrap_or(1u64));
    let made = on_deep_stack(|| {
        let schemas = (0..count.div_ceil(PER_SCHEMA as u64))
            .map(|number| material(Options { seed, ..Options::default() }, number, PER_SCHEMA).1);
        schemas.flatten().map(|made| made.statement.sql).collect::<Vec<_>>()
    });
    let mut out = std::io::stdout().lock();
    for sql in made.unwrap_or_default() {
        write!(out, "{sql}\0")?;
    }
    Ok(())
}
