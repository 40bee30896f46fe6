//! Statements of sea-query as SQL.

use tenantry_policy::Dialect;
use tenantry_span::Span;

use super::evaluate::{Call, Chain, Value};
use super::text::SchemaText;
use super::types::{expression, name_of, quoted, string, written};
use super::{SchemaStep, SeaOrm, entity, types};

/// A table's schema, where one is written, and its name.
pub(super) type Named = (Option<String>, String);

/// Why a statement is not written.
struct Refusal {
    why: String,
    span: Span,
    table: Option<Named>,
}

type Written<T> = Result<T, Refusal>;

/// The text of `Statement::from_string(backend, text)`.
pub(super) fn raw(chain: &Chain) -> Option<Value> {
    let is_statement = chain.root.iter().rev().nth(1).is_some_and(|of| of == "Statement");
    (is_statement && !is_rows(chain)).then(|| chain.args.get(1).cloned().unwrap_or(Value::Unknown))
}

/// True for statements that read or write rows. A text that comes with values is one: no definition takes any.
pub(super) fn is_rows(chain: &Chain) -> bool {
    let of = chain.root.iter().rev().nth(1).map_or("", String::as_str);
    let with_values = chain.root.last().is_some_and(|last| last == "from_sql_and_values")
        && !matches!(chain.args.get(2), Some(Value::List(values)) if values.is_empty())
        && !matches!(chain.args.get(1), Some(Value::Text(_) | Value::File(..)));
    with_values || matches!(of, "Query" | "InsertStatement" | "UpdateStatement" | "DeleteStatement")
}

/// The table that a statement changes, as far as it says.
pub(super) fn table(chain: &Chain) -> Option<Named> {
    let call = chain.calls.iter().find(|call| matches!(call.name.as_str(), "table" | "from_tbl" | "from"))?;
    call.args.first().and_then(named).map(|(name, _)| name)
}

/// The steps of a statement. `probed` holds where the code asks first whether the thing is there.
pub(super) fn statement(orm: &SeaOrm, dialect: Dialect, chain: &Chain, probed: bool) -> Vec<SchemaStep> {
    let mut writer = Writer { orm, dialect, probed, steps: Vec::new() };
    if let Err(refusal) = writer.statement(chain) {
        writer.refuse(refusal);
    }
    writer.steps
}

struct Writer<'a> {
    orm: &'a SeaOrm,
    dialect: Dialect,
    probed: bool,
    steps: Vec<SchemaStep>,
}

