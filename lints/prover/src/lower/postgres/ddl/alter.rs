//! `ALTER TABLE`, and the statements that alter other relations in its words.

use squawk_syntax::ast::{self, AstNode};

use super::nodes::text;
use super::roles::role_name;
use super::{Read, Reader, Refusal, need};
use crate::catalog::{Column, ColumnDefault, QualifiedName};
use crate::lower::edit::{Behavior, owned_sequence};

pub(super) fn behavior(written: Option<ast::DropBehavior>) -> Behavior {
    match written {
        Some(ast::DropBehavior::Cascade(_)) => Behavior::Cascade,
        Some(ast::DropBehavior::Restrict(_)) | None => Behavior::Restrict,
    }
}

/// What an `ALTER TABLE` is about.
struct Target {
    name: QualifiedName,
    /// `ONLY`: not the tables that inherit from it.
    only: bool,
}

impl Reader<'_> {
    /// `ALTER TABLE`.
    pub(super) fn alter_table(&mut self, alter: &ast::AlterTable) -> Read {
        if alter.all_in_tablespace().is_some() {
            return Ok(());
        }
        self.alter_relation(alter.table_relation_name(), alter.if_exists().is_some(), alter.actions())
    }

    /// Applies the actions of `ALTER [FOREIGN] TABLE` one by one; one that cannot be read does not cost the others.
    pub(super) fn alter_relation(
        &mut self,
        relation: Option<ast::TableRelationName>,
        if_exists: bool,
        actions: impl Iterator<Item = ast::AlterTableAction>,
    ) -> Read {
        let relation = need(relation, "table")?;
        let mut name = self.table_ref(relation.table_name_ref())?;
        let written = self.path_ref(relation.table_name_ref().and_then(|table| table.path_ref()))?;
        let is_index = self.editor.index_owner(written.schema.as_deref(), &written.name).is_some();
        let is_view = self.editor.catalog.views.contains_key(&name);
        let is_sequence = self.editor.catalog.sequences.contains_key(&name);
        if !self.editor.catalog.tables.contains_key(&name) && !is_view {
            if is_sequence || is_index {
                return self.alter_other(&written, actions);
            }
            let why = format!("there is no table {}", name.name);
            return self.missing(if_exists, || Refusal::of(&name, why));
        }
        let only = relation.only_token().is_some();
        for action in actions {
            let target = Target { name: name.clone(), only };
            let outcome = match is_view {
                true => self.alter_view_as_table(&name, &action),
                false => self.alter_action(&target, &action),
            };
            if let Err(mut refusal) = outcome {
                refusal.table.get_or_insert(name.clone());
                let span = self.span(action.syntax());
                self.skip_part(span, refusal);
            }
            if let Some(renamed) = self.renamed_by(&name, &action)? {
                name = renamed;
            }
        }
        Ok(())
    }

    /// `ALTER TABLE` can also rename an index or a sequence.
    fn alter_other(
        &mut self,
        written: &super::nodes::Name,
        actions: impl Iterator<Item = ast::AlterTableAction>,
    ) -> Read {
        for action in actions {
            if let ast::AlterTableAction::TableRenameTo(rename) = action {
                let to = self.path(rename.table_name().and_then(|name| name.path()))?.name;
                self.editor.rename_index(written.schema.as_deref(), &written.name, &to);
            }
        }
        Ok(())
    }

    /// The name that a table has after an action.
    fn renamed_by(
        &self,
        name: &QualifiedName,
        action: &ast::AlterTableAction,
    ) -> Read<Option<QualifiedName>> {
        match action {
            ast::AlterTableAction::TableRenameTo(rename) => {
                let to = self.path(rename.table_name().and_then(|name| name.path()))?.name;
                Ok(Some(QualifiedName { schema: name.schema.clone(), name: to }))
            }
            ast::AlterTableAction::SetSchema(set) => {
                let schema = self.ident(set.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
                Ok(Some(QualifiedName { schema, name: name.name.clone() }))
            }
            _ => Ok(None),
        }
    }

    fn alter_action(&mut self, target: &Target, action: &ast::AlterTableAction) -> Read {
        use ast::AlterTableAction as Action;
        let name = &target.name;
        match action {
            Action::AddColumn(add) => self.add_column(target, add),
            Action::AddConstraint(add) => {
                self.add_constraint(name, None, &need(add.constraint(), "constraint")?)
            }
            Action::AlterColumn(alter) => self.alter_column(target, alter),
            Action::AlterConstraint(alter) => {
                let constraint = self.constraint_ref(alter.constraint_name_ref())?;
                self.alter_constraint(
                    name,
                    &constraint,
                    Reader::constraint_change(alter.constraint_options()),
                )
            }
            Action::ValidateConstraint(validate) => {
                let constraint = self.constraint_ref(validate.constraint_name_ref())?;
                self.alter_constraint(name, &constraint, |_, validated| *validated = true)
            }
            Action::AttachPartition(attach) => {
                let partition = self.table_ref(attach.table_name_ref())?;
                self.attach_partition(name, &partition)
            }
            Action::DetachPartition(detach) => {
                let partition = self.table_ref(detach.table_name_ref())?;
                self.table(&partition)?.partition_of = None;
                Ok(())
            }
            Action::InheritTable(inherit) => {
                let parent = self.table_ref(inherit.table_name_ref())?;
                self.acyclic(name, &parent)?;
                self.table(name)?.inherits.push(parent);
                Ok(())
            }
            Action::NoInheritTable(inherit) => {
                let parent = self.table_ref(inherit.table_name_ref())?;
                self.table(name)?.inherits.retain(|known| *known != parent);
                Ok(())
            }
            Action::EnableRls(_) => self.table(name).map(|table| table.row_security.enabled = true),
            Action::DisableRls(_) => self.table(name).map(|table| table.row_security.enabled = false),
            Action::ForceRls(_) => self.table(name).map(|table| table.row_security.forced = true),
            Action::NoForceRls(_) => self.table(name).map(|table| table.row_security.forced = false),
            Action::DropColumn(drop) => self.drop_column(target, drop),
            Action::DropConstraint(drop) => self.drop_constraint(target, drop),
            Action::RenameColumn(rename) => self.rename_column(name, rename),
            Action::RenameConstraint(rename) => {
                let from = self.constraint_ref(rename.constraint_name_ref())?;
                let to = self
                    .ident(rename.constraint_name().as_ref().map(AstNode::syntax), "constraint's new name")?;
                let found = self.editor.rename_constraint(name, &from, &to) || self.is_not_null(name, &from);
                self.missing(found, || no_constraint(name, &from))
            }
            Action::TableRenameTo(_) | Action::SetSchema(_) => {
                let to = need(self.renamed_by(name, action)?, "new name")?;
                self.editor.rename_relation(name, &to);
                Ok(())
            }
            Action::OwnerTo(owner) => {
                let owner = owner.role_ref().map(|role| role_name(&text(role.syntax())));
                self.table(name).map(|table| table.owner = owner)
            }
            Action::EnableTrigger(enable) => self.switch_triggers(name, enable.trigger_target(), false),
            Action::DisableTrigger(disable) => self.switch_triggers(name, disable.trigger_target(), true),
            Action::EnableAlwaysTrigger(enable) => {
                self.switch_trigger(name, enable.trigger_ref().as_ref().map(AstNode::syntax), false)
            }
            Action::EnableRule(enable) => {
                self.switch_trigger(name, enable.rule_ref().as_ref().map(AstNode::syntax), false)
            }
            Action::EnableAlwaysRule(enable) => {
                self.switch_trigger(name, enable.rule_ref().as_ref().map(AstNode::syntax), false)
            }
            Action::DisableRule(disable) => {
                self.switch_trigger(name, disable.rule_ref().as_ref().map(AstNode::syntax), true)
            }
            Action::MergePartitions(_) | Action::SplitPartition(_) => {
                Err(Refusal::of(name, "merging and splitting partitions is not modelled"))
            }
            Action::OfType(_) | Action::NotOf(_) => {
                Err(Refusal::of(name, "tables OF a type are not modelled"))
            }
            // Where rows are kept, how they are replicated, and what fires for replicated rows only.
            Action::AlterOptionList(_)
            | Action::ClusterOn(_)
            | Action::EnableReplicaRule(_)
            | Action::EnableReplicaTrigger(_)
            | Action::OptionItemList(_)
            | Action::ReplicaIdentity(_)
            | Action::ResetOptions(_)
            | Action::SetAccessMethod(_)
            | Action::SetLogged(_)
            | Action::SetOptions(_)
            | Action::SetTablespace(_)
            | Action::SetUnlogged(_)
            | Action::SetWithoutCluster(_)
            | Action::SetWithoutOids(_) => Ok(()),
        }
    }

    fn constraint_ref(&self, constraint: Option<ast::ConstraintNameRef>) -> Read<String> {
        Ok(self.path_ref(constraint.and_then(|constraint| constraint.path_ref()))?.name)
    }

    /// The table itself and, unless `ONLY` is said, all that inherit from it.
    fn with_children(&self, target: &Target) -> Vec<QualifiedName> {
        let mut names = vec![target.name.clone()];
        if !target.only {
            let children = self.editor.catalog.descendants(&target.name);
            names.extend(children.into_iter().map(|child| child.name.clone()));
        }
        names
    }

    fn add_column(&mut self, target: &Target, add: &ast::AddColumn) -> Read {
        let column = self.added_column(add)?;
        let name = &target.name;
        if self.table(name)?.column(&column.name).is_some() {
            let why = format!("{} has a column {} already", name.name, column.name);
            return self.missing(add.if_not_exists().is_some(), || Refusal::of(name, why));
        }
        let column_name = column.name.clone();
        self.put_new_column(name, column)?;
        for constraint in add.constraints() {
            self.add_constraint(name, Some(&column_name), &constraint)?;
        }
        let table = self.table(name)?;
        let column: Option<Column> = table.column(&column_name).and_then(|at| table.columns.get(at)).cloned();
        for child in self.with_children(target) {
            let table = self.table(&child)?;
            if table.column(&column_name).is_none() {
                table.columns.extend(column.clone());
            }
            self.editor.column_added(&child);
        }
        Ok(())
    }

    fn alter_column(&mut self, target: &Target, alter: &ast::AlterColumn) -> Read {
        use ast::AlterColumnOption as Change;
        let name = self.ident(alter.column_name_ref().as_ref().map(AstNode::syntax), "column")?;
        let change: Box<dyn Fn(&mut Column)> = match need(alter.option(), "change")? {
            Change::SetNotNull(_) => Box::new(|column| column.not_null = true),
            Change::DropNotNull(_) => Box::new(|column| column.not_null = false),
            Change::DropIdentity(_) => {
                self.catalog().sequences.remove(&owned_sequence(&target.name, &name));
                Box::new(|column| column.default = ColumnDefault::None)
            }
            Change::DropDefault(_) | Change::DropExpression(_) => {
                Box::new(|column| column.default = ColumnDefault::None)
            }
            Change::AddGenerated(_) => {
                let span = self.span(alter.syntax());
                self.add_sequence(&target.name, &name, span);
                Box::new(|column| column.default = ColumnDefault::Generated)
            }
            Change::SetDefault(set) => {
                let default = self.default(set.expr())?;
                Box::new(move |column| column.default = default.clone())
            }
            Change::SetExpression(set) => {
                let expr = text(need(set.expr(), "expression")?.syntax());
                Box::new(move |column| column.default = ColumnDefault::Computed(expr.clone()))
            }
            Change::SetType(set) => {
                let ty = self.ty(set.ty())?.ty;
                let collation = match set.collate() {
                    Some(collate) => Some(self.collation(&collate)?),
                    None => None,
                };
                Box::new(move |column| {
                    column.ty = ty.clone();
                    column.collation.clone_from(&collation);
                })
            }
            Change::Inherit(_)
            | Change::NoInherit(_)
            | Change::ResetOptions(_)
            | Change::Restart(_)
            | Change::SetCompression(_)
            | Change::SetGenerated(_)
            | Change::SetGeneratedOptions(_)
            | Change::SetOptions(_)
            | Change::SetOptionsList(_)
            | Change::SetSequenceOption(_)
            | Change::SetStatistics(_)
            | Change::SetStorage(_) => return Ok(()),
        };
        self.with_children(target).iter().try_for_each(|table| self.change_column(table, &name, &change))
    }

    fn drop_column(&mut self, target: &Target, drop: &ast::DropColumn) -> Read {
        let column = self.ident(drop.column_name_ref().as_ref().map(AstNode::syntax), "column")?;
        let behavior = behavior(drop.drop_behavior());
        let mut found = false;
        for table in self.with_children(target) {
            found |= self.editor.drop_column(&table, &column, behavior);
        }
        let name = &target.name;
        let no_column = || Refusal::of(name, format!("{} has no column {column}", name.name));
        self.missing(found || drop.if_exists().is_some(), no_column)
    }

    fn rename_column(&mut self, name: &QualifiedName, rename: &ast::RenameColumn) -> Read {
        let (from, to) = self.renamed_column(rename)?;
        let mut found = self.editor.rename_column(name, &from, &to);
        let children: Vec<_> =
            self.editor.catalog.descendants(name).into_iter().map(|child| child.name.clone()).collect();
        for child in children {
            found |= self.editor.rename_column(&child, &from, &to);
        }
        self.missing(found, || Refusal::of(name, format!("{} has no column {from}", name.name)))
    }

    pub(super) fn renamed_column(&self, rename: &ast::RenameColumn) -> Read<(String, String)> {
        let from = self.ident(rename.column_name_ref().as_ref().map(AstNode::syntax), "column")?;
        let to = self.ident(rename.column_name().as_ref().map(AstNode::syntax), "column's new name")?;
        Ok((from, to))
    }

    fn drop_constraint(&mut self, target: &Target, drop: &ast::DropConstraint) -> Read {
        let constraint = self.constraint_ref(drop.constraint_name_ref())?;
        let behavior = behavior(drop.drop_behavior());
        let name = &target.name;
        if let Some(column) = self.not_null_column(name, &constraint) {
            return self.change_column(name, &column, |column| column.not_null = false);
        }
        let mut found = false;
        for table in self.with_children(target) {
            found |= self.editor.drop_constraint(&table, &constraint, behavior);
        }
        self.missing(found || drop.if_exists().is_some(), || no_constraint(name, &constraint))
    }

    /// The column of which this is the `NOT NULL` constraint, by the name that PostgreSQL 18 gives it.
    fn not_null_column(&self, table: &QualifiedName, constraint: &str) -> Option<String> {
        let found = self.editor.catalog.tables.get(table)?;
        let columns = &mut found.columns.iter().map(|column| &column.name);
        columns.find(|column| constraint == format!("{}_{column}_not_null", table.name)).cloned()
    }

    fn is_not_null(&self, table: &QualifiedName, constraint: &str) -> bool {
        self.not_null_column(table, constraint).is_some()
    }

    fn switch_triggers(
        &mut self,
        name: &QualifiedName,
        target: Option<ast::TriggerTarget>,
        disabled: bool,
    ) -> Read {
        match target {
            Some(ast::TriggerTarget::TriggerRef(trigger)) => {
                self.switch_trigger(name, Some(trigger.syntax()), disabled)
            }
            Some(ast::TriggerTarget::User(_)) | None => self.switch_user_triggers(name, disabled),
            Some(ast::TriggerTarget::All(_)) => {
                self.switch_user_triggers(name, disabled)?;
                // Foreign keys are triggers of both tables. Switching them on again does not look at the rows.
                if disabled {
                    self.doubt_foreign_keys(name);
                }
                Ok(())
            }
        }
    }

    fn switch_user_triggers(&mut self, name: &QualifiedName, disabled: bool) -> Read {
        let triggers = &mut self.table(name)?.triggers;
        triggers.iter_mut().filter(|it| !it.is_rule).for_each(|it| it.disabled = disabled);
        Ok(())
    }

    /// Rows may be written that the foreign keys of the table, or those that reference it, would refuse.
    fn doubt_foreign_keys(&mut self, name: &QualifiedName) {
        for table in self.catalog().tables.values_mut() {
            let own = table.name == *name;
            let keys = table.foreign_keys.iter_mut().filter(|key| own || key.target == *name);
            keys.for_each(|key| key.validated = false);
        }
    }

    fn switch_trigger(
        &mut self,
        name: &QualifiedName,
        trigger: Option<&squawk_syntax::SyntaxNode>,
        disabled: bool,
    ) -> Read {
        let trigger = self.ident(trigger, "trigger")?;
        let triggers = &mut self.table(name)?.triggers;
        let found = triggers.iter_mut().find(|it| it.name == trigger);
        let was_found = found.is_some();
        if let Some(found) = found {
            found.disabled = disabled;
        }
        self.missing(was_found, || Refusal::of(name, format!("{} has no trigger {trigger}", name.name)))
    }
}

fn no_constraint(table: &QualifiedName, constraint: &str) -> Refusal {
    Refusal::of(table, format!("{} has no constraint {constraint}", table.name))
}
