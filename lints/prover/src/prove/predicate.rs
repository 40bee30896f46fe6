//! Which facts follow from "this predicate is true" (three-valued logic).

use std::collections::BTreeSet;

use tenantry_span::TextRange;

use crate::plan::{
    ArithmeticOp, ColId, CompareOp, Expr, ExprKind, Grouping, JoinKind, Rel, RelKind, ScanId, Subquery,
    SubqueryUsage,
};
use crate::prove::context::{Outer, Prover, State};
use crate::prove::facts::{Base, Claim, Closure, Fact, Injection, Term};
use crate::prove::row_security::Policies;
use crate::prove::set_operation::is_null;
use crate::prove::subquery::has_a_row;
use crate::types::SqlType;
use crate::verdict::{LeakKind, TenantSource};

/// What follows from a truth value; `None` where no row can have it.
pub(super) type Implied = Option<Vec<Claim>>;

impl<'a> Prover<'a> {
    /// What follows where `expr` is true. `base` closes what is known without it.
    pub(super) fn when_true(&self, expr: &'a Expr, cx: &Known<'_>) -> Implied {
        match &expr.kind {
            ExprKind::And(parts) => self.together(parts, true, cx),
            ExprKind::Or(parts) => self.any(parts.iter().map(|part| self.when_true(part, cx)), cx),
            ExprKind::Not(part) => self.when_false(part, cx),
            ExprKind::Bool(value) => value.then(Vec::new),
            ExprKind::Null => None,
            ExprKind::Compare { op, left, right } => self.compare(*op, left, right, cx),
            ExprKind::IsNull(part) => self.is_null(part, cx),
            ExprKind::IsBool(part, Some(true)) => self.when_true(part, cx),
            ExprKind::IsBool(part, Some(false)) => self.when_false(part, cx),
            ExprKind::IsBool(part, None) => (!self.is_never_null(part, cx)).then(Vec::new),
            ExprKind::NotDistinct(left, right) => {
                if let Some((lefts, rights)) = self.rows_alike(left, right) {
                    return self.fields_alike(lefts, rights, cx);
                }
                let known =
                    |side: &'a Expr| self.term(side, cx).is_some_and(|term| cx.closure.not_null(&term));
                if known(left) || known(right) {
                    return self.compare(CompareOp::Eq, left, right, cx);
                }
                Some(Vec::new())
            }
            ExprKind::InList(left, list)
                if !list.iter().all(|right| is_row(left) || self.comparison_is_exact(left, right)) =>
            {
                Some(Vec::new())
            }
            ExprKind::InList(left, list) => {
                self.any(list.iter().map(|right| self.compare(CompareOp::Eq, left, right, cx)), cx)
            }
            ExprKind::Quantified { left, op: Some(CompareOp::Eq), all, array } => match &array.kind {
                ExprKind::Array(list) if !list.is_empty() => {
                    // PostgreSQL gives all elements one type first: one odd element changes every comparison.
                    if !list.iter().all(|right| self.comparison_is_exact(left, right)) {
                        return Some(Vec::new());
                    }
                    let each = list.iter().map(|right| self.compare(CompareOp::Eq, left, right, cx));
                    if *all { self.all(each) } else { self.any(each, cx) }
                }
                ExprKind::Cast(_) if !all => match self.plain_elements(array) {
                    Some(list) if !list.is_empty() => {
                        self.any(list.iter().map(|right| self.compare(CompareOp::Eq, left, right, cx)), cx)
                    }
                    Some(_) | None => Some(self.strict(left)),
                },
                _ if *all => Some(Vec::new()),
                _ => Some(self.strict(left)),
            },
            // Of elements that are written out there is one with which it is compared.
            ExprKind::Quantified { left, op: Some(_), array, .. } => match &array.kind {
                ExprKind::Array(list) if !list.is_empty() && !is_row(left) => Some(self.strict(left)),
                _ => Some(Vec::new()),
            },
            ExprKind::StrictPredicate { op, operands } => {
                let mut claims = self.contained(op, operands, cx)?;
                claims.extend(self.matched(op, operands, cx));
                claims.extend(operands.iter().flat_map(|part| self.strict(part)));
                Some(claims)
            }
            ExprKind::Case { arms, otherwise } => {
                // An arm is reached where the conditions before it are not true: false, where they are never NULL.
                let mut reached: Implied = Some(Vec::new());
                let mut outcomes = Vec::new();
                for (when, then) in arms {
                    let taken = || {
                        let mut claims = reached.clone()?;
                        claims.extend(self.when_true(when, cx)?);
                        claims.extend(self.when_true(then, cx)?);
                        Some(claims)
                    };
                    outcomes.push(taken());
                    if self.is_never_null(when, cx) {
                        reached = reached.zip(self.when_false(when, cx)).map(|(mut claims, more)| {
                            claims.extend(more);
                            claims
                        });
                    }
                }
                let last = otherwise.as_ref().and_then(|part| {
                    let mut claims = reached?;
                    claims.extend(self.when_true(part, cx)?);
                    Some(claims)
                });
                outcomes.push(last);
                self.any(outcomes.into_iter(), cx)
            }
            ExprKind::Coalesce(parts) => {
                let parts = self.reachable(parts, cx);
                self.any(parts.iter().map(|part| self.when_true(part, cx)), cx)
            }
            ExprKind::Column(col) => self.column_is_true(*col, cx),
            ExprKind::Subquery(sub) if matches!(sub.usage, SubqueryUsage::Scalar) => {
                match sub.rel.cols.first() {
                    Some(col) => self.column_is_true(*col, cx),
                    None => Some(Vec::new()),
                }
            }
            ExprKind::Subquery(sub) if asks_for_a_row(sub) && self.is_empty(&sub.rel) => None,
            // Equal to some row's columns, so that neither is NULL; what those rows are is told where they are read.
            ExprKind::Subquery(sub) => match &sub.usage {
                SubqueryUsage::Any(operands, Some(CompareOp::Eq)) => {
                    let mut claims: Vec<Claim> =
                        operands.iter().flat_map(|operand| self.strict(operand)).collect();
                    claims.extend(self.asked_around(&sub.rel, cx)?);
                    Some(claims)
                }
                SubqueryUsage::Exists => self.asked_around(&sub.rel, cx),
                _ => Some(Vec::new()),
            },
            _ => Some(Vec::new()),
        }
    }

