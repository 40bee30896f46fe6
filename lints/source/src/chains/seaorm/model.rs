//! What the entity files of a workspace say to a chain: tables and columns by their names in Rust, relations between
//! them, what is done to a model before it is saved, and the functions that build parts of queries.
//!
//! **Invariant:** plain data; nothing of it holds a syntax tree. Functions are kept as text.

use std::collections::HashMap;

use super::collect;
use crate::chains::declared::{Declaration, Declared};

/// The name by which these declarations are asked for, all at once.
pub(crate) const NAME: &str = "entities of SeaORM";

/// The head of a path that leads nowhere.
pub(super) const NOWHERE: &str = "\0nowhere";

/// What a file says of entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeaFile {
    /// What the `use` declarations of its modules make of names.
    pub uses: Vec<ModuleUses>,
    /// Its entities.
    pub entities: Vec<Entity>,
    /// Its linked relations.
    pub linked: Vec<Linked>,
    /// Its names for things of other modules.
    pub aliases: Vec<Alias>,
    /// Its functions.
    pub functions: Vec<Function>,
    /// Its identifiers of sea-query.
    pub idens: Vec<Iden>,
    /// Its macros that set fields of what they are handed.
    pub macros: Vec<Setter>,
    /// Its structures that hold models.
    pub holders: Vec<Holder>,
    /// It says what is done to models of another module before they are saved.
    pub hooks_elsewhere: bool,
}

/// What names mean in a module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModuleUses {
    /// The module, within its file.
    pub module: Vec<String>,
    /// What its `use` declarations make of names, sorted. A name of several meanings leads nowhere.
    pub names: Vec<(String, Vec<String>)>,
    /// The modules of which it imports everything.
    pub globs: Vec<Vec<String>>,
    /// The names of its own; sorted.
    pub items: Vec<String>,
    /// A macro may declare more.
    pub has_macros: bool,
}

/// An entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entity {
    /// Where `Entity`, `Column` and `Model` are.
    pub home: Home,
    /// The schema of its table, where one is written.
    pub schema: Option<String>,
    /// Its table; empty where the name is computed.
    pub table: String,
    /// Its columns, in order.
    pub columns: Vec<Column>,
    /// The variants of `Relation`.
    pub relations: Vec<Relation>,
    /// `impl Related<…> for Entity`.
    pub related: Vec<Related>,
    /// What `before_save` does to a model.
    pub before_save: Touch,
    /// What `before_delete` does to a model.
    pub before_delete: Touch,
}

/// A column of an entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// The variant of `Column`.
    pub variant: String,
    /// The field of `Model`.
    pub field: String,
    /// Its name in the database.
    pub name: String,
    /// It is of the primary key.
    pub primary: bool,
}

/// A variant of `Relation`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its name.
    pub variant: String,
    /// The join that it stands for.
    pub def: Def,
}

/// How two tables are joined, with paths as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Def {
    /// `belongs_to`: the target, columns of this entity and of the target.
    BelongsTo(Vec<String>, Vec<String>, Vec<String>),
    /// `has_one` and `has_many`: what the target says of its relation to this entity, read backwards; by a variant of the
    /// target's where one is named.
    Has(Vec<String>, Option<String>),
    /// A relation of an entity: `super::a::Relation::B.def()`, perhaps reversed.
    Named(Vec<String>, bool),
    /// It could not be read.
    Unread,
}

/// `impl Related<Target> for Entity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// The target.
    pub target: Vec<String>,
    /// The join to it.
    pub to: Def,
    /// The join that comes before that one.
    pub via: Option<Def>,
}

/// `impl Linked for Name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// Where it is.
    pub home: Home,
    /// Its name.
    pub name: String,
    /// The entity that it leads to.
    pub target: Vec<String>,
    /// The joins on the way.
    pub links: Vec<Def>,
}

