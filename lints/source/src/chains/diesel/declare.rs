//! What a file declares for Diesel: `table!`, `joinable!` and the structs with derives.

use std::collections::HashMap;
use std::sync::OnceLock;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::visit::{self, Visit};

use super::{plain, wrapper};
use crate::chains::declared::{cfgs_of, item_attributes};
use crate::chains::{
    ColumnDeclaration, Declaration, Declared, FieldDeclaration, FunctionDeclaration, HasTableDeclaration,
    JoinDeclaration, RowDeclaration, TableDeclaration,
};
use crate::types;
use crate::{Prefilter, limits, outline};

/// Bytes of which one stands in every file that declares something.
const TELLING: &[&str] = &[
    "Queryable",
    "sql_function",
    "table!",
    "joinable!",
    "diesel(",
    "table_name",
    "belongs_to",
    "HasTable for",
];

/// Derives that make columns of a struct's fields.
const DERIVES: &[&str] = &[
    "Insertable",
    "AsChangeset",
    "Queryable",
    "QueryableByName",
    "Selectable",
    "Identifiable",
    "Associations",
    "HasQuery",
];

/// What a file declares.
pub(crate) fn declarations(text: &str) -> Vec<Declared> {
    let mut all = rows_and_tables(text);
    wrapper::declarations(text, &mut all);
    plain::declarations(text, &mut all);
    all
}

fn rows_and_tables(text: &str) -> Vec<Declared> {
    if !TELLING.iter().any(|word| memchr::memmem::find(text.as_bytes(), word.as_bytes()).is_some()) {
        return Vec::new();
    }
    static NO_SINKS: OnceLock<Prefilter> = OnceLock::new();
    let reduced = outline::reduced(text, NO_SINKS.get_or_init(|| Prefilter::new(&[])));
    if limits::check(&reduced).is_err() {
        return Vec::new();
    }
    let Ok(file) = syn::parse_str::<syn::File>(&reduced) else { return Vec::new() };
    let mut found = Declarations { text: &reduced, all: Vec::new(), module: Vec::new(), cfgs: Vec::new() };
    found.visit_file(&file);
    functions(text, &mut found.all);
    found.all
}

/// Functions of the database, which may be declared within functions too: told by the words of the macros alone.
fn functions(text: &str, all: &mut Vec<Declared>) {
    for at in memchr::memmem::find_iter(text.as_bytes(), b"sql_function") {
        let rest = text.get(at..).unwrap_or_default();
        // One macro declares one function, the attribute those of a block.
        let end = match rest.starts_with("sql_functions") {
            true => rest.find("\n}"),
            false => rest.find(';'),
        };
        let mut body = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let mut sql_name = None;
        while let Some((before, after)) = body.split_once("fn ") {
            if let Some((_, named)) = before.rsplit_once("sql_name") {
                sql_name = named.split('"').nth(1).map(str::to_owned);
            }
            let end = after.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(after.len());
            let name = after.get(..end).unwrap_or_default().to_owned();
            let function = FunctionDeclaration { name: sql_name.take().unwrap_or_else(|| name.clone()) };
            let what = Declaration::Function(function);
            all.push(Declared { name, module: Vec::new(), krate: String::new(), cfgs: Vec::new(), what });
            body = after;
        }
    }
}

struct Declarations<'t> {
    text: &'t str,
    all: Vec<Declared>,
    module: Vec<String>,
    cfgs: Vec<String>,
}

impl Declarations<'_> {
    fn add(&mut self, name: String, what: Declaration) {
        let (module, cfgs) = (self.module.clone(), self.cfgs.clone());
        self.all.push(Declared { name, module, krate: String::new(), cfgs, what });
    }

    fn join(&mut self, body: TokenStream) {
        let Some(join) = parse_join(body) else { return };
        self.add(join.child.clone(), Declaration::Join(join.clone()));
        self.add(join.parent.clone(), Declaration::Join(join));
    }
}

