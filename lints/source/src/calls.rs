//! Calls of functions that somebody asks for, with where each argument comes from: who is handed a tenant, and by whom.

use std::collections::{BTreeSet, HashMap, HashSet};

use aho_corasick::{AhoCorasick, MatchKind};
use ra_ap_rustc_lexer::{FrontmatterAllowed, TokenKind, tokenize};
use syn::visit::Visit;
use tenantry_policy::Trust;
use tenantry_rules::SinkLibrary;
use tenantry_span::Span;

use crate::declared::Declared;
use crate::expansions::Expansions;
use crate::imports::Imports;
use crate::input::{SourceFile, Surroundings};
use crate::read::{Reader, is_test_path, parse};
use crate::{Bind, Condition, Prefilter, QuerySite, SqlText, outline};

/// Names of functions to look for.
#[derive(Debug)]
pub struct Names {
    names: HashSet<String>,
    matcher: AhoCorasick,
    want: Want,
    /// Those of which calls that are written as methods are wanted; `None` for all.
    methods: Option<HashSet<String>>,
    /// How many wrappers are around the row that each gives, or around what says that there is one.
    layers: HashMap<String, usize>,
}

/// What is wanted of functions that are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Their heads, and who calls them.
    Calls,
    /// The same, with what calls hand over as text.
    Texts,
    /// The same, with the checks of the rows that they give back.
    Rows,
    /// The same, with the statements that use these rows.
    Uses,
    /// Their heads alone.
    Heads,
}

impl Names {
    /// `None` for too many.
    pub fn new(names: HashSet<String>) -> Option<Names> {
        Names::that(names, Want::Calls)
    }

    /// The same, of functions that are handed SQL text or the values to bind.
    pub fn of_helpers(names: HashSet<String>) -> Option<Names> {
        Names::that(names, Want::Texts)
    }

    /// The same, of functions that give back a row.
    pub fn of_rows(names: HashSet<String>) -> Option<Names> {
        Names::that(names, Want::Rows)
    }

    /// The same, of functions that give back a row or say that there is one, each in so many wrappers, and of the statements
    /// that use it.
    pub fn of_uses(layers: HashMap<String, usize>) -> Option<Names> {
        let names = Names::that(layers.keys().cloned().collect(), Want::Uses)?;
        Some(Names { layers, ..names })
    }

    /// The same, of functions of which nobody asks who calls them.
    pub fn of_heads(names: HashSet<String>) -> Option<Names> {
        Names::that(names, Want::Heads)
    }

    fn that(names: HashSet<String>, want: Want) -> Option<Names> {
        let matcher = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&names).ok()?;
        Some(Names { names, matcher, want, methods: None, layers: HashMap::new() })
    }

    /// The same, where only functions of these names have a receiver: what is written as a method is no call of others.
    pub fn with_methods(self, methods: HashSet<String>) -> Names {
        Names { methods: Some(methods), ..self }
    }

    /// What is written as a method of this name may be a call of a function that is looked for.
    pub(crate) fn are_methods(&self, name: &str) -> bool {
        self.methods.as_ref().is_none_or(|methods| methods.contains(name))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    /// Those that stand in the text as words, in order, and what is wanted of their calls: all that the reading of a text
    /// depends on.
    pub fn in_text<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let mut found: Vec<&'t str> = self.words(text).map(|(name, _)| name).collect();
        found.sort_unstable();
        found.dedup();
        let methods: Vec<&str> = found.iter().copied().filter(|name| self.are_methods(name)).collect();
        let layers: Vec<&str> =
            found.iter().filter_map(|name| self.layers.get(*name)).map(|of| digits(*of)).collect();
        found.extend(layers);
        found.push("+methods");
        found.extend(methods);
        found.push(match self.want {
            Want::Calls => "+calls",
            Want::Texts => "+texts",
            Want::Rows => "+rows",
            Want::Uses => "+uses",
            Want::Heads => "+heads",
        });
        found
    }

    /// One of the names stands in the text as a word.
    pub fn are_in(&self, text: &str) -> bool {
        self.words(text).next().is_some()
    }

    /// One of them stands there and something follows that a call or a path may go on with.
    pub(crate) fn are_called_in(&self, text: &str) -> bool {
        let is_called = |(_, after): (_, &str)| {
            let after = after.trim_start();
            after.starts_with('(') || after.starts_with("::")
        };
        self.want != Want::Heads && self.words(text).any(is_called)
    }

    /// Each of the names that stands as a word where it may be meant, and what follows it.
    fn words<'t>(&self, text: &'t str) -> impl Iterator<Item = (&'t str, &'t str)> {
        let is_part =
            |letter: Option<char>| letter.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
        self.matcher.find_iter(text).filter_map(move |found| {
            let (before, after) = (text.get(..found.start())?, text.get(found.end()..)?);
            let whole = !is_part(before.chars().next_back()) && !is_part(after.chars().next());
            let name = text.get(found.start()..found.end())?;
            let is_meant = match self.want {
                Want::Heads => may_declare(before),
                _ => self.are_methods(name) || !is_behind_dot(before),
            };
            (whole && is_meant).then_some((name, after))
        })
    }

    /// Calls are wanted, and not the heads of functions alone.
    pub(crate) fn are_for_calls(&self) -> bool {
        self.want != Want::Heads
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

/// A number of wrappers as it stands in the key of what was read.
fn digits(layers: usize) -> &'static str {
    ["+0", "+1", "+2", "+3"].get(layers).copied().unwrap_or("+many")
}

