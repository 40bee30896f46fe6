//! What a metavariable of one of the file's own macros stands for: the literals that its calls hand over.
//!
//! **Invariant:** a metavariable is known only if every place that may call the macro is read: nothing but calls names it,
//! and no other file sees it.

use ra_ap_rustc_lexer::{LiteralKind, TokenKind};
use tenantry_span::Span;

use super::Reader;
use super::texts::{self, Texts};
use crate::SqlText;
use crate::chains::Declaration;
use crate::given::MACRO_USE;
use crate::literal;
use crate::tokens::{Token, Tokens};

/// The most calls of a macro that are read.
const MAX_CALLS: usize = 64;
/// How deep groups of tokens are looked into.
const MAX_DEPTH: usize = 64;

/// A token, or what stands between brackets.
enum Tree {
    Token(Token),
    Group(TokenKind, Vec<Tree>),
}

/// A part of what a rule of a macro takes.
enum Matcher<'t> {
    /// This token.
    Token(&'t str),
    /// Brackets, opened so, around these.
    Group(TokenKind, Vec<Matcher<'t>>),
    /// `$name:kind`.
    Variable(&'t str, &'t str),
    /// `$(…),*`: any number of these, with a token between them.
    Repeated(Vec<Matcher<'t>>, Option<&'t str>),
}

impl Reader<'_> {
    /// True for a place at which `$name` is written, and not the `{name}` of a template.
    pub(super) fn is_metavariable(&self, name: &str, place: Span) -> bool {
        let before = self.source.text.get(..place.range.start as usize).unwrap_or_default();
        place.file == self.source.file && before.ends_with('$') && self.written(place) == name
    }

    /// The texts that a metavariable stands for which is written at a place.
    pub(super) fn metavariable(&self, name: &str, place: Span) -> Option<Texts> {
        let text = self.source.text;
        let around = |(range, _): &(tenantry_span::TextRange, &str)| range.contains_range(place.range);
        let (range, of) = crate::loose::macros_defined(text)
            .into_iter()
            .filter(around)
            .min_by_key(|(range, _)| range.len())?;
        let tokens = Tokens::of(text);
        let tokens = tokens.all();
        // A mark sees one item of the file.
        if self.marks_only || !self.is_seen_here_alone(of, tokens) {
            return None;
        }
        let defined = tokens.iter().position(|token| token.range().start == range.start as usize)?;
        let (definition, _) = tree(tokens, defined + 3, 0)?;
        let Tree::Group(_, rules) = definition else { return None };
        // With several rules it takes more to say which one is meant.
        let [Tree::Group(_, taken), Tree::Token(arrow), Tree::Token(_), Tree::Group(..), rest @ ..] =
            rules.as_slice()
        else {
            return None;
        };
        let is_last =
            rest.iter().all(|tree| matches!(tree, Tree::Token(token) if token.kind == TokenKind::Semi));
        if arrow.kind != TokenKind::Eq || !is_last {
            return None;
        }
        let matchers = matchers(taken, text)?;
        let mut found: Vec<SqlText> = Vec::new();
        for handed in calls(tokens, of, text)? {
            let mut values = Vec::new();
            if take(&matchers, &handed, text, &mut values)? != handed.len() {
                return None;
            }
            for (_, value) in values.into_iter().filter(|(known, _)| *known == name) {
                let [Tree::Token(literal)] = value else { return None };
                let piece = self.literal_at(*literal)?;
                if !found.iter().any(|known| known.pieces == piece.pieces) {
                    found.push(piece);
                }
            }
        }
        (!found.is_empty() && found.len() <= texts::MAX_TEXTS).then(|| texts::of_all(found))
    }

    /// No other file can call the macro, and nothing in this one names it but its definition and calls.
    fn is_seen_here_alone(&self, of: &str, tokens: &[Token]) -> bool {
        let text = self.source.text;
        let is_word = |token: &Token, word: &str| token.text(text).trim_start_matches("r#") == word;
        let is_variable = |at: usize| {
            at.checked_sub(1)
                .and_then(|at| tokens.get(at))
                .is_some_and(|token| token.kind == TokenKind::Dollar)
        };
        let mut named =
            tokens.iter().enumerate().filter(|(at, token)| is_word(token, of) && !is_variable(*at));
        let is_defined = |at: usize| {
            at.checked_sub(2).and_then(|at| tokens.get(at)).is_some_and(|token| is_word(token, "macro_rules"))
        };
        let is_called = |at: usize| {
            tokens.get(at + 1).is_some_and(|token| token.kind == TokenKind::Bang)
                && tokens.get(at + 2).is_some_and(|token| closes(token.kind).is_some())
        };
        let definitions = named.clone().filter(|(at, _)| is_defined(*at)).count();
        let exports = tokens.iter().any(|token| is_word(token, "macro_export"));
        // A module of another file sees what was defined before it.
        let lends = tokens.windows(3).any(|window| {
            matches!(window, [module, _, end] if is_word(module, "mod") && end.kind == TokenKind::Semi)
        });
        let is_lent =
            || self.surroundings.declarations(MACRO_USE).iter().any(|one| one.what == Declaration::MacroUse);
        definitions == 1
            && !exports
            && !lends
            && named.all(|(at, _)| is_defined(at) || is_called(at))
            && !is_lent()
    }

    fn literal_at(&self, token: Token) -> Option<SqlText> {
        let is_text = matches!(
            token.kind,
            TokenKind::Literal { kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. }, .. }
        );
        let range = tenantry_span::TextRange::from_usize(token.range().start, token.range().end);
        let mapped = literal::decode(token.text(self.source.text), range.start).filter(|_| is_text)?;
        Some(SqlText { pieces: vec![mapped.piece(Span::new(self.source.file, range))], chosen_by: None })
    }
}

