//! A small part of PostgreSQL's grammar, which most statements of services lie in.
//!
//! The second reader of a statement is squawk, whose tree and validation take longer than all else that is done with it.
//! A statement of this grammar needs neither: the grammar is small enough to be held against PostgreSQL's by eye, it names
//! every token that it accepts, and it says no to whatever else stands there. Nothing is read here: what such a statement
//! means is the rules' to say, as of any other.
//!
//! **Invariant:** what is accepted here is one statement without a syntax error, of the kind that squawk says.

use super::Piece;
use super::keywords::{Class, Kw};
use super::tokens::{Op, StrForm, Tok, Token};

/// The statement that all of the tokens are, semicolons at the end apart; none where it is not plain.
pub(super) fn statement(tokens: &[Token]) -> Option<Piece> {
    let semis = tokens.iter().rev().take_while(|token| token.kind == Tok::Semi).count();
    let end = tokens.len() - semis;
    let mut plain = Plain { tokens: tokens.get(..end)?, at: 0 };
    let (name, read) = match plain.peek() {
        Tok::Kw(Kw::Select) => ("SELECT", plain.select()),
        Tok::Kw(Kw::Insert) => ("INSERT", plain.insert()),
        Tok::Kw(Kw::Update) => ("UPDATE", plain.update()),
        Tok::Kw(Kw::Delete) => ("DELETE", plain.delete()),
        _ => return None,
    };
    read?;
    (plain.peek() == Tok::End).then(|| Piece { name: name.to_owned(), at: 0, end })
}

/// A cursor whose rules answer nothing where what stands there is not theirs.
struct Plain<'t> {
    tokens: &'t [Token],
    at: usize,
}

