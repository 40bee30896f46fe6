//! `DO` blocks: what they do to the schema.
//!
//! A block is run as the database would run it, on the schema as it is known: conditions that ask the schema are answered,
//! loops over what is known are unrolled, texts that are put together of what is known are read. Where it is not known
//! which way it goes, both are taken, and what they disagree on is uncertain (`join`).
//!
//! **Invariant:** what is believed of the schema afterwards holds on every way that the block may have taken.

mod ask;
mod attempt;
pub(super) mod join;
mod system;
#[cfg(test)]
mod tests;
mod value;

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};
use tenantry_policy::Dialect;
use tenantry_span::{Span, TextRange};

use self::ask::{Asker, Variables};
use self::attempt::Attempt;
use self::join::{join, join_variables};
use self::value::{Truth, Value};
use super::nodes::{self, text};
use super::{Origin, Read, Reader, Refusal, distrust, distrust_calls, executes_unknown, need, skip_block};
use crate::catalog::Catalog;
use crate::lower::edit::Editor;
use crate::lower::scan::{Token, TokenKind, tokens};

/// How deep blocks may be nested in strings of blocks.
const MAX_DEPTH: usize = 4;
/// How often the body of a loop is run.
const MAX_TURNS: usize = 256;
const MAX_NUMBERS: i64 = 256;
/// How often the body of a loop of which the turns are not known is run, until what is believed holds before and after.
const MAX_ROUNDS: usize = 4;
/// How often all bodies of loops are run in all: loops within loops multiply.
const MAX_ALL_TURNS: usize = 2_048;

const PERHAPS: &str = "whether and how often it is run is not known";

/// Where a block stands while it is run.
#[derive(Default)]
pub(super) struct Flow {
    variables: Variables,
    /// Nothing that follows is run: the way has ended.
    ended: bool,
    /// The schema where the block was left by `RETURN`.
    returned: Vec<Catalog>,
    /// The schema where a turn of a loop was left, and the loop or the turn alone is not told apart.
    left: Vec<Catalog>,
    /// How many loops are around.
    loops: usize,
    /// How many turns of loops have been run.
    spent: usize,
    /// The blocks with handlers around, the innermost last.
    attempts: Vec<Attempt>,
}