/// What a function does to a model that it is handed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// It sets these fields at most. `name!a,b` stands for what a macro sets that is called with these names.
    Fields(Vec<String>),
    /// It takes a tuple apart: what it does to each part.
    Parts(Vec<Touch>),
    /// It may do anything.
    Anything,
}

impl Touch {
    /// It does nothing to it.
    pub(crate) const NOTHING: Touch = Touch::Fields(Vec::new());
}

impl Default for Touch {
    fn default() -> Touch {
        Touch::NOTHING
    }
}

/// Where something is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Home {
    /// Its crate, by its place among those of the entities.
    pub krate: usize,
    /// The module; within its file, as a file says it.
    pub module: Vec<String>,
    /// The file, by its place among those of the entities.
    pub file: usize,
}

/// A function that may build a part of a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// Where it is.
    pub home: Home,
    /// Its name.
    pub name: String,
    /// The type of the `impl`, or the trait, that it belongs to.
    pub of: Option<String>,
    /// It stands in the trait itself.
    pub of_trait: bool,
    /// It is a method: its first parameter is `self`.
    pub is_method: bool,
    /// How many arguments it takes, `self` not counted.
    pub arguments: usize,
    /// Its text.
    pub text: String,
    /// What it does to each of its arguments.
    pub touches: Vec<Touch>,
}

/// `pub use … as name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// Where it is.
    pub home: Home,
    /// The name.
    pub name: String,
    /// What it stands for.
    pub path: Vec<String>,
}

/// An enumeration or structure of identifiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Iden {
    /// Where it is.
    pub home: Home,
    /// The name in Rust.
    pub name: String,
    /// The identifiers of its variants.
    pub names: Vec<(String, String)>,
    /// The identifier of a structure.
    pub own: Option<String>,
}

/// A macro that only sets fields of its first argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setter {
    /// Its name.
    pub name: String,
    /// The fields: each the place of the argument that names it.
    pub fields: Vec<usize>,
}

/// A structure with fields that are models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Where it is.
    pub home: Home,
    /// Its name.
    pub name: String,
    /// The fields that are models, with the paths of their types; their numbers where they have no names.
    pub fields: Vec<(String, Vec<String>)>,
}

/// The entities of a workspace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entities {
    /// What names mean in the modules of each file.
    uses: Vec<HashMap<Vec<String>, ModuleUses>>,
    files: Vec<(usize, Vec<String>)>,
    pub(crate) crates: Vec<String>,
    pub(crate) entities: Vec<Entity>,
    pub(crate) linked: Vec<Linked>,
    pub(crate) aliases: HashMap<String, Vec<Alias>>,
    pub(crate) functions: HashMap<String, Vec<Function>>,
    idens: HashMap<String, Vec<Iden>>,
    macros: HashMap<String, Vec<Setter>>,
    holders: HashMap<String, Vec<Holder>>,
}

/// What a file declares for the chains of other files.
pub(crate) fn declarations(text: &str) -> Vec<Declared> {
    let names = |word: &str| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    let tells = ["sea_orm", "sea_query", "Entity", "ActiveModel"].into_iter().any(names);
    // Macros that set fields of models, and modules that are exported under other names, need not name anything of the
    // library.
    let exports = || names("pub use") && names(" as ");
    if !tells && !names("macro_rules!") && !exports() {
        return Vec::new();
    }
    let Ok(parsed) = crate::read::parse(text, |text| text.into()) else { return Vec::new() };
    let mut found = collect::file(text, &parsed);
    if !tells {
        found = SeaFile { macros: found.macros, aliases: found.aliases, ..SeaFile::default() };
        if found.macros.is_empty() && found.aliases.is_empty() {
            return Vec::new();
        }
    }
    note_uses(&parsed.file.items, &mut Vec::new(), &mut found.uses);
    let what = Declaration::SeaOrm(std::sync::Arc::new(found));
    vec![Declared { name: NAME.to_owned(), module: Vec::new(), krate: String::new(), cfgs: Vec::new(), what }]
}

