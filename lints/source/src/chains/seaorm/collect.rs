//! Reading a file for what it says of entities.

use std::collections::BTreeMap;

use syn::visit::Visit;

use super::model::{
    Alias, Column, Def, Entity, Function, Holder, Home, Iden, Linked, Related, Relation, SeaFile, Setter,
    Touch,
};
use crate::read::Parsed;
use crate::seaorm::model_columns;

/// What functions that build parts of queries name.
const TELLING: &[&str] = &[
    "Entity",
    "Select",
    "Query",
    "Condition",
    "Expr",
    "Column",
    "ActiveModel",
    "ActiveValue",
    "&mut",
    "-> Self",
];

/// The module of functions within functions.
pub(super) const NESTED: &str = "{}";

/// What a parsed file says.
pub(super) fn file(text: &str, parsed: &Parsed) -> SeaFile {
    let mut found = SeaFile::default();
    let mut variants = BTreeMap::new();
    note_variants(&parsed.file.items, &mut Vec::new(), &mut variants);
    let mut collector =
        Collector { found: &mut found, home: Home::default(), of: None, text, base: parsed.base, variants };
    collector.visit_file(&parsed.file);
    found
}

/// The variants of the enumerations of each module, by where they are.
type Variants = BTreeMap<Vec<String>, Vec<String>>;

fn note_variants(items: &[syn::Item], module: &mut Vec<String>, found: &mut Variants) {
    for item in items {
        match item {
            syn::Item::Enum(item) => {
                let path = module.iter().cloned().chain([item.ident.to_string()]).collect();
                let names = item.variants.iter().map(|variant| variant.ident.to_string());
                found.insert(path, names.collect());
            }
            syn::Item::Mod(item) => {
                module.push(item.ident.to_string());
                note_variants(item.content.as_ref().map_or(&[], |(_, items)| items), module, found);
                module.pop();
            }
            _ => {}
        }
    }
}

struct Collector<'c> {
    found: &'c mut SeaFile,
    home: Home,
    of: Option<Of>,
    text: &'c str,
    base: usize,
    variants: Variants,
}

/// The `impl` or trait that is walked.
#[derive(Clone)]
struct Of {
    /// The type, or the trait where it is one.
    name: String,
    /// The trait that is implemented, with what it is of: `Related<super::a::Entity>`.
    of_trait: Option<(String, Option<Vec<String>>)>,
    /// It is the trait itself.
    is_trait: bool,
}