impl Reader<'_> {
    /// `DO`.
    pub(super) fn do_block(&mut self, block: &ast::Do) -> Read {
        let literal = need(block.body(), "body")?;
        let body_text = literal.string_value().unwrap_or_default();
        let span = self.span(literal.syntax());
        if let Some(refusal) = distrust_calls(self.editor.catalog, span, &body_text) {
            self.skip_part(span, refusal);
        }
        self.do_body(block, &literal, &body_text)
    }

    fn do_body(&mut self, block: &ast::Do, literal: &ast::Literal, body_text: &str) -> Read {
        let Some(body) = block.plpgsql() else {
            return match speaks_of_schema(body_text) {
                true => Err(Refusal::new("a block in a language other than PL/pgSQL is not read")),
                false => Ok(()),
            };
        };
        if let Some(error) = unplaced_error(&body) {
            return match speaks_of_schema(body_text) {
                true => Err(Refusal::new(format!("the block could not be read: {error}"))),
                false => Ok(()),
            };
        }
        if body_text.contains("#variable_conflict") && speaks_of_schema(body_text) {
            return Err(Refusal::new("what names mean in the block is set otherwise than usual"));
        }
        if leaves_by_label(body_text) && speaks_of_schema(body_text) {
            return Err(Refusal::new(
                "where the block goes on after it leaves a part by its label is not followed",
            ));
        }
        if may_move(body_text) {
            let doubt = "the block may set the search path, and what it names is not known";
            for table in self.editor.catalog.tables.values_mut() {
                table.complete = false;
                table.row_security.unsure.get_or_insert_with(|| doubt.to_owned());
            }
            return Err(Refusal::new(doubt));
        }
        if says(body_text, "rollback") && speaks_of_schema(body_text) {
            return Err(Refusal::new("what the block takes back is not followed"));
        }
        let base = match &self.origin {
            Origin::File { base } => Some(*base),
            Origin::Body { .. } | Origin::Fixed(_) => None,
        };
        let origin = match base {
            Some(base) => Origin::Body { base, body: &body },
            None => Origin::Fixed(self.range(literal.syntax())),
        };
        let span = self.span(literal.syntax());
        let mut inner = Reader {
            editor: Editor { catalog: self.editor.catalog },
            file: self.file,
            origin,
            merge_keys_from: None,
            flow: Flow { spent: self.flow.spent, ..Flow::default() },
        };
        let outcome = body.tree().block().map_or(Ok(()), |block| inner.block(&block, MAX_DEPTH));
        let ways = std::mem::take(&mut inner.flow.returned);
        inner.rejoin(ways, span);
        self.flow.spent = inner.flow.spent;
        outcome
    }

    /// Runs a block.
    fn block(&mut self, block: &ast::PlpgsqlBlock, depth: usize) -> Read {
        let outer = self.flow.variables.clone();
        let declared = self.declare(block);
        let outcome = match block.exception() {
            None => self.body(block.body(), depth),
            Some(section) => self.attempt(block, &section, depth),
        };
        for name in declared {
            match outer.get(&name) {
                Some(value) => drop(self.flow.variables.insert(name, value.clone())),
                None => drop(self.flow.variables.remove(&name)),
            }
        }
        outcome
    }

    fn declare(&mut self, block: &ast::PlpgsqlBlock) -> Vec<String> {
        let mut declared = Vec::new();
        for declaration in block.declare_section().into_iter().flat_map(|section| section.decls()) {
            let whole = text(declaration.syntax());
            let Some(name) = tokens(Dialect::Postgres, &whole).next().and_then(|token| token.name(&whole))
            else {
                continue;
            };
            let value = match &declaration {
                ast::PlpgsqlDecl::PlpgsqlVarDecl(variable) => {
                    let initial =
                        variable.init().and_then(|init| init.expr()).map(|expr| text(expr.syntax()));
                    let ty =
                        variable.ty().map(|ty| text(ty.syntax()).to_ascii_lowercase()).unwrap_or_default();
                    match initial {
                        _ if !keeps_values(&ty) => {
                            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
                            Value::Unknown
                        }
                        Some(initial) => self.ask(&initial),
                        None if ty == "record" => Value::Record(Vec::new()),
                        None => Value::Null,
                    }
                }
                ast::PlpgsqlDecl::PlpgsqlAliasDecl(_) | ast::PlpgsqlDecl::PlpgsqlCursorDecl(_) => {
                    Value::Unknown
                }
            };
            self.flow.variables.insert(name.clone(), value);
            declared.push(name);
        }
        declared
    }

    fn ask(&mut self, expression: &str) -> Value {
        let Flow { variables, .. } = &self.flow;
        let value = Asker::new(self.editor.catalog, variables).expression(expression);
        // What is not known may fail: `'nosuch'::regclass`, `1 / 0`.
        if value == Value::Unknown {
            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
        }
        value
    }

    /// The rows of a query, if those are all known.
    fn rows(&mut self, query: &str) -> Option<Vec<Vec<(String, Value)>>> {
        let Flow { variables, .. } = &self.flow;
        let answer = Asker::new(self.editor.catalog, variables).rows(query);
        let rows = answer.filter(|answer| answer.exact).map(|answer| answer.rows);
        if rows.is_none() {
            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
        }
        rows
    }

    fn body(&mut self, body: Option<ast::PlpgsqlBody>, depth: usize) -> Read {
        for node in body.iter().flat_map(|body| body.syntax().children()) {
            if self.flow.ended {
                return Ok(());
            }
            let outcome = match ast::PlpgsqlStmt::cast(node.clone()) {
                Some(stmt) if is_whole(&stmt) => self.plpgsql(&stmt, depth),
                Some(_) | None if !speaks_of_schema(&text(&node)) => {
                    self.unread(&node);
                    Ok(())
                }
                Some(_) | None => Err(Refusal::new("a statement of the block could not be read")),
            };
            if let Err(refusal) = outcome {
                self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
                self.skip_node(&node, refusal);
            }
        }
        Ok(())
    }

    /// A statement that squawk does not read and that says nothing of the schema; the common `SELECT … INTO` is among them.
    fn unread(&mut self, node: &SyntaxNode) {
        let written = text(node);
        let written = written.trim_end().trim_end_matches(';');
        let first = tokens(Dialect::Postgres, written).next();
        if first.is_some_and(|token| token.is(written, "select")) {
            return self.select_into_variable(written);
        }
        self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
        self.forget_all_in(written);
        let refusal = Refusal::new("a statement of the block could not be read");
        distrust(self.editor.catalog, self.span(node), &refusal, written, false);
    }

    fn skip_node(&mut self, node: &SyntaxNode, refusal: Refusal) {
        let span = self.span(node);
        match refusal.table {
            Some(_) => self.skip_part(span, refusal),
            None => skip_block(self.editor.catalog, span, refusal, &text(node)),
        }
    }

    fn plpgsql(&mut self, stmt: &ast::PlpgsqlStmt, depth: usize) -> Read {
        use ast::PlpgsqlStmt as Stmt;
        match stmt {
            Stmt::PlpgsqlBlock(block) => self.block(block, depth),
            Stmt::PlpgsqlIfStmt(it) => self.if_stmt(it, depth),
            Stmt::PlpgsqlExecSqlStmt(it) => {
                let stmt = need(it.stmt(), "statement")?;
                if let ast::Stmt::SelectInto(select) = &stmt {
                    self.select_into_variable(&text(select.syntax()));
                    return Ok(());
                }
                self.forget_targets(&text(it.syntax()));
                self.run(&stmt)
            }
            Stmt::PlpgsqlDynExecuteStmt(it) => self.execute(it, depth),
            Stmt::PlpgsqlDoStmt(it) => {
                let inner = need(it.syntax().children().find_map(ast::Do::cast), "block")?;
                self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
                self.do_block(&inner)
            }
            Stmt::PlpgsqlForEachStmt(it) => self.for_each(it, depth),
            Stmt::PlpgsqlForQueryStmt(it) => self.for_query(it, depth),
            Stmt::PlpgsqlCaseStmt(it) => {
                let whens = it.whens().map(|when| bodies_in(when.syntax()));
                // What it compares may fail, and so does a value of which no part speaks.
                self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
                let otherwise = it.else_clause().and_then(|clause| clause.body());
                let mut ways: Vec<Vec<ast::PlpgsqlBody>> = whens.collect();
                ways.push(otherwise.into_iter().collect());
                self.any_of(stmt.syntax(), &ways, depth)
            }
            // What is run some number of times, or never.
            Stmt::PlpgsqlForIStmt(it) => self.for_numbers(it, depth),
            Stmt::PlpgsqlForCursorStmt(_)
            | Stmt::PlpgsqlForDynStmt(_)
            | Stmt::PlpgsqlLoopStmt(_)
            | Stmt::PlpgsqlWhileStmt(_) => self.some_turns(stmt.syntax(), depth),
            Stmt::PlpgsqlAssignStmt(_) => {
                self.assign(&text(stmt.syntax()));
                Ok(())
            }
            Stmt::PlpgsqlReturnStmt(_) => {
                let way = self.editor.catalog.clone();
                self.flow.returned.push(way);
                self.flow.ended = true;
                Ok(())
            }
            Stmt::PlpgsqlExitStmt(_) | Stmt::PlpgsqlContinueStmt(_) => {
                self.leave(&text(stmt.syntax()));
                Ok(())
            }
            Stmt::PlpgsqlRaiseStmt(it) => {
                // What it says is computed first.
                self.flow.attempts.iter_mut().for_each(Attempt::may_fail_by_rows);
                let level = it.level();
                if level.is_none_or(|level| level.exception_token().is_some()) {
                    self.raise();
                }
                Ok(())
            }
            Stmt::PlpgsqlPerformStmt(_) => {
                self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
                let written = text(stmt.syntax());
                match written.to_ascii_lowercase().contains("set_config") && says(&written, "search_path") {
                    true => self.set_config_call(&written),
                    false => Ok(()),
                }
            }
            Stmt::PlpgsqlAssertStmt(_)
            | Stmt::PlpgsqlCallStmt(_)
            | Stmt::PlpgsqlCloseStmt(_)
            | Stmt::PlpgsqlCommitStmt(_)
            | Stmt::PlpgsqlFetchStmt(_)
            | Stmt::PlpgsqlGetDiagStmt(_)
            | Stmt::PlpgsqlMoveStmt(_)
            | Stmt::PlpgsqlNullStmt(_)
            | Stmt::PlpgsqlOpenStmt(_)
            | Stmt::PlpgsqlReturnNextStmt(_)
            | Stmt::PlpgsqlReturnQueryExecuteStmt(_)
            | Stmt::PlpgsqlReturnQueryStmt(_)
            | Stmt::PlpgsqlRollbackStmt(_) => {
                if !matches!(stmt, Stmt::PlpgsqlNullStmt(_)) {
                    self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
                }
                self.forget_all_in(&text(stmt.syntax()));
                Ok(())
            }
        }
    }

    /// A statement of SQL.
    fn run(&mut self, stmt: &ast::Stmt) -> Read {
        if self.fails(stmt) {
            return Ok(());
        }
        let skipped = self.editor.catalog.skipped.len();
        let outcome = self.statement(stmt);
        if self.editor.catalog.skipped.len() > skipped {
            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
        }
        outcome
    }

    // ---- variables ----

    /// `name := value`
    fn assign(&mut self, written: &str) {
        let all: Vec<Token> = tokens(Dialect::Postgres, written).collect();
        let Some(name) = all.first().and_then(|token| token.name(written)) else { return };
        let is = |at: usize, byte: u8| all.get(at).is_some_and(|token| token.is_punct(byte));
        let value = match (is(1, b':') && is(2, b'='), is(1, b'=')) {
            (true, _) => all.get(3),
            (false, true) => all.get(2),
            (false, false) => None,
        };
        let value = value.and_then(|token| written.get(token.range.start as usize..));
        let keeps = self.flow.variables.get(&name).is_some_and(|known| *known != Value::Unknown);
        // One of another type may change what it is given; those were never known.
        let value = match value.filter(|_| keeps) {
            Some(value) => self.ask(value.trim_end().trim_end_matches(';')),
            None => {
                self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
                Value::Unknown
            }
        };
        self.flow.variables.insert(name, value);
    }

    /// `SELECT … INTO name FROM …`
    fn select_into_variable(&mut self, written: &str) {
        let Some((query, target)) = without_into(written) else {
            return self.forget_all_in(written);
        };
        self.flow.attempts.iter_mut().for_each(Attempt::may_fail_by_rows);
        let keeps = self.flow.variables.get(&target).is_some_and(|known| *known != Value::Unknown);
        let rows = self.rows(&query);
        let value = match rows.filter(|_| keeps) {
            Some(rows) => match rows.as_slice() {
                [] => Value::Null,
                // The first of several is any of them.
                [row] => match row.as_slice() {
                    [(_, value)] => value.clone(),
                    _ => Value::Unknown,
                },
                _ => Value::Unknown,
            },
            None => Value::Unknown,
        };
        self.flow.variables.insert(target, value);
    }

    /// What stands after `INTO` in a statement is not known any longer.
    fn forget_targets(&mut self, written: &str) {
        if says(written, "into") {
            self.forget_all_in(written);
        }
    }

    fn forget_all_in(&mut self, written: &str) {
        for name in tokens(Dialect::Postgres, written).filter_map(|token| token.name(written)) {
            if let Some(value) = self.flow.variables.get_mut(&name) {
                *value = Value::Unknown;
            }
        }
    }

    // ---- ways ----

    fn raise(&mut self) {
        // Whether the innermost catches it, or one around.
        if self.flow.attempts.len() > 1 {
            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
        }
        if let Some(attempt) = self.flow.attempts.last_mut() {
            attempt.raised = true;
        }
        self.flow.ended = true;
    }

    /// `EXIT`, `CONTINUE`
    fn leave(&mut self, written: &str) {
        let when = tokens(Dialect::Postgres, written).find(|token| token.is(written, "when"));
        let condition = when.and_then(|token| written.get(token.range.end as usize..));
        let truth = match condition {
            Some(condition) => self.ask(condition.trim_end().trim_end_matches(';')).truth(),
            None => Truth::Yes,
        };
        if truth == Truth::No {
            return;
        }
        let way = self.editor.catalog.clone();
        match self.flow.loops {
            0 => self.flow.returned.push(way),
            _ => self.flow.left.push(way),
        }
        self.flow.ended = truth == Truth::Yes;
    }

    /// Goes on from all of these ways, and from where it is unless that has ended.
    fn rejoin(&mut self, ways: Vec<Catalog>, span: Span) {
        let mut ways = ways.into_iter();
        if self.flow.ended {
            let Some(first) = ways.next() else { return };
            *self.editor.catalog = first;
            self.flow.ended = false;
        }
        for way in ways {
            self.join_with(way, span);
        }
    }

    fn join_with(&mut self, other: Catalog, span: Span) {
        if *self.editor.catalog == other {
            return;
        }
        let own = std::mem::take(self.editor.catalog);
        *self.editor.catalog = join(own, other, span, PERHAPS);
    }

    /// Runs one of several parts, or none, who knows which.
    fn any_of(&mut self, node: &SyntaxNode, parts: &[Vec<ast::PlpgsqlBody>], depth: usize) -> Read {
        let (before, variables) = (self.editor.catalog.clone(), self.flow.variables.clone());
        let mut ways = Vec::new();
        for part in parts {
            *self.editor.catalog = before.clone();
            self.flow.variables.clone_from(&variables);
            self.flow.ended = false;
            part.iter().try_for_each(|body| self.body(Some(body.clone()), depth))?;
            if !self.flow.ended {
                ways.push((self.editor.catalog.clone(), std::mem::take(&mut self.flow.variables)));
            }
        }
        self.take_one_of(ways, self.span(node));
        Ok(())
    }

    /// Goes on from one of several ways; where there is none, nothing follows.
    fn take_one_of(&mut self, ways: Vec<(Catalog, Variables)>, span: Span) {
        let mut ways = ways.into_iter();
        let Some((catalog, variables)) = ways.next() else {
            self.flow.ended = true;
            return;
        };
        (*self.editor.catalog, self.flow.variables, self.flow.ended) = (catalog, variables, false);
        for (catalog, variables) in ways {
            self.join_with(catalog, span);
            join_variables(&mut self.flow.variables, &variables);
        }
    }

    fn if_stmt(&mut self, stmt: &ast::PlpgsqlIfStmt, depth: usize) -> Read {
        let condition = |expr: Option<ast::PlpgsqlExpr>| expr.map(|it| text(it.syntax())).unwrap_or_default();
        let mut branches = vec![(condition(stmt.cond()), stmt.then_body())];
        branches.extend(stmt.elsifs().map(|clause| (condition(clause.cond()), clause.body())));
        let otherwise = stmt.else_clause().and_then(|clause| clause.body());
        let (before, variables) = (self.editor.catalog.clone(), self.flow.variables.clone());
        let mut ways: Vec<(Catalog, Variables)> = Vec::new();
        let mut is_open = true;
        for (condition, body) in branches {
            let truth = self.ask(&condition).truth();
            if truth == Truth::No {
                continue;
            }
            self.body(body, depth)?;
            if !self.flow.ended {
                ways.push((self.editor.catalog.clone(), self.flow.variables.clone()));
            }
            if truth == Truth::Yes {
                is_open = false;
                break;
            }
            *self.editor.catalog = before.clone();
            self.flow.variables.clone_from(&variables);
            self.flow.ended = false;
        }
        if is_open {
            self.body(otherwise, depth)?;
            if !self.flow.ended {
                ways.push((self.editor.catalog.clone(), self.flow.variables.clone()));
            }
        }
        self.take_one_of(ways, self.span(stmt.syntax()));
        Ok(())
    }

    // ---- loops ----

    /// A loop of which it is not known what it runs over.
    fn some_turns(&mut self, node: &SyntaxNode, depth: usize) -> Read {
        let bodies = bodies_in(node);
        let whole = text(node);
        let inner = bodies.iter().map(|body| text(body.syntax()));
        let head = inner.fold(whole.clone(), |whole, body| whole.replacen(&body, " ", 1));
        if bodies.is_empty() || speaks_of_schema(&head) {
            return match speaks_of_schema(&whole) {
                true => Err(Refusal::new(PERHAPS)),
                false => Ok(()),
            };
        }
        self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
        // What holds before each turn, whatever the turns before did.
        for _ in 0..MAX_ROUNDS {
            self.spend()?;
            let before = self.editor.catalog.clone();
            self.some_turn(node, &bodies, depth)?;
            if *self.editor.catalog == before {
                return Ok(());
            }
        }
        Err(Refusal::new(PERHAPS))
    }

    /// Runs the body of a loop once, or not.
    fn some_turn(&mut self, node: &SyntaxNode, bodies: &[ast::PlpgsqlBody], depth: usize) -> Read {
        self.flow.variables.values_mut().for_each(|value| *value = Value::Unknown);
        let before = self.editor.catalog.clone();
        let left = std::mem::take(&mut self.flow.left);
        self.flow.loops += 1;
        let outcome = bodies.iter().try_for_each(|body| self.body(Some(body.clone()), depth));
        self.flow.loops -= 1;
        let mut ways = vec![before];
        ways.append(&mut std::mem::replace(&mut self.flow.left, left));
        if !self.flow.ended {
            ways.push(self.editor.catalog.clone());
        }
        self.flow.variables.values_mut().for_each(|value| *value = Value::Unknown);
        self.flow.ended = true;
        self.rejoin(ways, self.span(node));
        outcome
    }

    /// `FOREACH name IN ARRAY list LOOP`
    fn for_each(&mut self, stmt: &ast::PlpgsqlForEachStmt, depth: usize) -> Read {
        let list = match stmt.array() {
            Some(list) if stmt.slice().is_none() => self.ask(&text(list.syntax())),
            _ => Value::Unknown,
        };
        let names = names_of(stmt.vars().map(|variable| text(variable.syntax())));
        let turns = match (list, names.as_deref()) {
            (Value::List(items), Some([name])) => {
                Some(items.into_iter().map(|item| vec![(name.clone(), item)]).collect())
            }
            _ => None,
        };
        self.turns(stmt.syntax(), turns, depth)
    }

    /// `FOR name IN low..high LOOP`
    fn for_numbers(&mut self, stmt: &ast::PlpgsqlForIStmt, depth: usize) -> Read {
        let mut bound = |expr: Option<ast::PlpgsqlExpr>| {
            expr.map_or(Value::Unknown, |expr| self.ask(&text(expr.syntax())))
        };
        let range = stmt.range().filter(|range| range.step().is_none() && stmt.reverse_token().is_none());
        let (low, high) = match range {
            Some(range) => (bound(range.lower()), bound(range.upper())),
            None => (Value::Unknown, Value::Unknown),
        };
        let names = names_of(stmt.vars().map(|variable| text(variable.syntax())));
        let name = names.and_then(|names| names.into_iter().next());
        // The variable is the loop's own.
        let around =
            name.clone().and_then(|name| self.flow.variables.get(&name).cloned().map(|value| (name, value)));
        let turns = match (low, high, name) {
            (Value::Int(low), Value::Int(high), Some(name)) if high.saturating_sub(low) < MAX_NUMBERS => {
                Some((low..=high).map(|number| vec![(name.clone(), Value::Int(number))]).collect())
            }
            _ => None,
        };
        let outcome = self.turns(stmt.syntax(), turns, depth);
        self.flow.variables.extend(around);
        outcome
    }

    /// `FOR name IN query LOOP`
    fn for_query(&mut self, stmt: &ast::PlpgsqlForQueryStmt, depth: usize) -> Read {
        let query = stmt.query().map(|query| text(query.syntax())).unwrap_or_default();
        let rows = self.rows(&query);
        let names = names_of(stmt.vars().map(|variable| text(variable.syntax()))).unwrap_or_default();
        let is_record = |name: &String| {
            let declared = self.flow.variables.get(name);
            declared == Some(&Value::Record(Vec::new()))
        };
        let turn = |row: Vec<(String, Value)>| -> Option<Vec<(String, Value)>> {
            match names.as_slice() {
                [name] if row.len() == 1 && !is_record(name) => {
                    row.into_iter().next().map(|(_, value)| vec![(name.clone(), value)])
                }
                [name] => Some(vec![(name.clone(), Value::Record(row))]),
                names if names.len() == row.len() => {
                    Some(names.iter().cloned().zip(row.into_iter().map(|(_, value)| value)).collect())
                }
                _ => None,
            }
        };
        let turns: Option<Vec<_>> = rows.and_then(|rows| rows.into_iter().map(turn).collect());
        let turns = match turns {
            Some(turns) if turns.len() > 1 => turns,
            few => return self.turns(stmt.syntax(), few, depth),
        };
        // In which order they come is not known: it has to be all the same.
        let (before, variables) = (self.editor.catalog.clone(), self.flow.variables.clone());
        let (returned, left) = (self.flow.returned.len(), self.flow.left.len());
        self.turns(stmt.syntax(), Some(turns.iter().rev().cloned().collect()), depth)?;
        let backward = std::mem::replace(self.editor.catalog, before.clone());
        let left_early =
            self.flow.ended || self.flow.returned.len() > returned || self.flow.left.len() > left;
        let known = std::mem::replace(&mut self.flow.variables, variables.clone());
        if !left_early {
            self.turns(stmt.syntax(), Some(turns), depth)?;
            if !self.flow.ended && is_as(self.editor.catalog, &backward) {
                join_variables(&mut self.flow.variables, &known);
                return Ok(());
            }
        }
        (*self.editor.catalog, self.flow.variables, self.flow.ended) = (before, variables, false);
        self.turns(stmt.syntax(), None, depth)
    }

    /// Runs the body of a loop once for each of the values, if those are known.
    fn turns(&mut self, node: &SyntaxNode, turns: Option<Vec<Vec<(String, Value)>>>, depth: usize) -> Read {
        let Some(turns) = turns.filter(|turns| turns.len() <= MAX_TURNS) else {
            return self.some_turns(node, depth);
        };
        let is_known = |(_, value): &(String, Value)| match value {
            Value::Record(cells) => cells.iter().all(|(_, value)| *value != Value::Foreign),
            value => !matches!(value, Value::Unknown | Value::Foreign),
        };
        let inner = text(node);
        let leaves = ["exit", "continue"].iter().any(|word| says(&inner, word));
        if leaves || !turns.iter().flatten().all(is_known) {
            return self.some_turns(node, depth);
        }
        self.flow.loops += 1;
        let mut outcome = Ok(());
        for turn in turns {
            outcome = self.spend();
            if outcome.is_err() || self.flow.ended {
                break;
            }
            self.flow.variables.extend(turn);
            outcome = bodies_in(node).into_iter().try_for_each(|body| self.body(Some(body), depth));
        }
        self.flow.loops -= 1;
        // What is in the variables of the loop after it depends on how it ended.
        let bodies = bodies_in(node).into_iter().map(|body| text(body.syntax()));
        let head = bodies.fold(inner, |head, body| head.replacen(&body, " ", 1));
        self.forget_all_in(&head);
        outcome
    }

    /// One more turn of a loop, if so many are followed.
    fn spend(&mut self) -> Read {
        self.flow.spent += 1;
        match self.flow.spent > MAX_ALL_TURNS {
            true => Err(Refusal::new("its loops turn too often to be followed")),
            false => Ok(()),
        }
    }

    // ---- texts ----

    /// `EXECUTE` of a text: read if all of it is known.
    fn execute(&mut self, stmt: &ast::PlpgsqlDynExecuteStmt, depth: usize) -> Read {
        let query = need(stmt.query(), "statement")?;
        let written = text(query.syntax());
        self.forget_targets(&text(stmt.syntax()));
        let Value::Text(made) = self.ask(&written) else {
            return self.execute_unknown(stmt, &written);
        };
        if depth == 0 {
            return Err(Refusal::new("blocks are nested too deep"));
        }
        if let Some(refusal) = distrust_calls(self.editor.catalog, self.span(stmt.syntax()), &made) {
            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
            self.skip_part(self.span(stmt.syntax()), refusal);
        }
        if !speaks_of_schema(&made)
            && !["grant", "revoke", "set", "reset", "reassign", "do"].iter().any(|word| says(&made, word))
        {
            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
            return Ok(());
        }
        let parse = SourceFile::parse(&made);
        if let Some(error) = parse.errors().first() {
            return Err(Refusal::new(format!("it could not be read: {}", error.message())));
        }
        let origin = Origin::Fixed(self.range(query.syntax()));
        let mut inner = Reader {
            origin,
            editor: Editor { catalog: self.editor.catalog },
            file: self.file,
            merge_keys_from: None,
            flow: std::mem::take(&mut self.flow),
        };
        let outcome = parse.tree().stmts().try_for_each(|stmt| inner.run(&stmt));
        self.flow = inner.flow;
        if let Err(refusal) = outcome {
            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
            // What it does is known by the text that was made, not by that which made it.
            skip_block(self.editor.catalog, self.span(stmt.syntax()), refusal, &made);
        }
        Ok(())
    }

    fn execute_unknown(&mut self, stmt: &ast::PlpgsqlDynExecuteStmt, written: &str) -> Read {
        let refusal = Refusal::new("a statement of the block is put together when it is run");
        self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
        let (whole, span) = (text(stmt.syntax()), self.span(stmt.syntax()));
        let is_anything = executes_unknown(&whole) || !begins_with_rows(written);
        distrust(self.editor.catalog, span, &refusal, &whole, is_anything && !speaks_of_schema(written));
        match speaks_of_schema(written) || is_anything {
            true => Err(Refusal::new("the statement is put together when it is run")),
            false => Ok(()),
        }
    }
}

