//! Which files can matter, decided by bytes and tokens before any syntax tree is made.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use memchr::memmem;
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};
use tenantry_rules::{SinkLibrary, SqlSource};

use crate::marks::{WORDS, may_mark};

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
pub fn looks_like_sql(text: &str) -> bool {
    let mut text = text;
    loop {
        text = text.trim_start_matches(before_sql);
        let ended = match (text.strip_prefix("--"), text.strip_prefix("/*")) {
            (Some(comment), _) => comment.split_once('\n'),
            (_, Some(comment)) => comment.split_once("*/"),
            _ => break,
        };
        text = ended.map_or("", |(_, rest)| rest);
    }
    let word_end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(word_end);
    rest.starts_with(|c: char| c.is_whitespace() || c == '*' || c == '(')
        && VERBS.iter().any(|verb| word.eq_ignore_ascii_case(verb))
        && (word.chars().all(|c| c.is_ascii_uppercase()) || word.chars().all(|c| c.is_ascii_lowercase()))
}

/// True if something behind a quotation mark may begin as SQL does. No text of SQL that is a token begins otherwise.
fn quotes_sql(text: &str) -> bool {
    let mut quotes = memchr::memchr_iter(b'"', text.as_bytes());
    quotes.any(|at| {
        let quoted = text.get(at + 1..).unwrap_or("").trim_start_matches(before_sql);
        // What follows a comment may be far away, and there may be as many comments as quotation marks.
        quoted.starts_with("--") || quoted.starts_with("/*") || looks_like_sql(quoted)
    })
}

fn before_sql(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ';')
}

/// True if the text holds words of SQL anywhere.
pub fn mentions_sql(text: &str) -> bool {
    ["SELECT", "INSERT", "UPDATE", "DELETE", "select ", "insert ", "update ", "delete "]
        .iter()
        .any(|word| memmem::find(text.as_bytes(), word.as_bytes()).is_some())
}

/// How much a name or text of a function's body makes the body worth parsing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Interest {
    /// Not at all.
    None,
    /// Only where the file may hold a prepared statement: the name is that of one's methods.
    Statement,
    /// Whatever else the file holds.
    Sure,
}

/// Keywords whose presence in a body matters to the rest of the file.
const TELLING: &[&str] = &["use", "mod", "extern", "macro_rules"];

/// Decides which files, and which functions of them, can hold sites or suppressions; made once for a run.
#[derive(Debug)]
pub struct Prefilter {
    /// Names of query libraries and words of SQL. Without it, which does not happen with so few words, every file is looked
    /// into.
    bytes: Option<AhoCorasick>,
    /// The names of query libraries alone.
    crates: Option<AhoCorasick>,
    /// The names of those whose queries are chains of calls.
    chained: Option<AhoCorasick>,
    names: HashMap<String, Role>,
    /// For each first byte, the lengths that a name of interest has, as bits; most names fail here.
    shapes: [u64; 256],
}

/// What a name may be. One name may be several things.
#[derive(Clone, Copy, Debug, Default)]
struct Role {
    /// A crate that is a query library.
    is_crate: bool,
    /// The last segment of a sink.
    is_sink: bool,
    /// The first segment of a sink, or a keyword of [`TELLING`].
    matters: bool,
    /// The name of a prepared statement's method.
    of_statement: bool,
    /// It stands in chains of calls.
    in_chain: bool,
    /// A name that comes with prepared statements: their types, and the methods that make them.
    tells_of_statements: bool,
}