impl Writer<'_> {
    fn refuse(&mut self, refusal: Refusal) {
        let Refusal { why, span, table } = refusal;
        self.steps.push(SchemaStep::Unread { span, why, table });
    }

    fn done(&mut self, text: SchemaText) {
        self.steps.push(SchemaStep::Sql(text));
    }

    fn statement(&mut self, chain: &Chain) -> Written<()> {
        let last = chain.root.last().map_or("", String::as_str);
        let of = chain.root.iter().rev().nth(1).map_or("", String::as_str);
        match (of, last) {
            ("Table", "create") | ("TableCreateStatement", "new") | (_, "table_auto") => {
                self.create_table(chain)
            }
            ("Table", "alter") | ("TableAlterStatement", "new") => self.alter_table(chain),
            ("Table", "drop") | ("TableDropStatement", "new") => self.drop_table(chain),
            ("Table", "rename") | ("TableRenameStatement", "new") => self.rename_table(chain),
            ("Table", "truncate") => Ok(()),
            ("Index", "create") | ("IndexCreateStatement", "new") => {
                let text = self.index(chain, None)?;
                self.done(text);
                Ok(())
            }
            ("Index", "drop") => self.drop_index(chain),
            ("ForeignKey", "create") | ("ForeignKeyCreateStatement" | "TableForeignKey", "new") => {
                self.add_foreign_key(chain, None)
            }
            ("ForeignKey", "drop") => self.drop_foreign_key(chain),
            ("Type", "create") => self.create_type(chain),
            ("Type", "drop") => self.drop_type(chain),
            // A new value of an enumeration changes no column.
            ("Type", "alter") => Ok(()),
            ("Extension", _) => Ok(()),
            ("Schema", "new") => self.of_entity(chain),
            _ => Err(Refusal {
                why: format!("`{}` is not a statement that is known", chain.root.join("::")),
                span: chain.span,
                table: None,
            }),
        }
    }

    fn of_entity(&mut self, chain: &Chain) -> Written<()> {
        let call = chain.calls.first();
        let made = call.filter(|call| call.name == "create_table_from_entity");
        let name = made.and_then(|call| name_of(call.args.first()?));
        match name.and_then(|name| entity::find(self.orm, &name)) {
            Some(found) => {
                let mut text = entity::create(self.orm, found, self.dialect);
                text.span = chain.span;
                self.done(text);
                Ok(())
            }
            None => {
                let why = "what is made of the entity is not known".to_owned();
                Err(Refusal { why, span: chain.span, table: None })
            }
        }
    }

    /// The table that a chain names.
    fn table_of(&self, chain: &Chain) -> Written<(Named, Span)> {
        let call = chain.calls.iter().find(|call| call.name == "table");
        let value = match call {
            Some(call) => call.args.first(),
            None if chain.root.last().is_some_and(|last| last == "table_auto") => chain.args.first(),
            None => None,
        };
        let span = call.map_or(chain.span, |call| call.span);
        value.and_then(named).ok_or_else(|| Refusal {
            why: "the name of the table is not known".to_owned(),
            span,
            table: None,
        })
    }

    fn push_table(&self, text: &mut SchemaText, (schema, name): &Named, span: Span) {
        if let Some(schema) = schema {
            text.push(&quoted(schema, self.dialect));
            text.push(".");
        }
        text.push_from(&quoted(name, self.dialect), span);
    }

    fn push_name(&self, text: &mut SchemaText, name: &str, span: Span) {
        text.push_from(&quoted(name, self.dialect), span);
    }

    fn create_table(&mut self, chain: &Chain) -> Written<()> {
        let (table, span) = self.table_of(chain)?;
        let helper = chain.root.last().is_some_and(|last| last == "table_auto");
        let guarded = helper || self.probed || chain.calls.iter().any(|call| call.name == "if_not_exists");
        let temporary = chain.calls.iter().any(|call| call.name == "temporary");
        let mut text = SchemaText::new(chain.span);
        text.push(if temporary { "CREATE TEMPORARY TABLE " } else { "CREATE TABLE " });
        text.push(if guarded { "IF NOT EXISTS " } else { "" });
        self.push_table(&mut text, &table, span);
        text.push(" (");
        let mut parts: Vec<SchemaText> = Vec::new();
        let mut tail = SchemaText::new(chain.span);
        let mut alone: Vec<Chain> = Vec::new();
        for call in &chain.calls {
            let argument = call.args.first();
            match (call.name.as_str(), argument) {
                ("table" | "if_not_exists" | "temporary" | "comment" | "engine" | "character_set", _) => {}
                ("col", Some(Value::Chain(column))) => match self.column(column, &table) {
                    Ok(column) => parts.push(column),
                    Err(refusal) => self.refuse(refusal),
                },
                ("primary_key", Some(Value::Chain(index))) => {
                    parts.push(self.key(index, "PRIMARY KEY", &table)?)
                }
                ("index", Some(Value::Chain(index))) => {
                    let unique = index.calls.iter().any(|call| call.name == "unique");
                    let primary = index.calls.iter().any(|call| call.name == "primary");
                    match (primary, unique) {
                        (true, _) => parts.push(self.key(index, "PRIMARY KEY", &table)?),
                        (false, true) => parts.push(self.key(index, "UNIQUE", &table)?),
                        (false, false) => alone.push((**index).clone()),
                    }
                }
                ("foreign_key", Some(Value::Chain(key))) => {
                    parts.push(self.foreign_key(key, Some(&table))?.1)
                }
                ("check", Some(condition)) => {
                    if let Some(condition) = expression(condition) {
                        let mut check = SchemaText::new(call.span);
                        check.push("CHECK (");
                        check.push_text(&condition);
                        check.push(")");
                        parts.push(check);
                    } else {
                        self.note(call, "the condition of a check", &table);
                    }
                }
                ("collate", Some(value)) => {
                    if let Some(name) = name_of(value).filter(|_| self.dialect == Dialect::Mysql) {
                        tail.push(&format!(" COLLATE {name}"));
                    }
                }
                ("extra", Some(Value::Text(extra))) => {
                    tail.push(" ");
                    tail.push_text(extra);
                }
                _ => self.uncertain(call, &table),
            }
        }
        if helper {
            for name in ["created_at", "updated_at"] {
                let ty = written("timestamp_with_time_zone", &[], self.dialect).unwrap_or_default();
                let mut column = SchemaText::new(chain.span);
                self.push_name(&mut column, name, chain.span);
                column.push(&format!(" {ty} NOT NULL DEFAULT CURRENT_TIMESTAMP"));
                parts.push(column);
            }
        }
        push_list(&mut text, &parts);
        text.push(")");
        text.push_text(&tail);
        self.done(text);
        for index in alone {
            let text = self.index(&index, Some(&table))?;
            self.done(text);
        }
        Ok(())
    }

    /// A part that was left out, which takes nothing away from what is certain.
    fn note(&mut self, call: &Call, what: &str, table: &Named) {
        let why = format!("{what} of {} is not known", table.1);
        self.steps.push(SchemaStep::Unread { span: call.span, why, table: None });
    }

    /// A part that may mean anything: the table is not certain any more.
    fn uncertain(&mut self, call: &Call, table: &Named) {
        let why = format!("`{}` of {} is not understood", call.name, table.1);
        self.refuse(Refusal { why, span: call.span, table: Some(table.clone()) });
    }

    /// A column: `ColumnDef::new(…)…` or a function of `sea_orm_migration::schema`.
    fn column(&mut self, chain: &Chain, table: &Named) -> Written<SchemaText> {
        let last = chain.root.last().map_or("", String::as_str);
        let named = chain.args.first().and_then(name_and_span);
        let Some((name, span)) = named else {
            let why = format!("the name of a column of {} is not known", table.1);
            return Err(Refusal { why, span: chain.span, table: Some(table.clone()) });
        };
        let mut column = Column::default();
        let is_def = chain.root.iter().rev().nth(1).is_some_and(|of| of == "ColumnDef");
        if is_def {
            if last == "new_with_type" {
                column.ty = chain.args.get(1).and_then(|ty| types::of_column_type(ty, self.dialect));
            }
        } else {
            column.helper(last, chain.args.get(1..).unwrap_or_default(), self.dialect);
        }
        let mut extra = SchemaText::new(chain.span);
        for call in &chain.calls {
            self.column_call(call, &mut column, &mut extra, table);
        }
        let mut text = SchemaText::new(chain.span);
        self.push_name(&mut text, &name, span);
        let ty = column.written_type(self.dialect);
        if ty.is_none() {
            self.steps.push(SchemaStep::Unread {
                span: chain.span,
                why: format!("the type of {}.{name} is not known", table.1),
                table: None,
            });
        }
        // A type of a name that no database has is equal to nothing else.
        text.push(&format!(" {}", ty.unwrap_or_else(|| quoted("unread type", self.dialect))));
        if column.not_null {
            text.push(" NOT NULL");
        }
        if column.primary {
            text.push(" PRIMARY KEY");
        }
        if column.unique {
            text.push(" UNIQUE");
        }
        if column.counts {
            text.push(match self.dialect {
                Dialect::Postgres => "",
                Dialect::Mysql => " AUTO_INCREMENT",
                Dialect::Sqlite => " AUTOINCREMENT",
            });
        }
        text.push_text(&extra);
        Ok(text)
    }

    fn column_call(&mut self, call: &Call, column: &mut Column, extra: &mut SchemaText, table: &Named) {
        let argument = call.args.first();
        match (call.name.as_str(), argument) {
            ("not_null", _) => column.not_null = true,
            ("null", _) => column.null = true,
            ("primary_key", _) => column.primary = true,
            ("unique_key" | "unique", _) => column.unique = true,
            ("auto_increment", _) => column.counts = true,
            ("comment" | "using", _) => {}
            ("default", Some(value)) => match expression(value) {
                Some(value) => {
                    column.has_default = true;
                    extra.push(" DEFAULT ");
                    if self.dialect != Dialect::Postgres && value.sql.ends_with(')') {
                        extra.push("(");
                        extra.push_text(&value);
                        extra.push(")");
                    } else {
                        extra.push_text(&value);
                    }
                }
                None => {
                    column.has_default = true;
                    // Not NULL, and not known: as good as any function.
                    extra.push(" DEFAULT (unread_default())");
                    self.note(call, "a default", table);
                }
            },
            ("check", Some(value)) => match expression(value) {
                Some(value) => {
                    extra.push(" CHECK (");
                    extra.push_text(&value);
                    extra.push(")");
                }
                None => self.note(call, "the condition of a check", table),
            },
            ("extra", Some(Value::Text(value))) => {
                extra.push(" ");
                extra.push_text(value);
            }
            (name, _) if types::is_type(name) => column.ty = written(name, &call.args, self.dialect),
            _ => self.uncertain(call, table),
        }
    }

    fn columns_of(&self, calls: &[&Call], table: &Named) -> Written<Vec<(String, Span)>> {
        let mut found = Vec::new();
        for call in calls {
            // `(column, order)` and `(column, length)` are a column; several columns are a tuple of names.
            let values: Vec<&Value> = call.args.iter().flat_map(flat).collect();
            for value in values {
                match (name_and_span(value), value) {
                    (Some(column), _) => found.push(column),
                    (None, Value::Path(path)) if path.iter().any(|part| part == "IndexOrder") => {}
                    (None, Value::Number(_)) => {}
                    (None, _) => {
                        let why = format!("a column of a key of {} is not known", table.1);
                        return Err(Refusal { why, span: call.span, table: Some(table.clone()) });
                    }
                }
            }
        }
        Ok(found)
    }

    fn push_columns(&self, text: &mut SchemaText, columns: &[(String, Span)]) {
        text.push(" (");
        for (at, (name, span)) in columns.iter().enumerate() {
            text.push(if at == 0 { "" } else { ", " });
            self.push_name(text, name, *span);
        }
        text.push(")");
    }

    /// A primary or unique key within a table.
    fn key(&mut self, chain: &Chain, words: &str, table: &Named) -> Written<SchemaText> {
        let columns: Vec<&Call> = chain.calls.iter().filter(|call| call.name == "col").collect();
        let columns = self.columns_of(&columns, table)?;
        let mut text = SchemaText::new(chain.span);
        if let Some((name, span)) = name_call(chain, "name").filter(|_| self.dialect != Dialect::Sqlite) {
            text.push("CONSTRAINT ");
            self.push_name(&mut text, &name, span);
            text.push(" ");
        }
        text.push(words);
        if chain.calls.iter().any(|call| call.name == "nulls_not_distinct") {
            text.push(" NULLS NOT DISTINCT");
        }
        self.push_columns(&mut text, &columns);
        for call in &chain.calls {
            let known = [
                "table",
                "name",
                "col",
                "unique",
                "primary",
                "if_not_exists",
                "nulls_not_distinct",
                "index_type",
            ];
            if !known.contains(&call.name.as_str()) {
                self.uncertain(call, table);
            }
        }
        Ok(text)
    }

    /// An index as a statement of its own.
    fn index(&mut self, chain: &Chain, of: Option<&Named>) -> Written<SchemaText> {
        let (table, table_span) = match (self.table_of(chain), of) {
            (Ok(found), _) => found,
            (Err(_), Some(of)) => (of.clone(), chain.span),
            (Err(refusal), None) => return Err(refusal),
        };
        let mut text = SchemaText::new(chain.span);
        let has = |name: &str| chain.calls.iter().any(|call| call.name == name);
        text.push(if has("unique") { "CREATE UNIQUE INDEX " } else { "CREATE INDEX " });
        let name = name_call(chain, "name");
        if (has("if_not_exists") || self.probed) && name.is_some() && self.dialect != Dialect::Mysql {
            text.push("IF NOT EXISTS ");
        }
        if let Some((name, span)) = name {
            self.push_name(&mut text, &name, span);
            text.push(" ");
        }
        text.push("ON ");
        self.push_table(&mut text, &table, table_span);
        let columns: Vec<&Call> = chain.calls.iter().filter(|call| call.name == "col").collect();
        match self.columns_of(&columns, &table) {
            Ok(columns) => self.push_columns(&mut text, &columns),
            // An index over something else is still a key that rows can meet at.
            Err(refusal) if has("unique") => return Err(refusal),
            Err(_) => text.push(" ((unread()))"),
        }
        if has("nulls_not_distinct") {
            text.push(" NULLS NOT DISTINCT");
        }
        for call in &chain.calls {
            match (call.name.as_str(), call.args.first()) {
                ("table" | "name" | "col" | "unique" | "if_not_exists" | "nulls_not_distinct", _) => {}
                ("index_type" | "full_text" | "concurrently" | "include", _) => {}
                ("and_where" | "cond_where" | "and_where_option", value) => {
                    text.push(" WHERE ");
                    match value.and_then(expression) {
                        Some(condition) => text.push_text(&condition),
                        None => {
                            text.push("(unread_condition())");
                            self.note(call, "the condition of an index", &table);
                        }
                    }
                }
                _ => self.uncertain(call, &table),
            }
        }
        Ok(text)
    }

    /// `CONSTRAINT … FOREIGN KEY (…) REFERENCES … (…) …`, and the table that it belongs to.
    fn foreign_key(&mut self, chain: &Chain, of: Option<&Named>) -> Written<(Named, SchemaText)> {
        let mut from: Option<Named> = None;
        let mut to: Option<(Named, Span)> = None;
        let (mut from_calls, mut to_calls): (Vec<Call>, Vec<Call>) = (Vec::new(), Vec::new());
        let mut actions = String::new();
        let rest =
            |call: &Call| Call { args: call.args.get(1..).unwrap_or_default().to_vec(), ..call.clone() };
        for call in &chain.calls {
            let argument = call.args.first();
            match call.name.as_str() {
                "name" => {}
                "from" => {
                    from = argument.and_then(named).map(|(name, _)| name);
                    from_calls.push(rest(call));
                }
                "from_tbl" => from = argument.and_then(named).map(|(name, _)| name),
                "from_col" => from_calls.push(call.clone()),
                "to" => {
                    to = argument.and_then(named);
                    to_calls.push(rest(call));
                }
                "to_tbl" => to = argument.and_then(named),
                "to_col" => to_calls.push(call.clone()),
                "on_delete" => actions.push_str(&format!(" ON DELETE {}", action(argument))),
                "on_update" => actions.push_str(&format!(" ON UPDATE {}", action(argument))),
                _ => {
                    if let Some(table) = of.cloned().or(from.clone()) {
                        self.uncertain(call, &table);
                    }
                }
            }
        }
        let missing = |what: &str| Refusal {
            why: format!("{what} of a foreign key is not known"),
            span: chain.span,
            table: of.cloned(),
        };
        let table = of.cloned().or(from).ok_or_else(|| missing("the table"))?;
        let (target, target_span) = to.ok_or_else(|| missing("the target"))?;
        let columns = self.columns_of(&from_calls.iter().collect::<Vec<_>>(), &table)?;
        let targets = self.columns_of(&to_calls.iter().collect::<Vec<_>>(), &table)?;
        let mut text = SchemaText::new(chain.span);
        if let Some((name, span)) = name_call(chain, "name") {
            text.push("CONSTRAINT ");
            self.push_name(&mut text, &name, span);
            text.push(" ");
        }
        text.push("FOREIGN KEY");
        self.push_columns(&mut text, &columns);
        text.push(" REFERENCES ");
        self.push_table(&mut text, &target, target_span);
        self.push_columns(&mut text, &targets);
        text.push(&actions);
        Ok((table, text))
    }

    fn add_foreign_key(&mut self, chain: &Chain, of: Option<&Named>) -> Written<()> {
        let (table, key) = self.foreign_key(chain, of)?;
        let mut text = self.alter(&table, chain.span);
        text.push("ADD ");
        text.push_text(&key);
        self.done(text);
        Ok(())
    }

    fn alter(&self, table: &Named, span: Span) -> SchemaText {
        let mut text = SchemaText::new(span);
        text.push("ALTER TABLE ");
        self.push_table(&mut text, table, span);
        text.push(" ");
        text
    }

    fn alter_table(&mut self, chain: &Chain) -> Written<()> {
        let (table, _) = self.table_of(chain)?;
        for call in &chain.calls {
            if let Err(mut refusal) = self.alteration(call, &table) {
                refusal.table.get_or_insert_with(|| table.clone());
                self.refuse(refusal);
            }
        }
        Ok(())
    }

    fn alteration(&mut self, call: &Call, table: &Named) -> Written<()> {
        let mut text = self.alter(table, call.span);
        let names: Vec<Option<(String, Span)>> = call.args.iter().map(name_and_span).collect();
        match (call.name.as_str(), call.args.first(), names.as_slice()) {
            ("table", ..) => {}
            ("add_column" | "add_column_if_not_exists", Some(Value::Chain(column)), _) => {
                // Elsewhere there is no such guard: a column that is there already is told of.
                let guarded = (self.probed || call.name == "add_column_if_not_exists")
                    && self.dialect == Dialect::Postgres;
                let column = self.column(column, table)?;
                text.push(if guarded { "ADD COLUMN IF NOT EXISTS " } else { "ADD COLUMN " });
                text.push_text(&column);
                self.done(text);
            }
            ("modify_column", Some(Value::Chain(column)), _) => self.modify(column, table)?,
            ("rename_column", _, [Some((from, from_span)), Some((to, to_span))]) => {
                text.push("RENAME COLUMN ");
                self.push_name(&mut text, from, *from_span);
                text.push(" TO ");
                self.push_name(&mut text, to, *to_span);
                self.done(text);
            }
            ("drop_column" | "drop_column_if_exists", _, [Some((name, span)), ..]) => {
                text.push("DROP COLUMN ");
                let guarded = self.probed || call.name != "drop_column";
                text.push(if guarded && self.dialect == Dialect::Postgres { "IF EXISTS " } else { "" });
                self.push_name(&mut text, name, *span);
                self.done(text);
            }
            ("add_foreign_key", Some(Value::Chain(key)), _) => self.add_foreign_key(key, Some(table))?,
            ("drop_foreign_key", _, [Some((name, span)), ..]) => {
                text.push(if self.dialect == Dialect::Mysql {
                    "DROP FOREIGN KEY "
                } else {
                    "DROP CONSTRAINT "
                });
                self.push_name(&mut text, name, *span);
                self.done(text);
            }
            _ => self.uncertain(call, table),
        }
        Ok(())
    }

    fn modify(&mut self, chain: &Chain, table: &Named) -> Written<()> {
        if self.dialect != Dialect::Postgres {
            let column = self.column(chain, table)?;
            let mut text = self.alter(table, chain.span);
            text.push("MODIFY COLUMN ");
            text.push_text(&column);
            self.done(text);
            return Ok(());
        }
        let Some((name, span)) = chain.args.first().and_then(name_and_span) else {
            let why = format!("the name of a column of {} is not known", table.1);
            return Err(Refusal { why, span: chain.span, table: Some(table.clone()) });
        };
        let mut column = Column::default();
        let mut extra = SchemaText::new(chain.span);
        for call in &chain.calls {
            self.column_call(call, &mut column, &mut extra, table);
        }
        let mut changes: Vec<String> = Vec::new();
        changes.extend(column.ty.clone().map(|ty| format!("TYPE {ty}")));
        changes.extend(column.not_null.then(|| "SET NOT NULL".to_owned()));
        changes.extend(column.null.then(|| "DROP NOT NULL".to_owned()));
        changes.extend(column.has_default.then(|| format!("SET{}", extra.sql)));
        for change in changes {
            let mut text = self.alter(table, chain.span);
            text.push("ALTER COLUMN ");
            self.push_name(&mut text, &name, span);
            text.push(&format!(" {change}"));
            self.done(text);
        }
        for (is_set, words) in [(column.unique, "ADD UNIQUE"), (column.primary, "ADD PRIMARY KEY")] {
            if is_set {
                let mut text = self.alter(table, chain.span);
                text.push(words);
                self.push_columns(&mut text, &[(name.clone(), span)]);
                self.done(text);
            }
        }
        Ok(())
    }

    fn drop_table(&mut self, chain: &Chain) -> Written<()> {
        let has = |name: &str| chain.calls.iter().any(|call| call.name == name);
        let tables: Vec<&Call> = chain.calls.iter().filter(|call| call.name == "table").collect();
        for call in tables {
            let Some((table, span)) = call.args.first().and_then(named) else {
                let why = "the name of the table is not known".to_owned();
                return Err(Refusal { why, span: call.span, table: None });
            };
            let mut text = SchemaText::new(chain.span);
            text.push("DROP TABLE ");
            text.push(if has("if_exists") || self.probed { "IF EXISTS " } else { "" });
            self.push_table(&mut text, &table, span);
            text.push(if has("cascade") { " CASCADE" } else { "" });
            self.done(text);
        }
        Ok(())
    }

    fn rename_table(&mut self, chain: &Chain) -> Written<()> {
        let call = chain.calls.iter().find(|call| call.name == "table");
        let names = call.map(|call| (call.args.first().and_then(named), call.args.get(1).and_then(named)));
        let Some((Some((from, _)), Some((to, to_span)))) = names else {
            let why = "the names of a renamed table are not known".to_owned();
            return Err(Refusal { why, span: chain.span, table: None });
        };
        let mut text = self.alter(&from, chain.span);
        text.push("RENAME TO ");
        self.push_name(&mut text, &to.1, to_span);
        self.done(text);
        Ok(())
    }

    fn drop_index(&mut self, chain: &Chain) -> Written<()> {
        let Some((name, span)) = name_call(chain, "name") else {
            let table = self.table_of(chain).ok().map(|(table, _)| table);
            return Err(Refusal {
                why: "the name of an index is not known".to_owned(),
                span: chain.span,
                table,
            });
        };
        let guarded = self.probed || chain.calls.iter().any(|call| call.name == "if_exists");
        let mut text = SchemaText::new(chain.span);
        text.push("DROP INDEX ");
        text.push(if guarded && self.dialect != Dialect::Mysql { "IF EXISTS " } else { "" });
        let table = self.table_of(chain).ok();
        // PostgreSQL's indexes live in the schema of their table.
        if let (Dialect::Postgres, Some(((Some(schema), _), _))) = (self.dialect, &table) {
            text.push(&format!("{}.", quoted(schema, self.dialect)));
        }
        self.push_name(&mut text, &name, span);
        if let (Dialect::Mysql, Some((table, table_span))) = (self.dialect, &table) {
            text.push(" ON ");
            self.push_table(&mut text, table, *table_span);
        }
        self.done(text);
        Ok(())
    }

    fn drop_foreign_key(&mut self, chain: &Chain) -> Written<()> {
        let (table, _) = self.table_of(chain)?;
        let Some((name, span)) = name_call(chain, "name") else {
            let why = "the name of a foreign key is not known".to_owned();
            return Err(Refusal { why, span: chain.span, table: Some(table) });
        };
        let mut text = self.alter(&table, chain.span);
        text.push(if self.dialect == Dialect::Mysql { "DROP FOREIGN KEY " } else { "DROP CONSTRAINT " });
        self.push_name(&mut text, &name, span);
        self.done(text);
        Ok(())
    }

    fn create_type(&mut self, chain: &Chain) -> Written<()> {
        let Some((name, span)) = name_call(chain, "as_enum") else {
            let why = "the name of a type is not known".to_owned();
            return Err(Refusal { why, span: chain.span, table: None });
        };
        let values = chain
            .calls
            .iter()
            .filter(|call| call.name == "values")
            .flat_map(|call| call.args.iter().flat_map(flat));
        let values: Vec<String> = values.filter_map(name_of).map(|value| string(&value)).collect();
        let mut text = SchemaText::new(chain.span);
        text.push("CREATE TYPE ");
        self.push_name(&mut text, &name, span);
        text.push(&format!(" AS ENUM ({})", values.join(", ")));
        self.done(text);
        Ok(())
    }

    fn drop_type(&mut self, chain: &Chain) -> Written<()> {
        let Some((name, span)) = name_call(chain, "name") else {
            let why = "the name of a type is not known".to_owned();
            return Err(Refusal { why, span: chain.span, table: None });
        };
        let mut text = SchemaText::new(chain.span);
        text.push("DROP TYPE IF EXISTS ");
        self.push_name(&mut text, &name, span);
        self.done(text);
        Ok(())
    }
}