/// True if the first text in an expression begins a statement about rows or rights.
fn begins_with_rows(written: &str) -> bool {
    let mut all = tokens(Dialect::Postgres, written);
    let first = all.find(|token| token.kind == TokenKind::Text).map(|token| token.range.slice(written));
    let first = first.map(|text| text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '%'));
    let word = first.map(|text| text.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or(""));
    let words = [
        "select", "insert", "update", "delete", "merge", "truncate", "analyze", "analyse", "vacuum",
        "refresh", "comment", "notify", "copy", "lock", "with", "values", "grant", "revoke", "reindex",
        "cluster",
    ];
    word.is_some_and(|word| words.iter().any(|known| known.eq_ignore_ascii_case(word)))
}

/// The bodies that stand in a statement, and not in another within it.
fn bodies_in(node: &SyntaxNode) -> Vec<ast::PlpgsqlBody> {
    node.children().filter_map(ast::PlpgsqlBody::cast).collect()
}

/// A `SELECT` without its `INTO name`, and the name; `None` where it is not just that.
fn without_into(written: &str) -> Option<(String, String)> {
    let all: Vec<Token> = tokens(Dialect::Postgres, written).collect();
    let mut found = (0..all.len()).filter(|at| all.get(*at).is_some_and(|token| token.is(written, "into")));
    let at = found.next().filter(|_| found.next().is_none())?;
    let strict = usize::from(all.get(at + 1)?.is(written, "strict"));
    let name = all.get(at + 1 + strict)?;
    let follows = all.get(at + 2 + strict);
    if follows.is_some_and(|token| token.is_punct(b',') || token.is_punct(b'.')) {
        return None;
    }
    let (start, end) = (all.get(at)?.range.start as usize, name.range.end as usize);
    let query = format!("{} {}", written.get(..start)?, written.get(end..)?);
    Some((query, name.name(written)?))
}

