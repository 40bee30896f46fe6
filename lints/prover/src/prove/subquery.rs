//! Subqueries in expressions: evaluated for each row around them, whose columns are constants in them.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::plan::{ColId, CompareOp, Expr, ExprKind, Grouping, Rel, RelKind, Subquery, SubqueryUsage};
use crate::prove::context::{Class, Lost, Names, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Claim, Closure, Fact, Guard, Injection, Term};
use crate::prove::join::guarded;
use crate::prove::predicate::{Position, Telling, known, subqueries};
use crate::tenancy::TableOwner;

impl<'a> Prover<'a> {
    pub(super) fn mount_all(&mut self, state: &mut State, expr: &'a Expr, outer: &Outer) {
        for (sub, range, position) in subqueries(expr) {
            self.mount(state, sub, range, position, outer);
        }
    }

    /// A subquery, evaluated for each row of `state`.
    pub(super) fn mount(
        &mut self,
        state: &mut State,
        sub: &'a Subquery,
        range: TextRange,
        at: Position,
        outer: &Outer,
    ) {
        let around = outer.within(state);
        let mut inner = self.rel(&sub.rel, &around);
        let cols = &sub.rel.cols;
        match &sub.usage {
            SubqueryUsage::Any(operands, Some(CompareOp::Eq)) => {
                let matching = if at == Position::Value { Matching::Exact } else { Matching::True };
                self.match_operands(&mut inner, operands, cols, &around, matching);
            }
            SubqueryUsage::All(operands, Some(CompareOp::NotEq)) => {
                self.match_operands(&mut inner, operands, cols, &around, Matching::Exact);
            }
            _ => {}
        }
        self.settle(&mut inner, &around);
        self.settle(state, outer);
        let mut classes = std::mem::take(&mut inner.classes);
        let witnessed = match &sub.usage {
            _ if at != Position::Conjunct && !cfg!(tenantry_sabotage = "negated-subquery") => false,
            SubqueryUsage::Exists | SubqueryUsage::Any(_, Some(_)) => true,
            // It compares with every row, which says something of one only where there is one.
            SubqueryUsage::All(operands, Some(CompareOp::Eq)) if has_a_row(&sub.rel) => {
                self.match_operands(&mut inner, operands, cols, &around, Matching::True);
                true
            }
            _ => false,
        };
        // A scalar subquery stands beside each row like the nullable side of an outer join.
        let scalar = matches!(sub.usage, SubqueryUsage::Scalar);
        let mut present = BTreeSet::new();
        // One that has a row whatever the tables hold has it beside each row.
        if witnessed || scalar && has_a_row(&sub.rel) {
            state.facts.extend(inner.facts);
            state.made.extend(inner.made);
        } else if scalar {
            let guard = self.new_guard(inner.made.clone());
            state.facts.extend(guarded(inner.facts, guard));
            state.made.extend(inner.made);
            present.insert(guard);
        }
        self.pass_on_doubt(state, sub, &classes, range);
        let itself = self.finds_itself(sub, state);
        for class in &mut classes {
            class.padded = true;
            if class.status == Status::Open {
                let why = "the subquery reads the rows of every tenant";
                let certain = !itself;
                class.status = Status::Lost(Lost { why: why.to_owned(), range, certain });
            } else if let Status::Lost(lost) = &mut class.status {
                lost.certain &= !itself;
            }
        }
        self.adopt(state, classes, outer, (witnessed || scalar).then_some(&present));
        self.settle(state, outer);
    }

    /// What is among rows that may be the tenant's or not is as doubtful as they are.
    fn pass_on_doubt(&self, state: &mut State, sub: &Subquery, inner: &[Class], range: TextRange) {
        let SubqueryUsage::Any(operands, Some(CompareOp::Eq)) = &sub.usage else { return };
        let is_doubtful = |class: &Class| match &class.status {
            Status::Open => class.murky.is_some(),
            Status::Lost(lost) => class.murky.is_some() || !lost.certain,
            Status::Pinned | Status::Shared | Status::Outer(..) => false,
        };
        if !inner.iter().any(is_doubtful) {
            return;
        }
        let names = |rep: &Rep| {
            operands.iter().any(|one| matches!(one.kind, ExprKind::Column(col) if col == rep.col))
        };
        for class in state.classes.iter_mut().filter(|class| class.status == Status::Open) {
            if class.murky.is_none() && class.reps.iter().any(names) {
                let why = "it is among rows that are not known to be the tenant's".to_owned();
                class.murky = Some((range, why));
            }
        }
    }