impl<'ast> Visit<'ast> for Declarations<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let outside = self.cfgs.len();
        self.cfgs.extend(cfgs_of(item_attributes(item)));
        visit::visit_item(self, item);
        self.cfgs.truncate(outside);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(plain(&item.ident.to_string()));
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_macro(&mut self, item: &'ast syn::ItemMacro) {
        let name = item.mac.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
        match name.as_str() {
            "table" => {
                if let Some((name, table)) = parse_table(item.mac.tokens.clone()) {
                    self.add(name, Declaration::Table(table));
                }
            }
            "joinable" => self.join(item.mac.tokens.clone()),
            _ => {}
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let names_trait =
            |path: &syn::Path| path.segments.last().is_some_and(|last| last.ident == "HasTable");
        if !item.trait_.as_ref().is_some_and(|(path, _)| names_trait(path)) {
            return;
        }
        let of = types::path_of(&item.self_ty);
        let table = item.items.iter().find_map(|inner| match inner {
            syn::ImplItem::Type(ty) if ty.ident == "Table" => Some(types::path_of(&ty.ty)),
            _ => None,
        });
        let Some(name) = of.last() else { return };
        let has_table = HasTableDeclaration { table: table.unwrap_or_default(), of: of.clone() };
        self.add(has_table_key(name), Declaration::HasTable(has_table));
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        if let Some(row) = parse_row(item, self.text) {
            self.add(item.ident.to_string(), Declaration::Row(row));
        }
    }
}

/// The name by which the `impl HasTable` of a struct is asked for.
pub(super) fn has_table_key(name: &str) -> String {
    format!("{name}: HasTable")
}

fn plain(name: &str) -> String {
    name.strip_prefix("r#").unwrap_or(name).to_owned()
}

/// What stands in a `joinable!`: `child -> parent (column)`.
pub fn parse_join(body: TokenStream) -> Option<JoinDeclaration> {
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    // Of a path the last name counts.
    let name = |tokens: &[TokenTree]| {
        tokens.iter().rev().find_map(|token| match token {
            TokenTree::Ident(name) => Some(plain(&name.to_string())),
            _ => None,
        })
    };
    let arrow = tokens.windows(2).position(|pair| {
        matches!(pair, [TokenTree::Punct(dash), TokenTree::Punct(head)]
            if dash.as_char() == '-' && head.as_char() == '>')
    })?;
    let column = tokens.iter().find_map(|token| match token {
        TokenTree::Group(group) => Some(plain(group.stream().to_string().trim())),
        _ => None,
    })?;
    let (child, parent) = (name(tokens.get(..arrow)?)?, name(tokens.get(arrow + 2..)?)?);
    Some(JoinDeclaration { child, parent, column })
}

/// What stands in a `table!`, with the table's name in Rust:
/// `use …; #[sql_name = "…"] schema.name (key, …) { column -> Type, … }`.
pub fn parse_table(body: TokenStream) -> Option<(String, TableDeclaration)> {
    let mut tokens = body.into_iter();
    let mut sql_name = None;
    let mut path: Vec<String> = Vec::new();
    let mut key = vec!["id".to_owned()];
    loop {
        match tokens.next()? {
            TokenTree::Ident(word) if word == "use" => {
                tokens
                    .by_ref()
                    .find(|token| matches!(token, TokenTree::Punct(end) if end.as_char() == ';'))?;
            }
            TokenTree::Ident(word) => path.push(plain(&word.to_string())),
            TokenTree::Punct(hash) if hash.as_char() == '#' => match tokens.next()? {
                TokenTree::Group(attribute) => sql_name = sql_name_of(attribute.stream()).or(sql_name),
                _ => return None,
            },
            TokenTree::Punct(dot) if dot.as_char() == '.' => {}
            TokenTree::Group(keys) if keys.delimiter() == Delimiter::Parenthesis => {
                key = keys.stream().to_string().split(',').map(|key| plain(key.trim())).collect();
                key.retain(|key| !key.is_empty());
            }
            TokenTree::Group(columns) if columns.delimiter() == Delimiter::Brace => {
                let columns = parse_columns(columns.stream())?;
                let (name, schema) = (path.pop()?, path.pop());
                let table =
                    TableDeclaration { schema, name: sql_name.unwrap_or_else(|| name.clone()), columns, key };
                return Some((name, table));
            }
            _ => return None,
        }
    }
}

