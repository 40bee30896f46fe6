//! Rows that are looked at only where they are the tenant's: fetched first, then compared, and left where they are not.
//!
//! **Invariant:** a check counts for a query only where it stands among the statements of the block into which the row
//! was fetched, and nothing mentions the row before it. What is mentioned is told by names alone, those in format strings
//! included: a name that means something else makes a check count less, never more.

use ra_ap_rustc_lexer::{FrontmatterAllowed, tokenize};
use syn::punctuated::Punctuated;
use syn::{BinOp, Expr, ExprIf, ExprMethodCall, Member, Pat, Stmt, Token, UnOp};
use tenantry_span::{Span, TextRange};

use super::Reader;
use super::evaluate::{block_diverges, diverges, strip};
use super::provenance::{is_place, is_same_form, names_in};
use super::scope::LocalId;
use super::walk::{expression_attributes, unchained};
use crate::{RowCheck, RowColumn, RowValue};

/// Macros that leave unless their condition holds.
const HOLDING: &[&str] = &["ensure", "assert"];
/// Macros that leave unless their first two arguments are equal.
const EQUALING: &[&str] = &["assert_eq", "ensure_eq"];

/// The row that a block begins with: `if let Some(row) = …` and what it is taken from.
#[derive(Clone, Debug)]
pub(super) struct Header {
    names: Vec<String>,
    within: TextRange,
}

/// A comparison, and where it is known to have held.
struct Test {
    row: RowValue,
    bind: crate::Bind,
    span: Span,
    /// Where the row may be mentioned although the check has not passed: in the check itself.
    places: Vec<TextRange>,
    passed: Passed,
}

/// Where in its statement, and after it, a check has passed.
#[derive(Clone, Copy)]
struct Passed {
    /// In these parts of the statement.
    inside: [Option<TextRange>; 2],
    /// In all that follows the statement.
    after: bool,
}

impl<'a> Reader<'a> {
    /// Notes the row that the block about to be walked begins with.
    pub(super) fn enter_with_row(&mut self, pattern: &Pat, value: &Expr) {
        let mut names = Vec::new();
        names_of(pattern, &mut names);
        self.header = Some(Header { names, within: self.range(value).range });
    }

    /// Takes note of the checks of one statement of a block, which was just walked. `marks` says how many variables there
    /// were before each of its statements.
    pub(super) fn note_row_checks(
        &mut self,
        statements: &'a [Stmt],
        marks: &[LocalId],
        at: usize,
        header: Option<&Header>,
    ) {
        let (Some(statement), Some(limit)) = (statements.get(at), marks.get(at).copied()) else { return };
        for test in self.tests_of(statement, limit) {
            let within = test.row.within;
            let fetched_at = statements.iter().take(at).rposition(|earlier| {
                matches!(earlier, Stmt::Local(_)) && self.range(earlier).range.contains_range(within.range)
            });
            let names = match (fetched_at.and_then(|found| statements.get(found)), header) {
                (Some(Stmt::Local(local)), _) => {
                    let mut names = Vec::new();
                    names_of(&local.pat, &mut names);
                    names
                }
                (_, Some(header)) if header.within.contains_range(within.range) => header.names.clone(),
                _ => continue,
            };
            let first = fetched_at.map_or(0, |found| found + 1);
            let unchecked = self.used_before(statements, marks, first, at, &test, names);
            let check = RowCheck { column: test.row.column, bind: test.bind, span: test.span, unchecked };
            if let Some(site) = self.only_site_in(within) {
                site.checks.push(check);
            }
        }
    }

