//! Joins of tables that are related, and what is read of both.

use syn::{Expr, ExprMethodCall};
use tenantry_span::Span;

use super::eval::Eval;
use super::resolve::{Join, LEFT, RIGHT};
use super::value::{Item, Query, Row, Val, items_of, qualified};
use crate::chains::fragment::Fragment;

impl<'t> Eval<'_, 't> {
    /// Joins with an entity that the query's own is related to.
    pub(super) fn join_related(
        &mut self,
        query: &mut Query,
        word: &str,
        to: Val,
        call: &'t ExprMethodCall,
        span: Span,
    ) {
        let related = match (query.entity, to) {
            (Some(from), Val::Entity(to)) => self.entities.related(from, to, 0),
            _ => None,
        };
        match related {
            Some((join, via)) => {
                if let Some(via) = via {
                    self.add_join(query, word, &via, span);
                }
                self.add_join(query, word, &join, span);
            }
            None => query.spoil(self.hole(call, "the relation between the two was not found")),
        }
    }

    fn add_join(&mut self, query: &mut Query, word: &str, join: &Join, span: Span) {
        let kind = Fragment::text(word, span);
        self.add_join_of(query, kind, join, span);
    }

    pub(super) fn add_join_of(&mut self, query: &mut Query, kind: Fragment, join: &Join, span: Span) {
        let on = self.whole_on(join, span);
        self.add_join_on(query, kind, join, on, span);
    }

    /// Joins what a relation comes from. The condition is written as the relation has it.
    pub(super) fn add_reversed_join(&mut self, query: &mut Query, kind: Fragment, join: &Join, span: Span) {
        let on = self.whole_on(join, span);
        self.add_join_on(query, kind, &join.clone().reversed(), on, span);
    }

    fn add_join_on(&mut self, query: &mut Query, kind: Fragment, join: &Join, on: Fragment, span: Span) {
        let table = self.table(join.to, span);
        let table = match &join.to_alias {
            Some(alias) => table.write(" AS ", span).then(Fragment::name(alias.clone(), span)),
            None => table,
        };
        let from = std::mem::take(&mut query.statement.from).write(" ", span).then(kind).write(" ", span);
        query.statement.from = from.then(table).write(" ON ", span).then(on);
    }

    /// The rows of one entity follow one another where those of the other are put together for each.
    pub(super) fn order_by_key(&mut self, query: &mut Query, name: &str, span: Span) {
        let of = query.entity.and_then(|entity| self.entities.entity(entity));
        let (Some(of), "find_with_related" | "select_with") = (of, name) else { return };
        let key = of.columns.iter().filter(|column| column.primary);
        let order = key.map(|column| qualified(&of.table, &column.name, span).write(" ASC", span));
        query.statement.order.extend(order);
    }

    /// What the two tables of a join are called.
    fn names_of(&self, join: &Join) -> (String, String) {
        let name = |entity: usize, alias: Option<&String>| {
            let own = self.entities.entity(entity).map(|of| of.table.clone()).unwrap_or_default();
            alias.cloned().unwrap_or(own)
        };
        (name(join.from, join.from_alias.as_ref()), name(join.to, join.to_alias.as_ref()))
    }

    /// The condition of a join.
    fn whole_on(&self, join: &Join, span: Span) -> Fragment {
        let (left, right) = self.names_of(join);
        let more = join.more.iter().map(|more| more.clone().renamed(LEFT, &left).renamed(RIGHT, &right));
        Fragment::joined(std::iter::once(self.on(join, span)).chain(more), " AND ", span)
    }

    /// The columns that a join compares.
    pub(super) fn on(&self, join: &Join, span: Span) -> Fragment {
        let (left, right) = self.names_of(join);
        if join.on.is_empty() {
            return Fragment::hole(span, "", "the columns of the relation are not known");
        }
        let pairs = join
            .on
            .iter()
            .map(|(a, b)| qualified(&left, a, span).write(" = ", span).then(qualified(&right, b, span)));
        Fragment::joined(pairs, " AND ", span)
    }

    /// The rows of two entities: the columns of each begin with a mark of their own.
    pub(super) fn select_two(&mut self, query: &mut Query, to: usize, table: Option<&str>, span: Span) {
        let mark = match query.rows.len() {
            1 => "B_",
            2 => "C_",
            _ => "D_",
        };
        if query.rows.len() == 1 {
            for item in &mut query.items {
                let before = item.alias.take().or_else(|| item.name.clone());
                item.alias = before.map(|name| format!("A_{name}"));
            }
            if let Some(row) = query.rows.first_mut() {
                row.prefix = "A_";
            }
        }
        let more = items_of(self.entities, to, table, span).into_iter().map(|item| {
            let alias = item.name.as_ref().map(|name| format!("{mark}{name}"));
            Item { alias, ..item }
        });
        query.items.extend(more);
        query.rows.push(Row { entity: Some(to), within: None, prefix: mark });
    }

    pub(super) fn join_links(&mut self, query: &mut Query, target: usize, joins: Vec<Join>, span: Span) {
        let last = joins.len().saturating_sub(1);
        for (at, join) in joins.into_iter().enumerate() {
            let from = (at > 0).then(|| format!("r{}", at - 1));
            let join = Join { to_alias: Some(format!("r{at}")), from_alias: from, ..join };
            self.add_join(query, "LEFT JOIN", &join, span);
        }
        self.select_two(query, target, Some(&format!("r{last}")), span);
    }

    /// Methods of a relation.
    pub(super) fn join_method(
        &mut self,
        join: Join,
        call: &'t ExprMethodCall,
        arguments: &[&'t Expr],
    ) -> Val {
        let name = call.method.to_string();
        let mut join = join;
        let columns = |value: Val, entity: usize, eval: &Eval<'_, 't>| -> Option<Vec<String>> {
            let all = match value {
                Val::Tuple(all) => all,
                one => vec![one],
            };
            let name = |value: &Val| match value {
                Val::Column(column) if column.entity == entity => eval.bare_name(value),
                _ => None,
            };
            all.iter().map(name).collect()
        };
        match (name.as_str(), arguments) {
            ("def" | "into" | "clone" | "to_owned" | "on_delete" | "on_update" | "fk_name", _) => {}
            ("rev", []) => join = join.reversed(),
            ("from", [column]) => {
                let value = self.expr(column);
                match columns(value, join.from, self) {
                    Some(names) => join.on = names.into_iter().map(|name| (name, String::new())).collect(),
                    None => return Val::UNKNOWN,
                }
            }
            ("to", [column]) => {
                let value = self.expr(column);
                match columns(value, join.to, self) {
                    Some(names) if names.len() == join.on.len() => {
                        join.on = join.on.into_iter().zip(names).map(|((from, _), to)| (from, to)).collect();
                    }
                    _ => return Val::UNKNOWN,
                }
            }
            ("on_condition", [Expr::Closure(closure)]) => {
                let names = vec![Val::Iden(LEFT.to_owned()), Val::Iden(RIGHT.to_owned())];
                let condition = self.perhaps(closure, |eval| eval.closure(closure, names));
                let span = self.span(closure);
                join.more = vec![self.as_condition(condition, closure, span)];
            }
            ("from_alias", [alias]) => match self.alias_name(alias) {
                Some(alias) => join.from_alias = Some(alias),
                None => return Val::UNKNOWN,
            },
            _ => {
                for argument in arguments {
                    self.expr(argument);
                }
                return Val::UNKNOWN;
            }
        }
        Val::Join(join)
    }
}
