//! What the paths of a chain name among the entities of a workspace.
//!
//! **Invariant:** where several things answer to a path, none is taken.

use crate::chains::fragment::Fragment;

use super::collect::NESTED;
use super::model::{Alias, Def, Entities, Entity, Function, Home, NOWHERE};

/// How many re-exports are followed from one to the next.
const MAX_ALIASES: usize = 4;

/// How many relations are followed from one to the next.
const MAX_RELATIONS: usize = 16;

/// What the module of an entity gives to one that imports everything of it.
const GIVEN: &[&str] = &["Entity", "Column", "PrimaryKey", "Relation", "Model", "ActiveModel"];

/// The types of queries.
pub(super) const QUERIES: &[&str] = &[
    "Select",
    "SelectTwo",
    "SelectTwoMany",
    "SelectStatement",
    "UpdateMany",
    "UpdateOne",
    "UpdateStatement",
    "DeleteMany",
    "DeleteOne",
    "DeleteStatement",
    "Insert",
    "InsertStatement",
    "Selector",
    "Cursor",
];

/// The types of rows, of models, and of what they come in.
const VALUES: &[&str] = &["Model", "ActiveModel", "Entity", "Option", "Vec", "Result"];

/// The name of the table that is joined from, where its name is not known yet.
pub(super) const LEFT: &str = "\0left";

/// That of the table that is joined to.
pub(super) const RIGHT: &str = "\0right";

/// A join between two tables, in the order in which it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Join {
    /// The entity that is joined from.
    pub(crate) from: usize,
    /// The entity that is joined to.
    pub(crate) to: usize,
    /// Pairs of columns that are equal, by name: of `from`, of `to`.
    pub(crate) on: Vec<(String, String)>,
    /// What is to hold besides, in which the two tables are [`LEFT`] and [`RIGHT`].
    pub(crate) more: Vec<Fragment>,
    /// Other names that the two tables have in the statement.
    pub(crate) from_alias: Option<String>,
    pub(crate) to_alias: Option<String>,
}

impl Join {
    /// The same join, read from the other side.
    pub(crate) fn reversed(self) -> Join {
        Join {
            from: self.to,
            to: self.from,
            on: self.on.into_iter().map(|(a, b)| (b, a)).collect(),
            more: self.more,
            from_alias: self.to_alias,
            to_alias: self.from_alias,
        }
    }
}

impl Entities {
    pub(crate) fn entity(&self, at: usize) -> Option<&Entity> {
        self.entities.get(at)
    }

    /// The entity that a path names which is written at `home`: `super::endpoint::Entity`, `prelude::Endpoint`, `Entity`.
    pub(crate) fn entity_of(&self, home: &Home, path: &[String]) -> Option<usize> {
        self.entity_within(home, path, 0)
    }

    fn entity_within(&self, home: &Home, path: &[String], depth: usize) -> Option<usize> {
        if depth > MAX_ALIASES {
            return None;
        }
        let (home, path) = self.imported(home, path);
        let (last, prefix) = path.split_last()?;
        if last == "Entity" {
            return self.module_entity(&home, prefix);
        }
        only(
            self.stands_for(&home, last, prefix, depth)
                .into_iter()
                .filter_map(|(home, path)| self.entity_within(&home, &path, depth + 1)),
        )
    }

    /// The path with its first segment replaced by what it is imported as, and where it is written so.
    fn imported(&self, home: &Home, path: &[String]) -> (Home, Vec<String>) {
        let found = path.split_first().and_then(|(first, rest)| {
            let (at, full) = self.import(home, first, 0)?;
            let leads = full.first() != Some(first) || full.len() > 1;
            leads.then(|| (at, full.iter().chain(rest).cloned().collect()))
        });
        found.unwrap_or_else(|| (home.clone(), path.to_vec()))
    }

    /// What a name is imported as, and where: by the module itself, or by one around it of which it imports everything.
    fn import(&self, home: &Home, name: &String, depth: usize) -> Option<(Home, &[String])> {
        let uses = self.uses(home)?;
        if let Some((_, full)) = uses.names.iter().find(|(known, _)| known == name) {
            return Some((home.clone(), full));
        }
        if depth > MAX_ALIASES || uses.items.contains(name) {
            return None;
        }
        uses.globs.iter().find_map(|glob| {
            let module = absolute(home, glob)?;
            let is_around = module.len() < home.module.len() && home.module.starts_with(&module);
            is_around.then(|| self.import(&self.around(home, module), name, depth + 1)).flatten()
        })
    }