/// A column in the making.
#[derive(Default)]
struct Column {
    ty: Option<String>,
    not_null: bool,
    null: bool,
    primary: bool,
    unique: bool,
    counts: bool,
    has_default: bool,
}

impl Column {
    /// `string(…)`, `string_null(…)`, `string_uniq(…)`, `pk_auto(…)`, …
    fn helper(&mut self, name: &str, args: &[Value], dialect: Dialect) {
        let (base, null, unique) = match (name.strip_suffix("_null"), name.strip_suffix("_uniq")) {
            (Some(base), _) => (base, true, false),
            (None, Some(base)) => (base, false, true),
            (None, None) => (name, false, false),
        };
        self.not_null = !null;
        self.unique = unique;
        let ty = match base {
            "pk_auto" => "integer",
            "big_pk_auto" => "big_integer",
            "pk_uuid" | "pk_auto_uuid" => "uuid",
            other => other,
        };
        self.primary = base != ty;
        self.counts = self.primary && ty != "uuid";
        self.ty = written(ty, args, dialect);
    }

    fn written_type(&self, dialect: Dialect) -> Option<String> {
        let ty = self.ty.clone()?;
        if !self.counts || dialect != Dialect::Postgres {
            // Only an INTEGER counts by itself there.
            return Some(if self.counts && dialect == Dialect::Sqlite { "integer".to_owned() } else { ty });
        }
        Some(match ty.as_str() {
            "smallint" => "smallserial".to_owned(),
            "integer" => "serial".to_owned(),
            "bigint" => "bigserial".to_owned(),
            _ => ty,
        })
    }
}

