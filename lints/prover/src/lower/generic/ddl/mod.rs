//! DDL of MySQL and SQLite: what a file of statements makes of a catalog.
//!
//! Tables and indexes are read by `sqlparser`; what it does not know well (triggers, stored functions, the many words
//! before a view's name) is read by its words.
//!
//! **Invariant:** a statement has its whole effect on the catalog, or it is in `skipped`.

mod alter;
mod table;
#[cfg(test)]
mod tests;
mod words;

use sqlparser::ast::{self as sql, Spanned};
use sqlparser::parser::Parser;
use tenantry_policy::Dialect;
use tenantry_span::{FileId, LineCol, LineIndex, Span, TextRange};

use super::{parser_dialect, shorten};
use crate::catalog::{Catalog, QualifiedName};
use crate::lower::edit::{Behavior, Editor, Read, Refusal, TEMPORARY};
use crate::lower::limits::{Limit, MAX_NESTING, MAX_TEXT, MAX_TOKENS};
use crate::lower::scan::{Piece, Token, cut, tokens};

/// Applies all statements of one file in order, on top of what is there. The caller runs this on a deep stack.
pub(in crate::lower) fn apply(dialect: Dialect, catalog: &mut Catalog, file: FileId, text: &str) {
    for piece in cut(dialect, text) {
        let statement = piece.range.slice(text);
        let mut reader = Reader {
            editor: Editor { catalog },
            dialect,
            file,
            text: statement,
            base: piece.range.start,
            lines: LineIndex::new(statement),
        };
        if let Err(refusal) = reader.piece(&piece) {
            reader.skip(refusal);
        }
    }
    catalog.views.retain(|name, _| name.schema != TEMPORARY);
    catalog.tables.retain(|name, _| name.schema != TEMPORARY);
}

/// Reads one statement into a catalog.
struct Reader<'a> {
    editor: Editor<'a>,
    dialect: Dialect,
    file: FileId,
    /// The statement.
    text: &'a str,
    /// Where it begins in the file.
    base: u32,
    lines: LineIndex,
}