impl Collector<'_> {
    /// What is known of the entity of the module.
    fn entity(&mut self, change: impl FnOnce(&mut Entity)) {
        if !self.found.entities.iter().any(|entity| entity.home == self.home) {
            self.found.entities.push(Entity { home: self.home.clone(), ..Entity::default() });
        }
        if let Some(entity) = self.found.entities.iter_mut().find(|entity| entity.home == self.home) {
            change(entity);
        }
    }

    /// Relations of a model in its newer form, where fields are relations.
    fn relations_of_fields(&mut self, item: &syn::ItemStruct) {
        for field in &item.fields {
            let Some(ident) = &field.ident else { continue };
            let with = sea_orm_options(&field.attrs);
            let Some(target) = relation_target(&field.ty) else { continue };
            let text = |name: &str| with.get(name).cloned().flatten();
            let def = match (with.contains_key("belongs_to"), text("from"), text("to")) {
                (true, Some(from), Some(to)) => {
                    Def::BelongsTo(target.clone(), columns_of(&from), columns_of(&to))
                }
                (true, _, _) => Def::Unread,
                _ if with.contains_key("via") || with.contains_key("self_ref") => Def::Unread,
                _ => Def::Has(target.clone(), text("via_rel")),
            };
            let variant =
                text("relation_enum").unwrap_or_else(|| crate::seaorm::camel_case(&ident.to_string()));
            self.entity(|entity| {
                entity.related.push(Related { target, to: def.clone(), via: None });
                entity.relations.push(Relation { variant, def });
            });
        }
    }

    /// The text of a function with the names of what it imports of the file's enumerations: `use Order::{Up, Down}` in
    /// place of `use Order::*`.
    fn with_variants(&self, text: &str, block: &syn::Block, start: usize) -> String {
        use syn::spanned::Spanned;
        let mut out = String::new();
        let mut done = 0;
        for statement in &block.stmts {
            let syn::Stmt::Item(syn::Item::Use(item)) = statement else { continue };
            let syn::UseTree::Path(path) = &item.tree else { continue };
            let syn::UseTree::Glob(_) = &*path.tree else { continue };
            let of = self.home.module.iter().cloned().chain([path.ident.to_string()]);
            let Some(names) = self.variants.get(&of.collect::<Vec<String>>()) else { continue };
            let range = item.span().byte_range();
            let from = (self.base + range.start).checked_sub(start);
            let Some(before) = from.and_then(|from| text.get(done..from)) else { continue };
            out.push_str(before);
            out.push_str(&format!("use {}::{{{}}};", path.ident, names.join(", ")));
            done = self.base + range.end - start;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }

    fn function(&mut self, attributes: &[syn::Attribute], sig: &syn::Signature, block: &syn::Block) {
        if is_test(attributes) {
            return;
        }
        use syn::spanned::Spanned;
        let (range, body) = (sig.span().byte_range(), block.span().byte_range());
        let text = |end: usize| self.text.get(self.base + range.start..self.base + end);
        let (Some(whole), Some(head)) = (text(body.end), text(body.start)) else { return };
        // What is awaited is not followed: its statements stand there as sites. Of others the name counts alone.
        let text = match sig.asyncness.is_none() && TELLING.iter().any(|word| whole.contains(word)) {
            true => self.with_variants(whole, block, self.base + range.start),
            false => format!("{head}{{}}"),
        };
        let touches: Vec<Touch> = sig
            .inputs
            .iter()
            .filter_map(|input| match input {
                syn::FnArg::Typed(typed) => Some(touch(block, typed)),
                syn::FnArg::Receiver(_) => None,
            })
            .collect();
        let function = Function {
            home: self.home.clone(),
            name: sig.ident.to_string(),
            of: self.of.as_ref().map(|of| of.name.clone()),
            of_trait: self.of.as_ref().is_some_and(|of| of.is_trait),
            is_method: sig.receiver().is_some(),
            arguments: sig.inputs.len() - usize::from(sig.receiver().is_some()),
            text,
            touches,
        };
        self.found.functions.push(function);
    }
}

