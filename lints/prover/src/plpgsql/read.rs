//! The reader: PostgreSQL's manual, chapter "PL/pgSQL", on the tokens of SQL.
//!
//! Where a statement ends is told as the server tells it: an expression at its closing word outside of brackets, a
//! statement at the semicolon.

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use super::{Body, Part, Unread, Variable, VariableKind, What};
use crate::ast::ParsedStatement;
use crate::lower::scan::{Token, TokenKind, tokens};
use crate::lower::{MAX_TEXT, MAX_TOKENS};

/// How deep blocks, branches and loops may be nested.
const MAX_DEPTH: usize = 48;

/// Reads a body. Never fails: what is not read is among [`Body::unread`].
pub(crate) fn read(text: &str) -> Body {
    let mut reader = Reader { text, tokens: Vec::new(), at: 0, depth: 0, handled: 0, body: Body::default() };
    if text.len() > MAX_TEXT {
        reader.refuse(TextRange::from_usize(0, text.len()), "a body that is too long");
        return reader.body;
    }
    reader.tokens = tokens(Dialect::Postgres, text).take(MAX_TOKENS + 1).collect();
    if reader.tokens.len() > MAX_TOKENS {
        reader.refuse(TextRange::from_usize(0, text.len()), "a body that is too long");
        return reader.body;
    }
    if reader.whole().is_none() {
        let rest = TextRange::from_usize(reader.place(), text.len());
        reader.refuse(rest, "the rest of the body");
    }
    // A cursor variable is the name of a portal: with another name it is another's query.
    let body = &reader.body;
    let is_cursor = |name: &String| {
        let named = |variable: &&Variable| variable.kind == VariableKind::Cursor && variable.name == *name;
        body.variables.iter().find(named).map(|variable| variable.range)
    };
    let renamed = body.assigned.iter().find_map(|path| path.iter().find_map(is_cursor));
    if let Some(range) = renamed {
        reader.refuse(range, "a cursor that is assigned to");
    }
    reader.body
}

/// Reads a body in SQL, which is nothing but statements. Names of an unquoted one, which begins with `BEGIN ATOMIC` or
/// `RETURN`, mean what they did when it was created, whatever has been renamed since: it is not read.
pub(crate) fn read_sql(text: &str) -> Body {
    let mut first = tokens(Dialect::Postgres, text);
    let word = first.next().filter(|token| token.kind == TokenKind::Word);
    let mut is_atomic =
        |token: &Token| token.is(text, "begin") && first.next().is_some_and(|next| next.is(text, "atomic"));
    let form = match word {
        Some(token) if token.is(text, "return") => Some("`RETURN`"),
        Some(token) if is_atomic(&token) => Some("`BEGIN ATOMIC`"),
        _ => None,
    };
    if let Some(form) = form {
        let range = TextRange::from_usize(0, text.len());
        let what = format!("a body without quotes ({form}), whose names were settled when it was created,");
        return Body { unread: vec![Unread { range, what }], ..Body::default() };
    }
    let parsed = crate::lower::statements(Dialect::Postgres, text);
    let refused = parsed.iter().flat_map(|statement| &statement.unread);
    let mut unread: Vec<Unread> =
        refused.map(|unread| Unread { range: unread.range, what: unread.what.clone() }).collect();
    if parsed.is_empty() {
        unread.push(Unread { range: TextRange::from_usize(0, text.len()), what: "an empty body".to_owned() });
    }
    let part = |statement: &ParsedStatement| Part {
        range: statement.range,
        text: statement.range.slice(text).to_owned(),
        lead: 0,
        what: What::Statement,
        handled: false,
    };
    Body { parts: parsed.iter().map(part).collect(), unread, ..Body::default() }
}

struct Reader<'t> {
    text: &'t str,
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// How many blocks with handlers are around.
    handled: usize,
    body: Body,
}

/// What ends an expression.
#[derive(Clone, Copy)]
enum End {
    Semicolon,
    Word(&'static str),
    Words(&'static [&'static str]),
}

