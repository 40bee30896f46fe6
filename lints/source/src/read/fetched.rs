//! Rows that are looked at only where they are the tenant's: fetched first, then compared, and left where they are not.
//!
//! **Invariant:** a check counts for a query only if it has passed wherever the row is mentioned, from the block into which
//! that was fetched on. What is mentioned is told by names alone, those in format strings included: a name that means
//! something else makes a check count less, never more.

use std::borrow::Cow;
use std::collections::HashSet;

use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use syn::punctuated::Punctuated;
use syn::{Arm, BinOp, Expr, ExprIf, ExprMethodCall, Member, Pat, Stmt, Token};
use tenantry_prover::verdict::Nullability;
use tenantry_span::{Span, TextRange};

use super::Reader;
use super::conditions::{AskedOf, Equal, Inside, Known, rest, unwrapped_call, viewed};
use super::dominated::{Ends, Mentions, Names, Passes, guarded};
use super::evaluate::{returns, strip};
use super::handed::{
    is_nothing, is_place_as_it_stands, is_whole, looked_name, names_of, plain_name, unwrapped_by,
};
use super::provenance::{is_place, names_in};
use super::scope::{LocalId, Source};
use super::walk::{Step, expression_attributes, unchained};
use crate::chains::Fields;
use crate::chains::records::record;
use crate::{CheckCall, Given, RowCheck, RowColumn, RowValue};

/// Macros that leave unless their condition holds.
const HOLDING: &[&str] = &["ensure", "assert"];
/// Macros that leave unless their first two arguments are equal.
const EQUALING: &[&str] = &["assert_eq", "ensure_eq"];

/// The row that a block begins with: `if let Some(row) = …` and what it is taken from.
#[derive(Clone, Copy)]
pub(super) struct Header<'a> {
    pattern: &'a Pat,
    value: &'a Expr,
}

/// A comparison, and where it is known to have held.
struct Test {
    /// The statement that the row comes from.
    within: Span,
    by: By,
    span: Span,
    /// Where the row may be mentioned although the check has not passed: in the check itself, and in what is looked at only
    /// where it held.
    places: Vec<TextRange>,
    /// Where the check itself tells of the row before it compares.
    told: Option<Span>,
    passed: Passed,
    /// The variable that alone holds what passed.
    narrows: Option<String>,
    /// Where it passed, there was a row.
    there: There,
}

/// A check of a row, and how far its passing is known.
pub(super) struct Open {
    test: Test,
    /// What ends only where it passed.
    ends: Ends,
}

/// Whether there was a row where a check passed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum There {
    No,
    /// Where the variable that was compared holds no wrapper.
    IfUnwrapped,
    Yes,
}

/// What compares a row.
enum By {
    /// The comparison itself: the column, and what it is compared with.
    Comparison(RowColumn, Box<crate::Bind>),
    /// A call, if its function does.
    Call(Box<CheckCall>),
}

/// `rows.filter(|row| …)` on a variable, within the statement that is walked.
pub(super) struct Filtered {
    /// The variable.
    of: String,
    /// The statement that the rows come from; nothing where the variable is changed by it.
    within: Option<Span>,
    call: Span,
    column: RowColumn,
    bind: crate::Bind,
    span: Span,
    places: Vec<TextRange>,
    told: Option<Span>,
    /// The variable keeps what passed.
    retains: bool,
}

/// A comparison of a row that goes by a name of its own.
struct Compared {
    column: RowColumn,
    bind: crate::Bind,
    span: Span,
    places: Vec<TextRange>,
    told: Option<Span>,
}

/// Where in its statement, and after it, a check has passed.
#[derive(Clone, Copy)]
struct Passed {
    /// In this part of the statement.
    inside: Option<TextRange>,
    /// In all that follows this part of it.
    after: Option<TextRange>,
}

impl<'a> Reader<'a> {
    /// Notes the row that the block about to be walked begins with.
    pub(super) fn enter_with_row(&mut self, pattern: &'a Pat, value: &'a Expr) {
        self.header = Some(Header { pattern, value });
    }

    /// Takes note of the checks of one statement of a block, which was just walked. `marks` says how many variables there
    /// were before each of its statements.
    pub(super) fn note_row_checks(
        &mut self,
        statements: &'a [Stmt],
        marks: &[LocalId],
        at: usize,
        header: Option<Header<'a>>,
    ) {
        let (Some(statement), Some(limit)) = (statements.get(at), marks.get(at).copied()) else { return };
        let here = self.range(statement);
        let inside = |open: &mut Open| here.range.contains_range(open.test.span.range);
        let mut open: Vec<Open> = self.open_checks.extract_if(.., inside).collect();
        let mut tests = self.tests_of(statement, limit);
        tests.extend(self.tests_of_filters(statements, at));
        open.extend(tests.into_iter().map(Open::of));
        if open.is_empty() {
            return;
        }
        let behind = self.extent(statements).map(|extent| (extent, rest(here.range, extent.end)));
        for open in merged(open) {
            self.note_row_check(statements, at, limit, header, behind, open);
        }
    }

    /// Takes note of one of them, or leaves it to the block around that the row was fetched in.
    fn note_row_check(
        &mut self,
        statements: &'a [Stmt],
        at: usize,
        limit: LocalId,
        header: Option<Header<'a>>,
        behind: Option<(TextRange, TextRange)>,
        mut open: Open,
    ) {
        let Some(statement) = statements.get(at) else { return };
        let within = open.test.within;
        let Some(site) = self.only_site_in(within).map(|site| site.span) else { return };
        let passes = self.passes(statement, within, limit, &open.ends);
        if let Some((extent, behind)) = behind.filter(|_| passes > Passes::Never) {
            open.test.places.push(behind);
            open.ends.push((extent, passes));
        }
        let fetched_at = statements.iter().take(at).rposition(|earlier| {
            matches!(earlier, Stmt::Local(_)) && self.range(earlier).range.contains_range(within.range)
        });
        let fetched = match (fetched_at.and_then(|found| statements.get(found)), header) {
            (Some(Stmt::Local(local)), _) if local.attrs.is_empty() => {
                local.init.as_ref().map(|init| (&local.pat, &*init.expr))
            }
            (None, Some(header)) if self.range(header.value).range.contains_range(within.range) => {
                Some((header.pattern, header.value))
            }
            _ => None,
        };
        let is_certain = passes == Passes::Always && open.test.there == There::Yes;
        if fetched.is_none() {
            if fetched_at.is_none() && !self.range(statement).range.contains_range(within.range) {
                let has_left =
                    self.held_from(within).is_some_and(|(value, _)| self.has_left_errors(value, site));
                self.note_passed(site, passes, is_certain, has_left);
                self.open_checks.push(open);
            }
            return;
        }
        // The row goes whole into variables, and nothing was done with it on the way.
        let fetched = fetched.filter(|(_, value)| self.is_row(value, site, &[]));
        let first = fetched_at.map_or(0, |found| found + 1);
        // Where a filter took the row away, that none is left says nothing of what it was found by.
        let between = statements.get(first..=at).unwrap_or_default();
        let is_left = between.iter().any(|statement| {
            matches!(statement, Stmt::Local(local)
                if local.init.as_ref().is_some_and(|init| is_filtered(&init.expr)))
        }) || fetched.is_some_and(|(_, value)| is_filtered(value));
        let Some((pattern, value)) = fetched else { return };
        let Some(names) = Names::of(pattern) else { return };
        let is_unwrapped =
            || self.layers(value, site).is_some_and(|left| Some(left) == unwrapped_by(pattern));
        let is_certain =
            is_certain || passes == Passes::Always && open.test.there == There::IfUnwrapped && is_unwrapped();
        let Open { test, .. } = open;
        let unchecked = self.used_before(statements, first, at, &test, site, names);
        if !is_left && unchecked.is_none() {
            let has_left = is_ok(pattern) || self.has_left_errors(value, site);
            self.note_passed(site, passes, is_certain, has_left);
        }
        self.note_check_of(within, test, unchecked);
    }

