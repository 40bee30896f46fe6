//! SeaORM's schemas as they are written in Rust: migrations and entities.
//!
//! Both become SQL in the dialect of the database, statement by statement, so that one reader makes the catalog of all
//! schemas. Every part of such a text knows the place in Rust that it was made of.
//!
//! **Invariant:** what a migration does and cannot be followed is a [`SchemaStep::Unread`], never passed over.
//! **Invariant:** nothing is run: calls are followed only into functions of the files at hand, with limits.

mod entity;
mod evaluate;
mod names;
mod table;
mod text;
mod types;

use std::collections::BTreeMap;

use syn::visit::Visit;
use tenantry_policy::Dialect;
use tenantry_span::{FileId, Span, TextRange};

use crate::input::SourceFile;
use entity::Entity;
pub(crate) use entity::{camel_case, model_columns};
use names::{Enumeration, Uses};
pub(crate) use names::{derives_column, idens_of_enum, idens_of_struct, options, snake_case};
pub use text::SchemaText;

/// One step of a schema.
#[derive(Clone, Debug)]
pub enum SchemaStep {
    /// A statement, or several, in the dialect that was asked for.
    Sql(SchemaText),
    /// A file of SQL that is run as it is.
    File(FileId, String),
    /// Something that may change the schema and could not be followed.
    Unread {
        /// Where.
        span: Span,
        /// Why.
        why: String,
        /// The table that it would have changed, as (schema, name), where that is known.
        table: Option<(Option<String>, String)>,
    },
}

/// The entity of a table.
#[derive(Clone, Debug)]
pub struct EntityTable {
    /// Its schema, where one is written, and its name.
    pub name: (Option<String>, String),
    /// The statement that would make the table.
    pub step: SchemaText,
}

/// Finds the text of a file named relative to another one: `include_str!`.
pub type Include<'a> = &'a dyn Fn(FileId, &str) -> Option<(FileId, String)>;

/// True if a file may hold a part of a SeaORM schema, or something that one is made of.
pub fn is_seaorm(text: &str) -> bool {
    ["MigratorTrait", "MigrationTrait", "DeriveEntityModel", "DeriveIden", "sea_query", "sea_orm_migration"]
        .iter()
        .any(|word| text.contains(word))
}

/// The files of a crate that SeaORM's schema is written in.
pub struct SeaOrm {
    files: Vec<Parsed>,
    enumerations: BTreeMap<String, Vec<Enumeration>>,
    entities: Vec<Entity>,
    /// Relations that were read before the entity of their module.
    loose: Vec<(Home, Vec<entity::Relation>)>,
    functions: BTreeMap<String, Vec<Function>>,
    constants: BTreeMap<String, Vec<ConstantText>>,
    migrators: Vec<Function>,
    ups: Vec<Up>,
    unread: Vec<SchemaStep>,
}

struct Parsed {
    file: FileId,
    base: usize,
    /// The path of the module that the file is, from the root of its crate.
    modules: Vec<String>,
    uses: Uses,
}

/// Where an item stands: the file, and the modules in it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Home {
    file: usize,
    modules: Vec<String>,
}

#[derive(Clone)]
struct Function {
    home: Home,
    /// The type of the `impl` that it belongs to.
    of: Option<String>,
    signature: syn::Signature,
    block: std::rc::Rc<syn::Block>,
}

struct ConstantText {
    home: Home,
    value: syn::Expr,
}

/// `impl MigrationTrait for …`.
struct Up {
    of: String,
    function: Function,
}