impl<'ast> Visit<'ast> for Collector<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test(&item.attrs) {
            return;
        }
        self.home.module.push(item.ident.to_string());
        syn::visit::visit_item_mod(self, item);
        self.home.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if matches!(item.vis, syn::Visibility::Inherited) {
            return;
        }
        let mut found = Vec::new();
        names_of(&item.tree, &mut Vec::new(), &mut found);
        for (name, path) in found {
            self.found.aliases.push(Alias { home: self.home.clone(), name, path });
        }
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        if let syn::Expr::Path(path) = &*item.expr {
            let (name, path) = (item.ident.to_string(), segments(&path.path));
            self.found.aliases.push(Alias { home: self.home.clone(), name, path });
        }
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        if let (Some(name), Some(fields)) = (&item.ident, setter(item.mac.tokens.clone())) {
            self.found.macros.push(Setter { name: name.to_string(), fields });
        }
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        if let syn::Type::Path(path) = &*item.ty {
            let (name, path) = (item.ident.to_string(), segments(&path.path));
            self.found.aliases.push(Alias { home: self.home.clone(), name, path });
        }
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if let Some(model) = model_columns(item) {
            let columns = model.columns.into_iter().map(|(variant, field, name, primary)| Column {
                variant,
                field,
                name,
                primary,
            });
            let columns = columns.collect();
            self.entity(|entity| {
                (entity.schema, entity.table, entity.columns) = (model.schema, model.table, columns);
            });
            self.relations_of_fields(item);
        }
        self.iden(&item.ident, crate::seaorm::idens_of_struct(item));
        let fields = item.fields.iter().enumerate().filter_map(|(at, field)| {
            let syn::Type::Path(path) = &field.ty else { return None };
            let is_model = path
                .path
                .segments
                .last()
                .is_some_and(|last| last.ident == "ActiveModel" || last.ident == "Model");
            let name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
            is_model.then(|| (name, segments(&path.path)))
        });
        let fields: Vec<(String, Vec<String>)> = fields.collect();
        if !fields.is_empty() {
            let (home, name) = (self.home.clone(), item.ident.to_string());
            self.found.holders.push(Holder { home, name, fields });
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        if item.ident == "Relation" {
            let found = item.variants.iter().map(|variant| Relation {
                variant: variant.ident.to_string(),
                def: of_attributes(&sea_orm_options(&variant.attrs)),
            });
            let found: Vec<Relation> =
                found.filter(|relation| !matches!(relation.def, Def::Unread)).collect();
            if !found.is_empty() {
                self.entity(|entity| entity.relations.extend(found));
            }
        }
        if item.ident == "Column" && crate::seaorm::derives_column(item) {
            // The expanded form of an entity, where the names of columns stand at the variants.
            let columns: Vec<Column> = item
                .variants
                .iter()
                .map(|variant| {
                    let name = sea_orm_options(&variant.attrs).remove("column_name").flatten();
                    let own = variant.ident.to_string();
                    let field = crate::seaorm::snake_case(&own);
                    let name = name.unwrap_or_else(|| field.clone());
                    Column { variant: own, field, name, primary: false }
                })
                .collect();
            self.entity(|entity| entity.columns.extend(columns));
        }
        if item.ident == "PrimaryKey" {
            let names: Vec<String> = item.variants.iter().map(|variant| variant.ident.to_string()).collect();
            self.entity(|entity| {
                entity
                    .columns
                    .iter_mut()
                    .for_each(|column| column.primary |= names.contains(&column.variant));
            });
        }
        self.iden(&item.ident, crate::seaorm::idens_of_enum(item));
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let syn::Type::Path(path) = &*item.self_ty else { return };
        let Some(name) = path.path.segments.last().map(|last| last.ident.to_string()) else { return };
        let of_trait = item.trait_.as_ref().and_then(|(path, _)| {
            let last = path.segments.last()?;
            Some((last.ident.to_string(), argument_path(last)))
        });
        // What is done to a type of another module is not done to the one that has its name here.
        let is_near = path.path.segments.len() == 1 || super::resolve::QUERIES.contains(&name.as_str());
        if !is_near {
            if of_trait.as_ref().is_some_and(|(of, _)| of == "ActiveModelBehavior") {
                self.found.hooks_elsewhere = true;
            }
            let of = Of { name: segments(&path.path).join("::"), of_trait, is_trait: false };
            let before = self.of.replace(of);
            for inner in &item.items {
                if let syn::ImplItem::Fn(function) = inner {
                    self.function(&function.attrs, &function.sig, &function.block);
                }
            }
            self.of = before;
            return;
        }
        let of = Of { name: name.clone(), of_trait, is_trait: false };
        match &of.of_trait {
            Some((name_of_trait, Some(target))) if name_of_trait == "Related" && name == "Entity" => {
                let target = target.clone();
                self.related(item, target);
            }
            Some((name_of_trait, _)) if name_of_trait == "Linked" => self.linked(item, name),
            Some((name_of_trait, _)) if name_of_trait == "RelationTrait" => self.relation_impl(item),
            Some((name_of_trait, _)) if name_of_trait == "EntityName" => self.entity_name(item),
            Some((name_of_trait, _)) if name_of_trait == "ActiveModelBehavior" => self.hooks(item),
            _ => {}
        }
        let before = self.of.replace(of);
        for inner in &item.items {
            if let syn::ImplItem::Fn(function) = inner {
                self.function(&function.attrs, &function.sig, &function.block);
                self.nested(&function.block);
            }
        }
        self.of = before;
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        let of = Of { name: item.ident.to_string(), of_trait: None, is_trait: true };
        let before = self.of.replace(of);
        for inner in &item.items {
            if let syn::TraitItem::Fn(function) = inner
                && let Some(block) = &function.default
            {
                self.function(&function.attrs, &function.sig, block);
            }
        }
        self.of = before;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.attrs, &item.sig, &item.block);
        self.nested(&item.block);
    }
}

