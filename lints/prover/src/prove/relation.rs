//! The abstract value of each relational operator.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::plan::{
    AggregateCall, ColId, CompareOp, Expr, ExprKind, Grouping, JoinKind, Rel, RelKind, ScanId, SetOp,
    Subquery, SubqueryUsage, WindowCall,
};
use crate::prove::context::{Class, Lost, Names, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Claim, Closure, Fact, Guard, Injection, Term, surviving};
use crate::prove::predicate::{Position, Telling, columns, is_murky, is_plain, known, subqueries};
use crate::tenancy::TableOwner;

impl<'a> Prover<'a> {
    /// What is known of a relation whose columns may refer to `outer`.
    pub(super) fn rel(&mut self, rel: &'a Rel, outer: &Outer) -> State {
        let mut state = match &rel.kind {
            RelKind::Unit => State::default(),
            RelKind::Scan { scan, sampled } => {
                let mut state = self.scan_state(*scan);
                if *sampled {
                    lose_all(
                        &mut state,
                        rel.range,
                        "TABLESAMPLE depends on where rows lie, other tenants' included",
                    );
                }
                state
            }
            RelKind::Values(rows) => self.values(rows, &rel.cols, outer),
            RelKind::Filter { input, predicate } => {
                let mut state = self.rel(input, outer);
                self.strict_filter(&state, Some(input), predicate);
                self.filter(&mut state, predicate, outer);
                state
            }
            RelKind::Join { kind, left, right, on } => self.join(*kind, left, right, on, outer),
            RelKind::Project { input, computed } => {
                let mut state = self.rel(input, outer);
                for (col, expr) in computed {
                    self.compute(&mut state, *col, expr, outer);
                }
                state
            }
            RelKind::Aggregate { input, grouping, aggregates } => {
                let state = self.rel(input, outer);
                self.aggregate(state, grouping, aggregates, outer, rel.range)
            }
            RelKind::Window { input, calls } => {
                let mut state = self.rel(input, outer);
                self.window(&mut state, calls, outer);
                state
            }
            RelKind::Distinct { input, on } => {
                let state = self.rel(input, outer);
                self.distinct(state, on.as_deref(), &rel.cols, outer, rel.range)
            }
            RelKind::Sort { input, by } => {
                let mut state = self.rel(input, outer);
                by.iter().for_each(|expr| self.evaluate(&mut state, expr, outer));
                state
            }
            RelKind::Limit { input, counts } => {
                let mut state = self.rel(input, outer);
                counts.iter().for_each(|expr| self.evaluate(&mut state, expr, outer));
                self.settle(&mut state, outer);
                if counts.iter().all(is_zero) || cfg!(tenantry_sabotage = "limit") {
                    // OFFSET 0 leaves out none, LIMIT 0 leaves none.
                    return state;
                }
                lose_open(&mut state, rel.range, "LIMIT picks from the rows of every tenant");
                state
            }
            RelKind::SetOp { op, left, right, .. } => self.set_operation(*op, left, right, &rel.cols, outer),
            RelKind::Recursive { base, step, working, .. } => {
                self.recursive(base, step, working, &rel.cols, outer, rel.range)
            }
            RelKind::WorkingTable => self.working.last().cloned().unwrap_or_default(),
            RelKind::Returned { action } => self.returned_rows(*action, &rel.cols),
            RelKind::WrittenRow => self.written.last().cloned().unwrap_or_default(),
            RelKind::Function { calls } => self.function(calls, &rel.cols, outer),
        };
        state.made.extend(rel.cols.iter().copied());
        state
    }

    fn values(&mut self, rows: &'a [Vec<Expr>], cols: &[ColId], outer: &Outer) -> State {
        let mut state = State::default();
        for expr in rows.iter().flatten() {
            self.evaluate(&mut state, expr, outer);
        }
        let closure = self.close(outer, &state.facts);
        let mut facts = Vec::new();
        for (at, col) in cols.iter().enumerate() {
            let mut terms = rows.iter().map(|row| {
                let expr = row.get(at)?;
                self.term(expr, &known(outer, &state, &closure))
            });
            let Some(Some(first)) = terms.next() else { continue };
            // A scalar subquery's column is one row's value: only a single row may name it.
            let same = terms.all(|term| term.is_some_and(|term| closure.equal(&term, &first)));
            if same {
                facts.push(Fact::plain(Claim::Same(Term::column(*col), first)));
            }
        }
        state.facts.extend(facts);
        state
    }

    /// `σ[predicate](state)`.
    pub(super) fn filter(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        self.note_hints(predicate);
        self.restrict(state, predicate, outer);
        self.note_loss(state, predicate);
        self.settle(state, outer);
        self.pin_coalesced(state, predicate, outer);
        self.note_murk(state, predicate, outer);
    }

