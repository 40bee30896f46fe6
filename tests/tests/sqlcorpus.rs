//! The corpus of statements whose verdicts were measured on a real server.
//!
//! Soundness: no `unsafe` and no `unknown` statement is `Scoped`. Completeness: every `safe` one that needs no more than
//! the core is, and most of the others are. Run under the default policy, with trusted foreign keys, and strictly.
#![allow(clippy::print_stdout, reason = "the counts are what this test is read for")]

use std::collections::BTreeMap;

use libtest_mimic::{Arguments, Failed, Trial};
use tenantry_prover::lower::on_deep_stack;
use tenantry_prover::verdict::{TenantSource, TenantValue, Verdict};
use tenantry_tests::{Schema, fixture, tenant};

struct Case {
    id: String,
    sql: String,
    tenants: Vec<TenantValue>,
    expected: [String; 3],
    needs: String,
    construct: String,
}

const MODES: [&str; 3] = ["default", "trusted foreign keys", "strict"];

/// How many of the safe statements of `more.jsonl` are scoped in each mode, at least.
const SCOPED_OF_MORE: [usize; 3] = [484, 505, 465];

/// How many of the safe statements about row level security are not scoped in each mode, at most. One of them takes 0 for the
/// tenant where the setting is empty, which is somebody's.
const NOT_BY_POLICIES: [usize; 3] = [1, 1, 2];

fn main() {
    let arguments = Arguments::from_args();
    let cases = cases(fixture("sqlcorpus/cases.jsonl"));
    let attack = Trial::test("sqlcorpus: statements that once were wrongly scoped", || {
        on_deep_stack(attacked).unwrap_or_else(|| Err("the proof panicked".into()))
    });
    let trials = (0..MODES.len()).map(|mode| {
        let cases = std::sync::Arc::clone(&cases);
        Trial::test(format!("sqlcorpus: {}", MODES[mode]), move || run(mode, &cases))
    });
    let pairs = Trial::test("sqlcorpus: safe forms and the unsafe ones beside them", || {
        on_deep_stack(paired).unwrap_or_else(|| Err("the proof panicked".into()))
    });
    let more = self::cases(fixture("sqlcorpus/more.jsonl"));
    let broader = MODES.iter().zip(SCOPED_OF_MORE).enumerate().map(|(mode, (name, least))| {
        let more = std::sync::Arc::clone(&more);
        Trial::test(format!("sqlcorpus, more statements: {name}"), move || {
            on_deep_stack(|| broad(mode, least, &more)).unwrap_or_else(|| Err("the proof panicked".into()))
        })
    });
    let policies = MODES.iter().zip(NOT_BY_POLICIES).enumerate().map(|(mode, (name, most))| {
        let (cases, more) = (std::sync::Arc::clone(&cases), std::sync::Arc::clone(&more));
        Trial::test(format!("sqlcorpus, row level security: {name}"), move || {
            on_deep_stack(|| secured(mode, most, &cases, &more))
                .unwrap_or_else(|| Err("the proof panicked".into()))
        })
    });
    libtest_mimic::run(&arguments, trials.chain(broader).chain(policies).chain([attack, pairs]).collect())
        .exit();
}

/// The family of row level security by itself: all safe ones but a few that are known, and none of the others.
fn secured(mode: usize, most: usize, cases: &[Case], more: &[Case]) -> Result<(), Failed> {
    let schema = schema(mode);
    let (mut safe, mut unsafe_ones, mut missed, mut unsound) = (0, 0, Vec::new(), Vec::new());
    for case in cases.iter().chain(more).filter(|case| case.construct == "rls") {
        let verdicts = schema.prove(&case.sql, &case.tenants);
        let scoped = word(&verdicts) == "scoped";
        let said = || format!("{}: {}\n      {}", case.id, case.sql, why(&verdicts));
        let is_safe = case.expected[mode] == "safe";
        safe += usize::from(is_safe);
        unsafe_ones += usize::from(!is_safe);
        if is_safe && !scoped {
            missed.push(said());
        } else if scoped && !is_safe {
            unsound.push(said());
        }
    }
    println!(
        "\nsqlcorpus, row level security, {}: of {safe} safe ones {} are scoped; of {unsafe_ones} others {} are scoped",
        MODES[mode],
        safe - missed.len(),
        unsound.len()
    );
    if !unsound.is_empty() || missed.len() > most || safe < 40 {
        let (unsound, missed) = (unsound.join("\n"), missed.join("\n"));
        return Err(format!("wrongly scoped:\n{unsound}\nnot scoped:\n{missed}").into());
    }
    Ok(())
}

