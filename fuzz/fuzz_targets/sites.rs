//! Rust text to sites.
#![no_main]

use tenantry_fuzz::{inside, on_text, schema};
use tenantry_policy::Trust;
use tenantry_source::{NoSurroundings, SourceFile, constants, module_files, prefilter, read};
use tenantry_span::FileId;

libfuzzer_sys::fuzz_target!(|data: &[u8]| on_text(data, run));

fn run(text: &str) {
    let sinks = tenantry_rules::sinks();
    let file = SourceFile { file: FileId(0), path: "src/store/orders.rs", text };
    prefilter(text.as_bytes(), sinks);
    module_files(text);
    constants(&file, &NoSurroundings);
    let found = read(&file, sinks, &Trust::default(), &NoSurroundings);
    for site in &found.sites {
        inside(text, site.span.range);
        for sql in site.texts.iter().filter_map(|text| text.known()) {
            schema().prove(&sql, &[]);
        }
    }
    // Spans of read files are kept until then.
    proc_macro2::extra::invalidate_current_thread_spans();
}
