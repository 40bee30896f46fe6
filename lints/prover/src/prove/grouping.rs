//! Operators that make one row of several: grouping, windows, DISTINCT. A representative must be in the list.

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::plan::{
    AggregateCall, ColId, CompareOp, Expr, ExprKind, Grouping, ScanId, SubqueryUsage, WindowCall,
};
use crate::prove::context::{Class, Names, Outer, Prover, Rep, State, Status};
use crate::prove::facts::{Base, Claim, Fact, Guard, Term, surviving};
use crate::prove::join::guarded;
use crate::prove::predicate::{columns, known};
use crate::prove::tie::{kept_reps, lose_open, lost};

impl<'a> Prover<'a> {
    pub(super) fn aggregate(
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
        self.note_collected(&state, aggregates, outer);
        let extremes = aggregates.iter().filter(|(_, call)| matches!(call.name.as_str(), "min" | "max"));
        self.chosen_of.extend(extremes.filter_map(|(col, call)| Some((*col, call.args.first()?))));
        let chosen = self.chosen_reps(&state, aggregates, outer);
        let same = self.same_throughout(&state, aggregates, outer);
        match grouping {
            Grouping::Whole => {
                self.pin_by_filters(&mut state, aggregates, outer);
                if aggregates.is_empty() && !self.tenancy.strict_errors {
                    // One row, of which nothing is asked: there is one whatever was read.
                    state.classes.iter_mut().for_each(|class| class.status = Status::Pinned);
                }
                lose_open(&mut state, range, "the aggregate is taken over the rows of every tenant");
                self.doubt_ranks(&mut state, aggregates, outer);
                let filled = aggregates.iter().filter(|(_, call)| is_null_of_nothing(call));
                let filled: BTreeSet<ColId> = filled.map(|(col, _)| *col).collect();
                state.facts = self.facts_of_a_row(&state, &filled, outer);
                for class in &mut state.classes {
                    class.padded = true;
                    class.reps.clear();
                }
            }
            Grouping::Columns(cols) => {
                let kept: BTreeSet<ColId> = cols.iter().copied().collect();
                // Where every call counts rows of the tenant only, it takes a group that others make to leak.
                let told = self.told_so_far();
                let filtered = self.pinned_by_filters(&state, aggregates, outer);
                self.take_back(told);
                self.narrow(&mut state, &kept, outer, range, "rows of several tenants fall into one group");
                for class in state.classes.iter_mut().filter(|class| filtered.contains(&class.scans)) {
                    if let Status::Lost(lost) = &mut class.status {
                        lost.certain = false;
                    }
                }
            }
            Grouping::Sets { columns, sets } => {
                let filled = aggregates.iter().filter(|(_, call)| is_null_of_nothing(call));
                let filled: BTreeSet<ColId> = filled.map(|(col, _)| *col).collect();
                self.grouping_sets(&mut state, (columns, sets), &filled, outer, range);
            }
        }
        for (class, reps) in state.classes.iter_mut().zip(chosen) {
            class.reps.extend(reps);
        }
        let counts = aggregates.iter().filter(|(_, call)| call.name == "count");
        state.facts.extend(counts.map(|(col, _)| Fact::plain(Claim::NotNull(*col))));
        for (col, term) in same {
            let guard = self.new_guard([col].into());
            state.facts.extend(guarded(vec![Fact::plain(Claim::Equal(Term::column(col), term))], guard));
        }
        state
    }

    /// `min(x)` and `max(x)` of what is one value on every row, and known outside, are that value, if there is a row.
    fn same_throughout(
        &self,
        state: &State,
        aggregates: &'a [(ColId, AggregateCall)],
        outer: &Outer,
    ) -> Vec<(ColId, Term)> {
        let closure = self.close(outer, &state.facts);
        let chosen = aggregates.iter().filter(|(_, call)| matches!(call.name.as_str(), "min" | "max"));
        let same = chosen.filter_map(|(col, call)| {
            let [argument] = call.args.as_slice() else { return None };
            let term = self.term(argument, &known(outer, state, &closure))?;
            let is_outside = |term: &Term| term.col().is_none_or(|col| outer.cols.contains(&col));
            Some((*col, closure.equals_of(&term).into_iter().find(is_outside)?))
        });
        same.collect()
    }