    /// Takes note of `fetched.filter(|row| row.tenant == tenant)`: what is left is the tenant's.
    pub(super) fn note_row_filter(&mut self, call: &'a ExprMethodCall) {
        let (Some(Expr::Closure(closure)), 1) = (call.args.first(), call.args.len()) else { return };
        let Some(name) = closure.inputs.first().and_then(only_name) else { return };
        let Some(row) = self.row(&call.receiver, RowColumn::Only, LocalId::MAX, 0) else { return };
        // A variable that holds the row can be used elsewhere.
        if !self.range(&*call.receiver).range.contains_range(row.within.range) {
            return;
        }
        let mut pairs = Vec::new();
        equalities(&closure.body, true, &mut pairs);
        let body = self.range(&*closure.body);
        let mut found = Vec::new();
        for (left, right) in pairs {
            for (place, other) in [(left, right), (right, left)] {
                let (place, other) = (within_some(place), within_some(other));
                let Some(column) = column_of(place, &name) else { continue };
                let (place, span) = (self.range(place).range, self.range(other));
                let rest = TextRange::new(place.end, body.range.end);
                let is_passed =
                    |mention: TextRange| place.contains_range(mention) || rest.contains_range(mention);
                let unchecked = self.mention(body, std::slice::from_ref(&name), is_passed);
                let text = self.written(span).to_owned();
                let bind = self.aside(|reader| reader.bind_at(other, span, text, LocalId::MAX));
                let span = Span::new(span.file, self.range(left).range.cover(self.range(right).range));
                found.push(RowCheck { column, bind, span, unchecked });
            }
        }
        if let Some(site) = self.only_site_in(row.within) {
            site.checks.extend(found);
        }
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
        marks: &[LocalId],
        first: usize,
        at: usize,
        test: &Test,
        mut names: Vec<String>,
    ) -> Option<Span> {
        for (number, statement) in statements.iter().enumerate().take(at).skip(first) {
            let mentioned = self.mention(self.range(statement), &names, |_| false);
            let Some(mentioned) = mentioned else { continue };
            match statement {
                Stmt::Local(local) if self.hands_on(local, test, marks.get(number).copied(), &names) => {
                    names_of(&local.pat, &mut names);
                }
                _ => return Some(mentioned),
            }
        }
        let passed = |mention: TextRange| {
            let inside = test.passed.inside.iter().flatten();
            test.places.iter().chain(inside).any(|range| range.contains_range(mention))
        };
        let here = statements.get(at)?;
        if let Some(mentioned) = self.mention(self.range(here), &names, passed) {
            return Some(mentioned);
        }
        let mut later = statements.iter().skip(at + 1).filter(|_| !test.passed.after);
        later.find_map(|statement| self.mention(self.range(statement), &names, |_| false))
    }

    /// True for `let row = fetched.ok_or(…)?;` and `let owner = row.get("owner");`: the same row under another name, or a
    /// part of it.
    fn hands_on(&self, local: &syn::Local, test: &Test, limit: Option<LocalId>, names: &[String]) -> bool {
        let (Some(init), Some(limit)) = (&local.init, limit) else { return false };
        let same =
            self.row(&init.expr, RowColumn::Only, limit, 0).is_some_and(|row| row.within == test.row.within);
        let otherwise = init.diverge.as_ref().map(|(_, otherwise)| otherwise);
        same && local.attrs.is_empty()
            && otherwise
                .is_none_or(|otherwise| self.mention(self.range(otherwise), names, |_| false).is_none())
    }

    fn mention(
        &self,
        within: Span,
        names: &[String],
        is_allowed: impl Fn(TextRange) -> bool,
    ) -> Option<Span> {
        let mut at = within.range.start as usize;
        for token in tokenize(self.written(within), FrontmatterAllowed::No) {
            let range = TextRange::from_usize(at, at + token.len as usize);
            at += token.len as usize;
            let text = range.slice(self.source.text);
            let mentions = names_in(token.kind, text).any(|name| names.iter().any(|known| known == name));
            if mentions && !is_allowed(range) {
                return Some(Span::new(within.file, range));
            }
        }
        None
    }

    fn tests_of(&mut self, statement: &'a Stmt, limit: LocalId) -> Vec<Test> {
        let mut tests = Vec::new();
        match statement {
            Stmt::Expr(expr, _) if !expression_attributes(expr).is_empty() => {}
            Stmt::Expr(Expr::If(choice), _) => self.tests_of_if(choice, limit, &mut tests),
            Stmt::Expr(Expr::Macro(mac), _) => self.tests_of_macro(&mac.mac, limit, &mut tests),
            Stmt::Macro(mac) if mac.attrs.is_empty() => self.tests_of_macro(&mac.mac, limit, &mut tests),
            Stmt::Expr(expr, _) => self.tests_of_guard(expr, limit, &mut tests),
            Stmt::Local(local) if local.attrs.is_empty() => {
                if let Some(init) = &local.init {
                    self.tests_of_guard(&init.expr, limit, &mut tests);
                }
            }
            _ => {}
        }
        tests
    }

