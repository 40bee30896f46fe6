//! Statements that are neither queries nor changes of rows.

use super::keywords::Kw;
use super::names::NameIn;
use super::reader::{Read, Reader};
use super::tokens::{Op, Tok};
use crate::ast::{ExprKind, ObjectName, Statement};

/// Statements that touch no row, by what they are called.
const ROWLESS: &[&str] =
    &["VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "CHECKPOINT", "LISTEN", "UNLISTEN", "NOTIFY"];

impl Reader<'_> {
    /// A statement. `name` is what it is called if nothing of it is modelled.
    pub(super) fn statement(&mut self, name: &str) -> Read<Statement> {
        match name {
            "CALL" => return self.call_of_procedure(),
            "DISCARD" => return Ok(self.transaction()),
            _ if ROWLESS.contains(&name) => return self.rowless(name),
            _ => {}
        }
        let Tok::Kw(keyword) = self.peek() else {
            return match self.at(Tok::LParen) {
                true => self.preparable(),
                false => Ok(self.unmodelled(name)),
            };
        };
        match keyword {
            Kw::Select
            | Kw::Values
            | Kw::Table
            | Kw::With
            | Kw::Insert
            | Kw::Update
            | Kw::Delete
            | Kw::Merge => self.preparable(),
            Kw::Truncate => self.truncate(),
            Kw::Lock => self.lock(),
            Kw::Copy => self.copy(),
            Kw::Explain => self.explain(name),
            Kw::Set => self.set(),
            Kw::Reset => self.reset(),
            Kw::Show => {
                self.next();
                let setting = self.setting_name()?;
                Ok(Statement::Show(setting))
            }
            Kw::Begin
            | Kw::Start
            | Kw::Commit
            | Kw::End
            | Kw::Rollback
            | Kw::Abort
            | Kw::Savepoint
            | Kw::Release => Ok(self.transaction()),
            Kw::Prepare if self.nth(1) == Tok::Kw(Kw::Transaction) => Ok(self.transaction()),
            Kw::Do => self.do_block(),
            _ => Ok(self.unmodelled(name)),
        }
    }

    /// Nothing of the statement is modelled, and its name says so.
    fn unmodelled(&mut self, name: &str) -> Statement {
        self.skip_rest();
        Statement::Unsupported(name.to_owned())
    }

    /// Upkeep of tables and messages between sessions show and change no row. With `VERBOSE` they tell how many there are.
    fn rowless(&mut self, name: &str) -> Read<Statement> {
        let mut verbose = false;
        while !self.at_end() {
            verbose |= self.at_kw(Kw::Verbose);
            match self.peek() {
                Tok::Op(Op::Minus | Op::Plus) if !matches!(self.nth(1), Tok::Int | Tok::Numeric) => {
                    return self.stop("an option");
                }
                _ => self.next(),
            };
        }
        Ok(match verbose {
            true => Statement::Unsupported(format!("{name} VERBOSE")),
            false => Statement::Rowless,
        })
    }

    /// `CALL name(…)`.
    fn call_of_procedure(&mut self) -> Read<Statement> {
        self.next();
        let name = self.object_name_in(NameIn::Function)?;
        match self.call(name)?.kind {
            ExprKind::Call(call) => Ok(Statement::Call(call)),
            _ => self.stop("a call"),
        }
    }

    /// Which transaction it is, and what the session holds, touches no row.
    fn transaction(&mut self) -> Statement {
        self.skip_rest();
        Statement::Transaction
    }

    fn relations(&mut self) -> Read<Vec<ObjectName>> {
        self.list(|reader| reader.relation().map(|(name, _)| name))
    }

    fn truncate(&mut self) -> Read<Statement> {
        self.expect_kw(Kw::Truncate)?;
        self.eat_kw(Kw::Table);
        let tables = self.relations()?;
        if self.eat_kw(Kw::Restart) || self.eat_kw(Kw::Continue) {
            self.expect_kw(Kw::Identity)?;
        }
        let start = self.start();
        if self.eat_kw(Kw::Cascade) {
            self.note(start, "`CASCADE`, which empties tables that are not named");
        } else {
            self.eat_kw(Kw::Restrict);
        }
        Ok(Statement::Truncate(tables))
    }

    fn lock(&mut self) -> Read<Statement> {
        self.expect_kw(Kw::Lock)?;
        self.eat_kw(Kw::Table);
        let tables = self.relations()?;
        if self.eat_kw(Kw::In) {
            // One to three words name the mode, which changes nothing for us.
            while !self.at_kw(Kw::Mode) && matches!(self.peek(), Tok::Name | Tok::Kw(_)) {
                self.next();
            }
            self.expect_kw(Kw::Mode)?;
        }
        self.eat_kw(Kw::Nowait);
        Ok(Statement::Lock(tables))
    }

    fn copy(&mut self) -> Read<Statement> {
        self.expect_kw(Kw::Copy)?;
        if self.at(Tok::LParen) {
            let inner = self.parens(Self::preparable)?;
            if !self.at_kw(Kw::To) {
                return self.stop("`TO`");
            }
            self.copy_tail()?;
            return Ok(Statement::CopyQuery(Box::new(inner)));
        }
        self.eat_kw(Kw::Binary);
        let table = self.object_name()?;
        if self.at(Tok::LParen) {
            // The whole table counts as read or written, so the columns do not matter.
            self.name_list()?;
        }
        let from = self.at_kw(Kw::From);
        self.copy_tail()?;
        Ok(Statement::CopyTable { table, from })
    }

    /// Where a copy goes and in which format. A `WHERE` is read and not kept, which errs towards more rows.
    fn copy_tail(&mut self) -> Read<()> {
        if !(self.eat_kw(Kw::From) || self.eat_kw(Kw::To)) {
            return self.stop("`FROM` or `TO`");
        }
        self.eat_kw(Kw::Program);
        match self.peek() {
            Tok::Str(_) | Tok::Kw(Kw::Stdin | Kw::Stdout) => {
                self.next();
            }
            _ => return self.stop("a file"),
        }
        self.eat_kw(Kw::With);
        if self.at(Tok::LParen) {
            self.skip_balanced()?;
        }
        // The options of old are words, strings and lists of columns.
        while !self.at_kw(Kw::Where)
            && matches!(self.peek(), Tok::Name | Tok::Kw(_) | Tok::Str(_) | Tok::Comma)
        {
            self.next();
        }
        self.where_clause()?;
        Ok(())
    }

    fn explain(&mut self, name: &str) -> Read<Statement> {
        self.expect_kw(Kw::Explain)?;
        if self.at(Tok::LParen) && !self.opens_query(0) {
            self.skip_balanced()?;
        } else {
            if !self.eat_kw(Kw::Analyze) {
                self.eat_kw(Kw::Analyse);
            }
            self.eat_kw(Kw::Verbose);
        }
        let inner = self.deeper(|reader| reader.statement(name))?;
        Ok(Statement::Explain(Box::new(inner)))
    }

    fn set(&mut self) -> Read<Statement> {
        self.expect_kw(Kw::Set)?;
        if self.at_kw(Kw::Constraints) {
            return Ok(self.unmodelled("SET CONSTRAINTS"));
        }
        if self.at_kw(Kw::Transaction)
            || self.at_kws(&[Kw::Local, Kw::Transaction])
            || self.at_kws(&[Kw::Session, Kw::Characteristics])
        {
            self.skip_rest();
            return Ok(Statement::Rowless);
        }
        let local = self.at_kw(Kw::Local) && self.nth(1) != Tok::Dot && self.eat_kw(Kw::Local);
        if !local && self.at_kw(Kw::Session) && !matches!(self.nth(1), Tok::Dot | Tok::Kw(Kw::Authorization))
        {
            self.next();
        }
        let (name, separated) = self.set_target()?;
        let separator = self.eat_kw(Kw::To) || self.eat(Tok::Op(Op::Eq));
        if separated && !separator && !self.at_kws(&[Kw::From, Kw::Current]) {
            return self.stop("`=` or `TO`");
        }
        let value = match self.at_end() {
            true => return self.stop("a value"),
            false => self.skip_rest(),
        };
        let value = self.text(value).to_owned();
        Ok(Statement::Set { name, local, value })
    }

    /// The setting that is set, and whether `=` or `TO` must follow.
    fn set_target(&mut self) -> Read<(String, bool)> {
        if self.eat_kws(&[Kw::Time, Kw::Zone]) {
            return Ok(("timezone".to_owned(), false));
        }
        if self.eat_kws(&[Kw::Session, Kw::Authorization]) {
            return Ok(("session_authorization".to_owned(), false));
        }
        let follows = !matches!(self.nth(1), Tok::Op(Op::Eq) | Tok::Kw(Kw::To) | Tok::Dot);
        let other_name = match self.peek() {
            Tok::Kw(Kw::Role) => Some("role"),
            Tok::Kw(Kw::Schema) => Some("search_path"),
            Tok::Kw(Kw::Names) => Some("client_encoding"),
            _ => None,
        };
        if let Some(name) = other_name.filter(|_| follows) {
            self.next();
            return Ok((name.to_owned(), false));
        }
        Ok((self.setting_name()?, true))
    }

    fn setting_name(&mut self) -> Read<String> {
        if self.eat_kws(&[Kw::Time, Kw::Zone]) {
            return Ok("timezone".to_owned());
        }
        if self.eat_kws(&[Kw::Session, Kw::Authorization]) {
            return Ok("session_authorization".to_owned());
        }
        if self.eat_kw(Kw::All) {
            return Ok("all".to_owned());
        }
        if self.at_kw(Kw::Transaction) {
            self.skip_rest();
            return Ok("transaction_isolation".to_owned());
        }
        let name = self.object_name_in(NameIn::Column)?;
        let parts: Vec<String> = name.parts.iter().map(|part| part.text.to_ascii_lowercase()).collect();
        Ok(parts.join("."))
    }

    fn reset(&mut self) -> Read<Statement> {
        self.expect_kw(Kw::Reset)?;
        let name = self.setting_name()?;
        Ok(Statement::Set { name, local: false, value: "DEFAULT".to_owned() })
    }

    fn do_block(&mut self) -> Read<Statement> {
        self.expect_kw(Kw::Do)?;
        let mut language = self.do_language()?;
        let (_, body, _) = self.string()?;
        if language.is_none() {
            language = self.do_language()?;
        }
        Ok(Statement::Do { language: language.unwrap_or_else(|| "plpgsql".to_owned()), body })
    }

    fn do_language(&mut self) -> Read<Option<String>> {
        if !self.eat_kw(Kw::Language) {
            return Ok(None);
        }
        match self.peek() {
            Tok::Str(_) => Ok(Some(self.string()?.1)),
            _ => Ok(Some(self.ident(NameIn::Column)?.text)),
        }
    }
}
