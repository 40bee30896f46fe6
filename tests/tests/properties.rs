//! What must not change a verdict, tried on the corpus and on statements spoilt at random. `fuzz/` tries the same on more.

use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tenantry_prover::lower::{on_deep_stack, postgres};
use tenantry_tests::properties::{check, reformatted};
use tenantry_tests::{Schema, fixture};

fn text(path: &str) -> String {
    std::fs::read_to_string(fixture(path)).expect("the corpus is there")
}

fn schema() -> &'static Schema {
    static SCHEMA: OnceLock<Schema> = OnceLock::new();
    SCHEMA.get_or_init(|| Schema::read(&text("sqlcorpus/schema.sql"), &text("sqlcorpus/tenantry.toml")))
}

fn corpus() -> &'static [String] {
    static CORPUS: OnceLock<Vec<String>> = OnceLock::new();
    CORPUS.get_or_init(|| {
        let files = ["sqlcorpus/cases.jsonl", "sqlcorpus/pairs.jsonl", "sqlcorpus/attack/unsound.jsonl"];
        let sql = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
            value.get("sql").and_then(|sql| sql.as_str()).expect("a case has a statement").to_owned()
        };
        files.iter().flat_map(|file| text(file).lines().map(sql).collect::<Vec<_>>()).collect()
    })
}

#[test]
fn the_corpus_has_the_properties() {
    let wrong: Vec<String> = on_deep_stack(|| {
        let all = corpus().iter().zip(1_u64..);
        all.flat_map(|(sql, dice)| [check(schema(), sql, dice), check(schema(), sql, dice << 20)])
            .filter_map(Result::err)
            .collect()
    })
    .expect("nothing panics");
    assert!(wrong.is_empty(), "{} break a property:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_text_written_otherwise_has_the_same_tokens() {
    for (sql, dice) in corpus().iter().zip(7..) {
        let places = |text: &str| postgres::token_ranges(text).expect("the corpus has tokens");
        let words = |text: &str| -> Vec<String> {
            places(text).iter().map(|place| place.slice(text).to_lowercase()).collect()
        };
        let other = reformatted(sql, &places(sql), dice);
        assert_ne!(&other, sql);
        assert_eq!(words(&other), words(sql));
    }
}

/// Two statements of the corpus, tokens of the one put among those of the other.
fn spoilt() -> impl Strategy<Value = String> {
    let pick = || any::<prop::sample::Index>();
    let cuts = prop::collection::vec((pick(), pick(), 0..4_u8), 1..4);
    (pick(), pick(), cuts).prop_map(|(whole, donor, cuts)| {
        let tokens = |at: prop::sample::Index| -> Vec<String> {
            let text = at.get(corpus());
            let places = postgres::token_ranges(text).expect("the corpus has tokens");
            places.iter().map(|place| place.slice(text).to_owned()).collect()
        };
        let (mut whole, donor) = (tokens(whole), tokens(donor));
        for (at, other, how) in cuts {
            let at = at.index(whole.len());
            let token = other.get(&donor).clone();
            match how {
                0 if whole.len() > 1 => drop(whole.remove(at)),
                1 => whole.insert(at, token),
                2 => {
                    let other = other.index(whole.len());
                    whole.swap(at, other);
                }
                _ => whole[at] = token,
            }
        }
        whole.join(" ")
    })
}

proptest! {
    // The same statements at every run: the fuzzer looks for others.
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(1500)
    })]

    #[test]
    fn spoilt_statements_have_the_properties(sql in spoilt(), dice in any::<u64>()) {
        let checked = on_deep_stack(|| check(schema(), &sql, dice)).expect("nothing panics");
        prop_assert!(checked.is_ok(), "{checked:?}");
    }
}