/// A name that stands behind this text may be that of a function that is declared there.
fn may_declare(before: &str) -> bool {
    let before = before.strip_suffix("r#").unwrap_or(before).trim_end();
    // Between the keyword and the name a comment may stand.
    let line = before.rsplit('\n').next().unwrap_or(before);
    before.ends_with("fn") || before.ends_with("*/") || line.contains("//")
}

/// What stands behind this text is named as a method or a field, and no end of a range.
fn is_behind_dot(before: &str) -> bool {
    before.trim_end().strip_suffix('.').is_some_and(|rest| !rest.ends_with('.'))
}

/// A function that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionHead {
    /// Its path within the crate's module tree, its own name last.
    pub item: String,
    /// Where its name is, which tells it from all others.
    pub name_span: Span,
    /// Its parameters' places, without the receiver.
    pub params: Vec<Span>,
    /// The places of its type parameters and constants, in order.
    pub generics: Vec<Span>,
    /// It has a receiver.
    pub has_receiver: bool,
    /// It has an attribute that may register it somewhere, so that a framework may call it.
    pub is_decorated: bool,
    /// It implements a function of this trait, or is one's default.
    pub of_trait: Option<String>,
    /// `cfg` predicates that gate it, as written.
    pub cfgs: Vec<String>,
    /// What it compares, where it does nothing but to say whether that is equal.
    pub asserts: Option<Asserted>,
    /// It is handed nothing and does nothing but make an id at random.
    pub makes_new: bool,
    /// What its value is made of, for each way out of it that is in sight.
    pub gives: Vec<Composed>,
    /// It is a method of any `Result` or `Option` and gives back what was in it: of what that is it knows nothing.
    pub keeps: bool,
}

/// What a function compares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asserted {
    /// How many times its answer is to be unwrapped.
    pub layers: usize,
    /// What is left then is yes or no.
    pub is_bool: bool,
    /// What was equal where it passed, or said yes.
    pub equal: Vec<(Place, Place)>,
    /// What was equal where it said no.
    pub equal_unless: Vec<(Place, Place)>,
    /// Its receiver, as `None`, and those of its parameters of which it tells nothing else.
    pub quiet: Vec<Option<usize>>,
}

/// A part of what a function is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The parameter; `None` for the receiver.
    pub parameter: Option<usize>,
    /// The fields down to the part.
    pub fields: Vec<String>,
}