impl Plain<'_> {
    fn peek(&self) -> Tok {
        self.nth(0)
    }

    fn nth(&self, ahead: usize) -> Tok {
        self.tokens.get(self.at + ahead).map_or(Tok::End, |token| token.kind)
    }

    fn eat(&mut self, kind: Tok) -> bool {
        let found = self.peek() == kind;
        self.at += usize::from(found);
        found
    }

    fn kw(&mut self, keyword: Kw) -> bool {
        self.eat(Tok::Kw(keyword))
    }

    fn expect(&mut self, kind: Tok) -> Option<()> {
        self.eat(kind).then_some(())
    }

    fn words(&mut self, keywords: &[Kw]) -> Option<()> {
        keywords.iter().all(|keyword| self.kw(*keyword)).then_some(())
    }

    fn list(&mut self, mut rule: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        rule(self)?;
        while self.eat(Tok::Comma) {
            rule(self)?;
        }
        Some(())
    }

    fn parens(&mut self, rule: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        self.expect(Tok::LParen)?;
        rule(self)?;
        self.expect(Tok::RParen)
    }

    /// A column's or a table's name, without quotes.
    fn name(&mut self) -> Option<()> {
        let is_name = match self.peek() {
            Tok::Name => true,
            Tok::Kw(keyword) => keyword.class() == Class::Unreserved,
            _ => false,
        };
        self.at += usize::from(is_name);
        is_name.then_some(())
    }

    /// `[AS] name`, where it stands; without `AS` no keyword.
    fn alias(&mut self) -> Option<()> {
        if self.kw(Kw::As) {
            return self.name();
        }
        self.eat(Tok::Name);
        Some(())
    }

    /// `a` or `a.b`.
    fn table(&mut self) -> Option<()> {
        self.name()?;
        if self.eat(Tok::Dot) { self.name() } else { Some(()) }
    }

    fn select(&mut self) -> Option<()> {
        self.words(&[Kw::Select])?;
        self.kw(Kw::Distinct);
        self.items()?;
        if self.kw(Kw::From) {
            self.list(Self::joined)?;
        }
        self.filter()?;
        if self.kw(Kw::Group) {
            self.words(&[Kw::By])?;
            self.list(Self::grouped)?;
        }
        if self.kw(Kw::Having) {
            self.expr()?;
        }
        if self.kw(Kw::Order) {
            self.words(&[Kw::By])?;
            self.list(Self::sorted)?;
        }
        for keyword in [Kw::Limit, Kw::Offset] {
            if self.kw(keyword) {
                self.expr()?;
            }
        }
        if self.kw(Kw::For) {
            self.words(&[Kw::Update])?;
        }
        Some(())
    }

    /// What a select list or `RETURNING` holds.
    fn items(&mut self) -> Option<()> {
        self.list(|plain| {
            if plain.eat(Tok::Op(Op::Star)) {
                return Some(());
            }
            if plain.nth(1) == Tok::Dot && plain.nth(2) == Tok::Op(Op::Star) {
                plain.name()?;
                plain.at += 2;
                return Some(());
            }
            plain.expr()?;
            plain.alias()
        })
    }

    /// A table, and those that are joined to it on a condition.
    fn joined(&mut self) -> Option<()> {
        self.table()?;
        self.alias()?;
        loop {
            match self.peek() {
                Tok::Kw(Kw::Join) => self.words(&[Kw::Join])?,
                Tok::Kw(Kw::Inner) => self.words(&[Kw::Inner, Kw::Join])?,
                Tok::Kw(Kw::Left) => {
                    self.words(&[Kw::Left])?;
                    self.kw(Kw::Outer);
                    self.words(&[Kw::Join])?;
                }
                _ => return Some(()),
            }
            self.table()?;
            self.alias()?;
            self.words(&[Kw::On])?;
            self.expr()?;
        }
    }

    fn filter(&mut self) -> Option<()> {
        if self.kw(Kw::Where) { self.expr() } else { Some(()) }
    }

    /// Squawk takes the words of grouping sets for these also where they name columns.
    fn grouped(&mut self) -> Option<()> {
        match self.peek() {
            Tok::Kw(Kw::Cube | Kw::Rollup | Kw::Grouping) => None,
            _ => self.expr(),
        }
    }

    fn sorted(&mut self) -> Option<()> {
        self.expr()?;
        if !self.kw(Kw::Asc) {
            self.kw(Kw::Desc);
        }
        if self.kw(Kw::Nulls) {
            return (self.kw(Kw::First) || self.kw(Kw::Last)).then_some(());
        }
        Some(())
    }

    fn insert(&mut self) -> Option<()> {
        self.words(&[Kw::Insert, Kw::Into])?;
        self.table()?;
        self.parens(|plain| plain.list(Self::name))?;
        match self.peek() {
            Tok::Kw(Kw::Values) => {
                self.at += 1;
                self.list(|plain| plain.parens(|plain| plain.list(Self::assigned)))?;
            }
            _ => self.select()?,
        }
        if self.kw(Kw::On) {
            self.words(&[Kw::Conflict])?;
            self.parens(|plain| plain.list(Self::name))?;
            self.words(&[Kw::Do])?;
            if !self.kw(Kw::Nothing) {
                self.words(&[Kw::Update])?;
                self.assignments()?;
                self.filter()?;
            }
        }
        self.returning()
    }

    fn update(&mut self) -> Option<()> {
        self.words(&[Kw::Update])?;
        self.table()?;
        // `SET` is a name too.
        if self.peek() != Tok::Kw(Kw::Set) {
            self.alias()?;
        }
        self.assignments()?;
        if self.kw(Kw::From) {
            self.list(Self::joined)?;
        }
        self.filter()?;
        self.returning()
    }

    fn delete(&mut self) -> Option<()> {
        self.words(&[Kw::Delete, Kw::From])?;
        self.table()?;
        self.alias()?;
        if self.kw(Kw::Using) {
            self.list(Self::joined)?;
        }
        self.filter()?;
        self.returning()
    }

    fn assignments(&mut self) -> Option<()> {
        self.words(&[Kw::Set])?;
        self.list(|plain| {
            plain.name()?;
            plain.expect(Tok::Op(Op::Eq))?;
            plain.assigned()
        })
    }

    fn assigned(&mut self) -> Option<()> {
        if self.kw(Kw::Default) { Some(()) } else { self.expr() }
    }

    fn returning(&mut self) -> Option<()> {
        if self.kw(Kw::Returning) { self.items() } else { Some(()) }
    }

    fn expr(&mut self) -> Option<()> {
        loop {
            while self.kw(Kw::Not) {}
            self.predicate()?;
            if !self.kw(Kw::And) && !self.kw(Kw::Or) {
                return Some(());
            }
        }
    }

    /// At most one comparison or test: what follows another one is for the whole grammar to group.
    fn predicate(&mut self) -> Option<()> {
        if self.kw(Kw::Exists) {
            return self.parens(Self::select);
        }
        self.sum()?;
        match self.peek() {
            Tok::Op(Op::Eq | Op::NotEq | Op::Lt | Op::Gt | Op::LtEq | Op::GtEq) => {
                self.at += 1;
                if self.kw(Kw::Any) { self.parens(Self::expr) } else { self.sum() }
            }
            Tok::Kw(Kw::Is) => {
                self.at += 1;
                self.kw(Kw::Not);
                self.words(&[Kw::Null])
            }
            Tok::Kw(Kw::In | Kw::Like | Kw::Ilike) => self.test(),
            Tok::Kw(Kw::Not) => {
                self.at += 1;
                self.test()
            }
            _ => Some(()),
        }
    }

    fn test(&mut self) -> Option<()> {
        if !self.kw(Kw::In) {
            return if self.kw(Kw::Like) || self.kw(Kw::Ilike) { self.sum() } else { None };
        }
        self.parens(|plain| match plain.peek() {
            Tok::Kw(Kw::Select) => plain.select(),
            _ => plain.list(Self::expr),
        })
    }

    fn sum(&mut self) -> Option<()> {
        loop {
            self.cast()?;
            match self.peek() {
                Tok::Op(Op::Plus | Op::Minus | Op::Star | Op::Slash) => self.at += 1,
                _ => return Some(()),
            }
        }
    }

    /// A value, cast to types of one word.
    fn cast(&mut self) -> Option<()> {
        self.value()?;
        while self.eat(Tok::ColonColon) {
            match self.peek() {
                Tok::Name | Tok::Kw(Kw::Bigint | Kw::Integer | Kw::Int | Kw::Smallint | Kw::Boolean) => {
                    self.at += 1
                }
                _ => return None,
            }
            if self.eat(Tok::LBrack) {
                self.expect(Tok::RBrack)?;
            }
        }
        Some(())
    }

    fn value(&mut self) -> Option<()> {
        match (self.peek(), self.nth(1)) {
            (Tok::Int | Tok::Numeric | Tok::Param | Tok::Str(StrForm::Plain), _)
            | (Tok::Kw(Kw::Null | Kw::True | Kw::False), _) => {
                self.at += 1;
                Some(())
            }
            (Tok::LParen, Tok::Kw(Kw::Select)) => self.parens(Self::select),
            (Tok::LParen, _) => self.parens(Self::expr),
            (Tok::Name | Tok::Kw(Kw::Coalesce), Tok::LParen) => {
                let may_be_empty = self.peek() == Tok::Name;
                self.at += 1;
                self.parens(|plain| match plain.peek() {
                    Tok::RParen if may_be_empty => Some(()),
                    Tok::Op(Op::Star) if may_be_empty => plain.expect(Tok::Op(Op::Star)),
                    _ => plain.list(Self::expr),
                })
            }
            (_, Tok::LParen) => None,
            _ => self.table(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{by_squawk, statements, tokens::tokens};
    use super::statement;
    use crate::lower::on_deep_stack;

    /// Holds a text against what squawk says of it; true where it is plain.
    fn is_plain(text: &str) -> bool {
        let Ok(tokens) = tokens(text) else { return false };
        let Some(piece) = statement(&tokens) else { return false };
        let compared = on_deep_stack(|| {
            let (pieces, errors) = by_squawk(text, &tokens);
            assert!(errors.is_empty(), "{text}: {errors:?}");
            assert_eq!(pieces.len(), 1, "{text}");
            let other = pieces.first().map(|other| (other.name.clone(), other.at, other.end));
            assert_eq!(other, Some((piece.name.clone(), piece.at, piece.end)), "{text}");
            // Whatever the rules do not know either would be told as it is of other statements.
            assert!(
                statements(text).iter().all(|one| one.unread.is_empty()),
                "{text}: {:?}",
                statements(text)
            );
        });
        assert!(compared.is_some(), "{text}");
        true
    }

    const PLAIN: &[&str] = &[
        "SELECT id, o.total AS t, count(*), o.* FROM orders o JOIN lines AS l ON l.order_id = o.id LEFT OUTER JOIN app.x ON x.id = l.id \
         WHERE o.org_id = $1 AND (o.id = $2 OR NOT o.total > 1.5) GROUP BY o.id, lower(o.name) HAVING max(o.total) >= 3 \
         ORDER BY o.id DESC NULLS LAST, t LIMIT $3 OFFSET 2 * 10",
        "select distinct a from b, c where a is not null and d in ('x', $1) and e not in (select f from g) and h not like 'i%' for update;",
        "INSERT INTO orders (org_id, total, status) VALUES ($1, $2 + 1, DEFAULT), ($1, NULL, 'open') \
         ON CONFLICT (org_id, id) DO UPDATE SET total = excluded.total WHERE orders.org_id = $1 RETURNING id, *",
        "INSERT INTO lines (org_id, text) SELECT $1, o.id FROM orders o WHERE o.org_id = $1",
        "UPDATE app.orders o SET status = 'closed', key = coalesce($3, note), at = now() FROM x WHERE x.id = o.id AND o.id = ANY($1::bigint[])",
        "UPDATE orders SET total = DEFAULT WHERE exists (select 1 from x where x.id = orders.id)",
        "DELETE FROM orders AS o USING lines l WHERE o.id = l.id AND a <> b::text RETURNING o.id",
        "SELECT 1",
    ];

    #[test]
    fn plain_statements_are_whole_by_squawk_too() {
        for text in PLAIN {
            assert!(is_plain(text), "{text}");
        }
    }

    #[test]
    fn what_has_to_be_grouped_or_is_no_statement_is_not_plain() {
        for text in [
            "SELECT a = b = c",
            "SELECT a < b LIKE c",
            "SELECT a = b IS NULL",
            "SELECT a BETWEEN b AND c OR d",
            "SELECT a || b",
            "SELECT a FROM b WHERE c = - 1",
            "SELECT a FROM (SELECT 1) b",
            "SELECT a FROM b UNION SELECT c FROM d",
            "SELECT a FROM ONLY b",
            "WITH a AS (SELECT 1) SELECT b FROM a",
            "SELECT \"a\" FROM b",
            "SELECT user FROM b",
            "SELECT a FROM user",
            "SELECT a FROM b WHERE",
            "SELECT a FROM b; SELECT c",
            "SELECT a FROM b WHERE c = $1 GROUP a",
            "SELECT a FROM b GROUP BY cube.id",
            "SELECT coalesce() FROM b",
            "SELECT sum(a) OVER () FROM b",
            "SELECT date '2026-01-01'",
            "SELECT a b c FROM d",
            "UPDATE a SET b = 1, WHERE c = 2",
            "INSERT INTO a VALUES ()",
            "DELETE a WHERE b = 1",
            "",
            ";",
        ] {
            assert!(!is_plain(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4_000, ..ProptestConfig::default() })]

        /// Tokens of plain statements, some of them moved about, and others between them.
        #[test]
        fn what_is_plain_is_so_by_squawk(from in 0..PLAIN.len(), edits in proptest::collection::vec((any::<u16>(), 0..4u8, any::<u16>()), 1..4)) {
            const OTHERS: &[&str] = &[
                "a", "key", "set", "value", "left", "user", "interval", "default", "(", ")", ",", ".", "*", "=", "<", "-", "not", "and",
                "null", "is", "in", "from", "select", "values", "$1", "'x'", "1", "::", "int", "as", "on", "any", "coalesce", "exists", "[", "]",
                "order", "by", "limit", "for", "update", "do", "returning", "where", ";", "\"q\"", "~", "having", "group", "row", "cube", "only",
                "first", "nulls", "asc", "offset", "like", "nothing", "conflict", "using", "type", "name", "text", "date", "no", "of",
            ];
            let text = PLAIN.get(from).copied().unwrap_or_default();
            let ranges = tokens(text).unwrap_or_default();
            let mut words: Vec<String> = ranges.iter().map(|token| token.range.slice(text).to_owned()).collect();
            for (at, kind, with) in edits {
                let at = usize::from(at) % words.len().max(1);
                let other = OTHERS.get(usize::from(with) % OTHERS.len()).map(|word| (*word).to_owned()).unwrap_or_default();
                match kind {
                    0 if !words.is_empty() => { words.remove(at); }
                    1 => words.insert(at.min(words.len()), other),
                    2 if !words.is_empty() => words[at] = other,
                    _ if !words.is_empty() => { let to = usize::from(with) % words.len(); words.swap(at, to); }
                    _ => {}
                }
            }
            is_plain(&words.join(" "));
        }
    }
}
