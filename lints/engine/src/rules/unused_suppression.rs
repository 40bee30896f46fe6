//! `unused-suppression`: a suppression that does not hold, or that nothing needs.

use super::{ReportFacts, Rule};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_report(&self, report: &ReportFacts<'_>) -> Vec<Draft> {
        let told = report.suppressions.iter().filter_map(|entry| {
            if let Some(problem) = entry.problem() {
                return Some(Draft::new(entry.span(), problem));
            }
            let idle = !entry.is_needed() && !entry.is_expired(report.today);
            let message = || match entry.is_mark() {
                true => "no query of this item needs the exception".to_owned(),
                false => format!("no finding of `{}` is here to be suppressed", entry.rule()),
            };
            idle.then(|| Draft::new(entry.span(), message()))
        });
        told.collect()
    }
}
