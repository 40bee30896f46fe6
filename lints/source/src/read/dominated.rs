//! Where a check of a row has passed, and where the row is mentioned before.
//!
//! **Invariant:** a check has passed in the rest of a block only behind a statement that ends nowhere but behind it, and in
//! a branch only where that runs for nothing else. Whatever runs there comes through the check first, in the same round of
//! each loop and the same call of each closure around it; nothing is said of what stands behind a closure, an `async`
//! block, a block with a label, or a loop but for one over all of the rows that is never left early.

use syn::visit::{self, Visit};
use syn::{Arm, Expr, ExprForLoop, ExprIf, ExprMatch, Pat, Stmt};
use tenantry_span::{Span, TextRange};

use super::Reader;
use super::conditions::viewed;
use super::fetched::conjuncts;
use super::handed::{is_nothing, names_of, plain_name};
use super::scope::LocalId;
use super::walk::expression_attributes;
use crate::{RowColumn, RowValue};

/// What the end of a statement says of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Passes {
    /// Nothing.
    Never,
    /// That it passed, or that there was no row.
    IfThere,
    /// That it passed.
    Always,
}

/// Parts of the code that end only where a check passed, and what their end says.
pub(super) type Ends = Vec<(TextRange, Passes)>;

/// The check whose way through a statement is followed.
struct Way<'r> {
    /// The statement that the row comes from.
    within: Span,
    limit: LocalId,
    ends: &'r [(TextRange, Passes)],
}

/// The names that a row, or what it is wrapped in, and its parts go by.
#[derive(Clone, Default)]
pub(super) struct Names {
    /// Of the row itself.
    pub(super) rows: Vec<String>,
    /// Of the row and of parts of it.
    pub(super) all: Vec<String>,
}

impl Names {
    /// The names that a pattern gives to a row; nothing where it asks something of it.
    pub(super) fn of(pattern: &Pat) -> Option<Names> {
        let all = names_of(pattern)?;
        let rows = plain_name(pattern).into_iter().collect();
        Some(Names { rows, all })
    }

    pub(super) fn extend(&mut self, more: Names) {
        self.rows.extend(more.rows);
        self.all.extend(more.all);
    }

    /// Without what means something else from here on.
    pub(super) fn forget(&mut self, name: &str) {
        self.rows.retain(|known| known != name);
        self.all.retain(|known| known != name);
    }
}

/// The query of a row, and where its names may be mentioned.
#[derive(Clone, Copy)]
pub(super) struct Mentions<'r> {
    pub(super) site: Span,
    pub(super) places: &'r [TextRange],
}

impl Mentions<'_> {
    fn allows(&self, mention: TextRange) -> bool {
        self.places.iter().any(|place| place.contains_range(mention))
    }

    /// True if the check stands in this part, or had passed where it begins.
    fn reaches(&self, part: TextRange) -> bool {
        self.places.iter().any(|place| place.contains_range(part) || part.contains_range(*place))
    }
}

impl<'a> Reader<'a> {
    /// From the first of some statements to the last.
    pub(super) fn extent(&self, statements: &[Stmt]) -> Option<TextRange> {
        let (first, last) = (statements.first()?, statements.last()?);
        Some(self.range(first).range.cover(self.range(last).range))
    }

    /// What the end of a statement says of a check of a row. Names mean what was declared before `limit`.
    pub(super) fn passes(
        &self,
        statement: &Stmt,
        within: Span,
        limit: LocalId,
        ends: &[(TextRange, Passes)],
    ) -> Passes {
        let here = self.range(statement).range;
        let way = Way { within, limit, ends };
        if let Some(known) = way.known(here) {
            return known;
        }
        match statement {
            Stmt::Expr(expr, _) if expression_attributes(expr).is_empty() => self.passes_in(expr, &way, true),
            Stmt::Local(local) if local.attrs.is_empty() => {
                local.init.as_ref().map_or(Passes::Never, |init| self.passes_in(&init.expr, &way, true))
            }
            _ => Passes::Never,
        }
    }

