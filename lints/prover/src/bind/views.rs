//! Views: bound as their query, in a scope of their own; written through where they are simple.

use std::rc::Rc;

use tenantry_span::TextRange;

use crate::ast::{self, ParsedStatement, SetExpr, Statement, TableExpr};
use crate::catalog::{Relation, Table, View};
use crate::plan::Rel;
use crate::verdict::ObstacleKind;

use super::Binder;
use super::from::{plain_entry, unknown_entry};
use super::query::Bound;
use super::scope::{Entry, Gaps};

/// A view that writes go through to its table.
pub(super) struct Writable<'a> {
    /// The table.
    pub(super) table: &'a Table,
    /// The view's columns: name and position in the table.
    pub(super) columns: Vec<(String, usize)>,
    /// The view's condition, over the table under the name it has in the view.
    pub(super) filter: Option<ast::Expr>,
    /// That name.
    pub(super) alias: String,
}

impl<'a> Binder<'a> {
    fn view_query(&mut self, view: &View) -> Rc<Vec<ParsedStatement>> {
        if let Some(known) = self.view_texts.get(&view.name) {
            return Rc::clone(known);
        }
        let read = Rc::new(crate::lower::statements(self.dialect, &view.query));
        self.view_texts.insert(view.name.clone(), Rc::clone(&read));
        read
    }

    /// A reference to a view (a materialized one too: whose rows it holds was settled when it was refreshed).
    pub(super) fn view_reference(&mut self, view: &'a View, range: TextRange) -> (Rel, Entry) {
        let name = &view.name.name;
        let schema = view.name.schema.clone();
        if self.via.contains(&view.name) {
            self.unmodelled(range, format!("the view `{name}`, which refers to itself,"));
            return (self.unit(range), unknown_entry(name, Some(schema)));
        }
        if let Some(why) = &view.stale {
            self.unmodelled(range, format!("the view `{name}` ({why})"));
            return (self.unit(range), unknown_entry(name, Some(schema)));
        }
        let statements = self.view_query(view);
        let query = match statements.as_slice() {
            [ParsedStatement { statement: Statement::Query(query), unread, .. }] if unread.is_empty() => {
                query
            }
            _ => {
                self.unmodelled(range, format!("the query of the view `{name}`"));
                return (self.unit(range), unknown_entry(name, Some(schema)));
            }
        };
        let (rel, mut columns, gaps) = self.in_view(view, range, |binder| binder.sub_query(query));
        for (column, name) in columns.iter_mut().zip(&view.columns) {
            column.name.clone_from(name);
        }
        let mut entry = plain_entry(name, columns, gaps);
        entry.schema = Some(schema);
        (rel, entry)
    }

    /// Runs `work` where neither the statement's scopes nor its common table expressions are seen.
    fn in_view(&mut self, view: &View, range: TextRange, work: impl FnOnce(&mut Self) -> Bound) -> Bound {
        let scopes = std::mem::take(&mut self.scopes);
        let frames = std::mem::take(&mut self.frames);
        let outer = self.view_range;
        self.view_range = Some(self.at(range));
        self.via.push(view.name.clone());
        let result = work(self);
        self.via.pop();
        self.view_range = outer;
        self.frames = frames;
        self.scopes = scopes;
        result
    }

    /// The table behind a view that is a plain projection of one table; `None` after an obstacle.
    pub(super) fn writable_view(&mut self, view: &View, range: TextRange) -> Option<Writable<'a>> {
        let name = &view.name.name;
        let written = format!("a write through the view `{name}`");
        let simple = view.stale.is_none()
            && view.triggers.is_empty()
            && view.defaults.is_empty()
            && !view.materialized;
        let statements = self.view_query(view);
        let found = match statements.as_slice() {
            [ParsedStatement { statement: Statement::Query(query), unread, .. }]
                if simple && unread.is_empty() =>
            {
                self.simple_view(query)
            }
            _ => None,
        };
        let Some(mut found) = found else {
            let run_instead = view.triggers.iter().map(|trigger| {
                let what = if trigger.is_rule { "rule" } else { "trigger" };
                format!("the {what} `{}` may run in its place", trigger.name)
            });
            let why: Vec<String> = run_instead.collect();
            let mut message = format!("{written} is not modelled");
            if !why.is_empty() {
                message = format!("{message}: {}", why.join(", and "));
            }
            self.obstacle(ObstacleKind::Unmodelled, range, message);
            return None;
        };
        for (column, name) in found.columns.iter_mut().zip(&view.columns) {
            column.0.clone_from(name);
        }
        Some(found)
    }

    fn simple_view(&self, query: &ast::Query) -> Option<Writable<'a>> {
        let SetExpr::Select(select) = &query.body else { return None };
        let plain = query.with.is_none()
            && query.order_by.is_empty()
            && query.limit.is_none()
            && query.offset.is_none()
            && query.fetch.is_none()
            && select.distinct.is_none()
            && select.group_by.is_none()
            && select.having.is_none()
            && select.into.is_none();
        let [TableExpr::Table { name, only: false, alias, sample: None, .. }] = select.from.as_slice() else {
            return None;
        };
        let Some(Relation::Table(table)) = self.lookup(name) else { return None };
        if !plain || !table.complete || alias.as_ref().is_some_and(|alias| !alias.columns.is_empty()) {
            return None;
        }
        let mut columns = Vec::new();
        for item in &select.items {
            match item {
                ast::SelectItem::Star(_) | ast::SelectItem::QualifiedStar(_) => {
                    let all = table.columns.iter().enumerate();
                    columns.extend(all.map(|(position, column)| (column.name.clone(), position)));
                }
                ast::SelectItem::Expr { expr, alias } => {
                    let ast::ExprKind::Column(parts) = &expr.kind else { return None };
                    let own = parts.last()?;
                    let position = table.column(&own.text)?;
                    let name = alias.as_ref().map_or(&own.text, |alias| &alias.text);
                    columns.push((name.clone(), position));
                }
                ast::SelectItem::ExprStar(_) => return None,
            }
        }
        let alias = alias.as_ref().map_or(&table.name.name, |alias| &alias.name.text).clone();
        Some(Writable { table, columns, filter: select.filter.clone(), alias })
    }
}

impl Entry {
    /// Whether all columns are known.
    pub(super) fn is_complete(&self) -> bool {
        self.gaps == Gaps::None
    }
}
