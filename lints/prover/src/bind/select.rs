//! `SELECT`: from its clauses to operators, in the order in which they work.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::ast::{self, GroupItem, Select, SelectItem};
use crate::catalog::Table;
use crate::plan::{ColId, Expr, ExprKind, Grouping, Rel, RelKind};
use crate::types::SqlType;
use crate::verdict::ObstacleKind;

use super::Binder;
use super::query::Bound;
use super::scope::{Entry, Gaps, NamedColumn, Namespace, Scope, Stage};
use super::walk::{alike, children_mut, columns_of};

/// The most grouping sets that `ROLLUP`, `CUBE` and their products may make.
const MAX_SETS: usize = 1_024;

/// An item of the select list, bound.
struct Item {
    name: String,
    expr: Expr,
}

/// The expressions of a `SELECT` above its grouping.
struct Output {
    items: Vec<Item>,
    having: Option<Expr>,
    order: Vec<Expr>,
    distinct_on: Vec<Expr>,
}

impl Output {
    fn each(&mut self, visit: &mut dyn FnMut(&mut Expr)) {
        self.items.iter_mut().for_each(|item| visit(&mut item.expr));
        self.having.iter_mut().for_each(&mut *visit);
        self.order.iter_mut().for_each(&mut *visit);
        self.distinct_on.iter_mut().for_each(visit);
    }
}