    /// The same of an expression. `names_known` is true where its names mean what they mean at the statement.
    fn passes_in(&self, expr: &Expr, way: &Way<'_>, names_known: bool) -> Passes {
        if !expression_attributes(expr).is_empty() {
            return Passes::Never;
        }
        if let Some(known) = way.known(self.range(expr).range) {
            return known;
        }
        if self.surely_diverges(expr) {
            return Passes::Always;
        }
        match expr {
            Expr::Paren(inner) => self.passes_in(&inner.expr, way, names_known),
            Expr::Block(block) if block.label.is_none() => self.passes_block(&block.block, way),
            Expr::Unsafe(block) => self.passes_block(&block.block, way),
            Expr::If(choice) => self.passes_if(choice, way, names_known),
            Expr::Match(choice) => {
                let is_row = names_known && self.is_row_place(&choice.expr, way);
                let arms = choice.arms.iter().map(|arm| match is_row && is_no_row(&arm.pat) {
                    _ if !arm.attrs.is_empty() => Passes::Never,
                    true if !self.surely_diverges(&arm.body) => Passes::IfThere,
                    _ => self.passes_in(&arm.body, way, false),
                });
                arms.min().unwrap_or(Passes::Never)
            }
            Expr::ForLoop(repeat) => {
                let over_rows =
                    names_known && self.is_row_place(&repeat.expr, way) && names_of(&repeat.pat).is_some();
                let mut leaves = LeavesRound(false);
                leaves.visit_block(&repeat.body);
                match over_rows && !leaves.0 {
                    true => self.passes_block(&repeat.body, way).min(Passes::IfThere),
                    false => Passes::Never,
                }
            }
            _ => Passes::Never,
        }
    }

    fn passes_block(&self, block: &syn::Block, way: &Way<'_>) -> Passes {
        if self.surely_leaves(block) {
            return Passes::Always;
        }
        self.extent(&block.stmts).and_then(|extent| way.known(extent)).unwrap_or(Passes::Never)
    }

    fn passes_if(&self, choice: &ExprIf, way: &Way<'_>, names_known: bool) -> Passes {
        let then = self.passes_block(&choice.then_branch, way);
        let otherwise =
            choice.else_branch.as_ref().map(|(_, otherwise)| self.passes_in(otherwise, way, false));
        // Its other branch is taken where there is no row, and for nothing else.
        let asks_for_row = matches!(&*choice.cond, Expr::Let(condition)
            if names_known && is_some_row(&condition.pat) && self.is_row_place(&condition.expr, way));
        let otherwise = match otherwise {
            Some(otherwise) if asks_for_row => otherwise.max(Passes::IfThere),
            Some(otherwise) => otherwise,
            None if asks_for_row => Passes::IfThere,
            None => Passes::Never,
        };
        then.min(otherwise)
    }

    /// True for a variable that holds the row, or the rows, as it stands.
    fn is_row_place(&self, expr: &Expr, way: &Way<'_>) -> bool {
        let row = || self.row(expr, RowColumn::Only, way.limit, 0);
        let is_whole = |row: RowValue| row.within == way.within && row.column == RowColumn::Only;
        viewed(expr).is_some() && row().is_some_and(is_whole)
    }

    /// The first place in a statement where the row is mentioned and may not be. The names that it goes by grow by those
    /// that the statement gives to it.
    pub(super) fn mentioned_in(
        &self,
        statement: &'a Stmt,
        names: &mut Names,
        row: Mentions<'_>,
    ) -> Option<Span> {
        match statement {
            Stmt::Local(local) if let Some(more) = self.hands_on(local, row.site, names) => {
                names.extend(more);
                None
            }
            Stmt::Local(local) if local.attrs.is_empty() => {
                let init = local.init.as_ref()?;
                let otherwise = init.diverge.as_ref().map(|(_, otherwise)| &**otherwise);
                let parts = std::iter::once(&*init.expr).chain(otherwise);
                parts.into_iter().find_map(|part| self.mentioned(part, names, row))
            }
            // That there is none says nothing of a row.
            Stmt::Expr(Expr::If(choice), _) if self.leaves_without_a_row(choice, names) => None,
            Stmt::Expr(expr, _) if expression_attributes(expr).is_empty() => self.mentioned(expr, names, row),
            _ => self.mention(self.range(statement), &names.all, |place| row.allows(place)),
        }
    }

    /// The same of an expression.
    pub(super) fn mentioned(&self, expr: &'a Expr, names: &Names, row: Mentions<'_>) -> Option<Span> {
        let plain = |expr: &Expr| self.mention(self.range(expr), &names.all, |place| row.allows(place));
        if !expression_attributes(expr).is_empty() {
            return plain(expr);
        }
        match expr {
            Expr::Paren(inner) => self.mentioned(&inner.expr, names, row),
            Expr::Block(block) => self.mentioned_in_block(&block.block, names.clone(), row),
            Expr::Unsafe(block) => self.mentioned_in_block(&block.block, names.clone(), row),
            Expr::Return(left) => left.expr.as_ref().and_then(|value| self.mentioned(value, names, row)),
            Expr::If(choice) => self.mentioned_in_if(choice, names, row),
            Expr::Match(choice) => self.mentioned_in_match(choice, names, row),
            Expr::ForLoop(repeat) => self.mentioned_in_loop(repeat, self.range(expr).range, names, row),
            Expr::While(repeat) => {
                plain(&repeat.cond).or_else(|| self.mentioned_in_block(&repeat.body, names.clone(), row))
            }
            Expr::Loop(repeat) => self.mentioned_in_block(&repeat.body, names.clone(), row),
            _ => plain(expr),
        }
    }

