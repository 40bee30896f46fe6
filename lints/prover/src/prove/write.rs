//! What a statement writes: whose rows, under which owner, and what the database does on its own account.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::ast::MergeWhen;
use crate::bind::unused::{inputs, own_exprs};
use crate::catalog::{ColumnDefault, QualifiedName, Table};
use crate::plan::{
    Action, AssignmentPlan, ColId, ConflictAction, DeletePlan, Expr, ExprKind, InsertPlan, InsertValue,
    MergeActionPlan, MergePlan, Rel, RelKind, ScanId, UpdatePlan,
};
use crate::prove::context::{Class, Names, Outer, Prover, State, Status};
use crate::prove::facts::{Base, Claim, Fact, Term};
use crate::prove::grouping::doubt;
use crate::prove::predicate::{known, note_made, subqueries};
use crate::tenancy::{DomainId, TableOwner};
use crate::types::SqlType;
use crate::verdict::{Leak, LeakKind, Obstacle, ObstacleKind, SchemaReason, TenantSource};

impl<'a> Prover<'a> {
    /// Analyses an action; what it returns is kept for references to it.
    pub(super) fn action(&mut self, action: &'a Action) -> State {
        let outer = Outer::default();
        match action {
            Action::Query(rel) => {
                let mut state = self.rel(rel, &outer);
                self.settle(&mut state, &outer);
                state
            }
            Action::Insert(plan) => self.insert(plan, &outer),
            Action::Update(plan) => self.update(plan, &outer),
            Action::Delete(plan) => self.delete(plan, &outer),
            Action::Merge(plan) => self.merge_into(plan, &outer),
            Action::WholeTables { scans, writes } => {
                scans.iter().for_each(|scan| self.whole_table(*scan, *writes));
                State::default()
            }
            Action::Nothing | Action::SetTenant { .. } | Action::Unmodelled => State::default(),
        }
    }

    /// The visible columns of what a modifying common table expression returns.
    pub(super) fn returned_cols(&self, action: usize) -> Vec<ColId> {
        let rel = match self.plan.modifying.get(action) {
            Some(Action::Insert(plan)) => plan.returning.as_ref(),
            Some(Action::Update(plan)) => plan.returning.as_ref(),
            Some(Action::Delete(plan)) => plan.returning.as_ref(),
            Some(Action::Merge(plan)) => plan.returning.as_ref(),
            _ => None,
        };
        rel.map(|rel| rel.cols.clone()).unwrap_or_default()
    }

    fn whole_table(&mut self, scan: ScanId, writes: bool) {
        let range = self.scan(scan).map_or_else(TextRange::default, |scan| scan.range);
        match self.owner(scan) {
            TableOwner::Shared if !writes => {}
            TableOwner::Shared => self.shared_write(scan, range),
            TableOwner::Undeclared => {}
            TableOwner::Keyed { .. } | TableOwner::Root { .. } | TableOwner::Child { .. }
                if !writes && self.is_secured(scan) =>
            {
                self.tell_secured(scan);
            }
            TableOwner::Keyed { .. } | TableOwner::Root { .. } | TableOwner::Child { .. } => {
                let message = "the statement affects the rows of every tenant".to_owned();
                self.leak(LeakKind::WholeTable, scan, range, message, None);
            }
        }
    }

    /// What comes back of a written row; `inserted` are the columns of a new one.
    fn returning(
        &mut self,
        mut state: State,
        target: ScanId,
        inserted: &[ColId],
        rel: Option<&'a Rel>,
        outer: &Outer,
    ) -> State {
        let Some(rel) = rel else { return state };
        // The row is there, so that what may not be NULL is not.
        let columns = self.table(target).map(|table| table.columns.as_slice()).unwrap_or_default();
        let firm = columns.iter().zip(inserted).filter(|(column, _)| column.not_null);
        state.facts.extend(firm.map(|(_, col)| Fact::plain(Claim::NotNull(*col))));
        self.written.push(state);
        let mut state = self.rel(rel, outer);
        self.written.pop();
        self.settle(&mut state, outer);
        state
    }

    fn insert(&mut self, plan: &'a InsertPlan, outer: &Outer) -> State {
        let told = self.leaks.len();
        let mut state = self.insert_rows(plan, outer);
        let given = |at: usize| matches!(plan.values.get(at), Some(InsertValue::Source(_)));
        if let Some(name) = self.never_given(plan.target, &given) {
            self.doubt_refused(&mut state, told, plan.range, &name);
        }
        state
    }

    /// A column of the target without which a row is refused, and to which nothing is given. Where it says whose the row is,
    /// that it was left out is what is told.
    fn never_given(&self, target: ScanId, given: &dyn Fn(usize) -> bool) -> Option<String> {
        let table = self.table(target).filter(|table| table.complete && table.triggers.is_empty())?;
        let columns = table.columns.iter().enumerate();
        let missing = columns.filter(|(at, column)| !given(*at) && is_refused(table, &column.name));
        let missing: Vec<&str> = missing.map(|(_, column)| column.name.as_str()).collect();
        let says_whose = |name: &&str| match self.owner(target) {
            TableOwner::Child { by, .. } => by == name,
            _ => self.key_domain(target, name).is_some(),
        };
        missing.first().filter(|_| !missing.iter().any(says_whose)).map(|name| (*name).to_owned())
    }

