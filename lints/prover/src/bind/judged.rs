//! Bodies of functions: variables where one is bound, and calls of functions that are judged by theirs.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, Call, Ident};
use crate::catalog::{Catalog, Function, Table, Trigger, Volatility};
use crate::plan::{ColId, Expr, ExprKind, Rel, RelKind, TenantCall};
use crate::plpgsql::{self, Meaning, Summary};
use crate::tenancy::Tenancy;
use crate::types::SqlType;
use crate::verdict::Verdict;

use super::Binder;
use super::call::plain;
use super::from::{function_name, plain_entry};
use super::inline::FOLDED;
use super::scope::{Entry, Gaps, NamedColumn, Stage};

impl<'a> Binder<'a> {
    /// A variable of the body that is being bound, if the name is one. Columns go first: where both are meant, the server
    /// refuses.
    pub(super) fn variable(&mut self, parts: &[&Ident], range: TextRange) -> Option<Expr> {
        if !self.sees_variables() {
            return None;
        }
        let path: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
        let meaning = self.variables.as_ref()?.meaning(&path)?;
        Some(self.meant(meaning, range))
    }

    /// `$n` in a body.
    pub(super) fn numbered_variable(&mut self, number: u32, range: TextRange) -> Option<Expr> {
        if !self.sees_variables() {
            return None;
        }
        let meaning = self.variables.as_ref()?.number(number);
        match meaning {
            Some(meaning) => Some(self.meant(meaning, range)),
            None => {
                self.unmodelled(range, format!("the placeholder `${number}`"));
                Some(self.opaque(Vec::new(), range))
            }
        }
    }

    /// Texts of views, policies and other functions see none.
    fn sees_variables(&self) -> bool {
        self.variables.is_some() && self.view_range.is_none() && self.arguments.is_empty()
    }

    fn meant(&mut self, meaning: Meaning, range: TextRange) -> Expr {
        let value = self.make(ExprKind::Param(meaning.param), SqlType::Unknown, range);
        match meaning.ty {
            Some(ty) => {
                self.note(&value, &ty);
                self.make(ExprKind::Cast(Box::new(value)), ty, range)
            }
            // Of a value whose type is not known nothing follows that it is compared with.
            None => {
                self.note(&value, &SqlType::Unknown);
                let name = "variable".to_owned();
                self.make(ExprKind::Pure { name, args: vec![value] }, SqlType::Unknown, range)
            }
        }
    }

    /// The value of a function that only returns an expression without parameters, such as what a setting says.
    pub(super) fn inlined_return(&mut self, call: &Call, range: TextRange) -> Option<Expr> {
        let function = self.function_with_body(call)?;
        let returned = self.returned_type(&function.returns).filter(|_| !function.returns_set)?;
        if function.language != "plpgsql"
            || !function.params.is_empty()
            || self.judging.contains(&function.name)
        {
            return None;
        }
        let parsed = plpgsql::only_returned(function)?;
        let expr = ast::only_item(&parsed)?;
        let scopes = std::mem::take(&mut self.scopes);
        let frames = std::mem::take(&mut self.frames);
        let variables = self.variables.take();
        let arguments = std::mem::take(&mut self.arguments);
        let new_row = self.new_row_scope.take();
        let place = self.view_range.replace(self.at(range));
        let before = self.state_read();
        let inner = self.judging.within(&function.name);
        let outer = std::mem::replace(&mut self.judging, inner);
        let value = self.expr(expr);
        self.judging = outer;
        self.view_range = place;
        self.new_row_scope = new_row;
        self.arguments = arguments;
        self.variables = variables;
        self.frames = frames;
        self.scopes = scopes;
        self.note_folded(function, before, range);
        // What is returned becomes the declared type as by a cast.
        match value.ty == returned {
            true => Some(value),
            false if matches!(value.ty, SqlType::Text | SqlType::Unknown) => {
                Some(self.make(ExprKind::Cast(Box::new(value)), returned, range))
            }
            false => None,
        }
    }

    /// The one function that a call means, with what its body says, or why that is not known.
    fn judged(&self, call: &Call) -> Option<Result<(&'a Function, Summary), String>> {
        let function = self.function_with_body(call)?;
        if function.params.len() != call.args.len() {
            return Some(Err("not all of its arguments are written out".to_owned()));
        }
        let summary = plpgsql::summary(self.catalog, self.tenancy, function, &self.judging);
        let summary = summary.and_then(|summary| match summary.asks_settings && summary.tables.is_empty() {
            // It may well be the tenant, and a comparison with it a filter.
            true => Err("what it returns hangs on a setting".to_owned()),
            false if function.volatility == Volatility::Immutable && !summary.tables.is_empty() => {
                Err(format!("it {FOLDED}"))
            }
            false => Ok(summary),
        });
        Some(summary.map(|summary| (function, summary)))
    }

