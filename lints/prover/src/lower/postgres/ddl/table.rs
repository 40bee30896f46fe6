//! `CREATE TABLE`.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AstNode};
use tenantry_span::Span;

use super::nodes::{path_in, text};
use super::types::Written;
use super::{Read, Reader, Refusal, need};
use crate::catalog::{Column, ColumnDefault, Key, QualifiedName, Table};
use crate::types::SqlType;

/// What `LIKE` copies besides names, types and `NOT NULL`.
#[derive(Default)]
struct Like {
    constraints: bool,
    defaults: bool,
    generated: bool,
    identity: bool,
    indexes: bool,
}

impl Reader<'_> {
    /// `CREATE TABLE`.
    pub(super) fn create_table(&mut self, create: &ast::CreateTable) -> Read {
        let place = need(create.table_name(), "name")?;
        let name = self.created_relation(place.path(), create.persistence())?;
        if self.exists_already(&name, create.if_not_exists().is_some())? {
            return Ok(());
        }
        let mut table = Table::new(name.clone(), self.span(place.syntax()));
        table.partitioned = create.partition_by().is_some();
        table.complete = create.of_type().is_none();
        self.put_table(table);
        if let Some(parent) = create.partition_of() {
            let parent = self.table_ref(parent.table_name_ref())?;
            self.become_partition(&name, &parent)?;
        }
        if let Some(inherits) = create.inherits() {
            self.inherit_all(&name, &inherits)?;
        }
        self.table_args(&name, create.table_arg_list())?;
        match create.of_type() {
            Some(_) => Err(Refusal::of(&name, "the columns of a table OF a type are not read")),
            None => Ok(()),
        }
    }

    /// `CREATE FOREIGN TABLE`.
    pub(super) fn create_foreign_table(&mut self, create: &ast::CreateForeignTable) -> Read {
        let place = need(create.table_name(), "name")?;
        let name = self.created_relation(place.path(), None)?;
        if self.exists_already(&name, create.if_not_exists().is_some())? {
            return Ok(());
        }
        let span = self.span(place.syntax());
        self.put_table(Table::new(name.clone(), span));
        if let Some(parent) = create.partition_of() {
            let parent = self.table_ref(parent.table_name_ref())?;
            self.become_partition(&name, &parent)?;
        }
        if let Some(inherits) = create.inherits() {
            self.inherit_all(&name, &inherits)?;
        }
        self.table_args(&name, create.table_arg_list())
    }

    /// `CREATE TABLE … AS`, `SELECT … INTO`: the columns are those of a query.
    pub(super) fn create_table_as(&mut self, create: &ast::CreateTableAs) -> Read {
        let place = need(create.table_name(), "name")?;
        let name = self.created_relation(place.path(), create.persistence())?;
        if self.exists_already(&name, create.if_not_exists().is_some())? {
            return Ok(());
        }
        let span = self.span(place.syntax());
        self.put_table(Table::new(name.clone(), span));
        self.table_args(&name, create.table_arg_list())?;
        Err(Refusal::of(&name, "the columns of a table made from a query are not followed"))
    }

    /// `SELECT … INTO`.
    pub(super) fn select_into(&mut self, select: &ast::SelectInto) -> Read {
        let into = need(select.into_clause(), "table")?;
        let place = need(into.table_name(), "name")?;
        let name = self.created_relation(place.path(), into.persistence())?;
        let span = self.span(place.syntax());
        self.put_table(Table::new(name.clone(), span));
        Err(Refusal::of(&name, "the columns of a table made from a query are not followed"))
    }

    fn put_table(&mut self, mut table: Table) {
        table.grants = self.editor.catalog.granted_by_default(&table.name);
        self.catalog().tables.insert(table.name.clone(), table);
    }

    /// True if there is nothing to create. A table that is created a second time without `IF NOT EXISTS` is uncertain.
    fn exists_already(&mut self, name: &QualifiedName, may_exist: bool) -> Read<bool> {
        let catalog = &self.editor.catalog;
        let exists = catalog.tables.contains_key(name) || catalog.views.contains_key(name);
        if !exists {
            return Ok(false);
        }
        let refusal =
            || Refusal::of(name, format!("{} was created before, and not dropped since", name.name));
        self.missing(may_exist, refusal).map(|()| true)
    }

    fn table_args(&mut self, name: &QualifiedName, args: Option<ast::TableArgList>) -> Read {
        let mut constraints: Vec<(Option<String>, ast::Constraint)> = Vec::new();
        for arg in args.into_iter().flat_map(|list| list.args()) {
            match arg {
                ast::TableArg::Column(column) => {
                    let column = self.column(name, &column, &mut constraints)?;
                    self.put_new_column(name, column)?;
                }
                ast::TableArg::LikeClause(like) => self.like(name, &like)?,
                ast::TableArg::TableConstraint(constraint) => {
                    constraints.push((None, self.constraint(constraint.syntax())?));
                }
            }
        }
        // A foreign key may refer to the keys of its own table, wherever they are written.
        let rank = |constraint: &ast::Constraint| match constraint {
            ast::Constraint::NotNullConstraint(_)
            | ast::Constraint::NullConstraint(_)
            | ast::Constraint::DefaultConstraint(_)
            | ast::Constraint::GeneratedConstraint(_) => 0,
            ast::Constraint::CheckConstraint(_) => 1,
            ast::Constraint::PrimaryKeyConstraint(_) => 2,
            ast::Constraint::UniqueConstraint(_) | ast::Constraint::ExcludeConstraint(_) => 3,
            ast::Constraint::ForeignKeyConstraint(_) | ast::Constraint::ReferencesConstraint(_) => 4,
        };
        constraints.sort_by_key(|(_, constraint)| rank(constraint));
        self.merge_keys_from = Some(self.table(name)?.keys.len());
        let mut constraints = constraints.into_iter();
        let outcome = constraints
            .try_for_each(|(column, constraint)| self.add_constraint(name, column.as_deref(), &constraint));
        self.merge_keys_from = None;
        outcome
    }

    fn constraint(&self, node: &squawk_syntax::SyntaxNode) -> Read<ast::Constraint> {
        need(ast::Constraint::cast(node.clone()), "constraint")
    }

    fn column(
        &self,
        table: &QualifiedName,
        column: &ast::Column,
        constraints: &mut Vec<(Option<String>, ast::Constraint)>,
    ) -> Read<Column> {
        let name = self.ident(column.name().as_ref().map(AstNode::syntax), "column's name")?;
        let mut collation = None;
        for clause in column.clauses() {
            match clause {
                ast::ColumnClause::Collate(collate) => collation = Some(self.collation(&collate)?),
                ast::ColumnClause::ColumnConstraint(constraint) => {
                    constraints.push((Some(name.clone()), self.constraint(constraint.syntax())?));
                }
                ast::ColumnClause::AlterOptionList(_)
                | ast::ColumnClause::CompressionMethod(_)
                | ast::ColumnClause::Storage(_)
                | ast::ColumnClause::WithOptions(_) => {}
            }
        }
        let span = self.span(column.syntax());
        let Some(ty) = column.ty() else {
            // A partition or a typed table says more about a column that it has.
            let known = self.editor.catalog.tables.get(table);
            let known = known.and_then(|table| table.columns.get(table.column(&name)?)).cloned();
            let unknown = ColumnDefault::None;
            let unknown =
                Column { name, ty: SqlType::Unknown, not_null: false, default: unknown, collation, span };
            return Ok(known.unwrap_or(unknown));
        };
        Ok(new_column(name, self.ty(Some(ty))?, collation, span))
    }

    /// The name of a collation.
    pub(super) fn collation(&self, collate: &ast::Collate) -> Read<String> {
        Ok(self.path_ref(collate.collation_ref().and_then(|collation| collation.path_ref()))?.name)
    }

    /// Adds a column as a statement declares it, with the sequence that a serial one brings.
    pub(super) fn put_new_column(&mut self, name: &QualifiedName, column: Column) -> Read {
        if column.default == ColumnDefault::Generated {
            self.add_sequence(name, &column.name, column.span);
        }
        self.put_column(name, column)
    }

    /// Adds a column to a table, merging it with one it has inherited.
    fn put_column(&mut self, name: &QualifiedName, column: Column) -> Read {
        let table = self.table(name)?;
        let at = table.column(&column.name);
        match at.and_then(|at| table.columns.get_mut(at)) {
            Some(inherited) => {
                let not_null = inherited.not_null || column.not_null;
                *inherited = Column { not_null, ..column };
            }
            None => table.columns.push(column),
        }
        Ok(())
    }

    fn like(&mut self, name: &QualifiedName, like: &ast::LikeClause) -> Read {
        let source = self.relation(like.relation_name_ref().and_then(|source| source.path_ref()))?;
        let mut options = Like::default();
        for option in like.like_options() {
            let (property, on) = match option {
                ast::LikeOption::IncludingProperty(it) => (it.table_property(), true),
                ast::LikeOption::ExcludingProperty(it) => (it.table_property(), false),
            };
            options.set(&need(property, "option")?, on);
        }
        let Some(found) = self.editor.catalog.tables.get(&source).cloned() else {
            let refusal = format!("the columns of {}, which it is to be like, are not known", source.name);
            return Err(Refusal::of(name, refusal));
        };
        for column in &found.columns {
            let keeps = match &column.default {
                ColumnDefault::None => true,
                ColumnDefault::Generated => options.identity || options.defaults,
                ColumnDefault::Computed(_) => options.generated,
                ColumnDefault::Expr(_) => options.defaults,
            };
            let default = if keeps { column.default.clone() } else { ColumnDefault::None };
            self.put_column(name, Column { default, ..column.clone() })?;
        }
        let table = self.table(name)?;
        table.complete &= found.complete;
        if options.constraints {
            table.checks.extend(found.checks.iter().cloned());
        }
        if options.indexes {
            self.copy_keys(name, &found)?;
        }
        Ok(())
    }

    /// Gives a table the keys and indexes of another, under names made for it.
    fn copy_keys(&mut self, name: &QualifiedName, source: &Table) -> Read {
        use crate::catalog::KeyKind;
        for key in &source.keys {
            let (columns, label) = match key.kind {
                KeyKind::Primary => (String::new(), "pkey"),
                KeyKind::Unique => (key.mentions.join("_"), "key"),
                KeyKind::Exclusion => (key.mentions.join("_"), "excl"),
            };
            let chosen = self.editor.choose_name(&name.schema, &name.name, &columns, label);
            let table = self.table(name)?;
            table.keys.push(Key { name: chosen, ..key.clone() });
            if key.kind == KeyKind::Primary {
                for column in table.columns.iter_mut().filter(|column| key.columns.contains(&column.name)) {
                    column.not_null = true;
                }
            }
        }
        for index in &source.indexes {
            let columns = index.mentions.join("_");
            let chosen = self.editor.choose_name(&name.schema, &name.name, &columns, "idx");
            self.table(name)?.indexes.push(crate::catalog::Index { name: chosen, ..index.clone() });
        }
        Ok(())
    }

    /// Makes a new table a partition: it has the columns, keys and constraints of its parent.
    fn become_partition(&mut self, name: &QualifiedName, parent: &QualifiedName) -> Read {
        self.acyclic(name, parent)?;
        self.table(name)?.partition_of = Some(parent.clone());
        let Some(source) = self.editor.catalog.tables.get(parent).cloned() else {
            self.table(name)?.complete = false;
            return Err(Refusal::of(name, format!("there is no table {} to be a partition of", parent.name)));
        };
        let table = self.table(name)?;
        table.columns.clone_from(&source.columns);
        table.checks.clone_from(&source.checks);
        table.foreign_keys.clone_from(&source.foreign_keys);
        table.triggers.clone_from(&source.triggers);
        table.complete = source.complete;
        self.copy_keys(name, &source)
    }

    /// Refuses to make a table a child of itself, by whatever way.
    pub(super) fn acyclic(&self, child: &QualifiedName, parent: &QualifiedName) -> Read {
        let catalog = &self.editor.catalog;
        if child == parent || catalog.descendants(child).iter().any(|below| below.name == *parent) {
            return Err(Refusal::of(child, format!("{} would be a part of itself", child.name)));
        }
        Ok(())
    }

    /// Makes a table a partition of another, from which it gets what it does not have yet.
    pub(super) fn attach_partition(&mut self, parent: &QualifiedName, name: &QualifiedName) -> Read {
        self.acyclic(name, parent)?;
        let mut lacking = self.table(parent)?.clone();
        let table = self.table(name)?;
        table.partition_of = Some(parent.clone());
        lacking.keys.retain(|key| !table.keys.iter().any(|own| own.columns == key.columns));
        lacking.indexes.retain(|index| !table.indexes.iter().any(|own| own.columns == index.columns));
        lacking.foreign_keys.retain(|key| {
            !table.foreign_keys.iter().any(|own| own.columns == key.columns && own.target == key.target)
        });
        lacking.triggers.retain(|trigger| !table.triggers.iter().any(|own| own.name == trigger.name));
        table.foreign_keys.append(&mut lacking.foreign_keys);
        table.triggers.append(&mut lacking.triggers);
        self.copy_keys(name, &lacking)
    }

    fn inherit_all(&mut self, name: &QualifiedName, inherits: &ast::Inherits) -> Read {
        for parent in inherits.table_name_refs() {
            let parent = self.table_ref(Some(parent))?;
            self.acyclic(name, &parent)?;
            self.table(name)?.inherits.push(parent.clone());
            let Some(source) = self.editor.catalog.tables.get(&parent).cloned() else {
                self.table(name)?.complete = false;
                return Err(Refusal::of(name, format!("there is no table {} to inherit from", parent.name)));
            };
            for column in source.columns {
                self.put_column(name, column)?;
            }
            let table = self.table(name)?;
            table.checks.extend(source.checks);
            table.complete &= source.complete;
        }
        Ok(())
    }

    /// Reads the default of a column.
    pub(super) fn default(&self, expr: Option<ast::Expr>) -> Read<ColumnDefault> {
        let expr = need(expr, "default")?;
        if is_null(&expr) {
            return Ok(ColumnDefault::None);
        }
        if self.is_fresh(&expr) {
            return Ok(ColumnDefault::Generated);
        }
        Ok(ColumnDefault::Expr(text(expr.syntax())))
    }

    /// True for a call that gives another value each time, and for such a value cast to text or the like.
    fn is_fresh(&self, expr: &ast::Expr) -> bool {
        match expr {
            ast::Expr::CallExpr(call) => self.is_fresh_call(&text(call.syntax())),
            ast::Expr::CastExpr(cast) => {
                let keeps = self.ty(cast.ty()).is_ok_and(|ty| {
                    matches!(ty.ty, SqlType::Text | SqlType::Uuid)
                        || matches!(ty.ty, SqlType::Int) && ty.signature == "int8"
                });
                keeps && cast.expr().is_some_and(|inner| self.is_fresh(&inner))
            }
            ast::Expr::ParenExpr(paren) => paren.expr().is_some_and(|inner| self.is_fresh(&inner)),
            ast::Expr::ArrayExpr(_)
            | ast::Expr::BetweenExpr(_)
            | ast::Expr::BinExpr(_)
            | ast::Expr::CaseExpr(_)
            | ast::Expr::Collate(_)
            | ast::Expr::FieldExpr(_)
            | ast::Expr::IndexExpr(_)
            | ast::Expr::Literal(_)
            | ast::Expr::NameRef(_)
            | ast::Expr::PostfixExpr(_)
            | ast::Expr::PrefixExpr(_)
            | ast::Expr::SliceExpr(_)
            | ast::Expr::TupleExpr(_) => false,
        }
    }

    fn is_fresh_call(&self, call: &str) -> bool {
        const FRESH: [&str; 8] = [
            "gen_random_uuid",
            "nextval",
            "uuid_generate_v1",
            "uuid_generate_v1mc",
            "uuid_generate_v4",
            "uuid_generate_v7",
            "uuidv4",
            "uuidv7",
        ];
        let Some(function) = path_in(call) else {
            return false;
        };
        // Somebody's own function of that name may do anything.
        let own = self.editor.catalog.functions.keys().any(|name| name.name == function.name);
        FRESH.contains(&function.name.as_str()) && !own
    }

    /// `ADD COLUMN`: the column and its constraints.
    pub(super) fn added_column(&self, add: &ast::AddColumn) -> Read<Column> {
        let node = need(add.column_name(), "column's name")?;
        let name = self.ident(Some(node.syntax()), "column's name")?;
        let collation = match add.collate() {
            Some(collate) => Some(self.collation(&collate)?),
            None => None,
        };
        let whole = self.range(add.syntax());
        let span =
            Span::new(self.file, tenantry_span::TextRange::new(self.range(node.syntax()).start, whole.end));
        Ok(new_column(name, self.ty(add.ty())?, collation, span))
    }
}

