//! Relations: what stands in `FROM` and `USING`, and the targets of statements.

use super::keywords::Kw;
use super::names::NameIn;
use super::reader::{Read, Reader};
use super::tokens::{Op, Tok};
use crate::ast::{
    Expr, ExprKind, Ident, JoinConstraint, JoinKind, ObjectName, Sample, TableAlias, TableExpr,
};

impl Reader<'_> {
    /// A relation with all joins after it. An `ON` belongs to the last join that has none yet.
    pub(super) fn table_expr(&mut self) -> Read<TableExpr> {
        self.deeper(|reader| {
            let start = reader.start();
            let mut left = reader.table_primary()?;
            while let Some((kind, form)) = reader.join_words() {
                let (right, constraint) = match form {
                    JoinForm::Cross => (reader.table_primary()?, JoinConstraint::None),
                    JoinForm::Natural => (reader.table_primary()?, JoinConstraint::Natural),
                    JoinForm::Qualified => (reader.table_expr()?, reader.join_constraint()?),
                };
                let range = reader.range_from(start);
                left =
                    TableExpr::Join { left: Box::new(left), right: Box::new(right), kind, constraint, range };
            }
            Ok(left)
        })
    }

    /// Takes `CROSS JOIN`, `NATURAL LEFT JOIN`, `JOIN` and the like, if one is next.
    fn join_words(&mut self) -> Option<(JoinKind, JoinForm)> {
        if self.eat_kws(&[Kw::Cross, Kw::Join]) {
            return Some((JoinKind::Inner, JoinForm::Cross));
        }
        let mark = self.mark();
        let form = if self.eat_kw(Kw::Natural) { JoinForm::Natural } else { JoinForm::Qualified };
        let kind = match self.peek() {
            Tok::Kw(Kw::Left) => Some(JoinKind::Left),
            Tok::Kw(Kw::Right) => Some(JoinKind::Right),
            Tok::Kw(Kw::Full) => Some(JoinKind::Full),
            _ => None,
        };
        if kind.is_some() {
            self.next();
            self.eat_kw(Kw::Outer);
        } else {
            self.eat_kw(Kw::Inner);
        }
        if self.eat_kw(Kw::Join) {
            return Some((kind.unwrap_or(JoinKind::Inner), form));
        }
        self.rewind(mark);
        None
    }

    fn join_constraint(&mut self) -> Read<JoinConstraint> {
        if self.eat_kw(Kw::On) {
            return self.expr().map(JoinConstraint::On);
        }
        if self.eat_kw(Kw::Using) {
            let columns = self.name_list()?;
            let alias = match self.eat_kw(Kw::As) {
                true => Some(self.ident(NameIn::Column)?),
                false => None,
            };
            return Ok(JoinConstraint::Using(columns, alias));
        }
        self.stop("`ON` or `USING`")
    }

    fn table_primary(&mut self) -> Read<TableExpr> {
        let start = self.start();
        let lateral = self.eat_kw(Kw::Lateral);
        if self.at(Tok::LParen) {
            return match self.opens_query(0) {
                true => self.derived(start, lateral),
                false if lateral => self.stop("a query"),
                false => self.parenthesised_join(),
            };
        }
        match self.peek() {
            Tok::Kw(Kw::Only) if !lateral => return self.table(start),
            Tok::Kw(Kw::Rows) if self.at_kws(&[Kw::Rows, Kw::From]) && self.nth(2) == Tok::LParen => {
                return self.rows_from(start);
            }
            Tok::Kw(keyword @ (Kw::Xmltable | Kw::JsonTable | Kw::GraphTable))
                if self.nth(1) == Tok::LParen =>
            {
                self.next();
                self.skip_balanced()?;
                self.alias_with_definitions()?;
                let what = keyword.word().to_ascii_uppercase();
                return Ok(TableExpr::Unsupported(what, self.range_from(start)));
            }
            Tok::Kw(keyword) => {
                let mark = self.mark();
                if !self.is_plain_relation()
                    && let Some(call) = self.special_call(keyword)?
                {
                    return self.function(start, vec![call]);
                }
                self.rewind(mark);
            }
            _ => {}
        }
        if self.names_function() {
            let call = self.windowless_call()?;
            return self.function(start, vec![call]);
        }
        match lateral {
            true => self.stop("a query or a function"),
            false => self.table(start),
        }
    }

    /// True for a keyword that names a table here: it may name a column and no parenthesis follows.
    fn is_plain_relation(&self) -> bool {
        NameIn::Column.allows(self.peek()) && self.nth(1) != Tok::LParen
    }

    /// True if a name with an opening parenthesis after it stands here.
    fn names_function(&self) -> bool {
        let mut ahead = 0;
        while NameIn::Label.allows(self.nth(ahead)) && self.nth(ahead + 1) == Tok::Dot {
            ahead += 2;
        }
        let place = if ahead == 0 { NameIn::Function } else { NameIn::Label };
        place.allows(self.nth(ahead)) && self.nth(ahead + 1) == Tok::LParen
    }

    /// A call as `FROM` allows it.
    fn windowless_call(&mut self) -> Read<Expr> {
        let name = self.object_name_in(NameIn::Label)?;
        let expr = self.call(name)?;
        let plain = match &expr.kind {
            ExprKind::Call(call) => {
                call.within_group.is_empty() && call.filter.is_none() && call.over.is_none()
            }
            _ => true,
        };
        if plain { Ok(expr) } else { self.stop("a function that is no aggregate") }
    }

    fn derived(&mut self, start: u32, lateral: bool) -> Read<TableExpr> {
        let query = Box::new(self.paren_query()?);
        let alias = self.table_alias()?;
        Ok(TableExpr::Derived { lateral, query, alias, range: self.range_from(start) })
    }

    /// `(a JOIN b …) [alias]`.
    fn parenthesised_join(&mut self) -> Read<TableExpr> {
        let join = self.parens(Self::table_expr)?;
        match join {
            TableExpr::Join { .. } | TableExpr::AliasedJoin { .. } => {}
            TableExpr::Table { .. }
            | TableExpr::Derived { .. }
            | TableExpr::Function { .. }
            | TableExpr::Unsupported(..) => return self.stop("a join in these parentheses"),
        }
        match self.table_alias()? {
            Some(alias) => Ok(TableExpr::AliasedJoin { join: Box::new(join), alias }),
            None => Ok(join),
        }
    }

    fn table(&mut self, start: u32) -> Read<TableExpr> {
        let (name, only) = self.relation()?;
        let alias = self.table_alias()?;
        let sample = self.sample()?;
        Ok(TableExpr::Table { name, only, alias, sample, range: self.range_from(start) })
    }

    /// `name`, `name *`, `ONLY name`, `ONLY (name)`: the name, and whether `ONLY` was written.
    pub(super) fn relation(&mut self) -> Read<(ObjectName, bool)> {
        if self.eat_kw(Kw::Only) {
            let name = match self.at(Tok::LParen) {
                true => self.parens(Self::object_name)?,
                false => self.object_name()?,
            };
            return Ok((name, true));
        }
        let name = self.object_name()?;
        self.eat(Tok::Op(Op::Star));
        Ok((name, false))
    }

    /// `TABLESAMPLE f(n) [REPEATABLE (n)]`.
    fn sample(&mut self) -> Read<Option<Sample>> {
        let start = self.start();
        if !self.eat_kw(Kw::Tablesample) {
            return Ok(None);
        }
        let method = self.object_name_in(NameIn::Function)?;
        let arguments = self.parens(|reader| reader.list(Self::expr))?;
        if self.eat_kw(Kw::Repeatable) {
            self.parens(Self::expr)?;
        }
        let is_known =
            matches!(method.parts.as_slice(), [name] if matches!(name.text.as_str(), "bernoulli" | "system"));
        let is_all = |share: &Expr| matches!(&share.kind, ExprKind::Number(number) if number == "100");
        let is_whole = is_known && matches!(arguments.as_slice(), [share] if is_all(share));
        Ok(Some(Sample { range: self.range_from(start), is_whole }))
    }

    /// `[AS] alias [(columns)]`, or nothing.
    fn table_alias(&mut self) -> Read<Option<TableAlias>> {
        let name = match self.eat_kw(Kw::As) {
            true => self.ident(NameIn::Column)?,
            false => match self.try_ident(NameIn::Column)? {
                Some(name) => name,
                None => return Ok(None),
            },
        };
        let columns = match self.at(Tok::LParen) {
            true => self.name_list()?,
            false => Vec::new(),
        };
        Ok(Some(TableAlias { name, columns }))
    }

    /// What follows a function in `FROM`.
    fn function(&mut self, start: u32, calls: Vec<Expr>) -> Read<TableExpr> {
        let ordinality = self.eat_kws(&[Kw::With, Kw::Ordinality]);
        let unnamed = calls.first().and_then(function_name);
        let alias = match (self.alias_with_definitions()?, unnamed) {
            (Alias::None, _) => None,
            (Alias::Named(alias), _) => Some(alias),
            (Alias::Columns(columns), Some(name)) => Some(TableAlias { name, columns }),
            (Alias::Columns(_), None) => return self.stop("an alias before the columns"),
        };
        Ok(TableExpr::Function { calls, ordinality, alias, range: self.range_from(start) })
    }

    /// `ROWS FROM (f(…), g(…))`.
    fn rows_from(&mut self, start: u32) -> Read<TableExpr> {
        self.next();
        self.next();
        let calls = self.parens(|reader| {
            reader.list(|reader| {
                let start = reader.start();
                if !reader.names_function() {
                    return reader.stop("a function");
                }
                let call = reader.windowless_call()?;
                if reader.eat_kw(Kw::As) {
                    reader.parens(|reader| reader.list(Self::column_definition))?;
                    reader.note(start, "column definitions in `ROWS FROM`");
                }
                Ok(call)
            })
        })?;
        self.function(start, calls)
    }

    /// `[AS] alias (a, b)`, `[AS] alias (a type, b type)`, `AS (a type, b type)`.
    fn alias_with_definitions(&mut self) -> Read<Alias> {
        let written = self.eat_kw(Kw::As);
        if written && self.at(Tok::LParen) {
            return self.parens(|reader| reader.list(Self::column_definition)).map(Alias::Columns);
        }
        let name = match written {
            true => self.ident(NameIn::Column)?,
            false => match self.try_ident(NameIn::Column)? {
                Some(name) => name,
                None => return Ok(Alias::None),
            },
        };
        let columns = match (self.at(Tok::LParen), self.nth(2)) {
            (false, _) => Vec::new(),
            (true, Tok::Comma | Tok::RParen) => self.name_list()?,
            (true, _) => self.parens(|reader| reader.list(Self::column_definition))?,
        };
        Ok(Alias::Named(TableAlias { name, columns }))
    }

    fn column_definition(&mut self) -> Read<Ident> {
        let name = self.ident(NameIn::Column)?;
        self.type_name()?;
        if self.eat_kw(Kw::Collate) {
            self.object_name()?;
        }
        Ok(name)
    }

    /// The target of `UPDATE`, `DELETE` and `MERGE`: a table with an alias. `SET` is none unless `AS` stands before it.
    pub(super) fn target(&mut self) -> Read<TableExpr> {
        let start = self.start();
        let (name, only) = self.relation()?;
        let alias = match self.eat_kw(Kw::As) {
            true => Some(self.ident(NameIn::Column)?),
            false if self.at_kw(Kw::Set) => None,
            false => self.try_ident(NameIn::Column)?,
        };
        let alias = alias.map(|name| TableAlias { name, columns: Vec::new() });
        Ok(TableExpr::Table { name, only, alias, sample: None, range: self.range_from(start) })
    }
}

/// The alias of a function in `FROM`.
enum Alias {
    None,
    Named(TableAlias),
    /// Column definitions without a name: the function's own is used.
    Columns(Vec<Ident>),
}

/// How a join is written.
enum JoinForm {
    Cross,
    Natural,
    Qualified,
}

/// The last part of a call's name.
fn function_name(call: &Expr) -> Option<Ident> {
    match &call.kind {
        ExprKind::Call(call) => call.name.parts.last().cloned(),
        _ => None,
    }
}