impl SeaOrm {
    /// Reads the files. The caller keeps the stack large enough for `syn`.
    pub fn read(files: &[SourceFile<'_>]) -> SeaOrm {
        let mut found = SeaOrm {
            files: Vec::new(),
            enumerations: BTreeMap::new(),
            entities: Vec::new(),
            loose: Vec::new(),
            functions: BTreeMap::new(),
            constants: BTreeMap::new(),
            migrators: Vec::new(),
            ups: Vec::new(),
            unread: Vec::new(),
        };
        for source in files {
            match crate::read::parse(source.text, |text| text.into()) {
                Ok(parsed) => {
                    let at = found.files.len();
                    found.files.push(Parsed {
                        file: source.file,
                        base: parsed.base,
                        modules: modules_of(source.path),
                        uses: Uses::of(&parsed.file),
                    });
                    let home = Home { file: at, modules: Vec::new() };
                    Collector { found: &mut found, home, of: None, is_trait: None }.visit_file(&parsed.file);
                }
                Err(why) => {
                    let span = Span::new(source.file, TextRange::from_usize(0, source.text.len()));
                    found.unread.push(SchemaStep::Unread { span, why, table: None });
                }
            }
        }
        entity::settle(&mut found);
        found
    }

    /// True if there is a list of migrations.
    pub fn has_migrations(&self) -> bool {
        !self.migrators.is_empty()
    }

    /// True if there is an entity.
    pub fn has_entities(&self) -> bool {
        !self.entities.is_empty()
    }

    /// What all migrations do, in the order in which they run.
    pub fn migrations(&self, dialect: Dialect, include: Include<'_>) -> Vec<SchemaStep> {
        let mut steps = self.unread.clone();
        steps.extend(evaluate::migrations(self, dialect, include));
        steps
    }

    /// The tables of the entities, sorted by name.
    pub fn entities(&self, dialect: Dialect) -> Vec<EntityTable> {
        let tables = self.entities.iter().map(|entity| EntityTable {
            name: (entity.schema.clone(), entity.table.clone()),
            step: entity::create(self, entity, dialect),
        });
        let mut tables: Vec<EntityTable> = tables.collect();
        tables.sort_by(|a, b| a.name.cmp(&b.name));
        tables
    }

    fn span(&self, home: &Home, span: proc_macro2::Span) -> Span {
        let Some(parsed) = self.files.get(home.file) else {
            return Span::new(FileId(0), TextRange::default());
        };
        let range = span.byte_range();
        Span::new(parsed.file, TextRange::from_usize(parsed.base + range.start, parsed.base + range.end))
    }

    /// Of the items of one name, the one that is meant by a path written at `from`; none where several could be.
    fn nearest<'s, T>(
        &'s self,
        items: &'s [T],
        home: impl Fn(&T) -> &Home,
        from: &Home,
        path: &[String],
    ) -> Option<&'s T> {
        let meant = self.meant(from, path);
        let score = |item: &T| {
            let home = home(item);
            let place = self.module(home);
            let shared = home.modules.iter().zip(&from.modules).take_while(|(a, b)| a == b).count();
            let here = home.file == from.file;
            match &meant {
                Meant::Absolute(modules) if *modules == place => 1_000,
                Meant::Ending(modules) if place.ends_with(modules) => 500 + shared,
                // What names no module is in sight: here or in a module around.
                Meant::Plain if here && home.modules.len() == shared => 100 + shared,
                Meant::Plain if here => 10,
                Meant::Absolute(_) | Meant::Ending(_) if here => 2,
                // It may have come here through a `use` of everything, or be exported again.
                Meant::Absolute(_) | Meant::Ending(_) | Meant::Plain => 1,
            }
        };
        let best = items.iter().map(&score).max()?;
        let mut found = items.iter().filter(|item| score(item) == best);
        match (found.next(), found.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }

    fn module(&self, home: &Home) -> Vec<String> {
        let own = self.files.get(home.file).map(|file| file.modules.as_slice()).unwrap_or_default();
        own.iter().chain(&home.modules).cloned().collect()
    }

    /// Which module a path written at `from` leads to.
    fn meant(&self, from: &Home, path: &[String]) -> Meant {
        let uses = self.files.get(from.file).map(|file| &file.uses);
        let imported = path.first().and_then(|first| uses?.of_name(first));
        let rest = path.get(1..).unwrap_or_default();
        let whole: Vec<&String> = match imported {
            Some(imported) => imported.iter().chain(rest).collect(),
            None => path.iter().collect(),
        };
        let Some((_, modules)) = whole.split_last() else { return Meant::Plain };
        let mut at: Option<Vec<String>> = None;
        let mut ending = Vec::new();
        for part in modules {
            match part.as_str() {
                "crate" => at = Some(Vec::new()),
                "self" => at = Some(self.module(from)),
                "super" => {
                    let mut above = at.take().unwrap_or_else(|| self.module(from));
                    above.pop();
                    at = Some(above);
                }
                "Self" => {}
                name => match &mut at {
                    Some(at) => at.push(name.to_owned()),
                    None => ending.push(name.to_owned()),
                },
            }
        }
        match at {
            Some(at) => Meant::Absolute(at),
            None if ending.is_empty() => Meant::Plain,
            None => Meant::Ending(ending),
        }
    }
}

