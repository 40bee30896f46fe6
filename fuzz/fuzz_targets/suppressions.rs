//! Suppressions: the text of a comment, and the comments of an SQL file. Those of Rust files are read with the sites.
#![no_main]

use tenantry_fuzz::{inside, on_text};
use tenantry_source::{directives, sql_comments};
use tenantry_span::FileId;

libfuzzer_sys::fuzz_target!(|data: &[u8]| on_text(data, run));

fn run(text: &str) {
    for directive in directives(text) {
        assert!(
            directive.problem.is_some() || directive.reason.is_some(),
            "a suppression without a reason is a good one"
        );
    }
    for suppression in sql_comments(FileId(0), text) {
        inside(text, suppression.span.range);
        inside(text, suppression.covers);
    }
}