impl Binder<'_> {
    pub(super) fn select(&mut self, select: &Select, order_by: &[ast::OrderBy], wanted: &[SqlType]) -> Bound {
        self.within(Scope::new(), |binder| binder.select_in_scope(select, order_by, wanted))
    }

    fn select_in_scope(&mut self, select: &Select, order_by: &[ast::OrderBy], wanted: &[SqlType]) -> Bound {
        let range = select.range;
        if let Some(into) = select.into {
            self.unmodelled(into, "`SELECT … INTO`");
        }
        let from = self.relations_of(&select.from, range);
        let mut rel = from.unwrap_or_else(|| self.unit(range));
        self.note_aliases(select);
        if let Some(filter) = &select.filter {
            let predicate = self.condition(filter);
            rel = self.filter(rel, predicate);
        }
        if let Some(scope) = self.scope() {
            scope.named_windows.clone_from(&select.windows);
        }
        self.stage(Stage::Output);
        let (items, gaps) = self.select_items(&select.items);
        for (position, item) in items.iter().enumerate() {
            if let Some(ty) = wanted.get(position) {
                self.note(&item.expr, ty);
            }
        }
        self.stage(Stage::Rows);
        let groups = select.group_by.as_ref().map(|items_by| self.group_sets(items_by, &items, range));
        self.stage(Stage::Groups);
        let having = select.having.as_ref().map(|having| self.condition(having));
        self.stage(Stage::Output);
        let order = self.order_exprs(order_by.iter().map(|order| &order.expr), &items);
        let distinct_on = match &select.distinct {
            Some(ast::Distinct::On(exprs)) => self.order_exprs(exprs.iter(), &items),
            _ => Vec::new(),
        };
        let mut output = Output { items, having, order, distinct_on };
        rel = self.grouped(rel, groups, &mut output, range);
        if let Some(having) = output.having.take() {
            rel = self.filter(rel, having);
        }
        rel = self.windowed(rel, range);
        rel = self.set_functions(rel, range);
        self.finish_select(rel, output, select, gaps)
    }

    fn note_aliases(&mut self, select: &Select) {
        if self.dialect == Dialect::Postgres {
            return;
        }
        let aliases = select.items.iter().filter_map(|item| match item {
            SelectItem::Expr { alias: Some(alias), .. } => Some(alias.text.clone()),
            _ => None,
        });
        let aliases = aliases.collect();
        if let Some(scope) = self.scope() {
            scope.aliases = aliases;
        }
    }

    // ---- the select list ----

    fn select_items(&mut self, items: &[SelectItem]) -> (Vec<Item>, Gaps) {
        let mut bound = Vec::new();
        let mut gaps = Gaps::None;
        for item in items {
            match item {
                SelectItem::Star(range) => {
                    let names = self.scopes.last().map(|scope| scope.names.clone()).unwrap_or_default();
                    gaps = gaps.max(names.gaps());
                    self.star(&names.columns, *range, &mut bound);
                }
                SelectItem::QualifiedStar(name) => match self.star_relation(name) {
                    Some(entry) => {
                        gaps = gaps.max(entry.gaps);
                        self.star(&entry.columns, name.range, &mut bound);
                    }
                    None => gaps = Gaps::Unknown,
                },
                SelectItem::ExprStar(expr) => gaps = gaps.max(self.expr_star(expr, &mut bound)),
                SelectItem::Expr { expr, alias } => {
                    let name = alias.as_ref().map_or_else(|| output_name(expr), |alias| alias.text.clone());
                    let expr = self.expr(expr);
                    bound.push(Item { name, expr });
                }
            }
        }
        (bound, gaps)
    }

    fn star(&mut self, columns: &[NamedColumn], range: TextRange, items: &mut Vec<Item>) {
        for column in columns {
            items.push(Item { name: column.name.clone(), expr: self.column_expr(column.id, range) });
        }
    }

    fn star_relation(&mut self, name: &ast::ObjectName) -> Option<Entry> {
        match name.parts.as_slice() {
            [relation] => self.find_relation(None, relation, name.range),
            [schema, relation] => self.find_relation(Some(schema), relation, name.range),
            _ => {
                self.unmodelled(name.range, "a `*` qualified by more than a schema");
                None
            }
        }
    }

    fn expr_star(&mut self, expr: &ast::Expr, items: &mut Vec<Item>) -> Gaps {
        if let ast::ExprKind::Column(parts) = &expr.kind
            && let Some(entry) = self.relation_named(parts)
        {
            self.star(&entry.columns, expr.range, items);
            return entry.gaps;
        }
        let row = self.expr(expr);
        let fields = match &row.kind {
            ExprKind::Column(id) => self.row_fields.get(id).cloned(),
            _ => None,
        };
        let Some(fields) = fields else {
            if !matches!(row.kind, ExprKind::Opaque(_)) {
                self.unmodelled(expr.range, "the fields of this value, as columns,");
            }
            items.push(Item { name: String::new(), expr: self.opaque(vec![row], expr.range) });
            return Gaps::Unknown;
        };
        for (at, (name, ty)) in fields.into_iter().enumerate() {
            let field = ExprKind::Field(Box::new(row.clone()), at);
            items.push(Item { name, expr: self.make(field, ty, expr.range) });
        }
        Gaps::None
    }

    // ---- ORDER BY, DISTINCT ON, GROUP BY ----

    /// `ORDER BY` and `DISTINCT ON`: a position, else an output name, else an expression over the input.
    fn order_exprs<'e>(&mut self, exprs: impl Iterator<Item = &'e ast::Expr>, items: &[Item]) -> Vec<Expr> {
        let mut bound = Vec::new();
        for expr in exprs {
            match self.by_position(expr, items).or_else(|| self.by_name(expr, items)) {
                Some(found) => bound.push(found),
                None => bound.push(self.expr(expr)),
            }
        }
        bound
    }

    fn by_position(&mut self, expr: &ast::Expr, items: &[Item]) -> Option<Expr> {
        let ast::ExprKind::Number(number) = &expr.kind else { return None };
        let position: usize = number.parse().ok()?;
        match position.checked_sub(1).and_then(|index| items.get(index)) {
            Some(item) => Some(item.expr.clone()),
            None => {
                self.obstacle(
                    ObstacleKind::UnknownColumn,
                    expr.range,
                    format!("there is no item {position} in the select list"),
                );
                Some(self.opaque(Vec::new(), expr.range))
            }
        }
    }

    fn by_name(&mut self, expr: &ast::Expr, items: &[Item]) -> Option<Expr> {
        let ast::ExprKind::Column(parts) = &expr.kind else { return None };
        let [name] = parts.as_slice() else { return None };
        let same = |item: &&Item| match self.dialect {
            Dialect::Postgres => item.name == name.text,
            Dialect::Mysql | Dialect::Sqlite => item.name.eq_ignore_ascii_case(&name.text),
        };
        let mut found = items.iter().filter(same);
        let first = found.next()?.expr.clone();
        if found.any(|item| !alike(&item.expr, &first)) {
            let message = format!("`{}` names several items of the select list", name.text);
            self.obstacle(ObstacleKind::UnknownColumn, expr.range, message);
        }
        Some(first)
    }

    /// The grouping sets, each a list of expressions, and whether they were written as plain expressions only.
    fn group_sets(
        &mut self,
        written: &[GroupItem],
        items: &[Item],
        range: TextRange,
    ) -> (Vec<Vec<Expr>>, bool) {
        let plain = written.iter().all(|item| matches!(item, GroupItem::Expr(_)));
        let mut sets: Vec<Vec<Expr>> = vec![Vec::new()];
        for item in written {
            let own = self.sets_of(item, items, range);
            if sets.len().saturating_mul(own.len()) > MAX_SETS {
                self.limit(range, "there are too many grouping sets");
                return (sets, plain);
            }
            let product = sets.iter().flat_map(|set| {
                own.iter().map(move |more| set.iter().chain(more).cloned().collect::<Vec<Expr>>())
            });
            sets = product.collect();
        }
        (sets, plain)
    }

    fn sets_of(&mut self, item: &GroupItem, items: &[Item], range: TextRange) -> Vec<Vec<Expr>> {
        match item {
            GroupItem::Expr(expr) => vec![vec![self.group_expr(expr, items)]],
            GroupItem::List(exprs) => vec![self.group_list(exprs, items)],
            GroupItem::Empty => vec![Vec::new()],
            GroupItem::Rollup(lists) => {
                let lists = self.group_lists(lists, items);
                (0..=lists.len())
                    .rev()
                    .map(|count| lists.iter().take(count).flatten().cloned().collect())
                    .collect()
            }
            GroupItem::Cube(lists) => {
                if lists.len() > 10 {
                    self.limit(range, "there are too many grouping sets");
                    return vec![Vec::new()];
                }
                let lists = self.group_lists(lists, items);
                let chosen = |mask: usize| {
                    let picked = lists.iter().enumerate().filter(move |(index, _)| mask & (1 << index) != 0);
                    picked.flat_map(|(_, list)| list.iter().cloned()).collect()
                };
                (0..1_usize << lists.len()).map(chosen).collect()
            }
            GroupItem::Sets(inner) => {
                inner.iter().flat_map(|item| self.sets_of(item, items, range)).collect()
            }
        }
    }

    fn group_lists(&mut self, lists: &[Vec<ast::Expr>], items: &[Item]) -> Vec<Vec<Expr>> {
        lists.iter().map(|list| self.group_list(list, items)).collect()
    }

    fn group_list(&mut self, exprs: &[ast::Expr], items: &[Item]) -> Vec<Expr> {
        exprs.iter().map(|expr| self.group_expr(expr, items)).collect()
    }

    /// An expression of `GROUP BY`: a position, else an input column, else an output name.
    fn group_expr(&mut self, expr: &ast::Expr, items: &[Item]) -> Expr {
        if let Some(found) = self.by_position(expr, items) {
            return found;
        }
        if let ast::ExprKind::Column(parts) = &expr.kind
            && let [name] = parts.as_slice()
        {
            let here = self.scopes.last().is_some_and(|scope| {
                self.position(&scope.names.columns, &name.text).is_some() || scope.names.gaps() != Gaps::None
            });
            if !here && let Some(found) = self.by_name(expr, items) {
                return found;
            }
        }
        self.expr(expr)
    }

    // ---- grouping ----

    fn grouped(
        &mut self,
        rel: Rel,
        groups: Option<(Vec<Vec<Expr>>, bool)>,
        output: &mut Output,
        range: TextRange,
    ) -> Rel {
        let aggregates = self.scope().map(|scope| std::mem::take(&mut scope.aggregates)).unwrap_or_default();
        if groups.is_none() && aggregates.is_empty() && output.having.is_none() {
            return rel;
        }
        if groups.is_none() && aggregates.is_empty() && self.dialect == Dialect::Mysql {
            self.unmodelled(range, "`HAVING` without grouping");
        }
        let local = self.scopes.last().map(|scope| scope.local.clone()).unwrap_or_default();
        let (sets, plain) = groups.unwrap_or((vec![Vec::new()], false));
        let whole = sets.len() == 1 && sets.iter().all(Vec::is_empty) && !plain;
        // Grouping expressions become columns below.
        let mut known: Vec<(Expr, ColId)> = Vec::new();
        let mut computed = Vec::new();
        let mut id_sets: Vec<Vec<ColId>> = Vec::new();
        for set in sets {
            let mut ids: Vec<ColId> = Vec::new();
            for expr in set {
                let id = self.group_column(&expr, &local, &mut known, &mut computed);
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            id_sets.push(ids);
        }
        let rel = if computed.is_empty() { rel } else { self.project(rel, computed, range) };
        // Above, each has its own id, or with several sets a fresh one.
        let single = plain || (id_sets.len() == 1 && !id_sets.iter().all(Vec::is_empty));
        let mut above: Vec<(Expr, ColId)> = Vec::new();
        let mut pairs = Vec::new();
        for (expr, id) in known {
            let seen_as = if single { id } else { self.fresh_copy(id) };
            pairs.push((seen_as, id));
            above.push((expr, seen_as));
        }
        let mut visible: Vec<ColId> = above.iter().map(|(_, id)| *id).collect();
        let dependent = self.regroup_output(&above, &local, single, output, range);
        visible.extend(&dependent);
        visible.extend(aggregates.iter().map(|(id, _)| *id));
        let grouping = if whole {
            Grouping::Whole
        } else if single {
            let mut ids: Vec<ColId> = pairs.iter().map(|(id, _)| *id).collect();
            ids.extend(&dependent);
            Grouping::Columns(ids)
        } else {
            Grouping::Sets { columns: pairs, sets: id_sets }
        };
        let kind = RelKind::Aggregate { input: Box::new(rel), grouping, aggregates };
        Rel { kind, cols: visible, range: self.at(range) }
    }

    fn fresh_copy(&mut self, id: ColId) -> ColId {
        let (name, ty) = self
            .info(id)
            .map(|info| (info.name.clone(), info.ty.clone()))
            .unwrap_or((String::new(), SqlType::Unknown));
        self.new_column(&name, ty)
    }

    fn group_column(
        &mut self,
        expr: &Expr,
        local: &BTreeSet<ColId>,
        known: &mut Vec<(Expr, ColId)>,
        computed: &mut Vec<(ColId, Expr)>,
    ) -> ColId {
        if let Some((_, id)) = known.iter().find(|(other, _)| alike(other, expr)) {
            return *id;
        }
        let id = match expr.kind {
            ExprKind::Column(id) if local.contains(&id) => id,
            _ => {
                let id = self.new_column("group", expr.ty.clone());
                computed.push((id, expr.clone()));
                id
            }
        };
        known.push((expr.clone(), id));
        id
    }

    /// Rewrites what stands above the grouping in terms of its columns. Returns columns that depend on a grouped
    /// primary key.
    fn regroup_output(
        &mut self,
        above: &[(Expr, ColId)],
        local: &BTreeSet<ColId>,
        single: bool,
        output: &mut Output,
        range: TextRange,
    ) -> Vec<ColId> {
        let mut ungrouped: BTreeSet<ColId> = BTreeSet::new();
        let mut visit = |expr: &mut Expr| regroup(expr, above, local, &mut ungrouped);
        output.each(&mut visit);
        if let Some(scope) = self.scopes.last_mut() {
            for (_, call) in &mut scope.windows {
                call.args.iter_mut().for_each(&mut visit);
                call.partition_by.iter_mut().for_each(&mut visit);
            }
            scope.sets.iter_mut().for_each(|(_, call)| visit(call));
        }
        let grouped: BTreeSet<ColId> = above.iter().map(|(_, id)| *id).collect();
        let mut dependent = Vec::new();
        for id in ungrouped {
            if single && self.depends_on_key(id, &grouped) {
                dependent.push(id);
                continue;
            }
            let name = self.info(id).map_or_else(String::new, |info| info.name.clone());
            let message = format!("the column `{name}` is used above the grouping without being grouped");
            self.obstacle(ObstacleKind::Unmodelled, range, message);
        }
        dependent
    }

    /// Whether a stored column depends on its table's primary key, all of which is grouped.
    fn depends_on_key(&self, id: ColId, grouped: &BTreeSet<ColId>) -> bool {
        let Some((scan, _)) = self.info(id).and_then(|info| info.origin) else { return false };
        let Some(scan) = self.scans.get(scan.0 as usize) else { return false };
        let Some(table) = self.catalog.tables.get(&scan.table) else { return false };
        let Some(key) = table.primary_key() else { return false };
        let column = |name: &String| -> Option<ColId> { scan.cols.get(Table::column(table, name)?).copied() };
        !key.columns.is_empty()
            && !key.deferrable
            && key.columns.iter().all(|name| column(name).is_some_and(|id| grouped.contains(&id)))
    }

    // ---- windows, set-returning functions, the end ----

    fn windowed(&mut self, rel: Rel, range: TextRange) -> Rel {
        let calls = self.scope().map(|scope| std::mem::take(&mut scope.windows)).unwrap_or_default();
        if calls.is_empty() {
            return rel;
        }
        let mut cols = rel.cols.clone();
        cols.extend(calls.iter().map(|(id, _)| *id));
        Rel { kind: RelKind::Window { input: Box::new(rel), calls }, cols, range: self.at(range) }
    }

    /// Set-returning functions of the select list work in step, like `ROWS FROM` beside the row.
    fn set_functions(&mut self, rel: Rel, range: TextRange) -> Rel {
        let sets = self.scope().map(|scope| std::mem::take(&mut scope.sets)).unwrap_or_default();
        if sets.is_empty() {
            return rel;
        }
        let (cols, calls): (Vec<ColId>, Vec<Expr>) = sets.into_iter().unzip();
        let right = Rel { kind: RelKind::Function { calls }, cols, range: self.at(range) };
        let on = self.truth(range);
        self.join(crate::plan::JoinKind::Inner, rel, right, on, range)
    }

    fn finish_select(&mut self, rel: Rel, output: Output, select: &Select, gaps: Gaps) -> Bound {
        let range = select.range;
        let Output { items, order, distinct_on, .. } = output;
        let (mut rel, columns) = self.projected(rel, &items, range);
        let visible: Vec<ColId> = columns.iter().map(|column| column.id).collect();
        let output_id = |expr: &Expr| {
            items.iter().zip(&visible).find(|(item, _)| alike(&item.expr, expr)).map(|(_, id)| *id)
        };
        let by: Vec<Expr> = order
            .into_iter()
            .map(|expr| match output_id(&expr) {
                Some(id) => self.column_expr(id, range),
                None => expr,
            })
            .collect();
        match &select.distinct {
            None => {}
            Some(ast::Distinct::All) => {
                if gaps != Gaps::None {
                    self.unmodelled(range, "`DISTINCT` over columns that are not all known");
                }
                rel.cols.clone_from(&visible);
                rel = self.distinct(rel, None, range);
                self.check_sorted_by_output(&by, &visible, range);
            }
            Some(ast::Distinct::On(_)) => rel = self.distinct(rel, Some(distinct_on), range),
        }
        if !by.is_empty() {
            let cols = rel.cols.clone();
            rel = Rel { kind: RelKind::Sort { input: Box::new(rel), by }, cols, range: self.at(range) };
        }
        rel.cols = visible;
        (rel, columns, gaps)
    }

    /// `RETURNING` over the row being written, whose names are in `names` and whose columns are `cols`.
    pub(super) fn returning(
        &mut self,
        items: &[SelectItem],
        names: Namespace,
        cols: Vec<ColId>,
        range: TextRange,
    ) -> (Option<Rel>, Vec<(String, SqlType)>) {
        if items.is_empty() {
            return (None, Vec::new());
        }
        self.within(Scope::of(names), |binder| {
            binder.stage(Stage::Output);
            let (items, _) = binder.select_items(items);
            let odd = binder.scope().is_some_and(|scope| {
                !(scope.aggregates.is_empty() && scope.windows.is_empty() && scope.sets.is_empty())
            });
            if odd {
                binder.unmodelled(range, "an aggregate, window or set-returning function in `RETURNING`");
            }
            let row = Rel { kind: RelKind::WrittenRow, cols, range: binder.at(range) };
            let (mut rel, columns) = binder.projected(row, &items, range);
            rel.cols = columns.iter().map(|column| column.id).collect();
            let columns = columns.into_iter().map(|column| {
                let ty = binder.ty(column.id);
                (column.name, ty)
            });
            let columns = columns.collect();
            (Some(rel), columns)
        })
    }

    /// Computes the select list; all other columns stay visible. Returns the columns of the list.
    fn projected(&mut self, rel: Rel, items: &[Item], range: TextRange) -> (Rel, Vec<NamedColumn>) {
        let mut computed: Vec<(ColId, Expr)> = Vec::new();
        let mut columns = Vec::new();
        for item in items {
            let id = match item.expr.kind {
                ExprKind::Column(id) if rel.cols.contains(&id) => id,
                _ => {
                    let id = self.new_column(&item.name, item.expr.ty.clone());
                    self.note_row_fields(id, &item.expr);
                    computed.push((id, item.expr.clone()));
                    id
                }
            };
            columns.push(NamedColumn { name: item.name.clone(), id });
        }
        (self.project(rel, computed, range), columns)
    }

    fn note_row_fields(&mut self, id: ColId, expr: &Expr) {
        let fields = match &expr.kind {
            ExprKind::WholeRow(fields) => {
                fields.iter().map(|(name, id)| (name.clone(), self.ty(*id))).collect()
            }
            ExprKind::Row(items) => {
                items.iter().zip(1..).map(|(item, at)| (format!("f{at}"), item.ty.clone())).collect()
            }
            _ => return,
        };
        self.row_fields.insert(id, fields);
    }

    fn distinct(&self, input: Rel, on: Option<Vec<Expr>>, range: TextRange) -> Rel {
        let cols = input.cols.clone();
        Rel { kind: RelKind::Distinct { input: Box::new(input), on }, cols, range: self.at(range) }
    }

    fn check_sorted_by_output(&mut self, by: &[Expr], visible: &[ColId], range: TextRange) {
        let local = self.scopes.last().map(|scope| scope.local.clone()).unwrap_or_default();
        for expr in by {
            let mut used = BTreeSet::new();
            columns_of(expr, &mut used);
            if used.iter().any(|id| local.contains(id) && !visible.contains(id)) {
                self.unmodelled(range, "`SELECT DISTINCT` in the order of something that is not selected");
            }
        }
    }
}