    /// True unless a field of a row may be another column than that of its name: a type that is not seen to derive how it is
    /// read may be read otherwise. The row is in `place`, or in a variable that `place` is of.
    fn is_column(&self, row: &RowValue, place: &Expr) -> bool {
        let (held, ty) = self.held_from(row.within).unwrap_or((place, None));
        !matches!(row.column, RowColumn::Field(_)) || self.gives_whole_rows(held, ty)
    }

    /// What a variable holds of the query of a statement, as the first one got it.
    fn held_from(&self, within: Span) -> Option<(&'a Expr, Option<&'a syn::Type>)> {
        let mut values = self.locals.iter().filter_map(|local| match local.source {
            Source::Let(value) | Source::Part(value) => Some((value, local.ty)),
            _ => None,
        });
        values.find(|(value, _)| {
            let held = self.range(*value);
            held.file == within.file && held.range.contains_range(within.range)
        })
    }

    /// Takes note that the row of a query was checked on every way to what follows here, or that there was none: where
    /// `has_left` says so the function left if the query failed, which says nothing of what there is.
    fn note_passed(&mut self, site: Span, passes: Passes, is_certain: bool, has_left: bool) {
        let Some(scope) = self.scopes.last_mut() else { return };
        if is_certain {
            scope.checked.push(site);
        } else if passes > Passes::Never && has_left {
            scope.checked_if_any.push(site);
        }
    }

    fn note_check_of(&mut self, within: Span, test: Test, unchecked: Option<Span>) {
        let fields = self.held_from(within).map(|(value, ty)| self.fields_fetched(value, ty));
        let Some(site) = self.only_site_in(within) else { return };
        if let Some(Fields::InOrder(fields)) = fields {
            site.fields = Some(fields);
        }
        match test.by {
            By::Comparison(column, bind) => {
                site.checks.push(RowCheck { column, bind: *bind, span: test.span, unchecked });
            }
            By::Call(call) => site.check_calls.push(CheckCall { unchecked, ..*call }),
        }
    }

    /// Takes note of the query of a statement that is passed only where it returned a row: `fetch_one(…).await?`,
    /// `fetch_optional(…).await?.ok_or(…)?`, `let Some(row) = … else { … }`.
    pub(super) fn note_found(&mut self, statement: &'a Stmt, limit: LocalId) {
        let (value, taken) = match statement {
            Stmt::Local(local) if local.attrs.is_empty() => {
                let Some(init) = &local.init else { return };
                let Some(taken) = unwrapped_by(&local.pat) else { return };
                (&*init.expr, taken)
            }
            Stmt::Expr(Expr::If(choice), _) if choice.attrs.is_empty() => {
                return self.note_found_by_if(choice, limit);
            }
            Stmt::Expr(Expr::Match(choice), _) if choice.attrs.is_empty() => {
                let leaves = |arm: &&syn::Arm| !self.surely_diverges(&arm.body);
                let mut staying = choice.arms.iter().filter(leaves);
                let (Some(arm), None) = (staying.next(), staying.next()) else { return };
                let (pattern, _) = guarded(arm);
                let Some(taken) = unwrapped_by(pattern).filter(|_| arm.attrs.is_empty()) else {
                    return self.note_arm(&choice.expr, arm, limit);
                };
                (&*choice.expr, taken)
            }
            Stmt::Expr(expr, Some(_)) if expression_attributes(expr).is_empty() => (expr, 0),
            _ => return,
        };
        self.note_taken(value, taken, limit);
    }

    /// Takes note of the query of `if found.is_none() { return … }`, `if !exists { return … }`, `if count == 0 { return … }`.
    fn note_found_by_if(&mut self, choice: &'a ExprIf, limit: LocalId) {
        if self.surely_leaves(&choice.then_branch) {
            self.note_refuted(&choice.cond, limit);
        }
    }

