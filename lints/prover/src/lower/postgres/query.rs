//! Queries: `WITH`, set operations, `SELECT`, and what follows them.

use super::keywords::Kw;
use super::names::NameIn;
use super::reader::{Read, Reader};
use super::tokens::{Op, Tok};
use crate::ast::{
    Cte, Distinct, Expr, ExprKind, GroupItem, Locking, Query, Select, SelectItem, SetExpr, SetOp, Statement,
    TextRange, With,
};

/// How tightly set operations bind, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SetLevel {
    None,
    Union,
    Intersect,
}

impl Reader<'_> {
    /// A query, with its own `WITH` if it has one.
    pub(super) fn query(&mut self) -> Read<Query> {
        let start = self.start();
        let with = self.with()?;
        self.query_after_with(start, with)
    }

    /// A query whose `WITH` has been read.
    pub(super) fn query_after_with(&mut self, start: u32, with: Option<With>) -> Read<Query> {
        self.deeper(|reader| {
            let body = reader.set_expr(SetLevel::None)?;
            let mut query = Query {
                with,
                body,
                order_by: reader.order_by()?,
                limit: None,
                offset: None,
                fetch: None,
                locking: Vec::new(),
                range: TextRange::default(),
            };
            while reader.tail(&mut query)? {}
            // What is sorted in parentheses is sorted.
            let sorted = !query.order_by.is_empty() || matches!(query.body, SetExpr::Query(_));
            let ties = query.fetch.as_ref().is_some_and(|(_, ties)| *ties);
            if ties && (!sorted || query.locking.iter().any(|locking| locking.skips)) {
                return reader.stop("no `WITH TIES` without `ORDER BY` or with `SKIP LOCKED`");
            }
            query.range = reader.range_from(start);
            Ok(query)
        })
    }

    /// One clause after the body and `ORDER BY`; false where there is none.
    fn tail(&mut self, query: &mut Query) -> Read<bool> {
        match self.peek() {
            Tok::Kw(Kw::Limit) if query.limit.is_none() && query.fetch.is_none() => {
                self.next();
                if !self.eat_kw(Kw::All) {
                    query.limit = Some(self.expr()?);
                }
            }
            Tok::Kw(Kw::Offset) if query.offset.is_none() => {
                self.next();
                query.offset = Some(self.expr()?);
                if !self.eat_kw(Kw::Rows) {
                    self.eat_kw(Kw::Row);
                }
            }
            Tok::Kw(Kw::Fetch) if query.limit.is_none() && query.fetch.is_none() => {
                query.fetch = Some(self.fetch()?);
            }
            Tok::Kw(Kw::For) => {
                let locking = self.locking()?;
                query.locking.extend(locking);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `FETCH FIRST [n] ROWS ONLY | WITH TIES`.
    fn fetch(&mut self) -> Read<(Expr, bool)> {
        self.expect_kw(Kw::Fetch)?;
        if !(self.eat_kw(Kw::First) || self.eat_kw(Kw::Next)) {
            return self.stop("`FIRST`");
        }
        let counted = !matches!(self.peek(), Tok::Kw(Kw::Row | Kw::Rows));
        let count = match counted {
            true => self.expr()?,
            false => Expr { kind: ExprKind::Number("1".to_owned()), range: TextRange::empty(self.start()) },
        };
        if !(self.eat_kw(Kw::Rows) || self.eat_kw(Kw::Row)) {
            return self.stop("`ROWS`");
        }
        let ties = self.eat_kws(&[Kw::With, Kw::Ties]);
        if !ties {
            self.expect_kw(Kw::Only)?;
        }
        Ok((count, ties))
    }

    /// `FOR UPDATE | NO KEY UPDATE | SHARE | KEY SHARE [OF …] [NOWAIT | SKIP LOCKED]`; `FOR READ ONLY` locks nothing.
    fn locking(&mut self) -> Read<Option<Locking>> {
        let start = self.start();
        self.expect_kw(Kw::For)?;
        if self.eat_word("read") {
            self.expect_kw(Kw::Only)?;
            return Ok(None);
        }
        let known = self.eat_kw(Kw::Update)
            || self.eat_kws(&[Kw::No, Kw::Key, Kw::Update])
            || self.eat_kw(Kw::Share)
            || self.eat_kws(&[Kw::Key, Kw::Share]);
        if !known {
            return self.stop("`UPDATE` or `SHARE`");
        }
        if self.eat_kw(Kw::Of) {
            // Which of the query's relations are locked; all of them were read anyway.
            self.list(Self::object_name)?;
        }
        let skips = self.eat_kw(Kw::Nowait) || self.eat_kws(&[Kw::Skip, Kw::Locked]);
        Ok(Some(Locking { skips, range: self.range_from(start) }))
    }

    /// `WITH …`, or nothing.
    pub(super) fn with(&mut self) -> Read<Option<With>> {
        if !self.eat_kw(Kw::With) {
            return Ok(None);
        }
        let recursive = self.eat_kw(Kw::Recursive);
        let ctes = self.list(Self::cte)?;
        Ok(Some(With { recursive, ctes }))
    }

    fn cte(&mut self) -> Read<Cte> {
        let start = self.start();
        let name = self.ident(NameIn::Column)?;
        let columns = match self.at(Tok::LParen) {
            true => self.name_list()?,
            false => Vec::new(),
        };
        self.expect_kw(Kw::As)?;
        let materialized = self.eat_kw(Kw::Materialized);
        if !materialized {
            self.eat_kws(&[Kw::Not, Kw::Materialized]);
        }
        let statement = Box::new(self.parens(Self::preparable)?);
        self.search_and_cycle()?;
        Ok(Cte { name, columns, statement, materialized, range: self.range_from(start) })
    }

    /// `SEARCH …` and `CYCLE …` add columns; they are noted, not modelled.
    fn search_and_cycle(&mut self) -> Read<()> {
        let start = self.start();
        if self.eat_kw(Kw::Search) {
            if !(self.eat_kw(Kw::Breadth) || self.eat_kw(Kw::Depth)) {
                return self.stop("`BREADTH` or `DEPTH`");
            }
            self.expect_kw(Kw::First)?;
            self.expect_kw(Kw::By)?;
            self.list(|reader| reader.ident(NameIn::Column))?;
            self.expect_kw(Kw::Set)?;
            self.ident(NameIn::Column)?;
            self.note(start, "the clause `SEARCH`");
        }
        let start = self.start();
        if self.eat_kw(Kw::Cycle) {
            self.list(|reader| reader.ident(NameIn::Column))?;
            self.expect_kw(Kw::Set)?;
            self.ident(NameIn::Column)?;
            if self.eat_kw(Kw::To) {
                self.expr()?;
                self.expect_kw(Kw::Default)?;
                self.expr()?;
            }
            self.expect_kw(Kw::Using)?;
            self.ident(NameIn::Column)?;
            self.note(start, "the clause `CYCLE`");
        }
        Ok(())
    }

    /// `(a, b)`.
    pub(super) fn name_list(&mut self) -> Read<Vec<crate::ast::Ident>> {
        self.parens(|reader| reader.list(|reader| reader.ident(NameIn::Column)))
    }

    /// A statement that may stand in a `WITH`, in `EXPLAIN`, `COPY (…)`: a query or one that changes rows.
    pub(super) fn preparable(&mut self) -> Read<Statement> {
        let start = self.start();
        let with = self.with()?;
        match self.peek() {
            Tok::Kw(Kw::Insert) => self.insert(start, with).map(Box::new).map(Statement::Insert),
            Tok::Kw(Kw::Update) => self.update(start, with).map(Box::new).map(Statement::Update),
            Tok::Kw(Kw::Delete) => self.delete(start, with).map(Box::new).map(Statement::Delete),
            Tok::Kw(Kw::Merge) => self.merge(start, with).map(Box::new).map(Statement::Merge),
            _ => self.query_after_with(start, with).map(Box::new).map(Statement::Query),
        }
    }

    /// A body and the set operations after it that bind tighter than `above`.
    fn set_expr(&mut self, above: SetLevel) -> Read<SetExpr> {
        self.deeper(|reader| {
            let mut left = reader.simple_query()?;
            loop {
                let (op, level) = match reader.peek() {
                    Tok::Kw(Kw::Union) => (SetOp::Union, SetLevel::Union),
                    Tok::Kw(Kw::Except) => (SetOp::Except, SetLevel::Union),
                    Tok::Kw(Kw::Intersect) => (SetOp::Intersect, SetLevel::Intersect),
                    _ => return Ok(left),
                };
                if level <= above {
                    return Ok(left);
                }
                reader.next();
                let all = reader.eat_kw(Kw::All);
                if !all {
                    reader.eat_kw(Kw::Distinct);
                }
                let right = Box::new(reader.set_expr(level)?);
                left = SetExpr::SetOp { op, all, left: Box::new(left), right };
            }
        })
    }

    fn simple_query(&mut self) -> Read<SetExpr> {
        match self.peek() {
            Tok::Kw(Kw::Select) => self.select().map(Box::new).map(SetExpr::Select),
            Tok::Kw(Kw::Values) => {
                self.next();
                let rows = self.list(|reader| reader.parens(|reader| reader.list(Self::expr)))?;
                Ok(SetExpr::Values(rows))
            }
            Tok::Kw(Kw::Table) => {
                let start = self.next().start;
                let (name, only) = self.relation()?;
                if only {
                    self.note(start, "`TABLE ONLY`");
                }
                Ok(SetExpr::Table(name))
            }
            Tok::LParen => self.paren_query().map(Box::new).map(SetExpr::Query),
            _ => self.stop("a query"),
        }
    }

    fn select(&mut self) -> Read<Select> {
        let start = self.expect_kw(Kw::Select)?.start;
        let mut distinct = None;
        if self.eat_kw(Kw::Distinct) {
            distinct = Some(match self.eat_kw(Kw::On) {
                true => Distinct::On(self.parens(|reader| reader.list(Self::expr))?),
                false => Distinct::All,
            });
        } else {
            self.eat_kw(Kw::All);
        }
        let items = if self.select_list_is_empty() { Vec::new() } else { self.select_items()? };
        let into = self.select_into()?;
        let from = match self.eat_kw(Kw::From) {
            true => self.list(Self::table_expr)?,
            false => Vec::new(),
        };
        let filter = self.where_clause()?;
        let group_by = match self.eat_kws(&[Kw::Group, Kw::By]) {
            true => Some(self.group_by()?),
            false => None,
        };
        let having = match self.eat_kw(Kw::Having) {
            true => Some(self.expr()?),
            false => None,
        };
        let windows = match self.eat_kw(Kw::Window) {
            true => self.list(|reader| {
                let name = reader.ident(NameIn::Column)?;
                reader.expect_kw(Kw::As)?;
                Ok((name, reader.parens(Self::window_spec)?))
            })?,
            false => Vec::new(),
        };
        let range = self.range_from(start);
        Ok(Select { distinct, items, from, filter, group_by, having, windows, into, range })
    }

    /// `WHERE …`, or nothing.
    pub(super) fn where_clause(&mut self) -> Read<Option<Expr>> {
        if self.eat_kw(Kw::Where) { self.expr().map(Some) } else { Ok(None) }
    }

    fn select_list_is_empty(&self) -> bool {
        match self.peek() {
            Tok::End | Tok::RParen => true,
            Tok::Kw(keyword) => matches!(
                keyword,
                Kw::Into
                    | Kw::From
                    | Kw::Where
                    | Kw::Group
                    | Kw::Having
                    | Kw::Window
                    | Kw::Union
                    | Kw::Except
                    | Kw::Intersect
                    | Kw::Order
                    | Kw::Limit
                    | Kw::Offset
                    | Kw::Fetch
                    | Kw::For
            ),
            _ => false,
        }
    }

    /// A select list, or that of `RETURNING`.
    pub(super) fn select_items(&mut self) -> Read<Vec<SelectItem>> {
        self.list(Self::select_item)
    }

    fn select_item(&mut self) -> Read<SelectItem> {
        if self.at(Tok::Op(Op::Star)) {
            return Ok(SelectItem::Star(self.next()));
        }
        if let Some(star) = self.qualified_star()? {
            return Ok(star);
        }
        let expr = self.expr()?;
        if self.at(Tok::Dot) && self.nth(1) == Tok::Op(Op::Star) {
            self.next();
            self.next();
            return Ok(SelectItem::ExprStar(expr));
        }
        let alias = match self.eat_kw(Kw::As) {
            true => Some(self.ident(NameIn::Label)?),
            false => self.try_ident(NameIn::BareLabel)?,
        };
        Ok(SelectItem::Expr { expr, alias })
    }

    /// `t.*` as a whole item; where something follows it is a row as a value, which the rule for expressions reads.
    fn qualified_star(&mut self) -> Read<Option<SelectItem>> {
        let mut ahead = 0;
        while NameIn::Label.allows(self.nth(ahead)) && self.nth(ahead + 1) == Tok::Dot {
            ahead += 2;
        }
        if ahead == 0 || self.nth(ahead) != Tok::Op(Op::Star) {
            return Ok(None);
        }
        let ends = match self.nth(ahead + 1) {
            Tok::Comma | Tok::End | Tok::RParen => true,
            Tok::Kw(keyword) => !keyword.is_bare_label(),
            _ => false,
        };
        if !ends {
            return Ok(None);
        }
        let name = self.object_name()?;
        self.expect(Tok::Dot, "`.`")?;
        self.next();
        Ok(Some(SelectItem::QualifiedStar(name)))
    }

    /// `INTO [TEMP | UNLOGGED] [TABLE] name`.
    fn select_into(&mut self) -> Read<Option<TextRange>> {
        let start = self.start();
        if !self.eat_kw(Kw::Into) {
            return Ok(None);
        }
        let kind = matches!(self.peek(), Tok::Kw(Kw::Temp | Kw::Temporary | Kw::Unlogged | Kw::Local));
        if kind && (NameIn::Column.allows(self.nth(1)) || self.nth(1) == Tok::Kw(Kw::Table)) {
            self.next();
        }
        self.eat_kw(Kw::Table);
        self.object_name()?;
        Ok(Some(self.range_from(start)))
    }

    fn group_by(&mut self) -> Read<Vec<GroupItem>> {
        let start = self.start();
        if self.eat_kw(Kw::Distinct) {
            self.note(start, "`GROUP BY DISTINCT`");
        } else if self.eat_kw(Kw::All) && self.select_list_is_empty() {
            self.note(start, "`GROUP BY ALL`");
            return Ok(Vec::new());
        }
        let items = self.list(|reader| reader.group_item(false))?;
        Ok(items.into_iter().flatten().collect())
    }

    /// An item of `GROUP BY`. Several items outside of grouping sets in one pair of parentheses are as good as without.
    fn group_item(&mut self, in_sets: bool) -> Read<Vec<GroupItem>> {
        if self.at(Tok::LParen) && self.nth(1) == Tok::RParen {
            self.next();
            self.next();
            return Ok(vec![GroupItem::Empty]);
        }
        let called = self.nth(1) == Tok::LParen;
        match self.peek() {
            Tok::Kw(Kw::Rollup) if called => {
                self.next();
                Ok(vec![GroupItem::Rollup(self.group_elements()?)])
            }
            Tok::Kw(Kw::Cube) if called => {
                self.next();
                Ok(vec![GroupItem::Cube(self.group_elements()?)])
            }
            Tok::Kw(Kw::Grouping) if self.nth(1) == Tok::Kw(Kw::Sets) => {
                self.next();
                self.next();
                let items =
                    self.parens(|reader| reader.list(|reader| reader.deeper(|r| r.group_item(true))))?;
                Ok(vec![GroupItem::Sets(items.into_iter().flatten().collect())])
            }
            _ => {
                let (mut list, implicit) = self.group_list()?;
                match (in_sets && implicit, list.pop()) {
                    (true, Some(last)) => {
                        list.push(last);
                        Ok(vec![GroupItem::List(list)])
                    }
                    (false, Some(last)) => {
                        list.push(last);
                        Ok(list.into_iter().map(GroupItem::Expr).collect())
                    }
                    (_, None) => self.stop("an expression"),
                }
            }
        }
    }

    /// `(a, (b, c))`: each element a list.
    fn group_elements(&mut self) -> Read<Vec<Vec<Expr>>> {
        self.parens(|reader| reader.list(|reader| Ok(reader.group_list()?.0)))
    }

    /// An expression, or the elements of a row written in parentheses alone.
    fn group_list(&mut self) -> Read<(Vec<Expr>, bool)> {
        let paren = self.at(Tok::LParen);
        let expr = self.expr()?;
        match expr.kind {
            ExprKind::Row(elements) if paren => Ok((elements, true)),
            kind => Ok((vec![Expr { kind, range: expr.range }], false)),
        }
    }
}
