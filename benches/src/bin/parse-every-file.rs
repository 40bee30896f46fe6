//! Parses every Rust file below the given folders with `syn`, and nothing else: the yardstick of a whole scan.
//!
//! Built on its own, so that `proc-macro2` keeps no places; the product has to.
#![allow(clippy::print_stdout, reason = "the counts show that the work was done")]

use tenantry_benches::{deep, rust_files};

fn main() {
    let (files, failed, items) = deep(|| {
        let (mut files, mut failed, mut items) = (0usize, 0usize, 0usize);
        for path in rust_files() {
            let Ok(text) = std::fs::read_to_string(path) else { continue };
            files += 1;
            match syn::parse_file(&text) {
                Ok(file) => items += file.items.len(),
                Err(_) => failed += 1,
            }
        }
        (files, failed, items)
    });
    println!("{{\"files\":{files},\"failed\":{failed},\"items\":{items}}}");
}
