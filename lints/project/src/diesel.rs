//! Diesel's `table!` files, for databases whose migrations are not there.
//!
//! **Invariant:** a `table!` says columns, types and the primary key. It may have been cut down by hand, so its tables are
//! not `complete`; foreign keys that `joinable!` tells of are not `validated`, and what they do is not known.
//! **Invariant:** SQL wins. A table that SQL makes keeps its constraints, whatever `table!` says of it.

use std::collections::HashMap;
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};
use tenantry_prover::catalog::{
    Catalog, Column, ColumnDefault, ForeignKey, Key, KeyKind, QualifiedName, ReferentialAction,
    SkippedStatement, Table,
};
use tenantry_prover::types::SqlType;
use tenantry_source::{TableDeclaration, diesel_join, diesel_table};
use tenantry_span::{FileId, Span, TextRange};

/// How deep braces are followed to a macro call.
const MAX_DEPTH: usize = 8;

/// True if a file may hold `table!` calls.
pub(crate) fn has_tables(text: &str) -> bool {
    text.contains("table!")
}

/// Adds the tables of one file. What cannot be read is noted in the catalog.
pub(crate) fn apply(catalog: &mut Catalog, file: FileId, text: &str) {
    let Ok(tokens) = TokenStream::from_str(text) else {
        let why = "the file is not made of Rust tokens".to_owned();
        let span = Span::new(file, TextRange::from_usize(0, text.len()));
        catalog.skipped.push(SkippedStatement { span, why, table: None });
        return;
    };
    let mut calls = Vec::new();
    collect(tokens, 0, &mut calls);
    let mut reader = Reader { catalog, file, text, named: HashMap::new() };
    for (name, body) in &calls {
        if name == "table" {
            reader.table(body.clone());
        }
    }
    for (name, body) in calls {
        if name == "joinable" {
            reader.joinable(body);
        }
    }
}

/// The macro calls of a file, in order, with the last segment of their names.
fn collect(tokens: TokenStream, depth: usize, calls: &mut Vec<(String, TokenStream)>) {
    if depth > MAX_DEPTH {
        return;
    }
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let (TokenTree::Ident(name), Some(TokenTree::Punct(bang)), Some(TokenTree::Group(body))) =
            (token, tokens.get(at + 1), tokens.get(at + 2))
            && bang.as_char() == '!'
        {
            calls.push((name.to_string(), body.stream()));
            at += 3;
            continue;
        }
        if let TokenTree::Group(group) = token {
            collect(group.stream(), depth + 1, calls);
        }
        at += 1;
    }
}

struct Reader<'a> {
    catalog: &'a mut Catalog,
    file: FileId,
    text: &'a str,
    /// The tables by their names in Rust.
    named: HashMap<String, (QualifiedName, TableDeclaration)>,
}

/// The name in the database of a column, by its name in Rust.
fn column_of(table: &TableDeclaration, rust: &str) -> String {
    let found = table.columns.iter().find(|column| column.name == rust);
    found.map_or_else(|| rust.to_owned(), |column| column.column.clone())
}