impl Like {
    fn set(&mut self, property: &ast::TableProperty, on: bool) {
        match property {
            ast::TableProperty::PropertyAll(_) => {
                *self = Like { constraints: on, defaults: on, generated: on, identity: on, indexes: on };
            }
            ast::TableProperty::PropertyConstraints(_) => self.constraints = on,
            ast::TableProperty::PropertyDefaults(_) => self.defaults = on,
            ast::TableProperty::PropertyGenerated(_) => self.generated = on,
            ast::TableProperty::PropertyIdentity(_) => self.identity = on,
            ast::TableProperty::PropertyIndexes(_) => self.indexes = on,
            ast::TableProperty::PropertyComments(_)
            | ast::TableProperty::PropertyCompression(_)
            | ast::TableProperty::PropertyStatistics(_)
            | ast::TableProperty::PropertyStorage(_) => {}
        }
    }
}

fn new_column(name: String, ty: Written, collation: Option<String>, span: Span) -> Column {
    let default = if ty.serial { ColumnDefault::Generated } else { ColumnDefault::None };
    Column { name, ty: ty.ty, not_null: ty.serial, default, collation, span }
}

fn is_null(expr: &ast::Expr) -> bool {
    match expr {
        ast::Expr::Literal(literal) => {
            literal.syntax().first_token().is_some_and(|it| it.kind() == SyntaxKind::NULL_KW)
        }
        ast::Expr::CastExpr(cast) => cast.expr().is_some_and(|inner| is_null(&inner)),
        ast::Expr::ParenExpr(paren) => paren.expr().is_some_and(|inner| is_null(&inner)),
        _ => false,
    }
}
