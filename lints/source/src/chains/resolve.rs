//! Where a path leads: through the modules of the workspace and what they export, as Rust has it.

use super::declared::{Declaration, Declared, ExportDeclaration, in_build};
use super::exports::{globs_of, lie_elsewhere};
use crate::read::Reader;

/// How many names are looked up for one path.
const MAX_LOOKUPS: usize = 200;

/// A place of the workspace: a module, or something within one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) krate: String,
    /// Its path from the root of the crate.
    pub(crate) path: Vec<String>,
}

impl Place {
    fn child(&self, name: &str) -> Place {
        let path = self.path.iter().cloned().chain([name.to_owned()]).collect();
        Place { krate: self.krate.clone(), path }
    }

    fn root(krate: &str) -> Place {
        Place { krate: krate.to_owned(), path: Vec::new() }
    }

    /// What is declared there.
    fn holds(&self, declared: &Declared) -> bool {
        declared.krate == self.krate
            && self
                .path
                .split_last()
                .is_some_and(|(last, module)| declared.name == *last && declared.module == module)
    }
}

/// How far a path has been followed.
struct Walk<'r, 'a> {
    reader: &'r Reader<'a>,
    left: usize,
    /// Modules whose globs are being followed: the heads of those are not looked for in them.
    busy: Vec<Place>,
    /// Names whose imports are being followed: one that leads back to itself says nothing, as `use app::db` in the binary
    /// of the library `app`, whose root is the library's to us.
    following: Vec<Place>,
}

impl<'r, 'a> Walk<'r, 'a> {
    fn new(reader: &'r Reader<'a>) -> Walk<'r, 'a> {
        Walk { reader, left: MAX_LOOKUPS, busy: Vec::new(), following: Vec::new() }
    }
}

impl<'a> Reader<'a> {
    /// The module that is walked.
    pub(crate) fn place(&self) -> Place {
        Place { krate: self.surroundings.krate(), path: self.module.clone() }
    }

    /// The places that a path written in a module may lead to: several where several things may be meant by it, and
    /// places at which nothing need be declared.
    pub(crate) fn places(&self, from: &Place, path: &[String]) -> Vec<Place> {
        Walk::new(self).lead(from, path)
    }

    /// What is declared at a place and is `wanted`; the first of several that say the same. `None` where they do not.
    pub(crate) fn declared_at<T: PartialEq>(
        &self,
        place: &Place,
        wanted: impl Fn(Declared) -> Option<T>,
    ) -> Option<T> {
        let all = self.surroundings.declarations(place.path.last()?);
        let here = all.into_iter().filter(|one| place.holds(one));
        let twins = here.filter_map(|one| Some((one.cfgs.clone(), wanted(one)?))).collect();
        let mut found = in_build(twins, self.around()).into_iter();
        let first = found.next()?;
        found.all(|other| other == first).then_some(first)
    }

    /// Where in this crate the constant stands that a path leads to. `None` where the module that it names is not in
    /// sight, as in a binary's own tree.
    pub(crate) fn constant_places(&self, path: &[String]) -> Option<Vec<Vec<String>>> {
        let (name, modules) = path.split_last()?;
        let here = self.place();
        let mut walk = Walk::new(self);
        let homes: Vec<Place> =
            walk.lead(&here, modules).into_iter().filter(|place| walk.is_module(place)).collect();
        if homes.is_empty() {
            return None;
        }
        let mut open: Vec<Place> = homes.iter().map(|home| home.child(name)).collect();
        if modules.iter().all(|part| part == "self") {
            // A function's own globs are no declarations of its module.
            for glob in self.imports.globs() {
                open.extend(walk.lead(&here, glob).into_iter().map(|module| module.child(name)));
            }
        }
        let (mut seen, mut found): (Vec<Place>, _) = (Vec::new(), Vec::new());
        while let Some(place) = open.pop() {
            if seen.contains(&place) || place.krate != here.krate {
                continue;
            }
            let whole: Vec<String> = ["crate".to_owned()].into_iter().chain(place.path.clone()).collect();
            if walk.lies_elsewhere(&place) {
                return Some(Vec::new());
            }
            if self.surroundings.constant(&whole).is_some_and(|texts| !texts.is_empty()) {
                found.push(whole);
                // Behind a `cfg` it may be one of these.
                open.extend(walk.imported(&place).unwrap_or_default());
            } else {
                open.extend(walk.onward(&place));
            }
            seen.push(place);
        }
        // Where not everything was looked up, there may be others.
        Some(if walk.left == 0 { Vec::new() } else { found })
    }

    /// True if a path leads into a module of which a build has one of several files, or, where the module declares what it
    /// names, to what that imports as well: what one of them declares is not all that it may be.
    pub(crate) fn is_one_of_several(&self, path: &[String], is_declared: bool) -> bool {
        let Some((name, modules)) = path.split_last().filter(|(_, modules)| !modules.is_empty()) else {
            return false;
        };
        let mut walk = Walk::new(self);
        let homes = walk.lead(&self.place(), modules);
        homes
            .into_iter()
            .map(|home| home.child(name))
            .any(|place| walk.lies_elsewhere(&place) || is_declared && walk.imported(&place).is_some())
    }

    /// What the module at a place exports all of.
    pub(crate) fn globs_of(&self, place: &Place) -> Vec<Place> {
        let mut walk = Walk::new(self);
        walk.globs(place)
    }
}

