//! Which statement does what.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::alter::behavior;
use super::functions::Routine;
use super::nodes::{text, words};
use super::{Origin, PATH_SET, Read, Reader, Refusal, need, roles, unasked};
use crate::catalog::QualifiedName;
use crate::lower::edit::Behavior;

impl Reader<'_> {
    /// Applies one statement.
    pub(super) fn statement(&mut self, stmt: &ast::Stmt) -> Read {
        use ast::Stmt;
        match stmt {
            Stmt::CreateTable(it) => self.create_table(it),
            Stmt::CreateForeignTable(it) => self.create_foreign_table(it),
            Stmt::CreateTableAs(it) => self.create_table_as(it),
            Stmt::SelectInto(it) => self.select_into(it),
            Stmt::AlterTable(it) => self.alter_table(it),
            Stmt::AlterForeignTable(it) => {
                self.alter_relation(it.table_relation_name(), it.if_exists().is_some(), it.actions())
            }
            Stmt::DropTable(it) => {
                self.drop_tables(it.table_name_refs(), it.if_exists().is_some(), behavior(it.drop_behavior()))
            }
            Stmt::DropForeignTable(it) => {
                self.drop_tables(it.table_name_refs(), it.if_exists().is_some(), behavior(it.drop_behavior()))
            }
            Stmt::CreateIndex(it) => self.create_index(it),
            Stmt::DropIndex(it) => self.drop_index(it),
            Stmt::AlterIndex(it) => self.alter_index(it),
            Stmt::CreateView(it) => self.create_view(it),
            Stmt::CreateMaterializedView(it) => self.create_materialized_view(it),
            Stmt::AlterView(it) => self.alter_view(it),
            Stmt::AlterMaterializedView(it) => self.alter_materialized_view(it),
            Stmt::DropView(it) => {
                self.drop_views(it.view_refs(), it.if_exists().is_some(), behavior(it.drop_behavior()))
            }
            Stmt::DropMaterializedView(it) => {
                self.drop_views(it.view_refs(), it.if_exists().is_some(), behavior(it.drop_behavior()))
            }
            Stmt::CreateSchema(it) => self.create_schema(it),
            Stmt::AlterSchema(it) => self.alter_schema(it),
            Stmt::DropSchema(it) => self.drop_schema(it),
            Stmt::Set(it) => self.set(it),
            Stmt::Reset(it) => self.reset(it),
            Stmt::AlterDatabase(it) => self.alter_database(it),
            Stmt::AlterRole(it) => {
                self.roles_and_rights(stmt.syntax())?;
                self.alter_role(it.action())
            }
            Stmt::AlterUser(it) => {
                self.roles_and_rights(stmt.syntax())?;
                self.alter_user(it.action())
            }
            Stmt::CreateRole(_)
            | Stmt::CreateUser(_)
            | Stmt::CreateGroup(_)
            | Stmt::AlterGroup(_)
            | Stmt::DropRole(_)
            | Stmt::DropUser(_)
            | Stmt::DropGroup(_)
            | Stmt::AlterDefaultPrivileges(_)
            | Stmt::Grant(_)
            | Stmt::Revoke(_)
            | Stmt::Reassign(_)
            | Stmt::SetRole(_)
            | Stmt::SetSessionAuth(_) => self.roles_and_rights(stmt.syntax()),
            Stmt::CreatePolicy(it) => self.create_policy(it),
            Stmt::AlterPolicy(it) => self.alter_policy(it),
            Stmt::DropPolicy(it) => self.drop_policy(it),
            Stmt::CreateFunction(it) => self.create_routine(&Routine {
                path: it.name().and_then(|name| name.path()),
                or_replace: it.or_replace().is_some(),
                params: it.param_list(),
                returns: it.ret_type(),
                options: it.option_list(),
                body: it.body(),
                is_procedure: false,
                node: it.syntax(),
            }),
            Stmt::CreateProcedure(it) => self.create_routine(&Routine {
                path: it.name().and_then(|name| name.path()),
                or_replace: it.or_replace().is_some(),
                params: it.param_list(),
                returns: None,
                options: it.option_list(),
                body: it.body(),
                is_procedure: true,
                node: it.syntax(),
            }),
            Stmt::DropFunction(it) => {
                let behavior = behavior(it.drop_behavior());
                let sigs = it.function_sig_list().into_iter().flat_map(|list| list.function_sigs());
                sigs.into_iter().try_for_each(|sig| {
                    let path = sig.function_name_ref().and_then(|name| name.path_ref());
                    self.drop_routine(path, sig.param_list(), it.if_exists().is_some(), behavior)
                })
            }
            Stmt::AlterFunction(it) => self.alter_function(it),
            Stmt::DropProcedure(it) => {
                let behavior = behavior(it.drop_behavior());
                let sigs = it.procedure_sig_list().into_iter().flat_map(|list| list.procedure_sigs());
                sigs.into_iter().try_for_each(|sig| {
                    let path = sig.procedure_name_ref().and_then(|name| name.path_ref());
                    self.drop_routine(path, sig.param_list(), it.if_exists().is_some(), behavior)
                })
            }
            Stmt::AlterProcedure(it) => self.alter_procedure(it),
            Stmt::DropRoutine(it) => {
                let behavior = behavior(it.drop_behavior());
                let sigs = it.routine_sig_list().into_iter().flat_map(|list| list.routine_sigs());
                sigs.into_iter().try_for_each(|sig| {
                    let path = sig.routine_name_ref().and_then(|name| name.path_ref());
                    self.drop_routine(path, sig.param_list(), it.if_exists().is_some(), behavior)
                })
            }
            Stmt::AlterRoutine(it) => self.alter_routine(it),
            Stmt::CreateTrigger(it) => self.create_trigger(it),
            Stmt::AlterTrigger(it) => match need(it.action(), "action")? {
                ast::AlterTriggerAction::TriggerRenameTo(to) => {
                    let (from, to) = (it.trigger_ref(), to.trigger());
                    let (from, to) = (from.as_ref().map(AstNode::syntax), to.as_ref().map(AstNode::syntax));
                    self.rename_trigger(it.on_relation(), from, to, false)
                }
                ast::AlterTriggerAction::DependsOnExtension(_)
                | ast::AlterTriggerAction::NoDependsOnExtension(_) => Ok(()),
            },
            Stmt::DropTrigger(it) => self.drop_trigger(
                it.on_relation(),
                it.trigger_ref().as_ref().map(AstNode::syntax),
                false,
                it.if_exists().is_some(),
            ),
            Stmt::CreateRule(it) => self.create_rule(it),
            Stmt::AlterRule(it) => {
                let (from, to) = (it.rule_ref(), it.rule_rename_to().and_then(|rename| rename.rule()));
                let (from, to) = (from.as_ref().map(AstNode::syntax), to.as_ref().map(AstNode::syntax));
                self.rename_trigger(it.on_relation(), from, to, true)
            }
            Stmt::DropRule(it) => self.drop_trigger(
                it.on_relation(),
                it.rule_ref().as_ref().map(AstNode::syntax),
                true,
                it.if_exists().is_some(),
            ),
            Stmt::CreateType(it) => self.create_type(it),
            Stmt::AlterType(it) => self.alter_type(it),
            Stmt::DropType(it) => self.drop_types(
                it.type_name_refs().map(|name| name.path_ref()),
                it.if_exists().is_some(),
                behavior(it.drop_behavior()),
            ),
            Stmt::CreateDomain(it) => self.create_domain(it),
            Stmt::AlterDomain(it) => self.alter_domain(it),
            Stmt::DropDomain(it) => self.drop_types(
                it.domain_refs().map(|name| name.path_ref()),
                it.if_exists().is_some(),
                behavior(it.drop_behavior()),
            ),
            Stmt::CreateSequence(it) => self.create_sequence(it),
            Stmt::AlterSequence(it) => self.alter_sequence(it),
            Stmt::DropSequence(it) => self.drop_sequence(it),
            Stmt::CreateCollation(it) => self.create_collation(it),
            Stmt::DropCollation(it) => {
                self.drop_collation(it)?;
                self.drop_with_dependents(stmt.syntax())
            }
            Stmt::CreateOperator(it) => self.create_operator(it),
            Stmt::CreateCast(it) => self.create_cast(it),
            Stmt::CreateAggregate(it) => self.note_operator(
                format!(
                    "aggregate {}",
                    it.aggregate_name().map(|name| text(name.syntax())).unwrap_or_default()
                ),
                Vec::new(),
                false,
                self.span(it.syntax()),
            ),
            Stmt::CreateOperatorClass(it) => {
                self.note_operator("operator class".to_owned(), Vec::new(), true, self.span(it.syntax()))
            }
            Stmt::CreateOperatorFamily(it) => {
                self.note_operator("operator family".to_owned(), Vec::new(), true, self.span(it.syntax()))
            }
            Stmt::AlterOperatorFamily(it) => {
                self.note_operator("operator family".to_owned(), Vec::new(), true, self.span(it.syntax()))
            }
            Stmt::AlterOperator(it) => {
                self.note_operator("operator".to_owned(), Vec::new(), true, self.span(it.syntax()))
            }
            Stmt::AlterCollation(_) => Err(Refusal::new("changes of a collation are not modelled")),
            Stmt::Do(it) => self.do_block(it),
            Stmt::ImportForeignSchema(_) => Err(Refusal::new("the tables of a foreign schema are not seen")),
            Stmt::DropOwned(it) => self.drop_owned(it),
            Stmt::CreateEventTrigger(it) => {
                unasked::create_event_trigger(self.editor.catalog, &text(it.syntax()));
                Ok(())
            }
            Stmt::DropExtension(it) => match behavior(it.drop_behavior()) {
                Behavior::Cascade => {
                    let why = "what depends on an extension is not known";
                    self.editor.dropped_unseen(why);
                    Err(Refusal::new(why))
                }
                Behavior::Restrict => Ok(()),
            },
            Stmt::AlterExtension(it) => match it.action() {
                Some(ast::AlterExtensionAction::SetSchema(_)) => {
                    Err(Refusal::new("what belongs to an extension is not known"))
                }
                Some(
                    ast::AlterExtensionAction::AlterExtensionAdd(_)
                    | ast::AlterExtensionAction::AlterExtensionDrop(_)
                    | ast::AlterExtensionAction::AlterExtensionUpdate(_),
                )
                | None => Ok(()),
            },
            Stmt::AlterSystem(it) => match text(it.syntax()).to_ascii_lowercase().contains("search_path") {
                true => Err(self.path_is_set()),
                false => Ok(()),
            },
            Stmt::DropAggregate(_)
            | Stmt::DropCast(_)
            | Stmt::DropConversion(_)
            | Stmt::DropForeignDataWrapper(_)
            | Stmt::DropLanguage(_)
            | Stmt::DropOperator(_)
            | Stmt::DropOperatorClass(_)
            | Stmt::DropOperatorFamily(_)
            | Stmt::DropServer(_)
            | Stmt::DropTextSearchConfig(_)
            | Stmt::DropTextSearchDict(_)
            | Stmt::DropTextSearchParser(_)
            | Stmt::DropTextSearchTemplate(_)
            | Stmt::DropTransform(_)
            | Stmt::DropAccessMethod(_) => self.drop_with_dependents(stmt.syntax()),
            // Rows, rights, sessions, transactions, and what is said about things: no table is another afterwards.
            Stmt::AlterAggregate(_)
            | Stmt::AlterConversion(_)
            | Stmt::AlterEventTrigger(_)
            | Stmt::AlterForeignDataWrapper(_)
            | Stmt::AlterLanguage(_)
            | Stmt::AlterLargeObject(_)
            | Stmt::AlterOperatorClass(_)
            | Stmt::AlterPropertyGraph(_)
            | Stmt::AlterPublication(_)
            | Stmt::AlterServer(_)
            | Stmt::AlterStatistics(_)
            | Stmt::AlterSubscription(_)
            | Stmt::AlterTablespace(_)
            | Stmt::AlterTextSearchConfiguration(_)
            | Stmt::AlterTextSearchDictionary(_)
            | Stmt::AlterTextSearchParser(_)
            | Stmt::AlterTextSearchTemplate(_)
            | Stmt::AlterUserMapping(_)
            | Stmt::Analyze(_)
            | Stmt::Begin(_)
            | Stmt::Call(_)
            | Stmt::Checkpoint(_)
            | Stmt::Close(_)
            | Stmt::Cluster(_)
            | Stmt::CommentOn(_)
            | Stmt::CompoundSelect(_)
            | Stmt::Copy(_)
            | Stmt::CreateAccessMethod(_)
            | Stmt::CreateConversion(_)
            | Stmt::CreateDatabase(_)
            | Stmt::CreateExtension(_)
            | Stmt::CreateForeignDataWrapper(_)
            | Stmt::CreateLanguage(_)
            | Stmt::CreatePropertyGraph(_)
            | Stmt::CreatePublication(_)
            | Stmt::CreateServer(_)
            | Stmt::CreateStatistics(_)
            | Stmt::CreateSubscription(_)
            | Stmt::CreateTablespace(_)
            | Stmt::CreateTextSearchConfiguration(_)
            | Stmt::CreateTextSearchDictionary(_)
            | Stmt::CreateTextSearchParser(_)
            | Stmt::CreateTextSearchTemplate(_)
            | Stmt::CreateTransform(_)
            | Stmt::CreateUserMapping(_)
            | Stmt::Deallocate(_)
            | Stmt::Declare(_)
            | Stmt::Delete(_)
            | Stmt::Discard(_)
            | Stmt::DropDatabase(_)
            | Stmt::DropEventTrigger(_)
            | Stmt::DropPropertyGraph(_)
            | Stmt::DropPublication(_)
            | Stmt::DropStatistics(_)
            | Stmt::DropSubscription(_)
            | Stmt::DropTablespace(_)
            | Stmt::DropUserMapping(_)
            | Stmt::EmptyStmt(_)
            | Stmt::Execute(_)
            | Stmt::Explain(_)
            | Stmt::Fetch(_)
            | Stmt::Insert(_)
            | Stmt::Listen(_)
            | Stmt::Load(_)
            | Stmt::Lock(_)
            | Stmt::Merge(_)
            | Stmt::Move(_)
            | Stmt::Notify(_)
            | Stmt::ParenSelect(_)
            | Stmt::Prepare(_)
            | Stmt::PrepareTransaction(_)
            | Stmt::Refresh(_)
            | Stmt::Reindex(_)
            | Stmt::ReleaseSavepoint(_)
            | Stmt::Repack(_)
            | Stmt::ResetRole(_)
            | Stmt::ResetSessionAuth(_)
            | Stmt::SavepointCreate(_)
            | Stmt::SecurityLabel(_)
            | Stmt::Select(_)
            | Stmt::SetConstraints(_)
            | Stmt::SetTransaction(_)
            | Stmt::Show(_)
            | Stmt::Table(_)
            | Stmt::Truncate(_)
            | Stmt::Unlisten(_)
            | Stmt::Update(_)
            | Stmt::Vacuum(_)
            | Stmt::Values(_)
            | Stmt::Commit(_)
            | Stmt::Rollback(_) => Ok(()),
        }
    }

    fn alter_index(&mut self, alter: &ast::AlterIndex) -> Read {
        if alter.all_in_tablespace().is_some() {
            return Ok(());
        }
        let index = self.path_ref(alter.index_ref().and_then(|index| index.path_ref()))?;
        match need(alter.action(), "action")? {
            ast::AlterIndexAction::IndexRenameTo(rename) => {
                let to = self.path(rename.index().and_then(|index| index.path()))?.name;
                let found = self.editor.rename_index(index.schema.as_deref(), &index.name, &to);
                let why = || Refusal::new(format!("there is no index {}", index.name));
                self.missing(found || alter.if_exists().is_some(), why)
            }
            ast::AlterIndexAction::AlterSetStatistics(_)
            | ast::AlterIndexAction::AttachIndexPartition(_)
            | ast::AlterIndexAction::DependsOnExtension(_)
            | ast::AlterIndexAction::NoDependsOnExtension(_)
            | ast::AlterIndexAction::ResetOptions(_)
            | ast::AlterIndexAction::SetOptions(_)
            | ast::AlterIndexAction::SetTablespace(_) => Ok(()),
        }
    }

    fn reset(&mut self, reset: &ast::Reset) -> Read {
        let is_path = match reset.reset_target() {
            Some(ast::ResetTarget::All(_)) => true,
            Some(ast::ResetTarget::ConfigParameterRef(name)) => {
                self.path_ref(name.path_ref())?.name == "search_path"
            }
            Some(ast::ResetTarget::ResetTimeZone(_) | ast::ResetTarget::ResetTransactionIsolation(_))
            | None => false,
        };
        if is_path {
            let default = self.catalog().default_schema.clone();
            self.catalog().search_path = vec![default];
        }
        Ok(())
    }

    /// A search path of the database, or of a role, is what the service's own sessions start with.
    fn alter_database(&mut self, alter: &ast::AlterDatabase) -> Read {
        match alter.action() {
            Some(ast::AlterDatabaseAction::SetConfigParam(set)) => self.session_setting(&set),
            Some(
                ast::AlterDatabaseAction::DatabaseOptionList(_)
                | ast::AlterDatabaseAction::DatabaseRenameTo(_)
                | ast::AlterDatabaseAction::OwnerTo(_)
                | ast::AlterDatabaseAction::RefreshCollationVersion(_)
                | ast::AlterDatabaseAction::ResetConfigParam(_)
                | ast::AlterDatabaseAction::SetTablespace(_),
            )
            | None => Ok(()),
        }
    }

    /// At the top of a file these were noted already; within a block only here.
    fn roles_and_rights(&mut self, node: &SyntaxNode) -> Read {
        if !matches!(self.origin, Origin::File { .. }) {
            let span = self.span(node);
            roles::note(self.catalog(), span, &text(node));
        }
        Ok(())
    }

    fn alter_role(&mut self, action: Option<ast::AlterRoleAction>) -> Read {
        match action {
            Some(ast::AlterRoleAction::SetConfigParam(set)) => self.session_setting(&set),
            Some(
                ast::AlterRoleAction::ResetConfigParam(_)
                | ast::AlterRoleAction::RoleOptionList(_)
                | ast::AlterRoleAction::RoleRenameTo(_),
            )
            | None => Ok(()),
        }
    }

    fn alter_user(&mut self, action: Option<ast::AlterUserAction>) -> Read {
        match action {
            Some(ast::AlterUserAction::SetConfigParam(set)) => self.session_setting(&set),
            Some(
                ast::AlterUserAction::ResetConfigParam(_)
                | ast::AlterUserAction::RoleOptionList(_)
                | ast::AlterUserAction::RoleRenameTo(_),
            )
            | None => Ok(()),
        }
    }

    fn session_setting(&mut self, set: &ast::SetConfigParam) -> Read {
        let name = self.path_ref(set.config_parameter_ref().and_then(|name| name.path_ref()))?;
        match name.name.as_str() {
            "search_path" => {
                if let Ok(written) = self.written_path(set.config_assignment()) {
                    self.catalog().note_path(&written);
                }
                Err(self.path_is_set())
            }
            "role" | "session_authorization" => {
                let why = "a role's sessions may act as another role from their beginning";
                self.catalog().roles_unsure.get_or_insert_with(|| why.to_owned());
                Err(Refusal::new(why))
            }
            _ => Ok(()),
        }
    }

    fn path_is_set(&mut self) -> Refusal {
        self.catalog().path_unsure.get_or_insert_with(|| PATH_SET.to_owned());
        Refusal::new(
            "what names without a schema mean is set for a role or database: where there are several of a name it is not known",
        )
    }

    /// A thing that the catalog does not keep is dropped: with `CASCADE` so is what uses it, such as a policy.
    fn drop_with_dependents(&mut self, node: &SyntaxNode) -> Read {
        if !words(node).split(' ').any(|word| word == "CASCADE") {
            return Ok(());
        }
        let why = "what is dropped with it is not known";
        self.editor.dropped_unseen(why);
        Err(Refusal::new(why))
    }

    /// `DROP OWNED`: what the role owns, and the policies that are for it.
    fn drop_owned(&mut self, drop: &ast::DropOwned) -> Read {
        let why = "what a role owns is not known";
        let roles: Vec<String> = match drop.role_ref_list() {
            Some(list) => list.role_refs().map(|role| roles::role_name(&text(role.syntax()))).collect(),
            None => Vec::new(),
        };
        let is_whoever = |name: &String| roles::WHOEVER.contains(&name.to_ascii_lowercase().as_str());
        let anybody = roles.is_empty() || roles.iter().any(is_whoever);
        for table in self.catalog().tables.values_mut() {
            let owned = anybody
                || table.owner.as_ref().is_some_and(|owner| roles.contains(owner) || is_whoever(owner));
            let mut named = table.row_security.policies.iter().flat_map(|policy| &policy.roles);
            if owned || named.any(|role| roles.contains(role) || is_whoever(role)) {
                table.row_security.unsure.get_or_insert_with(|| why.to_owned());
            }
            if owned {
                table.complete = false;
            }
        }
        if behavior(drop.drop_behavior()) == Behavior::Cascade {
            self.editor.dropped_unseen(why);
        }
        Err(Refusal::new(why))
    }

    fn alter_function(&mut self, alter: &ast::AlterFunction) -> Read {
        let sig = need(alter.function_sig(), "name")?;
        let name = self.function_ref(sig.function_name_ref().and_then(|name| name.path_ref()))?;
        match need(alter.action(), "action")? {
            ast::AlterFunctionAction::FuncOptionList(options) => {
                self.alter_routine_options(&name, sig.param_list(), &options)
            }
            ast::AlterFunctionAction::FunctionRenameTo(rename) => {
                let to = self.path(rename.function_name().and_then(|name| name.path()))?.name;
                let to = QualifiedName { schema: name.schema.clone(), name: to };
                self.rename_routine(&name, sig.param_list(), &to)
            }
            ast::AlterFunctionAction::SetSchema(set) => {
                let schema = self.ident(set.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
                let to = QualifiedName { schema, name: name.name.clone() };
                self.rename_routine(&name, sig.param_list(), &to)
            }
            ast::AlterFunctionAction::DependsOnExtension(_)
            | ast::AlterFunctionAction::NoDependsOnExtension(_)
            | ast::AlterFunctionAction::OwnerTo(_) => Ok(()),
        }
    }

    fn alter_procedure(&mut self, alter: &ast::AlterProcedure) -> Read {
        let sig = need(alter.procedure_sig(), "name")?;
        let name = self.function_ref(sig.procedure_name_ref().and_then(|name| name.path_ref()))?;
        match need(alter.action(), "action")? {
            ast::AlterProcedureAction::FuncOptionList(options) => {
                self.alter_routine_options(&name, sig.param_list(), &options)
            }
            ast::AlterProcedureAction::ProcedureRenameTo(rename) => {
                let to = self.path(rename.procedure_name().and_then(|name| name.path()))?.name;
                let to = QualifiedName { schema: name.schema.clone(), name: to };
                self.rename_routine(&name, sig.param_list(), &to)
            }
            ast::AlterProcedureAction::SetSchema(set) => {
                let schema = self.ident(set.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
                let to = QualifiedName { schema, name: name.name.clone() };
                self.rename_routine(&name, sig.param_list(), &to)
            }
            ast::AlterProcedureAction::DependsOnExtension(_)
            | ast::AlterProcedureAction::NoDependsOnExtension(_)
            | ast::AlterProcedureAction::OwnerTo(_) => Ok(()),
        }
    }

    fn alter_routine(&mut self, alter: &ast::AlterRoutine) -> Read {
        let sig = need(alter.routine_sig(), "name")?;
        let name = self.function_ref(sig.routine_name_ref().and_then(|name| name.path_ref()))?;
        match need(alter.action(), "action")? {
            ast::AlterRoutineAction::FuncOptionList(options) => {
                self.alter_routine_options(&name, sig.param_list(), &options)
            }
            ast::AlterRoutineAction::RoutineRenameTo(rename) => {
                let to = self.path(rename.routine_name().and_then(|name| name.path()))?.name;
                let to = QualifiedName { schema: name.schema.clone(), name: to };
                self.rename_routine(&name, sig.param_list(), &to)
            }
            ast::AlterRoutineAction::SetSchema(set) => {
                let schema = self.ident(set.schema_ref().as_ref().map(AstNode::syntax), "schema")?;
                let to = QualifiedName { schema, name: name.name.clone() };
                self.rename_routine(&name, sig.param_list(), &to)
            }
            ast::AlterRoutineAction::DependsOnExtension(_)
            | ast::AlterRoutineAction::NoDependsOnExtension(_)
            | ast::AlterRoutineAction::OwnerTo(_) => Ok(()),
        }
    }
}
