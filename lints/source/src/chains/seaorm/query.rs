//! Methods of queries: what they add to a statement, and which of them run it.

use syn::{Expr, ExprMethodCall};
use tenantry_prover::verdict::Nullability;
use tenantry_span::Span;

use super::calls::literal;
use super::eval::Eval;
use super::expr::is_none;
use super::resolve::Join;
use super::value::{Item, Query, Row, Val, qualified};
use crate::chains::fragment::Fragment;
use crate::chains::statement::{Distinct, Kind};
use crate::read::receiver_changes;
use crate::{Bind, Provenance, ProvenanceKind};

/// Methods that change nothing of what a statement says: how its rows are read, and copies of it.
const SAME: &[&str] = &[
    "clone",
    "to_owned",
    "take",
    "into_query",
    "as_query",
    "query",
    "borrow",
    "as_ref",
    "as_mut",
    "by_ref",
    "into",
    "into_json",
    "into_tuple",
    "into_values",
    "into_sub_query_statement",
    "boxed",
    "lock_tables",
    "check_record_exists",
    "with_columns",
    "do_nothing",
    "on_empty_do_nothing",
    "into_selector",
    "unwrap",
    "asc",
    "desc",
];

/// Those of [`SAME`] after which a row is no model any more.
const OTHER_ROWS: &[&str] = &["into_json", "into_tuple", "into_values"];

/// Methods that put the list of what is selected in the place of the entity's columns: it stands in attributes of a type,
/// and any expression may be in it.
const SELECTING: &[&str] = &["into_partial_model", "stream_partial_model"];

/// Methods that run a statement, given a connection.
const RUNS: &[&str] = &[
    "one",
    "all",
    "stream",
    "stream_partial_model",
    "exec",
    "exec_with_returning",
    "exec_without_returning",
    "exec_with_returning_keys",
    "exec_with_returning_many",
    "count",
    "fetch_page",
    "fetch",
    "fetch_and_next",
    "into_stream",
    "num_items",
    "num_pages",
    "num_items_and_pages",
    "build",
    "build_any",
    "build_any_sqlx",
    "build_sqlx",
    "build_rusqlite",
    "build_postgres",
    "into_statement",
    "exists",
];

/// True for a method that may change what it is called on.
fn changes_receiver(text: &str) -> bool {
    syn::parse_str::<syn::ImplItemFn>(text)
        .ok()
        .and_then(|item| item.sig.receiver().map(receiver_changes))
        .unwrap_or(true)
}

