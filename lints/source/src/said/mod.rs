//! What functions and constants say: those of which every text that they may give is written in them, and those of their
//! names that give something else.
//!
//! **Invariant:** a function says nothing but what its texts say: whatever it is asked, and whatever it computes besides,
//! its value is one of them. What is not surely so is a function that may give anything.
//! **Invariant:** of a function whose value may be printed and is not known there is an entry as well, so that who looks for
//! a name sees all that have it.

mod spoken;

use std::ops::Range;

use ra_ap_rustc_lexer::TokenKind;

use crate::chains::{Declaration, Declared, SaysDeclaration};
use crate::limits;
use crate::tokens::Tokens;

/// The largest body that is looked into, in bytes.
const MAX_BODY: usize = 8 << 10;

/// What stands in every file that has a function or a constant of text.
const TELLING: &[&str] =
    &["-> &", "-> String", "-> Cow", "-> std::", "-> impl ", "->&", "Display for", "str =", "str;"];

/// The name by which what functions of a name say is asked for.
pub(crate) fn of_functions(name: &str) -> String {
    format!("fn {name}")
}

/// The same of constants that types have.
pub(crate) fn of_constants(name: &str) -> String {
    format!("const {name}")
}

/// The name by which types and traits are asked for.
pub(crate) fn of_types(name: &str) -> String {
    format!("type {name}")
}

/// The same of a trait's implementations that are not seen for what they are.
pub(crate) fn of_hidden(name: &str) -> String {
    format!("impl {name}")
}

/// The trait that a macro says.
pub(crate) const ANY_TRAIT: &str = "?";

/// What a file declares.
pub(crate) fn declarations(text: &str, tokens: &Tokens, all: &mut Vec<Declared>) {
    let tells = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    if !TELLING.iter().any(|word| tells(word)) {
        return;
    }
    let tokens = self::tokens(text, tokens);
    let mut scan = Scan { text, tokens: &tokens, module: Vec::new(), depth: 0, all };
    scan.items(0..tokens.len(), &Around::default());
}

struct Token<'t> {
    kind: TokenKind,
    word: &'t str,
    /// Where it lies in the text.
    range: Range<usize>,
    /// Of a bracket the index of the one that it belongs to.
    other: usize,
}

/// The tokens with their brackets; of a text whose brackets do not match none.
fn tokens<'t>(text: &'t str, known: &Tokens) -> Vec<Token<'t>> {
    let mut tokens: Vec<Token<'_>> = Vec::with_capacity(known.all().len());
    let mut open: Vec<usize> = Vec::new();
    for token in known.all() {
        let range = token.range();
        let here = tokens.len();
        let mut other = here;
        match token.kind {
            TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket => open.push(here),
            TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket => {
                let Some(begun) = open.pop() else { return Vec::new() };
                if let Some(begun) = tokens.get_mut(begun) {
                    begun.other = here;
                }
                other = begun;
            }
            _ => {}
        }
        let word = text.get(range.clone()).unwrap_or("");
        let word = word.strip_prefix("r#").filter(|_| token.kind == TokenKind::RawIdent).unwrap_or(word);
        tokens.push(Token { kind: token.kind, word, range, other });
    }
    if open.is_empty() { tokens } else { Vec::new() }
}

/// What items stand in.
#[derive(Clone, Debug, Default)]
struct Around {
    /// The type that an `impl` is for, by its last name.
    of: Option<String>,
    /// The trait that it implements, or that is declared.
    of_trait: Option<String>,
    /// It is not known for which types it is.
    is_anyones: bool,
    /// An attribute may make something else of it.
    is_decorated: bool,
}

struct Scan<'t, 's> {
    text: &'t str,
    tokens: &'s [Token<'t>],
    module: Vec<String>,
    /// How many items what is scanned lies in.
    depth: usize,
    all: &'s mut Vec<Declared>,
}