    /// Adds what follows from the predicate, subqueries included, without tying classes.
    fn restrict(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        let atoms: Vec<&'a Expr> = match &predicate.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![predicate],
        };
        let (plain, with): (Vec<&'a Expr>, Vec<&'a Expr>) =
            atoms.into_iter().partition(|atom| subqueries(atom).is_empty());
        // What a branching condition leaves over may hang on the others, wherever they are written.
        let (plain, branching): (Vec<&'a Expr>, Vec<&'a Expr>) =
            plain.into_iter().partition(|atom| is_plain(atom));
        for atom in plain.into_iter().chain(branching) {
            self.assume(state, atom, outer);
        }
        self.settle(state, outer);
        for atom in with {
            self.mount_all(state, atom, outer);
            self.assume(state, atom, outer);
            self.settle(state, outer);
        }
    }

    fn assume(&mut self, state: &mut State, atom: &'a Expr, outer: &Outer) {
        let closure = self.close(outer, &state.facts);
        let claims = self.when_true(atom, &known(outer, state, &closure));
        state.facts.extend(claims.unwrap_or_default().into_iter().map(Fact::plain));
    }

    /// Evaluates an expression of which only the value matters.
    pub(super) fn evaluate(&mut self, state: &mut State, expr: &'a Expr, outer: &Outer) {
        self.strict_value(state, expr);
        for (sub, range, _) in subqueries(expr) {
            self.mount(state, sub, range, Position::Value, outer);
        }
    }

    fn mount_all(&mut self, state: &mut State, expr: &'a Expr, outer: &Outer) {
        for (sub, range, position) in subqueries(expr) {
            self.mount(state, sub, range, position, outer);
        }
    }

    /// A subquery, evaluated for each row of `state`.
    fn mount(&mut self, state: &mut State, sub: &'a Subquery, range: TextRange, at: Position, outer: &Outer) {
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
        if witnessed {
            state.facts.extend(inner.facts);
            state.made.extend(inner.made);
        } else if scalar {
            let guard = self.new_guard(inner.made.clone());
            state.facts.extend(guarded(inner.facts, guard));
            state.made.extend(inner.made);
            present.insert(guard);
        }
        for class in &mut classes {
            class.padded = true;
            if class.status == Status::Open {
                let why = "the subquery reads the rows of every tenant";
                class.status = Status::Lost(Lost { why: why.to_owned(), range, certain: true });
            }
        }
        self.adopt(state, classes, outer, (witnessed || scalar).then_some(&present));
        self.settle(state, outer);
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
            let Some(info) = self.plan.columns.get(col.0 as usize) else { continue };
            let right = Expr { kind: ExprKind::Column(*col), ty: info.ty.clone(), range: operand.range };
            let cx = known(around, inner, &closure);
            // Where neither side is NULL, a row that differs here makes the comparison false, whatever its other columns
            // are: it is as if it were not there, also under a NOT.
            let two_valued = self.is_never_null(operand, &cx) && closure.not_null(&Term::column(*col));
            if matching == Matching::Exact && !two_valued {
                continue;
            }
            claims.push(Claim::NotNull(*col));
            claims.extend(self.strict(operand));
            let term = self.term(operand, &cx);
            if let Some(term) = term.filter(|_| self.comparison_is_exact(operand, &right)) {
                claims.push(Claim::Equal(term, Term::column(*col)));
            }
        }
        inner.facts.extend(claims.into_iter().map(Fact::plain));
    }

    /// Takes over the classes of something evaluated for each row of `state`, whose facts are there already. Beside each row
    /// there is a row of it, where the guards hold; with `None` there is not, and classes that are tied are only noted.
    fn adopt(
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
    fn tied_further_out(
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
                why: "it is compared with a column that does not tell the tenant".to_owned(),
                range: self.range_of(class),
                certain: true,
            }),
        }
    }

    fn range_of(&self, class: &Class) -> TextRange {
        let scan = class.scans.first().and_then(|scan| self.scan(*scan));
        scan.map_or_else(TextRange::default, |scan| scan.range)
    }

    fn join(&mut self, kind: JoinKind, left: &'a Rel, right: &'a Rel, on: &'a Expr, outer: &Outer) -> State {
        self.note_hints(on);
        let mut a = self.rel(left, outer);
        self.strict_filter(&a, None, on);
        match kind {
            JoinKind::Inner => {
                let b = self.rel(right, &outer.within(&a));
                self.bring_in(&mut a, b, outer);
                self.filter(&mut a, on, outer);
                a
            }
            JoinKind::Left => {
                let b = self.rel(right, &outer.within(&a));
                self.left_join(a, b, on, outer)
            }
            JoinKind::Full => {
                let b = self.rel(right, outer);
                self.full_join(a, b, on, outer)
            }
        }
    }

    /// Adds the right side of an inner join: facts as they are, classes resolved against the left.
    fn bring_in(&mut self, state: &mut State, side: State, outer: &Outer) {
        state.facts.extend(side.facts);
        state.made.extend(side.made);
        self.adopt(state, side.classes, outer, Some(&BTreeSet::new()));
    }

    /// `left ⟕ right`: the condition ties the right side's classes and leaves the left's alone.
    fn left_join(&mut self, left: State, right: State, on: &'a Expr, outer: &Outer) -> State {
        let guard = self.new_guard(right.made.clone());
        let preserved = left.classes.clone();
        let before = left.facts.len();
        let mut matched = left;
        self.bring_in(&mut matched, right, outer);
        // Classes of the left stay as they are, but for the lateral scans that they took over.
        let kept: Vec<Class> = matched.classes.iter().take(preserved.len()).cloned().collect();
        self.restrict(&mut matched, on, outer);
        if cfg!(tenantry_sabotage = "left-join") {
            return matched;
        }
        self.note_murk(&mut matched, on, outer);
        let mut state = State { made: matched.made.clone(), ..State::default() };
        let (own, extra) = matched.facts.split_at(before.min(matched.facts.len()));
        state.facts.extend(own.iter().cloned());
        state.facts.extend(guarded(extra.to_vec(), guard));
        state.classes = kept;
        let closure = self.close_with(outer, &matched.facts, &BTreeSet::from([guard]));
        for class in matched.classes {
            self.keep_matched(&mut state, &preserved, class, &closure);
        }
        state
    }

    /// Puts what the matched rows of a left join have beside the preserved ones back beside those: scans of the right side, and
    /// of subqueries in the condition.
    ///
    /// What the condition ties to the tenant is tied: a pair for which it is not is no match. What it ties to a preserved class
    /// follows that one: where the owner of the preserved row is given, rows of other owners match nothing. Of several that
    /// the condition makes equal any will do.
    fn keep_matched(&self, state: &mut State, preserved: &[Class], class: Class, closure: &Closure) {
        let known = |scan: &ScanId| state.classes.iter().any(|class| class.scans.contains(scan));
        let scans: Vec<ScanId> = class.scans.iter().copied().filter(|scan| !known(scan)).collect();
        if scans.is_empty() {
            return;
        }
        let is_new = |rep: &&Rep| !preserved.iter().any(|old| old.reps.contains(rep));
        let reps = class.reps.iter().filter(is_new).cloned().collect();
        let mut right = Class { scans, reps, status: class.status, murky: class.murky, padded: true };
        let tied = matches!(right.status, Status::Pinned | Status::Shared);
        let met = |home: &&mut Class| home.scans.iter().any(|scan| class.scans.contains(scan));
        match state.classes.iter_mut().take(preserved.len()).find(met) {
            Some(home) if !tied => {
                home.scans.extend(right.scans);
                home.reps.extend(right.reps);
                home.murky = home.murky.take().or(right.murky);
            }
            Some(_) | None => {
                self.add_outer_levels(&mut right, preserved, closure);
                state.classes.push(right);
            }
        }
    }

    /// A class that only an outer level ties to a preserved one is restricted by that one's names of that level.
    fn add_outer_levels(&self, right: &mut Class, preserved: &[Class], closure: &Closure) {
        if right.status != Status::Open {
            return;
        }
        let names = |rep: &&Rep| {
            let alike = |own: &Rep| {
                own.names == rep.names && own.via == rep.via && closure.equal(&own.term(), &rep.term())
            };
            right.reps.iter().any(alike)
        };
        let open = preserved.iter().filter(|home| home.status == Status::Open);
        let found: Vec<Rep> = open.flat_map(|home| &home.reps).filter(names).cloned().collect();
        right.reps.extend(found);
    }

    /// `left ⟗ right`: the condition pins nothing; open classes that it equates become one.
    fn full_join(&mut self, left: State, right: State, on: &'a Expr, outer: &Outer) -> State {
        let (gl, gr) = (self.new_guard(left.made.clone()), self.new_guard(right.made.clone()));
        let mut state = State::default();
        state.made.extend(left.made.iter().chain(&right.made).copied());
        let both = State {
            facts: left.facts.iter().chain(&right.facts).cloned().collect(),
            classes: Vec::new(),
            made: state.made.clone(),
        };
        let mut matched = both.clone();
        let before = matched.facts.len();
        for (sub, range, _) in subqueries(on) {
            self.mount(&mut matched, sub, range, Position::Value, outer);
        }
        self.assume(&mut matched, on, outer);
        let closure = self.close(outer, &matched.facts);
        state.facts.extend(guarded(left.facts, gl));
        state.facts.extend(guarded(right.facts, gr));
        let extra = matched.facts.split_off(before.min(matched.facts.len()));
        state.facts.extend(guarded(guarded(extra, gl), gr));
        state.classes = left.classes;
        state.classes.iter_mut().for_each(|class| class.padded = true);
        self.finished.extend(matched.classes);
        for mut class in right.classes {
            class.padded = true;
            let open = |home: &&mut Class| home.status == Status::Open && class.status == Status::Open;
            let mut homes = state.classes.iter_mut().filter(open);
            let home = homes.find_map(|home| self.meeting(home, &class, &closure).map(|by| (home, by)));
            match home {
                Some((home, (theirs, ours))) => {
                    self.tell_meeting(home, &class, (&theirs, &ours), &closure);
                    absorb(home, class);
                }
                None => state.classes.push(class),
            }
        }
        state
    }

    fn compute(&mut self, state: &mut State, col: ColId, expr: &'a Expr, outer: &Outer) {
        self.evaluate(state, expr, outer);
        self.defs.insert(col, expr);
        state.made.insert(col);
        let closure = self.close(outer, &state.facts);
        if let Some(term) = self.term(expr, &known(outer, state, &closure)) {
            state.facts.push(Fact::plain(Claim::Same(Term::column(col), term)));
        }
        if let ExprKind::Coalesce(parts) = &expr.kind {
            for (at, rep) in coalesced(&state.classes, parts) {
                if let Some(class) = state.classes.get_mut(at) {
                    class.reps.push(Rep { col, ..rep });
                }
            }
        }
    }

    fn aggregate(
        &mut self,
        mut state: State,
        grouping: &'a Grouping,
        aggregates: &'a [(ColId, AggregateCall)],
        outer: &Outer,
        range: TextRange,
    ) -> State {
        for (_, call) in aggregates {
            for expr in call.args.iter().chain(&call.filter) {
                self.evaluate(&mut state, expr, outer);
            }
        }
        self.settle(&mut state, outer);
        match grouping {
            Grouping::Whole => {
                self.pin_by_filters(&mut state, aggregates, outer);
                lose_open(&mut state, range, "the aggregate is taken over the rows of every tenant");
                state.facts.clear();
                state.classes.iter_mut().for_each(|class| class.reps.clear());
            }
            Grouping::Columns(cols) => {
                let kept: BTreeSet<ColId> = cols.iter().copied().collect();
                self.narrow(&mut state, &kept, outer, range, "rows of several tenants fall into one group");
            }
            Grouping::Sets { columns, sets } => self.grouping_sets(&mut state, columns, sets, outer, range),
        }
        state
    }

    /// An aggregate over everything, of which every call counts only rows of the tenant.
    fn pin_by_filters(&mut self, state: &mut State, aggregates: &'a [(ColId, AggregateCall)], outer: &Outer) {
        let filters: Option<Vec<&'a Expr>> =
            aggregates.iter().map(|(_, call)| effective_filter(call)).collect();
        let Some(filters) = filters.filter(|filters| !filters.is_empty()) else { return };
        let outcomes: Vec<State> = filters
            .into_iter()
            .map(|filter| {
                let mut filtered = state.clone();
                self.assume(&mut filtered, filter, outer);
                self.settle(&mut filtered, outer);
                filtered
            })
            .collect();
        for class in state.classes.iter_mut().filter(|class| class.status == Status::Open) {
            let pinned = outcomes.iter().all(|outcome| {
                let same = outcome
                    .classes
                    .iter()
                    .find(|other| class.scans.iter().all(|scan| other.scans.contains(scan)));
                same.is_some_and(|other| other.status == Status::Pinned)
            });
            if pinned {
                class.status = Status::Pinned;
            }
        }
    }

    fn grouping_sets(
        &mut self,
        state: &mut State,
        columns: &[(ColId, ColId)],
        sets: &[Vec<ColId>],
        outer: &Outer,
        range: TextRange,
    ) {
        let closure = self.close(outer, &state.facts);
        let in_some: BTreeSet<ColId> = sets.iter().flatten().copied().collect();
        for class in &mut state.classes {
            class.padded = true;
            let mut reps = Vec::new();
            for rep in &class.reps {
                for (above, below) in columns.iter().filter(|(_, below)| in_some.contains(below)) {
                    if closure.equal(&rep.term(), &Term::column(*below)) {
                        reps.push(Rep { col: *above, via: rep.via.clone(), names: rep.names.clone() });
                    }
                }
            }
            class.reps = reps;
            if class.status == Status::Open && class.reps.is_empty() {
                class.status = lost(range, "rows of several tenants fall into one group");
            }
        }
        state.facts.clear();
    }

    /// Only `kept` columns go on, and rows that agree on them become one.
    fn narrow(
        &mut self,
        state: &mut State,
        kept: &BTreeSet<ColId>,
        outer: &Outer,
        range: TextRange,
        why: &str,
    ) {
        let closure = self.close(outer, &state.facts);
        let keep = |col: ColId| kept.contains(&col) || outer.cols.contains(&col);
        for class in &mut state.classes {
            class.padded = true;
            class.reps = kept_reps(&class.reps, kept, &closure);
            if class.status == Status::Open && class.reps.is_empty() {
                class.status = match cfg!(tenantry_sabotage = "group-by") {
                    true => Status::Pinned,
                    false => lost(range, why),
                };
            }
        }
        let mut facts: Vec<Fact> = surviving(&state.facts, &keep).collect();
        facts.extend(closure.restricted(&keep));
        state.facts = facts;
    }

    fn window(&mut self, state: &mut State, calls: &'a [(ColId, WindowCall)], outer: &Outer) {
        for (col, call) in calls {
            call.args.iter().chain(&call.partition_by).for_each(|expr| self.evaluate(state, expr, outer));
            state.made.insert(*col);
        }
        self.settle(state, outer);
        if cfg!(tenantry_sabotage = "window") {
            return;
        }
        let closure = self.close(outer, &state.facts);
        for (_, call) in calls {
            let terms: Vec<Term> = call
                .partition_by
                .iter()
                .filter_map(|expr| self.term(expr, &known(outer, state, &closure)))
                .collect();
            let range = call
                .partition_by
                .first()
                .or(call.args.first())
                .map_or_else(TextRange::default, |expr| expr.range);
            let why = "the window spans the rows of every tenant";
            self.keep_by_list(&mut state.classes, &terms, &closure, range, why);
        }
    }

    fn distinct(
        &mut self,
        mut state: State,
        on: Option<&'a [Expr]>,
        cols: &[ColId],
        outer: &Outer,
        range: TextRange,
    ) -> State {
        if let Some(list) = on {
            list.iter().for_each(|expr| self.evaluate(&mut state, expr, outer));
        }
        self.settle(&mut state, outer);
        match on {
            None => {
                let kept: BTreeSet<ColId> = cols.iter().copied().collect();
                self.narrow(&mut state, &kept, outer, range, "DISTINCT merges rows of several tenants");
            }
            Some(_) if cfg!(tenantry_sabotage = "distinct-on") => {}
            Some(list) => {
                let closure = self.close(outer, &state.facts);
                let terms: Vec<Term> =
                    list.iter().filter_map(|expr| self.term(expr, &known(outer, &state, &closure))).collect();
                let why = "DISTINCT ON chooses among the rows of every tenant";
                self.keep_by_list(&mut state.classes, &terms, &closure, range, why);
            }
        }
        state
    }

    fn set_operation(
        &mut self,
        op: SetOp,
        left: &'a Rel,
        right: &'a Rel,
        cols: &[ColId],
        outer: &Outer,
    ) -> State {
        let why = "a column list without the tenant key merges rows of several tenants";
        let (mut a, mut b) = (self.rel(left, outer), self.rel(right, outer));
        self.settle(&mut a, outer);
        self.settle(&mut b, outer);
        if op != SetOp::Union {
            self.pin_by_tuple(&a, left, &mut b, right, outer);
            if op == SetOp::Intersect {
                let b_now = b.clone();
                self.pin_by_tuple(&b_now, right, &mut a, left, outer);
            }
        }
        let a = self.positioned(a, &left.cols, cols, outer, left.range, why);
        let b = self.positioned(b, &right.cols, cols, outer, right.range, why);
        let (ca, cb) = (self.close(outer, &a.facts), self.close(outer, &b.facts));
        let facts = match op {
            SetOp::Union => {
                let claims = ca.claims().into_iter().filter(|claim| cb.holds(claim));
                claims.map(Fact::plain).collect()
            }
            SetOp::Intersect => a.facts.iter().chain(&b.facts).cloned().collect(),
            SetOp::Except => a.facts.clone(),
        };
        let made = cols.iter().copied().collect();
        let (held_left, held_right) =
            (self.holdings(&a, &left.cols, cols, &ca), self.holdings(&b, &right.cols, cols, &cb));
        let (mut one, mut other) = (a.classes, b.classes);
        if op != SetOp::Union {
            // The operation compares rows by the columns' common type: only where that is exact do they mean one tenant.
            let arms = left.cols.iter().zip(&right.cols).zip(cols);
            let odd: BTreeSet<ColId> =
                arms.filter(|((l, r), _)| !self.same_exact_type(**l, **r)).map(|(_, col)| *col).collect();
            for class in one.iter_mut().chain(&mut other) {
                class.reps.retain(|rep| !odd.contains(&rep.col));
                if class.status == Status::Open && class.reps.is_empty() {
                    class.status = lost(right.range, why);
                }
            }
        }
        if cfg!(tenantry_sabotage = "set-operation") {
            other.iter_mut().for_each(|class| class.status = Status::Pinned);
        }
        // A row of a union comes from one arm, one of EXCEPT from the left; one of INTERSECT is in both.
        if op == SetOp::Union {
            reconcile(&mut one, &held_right);
        }
        if op != SetOp::Intersect {
            reconcile(&mut other, &held_left);
        }
        State { facts, classes: one.into_iter().chain(other).collect(), made }
    }

    /// What the columns of an arm of a set operation hold; the arm's own columns are `from`, the operation's `to`.
    fn holdings(&self, state: &State, from: &[ColId], to: &[ColId], closure: &Closure) -> Holdings {
        let reps = |status: Status| {
            let classes = state.classes.iter().filter(move |class| class.status == status);
            classes.map(|class| class.reps.iter().cloned().collect::<BTreeSet<Rep>>())
        };
        let is_null = |col: &ColId| self.defs.get(col).is_some_and(|def| is_null(def));
        let nulls = from.iter().zip(to).filter(|(old, _)| is_null(old)).map(|(_, new)| *new).collect();
        let tenants = to.iter().flat_map(|col| {
            let equal = closure.equals_of(&Term::column(*col)).into_iter();
            let tenants = equal.filter(|term| matches!(term.base, Base::Tenant(_)));
            tenants.map(|term| (*col, term.via))
        });
        Holdings {
            nulls,
            tenants: tenants.collect(),
            pinned: reps(Status::Pinned).flatten().collect(),
            open: reps(Status::Open).collect(),
        }
    }

    /// Rows of `b` matter only where they equal a row of `a`, whose tuple carries the tenant.
    fn pin_by_tuple(&mut self, a: &State, left: &Rel, b: &mut State, right: &Rel, outer: &Outer) {
        let closure = self.close(outer, &a.facts);
        let fixed: Vec<(Vec<Term>, ColId)> = left
            .cols
            .iter()
            .zip(&right.cols)
            .filter(|(l, r)| self.same_exact_type(**l, **r))
            .map(|(l, r)| (closure.equals_of(&Term::column(*l)), *r))
            .collect();
        let mut narrowed = b.clone();
        for (terms, col) in fixed {
            let tenant = terms.into_iter().find(|term| matches!(term.base, Base::Tenant(_)));
            if let Some(term) = tenant {
                narrowed.facts.push(Fact::plain(Claim::Equal(Term::column(col), term)));
            }
        }
        self.settle(&mut narrowed, outer);
        b.classes = narrowed.classes;
    }

    /// Both columns have one type whose equality is exact, so that the set operation compares by it.
    fn same_exact_type(&self, a: ColId, b: ColId) -> bool {
        let info = |col: ColId| self.plan.columns.get(col.0 as usize);
        let stored = |col: ColId| info(col).is_some_and(|info| info.origin.is_some());
        match (info(a), info(b)) {
            (Some(x), Some(y)) => x.ty == y.ty && self.type_is_exact(&x.ty) && stored(a) && stored(b),
            _ => false,
        }
    }

    /// An arm of a set operation, its columns renamed position by position.
    fn positioned(
        &mut self,
        mut state: State,
        from: &[ColId],
        to: &[ColId],
        outer: &Outer,
        range: TextRange,
        why: &str,
    ) -> State {
        let kept: BTreeSet<ColId> = from.iter().copied().collect();
        self.narrow(&mut state, &kept, outer, range, why);
        let mut facts: Vec<Fact> = Vec::new();
        for (old, new) in from.iter().zip(to) {
            facts.push(Fact::plain(Claim::Same(Term::column(*new), Term::column(*old))));
        }
        facts.append(&mut state.facts);
        state.facts = facts;
        let fresh: BTreeSet<ColId> = to.iter().copied().collect();
        self.narrow(&mut state, &fresh, outer, range, why);
        state.made = fresh;
        state
    }

    fn returned_rows(&mut self, action: usize, cols: &[ColId]) -> State {
        let Some(known) = self.returned.get(action) else { return State::default() };
        let state = known.clone();
        let old: Vec<ColId> = self.returned_cols(action);
        self.positioned(state, &old, cols, &Outer::default(), TextRange::default(), "")
    }

    fn function(&mut self, calls: &'a [Expr], cols: &[ColId], outer: &Outer) -> State {
        let mut state = State::default();
        calls.iter().for_each(|call| self.evaluate(&mut state, call, outer));
        let ([call], [col, ..]) = (calls, cols) else { return state };
        let ExprKind::Pure { name, args } = &call.kind else { return state };
        let closure = self.close(outer, &state.facts);
        let terms: Vec<Option<Term>> = match (name.as_str(), args.as_slice()) {
            ("unnest", [array]) => {
                let Some(list) = self.plain_elements(array) else { return state };
                list.iter().map(|item| self.term(item, &known(outer, &state, &closure))).collect()
            }
            ("generate_series", [from, to]) => {
                [from, to].into_iter().map(|item| self.term(item, &known(outer, &state, &closure))).collect()
            }
            _ => return state,
        };
        let mut terms = terms.into_iter();
        if let Some(Some(first)) = terms.next()
            && terms.all(|term| term.as_ref() == Some(&first))
        {
            state.facts.push(Fact::plain(Claim::Same(Term::column(*col), first)));
        }
        state
    }

    /// The greatest fixpoint: the positions at which every class of both terms keeps naming the same owner.
    fn recursive(
        &mut self,
        base: &'a Rel,
        step: &'a Rel,
        working: &[ColId],
        cols: &[ColId],
        outer: &Outer,
        range: TextRange,
    ) -> State {
        let why = "the recursion mixes rows of several tenants";
        let mut base_state = self.rel(base, outer);
        self.settle(&mut base_state, outer);
        let start = self.positioned(base_state, &base.cols, working, outer, range, why);
        let mut hypothesis = one_class(start.clone());
        for _ in 0..16 {
            let (finished, steps) = (self.finished.len(), self.steps.len());
            self.working.push(hypothesis.clone());
            let mut next = self.rel(step, outer);
            self.working.pop();
            self.settle(&mut next, outer);
            // A column of the step may be the working table's of another position: not to be taken for the new row's.
            let between: Vec<ColId> =
                (0..).map(|at| ColId(u32::MAX - 1 - at)).take(step.cols.len()).collect();
            let next = self.positioned(next, &step.cols, &between, outer, range, why);
            let next = self.positioned(next, &between, working, outer, range, why);
            let shrunk = self.shrink(&hypothesis, &next, outer, range);
            if same_state(&shrunk, &hypothesis) {
                let mut result = self.positioned(shrunk, working, cols, outer, range, why);
                // Scans of the recursive term that did not become part of the working table's class.
                let known: BTreeSet<_> =
                    result.classes.iter().flat_map(|class| class.scans.clone()).collect();
                for class in next.classes.into_iter().chain(start.classes) {
                    let scans: Vec<_> =
                        class.scans.iter().copied().filter(|scan| !known.contains(scan)).collect();
                    if scans.is_empty() {
                        continue;
                    }
                    let status = match class.status {
                        Status::Pinned | Status::Shared => class.status,
                        Status::Open => match result.classes.first_mut() {
                            Some(home) if matches!(home.status, Status::Open | Status::Lost(_)) => {
                                home.scans.extend(scans);
                                continue;
                            }
                            _ => lost(range, why),
                        },
                        Status::Outer(..) | Status::Lost(_) => class.status,
                    };
                    result.classes.push(Class {
                        scans,
                        reps: Vec::new(),
                        status,
                        murky: class.murky,
                        padded: true,
                    });
                }
                return result;
            }
            self.finished.truncate(finished);
            self.steps.truncate(steps);
            hypothesis = shrunk;
        }
        let mut state = start;
        lose_all(&mut state, range, why);
        let mut next = self.rel(step, outer);
        lose_all(&mut next, range, why);
        state.classes.append(&mut next.classes);
        state.facts.clear();
        state.made = cols.iter().copied().collect();
        state
    }

    /// What of the hypothesis about the working table also holds of the rows that the recursive term adds.
    fn shrink(&mut self, hypothesis: &State, next: &State, outer: &Outer, range: TextRange) -> State {
        let closure = self.close(outer, &next.facts);
        let facts: Vec<Fact> =
            hypothesis.facts.iter().filter(|fact| closure.holds(&fact.claim)).cloned().collect();
        let mut classes = hypothesis.classes.clone();
        if let Some(class) = classes.first_mut() {
            match class.status {
                Status::Open => {
                    // Every class of the added rows must name the same owner at the same positions.
                    let open: Vec<&Class> = next
                        .classes
                        .iter()
                        .filter(|other| !matches!(other.status, Status::Pinned | Status::Shared))
                        .collect();
                    let mixed = open.iter().any(|other| {
                        other.status != Status::Open
                            || !class.scans.iter().all(|scan| other.scans.contains(scan))
                    });
                    let pinned_arm = next.classes.iter().any(|other| other.status == Status::Pinned);
                    class.reps.retain(|rep| open.iter().all(|other| other.reps.contains(rep)));
                    let carried = !open.is_empty();
                    if mixed || class.reps.is_empty() || pinned_arm || !carried {
                        class.status = lost(range, "the recursion mixes rows of several tenants");
                    }
                }
                Status::Pinned => {
                    let holds = |rep: &Rep| {
                        next.classes.iter().all(|other| other.status == Status::Pinned)
                            && next.classes.iter().any(|other| other.reps.contains(rep))
                    };
                    class.reps.retain(holds);
                }
                Status::Shared | Status::Outer(..) | Status::Lost(_) => {}
            }
        }
        State { facts, classes, made: hypothesis.made.clone() }
    }

    /// Ties classes to tenant values and to enclosing relations, and merges those that have one owner.
    pub(super) fn settle(&mut self, state: &mut State, outer: &Outer) {
        if state.classes.is_empty() {
            return;
        }
        let closure = self.close(outer, &state.facts);
        self.merge(state, &closure);
        for at in 0..state.classes.len() {
            self.pin(state, at, outer, &closure);
        }
        self.merge(state, &closure);
    }

    fn merge(&mut self, state: &mut State, closure: &Closure) {
        let mut merged: Vec<Class> = Vec::new();
        for class in std::mem::take(&mut state.classes) {
            let open =
                |class: &Class| matches!(class.status, Status::Open | Status::Pinned | Status::Outer(..));
            let homes = merged.iter_mut().filter(|home| open(home) && open(&class));
            let home =
                homes.into_iter().find_map(|home| self.meeting(home, &class, closure).map(|by| (home, by)));
            match home {
                Some((home, (theirs, ours))) => {
                    self.tell_meeting(home, &class, (&theirs, &ours), closure);
                    absorb(home, class);
                }
                None => merged.push(class),
            }
        }
        state.classes = merged;
    }

    /// Says that a class has the owner of another, and by which equality.
    fn tell_meeting(&mut self, home: &Class, class: &Class, by: (&Rep, &Rep), closure: &Closure) {
        let (theirs, ours) = (by.0.col, by.1.col);
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let has = if names.len() > 1 { "have" } else { "has" };
        let origin = self.plan.columns.get(theirs.0 as usize).and_then(|info| info.origin);
        let owner = origin.map(|(scan, _)| scan).or(home.scans.first().copied());
        let owner = owner.map_or_else(|| "the others".to_owned(), |scan| self.called(scan));
        let (a, b) = (self.spoken_column(ours), self.spoken_column(theirs));
        let why = match &by.1.names {
            Names::Tenant(_) if closure.is_chased(ours, theirs) => {
                format!("{a} equals {b}, as a foreign key says")
            }
            Names::Tenant(_) => format!("{a} equals {b}"),
            Names::Row(table, _) => format!("{a} and {b} name one row of `{}`", table.name),
        };
        let text = format!("{} {has} the owner of {owner}: {why}", names.join(", "));
        self.step(self.range_of(class), text);
    }

    /// Says that the rows of a subquery have the owner of the row around it.
    fn tell_comparison(&mut self, home: &Class, class: &Class, term: &Term) {
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let around =
            home.scans.first().map_or_else(|| "the row around".to_owned(), |scan| self.called(*scan));
        let has = if names.len() > 1 { "have" } else { "has" };
        let by = term.col().map_or_else(|| "its key".to_owned(), |col| self.spoken_column(col));
        let text = format!("{} {has} the owner of {around}: {by} is the same for both", names.join(", "));
        self.step(self.range_of(class), text);
    }

    /// A column as the statement would write it in full.
    fn spoken_column(&self, col: ColId) -> String {
        let Some(info) = self.plan.columns.get(col.0 as usize) else { return "its key".to_owned() };
        match info.origin.and_then(|(scan, _)| self.scan(scan)) {
            Some(scan) => format!("`{}.{}`", scan.alias, info.name),
            None => format!("`{}`", info.name),
        }
    }

    /// PARTITION BY and DISTINCT ON: a representative in the list keeps the class, with what names no more than it tells (a
    /// partition by the outer level has rows of several inner ones); one that may be NULL keeps only itself, because the
    /// NULLs of all tenants share a partition.
    fn keep_by_list(
        &self,
        classes: &mut [Class],
        terms: &[Term],
        closure: &Closure,
        range: TextRange,
        why: &str,
    ) {
        for class in classes.iter_mut().filter(|class| class.status == Status::Open) {
            let listed = |rep: &Rep| {
                terms.iter().any(|term| {
                    closure.equals_of(term).iter().any(|equal| equal.col() == Some(rep.col))
                        || closure.equal(&rep.term(), term)
                })
            };
            let (kept, others): (Vec<Rep>, Vec<Rep>) = class.reps.drain(..).partition(listed);
            if kept.is_empty() {
                class.status = lost(range, why);
                continue;
            }
            let firm = kept.iter().filter(|rep| closure.holds(&Claim::NotNull(rep.col)));
            let told: BTreeSet<_> = firm.flat_map(|rep| self.levels_of(&rep.names)).collect();
            let names_no_more = |rep: &Rep| {
                let levels = self.levels_of(&rep.names);
                !levels.is_empty() && levels.is_subset(&told)
            };
            class.reps = kept;
            class.reps.extend(others.into_iter().filter(names_no_more));
        }
    }

    /// Representatives of both that name the same owner by the same value.
    fn meeting(&self, a: &Class, b: &Class, closure: &Closure) -> Option<(Rep, Rep)> {
        let tells = |rep: &&Rep| self.have_one_owner(a, b, &rep.names);
        a.reps.iter().filter(tells).find_map(|x| {
            let same = |y: &&Rep| x.names == y.names && x.via == y.via && closure.equal(&x.term(), &y.term());
            b.reps.iter().find(same).map(|y| (x.clone(), y.clone()))
        })
    }

    /// Rows that agree on `names` agree on their owner at every level that both have: rows of one organization may belong
    /// to two of its workspaces.
    fn have_one_owner(&self, a: &Class, b: &Class, names: &Names) -> bool {
        let told = self.levels_of(names);
        let told_of = |class: &Class| {
            let tables = class.scans.iter().filter_map(|scan| self.scan(*scan));
            tables.into_iter().all(|scan| self.levels(&scan.table).is_subset(&told))
        };
        told_of(a) || told_of(b)
    }

    fn pin(&mut self, state: &mut State, at: usize, outer: &Outer, closure: &Closure) {
        let Some(class) = state.classes.get(at) else { return };
        if !matches!(class.status, Status::Open | Status::Outer(..)) {
            return;
        }
        let mut status = None;
        let mut known = None;
        for rep in &class.reps {
            for term in closure.equals_of(&rep.term()) {
                // The representative is `rep.via` of what it names. A column under the same functions is that itself; one
                // that equals the representative is what the representative is.
                let via = match &term.via {
                    via if *via == rep.via => Vec::new(),
                    via if via.is_empty() => rep.via.clone(),
                    _ => continue,
                };
                match (&term.base, &rep.names) {
                    (Base::Param(number), names) if via.is_empty() && self.is_known_value(*number, names) => {
                        known = Some((*number, rep.clone()));
                    }
                    (Base::Tenant(tenant), Names::Tenant(domain)) if via.is_empty() => {
                        status = Some((Status::Pinned, Some((*tenant, *domain, rep.col))));
                    }
                    (Base::Column(col), _) if outer.cols.contains(col) && status.is_none() => {
                        let anchor = Term::column(*col);
                        status = Some((Status::Outer(anchor, rep.names.clone(), via), None));
                    }
                    _ => {}
                }
            }
            if matches!(status, Some((Status::Pinned, _))) {
                break;
            }
        }
        if let Some((number, rep)) = known
            && !matches!(status, Some((Status::Pinned, _)))
        {
            self.tie_to_known(state, at, number, &rep);
            return;
        }
        let Some((status, pin)) = status else { return };
        if let Some((tenant, domain, col)) = pin {
            self.tie(state, at, tenant, domain, col);
            return;
        }
        if let Some(class) = state.classes.get_mut(at)
            && class.status == Status::Open
        {
            class.status = status;
        }
    }

    /// Ties a class to a tenant value, and says so.
    fn tie(
        &mut self,
        state: &mut State,
        at: usize,
        tenant: usize,
        domain: crate::tenancy::DomainId,
        col: ColId,
    ) {
        let Some(class) = state.classes.get_mut(at) else { return };
        class.status = Status::Pinned;
        let class = class.clone();
        self.note_tie(&class, tenant, domain, col);
    }

    /// Says that a class is tied to a tenant value.
    fn note_tie(&mut self, class: &Class, tenant: usize, domain: crate::tenancy::DomainId, col: ColId) {
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let first = names.first().map_or("a relation", String::as_str);
        let along = match names.get(1..).unwrap_or_default() {
            [] => String::new(),
            others => format!(", and with it {}", others.join(", ")),
        };
        let text = format!(
            "{first} is restricted to the tenant: {} equals {}{along}",
            self.spoken_column(col),
            self.spoken(tenant)
        );
        self.step(self.range_of(class), text);
        self.pins.insert((tenant, domain));
        self.tied_in.insert(domain);
        let sources: Vec<_> = self.sources(tenant).cloned().collect();
        self.pin_sources.extend(sources);
    }

    /// Ties a class to a value that names what is the tenant's, and says so.
    fn tie_to_known(&mut self, state: &mut State, at: usize, number: u32, rep: &Rep) {
        let Some(class) = state.classes.get_mut(at) else { return };
        class.status = Status::Pinned;
        let class = class.clone();
        let names: Vec<String> = class.scans.iter().map(|scan| self.called(*scan)).collect();
        let range = self.range_of(&class);
        let column = self.plan.columns.get(rep.col.0 as usize).map_or("its key", |info| &info.name);
        let text = format!(
            "{} {} restricted to what a row of the tenant names: `{column}` equals `${number}`",
            names.join(", "),
            if names.len() == 1 { "is" } else { "are" }
        );
        self.step(range, text);
        self.pin_sources.insert(crate::verdict::TenantSource::Param(number));
        self.note_levels(&rep.names);
    }

    /// How a tenant value is called in messages.
    pub(super) fn spoken(&self, tenant: usize) -> String {
        let names: Vec<String> = self
            .sources(tenant)
            .map(|source| match source {
                crate::verdict::TenantSource::Param(number) => format!("`${number}`"),
                crate::verdict::TenantSource::Setting(name) => format!("`current_setting('{name}')`"),
            })
            .collect();
        names.join(" / ")
    }

    /// `COALESCE(a.k, b.k) = t` over representatives of one class ties the class.
    fn pin_coalesced(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        let atoms: Vec<&'a Expr> = match &predicate.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![predicate],
        };
        let closure = self.close(outer, &state.facts);
        for atom in atoms {
            let ExprKind::Compare { op: CompareOp::Eq, left, right } = &atom.kind else { continue };
            let (parts, other) = match (&left.kind, &right.kind) {
                (ExprKind::Coalesce(parts), _) => (parts, right),
                (_, ExprKind::Coalesce(parts)) => (parts, left),
                _ => continue,
            };
            let uniform = parts.iter().all(|part| self.comparison_is_exact(part, other));
            let term = self.term(other, &known(outer, state, &closure));
            let Some(Term { base: Base::Tenant(tenant), via }) = term.filter(|_| uniform) else { continue };
            for (at, rep) in coalesced(&state.classes, parts) {
                let Names::Tenant(domain) = rep.names else { continue };
                let open = state.classes.get(at).is_some_and(|class| class.status == Status::Open);
                if rep.via == via && open {
                    self.tie(state, at, tenant, domain, rep.col);
                }
            }
        }
    }

    /// A row of everybody's passes, if its table says that rows without an owner are shared.
    fn note_murk(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        self.admit_shared(state, predicate, outer);
        let atoms: Vec<&'a Expr> = match &predicate.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![predicate],
        };
        for class in state.classes.iter_mut().filter(|class| class.status == Status::Open) {
            let own: BTreeSet<_> = class
                .scans
                .iter()
                .filter_map(|scan| self.plan.scans.get(scan.0 as usize))
                .map(|scan| &scan.table)
                .collect();
            // A table's own row id says nothing of the tenant by itself; the key, or a parent's id, does.
            let tells = |rep: &&Rep| match &rep.names {
                Names::Tenant(_) => true,
                Names::Row(table, _) => !own.contains(table),
            };
            let reps: BTreeSet<ColId> = class.reps.iter().filter(tells).map(|rep| rep.col).collect();
            let mut derived = BTreeSet::new();
            for (col, def) in &self.defs {
                let touches = |used: &ColId| reps.contains(used) || derived.contains(used);
                if !reps.contains(col) && columns(def).iter().any(touches) {
                    derived.insert(*col);
                }
            }
            let telling = Telling { reps, derived };
            let murky = atoms.iter().find(|atom| is_murky(atom, &telling));
            if let Some(atom) = murky
                && class.murky.is_none()
            {
                let why =
                    "this condition on the tenant key gives no equality that can be relied on".to_owned();
                class.murky = Some((atom.range, why));
            }
        }
    }

    /// A filter above a loss may be meant to make up for it: then it is not certain that it leaks. A filter on the
    /// tables beside it cannot be.
    fn note_loss(&mut self, state: &mut State, predicate: &'a Expr) {
        let is_key = |col: &ColId| {
            self.plan.columns.get(col.0 as usize).is_some_and(|info| {
                self.tenancy.tables.values().any(|table| match &table.owner {
                    TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                        keys.iter().any(|(name, _)| *name == info.name)
                    }
                    TableOwner::Child { .. } | TableOwner::Shared | TableOwner::Undeclared => false,
                })
            })
        };
        let keys: BTreeSet<ColId> = columns(predicate).into_iter().filter(is_key).collect();
        for class in &mut state.classes {
            let is_beside = |col: &ColId| {
                let home = self.plan.scans.iter().position(|scan| scan.cols.contains(col));
                home.is_some_and(|home| class.scans.iter().all(|scan| scan.0 as usize != home))
            };
            if let Status::Lost(lost) = &mut class.status
                && !keys.iter().all(is_beside)
            {
                lost.certain = false;
            }
        }
    }

    fn admit_shared(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        let atoms: Vec<&'a Expr> = match &predicate.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![predicate],
        };
        let closure = self.close(outer, &state.facts);
        for at in 0..state.classes.len() {
            let Some(class) = state.classes.get(at) else { continue };
            let [scan] = class.scans.as_slice() else { continue };
            let TableOwner::Keyed { null_is_shared: true, .. } = self.owner(*scan) else { continue };
            // On the nullable side of an outer join, or above a grouping, NULL does not mean a shared row.
            if class.status != Status::Open || class.padded {
                continue;
            }
            let pinned = class.reps.iter().find_map(|rep| {
                let Names::Tenant(domain) = rep.names else { return None };
                let tenant =
                    atoms.iter().find_map(|atom| self.shared_or_own(atom, rep, outer, state, &closure))?;
                Some((tenant, domain))
            });
            let Some((tenant, domain)) = pinned else { continue };
            self.pins.insert((tenant, domain));
            self.tied_in.insert(domain);
            let sources: Vec<_> = self.sources(tenant).cloned().collect();
            self.pin_sources.extend(sources);
            let (range, name) = (predicate.range, self.called(*scan));
            self.step(
                range,
                format!("{name} is restricted to the tenant's rows and to rows declared shared"),
            );
            if let Some(class) = state.classes.get_mut(at) {
                class.status = Status::Shared;
            }
        }
    }

    /// `k = t OR k IS NULL`, or `COALESCE(k, t) = t`.
    fn shared_or_own(
        &self,
        atom: &'a Expr,
        rep: &Rep,
        outer: &Outer,
        state: &State,
        closure: &Closure,
    ) -> Option<usize> {
        let cx = known(outer, state, closure);
        let is_rep = |expr: &Expr| matches!(expr.kind, ExprKind::Column(col) if col == rep.col);
        let tenant = |expr: &'a Expr| match self.term(expr, &cx)? {
            Term { base: Base::Tenant(at), via } if via == rep.via && self.tenant_is_not_null(at) => Some(at),
            _ => None,
        };
        match &atom.kind {
            ExprKind::Or(parts) => {
                let mut found = None;
                for part in parts {
                    match &part.kind {
                        ExprKind::IsNull(col) if is_rep(col) => {}
                        ExprKind::Compare { op: CompareOp::Eq, left, right }
                            if self.comparison_is_exact(left, right) =>
                        {
                            let other = if is_rep(left) {
                                right
                            } else if is_rep(right) {
                                left
                            } else {
                                return None;
                            };
                            found = Some(tenant(other)?);
                        }
                        _ => return None,
                    }
                }
                found
            }
            ExprKind::Compare { op: CompareOp::Eq, left, right } if self.comparison_is_exact(left, right) => {
                let (side, other) = match (&left.kind, &right.kind) {
                    (ExprKind::Coalesce(parts), _) => (parts, right),
                    (_, ExprKind::Coalesce(parts)) => (parts, left),
                    _ => return None,
                };
                let [first, second] = side.as_slice() else { return None };
                let (a, b) = (tenant(other)?, tenant(second)?);
                (is_rep(first) && a == b).then_some(a)
            }
            _ => None,
        }
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

