//! Row level security: what policies leave of a table, as an ordinary filter over its scan.
//!
//! **Invariant:** a policy is a filter of the plan only where the schema and the policy file say that it applies to the
//! application's role; where that is not certain, the scan says why, and nothing is concluded from the policy.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, ParsedStatement, SelectItem, SetExpr, Statement};
use crate::catalog::{Catalog, RowPolicy, Table};
use crate::plan::{Action, ColId, Expr, ExprKind, Plan, Rel, RelKind, ScanId, SecuredPolicy, Security};
use crate::tenancy::Tenancy;
use crate::types::SqlType;

use super::from::table_entry;
use super::scope::{Namespace, Scope};
use super::walk::{children, rel_exprs};
use super::{Binder, ScanUse};

/// What a statement does with the rows of a table, as policies tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Select,
    Insert,
    Update,
    Delete,
}

impl Command {
    fn word(self) -> &'static str {
        match self {
            Command::Select => "SELECT",
            Command::Insert => "INSERT",
            Command::Update => "UPDATE",
            Command::Delete => "DELETE",
        }
    }
}

/// Which condition of a policy is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Clause {
    /// What rows there are.
    Using,
    /// What rows may be written.
    Check,
}

/// Whether a policy is one of the application's role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Applies {
    Yes,
    No,
    /// Whoever ran the migration is meant.
    Perhaps,
    /// A role is meant of which the application's may be a member no longer, or without its policies.
    Doubtful,
}

impl<'a> Binder<'a> {
    /// The rows of a table that a read sees. `locked` rows are also subject to what may be updated.
    pub(super) fn secured_read(&mut self, table: &'a Table, scan: ScanId, rel: Rel) -> Rel {
        if !self.note_security(table, scan) {
            return rel;
        }
        let cols = rel.cols.clone();
        let (mut predicate, policies) =
            self.policies_of(table, &cols, Command::Select, Clause::Using, rel.range);
        if self.locking {
            // Which relations a lock is of is not looked at: what may be updated is evaluated, and nothing follows of it.
            let (update, _) = self.policies_of(table, &cols, Command::Update, Clause::Using, rel.range);
            predicate = self.both(predicate, self.disarmed(update), rel.range);
        }
        self.note_policies(scan, policies);
        self.filter(rel, predicate)
    }

    /// Puts the policies over the target of an `UPDATE` or `DELETE` in `input`. What it may see is asked only where the
    /// statement looks at the target's columns: in `exprs`, or in the rest of `input`.
    pub(super) fn secure_target(
        &mut self,
        table: &'a Table,
        scan: ScanId,
        command: Command,
        (input, looks): (Rel, bool),
    ) -> Rel {
        if !self.note_security(table, scan) {
            return input;
        }
        let Some(cols) = self.scans.get(scan.0 as usize).map(|scan| scan.cols.clone()) else { return input };
        let range = input.range;
        let (own, mut policies) = self.policies_of(table, &cols, command, Clause::Using, range);
        let (seen, more) = self.policies_of(table, &cols, Command::Select, Clause::Using, range);
        let looks = looks || rel_mentions(&input, &cols) || cfg!(tenantry_sabotage = "rls-select");
        let seen = if looks { seen } else { self.disarmed(seen) };
        if looks {
            policies.extend(more);
        }
        let predicate = self.both(own, seen, range);
        self.note_policies(scan, policies);
        let mut input = input;
        self.put_over(&mut input, scan, predicate);
        input
    }

    /// What a new row must satisfy, over its columns.
    pub(super) fn secured_row(
        &mut self,
        table: &'a Table,
        scan: ScanId,
        row: &[ColId],
        command: Command,
        range: TextRange,
    ) -> Option<Expr> {
        if !self.note_security(table, scan) {
            return None;
        }
        // What comes back of a new row, and what it replaces, is checked by other policies, which then fail.
        if self.tenancy.strict_errors
            && table.row_security.policies.iter().any(|policy| self.looks_elsewhere(policy))
        {
            self.unmodelled(range, "whether policies that read more than the row refuse it");
        }
        let (check, policies) = self.policies_of(table, row, command, Clause::Check, range);
        self.note_policies(scan, policies);
        Some(check)
    }

