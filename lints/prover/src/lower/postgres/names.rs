//! Identifiers and qualified names.

use tenantry_span::TextRange;

use super::keywords::{Class, Kw};
use super::literals::unescape_unicode;
use super::reader::{Read, Reader};
use super::tokens::{StrForm, Tok};
use crate::ast::{Ident, ObjectName};

/// PostgreSQL cuts names to this many bytes.
const MAX_NAME: usize = 63;

/// Where a name stands, which decides the keywords that it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameIn {
    /// A column, a table, an alias (`ColId`).
    Column,
    /// An unqualified function or type (`type_function_name`).
    Function,
    /// After `AS` or a dot (`ColLabel`).
    Label,
    /// A column's label without `AS` (`BareColLabel`).
    BareLabel,
}

impl NameIn {
    /// True if a name may stand here that looks like this.
    pub(super) fn allows(self, token: Tok) -> bool {
        match (token, self) {
            (Tok::Name | Tok::QuotedName | Tok::UnicodeName, _) => true,
            (Tok::Kw(keyword), NameIn::Column) => {
                matches!(keyword.class(), Class::Unreserved | Class::ColName)
            }
            (Tok::Kw(keyword), NameIn::Function) => {
                matches!(keyword.class(), Class::Unreserved | Class::TypeFunc)
            }
            (Tok::Kw(_), NameIn::Label) => true,
            (Tok::Kw(keyword), NameIn::BareLabel) => keyword.is_bare_label(),
            (_, _) => false,
        }
    }
}

/// Folds an unquoted name as PostgreSQL does: only ASCII letters change, and a long name is cut.
pub(super) fn fold(name: &str) -> String {
    cut(name.to_ascii_lowercase())
}

/// The value of a name in double quotes, quotes included in `text`.
pub(super) fn unquote(text: &str) -> String {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    cut(inner.replace("\"\"", "\""))
}

fn cut(mut name: String) -> String {
    if name.len() > MAX_NAME {
        let end = (0..=MAX_NAME).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        name.truncate(end);
    }
    name
}

impl Reader<'_> {
    /// A name.
    pub(super) fn ident(&mut self, place: NameIn) -> Read<Ident> {
        if !place.allows(self.peek()) {
            return self.stop("a name");
        }
        let token = self.peek();
        let range = self.next();
        let text = self.text(range);
        match token {
            Tok::QuotedName => Ok(Ident { text: unquote(text), quoted: true, range }),
            Tok::UnicodeName => self.unicode_ident(range),
            _ => Ok(Ident { text: fold(text), quoted: false, range }),
        }
    }

    /// A name if one may stand here.
    pub(super) fn try_ident(&mut self, place: NameIn) -> Read<Option<Ident>> {
        if place.allows(self.peek()) { self.ident(place).map(Some) } else { Ok(None) }
    }

    fn unicode_ident(&mut self, range: TextRange) -> Read<Ident> {
        let inner = self.text(range).get(2..).map(unquote).unwrap_or_default();
        let escape = self.uescape()?;
        let Some(text) = unescape_unicode(&inner, escape) else {
            return self.stop("a Unicode escape that names a character");
        };
        let range = self.range_from(range.start);
        Ok(Ident { text: cut(text), quoted: true, range })
    }

    /// `UESCAPE 'c'`, or the backslash.
    pub(super) fn uescape(&mut self) -> Read<char> {
        if !self.eat_kw(Kw::Uescape) {
            return Ok('\\');
        }
        let text = self.text(self.here());
        self.expect(Tok::Str(StrForm::Plain), "an escape character")?;
        let inner = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        let mut chars = inner.unwrap_or("").chars();
        match (chars.next(), chars.next()) {
            (Some(only), None) => Ok(only),
            (_, _) => self.stop("one escape character"),
        }
    }

    /// `a.b.c`, its first part where `place` says.
    pub(super) fn object_name_in(&mut self, place: NameIn) -> Read<ObjectName> {
        let start = self.start();
        let mut parts = vec![self.ident(place)?];
        while self.at(Tok::Dot) && NameIn::Label.allows(self.nth(1)) {
            self.next();
            parts.push(self.ident(NameIn::Label)?);
        }
        Ok(ObjectName { parts, range: self.range_from(start) })
    }

    /// The name of a table, a collation or a constraint.
    pub(super) fn object_name(&mut self) -> Read<ObjectName> {
        self.object_name_in(NameIn::Column)
    }
}