impl ModuleUses {
    /// What names mean where the module is this one or its twin behind a `cfg`: what both say.
    fn join(&mut self, twin: ModuleUses) {
        for (name, path) in twin.names {
            match self.names.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) if *known != path => *known = vec![NOWHERE.to_owned(), name],
                Some(_) => {}
                None => self.names.push((name, path)),
            }
        }
        self.names.sort();
        if self.globs != twin.globs {
            // Which of them brings a name is not known.
            self.globs.clear();
            self.has_macros = true;
        }
        self.has_macros |= twin.has_macros;
        self.items.extend(twin.items);
        self.items.sort();
        self.items.dedup();
    }
}

/// Macros that declare nothing but what they are handed.
const HARMLESS: &[&str] = &["lazy_static", "task_local", "thread_local"];

/// What names mean in a module and in those within it, as far as its file shows them.
fn note_uses(items: &[syn::Item], module: &mut Vec<String>, found: &mut Vec<ModuleUses>) {
    let imports = crate::imports::Imports::of_module(items);
    let meant = |(name, path): (&String, &Vec<String>)| {
        let all = imports.expand_all(std::slice::from_ref(name));
        let is_clear = all.iter().all(|other| other == path);
        (name.clone(), if is_clear { path.clone() } else { vec![NOWHERE.to_owned(), name.clone()] })
    };
    let mut names: Vec<_> = imports.names().map(meant).collect();
    names.sort();
    let declares = |item: &syn::Item| {
        matches!(item, syn::Item::Macro(item)
        if item.ident.is_none() && !item.mac.path.segments.last().is_some_and(|last| HARMLESS.iter().any(|name| last.ident == name)))
    };
    let has_macros = items.iter().any(declares);
    // What a macro declares goes before what a glob brings, and is not seen.
    let globs = if has_macros { Vec::new() } else { imports.globs().to_vec() };
    let mut own: Vec<String> = items.iter().filter_map(name_of).collect();
    own.sort();
    let uses = ModuleUses { module: module.clone(), names, globs, items: own, has_macros };
    match found.iter_mut().find(|known| known.module == uses.module) {
        Some(known) => known.join(uses),
        None => found.push(uses),
    }
    for item in items {
        let syn::Item::Mod(item) = item else { continue };
        module.push(item.ident.to_string());
        note_uses(item.content.as_ref().map_or(&[], |(_, items)| items), module, found);
        module.pop();
    }
}

