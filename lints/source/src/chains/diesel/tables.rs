//! Tables and columns by the names that a file gives them.

use std::rc::Rc;

use tenantry_span::Span;

use crate::chains::declared::{Declaration, Declared, JoinDeclaration, TableDeclaration};
use crate::chains::fragment::Fragment;
use crate::read::Reader;

/// A table as it is named at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its name in Rust.
    pub(crate) name: String,
    pub(crate) declared: Rc<TableDeclaration>,
    /// The name that `alias!` gives it.
    pub(crate) alias: Option<String>,
    /// Where it is named first.
    pub(crate) span: Span,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) table: Rc<Table>,
    /// Its name in the database.
    pub(crate) name: String,
    /// Its name in Rust.
    pub(crate) rust: String,
    pub(crate) span: Span,
}

/// What a query reads from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A table.
    Table(Rc<Table>),
    /// Two sources and how they are joined.
    Join {
        left: Box<Source>,
        right: Box<Source>,
        /// `INNER JOIN` or `LEFT OUTER JOIN`.
        word: &'static str,
        on: Fragment,
        span: Span,
    },
}

/// What a path names.
pub(crate) enum Named {
    Table(Rc<Table>),
    Column(Column),
    /// All columns of a table.
    All(Rc<Table>),
    /// `t::star`.
    Star(Rc<Table>),
}

impl Table {
    /// The name in front of its columns.
    pub(crate) fn qualifier(&self, span: Span) -> Fragment {
        match &self.alias {
            Some(alias) => Fragment::name(alias, span),
            None => self.qualified(span),
        }
    }

    fn qualified(&self, span: Span) -> Fragment {
        let name = Fragment::name(&self.declared.name, span);
        match &self.declared.schema {
            Some(schema) => Fragment::name(schema, span).write(".", span).then(name),
            None => name,
        }
    }

    /// The table where it stands as a source.
    pub(crate) fn as_source(&self, span: Span) -> Fragment {
        match &self.alias {
            Some(alias) => self.qualified(span).write(" AS ", span).then(Fragment::name(alias, span)),
            None => self.qualified(span),
        }
    }

    /// The column of this name in Rust.
    pub(crate) fn column(self: &Rc<Table>, rust: &str, span: Span) -> Option<Column> {
        let found = self.declared.columns.iter().find(|column| column.name == rust)?;
        Some(Column { table: Rc::clone(self), name: found.column.clone(), rust: rust.to_owned(), span })
    }

    /// All columns in order.
    pub(crate) fn columns(self: &Rc<Table>, span: Span) -> Vec<Column> {
        self.declared.columns.iter().filter_map(|column| self.column(&column.name, span)).collect()
    }

    /// The columns of the primary key.
    pub(crate) fn key(self: &Rc<Table>, span: Span) -> Vec<Column> {
        self.declared.key.iter().filter_map(|name| self.column(name, span)).collect()
    }
}

impl Column {
    /// Its text.
    pub(crate) fn text(&self) -> Fragment {
        let qualifier = self.table.qualifier(self.span);
        qualifier.write(".", self.span).then(Fragment::name(&self.name, self.span))
    }

    /// Its name alone, as in a list of columns that are written.
    pub(crate) fn bare(&self) -> Fragment {
        Fragment::name(&self.name, self.span)
    }
}

impl Source {
    /// Its text after FROM.
    pub(crate) fn text(&self, span: Span) -> Fragment {
        match self {
            Source::Table(table) => table.as_source(span),
            Source::Join { left, right, word, on, span } => {
                let right = match &**right {
                    Source::Table(table) => table.as_source(*span),
                    join => join.text(*span).nested(*span),
                };
                let left = left.text(*span);
                left.write(format!(" {word} "), *span).then(right).write(" ON ", *span).then(on.clone())
            }
        }
    }

    /// The columns that are read where nothing is selected.
    pub(crate) fn columns(&self, span: Span) -> Vec<Fragment> {
        match self {
            Source::Table(table) => table.columns(span).iter().map(Column::text).collect(),
            Source::Join { left, right, .. } => {
                let mut all = left.columns(span);
                all.extend(right.columns(span));
                all
            }
        }
    }