impl<'t> Scan<'t, '_> {
    fn word(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |token| token.word)
    }

    fn is_ident(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| matches!(token.kind, TokenKind::Ident | TokenKind::RawIdent))
    }

    /// What follows a group in brackets, or the token itself.
    fn after(&self, at: usize) -> usize {
        self.tokens.get(at).map_or(at + 1, |token| token.other.max(at) + 1)
    }

    fn items(&mut self, range: Range<usize>, around: &Around) {
        if self.depth > limits::MAX_NESTING {
            return self.hidden(range, true);
        }
        self.depth += 1;
        let mut at = range.start;
        let mut decorated = false;
        while at < range.end {
            match self.word(at) {
                "#" => {
                    let bracket = at + 1 + usize::from(self.word(at + 1) == "!");
                    decorated |= !self.is_plain_attribute(bracket);
                    at = self.after(bracket);
                    continue;
                }
                // What stands before the keyword of an item.
                "pub" | "default" | "unsafe" | "extern" => {
                    at += 1;
                    if matches!(self.word(at), "(") {
                        at = self.after(at);
                    }
                    continue;
                }
                "async" if self.word(at + 1) == "fn" => at = self.function(at + 1, around, decorated, true),
                "const" if matches!(self.word(at + 1), "fn" | "unsafe" | "extern" | "async") => {
                    at += 1;
                    continue;
                }
                "const" if self.is_ident(at + 1) => at = self.constant(at, around, decorated),
                "fn" if self.is_ident(at + 1) => at = self.function(at, around, decorated, false),
                "mod" if self.word(at + 2) == "{" => {
                    self.module.push(self.word(at + 1).to_owned());
                    let end = self.after(at + 2);
                    self.items(at + 3..end.saturating_sub(1), around);
                    self.module.pop();
                    at = end;
                }
                "impl" => at = self.implementation(at, decorated),
                "trait" if self.is_ident(at + 1) => at = self.declared_trait(at, decorated),
                "struct" | "enum" | "union" if self.is_ident(at + 1) => {
                    self.add_type(self.word(at + 1), false);
                    at = self.end_of_item(at);
                }
                "!" => {
                    let group = at + 1 + usize::from(self.is_ident(at + 1));
                    self.hidden(group..self.after(group), true);
                    at = self.after(group);
                }
                _ => {
                    at = self.after(at);
                    continue;
                }
            }
            decorated = false;
        }
        self.depth -= 1;
    }

    /// What follows an item that ends with a semicolon or a group in braces.
    fn end_of_item(&self, from: usize) -> usize {
        let mut at = from;
        loop {
            match self.word(at) {
                "" | ";" => return at + 1,
                "{" => return self.after(at),
                _ => at = self.after(at),
            }
        }
    }

    fn is_plain_attribute(&self, bracket: usize) -> bool {
        let (mut at, mut plain) = (bracket + 1, false);
        while self.is_ident(at) || self.word(at) == ":" {
            plain |= crate::read::is_plain_attribute(self.word(at));
            at += 1;
        }
        plain || matches!(self.word(bracket + 1), "derive" | "repr" | "non_exhaustive")
    }

    /// `impl<…> Trait for Type where … { … }`.
    fn implementation(&mut self, at: usize, decorated: bool) -> usize {
        let mut from = at + 1;
        let mut generics = Vec::new();
        if self.word(from) == "<" {
            let end = self.end_of_angles(from);
            generics.extend((from..end).filter(|at| self.is_ident(*at)).map(|at| self.word(at)));
            from = end;
        }
        let (mut depth, mut end, mut is_for, mut ends) = (0usize, from, None, None);
        loop {
            match self.word(end) {
                "" | ";" => return end + 1,
                "{" if depth == 0 => break,
                "<" => depth += 1,
                ">" if !self.is_arrow(end) => depth = depth.saturating_sub(1),
                "for" if depth == 0 && self.word(end + 1) != "<" && ends.is_none() => is_for = Some(end),
                "where" if depth == 0 => ends = ends.or(Some(end)),
                _ => {}
            }
            end = match self.word(end) {
                "(" | "[" => self.after(end),
                _ => end + 1,
            };
        }
        let type_ends = ends.unwrap_or(end);
        let named = is_for.map_or(from, |at| at + 1)..type_ends;
        // A type of another module may have the name of one that is declared here.
        let is_path = named.clone().any(|at| self.word(at) == ":" && self.word(at + 1) == ":");
        let of =
            self.last_name(named).map(|name| if is_path { format!("::{name}") } else { name.to_owned() });
        let of_trait = is_for.and_then(|at| self.last_name(from..at));
        let is_anyones = of.as_deref().is_none_or(|name| generics.contains(&name));
        let around =
            Around { of, of_trait: of_trait.map(str::to_owned), is_anyones, is_decorated: decorated };
        let after = self.after(end);
        self.items(end + 1..after.saturating_sub(1), &around);
        after
    }

    fn declared_trait(&mut self, at: usize, decorated: bool) -> usize {
        let name = self.word(at + 1);
        self.add_type(name, true);
        let after = self.end_of_item(at);
        let mut open = at;
        while open < after && self.word(open) != "{" {
            open = self.after(open);
        }
        let around =
            Around { of: None, of_trait: Some(name.to_owned()), is_anyones: false, is_decorated: decorated };
        self.items(open + 1..after.saturating_sub(1), &around);
        after
    }

    fn is_arrow(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| matches!(self.word(before), "-" | "="))
    }

    fn end_of_angles(&self, from: usize) -> usize {
        let (mut depth, mut at) = (0usize, from);
        loop {
            match self.word(at) {
                "" => return at,
                "<" => depth += 1,
                ">" if !self.is_arrow(at) => {
                    depth -= 1;
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }

    /// The last name of a path that is all there is, behind references.
    fn last_name(&self, range: Range<usize>) -> Option<&'t str> {
        let mut at = range.start;
        let mut last = None;
        while at < range.end {
            match self.word(at) {
                "<" => {
                    at = self.end_of_angles(at);
                    continue;
                }
                "&" | ":" | "mut" | "dyn" => {}
                _ if self.is_ident(at) => last = Some(self.word(at)),
                _ if matches!(
                    self.tokens.get(at).map(|token| token.kind),
                    Some(TokenKind::Lifetime { .. })
                ) => {}
                _ => return None,
            }
            at += 1;
        }
        last
    }

    fn constant(&mut self, at: usize, around: &Around, decorated: bool) -> usize {
        let name = self.word(at + 1);
        let mut end = at;
        let mut value = None;
        while !matches!(self.word(end), "" | ";") {
            if self.word(end) == "=" && value.is_none() {
                value = Some(end + 1);
            }
            end = self.after(end);
        }
        let ty = at + 3..value.map_or(end, |value| value - 1);
        let is_text = ty.clone().any(|at| matches!(self.word(at), "str" | "String"));
        if around.of_trait.is_some() || around.is_anyones && is_text {
            let says = value.map(|from| self.source(from..end)).map(spoken::constant);
            // Text may go by another name.
            let says = if decorated || around.is_decorated || !is_text { Some(None) } else { says };
            self.add(of_constants(name), around, says.unwrap_or_else(|| Some(Vec::new())));
        }
        if let Some(value) = value {
            self.hidden(value..end, true);
        }
        end + 1
    }

    /// What is written there.
    fn source(&self, range: Range<usize>) -> &'t str {
        let first = self.tokens.get(range.start).map_or(0, |token| token.range.start);
        let last = range.end.checked_sub(1).and_then(|at| self.tokens.get(at));
        last.and_then(|last| self.text.get(first..last.range.end)).unwrap_or("")
    }

    fn function(&mut self, at: usize, around: &Around, decorated: bool, is_async: bool) -> usize {
        let name = self.word(at + 1);
        let mut open = at + 2;
        if self.word(open) == "<" {
            open = self.end_of_angles(open);
        }
        let params = open..self.after(open);
        let mut end = params.end;
        let mut ends = None;
        while !matches!(self.word(end), "" | ";" | "{") {
            if self.word(end) == "where" {
                ends = Some(end);
            }
            end = self.after(end);
        }
        let gives = match (self.word(params.end), self.word(params.end + 1)) {
            ("-", ">") => params.end + 2..ends.unwrap_or(end),
            _ => 0..0,
        };
        let (body, after) = match self.word(end) {
            "{" => (Some(end..self.after(end)), self.after(end)),
            _ => (None, end + 1),
        };
        if let Some(body) = &body {
            let inside = body.start + 1..body.end.saturating_sub(1);
            let implements = inside.clone().any(|at| self.word(at) == "impl");
            self.hidden(inside, implements);
        }
        if is_async {
            return after;
        }
        let is_written = name == "fmt" && around.of_trait.as_deref() == Some("Display");
        let is_open = decorated || around.is_decorated;
        let kind = if is_written { Gives::Text } else { self.gives(gives) };
        let said = match (kind, body) {
            (Gives::Nothing, _) => return after,
            (_, None) => Some(Vec::new()),
            (Gives::Text, Some(body)) if !is_open => self.said(body, is_written.then_some(params.clone())),
            _ => None,
        };
        self.add(of_functions(name), around, said);
        after
    }

    /// What a body says; of what writes to a formatter what it writes.
    fn said(&self, body: Range<usize>, writes: Option<Range<usize>>) -> Option<Vec<spoken::Word>> {
        let source = self.source(body.clone());
        let is_short = source.len() <= MAX_BODY;
        let says = body.clone().any(|at| source_of_text(self.tokens.get(at)));
        if !is_short || !says {
            return None;
        }
        match writes {
            None => spoken::function(source),
            Some(params) => {
                // `&self, f: …`.
                let comma = params.clone().find(|at| self.word(*at) == ",")?;
                spoken::writer(source, self.word(comma + 1))
            }
        }
    }

    fn gives(&self, range: Range<usize>) -> Gives {
        let words: Vec<&str> = range
            .filter(|at| {
                !matches!(self.tokens.get(*at).map(|token| token.kind), Some(TokenKind::Lifetime { .. }))
            })
            .map(|at| self.word(at))
            .collect();
        let path = |words: &[&'t str]| {
            let end = words.iter().position(|word| *word == "<").unwrap_or(words.len());
            end.checked_sub(1).and_then(|last| words.get(last).copied()).unwrap_or("")
        };
        let bare: Vec<&str> = words.iter().copied().skip_while(|word| matches!(*word, "&" | "mut")).collect();
        let is_text = |words: &[&str]| words.iter().any(|word| matches!(*word, "str" | "String"));
        // A path may lead to a type of one's own that is called so.
        let is_foreign =
            words.contains(&":") && !matches!(bare.first(), Some(&("std" | "alloc" | "borrow" | "impl")));
        match (bare.first().copied().unwrap_or(""), path(&bare)) {
            ("", _) | ("(" | "[" | "!", _) => Gives::Nothing,
            ("impl", _) => {
                let of_text = ["AsRef", "Into", "Display", "ToString", "Borrow", "Deref"];
                match bare.get(1) {
                    Some(&"Into" | &"Borrow") if !is_text(&bare) || words.contains(&":") => Gives::Something,
                    Some(bound) if of_text.contains(bound) => Gives::Text,
                    Some(&"Future" | &"Iterator" | &"Stream" | &"Fn" | &"FnOnce") => Gives::Nothing,
                    _ => Gives::Something,
                }
            }
            (_, "str" | "String" | "Cow" | "Box" | "Arc" | "Rc") if is_foreign => Gives::Something,
            (_, "str" | "String") => Gives::Text,
            (_, "Cow" | "Box" | "Arc" | "Rc") if is_text(&bare) => Gives::Text,
            (
                _,
                "Option" | "Result" | "Vec" | "HashMap" | "BTreeMap" | "HashSet" | "bool" | "Pin"
                | "Ordering",
            ) => Gives::Nothing,
            _ => Gives::Something,
        }
    }

    /// Functions, and constants if any type's may be among them, that stand where it is not seen whose they are.
    fn hidden(&mut self, range: Range<usize>, constants: bool) {
        for at in range.clone() {
            let name = match (self.word(at), self.is_ident(at + 1)) {
                ("impl", _) => match self.hidden_trait(at + 1..range.end) {
                    Some(name) => of_hidden(name),
                    None => continue,
                },
                ("fn", true) => of_functions(self.word(at + 1)),
                ("const", true) if constants && self.word(at + 2) == ":" => of_constants(self.word(at + 1)),
                _ => continue,
            };
            self.add(name, &Around { is_anyones: true, ..Around::default() }, None);
        }
    }

    /// The trait of an implementation of which not all is seen.
    fn hidden_trait(&self, range: Range<usize>) -> Option<&'t str> {
        let mut at = range.start;
        if self.word(at) == "<" {
            at = self.end_of_angles(at);
        }
        let mut last = None;
        while at < range.end {
            match self.word(at) {
                "for" if self.word(at + 1) != "<" => return last,
                "<" => {
                    at = self.end_of_angles(at);
                    continue;
                }
                "$" | "#" => {
                    last = Some(ANY_TRAIT);
                    at += 1;
                }
                ":" => {}
                _ if self.is_ident(at) => last = Some(self.word(at)),
                _ => return None,
            }
            at += 1;
        }
        None
    }

    fn add_type(&mut self, name: &str, is_trait: bool) {
        let around = Around { of_trait: is_trait.then(|| name.to_owned()), ..Around::default() };
        self.add(of_types(name), &around, Some(Vec::new()));
    }

    fn add(&mut self, name: String, around: &Around, said: Option<Vec<spoken::Word>>) {
        let is_known = said.is_some();
        let (mut texts, mut methods) = (Vec::new(), Vec::new());
        for word in said.unwrap_or_default() {
            match word {
                spoken::Word::Text(text) => texts.push(text),
                spoken::Word::Method(name) => methods.push(name),
            }
        }
        let says = SaysDeclaration {
            of: around.of.clone().filter(|_| !around.is_anyones),
            of_trait: around.of_trait.clone(),
            is_anyones: around.is_anyones,
            is_known,
            texts,
            methods,
        };
        self.all.push(Declared {
            name,
            module: self.module.clone(),
            krate: String::new(),
            cfgs: Vec::new(),
            what: Declaration::Says(says),
        });
    }
}

