//! What the database does instead of inserting a row that is there already: whose the row in the way is.

use std::collections::BTreeSet;

use crate::catalog::{ColumnDefault, KeyKind, QualifiedName, Table};
use crate::plan::{
    ColId, ConflictAction, ConflictPlan, Expr, ExprKind, InsertPlan, InsertValue, RelKind, ScanId,
};
use crate::prove::context::{Class, Names, Outer, Prover, State, Status};
use crate::prove::facts::{Claim, Fact, Term};
use crate::prove::reasons;
use crate::tenancy::{DomainId, TableOwner};
use crate::types::SqlType;
use crate::verdict::LeakKind;

impl<'a> Prover<'a> {
    pub(super) fn conflict(
        &mut self,
        state: &mut State,
        plan: &'a InsertPlan,
        conflict: &'a ConflictPlan,
        tied: bool,
        outer: &Outer,
    ) {
        let Some(table) = self.table(plan.target) else { return };
        // Whose the row in conflict is, nobody can say where nothing says whose the rows are, which is told.
        let undeclared = *self.tenancy.owner(&table.name) == TableOwner::Undeclared;
        let mut arbiters_hold_key = !conflict.keys.is_empty();
        let keys: Vec<&'a crate::catalog::Key> =
            conflict.keys.iter().filter_map(|at| table.keys.get(*at)).collect();
        if conflict.any && !table.complete {
            self.obstacle(
                conflict.range,
                format!("not every unique key of {} is known", self.called(plan.target)),
            );
        }
        if conflict.any && keys.is_empty() && table.complete {
            return;
        }
        for key in keys {
            let holds = self.key_holds_owner(plan.target, key) || cfg!(tenantry_sabotage = "conflict-target");
            arbiters_hold_key &= holds;
            let replaces = matches!(conflict.action, ConflictAction::Replace);
            if holds || undeclared || (self.key_is_fresh(table, key, plan) && !replaces) {
                continue;
            }
            let columns = key.spoken();
            let message = format!(
                "the unique key ({columns}) spans tenants, so that the row may conflict with another tenant's"
            );
            // By a key with the tenant key in it others conflict only where their name is taken for the same.
            let is_loose = key.columns.iter().any(|name| self.key_domain(plan.target, name).is_some());
            if is_loose || self.key_may_not_apply(table, key, plan) || self.copies_itself(plan, table, key) {
                self.obstacle(conflict.range, message);
                continue;
            }
            let owner = self.key_of(&table.name);
            let help = format!("use a unique key that contains `{owner}`");
            let reasons = vec![reasons::of_key(table, key)];
            let (kind, range) = (LeakKind::ConflictTarget, conflict.range);
            self.leak_because(kind, plan.target, range, message, Some(help), reasons);
        }
        let ConflictAction::Update { existing, excluded, assignments, filter } = &conflict.action else {
            return;
        };
        let mut around = state.clone();
        let found = self.scan_state(*existing);
        around.made.extend(found.made);
        around.facts.extend(found.facts);
        around.made.extend(excluded.iter().copied());
        let existing_cols = self.scan(*existing).map(|scan| scan.cols.clone()).unwrap_or_default();
        for ((column, from), (old, new)) in
            table.columns.iter().zip(&plan.row).zip(existing_cols.iter().zip(excluded))
        {
            around.facts.push(Fact::plain(Claim::Same(Term::column(*new), Term::column(*from))));
            let compared = conflict
                .keys
                .iter()
                .all(|at| table.keys.get(*at).is_some_and(|key| key.columns.contains(&column.name)));
            let exact = table.column(&column.name).is_some_and(|at| self.column_is_exact(table, at));
            if compared && exact && !conflict.keys.is_empty() {
                around.facts.push(Fact::plain(Claim::Same(Term::column(*old), Term::column(*from))));
            }
        }
        if arbiters_hold_key && tied {
            let reps = self.reps(*existing).unwrap_or_default();
            let class = Class {
                scans: vec![*existing],
                reps,
                status: Status::Pinned,
                murky: None,
                padded: false,
                beyond: BTreeSet::new(),
            };
            around.classes.push(class);
            let text =
                "the conflict target contains the tenant key, so that only a row of the tenant can conflict";
            self.step(conflict.range, text.to_owned());
        }
        if let Some(filter) = filter {
            self.filter(&mut around, filter, outer);
        }
        self.assign(&mut around, *existing, assignments, outer);
        let known: BTreeSet<ScanId> = state.classes.iter().flat_map(|class| class.scans.clone()).collect();
        let fresh =
            around.classes.into_iter().filter(|class| !class.scans.iter().all(|scan| known.contains(scan)));
        self.finished.extend(fresh);
    }

    /// The key contains a column that tells the owner, compared by plain equality: a row that agrees with it by a
    /// collation or a type that takes different names for equal may be another tenant's.
    pub(super) fn key_holds_owner(&self, target: ScanId, key: &crate::catalog::Key) -> bool {
        let exact = |name: &String| {
            self.table(target)
                .is_some_and(|table| table.column(name).is_some_and(|at| self.column_is_exact(table, at)))
        };
        let holds = |name: &String| key.columns.contains(name) && exact(name);
        let tells = match self.owner(target) {
            TableOwner::Keyed { .. } | TableOwner::Root { .. } => self.scan(target).is_some_and(|scan| {
                let told = key.columns.iter().filter_map(|name| self.exact_domain(&scan.table, name));
                self.tell_the_tenant(&scan.table, told)
            }),
            TableOwner::Child { by, .. } => holds(by),
            TableOwner::Shared | TableOwner::Undeclared => false,
        };
        key.kind != KeyKind::Exclusion && tells
    }