/// Which module a path leads to.
enum Meant {
    /// This one of the crate.
    Absolute(Vec<String>),
    /// One whose path ends so.
    Ending(Vec<String>),
    /// None is named.
    Plain,
}

/// `migration/src/m20220101_users.rs` is the module `m20220101_users`, `src/user/mod.rs` is `user`.
fn modules_of(path: &str) -> Vec<String> {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let mut parts: Vec<&str> = stem.split('/').collect();
    if let Some(root) = parts.iter().rposition(|part| *part == "src") {
        parts.drain(..=root);
    }
    if parts.last().is_some_and(|last| matches!(*last, "mod" | "lib" | "main")) {
        parts.pop();
    }
    parts.into_iter().map(str::to_owned).collect()
}

struct Collector<'a> {
    found: &'a mut SeaOrm,
    home: Home,
    of: Option<String>,
    is_trait: Option<String>,
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        self.home.modules.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.home.modules.pop();
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        entity::add_relation_enum(self.found, item, &self.home);
        if let Some(found) = Enumeration::of_enum(item, &self.home) {
            self.found.enumerations.entry(found.name.clone()).or_default().push(found);
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if let Some(found) = Enumeration::of_struct(item, &self.home) {
            self.found.enumerations.entry(found.name.clone()).or_default().push(found);
        }
        if let Some(entity) = Entity::of_model(&|span| self.found.span(&self.home, span), item, &self.home) {
            self.found.entities.push(entity);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let of = match &*item.self_ty {
            syn::Type::Path(path) => path.path.segments.last().map(|part| part.ident.to_string()),
            _ => None,
        };
        let of_trait =
            item.trait_.as_ref().and_then(|part| part.0.segments.last()).map(|part| part.ident.to_string());
        if of_trait.as_deref() == Some("Iden")
            && let Some(name) = &of
            && let Some(found) = Enumeration::of_impl(name, item, &self.home)
        {
            self.found.enumerations.entry(name.clone()).or_default().push(found);
        }
        let before = (self.of.take(), self.is_trait.take());
        (self.of, self.is_trait) = (of, of_trait);
        syn::visit::visit_item_impl(self, item);
        (self.of, self.is_trait) = before;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if is_test(&item.attrs) {
            return;
        }
        let function = Function {
            home: self.home.clone(),
            of: self.of.clone(),
            signature: item.sig.clone(),
            block: std::rc::Rc::new(item.block.clone()),
        };
        let name = item.sig.ident.to_string();
        match (self.is_trait.as_deref(), name.as_str()) {
            (Some("MigratorTrait"), "migrations") => self.found.migrators.push(function),
            (Some("MigrationTrait"), "up") => {
                self.found.ups.push(Up { of: self.of.clone().unwrap_or_default(), function });
            }
            (Some("MigrationTrait" | "MigratorTrait"), _) => {}
            (Some("RelationTrait"), "def") => entity::add_relations(self.found, &function),
            _ => self.found.functions.entry(name).or_default().push(function),
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if is_test(&item.attrs) {
            return;
        }
        let function = Function {
            home: self.home.clone(),
            of: None,
            signature: item.sig.clone(),
            block: std::rc::Rc::new((*item.block).clone()),
        };
        self.found.functions.entry(item.sig.ident.to_string()).or_default().push(function);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.constant(&item.ident, &item.expr);
    }

    fn visit_impl_item_const(&mut self, item: &'ast syn::ImplItemConst) {
        self.constant(&item.ident, &item.expr);
    }

    fn visit_item_static(&mut self, item: &'ast syn::ItemStatic) {
        self.constant(&item.ident, &item.expr);
    }
}

impl Collector<'_> {
    fn constant(&mut self, name: &syn::Ident, value: &syn::Expr) {
        let found = ConstantText { home: self.home.clone(), value: value.clone() };
        self.found.constants.entry(name.to_string()).or_default().push(found);
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let tokens = match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string(),
            _ => return false,
        };
        tokens == "test"
    })
}

#[cfg(test)]
mod tests;
