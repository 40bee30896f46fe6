//! What the names of a file stand for: `use` declarations, resolved by name.

use std::collections::{HashMap, HashSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{ExprPath, ItemUse, Path, TypePath, UseTree};
use tenantry_rules::{Sink, SinkLibrary};

/// Names within paths that tell of a library.
const TELLING: &[&str] = &["Entity", "ActiveModel", "table", "dsl", "belonging_to"];

/// How deep groups of tokens within each other are looked into.
const MAX_DEPTH: usize = 64;

/// The imports of a file, of all its modules and functions together.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    names: HashMap<String, Vec<String>>,
    /// What a name stands for in other modules or functions of the file, where that is something else.
    others: HashMap<String, Vec<Vec<String>>>,
    globs: Vec<Vec<String>>,
    /// First segments of all paths and imports, and names that tell of a library wherever they stand in a path.
    pub(crate) roots: HashSet<String>,
}

impl Imports {
    pub(crate) fn of(file: &syn::File) -> Imports {
        let mut imports = Imports::default();
        imports.visit_file(file);
        imports
    }

    /// Those of one module, without those of modules and functions within it.
    pub(crate) fn of_module(items: &[syn::Item]) -> Imports {
        let mut imports = Imports::default();
        for item in items {
            if let syn::Item::Use(item) = item {
                imports.tree(&item.tree, &mut Vec::new());
            }
        }
        imports
    }

    /// The imports of one declaration.
    pub(crate) fn of_use(item: &ItemUse) -> Imports {
        let mut imports = Imports::default();
        imports.tree(&item.tree, &mut Vec::new());
        imports
    }

