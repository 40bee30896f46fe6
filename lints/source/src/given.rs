//! What macros give names to where they are called: items and imports have no hygiene, so that `setup!();` may declare the
//! constant that a later line names.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use ra_ap_rustc_lexer::TokenKind;

use crate::chains::{Declaration, Declared};
use crate::read::{Reader, reads_only};
use crate::tokens::{Token, Tokens};

/// Keywords of items, before their names.
const ITEMS: &[&str] = &["const", "static", "fn", "mod", "struct", "enum", "union", "trait", "type", "use"];

/// How many macros are followed from one to the next.
const MAX_MACROS: usize = 4;

/// What `macro_rules!` makes of a macro.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MacroDeclaration {
    /// What its items and imports are called.
    pub names: Vec<String>,
    /// It makes items of any name.
    pub is_open: bool,
    /// It makes items whose names it is handed.
    pub takes_names: bool,
    /// The macros that it calls where its own items stand.
    pub calls: Vec<String>,
    /// Its rules, as they are written.
    pub body: String,
}

/// The names that macros give to something in a scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Given {
    names: BTreeSet<String>,
    /// Any name may be among them.
    is_open: bool,
}

impl Given {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.is_open || self.names.contains(name)
    }

    pub(crate) fn extend(&mut self, other: Given) {
        self.names.extend(other.names);
        self.is_open |= other.is_open;
    }
}

/// The name by which is asked for modules that lend their macros to what follows them.
pub(crate) const MACRO_USE: &str = "#[macro_use]";

/// True if a module of the text lends its macros to what follows it; crates that are brought with theirs do not count.
fn lends_macros(text: &str) -> bool {
    if memchr::memmem::find(text.as_bytes(), b"macro_use").is_none() {
        return false;
    }
    let tokens = crate::tokens::Tokens::of(text);
    let tokens = tokens.all();
    let lends = |at: usize| {
        let mut after = tokens.iter().skip(at).map(|token| token.text(text));
        after.find(|word| matches!(*word, "mod" | "extern")).is_none_or(|word| word == "mod")
    };
    tokens.iter().enumerate().any(|(at, token)| token.text(text) == "macro_use" && lends(at))
}

/// The macros that a text defines, under their names with a mark behind, and that it lends those of a module.
pub(crate) fn declarations(text: &str, all: &mut Vec<Declared>) {
    if lends_macros(text) {
        let (name, what) = (MACRO_USE.to_owned(), Declaration::MacroUse);
        all.push(Declared { name, module: Vec::new(), krate: String::new(), cfgs: Vec::new(), what });
    }
    for (name, what) in defined(text) {
        all.push(Declared {
            name: format!("{name}!"),
            module: Vec::new(),
            krate: String::new(),
            cfgs: Vec::new(),
            what: Declaration::Macro(what),
        });
    }
}

/// The macros that a text defines.
pub(crate) fn defined(text: &str) -> Vec<(String, MacroDeclaration)> {
    if memchr::memmem::find(text.as_bytes(), b"macro_rules").is_none() {
        return Vec::new();
    }
    let macros = crate::loose::macros_defined(text).into_iter();
    macros
        .map(|(range, name)| {
            let name = name.strip_prefix("r#").unwrap_or(name).to_owned();
            (name, MacroDeclaration::of(range.slice(text)))
        })
        .collect()
}