/// A call of a function of a name that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// How it is named: the path as imports resolve it, or the method's name alone.
    pub path: Vec<String>,
    /// The path as written.
    pub written: Vec<String>,
    /// It is written as a method.
    pub is_method: bool,
    /// The name of the type that the receiver of a method is declared with, where that is in sight.
    pub receiver: Option<String>,
    /// The paths that may lead to the type of the receiver, or to that which `Self` is, where rows of functions are used.
    pub of_types: Vec<Vec<String>>,
    /// The receiver of a method.
    pub on: Option<Bind>,
    /// Its arguments, without the receiver of a method.
    pub arguments: Vec<Bind>,
    /// The call, from the name of a method on.
    pub span: Span,
    /// The function around it, where there is one: the place of its name, and its parameters.
    pub within: Option<(Span, Vec<Span>)>,
    /// It stands in test code.
    pub is_test: bool,
    /// What its arguments are as text, where that was asked for.
    pub handed: Option<Box<Handed>>,
    /// What its receiver is made of, where it is written as a method.
    pub on_made: Option<Box<Composed>>,
    /// What its arguments are made of; empty where nobody asked.
    pub made: Vec<Composed>,
}

/// What a value is made of, as far as it is in sight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// The value.
    pub bind: Bind,
    /// What the function was handed, if it is that, or a part of it: a parameter, or `None` for the receiver.
    pub root: Option<Option<usize>>,
    /// The fields that lead to it: from that, or from what the call gives.
    pub path: Vec<String>,
    /// The fields of a struct that is written out.
    pub fields: Vec<(String, Composed)>,
    /// The call that gives it, or that of which it is a part.
    pub call: Option<Box<Call>>,
    /// What was assigned to it, to parts of it, or to what it is a part of, with the fields that lead there from where
    /// `path` begins.
    pub assigned: Vec<(Vec<String>, Composed)>,
    /// The parts of it that a guard has checked here, as the fields that lead there from it.
    pub checked: Vec<Vec<String>>,
    /// It was not taken apart to its end.
    pub is_cut: bool,
}

impl Call {
    /// Its name as it stands there.
    pub fn mention(&self) -> Mention {
        let how = if self.is_method { How::Method } else { How::Plain };
        Mention { path: self.written.clone(), how }
    }
}

/// What a call hands over to a function that runs SQL with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handed {
    /// The call as a place that runs SQL; neither text nor binds are known of it.
    pub site: QuerySite,
    /// The texts that each argument may be.
    pub texts: Vec<Vec<SqlText>>,
    /// Of each argument that is a list of values, the values.
    pub lists: Vec<Option<Vec<Bind>>>,
    /// Of each argument that is a list which the calling function was handed, its parameter's place.
    pub passed: Vec<Option<Span>>,
    /// What it hands over to a function that builds a query.
    pub chains: HandedChains,
}

/// What a call hands over to a function that makes a query of it, in the words of a query builder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandedChains {
    /// Each argument as an expression.
    pub expressions: Vec<Rendering>,
    /// Each argument as a query.
    pub queries: Vec<Rendering>,
    /// The table that each type argument stands for: `None` for `_`, `Some(None)` where that is not known.
    pub types: Vec<Option<Option<HandedTable>>>,
    /// The table that each argument is.
    pub tables: Vec<Option<HandedTable>>,
    /// The table whose rows each argument is.
    pub rows: Vec<Option<HandedTable>>,
}

/// A table that is handed over, and what the arguments of the call are to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedTable {
    /// Its name.
    pub name: Rendering,
    /// All of its columns.
    pub columns: Rendering,
    /// That its key is each argument.
    pub keys: Vec<Rendering>,
    /// Each argument as rows that are inserted.
    pub rows: Vec<Rendering>,
    /// Each argument as what is set.
    pub changes: Vec<Rendering>,
}

/// A part of a query as text, with what is bound in it: its placeholders are numbered from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendering {
    /// The text.
    pub text: SqlText,
    /// The values.
    pub binds: Vec<Bind>,
    /// The conditions among them.
    pub conditions: Vec<Condition>,
}

