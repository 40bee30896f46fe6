//! Where values of a type are made, and with what: an extractor's type is as good as all that fills its values.
//!
//! **Invariant:** what may make or change a value and is not read as a struct that is written out is told ([`Marks`]): in
//! a macro, under another name, in another file than the type's own, by an assignment to a field of its name anywhere.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use ra_ap_rustc_lexer::TokenKind;
use syn::{Attribute, Item, ItemStruct};
use tenantry_policy::Trust;
use tenantry_rules::SinkLibrary;
use tenantry_span::Span;

use crate::Bind;
use crate::calls::{end_of_block, end_of_group, is_gated_for_tests, opens_macro, without_blanks};
use crate::declared::Declared;
use crate::expansions::Expansions;
use crate::imports::Imports;
use crate::input::{SourceFile, Surroundings};
use crate::modules::{is_test_cfg, module_path};
use crate::read::{EXTRACTING, Reader, parse};

/// The parts that are asked for of each type, by its name: the fields down to each.
pub type Types = BTreeMap<String, BTreeSet<Fields>>;

/// The fields down to a part, outermost first.
pub type Fields = Vec<String>;

/// A value of a type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The type's name.
    pub ty: String,
    /// Where it is written out.
    pub span: Span,
    /// The function around, as a path within the crate's module tree.
    pub item: String,
    /// That function is one by which a web framework gets values of the type.
    pub is_extractor: bool,
    /// It stands in test code.
    pub is_test: bool,
    /// The parts that were asked for, each with what it is filled with; `None` where that is not in sight.
    pub parts: Vec<(Fields, Option<Bind>)>,
}

/// What the file of a type says of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MadeIn {
    /// Its types that were asked for: the paths within the crate's module tree of those whose values are made only where
    /// they are written out.
    pub types: Vec<Vec<String>>,
    /// The values that are made here.
    pub made: Vec<Made>,
}

/// What the walk looks for, and what it found.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) parts: Types,
    pub(crate) made: Vec<Made>,
}

/// Derives that make no value of their own.
const HARMLESS: &[&str] =
    &["Clone", "Copy", "Debug", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd", "Serialize"];

/// Reads where values of these types are made in a file that declares one; `None` for a file that does not parse.
///
/// Like [`crate::read()`] it wants a deep stack.
pub fn made(
    source: &SourceFile<'_>,
    types: &Types,
    sinks: &[SinkLibrary],
    trust: &Trust,
    surroundings: &dyn Surroundings,
) -> Option<MadeIn> {
    let parsed = parse(source.text, |text| text.into()).ok()?;
    let imports = Imports::of(&parsed.file);
    let declared = Declared::of(&parsed.file);
    let expansions = Expansions::of(source.text, &parsed.file, &imports, sinks);
    let mut found = Vec::new();
    plain_types(&parsed.file.items, &module_path(source.path), types, &mut found);
    let mut reader =
        Reader::new(source, &parsed, &imports, &declared, &expansions, sinks, trust, surroundings);
    reader.wanted = Some(Wanted { parts: types.clone(), made: Vec::new() });
    syn::visit::Visit::visit_file(&mut reader, &parsed.file);
    let mut made = reader.wanted.take().map(|wanted| wanted.made).unwrap_or_default();
    made.sort_by_key(|made| made.span);
    made.dedup();
    Some(MadeIn { types: found, made })
}

/// Structs among the items that nothing but an expression makes, as far as they themselves say.
fn plain_types(items: &[Item], path: &[String], types: &Types, found: &mut Vec<Vec<String>>) {
    for item in items {
        match item {
            Item::Struct(item) if types.contains_key(&item.ident.to_string()) && is_plain(item) => {
                found.push(path.iter().cloned().chain([item.ident.to_string()]).collect());
            }
            Item::Mod(module) if !is_for_tests(&module.attrs) => {
                let Some((_, items)) = &module.content else { continue };
                let path: Vec<String> = path.iter().cloned().chain([module.ident.to_string()]).collect();
                plain_types(items, &path, types, found);
            }
            _ => {}
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let list = attribute.path().is_ident("cfg").then(|| attribute.meta.require_list().ok()).flatten();
        list.is_some_and(|list| is_test_cfg(&list.tokens.to_string()))
    })
}

/// No parameter, and no attribute but such as make no value and change none.
fn is_plain(item: &ItemStruct) -> bool {
    let is_harmless = |attribute: &Attribute| {
        let mut harmless = true;
        match attribute.path().get_ident().map(ToString::to_string).as_deref() {
            Some("doc" | "allow" | "expect" | "must_use" | "non_exhaustive" | "deprecated") => true,
            Some("derive") => {
                let derives = attribute.parse_nested_meta(|meta| {
                    let last = meta.path.segments.last();
                    harmless &= last.is_some_and(|last| HARMLESS.iter().any(|known| last.ident == known));
                    Ok(())
                });
                derives.is_ok() && harmless
            }
            _ => false,
        }
    };
    item.generics.params.is_empty() && item.attrs.iter().all(is_harmless)
}

/// What the words of a file say of types and fields, without what they mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Types that are declared under these names, a struct, another kind of type, another name for one: the paths within
    /// the crate's module tree.
    pub declared: Vec<Vec<String>>,
    /// Names that stand in a `use`, or behind a path: they may mean a type of another file.
    pub imported: BTreeSet<String>,
    /// Types of which a value may be made here.
    pub made: BTreeSet<String>,
    /// The same where no reader of expressions may see it.
    pub hidden: BTreeSet<String>,
    /// Places that are changed somewhere: the fields, outermost first, behind a `self` where what they are fields of is no
    /// variable of its own.
    pub changed: BTreeSet<Fields>,
    /// There is a function by which web frameworks get values of a type.
    pub has_extractor: bool,
}