impl Collector<'_> {
    /// Functions within a function.
    fn nested(&mut self, block: &syn::Block) {
        let of = self.of.take();
        for statement in &block.stmts {
            if let syn::Stmt::Item(syn::Item::Fn(inner)) = statement {
                // It is seen in its block alone.
                self.home.module.push(NESTED.to_owned());
                self.visit_item_fn(inner);
                self.home.module.pop();
            }
        }
        self.of = of;
    }

    fn iden(&mut self, name: &syn::Ident, found: Option<(BTreeMap<String, String>, Option<String>)>) {
        let Some((names, own)) = found else { return };
        let names = names.into_iter().collect();
        self.found.idens.push(Iden { home: self.home.clone(), name: name.to_string(), names, own });
    }

    fn related(&mut self, item: &syn::ItemImpl, target: Vec<String>) {
        let mut related = Related { target, to: Def::Unread, via: None };
        for function in functions(item) {
            match function.sig.ident.to_string().as_str() {
                "to" => related.to = def_of_block(&function.block),
                "via" => related.via = Some(def_of_block(&function.block)),
                _ => {}
            }
        }
        self.entity(|entity| entity.related.push(related));
    }

    fn linked(&mut self, item: &syn::ItemImpl, name: String) {
        let target = item.items.iter().find_map(|inner| match inner {
            syn::ImplItem::Type(ty) if ty.ident == "ToEntity" => match &ty.ty {
                syn::Type::Path(path) => Some(segments(&path.path)),
                _ => None,
            },
            _ => None,
        });
        let Some(target) = target else { return };
        let mut links = vec![Def::Unread];
        for function in functions(item).filter(|function| function.sig.ident == "link") {
            if let [syn::Stmt::Macro(mac)] = function.block.stmts.as_slice()
                && mac.mac.path.is_ident("vec")
            {
                let parse = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
                if let Ok(all) = mac.mac.parse_body_with(parse) {
                    links = all.iter().map(def_of).collect();
                }
            }
            if let [syn::Stmt::Expr(syn::Expr::Macro(mac), None)] = function.block.stmts.as_slice() {
                let parse = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
                if let Ok(all) = mac.mac.parse_body_with(parse) {
                    links = all.iter().map(def_of).collect();
                }
            }
        }
        self.found.linked.push(Linked { home: self.home.clone(), name, target, links });
    }

    /// `fn def(&self) -> RelationDef { match self { Self::A => Entity::belongs_to(…)…into(), … } }`.
    fn relation_impl(&mut self, item: &syn::ItemImpl) {
        let mut found = Vec::new();
        for function in functions(item).filter(|function| function.sig.ident == "def") {
            let [syn::Stmt::Expr(syn::Expr::Match(choice), None)] = function.block.stmts.as_slice() else {
                continue;
            };
            for arm in &choice.arms {
                let syn::Pat::Path(path) = &arm.pat else { continue };
                let Some(variant) = path.path.segments.last() else { continue };
                found.push(Relation { variant: variant.ident.to_string(), def: def_of(&arm.body) });
            }
        }
        if !found.is_empty() {
            self.entity(|entity| entity.relations.extend(found));
        }
    }

    fn entity_name(&mut self, item: &syn::ItemImpl) {
        for function in functions(item) {
            let written = match function.block.stmts.as_slice() {
                [syn::Stmt::Expr(expr, None)] => literal_of(expr),
                _ => None,
            };
            match function.sig.ident.to_string().as_str() {
                "table_name" => self.entity(|entity| entity.table = written.unwrap_or_default()),
                "schema_name" => self.entity(|entity| entity.schema = written),
                _ => {}
            }
        }
    }

    fn hooks(&mut self, item: &syn::ItemImpl) {
        for function in functions(item) {
            let touched = touch_of(&function.block, "self");
            match function.sig.ident.to_string().as_str() {
                "before_save" => self.entity(|entity| entity.before_save = touched),
                "before_delete" => self.entity(|entity| entity.before_delete = touched),
                _ => {}
            }
        }
    }
}

fn functions(item: &syn::ItemImpl) -> impl Iterator<Item = &syn::ImplItemFn> {
    item.items.iter().filter_map(|inner| match inner {
        syn::ImplItem::Fn(function) => Some(function),
        _ => None,
    })
}

fn literal_of(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        syn::Expr::Call(call) => call.args.first().and_then(literal_of),
        _ => None,
    }
}

