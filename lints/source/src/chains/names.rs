//! What a name stands for where it is written, as Rust has it: variables and `use` declarations by scope.
//!
//! A `use` of a block lies outside of the variables that the block declares, and inside of the parameters of the function
//! whose body the block is.

use std::collections::{HashMap, HashSet};

use syn::{Item, ItemUse, UseTree};

use super::declared::{Declaration, cfgs_of, in_build};
use crate::given::Given;
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
    /// What macros give names to here.
    given: Given,
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

/// What a path stands for where it is written, variables left out.
#[derive(Debug, Default)]
pub(crate) struct Meant {
    /// What is said of it: several where a build has one of them.
    pub(crate) ways: Vec<Way>,
    /// Modules of which everything is imported nearer than what is said, or where nothing is: each may bring it.
    pub(crate) globs: Vec<Vec<String>>,
    /// A block declares it, to which no path leads, or a macro may give the name to something else.
    pub(crate) is_hidden: bool,
}

/// One of the things that a path may stand for.
#[derive(Debug)]
pub(crate) struct Way {
    /// The path with its first segment replaced by what that is imported as.
    pub(crate) full: Vec<String>,
    /// The same from the root of the crate, as far as it is in sight that it lies there.
    pub(crate) whole: Vec<String>,
}

impl Meant {
    /// A path that says by itself what it is.
    pub(crate) fn of(path: &[String]) -> Meant {
        let way = Way { full: path.to_vec(), whole: path.to_vec() };
        Meant { ways: vec![way], ..Meant::default() }
    }
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

    /// Takes in what a macro gives names to.
    pub(crate) fn add_given(&mut self, given: Given) {
        self.given.extend(given);
    }

