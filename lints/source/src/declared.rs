//! What a file declares: constants, fields of structs, functions.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use syn::visit::{self, Visit};
use syn::{
    Expr, Field, Fields, Generics, ImplItemConst, ItemConst, ItemFn, ItemImpl, ItemMod, ItemStatic,
    ItemStruct, ItemType, Type,
};

/// Module path within the file, value, type.
pub(crate) type DeclaredConstant<'a> = (Vec<String>, &'a Expr, &'a Type);

/// The declarations of a file that other places of it refer to.
#[derive(Default)]
pub(crate) struct Declared<'a> {
    /// Constants and statics outside functions, by name: module path within the file, and value.
    pub(crate) constants: HashMap<String, Vec<DeclaredConstant<'a>>>,
    /// Struct name → field name → type.
    pub(crate) fields: HashMap<String, HashMap<String, &'a Type>>,
    /// Other names of types: `type Name = …`, in all modules and behind all `cfg`s.
    pub(crate) aliases: HashMap<String, Vec<&'a Type>>,
    /// Structs and enums by name: the module paths within the file.
    pub(crate) types: HashMap<String, Vec<Vec<String>>>,
    /// Names of functions and methods defined here.
    pub(crate) functions: HashSet<String>,
    path: Vec<String>,
}

impl<'a> Declared<'a> {
    pub(crate) fn of(file: &'a syn::File) -> Declared<'a> {
        let mut declared = Declared::default();
        declared.visit_file(file);
        declared
    }

    /// The type of a field, where exactly one declared type is possible.
    pub(crate) fn field(&self, owner: Option<&str>, name: &str) -> Option<&'a Type> {
        match owner {
            Some(owner) => self.fields.get(owner)?.get(name).copied(),
            None => None,
        }
    }

    fn constant(&mut self, name: String, expr: &'a Expr, ty: &'a Type) {
        let path = self.path.clone();
        self.constants.entry(name).or_default().push((path, expr, ty));
    }

    fn named_type(&mut self, name: String) {
        let path = self.path.clone();
        self.types.entry(name).or_default().push(path);
    }
}

impl<'a> Visit<'a> for Declared<'a> {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        self.path.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.path.pop();
    }

    fn visit_item_impl(&mut self, item: &'a ItemImpl) {
        let name = crate::types::last_segment(&item.self_ty).unwrap_or_default();
        self.path.push(name);
        visit::visit_item_impl(self, item);
        self.path.pop();
    }

    fn visit_item_const(&mut self, item: &'a ItemConst) {
        self.constant(item.ident.to_string(), &item.expr, &item.ty);
    }

    fn visit_item_static(&mut self, item: &'a ItemStatic) {
        // What can be assigned to is no constant.
        if matches!(item.mutability, syn::StaticMutability::None) {
            self.constant(item.ident.to_string(), &item.expr, &item.ty);
        }
    }

    fn visit_impl_item_const(&mut self, item: &'a ImplItemConst) {
        self.constant(item.ident.to_string(), &item.expr, &item.ty);
    }

    fn visit_item_enum(&mut self, item: &'a syn::ItemEnum) {
        self.named_type(item.ident.to_string());
    }

    fn visit_item_struct(&mut self, item: &'a ItemStruct) {
        self.named_type(item.ident.to_string());
        let mut fields = HashMap::new();
        let is_own = |field: &&Field| !mentions(&field.ty, &item.generics);
        match &item.fields {
            Fields::Named(named) => {
                for field in named.named.iter().filter(is_own) {
                    if let Some(ident) = &field.ident {
                        fields.insert(ident.to_string(), &field.ty);
                    }
                }
            }
            Fields::Unnamed(unnamed) => {
                for (at, field) in unnamed.unnamed.iter().enumerate().filter(|(_, field)| is_own(field)) {
                    fields.insert(at.to_string(), &field.ty);
                }
            }
            Fields::Unit => {}
        }
        match self.fields.entry(item.ident.to_string()) {
            Entry::Vacant(vacant) => {
                vacant.insert(fields);
            }
            // Two types of one name, in two modules or behind a `cfg`: only what they agree on is known.
            Entry::Occupied(mut known) => known.get_mut().retain(|name, ty| fields.get(name) == Some(ty)),
        }
    }

    fn visit_item_type(&mut self, item: &'a ItemType) {
        self.aliases.entry(item.ident.to_string()).or_default().push(&item.ty);
    }

    // Constants of a function are found where it is walked; only its name counts here.
    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        self.functions.insert(item.sig.ident.to_string());
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        self.functions.insert(item.sig.ident.to_string());
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        self.functions.insert(item.sig.ident.to_string());
    }
}

/// True if a type is, or is made of, one that the generic parameters stand for.
fn mentions(ty: &Type, generics: &Generics) -> bool {
    struct Paths<'g>(&'g Generics, bool);
    impl<'ast> Visit<'ast> for Paths<'_> {
        fn visit_path(&mut self, path: &'ast syn::Path) {
            let first = path.segments.first();
            self.1 |= self.0.type_params().any(|param| first.is_some_and(|first| first.ident == param.ident));
            visit::visit_path(self, path);
        }
    }
    let mut paths = Paths(generics, false);
    paths.visit_type(ty);
    paths.1
}
