//! The text of an expression, followed through literals, macros, constants, variables and choices.

use std::rc::Rc;

use proc_macro2::Span as TokenSpan;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, ExprMacro, ExprMethodCall, Lit, Member, Stmt, UnOp};
use tenantry_span::Span;

use super::Reader;
use super::scope::{LocalId, Source};
use super::texts::{self, Texts};
use crate::extent::Extent;
use crate::ident::plain;
use crate::imports::{ends_with, is_standard};
use crate::literal::{self, Mapped};
use crate::types;
use crate::{HoleKind, Piece, ProvenanceKind, Said, SqlText, Unknown};

/// How far a text is followed through names.
const MAX_STEPS: usize = 24;

/// What the SQL argument of a call evidently is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextKind {
    Text,
    Prepared(usize),
    Other,
    Unknown,
}

/// Methods that hand their receiver's text through.
const SAME_TEXT: &[&str] = &[
    "as_str",
    "to_string",
    "to_owned",
    "into",
    "as_ref",
    "clone",
    "borrow",
    "deref",
    "into_owned",
    "into_boxed_str",
    "leak",
    "as_mut_str",
    "into_string",
];

/// Methods of a text, or of what may hold one, that give another text.
const OF_TEXTS: &[&str] = &[
    "as_deref",
    "cloned",
    "expect",
    "ok",
    "ok_or",
    "ok_or_else",
    "replace",
    "to_lowercase",
    "to_uppercase",
    "trim",
    "unwrap",
    "unwrap_or",
    "unwrap_or_default",
    "unwrap_or_else",
];

/// Methods of the standard library that give a text, whatever they are called on.
const TEXTS: &[&str] = &["concat", "join", "to_lowercase", "to_str", "to_uppercase", "trim"];

/// What stands in a line that looks at a text.
const LOOKS: &[&str] = &[
    "!=",
    "==",
    ".all(",
    ".any(",
    "allowed",
    "check",
    "contains",
    "ensure",
    "escape",
    "is_",
    "matches!",
    "quote",
    "sanitize",
    "starts_with",
    "valid",
    "match ",
];

/// Methods of the standard library that give an integer, whatever they are called on.
const NUMBERS: &[&str] = &["len", "as_secs", "as_millis", "as_micros", "as_nanos"];

impl<'a> Reader<'a> {
    pub(crate) fn range(&self, node: &(impl Extent + ?Sized)) -> Span {
        self.placed(self.lines.range(node))
    }

    /// The first byte of a token in what was parsed.
    pub(crate) fn start_of(&self, span: TokenSpan) -> usize {
        self.lines.start(span)
    }

    pub(crate) fn token_span(&self, span: TokenSpan) -> Span {
        self.between(span, span)
    }

    pub(crate) fn between(&self, first: TokenSpan, last: TokenSpan) -> Span {
        self.placed(self.lines.between(first, last))
    }

    fn placed(&self, (start, end): (usize, usize)) -> Span {
        let range = tenantry_span::TextRange::from_usize(self.base + start, self.base + end);
        Span::new(self.source.file, range)
    }