    /// Where every row that would be written is refused, that one is somebody else's shows nothing; nor do the rows that it
    /// comes of, unless errors count.
    fn doubt_refused(&mut self, state: &mut State, told: usize, range: TextRange, name: &str) {
        self.doubt_leaks(told);
        if self.tenancy.strict_errors {
            return;
        }
        let why = format!("the written row is given no `{name}`, without which it is refused");
        for class in &mut state.classes {
            class.murky.get_or_insert_with(|| (range, why.clone()));
        }
    }

    fn insert_rows(&mut self, plan: &'a InsertPlan, outer: &Outer) -> State {
        let mut state = self.rel(&plan.source, outer);
        self.settle(&mut state, outer);
        if !self.may_write(plan.target, plan.range) {
            return state;
        }
        self.doubt_references(&mut state, plan.target, self.given_values(plan));
        state.made.extend(plan.row.iter().copied());
        for (col, value) in plan.row.iter().zip(&plan.values) {
            let term = match value {
                InsertValue::Source(from) => Term::column(*from),
                InsertValue::Default => match self.default_tenant(plan.target, *col, &plan.row) {
                    Some(tenant) => Term::of(Base::Tenant(tenant)),
                    None => {
                        self.note_left_empty(plan, *col);
                        continue;
                    }
                },
            };
            state.facts.push(Fact::plain(Claim::Same(Term::column(*col), term)));
        }
        let owning = self.owning_columns(&state, plan, outer);
        if owning.is_empty() && matches!(self.owner(plan.target), TableOwner::Root { .. }) {
            let message = "a row of the table of tenants is made, which no tenant owns yet".to_owned();
            let TableOwner::Root { keys } = self.owner(plan.target) else { return state };
            let made_by = self.making_columns(&state, plan, keys, outer);
            let is_inner = made_by.iter().any(|name| keys.first().is_none_or(|(id, _)| id != name));
            let is_left_out =
                |conflict: &crate::plan::ConflictPlan| matches!(conflict.action, ConflictAction::Nothing);
            match is_inner && plan.conflict.as_ref().is_some_and(is_left_out) {
                // It is given to the tenant around it; where one is in the way it is not made, which tells of that one.
                true => self.obstacle(plan.range, message),
                false => self.leak(LeakKind::WrittenOwner, plan.target, plan.range, message, None),
            }
            return self.returning(state, plan.target, &plan.row, plan.returning.as_ref(), outer);
        }
        let given: Vec<(String, Option<Term>)> = self
            .table(plan.target)
            .into_iter()
            .flat_map(|table| table.columns.iter().zip(plan.values.iter().zip(&plan.row)))
            .filter(|(_, (value, _))| matches!(value, InsertValue::Source(_)))
            .map(|(column, (_, col))| (column.name.clone(), Some(Term::column(*col))))
            .collect();
        let (checks, checked) = self.checked_row(&state, plan.target, &plan.row, plan.check.as_ref(), outer);
        self.row_checks = checks;
        // A policy that ties the row ties the one column that says whose it is.
        let owner_is_tied = match owning.as_slice() {
            [_] if checked => self.tell_checked(plan.target, plan.range),
            _ => self.check_new_owner(&state, plan.target, &owning, &plan.row, plan.range, outer),
        };
        self.row_checks.clear();
        // Only now it is known by which levels the row is tied.
        self.strict_insert(&state, plan.target, &given, plan.range, outer);
        if let Some(conflict) = &plan.conflict {
            self.conflict(&mut state, plan, conflict, owner_is_tied, outer);
        }
        if owner_is_tied && let Some(reps) = self.reps(plan.target) {
            let scans = vec![plan.target];
            state.classes.push(Class {
                scans,
                reps,
                status: Status::Pinned,
                murky: None,
                padded: false,
                beyond: BTreeSet::new(),
            });
        }
        // After DO UPDATE the row may be the existing one: only what the arbiter compares is still known of it.
        if plan
            .conflict
            .as_ref()
            .is_some_and(|conflict| matches!(conflict.action, ConflictAction::Update { .. }))
        {
            self.forget_beyond_arbiter(&mut state, plan);
        }
        self.returning(state, plan.target, &plan.row, plan.returning.as_ref(), outer)
    }

    /// What is written, by the places of the columns, as far as it is written out.
    fn given_values(&self, plan: &'a InsertPlan) -> Vec<(usize, &'a Expr)> {
        let mut source = &plan.source;
        while let RelKind::Sort { input, .. } | RelKind::Limit { input, .. } = &source.kind {
            source = input;
        }
        let written = |col: ColId| match &source.kind {
            RelKind::Values(rows) => {
                let at = source.cols.iter().position(|own| *own == col)?;
                let [row] = rows.as_slice() else { return None };
                row.get(at)
            }
            _ => self.defs.get(&col).copied(),
        };
        let from = plan.values.iter().enumerate().filter_map(|(at, value)| match value {
            InsertValue::Source(col) => Some((at, written(*col)?)),
            InsertValue::Default => None,
        });
        from.collect()
    }

