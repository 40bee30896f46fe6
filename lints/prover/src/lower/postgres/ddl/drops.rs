//! `DROP` of everything.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::alter::behavior;
use super::nodes::Name;
use super::{Read, Reader, Refusal, need};
use crate::catalog::{QualifiedName, Trigger};
use crate::lower::edit::Behavior;

impl Reader<'_> {
    /// `DROP [FOREIGN] TABLE`.
    pub(super) fn drop_tables(
        &mut self,
        names: impl Iterator<Item = ast::TableNameRef>,
        if_exists: bool,
        behavior: Behavior,
    ) -> Read {
        for name in names {
            let name = self.table_ref(Some(name))?;
            let found = self.editor.drop_table(&name, behavior);
            self.missing(found || if_exists, || {
                Refusal::of(&name, format!("there is no table {}", name.name))
            })?;
        }
        Ok(())
    }

    /// `DROP [MATERIALIZED] VIEW`.
    pub(super) fn drop_views(
        &mut self,
        names: impl Iterator<Item = ast::ViewRef>,
        if_exists: bool,
        behavior: Behavior,
    ) -> Read {
        for name in names {
            let name = self.relation(name.path_ref())?;
            let found = self.editor.drop_view(&name, behavior);
            self.missing(found || if_exists, || Refusal::new(format!("there is no view {}", name.name)))?;
        }
        Ok(())
    }

    /// `DROP INDEX`.
    pub(super) fn drop_index(&mut self, drop: &ast::DropIndex) -> Read {
        let behavior = behavior(drop.drop_behavior());
        for index in drop.index_refs() {
            let Name { schema, name } = self.path_ref(index.path_ref())?;
            let found = self.editor.drop_index(schema.as_deref(), &name, behavior);
            let may_be_missing = found || drop.if_exists().is_some();
            self.missing(may_be_missing, || Refusal::new(format!("there is no index {name}")))?;
        }
        Ok(())
    }

    /// `DROP SCHEMA`.
    pub(super) fn drop_schema(&mut self, drop: &ast::DropSchema) -> Read {
        for schema in drop.schema_refs() {
            let schema = self.ident(Some(schema.syntax()), "schema")?;
            if behavior(drop.drop_behavior()) == Behavior::Cascade {
                self.editor.drop_schema(&schema);
            }
            // Without CASCADE nothing else was in it.
            self.catalog().schema_grants.remove(&schema);
            self.catalog().default_grants.retain(|known| known.schema.as_ref() != Some(&schema));
        }
        Ok(())
    }

    /// `DROP FUNCTION`, `PROCEDURE` and `ROUTINE`.
    pub(super) fn drop_routine(
        &mut self,
        path: Option<ast::PathRef>,
        params: Option<ast::ParamList>,
        if_exists: bool,
        behavior: Behavior,
    ) -> Read {
        let name = self.function_ref(path)?;
        let signature = match params {
            Some(params) => Some(self.signature(&params)?),
            None => None,
        };
        let keep = |known: &[String]| signature.as_ref().is_some_and(|written| written != known);
        let found = self.editor.drop_functions(&name, keep, behavior);
        self.missing(found || if_exists, || Refusal::new(format!("there is no function {}", name.name)))
    }

    /// `DROP TYPE` and `DROP DOMAIN`.
    pub(super) fn drop_types(
        &mut self,
        paths: impl Iterator<Item = Option<ast::PathRef>>,
        if_exists: bool,
        behavior: Behavior,
    ) -> Read {
        for path in paths {
            let name = self.type_ref(path)?;
            let found = self.editor.drop_type(&name, behavior);
            self.missing(found || if_exists, || Refusal::new(format!("there is no type {}", name.name)))?;
        }
        Ok(())
    }

    /// `DROP SEQUENCE`.
    pub(super) fn drop_sequence(&mut self, drop: &ast::DropSequence) -> Read {
        for sequence in drop.sequence_refs() {
            let name = self.path_ref(sequence.path_ref())?;
            let name = self.existing(name, |name| self.editor.catalog.sequences.contains_key(name));
            self.catalog().sequences.remove(&name);
        }
        Ok(())
    }

    /// `DROP COLLATION`: the name may be somebody else's afterwards.
    pub(super) fn drop_collation(&mut self, drop: &ast::DropCollation) -> Read {
        for collation in drop.collation_refs() {
            let name = self.path_ref(collation.path_ref())?.name;
            self.catalog().nondeterministic_collations.retain(|known| *known != name);
        }
        Ok(())
    }

    /// `DROP POLICY`.
    pub(super) fn drop_policy(&mut self, drop: &ast::DropPolicy) -> Read {
        let table = self.table_ref(need(drop.on_table(), "table")?.table_name_ref())?;
        let policy = self.ident(drop.policy_ref().as_ref().map(AstNode::syntax), "policy")?;
        let if_exists = drop.if_exists().is_some();
        let Some(found) = self.editor.catalog.tables.get_mut(&table) else {
            return self
                .missing(if_exists, || Refusal::of(&table, format!("there is no table {}", table.name)));
        };
        let policies = &mut found.row_security.policies;
        let before = policies.len();
        policies.retain(|known| known.name != policy);
        let dropped = before != policies.len();
        self.missing(dropped || if_exists, || {
            Refusal::of(&table, format!("{} has no policy {policy}", table.name))
        })
    }

    /// `DROP TRIGGER` and `DROP RULE`.
    pub(super) fn drop_trigger(
        &mut self,
        on: Option<ast::OnRelation>,
        trigger: Option<&SyntaxNode>,
        is_rule: bool,
        if_exists: bool,
    ) -> Read {
        let relation = self.on_relation(on)?;
        let trigger = self.ident(trigger, "name")?;
        let lost = |known: &Trigger| known.name == trigger && known.is_rule == is_rule;
        let mut found = false;
        for relation in self.relation_and_partitions(&relation) {
            if let Some(triggers) = self.triggers(&relation) {
                found |= triggers.iter().any(lost);
                triggers.retain(|known| !lost(known));
            }
        }
        self.missing(found || if_exists, || {
            Refusal::of(&relation, format!("{} has no trigger or rule {trigger}", relation.name))
        })
    }

    /// The triggers of a table or view.
    pub(super) fn triggers(&mut self, relation: &QualifiedName) -> Option<&mut Vec<Trigger>> {
        let catalog = &mut *self.editor.catalog;
        match catalog.tables.get_mut(relation) {
            Some(table) => Some(&mut table.triggers),
            None => catalog.views.get_mut(relation).map(|view| &mut view.triggers),
        }
    }

    /// A table and its partitions, on which its triggers fire too.
    pub(super) fn relation_and_partitions(&self, relation: &QualifiedName) -> Vec<QualifiedName> {
        let below = self.editor.catalog.descendants(relation).into_iter();
        let partitions = below.filter(|table| table.partition_of.is_some()).map(|table| table.name.clone());
        std::iter::once(relation.clone()).chain(partitions).collect()
    }

    pub(super) fn on_relation(&self, on: Option<ast::OnRelation>) -> Read<QualifiedName> {
        self.relation(on.and_then(|on| on.relation_name_ref()).and_then(|name| name.path_ref()))
    }
}
