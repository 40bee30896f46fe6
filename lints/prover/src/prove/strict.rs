//! Strict mode: success and SQLSTATE are observable too.
//!
//! An operation that can fail must run only on rows of the tenant. SQL promises no order among the conditions of one
//! filter, so that a partial operation in a filter is not proved unless something below fences it off. Constraints that
//! span tenants tell by their error that another tenant's row exists.

use tenantry_span::TextRange;

use crate::bind::walk::rel_exprs;
use crate::catalog::{KeyKind, Table};
use crate::plan::{
    ArithmeticOp, ColId, CompareOp, Expr, ExprKind, JoinKind, Rel, RelKind, ScanId, SubqueryUsage,
};
use crate::prove::context::{Names, Outer, Prover, State, Status};
use crate::prove::facts::Term;
use crate::prove::predicate::{children, columns};
use crate::tenancy::TableOwner;
use crate::types::SqlType;
use crate::verdict::{Obstacle, ObstacleKind};

impl Prover<'_> {
    /// A filter's predicate, before it is applied to `state`.
    pub(super) fn strict_filter(&mut self, state: &State, input: Option<&Rel>, predicate: &Expr) {
        if !self.tenancy.strict_errors {
            return;
        }
        let fenced = input.is_some_and(is_fence) && !has_open(state);
        if let Some(range) = self.partial(predicate, state).filter(|_| !fenced && !state.classes.is_empty()) {
            self.may_fail(
                range,
                "this condition can fail on rows of other tenants before the filter by the tenant applies",
            );
        }
    }

    /// An expression evaluated for each row of `state`.
    pub(super) fn strict_value(&mut self, state: &State, expr: &Expr) {
        if !self.tenancy.strict_errors || !has_open(state) {
            return;
        }
        if let Some(range) = self.partial(expr, state) {
            self.may_fail(range, "this expression can fail on rows of other tenants");
        }
    }

    pub(super) fn may_fail(&mut self, range: TextRange, why: &str) {
        let help = Some("strict-errors counts success and failure as visible".to_owned());
        self.obstacles.push(Obstacle { kind: ObstacleKind::NotProved, range, message: why.to_owned(), help });
    }

    /// Unique keys and foreign keys that a new row with these values may violate because of other tenants' rows.
    pub(super) fn strict_insert(
        &mut self,
        state: &State,
        target: ScanId,
        given: &[(String, Option<Term>)],
        range: TextRange,
        outer: &Outer,
    ) {
        if !self.tenancy.strict_errors {
            return;
        }
        let Some(table) = self.table(target) else { return };
        for key in &table.keys {
            if !self.holds_owner(target, &key.columns, key.kind) && !self.fresh(table, &key.columns, given) {
                let columns = key.spoken();
                self.may_fail(
                    range,
                    &format!(
                        "the unique key ({columns}) spans tenants: its violation tells of another tenant's row"
                    ),
                );
            }
        }
        self.strict_references(state, target, given, range, outer);
    }

    /// Keys that an UPDATE of these columns to these values may violate.
    pub(super) fn strict_update(
        &mut self,
        state: &State,
        target: ScanId,
        given: &[(String, Option<Term>)],
        range: TextRange,
        outer: &Outer,
    ) {
        if !self.tenancy.strict_errors {
            return;
        }
        let Some(table) = self.table(target) else { return };
        for key in &table.keys {
            // Expressions and predicates of an index speak of columns as well.
            let touched = key.mentions.iter().any(|name| given.iter().any(|(known, _)| known == name));
            if touched && !self.holds_owner(target, &key.columns, key.kind) {
                let text = key.spoken();
                self.may_fail(
                    range,
                    &format!(
                        "the unique key ({text}) spans tenants: its violation tells of another tenant's row"
                    ),
                );
            }
        }
        self.strict_references(state, target, given, range, outer);
    }

    fn strict_references(
        &mut self,
        state: &State,
        target: ScanId,
        given: &[(String, Option<Term>)],
        range: TextRange,
        outer: &Outer,
    ) {
        let Some(table) = self.table(target) else { return };
        let closure = self.close(outer, &state.facts);
        for key in &table.foreign_keys {
            let mut carried =
                key.columns.iter().filter_map(|name| self.exact_domain(&table.name, name)).peekable();
            let (carries, shared) = match self.tenancy.owner(&key.target) {
                // Whether a tenant of that name is there is the tenant's own to know.
                TableOwner::Root { .. } => (carried.peek().is_some(), false),
                TableOwner::Shared => (false, true),
                TableOwner::Keyed { .. } | TableOwner::Child { .. } | TableOwner::Undeclared => {
                    (self.tell_the_tenant(&key.target, carried), false)
                }
            };
            let written = given.iter().find(|(name, _)| key.columns.contains(name));
            let Some((_, term)) = written.filter(|_| !carries && !shared) else { continue };
            let names =
                key.target_columns.first().map(|column| Names::Row(key.target.clone(), column.clone()));
            let own = state.classes.iter().filter(|class| class.status == Status::Pinned).any(|class| {
                class.reps.iter().any(|rep| {
                    // A value that is no term equals nothing that is known.
                    let same = |term: &Term| closure.equal(&rep.term(), term);
                    Some(&rep.names) == names.as_ref() && term.as_ref().is_some_and(same)
                })
            });
            if !own {
                let columns = key.columns.join(", ");
                self.may_fail(range, &format!("the foreign key ({columns}) tells by its error whether a row of another tenant exists"));
            }
        }
    }

    /// The place of something in the expression that can fail, evaluated for each row of `state`.
    fn partial<'e>(&self, expr: &'e Expr, state: &State) -> Option<TextRange> {
        // Rows that are written on both sides are compared item by item.
        let written = |expr: &'e Expr| match &expr.kind {
            ExprKind::Row(items) => Some(items.as_slice()),
            _ => None,
        };
        let rows: Option<Vec<&[Expr]>> = match &expr.kind {
            ExprKind::Compare { left, right, .. } => {
                [left, right].into_iter().map(|side| written(side)).collect()
            }
            ExprKind::InList(left, list) => [&**left].into_iter().chain(list).map(written).collect(),
            _ => None,
        };
        if let Some(rows) = rows {
            return rows.into_iter().flatten().find_map(|part| self.partial(part, state));
        }
        let here = match &expr.kind {
            // As a value it may be compared with a row of other types, which is an error once both are there.
            ExprKind::Row(items) => !items.iter().all(is_constant),
            ExprKind::Arithmetic { op, left, right } => match op {
                // A whole number has a quotient by any positive one; by -1 the smallest has none.
                ArithmeticOp::Divide | ArithmeticOp::Modulo => left.ty != SqlType::Int || !is_positive(right),
                ArithmeticOp::Power => true,
                ArithmeticOp::Plus | ArithmeticOp::Minus | ArithmeticOp::Multiply => {
                    !(is_constant(left) && is_constant(right))
                }
            },
            ExprKind::Cast(part) => !is_constant(part) && !widens(&part.ty, &expr.ty),
            ExprKind::Pure { name, args } => {
                let of_jsonb = matches!(name.as_str(), "->" | "->>")
                    && args.first().is_some_and(|object| object.ty == SqlType::Jsonb);
                // Text in `json` is read when it is asked for, and some of it cannot be (manual, 8.14).
                let is_read = |arg: &Expr| arg.ty == SqlType::Json;
                let is_total = (of_jsonb || TOTAL.contains(&name.as_str()) || self.members(expr).is_some())
                    && !args.iter().any(is_read);
                !is_total && !args.is_empty() && !args.iter().all(is_constant)
            }
            ExprKind::Subquery(sub) => {
                matches!(sub.usage, SubqueryUsage::Scalar) && !self.at_most_one(&sub.rel)
            }
            _ => false,
        };
        if here {
            return Some(expr.range);
        }
        if let ExprKind::Subquery(sub) = &expr.kind
            && let Some(range) = self.partial_inside(&sub.rel, state)
        {
            return Some(range);
        }
        children(expr).into_iter().find_map(|part| self.partial(part, state))
    }

    /// The same in a subquery, whose own rows are looked at where it is bound: what is computed there from the rows around
    /// it, or from something that was computed, fails as it would out here.
    fn partial_inside(&self, rel: &Rel, state: &State) -> Option<TextRange> {
        let stored = |col: &ColId| {
            let origin = self.plan.columns.get(col.0 as usize).and_then(|info| info.origin);
            origin.is_some() && !state.made.contains(col)
        };
        let mut found = None;
        rel_exprs(rel, &mut |expr| {
            if found.is_none() && !columns(expr).iter().all(stored) {
                found = self.partial(expr, state);
            }
        });
        found
    }

    /// The relation has one row at the most.
    pub(super) fn at_most_one(&self, rel: &Rel) -> bool {
        match &rel.kind {
            RelKind::Unit => true,
            RelKind::Limit { input, single, .. } => *single || self.at_most_one(input),
            RelKind::Aggregate { grouping, .. } => matches!(grouping, crate::plan::Grouping::Whole),
            RelKind::Filter { input, predicate } => {
                self.at_most_one(input) || self.picks_one_row(input, predicate)
            }
            RelKind::Project { input, .. } | RelKind::Sort { input, .. } => self.at_most_one(input),
            RelKind::Join { kind: JoinKind::Inner, left, right, .. } => {
                self.at_most_one(left) && self.at_most_one(right)
            }
            _ => false,
        }
    }

    /// The relation never has a row: of one at the most `OFFSET` leaves none.
    pub(super) fn is_empty(&self, rel: &Rel) -> bool {
        match &rel.kind {
            RelKind::Limit { input, skips, .. } => *skips && self.at_most_one(input) || self.is_empty(input),
            RelKind::Filter { input, .. }
            | RelKind::Project { input, .. }
            | RelKind::Sort { input, .. }
            | RelKind::Distinct { input, .. } => self.is_empty(input),
            _ => false,
        }
    }

    /// The predicate compares the columns of a unique key with values that are the same for all rows of the table, so that it
    /// leaves one of them at the most.
    pub(super) fn picks_one_row(&self, input: &Rel, predicate: &Expr) -> bool {
        let RelKind::Scan { scan, .. } = &input.kind else { return false };
        let (Some(info), Some(table)) = (self.scan(*scan), self.table(*scan)) else { return false };
        let own = |expr: &Expr| match &expr.kind {
            ExprKind::Column(col) => info.cols.iter().position(|known| known == col),
            _ => None,
        };
        let fixed = |expr: &Expr| is_value(expr) && !columns(expr).iter().any(|col| info.cols.contains(col));
        let atoms = match &predicate.kind {
            ExprKind::And(parts) => parts.as_slice(),
            _ => std::slice::from_ref(predicate),
        };
        let compared: Vec<usize> = atoms
            .iter()
            .filter_map(|atom| match &atom.kind {
                ExprKind::Compare { op: CompareOp::Eq, left, right }
                    if self.comparison_is_exact(left, right) =>
                {
                    own(left).filter(|_| fixed(right)).or_else(|| own(right).filter(|_| fixed(left)))
                }
                _ => None,
            })
            .collect();
        let is_compared = |name: &String| table.column(name).is_some_and(|at| compared.contains(&at));
        table.keys.iter().any(|key| {
            self.key_is_premise(table, key) && !key.columns.is_empty() && key.columns.iter().all(is_compared)
        })
    }

    fn holds_owner(&self, target: ScanId, columns: &[String], kind: KeyKind) -> bool {
        self.table(target).is_some_and(|table| self.holds_owner_of(table, columns, kind))
    }

    /// Rows that agree on these columns of a key have one owner.
    pub(super) fn holds_owner_of(&self, table: &Table, columns: &[String], kind: KeyKind) -> bool {
        let domains = columns.iter().filter_map(|name| self.exact_domain(&table.name, name));
        let tells = self.tell_the_tenant(&table.name, domains);
        let owner = self.tenancy.owner(&table.name);
        let owning = |name: &String| matches!(owner, TableOwner::Child { by, .. } if by == name);
        kind != KeyKind::Exclusion && (tells || columns.iter().any(owning))
    }

    fn fresh(&self, table: &Table, columns: &[String], given: &[(String, Option<Term>)]) -> bool {
        columns
            .iter()
            .any(|name| given.iter().all(|(known, _)| known != name) && self.default_is_fresh(table, name))
    }
}