/// What a file says of the functions that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Those that it declares.
    pub functions: Vec<FunctionHead>,
    /// Traits that it declares, with the functions of these names that they ask for.
    pub traits: BTreeSet<(String, String)>,
    /// Its calls of functions of their names.
    pub calls: Vec<Call>,
    /// The statements that use the rows which these give, where that was asked for, as they are with these.
    pub sites: Vec<QuerySite>,
    /// Where such names stand and no call was read, so that somebody else may call: as a value, in a macro.
    pub others: BTreeSet<Mention>,
    /// Names of which more functions are declared than were read: by a macro.
    pub hidden: BTreeSet<String>,
}

/// A name as it stands somewhere.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mention {
    /// The path as written, the name last.
    pub path: Vec<String>,
    /// What it may be there.
    pub how: How,
}

/// What a name may be where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum How {
    /// A variable, a function, the end of a path.
    Plain,
    /// A method.
    Method,
    /// Anything: a macro that is not read has it.
    Macro,
}

/// What the walk looks for, and what it found.
pub(crate) struct Asked<'a> {
    names: &'a Names,
    functions: Vec<FunctionHead>,
    traits: BTreeSet<(String, String)>,
    calls: Vec<Call>,
    /// The names of functions that were seen, those of traits that have no body included.
    seen: Vec<String>,
    /// The calls whose value is a row.
    rows: HashSet<Span>,
}

impl Asked<'_> {
    pub(crate) fn is_for(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Calls of a name that are written as methods, or not, are wanted.
    pub(crate) fn is_for_calls(&self, name: &str, is_method: bool) -> bool {
        let is_wanted = self.names.want != Want::Heads && self.is_for(name);
        is_wanted && (!is_method || self.names.are_methods(name))
    }

    pub(crate) fn reads_rows(&self) -> bool {
        matches!(self.names.want, Want::Rows | Want::Uses)
    }

    /// The statements are wanted that use rows of calls.
    pub(crate) fn reads_uses(&self) -> bool {
        self.names.want == Want::Uses
    }

    /// How many wrappers are around the row that the call at a place gives.
    pub(crate) fn layers(&self, call: Span) -> Option<usize> {
        let call = self.calls.iter().find(|known| known.span == call)?;
        self.names.layers.get(call.path.last()?).copied()
    }

    pub(crate) fn note_row(&mut self, call: Span) {
        self.rows.insert(call);
    }

    pub(crate) fn is_row(&self, call: Span) -> bool {
        self.rows.contains(&call)
    }

    pub(crate) fn reads_texts(&self) -> bool {
        self.names.want == Want::Texts
    }

    pub(crate) fn declare(&mut self, function: FunctionHead) {
        let name = function.item.rsplit("::").next().unwrap_or_default().to_owned();
        self.see(&name);
        self.functions.push(function);
    }

    /// Notes what a function that was declared gives.
    pub(crate) fn give(&mut self, function: Span, given: Composed) {
        if let Some(head) = self.functions.iter_mut().find(|head| head.name_span == function) {
            head.gives.push(given);
        }
    }

    /// The function at this place is one that is looked for.
    pub(crate) fn declares(&self, function: Span) -> bool {
        self.functions.iter().any(|head| head.name_span == function)
    }

    /// What values are made of is wanted.
    pub(crate) fn composes(&self) -> bool {
        matches!(self.names.want, Want::Calls | Want::Heads)
    }

    pub(crate) fn see(&mut self, name: &str) {
        self.seen.push(name.trim_start_matches("r#").to_owned());
    }

    pub(crate) fn declare_in_trait(&mut self, of: String, function: String) {
        self.traits.insert((of, function));
    }

    pub(crate) fn note(&mut self, call: Call) {
        self.calls.push(call);
    }
}

