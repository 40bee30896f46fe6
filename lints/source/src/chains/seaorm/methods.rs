//! Calls of methods, by what they are called on.

use syn::{Expr, ExprMethodCall};

use super::collect::segments;
use super::eval::Eval;
use super::patterns::part_of;
use super::value::{Origin, Query, Val};

/// Methods that run a statement, of a query that was made elsewhere.
pub(super) const RUNS: &[&str] =
    &["one", "all", "exec", "count", "exec_with_returning", "insert", "update", "save", "delete"];

/// Methods that read a field and leave it as it is.
const READS_FIELD: &[&str] = &[
    "as_deref",
    "as_ref",
    "as_str",
    "clone",
    "cmp",
    "contains",
    "eq",
    "expect",
    "get",
    "into",
    "into_value",
    "into_wrapped_value",
    "is_empty",
    "is_none",
    "is_not_set",
    "is_set",
    "is_some",
    "is_unchanged",
    "iter",
    "len",
    "map",
    "ne",
    "ok_or",
    "ok_or_else",
    "to_owned",
    "to_string",
    "try_as_ref",
    "unwrap",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
];

impl<'t> Eval<'_, 't> {
    pub(super) fn method(&mut self, call: &'t ExprMethodCall) -> Val {
        let receiver = self.expr(&call.receiver);
        let arguments: Vec<&'t Expr> = call.args.iter().collect();
        let name = call.method.to_string();
        self.changed_through(call, &name, &receiver);
        if name == "from_raw_sql" {
            self.all(&arguments);
            return Val::Written;
        }
        match receiver {
            Val::Query(_) | Val::Choice(_) => {
                let value = self.query_method(receiver, call);
                self.in_place(call, &value);
                value
            }
            Val::Column(_) | Val::Expr(_) | Val::Function(..) | Val::Case(_) => {
                let span = self.span(call);
                self.operator(receiver, &call.receiver, &name, &arguments, span, call)
            }
            Val::Iden(_)
                if !matches!(name.as_str(), "into_iden" | "clone" | "to_owned" | "to_string" | "into") =>
            {
                let span = self.span(call);
                self.operator(receiver, &call.receiver, &name, &arguments, span, call)
            }
            Val::Cond(cond) => self.cond_method(cond, call, &arguments),
            Val::Conflict(conflict) => {
                let value = self.conflict_method(*conflict, call, &arguments);
                self.in_place(call, &value);
                value
            }
            Val::Model(model) => self.model_method(*model, call, &arguments),
            Val::Row(row) => self.row_method(row, call, &arguments),
            Val::Join(join) => self.join_method(join, call, &arguments),
            Val::Entity(entity) => match (name.as_str(), arguments.as_slice()) {
                ("into_iden" | "clone" | "table_ref" | "to_owned" | "def", []) => Val::Entity(entity),
                _ => {
                    let values: Vec<Val> = arguments.iter().map(|argument| self.expr(argument)).collect();
                    self.unfollowed(values, call, &name)
                }
            },
            Val::Maybe(inner, condition) => match name.as_str() {
                "unwrap" | "expect" => *inner,
                "unwrap_or_else" | "unwrap_or" => {
                    let other = match arguments.first() {
                        Some(Expr::Closure(closure)) => self.closure(closure, Vec::new()),
                        Some(other) => self.expr(other),
                        None => Val::UNKNOWN,
                    };
                    inner.join(other, condition)
                }
                "is_some" | "is_none" => Val::Plain(self.own_origin()),
                "as_ref" | "as_deref" | "clone" | "cloned" | "into_iter" | "iter" => {
                    Val::Maybe(inner, condition)
                }
                _ => {
                    self.all(&arguments);
                    self.may_change(call, &name);
                    self.no_longer(*inner, call, &name)
                }
            },
            Val::Set(inner) | Val::Unchanged(inner) => match name.as_str() {
                "unwrap" | "as_ref" | "take" | "into_value" | "into_wrapped_value" => *inner,
                _ => {
                    self.all(&arguments);
                    Val::Set(inner)
                }
            },
            Val::Tuple(parts) => match name.as_str() {
                "map" => {
                    self.closures(&arguments, &Val::Tuple(parts.clone()));
                    Val::Plain(self.own_origin())
                }
                _ => {
                    self.closures(&arguments, &Val::UNKNOWN);
                    self.may_change(call, &name);
                    Val::Tuple(parts)
                }
            },
            Val::List(all) => match name.as_str() {
                "into_iter" | "iter" | "to_vec" | "clone" | "to_owned" | "into" | "as_slice" | "collect" => {
                    self.all(&arguments);
                    Val::List(all)
                }
                "len" | "is_empty" => Val::Plain(self.own_origin()),
                _ => {
                    self.closures(&arguments, &Val::UNKNOWN);
                    if !["map", "filter", "first", "last"].contains(&name.as_str()) {
                        self.spoil(&call.receiver, call);
                    }
                    match Val::List(all).lost() {
                        Val::OPAQUE => Val::OPAQUE,
                        _ => Val::Plain(self.own_origin()),
                    }
                }
            },
            Val::Plain(origin) => self.plain_method(origin, call, &name, &arguments),
            Val::Never => Val::Never,
            other @ (Val::Link(..) | Val::Iden(_) | Val::NotSet | Val::Word(_) | Val::Written) => {
                self.all(&arguments);
                other
            }
        }
    }

    /// What a variable holds may be changed through what a method hands out: a statement, parts of a list, a field's value.
    fn changed_through(&mut self, call: &'t ExprMethodCall, name: &str, receiver: &Val) {
        let hands_out = name.ends_with("_mut")
            || name == "query" && matches!(receiver, Val::Query(query) if !query.in_place);
        let sets_field = matches!(&*call.receiver, Expr::Field(_)) && !READS_FIELD.contains(&name);
        if hands_out || sets_field && !matches!(receiver, Val::Row(_) | Val::Query(_)) {
            self.spoil(&call.receiver, call);
        }
    }

    /// What becomes of a value that may not be there by a method that was not followed: nothing that is known.
    fn no_longer(&self, value: Val, call: &'t ExprMethodCall, name: &str) -> Val {
        let why = format!("what `{name}` makes of it was not followed");
        match value {
            Val::Query(_) | Val::Choice(_) => {
                Val::Query(Box::new(Query::unknown(self.span(call), &self.written(call), why)))
            }
            Val::Expr(_) | Val::Cond(_) | Val::Column(_) => Val::Expr(self.hole(call, why)),
            other => other.lost(),
        }
    }

    /// A method that is not known to read may change what it is called on.
    fn may_change(&mut self, call: &'t ExprMethodCall, name: &str) {
        if !READS_FIELD.contains(&name) && !["into_iter", "and_then"].contains(&name) {
            self.spoil(&call.receiver, call);
        }
    }

    /// A statement of sea-query's is changed in place.
    fn in_place(&mut self, call: &'t ExprMethodCall, value: &Val) {
        let mut receiver = crate::read::strip(&call.receiver);
        // What changes in place hands on the same.
        while let Expr::MethodCall(inner) = receiver
            && !["clone", "to_owned", "take"].iter().any(|name| inner.method == name)
        {
            receiver = crate::read::strip(&inner.receiver);
        }
        let Expr::Path(path) = receiver else { return };
        let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
        let changes = match self.lookup(&name) {
            Some(Val::Query(query)) => query.in_place || !query.cursor.is_empty(),
            Some(Val::Choice(all)) => {
                all.iter().any(|one| matches!(one, Val::Query(query) if query.in_place))
            }
            Some(Val::Conflict(_)) => true,
            _ => false,
        };
        if changes && call.method == "take" {
            let mut left = match value {
                Val::Query(query) => Query::new(query.statement.kind, query.statement.span),
                _ => Query::unknown(self.span(call), &name, format!("`{name}` was taken away")),
            };
            left.in_place = true;
            self.assign(&name, Val::Query(Box::new(left)));
        } else if changes && matches!(value, Val::Query(_) | Val::Choice(_) | Val::Conflict(_)) {
            self.assign(&name, value.clone());
        }
    }

    /// A method of a value of Rust's.
    fn plain_method(
        &mut self,
        origin: Origin,
        call: &'t ExprMethodCall,
        name: &str,
        arguments: &[&'t Expr],
    ) -> Val {
        match (name, arguments) {
            ("map" | "and_then" | "map_or", [.., Expr::Closure(closure)]) => {
                let condition = self.span(&call.receiver);
                let given = Val::Plain(part_of(origin.clone()));
                let value = self.perhaps(closure, |eval| eval.closure(closure, vec![given]));
                return match value {
                    value @ (Val::Expr(_) | Val::Cond(_) | Val::Column(_) | Val::Query(_)) => {
                        Val::Maybe(Box::new(value), condition)
                    }
                    value @ Val::Model(_) if name != "map_or" => value,
                    _ => Val::Plain(self.own_origin()),
                };
            }
            ("then", [Expr::Closure(closure)]) => {
                let condition = self.span(&call.receiver);
                let value = self.perhaps(closure, |eval| eval.closure(closure, Vec::new()));
                return match value.is_plain() {
                    true => value,
                    false => Val::Maybe(Box::new(value), condition),
                };
            }
            ("then_some", [value]) => {
                let condition = self.span(&call.receiver);
                let value = self.expr(value);
                return match value.is_plain() {
                    true => value,
                    false => Val::Maybe(Box::new(value), condition),
                };
            }
            // `backend.build(&statement)`, and statements that are run as they are.
            ("build" | "build_any" | "execute" | "query_one" | "query_all" | "stream", [statement]) => {
                let value = self.expr(statement);
                if matches!(value, Val::Query(_) | Val::Choice(_)) {
                    self.run(call, value);
                }
                return Val::Plain(self.own_origin());
            }
            ("transaction" | "spawn" | "run", _) if !self.entities.has_any_method(name, arguments.len()) => {
                let mut result = Val::Plain(self.own_origin());
                for argument in arguments {
                    match argument {
                        Expr::Closure(closure) => {
                            result = self.perhaps(closure, |eval| eval.closure(closure, Vec::new()));
                        }
                        other => {
                            self.expr(other);
                        }
                    }
                }
                return match result {
                    Val::Never => Val::Plain(self.own_origin()),
                    result => result,
                };
            }
            ("boxed" | "pin", []) => return Val::Plain(origin),
            _ => {}
        }
        let lent = self.lent_models(arguments);
        let values: Vec<Val> = arguments
            .iter()
            .map(|argument| match argument {
                Expr::Closure(closure) => {
                    self.perhaps(closure, |eval| eval.closure(closure, Vec::new()));
                    Val::Plain(Origin::Unknown)
                }
                other => self.expr(other),
            })
            .collect();
        self.lend_arguments(name, arguments, &lent);
        if let ([db], true) = (arguments, RUNS.contains(&name))
            && self.is_connection(db)
            && self.is_walked()
        {
            let why = match name {
                "one" | "all" | "exec" | "count" | "exec_with_returning" => "the query is made elsewhere",
                _ => "the model is made elsewhere",
            };
            let query = Query::unknown(self.span(&call.receiver), &self.written(&call.receiver), why);
            self.run(call, Val::Query(Box::new(query)));
            return Val::Plain(self.own_origin());
        }
        if (crate::read::is_same_value(name) || self.entities.has_method_that_hands_on(name))
            && (arguments.is_empty() || !self.entities.has_any_method(name, arguments.len()))
            && values.iter().all(Val::is_plain)
        {
            return Val::Plain(origin);
        }
        match origin {
            Origin::Opaque => Val::OPAQUE,
            _ if self.names_part(call.turbofish.as_ref()) => Val::OPAQUE,
            Origin::Here if values.iter().all(|value| value.is_plain() && !value.holds_part()) => {
                Val::Plain(Origin::Here)
            }
            // Nothing but a query takes a condition.
            _ if matches!(name, "filter" | "having")
                && values.iter().any(|value| matches!(value, Val::Cond(_) | Val::Expr(_))) =>
            {
                let (span, written) = (self.span(&call.receiver), self.written(&call.receiver));
                Val::Query(Box::new(Query::unknown(span, &written, "the query is made elsewhere")))
            }
            _ => self.unfollowed(values, call, name),
        }
    }

    /// True for an argument that evidently is a connection to a database.
    fn is_connection(&self, expr: &Expr) -> bool {
        let name = match crate::read::strip(expr) {
            Expr::Path(path) => segments(&path.path).last().cloned(),
            Expr::Field(field) => match &field.member {
                syn::Member::Named(name) => Some(name.to_string()),
                syn::Member::Unnamed(_) => return self.is_connection(&field.base),
            },
            Expr::MethodCall(call) if call.args.is_empty() => Some(call.method.to_string()),
            Expr::Reference(reference) => return self.is_connection(&reference.expr),
            _ => None,
        };
        let Some(name) = name else { return false };
        let name = name.trim_start_matches("get_");
        ["db", "txn", "tx", "conn", "pool", "transaction", "database", "trx"].iter().any(|known| {
            name == *known || name.starts_with(&format!("{known}_")) || name.ends_with(&format!("_{known}"))
        }) || name.contains("connection")
    }
}
