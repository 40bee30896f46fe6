//! `CREATE TABLE`, `CREATE INDEX`, and the constraints that both share with `ALTER TABLE`.

use sqlparser::ast as sql;
use sqlparser::ast::helpers::stmt_create_table::CreateTableBuilder;
use tenantry_policy::Dialect;
use tenantry_span::Span;

use super::{Read, Reader, Refusal, fold, folded};
use crate::catalog::{
    Check, Column, ColumnDefault, ForeignKey, Index, Key, KeyKind, QualifiedName, ReferentialAction, Table,
    Trigger,
};
use crate::lower::edit::{TEMPORARY, columns_in};
use crate::types::SqlType;

/// Constraints, to be added when all columns are there.
pub(super) type Pending = Vec<(sql::TableConstraint, Stands)>;

/// Where a constraint stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stands {
    /// In the definition of a column, where MySQL reads a foreign key and forgets it.
    InColumn,
    /// On its own.
    Alone,
}

impl Reader<'_> {
    pub(super) fn create_table(&mut self, create: sql::CreateTable) -> Read {
        self.only_known_clauses(&create)?;
        let mut name = self.created(&create.name)?;
        if create.temporary {
            TEMPORARY.clone_into(&mut name.schema);
        }
        if self.exists(&name) {
            return match create.if_not_exists {
                true => Ok(()),
                false => Err(Refusal::of(
                    &name,
                    format!("{} was created before, and not dropped since", name.name),
                )),
            };
        }
        let span = self.place(&create.name);
        self.editor.catalog.tables.insert(name.clone(), Table::new(name.clone(), span));
        let mut pending = Pending::new();
        for column in &create.columns {
            let column = self.column(&name, column, &mut pending)?;
            self.table(&name)?.columns.push(column);
        }
        pending.extend(create.constraints.into_iter().map(|constraint| (constraint, Stands::Alone)));
        pending.sort_by_key(|(constraint, _)| rank(constraint));
        let mut unread = Ok(());
        for (constraint, stands) in pending {
            unread = unread.and(self.add_constraint(&name, constraint, stands));
        }
        self.finish_sqlite_keys(&name, create.without_rowid || create.strict)?;
        if let Some(collation) = table_collation(&create.table_options) {
            self.collate_texts(&name, &collation)?;
        }
        match create.like {
            Some(sql::CreateTableLikeKind::Parenthesized(like) | sql::CreateTableLikeKind::Plain(like)) => {
                let sql::CreateTableLike { name: source, defaults: _ } = like;
                self.like(&name, &source)?;
            }
            None => {}
        }
        if create.query.is_some() {
            return Err(Refusal::of(&name, "the columns of a table made from a query are not followed"));
        }
        unread
    }

    /// Refuses a table with a clause that is not modelled: a table of those that are must be equal to it.
    fn only_known_clauses(&self, create: &sql::CreateTable) -> Read {
        let known = CreateTableBuilder::new(create.name.clone())
            .columns(create.columns.clone())
            .constraints(create.constraints.clone())
            .temporary(create.temporary)
            .if_not_exists(create.if_not_exists)
            .table_options(create.table_options.clone())
            .query(create.query.clone())
            .without_rowid(create.without_rowid)
            .strict(create.strict)
            .like(create.like.clone())
            .build();
        match known == *create {
            true => Ok(()),
            false => Err(Refusal::new("it has a clause that is not modelled")),
        }
    }

    pub(super) fn table(&mut self, name: &QualifiedName) -> Read<&mut Table> {
        let missing = || Refusal::of(name, format!("there is no table {}", name.name));
        self.editor.catalog.tables.get_mut(name).ok_or_else(missing)
    }

    /// `CREATE TABLE … LIKE`: everything but foreign keys.
    fn like(&mut self, name: &QualifiedName, source: &sql::ObjectName) -> Read {
        let source = self.relation(source)?;
        let Some(found) = self.editor.catalog.tables.get(&source).cloned() else {
            return Err(Refusal::of(name, format!("the columns of {} are not known", source.name)));
        };
        let table = self.table(name)?;
        let (name, span) = (table.name.clone(), table.span);
        *table = Table { name, span, foreign_keys: Vec::new(), triggers: Vec::new(), ..found };
        Ok(())
    }

    /// Reads a column; what its options say of keys goes to `pending`.
    pub(super) fn column(
        &mut self,
        table: &QualifiedName,
        column: &sql::ColumnDef,
        pending: &mut Pending,
    ) -> Read<Column> {
        let sql::ColumnDef { name, data_type, options } = column;
        let options: Vec<_> = options.iter().map(|option| option.option.clone()).collect();
        let names = column.options.iter().map(|option| option.name.clone()).collect();
        self.column_of(table, name, data_type, options, names, self.place(column), pending)
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "CREATE, CHANGE and MODIFY give the parts in different shapes"
    )]
    pub(super) fn column_of(
        &mut self,
        table: &QualifiedName,
        name: &sql::Ident,
        data_type: &sql::DataType,
        options: Vec<sql::ColumnOption>,
        names: Vec<Option<sql::Ident>>,
        span: Span,
        pending: &mut Pending,
    ) -> Read<Column> {
        let written = data_type.to_string().to_ascii_lowercase();
        let mut column = Column {
            name: fold(name),
            ty: self.ty(&written),
            not_null: false,
            default: ColumnDefault::None,
            collation: None,
            span,
        };
        if written == "serial" && self.dialect == Dialect::Mysql {
            column.default = ColumnDefault::Generated;
            column.not_null = true;
        }
        let own = || vec![plain_index_column(name.clone())];
        for (option, given) in options.into_iter().zip(names) {
            match option {
                sql::ColumnOption::Null => column.not_null = false,
                sql::ColumnOption::NotNull => column.not_null = true,
                sql::ColumnOption::Default(expr) => column.default = self.default(&expr),
                sql::ColumnOption::PrimaryKey(key) => {
                    if self.dialect == Dialect::Sqlite && written == "integer" {
                        // It is another name of the row's number.
                        column.default = ColumnDefault::Generated;
                        column.not_null = true;
                    }
                    let key = sql::PrimaryKeyConstraint { columns: own(), name: key.name.or(given), ..key };
                    pending.push((sql::TableConstraint::PrimaryKey(key), Stands::InColumn));
                }
                sql::ColumnOption::Unique(key) => {
                    let key = sql::UniqueConstraint { columns: own(), name: key.name.or(given), ..key };
                    pending.push((sql::TableConstraint::Unique(key), Stands::InColumn));
                }
                sql::ColumnOption::ForeignKey(key) => {
                    let columns = vec![name.clone()];
                    let key = sql::ForeignKeyConstraint { columns, name: key.name.or(given), ..key };
                    pending.push((sql::TableConstraint::ForeignKey(key), Stands::InColumn));
                }
                sql::ColumnOption::Check(check) => {
                    let check = sql::CheckConstraint { name: check.name.or(given), ..check };
                    pending.push((sql::TableConstraint::Check(check), Stands::InColumn));
                }
                sql::ColumnOption::DialectSpecific(words) => {
                    let words = words.iter().map(|word| word.to_string().to_ascii_lowercase());
                    match words.collect::<Vec<_>>().join(" ").as_str() {
                        "auto_increment" | "autoincrement" => {
                            column.default = ColumnDefault::Generated;
                            column.not_null |= self.dialect == Dialect::Mysql;
                        }
                        "asc" | "desc" => {}
                        other => {
                            let why = format!("the option `{other}` of {} is not modelled", column.name);
                            return Err(Refusal::of(table, why));
                        }
                    }
                }
                sql::ColumnOption::Collation(collation) => {
                    column.collation = Some(self.collation(&collation.to_string()));
                }
                sql::ColumnOption::Generated {
                    generated_as: _,
                    sequence_options: _,
                    generation_expr,
                    generation_expr_mode: _,
                    generated_keyword: _,
                } => {
                    column.default = match generation_expr {
                        Some(expr) => ColumnDefault::Computed(expr.to_string()),
                        None => ColumnDefault::Generated,
                    };
                }
                // On a conflict of a key SQLite may delete the rows that are there.
                sql::ColumnOption::OnConflict(_) => self.replaces_rows(table, span)?,
                // `ON UPDATE CURRENT_TIMESTAMP` and the like; character sets decide nothing that a collation does not.
                sql::ColumnOption::CharacterSet(_)
                | sql::ColumnOption::Comment(_)
                | sql::ColumnOption::OnUpdate(_)
                | sql::ColumnOption::Srid(_)
                | sql::ColumnOption::Invisible => {}
                sql::ColumnOption::Materialized(_)
                | sql::ColumnOption::Ephemeral(_)
                | sql::ColumnOption::Alias(_)
                | sql::ColumnOption::Options(_)
                | sql::ColumnOption::Identity(_)
                | sql::ColumnOption::Policy(_)
                | sql::ColumnOption::Tags(_) => {
                    return Err(Refusal::of(table, format!("an option of {} is not modelled", column.name)));
                }
            }
        }
        Ok(column)
    }

    /// Notes that an insertion may replace other rows, in the form of a rule, whose effects are never trusted.
    fn replaces_rows(&mut self, table: &QualifiedName, span: Span) -> Read {
        self.table(table)?.triggers.push(Trigger {
            name: "on conflict".to_owned(),
            function: None,
            is_rule: true,
            events: vec!["INSERT".to_owned(), "UPDATE".to_owned()],
            disabled: false,
            after_row: false,
            when: None,
            span,
        });
        Ok(())
    }

    /// A collation's name; those of SQLite that call different texts equal are noted.
    fn collation(&mut self, name: &str) -> String {
        let name = name.trim_matches(['`', '"', '\'']).to_lowercase();
        let collations = &mut self.editor.catalog.nondeterministic_collations;
        if self.dialect == Dialect::Sqlite && name != "binary" && !collations.contains(&name) {
            collations.push(name.clone());
        }
        name
    }

    fn collate_texts(&mut self, name: &QualifiedName, collation: &str) -> Read {
        let collation = self.collation(collation);
        for column in &mut self.table(name)?.columns {
            let is_text = matches!(column.ty, SqlType::Text | SqlType::VarcharN(_) | SqlType::Char);
            if is_text && column.collation.is_none() {
                column.collation = Some(collation.clone());
            }
        }
        Ok(())
    }

    fn default(&self, expr: &sql::Expr) -> ColumnDefault {
        let text = expr.to_string();
        let call = text.to_ascii_lowercase();
        match call.trim_matches(['(', ')']) {
            "null" => ColumnDefault::None,
            "uuid" if self.dialect == Dialect::Mysql && call.contains("uuid(") => ColumnDefault::Generated,
            _ => ColumnDefault::Expr(text),
        }
    }

    /// What a type as written means. SQLite goes by parts of its name.
    fn ty(&self, written: &str) -> SqlType {
        let name: String = written.chars().take_while(|char| *char != '(').collect();
        let name = name.trim().trim_matches(['"', '`', '[', ']']);
        let length = written.split(['(', ',', ')']).nth(1).and_then(|length| length.trim().parse().ok());
        if self.dialect == Dialect::Sqlite {
            return affinity(name);
        }
        let plain =
            name.split_whitespace().filter(|word| !matches!(*word, "unsigned" | "signed" | "zerofill"));
        match plain.collect::<Vec<_>>().join(" ").as_str() {
            "year" | "bit" => SqlType::Int,
            "tinyblob" | "mediumblob" | "longblob" => SqlType::Bytes,
            "enum" | "set" => SqlType::Named(name.to_owned()),
            plain => SqlType::from_name(plain, length),
        }
    }

    /// Adds a constraint or an index of a table.
    pub(super) fn add_constraint(
        &mut self,
        name: &QualifiedName,
        constraint: sql::TableConstraint,
        stands: Stands,
    ) -> Read {
        let span = self.place(&constraint);
        match constraint {
            sql::TableConstraint::PrimaryKey(key) => {
                let sql::PrimaryKeyConstraint {
                    name: given,
                    index_name: _,
                    index_type: _,
                    columns,
                    include,
                    index_options: _,
                    characteristics: _,
                } = key;
                let given = match self.dialect {
                    Dialect::Mysql => Some("primary".to_owned()),
                    Dialect::Sqlite | Dialect::Postgres => given.as_ref().map(fold),
                };
                self.add_key(name, KeyKind::Primary, given, &columns, folded(&include), None, span)
            }
            sql::TableConstraint::Unique(key) => {
                let sql::UniqueConstraint {
                    name: given,
                    index_name,
                    index_type_display: _,
                    index_type: _,
                    columns,
                    include,
                    index_options: _,
                    characteristics: _,
                    nulls_distinct: _,
                } = key;
                let given = index_name.or(given).as_ref().map(fold);
                self.add_key(name, KeyKind::Unique, given, &columns, folded(&include), None, span)
            }
            sql::TableConstraint::ForeignKey(key) => self.add_foreign_key(name, key, stands, span),
            sql::TableConstraint::Check(check) => {
                let sql::CheckConstraint { name: given, expr, no_inherit: _, enforced } = check;
                let table = self.table(name)?;
                let made = format!("{}_chk_{}", name.name, table.checks.len() + 1);
                table.checks.push(Check {
                    name: given.as_ref().map_or(made, fold),
                    expr: expr.to_string(),
                    validated: enforced != Some(false),
                    span,
                });
                Ok(())
            }
            sql::TableConstraint::Index(index) => {
                let sql::IndexConstraint {
                    display_as_key: _,
                    name: given,
                    index_type: _,
                    columns,
                    index_options: _,
                } = index;
                self.add_index(name, given.as_ref().map(fold), &columns, None, span)
            }
            sql::TableConstraint::FulltextOrSpatial(index) => {
                let sql::FullTextOrSpatialConstraint {
                    fulltext: _,
                    index_type_display: _,
                    opt_index_name,
                    columns,
                } = index;
                self.add_index(name, opt_index_name.as_ref().map(fold), &columns, None, span)
            }
            sql::TableConstraint::PrimaryKeyUsingIndex(_)
            | sql::TableConstraint::UniqueUsingIndex(_)
            | sql::TableConstraint::Exclude(_) => {
                Err(Refusal::of(name, "a constraint of another database is not modelled"))
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "keys come from constraints, options and indexes")]
    fn add_key(
        &mut self,
        name: &QualifiedName,
        kind: KeyKind,
        given: Option<String>,
        columns: &[sql::IndexColumn],
        include: Vec<String>,
        predicate: Option<String>,
        span: Span,
    ) -> Read {
        let elements = self.elements(name, columns)?;
        let dialect = self.dialect;
        let table = self.table(name)?;
        let made = match (dialect, elements.columns.first().or(elements.mentions.first())) {
            // MySQL names a key after its first column.
            (Dialect::Mysql, Some(first)) => {
                let taken = |name: &str| table.keys.iter().any(|key| key.name == name);
                let numbered = (2_u32..).map(|number| format!("{first}_{number}"));
                let mut candidates = std::iter::once(first.clone()).chain(numbered);
                candidates.find(|name| !taken(name)).unwrap_or_default()
            }
            _ => format!("sqlite_autoindex_{}_{}", name.name, table.keys.len() + 1),
        };
        if kind == KeyKind::Primary {
            let of_key = |column: &&mut Column| elements.columns.contains(&column.name);
            for column in table.columns.iter_mut().filter(of_key) {
                column.not_null |= dialect == Dialect::Mysql;
            }
        }
        let mut mentions = elements.mentions;
        mentions.extend(include);
        if let Some(predicate) = &predicate {
            mentions.extend(columns_in(dialect, predicate, table));
        }
        table.keys.push(Key {
            name: given.unwrap_or(made),
            kind,
            is_constraint: true,
            columns: elements.columns,
            has_expressions: elements.has_expressions,
            expressions: Vec::new(),
            mentions,
            predicate,
            deferrable: false,
            nulls_not_distinct: false,
            span,
        });
        Ok(())
    }

    fn add_index(
        &mut self,
        name: &QualifiedName,
        given: Option<String>,
        columns: &[sql::IndexColumn],
        predicate: Option<String>,
        span: Span,
    ) -> Read {
        let elements = self.elements(name, columns)?;
        let dialect = self.dialect;
        let table = self.table(name)?;
        let made = || elements.mentions.first().cloned().unwrap_or_default();
        let mut mentions = elements.mentions.clone();
        if let Some(predicate) = &predicate {
            mentions.extend(columns_in(dialect, predicate, table));
        }
        let name = given.unwrap_or_else(made);
        table.indexes.push(Index {
            name,
            columns: elements.leading,
            expressions: Vec::new(),
            mentions,
            predicate,
            span,
        });
        Ok(())
    }

    fn elements(&mut self, name: &QualifiedName, columns: &[sql::IndexColumn]) -> Read<Elements> {
        let dialect = self.dialect;
        let table = self.table(name)?;
        let mut elements = Elements::default();
        for element in columns {
            let sql::IndexColumn { column, operator_class: _ } = element;
            let sql::OrderByExpr { expr, options: _, with_fill: _ } = column;
            elements.mentions.extend(columns_in(dialect, &expr.to_string(), table));
            match expr {
                sql::Expr::Identifier(ident) => {
                    let column = fold(ident);
                    if table.column(&column).is_none() {
                        return Err(Refusal::of(name, format!("{} has no column {column}", name.name)));
                    }
                    if !elements.has_expressions {
                        elements.leading.push(column.clone());
                    }
                    elements.columns.push(column);
                }
                // An expression, a prefix of a column, or a column under another collation.
                _ => elements.has_expressions = true,
            }
        }
        Ok(elements)
    }

    fn add_foreign_key(
        &mut self,
        name: &QualifiedName,
        key: sql::ForeignKeyConstraint,
        stands: Stands,
        span: Span,
    ) -> Read {
        let sql::ForeignKeyConstraint {
            name: given,
            index_name: _,
            columns,
            foreign_table,
            referred_columns,
            on_delete,
            on_update,
            match_kind,
            characteristics,
        } = key;
        let target = self.relation(&foreign_table)?;
        let target_columns = match referred_columns.is_empty() {
            true => {
                let key = self.editor.catalog.tables.get(&target).and_then(Table::primary_key);
                key.map(|key| key.columns.clone()).unwrap_or_default()
            }
            false => folded(&referred_columns),
        };
        // SQLite enforces foreign keys only where a session asks for it.
        let enforced = self.dialect == Dialect::Mysql && stands == Stands::Alone;
        let table = self.table(name)?;
        let made = format!("{}_ibfk_{}", name.name, table.foreign_keys.len() + 1);
        table.foreign_keys.push(ForeignKey {
            name: given.as_ref().map_or(made, fold),
            columns: folded(&columns),
            target,
            target_columns,
            on_delete: action(on_delete),
            on_update: action(on_update),
            validated: enforced,
            deferrable: characteristics.is_some_and(|it| it.deferrable == Some(true)),
            match_full: matches!(match_kind, Some(sql::ConstraintReferenceMatchKind::Full)),
            span,
        });
        Ok(())
    }

    /// In tables without row numbers, and in strict ones, SQLite's primary key is not null; elsewhere it may be.
    fn finish_sqlite_keys(&mut self, name: &QualifiedName, not_null: bool) -> Read {
        let is_sqlite = self.dialect == Dialect::Sqlite;
        let table = self.table(name)?;
        let Some(key) = table.primary_key().filter(|_| is_sqlite).map(|key| key.columns.clone()) else {
            return Ok(());
        };
        let alone = key.len() == 1;
        for column in table.columns.iter_mut().filter(|column| key.contains(&column.name)) {
            column.not_null |= not_null;
            if alone && column.ty == SqlType::Int && column.default == ColumnDefault::Generated {
                column.not_null = true;
            }
        }
        Ok(())
    }

    /// `CREATE INDEX`.
    pub(super) fn create_index(&mut self, create: sql::CreateIndex) -> Read {
        let span = self.place(&create);
        let sql::CreateIndex {
            name,
            table_name,
            using: _,
            columns,
            unique,
            concurrently: _,
            r#async: _,
            if_not_exists,
            include,
            nulls_distinct: _,
            with: _,
            predicate,
            index_options: _,
            alter_options: _,
        } = create;
        let table = self.relation(&table_name)?;
        let given = match &name {
            Some(name) => Some(self.parts(name)?.1),
            None => None,
        };
        let exists = given.as_deref().is_some_and(|name| match self.dialect {
            // An index belongs to its table on MySQL, to the schema on SQLite.
            Dialect::Mysql => self.editor.catalog.tables.get(&table).is_some_and(|table| {
                table.indexes.iter().any(|it| it.name == name) || table.keys.iter().any(|it| it.name == name)
            }),
            Dialect::Sqlite | Dialect::Postgres => {
                self.editor.index_owner(Some(&table.schema), name).is_some()
            }
        });
        if exists {
            return match if_not_exists {
                true => Ok(()),
                false => Err(Refusal::of(&table, "there is an index of that name already")),
            };
        }
        let predicate = predicate.map(|predicate| predicate.to_string());
        match unique {
            true => self.add_key(&table, KeyKind::Unique, given, &columns, folded(&include), predicate, span),
            false => self.add_index(&table, given, &columns, predicate, span),
        }
    }
}

