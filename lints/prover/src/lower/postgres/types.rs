//! Type names.

use tenantry_span::TextRange;

use super::keywords::Kw;
use super::names::NameIn;
use super::reader::{Read, Reader};
use super::tokens::Tok;
use crate::ast::ObjectName;
use crate::types::SqlType;

/// A type as written.
#[derive(Clone, Debug)]
pub(super) struct TypeName {
    /// The type.
    pub(super) ty: SqlType,
    /// `SETOF` was written.
    pub(super) setof: bool,
    /// Where.
    pub(super) range: TextRange,
}

impl Reader<'_> {
    /// `[SETOF] type [ARRAY | []…]`.
    pub(super) fn type_name(&mut self) -> Read<TypeName> {
        let start = self.start();
        let setof = self.eat_kw(Kw::Setof);
        let mut ty = self.simple_type()?;
        if self.eat_kw(Kw::Array) {
            ty = SqlType::Array(Box::new(ty));
            if self.at(Tok::LBrack) {
                self.array_bound()?;
            }
        } else if self.at(Tok::LBrack) {
            // PostgreSQL does not tell the number of dimensions apart.
            while self.at(Tok::LBrack) {
                self.array_bound()?;
            }
            ty = SqlType::Array(Box::new(ty));
        }
        Ok(TypeName { ty, setof, range: self.range_from(start) })
    }

    fn array_bound(&mut self) -> Read<()> {
        self.expect(Tok::LBrack, "`[`")?;
        self.eat(Tok::Int);
        self.expect(Tok::RBrack, "`]`")?;
        Ok(())
    }

    /// A type without `SETOF` and without array bounds.
    pub(super) fn simple_type(&mut self) -> Read<SqlType> {
        let Tok::Kw(keyword) = self.peek() else { return self.generic_type() };
        match keyword {
            Kw::Double if self.nth(1) == Tok::Kw(Kw::Precision) => {
                self.next();
                self.next();
                Ok(SqlType::Float)
            }
            Kw::Interval => {
                self.next();
                self.interval_fields()?;
                Ok(SqlType::Temporal)
            }
            Kw::Timestamp | Kw::Time => {
                self.next();
                self.modifiers()?;
                if self.at_kw(Kw::With) || self.at_kw(Kw::Without) {
                    self.next();
                    self.expect_kw(Kw::Time)?;
                    self.expect_kw(Kw::Zone)?;
                }
                Ok(SqlType::Temporal)
            }
            Kw::National => {
                self.next();
                if self.eat_kw(Kw::Character) || self.eat_kw(Kw::Char) {
                    self.character()
                } else {
                    self.stop("`CHARACTER`")
                }
            }
            Kw::Character | Kw::Char | Kw::Nchar => {
                self.next();
                self.character()
            }
            Kw::Varchar => {
                self.next();
                let length = self.modifiers()?;
                Ok(SqlType::from_name("varchar", length))
            }
            Kw::Bit => {
                self.next();
                let varying = self.eat_kw(Kw::Varying);
                self.modifiers()?;
                Ok(SqlType::Named(if varying { "varbit" } else { "bit" }.to_owned()))
            }
            Kw::Bigint
            | Kw::Boolean
            | Kw::Dec
            | Kw::Decimal
            | Kw::Float
            | Kw::Int
            | Kw::Integer
            | Kw::Json
            | Kw::Numeric
            | Kw::Real
            | Kw::Smallint => {
                self.next();
                let length = self.modifiers()?;
                Ok(SqlType::from_name(keyword.word(), length))
            }
            _ => self.generic_type(),
        }
    }

    fn character(&mut self) -> Read<SqlType> {
        let varying = self.eat_kw(Kw::Varying);
        let length = self.modifiers()?;
        Ok(SqlType::from_name(if varying { "varchar" } else { "char" }, length))
    }

    /// A type by its name, with modifiers.
    fn generic_type(&mut self) -> Read<SqlType> {
        let name = self.object_name_in(NameIn::Function)?;
        let length = self.modifiers()?;
        Ok(named(&name, length))
    }

    /// `(n, …)`: the first number, if it is one.
    fn modifiers(&mut self) -> Read<Option<u32>> {
        if !self.at(Tok::LParen) {
            return Ok(None);
        }
        let first = self.parens(|reader| {
            let first = reader.text(reader.here()).parse().ok();
            reader.list(|reader| reader.expr())?;
            Ok(first)
        })?;
        Ok(first)
    }

    /// `YEAR TO MONTH`, `SECOND(3)`, `(3)` and the like after `INTERVAL`: they round, and are not kept.
    pub(super) fn interval_fields(&mut self) -> Read<()> {
        if self.at(Tok::LParen) {
            self.modifiers()?;
            return Ok(());
        }
        let unit = |token: Tok| {
            let Tok::Kw(keyword) = token else { return false };
            matches!(keyword, Kw::Year | Kw::Month | Kw::Day | Kw::Hour | Kw::Minute | Kw::Second)
        };
        if !unit(self.peek()) {
            return Ok(());
        }
        self.next();
        if self.eat_kw(Kw::To) {
            if !unit(self.peek()) {
                return self.stop("a unit of time");
            }
            self.next();
        }
        self.modifiers()?;
        Ok(())
    }
}

/// The type of a name, `pg_catalog` left out.
fn named(name: &ObjectName, length: Option<u32>) -> SqlType {
    match name.parts.as_slice() {
        // In quotes, `char` is not the type of that keyword but a type of one byte.
        [only] if only.quoted && only.text == "char" => SqlType::Named("\"char\"".to_owned()),
        [only] => SqlType::from_name(&only.text, length),
        [schema, only] if schema.text == "pg_catalog" && only.text == "char" => {
            SqlType::Named("\"char\"".to_owned())
        }
        [schema, only] if schema.text == "pg_catalog" => SqlType::from_name(&only.text, length),
        parts => {
            let parts: Vec<&str> = parts.iter().map(|part| part.text.as_str()).collect();
            SqlType::Named(parts.join("."))
        }
    }
}
