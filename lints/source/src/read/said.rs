//! What calls say whose functions' texts are all written in them (`crate::said`): `sort.column()`, `order_by(asked)`,
//! `T::TABLE`, and values that are printed by an implementation of `Display` of that kind.
//!
//! **Invariant:** whose a function is has to be in sight: a type or a trait that the workspace declares at the place to which
//! the written path leads. Of a type's functions those count that a call can mean; of a trait's all.
//! **Invariant:** one that is not known among them, and nothing is known of the call; nor is anything of what a trait has of
//! which a macro may write implementations.

use std::rc::Rc;

use syn::{Expr, ExprCall, ExprMethodCall, ExprPath, Type, TypeParamBound};
use tenantry_span::Span;

use super::evaluate::strip;
use super::scope::{LocalId, Source};
use super::texts::{self, Text, Texts};
use super::{Generic, Reader};
use crate::chains::{Declaration, Declared, Place, SaysDeclaration};
use crate::{Piece, SqlText, said, types};

/// How far types are followed through names, and functions through those that they call.
const MAX_STEPS: usize = 6;

/// The types or traits that a path may stand for.
struct Owner {
    places: Vec<Place>,
    is_trait: bool,
}

/// Something that is said, and where.
type Saying = (Declared, SaysDeclaration);