    /// Takes note of the queries that returned a row where a condition holds: `if let Some(row) = found`, `if exists`,
    /// `if count > 0`.
    pub(super) fn note_held(&mut self, condition: &'a Expr, limit: LocalId) {
        let mut asked = vec![condition];
        while let Some(condition) = asked.pop() {
            match strip(condition) {
                Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
                    asked.extend([&*binary.left, &*binary.right]);
                }
                Expr::Let(of) => {
                    if let Some(taken) = unwrapped_by(&of.pat) {
                        self.note_taken(&of.expr, taken, limit);
                    }
                }
                Expr::Binary(binary) if is_some_counted(binary) => self.note_counted(&binary.left, limit),
                Expr::MethodCall(call) if call.method == "is_some" || call.method == "is_ok" => {
                    self.note_taken(&call.receiver, 1, limit);
                }
                Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Not(_)) => {
                    self.note_refuted(&unary.expr, limit);
                }
                answer => match self.condition_held(answer, limit) {
                    Some((condition, before)) => self.note_held(condition, before),
                    None => self.note_answered(answer, limit),
                },
            }
        }
    }

    /// The condition whose answer a variable holds, and where that was declared.
    fn condition_held(&self, answer: &Expr, limit: LocalId) -> Option<(&'a Expr, LocalId)> {
        let Expr::Path(path) = answer else { return None };
        let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
        let local = self.locals.get(id)?;
        let is_steady = !local.assigned && !local.unsteady && !local.torn && !local.mutable;
        let Source::Let(condition) = local.source else { return None };
        let is_asked = match strip(condition) {
            Expr::Binary(_) | Expr::Unary(_) => true,
            Expr::MethodCall(call) => {
                ["is_some", "is_none", "is_ok", "is_err"].iter().any(|name| call.method == name)
            }
            _ => false,
        };
        (is_steady && is_asked).then_some((condition, id))
    }

    /// Takes note of a query of which a number of rows, or what one says, is above zero.
    fn note_counted(&mut self, number: &'a Expr, limit: LocalId) {
        let source = self.steady_source(number, limit).map(without_count);
        let Some(from) = source.and_then(|value| self.steady_source(value, limit)) else { return };
        let Some(site) = self.only_site_in(self.range(from)).map(|site| site.span) else { return };
        if !self.is_executed(from, site) {
            return self.note_answered(number, limit);
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.found.push(site);
        }
    }

    /// What a variable holds that nothing changes; any other expression itself.
    fn steady_source(&self, value: &'a Expr, limit: LocalId) -> Option<&'a Expr> {
        let Expr::Path(path) = strip(value) else { return Some(strip(value)) };
        let local = self.locals.get(self.lookup(&path.path.get_ident()?.to_string(), limit)?)?;
        let is_steady = !local.assigned && !local.unsteady && !local.torn && !local.mutable;
        let Source::Let(from) = local.source else { return None };
        is_steady.then_some(from)
    }

    /// True for what the call at `site` says of the rows that it changed.
    fn is_executed(&self, value: &Expr, site: Span) -> bool {
        match strip(value) {
            Expr::Try(inner) => self.is_executed(&inner.expr, site),
            Expr::Await(inner) => self.is_executed(&inner.base, site),
            Expr::MethodCall(call) if self.executes(call, site) => true,
            Expr::MethodCall(call) => {
                const KEEPING: &[&str] = &["unwrap", "expect", "map_err", "context"];
                KEEPING.iter().any(|name| call.method == name) && self.is_executed(&call.receiver, site)
            }
            _ => false,
        }
    }

    /// Takes note of the queries that returned a row where a pattern takes what they returned.
    pub(super) fn note_arm(&mut self, value: &'a Expr, arm: &'a Arm, limit: LocalId) {
        if !arm.attrs.is_empty() {
            return;
        }
        let (pattern, _) = guarded(arm);
        match (unwrapped_by(pattern), truth(pattern)) {
            (Some(taken), _) => self.note_taken(value, taken, limit),
            (None, Some(true)) => self.note_held(value, limit),
            (None, Some(false)) => self.note_refuted(value, limit),
            (None, None) => {}
        }
    }

    /// Takes note of the queries that returned a row where a condition does not hold.
    pub(super) fn note_refuted(&mut self, condition: &'a Expr, limit: LocalId) {
        let mut asked = vec![condition];
        while let Some(condition) = asked.pop() {
            match strip(condition) {
                Expr::Binary(binary) if matches!(binary.op, BinOp::Or(_)) => {
                    asked.extend([&*binary.left, &*binary.right]);
                }
                Expr::Binary(binary) if is_none_counted(binary) => self.note_counted(&binary.left, limit),
                Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Not(_)) => {
                    self.note_held(&unary.expr, limit);
                }
                Expr::MethodCall(call) if call.method == "is_none" || call.method == "is_err" => {
                    self.note_taken(&call.receiver, 1, limit);
                }
                answer => {
                    if let Some((condition, before)) = self.condition_held(answer, limit) {
                        self.note_refuted(condition, before);
                    }
                }
            }
        }
    }

    /// Takes note of a query whose one value this is, or a variable holds, which was yes, or a number above zero.
    fn note_answered(&mut self, value: &'a Expr, limit: LocalId) {
        let from = match strip(value) {
            Expr::Path(path) => {
                let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
                let Some(local) = id.and_then(|id| self.locals.get(id)) else { return };
                let is_steady = !local.assigned && !local.unsteady && !local.torn && !local.mutable;
                let Source::Let(from) = local.source else { return };
                if !is_steady {
                    return;
                }
                from
            }
            itself => itself,
        };
        let Some(site) = self.only_site_in(self.range(from)).map(|site| site.span) else { return };
        if self.is_answer(from, site)
            && let Some(scope) = self.scopes.last_mut()
        {
            scope.answered.push(site);
        }
    }

    /// True for the one value that the call at `site` returned, or no in its place.
    fn is_answer(&self, value: &Expr, site: Span) -> bool {
        match strip(value) {
            Expr::Try(inner) => self.is_answer(&inner.expr, site),
            Expr::Await(inner) => self.is_answer(&inner.base, site),
            Expr::Call(call) => self.is_row_call(site) && self.range(call) == site,
            Expr::MethodCall(call) if self.fetches(call, site) => {
                self.is_row_call(site) || call.method == "fetch_one" || call.method == "fetch_optional"
            }
            Expr::MethodCall(call) if call.method == "unwrap_or" => {
                call.args.iter().all(is_no) && self.is_answer(&call.receiver, site)
            }
            Expr::MethodCall(call) => {
                const KEEPING: &[&str] = &["unwrap", "expect", "map_err", "context", "unwrap_or_default"];
                KEEPING.iter().any(|name| call.method == name) && self.is_answer(&call.receiver, site)
            }
            _ => false,
        }
    }

    /// Takes note of a query whose value, or that of a variable which holds it, was passed by unwrapping it so often.
    pub(super) fn note_taken(&mut self, value: &'a Expr, taken: usize, limit: LocalId) {
        let mut value = value;
        let mut taken = taken;
        let mut limit = limit;
        for _ in 0..super::provenance::MAX_STEPS {
            let range = self.range(value);
            if let Some(site) = self.only_site_in(range).map(|site| site.span) {
                if self.layers(value, site) == Some(taken)
                    && let Some(scope) = self.scopes.last_mut()
                {
                    scope.found.push(site);
                }
                return;
            }
            match strip(value) {
                // The variable, and how often it is unwrapped.
                Expr::Try(inner) => {
                    value = &inner.expr;
                    taken += 1;
                }
                Expr::MethodCall(call) if call.method == "unwrap" || call.method == "expect" => {
                    value = &call.receiver;
                    taken += 1;
                }
                Expr::MethodCall(call)
                    if ["ok_or", "ok_or_else", "as_ref", "clone"].iter().any(|name| call.method == name) =>
                {
                    value = &call.receiver;
                }
                Expr::Path(path) => {
                    let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
                    let Some(id) = self.lookup(&name, limit) else { return };
                    let Some(local) = self.locals.get(id) else { return };
                    let is_steady = !local.assigned && !local.unsteady && !local.torn;
                    let Source::Let(from) = local.source else { return };
                    if !is_steady {
                        return;
                    }
                    (value, limit) = (from, id);
                }
                _ => return,
            }
        }
    }

    /// Takes note of `fetched.filter(|row| row.tenant == tenant)`: what is left is the tenant's.
    pub(super) fn note_row_filter(&mut self, call: &'a ExprMethodCall) {
        let (Some(Expr::Closure(closure)), 1) = (call.args.first(), call.args.len()) else { return };
        let (Some(input), 1) = (closure.inputs.first(), closure.inputs.len()) else { return };
        let Some(name) = looked_name(input).filter(|_| returns(&closure.body).is_none()) else { return };
        let retains = call.method == "retain";
        let row = self.row(&call.receiver, RowColumn::Only, LocalId::MAX, 0);
        let of = viewed(&call.receiver);
        if row.is_none() && !(retains && of.is_some()) {
            return;
        }
        let span = self.range(call);
        let inside = Inside {
            rows: Cow::Borrowed(&*call.receiver),
            name,
            named: self.range(input),
            condition: Cow::Borrowed(&*closure.body),
            outcome: true,
            there: true,
            limit: LocalId::MAX,
            span,
            end: span.range.end,
        };
        let found = self.compared_inside(&inside);
        if let Some(of) = of {
            let within = row.filter(|_| !retains).map(|row| row.within);
            self.filtered.extend(found.into_iter().map(
                |Compared { column, bind, span: at, places, told }| Filtered {
                    of: of.clone(),
                    within,
                    call: span,
                    column,
                    bind,
                    span: at,
                    places,
                    told,
                    retains,
                },
            ));
            return;
        }
        let Some(within) = row.map(|row| row.within) else { return };
        let Some(site) = self.only_site_in(within).map(|site| site.span) else { return };
        if !self.is_row(&call.receiver, site, &[]) {
            return;
        }
        let checks = found.into_iter().map(|Compared { column, bind, span, told, .. }| RowCheck {
            column,
            bind,
            span,
            unchecked: told,
        });
        if let Some(site) = self.only_site_in(within) {
            site.checks.extend(checks);
        }
    }

    /// The comparisons of each row that a condition looks at.
    fn compared_inside(&mut self, inside: &Inside<'_>) -> Vec<Compared> {
        let named = std::slice::from_ref(&inside.name);
        let whole = self.range(&*inside.condition);
        let mut found = Vec::new();
        for Equal { left, right, limit, end } in self.known_of_row(inside) {
            for (place, other) in [(left, right), (right, left)] {
                let (place, tenant) = (within_some(place), within_some(other));
                let Some(mut column) = column_of(place, &inside.name) else { continue };
                // The type that the rows are read into may say that the field is another column.
                if self.row(&inside.rows, RowColumn::Only, inside.limit, 0).is_some() {
                    let row = self.row(&inside.rows, column, inside.limit, 0);
                    let Some(row) = row.filter(|row| self.is_column(row, &inside.rows)) else { continue };
                    column = row.column;
                }
                if self.mention(self.range(tenant), named, |_| false).is_some()
                    || !self.can_be_the_tenant(tenant, limit)
                {
                    continue;
                }
                let place = self.range(place).range;
                let passed = [place, rest(place, end)];
                let is_passed = |mention: TextRange| passed.iter().any(|range| range.contains_range(mention));
                let told = self.mention(whole, named, is_passed);
                // What holds other rows as well may not be mentioned in it.
                let is_name = |place: &TextRange| place.slice(self.source.text) == inside.name;
                let mut places: Vec<TextRange> =
                    self.mentions(whole, named).into_iter().filter(is_name).collect();
                places.extend([self.range(&*inside.rows).range, inside.named.range]);
                let bind = self.compared_with(other, limit);
                let span = Span::new(whole.file, self.range(left).range.cover(self.range(right).range));
                found.push(Compared { column, bind, span, places, told });
            }
        }
        found
    }

    /// What filters of variables in a statement let through.
    fn tests_of_filters(&mut self, statements: &'a [Stmt], at: usize) -> Vec<Test> {
        let Some(statement) = statements.get(at) else { return Vec::new() };
        let here = self.range(statement).range;
        let inside = |filter: &mut Filtered| here.contains_range(filter.call.range);
        let filtered: Vec<Filtered> = self.filtered.extract_if(.., inside).collect();
        let mut tests = Vec::new();
        for filter in filtered {
            let mut places = filter.places;
            let (row, narrows) = if filter.retains {
                let is_whole = matches!(statement, Stmt::Expr(Expr::MethodCall(call), Some(_))
                    if call.attrs.is_empty() && self.range(call) == filter.call);
                let row = self.fetched_into(statements, at, &filter.of, filter.column).filter(|_| is_whole);
                (row, Some(filter.of.clone()))
            } else {
                let local = match statement {
                    Stmt::Local(local) if local.attrs.is_empty() => Some(local),
                    _ => None,
                };
                let taken = local.and_then(|local| {
                    let init = local.init.as_ref()?;
                    let inside = self.range(&*init.expr).range.contains_range(filter.call.range);
                    plain_name(&local.pat).filter(|_| inside)
                });
                places.extend(local.filter(|_| taken.is_some()).map(|local| self.range(&local.pat).range));
                (filter.within.map(|within| RowValue { within, column: filter.column }), taken)
            };
            let Some(row) = row else { continue };
            tests.push(Test {
                within: row.within,
                by: By::Comparison(row.column, Box::new(filter.bind)),
                span: filter.span,
                places,
                told: filter.told,
                passed: Passed { inside: None, after: None },
                narrows,
                there: There::No,
            });
        }
        tests
    }

    /// A column of the rows of a query that the nearest statement before gives a variable's name to.
    fn fetched_into(
        &self,
        statements: &'a [Stmt],
        at: usize,
        name: &str,
        column: RowColumn,
    ) -> Option<RowValue> {
        let declares = |statement: &&Stmt| {
            matches!(statement, Stmt::Local(local)
                if names_of(&local.pat).is_some_and(|names| names.iter().any(|known| known == name)))
        };
        let earlier = statements.get(..at)?;
        match earlier.iter().rev().find(declares)? {
            Stmt::Local(local) => {
                let ty = match &local.pat {
                    Pat::Type(typed) => Some(&*typed.ty),
                    _ => None,
                };
                let init = local.init.as_ref()?;
                let row = self.row(&init.expr, self.column_of_record(column, ty)?, LocalId::MAX, 0)?;
                if matches!(row.column, RowColumn::Field(_)) && !self.gives_whole_rows(&init.expr, ty) {
                    return None;
                }
                Some(RowValue { within: self.range(&*init.expr), column: row.column })
            }
            _ => None,
        }
    }

    /// Takes note of `match fetched { Some(row) if row.tenant == tenant => …, _ => … }`: the guard of an arm held in it, and
    /// one that a row came past did not. Gives the arms, by number, that a row gets to only where it was checked.
    pub(super) fn note_arm_checks(&mut self, choice: &'a syn::ExprMatch) -> Vec<(usize, Span)> {
        let guards: Vec<(usize, &'a Pat, &'a Expr)> = (0..)
            .zip(&choice.arms)
            .filter_map(|(at, arm)| {
                let (pattern, guard) = guarded(arm);
                guard.filter(|_| arm.attrs.is_empty()).map(|guard| (at, pattern, guard))
            })
            .collect();
        let body = |reader: &Self, at: usize| choice.arms.get(at).map(|arm| reader.range(&*arm.body).range);
        let mut open = Vec::new();
        let mut reached = Vec::new();
        for (at, pattern, guard) in guards {
            let held = self.compared_by_pattern(pattern, &choice.expr, guard, true, LocalId::MAX);
            for mut test in held {
                let Some(body) = body(self, at) else { continue };
                reached.extend(self.only_site_in(test.within).map(|site| (at, site.span)));
                test.places.push(body);
                open.push(Open { test, ends: vec![(body, Passes::Always)] });
            }
            if looked_name(pattern).is_none() {
                continue;
            }
            for mut test in self.compared_by_pattern(pattern, &choice.expr, guard, false, LocalId::MAX) {
                let site = self.only_site_in(test.within).map(|site| site.span);
                let mut ends = Vec::new();
                for later in at + 1..choice.arms.len() {
                    let Some(body) = body(self, later) else { continue };
                    test.places.push(choice.arms.get(later).map_or(body, |arm| self.range(arm).range));
                    let takes = self.takes_row(choice, later);
                    ends.push((body, if takes { Passes::Always } else { Passes::IfThere }));
                    reached.extend(site.filter(|_| takes).map(|site| (later, site)));
                }
                open.push(Open { test, ends });
            }
        }
        self.note_open_checks(open, &choice.expr, |reader, row| {
            reader.mentioned_in_match(choice, &Names::default(), row)
        });
        reached
    }

    /// Takes note of checks of the row that `value` is, which `mentioned` looks for; what fetched it elsewhere is left to the
    /// block around.
    fn note_open_checks(
        &mut self,
        open: Vec<Open>,
        value: &'a Expr,
        mentioned: impl Fn(&Self, Mentions<'_>) -> Option<Span>,
    ) {
        let direct = |open: &Open| self.range(value).range.contains_range(open.test.within.range);
        let (here, later): (Vec<Open>, Vec<Open>) = open.into_iter().partition(direct);
        self.open_checks.extend(later);
        for Open { test, .. } in merged(here) {
            let Some(site) = self.only_site_in(test.within).map(|site| site.span) else { continue };
            if !self.is_row(value, site, &[]) {
                continue;
            }
            let unchecked = test.told.or_else(|| mentioned(self, Mentions { site, places: &test.places }));
            self.note_check_of(test.within, test, unchecked);
        }
    }

    /// True for an arm that is taken only for a row.
    fn takes_row(&self, choice: &syn::ExprMatch, at: usize) -> bool {
        choice.arms.get(at).is_some_and(|arm| {
            let (pattern, _) = guarded(arm);
            matches!(pattern, Pat::TupleStruct(_)) && names_of(pattern).is_some()
        })
    }

    /// Takes note of `if let Some(row) = fetched && row.tenant == tenant { … }`; `limit` is what was declared before it.
    /// Gives the queries whose row was checked where the condition holds.
    pub(super) fn note_chained_checks(&mut self, choice: &'a ExprIf, limit: LocalId) -> Vec<Span> {
        let mut parts = Vec::new();
        conjuncts(&choice.cond, &mut parts);
        let Some((Expr::Let(first), conditions)) = parts.split_first() else { return Vec::new() };
        // What is bound later on may have the name of something else.
        if conditions.is_empty()
            || conditions.iter().any(|part| has_any_let(part))
            || !choice.attrs.is_empty()
        {
            return Vec::new();
        }
        let whole = self.range(&*choice.cond).range;
        let then = self.block_range(&choice.then_branch);
        let (mut open, mut reached) = (Vec::new(), Vec::new());
        for condition in conditions {
            for mut test in self.compared_by_pattern(&first.pat, &first.expr, condition, true, limit) {
                reached.extend(self.only_site_in(test.within).map(|site| site.span));
                test.places.extend([then, rest(self.range(*condition).range, whole.end)]);
                let ends = self.extent(&choice.then_branch.stmts).map(|extent| (extent, Passes::Always));
                open.push(Open { test, ends: ends.into_iter().collect() });
            }
        }
        // Where it leaves for every row that is somebody else's.
        if let ([condition], Some(_)) = (conditions, looked_name(&first.pat)) {
            let otherwise = choice.else_branch.as_ref().map(|(_, otherwise)| self.range(&**otherwise).range);
            let leaves = self.surely_leaves(&choice.then_branch);
            for mut test in self.compared_by_pattern(&first.pat, &first.expr, condition, false, limit) {
                test.places.extend(otherwise);
                let mut ends: Ends =
                    otherwise.map(|otherwise| (otherwise, Passes::IfThere)).into_iter().collect();
                if leaves {
                    let whole = self.token_span(choice.if_token.span).range.cover(otherwise.unwrap_or(then));
                    ends.push((whole, Passes::IfThere));
                }
                open.push(Open { test, ends });
            }
        }
        self.note_open_checks(open, &first.expr, |reader, row| {
            reader.mentioned_in_if(choice, &Names::default(), row)
        });
        reached
    }

    /// Checks of a row in a condition under which a pattern that takes it is taken, if that is `outcome`.
    fn compared_by_pattern(
        &mut self,
        pattern: &'a Pat,
        value: &'a Expr,
        condition: &'a Expr,
        outcome: bool,
        limit: LocalId,
    ) -> Vec<Test> {
        let Some(name) = looked_name(pattern) else { return Vec::new() };
        if has_any_let(value) || has_any_let(condition) {
            return Vec::new();
        }
        let row = self.row(value, RowColumn::Only, limit, 0);
        let Some(within) = row.filter(|row| row.column == RowColumn::Only).map(|row| row.within) else {
            return Vec::new();
        };
        let span = self.range(condition);
        let inside = Inside {
            rows: Cow::Borrowed(value),
            name,
            named: self.range(pattern),
            condition: Cow::Borrowed(condition),
            outcome,
            there: outcome,
            limit,
            span,
            end: span.range.end,
        };
        let of_pattern = [self.range(value).range, self.range(pattern).range];
        let found = self.compared_inside(&inside).into_iter().map(|compared| Test {
            within,
            by: By::Comparison(compared.column, Box::new(compared.bind)),
            span: compared.span,
            // What takes the row gives it names, which are looked at.
            places: compared.places.into_iter().filter(|place| !of_pattern.contains(place)).collect(),
            told: compared.told,
            passed: Passed { inside: None, after: None },
            narrows: None,
            there: There::Yes,
        });
        found.collect()
    }

    /// True for what may be compared with a row: a steady place, or an expression that the policy trusts, as it stands.
    fn can_be_the_tenant(&self, expr: &Expr, limit: LocalId) -> bool {
        self.is_trusted_expression(expr, limit) || self.is_steady_place(expr, limit)
    }

    fn only_site_in(&mut self, within: Span) -> Option<&mut crate::QuerySite> {
        let inside = |site: &&mut crate::QuerySite| {
            site.span.file == within.file && within.range.contains_range(site.span.range)
        };
        let mut sites = self.sites.iter_mut().filter(inside);
        match (sites.next(), sites.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    /// The first place where the row is mentioned and the check has not passed.
    fn used_before(
        &self,
        statements: &'a [Stmt],
        first: usize,
        at: usize,
        test: &Test,
        site: Span,
        mut names: Names,
    ) -> Option<Span> {
        let row = Mentions { site, places: &test.places };
        for statement in statements.iter().take(at).skip(first) {
            if let Some(mentioned) = self.mentioned_in(statement, &mut names, row) {
                return Some(mentioned);
            }
        }
        let mentioned = test.told.or_else(|| self.mentioned_in(statements.get(at)?, &mut names, row));
        if mentioned.is_some() {
            return mentioned;
        }
        if let Some(narrowed) = &test.narrows {
            names.forget(narrowed);
        }
        statements.iter().skip(at + 1).find_map(|statement| self.mentioned_in(statement, &mut names, row))
    }

    /// True for `if found.is_none() { return … }`.
    pub(super) fn leaves_without_a_row(&self, choice: &ExprIf, names: &Names) -> bool {
        let Expr::MethodCall(call) = strip(&choice.cond) else { return false };
        let of_row = matches!(strip(&call.receiver), Expr::Path(path)
            if names.rows.iter().any(|name| path.path.is_ident(name)));
        let told = || self.mention(self.range(&choice.then_branch), &names.all, |_| false).is_some();
        of_row
            && call.method == "is_none"
            && choice.attrs.is_empty()
            && choice.else_branch.is_none()
            && self.surely_leaves(&choice.then_branch)
            && !told()
    }

    /// The names that `let row = fetched.ok_or(…)?;` and `let owner = row.get("owner");` give to the same row, or to a part
    /// of it, with nothing told of it.
    pub(super) fn hands_on(&self, local: &syn::Local, site: Span, names: &Names) -> Option<Names> {
        let init = local.init.as_ref().filter(|_| local.attrs.is_empty())?;
        let mentioned = |expr: &Expr| self.mention(self.range(expr), &names.all, |_| false).is_some();
        let is_place = is_place_as_it_stands(&init.expr) && mentioned(&init.expr);
        if is_whole(&local.pat) && init.diverge.is_none() && is_place {
            let all = names_of(&local.pat)?;
            let rows = if self.is_row_of(&init.expr, site, names) { all.clone() } else { Vec::new() };
            return Some(Names { rows, all });
        }
        let otherwise = init.diverge.as_ref().map(|(_, otherwise)| otherwise);
        let quiet = otherwise.is_none_or(|otherwise| !mentioned(otherwise));
        let is_handed = mentioned(&init.expr) && self.is_row_of(&init.expr, site, names) && quiet;
        Names::of(&local.pat).filter(|_| is_handed)
    }

    pub(super) fn mention(
        &self,
        within: Span,
        names: &[String],
        is_allowed: impl Fn(TextRange) -> bool,
    ) -> Option<Span> {
        let found = self.mentions(within, names).into_iter().find(|place| !is_allowed(*place));
        found.map(|range| Span::new(within.file, range))
    }

    /// The tokens that may mention one of the names.
    fn mentions(&self, within: Span, names: &[String]) -> Vec<TextRange> {
        let mut at = within.range.start as usize;
        let mut tokens = Vec::new();
        for token in tokenize(self.written(within), FrontmatterAllowed::No) {
            let range = TextRange::from_usize(at, at + token.len as usize);
            at += token.len as usize;
            let blank = matches!(
                token.kind,
                TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }
            );
            if !blank {
                tokens.push((token.kind, range));
            }
        }
        let of_fields = names_of_fields(&tokens, self.source.text);
        let mentions = tokens.iter().enumerate().filter(|(at, (kind, range))| {
            let text = range.slice(self.source.text);
            let named = names_in(*kind, text).any(|name| names.iter().any(|known| known == name));
            may_hide_names(*kind, text) || named && !of_fields.contains(at)
        });
        mentions.map(|(_, (_, range))| *range).collect()
    }

    fn tests_of(&mut self, statement: &'a Stmt, limit: LocalId) -> Vec<Test> {
        let mut tests = Vec::new();
        let here = self.range(statement).range;
        match statement {
            Stmt::Expr(expr, _) if !expression_attributes(expr).is_empty() => {}
            // What the condition binds may have the name of something else.
            Stmt::Expr(Expr::If(choice), _) if has_any_let(&choice.cond) => {}
            Stmt::Expr(Expr::If(choice), _) => self.tests_of_if(choice, here, limit, &mut tests),
            Stmt::Expr(Expr::Macro(mac), _) => self.tests_of_macro(&mac.mac, here, limit, &mut tests),
            Stmt::Macro(mac) if mac.attrs.is_empty() => {
                self.tests_of_macro(&mac.mac, here, limit, &mut tests);
            }
            Stmt::Expr(expr, _) => self.tests_of_guard(expr, here, limit, &mut tests),
            Stmt::Local(local) if local.attrs.is_empty() => {
                if let Some(init) = &local.init {
                    self.tests_of_guard(&init.expr, here, limit, &mut tests);
                }
            }
            _ => {}
        }
        tests
    }

    fn tests_of_if(&mut self, choice: &'a ExprIf, here: TextRange, limit: LocalId, tests: &mut Vec<Test>) {
        let then = self.block_range(&choice.then_branch);
        let otherwise = choice.else_branch.as_ref().map(|(_, otherwise)| &**otherwise);
        let leaves = self.surely_leaves(&choice.then_branch);
        for outcome in [false, true] {
            // Where the condition is `outcome`, the branch that runs, and whether what follows is reached by it alone.
            let (inside, after) = match outcome {
                true => (Some(then), otherwise.is_some_and(|otherwise| self.surely_diverges(otherwise))),
                false => (otherwise.map(|otherwise| self.range(otherwise).range), leaves),
            };
            if !outcome && !leaves && inside.is_none() {
                continue;
            }
            let passed = Passed { inside, after: after.then_some(here) };
            let known = self.known_if(&choice.cond, outcome, limit);
            self.tests_of_known(&known, passed, tests);
            for (place, at, span) in self.guards_passed(&choice.cond, outcome, limit) {
                tests.extend(self.checked_by_guard(place, at, span, passed));
            }
        }
        if let Some(whole @ Expr::If(other)) = otherwise
            && other.attrs.is_empty()
            && !has_any_let(&other.cond)
        {
            self.tests_of_if(other, self.range(whole).range, limit, tests);
        }
    }

    fn tests_of_macro(
        &mut self,
        mac: &'a syn::Macro,
        here: TextRange,
        limit: LocalId,
        tests: &mut Vec<Test>,
    ) {
        let Some(arguments) = self.leaving_arguments(mac) else { return };
        let known = arguments.known(self, limit);
        self.tests_of_known(&known, Passed { inside: None, after: Some(here) }, tests);
    }

    /// The comparisons with rows among what is known.
    fn tests_of_known(&mut self, known: &Known<'_>, passed: Passed, tests: &mut Vec<Test>) {
        for equal in &known.equal {
            tests.extend(self.comparison(equal, passed));
        }
        for inside in &known.inside {
            if viewed(&inside.rows).is_none() {
                continue;
            }
            let Some(row) = self.row(&inside.rows, RowColumn::Only, inside.limit, 0) else { continue };
            for Compared { column, bind, span, mut places, told } in self.compared_inside(inside) {
                places.push(rest(inside.span.range, inside.end));
                let by = By::Comparison(column, Box::new(bind));
                let there = if inside.there { There::Yes } else { There::No };
                tests.push(Test { within: row.within, by, span, places, told, passed, narrows: None, there });
            }
        }
        for asked in &known.asked {
            tests.extend(self.test_of_call(asked, passed));
        }
    }

    /// A call that is handed a row and leaves where its function says no.
    fn test_of_call(&mut self, asked: &AskedOf<'_>, passed: Passed) -> Option<Test> {
        let AskedOf { call, unwrapped, says, limit, end } = *asked;
        let (path, receiver, arguments) = match call {
            Expr::Call(call) => match &*call.func {
                Expr::Path(path) if self.names_one_function(&path.path, limit) => {
                    (Some(&path.path), None, &call.args)
                }
                _ => return None,
            },
            Expr::MethodCall(call) => (None, Some((&*call.receiver, call.method.to_string())), &call.args),
            _ => return None,
        };
        let rows = receiver.iter().map(|(receiver, _)| *receiver).chain(arguments);
        let rows: Vec<&Expr> = rows.filter(|given| is_place_as_it_stands(given)).collect();
        let within = rows.iter().find_map(|given| self.row(given, RowColumn::Only, limit, 0))?.within;
        // What the function takes for a column has to be one.
        if !self.held_from(within).is_some_and(|(value, ty)| self.gives_whole_rows(value, ty)) {
            return None;
        }
        let is_of_row = |reader: &Self, given: &Expr| {
            is_place_as_it_stands(given)
                && reader.row(given, RowColumn::Only, limit, 0).is_some_and(|row| row.within == within)
        };
        let places: Vec<TextRange> = rows
            .iter()
            .filter(|given| is_of_row(self, given))
            .map(|given| self.range(*given).range)
            .chain([rest(self.range(call).range, end)])
            .collect();
        let receiver_type = receiver.as_ref().and_then(|(receiver, _)| self.type_name(receiver));
        let of_types =
            receiver.as_ref().map_or_else(Vec::new, |(receiver, _)| self.types_of(receiver, within, limit));
        let names = match (path, &receiver) {
            (Some(path), _) => self.full(path),
            (None, Some((_, method))) => vec![method.trim_start_matches("r#").to_owned()],
            (None, None) => return None,
        };
        let span = self.range(call);
        let call = CheckCall {
            path: names,
            is_method: path.is_none(),
            receiver_type,
            of_types,
            span,
            unwrapped,
            says,
            receiver: receiver.map(|(receiver, _)| self.given(receiver, within, limit)),
            arguments: arguments.iter().map(|argument| self.given(argument, within, limit)).collect(),
            unchecked: None,
        };
        let (by, there) = (By::Call(Box::new(call)), There::IfUnwrapped);
        Some(Test { within, by, span, places, told: None, passed, narrows: None, there })
    }

    /// The paths that may lead to the type of what a method is called on: the row of a statement, or what is declared.
    fn types_of(&self, receiver: &Expr, within: Span, limit: LocalId) -> Vec<Vec<String>> {
        if matches!(strip(receiver), Expr::Path(path) if path.path.is_ident("self")) {
            return vec![vec!["Self".to_owned()]];
        }
        let is_row = |row: RowValue| row.within == within && row.column == RowColumn::Only;
        let written = match self.declared_type(receiver) {
            Some(ty) => record(referred(ty)),
            None if self.row(receiver, RowColumn::Only, limit, 0).is_some_and(is_row) => {
                self.held_from(within).and_then(|(value, ty)| self.record_fetched(value, ty))
            }
            None => None,
        };
        written.map_or_else(Vec::new, |written| self.paths_to(&written, limit))
    }

    /// The paths that may lead to the type of what a method is called on, by what is declared of it.
    pub(super) fn types_of_receiver(&self, receiver: &Expr) -> Vec<Vec<String>> {
        if matches!(super::walk::strip_all(receiver), Expr::Path(path) if path.path.is_ident("self")) {
            return self.own_types();
        }
        let written = self.declared_type(receiver).and_then(pointee);
        written.map_or_else(Vec::new, |written| self.paths_to(&written, LocalId::MAX))
    }

    /// The same of `Self`.
    pub(super) fn own_types(&self) -> Vec<Vec<String>> {
        self.own_path().map_or_else(Vec::new, |written| self.paths_to(written, LocalId::MAX))
    }

    /// What a written path to a type may lead to.
    fn paths_to(&self, written: &[String], limit: LocalId) -> Vec<Vec<String>> {
        let path = syn::parse_str::<syn::Path>(&written.join("::")).ok();
        let Some(path) = path.filter(|path| self.names_one_function(path, limit)) else { return Vec::new() };
        let full = self.full(&path);
        let [name] = full.as_slice() else { return vec![full] };
        if self.declares(name) {
            return vec![full];
        }
        // It may come with all that a module has; the preludes of libraries have no type of a project's.
        let globs =
            self.imports.globs().iter().filter(|glob| glob.last().is_none_or(|last| last != "prelude"));
        let by_glob: Vec<_> = globs.map(|glob| [glob.as_slice(), &full].concat()).collect();
        if by_glob.is_empty() { vec![full] } else { by_glob }
    }

    /// True for a path of which the file's imports say what it is: no variable, and nothing that is declared or imported
    /// nearer than these.
    pub(super) fn names_one_function(&self, path: &syn::Path, limit: LocalId) -> bool {
        let Some(first) = path.segments.first().map(|first| first.ident.to_string()) else { return false };
        let is_local = path.get_ident().is_some() && self.lookup(&first, limit).is_some();
        let is_imported = self.full(path).len() > path.segments.len();
        let is_hidden = is_local
            || self.imports.resolve_all(path).len() != 1
            || self.is_brought_nearer(&first)
            || self.is_brought_into_module(&first)
            || is_imported && self.declares(&first);
        !is_hidden
    }

    /// True if a module within the file may import something of this name, which is none of the file's imports.
    fn is_brought_into_module(&self, name: &str) -> bool {
        let mut modules = self.scopes.iter().filter(|scope| scope.module);
        modules.any(|scope| scope.uses.may_name(name) || scope.uses.may_be_given(name))
    }

    /// True if a block of the function may declare or import something of this name.
    pub(crate) fn is_brought_nearer(&self, name: &str) -> bool {
        let of_function = self.scopes.iter().rposition(|scope| scope.barrier).unwrap_or(0);
        let mut blocks = self.scopes.iter().skip(of_function);
        blocks.any(|scope| scope.uses.may_name(name) || scope.uses.may_be_given(name))
    }

    /// True if the file declares a function, type or module of this name.
    fn declares(&self, name: &str) -> bool {
        ["fn", "mod", "struct", "enum", "trait", "type"]
            .iter()
            .any(|keyword| self.declared(keyword, name) > 0)
    }

    /// What is handed to a function that may compare it.
    fn given(&mut self, value: &Expr, within: Span, limit: LocalId) -> Given {
        let row = self.row(value, RowColumn::Only, limit, 0).filter(|_| is_place_as_it_stands(value));
        let bind = self.compared_with(value, limit);
        Given {
            row: row.filter(|row| row.within == within).map(|row| row.column),
            bind,
            is_steady: self.can_be_the_tenant(within_some(value), limit),
        }
    }

    /// True for a macro that leaves where its condition does not hold: none of the workspace's own.
    pub(super) fn leaves_unless(&self, mac: &syn::Macro) -> bool {
        let full = self.full(&mac.path);
        let (Some(first), Some(name)) = (full.first(), full.last()) else { return false };
        let of_library = ["std", "core", "anyhow", "eyre", "color_eyre", "snafu"].contains(&first.as_str());
        let of_prelude = full.len() == 1 && name.starts_with("assert") && !self.defines_macro(name);
        let listed = EQUALING.contains(&name.as_str()) || HOLDING.contains(&name.as_str());
        listed && (of_library || of_prelude)
    }

    /// The arguments of such a macro.
    pub(super) fn leaving_arguments(&self, mac: &syn::Macro) -> Option<Leaving> {
        if !self.leaves_unless(mac) {
            return None;
        }
        let equal =
            mac.path.segments.last().is_some_and(|last| EQUALING.iter().any(|name| last.ident == name));
        let arguments = mac.parse_body_with(Punctuated::parse_terminated).ok()?;
        Some(Leaving { arguments, equal })
    }

    /// `guard(&row.organization_id).await?;`
    fn tests_of_guard(&mut self, expr: &'a Expr, here: TextRange, limit: LocalId, tests: &mut Vec<Test>) {
        let (base, steps) = unchained(expr);
        for (place, at, span) in self.guard_passed(base, &steps, limit) {
            let passed = Passed { inside: None, after: Some(here) };
            tests.extend(self.checked_by_guard(place, at, span, passed));
        }
        if let Some((call, unwrapped)) = unwrapped_call(expr) {
            let end = self.range(call).range.end;
            let asked = AskedOf { call, unwrapped, says: None, limit, end };
            tests.extend(self.test_of_call(&asked, Passed { inside: None, after: Some(here) }));
        }
    }

    fn checked_by_guard(
        &mut self,
        place: &'a Expr,
        limit: LocalId,
        span: Span,
        passed: Passed,
    ) -> Option<Test> {
        let row = self.row(place, RowColumn::Only, limit, 0).filter(|_| is_place_as_it_stands(place))?;
        let bind = self.aside(|reader| reader.bind(place, limit));
        let places = vec![self.range(place).range];
        let there = there_by(&row.column);
        let by = By::Comparison(row.column, Box::new(bind));
        Some(Test { within: row.within, by, span, places, told: None, passed, narrows: None, there })
    }

    /// The row of which one side of a comparison is a column.
    fn comparison(&mut self, equal: &Equal<'_>, passed: Passed) -> Option<Test> {
        let Equal { left, right, limit, end } = *equal;
        for (place, whole) in [(left, right), (right, left)] {
            let (place, other) = (within_some(place), within_some(whole));
            let projected = projected(place);
            let is_column = is_place_as_it_stands(place) || projected.is_some();
            if !is_column || !self.can_be_the_tenant(other, limit) {
                continue;
            }
            let row = match &projected {
                Some((rows, column)) => self.row(rows, column.clone(), limit, 0),
                None => self.row(place, RowColumn::Only, limit, 0),
            };
            let Some(row) = row.filter(|row| self.is_column(row, place)) else { continue };
            let bind = self.compared_with(whole, limit);
            let at = self.range(place).range;
            let places = vec![at, rest(at, end)];
            let span = Span::new(bind.span.file, self.range(left).range.cover(self.range(right).range));
            // What equals a `Some` is there.
            let is_some = self.range(whole) != self.range(other) && matches!(strip(whole), Expr::Call(_));
            let there = match &projected {
                _ if is_some => There::Yes,
                Some(_) => There::No,
                None => there_by(&row.column),
            };
            let by = By::Comparison(row.column, Box::new(bind));
            return Some(Test {
                within: row.within,
                by,
                span,
                places,
                told: None,
                passed,
                narrows: None,
                there,
            });
        }
        None
    }

    /// What a column is compared with, as a bind. What stands in a `Some` is never NULL.
    fn compared_with(&mut self, whole: &Expr, limit: LocalId) -> crate::Bind {
        let other = within_some(whole);
        let span = self.range(other);
        let text = self.written(span).to_owned();
        let is_some = self.range(whole) != span && matches!(strip(whole), Expr::Call(_));
        let mut bind = self.aside(|reader| reader.bind_at(other, span, text, limit));
        if bind.each {
            // A list is not what its elements are.
            bind.provenance.kind = crate::ProvenanceKind::Unknown;
        }
        let nullable = if is_some { Nullability::Never } else { bind.nullable };
        crate::Bind { nullable, ..bind }
    }

    /// A bind that is no site's.
    fn aside(&mut self, bind: impl FnOnce(&mut Self) -> crate::Bind) -> crate::Bind {
        let touched = std::mem::take(&mut self.touched);
        let bind = bind(self);
        self.touched = touched;
        bind
    }
}

/// What stands in a macro that leaves.
pub(super) struct Leaving {
    arguments: Punctuated<Expr, Token![,]>,
    /// Its first two arguments are to be equal; the first is to hold otherwise.
    equal: bool,
}

impl Leaving {
    /// What is known where it did not leave.
    pub(super) fn known<'e, 'a: 'e>(&'e self, reader: &Reader<'a>, limit: LocalId) -> Known<'e> {
        match (self.arguments.first(), self.arguments.get(1)) {
            (Some(left), Some(right)) if self.equal => {
                // What stands behind them is looked at where they differ.
                let end = reader.range(right).range.end;
                Known { equal: vec![Equal { left, right, limit, end }], ..Known::default() }
            }
            (Some(condition), _) if !self.equal => reader.known_if(condition, true, limit),
            _ => Known::default(),
        }
    }
}

/// What is in a `Some(…)`; the expression itself otherwise.
pub(super) fn within_some(expr: &Expr) -> &Expr {
    match strip(expr) {
        Expr::Call(call) if call.args.len() == 1 => {
            let is_some = matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Some"));
            call.args.first().filter(|inner| is_some && is_place(inner)).unwrap_or(expr)
        }
        _ => expr,
    }
}

/// True for the arm of a `match` that alone gets what is matched, and looks at it nowhere but in its body.
pub(super) fn only_taker(arms: &[syn::Arm], at: usize) -> bool {
    arms.iter().enumerate().all(|(number, arm)| {
        let fits = if number == at { plain_name(&arm.pat).is_some() } else { is_nothing(&arm.pat) };
        fits && arm.attrs.is_empty()
    })
}

/// `count == 0`, `count < 1`, `count != 1`: where it is not so, something was counted.
fn is_none_counted(binary: &syn::ExprBinary) -> bool {
    let Expr::Lit(lit) = strip(&binary.right) else { return false };
    let syn::Lit::Int(number) = &lit.lit else { return false };
    match (&binary.op, number.base10_digits()) {
        (BinOp::Eq(_) | BinOp::Le(_), "0") | (BinOp::Lt(_) | BinOp::Ne(_), "1") => is_counted(&binary.left),
        _ => false,
    }
}

/// A variable, or what says how many rows a statement changed.
fn is_counted(number: &Expr) -> bool {
    match strip(number) {
        Expr::Path(_) => true,
        Expr::MethodCall(call) => call.method == "rows_affected" && call.args.is_empty(),
        Expr::Field(field) => matches!(&field.member, Member::Named(name) if name == "rows_affected"),
        _ => false,
    }
}

/// What says how many rows it changed: `done` of `done.rows_affected()`.
fn without_count(number: &Expr) -> &Expr {
    match strip(number) {
        Expr::MethodCall(call) if call.method == "rows_affected" => &call.receiver,
        Expr::Field(field) if matches!(&field.member, Member::Named(name) if name == "rows_affected") => {
            &field.base
        }
        itself => itself,
    }
}

/// `true` or `false` as a pattern.
fn truth(pattern: &Pat) -> Option<bool> {
    let Pat::Lit(lit) = pattern else { return None };
    let syn::Lit::Bool(value) = &lit.lit else { return None };
    Some(value.value)
}

/// `count > 0` and the like, of a variable.
fn is_some_counted(binary: &syn::ExprBinary) -> bool {
    let Expr::Lit(lit) = strip(&binary.right) else { return false };
    let syn::Lit::Int(number) = &lit.lit else { return false };
    let is_some = matches!(
        (&binary.op, number.base10_digits()),
        (BinOp::Gt(_) | BinOp::Ne(_), "0") | (BinOp::Ge(_) | BinOp::Eq(_), "1")
    );
    is_some && is_counted(&binary.left)
}

/// `false` or `0`.
fn is_no(value: &Expr) -> bool {
    let Expr::Lit(lit) = value else { return false };
    match &lit.lit {
        syn::Lit::Bool(value) => !value.value,
        syn::Lit::Int(number) => number.base10_digits() == "0",
        _ => false,
    }
}

/// Whether there was a row where this of it was compared as it stands: a field is that of a row, and no variable need be
/// without a wrapper.
fn there_by(column: &RowColumn) -> There {
    match column {
        RowColumn::Only => There::IfUnwrapped,
        RowColumn::Field(_) | RowColumn::Name(_) => There::Yes,
    }
}

impl Open {
    /// A check of a statement.
    fn of(mut test: Test) -> Open {
        test.places.extend(test.passed.inside);
        let ends = test.passed.after.map(|end| (end, Passes::Always)).into_iter().collect();
        Open { test, ends }
    }
}

/// The checks, those taken together that compare the same.
fn merged(open: Vec<Open>) -> Vec<Open> {
    let mut all: Vec<Open> = Vec::new();
    for one in open {
        let same = |known: &&mut Open| {
            let (By::Comparison(column, bind), By::Comparison(other, with)) = (&known.test.by, &one.test.by)
            else {
                return false;
            };
            let is_plain = |test: &Test| test.told.is_none() && test.narrows.is_none();
            known.test.within == one.test.within
                && column == other
                && (&bind.key, &bind.provenance.kind, bind.nullable)
                    == (&with.key, &with.provenance.kind, with.nullable)
                && is_plain(&known.test)
                && is_plain(&one.test)
        };
        match all.iter_mut().find(same) {
            Some(known) => {
                known.test.places.extend(one.test.places);
                known.ends.extend(one.ends);
                if one.test.there != There::Yes {
                    known.test.there = There::No;
                }
            }
            None => all.push(one),
        }
    }
    all
}

/// The parts of a conjunction, in order.
pub(super) fn conjuncts<'e>(condition: &'e Expr, parts: &mut Vec<&'e Expr>) {
    match condition {
        Expr::Binary(binary) if matches!(binary.op, BinOp::And(_)) => {
            conjuncts(&binary.left, parts);
            conjuncts(&binary.right, parts);
        }
        other => parts.push(other),
    }
}

