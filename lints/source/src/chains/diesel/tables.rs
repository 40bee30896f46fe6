//! Tables and columns by the names that a file gives them.

use std::rc::Rc;

use tenantry_span::Span;

use super::handed;
use crate::HandedPart;
use crate::chains::declared::{Declaration, JoinDeclaration, TableDeclaration};
use crate::chains::fragment::Fragment;
use crate::chains::resolve::Place;
use crate::read::Reader;

/// How far modules are followed that export all of another one.
const MAX_EXPORTS: usize = 4;

/// A table as it is named at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its name in Rust.
    pub(crate) name: String,
    pub(crate) declared: Rc<TableDeclaration>,
    /// The name that `alias!` gives it.
    pub(crate) alias: Option<String>,
    /// The parameter or type parameter by which whoever calls says which table it is; nothing else is known of it then.
    pub(crate) handed: Option<Span>,
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
        if let Some(place) = self.handed {
            return handed::part(span, &self.name, HandedPart::Table(place));
        }
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
            Source::Table(table) => match table.handed {
                Some(place) => vec![handed::part(span, &table.name, HandedPart::Columns(place))],
                None => table.columns(span).iter().map(Column::text).collect(),
            },
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

impl<'a> Reader<'a> {
    /// What a path names, written so that the names of imports are resolved.
    pub(crate) fn diesel_named(&self, path: &[String], span: Span) -> Option<Named> {
        self.diesel_named_from(&self.place(), path, span)
    }

    /// The same, written in another module.
    pub(crate) fn diesel_named_from(&self, from: &Place, path: &[String], span: Span) -> Option<Named> {
        let (last, before) = path.split_last()?;
        let module = |parts: &[String]| self.diesel_table_from(from, parts, span);
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

    /// The table whose module a path names, written in the module that is walked.
    pub(crate) fn diesel_table(&self, path: &[String], span: Span) -> Option<Rc<Table>> {
        self.diesel_table_from(&self.place(), path, span)
    }

    /// The same, written in another module.
    pub(crate) fn diesel_table_from(&self, from: &Place, path: &[String], span: Span) -> Option<Rc<Table>> {
        if path.is_empty() {
            return None;
        }
        let mut found: Option<Rc<Table>> = None;
        for place in self.places(from, path) {
            let Some(table) = self.table_of(&place, span, 0) else { continue };
            // What may be either of two is neither.
            if found.as_ref().is_some_and(|known| *known != table) {
                return None;
            }
            found = Some(table);
        }
        found
    }

    /// The table at a place, or the one whose module is exported there as a whole.
    fn table_of(&self, place: &Place, span: Span, depth: usize) -> Option<Rc<Table>> {
        let name = place.path.last()?;
        let declared = self.declared_at(place, |declared| match declared.what {
            Declaration::Table(table) => Some(table),
            _ => None,
        });
        if let Some(declared) = declared {
            return Some(Rc::new(Table {
                name: name.clone(),
                declared: Rc::new(declared),
                alias: None,
                handed: None,
                span,
            }));
        }
        if depth > MAX_EXPORTS {
            return None;
        }
        if matches!(name.as_str(), "dsl" | "columns") {
            let mut above = place.clone();
            above.path.pop();
            return self.table_of(&above, span, depth + 1);
        }
        let mut found: Option<Rc<Table>> = None;
        for module in self.globs_of(place) {
            let Some(table) = self.table_of(&module, span, depth + 1) else { continue };
            if found.as_ref().is_some_and(|known| *known != table) {
                return None;
            }
            found = Some(table);
        }
        found
    }

    /// Why the path of a table names none.
    pub(crate) fn no_table(&self, path: &[String]) -> String {
        let written = path.join("::");
        let name = path.last().map(String::as_str).unwrap_or_default();
        let declared = self.surroundings.declarations(name);
        let tables = declared.iter().filter(|one| matches!(one.what, Declaration::Table(_)));
        let mut places: Vec<String> = tables
            .map(|one| [&one.krate].into_iter().chain(&one.module).cloned().collect::<Vec<_>>().join("::"))
            .collect();
        places.sort();
        match places.as_slice() {
            [] => format!("`{written}` is declared by no `table!` that was read"),
            [only] => format!("`{written}` is not known to be the `{name}` that `{only}` declares"),
            _ => {
                let places = places.join("`, `");
                format!("which `{name}` is meant by `{written}` is not known: `{places}` declare one")
            }
        }
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