/// The elements of a key or index.
#[derive(Default)]
struct Elements {
    columns: Vec<String>,
    leading: Vec<String>,
    mentions: Vec<String>,
    has_expressions: bool,
}

/// Keys first: a foreign key may refer to those of its own table.
fn rank(constraint: &sql::TableConstraint) -> u8 {
    match constraint {
        sql::TableConstraint::PrimaryKey(_) | sql::TableConstraint::PrimaryKeyUsingIndex(_) => 0,
        sql::TableConstraint::Unique(_)
        | sql::TableConstraint::UniqueUsingIndex(_)
        | sql::TableConstraint::Exclude(_) => 1,
        sql::TableConstraint::Check(_)
        | sql::TableConstraint::Index(_)
        | sql::TableConstraint::FulltextOrSpatial(_) => 2,
        sql::TableConstraint::ForeignKey(_) => 3,
    }
}

fn plain_index_column(name: sql::Ident) -> sql::IndexColumn {
    let options = sql::OrderByOptions { sort: None, nulls_first: None };
    let column = sql::OrderByExpr { expr: sql::Expr::Identifier(name), options, with_fill: None };
    sql::IndexColumn { column, operator_class: None }
}

fn action(action: Option<sql::ReferentialAction>) -> ReferentialAction {
    match action {
        None | Some(sql::ReferentialAction::Restrict | sql::ReferentialAction::NoAction) => {
            ReferentialAction::Refuse
        }
        Some(sql::ReferentialAction::Cascade) => ReferentialAction::Cascade,
        Some(sql::ReferentialAction::SetNull) => ReferentialAction::SetNull(Vec::new()),
        Some(sql::ReferentialAction::SetDefault) => ReferentialAction::SetDefault(Vec::new()),
    }
}

/// The collation that a table's options give to its columns.
fn table_collation(options: &sql::CreateTableOptions) -> Option<String> {
    let options = match options {
        sql::CreateTableOptions::None => return None,
        sql::CreateTableOptions::With(options)
        | sql::CreateTableOptions::Options(options)
        | sql::CreateTableOptions::Plain(options)
        | sql::CreateTableOptions::TableProperties(options) => options,
    };
    options.iter().find_map(|option| match option {
        sql::SqlOption::KeyValue { key, value } if fold(key).ends_with("collate") => Some(value.to_string()),
        _ => None,
    })
}

/// What SQLite makes of the name of a type: <https://www.sqlite.org/datatype3.html>, 3.1.
fn affinity(name: &str) -> SqlType {
    let name = name.to_ascii_uppercase();
    let has = |part: &str| name.contains(part);
    if has("INT") {
        return SqlType::Int;
    }
    if has("CHAR") || has("CLOB") || has("TEXT") {
        return SqlType::Text;
    }
    if name.is_empty() || has("BLOB") {
        return SqlType::Bytes;
    }
    if has("REAL") || has("FLOA") || has("DOUB") {
        return SqlType::Float;
    }
    SqlType::Numeric
}