    /// The same of a loop. In one over the rows a check is of one of them: what holds them all may be mentioned there only
    /// where a check had passed before the loop.
    fn mentioned_in_loop(
        &self,
        repeat: &'a ExprForLoop,
        whole: TextRange,
        names: &Names,
        row: Mentions<'_>,
    ) -> Option<Span> {
        let over_rows = viewed(&repeat.expr).is_some_and(|name| names.rows.contains(&name))
            || self.is_row(&repeat.expr, row.site, &[]);
        if !over_rows {
            let over = self.mention(self.range(&repeat.expr), &names.all, |place| row.allows(place));
            return over.or_else(|| self.mentioned_in_block(&repeat.body, names.clone(), row));
        }
        let Some(each) = Names::of(&repeat.pat) else { return Some(self.range(&repeat.pat)) };
        let mut others = names.clone();
        each.all.iter().for_each(|name| others.forget(name));
        let has_passed = row.places.iter().any(|place| place.contains_range(whole));
        // A text of several lines without braces names nothing.
        let is_plain = |place: TextRange| {
            let text = place.slice(self.source.text);
            text.starts_with('"') && !["{", "\\x", "\\u"].iter().any(|mark| text.contains(mark))
        };
        let body = Span::new(row.site.file, self.block_range(&repeat.body));
        let of_others = || self.mention(body, &others.all, |place| is_plain(place) && row.allows(place));
        let mentioned = if has_passed || others.all.is_empty() { None } else { of_others() };
        mentioned.or_else(|| self.mentioned_in_block(&repeat.body, each, row))
    }

    fn mentioned_in_block(&self, block: &'a syn::Block, mut names: Names, row: Mentions<'_>) -> Option<Span> {
        block.stmts.iter().find_map(|statement| self.mentioned_in(statement, &mut names, row))
    }

    pub(super) fn mentioned_in_if(
        &self,
        choice: &'a ExprIf,
        names: &Names,
        row: Mentions<'_>,
    ) -> Option<Span> {
        let mut inner = names.clone();
        let mut parts = Vec::new();
        conjuncts(&choice.cond, &mut parts);
        for part in parts {
            if let Expr::Let(condition) = part
                && self.is_row_of(&condition.expr, row.site, names)
            {
                let Some(more) = Names::of(&condition.pat) else { return Some(self.range(&condition.pat)) };
                inner.extend(more);
            } else {
                let mentioned = self.mention(self.range(part), &inner.all, |place| row.allows(place));
                if mentioned.is_some() {
                    return mentioned;
                }
            }
        }
        let otherwise = || {
            let (_, otherwise) = choice.else_branch.as_ref()?;
            self.mentioned(otherwise, names, row)
        };
        self.mentioned_in_block(&choice.then_branch, inner, row).or_else(otherwise)
    }

    pub(super) fn mentioned_in_match(
        &self,
        choice: &'a ExprMatch,
        names: &Names,
        row: Mentions<'_>,
    ) -> Option<Span> {
        let plain = |span: Span, names: &Names| self.mention(span, &names.all, |place| row.allows(place));
        let is_row = self.is_row_of(&choice.expr, row.site, names);
        if !is_row && let Some(mentioned) = self.mentioned(&choice.expr, names, row) {
            return Some(mentioned);
        }
        let tells_none = choice.arms.iter().any(|arm| is_no_row(&arm.pat));
        choice.arms.iter().find_map(|arm| {
            let (pattern, guard) = guarded(arm);
            let mut inner = names.clone();
            if !arm.attrs.is_empty() {
                return plain(self.range(arm), names).or(Some(self.range(arm)));
            }
            match Names::of(pattern).filter(|_| is_row) {
                Some(more) => inner.extend(more),
                None if is_row && !is_nothing(pattern) && !is_no_row(pattern) && !is_any_row(pattern) => {
                    return Some(self.range(pattern));
                }
                None if !is_row && let Some(mentioned) = plain(self.range(pattern), names) => {
                    return Some(mentioned);
                }
                None => {}
            }
            // That it is taken says that there is a row.
            let body = self.range(&*arm.body).range;
            let tells = is_row && !is_no_row(pattern) && (tells_none || !matches!(pattern, Pat::Wild(_)));
            if tells && !row.reaches(body) && !self.fails(&arm.body) {
                return Some(self.range(pattern));
            }
            guard
                .and_then(|guard| plain(self.range(guard), &inner))
                .or_else(|| self.mentioned(&arm.body, &inner, row))
        })
    }