/// True if a part of a condition binds names.
pub(super) fn has_any_let(condition: &Expr) -> bool {
    match condition {
        Expr::Let(_) => true,
        Expr::Paren(inner) => has_any_let(&inner.expr),
        Expr::Unary(inner) => has_any_let(&inner.expr),
        Expr::Binary(binary) => has_any_let(&binary.left) || has_any_let(&binary.right),
        _ => false,
    }
}

/// Which tokens are names of fields where a struct is written out, `Order { id: … }`: they name no variable.
fn names_of_fields(tokens: &[(TokenKind, TextRange)], text: &str) -> HashSet<usize> {
    let kind = |at: usize| tokens.get(at).map(|(kind, _)| *kind);
    let mut found = HashSet::new();
    // Whether the brackets that are open are a struct's.
    let mut open = Vec::new();
    for at in 0..tokens.len() {
        let before = at.checked_sub(1);
        match kind(at) {
            Some(TokenKind::OpenBrace) => {
                let named = before.and_then(|before| tokens.get(before)).is_some_and(|(kind, range)| {
                    *kind == TokenKind::Ident && range.slice(text).starts_with(char::is_uppercase)
                });
                open.push(named);
            }
            Some(TokenKind::OpenParen | TokenKind::OpenBracket) => open.push(false),
            Some(TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket) => {
                open.pop();
            }
            Some(TokenKind::Ident) => {
                let begins = matches!(before.and_then(kind), Some(TokenKind::OpenBrace | TokenKind::Comma));
                let has_value =
                    kind(at + 1) == Some(TokenKind::Colon) && kind(at + 2) != Some(TokenKind::Colon);
                if begins && has_value && open.last() == Some(&true) {
                    found.insert(at);
                }
            }
            _ => {}
        }
    }
    found
}