    /// What the rows under a grouping say of the rows around it, where one of `filled` is not NULL above: that takes a row.
    fn facts_of_a_row(&mut self, state: &State, filled: &BTreeSet<ColId>, outer: &Outer) -> Vec<Fact> {
        let closure = self.close(outer, &state.facts);
        let facts = closure.restricted(&|col| outer.cols.contains(&col));
        if facts.is_empty() || filled.is_empty() {
            return Vec::new();
        }
        let guard = self.new_guard(filled.clone());
        guarded(facts, guard)
    }

    /// An aggregate that asks of a key whose equality is not exact may leave out the rows of others.
    pub(super) fn doubt_inexact(&self, state: &mut State, aggregates: &'a [(ColId, AggregateCall)]) {
        let parts = aggregates.iter().flat_map(|(_, call)| call.args.iter().chain(&call.filter));
        let asked: BTreeSet<ColId> = parts.flat_map(columns).collect();
        for class in &mut state.classes {
            let mut keys = class.scans.iter().flat_map(|scan| self.inexact_keys(*scan));
            let is_asked = keys.any(|key| asked.contains(&key));
            doubt(class, is_asked);
        }
    }

    /// A rank among rows of which all but the tenant's are NULL hangs on where NULLs are sorted: it need not leak.
    fn doubt_ranks(&mut self, state: &mut State, aggregates: &'a [(ColId, AggregateCall)], outer: &Outer) {
        let is_rank = |call: &AggregateCall| {
            matches!(call.name.as_str(), "rank" | "dense_rank" | "percent_rank" | "cume_dist")
        };
        let filters = aggregates.iter().filter(|(_, call)| is_rank(call));
        let filters: Vec<&'a Expr> = filters.filter_map(|(_, call)| strict_case(call.args.last()?)).collect();
        for filter in filters {
            let mut filtered = state.clone();
            self.restrict(&mut filtered, filter, outer);
            let closure = self.close(outer, &filtered.facts);
            let says = state.classes.iter().map(|class| {
                class.reps.iter().any(|rep| {
                    let equal = closure.equals_of(&rep.term());
                    equal.iter().any(|term| matches!(term.base, Base::Tenant(_)))
                })
            });
            let says: Vec<bool> = says.collect();
            for (class, _) in state.classes.iter_mut().zip(says).filter(|(_, says)| *says) {
                if let Status::Lost(lost) = &mut class.status {
                    lost.certain = false;
                }
            }
        }
    }

    /// `min(x)` and `max(x)` over rows of the tenant name what one of these rows names, class by class.
    fn chosen_reps(
        &self,
        state: &State,
        aggregates: &'a [(ColId, AggregateCall)],
        outer: &Outer,
    ) -> Vec<Vec<Rep>> {
        let closure = self.close(outer, &state.facts);
        let chosen = aggregates.iter().filter(|(_, call)| matches!(call.name.as_str(), "min" | "max"));
        let chosen: Vec<(ColId, Term)> = chosen
            .filter_map(|(col, call)| {
                let [argument] = call.args.as_slice() else { return None };
                Some((*col, self.term(argument, &known(outer, state, &closure))?))
            })
            .collect();
        let of_class = |class: &Class| {
            let named = |(col, term): &(ColId, Term)| {
                let rep = class.reps.iter().find(|rep| closure.equal(&rep.term(), term))?;
                Some(Rep { col: *col, ..rep.clone() })
            };
            match class.status {
                Status::Pinned => chosen.iter().filter_map(named).collect(),
                _ => Vec::new(),
            }
        };
        state.classes.iter().map(of_class).collect()
    }

