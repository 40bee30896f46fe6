//! SeaORM's entities: `#[derive(DeriveEntityModel)] struct Model`, with the relations beside it.

use syn::spanned::Spanned;
use tenantry_policy::Dialect;
use tenantry_span::{FileId, Span, TextRange};

use super::names::{derives, options, snake_case};
use super::text::SchemaText;
use super::types::{quoted, written};
use super::{Function, Home, SeaOrm};

/// An entity.
#[derive(Clone, Debug)]
pub(super) struct Entity {
    home: Home,
    pub(super) schema: Option<String>,
    pub(super) table: String,
    span: Span,
    columns: Vec<Column>,
    relations: Vec<Relation>,
}

#[derive(Clone, Debug)]
struct Column {
    /// The name in Rust, as a variant of `Column`.
    variant: String,
    /// The field of the model.
    field: String,
    name: String,
    ty: ColumnType,
    not_null: bool,
    primary: bool,
    unique: bool,
    counts: bool,
    span: Span,
}

#[derive(Clone, Debug)]
enum ColumnType {
    /// A method of `ColumnDef` that chooses it.
    Method(&'static str),
    /// A type as the database writes it.
    Written(String),
    /// A Rust type that says nothing of the column's.
    Rust(String),
}

/// `belongs_to`, with paths as written.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    target: Vec<String>,
    from: Vec<String>,
    to: Vec<String>,
    span: Span,
}

/// The columns of a model by their names in Rust, for whoever reads chains of calls on its entity.
pub(crate) struct ModelColumns {
    pub(crate) schema: Option<String>,
    pub(crate) table: String,
    /// The variant of `Column`, the field of `Model`, the column's name, and whether it is of the primary key.
    pub(crate) columns: Vec<(String, String, String, bool)>,
}

/// The columns of `#[derive(DeriveEntityModel)] struct Model`.
pub(crate) fn model_columns(item: &syn::ItemStruct) -> Option<ModelColumns> {
    let home = Home { file: 0, modules: Vec::new() };
    let entity = Entity::of_model(&|_| Span::new(FileId(0), TextRange::default()), item, &home)?;
    let columns = entity.columns.into_iter();
    Some(ModelColumns {
        schema: entity.schema,
        table: entity.table,
        columns: columns.map(|column| (column.variant, column.field, column.name, column.primary)).collect(),
    })
}

impl Entity {
    pub(super) fn of_model(
        place: &dyn Fn(proc_macro2::Span) -> Span,
        item: &syn::ItemStruct,
        home: &Home,
    ) -> Option<Entity> {
        if !derives(&item.attrs, &["DeriveEntityModel"]) {
            return None;
        }
        let with = |attributes: &[syn::Attribute]| {
            let own = attributes.iter().filter(|attribute| attribute.path().is_ident("sea_orm"));
            own.flat_map(options).collect::<std::collections::BTreeMap<_, _>>()
        };
        let of_table = with(&item.attrs);
        let table = of_table.get("table_name").cloned().flatten()?;
        let mut columns = Vec::new();
        let mut relations = Vec::new();
        for field in &item.fields {
            let Some(ident) = &field.ident else { continue };
            let of_field = with(&field.attrs);
            let has = |name: &str| of_field.contains_key(name);
            let span = place(ident.span());
            if has("belongs_to") {
                relations.extend(relation(&of_field, &field.ty, span));
            }
            if has("ignore")
                || has("belongs_to")
                || has("has_many")
                || has("has_one")
                || is_relation(&field.ty)
            {
                continue;
            }
            let rust = ident.to_string();
            let rust = rust.strip_prefix("r#").unwrap_or(&rust);
            let (ty, optional) = column_type(&field.ty);
            let chosen = of_field.get("column_type").cloned().flatten();
            let primary = has("primary_key");
            let stops =
                of_field.get("auto_increment").cloned().flatten().is_some_and(|value| value == "false");
            let ty = chosen.and_then(|chosen| named_type(&chosen)).unwrap_or(ty);
            columns.push(Column {
                variant: of_field.get("enum_name").cloned().flatten().unwrap_or_else(|| camel_case(rust)),
                field: rust.to_owned(),
                name: of_field.get("column_name").cloned().flatten().unwrap_or_else(|| snake_case(rust)),
                counts: primary
                    && !stops
                    && matches!(ty, ColumnType::Method("integer" | "big_integer" | "small_integer")),
                ty,
                not_null: primary || !(optional || has("nullable")),
                primary,
                unique: has("unique"),
                span,
            });
        }
        Some(Entity {
            home: home.clone(),
            schema: of_table.get("schema_name").cloned().flatten(),
            table,
            span: place(item.ident.span()),
            columns,
            relations,
        })
    }
}