    pub(crate) fn written(&self, span: Span) -> &'a str {
        let range = span.range;
        self.source.text.get(range.start as usize..range.end as usize).unwrap_or("")
    }

    fn hole(&self, expr: &Expr, why: impl Into<String>) -> Texts {
        let span = self.range(expr);
        texts::unknown(span, self.written(span), why)
    }

    /// The texts that the expression may have here.
    pub(crate) fn texts(&self, expr: &Expr) -> Texts {
        self.texts_within(expr, LocalId::MAX, 0)
    }

    fn texts_within(&self, expr: &Expr, limit: LocalId, steps: usize) -> Texts {
        let texts = self.texts_followed(expr, limit, steps);
        self.with_way(texts, expr, || self.range(expr), limit)
    }

    /// What an expression leaves unknown at its place, with the way that its value came.
    fn with_way(&self, texts: Texts, expr: &Expr, place: impl FnOnce() -> Span, limit: LocalId) -> Texts {
        let [text] = texts.as_slice() else { return texts };
        let [Piece::Hole { span, text: written, kind }] = text.pieces.as_slice() else { return texts };
        let why = match kind {
            HoleKind::Unknown(of) if of.way.is_empty() => of.why.clone(),
            HoleKind::Parameter(_) => format!("the parameter `{written}`"),
            _ => return texts,
        };
        // What stands for another text is not of this one's making.
        if *span != place() {
            return texts;
        }
        let (provenance, way) = self.way_of(expr, limit);
        let is_request = provenance == ProvenanceKind::Request;
        // Whoever calls the function says what its parameters are.
        if !is_request && matches!(kind, HoleKind::Parameter(_)) {
            return texts;
        }
        let said = match self.is_text_value(expr, limit, 0) {
            _ if !is_request || self.is_looked_at(expr, &way, *span) => None,
            true => Some(Said::Text),
            // Of a number or an id it is seen that it is no text.
            false => self.type_of_place(expr, limit).is_none().then_some(Said::Value),
        };
        let kind = HoleKind::Unknown(Unknown { why, way, said });
        let piece = Piece::Hole { span: *span, text: written.clone(), kind };
        let whole = SqlText { pieces: vec![piece], chosen_by: text.chosen_by.clone() };
        Rc::new(vec![texts::Text { text: whole, assumed: text.assumed.clone() }])
    }

    /// True if something looks at the value before it is written: it may be one of a few then, and what the check is worth is
    /// not known.
    fn is_looked_at(&self, expr: &Expr, way: &[(Span, String)], place: Span) -> bool {
        let Some(function) = self.functions.last() else { return false };
        let before = function.name_span.range.end as usize..place.range.start as usize;
        let before = self.source.text.get(before).unwrap_or_default();
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let last = |text: &'a str| text.trim_end_matches(|c| !is_word(c)).rsplit(|c| !is_word(c)).next();
        let mut place = strip(expr);
        while let Expr::MethodCall(call) = place {
            place = strip(&call.receiver);
        }
        let steps = way.iter().map(|(span, _)| self.written(*span));
        let names: Vec<&str> =
            std::iter::once(self.written(self.range(place))).chain(steps).filter_map(last).collect();
        before.lines().any(|line| {
            let named = line.split(|c| !is_word(c)).any(|word| names.contains(&word));
            named && LOOKS.iter().any(|looks| line.contains(looks))
        })
    }

    /// The type of a variable or a field, where that is written in this file.
    fn type_of_place(&self, expr: &Expr, limit: LocalId) -> Option<&'a syn::Type> {
        match strip(expr) {
            Expr::Path(path) => {
                let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
                self.locals.get(id)?.ty
            }
            Expr::Field(field) => self.field_type(field, limit),
            _ => None,
        }
    }

    /// True if the value of the expression is evidently any text.
    fn is_text_value(&self, expr: &Expr, limit: LocalId, depth: usize) -> bool {
        let is_text = |ty: &syn::Type| types::is_text(ty) || types::is_optional_text(ty);
        let next = |expr: &Expr| depth < MAX_STEPS && self.is_text_value(expr, limit, depth + 1);
        match strip(expr) {
            Expr::Path(path) => {
                let id = path.path.get_ident().and_then(|name| self.lookup(&name.to_string(), limit));
                let Some((id, local)) = id.and_then(|id| Some((id, self.locals.get(id)?))) else {
                    return false;
                };
                match (local.ty, local.source) {
                    (Some(ty), _) => is_text(ty),
                    (None, Source::Let(value) | Source::Part(value)) => {
                        depth < MAX_STEPS && self.is_text_value(value, id, depth + 1)
                    }
                    (None, _) => false,
                }
            }
            Expr::Field(field) => self.field_type(field, limit).is_some_and(is_text),
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                if TEXTS.contains(&name.as_str()) {
                    return true;
                }
                if let ("map" | "and_then", Some(Expr::Closure(closure))) = (name.as_str(), call.args.first())
                {
                    return next(&closure.body);
                }
                let is_same = SAME_TEXT.contains(&name.as_str()) || OF_TEXTS.contains(&name.as_str());
                is_same && next(&call.receiver)
            }
            Expr::Try(inner) => next(&inner.expr),
            Expr::Await(inner) => next(&inner.base),
            Expr::Call(call) => match (&*call.func, call.args.first()) {
                (Expr::Path(path), Some(argument)) => {
                    is_standard(&self.full(&path.path), "String::from") && next(argument)
                }
                _ => false,
            },
            _ => false,
        }
    }

    fn texts_followed(&self, expr: &Expr, limit: LocalId, steps: usize) -> Texts {
        if steps > MAX_STEPS {
            return self.hole(expr, "the text is built in too many steps");
        }
        let next = |expr: &Expr| self.texts_within(expr, limit, steps + 1);
        if matches!(expr, Expr::MethodCall(_) | Expr::Binary(_)) && self.is_integer(expr, limit, steps) {
            let span = self.range(expr);
            return texts::integer(span, self.written(span));
        }
        match expr {
            Expr::Lit(lit) => self.literal(&lit.lit).unwrap_or_else(|| self.hole(expr, "no text")),
            Expr::Paren(paren) => next(&paren.expr),
            Expr::Group(group) => next(&group.expr),
            Expr::Reference(reference) => next(&reference.expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => next(&unary.expr),
            Expr::Cast(cast) if types::is_integer(&cast.ty) => {
                let span = self.range(expr);
                texts::integer(span, self.written(span))
            }
            // What `break` may give it is not seen.
            Expr::Block(block) if block.label.is_some() => self.hole(expr, "the value of a labelled block"),
            Expr::Block(block) => self.block_text(&block.block, expr),
            Expr::Unsafe(block) => self.block_text(&block.block, expr),
            Expr::If(choice) => {
                let span = self.range(&choice.cond);
                let condition = self.written(span);
                let whole = self.range(expr);
                let then = self.block_text(&choice.then_branch, expr);
                let Some((_, otherwise)) = &choice.else_branch else { return self.hole(expr, "no text") };
                match self.decided(&choice.cond) {
                    Some(true) => return then,
                    Some(false) => return next(otherwise),
                    None => {}
                }
                let then = texts::chosen(&then, condition);
                let otherwise = texts::chosen(&next(otherwise), &format!("not ({condition})"));
                texts::union_under(&then, &otherwise, &self.outcomes(&choice.cond, limit), whole)
            }
            Expr::Match(choice) => {
                let whole = self.range(expr);
                let arms = choice.arms.iter().enumerate().filter(|(_, arm)| !diverges(&arm.body));
                let arms = arms.map(|(at, arm)| {
                    let pattern = self.written(self.range(&arm.pat));
                    let start = self.start_of(arm.fat_arrow_token.spans[0]);
                    let text = self.block_texts.get(&start).map(Rc::clone);
                    let text = text.unwrap_or_else(|| self.hole(&arm.body, "the value of an arm"));
                    texts::under(&texts::chosen(&text, pattern), &self.assumed_in_arm(choice, at))
                });
                arms.reduce(|all, arm| texts::union(&all, &arm, whole))
                    .unwrap_or_else(|| self.hole(expr, "no arm has a text"))
            }
            Expr::Binary(binary) if matches!(binary.op, BinOp::Add(_)) => {
                let right = next(&binary.right);
                texts::concat(&next(&binary.left), &right, self.range(&binary.right))
            }
            Expr::MethodCall(call) => self.method_text(call, expr, limit, steps),
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return self.hole(expr, "the result of a call") };
                let said = self.said_texts(expr, limit);
                if let Some(said) = said.or_else(|| self.inlined(call, expr, limit, steps)) {
                    return said;
                }
                let full = self.full(&path.path);
                let name = full.last().cloned().unwrap_or_default();
                let is = |names: &[&str]| names.iter().any(|name| is_standard(&full, name));
                let lazy = ["LazyLock::new", "LazyCell::new", "Lazy::new"];
                match call.args.first() {
                    None if is(&["String::new"]) => texts::empty(),
                    // What is made when it is first asked for.
                    Some(Expr::Closure(made))
                        if lazy.iter().any(|name| ends_with(&full, name))
                            // None of them is in the prelude, so that a bare name is a type of one's own.
                            && full.first().is_some_and(|root| ["std", "core", "once_cell"].contains(&root.as_str()))
                            && made.inputs.is_empty()
                            && !matches!(&*made.body, Expr::Block(_)) =>
                    {
                        next(&made.body)
                    }
                    Some(_) if is(&["String::with_capacity"]) => texts::empty(),
                    Some(text)
                        if is(&[
                            "String::from",
                            "Cow::from",
                            "Cow::Borrowed",
                            "Cow::Owned",
                            "Arc::from",
                            "Box::from",
                            "str::from",
                        ]) || self.is_transparent(&full) =>
                    {
                        next(text)
                    }
                    _ => self.hole(expr, format!("the result of `{name}`")),
                }
            }
            Expr::Macro(mac) => self.macro_text(mac, expr, limit, steps),
            Expr::Path(path) => self.path_text(path, expr, limit, steps),
            Expr::Field(field) => {
                let span = self.range(expr);
                match self.field_type(field, limit) {
                    Some(ty) if types::is_integer(ty) => texts::integer(span, self.written(span)),
                    _ => self.hole(expr, format!("the value of `{}`", texts::shorten(self.written(span)))),
                }
            }
            _ => {
                let span = self.range(expr);
                self.hole(expr, format!("the value of `{}`", texts::shorten(self.written(span))))
            }
        }
    }

    fn is_transparent(&self, full: &[String]) -> bool {
        self.sinks.iter().flat_map(|library| &library.transparent).any(|name| ends_with(full, name))
    }

    pub(crate) fn literal(&self, lit: &Lit) -> Option<Texts> {
        let span = self.token_span(lit.span());
        match lit {
            Lit::Str(_) | Lit::Char(_) => Some(texts::of_piece(self.mapped(lit)?.piece(span))),
            Lit::Int(int) => {
                let map = vec![(0, span.range.start)];
                Some(texts::of_piece(Piece::Literal { value: int.base10_digits().to_owned(), span, map }))
            }
            _ => None,
        }
    }

    fn mapped(&self, lit: &Lit) -> Option<Mapped> {
        let span = self.token_span(lit.span());
        literal::decode(self.written(span), span.range.start)
    }

    fn block_text(&self, block: &syn::Block, expr: &Expr) -> Texts {
        let start = self.start_of(block.brace_token.span.open());
        if let Some(known) = self.block_texts.get(&start) {
            return Rc::clone(known);
        }
        // Its names are out of sight by now: what the walk did not note while it was inside is not known.
        self.hole(expr, "the value of a block")
    }

    fn method_text(&self, call: &ExprMethodCall, expr: &Expr, limit: LocalId, steps: usize) -> Texts {
        let name = call.method.to_string();
        if let Some(said) = self.said_texts(expr, limit) {
            return said;
        }
        if call.args.is_empty() && SAME_TEXT.contains(&name.as_str()) {
            return self.texts_within(&call.receiver, limit, steps + 1);
        }
        if self.gives_number(call) {
            let span = self.range(expr);
            return texts::integer(span, self.written(span));
        }
        let elements = match strip(&call.receiver) {
            Expr::Array(array) => Some(array.elems.iter().collect::<Vec<_>>()),
            Expr::Macro(mac) if mac.mac.path.is_ident("vec") => {
                let body = self.expansions.body(&mac.mac).filter(|body| !body.own);
                body.map(|body| body.arguments.iter().flatten().collect())
            }
            _ => None,
        };
        let separator = match (name.as_str(), call.args.first()) {
            ("join", Some(separator)) => Some(self.texts_within(separator, limit, steps + 1)),
            ("concat", None) => Some(texts::empty()),
            _ => None,
        };
        if let (Some(id), Some(separator)) = (self.variable(&call.receiver), &separator)
            && let Some(joined) =
                self.state.lists.get(&id).and_then(|list| list.joined(separator, self.range(expr)))
        {
            return joined;
        }
        if let Some(separator) = &separator
            && let Some(joined) =
                self.mapped_list(&call.receiver).and_then(|list| list.joined(separator, self.range(expr)))
        {
            return joined;
        }
        let (Some(elements), Some(separator)) = (elements, separator) else {
            return self.hole(expr, format!("the result of `.{name}(…)`"));
        };
        let span = self.range(expr);
        let mut all = texts::empty();
        for (at, element) in elements.into_iter().enumerate() {
            if at > 0 {
                all = texts::concat(&all, &separator, span);
            }
            all = texts::concat(&all, &self.texts_within(element, limit, steps + 1), span);
        }
        all
    }

    fn macro_text(&self, mac: &ExprMacro, expr: &Expr, limit: LocalId, steps: usize) -> Texts {
        let name = mac.mac.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default();
        let Some(body) = self.expansions.body(&mac.mac) else {
            return self.hole(expr, "the result of a macro");
        };
        if body.own {
            return self.hole(expr, format!("the result of `{name}!`, a macro of this crate"));
        }
        if name == "tenant_sql" {
            return self.checked_text(mac).unwrap_or_else(|| self.hole(expr, "the result of `tenant_sql!`"));
        }
        let arguments: Vec<&Expr> = body.arguments.iter().flatten().collect();
        let span = self.range(expr);
        match name.as_str() {
            "format" | "formatcp" | "formatdoc" => self.format(&arguments, expr, limit, steps),
            "concat" | "concatcp" => arguments.iter().fold(texts::empty(), |all, argument| {
                texts::concat(&all, &self.texts_within(argument, limit, steps + 1), span)
            }),
            "indoc" | "stringify" if arguments.len() == 1 && name == "indoc" => {
                arguments.first().map_or_else(texts::empty, |text| self.texts_within(text, limit, steps + 1))
            }
            "include_str" => {
                let path = arguments
                    .first()
                    .and_then(|path| self.texts_within(path, limit, steps + 1)[..].first()?.known());
                let found =
                    path.as_deref().and_then(|path| self.surroundings.include(self.source.file, path));
                match found {
                    Some((file, text)) => texts::of_piece(literal::file_piece(file, text)),
                    None => self.hole(expr, "the included file was not found"),
                }
            }
            _ => self.hole(expr, format!("the result of `{name}!`")),
        }
    }

    /// The text of `tenant_sql!("…")` and `tenant_sql!(file "…")`, whatever follows it.
    fn checked_text(&self, mac: &ExprMacro) -> Option<Texts> {
        use proc_macro2::TokenTree::{Ident, Literal};
        let mut tokens = mac.mac.tokens.clone().into_iter();
        match (tokens.next()?, tokens.next()) {
            (Literal(text), _) => self.literal(&Lit::new(text)),
            (Ident(word), Some(Literal(path))) if word == "file" => {
                let Lit::Str(path) = Lit::new(path) else { return None };
                let (file, text) = self.surroundings.manifest_file(self.source.file, &path.value())?;
                Some(texts::of_piece(literal::file_piece(file, text)))
            }
            _ => None,
        }
    }

    /// The text of `format!(template, …)`.
    pub(crate) fn format(&self, arguments: &[&Expr], expr: &Expr, limit: LocalId, steps: usize) -> Texts {
        let Some((template, rest)) = arguments.split_first() else { return texts::empty() };
        let whole = self.range(expr);
        let Expr::Lit(lit) = template else { return self.hole(expr, "the template is no literal") };
        let Some(mapped) = self.mapped(&lit.lit) else {
            return self.hole(expr, "the template is no literal");
        };
        let lit_span = self.token_span(lit.lit.span());
        let positional: Vec<&&Expr> =
            rest.iter().filter(|argument| !matches!(argument, Expr::Assign(_))).collect();
        let mut all = texts::empty();
        let mut plain = Mapped::default();
        let mut next_position = 0usize;
        let mut chars = mapped.value.char_indices().peekable();
        while let Some((at, c)) = chars.next() {
            let doubled = chars.peek().is_some_and(|(_, next)| *next == c);
            if !matches!(c, '{' | '}') || doubled {
                if matches!(c, '{' | '}') {
                    chars.next();
                }
                plain.push_from(c, &mapped, at);
                continue;
            }
            let Some(close) = mapped.value.get(at..).and_then(|rest| rest.find('}')).filter(|_| c == '{')
            else {
                return self.hole(expr, "the template does not read as one");
            };
            let inner = mapped.value.get(at + 1..at + close).unwrap_or("").to_owned();
            while chars.peek().is_some_and(|(next, _)| *next <= at + close) {
                chars.next();
            }
            if !plain.value.is_empty() {
                let piece = std::mem::take(&mut plain).piece(lit_span);
                all = texts::concat(&all, &texts::of_piece(piece), whole);
            }
            let (name, spec) = inner.split_once(':').unwrap_or((&inner, ""));
            let name = name.trim();
            let argument: Option<Expr> = if name.is_empty() {
                next_position += 1;
                positional.get(next_position - 1).map(|found| (**found).clone())
            } else if let Ok(index) = name.parse::<usize>() {
                positional.get(index).map(|found| (**found).clone())
            } else {
                named(rest, name).cloned()
            };
            let place = mapped.slice(at, at + close + 1).piece(lit_span);
            let place = match &place {
                Piece::Literal { map, value, .. } => {
                    let start = map.first().map_or(lit_span.range.start, |(_, to)| *to);
                    let end = start + literal::offset(value.len());
                    Span::new(self.source.file, tenantry_span::TextRange::new(start, end))
                }
                other => other.span(),
            };
            let value = match &argument {
                Some(argument) => {
                    let shown = self.shown(argument, limit);
                    shown.unwrap_or_else(|| self.texts_within(argument, limit, steps + 1))
                }
                None if !name.is_empty() => {
                    let shown = self.shown_name(name, place, limit);
                    shown.unwrap_or_else(|| {
                        let texts = self.name_text(name, place, limit, steps);
                        match named_at(name, lit.lit.span()) {
                            Some(variable) => self.with_way(texts, &variable, || place, limit),
                            None => texts,
                        }
                    })
                }
                None => return self.hole(expr, "the template has more places than arguments"),
            };
            let value = if spec.is_empty() { value } else { formatted(&value, place, &inner) };
            all = texts::concat(&all, &value, whole);
        }
        if !plain.value.is_empty() || all.iter().all(|text| text.pieces.is_empty()) {
            all = texts::concat(&all, &texts::of_piece(plain.piece(lit_span)), whole);
        }
        all
    }

    fn path_text(&self, path: &syn::ExprPath, expr: &Expr, limit: LocalId, steps: usize) -> Texts {
        let span = self.range(expr);
        if let Some(said) = self.said_constant(path) {
            return said.unwrap_or_else(|| self.hole(expr, "what implements a trait says what it is"));
        }
        if let Some(ident) = path.path.get_ident() {
            return self.name_text(&ident.to_string(), span, limit, steps);
        }
        let all = match path.path.leading_colon {
            Some(_) => self.imports.resolve_all(&path.path),
            None => {
                let segments: Vec<String> =
                    path.path.segments.iter().map(|part| plain(&part.ident)).collect();
                let Some(all) = self.constant_meanings(&segments, limit) else {
                    return self.hole(expr, "a block or a macro may give its name to something else");
                };
                all
            }
        };
        self.constant_texts(&all, span, steps)
    }

    fn name_text(&self, name: &str, span: Span, limit: LocalId, steps: usize) -> Texts {
        if self.is_metavariable(name, span) {
            let why = "not every call of the macro is seen to hand over a literal";
            let found = self.metavariable(name, span);
            return found.unwrap_or_else(|| texts::unread(span, &format!("${name}"), why));
        }
        let found = self.lookup(name, limit);
        if self.may_be_given(name, found) {
            return texts::unknown(
                span,
                name,
                format!("a macro may give the name `{name}` to something else"),
            );
        }
        let Some(id) = found else {
            let Some(all) = self.constant_meanings(&[name.to_owned()], limit) else {
                let why = format!("a block or a macro may give the name `{name}` to something else");
                return texts::unknown(span, name, why);
            };
            return self.constant_texts(&all, span, steps);
        };
        if let Some(known) = self.state.texts.get(&id) {
            return Rc::clone(known);
        }
        let Some(local) = self.locals.get(id) else { return texts::unknown(span, name, "unknown name") };
        if let Source::Constant(value) = local.source {
            return self.texts_within(value, id, steps + 1);
        }
        if self.is_integer_local(id, steps) {
            return texts::integer(span, name);
        }
        if let Source::Let(value) = local.source
            && !local.assigned
            && !local.mutable
            && let Some(said) = self.said_texts(value, id)
        {
            return said;
        }
        if let Some(place) = self.whole_parameter(id) {
            return texts::parameter(span, name, place);
        }
        let why = match local.source {
            Source::Parameter(_) => format!("the parameter `{name}`"),
            _ => format!("the variable `{name}`"),
        };
        texts::unknown(span, name, why)
    }

    /// The place of the parameter that a variable is, where it holds what was handed over and nothing else.
    pub(crate) fn whole_parameter(&self, id: LocalId) -> Option<Span> {
        let local = self.locals.get(id)?;
        if !matches!(local.source, Source::Parameter(_)) || local.assigned || local.mutable || local.torn {
            return None;
        }
        let params = &self.functions.last()?.params;
        params.iter().find(|parameter| parameter.locals == [id]).map(|parameter| parameter.span)
    }

    /// True if a variable evidently holds an integer. Whatever is assigned to it later is one as well.
    fn is_integer_local(&self, id: LocalId, steps: usize) -> bool {
        self.locals.get(id).is_some_and(|local| match (local.ty, local.source) {
            _ if local.counts => !local.assigned,
            (Some(ty), _) => types::is_integer(ty),
            (None, Source::Let(value)) => self.is_integer(value, id, steps + 1),
            _ => false,
        })
    }

    /// True if the value of the expression is evidently an integer, and not the text of one: to a text more may be added.
    fn is_integer(&self, value: &Expr, limit: LocalId, steps: usize) -> bool {
        if steps > MAX_STEPS {
            return false;
        }
        let next = |expr: &Expr| self.is_integer(expr, limit, steps + 1);
        match strip(value) {
            Expr::Lit(lit) => matches!(lit.lit, Lit::Int(_)),
            Expr::Cast(cast) => types::is_integer(&cast.ty),
            Expr::Path(path) => path
                .path
                .get_ident()
                .and_then(|name| self.lookup(&name.to_string(), limit))
                .is_some_and(|id| self.is_integer_local(id, steps)),
            Expr::Field(field) => self.field_type(field, limit).is_some_and(types::is_integer),
            Expr::Binary(binary) => {
                let computes = matches!(
                    binary.op,
                    BinOp::Add(_) | BinOp::Sub(_) | BinOp::Mul(_) | BinOp::Div(_) | BinOp::Rem(_)
                );
                computes && (next(&binary.left) || next(&binary.right))
            }
            Expr::MethodCall(call) => match (call.method.to_string().as_str(), call.args.first()) {
                (_, None) if self.gives_number(call) => true,
                ("unwrap_or", Some(default)) => next(default),
                ("min" | "max" | "clamp", Some(bound)) => next(&call.receiver) || next(bound),
                ("saturating_add" | "saturating_sub" | "saturating_mul", Some(_)) => next(&call.receiver),
                ("unwrap_or_default" | "unwrap", None) => match strip(&call.receiver) {
                    Expr::Field(field) => {
                        self.field_type(field, limit).is_some_and(types::is_optional_integer)
                    }
                    _ => false,
                },
                ("abs" | "clone" | "to_owned", None) => next(&call.receiver),
                _ => false,
            },
            _ => false,
        }
    }

    /// A method that gives a number, by its name; one that is declared here under that name may give anything.
    fn gives_number(&self, call: &ExprMethodCall) -> bool {
        let name = call.method.to_string();
        call.args.is_empty() && NUMBERS.contains(&name.as_str()) && !self.declared.functions.contains(&name)
    }

    /// True if a macro gives the name to something in a scope that lies nearer than the variable that it would mean.
    fn may_be_given(&self, name: &str, found: Option<LocalId>) -> bool {
        for (at, scope) in self.scopes.iter().enumerate().rev() {
            let is_here = |(_, known): &(String, LocalId)| Some(*known) == found;
            if scope.names.iter().any(is_here) || at == 0 || scope.module {
                return false;
            }
            if scope.uses.may_be_given(name) {
                return true;
            }
        }
        false
    }

    /// The paths that a constant's name may stand for here; `None` where it may be something that no path leads to.
    fn constant_meanings(&self, segments: &[String], limit: LocalId) -> Option<Vec<Vec<String>>> {
        // The value of a constant that stands elsewhere: what the file imports anywhere.
        if limit == 0 {
            return Some(self.imports.expand_all(segments));
        }
        let meant = self.meant(segments);
        if meant.is_hidden {
            return None;
        }
        let brought =
            meant.globs.iter().map(|glob| -> Vec<String> { glob.iter().chain(segments).cloned().collect() });
        let is_constant = |path: &Vec<String>| {
            self.declared_constant(path).is_some()
                || self.constant_places(path).is_some_and(|places| !places.is_empty())
                || self.surroundings.constant(path).is_some_and(|found| !found.is_empty())
        };
        // What other files declare is not known to marks.
        let is_own = |glob: &Vec<String>| glob.first().is_some_and(|root| root == "crate" || root == "?");
        if self.marks_only && meant.globs.iter().any(is_own) {
            return None;
        }
        if meant.ways.is_empty() && meant.globs.is_empty() {
            return Some(self.imports.expand_all(segments));
        }
        let is_unsaid = meant.ways.is_empty();
        let mut all: Vec<Vec<String>> = brought.filter(is_constant).collect();
        for way in meant.ways {
            // From the module that the import stands in, which may not be this one.
            let is_relative = way.full.first().is_some_and(|head| matches!(head.as_str(), "self" | "super"));
            all.push(if is_relative && way.full != segments { way.whole } else { way.full });
        }
        if is_unsaid && all.is_empty() {
            // What stands in other modules of the file is not in sight.
            let of_type = segments.iter().rev().nth(1).is_some_and(|of| of.starts_with(char::is_uppercase));
            let here = (!of_type).then(|| "self".to_owned());
            all.push(here.iter().chain(segments).cloned().collect());
        }
        Some(all)
    }

    /// The texts of all constants that a name may stand for.
    pub(crate) fn constant_texts(&self, all: &[Vec<String>], span: Span, steps: usize) -> Texts {
        let texts = all.iter().map(|full| self.constant_text(full, span, steps));
        texts.reduce(|all, one| texts::union(&all, &one, span)).unwrap_or_else(texts::empty)
    }

    fn constant_text(&self, full: &[String], span: Span, steps: usize) -> Texts {
        let name = full.last().cloned().unwrap_or_default();
        let of_type = self.constant_of_type(full);
        let is_found =
            |path: &[String]| self.surroundings.constant(path).is_some_and(|found| !found.is_empty());
        let full = match &of_type {
            Some(path) if self.declared_constant(path).is_some() => path,
            // A type of the same name has it, and this one may have another one's.
            Some(path) if !is_found(path) => {
                let why = format!("`{name}` was not found as a constant of this type");
                return texts::unknown(span, &name, why);
            }
            _ => full,
        };
        let own = self.declared_constant(full);
        if self.is_one_of_several(full, own.is_some()) {
            let why = format!("the module of `{name}` is a file of another name, or one of several");
            return texts::unknown(span, &name, why);
        }
        if let Some(found) = own {
            let values = found.into_iter().map(|(value, ty)| {
                let text = self.texts_within(value, 0, steps + 1);
                let number = types::is_integer(ty) && text.iter().all(|text| text.known().is_none());
                if number { texts::integer(span, &name) } else { text }
            });
            if let Some(all) = values.reduce(|all, one| texts::union(&all, &one, span)) {
                return texts::of_constant(&all, &name);
            }
        }
        let own = |part: &String| match (part.as_str(), self.self_type()) {
            ("Self", Some(own)) => own.to_owned(),
            _ => part.clone(),
        };
        let full: Vec<String> = full.iter().map(own).collect();
        match self.foreign_constant(&full) {
            Some(found) => texts::of_all(found),
            None => {
                texts::unknown(span, &name, format!("`{name}` was not found as a constant of this crate"))
            }
        }
    }

    /// The texts of a constant that another file of the crate declares.
    fn foreign_constant(&self, full: &[String]) -> Option<Vec<SqlText>> {
        let found = match self.constant_places(full) {
            Some(places) => match places.as_slice() {
                [one] => self.surroundings.constant(one),
                _ => None,
            },
            // A name alone could be any one's.
            None if full.len() < 2 => None,
            None => self.surroundings.constant(full),
        };
        found.filter(|found| !found.is_empty())
    }

    /// Where the constant of a type stands that is named as it is in sight here, beside the type.
    fn constant_of_type(&self, full: &[String]) -> Option<Vec<String>> {
        let (name, of) = full.split_last()?;
        let is_type = of.last()?.starts_with(char::is_uppercase);
        if !is_type || of.first().is_some_and(|head| matches!(head.as_str(), "crate" | "self" | "super")) {
            return None;
        }
        let of = if of == ["Self"] { self.own_path()? } else { of };
        let here = self.place();
        let places = self.places(&here, of).into_iter().filter(|place| place.krate == here.krate);
        let declared: Vec<_> = places.filter(|place| self.is_declared(place).is_some()).collect();
        let path = match declared.as_slice() {
            [one] => one.path.clone(),
            [] if of.len() == 1 => [here.path.as_slice(), of].concat(),
            _ => return None,
        };
        Some([&["crate".to_owned()], path.as_slice(), std::slice::from_ref(name)].concat())
    }

    /// The constants of this file that a path names.
    pub(crate) fn declared_constant(&self, full: &[String]) -> Option<Vec<(&'a Expr, &'a syn::Type)>> {
        let (name, modules) = full.split_last()?;
        let candidates = self.declared.constants.get(name)?;
        let imported = self.imports.imports(name)
            && modules.first().is_some_and(|root| root != "self" && root != "Self");
        if imported {
            return None;
        }
        if let Some(wanted) = self.absolute(modules) {
            let file = crate::modules::module_path(self.source.path);
            let is_root = !self.source.path.starts_with("src/") || self.source.path.starts_with("src/bin/");
            let named = candidates.iter().filter(|(path, _, _)| {
                let whole = file.iter().chain(path).eq(&wanted);
                whole || is_root && *path == wanted
            });
            let named: Vec<_> = named.map(|(_, value, ty)| (*value, *ty)).collect();
            return (!named.is_empty()).then_some(named);
        }
        let wanted: Vec<String> =
            modules
                .iter()
                .filter(|part| !matches!(part.as_str(), "self" | "crate" | "super"))
                .map(|part| {
                    if part == "Self" { self.self_type().unwrap_or("Self").to_owned() } else { part.clone() }
                })
                .collect();
        let fits = |path: &&(Vec<String>, &'a Expr, &'a syn::Type)| path.0.ends_with(&wanted);
        let fitting: Vec<_> = candidates.iter().filter(fits).collect();
        // Twins of one module are `cfg` alternatives; those of several modules are told apart by the nearest.
        let here = |path: &Vec<String>| self.modules.ends_with(path.as_slice());
        let near: Vec<_> = fitting.iter().filter(|(path, _, _)| here(path)).copied().collect();
        // A glob import may bring one of another module nearer.
        let chosen = if near.is_empty() || self.imports.has_foreign_glob() { fitting } else { near };
        (!chosen.is_empty()).then(|| chosen.into_iter().map(|(_, value, ty)| (*value, *ty)).collect())
    }

    /// The module that a path names which begins with `crate`, `self` or `super`.
    pub(super) fn absolute(&self, modules: &[String]) -> Option<Vec<String>> {
        let (head, rest) = modules.split_first()?;
        if head == "crate" {
            return Some(rest.to_vec());
        }
        let above = modules.iter().take_while(|part| *part == "super").count();
        if above == 0 && head != "self" {
            return None;
        }
        let kept = self.module.len().checked_sub(above)?;
        let below = modules.iter().skip_while(|part| matches!(part.as_str(), "self" | "super"));
        Some(self.module.iter().take(kept).chain(below).cloned().collect())
    }

    /// What an argument in the place of SQL evidently is.
    pub(crate) fn text_kind(&self, expr: &Expr) -> TextKind {
        self.text_kind_within(expr, LocalId::MAX)
    }

    fn text_kind_within(&self, expr: &Expr, limit: LocalId) -> TextKind {
        let by_type = |ty: &syn::Type| {
            if types::is_text(ty) { TextKind::Text } else { TextKind::Unknown }
        };
        match strip(expr) {
            Expr::Lit(lit) if matches!(lit.lit, Lit::Str(_)) => TextKind::Text,
            Expr::Lit(_)
            | Expr::Array(_)
            | Expr::Tuple(_)
            | Expr::Closure(_)
            | Expr::Struct(_)
            | Expr::Range(_)
            | Expr::Repeat(_) => TextKind::Other,
            Expr::Macro(mac) => {
                let name =
                    mac.mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                match name.as_str() {
                    "format" | "concat" | "include_str" | "formatcp" | "concatcp" | "indoc" | "formatdoc" => {
                        TextKind::Text
                    }
                    _ => match self.expansions.body(&mac.mac) {
                        Some(body) if body.sink.is_some() => TextKind::Other,
                        _ if matches!(name.as_str(), "vec" | "json" | "params" | "hashmap") => {
                            TextKind::Other
                        }
                        _ => TextKind::Unknown,
                    },
                }
            }
            Expr::Binary(binary) if matches!(binary.op, BinOp::Add(_)) => {
                self.text_kind_within(&binary.left, limit)
            }
            Expr::Binary(_) => TextKind::Other,
            Expr::If(choice) => match choice.then_branch.stmts.last() {
                Some(Stmt::Expr(tail, None)) => self.text_kind_within(tail, limit),
                Some(Stmt::Macro(_)) => TextKind::Text,
                _ => TextKind::Unknown,
            },
            Expr::Match(choice) => {
                let mut kinds = choice.arms.iter().map(|arm| self.text_kind_within(&arm.body, limit));
                kinds.find(|kind| *kind != TextKind::Unknown).unwrap_or(TextKind::Unknown)
            }
            Expr::Block(block) => match block.block.stmts.last() {
                Some(Stmt::Expr(tail, None)) => {
                    let start = self.start_of(block.block.brace_token.span.open());
                    if self.block_texts.contains_key(&start) {
                        return TextKind::Text;
                    }
                    self.text_kind_within(tail, limit)
                }
                Some(Stmt::Macro(_)) => TextKind::Unknown,
                _ => TextKind::Other,
            },
            Expr::MethodCall(call) => {
                let name = call.method.to_string();
                match name.as_str() {
                    "as_str" | "to_string" | "join" | "concat" | "replace" | "trim" | "to_lowercase" => {
                        TextKind::Text
                    }
                    _ if SAME_TEXT.contains(&name.as_str()) => self.text_kind_within(&call.receiver, limit),
                    _ => TextKind::Unknown,
                }
            }
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return TextKind::Unknown };
                let full = self.imports.resolve(&path.path);
                let text =
                    ["String::from", "String::new", "String::with_capacity", "Cow::from", "Cow::Borrowed"];
                if text.iter().any(|name| is_standard(&full, name))
                    || self.is_transparent(&full)
                    || self.may_be_inlined(call)
                {
                    return TextKind::Text;
                }
                let sink =
                    crate::imports::find(self.sinks, self.imports, &path.path, |library| &library.functions);
                if sink.is_some() { TextKind::Other } else { TextKind::Unknown }
            }
            Expr::Path(path) => {
                let Some(name) = path.path.get_ident().map(ToString::to_string) else {
                    return self.constant_kind(&self.imports.resolve(&path.path));
                };
                let Some(id) = self.lookup(&name, limit) else {
                    return self.constant_kind(&self.imports.resolve(&path.path));
                };
                let Some(local) = self.locals.get(id) else { return TextKind::Unknown };
                if let Some(prepared) = local.prepared {
                    return TextKind::Prepared(prepared);
                }
                if local.site.is_some() {
                    return TextKind::Other;
                }
                if self.state.texts.contains_key(&id) {
                    return TextKind::Text;
                }
                if let Some(ty) = local.ty {
                    return by_type(ty);
                }
                match local.source {
                    Source::Let(value) | Source::Constant(value) => self.text_kind_within(value, id),
                    _ => TextKind::Unknown,
                }
            }
            Expr::Field(field) => self.field_type(field, limit).map_or(TextKind::Unknown, by_type),
            Expr::Try(inner) => match self.text_kind_within(&inner.expr, limit) {
                TextKind::Prepared(prepared) => TextKind::Prepared(prepared),
                _ => TextKind::Unknown,
            },
            Expr::Reference(reference) if reference.mutability.is_some() => TextKind::Other,
            _ => TextKind::Unknown,
        }
    }

    fn constant_kind(&self, full: &[String]) -> TextKind {
        if let Some(found) = self.declared_constant(full) {
            return match () {
                () if found.iter().all(|(_, ty)| types::is_text(ty)) => TextKind::Text,
                () if found.iter().all(|(_, ty)| types::is_no_text(ty)) => TextKind::Other,
                () => TextKind::Unknown,
            };
        }
        let named_as_constant = full.last().is_some_and(|name| name.chars().all(|c| !c.is_lowercase()));
        if named_as_constant && self.foreign_constant(full).is_some() {
            TextKind::Text
        } else {
            TextKind::Unknown
        }
    }

    /// The declared type of a field, where its owner's type is declared in this file.
    pub(crate) fn field_type(&self, field: &syn::ExprField, limit: LocalId) -> Option<&'a syn::Type> {
        let member = match &field.member {
            Member::Named(name) => name.to_string(),
            Member::Unnamed(index) => index.index.to_string(),
        };
        let owner = match strip(&field.base) {
            Expr::Path(path) if path.path.is_ident("self") => self.self_type().map(str::to_owned),
            Expr::Path(path) => {
                let id = self.lookup(&path.path.get_ident()?.to_string(), limit)?;
                self.plainly_named(self.locals.get(id)?.ty?)
            }
            Expr::Field(inner) => self.plainly_named(self.field_type(inner, limit)?),
            _ => None,
        };
        self.declared.field(owner.as_deref(), &member)
    }

    /// The name of a type of this file: one that comes from another module may be another of that name.
    fn plainly_named(&self, ty: &syn::Type) -> Option<String> {
        let name = types::last_segment(ty)?;
        let mut paths = PathsTo { name: &name, is_plain: true };
        paths.visit_type(ty);
        let path = syn::parse_str::<syn::Path>(&name).ok()?;
        (paths.is_plain && self.full(&path).len() == 1 && !self.is_brought_nearer(&name)).then_some(name)
    }
}

