//! What of a file has to be parsed, found on its tokens: functions that name nothing of interest keep their heads only,
//! and nothing keeps its documentation.
//!
//! **Invariant:** every byte of a reduced text lies where it lay in the whole one, so that places hold for both.
//! **Invariant:** what is not sure to be the body of a function stays. A body that is left out names no sink, no query
//! library, no name that a `use` gives to one, imports nothing, declares no module, defines no macro and holds no text
//! that begins as SQL, so that no site and no import of the file is lost with it.

use std::borrow::Cow;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

use crate::calls::Names;
use crate::prefilter::{Interest, Prefilter, looks_like_sql};

/// The text without the bodies of functions in which nothing can be a site.
pub(crate) fn reduced<'t>(text: &'t str, prefilter: &Prefilter) -> Cow<'t, str> {
    let Some(outline) = Outline::of(text, Some(prefilter)) else { return Cow::Borrowed(text) };
    let keep = |body: &Body<'_>| match body.interest {
        Interest::None => false,
        Interest::Statement => outline.has_statements,
        Interest::Sure => true,
    };
    // A function that is handed text has to be seen together with its callers.
    let handed = outline.bodies.iter().filter(|body| keep(body)).filter_map(|body| body.handed);
    let names: Vec<&str> = outline.renames.iter().map(String::as_str).chain(handed).collect();
    let names = if names.is_empty() { None } else { AhoCorasick::new(names).ok() };
    let mentions = |body: &Body<'_>| {
        names.as_ref().is_some_and(|names| names.is_match(text.get(body.range.clone()).unwrap_or("")))
    };
    let chains = prefilter.may_chain(text);
    let says = |body: &Body<'_>| {
        let body = text.get(body.range.clone()).unwrap_or("");
        may_compare(body) || chains && may_be_chain(body)
    };
    blank(text, outline.bodies.iter().filter(|body| !keep(body) && !mentions(body) && !says(body)))
}

/// True for the body of a function that may be nothing but a part of a query, which counts where the function is called.
fn may_be_chain(body: &str) -> bool {
    const LONGEST: usize = 1_000;
    let has = |part: &str| memchr::memmem::find(body.as_bytes(), part.as_bytes()).is_some();
    body.len() <= LONGEST
        && !has(";")
        && [".eq(", ".filter(", ".into_boxed(", "::table"].iter().any(|part| has(part))
}

/// True for the body of a function that may do nothing but compare what it is handed, so that its call is a check.
fn may_compare(body: &str) -> bool {
    const LONGEST: usize = 300;
    let has = |part: &str| memchr::memmem::find(body.as_bytes(), part.as_bytes()).is_some();
    body.len() <= LONGEST
        && (has("==") || has("!="))
        && !["let ", "for ", "while ", "match "].iter().any(|word| has(word))
}

/// The text without the bodies of functions in which none of the names is called.
pub(crate) fn calling<'t>(text: &'t str, prefilter: &Prefilter, names: &Names) -> Cow<'t, str> {
    let Some(outline) = Outline::of(text, Some(prefilter)) else { return Cow::Borrowed(text) };
    let chains = prefilter.may_chain(text);
    let calls = |body: &Body<'_>| {
        let inner = text.get(body.range.clone()).unwrap_or("");
        let says = || names.are_for_calls() && (may_compare(inner) || chains && may_be_chain(inner));
        names.contains(body.name) || names.are_called_in(inner) || says()
    };
    blank(text, outline.bodies.iter().filter(|body| !calls(body)))
}

/// The text without the bodies of functions and types, if it holds a constant of text outside of them. Files that cannot
/// be outlined are given whole.
pub(crate) fn with_constants(text: &str) -> Option<Cow<'_, str>> {
    match Outline::of(text, None) {
        Some(outline) => outline.has_text_constant.then(|| blank(text, outline.bodies.iter())),
        None => Some(Cow::Borrowed(text)),
    }
}

