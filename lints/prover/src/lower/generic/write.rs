//! INSERT, UPDATE and DELETE.

use sqlparser::ast as sql;
use tenantry_policy::Dialect;

use super::Lowering;
use crate::ast::{
    Assignment, ConflictAction, ConflictTarget, Delete, Expr, ExprKind, Ident, Insert, ObjectName,
    OnConflict, Query, SetExpr, TableExpr, TextRange, Update, With,
};

impl Lowering<'_> {
    pub(super) fn insert(&mut self, insert: sql::Insert, with: Option<With>) -> Insert {
        let range = self.range;
        let sql::Insert {
            insert_token: _,
            optimizer_hints,
            or,
            ignore,
            into: _,
            table,
            table_alias,
            columns,
            overwrite,
            source,
            assignments,
            partitioned,
            after_columns,
            has_table_keyword,
            on,
            returning,
            output,
            replace_into,
            // LOW_PRIORITY and DELAYED say when, not what.
            priority: _,
            insert_alias,
            settings,
            format_clause,
            multi_table_insert_type,
            multi_table_into_clauses,
            multi_table_when_clauses,
            multi_table_else_clause,
        } = insert;
        self.absent(optimizer_hints.is_empty(), range, "an optimizer hint");
        self.absent(!overwrite && !has_table_keyword, range, "`INSERT OVERWRITE` or `INSERT INTO TABLE`");
        self.absent(partitioned.is_none() && after_columns.is_empty(), range, "`PARTITION`");
        self.absent(output.is_none(), range, "`OUTPUT`");
        self.absent(insert_alias.is_none(), range, "an alias of the inserted row");
        self.absent(settings.is_none() && format_clause.is_none(), range, "`SETTINGS` or `FORMAT`");
        let one_table = multi_table_insert_type.is_none() && multi_table_into_clauses.is_empty();
        let one_table = one_table && multi_table_when_clauses.is_empty() && multi_table_else_clause.is_none();
        self.absent(one_table, range, "an INSERT into several tables");

        let table = self.insert_target(table);
        let alias =
            table_alias.map(|sql::TableAliasWithoutColumns { explicit: _, alias }| self.alias_name(&alias));
        let mut columns: Vec<Ident> = columns.iter().map(|column| self.column_name(column)).collect();
        let mut source = source.map(|source| Box::new(self.query(*source)));
        if !assignments.is_empty() {
            self.absent(source.is_none() && columns.is_empty(), range, "both `SET` and values");
            let (set_columns, query) = self.insert_set(assignments, &table, alias.as_ref());
            (columns, source) = (set_columns, Some(Box::new(query)));
        }
        let on_conflict = self.conflict(or, ignore, replace_into, on, &table, alias.as_ref());
        Insert {
            with,
            table,
            alias,
            columns,
            source,
            on_conflict,
            returning: self.select_items(returning.unwrap_or_default(), range),
            range,
        }
    }

    fn insert_target(&mut self, table: sql::TableObject) -> ObjectName {
        match table {
            sql::TableObject::TableName(name) => self.table_name(&name),
            sql::TableObject::TableFunction(_) | sql::TableObject::TableQuery(_) => {
                self.refuse(self.range, "an INSERT into what is no table");
                let part = Ident { text: String::new(), quoted: true, range: self.range };
                ObjectName { parts: vec![part], range: self.range }
            }
        }
    }

    /// `INSERT INTO t SET a = 1, b = 2` is `INSERT INTO t (a, b) VALUES (1, 2)`, unless a value reads a column.
    fn insert_set(
        &mut self,
        assignments: Vec<sql::Assignment>,
        table: &ObjectName,
        alias: Option<&Ident>,
    ) -> (Vec<Ident>, Query) {
        let (mut columns, mut row) = (Vec::new(), Vec::new());
        for assignment in self.assignments(assignments, table, alias) {
            let Assignment { columns: targets, partial: _, value } = assignment;
            self.absent(targets.len() == 1, self.range, "several columns at once in `INSERT … SET`");
            columns.extend(targets);
            row.push(value);
        }
        let query = Query {
            with: None,
            body: SetExpr::Values(vec![row]),
            order_by: Vec::new(),
            limit: None,
            offset: None,
            fetch: None,
            locking: Vec::new(),
            range: self.range,
        };
        (columns, query)
    }

    fn conflict(
        &mut self,
        or: Option<sql::SqliteOnConflict>,
        ignore: bool,
        replace: bool,
        on: Option<sql::OnInsert>,
        table: &ObjectName,
        alias: Option<&Ident>,
    ) -> Option<OnConflict> {
        use sql::SqliteOnConflict as Or;
        let implied = match or {
            Some(Or::Ignore) => Some(ConflictAction::Nothing),
            Some(Or::Replace) => Some(ConflictAction::Replace),
            // An error either way; how much of the transaction it takes along is not a question of tenants.
            Some(Or::Rollback | Or::Abort | Or::Fail) | None => None,
        };
        let mut actions: Vec<(ConflictTarget, ConflictAction)> = Vec::new();
        actions.extend(implied.map(|action| (ConflictTarget::Any, action)));
        if ignore {
            actions.push((ConflictTarget::Any, ConflictAction::Nothing));
        }
        if replace {
            actions.push((ConflictTarget::Any, ConflictAction::Replace));
        }
        match on {
            None => {}
            Some(sql::OnInsert::DuplicateKeyUpdate(assignments)) => {
                self.in_upsert = true;
                let assignments = self.assignments(assignments, table, alias);
                self.in_upsert = false;
                let action = ConflictAction::Update { assignments, filter: None };
                actions.push((ConflictTarget::Any, action));
            }
            Some(sql::OnInsert::OnConflict(conflict)) => {
                actions.push(self.on_conflict(conflict, table, alias))
            }
            // The parser's type is open: what a later version adds is refused.
            Some(other) => self.refuse(self.range, format!("the clause `{other}`")),
        }
        self.absent(actions.len() <= 1, self.range, "more than one answer to a conflict");
        // Where there are several the statement is refused; the one that writes most is kept.
        let (target, action) = actions.pop()?;
        Some(OnConflict { target, action, range: self.range })
    }

    fn on_conflict(
        &mut self,
        conflict: sql::OnConflict,
        table: &ObjectName,
        alias: Option<&Ident>,
    ) -> (ConflictTarget, ConflictAction) {
        let sql::OnConflict { conflict_target, action } = conflict;
        let target = match conflict_target {
            None => ConflictTarget::Any,
            Some(sql::ConflictTarget::Columns(columns)) => {
                let elements = columns.iter().map(|column| {
                    let column = self.ident(column);
                    let range = column.range;
                    Expr { kind: ExprKind::Column(vec![column]), range }
                });
                ConflictTarget::Columns { elements: elements.collect(), filter: None }
            }
            Some(sql::ConflictTarget::OnConstraint(name)) => {
                self.refuse(self.range, "`ON CONFLICT ON CONSTRAINT`");
                ConflictTarget::Constraint(self.column_name(&name))
            }
        };
        let action = match action {
            sql::OnConflictAction::DoNothing => ConflictAction::Nothing,
            sql::OnConflictAction::DoUpdate(sql::DoUpdate { assignments, selection }) => {
                ConflictAction::Update {
                    assignments: self.assignments(assignments, table, alias),
                    filter: selection.map(|filter| self.expr(filter)),
                }
            }
        };
        (target, action)
    }

    fn assignments(
        &mut self,
        assignments: Vec<sql::Assignment>,
        table: &ObjectName,
        alias: Option<&Ident>,
    ) -> Vec<Assignment> {
        let mut out = Vec::with_capacity(assignments.len());
        for sql::Assignment { target, value } in assignments {
            let columns = match target {
                sql::AssignmentTarget::ColumnName(name) => vec![self.assigned(&name, table, alias)],
                sql::AssignmentTarget::Tuple(names) => {
                    names.iter().map(|name| self.assigned(name, table, alias)).collect()
                }
            };
            out.push(Assignment { columns, partial: false, value: self.expr(value) });
        }
        out
    }

    /// An assigned column; a qualifier must name the target.
    fn assigned(&mut self, name: &sql::ObjectName, table: &ObjectName, alias: Option<&Ident>) -> Ident {
        let ObjectName { mut parts, range } = self.object_name(name);
        let column = parts.pop();
        let target = alias.or(table.parts.last()).map(|target| target.text.as_str());
        match parts.as_slice() {
            [] => {}
            [qualifier] if Some(qualifier.text.as_str()) == target => {}
            [_, ..] => self.refuse(range, "an assignment to a column of another table"),
        }
        column.unwrap_or(Ident { text: String::new(), quoted: true, range })
    }

    pub(super) fn update(&mut self, update: sql::Update, with: Option<With>) -> Update {
        let range = self.range;
        let sql::Update {
            update_token: _,
            optimizer_hints,
            table,
            assignments,
            from,
            selection,
            returning,
            output,
            or,
            order_by,
            limit,
        } = update;
        self.absent(optimizer_hints.is_empty(), range, "an optimizer hint");
        self.absent(output.is_none(), range, "`OUTPUT`");
        let replaces = self.update_or(or);
        self.absent(table.joins.is_empty(), range, "an UPDATE of several tables");
        let target = self.table_with_joins(table);
        let (name, alias) = self.target_names(&target);
        let from = match from {
            None => Vec::new(),
            Some(sql::UpdateTableFromKind::AfterSet(tables)) => {
                self.absent(self.dialect == Dialect::Sqlite, range, "`UPDATE … FROM`");
                self.from(tables)
            }
            Some(sql::UpdateTableFromKind::BeforeSet(tables)) => {
                self.refuse(range, "`FROM` before `SET`");
                self.from(tables)
            }
        };
        Update {
            with,
            assignments: self.assignments(assignments, &name, alias.as_ref()),
            target,
            from,
            filter: selection.map(|filter| self.expr(filter)),
            limit: self.some_rows(order_by, limit),
            returning: self.select_items(returning.unwrap_or_default(), range),
            replaces,
            range,
        }
    }

    fn update_or(&mut self, or: Option<sql::SqliteOnConflict>) -> bool {
        use sql::SqliteOnConflict as Or;
        match or {
            Some(Or::Replace) => true,
            Some(Or::Ignore) => {
                self.refuse(
                    self.range,
                    "`UPDATE OR IGNORE`, which shows by its count whether other rows conflict",
                );
                false
            }
            Some(Or::Rollback | Or::Abort | Or::Fail) | None => false,
        }
    }

    /// The name and the alias of the table that is written.
    fn target_names(&mut self, target: &TableExpr) -> (ObjectName, Option<Ident>) {
        match target {
            TableExpr::Table { name, only: _, alias, sample: _, range: _ } => {
                (name.clone(), alias.as_ref().map(|alias| alias.name.clone()))
            }
            TableExpr::Derived { lateral: _, query: _, alias: _, range }
            | TableExpr::Function { calls: _, ordinality: _, alias: _, range }
            | TableExpr::Join { left: _, right: _, kind: _, constraint: _, range }
            | TableExpr::Unsupported(_, range) => (self.no_target(*range), None),
            TableExpr::AliasedJoin { join: _, alias } => (self.no_target(alias.name.range), None),
        }
    }

    fn no_target(&mut self, range: TextRange) -> ObjectName {
        self.refuse(range, "a target that is not one table");
        let part = Ident { text: String::new(), quoted: true, range };
        ObjectName { parts: vec![part], range }
    }

    /// `ORDER BY … LIMIT` picks some of the rows; the proof only has to know that it is there. What it says is read all
    /// the same, since it may hold a subquery.
    fn some_rows(&mut self, order_by: Vec<sql::OrderByExpr>, limit: Option<sql::Expr>) -> Option<TextRange> {
        let written = !order_by.is_empty() || limit.is_some();
        let order_by = self.order_items(order_by).into_iter().map(|item| item.expr);
        for expr in order_by.chain(limit.map(|limit| self.expr(limit))).collect::<Vec<_>>() {
            let plain = matches!(
                expr.kind,
                ExprKind::Column(_)
                    | ExprKind::Number(_)
                    | ExprKind::Param(_)
                    | ExprKind::Unary { op: _, expr: _ }
            );
            self.absent(plain, expr.range, "an expression in ORDER BY or LIMIT of a write");
        }
        written.then_some(self.range)
    }

    pub(super) fn delete(&mut self, delete: sql::Delete, with: Option<With>) -> Delete {
        let range = self.range;
        let sql::Delete {
            delete_token: _,
            optimizer_hints,
            tables,
            from,
            using,
            selection,
            returning,
            output,
            order_by,
            limit,
        } = delete;
        self.absent(optimizer_hints.is_empty(), range, "an optimizer hint");
        self.absent(output.is_none(), range, "`OUTPUT`");
        self.absent(tables.is_empty() && using.is_none(), range, "a DELETE over several tables");
        let mut targets = match from {
            sql::FromTable::WithFromKeyword(tables) | sql::FromTable::WithoutKeyword(tables) => {
                self.from(tables)
            }
        };
        let target = match (targets.pop(), targets.is_empty()) {
            (Some(target), true) => target,
            (_, _) => TableExpr::Unsupported("a DELETE over several tables".to_owned(), range),
        };
        self.target_names(&target);
        Delete {
            with,
            target,
            using: using.map(|using| self.from(using)).unwrap_or_default(),
            filter: selection.map(|filter| self.expr(filter)),
            limit: self.some_rows(order_by, limit),
            returning: self.select_items(returning.unwrap_or_default(), range),
            range,
        }
    }
}