/// Reads the marks of a file. It need not parse.
pub fn marks(path: &str, text: &str, types: &Types) -> Marks {
    let words = Words { tokens: without_blanks(text) };
    let mut marks = Marks::default();
    let mut own_impls = HashSet::new();
    let mut in_macro = 0;
    let mut self_made = (false, false);
    // Fields with the names that patterns may give them, and names through which something is set.
    let (mut renamed, mut through): (Vec<(&str, &str)>, HashSet<&str>) = Default::default();
    let (mut in_use, mut tests_end, mut enum_end) = (false, 0, 0);
    let mut modules: Vec<(usize, &str)> = Vec::new();
    for (at, (kind, written)) in words.tokens.iter().enumerate() {
        if at < tests_end {
            continue;
        }
        if *written == "mod" && is_gated_for_tests(&words.tokens, at) {
            tests_end = end_of_block(&words.tokens, at);
            continue;
        }
        modules.retain(|(end, _)| at < *end);
        match (kind, *written) {
            (TokenKind::Ident, "mod") if words.kind(at + 2) == Some(TokenKind::OpenBrace) => {
                modules.push((words.group_end(at), words.word(at + 1)));
            }
            // Of `impl Trait + use<'a>` it is a bound.
            (TokenKind::Ident, "use") => in_use = words.kind(at + 1) != Some(TokenKind::Lt),
            (TokenKind::Semi, _) => in_use = false,
            (TokenKind::Star, _) if in_use => marks.imported.extend(types.keys().cloned()),
            _ => {}
        }
        let word = written.trim_start_matches("r#");
        match kind {
            TokenKind::Bang if at >= in_macro && opens_macro(&words.tokens, at) => {
                in_macro = words.group_end(at)
            }
            TokenKind::Eq if words.assigns(at) => drop(marks.changed.insert(words.place_before(at))),
            TokenKind::Ident if word == "mut" && words.kind(at.wrapping_sub(1)) == Some(TokenKind::And) => {
                marks.changed.insert(words.place_after(at));
            }
            TokenKind::Ident if word == "ref" && words.word(at + 1) == "mut" => {
                marks.changed.insert(vec!["self".to_owned(), words.word(at + 2).to_owned()]);
            }
            TokenKind::Ident if EXTRACTING.contains(&word) && words.word(at.wrapping_sub(1)) == "fn" => {
                marks.has_extractor = true;
            }
            TokenKind::Ident if word == "impl" => {
                own_impls.extend(words.head_of_impl(at).filter(|name| types.contains_key(*name)));
            }
            TokenKind::Ident if word == "Self" && (words.may_make(at) || words.is_bare_value(at)) => {
                self_made = (true, self_made.1 || at < in_macro || words.is_bare_value(at));
            }
            TokenKind::OpenParen if words.changes_by_method(at) => {
                marks.changed.insert(words.place_before(at));
            }
            TokenKind::Colon => renamed.extend(words.renames(at)),
            TokenKind::Star if words.sets_through(at) => drop(through.insert(words.word(at + 1))),
            TokenKind::Ident if word == "enum" && enum_end <= at => {
                if types.contains_key(words.word(at + 1)) {
                    marks.declared.push(declared(path, &modules, words.word(at + 1)));
                }
                enum_end = words.group_end(at);
            }
            // Variants have names of their own, also those of `Type::Name`.
            TokenKind::Ident | TokenKind::RawIdent
                if at < enum_end || words.is_variant(at) && types.contains_key(word) => {}
            TokenKind::Ident | TokenKind::RawIdent if types.contains_key(word) => {
                let before = words.word(at.wrapping_sub(1));
                if words.path_start(at) < at {
                    marks.imported.insert(word.to_owned());
                }
                if matches!(before, "struct" | "union" | "type" | "trait" | "as") {
                    marks.declared.push(declared(path, &modules, word));
                } else if in_use && words.word(at + 1) != "as" {
                    marks.imported.insert(word.to_owned());
                } else if in_use || words.is_aliased(at) || words.is_bare_value(at) || words.is_lent(at) {
                    // Under another name, or as a function, it makes values anywhere.
                    marks.hidden.insert(word.to_owned());
                } else if words.may_make(at) {
                    marks.made.insert(word.to_owned());
                    if at < in_macro {
                        marks.hidden.insert(word.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    // `Self { tenant: place } = self` and `*place = other`: through a reference the name is the field.
    let set = renamed.into_iter().filter(|(_, binding)| through.contains(binding));
    marks.changed.extend(set.map(|(field, _)| vec!["self".to_owned(), field.to_owned()]));
    if self_made.0 {
        marks.made.extend(own_impls.iter().map(|name| (*name).to_owned()));
    }
    if self_made.1 {
        marks.hidden.extend(own_impls.iter().map(|name| (*name).to_owned()));
    }
    marks
}

fn declared(path: &str, modules: &[(usize, &str)], name: &str) -> Vec<String> {
    let inner = modules.iter().map(|(_, module)| *module).chain([name]);
    module_path(path).into_iter().chain(inner.map(str::to_owned)).collect()
}

/// The tokens of a file that are no blanks.
struct Words<'t> {
    tokens: Vec<(TokenKind, &'t str)>,
}

impl<'t> Words<'t> {
    fn kind(&self, at: usize) -> Option<TokenKind> {
        self.tokens.get(at).map(|(kind, _)| *kind)
    }

    fn word(&self, at: usize) -> &'t str {
        self.tokens.get(at).map_or("", |(_, word)| word.trim_start_matches("r#"))
    }

    /// The end of the group of tokens that begins next.
    fn group_end(&self, from: usize) -> usize {
        end_of_group(&self.tokens, from)
    }

    /// `=` or `+=`, and no comparison or arrow. What is set for a statement that writes a row is no field of a value.
    fn assigns(&self, at: usize) -> bool {
        let before = self.kind(at.wrapping_sub(1));
        let compares =
            matches!(before, Some(TokenKind::Eq | TokenKind::Bang | TokenKind::Lt | TokenKind::Gt));
        let goes_on = matches!(self.kind(at + 1), Some(TokenKind::Eq | TokenKind::Gt));
        !compares && !goes_on && !matches!(self.word(at + 1), "Set" | "ActiveValue")
    }

    /// The fields of the place that ends before a token: `a.b.c =`.
    fn place_before(&self, at: usize) -> Vec<String> {
        let mut names = Vec::new();
        let mut at = at;
        while let Some(before) = at.checked_sub(1) {
            match self.kind(before) {
                // The operator of `+=`.
                Some(
                    TokenKind::Plus
                    | TokenKind::Minus
                    | TokenKind::Star
                    | TokenKind::Slash
                    | TokenKind::Or
                    | TokenKind::And
                    | TokenKind::Caret
                    | TokenKind::Percent,
                ) if names.is_empty() => {}
                Some(TokenKind::Ident | TokenKind::RawIdent | TokenKind::Literal { .. }) => {
                    if self.kind(before.wrapping_sub(1)) != Some(TokenKind::Dot) {
                        // `*tenant = …` through a reference that a pattern gave.
                        if names.is_empty() && self.kind(before.wrapping_sub(1)) == Some(TokenKind::Star) {
                            names.push(self.word(before).to_owned());
                            names.push("self".to_owned());
                        } else if self.word(before) == "self" {
                            names.push("self".to_owned());
                        }
                        break;
                    }
                    // Of a tuple in a tuple both positions are one number.
                    names.extend(self.word(before).rsplit('.').map(str::to_owned));
                }
                Some(TokenKind::Dot) => {}
                _ => {
                    names.push("self".to_owned());
                    break;
                }
            }
            at = before;
        }
        names.reverse();
        names
    }

    /// The names of the fields of the place that follows: `&mut a.b.c`.
    fn place_after(&self, at: usize) -> Vec<String> {
        let mut names = Vec::new();
        let is_own = self.word(at + 1) == "self";
        names.extend(is_own.then(|| "self".to_owned()));
        let mut at = at + 2;
        while self.kind(at) == Some(TokenKind::Dot) {
            names.extend(self.word(at + 1).split('.').map(str::to_owned));
            at += 2;
        }
        names
    }

    /// `a.b.push(`: what is called changes what it is called on.
    fn changes_by_method(&self, open: usize) -> bool {
        const CHANGING: &[&str] = &[
            "append",
            "clear",
            "clone_from",
            "drain",
            "extend",
            "get_or_insert",
            "get_or_insert_with",
            "insert",
            "insert_str",
            "pop",
            "push",
            "push_str",
            "remove",
            "replace_range",
            "retain",
            "set",
            "swap",
            "take",
            "truncate",
        ];
        let name = open.wrapping_sub(1);
        let is_named = CHANGING.contains(&self.word(name)) || self.word(name).ends_with("_mut");
        is_named && self.kind(name.wrapping_sub(1)) == Some(TokenKind::Dot)
    }

    /// The names in the head of an `impl`.
    fn head_of_impl(&self, at: usize) -> impl Iterator<Item = &'t str> {
        let head = self.tokens.get(at + 1..).unwrap_or_default().iter();
        head.take_while(|(kind, _)| !matches!(kind, TokenKind::OpenBrace | TokenKind::Semi))
            .map(|(_, word)| word.trim_start_matches("r#"))
    }

    /// The name stands behind the `=` of `type Other = …`.
    fn is_aliased(&self, at: usize) -> bool {
        let before = self.tokens.get(..at).unwrap_or_default().iter().rev();
        let statement = before.take_while(|(kind, _)| {
            !matches!(kind, TokenKind::Semi | TokenKind::OpenBrace | TokenKind::CloseBrace)
        });
        let words: Vec<&str> = statement.map(|(_, word)| *word).collect();
        words.contains(&"type") && words.contains(&"=")
    }

    /// A value may be made here: `Name { … }` or `Name(…)` that is no pattern and no type.
    fn may_make(&self, at: usize) -> bool {
        match self.kind(at + 1) {
            Some(TokenKind::OpenBrace) => {
                let start = self.path_start(at);
                let is_given = self.kind(start.wrapping_sub(1)) == Some(TokenKind::Gt)
                    && self.kind(start.wrapping_sub(2)) == Some(TokenKind::Minus);
                !is_given && !self.is_in_head_of_impl(at) && !self.is_pattern(at)
            }
            Some(TokenKind::OpenParen) => !self.is_pattern(at),
            _ => false,
        }
    }

    /// It stands where a value does: `ids.map(Name)`, `let make = Name;`. So may a type among others.
    fn is_bare_value(&self, at: usize) -> bool {
        let ends =
            matches!(self.kind(at + 1), Some(TokenKind::CloseParen | TokenKind::Comma | TokenKind::Semi));
        let before = self.path_start(at).wrapping_sub(1);
        let begins = matches!(
            self.kind(before),
            Some(TokenKind::OpenParen | TokenKind::Comma | TokenKind::Eq | TokenKind::Or)
        );
        ends && (begins || self.word(before) == "return")
    }

    /// `field: name` in braces: a pattern that gives the field that name, or a struct that is filled by a variable.
    fn renames(&self, colon: usize) -> Option<(&'t str, &'t str)> {
        let before = colon.wrapping_sub(1);
        let ends = matches!(self.kind(colon + 2), Some(TokenKind::Comma | TokenKind::CloseBrace));
        let named =
            self.kind(before) == Some(TokenKind::Ident) && self.kind(colon + 1) == Some(TokenKind::Ident);
        (ends && named).then(|| (self.word(before), self.word(colon + 1)))
    }

    /// `*name = …`
    fn sets_through(&self, star: usize) -> bool {
        self.kind(star + 1) == Some(TokenKind::Ident)
            && self.kind(star + 2) == Some(TokenKind::Eq)
            && self.kind(star + 3) != Some(TokenKind::Eq)
    }

    /// `&mut Name`, and `Name { … } = &mut …`: what a pattern takes of it may be changed.
    fn is_lent(&self, at: usize) -> bool {
        let start = self.path_start(at);
        let after = self.group_end(at + 1);
        let of_type = self.word(start.wrapping_sub(1)) == "mut"
            && matches!(self.kind(start.wrapping_sub(2)), Some(TokenKind::And | TokenKind::Lifetime { .. }));
        let takes_apart =
            self.kind(at + 1) == Some(TokenKind::OpenBrace) && self.kind(after) == Some(TokenKind::Eq);
        of_type
            || takes_apart && self.kind(after + 1) == Some(TokenKind::And) && self.word(after + 2) == "mut"
    }

    /// `Type::Name`: nothing lies in a type but its variants and constants.
    fn is_variant(&self, at: usize) -> bool {
        let start = self.path_start(at);
        start < at && self.word(at.wrapping_sub(3)).starts_with(char::is_uppercase)
    }

    /// Where the path begins that ends here.
    fn path_start(&self, at: usize) -> usize {
        let mut at = at;
        while self.kind(at.wrapping_sub(1)) == Some(TokenKind::Colon)
            && self.kind(at.wrapping_sub(2)) == Some(TokenKind::Colon)
            && matches!(self.kind(at.wrapping_sub(3)), Some(TokenKind::Ident | TokenKind::RawIdent))
        {
            at -= 3;
        }
        at
    }

    fn is_in_head_of_impl(&self, at: usize) -> bool {
        let before = self.tokens.get(..at).unwrap_or_default().iter().rev();
        let mut head = before.take_while(|(kind, _)| {
            !matches!(
                kind,
                TokenKind::Semi
                    | TokenKind::OpenBrace
                    | TokenKind::CloseBrace
                    | TokenKind::OpenParen
                    | TokenKind::Eq
            )
        });
        head.any(|(_, word)| matches!(*word, "impl" | "where" | "trait"))
    }

    /// What follows the group says that it is a pattern: `Name { … }: Name`, `= …`, `=> …`.
    fn is_pattern(&self, at: usize) -> bool {
        let end = self.group_end(at + 1);
        match self.kind(end) {
            Some(TokenKind::Colon) => true,
            Some(TokenKind::Eq) => self.kind(end + 1) != Some(TokenKind::Eq),
            // `Path(Name { … }): Path<Name>` and the like.
            Some(TokenKind::CloseParen) => self.kind(end + 1) == Some(TokenKind::Colon),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::{Marks, Types, marks};

    fn read(text: &str) -> Marks {
        let parts = BTreeSet::from([vec!["tenant".to_owned()]]);
        marks("src/lib.rs", text, &Types::from(BTreeMap::from([("Ctx".to_owned(), parts)])))
    }

    #[test]
    fn a_value_may_be_made_where_its_type_is_written_as_a_value() {
        let making = [
            "fn a() { Ctx { tenant } }",
            "fn a() { let x = auth::Ctx { tenant }; }",
            "fn a() -> Ctx { Ctx { tenant } }",
            "fn a() { if x == (Ctx { tenant }) {} }",
            "fn a() { f(Ctx(tenant)); }",
            "impl Ctx { fn new(tenant: Uuid) -> Self { Self { tenant } } }",
            "impl From<X> for Ctx { fn from(x: X) -> Self { Self(x.0) } }",
        ];
        for text in making {
            assert!(read(text).made.contains("Ctx"), "{text}");
        }
        let others = [
            "struct Ctx { tenant: Uuid }",
            "impl Ctx { fn tenant(&self) -> Uuid { self.tenant } }",
            "fn a(Ctx { tenant }: Ctx) {}",
            "fn a(State(x): State<X>, Wrapped(Ctx { tenant }): Wrapped<Ctx>) {}",
            "fn a(ctx: Ctx) -> auth::Ctx { let Ctx { tenant } = ctx; ctx }",
            "fn a() { match x { Ctx { tenant } => tenant } }",
            "enum Level { Ctx(Uuid), Other } fn a() { Level::Ctx(tenant); f(Level::Ctx) }",
            "use auth::{Ctx, other}; impl Other { fn a() -> Self { Self { x } } }",
            "#[cfg(test)] mod tests { fn a() { Ctx { tenant } } }",
        ];
        for text in others {
            let marks = read(text);
            assert!(marks.made.is_empty() && marks.hidden.is_empty(), "{text}: {marks:?}");
        }
    }

    #[test]
    fn what_no_reader_of_expressions_sees_is_told() {
        let hiding = [
            "use auth::Ctx as Other;",
            "type Other = auth::Ctx;",
            "fn a() { ids.map(Ctx) }",
            "fn a() { ids.map(auth::Ctx) }",
            "fn a() { let make = Ctx; }",
            "fn a() { odd!(Ctx { tenant }) }",
            "macro_rules! make { () => { Ctx { tenant } } }",
            "impl Ctx { fn new() -> Self { odd!(Self { tenant }) } }",
            "fn a(ctx: &mut Ctx) {}",
            "fn a(ctx: &'a mut auth::Ctx) {}",
            "fn a() { let Ctx { tenant } = &mut ctx; }",
        ];
        for text in hiding {
            assert!(read(text).hidden.contains("Ctx"), "{text}");
        }
    }

    #[test]
    fn a_field_is_changed_wherever_its_name_is_assigned_to() {
        let changing = [
            "fn a() { ctx.tenant = other; }",
            "fn a() { ctx.tenant.0 = other; }",
            "fn a() { self.ctx.tenant += 1; }",
            "fn a() { swap(&mut ctx.tenant, other); }",
            "fn a() { ctx.tenant.clone_from(other); }",
            "fn a() { let Ctx { ref mut tenant } = ctx; }",
            "fn a() { *tenant = other; }",
            "impl Ctx { fn a(&mut self) { let Self { tenant: place, .. } = self; let Self { tenant: place } = self; *place = other; } }",
            "fn a() { ctxs.iter_mut().for_each(|Ctx { tenant: place }| *place = other); }",
        ];
        for text in changing {
            let changed = read(text).changed;
            assert!(changed.iter().flatten().any(|name| name == "tenant"), "{text}: {changed:?}");
        }
        let others = [
            "fn a() { ctx.tenant == other; ctx.tenant != other; ctx.tenant <= other; }",
            "fn a() { let x = ctx.tenant; x = 1; }",
            "fn a() { active.tenant = Set(x); }",
            "fn a() { match x { y if y == ctx.tenant => 1 } }",
        ];
        for text in others {
            assert!(!read(text).changed.iter().flatten().any(|name| name == "tenant"), "{text}");
        }
    }
}
