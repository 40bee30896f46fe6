//! `unmarked-query`: no attribute says whether a query stays inside one tenant.

use super::{Rule, Statement};
use crate::finding::Draft;
use crate::report::Claim;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        let site = statement.facts.site;
        if statement.facts.claim != Claim::Unmarked || site.is_test {
            return Vec::new();
        }
        let item = site.item.rsplit("::").next().unwrap_or(&site.item);
        let draft = Draft::new(site.span, format!("no attribute says that the queries of `{item}` stay inside one tenant"));
        vec![draft.help("mark it with `#[tenant_scoped]`, or with `#[cross_tenant(reason = \"…\")]`")]
    }
}