    fn tests_of_if(&mut self, choice: &'a ExprIf, limit: LocalId, tests: &mut Vec<Test>) {
        let condition = self.range(&*choice.cond).range;
        let then = self.block_range(&choice.then_branch);
        let otherwise = choice.else_branch.as_ref().map(|(_, otherwise)| &**otherwise);
        let leaves = block_diverges(&choice.then_branch);
        for outcome in [false, true] {
            // Where the condition is `outcome`, the branch that runs, and whether what follows is reached by it alone.
            let (inside, after) = match outcome {
                true => (Some(then), otherwise.is_some_and(diverges)),
                false => (otherwise.map(|otherwise| self.range(otherwise).range), leaves),
            };
            if !outcome && !leaves && inside.is_none() {
                continue;
            }
            let mut pairs = Vec::new();
            equalities(&choice.cond, outcome, &mut pairs);
            for (left, right) in pairs {
                // What stands after the comparison is looked at only where it held.
                let rest = self.range(left).range.cover(self.range(right).range);
                let rest = TextRange::new(rest.end, condition.end);
                let passed = Passed { inside: [inside, Some(rest)], after };
                tests.extend(self.comparison(left, right, limit, passed));
            }
            let checked = self.guards_passed(&choice.cond, outcome, limit);
            for (place, at, span) in checked {
                tests.extend(self.checked_by_guard(
                    place,
                    at,
                    span,
                    Passed { inside: [inside, None], after },
                ));
            }
        }
    }

    fn tests_of_macro(&mut self, mac: &syn::Macro, limit: LocalId, tests: &mut Vec<Test>) {
        let Some(arguments) = self.leaving_arguments(mac) else { return };
        for (left, right) in arguments.equalities() {
            let passed = Passed { inside: [None, None], after: true };
            tests.extend(self.comparison(left, right, limit, passed));
        }
    }

    /// The arguments of a macro that leaves where its condition does not hold: none of the workspace's own.
    pub(super) fn leaving_arguments(&self, mac: &syn::Macro) -> Option<Leaving> {
        let full = self.imports.resolve(&mac.path);
        let (first, name) = (full.first()?, full.last()?);
        let of_library = ["std", "core", "anyhow", "eyre", "color_eyre", "snafu"].contains(&first.as_str());
        let of_prelude = full.len() == 1 && name.starts_with("assert");
        let equal = EQUALING.contains(&name.as_str());
        if !(equal || HOLDING.contains(&name.as_str())) || !(of_library || of_prelude) {
            return None;
        }
        let own = format!("macro_rules! {name}");
        if memchr::memmem::find(self.source.text.as_bytes(), own.as_bytes()).is_some() {
            return None;
        }
        let arguments = mac.parse_body_with(Punctuated::parse_terminated).ok()?;
        Some(Leaving { arguments, equal })
    }

    /// `guard(&row.organization_id).await?;`
    fn tests_of_guard(&mut self, expr: &'a Expr, limit: LocalId, tests: &mut Vec<Test>) {
        let (base, steps) = unchained(expr);
        for (place, at, span) in self.guard_passed(base, &steps, limit) {
            let passed = Passed { inside: [None, None], after: true };
            tests.extend(self.checked_by_guard(place, at, span, passed));
        }
    }

    fn checked_by_guard(
        &mut self,
        place: &'a Expr,
        limit: LocalId,
        span: Span,
        passed: Passed,
    ) -> Option<Test> {
        let row = self.row(place, RowColumn::Only, limit, 0)?;
        let bind = self.aside(|reader| reader.bind(place, limit));
        Some(Test { row, bind, span, places: vec![self.range(place).range], passed })
    }