/// Reads the calls of functions of these names, and the heads of such functions. A file that does not parse has none, and
/// every name in it may be a call.
///
/// Like [`crate::read`] it wants a deep stack.
pub fn calls(
    prefilter: &Prefilter,
    source: &SourceFile<'_>,
    names: &Names,
    sinks: &[SinkLibrary],
    trust: &Trust,
    surroundings: &dyn Surroundings,
) -> Calls {
    if is_test_path(source.path) {
        return Calls::default();
    }
    let tokens = without_blanks(source.text);
    let mut named = if names.want == Want::Heads { HashMap::new() } else { mentions(&tokens, names) };
    let mut declared_names = declared_in(&tokens, names);
    drop(tokens);
    // The words stand in comments and texts, or mean something else.
    if named.is_empty() && declared_names.is_empty() {
        return Calls::default();
    }
    let Ok(parsed) = parse(source.text, |text| outline::calling(text, prefilter, names)) else {
        let hidden = declared_names.into_keys().collect();
        return Calls { others: named.into_keys().collect(), hidden, ..Calls::default() };
    };
    let imports = Imports::of(&parsed.file);
    let declared = Declared::of(&parsed.file);
    let expansions = Expansions::of(source.text, &parsed.file, &imports, sinks);
    let mut reader =
        Reader::new(source, &parsed, &imports, &declared, &expansions, sinks, trust, surroundings);
    // What builders make of their chains says nothing of who calls, but of what is handed over.
    reader.reads_chains &= matches!(names.want, Want::Texts | Want::Uses);
    let asked = Asked {
        names,
        functions: Vec::new(),
        traits: BTreeSet::new(),
        calls: Vec::new(),
        seen: Vec::new(),
        rows: HashSet::new(),
    };
    reader.asked = Some(asked);
    reader.visit_file(&parsed.file);
    let Some(Asked { functions, traits, mut calls, seen, rows, .. }) = reader.asked.take() else {
        return Calls::default();
    };
    let sites = if names.want == Want::Uses { reader.sites_with(&rows) } else { Vec::new() };
    for name in seen {
        if let Some(left) = declared_names.get_mut(&name) {
            *left = left.saturating_sub(1);
        }
    }
    let hidden = declared_names.into_iter().filter(|(_, left)| *left > 0).map(|(name, _)| name).collect();
    for call in &mut calls {
        if let Some(handed) = call.handed.as_mut().filter(|_| names.want == Want::Rows) {
            handed.site = reader.checked_site(&handed.site);
        }
    }
    calls.sort_by_key(|call| call.span);
    // Code that is walked twice, as that of a macro, stands in one place all the same.
    let mut last = None;
    for call in &calls {
        if last.replace(call.span) == Some(call.span) {
            continue;
        }
        let own = call.mention();
        // In a macro that is read its name stands as anything.
        let as_anything = Mention { how: How::Macro, ..own.clone() };
        for mention in [own, as_anything] {
            if let Some(left) = named.get_mut(&mention).filter(|left| **left > 0) {
                *left -= 1;
                break;
            }
        }
    }
    let others = named.into_iter().filter(|(_, left)| *left > 0).map(|(name, _)| name).collect();
    Calls { functions, traits, calls, sites, others, hidden }
}

/// How many functions of each name a file declares, in macros too.
fn declared_in(tokens: &[(TokenKind, &str)], names: &Names) -> HashMap<String, usize> {
    let mut found = HashMap::new();
    for pair in tokens.windows(2) {
        if let [(TokenKind::Ident, "fn"), (TokenKind::Ident | TokenKind::RawIdent, name)] = pair
            && names.contains(name.trim_start_matches("r#"))
        {
            *found.entry(name.trim_start_matches("r#").to_owned()).or_default() += 1;
        }
    }
    found
}