    /// A subquery that fills a reference which holds the key as well reads a row of the tenant, or the row is refused: that it
    /// reads those of all is no certain leak.
    fn doubt_references(&self, state: &mut State, target: ScanId, given: Vec<(usize, &'a Expr)>) {
        let Some(table) = self.table(target) else { return };
        let is_given = |name: &String| {
            let value = given.iter().find(|(at, _)| table.column(name) == Some(*at));
            value.is_some_and(|(_, value)| !matches!(value.kind, ExprKind::Null))
        };
        // The key itself is checked by a reference which holds it and something else that is given.
        let is_checked = |name: &String| {
            self.key_domain(target, name).is_some()
                && table.foreign_keys.iter().any(|key| {
                    let others: Vec<&String> = key.columns.iter().filter(|other| *other != name).collect();
                    key.columns.contains(name) && !others.is_empty() && others.into_iter().all(is_given)
                })
        };
        for (at, value) in &given {
            let at = *at;
            let ExprKind::Subquery(sub) = &value.kind else { continue };
            let name = table.columns.get(at).map(|column| &column.name);
            if !name.is_some_and(|name| self.reference_holds_key(target, name) || is_checked(name)) {
                continue;
            }
            let (mut made, mut scans) = (BTreeSet::new(), BTreeSet::new());
            note_made(&sub.rel, &mut made, &mut scans);
            let inside = |class: &&mut Class| class.scans.iter().all(|scan| scans.contains(scan));
            state.classes.iter_mut().filter(inside).for_each(|class| doubt(class, true));
        }
    }

    /// The column is part of a foreign key in which another column says whose the row is.
    fn reference_holds_key(&self, target: ScanId, name: &str) -> bool {
        let keys = self.table(target).map_or(&[] as &[_], |table| table.foreign_keys.as_slice());
        keys.iter().any(|key| {
            let mut others = key.columns.iter().filter(|other| *other != name);
            key.columns.iter().any(|own| own == name)
                && others.any(|other| self.key_domain(target, other).is_some())
        })
    }

    fn note_left_empty(&mut self, plan: &InsertPlan, col: ColId) {
        let at = plan.row.iter().position(|known| *known == col);
        let column = at.and_then(|at| self.table(plan.target)?.columns.get(at));
        if column.is_some_and(|column| column.default == ColumnDefault::None && !column.not_null) {
            self.left_empty.insert(col);
        }
    }

    fn forget_beyond_arbiter(&self, state: &mut State, plan: &InsertPlan) {
        let Some(table) = self.table(plan.target) else { return };
        let conflict = plan.conflict.as_ref();
        let mut kept: Option<BTreeSet<&str>> = None;
        for key in
            conflict.into_iter().flat_map(|conflict| &conflict.keys).filter_map(|at| table.keys.get(*at))
        {
            let exact = |name: &&str| table.column(name).is_some_and(|at| self.column_is_exact(table, at));
            let names: BTreeSet<&str> = key.columns.iter().map(String::as_str).filter(exact).collect();
            kept = Some(match kept {
                Some(before) => before.intersection(&names).copied().collect(),
                None => names,
            });
        }
        let kept = kept.unwrap_or_default();
        let gone: BTreeSet<ColId> = table
            .columns
            .iter()
            .zip(&plan.row)
            .filter(|(column, _)| !kept.contains(column.name.as_str()))
            .map(|(_, col)| *col)
            .collect();
        state.facts = crate::prove::facts::surviving(&state.facts, &|col| !gone.contains(&col)).collect();
        for class in &mut state.classes {
            // The row's own id still names a row of the tenant: the arbiter contains the key.
            class.reps.retain(|rep| !gone.contains(&rep.col) || matches!(rep.names, Names::Row(..)));
        }
    }

    /// The tenant value that a column's default takes from a session setting.
    fn default_tenant(&self, target: ScanId, col: ColId, row: &[ColId]) -> Option<usize> {
        let at = row.iter().position(|known| *known == col)?;
        let column = self.table(target)?.columns.get(at)?;
        let ColumnDefault::Expr(text) = &column.default else { return None };
        let text: String = text.to_ascii_lowercase().split_whitespace().collect();
        let rest = text.trim_start_matches('(').strip_prefix("current_setting('")?;
        let (name, rest) = rest.split_once('\'')?;
        // A setting that may be missing gives NULL: a row without an owner, where the column admits it.
        let rest = match rest.strip_prefix(",true") {
            Some(rest) if column.not_null => rest,
            Some(_) => return None,
            None => rest,
        };
        let tail = rest.strip_prefix(')')?;
        let casts = [
            "",
            "::bigint",
            "::int",
            "::integer",
            "::uuid",
            "::text",
            ")::bigint",
            ")::int",
            ")::integer",
            ")::uuid",
        ];
        // A domain of one of these types.
        let domain =
            tail.trim_start_matches(')').strip_prefix("::").map(|name| SqlType::Named(name.to_owned()));
        let base = domain.map(|domain| self.catalog.resolve_type(&domain));
        let is_whole = matches!(base, Some(SqlType::Int | SqlType::Uuid | SqlType::Text));
        if !casts.contains(&tail) && !is_whole {
            return None;
        }
        self.tenant_of(&TenantSource::Setting(name.to_owned()))
    }

    /// The columns of a new row that have to say that it is the tenant's.
    ///
    /// A row without a key of one level belongs to the tenant that a key of another level names. A tenant of an inner
    /// level is made by the outer one that its row names; one of the outermost level by nobody, unless it is the tenant
    /// itself.
    fn owning_columns(&self, state: &State, plan: &InsertPlan, outer: &Outer) -> Vec<String> {
        let Some(table) = self.table(plan.target) else { return Vec::new() };
        let keys = match self.owner(plan.target) {
            TableOwner::Keyed { keys, .. } => keys,
            TableOwner::Root { keys } if plan.conflict.is_none() => {
                return self.making_columns(state, plan, keys, outer);
            }
            TableOwner::Child { by, .. } => return vec![by.clone()],
            TableOwner::Root { .. } | TableOwner::Shared | TableOwner::Undeclared => return Vec::new(),
        };
        let is_null = |name: &str| {
            let at = table.column(name);
            let column = at.and_then(|at| table.columns.get(at));
            let omitted = matches!(at.and_then(|at| plan.values.get(at)), Some(InsertValue::Default));
            omitted && column.is_some_and(|column| column.default == ColumnDefault::None && !column.not_null)
        };
        let (absent, present): (Vec<_>, Vec<_>) = keys.iter().partition(|(name, _)| is_null(name));
        let other_level = absent.iter().all(|(_, domain)| present.iter().all(|(_, other)| other != domain));
        let all = present.is_empty() || !other_level || plan.conflict.is_some() || !table.triggers.is_empty();
        let owning: Vec<_> = if all { keys.iter().collect() } else { present };
        owning.into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// The columns of a new row of a table of tenants that say whose it is.
    fn making_columns(
        &self,
        state: &State,
        plan: &InsertPlan,
        keys: &[(String, DomainId)],
        outer: &Outer,
    ) -> Vec<String> {
        let Some(table) = self.table(plan.target) else { return Vec::new() };
        let names_another_table = |domain: DomainId| {
            self.tenancy.tables.iter().any(|(other, owned)| {
                let first = match &owned.owner {
                    TableOwner::Root { keys } => keys.first(),
                    _ => None,
                };
                *other != table.name && first.is_some_and(|(_, known)| *known == domain)
            })
        };
        let makers: Vec<String> = keys
            .iter()
            .skip(1)
            .filter(|(_, domain)| names_another_table(*domain))
            .map(|(name, _)| name.clone())
            .collect();
        let closure = self.close(outer, &state.facts);
        let is_tenant = |name: &String| {
            table.column(name).and_then(|at| plan.row.get(at)).is_some_and(|col| {
                let mut equal = closure.equals_of(&Term::column(*col)).into_iter();
                equal.any(|term| matches!(term.base, Base::Tenant(_)) && term.via.is_empty())
            })
        };
        if !makers.is_empty() {
            // The outer tenant itself, not what a row of an inner one says of it: an inner tenant makes no neighbours.
            return if makers.iter().all(is_tenant) { makers } else { Vec::new() };
        }
        let Some((id, _)) = keys.first() else { return Vec::new() };
        if is_tenant(id) { vec![id.clone()] } else { Vec::new() }
    }

    /// The written row must belong to the tenant: its key is the tenant's, or its parent is a row of the tenant.
    fn check_new_owner(
        &mut self,
        state: &State,
        target: ScanId,
        owning: &[String],
        row: &[ColId],
        range: TextRange,
        outer: &Outer,
    ) -> bool {
        let Some(table) = self.table(target) else { return false };
        if owning.is_empty() {
            return false;
        }
        let mut tied = true;
        let mut any_tied = false;
        let told = self.leaks.len();
        for name in owning {
            let Some(col) = table.column(name).and_then(|at| row.get(at)) else {
                // Declared, but no column of the schema: nothing in the row can say whose it is.
                let message = format!("it has no column `{name}` that would say whose the row is");
                self.leak(LeakKind::WrittenOwner, target, range, message, None);
                tied = false;
                continue;
            };
            let is_tied = self.check_owning_value(state, target, name, &Term::column(*col), range, outer);
            tied &= is_tied;
            any_tied |= is_tied;
        }
        if any_tied && !tied {
            // One key names the tenant, and another what may be outside of it: such a row is somebody's only if nothing
            // keeps the two together, which is for constraints to say.
            let before = self.obstacles.len();
            self.doubt_leaks(told);
            for obstacle in self.obstacles.iter_mut().skip(before) {
                obstacle.message.push_str(", though another key of the row is");
            }
        }
        if tied {
            let by: Vec<String> = owning.iter().map(|name| format!("`{name}`")).collect();
            let how = match self.owner(target) {
                TableOwner::Child { parent, .. } => format!("names a row of `{}` that does", parent.name),
                _ if by.len() > 1 => "are the tenant's".to_owned(),
                _ => "is the tenant's".to_owned(),
            };
            let (called, by) = (self.called(target), by.join(", "));
            let text = format!("the row written to {called} belongs to the tenant: {by} {how}");
            let at = self.scan(target).map_or(range, |scan| scan.range);
            self.step(if at.is_empty() { range } else { at }, text);
        }
        tied
    }

    /// Says that a policy lets no row be written but the tenant's.
    fn tell_checked(&mut self, target: ScanId, range: TextRange) -> bool {
        let text =
            format!("a row written to {} belongs to the tenant: its policies ask that", self.called(target));
        let at = self.scan(target).map_or(range, |scan| scan.range);
        self.step(if at.is_empty() { range } else { at }, text);
        true
    }

    /// The same as [`Prover::owning_value_is_tied`]; whatever is not tied has been told, so that it cannot end as scoped.
    fn check_owning_value(
        &mut self,
        state: &State,
        target: ScanId,
        name: &str,
        value: &Term,
        range: TextRange,
        outer: &Outer,
    ) -> bool {
        let told = self.leaks.len() + self.obstacles.len();
        let tied = self.owning_value_is_tied(state, target, name, value, range, outer);
        if !tied && self.leaks.len() + self.obstacles.len() == told {
            let target = self.called(target);
            self.obstacle(range, format!("`{name}` of {target} could not be shown to be the tenant's"));
        }
        tied
    }

    /// True if `value` is what an owning column of the tenant's row holds; else says what is wrong.
    fn owning_value_is_tied(
        &mut self,
        state: &State,
        target: ScanId,
        name: &str,
        value: &Term,
        range: TextRange,
        outer: &Outer,
    ) -> bool {
        let (Some(table), Some(scan)) = (self.table(target), self.scan(target)) else { return false };
        let column = table.column(name).and_then(|at| table.columns.get(at));
        let enforced = column.is_some_and(|column| column.not_null);
        // A row with NULL in such a column is not written.
        let firm = value.col().filter(|_| enforced).map(|col| Fact::plain(Claim::NotNull(col)));
        let checks = self.row_checks.iter().cloned();
        let facts: Vec<Fact> = state.facts.iter().cloned().chain(firm).chain(checks).collect();
        let closure = self.close(outer, &facts);
        let names = match self.owner(target) {
            TableOwner::Child { parent, parent_column, .. } => {
                Names::Row(parent.clone(), parent_column.clone())
            }
            _ => match self.key_domain(target, name) {
                Some(domain) => Names::Tenant(domain),
                None => return false,
            },
        };
        let tenant = closure.equals_of(value).into_iter().find_map(|term| match term {
            Term { base: Base::Tenant(at), via } if via.is_empty() => Some(at),
            _ => None,
        });
        // A constraint refuses NULL; without one the value itself must be known not to be NULL.
        let not_null = enforced || closure.not_null(value);
        if let (Some(tenant), Names::Tenant(domain)) = (tenant, &names) {
            if !not_null && self.tenant_is_unseen(tenant) {
                // A row without an owner shows nobody anything: whoever writes it loses it.
                let called = self.called(target);
                self.assumptions.push(format!("the value of `{name}` written to {called} is not NULL"));
            } else if !not_null {
                self.obstacle(
                    range,
                    format!(
                        "`{name}` of {} may be NULL, and a row without an owner is nobody's",
                        self.called(target)
                    ),
                );
                return false;
            }
            self.pins.insert((tenant, *domain));
            self.tied_in.insert(*domain);
            let sources: Vec<_> = self.sources(tenant).cloned().collect();
            self.pin_sources.extend(sources);
            return true;
        }
        let known = closure.equals_of(value).into_iter().find_map(|term| match term {
            Term { base: Base::Param(number), via }
                if via.is_empty() && self.is_known_value(number, &names) =>
            {
                Some(number)
            }
            _ => None,
        });
        if let Some(number) = known.filter(|_| not_null) {
            self.pin_sources.insert(TenantSource::Param(number));
            self.note_levels(&names);
            return true;
        }
        let from_pinned = state.classes.iter().filter(|class| class.status == Status::Pinned).any(|class| {
            class
                .reps
                .iter()
                .any(|rep| rep.names == names && rep.via.is_empty() && closure.equal(&rep.term(), value))
        });
        if from_pinned && not_null {
            return true;
        }
        if from_pinned {
            let target = self.called(target);
            self.obstacle(
                range,
                format!("`{name}` of {target} may be NULL, and a row without an owner is nobody's"),
            );
            return false;
        }
        let from_untied = state.classes.iter().any(|class| {
            matches!(class.status, Status::Open | Status::Lost(_))
                && class.reps.iter().any(|rep| rep.names == names && closure.equal(&rep.term(), value))
        });
        if from_untied {
            // The relation that the value comes from is what is wrong, and it is told.
            return false;
        }
        let message = match &names {
            Names::Tenant(_) => format!("`{name}` of the written row is not the tenant"),
            Names::Row(parent, _) => {
                format!(
                    "`{name}` of the written row is not tied to a row of `{}` that belongs to the tenant",
                    parent.name
                )
            }
        };
        let help = match &names {
            Names::Tenant(_) => format!("set `{name}` to the tenant"),
            Names::Row(parent, column) => {
                let key = self.key_of(parent);
                format!(
                    "take it from `SELECT {column} FROM {} WHERE {column} = … AND {key} = <tenant>`",
                    parent.name
                )
            }
        };
        if self.is_secured(target) {
            self.tell_secured(target);
            return false;
        }
        let has_default = column.is_some_and(|column| matches!(column.default, ColumnDefault::Expr(_)));
        if has_default && closure.equals_of(value).len() == 1 {
            let target = self.called(target);
            self.obstacle(range, format!("the default that `{name}` of {target} has is not understood"));
            return false;
        }
        let alias = scan.aliased.then(|| scan.alias.clone());
        self.leaks.push(Leak {
            kind: LeakKind::WrittenOwner,
            table: scan.table.clone(),
            alias,
            range,
            message,
            help: Some(help),
            related: Vec::new(),
            reasons: Vec::new(),
        });
        false
    }

    /// The tenant key of a table, for messages.
    pub(super) fn key_of(&self, table: &QualifiedName) -> String {
        match self.tenancy.owner(table) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                keys.first().map_or_else(|| "its key".to_owned(), |(name, _)| name.clone())
            }
            TableOwner::Child { by, .. } => by.clone(),
            TableOwner::Shared | TableOwner::Undeclared => "its key".to_owned(),
        }
    }

