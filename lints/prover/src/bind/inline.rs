//! Functions written in SQL: bound as their query, over their arguments.
//!
//! The body of such a function runs as its query would where it is called, with the parameters as constants of the row: as a
//! `LATERAL` subquery in `FROM`, as a scalar subquery elsewhere. Functions of another kind stay unknown.

use tenantry_span::TextRange;

use crate::ast::{Call, ParsedStatement, Statement};
use crate::catalog::{Function, Relation, Volatility};
use crate::plan::{ColId, Expr, ExprKind, JoinKind, Rel, RelKind, Subquery, SubqueryUsage};
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::Binder;
use super::from::{function_name, plain_entry};
use super::scope::{Entry, Gaps, NamedColumn, Namespace, Scope};

/// What is said of a function that tells the planner that it reads nothing.
pub(super) const FOLDED: &str = "is declared `IMMUTABLE`, but reads settings or rows: a prepared statement keeps what it gave another tenant";

impl<'a> Binder<'a> {
    /// A call as an expression: the first row of the function's query, or NULL.
    pub(super) fn inlined_value(&mut self, call: &Call, args: Vec<Expr>, range: TextRange) -> Option<Expr> {
        let function = self.sql_function(call).filter(|function| !function.returns_set)?;
        let returned = self.returned_type(&function.returns)?;
        let (rel, columns) = self.inlined(function, args, range)?;
        let [column] = columns.as_slice() else { return None };
        if self.ty(column.id) != returned {
            return None;
        }
        let one = self.make(ExprKind::Number("1".to_owned()), SqlType::Int, range);
        let (cols, place) = (rel.cols.clone(), rel.range);
        let kind = RelKind::Limit { input: Box::new(rel), counts: vec![one], single: true, skips: false };
        let subquery = Subquery { usage: SubqueryUsage::Scalar, rel: Rel { kind, cols, range: place } };
        Some(self.make(ExprKind::Subquery(Box::new(subquery)), returned, range))
    }

    /// A call in `FROM`: all rows of the function's query.
    pub(super) fn inlined_rows(
        &mut self,
        call: &Call,
        args: Vec<Expr>,
        range: TextRange,
    ) -> Option<(Rel, Entry)> {
        let function = self.sql_function(call).filter(|function| function.returns_set)?;
        let (names, is_scalar) = self.returned_columns(function)?;
        let (rel, columns) = self.inlined(function, args, range)?;
        let alike = columns.len() == names.len()
            && columns.iter().zip(&names).all(|(column, (_, ty))| self.ty(column.id) == *ty);
        if !alike {
            return None;
        }
        let named = columns.into_iter().zip(names);
        let columns = named.map(|(column, (name, _))| NamedColumn { name, id: column.id }).collect();
        let mut entry = plain_entry(function_name(call), columns, Gaps::None);
        entry.scalar = is_scalar;
        Some((rel, entry))
    }