/// True for a token in which a name may stand that is not seen: an escape in a string, letters that are written in
/// several ways, what includes or pastes code.
fn may_hide_names(kind: TokenKind, token: &str) -> bool {
    match kind {
        TokenKind::Ident => !token.is_ascii() || matches!(token, "include" | "paste"),
        TokenKind::RawIdent => !token.is_ascii(),
        TokenKind::Literal { kind: LiteralKind::Str { .. }, .. } => {
            ["\\x", "\\u", "\\\n", "\\\r"].iter().any(|escape| token.contains(escape))
        }
        _ => false,
    }
}

/// `found.map(|row| row.tenant)`: what holds the rows, and the column.
fn projected(expr: &Expr) -> Option<(&Expr, RowColumn)> {
    let Expr::MethodCall(call) = strip(expr) else { return None };
    let (Some(Expr::Closure(closure)), 1) = (call.args.first(), call.args.len()) else { return None };
    if call.method != "map" || viewed(&call.receiver).is_none() {
        return None;
    }
    let name = closure.inputs.first().and_then(looked_name)?;
    let column = column_of(&closure.body, &name)?;
    Some((&call.receiver, column))
}

/// A type behind references.
fn referred(ty: &syn::Type) -> &syn::Type {
    match ty {
        syn::Type::Reference(of) => referred(&of.elem),
        other => other,
    }
}