/// Functions that fail for no value of their argument's type.
const TOTAL: &[&str] = &[
    "btrim",
    "char_length",
    "character_length",
    "initcap",
    "json_build_array",
    "jsonb_build_array",
    "jsonb_typeof",
    "json_typeof",
    "length",
    "lower",
    "ltrim",
    "md5",
    "octet_length",
    "quote_ident",
    "quote_literal",
    "reverse",
    "rtrim",
    "starts_with",
    "strpos",
    "to_json",
    "to_jsonb",
    "trim",
    "upper",
];

fn has_open(state: &State) -> bool {
    state
        .classes
        .iter()
        .any(|class| !matches!(class.status, Status::Pinned | Status::Shared | Status::Outer(..)))
}

/// Conditions above do not move below it.
fn is_fence(rel: &Rel) -> bool {
    match &rel.kind {
        RelKind::Limit { .. } => true,
        RelKind::Sort { input, .. } | RelKind::Project { input, .. } => is_fence(input),
        _ => false,
    }
}

/// A column, a value from outside, or a constant, cast or not: one value, however often it is asked for.
fn is_value(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Column(_)
        | ExprKind::Param(_)
        | ExprKind::Setting { .. }
        | ExprKind::Number(_)
        | ExprKind::String(_)
        | ExprKind::Bool(_) => true,
        ExprKind::Cast(part) => is_value(part),
        _ => false,
    }
}

/// A whole number above zero, written out.
fn is_positive(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Number(number) if number.parse::<u32>().is_ok_and(|number| number > 0))
}

fn is_constant(expr: &Expr) -> bool {
    !matches!(expr.kind, ExprKind::Column(_) | ExprKind::Subquery(_))
        && children(expr).into_iter().all(is_constant)
}

fn widens(from: &SqlType, to: &SqlType) -> bool {
    // A name that is too long is cut off.
    from == to
        || matches!(to, SqlType::Text | SqlType::Name)
        || (*from == SqlType::Int && *to == SqlType::Numeric)
}