/// Whether a type is named without the module that it is in.
struct PathsTo<'n> {
    name: &'n str,
    is_plain: bool,
}

impl<'ast> Visit<'ast> for PathsTo<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let is_it = path.segments.last().is_some_and(|last| last.ident == self.name);
        self.is_plain &= !is_it || path.segments.len() == 1;
        visit::visit_path(self, path);
    }
}

/// A value printed with a format specification: only numbers stay what they are.
fn formatted(value: &Texts, place: Span, written: &str) -> Texts {
    let number = value.iter().all(|text| {
        text.pieces.iter().all(|piece| matches!(piece, Piece::Hole { kind: HoleKind::Integer, .. }))
    });
    if number {
        return texts::integer(place, written);
    }
    texts::unknown(place, written, format!("the value of `{{{written}}}`"))
}

/// The variable that a template names, at a place.
fn named_at(name: &str, span: TokenSpan) -> Option<Expr> {
    let mut ident: syn::Ident = syn::parse_str(name).ok()?;
    ident.set_span(span);
    Some(Expr::Path(syn::ExprPath { attrs: Vec::new(), qself: None, path: ident.into() }))
}

fn named<'e>(arguments: &[&'e Expr], name: &str) -> Option<&'e Expr> {
    arguments.iter().find_map(|argument| match argument {
        Expr::Assign(assign) => {
            let matches = matches!(&*assign.left, Expr::Path(path) if path.path.is_ident(name));
            matches.then_some(&*assign.right)
        }
        _ => None,
    })
}

