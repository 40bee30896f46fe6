//! What a statement's conditions ask for: which columns, constants and parameters must be equal, and the bounds of values.

use std::collections::{BTreeMap, BTreeSet};

use tenantry_prover::plan::{
    Action, ColId, CompareOp, Expr, ExprKind, InsertValue, Plan, Rel, RelKind, ScanId, SetOp, SubqueryUsage,
};

use crate::rng::Rng;

/// How far definitions of columns are followed.
const DEEP: usize = 24;

/// What has a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Node {
    Column(ColId),
    Constant(String),
    Param(u32),
    Setting,
}

/// Nodes with the classes that equalities make of them.
#[derive(Default)]
pub(super) struct Asked {
    nodes: Vec<Node>,
    parent: Vec<usize>,
    /// Bounds of nodes.
    pub(super) bounds: Vec<(usize, CompareOp, String)>,
    /// Nodes that are NULL.
    pub(super) empty: BTreeSet<usize>,
    /// Scans of rows to insert, none of which is there.
    pub(super) not_there: BTreeSet<ScanId>,
    /// What is written: the scan, the column's place in the catalog, and what is given to it.
    pub(super) written: Vec<(ScanId, usize, usize)>,
}

impl Asked {
    pub(super) fn id(&mut self, node: Node) -> usize {
        if let Some(at) = self.nodes.iter().position(|known| *known == node) {
            return at;
        }
        self.nodes.push(node);
        self.parent.push(self.parent.len());
        self.parent.len() - 1
    }

    pub(super) fn root(&self, mut at: usize) -> usize {
        while let Some(next) = self.parent.get(at).copied().filter(|next| *next != at) {
            at = next;
        }
        at
    }

    pub(super) fn unite(&mut self, a: Node, b: Node) {
        let (a, b) = (self.id(a), self.id(b));
        let (a, b) = (self.root(a), self.root(b));
        if let Some(entry) = self.parent.get_mut(a) {
            *entry = b;
        }
    }

    /// The nodes, each with its class.
    pub(super) fn classes(&self) -> Vec<(Node, usize)> {
        self.nodes.iter().enumerate().map(|(at, node)| (node.clone(), self.root(at))).collect()
    }
}

/// What one way of making a statement's conditions true asks for: of alternatives one is chosen.
pub(super) fn read(plan: &Plan, rng: &mut Rng) -> Asked {
    let mut reader = Reader {
        plan,
        rng,
        asked: Asked::default(),
        computed: BTreeMap::new(),
        alias: BTreeMap::new(),
        left: PARTS,
    };
    let actions: Vec<&Action> = plan.modifying.iter().chain(std::iter::once(&plan.main)).collect();
    for action in &actions {
        relations(action).into_iter().for_each(|rel| reader.define(rel));
    }
    actions.into_iter().for_each(|action| reader.action(action));
    reader.asked
}

/// How many relations and expressions of a statement are looked at.
const PARTS: usize = 4_000;

struct Reader<'a, 'r> {
    plan: &'a Plan,
    rng: &'r mut Rng,
    asked: Asked,
    computed: BTreeMap<ColId, &'a Expr>,
    /// Columns that are other columns in some rows.
    alias: BTreeMap<ColId, ColId>,
    left: usize,
}

/// An expression without what does not change which value it is about.
enum Bare<'a> {
    Column(ColId),
    Expr(&'a Expr),
}

