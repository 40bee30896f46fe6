//! DDL to a catalog, its ownership, and statements on its tables.
#![no_main]

use tenantry_fuzz::{inside, on_text};
use tenantry_policy::Dialect;
use tenantry_prover::catalog::Catalog;
use tenantry_prover::lower::{apply, statements};
use tenantry_prover::ownership::{infer, to_toml};
use tenantry_span::FileId;

libfuzzer_sys::fuzz_target!(|data: &[u8]| on_text(data, run));

fn run(text: &str) {
    let (dialect, ddl) = match text.strip_prefix("-- mysql\n") {
        Some(ddl) => (Dialect::Mysql, ddl),
        None => match text.strip_prefix("-- sqlite\n") {
            Some(ddl) => (Dialect::Sqlite, ddl),
            None => (Dialect::Postgres, text),
        },
    };
    let mut catalog = Catalog::empty(dialect);
    // Twice: the second time finds what the first one left.
    for _ in 0..2 {
        apply(dialect, &mut catalog, FileId(0), ddl);
    }
    catalog.skipped.iter().for_each(|skipped| inside(ddl, skipped.span.range));
    let inference = infer(&catalog);
    to_toml(&inference);
    for view in catalog.views.values() {
        statements(dialect, &view.query);
    }
}