/// `ForeignKeyAction::Cascade`; what is not known is taken for the action that does the most.
fn action(value: Option<&Value>) -> &'static str {
    let last = match value {
        Some(Value::Path(path)) => path.last().map(String::as_str),
        _ => None,
    };
    match last {
        Some("Restrict") => "RESTRICT",
        Some("NoAction") => "NO ACTION",
        Some("SetNull") => "SET NULL",
        Some("SetDefault") => "SET DEFAULT",
        _ => "CASCADE",
    }
}

fn flat(value: &Value) -> Vec<&Value> {
    match value {
        Value::List(values) => values.iter().flat_map(flat).collect(),
        other => vec![other],
    }
}

fn name_and_span(value: &Value) -> Option<(String, Span)> {
    match value {
        Value::Iden(name, span) => Some((name.clone(), *span)),
        Value::Text(text) => Some((text.sql.clone(), text.span)),
        _ => None,
    }
}

fn name_call(chain: &Chain, name: &str) -> Option<(String, Span)> {
    let call = chain.calls.iter().find(|call| call.name == name)?;
    name_and_span(call.args.first()?)
}

/// A table's name, with its schema where it is a pair.
fn named(value: &Value) -> Option<(Named, Span)> {
    match value {
        Value::List(parts) => match parts.as_slice() {
            [schema, table] => {
                let (name, span) = name_and_span(table)?;
                Some(((Some(name_of(schema)?), name), span))
            }
            _ => None,
        },
        other => {
            let (name, span) = name_and_span(other)?;
            Some(((None, name), span))
        }
    }
}

fn push_list(text: &mut SchemaText, parts: &[SchemaText]) {
    for (at, part) in parts.iter().enumerate() {
        text.push(if at == 0 { "\n  " } else { ",\n  " });
        text.push_text(part);
    }
}