fn is_zero(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Number(number) if number == "0")
}

/// The relation has a row whatever the tables hold.
fn has_a_row(rel: &Rel) -> bool {
    match &rel.kind {
        RelKind::Unit => true,
        RelKind::Values(rows) => !rows.is_empty(),
        RelKind::Aggregate { grouping, .. } => matches!(grouping, Grouping::Whole),
        RelKind::Project { input, .. } | RelKind::Sort { input, .. } => has_a_row(input),
        _ => false,
    }
}

/// COALESCE over representatives of one class is a representative, whichever side is missing: the classes it represents,
/// each with one of those.
fn coalesced(classes: &[Class], parts: &[Expr]) -> Vec<(usize, Rep)> {
    let col = |part: &Expr| match part.kind {
        ExprKind::Column(col) => Some(col),
        _ => None,
    };
    let Some(cols) = parts.iter().map(col).collect::<Option<Vec<ColId>>>() else { return Vec::new() };
    let common = |class: &Class| {
        let like = |rep: &Rep, col: ColId| {
            class
                .reps
                .iter()
                .any(|other| other.col == col && other.names == rep.names && other.via == rep.via)
        };
        let mut tenants = class.reps.iter().filter(|rep| matches!(rep.names, Names::Tenant(_)));
        tenants.find(|rep| cols.iter().all(|col| like(rep, *col))).cloned()
    };
    classes.iter().enumerate().filter_map(|(at, class)| Some((at, common(class)?))).collect()
}