impl<'t> Eval<'_, 't> {
    /// A method of a query; `changes` where what it is called on is changed in place.
    pub(super) fn query_method(&mut self, value: Val, call: &'t ExprMethodCall) -> Val {
        let arguments: Vec<&'t Expr> = call.args.iter().collect();
        let name = call.method.to_string();
        if name == "apply_if" {
            return self.apply_if(value, call, &arguments);
        }
        if name == "apply"
            && let [closure] = arguments.as_slice()
            && let Expr::Closure(closure) = *closure
        {
            // It is handed the statement to change it.
            return self.applied(value, closure);
        }
        if name == "conditions" || name == "if_some" {
            return self.unknown_method(value, call);
        }
        if RUNS.contains(&name.as_str()) && self.runs(&name, &arguments) {
            for argument in &arguments {
                self.expr(argument);
            }
            if SELECTING.contains(&name.as_str()) {
                let hole = self.hole(call, format!("what `{name}` selects is not read"));
                return self.run_query(spoiled(value, &hole), call, &name);
            }
            return self.run_query(value, call, &name);
        }
        if name == "to_string" && arguments.len() == 1 {
            self.run(call, value);
            return Val::Plain(self.own_origin());
        }
        self.asked_workspace = false;
        let result = value.map(&mut |one| match one {
            Val::Query(query) => self.one_method(*query, call, &name, &arguments),
            other => other,
        });
        if self.asked_workspace || !self.entities.has_query_method(&name, arguments.len()) {
            return result;
        }
        // A trait of the workspace has a method of the library's name: which of the two it is depends on the type.
        let hole = self.hole(call, format!("`{name}` is the name of a method of the workspace as well"));
        spoiled(result, &hole)
    }

    /// True if a call of this name with these arguments runs the statement.
    fn runs(&self, name: &str, arguments: &[&'t Expr]) -> bool {
        match name {
            "count" | "exists" | "one" | "all" | "exec" => arguments.len() == 1,
            _ => true,
        }
    }

    fn run_query(&mut self, value: Val, call: &'t ExprMethodCall, name: &str) -> Val {
        let within = self.call_span(call);
        let span = self.span(call);
        let ran = value.clone().map(&mut |one| match one {
            Val::Query(query) => Val::Query(Box::new(as_run(*query, name, span, self))),
            other => other,
        });
        let reads = matches!(
            name,
            "one" | "all" | "stream" | "fetch_page" | "fetch" | "exec_with_returning" | "exec"
        );
        let result = match &value {
            Val::Query(query) if reads => result_of(query, within, name),
            _ => Val::Plain(self.own_origin()),
        };
        self.run(call, ran);
        result
    }

    /// The place of a site that a call makes.
    pub(super) fn call_span(&self, call: &'t ExprMethodCall) -> Span {
        let (start, end) = (self.span(&call.method), self.span(call));
        Span::new(start.file, tenantry_span::TextRange { start: start.range.start, end: end.range.end })
    }

    /// `apply_if(value, |query, value| …)`.
    fn apply_if(&mut self, value: Val, call: &'t ExprMethodCall, arguments: &[&'t Expr]) -> Val {
        let (condition, closure) = match arguments {
            [condition, closure] => (*condition, *closure),
            _ => return self.unknown_method(value, call),
        };
        let given = self.expr(condition);
        let given = self.handed(inside(condition), given);
        let changed = match closure {
            Expr::Closure(closure) => self.closure(closure, vec![value.clone(), given]),
            // `QuerySelect::limit` and the like, of a value that may not be there.
            Expr::Path(path) => {
                let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                let bound = self.made_bind(closure);
                value.clone().map(&mut |one| match one {
                    Val::Query(mut query) => {
                        match name.as_str() {
                            "limit" => query.statement.limit = Some(bound.clone()),
                            "offset" => query.statement.offset = Some(bound.clone()),
                            _ => query.spoil(self.hole(call, format!("`{name}` was not followed"))),
                        }
                        Val::Query(query)
                    }
                    other => other,
                })
            }
            _ => return self.unknown_method(value, call),
        };
        // `Some(…)` is always there.
        if !std::ptr::eq(inside(condition), condition) {
            return changed;
        }
        let place = self.span(condition);
        changed.join(value, place)
    }

    fn applied(&mut self, value: Val, closure: &'t syn::ExprClosure) -> Val {
        let Some(syn::Pat::Ident(name)) = closure.inputs.first() else {
            return Val::Query(Box::new(Query::unknown(
                self.span(closure),
                "",
                "a closure changes the query",
            )));
        };
        let name = name.ident.to_string();
        self.scoped(|eval| {
            eval.declare(&name, value);
            eval.expr(&closure.body);
            eval.lookup(&name).cloned().unwrap_or(Val::UNKNOWN)
        })
    }

    /// A method that is not known: the workspace's own, or nothing that can be said.
    pub(super) fn unknown_method(&mut self, value: Val, call: &'t ExprMethodCall) -> Val {
        self.asked_workspace = true;
        let name = call.method.to_string();
        let values: Vec<Val> = call.args.iter().map(|argument| self.expr(argument)).collect();
        if let Some(function) = self.entities.query_method(&name, call.args.len()).cloned() {
            let mut handed = vec![value.clone()];
            for (argument, value) in call.args.iter().zip(values) {
                handed.push(self.handed(argument, value));
            }
            let followed = self.follow(&function, handed, self.span(call));
            if let Some(followed @ (Val::Query(_) | Val::Choice(_))) = followed {
                if changes_receiver(&function.text) {
                    self.spoil(&call.receiver, call);
                }
                return followed;
            }
        }
        // It may take `&mut self`.
        self.spoil(&call.receiver, call);
        let hole = self.hole(call, format!("`{name}` is not known of a query"));
        spoiled(value, &hole)
    }

    fn one_method(
        &mut self,
        query: Query,
        call: &'t ExprMethodCall,
        name: &str,
        arguments: &[&'t Expr],
    ) -> Val {
        let span = self.span(&call.method);
        let mut query = query;
        if SELECTING.contains(&name) {
            let hole = self.hole(call, format!("what `{name}` selects is not read"));
            return spoiled(Val::Query(Box::new(query)), &hole);
        }
        if SAME.contains(&name) && (arguments.is_empty() || matches!(name, "lock_tables")) {
            if OTHER_ROWS.contains(&name) {
                // What its fields are called is said by a type that is not read.
                query.rows.clear();
            }
            return Val::Query(Box::new(query));
        }
        match (name, arguments) {
            ("filter" | "cond_where" | "and_where", [filter]) => {
                query.statement.filter.extend(self.conjuncts(filter));
            }
            ("and_where_option", [filter]) => match self.expr(filter) {
                Val::Maybe(inner, condition) => {
                    let text = self.as_condition(*inner, *filter, span);
                    query.statement.filter.push(text.if_holds(condition));
                }
                Val::Plain(_) if is_none(filter) => {}
                value => query.statement.filter.push(self.as_condition(value, *filter, span)),
            },
            ("having" | "cond_having" | "and_having", [filter]) => {
                query.statement.having.extend(self.conjuncts(filter));
            }
            ("select_only" | "clear_selects", []) => {
                query.items.clear();
                query.statement.select = Fragment::default();
                query.rows = vec![Row { entity: None, within: None, prefix: "" }];
            }
            ("column" | "select_column" | "expr", [column]) => {
                self.select_item(&mut query, column, None, span)
            }
            ("column_as" | "expr_as" | "expr_as_" | "select_column_as", [column, alias]) => {
                let alias = self.alias(alias);
                self.select_item(&mut query, column, Some(alias), span);
            }
            ("tbl_col_as", [column, alias]) => {
                let alias = self.alias(alias);
                self.select_item(&mut query, column, Some(alias), span);
            }
            ("columns" | "exprs", [list]) if query.statement.kind == Kind::Select => {
                let all = self.elements(list);
                if all.is_empty() {
                    query.statement.select = self.hole(call, "the columns are not written out");
                }
                for column in all {
                    self.select_item(&mut query, column, None, span);
                }
            }
            ("distinct", []) => query.statement.distinct = Distinct::All,
            ("distinct_on", [list]) => {
                let all = self.elements(list);
                let list: Vec<Fragment> = match all.is_empty() {
                    true => vec![self.hole(call, "the columns are not written out")],
                    false => all
                        .into_iter()
                        .map(|column| {
                            let value = self.expr(column);
                            self.simple_or_bare(value, column, span)
                        })
                        .collect(),
                };
                query.statement.distinct = Distinct::On(Fragment::joined(list, ", ", span));
            }
            ("group_by", [column]) => {
                let value = self.expr(column);
                query.statement.group.push(self.simple(value, column));
            }
            ("group_by_col", [column]) => {
                let value = self.expr(column);
                query.statement.group.push(self.column_named(value, column, span));
            }
            ("group_by_columns" | "add_group_by", [list]) => {
                let all = self.elements(list);
                if all.is_empty() {
                    query.statement.group.push(self.hole(call, "the columns are not written out"));
                }
                for column in all {
                    let value = self.expr(column);
                    query.statement.group.push(self.simple_or_bare(value, column, span));
                }
            }
            ("order_by_asc" | "order_by_desc" | "order_by_id_asc" | "order_by_id_desc", [column]) => {
                let value = self.expr(column);
                let text = self.simple(value, column);
                let word = if name.ends_with("asc") { " ASC" } else { " DESC" };
                query.statement.order.push(text.write(word, span));
            }
            (
                "order_by" | "order_by_expr" | "order_by_with_nulls" | "order_by_expr_with_nulls",
                [column, order, ..],
            ) => {
                let value = self.expr(column);
                let text = match query.in_place && !name.contains("expr") {
                    true => self.column_named(value, column, span),
                    false => self.simple(value, column),
                };
                let order = match self.expr(order) {
                    Val::Word(word) => Fragment::text(format!(" {word}"), span),
                    // One of two ways, and nothing rests on which.
                    _ => Fragment::text(" ASC", span),
                };
                query.statement.order.push(text.then(order));
            }
            ("order_by_columns", [list]) => {
                for pair in self.elements(list) {
                    if let Expr::Tuple(tuple) = crate::read::strip(pair)
                        && let Some(column) = tuple.elems.first()
                    {
                        let value = self.expr(column);
                        query.statement.order.push(self.column_named(value, column, span));
                    } else {
                        query.spoil(self.hole(call, "the columns are not written out"));
                    }
                }
            }
            ("clear_order_by", []) => query.statement.order.clear(),
            ("limit", [number]) => query.statement.limit = self.number(number),
            ("offset", [number]) => query.statement.offset = self.number(number),
            ("reset_limit", []) => query.statement.limit = None,
            ("reset_offset", []) => query.statement.offset = None,
            ("lock_exclusive", []) => query.statement.lock = Fragment::text("FOR UPDATE", span),
            ("lock_shared", []) => query.statement.lock = Fragment::text("FOR SHARE", span),
            ("lock", [kind]) => {
                let kind = self.word(kind, "a lock");
                query.statement.lock = kind;
            }
            ("lock_with_behavior", [kind, behavior]) => {
                let (kind, behavior) = (self.word(kind, "a lock"), self.word(behavior, "a lock"));
                query.statement.lock = kind.write(" ", span).then(behavior);
            }
            ("paginate", [db, size]) => {
                self.expr(db);
                query.statement.limit = self.number(size);
                query.statement.offset = Some(self.made_bind(call));
                query.paginated = true;
            }
            ("cursor_by" | "cursor_by_other", [column]) => {
                let value = self.expr(column);
                let columns = match (value, crate::read::strip(column)) {
                    (Val::Tuple(values), Expr::Tuple(tuple)) => values
                        .into_iter()
                        .zip(&tuple.elems)
                        .map(|(value, one)| self.simple(value, one))
                        .collect(),
                    (value, _) => vec![self.simple(value, column)],
                };
                query.statement.order.extend(columns.iter().cloned());
                query.cursor = columns;
            }
            ("before" | "after", [_]) if !query.cursor.is_empty() => {
                for argument in arguments {
                    self.expr(argument);
                }
                let values: Vec<Fragment> = query.cursor.iter().map(|_| self.made_bind(call)).collect();
                let columns = Fragment::joined(query.cursor.clone(), ", ", span).nested(span);
                let word = if name == "before" { " < " } else { " > " };
                let filter = columns
                    .write(word, span)
                    .then(Fragment::joined(values, ", ", span).nested(span))
                    .nested(span);
                query.statement.filter.push(filter);
            }
            ("first" | "last", [number]) => query.statement.limit = self.number(number),
            ("into_model", []) => {
                let entity = call.turbofish.as_ref().and_then(|turbofish| turbofish.args.first());
                let entity = entity.and_then(|argument| match argument {
                    syn::GenericArgument::Type(syn::Type::Path(path)) => {
                        let path = self.outward(super::collect::segments(&path.path));
                        self.entities.entity_beside(&self.home, &path, "Model")
                    }
                    _ => None,
                });
                query.rows = match entity {
                    Some(_) => vec![Row { entity, within: None, prefix: "" }],
                    None => Vec::new(),
                };
            }
            ("with" | "with_cte", _) => query.spoil(self.hole(call, "a common table expression")),
            _ => return self.more_method(query, call, name, arguments),
        }
        Val::Query(Box::new(query))
    }

    /// Joins, and what writes take.
    fn more_method(
        &mut self,
        query: Query,
        call: &'t ExprMethodCall,
        name: &str,
        arguments: &[&'t Expr],
    ) -> Val {
        let span = self.span(&call.method);
        let mut query = query;
        match (name, arguments) {
            ("left_join" | "inner_join" | "right_join" | "full_outer_join" | "cross_join", [entity]) => {
                let word = match name {
                    "left_join" => "LEFT JOIN",
                    "inner_join" => "INNER JOIN",
                    "right_join" => "RIGHT JOIN",
                    "full_outer_join" => "FULL OUTER JOIN",
                    _ => "CROSS JOIN",
                };
                let to = self.expr(entity);
                self.join_related(&mut query, word, to, call, span);
            }
            ("left_join" | "inner_join" | "right_join" | "full_outer_join" | "cross_join", [table, on]) => {
                let word = match name {
                    "left_join" => " LEFT JOIN ",
                    "inner_join" => " INNER JOIN ",
                    "right_join" => " RIGHT JOIN ",
                    "full_outer_join" => " FULL OUTER JOIN ",
                    _ => " CROSS JOIN ",
                };
                let value = self.expr(table);
                let table = self.table_named(value, table, span);
                let on = self.condition(on);
                query.statement.from =
                    query.statement.from.write(word, span).then(table).write(" ON ", span).then(on);
            }
            ("reverse_join", [entity]) => match (query.entity, self.expr(entity)) {
                (Some(from), Val::Entity(to)) => match self.entities.related(to, from, 0) {
                    Some((join, _)) => {
                        let kind = Fragment::text("INNER JOIN", span);
                        self.add_reversed_join(&mut query, kind, &join, span);
                    }
                    None => query.spoil(self.hole(call, "the relation between the two was not found")),
                },
                _ => query.spoil(self.hole(call, "the relation between the two was not found")),
            },
            ("find_also_related" | "find_with_related", [entity]) => {
                let to = self.expr(entity);
                if let Val::Entity(to) = to {
                    self.join_related(&mut query, "LEFT JOIN", Val::Entity(to), call, span);
                    self.select_two(&mut query, to, None, span);
                    self.order_by_key(&mut query, name, span);
                } else {
                    query.spoil(self.hole(call, "the entity was not found"));
                }
            }
            ("select_also" | "select_with", [entity]) => match self.expr(entity) {
                Val::Entity(to) => {
                    self.select_two(&mut query, to, None, span);
                    self.order_by_key(&mut query, name, span);
                }
                _ => query.spoil(self.hole(call, "the entity was not found")),
            },
            ("find_also_linked" | "find_with_linked", [link]) => match self.expr(link) {
                Val::Link(target, joins) => self.join_links(&mut query, target, joins, span),
                _ => query.spoil(self.hole(call, "the link was not found")),
            },
            ("join" | "join_rev", [kind, relation]) => {
                let kind = self.word(kind, "a join");
                match self.expr(relation) {
                    Val::Join(join) if name == "join_rev" => {
                        self.add_reversed_join(&mut query, kind, &join, span);
                    }
                    Val::Join(join) => self.add_join_of(&mut query, kind, &join, span),
                    _ => query.spoil(self.hole(call, "the relation was not found")),
                }
            }
            ("join_as" | "join_as_rev", [kind, relation, alias]) if !query.in_place => {
                let kind = self.word(kind, "a join");
                let alias = self.alias_name(alias);
                match (self.expr(relation), alias) {
                    (Val::Join(join), Some(alias)) if name == "join_as_rev" => {
                        let join = Join { from_alias: Some(alias), ..join };
                        self.add_reversed_join(&mut query, kind, &join, span);
                    }
                    (Val::Join(join), Some(alias)) => {
                        let join = Join { to_alias: Some(alias), ..join };
                        self.add_join_of(&mut query, kind, &join, span);
                    }
                    _ => query.spoil(self.hole(call, "the relation was not found")),
                }
            }
            ("join", [kind, table, on]) => {
                let kind = self.word(kind, "a join");
                let value = self.expr(table);
                let table = self.table_named(value, table, span);
                let on = self.condition(on);
                let from = query.statement.from.write(" ", span).then(kind).write(" ", span);
                query.statement.from = from.then(table).write(" ON ", span).then(on);
            }
            ("join_as", [kind, table, alias, on]) => {
                let kind = self.word(kind, "a join");
                let value = self.expr(table);
                let table = self.table_named(value, table, span);
                let alias = self.alias(alias);
                let on = self.condition(on);
                let from = query.statement.from.write(" ", span).then(kind).write(" ", span).then(table);
                query.statement.from = from.write(" AS ", span).then(alias).write(" ON ", span).then(on);
            }
            ("join_subquery" | "join_lateral", [kind, inner, alias, on]) => {
                let kind = self.word(kind, "a join");
                let inner = self.subquery(inner);
                let alias = self.alias(alias);
                let on = self.condition(on);
                let lateral = if name == "join_lateral" { " LATERAL " } else { " " };
                let from = query.statement.from.write(" ", span).then(kind).write(lateral, span).then(inner);
                query.statement.from = from.write(" AS ", span).then(alias).write(" ON ", span).then(on);
            }
            ("from", [table]) => {
                let value = self.expr(table);
                let table = self.table_named(value, table, span);
                let into = match query.statement.kind {
                    Kind::Update => &mut query.statement.using,
                    _ => &mut query.statement.from,
                };
                *into = match into.is_empty() {
                    true => table,
                    false => std::mem::take(into).write(", ", span).then(table),
                };
            }
            ("from_as", [table, alias]) => {
                let value = self.expr(table);
                let table = self.table_named(value, table, span);
                let alias = self.alias(alias);
                query.statement.from =
                    comma(query.statement.from, table.write(" AS ", span).then(alias), span);
            }
            ("from_subquery", [inner, alias]) => {
                let inner = self.subquery(inner);
                let alias = self.alias(alias);
                query.statement.from =
                    comma(query.statement.from, inner.write(" AS ", span).then(alias), span);
            }
            ("from_table" | "table" | "into_table", [table]) => {
                let value = self.expr(table);
                query.statement.from = self.table_named(value, table, span);
            }
            ("union", [kind, other]) => {
                let kind = self.word(kind, "a set operation");
                let value = self.expr(other);
                let arm = match value {
                    Val::Query(other) => other.finished().render(),
                    _ => self.hole(other, "it is not known as a query"),
                };
                query.statement.arms.push((kind, arm));
            }
            ("belongs_to", [row_of]) => match self.expr(row_of) {
                Val::Row(row) if row.entity.is_some() => {
                    let filters = self.key_of_row(&row, call, Some(*row_of));
                    query.statement.filter.extend(filters);
                }
                _ => query.spoil(self.hole(call, "the row was not found")),
            },
            ("set", [model]) if query.statement.kind == Kind::Update => match self.expr(model) {
                Val::Model(model) => self.set_all(&mut query, &model, call),
                _ => query.spoil(self.hole(call, "the model is not known")),
            },
            ("col_expr" | "value", [column, value]) => {
                let named = self.expr(column);
                let value = match name {
                    "col_expr" => self.expression(value),
                    _ => self.operand(value),
                };
                match self.bare_name(&named).or_else(|| literal(column)) {
                    Some(name) => query.sets.push((name, value)),
                    None => query.spoil(self.hole(call, "the column was not found")),
                }
            }
            ("values", [list]) if query.statement.kind == Kind::Update => {
                let all = self.elements(list);
                if all.is_empty() {
                    query.spoil(self.hole(call, "the values are not written out"));
                }
                for pair in all {
                    match crate::read::strip(pair) {
                        Expr::Tuple(tuple) if tuple.elems.len() == 2 => {
                            let parts: Vec<&'t Expr> = tuple.elems.iter().collect();
                            let [column, value] = parts.as_slice() else { continue };
                            let named = self.expr(column);
                            let value = self.operand(value);
                            match self.bare_name(&named) {
                                Some(name) => query.sets.push((name, value)),
                                None => query.spoil(self.hole(call, "the column was not found")),
                            }
                        }
                        _ => query.spoil(self.hole(call, "the values are not written out")),
                    }
                }
            }
            ("columns", [list]) => {
                let all = self.elements(list);
                if all.is_empty() {
                    query.spoil(self.hole(call, "the columns are not written out"));
                }
                for column in all {
                    let value = self.expr(column);
                    match self.bare_name(&value).or_else(|| literal(column)) {
                        Some(name) => query.columns.push(name),
                        None => query.spoil(self.hole(call, "the column was not found")),
                    }
                }
            }
            ("values" | "values_panic", [list]) => {
                let all = self.elements(list);
                if all.is_empty() {
                    query.spoil(self.hole(call, "the values are not written out"));
                }
                let row = all.into_iter().map(|value| self.operand(value)).collect();
                query.values.push(row);
            }
            ("select_from", [inner]) => {
                let value = self.expr(inner);
                let inner = match value {
                    Val::Query(inner) => inner.finished().render(),
                    _ => self.hole(inner, "it is not known as a query"),
                };
                let names = query.columns.iter().map(|name| Fragment::name(name.clone(), span));
                query.statement.set =
                    Fragment::joined(names, ", ", span).nested(span).write(" ", span).then(inner);
            }
            ("on_conflict", [conflict]) => match self.expr(conflict) {
                Val::Conflict(conflict) => query.statement.conflict = conflict.text(span),
                _ => query.spoil(self.hole(call, "what is to be done on a conflict is not known")),
            },
            ("on_conflict_do_nothing", []) => {
                let key = query.entity.and_then(|entity| self.entities.entity(entity)).map(|of| {
                    let key = of.columns.iter().filter(|column| column.primary);
                    key.map(|column| Fragment::name(column.name.clone(), span)).collect::<Vec<_>>()
                });
                query.statement.conflict = Fragment::joined(key.unwrap_or_default(), ", ", span)
                    .nested(span)
                    .write(" DO NOTHING", span);
            }
            ("or_default_values", []) => {}
            ("add" | "add_many", [model]) if query.statement.kind == Kind::Insert => {
                let value = self.expr(model);
                let many = name == "add_many";
                self.add_rows(&mut query, value, many, call);
            }
            ("returning_all", []) => query.statement.returning = Fragment::text("*", span),
            ("returning_col", [column]) => {
                let value = self.expr(column);
                query.statement.returning = self.column_named(value, column, span);
            }
            ("returning", [_]) => {
                query.statement.returning = self.hole(call, "what is returned is not known")
            }
            _ => return self.unknown_method(Val::Query(Box::new(query)), call),
        }
        Val::Query(Box::new(query))
    }

    /// A column of a select list.
    fn select_item(&mut self, query: &mut Query, column: &'t Expr, alias: Option<Fragment>, span: Span) {
        let value = self.expr(column);
        let own = self.bare_name(&value);
        let text = match (&value, query.in_place) {
            (Val::Column(_) | Val::Entity(_), true) => self.column_named(value, column, span),
            _ => self.simple(value, column),
        };
        match alias {
            // An alias is a name like any other.
            Some(alias) => {
                query.items.push(Item { text: text.write(" AS ", span).then(alias), name: None, alias: None })
            }
            None => query.items.push(Item { text, name: own, alias: None }),
        }
    }

    fn simple_or_bare(&mut self, value: Val, column: &'t Expr, span: Span) -> Fragment {
        match value {
            // What a list of identifiers takes it for: without its table.
            Val::Column(_) => self.column_named(value, column, span),
            value => self.simple(value, column),
        }
    }

    fn alias(&mut self, expr: &'t Expr) -> Fragment {
        let span = self.span(expr);
        match self.alias_name(expr) {
            Some(name) => Fragment::name(name, span),
            None => self.hole(expr, "the alias is not known"),
        }
    }

    pub(super) fn alias_name(&mut self, expr: &'t Expr) -> Option<String> {
        let value = self.expr(expr);
        self.bare_name(&value).or_else(|| literal(expr))
    }

    fn word(&mut self, expr: &'t Expr, what: &str) -> Fragment {
        let span = self.span(expr);
        match self.expr(expr) {
            Val::Word(word) => Fragment::text(word, span),
            _ => self.hole(expr, format!("{what} of a kind that is not known")),
        }
    }

    /// A number of rows, which may be none.
    fn number(&mut self, expr: &'t Expr) -> Option<Fragment> {
        if is_none(expr) {
            return None;
        }
        let value = self.expr(expr);
        Some(match value {
            Val::Plain(origin) => self.bound(expr, origin),
            _ => self.made_bind(expr),
        })
    }

    /// A table of sea-query's.
    fn table_named(&mut self, value: Val, expr: &'t Expr, span: Span) -> Fragment {
        match value {
            Val::Entity(entity) => self.table(entity, span),
            Val::Tuple(parts) => {
                let names: Vec<Option<String>> = parts.iter().map(|part| self.bare_name(part)).collect();
                let names: Option<Vec<String>> = names.into_iter().collect();
                match names.as_deref() {
                    Some([schema, table]) => qualified(schema, table, span),
                    _ => self.hole(expr, "the table was not found"),
                }
            }
            Val::Query(inner) => inner.finished().render().nested(span),
            value => match self.bare_name(&value).or_else(|| literal(expr)) {
                Some(name) => Fragment::name(name, span),
                None => self.hole(expr, "the table was not found"),
            },
        }
    }
}

/// The value in `Some(…)`.
fn inside(expr: &Expr) -> &Expr {
    match expr {
        Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some")) => {
            call.args.first().unwrap_or(expr)
        }
        _ => expr,
    }
}

