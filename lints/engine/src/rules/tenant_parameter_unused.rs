//! `tenant-parameter-unused`: the function is handed the tenant, and a statement in it does not use it.

use tenantry_prover::tenancy::TableOwner;
use tenantry_prover::verdict::{Leak, LeakKind};
use tenantry_source::Param;

use super::{Rule, SiteFacts, Statement};
use crate::decide::Cause;
use crate::finding::Draft;

pub(super) struct Check;

impl Rule for Check {
    fn check_site(&self, statement: &Statement<'_>) -> Vec<Draft> {
        if matches!(statement.decision.cause, Cause::UntrustedBind(_)) {
            return Vec::new();
        }
        let facts = statement.facts;
        let open = |leak: &&Leak| matches!(leak.kind, LeakKind::Unscoped | LeakKind::WholeTable);
        let mut open = statement.leaks().iter().filter(open).peekable();
        let Some(first) = open.peek().copied().filter(|leak| facts.is_owned(leak)) else { return Vec::new() };
        let unused = facts.site.params.iter().find(|param| !param.used && facts.names_the_tenant(param));
        let Some(param) = unused else { return Vec::new() };
        let name = if param.name.is_empty() { &param.ty } else { &param.name };
        let message =
            format!("`{name}` names the tenant, but the query on `{}` does not use it", first.table.name);
        let draft = Draft::new(param.span, message)
            .table(&first.table.name)
            .related(facts.site.span, first.message.as_str());
        let help = first.help.iter().map(|help| statement.in_words_of_the_library(help));
        let draft = help.fold(draft, Draft::help);
        vec![open.fold(draft, |draft, leak| draft.cause(statement.place(leak.range)))]
    }
}

impl SiteFacts<'_> {
    fn is_owned(&self, leak: &Leak) -> bool {
        self.schema.is_some_and(|schema| {
            !matches!(schema.tenancy.owner(&leak.table), TableOwner::Shared | TableOwner::Undeclared)
        })
    }

    /// True for a parameter of a trusted type, or one that is named like a tenant key.
    fn names_the_tenant(&self, param: &Param) -> bool {
        let ty = param.ty.trim_start_matches('&');
        let last = |path: &str| path.rsplit("::").next().unwrap_or(path).to_owned();
        let ty_name = last(ty.split('<').next().unwrap_or(ty));
        let trust = self.policy.map(|policy| &policy.trust);
        let types = trust.iter().flat_map(|trust| trust.types.iter().chain(&trust.extractors));
        if types.into_iter().any(|known| last(&known.value) == ty_name) {
            return true;
        }
        let name = param.name.trim_start_matches('_');
        let keys = self.schema.iter().flat_map(|schema| {
            schema.tenancy.tables.values().flat_map(|table| match &table.owner {
                TableOwner::Keyed { keys, .. } => keys.iter().map(|(key, _)| key.as_str()).collect(),
                TableOwner::Root { .. }
                | TableOwner::Child { .. }
                | TableOwner::Shared
                | TableOwner::Undeclared => Vec::new(),
            })
        });
        keys.into_iter().any(|key| {
            let stem = key.trim_end_matches("_id").trim_end_matches("_uuid").trim_end_matches("__id");
            !name.is_empty() && (name == key || name == stem)
        })
    }
}
