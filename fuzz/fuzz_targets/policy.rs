//! `tenantry.toml` to a policy, and its ownership of the corpus' schema.
#![no_main]

use tenantry_fuzz::{inside, on_text, schema};
use tenantry_prover::ownership::resolve;
use tenantry_span::FileId;

libfuzzer_sys::fuzz_target!(|data: &[u8]| on_text(data, run));

fn run(text: &str) {
    let faults = match tenantry_policy::parse(FileId(0), text) {
        Ok(policy) => resolve(&policy, &schema().catalog).1,
        Err(faults) => {
            assert!(!faults.is_empty(), "refused without a reason");
            faults
        }
    };
    let labels = |fault: &tenantry_span::Diagnostic| {
        let related = fault.related.iter().map(|label| label.span);
        related.chain([fault.primary.span]).collect::<Vec<_>>()
    };
    let spans = faults.iter().flat_map(labels);
    spans.filter(|span| span.file == FileId(0)).for_each(|span| inside(text, span.range));
}
