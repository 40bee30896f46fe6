//! Types as DDL writes them.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AstNode};

use super::nodes::{has, text, words};
use super::{Read, Reader, need};
use crate::catalog::QualifiedName;
use crate::types::SqlType;

/// A type as it was written.
pub(super) struct Written {
    /// What it means.
    pub(super) ty: SqlType,
    /// How the database names it, to tell overloads apart.
    pub(super) signature: String,
    /// `SETOF`.
    pub(super) set: bool,
    /// `serial` and its kin, which bring a default.
    pub(super) serial: bool,
    /// The last part of its name as written.
    pub(super) name: String,
}

impl Reader<'_> {
    /// Reads a type.
    pub(super) fn ty(&self, ty: Option<ast::Type>) -> Read<Written> {
        let ty = need(ty, "type")?;
        let set = has(ty.syntax(), SyntaxKind::SETOF_KW);
        let written = match &ty {
            ast::Type::ArrayType(array) => return self.array(array),
            ast::Type::PathType(path) => return self.path_type(path),
            ast::Type::VarcharType(varchar) => match length(varchar.arg_list()) {
                Some(length) => simple(SqlType::VarcharN(length), "varchar"),
                None => simple(SqlType::Text, "varchar"),
            },
            ast::Type::CharacterType(_) => simple(SqlType::Char, "bpchar"),
            ast::Type::BitType(_) => simple(SqlType::Named("bit".to_owned()), "bit"),
            ast::Type::BitVaryingType(_) => simple(SqlType::Named("varbit".to_owned()), "varbit"),
            ast::Type::DoubleType(_) => simple(SqlType::Float, "float8"),
            ast::Type::IntervalType(_) => simple(SqlType::Temporal, "interval"),
            ast::Type::TimeType(time) => match time.timezone() {
                Some(ast::Timezone::WithTimezone(_)) => simple(SqlType::Temporal, "timetz"),
                Some(ast::Timezone::WithoutTimezone(_)) | None => simple(SqlType::Temporal, "time"),
            },
            ast::Type::TimestampType(timestamp) => match timestamp.timezone() {
                Some(ast::Timezone::WithTimezone(_)) => simple(SqlType::Temporal, "timestamptz"),
                Some(ast::Timezone::WithoutTimezone(_)) | None => simple(SqlType::Temporal, "timestamp"),
            },
        };
        Ok(Written { set, ..written })
    }

    /// Reads the type of a parameter or result, which may be that of a column.
    pub(super) fn func_type(&self, ty: Option<ast::FuncType>) -> Read<Written> {
        match need(ty, "type")? {
            ast::FuncType::Type(ty) => self.ty(Some(ty)),
            ast::FuncType::PercentType(percent) => {
                let path = need(percent.path_ref(), "type")?;
                let column = self.path_ref(Some(path.clone()))?;
                let table = self.relation(path.qualifier())?;
                let table = self.editor.catalog.tables.get(&table);
                let found = table.and_then(|table| table.columns.get(table.column(&column.name)?));
                let ty = found.map_or(SqlType::Unknown, |column| column.ty.clone());
                let signature = text(percent.syntax());
                let set = percent.setof_token().is_some();
                Ok(Written { ty, set, serial: false, name: signature.clone(), signature })
            }
        }
    }

    fn array(&self, array: &ast::ArrayType) -> Read<Written> {
        let of = self.ty(array.ty())?;
        let ty = SqlType::Array(Box::new(of.ty));
        Ok(Written { ty, signature: format!("{}[]", of.signature), ..of })
    }

    fn path_type(&self, path: &ast::PathType) -> Read<Written> {
        let set = path.setof_token().is_some();
        let name = self.path_ref(path.path_ref())?;
        let builtin = name.schema.as_deref().is_none_or(|schema| schema == "pg_catalog");
        let quoted = text(path.syntax()).contains('"');
        // A type of the schema hides none of PostgreSQL's, since `pg_catalog` is searched first.
        let known = SqlType::from_name(&name.name, length(path.arg_list()));
        let (ty, signature) = match known {
            SqlType::Named(_) | SqlType::Char if quoted || !builtin => self.user_type(&name),
            SqlType::Named(_) => self.user_type(&name),
            known if builtin => (known, canonical(&name.name).to_owned()),
            _ => self.user_type(&name),
        };
        let serial = builtin && is_serial(&name.name);
        Ok(Written { ty, signature, set, serial, name: name.name })
    }

    /// A user's type: by its name alone where the search path finds it, else with its schema.
    fn user_type(&self, name: &super::nodes::Name) -> (SqlType, String) {
        let is_there = |name: &QualifiedName| self.editor.catalog.types.contains_key(name);
        let found = self.existing(name.clone(), is_there);
        let on_path = name.schema.is_none() || self.editor.catalog.search_path.first() == Some(&found.schema);
        let spelled = if on_path { found.name } else { format!("{}.{}", found.schema, found.name) };
        (SqlType::Named(spelled.clone()), spelled)
    }
}

fn simple(ty: SqlType, signature: &str) -> Written {
    Written { ty, signature: signature.to_owned(), set: false, serial: false, name: signature.to_owned() }
}

/// The first modifier, where it is a plain number.
fn length(args: Option<ast::ArgList>) -> Option<u32> {
    words(args?.args().next()?.syntax()).parse().ok()
}

fn is_serial(name: &str) -> bool {
    matches!(name, "serial" | "serial2" | "serial4" | "serial8" | "bigserial" | "smallserial")
}

/// The name under which the database keeps a type of its own.
fn canonical(name: &str) -> &str {
    match name {
        "int" | "integer" | "serial" | "serial4" => "int4",
        "bigint" | "bigserial" | "serial8" => "int8",
        "smallint" | "smallserial" | "serial2" => "int2",
        "boolean" => "bool",
        "decimal" | "dec" => "numeric",
        "real" => "float4",
        "float" => "float8",
        name => name,
    }
}
