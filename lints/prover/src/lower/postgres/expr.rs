//! Expressions, grouped by PostgreSQL's precedence table (`gram.y`).
//!
//! An operator ends the operand to its left when it binds no tighter than the operator before that operand. Where two
//! operators of one non-associative level meet in this way, PostgreSQL refuses the statement, and so do we.

use super::keywords::Kw;
use super::names::NameIn;
use super::reader::{Read, Reader};
use super::tokens::{Op, StrForm, Tok};
use crate::ast::{BinaryOp, Expr, ExprKind, Ident, Query, UnaryOp};
use crate::types::SqlType;

/// How tightly an operator binds, loosest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    None,
    Or,
    And,
    Not,
    Is,
    Compare,
    Match,
    Operator,
    Add,
    Multiply,
    Power,
    At,
    Collate,
    Sign,
    Cast,
}

impl Level {
    /// True if `a op b op c` is refused.
    fn is_non_associative(self) -> bool {
        matches!(self, Level::Is | Level::Compare | Level::Match)
    }
}

/// Which operators may stand in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// `a_expr`: all.
    All,
    /// `b_expr`: those that cannot be mistaken for a clause around it.
    Restricted,
}

/// What follows an operand.
#[derive(Clone, Copy, Debug)]
enum Infix {
    Or,
    And,
    Is,
    IsNull { negated: bool },
    Between,
    In,
    Like(Match),
    Binary,
    At,
    Collate,
    Cast,
}

#[derive(Clone, Copy, Debug)]
enum Match {
    Like,
    Ilike,
    Similar,
}