/// How often each name stands where it may be used: not where it is declared, imported, the name of a field, or of a
/// parameter. Where no function of the name has a receiver, a method of that name is something else.
fn mentions(tokens: &[(TokenKind, &str)], names: &Names) -> HashMap<Mention, usize> {
    let mut found: HashMap<Mention, usize> = HashMap::new();
    let mut in_use = false;
    let mut tests_end = 0;
    let mut macro_end = 0;
    let is_import = |at: usize| {
        // Of `impl Trait + use<'a>` it is a bound.
        !matches!(tokens.get(at + 1), Some((TokenKind::Lt, _)))
    };
    for (at, (kind, word)) in tokens.iter().enumerate() {
        if at < tests_end {
            continue;
        }
        if *word == "mod" && is_gated_for_tests(tokens, at) {
            tests_end = end_of_block(tokens, at);
            continue;
        }
        if *kind == TokenKind::Bang && at >= macro_end && is_unread_macro(tokens, at) {
            macro_end = end_of_group(tokens, at);
        }
        match (kind, *word) {
            (TokenKind::Ident, "use") if is_import(at) => in_use = true,
            (TokenKind::Semi, _) => in_use = false,
            _ => {}
        }
        let name = word.trim_start_matches("r#");
        if !matches!(kind, TokenKind::Ident | TokenKind::RawIdent) || !names.contains(name) {
            continue;
        }
        let near = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map(|(kind, word)| (*kind, *word));
        let before = near(at.checked_sub(1));
        let is_dot = |token: Option<(TokenKind, &str)>| matches!(token, Some((TokenKind::Dot, _)));
        if is_dot(before) && !is_dot(near(at.checked_sub(2))) && !names.are_methods(name) {
            continue;
        }
        let after = [near(Some(at + 1)), near(Some(at + 2))].map(|token| token.map(|(kind, _)| kind));
        let is_declared = matches!(before, Some((TokenKind::Ident, "fn")));
        let is_path = after == [Some(TokenKind::Colon); 2];
        let is_labelled = after.first() == Some(&Some(TokenKind::Colon)) && !is_path;
        let is_called = after.first() == Some(&Some(TokenKind::OpenParen)) || is_path;
        let is_field = matches!(before, Some((TokenKind::Dot, _))) && !is_called;
        // Under another name it may be called anywhere.
        let is_renamed = in_use && near(Some(at + 1)).is_some_and(|(_, word)| word == "as");
        if is_renamed || !in_use && !is_declared && !is_labelled && !is_field {
            let how = match before {
                _ if at < macro_end => How::Macro,
                Some((TokenKind::Dot, _)) => How::Method,
                _ => How::Plain,
            };
            *found.entry(Mention { path: path_to(tokens, at), how }).or_default() += 1;
        }
    }
    found
}

/// The tokens of a text that are neither blanks nor comments.
pub(crate) fn without_blanks(text: &str) -> Vec<(TokenKind, &str)> {
    let mut tokens: Vec<(TokenKind, &str)> = Vec::new();
    let mut at = 0usize;
    for token in tokenize(text, FrontmatterAllowed::No) {
        let start = at;
        at += token.len as usize;
        let blank = matches!(
            token.kind,
            TokenKind::Whitespace | TokenKind::LineComment { .. } | TokenKind::BlockComment { .. }
        );
        if !blank {
            tokens.push((token.kind, text.get(start..at).unwrap_or("")));
        }
    }
    tokens
}

/// Macros that do with names what a function does with its arguments.
pub(crate) const PLAIN_MACROS: &[&str] = &[
    "anyhow",
    "assert",
    "assert_eq",
    "assert_ne",
    "bail",
    "dbg",
    "debug",
    "debug_assert",
    "debug_assert_eq",
    "ensure",
    "eprint",
    "eprintln",
    "error",
    "format",
    "format_args",
    "info",
    "json",
    "matches",
    "panic",
    "print",
    "println",
    "span",
    "todo",
    "trace",
    "unimplemented",
    "unreachable",
    "vec",
    "warn",
    "write",
    "writeln",
];

/// A macro is called or declared here that may make anything of a name.
fn is_unread_macro(tokens: &[(TokenKind, &str)], bang: usize) -> bool {
    let name = bang.checked_sub(1).and_then(|at| tokens.get(at));
    opens_macro(tokens, bang) && !matches!(name, Some((_, name)) if PLAIN_MACROS.contains(name))
}

/// `name!(…)`, and `macro_rules! name { … }`, by its `!`.
pub(crate) fn opens_macro(tokens: &[(TokenKind, &str)], bang: usize) -> bool {
    let kind = |at: usize| tokens.get(at).map(|(kind, _)| *kind);
    let opens = |at: usize| {
        matches!(kind(at), Some(TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace))
    };
    let named = matches!(kind(bang.wrapping_sub(1)), Some(TokenKind::Ident | TokenKind::RawIdent));
    named && (opens(bang + 1) || opens(bang + 2))
}