    /// The target of a statement whose policies are not put into the plan.
    pub(super) fn unsecured_target(&mut self, table: &'a Table, scan: ScanId, range: TextRange, what: &str) {
        if !self.note_security(table, scan) {
            return;
        }
        if table.row_security.policies.iter().any(|policy| self.looks_elsewhere(policy)) {
            self.unmodelled(range, format!("{what} of a table whose policies read more than its row"));
        }
        let why = format!("{what} under row level security is not proved by its policies");
        self.security.insert(scan, Security::Uncertain { why, help: None });
    }

    /// Notes how a scan stands to row level security. True if its policies apply.
    fn note_security(&mut self, table: &'a Table, scan: ScanId) -> bool {
        let security = &table.row_security;
        // Where it is not known whether it is enabled, nothing follows of that it may not be.
        let enabled = security.enabled
            || security.unsure.is_some() && !security.policies.is_empty()
            || cfg!(tenantry_sabotage = "rls-enabled") && !table.row_security.policies.is_empty();
        if self.dialect != Dialect::Postgres || !enabled {
            return false;
        }
        if let Some(known) = self.security.get(&scan) {
            return matches!(known, Security::Applies { .. });
        }
        let security = self.standing(table);
        let applies = matches!(security, Security::Applies { .. });
        if matches!(security, Security::Uncertain { .. })
            && table.row_security.policies.iter().any(|policy| self.looks_elsewhere(policy))
        {
            self.assume(format!(
                "the row level security policies of `{}`, where they apply, hide no row because of another tenant's",
                table.name.name
            ));
        }
        self.security.insert(scan, security);
        applies
    }

    fn note_policies(&mut self, scan: ScanId, more: Vec<SecuredPolicy>) {
        if let Some(Security::Applies { policies, .. }) = self.security.get_mut(&scan) {
            policies.extend(more);
        }
    }