/// The name that an item declares among types, modules and functions.
fn name_of(item: &syn::Item) -> Option<String> {
    let ident = match item {
        syn::Item::Const(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Fn(item) => &item.sig.ident,
        syn::Item::Mod(item) => &item.ident,
        syn::Item::Static(item) => &item.ident,
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

impl Entities {
    /// Puts together what the files say.
    pub(crate) fn of(declared: Vec<Declared>) -> Entities {
        let mut all = Entities::default();
        let mut hooks_elsewhere = false;
        for declared in declared {
            let Declaration::SeaOrm(said) = &declared.what else { continue };
            let krate = all.crates.iter().position(|name| *name == declared.krate).unwrap_or_else(|| {
                all.crates.push(declared.krate.clone());
                all.crates.len() - 1
            });
            let file = all.uses.len();
            all.files.push((krate, declared.module.clone()));
            let of_module = |one: &ModuleUses| {
                (declared.module.iter().chain(&one.module).cloned().collect(), one.clone())
            };
            all.uses.push(said.uses.iter().map(of_module).collect());
            let home = |home: &Home| Home {
                krate,
                module: declared.module.iter().chain(&home.module).cloned().collect(),
                file,
            };
            hooks_elsewhere |= said.hooks_elsewhere;
            let entities = said.entities.iter().map(|one| Entity { home: home(&one.home), ..one.clone() });
            all.entities.extend(entities);
            let linked = said.linked.iter().map(|one| Linked { home: home(&one.home), ..one.clone() });
            all.linked.extend(linked);
            for one in &said.aliases {
                let alias = Alias { home: home(&one.home), ..one.clone() };
                all.aliases.entry(one.name.clone()).or_default().push(alias);
            }
            for one in &said.functions {
                let function = Function { home: home(&one.home), ..one.clone() };
                all.functions.entry(one.name.clone()).or_default().push(function);
            }
            for one in &said.macros {
                all.macros.entry(one.name.clone()).or_default().push(one.clone());
            }
            for one in &said.holders {
                let holder = Holder { home: home(&one.home), ..one.clone() };
                all.holders.entry(one.name.clone()).or_default().push(holder);
            }
            for one in &said.idens {
                let iden = Iden { home: home(&one.home), ..one.clone() };
                all.idens.entry(one.name.clone()).or_default().push(iden);
            }
        }
        if hooks_elsewhere {
            // Of which entity they are is not followed.
            for entity in &mut all.entities {
                (entity.before_save, entity.before_delete) = (Touch::Anything, Touch::Anything);
            }
        }
        all
    }

    /// The place of a crate; that of none where it declares nothing.
    pub(crate) fn crate_of(&self, name: &str) -> usize {
        self.crates.iter().position(|known| known == name).unwrap_or(usize::MAX)
    }

    /// The place of a file that is the module of a crate; that of none where it declares nothing.
    pub(crate) fn file_of(&self, krate: usize, module: &[String]) -> usize {
        let is_it = |(of, path): &(usize, Vec<String>)| *of == krate && path == module;
        self.files.iter().position(is_it).unwrap_or(usize::MAX)
    }

    /// What names mean where something is written.
    pub(super) fn uses(&self, home: &Home) -> Option<&ModuleUses> {
        let nested = home.module.iter().position(|part| part == collect::NESTED);
        let module = home.module.get(..nested.unwrap_or(home.module.len()))?;
        self.uses.get(home.file)?.get(module)
    }

    /// A module around one.
    pub(super) fn around(&self, home: &Home, module: Vec<String>) -> Home {
        let root = self.files.get(home.file).map_or(&[][..], |(_, root)| root.as_slice());
        let file = match module.starts_with(root) {
            true => home.file,
            false => self.file_of(home.krate, &module),
        };
        Home { krate: home.krate, module, file }
    }

    /// The fields that a touch names, macros among them looked up; `None` where one is not known.
    pub(crate) fn fields(&self, named: &[String]) -> Option<Vec<String>> {
        let mut fields = Vec::new();
        for name in named {
            let Some((mac, arguments)) = name.split_once('!') else {
                fields.push(name.clone());
                continue;
            };
            let [setter] = self.macros.get(mac)?.as_slice() else { return None };
            let arguments: Vec<&str> = arguments.split(',').collect();
            for at in &setter.fields {
                fields.push((*arguments.get(*at)?).to_owned());
            }
        }
        Some(fields)
    }

    /// The identifiers of a name in Rust.
    pub(crate) fn idens(&self, name: &str) -> &[Iden] {
        self.idens.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Where a structure stands that holds models and the type of a field of it; `None` where several have the name.
    pub(crate) fn held(&self, home: &Home, name: &str, field: &str) -> Option<(&Home, &[String])> {
        let all = self.holders.get(name)?;
        let mut here = all.iter().filter(|holder| holder.home.file == home.file);
        let holder = match (here.next(), here.next(), all.as_slice()) {
            (Some(only), None, _) | (None, _, [only]) => only,
            _ => return None,
        };
        let (_, path) = holder.fields.iter().find(|(known, _)| known == field)?;
        Some((&holder.home, path))
    }

    /// The functions of a name.
    pub(crate) fn functions_named(&self, name: &str) -> &[Function] {
        self.functions.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}