impl<'a> Reader<'a, '_> {
    /// Notes how columns are made.
    fn define(&mut self, rel: &'a Rel) {
        match &rel.kind {
            RelKind::Project { computed, .. } => {
                self.computed.extend(computed.iter().map(|(col, expr)| (*col, expr)));
            }
            RelKind::SetOp { left, right, .. } => {
                let arm = if self.rng.chance(50) { left } else { right };
                self.alias.extend(rel.cols.iter().copied().zip(arm.cols.iter().copied()));
            }
            RelKind::Recursive { base, working, .. } => {
                self.alias.extend(rel.cols.iter().copied().zip(base.cols.iter().copied()));
                self.alias.extend(working.iter().copied().zip(base.cols.iter().copied()));
            }
            RelKind::Aggregate { grouping, aggregates, .. } => {
                if let tenantry_prover::plan::Grouping::Sets { columns, .. } = grouping {
                    self.alias.extend(columns.iter().copied());
                }
                for (col, call) in
                    aggregates.iter().filter(|(_, call)| ["min", "max"].contains(&call.name.as_str()))
                {
                    self.computed.extend(call.args.first().map(|arg| (*col, arg)));
                }
            }
            RelKind::Values(rows) => {
                if let Some(row) = rows.get(self.rng.below(rows.len())) {
                    self.computed.extend(rel.cols.iter().copied().zip(row));
                }
            }
            RelKind::Returned { action } => {
                let returned = self.plan.modifying.get(*action).and_then(returning);
                let cols = returned.map_or(&[] as &[ColId], |rel| rel.cols.as_slice());
                self.alias.extend(rel.cols.iter().copied().zip(cols.iter().copied()));
            }
            _ => {}
        }
        let (rels, exprs) = inside(rel);
        rels.into_iter().for_each(|rel| self.define(rel));
        exprs.into_iter().for_each(|expr| self.define_in(expr));
    }

    fn define_in(&mut self, expr: &'a Expr) {
        if let ExprKind::Subquery(subquery) = &expr.kind {
            self.define(&subquery.rel);
        }
        parts(expr).into_iter().for_each(|part| self.define_in(part));
    }

    fn action(&mut self, action: &'a Action) {
        match action {
            Action::Query(rel) => self.rel(rel),
            Action::Insert(insert) => {
                self.rel(&insert.source);
                let table = self.plan.scans.get(insert.target.0 as usize);
                self.asked.not_there.insert(insert.target);
                let conflict = insert.conflict.as_ref();
                for (at, value) in insert.values.iter().enumerate() {
                    if let InsertValue::Source(col) = value {
                        self.written(insert.target, at, Bare::Column(*col));
                    }
                }
                let Some(table) = table else { return };
                // A row that is there already.
                let existing = match conflict.map(|conflict| &conflict.action) {
                    Some(tenantry_prover::plan::ConflictAction::Update { existing, filter, .. }) => {
                        if let Some(filter) = filter {
                            self.holds(filter);
                        }
                        self.plan.scans.get(existing.0 as usize).unwrap_or(table)
                    }
                    Some(_) => {
                        self.asked.not_there.remove(&insert.target);
                        table
                    }
                    None => return,
                };
                for (col, value) in existing.cols.iter().zip(&insert.values) {
                    if let InsertValue::Source(source) = value
                        && self.rng.chance(80)
                    {
                        self.unify(Bare::Column(*col), Bare::Column(*source), DEEP);
                    }
                }
                insert.returning.iter().for_each(|rel| self.rel(rel));
            }
            Action::Update(update) => {
                self.rel(&update.input);
                for one in &update.assignments {
                    self.value(&one.value);
                    self.written(update.target, one.column, Bare::Expr(&one.value));
                }
                update.returning.iter().for_each(|rel| self.rel(rel));
            }
            Action::Delete(delete) => {
                self.rel(&delete.input);
                delete.returning.iter().for_each(|rel| self.rel(rel));
            }
            Action::Merge(merge) => {
                self.rel(&merge.source);
                self.holds(&merge.on);
                let guards: Vec<&Expr> = merge.clauses.iter().filter_map(|one| one.guard.as_ref()).collect();
                if let Some(guard) = self.rng.pick(&guards).copied() {
                    self.holds(guard);
                }
            }
            Action::WholeTables { .. } | Action::Nothing | Action::SetTenant { .. } | Action::Unmodelled => {}
        }
    }

    fn written(&mut self, scan: ScanId, at: usize, given: Bare<'a>) {
        let node = match given {
            Bare::Column(col) => match self.column(col, DEEP) {
                Bare::Column(col) => Some(Node::Column(col)),
                Bare::Expr(expr) => self.node(expr),
            },
            Bare::Expr(expr) => self.node(expr),
        };
        if let Some(node) = node.filter(|node| !matches!(node, Node::Constant(_))) {
            let node = self.asked.id(node);
            self.asked.written.push((scan, at, node));
        }
    }

    fn rel(&mut self, rel: &'a Rel) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let (rels, exprs) = inside(rel);
        match &rel.kind {
            RelKind::Filter { predicate, .. } => self.holds(predicate),
            RelKind::Join { on, .. } => self.holds(on),
            RelKind::SetOp { op, left, right, .. } => {
                if !matches!(op, SetOp::Union) {
                    for (a, b) in left.cols.iter().zip(&right.cols) {
                        self.unify(Bare::Column(*a), Bare::Column(*b), DEEP);
                    }
                }
            }
            _ => exprs.into_iter().for_each(|expr| self.value(expr)),
        }
        rels.into_iter().for_each(|rel| self.rel(rel));
    }

    /// Only the subqueries of an expression matter.
    fn value(&mut self, expr: &'a Expr) {
        if let ExprKind::Subquery(subquery) = &expr.kind {
            self.rel(&subquery.rel);
        }
        parts(expr).into_iter().for_each(|part| self.value(part));
    }

    /// What makes a condition true.
    fn holds(&mut self, expr: &'a Expr) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        match &expr.kind {
            ExprKind::And(all) => all.iter().for_each(|one| self.holds(one)),
            ExprKind::Or(any) => self.one_holds(any),
            ExprKind::Not(inner) => self.fails(inner),
            ExprKind::Compare { op, left, right } => self.compare(*op, left, right),
            ExprKind::NotDistinct(left, right) => self.compare(CompareOp::Eq, left, right),
            ExprKind::IsNull(inner) => {
                if let Bare::Column(col) = self.bare(inner, DEEP) {
                    let at = self.asked.id(Node::Column(col));
                    self.asked.empty.insert(at);
                }
                self.value(inner);
            }
            ExprKind::IsBool(inner, Some(true)) | ExprKind::Cast(inner) => self.holds(inner),
            ExprKind::IsBool(inner, Some(false)) => self.fails(inner),
            ExprKind::InList(left, list) => {
                if let Some(one) = self.rng.pick(list) {
                    self.compare(CompareOp::Eq, left, one);
                }
                list.iter().for_each(|one| self.value(one));
            }
            ExprKind::Quantified { left, op: Some(op), array, .. } => match &array.kind {
                ExprKind::Array(list) if !list.is_empty() => {
                    if let Some(one) = self.rng.pick(list) {
                        self.compare(*op, left, one);
                    }
                }
                _ => self.value(array),
            },
            ExprKind::StrictPredicate { op, operands } => {
                if let ([left, right], true) = (operands.as_slice(), op.to_ascii_lowercase().contains("like"))
                {
                    self.is_like(left, right);
                }
                operands.iter().for_each(|one| self.value(one));
            }
            ExprKind::Coalesce(some) => some.iter().take(1).for_each(|one| self.holds(one)),
            ExprKind::Case { arms, otherwise } => {
                let chosen = self.rng.below(arms.len());
                if let Some((condition, value)) = arms.get(chosen) {
                    self.holds(condition);
                    self.holds(value);
                }
                otherwise.iter().for_each(|one| self.value(one));
            }
            ExprKind::Subquery(subquery) => {
                self.rel(&subquery.rel);
                if let SubqueryUsage::Any(operands, op) | SubqueryUsage::All(operands, op) = &subquery.usage {
                    for (operand, col) in operands.iter().zip(&subquery.rel.cols) {
                        if matches!(op, Some(CompareOp::Eq)) || self.rng.chance(50) {
                            let operand = self.bare(operand, DEEP);
                            self.unify(operand, Bare::Column(*col), DEEP);
                        }
                    }
                    operands.iter().for_each(|one| self.value(one));
                }
            }
            _ => self.value(expr),
        }
    }

    fn one_holds(&mut self, any: &'a [Expr]) {
        let chosen = self.rng.below(any.len());
        for (at, one) in any.iter().enumerate() {
            match at == chosen {
                true => self.holds(one),
                false => self.value(one),
            }
        }
    }

    /// What makes a condition false.
    fn fails(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Or(all) => all.iter().for_each(|one| self.fails(one)),
            ExprKind::And(any) => {
                let chosen = self.rng.below(any.len());
                for (at, one) in any.iter().enumerate() {
                    match at == chosen {
                        true => self.fails(one),
                        false => self.value(one),
                    }
                }
            }
            ExprKind::Not(inner) => self.holds(inner),
            ExprKind::Compare { op, left, right } => {
                let op = match op {
                    CompareOp::Eq => CompareOp::NotEq,
                    CompareOp::NotEq => CompareOp::Eq,
                    CompareOp::Lt => CompareOp::GtEq,
                    CompareOp::LtEq => CompareOp::Gt,
                    CompareOp::Gt => CompareOp::LtEq,
                    CompareOp::GtEq => CompareOp::Lt,
                };
                self.compare(op, left, right);
            }
            // That nothing fits is shown by rows that do.
            ExprKind::Subquery(_) => self.holds(expr),
            _ => self.value(expr),
        }
    }

    fn compare(&mut self, op: CompareOp, left: &'a Expr, right: &'a Expr) {
        if op == CompareOp::Eq {
            let (a, b) = (self.bare(left, DEEP), self.bare(right, DEEP));
            self.unify(a, b, DEEP);
        } else {
            self.bound(op, left, right);
            let turned = match op {
                CompareOp::Lt => CompareOp::Gt,
                CompareOp::LtEq => CompareOp::GtEq,
                CompareOp::Gt => CompareOp::Lt,
                CompareOp::GtEq => CompareOp::LtEq,
                CompareOp::Eq | CompareOp::NotEq => op,
            };
            self.bound(turned, right, left);
        }
        self.value(left);
        self.value(right);
    }

    fn bound(&mut self, op: CompareOp, left: &'a Expr, right: &'a Expr) {
        let (Some(left), Some(Node::Constant(value))) = (self.node(left), self.node(right)) else { return };
        let at = self.asked.id(left);
        self.asked.bounds.push((at, op, value));
    }

    fn is_like(&mut self, left: &'a Expr, right: &'a Expr) {
        if let (Some(left), Some(Node::Constant(pattern))) = (self.node(left), self.node(right)) {
            self.asked.unite(left, Node::Constant(pattern.replace('%', "")));
        }
    }

    fn node(&self, expr: &'a Expr) -> Option<Node> {
        match self.bare(expr, DEEP) {
            Bare::Column(col) => Some(Node::Column(col)),
            Bare::Expr(expr) => match &expr.kind {
                ExprKind::Param(number) => Some(Node::Param(*number)),
                ExprKind::Setting { .. } => Some(Node::Setting),
                ExprKind::Number(text) | ExprKind::String(text) => Some(Node::Constant(text.clone())),
                ExprKind::Bool(value) => Some(Node::Constant(value.to_string())),
                _ => None,
            },
        }
    }

    fn bare(&self, expr: &'a Expr, deep: usize) -> Bare<'a> {
        let Some(deep) = deep.checked_sub(1) else { return Bare::Expr(expr) };
        match &expr.kind {
            ExprKind::Column(col) => self.column(*col, deep),
            ExprKind::Cast(inner) | ExprKind::Collate(inner, _) | ExprKind::NullIf(inner, _) => {
                self.bare(inner, deep)
            }
            ExprKind::Coalesce(some) | ExprKind::Extreme(some) => match some.first() {
                Some(first) => self.bare(first, deep),
                None => Bare::Expr(expr),
            },
            ExprKind::Field(row, at) => match self.bare(row, deep) {
                Bare::Expr(Expr { kind: ExprKind::Row(fields), .. }) => match fields.get(*at) {
                    Some(field) => self.bare(field, deep),
                    None => Bare::Expr(expr),
                },
                _ => Bare::Expr(expr),
            },
            ExprKind::Subquery(subquery) if matches!(subquery.usage, SubqueryUsage::Scalar) => {
                match subquery.rel.cols.first() {
                    Some(col) => self.column(*col, deep),
                    None => Bare::Expr(expr),
                }
            }
            _ => Bare::Expr(expr),
        }
    }

    fn column(&self, col: ColId, deep: usize) -> Bare<'a> {
        let Some(deep) = deep.checked_sub(1) else { return Bare::Column(col) };
        match (self.alias.get(&col), self.computed.get(&col)) {
            (Some(other), _) => self.column(*other, deep),
            (None, Some(expr)) => self.bare(expr, deep),
            (None, None) => Bare::Column(col),
        }
    }

    fn unify(&mut self, a: Bare<'a>, b: Bare<'a>, deep: usize) {
        let Some(deep) = deep.checked_sub(1) else { return };
        let open = |reader: &Self, bare: Bare<'a>| match bare {
            Bare::Column(col) => reader.column(col, DEEP),
            Bare::Expr(expr) => reader.bare(expr, DEEP),
        };
        let (a, b) = (open(self, a), open(self, b));
        if let (Bare::Expr(x), Bare::Expr(y)) = (&a, &b)
            && let (ExprKind::Row(xs) | ExprKind::Array(xs), ExprKind::Row(ys) | ExprKind::Array(ys)) =
                (&x.kind, &y.kind)
        {
            for (x, y) in xs.iter().zip(ys) {
                let (x, y) = (self.bare(x, DEEP), self.bare(y, DEEP));
                self.unify(x, y, deep);
            }
            return;
        }
        let node = |reader: &Self, bare: Bare<'a>| match bare {
            Bare::Column(col) => Some(Node::Column(col)),
            Bare::Expr(expr) => reader.node(expr),
        };
        if let (Some(a), Some(b)) = (node(self, a), node(self, b)) {
            self.asked.unite(a, b);
        }
    }
}