pub(super) fn segments(path: &syn::Path) -> Vec<String> {
    path.segments.iter().map(|part| part.ident.to_string()).collect()
}

fn argument_path(part: &syn::PathSegment) -> Option<Vec<String>> {
    let syn::PathArguments::AngleBracketed(arguments) = &part.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(syn::Type::Path(path)) => Some(segments(&path.path)),
        _ => None,
    })
}

/// The entity of `HasOne<super::user::Entity>` and its kin.
fn relation_target(ty: &syn::Type) -> Option<Vec<String>> {
    let syn::Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let is_relation = matches!(last.ident.to_string().as_str(), "HasOne" | "HasMany" | "BelongsTo");
    is_relation.then(|| argument_path(last)).flatten()
}

fn sea_orm_options(attributes: &[syn::Attribute]) -> BTreeMap<String, Option<String>> {
    let own = attributes.iter().filter(|attribute| attribute.path().is_ident("sea_orm"));
    own.flat_map(crate::seaorm::options).collect()
}

/// The names of columns in `from = "Column::A"`, `from = "(Column::A, Column::B)"`, `from = "user_id"`.
fn columns_of(written: &str) -> Vec<String> {
    let inner = written.trim().trim_start_matches('(').trim_end_matches(')');
    let names = inner.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            let last = name.rsplit("::").next().unwrap_or(name).trim();
            if last.starts_with(char::is_lowercase) {
                crate::seaorm::camel_case(last)
            } else {
                last.to_owned()
            }
        })
        .collect()
}

fn path_of(written: &str) -> Vec<String> {
    written.split("::").map(|part| part.trim().to_owned()).collect()
}

/// The relation of a variant of `#[derive(DeriveRelation)] enum Relation`.
fn of_attributes(with: &BTreeMap<String, Option<String>>) -> Def {
    let text = |name: &str| with.get(name).cloned().flatten();
    if with.contains_key("on_condition") || with.contains_key("condition_type") {
        return Def::Unread;
    }
    if let Some(target) = text("has_many").or_else(|| text("has_one")) {
        let via = text("via").map(|via| via.rsplit("::").next().unwrap_or(&via).trim().to_owned());
        return Def::Has(path_of(&target), via);
    }
    match (text("belongs_to"), text("from"), text("to")) {
        (Some(target), Some(from), Some(to)) => {
            Def::BelongsTo(path_of(&target), columns_of(&from), columns_of(&to))
        }
        _ => Def::Unread,
    }
}

fn def_of_block(block: &syn::Block) -> Def {
    match block.stmts.as_slice() {
        [syn::Stmt::Expr(expr, None)] => def_of(expr),
        _ => Def::Unread,
    }
}

/// `Relation::A.def()`, `x::Relation::B.def().rev()`, `Some(…)`, `Entity::belongs_to(t).from(a).to(b).into()`,
/// `Entity::has_many(t).into()`.
fn def_of(expr: &syn::Expr) -> Def {
    match expr {
        syn::Expr::Paren(inner) => def_of(&inner.expr),
        syn::Expr::Call(call) => {
            let syn::Expr::Path(path) = &*call.func else { return Def::Unread };
            let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
            let target = call.args.first().and_then(|target| match target {
                syn::Expr::Path(target) => Some(segments(&target.path)),
                _ => None,
            });
            match (name.as_str(), call.args.first(), target) {
                ("Some", Some(inner), _) => def_of(inner),
                ("belongs_to", _, Some(target)) => Def::BelongsTo(target, Vec::new(), Vec::new()),
                ("has_many" | "has_one", _, Some(target)) => Def::Has(target, None),
                _ => Def::Unread,
            }
        }
        syn::Expr::MethodCall(call) => {
            let columns = || call.args.first().map(columns_named).unwrap_or_default();
            match (call.method.to_string().as_str(), &*call.receiver) {
                ("def", syn::Expr::Path(path)) => Def::Named(segments(&path.path), false),
                ("into" | "on_delete" | "on_update" | "fk_name", inner) => def_of(inner),
                ("rev", inner) => match def_of(inner) {
                    Def::Named(path, reversed) => Def::Named(path, !reversed),
                    _ => Def::Unread,
                },
                ("from", inner) => match def_of(inner) {
                    Def::BelongsTo(target, _, to) => Def::BelongsTo(target, columns(), to),
                    other => other,
                },
                ("to", inner) => match def_of(inner) {
                    Def::BelongsTo(target, from, _) => Def::BelongsTo(target, from, columns()),
                    other => other,
                },
                _ => Def::Unread,
            }
        }
        _ => Def::Unread,
    }
}