/// Types whose variables keep what they are given as it is.
fn keeps_values(ty: &str) -> bool {
    let types = [
        "text",
        "varchar",
        "character varying",
        "name",
        "text[]",
        "varchar[]",
        "name[]",
        "boolean",
        "bool",
        "record",
        "int",
        "integer",
        "bigint",
    ];
    types.contains(&ty)
}

/// A fault of a block that is not confined to one statement of it: then its structure is not known.
fn unplaced_error(body: &Plpgsql) -> Option<String> {
    let tree = body.tree();
    let confined: Vec<TextRange> = tree
        .syntax()
        .descendants()
        .filter(|node| {
            let in_body = node.parent().is_some_and(|parent| parent.kind() == SyntaxKind::PLPGSQL_BODY);
            in_body && (node.kind() == SyntaxKind::ERROR || is_leaf(node.kind()))
        })
        .map(|node| nodes::range_in_body(&node, body))
        .collect();
    let errors = body.errors().into_iter();
    let mut unplaced = errors.filter(|error| {
        let at = nodes::plain(error.range().start(), error.range().end());
        !confined.iter().any(|range| range.start <= at.start.saturating_add(1) && at.end <= range.end)
    });
    unplaced.next().map(|error| error.message().to_owned())
}

/// True for statements in which no other is nested.
fn is_leaf(kind: SyntaxKind) -> bool {
    matches!(
        kind,
        SyntaxKind::PLPGSQL_EXEC_SQL_STMT
            | SyntaxKind::PLPGSQL_DYN_EXECUTE_STMT
            | SyntaxKind::PLPGSQL_ASSIGN_STMT
            | SyntaxKind::PLPGSQL_PERFORM_STMT
            | SyntaxKind::PLPGSQL_RAISE_STMT
    )
}