    /// Notes of `array_agg(x)` what its elements name, where `x` names what is the tenant's.
    fn note_collected(&mut self, state: &State, aggregates: &'a [(ColId, AggregateCall)], outer: &Outer) {
        let arrays = aggregates.iter().filter(|(_, call)| call.name == "array_agg");
        for (col, call) in arrays {
            let Some(element) = call.args.first() else { continue };
            let closure = self.close(outer, &state.facts);
            let Some(term) = self.term(element, &known(outer, state, &closure)) else { continue };
            let pinned = state.classes.iter().filter(|class| class.status == Status::Pinned);
            let reps = pinned.flat_map(|class| &class.reps);
            let names: Vec<_> = reps
                .filter(|rep| rep.via.is_empty() && closure.equal(&rep.term(), &term))
                .map(|rep| rep.names.clone())
                .collect();
            if !names.is_empty() {
                self.collected.insert(*col, (element, names));
            }
        }
    }

    /// `x = ANY (array)` ties by what the array was collected of.
    pub(super) fn pin_collected(&mut self, state: &mut State, predicate: &'a Expr, outer: &Outer) {
        let atoms: Vec<&'a Expr> = match &predicate.kind {
            ExprKind::And(parts) => parts.iter().collect(),
            _ => vec![predicate],
        };
        for atom in atoms {
            let ExprKind::Quantified { left, op: Some(CompareOp::Eq), all: false, array } = &atom.kind else {
                continue;
            };
            let Some((element, names)) = self.collected_in(array) else { continue };
            let closure = self.close(outer, &state.facts);
            let term = self.term(left, &known(outer, state, &closure));
            let Some(term) = term.filter(|_| self.comparison_is_exact(left, element)) else { continue };
            for at in 0..state.classes.len() {
                let Some(class) = state.classes.get(at).filter(|class| class.status == Status::Open) else {
                    continue;
                };
                // What names an outer level says nothing of the inner one.
                let owned = |rep: &Rep| {
                    let told = self.levels_of(&rep.names);
                    let mut scans = class.scans.iter().filter_map(|scan| self.scan(*scan));
                    scans.all(|scan| self.levels(&scan.table).is_subset(&told))
                };
                let tied = class.reps.iter().find(|rep| {
                    rep.via.is_empty()
                        && names.contains(&rep.names)
                        && closure.equal(&rep.term(), &term)
                        && owned(rep)
                });
                let Some(rep) = tied.cloned() else { continue };
                self.tell_collected(class, &rep);
                if let Some(class) = state.classes.get_mut(at) {
                    class.status = Status::Pinned;
                }
            }
        }
    }

    /// The elements of a collected array, through casts that keep it as it is and subqueries that hand it on.
    fn collected_in(&self, array: &Expr) -> Option<(&'a Expr, Vec<Names>)> {
        match &array.kind {
            ExprKind::Column(col) => self.collected.get(col).cloned(),
            ExprKind::Cast(inner) if inner.ty == array.ty => self.collected_in(inner),
            ExprKind::Subquery(sub) if matches!(sub.usage, SubqueryUsage::Scalar) => {
                self.collected.get(sub.rel.cols.first()?).cloned()
            }
            _ => None,
        }
    }

    /// An aggregate over everything, of which every call counts only rows of the tenant.
    pub(super) fn pin_by_filters(
        &mut self,
        state: &mut State,
        aggregates: &'a [(ColId, AggregateCall)],
        outer: &Outer,
    ) {
        let told = self.told_so_far();
        let pinned = self.pinned_by_filters(state, aggregates, outer);
        if pinned.is_empty() {
            self.take_back(told);
        }
        for class in state.classes.iter_mut().filter(|class| pinned.contains(&class.scans)) {
            class.status = Status::Pinned;
        }
    }

    /// The open classes of which every call counts only rows of the tenant, by their scans.
    fn pinned_by_filters(
        &mut self,
        state: &State,
        aggregates: &'a [(ColId, AggregateCall)],
        outer: &Outer,
    ) -> Vec<Vec<ScanId>> {
        let open = |class: &&Class| class.status == Status::Open;
        let filters: Option<Vec<&'a Expr>> =
            aggregates.iter().map(|(_, call)| effective_filter(call)).collect();
        let Some(filters) = filters.filter(|all| !all.is_empty() && state.classes.iter().any(|c| open(&c)))
        else {
            return Vec::new();
        };
        let outcomes: Vec<State> = filters
            .into_iter()
            .map(|filter| {
                let mut filtered = state.clone();
                self.assume(&mut filtered, filter, outer);
                self.settle(&mut filtered, outer);
                filtered
            })
            .collect();
        let is_pinned = |class: &&Class| {
            outcomes.iter().all(|outcome| {
                let same = outcome
                    .classes
                    .iter()
                    .find(|other| class.scans.iter().all(|scan| other.scans.contains(scan)));
                same.is_some_and(|other| other.status == Status::Pinned)
            })
        };
        let pinned = state.classes.iter().filter(open).filter(is_pinned);
        pinned.map(|class| class.scans.clone()).collect()
    }

    pub(super) fn grouping_sets(
        &mut self,
        state: &mut State,
        (columns, sets): (&[(ColId, ColId)], &[Vec<ColId>]),
        filled: &BTreeSet<ColId>,
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
            if class.status == Status::Open && reps.is_empty() {
                class.status = lost(range, "rows of several tenants fall into one group");
                doubt(class, in_some.iter().any(|col| self.is_made_of(*col, &class.reps, DEPTH)));
            }
            class.reps = reps;
        }
        // A column of every set is what it is below on every row; any of them that is not NULL takes a row.
        let in_all = columns.iter().filter(|(_, below)| sets.iter().all(|set| set.contains(below)));
        let firm: Vec<Fact> = in_all
            .filter(|(_, below)| !sets.is_empty() && closure.not_null(&Term::column(*below)))
            .map(|(above, _)| Fact::plain(Claim::NotNull(*above)))
            .collect();
        let filled: BTreeSet<ColId> =
            filled.iter().copied().chain(columns.iter().map(|(above, _)| *above)).collect();
        state.facts = self.facts_of_a_row(state, &filled, outer);
        state.facts.extend(firm);
    }

    /// Only `kept` columns go on, and rows that agree on them become one.
    pub(super) fn narrow(
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
            let reps = kept_reps(&class.reps, kept, &closure);
            if class.status == Status::Open && reps.is_empty() {
                class.status = match cfg!(tenantry_sabotage = "group-by") {
                    true => Status::Pinned,
                    false => lost(range, why),
                };
                doubt(class, kept.iter().any(|col| self.is_made_of(*col, &class.reps, DEPTH)));
            }
            class.reps = reps;
        }
        let mut facts: Vec<Fact> = surviving(&state.facts, &keep).collect();
        facts.extend(closure.restricted(&keep));
        state.facts = facts;
    }

    /// The column is computed of what names an owner, in a way that may or may not keep owners apart.
    fn is_made_of(&self, col: ColId, reps: &[Rep], depth: usize) -> bool {
        let Some(def) = self.defs.get(&col).filter(|_| depth > 0) else { return false };
        let names = |used: ColId| reps.iter().any(|rep| rep.col == used);
        columns(def).into_iter().any(|used| names(used) || self.is_made_of(used, reps, depth - 1))
    }

    pub(super) fn window(&mut self, state: &mut State, calls: &'a [(ColId, WindowCall)], outer: &Outer) {
        let plan = self.plan;
        let calls = calls.iter().filter(|(col, _)| !plan.unused.contains(col));
        for (col, call) in calls.clone() {
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
            self.keep_by_list(state, outer, &terms, range, why);
        }
    }

    pub(super) fn distinct(
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
                self.keep_by_list(&mut state, outer, &terms, range, why);
            }
        }
        state
    }

    /// PARTITION BY and DISTINCT ON: a representative in the list keeps the class, with what names no more than it tells (a
    /// partition by the outer level has rows of several inner ones); one that may be NULL keeps only itself, because the
    /// NULLs of all tenants share a partition.
    fn keep_by_list(&self, state: &mut State, outer: &Outer, terms: &[Term], range: TextRange, why: &str) {
        let closure = self.close(outer, &state.facts);
        let guards: BTreeSet<Guard> =
            state.facts.iter().flat_map(|fact| fact.guards.iter().copied()).collect();
        let filled = self.close_with(outer, &state.facts, &guards);
        for class in state.classes.iter_mut().filter(|class| class.status == Status::Open) {
            let listed = |rep: &Rep| {
                terms.iter().any(|term| {
                    closure.equals_of(term).iter().any(|equal| equal.col() == Some(rep.col))
                        || closure.equal(&rep.term(), term)
                })
            };
            let (kept, others): (Vec<Rep>, Vec<Rep>) = class.reps.drain(..).partition(listed);
            if kept.is_empty() {
                class.status = lost(range, why);
                // Where the list is not NULL, it may keep owners apart after all.
                let same = |rep: &Rep| terms.iter().any(|term| filled.equal(&rep.term(), term));
                doubt(class, others.iter().any(same));
                continue;
            }
            let firm = kept.iter().filter(|rep| closure.holds(&Claim::NotNull(rep.col)));
            let told: BTreeSet<_> = firm.flat_map(|rep| self.levels_of(&rep.names)).collect();
            let names_no_more = |rep: &Rep| {
                let levels = self.levels_of(&rep.names);
                !levels.is_empty() && levels.is_subset(&told)
            };
            let (others, left_out): (Vec<Rep>, Vec<Rep>) = others.into_iter().partition(names_no_more);
            if !left_out.is_empty() && class.murky.is_none() {
                // Where no row lacks it, what is left out would tie the class as well.
                class.murky =
                    Some((range, "what it is divided by may be missing on rows of any tenant".to_owned()));
            }
            class.reps = kept;
            class.reps.extend(others);
        }
    }
}

