//! Bodies of functions, read far enough to know that they touch no row but the one at hand.
//!
//! **Invariant:** a body that holds anything but the statements and expressions named here is not read; what it does is
//! then unknown.

use crate::catalog::Function;

/// The columns of the new row that a trigger's body assigns, if all it does is to assign, branch, notify, raise and return
/// by values of the row at hand. Skipping the row (`RETURN NULL`) depends on that row alone, so that it tells nothing of
/// another. `may_call` says of a function whether it is pure.
pub(super) fn assigned_columns(body: &str, may_call: &dyn Fn(&str) -> bool) -> Option<Vec<String>> {
    let tokens = tokens(body)?;
    let mut reader =
        Body { rest: &tokens, may_call, variables: Vec::new(), assigned: Vec::new(), returns: Returns::Row };
    reader.whole()?;
    Some(reader.assigned)
}

/// Whether a function's value is made of its arguments and of pure functions alone: `may_call` says which those are.
pub(super) fn is_pure(function: &Function, may_call: &dyn Fn(&str) -> bool) -> bool {
    if function.returns_set || !function.columns.is_empty() {
        return false;
    }
    let Some(tokens) = tokens(&function.body) else { return false };
    let variables = function.params.iter().map(|(name, _)| name.clone()).collect();
    let mut reader =
        Body { rest: &tokens, may_call, variables, assigned: Vec::new(), returns: Returns::Value };
    match function.language.as_str() {
        "plpgsql" => reader.whole().is_some() && reader.assigned.is_empty(),
        "sql" => reader.value(),
        _ => false,
    }
}

/// What `RETURN` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Returns {
    /// The row that the trigger was called for, or none.
    Row,
    /// A value.
    Value,
}

struct Body<'t> {
    returns: Returns,
    rest: &'t [Token],
    may_call: &'t dyn Fn(&str) -> bool,
    /// The variables that are declared.
    variables: Vec<String>,
    /// The columns of the new row that are assigned.
    assigned: Vec<String>,
}

/// Words that stand in expressions without naming a column, a function or a query.
const WORDS: &[&str] = &[
    "null",
    "true",
    "false",
    "and",
    "or",
    "not",
    "is",
    "isnull",
    "notnull",
    "in",
    "between",
    "like",
    "ilike",
    "similar",
    "to",
    "escape",
    "distinct",
    "from",
    "at",
    "time",
    "zone",
    "interval",
    "case",
    "when",
    "then",
    "else",
    "end",
    "coalesce",
    "nullif",
    "greatest",
    "least",
    "current_timestamp",
    "current_date",
    "current_time",
    "localtimestamp",
    "localtime",
    "cast",
    "as",
    "collate",
    "array",
    "row",
    "text",
    "varchar",
    "char",
    "bigint",
    "integer",
    "int",
    "smallint",
    "int4",
    "int8",
    "uuid",
    "timestamptz",
    "timestamp",
    "date",
    "numeric",
    "real",
    "double",
    "precision",
    "boolean",
    "bool",
    "json",
    "jsonb",
    "bytea",
    "new",
    "old",
    // Inside of `extract`, `overlay`, `substring` and `trim`.
    "century",
    "day",
    "decade",
    "dow",
    "doy",
    "epoch",
    "hour",
    "isodow",
    "isoyear",
    "microseconds",
    "milliseconds",
    "minute",
    "month",
    "quarter",
    "second",
    "week",
    "year",
    "both",
    "for",
    "leading",
    "placing",
    "trailing",
    "tg_op",
    "tg_name",
    "tg_when",
    "tg_level",
    "tg_table_name",
    "tg_table_schema",
    "tg_relname",
    "tg_nargs",
    "tg_argv",
];

/// Words that stand before a parenthesis without being a function's name.
const BEFORE_PARENTHESES: &[&str] = &["all", "any", "bit", "character", "decimal", "some", "time", "varying"];

/// Whether a word that stands before a parenthesis is a keyword or a type's name, not a function's.
pub(super) fn is_keyword(word: &str) -> bool {
    WORDS.contains(&word) || BEFORE_PARENTHESES.contains(&word)
}

/// Functions that are not pure and show no row: listeners get what the tenant's own row says.
const NOTIFIES: &[&str] = &["pg_notify"];

impl<'t> Body<'t> {
    fn peek(&self, word: &str) -> bool {
        self.rest.first().is_some_and(|token| token.word(word))
    }