impl Reader<'_> {
    fn table(&mut self, body: TokenStream) {
        match diesel_table(body) {
            Some((rust, declared)) => self.add(rust, declared),
            None => {
                let span = Span::new(self.file, TextRange::from_usize(0, self.text.len()));
                let why = "a `table!` of another form than Diesel's".to_owned();
                self.catalog.skipped.push(SkippedStatement { span, why, table: None });
            }
        }
    }

    fn add(&mut self, rust: String, declared: TableDeclaration) {
        let span = self.place(&declared.name);
        let schema = declared.schema.clone().unwrap_or_else(|| self.catalog.default_schema.clone());
        let name = QualifiedName { schema, name: declared.name.clone() };
        let primary: Vec<String> = declared.key.iter().map(|key| column_of(&declared, key)).collect();
        let columns = declared.columns.iter().map(|column| {
            let inner = column.ty.strip_prefix("Nullable<").and_then(|ty| ty.strip_suffix('>'));
            Column {
                not_null: inner.is_none() || primary.contains(&column.column),
                name: column.column.clone(),
                ty: sql_type(inner.unwrap_or(&column.ty)),
                default: ColumnDefault::None,
                collation: None,
                span,
            }
        });
        let columns = columns.collect();
        let primary = Key {
            name: format!("{}_pkey", name.name),
            kind: KeyKind::Primary,
            mentions: primary.clone(),
            columns: primary,
            has_expressions: false,
            expressions: Vec::new(),
            predicate: None,
            deferrable: false,
            nulls_not_distinct: false,
            is_constraint: true,
            span,
        };
        let table = Table { columns, keys: vec![primary], complete: false, ..Table::new(name.clone(), span) };
        self.keep(table);
        self.named.insert(rust, (name, declared));
    }

    /// Adds a table, or to one that is known already what of it is not.
    fn keep(&mut self, table: Table) {
        if self.catalog.views.contains_key(&table.name) {
            return;
        }
        let Some(known) = self.catalog.tables.get_mut(&table.name) else {
            self.catalog.tables.insert(table.name.clone(), table);
            return;
        };
        if known.complete {
            return;
        }
        let missing: Vec<Column> =
            table.columns.into_iter().filter(|column| known.column(&column.name).is_none()).collect();
        known.columns.extend(missing);
        if known.primary_key().is_none() {
            known.keys.extend(table.keys);
        }
    }

    /// `joinable!(child -> parent (column))`.
    fn joinable(&mut self, body: TokenStream) {
        let Some(join) = diesel_join(body) else { return };
        let (Some((child, declared)), Some((target, _))) =
            (self.named.get(&join.child), self.named.get(&join.parent))
        else {
            return;
        };
        let column = column_of(declared, &join.column);
        let primary = self.catalog.tables.get(target).and_then(Table::primary_key);
        let target_columns = primary.map(|key| key.columns.clone()).unwrap_or_default();
        let (span, target) = (self.place(&join.column), target.clone());
        let Some(table) = self.catalog.tables.get_mut(child) else { return };
        let is_known = |key: &ForeignKey| key.target == target && key.columns == [column.clone()];
        let has_all = table.complete || table.foreign_keys.iter().any(is_known);
        if has_all || target_columns.len() != 1 || table.column(&column).is_none() {
            return;
        }
        table.foreign_keys.push(ForeignKey {
            name: format!("{}_{column}_fkey", child.name),
            columns: vec![column],
            target,
            target_columns,
            on_delete: ReferentialAction::Unknown,
            on_update: ReferentialAction::Unknown,
            validated: false,
            deferrable: false,
            match_full: false,
            span,
        });
    }

    /// Where a name stands first: tokens have no places outside of the engine.
    fn place(&self, name: &str) -> Span {
        let at = self.text.find(&format!("{name} (")).or_else(|| self.text.find(name)).unwrap_or(0);
        Span::new(self.file, TextRange::from_usize(at, at + name.len()))
    }
}