/// The expression without references, parentheses and dereferences.
pub(crate) fn strip(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => strip(&paren.expr),
        Expr::Group(group) => strip(&group.expr),
        Expr::Reference(reference) if reference.mutability.is_none() => strip(&reference.expr),
        Expr::Unary(unary) if matches!(unary.op, UnOp::Deref(_)) => strip(&unary.expr),
        _ => expr,
    }
}

/// Where a closure with this body returns before its end, or names a `return` to a macro.
pub(crate) fn returns(body: &Expr) -> Option<TokenSpan> {
    let mut found = Returns(None);
    found.visit_expr(body);
    found.0
}

struct Returns(Option<TokenSpan>);

impl<'ast> Visit<'ast> for Returns {
    fn visit_expr(&mut self, expr: &'ast Expr) {
        match expr {
            // What is in these leaves them alone.
            Expr::Closure(_) | Expr::Async(_) => {}
            Expr::Return(leaves) => self.0 = self.0.or(Some(leaves.return_token.span)),
            _ => visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if names_return(mac.tokens.clone()) {
            self.0 = self.0.or(Some(mac.path.span()));
        }
    }

    fn visit_item(&mut self, _: &'ast syn::Item) {}
}

pub(crate) fn names_return(tokens: proc_macro2::TokenStream) -> bool {
    tokens.into_iter().any(|tree| match tree {
        proc_macro2::TokenTree::Ident(word) => word == "return",
        proc_macro2::TokenTree::Group(group) => names_return(group.stream()),
        proc_macro2::TokenTree::Punct(_) | proc_macro2::TokenTree::Literal(_) => false,
    })
}

/// True if the expression never yields a value.
pub(crate) fn diverges(expr: &Expr) -> bool {
    match expr {
        Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) => true,
        Expr::Macro(mac) => is_panic(&mac.mac),
        // What leaves a labelled block may only leave that.
        Expr::Block(block) => block.label.is_none() && block_diverges(&block.block),
        Expr::Unsafe(block) => block_diverges(&block.block),
        Expr::Paren(paren) => diverges(&paren.expr),
        Expr::If(choice) => {
            let otherwise = choice.else_branch.as_ref().is_some_and(|(_, otherwise)| diverges(otherwise));
            otherwise && block_diverges(&choice.then_branch)
        }
        _ => false,
    }
}

fn is_panic(mac: &syn::Macro) -> bool {
    mac.path.segments.last().is_some_and(|last| {
        ["panic", "unreachable", "todo", "unimplemented", "bail"].iter().any(|name| last.ident == name)
    })
}

pub(crate) fn block_diverges(block: &syn::Block) -> bool {
    block.stmts.iter().any(|statement| match statement {
        // A `cfg` may take it away.
        Stmt::Expr(expr, _) => super::walk::expression_attributes(expr).is_empty() && diverges(expr),
        Stmt::Macro(mac) => mac.attrs.is_empty() && is_panic(&mac.mac),
        _ => false,
    })
}