    /// What the conditions of a subquery that has a row ask of the rows around it alone.
    fn asked_around(&self, sub: &'a Rel, cx: &Known<'_>) -> Implied {
        let mut conditions: Vec<&'a Expr> = Vec::new();
        self.conditions_of(sub, &mut conditions);
        let mut made = BTreeSet::new();
        let mut scans = BTreeSet::new();
        note_made(sub, &mut made, &mut scans);
        let origin = |col: &ColId| self.plan.columns.get(col.0 as usize).and_then(|info| info.origin);
        let is_inside =
            |col: &ColId| made.contains(col) || origin(col).is_some_and(|(scan, _)| scans.contains(&scan));
        let is_around = |part: &&&'a Expr| {
            let used = columns(part);
            !used.is_empty() && subqueries(part).is_empty() && !used.iter().any(is_inside)
        };
        self.all(conditions.iter().filter(is_around).map(|part| self.when_true(part, cx)))
    }

    /// Conditions that hold wherever the relation has a row.
    fn conditions_of(&self, rel: &'a Rel, found: &mut Vec<&'a Expr>) {
        let mut add = |predicate: &'a Expr| match &predicate.kind {
            ExprKind::And(parts) => found.extend(parts),
            _ => found.push(predicate),
        };
        match &rel.kind {
            RelKind::Filter { input, predicate } => {
                if self.policies == Policies::Applied || !self.is_secured_by(input) {
                    add(predicate);
                }
                self.conditions_of(input, found);
            }
            RelKind::Join { kind: JoinKind::Inner, left, right, on } => {
                add(on);
                self.conditions_of(left, found);
                self.conditions_of(right, found);
            }
            RelKind::Project { input, .. }
            | RelKind::Sort { input, .. }
            | RelKind::Distinct { input, .. }
            | RelKind::Limit { input, .. } => self.conditions_of(input, found),
            // A group has a row at the least.
            RelKind::Aggregate { input, grouping: Grouping::Columns(cols), .. } if !cols.is_empty() => {
                self.conditions_of(input, found);
            }
            _ => {}
        }
    }

    fn column_is_true(&self, col: ColId, cx: &Known<'_>) -> Implied {
        let mut claims = vec![Claim::NotNull(col)];
        if let Some(def) = self.defs.get(&col) {
            claims.extend(self.when_true(def, cx)?);
        }
        Some(claims)
    }

    /// What follows where `expr` is false.
    fn when_false(&self, expr: &'a Expr, cx: &Known<'_>) -> Implied {
        match &expr.kind {
            ExprKind::And(parts) => self.any(parts.iter().map(|part| self.when_false(part, cx)), cx),
            ExprKind::Or(parts) => self.together(parts, false, cx),
            ExprKind::Not(part) => self.when_true(part, cx),
            ExprKind::Bool(value) => (!value).then(Vec::new),
            ExprKind::Null => None,
            ExprKind::Compare { op, left, right } if !is_row(left) && !is_row(right) => {
                self.compare(negated(*op), left, right, cx)
            }
            ExprKind::IsNull(part) => match &part.kind {
                ExprKind::WholeRow(fields) => Some(self.row_is_there(fields)),
                _ => Some(self.strict(part)),
            },
            // It differs from an element, of which there is one.
            ExprKind::InList(left, list) if !is_row(left) && !list.is_empty() => Some(self.strict(left)),
            // `… IS NOT TRUE`: it is false or NULL, so that it says something only of what is never NULL.
            ExprKind::IsBool(part, Some(value)) if self.is_never_null(part, cx) => match value {
                true => self.when_false(part, cx),
                false => self.when_true(part, cx),
            },
            ExprKind::Coalesce(parts) => {
                let parts = self.reachable(parts, cx);
                self.any(parts.iter().map(|part| self.when_false(part, cx)), cx)
            }
            _ => Some(Vec::new()),
        }
    }

    /// What follows where one column of a whole row is not NULL at the least: all of one table, that row is there, and what its
    /// table has no NULL in is not NULL.
    fn row_is_there(&self, fields: &[(String, ColId)]) -> Vec<Claim> {
        let origin = |col: ColId| self.plan.columns.get(col.0 as usize).and_then(|info| info.origin);
        let origins: Option<Vec<(ColId, (ScanId, usize))>> =
            fields.iter().map(|(_, col)| Some((*col, origin(*col)?))).collect();
        let Some(origins) = origins else { return Vec::new() };
        let scans: BTreeSet<ScanId> = origins.iter().map(|(_, (scan, _))| *scan).collect();
        if scans.len() != 1 {
            return Vec::new();
        }
        let filled = origins.into_iter().filter(|(_, (scan, at))| self.stored_is_filled(*scan, *at));
        filled.map(|(col, _)| Claim::NotNull(col)).collect()
    }

    /// What follows where all of `parts` have one truth value. A part that branches is read last, with what the others
    /// imply: `(k = $1 OR k = $2) AND $2 = $1`.
    fn together(&self, parts: &'a [Expr], value: bool, cx: &Known<'_>) -> Implied {
        let read = |part: &'a Expr, cx: &Known<'_>| match value {
            true => self.when_true(part, cx),
            false => self.when_false(part, cx),
        };
        let (plain, branching): (Vec<&'a Expr>, Vec<&'a Expr>) =
            parts.iter().partition(|part| is_plain(part));
        let mut claims = self.all(plain.into_iter().map(|part| read(part, cx)))?;
        for part in branching {
            let mut facts = cx.facts.to_vec();
            facts.extend(claims.iter().cloned().map(Fact::plain));
            let closure = self.close(cx.outer, &facts);
            claims.extend(read(part, &Known { outer: cx.outer, facts: &facts, closure: &closure })?);
        }
        Some(claims)
    }

    /// The arguments of COALESCE whose value may be the result: none after one that is never NULL.
    fn reachable<'p>(&self, parts: &'p [Expr], cx: &Known<'_>) -> &'p [Expr]
    where
        'p: 'a,
    {
        let last = parts.iter().position(|part| self.is_never_null(part, cx));
        last.and_then(|at| parts.get(..=at)).unwrap_or(parts)
    }

    /// The value cannot be NULL.
    pub(super) fn is_never_null(&self, expr: &'a Expr, cx: &Known<'_>) -> bool {
        let all = |parts: &'a [Expr]| parts.iter().all(|part| self.is_never_null(part, cx));
        match &expr.kind {
            ExprKind::IsNull(_) | ExprKind::IsBool(..) | ExprKind::NotDistinct(..) => true,
            ExprKind::And(parts) | ExprKind::Or(parts) => all(parts),
            ExprKind::Not(part) => self.is_never_null(part, cx),
            ExprKind::Compare { left, right, .. } => {
                self.is_definite(left, cx) && self.is_definite(right, cx)
            }
            ExprKind::InList(left, list) => {
                self.is_definite(left, cx) && list.iter().all(|item| self.is_definite(item, cx))
            }
            ExprKind::Array(_) => true,
            ExprKind::Coalesce(parts) => parts.iter().any(|part| self.is_never_null(part, cx)),
            ExprKind::Subquery(sub) => {
                let filled = || sub.rel.cols.iter().all(|col| self.is_filled(&sub.rel, *col, cx));
                match &sub.usage {
                    SubqueryUsage::Exists => true,
                    SubqueryUsage::Any(operands, Some(_)) | SubqueryUsage::All(operands, Some(_)) => {
                        operands.iter().all(|operand| self.is_definite(operand, cx)) && filled()
                    }
                    SubqueryUsage::Scalar => has_a_row(&sub.rel) && filled(),
                    SubqueryUsage::Any(_, None) | SubqueryUsage::All(_, None) | SubqueryUsage::Array => false,
                }
            }
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Bool(_) => true,
            _ => self.term(expr, cx).is_some_and(|term| cx.closure.not_null(&term)),
        }
    }

    /// A comparison with the value is never NULL by it; of a row not by any of its columns.
    fn is_definite(&self, expr: &'a Expr, cx: &Known<'_>) -> bool {
        match &expr.kind {
            ExprKind::Row(parts) => parts.iter().all(|part| self.is_definite(part, cx)),
            ExprKind::WholeRow(_) => false,
            _ => self.is_never_null(expr, cx),
        }
    }

    pub(super) fn all(&self, parts: impl Iterator<Item = Implied>) -> Implied {
        let mut claims = Vec::new();
        for part in parts {
            claims.extend(part?);
        }
        Some(claims)
    }

    /// What holds in every arm that can be true.
    pub(super) fn any(&self, arms: impl Iterator<Item = Implied>, cx: &Known<'_>) -> Implied {
        let mut closures = Vec::new();
        for claims in arms.flatten() {
            let mut facts = cx.facts.to_vec();
            facts.extend(claims.into_iter().map(Fact::plain));
            let closure = self.close(cx.outer, &facts);
            if !closure.contradicts() {
                closures.push(closure);
            }
        }
        let (first, rest) = closures.split_first()?;
        let rest = if cfg!(tenantry_sabotage = "or") { &[] } else { rest };
        let shared = first.claims().into_iter().filter(|claim| rest.iter().all(|arm| arm.holds(claim)));
        Some(shared.collect())
    }

    pub(super) fn compare(&self, op: CompareOp, left: &'a Expr, right: &'a Expr, cx: &Known<'_>) -> Implied {
        if let (ExprKind::Row(lefts), ExprKind::Row(rights)) = (&left.kind, &right.kind) {
            // Rows within rows are compared as values, in which NULLs are alike: they say nothing of what is in them.
            if lefts.len() != rights.len() || lefts.iter().chain(rights).any(is_row) {
                return Some(Vec::new());
            }
            // Rows are compared column by column from the left, so that the first one is in order, or alike.
            let first = match op {
                CompareOp::Eq => None,
                CompareOp::Lt | CompareOp::LtEq => Some(CompareOp::LtEq),
                CompareOp::Gt | CompareOp::GtEq => Some(CompareOp::GtEq),
                CompareOp::NotEq => return Some(Vec::new()),
            };
            if let Some(op) = first {
                let pair = lefts.first().zip(rights.first());
                return pair.map_or(Some(Vec::new()), |(left, right)| self.compare(op, left, right, cx));
            }
            let pairs = lefts.iter().zip(rights);
            return self.all(pairs.map(|(left, right)| self.compare(op, left, right, cx)));
        }
        if let Some((lefts, rights)) = self.fields(left).zip(self.fields(right))
            && op == CompareOp::Eq
        {
            return self.fields_alike(lefts, rights, cx);
        }
        if is_row(left) || is_row(right) {
            return Some(Vec::new());
        }
        if is_null(left) || is_null(right) {
            // Never true, and never false.
            return None;
        }
        let mut claims = Vec::new();
        if op == CompareOp::NotEq
            && let Some(implied) = self.boolean_equality(left, right, false, cx)
        {
            return implied;
        }
        if op == CompareOp::Eq {
            if let Some(implied) = self.boolean_equality(left, right, true, cx) {
                return implied;
            }
            claims.extend(self.case_equality(left, right, cx)?);
            claims.extend(self.case_equality(right, left, cx)?);
            claims.extend(self.difference(left, right, cx));
            claims.extend(self.parts_equal(left, right, cx)?);
            claims.extend(self.spelled_equal(left, right, cx));
            let terms = self.present(left, cx).zip(self.present(right, cx));
            if let Some((a, b)) = terms.filter(|_| self.comparison_is_exact(left, right)) {
                claims.extend(self.wrapped_equal(left, &b));
                claims.extend(self.wrapped_equal(right, &a));
                claims.push(Claim::Equal(a, b));
            }
        }
        if let Some((low, high)) = in_order(op, left, right) {
            // Where equality tells different values apart, the order of the same type does too (a btree needs one order
            // for both).
            let terms = self.term(low, cx).zip(self.term(high, cx));
            let order = self.order_of(left, right).filter(|_| self.comparison_is_exact(left, right));
            if let Some(((low, high), order)) = terms.zip(order) {
                claims.push(Claim::AtMost(low, high, order));
            }
        }
        claims.extend(self.strict(left));
        claims.extend(self.strict(right));
        claims.extend(self.filled_by_order(op, left, right));
        Some(claims)
    }

    /// `coalesce(x, 0) > 1` asks for an `x`, since what stands for a missing one does not pass.
    fn filled_by_order(&self, op: CompareOp, left: &'a Expr, right: &'a Expr) -> Vec<Claim> {
        // Not through casts: as texts, 9 comes after 10.
        let number = |expr: &Expr| match &expr.kind {
            ExprKind::Number(text) => text.parse::<i64>().ok(),
            _ => None,
        };
        let given = |side: &'a Expr| match &side.kind {
            ExprKind::Coalesce(parts) => match parts.as_slice() {
                [value, instead] => Some((value, number(instead)?)),
                _ => None,
            },
            _ => None,
        };
        let (value, passes) = match (given(left), given(right)) {
            (Some((value, instead)), None) => match number(right) {
                Some(bound) => (value, holds(op, instead, bound)),
                None => return Vec::new(),
            },
            (None, Some((value, instead))) => match number(left) {
                Some(bound) => (value, holds(op, bound, instead)),
                None => return Vec::new(),
            },
            _ => return Vec::new(),
        };
        if passes { Vec::new() } else { self.strict(value) }
    }

    /// `(predicate) = true` and the like, or `(predicate) <> true`, which is never true of NULL either.
    fn boolean_equality(
        &self,
        left: &'a Expr,
        right: &'a Expr,
        is_equal: bool,
        cx: &Known<'_>,
    ) -> Option<Implied> {
        let (part, value) = match (self.certain_truth(left, cx), self.certain_truth(right, cx)) {
            (_, Some(value)) => (left, value),
            (Some(value), None) => (right, value),
            (None, None) => return None,
        };
        Some(if value == is_equal { self.when_true(part, cx) } else { self.when_false(part, cx) })
    }

    /// A condition whose truth is the same on every row.
    fn certain_truth(&self, expr: &'a Expr, cx: &Known<'_>) -> Option<bool> {
        match &expr.kind {
            ExprKind::Bool(value) => Some(*value),
            ExprKind::Not(part) => self.certain_truth(part, cx).map(|value| !value),
            ExprKind::IsNull(part) => self.is_never_null(part, cx).then_some(false),
            _ => None,
        }
    }

    /// What is true exactly where `expr` is, without tests that say nothing of it: `(p) IS NOT FALSE` and `coalesce(p, true)`
    /// of what is never NULL, `(p) IS TRUE` and `coalesce(p, false)` of anything.
    pub(super) fn core(&self, expr: &'a Expr, cx: &Known<'_>) -> &'a Expr {
        let inner = match &expr.kind {
            ExprKind::IsBool(part, Some(true)) => Some(&**part),
            ExprKind::Not(test) => match &test.kind {
                ExprKind::IsBool(part, Some(false)) => {
                    Some(&**part).filter(|part| self.is_never_null(part, cx))
                }
                ExprKind::Not(part) => Some(&**part),
                _ => None,
            },
            ExprKind::Coalesce(parts) => match parts.as_slice() {
                [part, Expr { kind: ExprKind::Bool(false), .. }] => Some(part),
                [part, ..] => Some(part).filter(|part| self.is_never_null(part, cx)),
                [] => None,
            },
            // Of several conditions all but one are never true, and never fail.
            ExprKind::Or(parts) => {
                let may_be =
                    |part: &&Expr| !subqueries(part).is_empty() || self.when_true(part, cx).is_some();
                let mut left = parts.iter().filter(may_be);
                match (left.next(), left.next()) {
                    (Some(only), None) => Some(only),
                    _ => None,
                }
            }
            _ => None,
        };
        inner.map_or(expr, |inner| self.core(inner, cx))
    }

    /// The conditions that all hold where `predicate` is true.
    pub(super) fn atoms(&self, predicate: &'a Expr, cx: &Known<'_>) -> Vec<&'a Expr> {
        let core = self.core(predicate, cx);
        match &core.kind {
            ExprKind::And(parts) => parts.iter().flat_map(|part| self.atoms(part, cx)).collect(),
            _ => {
                let mut found = vec![core];
                found.extend(not_false(core).into_iter().flat_map(|part| self.atoms_not_false(part, cx)));
                found
            }
        }
    }

    /// The conditions that all hold where `predicate` is not false, which a conjunction is if none of its parts is: those parts
    /// that cannot be NULL are then true, whatever becomes of the others.
    fn atoms_not_false(&self, predicate: &'a Expr, cx: &Known<'_>) -> Vec<&'a Expr> {
        match &predicate.kind {
            ExprKind::And(parts) => parts.iter().flat_map(|part| self.atoms_not_false(part, cx)).collect(),
            _ if self.is_never_null(predicate, cx) => self.atoms(predicate, cx),
            _ => Vec::new(),
        }
    }

    /// `CASE … END = constant`: only the arms whose value may be that constant count.
    fn case_equality(&self, side: &'a Expr, other: &'a Expr, cx: &Known<'_>) -> Implied {
        let side = match &side.kind {
            ExprKind::Column(col) => match self.defs.get(col) {
                Some(def) => def,
                None => return Some(Vec::new()),
            },
            _ => side,
        };
        let ExprKind::Case { arms, otherwise } = &side.kind else { return Some(Vec::new()) };
        let may_be = |value: &Expr| match &value.kind {
            ExprKind::Null => false,
            _ => !certainly_differ(value, other),
        };
        let each = arms.iter().map(|(when, then)| match may_be(then) {
            true => self.when_true(when, cx),
            false => None,
        });
        let last = match otherwise {
            Some(part) if may_be(part) => Some(Vec::new()),
            Some(_) | None => None,
        };
        self.any(each.chain(std::iter::once(last)), cx)
    }

    /// `a - b = 0` says `a = b`.
    fn difference(&self, left: &'a Expr, right: &'a Expr, cx: &Known<'_>) -> Vec<Claim> {
        let (ExprKind::Arithmetic { op: ArithmeticOp::Minus, left: a, right: b }, Some(zero)) =
            (&left.kind, constant(right))
        else {
            return Vec::new();
        };
        if zero != "0" || !self.comparison_is_exact(a, b) || left.ty != SqlType::Int {
            return Vec::new();
        }
        let terms = self.term(a, cx).zip(self.term(b, cx));
        terms.map(|(a, b)| Claim::Equal(a, b)).into_iter().collect()
    }

    fn is_null(&self, part: &'a Expr, cx: &Known<'_>) -> Implied {
        let computed = match part.kind {
            ExprKind::Column(col) => self.defs.get(&col).copied(),
            _ => None,
        };
        let part = computed.filter(|def| matches!(def.kind, ExprKind::NullIf(..))).unwrap_or(part);
        if let ExprKind::NullIf(a, b) = &part.kind {
            let known = self.term(a, cx).is_some_and(|term| cx.closure.not_null(&term));
            return if known { self.compare(CompareOp::Eq, a, b, cx) } else { Some(Vec::new()) };
        }
        match self.term(part, cx) {
            Some(term) if cx.closure.not_null(&term) => None,
            Some(_) | None => Some(Vec::new()),
        }
    }

    /// Columns that are not NULL where `expr` is not NULL.
    pub(super) fn strict(&self, expr: &'a Expr) -> Vec<Claim> {
        match &expr.kind {
            ExprKind::Column(col) => vec![Claim::NotNull(*col)],
            ExprKind::Field(row, at) => self.strict_part(self.field(row, *at)),
            ExprKind::Cast(part) | ExprKind::Collate(part, _) | ExprKind::Negate(part) => self.strict(part),
            ExprKind::Arithmetic { left, right, .. } => {
                let mut claims = self.strict(left);
                claims.extend(self.strict(right));
                claims
            }
            ExprKind::Concat(left, right) if expr.ty == SqlType::Text => {
                let mut claims = self.strict(left);
                claims.extend(self.strict(right));
                claims
            }
            ExprKind::Subquery(sub) if matches!(sub.usage, SubqueryUsage::Scalar) => {
                sub.rel.cols.first().map(|col| Claim::NotNull(*col)).into_iter().collect()
            }
            ExprKind::Pure { name, args } => self.strict_part(self.member(name, args)),
            _ => Vec::new(),
        }
    }

    /// The value of an expression that is not NULL, as a term: `NULLIF(x, '')` is then `x`.
    pub(super) fn present(&self, expr: &'a Expr, cx: &Known<'_>) -> Option<Term> {
        match &expr.kind {
            ExprKind::NullIf(value, _) => self.present(value, cx),
            ExprKind::Cast(part) if self.cast_keeps_apart(part, &expr.ty) => self.present(part, cx),
            _ => self.term(expr, cx),
        }
    }

    /// The value of an expression as a term, if it is one.
    pub(super) fn term(&self, expr: &'a Expr, cx: &Known<'_>) -> Option<Term> {
        match &expr.kind {
            ExprKind::Column(col) => Some(Term::column(*col)),
            ExprKind::Param(number) => Some(Term::of(match self.tenant_of(&TenantSource::Param(*number)) {
                Some(tenant) => Base::Tenant(tenant),
                None => Base::Param(*number),
            })),
            ExprKind::Setting { name, .. } => {
                Some(Term::of(match self.tenant_of(&TenantSource::Setting(name.clone())) {
                    Some(tenant) => Base::Tenant(tenant),
                    None => Base::Setting(name.clone()),
                }))
            }
            ExprKind::Number(text) => Some(Term::of(Base::Constant(text.clone()))),
            ExprKind::String(text) => Some(Term::of(Base::Constant(format!("'{text}'")))),
            ExprKind::Bool(value) => Some(Term::of(Base::Constant(value.to_string()))),
            ExprKind::Cast(part) => self.cast_keeps_apart(part, &expr.ty).then(|| self.term(part, cx))?,
            ExprKind::Collate(part, true) => self.term(part, cx),
            ExprKind::Negate(part) if expr.ty == SqlType::Int || is_given(part) => {
                Some(self.term(part, cx)?.through(Injection::Negate))
            }
            ExprKind::Field(row, at) => self.part_term(&self.field(row, *at)?, cx),
            ExprKind::Arithmetic { op, left, right } if expr.ty == SqlType::Int => match op {
                ArithmeticOp::Plus => match (constant(left), constant(right)) {
                    (_, Some(number)) => Some(self.term(left, cx)?.through(Injection::Add(number))),
                    (Some(number), _) => Some(self.term(right, cx)?.through(Injection::Add(number))),
                    (None, None) => None,
                },
                ArithmeticOp::Minus => {
                    let number = constant(right)?;
                    Some(self.term(left, cx)?.through(Injection::Add(format!("-{number}"))))
                }
                ArithmeticOp::Multiply
                | ArithmeticOp::Divide
                | ArithmeticOp::Modulo
                | ArithmeticOp::Power => None,
            },
            ExprKind::Concat(left, right) if expr.ty == SqlType::Text => match (&left.kind, &right.kind) {
                (_, ExprKind::String(text)) => {
                    Some(self.term(left, cx)?.through(Injection::Append(text.clone())))
                }
                (ExprKind::String(text), _) => {
                    Some(self.term(right, cx)?.through(Injection::Prepend(text.clone())))
                }
                _ => None,
            },
            ExprKind::Coalesce(parts) => {
                let first = parts.first()?;
                let term = self.term(first, cx)?;
                let uniform = parts.iter().all(|part| self.comparison_is_exact(first, part));
                (uniform && cx.closure.not_null(&term)).then_some(term)
            }
            ExprKind::Extreme(parts) => {
                let (first, rest) = parts.split_first()?;
                let term = self.term(first, cx)?;
                let same = rest.iter().all(|part| {
                    self.comparison_is_exact(first, part)
                        && self.term(part, cx).is_some_and(|other| cx.closure.equal(&term, &other))
                });
                same.then_some(term)
            }
            ExprKind::Subquery(sub) if matches!(sub.usage, SubqueryUsage::Scalar) => {
                sub.rel.cols.first().map(|col| Term::column(*col))
            }
            // `ROW(x)` is no `x`: it is a value where that is NULL.
            ExprKind::Row(_) => None,
            ExprKind::Pure { name, args } => {
                if let Some((shape, inner)) = self.wrapped(expr) {
                    // Around NULL it is a value, so that it would say too much of what is inside.
                    let term = self.term(inner, cx)?;
                    return cx.closure.not_null(&term).then(|| term.through(shape));
                }
                self.part_as_text(&self.member(name, args)?, cx)
            }
            _ => None,
        }
    }

    /// Casting keeps different values apart (and no value becomes another's).
    pub(super) fn cast_keeps_apart(&self, part: &Expr, to: &SqlType) -> bool {
        // One value in another notation is still that value: the tenant's own.
        let fixed = is_given(part);
        match (&part.ty, to) {
            (_, SqlType::Int | SqlType::Numeric | SqlType::Uuid | SqlType::Text) if fixed => true,
            (SqlType::Int, SqlType::Int | SqlType::Numeric | SqlType::Text) => true,
            (SqlType::Numeric, SqlType::Numeric) => true,
            (SqlType::Uuid, SqlType::Uuid | SqlType::Text) => true,
            // Short enough to be cut off nowhere.
            (SqlType::Int | SqlType::Uuid, SqlType::Name) => true,
            (SqlType::Text, SqlType::Text) | (SqlType::VarcharN(_), SqlType::Text) => true,
            (SqlType::Named(a), SqlType::Named(b)) => a == b && self.type_is_exact(to),
            (SqlType::Unknown, SqlType::Int | SqlType::Uuid | SqlType::Text) => self.term_is_param_cast(part),
            _ => false,
        }
    }

    fn term_is_param_cast(&self, part: &Expr) -> bool {
        match &part.kind {
            ExprKind::Cast(inner) => self.term_is_param_cast(inner),
            ExprKind::Param(_) | ExprKind::Setting { .. } => true,
            _ => false,
        }
    }

    /// The elements of an array, if its own type, or the one it is cast to, leaves each the value that it is.
    pub(super) fn plain_elements(&self, array: &'a Expr) -> Option<&'a [Expr]> {
        let (inner, to) = match &array.kind {
            ExprKind::Cast(inner) => (&**inner, Some(&array.ty)),
            _ => (array, None),
        };
        let list = match &inner.kind {
            ExprKind::Array(list) => list.as_slice(),
            _ => std::slice::from_ref(self.only_element(inner)?),
        };
        let keeps = match to {
            None => true,
            Some(SqlType::Array(to)) => list.iter().all(|item| self.cast_keeps_apart(item, to)),
            Some(_) => false,
        };
        keeps.then_some(list)
    }

    /// The comparison resolves to an `=` that tells different values apart.
    pub(super) fn comparison_is_exact(&self, left: &Expr, right: &Expr) -> bool {
        if !self.keeps_texts_apart(left) || !self.keeps_texts_apart(right) {
            return false;
        }
        match (&left.ty, &right.ty) {
            (SqlType::Unknown, SqlType::Unknown) => self.is_fixed_value(left) && self.is_fixed_value(right),
            (SqlType::Unknown, known) => self.type_is_exact(known) && self.adapts(left, known),
            (known, SqlType::Unknown) => self.type_is_exact(known) && self.adapts(right, known),
            (SqlType::Name, SqlType::Name | SqlType::Text) | (SqlType::Text, SqlType::Name) => true,
            (a, b) => self.type_is_exact(a) && self.type_is_exact(b) && are_comparable(a, b),
        }
    }

    /// Both sides are placeholders or constants: whichever type they take, they are one value.
    fn is_fixed_value(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Param(number) => self.param_adapts(*number, None),
            ExprKind::String(_) => true,
            _ => false,
        }
    }

    /// An expression of unknown type takes the other side's.
    fn adapts(&self, expr: &Expr, to: &SqlType) -> bool {
        match &expr.kind {
            ExprKind::Param(number) => self.param_adapts(*number, Some(to)),
            ExprKind::String(_) | ExprKind::Null => true,
            ExprKind::Coalesce(parts) | ExprKind::Extreme(parts) => {
                parts.iter().all(|part| self.adapts(part, to))
            }
            ExprKind::NullIf(value, _) => self.adapts(value, to),
            // Of an untyped placeholder the database would not know which minus is meant: it has a type, and one that
            // this comparison takes.
            ExprKind::Negate(value) => self.adapts(value, to),
            ExprKind::Row(parts) => parts.iter().all(|part| self.adapts(part, to)),
            // A subquery or a select list hands a placeholder on as it is (a string as text, which compares exactly or
            // not at all).
            ExprKind::Column(col) => self.defs.get(col).is_some_and(|def| self.adapts(def, to)),
            ExprKind::Subquery(sub) if matches!(sub.usage, SubqueryUsage::Scalar) => {
                let col = sub.rel.cols.first();
                col.and_then(|col| self.defs.get(col)).is_some_and(|def| self.adapts(def, to))
            }
            _ => false,
        }
    }

    /// A placeholder has one type in the whole statement: no use of it may make the comparison another one.
    fn param_adapts(&self, number: u32, to: Option<&SqlType>) -> bool {
        let at = usize::try_from(number).unwrap_or(usize::MAX);
        let Some(uses) = at.checked_sub(1).and_then(|at| self.plan.param_types.get(at)) else { return true };
        uses.iter().all(|ty| {
            self.type_is_exact(ty)
                && to.is_none_or(|to| are_comparable(ty, to) || *ty == SqlType::Text || *to == SqlType::Text)
        })
    }

    /// Notes what the shape of a predicate says of a leak.
    pub(super) fn note_hints(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::And(parts) => parts.iter().for_each(|part| self.note_hints(part)),
            ExprKind::Or(parts) => {
                let asked: Vec<u32> = parts.iter().filter_map(null_test).collect();
                let cols = parts.iter().flat_map(|part| compared(part, &asked));
                let hints: Vec<_> = cols.map(|col| (col, LeakKind::OptionalFilter, expr.range)).collect();
                self.hints.extend(hints);
                let arms: Vec<Vec<ColId>> = parts.iter().map(asked_for).collect();
                let in_all = |col: &ColId| arms.iter().all(|arm| arm.contains(col));
                self.in_arms.extend(arms.iter().flatten().filter(|col| !in_all(col)));
                parts.iter().for_each(|part| self.note_hints(part));
            }
            ExprKind::Compare { op: CompareOp::Eq, left, right } => match (&left.kind, &right.kind) {
                _ if optional(left, right).is_some() => {
                    let hint = |col| (col, LeakKind::OptionalFilter, expr.range);
                    self.hints.extend(optional(left, right).map(hint));
                }
                (ExprKind::Column(a), ExprKind::Column(b)) if a == b => {
                    self.hints.push((*a, LeakKind::SelfComparison, expr.range));
                }
                (ExprKind::Column(a), _) | (_, ExprKind::Column(a))
                    if constant(left).is_some() || constant(right).is_some() =>
                {
                    self.hints.push((*a, LeakKind::FixedTenant, expr.range));
                }
                _ => {}
            },
            _ => {}
        }
    }
}