/// The end of the group of tokens that begins next, as an index.
pub(crate) fn end_of_group(tokens: &[(TokenKind, &str)], from: usize) -> usize {
    let mut open = 0usize;
    for (at, (kind, _)) in tokens.iter().enumerate().skip(from) {
        match kind {
            TokenKind::OpenParen | TokenKind::OpenBracket | TokenKind::OpenBrace => open += 1,
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace if open <= 1 => {
                return at + 1;
            }
            TokenKind::CloseParen | TokenKind::CloseBracket | TokenKind::CloseBrace => open -= 1,
            _ => {}
        }
    }
    tokens.len()
}

/// The path whose last name stands here, as far as it is names alone.
fn path_to(tokens: &[(TokenKind, &str)], at: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut at = Some(at);
    while let Some((TokenKind::Ident | TokenKind::RawIdent, word)) = at.and_then(|at| tokens.get(at)) {
        path.insert(0, word.trim_start_matches("r#").to_owned());
        let colons = at.and_then(|at| tokens.get(at.checked_sub(2)?..at));
        let joins = colons.is_some_and(|two| two.iter().all(|(kind, _)| *kind == TokenKind::Colon));
        at = at.filter(|_| joins).and_then(|at| at.checked_sub(3));
    }
    path
}

/// The module that is declared here is built for tests only: `#[cfg(test)]` is one of its own attributes.
pub(crate) fn is_gated_for_tests(tokens: &[(TokenKind, &str)], at: usize) -> bool {
    let mut before = tokens.get(..at).unwrap_or_default();
    if let Some((rest, visibility)) =
        before.iter().rposition(|(_, word)| *word == "pub").and_then(|at| before.split_at_checked(at))
        && matches!(visibility, [_] | [_, (TokenKind::OpenParen, _), .., (TokenKind::CloseParen, _)])
        && visibility.len() <= 4
    {
        before = rest;
    }
    while let Some((TokenKind::CloseBracket, _)) = before.last() {
        let Some(open) = before.iter().rposition(|(kind, _)| *kind == TokenKind::OpenBracket) else {
            return false;
        };
        let (rest, attribute) = before.split_at(open);
        let Some(((TokenKind::Pound, _), rest)) = rest.split_last() else { return false };
        let words: Vec<&str> = attribute.iter().map(|(_, word)| *word).collect();
        if words == ["[", "cfg", "(", "test", ")", "]"] {
            return true;
        }
        before = rest;
    }
    false
}

