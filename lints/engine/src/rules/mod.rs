//! The rules' code: one file for each, named for the rule, and one line here.
//!
//! **Invariant:** a rule parses nothing; it reads what the readers and the proof have found.
//! **Invariant:** no verdict but `Scoped` is passed over: `unscoped-query` tells every leak and `undecided-query` every
//! statement that is not decided (once for all where no tenant is known), and the other rules refine them.

mod facts;

use std::sync::OnceLock;

use tenantry_policy::{Date, Policy};
use tenantry_project::{Database, Files};
use tenantry_rules::{Default, RuleDoc};
use tenantry_source::Mark;
use tenantry_span::Span;

use crate::decide::Decision;
use crate::finding::{Draft, Told, keep_the_most_specific};
use crate::mend;
use crate::report::Finding;
use crate::suppress::Entry;
pub(crate) use facts::{SchemaFacts, SiteFacts, Statement};

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
    sql_injection,
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
    partition_reachable,
    unique_without_tenant_key,
    foreign_key_crosses_tenants,
    tenant_key_nullable,
    tenant_key_collation,
    untrusted_schema_in_search_path,
    owning_key_nullable,
    index_without_tenant_key,
    trigger_crosses_tenants,
    function_crosses_tenants,
    execute_with_unquoted_text,
    unwatched_migrations,
    policy_function_immutable,
];

/// What a rule's file provides: one of the checks. The rest of a rule is its page.
trait Rule: Sync {
    /// What is wrong with one statement of a site.
    fn check_site(&self, _: &Statement<'_>) -> Vec<Draft> {
        Vec::new()
    }

    /// What is wrong with a database's schema.
    fn check_schema(&self, _: &SchemaFacts<'_>) -> Vec<Draft> {
        Vec::new()
    }

    /// What is wrong with a schema where the rule was not asked for: what the use of row level security asks for.
    fn check_schema_unasked(&self, _: &SchemaFacts<'_>) -> Vec<Draft> {
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
    /// Crates with marks that the compiler proves, and folders of migrations that do not make it do so again.
    pub(crate) unwatched: &'a [Unwatched],
}

/// A folder of migrations that a crate's build script does not watch.
pub(crate) struct Unwatched {
    /// The first mark of the crate that the compiler proves.
    pub(crate) mark: Span,
    /// The crate's name.
    pub(crate) krate: String,
    /// The folder, from the crate's own on.
    pub(crate) folder: String,
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

/// True if the policy names the rule among those to be told.
fn is_enabled(policy: Option<&Policy>, page: &RuleDoc) -> bool {
    policy.iter().flat_map(|policy| &policy.enable).any(|rule| rule.value == page.id)
}

/// True if the rule is told of statements.
fn tells_sites(policy: Option<&Policy>, page: &RuleDoc) -> bool {
    matches!(page.default, Default::On | Default::Sites) || is_enabled(policy, page)
}

/// True if the rule is told of schemas, and of the project as a whole.
fn tells_schemas(policy: Option<&Policy>, page: &RuleDoc) -> bool {
    page.default == Default::On || is_enabled(policy, page)
}

fn check_statement(statement: &Statement<'_>) -> Vec<Finding> {
    let (files, policy) = (statement.facts.files, statement.facts.policy);
    let told = registered().iter().filter(|(page, _)| tells_sites(policy, page)).flat_map(|(page, rule)| {
        rule.check_site(statement).into_iter().filter_map(|draft| {
            let draft = draft.site(statement.facts.index).run_at(statement.facts.site.span);
            // A draft that is refused is told in general terms, at the call: nothing is lost in silence.
            let general = || Draft::new(statement.facts.site.span, page.title).site(statement.facts.index);
            draft.build(files, page).or_else(|_| general().build(files, page)).ok()
        })
    });
    keep_the_most_specific(told.collect())
}

/// The findings about the schemas, with the migrations that mend them.
pub(crate) fn check_schemas(
    files: &Files,
    databases: &[Database],
    policy: Option<&Policy>,
    today: Date,
) -> Vec<Finding> {
    let told = databases.iter().flat_map(|database| {
        let facts = SchemaFacts::of(database);
        let mut told = build(files, |page, rule| check_schema(&facts, policy, page, rule));
        let again = |files: &Files, mended: &Database| {
            let facts = SchemaFacts::of(mended);
            build(files, |page, rule| check_schema(&facts, policy, page, rule))
        };
        mend::attach(files, database, today, &mut told, &again);
        told
    });
    keep_the_most_specific(told.collect())
}

fn check_schema(
    facts: &SchemaFacts<'_>,
    policy: Option<&Policy>,
    page: &RuleDoc,
    rule: &dyn Rule,
) -> Vec<Draft> {
    match tells_schemas(policy, page) {
        true => rule.check_schema(facts),
        false => rule.check_schema_unasked(facts),
    }
}

/// The findings about the project as a whole.
pub(crate) fn check_report(files: &Files, policy: Option<&Policy>, facts: &ReportFacts<'_>) -> Vec<Finding> {
    let told = build(files, |page, rule| match tells_schemas(policy, page) {
        true => rule.check_report(facts),
        false => Vec::new(),
    });
    keep_the_most_specific(told)
}

fn build(files: &Files, check: impl Fn(&RuleDoc, &dyn Rule) -> Vec<Draft>) -> Vec<Told> {
    let of_rule = |(page, rule): &(&'static RuleDoc, &'static dyn Rule)| {
        let told = check(page, *rule).into_iter().filter_map(|draft| draft.build(files, page).ok());
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