/// The number of rows that `one` reads, which the library binds.
fn one_row(span: Span) -> Fragment {
    let provenance = Provenance {
        kind: ProvenanceKind::Literal,
        steps: Vec::new(),
        row: None,
        extracted: None,
        checked_as: None,
        made_by: None,
    };
    let (text, key) = ("1".to_owned(), format!("one row#{}", span.range.start));
    Fragment::bind(Bind { span, text, key, nullable: Nullability::Never, provenance, each: false })
}

fn comma(before: Fragment, table: Fragment, span: Span) -> Fragment {
    if before.is_empty() { table } else { before.write(", ", span).then(table) }
}

/// The statement that a method runs: `one` reads a single row, `count` counts them.
fn as_run(query: Query, name: &str, span: Span, eval: &Eval<'_, '_>) -> Query {
    let mut query = query;
    match name {
        "one" if query.statement.kind == Kind::Select && query.statement.limit.is_none() => {
            query.statement.limit = Some(one_row(span));
        }
        "count" | "num_items" | "num_pages" if query.statement.kind == Kind::Select => {
            let mut inner = query.finished();
            (inner.limit, inner.offset) = (None, None);
            inner.order.clear();
            let with = std::mem::take(&mut inner.with);
            let mut outer = Query::new(Kind::Select, span);
            outer.statement.with = with;
            outer.statement.select = Fragment::text("COUNT(*) AS num_items", span);
            outer.statement.from =
                inner.render().nested(span).write(" AS ", span).then(Fragment::name("sub_query", span));
            return outer;
        }
        "exec_with_returning" | "exec_with_returning_many" => {
            let columns = query.entity.and_then(|entity| eval.entities.entity(entity)).map(|of| {
                of.columns.iter().map(|column| Fragment::name(column.name.clone(), span)).collect::<Vec<_>>()
            });
            query.statement.returning = Fragment::joined(columns.unwrap_or_default(), ", ", span);
        }
        _ => {}
    }
    query
}

/// What the rows of a query are read into.
fn result_of(query: &Query, within: Span, name: &str) -> Val {
    let row = |row: &Row| Val::Row(Row { within: Some(within), ..row.clone() });
    match (query.statement.kind, query.rows.as_slice()) {
        (Kind::Select, [only]) => row(only),
        (Kind::Select, [_, _, ..]) => Val::Tuple(query.rows.iter().map(row).collect()),
        (Kind::Select, []) => Val::UNKNOWN,
        (Kind::Insert | Kind::Update | Kind::Delete, _) => match (query.entity, name) {
            (Some(entity), "exec_with_returning") => {
                Val::Row(Row { entity: Some(entity), within: Some(within), prefix: "" })
            }
            _ => Val::UNKNOWN,
        },
    }
}

/// Every query of a value, with something in it that is not known.
fn spoiled(value: Val, hole: &Fragment) -> Val {
    value.map(&mut |one| match one {
        Val::Query(mut query) => {
            query.spoil(hole.clone());
            Val::Query(query)
        }
        other => other,
    })
}