    /// Restricts a subquery's rows to those that the operands match, column by column.
    fn match_operands(
        &mut self,
        inner: &mut State,
        operands: &'a [Expr],
        cols: &[ColId],
        around: &Outer,
        matching: Matching,
    ) {
        if operands.len() != cols.len() {
            return;
        }
        let closure = self.close(around, &inner.facts);
        let mut claims = Vec::new();
        for (operand, col) in operands.iter().zip(cols) {
            let Some(right) = self.as_operand(*col, operand.range) else { continue };
            let cx = known(around, inner, &closure);
            // Where neither side is NULL, a row that differs here makes the comparison false, whatever its other columns
            // are: it is as if it were not there, also under a NOT.
            let two_valued = self.is_never_null(operand, &cx) && closure.not_null(&Term::column(*col));
            if matching == Matching::Exact && !two_valued {
                continue;
            }
            claims.push(Claim::NotNull(*col));
            claims.extend(self.strict(operand));
            if let Some((lefts, rights)) = self.fields(operand).zip(self.fields_of(*col))
                && matching == Matching::True
            {
                claims.extend(self.fields_alike(lefts, rights, &cx).unwrap_or_default());
            }
            let term = self.term(operand, &cx);
            if let Some(term) = term.filter(|_| self.comparison_is_exact(operand, &right)) {
                claims.push(Claim::Equal(term, Term::column(*col)));
            }
        }
        inner.facts.extend(claims.into_iter().map(Fact::plain));
    }

    /// A column of a subquery as what an operand is compared with.
    fn as_operand(&self, col: ColId, range: TextRange) -> Option<Expr> {
        let info = self.plan.columns.get(col.0 as usize)?;
        Some(Expr { kind: ExprKind::Column(col), ty: info.ty.clone(), range })
    }

    /// `operands = ANY (subquery)` compares something that tells the owner in a way that takes different values for equal.
    pub(super) fn matches_loosely(&self, sub: &Subquery, telling: &Telling) -> bool {
        let SubqueryUsage::Any(operands, Some(CompareOp::Eq)) = &sub.usage else { return false };
        operands.iter().zip(&sub.rel.cols).any(|(operand, col)| {
            let right = self.as_operand(*col, operand.range);
            telling.is_told_by(operand)
                && right.is_some_and(|right| !self.comparison_is_exact(operand, &right))
        })
    }

    /// Takes over the classes of something evaluated for each row of `state`, whose facts are there already. Beside each row
    /// there is a row of it, where the guards hold; with `None` there is not, and classes that are tied are only noted.
    pub(super) fn adopt(
        &mut self,
        state: &mut State,
        classes: Vec<Class>,
        outer: &Outer,
        beside: Option<&BTreeSet<Guard>>,
    ) {
        let closure = self.close_with(outer, &state.facts, beside.unwrap_or(&BTreeSet::new()));
        let tied = self.close(outer, &state.facts);
        for mut class in classes {
            if let Status::Outer(term, names, via) = &class.status {
                let matches =
                    |rep: &Rep| rep.names == *names && rep.via == *via && tied.equal(&rep.term(), term);
                let whole = state.classes.iter().position(|home| {
                    home.reps.iter().any(matches) && self.have_one_owner(home, &class, names)
                });
                if let Some(home) = whole.and_then(|at| state.classes.get_mut(at)) {
                    self.tell_comparison(home, &class, term);
                    home.scans.extend(class.scans.iter().copied());
                    home.beyond.extend(class.beyond.iter().copied());
                    // On a row with both, a representative of one equals one of the other: they name one owner.
                    if beside.is_some() && self.meeting(home, &class, &closure).is_some() {
                        home.reps.append(&mut class.reps);
                    }
                    if home.murky.is_none() {
                        home.murky = class.murky.take();
                    }
                    continue;
                }
                // Alike at an outer level only: what names that level out here names it for the class, and nothing else.
                let level =
                    state.classes.iter().flat_map(|home| &home.reps).find(|rep| matches(rep)).cloned();
                if let Some(rep) = level {
                    if beside.is_none() {
                        class.reps.clear();
                    }
                    class.reps.push(rep);
                    class.status = Status::Open;
                    state.classes.push(class);
                    continue;
                }
                if let Some(col) = term.col().filter(|col| state.made.contains(col)) {
                    class.status = self.tied_further_out(&class, (col, names, via), outer, &tied);
                }
            }
            if beside.is_some() || matches!(class.status, Status::Outer(..)) {
                state.classes.push(class);
            } else {
                self.finished.push(class);
            }
        }
    }