impl Reader<'_> {
    /// An expression (`a_expr`).
    pub(super) fn expr(&mut self) -> Read<Expr> {
        self.climb(Level::None, Mode::All)
    }

    /// An expression in the places where `AND`, `IN` and the like end it (`b_expr`).
    pub(super) fn restricted_expr(&mut self) -> Read<Expr> {
        self.climb(Level::None, Mode::Restricted)
    }

    /// An operand and all operators after it that bind tighter than `above`.
    fn climb(&mut self, above: Level, mode: Mode) -> Read<Expr> {
        self.deeper(|reader| {
            let start = reader.start();
            let mut left = reader.operand(mode)?;
            while let Some((infix, level)) = reader.infix(mode) {
                if level <= above {
                    break;
                }
                let kind = reader.apply(left, infix, level, mode)?;
                left = Expr { kind, range: reader.range_from(start) };
            }
            Ok(left)
        })
    }

    /// The right operand of an operator.
    fn right(&mut self, level: Level, mode: Mode) -> Read<Box<Expr>> {
        let right = self.climb(level, mode)?;
        if level.is_non_associative()
            && let Some((_, next)) = self.infix(mode)
            && next == level
        {
            return self.stop("parentheses, since these operators do not associate,");
        }
        Ok(Box::new(right))
    }

    /// A prefix operator with its operand, or a primary expression.
    fn operand(&mut self, mode: Mode) -> Read<Expr> {
        let start = self.start();
        let (op, level) = match self.peek() {
            Tok::Op(Op::Minus) => (UnaryOp::Minus, Level::Sign),
            Tok::Op(Op::Plus) => (UnaryOp::Plus, Level::Sign),
            Tok::Op(Op::Other) => (UnaryOp::Other(self.text(self.here()).to_owned()), Level::Operator),
            Tok::Kw(Kw::Not) if mode == Mode::All => (UnaryOp::Not, Level::Not),
            Tok::Kw(Kw::Operator) if self.nth(1) == Tok::LParen => return self.qualified_prefix(mode),
            _ => return self.primary(),
        };
        self.next();
        let expr = Box::new(self.climb(level, mode)?);
        Ok(Expr { kind: ExprKind::Unary { op, expr }, range: self.range_from(start) })
    }

    /// `OPERATOR(schema.op) expr`, which the tree has no unary form for.
    fn qualified_prefix(&mut self, mode: Mode) -> Read<Expr> {
        let start = self.start();
        let name = self.qualified_operator()?;
        self.climb(Level::Operator, mode)?;
        let kind = ExprKind::Unsupported(format!("the operator {name}"));
        Ok(Expr { kind, range: self.range_from(start) })
    }

    /// What follows the operand, without taking it.
    fn infix(&self, mode: Mode) -> Option<(Infix, Level)> {
        let found = match self.peek() {
            Tok::Op(op) => (Infix::Binary, operator_level(op)?),
            Tok::ColonColon => (Infix::Cast, Level::Cast),
            Tok::Kw(Kw::Operator) if self.nth(1) == Tok::LParen => (Infix::Binary, Level::Operator),
            Tok::Kw(Kw::Is) if mode == Mode::All || self.restricted_is() => (Infix::Is, Level::Is),
            Tok::Kw(keyword) if mode == Mode::All => self.keyword_infix(keyword)?,
            _ => return None,
        };
        Some(found)
    }

    /// `IS [NOT] DISTINCT FROM`, the only `IS` of a restricted expression that is modelled.
    fn restricted_is(&self) -> bool {
        self.at_kws(&[Kw::Is, Kw::Distinct]) || self.at_kws(&[Kw::Is, Kw::Not, Kw::Distinct])
    }

    fn keyword_infix(&self, keyword: Kw) -> Option<(Infix, Level)> {
        let found = match keyword {
            Kw::Or => (Infix::Or, Level::Or),
            Kw::And => (Infix::And, Level::And),
            Kw::Isnull => (Infix::IsNull { negated: false }, Level::Is),
            Kw::Notnull => (Infix::IsNull { negated: true }, Level::Is),
            Kw::At if self.at_kws(&[Kw::At, Kw::Time]) || self.at_kws(&[Kw::At, Kw::Local]) => {
                (Infix::At, Level::At)
            }
            Kw::Collate => (Infix::Collate, Level::Collate),
            Kw::Not => match self.nth(1) {
                Tok::Kw(next) => self.match_infix(next)?,
                _ => return None,
            },
            other => self.match_infix(other)?,
        };
        Some(found)
    }

    /// The operators that may have `NOT` before them.
    fn match_infix(&self, keyword: Kw) -> Option<(Infix, Level)> {
        let infix = match keyword {
            Kw::Between => Infix::Between,
            Kw::In => Infix::In,
            Kw::Like => Infix::Like(Match::Like),
            Kw::Ilike => Infix::Like(Match::Ilike),
            Kw::Similar => Infix::Like(Match::Similar),
            _ => return None,
        };
        Some((infix, Level::Match))
    }

    /// Takes the operator and what it needs to its right.
    fn apply(&mut self, left: Expr, infix: Infix, level: Level, mode: Mode) -> Read<ExprKind> {
        let left = Box::new(left);
        match infix {
            Infix::Or => {
                self.next();
                Ok(ExprKind::Binary { op: BinaryOp::Or, left, right: self.right(level, mode)? })
            }
            Infix::And => {
                self.next();
                Ok(ExprKind::Binary { op: BinaryOp::And, left, right: self.right(level, mode)? })
            }
            Infix::IsNull { negated } => {
                self.next();
                Ok(ExprKind::IsNull { expr: left, negated })
            }
            Infix::Is => self.is(left, level, mode),
            Infix::Between => self.between(left, level, mode),
            Infix::In => self.in_(left),
            Infix::Like(which) => self.like(left, which, level, mode),
            Infix::Binary => self.binary(left, level, mode),
            Infix::At => self.at_zone(*left, level, mode),
            Infix::Collate => {
                self.next();
                let collation = self.object_name()?;
                Ok(ExprKind::Collate { expr: left, collation })
            }
            Infix::Cast => {
                self.next();
                let ty = self.plain_type()?;
                Ok(ExprKind::Cast { expr: left, ty, fallible: false })
            }
        }
    }

    /// A type where `SETOF` makes no sense.
    pub(super) fn plain_type(&mut self) -> Read<SqlType> {
        let name = self.type_name()?;
        if name.setof {
            self.note(name.range.start, "`SETOF` in an expression");
        }
        Ok(name.ty)
    }

    fn binary(&mut self, left: Box<Expr>, level: Level, mode: Mode) -> Read<ExprKind> {
        let op = match self.peek() {
            Tok::Op(op) => {
                let text = self.next();
                binary_op(op, self.text(text))
            }
            _ => BinaryOp::Qualified(self.qualified_operator()?),
        };
        if self.at_quantifier() && mode == Mode::All {
            return self.quantified(left, op);
        }
        Ok(ExprKind::Binary { op, left, right: self.right(level, mode)? })
    }

    /// `OPERATOR(schema.op)`: its text.
    fn qualified_operator(&mut self) -> Read<String> {
        let start = self.start();
        self.expect_kw(Kw::Operator)?;
        self.parens(|reader| {
            while NameIn::Label.allows(reader.peek()) && reader.nth(1) == Tok::Dot {
                reader.next();
                reader.next();
            }
            match reader.peek() {
                Tok::Op(_) => Ok(reader.next()),
                _ => reader.stop("an operator"),
            }
        })?;
        Ok(self.text(self.range_from(start)).to_owned())
    }

    fn at_quantifier(&self) -> bool {
        let quantifier = self.at_kw(Kw::Any) || self.at_kw(Kw::Some) || self.at_kw(Kw::All);
        quantifier && self.nth(1) == Tok::LParen
    }

    /// `ANY|SOME|ALL (query)` or `(array)`.
    fn quantified(&mut self, left: Box<Expr>, op: BinaryOp) -> Read<ExprKind> {
        let all = self.at_kw(Kw::All);
        self.next();
        if self.opens_query(0) {
            let query = Box::new(self.paren_query()?);
            return Ok(ExprKind::QuantifiedSubquery { left, op, all, query });
        }
        let array = Box::new(self.parens(Self::expr)?);
        Ok(ExprKind::QuantifiedArray { left, op, all, array })
    }

    fn is(&mut self, left: Box<Expr>, level: Level, mode: Mode) -> Read<ExprKind> {
        self.expect_kw(Kw::Is)?;
        let negated = self.eat_kw(Kw::Not);
        let kind = match self.peek() {
            Tok::Kw(Kw::Null) => ExprKind::IsNull { expr: left, negated },
            Tok::Kw(Kw::True) => ExprKind::IsBool { expr: left, test: Some(true), negated },
            Tok::Kw(Kw::False) => ExprKind::IsBool { expr: left, test: Some(false), negated },
            Tok::Kw(Kw::Unknown) => ExprKind::IsBool { expr: left, test: None, negated },
            Tok::Kw(Kw::Distinct) => {
                self.next();
                self.expect_kw(Kw::From)?;
                return Ok(ExprKind::IsDistinct { left, right: self.right(level, mode)?, negated });
            }
            Tok::Kw(Kw::Document) => ExprKind::Unsupported("IS DOCUMENT".to_owned()),
            Tok::Kw(Kw::Json) => return self.is_json(),
            _ => return self.is_normalized(),
        };
        self.next();
        Ok(kind)
    }

    /// `JSON [VALUE|ARRAY|OBJECT|SCALAR] [WITH|WITHOUT UNIQUE [KEYS]]`.
    fn is_json(&mut self) -> Read<ExprKind> {
        self.expect_kw(Kw::Json)?;
        let kinds = self.at_kw(Kw::Value) || self.at_kw(Kw::Array);
        if kinds || self.at_word("object") || self.at_word("scalar") {
            self.next();
        }
        if (self.at_kw(Kw::With) || self.at_kw(Kw::Without)) && self.nth(1) == Tok::Kw(Kw::Unique) {
            self.next();
            self.next();
            self.eat_word("keys");
        }
        Ok(ExprKind::Unsupported("IS JSON".to_owned()))
    }

    fn is_normalized(&mut self) -> Read<ExprKind> {
        let forms = ["nfc", "nfd", "nfkc", "nfkd"];
        if forms.iter().any(|form| self.at_word(form)) {
            self.next();
        }
        self.expect_kw(Kw::Normalized)?;
        Ok(ExprKind::Unsupported("IS NORMALIZED".to_owned()))
    }

    fn between(&mut self, expr: Box<Expr>, level: Level, mode: Mode) -> Read<ExprKind> {
        let negated = self.eat_kw(Kw::Not);
        self.expect_kw(Kw::Between)?;
        let symmetric = self.eat_kw(Kw::Symmetric);
        if !symmetric {
            self.eat_kw(Kw::Asymmetric);
        }
        let low = Box::new(self.restricted_expr()?);
        self.expect_kw(Kw::And)?;
        let high = self.right(level, mode)?;
        Ok(ExprKind::Between { expr, low, high, negated, symmetric })
    }

    fn in_(&mut self, expr: Box<Expr>) -> Read<ExprKind> {
        let negated = self.eat_kw(Kw::Not);
        self.expect_kw(Kw::In)?;
        if self.opens_query(0) {
            let query = Box::new(self.paren_query()?);
            return Ok(ExprKind::InSubquery { expr, query, negated });
        }
        let list = self.parens(|reader| reader.list(Self::expr))?;
        Ok(ExprKind::InList { expr, list, negated })
    }

    fn like(&mut self, expr: Box<Expr>, which: Match, level: Level, mode: Mode) -> Read<ExprKind> {
        let negated = self.eat_kw(Kw::Not);
        self.next();
        let operator = match (which, negated) {
            (Match::Similar, _) => {
                self.expect_kw(Kw::To)?;
                None
            }
            (Match::Like, false) => Some("~~"),
            (Match::Like, true) => Some("!~~"),
            (Match::Ilike, false) => Some("~~*"),
            (Match::Ilike, true) => Some("!~~*"),
        };
        if let Some(operator) = operator.filter(|_| self.at_quantifier()) {
            return self.quantified(expr, BinaryOp::Other(operator.to_owned()));
        }
        let pattern = self.climb(level, mode)?;
        if self.eat_kw(Kw::Escape) {
            let escape = Some(self.right(level, mode)?);
            return Ok(ExprKind::Like { expr, pattern: Box::new(pattern), escape, negated });
        }
        if self.infix(mode).is_some_and(|(_, next)| next == level) {
            return self.stop("parentheses, since these operators do not associate,");
        }
        Ok(ExprKind::Like { expr, pattern: Box::new(pattern), escape: None, negated })
    }

    /// `AT TIME ZONE zone` is `timezone(zone, expr)`, `AT LOCAL` is `timezone(expr)`.
    fn at_zone(&mut self, expr: Expr, level: Level, mode: Mode) -> Read<ExprKind> {
        let start = self.start();
        self.expect_kw(Kw::At)?;
        if self.eat_kw(Kw::Local) {
            let name = Ident { text: "timezone".to_owned(), quoted: false, range: self.range_from(start) };
            return Ok(Self::plain_call(name, vec![expr]));
        }
        self.expect_kw(Kw::Time)?;
        self.expect_kw(Kw::Zone)?;
        let name = Ident { text: "timezone".to_owned(), quoted: false, range: self.range_from(start) };
        let zone = self.right(level, mode)?;
        Ok(Self::plain_call(name, vec![*zone, expr]))
    }

    /// A primary expression with its fields and subscripts (`c_expr`).
    pub(super) fn primary(&mut self) -> Read<Expr> {
        let start = self.start();
        let kind = match self.peek() {
            Tok::Int | Tok::Numeric => {
                let token = self.next();
                ExprKind::Number(self.text(token).to_owned())
            }
            Tok::Str(_) => self.string_literal()?,
            Tok::Param => {
                let token = self.next();
                let number = self.text(token).get(1..).and_then(|digits| digits.parse().ok());
                let Some(number) = number else { return self.stop("a parameter's number") };
                let param = Expr { kind: ExprKind::Param(number), range: token };
                return self.indirection(param);
            }
            Tok::LParen => return self.parenthesised(),
            Tok::Kw(keyword) => return self.keyword_primary(keyword),
            Tok::Name | Tok::QuotedName | Tok::UnicodeName => return self.named_primary(),
            Tok::Op(_)
            | Tok::RParen
            | Tok::LBrack
            | Tok::RBrack
            | Tok::Comma
            | Tok::Dot
            | Tok::Colon
            | Tok::ColonColon
            | Tok::ColonEq
            | Tok::Semi
            | Tok::Bad
            | Tok::End => return self.stop("an expression"),
        };
        Ok(Expr { kind, range: self.range_from(start) })
    }

    fn string_literal(&mut self) -> Read<ExprKind> {
        let (form, value, _) = self.string()?;
        let kind = match form {
            StrForm::Plain | StrForm::Escape | StrForm::Unicode | StrForm::Dollar => ExprKind::String(value),
            StrForm::National => ExprKind::TypedLiteral(SqlType::Char, value),
            StrForm::Bit | StrForm::Hex => ExprKind::TypedLiteral(SqlType::Named("bit".to_owned()), value),
        };
        Ok(kind)
    }

    /// `(query)`, `(a, b)`, `(a)`, each perhaps with fields and subscripts.
    fn parenthesised(&mut self) -> Read<Expr> {
        let start = self.start();
        if self.opens_query(0) {
            let query = Box::new(self.paren_query()?);
            let expr = Expr { kind: ExprKind::Subquery(query), range: self.range_from(start) };
            return self.indirection(expr);
        }
        let mut list = self.parens(|reader| reader.list(Self::expr))?;
        let range = self.range_from(start);
        match (list.pop(), list.is_empty()) {
            (Some(only), true) => self.indirection(Expr { kind: only.kind, range }),
            (Some(last), false) => {
                list.push(last);
                self.row(start, list)
            }
            (None, _) => self.stop("an expression"),
        }
    }

    /// What a row's elements make: the row, or the operand of `OVERLAPS`.
    pub(super) fn row(&mut self, start: u32, elements: Vec<Expr>) -> Read<Expr> {
        if !self.eat_kw(Kw::Overlaps) {
            return Ok(Expr { kind: ExprKind::Row(elements), range: self.range_from(start) });
        }
        self.eat_kw(Kw::Row);
        self.parens(|reader| reader.list(Self::expr))?;
        let kind = ExprKind::Unsupported("OVERLAPS".to_owned());
        Ok(Expr { kind, range: self.range_from(start) })
    }

    /// `[i]`, `[a:b]` and `.field` after an expression.
    pub(super) fn indirection(&mut self, mut expr: Expr) -> Read<Expr> {
        let start = expr.range.start;
        loop {
            let kind = match self.peek() {
                Tok::LBrack => {
                    let bounds = self.subscript()?;
                    ExprKind::Subscript { expr: Box::new(expr), bounds }
                }
                Tok::Dot if NameIn::Label.allows(self.nth(1)) => {
                    self.next();
                    let field = self.ident(NameIn::Label)?;
                    ExprKind::Field { expr: Box::new(expr), field }
                }
                _ => return Ok(expr),
            };
            expr = Expr { kind, range: self.range_from(start) };
        }
    }

    /// `[i]` or `[a:b]`: the bounds that were written.
    pub(super) fn subscript(&mut self) -> Read<Vec<Expr>> {
        self.expect(Tok::LBrack, "`[`")?;
        let mut bounds = Vec::new();
        if !self.at(Tok::Colon) {
            bounds.push(self.expr()?);
        }
        if self.eat(Tok::Colon) && !self.at(Tok::RBrack) {
            bounds.push(self.expr()?);
        }
        self.expect(Tok::RBrack, "`]`")?;
        Ok(bounds)
    }

    /// `(query)`.
    pub(super) fn paren_query(&mut self) -> Read<Query> {
        self.parens(Self::query)
    }

    /// A name that begins a call, a typed constant or a column.
    fn named_primary(&mut self) -> Read<Expr> {
        let start = self.start();
        let mark = self.mark();
        let name = self.object_name_in(NameIn::Label)?;
        match self.peek() {
            Tok::LParen => self.call(name),
            Tok::Str(_) => {
                self.rewind(mark);
                let ty = self.simple_type()?;
                self.typed_literal(start, ty)
            }
            _ => self.column(name.parts, start),
        }
    }

    /// The string after a type's name.
    pub(super) fn typed_literal(&mut self, start: u32, ty: SqlType) -> Read<Expr> {
        let (_, value, _) = self.string()?;
        Ok(Expr { kind: ExprKind::TypedLiteral(ty, value), range: self.range_from(start) })
    }

    /// A column's name, or the whole row of a table (`t.*`), which stands only where an expression may.
    fn column(&mut self, parts: Vec<Ident>, start: u32) -> Read<Expr> {
        if self.at(Tok::Dot) && self.nth(1) == Tok::Op(Op::Star) {
            self.next();
            self.next();
            let kind = ExprKind::Unsupported("a whole row as a value".to_owned());
            return Ok(Expr { kind, range: self.range_from(start) });
        }
        let column = Expr { kind: ExprKind::Column(parts), range: self.range_from(start) };
        self.indirection(column)
    }

    fn array(&mut self) -> Read<Expr> {
        let start = self.start();
        self.expect_kw(Kw::Array)?;
        if self.opens_query(0) {
            let query = Box::new(self.paren_query()?);
            return Ok(Expr { kind: ExprKind::ArraySubquery(query), range: self.range_from(start) });
        }
        let elements = self.array_elements()?;
        Ok(Expr { kind: ExprKind::Array(elements), range: self.range_from(start) })
    }

    /// `[a, b]`, whose elements may be such lists again.
    fn array_elements(&mut self) -> Read<Vec<Expr>> {
        self.expect(Tok::LBrack, "`[`")?;
        if self.eat(Tok::RBrack) {
            return Ok(Vec::new());
        }
        let elements = self.deeper(|reader| {
            reader.list(|reader| {
                let start = reader.start();
                match reader.at(Tok::LBrack) {
                    true => {
                        let kind = ExprKind::Array(reader.array_elements()?);
                        Ok(Expr { kind, range: reader.range_from(start) })
                    }
                    false => reader.expr(),
                }
            })
        })?;
        self.expect(Tok::RBrack, "`]`")?;
        Ok(elements)
    }

    fn case(&mut self) -> Read<Expr> {
        let start = self.start();
        self.expect_kw(Kw::Case)?;
        let operand = match self.at_kw(Kw::When) {
            true => None,
            false => Some(Box::new(self.expr()?)),
        };
        let mut arms = Vec::new();
        while self.eat_kw(Kw::When) {
            let condition = self.expr()?;
            self.expect_kw(Kw::Then)?;
            arms.push((condition, self.expr()?));
        }
        if arms.is_empty() {
            return self.stop("`WHEN`");
        }
        let otherwise = match self.eat_kw(Kw::Else) {
            true => Some(Box::new(self.expr()?)),
            false => None,
        };
        self.expect_kw(Kw::End)?;
        Ok(Expr { kind: ExprKind::Case { operand, arms, otherwise }, range: self.range_from(start) })
    }

    /// A primary expression that begins with a keyword.
    fn keyword_primary(&mut self, keyword: Kw) -> Read<Expr> {
        let range = self.here();
        let constant = match keyword {
            Kw::Null => Some(ExprKind::Null),
            Kw::True => Some(ExprKind::Bool(true)),
            Kw::False => Some(ExprKind::Bool(false)),
            Kw::Default => Some(ExprKind::Default),
            _ => None,
        };
        if let Some(kind) = constant {
            self.next();
            return Ok(Expr { kind, range });
        }
        match keyword {
            Kw::Case => return self.case(),
            Kw::Array => return self.array(),
            Kw::Exists if self.opens_query(1) => {
                self.next();
                let query = Box::new(self.paren_query()?);
                return Ok(Expr { kind: ExprKind::Exists(query), range: self.range_from(range.start) });
            }
            Kw::Row if self.nth(1) == Tok::LParen => {
                self.next();
                let elements = match self.nth(1) == Tok::RParen {
                    true => {
                        self.next();
                        self.next();
                        Vec::new()
                    }
                    false => self.parens(|reader| reader.list(Self::expr))?,
                };
                return self.row(range.start, elements);
            }
            _ => {}
        }
        if let Some(call) = self.special_call(keyword)? {
            return Ok(call);
        }
        if let Some(literal) = self.keyword_typed_literal()? {
            return Ok(literal);
        }
        let place = if self.nth(1) == Tok::LParen { NameIn::Function } else { NameIn::Column };
        match place.allows(Tok::Kw(keyword)) {
            true => self.named_primary(),
            false => self.stop("an expression"),
        }
    }

    /// `timestamp '…'`, `interval '1' day`, `int '5'`: a type of the grammar's own with a string after it.
    fn keyword_typed_literal(&mut self) -> Read<Option<Expr>> {
        let start = self.start();
        let mark = self.mark();
        let interval = self.at_kw(Kw::Interval);
        let begins_type = match self.peek() {
            Tok::Kw(keyword) => matches!(
                keyword,
                Kw::Bigint
                    | Kw::Bit
                    | Kw::Boolean
                    | Kw::Char
                    | Kw::Character
                    | Kw::Dec
                    | Kw::Decimal
                    | Kw::Double
                    | Kw::Float
                    | Kw::Int
                    | Kw::Integer
                    | Kw::Interval
                    | Kw::Json
                    | Kw::National
                    | Kw::Nchar
                    | Kw::Numeric
                    | Kw::Real
                    | Kw::Smallint
                    | Kw::Time
                    | Kw::Timestamp
                    | Kw::Varchar
            ),
            _ => false,
        };
        if !begins_type {
            return Ok(None);
        }
        // Where it is no type with a string it is a name (or an error, which that rule tells).
        let noted = self.unread.len();
        match self.simple_type() {
            Ok(ty) if matches!(self.peek(), Tok::Str(_)) => {
                let mut literal = self.typed_literal(start, ty)?;
                if interval {
                    self.interval_fields()?;
                    literal.range = self.range_from(start);
                }
                Ok(Some(literal))
            }
            Ok(_) | Err(_) => {
                self.unread.truncate(noted);
                self.rewind(mark);
                Ok(None)
            }
        }
    }
}