    /// Assignments to a row that is tied: they may not move it to another owner.
    pub(super) fn assign(
        &mut self,
        state: &mut State,
        target: ScanId,
        assignments: &'a [AssignmentPlan],
        outer: &Outer,
    ) {
        let Some(table) = self.table(target) else { return };
        for assignment in assignments {
            self.evaluate(state, &assignment.value, outer);
        }
        let values = assignments.iter().map(|assignment| (assignment.column, &assignment.value));
        self.doubt_references(state, target, values.collect());
        let closure = self.close(outer, &state.facts);
        let given: Vec<_> = assignments
            .iter()
            .filter_map(|assignment| {
                let name = table.columns.get(assignment.column)?.name.clone();
                Some((name, self.term(&assignment.value, &known(outer, state, &closure))))
            })
            .collect();
        let range = assignments.first().map_or_else(TextRange::default, |assignment| assignment.range);
        self.strict_update(state, target, &given, range, outer);
        for assignment in assignments {
            let Some(column) = table.columns.get(assignment.column) else { continue };
            self.check_assignment(state, target, &column.name, &assignment.value, assignment.range, outer);
            let only = self.scan(target).is_some_and(|scan| scan.only);
            self.check_update_cascade(table, &column.name, assignment.range, only);
        }
    }

    fn check_assignment(
        &mut self,
        state: &mut State,
        target: ScanId,
        name: &str,
        value: &'a Expr,
        range: TextRange,
        outer: &Outer,
    ) {
        let is_key = self.key_domain(target, name).is_some();
        let is_root = is_key && matches!(self.owner(target), TableOwner::Root { .. });
        let is_owning_fk = matches!(self.owner(target), TableOwner::Child { by, .. } if by == name);
        if !is_key && !is_owning_fk {
            return;
        }
        // Of several keys of a row each would have to be looked at: a policy that ties one of them says nothing of others.
        if self.row_is_checked && !is_root && self.is_only_key(target) {
            self.tell_checked(target, range);
            return;
        }
        let closure = self.close(outer, &state.facts);
        let term = self.term(value, &known(outer, state, &closure));
        let own = self
            .scan(target)
            .zip(self.table(target))
            .and_then(|(scan, table)| table.column(name).and_then(|at| scan.cols.get(at)).copied());
        if term.as_ref().zip(own).is_some_and(|(term, own)| closure.equal(term, &Term::column(own))) {
            return;
        }
        if is_root {
            self.obstacle(
                range,
                format!("`{name}` names the tenant itself; renaming a tenant is not proved"),
            );
            return;
        }
        let (before, doubts) = (self.leaks.len(), self.obstacles.len());
        let tied = match &term {
            Some(term) => self.check_owning_value(state, target, name, term, range, outer),
            None => false,
        };
        if tied {
            return;
        }
        self.leaks.truncate(before);
        if self.obstacles.len() > doubts {
            // It is the tenant's, if it is anything.
            return;
        }
        let asked = self.table(target).map(|table| self.asked_of(&table.name)).unwrap_or_default();
        let domain = self.key_domain(target, name);
        if domain.is_some_and(|domain| !asked.contains(&domain)) && self.reference_holds_key(target, name) {
            // A row of an outer tenant goes to another of its inner ones, or the reference refuses it.
            self.obstacle(
                range,
                format!("`{name}` is set to something that is not known to be the tenant's"),
            );
            return;
        }
        let message = match is_key {
            true => format!(
                "`{name}` is set to something else than the tenant, which moves the row to another tenant"
            ),
            false => format!("`{name}` is set to a parent that is not known to be the tenant's"),
        };
        let help = format!("leave `{name}` out of SET, or set it to the tenant");
        self.leak(LeakKind::KeyRewritten, target, range, message, Some(help));
    }