    fn eat(&mut self, word: &str) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        first.word(word).then(|| self.rest = rest)
    }

    fn symbol(&mut self, symbol: &str) -> Option<()> {
        let (first, rest) = self.rest.split_first()?;
        first.is(symbol).then(|| self.rest = rest)
    }

    /// A block and nothing after it.
    fn whole(&mut self) -> Option<()> {
        self.block()?;
        self.rest.iter().all(|token| token.is(";")).then_some(())
    }

    /// `SELECT value` or `RETURN value`, of one value.
    fn value(&self) -> bool {
        let end = self.rest.iter().rposition(|token| !token.is(";")).map_or(0, |at| at + 1);
        match self.rest.get(..end) {
            Some([verb, value @ ..]) if verb.word("select") || verb.word("return") => self.is_plain(value),
            _ => false,
        }
    }

    /// `[DECLARE …] BEGIN … END`.
    fn block(&mut self) -> Option<()> {
        if self.eat("declare").is_some() {
            while !self.peek("begin") {
                self.declaration()?;
            }
        }
        self.eat("begin")?;
        self.statements()?;
        self.eat("end")
    }

    /// `name [CONSTANT] type [NOT NULL] [:= value];`
    fn declaration(&mut self) -> Option<()> {
        let declaration = self.until(|token| token.is(";"))?;
        let [Token::Word(name), rest @ ..] = declaration else { return None };
        let value = rest.iter().position(|token| token.is(":=") || token.is("=") || token.word("default"));
        if let Some(at) = value
            && !self.is_plain(rest.get(at + 1..)?)
        {
            return None;
        }
        self.variables.push(name.clone());
        self.symbol(";")
    }

    /// Takes the tokens before the first for which `ends` holds outside of parentheses and `CASE`.
    fn until(&mut self, ends: impl Fn(&Token) -> bool) -> Option<&'t [Token]> {
        let mut depth = 0usize;
        for (at, token) in self.rest.iter().enumerate() {
            if depth == 0 && ends(token) {
                let (taken, rest) = self.rest.split_at(at);
                self.rest = rest;
                return Some(taken);
            }
            if token.is("(") || token.word("case") {
                depth += 1;
            } else if token.is(")") || token.word("end") {
                depth = depth.checked_sub(1)?;
            }
        }
        None
    }

    fn statements(&mut self) -> Option<()> {
        const CLOSERS: &[&str] = &["end", "else", "elsif", "elseif"];
        while !CLOSERS.iter().any(|word| self.peek(word)) {
            self.statement()?;
            self.symbol(";")?;
        }
        Some(())
    }

    fn statement(&mut self) -> Option<()> {
        if self.peek("if") {
            return self.branches();
        }
        match self.until(|token| token.is(";"))? {
            [null] if null.word("null") => Some(()),
            [back, row] if back.word("return") && self.returns == Returns::Row => {
                ["new", "old", "null"].iter().any(|word| row.word(word)).then_some(())
            }
            [back, value @ ..] if back.word("return") && self.returns == Returns::Value => {
                self.is_plain(value).then_some(())
            }
            [new, dot, Token::Word(column), assign, value @ ..]
                if new.word("new") && dot.is(".") && (assign.is(":=") || assign.is("=")) =>
            {
                self.assigned.push(column.clone());
                self.is_plain(value).then_some(())
            }
            [Token::Word(name), assign, value @ ..] if assign.is(":=") || assign.is("=") => {
                (self.variables.contains(name) && self.is_plain(value)).then_some(())
            }
            [perform, Token::Word(name), open, arguments @ .., close]
                if perform.word("perform")
                    && open.is("(")
                    && close.is(")")
                    && (NOTIFIES.contains(&name.as_str()) || (self.may_call)(name)) =>
            {
                (arguments.is_empty() || self.is_plain(arguments)).then_some(())
            }
            // An error is out of scope, and a notice shows the row at hand.
            [raise, rest @ ..] if raise.word("raise") => {
                const LEVELS: &[&str] = &[
                    "exception",
                    "warning",
                    "notice",
                    "info",
                    "log",
                    "debug",
                    "using",
                    "errcode",
                    "message",
                    "detail",
                    "hint",
                ];
                let said: Vec<Token> = rest
                    .iter()
                    .filter(|token| !LEVELS.iter().any(|word| token.word(word)))
                    .cloned()
                    .collect();
                (said.is_empty() || self.is_plain(&said)).then_some(())
            }
            _ => None,
        }
    }

    /// `IF … THEN … [ELSIF … THEN …] [ELSE …] END IF`.
    fn branches(&mut self) -> Option<()> {
        self.eat("if")?;
        loop {
            let condition = self.until(|token| token.word("then"))?;
            if !self.is_plain(condition) {
                return None;
            }
            self.eat("then")?;
            self.statements()?;
            if self.eat("elsif").is_none() && self.eat("elseif").is_none() {
                break;
            }
        }
        if self.eat("else").is_some() {
            self.statements()?;
        }
        self.eat("end")?;
        self.eat("if")
    }

    /// An expression of constants, the row at hand, variables, and pure functions.
    fn is_plain(&self, tokens: &[Token]) -> bool {
        let mut depth = 0usize;
        let plain = |(at, token): (usize, &Token)| {
            depth = match token {
                _ if token.is("(") => depth + 1,
                _ if token.is(")") => depth.saturating_sub(1),
                _ => depth,
            };
            let Token::Word(word) = token else { return true };
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let called = tokens.get(at + 1).is_some_and(|token| token.is("("));
            // An expression is run as a query, which may have a FROM clause of its own: it belongs to a call
            // (`substring(… FROM …)`) or a comparison only.
            if word == "from" && depth == 0 {
                return before.is_some_and(|token| token.word("distinct"));
            }
            if before.is_some_and(|token| token.is(".")) {
                let qualifier = at.checked_sub(2).and_then(|at| tokens.get(at));
                let of_row = qualifier.is_some_and(|token| token.word("new") || token.word("old"));
                return if called { (self.may_call)(word) } else { of_row };
            }
            if matches!(tokens.get(at + 1..at + 4), Some([dot, Token::Word(_), open]) if dot.is(".") && open.is("("))
            {
                // The schema of a function, which is judged by its own name.
                return true;
            }
            let known = WORDS.contains(&word.as_str()) || self.variables.contains(word);
            known || (called && (self.may_call)(word))
        };
        !tokens.is_empty() && tokens.iter().enumerate().all(plain)
    }
}