    /// The entity of the module that a path leads to which is written at `home`.
    pub(crate) fn module_entity(&self, home: &Home, path: &[String]) -> Option<usize> {
        self.entity_of_module(home, path, 0)
    }

    fn entity_of_module(&self, home: &Home, path: &[String], depth: usize) -> Option<usize> {
        let found = self.modules(home, path, depth).into_iter().filter_map(|place| {
            let is_it =
                |entity: &Entity| entity.home.krate == place.krate && entity.home.module == place.module;
            let own = self.entities.iter().position(is_it);
            let own = own.or_else(|| self.reexported(&place, depth));
            own.or_else(|| self.handed_on(&place, depth)).or_else(|| {
                // What is imported is seen from within.
                let is_around = home.krate == place.krate && home.module.starts_with(&place.module);
                is_around.then(|| self.by_glob(&place, depth + 1)).flatten()
            })
        });
        only(found)
    }

    /// The modules that a path may lead to: one, but for what several globs may bring.
    fn modules(&self, home: &Home, path: &[String], depth: usize) -> Vec<Home> {
        let Some((first, rest)) = path.split_first() else { return vec![home.clone()] };
        if depth > MAX_ALIASES || leads_nowhere(path) {
            return Vec::new();
        }
        if let Some(module) = absolute(home, path) {
            return vec![self.around(home, module)];
        }
        if let Some((at, full)) = self.import(home, first, 0)
            && (full.len() > 1 || full.first() != Some(first))
        {
            let path: Vec<String> = full.iter().chain(rest).cloned().collect();
            return self.modules(&at, &path, depth + 1);
        }
        let below = || home.module.iter().chain(path).cloned().collect();
        let uses = self.uses(home);
        if uses.is_none_or(|uses| uses.items.contains(first)) {
            let below = self.around(home, below());
            let is_known =
                uses.is_some() || self.entities.iter().any(|entity| entity.home.module == below.module);
            if is_known {
                return vec![below];
            }
        }
        let globs = uses.map_or(&[][..], |uses| uses.globs.as_slice());
        let mut found: Vec<Home> = globs
            .iter()
            .flat_map(|glob| self.modules(home, glob, depth + 1))
            .filter(|place| self.uses(place).is_none_or(|uses| uses.items.contains(first)))
            .map(|place| {
                let module = place.module.iter().chain(path).cloned().collect();
                self.around(&place, module)
            })
            .collect();
        // What a macro declares may go by the name of a crate.
        let is_hidden = uses.is_some_and(|uses| uses.has_macros);
        if let Some(krate) = self.crates.iter().position(|name| name == first).filter(|_| !is_hidden) {
            found.push(Home { krate, module: rest.to_vec(), file: self.file_of(krate, rest) });
        }
        found.dedup();
        found
    }

    /// What a name stands for in the module that is written before it, with where that is written.
    fn stands_for(
        &self,
        home: &Home,
        name: &str,
        prefix: &[String],
        depth: usize,
    ) -> Vec<(Home, Vec<String>)> {
        let with_name =
            |path: &[String]| path.iter().cloned().chain([name.to_owned()]).collect::<Vec<String>>();
        let mut found = Vec::new();
        for place in self.modules(home, prefix, depth) {
            let here = |alias: &&Alias| alias.home.krate == place.krate && alias.home.module == place.module;
            let named = |name: &str| self.aliases.get(name).into_iter().flatten().filter(here);
            let own: Vec<_> = named(name)
                // Of itself it says nothing.
                .filter(|alias| alias.path != [name.to_owned()])
                .map(|alias| (alias.home.clone(), alias.path.clone()))
                .collect();
            let uses = self.uses(&place);
            if !own.is_empty() || uses.is_some_and(|uses| uses.items.iter().any(|item| item == name)) {
                found.extend(own);
                continue;
            }
            found.extend(named("*").map(|alias| (alias.home.clone(), with_name(&alias.path))));
            // What the module imports is seen in itself.
            let globs = uses.filter(|_| prefix.is_empty()).map_or(&[][..], |uses| uses.globs.as_slice());
            found.extend(globs.iter().map(|glob| (home.clone(), with_name(glob))));
        }
        found
    }

