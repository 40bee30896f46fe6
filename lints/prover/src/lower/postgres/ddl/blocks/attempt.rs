//! Blocks with handlers of exceptions: all of what they do, or nothing and a handler.

use squawk_syntax::ast::{self, AstNode};

use super::super::{Read, Reader, table_of};
use super::join::join;
use super::system::{doubted, is_sure};
use super::{PERHAPS, says, tokens};
use crate::catalog::{Catalog, QualifiedName, UserType};
use crate::lower::postgres::ddl::nodes::text;
use tenantry_policy::Dialect;

/// What is known of a block with handlers while it is run.
pub(super) struct Attempt {
    /// Failures that are caught besides those of something that is there already.
    catches_missing: bool,
    catches_others: bool,
    /// It surely fails, where the statements so far are run.
    pub(super) raised: bool,
    /// It may fail.
    unsure: bool,
}

impl Attempt {
    fn of(section: &ast::PlpgsqlExceptionSection) -> Attempt {
        let mut attempt =
            Attempt { catches_missing: false, catches_others: false, raised: false, unsure: false };
        for condition in section.handlers().flat_map(|handler| handler.conditions()) {
            let name = text(condition.syntax()).to_ascii_lowercase();
            let is = |known: &[&str]| known.iter().any(|known| name.contains(known));
            if is(&["duplicate_", "42710", "42p07", "42701", "42p06", "42723"]) {
                continue;
            }
            if is(&["undefined_", "invalid_schema_name", "42p01", "42704", "42703", "42883", "3f000"]) {
                attempt.catches_missing = true;
                continue;
            }
            attempt.catches_others = true;
        }
        attempt
    }

    /// A statement may fail in a way that is caught.
    pub(super) fn may_fail(&mut self) {
        self.unsure = true;
    }

    /// The same of a statement that fails by the rows that there are.
    pub(super) fn may_fail_by_rows(&mut self) {
        self.unsure |= self.catches_others;
    }
}