/// True of a row only where the subquery has one.
fn asks_for_a_row(sub: &Subquery) -> bool {
    matches!(sub.usage, SubqueryUsage::Exists | SubqueryUsage::Any(_, Some(_)))
}

/// The columns that a relation makes, at whatever depth, and its scans.
pub(super) fn note_made(rel: &Rel, made: &mut BTreeSet<ColId>, scans: &mut BTreeSet<ScanId>) {
    made.extend(&rel.cols);
    match &rel.kind {
        RelKind::Scan { scan, .. } => {
            scans.insert(*scan);
        }
        RelKind::Project { input, computed } => {
            made.extend(computed.iter().map(|(col, _)| *col));
            note_made(input, made, scans);
        }
        RelKind::Filter { input, .. }
        | RelKind::Sort { input, .. }
        | RelKind::Distinct { input, .. }
        | RelKind::Limit { input, .. } => note_made(input, made, scans),
        RelKind::Aggregate { input, .. } | RelKind::Window { input, .. } => note_made(input, made, scans),
        RelKind::Join { left, right, .. }
        | RelKind::SetOp { left, right, .. }
        | RelKind::Recursive { base: left, step: right, .. } => {
            note_made(left, made, scans);
            note_made(right, made, scans);
        }
        RelKind::Unit
        | RelKind::Values(_)
        | RelKind::WorkingTable
        | RelKind::Returned { .. }
        | RelKind::WrittenRow
        | RelKind::Function { .. } => {}
    }
}