fn blank<'t: 'b, 'b>(text: &'t str, bodies: impl Iterator<Item = &'b Body<'t>>) -> Cow<'t, str> {
    let mut out = String::new();
    let mut from = 0;
    for body in bodies {
        if body.range.end <= from {
            continue;
        }
        let (Some(before), Some(inner)) = (text.get(from..body.range.start), text.get(body.range.clone()))
        else {
            return Cow::Borrowed(text);
        };
        if out.is_empty() {
            out.reserve(text.len());
        }
        out.push_str(before);
        out.extend(std::iter::repeat_n(' ', inner.len()));
        from = body.range.end;
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(text.get(from..).unwrap_or(""));
    Cow::Owned(out)
}

/// A part that may be left out: the body of a function, or a comment that documents something.
struct Body<'t> {
    /// What lies between its braces, or the comment, in bytes.
    range: Range<usize>,
    interest: Interest,
    /// The function's name, where its head mentions text.
    handed: Option<&'t str>,
    /// The function's name.
    name: &'t str,
}

#[derive(Default)]
struct Outline<'t> {
    bodies: Vec<Body<'t>>,
    /// A statement of a library may be held somewhere in the file.
    has_statements: bool,
    has_text_constant: bool,
    /// Names that a `use … as name` gives to something that is a sink or may hold one.
    renames: Vec<String>,
}

/// Where the scan is.
enum Place {
    /// Among items.
    Items,
    /// After `fn name`; how many brackets are open since.
    Head(usize),
    /// Within a body: its start, the open braces, what was seen.
    Inside(usize, usize, Interest),
    /// After `name!`, before its tokens.
    Macro,
    /// Within the tokens of a macro: how many brackets are open.
    Tokens(usize),
    /// After `const` or `static`, before its value.
    Constant,
}

/// A token that says something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    /// A keyword after which the head of an item comes that may be left out.
    Keyword,
    As,
    Name,
    Other,
}

/// What a name is to the outline.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Fn,
    /// `struct`, `enum` or `union`.
    Type,
    /// `const` or `static`.
    Constant,
    Use,
    As,
    /// A type that texts have.
    Text,
    /// A trait through which text is handed.
    TextLike,
    Other,
}

/// Tells words by length and first byte before they are compared, since nearly all are others.
fn word(name: &str) -> Word {
    let is = |known: &str, word: Word| if name == known { word } else { Word::Other };
    match (name.len(), name.as_bytes().first()) {
        (2, Some(b'f')) => is("fn", Word::Fn),
        (2, Some(b'a')) => is("as", Word::As),
        (3, Some(b'u')) => is("use", Word::Use),
        (3, Some(b's')) => is("str", Word::Text),
        (3, Some(b'C')) => is("Cow", Word::TextLike),
        (4, Some(b'e')) => is("enum", Word::Type),
        (4, Some(b'I')) => is("Into", Word::TextLike),
        (5, Some(b'A')) => is("AsRef", Word::TextLike),
        (5, Some(b'c')) => is("const", Word::Constant),
        (5, Some(b'u')) => is("union", Word::Type),
        (6, Some(b's')) if name == "static" => Word::Constant,
        (6, Some(b's')) => is("struct", Word::Type),
        (6, Some(b'S')) => is("String", Word::Text),
        (7, Some(b'D')) => is("Display", Word::TextLike),
        _ => Word::Other,
    }
}

