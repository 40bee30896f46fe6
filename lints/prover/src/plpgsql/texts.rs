//! Texts that a function executes, with values in them that are not quoted.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use super::{Body, Part, Variables, What, read};
use crate::ast::only_item;
use crate::ast::{BinaryOp, Call, Expr, ExprKind};
use crate::catalog::{Catalog, Function, Table};
use crate::lower::statements;
use crate::types::SqlType;

/// How many variables a text is followed through.
const MAX_STEPS: usize = 16;

/// A value that becomes a part of a statement's text as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unquoted {
    /// The place of the text that is executed, in the body.
    pub range: TextRange,
    /// What is put into it: a parameter, or a column of the row for which a trigger runs.
    pub name: String,
}

/// The texts that a function executes into which a text that it is handed is put without being quoted. A parameter that the
/// body looks at elsewhere may have been checked there, and is left out. `row` is the table of a trigger.
pub fn unquoted(catalog: &Catalog, function: &Function, row: Option<&Table>) -> Vec<Unquoted> {
    if catalog.dialect != Dialect::Postgres || function.language != "plpgsql" {
        return Vec::new();
    }
    let body = read(&function.body);
    let Ok(variables) = Variables::of(catalog, function, &body, row) else { return Vec::new() };
    let mut reader =
        Reader { function, body: &body, variables: &variables, steps: MAX_STEPS, found: Vec::new() };
    let dynamic = body.parts.iter().filter(|part| matches!(part.what, What::Dynamic { .. }));
    let mut told = Vec::new();
    for part in dynamic {
        reader.found.clear();
        reader.steps = MAX_STEPS;
        reader.part(part);
        let name = reader.found.iter().find(|name| !reader.is_looked_at(name));
        told.extend(name.map(|name| Unquoted { range: part.range, name: name.join(".") }));
    }
    told
}

struct Reader<'a> {
    function: &'a Function,
    body: &'a Body,
    variables: &'a Variables,
    steps: usize,
    found: Vec<Vec<String>>,
}

impl Reader<'_> {
    fn part(&mut self, part: &Part) {
        let parsed = statements(Dialect::Postgres, &part.text);
        if let Some(expr) = only_item(&parsed) {
            self.text(expr);
        }
    }

    /// Looks through what puts texts together.
    fn text(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Binary { op: BinaryOp::Concat, left, right } => {
                self.text(left);
                self.text(right);
            }
            ExprKind::Cast { expr, ty: SqlType::Text | SqlType::VarcharN(_), .. } => self.text(expr),
            ExprKind::Call(call) => self.call(call),
            ExprKind::Column(parts) => {
                let path: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
                self.name(&path);
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        let name = call.name.parts.last().map_or("", |part| part.text.as_str());
        match name {
            "format" => {
                let Some((Expr { kind: ExprKind::String(form), .. }, args)) = call.args.split_first() else {
                    return;
                };
                for at in plain_arguments(form) {
                    if let Some(arg) = args.get(at) {
                        self.text(arg);
                    }
                }
            }
            "concat" | "concat_ws" | "coalesce" | "lower" | "upper" | "trim" | "btrim" => {
                call.args.iter().for_each(|arg| self.text(arg));
            }
            _ => {}
        }
    }

    fn name(&mut self, path: &[&str]) {
        let Some(meaning) = self.variables.meaning(path) else { return };
        let is_param = meaning.param as usize <= self.function.params.len();
        let is_of_row = matches!(path, ["new" | "old", _]);
        if is_param || is_of_row {
            if matches!(meaning.ty, Some(SqlType::Text | SqlType::VarcharN(_))) {
                self.found.push(path.iter().map(|part| (*part).to_owned()).collect());
            }
            return;
        }
        let Some(steps) = self.steps.checked_sub(1) else { return };
        self.steps = steps;
        let body = self.body;
        let set = body.set.iter().filter(|(target, _)| *target == path).map(|(_, value)| *value);
        let declared = body.variables.iter().filter(|variable| [variable.name.as_str()] == *path);
        let values: Vec<usize> = set.chain(declared.filter_map(|variable| variable.initial)).collect();
        for part in values.into_iter().filter_map(|at| body.parts.get(at)) {
            self.part(part);
        }
    }

    /// Whether a condition, a message or another statement mentions it: it may be checked there.
    fn is_looked_at(&self, name: &[String]) -> bool {
        let body = self.body;
        let Some(word) = name.last() else { return true };
        let is_value = |at: usize| {
            body.set.iter().any(|(_, value)| *value == at)
                || body.variables.iter().any(|variable| variable.initial == Some(at))
        };
        let mut others = body
            .parts
            .iter()
            .enumerate()
            .filter(|(at, part)| !is_value(*at) && !matches!(part.what, What::Dynamic { .. }));
        others.any(|(_, part)| {
            let lower = part.text.to_ascii_lowercase();
            let mut words = lower.split(|c: char| !c.is_alphanumeric() && c != '_');
            words.any(|part| part == word)
        })
    }
}

/// The arguments of `format` that its form takes with `%s`, from 0.
fn plain_arguments(form: &str) -> Vec<usize> {
    let mut found = Vec::new();
    let (mut chars, mut next) = (form.chars().peekable(), 0);
    while let Some(c) = chars.next() {
        if c != '%' {
            continue;
        }
        let mut digits = String::new();
        let mut place = None;
        // `%[position$][flags][width]type`; a width that is an argument of its own is not read.
        let kind = loop {
            match chars.next() {
                Some(digit) if digit.is_ascii_digit() => digits.push(digit),
                Some('$') => place = std::mem::take(&mut digits).parse::<usize>().ok(),
                Some('-') => {}
                kind => break kind,
            }
        };
        let at = match (kind, place) {
            (Some('%') | None, _) => continue,
            (Some('*'), _) => return found,
            (_, Some(place)) => place.saturating_sub(1),
            (_, None) => next,
        };
        next = at + 1;
        if kind == Some('s') {
            found.push(at);
        }
    }
    found
}
