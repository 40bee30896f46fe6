//! Queries and the relations they read.

use sqlparser::ast as sql;
use tenantry_policy::Dialect;

use super::{Lowering, cover_all, shorten};
use crate::ast::{
    Cte, Distinct, Expr, ExprKind, GroupItem, JoinConstraint, JoinKind, Locking, ObjectName, OrderBy, Query,
    Select, SelectItem, SetExpr, SetOp, Statement, TableAlias, TableExpr, TextRange, WindowSpec, With,
};

impl Lowering<'_> {
    /// A statement that the parser gives as a query: it puts what follows a `WITH` there.
    pub(super) fn query_statement(&mut self, mut query: sql::Query) -> Statement {
        let plain = query.order_by.is_none() && query.limit_clause.is_none() && query.fetch.is_none();
        let plain = plain && query.locks.is_empty() && query.for_clause.is_none() && query.settings.is_none();
        let plain = plain && query.format_clause.is_none() && query.pipe_operators.is_empty();
        if !plain {
            return Statement::Query(Box::new(self.query(query)));
        }
        match *query.body {
            sql::SetExpr::Insert(sql::Statement::Insert(insert)) => {
                let with = query.with.map(|with| self.with(with));
                Statement::Insert(Box::new(self.insert(insert, with)))
            }
            sql::SetExpr::Update(sql::Statement::Update(update)) => {
                let with = query.with.map(|with| self.with(with));
                Statement::Update(Box::new(self.update(update, with)))
            }
            sql::SetExpr::Delete(sql::Statement::Delete(delete)) => {
                let with = query.with.map(|with| self.with(with));
                Statement::Delete(Box::new(self.delete(delete, with)))
            }
            body => {
                query.body = Box::new(body);
                Statement::Query(Box::new(self.query(query)))
            }
        }
    }

    pub(super) fn query(&mut self, query: sql::Query) -> Query {
        let range = self.place(sql::Spanned::span(&query));
        let sql::Query {
            with,
            body,
            order_by,
            limit_clause,
            fetch,
            locks,
            for_clause,
            settings,
            format_clause,
            pipe_operators,
        } = query;
        self.absent(for_clause.is_none(), range, "`FOR XML` or `FOR JSON`");
        self.absent(settings.is_none(), range, "`SETTINGS`");
        self.absent(format_clause.is_none(), range, "`FORMAT`");
        self.absent(pipe_operators.is_empty(), range, "pipe operators");
        let with = with.map(|with| self.with(with));
        let body = self.set_expr(*body);
        let order_by = order_by.map(|order_by| self.order_by(order_by, range)).unwrap_or_default();
        let (limit, offset) = self.limit(limit_clause, range);
        Query {
            with,
            body,
            order_by,
            limit,
            offset,
            fetch: fetch.map(|fetch| self.fetch(fetch, range)),
            locking: locks.into_iter().map(|lock| self.lock(lock, range)).collect(),
            range,
        }
    }

    /// In SQLite the word RECURSIVE changes nothing: every common table expression may name itself.
    pub(super) fn with(&mut self, with: sql::With) -> With {
        let sql::With { with_token: _, recursive, cte_tables } = with;
        let ctes = cte_tables.into_iter().map(|cte| self.cte(cte)).collect();
        With { recursive: recursive || self.dialect == Dialect::Sqlite, ctes }
    }

    fn cte(&mut self, cte: sql::Cte) -> Cte {
        let sql::Cte { alias, query, from, materialized, closing_paren_token } = cte;
        let alias = self.alias(alias);
        let range = alias.name.range.cover(self.place(closing_paren_token.0.span));
        self.absent(from.is_none(), range, "`FROM` of a common table expression");
        Cte {
            statement: Box::new(self.query_statement(*query)),
            columns: alias.columns,
            name: alias.name,
            materialized: matches!(materialized, Some(sql::CteAsMaterialized::Materialized)),
            range,
        }
    }

    fn order_by(&mut self, order_by: sql::OrderBy, range: TextRange) -> Vec<OrderBy> {
        let sql::OrderBy { kind, interpolate } = order_by;
        self.absent(interpolate.is_none(), range, "`INTERPOLATE`");
        match kind {
            sql::OrderByKind::Expressions(items) => self.order_items(items),
            sql::OrderByKind::All(_) => {
                self.refuse(range, "`ORDER BY ALL`");
                Vec::new()
            }
        }
    }

    fn limit(&mut self, limit: Option<sql::LimitClause>, range: TextRange) -> (Option<Expr>, Option<Expr>) {
        match limit {
            None => (None, None),
            Some(sql::LimitClause::LimitOffset { limit, offset, limit_by }) => {
                self.absent(limit_by.is_empty(), range, "`LIMIT BY`");
                let limit = limit.map(|limit| self.expr(limit));
                let offset = offset.map(|sql::Offset { value, rows: _ }| self.expr(value));
                (limit, offset)
            }
            Some(sql::LimitClause::OffsetCommaLimit { offset, limit }) => {
                let offset = self.expr(offset);
                (Some(self.expr(limit)), Some(offset))
            }
        }
    }

    fn fetch(&mut self, fetch: sql::Fetch, range: TextRange) -> (Expr, bool) {
        let sql::Fetch { with_ties, percent, quantity } = fetch;
        self.absent(!percent, range, "`FETCH … PERCENT`");
        let one = Expr { kind: ExprKind::Number("1".to_owned()), range };
        (quantity.map_or(one, |quantity| self.expr(quantity)), with_ties)
    }

    fn lock(&mut self, lock: sql::LockClause, range: TextRange) -> Locking {
        let sql::LockClause { lock_type, of, nonblock } = lock;
        match lock_type {
            sql::LockType::Share | sql::LockType::Update => {}
        }
        let range = of.map_or(range, |of| self.object_name(&of).range);
        Locking { skips: nonblock.is_some(), range }
    }

    fn set_expr(&mut self, body: sql::SetExpr) -> SetExpr {
        self.deeper(|lowering| lowering.set_expr_here(body)).unwrap_or(SetExpr::Values(Vec::new()))
    }

    fn set_expr_here(&mut self, body: sql::SetExpr) -> SetExpr {
        match body {
            sql::SetExpr::Select(select) => SetExpr::Select(Box::new(self.select(*select))),
            sql::SetExpr::Query(query) => SetExpr::Query(Box::new(self.query(*query))),
            sql::SetExpr::Values(values) => SetExpr::Values(self.values(values)),
            sql::SetExpr::SetOperation { left, op, set_quantifier, right } => {
                self.set_operation(*left, op, set_quantifier, *right)
            }
            other => {
                let what = format!("`{}` as a query", shorten(&other.to_string()));
                self.refuse(self.range, what);
                SetExpr::Values(Vec::new())
            }
        }
    }

    fn set_operation(
        &mut self,
        left: sql::SetExpr,
        op: sql::SetOperator,
        quantifier: sql::SetQuantifier,
        right: sql::SetExpr,
    ) -> SetExpr {
        // The parser has INTERSECT bind tighter, as MySQL and MariaDB do; to SQLite all are equal, from left to right.
        let chained =
            matches!(right, sql::SetExpr::SetOperation { left: _, op: _, set_quantifier: _, right: _ });
        let grouped_alike = !chained || self.dialect == Dialect::Mysql;
        self.absent(grouped_alike, self.range, "INTERSECT after another set operation; use a subquery");
        let op = match op {
            sql::SetOperator::Union => SetOp::Union,
            sql::SetOperator::Except | sql::SetOperator::Minus => SetOp::Except,
            sql::SetOperator::Intersect => SetOp::Intersect,
        };
        let all = match quantifier {
            sql::SetQuantifier::All => true,
            sql::SetQuantifier::Distinct | sql::SetQuantifier::None => false,
            sql::SetQuantifier::ByName
            | sql::SetQuantifier::AllByName
            | sql::SetQuantifier::DistinctByName => {
                self.refuse(self.range, "a set operation `BY NAME`");
                false
            }
        };
        let (left, right) = (Box::new(self.set_expr(left)), Box::new(self.set_expr(right)));
        SetExpr::SetOp { op, all, left, right }
    }

    /// `ROW (…)` and `VALUE` are spellings.
    fn values(&mut self, values: sql::Values) -> Vec<Vec<Expr>> {
        let sql::Values { explicit_row: _, value_keyword: _, rows } = values;
        let mut out = Vec::with_capacity(rows.len());
        for sql::Parens { opening_token: _, content, closing_token: _ } in rows {
            out.push(self.exprs(content));
        }
        out
    }

    fn select(&mut self, select: sql::Select) -> Select {
        let range = self.place(sql::Spanned::span(&select));
        let sql::Select {
            select_token: _,
            optimizer_hints,
            distinct,
            select_modifiers,
            top,
            top_before_distinct: _,
            projection,
            exclude,
            into,
            from,
            lateral_views,
            prewhere,
            selection,
            connect_by,
            group_by,
            cluster_by,
            distribute_by,
            sort_by,
            having,
            named_window,
            qualify,
            window_before_qualify: _,
            value_table_mode,
            flavor,
        } = select;
        self.absent(optimizer_hints.is_empty(), range, "an optimizer hint");
        self.absent(top.is_none(), range, "`TOP`");
        self.absent(exclude.is_none(), range, "`EXCLUDE`");
        self.absent(into.is_none(), range, "`INTO`");
        self.absent(lateral_views.is_empty(), range, "`LATERAL VIEW`");
        self.absent(prewhere.is_none(), range, "`PREWHERE`");
        self.absent(connect_by.is_empty(), range, "`CONNECT BY`");
        let sorted = cluster_by.is_empty() && distribute_by.is_empty() && sort_by.is_empty();
        self.absent(sorted, range, "`CLUSTER BY`, `DISTRIBUTE BY` or `SORT BY`");
        self.absent(qualify.is_none(), range, "`QUALIFY`");
        self.absent(value_table_mode.is_none(), range, "`AS STRUCT` or `AS VALUE`");
        self.absent(matches!(flavor, sql::SelectFlavor::Standard), range, "`FROM` before `SELECT`");
        self.modifiers(select_modifiers, range);
        let distinct = self.distinct(distinct, range);
        let from = self.from(from);
        Select {
            distinct,
            items: self.select_items(projection, range),
            from,
            filter: selection.map(|filter| self.expr(filter)),
            group_by: self.group_by(group_by, range),
            having: having.map(|having| self.expr(having)),
            windows: named_window.into_iter().map(|window| self.named_window(window)).collect(),
            into: into.map(|_| range),
            range,
        }
    }

    /// Words of MySQL about how a query runs; only `SQL_CALC_FOUND_ROWS` can be seen afterwards.
    fn modifiers(&mut self, modifiers: Option<sql::SelectModifiers>, range: TextRange) {
        let Some(modifiers) = modifiers else { return };
        let sql::SelectModifiers {
            high_priority: _,
            straight_join: _,
            sql_small_result: _,
            sql_big_result: _,
            sql_buffer_result: _,
            sql_no_cache: _,
            sql_calc_found_rows,
        } = modifiers;
        self.absent(!sql_calc_found_rows, range, "`SQL_CALC_FOUND_ROWS`");
    }

    fn distinct(&mut self, distinct: Option<sql::Distinct>, range: TextRange) -> Option<Distinct> {
        match distinct {
            None | Some(sql::Distinct::All) => None,
            Some(sql::Distinct::Distinct) => Some(Distinct::All),
            Some(sql::Distinct::On(keys)) => {
                self.refuse(range, "`DISTINCT ON`");
                Some(Distinct::On(self.exprs(keys)))
            }
        }
    }

    pub(super) fn select_items(&mut self, items: Vec<sql::SelectItem>, range: TextRange) -> Vec<SelectItem> {
        items.into_iter().map(|item| self.select_item(item, range)).collect()
    }

    fn select_item(&mut self, item: sql::SelectItem, range: TextRange) -> SelectItem {
        use sql::SelectItemQualifiedWildcardKind as Wildcard;
        match item {
            sql::SelectItem::UnnamedExpr(expr) => SelectItem::Expr { expr: self.expr(expr), alias: None },
            sql::SelectItem::ExprWithAlias { expr, alias } => {
                let alias = Some(self.alias_name(&alias));
                SelectItem::Expr { expr: self.expr(expr), alias }
            }
            sql::SelectItem::ExprWithAliases { expr, aliases: _ } => {
                self.refuse(range, "several aliases");
                SelectItem::Expr { expr: self.expr(expr), alias: None }
            }
            sql::SelectItem::Wildcard(options) => SelectItem::Star(self.wildcard(options)),
            sql::SelectItem::QualifiedWildcard(Wildcard::ObjectName(name), options) => {
                self.wildcard(options);
                SelectItem::QualifiedStar(self.object_name(&name))
            }
            sql::SelectItem::QualifiedWildcard(Wildcard::Expr(expr), options) => {
                self.wildcard(options);
                self.refuse(range, "a star after an expression");
                SelectItem::ExprStar(self.expr(expr))
            }
        }
    }

    fn wildcard(&mut self, options: sql::WildcardAdditionalOptions) -> TextRange {
        let sql::WildcardAdditionalOptions {
            wildcard_token,
            opt_ilike,
            opt_exclude,
            opt_except,
            opt_replace,
            opt_rename,
            opt_alias,
        } = options;
        let range = self.place(wildcard_token.0.span);
        let plain = opt_ilike.is_none() && opt_exclude.is_none() && opt_except.is_none();
        let plain = plain && opt_replace.is_none() && opt_rename.is_none() && opt_alias.is_none();
        self.absent(plain, range, "the options of `*`");
        range
    }

    fn group_by(&mut self, group_by: sql::GroupByExpr, range: TextRange) -> Option<Vec<GroupItem>> {
        match group_by {
            sql::GroupByExpr::All(_) => {
                self.refuse(range, "`GROUP BY ALL`");
                None
            }
            sql::GroupByExpr::Expressions(items, modifiers) => {
                if items.is_empty() && modifiers.is_empty() {
                    return None;
                }
                let items = self.exprs(items);
                match modifiers.as_slice() {
                    [] => Some(items.into_iter().map(GroupItem::Expr).collect()),
                    [sql::GroupByWithModifier::Rollup] => {
                        Some(vec![GroupItem::Rollup(items.into_iter().map(|item| vec![item]).collect())])
                    }
                    [_, ..] => {
                        self.refuse(range, "a modifier of `GROUP BY`");
                        Some(items.into_iter().map(GroupItem::Expr).collect())
                    }
                }
            }
        }
    }

    fn named_window(&mut self, window: sql::NamedWindowDefinition) -> (crate::ast::Ident, WindowSpec) {
        let sql::NamedWindowDefinition(name, spec) = window;
        let spec = match spec {
            sql::NamedWindowExpr::WindowSpec(spec) => self.window(spec),
            sql::NamedWindowExpr::NamedWindow(base) => WindowSpec {
                base: Some(self.ident(&base)),
                partition_by: Vec::new(),
                order_by: Vec::new(),
                frame: Vec::new(),
            },
        };
        (self.ident(&name), spec)
    }

    /// To SQLite a comma is a join like the others, from left to right; elsewhere joins come first.
    pub(super) fn from(&mut self, from: Vec<sql::TableWithJoins>) -> Vec<TableExpr> {
        let mut out: Vec<TableExpr> = Vec::with_capacity(from.len());
        for table in from {
            let left = match self.dialect {
                Dialect::Sqlite if !table.joins.is_empty() => out.pop(),
                Dialect::Sqlite | Dialect::Mysql | Dialect::Postgres => None,
            };
            match left {
                None => out.push(self.table_with_joins(table)),
                Some(mut left) => {
                    // All that was before the comma is on the left of these joins.
                    while let Some(before) = out.pop() {
                        left = cross(before, left);
                    }
                    let sql::TableWithJoins { relation, joins } = table;
                    let first = self.table_factor(relation);
                    let joined = self.joins(cross(left, first), joins);
                    out.push(joined);
                }
            }
        }
        out
    }

    pub(super) fn table_with_joins(&mut self, table: sql::TableWithJoins) -> TableExpr {
        let sql::TableWithJoins { relation, joins } = table;
        let first = self.table_factor(relation);
        self.joins(first, joins)
    }

    fn joins(&mut self, first: TableExpr, joins: Vec<sql::Join>) -> TableExpr {
        let count = joins.len();
        if count > super::MAX_DEPTH {
            self.refuse(self.range, format!("{count} joins"));
            return first;
        }
        joins.into_iter().fold(first, |left, join| self.join(left, join))
    }

    fn join(&mut self, left: TableExpr, join: sql::Join) -> TableExpr {
        use sql::JoinOperator as Op;
        let sql::Join { relation, global, join_operator } = join;
        let right = self.table_factor(relation);
        let range = range_of(&left).cover(range_of(&right));
        self.absent(!global, range, "`GLOBAL` of a join");
        let (kind, constraint) = match join_operator {
            Op::Join(constraint) | Op::Inner(constraint) => (JoinKind::Inner, constraint),
            Op::CrossJoin(constraint) | Op::StraightJoin(constraint) => (JoinKind::Inner, constraint),
            Op::Left(constraint) | Op::LeftOuter(constraint) => (JoinKind::Left, constraint),
            Op::Right(constraint) | Op::RightOuter(constraint) => (JoinKind::Right, constraint),
            Op::FullOuter(constraint) => (JoinKind::Full, constraint),
            Op::Semi(_)
            | Op::LeftSemi(_)
            | Op::RightSemi(_)
            | Op::Anti(_)
            | Op::LeftAnti(_)
            | Op::RightAnti(_)
            | Op::CrossApply
            | Op::OuterApply
            | Op::AsOf { match_condition: _, constraint: _ }
            | Op::ArrayJoin
            | Op::LeftArrayJoin
            | Op::InnerArrayJoin => {
                self.refuse(range, "a join of another database");
                (JoinKind::Inner, sql::JoinConstraint::None)
            }
        };
        let constraint = self.join_constraint(constraint);
        TableExpr::Join { left: Box::new(left), right: Box::new(right), kind, constraint, range }
    }

    fn join_constraint(&mut self, constraint: sql::JoinConstraint) -> JoinConstraint {
        match constraint {
            sql::JoinConstraint::On(condition) => JoinConstraint::On(self.expr(condition)),
            sql::JoinConstraint::Natural => JoinConstraint::Natural,
            sql::JoinConstraint::None => JoinConstraint::None,
            sql::JoinConstraint::Using(names) => {
                let columns = names.iter().map(|name| self.column_name(name)).collect();
                JoinConstraint::Using(columns, None)
            }
        }
    }

    /// A name that must be a column's alone.
    pub(super) fn column_name(&mut self, name: &sql::ObjectName) -> crate::ast::Ident {
        let ObjectName { parts, range } = self.object_name(name);
        self.absent(parts.len() == 1, range, "a qualified column");
        let missing = crate::ast::Ident { text: String::new(), quoted: true, range };
        parts.into_iter().next_back().unwrap_or(missing)
    }

    fn alias(&mut self, alias: sql::TableAlias) -> TableAlias {
        let sql::TableAlias { explicit: _, name, columns, at } = alias;
        let name = self.alias_name(&name);
        self.absent(at.is_none(), name.range, "`AT` of an alias");
        let mut idents = Vec::with_capacity(columns.len());
        for sql::TableAliasColumnDef { name, data_type } in columns {
            let ident = self.ident(&name);
            self.absent(data_type.is_none(), ident.range, "a type in an alias");
            idents.push(ident);
        }
        TableAlias { name, columns: idents }
    }

    fn optional_alias(&mut self, alias: Option<sql::TableAlias>) -> Option<TableAlias> {
        alias.map(|alias| self.alias(alias))
    }

    fn table_factor(&mut self, factor: sql::TableFactor) -> TableExpr {
        match self.deeper(|lowering| lowering.table_factor_here(factor)) {
            Some(table) => table,
            None => TableExpr::Unsupported("a deep join".to_owned(), self.range),
        }
    }

    fn table_factor_here(&mut self, factor: sql::TableFactor) -> TableExpr {
        use sql::TableFactor as F;
        match factor {
            F::Table {
                name,
                alias,
                args,
                with_hints,
                version,
                with_ordinality,
                partitions,
                json_path,
                sample,
                // USE, FORCE and IGNORE INDEX change how rows are found, not which.
                index_hints: _,
            } => {
                let range = self.object_name(&name).range;
                self.absent(with_hints.is_empty(), range, "hints of a table");
                self.absent(version.is_none(), range, "a version of a table");
                self.absent(!with_ordinality, range, "`WITH ORDINALITY`");
                self.absent(partitions.is_empty(), range, "`PARTITION`");
                self.absent(json_path.is_none(), range, "a path after a table");
                self.absent(sample.is_none(), range, "a sample of a table");
                match args {
                    None => self.table(&name, alias),
                    Some(sql::TableFunctionArgs { args, settings }) => {
                        self.absent(settings.is_none(), range, "`SETTINGS`");
                        self.table_function(name, args, alias)
                    }
                }
            }
            F::Derived { lateral, subquery, alias, sample } => {
                let query = Box::new(self.query(*subquery));
                self.absent(sample.is_none(), query.range, "a sample of a subquery");
                let alias = self.optional_alias(alias);
                let range = alias.as_ref().map_or(query.range, |alias| query.range.cover(alias.name.range));
                TableExpr::Derived { lateral, query, alias, range }
            }
            F::Function { lateral: _, name, args, with_ordinality, alias } => {
                self.absent(!with_ordinality, self.range, "`WITH ORDINALITY`");
                self.table_function(name, args, alias)
            }
            F::NestedJoin { table_with_joins, alias } => {
                let join = self.table_with_joins(*table_with_joins);
                match self.optional_alias(alias) {
                    None => join,
                    Some(alias) => TableExpr::AliasedJoin { join: Box::new(join), alias },
                }
            }
            // JSON_TABLE, and what is of other databases.
            other => {
                let range = self.place(sql::Spanned::span(&other));
                let what = format!("the relation `{}`", shorten(&other.to_string()));
                self.refuse(range, what.clone());
                TableExpr::Unsupported(what, range)
            }
        }
    }

    fn table(&mut self, name: &sql::ObjectName, alias: Option<sql::TableAlias>) -> TableExpr {
        let name = self.table_name(name);
        let alias = self.optional_alias(alias);
        let range = alias.as_ref().map_or(name.range, |alias| name.range.cover(alias.name.range));
        TableExpr::Table { name, only: false, alias, sample: None, range }
    }

    fn table_function(
        &mut self,
        name: sql::ObjectName,
        args: Vec<sql::FunctionArg>,
        alias: Option<sql::TableAlias>,
    ) -> TableExpr {
        let list = sql::FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() };
        let call = self.function(sql::Function {
            name,
            uses_odbc_syntax: false,
            parameters: sql::FunctionArguments::None,
            args: sql::FunctionArguments::List(list),
            within_group: Vec::new(),
            filter: None,
            null_treatment: None,
            over: None,
        });
        let alias = self.optional_alias(alias);
        let ranges = std::iter::once(call.range).chain(alias.as_ref().map(|alias| alias.name.range));
        let range = cover_all(ranges).unwrap_or(self.range);
        TableExpr::Function { calls: vec![call], ordinality: false, alias, range }
    }
}

fn cross(left: TableExpr, right: TableExpr) -> TableExpr {
    let range = range_of(&left).cover(range_of(&right));
    TableExpr::Join {
        left: Box::new(left),
        right: Box::new(right),
        kind: JoinKind::Inner,
        constraint: JoinConstraint::None,
        range,
    }
}

fn range_of(table: &TableExpr) -> TextRange {
    match table {
        TableExpr::Table { name: _, only: _, alias: _, sample: _, range }
        | TableExpr::Derived { lateral: _, query: _, alias: _, range }
        | TableExpr::Function { calls: _, ordinality: _, alias: _, range }
        | TableExpr::Join { left: _, right: _, kind: _, constraint: _, range }
        | TableExpr::Unsupported(_, range) => *range,
        TableExpr::AliasedJoin { join, alias } => range_of(join).cover(alias.name.range),
    }
}