    /// The status of a class that is tied to a column of this relation which ties nothing here: on every row it may equal
    /// something further out that does. The column is `via` of what it `names`.
    pub(super) fn tied_further_out(
        &mut self,
        class: &Class,
        (col, names, via): (ColId, &Names, &[Injection]),
        outer: &Outer,
        closure: &Closure,
    ) -> Status {
        let equal = closure.equals_of(&Term::column(col));
        if let Names::Tenant(domain) = names {
            let tenant = equal.iter().find_map(|other| match other.base {
                Base::Tenant(tenant) if other.via == via => Some(tenant),
                _ => None,
            });
            if let Some(tenant) = tenant {
                self.note_tie(class, tenant, *domain, col);
                return Status::Pinned;
            }
        }
        let mut columns = equal.into_iter().filter(|other| other.via.is_empty());
        match columns.find(|other| other.col().is_some_and(|col| outer.cols.contains(&col))) {
            Some(further) => Status::Outer(further, names.clone(), via.to_vec()),
            None => Status::Lost(Lost {
                why: self.why_untied(col),
                range: self.range_of(class),
                // Where it is a key, that row is another's only if its own class is told of.
                certain: !self.is_owning_column(col) && !self.is_named_row(col, names),
            }),
        }
    }

    /// Why a comparison with a column ties nothing: it is stored, or a value such as what a function is handed.
    fn why_untied(&self, col: ColId) -> String {
        match self.plan.columns.get(col.0 as usize) {
            Some(info) if info.origin.is_none() => {
                format!("it is compared with `{}`, which nothing ties to the tenant", info.name)
            }
            _ => "it is compared with a column that does not tell the tenant".to_owned(),
        }
    }

    /// The column is that of the row itself that is named.
    fn is_named_row(&self, col: ColId, names: &Names) -> bool {
        let Names::Row(table, column) = names else { return false };
        let Some(info) = self.plan.columns.get(col.0 as usize) else { return false };
        let is_of = |(scan, _)| self.scan(scan).is_some_and(|scan| scan.table == *table);
        info.name == *column && info.origin.is_some_and(is_of)
    }

    /// A stored column that says whose a row is: a tenant key, or what names the row that owns it.
    fn is_owning_column(&self, col: ColId) -> bool {
        let Some(info) = self.plan.columns.get(col.0 as usize) else { return false };
        let Some((scan, _)) = info.origin else { return false };
        match self.owner(scan) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                keys.iter().any(|(name, _)| *name == info.name)
            }
            TableOwner::Child { by, .. } => *by == info.name,
            TableOwner::Shared | TableOwner::Undeclared => false,
        }
    }

    pub(super) fn range_of(&self, class: &Class) -> TextRange {
        let scan = class.scans.first().and_then(|scan| self.scan(*scan));
        scan.map_or_else(TextRange::default, |scan| scan.range)
    }
}

/// The relation has a row whatever the tables hold.
pub(super) fn has_a_row(rel: &Rel) -> bool {
    match &rel.kind {
        RelKind::Unit => true,
        RelKind::Values(rows) => !rows.is_empty(),
        RelKind::Aggregate { grouping, .. } => matches!(grouping, Grouping::Whole),
        RelKind::Project { input, .. } | RelKind::Sort { input, .. } => has_a_row(input),
        _ => false,
    }
}

/// Which rows of a subquery an operand keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matching {
    /// Those for which the comparison is true: where only its truth counts.
    True,
    /// All but those for which it is certainly false: where false and NULL are told apart.
    Exact,
}