/// What a function's value is, by its type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gives {
    Text,
    /// What may be printed.
    Something,
    /// What is never written into a text as it stands.
    Nothing,
}

/// A text of its own may come of it.
fn source_of_text(token: Option<&Token<'_>>) -> bool {
    token.is_some_and(|token| {
        matches!(token.kind, TokenKind::Literal { .. }) && token.word.contains('"') || token.word == "self"
    })
}

#[cfg(test)]
mod tests {
    use super::declarations;
    use crate::chains::Declaration;

    fn said(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        declarations(text, &crate::tokens::Tokens::of(text), &mut all);
        let shown = all.into_iter().filter_map(|one| {
            let Declaration::Says(says) = one.what else { return None };
            if one.name.starts_with("type ") {
                return None;
            }
            let of = says
                .of
                .or(says.of_trait)
                .unwrap_or_else(|| if says.is_anyones { "?".into() } else { String::new() });
            let what = if says.is_known {
                says.texts.into_iter().chain(says.methods).collect::<Vec<_>>().join("|")
            } else {
                "…".into()
            };
            Some(format!("{}.{} {what}", of, one.name))
        });
        shown.collect()
    }

    #[test]
    fn texts_that_are_all_written_are_known() {
        let cases = [
            (
                "fn a(x: u8) -> &'static str { match x { 1 => \"p\", 2 | 3 => { \"q\" } _ => unreachable!() } }",
                ".fn a p|q",
            ),
            ("impl m::T { fn a() -> &'static str { \"p\" } }", "::T.fn a p"),
            ("pub(crate) const fn a() -> &'static str { \"p\" }", ".fn a p"),
            (
                "impl<'a> m::T<'a> { fn a(&self) -> String { if self.b() { return \"p\".into(); } \"q\".to_owned() } }",
                "::T.fn a q|p",
            ),
            ("impl Tr for T { fn a() -> Cow<'static, str> { Cow::Borrowed(\"p\") } }", "T.fn a p"),
            ("impl AsRef<str> for T { fn as_ref(&self) -> &str { self.name() } }", "T.fn as_ref name"),
            (
                "impl fmt::Display for T { fn fmt(&self, f: &mut F) -> fmt::Result { f.write_str(match self { A => \"p\", B => \"q\" }) } }",
                "T.fn fmt p|q",
            ),
            (
                "impl Display for T { fn fmt(&self, f: &mut F) -> fmt::Result { let s = match self { A => \"p\", B => \"q\" }; write!(f, \"{}\", s) } }",
                "T.fn fmt p|q",
            ),
            ("trait Tr { const A: &'static str; }", "Tr.const A "),
            ("impl Tr for T { const A: &'static str = concat!(\"p\", \"q\"); }", "T.const A pq"),
        ];
        for (text, expected) in cases {
            assert_eq!(said(text), [expected], "{text}");
        }
    }