fn parse_columns(body: TokenStream) -> Option<Vec<ColumnDeclaration>> {
    let mut tokens = body.into_iter();
    let mut columns = Vec::new();
    let mut sql_name = None;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(hash) if hash.as_char() == '#' => match tokens.next()? {
                TokenTree::Group(attribute) => sql_name = sql_name_of(attribute.stream()).or(sql_name),
                _ => return None,
            },
            TokenTree::Ident(word) => {
                let name = plain(&word.to_string());
                let arrow = (tokens.next()?.to_string(), tokens.next()?.to_string());
                if arrow != ("-".to_owned(), ">".to_owned()) {
                    return None;
                }
                let (mut ty, mut depth) = (String::new(), 0_usize);
                for token in tokens.by_ref() {
                    let text = token.to_string();
                    match text.as_str() {
                        "," if depth == 0 => break,
                        "<" => depth += 1,
                        ">" => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    ty.push_str(&text);
                }
                let column = sql_name.take().unwrap_or_else(|| name.clone());
                columns.push(ColumnDeclaration { name, column, ty });
            }
            _ => return None,
        }
    }
    Some(columns)
}

fn sql_name_of(attribute: TokenStream) -> Option<String> {
    let text = attribute.to_string();
    let value = text.strip_prefix("sql_name")?.trim_start().strip_prefix('=')?.trim();
    Some(value.strip_prefix('"')?.strip_suffix('"')?.to_owned())
}

/// A struct with one of the derives.
fn parse_row(item: &syn::ItemStruct, text: &str) -> Option<RowDeclaration> {
    let mut row = RowDeclaration::default();
    let mut attributes = Attributes::default();
    for attribute in &item.attrs {
        if attribute.path().is_ident("derive") {
            let names = attribute.meta.require_list().ok()?.tokens.to_string();
            let names = names.split(',').filter_map(|name| name.rsplit("::").next());
            row.derives.extend(
                names.map(|name| name.trim().to_owned()).filter(|name| DERIVES.contains(&name.as_str())),
            );
        }
        attributes.add(attribute);
    }
    if row.derives.is_empty() {
        return None;
    }
    row.none_is_null = attributes.one("treat_none_as_null").is_some_and(|value| value == "true");
    row.base_query = attributes.one("base_query").map(str::to_owned);
    row.key = attributes.one("primary_key").map(list).unwrap_or_default();
    row.table = match attributes.one("table_name") {
        Some(path) => path.split("::").map(|part| plain(part.trim().trim_matches('"'))).collect(),
        None => vec![table_of(&item.ident.to_string())],
    };
    for parent in attributes.all("belongs_to") {
        let mut parts = parent.split(',').map(str::trim);
        let of = parts.next().unwrap_or_default();
        let of = of.strip_prefix("parent=").unwrap_or(of).trim_matches('"');
        let of = of.split('<').next().unwrap_or(of).rsplit("::").next().unwrap_or(of).to_owned();
        let key =
            parts.find_map(|part| part.strip_prefix("foreign_key=").map(|key| plain(key.trim_matches('"'))));
        let key = key.unwrap_or_else(|| format!("{}_id", snake(&of)));
        row.parents.push((of, key));
    }
    for (at, field) in item.fields.iter().enumerate() {
        let mut attributes = Attributes::default();
        field.attrs.iter().for_each(|attribute| attributes.add(attribute));
        let name = field.ident.as_ref().map_or_else(|| at.to_string(), |name| plain(&name.to_string()));
        let column = attributes.one("column_name").map(|name| plain(name.trim_matches('"')));
        row.fields.push(FieldDeclaration {
            column: column.unwrap_or_else(|| name.clone()),
            name,
            ty: types::written(
                text.get(syn::spanned::Spanned::span(&field.ty).byte_range()).unwrap_or_default(),
            ),
            embed: attributes.one("embed").is_some(),
            // What a `cfg_attr` makes of it in one build is not told by another.
            serialized: ["serialize_as", "deserialize_as"].iter().any(|name| attributes.one(name).is_some())
                || field.attrs.iter().any(is_gated),
            skip_insertion: attributes.one("skip_insertion").is_some(),
            skip_update: attributes.one("skip_update").is_some(),
            select: attributes.one("select_expression").map(str::to_owned),
        });
    }
    Some(row)
}

