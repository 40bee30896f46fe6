//! Which files can matter, decided by bytes and tokens before any syntax tree is made.

use std::collections::HashSet;

use memchr::memmem;
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use tenantry_rules::SinkLibrary;

/// Words with which SQL texts begin.
const VERBS: &[&str] = &[
    "select",
    "insert",
    "update",
    "delete",
    "with",
    "merge",
    "replace",
    "create",
    "alter",
    "drop",
    "truncate",
    "refresh",
    "vacuum",
    "copy",
    "set",
    "call",
    "do",
    "lock",
    "grant",
    "revoke",
    "explain",
    "analyze",
    "reindex",
    "begin",
    "commit",
    "rollback",
    "listen",
    "notify",
    "unlisten",
    "values",
    "table",
    "pragma",
    "savepoint",
    "declare",
    "fetch",
    "prepare",
    "execute",
    "comment",
    "cluster",
    "discard",
    "reset",
    "show",
    "attach",
    "detach",
];

/// True if the text begins as a statement of SQL does: a verb and more.
pub(crate) fn looks_like_sql(text: &str) -> bool {
    let mut text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    while let Some(comment) = text.strip_prefix("--") {
        text = comment.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    let word_end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(word_end);
    rest.starts_with(|c: char| c.is_whitespace() || c == '*' || c == '(')
        && VERBS.iter().any(|verb| word.eq_ignore_ascii_case(verb))
        && (word.chars().all(|c| c.is_ascii_uppercase()) || word.chars().all(|c| c.is_ascii_lowercase()))
}

/// True if the text holds words of SQL anywhere.
pub(crate) fn mentions_sql(text: &str) -> bool {
    ["SELECT", "INSERT", "UPDATE", "DELETE", "select ", "insert ", "update ", "delete "]
        .iter()
        .any(|word| memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// Decides which files can hold sites or suppressions; made once for a run.
#[derive(Debug)]
pub struct Prefilter {
    crates: Vec<memmem::Finder<'static>>,
    words: Vec<memmem::Finder<'static>>,
    crate_names: HashSet<String>,
    names: HashSet<String>,
}

impl Prefilter {
    /// A prefilter for these sinks.
    pub fn new(sinks: &[SinkLibrary]) -> Prefilter {
        let crate_names: HashSet<String> = sinks.iter().flat_map(|sink| sink.crates.clone()).collect();
        let names = sinks
            .iter()
            .flat_map(|library| library.macros.iter().chain(&library.functions).chain(&library.methods))
            .flat_map(|sink| &sink.names)
            .map(|name| name.rsplit("::").next().unwrap_or(name).to_owned())
            .collect();
        let verbs = [
            "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "select ", "insert ", "update ",
            "delete ",
        ];
        let finder = |word: &str| memmem::Finder::new(word).into_owned();
        let crates = crate_names.iter().map(|name| finder(name)).collect();
        Prefilter { crates, words: verbs.into_iter().map(finder).collect(), crate_names, names }
    }

    /// True if the file must be read. A file for which this is false holds no site that [`crate::read`] would find.
    pub fn may_matter(&self, text: &[u8]) -> bool {
        if memmem::find(text, b"tenantry").is_some() {
            return true;
        }
        let names_a_crate = self.crates.iter().any(|finder| finder.find(text).is_some());
        if !names_a_crate && !self.words.iter().any(|finder| finder.find(text).is_some()) {
            return false;
        }
        let Ok(text) = std::str::from_utf8(text) else { return false };
        self.tokens_matter(text)
    }

    fn tokens_matter(&self, text: &str) -> bool {
        let mut at = 0usize;
        let (mut has_name, mut has_crate, mut has_sql) = (false, false, false);
        for token in tokenize(text, FrontmatterAllowed::No) {
            let end = at + token.len as usize;
            let slice = text.get(at..end).unwrap_or("");
            at = end;
            match token.kind {
                TokenKind::Ident | TokenKind::RawIdent => {
                    has_crate |= self.crate_names.contains(slice);
                    has_name |= self.names.contains(slice.trim_start_matches("r#"));
                }
                TokenKind::Literal { kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. }, .. } => {
                    let body = slice.trim_start_matches(['r', '#']).trim_start_matches('"');
                    has_sql |= looks_like_sql(body);
                }
                _ => {}
            }
            if has_name && (has_crate || has_sql) {
                return true;
            }
        }
        false
    }
}

/// Decides for one text; [`Prefilter`] is the way for many.
pub fn prefilter(text: &[u8], sinks: &[SinkLibrary]) -> bool {
    Prefilter::new(sinks).may_matter(text)
}

/// True if the file may define text constants that other files name.
pub fn may_define_constants(text: &[u8]) -> bool {
    let has = |word: &str| memmem::find(text, word.as_bytes()).is_some();
    (has("const ") || has("static ")) && has("str")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_do_not_make_a_file_matter() {
        let sinks = tenantry_rules::sinks();
        assert!(!prefilter(b"// sqlx::query\nfn a() { let x = \"sqlx query\"; }", sinks));
        assert!(prefilter(b"use sqlx::query; fn a() { query!(\"SELECT 1\"); }", sinks));
        assert!(prefilter(b"fn a(c: &Db) { c.execute(\"DELETE FROM orders\", &[]); }", sinks));
        assert!(!prefilter(b"fn a() { 1 + 1; }", sinks));
        assert!(prefilter(b"// tenantry: allow(x) reason=\"y\"", sinks));
    }

    #[test]
    fn prose_is_no_sql() {
        assert!(looks_like_sql("\n  SELECT 1"));
        assert!(looks_like_sql("select * from t"));
        assert!(!looks_like_sql("Select a colour"));
        assert!(!looks_like_sql("selection"));
    }
}