impl Prefilter {
    /// A prefilter for these sinks.
    pub fn new<'s>(sinks: &'s [SinkLibrary]) -> Prefilter {
        let mut names: HashMap<String, Role> = HashMap::new();
        let mut role = |name: &str, set: fn(&mut Role)| set(names.entry(name.to_owned()).or_default());
        for library in sinks {
            let names = library.crates.iter().chain(&library.tells);
            names.for_each(|name| role(name.trim_start_matches("::"), |role| role.is_crate = true));
            library.chains.iter().for_each(|name| role(name, |role| role.in_chain = true));
            for sink in library
                .macros
                .iter()
                .chain(&library.functions)
                .chain(&library.methods)
                .chain(&library.structs)
            {
                let on_statement = sink.sql == SqlSource::Receiver;
                for name in &sink.names {
                    role(name.rsplit("::").next().unwrap_or(name), |role| role.is_sink = true);
                    let first = name.split("::").next().unwrap_or(name);
                    if on_statement {
                        role(first, |role| role.of_statement = true);
                    } else {
                        role(first, |role| role.matters = true);
                    }
                    if sink.prepares {
                        role(first, |role| role.tells_of_statements = true);
                    }
                }
                let types = sink.receivers.iter().filter(|_| on_statement);
                types.for_each(|name| role(name, |role| role.tells_of_statements = true));
            }
        }
        TELLING.iter().for_each(|name| role(name, |role| role.matters = true));
        let mut shapes = [0u64; 256];
        for name in names.keys() {
            if let Some(lengths) = name.as_bytes().first().and_then(|first| shapes.get_mut(*first as usize)) {
                *lengths |= length_bit(name);
            }
        }
        let words = [
            "SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "select ", "insert ", "update ",
            "delete ",
        ];
        let named = |sink: &'s SinkLibrary| sink.crates.iter().chain(&sink.tells).map(String::as_str);
        let crates = sinks.iter().flat_map(named);
        let bytes =
            AhoCorasick::new(words.into_iter().chain(WORDS.iter().copied()).chain(crates.clone())).ok();
        let chained = sinks.iter().filter(|sink| !sink.chains.is_empty());
        let chained = chained.flat_map(named);
        let chained = AhoCorasick::new(chained).ok();
        Prefilter { bytes, crates: AhoCorasick::new(crates).ok(), chained, names, shapes }
    }

    /// True if the file must be read. A file for which this is false holds no site that [`crate::read`] would find.
    pub fn may_matter(&self, text: &[u8]) -> bool {
        if self.bytes.as_ref().is_some_and(|bytes| !bytes.is_match(text)) {
            return false;
        }
        if may_mark(text) {
            return true;
        }
        let Ok(text) = std::str::from_utf8(text) else { return false };
        // Words such as "update " stand in comments everywhere. Where there is neither a library's name nor SQL behind a
        // quotation mark, the tokens cannot say more.
        let has_crate = self.crates.as_ref().is_none_or(|crates| crates.is_match(text));
        (has_crate || quotes_sql(text)) && self.tokens_matter(text)
    }

    fn tokens_matter(&self, text: &str) -> bool {
        let mut at = 0usize;
        let (mut has_name, mut has_crate, mut has_sql) = (false, false, false);
        let chains = self.may_chain(text);
        for token in tokenize(text, FrontmatterAllowed::No) {
            let end = at + token.len as usize;
            let slice = text.get(at..end).unwrap_or("");
            at = end;
            match token.kind {
                TokenKind::Ident | TokenKind::RawIdent => {
                    let role = self.role(slice.trim_start_matches("r#"));
                    has_crate |= role.is_crate;
                    has_name |= role.is_sink || role.in_chain && chains;
                }
                TokenKind::Literal { kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. }, .. } => {
                    let body = slice.trim_start_matches(['r', '#']).trim_start_matches('"');
                    has_sql = has_sql || looks_like_sql(body);
                }
                _ => {}
            }
            if has_name && (has_crate || has_sql) {
                return true;
            }
        }
        false
    }

    fn role(&self, name: &str) -> Role {
        let lengths = name.as_bytes().first().and_then(|first| self.shapes.get(*first as usize));
        if lengths.is_none_or(|lengths| lengths & length_bit(name) == 0) {
            return Role::default();
        }
        self.names.get(name).copied().unwrap_or_default()
    }

    /// True if a library whose queries are chains of calls is named, in a comment perhaps.
    pub(crate) fn may_chain(&self, text: &str) -> bool {
        self.chained.as_ref().is_none_or(|chained| chained.is_match(text))
    }

    /// How much a name makes the body of a function worth parsing; `chains` where the file may hold chains of calls.
    pub(crate) fn interest(&self, name: &str, chains: bool) -> Interest {
        let role = self.role(name);
        match (role.matters || role.is_crate || role.in_chain && chains, role.of_statement) {
            (true, _) => Interest::Sure,
            (false, true) => Interest::Statement,
            (false, false) => Interest::None,
        }
    }

    /// True if a file with this name may hold a prepared statement.
    pub(crate) fn tells_of_statements(&self, name: &str) -> bool {
        self.role(name).tells_of_statements
    }

    /// True for names of sinks: what is imported under another one may be called by that.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        let role = self.role(name);
        role.is_sink || role.matters || role.is_crate
    }
}

