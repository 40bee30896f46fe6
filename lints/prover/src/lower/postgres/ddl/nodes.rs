//! Names and texts of the syntax tree.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::plpgsql::Plpgsql;
use squawk_syntax::{SyntaxKind, SyntaxNode, SyntaxToken};
use tenantry_policy::Dialect;
use tenantry_span::TextRange;

use super::{Read, Reader, need};
use crate::catalog::QualifiedName;
use crate::lower::edit::TEMPORARY;
use crate::lower::scan::tokens;

/// A name with the schema it is written with.
#[derive(Clone, Debug)]
pub(super) struct Name {
    pub(super) schema: Option<String>,
    pub(super) name: String,
}

/// A range of the parser as ours.
pub(super) fn plain(start: impl Into<usize>, end: impl Into<usize>) -> TextRange {
    TextRange::from_usize(start.into(), end.into())
}

pub(super) fn offset(range: TextRange, base: u32) -> TextRange {
    TextRange::new(range.start.saturating_add(base), range.end.saturating_add(base))
}

/// The range of a node in its text, without the blanks and comments at its ends.
pub(super) fn range(node: &SyntaxNode) -> TextRange {
    match ends(node) {
        Some((first, last)) => plain(first.text_range().start(), last.text_range().end()),
        None => plain(node.text_range().start(), node.text_range().start()),
    }
}

/// The same in the text of the statement whose string `body` is.
pub(super) fn range_in_body(node: &SyntaxNode, body: &Plpgsql) -> TextRange {
    let range = match ends(node) {
        Some((first, last)) => first.text_range().cover(last.text_range()),
        None => node.text_range(),
    };
    let range = body.source_range(range);
    plain(range.start(), range.end())
}

fn ends(node: &SyntaxNode) -> Option<(SyntaxToken, SyntaxToken)> {
    let speaks = |token: &SyntaxToken| !token.kind().is_trivia() && token.kind() != SyntaxKind::SEMICOLON;
    // The last child may be a node without tokens, so `last_token` will not do.
    let tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    let mut tokens = tokens.filter(speaks);
    let first = tokens.next()?;
    let last = tokens.last().unwrap_or_else(|| first.clone());
    Some((first, last))
}

/// The text of a node, without the blanks and comments at its ends.
pub(super) fn text(node: &SyntaxNode) -> String {
    let whole = node.text().to_string();
    let base = plain(node.text_range().start(), node.text_range().end()).start;
    let within = range(node);
    let within = TextRange::new(within.start.saturating_sub(base), within.end.saturating_sub(base));
    within.slice(&whole).to_owned()
}

/// The words of a node, upper case.
pub(super) fn words(node: &SyntaxNode) -> String {
    let text = text(node);
    let words = tokens(Dialect::Postgres, &text).map(|token| token.range.slice(&text).to_ascii_uppercase());
    words.collect::<Vec<_>>().join(" ")
}

/// True if a token of this kind is a direct child.
pub(super) fn has(node: &SyntaxNode, kind: SyntaxKind) -> bool {
    node.children_with_tokens().any(|child| child.kind() == kind)
}

/// A path as it is spelled in a text, such as the function that a trigger calls.
pub(super) fn path_in(text: &str) -> Option<Name> {
    let mut parts: Vec<String> = Vec::new();
    let mut tokens = tokens(Dialect::Postgres, text);
    loop {
        parts.push(tokens.next()?.name(text)?);
        if !tokens.next().is_some_and(|dot| dot.is_punct(b'.')) {
            break;
        }
    }
    let name = parts.pop()?;
    Some(Name { schema: parts.pop(), name })
}

impl Reader<'_> {
    /// The name that a node of a single name spells.
    pub(super) fn ident(&self, node: Option<&SyntaxNode>, what: &str) -> Read<String> {
        let name = ast::normalize_name_node(need(node, what)?);
        if name.is_empty() { need(None, what) } else { Ok(self.editor.keep(&name)) }
    }

    fn name(&self, qualifier: Option<ast::PathRef>, segment: Option<&SyntaxNode>) -> Read<Name> {
        let schema = match qualifier {
            Some(path) => Some(self.ident(path.segment().as_ref().map(AstNode::syntax), "schema")?),
            None => None,
        };
        Ok(Name { schema, name: self.ident(segment, "name")? })
    }

    /// The name at which a new thing is created.
    pub(super) fn path(&self, path: Option<ast::Path>) -> Read<Name> {
        let path = need(path, "name")?;
        self.name(path.qualifier(), path.segment().as_ref().map(AstNode::syntax))
    }

    /// The name of a thing that is there.
    pub(super) fn path_ref(&self, path: Option<ast::PathRef>) -> Read<Name> {
        let path = need(path, "name")?;
        self.name(path.qualifier(), path.segment().as_ref().map(AstNode::syntax))
    }

    /// The full name of a thing that is created.
    pub(super) fn created(&self, name: Name) -> QualifiedName {
        let schema = name.schema.unwrap_or_else(|| self.editor.creation_schema());
        QualifiedName { schema, name: name.name }
    }

    /// The full name of a table or view that is created, which may be temporary.
    pub(super) fn created_relation(
        &self,
        path: Option<ast::Path>,
        persistence: Option<ast::Persistence>,
    ) -> Read<QualifiedName> {
        let name = self.path(path)?;
        let schema = match persistence {
            Some(ast::Persistence::Temp(_)) => Some(TEMPORARY.to_owned()),
            Some(ast::Persistence::Unlogged(_)) | None => name.schema,
        };
        Ok(self.created(Name { schema, ..name }))
    }

    /// The full name of a table or view that is there.
    pub(super) fn relation(&self, path: Option<ast::PathRef>) -> Read<QualifiedName> {
        let name = self.path_ref(path)?;
        Ok(self.editor.resolve(name.schema.as_deref(), &name.name))
    }

    /// The full name of something that is there, in one of the catalog's maps.
    pub(super) fn existing(&self, name: Name, is_there: impl Fn(&QualifiedName) -> bool) -> QualifiedName {
        if name.schema.is_some() {
            return self.created(name);
        }
        let path = self.editor.catalog.search_path.iter();
        let mut candidates =
            path.map(|schema| QualifiedName { schema: schema.clone(), name: name.name.clone() });
        candidates.find(is_there).unwrap_or_else(|| self.created(name.clone()))
    }

    /// The table that a statement changes.
    pub(super) fn table_ref(&self, table: Option<ast::TableNameRef>) -> Read<QualifiedName> {
        self.relation(table.and_then(|table| table.path_ref()))
    }
}