    /// True if the value of `expr` is the row as it goes by one of its names, or as the query gives it, with nothing told
    /// of it on the way.
    pub(super) fn is_row_of(&self, expr: &Expr, site: Span, names: &Names) -> bool {
        let parts: Vec<String> =
            names.all.iter().filter(|name| !names.rows.contains(name)).cloned().collect();
        self.is_row(expr, site, &names.rows)
            && (parts.is_empty() || self.mention(self.range(expr), &parts, |_| false).is_none())
    }

    /// True for what leaves, or is an error.
    pub(super) fn fails(&self, body: &Expr) -> bool {
        match body {
            Expr::Call(call) => matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Err")),
            Expr::Block(block) => match block.block.stmts.as_slice() {
                [.., Stmt::Expr(tail, None)] if block.label.is_none() => self.fails(tail),
                _ => self.surely_diverges(body),
            },
            body => self.surely_diverges(body),
        }
    }
}

impl Way<'_> {
    fn known(&self, part: TextRange) -> Option<Passes> {
        self.ends.iter().filter(|(end, _)| *end == part).map(|(_, passes)| *passes).max()
    }
}

/// The pattern of an arm without its guard.
pub(super) fn guarded(arm: &Arm) -> (&Pat, Option<&Expr>) {
    match &arm.pat {
        Pat::Guard(of) => (&of.pat, Some(&*of.guard)),
        other => (other, None),
    }
}

/// `Some(_)`.
pub(super) fn is_any_row(pattern: &Pat) -> bool {
    match pattern {
        Pat::TupleStruct(of) => {
            let hands_through = of.path.is_ident("Some") || of.path.is_ident("Ok");
            hands_through
                && of.elems.len() == 1
                && of.elems.iter().all(|inner| matches!(inner, Pat::Wild(_)) || is_any_row(inner))
        }
        Pat::Paren(paren) => is_any_row(&paren.pat),
        _ => false,
    }
}

/// True for a pattern that fits only where there is no row: `None`, `Err(_)`, `Ok(None)`.
fn is_no_row(pattern: &Pat) -> bool {
    match pattern {
        Pat::Ident(name) => name.ident == "None" && name.subpat.is_none(),
        Pat::TupleStruct(of) => {
            of.path.is_ident("Err")
                || of.path.is_ident("Ok") && of.elems.len() == 1 && of.elems.iter().all(is_no_row)
        }
        Pat::Paren(paren) => is_no_row(&paren.pat),
        Pat::Or(or) => or.cases.iter().all(is_no_row),
        _ => false,
    }
}

/// True for a pattern that fits wherever there is a row: `Some(row)`.
fn is_some_row(pattern: &Pat) -> bool {
    matches!(pattern, Pat::TupleStruct(_)) && names_of(pattern).is_some()
}

/// True for an error, and for what names no variable: `Ok(None)`.
fn tells_nothing(value: &Expr) -> bool {
    struct Variables(bool);
    impl<'ast> Visit<'ast> for Variables {
        fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
            let is_variable = |name: &syn::Ident| !name.to_string().starts_with(char::is_uppercase);
            self.0 |= path.path.get_ident().is_some_and(is_variable);
        }

        fn visit_macro(&mut self, mac: &'ast syn::Macro) {
            self.0 |= !mac.tokens.is_empty();
        }
    }
    let is_error = matches!(value, Expr::Call(call)
        if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Err")));
    let mut variables = Variables(false);
    variables.visit_expr(value);
    is_error || !variables.0
}

/// A `break` or `continue` in the body of a loop, or a `return` that tells of what was seen until then.
struct LeavesRound(bool);

impl<'ast> Visit<'ast> for LeavesRound {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        self.0 |= match expr {
            Expr::Break(_) | Expr::Continue(_) => true,
            Expr::Return(left) => left.expr.as_ref().is_some_and(|value| !tells_nothing(value)),
            _ => false,
        };
        visit::visit_expr(self, expr);
    }

    // It may hold one.
    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        let text = mac.tokens.to_string();
        self.0 |= text.contains("break") || text.contains("continue");
    }
}