impl<'t> Outline<'t> {
    /// `None` where the tokens do not make sense.
    fn of(text: &'t str, prefilter: Option<&Prefilter>) -> Option<Outline<'t>> {
        let mut outline = Outline::default();
        let chains = prefilter.is_some_and(|prefilter| prefilter.may_chain(text));
        let mut place = Place::Items;
        let mut last = Last::Other;
        let mut last_name = "";
        let (mut in_use, mut after_star) = (false, false);
        // The name of the function whose head was read last, and whether the head mentions text.
        let (mut function, mut head) = ("", None);
        // What it is lent to add to is a text or a builder.
        let mut lent = Interest::None;
        let mut at = 0usize;
        for token in tokenize(text, FrontmatterAllowed::No) {
            let start = at;
            at += token.len as usize;
            let name = match token.kind {
                TokenKind::Whitespace => continue,
                TokenKind::LineComment { doc_style } => {
                    // As an attribute it would have to be parsed.
                    if doc_style.is_some() && !matches!(place, Place::Inside(..)) {
                        outline.bodies.push(Body {
                            range: start..at,
                            interest: Interest::None,
                            handed: None,
                            name: "",
                        });
                    }
                    continue;
                }
                TokenKind::BlockComment { terminated: true, doc_style } => {
                    if doc_style.is_some() && !matches!(place, Place::Inside(..)) {
                        outline.bodies.push(Body {
                            range: start..at,
                            interest: Interest::None,
                            handed: None,
                            name: "",
                        });
                    }
                    continue;
                }
                TokenKind::Ident => text.get(start..at)?,
                TokenKind::RawIdent => text.get(start..at)?.trim_start_matches("r#"),
                TokenKind::Unknown | TokenKind::BlockComment { .. } | TokenKind::UnknownPrefix => {
                    return None;
                }
                _ => "",
            };
            let interest = match (prefilter, token.kind) {
                (None, _) => Interest::None,
                (Some(prefilter), _) if !name.is_empty() => prefilter.interest(name, chains),
                (_, TokenKind::Literal { kind, .. }) => string_interest(kind, text.get(start..at)?),
                _ => Interest::None,
            };
            if let Some(prefilter) = prefilter
                && !name.is_empty()
            {
                outline.has_statements |= prefilter.tells_of_statements(name);
                if in_use && last == Last::As && prefilter.is_named(last_name) {
                    outline.renames.push(name.to_owned());
                }
            }
            let said = word(name);
            match place {
                Place::Items | Place::Constant if last == Last::Keyword => {
                    (function, head, lent) = (name, None, Interest::None);
                }
                Place::Head(_) if last_name == "mut" && matches!(name, "String" | "Vec" | "QueryBuilder") => {
                    lent = Interest::Sure;
                    head = (name != "QueryBuilder").then_some(function).or(head);
                }
                Place::Head(_) if matches!(said, Word::Text | Word::TextLike) => head = Some(function),
                _ => {}
            }
            place = match (place, token.kind) {
                (Place::Items, TokenKind::Ident) if said == Word::Constant && !after_star => Place::Constant,
                (Place::Items, TokenKind::Ident) if last == Last::Keyword => Place::Head(0),
                (Place::Items, TokenKind::Bang) if last == Last::Name => Place::Macro,
                (Place::Items, _) => Place::Items,
                (Place::Constant, TokenKind::Ident) if last == Last::Keyword => Place::Head(0),
                (Place::Constant, TokenKind::Ident) => {
                    outline.has_text_constant |= said == Word::Text;
                    Place::Constant
                }
                (Place::Constant, TokenKind::Eq | TokenKind::Semi | TokenKind::OpenBrace) => Place::Items,
                (Place::Constant, _) => Place::Constant,
                (Place::Head(0), TokenKind::OpenBrace) => Place::Inside(at, 1, lent),
                (Place::Head(0), TokenKind::Semi) => Place::Items,
                (Place::Head(open), TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket) => {
                    Place::Head(open + 1)
                }
                (
                    Place::Head(open),
                    TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket,
                ) => Place::Head(open.checked_sub(1)?),
                (Place::Head(open), _) => Place::Head(open),
                (Place::Inside(from, open, seen), TokenKind::OpenBrace) => {
                    Place::Inside(from, open + 1, seen)
                }
                (Place::Inside(from, 1, seen), TokenKind::CloseBrace) => {
                    outline.bodies.push(Body {
                        range: from..start,
                        interest: seen,
                        handed: head,
                        name: function,
                    });
                    Place::Items
                }
                (Place::Inside(from, open, seen), TokenKind::CloseBrace) => {
                    Place::Inside(from, open - 1, seen)
                }
                (Place::Inside(from, open, seen), _) => Place::Inside(from, open, seen.max(interest)),
                (Place::Macro, TokenKind::Ident) => Place::Macro,
                (Place::Macro, TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket) => {
                    Place::Tokens(1)
                }
                (Place::Macro, _) => Place::Items,
                (
                    Place::Tokens(open),
                    TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket,
                ) => Place::Tokens(open + 1),
                (
                    Place::Tokens(1),
                    TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket,
                ) => Place::Items,
                (
                    Place::Tokens(open),
                    TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket,
                ) => Place::Tokens(open - 1),
                (Place::Tokens(open), _) => Place::Tokens(open),
            };
            after_star = token.kind == TokenKind::Star;
            in_use = (in_use || said == Word::Use) && token.kind != TokenKind::Semi;
            if last != Last::As && !name.is_empty() && said != Word::As {
                last_name = name;
            }
            last = match said {
                Word::Fn => Last::Keyword,
                // Fields are types that a variable's own type may depend on; a constant's text does not.
                Word::Type if prefilter.is_none() => Last::Keyword,
                Word::As => Last::As,
                _ if name.is_empty() => Last::Other,
                _ => Last::Name,
            };
        }
        matches!(place, Place::Items).then_some(outline)
    }
}

fn string_interest(kind: LiteralKind, token: &str) -> Interest {
    let is_text = matches!(kind, LiteralKind::Str { .. } | LiteralKind::RawStr { .. });
    let body = token.trim_start_matches(['r', '#']).trim_start_matches('"');
    if is_text && looks_like_sql(body) { Interest::Sure } else { Interest::None }
}

#[cfg(test)]
mod tests {
    use super::{reduced, with_constants};
    use crate::Prefilter;