/// What is known where a predicate is read.
pub(super) struct Known<'k> {
    pub(super) outer: &'k Outer,
    pub(super) facts: &'k [Fact],
    pub(super) closure: &'k Closure,
}

/// `column = column` merges, so that both must be of one family.
fn are_comparable(a: &SqlType, b: &SqlType) -> bool {
    let number = |ty: &SqlType| matches!(ty, SqlType::Int | SqlType::Numeric);
    let text = |ty: &SqlType| matches!(ty, SqlType::Text | SqlType::VarcharN(_));
    a == b || (number(a) && number(b)) || (text(a) && text(b))
}

/// The comparison that is true where this one is false.
fn negated(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::NotEq,
        CompareOp::NotEq => CompareOp::Eq,
        CompareOp::Lt => CompareOp::GtEq,
        CompareOp::LtEq => CompareOp::Gt,
        CompareOp::Gt => CompareOp::LtEq,
        CompareOp::GtEq => CompareOp::Lt,
    }
}

/// The operands of an order comparison, the one first that is not greater.
fn in_order<'e>(op: CompareOp, left: &'e Expr, right: &'e Expr) -> Option<(&'e Expr, &'e Expr)> {
    match op {
        CompareOp::Lt | CompareOp::LtEq => Some((left, right)),
        CompareOp::Gt | CompareOp::GtEq => Some((right, left)),
        CompareOp::Eq | CompareOp::NotEq => None,
    }
}