/// Relations of `#[derive(DeriveRelation)] enum Relation`, for the entity of the same module.
pub(super) fn add_relation_enum(orm: &mut SeaOrm, item: &syn::ItemEnum, home: &Home) {
    if item.ident != "Relation" || !derives(&item.attrs, &["DeriveRelation"]) {
        return;
    }
    let mut found = Vec::new();
    for variant in &item.variants {
        let own = variant.attrs.iter().filter(|attribute| attribute.path().is_ident("sea_orm"));
        let with: std::collections::BTreeMap<_, _> = own.flat_map(options).collect();
        let span = orm.span(home, variant.ident.span());
        found.extend(relation(&with, &syn::Type::Verbatim(proc_macro2::TokenStream::new()), span));
    }
    add(orm, home, found);
}

/// `impl RelationTrait for Relation { fn def(&self) -> RelationDef { … Entity::belongs_to(x::Entity).from(Column::A)
/// .to(x::Column::B).into() … } }`.
pub(super) fn add_relations(orm: &mut SeaOrm, function: &Function) {
    let mut chains = Chains { found: Vec::new() };
    syn::visit::Visit::visit_block(&mut chains, &function.block);
    let home = function.home.clone();
    let found = chains.found.into_iter().filter_map(|chain| {
        let target = chain.target?;
        let span = orm.span(&home, chain.span);
        Some(Relation { target, from: chain.from?, to: chain.to?, span })
    });
    let found = found.collect();
    add(orm, &home, found);
}

fn add(orm: &mut SeaOrm, home: &Home, found: Vec<Relation>) {
    if let Some(entity) = orm.entities.iter_mut().find(|entity| entity.home == *home) {
        entity.relations.extend(found);
        return;
    }
    orm.loose.push((home.clone(), found));
}

/// Gives relations that were read before their entity to it.
pub(super) fn settle(orm: &mut SeaOrm) {
    for (home, found) in std::mem::take(&mut orm.loose) {
        if let Some(entity) = orm.entities.iter_mut().find(|entity| entity.home == home) {
            entity.relations.extend(found);
        }
    }
}

struct Chain {
    target: Option<Vec<String>>,
    from: Option<Vec<String>>,
    to: Option<Vec<String>>,
    span: proc_macro2::Span,
}

struct Chains {
    found: Vec<Chain>,
}

impl<'ast> syn::visit::Visit<'ast> for Chains {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let mut chain = Chain { target: None, from: None, to: None, span: call.span() };
        let mut at: &syn::Expr = &call.receiver;
        collect(&mut chain, &call.method, &call.args);
        loop {
            match at {
                syn::Expr::MethodCall(inner) => {
                    collect(&mut chain, &inner.method, &inner.args);
                    at = &inner.receiver;
                }
                syn::Expr::Call(root) => {
                    if let syn::Expr::Path(path) = &*root.func
                        && path.path.segments.last().is_some_and(|last| last.ident == "belongs_to")
                    {
                        chain.target = root.args.first().and_then(path_of);
                    }
                    break;
                }
                _ => break,
            }
        }
        if chain.target.is_some() {
            self.found.push(chain);
        }
    }
}

fn collect(
    chain: &mut Chain,
    method: &syn::Ident,
    args: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
) {
    let path = args.first().and_then(path_of);
    match method.to_string().as_str() {
        "from" => chain.from = path,
        "to" => chain.to = path,
        _ => {}
    }
}

fn path_of(expr: &syn::Expr) -> Option<Vec<String>> {
    match expr {
        syn::Expr::Path(path) => Some(path.path.segments.iter().map(|part| part.ident.to_string()).collect()),
        _ => None,
    }
}

