//! Function calls: the allow-list, aggregates, windows, settings.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, Call, Over, WindowSpec};
use crate::catalog::{QualifiedName, RoutineKind};
use crate::plan::{Action, AggregateCall, Expr, ExprKind, Rel, RelKind, WindowCall};
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::from::{full_name, function_name};
use super::functions::{self, Argument, Class, Shape, Signature};
use super::scope::Stage;
use super::walk::columns_of;
use super::{BEFORE, Binder, types};

impl Binder<'_> {
    /// A call in `FROM`, where a set-returning function is not one of the select list.
    pub(super) fn table_function(&mut self, expr: &ast::Expr) -> Expr {
        let ast::ExprKind::Call(call) = &expr.kind else { return self.expr(expr) };
        let name = function_name(call);
        let record = functions::is_record_set(self.dialect, name);
        let set = matches!(self.builtin(call), Some(Class::Set { .. }));
        if !(record || set) || self.is_user_function(call) || !plain(call) {
            return self.expr(expr);
        }
        let args = self.args(call, Stage::Rows);
        let args = self.noted(args, Argument::Unknown);
        self.make(ExprKind::Pure { name: name.to_owned(), args }, SqlType::Unknown, expr.range)
    }

    pub(super) fn call(&mut self, call: &Call, range: TextRange) -> Expr {
        let arranged = self.arranged(call, range);
        let call = arranged.as_ref().unwrap_or(call);
        let user = self.is_user_function(call);
        if call.name.parts.len() == 1
            && let Some(own) = self.catalog.hiding_function(function_name(call))
        {
            let message =
                format!("the function `{}` may be that of the schema `{}`, {BEFORE}", own.name, own.schema);
            self.obstacle(ObstacleKind::UnknownFunction, range, message);
        }
        // An aggregate makes one row of many, so it is not a function to be trusted.
        if let Some(reason) = self.trusted(call).filter(|_| !self.is_user_aggregate(call)) {
            let name = full_name(call);
            self.assume(format!("the function `{name}` is declared harmless: {reason}"));
            return self.pure_call(call, functions::Result::Unknown, Argument::Unknown, range);
        }
        if user && self.sql_function(call).is_some_and(|function| !function.returns_set) {
            let current = self.scopes.last().map_or(Stage::Rows, |scope| scope.stage);
            let args = self.args(call, current);
            if let Some(value) = self.inlined_value(call, args, range) {
                return value;
            }
        }
        let regular = Call { irregular: false, ..call.clone() };
        if user
            && plain(&regular)
            && call.over.is_none()
            && !self.is_user_aggregate(call)
            && self.is_pure_user_function(function_name(call))
        {
            return self.pure_call(call, functions::Result::Unknown, Argument::Unknown, range);
        }
        #[cfg(feature = "postgres")]
        if user
            && !self.is_user_aggregate(call)
            && let Some(value) = self.inlined_return(call, range).or_else(|| self.judged_value(call, range))
        {
            return value;
        }
        let special = if user { None } else { self.special(call, range) };
        if let Some(expr) = special {
            return expr;
        }
        let class = if user { None } else { self.builtin(call) };
        match class {
            Some(Class::Scalar(signature)) if call.over.is_none() => self.scalar(call, signature, range),
            Some(Class::Aggregate { ignores_null, result }) => match &call.over {
                Some(over) => self.window_call(call, over, result, range),
                None => self.aggregate(call, ignores_null, result, range),
            },
            Some(Class::Window(result)) => match &call.over {
                Some(over) => self.window_call(call, over, result, range),
                None => self.unknown_function(call, range),
            },
            Some(Class::Set { columns, result }) if columns.len() < 2 => self.set_call(call, result, range),
            _ => self.unknown_function(call, range),
        }
    }

    /// `CALL`, as the query of that one value: nothing but its arguments stand beside it.
    pub(super) fn procedure_call(&mut self, call: &Call, range: TextRange) -> Action {
        let is_trusted = self.trusted(call).is_some();
        let kind = self.only_function(call).map(|function| function.kind);
        let is_regular = call.over.is_none() && plain(&Call { irregular: false, ..call.clone() });
        match kind {
            _ if !is_regular => return self.refuse(range, "`CALL` with more than arguments"),
            Some(RoutineKind::Function) => return self.refuse(range, "`CALL` of a function"),
            Some(RoutineKind::Procedure { has_out: true }) => {
                return self.refuse(range, "`CALL` of a procedure with `OUT` parameters");
            }
            None if !is_trusted => {
                let message = format!("which procedure `{}` is, is not known", full_name(call));
                self.obstacle(ObstacleKind::UnknownFunction, range, message);
                return Action::Unmodelled;
            }
            Some(RoutineKind::Procedure { has_out: false }) | None => {}
        }
        // A body that is read ends no transaction.
        self.may_end_settings |= is_trusted;
        let value = self.call(call, range);
        let id = self.new_column(function_name(call), value.ty.clone());
        let kind = RelKind::Project { input: Box::new(self.unit(range)), computed: vec![(id, value)] };
        Action::Query(Rel { kind, cols: vec![id], range: self.at(range) })
    }

    /// Whether the schema defines a function that this call may mean.
    fn is_user_function(&self, call: &Call) -> bool {
        let defined = |schema: &str, name: &str| {
            let name = QualifiedName { schema: schema.to_owned(), name: name.to_owned() };
            self.catalog.functions.contains_key(&name)
        };
        if self.is_user_aggregate(call) {
            return true;
        }
        match call.name.parts.as_slice() {
            [name] => self.catalog.search_path.iter().any(|schema| defined(schema, &name.text)),
            [schema, name] => {
                let extension = self.is_extension_function(&name.text) && !defined(&schema.text, &name.text);
                schema.text != "pg_catalog" && !extension
            }
            _ => true,
        }
    }

    /// Whether a name is one of an extension's, wherever that is installed.
    fn is_extension_function(&self, name: &str) -> bool {
        self.dialect == Dialect::Postgres && functions::EXTENSIONS.contains(&name)
    }

    fn is_user_aggregate(&self, call: &Call) -> bool {
        let name = function_name(call);
        let mut aggregates =
            self.catalog.operators.iter().filter_map(|own| own.what.strip_prefix("aggregate "));
        aggregates.any(|known| known.rsplit('.').next().is_some_and(|own| own.trim_matches('"') == name))
    }

    pub(super) fn trusted(&self, call: &Call) -> Option<String> {
        let trusted = &self.tenancy.trusted_functions;
        let full = full_name(call).to_lowercase();
        trusted.get(&full).or_else(|| trusted.get(&function_name(call).to_lowercase())).cloned()
    }

    pub(super) fn builtin(&self, call: &Call) -> Option<Class> {
        let name = function_name(call);
        let lower = name.to_ascii_lowercase();
        // PostgreSQL's names are folded already; a quoted "LOWER" is another function.
        let name = if self.dialect == Dialect::Postgres { name } else { lower.as_str() };
        let shape = Shape {
            arity: call.args.len(),
            over: call.over.is_some(),
            within_group: !call.within_group.is_empty(),
        };
        functions::builtin(self.dialect, name, shape)
    }

    fn unknown_function(&mut self, call: &Call, range: TextRange) -> Expr {
        let name = full_name(call);
        #[cfg(feature = "postgres")]
        let why = self.why_not_judged(call).map(|why| format!(": {why}")).unwrap_or_default();
        #[cfg(not(feature = "postgres"))]
        let why = String::new();
        self.obstacle_with_help(
            ObstacleKind::UnknownFunction,
            range,
            format!("the function `{name}` may read or write anything{why}"),
            Some(format!(
                "if it touches no tenant's rows, say so: `[trust] functions = {{ {} = \"why\" }}`",
                function_name(call)
            )),
        );
        let mut parts = self.args(call, Stage::InSet);
        parts.extend(call.filter.as_ref().map(|filter| self.expr(filter)));
        self.note_unknown(&parts);
        self.opaque(parts, range)
    }

    fn note_unknown(&mut self, args: &[Expr]) {
        args.iter().for_each(|arg| self.note(arg, &SqlType::Unknown));
    }

    /// All expressions of a call but its filter and window.
    pub(super) fn args(&mut self, call: &Call, stage: Stage) -> Vec<Expr> {
        let current = self.scopes.last().map_or(Stage::Rows, |scope| scope.stage);
        // Inside an aggregate or a window nothing becomes allowed again.
        let stage = match (current, stage) {
            (Stage::Output | Stage::Groups, stage) => stage,
            (current, _) => current,
        };
        let orders = call.order_by.iter().chain(&call.within_group).map(|order| &order.expr);
        let exprs: Vec<&ast::Expr> = call.args.iter().chain(orders).collect();
        self.in_stage(stage, |binder| exprs.into_iter().map(|expr| binder.expr(expr)).collect())
    }

    fn noted(&mut self, args: Vec<Expr>, wanted: Argument) -> Vec<Expr> {
        for (index, arg) in args.iter().enumerate() {
            match wanted {
                Argument::Text if index == 0 => self.note(arg, &SqlType::Text),
                Argument::Text | Argument::Unknown => self.note(arg, &SqlType::Unknown),
            }
        }
        args
    }

    fn pure_call(
        &mut self,
        call: &Call,
        result: functions::Result,
        wanted: Argument,
        range: TextRange,
    ) -> Expr {
        let current = self.scopes.last().map_or(Stage::Rows, |scope| scope.stage);
        let args = self.args(call, current);
        let args = self.noted(args, wanted);
        let first = args.first().map(|arg| &arg.ty);
        let text = |ty: &SqlType| {
            matches!(
                ty,
                SqlType::Text | SqlType::VarcharN(_) | SqlType::Char | SqlType::Name | SqlType::Unknown
            )
        };
        // lower(range), length(bytea) and the like give something else.
        let other = wanted == Argument::Text && !first.is_none_or(text);
        let ty = if other { SqlType::Unknown } else { result.of(first) };
        let name = function_name(call).to_lowercase();
        self.make(ExprKind::Pure { name, args }, ty, range)
    }

    fn scalar(&mut self, call: &Call, signature: Signature, range: TextRange) -> Expr {
        // Names of arguments and VARIADIC do not change what a pure function can read.
        let regular = Call { irregular: false, ..call.clone() };
        if !plain(&regular) || call.star {
            return self.unknown_function(call, range);
        }
        if let [schema, name] = call.name.parts.as_slice()
            && schema.text != "pg_catalog"
        {
            self.assume(format!("the function `{}.{}` is the extension's", schema.text, name.text));
        }
        if signature.locks {
            self.assume("advisory locks held by other tenants are not observed");
        }
        self.pure_call(call, signature.result, signature.args, range)
    }

    // ---- forms with a meaning of their own ----

    fn special(&mut self, call: &Call, range: TextRange) -> Option<Expr> {
        let name = function_name(call).to_lowercase();
        if call.over.is_some() || !plain(call) {
            return None;
        }
        let current = self.scopes.last().map_or(Stage::Rows, |scope| scope.stage);
        match (name.as_str(), call.args.len()) {
            ("coalesce", 1..) | ("ifnull", 2) => {
                let args = self.args(call, current);
                self.note_together(&args);
                let ty = types::unify_exprs(&args);
                Some(self.make(ExprKind::Coalesce(args), ty, range))
            }
            ("greatest" | "least", 1..) => {
                let args = self.args(call, current);
                self.note_together(&args);
                let ty = types::unify_exprs(&args);
                // MySQL's give NULL when any argument is.
                Some(match self.dialect {
                    Dialect::Postgres => self.make(ExprKind::Extreme(args), ty, range),
                    Dialect::Mysql | Dialect::Sqlite => self.make(ExprKind::Pure { name, args }, ty, range),
                })
            }
            ("nullif", 2) => {
                let mut args = self.args(call, current).into_iter();
                let (first, second) = (args.next()?, args.next()?);
                self.note_pair(&first, &second);
                // It has the type that its first argument is compared as.
                let ty = types::unify_exprs([&first, &second]);
                Some(self.make(ExprKind::NullIf(Box::new(first), Box::new(second)), ty, range))
            }
            ("current_setting", 1 | 2) if self.dialect == Dialect::Postgres => self.setting(call, range),
            ("set_config", 3) if self.dialect == Dialect::Postgres => Some(self.set_config(call, range)),
            _ => None,
        }
    }

    fn setting(&mut self, call: &Call, range: TextRange) -> Option<Expr> {
        let name = literal(call.args.first()?)?.to_lowercase();
        let missing_ok = match call.args.get(1).map(|arg| &arg.kind) {
            None => false,
            Some(ast::ExprKind::Bool(flag)) => *flag,
            // Not known before it runs: NULL must be reckoned with.
            Some(_) => true,
        };
        self.settings_read += 1;
        self.settings.insert(name.clone());
        if missing_ok {
            self.missing_settings.insert(name.clone());
        }
        Some(self.make(ExprKind::Setting { name, missing_ok }, SqlType::Text, range))
    }

    fn set_config(&mut self, call: &Call, range: TextRange) -> Expr {
        let name = call.args.first().and_then(literal).map(str::to_lowercase);
        let harmless = name.as_ref().is_some_and(|name| {
            !self.tenancy.settings.contains(name)
                && !matches!(name.as_str(), "role" | "session_authorization" | "search_path")
        });
        if !harmless {
            self.obstacle(
                ObstacleKind::Unmodelled,
                range,
                "`set_config` may change the setting that carries the tenant while the statement runs",
            );
        }
        self.pure_call(call, functions::Result::Text, Argument::Unknown, range)
    }

    /// `SELECT set_config('tenant setting', value, local)` as a whole statement.
    pub(super) fn tenant_setting(&mut self, query: &ast::Query) -> Option<Action> {
        let ast::SetExpr::Select(select) = &query.body else { return None };
        let bare = query.with.is_none()
            && query.order_by.is_empty()
            && select.from.is_empty()
            && select.filter.is_none()
            && select.group_by.is_none()
            && select.having.is_none()
            && select.into.is_none()
            // Where no row comes back, it may not be called.
            && query.limit.is_none()
            && query.offset.is_none()
            && query.fetch.is_none();
        let [ast::SelectItem::Expr { expr, .. }] = select.items.as_slice() else { return None };
        let ast::ExprKind::Call(call) = &expr.kind else { return None };
        let [name, value, local] = call.args.as_slice() else { return None };
        let name = literal(name)?.to_lowercase();
        let is_it = bare
            && self.dialect == Dialect::Postgres
            && function_name(call) == "set_config"
            && plain(call)
            && call.over.is_none()
            && !self.is_user_function(call)
            && self.tenancy.settings.contains(&name);
        let ast::ExprKind::Bool(local) = local.kind else { return None };
        if !is_it {
            return None;
        }
        if !is_as_bound(value) {
            self.unmodelled(expr.range, "a setting whose value is computed");
        }
        let clears = match &value.kind {
            ast::ExprKind::String(text) => text.is_empty(),
            ast::ExprKind::Null => true,
            _ => false,
        };
        let value = self.expr(value);
        self.note(&value, &SqlType::Text);
        // A value that is read from a table is a query of its own; no verdict on it is made here.
        if !self.scans.is_empty() {
            self.unmodelled(expr.range, "a setting whose value is read from a table");
        }
        Some(Action::SetTenant { local, clears })
    }

    // ---- aggregates, windows, sets ----

    fn filter_of(&mut self, call: &Call, stage: Stage) -> Option<Expr> {
        let filter = call.filter.as_ref()?;
        Some(self.in_stage(stage, |binder| binder.condition(filter)))
    }

    fn aggregate(
        &mut self,
        call: &Call,
        ignores_null: bool,
        result: functions::Result,
        range: TextRange,
    ) -> Expr {
        let stage = self.scopes.last().map_or(Stage::Rows, |scope| scope.stage);
        let args = self.args(call, Stage::InAggregate);
        self.note_unknown(&args);
        let filter = self.filter_of(call, Stage::InAggregate);
        let further_out = self.outer_query_of(args.iter().chain(&filter));
        let stage = match further_out {
            Some(at) => self.scopes.get(at).map_or(Stage::Rows, |scope| scope.stage),
            None => stage,
        };
        let allowed = match further_out {
            Some(_) => matches!(stage, Stage::Output | Stage::Groups),
            None => matches!(stage, Stage::Output | Stage::Groups | Stage::InWindow | Stage::InSet),
        };
        if call.irregular || (further_out.is_some() && !allowed) {
            let name = function_name(call);
            self.unmodelled(range, format!("the aggregate `{name}` here"));
            return self.opaque(args, range);
        }
        if !allowed || self.scopes.is_empty() {
            let name = function_name(call);
            self.obstacle(ObstacleKind::Syntax, range, format!("the aggregate `{name}` cannot stand here"));
            return self.opaque(args, range);
        }
        let name = function_name(call).to_lowercase();
        let ty = result.of(args.first().map(|arg| &arg.ty));
        let id = self.new_column(&name, ty.clone());
        let ignores_null = ignores_null && !call.star && !call.args.is_empty();
        let aggregate = AggregateCall { name, args, filter, ignores_null };
        let home = further_out.or(self.scopes.len().checked_sub(1));
        if let Some(scope) = home.and_then(|at| self.scopes.get_mut(at)) {
            scope.aggregates.push((id, aggregate));
        }
        self.make(ExprKind::Column(id), ty, range)
    }

    /// An aggregate belongs to the innermost query whose columns its arguments name: which, if it is an enclosing one.
    fn outer_query_of<'e>(&self, parts: impl Iterator<Item = &'e Expr>) -> Option<usize> {
        let mut used = BTreeSet::new();
        parts.for_each(|part| columns_of(part, &mut used));
        let at = self.scopes.iter().rposition(|scope| used.iter().any(|id| scope.local.contains(id)))?;
        (at + 1 < self.scopes.len()).then_some(at)
    }

    fn window_call(&mut self, call: &Call, over: &Over, result: functions::Result, range: TextRange) -> Expr {
        let stage = self.scopes.last().map_or(Stage::Rows, |scope| scope.stage);
        if stage != Stage::Output || call.irregular {
            let name = function_name(call);
            self.unmodelled(range, format!("the window function `{name}` here"));
            let args = self.args(call, Stage::InWindow);
            return self.opaque(args, range);
        }
        let mut args = self.args(call, Stage::InWindow);
        self.note_unknown(&args);
        let ty = result.of(args.first().map(|arg| &arg.ty));
        args.extend(self.filter_of(call, Stage::InWindow));
        let Some((partition_by, rest)) = self.window(over, 0) else {
            self.unmodelled(range, "a window whose definition is missing");
            return self.opaque(args, range);
        };
        let (partition_by, rest) = self.in_stage(Stage::InWindow, |binder| {
            let partition_by: Vec<Expr> = partition_by.iter().map(|expr| binder.expr(expr)).collect();
            let rest: Vec<Expr> = rest.iter().map(|expr| binder.expr(expr)).collect();
            (partition_by, rest)
        });
        args.extend(rest);
        self.may_be_unused = true;
        let name = function_name(call).to_lowercase();
        let id = self.new_column(&name, ty.clone());
        if let Some(scope) = self.scope() {
            scope.windows.push((id, WindowCall { name, args, partition_by }));
        }
        self.make(ExprKind::Column(id), ty, range)
    }

    /// The `PARTITION BY` of a window, and its other expressions; a window extends those it names.
    fn window(&self, over: &Over, depth: usize) -> Option<(Vec<ast::Expr>, Vec<ast::Expr>)> {
        match over {
            Over::Name(name) => self.named_window(&name.text, depth),
            Over::Spec(spec) => self.window_spec(spec, depth),
        }
    }

    fn named_window(&self, name: &str, depth: usize) -> Option<(Vec<ast::Expr>, Vec<ast::Expr>)> {
        let scope = self.scopes.last()?;
        let (_, spec) = scope.named_windows.iter().find(|(known, _)| known.text == name)?;
        if depth > scope.named_windows.len() {
            return None;
        }
        self.window_spec(spec, depth + 1)
    }

    fn window_spec(&self, spec: &WindowSpec, depth: usize) -> Option<(Vec<ast::Expr>, Vec<ast::Expr>)> {
        let (mut partition_by, mut rest) = match &spec.base {
            Some(base) => self.named_window(&base.text, depth)?,
            None => (Vec::new(), Vec::new()),
        };
        partition_by.extend(spec.partition_by.iter().cloned());
        rest.extend(spec.order_by.iter().map(|order| order.expr.clone()));
        rest.extend(spec.frame.iter().cloned());
        Some((partition_by, rest))
    }

    /// A set-returning function in the select list.
    fn set_call(&mut self, call: &Call, result: functions::Result, range: TextRange) -> Expr {
        let stage = self.scopes.last().map_or(Stage::Rows, |scope| scope.stage);
        if stage != Stage::Output || !plain(call) || call.over.is_some() || call.args.len() > 3 {
            let name = function_name(call);
            self.unmodelled(range, format!("the set-returning function `{name}` here"));
            let args = self.args(call, Stage::InSet);
            return self.opaque(args, range);
        }
        let args = self.args(call, Stage::InSet);
        let args = self.noted(args, Argument::Unknown);
        let name = function_name(call).to_lowercase();
        let ty = result.of(args.first().map(|arg| &arg.ty));
        let id = self.new_column(&name, ty.clone());
        let expr = self.make(ExprKind::Pure { name, args }, ty.clone(), range);
        if let Some(scope) = self.scope() {
            scope.sets.push((id, expr));
        }
        self.make(ExprKind::Column(id), ty, range)
    }
}