impl Reader<'_> {
    // ---- tokens ----

    fn token(&self, ahead: usize) -> Option<&Token> {
        self.tokens.get(self.at + ahead)
    }

    fn is(&self, ahead: usize, word: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.is(self.text, word))
    }

    fn is_punct(&self, ahead: usize, byte: u8) -> bool {
        self.token(ahead).is_some_and(|token| token.is_punct(byte))
    }

    fn name(&self, ahead: usize) -> Option<String> {
        self.token(ahead)?.name(self.text)
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.is(0, word);
        self.at += usize::from(found);
        found
    }

    fn want(&mut self, word: &str) -> Option<()> {
        self.eat(word).then_some(())
    }

    fn eat_punct(&mut self, byte: u8) -> bool {
        let found = self.is_punct(0, byte);
        self.at += usize::from(found);
        found
    }

    fn semicolon(&mut self) -> Option<()> {
        self.eat_punct(b';').then_some(())
    }

    /// Where the next token begins.
    fn place(&self) -> usize {
        self.token(0).map_or(self.text.len(), |token| token.range.start as usize)
    }

    /// Where the last token ended.
    fn end_before(&self) -> usize {
        let last = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.map_or(0, |token| token.range.end as usize)
    }

    fn since(&self, start: usize) -> TextRange {
        TextRange::from_usize(start, self.end_before().max(start))
    }

    fn refuse(&mut self, range: TextRange, what: impl Into<String>) {
        self.body.unread.push(Unread { range, what: what.into() });
    }

    /// Goes to the first token outside of brackets that ends an expression, and gives what is before it.
    fn until(&mut self, end: End) -> Option<TextRange> {
        let start = self.place();
        let first = self.at;
        let mut open = 0_usize;
        while let Some(token) = self.token(0) {
            let ends = match end {
                End::Semicolon => token.is_punct(b';'),
                End::Word(word) => token.is(self.text, word),
                End::Words(words) => {
                    token.is_punct(b';') || words.iter().any(|word| token.is(self.text, word))
                }
            };
            if ends && (open == 0 || token.is_punct(b';')) {
                return (self.at > first && open == 0).then(|| self.since(start));
            }
            // An expression never has a semicolon in it.
            if token.is_punct(b';') {
                return None;
            }
            match token.kind {
                TokenKind::Punct(b'(' | b'[') => open += 1,
                TokenKind::Punct(b')' | b']') => open = open.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
        }
        None
    }

    // ---- parts ----

    fn part(&mut self, range: TextRange, text: String, lead: &str, what: What) -> usize {
        let part = Part {
            range,
            text: format!("{lead}{text}"),
            lead: u32::try_from(lead.len()).unwrap_or(0),
            what,
            handled: self.handled > 0,
        };
        self.body.parts.push(part);
        self.body.parts.len() - 1
    }

    fn value_in(&mut self, range: TextRange) -> usize {
        self.part(range, range.slice(self.text).to_owned(), "SELECT ", What::Value)
    }

    /// An expression, up to what ends it.
    fn value(&mut self, end: End) -> Option<usize> {
        let range = self.until(end)?;
        Some(self.value_in(range))
    }

    /// A statement to its semicolon, its `INTO` taken out.
    fn sql(&mut self, lead: &str) -> Option<()> {
        let range = self.until_semicolon()?;
        let text = self.without_into(range)?;
        self.part(range, text, lead, What::Statement);
        Some(())
    }

    /// Goes to the next semicolon, wherever it stands: it ends a statement.
    fn until_semicolon(&mut self) -> Option<TextRange> {
        let (start, first) = (self.place(), self.at);
        while self.token(0).is_some_and(|token| !token.is_punct(b';')) {
            self.at += 1;
        }
        (self.at > first && self.is_punct(0, b';')).then(|| self.since(start))
    }

    /// The text of a range with blanks in the place of `INTO [STRICT] targets`, which are noted as assigned.
    fn without_into(&mut self, range: TextRange) -> Option<String> {
        let end = self.at;
        let begin = self.tokens.iter().position(|token| token.range.start >= range.start)?;
        let of_insert = |at: usize| {
            let before = at.checked_sub(1).filter(|at| *at >= begin).and_then(|at| self.tokens.get(at));
            before.is_some_and(|token| token.is(self.text, "insert") || token.is(self.text, "merge"))
        };
        let mut found = (begin..end).filter(|at| {
            self.tokens.get(*at).is_some_and(|token| token.is(self.text, "into")) && !of_insert(*at)
        });
        let Some(into) = found.next() else { return Some(range.slice(self.text).to_owned()) };
        if found.next().is_some() {
            return None;
        }
        self.at = into + 1;
        self.eat("strict");
        self.targets()?;
        let cut = TextRange::from_usize(self.tokens.get(into)?.range.start as usize, self.end_before());
        if self.at > end {
            return None;
        }
        self.at = end;
        Some(blanked(self.text, range, cut))
    }

    /// `name[.field][, …]`: what a statement puts its values into.
    fn targets(&mut self) -> Option<()> {
        loop {
            self.target()?;
            if !self.eat_punct(b',') {
                return Some(());
            }
        }
    }

    fn target(&mut self) -> Option<()> {
        let mut parts = vec![self.name(0)?];
        self.at += 1;
        while self.is_punct(0, b'.') {
            parts.push(self.name(1)?);
            self.at += 2;
        }
        self.body.assigned.push(parts);
        Some(())
    }

    // ---- blocks ----

    fn whole(&mut self) -> Option<()> {
        // `#variable_conflict` and its like change what names mean.
        if self.is_punct(0, b'#') {
            return None;
        }
        self.label()?;
        self.block()?;
        self.eat_punct(b';');
        self.token(0).is_none().then_some(())
    }

    /// `<<label>>`
    fn label(&mut self) -> Option<()> {
        if self.is_punct(0, b'<') && self.is_punct(1, b'<') {
            self.name(2)?;
            if !(self.is_punct(3, b'>') && self.is_punct(4, b'>')) {
                return None;
            }
            self.at += 5;
        }
        Some(())
    }

    fn deeper<T>(&mut self, work: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        if self.depth >= MAX_DEPTH {
            return None;
        }
        self.depth += 1;
        let outcome = work(self);
        self.depth -= 1;
        outcome
    }

    fn block(&mut self) -> Option<()> {
        self.deeper(Reader::block_here)
    }

    fn block_here(&mut self) -> Option<()> {
        if self.eat("declare") {
            while !self.is(0, "begin") {
                if self.eat("declare") {
                    continue;
                }
                self.declaration()?;
            }
        }
        self.want("begin")?;
        let first = self.body.parts.len();
        self.statements(&["exception", "end"])?;
        if self.eat("exception") {
            for part in self.body.parts.iter_mut().skip(first) {
                part.handled = true;
            }
            self.handled += 1;
            let outcome = self.handlers();
            self.handled -= 1;
            outcome?;
        }
        self.want("end")?;
        if !self.is_punct(0, b';') && self.token(0).is_some() {
            self.name(0)?;
            self.at += 1;
        }
        Some(())
    }

    /// `WHEN condition [OR …] THEN statements`
    fn handlers(&mut self) -> Option<()> {
        while self.eat("when") {
            while !self.is(0, "then") {
                // Names of conditions, `SQLSTATE '…'` and OR.
                self.token(0).filter(|token| !token.is_punct(b';'))?;
                self.at += 1;
            }
            self.want("then")?;
            self.statements(&["when", "end"])?;
        }
        Some(())
    }

    fn declaration(&mut self) -> Option<()> {
        let start = self.place();
        let name = self.name(0)?;
        self.at += 1;
        if self.is(0, "alias") && self.is(1, "for") {
            self.at += 2;
            let token = *self.token(0)?;
            let of = token.name(self.text).unwrap_or_else(|| token.range.slice(self.text).to_owned());
            self.at += 1;
            self.declare(name, String::new(), None, VariableKind::Alias(of), start);
            return self.semicolon();
        }
        let scrolls = self.is(0, "scroll") && self.is(1, "cursor");
        let scrolls_not = self.is(0, "no") && self.is(1, "scroll") && self.is(2, "cursor");
        if self.is(0, "cursor") || scrolls || scrolls_not {
            return self.cursor(name, start);
        }
        self.eat("constant");
        let ty = self.ty()?;
        if self.eat("not") {
            self.want("null")?;
        }
        let has_value = self.eat_default();
        let initial = match has_value {
            true => Some(self.value(End::Semicolon)?),
            false => None,
        };
        self.declare(name, ty, initial, VariableKind::Value, start);
        self.semicolon()
    }

    fn declare(
        &mut self,
        name: String,
        ty: String,
        initial: Option<usize>,
        kind: VariableKind,
        start: usize,
    ) {
        let range = self.since(start);
        self.body.variables.push(Variable { name, ty, initial, kind, range });
    }

    /// `:=`, `=` or `DEFAULT`
    fn eat_default(&mut self) -> bool {
        if self.is_punct(0, b':') && self.is_punct(1, b'=') {
            self.at += 2;
            return true;
        }
        self.eat_punct(b'=') || self.eat("default")
    }

    fn ty(&mut self) -> Option<String> {
        let start = self.place();
        let first = self.at;
        let mut open = 0_usize;
        while let Some(token) = self.token(0) {
            let ends = ["collate", "not", "default"].iter().any(|word| token.is(self.text, word))
                || matches!(token.kind, TokenKind::Punct(b';' | b'='))
                || token.is_punct(b':') && self.is_punct(1, b'=')
                || token.is_punct(b',')
                || token.is_punct(b')');
            if ends && open == 0 {
                break;
            }
            match token.kind {
                TokenKind::Punct(b'(' | b'[') => open += 1,
                TokenKind::Punct(b')' | b']') => open = open.checked_sub(1)?,
                TokenKind::Punct(b';') => return None,
                _ => {}
            }
            self.at += 1;
        }
        let range = (self.at > first).then(|| self.since(start))?;
        if self.eat("collate") {
            // A variable of a collation of its own compares by it.
            let range = self.since(start);
            self.refuse(range, "a variable with a collation of its own");
            self.target()?;
            self.body.assigned.pop();
        }
        Some(range.slice(self.text).to_owned())
    }

    /// `name [[NO] SCROLL] CURSOR [(arguments)] {FOR | IS} query;`
    fn cursor(&mut self, name: String, start: usize) -> Option<()> {
        while !self.is(0, "cursor") {
            self.at += 1;
        }
        self.at += 1;
        if self.eat_punct(b'(') {
            loop {
                let at = self.place();
                let argument = self.name(0)?;
                self.at += 1;
                let ty = self.ty()?;
                self.declare(argument, ty, None, VariableKind::CursorArgument, at);
                if !self.eat_punct(b',') {
                    break;
                }
            }
            if !self.eat_punct(b')') {
                return None;
            }
        }
        if !self.eat("for") {
            self.want("is")?;
        }
        let range = self.until_semicolon()?;
        self.part(range, range.slice(self.text).to_owned(), "", What::Statement);
        self.declare(name, String::new(), None, VariableKind::Cursor, start);
        self.semicolon()
    }

    // ---- statements ----

    fn statements(&mut self, ends: &[&str]) -> Option<()> {
        while !ends.iter().any(|word| self.is(0, word)) {
            self.statement()?;
        }
        Some(())
    }

    fn statement(&mut self) -> Option<()> {
        self.label()?;
        let word = self.name(0).unwrap_or_default();
        let is_plain = self.token(0).is_some_and(|token| token.kind == TokenKind::Word);
        if self.is_assignment() {
            return self.assignment();
        }
        if !is_plain {
            return self.sql_statement();
        }
        match word.as_str() {
            "declare" | "begin" => {
                self.block()?;
                self.semicolon()
            }
            "if" => self.deeper(Reader::if_statement),
            "case" => self.deeper(Reader::case_statement),
            "loop" | "while" => self.deeper(Reader::loop_statement),
            "for" => self.deeper(Reader::for_statement),
            "foreach" => self.deeper(Reader::foreach_statement),
            "exit" | "continue" => self.leave(),
            "return" => self.return_statement(),
            "raise" => self.raise(),
            "assert" => self.values_and_semicolon(1),
            "perform" => {
                self.at += 1;
                self.sql("SELECT ")?;
                self.semicolon()
            }
            "execute" => self.execute(),
            "open" => self.open(),
            "fetch" | "move" | "close" => self.fetch(),
            "get" => self.diagnostics(),
            "null" if self.is_punct(1, b';') => {
                self.at += 2;
                Some(())
            }
            "commit" | "rollback" | "call" | "do" => {
                // What runs in between is another transaction, or another body.
                let range = self.until_semicolon()?;
                self.refuse(range, format!("`{}`", word.to_uppercase()));
                self.semicolon()
            }
            _ => self.sql_statement(),
        }
    }

    fn sql_statement(&mut self) -> Option<()> {
        self.sql("")?;
        self.semicolon()
    }

    /// True for `name[.field][subscript] :=` and the same with `=`.
    fn is_assignment(&self) -> bool {
        if self.name(0).is_none() {
            return false;
        }
        let mut at = 1;
        loop {
            if self.is_punct(at, b'.') && self.name(at + 1).is_some() {
                at += 2;
            } else if self.is_punct(at, b'[') {
                let mut open = 0_usize;
                loop {
                    match self.token(at).map(|token| token.kind) {
                        Some(TokenKind::Punct(b'[')) => open += 1,
                        Some(TokenKind::Punct(b']')) => open -= 1,
                        Some(TokenKind::Punct(b';')) | None => return false,
                        _ => {}
                    }
                    at += 1;
                    if open == 0 {
                        break;
                    }
                }
            } else {
                break;
            }
        }
        self.is_punct(at, b'=') || self.is_punct(at, b':') && self.is_punct(at + 1, b'=')
    }

    fn assignment(&mut self) -> Option<()> {
        let target = self.body.assigned.len();
        self.target()?;
        while self.is_punct(0, b'[') {
            self.at += 1;
            let start = self.place();
            let mut open = 1_usize;
            while open > 0 {
                match self.token(0)?.kind {
                    TokenKind::Punct(b'[') => open += 1,
                    TokenKind::Punct(b']') => open -= 1,
                    TokenKind::Punct(b';') => return None,
                    _ => {}
                }
                self.at += 1;
            }
            self.at -= 1;
            let range = self.since(start);
            self.at += 1;
            // A slice has two bounds.
            if range.slice(self.text).contains(':') && !range.slice(self.text).contains("::") {
                self.refuse(range, "a slice that is assigned to");
            } else if !range.is_empty() {
                self.value_in(range);
            }
        }
        if self.is_punct(0, b'.') {
            return None;
        }
        self.eat_default().then_some(())?;
        let target = self.body.assigned.get(target).cloned()?;
        let value = self.value(End::Semicolon)?;
        self.body.set.push((target, value));
        self.semicolon()
    }

    fn if_statement(&mut self) -> Option<()> {
        self.want("if")?;
        self.value(End::Word("then"))?;
        self.want("then")?;
        loop {
            self.statements(&["elsif", "elseif", "else", "end"])?;
            if self.eat("elsif") || self.eat("elseif") {
                self.value(End::Word("then"))?;
                self.want("then")?;
                continue;
            }
            break;
        }
        if self.eat("else") {
            self.statements(&["end"])?;
        }
        self.want("end")?;
        self.want("if")?;
        self.semicolon()
    }

    fn case_statement(&mut self) -> Option<()> {
        self.want("case")?;
        if !self.is(0, "when") {
            self.value(End::Word("when"))?;
        }
        while self.eat("when") {
            // A list of values is a list of expressions, which a SELECT takes as well.
            self.value(End::Word("then"))?;
            self.want("then")?;
            self.statements(&["when", "else", "end"])?;
        }
        if self.eat("else") {
            self.statements(&["end"])?;
        }
        self.want("end")?;
        self.want("case")?;
        self.semicolon()
    }

    fn loop_statement(&mut self) -> Option<()> {
        if self.eat("while") {
            self.value(End::Word("loop"))?;
        }
        self.loop_body()
    }

    fn loop_body(&mut self) -> Option<()> {
        self.want("loop")?;
        self.statements(&["end"])?;
        self.want("end")?;
        self.want("loop")?;
        if !self.is_punct(0, b';') {
            self.name(0)?;
            self.at += 1;
        }
        self.semicolon()
    }

    fn for_statement(&mut self) -> Option<()> {
        self.want("for")?;
        let start = self.place();
        let targets = self.body.assigned.len();
        self.targets()?;
        self.want("in")?;
        if self.eat("execute") {
            self.dynamic(&["loop"])?;
            return self.loop_body();
        }
        let reversed = self.at;
        let reverses = self.eat("reverse");
        let range = self.until(End::Word("loop"))?;
        let text = range.slice(self.text);
        let tokens: Vec<Token> = tokens(Dialect::Postgres, text).collect();
        let dots = dots_in(text, &tokens);
        if let Some(dots) = dots {
            // A loop over numbers declares its variable.
            let of_loop = self.body.assigned.split_off(targets);
            let [of_loop] = of_loop.as_slice() else { return None };
            let [name] = of_loop.as_slice() else { return None };
            self.declare(name.clone(), "integer".to_owned(), None, VariableKind::Counter, start);
            let text = counted(text, &tokens, dots)?;
            self.part(range, text, "SELECT ", What::Value);
            return self.loop_body();
        }
        if reverses {
            self.at = reversed;
            return None;
        }
        let first = tokens.first()?;
        let is_query = first.is_punct(b'(')
            || ["select", "with", "values", "table", "insert", "update", "delete", "merge"]
                .iter()
                .any(|word| first.is(text, word));
        if is_query {
            self.part(range, text.to_owned(), "", What::Statement);
            return self.loop_body();
        }
        // A cursor, with values of its arguments.
        self.cursor_named(range)?;
        self.loop_body()
    }

    /// A bound cursor with its arguments in brackets.
    fn cursor_named(&mut self, range: TextRange) -> Option<()> {
        let text = range.slice(self.text);
        let tokens: Vec<Token> = tokens(Dialect::Postgres, text).collect();
        let name = tokens.first()?.name(text)?;
        self.uses_cursor(&name, range);
        if tokens.len() == 1 {
            return Some(());
        }
        let (open, close) = (tokens.get(1)?, tokens.last()?);
        if !(open.is_punct(b'(') && close.is_punct(b')')) {
            return None;
        }
        let inner = TextRange { start: range.start + open.range.end, end: range.start + close.range.start };
        // `name := value` says which argument it is.
        match inner.slice(self.text).contains(":=") || inner.slice(self.text).contains("=>") {
            true => self.refuse(range, "a cursor whose arguments are named"),
            false => drop(self.value_in(inner)),
        }
        Some(())
    }

    /// Only what is declared with its query is known to be that query.
    fn uses_cursor(&mut self, name: &str, range: TextRange) {
        let is_bound = self
            .body
            .variables
            .iter()
            .any(|variable| variable.name == name && variable.kind == VariableKind::Cursor);
        if !is_bound {
            self.refuse(range, format!("the cursor `{name}`, whose query is not declared"));
        }
    }

    fn foreach_statement(&mut self) -> Option<()> {
        self.want("foreach")?;
        self.targets()?;
        if self.eat("slice") {
            self.token(0).filter(|token| token.kind == TokenKind::Number)?;
            self.at += 1;
        }
        self.want("in")?;
        self.want("array")?;
        self.value(End::Word("loop"))?;
        self.loop_body()
    }

    /// `EXIT`, `CONTINUE`: `[label] [WHEN condition]`
    fn leave(&mut self) -> Option<()> {
        self.at += 1;
        if !self.is_punct(0, b';') && !self.is(0, "when") {
            self.name(0)?;
            self.at += 1;
        }
        if self.eat("when") {
            self.value(End::Semicolon)?;
        }
        self.semicolon()
    }

    fn return_statement(&mut self) -> Option<()> {
        self.want("return")?;
        if self.eat_punct(b';') {
            return Some(());
        }
        if self.is(0, "next") {
            self.at += 1;
            if !self.is_punct(0, b';') {
                self.value(End::Semicolon)?;
            }
            return self.semicolon();
        }
        if self.eat("query") {
            if self.eat("execute") {
                self.dynamic(&[])?;
                return self.semicolon();
            }
            let range = self.until_semicolon()?;
            self.part(range, range.slice(self.text).to_owned(), "", What::Statement);
            return self.semicolon();
        }
        let returned = self.value(End::Semicolon)?;
        self.body.returned.push(returned);
        self.semicolon()
    }

    /// `RAISE [level] ['format' | name | SQLSTATE '…'] [, value]… [USING option = value, …]`
    fn raise(&mut self) -> Option<()> {
        self.at += 1;
        let levels = ["debug", "log", "info", "notice", "warning", "exception"];
        self.body.raises |= !levels.iter().take(5).any(|level| self.is(0, level));
        if levels.iter().any(|level| self.is(0, level)) {
            self.at += 1;
        }
        if self.is(0, "sqlstate") {
            self.at += 2;
        } else if self.token(0).is_some_and(|token| token.kind == TokenKind::Text) {
            self.at += 1;
            while self.eat_punct(b',') {
                self.raised(&[])?;
            }
        } else if !self.is(0, "using") && !self.is_punct(0, b';') {
            self.name(0)?;
            self.at += 1;
        }
        if self.eat("using") {
            loop {
                self.name(0)?;
                self.at += 1;
                self.eat_default().then_some(())?;
                self.raised(&["using"])?;
                if !self.eat_punct(b',') {
                    break;
                }
            }
        }
        self.semicolon()
    }

    /// One value of a list, up to a comma, `USING` or the end.
    fn raised(&mut self, never: &[&str]) -> Option<()> {
        let range = self.list_item(&["using"])?;
        if never.iter().any(|word| self.is(0, word)) {
            return None;
        }
        self.value_in(range);
        Some(())
    }

    /// An expression of a list: up to a comma outside of brackets, a semicolon, or one of the words.
    fn list_item(&mut self, words: &[&str]) -> Option<TextRange> {
        let (start, first) = (self.place(), self.at);
        let mut open = 0_usize;
        loop {
            let token = self.token(0)?;
            let ends = token.is_punct(b';')
                || token.is_punct(b',')
                || words.iter().any(|word| token.is(self.text, word));
            if ends && open == 0 {
                return (self.at > first).then(|| self.since(start));
            }
            match token.kind {
                TokenKind::Punct(b'(' | b'[') => open += 1,
                TokenKind::Punct(b')' | b']') => open = open.checked_sub(1)?,
                TokenKind::Punct(b';') => return None,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// A word and then expressions with commas between.
    fn values_and_semicolon(&mut self, words: usize) -> Option<()> {
        self.at += words;
        loop {
            let range = self.list_item(&[])?;
            self.value_in(range);
            if !self.eat_punct(b',') {
                return self.semicolon();
            }
        }
    }

    fn execute(&mut self) -> Option<()> {
        self.want("execute")?;
        self.dynamic(&[])?;
        self.semicolon()
    }

    /// `text [INTO [STRICT] targets] [USING value, …]`, in either order, up to a semicolon or one of the words.
    fn dynamic(&mut self, ends: &'static [&'static str]) -> Option<()> {
        let words: &'static [&'static str] =
            if ends.is_empty() { &["into", "using"] } else { &["into", "using", "loop"] };
        let range = self.until(End::Words(words))?;
        let mut using = Vec::new();
        loop {
            if self.eat("into") {
                self.eat("strict");
                self.targets()?;
            } else if self.eat("using") {
                loop {
                    let value = self.list_item(if ends.is_empty() { &["into"] } else { ends })?;
                    using.push(self.value_in(value));
                    if !self.eat_punct(b',') {
                        break;
                    }
                }
            } else {
                break;
            }
        }
        let text = range.slice(self.text).to_owned();
        self.part(range, text, "SELECT ", What::Dynamic { using });
        Some(())
    }

    /// `OPEN name [(values)]`, or of a query: a cursor that is not declared with one may be passed around.
    fn open(&mut self) -> Option<()> {
        let start = self.place();
        self.want("open")?;
        let name = self.name(0)?;
        let follows = self.is_punct(1, b';') || self.is_punct(1, b'(');
        if !follows {
            let range = self.until_semicolon()?;
            self.refuse(
                TextRange { start: u32::try_from(start).ok()?, ..range },
                format!("the cursor `{name}`, whose query is not declared"),
            );
            return self.semicolon();
        }
        let range = self.until(End::Semicolon)?;
        self.cursor_named(range)?;
        self.semicolon()
    }

    /// `FETCH [direction {FROM | IN}] name INTO targets`, `MOVE`, `CLOSE`
    fn fetch(&mut self) -> Option<()> {
        let start = self.place();
        self.at += 1;
        let mut name = None;
        while !self.is_punct(0, b';') && !self.is(0, "into") {
            name = self.name(0);
            self.at += 1;
            self.token(0)?;
        }
        let range = self.since(start);
        self.uses_cursor(&name?, range);
        if self.eat("into") {
            self.targets()?;
        }
        self.semicolon()
    }

    /// `GET [CURRENT | STACKED] DIAGNOSTICS name {= | :=} item, …`
    fn diagnostics(&mut self) -> Option<()> {
        self.want("get")?;
        if !self.eat("current") {
            self.eat("stacked");
        }
        self.want("diagnostics")?;
        loop {
            self.target()?;
            self.eat_default().then_some(())?;
            self.name(0)?;
            self.at += 1;
            if !self.eat_punct(b',') {
                return self.semicolon();
            }
        }
    }
}

/// The text of a range with blanks in the place of another range within it.
fn blanked(text: &str, range: TextRange, cut: TextRange) -> String {
    let inner = range.slice(text);
    let (from, to) = (cut.start.saturating_sub(range.start), cut.end.saturating_sub(range.start));
    let bytes = inner.char_indices().map(|(at, c)| match u32::try_from(at) {
        Ok(at) if at >= from && at < to => " ".repeat(c.len_utf8()),
        _ => c.to_string(),
    });
    bytes.collect()
}

/// The place of the `..` between the bounds of a loop over numbers, outside of brackets.
fn dots_in(text: &str, tokens: &[Token]) -> Option<usize> {
    let mut open = 0_usize;
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::Punct(b'(' | b'[') => open += 1,
            TokenKind::Punct(b')' | b']') => open = open.saturating_sub(1),
            TokenKind::Number if open == 0 => {
                if let Some(dots) = token.range.slice(text).find("..") {
                    return Some(token.range.start as usize + dots);
                }
            }
            TokenKind::Punct(b'.') if open == 0 => {
                let next = tokens.get(at + 1);
                if next.is_some_and(|next| next.is_punct(b'.') && next.range.start == token.range.end) {
                    return Some(token.range.start as usize);
                }
            }
            _ => {}
        }
    }
    None
}

/// `low .. high [BY step]` as a list of expressions, of the same length.
fn counted(text: &str, tokens: &[Token], dots: usize) -> Option<String> {
    let mut made = format!("{}, {}", text.get(..dots)?, text.get(dots + 2..)?);
    let steps = tokens.iter().find(|token| token.is(text, "by") && token.range.start as usize > dots);
    if let Some(by) = steps {
        made.replace_range(by.range.start as usize..by.range.end as usize, ", ");
    }
    Some(made)
}
