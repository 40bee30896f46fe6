//! What a name stands for where it is written, as Rust has it: variables and `use` declarations by scope.
//!
//! A `use` of a block lies outside of the variables that the block declares, and inside of the parameters of the function
//! whose body the block is.

use std::collections::{HashMap, HashSet};

use syn::{Item, ItemUse, UseTree};

use super::declared::{cfgs_of, in_build};
use crate::read::{LocalId, Reader};

/// A path that a name stands for, with the `cfg`s of its import.
type Twin = (Vec<String>, Vec<String>);

/// The `use` declarations of one scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Uses {
    /// Several of one name where a build has one of them: `#[cfg(unix)] use a::Row; #[cfg(not(unix))] use b::Row;`.
    names: HashMap<String, Vec<Twin>>,
    globs: Vec<Vec<String>>,
    /// What is declared there: it goes before what globs bring.
    items: HashSet<String>,
    /// A macro among the statements imports what is not seen.
    by_macro: bool,
    /// The `cfg`s of the import that is taken in.
    cfgs: Vec<String>,
}

/// What a path may stand for: the paths in the order in which Rust asks, all of them before the variable, if there is one.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    pub(crate) paths: Vec<Vec<String>>,
    pub(crate) local: Option<LocalId>,
    /// The file declares what is meant itself.
    pub(crate) is_item: bool,
}

/// Where the file declares something of a name itself, nearer than any import of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Declares {
    Nothing,
    InModule,
    /// No path leads there.
    InBlock,
}

/// How many imports are followed from one to the next.
const MAX_IMPORTS: usize = 4;

impl Uses {
    /// Takes in a declaration.
    pub(crate) fn add(&mut self, item: &ItemUse) {
        self.cfgs = cfgs_of(&item.attrs).collect();
        self.tree(&item.tree, &mut Vec::new());
    }

    /// Takes in what an item declares, whatever it is.
    pub(crate) fn add_item(&mut self, item: &Item) {
        let name = match item {
            Item::Use(item) => return self.add(item),
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Mod(item) => &item.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            _ => return,
        };
        self.items.insert(name.to_string().trim_start_matches("r#").to_owned());
    }

    /// True if a name may be given to something here.
    pub(crate) fn may_name(&self, name: &str) -> bool {
        self.by_macro || !self.globs.is_empty() || self.names.contains_key(name) || self.items.contains(name)
    }

    /// True if an item of this name is declared here.
    pub(crate) fn declares(&self, name: &str) -> bool {
        self.items.contains(name)
    }

    /// Takes in a macro that imports.
    pub(crate) fn add_macro(&mut self) {
        self.by_macro = true;
    }

    /// Takes in the types that a function is generic over.
    pub(crate) fn add_generics(&mut self, generics: &syn::Generics) {
        self.items.extend(generics.type_params().map(|ty| ty.ident.to_string()));
    }

    /// True if it brings a name of one of the crates into scope, by the name or by a glob.
    pub(crate) fn brings(&self, name: &str, crates: &[&str]) -> bool {
        let of_crate = |path: &Vec<String>| path.first().is_some_and(|root| crates.contains(&root.as_str()));
        self.names
            .values()
            .flatten()
            .any(|(_, path)| of_crate(path) && path.last().is_some_and(|last| last == name))
            || self.globs.iter().any(of_crate)
    }

    fn name(&mut self, name: String, path: Vec<String>) {
        self.names.entry(name).or_default().push((self.cfgs.clone(), path));
    }

    fn tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>) {
        let plain = |name: &syn::Ident| name.to_string().trim_start_matches("r#").to_owned();
        match tree {
            UseTree::Path(path) => {
                prefix.push(plain(&path.ident));
                self.tree(&path.tree, prefix);
                prefix.pop();
            }
            UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = prefix.last() {
                    self.name(last.clone(), prefix.clone());
                }
            }
            UseTree::Name(name) => {
                let full = prefix.iter().cloned().chain([plain(&name.ident)]).collect();
                self.name(plain(&name.ident), full);
            }
            UseTree::Rename(rename) => {
                let mut full = prefix.clone();
                if rename.ident != "self" {
                    full.push(plain(&rename.ident));
                }
                self.name(plain(&rename.rename), full);
            }
            UseTree::Glob(_) => self.globs.push(prefix.clone()),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, prefix)),
        }
    }
}

impl<'a> Reader<'a> {
    /// True for a macro of the workspace's that imports: names may mean something else than what is seen of them.
    pub(crate) fn imports_by(&self, mac: &syn::Macro) -> bool {
        let name = mac.path.segments.last().map(|last| format!("{}!", last.ident)).unwrap_or_default();
        self.reads_chains && !self.surroundings.declarations(&name).is_empty()
    }

    /// What a path may stand for here, among the variables declared before `limit`.
    pub(crate) fn resolved(&self, path: &syn::Path, limit: LocalId) -> Resolved {
        let plain =
            |segment: &syn::PathSegment| segment.ident.to_string().trim_start_matches("r#").to_owned();
        let segments: Vec<String> = path.segments.iter().map(plain).collect();
        if path.leading_colon.is_some() {
            return Resolved { paths: vec![segments], ..Resolved::default() };
        }
        let mut found = Resolved::default();
        if let [name] = segments.as_slice() {
            found.local = self.lookup(name, limit);
        }
        let item = self.imported(&segments, found.local, 0, &mut found.paths);
        found.is_item = item != Declares::Nothing;
        if found.local.is_none() && item != Declares::InBlock {
            found.paths.push(segments);
        }
        found
    }

    /// The paths that imports make of one, those that lie inside of the variable alone; and where the file declares what
    /// is meant itself.
    fn imported(
        &self,
        segments: &[String],
        local: Option<LocalId>,
        depth: usize,
        out: &mut Vec<Vec<String>>,
    ) -> Declares {
        let Some((first, rest)) = segments.split_first() else { return Declares::Nothing };
        if depth > MAX_IMPORTS || matches!(first.as_str(), "crate" | "self" | "super" | "Self") {
            return Declares::Nothing;
        }
        for (at, scope) in self.scopes.iter().enumerate().rev() {
            if local.is_some_and(|id| scope.names.iter().any(|(_, known)| *known == id)) {
                return Declares::Nothing;
            }
            if let Some(twins) = scope.uses.names.get(first) {
                for full in in_build(twins.clone(), self.around()) {
                    let whole: Vec<String> = full.iter().chain(rest).cloned().collect();
                    if full.first() != Some(first) {
                        self.imported(&whole, None, depth + 1, out);
                    }
                    out.push(whole);
                }
                return Declares::Nothing;
            }
            if scope.uses.items.contains(first) {
                return match at > 0 && !scope.module {
                    true => Declares::InBlock,
                    false => Declares::InModule,
                };
            }
            if scope.uses.by_macro {
                return Declares::InBlock;
            }
            let (above, globs): (Vec<_>, Vec<_>) = scope
                .uses
                .globs
                .iter()
                .partition(|glob| matches!(glob.as_slice(), [only] if only == "super"));
            out.extend(globs.into_iter().map(|glob| glob.iter().chain(segments).cloned().collect()));
            // Of the module around nothing is seen but what `use super::*` brings.
            if scope.module && above.is_empty() {
                return Declares::Nothing;
            }
        }
        Declares::Nothing
    }
}