/// What the columns of one arm of a set operation hold, whose rows stand beside those of the other arm.
struct Holdings {
    /// Always NULL, so that no comparison finds them.
    nulls: BTreeSet<ColId>,
    /// Columns that hold a tenant value, under these functions.
    tenants: BTreeSet<(ColId, Vec<Injection>)>,
    /// What names the tenant or a row of the tenant.
    pinned: BTreeSet<Rep>,
    /// What names one owner, class by class.
    open: Vec<BTreeSet<Rep>>,
}

impl Holdings {
    /// The column is NULL, or names the tenant or a row of the tenant.
    fn is_own(&self, rep: &Rep) -> bool {
        let names_tenant = matches!(rep.names, Names::Tenant(_));
        self.nulls.contains(&rep.col)
            || self.pinned.contains(rep)
            || (names_tenant && self.tenants.contains(&(rep.col, rep.via.clone())))
    }

    /// The most of `reps` that name one owner in the rows of this arm. A single one always does.
    fn in_harmony(&self, reps: &[Rep]) -> Vec<Rep> {
        let null = |rep: &Rep| self.nulls.contains(&rep.col);
        let pick = |keep: &dyn Fn(&Rep) -> bool| -> Vec<Rep> {
            reps.iter().filter(|rep| null(rep) || keep(rep)).cloned().collect()
        };
        let mut choices = vec![pick(&|rep| self.is_own(rep))];
        choices.extend(self.open.iter().map(|open| pick(&|rep| open.contains(rep))));
        choices.extend(reps.iter().map(|single| pick(&|rep| rep == single)));
        let worth = |choice: &Vec<Rep>| {
            let tenants = choice.iter().filter(|rep| matches!(rep.names, Names::Tenant(_))).count();
            (tenants, choice.len())
        };
        let best = choices.iter().map(worth).max();
        choices.into_iter().find(|choice| Some(worth(choice)) == best).unwrap_or_default()
    }
}