impl Reader<'_> {
    fn piece(&mut self, piece: &Piece) -> Read {
        // The first words tell what it is, so that data of any size is passed by cheaply.
        let head: Vec<Token> = tokens(self.dialect, self.text).take(HEAD).collect();
        let words: Vec<String> = head.iter().map(|token| token.name(self.text).unwrap_or_default()).collect();
        let word = |at: usize| words.get(at).map_or("", String::as_str);
        let has = |word: &str| words.iter().any(|it| it == word);
        match word(0) {
            "create" if has("trigger") => self.create_trigger(),
            "create" if has("function") || has("procedure") => self.create_routine(),
            "create" if has("event") || has("user") || has("role") || has("server") => Ok(()),
            "create" if has("database") || has("schema") || has("tablespace") => Ok(()),
            "create" if has("view") && !has("table") => self.create_view(),
            "create" if has("virtual") => self.create_virtual_table(),
            "create" if has("table") => self.parsed(words::before_partitions(self.dialect, self.text), piece),
            "create" => self.parsed(self.text, piece),
            "alter" if has("view") => self.alter_view(),
            "alter" if word(1) != "table" => Ok(()),
            "alter" => self.parsed(self.text, piece),
            "drop" => self.drop_by_words(&words),
            "rename" if word(1) == "table" => self.parsed(self.text, piece),
            "rename" => Ok(()),
            first if NO_CHANGE.contains(&first) => Ok(()),
            _ => Err(Refusal::new("what it does is not known")),
        }
    }

    /// Reads a statement with the parser.
    fn parsed(&mut self, text: &str, piece: &Piece) -> Read {
        if let Some(limit) = limit(piece) {
            return Err(Refusal::new(limit.message()));
        }
        let parser_dialect = parser_dialect(self.dialect);
        let parser = Parser::new(parser_dialect.as_ref()).with_recursion_limit(MAX_NESTING);
        let parsed = parser.try_with_sql(text).and_then(|mut parser| parser.parse_statements());
        let statements = parsed.map_err(|error| Refusal::new(format!("it could not be read: {error}")))?;
        statements.into_iter().try_for_each(|statement| self.statement(statement))
    }

    fn statement(&mut self, statement: sql::Statement) -> Read {
        match statement {
            sql::Statement::CreateTable(create) => self.create_table(create),
            sql::Statement::CreateIndex(create) => self.create_index(create),
            sql::Statement::AlterTable(alter) => self.alter_table(alter),
            sql::Statement::RenameTable(renames) => renames.into_iter().try_for_each(|rename| {
                let sql::RenameTable { old_name, new_name } = rename;
                let (from, to) = (self.relation(&old_name)?, self.created(&new_name)?);
                self.rename(&from, &to)
            }),
            other => {
                Err(Refusal::new(format!("the statement `{}` is not modelled", shorten(&other.to_string()))))
            }
        }
    }

    fn skip(&mut self, refusal: Refusal) {
        let table = refusal.table.or_else(|| self.visible_table());
        let span = self.whole();
        self.editor.skip(span, Refusal { why: refusal.why, table });
    }

    /// The table that the statement would change, where its name can be seen.
    fn visible_table(&self) -> Option<QualifiedName> {
        let head: Vec<Token> = tokens(self.dialect, self.text).take(HEAD).collect();
        let names: Vec<String> = head.iter().map(|token| token.name(self.text).unwrap_or_default()).collect();
        let first = names.first()?;
        let introduces = match first.as_str() {
            "alter" | "create" | "drop" | "rename" if names.iter().any(|word| word == "table") => "table",
            "alter" | "create" | "drop" => "on",
            _ => return None,
        };
        let mut at = names.iter().position(|word| word == introduces)? + 1;
        while names.get(at).is_some_and(|word| ["if", "not", "exists"].contains(&word.as_str())) {
            at += 1;
        }
        let (name, _) = self.name_at(&head, at)?;
        Some(name)
    }

    /// A possibly qualified name at a token, and the token after it.
    fn name_at(&self, tokens: &[Token], at: usize) -> Option<(QualifiedName, usize)> {
        let first = tokens.get(at)?.name(self.text)?;
        let second = tokens.get(at + 2).and_then(|token| token.name(self.text));
        let qualifies = tokens.get(at + 1).is_some_and(|dot| dot.is_punct(b'.'));
        Some(match second.filter(|_| qualifies) {
            Some(second) => (self.editor.resolve(Some(&first), &second), at + 3),
            None => (self.editor.resolve(None, &first), at + 1),
        })
    }

    /// The whole statement's place.
    fn whole(&self) -> Span {
        let range = TextRange::from_usize(0, self.text.len());
        Span::new(self.file, TextRange::new(self.base, self.base.saturating_add(range.end)))
    }

    /// The place of a part, or the whole statement's where the parser knows none.
    fn place(&self, part: &impl Spanned) -> Span {
        let span = part.span();
        let offset = |at: sqlparser::tokenizer::Location| {
            let line = u32::try_from(at.line).ok()?;
            let column = u32::try_from(at.column).ok()?;
            self.lines.offset(self.text, LineCol { line, column })
        };
        match (offset(span.start), offset(span.end)) {
            (Some(start), Some(end)) if start < end => {
                let range = TextRange::new(self.base.saturating_add(start), self.base.saturating_add(end));
                Span::new(self.file, range)
            }
            _ => self.whole(),
        }
    }

    /// Schema and name as written.
    fn parts(&self, name: &sql::ObjectName) -> Read<(Option<String>, String)> {
        let sql::ObjectName(parts) = name;
        let mut idents = Vec::new();
        for part in parts {
            match part {
                sql::ObjectNamePart::Identifier(ident) => idents.push(fold(ident)),
                sql::ObjectNamePart::Function(_) => return Err(Refusal::new("its name is computed")),
            }
        }
        let name = idents.pop().ok_or_else(|| Refusal::new("its name could not be read"))?;
        Ok((idents.pop(), name))
    }

    /// The name of a table or view that is there.
    fn relation(&self, name: &sql::ObjectName) -> Read<QualifiedName> {
        let (schema, name) = self.parts(name)?;
        Ok(self.editor.resolve(schema.as_deref(), &name))
    }

    /// The name of a table that is created.
    fn created(&self, name: &sql::ObjectName) -> Read<QualifiedName> {
        let (schema, name) = self.parts(name)?;
        let schema = match schema.as_deref() {
            Some("temp") if self.dialect == Dialect::Sqlite => TEMPORARY.to_owned(),
            Some(schema) => schema.to_owned(),
            None => self.editor.creation_schema(),
        };
        Ok(QualifiedName { schema, name })
    }

    fn rename(&mut self, from: &QualifiedName, to: &QualifiedName) -> Read {
        self.editor.rename_relation(from, to);
        Ok(())
    }

    fn exists(&self, name: &QualifiedName) -> bool {
        let catalog = &self.editor.catalog;
        catalog.tables.contains_key(name) || catalog.views.contains_key(name)
    }
}

/// How many tokens of a statement's beginning say what it is.
const HEAD: usize = 24;

/// The first words of statements after which no table is another.
const NO_CHANGE: [&str; 48] = [
    "abort",
    "analyze",
    "attach",
    "begin",
    "call",
    "change",
    "checksum",
    "commit",
    "delete",
    "describe",
    "detach",
    "do",
    "end",
    "explain",
    "flush",
    "grant",
    "handler",
    "insert",
    "install",
    "kill",
    "load",
    "lock",
    "optimize",
    "pragma",
    "prepare",
    "purge",
    "reindex",
    "release",
    "repair",
    "replace",
    "reset",
    "revoke",
    "rollback",
    "savepoint",
    "select",
    "set",
    "show",
    "signal",
    "source",
    "start",
    "stop",
    "table",
    "truncate",
    "unlock",
    "update",
    "use",
    "vacuum",
    "values",
];

fn limit(piece: &Piece) -> Option<Limit> {
    if piece.range.len() as usize > MAX_TEXT {
        return Some(Limit::Text);
    }
    if piece.tokens > MAX_TOKENS {
        return Some(Limit::Tokens);
    }
    (piece.nesting > MAX_NESTING).then_some(Limit::Nesting)
}

/// A name as both dialects compare names.
fn fold(ident: &sql::Ident) -> String {
    ident.value.to_lowercase()
}

fn folded(idents: &[sql::Ident]) -> Vec<String> {
    idents.iter().map(fold).collect()
}

fn behavior(written: Option<sql::DropBehavior>) -> Behavior {
    match written {
        Some(sql::DropBehavior::Cascade) => Behavior::Cascade,
        Some(sql::DropBehavior::Restrict) | None => Behavior::Restrict,
    }
}