/// Variants of columns, of one path or a tuple of them.
fn columns_named(expr: &syn::Expr) -> Vec<String> {
    match expr {
        syn::Expr::Path(path) => {
            path.path.segments.last().map(|last| last.ident.to_string()).into_iter().collect()
        }
        syn::Expr::Tuple(tuple) => tuple.elems.iter().flat_map(columns_named).collect(),
        _ => Vec::new(),
    }
}

fn names_of(tree: &syn::UseTree, prefix: &mut Vec<String>, found: &mut Vec<(String, Vec<String>)>) {
    match tree {
        syn::UseTree::Path(path) => {
            prefix.push(path.ident.to_string());
            names_of(&path.tree, prefix, found);
            prefix.pop();
        }
        syn::UseTree::Name(name) if name.ident != "self" => {
            let path = prefix.iter().cloned().chain([name.ident.to_string()]).collect();
            found.push((name.ident.to_string(), path));
        }
        syn::UseTree::Rename(rename) => {
            let path = prefix.iter().cloned().chain([rename.ident.to_string()]).collect();
            found.push((rename.rename.to_string(), path));
        }
        syn::UseTree::Group(group) => group.items.iter().for_each(|tree| names_of(tree, prefix, found)),
        syn::UseTree::Glob(_) => found.push(("*".to_owned(), prefix.clone())),
        syn::UseTree::Name(_) => {}
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || matches!(&attribute.meta, syn::Meta::List(list)
                if list.path.is_ident("cfg") && crate::modules::is_test_cfg(&list.tokens.to_string()))
    })
}

/// What a function does to an argument that it may change.
fn touch(block: &syn::Block, typed: &syn::PatType) -> Touch {
    let is_lent = matches!(&*typed.ty, syn::Type::Reference(reference) if reference.mutability.is_some());
    match &*typed.pat {
        syn::Pat::Ident(name) if is_lent => touch_of(block, &name.ident.to_string()),
        syn::Pat::Tuple(tuple) if is_lent => {
            let parts = tuple.elems.iter().map(|part| match part {
                syn::Pat::Ident(name) => touch_of(block, &name.ident.to_string()),
                syn::Pat::Wild(_) => Touch::NOTHING,
                _ => Touch::Anything,
            });
            Touch::Parts(parts.collect())
        }
        _ if is_lent => Touch::Anything,
        _ => Touch::NOTHING,
    }
}

/// What a block does to the model that a variable of it holds: it sets fields, or anything.
fn touch_of(block: &syn::Block, name: &str) -> Touch {
    let mut touches = Touches { name, fields: Vec::new(), written: false, other: false };
    touches.visit_block(block);
    if touches.other {
        return Touch::Anything;
    }
    touches.fields.sort();
    touches.fields.dedup();
    Touch::Fields(touches.fields)
}

struct Touches<'n> {
    name: &'n str,
    fields: Vec<String>,
    /// What is walked is assigned to.
    written: bool,
    /// The variable is used as a whole, and not handed back.
    other: bool,
}

impl Touches<'_> {
    fn is_it(&self, expr: &syn::Expr) -> bool {
        matches!(expr, syn::Expr::Path(path) if path.path.is_ident(self.name))
    }
}

impl Touches<'_> {
    /// Notes that a field may be changed.
    fn changed(&mut self, expr: &syn::Expr) {
        if let syn::Expr::Field(field) = expr
            && self.is_it(&field.base)
            && let syn::Member::Named(name) = &field.member
        {
            self.fields.push(name.to_string());
        }
    }
}