    /// Whether the application's role is subject to the policies of a table.
    fn standing(&self, table: &Table) -> Security {
        let name = &table.name.name;
        let uncertain = |why: String, help: Option<String>| Security::Uncertain { why, help };
        let definer = self.via.iter().find(|view| {
            self.catalog.views.get(view).is_none_or(|view| !view.security_invoker || view.materialized)
        });
        if let Some(view) = definer.filter(|_| !cfg!(tenantry_sabotage = "rls-view")) {
            let why = format!(
                "the view `{}` reads `{name}` as its owner, whom its policies may not bind",
                view.name
            );
            let help = format!(
                "let it read as whoever asks: `ALTER VIEW {} SET (security_invoker = true)`",
                view.name
            );
            return uncertain(why, Some(help));
        }
        let Some(role) = &self.tenancy.app_role else {
            let why = format!(
                "`{name}` has row level security, and nothing says under which role the application runs"
            );
            return uncertain(why, Some("say so in the policy: `[[database]] app-role = \"…\"`".to_owned()));
        };
        if !table.complete {
            let why = format!(
                "`{name}` has row level security, and a statement that may change it could not be read"
            );
            return uncertain(why, None);
        }
        if let Some(why) = &table.row_security.unsure {
            let why = format!(
                "`{name}` has row level security, and a statement may change that of any table: {why}"
            );
            return uncertain(why, None);
        }
        if let Some(why) = &self.catalog.roles_unsure {
            let why = format!("what the role `{role}` may do is not known: {why}");
            return uncertain(why, None);
        }
        let known = self.catalog.roles.get(role);
        if known.is_some_and(|known| known.bypasses || known.superuser) {
            return Security::Bypassed(format!("the role `{role}` bypasses row level security"));
        }
        let mut assumptions =
            vec![format!("statements run as the role `{role}`, which is no superuser and has not BYPASSRLS")];
        if !table.row_security.forced && !cfg!(tenantry_sabotage = "rls-owner") {
            let created = known.is_some_and(|known| known.created);
            let mut own =
                self.catalog.roles_of(role).into_iter().filter_map(|own| self.catalog.roles.get(own));
            let may_own = own.any(|own| own.may_own);
            let owner = table.owner.as_ref().or(self.tenancy.owner_role.as_ref().filter(|_| !may_own));
            match owner {
                Some(owner) if self.catalog.present_roles_of(role).contains(&owner.as_str()) => {
                    return Security::Bypassed(format!(
                        "the role `{role}` has the rights of the owner of `{name}`, whom row level security that is not forced does not bind"
                    ));
                }
                Some(owner) if self.catalog.roles_of(role).contains(&owner.as_str()) => {
                    let why = format!(
                        "the row level security of `{name}` is not forced, and `{role}` was a member of its owner `{owner}`, of which nothing says that it is none by another grant"
                    );
                    return uncertain(why, force(name));
                }
                Some(owner) if WHOEVER.contains(&owner.as_str()) => {
                    return uncertain(format!("who owns `{name}` is not known"), force(name));
                }
                Some(owner) => assumptions
                    .push(format!("`{name}` belongs to the role `{owner}`, of which `{role}` is no member")),
                None if created && !may_own => assumptions
                    .push(format!("`{name}` belongs to the role that made `{role}` and ran the migrations")),
                None => {
                    let why = format!(
                        "the row level security of `{name}` is not forced, and nothing says that `{role}` does not own it"
                    );
                    return uncertain(why, force(name));
                }
            }
        }
        let permissive = || table.row_security.policies.iter().filter(|policy| !policy.restrictive);
        if permissive().next().is_some()
            && permissive().all(|policy| self.applies(policy, role) == Applies::No)
        {
            // That no row passes is more likely a slip in the role than what is meant.
            let why =
                format!("`{name}` has row level security, and no policy of it is for the role `{role}`");
            return uncertain(why, Some("is `app-role` the role that statements run as?".to_owned()));
        }
        let roles = permissive();
        for policy in roles.filter(|policy| self.applies(policy, role) == Applies::No) {
            assumptions.push(format!("`{role}` is no member of `{}`", policy.roles.join("`, `")));
        }
        Security::Applies { policies: Vec::new(), assumptions }
    }

    fn applies(&self, policy: &RowPolicy, role: &str) -> Applies {
        let own = self.catalog.roles_of(role);
        let of = |own: &[&str]| policy.roles.iter().any(|known| own.contains(&known.as_str()));
        // What restricts counts only where it surely does; what lets through wherever it may.
        let applies = match policy.restrictive {
            true => of(&self.catalog.sure_roles_of(role)),
            false => of(&own),
        };
        if policy.roles.is_empty() || applies {
            return Applies::Yes;
        }
        if cfg!(tenantry_sabotage = "rls-role") {
            return Applies::Yes;
        }
        let whoever = policy.roles.iter().any(|known| WHOEVER.contains(&known.as_str()));
        match () {
            () if of(&own) => Applies::Doubtful,
            () if whoever => Applies::Perhaps,
            () => Applies::No,
        }
    }