/// Replaces grouping expressions by their columns; collects local columns that are none.
fn regroup(
    expr: &mut Expr,
    above: &[(Expr, ColId)],
    local: &BTreeSet<ColId>,
    ungrouped: &mut BTreeSet<ColId>,
) {
    if let Some((_, id)) = above.iter().find(|(known, _)| alike(known, expr)) {
        expr.kind = ExprKind::Column(*id);
        return;
    }
    match &expr.kind {
        ExprKind::Column(id) if local.contains(id) => {
            ungrouped.insert(*id);
        }
        ExprKind::WholeRow(fields) => {
            ungrouped.extend(fields.iter().map(|(_, id)| id).filter(|id| local.contains(id)));
        }
        _ => children_mut(expr, &mut |child| regroup(child, above, local, ungrouped)),
    }
}

/// The name of an item without an alias, as PostgreSQL gives it.
fn output_name(expr: &ast::Expr) -> String {
    match &expr.kind {
        ast::ExprKind::Column(parts) => parts.last().map_or_else(String::new, |part| part.text.clone()),
        ast::ExprKind::Call(call) => super::from::function_name(call).to_owned(),
        ast::ExprKind::Cast { expr, ty, .. } => match output_name(expr) {
            name if name == "?column?" => type_name(ty),
            name => name,
        },
        ast::ExprKind::Field { field, .. } => field.text.clone(),
        ast::ExprKind::Subscript { expr, .. } | ast::ExprKind::Collate { expr, .. } => output_name(expr),
        ast::ExprKind::Case { otherwise, .. } => match otherwise.as_deref().map(output_name) {
            Some(name) if name != "?column?" => name,
            _ => "case".to_owned(),
        },
        ast::ExprKind::Exists(_) => "exists".to_owned(),
        ast::ExprKind::Array(_) | ast::ExprKind::ArraySubquery(_) => "array".to_owned(),
        ast::ExprKind::Row(_) => "row".to_owned(),
        ast::ExprKind::Bool(_) => "bool".to_owned(),
        ast::ExprKind::Subquery(query) => match &query.body {
            ast::SetExpr::Select(select) => match select.items.first() {
                Some(SelectItem::Expr { alias: Some(alias), .. }) => alias.text.clone(),
                Some(SelectItem::Expr { expr, alias: None }) => output_name(expr),
                _ => "?column?".to_owned(),
            },
            _ => "?column?".to_owned(),
        },
        _ => "?column?".to_owned(),
    }
}

/// A type's name as PostgreSQL calls an unnamed cast; only where the folded type says it.
fn type_name(ty: &SqlType) -> String {
    match ty {
        SqlType::Text => "text".to_owned(),
        SqlType::Uuid => "uuid".to_owned(),
        SqlType::Bool => "bool".to_owned(),
        SqlType::Numeric => "numeric".to_owned(),
        SqlType::Jsonb => "jsonb".to_owned(),
        SqlType::Json => "json".to_owned(),
        SqlType::Bytes => "bytea".to_owned(),
        SqlType::Name => "name".to_owned(),
        SqlType::Char => "bpchar".to_owned(),
        SqlType::VarcharN(_) => "varchar".to_owned(),
        SqlType::Named(name) => name.clone(),
        // Several types are folded into these, so the name is not known; nothing can be called this.
        SqlType::Int | SqlType::Float | SqlType::Temporal | SqlType::Unknown | SqlType::Array(_) => {
            "?column?".to_owned()
        }
    }
}