/// How many computations are looked through.
const DEPTH: usize = 8;

/// Where rows of several owners may have been kept apart after all, that they were not is no certain leak.
pub(super) fn doubt(class: &mut Class, is_doubtful: bool) {
    if let Status::Lost(lost) = &mut class.status {
        lost.certain &= !is_doubtful;
    }
}

/// The aggregate of no rows is NULL, so that one that is not NULL is taken over a row at least.
fn is_null_of_nothing(call: &AggregateCall) -> bool {
    matches!(
        call.name.as_str(),
        "min" | "max" | "sum" | "avg" | "bool_and" | "bool_or" | "every" | "string_agg" | "array_agg"
    )
}

/// The rows that an aggregate counts: those of its FILTER, or of `agg(CASE WHEN φ THEN … END)`. Where its first argument is
/// NULL it passes over the row, whatever its other arguments and its order are; of those in an order it passes over what is
/// sorted.
pub(super) fn effective_filter(call: &AggregateCall) -> Option<&Expr> {
    if let Some(filter) = &call.filter {
        return Some(filter);
    }
    match (call.name.as_str(), call.args.as_slice()) {
        ("percentile_cont" | "percentile_disc", [share, sorted]) => {
            strict_case(sorted).filter(|_| columns(share).is_empty())
        }
        ("mode", [sorted]) => strict_case(sorted),
        (_, [argument, ..]) if call.ignores_null => strict_case(argument),
        _ => None,
    }
}

/// The condition of `CASE WHEN condition THEN … END`, without which it is NULL.
fn strict_case(argument: &Expr) -> Option<&Expr> {
    let ExprKind::Case { arms, otherwise } = &argument.kind else { return None };
    let [(when, _)] = arms.as_slice() else { return None };
    let harmless = otherwise.as_ref().is_none_or(|part| matches!(part.kind, ExprKind::Null));
    harmless.then_some(when)
}
