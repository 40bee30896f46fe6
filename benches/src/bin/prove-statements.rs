//! Proves every statement of a file of JSON lines by itself, many times, and prints the distribution of the medians.
//!
//! `prove-statements SCHEMA POLICY STATEMENTS`: SQL, `tenantry.toml`, and lines with the field `sql`. The first
//! placeholder is taken for the tenant. Reading, binding and proving count; making the schema does not.
#![allow(clippy::print_stdout, reason = "the distribution is what this program is for")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use tenantry_benches::deep;
use tenantry_policy::Dialect;
use tenantry_prover::bind::bind;
use tenantry_prover::catalog::Catalog;
use tenantry_prover::lower::{apply, statements};
use tenantry_prover::ownership::resolve;
use tenantry_prover::prove::prove;
use tenantry_prover::tenancy::Tenancy;
use tenantry_prover::verdict::{Nullability, TenantSource, TenantValue};
use tenantry_span::FileId;

/// How often each statement is proved.
const ROUNDS: usize = 21;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [schema, policy, cases] = arguments.as_slice() else {
        panic!("write `prove-statements SCHEMA POLICY STATEMENTS`");
    };
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let policy = tenantry_policy::parse(FileId(0), &read(policy)).expect("the policy is valid");
    let (schema, cases) = (read(schema), read(cases));
    let sql = |line: &str| -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(value.get("sql")?.as_str()?.to_owned())
    };
    let cases: Vec<String> = cases.lines().filter_map(sql).collect();
    let mut medians = deep(|| {
        let mut catalog = Catalog::empty(Dialect::Postgres);
        apply(Dialect::Postgres, &mut catalog, FileId(0), &schema);
        let (tenancy, _) = resolve(&policy, &catalog);
        cases.iter().map(|sql| median(&catalog, &tenancy, sql)).collect::<Vec<Duration>>()
    });
    medians.sort();
    let at = |part: usize| {
        let index = (medians.len().saturating_sub(1)) * part / 100;
        medians.get(index).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    println!(
        "{{\"statements\":{},\"p10\":{:.1},\"median\":{:.1},\"p90\":{:.1},\"p99\":{:.1},\"max\":{:.1}}}",
        medians.len(),
        at(10),
        at(50),
        at(90),
        at(99),
        at(100)
    );
}

/// The median time of one statement, read, bound and proved.
fn median(catalog: &Catalog, tenancy: &Tenancy, sql: &str) -> Duration {
    let tenant = TenantValue {
        sources: [TenantSource::Param(1)].into(),
        nullable: Nullability::Never,
        ..TenantValue::default()
    };
    let tenants = [tenant];
    let once = || {
        let start = Instant::now();
        for statement in statements(Dialect::Postgres, black_box(sql)) {
            let plan = bind(Dialect::Postgres, catalog, tenancy, &statement);
            black_box(prove(catalog, tenancy, &plan, &tenants));
        }
        start.elapsed()
    };
    let mut times: Vec<Duration> = (0..ROUNDS).map(|_| once()).collect();
    times.sort();
    times.get(ROUNDS / 2).copied().unwrap_or_default()
}