    /// One of the columns that are set says whose the row is.
    fn assigns_key(&self, plan: &UpdatePlan) -> bool {
        let columns = self.table(plan.target).map_or(&[] as &[_], |table| table.columns.as_slice());
        plan.assignments.iter().any(|assignment| {
            let name = columns.get(assignment.column).map(|column| column.name.as_str());
            name.is_none_or(|name| self.key_domain(plan.target, name).is_some())
        })
    }

    /// A row of the target says whose it is by one column.
    fn is_only_key(&self, target: ScanId) -> bool {
        match self.owner(target) {
            TableOwner::Keyed { keys, .. } => keys.len() == 1,
            TableOwner::Child { .. } => true,
            TableOwner::Root { .. } | TableOwner::Shared | TableOwner::Undeclared => false,
        }
    }

    fn update(&mut self, plan: &'a UpdatePlan, outer: &Outer) -> State {
        let mut state = self.rel(&plan.input, outer);
        self.settle(&mut state, outer);
        if !self.may_write(plan.target, plan.range) {
            return state;
        }
        let (_, checked) = self.checked_row(&state, plan.target, &plan.row, plan.check.as_ref(), outer);
        // A policy that lets no row be written but the tenant's refuses one that is everybody's and stays so.
        if !(checked && self.is_only_key(plan.target) && !self.assigns_key(plan)) {
            self.forbid_shared_write(&mut state, plan.target);
        }
        self.row_is_checked = checked;
        self.assign(&mut state, plan.target, &plan.assignments, outer);
        self.row_is_checked = false;
        let closure = self.close(outer, &state.facts);
        let mut facts = Vec::new();
        for assignment in &plan.assignments {
            let Some(new) = plan.row.get(assignment.column) else { continue };
            if let Some(term) = self.term(&assignment.value, &known(outer, &state, &closure)) {
                facts.push(Fact::plain(Claim::Same(Term::column(*new), term)));
            }
        }
        state.facts.extend(facts);
        state.made.extend(plan.row.iter().copied());
        self.returning(state, plan.target, &[], plan.returning.as_ref(), outer)
    }