    /// The one function that a call means, if its body can stand for it.
    pub(super) fn sql_function(&self, call: &Call) -> Option<&'a Function> {
        let plain = !call.irregular
            && !call.star
            && !call.distinct
            && call.over.is_none()
            && call.filter.is_none()
            && call.order_by.is_empty()
            && call.within_group.is_empty();
        if !plain || self.builtin(call).is_some() {
            return None;
        }
        let function = self.only_function(call)?;
        let usable = function.language == "sql"
            && !function.strict
            && !function.security_definer
            && !function.has_own_settings
            && function.params.len() == call.args.len()
            && !self.inlining.contains(&function.name);
        usable.then_some(function)
    }

    /// A type as a function returns it, by name.
    pub(super) fn returned_type(&self, name: &str) -> Option<SqlType> {
        let ty = self.catalog.resolve_type(&SqlType::from_name(name, None));
        (!matches!(ty, SqlType::Unknown | SqlType::Named(_))).then_some(ty)
    }

    /// Names and types of the columns of a function in `FROM`, and whether it gives one plain value for each row.
    pub(super) fn returned_columns(&self, function: &Function) -> Option<(Vec<(String, SqlType)>, bool)> {
        let resolved = |(name, ty): &(String, SqlType)| (name.clone(), self.catalog.resolve_type(ty));
        if !function.columns.is_empty() {
            return Some((function.columns.iter().map(resolved).collect(), false));
        }
        if let Some(ty) = self.returned_type(&function.returns) {
            return Some((vec![(function.name.name.clone(), ty)], true));
        }
        let name = function.returns.split_once('.');
        let relation = match name {
            Some((schema, name)) => self.catalog.relation(Some(schema), name),
            None => self.catalog.relation(None, &function.returns),
        };
        match relation {
            Some(Relation::Table(table)) if table.complete => {
                let columns = table.columns.iter();
                let columns =
                    columns.map(|column| (column.name.clone(), self.catalog.resolve_type(&column.ty)));
                Some((columns.collect(), false))
            }
            _ => None,
        }
    }

    /// How much of the session's and the tables' state was read so far.
    pub(super) fn state_read(&self) -> (usize, usize, usize) {
        (self.scans.len(), self.settings_read, self.calls.len())
    }

    /// A function that is declared `IMMUTABLE` is run when a statement is planned, and a prepared one keeps what it returned:
    /// whoever has the connection next gets what another tenant's setting or rows gave.
    pub(super) fn note_folded(
        &mut self,
        function: &Function,
        before: (usize, usize, usize),
        range: TextRange,
    ) {
        if function.volatility == Volatility::Immutable && self.state_read() != before {
            self.frozen.insert(function.name.clone());
            let name = &function.name.name;
            let message = format!("the function `{name}` {FOLDED}");
            let help = format!("declare it as what it is: `ALTER FUNCTION {name} STABLE`");
            self.obstacle_with_help(ObstacleKind::NotProved, range, message, Some(help));
        }
    }

    /// The function's query beside its arguments.
    fn inlined(
        &mut self,
        function: &'a Function,
        args: Vec<Expr>,
        range: TextRange,
    ) -> Option<(Rel, Vec<NamedColumn>)> {
        let statements = crate::lower::statements(self.dialect, &function.body);
        let [ParsedStatement { statement: Statement::Query(query), unread, .. }] = statements.as_slice()
        else {
            return None;
        };
        if !unread.is_empty() {
            return None;
        }
        let mut params = Vec::new();
        let mut computed = Vec::new();
        for ((name, ty), arg) in function.params.iter().zip(args) {
            // A parameter's type has no length: nothing is cut off.
            let ty = match self.catalog.resolve_type(ty) {
                SqlType::VarcharN(_) => SqlType::Text,
                ty => ty,
            };
            self.note(&arg, &ty);
            let id = self.new_column(name, ty.clone());
            let value = match arg.ty == ty {
                true => arg,
                false => self.make(ExprKind::Cast(Box::new(arg)), ty, range),
            };
            computed.push((id, value));
            params.push(NamedColumn { name: name.clone(), id });
        }
        let ids: Vec<ColId> = params.iter().map(|param| param.id).collect();
        let unit = Box::new(self.unit(range));
        let left = Rel {
            kind: RelKind::Project { input: unit, computed },
            cols: ids.clone(),
            range: self.at(range),
        };
        // A column of the body's own relations goes before a parameter of that name.
        let named = params.into_iter().filter(|param| !param.name.is_empty()).collect();
        let entry = plain_entry(&function.name.name, named, Gaps::None);
        let scopes = std::mem::replace(&mut self.scopes, vec![Scope::of(Namespace::of(entry))]);
        let frames = std::mem::take(&mut self.frames);
        let place = self.view_range.replace(self.at(range));
        let before = self.state_read();
        self.inlining.push(function.name.clone());
        self.arguments.push(ids);
        let (right, columns, gaps) = self.sub_query(query);
        self.arguments.pop();
        self.inlining.pop();
        self.view_range = place;
        self.frames = frames;
        self.scopes = scopes;
        self.note_folded(function, before, range);
        if gaps != Gaps::None {
            return None;
        }
        let on = self.truth(range);
        let mut rel = self.join(JoinKind::Inner, left, right, on, range);
        rel.cols = columns.iter().map(|column| column.id).collect();
        Some((rel, columns))
    }
}
