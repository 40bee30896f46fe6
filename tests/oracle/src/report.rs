//! The figures of a run for a reader.

use std::collections::BTreeMap;
use std::fmt::Write;

use tenantry_policy::Dialect;

use crate::compare::{Count, Tally};
use crate::spoken::speak;

/// How many lines a list of causes has.
const CAUSES: usize = 25;

/// The figures as text.
pub fn render(tally: &Tally, dialect: Dialect, seconds: f64, long: bool) -> String {
    let mut out = String::new();
    let total = tally.total();
    let rate = total as f64 / seconds.max(0.001);
    let _ = writeln!(out, "{total} statements in {seconds:.1} s, {rate:.0} a second");
    matrix(&mut out, tally);
    let _ = writeln!(
        out,
        "{} of them on schemas where what is not scoped and clean was looked at again; of these:",
        tally.sampled
    );
    let [clean, scoped] = tally.clean;
    let _ = writeln!(
        out,
        "of {clean} that are clean and show something, {scoped} ({:.1}%) are scoped",
        scoped as f64 * 100.0 / clean.max(1) as f64
    );
    let [clean, scoped] = tally.exact;
    let _ = writeln!(
        out,
        "of {clean} such on schemas whose keys have an exact equality, {scoped} ({:.1}%) are scoped",
        scoped as f64 * 100.0 / clean.max(1) as f64
    );
    let [again, leaked] = tally.triaged;
    let _ = writeln!(
        out,
        "{again} that were clean and not scoped were looked at again, of which {leaked} leaked"
    );
    if tally.left_out > 0 {
        let worlds = tally.left_out;
        let _ =
            writeln!(out, "{worlds} worlds were left out, in which the tenant's rows could not be the same");
    }
    let overstated: usize = tally.overstated.values().map(|count| count.times).sum();
    let _ = writeln!(
        out,
        "{overstated} ({:.2}%) are called leaking, show something, and leaked in no world",
        overstated as f64 * 100.0 / tally.sampled.max(1) as f64
    );
    let _ = writeln!(out, "\n{:32} {:>8} {:>8} {:>8}", "construct", "all", "clean", "scoped");
    for (construct, [all, clean, scoped]) in &tally.constructs {
        let _ = writeln!(
            out,
            "{construct:32} {all:8} {clean:8} {scoped:8} {:5.1}%",
            *scoped as f64 * 100.0 / (*clean).max(1) as f64
        );
    }
    let rules = "rule of TENANCY, or part of the schema";
    let _ = writeln!(out, "\n{rules:52} {:>8} {:>8} {:>8} {:>8}", "all", "clean", "scoped", "leaking");
    for (rule, [all, clean, scoped, leaking]) in &tally.rules {
        let share = *scoped as f64 * 100.0 / (*clean).max(1) as f64;
        let _ = writeln!(out, "{rule:52} {all:8} {clean:8} {scoped:8} {leaking:8} {share:5.1}%");
    }
    for missed in tally.missed(dialect) {
        let _ = writeln!(out, "not reached: {missed}");
    }
    if long {
        causes(&mut out, "clean, and not decided:", &tally.imprecise);
        causes(&mut out, "clean, and called leaking:", &tally.overstated);
        causes(&mut out, "every run ended in an error:", &tally.failed);
        causes(&mut out, "refused by the server:", &tally.invalid);
    }
    for listed in &tally.listed {
        let _ = writeln!(
            out,
            "\nclean and {}, schema {}: {}\n{}",
            listed.verdict,
            listed.schema,
            listed.why,
            speak(dialect, &listed.sql).sql
        );
    }
    for unsound in &tally.unsound {
        let _ = writeln!(
            out,
            "\nUNSOUND after {} statements: {} with {:?} in worlds {:?}\n{}\n{}{}",
            unsound.after,
            unsound.witness.what.as_str(),
            unsound.witness.parameters,
            unsound.witness.worlds,
            speak(dialect, &unsound.statement.sql).sql,
            unsound.schema.sql(),
            unsound.schema.policy
        );
    }
    let _ = writeln!(out, "{} unsound", tally.unsound.len());
    out
}

fn matrix(out: &mut String, tally: &Tally) {
    let findings = ["clean", "empty", "leaks", "error", "fleeting", "other kind"];
    let _ = writeln!(out, "\n{:12} {}", "", findings.map(|word| format!("{word:>11}")).join(""));
    for verdict in ["scoped", "undecided", "leaks"] {
        let counts = findings
            .map(|finding| format!("{:>11}", tally.matrix.get(&(verdict, finding)).copied().unwrap_or(0)));
        let _ = writeln!(out, "{verdict:12} {}", counts.join(""));
    }
}

fn causes(out: &mut String, title: &str, map: &BTreeMap<String, Count>) {
    let mut list: Vec<(&String, &Count)> = map.iter().collect();
    list.sort_by(|a, b| b.1.times.cmp(&a.1.times).then(a.0.cmp(b.0)));
    let _ = writeln!(out, "\n{title} {}", list.iter().map(|(_, count)| count.times).sum::<usize>());
    for (cause, count) in list.into_iter().take(CAUSES) {
        let _ = writeln!(out, "{:6} {cause}\n         {}", count.times, count.example);
    }
}