    fn delete(&mut self, plan: &'a DeletePlan, outer: &Outer) -> State {
        let mut state = self.rel(&plan.input, outer);
        self.settle(&mut state, outer);
        if !self.may_write(plan.target, plan.range) {
            return state;
        }
        self.forbid_shared_write(&mut state, plan.target);
        let told = self.leaks.len();
        self.check_delete(plan.target, plan.range);
        if self.is_changed_already(plan) {
            // Of a row that the statement changes twice only the first change is made: it may be that none is deleted.
            self.doubt_leaks(told);
        }
        self.returning(state, plan.target, &[], plan.returning.as_ref(), outer)
    }

    /// The rows to delete are looked for among those that the statement has changed.
    fn is_changed_already(&self, plan: &DeletePlan) -> bool {
        let table = |scan: ScanId| self.scan(scan).map(|scan| &scan.table);
        returned_in(&plan.input).into_iter().any(|at| match self.plan.modifying.get(at) {
            Some(Action::Update(update)) => table(update.target) == table(plan.target),
            _ => false,
        })
    }

    /// Reading may include everybody's rows; writing may not.
    fn forbid_shared_write(&mut self, state: &mut State, target: ScanId) {
        let shared = state
            .classes
            .iter_mut()
            .find(|class| class.status == Status::Shared && class.scans.contains(&target));
        if let Some(class) = shared {
            class.status = Status::Open;
        }
    }

