//! What else runs when a table is written: triggers, rules, checks and defaults that call functions.

use std::collections::BTreeSet;

use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use crate::catalog::{ColumnDefault, Function, QualifiedName, ReferentialAction, Table, Trigger};
use crate::tenancy::TableOwner;
use crate::verdict::ObstacleKind;

use super::Binder;
use super::functions::{self, Class, Shape};

impl<'a> Binder<'a> {
    /// Notes what a write of this kind to the table also runs.
    pub(super) fn written(&mut self, table: &'a Table, event: &str, range: TextRange) {
        self.event_triggers(table, event, range);
        if event == "DELETE" {
            return;
        }
        let checks = table.checks.iter().map(|check| ("a check constraint", &check.expr));
        let defaults = table.columns.iter().filter_map(|column| match &column.default {
            ColumnDefault::Expr(text) => Some(("a default", text)),
            ColumnDefault::Computed(text) => Some(("a computed column", text)),
            ColumnDefault::None | ColumnDefault::Generated => None,
        });
        for (what, text) in checks.chain(defaults) {
            let Some(function) = self.user_function_in(text) else { continue };
            let message = format!(
                "{what} of `{}` calls the function `{function}`, which may read or write anything",
                table.name.name
            );
            self.obstacle(ObstacleKind::UnknownFunction, range, message);
        }
    }

    fn event_triggers(&mut self, table: &'a Table, event: &str, range: TextRange) {
        let catalog = self.catalog;
        let parts = catalog.descendants(&table.name);
        for table in std::iter::once(table).chain(parts) {
            for trigger in &table.triggers {
                let runs = !trigger.disabled && trigger.events.iter().any(|known| known == event);
                if runs && !self.is_harmless(table, trigger) {
                    let what = if trigger.is_rule { "rule" } else { "trigger" };
                    let message = format!(
                        "the {what} `{}` on `{}` may read or write anything",
                        trigger.name, table.name.name
                    );
                    self.obstacle(ObstacleKind::UnknownFunction, range, message);
                }
            }
        }
    }

    /// Triggers of the tables that referential actions reach. `updated` are the positions of the columns that an
    /// update sets; `None` for a deletion.
    pub(super) fn cascade_triggers(&mut self, table: &'a Table, updated: Option<&[usize]>, range: TextRange) {
        let catalog = self.catalog;
        let mut seen: BTreeSet<(QualifiedName, bool)> = BTreeSet::new();
        let updated_names: Option<Vec<&str>> = updated.map(|positions| {
            positions
                .iter()
                .filter_map(|position| table.columns.get(*position))
                .map(|c| c.name.as_str())
                .collect()
        });
        let mut queue: Vec<(&Table, bool)> = vec![(table, updated.is_none())];
        let mut first = true;
        while let Some((parent, deleted)) = queue.pop() {
            for child in catalog.tables.values() {
                for key in child.foreign_keys.iter().filter(|key| key.target == parent.name) {
                    let action = if deleted { &key.on_delete } else { &key.on_update };
                    let touched = match (&updated_names, first) {
                        (Some(names), true) => {
                            key.target_columns.iter().any(|column| names.contains(&column.as_str()))
                        }
                        _ => true,
                    };
                    let event = match action {
                        _ if !touched => continue,
                        ReferentialAction::Refuse => continue,
                        ReferentialAction::Cascade if deleted => "DELETE",
                        ReferentialAction::Cascade
                        | ReferentialAction::SetNull(_)
                        | ReferentialAction::SetDefault(_) => "UPDATE",
                    };
                    if seen.insert((child.name.clone(), event == "DELETE")) {
                        self.event_triggers(child, event, range);
                        queue.push((child, event == "DELETE"));
                    }
                }
            }
            first = false;
        }
    }

    /// A trigger whose function only assigns columns of the new row that say nothing of its owner.
    fn is_harmless(&self, table: &Table, trigger: &Trigger) -> bool {
        let Some(name) = &trigger.function else { return false };
        if trigger.is_rule {
            return false;
        }
        if self.tenancy.trusted_functions.contains_key(&name.name) {
            return true;
        }
        let functions = self.catalog.functions.get(name).map(Vec::as_slice);
        let Some([function]) = functions else { return false };
        self.only_assigns_new(function)
            .is_some_and(|columns| columns.iter().all(|column| !self.tells_owner(table, column)))
    }

    /// Whether a column is a key of the tenant or refers to another row, or is computed from.
    fn tells_owner(&self, table: &Table, column: &str) -> bool {
        let key = match self.tenancy.owner(&table.name) {
            TableOwner::Keyed { keys, .. } | TableOwner::Root { keys } => {
                keys.iter().any(|(name, _)| name == column)
            }
            TableOwner::Child { by, .. } => by == column,
            TableOwner::Shared | TableOwner::Undeclared => true,
        };
        let refers =
            table.foreign_keys.iter().any(|foreign| foreign.columns.iter().any(|name| name == column));
        let computes = table.columns.iter().any(|other| matches!(other.default, ColumnDefault::Computed(_)));
        key || refers || computes
    }