    /// The condition that the policies for a command make together: any of the permissive ones, all of the others.
    fn policies_of(
        &mut self,
        table: &'a Table,
        cols: &[ColId],
        command: Command,
        clause: Clause,
        range: TextRange,
    ) -> (Expr, Vec<SecuredPolicy>) {
        let role = self.tenancy.app_role.clone().unwrap_or_default();
        let (mut permissive, mut all, mut told) = (Vec::new(), Vec::new(), Vec::new());
        let mut lets_through = false;
        let of_command = |policy: &&RowPolicy| {
            policy.command == "ALL"
                || policy.command == command.word()
                || cfg!(tenantry_sabotage = "rls-command")
        };
        for policy in table.row_security.policies.iter().filter(of_command) {
            let applies = self.applies(policy, &role);
            let text = match clause {
                Clause::Using => policy.using.as_ref(),
                Clause::Check if cfg!(tenantry_sabotage = "rls-using") => policy.using.as_ref(),
                Clause::Check => policy.check.as_ref().or(policy.using.as_ref()),
            };
            let Some(text) = text.filter(|_| applies != Applies::No) else { continue };
            let expr = self.policy_text(table, policy, text, cols, range);
            lets_through |= !policy.restrictive && applies == Applies::Yes;
            if clause == Clause::Using {
                let (name, restrictive) = (policy.name.clone(), policy.restrictive);
                let doubt = (applies == Applies::Doubtful).then(|| {
                    format!(
                        "whether the policy `{name}` for `{}` restricts it depends on a membership of `{role}` that may be gone, or not inherited",
                        policy.roles.join("`, `")
                    )
                });
                told.push(SecuredPolicy { name, restrictive, condition: expr.clone(), doubt });
            }
            match (policy.restrictive, applies) {
                (false, _) if cfg!(tenantry_sabotage = "rls-permissive") => all.push(expr),
                (false, _) => permissive.push(expr),
                (true, Applies::Perhaps | Applies::Doubtful) if !cfg!(tenantry_sabotage = "rls-perhaps") => {
                    all.push(self.disarmed(expr))
                }
                (true, _) => all.push(expr),
            }
        }
        if !lets_through && let Some(known) = told.iter_mut().find(|known| !known.restrictive) {
            known.doubt = Some(format!(
                "whether the policy `{}` lets anything through depends on whom its role stood for as it was made",
                known.name
            ));
        }
        // Without a permissive policy no row passes.
        match permissive.len() {
            0 => all.push(self.make(ExprKind::Bool(false), SqlType::Bool, range)),
            1 => all.append(&mut permissive),
            _ => all.push(self.make(ExprKind::Or(permissive), SqlType::Bool, range)),
        }
        (self.all_of(all, range), told)
    }

    /// A policy's condition, which sees the columns of its table and nothing of the statement around.
    fn policy_text(
        &mut self,
        table: &Table,
        policy: &RowPolicy,
        text: &str,
        cols: &[ColId],
        range: TextRange,
    ) -> Expr {
        let shown = format!("the policy `{}` of `{}`", policy.name, table.name.name);
        if self.securing.iter().any(|(name, _)| *name == table.name) {
            self.unmodelled(range, format!("{shown}, which reads its own table,"));
            return self.opaque(Vec::new(), range);
        }
        let parsed = crate::lower::statements(self.dialect, &format!("SELECT (\n{text}\n)"));
        let Some(condition) = only_expression(&parsed) else {
            self.unmodelled(range, shown);
            return self.opaque(Vec::new(), range);
        };
        let entry = table_entry(table, cols);
        let scopes = std::mem::replace(&mut self.scopes, vec![Scope::of(Namespace::of(entry))]);
        let frames = std::mem::take(&mut self.frames);
        let inlining = std::mem::take(&mut self.inlining);
        let arguments = std::mem::take(&mut self.arguments);
        let new_row = self.new_row_scope.take();
        let locking = std::mem::replace(&mut self.locking, false);
        let place = self.view_range.replace(self.at(range));
        let settings = self.settings.clone();
        self.securing.push((table.name.clone(), policy.name.clone()));
        let bound = self.condition(condition);
        self.securing.pop();
        self.settings = settings;
        self.view_range = place;
        self.locking = locking;
        self.new_row_scope = new_row;
        self.arguments = arguments;
        self.inlining = inlining;
        self.frames = frames;
        self.scopes = scopes;
        bound
    }

    /// A policy reads other tables, or calls what may.
    fn looks_elsewhere(&self, policy: &RowPolicy) -> bool {
        let texts = policy.using.iter().chain(&policy.check);
        texts.into_iter().any(|text| {
            let lower = text.to_ascii_lowercase();
            lower.contains("select") || self.unknown_function_in(text).is_some()
        })
    }

