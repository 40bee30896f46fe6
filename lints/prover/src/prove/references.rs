//! What foreign keys do to a write: rows that follow a referenced one wherever it goes, and rows that hold it back.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::catalog::{ForeignKey, QualifiedName, ReferentialAction, Table};
use crate::plan::ScanId;
use crate::prove::context::{Names, Prover};
use crate::prove::reasons;
use crate::tenancy::TableOwner;
use crate::verdict::LeakKind;

impl<'a> Prover<'a> {
    /// Deleting rows of the target: each foreign key that then acts, transitively, must keep inside the owner; where
    /// errors count, each that refuses as well.
    pub(super) fn check_delete(&mut self, target: ScanId, range: TextRange) {
        let (Some(first), Some(scan)) = (self.table(target), self.scan(target)) else { return };
        let mut queue = self.catalog.stored_in(first, scan.only);
        let mut seen: BTreeSet<&QualifiedName> = queue.iter().map(|table| &table.name).collect();
        while let Some(parent) = queue.pop() {
            for (child, key) in self.referencing(&parent.name) {
                match &key.on_delete {
                    ReferentialAction::Refuse => self.check_refusal(child, key, range),
                    ReferentialAction::Unknown => self.check_unknown(child, key, range),
                    ReferentialAction::Cascade => {
                        self.check_action(child, key, "deletes", target, range);
                        let reached = self.reached(child, range);
                        queue.extend(reached.into_iter().filter(|table| seen.insert(&table.name)));
                    }
                    ReferentialAction::SetNull(columns) | ReferentialAction::SetDefault(columns) => {
                        self.check_action(child, key, "changes", target, range);
                        self.reached(child, range);
                        let columns = if columns.is_empty() { &key.columns } else { columns };
                        self.check_emptied(child, key, columns, range);
                    }
                }
            }
        }
    }

    /// Updating a referenced column may rewrite referencing rows of others, or be refused because of them.
    pub(super) fn check_update_cascade(
        &mut self,
        table: &'a Table,
        column: &str,
        range: TextRange,
        only: bool,
    ) {
        for parent in self.catalog.stored_in(table, only) {
            for (child, key) in self.referencing(&parent.name) {
                if !key.target_columns.iter().any(|name| name == column) {
                    continue;
                }
                if key.on_update == ReferentialAction::Refuse {
                    self.check_refusal(child, key, range);
                    continue;
                }
                let name = &table.name.name;
                let message =
                    format!("updating `{column}` of `{name}` cascades to the rows that reference it");
                self.obstacle(range, message);
            }
        }
    }

    /// A foreign key that acts on the rows of `child` when the referenced one goes.
    fn check_action(
        &mut self,
        child: &'a Table,
        key: &'a ForeignKey,
        verb: &str,
        target: ScanId,
        range: TextRange,
    ) {
        let stays = match &key.on_delete {
            ReferentialAction::Unknown | ReferentialAction::Refuse | ReferentialAction::Cascade => {
                self.stays_inside(child, key)
            }
            // Setting the owner itself to NULL takes the row away from its owner.
            ReferentialAction::SetNull(columns) | ReferentialAction::SetDefault(columns) => {
                let touched = if columns.is_empty() { &key.columns } else { columns };
                let is_owner = |name: &String| self.domain_of(&child.name, name).is_some();
                let loses_owner = touched.iter().any(is_owner) || self.is_owning(child, key);
                // Whose it was is trusted; that it is nobody's then is told below.
                self.stays_inside(child, key) && (!loses_owner || self.tenancy.trust_foreign_keys)
            }
        };
        if stays || cfg!(tenantry_sabotage = "cascade") {
            return;
        }
        let message = format!(
            "the foreign key ({}) of `{}` {verb} rows that reference the deleted one, whoever owns them",
            key.columns.join(", "),
            child.name.name
        );
        let help = "make the foreign key contain the tenant key on both sides".to_owned();
        let reasons = vec![reasons::of_action(child, key)];
        self.leak_because(LeakKind::Cascade, target, range, message, Some(help), reasons);
    }

    /// A foreign key that refuses to let the referenced row go: an error that tells whether somebody references it.
    fn check_refusal(&mut self, child: &Table, key: &ForeignKey, range: TextRange) {
        if self.tenancy.strict_errors && !self.stays_inside(child, key) {
            self.may_fail(
                range,
                "a foreign key without the tenant key refuses this because of other tenants' rows",
            );
        }
    }

    /// A foreign key of which nothing says what it does to the rows that reference one that goes.
    fn check_unknown(&mut self, child: &Table, key: &ForeignKey, range: TextRange) {
        let (columns, name) = (key.columns.join(", "), &child.name.name);
        let message = format!(
            "what the foreign key ({columns}) of `{name}` does to rows that reference a deleted one is not known: the schema that was read does not say ON DELETE"
        );
        self.obstacle(range, message);
    }

