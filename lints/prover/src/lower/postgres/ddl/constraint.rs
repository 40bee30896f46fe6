//! Constraints of tables and columns, and indexes.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};
use tenantry_policy::Dialect;
use tenantry_span::Span;

use super::nodes::{path_in, text, words};
use super::{Read, Reader, Refusal, need};
use crate::catalog::{
    Check, ColumnDefault, ForeignKey, Index, Key, KeyKind, QualifiedName, ReferentialAction, Table,
};
use crate::lower::edit::columns_in;

/// What the options at the end of a constraint say.
struct Options {
    deferrable: bool,
    validated: bool,
}

/// A key while it is read.
struct NewKey {
    name: Option<String>,
    kind: KeyKind,
    elements: Elements,
    predicate: Option<String>,
    nulls_not_distinct: bool,
    deferrable: bool,
    span: Span,
}

/// The elements of a key or index.
#[derive(Default)]
struct Elements {
    /// The plain columns compared by `=`.
    columns: Vec<String>,
    /// The plain columns before the first expression.
    leading: Vec<String>,
    has_expressions: bool,
    /// The expressions, as text.
    expressions: Vec<String>,
    mentions: Vec<String>,
    /// What each element gives to a name that the database makes.
    labels: Vec<String>,
}

impl Elements {
    fn plain(columns: Vec<String>) -> Elements {
        Elements {
            leading: columns.clone(),
            mentions: columns.clone(),
            labels: columns.clone(),
            columns,
            has_expressions: false,
            expressions: Vec::new(),
        }
    }

    fn include(&mut self, columns: Vec<String>) {
        self.mentions.extend(columns.iter().cloned());
        self.labels.extend(columns);
    }

    fn label(&mut self, label: &str) {
        // The database numbers equal labels of one index.
        let taken = |label: &str| self.labels.iter().any(|it| it == label);
        let mut numbered = label.to_owned();
        let mut pass = 1;
        while taken(&numbered) {
            numbered = format!("{label}{pass}");
            pass += 1;
        }
        self.labels.push(numbered);
    }
}

