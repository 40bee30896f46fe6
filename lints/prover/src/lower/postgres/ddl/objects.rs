//! Views, policies, triggers, rules, types, sequences, schemas, and the search path.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AstNode};
use tenantry_policy::Dialect;
use tenantry_span::{Span, TextRange};

use super::nodes::{has, path_in, text, words};
use super::roles::{WHOEVER, role_name};
use super::{Read, Reader, Refusal, need};
use crate::catalog::{OwnOperator, QualifiedName, RowPolicy, Trigger, UserType, View};
use crate::lower::scan::{TokenKind, tokens};

impl Reader<'_> {
    /// `CREATE VIEW`.
    pub(super) fn create_view(&mut self, create: &ast::CreateView) -> Read {
        let place = need(create.view(), "name")?;
        let name = self.created_relation(place.path(), create.persistence())?;
        let mut view = self.new_view(&name, create.query(), create.column_list(), place.syntax())?;
        if create.recursive_token().is_some() {
            view.query = recursive(&view);
        }
        if let Some(params) = create.with_params().and_then(|params| params.attribute_list()) {
            view.security_invoker = self.security_invoker(&params)?.unwrap_or(false);
        }
        let replaces = create.or_replace().is_some();
        if self.editor.catalog.tables.contains_key(&name) {
            return Err(Refusal::of(&name, format!("{} is a table", name.name)));
        }
        if let Some(known) = self.editor.catalog.views.get(&name) {
            if !replaces {
                return Err(Refusal::new(format!("{} was created before, and not dropped since", name.name)));
            }
            view.triggers.clone_from(&known.triggers);
            view.defaults.clone_from(&known.defaults);
        }
        self.catalog().views.insert(name, view);
        Ok(())
    }

    /// `CREATE MATERIALIZED VIEW`.
    pub(super) fn create_materialized_view(&mut self, create: &ast::CreateMaterializedView) -> Read {
        let place = need(create.view(), "name")?;
        let name = self.created_relation(place.path(), None)?;
        let mut view = self.new_view(&name, create.query(), create.column_list(), place.syntax())?;
        view.materialized = true;
        if self.editor.catalog.views.contains_key(&name) {
            let why = format!("{} was created before, and not dropped since", name.name);
            return self.missing(create.if_not_exists().is_some(), || Refusal::new(why));
        }
        self.catalog().views.insert(name, view);
        Ok(())
    }

    fn new_view(
        &self,
        name: &QualifiedName,
        query: Option<ast::SelectVariant>,
        columns: Option<ast::ColumnList>,
        place: &squawk_syntax::SyntaxNode,
    ) -> Read<View> {
        let query = need(query, "query")?;
        let columns = columns.into_iter().flat_map(|list| list.column_names());
        let columns = columns.map(|column| self.ident(Some(column.syntax()), "column"));
        let columns = columns.collect::<Read<Vec<_>>>()?;
        let (span, range) = (self.span(place), self.range(query.syntax()));
        Ok(View { columns, ..View::new(name.clone(), text(query.syntax()), span, range) })
    }

    /// What the options of a view say of `security_invoker`, if anything.
    fn security_invoker(&self, options: &ast::AttributeList) -> Read<Option<bool>> {
        let mut says = None;
        for option in options.attribute_options() {
            let name = self.ident(option.name().as_ref().map(AstNode::syntax), "option")?;
            if name == "security_invoker" {
                let value = option.attribute_value().map(|value| words(value.syntax()).to_ascii_lowercase());
                let value = value.as_deref().map(|value| value.trim_matches('\''));
                says = Some(matches!(value, None | Some("true" | "on" | "yes" | "1" | "t" | "y")));
            }
        }
        Ok(says)
    }

    /// `ALTER VIEW`.
    pub(super) fn alter_view(&mut self, alter: &ast::AlterView) -> Read {
        let name = self.relation(alter.view_ref().and_then(|view| view.path_ref()))?;
        if !self.editor.catalog.views.contains_key(&name) {
            let why = format!("there is no view {}", name.name);
            return self.missing(alter.if_exists().is_some(), || Refusal::new(why));
        }
        match need(alter.action(), "action")? {
            ast::AlterViewAction::AlterViewColumn(column) => {
                let default = need(column.alter_view_column_action(), "default")?;
                let column = self.ident(column.name().as_ref().map(AstNode::syntax), "column")?;
                let view = self.editor.catalog.views.get_mut(&name);
                let Some(defaults) = view.map(|view| &mut view.defaults) else {
                    return Ok(());
                };
                defaults.retain(|known| *known != column);
                match default {
                    ast::AlterViewColumnAction::SetDefault(_) => defaults.push(column),
                    ast::AlterViewColumnAction::DropDefault(_) => {}
                }
                Ok(())
            }
            ast::AlterViewAction::RenameColumn(rename) => self.rename_view_column(&name, &rename),
            ast::AlterViewAction::SetOptions(set) => {
                let says = self.security_invoker(&need(set.attribute_list(), "options")?)?;
                self.set_security_invoker(&name, says)
            }
            ast::AlterViewAction::ResetOptions(reset) => {
                let says = self.security_invoker(&need(reset.attribute_list(), "options")?)?;
                self.set_security_invoker(&name, says.map(|_| false))
            }
            ast::AlterViewAction::SetSchema(set) => self.move_relation(&name, &set),
            ast::AlterViewAction::ViewRenameTo(rename) => self.rename_view(&name, &rename),
            ast::AlterViewAction::OwnerTo(_) => Ok(()),
        }
    }

    fn set_security_invoker(&mut self, name: &QualifiedName, says: Option<bool>) -> Read {
        if let (Some(view), Some(says)) = (self.catalog().views.get_mut(name), says) {
            view.security_invoker = says;
        }
        Ok(())
    }

    fn rename_view_column(&mut self, name: &QualifiedName, rename: &ast::RenameColumn) -> Read {
        let (from, to) = self.renamed_column(rename)?;
        let Some(view) = self.catalog().views.get_mut(name) else {
            return Ok(());
        };
        match view.columns.iter_mut().find(|column| **column == from) {
            Some(column) => *column = to,
            None => view.stale = Some(format!("its column {from} was renamed to {to}")),
        }
        Ok(())
    }

    fn rename_view(&mut self, name: &QualifiedName, rename: &ast::ViewRenameTo) -> Read {
        let to = self.path(rename.view().and_then(|view| view.path()))?.name;
        self.editor.rename_relation(name, &QualifiedName { schema: name.schema.clone(), name: to });
        Ok(())
    }

    fn move_relation(&mut self, name: &QualifiedName, set: &ast::SetSchema) -> Read {
        let schema = self.ident(set.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
        self.editor.rename_relation(name, &QualifiedName { schema, name: name.name.clone() });
        Ok(())
    }

    /// `ALTER MATERIALIZED VIEW`.
    pub(super) fn alter_materialized_view(&mut self, alter: &ast::AlterMaterializedView) -> Read {
        if alter.all_in_tablespace().is_some() {
            return Ok(());
        }
        let name = self.relation(alter.view_ref().and_then(|view| view.path_ref()))?;
        if !self.editor.catalog.views.contains_key(&name) {
            let why = format!("there is no view {}", name.name);
            return self.missing(alter.if_exists().is_some(), || Refusal::new(why));
        }
        for action in alter.action() {
            match action {
                ast::AlterMaterializedViewAction::RenameColumn(rename) => {
                    self.rename_view_column(&name, &rename)?;
                }
                ast::AlterMaterializedViewAction::SetSchema(set) => self.move_relation(&name, &set)?,
                ast::AlterMaterializedViewAction::ViewRenameTo(rename) => self.rename_view(&name, &rename)?,
                ast::AlterMaterializedViewAction::AlterTableAction(action) => {
                    self.alter_view_as_table(&name, &action)?;
                }
                ast::AlterMaterializedViewAction::DependsOnExtension(_)
                | ast::AlterMaterializedViewAction::NoDependsOnExtension(_) => {}
            }
        }
        Ok(())
    }

    /// `ALTER TABLE` on a view.
    pub(super) fn alter_view_as_table(
        &mut self,
        name: &QualifiedName,
        action: &ast::AlterTableAction,
    ) -> Read {
        use ast::AlterTableAction as Action;
        match action {
            Action::TableRenameTo(rename) => {
                let to = self.path(rename.table_name().and_then(|table| table.path()))?.name;
                self.editor.rename_relation(name, &QualifiedName { schema: name.schema.clone(), name: to });
                Ok(())
            }
            Action::SetSchema(set) => self.move_relation(name, set),
            Action::RenameColumn(rename) => self.rename_view_column(name, rename),
            Action::SetOptions(set) => {
                let says = self.security_invoker(&need(set.attribute_list(), "options")?)?;
                self.set_security_invoker(name, says)
            }
            Action::ResetOptions(reset) => {
                let says = self.security_invoker(&need(reset.attribute_list(), "options")?)?;
                self.set_security_invoker(name, says.map(|_| false))
            }
            Action::AlterColumn(alter) => {
                let column = self.ident(alter.column_name_ref().as_ref().map(AstNode::syntax), "column")?;
                let sets = matches!(alter.option(), Some(ast::AlterColumnOption::SetDefault(_)));
                if let Some(view) = self.catalog().views.get_mut(name).filter(|_| sets) {
                    view.defaults.push(column);
                }
                Ok(())
            }
            Action::OwnerTo(_)
            | Action::ClusterOn(_)
            | Action::SetAccessMethod(_)
            | Action::SetLogged(_)
            | Action::SetTablespace(_)
            | Action::SetUnlogged(_)
            | Action::SetWithoutCluster(_) => Ok(()),
            _ => Err(Refusal::new(format!("{} is a view, of which this is not modelled", name.name))),
        }
    }

    /// `CREATE POLICY`.
    pub(super) fn create_policy(&mut self, create: &ast::CreatePolicy) -> Read {
        let table = self.table_ref(need(create.on_table(), "table")?.table_name_ref())?;
        let name = self.ident(create.policy().as_ref().map(AstNode::syntax), "policy's name")?;
        let kind = create.as_policy_type().map(|kind| words(kind.syntax()));
        let command = create.policy_command().and_then(|command| command.command());
        let policy = RowPolicy {
            name: name.clone(),
            restrictive: match kind.as_deref() {
                Some("AS RESTRICTIVE") => true,
                Some("AS PERMISSIVE") | None => false,
                Some(_) => return Err(Refusal::of(&table, "the kind of a policy could not be read")),
            },
            command: command.map_or("ALL".to_owned(), |command| words(command.syntax())),
            roles: self.roles(create.policy_roles())?,
            using: clause(create.using_expr_clause().map(|clause| clause.expr()))?,
            check: clause(create.with_check_expr_clause().map(|clause| clause.expr()))?,
            span: self.span(create.syntax()),
        };
        let policies = &mut self.table(&table)?.row_security.policies;
        if policies.iter().any(|known| known.name == name) {
            return Err(Refusal::of(&table, format!("{} has a policy {name} already", table.name)));
        }
        policies.push(policy);
        Ok(())
    }

    /// Roles of a policy; none means everybody.
    fn roles(&self, roles: Option<ast::PolicyRoles>) -> Read<Vec<String>> {
        let roles = roles.and_then(|roles| roles.role_ref_list());
        let roles = roles.into_iter().flat_map(|list| list.role_refs());
        let names: Vec<String> = roles.map(|role| role_name(&text(role.syntax()))).collect();
        Ok(if names.iter().any(|name| name == "public") { Vec::new() } else { names })
    }

    /// `ALTER POLICY`.
    pub(super) fn alter_policy(&mut self, alter: &ast::AlterPolicy) -> Read {
        let table = self.table_ref(need(alter.on_table(), "table")?.table_name_ref())?;
        let name = self.ident(alter.policy_ref().as_ref().map(AstNode::syntax), "policy")?;
        let action = need(alter.action(), "action")?;
        let change: Box<dyn FnOnce(&mut RowPolicy)> = match action {
            ast::AlterPolicyAction::PolicyRenameTo(rename) => {
                let to = self.ident(rename.policy().as_ref().map(AstNode::syntax), "policy's new name")?;
                Box::new(move |policy| policy.name = to)
            }
            ast::AlterPolicyAction::AlterPolicyTo(to) => {
                let roles = match to.policy_roles() {
                    Some(roles) => Some(self.roles(Some(roles))?),
                    None => None,
                };
                let using = clause(to.using_expr_clause().map(|clause| clause.expr()))?;
                let check = clause(to.with_check_expr_clause().map(|clause| clause.expr()))?;
                let span = self.span(alter.syntax());
                Box::new(move |policy| {
                    policy.roles = roles.unwrap_or_else(|| std::mem::take(&mut policy.roles));
                    policy.using = using.or(policy.using.take());
                    policy.check = check.or(policy.check.take());
                    policy.span = span;
                })
            }
        };
        let policies = &mut self.table(&table)?.row_security.policies;
        let found = policies.iter_mut().find(|policy| policy.name == name);
        let was_found = found.is_some();
        if let Some(policy) = found {
            change(policy);
        }
        self.missing(was_found, || Refusal::of(&table, format!("{} has no policy {name}", table.name)))
    }

    /// `CREATE TRIGGER`.
    pub(super) fn create_trigger(&mut self, create: &ast::CreateTrigger) -> Read {
        let relation = self.on_relation(create.on_relation())?;
        let name = self.ident(create.trigger().as_ref().map(AstNode::syntax), "trigger's name")?;
        let call = text(need(create.call_expr(), "function")?.syntax());
        let function = need(path_in(&call), "function")?;
        let function = self.existing(function, |name| self.editor.catalog.functions.contains_key(name));
        let events = need(create.trigger_event_list(), "events")?.trigger_events().map(|event| match event {
            ast::TriggerEvent::TriggerEventDelete(_) => "DELETE",
            ast::TriggerEvent::TriggerEventInsert(_) => "INSERT",
            ast::TriggerEvent::TriggerEventTruncate(_) => "TRUNCATE",
            ast::TriggerEvent::TriggerEventUpdate(_) => "UPDATE",
        });
        // A constraint trigger may run when much else has happened.
        let after_row = create.constraint_token().is_none()
            && matches!(create.timing(), Some(ast::Timing::TimingAfter(_)))
            && create.trigger_level().is_some_and(|level| words(level.syntax()).ends_with("ROW"));
        let trigger = Trigger {
            name,
            function: Some(function),
            is_rule: false,
            events: events.map(str::to_owned).collect(),
            disabled: false,
            after_row,
            when: create.when_condition().map(|when| text(when.syntax())),
            span: self.span(create.syntax()),
        };
        self.put_trigger(&relation, &trigger)
    }

    /// `CREATE RULE`.
    pub(super) fn create_rule(&mut self, create: &ast::CreateRule) -> Read {
        let on = need(create.rule_on(), "event")?;
        let relation = self.relation(on.relation_name_ref().and_then(|relation| relation.path_ref()))?;
        let name = self.ident(create.rule().as_ref().map(AstNode::syntax), "rule's name")?;
        let event = words(need(on.rule_event(), "event")?.syntax());
        if event == "SELECT" {
            return self.read_by_rule(&relation, &name, self.span(create.syntax()));
        }
        let rule = Trigger {
            name,
            function: None,
            is_rule: true,
            events: vec![event],
            disabled: false,
            after_row: false,
            when: None,
            span: self.span(create.syntax()),
        };
        match self.triggers(&relation) {
            Some(known) => {
                known.retain(|it| it.name != rule.name || !it.is_rule);
                known.push(rule);
                Ok(())
            }
            None => Err(Refusal::of(&relation, format!("there is no relation {}", relation.name))),
        }
    }

    /// A rule for SELECT says what a view is; a table that gets one becomes a view.
    fn read_by_rule(&mut self, relation: &QualifiedName, rule: &str, span: Span) -> Read {
        let catalog = self.catalog();
        if catalog.tables.remove(relation).is_some() {
            let view = View::new(relation.clone(), String::new(), span, TextRange::default());
            catalog.views.insert(relation.clone(), view);
        }
        let why = format!("the rule {rule} says what it reads");
        match catalog.views.get_mut(relation) {
            Some(view) => view.stale = Some(why),
            None => return Err(Refusal::of(relation, format!("there is no relation {}", relation.name))),
        }
        Ok(())
    }

    fn put_trigger(&mut self, relation: &QualifiedName, trigger: &Trigger) -> Read {
        for name in self.relation_and_partitions(relation) {
            let Some(known) = self.triggers(&name) else {
                return Err(Refusal::of(&name, format!("there is no relation {}", name.name)));
            };
            known.retain(|it| it.name != trigger.name || it.is_rule);
            known.push(trigger.clone());
        }
        Ok(())
    }

    /// `ALTER TRIGGER` and `ALTER RULE`, which rename.
    pub(super) fn rename_trigger(
        &mut self,
        on: Option<ast::OnRelation>,
        from: Option<&squawk_syntax::SyntaxNode>,
        to: Option<&squawk_syntax::SyntaxNode>,
        is_rule: bool,
    ) -> Read {
        let relation = self.on_relation(on)?;
        let (from, to) = (self.ident(from, "name")?, self.ident(to, "new name")?);
        let triggers = self.triggers(&relation).into_iter().flatten();
        let found = triggers.into_iter().find(|it| it.name == from && it.is_rule == is_rule);
        let was_found = found.is_some();
        if let Some(found) = found {
            found.name = to;
        }
        self.missing(was_found, || {
            Refusal::of(&relation, format!("{} has no trigger or rule {from}", relation.name))
        })
    }

    /// `CREATE TYPE`.
    pub(super) fn create_type(&mut self, create: &ast::CreateType) -> Read {
        let name = self.created(self.path(create.type_name().and_then(|name| name.path()))?);
        let kind = match create.kind() {
            Some(ast::CreateTypeKind::EnumType(_)) => UserType::Enum,
            Some(
                ast::CreateTypeKind::BaseType(_)
                | ast::CreateTypeKind::CompositeType(_)
                | ast::CreateTypeKind::RangeType(_),
            )
            | None => UserType::Other,
        };
        self.catalog().types.insert(name, kind);
        Ok(())
    }

    /// `CREATE DOMAIN`.
    pub(super) fn create_domain(&mut self, create: &ast::CreateDomain) -> Read {
        let name = self.created(self.path(create.domain().and_then(|name| name.path()))?);
        let ty = self.ty(create.ty())?.ty;
        let nondeterministic = create.domain_qualifiers().any(|qualifier| match qualifier {
            ast::DomainQualifier::Collate(_) => true,
            ast::DomainQualifier::Constraint(_) => false,
        });
        // Equality under a collation is not that of the type below; then the name alone is known.
        let runs = create.domain_qualifiers().filter_map(|qualifier| match qualifier {
            ast::DomainQualifier::Constraint(constraint) => Some(run_by(&constraint)),
            ast::DomainQualifier::Collate(_) => None,
        });
        let meaning = if nondeterministic { UserType::Other } else { UserType::Domain(ty, runs.collect()) };
        self.catalog().types.insert(name, meaning);
        let has_default = create.domain_qualifiers().any(|qualifier| {
            matches!(qualifier, ast::DomainQualifier::Constraint(ast::Constraint::DefaultConstraint(_)))
        });
        match has_default {
            true => Err(Refusal::new("the default of a domain is not modelled")),
            false => Ok(()),
        }
    }

    /// The full name of a type that is there.
    pub(super) fn type_ref(&self, path: Option<ast::PathRef>) -> Read<QualifiedName> {
        let name = self.path_ref(path)?;
        Ok(self.existing(name, |name| self.editor.catalog.types.contains_key(name)))
    }

    /// `ALTER TYPE`.
    pub(super) fn alter_type(&mut self, alter: &ast::AlterType) -> Read {
        let name = self.type_ref(alter.type_name_ref().and_then(|name| name.path_ref()))?;
        match need(alter.action(), "action")? {
            ast::AlterTypeAction::TypeRenameTo(rename) => {
                let to = self.path(rename.type_name().and_then(|name| name.path()))?.name;
                self.editor.rename_type(&name, &QualifiedName { schema: name.schema.clone(), name: to });
                Ok(())
            }
            ast::AlterTypeAction::SetSchema(set) => {
                let schema = self.ident(set.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
                self.editor.rename_type(&name, &QualifiedName { schema, name: name.name.clone() });
                Ok(())
            }
            // What an enum or a composite type has in it is not kept.
            ast::AlterTypeAction::AddValue(_)
            | ast::AlterTypeAction::AlterTypeAttributeActionList(_)
            | ast::AlterTypeAction::OwnerTo(_)
            | ast::AlterTypeAction::RenameAttribute(_)
            | ast::AlterTypeAction::RenameValue(_)
            | ast::AlterTypeAction::SetOptions(_) => Ok(()),
        }
    }

    /// `ALTER DOMAIN`.
    pub(super) fn alter_domain(&mut self, alter: &ast::AlterDomain) -> Read {
        let name = self.type_ref(alter.domain_ref().and_then(|name| name.path_ref()))?;
        match need(alter.action(), "action")? {
            ast::AlterDomainAction::DomainRenameTo(rename) => {
                let to = self.path(rename.domain().and_then(|name| name.path()))?.name;
                self.editor.rename_type(&name, &QualifiedName { schema: name.schema.clone(), name: to });
                Ok(())
            }
            ast::AlterDomainAction::SetSchema(set) => {
                let schema = self.ident(set.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
                self.editor.rename_type(&name, &QualifiedName { schema, name: name.name.clone() });
                Ok(())
            }
            ast::AlterDomainAction::SetDefault(_) => {
                Err(Refusal::new("the default of a domain is not modelled"))
            }
            ast::AlterDomainAction::AddConstraint(add) => {
                let constraint = need(add.constraint(), "constraint")?;
                if let Some(UserType::Domain(_, runs)) = self.catalog().types.get_mut(&name) {
                    runs.push(run_by(&constraint));
                }
                Ok(())
            }
            ast::AlterDomainAction::DropConstraint(_)
            | ast::AlterDomainAction::DropDefault(_)
            | ast::AlterDomainAction::DropNotNull(_)
            | ast::AlterDomainAction::OwnerTo(_)
            | ast::AlterDomainAction::RenameConstraint(_)
            | ast::AlterDomainAction::SetNotNull(_)
            | ast::AlterDomainAction::ValidateConstraint(_) => Ok(()),
        }
    }

    /// `CREATE SEQUENCE`.
    pub(super) fn create_sequence(&mut self, create: &ast::CreateSequence) -> Read {
        let place = need(create.sequence(), "name")?;
        let name = self.created_relation(place.path(), create.persistence())?;
        let span = self.span(place.syntax());
        self.catalog().sequences.insert(name, span);
        Ok(())
    }

    /// `ALTER SEQUENCE`.
    pub(super) fn alter_sequence(&mut self, alter: &ast::AlterSequence) -> Read {
        let name = self.path_ref(alter.sequence_ref().and_then(|name| name.path_ref()))?;
        let mut name = self.existing(name, |name| self.editor.catalog.sequences.contains_key(name));
        for action in alter.actions() {
            let to = match action {
                ast::AlterSequenceAction::SequenceRenameTo(rename) => {
                    let to = self.path(rename.sequence().and_then(|name| name.path()))?.name;
                    QualifiedName { schema: name.schema.clone(), name: to }
                }
                ast::AlterSequenceAction::SetSchema(set) => {
                    let schema = self.ident(set.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
                    QualifiedName { schema, name: name.name.clone() }
                }
                ast::AlterSequenceAction::OwnerTo(_)
                | ast::AlterSequenceAction::SequenceOption(_)
                | ast::AlterSequenceAction::SetLogged(_)
                | ast::AlterSequenceAction::SetUnlogged(_) => continue,
            };
            if let Some(span) = self.catalog().sequences.remove(&name) {
                self.catalog().sequences.insert(to.clone(), span);
            }
            name = to;
        }
        Ok(())
    }

    /// `CREATE COLLATION`.
    pub(super) fn create_collation(&mut self, create: &ast::CreateCollation) -> Read {
        let name = self.path(create.collation().and_then(|collation| collation.path()))?.name;
        let deterministic = match need(create.definition(), "definition")? {
            ast::CreateCollationDefinition::CollationFrom(from) => {
                let from = self.path_ref(from.collation_ref().and_then(|collation| collation.path_ref()))?;
                !self.editor.catalog.nondeterministic_collations.contains(&from.name)
            }
            ast::CreateCollationDefinition::AttributeList(options) => {
                let mut deterministic = true;
                for option in options.attribute_options() {
                    let name = self.ident(option.name().as_ref().map(AstNode::syntax), "option")?;
                    let value = option.attribute_value().map(|value| words(value.syntax()));
                    let is_true = matches!(value.as_deref(), None | Some("TRUE" | "ON" | "1"));
                    deterministic &= name != "deterministic" || is_true;
                }
                deterministic
            }
        };
        let collations = &mut self.catalog().nondeterministic_collations;
        if !deterministic && !collations.contains(&name) {
            collations.push(name);
        }
        Ok(())
    }

    /// Notes something that may change what comparisons mean.
    pub(super) fn note_operator(&mut self, what: String, types: Vec<String>, runs: bool, span: Span) -> Read {
        self.catalog().operators.push(OwnOperator { what, types, runs, span });
        Ok(())
    }

    /// `CREATE CAST`. One by the types' input and output, or by nothing, runs no function of the schema's own.
    pub(super) fn create_cast(&mut self, create: &ast::CreateCast) -> Read {
        let signature = create.cast_sig().map(|sig| text(sig.syntax())).unwrap_or_default();
        let said = words(create.syntax());
        let runs = !(said.contains("WITHOUT FUNCTION") || said.contains("WITH INOUT"));
        let types = named_in(&signature);
        self.note_operator(format!("cast {signature}"), types, runs, self.span(create.syntax()))
    }

    /// `CREATE OPERATOR`. Its types do not say where it is taken: an operand of unknown type, such as a parameter, fits any.
    pub(super) fn create_operator(&mut self, create: &ast::CreateOperator) -> Read {
        let what = format!("operator {}", create.op().map(|op| text(op.syntax())).unwrap_or_default());
        self.note_operator(what, Vec::new(), true, self.span(create.syntax()))
    }

    /// `CREATE SCHEMA`, with what is created in it.
    pub(super) fn create_schema(&mut self, create: &ast::CreateSchema) -> Read {
        let schema = self.ident(create.schema_name().as_ref(), "schema's name")?;
        let (owner, is_named) = match create.create_schema_target() {
            Some(ast::CreateSchemaTarget::NamedSchema(named)) => {
                (named.role_ref().map(|role| role_name(&text(role.syntax()))), true)
            }
            Some(ast::CreateSchemaTarget::AuthorizationSchema(auth)) => {
                (auth.role().map(|role| role_name(&text(role.syntax()))), false)
            }
            None => (None, true),
        };
        let is_whoever = |role: &String| WHOEVER.contains(&role.to_ascii_lowercase().as_str());
        if !is_named && owner.as_ref().is_some_and(is_whoever) {
            return Err(Refusal::new("the schema is named like whoever runs this, which is not known"));
        }
        let before: Vec<QualifiedName> = self.catalog().tables.keys().cloned().collect();
        let path = self.catalog().search_path.clone();
        self.catalog().search_path.insert(0, schema);
        let elements = create.schema_elements();
        let outcome = elements.into_iter().try_for_each(|element| {
            let stmt = need(ast::Stmt::cast(element.syntax().clone()), "element")?;
            self.statement(&stmt)
        });
        self.catalog().search_path = path;
        // What is made with the schema belongs to whom the schema belongs to.
        if let Some(owner) = owner {
            for table in self.catalog().tables.values_mut().filter(|table| !before.contains(&table.name)) {
                table.owner = Some(owner.clone());
            }
        }
        outcome
    }

    /// `ALTER SCHEMA`.
    pub(super) fn alter_schema(&mut self, alter: &ast::AlterSchema) -> Read {
        match need(alter.action(), "action")? {
            ast::AlterSchemaAction::OwnerTo(_) => Ok(()),
            ast::AlterSchemaAction::SchemaRenameTo(rename) => {
                let from = self.ident(alter.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
                let to = self.ident(rename.schema().as_ref().map(AstNode::syntax), "schema's new name")?;
                self.editor.rename_schema(&from, &to);
                Ok(())
            }
        }
    }

    /// `SET`: of all settings the search path alone matters.
    pub(super) fn set(&mut self, set: &ast::Set) -> Read {
        match set.set_target() {
            Some(ast::SetTarget::SetConfig(config)) => {
                let name = self.path_ref(config.config_parameter_ref().and_then(|name| name.path_ref()))?;
                if name.name == "search_path" {
                    self.search_path(config.config_assignment())?;
                }
                Ok(())
            }
            Some(ast::SetTarget::SetSchemaValue(schema)) => {
                let schema = need(schema.literal().and_then(|literal| literal.string_value()), "schema")?;
                self.catalog().search_path = searched(vec![schema]);
                Ok(())
            }
            Some(
                ast::SetTarget::SetCatalog(_)
                | ast::SetTarget::SetTimeZone(_)
                | ast::SetTarget::SetXmlOption(_),
            )
            | None => Ok(()),
        }
    }

    /// Assigns the search path.
    pub(super) fn search_path(&mut self, assignment: Option<ast::ConfigAssignment>) -> Read {
        let written = self.written_path(assignment)?;
        self.catalog().note_path(&written);
        self.catalog().search_path = searched(written);
        Ok(())
    }

    /// The search path of an assignment as it is written, with the schemas that hold nothing of the schema's own.
    pub(super) fn written_path(&self, assignment: Option<ast::ConfigAssignment>) -> Read<Vec<String>> {
        let to = match need(assignment, "value")? {
            ast::ConfigAssignment::FromCurrent(_) => return Ok(self.editor.catalog.search_path.clone()),
            ast::ConfigAssignment::ToConfigValue(to) => to,
        };
        if has(to.syntax(), SyntaxKind::DEFAULT_KW) {
            return Ok(vec![self.editor.catalog.default_schema.clone()]);
        }
        let values = to.config_values().map(|value| match value {
            ast::ConfigValue::ConfigValueName(name) => self.ident(Some(name.syntax()), "schema"),
            ast::ConfigValue::Literal(literal) => need(literal.string_value(), "schema"),
            ast::ConfigValue::PrefixExpr(_) => need(None, "schema"),
        });
        let written: Vec<String> = values.collect::<Read<_>>()?;
        Ok(written.into_iter().filter(|schema| !schema.is_empty()).collect())
    }

    /// `SELECT set_config('search_path', '…', false)`.
    pub(super) fn set_config_call(&mut self, statement: &str) -> Read {
        let strings: Vec<&str> = tokens(Dialect::Postgres, statement)
            .filter(|token| token.kind == TokenKind::Text)
            .map(|token| token.range.slice(statement).trim_matches('\''))
            .collect();
        let named = |name: &str| name.eq_ignore_ascii_case("search_path");
        let Some([_, value]) = strings.get(..2).filter(|all| all.first().is_some_and(|name| named(name)))
        else {
            return Err(Refusal::new("the search path it sets could not be read"));
        };
        let schemas = value.split(',').map(|schema| schema.trim().trim_matches('"').to_owned());
        let written: Vec<String> = schemas.collect();
        self.catalog().note_path(&written);
        self.catalog().search_path = searched(written);
        Ok(())
    }
}

/// The schemas that count: the user's own is never there in what we see, and PostgreSQL's has no table of the service.
fn searched(schemas: Vec<String>) -> Vec<String> {
    let named = schemas.into_iter().filter(|schema| {
        !schema.is_empty() && schema != "$user" && schema != "pg_catalog" && schema != "pg_temp"
    });
    named.collect()
}

fn clause(expr: Option<Option<ast::Expr>>) -> Read<Option<String>> {
    match expr {
        Some(expr) => Ok(Some(text(need(expr, "condition")?.syntax()))),
        None => Ok(None),
    }
}

/// What a recursive view is short for.
fn recursive(view: &View) -> String {
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let columns = view.columns.iter().map(quoted).collect::<Vec<_>>().join(", ");
    let name = quoted(&view.name.name);
    format!("WITH RECURSIVE {name} ({columns}) AS ({}) SELECT {columns} FROM {name}", view.query)
}

/// What a constraint of a domain runs for a value, as text.
fn run_by(constraint: &ast::Constraint) -> String {
    match constraint {
        ast::Constraint::CheckConstraint(check) => {
            check.expr().map_or_else(|| text(constraint.syntax()), |expr| text(expr.syntax()))
        }
        _ => text(constraint.syntax()),
    }
}

/// The names in a text, in lower case: of types, as far as it speaks of nothing else.
fn named_in(text: &str) -> Vec<String> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    let words = text.split(move |letter: char| !is_part(letter)).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).filter(|word| word != "as").collect()
}