    /// True if a macro may give the name to something here.
    pub(crate) fn may_be_given(&self, name: &str) -> bool {
        self.given.has(name)
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

/// What is no path, with the last name of one.
fn unclear(segments: &[String]) -> Vec<String> {
    ["?".to_owned()].iter().chain(segments.last()).cloned().collect()
}

impl<'a> Reader<'a> {
    /// True for a macro of the workspace's that imports: names may mean something else than what is seen of them.
    pub(crate) fn imports_by(&self, mac: &syn::Macro) -> bool {
        let name = mac.path.segments.last().map(|last| format!("{}!", last.ident)).unwrap_or_default();
        let imports = |name: &str| {
            let all = self.surroundings.declarations(name);
            all.iter().any(|one| matches!(one.what, Declaration::Computes))
        };
        self.reads_chains && imports(&name)
    }

    /// What a path stands for here: the scopes around are asked from the inside out, each for its own items and imports
    /// before what its globs bring. A module inherits nothing but what `use super::*` brings.
    pub(crate) fn meant(&self, segments: &[String]) -> Meant {
        let mut meant = Meant::default();
        self.meant_below(segments, self.scopes.len(), 0, &mut meant);
        meant
    }

    fn meant_below(&self, segments: &[String], below: usize, depth: usize, meant: &mut Meant) {
        let Some((first, rest)) = segments.split_first() else { return };
        if matches!(first.as_str(), "crate" | "$crate" | "self" | "super" | "Self") {
            let whole = self.whole(segments, below.saturating_sub(1), depth);
            return meant.ways.push(Way { full: segments.to_vec(), whole });
        }
        for (at, scope) in self.scopes.iter().enumerate().take(below).rev() {
            let is_block = at > 0 && !scope.module;
            let (uses, before) = (&scope.uses, meant.ways.len());
            let twins = uses.names.get(first).cloned().unwrap_or_default();
            // One behind a `cfg` alone leaves room for what lies around.
            let is_sure = twins.len() > 1 || twins.iter().any(|(cfgs, _)| cfgs.is_empty());
            for path in in_build(twins, self.around()) {
                let full: Vec<String> = path.iter().chain(rest).cloned().collect();
                let whole = match path.first() == Some(first) {
                    // `use sqlx::{self, query}` names the crate.
                    true => full.clone(),
                    false => self.whole(&full, at, depth),
                };
                meant.ways.push(Way { full, whole });
            }
            if uses.items.contains(first) {
                if is_block {
                    meant.is_hidden = true;
                    return;
                }
                let whole = self.below_root(at, segments);
                meant.ways.push(Way { full: segments.to_vec(), whole });
                return;
            }
            if is_sure && meant.ways.len() > before {
                return;
            }
            if uses.by_macro || uses.given.has(first) {
                meant.is_hidden = true;
                return;
            }
            let is_above = |glob: &&Vec<String>| matches!(glob.as_slice(), [only] if only == "super");
            let inherits = uses.globs.iter().any(|glob| is_above(&glob));
            let globs = uses.globs.iter().filter(|glob| is_block || !is_above(glob));
            if meant.ways.len() > before && !is_block {
                return;
            }
            let globs: Vec<Vec<String>> = globs.map(|glob| self.whole(glob, at, depth)).collect();
            if is_block {
                meant.globs.extend(globs);
                continue;
            }
            let known = meant.ways.len();
            if inherits && at > 0 {
                self.meant_below(segments, at, depth, meant);
            }
            // Two globs that bring different things of one name do not compile.
            if meant.ways.len() == known {
                meant.globs.extend(globs);
            }
            return;
        }
    }

    /// A path of the module that a scope lies in, from the root of the crate where it is in sight that it lies there.
    fn whole(&self, path: &[String], scope: usize, depth: usize) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else { return Vec::new() };
        let module = self.module_of(scope);
        let above = path.iter().take_while(|part| *part == "super").count();
        match first.as_str() {
            "crate" | "$crate" => ["crate".to_owned()].iter().chain(rest).cloned().collect(),
            "self" => self.below_root(scope, rest),
            "super" => {
                let kept = module.len().saturating_sub(above);
                let below = path.iter().skip(above);
                ["crate".to_owned()].iter().chain(module.iter().take(kept)).chain(below).cloned().collect()
            }
            _ if depth > MAX_IMPORTS => path.to_vec(),
            _ => {
                let mut head = Meant::default();
                // Imports of a block may name its own items, which no path leads to.
                self.meant_below(path, scope + 1, depth + 1, &mut head);
                match head.ways.as_slice() {
                    [one] if !head.is_hidden => one.whole.clone(),
                    [] if head.is_hidden => ["?".to_owned()].iter().chain(rest).cloned().collect(),
                    _ => path.to_vec(),
                }
            }
        }
    }

    fn below_root(&self, scope: usize, path: &[String]) -> Vec<String> {
        ["crate".to_owned()].iter().chain(self.module_of(scope)).chain(path).cloned().collect()
    }

    /// The module that a scope lies in.
    fn module_of(&self, scope: usize) -> &[String] {
        let inner = self.scopes.iter().skip(scope + 1).filter(|scope| scope.module).count();
        self.module.get(..self.module.len().saturating_sub(inner)).unwrap_or_default()
    }

    /// What a path is by the imports in sight, as it is written where nothing in sight says otherwise. Where it may be
    /// several things it begins with a sign that no name has.
    pub(crate) fn full(&self, path: &syn::Path) -> Vec<String> {
        let plain =
            |segment: &syn::PathSegment| segment.ident.to_string().trim_start_matches("r#").to_owned();
        let segments: Vec<String> = path.segments.iter().map(plain).collect();
        if path.leading_colon.is_some() {
            return segments;
        }
        let meant = self.meant(&segments);
        match meant.ways.as_slice() {
            _ if meant.is_hidden => unclear(&segments),
            [] => self.imports.resolve(path),
            [first, others @ ..] if others.iter().all(|other| other.full == first.full) => first.full.clone(),
            _ => unclear(&segments),
        }
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
