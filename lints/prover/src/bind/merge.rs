//! `MERGE`.

use crate::ast::{self, MergeAction, MergeWhen};
use crate::plan::{Action, Expr, ExprKind, MergeActionPlan, MergeClausePlan, MergePlan};
use crate::verdict::ObstacleKind;

use super::Binder;
use super::dml::Target;
use super::scope::{Namespace, Scope};
use super::triggers::Write;

impl<'a> Binder<'a> {
    pub(super) fn merge(&mut self, merge: &ast::Merge) -> Action {
        let pushed = self.push_with(merge.with.as_ref());
        let action = self.merge_body(merge);
        self.pop_with(pushed);
        action
    }

    fn merge_body(&mut self, merge: &ast::Merge) -> Action {
        let Some(target) = self.target_expr(&merge.target) else { return Action::Unmodelled };
        if target.view_filter.is_some() {
            self.unmodelled(merge.range, "`MERGE` into a view with a condition");
        }
        self.unsecured_target(target.table, target.scan, merge.range, "`MERGE`");
        let (source, source_names) = self.within(Scope::new(), |binder| binder.table_expr(&merge.source));
        let mut both = Namespace::of(target.entry.clone());
        both.append(source_names.clone());
        let on = self.within(Scope::of(both.clone()), |binder| binder.condition(&merge.on));
        let mut clauses = Vec::new();
        for clause in &merge.clauses {
            let names = match clause.when {
                MergeWhen::Matched => both.clone(),
                MergeWhen::NotMatched => source_names.clone(),
                MergeWhen::NotMatchedBySource => Namespace::of(target.entry.clone()),
            };
            clauses.push(self.within(Scope::of(names), |binder| binder.merge_clause(clause, &target)));
        }
        if !merge.returning.is_empty() {
            self.unmodelled(merge.range, "`RETURNING` of a `MERGE`");
        }
        let range = self.at(merge.range);
        Action::Merge(MergePlan { target: target.scan, source, on, clauses, returning: None, range })
    }

    fn merge_clause(&mut self, clause: &ast::MergeClause, target: &Target<'a>) -> MergeClausePlan {
        let guard = clause.guard.as_ref().map(|guard| self.condition(guard));
        let action = match &clause.action {
            MergeAction::Nothing => MergeActionPlan::Nothing,
            MergeAction::Delete => {
                self.written(target.table, &Write::Delete, clause.range);
                self.cascade_triggers(target.table, None, clause.range);
                MergeActionPlan::Delete
            }
            MergeAction::Update(assignments) => {
                let plans = self.assignments(assignments, target, clause.range);
                self.written(target.table, &Write::update(&plans), clause.range);
                let assigned: Vec<usize> = plans.iter().map(|plan| plan.column).collect();
                self.cascade_triggers(target.table, Some(&assigned), clause.range);
                MergeActionPlan::Update(plans)
            }
            MergeAction::Insert { columns, values } => {
                let row = self.merge_insert(columns, values, target, clause);
                let omitted = row.iter().enumerate().filter(|(_, value)| value.is_none());
                let defaulted = omitted.map(|(position, _)| position).collect();
                self.written(target.table, &Write::Insert { defaulted }, clause.range);
                MergeActionPlan::Insert(row)
            }
        };
        MergeClausePlan { when: clause.when, guard, action, range: self.at(clause.range) }
    }

    fn merge_insert(
        &mut self,
        columns: &[ast::Ident],
        values: &[ast::Expr],
        target: &Target<'a>,
        clause: &ast::MergeClause,
    ) -> Vec<Option<Expr>> {
        let mut row: Vec<Option<Expr>> = target.cols.iter().map(|_| None).collect();
        let positions: Vec<Option<usize>> = match columns {
            [] if values.is_empty() => Vec::new(),
            [] => {
                if !target.entry.is_complete() {
                    self.unmodelled(
                        clause.range,
                        "an `INSERT` by position into a table whose columns may not all be known",
                    );
                }
                target.names.iter().map(|(_, position)| Some(*position)).take(values.len()).collect()
            }
            columns => columns.iter().map(|name| self.assigned(target, name)).collect(),
        };
        if positions.len() != values.len() && !values.is_empty() {
            self.obstacle(ObstacleKind::Syntax, clause.range, "there are not as many values as columns");
        }
        for (position, value) in positions.into_iter().zip(values) {
            let value = self.expr(value);
            let Some(position) = position else { continue };
            if let Some(id) = target.cols.get(position) {
                let ty = self.ty(*id);
                self.note(&value, &ty);
            }
            if matches!(value.kind, ExprKind::Default) {
                continue;
            }
            self.refuse_computed(target, position, clause.range);
            if let Some(slot) = row.get_mut(position) {
                *slot = Some(value);
            }
        }
        row
    }
}