    /// The columns that a trigger function assigns, if it does nothing else but `NEW.column := expression` and
    /// `RETURN NEW`.
    fn only_assigns_new(&self, function: &Function) -> Option<Vec<String>> {
        if function.language != "plpgsql" || self.dialect != Dialect::Postgres {
            return None;
        }
        let tokens = tokens(&function.body)?;
        let mut rest = tokens.as_slice();
        rest = strip_word(rest, "begin")?;
        let mut columns = Vec::new();
        loop {
            let end = rest.iter().position(|token| token.is(";"))?;
            let (statement, after) = (rest.get(..end)?, rest.get(end + 1..)?);
            rest = after;
            match statement {
                [new, dot, Token::Word(column), assign, value @ ..]
                    if new.word("new") && dot.is(".") && (assign.is(":=") || assign.is("=")) =>
                {
                    if !self.is_plain_value(value) {
                        return None;
                    }
                    columns.push(column.clone());
                }
                [back, new] if back.word("return") && new.word("new") => break,
                _ => return None,
            }
        }
        rest = strip_word(rest, "end")?;
        rest.iter().all(|token| token.is(";")).then_some(columns)
    }

    /// An expression of constants, `NEW.x`, `OLD.x`, and known functions.
    fn is_plain_value(&self, tokens: &[Token]) -> bool {
        const WORDS: &[&str] = &[
            "null",
            "true",
            "false",
            "and",
            "or",
            "not",
            "is",
            "at",
            "time",
            "zone",
            "interval",
            "case",
            "when",
            "then",
            "else",
            "end",
            "distinct",
            "coalesce",
            "nullif",
            "greatest",
            "least",
            "current_timestamp",
            "current_date",
            "localtimestamp",
            "cast",
            "as",
            "text",
            "bigint",
            "integer",
            "int",
            "uuid",
            "timestamptz",
            "timestamp",
            "date",
            "numeric",
            "boolean",
            "jsonb",
        ];
        for (index, token) in tokens.iter().enumerate() {
            let Token::Word(word) = token else { continue };
            let before = index.checked_sub(1).and_then(|index| tokens.get(index));
            let row_before = index
                .checked_sub(2)
                .and_then(|index| tokens.get(index))
                .is_some_and(|token| token.word("new") || token.word("old"));
            let called = tokens.get(index + 1).is_some_and(|token| token.is("("));
            let is_field = before.is_some_and(|token| token.is(".")) && row_before && !called;
            let is_row =
                (word == "new" || word == "old") && tokens.get(index + 1).is_some_and(|token| token.is("."));
            let qualified = before.is_some_and(|token| token.is("."));
            if is_field || is_row || (WORDS.contains(&word.as_str()) && !qualified) {
                continue;
            }
            if !called || qualified || !self.is_known_scalar(word) {
                return false;
            }
        }
        !tokens.is_empty()
    }

    fn is_known_scalar(&self, name: &str) -> bool {
        let user = self.catalog.functions.keys().any(|known| known.name == name);
        let shape = Shape { arity: 1, over: false, within_group: false };
        !user && matches!(functions::builtin(self.dialect, name, shape), Some(Class::Scalar(_)))
    }

    /// A function of the schema that a piece of SQL text calls; text that cannot be cut into tokens calls anything.
    fn user_function_in(&self, text: &str) -> Option<String> {
        let Some(tokens) = tokens(text) else { return Some("?".to_owned()) };
        let mut calls = tokens.windows(2).filter_map(|pair| match pair {
            [Token::Word(name), next] if next.is("(") => Some(name),
            _ => None,
        });
        let trusted = &self.tenancy.trusted_functions;
        let user = calls.find(|name| {
            self.catalog.functions.keys().any(|known| known.name == **name) && !trusted.contains_key(*name)
        });
        user.cloned()
    }
}

/// A token of PL/pgSQL, as far as it is looked at.
#[derive(Debug, PartialEq, Eq)]
enum Token {
    /// An identifier or keyword, folded.
    Word(String),
    /// A string or number.
    Constant,
    /// Anything else; `:=` and `::` are one.
    Symbol(String),
}

impl Token {
    fn is(&self, symbol: &str) -> bool {
        matches!(self, Token::Symbol(text) if text == symbol)
    }

    fn word(&self, word: &str) -> bool {
        matches!(self, Token::Word(text) if text == word)
    }
}

fn strip_word<'t>(tokens: &'t [Token], word: &str) -> Option<&'t [Token]> {
    let (first, rest) = tokens.split_first()?;
    first.word(word).then_some(rest)
}

/// Cuts text into tokens; `None` for what this small reader does not know (dollar quotes, escape strings, block
/// comments).
fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        match next {
            _ if next.is_whitespace() => {}
            '-' if chars.peek() == Some(&'-') => {
                chars.by_ref().find(|c| *c == '\n');
            }
            '/' if chars.peek() == Some(&'*') => return None,
            '$' => return None,
            '\'' => {
                // A doubled quote ends one constant and starts the next, which is all the same here.
                chars.by_ref().find(|c| *c == '\'')?;
                tokens.push(Token::Constant);
            }
            '"' => {
                let name: String = chars.by_ref().take_while(|c| *c != '"').collect();
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
