//! `DO` blocks: the DDL that is plainly in them.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};
use tenantry_span::TextRange;

use super::nodes::{self, text};
use super::{
    Mood, Origin, Read, Reader, Refusal, distrust, distrust_calls, executes_unknown, need, skip_block,
};

/// Whether a part of a block is sure to be run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Path {
    /// It is, or under a condition that asks the schema whether there is anything to do.
    Taken,
    /// Who knows.
    Perhaps,
}

/// How deep blocks may be nested in strings of blocks.
const MAX_DEPTH: usize = 4;

impl Reader<'_> {
    /// `DO`.
    pub(super) fn do_block(&mut self, block: &ast::Do) -> Read {
        let literal = need(block.body(), "body")?;
        let body_text = literal.string_value().unwrap_or_default();
        let span = self.span(literal.syntax());
        if let Some(refusal) = distrust_calls(self.editor.catalog, span, &body_text) {
            self.skip_part(span, refusal);
        }
        let outcome = self.do_body(block, &literal, &body_text);
        if executes_unknown(&body_text) {
            let refusal = Refusal::new("a statement of the block is put together when it is run");
            distrust(self.editor.catalog, span, &refusal, &body_text, true);
        }
        outcome
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
        let base = match &self.origin {
            Origin::File { base } => Some(*base),
            Origin::Body { .. } | Origin::Fixed(_) => None,
        };
        let origin = match base {
            Some(base) => Origin::Body { base, body: &body },
            None => Origin::Fixed(self.range(literal.syntax())),
        };
        let mut inner = Reader {
            editor: crate::lower::edit::Editor { catalog: self.editor.catalog },
            file: self.file,
            origin,
            mood: self.mood,
            merge_keys_from: None,
        };
        match body.tree().block() {
            Some(block) => inner.block(&block, Path::Taken, MAX_DEPTH),
            None => Ok(()),
        }
    }

    fn block(&mut self, block: &ast::PlpgsqlBlock, path: Path, depth: usize) -> Read {
        let handled = block.exception();
        // What a handler forgives may fail.
        let mood = self.mood;
        if handled.is_some() {
            self.mood = Mood::Lenient;
        }
        let outcome = self.body(block.body(), path, depth);
        self.mood = mood;
        outcome?;
        for handler in handled.into_iter().flat_map(|section| section.handlers()) {
            self.body(handler.body(), Path::Perhaps, depth)?;
        }
        Ok(())
    }

    fn body(&mut self, body: Option<ast::PlpgsqlBody>, path: Path, depth: usize) -> Read {
        for node in body.iter().flat_map(|body| body.syntax().children()) {
            let outcome = match ast::PlpgsqlStmt::cast(node.clone()) {
                Some(stmt) if is_whole(&stmt) => self.plpgsql(&stmt, path, depth),
                Some(_) | None if !speaks_of_schema(&text(&node)) => Ok(()),
                Some(_) | None => Err(Refusal::new("a statement of the block could not be read")),
            };
            if let Err(refusal) = outcome {
                self.skip_node(&node, refusal);
            }
        }
        Ok(())
    }

    fn skip_node(&mut self, node: &SyntaxNode, refusal: Refusal) {
        let span = self.span(node);
        match refusal.table {
            Some(_) => self.skip_part(span, refusal),
            None => skip_block(self.editor.catalog, span, refusal, &text(node)),
        }
    }

    fn plpgsql(&mut self, stmt: &ast::PlpgsqlStmt, path: Path, depth: usize) -> Read {
        use ast::PlpgsqlStmt as Stmt;
        match stmt {
            Stmt::PlpgsqlBlock(block) => self.block(block, path, depth),
            Stmt::PlpgsqlIfStmt(it) => self.if_stmt(it, path, depth),
            Stmt::PlpgsqlExecSqlStmt(it) => {
                let stmt = need(it.stmt(), "statement")?;
                match path {
                    Path::Taken => self.statement(&stmt),
                    Path::Perhaps => self.perhaps(stmt.syntax()),
                }
            }
            Stmt::PlpgsqlDynExecuteStmt(it) => self.execute(it, path, depth),
            Stmt::PlpgsqlDoStmt(it) => {
                let inner = need(it.syntax().children().find_map(ast::Do::cast), "block")?;
                match path {
                    Path::Taken => self.do_block(&inner),
                    Path::Perhaps => self.perhaps(inner.syntax()),
                }
            }
            // What is run some number of times, or never.
            Stmt::PlpgsqlCaseStmt(_)
            | Stmt::PlpgsqlForCursorStmt(_)
            | Stmt::PlpgsqlForDynStmt(_)
            | Stmt::PlpgsqlForEachStmt(_)
            | Stmt::PlpgsqlForIStmt(_)
            | Stmt::PlpgsqlForQueryStmt(_)
            | Stmt::PlpgsqlLoopStmt(_)
            | Stmt::PlpgsqlWhileStmt(_) => self.perhaps(stmt.syntax()),
            Stmt::PlpgsqlAssertStmt(_)
            | Stmt::PlpgsqlAssignStmt(_)
            | Stmt::PlpgsqlCallStmt(_)
            | Stmt::PlpgsqlCloseStmt(_)
            | Stmt::PlpgsqlCommitStmt(_)
            | Stmt::PlpgsqlContinueStmt(_)
            | Stmt::PlpgsqlExitStmt(_)
            | Stmt::PlpgsqlFetchStmt(_)
            | Stmt::PlpgsqlGetDiagStmt(_)
            | Stmt::PlpgsqlMoveStmt(_)
            | Stmt::PlpgsqlNullStmt(_)
            | Stmt::PlpgsqlOpenStmt(_)
            | Stmt::PlpgsqlPerformStmt(_)
            | Stmt::PlpgsqlRaiseStmt(_)
            | Stmt::PlpgsqlReturnNextStmt(_)
            | Stmt::PlpgsqlReturnQueryExecuteStmt(_)
            | Stmt::PlpgsqlReturnQueryStmt(_)
            | Stmt::PlpgsqlReturnStmt(_)
            | Stmt::PlpgsqlRollbackStmt(_) => Ok(()),
        }
    }

    /// A part that may be run or not: nothing is to be said if it changes no schema.
    fn perhaps(&mut self, node: &SyntaxNode) -> Read {
        match speaks_of_schema(&text(node)) {
            true => Err(Refusal::new("whether and how often it is run is not known")),
            false => {
                // A role may have been given another's rights.
                let (span, text) = (self.span(node), text(node));
                let refusal = Refusal::new("whether and how often it is run is not known");
                distrust(self.editor.catalog, span, &refusal, &text, false);
                Ok(())
            }
        }
    }

    fn if_stmt(&mut self, stmt: &ast::PlpgsqlIfStmt, path: Path, depth: usize) -> Read {
        let condition = stmt.cond().map(|cond| text(cond.syntax())).unwrap_or_default();
        let inner = if asks_the_schema(&condition) { path } else { Path::Perhaps };
        // Where the schema was asked, what is found done is as good as doing it.
        let mood = std::mem::replace(&mut self.mood, Mood::Lenient);
        let outcome = self.body(stmt.then_body(), inner, depth);
        self.mood = mood;
        outcome?;
        for clause in stmt.elsifs() {
            self.body(clause.body(), Path::Perhaps, depth)?;
        }
        self.body(stmt.else_clause().and_then(|clause| clause.body()), Path::Perhaps, depth)
    }

    /// `EXECUTE` of a string: read if all of it is there.
    fn execute(&mut self, stmt: &ast::PlpgsqlDynExecuteStmt, path: Path, depth: usize) -> Read {
        let query = need(stmt.query(), "statement")?;
        let built = text(query.syntax());
        if !speaks_of_schema(&built) {
            return Ok(());
        }
        let literal = query.syntax().descendants().find_map(ast::Literal::cast);
        let whole = literal.filter(|literal| text(literal.syntax()) == built);
        let text = whole.as_ref().and_then(|literal| literal.string_value());
        let (Some(literal), Some(text), Path::Taken) = (whole, text, path) else {
            return Err(Refusal::new("the statement is put together when it is run"));
        };
        let Some(_) = depth.checked_sub(1) else {
            return Err(Refusal::new("blocks are nested too deep"));
        };
        let parse = SourceFile::parse(&text);
        if let Some(error) = parse.errors().first() {
            return Err(Refusal::new(format!("it could not be read: {}", error.message())));
        }
        let mut inner = Reader {
            origin: Origin::Fixed(self.range(literal.syntax())),
            editor: crate::lower::edit::Editor { catalog: self.editor.catalog },
            file: self.file,
            mood: self.mood,
            merge_keys_from: None,
        };
        parse.tree().stmts().try_for_each(|stmt| inner.statement(&stmt))
    }
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
    let lower = text.to_ascii_lowercase();
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.any(|word| matches!(word, "alter" | "create" | "drop" | "execute"))
}

/// True for a condition that asks whether something is in the schema, by its name. What is found there may say anything.
fn asks_the_schema(condition: &str) -> bool {
    let lower = condition.to_ascii_lowercase();
    let contents =
        ["qual", "with_check", "polqual", "polwithcheck", "like", "ilike", "similar", "definition", "prosrc"];
    let mut words = lower.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let reads_contents = lower.contains('~') || words.any(|word| contents.contains(&word));
    let names = ["information_schema", "pg_", "to_reg"].iter().any(|catalog| lower.contains(catalog));
    names && !reads_contents
}