/// A row of a set operation comes from one arm. What is known of the representatives of the other arm's `classes` must hold
/// of `held` too: of a pinned class, that they name the tenant; of an open one, that they name one owner together.
fn reconcile(classes: &mut [Class], held: &Holdings) {
    for class in classes {
        match class.status {
            Status::Open => class.reps = held.in_harmony(&class.reps),
            Status::Pinned => class.reps.retain(|rep| held.is_own(rep)),
            Status::Shared | Status::Outer(..) | Status::Lost(_) => class.reps.clear(),
        }
    }
}

/// NULL, whatever type it is given.
fn is_null(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Null => true,
        ExprKind::Cast(part) => is_null(part),
        _ => false,
    }
}

/// Facts that hold where `guard` does.
fn guarded(facts: Vec<Fact>, guard: Guard) -> Vec<Fact> {
    let add = |mut fact: Fact| {
        fact.guards.push(guard);
        fact
    };
    facts.into_iter().map(add).collect()
}

fn lost(range: TextRange, why: &str) -> Status {
    Status::Lost(Lost { why: why.to_owned(), range, certain: true })
}

fn lose_open(state: &mut State, range: TextRange, why: &str) {
    for class in state.classes.iter_mut().filter(|class| class.status == Status::Open) {
        class.status = lost(range, why);
    }
}