fn relations(action: &Action) -> Vec<&Rel> {
    match action {
        Action::Query(rel) => vec![rel],
        Action::Insert(insert) => std::iter::once(&insert.source).chain(&insert.returning).collect(),
        Action::Update(update) => std::iter::once(&update.input).chain(&update.returning).collect(),
        Action::Delete(delete) => std::iter::once(&delete.input).chain(&delete.returning).collect(),
        Action::Merge(merge) => vec![&merge.source],
        Action::WholeTables { .. } | Action::Nothing | Action::SetTenant { .. } | Action::Unmodelled => {
            Vec::new()
        }
    }
}

fn returning(action: &Action) -> Option<&Rel> {
    match action {
        Action::Insert(insert) => insert.returning.as_ref(),
        Action::Update(update) => update.returning.as_ref(),
        Action::Delete(delete) => delete.returning.as_ref(),
        _ => None,
    }
}

/// What a relation is made of.
fn inside(rel: &Rel) -> (Vec<&Rel>, Vec<&Expr>) {
    match &rel.kind {
        RelKind::Unit
        | RelKind::Scan { .. }
        | RelKind::WorkingTable
        | RelKind::Returned { .. }
        | RelKind::WrittenRow => (Vec::new(), Vec::new()),
        RelKind::Values(rows) => (Vec::new(), rows.iter().flatten().collect()),
        RelKind::Filter { input, predicate } => (vec![input], vec![predicate]),
        RelKind::Join { left, right, on, .. } => (vec![left, right], vec![on]),
        RelKind::Project { input, computed } => {
            (vec![input], computed.iter().map(|(_, expr)| expr).collect())
        }
        RelKind::Aggregate { input, aggregates, .. } => {
            let parts = aggregates.iter().flat_map(|(_, call)| call.args.iter().chain(&call.filter));
            (vec![input], parts.collect())
        }
        RelKind::Window { input, calls } => {
            let parts = calls.iter().flat_map(|(_, call)| call.args.iter().chain(&call.partition_by));
            (vec![input], parts.collect())
        }
        RelKind::Distinct { input, on } => (vec![input], on.iter().flatten().collect()),
        RelKind::Sort { input, by } => (vec![input], by.iter().collect()),
        RelKind::Limit { input, counts, .. } => (vec![input], counts.iter().collect()),
        RelKind::SetOp { left, right, .. } => (vec![left, right], Vec::new()),
        RelKind::Recursive { base, step, .. } => (vec![base, step], Vec::new()),
        RelKind::Function { calls } => (Vec::new(), calls.iter().collect()),
    }
}