    /// The table that others are joined to.
    pub(crate) fn first(&self) -> &Rc<Table> {
        match self {
            Source::Table(table) => table,
            Source::Join { left, .. } => left.first(),
        }
    }
}

/// Of several declarations of one name the one whose module ends as a path says; the only one, whatever it says.
pub(crate) fn meant<'d, T>(several: &[(&'d Declared, &'d T)], module: &[String]) -> Option<&'d T> {
    if let [(_, only)] = several {
        return Some(only);
    }
    let fits = |declared: &Declared| {
        let whole: Vec<&String> = [&declared.krate].into_iter().chain(&declared.module).collect();
        whole.ends_with(&module.iter().collect::<Vec<_>>())
    };
    let mut named = several.iter().filter(|(declared, _)| !module.is_empty() && fits(declared));
    match (named.next(), named.next()) {
        (Some((_, one)), None) => Some(one),
        _ => None,
    }
}

impl<'a> Reader<'a> {
    /// What a path names, written so that the names of imports are resolved.
    pub(crate) fn diesel_named(&self, path: &[String], span: Span) -> Option<Named> {
        let (last, before) = path.split_last()?;
        let module = |parts: &[String]| -> Option<Rc<Table>> {
            let parts = match parts.split_last() {
                Some((last, before)) if matches!(last.as_str(), "dsl" | "columns") => before,
                _ => parts,
            };
            self.diesel_table(parts, span)
        };
        match last.as_str() {
            "table" => return module(before).map(Named::Table),
            "all_columns" => return module(before).map(Named::All),
            "star" => return module(before).map(Named::Star),
            _ => {}
        }
        let table = module(before)?;
        let in_dsl = before.last().is_some_and(|last| last == "dsl");
        if in_dsl && table.name == *last {
            return Some(Named::Table(table));
        }
        table.column(last, span).map(Named::Column)
    }

    /// The modules of a path, without what only says where it begins.
    pub(crate) fn module_parts(&self, path: &[String]) -> Vec<String> {
        let above = path.iter().take_while(|part| *part == "super").count();
        let begin = match path.first().map(String::as_str) {
            Some("self") => self.module.as_slice(),
            Some("super") => self.module.get(..self.module.len().saturating_sub(above)).unwrap_or_default(),
            _ => &[],
        };
        let rest = path.iter().filter(|part| !matches!(part.as_str(), "crate" | "self" | "super"));
        begin.iter().chain(rest).cloned().collect()
    }

    /// The table whose module a path names.
    pub(crate) fn diesel_table(&self, path: &[String], span: Span) -> Option<Rc<Table>> {
        let (name, module) = path.split_last()?;
        let declared = self.surroundings.declarations(name);
        let tables: Vec<(&Declared, &TableDeclaration)> = declared
            .iter()
            .filter_map(|declared| match &declared.what {
                Declaration::Table(table) => Some((declared, table)),
                _ => None,
            })
            .collect();
        let found = match meant(&tables, &self.module_parts(module)) {
            Some(one) => one,
            // Twins that say the same are one.
            None if tables.windows(2).all(|pair| matches!(pair, [(_, a), (_, b)] if a == b)) => {
                tables.first().map(|(_, one)| *one)?
            }
            None => return None,
        };
        let declared = Rc::new(TableDeclaration::clone(found));
        Some(Rc::new(Table { name: name.clone(), declared, alias: None, span }))
    }

    /// How two tables are joined where a chain does not say it.
    pub(crate) fn diesel_join(&self, one: &Rc<Table>, other: &Rc<Table>, span: Span) -> Option<Fragment> {
        let declared = self.surroundings.declarations(&one.name);
        let mut joins: Vec<JoinDeclaration> = Vec::new();
        for declared in declared {
            if let Declaration::Join(join) = declared.what
                && (join.child == one.name && join.parent == other.name
                    || join.child == other.name && join.parent == one.name)
                && !joins.contains(&join)
            {
                joins.push(join);
            }
        }
        let [join] = joins.as_slice() else { return None };
        let (child, parent) = if join.child == one.name { (one, other) } else { (other, one) };
        let column = child.column(&join.column, span)?;
        let [key] = parent.key(span).try_into().ok()?;
        let key: Column = key;
        Some(column.text().write(" = ", span).then(key.text()).nested(span))
    }
}