/// What the condition says does not depend on what else is known: it is no disjunction, and no function of NULL is in it.
pub(super) fn is_plain(expr: &Expr) -> bool {
    let branches = matches!(
        expr.kind,
        ExprKind::And(_)
            | ExprKind::Or(_)
            | ExprKind::Not(_)
            | ExprKind::IsBool(..)
            | ExprKind::NotDistinct(..)
            | ExprKind::InList(..)
            | ExprKind::Quantified { .. }
            | ExprKind::Case { .. }
            | ExprKind::Coalesce(_)
            | ExprKind::NullIf(..)
            | ExprKind::Extreme(_)
    );
    !branches && children(expr).into_iter().all(is_plain)
}

fn is_row(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Row(_) | ExprKind::WholeRow(_))
}

/// A value that comes from outside the database, or NULL in its place.
fn is_given(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Param(_) | ExprKind::Setting { .. } | ExprKind::String(_) => true,
        ExprKind::NullIf(value, _) => is_given(value),
        _ => false,
    }
}

/// The written form of a constant.
fn constant(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Number(text) => Some(text.clone()),
        ExprKind::String(text) => Some(format!("'{text}'")),
        ExprKind::Bool(value) => Some(value.to_string()),
        ExprKind::Cast(part) if matches!(part.kind, ExprKind::String(_) | ExprKind::Number(_)) => {
            constant(part)
        }
        _ => None,
    }
}