    /// The tables where referencing rows are, which may have triggers.
    fn reached(&mut self, child: &'a Table, range: TextRange) -> Vec<&'a Table> {
        let reached = self.catalog.stored_in(child, true);
        let fires = |table: &&Table| table.triggers.iter().any(|trigger| !trigger.disabled);
        if let Some(table) = reached.iter().find(|table| fires(table)) {
            let message = format!("the delete cascades to `{}`, which has triggers", table.name.name);
            self.obstacle(range, message);
        }
        reached
    }

    /// Columns of `child` that a foreign key sets to NULL or to their defaults.
    fn check_emptied(&mut self, child: &'a Table, key: &ForeignKey, columns: &[String], range: TextRange) {
        for column in columns {
            self.check_update_cascade(child, column, range, true);
            if self.is_key_column(child, column) || self.is_owning(child, key) {
                // The row would be nobody's then, or everybody's.
                let message = format!(
                    "the delete takes `{column}` from rows of `{}` that reference the deleted one, and so their owner",
                    child.name.name
                );
                self.obstacle(range, message);
            }
        }
        if !self.tenancy.strict_errors {
            return;
        }
        // A default must be there in the referenced table, and in no other row that must differ.
        let is_default = matches!(key.on_delete, ReferentialAction::SetDefault(_));
        let meets = |unique: &crate::catalog::Key| {
            let speaks = unique.mentions.iter().any(|name| columns.contains(name));
            let of_others = !self.holds_owner_of(child, &unique.columns, unique.kind);
            // Where NULLs differ, a row that gets one equals no other; a predicate or an expression may yet let it in.
            let is_plain =
                unique.predicate.is_none() && !unique.has_expressions && !unique.nulls_not_distinct;
            speaks && of_others && !is_plain
        };
        if is_default || child.keys.iter().any(meets) {
            self.may_fail(
                range,
                "what a foreign key sets in referencing rows may be refused because of others' rows",
            );
        }
    }

    /// The column names the tenant of its table's rows.
    fn is_key_column(&self, table: &Table, column: &str) -> bool {
        match self.tenancy.owner(&table.name) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                keys.iter().any(|(name, _)| name == column)
            }
            TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => false,
        }
    }

    fn referencing(&self, parent: &QualifiedName) -> Vec<(&'a Table, &'a ForeignKey)> {
        let keys = self
            .catalog
            .tables
            .values()
            .flat_map(|table| table.foreign_keys.iter().map(move |key| (table, key)));
        keys.filter(|(_, key)| key.target == *parent).collect()
    }

    /// Rows of `child` that reference a row by this key belong to its owner, at each level at which the statement is tied.
    fn stays_inside(&self, child: &Table, key: &ForeignKey) -> bool {
        if self.is_owning(child, key) {
            return true;
        }
        let carried = key.columns.iter().zip(&key.target_columns).filter_map(|(from, to)| {
            let (a, b) = (self.exact_domain(&child.name, from)?, self.exact_domain(&key.target, to)?);
            (a == b).then_some(a)
        });
        self.tell_the_tenant(&child.name, carried) || self.is_trusted(child, key)
    }

    /// The policy says that foreign keys do not cross tenants: that is of the tenants that both rows have an owner among.
    fn is_trusted(&self, child: &Table, key: &ForeignKey) -> bool {
        let is_everybodys = match self.tenancy.owner(&child.name) {
            TableOwner::Keyed { null_is_shared, .. } => *null_is_shared,
            // Whoever owns rows of which nobody says it: not those of another tenant than the row that they reference.
            TableOwner::Root { .. } | TableOwner::Child { .. } | TableOwner::Undeclared => false,
            TableOwner::Shared => true,
        };
        let told = self.levels_of(&Names::Row(key.target.clone(), String::new()));
        let is_nobodys = self.levels(&child.name).is_empty();
        self.tenancy.trust_foreign_keys
            && !is_everybodys
            && (is_nobodys || self.may_be_one_owner(&child.name, &key.target))
            && self.asked_of(&child.name).is_subset(&told)
    }

    /// The key is what says whose the rows of `child` are.
    pub(super) fn is_owning(&self, child: &Table, key: &ForeignKey) -> bool {
        match self.tenancy.owner(&child.name) {
            TableOwner::Child { parent, by, parent_column } => {
                *parent == key.target
                    && key.columns == [by.clone()]
                    && key.target_columns == [parent_column.clone()]
            }
            TableOwner::Keyed { .. }
            | TableOwner::Root { .. }
            | TableOwner::Shared
            | TableOwner::Undeclared => false,
        }
    }
}