impl Reader<'_> {
    /// Adds a constraint to a table, and to its partitions where they get it too. `column` is that on which it stands.
    pub(super) fn add_constraint(
        &mut self,
        table: &QualifiedName,
        column: Option<&str>,
        constraint: &ast::Constraint,
    ) -> Read {
        let name = match constraint.constraint_name() {
            Some(name) => Some(self.ident(Some(name.syntax()), "constraint's name")?),
            None => None,
        };
        let options = options(constraint.constraint_options());
        let span = self.span(constraint.syntax());
        match constraint {
            ast::Constraint::PrimaryKeyConstraint(key) => {
                if let Some(index) = key.using_index() {
                    return self.promote(table, KeyKind::Primary, name, &index, &options, span);
                }
                let (elements, nulls_not_distinct) = self.parameters(key.index_parameters(), column)?;
                let kind = KeyKind::Primary;
                let deferrable = options.deferrable;
                let key =
                    NewKey { name, kind, elements, predicate: None, nulls_not_distinct, deferrable, span };
                self.add_key(table, key)
            }
            ast::Constraint::UniqueConstraint(key) => {
                if let Some(index) = key.using_index() {
                    return self.promote(table, KeyKind::Unique, name, &index, &options, span);
                }
                let (elements, nulls_not_distinct) = self.parameters(key.index_parameters(), column)?;
                let kind = KeyKind::Unique;
                let deferrable = options.deferrable;
                let key =
                    NewKey { name, kind, elements, predicate: None, nulls_not_distinct, deferrable, span };
                self.add_key(table, key)
            }
            ast::Constraint::ExcludeConstraint(exclude) => self.exclude(table, name, exclude, &options, span),
            ast::Constraint::CheckConstraint(check) => {
                let expr = text(need(check.expr(), "condition")?.syntax());
                self.add_check(table, name, &expr, options.validated, span)
            }
            ast::Constraint::ForeignKeyConstraint(key) => {
                let from = need(key.from_columns(), "columns")?;
                let columns = self.column_names(from.column_name_refs())?;
                let to = match key.to_columns() {
                    Some(list) => self.column_names(list.column_name_refs())?,
                    None => Vec::new(),
                };
                if from.period_column().is_some() {
                    return Err(Refusal::of(table, "a foreign key over a period is not modelled"));
                }
                let target = self.table_ref(key.table_name_ref())?;
                let actions = self.actions(key.referential_actions())?;
                let match_full = matches!(key.match_type(), Some(ast::MatchType::MatchFull(_)));
                self.add_foreign_key(table, name, columns, target, to, actions, match_full, &options, span)
            }
            ast::Constraint::ReferencesConstraint(key) => {
                let columns = vec![need(column, "column")?.to_owned()];
                let to = match key.column() {
                    Some(column) => vec![self.ident(Some(column.syntax()), "column")?],
                    None => Vec::new(),
                };
                let target = self.table_ref(key.table())?;
                let actions = self.actions(key.referential_actions())?;
                let match_full = matches!(key.match_type(), Some(ast::MatchType::MatchFull(_)));
                self.add_foreign_key(table, name, columns, target, to, actions, match_full, &options, span)
            }
            ast::Constraint::NotNullConstraint(not_null) => {
                let column = match not_null.column_name_ref() {
                    Some(column) => self.ident(Some(column.syntax()), "column")?,
                    None => need(column, "column")?.to_owned(),
                };
                self.change_column(table, &column, |column| column.not_null = options.validated)
            }
            // It says what is so without it.
            ast::Constraint::NullConstraint(_) => Ok(()),
            ast::Constraint::DefaultConstraint(default) => {
                let default = self.default(default.expr())?;
                self.change_column(table, need(column, "column")?, |column| column.default = default)
            }
            ast::Constraint::GeneratedConstraint(generated) => {
                let default = match need(generated.generated_as(), "expression")? {
                    ast::GeneratedAs::GeneratedIdentity(_) => ColumnDefault::Generated,
                    ast::GeneratedAs::GeneratedStored(stored) => {
                        ColumnDefault::Computed(text(need(stored.expr(), "expression")?.syntax()))
                    }
                };
                let identity = default == ColumnDefault::Generated;
                let name = need(column, "column")?;
                self.change_column(table, name, |column| {
                    column.not_null |= identity;
                    column.default = default;
                })?;
                if identity {
                    self.add_sequence(table, name, span);
                }
                Ok(())
            }
        }
    }

    pub(super) fn has_constraint(&self, table: &QualifiedName, name: &str) -> bool {
        self.editor.catalog.tables.get(table).is_some_and(|table| {
            table.keys.iter().any(|key| key.name == name)
                || table.foreign_keys.iter().any(|key| key.name == name)
                || table.checks.iter().any(|check| check.name == name)
        })
    }

    /// Changes a column of a table, which must be there.
    pub(super) fn change_column(
        &mut self,
        name: &QualifiedName,
        column: &str,
        change: impl FnOnce(&mut crate::catalog::Column),
    ) -> Read {
        let table = self.table(name)?;
        let at = table.column(column);
        match at.and_then(|at| table.columns.get_mut(at)) {
            Some(column) => change(column),
            None => return Err(Refusal::of(name, format!("{} has no column {column}", name.name))),
        }
        Ok(())
    }

    /// The sequence that a serial or identity column owns.
    pub(super) fn add_sequence(&mut self, table: &QualifiedName, column: &str, span: Span) {
        let name = self.editor.choose_name(&table.schema, &table.name, column, "seq");
        self.catalog().sequences.insert(QualifiedName { schema: table.schema.clone(), name }, span);
    }

    pub(super) fn column_names(
        &self,
        columns: impl Iterator<Item = ast::ColumnNameRef>,
    ) -> Read<Vec<String>> {
        columns.map(|column| self.ident(Some(column.syntax()), "column")).collect()
    }

    fn parameters(
        &self,
        parameters: Option<ast::IndexParameters>,
        column: Option<&str>,
    ) -> Read<(Elements, bool)> {
        let list = parameters.as_ref().and_then(|parameters| parameters.column_list());
        let mut elements = match (&list, column) {
            (Some(list), _) => Elements::plain(self.column_names(list.column_name_refs())?),
            (None, column) => Elements::plain(vec![need(column, "columns")?.to_owned()]),
        };
        if list.is_some_and(|list| list.without_overlaps().is_some()) {
            // The last one is compared by overlap.
            elements.columns.pop();
            elements.has_expressions = true;
        }
        let include = parameters.as_ref().and_then(|it| it.constraint_include_clause());
        if let Some(include) = include.and_then(|include| include.column_ref_list()) {
            elements.include(self.column_names(include.column_name_refs())?);
        }
        let nulls = parameters.and_then(|parameters| parameters.nulls_distinct_option());
        Ok((elements, nulls_not_distinct(nulls)))
    }

    fn add_key(&mut self, name: &QualifiedName, new: NewKey) -> Read {
        let label = match new.kind {
            KeyKind::Primary => "pkey",
            KeyKind::Unique => "key",
            KeyKind::Exclusion => "excl",
        };
        self.require_columns(name, &new.elements.columns)?;
        if self.merge_key(name, &new) {
            return Ok(());
        }
        let chosen = match (&new.name, new.kind) {
            (Some(name), _) => name.clone(),
            (None, KeyKind::Primary) => self.editor.choose_name(&name.schema, &name.name, "", label),
            (None, KeyKind::Unique | KeyKind::Exclusion) => {
                let columns = new.elements.labels.join("_");
                self.editor.choose_name(&name.schema, &name.name, &columns, label)
            }
        };
        let key = Key {
            name: chosen,
            kind: new.kind,
            is_constraint: true,
            columns: new.elements.columns,
            has_expressions: new.elements.has_expressions,
            expressions: new.elements.expressions,
            mentions: new.elements.mentions,
            predicate: new.predicate,
            deferrable: new.deferrable,
            nulls_not_distinct: new.nulls_not_distinct,
            span: new.span,
        };
        self.put_key(name, &key, label)
    }

    /// Merges a key with an equal one of the same `CREATE TABLE`, as the database does. The primary key comes first.
    fn merge_key(&mut self, name: &QualifiedName, new: &NewKey) -> bool {
        let Some(from) = self.merge_keys_from.filter(|_| new.kind != KeyKind::Exclusion) else {
            return false;
        };
        let keys = self.editor.catalog.tables.get_mut(name).map(|table| &mut table.keys);
        let mut keys = keys.into_iter().flatten().skip(from);
        let equal = keys.find(|key| {
            key.columns == new.elements.columns
                && key.mentions == new.elements.mentions
                && key.has_expressions == new.elements.has_expressions
                && key.kind != KeyKind::Exclusion
                && key.deferrable == new.deferrable
                && key.nulls_not_distinct == new.nulls_not_distinct
        });
        let Some(key) = equal else {
            return false;
        };
        // Of a name that was written and one that was made, the written one stays.
        let was_made = ["_pkey", "_key"].iter().any(|label| key.name.ends_with(label));
        if let Some(written) = new.name.as_ref().filter(|_| was_made) {
            key.name.clone_from(written);
        }
        true
    }

    /// Adds a key to a table and, under names of their own, to its partitions.
    fn put_key(&mut self, name: &QualifiedName, key: &Key, label: &str) -> Read {
        let table = self.table(name)?;
        if key.kind == KeyKind::Primary {
            if table.primary_key().is_some() {
                return Err(Refusal::of(name, format!("{} has a primary key already", name.name)));
            }
            for column in table.columns.iter_mut().filter(|column| key.columns.contains(&column.name)) {
                column.not_null = true;
            }
        }
        table.keys.push(key.clone());
        for partition in self.partitions(name) {
            let columns = if key.kind == KeyKind::Primary { String::new() } else { key.mentions.join("_") };
            let chosen = self.editor.choose_name(&partition.schema, &partition.name, &columns, label);
            self.put_key(&partition, &Key { name: chosen, ..key.clone() }, label)?;
        }
        Ok(())
    }

    /// The partitions directly under a table.
    pub(super) fn partitions(&self, name: &QualifiedName) -> Vec<QualifiedName> {
        let tables = self.editor.catalog.tables.values();
        tables.filter(|it| it.partition_of.as_ref() == Some(name)).map(|it| it.name.clone()).collect()
    }

    fn require_columns(&self, name: &QualifiedName, columns: &[String]) -> Read {
        let Some(table) = self.editor.catalog.tables.get(name) else {
            return Err(Refusal::of(name, format!("there is no table {}", name.name)));
        };
        match columns.iter().find(|column| table.column(column).is_none()) {
            Some(column) if table.complete => {
                Err(Refusal::of(name, format!("{} has no column {column}", name.name)))
            }
            _ => Ok(()),
        }
    }

    /// `ADD CONSTRAINT … USING INDEX`: a unique index becomes a constraint.
    fn promote(
        &mut self,
        table: &QualifiedName,
        kind: KeyKind,
        name: Option<String>,
        index: &ast::UsingIndexName,
        options: &Options,
        span: Span,
    ) -> Read {
        let index = self.path_ref(index.index_ref().and_then(|index| index.path_ref()))?.name;
        let found = self.table(table)?;
        let Some(key) = found.keys.iter_mut().find(|key| key.name == index) else {
            return Err(Refusal::of(table, format!("{} has no unique index {index}", table.name)));
        };
        key.name = name.unwrap_or(index);
        key.kind = kind;
        key.is_constraint = true;
        key.deferrable = options.deferrable;
        key.span = span;
        let columns = key.columns.clone();
        if kind == KeyKind::Primary {
            for column in found.columns.iter_mut().filter(|column| columns.contains(&column.name)) {
                column.not_null = true;
            }
        }
        Ok(())
    }

    fn exclude(
        &mut self,
        table: &QualifiedName,
        name: Option<String>,
        exclude: &ast::ExcludeConstraint,
        options: &Options,
        span: Span,
    ) -> Read {
        let mut elements = Elements::default();
        let list = need(exclude.constraint_exclusion_list(), "elements")?;
        for element in list.constraint_exclusions() {
            let expr = need(element.expr(), "element")?;
            let column = self.plain_column(&expr)?;
            self.mention(table, &mut elements, expr.syntax());
            elements.label(&self.index_label(&expr));
            let equals = element.op().is_some_and(|op| text(op.syntax()) == "=");
            if column.is_none() {
                elements.expressions.push(text(expr.syntax()));
            }
            match column.filter(|_| equals) {
                Some(column) => elements.columns.push(column),
                None => elements.has_expressions = true,
            }
        }
        let include = exclude.constraint_include_clause().and_then(|include| include.column_ref_list());
        if let Some(include) = include {
            elements.include(self.column_names(include.column_name_refs())?);
        }
        let predicate = match exclude.where_condition_clause() {
            Some(clause) => Some(need(clause.expr(), "condition")?),
            None => None,
        };
        if let Some(predicate) = &predicate {
            self.mention(table, &mut elements, predicate.syntax());
        }
        let key = NewKey {
            name,
            kind: KeyKind::Exclusion,
            elements,
            predicate: predicate.map(|predicate| text(predicate.syntax())),
            nulls_not_distinct: false,
            deferrable: options.deferrable,
            span,
        };
        self.add_key(table, key)
    }

    /// Notes the columns of the table that a part of an index speaks of.
    fn mention(&self, table: &QualifiedName, elements: &mut Elements, part: &SyntaxNode) {
        if let Some(table) = self.editor.catalog.tables.get(table) {
            elements.mentions.extend(columns_in(Dialect::Postgres, &text(part), table));
        }
    }

    /// The column that an expression is, if it is nothing more.
    fn plain_column(&self, expr: &ast::Expr) -> Read<Option<String>> {
        match expr {
            ast::Expr::NameRef(name) => self.ident(Some(name.syntax()), "column").map(Some),
            ast::Expr::ParenExpr(paren) => match paren.expr() {
                Some(inner) => self.plain_column(&inner),
                None => Ok(None),
            },
            ast::Expr::ArrayExpr(_)
            | ast::Expr::BetweenExpr(_)
            | ast::Expr::BinExpr(_)
            | ast::Expr::CallExpr(_)
            | ast::Expr::CaseExpr(_)
            | ast::Expr::CastExpr(_)
            | ast::Expr::Collate(_)
            | ast::Expr::FieldExpr(_)
            | ast::Expr::IndexExpr(_)
            | ast::Expr::Literal(_)
            | ast::Expr::PostfixExpr(_)
            | ast::Expr::PrefixExpr(_)
            | ast::Expr::SliceExpr(_)
            | ast::Expr::TupleExpr(_) => Ok(None),
        }
    }

    /// What an element gives to the name that the database makes for its index.
    fn index_label(&self, expr: &ast::Expr) -> String {
        let label = match expr {
            ast::Expr::NameRef(name) => Some(ast::normalize_name_node(name.syntax())),
            ast::Expr::CallExpr(call) => path_in(&text(call.syntax())).map(|path| path.name),
            ast::Expr::ParenExpr(paren) => paren.expr().map(|inner| self.index_label(&inner)),
            ast::Expr::Collate(collate) => collate.expr().map(|inner| self.index_label(&inner)),
            ast::Expr::FieldExpr(field) => {
                field.field().map(|field| ast::normalize_name_node(field.syntax()))
            }
            ast::Expr::CastExpr(cast) => {
                let inner = cast.expr().map(|inner| self.index_label(&inner));
                let ty = || self.ty(cast.ty()).ok().map(|ty| ty.signature);
                inner.filter(|label| label != "expr").or_else(ty)
            }
            ast::Expr::CaseExpr(_) => Some("case".to_owned()),
            ast::Expr::ArrayExpr(_) => Some("array".to_owned()),
            ast::Expr::TupleExpr(_) => Some("row".to_owned()),
            ast::Expr::BetweenExpr(_)
            | ast::Expr::BinExpr(_)
            | ast::Expr::IndexExpr(_)
            | ast::Expr::Literal(_)
            | ast::Expr::PostfixExpr(_)
            | ast::Expr::PrefixExpr(_)
            | ast::Expr::SliceExpr(_) => None,
        };
        label.unwrap_or_else(|| "expr".to_owned())
    }

    /// Adds a check to a table and to all that inherit from it.
    fn add_check(
        &mut self,
        name: &QualifiedName,
        given: Option<String>,
        expr: &str,
        validated: bool,
        span: Span,
    ) -> Read {
        let table = self.table(name)?;
        let columns = columns_in(Dialect::Postgres, expr, table);
        let column = match columns.as_slice() {
            [only] => only.as_str(),
            _ => "",
        };
        let chosen =
            given.unwrap_or_else(|| self.editor.choose_name(&name.schema, &name.name, column, "check"));
        let check = Check { name: chosen, expr: expr.to_owned(), validated, span };
        let children: Vec<_> =
            self.editor.catalog.descendants(name).into_iter().map(|child| child.name.clone()).collect();
        self.table(name)?.checks.push(check.clone());
        for child in children {
            self.table(&child)?.checks.push(check.clone());
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "two statements say the same in different words")]
    fn add_foreign_key(
        &mut self,
        table: &QualifiedName,
        name: Option<String>,
        columns: Vec<String>,
        target: QualifiedName,
        written: Vec<String>,
        (on_delete, on_update): (ReferentialAction, ReferentialAction),
        match_full: bool,
        options: &Options,
        span: Span,
    ) -> Read {
        self.require_columns(table, &columns)?;
        let target_columns = match written.is_empty() {
            true => self.primary_columns(&target),
            false => written,
        };
        let label = columns.join("_");
        let chosen =
            name.unwrap_or_else(|| self.editor.choose_name(&table.schema, &table.name, &label, "fkey"));
        let key = ForeignKey {
            name: chosen,
            columns,
            target,
            target_columns,
            on_delete,
            on_update,
            validated: options.validated,
            deferrable: options.deferrable,
            match_full,
            span,
        };
        self.put_foreign_key(table, &key)
    }

    fn put_foreign_key(&mut self, table: &QualifiedName, key: &ForeignKey) -> Read {
        self.table(table)?.foreign_keys.push(key.clone());
        self.partitions(table).iter().try_for_each(|partition| self.put_foreign_key(partition, key))
    }

    fn primary_columns(&self, table: &QualifiedName) -> Vec<String> {
        let key = self.editor.catalog.tables.get(table).and_then(Table::primary_key);
        key.map(|key| key.columns.clone()).unwrap_or_default()
    }

    fn actions(
        &self,
        actions: impl Iterator<Item = ast::ReferentialAction>,
    ) -> Read<(ReferentialAction, ReferentialAction)> {
        let mut on_delete = ReferentialAction::Refuse;
        let mut on_update = ReferentialAction::Refuse;
        for action in actions {
            match action {
                ast::ReferentialAction::OnDeleteAction(it) => on_delete = self.action(it.ref_action())?,
                ast::ReferentialAction::OnUpdateAction(it) => on_update = self.action(it.ref_action())?,
            }
        }
        Ok((on_delete, on_update))
    }

    fn action(&self, action: Option<ast::RefAction>) -> Read<ReferentialAction> {
        let columns = |list: Option<ast::ColumnRefList>| match list {
            Some(list) => self.column_names(list.column_name_refs()),
            None => Ok(Vec::new()),
        };
        Ok(match need(action, "action")? {
            ast::RefAction::NoAction(_) | ast::RefAction::Restrict(_) => ReferentialAction::Refuse,
            ast::RefAction::Cascade(_) => ReferentialAction::Cascade,
            ast::RefAction::SetNullColumns(set) => {
                ReferentialAction::SetNull(columns(set.column_ref_list())?)
            }
            ast::RefAction::SetDefaultColumns(set) => {
                ReferentialAction::SetDefault(columns(set.column_ref_list())?)
            }
        })
    }

    /// `ALTER CONSTRAINT`, and `VALIDATE CONSTRAINT`.
    pub(super) fn alter_constraint(
        &mut self,
        name: &QualifiedName,
        constraint: &str,
        change: impl Fn(&mut bool, &mut bool),
    ) -> Read {
        let known = self.has_constraint(name, constraint);
        let table = self.table(name)?;
        let mut ignored = true;
        for key in table.keys.iter_mut().filter(|key| key.name == constraint) {
            change(&mut key.deferrable, &mut ignored);
        }
        for key in table.foreign_keys.iter_mut().filter(|key| key.name == constraint) {
            change(&mut key.deferrable, &mut key.validated);
        }
        for check in table.checks.iter_mut().filter(|check| check.name == constraint) {
            change(&mut ignored, &mut check.validated);
        }
        self.missing(known, || Refusal::of(name, format!("{} has no constraint {constraint}", name.name)))
    }

    /// What the options say that follow a constraint's new state.
    pub(super) fn constraint_change(
        options: impl Iterator<Item = ast::ConstraintOption>,
    ) -> impl Fn(&mut bool, &mut bool) {
        let options: Vec<_> = options.collect();
        move |deferrable, validated| {
            for option in &options {
                match option {
                    ast::ConstraintOption::DeferrableConstraintOption(_)
                    | ast::ConstraintOption::InitiallyDeferredConstraintOption(_) => *deferrable = true,
                    ast::ConstraintOption::NotDeferrableConstraintOption(_) => *deferrable = false,
                    ast::ConstraintOption::NotValid(_) | ast::ConstraintOption::NotEnforced(_) => {
                        *validated = false;
                    }
                    ast::ConstraintOption::Enforced(_) => *validated = true,
                    ast::ConstraintOption::InitiallyImmediateConstraintOption(_)
                    | ast::ConstraintOption::Inherit(_)
                    | ast::ConstraintOption::NoInherit(_) => {}
                }
            }
        }
    }

    /// `CREATE INDEX`.
    pub(super) fn create_index(&mut self, index: &ast::CreateIndex) -> Read {
        let on = need(index.table_relation_name(), "table")?;
        let table = self.table_ref(on.table_name_ref())?;
        let given = match index.index().and_then(|index| index.path()) {
            Some(path) => Some(self.path(Some(path))?.name),
            None => None,
        };
        let taken =
            given.as_deref().is_some_and(|name| self.editor.index_owner(Some(&table.schema), name).is_some());
        if taken {
            let may_exist = index.if_not_exists().is_some();
            return self.missing(may_exist, || Refusal::of(&table, "there is an index of that name already"));
        }
        let elements = self.index_elements(&table, index)?;
        let predicate = match index.where_clause() {
            Some(clause) => Some(text(need(clause.expr(), "condition")?.syntax())),
            None => None,
        };
        let is_view = self.editor.catalog.views.contains_key(&table);
        let chosen = given.unwrap_or_else(|| {
            self.editor.choose_name(&table.schema, &table.name, &elements.labels.join("_"), "idx")
        });
        let span = self.span(index.syntax());
        if index.unique_token().is_some() && !is_view {
            let key = Key {
                name: chosen,
                kind: KeyKind::Unique,
                is_constraint: false,
                columns: elements.columns,
                has_expressions: elements.has_expressions,
                expressions: elements.expressions,
                mentions: elements.mentions,
                predicate,
                deferrable: false,
                nulls_not_distinct: nulls_not_distinct(index.nulls_distinct_option()),
                span,
            };
            return match on.only_token() {
                Some(_) => self.table(&table).map(|table| table.keys.push(key)),
                None => self.put_key(&table, &key, "idx"),
            };
        }
        let Elements { leading: columns, expressions, mentions, .. } = elements;
        let index = Index { name: chosen, columns, expressions, mentions, predicate, span };
        match self.editor.catalog.views.get_mut(&table) {
            Some(view) => view.indexes.push(index),
            None => self.put_index(&table, &index)?,
        }
        Ok(())
    }

    fn put_index(&mut self, name: &QualifiedName, index: &Index) -> Read {
        self.table(name)?.indexes.push(index.clone());
        for partition in self.partitions(name) {
            let columns = index.mentions.join("_");
            let chosen = self.editor.choose_name(&partition.schema, &partition.name, &columns, "idx");
            self.put_index(&partition, &Index { name: chosen, ..index.clone() })?;
        }
        Ok(())
    }

    fn index_elements(&self, table: &QualifiedName, index: &ast::CreateIndex) -> Read<Elements> {
        let mut elements = Elements::default();
        for item in need(index.partition_item_list(), "columns")?.partition_items() {
            let expr = need(item.expr(), "element")?;
            // An operator class or a collation of its own may call other values equal than `=` does.
            let own_equality = item.collate().is_some() || item.op_class_ref().is_some();
            let column = self.plain_column(&expr)?;
            self.mention(table, &mut elements, expr.syntax());
            if let Some(column) = column.as_ref().filter(|column| !elements.mentions.contains(column)) {
                elements.mentions.push(column.clone());
            }
            elements.label(&self.index_label(&expr));
            if column.is_none() {
                elements.expressions.push(text(expr.syntax()));
            }
            let plain = column.filter(|_| !own_equality);
            if let Some(column) = plain.as_ref().filter(|_| !elements.has_expressions) {
                elements.leading.push(column.clone());
            }
            elements.has_expressions |= plain.is_none();
            elements.columns.extend(plain);
        }
        let include = index.index_include_clause().and_then(|include| include.partition_item_list());
        for item in include.into_iter().flat_map(|list| list.partition_items()) {
            let column = words(item.syntax()).to_ascii_lowercase();
            elements.include(vec![column]);
        }
        if let Some(clause) = index.where_clause() {
            self.mention(table, &mut elements, clause.syntax());
        }
        Ok(elements)
    }
}

fn options(options: impl Iterator<Item = ast::ConstraintOption>) -> Options {
    let (mut deferrable, mut validated) = (false, true);
    Reader::constraint_change(options)(&mut deferrable, &mut validated);
    Options { deferrable, validated }
}

fn nulls_not_distinct(option: Option<ast::NullsDistinctOption>) -> bool {
    matches!(option, Some(ast::NullsDistinctOption::NullsNotDistinct(_)))
}