    /// The one function that a call means, if its body is in a language that is read.
    fn function_with_body(&self, call: &Call) -> Option<&'a Function> {
        if !plain(call) || call.star || call.over.is_some() || self.builtin(call).is_some() {
            return None;
        }
        self.only_function(call).filter(|function| plpgsql::LANGUAGES.contains(&function.language.as_str()))
    }

    /// Why a function whose body is read may do anything.
    pub(super) fn why_not_judged(&self, call: &Call) -> Option<String> {
        match self.judged(call)? {
            Ok((function, _)) if function.returns_set => Some("it returns rows".to_owned()),
            Ok(_) => None,
            Err(why) => Some(why),
        }
    }

    /// A call as an expression.
    pub(super) fn judged_value(&mut self, call: &Call, range: TextRange) -> Option<Expr> {
        let (function, summary) = self.judged(call)?.ok()?;
        if function.returns_set || call.irregular {
            return None;
        }
        let value = self.judged_call(call, function, summary, range);
        let ty = match function.columns.is_empty() {
            true => self.returned_type(&function.returns).unwrap_or(SqlType::Unknown),
            false => SqlType::Unknown,
        };
        Some(Expr { ty, ..value })
    }

    /// A call in `FROM`.
    pub(super) fn judged_rows(&mut self, call: &Call, range: TextRange) -> Option<(Rel, Entry)> {
        let (function, summary) = self.judged(call)?.ok()?;
        let (names, is_scalar) = match self.returned_columns(function) {
            Some(found) => found,
            None if self.returns_one_value(function) => {
                (vec![(function.name.name.clone(), SqlType::Unknown)], true)
            }
            None => return None,
        };
        let value = self.judged_call(call, function, summary, range);
        let columns: Vec<NamedColumn> = names
            .into_iter()
            .map(|(name, ty)| NamedColumn { id: self.new_column(&name, ty), name })
            .collect();
        let cols: Vec<ColId> = columns.iter().map(|column| column.id).collect();
        let rel = Rel { kind: RelKind::Function { calls: vec![value] }, cols, range: self.at(range) };
        let mut entry = plain_entry(function_name(call), columns, Gaps::None);
        entry.scalar = is_scalar;
        Some((rel, entry))
    }

    /// True for a type of which it is known that it is no row: it is written out, and nothing of the schema has its name.
    fn returns_one_value(&self, function: &Function) -> bool {
        let name = function.returns.to_ascii_lowercase();
        let known = ["void", "json", "jsonb", "bytea", "timestamptz", "timestamp", "date", "interval"];
        known.contains(&name.as_str())
    }

    fn judged_call(
        &mut self,
        call: &Call,
        function: &'a Function,
        summary: Summary,
        range: TextRange,
    ) -> Expr {
        let stage = self.scopes.last().map_or(Stage::Rows, |scope| scope.stage);
        let args = self.args(call, stage);
        let mut tenant = Vec::new();
        for (number, ((_, ty), arg)) in (1..).zip(function.params.iter().zip(&args)) {
            let ty = match self.catalog.resolve_type(ty) {
                SqlType::VarcharN(_) => SqlType::Text,
                ty => ty,
            };
            self.note(arg, &ty);
            if summary.tenant == Some(number) {
                tenant.push(without_cast(arg, &ty).clone());
            }
        }
        for name in &summary.settings {
            let kind = ExprKind::Setting { name: name.clone(), missing_ok: true };
            self.settings.insert(name.clone());
            self.missing_settings.insert(name.clone());
            tenant.push(self.make(kind, SqlType::Text, range));
        }
        for assumption in &summary.assumptions {
            self.assume(assumption.clone());
        }
        let Summary { needs_value, domains, tables, acts, .. } = summary;
        self.calls.push(TenantCall {
            function: function.name.clone(),
            range: self.at(range),
            tenant,
            needs_value,
            domains,
            tables,
            acts,
        });
        let name = function_name(call).to_lowercase();
        self.make(ExprKind::Pure { name, args }, SqlType::Unknown, range)
    }

    /// Whether the function of a trigger stays inside the tenant of the row for which it runs; why not, where that is known.
    pub(super) fn trigger_keeps_inside(&self, table: &Table, trigger: &Trigger) -> Result<(), String> {
        self.fired(table, trigger, plpgsql::trigger_keeps_inside)
    }

    /// Judges the function of a trigger at its table.
    fn fired<T>(&self, table: &Table, trigger: &Trigger, judge: JudgesFired<'a, T>) -> Result<T, String> {
        let Some(name) = trigger.function.as_ref().filter(|_| !trigger.is_rule) else {
            return Err(String::new());
        };
        if !self.asks_nothing(trigger) {
            return Err("its condition calls a function that may read anything".to_owned());
        }
        let Some([function]) = self.catalog.functions.get(name).map(Vec::as_slice) else {
            return Err(String::new());
        };
        if function.language != "plpgsql" {
            return Err(plpgsql::not_read(&function.language));
        }
        let may_assign = |column: &str| !self.tells_owner(table, column);
        let fired = plpgsql::Fired { table, after_row: trigger.after_row, may_assign: &may_assign };
        judge(self.catalog, self.tenancy, function, &fired, &self.judging)
    }
}

type JudgesFired<'a, T> =
    fn(&'a Catalog, &'a Tenancy, &Function, &plpgsql::Fired<'_>, &plpgsql::Around) -> Result<T, String>;

/// What is said of each statement of a trigger's function that touches rows; none where it touches none but the row at
/// hand, or is declared harmless. Says why it is not judged.
pub(crate) fn trigger_statements(
    catalog: &Catalog,
    tenancy: &Tenancy,
    table: &Table,
    trigger: &Trigger,
) -> Result<Vec<(TextRange, Verdict)>, String> {
    let binder = Binder::new(Dialect::Postgres, catalog, tenancy);
    match binder.is_harmless(table, trigger) {
        true => Ok(Vec::new()),
        false => binder.fired(table, trigger, plpgsql::trigger_statements),
    }
}

/// What is cast to the type that a parameter has anyway.
fn without_cast<'e>(arg: &'e Expr, ty: &SqlType) -> &'e Expr {
    let keeps = matches!(ty, SqlType::Int | SqlType::Uuid | SqlType::Text);
    match &arg.kind {
        ExprKind::Cast(inner) if keeps && arg.ty == *ty => inner,
        _ => arg,
    }
}

/// The only call of a list of expressions in `FROM`.
pub(super) fn only_call(calls: &[ast::Expr]) -> Option<&Call> {
    match calls {
        [ast::Expr { kind: ast::ExprKind::Call(call), .. }] => Some(call),
        _ => None,
    }
}