    /// Rows of `table` that agree on these domains belong to one tenant, at each level at which the statement is tied.
    ///
    /// Of a table of tenants a domain tells no more than itself: that its name for a tenant tells the outer one rests on the
    /// uniqueness of that name, which is what a new row may violate.
    pub(super) fn tell_the_tenant(
        &self,
        table: &QualifiedName,
        domains: impl Iterator<Item = DomainId>,
    ) -> bool {
        let is_root = matches!(self.tenancy.owner(table), TableOwner::Root { .. });
        let told: BTreeSet<DomainId> = domains
            .flat_map(|domain| match is_root {
                true => BTreeSet::from([domain]),
                false => self.levels_of(&Names::Tenant(domain)),
            })
            .collect();
        !told.is_empty() && self.asked_of(table).is_subset(&told)
    }

    /// The key is over an expression, or of rows that fulfil a condition, with a column in it that is given nothing: of NULL most
    /// are NULL, which equals nothing and fulfils nothing.
    fn key_may_not_apply(&self, table: &Table, key: &crate::catalog::Key, plan: &InsertPlan) -> bool {
        let is_left_out = |name: &String| {
            let at = table.column(name);
            let value = at.and_then(|at| plan.values.get(at));
            let column = at.and_then(|at| table.columns.get(at));
            matches!(value, Some(InsertValue::Default))
                && column.is_some_and(|column| column.default == ColumnDefault::None)
        };
        (key.has_expressions || key.predicate.is_some()) && key.mentions.iter().any(is_left_out)
    }

    /// The columns of the key are copied from a row of the same table, so that this one is in the way.
    fn copies_itself(&self, plan: &InsertPlan, table: &Table, key: &crate::catalog::Key) -> bool {
        let is_copied = |name: &String| {
            let Some(at) = table.column(name) else { return false };
            let Some(InsertValue::Source(col)) = plan.values.get(at) else { return false };
            let origin = self.plan.columns.get(col.0 as usize).and_then(|info| info.origin);
            origin.is_some_and(|(scan, from)| {
                from == at && self.table(scan).is_some_and(|from| from.name == table.name)
            })
        };
        !key.has_expressions && !key.columns.is_empty() && key.columns.iter().all(is_copied)
    }

    /// Some column of the key is generated afresh for each row, by its default or by whoever binds it, or left NULL, which
    /// equals nothing.
    pub(super) fn key_is_fresh(&self, table: &Table, key: &crate::catalog::Key, plan: &InsertPlan) -> bool {
        let is_empty = |name: &String| {
            let column = table.column(name).and_then(|at| table.columns.get(at));
            let is_null = |column: &crate::catalog::Column| {
                // A domain may have a default of its own.
                column.default == ColumnDefault::None
                    && !column.not_null
                    && !matches!(column.ty, SqlType::Named(_))
            };
            column.is_some_and(is_null)
                && !key.nulls_not_distinct
                && key.kind == KeyKind::Unique
                && table.triggers.is_empty()
        };
        // An exclusion constraint may refuse rows that differ.
        !key.has_expressions
            && key.kind != KeyKind::Exclusion
            && key.columns.iter().any(|name| {
                let value = table.column(name).and_then(|at| plan.values.get(at));
                match value {
                    Some(InsertValue::Default) => self.default_is_fresh(table, name) || is_empty(name),
                    Some(InsertValue::Source(col)) => {
                        table.triggers.is_empty()
                            && keeps_ids_apart(table, name)
                            && self.is_new_in_each_row(plan, *col)
                    }
                    None => false,
                }
            })
    }

    /// Every row that is written brings a value of its own for this column, which is in no row yet.
    fn is_new_in_each_row(&self, plan: &InsertPlan, col: ColId) -> bool {
        let RelKind::Values(rows) = &plan.source.kind else { return false };
        let Some(at) = plan.source.cols.iter().position(|known| *known == col) else { return false };
        let is_new = |row: &Vec<Expr>| {
            let kind = row.get(at).map(|value| &value.kind);
            matches!(kind, Some(ExprKind::Param(number)) if self.is_new_value(*number))
        };
        !rows.is_empty() && rows.iter().all(is_new)
    }
}

/// How long the longest text of an id is that a known generator makes: a database that cuts off what is too long makes one of
/// several.
const ID_LENGTH: u32 = 36;

/// The column takes no two ids for one, nor a part of an id for the whole.
fn keeps_ids_apart(table: &Table, name: &str) -> bool {
    let column = table.column(name).and_then(|at| table.columns.get(at));
    column.is_some_and(|column| match column.ty {
        SqlType::Uuid | SqlType::Text => true,
        SqlType::VarcharN(length) => length >= ID_LENGTH,
        _ => false,
    })
}