impl<'ast> Visit<'ast> for Touches<'_> {
    fn visit_expr(&mut self, expr: &'ast syn::Expr) {
        match expr {
            syn::Expr::Assign(assign) => {
                if let syn::Expr::Field(field) = &*assign.left
                    && self.is_it(&field.base)
                    && let syn::Member::Named(name) = &field.member
                {
                    self.fields.push(name.to_string());
                } else {
                    // It may be taken apart into its fields.
                    self.written = true;
                    self.visit_expr(&assign.left);
                    self.written = false;
                }
                self.visit_expr(&assign.right);
            }
            syn::Expr::Reference(reference) if reference.mutability.is_some() => {
                self.changed(&reference.expr);
                self.visit_expr(&reference.expr);
            }
            syn::Expr::MethodCall(call) => {
                self.changed(&call.receiver);
                syn::visit::visit_expr_method_call(self, call);
            }
            // It is read.
            syn::Expr::Field(field) if self.is_it(&field.base) => self.other |= self.written,
            // Handed back as it is.
            syn::Expr::Call(call)
                if call.args.len() == 1
                    && call.args.first().is_some_and(|argument| self.is_it(argument))
                    && matches!(&*call.func, syn::Expr::Path(path) if path.path.is_ident("Ok")) => {}
            syn::Expr::Path(_) if self.is_it(expr) => self.other = true,
            syn::Expr::Macro(mac) => self.visit_macro(&mac.mac),
            _ => syn::visit::visit_expr(self, expr),
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        if !mentions(mac.tokens.clone(), self.name) {
            return;
        }
        // A macro that sets what it is handed the names of.
        let parse = syn::punctuated::Punctuated::<syn::Ident, syn::Token![,]>::parse_terminated;
        let names = mac.parse_body_with(parse).ok();
        let names = names.map(|names| names.iter().map(ToString::to_string).collect::<Vec<String>>());
        match (mac.path.segments.last(), names) {
            (Some(name), Some(names)) if names.first().is_some_and(|first| first == self.name) => {
                self.fields.push(format!("{}!{}", name.ident, names.join(",")));
            }
            _ => self.other = true,
        }
    }
}

fn mentions(tokens: proc_macro2::TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        proc_macro2::TokenTree::Ident(ident) => ident == name,
        proc_macro2::TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

/// The arguments that name the fields which a macro sets of its first one; `None` where it may do anything else to it.
fn setter(tokens: proc_macro2::TokenStream) -> Option<Vec<usize>> {
    use proc_macro2::TokenTree;
    let mut fields = Vec::new();
    let mut groups = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Group(group) => Some(group.stream()),
        _ => None,
    });
    while let (Some(pattern), Some(body)) = (groups.next(), groups.next()) {
        let names = metavariables(pattern);
        let first = names.first()?;
        let body: Vec<TokenTree> = flattened(body);
        for (at, name) in body.iter().enumerate().skip(1) {
            let dollar = at.checked_sub(1).and_then(|before| body.get(before));
            let is_first = matches!(name, TokenTree::Ident(name) if name == first)
                && dollar.is_some_and(|dollar| is_mark(dollar, '$'));
            if !is_first {
                continue;
            }
            let Some([dot, again, TokenTree::Ident(member)]) = body.get(at + 1..at + 4) else { return None };
            let place = names.iter().position(|known| member == known);
            fields.push(place.filter(|_| is_mark(dot, '.') && is_mark(again, '$'))?);
        }
    }
    fields.sort_unstable();
    fields.dedup();
    (!fields.is_empty()).then_some(fields)
}

fn is_mark(token: &proc_macro2::TokenTree, mark: char) -> bool {
    matches!(token, proc_macro2::TokenTree::Punct(punct) if punct.as_char() == mark)
}

/// The names of `$name:kind` in a macro's pattern, in order.
fn metavariables(pattern: proc_macro2::TokenStream) -> Vec<String> {
    let tokens = flattened(pattern);
    let names = tokens.windows(3).filter_map(|window| match window {
        [dollar, proc_macro2::TokenTree::Ident(name), colon]
            if is_mark(dollar, '$') && is_mark(colon, ':') =>
        {
            Some(name.to_string())
        }
        _ => None,
    });
    names.collect()
}

/// The tokens of a stream, those of groups among them.
fn flattened(stream: proc_macro2::TokenStream) -> Vec<proc_macro2::TokenTree> {
    let mut out = Vec::new();
    for token in stream {
        match token {
            proc_macro2::TokenTree::Group(group) => out.extend(flattened(group.stream())),
            other => out.push(other),
        }
    }
    out
}