    /// What each name was imported as first.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&String, &Vec<String>)> {
        self.names.iter()
    }

    /// The path with its first segment replaced by what it was imported as.
    pub(crate) fn resolve(&self, path: &Path) -> Vec<String> {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_some() {
            return segments;
        }
        self.expand(&segments)
    }

    /// All that the path may stand for: modules and functions of one file may give a name to different things.
    pub(crate) fn resolve_all(&self, path: &Path) -> Vec<Vec<String>> {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if path.leading_colon.is_some() {
            return vec![segments];
        }
        self.expand_all(&segments)
    }

    /// [`Imports::resolve_all`] of a single name or the segments of a path.
    pub(crate) fn expand_all(&self, segments: &[String]) -> Vec<Vec<String>> {
        let mut all = vec![self.expand(segments)];
        if let Some((first, rest)) = segments.split_first() {
            let others = self.others.get(first).into_iter().flatten();
            all.extend(others.map(|full| full.iter().chain(rest).cloned().collect()));
        }
        all
    }

    fn give(&mut self, name: String, full: Vec<String>) {
        match self.names.get(&name) {
            Some(known) if *known != full => {
                let others = self.others.entry(name).or_default();
                if !others.contains(&full) {
                    others.push(full);
                }
            }
            Some(_) => {}
            None => {
                self.names.insert(name, full);
            }
        }
    }

    /// What a single name was imported as.
    pub(crate) fn resolve_name(&self, name: &str) -> Vec<String> {
        self.expand(&[name.to_owned()])
    }

    fn expand(&self, segments: &[String]) -> Vec<String> {
        let Some((first, rest)) = segments.split_first() else { return Vec::new() };
        match self.names.get(first) {
            Some(full) => full.iter().chain(rest).cloned().collect(),
            None => segments.to_vec(),
        }
    }

    /// True if a glob import of one of `crates` is in the file.
    pub(crate) fn has_glob(&self, crates: &[String]) -> bool {
        self.globs.iter().any(|glob| glob.first().is_some_and(|root| crates.contains(root)))
    }

    /// True if the name is imported by a `use` of its own.
    pub(crate) fn imports(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The modules of which something in the file imports everything, be it within a function.
    pub(crate) fn globs(&self) -> &[Vec<String>] {
        &self.globs
    }

    /// True if a glob import could bring names of unknown origin into the file.
    pub(crate) fn has_foreign_glob(&self) -> bool {
        !self.globs.is_empty()
    }

    fn tree(&mut self, tree: &UseTree, prefix: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                self.telling(&path.ident);
                prefix.push(path.ident.to_string());
                self.tree(&path.tree, prefix);
                prefix.pop();
            }
            UseTree::Name(name) if name.ident == "self" => {
                if let Some(last) = prefix.last() {
                    self.give(last.clone(), prefix.clone());
                }
            }
            UseTree::Name(name) => {
                self.telling(&name.ident);
                let full = prefix.iter().cloned().chain([name.ident.to_string()]).collect();
                self.give(name.ident.to_string(), full);
            }
            UseTree::Rename(rename) => {
                let mut full = prefix.clone();
                if rename.ident != "self" {
                    full.push(rename.ident.to_string());
                }
                self.give(rename.rename.to_string(), full);
            }
            UseTree::Glob(_) => self.globs.push(prefix.clone()),
            UseTree::Group(group) => {
                for item in &group.items {
                    self.tree(item, prefix);
                }
            }
        }
    }

    /// What paths among the tokens of a macro tell.
    fn tokens(&mut self, tokens: TokenStream, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let (mut before, mut colons) = (None, 0);
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.tokens(group.stream(), depth + 1),
                TokenTree::Punct(colon) if colon.as_char() == ':' => {
                    colons += 1;
                    if colons == 2 {
                        self.roots.extend(before.take());
                    }
                    continue;
                }
                TokenTree::Ident(name) => {
                    let (name, begins) = (name.to_string(), colons != 2);
                    if !begins && TELLING.contains(&name.as_str()) {
                        self.roots.insert(name.clone());
                    }
                    before = begins.then_some(name);
                    colons = 0;
                    continue;
                }
                _ => {}
            }
            (before, colons) = (None, 0);
        }
    }

    fn root(&mut self, path: &Path) {
        if let Some(first) = path.segments.first() {
            self.roots.insert(first.ident.to_string());
        }
        // `post::Entity` tells of SeaORM as its crate's name does, and `posts::table` of Diesel.
        path.segments.iter().for_each(|part| self.telling(&part.ident));
    }

    fn telling(&mut self, part: &syn::Ident) {
        if TELLING.iter().any(|name| part == name) {
            self.roots.insert(part.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.tree(&item.tree, &mut Vec::new());
        let mut tree = &item.tree;
        while let UseTree::Path(path) = tree {
            self.roots.insert(path.ident.to_string());
            tree = match &*path.tree {
                UseTree::Path(_) => break,
                other => other,
            };
        }
        if let UseTree::Group(group) = &item.tree {
            for item in &group.items {
                if let UseTree::Path(path) = item {
                    self.roots.insert(path.ident.to_string());
                }
            }
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast syn::ItemExternCrate) {
        self.roots.insert(item.ident.to_string());
        if let Some((_, rename)) = &item.rename {
            self.give(rename.to_string(), vec![item.ident.to_string()]);
        }
        // `#[macro_use] extern crate sqlx` brings all its macros.
        self.globs.push(vec![item.ident.to_string()]);
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if path.path.segments.len() > 1 {
            self.root(&path.path);
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_type_path(&mut self, path: &'ast TypePath) {
        if path.path.segments.len() > 1 {
            self.root(&path.path);
        }
        visit::visit_type_path(self, path);
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if mac.path.segments.len() > 1 {
            self.root(&mac.path);
        }
        self.tokens(mac.tokens.clone(), 0);
    }
}

/// Finds the sink of a call by path, in one of a library's lists.
pub(crate) fn find<'s>(
    libraries: &'s [SinkLibrary],
    imports: &Imports,
    path: &Path,
    list: fn(&SinkLibrary) -> &[Sink],
) -> Option<(usize, &'s Sink)> {
    imports.resolve_all(path).iter().find_map(|full| find_resolved(libraries, imports, path, full, list))
}

fn find_resolved<'s>(
    libraries: &'s [SinkLibrary],
    imports: &Imports,
    path: &Path,
    full: &[String],
    list: fn(&SinkLibrary) -> &[Sink],
) -> Option<(usize, &'s Sink)> {
    let written = path.segments.len();
    let simple = written == 1 && full.len() == 1;
    for (index, library) in libraries.iter().enumerate() {
        let belongs = full.first().is_some_and(|root| library.crates.contains(root)) && full.len() > 1;
        let by_glob = imports.has_glob(&library.crates) && !full.first().is_some_and(|first| is_root(first));
        let globbed = by_glob && (simple || written == 2);
        if !belongs && !globbed {
            continue;
        }
        let found = list(library).iter().find(|sink| sink.names.iter().any(|name| ends_with(full, name)));
        if let Some(sink) = found {
            return Some((index, sink));
        }
    }
    None
}

/// Macros that nothing in the file explains: `query_as!` through a glob import of an unknown module or `#[macro_use]`.
pub(crate) fn find_unexplained_macro<'s>(
    libraries: &'s [SinkLibrary],
    imports: &Imports,
    path: &Path,
) -> Option<(usize, &'s Sink)> {
    let last = path.segments.last()?.ident.to_string();
    let full = imports.resolve(path);
    let own_root = full.first().is_some_and(|root| matches!(root.as_str(), "crate" | "self" | "super"));
    let plain = path.segments.len() == 1 && !imports.imports(&last);
    if !own_root && !(plain && (imports.has_foreign_glob() || last.contains('_') || last == "query")) {
        return None;
    }
    let mut all = libraries.iter().enumerate();
    all.find_map(|(index, library)| {
        let sink = library.macros.iter().find(|sink| sink.names.contains(&last))?;
        Some((index, sink))
    })
}

fn is_root(segment: &str) -> bool {
    matches!(segment, "crate" | "self" | "super" | "std" | "core" | "alloc")
}

/// True if `full` ends with the segments of `name` (`query`, `Statement::from_string`).
pub(crate) fn ends_with(full: &[String], name: &str) -> bool {
    let wanted: Vec<&str> = name.split("::").collect();
    full.len() >= wanted.len()
        && full.iter().rev().zip(wanted.iter().rev()).all(|(ours, theirs)| ours == theirs)
}

/// True if `full` names something of the standard library, given as in `String::from`: as the prelude has it, or by a path into
/// that library. A type of one's own that is called alike may give anything.
pub(crate) fn is_standard(full: &[String], name: &str) -> bool {
    let root = full.first().map(String::as_str).unwrap_or_default();
    ends_with(full, name)
        && (full.len() == name.split("::").count() || matches!(root, "std" | "core" | "alloc"))
}