fn lose_all(state: &mut State, range: TextRange, why: &str) {
    for class in &mut state.classes {
        class.status = Status::Lost(Lost { why: why.to_owned(), range, certain: false });
    }
}

fn absorb(home: &mut Class, class: Class) {
    home.scans.extend(class.scans);
    home.reps.extend(class.reps);
    home.murky = home.murky.take().or(class.murky);
    home.padded |= class.padded;
    home.status = match (&home.status, class.status) {
        (Status::Pinned, _) | (_, Status::Pinned) => Status::Pinned,
        (Status::Outer(..), _) => home.status.clone(),
        (_, other) => other,
    };
}

/// Representatives that stay visible: kept columns with a representative's value.
fn kept_reps(reps: &[Rep], kept: &BTreeSet<ColId>, closure: &Closure) -> Vec<Rep> {
    let mut found = BTreeSet::new();
    for rep in reps {
        for col in kept {
            let term = Term::column(*col);
            for equal in closure.equals_of(&term) {
                if equal.col() == Some(rep.col) {
                    let via: Vec<_> = rep.via.iter().chain(&equal.via).cloned().collect();
                    found.insert(Rep { col: *col, via, names: rep.names.clone() });
                }
            }
            if closure.equal(&rep.term(), &term) {
                found.insert(Rep { col: *col, via: rep.via.clone(), names: rep.names.clone() });
            }
        }
    }
    found.into_iter().collect()
}