/// True unless a part of a statement in which no other is nested could not be read.
fn is_whole(stmt: &ast::PlpgsqlStmt) -> bool {
    let mut below = stmt.syntax().descendants();
    !is_leaf(stmt.syntax().kind()) || !below.any(|node| node.kind() == SyntaxKind::ERROR)
}

/// True if a text has a word in it, even in a string, with which a change of the schema begins.
fn speaks_of_schema(text: &str) -> bool {
    ["alter", "create", "drop", "execute", "grant", "revoke", "reassign"].iter().any(|word| says(text, word))
}

/// True if a text has a word in it, even in a string.
pub(super) fn says(text: &str, word: &str) -> bool {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|found| found.eq_ignore_ascii_case(word))
}

/// The names of the variables of a loop; `None` where one is no plain name.
fn names_of(written: impl Iterator<Item = String>) -> Option<Vec<String>> {
    let name = |written: String| {
        let mut all = tokens(Dialect::Postgres, &written);
        all.next().filter(|_| all.next().is_none()).and_then(|token| token.name(&written))
    };
    written.map(name).collect()
}

/// True for schemas that are alike, apart from what was said of them and in which order.
fn is_as(one: &Catalog, other: &Catalog) -> bool {
    let bare = |catalog: &Catalog| Catalog { skipped: Vec::new(), unread: Vec::new(), ..catalog.clone() };
    bare(one) == bare(other)
}