    /// Says so, and gives false, where everybody's rows are written.
    fn may_write(&mut self, target: ScanId, range: TextRange) -> bool {
        if matches!(self.owner(target), TableOwner::Shared) {
            self.shared_write(target, range);
            return false;
        }
        true
    }

    fn shared_write(&mut self, target: ScanId, range: TextRange) {
        let place = self.scan(target).map_or(range, |scan| scan.range);
        let message =
            "the table belongs to everybody, so that what is written here shows for every tenant".to_owned();
        self.leak(LeakKind::SharedWrite, target, place, message, None);
    }

    fn merge_into(&mut self, plan: &'a MergePlan, outer: &Outer) -> State {
        let mut source = self.rel(&plan.source, outer);
        self.settle(&mut source, outer);
        if !self.may_write(plan.target, plan.range) {
            return source;
        }
        let inserts = plan.clauses.iter().any(|clause| {
            clause.when == MergeWhen::NotMatched && !matches!(clause.action, MergeActionPlan::Nothing)
        });
        let by_source = plan.clauses.iter().any(|clause| clause.when == MergeWhen::NotMatchedBySource);
        let meets_itself = !self.scans_like(plan.target, &source).is_empty();
        if by_source || plan.returning.is_some() {
            self.obstacle(plan.range, "this form of MERGE is not proved".to_owned());
        }
        let mut matched = source.clone();
        let target = self.scan_state(plan.target);
        matched.made.extend(target.made);
        matched.facts.extend(target.facts);
        matched.classes.extend(target.classes);
        self.strict_filter(&matched, None, &plan.on);
        self.filter(&mut matched, &plan.on, outer);
        self.forbid_shared_write(&mut matched, plan.target);
        let mut refused = None;
        // Rows of others are changed.
        let mut reaches = false;
        for clause in &plan.clauses {
            let mut rows = match clause.when {
                MergeWhen::Matched => matched.clone(),
                MergeWhen::NotMatched | MergeWhen::NotMatchedBySource => source.clone(),
            };
            if let Some(guard) = &clause.guard {
                self.strict_filter(&rows, None, guard);
                self.filter(&mut rows, guard, outer);
            }
            self.forbid_shared_write(&mut rows, plan.target);
            let is_open =
                |class: &Class| class.scans.contains(&plan.target) && class.status != Status::Pinned;
            reaches |= clause.when == MergeWhen::Matched
                && !matches!(clause.action, MergeActionPlan::Nothing)
                && rows.classes.iter().any(is_open);
            match &clause.action {
                MergeActionPlan::Nothing => {}
                MergeActionPlan::Delete => {
                    self.check_delete(plan.target, clause.range);
                }
                MergeActionPlan::Update(assignments) => {
                    self.assign(&mut rows, plan.target, assignments, outer)
                }
                MergeActionPlan::Insert(values) => {
                    let told = self.leaks.len();
                    self.merge_insert(&mut rows, plan, values, clause.range, outer);
                    let given = |at: usize| matches!(values.get(at), Some(Some(_)));
                    if let Some(name) = self.never_given(plan.target, &given) {
                        self.doubt_leaks(told);
                        refused = Some((clause.range, name));
                    }
                    if meets_itself {
                        // A source that is the target's own rows may leave none that it lacks.
                        self.doubt_leaks(told);
                    }
                }
            }
            if clause.when != MergeWhen::Matched || inserts || by_source {
                continue;
            }
            // Rows to which nothing happens are neither returned nor counted: what is not tied on them is told elsewhere.
            let is_idle = matches!(clause.action, MergeActionPlan::Nothing);
            let is_told = |class: &Class| !is_idle || class.status == Status::Pinned;
            self.finished.extend(rows.classes.into_iter().filter(is_told));
        }
        // Sources decide which rows are inserted: they stand on their own. The target does in ON, if rows that it lacks are
        // inserted. Where nothing is inserted, a row counts only if a clause applies to it.
        if inserts || by_source {
            if let Some((range, name)) = refused.filter(|_| !reaches) {
                let told = self.leaks.len();
                self.doubt_refused(&mut matched, told, range, &name);
            }
            self.finished.extend(matched.classes);
            return source;
        }
        if !plan.clauses.iter().any(|clause| clause.when == MergeWhen::Matched) {
            self.finished.extend(matched.classes);
        }
        State::default()
    }