    /// The row of which one side of a comparison is a column.
    fn comparison(&mut self, left: &Expr, right: &Expr, limit: LocalId, passed: Passed) -> Option<Test> {
        for (place, other) in [(left, right), (right, left)] {
            let (place, other) = (within_some(place), within_some(other));
            let Some(row) = self.row(place, RowColumn::Only, limit, 0) else { continue };
            let span = self.range(other);
            let text = self.written(span).to_owned();
            let bind = self.aside(|reader| reader.bind_at(other, span, text, limit));
            let places = vec![self.range(place).range];
            let span = Span::new(span.file, self.range(left).range.cover(self.range(right).range));
            return Some(Test { row, bind, span, places, passed });
        }
        None
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
    /// The comparisons that held where it did not leave.
    pub(super) fn equalities(&self) -> Vec<(&Expr, &Expr)> {
        let mut pairs = Vec::new();
        match (self.arguments.first(), self.arguments.get(1)) {
            (Some(left), Some(right)) if self.equal => pairs.push((left, right)),
            (Some(condition), _) if !self.equal => equalities(condition, true, &mut pairs),
            _ => {}
        }
        pairs
    }
}

/// The comparisons that held if the condition is `outcome`.
pub(super) fn equalities<'e>(condition: &'e Expr, outcome: bool, found: &mut Vec<(&'e Expr, &'e Expr)>) {
    match condition {
        Expr::Paren(inner) => equalities(&inner.expr, outcome, found),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => equalities(&unary.expr, !outcome, found),
        Expr::Binary(binary) => match (&binary.op, outcome) {
            (BinOp::And(_), true) | (BinOp::Or(_), false) => {
                equalities(&binary.left, outcome, found);
                equalities(&binary.right, outcome, found);
            }
            (BinOp::Eq(_), true) | (BinOp::Ne(_), false) => found.push((&binary.left, &binary.right)),
            _ => {}
        },
        _ => {}
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
        let is_error = matches!(&arm.pat, Pat::TupleStruct(of) if of.path.is_ident("Err"));
        let mut names = Vec::new();
        names_of(&arm.pat, &mut names);
        let is_guarded = matches!(arm.pat, Pat::Guard(_));
        if number == at { !is_guarded } else { is_error || names.is_empty() && !is_guarded }
    })
}

/// The name that a closure gives to what it is handed, if that is all that it takes.
fn only_name(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(name) if name.subpat.is_none() => {
            Some(name.ident.to_string().trim_start_matches("r#").to_owned())
        }
        Pat::Reference(reference) => only_name(&reference.pat),
        Pat::Type(typed) => only_name(&typed.pat),
        Pat::Paren(paren) => only_name(&paren.pat),
        _ => None,
    }
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
        Expr::MethodCall(call) if call.args.is_empty() && is_same_form(&call.method.to_string()) => {
            column_of(&call.receiver, row)
        }
        _ => None,
    }
}

/// The names that a pattern declares.
fn names_of(pattern: &Pat, names: &mut Vec<String>) {
    match pattern {
        Pat::Ident(name) if name.ident == "None" => {}
        Pat::Ident(name) => {
            names.push(name.ident.to_string().trim_start_matches("r#").to_owned());
            if let Some((_, inner)) = &name.subpat {
                names_of(inner, names);
            }
        }
        Pat::Type(typed) => names_of(&typed.pat, names),
        Pat::Paren(paren) => names_of(&paren.pat, names),
        Pat::Reference(reference) => names_of(&reference.pat, names),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|element| names_of(element, names)),
        Pat::TupleStruct(of) => of.elems.iter().for_each(|element| names_of(element, names)),
        Pat::Struct(of) => of.fields.iter().for_each(|field| names_of(&field.pat, names)),
        Pat::Slice(of) => of.elems.iter().for_each(|element| names_of(element, names)),
        Pat::Or(or) => or.cases.iter().for_each(|case| names_of(case, names)),
        Pat::Guard(guarded) => names_of(&guarded.pat, names),
        _ => {}
    }
}
