//! Structs that sqlx reads rows into by their fields' names: `#[derive(sqlx::FromRow)]`.
//!
//! The derive reads each field from the column of its name, unless an attribute of sqlx says otherwise. What has one is
//! left out, be it behind a `cfg_attr`, and all of a struct that has one itself.
//!
//! Source: documentation of `sqlx::FromRow`, "Field attributes".

use std::sync::OnceLock;

use syn::visit::{self, Visit};

use super::declared::{Declaration, Declared, RecordDeclaration, cfgs_of, item_attributes};
use crate::read::{LocalId, Reader};
use crate::{Prefilter, limits, outline, types};

/// What stands in every file that declares one.
const TELLING: &[u8] = b"FromRow";

/// What a file declares.
pub(super) fn declarations(text: &str, all: &mut Vec<Declared>) {
    if memchr::memmem::find(text.as_bytes(), TELLING).is_none() {
        return;
    }
    static NO_SINKS: OnceLock<Prefilter> = OnceLock::new();
    let reduced = outline::reduced(text, NO_SINKS.get_or_init(|| Prefilter::new(&[])));
    if limits::check(&reduced).is_err() {
        return;
    }
    let Ok(file) = syn::parse_str::<syn::File>(&reduced) else { return };
    let mut records = Records { module: Vec::new(), cfgs: Vec::new(), all };
    records.visit_file(&file);
}

struct Records<'d> {
    module: Vec<String>,
    cfgs: Vec<String>,
    all: &'d mut Vec<Declared>,
}

impl<'ast> Visit<'ast> for Records<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let outside = self.cfgs.len();
        self.cfgs.extend(cfgs_of(item_attributes(item)));
        visit::visit_item(self, item);
        self.cfgs.truncate(outside);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(plain(&item.ident));
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    /// What a block declares is seen in the block alone.
    fn visit_block(&mut self, _: &'ast syn::Block) {}

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if !item.attrs.iter().any(derives) {
            return;
        }
        let fields = match item.attrs.iter().any(is_of_sqlx) {
            true => Vec::new(),
            false => item.fields.iter().filter_map(plain_field).collect(),
        };
        self.all.push(Declared {
            name: plain(&item.ident),
            module: self.module.clone(),
            krate: String::new(),
            cfgs: self.cfgs.clone(),
            what: Declaration::Record(RecordDeclaration {
                is_whole: fields.len() == item.fields.len(),
                fields,
            }),
        });
    }
}

fn plain_field(field: &syn::Field) -> Option<String> {
    let name = field.ident.as_ref()?;
    (!field.attrs.iter().any(is_of_sqlx)).then(|| plain(name))
}

fn plain(name: &syn::Ident) -> String {
    name.to_string().trim_start_matches("r#").to_owned()
}

/// `#[derive(sqlx::FromRow)]`, be it behind a `cfg_attr`.
fn derives(attribute: &syn::Attribute) -> bool {
    let is_derive = attribute.path().is_ident("derive") || attribute.path().is_ident("cfg_attr");
    is_derive && tokens_of(attribute).split(|c: char| !c.is_alphanumeric()).any(|word| word == "FromRow")
}

/// `#[sqlx(…)]`, be it behind a `cfg_attr`.
fn is_of_sqlx(attribute: &syn::Attribute) -> bool {
    let behind = || {
        let text: String = tokens_of(attribute).chars().filter(|c| !c.is_whitespace()).collect();
        text.contains(",sqlx(")
    };
    attribute.path().is_ident("sqlx") || attribute.path().is_ident("cfg_attr") && behind()
}

/// What stands between the brackets of an attribute.
fn tokens_of(attribute: &syn::Attribute) -> String {
    match &attribute.meta {
        syn::Meta::List(list) => list.tokens.to_string(),
        syn::Meta::Path(_) | syn::Meta::NameValue(_) => String::new(),
    }
}

impl Reader<'_> {
    /// Whether a field of a value that sqlx reads from a row is the column of its own name. `None` where the type is not
    /// seen.
    pub(crate) fn reads_own_column(&self, ty: &syn::Type, field: &str) -> Option<bool> {
        self.record_seen(ty).map(|record| record.fields.iter().any(|known| known == field))
    }

    /// True for a type that is seen to read each of its fields from the column of its own name.
    pub(crate) fn reads_own_columns(&self, ty: &syn::Type) -> bool {
        self.record_seen(ty).is_some_and(|record| record.is_whole)
    }

    fn record_seen(&self, ty: &syn::Type) -> Option<RecordDeclaration> {
        let path = record(ty)?;
        let path = match path.as_slice() {
            [only] if only == "Self" => self.own_path()?.to_vec(),
            [first, ..] if self.is_brought_nearer(first) => return None,
            _ => path,
        };
        let path = syn::parse_str(&path.join("::")).ok()?;
        let here = self.place();
        let mut places: Vec<_> = Vec::new();
        for path in self.resolved(&path, LocalId::MAX).paths {
            for place in self.places(&here, &path) {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        let records = places.iter().map(|place| {
            self.declared_at(place, |declared| match declared.what {
                Declaration::Record(record) => Some(record),
                _ => None,
            })
        });
        let mut records = records.flatten();
        match (records.next(), records.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

/// The path of the struct that a type holds one or several of.
pub(crate) fn record(ty: &syn::Type) -> Option<Vec<String>> {
    let syn::Type::Path(of) = ty else { return None };
    if of.qself.is_some() {
        return None;
    }
    let last = of.path.segments.last()?;
    let inner = types::generic_types(last);
    match (last.ident.to_string().as_str(), inner.as_slice()) {
        ("Vec" | "Option" | "Box", [inner, ..]) => record(inner),
        (name, [inner, ..]) if name.ends_with("Result") => record(inner),
        ("_", _) => None,
        _ => Some(of.path.segments.iter().map(|part| plain(&part.ident)).collect()),
    }
}
