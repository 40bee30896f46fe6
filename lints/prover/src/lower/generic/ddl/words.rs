//! Statements that are read by their words.

use tenantry_policy::Dialect;
use tenantry_span::{Span, TextRange};

use super::{Read, Reader, Refusal};
use crate::catalog::{Function, QualifiedName, Table, Trigger, View};
use crate::lower::edit::{Behavior, TEMPORARY};
use crate::lower::scan::{Token, tokens};

impl Reader<'_> {
    fn all_tokens(&self) -> Vec<Token> {
        tokens(self.dialect, self.text).collect()
    }

    /// The token after the first that is this word.
    fn after(&self, tokens: &[Token], word: &str) -> Option<usize> {
        tokens.iter().position(|token| token.is(self.text, word)).map(|at| at + 1)
    }

    /// The token after `IF [NOT] EXISTS`, and whether that stands there.
    fn past_exists(&self, tokens: &[Token], mut at: usize) -> (usize, bool) {
        let start = at;
        while tokens.get(at).is_some_and(|token| {
            token.is(self.text, "if") || token.is(self.text, "not") || token.is(self.text, "exists")
        }) {
            at += 1;
        }
        (at, at != start)
    }

    fn named(&self, tokens: &[Token], at: usize) -> Read<(QualifiedName, usize)> {
        self.name_at(tokens, at).ok_or_else(|| Refusal::new("its name could not be read"))
    }

    fn span_of(&self, tokens: &[Token], from: usize, to: usize) -> Span {
        let first = tokens.get(from).map(|token| token.range);
        let last = to.checked_sub(1).and_then(|at| tokens.get(at)).map(|token| token.range);
        match (first, last) {
            (Some(first), Some(last)) => {
                let range = first.cover(last);
                let offset = |at: u32| self.base.saturating_add(at);
                Span::new(self.file, TextRange::new(offset(range.start), offset(range.end)))
            }
            _ => self.whole(),
        }
    }

    /// `CREATE … VIEW name [(columns)] AS query`.
    pub(super) fn create_view(&mut self) -> Read {
        let tokens = self.all_tokens();
        let at = self.after(&tokens, "view").unwrap_or(0);
        let (at, may_exist) = self.past_exists(&tokens, at);
        let (mut name, next) = self.named(&tokens, at)?;
        let span = self.span_of(&tokens, at, next);
        let is = |word: &str| tokens.iter().take(at).any(|token| token.is(self.text, word));
        if is("temp") || is("temporary") {
            TEMPORARY.clone_into(&mut name.schema);
        }
        if self.exists(&name) && !is("replace") {
            return match may_exist {
                true => Ok(()),
                false => {
                    Err(Refusal::new(format!("{} was created before, and not dropped since", name.name)))
                }
            };
        }
        let view = self.view(&tokens, name.clone(), next, span)?;
        self.editor.catalog.views.insert(name, view);
        Ok(())
    }

    /// `ALTER VIEW name [(columns)] AS query`, which MySQL has.
    pub(super) fn alter_view(&mut self) -> Read {
        let tokens = self.all_tokens();
        let at = self.after(&tokens, "view").unwrap_or(0);
        let (name, next) = self.named(&tokens, at)?;
        let span = self.span_of(&tokens, at, next);
        let view = self.view(&tokens, name.clone(), next, span)?;
        self.editor.catalog.views.insert(name, view);
        Ok(())
    }

    /// The view whose columns or `AS` come at `at`.
    fn view(&self, tokens: &[Token], name: QualifiedName, at: usize, span: Span) -> Read<View> {
        let query_at = tokens.iter().skip(at).position(|token| token.is(self.text, "as"));
        let query_at = query_at.map(|found| at + found + 1);
        let query_at = query_at.ok_or_else(|| Refusal::new("its query could not be read"))?;
        let columns = tokens.get(at..query_at.saturating_sub(1)).unwrap_or(&[]);
        let columns = columns.iter().filter_map(|token| token.name(self.text)).collect();
        // `WITH [CASCADED | LOCAL] CHECK OPTION` refuses rows and hides none.
        let ends = |back: usize, word: &str| {
            tokens
                .len()
                .checked_sub(back)
                .and_then(|at| tokens.get(at))
                .is_some_and(|it| it.is(self.text, word))
        };
        let option = match (ends(1, "option") && ends(2, "check"), ends(3, "with"), ends(4, "with")) {
            (true, true, _) => 3,
            (true, false, true) => 4,
            _ => 0,
        };
        let range = self.span_of(tokens, query_at, tokens.len().saturating_sub(option)).range;
        let local =
            TextRange::new(range.start.saturating_sub(self.base), range.end.saturating_sub(self.base));
        let query = local.slice(self.text).to_owned();
        Ok(View { columns, ..View::new(name, query, span, range) })
    }

    /// `CREATE VIRTUAL TABLE`: its module decides what its columns are.
    pub(super) fn create_virtual_table(&mut self) -> Read {
        let tokens = self.all_tokens();
        let at = self.after(&tokens, "table").unwrap_or(0);
        let (at, _) = self.past_exists(&tokens, at);
        let (name, next) = self.named(&tokens, at)?;
        let span = self.span_of(&tokens, at, next);
        if !self.exists(&name) {
            self.editor.catalog.tables.insert(name.clone(), Table::new(name.clone(), span));
        }
        Err(Refusal::of(&name, "the columns of a virtual table are not known"))
    }

    /// `CREATE TRIGGER name … {INSERT | UPDATE | DELETE} … ON table`.
    pub(super) fn create_trigger(&mut self) -> Read {
        let tokens = self.all_tokens();
        let at = self.after(&tokens, "trigger").unwrap_or(0);
        let (at, _) = self.past_exists(&tokens, at);
        let (name, next) = self.named(&tokens, at)?;
        let events = ["insert", "update", "delete"];
        let event =
            tokens.iter().skip(next).find_map(|token| events.iter().find(|event| token.is(self.text, event)));
        let event = event.ok_or_else(|| Refusal::new("its event could not be read"))?;
        let on = tokens.iter().skip(next).position(|token| token.is(self.text, "on"));
        let on = on.ok_or_else(|| Refusal::new("its table could not be read"))?;
        let (table, _) = self.named(&tokens, next + on + 1)?;
        let trigger = Trigger {
            name: name.name,
            function: None,
            is_rule: false,
            events: vec![event.to_ascii_uppercase()],
            disabled: false,
            after_row: false,
            when: None,
            span: self.whole(),
        };
        let catalog = &mut *self.editor.catalog;
        let triggers = match catalog.tables.get_mut(&table) {
            Some(found) => Some(&mut found.triggers),
            None => catalog.views.get_mut(&table).map(|view| &mut view.triggers),
        };
        let Some(triggers) = triggers else {
            return Err(Refusal::of(&table, format!("there is no table {}", table.name)));
        };
        triggers.retain(|known| known.name != trigger.name);
        triggers.push(trigger);
        Ok(())
    }

    /// A stored function or procedure: that it is there, with all of its text.
    pub(super) fn create_routine(&mut self) -> Read {
        let tokens = self.all_tokens();
        let at = self.after(&tokens, "function").or_else(|| self.after(&tokens, "procedure")).unwrap_or(0);
        let (at, _) = self.past_exists(&tokens, at);
        let (name, _) = self.named(&tokens, at)?;
        let function = Function {
            language: "stored".to_owned(),
            body: self.text.to_owned(),
            security_definer: true,
            ..Function::new(name.clone(), self.whole())
        };
        self.editor.catalog.functions.insert(name, vec![function]);
        Ok(())
    }

    /// `DROP` of everything.
    pub(super) fn drop_by_words(&mut self, words: &[String]) -> Read {
        let tokens = self.all_tokens();
        let kind_at = if words.get(1).is_some_and(|word| word == "temporary") { 2 } else { 1 };
        let kind = words.get(kind_at).map_or("", String::as_str);
        let (at, if_exists) = self.past_exists(&tokens, kind_at + 1);
        match kind {
            "table" | "view" => self.drop_relations(&tokens, at, if_exists),
            "index" => {
                let (index, next) = self.named(&tokens, at)?;
                let on = tokens.get(next).filter(|token| token.is(self.text, "on"));
                if on.is_some() || self.indexes_belong_to_tables() {
                    let (table, _) = self.named(&tokens, next + 1)?;
                    return self.drop_index_of(&table, &index.name);
                }
                let found = self.editor.drop_index(None, &index.name, Behavior::Restrict);
                match found || if_exists {
                    true => Ok(()),
                    false => Err(Refusal::new(format!("there is no index {}", index.name))),
                }
            }
            "trigger" => {
                let (trigger, _) = self.named(&tokens, at)?;
                let catalog = &mut *self.editor.catalog;
                let tables = catalog.tables.values_mut().map(|table| &mut table.triggers);
                let views = catalog.views.values_mut().map(|view| &mut view.triggers);
                tables.chain(views).for_each(|known| known.retain(|it| it.name != trigger.name));
                Ok(())
            }
            "function" | "procedure" => {
                let (name, _) = self.named(&tokens, at)?;
                self.editor.catalog.functions.remove(&name);
                Ok(())
            }
            "database" | "schema" => {
                let (name, _) = self.named(&tokens, at)?;
                self.editor.drop_schema(&name.name);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn drop_relations(&mut self, tokens: &[Token], mut at: usize, if_exists: bool) -> Read {
        loop {
            let (name, next) = self.named(tokens, at)?;
            let found = self.editor.drop_table(&name, Behavior::Restrict)
                || self.editor.drop_view(&name, Behavior::Restrict);
            if !found && !if_exists {
                return Err(Refusal::of(&name, format!("there is no table {}", name.name)));
            }
            if !tokens.get(next).is_some_and(|comma| comma.is_punct(b',')) {
                return Ok(());
            }
            at = next + 1;
        }
    }
}

/// The text before a `PARTITION BY` outside of all brackets.
pub(super) fn before_partitions(dialect: Dialect, text: &str) -> &str {
    let mut depth = 0_usize;
    let mut last: Option<Token> = None;
    for token in tokens(dialect, text) {
        if token.is_punct(b'(') {
            depth += 1;
        } else if token.is_punct(b')') {
            depth = depth.saturating_sub(1);
        }
        if let Some(partition) = last.filter(|last| depth == 0 && last.is(text, "partition"))
            && token.is(text, "by")
        {
            return text.get(..partition.range.start as usize).unwrap_or(text);
        }
        last = Some(token);
    }
    text
}