/// The rows that an aggregate counts: those of its FILTER, or of `agg(CASE WHEN φ THEN … END)`.
fn effective_filter(call: &AggregateCall) -> Option<&Expr> {
    if let Some(filter) = &call.filter {
        return Some(filter);
    }
    let [argument] = call.args.as_slice() else { return None };
    match &argument.kind {
        ExprKind::Case { arms, otherwise } if call.ignores_null => {
            let [(when, _)] = arms.as_slice() else { return None };
            let harmless = match otherwise {
                Some(part) => matches!(part.kind, ExprKind::Null),
                None => true,
            };
            harmless.then_some(when)
        }
        _ => None,
    }
}

/// A working table has one owner for each row: its classes become one, with the representatives they share.
fn one_class(mut state: State) -> State {
    let mut classes = std::mem::take(&mut state.classes).into_iter();
    let Some(mut first) = classes.next() else { return state };
    let mut rest: Vec<Class> = Vec::new();
    for class in classes {
        match (&first.status, &class.status) {
            (Status::Open, Status::Open) => {
                first.reps.retain(|rep| class.reps.contains(rep));
                first.scans.extend(class.scans);
                if first.reps.is_empty() {
                    first.status = lost(TextRange::default(), "the recursion mixes rows of several tenants");
                }
            }
            (Status::Pinned, Status::Pinned) => {
                first.reps.retain(|rep| class.reps.contains(rep));
                first.scans.extend(class.scans);
            }
            _ => rest.push(class),
        }
    }
    if !rest.is_empty() {
        first.status = match first.status {
            Status::Lost(lost) => Status::Lost(lost),
            _ => lost(TextRange::default(), "the recursion mixes rows of several tenants"),
        };
        first.scans.extend(rest.into_iter().flat_map(|class| class.scans));
    }
    state.classes = vec![first];
    state
}

fn same_state(a: &State, b: &State) -> bool {
    let shape = |state: &State| -> Vec<(Vec<Rep>, Status)> {
        state.classes.iter().map(|class| (class.reps.clone(), class.status.clone())).collect()
    };
    a.facts.len() == b.facts.len() && shape(a) == shape(b)
}