fn relation(
    with: &std::collections::BTreeMap<String, Option<String>>,
    ty: &syn::Type,
    span: Span,
) -> Option<Relation> {
    let path = |key: &str| {
        let text = with.get(key).cloned().flatten()?;
        let parts: Vec<String> = text.split("::").map(|part| part.trim().to_owned()).collect();
        parts.iter().all(|part| !part.contains(['(', ','])).then_some(parts)
    };
    if !with.contains_key("belongs_to") {
        return None;
    }
    // In the newer form the field's type names the entity: `HasOne<super::user::Entity>`.
    let of_type = || {
        let mut names = TypePaths { found: Vec::new() };
        syn::visit::Visit::visit_type(&mut names, ty);
        names.found.into_iter().find(|path| path.last().is_some_and(|last| last == "Entity"))
    };
    let target = path("belongs_to").or_else(of_type)?;
    let (from, to) = (path("from")?, path("to")?);
    let column = |written: Vec<String>, of: &[String]| match written.as_slice() {
        // The newer form names fields.
        [field] => {
            let prefix = of.iter().take(of.len().saturating_sub(1)).cloned();
            prefix.chain(["Column".to_owned(), camel_case(field)]).collect()
        }
        _ => written,
    };
    Some(Relation { from: column(from, &[]), to: column(to, &target), target, span })
}

struct TypePaths {
    found: Vec<Vec<String>>,
}

impl<'ast> syn::visit::Visit<'ast> for TypePaths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.found.push(path.segments.iter().map(|part| part.ident.to_string()).collect());
        syn::visit::visit_path(self, path);
    }
}

fn is_relation(ty: &syn::Type) -> bool {
    let last = last_segment(ty).map(|part| part.ident.to_string());
    last.is_some_and(|last| matches!(last.as_str(), "HasOne" | "HasMany" | "BelongsTo"))
}

fn last_segment(ty: &syn::Type) -> Option<&syn::PathSegment> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

fn argument(part: &syn::PathSegment) -> Option<&syn::Type> {
    let syn::PathArguments::AngleBracketed(arguments) = &part.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        syn::GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The column's type by the field's, and whether it may be NULL.
fn column_type(ty: &syn::Type) -> (ColumnType, bool) {
    let Some(part) = last_segment(ty) else { return (ColumnType::Rust("unread".to_owned()), false) };
    let name = part.ident.to_string();
    if name == "Option" {
        return match argument(part) {
            Some(inner) => (column_type(inner).0, true),
            None => (ColumnType::Rust("unread".to_owned()), true),
        };
    }
    let method = match name.as_str() {
        "String" => "string",
        "i8" | "u8" => "tiny_integer",
        "i16" | "u16" => "small_integer",
        "i32" => "integer",
        "u32" | "i64" | "u64" => "big_integer",
        "f32" => "float",
        "f64" => "double",
        "bool" => "boolean",
        "Uuid" => "uuid",
        "Decimal" | "BigDecimal" => "decimal",
        "Json" | "JsonValue" => "json",
        "Date" | "NaiveDate" | "ChronoDate" | "TimeDate" => "date",
        "Time" | "NaiveTime" | "ChronoTime" | "TimeTime" => "time",
        "DateTime" | "NaiveDateTime" | "PrimitiveDateTime" | "ChronoDateTime" | "TimeDateTime" => "date_time",
        "DateTimeUtc"
        | "DateTimeLocal"
        | "DateTimeWithTimeZone"
        | "OffsetDateTime"
        | "ChronoDateTimeUtc"
        | "ChronoDateTimeWithTimeZone"
        | "TimeDateTimeWithTimeZone" => "timestamp_with_time_zone",
        "Vec" if argument(part).and_then(last_segment).is_some_and(|of| of.ident == "u8") => "binary",
        _ => return (ColumnType::Rust(snake_case(&name)), false),
    };
    (ColumnType::Method(method), false)
}

/// `column_type = "Text"`, `"String(StringLen::N(32))"`, `"custom(\"citext\")"`.
fn named_type(written: &str) -> Option<ColumnType> {
    let (name, rest) = written.split_once('(').unwrap_or((written, ""));
    if name.trim().eq_ignore_ascii_case("custom") {
        let inner = rest.split('"').nth(1)?;
        return Some(ColumnType::Written(inner.trim_end_matches('\\').to_owned()));
    }
    let name = snake_case(name.trim());
    const METHODS: &[&str] = &[
        "char",
        "string",
        "text",
        "tiny_integer",
        "small_integer",
        "integer",
        "big_integer",
        "tiny_unsigned",
        "small_unsigned",
        "unsigned",
        "big_unsigned",
        "float",
        "double",
        "decimal",
        "money",
        "date_time",
        "timestamp",
        "timestamp_with_time_zone",
        "time",
        "date",
        "year",
        "interval",
        "binary",
        "blob",
        "boolean",
        "json",
        "json_binary",
        "uuid",
        "cidr",
        "inet",
        "mac_address",
        "ltree",
    ];
    let name = if name == "var_binary" { "binary" } else { name.as_str() };
    METHODS.iter().find(|known| **known == name).map(|known| ColumnType::Method(known))
}

pub(crate) fn camel_case(name: &str) -> String {
    let parts = name.split('_').filter(|part| !part.is_empty()).map(|part| {
        let mut chars = part.chars();
        let first = chars.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
        first + chars.as_str()
    });
    parts.collect()
}

/// The identifier of `user::Entity` or `user::Column::OrgId`.
pub(super) fn iden(orm: &SeaOrm, home: &Home, names: &[String]) -> Option<String> {
    let (last, prefix) = names.split_last()?;
    if last == "Entity" {
        return Some(entity_at(orm, home, prefix)?.table.clone());
    }
    let (kind, prefix) = prefix.split_last()?;
    if kind != "Column" {
        return None;
    }
    let entity = entity_at(orm, home, prefix)?;
    entity.columns.iter().find(|column| column.variant == *last).map(|column| column.name.clone())
}

/// The entity of the module that `prefix` leads to.
fn entity_at<'a>(orm: &'a SeaOrm, home: &Home, prefix: &[String]) -> Option<&'a Entity> {
    let path: Vec<String> = prefix.iter().cloned().chain(["Entity".to_owned()]).collect();
    orm.nearest(&orm.entities, |entity| &entity.home, home, &path)
}

