//! `expired-suppression`: the last day of a suppression has passed.

use super::{ReportFacts, Rule};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_report(&self, report: &ReportFacts<'_>) -> Vec<Draft> {
        let expired = |entry: &&crate::suppress::Entry| {
            entry.problem().is_none() && entry.is_expired(report.today)
        };
        let told = report.suppressions.iter().filter(expired).map(|entry| {
            let until = entry.until().unwrap_or_default();
            let message = match entry.is_mark() {
                true => format!("this exception held until {until}"),
                false => format!("this suppression of `{}` held until {until}", entry.rule()),
            };
            Draft::new(entry.span(), message)
        });
        told.collect()
    }
}
