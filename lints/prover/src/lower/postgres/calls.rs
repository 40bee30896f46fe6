//! Function calls: the plain ones, and those that PostgreSQL's grammar spells in words.

use tenantry_span::TextRange;

use super::keywords::Kw;
use super::names::NameIn;
use super::reader::{Read, Reader};
use super::tokens::{Op, Tok};
use crate::ast::{Call, Expr, ExprKind, Ident, ObjectName, OrderBy, Over, WindowSpec};

impl Reader<'_> {
    /// A call without anything but arguments.
    pub(super) fn plain_call(name: Ident, args: Vec<Expr>) -> ExprKind {
        let range = name.range;
        ExprKind::Call(Box::new(Call::new(ObjectName { parts: vec![name], range }, args)))
    }

    /// The arguments of a call and what may follow them.
    pub(super) fn call(&mut self, name: ObjectName) -> Read<Expr> {
        let start = name.range.start;
        let mut call = Call::new(name, Vec::new());
        self.parens(|reader| reader.arguments(&mut call))?;
        if matches!(self.peek(), Tok::Str(_)) {
            return self.stop("the end of a call, since a type's modifiers were not read as such,");
        }
        self.after_call(&mut call)?;
        Ok(Expr { kind: ExprKind::Call(Box::new(call)), range: self.range_from(start) })
    }

    fn arguments(&mut self, call: &mut Call) -> Read<()> {
        if self.at(Tok::RParen) {
            return Ok(());
        }
        if self.at(Tok::Op(Op::Star)) && self.nth(1) == Tok::RParen {
            self.next();
            call.star = true;
            return Ok(());
        }
        call.distinct = self.eat_kw(Kw::Distinct);
        if !call.distinct {
            self.eat_kw(Kw::All);
        }
        let mut is_variadic = false;
        let mut names = Vec::new();
        call.args = self.list(|reader| {
            is_variadic |= reader.eat_kw(Kw::Variadic);
            let is_named = NameIn::Function.allows(reader.peek())
                && matches!(reader.nth(1), Tok::ColonEq | Tok::Op(Op::FatArrow));
            names.push(match is_named {
                true => Some(reader.ident(NameIn::Function)?.text),
                false => None,
            });
            if is_named {
                reader.next();
            }
            reader.expr()
        })?;
        let by_name = names.iter().any(Option::is_some);
        call.irregular = is_variadic || by_name;
        if by_name && !is_variadic {
            call.names = names;
        }
        call.order_by = self.order_by()?;
        Ok(())
    }

    /// `WITHIN GROUP (…)`, `FILTER (…)`, `OVER …`.
    fn after_call(&mut self, call: &mut Call) -> Read<()> {
        if self.at_kws(&[Kw::Within, Kw::Group]) {
            if call.distinct || !call.order_by.is_empty() {
                return self.stop("a call without `DISTINCT` and `ORDER BY`");
            }
            self.next();
            self.next();
            call.within_group = self.parens(Self::order_by)?;
        }
        if self.at_kw(Kw::Filter) && self.nth(1) == Tok::LParen {
            self.next();
            call.filter = Some(self.parens(|reader| {
                reader.expect_kw(Kw::Where)?;
                reader.expr()
            })?);
        }
        if self.at_kw(Kw::Over) && (self.nth(1) == Tok::LParen || NameIn::Column.allows(self.nth(1))) {
            self.next();
            call.over = Some(match self.at(Tok::LParen) {
                true => Over::Spec(self.parens(Self::window_spec)?),
                false => Over::Name(self.ident(NameIn::Column)?),
            });
        }
        Ok(())
    }

    /// What stands in the parentheses of a window.
    pub(super) fn window_spec(&mut self) -> Read<WindowSpec> {
        let starts_clause = match self.peek() {
            Tok::Kw(keyword) => matches!(keyword, Kw::Partition | Kw::Range | Kw::Rows | Kw::Groups),
            _ => false,
        };
        let base = if starts_clause { None } else { self.try_ident(NameIn::Column)? };
        let partition_by = match self.eat_kws(&[Kw::Partition, Kw::By]) {
            true => self.list(Self::expr)?,
            false => Vec::new(),
        };
        let order_by = self.order_by()?;
        let mut frame = Vec::new();
        if self.eat_kw(Kw::Range) || self.eat_kw(Kw::Rows) || self.eat_kw(Kw::Groups) {
            if self.eat_kw(Kw::Between) {
                self.frame_bound(&mut frame)?;
                self.expect_kw(Kw::And)?;
            }
            self.frame_bound(&mut frame)?;
            self.frame_exclusion()?;
        }
        Ok(WindowSpec { base, partition_by, order_by, frame })
    }

    fn frame_bound(&mut self, frame: &mut Vec<Expr>) -> Read<()> {
        if self.eat_kws(&[Kw::Current, Kw::Row]) {
            return Ok(());
        }
        let unbounded = matches!(self.nth(1), Tok::Kw(Kw::Preceding | Kw::Following));
        if !(unbounded && self.eat_kw(Kw::Unbounded)) {
            frame.push(self.expr()?);
        }
        match self.eat_kw(Kw::Preceding) || self.eat_kw(Kw::Following) {
            true => Ok(()),
            false => self.stop("`PRECEDING` or `FOLLOWING`"),
        }
    }

    fn frame_exclusion(&mut self) -> Read<()> {
        if !self.eat_kw(Kw::Exclude) {
            return Ok(());
        }
        let known = self.eat_kws(&[Kw::Current, Kw::Row])
            || self.eat_kw(Kw::Group)
            || self.eat_kw(Kw::Ties)
            || self.eat_kws(&[Kw::No, Kw::Others]);
        if known { Ok(()) } else { self.stop("what to exclude") }
    }

    /// `ORDER BY …`, or nothing.
    pub(super) fn order_by(&mut self) -> Read<Vec<OrderBy>> {
        if !self.eat_kws(&[Kw::Order, Kw::By]) {
            return Ok(Vec::new());
        }
        self.list(|reader| {
            let expr = reader.expr()?;
            if reader.eat_kw(Kw::Using) {
                // The operator decides the order alone.
                match reader.peek() {
                    Tok::Op(_) => {
                        reader.next();
                    }
                    _ => return reader.stop("an operator"),
                }
            } else if !reader.eat_kw(Kw::Asc) {
                reader.eat_kw(Kw::Desc);
            }
            if reader.at_kw(Kw::Nulls) {
                reader.next();
                if !(reader.eat_kw(Kw::First) || reader.eat_kw(Kw::Last)) {
                    return reader.stop("`FIRST` or `LAST`");
                }
            }
            Ok(OrderBy { expr })
        })
    }

    /// A call that begins with a keyword of its own, if that is what stands here.
    pub(super) fn special_call(&mut self, keyword: Kw) -> Read<Option<Expr>> {
        let start = self.start();
        let called = self.nth(1) == Tok::LParen;
        let kind = match keyword {
            Kw::CurrentCatalog
            | Kw::CurrentDate
            | Kw::CurrentRole
            | Kw::CurrentUser
            | Kw::SessionUser
            | Kw::SystemUser
            | Kw::User => Self::plain_call(self.keyword_name(), Vec::new()),
            Kw::CurrentSchema if !called => Self::plain_call(self.keyword_name(), Vec::new()),
            Kw::CurrentTime | Kw::CurrentTimestamp | Kw::Localtime | Kw::Localtimestamp => {
                let name = self.keyword_name();
                let args = match self.at(Tok::LParen) {
                    true => vec![self.parens(Self::expr)?],
                    false => Vec::new(),
                };
                Self::plain_call(name, args)
            }
            Kw::Collation if self.nth(1) == Tok::Kw(Kw::For) => {
                self.next();
                self.next();
                let range = self.range_from(start);
                let name = Ident { text: "pg_collation_for".to_owned(), quoted: false, range };
                let arg = self.parens(Self::expr)?;
                Self::plain_call(name, vec![arg])
            }
            Kw::Coalesce | Kw::Greatest | Kw::Least | Kw::Grouping | Kw::Nullif if called => {
                let name = self.keyword_name();
                let args = self.parens(|reader| reader.list(Self::expr))?;
                Self::plain_call(name, args)
            }
            Kw::Cast if called => {
                self.next();
                self.parens(|reader| {
                    let expr = Box::new(reader.expr()?);
                    reader.expect_kw(Kw::As)?;
                    let ty = reader.plain_type()?;
                    Ok(ExprKind::Cast { expr, ty, fallible: false })
                })?
            }
            Kw::Extract if called => self.extract()?,
            Kw::Normalize if called => self.normalize()?,
            Kw::Overlay if called => self.overlay()?,
            Kw::Position if called => self.position()?,
            Kw::Substring if called => self.substring()?,
            Kw::Trim if called => self.trim()?,
            Kw::Treat
            | Kw::MergeAction
            | Kw::Xmlattributes
            | Kw::Xmlconcat
            | Kw::Xmlelement
            | Kw::Xmlexists
            | Kw::Xmlforest
            | Kw::Xmlparse
            | Kw::Xmlpi
            | Kw::Xmlroot
            | Kw::Xmlserialize
            | Kw::JsonArray
            | Kw::JsonArrayagg
            | Kw::JsonExists
            | Kw::JsonObject
            | Kw::JsonObjectagg
            | Kw::JsonQuery
            | Kw::JsonScalar
            | Kw::JsonSerialize
            | Kw::JsonValue
            | Kw::Json
                if called =>
            {
                match self.unmodelled_call(keyword)? {
                    Some(kind) => kind,
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        Ok(Some(Expr { kind, range: self.range_from(start) }))
    }

    /// A constructor of XML or SQL/JSON, read past as a whole and told as such.
    fn unmodelled_call(&mut self, keyword: Kw) -> Read<Option<ExprKind>> {
        let mark = self.mark();
        self.next();
        self.skip_balanced()?;
        if matches!(self.peek(), Tok::Str(_)) {
            // `json (1) '…'` would be a typed constant.
            self.rewind(mark);
            return Ok(None);
        }
        let mut rest = Call::new(ObjectName { parts: Vec::new(), range: TextRange::default() }, Vec::new());
        self.after_call(&mut rest)?;
        Ok(Some(ExprKind::Unsupported(keyword.word().to_ascii_uppercase())))
    }

    /// The keyword as the name of a function.
    fn keyword_name(&mut self) -> Ident {
        let range = self.next();
        Ident { text: self.text(range).to_ascii_lowercase(), quoted: false, range }
    }

    /// `EXTRACT(field FROM source)`: the field is a string.
    fn extract(&mut self) -> Read<ExprKind> {
        let name = self.keyword_name();
        let args = self.parens(|reader| {
            let start = reader.start();
            let field = match reader.peek() {
                Tok::Str(_) => reader.string()?.1,
                _ => reader.ident(NameIn::Label)?.text,
            };
            let field = Expr { kind: ExprKind::String(field), range: reader.range_from(start) };
            reader.expect_kw(Kw::From)?;
            Ok(vec![field, reader.expr()?])
        })?;
        Ok(Self::plain_call(name, args))
    }

    /// `NORMALIZE(text [, form])`.
    fn normalize(&mut self) -> Read<ExprKind> {
        let name = self.keyword_name();
        let args = self.parens(|reader| {
            let mut args = vec![reader.expr()?];
            if reader.eat(Tok::Comma) {
                let form = reader.ident(NameIn::Label)?;
                args.push(Expr { kind: ExprKind::String(form.text.to_ascii_uppercase()), range: form.range });
            }
            Ok(args)
        })?;
        Ok(Self::plain_call(name, args))
    }

    /// `OVERLAY(text PLACING new FROM start [FOR count])`, or with commas.
    fn overlay(&mut self) -> Read<ExprKind> {
        let name = self.keyword_name();
        let args = self.parens(|reader| {
            let mut args = vec![reader.expr()?];
            if reader.eat_kw(Kw::Placing) {
                args.push(reader.expr()?);
                reader.expect_kw(Kw::From)?;
                args.push(reader.expr()?);
                if reader.eat_kw(Kw::For) {
                    args.push(reader.expr()?);
                }
            }
            while reader.eat(Tok::Comma) {
                args.push(reader.expr()?);
            }
            Ok(args)
        })?;
        Ok(Self::plain_call(name, args))
    }

    /// `POSITION(part IN whole)` is `position(whole, part)`.
    fn position(&mut self) -> Read<ExprKind> {
        let name = self.keyword_name();
        let args = self.parens(|reader| {
            let part = reader.restricted_expr()?;
            reader.expect_kw(Kw::In)?;
            Ok(vec![reader.restricted_expr()?, part])
        })?;
        Ok(Self::plain_call(name, args))
    }

    /// `SUBSTRING(text [FROM start] [FOR count])`, `SUBSTRING(text SIMILAR pattern ESCAPE c)`, or with commas.
    fn substring(&mut self) -> Read<ExprKind> {
        let name = self.keyword_name();
        let args = self.parens(|reader| {
            let mut args = vec![reader.expr()?];
            if reader.eat_kw(Kw::Similar) {
                args.push(reader.expr()?);
                reader.expect_kw(Kw::Escape)?;
                args.push(reader.expr()?);
            } else if reader.eat_kw(Kw::From) {
                args.push(reader.expr()?);
                if reader.eat_kw(Kw::For) {
                    args.push(reader.expr()?);
                }
            } else if reader.eat_kw(Kw::For) {
                let count = reader.expr()?;
                let start = match reader.eat_kw(Kw::From) {
                    true => reader.expr()?,
                    false => Expr {
                        kind: ExprKind::Number("1".to_owned()),
                        range: TextRange::empty(count.range.start),
                    },
                };
                args.extend([start, count]);
            }
            while reader.eat(Tok::Comma) {
                args.push(reader.expr()?);
            }
            Ok(args)
        })?;
        Ok(Self::plain_call(name, args))
    }

    /// `TRIM([BOTH|LEADING|TRAILING] [chars] FROM text)`: the text comes first.
    fn trim(&mut self) -> Read<ExprKind> {
        let mut name = self.keyword_name();
        let args = self.parens(|reader| {
            match reader.peek() {
                Tok::Kw(Kw::Leading) => name.text = "ltrim".to_owned(),
                Tok::Kw(Kw::Trailing) => name.text = "rtrim".to_owned(),
                _ => {}
            }
            if matches!(reader.peek(), Tok::Kw(Kw::Leading | Kw::Trailing | Kw::Both)) {
                reader.next();
            }
            if reader.eat_kw(Kw::From) {
                return reader.list(Self::expr);
            }
            let first = reader.expr()?;
            let mut args = Vec::new();
            if reader.eat_kw(Kw::From) {
                args = reader.list(Self::expr)?;
                args.push(first);
            } else {
                args.push(first);
                while reader.eat(Tok::Comma) {
                    args.push(reader.expr()?);
                }
            }
            Ok(args)
        })?;
        Ok(Self::plain_call(name, args))
    }
}