impl Walk<'_, '_> {
    fn lead(&mut self, from: &Place, path: &[String]) -> Vec<Place> {
        let Some((head, rest)) = path.split_first() else { return vec![from.clone()] };
        let begin = match head.as_str() {
            "crate" | "$crate" => vec![Place::root(&from.krate)],
            "self" => vec![from.clone()],
            "super" => {
                let mut above = from.clone();
                return match above.path.pop() {
                    Some(_) => self.lead(&above, rest),
                    None => Vec::new(),
                };
            }
            name => match self.seen(from, name) {
                // Below here, of another crate, or from the root as before Rust 2018.
                None => vec![from.child(name), Place::root(name), Place::root(&from.krate).child(name)],
                Some(found) => found,
            },
        };
        let mut at = begin;
        for name in rest {
            let mut next: Vec<Place> = Vec::new();
            for place in at {
                let found = match name.as_str() {
                    "super" => vec![Place { path: without_last(&place.path), ..place }],
                    "self" => vec![place],
                    name => self.seen(&place, name).unwrap_or_else(|| vec![place.child(name)]),
                };
                next.extend(found);
            }
            next.dedup();
            at = next;
        }
        at
    }

    /// What a module names so: what it declares before what its globs bring. `None` where nothing is in sight.
    fn seen(&mut self, within: &Place, name: &str) -> Option<Vec<Place>> {
        self.left = self.left.checked_sub(1)?;
        let named = within.child(name);
        if self.following.contains(&named) {
            return Some(Vec::new());
        }
        let all = self.reader.surroundings.declarations(name);
        let (mut own, mut exported) = (Vec::new(), false);
        let here = all.iter().filter(|one| one.krate == within.krate && one.module == within.path);
        let twins = here.map(|one| (one.cfgs.clone(), one)).collect();
        for declared in in_build(twins, self.reader.around()) {
            let found = match &declared.what {
                Declaration::Table(_)
                | Declaration::Module
                | Declaration::Row(_)
                | Declaration::Record(_) => vec![named.clone()],
                Declaration::Export(export) => {
                    exported = true;
                    // `use a;` beside `mod a` names the crate.
                    match export.path.as_slice() {
                        [only] if only == name => vec![Place::root(name)],
                        path => {
                            self.following.push(named.clone());
                            let found = self.lead(within, path);
                            self.following.pop();
                            found
                        }
                    }
                }
                _ => continue,
            };
            for place in found {
                if !own.contains(&place) {
                    own.push(place);
                }
            }
        }
        if exported || !own.is_empty() {
            return Some(own);
        }
        let mut globbed = Vec::new();
        for module in self.globs(within) {
            for place in self.seen(&module, name).unwrap_or_default() {
                if !globbed.contains(&place) {
                    globbed.push(place);
                }
            }
        }
        (!globbed.is_empty()).then_some(globbed)
    }

    /// What a name of a module that declares nothing so itself is brought from: an import of the name, or else globs.
    fn onward(&mut self, place: &Place) -> Vec<Place> {
        let Some((name, module)) = place.path.split_last() else { return Vec::new() };
        let Some(left) = self.left.checked_sub(1) else { return Vec::new() };
        self.left = left;
        let within = Place { krate: place.krate.clone(), path: module.to_vec() };
        match self.imported(place) {
            Some(found) => found,
            None => self.globs(&within).into_iter().map(|module| module.child(name)).collect(),
        }
    }

    /// What a module imports under a name; `None` where it imports nothing so.
    fn imported(&mut self, place: &Place) -> Option<Vec<Place>> {
        let (name, module) = place.path.split_last()?;
        let within = Place { krate: place.krate.clone(), path: module.to_vec() };
        let all = self.reader.surroundings.declarations(name);
        let imports = all.iter().filter(|one| one.krate == within.krate && one.module == within.path);
        let imports: Vec<&ExportDeclaration> = imports
            .filter_map(|one| match &one.what {
                Declaration::Export(export) => Some(export),
                _ => None,
            })
            .collect();
        if imports.is_empty() {
            return None;
        }
        let mut found = Vec::new();
        for import in imports {
            let Some((name, modules)) = import.path.split_last() else { continue };
            found.extend(self.lead(&within, modules).into_iter().map(|module| module.child(name)));
        }
        Some(found)
    }

    /// True if a module around a place is one of several, or lies in a file that an attribute names.
    fn lies_elsewhere(&self, place: &Place) -> bool {
        (1..place.path.len()).any(|depth| {
            let around = Place { krate: place.krate.clone(), path: place.path[..depth].to_vec() };
            let all = self.reader.surroundings.declarations(&place.path[depth - 1]);
            let is_module = |one: &&Declared| around.holds(one) && one.what == Declaration::Module;
            lie_elsewhere(&all.iter().filter(is_module).collect::<Vec<_>>())
        })
    }

    /// True for the root of a crate and for a module that is declared.
    fn is_module(&self, place: &Place) -> bool {
        let Some(last) = place.path.last() else { return true };
        let all = self.reader.surroundings.declarations(last);
        all.iter().any(|one| place.holds(one) && one.what == Declaration::Module)
    }

    fn globs(&mut self, of: &Place) -> Vec<Place> {
        let mut found = Vec::new();
        if self.busy.contains(of) {
            return found;
        }
        self.busy.push(of.clone());
        let all = self.reader.surroundings.declarations(&globs_of(&of.krate, &of.path));
        for declared in &all {
            let Declaration::Export(export) = &declared.what else { continue };
            let Some(left) = self.left.checked_sub(1) else { break };
            self.left = left;
            found.extend(self.lead(of, &export.path).into_iter().filter(|place| place != of));
        }
        self.busy.pop();
        found
    }
}

fn without_last(path: &[String]) -> Vec<String> {
    path.split_last().map(|(_, before)| before.to_vec()).unwrap_or_default()
}
