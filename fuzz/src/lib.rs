//! What the fuzz targets share: the corpus' schema, and the bound on time.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tenantry_span::TextRange;
use tenantry_tests::{Schema, fixture};

/// The longest that an input may take.
const MAX_TIME: Duration = Duration::from_secs(1);

/// The corpus' schema and policy.
pub fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let read = |path: &str| std::fs::read_to_string(fixture(path)).expect("the corpus is there");
        Schema::read(&read("sqlcorpus/schema.sql"), &read("sqlcorpus/tenantry.toml"))
    })
}

/// Runs `work` on an input that is text. What seems to take too long is run once more and the processor's time taken,
/// since another process may have had the processor.
pub fn on_text(data: &[u8], work: impl Fn(&str)) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let start = Instant::now();
    work(text);
    if start.elapsed() <= MAX_TIME {
        return;
    }
    let before = processor_time();
    work(text);
    let took = processor_time() - before;
    assert!(took <= MAX_TIME, "it takes {took:?}");
}

/// How long this thread has run; Linux tells in nanoseconds.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let running = text.split(' ').next().and_then(|number| number.parse().ok());
    Duration::from_nanos(running.unwrap_or(0))
}

/// A hash of the text, to choose by.
pub fn dice(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Panics if a range does not cut `text` between characters.
pub fn inside(text: &str, range: TextRange) {
    let cut = text.get(range.start as usize..range.end as usize);
    assert!(cut.is_some(), "{range:?} is no range of the text");
}
