//! Statements that change rows.

use super::keywords::Kw;
use super::names::NameIn;
use super::reader::{Read, Reader};
use super::tokens::{Op, Tok};
use crate::ast::{
    Assignment, ConflictAction, ConflictTarget, Delete, Expr, ExprKind, Ident, Insert, Merge, MergeAction,
    MergeClause, MergeWhen, OnConflict, SelectItem, Update, With,
};

impl Reader<'_> {
    /// `INSERT …`, after its `WITH`.
    pub(super) fn insert(&mut self, start: u32, with: Option<With>) -> Read<Insert> {
        self.expect_kw(Kw::Insert)?;
        self.expect_kw(Kw::Into)?;
        let table = self.object_name()?;
        let alias = match self.eat_kw(Kw::As) {
            true => Some(self.ident(NameIn::Column)?),
            false => None,
        };
        let columns = match self.at(Tok::LParen) && !self.opens_query(0) {
            true => self.insert_columns()?,
            false => Vec::new(),
        };
        self.overriding()?;
        let source = match columns.is_empty() && self.eat_kws(&[Kw::Default, Kw::Values]) {
            true => None,
            false => Some(Box::new(self.query()?)),
        };
        let on_conflict = self.on_conflict()?;
        let returning = self.returning()?;
        let range = self.range_from(start);
        Ok(Insert { with, table, alias, columns, source, on_conflict, returning, range })
    }

    fn insert_columns(&mut self) -> Read<Vec<Ident>> {
        self.parens(|reader| {
            reader.list(|reader| {
                let start = reader.start();
                let (column, partial) = reader.assigned_column()?;
                if partial {
                    reader.note(start, "an insert into a part of a column");
                }
                Ok(column)
            })
        })
    }

    /// `OVERRIDING SYSTEM VALUE` inserts what is written; `OVERRIDING USER VALUE` does not, and is noted.
    fn overriding(&mut self) -> Read<()> {
        let start = self.start();
        if !self.eat_kw(Kw::Overriding) {
            return Ok(());
        }
        if self.eat_kw(Kw::User) {
            self.expect_kw(Kw::Value)?;
            self.note(start, "`OVERRIDING USER VALUE`");
            return Ok(());
        }
        self.expect_kw(Kw::System)?;
        self.expect_kw(Kw::Value)?;
        Ok(())
    }

    fn on_conflict(&mut self) -> Read<Option<OnConflict>> {
        let start = self.start();
        if !self.eat_kw(Kw::On) {
            return Ok(None);
        }
        self.expect_kw(Kw::Conflict)?;
        let target = self.conflict_target()?;
        self.expect_kw(Kw::Do)?;
        let action = if self.eat_kw(Kw::Nothing) {
            ConflictAction::Nothing
        } else {
            self.expect_kw(Kw::Update)?;
            self.expect_kw(Kw::Set)?;
            ConflictAction::Update { assignments: self.assignments()?, filter: self.where_clause()? }
        };
        Ok(Some(OnConflict { target, action, range: self.range_from(start) }))
    }

    fn conflict_target(&mut self) -> Read<ConflictTarget> {
        if self.eat_kws(&[Kw::On, Kw::Constraint]) {
            return self.ident(NameIn::Column).map(ConflictTarget::Constraint);
        }
        if !self.at(Tok::LParen) {
            return Ok(ConflictTarget::Any);
        }
        let elements = self.parens(|reader| reader.list(Self::index_element))?;
        Ok(ConflictTarget::Columns { elements, filter: self.where_clause()? })
    }

    /// A column or an expression of an index, with its collation and operator class.
    fn index_element(&mut self) -> Read<Expr> {
        let start = self.start();
        let mut expr = match self.at(Tok::LParen) {
            true => self.parens(Self::expr)?,
            false => self.index_column()?,
        };
        if self.eat_kw(Kw::Collate) {
            let collation = self.object_name()?;
            let kind = ExprKind::Collate { expr: Box::new(expr), collation };
            expr = Expr { kind, range: self.range_from(start) };
        }
        if NameIn::Column.allows(self.peek()) {
            self.object_name()?;
            self.note(start, "an operator class");
        }
        expr.range = self.range_from(start);
        Ok(expr)
    }

    /// A column's name or a function call.
    fn index_column(&mut self) -> Read<Expr> {
        if self.nth(1) == Tok::LParen || self.nth(1) == Tok::Dot || !NameIn::Column.allows(self.peek()) {
            let call = self.primary()?;
            // Whatever else it may be stands in parentheses.
            return match call.kind {
                ExprKind::Column(_) => self.stop("a function's arguments"),
                _ => Ok(call),
            };
        }
        let column = self.ident(NameIn::Column)?;
        Ok(Expr { range: column.range, kind: ExprKind::Column(vec![column]) })
    }

    /// `RETURNING …`, or nothing.
    fn returning(&mut self) -> Read<Vec<SelectItem>> {
        let start = self.start();
        if !self.eat_kw(Kw::Returning) {
            return Ok(Vec::new());
        }
        if self.at_kw(Kw::With) && self.nth(1) == Tok::LParen {
            self.next();
            self.skip_balanced()?;
            self.note(start, "`RETURNING WITH`");
        }
        self.select_items()
    }

    /// `column = value, (a, b) = row, …`
    fn assignments(&mut self) -> Read<Vec<Assignment>> {
        self.list(|reader| {
            let mut partial = false;
            let in_row = reader.at(Tok::LParen);
            let columns = match in_row {
                true => reader.parens(|reader| {
                    reader.list(|reader| {
                        let (column, part) = reader.assigned_column()?;
                        partial |= part;
                        Ok(column)
                    })
                })?,
                false => {
                    let (column, part) = reader.assigned_column()?;
                    partial = part;
                    vec![column]
                }
            };
            reader.expect_op(Op::Eq, "`=`")?;
            let mut value = reader.expr()?;
            // `(a) = ROW(x)` assigns x, not a row.
            if let (true, [_], ExprKind::Row(elements)) = (in_row, columns.as_slice(), &mut value.kind) {
                match (elements.pop(), elements.is_empty()) {
                    (Some(only), true) => value = only,
                    (_, _) => return reader.stop("a row of one value"),
                }
            }
            Ok(Assignment { columns, partial, value })
        })
    }

    /// A column that is assigned to, and whether only a part of it is.
    fn assigned_column(&mut self) -> Read<(Ident, bool)> {
        let column = self.ident(NameIn::Column)?;
        let mut partial = false;
        loop {
            match self.peek() {
                Tok::LBrack => {
                    self.subscript()?;
                }
                Tok::Dot => {
                    self.next();
                    self.ident(NameIn::Label)?;
                }
                _ => return Ok((column, partial)),
            }
            partial = true;
        }
    }

    /// `WHERE …`; `WHERE CURRENT OF cursor` is noted.
    fn where_or_current(&mut self) -> Read<Option<Expr>> {
        let start = self.start();
        if self.eat_kws(&[Kw::Where, Kw::Current, Kw::Of]) {
            self.ident(NameIn::Column)?;
            self.note(start, "`WHERE CURRENT OF`");
            return Ok(None);
        }
        self.where_clause()
    }

    /// `UPDATE …`, after its `WITH`.
    pub(super) fn update(&mut self, start: u32, with: Option<With>) -> Read<Update> {
        self.expect_kw(Kw::Update)?;
        let target = self.target()?;
        self.expect_kw(Kw::Set)?;
        let assignments = self.assignments()?;
        let from = match self.eat_kw(Kw::From) {
            true => self.list(Self::table_expr)?,
            false => Vec::new(),
        };
        let filter = self.where_or_current()?;
        let returning = self.returning()?;
        let range = self.range_from(start);
        Ok(Update { with, target, assignments, from, filter, limit: None, returning, replaces: false, range })
    }

    /// `DELETE …`, after its `WITH`.
    pub(super) fn delete(&mut self, start: u32, with: Option<With>) -> Read<Delete> {
        self.expect_kw(Kw::Delete)?;
        self.expect_kw(Kw::From)?;
        let target = self.target()?;
        let using = match self.eat_kw(Kw::Using) {
            true => self.list(Self::table_expr)?,
            false => Vec::new(),
        };
        let filter = self.where_or_current()?;
        let returning = self.returning()?;
        let range = self.range_from(start);
        Ok(Delete { with, target, using, filter, limit: None, returning, range })
    }

    /// `MERGE …`, after its `WITH`.
    pub(super) fn merge(&mut self, start: u32, with: Option<With>) -> Read<Merge> {
        self.expect_kw(Kw::Merge)?;
        self.expect_kw(Kw::Into)?;
        let target = self.target()?;
        self.expect_kw(Kw::Using)?;
        let source = self.table_expr()?;
        self.expect_kw(Kw::On)?;
        let on = self.expr()?;
        let mut clauses = Vec::new();
        while self.at_kw(Kw::When) {
            clauses.push(self.merge_clause()?);
        }
        let returning = self.returning()?;
        let range = self.range_from(start);
        Ok(Merge { with, target, source, on, clauses, returning, range })
    }

    fn merge_clause(&mut self) -> Read<MergeClause> {
        let start = self.expect_kw(Kw::When)?.start;
        let not = self.eat_kw(Kw::Not);
        self.expect_kw(Kw::Matched)?;
        let mut when = if not { MergeWhen::NotMatched } else { MergeWhen::Matched };
        if not && self.eat_kw(Kw::By) {
            if self.eat_kw(Kw::Source) {
                when = MergeWhen::NotMatchedBySource;
            } else {
                self.expect_kw(Kw::Target)?;
            }
        }
        let guard = match self.eat_kw(Kw::And) {
            true => Some(self.expr()?),
            false => None,
        };
        self.expect_kw(Kw::Then)?;
        let action = self.merge_action()?;
        let inserts = matches!(action, MergeAction::Insert { .. });
        let possible = matches!(action, MergeAction::Nothing) || inserts == (when == MergeWhen::NotMatched);
        if !possible {
            return self.stop("an action that this `WHEN` can have");
        }
        Ok(MergeClause { when, guard, action, range: self.range_from(start) })
    }

    fn merge_action(&mut self) -> Read<MergeAction> {
        match self.peek() {
            Tok::Kw(Kw::Do) => {
                self.next();
                self.expect_kw(Kw::Nothing)?;
                Ok(MergeAction::Nothing)
            }
            Tok::Kw(Kw::Delete) => {
                self.next();
                Ok(MergeAction::Delete)
            }
            Tok::Kw(Kw::Update) => {
                self.next();
                self.expect_kw(Kw::Set)?;
                self.assignments().map(MergeAction::Update)
            }
            _ => {
                self.expect_kw(Kw::Insert)?;
                let columns = match self.at(Tok::LParen) {
                    true => self.insert_columns()?,
                    false => Vec::new(),
                };
                self.overriding()?;
                if self.eat_kws(&[Kw::Default, Kw::Values]) {
                    return Ok(MergeAction::Insert { columns, values: Vec::new() });
                }
                self.expect_kw(Kw::Values)?;
                let values = self.parens(|reader| reader.list(Self::expr))?;
                Ok(MergeAction::Insert { columns, values })
            }
        }
    }
}
