//! `mark-without-query`: an item is marked as tenant-scoped, and no query is seen in it.

use tenantry_source::MarkKind;

use super::{ReportFacts, Rule};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_report(&self, report: &ReportFacts<'_>) -> Vec<Draft> {
        let told = report.marks.iter().filter_map(|(mark, sites)| {
            if !matches!(mark.kind, MarkKind::Scoped | MarkKind::Deferred) {
                return None;
            }
            if let Some(problem) = &mark.problem {
                return Some(Draft::new(mark.span, problem.as_str()));
            }
            let message = || format!("no query is seen in `{}`, so that the mark says nothing", mark.item);
            let draft = || Draft::new(mark.span, message()).help("mark what runs the queries, or remove the mark");
            (*sites == 0).then(draft)
        });
        told.collect()
    }
}
