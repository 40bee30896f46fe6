//! The rules' code: one file for each, named for the rule, and one line here.
//!
//! **Invariant:** a rule parses nothing; it reads what the readers and the proof have found.
//! **Invariant:** no verdict but `Scoped` is passed over: `unscoped-query` tells every leak and `undecided-query` every
//! statement that is not decided (once for all where no tenant is known), and the other rules refine them.

mod facts;

use std::sync::OnceLock;

use tenantry_policy::Date;
use tenantry_project::{Database, Files};
use tenantry_rules::RuleDoc;
use tenantry_source::Mark;

use crate::decide::Decision;
use crate::finding::{Draft, Told, keep_the_most_specific};
use crate::report::Finding;
use crate::suppress::Entry;
pub(crate) use facts::{SiteFacts, Statement};

/// The modules, and the list of their rules; a rule's page is the one named like its module.
macro_rules! rules {
    ($($module:ident,)*) => {
        $(mod $module;)*
        const RULES: &[(&str, &dyn Rule)] = &[$((stringify!($module), &$module::Check)),*];
    };
}

rules![
    unscoped_query,
    joined_table_not_tied,
    column_compared_with_itself,
    undecided_query,
    conflict_target_crosses_tenants,
    tenant_key_rewritten,
    optional_tenant_filter,
    raw_query,
    untrusted_tenant,
    tenant_parameter_unused,
    unreadable_sql,
    unused_suppression,
    expired_suppression,
    cascade_crosses_tenants,
    shared_table_written,
    row_written_without_owner,
    fail_open_filter,
    fetched_then_unchecked,
    rls_not_enabled,
    rls_not_forced,
    policy_always_true,
    policy_check_admits_other_tenants,
    policy_ignores_tenant_key,
    policy_missing_setting_allows,
    permissive_policies_widen,
    view_bypasses_rls,
    definer_function_search_path,
    bypassrls_role,
    setting_empty_after_commit,
    truncate_granted,
    materialized_view_mixes_tenants,
    session_setting_outlives_transaction,
    unproved_mark,
    mark_without_query,
    unmarked_query,
];

/// What a rule's file provides: one of the checks. The rest of a rule is its page.
trait Rule: Sync {
    /// What is wrong with one statement of a site.
    fn check_site(&self, _: &Statement<'_>) -> Vec<Draft> {
        Vec::new()
    }

    /// What is wrong with a database's schema.
    fn check_schema(&self, _: &Database) -> Vec<Draft> {
        Vec::new()
    }

    /// What is wrong with the project as a whole, after everything else was told and suppressed.
    fn check_report(&self, _: &ReportFacts<'_>) -> Vec<Draft> {
        Vec::new()
    }
}

/// What the rules about a whole project see.
pub(crate) struct ReportFacts<'a> {
    /// The suppressions, after they were applied.
    pub(crate) suppressions: &'a [Entry],
    /// The day on which they are judged.
    pub(crate) today: Date,
    /// The marks of items, each with the number of sites in it, those that are not looked at included.
    pub(crate) marks: &'a [(Mark, usize)],
}

/// The rules with their pages. A test holds that each has one.
fn registered() -> &'static [(&'static RuleDoc, &'static dyn Rule)] {
    static REGISTERED: OnceLock<Vec<(&RuleDoc, &dyn Rule)>> = OnceLock::new();
    REGISTERED.get_or_init(|| {
        let with_page = |(module, rule): &(&str, &'static dyn Rule)| {
            Some((tenantry_rules::rule(&module.replace('_', "-"))?, *rule))
        };
        RULES.iter().filter_map(with_page).collect()
    })
}

/// The findings of a site: one for each cause, equal ones of several statements once.
pub(crate) fn check_site(facts: &SiteFacts<'_>, decisions: &[Decision]) -> Vec<Finding> {
    let mut found: Vec<Finding> = Vec::new();
    for decision in decisions {
        for finding in check_statement(&Statement { facts, decision }) {
            let is_known = |known: &Finding| known.rule == finding.rule && known.primary == finding.primary;
            if !found.iter().any(is_known) {
                found.push(finding);
            }
        }
    }
    found
}

fn check_statement(statement: &Statement<'_>) -> Vec<Finding> {
    let files = statement.facts.files;
    let told =
        registered().iter().filter(|(page, _)| statement.facts.tells(page)).flat_map(|(page, rule)| {
            rule.check_site(statement).into_iter().filter_map(|draft| {
                let draft = draft.site(statement.facts.index).run_at(statement.facts.site.span);
                // A draft that is refused is told in general terms, at the call: nothing is lost in silence.
                let general =
                    || Draft::new(statement.facts.site.span, page.title).site(statement.facts.index);
                draft.build(files, page).or_else(|_| general().build(files, page)).ok()
            })
        });
    keep_the_most_specific(told.collect())
}

/// The findings about the schemas.
pub(crate) fn check_schemas(files: &Files, databases: &[Database]) -> Vec<Finding> {
    let told = databases.iter().flat_map(|database| build(files, |rule| rule.check_schema(database)));
    keep_the_most_specific(told.collect())
}

/// The findings about the project as a whole.
pub(crate) fn check_report(files: &Files, facts: &ReportFacts<'_>) -> Vec<Finding> {
    keep_the_most_specific(build(files, |rule| rule.check_report(facts)))
}

fn build(files: &Files, check: impl Fn(&dyn Rule) -> Vec<Draft>) -> Vec<Told> {
    let of_rule = |(page, rule): &(&'static RuleDoc, &'static dyn Rule)| {
        let told = check(*rule).into_iter().filter_map(|draft| draft.build(files, page).ok());
        told.collect::<Vec<_>>()
    };
    registered().iter().flat_map(of_rule).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_file_is_registered_and_every_rule_has_its_page() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .expect("the folder is here")
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".rs").map(|module| module.replace('_', "-")))
            .filter(|id| id != "mod" && id != "facts")
            .collect();
        let code: BTreeSet<String> = RULES.iter().map(|(module, _)| module.replace('_', "-")).collect();
        let pages: BTreeSet<String> = tenantry_rules::rules().iter().map(|page| page.id.to_owned()).collect();
        let module = |id: &String| id.replace('-', "_");
        let unlisted: Vec<String> = files.difference(&code).map(module).collect();
        assert!(
            unlisted.is_empty(),
            "add to the list in lints/engine/src/rules/mod.rs: {}",
            unlisted.join(", ")
        );
        let without_code: Vec<String> = pages.difference(&code).map(module).collect();
        assert!(
            without_code.is_empty(),
            "pages without a file in lints/engine/src/rules: {}",
            without_code.join(", ")
        );
        let without_page: Vec<&String> = code.difference(&pages).collect();
        assert!(without_page.is_empty(), "rules without a page in rules/: {without_page:?}");
        assert_eq!(registered().len(), RULES.len());
    }
}