/// The condition of `(condition) IS NOT FALSE` and `coalesce(condition, true)`, which are true where it is not false.
fn not_false(expr: &Expr) -> Option<&Expr> {
    match &expr.kind {
        ExprKind::Not(test) => match &test.kind {
            ExprKind::IsBool(part, Some(false)) => Some(part),
            _ => None,
        },
        ExprKind::Coalesce(parts) => match parts.as_slice() {
            [part, Expr { kind: ExprKind::Bool(true), .. }] => Some(part),
            _ => None,
        },
        _ => None,
    }
}

/// Two constants that no comparison finds equal: plain integers or booleans of one kind, without casts. The same value has
/// many spellings, so that anything else may be equal.
fn certainly_differ(a: &Expr, b: &Expr) -> bool {
    match (&a.kind, &b.kind) {
        (ExprKind::Bool(a), ExprKind::Bool(b)) => a != b,
        (ExprKind::Number(a), ExprKind::Number(b)) => match (a.parse::<i64>(), b.parse::<i64>()) {
            (Ok(a), Ok(b)) => a != b,
            _ => false,
        },
        _ => false,
    }
}

/// What a comparison of two numbers says.
fn holds(op: CompareOp, left: i64, right: i64) -> bool {
    match op {
        CompareOp::Eq => left == right,
        CompareOp::NotEq => left != right,
        CompareOp::Lt => left < right,
        CompareOp::LtEq => left <= right,
        CompareOp::Gt => left > right,
        CompareOp::GtEq => left >= right,
    }
}

