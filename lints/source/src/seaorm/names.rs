//! Identifiers of the database as Rust writes them: enumerations with `DeriveIden`, and what `use` brings in.

use std::collections::BTreeMap;

use syn::spanned::Spanned;

use super::Home;

/// An enumeration (or unit structure) of identifiers.
pub(super) struct Enumeration {
    pub(super) name: String,
    pub(super) home: Home,
    /// The name of the thing itself, for structures.
    own: String,
    variants: BTreeMap<String, String>,
}

impl Enumeration {
    pub(super) fn of_enum(item: &syn::ItemEnum, home: &Home) -> Option<Enumeration> {
        if !derives(&item.attrs, &["Iden", "DeriveIden", "IdenStatic"]) {
            return None;
        }
        let own = written(&item.attrs).unwrap_or_else(|| snake_case(&item.ident.to_string()));
        let name_of = |variant: &syn::Variant| {
            let name = variant.ident.to_string();
            let iden = written(&variant.attrs).unwrap_or_else(|| match name.as_str() {
                "Table" => own.clone(),
                other => snake_case(other),
            });
            (name, iden)
        };
        let variants = item.variants.iter().map(name_of).collect();
        Some(Enumeration { name: item.ident.to_string(), home: home.clone(), own, variants })
    }

    pub(super) fn of_struct(item: &syn::ItemStruct, home: &Home) -> Option<Enumeration> {
        if !derives(&item.attrs, &["Iden", "DeriveIden", "IdenStatic"]) {
            return None;
        }
        let own = written(&item.attrs).unwrap_or_else(|| snake_case(&item.ident.to_string()));
        let name = item.ident.to_string();
        Some(Enumeration { name, home: home.clone(), own, variants: BTreeMap::new() })
    }

    /// `impl Iden for X { fn unquoted(&self, s) { … match self { X::Table => "x", … } … } }`.
    pub(super) fn of_impl(name: &str, item: &syn::ItemImpl, home: &Home) -> Option<Enumeration> {
        let mut functions = item.items.iter().filter_map(|item| match item {
            syn::ImplItem::Fn(function) => Some(function),
            _ => None,
        });
        let unquoted = functions.find(|function| function.sig.ident == "unquoted")?;
        let mut arms = Arms { variants: BTreeMap::new(), strings: Vec::new() };
        syn::visit::Visit::visit_block(&mut arms, &unquoted.block);
        let own = match arms.strings.as_slice() {
            [only] if arms.variants.is_empty() => only.clone(),
            _ => String::new(),
        };
        Some(Enumeration { name: name.to_owned(), home: home.clone(), own, variants: arms.variants })
    }

    /// The identifier of a variant; of the structure itself for `None`.
    pub(super) fn iden(&self, variant: Option<&str>) -> Option<&str> {
        match variant {
            Some(variant) => self.variants.get(variant).map(String::as_str),
            None => (!self.own.is_empty() && self.variants.is_empty()).then_some(self.own.as_str()),
        }
    }
}

/// The identifiers of the variants of an enumeration of sea-query.
pub(crate) fn idens_of_enum(item: &syn::ItemEnum) -> Option<Idens> {
    let nowhere = Home { file: 0, modules: Vec::new() };
    Enumeration::of_enum(item, &nowhere).map(|found| (found.variants, None))
}

/// The identifier of a structure of sea-query.
pub(crate) fn idens_of_struct(item: &syn::ItemStruct) -> Option<Idens> {
    let nowhere = Home { file: 0, modules: Vec::new() };
    Enumeration::of_struct(item, &nowhere).map(|found| (found.variants, Some(found.own)))
}

/// True for the enumeration of an entity's columns in the expanded form.
pub(crate) fn derives_column(item: &syn::ItemEnum) -> bool {
    derives(&item.attrs, &["DeriveColumn"])
}

/// Identifiers by variant, and that of the thing itself.
type Idens = (BTreeMap<String, String>, Option<String>);

struct Arms {
    variants: BTreeMap<String, String>,
    strings: Vec<String>,
}