/// `#[cfg_attr(…, diesel(…))]`.
fn is_gated(attribute: &syn::Attribute) -> bool {
    let is_of_diesel = |list: &syn::MetaList| list.tokens.to_string().contains("diesel");
    attribute.path().is_ident("cfg_attr") && attribute.meta.require_list().is_ok_and(is_of_diesel)
}

fn list(written: &str) -> Vec<String> {
    written.split(',').map(|part| plain(part.trim())).filter(|part| !part.is_empty()).collect()
}

/// The table that a struct is for where none is written: its name in the plural, as Diesel makes it.
fn table_of(name: &str) -> String {
    format!("{}s", snake(name))
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// The keys of `#[diesel(…)]` and of the older `#[table_name = "…"]`, white space removed from their values.
#[derive(Default)]
struct Attributes {
    all: HashMap<String, Vec<String>>,
}

impl Attributes {
    fn one(&self, key: &str) -> Option<&str> {
        self.all.get(key)?.first().map(String::as_str)
    }

    fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.all.get(key).into_iter().flatten().map(String::as_str)
    }

    fn add(&mut self, attribute: &syn::Attribute) {
        match &attribute.meta {
            syn::Meta::List(of) if attribute.path().is_ident("diesel") => self.entries(of.tokens.clone()),
            // Diesel 1.
            syn::Meta::List(of) => {
                let key = of.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                if matches!(key.as_str(), "belongs_to" | "primary_key") {
                    self.put(key, compact(of.tokens.clone()));
                }
            }
            syn::Meta::NameValue(of) => {
                let key = of.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                if let (true, syn::Expr::Lit(value)) =
                    (matches!(key.as_str(), "table_name" | "column_name"), &of.value)
                    && let syn::Lit::Str(value) = &value.lit
                {
                    self.put(key, value.value());
                }
            }
            syn::Meta::Path(_) => {}
        }
    }

    fn put(&mut self, key: String, value: String) {
        self.all.entry(key).or_default().push(value);
    }

    /// `key`, `key = value` and `key(value)`, with commas between.
    fn entries(&mut self, tokens: TokenStream) {
        let mut entry: Vec<TokenTree> = Vec::new();
        let end = TokenTree::Punct(proc_macro2::Punct::new(',', proc_macro2::Spacing::Alone));
        for token in tokens.into_iter().chain([end]) {
            if !matches!(&token, TokenTree::Punct(comma) if comma.as_char() == ',') {
                entry.push(token);
                continue;
            }
            let mut parts = std::mem::take(&mut entry).into_iter();
            let Some(TokenTree::Ident(key)) = parts.next() else { continue };
            let value = match parts.next() {
                Some(TokenTree::Group(group)) => compact(group.stream()),
                Some(_) => compact(parts.collect()),
                None => String::new(),
            };
            self.put(key.to_string(), value);
        }
    }
}

fn compact(tokens: TokenStream) -> String {
    types::written(&tokens.to_string())
}