impl Reader<'_> {
    /// Runs a block that has handlers.
    pub(super) fn attempt(
        &mut self,
        block: &ast::PlpgsqlBlock,
        section: &ast::PlpgsqlExceptionSection,
        depth: usize,
    ) -> Read {
        let (before, variables) = (self.editor.catalog.clone(), self.flow.variables.clone());
        self.flow.attempts.push(Attempt::of(section));
        // A way that leaves the block by RETURN or EXIT may fail before it does.
        let outcome = self.body(block.body(), depth);
        let attempt = self.flow.attempts.pop();
        outcome?;
        let (raised, unsure) = attempt.map_or((false, true), |attempt| (attempt.raised, attempt.unsure));
        if !raised && !unsure {
            return Ok(());
        }
        // Of several ways one may have raised, and another not.
        let succeeded = (!self.flow.ended).then(|| self.editor.catalog.clone());
        *self.editor.catalog = before;
        self.flow.ended = false;
        self.flow.variables = variables;
        self.flow.variables.values_mut().for_each(|value| *value = super::Value::Unknown);
        let bodies = section.handlers().map(|handler| handler.body().into_iter().collect());
        self.any_of(block.syntax(), &bodies.collect::<Vec<_>>(), depth)?;
        let Some(succeeded) = succeeded else { return Ok(()) };
        let own = std::mem::take(self.editor.catalog);
        *self.editor.catalog = match self.flow.ended {
            true => succeeded,
            false if own == succeeded => own,
            false => join(succeeded, own, self.span(block.syntax()), PERHAPS),
        };
        self.flow.ended = false;
        Ok(())
    }

    /// True if a statement surely fails; then the way ends here. Notes where it may.
    pub(super) fn fails(&mut self, stmt: &ast::Stmt) -> bool {
        let written = text(stmt.syntax());
        let all: Vec<_> = tokens(Dialect::Postgres, &written).take(24).collect();
        let relation = table_of(self.editor.catalog, &written, &all);
        let is_missing = |catalog: &Catalog| {
            let known =
                |name: &QualifiedName| catalog.tables.contains_key(name) || catalog.views.contains_key(name);
            relation.as_ref().is_some_and(|name| !known(name) && !doubted(catalog, &name.name))
        };
        let makes_table = matches!(stmt, ast::Stmt::CreateTable(_) | ast::Stmt::CreateTableAs(_));
        let forgives = all.windows(2).any(|pair| match pair {
            [first, second] => first.is(&written, "if") && second.is(&written, "exists"),
            _ => false,
        });
        let is_missing = !makes_table && is_missing(self.editor.catalog);
        if is_missing && forgives && matches!(stmt, ast::Stmt::AlterTable(_)) {
            return false;
        }
        let missing = is_missing && !forgives;
        let Some(there) = self.already_there(stmt) else {
            self.flow.attempts.iter_mut().for_each(Attempt::may_fail);
            return false;
        };
        if self.flow.attempts.is_empty() {
            return false;
        }
        if there || missing && self.flow.attempts.iter().any(|attempt| attempt.catches_missing) {
            self.raise();
            return true;
        }
        let surely_succeeds = matches!(stmt, ast::Stmt::CreateType(_));
        let names_others = !surely_succeeds && !names_only_what_is_known(stmt);
        for attempt in &mut self.flow.attempts {
            attempt.unsure |= attempt.catches_others && !surely_succeeds;
            attempt.unsure |= attempt.catches_missing && names_others;
        }
        false
    }

    /// Whether what a statement makes is there already, so that it fails; `None` if that is not known.
    fn already_there(&mut self, stmt: &ast::Stmt) -> Option<bool> {
        use ast::Stmt;
        match stmt {
            Stmt::CreateType(it) => {
                let name = self.created(self.path(it.type_name().and_then(|name| name.path())).ok()?);
                self.certain(&name)?;
                Some(self.editor.catalog.types.contains_key(&name) || self.is_relation(&name))
            }
            Stmt::CreateDomain(it) => {
                let name = self.created(self.path(it.domain().and_then(|name| name.path())).ok()?);
                self.certain(&name)?;
                Some(self.editor.catalog.types.contains_key(&name) || self.is_relation(&name))
            }
            Stmt::CreateTable(it) if it.if_not_exists().is_none() => {
                let name = self.created_relation(it.table_name()?.path(), it.persistence()).ok()?;
                self.certain(&name)?;
                let taken =
                    matches!(self.editor.catalog.types.get(&name), Some(UserType::Other | UserType::Enum));
                Some(self.is_taken(&name)? || taken)
            }
            Stmt::CreatePolicy(it) => {
                let table = self.table_ref(it.on_table()?.table_name_ref()).ok()?;
                let name = self.ident(it.policy().as_ref().map(AstNode::syntax), "policy").ok()?;
                let Some(table) = self.editor.catalog.tables.get(&table) else { return Some(false) };
                if !table.complete || table.row_security.unsure.is_some() {
                    return None;
                }
                Some(table.row_security.policies.iter().any(|policy| policy.name == name))
            }
            Stmt::CreateTrigger(it) if it.or_replace().is_none() => {
                let relation = self.on_relation(it.on_relation()).ok()?;
                let name = self.ident(it.trigger().as_ref().map(AstNode::syntax), "trigger").ok()?;
                let Some(table) = self.editor.catalog.tables.get(&relation) else { return Some(false) };
                if !table.complete || doubted(self.editor.catalog, &name) {
                    return None;
                }
                Some(table.triggers.iter().any(|trigger| trigger.name == name && !trigger.is_rule))
            }
            Stmt::CreateIndex(it) if it.if_not_exists().is_none() => {
                let Some(name) = it.index().and_then(|index| index.path()) else { return Some(false) };
                let name = self.path(Some(name)).ok()?;
                if doubted(self.editor.catalog, &name.name) {
                    return None;
                }
                let owner = self.editor.index_owner(name.schema.as_deref(), &name.name);
                let name = owner.is_none().then(|| self.created(name));
                name.map_or(Some(true), |name| self.is_taken(&name))
            }
            Stmt::AlterTable(it) => self.alters_to_what_is_there(it),
            other => makes_nothing(&text(other.syntax())).then_some(false),
        }
    }

    /// Whether there is a relation of any kind of this name; `None` if that is not known.
    fn is_taken(&mut self, name: &QualifiedName) -> Option<bool> {
        if self.editor.catalog.sequences.contains_key(name) {
            return None;
        }
        self.certain(name)?;
        Some(self.is_relation(name) || self.editor.index_owner(Some(&name.schema), &name.name).is_some())
    }

    /// The same of `ALTER TABLE … ADD`, and of what it drops or renames that is not there.
    fn alters_to_what_is_there(&mut self, alter: &ast::AlterTable) -> Option<bool> {
        let Some(relation) = alter.table_relation_name() else { return Some(false) };
        let name = self.table_ref(relation.table_name_ref()).ok()?;
        let mut there = false;
        for action in alter.actions() {
            let Some(table) = self.editor.catalog.tables.get(&name) else { return Some(there) };
            let is_complete = table.complete;
            let found = match &action {
                ast::AlterTableAction::AddConstraint(add) => {
                    let name_of = add.constraint().and_then(|constraint| constraint.constraint_name());
                    match name_of {
                        Some(written) => {
                            let constraint = self.ident(Some(written.syntax()), "constraint").ok()?;
                            let index =
                                QualifiedName { schema: name.schema.clone(), name: constraint.clone() };
                            self.has_constraint(&name, &constraint)
                                || makes_index(&action) && self.is_taken(&index)?
                        }
                        None => false,
                    }
                }
                ast::AlterTableAction::AddColumn(add) if add.if_not_exists().is_none() => {
                    // Its own constraints have names as well.
                    if says(&text(action.syntax()), "constraint") {
                        return None;
                    }
                    let column = self.added_column(add).ok()?.name;
                    self.editor.catalog.tables.get(&name).is_some_and(|table| table.column(&column).is_some())
                }
                _ if makes_nothing(&text(action.syntax())) => continue,
                _ => return None,
            };
            if !is_complete {
                return None;
            }
            there |= found;
        }
        Some(there)
    }

    /// `None` if it is not known whether there is a thing of this name.
    fn certain(&self, name: &QualifiedName) -> Option<()> {
        let known = !self.is_relation(name) || is_sure(self.editor.catalog, name);
        (known && !doubted(self.editor.catalog, &name.name)).then_some(())
    }

    fn is_relation(&self, name: &QualifiedName) -> bool {
        self.editor.catalog.tables.contains_key(name) || self.editor.catalog.views.contains_key(name)
    }
}