    /// The entity of a module of which everything is imported.
    fn by_glob(&self, home: &Home, depth: usize) -> Option<usize> {
        let uses = self.uses(home).filter(|_| depth <= MAX_ALIASES)?;
        // What the module has itself goes before what a glob brings.
        let has_own = |name: &&str| uses.items.iter().any(|own| own == name);
        if GIVEN.iter().any(has_own) {
            return None;
        }
        only(uses.globs.iter().filter_map(|glob| self.entity_of_module(home, glob, depth + 1)))
    }

    /// The entity of a module that another one hands on: `pub use super::_entities::user`.
    fn handed_on(&self, place: &Home, depth: usize) -> Option<usize> {
        let (name, around) = place.module.split_last().filter(|_| depth < MAX_ALIASES)?;
        // A module that is there itself goes before another thing of its name.
        let home = self.around(place, around.to_vec());
        if self.uses(&home).is_some_and(|uses| uses.items.contains(name)) {
            return None;
        }
        let fits = |alias: &&Alias| alias.home.krate == place.krate && alias.home.module == around;
        let all = self.aliases.get(name).into_iter().flatten().filter(fits);
        only(all.filter_map(|alias| self.entity_of_module(&alias.home, &alias.path, depth + 1)))
    }

    /// The entity that a module hands on: `pub use super::_entities::user::*`, `pub use super::_entities::user::Entity`.
    fn reexported(&self, place: &Home, depth: usize) -> Option<usize> {
        if depth > MAX_ALIASES {
            return None;
        }
        let named = |name: &str| self.aliases.get(name).into_iter().flatten();
        let fits = |alias: &&Alias| alias.home.krate == place.krate && alias.home.module == place.module;
        let all = named("Entity").chain(named("*")).filter(fits).filter_map(|alias| {
            let of = match alias.name.as_str() {
                "*" => alias.path.as_slice(),
                _ => alias.path.split_last()?.1,
            };
            self.entity_of_module(&alias.home, of, depth + 1)
        });
        only(all)
    }

    /// The module that a path names which ends in `Column`, `Relation`, `Model`, `ActiveModel`: of which entity it is.
    pub(crate) fn entity_beside(&self, home: &Home, path: &[String], name: &str) -> Option<usize> {
        self.entity_beside_within(home, path, name, 0)
    }

    fn entity_beside_within(&self, home: &Home, path: &[String], name: &str, depth: usize) -> Option<usize> {
        let (home, path) = self.imported(home, path);
        let (last, prefix) = path.split_last()?;
        if last == name {
            return self.module_entity(&home, prefix);
        }
        // `pub use post::ActiveModel as PostModel`, and types that stand for others.
        let found = self.stands_for(&home, last, prefix, depth).into_iter().filter(|_| depth < MAX_ALIASES);
        only(found.filter_map(|(home, path)| self.entity_beside_within(&home, &path, name, depth + 1)))
    }

    /// The column of a path: `endpoint::Column::AppId`.
    pub(crate) fn column_of(&self, home: &Home, path: &[String]) -> Option<(usize, usize)> {
        let (variant, prefix) = path.split_last()?;
        let entity = self.entity_beside(home, prefix, "Column").or_else(|| {
            // The variant itself was imported.
            let (home, path) = self.imported(home, path);
            let (_, prefix) = path.split_last()?;
            self.entity_beside(&home, prefix, "Column")
        })?;
        let at = self.entity(entity)?.columns.iter().position(|column| column.variant == *variant)?;
        Some((entity, at))
    }

    /// The home of what an entity's module says.
    pub(crate) fn home_of(&self, entity: usize) -> Option<Home> {
        Some(self.entity(entity)?.home.clone())
    }

    /// The join of a path: `endpoint::Relation::Application`.
    pub(crate) fn relation_of(&self, home: &Home, path: &[String], depth: usize) -> Option<Join> {
        if depth > MAX_RELATIONS {
            return None;
        }
        let (variant, prefix) = path.split_last()?;
        let entity = self.entity_beside(home, prefix, "Relation")?;
        let relation = self.entity(entity)?.relations.iter().find(|relation| relation.variant == *variant)?;
        self.join_of(entity, &relation.def, depth + 1)
    }