    #[test]
    fn what_may_give_something_else_is_not() {
        let cases = [
            "fn a(x: &str) -> String { match x { \"p\" => \"p\".to_owned(), other => other.to_owned() } }",
            "fn a(x: &str) -> &str { if x.is_empty() { return x; } \"p\" }",
            "fn a(x: &str) -> &str { give!(return x); \"p\" }",
            "fn a(x: &str) -> &str { #[cfg(b)] { x } #[cfg(not(b))] { \"p\" } }",
            "fn a(x: &str) -> String { let mut s = \"p\".to_owned(); s.push_str(x); s }",
            "fn a(x: &str) -> String { format!(\"p{x}\") }",
            "fn a(x: &str) -> String { \"p\".to_owned() + x }",
            "fn a(x: &str) -> String { 'b: { if c { break 'b x.into(); } \"p\".into() } }",
            "fn a(x: &str) -> String { loop { break x.into(); } }",
            "#[rewritten] fn a() -> &'static str { \"p\" }",
            "fn a() -> Shown { \"p\".into() } const B: &str = \"q\";",
            "m! { fn a() -> &'static str { \"p\" } }",
            "macro_rules! m { () => { fn a() -> &'static str { \"p\" } } }",
        ];
        for text in cases {
            assert!(
                said(text).iter().all(|said| said.ends_with("…")) && !said(text).is_empty(),
                "{text}: {:?}",
                said(text)
            );
        }
        let twice = said(
            "impl Display for T { fn fmt(&self, f: &mut F) -> R { f.write_str(\"p\")?; f.write_str(self.x()) } }",
        );
        assert_eq!(twice, ["T.fn fmt …"]);
    }
}