/// A token of PL/pgSQL, as far as it is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier or keyword, folded.
    Word(String),
    /// A string or number.
    Constant,
    /// Anything else; `:=` and `::` are one.
    Symbol(String),
}

impl Token {
    pub(super) fn is(&self, symbol: &str) -> bool {
        matches!(self, Token::Symbol(text) if text == symbol)
    }

    fn word(&self, word: &str) -> bool {
        matches!(self, Token::Word(text) if text == word)
    }
}

/// Cuts text into tokens; `None` for what this small reader does not know (dollar quotes, escape strings).
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            _ if next.is_whitespace() => {}
            '-' if chars.peek() == Some(&'-') => {
                chars.by_ref().find(|c| *c == '\n');
            }
            '/' if chars.peek() == Some(&'*') => block_comment(&mut chars)?,
            // A parameter by its number; a quoted text is not read.
            '$' if chars.peek().is_some_and(char::is_ascii_digit) => {
                while chars.peek().is_some_and(char::is_ascii_digit) {
                    chars.next();
                }
                tokens.push(Token::Constant);
            }
            '$' => return None,
            '\'' => {
                // A doubled quote ends one constant and starts the next, which is all the same here.
                chars.by_ref().find(|c| *c == '\'')?;
                tokens.push(Token::Constant);
            }
            '"' => {
                let mut name: String = chars.by_ref().take_while(|c| *c != '"').collect();
                while chars.peek() == Some(&'"') {
                    chars.next();
                    name.push('"');
                    name.extend(chars.by_ref().take_while(|c| *c != '"'));
                }
                tokens.push(Token::Word(name));
            }
            _ if next.is_alphabetic() || next == '_' => {
                let mut word = next.to_lowercase().to_string();
                while let Some(more) = chars.peek().filter(|c| c.is_alphanumeric() || **c == '_') {
                    word.extend(more.to_lowercase());
                    chars.next();
                }
                let prefix = matches!(word.as_str(), "e" | "u" | "b" | "x");
                if prefix && matches!(chars.peek(), Some('\'' | '&')) {
                    return None;
                }
                tokens.push(Token::Word(word));
            }
            _ if next.is_ascii_digit() => {
                while chars.peek().is_some_and(|c| c.is_ascii_alphanumeric() || *c == '.') {
                    chars.next();
                }
                tokens.push(Token::Constant);
            }
            ':' if matches!(chars.peek(), Some('=' | ':')) => {
                let second = chars.next().unwrap_or('=');
                tokens.push(Token::Symbol(format!(":{second}")));
            }
            _ => tokens.push(Token::Symbol(next.to_string())),
        }
    }
    Some(tokens)
}

/// Skips a comment whose `/` is taken; they nest.
fn block_comment(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<()> {
    let (mut depth, mut last) = (0usize, '/');
    loop {
        let next = chars.next()?;
        match (last, next) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                last = next;
                continue;
            }
        }
        if depth == 0 {
            return Some(());
        }
        last = ' ';
    }
}