/// The path of the type that a value is, or that one is by whose pointer a method is called.
fn pointee(ty: &syn::Type) -> Option<Vec<String>> {
    let syn::Type::Path(of) = referred(ty) else { return None };
    let last = of.path.segments.last().filter(|_| of.qself.is_none())?;
    match (last.ident.to_string().as_str(), crate::types::generic_types(last).as_slice()) {
        ("Arc" | "Box" | "Rc", [inner]) => pointee(inner),
        (_, []) => Some(of.path.segments.iter().map(|part| part.ident.to_string()).collect()),
        _ => None,
    }
}

/// `Ok(…)`.
fn is_ok(pattern: &Pat) -> bool {
    match pattern {
        Pat::TupleStruct(of) => of.path.is_ident("Ok"),
        Pat::Paren(paren) => is_ok(&paren.pat),
        _ => false,
    }
}

/// True for a value of which a closure decides whether it is there.
fn is_filtered(value: &Expr) -> bool {
    let (base, steps) = unchained(value);
    let filters = |step: &Step<'_>| {
        matches!(step, Step::Method(call) if (call.method == "filter" || call.method == "find")
            && matches!(call.args.first(), Some(Expr::Closure(_))))
    };
    steps.iter().any(filters) || matches!(base, Expr::Match(choice) if is_filtered(&choice.expr))
}

/// The column that an expression is of a row of this name.
fn column_of(place: &Expr, row: &str) -> Option<RowColumn> {
    let is_row = |expr: &Expr| matches!(strip(expr), Expr::Path(path) if path.path.is_ident(row));
    match strip(place) {
        Expr::Field(field) if is_row(&field.base) => match &field.member {
            Member::Named(name) => {
                Some(RowColumn::Field(name.to_string().trim_start_matches("r#").to_owned()))
            }
            Member::Unnamed(_) => None,
        },
        Expr::MethodCall(call) if is_place_as_it_stands(place) && call.args.is_empty() => {
            column_of(&call.receiver, row)
        }
        _ => None,
    }
}