/// What closes brackets that are opened so.
fn closes(open: TokenKind) -> Option<TokenKind> {
    match open {
        TokenKind::OpenParen => Some(TokenKind::CloseParen),
        TokenKind::OpenBrace => Some(TokenKind::CloseBrace),
        TokenKind::OpenBracket => Some(TokenKind::CloseBracket),
        _ => None,
    }
}

/// The tree that begins at a token, and where the next one begins.
fn tree(tokens: &[Token], at: usize, depth: usize) -> Option<(Tree, usize)> {
    let token = *tokens.get(at)?;
    let Some(close) = closes(token.kind) else { return Some((Tree::Token(token), at + 1)) };
    if depth > MAX_DEPTH {
        return None;
    }
    let (mut inner, mut at) = (Vec::new(), at + 1);
    while tokens.get(at)?.kind != close {
        let (tree, next) = tree(tokens, at, depth + 1)?;
        inner.push(tree);
        at = next;
    }
    Some((Tree::Group(token.kind, inner), at + 1))
}

/// What each call of a macro hands over; `None` for too many.
fn calls(tokens: &[Token], of: &str, text: &str) -> Option<Vec<Vec<Tree>>> {
    let mut found = Vec::new();
    for (at, window) in tokens.windows(2).enumerate() {
        let [name, bang] = window else { continue };
        if name.text(text).trim_start_matches("r#") != of || bang.kind != TokenKind::Bang {
            continue;
        }
        if found.len() >= MAX_CALLS {
            return None;
        }
        let (Tree::Group(_, handed), _) = tree(tokens, at + 2, 0)? else { return None };
        found.push(handed);
    }
    Some(found)
}

/// What the left side of a rule takes; `None` where it is none of the forms that are known.
fn matchers<'t>(trees: &[Tree], text: &'t str) -> Option<Vec<Matcher<'t>>> {
    let mut found = Vec::new();
    let mut rest = trees;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            Tree::Group(open, inner) => {
                found.push(Matcher::Group(*open, matchers(inner, text)?));
                continue;
            }
            Tree::Token(token) if token.kind != TokenKind::Dollar => {
                found.push(Matcher::Token(token.text(text)));
                continue;
            }
            Tree::Token(_) => {}
        }
        match rest {
            [Tree::Group(_, inner), Tree::Token(times), after @ ..] if is_times(times.kind) => {
                found.push(Matcher::Repeated(matchers(inner, text)?, None));
                rest = after;
            }
            [Tree::Group(_, inner), Tree::Token(between), Tree::Token(times), after @ ..]
                if is_times(times.kind) =>
            {
                found.push(Matcher::Repeated(matchers(inner, text)?, Some(between.text(text))));
                rest = after;
            }
            [Tree::Token(name), Tree::Token(colon), Tree::Token(kind), after @ ..]
                if colon.kind == TokenKind::Colon =>
            {
                found.push(Matcher::Variable(name.text(text), kind.text(text)));
                rest = after;
            }
            _ => return None,
        }
    }
    Some(found)
}