/// The end of the block that begins next, as an index of tokens.
pub(crate) fn end_of_block(tokens: &[(TokenKind, &str)], from: usize) -> usize {
    let mut open = 0usize;
    for (at, (kind, _)) in tokens.iter().enumerate().skip(from) {
        match kind {
            TokenKind::OpenBrace => open += 1,
            TokenKind::CloseBrace if open <= 1 => return at + 1,
            TokenKind::CloseBrace => open -= 1,
            TokenKind::Semi if open == 0 => return at,
            _ => {}
        }
    }
    tokens.len()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use tenantry_policy::Trust;
    use tenantry_span::FileId;

    use super::{Calls, Names, calls};
    use crate::{NoSurroundings, Prefilter, SourceFile};

    fn read(path: &str, text: &str) -> Calls {
        read_for(&Names::new(HashSet::from(["find".to_owned()])).expect("one name"), path, text)
    }

    fn read_for(names: &Names, path: &str, text: &str) -> Calls {
        let sinks = tenantry_rules::sinks();
        let source = SourceFile { file: FileId(0), path, text };
        calls(&Prefilter::new(sinks), &source, names, sinks, &Trust::default(), &NoSurroundings)
    }

    fn uses(text: &str) -> (usize, usize) {
        let found = read("src/lib.rs", text);
        (found.calls.iter().filter(|call| !call.is_test).count(), found.others.len())
    }

    #[test]
    fn every_use_is_a_call_or_told_as_something_else() {
        let cases = [
            ("fn a() { find(1); }", (1, 0)),
            ("fn a() { store::find(1); b.find(2); Self::find(3) }", (3, 0)),
            ("fn a() { find::<u8>(1); }", (1, 0)),
            ("fn a() { ids.map(find); }", (0, 1)),
            ("fn a() { ids.map(store::find); join!(find(1)); }", (1, 1)),
            ("fn a() { find(1); routes![find]; }", (1, 1)),
            ("use store::find as other; fn a() { other(1); }", (0, 1)),
            ("use store::{find, b}; fn find(find: u8) { b.find; B { find: 1 }; }", (0, 0)),
            ("fn a() { find_all(1); refind(2); \"find(3)\"; } // find(4)", (0, 0)),
            ("#[cfg(test)] mod tests { fn a() { assert!(find(1)); } } fn b() { find(2); }", (1, 0)),
            ("fn a() { find(1) ", (0, 1)),
            ("#[cfg(test)] #[path = \"x\"] fn a() {} #[y] mod real { fn b() { routes![find]; } }", (0, 1)),
            ("#[cfg(test)] #[allow(x)] pub(crate) mod tests { fn b() { odd!(find(1)); } }", (0, 0)),
            ("fn a() -> impl Future + use<'_> { routes![find]; find(1) }", (1, 1)),
            ("macro_rules! go { ($x:expr) => { find($x) } } fn a() { go!(1); go!(2); }", (1, 0)),
        ];
        for (text, expected) in cases {
            assert_eq!(uses(text), expected, "{text}");
        }
    }

    #[test]
    fn heads_alone_are_looked_for_where_a_function_may_be_declared() {
        let names = Names::of_heads(HashSet::from(["find".to_owned()])).expect("one name");
        let declared = [
            ("fn find(id: u8) { other::find(id) }", (1, 0)),
            ("fn /* the row */ find(id: u8) {}", (1, 0)),
            ("fn // the row\n find(id: u8) {}", (1, 0)),
            ("fn r#find(id: u8) {}", (1, 0)),
            ("odd! { fn find(id: u8) {} }", (1, 0)),
            ("odd! { => fn find(id: u8) }", (0, 1)),
            ("fn find(id: u8) {", (0, 1)),
        ];
        for (text, expected) in declared {
            assert!(names.are_in(text), "{text}");
            let found = read_for(&names, "src/lib.rs", text);
            assert_eq!((found.functions.len(), found.hidden.len()), expected, "{text}");
            assert!(found.calls.is_empty(), "{text}");
        }
        for text in ["fn a() { find(1); b.find(2); ids.map(find) }", "fn find_all() {}", "odd!(find)"] {
            assert!(!names.are_in(text), "{text}");
        }
    }

    #[test]
    fn calls_of_tests_are_told_apart_and_folders_of_tests_say_nothing() {
        let found = read("src/lib.rs", "#[test] fn a() { find(1); }");
        assert!(found.calls.iter().all(|call| call.is_test) && found.others.is_empty(), "{found:?}");
        assert!(read("tests/a.rs", "fn a() { find(1); ids.map(find); }").calls.is_empty());
    }

    #[test]
    fn heads_say_who_else_may_call() {
        let found = read(
            "src/store.rs",
            "trait Store { fn find(&self, id: u8); } impl Store for A { fn find(&self, id: u8) {} }
             #[Object] impl B { #[instrument] fn find(id: u8) {} } impl C { #[must_use] fn find() {} }",
        );
        let heads = found.functions.iter();
        let heads: Vec<_> = heads
            .map(|head| (head.item.as_str(), head.params.len(), head.is_decorated, head.of_trait.as_deref()))
            .collect();
        assert_eq!(
            heads,
            [
                ("store::A::find", 1, false, Some("Store")),
                ("store::B::find", 1, true, None),
                ("store::C::find", 0, false, None),
            ]
        );
        assert_eq!(found.traits.len(), 1);
    }
}