/// Statements of every family as services write them, with what was measured of each: none that is not safe is scoped,
/// and of the safe ones at least as many as once were.
fn broad(mode: usize, least: usize, cases: &[Case]) -> Result<(), Failed> {
    let schema = schema(mode);
    let (mut safe, mut scoped_of_safe, mut leaks_of_safe) = (0, 0, 0);
    let (mut unsound, mut missed) = (Vec::new(), Vec::new());
    for case in cases {
        let verdicts = schema.prove(&case.sql, &case.tenants);
        let word = word(&verdicts);
        let said = || format!("{} {word}: {}\n      {}", case.id, case.sql, why(&verdicts));
        match (case.expected[mode].as_str(), word) {
            ("safe", _) => {
                safe += 1;
                scoped_of_safe += usize::from(word == "scoped");
                leaks_of_safe += usize::from(word == "leaks");
                if word != "scoped" {
                    missed.push(said());
                }
            }
            (_, "scoped") => unsound.push(said()),
            _ => {}
        }
    }
    println!(
        "\nsqlcorpus, more statements, {}: of {safe} safe ones {scoped_of_safe} are scoped and {leaks_of_safe} called \
         leaks; of {} others {} are scoped",
        MODES[mode],
        cases.len() - safe,
        unsound.len()
    );
    if std::env::var_os("TENANTRY_CORPUS_VERBOSE").is_some() {
        missed.iter().for_each(|said| println!("    {said}"));
    }
    if !unsound.is_empty() {
        let list = unsound.join("\n");
        return Err(format!("{} statements are wrongly scoped:\n{list}", unsound.len()).into());
    }
    if scoped_of_safe < least {
        let list = missed.join("\n");
        return Err(format!("{scoped_of_safe} safe statements are scoped, once {least} were:\n{list}").into());
    }
    Ok(())
}

/// Forms that are proved, each beside the nearest that must not be: all of the first are scoped, none of the others.
fn paired() -> Result<(), Failed> {
    let read = |path: &str| std::fs::read_to_string(fixture(path)).expect("the corpus is there");
    let schema = Schema::read(&read("sqlcorpus/schema.sql"), &read("sqlcorpus/tenantry.toml"));
    let cases = cases(fixture("sqlcorpus/pairs.jsonl"));
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let verdicts = schema.prove(&case.sql, &case.tenants);
            let scoped = verdicts.iter().all(|verdict| matches!(verdict, Verdict::Scoped(_)));
            let [expected, ..] = &case.expected;
            let right = scoped == (expected == "safe");
            (!right).then(|| format!("{} [{expected}]: {}\n      {}", case.id, case.sql, why(&verdicts)))
        })
        .collect();
    match wrong.as_slice() {
        [] => Ok(()),
        wrong => Err(format!("{} verdicts are wrong:\n{}", wrong.len(), wrong.join("\n")).into()),
    }
}

/// Statements that leak on a real server and that an earlier proof took for scoped: none of them may be again.
///
/// Those of the corpus' own schema lie in `attack/`; a folder in it has a schema and a policy of its own, or of only one
/// of them, beside its statements.
fn attacked() -> Result<(), Failed> {
    let mut folders: Vec<_> = std::fs::read_dir(fixture("sqlcorpus/attack"))
        .expect("the folder is there")
        .map(|entry| entry.expect("an entry is readable").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders.insert(0, fixture("sqlcorpus/attack"));
    let (mut count, mut wrong) = (0, Vec::new());
    for folder in folders {
        let of_folder = |name: &str| {
            let own = std::fs::read_to_string(folder.join(name));
            own.unwrap_or_else(|_| {
                std::fs::read_to_string(fixture("sqlcorpus").join(name)).expect("the corpus is there")
            })
        };
        let schema = Schema::read(&of_folder("schema.sql"), &of_folder("tenantry.toml"));
        for case in cases(folder.join("unsound.jsonl")).iter() {
            count += 1;
            let verdicts = schema.prove(&case.sql, &case.tenants);
            if verdicts.iter().all(|verdict| matches!(verdict, Verdict::Scoped(_))) {
                wrong.push(format!("{}: {}", case.id, case.sql));
            }
        }
    }
    if count < 90 || !wrong.is_empty() {
        return Err(format!("of {count} statements wrongly scoped:\n{}", wrong.join("\n")).into());
    }
    Ok(())
}

fn cases(path: std::path::PathBuf) -> std::sync::Arc<Vec<Case>> {
    let text = std::fs::read_to_string(path).expect("the statements are there");
    let case = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let word = |key: &str| value.get(key).and_then(|word| word.as_str()).map(str::to_owned);
        let nullable = value.get("tenant_nullable").is_some_and(|flag| flag == true);
        let source = match word("t").as_deref() {
            Some("guc") => TenantSource::Setting("app.tenant_id".to_owned()),
            _ => TenantSource::Param(1),
        };
        let expected = word("expected").unwrap_or_default();
        let other = |key: &str| word(key).unwrap_or_else(|| expected.clone());
        Case {
            id: word("id").unwrap_or_default(),
            sql: word("sql").unwrap_or_default(),
            tenants: vec![tenant(&[source], nullable)],
            expected: [expected.clone(), other("expected_fk_trusted"), other("expected_strict")],
            construct: word("construct").unwrap_or_default(),
            needs: word("needs").unwrap_or_else(|| "core".to_owned()),
        }
    };
    std::sync::Arc::new(text.lines().map(case).collect())
}