fn sql_type(name: &str) -> SqlType {
    if let Some(of) = name.strip_prefix("Array<").and_then(|of| of.strip_suffix('>')) {
        let of = of.strip_prefix("Nullable<").and_then(|of| of.strip_suffix('>')).unwrap_or(of);
        return SqlType::Array(Box::new(sql_type(of)));
    }
    match name.rsplit("::").next().unwrap_or(name) {
        "Bool" => SqlType::Bool,
        "Int2" | "Int4" | "Int8" | "SmallInt" | "Integer" | "BigInt" | "Oid" => SqlType::Int,
        "Numeric" | "Decimal" => SqlType::Numeric,
        "Float" | "Float4" | "Float8" | "Double" => SqlType::Float,
        // A `Varchar` may have a length; equality on it is that of text.
        "Text" | "Varchar" | "VarChar" => SqlType::Text,
        "Bpchar" => SqlType::Char,
        "Uuid" => SqlType::Uuid,
        "Bytea" | "Binary" => SqlType::Bytes,
        "Json" => SqlType::Json,
        "Jsonb" => SqlType::Jsonb,
        "Date" | "Time" | "Timestamp" | "Timestamptz" | "Interval" | "TimestamptzSqlite" | "Datetime" => {
            SqlType::Temporal
        }
        other => SqlType::Named(other.to_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenantry_policy::Dialect;

    #[test]
    fn tables_keys_and_joins_are_read() {
        let text = r#"
            pub mod sql_types { pub struct Kind; }
            diesel::table! {
                use diesel::sql_types::*;
                /// Lines of orders.
                billing.lines (order_id, line) {
                    order_id -> Uuid,
                    #[max_length = 36]
                    line -> Varchar,
                    #[sql_name = "type"]
                    kind -> Nullable<Array<Nullable<Text>>>,
                }
            }
            table! { #[sql_name = "order"] orders { id -> Uuid, tenant_id -> Nullable<Int8>, } }
            diesel::joinable!(lines -> orders (order_id));
            diesel::allow_tables_to_appear_in_same_query!(lines, orders,);
        "#;
        let mut catalog = Catalog::empty(Dialect::Postgres);
        apply(&mut catalog, FileId(0), text);
        assert!(catalog.skipped.is_empty());
        let lines =
            &catalog.tables[&QualifiedName { schema: "billing".to_owned(), name: "lines".to_owned() }];
        let columns: Vec<(&str, bool)> =
            lines.columns.iter().map(|column| (column.name.as_str(), column.not_null)).collect();
        assert_eq!(columns, [("order_id", true), ("line", true), ("type", false)]);
        assert_eq!(
            lines.primary_key().map(|key| key.columns.clone()),
            Some(vec!["order_id".to_owned(), "line".to_owned()])
        );
        let foreign: Vec<(&str, &str, bool)> = lines
            .foreign_keys
            .iter()
            .map(|key| (key.target.name.as_str(), key.target_columns[0].as_str(), key.validated))
            .collect();
        assert_eq!(foreign, [("order", "id", false)]);
        assert!(lines.foreign_keys.iter().all(|key| key.on_delete == ReferentialAction::Unknown));
        assert!(!lines.complete);
    }

    #[test]
    fn what_sql_says_of_a_table_stays() {
        let sql = "CREATE TABLE orders (id uuid PRIMARY KEY);
            CREATE TABLE lines (id uuid PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE);
            CREATE VIEW latest AS SELECT id FROM lines;";
        let mut catalog = Catalog::empty(Dialect::Postgres);
        tenantry_prover::lower::apply(Dialect::Postgres, &mut catalog, FileId(0), sql);
        let text = "table! { orders (id) { id -> Uuid, } }
            table! { lines (id) { id -> Uuid, order_id -> Uuid, note -> Text, } }
            table! { latest (id) { id -> Uuid, } }
            table! { others (id) { id -> Uuid, line_id -> Uuid, } }
            joinable!(lines -> orders (order_id));
            joinable!(others -> lines (line_id));";
        apply(&mut catalog, FileId(1), text);
        let table = |name: &str| {
            catalog.tables.get(&QualifiedName { schema: "public".to_owned(), name: name.to_owned() })
        };
        let lines = table("lines").expect("the table of the SQL");
        assert!(lines.complete && lines.column("note").is_none());
        let actions: Vec<_> = lines.foreign_keys.iter().map(|key| key.on_delete.clone()).collect();
        assert_eq!(actions, [ReferentialAction::Cascade]);
        assert!(table("latest").is_none());
        assert_eq!(table("others").map(|table| table.foreign_keys.len()), Some(1));
    }
}