/// What an expression is made of, subqueries apart.
fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Setting { .. }
        | ExprKind::Null
        | ExprKind::Bool(_)
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::WholeRow(_)
        | ExprKind::Default => Vec::new(),
        ExprKind::And(all)
        | ExprKind::Or(all)
        | ExprKind::Row(all)
        | ExprKind::Array(all)
        | ExprKind::Coalesce(all)
        | ExprKind::Extreme(all)
        | ExprKind::Opaque(all) => all.iter().collect(),
        ExprKind::Pure { args: all, .. } | ExprKind::StrictPredicate { operands: all, .. } => {
            all.iter().collect()
        }
        ExprKind::Not(one)
        | ExprKind::IsNull(one)
        | ExprKind::IsBool(one, _)
        | ExprKind::Cast(one)
        | ExprKind::Collate(one, _)
        | ExprKind::Negate(one)
        | ExprKind::Field(one, _) => vec![one],
        ExprKind::Compare { left, right, .. }
        | ExprKind::NotDistinct(left, right)
        | ExprKind::NullIf(left, right)
        | ExprKind::Arithmetic { left, right, .. }
        | ExprKind::Concat(left, right) => vec![left, right],
        ExprKind::InList(left, list) => std::iter::once(&**left).chain(list).collect(),
        ExprKind::Quantified { left, array, .. } => vec![left, array],
        ExprKind::Case { arms, otherwise } => {
            let arms = arms.iter().flat_map(|(condition, value)| [condition, value]);
            arms.chain(otherwise.iter().map(|one| &**one)).collect()
        }
        ExprKind::Subquery(subquery) => match &subquery.usage {
            SubqueryUsage::Any(operands, _) | SubqueryUsage::All(operands, _) => operands.iter().collect(),
            SubqueryUsage::Exists | SubqueryUsage::Scalar | SubqueryUsage::Array => Vec::new(),
        },
    }
}
