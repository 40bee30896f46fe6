//! SQL text to plan to verdict. A text that begins with `-- mysql` or `-- sqlite` is read as that dialect.
#![no_main]

use tenantry_fuzz::{dice, on_text, schema};
use tenantry_policy::Dialect;
use tenantry_prover::bind::bind;
use tenantry_prover::lower::statements;
use tenantry_prover::prove::prove;
use tenantry_prover::verdict::TenantSource;
use tenantry_tests::{properties, tenant};

libfuzzer_sys::fuzz_target!(|data: &[u8]| on_text(data, run));

fn run(text: &str) {
    for (mark, dialect) in [("-- mysql\n", Dialect::Mysql), ("-- sqlite\n", Dialect::Sqlite)] {
        if let Some(text) = text.strip_prefix(mark) {
            return generic(dialect, text);
        }
    }
    if let Err(why) = properties::check(schema(), text, dice(text)) {
        panic!("{why}");
    }
}

fn generic(dialect: Dialect, text: &str) {
    let schema = schema();
    for statement in statements(dialect, text) {
        let plan = bind(dialect, &schema.catalog, &schema.tenancy, &statement);
        let verdict =
            prove(&schema.catalog, &schema.tenancy, &plan, &[tenant(&[TenantSource::Param(1)], false)]);
        drop(verdict);
    }
}