/// `EXIT label`, `CONTINUE label`
fn leaves_by_label(body: &str) -> bool {
    let all: Vec<Token> = tokens(Dialect::Postgres, body).collect();
    let is = |at: usize, word: &str| all.get(at).is_some_and(|token| token.is(body, word));
    let ends = |at: usize| all.get(at).is_none_or(|token| token.is_punct(b';')) || is(at, "when");
    (0..all.len()).any(|at| (is(at, "exit") || is(at, "continue")) && !ends(at + 1))
}

/// True for a text that may set the search path by a function, other than by a plain `PERFORM`.
fn may_move(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    lower.match_indices("set_config").any(|(at, name)| {
        let (before, after) = (lower.get(..at).unwrap_or(""), lower.get(at + name.len()..).unwrap_or(""));
        let after: String = after.chars().filter(|c| !c.is_whitespace()).collect();
        let before = before.trim_end().trim_end_matches("pg_catalog.").trim_end();
        let Some(written) = after.strip_prefix('(').filter(|rest| rest.starts_with('\'')) else {
            return true;
        };
        let written = written.trim_start_matches('\'');
        let setting = written.split('\'').next().unwrap_or("");
        if setting != "search_path" {
            return setting.is_empty()
                || !written.trim_start_matches(setting).trim_start_matches('\'').starts_with(',');
        }
        let mut parts = written.split('\'');
        let is_plain = parts.next().is_some()
            && parts.next() == Some(",")
            && parts.next().is_some()
            && parts.next().is_some_and(|rest| rest.starts_with(','));
        !(is_plain && before.ends_with("perform") && says(&lower, "perform"))
    })
}