    /// An expression that is evaluated and from which nothing follows.
    fn disarmed(&self, expr: Expr) -> Expr {
        let range = expr.range;
        let truth = self.truth(range);
        self.make(ExprKind::Or(vec![expr, truth]), SqlType::Bool, range)
    }

    fn both(&self, left: Expr, right: Expr, range: TextRange) -> Expr {
        self.all_of(vec![left, right], range)
    }

    /// A conjunction, without one around its only part or within another.
    fn all_of(&self, parts: Vec<Expr>, range: TextRange) -> Expr {
        let parts = parts.into_iter().flat_map(|part| match part.kind {
            ExprKind::And(inner) => inner,
            kind => vec![Expr { kind, ..part }],
        });
        let mut parts: Vec<Expr> = parts.collect();
        match parts.pop() {
            Some(only) if parts.is_empty() => only,
            Some(last) => {
                parts.push(last);
                self.make(ExprKind::And(parts), SqlType::Bool, range)
            }
            None => self.truth(range),
        }
    }

    /// Replaces the scan in a relation by what the predicate leaves of it.
    fn put_over(&self, rel: &mut Rel, scan: ScanId, predicate: Expr) {
        match &mut rel.kind {
            RelKind::Scan { scan: found, .. } if *found == scan => {
                let inner = rel.clone();
                *rel = self.filter(inner, predicate);
            }
            RelKind::Filter { input, .. } | RelKind::Project { input, .. } => {
                self.put_over(input, scan, predicate);
            }
            RelKind::Join { left, .. } => self.put_over(left, scan, predicate),
            _ => {}
        }
    }
}

/// A plan that reads the rows of a table for which a condition of one policy is true.
pub(crate) fn policy_plan(
    catalog: &Catalog,
    tenancy: &Tenancy,
    table: &Table,
    policy: &RowPolicy,
    clause: Clause,
) -> Plan {
    let mut binder = Binder::new(catalog.dialect, catalog, tenancy);
    let range = TextRange::default();
    let (scan, cols) = binder.new_scan(table, ScanUse::new(&table.name.name, range, false));
    let rel = binder.scan_rel(scan, cols.clone(), range);
    let text = match clause {
        Clause::Using => policy.using.as_ref(),
        Clause::Check => policy.check.as_ref(),
    };
    let rel = match text {
        Some(text) => {
            let condition = binder.policy_text(table, policy, text, &cols, range);
            binder.filter(rel, condition)
        }
        None => rel,
    };
    binder.finish(Action::Query(rel))
}

/// Names of roles that mean whoever runs the statement.
const WHOEVER: &[&str] = &["current_user", "current_role", "session_user", "user"];

fn force(table: &str) -> Option<String> {
    Some(format!("bind its owner too: `ALTER TABLE {table} FORCE ROW LEVEL SECURITY`"))
}

fn only_expression(parsed: &[ParsedStatement]) -> Option<&ast::Expr> {
    let [ParsedStatement { statement: Statement::Query(query), unread, .. }] = parsed else { return None };
    let SetExpr::Select(select) = &query.body else { return None };
    let bare = unread.is_empty() && query.with.is_none() && select.from.is_empty() && select.filter.is_none();
    match select.items.as_slice() {
        [SelectItem::Expr { expr, .. }] if bare => Some(expr),
        _ => None,
    }
}

/// Whether an expression looks at one of the columns.
pub(super) fn mentions(expr: &Expr, cols: &[ColId]) -> bool {
    let own = match &expr.kind {
        ExprKind::Column(col) => cols.contains(col),
        ExprKind::WholeRow(fields) => fields.iter().any(|(_, col)| cols.contains(col)),
        _ => false,
    };
    let mut found = own;
    children(expr, &mut |part| found = found || mentions(part, cols));
    found
}

/// Whether an expression of a relation looks at one of the columns.
pub(super) fn rel_mentions(rel: &Rel, cols: &[ColId]) -> bool {
    let mut found = false;
    rel_exprs(rel, &mut |expr| found = found || mentions(expr, cols));
    found
}