impl MacroDeclaration {
    /// Reads `macro_rules! name { … }`.
    fn of(text: &str) -> MacroDeclaration {
        let mut found = MacroDeclaration::default();
        let tokens = Tokens::of(text);
        let tokens = tokens.all();
        let word = |at: usize| tokens.get(at).map_or("", |token| token.text(text));
        found.body = text.to_owned();
        // For each bracket that is open: what stands in it is in the scope of whoever calls.
        let mut open: Vec<bool> = Vec::new();
        let mut at = 3;
        while let Some(token) = tokens.get(at) {
            let before = |steps: usize| at.checked_sub(steps).map_or("", word);
            match token.kind {
                TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket => {
                    let is_seen = match open.as_slice() {
                        [] => false,
                        // The rules themselves: what follows `=>` is what the macro makes.
                        [_] => before(1) == ">" && before(2) == "=",
                        [.., around] => *around && (before(1) == "$" || before(1) == "!" || before(2) == "!"),
                    };
                    open.push(is_seen);
                }
                TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket => drop(open.pop()),
                TokenKind::Ident | TokenKind::RawIdent if open.len() > 1 && open.last() == Some(&true) => {
                    if word(at + 1) == "!" && word(at + 2) != "=" {
                        found.calls.push(word(at).to_owned());
                    } else if word(at) == "use" {
                        at = found.import(tokens, text, at + 1);
                        continue;
                    } else if ITEMS.contains(&word(at)) && before(1) != "*" {
                        found.item(tokens, text, at + 1);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        // What is no group of rules is not read.
        found.is_open |= tokens.len() < 5 || found.calls.iter().any(|name| name == "include");
        found.names.sort();
        found.names.dedup();
        found.calls.sort();
        found.calls.dedup();
        found
    }

    /// The name of an item, behind its keyword.
    fn item(&mut self, tokens: &[Token], text: &str, from: usize) {
        let words = tokens.iter().skip(from).map(|token| token.text(text));
        let mut words =
            words.skip_while(|word| matches!(*word, "mut" | "ref" | "unsafe" | "async" | "extern"));
        match words.next().unwrap_or_default() {
            "$" => self.takes_names = true,
            "fn" | "_" => {}
            name if is_name(name) => self.names.push(plain(name)),
            _ => {}
        }
    }

    /// The names of an import, behind its keyword. Gives where it ends.
    fn import(&mut self, tokens: &[Token], text: &str, from: usize) -> usize {
        let mut last = String::new();
        let mut heads: Vec<String> = Vec::new();
        let mut is_handed = false;
        for (at, token) in tokens.iter().enumerate().skip(from) {
            match token.text(text) {
                "crate" => is_handed = false,
                // A name that the macro gives to what it is handed.
                _ if std::mem::take(&mut is_handed) => self.takes_names = true,
                "*" => {
                    self.is_open = true;
                    last.clear();
                }
                "$" => is_handed = true,
                "{" => heads.push(std::mem::take(&mut last)),
                end @ ("," | "}" | ";") => {
                    let name = std::mem::take(&mut last);
                    match name.as_str() {
                        "" => {}
                        "self" => self.names.extend(heads.last().cloned()),
                        _ => self.names.push(name),
                    }
                    if end == "}" {
                        heads.pop();
                    }
                    if end == ";" {
                        return at;
                    }
                }
                ":" => {}
                "as" => last.clear(),
                word => last = plain(word),
            }
        }
        tokens.len()
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

fn plain(word: &str) -> String {
    word.strip_prefix("r#").unwrap_or(word).to_owned()
}

impl Reader<'_> {
    /// What a macro may give names to where it is called as a statement or an item.
    ///
    /// One of the workspace says it by its rules. One of another crate can credibly give no name but one that it is handed,
    /// or that it is told to make of parts.
    pub(crate) fn given_by(&self, mac: &syn::Macro) -> Given {
        let name = mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        let mut given = Given::default();
        if name == "macro_rules" {
            return given;
        }
        let mut handed = Handed::default();
        handed.read(mac.tokens.clone(), 0);
        self.add_given(&name, &handed, 0, &mut given);
        given
    }

    fn add_given(&self, name: &str, handed: &Handed, depth: usize, given: &mut Given) {
        let known = self.macros_named(name);
        if known.is_empty() {
            match name {
                // Of a file that may be made when the crate is built.
                "include" => given.is_open = true,
                "paste" => given.is_open |= handed.has_items,
                _ if reads_only(name) => {}
                _ => given.names.extend(handed.words.iter().cloned()),
            }
            return;
        }
        if depth > MAX_MACROS {
            given.is_open = true;
            return;
        }
        for one in known {
            given.is_open |= one.is_open;
            given.names.extend(one.names.iter().cloned());
            if one.takes_names || handed.has_items {
                given.names.extend(handed.words.iter().cloned());
            }
            // What they are handed is written in the rules, or was handed to these.
            let calls = one.calls.iter().filter(|call| *call != name);
            calls.for_each(|call| self.add_given(call, handed, depth + 1, given));
        }
    }

    /// The macros of a name that the workspace defines.
    fn macros_named(&self, name: &str) -> Vec<MacroDeclaration> {
        let own = self.own_macros.iter().filter(|(own, _)| own == name).map(|(_, what)| what.clone());
        let mut known: Vec<MacroDeclaration> = own.collect();
        for declared in self.surroundings.declarations(&format!("{name}!")) {
            if let Declaration::Macro(what) = declared.what
                && !known.contains(&what)
            {
                known.push(what);
            }
        }
        known
    }
}

/// What a macro is handed.
#[derive(Default)]
struct Handed {
    words: BTreeSet<String>,
    /// Keywords of items are among them.
    has_items: bool,
}

impl Handed {
    fn read(&mut self, tokens: TokenStream, depth: usize) {
        if depth > crate::limits::MAX_NESTING {
            return;
        }
        let trees: Vec<TokenTree> = tokens.into_iter().collect();
        let sign = |at: Option<usize>, signs: &str| {
            let tree = at.and_then(|at| trees.get(at));
            matches!(tree, Some(TokenTree::Punct(sign)) if signs.contains(sign.as_char()))
        };
        let mut before_is_item = false;
        let mut imports = false;
        for (at, tree) in trees.iter().enumerate() {
            match tree {
                TokenTree::Group(group) => self.read(group.stream(), depth + 1),
                TokenTree::Ident(word) => {
                    let word = word.to_string();
                    let is_item = ITEMS.contains(&word.as_str());
                    self.has_items |= is_item;
                    imports |= word == "use";
                    // What is in an expression is no name that is handed over.
                    let of_path = sign(Some(at + 1), ":") && sign(Some(at + 2), ":");
                    let is_called = matches!(trees.get(at + 1), Some(TokenTree::Group(group))
                        if group.delimiter() == proc_macro2::Delimiter::Parenthesis);
                    let in_expression = sign(at.checked_sub(1), ".&*:") && !imports
                        || of_path
                        || is_called
                        || sign(Some(at + 1), ".!");
                    if before_is_item || !in_expression {
                        self.words.insert(plain(&word));
                    }
                    before_is_item = is_item;
                    continue;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            before_is_item = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::defined;

    fn said(text: &str) -> (Vec<String>, bool, bool) {
        let all = defined(text);
        let [(_, one)] = all.as_slice() else { panic!("{all:?}") };
        (one.names.clone(), one.is_open, one.takes_names)
    }

    #[test]
    fn macros_say_what_they_give_names_to() {
        let cases = [
            ("macro_rules! c { () => { const Q: &str = \"\"; } }", "Q"),
            (
                "macro_rules! c { ($a:expr) => { use crate::b::Q; let x = $a; }; () => { static mut R: u8 = 1; } }",
                "Q R",
            ),
            (
                "macro_rules! c { () => { use a::{b::{self, D}, e as F, g}; pub(crate) async fn h() {} mod i { const J: u8 = 1; } } }",
                "D F b g h i",
            ),
            ("macro_rules! c { () => {{ const Q: &str = \"\"; Q }} }", ""),
            ("macro_rules! c { ($($a:expr),*) => { $(const Q: &str = $a;)* } }", "Q"),
            ("macro_rules! c { ($a:expr) => { $a as *const T; if $a { static Q: u8 = 1; } } }", ""),
            ("macro_rules! c { () => { lazy_static! { static ref Q: String = x(); } } }", "Q"),
        ];
        for (text, expected) in cases {
            assert_eq!(
                (said(text).0.join(" "), said(text).1, said(text).2),
                (expected.to_owned(), false, false),
                "{text}"
            );
        }
    }

    #[test]
    fn names_that_are_handed_over_or_not_seen_are_told() {
        assert_eq!(
            said("macro_rules! c { ($n:ident) => { const $n: &str = \"\"; } }"),
            (Vec::new(), false, true)
        );
        assert_eq!(said("macro_rules! c { ($p:path) => { use $p; } }"), (Vec::new(), false, true));
        assert_eq!(said("macro_rules! c { () => { use crate::b::*; } }"), (Vec::new(), true, false));
        assert_eq!(said("macro_rules! c { () => { include!(\"q.rs\"); } }"), (Vec::new(), true, false));
    }
}
