//! `unwatched-migrations`: a new migration does not make the compiler prove the marked items of a crate again.

use super::{ReportFacts, Rule};
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_report(&self, report: &ReportFacts<'_>) -> Vec<Draft> {
        let told = report.unwatched.iter().map(|unwatched| {
            let (krate, folder) = (&unwatched.krate, &unwatched.folder);
            let message =
                format!("the compiler does not prove what is marked in `{krate}` again when a migration is added");
            let line = format!("println!(\"cargo:rerun-if-changed={folder}\");");
            Draft::new(unwatched.mark, message).help(format!("write `{line}` into `main` of its build script"))
        });
        told.collect()
    }
}