/// The constraint brings an index of its name; `USING INDEX` is of one that is there.
fn makes_index(action: &ast::AlterTableAction) -> bool {
    let written = text(action.syntax());
    let is_key = ["unique", "primary", "exclude"].iter().any(|word| says(&written, word));
    is_key && !(says(&written, "using") && says(&written, "index") && !says(&written, "exclude"))
}

/// True for a statement, or a part of `ALTER TABLE`, that makes nothing which could be there already, or forgives that it is.
fn makes_nothing(written: &str) -> bool {
    let all: Vec<_> = tokens(Dialect::Postgres, written).collect();
    let is = |at: usize, word: &str| all.get(at).is_some_and(|token| token.is(written, word));
    let has = |words: &[&str]| {
        (0..all.len()).any(|at| words.iter().enumerate().all(|(after, word)| is(at + after, word)))
    };
    // `ADD COLUMN IF NOT EXISTS a int UNIQUE` makes an index of a name that is free.
    if has(&["if", "not", "exists"]) {
        return !has(&["constraint"]);
    }
    let others = [
        "comment", "delete", "disable", "drop", "enable", "force", "grant", "insert", "lock", "merge", "no",
        "owner", "reset", "revoke", "select", "set", "truncate", "update", "validate", "with",
    ];
    if is(0, "alter") {
        return !["rename", "add", "schema"].iter().any(|word| has(&[word]));
    }
    has(&["create", "or", "replace"]) && is(0, "create")
        || others.iter().any(|word| is(0, word)) && !has(&["schema"])
}

/// True for a statement that names nothing but what was looked up, so that it does not fail for want of it.
fn names_only_what_is_known(stmt: &ast::Stmt) -> bool {
    let ast::Stmt::AlterTable(alter) = stmt else {
        let written = text(stmt.syntax());
        let all: Vec<_> = tokens(Dialect::Postgres, &written).collect();
        let is = |at: usize, word: &str| all.get(at).is_some_and(|token| token.is(&written, word));
        return is(0, "drop") && (is(1, "table") || is(1, "policy"))
            || is(0, "drop") && (1..all.len()).any(|at| is(at, "if") && is(at + 1, "exists"));
    };
    let plain = |action: ast::AlterTableAction| {
        let written = text(action.syntax());
        let all: Vec<_> = tokens(Dialect::Postgres, &written).collect();
        let is = |at: usize, word: &str| all.get(at).is_some_and(|token| token.is(&written, word));
        let word = |word: &str| all.iter().any(|token| token.is(&written, word));
        word("row") && word("security") || is(0, "drop") && word("constraint")
    };
    alter.actions().all(plain)
}