fn is_times(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::Star | TokenKind::Plus | TokenKind::Question)
}

/// Takes what matches from the beginning of some trees, and says how many that are; `None` where they do not match.
fn take<'v, 't>(
    matchers: &[Matcher<'t>],
    trees: &'v [Tree],
    text: &str,
    values: &mut Vec<(&'t str, &'v [Tree])>,
) -> Option<usize> {
    let mut at = 0;
    for matcher in matchers {
        let rest = trees.get(at..)?;
        at += match matcher {
            Matcher::Token(wanted) => match rest.first()? {
                Tree::Token(token) if token.text(text) == *wanted => 1,
                _ => return None,
            },
            Matcher::Group(open, inner) => match rest.first()? {
                Tree::Group(known, trees)
                    if known == open && take(inner, trees, text, values)? == trees.len() =>
                {
                    1
                }
                _ => return None,
            },
            Matcher::Variable(name, kind) => {
                let taken = rest.get(..length(kind, rest)?)?;
                values.push((name, taken));
                taken.len()
            }
            Matcher::Repeated(inner, between) => repeated(inner, *between, rest, text, values)?,
        };
    }
    Some(at)
}

fn repeated<'v, 't>(
    inner: &[Matcher<'t>],
    between: Option<&str>,
    trees: &'v [Tree],
    text: &str,
    values: &mut Vec<(&'t str, &'v [Tree])>,
) -> Option<usize> {
    let mut at = 0;
    while at < trees.len() {
        let known = values.len();
        let is_between =
            |tree: &Tree| matches!(tree, Tree::Token(token) if Some(token.text(text)) == between);
        let begin = match (at, between) {
            (0, _) | (_, None) => at,
            (_, Some(_)) if trees.get(at).is_some_and(is_between) => at + 1,
            _ => return Some(at),
        };
        match trees.get(begin..).and_then(|rest| take(inner, rest, text, values)) {
            Some(taken) if taken > 0 => at = begin + taken,
            // What follows the repetition may begin with what stands between its parts.
            _ => {
                values.truncate(known);
                return Some(at);
            }
        }
    }
    Some(at)
}

/// How many trees a fragment of a kind is, at the beginning of these; `None` for a kind that is not known.
fn length(kind: &str, trees: &[Tree]) -> Option<usize> {
    let is = |tree: &Tree, wanted: TokenKind| matches!(tree, Tree::Token(token) if token.kind == wanted);
    match (kind, trees.first()?) {
        ("ident", Tree::Token(token)) => {
            matches!(token.kind, TokenKind::Ident | TokenKind::RawIdent).then_some(1)
        }
        ("literal", Tree::Token(token)) => matches!(token.kind, TokenKind::Literal { .. }).then_some(1),
        ("tt", _) => Some(1),
        ("expr" | "ty" | "path", _) => {
            // A comma within angle brackets ends no type.
            let mut open = 0usize;
            let ends = trees.iter().enumerate().position(|(at, tree)| {
                let arrow =
                    is(tree, TokenKind::Eq) && trees.get(at + 1).is_some_and(|next| is(next, TokenKind::Gt));
                match kind {
                    "expr" => {}
                    _ if is(tree, TokenKind::Lt) => open += 1,
                    _ if is(tree, TokenKind::Gt) => open = open.saturating_sub(1),
                    _ => {}
                }
                open == 0 && (arrow || is(tree, TokenKind::Comma) || is(tree, TokenKind::Semi))
            });
            Some(ends.unwrap_or(trees.len())).filter(|length| *length > 0)
        }
        _ => None,
    }
}