/// The corpus' schema under the policy of a mode.
fn schema(mode: usize) -> Schema {
    let read = |path: &str| std::fs::read_to_string(fixture(path)).expect("the corpus is there");
    let switch = ["", "trust-foreign-keys = true\n", "strict-errors = true\n"][mode];
    let policy = read("sqlcorpus/tenantry.toml").replace("[tenancy]\n", &format!("[tenancy]\n{switch}"));
    Schema::read(&read("sqlcorpus/schema.sql"), &policy)
}

/// What a statement's verdicts come to.
fn word(verdicts: &[Verdict]) -> &'static str {
    if !verdicts.is_empty() && verdicts.iter().all(|verdict| matches!(verdict, Verdict::Scoped(_))) {
        return "scoped";
    }
    let leaks = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Leaks(_)));
    if leaks { "leaks" } else { "undecided" }
}

fn run(mode: usize, cases: &[Case]) -> Result<(), Failed> {
    on_deep_stack(|| check(mode, cases)).unwrap_or_else(|| Err("the proof panicked".into()))
}

fn check(mode: usize, cases: &[Case]) -> Result<(), Failed> {
    let schema = schema(mode);
    let mut counts: BTreeMap<(String, &str), usize> = BTreeMap::new();
    let mut by_need: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut unsound, mut missed) = (Vec::new(), Vec::new());
    for case in cases {
        let verdicts = schema.prove(&case.sql, &case.tenants);
        let word = word(&verdicts);
        let scoped = word == "scoped";
        let expected = &case.expected[mode];
        *counts.entry((expected.clone(), word)).or_default() += 1;
        let said = || format!("{} [{}] {word}: {}\n      {}", case.id, case.needs, case.sql, why(&verdicts));
        if scoped && expected != "safe" {
            unsound.push(said());
        }
        if expected == "safe" {
            let entry = by_need.entry(&case.needs).or_default();
            entry.0 += 1;
            entry.1 += usize::from(scoped);
            if !scoped {
                missed.push((case.needs == "core", said()));
            }
        }
    }
    report(mode, &counts, &by_need, &missed);
    if !unsound.is_empty() {
        return Err(
            format!("{} statements are wrongly scoped:\n{}", unsound.len(), unsound.join("\n")).into()
        );
    }
    let core: Vec<_> = missed.iter().filter(|(core, _)| *core).map(|(_, said)| said.as_str()).collect();
    // Strict mode proves less on purpose: what it needs beyond the core is counted, not demanded.
    if mode != 2 && !core.is_empty() {
        return Err(format!("{} core statements are not scoped:\n{}", core.len(), core.join("\n")).into());
    }
    let tagged = by_need.iter().filter(|(need, _)| **need != "core");
    let (all, proved) = tagged.fold((0, 0), |sum, (_, entry)| (sum.0 + entry.0, sum.1 + entry.1));
    if mode != 2 && proved * 100 < all * 85 {
        let list: Vec<_> = missed.into_iter().map(|(_, said)| said).collect();
        return Err(format!("{proved} of {all} tagged statements are scoped:\n{}", list.join("\n")).into());
    }
    Ok(())
}

fn report(
    mode: usize,
    counts: &BTreeMap<(String, &str), usize>,
    by_need: &BTreeMap<&str, (usize, usize)>,
    missed: &[(bool, String)],
) {
    println!("\nsqlcorpus, {}:", MODES[mode]);
    for ((expected, word), count) in counts {
        println!("  expected {expected:8} {word:10} {count:4}");
    }
    let (core, tagged): (Vec<_>, Vec<_>) = by_need.iter().partition(|(need, _)| **need == "core");
    let sum = |entries: &[(&&str, &(usize, usize))]| {
        entries.iter().fold((0, 0), |sum, (_, entry)| (sum.0 + entry.0, sum.1 + entry.1))
    };
    let ((all, proved), (more, also)) = (sum(&core), sum(&tagged));
    println!("  safe: {proved} of {all} core scoped, {also} of {more} that need more");
    if std::env::var_os("TENANTRY_CORPUS_VERBOSE").is_some() {
        missed.iter().for_each(|(_, said)| println!("    {said}"));
    }
}

fn why(verdicts: &[Verdict]) -> String {
    let reasons = verdicts.iter().map(|verdict| match verdict {
        Verdict::Scoped(proof) => {
            proof.steps.iter().map(|step| step.text.clone()).collect::<Vec<_>>().join("; ")
        }
        Verdict::Leaks(leaks) => leaks
            .iter()
            .map(|leak| format!("{}: {}", leak.table.name, leak.message))
            .collect::<Vec<_>>()
            .join("; "),
        Verdict::Undecided(obstacles) => {
            obstacles.iter().map(|obstacle| obstacle.message.clone()).collect::<Vec<_>>().join("; ")
        }
    });
    reasons.collect::<Vec<_>>().join(" | ")
}