/// The entity of a table.
pub(super) fn find<'a>(orm: &'a SeaOrm, table: &str) -> Option<&'a Entity> {
    let mut found = orm.entities.iter().filter(|entity| entity.table == table);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The statement that would make an entity's table.
pub(super) fn create(orm: &SeaOrm, entity: &Entity, dialect: Dialect) -> SchemaText {
    let mut text = SchemaText::new(entity.span);
    text.push("CREATE TABLE IF NOT EXISTS ");
    if let Some(schema) = &entity.schema {
        text.push(&format!("{}.", quoted(schema, dialect)));
    }
    text.push_from(&quoted(&entity.table, dialect), entity.span);
    text.push(" (");
    for (at, column) in entity.columns.iter().enumerate() {
        text.push(if at == 0 { "\n  " } else { ",\n  " });
        text.push_from(&quoted(&column.name, dialect), column.span);
        let ty = match &column.ty {
            ColumnType::Method(method) => written(method, &[], dialect).unwrap_or_default(),
            ColumnType::Written(written) => written.clone(),
            ColumnType::Rust(name) => quoted(name, dialect),
        };
        let ty = match (column.counts, dialect, ty.as_str()) {
            (true, Dialect::Postgres, "integer") => "serial".to_owned(),
            (true, Dialect::Postgres, "bigint") => "bigserial".to_owned(),
            (true, Dialect::Postgres, "smallint") => "smallserial".to_owned(),
            _ => ty,
        };
        text.push(&format!(" {ty}"));
        text.push(if column.not_null { " NOT NULL" } else { "" });
        text.push(if column.unique { " UNIQUE" } else { "" });
    }
    let primary: Vec<String> = entity
        .columns
        .iter()
        .filter(|column| column.primary)
        .map(|column| quoted(&column.name, dialect))
        .collect();
    if !primary.is_empty() {
        text.push(&format!(",\n  PRIMARY KEY ({})", primary.join(", ")));
    }
    for relation in &entity.relations {
        let Some((target, from, to)) = resolved(orm, entity, relation) else { continue };
        let mut key = SchemaText::new(relation.span);
        let target = match &target.schema {
            Some(schema) => format!("{}.{}", quoted(schema, dialect), quoted(&target.table, dialect)),
            None => quoted(&target.table, dialect),
        };
        let (from, to) = (quoted(&from, dialect), quoted(&to, dialect));
        key.push_from(&format!("FOREIGN KEY ({from}) REFERENCES {target} ({to})"), relation.span);
        text.push(",\n  ");
        text.push_text(&key);
    }
    text.push("\n)");
    text
}

fn resolved<'a>(
    orm: &'a SeaOrm,
    entity: &Entity,
    relation: &Relation,
) -> Option<(&'a Entity, String, String)> {
    let prefix = relation.target.split_last().map(|(_, prefix)| prefix).unwrap_or_default();
    let target = entity_at(orm, &entity.home, prefix)?;
    let column = |of: &Entity, path: &[String]| {
        let variant = path.last()?;
        of.columns.iter().find(|column| column.variant == *variant).map(|column| column.name.clone())
    };
    Some((target, column(entity, &relation.from)?, column(target, &relation.to)?))
}