fn length_bit(name: &str) -> u64 {
    1 << name.len().min(63)
}

/// Decides for one text; [`Prefilter`] is the way for many.
pub fn prefilter(text: &[u8], sinks: &[SinkLibrary]) -> bool {
    Prefilter::new(sinks).may_matter(text)
}

/// True if the file may define text constants that other files name: told by bytes alone, so sometimes wrongly.
pub fn may_define_constants(text: &str) -> bool {
    declared(text).next().is_some()
}

/// The names of the text constants that a file may define, some of them more than once.
pub fn constant_names(text: &str) -> Vec<&str> {
    declared(text).collect()
}

/// Everything in a text that may be a name, in comments and strings too.
pub fn names(text: &str) -> impl Iterator<Item = &str> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes.get(at..)?.iter().position(|byte| is_name(*byte))?;
        let rest = bytes.get(start..)?;
        at = start + rest.iter().position(|byte| !is_name(*byte)).unwrap_or(rest.len());
        text.get(start..at)
    })
}

fn declared(text: &str) -> impl Iterator<Item = &str> {
    let bytes = text.as_bytes();
    let starts = |word: &'static str| {
        let ends = memmem::find_iter(bytes, word).map(move |at| at + word.len());
        ends.filter(|end| bytes.get(*end).is_none_or(u8::is_ascii_whitespace))
    };
    starts("const").chain(starts("static")).filter_map(|at| {
        let declared = text.get(at..).unwrap_or("");
        let end = declared.find(['=', ';', '{']).unwrap_or(declared.len());
        let (name, of_type) = declared.get(..end)?.split_once(':')?;
        let is_text = of_type.contains("str") || of_type.contains("String");
        let name = name.trim().trim_start_matches("mut ").trim().trim_start_matches("r#");
        is_text.then_some(name)
    })
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
        assert!(!prefilter(b"// update the query\nfn a(c: &Db) { c.execute(\"a\"); }", sinks));
        for quoted in ["\"\n  select 1\"", "r#\"select 1\"#", "\"-- all of it\nSELECT 1\"", "\"(SELECT 1)\""]
        {
            assert!(
                prefilter(format!("fn a(c: &Db) {{ c.execute({quoted}); }}").as_bytes(), sinks),
                "{quoted}"
            );
        }
    }

    #[test]
    fn constants_are_known_by_name() {
        let text =
            "pub const A: &str = \"x\"; static mut B : String = c(); const C: u8 = 1; fn d(const_: &str) {}";
        assert_eq!(constant_names(text), ["A", "B"]);
        assert_eq!(names("a::B(c_1, \"dé\")").collect::<Vec<_>>(), ["a", "B", "c_1", "dé"]);
    }

    #[test]
    fn prose_is_no_sql() {
        assert!(looks_like_sql("\n  SELECT 1"));
        assert!(looks_like_sql("select * from t"));
        assert!(!looks_like_sql("Select a colour"));
        assert!(!looks_like_sql("selection"));
    }
}