/// A call with nothing but positional arguments.
pub(super) fn plain(call: &Call) -> bool {
    !call.irregular
        && !call.distinct
        && call.order_by.is_empty()
        && call.within_group.is_empty()
        && call.filter.is_none()
}

/// True for a value that is what is bound, or that nothing is bound for. What a cast cuts off or rounds may be the name of
/// another tenant then.
fn is_as_bound(value: &ast::Expr) -> bool {
    let is_nothing = |value: &ast::Expr| match &value.kind {
        ast::ExprKind::Null => true,
        ast::ExprKind::String(text) => text.is_empty(),
        _ => false,
    };
    match &value.kind {
        ast::ExprKind::Param(_)
        | ast::ExprKind::Null
        | ast::ExprKind::String(_)
        | ast::ExprKind::Number(_) => true,
        ast::ExprKind::Cast {
            expr,
            ty: SqlType::Text | SqlType::Uuid | SqlType::Int | SqlType::Numeric,
            ..
        } => is_as_bound(expr),
        ast::ExprKind::Call(call) => match (function_name(call), call.args.as_slice()) {
            ("current_setting", _) => true,
            ("coalesce", [first, rest @ ..]) => is_as_bound(first) && rest.iter().all(is_nothing),
            _ => false,
        },
        _ => false,
    }
}

fn literal(expr: &ast::Expr) -> Option<&str> {
    match &expr.kind {
        ast::ExprKind::String(text) => Some(text),
        ast::ExprKind::Cast { expr, ty: SqlType::Text, .. } => literal(expr),
        _ => None,
    }
}