fn null_test(expr: &Expr) -> Option<u32> {
    let ExprKind::IsNull(part) = &expr.kind else { return None };
    param(part)
}

/// The column of `column = COALESCE($n, column)`, which is true for every row with a value where `$n` is NULL.
fn optional(left: &Expr, right: &Expr) -> Option<ColId> {
    let (col, parts) = match (&left.kind, &right.kind) {
        (ExprKind::Column(col), ExprKind::Coalesce(parts))
        | (ExprKind::Coalesce(parts), ExprKind::Column(col)) => (*col, parts),
        _ => return None,
    };
    let (last, given) = parts.split_last()?;
    let is_itself = matches!(last.kind, ExprKind::Column(other) if other == col);
    (is_itself && given.iter().all(|part| param(part).is_some())).then_some(col)
}

fn param(expr: &Expr) -> Option<u32> {
    match &expr.kind {
        ExprKind::Param(number) => Some(*number),
        ExprKind::Cast(part) => param(part),
        _ => None,
    }
}

/// The columns that a conjunction compares with placeholders.
fn asked_for(expr: &Expr) -> Vec<ColId> {
    match &expr.kind {
        ExprKind::And(parts) => parts.iter().flat_map(asked_for).collect(),
        ExprKind::Compare { op: CompareOp::Eq, left, right } => match (&left.kind, &right.kind) {
            (ExprKind::Column(col), _) if param(right).is_some() => vec![*col],
            (_, ExprKind::Column(col)) if param(left).is_some() => vec![*col],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn compared(expr: &Expr, params: &[u32]) -> Option<ColId> {
    let ExprKind::Compare { op: CompareOp::Eq, left, right } = &expr.kind else { return None };
    match (&left.kind, &right.kind) {
        (ExprKind::Column(col), _) if param(right).is_some_and(|number| params.contains(&number)) => {
            Some(*col)
        }
        (_, ExprKind::Column(col)) if param(left).is_some_and(|number| params.contains(&number)) => {
            Some(*col)
        }
        _ => None,
    }
}

/// Every subquery of an expression that is not inside another one, with whether it stands as a conjunct, and whether
/// only its being true matters there.
pub(super) fn subqueries(expr: &Expr) -> Vec<(&crate::plan::Subquery, TextRange, Position)> {
    let mut found = Vec::new();
    collect(expr, Position::Conjunct, &mut found);
    found
}

/// Where a subquery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    /// The row counts only if it is true.
    Conjunct,
    /// Only its truth matters, not whether it is false or NULL, but the row may count without it.
    Positive,
    /// Anything.
    Value,
}

fn collect<'e>(
    expr: &'e Expr,
    at: Position,
    found: &mut Vec<(&'e crate::plan::Subquery, TextRange, Position)>,
) {
    let positive = if at == Position::Value { Position::Value } else { Position::Positive };
    match &expr.kind {
        ExprKind::Subquery(sub) => {
            if let SubqueryUsage::Any(operands, _) | SubqueryUsage::All(operands, _) = &sub.usage {
                operands.iter().for_each(|operand| collect(operand, Position::Value, found));
            }
            found.push((sub, expr.range, at));
        }
        ExprKind::And(parts) => parts.iter().for_each(|part| collect(part, at, found)),
        ExprKind::Or(parts) => parts.iter().for_each(|part| collect(part, positive, found)),
        ExprKind::IsBool(part, Some(true)) => collect(part, at, found),
        _ => children(expr).into_iter().for_each(|part| collect(part, Position::Value, found)),
    }
}

/// The direct parts of an expression, subqueries apart.
pub(super) fn children(expr: &Expr) -> Vec<&Expr> {
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
        ExprKind::And(parts)
        | ExprKind::Or(parts)
        | ExprKind::StrictPredicate { operands: parts, .. }
        | ExprKind::Row(parts)
        | ExprKind::Array(parts)
        | ExprKind::Coalesce(parts)
        | ExprKind::Extreme(parts)
        | ExprKind::Pure { args: parts, .. }
        | ExprKind::Opaque(parts) => parts.iter().collect(),
        ExprKind::Not(part)
        | ExprKind::IsNull(part)
        | ExprKind::IsBool(part, _)
        | ExprKind::Cast(part)
        | ExprKind::Collate(part, _)
        | ExprKind::Negate(part)
        | ExprKind::Field(part, _) => vec![part],
        ExprKind::Compare { left, right, .. }
        | ExprKind::NotDistinct(left, right)
        | ExprKind::NullIf(left, right)
        | ExprKind::Arithmetic { left, right, .. }
        | ExprKind::Concat(left, right) => vec![left, right],
        ExprKind::Quantified { left, array, .. } => vec![left, array],
        ExprKind::InList(left, list) => std::iter::once(&**left).chain(list).collect(),
        ExprKind::Case { arms, otherwise } => {
            let arms = arms.iter().flat_map(|(when, then)| [when, then]);
            arms.chain(otherwise.as_deref()).collect()
        }
        ExprKind::Subquery(sub) => match &sub.usage {
            SubqueryUsage::Any(operands, _) | SubqueryUsage::All(operands, _) => operands.iter().collect(),
            SubqueryUsage::Exists | SubqueryUsage::Scalar | SubqueryUsage::Array => Vec::new(),
        },
    }
}

/// Every column named in an expression, subqueries' bodies apart.
pub(super) fn columns(expr: &Expr) -> Vec<ColId> {
    let mut found = match &expr.kind {
        ExprKind::Column(col) => vec![*col],
        ExprKind::WholeRow(fields) => fields.iter().map(|(_, col)| *col).collect(),
        _ => Vec::new(),
    };
    found.extend(children(expr).into_iter().flat_map(columns));
    found
}

/// True if something in the expression is not modelled, or a tenant value or representative stands in it in a way
/// that no law of this module reads.
pub(super) fn is_murky(expr: &Expr, telling: &Telling) -> bool {
    telling.is_told_by(expr) && atom_is_murky(expr, telling)
}

/// Columns that say something of the owner.
pub(super) struct Telling {
    /// Those that name it.
    pub(super) reps: BTreeSet<ColId>,
    /// Those that were computed from such.
    pub(super) derived: BTreeSet<ColId>,
    /// All columns of the rows whose owner it is.
    pub(super) own: BTreeSet<ColId>,
    /// Those that name it by a row alone, as a parent's id does.
    pub(super) rows: BTreeSet<ColId>,
    /// They are bounded on two sides, which may leave one value; a bound on one side leaves a range of tenants.
    pub(super) is_bounded: bool,
}

impl Telling {
    /// Something that names the owner is equated with a column of another relation, which may name it too.
    fn meets(&self, expr: &Expr) -> bool {
        let ExprKind::Compare { op: CompareOp::Eq, left, right } = &expr.kind else { return false };
        let column = |side: &Expr| match side.kind {
            ExprKind::Column(col) => Some(col),
            _ => None,
        };
        let Some((a, b)) = column(left).zip(column(right)) else { return false };
        let is_pair = |a: &ColId, b: &ColId| self.reps.contains(a) && !self.own.contains(b);
        is_pair(&a, &b) || is_pair(&b, &a)
    }

    /// The expression speaks of the owner.
    pub(super) fn is_told_by(&self, expr: &Expr) -> bool {
        columns(expr).iter().any(|col| self.reps.contains(col) || self.derived.contains(col))
    }
}

fn atom_is_murky(expr: &Expr, telling: &Telling) -> bool {
    let is_plain = |side: &Expr| match &side.kind {
        ExprKind::Column(col) => !telling.derived.contains(col),
        ExprKind::Param(_) | ExprKind::Number(_) | ExprKind::String(_) => true,
        _ => false,
    };
    let is_plain = |side: &Expr| match &side.kind {
        ExprKind::Row(items) => items.iter().all(is_plain),
        _ => is_plain(side),
    };
    match &expr.kind {
        ExprKind::Compare { op, left, right } if *op != CompareOp::Eq => {
            telling.is_bounded || !(is_plain(left) && is_plain(right))
        }
        // Arms that are read one by one, and all speak of the owner, may all say the same of it.
        ExprKind::Or(parts)
            if parts.iter().all(|part| telling.is_told_by(part))
                && parts
                    .iter()
                    .any(|part| matches!(part.kind, ExprKind::Subquery(_)) || telling.meets(part)) =>
        {
            true
        }
        // Rows pass by that alternative, whosever they are.
        ExprKind::Or(parts) if parts.iter().any(|part| lets_others_pass(part, telling)) => false,
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().any(|part| is_murky(part, telling)),
        ExprKind::Not(part) => is_murky(part, telling),
        ExprKind::Compare { op: CompareOp::Eq, left, right } => {
            optional(left, right).is_none() && !(is_plain(left) && is_plain(right))
        }
        ExprKind::InList(left, list) => {
            !(matches!(left.kind, ExprKind::Column(_))
                && is_plain(left)
                && list.iter().all(|item| children(item).is_empty()))
        }
        ExprKind::IsNull(part) => !matches!(part.kind, ExprKind::Column(_)),
        ExprKind::Subquery(_) => false,
        _ => true,
    }
}

/// What asks something of the row alone, or nothing at all, and does not speak of its owner.
fn lets_others_pass(expr: &Expr, telling: &Telling) -> bool {
    match &expr.kind {
        ExprKind::Bool(value) => *value,
        _ => {
            let columns = columns(expr);
            !columns.is_empty()
                && columns.iter().all(|col| telling.own.contains(col))
                && !telling.is_told_by(expr)
        }
    }
}

/// A helper for rows that are known: nothing but the state and what is around it.
pub(super) fn known<'k>(outer: &'k Outer, state: &'k State, closure: &'k Closure) -> Known<'k> {
    Known { outer, facts: &state.facts, closure }
}