impl Reader<'_> {
    /// The texts of a call, where all of them are written in its function.
    pub(super) fn said_texts(&self, expr: &Expr, limit: LocalId) -> Option<Texts> {
        let all = match expr {
            Expr::MethodCall(call) => self.said_by_method(call, limit)?,
            Expr::Call(call) => self.said_by_function(call, limit)?,
            _ => return None,
        };
        Some(self.as_texts(all, self.range(expr)))
    }

    /// The texts as which a value is printed.
    pub(super) fn shown(&self, expr: &Expr, limit: LocalId) -> Option<Texts> {
        let all = self.printed(&self.owner_of(expr, limit, 0)?, &[])?;
        Some(self.as_texts(all, self.range(expr)))
    }

    /// The same of a variable.
    pub(super) fn shown_name(&self, name: &str, span: Span, limit: LocalId) -> Option<Texts> {
        let id = self.lookup(name, limit)?;
        let all = self.printed(&self.owner_of_local(id, 0)?, &[])?;
        Some(self.as_texts(all, span))
    }

    /// What a constant of a type parameter, or of the trait that is declared around, may be. `None` where the path names
    /// another one; nothing in it where it is not known.
    pub(super) fn said_constant(&self, path: &ExprPath) -> Option<Option<Texts>> {
        let parts: Vec<String> = path.path.segments.iter().map(|part| part.ident.to_string()).collect();
        let (name, before) = parts.split_last()?;
        let owner = match (&path.qself, before) {
            (Some(_), _) => self.qualified(path),
            (None, [only]) if only == "Self" && self.own_trait.is_some() => self.own(),
            (None, [only]) => self.owner_of_generic(self.generic(only)?),
            (None, _) => return None,
        };
        let all = owner.and_then(|owner| self.said_of(&owner, &said::of_constants(name), &[]));
        Some(all.map(|all| self.as_texts(all, self.range(path))))
    }

    fn said_by_method(&self, call: &ExprMethodCall, limit: LocalId) -> Option<Vec<String>> {
        let owner = self.owner_of(&call.receiver, limit, 0)?;
        self.said_by(&owner, &call.method.to_string(), &[])
    }

    /// What a method says that is called by these, one by the other.
    fn said_by(&self, owner: &Owner, method: &str, callers: &[&str]) -> Option<Vec<String>> {
        let key = said::of_functions(method);
        let is_own = method != "to_string" || owner.is_trait || self.may_have(owner, &key);
        let said = if is_own { self.said_of(owner, &key, callers) } else { self.printed(owner, callers) };
        said.filter(|all| all.iter().all(|text| is_words(text)))
    }

    /// It may be that one of the types has a function of the name.
    fn may_have(&self, owner: &Owner, key: &str) -> bool {
        let all = self.sayings(key);
        let may_be = |place: &Place| {
            let is_near = |(at, says): &Saying| is_near(at, says, place);
            all.iter().any(|one| is_near(one) || self.may_be_of(one, place))
        };
        owner.places.iter().any(may_be)
    }

    fn said_by_function(&self, call: &ExprCall, limit: LocalId) -> Option<Vec<String>> {
        let Expr::Path(path) = strip(&call.func) else { return None };
        let name = path.path.segments.last()?.ident.to_string();
        if path.qself.is_some() {
            return self.said_by(&self.qualified(path)?, &name, &[]);
        }
        let before = without_last(&path.path);
        if before.segments.last().is_some_and(|of| of.ident.to_string().starts_with(char::is_uppercase)) {
            return self.said_by(&self.owner_of_path(&before)?, &name, &[]);
        }
        let leads = self.resolved(&path.path, limit);
        if leads.local.is_some() {
            return None;
        }
        let here = self.place();
        let all = self.sayings(&said::of_functions(&name));
        let mut chosen = Vec::new();
        for place in leads.paths.iter().flat_map(|path| self.places(&here, path)) {
            let free =
                |says: &SaysDeclaration| says.of.is_none() && says.of_trait.is_none() && !says.is_anyones;
            chosen.extend(all.iter().filter(|(at, says)| stands_at(at, &place) && free(says)));
        }
        let said = chosen.iter().map(|(_, says)| says).filter(|says| says.methods.is_empty());
        let known: Vec<&SaysDeclaration> = said.filter(|says| says.is_known).collect();
        let is_whole = !known.is_empty() && known.len() == chosen.len();
        let mut texts: Vec<String> = known.iter().flat_map(|says| says.texts.iter().cloned()).collect();
        texts.sort();
        texts.dedup();
        is_whole.then_some(texts)
    }

    pub(super) fn sayings(&self, key: &str) -> Vec<Saying> {
        let all = self.surroundings.declarations(key).into_iter();
        let says = all.filter_map(|one| match one.what.clone() {
            Declaration::Says(says) => Some((one, says)),
            _ => None,
        });
        says.collect()
    }

    /// The texts of what an owner has under a name.
    fn said_of(&self, owner: &Owner, key: &str, callers: &[&str]) -> Option<Vec<String>> {
        let all = self.sayings(key);
        let is_hidden = |name: &str| !self.surroundings.declarations(&said::of_hidden(name)).is_empty();
        let is_open = |place: &Place| place.path.last().is_none_or(|name| is_hidden(name));
        if owner.is_trait && (is_hidden(said::ANY_TRAIT) || owner.places.iter().any(is_open)) {
            return None;
        }
        let mut chosen: Vec<&SaysDeclaration> = Vec::new();
        for place in &owner.places {
            let found = if owner.is_trait { self.of_trait(&all, place) } else { self.of_type(&all, place) };
            let is_of_traits = !owner.is_trait && found.iter().all(|says| says.of_trait.is_some());
            // Where the trait is not in sight, what it is dereferenced to is asked.
            if is_of_traits && !found.is_empty() && self.is_dereferenced(place) {
                return None;
            }
            chosen.extend(found);
        }
        self.texts_of(owner, &chosen, callers)
    }

    fn is_dereferenced(&self, place: &Place) -> bool {
        let all = self.sayings(&said::of_functions("deref"));
        all.iter().any(|(at, says)| is_near(at, says, place))
    }

    /// What the implementations of `Display` of an owner write.
    fn printed(&self, owner: &Owner, callers: &[&str]) -> Option<Vec<String>> {
        if owner.is_trait {
            return None;
        }
        let all = self.sayings(&said::of_functions("fmt"));
        let of_display = all
            .into_iter()
            .filter(|(_, says)| says.of_trait.as_deref() == Some("Display") && !says.is_anyones);
        let all: Vec<Saying> = of_display.collect();
        let chosen: Vec<&SaysDeclaration> =
            owner.places.iter().flat_map(|place| self.of_type(&all, place)).collect();
        self.texts_of(owner, &chosen, callers).filter(|all| all.iter().all(|text| is_words(text)))
    }

    fn texts_of(&self, owner: &Owner, chosen: &[&SaysDeclaration], callers: &[&str]) -> Option<Vec<String>> {
        if callers.len() > MAX_STEPS || chosen.iter().any(|says| !says.is_known) {
            return None;
        }
        let mut all: Vec<String> = chosen.iter().flat_map(|says| says.texts.iter().cloned()).collect();
        for method in chosen.iter().flat_map(|says| &says.methods) {
            // One that calls itself says nothing more.
            if !callers.contains(&method.as_str()) {
                all.extend(self.said_by(owner, method, &[callers, &[method]].concat())?);
            }
        }
        all.sort();
        all.dedup();
        (!all.is_empty()).then_some(all)
    }

    /// Those of a type: what stands beside it, and what may be its own elsewhere, of which a call may mean any: which traits
    /// are in sight, how they take the value and what the type's parameters are decides.
    fn of_type<'s>(&self, all: &'s [Saying], place: &Place) -> Vec<&'s SaysDeclaration> {
        let near: Vec<&SaysDeclaration> =
            all.iter().filter(|(at, says)| is_near(at, says, place)).map(|(_, says)| says).collect();
        if near.is_empty() {
            return near;
        }
        let is_overridden = |says: &SaysDeclaration| {
            says.of.is_none() && !says.is_anyones && near.iter().any(|own| own.of_trait == says.of_trait)
        };
        let more = all.iter().filter(|one| self.may_be_of(one, place) && !is_overridden(&one.1));
        near.iter().copied().chain(more.map(|(_, says)| says)).collect()
    }

    /// It does not stand beside a type, and may be of it nevertheless.
    fn may_be_of(&self, (at, says): &Saying, place: &Place) -> bool {
        let Some(of) = &says.of else { return says.is_anyones || says.of_trait.is_some() };
        let is_path = of.starts_with("::");
        if place.path.last().is_none_or(|name| of.trim_start_matches(':') != name) || is_near(at, says, place)
        {
            return false;
        }
        let mut beside = Place { krate: at.krate.clone(), path: at.module.clone() };
        beside.path.push(of.clone());
        is_path || self.is_declared(&beside).is_none()
    }

    /// Those of all types that may implement a trait, if it is the trait that has them.
    fn of_trait<'s>(&self, all: &'s [Saying], place: &Place) -> Vec<&'s SaysDeclaration> {
        let Some(name) = place.path.last() else { return Vec::new() };
        let declares = all.iter().any(|(at, says)| {
            let is_own = says.of_trait.as_ref() == Some(name) && says.of.is_none() && !says.is_anyones;
            is_own && stands_at(at, place)
        });
        if !declares {
            return Vec::new();
        }
        let may_be = |says: &SaysDeclaration| {
            let of_this = says.of_trait.as_ref().is_some_and(|of| self.may_name(of, name, 0));
            of_this || says.is_anyones
        };
        all.iter().map(|(_, says)| says).filter(|says| may_be(says)).collect()
    }

    /// A `use … as` may bring what has one name under another.
    fn may_name(&self, alias: &str, name: &str, steps: usize) -> bool {
        if alias == name || steps > MAX_STEPS {
            return true;
        }
        let named = self.surroundings.declarations(alias).into_iter().filter_map(|one| match one.what {
            Declaration::Export(export) => export.path.last().cloned(),
            _ => None,
        });
        let mut others = named.filter(|of| of != alias);
        others.any(|of| self.may_name(&of, name, steps + 1))
    }

    fn as_texts(&self, all: Vec<String>, span: Span) -> Texts {
        let written = texts::shorten(self.written(span));
        let is_choice = all.len() > 1;
        let text = |text: String| {
            let chosen_by = is_choice.then(|| format!("{written} = {text}"));
            Text::from(SqlText { pieces: vec![Piece::Built { text, span }], chosen_by })
        };
        Rc::new(all.into_iter().map(text).collect())
    }

    /// Whose methods are called on a value.
    fn owner_of(&self, expr: &Expr, limit: LocalId, steps: usize) -> Option<Owner> {
        if steps > MAX_STEPS {
            return None;
        }
        match strip(expr) {
            Expr::Path(path) if path.qself.is_some() => None,
            Expr::Path(path) => match path.path.get_ident() {
                Some(name) if name == "self" => self.own(),
                Some(name) => self.owner_of_local(self.lookup(&name.to_string(), limit)?, steps),
                None => {
                    // `Type::Variant`; a constant of the type may be of another one.
                    let variant = path.path.segments.last()?.ident.to_string();
                    if !variant.starts_with(char::is_uppercase) || !variant.contains(char::is_lowercase) {
                        return None;
                    }
                    self.owner_of_path(&without_last(&path.path)).filter(|owner| !owner.is_trait)
                }
            },
            Expr::Field(field) if self.is_declared_beside(&field.base, limit) => {
                self.owner_of_type(self.field_type(field, limit)?)
            }
            Expr::MethodCall(call) => match (call.method.to_string().as_str(), call.args.first()) {
                // What is in an `Option` is what stands for it otherwise.
                ("unwrap_or", Some(otherwise)) => self.owner_of(otherwise, limit, steps + 1),
                _ => None,
            },
            _ => None,
        }
    }

    fn owner_of_local(&self, id: LocalId, steps: usize) -> Option<Owner> {
        let local = self.locals.get(id)?;
        match (local.ty, local.source) {
            (Some(ty), _) => self.owner_of_type(ty),
            (None, Source::Let(value)) => self.owner_of(value, id, steps + 1),
            _ => None,
        }
    }

    /// The type of a value is declared in the module that is walked, so that the types of its fields mean the same here.
    fn is_declared_beside(&self, value: &Expr, limit: LocalId) -> bool {
        let ty = match strip(value) {
            Expr::Path(path) if path.path.is_ident("self") => self.own_type().map(str::to_owned),
            Expr::Path(path) => path
                .path
                .get_ident()
                .and_then(|name| self.locals.get(self.lookup(&name.to_string(), limit)?)?.ty)
                .and_then(types::last_segment),
            Expr::Field(inner) => self.field_type(inner, limit).and_then(types::last_segment),
            _ => None,
        };
        let file = crate::modules::module_path(self.source.path).len();
        let places = ty.and_then(|ty| self.declared.types.get(&ty));
        places.is_some_and(|places| {
            places.iter().all(|place| self.module.get(file..) == Some(place.as_slice()))
        })
    }

    fn owner_of_type(&self, ty: &Type) -> Option<Owner> {
        match ty {
            Type::Reference(of) => self.owner_of_type(&of.elem),
            Type::Paren(of) => self.owner_of_type(&of.elem),
            Type::Group(of) => self.owner_of_type(&of.elem),
            Type::ImplTrait(of) => self.owner_of_bounds(of.bounds.iter()),
            Type::TraitObject(of) => self.owner_of_bounds(of.bounds.iter()),
            Type::Path(of) if of.qself.is_none() => {
                let first = of.path.segments.first()?.ident.to_string();
                let is_generic = of.path.segments.len() == 1 && self.generic(&first).is_some();
                if !is_generic && self.is_named_within(&first) {
                    return None;
                }
                self.owner_of_path(&of.path)
            }
            _ => None,
        }
    }

    /// The body of the function gives the name to something, which the type in its head does not mean.
    pub(super) fn is_named_within(&self, name: &str) -> bool {
        for scope in self.scopes.iter().rev() {
            if scope.barrier {
                break;
            }
            if scope.uses.may_name(name) && !scope.module {
                return true;
            }
        }
        false
    }

    fn owner_of_bounds<'b>(&self, bounds: impl Iterator<Item = &'b TypeParamBound>) -> Option<Owner> {
        let paths = bounds.filter_map(|bound| match bound {
            TypeParamBound::Trait(bound) => Some(&bound.path),
            _ => None,
        });
        let owners = paths.filter_map(|path| self.owner_of_path(path)).filter(|owner| owner.is_trait);
        owners.reduce(|mut all, one| {
            all.places.extend(one.places);
            all
        })
    }

    /// The type parameter of a name.
    fn generic(&self, name: &str) -> Option<&Generic> {
        let of_function = self.functions.last().into_iter().flat_map(|function| &function.generics);
        let around = self.around_types.last().into_iter().flatten();
        of_function.chain(around).find(|generic| generic.name == name)
    }

    fn owner_of_generic(&self, generic: &Generic) -> Option<Owner> {
        let here = self.place();
        let mut owner = Owner { places: Vec::new(), is_trait: true };
        for place in generic.bounds.iter().flat_map(|path| self.places(&here, path)) {
            if self.is_declared(&place) == Some(true) && !owner.places.contains(&place) {
                owner.places.push(place);
            }
        }
        (!owner.places.is_empty()).then_some(owner)
    }

    /// The type whose `impl` is walked, or the trait.
    fn own(&self) -> Option<Owner> {
        if let Some(name) = &self.own_trait {
            let mut place = self.place();
            place.path.push(name.clone());
            let is_trait = self.is_declared(&place)?;
            return Some(Owner { places: vec![place], is_trait });
        }
        self.owner_of_path(&syn::parse_str(&self.own_path()?.join("::")).ok()?)
    }

    /// `<T as Trait>::name`.
    fn qualified(&self, path: &ExprPath) -> Option<Owner> {
        let qself = path.qself.as_ref()?;
        let mut of = path.path.clone();
        while of.segments.len() > qself.position {
            of = without_last(&of);
        }
        match qself.position {
            0 => self.owner_of_type(&qself.ty),
            _ => self.owner_of_path(&of).filter(|owner| owner.is_trait),
        }
    }

    fn owner_of_path(&self, path: &syn::Path) -> Option<Owner> {
        if let Some(name) = path.get_ident().map(ToString::to_string) {
            if name == "Self" {
                return self.own();
            }
            if let Some(generic) = self.generic(&name) {
                return self.owner_of_generic(generic);
            }
        }
        let (here, leads) = (self.place(), self.resolved(path, LocalId::MAX));
        let written = path.segments.len();
        let mut owner: Option<Owner> = None;
        for path in &leads.paths {
            let is_within =
                path.first().is_some_and(|head| matches!(head.as_str(), "crate" | "self" | "super"));
            let places: Vec<(Place, bool)> = self
                .places(&here, path)
                .into_iter()
                .filter_map(|place| {
                    let is_trait = self.is_declared(&place)?;
                    Some((place, is_trait))
                })
                .collect();
            // A library's type may be meant.
            if places.is_empty() && !is_within && (path.len() > written || leads.paths.len() == 1) {
                return None;
            }
            for (place, is_trait) in places {
                let all = owner.get_or_insert(Owner { places: Vec::new(), is_trait });
                if all.is_trait != is_trait {
                    return None;
                }
                if !all.places.contains(&place) {
                    all.places.push(place);
                }
            }
        }
        owner
    }

    /// Whether a trait is declared at a place, or a type; `None` where neither is.
    pub(super) fn is_declared(&self, place: &Place) -> Option<bool> {
        let all = self.sayings(&said::of_types(place.path.last()?));
        let here = all.into_iter().find(|(at, _)| stands_at(at, place));
        here.map(|(_, says)| says.of_trait.is_some())
    }
}

/// True for words alone: names of tables and columns, lists of them, an order. Which of several functions a method call means
/// is for the compiler to say; what restricts rows to a tenant is not believed of a guess, however good.
fn is_words(text: &str) -> bool {
    text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | ',' | ' '))
}

fn without_last(path: &syn::Path) -> syn::Path {
    let mut before = path.clone();
    before.segments.pop();
    before.segments.pop_punct();
    before
}

/// It stands in the module of what is at the place.
fn stands_at(declared: &Declared, place: &Place) -> bool {
    let module = place.path.split_last().map(|(_, module)| module);
    declared.krate == place.krate && module == Some(declared.module.as_slice())
}

/// It is of the type at a place, and stands beside it.
fn is_near(at: &Declared, says: &SaysDeclaration, place: &Place) -> bool {
    says.of.as_ref() == place.path.last() && !says.is_anyones && stands_at(at, place)
}