    /// What was told as leaks since then is not certain.
    fn doubt_leaks(&mut self, since: usize) {
        let leaks = self.leaks.split_off(since);
        self.obstacles.extend(leaks.into_iter().map(|leak| Obstacle {
            kind: ObstacleKind::NotProved,
            range: leak.range,
            message: leak.message,
            help: leak.help,
        }));
    }

    fn merge_insert(
        &mut self,
        rows: &mut State,
        plan: &'a MergePlan,
        values: &'a [Option<Expr>],
        range: TextRange,
        outer: &Outer,
    ) {
        let Some(table) = self.table(plan.target) else { return };
        values.iter().flatten().for_each(|value| self.evaluate(rows, value, outer));
        let closure = self.close(outer, &rows.facts);
        let given = table.columns.iter().zip(values).filter_map(|(column, value)| {
            let term = self.term(value.as_ref()?, &known(outer, rows, &closure));
            Some((column.name.clone(), term))
        });
        let given: Vec<(String, Option<Term>)> = given.collect();
        let owning: Vec<String> = match self.owner(plan.target) {
            TableOwner::Keyed { keys, .. } => keys.iter().map(|(name, _)| name.clone()).collect(),
            TableOwner::Child { by, .. } => vec![by.clone()],
            TableOwner::Root { .. } | TableOwner::Shared | TableOwner::Undeclared => {
                let message = "a row of the table of tenants is made, which no tenant owns yet".to_owned();
                self.leak(LeakKind::WrittenOwner, plan.target, range, message, None);
                return;
            }
        };
        for name in owning {
            let closure = self.close(outer, &rows.facts);
            let value = table.column(&name).and_then(|at| values.get(at)).and_then(Option::as_ref);
            let term = value.and_then(|value| self.term(value, &known(outer, rows, &closure)));
            match term {
                None if value.is_none() && is_refused(table, &name) => {
                    self.obstacle(
                        range,
                        format!("the written row is given no `{name}`, without which it is refused"),
                    );
                }
                None if value.is_none() => {
                    let message = format!("the written row is given no `{name}`");
                    self.leak(LeakKind::WrittenOwner, plan.target, range, message, None);
                }
                Some(term) => {
                    self.check_owning_value(rows, plan.target, &name, &term, range, outer);
                }
                None => {
                    let message = format!("`{name}` of the written row is not the tenant");
                    self.leak(LeakKind::WrittenOwner, plan.target, range, message, None);
                }
            }
        }
        self.strict_insert(rows, plan.target, &given, range, outer);
    }

    pub(super) fn leak(
        &mut self,
        kind: LeakKind,
        scan: ScanId,
        range: TextRange,
        message: String,
        help: Option<String>,
    ) {
        self.leak_because(kind, scan, range, message, help, Vec::new());
    }

    /// The same, with what of the schema made it one.
    pub(super) fn leak_because(
        &mut self,
        kind: LeakKind,
        scan: ScanId,
        range: TextRange,
        message: String,
        help: Option<String>,
        reasons: Vec<SchemaReason>,
    ) {
        let Some(info) = self.scan(scan) else { return };
        if matches!(self.owner(scan), TableOwner::Undeclared) {
            // Whose rows they are nobody said, so that nobody can say that they are another's.
            let message = format!("nothing says who owns the rows of {}", self.called(scan));
            self.obstacles.push(Obstacle {
                kind: ObstacleKind::UnknownTable,
                range: info.range,
                message,
                help: None,
            });
            return;
        }
        // Policies check new rows; what the database does on its own account they do not see.
        if matches!(kind, LeakKind::WrittenOwner | LeakKind::KeyRewritten) && self.is_secured(scan) {
            self.tell_secured(scan);
            return;
        }
        let alias = info.aliased.then(|| info.alias.clone());
        let (table, related) = (info.table.clone(), Vec::new());
        let leak = Leak { kind, table, alias, range, message, help, related, reasons };
        // Two keys of the same columns are one cause.
        let is_same = |known: &Leak| Leak { reasons: leak.reasons.clone(), ..known.clone() } == leak;
        if !self.leaks.iter().any(is_same) {
            self.leaks.push(leak);
        }
    }

    pub(super) fn obstacle(&mut self, range: TextRange, message: String) {
        self.obstacles.push(Obstacle { kind: ObstacleKind::NotProved, range, message, help: None });
    }
}

/// The common table expressions whose rows a relation and its subqueries read.
fn returned_in(rel: &Rel) -> Vec<usize> {
    if let RelKind::Returned { action } = rel.kind {
        return vec![action];
    }
    let below = inputs(rel).into_iter().flat_map(returned_in);
    let within = own_exprs(rel).into_iter().flat_map(|expr| {
        subqueries(expr).into_iter().flat_map(|(sub, ..)| returned_in(&sub.rel)).collect::<Vec<usize>>()
    });
    below.chain(within).collect()
}

/// A row that is given nothing for the column is not written.
fn is_refused(table: &Table, name: &str) -> bool {
    let column = table.column(name).and_then(|at| table.columns.get(at));
    column.is_some_and(|column| column.not_null && column.default == ColumnDefault::None)
}