impl<'ast> syn::visit::Visit<'ast> for Arms {
    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let variant = match &arm.pat {
            syn::Pat::Path(path) => path.path.segments.last(),
            syn::Pat::TupleStruct(path) => path.path.segments.last(),
            _ => None,
        };
        let text = arm.body.as_ref();
        if let (Some(variant), Some(text)) = (variant, string(text)) {
            self.variants.insert(variant.ident.to_string(), text);
        }
    }

    fn visit_macro(&mut self, mac: &'ast syn::Macro) {
        // `write!(s, "{}", match self { … }).unwrap()` or `write!(s, "name")`.
        let parse = syn::punctuated::Punctuated::<syn::Expr, syn::Token![,]>::parse_terminated;
        let Ok(parts) = mac.parse_body_with(parse) else { return };
        for part in parts.iter().skip(1) {
            match string(part) {
                Some(text) if text != "{}" => self.strings.push(text),
                Some(_) => {}
                None => self.visit_expr(part),
            }
        }
    }
}

fn string(expr: &syn::Expr) -> Option<String> {
    match expr {
        syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) => Some(text.value()),
        _ => None,
    }
}

pub(super) fn derives(attributes: &[syn::Attribute], names: &[&str]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("derive") => {
            let tokens = list.tokens.to_string();
            tokens.split(',').any(|part| {
                let last = part.rsplit("::").next().unwrap_or(part).trim();
                names.contains(&last)
            })
        }
        _ => false,
    })
}

/// `#[sea_orm(iden = "…")]`, `#[iden = "…"]`, `#[iden(rename = "…")]`.
fn written(attributes: &[syn::Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        syn::Meta::NameValue(pair) if pair.path.is_ident("iden") => string(&pair.value),
        syn::Meta::List(list) if list.path.is_ident("sea_orm") => options(attribute).remove("iden")?,
        syn::Meta::List(list) if list.path.is_ident("iden") => options(attribute).remove("rename")?,
        _ => None,
    })
}

/// The options of `#[sea_orm(a, b = "…", c = 1)]`.
pub(crate) fn options(attribute: &syn::Attribute) -> BTreeMap<String, Option<String>> {
    let mut found = BTreeMap::new();
    let syn::Meta::List(list) = &attribute.meta else { return found };
    let parse = syn::punctuated::Punctuated::<syn::Meta, syn::Token![,]>::parse_terminated;
    let Ok(metas) = list.parse_args_with(parse) else { return found };
    for meta in metas {
        let name = meta.path().segments.last().map(|part| part.ident.to_string()).unwrap_or_default();
        let value = match &meta {
            syn::Meta::NameValue(pair) => string(&pair.value).or_else(|| pair.value.span().source_text()),
            syn::Meta::List(list) => Some(list.tokens.to_string()),
            syn::Meta::Path(_) => None,
        };
        found.insert(name, value);
    }
    found
}

/// What `use` makes of a name: its whole path.
#[derive(Default)]
pub(super) struct Uses {
    names: BTreeMap<String, Vec<String>>,
}

impl Uses {
    pub(super) fn of(file: &syn::File) -> Uses {
        let mut uses = Uses::default();
        syn::visit::Visit::visit_file(&mut uses, file);
        uses
    }

    pub(super) fn of_name(&self, name: &str) -> Option<&[String]> {
        self.names.get(name).map(Vec::as_slice)
    }

    fn tree(&mut self, prefix: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.tree(prefix, &path.tree);
                prefix.pop();
            }
            syn::UseTree::Name(name) => {
                let name = name.ident.to_string();
                let whole = match name.as_str() {
                    "self" => prefix.clone(),
                    other => prefix.iter().cloned().chain([other.to_owned()]).collect(),
                };
                if let Some(last) = whole.last() {
                    self.names.insert(last.clone(), whole);
                }
            }
            syn::UseTree::Rename(rename) => {
                let whole = prefix.iter().cloned().chain([rename.ident.to_string()]).collect();
                self.names.insert(rename.rename.to_string(), whole);
            }
            syn::UseTree::Glob(_) => {}
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(prefix, tree)),
        }
    }
}

impl<'ast> syn::visit::Visit<'ast> for Uses {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&mut Vec::new(), &item.tree);
    }
}

/// `UserId` becomes `user_id`, `HTTPCall` `http_call`, `R2D2` `r2d2`.
pub(crate) fn snake_case(name: &str) -> String {
    let name = name.strip_prefix("r#").unwrap_or(name);
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (at, c) in chars.iter().enumerate() {
        // Digits go with the letters before them.
        let before = chars.iter().take(at).rev().find(|before| !before.is_ascii_digit());
        let after = chars.get(at + 1);
        let ends_word = before.is_some_and(|before| before.is_lowercase());
        let ends_shout = before.is_some_and(|before| before.is_uppercase())
            && after.is_some_and(|after| after.is_lowercase());
        if c.is_uppercase() && (ends_word || ends_shout) && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}