#[cfg(test)]
mod tests {
    use tenantry_span::{FileId, Span, TextRange};

    use super::{assigned_columns, is_pure};
    use crate::catalog::{Function, QualifiedName};
    use crate::types::SqlType;

    fn columns(body: &str) -> Option<Vec<String>> {
        assigned_columns(body, &|name| name == "now" || name == "lower")
    }

    #[test]
    fn bodies_that_touch_only_the_row_at_hand() {
        let none: Vec<String> = Vec::new();
        let notify = "begin
            if (tg_op = 'DELETE') then
                perform pg_notify(tg_table_name, 'D ' || old.tenant_id::text);
            elsif (tg_op = 'UPDATE') then
                perform pg_notify(tg_table_name, 'U ' || new.tenant_id::text);
            else
                null;
            end if;
            return new; /* ignored /* after */ the write */
        end;";
        assert_eq!(columns(notify), Some(none.clone()));
        assert_eq!(
            columns("BEGIN NEW.updated_at = now(); RETURN NEW; END"),
            Some(vec!["updated_at".to_owned()])
        );
        let slug = "declare base text := lower(new.name); begin new.slug := case when base = '' then 'x' else base end; return new; end;";
        assert_eq!(columns(slug), Some(vec!["slug".to_owned()]));
        let refuse = "begin if new.total < 0 then raise exception 'negative: %', new.total using errcode = '22003'; end if; return new; end";
        assert_eq!(columns(refuse), Some(none));
    }

    fn pure(language: &str, body: &str) -> bool {
        let name = QualifiedName { schema: "public".to_owned(), name: "f".to_owned() };
        let span = Span { file: FileId(0), range: TextRange::default() };
        let mut function = Function::new(name, span);
        function.language = language.to_owned();
        function.params = vec![("id".to_owned(), SqlType::Uuid)];
        function.body = body.to_owned();
        let known = ["now", "lower", "encode", "overlay", "extract", "floor", "substring", "gen_random_uuid"];
        is_pure(&function, &|name| known.contains(&name))
    }

    #[test]
    fn values_made_of_arguments() {
        assert!(pure("plpgsql", "begin return lower(id::text); end"));
        assert!(pure(
            "plpgsql",
            "declare x text; begin x := lower(id::text); if x = '' then return null; end if; return x; end;"
        ));
        assert!(pure(
            "plpgsql",
            "BEGIN RETURN overlay(gen_random_uuid()::text placing substring(floor(extract(epoch from now()))::text from 3) from 1 for 6)::uuid; END"
        ));
        assert!(pure("sql", "select lower($1::text);"));
        assert!(pure("sql", "SELECT id IS NOT DISTINCT FROM gen_random_uuid()"));
        assert!(pure("sql", "RETURN lower(id::text)"));
        assert!(pure("sql", "select pg_catalog.lower($1::text)"));
    }

    #[test]
    fn values_that_may_be_read_elsewhere() {
        for body in [
            "begin return (select count(*) from orders); end",
            "begin return id from orders; end",
            "begin return lower(id::text) from text; end",
            "begin return query select * from orders; end",
            "begin delete from orders; return id; end",
            "begin return forget(id); end",
            "begin return new.id; end; begin delete from orders; end",
        ] {
            assert!(!pure("plpgsql", body), "{body}");
        }
        for body in [
            "select id from orders",
            "select lower(name) from orders",
            "select 1; delete from orders",
            "select total",
            "select public.forget($1)",
            "select orders.id",
            "with x as (delete from orders) select 1",
            "",
        ] {
            assert!(!pure("sql", body), "{body}");
        }
        assert!(!pure("c", "select 1"));
    }

    #[test]
    fn bodies_that_may_touch_others() {
        for body in [
            "begin insert into audit values (new.id); return new; end",
            "begin perform forget(new.id); return new; end",
            "begin new.n := (select count(*) from orders); return new; end",
            "begin select count(*) into new.n from orders; return new; end",
            "begin execute 'delete from orders'; return new; end",
            "begin if exists (select 1 from orders) then return null; end if; return new; end",
            "begin for r in select * from orders loop null; end loop; return new; end",
            "declare n int := (select count(*) from orders); begin return new; end",
            "begin total := 1; return new; end",
            "begin return orders; end",
            "begin new.n := 1 from text; return new; end",
            "begin return new",
            "begin perform pg_notify('a', (select string_agg(id::text, ',') from orders)); return new; end",
            "begin null; exception when others then delete from orders; return new; end",
        ] {
            assert_eq!(columns(body), None, "{body}");
        }
    }
}