/// How tightly an infix operator binds; `=>` is none.
fn operator_level(op: Op) -> Option<Level> {
    match op {
        Op::Plus | Op::Minus => Some(Level::Add),
        Op::Star | Op::Slash | Op::Percent => Some(Level::Multiply),
        Op::Caret => Some(Level::Power),
        Op::Lt | Op::Gt | Op::Eq | Op::LtEq | Op::GtEq | Op::NotEq => Some(Level::Compare),
        Op::Other => Some(Level::Operator),
        Op::FatArrow => None,
    }
}

fn binary_op(op: Op, text: &str) -> BinaryOp {
    match op {
        Op::Plus => BinaryOp::Plus,
        Op::Minus => BinaryOp::Minus,
        Op::Star => BinaryOp::Multiply,
        Op::Slash => BinaryOp::Divide,
        Op::Percent => BinaryOp::Modulo,
        Op::Caret => BinaryOp::Power,
        Op::Lt => BinaryOp::Lt,
        Op::Gt => BinaryOp::Gt,
        Op::Eq => BinaryOp::Eq,
        Op::LtEq => BinaryOp::LtEq,
        Op::GtEq => BinaryOp::GtEq,
        Op::NotEq => BinaryOp::NotEq,
        Op::Other if text == "||" => BinaryOp::Concat,
        Op::FatArrow | Op::Other => BinaryOp::Other(text.to_owned()),
    }
}