    fn parts(text: &str) -> String {
        let reduced = reduced(text, &Prefilter::new(tenantry_rules::sinks()));
        assert_eq!(reduced.len(), text.len());
        reduced.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn bodies_that_name_nothing_of_interest_are_left_out() {
        let text = "use sqlx::query;
            fn a() -> Vec<u8> { let x = [{ 1 }]; x.len() }
            impl B { async fn c(&self) where Self: Sized { query(\"SELECT 1\").fetch_all(p).await } }
            fn d() { db::connect(); }";
        assert_eq!(
            parts(text),
            "use sqlx::query; fn a() -> Vec<u8> { } impl B { async fn c(&self) where Self: Sized { \
             query(\"SELECT 1\").fetch_all(p).await } } fn d() { }"
        );
    }

    #[test]
    fn names_that_imports_give_to_sinks_count() {
        let text = "use sqlx::{query as q, PgPool as Pool}; fn a() { q(x); } fn b() { Pool::new(); }";
        assert_eq!(parts(text), "use sqlx::{query as q, PgPool as Pool}; fn a() { q(x); } fn b() { }");
    }

    #[test]
    fn who_hands_text_to_a_function_that_stays_stays_too() {
        let text = "fn run(c: &C, sql: &str) { c.execute(sql); } fn a() { run(c, LIST); } fn b() { other(c); } \
                    fn other(c: &C) { c.execute(x); }";
        assert_eq!(parts(text), text.replace(" other(c); ", " "));
    }

    #[test]
    fn imports_modules_macros_and_texts_stay() {
        for body in
            ["use a::b;", "mod c;", "macro_rules! d { () => {} }", "e(\"DELETE FROM f\");", "sqlx::g();"]
        {
            let text = format!("fn a() {{ {body} }}");
            assert_eq!(parts(&text), text);
        }
    }

    #[test]
    fn what_is_no_body_stays() {
        for text in [
            "macro_rules! a { () => { fn b() { c(); } } }",
            "struct A { b: *const u8 } macro_rules! c { () => { fn d() { e(); } } }",
            "type A = fn(u8) -> u8; struct B { c: fn() }",
            "const A: fn() = || { b(); };",
            "fn a() { b(",
            "fn a() { \"unterminated }",
            "thread_local! { static A: u8 = { b() }; }",
        ] {
            assert_eq!(parts(text), text);
        }
    }

    #[test]
    fn constants_of_text_are_seen_outside_of_functions() {
        assert!(
            with_constants("const A: &str = \"x\"; fn b() { c() }").is_some_and(|text| !text.contains("c()"))
        );
        assert!(with_constants("impl B { pub const A: &'static str = \"x\"; }").is_some());
        assert!(with_constants("static A: LazyLock<String> = x();").is_some());
        assert!(with_constants("const A: u8 = 1; fn b(c: &str) { const D: &str = \"x\"; }").is_none());
        assert!(with_constants("pub const fn a(b: &str) { c() }").is_none());
    }
}