    /// The join that a definition of an entity's module stands for.
    pub(crate) fn join_of(&self, entity: usize, def: &Def, depth: usize) -> Option<Join> {
        if depth > MAX_RELATIONS {
            return None;
        }
        let home = self.home_of(entity)?;
        match def {
            Def::BelongsTo(target, from, to) => {
                let target = self.entity_of(&home, target)?;
                let names = |of: usize, variants: &[String]| -> Option<Vec<String>> {
                    let columns = &self.entity(of)?.columns;
                    let name = |variant: &String| {
                        columns
                            .iter()
                            .find(|column| column.variant == *variant)
                            .map(|column| column.name.clone())
                    };
                    variants.iter().map(name).collect()
                };
                let (from, to) = (names(entity, from)?, names(target, to)?);
                let on: Vec<(String, String)> = from.into_iter().zip(to).collect();
                let join =
                    Join { from: entity, to: target, on, more: Vec::new(), from_alias: None, to_alias: None };
                (!join.on.is_empty()).then_some(join)
            }
            Def::Has(target, via) => {
                let target = self.entity_of(&home, target)?;
                match via {
                    Some(variant) => {
                        let relations = &self.entity(target)?.relations;
                        let relation = relations.iter().find(|relation| relation.variant == *variant)?;
                        Some(self.join_of(target, &relation.def, depth + 1)?.reversed())
                    }
                    None => Some(self.related(target, entity, depth + 1)?.0.reversed()),
                }
            }
            Def::Named(path, reversed) => {
                let join = self.relation_of(&home, path, depth + 1)?;
                Some(if *reversed { join.reversed() } else { join })
            }
            Def::Unread => None,
        }
    }

    /// How an entity is related to another one: the join to it, and the one that comes before it.
    pub(crate) fn related(&self, from: usize, to: usize, depth: usize) -> Option<(Join, Option<Join>)> {
        let home = self.home_of(from)?;
        let mut all = self
            .entity(from)?
            .related
            .iter()
            .filter(|related| self.entity_of(&home, &related.target).is_some_and(|target| target == to));
        let (related, None) = (all.next()?, all.next()) else { return None };
        let join = self.join_of(from, &related.to, depth + 1)?;
        let via = match &related.via {
            Some(via) => Some(self.join_of(from, via, depth + 1)?),
            None => None,
        };
        Some((join, via))
    }

    /// The joins of a linked relation, and the entity that it leads to.
    pub(crate) fn links(&self, home: &Home, path: &[String]) -> Option<(usize, Vec<Join>)> {
        let (_, path) = self.imported(home, path);
        let name = path.last()?;
        let mut all = self.linked.iter().filter(|linked| linked.name == *name);
        let (linked, None) = (all.next()?, all.next()) else { return None };
        let target = self.entity_of(&linked.home, &linked.target)?;
        let joins = linked.links.iter().map(|def| match def {
            Def::Named(path, reversed) => {
                let join = self.relation_of(&linked.home, path, 0)?;
                Some(if *reversed { join.reversed() } else { join })
            }
            _ => None,
        });
        Some((target, joins.collect::<Option<Vec<Join>>>()?))
    }

    /// The functions of a name that may be meant: the nearest, as far as the path says where it lies.
    pub(crate) fn function(&self, home: &Home, path: &[String], arguments: usize) -> Option<&Function> {
        let (home, path) = self.imported(home, path);
        let home = &home;
        let (name, prefix) = path.split_last()?;
        // Something else may be exported under that name.
        if leads_nowhere(prefix)
            || self.aliases.get(name).into_iter().flatten().any(|alias| alias.path.last() != Some(name))
        {
            return None;
        }
        let is_nested = |function: &Function| function.home.module.iter().any(|part| part == NESTED);
        let owner = prefix.last().filter(|last| last.starts_with(char::is_uppercase));
        let modules = prefix.get(..prefix.len() - usize::from(owner.is_some())).unwrap_or_default();
        let is_meant = |function: &&Function| {
            let of_owner = match owner {
                Some(owner) => function.of.as_deref() == Some(owner.as_str()) || owner == "Self",
                None => function.of.is_none(),
            };
            of_owner && function.arguments == arguments && !function.is_method && !is_nested(function)
        };
        let all: Vec<&Function> = self.functions.get(name)?.iter().filter(is_meant).collect();
        let at = |place: &Home| -> Vec<&Function> {
            let is_there = |function: &&&Function| {
                function.home.krate == place.krate && function.home.module == place.module
            };
            all.iter().filter(is_there).copied().collect()
        };
        let mut found: Vec<&Function> = self.modules(home, modules, 0).iter().flat_map(at).collect();
        if found.is_empty() {
            // Brought by a glob, or handed on by the module that is named.
            let named = owner.unwrap_or(name);
            let leads = self.stands_for(home, named, modules, 0);
            found = leads
                .iter()
                .filter_map(|(home, path)| path.split_last().map(|(_, modules)| (home, modules)))
                .flat_map(|(home, modules)| self.modules(home, modules, 1))
                .flat_map(|place| at(&place))
                .collect();
        }
        match found.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }

    /// The method of queries that is meant by a name: of a trait, or of a type of the library's.
    pub(crate) fn query_method(&self, name: &str, arguments: usize) -> Option<&Function> {
        self.method_of(name, arguments, is_of_queries)
    }

    /// True if the workspace has a method of queries of this name, or several.
    pub(crate) fn has_query_method(&self, name: &str, arguments: usize) -> bool {
        self.functions_named(name)
            .iter()
            .any(|function| function.is_method && function.arguments == arguments && is_of_queries(function))
    }

    /// True if the workspace has a method of this name, which may be meant for one of the library's.
    pub(crate) fn has_method(&self, name: &str) -> bool {
        self.methods_of_values(name).any(|function| !hands_on(function))
    }

    /// True if a method of the workspace's hands on what is in a result, as one that adds to its error does.
    pub(crate) fn has_method_that_hands_on(&self, name: &str) -> bool {
        !self.has_method(name) && self.methods_of_values(name).next().is_some()
    }

    fn methods_of_values(&self, name: &str) -> impl Iterator<Item = &Function> {
        let of_value = |function: &&Function| {
            let of = function.of.as_deref().unwrap_or_default();
            is_of_queries(function) || VALUES.contains(&of.rsplit("::").next().unwrap_or(of))
        };
        self.functions_named(name).iter().filter(|function| function.is_method).filter(of_value)
    }

    /// True if a type of the workspace has a method of this name with so many arguments.
    pub(crate) fn has_any_method(&self, name: &str, arguments: usize) -> bool {
        self.functions_named(name)
            .iter()
            .any(|function| function.is_method && function.arguments == arguments)
    }

    /// The method of a name that is meant.
    pub(crate) fn method(&self, name: &str, arguments: usize) -> Option<&Function> {
        self.method_of(name, arguments, |_| true)
    }

    fn method_of(&self, name: &str, arguments: usize, of: impl Fn(&Function) -> bool) -> Option<&Function> {
        // One of another type may stand in for it, as where a trait's default is overridden.
        let fits = |function: &&Function| function.is_method && function.arguments == arguments;
        let mut all = self.functions.get(name)?.iter().filter(fits);
        match (all.next(), all.next()) {
            (Some(only), None) if of(only) => Some(only),
            _ => None,
        }
    }
}

/// It is a method of a trait, of whatever has one, or of a query.
fn is_of_queries(function: &Function) -> bool {
    let of = function.of.as_deref().unwrap_or_default();
    let is_parameter = of.len() <= 2;
    function.of_trait || is_parameter || QUERIES.contains(&of)
}

/// `impl<T> Trace for Result<T> { fn trace(self) -> Result<T> }` can give no other `T` than it has.
fn hands_on(function: &Function) -> bool {
    let head = function.text.split('{').next().unwrap_or_default();
    let given = head.rsplit_once("->").map(|(_, given)| given.trim()).unwrap_or_default();
    let wraps = given.starts_with("Result<T") || given.starts_with("Option<T") || given == "Self";
    function.arguments == 0 && wraps && matches!(function.of.as_deref(), Some("Result" | "Option"))
}

/// What all of them are.
fn only(all: impl Iterator<Item = usize>) -> Option<usize> {
    let mut found: Vec<usize> = all.collect();
    found.sort_unstable();
    found.dedup();
    match found.as_slice() {
        [only] => Some(*only),
        _ => None,
    }
}

/// What the path names is out of sight.
pub(super) fn leads_nowhere(path: &[String]) -> bool {
    path.first().is_some_and(|first| first == NOWHERE)
}

fn is_root(part: &str) -> bool {
    matches!(part, "crate" | "self" | "super")
}

/// The module that a path names which begins with `crate`, `self` or `super`.
fn absolute(home: &Home, path: &[String]) -> Option<Vec<String>> {
    let (head, rest) = path.split_first()?;
    if head == "crate" {
        return Some(rest.to_vec());
    }
    let above = path.iter().take_while(|part| *part == "super").count();
    if above == 0 && head != "self" {
        return None;
    }
    let kept = home.module.len().checked_sub(above)?;
    let below = path.iter().skip_while(|part| is_root(part));
    Some(home.module.iter().take(kept).chain(below).cloned().collect())
}
